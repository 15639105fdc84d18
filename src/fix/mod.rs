//! Fixes: chosen, merged, applied in memory, and written. Whether they did what they promise is seen by linting again,
//! which is the engine's part.

mod diff;
mod write;

use std::path::PathBuf;

use rustc_hash::FxHashMap;

pub use diff::unified;
pub use write::{WriteError, write, write_text};

use crate::finding::{Applicability, Edit, Finding, Fix};
use crate::source::{FileId, SourceSet};

/// A file with fixes applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it lies.
    pub path: PathBuf,
    /// How reports name it.
    pub name: String,
    /// Its text as it was read.
    pub before: String,
    /// Its text with the fixes.
    pub after: String,
}

/// The fix of a finding to apply, at this level or a safer one: the safest, and of equals the first.
pub fn choose(finding: &Finding, level: Applicability) -> Option<&Fix> {
    let allowed = finding.fixes.iter().filter(|fix| fix.applicability >= level.max(Applicability::Unsafe));
    allowed.rev().max_by_key(|fix| fix.applicability)
}

/// Fixes that can be applied together.
#[derive(Debug, Default)]
pub struct Plan {
    edits: FxHashMap<FileId, Vec<Edit>>,
}

impl Plan {
    /// Adds a fix, whole or not at all. Says whether it is part of the plan: one that touches what another changes is
    /// not, unless both make the same change.
    pub fn add(&mut self, fix: &Fix) -> bool {
        let mut new: Vec<&Edit> = Vec::new();
        for edit in &fix.edits {
            let known = self.edits.get(&edit.span.file).into_iter().flatten();
            if known.clone().any(|other| other == edit) || new.contains(&edit) {
                continue;
            }
            if known.chain(new.iter().copied()).any(|other| collide(other, edit)) {
                return false;
            }
            new.push(edit);
        }
        for edit in new {
            self.edits.entry(edit.span.file).or_default().push(edit.clone());
        }
        true
    }

    /// The texts of the files with all fixes of the plan, by name. Nothing is written.
    pub fn changes(&self, sources: &SourceSet) -> Vec<Change> {
        let mut changes: Vec<Change> = self
            .edits
            .iter()
            .filter_map(|(&id, edits)| {
                let file = sources.get(id);
                let after = applied(&file.text, edits)?;
                let (path, name, before) = (file.path.clone(), file.name.clone(), file.text.clone());
                (after != before).then_some(Change { path, name, before, after })
            })
            .collect();
        changes.sort_by(|a, b| a.name.cmp(&b.name));
        changes
    }
}

/// Whether two different edits cannot both be made: they overlap, or insert at the same place.
fn collide(a: &Edit, b: &Edit) -> bool {
    if a.span.file != b.span.file {
        return false;
    }
    let apart = a.span.end <= b.span.start || b.span.end <= a.span.start;
    !apart || (a.span.start == b.span.start && (a.span.start == a.span.end || b.span.start == b.span.end))
}

/// `text` with edits that do not collide; `None` where one of them is not within it. New lines end as the others do.
fn applied(text: &str, edits: &[Edit]) -> Option<String> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let crlf = text.find('\n').is_some_and(|at| text[..at].ends_with('\r'));
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.span.start as usize)?);
        let replacement = edit.replacement.replace("\r\n", "\n");
        if crlf {
            out.push_str(&replacement.replace('\n', "\r\n"));
        } else {
            out.push_str(&replacement);
        }
        at = edit.span.end as usize;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Category, Label, Severity};
    use crate::source::Span;

    fn edit(start: u32, end: u32, replacement: &str) -> Edit {
        Edit { span: Span::new(FileId(0), start, end), replacement: replacement.to_owned() }
    }

    fn fix(edits: &[Edit]) -> Fix {
        Fix { title: String::new(), applicability: Applicability::Safe, edits: edits.to_vec() }
    }

    #[test]
    fn fixes_are_whole_or_absent() {
        let sources = SourceSet::new("/p".into());
        sources.add("/p/a".as_ref(), "abcdef".to_owned());
        let mut plan = Plan::default();
        assert!(plan.add(&fix(&[edit(0, 1, "A"), edit(5, 6, "F")])));
        assert!(!plan.add(&fix(&[edit(2, 3, "C"), edit(5, 6, "X")])), "its second edit collides");
        assert!(plan.add(&fix(&[edit(0, 1, "A")])), "the same change");
        assert!(plan.add(&fix(&[edit(1, 1, "+")])), "it touches, and does not overlap");
        assert!(!plan.add(&fix(&[edit(1, 2, "-")])), "at the place of an insertion");
        assert_eq!(plan.changes(&sources)[0].after, "A+bcdeF");
    }

    #[test]
    fn line_ends_and_marks_stay() {
        assert_eq!(applied("\u{feff}a\r\nb\r\n", &[edit(6, 6, "x\ny\n")]).unwrap(), "\u{feff}a\r\nx\r\ny\r\nb\r\n");
        assert_eq!(applied("a\nb", &[edit(1, 1, "\r\nx")]).unwrap(), "a\nx\nb");
        assert_eq!(applied("é", &[edit(1, 2, "")]), None, "within a character");
        assert_eq!(applied("a", &[edit(5, 6, "")]), None);
    }

    #[test]
    fn the_safest_fix_is_chosen() {
        let place = Label::new(Span::new(FileId(0), 0, 1), "");
        let mut finding = Finding::new("r", Category::Hygiene, Severity::Note, place, "m");
        for (title, applicability) in [
            ("show", Applicability::Display),
            ("risk", Applicability::Unsafe),
            ("one", Applicability::Safe),
            ("two", Applicability::Safe),
        ] {
            finding.fixes.push(Fix { title: title.to_owned(), applicability, edits: Vec::new() });
        }
        assert_eq!(choose(&finding, Applicability::Safe).unwrap().title, "one");
        finding.fixes.truncate(2);
        assert_eq!(choose(&finding, Applicability::Safe), None);
        assert_eq!(choose(&finding, Applicability::Unsafe).unwrap().title, "risk");
        finding.fixes.truncate(1);
        assert_eq!(choose(&finding, Applicability::Display), None, "a person must fill something in");
    }
}
