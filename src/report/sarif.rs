//! `--format sarif`: SARIF 2.1.0 (OASIS), as GitHub code scanning takes it.

use serde::Serialize;

use super::machine::uri;
use super::text::{self, clean};
use crate::finding::{
    Applicability, Category, Confidence, Finding, Fix, Known, Label, Outcome, Problem, Reported, Severity, Suppression,
};
use crate::rules::{Page, pages};
use crate::source::{SourceSet, Span};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    column_kind: &'static str,
    original_uri_base_ids: UriBases,
    invocations: [Invocation<'a>; 1],
    results: Vec<Result<'a>>,
}

/// What relative URIs are relative to.
#[derive(Serialize)]
struct UriBases {
    #[serde(rename = "%SRCROOT%")]
    sources: UriBase,
}

#[derive(Serialize)]
struct UriBase {
    description: Text<'static>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text<'static>,
    full_description: Text<'static>,
    help: Help,
    help_uri: String,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Text<'a> {
    text: std::borrow::Cow<'a, str>,
}

#[derive(Serialize)]
struct Help {
    text: &'static str,
    markdown: &'static str,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct RuleProperties {
    tags: Vec<String>,
    precision: &'static str,
    #[serde(rename = "problem.severity")]
    problem_severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_severity: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification<'a>>,
}

#[derive(Serialize)]
struct Notification<'a> {
    descriptor: Descriptor,
    level: &'static str,
    message: Text<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location<'a>>,
}

#[derive(Serialize)]
struct Descriptor {
    id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result<'a> {
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Text<'a>,
    locations: [Location<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    code_flows: Vec<CodeFlow<'a>>,
    partial_fingerprints: PartialFingerprints<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<SarifFix<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<SarifSuppression<'a>>,
    properties: ResultProperties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CodeFlow<'a> {
    thread_flows: [ThreadFlow<'a>; 1],
}

#[derive(Serialize)]
struct ThreadFlow<'a> {
    locations: Vec<FlowLocation<'a>>,
}

#[derive(Serialize)]
struct FlowLocation<'a> {
    location: Location<'a>,
}

#[derive(Serialize)]
struct PartialFingerprints<'a> {
    #[serde(rename = "corslint/v1")]
    corslint: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifFix<'a> {
    description: Text<'a>,
    artifact_changes: Vec<ArtifactChange<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange<'a> {
    artifact_location: ArtifactLocation,
    replacements: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'a> {
    deleted_region: Region,
    inserted_content: Text<'a>,
}

#[derive(Serialize)]
struct SarifSuppression<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Serialize)]
struct ResultProperties<'a> {
    confidence: &'static str,
    category: &'static str,
    framework: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consequence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

/// How many results GitHub takes of a run.
const MOST_RESULTS: usize = 25_000;

/// How many locations of a result GitHub shows.
const MOST_LOCATIONS: usize = 100;

/// What relative URIs are relative to: the root of the sources, wherever that lies.
const SOURCES: &str = "%SRCROOT%";

/// The log of one run.
pub(super) fn render(outcome: &Outcome, sources: &SourceSet) -> String {
    let listed = listed(outcome);
    let mut notifications: Vec<_> = outcome.problems.iter().map(|problem| notification(problem, sources)).collect();
    notifications.extend(outcome.gone.iter().map(gone));
    let left_out = outcome.findings.len() + outcome.suppressed.len() - listed.len();
    if left_out > 0 {
        notifications.push(Notification {
            descriptor: Descriptor { id: "too-many-results" },
            level: "warning",
            message: Text { text: format!("{left_out} findings are left out, the least severe first").into() },
            locations: Vec::new(),
        });
    }
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "corslint",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules: pages().iter().map(|page| rule(page)).collect(),
                },
            },
            column_kind: "unicodeCodePoints",
            original_uri_base_ids: UriBases {
                sources: UriBase { description: Text { text: "the repository, or else the working directory".into() } },
            },
            invocations: [Invocation { execution_successful: true, tool_execution_notifications: notifications }],
            results: listed.into_iter().map(|(reported, how)| result(reported, how, sources)).collect(),
        }],
    };
    // Texts, numbers and lists always serialize.
    text::json(&log)
}

