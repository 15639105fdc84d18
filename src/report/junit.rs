//! `--format junit`: JUnit's XML, in which a finding is a test that failed.

use super::machine::paragraphs;
use super::text::clean;
use crate::finding::{Outcome, Severity};
use crate::source::SourceSet;

/// The report. Notes are tests that passed and have something to say; a run without findings has one test that passed,
/// since some readers take an empty report for a broken one.
pub(super) fn render(outcome: &Outcome, sources: &SourceSet) -> String {
    let mut cases = String::new();
    for reported in &outcome.findings {
        let finding = &reported.finding;
        let file = sources.get(finding.primary.span.file);
        let at = file.position(finding.primary.span.start);
        let place = format!("{}:{}:{}", file.name, at.line, at.column);
        let head = case(&file.name, &format!("{} at {}:{}", finding.rule, at.line, at.column));
        let lines: Vec<_> = paragraphs(finding).iter().map(|line| escaped(line)).collect();
        let (place, lines) = (escaped(&place), lines.join("\n"));
        match finding.severity {
            Severity::Note => cases.push_str(&format!(
                "    <testcase {head}>\n      <system-out>{place}: {lines}</system-out>\n    </testcase>\n"
            )),
            severity => cases.push_str(&format!(
                "    <testcase {head}>\n      <failure type=\"{severity}\" message=\"{}\">{place}: {lines}</failure>\n    \
                 </testcase>\n",
                escaped(&finding.message)
            )),
        }
    }
    for problem in &outcome.problems {
        let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
        let kind = problem.kind.as_str();
        cases.push_str(&format!(
            "    <testcase {}>\n      <error type=\"{kind}\" message=\"{}\">{}{line}</error>\n    </testcase>\n",
            case(&problem.file, kind),
            escaped(&problem.message),
            escaped(&problem.file),
        ));
    }
    let mut tests = outcome.findings.len() + outcome.problems.len();
    if tests == 0 {
        tests = 1;
        cases.push_str(&format!("    <testcase {}/>\n", case("corslint", "no findings")));
    }
    let failures = outcome.count(Severity::Error) + outcome.count(Severity::Warning);
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{}\"", outcome.problems.len());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"corslint\" {counts}>\n  <testsuite \
         name=\"corslint\" {counts}>\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

fn case(class: &str, name: &str) -> String {
    format!("classname=\"{}\" name=\"{}\"", escaped(class), escaped(name))
}

/// Text for XML, without the characters that XML cannot hold.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
