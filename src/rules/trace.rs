//! Why calls of pages fail that were meant to work: one fault for each call, told by the steps that decide it.

use super::calls::{
    Call, allow_origin, comes_with_request, consistent, is_for_options, lost_origin, may_have_origin,
    preflight_verdict, refuses, response_verdict, writer,
};
use super::{Certainty, ServerView, all_when, source};
use crate::cors::{Block, BlockCode, Fetch, Verdict, headers};
use crate::finding::Confidence;
use crate::model::{
    Dispatch, Effect, EffectKind, Group, Guard, Node, Outcome, PathMatch, PathResult, Sent, Step, StepKind, World,
};
use crate::source::Span;

/// What is wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The preflight is answered by nobody who knows of the policy.
    MissingPreflight,
    /// Something that refuses requests answers the preflight first.
    BlockedPreflight,
    /// The policy stands behind what answers.
    Order,
    /// The policy answers the preflight alone.
    PreflightOnly,
    /// The method is not on the list.
    Method,
    /// A header is not on the list.
    Header,
    /// Preflight and answer follow different policies.
    Conflict,
    /// The answer is an error, and the policy does not reach errors.
    Error,
}

/// A call that fails, and why.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// What is wrong.
    pub fault: Fault,
    /// The route, as an index into [`ServerView::routes`].
    pub route: usize,
    /// The call.
    pub fetch: Fetch,
    /// The refusal.
    pub block: Block,
    /// The place to change.
    pub place: Span,
    /// Where the policy is written that was meant to allow the call.
    pub policy: Span,
    /// Where the answer was given that fails.
    pub answered: Option<Span>,
    /// What kind of step gave it.
    pub by: Option<StepKind>,
    /// Where the request was handed on to the server whose policy it is.
    pub handed_on: Option<Span>,
    /// When it is so.
    pub certainty: Certainty,
    /// How sure that is.
    pub confidence: Confidence,
    /// Whether callers from some addresses are let in all the same.
    pub spares_addresses: bool,
}

/// The faults of a server's calls. A server whose surroundings are not known has none: they may answer the preflight.
pub fn diagnose(view: &ServerView) -> Vec<Diagnosis> {
    if !view.complete() {
        return Vec::new();
    }
    let calls = view.calls();
    let mut diagnoses: Vec<Diagnosis> = calls.iter().filter_map(|call| diagnose_call(view, call)).collect();
    for late in late(view).iter().filter(|late| late.above.kind == StepKind::Route) {
        let first = calls.iter().find(|call| call.route.span == late.above.span && is_bare(call));
        let known = |route: usize| diagnoses.iter().any(|diagnosis| diagnosis.route == route);
        let Some(call) = first else { continue };
        let Some(route) = Some(call.number).filter(|route| !known(*route)) else { continue };
        let Some(world) = call.answer.worlds.first() else { continue };
        let Verdict::Blocked(block) = response_verdict(&call.fetch, world) else { continue };
        diagnoses.push(Diagnosis {
            fault: Fault::Order,
            route,
            fetch: call.fetch.clone(),
            block,
            place: late.policy.span,
            policy: late.policy.span,
            answered: world.answered_by.map(|by| by.span),
            by: Some(StepKind::Route),
            handed_on: None,
            certainty: Certainty::Always,
            confidence: Confidence::High,
            spares_addresses: false,
        });
    }
    diagnoses
}

/// Where the list is written that the policy which writes `policy` sends in the header `name`, in answers to others.
fn list_beside(view: &ServerView, policy: &Sent, name: &str) -> Option<Span> {
    let writes = view.writes(|written| written.eq_ignore_ascii_case(name));
    let beside = writes.iter().find(|(_, effect, _)| effect.span == policy.span);
    beside.map(|(_, effect, write)| write.trail.0.first().map_or(effect.span, |(place, _)| *place))
}

/// Whether the answer to a call has no origin, whatever is assumed.
fn is_bare(call: &Call) -> bool {
    call.answer
        .worlds
        .iter()
        .all(|world| world.outcome == Outcome::Answered && world.forwarded.is_none() && allow_origin(world).is_none())
}

/// A policy for all methods, and a step above it that it would cover if it stood first.
pub struct Late<'a> {
    /// The policy's step.
    pub policy: &'a Step,
    /// The step above.
    pub above: &'a Step,
}