/// The findings to list, the suppressed ones behind the others: the most severe, if there are too many.
fn listed(outcome: &Outcome) -> Vec<(&Reported, Option<&Suppression>)> {
    let shown = outcome.findings.iter().map(|reported| (reported, None));
    let suppressed = outcome.suppressed.iter().map(|(reported, how)| (reported, Some(how)));
    let mut listed: Vec<_> = shown.chain(suppressed).collect();
    if listed.len() > MOST_RESULTS {
        listed.sort_by_key(|(reported, how)| (how.is_some(), std::cmp::Reverse(reported.finding.severity)));
        listed.truncate(MOST_RESULTS);
    }
    listed
}

fn level(severity: Severity) -> &'static str {
    severity.as_str()
}

fn text(text: &str) -> Text<'_> {
    Text { text: std::borrow::Cow::Borrowed(text) }
}

/// A text that may quote a scanned file: it cannot steer a viewer, nor be taken for a link (SARIF 2.1.0, section 3.11.6).
fn quoted(text: &str) -> Text<'_> {
    let text = clean(text);
    Text { text: if text.contains("](") { text.replace("](", "\\](").into() } else { text } }
}

fn rule(page: &'static Page) -> Rule {
    let mut tags = vec!["cors".to_owned(), page.category.as_str().to_owned()];
    if page.category == Category::Exposure {
        tags.push("security".to_owned());
    }
    tags.extend(page.cwe.iter().map(|cwe| format!("external/cwe/{}", cwe.to_ascii_lowercase())));
    Rule {
        id: page.id,
        short_description: text(page.summary),
        full_description: text(page.section("What it finds").unwrap_or(page.summary)),
        help: Help { text: page.body, markdown: page.body },
        help_uri: page.url(),
        default_configuration: Configuration { level: level(page.severity) },
        properties: RuleProperties {
            tags,
            precision: "high",
            problem_severity: match page.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "recommendation",
            },
            // GitHub's bands: high from 7.0, medium from 4.0, low below.
            security_severity: (page.category == Category::Exposure).then_some(match page.severity {
                Severity::Error => "8.1",
                Severity::Warning => "5.4",
                Severity::Note => "2.6",
            }),
        },
    }
}

fn result<'a>(reported: &'a Reported, how: Option<&'a Suppression>, sources: &SourceSet) -> Result<'a> {
    let finding: &Finding = &reported.finding;
    let labels = &finding.labels[..finding.labels.len().min(MOST_LOCATIONS)];
    let mut related: Vec<_> = labels.iter().map(|label| location(label, sources)).collect();
    for (at, location) in related.iter_mut().enumerate() {
        location.id = Some(at + 1);
    }
    // The way of the value: from the places that it comes from to where it takes effect.
    let crosses = labels.iter().any(|label| label.span.file != finding.primary.span.file);
    let code_flows = if crosses {
        let labels = labels.iter().chain(std::iter::once(&finding.primary));
        let locations = labels.map(|label| FlowLocation { location: location(label, sources) }).collect();
        vec![CodeFlow { thread_flows: [ThreadFlow { locations }] }]
    } else {
        Vec::new()
    };
    let suppressions = how
        .map(|how| match how {
            Suppression::Comment { reason } => {
                let justification = (!reason.is_empty()).then(|| quoted(reason).text);
                SarifSuppression { kind: "inSource", justification }
            }
            Suppression::Baseline => {
                SarifSuppression { kind: "external", justification: Some("held by the baseline".into()) }
            }
        })
        .into_iter()
        .collect();
    let mut primary = location(&finding.primary, sources);
    primary.message = None;
    Result {
        rule_id: finding.rule,
        rule_index: pages().iter().position(|page| page.id == finding.rule),
        level: level(finding.severity),
        message: Text { text: quoted(&message(finding)).text.into_owned().into() },
        locations: [primary],
        related_locations: related,
        code_flows,
        partial_fingerprints: PartialFingerprints { corslint: reported.fingerprint.as_str() },
        fixes: finding
            .fixes
            .iter()
            .filter(|fix| fix.applicability > Applicability::Display)
            .map(|fix| sarif_fix(fix, sources))
            .collect(),
        suppressions,
        properties: ResultProperties {
            confidence: match finding.confidence {
                Confidence::Low => "low",
                Confidence::Medium => "medium",
                Confidence::High => "high",
            },
            category: finding.category.as_str(),
            framework: finding.framework,
            consequence: finding.consequence.as_deref(),
            help: finding.help.as_deref(),
        },
    }
}

