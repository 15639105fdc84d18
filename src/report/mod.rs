//! Reports: an outcome as text, for people and for machines.

mod compact;
mod excerpt;
mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod machine;
mod sarif;
mod summary;
mod text;

pub use text::{Paint, Style, clean, json, wrap};

use crate::finding::Outcome;
use crate::source::SourceSet;

/// The formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// A line for each finding.
    Compact,
    /// Version 1 of corslint's own JSON.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// A Code Quality report of GitLab.
    Gitlab,
    /// JUnit's XML.
    Junit,
}

/// How a report for people looks.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// With colours.
    pub color: bool,
    /// With box-drawing characters.
    pub unicode: bool,
    /// In how many columns.
    pub width: usize,
    /// Without the summary.
    pub quiet: bool,
    /// With what was suppressed.
    pub verbose: bool,
}

/// The report of an outcome.
pub fn render(format: Format, outcome: &Outcome, sources: &SourceSet, view: &View) -> String {
    match format {
        Format::Human => human::render(outcome, sources, view),
        Format::Compact => compact::render(outcome, sources),
        Format::Json => json::render(outcome, sources),
        Format::Sarif => sarif::render(outcome, sources),
        Format::Github => github::render(outcome, sources),
        Format::Gitlab => gitlab::render(outcome, sources),
        Format::Junit => junit::render(outcome, sources),
    }
}

/// How often each rule was found.
pub fn statistics(outcome: &Outcome) -> String {
    summary::statistics(outcome)
}

#[cfg(test)]
mod tests {
    use super::human::tests::outcome;
    use super::*;
    use crate::finding::Suppression;

    fn validated(schema: &str, report: &str) -> serde_json::Value {
        let schema = serde_json::from_str(schema).unwrap();
        let report = serde_json::from_str(report).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new());
        report
    }

    #[test]
    fn sarif_is_valid_by_the_published_schema() {
        let (mut outcome, sources) = outcome();
        let suppressed = outcome.findings[1].clone();
        outcome.suppressed.push((suppressed, Suppression::Comment { reason: "known".into() }));
        let text = sarif::render(&outcome, &sources);
        let log = validated(include_str!("../../tests/schemas/sarif-2.1.0.json"), &text);
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(run["results"].as_array().unwrap().len(), 3);
        for result in run["results"].as_array().unwrap() {
            let index = result["ruleIndex"].as_u64().unwrap() as usize;
            assert_eq!(rules[index]["id"], result["ruleId"]);
        }
        assert_eq!(run["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap().len(), 3);
        assert_eq!(run["results"][2]["suppressions"][0]["justification"], "known");
        let notification = &run["invocations"][0]["toolExecutionNotifications"][0];
        let uri = &notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(uri, "server/broken%1B%5B31m.js");
    }

    #[test]
    fn json_is_valid_by_its_schema() {
        let (outcome, sources) = outcome();
        let report = validated(include_str!("../../schemas/report.json"), &json::render(&outcome, &sources));
        assert_eq!(
            report["findings"][0]["location"]["start"],
            serde_json::json!({"line": 7, "column": 11, "offset": 161})
        );
        assert_eq!(report["summary"]["errors"], 2);
    }

    #[test]
    fn annotations_cannot_be_forged() {
        let (mut outcome, sources) = outcome();
        outcome.findings[0].finding.message = "x\n::error::forged %0A\r::set-env".into();
        outcome.problems[0].file = "a,line=1::b.js\n::error::".into();
        let text = github::render(&outcome, &sources);
        assert_eq!(text.lines().count(), 3);
        assert!(text.lines().all(|line| line.starts_with("::error file=") || line.starts_with("::warning file=")));
        assert!(text.contains("::x␊::error::forged %250A␍::set-env%0A"), "{text}");
        assert!(text.contains("file=a%2Cline=1%3A%3Ab.js␊%3A%3Aerror%3A%3A,line=3"), "{text}");
    }

    #[test]
    fn every_format_shows_findings_and_problems() {
        let (outcome, sources) = outcome();
        let view = View { color: false, unicode: true, width: 100, quiet: false, verbose: false };
        for format in
            [Format::Human, Format::Compact, Format::Json, Format::Sarif, Format::Github, Format::Gitlab, Format::Junit]
        {
            let text = render(format, &outcome, &sources, &view);
            assert!(text.contains("reflected-origin-with-credentials"), "{format:?}");
            assert!(text.contains("a part of the file could not be read"), "{format:?}");
            assert!(!text.contains('\x1b'), "{format:?}");
        }
    }

    #[test]
    fn xml_is_escaped() {
        let (mut outcome, sources) = outcome();
        outcome.findings[0].finding.message = "<a & \"b\">]]>\u{1}\u{ffff}".into();
        let text = junit::render(&outcome, &sources);
        assert!(text.contains("message=\"&lt;a &amp; &quot;b&quot;&gt;]]&gt;␁\u{fffd}\""), "{text}");
        assert!(junit::render(&Outcome::default(), &sources).contains("tests=\"1\" failures=\"0\""));
    }
}
