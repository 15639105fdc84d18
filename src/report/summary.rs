//! The last line: how much was looked at, and what came of it.

use super::text::{Paint, Style};
use crate::finding::{Outcome, Severity};

/// `2 files`, `1 file`, `2 entries`.
pub(super) fn counted(count: usize, what: &str) -> String {
    match what.strip_suffix('y') {
        _ if count == 1 => format!("{count} {what}"),
        Some(stem) => format!("{count} {stem}ies"),
        None => format!("{count} {what}s"),
    }
}

/// The summary for people.
pub(super) fn human(outcome: &Outcome, paint: Paint) -> String {
    let mut parts = Vec::new();
    for (severity, what, style) in [
        (Severity::Error, "error", Style::Red),
        (Severity::Warning, "warning", Style::Yellow),
        (Severity::Note, "note", Style::Cyan),
    ] {
        let count = outcome.count(severity);
        if count > 0 {
            parts.push(paint.paint(style, &counted(count, what)));
        }
    }
    let found = match parts.is_empty() {
        true if outcome.servers == 0 && outcome.files_analyzed == 0 => "no CORS found".to_owned(),
        true => paint.paint(Style::Green, "no findings"),
        false => parts.join(", "),
    };
    let mut beside = vec![counted(outcome.servers, "server")];
    if outcome.files_analyzed != outcome.files_scanned {
        beside.push(format!("{} analyzed", outcome.files_analyzed));
    }
    let mut line = format!("{found} in {} ({})", counted(outcome.files_scanned, "file"), beside.join(", "));
    if outcome.fixed > 0 {
        line.push_str(&format!("; {}", paint.paint(Style::Green, &format!("{} fixed", outcome.fixed))));
    }
    if !outcome.suppressed.is_empty() {
        line.push_str(&format!("; {} suppressed", outcome.suppressed.len()));
    }
    if !outcome.problems.is_empty() {
        line.push_str(&format!("; {}", counted(outcome.problems.len(), "problem")));
    }
    line.push('\n');
    if outcome.unknown_facts > 0 {
        let stay = if outcome.unknown_facts == 1 { "stays" } else { "stay" };
        let hint = format!("{} {stay} unknown: `corslint policy` lists them", counted(outcome.unknown_facts, "fact"));
        line.push_str(&paint.paint(Style::Dim, &hint));
        line.push('\n');
    }
    line
}

/// How often each rule was found, as a table.
pub(super) fn statistics(outcome: &Outcome) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for reported in &outcome.findings {
        match counts.iter_mut().find(|(rule, _)| *rule == reported.finding.rule) {
            Some((_, count)) => *count += 1,
            None => counts.push((reported.finding.rule, 1)),
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    counts.iter().map(|(rule, count)| format!("{count:>5}  {rule}\n")).collect()
}
