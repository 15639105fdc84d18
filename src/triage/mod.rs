//! From what the rules found to what is shown: severities, ignore comments, the baseline, and the order.

mod baseline;
mod comments;
mod lexer;
mod surroundings;

use std::path::Path;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

pub use baseline::Baseline;
use comments::{Ignore, Reach, ignores};
use surroundings::Surroundings;

use crate::config::{Settings, nearest};
use crate::finding::{
    Applicability, Edit, Essence, Finding, Fingerprint, Fix, Known, Label, Reported, Severity, Suppression, fingerprint,
};
use crate::rules::page::{UNKNOWN_SUPPRESSION, UNUSED_SUPPRESSION};
use crate::rules::{Page, find_page, pages};
use crate::source::{FileId, FileKind, SourceFile, SourceSet, Span};

/// What is left of the findings of a run.
#[derive(Clone, Debug, Default)]
pub struct Triaged {
    /// To be shown, by file name and place.
    pub findings: Vec<Reported>,
    /// Settled by a comment or the baseline.
    pub suppressed: Vec<(Reported, Suppression)>,
    /// What the baseline holds and does not occur any more.
    pub gone: Vec<Known>,
}

/// What the run looked at.
pub struct Linted<'a> {
    /// Every file that was asked for, with its language.
    pub kinds: &'a FxHashMap<FileId, FileKind>,
    /// The files of servers that are known as a whole.
    pub in_servers: &'a FxHashSet<FileId>,
    /// Whether a file was asked for by its own name, and not with a folder around it.
    pub by_name: &'a dyn Fn(&Path) -> bool,
}

impl Linted<'_> {
    /// Whether what a file's comments settle would have been seen. Of a file that was asked for alone and that makes no
    /// server, most faults show only where another file uses it.
    fn is_settled_here(&self, file: &SourceFile, settings: &Settings) -> bool {
        if self.kinds.contains_key(&file.id) {
            return self.in_servers.contains(&file.id) || !(self.by_name)(&file.path);
        }
        is_settings(&file.path) && settings.asks_for(&settings.name_in_project(&file.path))
    }
}

/// Decides about each finding. Comments count in every file that was read; in some they must also be needed.
pub fn triage(
    findings: Vec<Finding>,
    settings: &Settings,
    baseline: Option<&Baseline>,
    sources: &SourceSet,
    linted: &Linted<'_>,
) -> Triaged {
    let kind_of = |file: &SourceFile| linted.kinds.get(&file.id).copied().or_else(|| language_of_comments(&file.path));
    let mut comments: FxHashMap<FileId, Vec<(Ignore, Vec<bool>)>> = FxHashMap::default();
    for file in sources.files() {
        if let Some(kind) = kind_of(&file) {
            let ignores = ignores(kind, &file);
            if !ignores.is_empty() {
                let ignores = ignores.into_iter().map(|ignore| (vec![false; ignore.rules.len()], ignore));
                comments.insert(file.id, ignores.map(|(used, ignore)| (ignore, used)).collect());
            }
        }
    }
    let path_of = |span: Span| sources.get(span.file);
    let (mut shown, mut by_comment) = (Vec::new(), Vec::new());
    for mut finding in merged(findings) {
        let reason = settle(&finding, &mut comments);
        let Some(severity) = settings.severity(finding.rule, &path_of(finding.primary.span).path, finding.severity)
        else {
            continue;
        };
        if finding.confidence < settings.min_confidence {
            continue;
        }
        finding.severity = severity;
        match reason {
            Some(reason) => by_comment.push((finding, reason)),
            None => shown.push(finding),
        }
    }
    for file in sources.files() {
        let Some(ignores) = comments.get(&file.id) else { continue };
        let is_settled_here = linted.is_settled_here(&file, settings);
        if !is_settled_here && !linted.kinds.contains_key(&file.id) {
            continue;
        }
        for (ignore, used) in ignores {
            let used = if is_settled_here { used } else { &vec![true; used.len()] };
            for mut finding in about(&file, ignore, used, settings) {
                if let Some(severity) = settings.severity(finding.rule, &file.path, finding.severity) {
                    finding.severity = severity;
                    shown.push(finding);
                }
            }
        }
    }
    let mut triaged = Triaged::default();
    let settled = by_comment.into_iter().map(|(finding, reason)| (finding, Some(reason)));
    let all = shown.into_iter().map(|finding| (finding, None)).chain(settled).collect();
    let all = named(all, settings, sources, kind_of);
    if let Some(baseline) = baseline.filter(|_| settings.touching.is_empty()) {
        triaged.gone = baseline.gone(all.iter().map(|(reported, _)| &reported.fingerprint), settings);
    }
    for (reported, reason) in all {
        if !reported.finding.spans().any(|span| settings.is_touched(&path_of(span).path)) {
            continue;
        }
        if let Some(reason) = reason {
            triaged.suppressed.push((reported, Suppression::Comment { reason }));
        } else if baseline.is_some_and(|baseline| baseline.holds(&reported.fingerprint)) {
            triaged.suppressed.push((reported, Suppression::Baseline));
        } else {
            triaged.findings.push(reported);
        }
    }
    triaged
}