/// The steps that stand above a policy which takes what they take, on its own level or below it, with no other policy
/// before them.
pub fn late<'a>(view: &ServerView<'a>) -> Vec<Late<'a>> {
    let mut found = Vec::new();
    let mut open = vec![&view.server.root];
    while let Some(group) = open.pop() {
        let mut above: Vec<(&'a Step, String)> = Vec::new();
        // Elsewhere the order of the steps is not that of the program.
        let in_order = group.dispatch == Dispatch::InOrder;
        for node in &group.nodes {
            match node {
                Node::Group(inner) => {
                    open.push(inner);
                    collect(inner, &mut above);
                }
                Node::Step(step) => {
                    // What nginx adds, it adds to whatever answers.
                    let is_by_hand = view.server.framework == "express"
                        && step.kind == StepKind::Middleware
                        && step.effects.iter().any(names_origin);
                    let is_policy = in_order
                        && (step.kind == StepKind::Cors || is_by_hand)
                        && step.methods.is_none()
                        && step.when == Guard::Always;
                    if is_policy {
                        let covered = above.iter().filter(|(_, path)| takes(&step.path, path));
                        found.extend(covered.map(|(above, _)| Late { policy: step, above }));
                    }
                    if writes_origin(step) {
                        above.clear();
                        break;
                    }
                    above.push((step, step.path.sample("").unwrap_or_default()));
                }
            }
        }
    }
    found
}

fn takes(pattern: &PathMatch, path: &str) -> bool {
    let path = if path.is_empty() { "/" } else { path };
    matches!(pattern.test(path), PathResult::Yes(_))
}

/// Whether a step lets pages read, or may.
fn writes_origin(step: &Step) -> bool {
    let may = |effect: &Effect| names_origin(effect) || matches!(effect.kind, EffectKind::Opaque(_));
    step.kind == StepKind::Cors || step.effects.iter().any(may)
}

fn names_origin(effect: &Effect) -> bool {
    matches!(&effect.kind, EffectKind::Write(write) if write.is(headers::ALLOW_ORIGIN))
}

/// The steps of a group with paths that they take, as long as none of them is a policy.
fn collect<'a>(group: &'a Group, above: &mut Vec<(&'a Step, String)>) {
    let mut open = vec![(group, String::new())];
    let mut inside = Vec::new();
    while let Some((group, prefix)) = open.pop() {
        let Some(prefix) = group.mount.sample(&prefix) else { continue };
        for node in &group.nodes {
            match node {
                Node::Group(inner) => open.push((inner, prefix.clone())),
                Node::Step(step) if writes_origin(step) => return,
                Node::Step(step) => inside.push((step, step.path.sample(&prefix).unwrap_or_default())),
            }
        }
        if inside.len() > 2000 {
            return;
        }
    }
    above.extend(inside);
}

fn diagnose_call(view: &ServerView, call: &Call) -> Option<Diagnosis> {
    refused_preflight(view, call).or_else(|| refused_answer(view, call))
}

fn allowed(verdict: &Verdict) -> bool {
    verdict.is_allowed()
}

/// The answer would be let through, but the preflight is not.
fn refused_preflight(view: &ServerView, call: &Call) -> Option<Diagnosis> {
    let answer = &call.preflight.1;
    let blocked = |world: &World| matches!(preflight_verdict(&call.fetch, world), Verdict::Blocked(_));
    let meant = |world: &World| {
        let mut worlds = call.answer.worlds.iter();
        worlds.find(|other| allowed(&response_verdict(&call.fetch, other)) && consistent(other, world)).cloned()
    };
    for (certainty, world) in all_when(answer, blocked) {
        if !call.preflighted && !is_for_options(view, world) {
            continue;
        }
        let Some(other) = meant(world) else { continue };
        if let Some(diagnosis) = preflight_fault(view, call, world, &other, certainty) {
            return Some(diagnosis);
        }
    }
    if !call.preflighted {
        return None;
    }
    // Authentication that may refuse, and whose credentials no preflight has.
    let is_auth = |world: &World| world.answered_by.is_some_and(|by| by.kind == Some(StepKind::Auth));
    let all = view.ask_in_all_circumstances(&call.preflight.0);
    let world = all.worlds.iter().find(|world| {
        is_auth(world)
            && blocked(world)
            && world.assumptions.iter().all(|(guard, holds)| wants_credentials(guard, *holds))
    })?;
    let other = meant(world)?;
    let diagnosis = preflight_fault(view, call, world, &other, Certainty::Always)?;
    let spares_addresses = world.assumptions.iter().any(|(guard, _)| is_of_address(guard));
    Some(Diagnosis { confidence: Confidence::Medium, spares_addresses, ..diagnosis })
}

