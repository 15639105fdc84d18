//! The origin `null` is let in, which any sandboxed frame has.

use crate::cors::{Fetch, headers};
use crate::finding::Severity;
use crate::rules::{
    Report, Rule, STRANGER, ServerView, allows_credentials, evidence, only, source, when, with_certainty, with_trail,
};
use crate::source::Span;

use super::reflected_origin::reflects;

/// `null-origin`
pub struct NullOrigin;

impl Rule for NullOrigin {
    fn id(&self) -> &'static str {
        "null-origin"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for route in &view.routes {
            let answer = view.from_page(route, "null");
            let Some((certainty, world)) = when(&answer, |world| reflects(world, "null")) else { continue };
            // Where every stranger is let in, `null` is not the fault.
            if when(&view.from_page(route, STRANGER), |world| reflects(world, STRANGER)).is_some() {
                continue;
            }
            let Some((sent, _)) = only(world, headers::ALLOW_ORIGIN) else { continue };
            // The entry in the list is what a person would change, not the place that sends it.
            let entries = || view.entries.iter().filter(|entry| &*entry.text == "null");
            // Of several lists it is the one that this header came from.
            let is_sent = |place: Span| {
                sent.span.contains(place) || sent.trail.0.iter().any(|(through, _)| through.contains(place))
            };
            let entry = entries().find(|entry| is_sent(entry.span)).or_else(|| entries().next());
            let place = entry.map_or_else(|| source(sent), |entry| entry.span);
            let credentials = allows_credentials(world);
            let message = if credentials {
                "the origin `null` is let in with credentials: any site can have it"
            } else {
                "the origin `null` is let in: any site can have it"
            };
            let Some(finding) = report.at(self.id(), place, "`null` is no origin of yours", message) else { continue };
            finding.severity = if credentials { Severity::Error } else { Severity::Warning };
            let mut fetch = Fetch::get("null", &route.path).with_method(&*route.method);
            if credentials {
                fetch = fetch.with_credentials();
            }
            finding.evidence = evidence(view, &fetch, &certainty);
            finding.consequence = Some(
                "a page in `<iframe sandbox=\"allow-scripts\">` sends `Origin: null`, whoever made the page, and can read the answer".into(),
            );
            finding.help = Some("remove it; a file opened from disk needs a development server instead".into());
            with_trail(finding, sent);
            with_certainty(finding, &certainty);
        }
    }
}