/// In which language the comments of a file are written: settings have those of Python.
fn language_of_comments(path: &Path) -> Option<FileKind> {
    FileKind::of_name(path).or(is_settings(path).then_some(FileKind::Python))
}

/// Whether a file holds settings: `.env`, YAML, TOML.
fn is_settings(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(".env") || [".env", ".yml", ".yaml", ".toml"].iter().any(|end| name.ends_with(end))
}

/// The findings, those of one rule at one place made one.
fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut places: FxHashMap<(&'static str, Span), usize> = FxHashMap::default();
    let mut merged: Vec<Finding> = Vec::new();
    for finding in findings {
        match places.get(&(finding.rule, finding.primary.span)) {
            Some(&at) => {
                let known = &mut merged[at];
                for label in finding.labels {
                    if !known.labels.contains(&label) {
                        known.labels.push(label);
                    }
                }
                known.severity = known.severity.max(finding.severity);
                known.confidence = known.confidence.max(finding.confidence);
            }
            None => {
                places.insert((finding.rule, finding.primary.span), merged.len());
                merged.push(finding);
            }
        }
    }
    merged
}

/// The reason of the comment that settles a finding, at any of its places. Marks every comment that would.
fn settle(finding: &Finding, comments: &mut FxHashMap<FileId, Vec<(Ignore, Vec<bool>)>>) -> Option<String> {
    let mut reason = None;
    for span in finding.spans() {
        for (ignore, used) in comments.get_mut(&span.file).into_iter().flatten() {
            if !ignore.covers(span) {
                continue;
            }
            for (at, (rule, _)) in ignore.rules.iter().enumerate() {
                if rule == finding.rule {
                    used[at] = true;
                    reason.get_or_insert_with(|| ignore.reason.clone());
                }
            }
        }
    }
    reason
}

/// What is to be said about a comment: rules that do not exist, rules that it did not have to settle.
fn about(file: &SourceFile, ignore: &Ignore, used: &[bool], settings: &Settings) -> Vec<Finding> {
    let span = |range: &std::ops::Range<usize>| Span::new(file.id, range.start as u32, range.end as u32);
    let finding = |page: &'static Page, place: &std::ops::Range<usize>, label: &str, message: String| {
        Finding::new(page.id, page.category, page.severity, Label::new(span(place), label), message)
    };
    if let Reach::Nothing(why) = &ignore.reach {
        let mut finding =
            finding(&UNKNOWN_SUPPRESSION, &ignore.comment, why, "this comment ignores nothing".to_owned());
        finding.help = Some(why.trim_start_matches("it must ").to_owned());
        finding.fixes.push(removal(file, ignore, None));
        return vec![finding];
    }
    let mut findings = Vec::new();
    for (at, (id, place)) in ignore.rules.iter().enumerate() {
        let mut finding = if find_page(id).is_none() {
            let mut finding =
                finding(&UNKNOWN_SUPPRESSION, place, "no such rule", format!("there is no rule `{id}` to ignore"));
            finding.help =
                nearest(id, pages().iter().map(|page| page.id)).map(|near| format!("did you mean `{near}`?"));
            finding
        } else if used[at] || !settings.runs(id) || is_off(settings, id, &file.path) {
            continue;
        } else {
            let what = if ignore.reach == Reach::File { "file" } else { "place" };
            let mut finding = finding(
                &UNUSED_SUPPRESSION,
                place,
                "not needed",
                format!("this {what} has no finding of `{id}` to ignore"),
            );
            finding.help = Some("remove it, or it hides the next one".to_owned());
            finding
        };
        finding.fixes.push(removal(file, ignore, Some(at)));
        findings.push(finding);
    }
    findings
}

