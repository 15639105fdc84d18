//! Credentials are meant to be allowed, and are not.

use crate::cors::{Fetch, Request, headers};
use crate::finding::{Applicability, Label, Severity};
use crate::model::{RemarkKind, World};
use crate::rules::calls::origins;
use crate::rules::{Report, Route, Rule, ServerView, edits, evidence, only, source, when, with_certainty, with_trail};

/// `invalid-credentials-value`
pub struct InvalidCredentialsValue;

/// Values that say no.
const NO: &[&str] = &["", "false", "0", "no", "off", "none", "null", "undefined"];

impl Rule for InvalidCredentialsValue {
    fn id(&self) -> &'static str {
        "invalid-credentials-value"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for (kind, span) in view.notices() {
            let RemarkKind::IgnoredValue { name, expected, effect } = kind else { continue };
            if !name.contains("credentials") {
                continue;
            }
            let message = format!("`{name}` is not `{expected}`, so credentials are not allowed");
            let Some(finding) = report.at(self.id(), span, "ignored", message) else { continue };
            finding.consequence = Some(consequence(""));
            finding.help = Some(format!("write `{name}: {expected}`: {effect}"));
            edits::replace(finding, Applicability::Safe, "write the value that counts", span, expected);
        }
        for route in &view.routes {
            for origin in origins(view) {
                let answer = view.from_page(route, &origin);
                let wrong = |world: &World| {
                    only(world, headers::ALLOW_CREDENTIALS)
                        .is_some_and(|(_, value)| value != "true" && !NO.contains(&value.to_ascii_lowercase().as_str()))
                };
                if let Some((certainty, world)) = when(&answer, wrong)
                    && let Some((sent, value)) = only(world, headers::ALLOW_CREDENTIALS)
                {
                    let message = format!("`Access-Control-Allow-Credentials` is `{value}`, and only `true` counts");
                    let place = source(sent);
                    let Some(finding) = report.at(self.id(), place, "not `true`", message) else { continue };
                    finding.consequence = Some(consequence(value));
                    finding.help = Some("send `true`, in lower case".into());
                    let fetch = Fetch::get(&*origin, &route.path).with_method(&*route.method).with_credentials();
                    finding.evidence = evidence(view, &fetch, &certainty);
                    with_trail(finding, sent);
                    with_certainty(finding, &certainty);
                    if let Some(span) = edits::literal(view, place, value) {
                        edits::replace(finding, Applicability::Safe, "write `true`", span, "true");
                    }
                    continue;
                }
                self.refusal(view, route, &origin, report);
                let twice = |world: &World| {
                    let known = |name| world.lines(name).filter(|sent| sent.value.is_ok()).count();
                    known(headers::ALLOW_CREDENTIALS) > 1 && known(headers::ALLOW_ORIGIN) == 1
                };
                if let Some((certainty, world)) = when(&answer, twice)
                    && let Some(last) = world.lines(headers::ALLOW_CREDENTIALS).last()
                {
                    let message = "`Access-Control-Allow-Credentials` is sent twice, and counts only once";
                    let Some(finding) = report.at(self.id(), source(last), "sent again here", message) else {
                        continue;
                    };
                    finding.consequence = Some(consequence("true, true"));
                    finding.help = Some("send it in one place".into());
                    for sent in world.lines(headers::ALLOW_CREDENTIALS) {
                        if sent.span != last.span {
                            finding.labels.push(Label::new(sent.span, "sent here"));
                        }
                    }
                    with_certainty(finding, &certainty);
                }
            }
        }
    }
}

impl InvalidCredentialsValue {
    /// A header that says no, which its absence says as well.
    fn refusal(&self, view: &ServerView, route: &Route, origin: &str, report: &mut Report) {
        let says_no = |world: &World| {
            only(world, headers::ALLOW_CREDENTIALS)
                .is_some_and(|(_, value)| !value.is_empty() && NO.contains(&value.to_ascii_lowercase().as_str()))
        };
        let preflight = view.ask(&Request::preflight(&route.path, origin, &*route.method, &[]));
        let mut first = None;
        for answer in [view.from_page(route, origin), preflight] {
            let Some((sent, value)) =
                when(&answer, says_no).and_then(|(_, world)| only(world, headers::ALLOW_CREDENTIALS))
            else {
                continue;
            };
            let place = source(sent);
            let first = *first.get_or_insert(place);
            if place != first {
                report.label(self.id(), first, Label::new(place, "and here"));
                continue;
            }
            let message = format!("`Access-Control-Allow-Credentials: {value}` is the same as no such header");
            let Some(finding) = report.at(self.id(), place, "says nothing", message) else { continue };
            finding.severity = Severity::Note;
            finding.help = Some("leave it out; or send `true`, if pages shall use the visitor's cookies".into());
        }
    }
}

fn consequence(value: &str) -> String {
    format!(
        "requests with `credentials: 'include'` fail: \"The value of the 'Access-Control-Allow-Credentials' header in the response is '{value}' which must be 'true' when the request's credentials mode is 'include'.\""
    )
}