/// Whether an assumption is what holds of a request without credentials.
fn wants_credentials(guard: &Guard, holds: bool) -> bool {
    let Guard::Unknown(reason) = guard else { return false };
    comes_with_request(guard) && !holds
        || refuses(guard)
        // Where an address alone decides, it decides of the call as of its preflight.
        || holds && is_of_address(guard)
        || reason.is_circumstance()
            && (!holds || reason.text.contains("credentials") || reason.text.contains("authentication"))
}

/// Whether a condition is one on where the caller is.
fn is_of_address(guard: &Guard) -> bool {
    matches!(guard, Guard::Unknown(reason) if reason.text.contains("address"))
}

fn preflight_fault(
    view: &ServerView,
    call: &Call,
    world: &World,
    meant: &World,
    certainty: Certainty,
) -> Option<Diagnosis> {
    let Verdict::Blocked(block) = preflight_verdict(&call.fetch, world) else { return None };
    if lost_origin(view, world) || may_have_origin(view, world) {
        return None;
    }
    let policy = allow_origin(meant)?;
    let refuser = refuser(view, world);
    let by = refuser.map(|(kind, ..)| kind);
    let listed = |name: &'static str| match world.lines(name).next() {
        Some(sent) => source(sent),
        // Some leave the list out of answers to those who are not on it.
        None => list_beside(view, policy, name).unwrap_or_else(|| allow_origin(world).map_or(policy.span, source)),
    };
    let (fault, place) = match block.code {
        BlockCode::RequestFailed => {
            let last = world.ran.last().copied();
            let is_policy = view
                .writes(|name| name.eq_ignore_ascii_case(headers::ALLOW_ORIGIN))
                .iter()
                .any(|(step, ..)| Some(step.span) == last && step.kind == StepKind::Cors);
            if is_policy || world.outcome == Outcome::Closed {
                return None;
            }
            (Fault::MissingPreflight, world.because.last().map_or(call.route.span, |because| because.span))
        }
        BlockCode::MethodDisallowedByPreflightResponse => {
            // In another case it is there: what is wrong is the spelling.
            let spelt = world
                .lines(headers::ALLOW_METHODS)
                .filter_map(|sent| sent.value.as_deref().ok())
                .any(|value| value.split(',').any(|method| method.trim().eq_ignore_ascii_case(&block.parameter)));
            if spelt {
                return None;
            }
            (Fault::Method, listed(headers::ALLOW_METHODS))
        }
        BlockCode::HeaderDisallowedByPreflightResponse => (Fault::Header, listed(headers::ALLOW_HEADERS)),
        BlockCode::MissingAllowOriginHeader
        | BlockCode::PreflightInvalidStatus
        | BlockCode::PreflightDisallowedRedirect => match by {
            Some(StepKind::Redirect) if is_inherited(view, call, meant) => return None,
            Some(StepKind::Auth | StepKind::RateLimit | StepKind::Redirect | StepKind::BodyParser) => {
                (Fault::BlockedPreflight, refuser?.1)
            }
            Some(StepKind::Middleware | StepKind::Route)
                if is_refusal(block.status) && !is_for_options(view, world) =>
            {
                let (kind, step, span) = refuser?;
                (Fault::BlockedPreflight, if kind == StepKind::Route { span } else { step })
            }
            Some(StepKind::Cors) if block.code != BlockCode::MissingAllowOriginHeader => {
                (Fault::MissingPreflight, world.answered_by?.span)
            }
            // One policy that refuses the preflight and lets the answer pass has errors of its own.
            Some(StepKind::Cors) if block.status.is_some_and(|status| status >= 400) => {
                (Fault::MissingPreflight, refuser?.2)
            }
            Some(StepKind::Cors) => (Fault::Conflict, source(policy)),
            Some(StepKind::Proxy) => return None,
            _ if is_for_options(view, world) => (Fault::MissingPreflight, world.answered_by?.span),
            // The policy is that of a server behind, which never sees the preflight.
            Some(StepKind::Middleware | StepKind::Route) if world.forwarded.is_none() && meant.forwarded.is_some() => {
                (Fault::BlockedPreflight, refuser?.2)
            }
            _ => (Fault::MissingPreflight, call.route.span),
        },
        BlockCode::AllowOriginMismatch | BlockCode::InvalidAllowOriginValue => {
            if allow_origin(world).is_some_and(|sent| sent.span == policy.span) {
                return None;
            }
            (Fault::Conflict, source(policy))
        }
        _ => return None,
    };
    Some(Diagnosis {
        fault,
        route: call.number,
        fetch: call.fetch.clone(),
        block,
        place,
        policy: policy.span,
        answered: refuser.map(|(.., span)| span).or(world.answered_by.map(|by| by.span)),
        by,
        handed_on: meant.answered_by.map(|by| by.span),
        certainty,
        confidence: Confidence::High,
        spares_addresses: false,
    })
}

