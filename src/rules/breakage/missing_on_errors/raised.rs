//! Errors that a handler raises before it comes to the headers that it sends with its answers.

use super::CONSEQUENCE;
use crate::cors::{BlockCode, Fetch, Request, Verdict, browser};
use crate::finding::{Evidence, Label};
use crate::model::{Effect, EffectKind, Outcome, Step, StepKind, World};
use crate::rules::calls::{allow_origin, headers_read, lost_origin, may_have_origin, response_verdict, writer};
use crate::rules::{Report, Route, ServerView};
use crate::source::Span;

/// An error without the headers, of a handler that sends them with its answers.
struct Raised {
    /// Where it is raised.
    at: Span,
    /// Where the handler's headers come from.
    policy: Span,
    /// The error's answer, as a page meets it.
    evidence: Evidence,
}

/// Reports the errors that handlers raise past their own headers: one finding for each policy.
pub(super) fn check(view: &ServerView, report: &mut Report) {
    if !view.complete() {
        return;
    }
    let friends = view.friends();
    let mut found: Vec<Raised> = Vec::new();
    for route in view.routes.iter().filter(|route| view.steps().at([&route.span]).iter().any(|step| raises(step))) {
        for raised in raised_by(view, route, friends) {
            if !found.iter().any(|known| known.at == raised.at) {
                found.push(raised);
            }
        }
    }
    let mut told: Vec<Span> = Vec::new();
    for raised in &found {
        if told.contains(&raised.policy) {
            continue;
        }
        told.push(raised.policy);
        let message = "this error is answered without the CORS headers";
        let Some(finding) = report.at("missing-on-errors", raised.at, "leaves before the headers are set", message)
        else {
            continue;
        };
        finding.labels.push(Label::new(raised.policy, "the policy"));
        let others = found.iter().filter(|other| other.policy == raised.policy && other.at != raised.at);
        finding.labels.extend(others.take(3).map(|other| Label::new(other.at, "and this one")));
        finding.consequence = Some(CONSEQUENCE.into());
        finding.evidence = vec![raised.evidence.clone()];
        finding.help = Some(help(view, raised.policy).into());
    }
}

fn help(view: &ServerView, policy: Span) -> &'static str {
    let is_by_hand = view.sources.text(policy).to_ascii_lowercase().contains("access-control");
    match (view.server.framework, is_by_hand) {
        ("flask", false) => {
            "`@cross_origin` sees what the view gives back and not what it raises: apply the policy with `CORS(app, …)`, which adds the headers to errors too"
        }
        ("flask", true) => {
            "set the headers in a function under `@app.after_request`, which sees the answers to errors too"
        }
        _ => "apply the policy where it sees errors too, once for the whole application",
    }
}

/// Whether a handler may leave on the way of errors.
fn raises(step: &Step) -> bool {
    step.effects.iter().any(begins_anew)
}

fn begins_anew(effect: &Effect) -> bool {
    matches!(effect.kind, EffectKind::Fail(_) | EffectKind::ClearHeaders)
}

/// The errors that a route's handler raises past its own policy, for a page that the policy lets read.
fn raised_by(view: &ServerView, route: &Route, friends: &[String]) -> Vec<Raised> {
    let allowed = friends.iter().find_map(|origin| {
        let plain = Fetch::get(&**origin, &route.path).with_method(&*route.method);
        let answer = view.ask(&browser::actual_request(&plain));
        let mut complete = plain.clone();
        complete.headers = headers_read(view, route, &answer);
        [plain, complete].into_iter().find_map(|fetch| {
            let answer = view.ask(&browser::actual_request(&fetch));
            let sent = answer.worlds.iter().find_map(|world| policy_of_handler(view, &fetch, world));
            sent.map(|policy| (fetch, policy))
        })
    });
    let Some((fetch, (step, policy))) = allowed else { return Vec::new() };
    let bare = Request::new(&*route.method, &route.path).with_origin(&*fetch.origin);
    let mut found = Vec::new();
    for request in [bare, browser::actual_request(&fetch)] {
        for world in view.ask_in_all_circumstances(&request).worlds.iter() {
            let Verdict::Blocked(block) = response_verdict(&fetch, world) else { continue };
            let is_lost = world.outcome == Outcome::Answered
                && world.status.is_some_and(|status| status >= 400)
                && block.code == BlockCode::MissingAllowOriginHeader
                && !lost_origin(view, world)
                && !may_have_origin(view, world);
            let happened = |effect: &Effect| world.because.iter().any(|because| because.span == effect.span);
            let mut raised = step.effects.iter().filter(|effect| begins_anew(effect) && happened(effect));
            let Some(at) = raised.next().filter(|_| is_lost) else { continue };
            let evidence = Evidence {
                request: request.clone(),
                settings: world.assumptions.clone(),
                credentials: false,
                status: world.status,
                headers: Vec::new(),
                verdict: format!("blocked: {}", block.summary()),
            };
            found.push(Raised { at: at.span, policy, evidence });
        }
    }
    found
}

/// The handler that lets the page read, and where its policy is written.
fn policy_of_handler<'a>(view: &ServerView<'a>, fetch: &Fetch, world: &World) -> Option<(&'a Step, Span)> {
    let sent = allow_origin(world).filter(|_| response_verdict(fetch, world).is_allowed())?;
    let (step, _) = writer(view, world, sent).filter(|(step, _)| step.kind == StepKind::Route)?;
    Some((step, sent.span))
}
