//! An answer depends on the origin and does not say so.

use crate::cors::headers;
use crate::finding::{Applicability, Fix, Label};
use crate::model::{EffectKind, Reason, World, each_effect};
use crate::rules::{
    OTHER_STRANGER, Report, Route, Rule, STRANGER, ServerView, all_when, edits, help, names_origin, only, possible,
    source, when, with_certainty, with_reasons, with_trail,
};
use crate::source::Span;

/// `missing-vary`
pub struct MissingVary;

impl Rule for MissingVary {
    fn id(&self) -> &'static str {
        "missing-vary"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        // No cache keeps the answer to anything else.
        for route in view.routes.iter().filter(|route| &*route.method == "GET") {
            let is_let_in = |origin: &str| is_let_in(view, route, origin);
            let friends: Vec<&str> =
                view.friends().iter().map(String::as_str).filter(|friend| is_let_in(friend)).collect();
            // One page alone is handed no other page's answer.
            let pattern = friends.iter().any(|friend| view.passes_a_test(friend));
            if friends.len() < 2 && !pattern && !is_let_in(STRANGER) {
                self.somebody(view, route, report);
                continue;
            }
            for friend in &friends {
                self.friend(view, route, friend, &friends, report);
            }
        }
    }
}

/// Whether the header is written by an annotation of an ingress: the controller has none for `Vary`.
fn is_annotation(view: &ServerView, place: Span) -> bool {
    view.server.framework == "nginx"
        && !["add_header", "more_set_headers"].iter().any(|name| view.sources.text(place).starts_with(name))
}

impl MissingVary {
    /// Origins that a test lets in which is not known: a list of the settings, a helper of a package.
    fn somebody(&self, view: &ServerView, route: &Route, report: &mut Report) {
        let silent = |world: &World, origin: &str| {
            only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == origin)
                && !names_origin(world)
                && !is_never_stored(world)
        };
        let (answer, other) = (view.from_page(route, STRANGER), view.from_page(route, OTHER_STRANGER));
        if possible(&other, |world| silent(world, OTHER_STRANGER)).is_empty() {
            return;
        }
        // Whether it is said may hang on the same: a library that says it for a list says it in the end.
        let says = |world: &World| world.lines(headers::ALLOW_ORIGIN).next().is_some() && names_origin(world);
        if answer.worlds.iter().any(says) {
            return;
        }
        // Who is compared with one value is that one, and no other page is let in.
        let several = |reasons: &[(Reason, bool)]| reasons.iter().any(|(reason, holds)| *holds && reason.is_question());
        let mut worlds = possible(&answer, |world| silent(world, STRANGER)).into_iter();
        let Some((reasons, world)) = worlds.find(|(reasons, _)| several(reasons)) else { return };
        let Some((sent, _)) = only(world, headers::ALLOW_ORIGIN) else { return };
        let message = "the answer depends on the origin and has no `Vary: Origin`";
        let Some(finding) = report.at(self.id(), sent.span, "depends on the origin", message) else { return };
        finding.consequence = Some(
            "a cache, the browser's own too, hands one page's answer to a page of another origin, whose check fails"
                .into(),
        );
        finding.help = Some(help::vary(view).to_owned());
        with_trail(finding, sent);
        with_reasons(finding, reasons.iter().map(|(reason, _)| reason));
    }

    fn friend(&self, view: &ServerView, route: &Route, friend: &str, friends: &[&str], report: &mut Report) {
        let answer = view.from_page(route, friend);
        let silent = |world: &World| {
            only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == friend)
                && !names_origin(world)
                && !is_never_stored(world)
        };
        let Some((certainty, world)) = when(&answer, silent) else { return };
        // Others may be let in under other settings only: then the page is alone here.
        let is_let_in_too = |other: &str| {
            let answer = view.from_page(route, other);
            let reflected = |world: &World| only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == other);
            other != friend && all_when(&answer, reflected).iter().any(|(_, there)| world.agrees(there))
        };
        if !view.passes_a_test(friend) && !friends.iter().copied().chain([STRANGER]).any(is_let_in_too) {
            return;
        }
        // The same for everybody depends on nobody.
        let differs = |origin: &str| {
            let answer = view.from_page(route, origin);
            let same = |world: &World| only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == friend);
            when(&answer, |world| !same(world)).is_some()
        };
        if !differs(STRANGER) || !differs(OTHER_STRANGER) {
            return;
        }
        let Some((sent, _)) = only(world, headers::ALLOW_ORIGIN) else { return };
        if is_annotation(view, sent.span) {
            return;
        }
        // Who lets everybody in without credentials has no use for the origin: `*` ends both.
        if report.has("reflected-origin", source(sent)) {
            return;
        }
        let lost = lost_vary(view, world);
        let (place, label, message) = match lost {
            Some(place) => (place, "replaces it", "this replaces the `Vary: Origin` that the policy has set"),
            None => (sent.span, "depends on the origin", "the answer depends on the origin and has no `Vary: Origin`"),
        };
        let Some(finding) = report.at(self.id(), place, label, message) else { return };
        finding.consequence = Some(format!(
            "a cache, the browser's own too, hands the answer for {friend} to a page of another origin, whose check fails"
        ));
        finding.help = Some(if lost.is_some() {
            "add to the header instead: `res.vary('Accept-Encoding')`, or `res.append('Vary', …)`".into()
        } else {
            help::vary(view).to_owned()
        });
        if lost.is_some() {
            finding.labels.push(Label::new(sent.span, "depends on the origin"));
        }
        // Beside other lines of its own kind it takes nothing from those of the level above.
        if view.server.framework == "nginx"
            && lost.is_none()
            && view.sources.text(sent.span).starts_with("add_header")
            && let Some(edit) = edits::directive_behind(view, sent.span, "add_header Vary Origin always;")
        {
            let title = "add `Vary: Origin`".to_owned();
            finding.fixes.push(Fix { title, applicability: Applicability::Safe, edits: vec![edit] });
        }
        with_trail(finding, sent);
        with_certainty(finding, &certainty);
    }
}

/// Whether a page of this origin gets it back.
fn is_let_in(view: &ServerView, route: &Route, friend: &str) -> bool {
    let reflected = |world: &World| only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == friend);
    when(&view.from_page(route, friend), reflected).is_some()
}

/// Whether nothing may store the answer.
fn is_never_stored(world: &World) -> bool {
    world
        .lines("cache-control")
        .any(|sent| sent.value.as_ref().is_ok_and(|value| value.to_ascii_lowercase().contains("no-store")))
}

/// The write that replaced a `Vary` which named the origin.
fn lost_vary(view: &ServerView, world: &World) -> Option<Span> {
    let now = world.lines(headers::VARY).next()?;
    let mut named = false;
    each_effect(view.server, &mut |step, effect| {
        if let EffectKind::Write(write) = &effect.kind
            && write.is(headers::VARY)
            && effect.span != now.span
            && world.ran.contains(&step.span)
        {
            named |= write
                .values
                .iter()
                .any(|value| value.as_literal().is_some_and(|text| text.to_ascii_lowercase().contains("origin")));
        }
    });
    named.then_some(now.span)
}
