//! `*` is sent together with allowed credentials: it works for nobody who has some.

use crate::cors::{Fetch, headers};
use crate::finding::{Applicability, Label, Severity};
use crate::model::{Answer, World};
use crate::rules::{
    Certainty, Report, Rule, STRANGER, ServerView, allows_credentials, edits, evidence, help, only, possible, source,
    when, with_certainty, with_reasons, with_trail,
};
use crate::source::Span;

/// `wildcard-with-credentials`
pub struct WildcardWithCredentials;

impl Rule for WildcardWithCredentials {
    fn id(&self) -> &'static str {
        "wildcard-with-credentials"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        let preflights = view.routes.iter().map(|route| {
            let preflight = crate::cors::Request::preflight(&route.path, STRANGER, &*route.method, &[]);
            (route, view.ask(&preflight), true)
        });
        let answers = view.routes.iter().map(|route| (route, view.from_page(route, STRANGER), false));
        for (route, answer, is_preflight) in answers.chain(preflights) {
            let pair = |world: &World| {
                only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == "*") && allows_credentials(world)
            };
            let (certainty, reasons, world) = match when(&answer, pair) {
                Some((certainty, world)) => (certainty, Vec::new(), world),
                // On a condition that is not known, where credentials are allowed whatever is sent.
                None if allows_always(&answer) => match possible(&answer, pair).into_iter().next() {
                    Some((reasons, world)) => (Certainty::Always, reasons, world),
                    None => continue,
                },
                None => continue,
            };
            let (Some((sent, _)), Some((credentials, _))) =
                (only(world, headers::ALLOW_ORIGIN), only(world, headers::ALLOW_CREDENTIALS))
            else {
                continue;
            };
            let place = source(sent);
            // The fallback is the fault there, and its rule tells this consequence.
            if report.has("wildcard-fallback", place) || certainty.is_fallback() {
                continue;
            }
            let message = "`*` does not count for requests with credentials, and credentials are allowed";
            let Some(finding) = report.at(self.id(), place, "any site, without credentials", message) else { continue };
            let mut fetch = Fetch::get(STRANGER, &route.path).with_method(&*route.method).with_credentials();
            if is_preflight {
                // One that needs the preflight, on which the fault is seen.
                fetch = fetch.with_header("Content-Type", "application/json");
            }
            finding.evidence = evidence(view, &fetch, &certainty);
            finding.consequence = Some(
                "every request with `credentials: 'include'` fails: \"The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' when the request's credentials mode is 'include'.\"".into(),
            );
            finding.help = Some(format!(
                "{}; or leave the credentials out if no page needs cookies",
                help::list_origins(view, sent.span)
            ));
            finding.labels.push(Label::new(source(credentials), "credentials are allowed here"));
            with_trail(finding, sent);
            with_certainty(finding, &certainty);
            if !reasons.is_empty() {
                finding.severity = Severity::Warning;
                with_reasons(finding, reasons.iter().map(|(reason, _)| reason));
            }
            if let Some(span) = edits::literal(view, place, "*").filter(|_| takes_list(view, sent.span)) {
                // The quotation marks go with it.
                let span = Span::new(span.file, span.start - 1, span.end + 1);
                // What an argument of a call is for is not known: a text stays a text there.
                let file = view.sources.get(span.file);
                let before = file.text.get(..span.start as usize);
                let is_option = before.is_some_and(|before| before.trim_end().ends_with([':', '=']));
                let list = if is_option { "['https://app.example.com']" } else { "'https://app.example.com'" };
                edits::replace(finding, Applicability::Display, "", span, list);
            }
            report.withdraw("wildcard-origin", place);
        }
    }
}

/// Whether a list may stand in the place of `*`: in an option of a library, and in no header's value.
fn takes_list(view: &ServerView, place: Span) -> bool {
    matches!(view.server.framework, "express" | "flask") && !help::is_by_hand(view, place)
}

/// Whether credentials are allowed in every answer that lets anybody in.
fn allows_always(answer: &Answer) -> bool {
    answer.worlds.iter().all(|world| world.lines(headers::ALLOW_ORIGIN).next().is_none() || allows_credentials(world))
}
