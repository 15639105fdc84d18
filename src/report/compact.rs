//! `--format compact`: one line for each finding, as compilers print them.

use super::text::clean;
use crate::finding::Outcome;
use crate::source::SourceSet;

/// The report.
pub(super) fn render(outcome: &Outcome, sources: &SourceSet) -> String {
    let mut out = String::new();
    for reported in &outcome.findings {
        let finding = &reported.finding;
        let file = sources.get(finding.primary.span.file);
        let at = file.position(finding.primary.span.start);
        let (name, message) = (clean(&file.name), clean(&finding.message));
        let (line, column, severity, rule) = (at.line, at.column, finding.severity, finding.rule);
        out.push_str(&format!("{name}:{line}:{column}: {severity}: {message} [{rule}]\n"));
    }
    for problem in &outcome.problems {
        let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
        let (name, message) = (clean(&problem.file), clean(&problem.message));
        out.push_str(&format!("{name}{line}: problem: {message} [{}]\n", problem.kind.as_str()));
    }
    out
}
