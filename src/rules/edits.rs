//! Changes to the text of a fact: where it stands, and what takes its place.

use super::ServerView;
use crate::finding::{Applicability, Edit, Finding, Fix, Snippet};
use crate::source::Span;

/// The place of `word` within `span`, where it stands there once and by itself.
pub fn word(view: &ServerView, span: Span, word: &str) -> Option<Span> {
    if word.is_empty() {
        return None;
    }
    let text = view.sources.text(span);
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let mut found = text.match_indices(word).filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    });
    let (at, _) = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let start = span.start + at as u32;
    Some(Span::new(span.file, start, start + word.len() as u32))
}

/// The place of `text` within `span`, where it stands there once within quotation marks; in a configuration, where it
/// stands there once at all.
pub fn literal(view: &ServerView, span: Span, text: &str) -> Option<Span> {
    let place = word(view, span, text)?;
    if view.server.framework == "nginx" {
        return Some(place);
    }
    let all = view.sources.text(span);
    let (start, end) = ((place.start - span.start) as usize, (place.end - span.start) as usize);
    let quote = |letter: char| matches!(letter, '"' | '\'' | '`');
    let opening = all[..start].rfind(quote)?;
    let mark = all[opening..].chars().next()?;
    let closing = all[end..].find(quote).map(|at| at + end)?;
    let odd = all[..start].matches(mark).count() % 2 == 1;
    (all[closing..].starts_with(mark) && odd && !all[opening..closing].contains('\n')).then_some(place)
}

/// Gives a finding a fix of one edit, shown as a change too.
pub fn replace(finding: &mut Finding, applicability: Applicability, title: &str, span: Span, replacement: &str) {
    finding.change = Some(Snippet { span, replacement: replacement.to_owned() });
    if applicability > Applicability::Display {
        finding.fixes.push(Fix {
            title: title.to_owned(),
            applicability,
            edits: vec![Edit { span, replacement: replacement.to_owned() }],
        });
    }
}

/// Adds `member` to the list that stands in `span`: an array, or a text with commas.
pub fn add_member(view: &ServerView, span: Span, member: &str) -> Option<Edit> {
    let text = view.sources.text(span);
    let trimmed = text.trim_end();
    let insert = |at: usize, replacement: String| {
        let at = span.start + at as u32;
        Some(Edit { span: Span::new(span.file, at, at), replacement })
    };
    let first = trimmed.chars().next()?;
    match (first, trimmed.chars().next_back()?) {
        ('[', ']') | ('(', ')') => {
            let inside = trimmed[1..trimmed.len() - 1].trim_end();
            let quote = inside.chars().find(|letter| matches!(letter, '"' | '\'' | '`'))?;
            let comma = if inside.ends_with(',') { " " } else { ", " };
            insert(1 + inside.len(), format!("{comma}{quote}{member}{quote}"))
        }
        ('"', '"') | ('\'', '\'') | ('`', '`') if trimmed.len() > 2 => {
            let comma = if trimmed.contains(", ") { ", " } else { "," };
            insert(trimmed.len() - 1, format!("{comma}{member}"))
        }
        _ => None,
    }
}

/// Puts a directive behind the one at `span`, which ends with a semicolon or before it: on a line of its own with that
/// line's indentation, or right behind it where more stands on the line than a comment.
pub fn directive_behind(view: &ServerView, span: Span, directive: &str) -> Option<Edit> {
    let file = view.sources.get(span.file);
    let text = &file.text;
    let rest = text.get(span.end as usize..)?;
    let ended = text[..span.end as usize].ends_with(';');
    let semicolon = if ended { 0 } else { rest.len() - rest.trim_start().strip_prefix(';')?.len() };
    let behind = &rest[semicolon..];
    let line = behind.find('\n').map_or(behind, |end| &behind[..end]);
    let alone = matches!(line.trim_start().chars().next(), None | Some('#'));
    let (at, before) = if alone {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let start = text[..span.start as usize].rfind('\n').map_or(0, |at| at + 1);
        let indent: String = text[start..].chars().take_while(|letter| matches!(letter, ' ' | '\t')).collect();
        let ending = if behind[line.len()..].starts_with('\r') { "\r\n" } else { "\n" };
        (line.len(), format!("{ending}{indent}"))
    } else {
        (0, " ".to_owned())
    };
    let at = span.end + (semicolon + at) as u32;
    Some(Edit { span: Span::new(span.file, at, at), replacement: format!("{before}{directive}") })
}

/// Removes `span` with its whole line, where nothing else stands on it.
pub fn without_line(view: &ServerView, span: Span) -> Option<Edit> {
    let file = view.sources.get(span.file);
    let text = &file.text;
    let start = text.get(..span.start as usize)?.rfind('\n').map_or(0, |at| at + 1);
    let end = text.get(span.end as usize..)?.find('\n').map_or(text.len(), |at| at + span.end as usize + 1);
    let before = text[start..span.start as usize].trim();
    let after = text[span.end as usize..end].trim();
    (before.is_empty() && matches!(after, "" | ";"))
        .then(|| Edit { span: Span::new(span.file, start as u32, end as u32), replacement: String::new() })
}
