//! A test of the origin that lets in somebody else's.

use crate::cors::{Effort, Fetch, Meant, Origin, StringTest, WitnessKind, admits_anybody, find_witness, headers};
use crate::finding::{Applicability, Severity};
use crate::rules::{
    Report, Rule, STRANGER, ServerView, all_when, allows_credentials, edits, evidence, only, when, with_certainty,
    with_trail,
};

use super::reflected_origin::reflects;

/// `loose-origin-pattern`
pub struct LooseOriginPattern;

impl Rule for LooseOriginPattern {
    fn id(&self) -> &'static str {
        "loose-origin-pattern"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for test in &view.tests {
            let Some(origin_test) = test.test() else { continue };
            let meant = Meant::of(&origin_test);
            let search = |effort: &mut Effort| find_witness(&origin_test, &meant, effort);
            let Some(witness) = report.search(test.check.span, search) else { continue };
            // Who lets in anybody has no pattern to mend.
            if admits_anybody(&origin_test) != Some(false)
                || witness.why == WitnessKind::OtherPort
                || Origin::parse(&witness.origin).is_err()
            {
                continue;
            }
            // The server itself must let the witness in: other conditions may stand beside the test.
            for route in &view.routes {
                let answer = view.from_page(route, &witness.origin);
                let Some((certainty, world)) = when(&answer, |world| reflects(world, &witness.origin)) else {
                    continue;
                };
                // Where anybody is let in, the pattern decides nothing.
                let stranger = view.from_page(route, STRANGER);
                if all_when(&stranger, |world| reflects(world, STRANGER)).iter().any(|(_, other)| world.agrees(other)) {
                    continue;
                }
                let Some((sent, _)) = only(world, headers::ALLOW_ORIGIN) else { continue };
                let credentials = allows_credentials(world);
                let names = meant.names();
                let meant_words = names.first().map_or_else(String::new, |name| format!(", not only {name}"));
                let message = format!("this test lets in `{}`{meant_words}", witness.origin);
                let label = witness.why.describe();
                let Some(finding) = report.at(self.id(), test.check.span, label, message) else { continue };
                finding.severity = if credentials { Severity::Error } else { Severity::Warning };
                let mut fetch = Fetch::get(&witness.origin, &route.path).with_method(&*route.method);
                if credentials {
                    fetch = fetch.with_credentials();
                }
                finding.evidence = evidence(view, &fetch, &certainty);
                finding.consequence = Some(if credentials {
                    "whoever registers that name can read the answers with the visitor's cookies".into()
                } else {
                    "whoever registers that name can read the answers".into()
                });
                finding.help = Some(help(&test.check.test, names.first().copied()));
                if let (StringTest::Matches(pattern), [name]) = (&test.check.test, names.as_slice())
                    && view.sources.text(test.check.span) == format!("/{}/", pattern.text)
                {
                    let anchored = format!("/{}/", anchored(&test.check.test, name));
                    edits::replace(finding, Applicability::Display, "anchor the pattern", test.check.span, &anchored);
                }
                with_trail(finding, sent);
                with_certainty(finding, &certainty);
            }
        }
    }
}

fn help(test: &StringTest, name: Option<&str>) -> String {
    let name = name.unwrap_or("example.com");
    match test {
        StringTest::Matches(_) => {
            format!("anchor the pattern at both ends and escape its dots: `{}`", anchored(test, name))
        }
        StringTest::EndsWith(_) => {
            format!("compare the whole origin, or begin the ending with a dot: `'.{}'`", name.trim_start_matches('.'))
        }
        _ => "compare the whole origin with a list of origins".to_owned(),
    }
}

/// A pattern for the host `name`, with its subdomains and without TLS where `test` lets those in.
fn anchored(test: &StringTest, name: &str) -> String {
    let lets_in = |origin: String| test.matches(&origin) == Some(true);
    let scheme = if lets_in(format!("http://{name}")) { "https?" } else { "https" };
    let below = if lets_in(format!("https://sub.{name}")) { "([a-z0-9-]+\\.)*" } else { "" };
    format!("^{scheme}:\\/\\/{below}{}$", name.replace('.', "\\."))
}
