//! An allowed origin is one that no browser sends.

use std::rc::Rc;

use crate::cors::{Origin, OriginProblem, browser, headers};
use crate::finding::{Applicability, Severity};
use crate::model::{Answer, World};
use crate::rules::{
    Certainty, Entry, Report, Route, Rule, STRANGER, ServerView, edits, evidence, only, when, with_certainty,
};

/// `invalid-origin`
pub struct InvalidOrigin;

impl Rule for InvalidOrigin {
    fn id(&self) -> &'static str {
        "invalid-origin"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for entry in &view.entries {
            let text = if entry.ignores_case { entry.text.to_ascii_lowercase() } else { entry.text.to_string() };
            let Err(problem) = Origin::parse(&text) else { continue };
            if problem == OriginProblem::Empty || problem == OriginProblem::Wildcard && !entry.compared {
                continue;
            }
            let Some((route, certainty)) =
                view.routes.iter().find_map(|route| Some((route, acts(view, route, entry)?)))
            else {
                continue;
            };
            // What is sent when a variable is not set lets nobody in: that is no mistake in the origin.
            if matches!(problem, OriginProblem::Word(_)) && certainty.is_fallback() {
                continue;
            }
            report_entry(self.id(), view, route, entry, &problem, &certainty, report);
        }
    }
}

/// Whether an entry decides who is let in on a route: whoever says it, or everybody, gets it sent.
fn acts(view: &ServerView, route: &Route, entry: &Entry) -> Option<Certainty> {
    let sends = |world: &World| only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| *value == *entry.text);
    let from = if entry.compared { &entry.text } else { STRANGER };
    let answer = ask(view, route, from);
    if let Some((certainty, _)) = when(&answer, sends) {
        // Where every stranger is let in, the entry does nothing.
        let stranger = ask(view, route, STRANGER);
        let open = |world: &World| only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == STRANGER);
        return when(&stranger, open).is_none().then_some(certainty);
    }
    let allowed = |world: &World| only(world, headers::ALLOW_ORIGIN).is_some();
    if entry.compared && when(&answer, allowed).is_some() && when(&ask(view, route, STRANGER), allowed).is_none() {
        return Some(Certainty::Always);
    }
    None
}

/// The answer to a page whose request the policy gets to see.
fn ask(view: &ServerView, route: &Route, origin: &str) -> Rc<Answer> {
    view.ask(&browser::actual_request(&view.past_authentication(route, origin)))
}

fn report_entry(
    rule: &'static str,
    view: &ServerView,
    route: &Route,
    entry: &Entry,
    problem: &OriginProblem,
    certainty: &Certainty,
    report: &mut Report,
) {
    let message = match problem {
        OriginProblem::Wildcard => {
            "`*` in a list is compared like any other origin, and no browser sends it".to_owned()
        }
        _ => format!("no browser sends the origin `{}`: {problem}", entry.text),
    };
    let label = if entry.compared { "matches no page" } else { "equals no page's origin" };
    let Some(finding) = report.at(rule, entry.span, label, message) else { return };
    // Others may still come in.
    let others = entry.compared
        && view.friends().iter().any(|friend| {
            let reflects = |world: &World| only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == friend);
            when(&ask(view, route, friend), reflects).is_some()
        });
    finding.severity = if others { Severity::Warning } else { Severity::Error };
    let meant = Origin::parse_leniently(&entry.text);
    if let Some(meant) = &meant {
        let fetch = view.past_authentication(route, meant.as_str());
        // Where authentication refuses the preflight, the exchange shows that fault, not this one.
        if fetch.headers.is_empty() {
            finding.evidence = evidence(view, &fetch, certainty);
        }
    }
    finding.consequence = Some(if entry.compared {
        "the page that it was written for gets no header: \"No 'Access-Control-Allow-Origin' header is present on the requested resource.\"".into()
    } else {
        let origin = meant.as_ref().map_or(STRANGER, |meant| meant.as_str());
        match view.play(&view.past_authentication(route, origin)).verdict {
            crate::cors::Verdict::Blocked(block) => format!("every page is refused: {}", block.summary()),
            _ => "every page is refused".to_owned(),
        }
    });
    finding.help = Some(match problem.repaired() {
        Some(repaired) => format!("write it as browsers send it: `{repaired}`"),
        None => match problem {
            OriginProblem::NoScheme => format!("put the scheme in front: `https://{}`", entry.text),
            OriginProblem::Several => "write each origin as an entry of its own".to_owned(),
            OriginProblem::Wildcard => {
                "say `*` instead of a list if everybody may read, or list the origins".to_owned()
            }
            OriginProblem::Glob | OriginProblem::Regex => {
                "list the origins, or use a pattern that is anchored at both ends".to_owned()
            }
            _ => "write the scheme, the host and, where it is not the default, the port: `https://app.example.com`"
                .to_owned(),
        },
    });
    if let Some(repaired) = problem.repaired()
        && let Some(span) = edits::literal(view, entry.span, &entry.text)
    {
        edits::replace(finding, Applicability::Safe, "write the origin as browsers send it", span, &repaired);
    }
    with_certainty(finding, certainty);
}