/// What kind of step answered, where it is registered and where it answered. Where an error was answered, that is the
/// step in which it arose.
fn refuser(view: &ServerView, world: &World) -> Option<(StepKind, Span, Span)> {
    let answerer = world.answered_by?;
    let mut found = None;
    for (step, effect) in view.steps().effects_at(&world.ran) {
        if matches!(effect.kind, EffectKind::Fail(_)) && world.because.iter().any(|because| because.span == effect.span)
        {
            found = Some((step.kind, step.span, effect.span));
        }
    }
    let is_error = world.status.is_none_or(|status| status >= 400);
    found.filter(|_| is_error).or_else(|| Some((answerer.kind?, answerer.step, answerer.span)))
}

/// Whether a status says that the request was refused or sent elsewhere.
fn is_refusal(status: Option<u16>) -> bool {
    matches!(status, Some(301 | 302 | 303 | 307 | 308 | 401 | 403 | 407 | 429))
}

/// Whether a route that only redirects has its headers from a level that it shares with routes which do not: nobody
/// meant it to be called.
fn is_inherited(view: &ServerView, call: &Call, meant: &World) -> bool {
    let redirects = |world: &World| world.status.is_some_and(|status| (300..400).contains(&status));
    let Some(policy) = allow_origin(meant) else { return false };
    redirects(meant)
        && view.routes.iter().enumerate().filter(|(number, _)| *number != call.number).any(|(_, route)| {
            let answer = view.from_page(route, &call.fetch.origin);
            answer.worlds.iter().any(|world| {
                !redirects(world) && world.lines(headers::ALLOW_ORIGIN).any(|sent| sent.span == policy.span)
            })
        })
}

/// The preflight is let through, but the answer is not.
fn refused_answer(view: &ServerView, call: &Call) -> Option<Diagnosis> {
    let refused = |world: &World| {
        world.outcome == Outcome::Answered
            && matches!(&response_verdict(&call.fetch, world), Verdict::Blocked(block)
                if matches!(block.code, BlockCode::MissingAllowOriginHeader | BlockCode::AllowOriginMismatch))
    };
    for (certainty, world) in all_when(&call.answer, refused) {
        let mut worlds = call.preflight.1.worlds.iter();
        let passes = |other: &&World| allowed(&preflight_verdict(&call.fetch, other)) && consistent(other, world);
        let Some(other) = worlds.find(passes) else { continue };
        let Some(policy) = allow_origin(other) else { continue };
        let Verdict::Blocked(block) = response_verdict(&call.fetch, world) else { continue };
        if lost_origin(view, world) || may_have_origin(view, world) {
            continue;
        }
        let by = world.answered_by.and_then(|by| by.kind);
        let Some((step, _)) = writer(view, other, policy) else { continue };
        let (fault, place) = match allow_origin(world) {
            Some(sent) if !call.preflighted || sent.span == policy.span => continue,
            Some(sent) => (Fault::Conflict, source(sent)),
            None => {
                let takes = step.methods.as_ref().is_none_or(|methods| methods.contains(&call.route.method));
                let is_error = world.status.is_some_and(|status| status >= 400);
                if is_error && by == Some(StepKind::Route) && !world.ran.contains(&step.span) {
                    // A route above the policy that answers so by itself is for nobody's pages.
                    continue;
                } else if is_error && by != Some(StepKind::Static) {
                    (Fault::Error, refuser(view, world).map_or(call.route.span, |(.., span)| span))
                } else if !takes || world.ran.contains(&step.span) || view.server.framework == "nginx" {
                    // nginx knows no order: what it adds to the one answer it does not add to the other.
                    (Fault::PreflightOnly, policy.span)
                } else if matches!(by, Some(StepKind::Auth | StepKind::RateLimit) | None) {
                    continue;
                } else {
                    (Fault::Order, step.span)
                }
            }
        };
        return Some(Diagnosis {
            fault,
            route: call.number,
            fetch: call.fetch.clone(),
            block,
            place,
            policy: policy.span,
            answered: world.answered_by.map(|by| by.span),
            by,
            handed_on: other.answered_by.map(|by| by.span),
            certainty,
            confidence: Confidence::High,
            spares_addresses: false,
        });
    }
    None
}
