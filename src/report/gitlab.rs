//! `--format gitlab`: a Code Quality report.

use serde_json::{Value, json};

use super::text;
use crate::finding::{Outcome, Severity, fingerprint};
use crate::source::SourceSet;

/// The report: a list of issues.
pub(super) fn render(outcome: &Outcome, sources: &SourceSet) -> String {
    let findings = outcome.findings.iter().map(|reported| {
        let finding = &reported.finding;
        let file = sources.get(finding.primary.span.file);
        let (start, end) = (file.position(finding.primary.span.start), file.position(finding.primary.span.end));
        let severity = match finding.severity {
            Severity::Error => "critical",
            Severity::Warning => "major",
            Severity::Note => "info",
        };
        json!({
            "description": finding.message,
            "check_name": finding.rule,
            "fingerprint": reported.fingerprint.as_str(),
            "severity": severity,
            "location": { "path": file.name, "lines": { "begin": start.line, "end": end.line } },
        })
    });
    let problems = outcome.problems.iter().enumerate().map(|(at, problem)| {
        let kind = problem.kind.as_str();
        json!({
            "description": problem.message,
            "check_name": format!("problem/{kind}"),
            "fingerprint": fingerprint(kind, &problem.file, &problem.message, at).as_str(),
            "severity": "minor",
            "location": { "path": problem.file, "lines": { "begin": problem.line.unwrap_or(1) } },
        })
    });
    let issues: Vec<Value> = findings.chain(problems).collect();
    text::json(&issues)
}