/// What there is to say, in one paragraph: viewers show little beside the message.
fn message(finding: &Finding) -> String {
    let mut message = finding.message.clone();
    if let Some(consequence) = &finding.consequence {
        message.push_str(&format!(". The browser {consequence}"));
    }
    if let Some(help) = &finding.help {
        message.push_str(&format!(". Help: {help}"));
    }
    message
}

fn location<'a>(label: &'a Label, sources: &SourceSet) -> Location<'a> {
    Location {
        id: None,
        physical_location: PhysicalLocation {
            artifact_location: artifact(&sources.get(label.span.file).name, sources),
            region: Some(region(label.span, sources)),
        },
        message: (!label.text.is_empty()).then(|| quoted(&label.text)),
    }
}

/// A file by its name in reports.
fn artifact(name: &str, sources: &SourceSet) -> ArtifactLocation {
    let name = sources.hosted_name(name);
    // What lies outside is not found from the root.
    let uri_base_id = (!name.starts_with('/') && !name.starts_with("../")).then_some(SOURCES);
    ArtifactLocation { uri: uri(&name), uri_base_id }
}

fn region(span: Span, sources: &SourceSet) -> Region {
    let file = sources.get(span.file);
    let (start, end) = (file.position(span.start), file.position(span.end));
    Region {
        start_line: start.line,
        start_column: Some(start.column),
        end_line: Some(end.line),
        end_column: Some(end.column),
    }
}

fn sarif_fix<'a>(fix: &'a Fix, sources: &SourceSet) -> SarifFix<'a> {
    let mut changes: Vec<ArtifactChange<'a>> = Vec::new();
    for edit in &fix.edits {
        let artifact_location = artifact(&sources.get(edit.span.file).name, sources);
        let replacement =
            Replacement { deleted_region: region(edit.span, sources), inserted_content: text(&edit.replacement) };
        match changes.iter_mut().find(|change| change.artifact_location.uri == artifact_location.uri) {
            Some(change) => change.replacements.push(replacement),
            None => changes.push(ArtifactChange { artifact_location, replacements: vec![replacement] }),
        }
    }
    SarifFix { description: quoted(&fix.title), artifact_changes: changes }
}

/// An entry of the baseline that no longer occurs. Its path is relative to the project already.
fn gone(known: &Known) -> Notification<'_> {
    Notification {
        descriptor: Descriptor { id: "baseline-entry-gone" },
        level: "note",
        message: Text {
            text: format!("{} [{}] does not occur any more", quoted(&known.message).text, known.rule).into(),
        },
        locations: vec![Location {
            id: None,
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri: uri(&known.path), uri_base_id: Some(SOURCES) },
                region: None,
            },
            message: None,
        }],
    }
}

fn notification<'a>(problem: &'a Problem, sources: &SourceSet) -> Notification<'a> {
    let region =
        problem.line.map(|line| Region { start_line: line, start_column: None, end_line: None, end_column: None });
    let place = (!problem.file.is_empty()).then(|| Location {
        id: None,
        physical_location: PhysicalLocation { artifact_location: artifact(&problem.file, sources), region },
        message: None,
    });
    Notification {
        descriptor: Descriptor { id: problem.kind.as_str() },
        level: "warning",
        message: quoted(&problem.message),
        locations: place.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::human::tests::outcome;

    #[test]
    fn of_too_many_results_the_most_severe_are_listed() {
        let (mut outcome, sources) = outcome();
        let error = outcome.findings[0].clone();
        let mut note = error.clone();
        note.finding.severity = Severity::Note;
        outcome.findings = vec![note; MOST_RESULTS];
        outcome.findings.push(error.clone());
        outcome.suppressed.push((error, Suppression::Baseline));
        let listed = listed(&outcome);
        assert_eq!(listed.len(), MOST_RESULTS);
        assert_eq!(listed[0].0.finding.severity, Severity::Error);
        assert!(listed.iter().all(|(_, how)| how.is_none()));
        assert!(render(&outcome, &sources).contains("2 findings are left out, the least severe first"));
    }
}
