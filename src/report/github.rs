//! `--format github`: workflow commands, which GitHub Actions shows as annotations.

use super::machine::paragraphs;
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
        let mut place = format!("file={},line={},endLine={}", property(&file.name), start.line, end.line);
        // Columns count only within one line.
        if start.line == end.line {
            place.push_str(&format!(",col={},endColumn={}", start.column, end.column));
        }
        let message = paragraphs(finding);
        let lines: Vec<_> = message.lines().map(data).collect();
        out.push_str(&format!("::{command} {place},title={}::{}\n", property(finding.rule), lines.join("%0A")));
    }
    for problem in &outcome.problems {
        let line = problem.line.map(|line| format!(",line={line}")).unwrap_or_default();
        let (file, kind) = (property(&problem.file), problem.kind.as_str());
        out.push_str(&format!("::warning file={file}{line},title=problem {kind}::{}\n", data(&problem.message)));
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
