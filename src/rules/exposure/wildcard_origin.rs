//! Any site may read.

use rustc_hash::FxHashSet;

use crate::cors::{Fetch, Request, headers};
use crate::finding::{Label, Severity};
use crate::model::{
    Effect, EffectKind, Guard, Outcome, PathMatch, Reason, RemarkKind, Sent, Step, StepKind, Text, World,
};
use crate::rules::calls::writer;
use crate::rules::{
    Report, Route, Rule, STRANGER, ServerView, allows_credentials, evidence, is_environment, only, source, when,
    with_reasons, with_trail,
};
use crate::source::Span;

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
        let mut found = None;
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
            found.get_or_insert(place);
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
        if let Some(found) = found {
            // The same said again, behind or before: whoever changes the one has to change the other.
            for (_, effect, write) in view.writes(|name| name.eq_ignore_ascii_case(headers::ALLOW_ORIGIN)) {
                let place = write.trail.0.first().map_or(effect.span, |(place, _)| *place);
                let is_star = write.values.iter().all(|value| value.as_literal() == Some("*"));
                if is_star && reasons_of(&effect.when).is_empty() && !report.has(self.id(), place) {
                    report.label(self.id(), found, Label::new(place, "`*` is said here again"));
                }
            }
        }
        // Whoever sends credentials too has another fault.
        let with_credentials: FxHashSet<Span> = view
            .writes(|name| name.eq_ignore_ascii_case(headers::ALLOW_CREDENTIALS))
            .into_iter()
            .map(|(step, ..)| step.span)
            .collect();
        // Where a write hangs on something that is not known, `*` is `*` all the same whenever it happens.
        for (step, effect, write) in view.writes(|name| name.eq_ignore_ascii_case(headers::ALLOW_ORIGIN)) {
            let [value] = &*write.values else { continue };
            // A choice has no place of its own but where it is written.
            let literal = write.trail.0.first().filter(|_| value.as_literal().is_some());
            let place = literal.map_or(effect.span, |(place, _)| *place);
            if step.when == Guard::Never
                || with_credentials.contains(&step.span)
                || report.has("wildcard-with-credentials", place)
            {
                continue;
            }
            let conditions = stars(value).into_iter().map(|within| effect.when.clone().and(within));
            let Some(reasons) = conditions.map(|when| reasons_of(&when)).find(|reasons| !reasons.is_empty()) else {
                continue;
            };
            if is_replaced(view, step, effect) {
                continue;
            }
            if let Some(finding) = report.at(self.id(), place, "any site", "any site may read the answers") {
                finding.help = Some(
                    "list the origins if the data is not public; else say so: `corslint: ignore[wildcard-origin] public data`".into(),
                );
                with_reasons(finding, &reasons);
            }
        }
    }
}

/// The conditions under which a text is `*`, but for those that the environment decides: an unset variable is a rule's
/// of its own.
fn stars(text: &Text) -> Vec<Guard> {
    let mut found = Vec::new();
    let mut open = vec![(Guard::Always, text)];
    while let Some((when, text)) = open.pop() {
        match text {
            Text::Literal(text) if &**text == "*" => found.push(when),
            Text::Choose(guard, then, otherwise) if found.len() + open.len() < 64 => {
                let mut environment = false;
                guard.each_atom(&mut |atom| environment |= is_environment(atom));
                if !environment {
                    open.push((when.clone().and(Guard::not((**guard).clone())), otherwise));
                    open.push((when.and((**guard).clone()), then));
                }
            }
            _ => {}
        }
    }
    found
}

/// Why a condition is not known: nothing where it is known, or cannot hold.
fn reasons_of(when: &Guard) -> Vec<Reason> {
    let mut reasons = Vec::new();
    when.each_atom(&mut |atom| {
        if let Guard::Unknown(reason) = atom
            && !reasons.contains(reason)
        {
            reasons.push(reason.clone());
        }
    });
    reasons
}

/// Whether what a step writes never leaves the server: all the answers that it takes part in say something else.
fn is_replaced(view: &ServerView, step: &Step, effect: &Effect) -> bool {
    let answers: Vec<_> = view.routes.iter().map(|route| view.from_page(route, STRANGER)).collect();
    let worlds = answers.iter().flat_map(|answer| &answer.worlds);
    let mut met = worlds.filter(|world| world.ran.contains(&step.span)).peekable();
    let says_another = |world: &World| {
        let mut lines = world.lines(headers::ALLOW_ORIGIN).peekable();
        lines.peek().is_some() && lines.all(|sent| sent.value.is_ok() && sent.span != effect.span)
    };
    met.peek().is_some() && met.all(says_another)
}

/// Whether it is known which routes a step's policy is for. A helper's surroundings are not.
fn has_routes(view: &ServerView, step: &Step) -> bool {
    view.complete() || step.kind != StepKind::Route || step.methods.is_some() || step.path != PathMatch::Any
}

/// What the handlers of a route, or the middleware before them, read of the caller's credentials.
fn credentials_read(view: &ServerView, route: &Route) -> Option<(String, Span)> {
    let way = route.way(&view.from_page(route, STRANGER));
    let mut found = None;
    for (_, effect) in view.steps().effects_at(&way) {
        if let EffectKind::Notice(kind) = &effect.kind
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
    }
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
            // A line that is sent whatever the variable says is no fallback, though another one may come beside it. Where
            // it is not known what is sent, it is not known to be left out; a variable's value is not `*`.
            let leaves_out = |world: &World| {
                let is_other = |other: &Sent| other != sent && (other.value.is_ok() || other.span == sent.span);
                world.outcome == Outcome::Answered && world.lines(headers::ALLOW_ORIGIN).all(is_other)
            };
            if !answer.worlds.iter().any(leaves_out) {
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
