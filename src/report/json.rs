//! `--format json`, version 1. `schemas/report.json` describes it.

use serde::Serialize;

use super::text;
use crate::finding::{Edit, Evidence, Finding, Fix, Label, Outcome, Problem, Reported, Severity};
use crate::rules::find_page;
use crate::source::{Position, SourceSet, Span};

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    tool: Tool,
    summary: Summary,
    findings: Vec<JsonFinding<'a>>,
    problems: Vec<JsonProblem<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Summary {
    files_scanned: usize,
    files_analyzed: usize,
    servers: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    suppressed: usize,
    problems: usize,
    unknown_facts: usize,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    rule: &'a str,
    severity: &'a str,
    confidence: &'a str,
    category: &'a str,
    framework: &'a str,
    message: &'a str,
    scope: &'a str,
    location: Location,
    labels: Vec<JsonLabel<'a>>,
    consequence: Option<&'a str>,
    help: Option<&'a str>,
    evidence: Vec<JsonEvidence<'a>>,
    fixes: Vec<JsonFix<'a>>,
    fingerprint: &'a str,
    url: Option<String>,
}

#[derive(Serialize)]
struct Location {
    path: String,
    start: Place,
    end: Place,
}

#[derive(Serialize)]
struct Place {
    line: u32,
    column: u32,
    offset: u32,
}

#[derive(Serialize)]
struct JsonLabel<'a> {
    #[serde(flatten)]
    location: Location,
    text: &'a str,
}

#[derive(Serialize)]
struct JsonEvidence<'a> {
    request: Request<'a>,
    response: Response,
    verdict: &'a str,
}

#[derive(Serialize)]
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    headers: serde_json::Map<String, serde_json::Value>,
    credentials: &'static str,
}

#[derive(Serialize)]
struct Response {
    status: Option<u16>,
    headers: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    title: &'a str,
    applicability: &'static str,
    edits: Vec<JsonEdit<'a>>,
}

#[derive(Serialize)]
struct JsonEdit<'a> {
    path: String,
    start_offset: u32,
    end_offset: u32,
    replacement: &'a str,
}

#[derive(Serialize)]
struct JsonProblem<'a> {
    path: &'a str,
    line: Option<u32>,
    kind: &'static str,
    message: &'a str,
}

/// The report as JSON, with a line ending.
pub(super) fn render(outcome: &Outcome, sources: &SourceSet) -> String {
    let report = Report {
        version: 1,
        tool: Tool { name: "corslint", version: env!("CARGO_PKG_VERSION") },
        summary: Summary {
            files_scanned: outcome.files_scanned,
            files_analyzed: outcome.files_analyzed,
            servers: outcome.servers,
            errors: outcome.count(Severity::Error),
            warnings: outcome.count(Severity::Warning),
            notes: outcome.count(Severity::Note),
            suppressed: outcome.suppressed.len(),
            problems: outcome.problems.len(),
            unknown_facts: outcome.unknown_facts,
        },
        findings: outcome.findings.iter().map(|reported| finding(reported, sources)).collect(),
        problems: outcome.problems.iter().map(problem).collect(),
    };
    // Texts, numbers and lists always serialize.
    text::json(&report)
}

fn finding<'a>(reported: &'a Reported, sources: &SourceSet) -> JsonFinding<'a> {
    let finding: &Finding = &reported.finding;
    JsonFinding {
        rule: finding.rule,
        severity: finding.severity.as_str(),
        confidence: finding.confidence.as_str(),
        category: finding.category.as_str(),
        framework: finding.framework,
        message: &finding.message,
        scope: &finding.scope,
        location: location(finding.primary.span, sources),
        labels: finding.labels.iter().map(|label| self::label(label, sources)).collect(),
        consequence: finding.consequence.as_deref(),
        help: finding.help.as_deref(),
        evidence: finding.evidence.iter().map(evidence).collect(),
        fixes: finding.fixes.iter().map(|fix| self::fix(fix, sources)).collect(),
        fingerprint: reported.fingerprint.as_str(),
        url: find_page(finding.rule).map(|page| page.url()),
    }
}

fn location(span: Span, sources: &SourceSet) -> Location {
    let file = sources.get(span.file);
    let place = |offset: u32| {
        let Position { line, column } = file.position(offset);
        Place { line, column, offset }
    };
    Location { path: file.name.clone(), start: place(span.start), end: place(span.end) }
}

fn label<'a>(label: &'a Label, sources: &SourceSet) -> JsonLabel<'a> {
    JsonLabel { location: location(label.span, sources), text: &label.text }
}

fn evidence(evidence: &Evidence) -> JsonEvidence<'_> {
    JsonEvidence {
        request: Request {
            method: &evidence.request.method,
            path: &evidence.request.path,
            headers: headers(&evidence.request.headers),
            credentials: if evidence.credentials { "include" } else { "omit" },
        },
        response: Response { status: evidence.status, headers: headers(&evidence.headers) },
        verdict: &evidence.verdict,
    }
}

/// Header lines as an object; a name that comes again gives a list.
fn headers(lines: &[(String, String)]) -> serde_json::Map<String, serde_json::Value> {
    use serde_json::Value;
    let mut map = serde_json::Map::new();
    for (name, value) in lines {
        let value = Value::String(value.clone());
        match map.get_mut(name) {
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => {
                map.insert(name.clone(), value);
            }
        }
    }
    map
}

fn fix<'a>(fix: &'a Fix, sources: &SourceSet) -> JsonFix<'a> {
    let edit = |edit: &'a Edit| JsonEdit {
        path: sources.get(edit.span.file).name.clone(),
        start_offset: edit.span.start,
        end_offset: edit.span.end,
        replacement: &edit.replacement,
    };
    JsonFix {
        title: &fix.title,
        applicability: fix.applicability.as_str(),
        edits: fix.edits.iter().map(edit).collect(),
    }
}

fn problem(problem: &Problem) -> JsonProblem<'_> {
    JsonProblem { path: &problem.file, line: problem.line, kind: problem.kind.as_str(), message: &problem.message }
}