fn is_off(settings: &Settings, id: &str, path: &Path) -> bool {
    settings.severity(id, path, Severity::Note).is_none()
}

/// The fix that removes one rule from a comment, and the comment with its last.
fn removal(file: &SourceFile, ignore: &Ignore, at: Option<usize>) -> Fix {
    let whole = ignore.removal(&file.text);
    let (title, range) = match at {
        Some(at) if ignore.rules.len() > 1 => {
            let (_, place) = &ignore.rules[at];
            // With the comma on one of its sides.
            let range = match ignore.rules.get(at + 1) {
                Some((_, next)) => place.start..next.start,
                None => ignore.rules[at - 1].1.end..place.end,
            };
            ("remove the rule from the comment", range)
        }
        _ => ("remove the comment", whole),
    };
    let span = Span::new(file.id, range.start as u32, range.end as u32);
    let edits = vec![Edit { span, replacement: String::new() }];
    Fix { title: title.to_owned(), applicability: Applicability::Safe, edits }
}

/// The findings in the order of report, with their fingerprints.
fn named<T>(
    findings: Vec<(Finding, T)>,
    settings: &Settings,
    sources: &SourceSet,
    kind_of: impl Fn(&SourceFile) -> Option<FileKind>,
) -> Vec<(Reported, T)> {
    let mut findings: Vec<_> =
        findings.into_iter().map(|(finding, extra)| (sources.get(finding.primary.span.file), finding, extra)).collect();
    findings.sort_by(|(a_file, a, _), (b_file, b, _)| {
        let key = |file: &SourceFile, finding: &Finding| {
            (
                file.name.clone(),
                finding.primary.span.start,
                finding.primary.span.end,
                finding.rule,
                finding.message.clone(),
            )
        };
        key(a_file, a).cmp(&key(b_file, b))
    });
    let files: FxHashMap<FileId, Arc<SourceFile>> =
        findings.iter().map(|(file, ..)| (file.id, Arc::clone(file))).collect();
    let surroundings: FxHashMap<FileId, Surroundings<'_>> =
        files.values().filter_map(|file| Some((file.id, Surroundings::new(kind_of(file)?, &file.text)))).collect();
    let mut seen: FxHashMap<Fingerprint, usize> = FxHashMap::default();
    findings
        .into_iter()
        .map(|(file, finding, extra)| {
            let span = finding.primary.span;
            let (name, text) = (settings.name_in_project(&file.path), sources.text(span));
            let within = surroundings.get(&file.id).map(|names| names.of(span.start as usize)).unwrap_or_default();
            let essence = Essence { rule: finding.rule, file: &name, text: &text, within: &within };
            let first = fingerprint(essence, 0);
            let ordinal = seen.entry(first.clone()).or_default();
            let fingerprint = if *ordinal == 0 { first } else { fingerprint(essence, *ordinal) };
            *ordinal += 1;
            (Reported { finding, fingerprint }, extra)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Level};
    use crate::finding::{Category, Confidence};

    struct World {
        sources: SourceSet,
        kinds: FxHashMap<FileId, FileKind>,
        settings: Settings,
    }

    impl World {
        fn new(files: &[(&str, &str)]) -> Self {
            let sources = SourceSet::new("/p".into());
            let mut kinds = FxHashMap::default();
            for (name, text) in files {
                let file = sources.add(Path::new("/p").join(name).as_ref(), (*text).to_owned());
                kinds.insert(file.id, FileKind::JavaScript);
            }
            Self { sources, kinds, settings: Settings::new("/p", []) }
        }

        /// A finding at the `nth` place of `text` in a file.
        fn at(&self, file: u32, text: &str, nth: usize) -> Label {
            let file = self.sources.get(FileId(file));
            let start = file.text.match_indices(text).nth(nth).unwrap().0 as u32;
            Label::new(Span::new(file.id, start, start + text.len() as u32), "")
        }

        fn finding(&self, rule: &'static str, text: &str, nth: usize) -> Finding {
            Finding::new(rule, Category::Exposure, Severity::Warning, self.at(0, text, nth), "m")
        }

        fn triage(&self, findings: Vec<Finding>, baseline: Option<&Baseline>) -> Triaged {
            let linted = Linted { kinds: &self.kinds, in_servers: &FxHashSet::default(), by_name: &|_| false };
            triage(findings, &self.settings, baseline, &self.sources, &linted)
        }
    }

    fn rules(triaged: &Triaged) -> Vec<&str> {
        triaged.findings.iter().map(|reported| reported.finding.rule).collect()
    }

    #[test]
    fn a_comment_at_any_label_settles_a_finding() {
        let world =
            World::new(&[("a.js", "use(x);\n"), ("b.js", "let x = 1; // corslint: ignore[null-origin] known\n")]);
        let mut finding = world.finding("null-origin", "x", 0);
        finding.labels.push(world.at(1, "1", 0));
        let triaged = world.triage(vec![finding], None);
        assert_eq!(rules(&triaged), [""; 0]);
        assert_eq!(triaged.suppressed[0].1, Suppression::Comment { reason: "known".to_owned() });
    }

    #[test]
    fn comments_that_nothing_needs_or_that_name_no_rule_are_found() {
        let world = World::new(&[("a.js", "use(x); // corslint: ignore[null-origin, nul-origin, missing-vary]\n")]);
        let triaged = world.triage(vec![world.finding("missing-vary", "x", 0)], None);
        assert_eq!(rules(&triaged), ["unused-suppression", "unknown-suppression"]);
        let unknown = &triaged.findings[1].finding;
        assert_eq!(unknown.help.as_deref(), Some("did you mean `null-origin`?"));
        assert_eq!(world.sources.text(unknown.fixes[0].edits[0].span), "nul-origin, ");
    }

    #[test]
    fn a_rule_that_does_not_run_needs_no_comment() {
        let mut world = World::new(&[("a.js", "use(x); // corslint: ignore[null-origin]\n")]);
        world.settings.ignore = vec!["null-origin".to_owned()];
        assert_eq!(rules(&world.triage(vec![], None)), [""; 0]);
    }

    #[test]
    fn the_configuration_sets_severities() {
        let mut world = World::new(&[("a.js", "x y")]);
        world.settings.config = Config {
            rules: vec![("null-origin".into(), Level::Off), ("missing-vary".into(), Level::At(Severity::Error))],
            ..Config::default()
        };
        let findings = || vec![world.finding("null-origin", "x", 0), world.finding("missing-vary", "y", 0)];
        let triaged = world.triage(findings(), None);
        assert_eq!(rules(&triaged), ["missing-vary"]);
        assert_eq!(triaged.findings[0].finding.severity, Severity::Error);
        let mut unsure = world.finding("missing-vary", "y", 0);
        unsure.confidence = Confidence::Low;
        assert_eq!(rules(&world.triage(vec![unsure], None)), [""; 0]);
    }

    #[test]
    fn a_baseline_survives_moved_lines_and_counts_equals() {
        let world = World::new(&[("a.js", "use(x);\nuse(x);\n")]);
        let before = world
            .triage(vec![world.finding("null-origin", "use(x)", 0), world.finding("null-origin", "use(x)", 1)], None);
        let text = Baseline::default().renewed(before.findings.iter(), &world.settings, &world.sources);
        assert!(!text.contains("\"line\""));
        let baseline = Baseline::parse(&text).unwrap();
        let moved = World::new(&[("a.js", "// new\n\nuse( x );\nother();\nuse(x);\nuse(x);\n")]);
        let findings = vec![
            moved.finding("null-origin", "use( x )", 0),
            moved.finding("null-origin", "use(x)", 0),
            moved.finding("null-origin", "use(x)", 1),
        ];
        let after = moved.triage(findings, Some(&baseline));
        assert_eq!((after.findings.len(), after.suppressed.len()), (1, 2));
    }

    #[test]
    fn one_fault_is_one_finding() {
        let world = World::new(&[("a.js", "use(x); y")]);
        let mut twice = world.finding("null-origin", "x", 0);
        twice.labels.push(world.at(0, "y", 0));
        let triaged = world.triage(vec![world.finding("null-origin", "x", 0), twice], None);
        assert_eq!(triaged.findings.len(), 1);
        assert_eq!(triaged.findings[0].finding.labels.len(), 1);
    }
}
