//! `--format gitlab`: a Code Quality report.

use serde_json::{Value, json};

use super::text::{self, clean};
use crate::finding::{Essence, Outcome, Problem, Severity, fingerprint};
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
            "description": clean(&finding.message),
            "check_name": finding.rule,
            "fingerprint": reported.fingerprint.as_str(),
            "severity": severity,
            "location": { "path": sources.hosted_name(&file.name), "lines": { "begin": start.line, "end": end.line } },
        })
    });
    let problems = outcome.problems.iter().enumerate().map(|(at, problem)| {
        let kind = problem.kind.as_str();
        let path = sources.hosted_name(&problem.file);
        let essence = Essence { rule: kind, file: &path, text: &problem.message, within: &[] };
        let equal = |other: &&Problem| {
            (&other.file, other.kind, &other.message) == (&problem.file, problem.kind, &problem.message)
        };
        let ordinal = outcome.problems[..at].iter().filter(equal).count();
        json!({
            "description": clean(&problem.message),
            "check_name": format!("problem/{kind}"),
            "fingerprint": fingerprint(essence, ordinal).as_str(),
            "severity": "minor",
            "location": { "path": path, "lines": { "begin": problem.line.unwrap_or(1) } },
        })
    });
    let issues: Vec<Value> = findings.chain(problems).collect();
    text::json(&issues)
}
