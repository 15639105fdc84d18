//! Every origin gets itself back.

use crate::cors::{Fetch, headers};
use crate::finding::{Applicability, Edit, Finding, Fix, Severity};
use crate::model::World;
use crate::rules::{
    Certainty, OTHER_STRANGER, Report, Route, Rule, STRANGER, ServerView, allows_credentials, edits, evidence, help,
    names_origin, only, source, when, with_certainty, with_trail,
};
use crate::source::Span;

/// `reflected-origin-with-credentials`
pub struct WithCredentials;

/// `reflected-origin`
pub struct Plain;

impl Rule for WithCredentials {
    fn id(&self) -> &'static str {
        "reflected-origin-with-credentials"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for route in &view.routes {
            reflection(view, route, true, self.id(), report);
        }
    }
}

impl Rule for Plain {
    fn id(&self) -> &'static str {
        "reflected-origin"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for route in &view.routes {
            reflection(view, route, false, self.id(), report);
        }
    }
}

/// Whether a world's answer gives a stranger's origin back.
pub(super) fn reflects(world: &World, origin: &str) -> bool {
    only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == origin)
}

/// Whether whoever names no origin is sent `*`, and caches are told of the difference: then echoing is how a library
/// says `*` to those who name one (flask-cors by default).
pub(super) fn says_wildcard(view: &ServerView, route: &Route) -> bool {
    let named = view.from_page(route, STRANGER);
    let answer = view.ask(&crate::cors::Request::new(&*route.method, &route.path));
    when(&answer, |world| only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == "*")).is_some()
        && when(&named, |world| reflects(world, STRANGER) && !names_origin(world)).is_none()
}

fn reflection(view: &ServerView, route: &Route, credentials: bool, rule: &'static str, report: &mut Report) {
    let answer = view.from_page(route, STRANGER);
    let reflected = |world: &World| reflects(world, STRANGER) && allows_credentials(world) == credentials;
    let Some((certainty, world)) = when(&answer, reflected) else { return };
    // A variable that says so by its value is somebody's decision.
    if certainty.is_chosen() {
        return;
    }
    // Two strangers that have nothing in common: whoever lets in both lets in anybody.
    let other = view.from_page(route, OTHER_STRANGER);
    if when(&other, |world| reflects(world, OTHER_STRANGER) && allows_credentials(world) == credentials).is_none() {
        return;
    }
    if !credentials && says_wildcard(view, route) {
        return;
    }
    let Some((sent, _)) = only(world, headers::ALLOW_ORIGIN) else { return };
    let place = source(sent);
    if !credentials && report.has("reflected-origin-with-credentials", place) {
        return;
    }
    let message = if credentials {
        "every origin is echoed back while credentials are allowed"
    } else {
        "every origin is echoed back, which lets in whom `*` would"
    };
    let Some(finding) = report.at(rule, place, "any origin gets itself back", message) else { return };
    let mut fetch = Fetch::get(STRANGER, &route.path).with_method(&*route.method);
    if credentials {
        fetch = fetch.with_credentials();
    }
    finding.evidence = evidence(view, &fetch, &certainty);
    finding.consequence = Some(if credentials {
        "any site that a signed-in visitor opens can send this request with the visitor's cookies, and read the answer"
            .into()
    } else {
        "any site can read the answer; without `Vary: Origin` in every cache, one site's answer also reaches another"
            .into()
    });
    if credentials && let Some((sent, _)) = only(world, headers::ALLOW_CREDENTIALS) {
        let place = source(sent);
        finding.labels.push(crate::finding::Label::new(place, "credentials are allowed here"));
    }
    with_trail(finding, sent);
    with_certainty(finding, &certainty);
    finding.help = Some(if credentials {
        help::list_origins(view, sent.span).into()
    } else {
        "say `*` if everybody may read, or list the origins that may".into()
    });
    changes(view, finding, place, only(world, headers::ALLOW_CREDENTIALS).map(|(sent, _)| source(sent)));
    if !credentials && certainty != Certainty::Always {
        finding.severity = Severity::Warning;
    }
}

/// The list in place of `true`; or, where a working call may stop, no credentials.
fn changes(view: &ServerView, finding: &mut Finding, place: Span, credentials: Option<Span>) {
    let list = match (view.server.framework, view.sources.text(place).as_str()) {
        ("express", "true") => Some("['https://app.example.com']"),
        ("flask", "\"*\"" | "'*'") => Some("[\"https://app.example.com\"]"),
        _ => None,
    };
    if let Some(list) = list {
        edits::replace(finding, Applicability::Display, "list the origins", place, list);
    }
    let off = credentials.and_then(|span| match view.sources.text(span).as_str() {
        "true" => Some((span, "false")),
        "True" => Some((span, "False")),
        _ => None,
    });
    if let Some((span, off)) = off.filter(|_| matches!(view.server.framework, "express" | "flask")) {
        finding.fixes.push(Fix {
            title: "leave the credentials out".to_owned(),
            applicability: Applicability::Unsafe,
            edits: vec![Edit { span, replacement: off.to_owned() }],
        });
    }
}
