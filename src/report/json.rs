//! `--format json`, version 1. `schemas/report.json` describes it.

use std::collections::BTreeMap;

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::text;
use crate::finding::{
    Applicability, Category, Confidence, Edit, Evidence, Finding, Fix, Known, Label, Outcome, Problem, ProblemKind,
    Reported, Severity,
};
use crate::rules::find_page;
use crate::source::{Position, SourceSet, Span};

/// What `corslint --format json` prints, version 1. Lines and columns count from 1, columns in Unicode code points; offsets
/// are bytes. Paths are relative to the working directory, with `/`.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(title = "corslint report", deny_unknown_fields))]
struct Report<'a> {
    #[cfg_attr(test, schemars(extend("const" = 1)))]
    version: u32,
    tool: Tool,
    summary: Summary,
    findings: Vec<JsonFinding<'a>>,
    problems: Vec<JsonProblem<'a>>,
    /// Entries of the baseline that no longer occur.
    #[serde(skip_serializing_if = "<[Known]>::is_empty")]
    gone: &'a [Known],
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(deny_unknown_fields))]
struct Tool {
    #[cfg_attr(test, schemars(extend("const" = "corslint")))]
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(deny_unknown_fields))]
struct Summary {
    /// Files looked at.
    files_scanned: usize,
    /// Files that may set CORS, and were parsed.
    files_analyzed: usize,
    servers: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    /// Findings that a comment or the baseline settled.
    suppressed: usize,
    problems: usize,
    /// Facts that could not be decided; `corslint policy` lists them.
    unknown_facts: usize,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Finding", deny_unknown_fields))]
struct JsonFinding<'a> {
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z0-9-]+$")))]
    rule: &'a str,
    severity: Severity,
    confidence: Confidence,
    category: Category,
    /// `express`, `flask`, `nginx`; empty where none is concerned.
    framework: &'a str,
    #[cfg_attr(test, schemars(length(min = 1)))]
    message: &'a str,
    /// The server that it concerns, for people; may be empty.
    scope: String,
    location: Location,
    /// Further places, also in other files.
    labels: Vec<JsonLabel<'a>>,
    /// What the browser does.
    consequence: Option<&'a str>,
    help: Option<&'a str>,
    /// Exchanges that prove it.
    evidence: Vec<JsonEvidence<'a>>,
    fixes: Vec<JsonFix<'a>>,
    /// Its name across runs.
    #[cfg_attr(test, schemars(regex(pattern = "^[0-9a-f]{32}$")))]
    fingerprint: &'a str,
    /// The rule's page.
    url: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(deny_unknown_fields))]
struct Location {
    #[cfg_attr(test, schemars(length(min = 1)))]
    path: String,
    start: Place,
    end: Place,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(deny_unknown_fields))]
struct Place {
    #[cfg_attr(test, schemars(range(min = 1)))]
    line: u32,
    #[cfg_attr(test, schemars(range(min = 1)))]
    column: u32,
    offset: u32,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Label", deny_unknown_fields))]
struct JsonLabel<'a> {
    #[cfg_attr(test, schemars(length(min = 1)))]
    path: String,
    start: Place,
    end: Place,
    text: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Evidence", deny_unknown_fields))]
struct JsonEvidence<'a> {
    request: Request<'a>,
    response: Response,
    /// `allowed`, or `blocked` and why.
    verdict: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(deny_unknown_fields))]
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    headers: BTreeMap<String, Values>,
    /// As the page asks for it.
    credentials: Credentials,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(JsonSchema))]
enum Credentials {
    Include,
    Omit,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(deny_unknown_fields))]
struct Response {
    /// `null` where it is not known.
    #[cfg_attr(test, schemars(range(min = 100, max = 599)))]
    status: Option<u16>,
    headers: BTreeMap<String, Values>,
}

/// The value of a header; a name that is sent on several lines has a list.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(JsonSchema))]
enum Values {
    One(String),
    Several(Vec<String>),
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Fix", deny_unknown_fields))]
struct JsonFix<'a> {
    title: &'a str,
    /// Whether `--fix` applies it, `--fix --unsafe-fixes` does, or a person must fill something in.
    applicability: Applicability,
    edits: Vec<JsonEdit<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Edit", deny_unknown_fields))]
struct JsonEdit<'a> {
    #[cfg_attr(test, schemars(length(min = 1)))]
    path: String,
    start_offset: u32,
    end_offset: u32,
    replacement: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema), schemars(rename = "Problem", deny_unknown_fields))]
struct JsonProblem<'a> {
    path: &'a str,
    #[cfg_attr(test, schemars(range(min = 1)))]
    line: Option<u32>,
    kind: ProblemKind,
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
        gone: &outcome.gone,
    };
    // Texts, numbers and lists always serialize.
    text::json(&report)
}

fn finding<'a>(reported: &'a Reported, sources: &SourceSet) -> JsonFinding<'a> {
    let finding: &Finding = &reported.finding;
    JsonFinding {
        rule: finding.rule,
        severity: finding.severity,
        confidence: finding.confidence,
        category: finding.category,
        framework: finding.framework,
        message: &finding.message,
        scope: finding.server.map(|file| format!("the server in {}", sources.get(file).name)).unwrap_or_default(),
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
    let Location { path, start, end } = location(label.span, sources);
    JsonLabel { path, start, end, text: &label.text }
}

fn evidence(evidence: &Evidence) -> JsonEvidence<'_> {
    JsonEvidence {
        request: Request {
            method: &evidence.request.method,
            path: &evidence.request.path,
            headers: headers(&evidence.request.headers),
            credentials: if evidence.credentials { Credentials::Include } else { Credentials::Omit },
        },
        response: Response { status: evidence.status, headers: headers(&evidence.headers) },
        verdict: &evidence.verdict,
    }
}

/// Header lines by name.
fn headers(lines: &[(String, String)]) -> BTreeMap<String, Values> {
    let mut headers: BTreeMap<String, Values> = BTreeMap::new();
    for (name, value) in lines {
        let value = value.clone();
        match headers.get_mut(name) {
            Some(Values::Several(list)) => list.push(value),
            Some(Values::One(first)) => {
                let list = vec![std::mem::take(first), value];
                headers.insert(name.clone(), Values::Several(list));
            }
            None => {
                headers.insert(name.clone(), Values::One(value));
            }
        }
    }
    headers
}

fn fix<'a>(fix: &'a Fix, sources: &SourceSet) -> JsonFix<'a> {
    let edit = |edit: &'a Edit| JsonEdit {
        path: sources.get(edit.span.file).name.clone(),
        start_offset: edit.span.start,
        end_offset: edit.span.end,
        replacement: &edit.replacement,
    };
    JsonFix { title: &fix.title, applicability: fix.applicability, edits: fix.edits.iter().map(edit).collect() }
}

fn problem(problem: &Problem) -> JsonProblem<'_> {
    JsonProblem { path: &problem.file, line: problem.line, kind: problem.kind, message: &problem.message }
}

#[cfg(test)]
mod tests {
    use super::*;

    mod checked_in {
        include!("../../tests/common/checked_in.rs");
    }

    /// `UPDATE=1` writes it anew.
    #[test]
    fn the_schema_is_that_of_the_types() {
        let mut schema = schemars::generate::SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<Report<'_>>();
        let id = "https://raw.githubusercontent.com/corslint/corslint/main/schemas/report.json";
        schema.insert("$id".to_owned(), id.into());
        checked_in::checked_in("schemas/report.json", &format!("{:#}\n", schema.as_value()));
    }
}
