//! Any site may read.

use crate::cors::{Fetch, Request, headers};
use crate::finding::{Label, Severity};
use crate::model::{PathMatch, RemarkKind, Step, StepKind, World};
use crate::rules::calls::writer;
use crate::rules::{
    Report, Route, Rule, STRANGER, ServerView, allows_credentials, evidence, only, source, when, with_trail,
};

use super::reflected_origin::{reflects, says_wildcard};

/// `wildcard-origin`
pub struct WildcardOrigin;

/// `wildcard-fallback`
pub struct WildcardFallback;

fn is_wildcard(world: &World) -> bool {
    only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == "*")
}

/// Whether an answer says that anybody may read, if only once too often.
fn is_meant_for_all(world: &World) -> bool {
    let mut lines = world.lines(headers::ALLOW_ORIGIN).peekable();
    lines.peek().is_some() && lines.all(|sent| sent.value.as_deref() == Ok("*"))
}

impl Rule for WildcardOrigin {
    fn id(&self) -> &'static str {
        "wildcard-origin"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for route in &view.routes {
            let answer = view.from_page(route, STRANGER);
            let echoed = says_wildcard(view, route);
            let open = |world: &World| {
                (is_meant_for_all(world) || echoed && reflects(world, STRANGER)) && !allows_credentials(world)
            };
            let Some((certainty, world)) = when(&answer, open) else { continue };
            if certainty.is_fallback() || certainty.is_development() {
                continue;
            }
            // What a server behind says is told of that server.
            let Some(sent) = world.lines(headers::ALLOW_ORIGIN).last() else { continue };
            let place = source(sent);
            let Some(finding) = report.at(self.id(), place, "any site", "any site may read the answers") else {
                continue;
            };
            finding.consequence =
                Some("no cookies are sent with such a request, so this is right for data that is public anyway".into());
            finding.help = Some(
                "list the origins if the data is not public; else say so: `corslint: ignore[wildcard-origin] public data`".into(),
            );
            with_trail(finding, sent);
            let in_scope = writer(view, world, sent).is_some_and(|(step, _)| has_routes(view, step));
            // A branch for OPTIONS says it again.
            let preflight = view.ask(&Request::preflight(&route.path, STRANGER, &*route.method, &[]));
            if let Some((sent, _)) = when(&preflight, open).and_then(|(_, world)| only(world, headers::ALLOW_ORIGIN))
                && source(sent) != place
            {
                finding.labels.push(Label::new(source(sent), "and here, for preflights"));
            }
            if let Some((what, span)) = credentials_read(view, route).filter(|_| in_scope) {
                finding.severity = Severity::Warning;
                finding.message = format!("any site may read the answers of a server that reads {what}");
                finding.labels.push(Label::new(span, "read here"));
                finding.consequence = Some(if what.starts_with("Authorization") {
                    "a page elsewhere that has a token can use it from its visitors' browsers".into()
                } else if what.contains("user") {
                    "a page elsewhere that has a token can use it from its visitors' browsers; with cookies, no page elsewhere is let in, not even your own".into()
                } else {
                    "browsers send no cookies where `*` answers: pages elsewhere read what a visitor would who is not signed in, and pages of your own that need cookies are refused".into()
                });
            }
            if is_wildcard(world) || echoed {
                finding.evidence =
                    evidence(view, &Fetch::get(STRANGER, &route.path).with_method(&*route.method), &certainty);
            }
        }
        // Where a write hangs on something that is not known, `*` is `*` all the same whenever it happens.
        for (step, effect, write) in view.writes(|name| name.eq_ignore_ascii_case(headers::ALLOW_ORIGIN)) {
            let is_star = write.values.iter().all(|value| value.as_literal() == Some("*"));
            if !is_star || effect.when == crate::model::Guard::Never || step.when == crate::model::Guard::Never {
                continue;
            }
            let place = write.trail.0.first().map_or(effect.span, |(place, _)| *place);
            let mut decided = true;
            effect.when.each_atom(&mut |atom| decided &= !matches!(atom, crate::model::Guard::Unknown(_)));
            if decided || credentials_beside(view, step) || report.has("wildcard-with-credentials", place) {
                continue;
            }
            if let Some(finding) = report.at(self.id(), place, "any site", "any site may read the answers") {
                finding.confidence = crate::finding::Confidence::Medium;
                finding.help = Some(
                    "list the origins if the data is not public; else say so: `corslint: ignore[wildcard-origin] public data`".into(),
                );
            }
        }
    }
}

