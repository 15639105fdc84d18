//! `--format github`: workflow commands, which GitHub Actions shows as annotations.

use super::machine::paragraphs;
use super::summary::counted;
use super::text::clean;
use crate::finding::{Outcome, Severity};
use crate::source::SourceSet;

/// The report: one command a line.
pub(super) fn render(outcome: &Outcome, sources: &SourceSet) -> String {
    let mut out = String::new();
    for reported in &outcome.findings {
        let finding = &reported.finding;
        let file = sources.get(finding.primary.span.file);
        let (start, end) = (file.position(finding.primary.span.start), file.position(finding.primary.span.end));
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut place =
            format!("file={},line={},endLine={}", property(&sources.hosted_name(&file.name)), start.line, end.line);
        // Columns count only within one line.
        if start.line == end.line {
            place.push_str(&format!(",col={},endColumn={}", start.column, end.column));
        }
        let lines: Vec<_> = paragraphs(finding).iter().map(|line| data(line)).collect();
        out.push_str(&format!("::{command} {place},title={}::{}\n", property(finding.rule), lines.join("%0A")));
    }
    for problem in &outcome.problems {
        let line = problem.line.map(|line| format!(",line={line}")).unwrap_or_default();
        let (file, kind) = (property(&sources.hosted_name(&problem.file)), problem.kind.as_str());
        out.push_str(&format!("::warning file={file}{line},title=problem {kind}::{}\n", data(&problem.message)));
    }
    if !outcome.gone.is_empty() {
        let (count, verb) = (counted(outcome.gone.len(), "entry"), if outcome.gone.len() == 1 { "does" } else { "do" });
        out.push_str(&format!("::notice title=baseline::{count} of the baseline {verb} not occur any more: --write-baseline drops what is gone\n"));
    }
    out
}

/// As the toolkit of GitHub's actions escapes data (`@actions/core`, `command.ts`). Nothing of a scanned file can begin
/// a line of its own.
fn data(text: &str) -> String {
    clean(text).replace('%', "%25")
}

/// As [`data`], for the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