/// Whether a step sends credentials too: then `*` is another fault.
fn credentials_beside(view: &ServerView, step: &Step) -> bool {
    view.writes(|name| name.eq_ignore_ascii_case(headers::ALLOW_CREDENTIALS))
        .iter()
        .any(|(other, ..)| other.span == step.span)
}

/// Whether it is known which routes a step's policy is for. A helper's surroundings are not.
fn has_routes(view: &ServerView, step: &Step) -> bool {
    view.complete() || step.kind != StepKind::Route || step.methods.is_some() || step.path != PathMatch::Any
}

/// What the handlers of a route, or the middleware before them, read of the caller's credentials.
fn credentials_read(view: &ServerView, route: &Route) -> Option<(String, crate::source::Span)> {
    let answer = view.from_page(route, STRANGER);
    let ran: Vec<_> = answer.worlds.iter().flat_map(|world| world.ran.iter().copied()).collect();
    let mut found = None;
    crate::model::each_effect(view.server, &mut |step, effect| {
        if let crate::model::EffectKind::Notice(kind) = &effect.kind
            && ran.contains(&step.span)
            && found.is_none()
        {
            match kind {
                RemarkKind::ReadsCredentials(what) => found = Some((what.clone(), effect.span)),
                RemarkKind::ReadsHeader(name) if name == "authorization" => {
                    found = Some(("Authorization headers".to_owned(), effect.span));
                }
                RemarkKind::ReadsHeader(name) if name == "cookie" => found = Some(("cookies".to_owned(), effect.span)),
                _ => {}
            }
        }
    });
    found
}

impl Rule for WildcardFallback {
    fn id(&self) -> &'static str {
        "wildcard-fallback"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for route in &view.routes {
            let answer = view.from_page(route, STRANGER);
            let open = |world: &World| is_wildcard(world) || reflects(world, STRANGER);
            let Some((certainty, world)) = when(&answer, open) else { continue };
            if !certainty.is_fallback() || certainty.is_development() {
                continue;
            }
            let Some((sent, value)) = only(world, headers::ALLOW_ORIGIN) else { continue };
            // A line that is sent whatever the variable says is no fallback, though another one may come beside it.
            let stays = |world: &World| world.lines(headers::ALLOW_ORIGIN).any(|other| other == sent);
            if answer.worlds.iter().all(stays) {
                continue;
            }
            let place = source(sent);
            if report.has("reflected-origin-with-credentials", place) || report.has("reflected-origin", place) {
                continue;
            }
            let words = certainty.describe().unwrap_or_else(|| "the variable is not set".to_owned());
            let message = format!("any site may read where {words}");
            let Some(finding) = report.at(self.id(), place, "what holds when nothing is configured", message) else {
                continue;
            };
            finding.confidence = crate::finding::Confidence::Medium;
            finding.consequence = Some(if allows_credentials(world) && value == "*" {
                "a deployment without the variable sends `*` with credentials, which browsers refuse for every request with cookies".into()
            } else {
                "a deployment that forgets the variable is open to every site, and nothing says so".into()
            });
            finding.help = Some("fall back to nothing, or refuse to start without the variable".into());
            with_trail(finding, sent);
            let stranger = Fetch::get(STRANGER, &route.path).with_method(&*route.method);
            finding.evidence = evidence(view, &stranger, &certainty);
            finding.evidence.retain(|row| row.verdict == "allowed");
        }
    }
}
