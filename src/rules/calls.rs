//! Calls that pages would make of a server's routes, and what becomes of them world by world.

use std::rc::Rc;

use super::{Route, STRANGER, ServerView};
use crate::cors::{Block, BlockCode, Fetch, Reply, Request, Verdict, browser, headers};
use crate::model::{
    Answer, BodyKind, Effect, EffectKind, Guard, Node, Outcome, RemarkKind, Sent, Step, StepKind, Text, World,
};
use crate::source::Span;

/// How many of the origins that a server names are tried.
const MOST_ORIGINS: usize = 6;

/// A call of a page: its preflight, whether or not one is needed, and the request itself.
#[derive(Debug)]
pub struct Call {
    /// The route that is called.
    pub route: Route,
    /// Its number in [`ServerView::routes`].
    pub number: usize,
    /// The call.
    pub fetch: Fetch,
    /// Whether the browser sends a preflight first.
    pub preflighted: bool,
    /// The preflight and its answer.
    pub preflight: (Request, Rc<Answer>),
    /// The answer to the request itself.
    pub answer: Rc<Answer>,
}

/// Every route called from every origin that the code names, and from a stranger's page.
/// [`ServerView::calls`] remembers them.
pub fn calls(view: &ServerView) -> Vec<Call> {
    let mut calls = Vec::new();
    let origins = origins(view);
    for (number, route) in view.routes.iter().enumerate() {
        if headers::is_forbidden_method(&route.method) {
            continue;
        }
        for origin in &origins {
            let fetch = fetch(view, route, origin);
            let needed = browser::needs_preflight(&fetch);
            let preflighted = needed.is_some();
            let request = needed.unwrap_or_else(|| Request::preflight(&route.path, origin, &*route.method, &[]));
            let preflight = (request.clone(), view.ask(&request));
            let answer = view.ask(&browser::actual_request(&fetch));
            calls.push(Call { route: route.clone(), number, fetch, preflighted, preflight, answer });
        }
    }
    calls
}

/// Origins that may be let in, and one that should not.
pub fn origins(view: &ServerView) -> Vec<String> {
    let mut origins: Vec<String> = view.friends().iter().take(MOST_ORIGINS).cloned().collect();
    origins.push(STRANGER.to_owned());
    origins
}

/// A page's call of a route, with the headers that the code in reach reads.
pub fn fetch(view: &ServerView, route: &Route, origin: &str) -> Fetch {
    let mut fetch = Fetch::get(origin, &route.path).with_method(&*route.method);
    // What one header opens may read another.
    for _ in 0..2 {
        let answer = view.ask(&browser::actual_request(&fetch));
        let mut names: Vec<String> = reads(view, route, &answer).into_iter().map(|(name, _)| name).collect();
        // What was asked for before the other could be seen is still asked for.
        names.extend(fetch.headers.iter().map(|(name, _)| name.clone()));
        // What takes nothing but JSON says so. A request that carries no body cannot be of that type.
        if has_body(&fetch.method) && (answer.status == Some(415) || json_read(view, route, &answer).is_some()) {
            names.push("content-type".to_owned());
        }
        if route.any_method {
            match meant(&answer) {
                Some(Meant::Header(name)) => names.push(name),
                Some(Meant::Method(method)) => fetch.method = method,
                None => {}
            }
        }
        fetch.headers = with_values(names);
        if fetch.headers.is_empty() {
            break;
        }
    }
    leave_out_alternatives(view, route, &mut fetch);
    fetch
}

/// Leaves out a header that another one stands in for, where the preflight allows that one: `a || b` of two headers.
fn leave_out_alternatives(view: &ServerView, route: &Route, fetch: &mut Fetch) {
    let bare = Fetch { headers: Vec::new(), ..fetch.clone() };
    let way = route.way(&view.ask(&browser::actual_request(&bare)));
    for (_, effect) in view.steps().effects_at(&way) {
        let EffectKind::Notice(RemarkKind::ReadsHeader(other)) = &effect.kind else { continue };
        let stands_in = |name: &str| {
            let there = Guard::HasHeader(name.into());
            name != other && effect.when.clone().and(there) == Guard::Never
        };
        let Some(at) = fetch.headers.iter().position(|(name, _)| stands_in(name)) else { continue };
        let mut without = fetch.clone();
        without.headers.remove(at);
        let Some(request) = browser::needs_preflight(&without) else { continue };
        let allowed = |world: &World| preflight_verdict(&without, world).is_allowed();
        if fetch.headers.iter().any(|(name, _)| name == other) && view.ask(&request).worlds.iter().all(allowed) {
            *fetch = without;
        }
    }
}

/// Whether pages can do without the headers of a call: it only reads, it is not refused for the want of them, and no policy
/// speaks of them.
pub fn can_do_without_headers(view: &ServerView, fetch: &Fetch) -> bool {
    let is_optional = |(name, _): &(String, String)| name != "authorization";
    if !matches!(&*fetch.method, "GET" | "HEAD") || fetch.headers.is_empty() || !fetch.headers.iter().all(is_optional) {
        return false;
    }
    let bare = Fetch { headers: Vec::new(), ..fetch.clone() };
    let answer = view.ask(&browser::actual_request(&bare));
    let is_refused = answer.worlds.iter().all(|world| matches!(world.status, Some(400 | 401 | 403)));
    let speaks = |sent: &Sent| {
        let list = sent.value.as_deref().unwrap_or_default();
        list.split(',').any(|listed| fetch.headers.iter().any(|(name, _)| listed.trim().eq_ignore_ascii_case(name)))
    };
    let is_listed = answer.worlds.iter().any(|world| world.lines(headers::ALLOW_HEADERS).any(speaks));
    !is_refused && !is_listed
}

/// The request headers, with values, that the code reads which gave an answer.
pub fn headers_read(view: &ServerView, route: &Route, answer: &Answer) -> Vec<(String, String)> {
    with_values(reads(view, route, answer).into_iter().map(|(name, _)| name).collect())
}

fn with_values(mut names: Vec<String>) -> Vec<(String, String)> {
    names.sort();
    names.dedup();
    let value = |name: &str| match name {
        "authorization" => "Bearer x",
        "content-type" => "application/json",
        _ => "x",
    };
    let with_value = |name: String| {
        let value = value(&name).to_owned();
        (name, value)
    };
    names.into_iter().map(with_value).collect()
}

/// What a policy opens that needs a preflight.
enum Meant {
    Header(String),
    Method(String),
}

/// What pages are meant to do that needs a preflight, by the lists that the answers carry.
fn meant(answer: &Answer) -> Option<Meant> {
    let members = |name: &str| -> Vec<String> {
        let lines = answer.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        headers::parse_list(lines.map(|(_, value)| value.as_str())).unwrap_or_default()
    };
    let header = members(headers::ALLOW_HEADERS).into_iter().find(|name| name != "*" && is_of_pages(name));
    let method =
        || members(headers::ALLOW_METHODS).into_iter().find(|name| matches!(&**name, "PUT" | "PATCH" | "DELETE"));
    header.map(|name| Meant::Header(name.to_ascii_lowercase())).or_else(|| method().map(Meant::Method))
}

/// Request headers, set by pages themselves, that the steps on a route's way to an answer read, and where.
pub fn reads(view: &ServerView, route: &Route, answer: &Answer) -> Vec<(String, Span)> {
    let mut found: Vec<(String, Span)> = Vec::new();
    let way = route.way(answer);
    for (_, effect) in view.steps().effects_at(&way) {
        if let EffectKind::Notice(RemarkKind::ReadsHeader(name)) = &effect.kind
            && is_of_pages(name)
            && !found.iter().any(|(other, _)| other == name)
        {
            found.push((name.clone(), effect.span));
        }
    }
    // What a group asks for before it lets a request in is read, too.
    if !view.steps().at(&way).iter().any(|step| step.kind == StepKind::Auth) {
        return found;
    }
    let mut open = vec![(&view.server.root, Vec::<(&Guard, Span)>::new())];
    while let Some((group, mut guards)) = open.pop() {
        guards.push((&group.when, group.span));
        for node in &group.nodes {
            match node {
                Node::Group(inner) => open.push((inner, guards.clone())),
                Node::Step(step) if way.contains(&step.span) && step.kind == StepKind::Auth => {
                    let own = step.effects.iter().map(|effect| (&effect.when, effect.span));
                    for (guard, span) in guards.iter().copied().chain([(&step.when, step.span)]).chain(own) {
                        asked_for(guard, &mut |name| {
                            if is_of_pages(name) && !found.iter().any(|(other, _)| other == name) {
                                found.push((name.to_owned(), span));
                            }
                        });
                    }
                }
                Node::Step(_) => {}
            }
        }
    }
    found
}

/// Where a handler of a route that gave an answer reads the body of a request, if that can be nothing but JSON: there is a
/// parser of JSON before it, and none of what a browser sends without a preflight.
pub fn json_read(view: &ServerView, route: &Route, answer: &Answer) -> Option<Span> {
    let way = route.way(answer);
    let (mut place, mut json, mut simple) = (None, false, false);
    for (step, effect) in view.steps().effects_at(&way) {
        match &effect.kind {
            EffectKind::Notice(RemarkKind::ReadsBody) if step.methods.is_some() => {
                place.get_or_insert(effect.span);
            }
            EffectKind::Notice(RemarkKind::ParsesBody(BodyKind::Json)) => json = true,
            EffectKind::Notice(RemarkKind::ParsesBody(BodyKind::Simple)) => simple = true,
            _ => {}
        }
    }
    place.filter(|_| json && !simple)
}

fn has_body(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH" | "DELETE")
}

/// The request headers without which a guard holds or does not.
fn asked_for(guard: &Guard, see: &mut impl FnMut(&str)) {
    guard.each_atom(&mut |atom| match atom {
        Guard::HasHeader(name) => see(name),
        Guard::Test(check) => {
            if let Text::Request(crate::model::Part::Header(name)) = &check.subject {
                see(name);
            }
        }
        _ => {}
    });
}

/// Whether a request header is one that code of a page sets, and that a browser asks for first. Everything that
/// browsers, proxies, other servers or monitoring libraries send by themselves is none.
pub fn is_of_pages(name: &str) -> bool {
    // What services that call back sign their calls with.
    if name.ends_with("-signature") || name.ends_with("-sig") || name.contains("webhook") {
        return false;
    }
    const OTHERS: &[&str] = &[
        "user-agent",
        "accept",
        "accept-language",
        "content-language",
        "content-type",
        "range",
        "x-real-ip",
        "x-client-ip",
        "true-client-ip",
        "fastly-client-ip",
        "forwarded",
        "x-request-id",
        "x-correlation-id",
        "request-id",
        "traceparent",
        "tracestate",
        "baggage",
        "b3",
        "cache-control",
        "pragma",
        "x-original-url",
        "x-original-uri",
        "x-rewrite-url",
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-scheme",
        "x-cluster-client-ip",
        "x-appengine-country",
        "purpose",
        "x-purpose",
        "x-moz",
    ];
    const BEGINNINGS: &[&str] = &[
        "x-forwarded-",
        "cf-",
        "x-amz",
        "x-azure-",
        "x-vercel-",
        "x-nf-",
        "fly-",
        "x-b3-",
        "x-cloud-trace",
        "if-",
        "access-control-",
        "x-github-",
        "x-gitlab-",
        "x-hub-",
        "stripe-",
        "x-slack-",
        "x-shopify-",
        "x-twilio-",
        "paypal-",
        "svix-",
        "webhook-",
        "x-telegram-",
        "x-line-",
        "x-goog-",
    ];
    let name = name.to_ascii_lowercase();
    headers::is_token(&name)
        && !headers::is_forbidden_request_header(&name, "")
        && !OTHERS.contains(&name.as_str())
        && !BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        && !name.ends_with("-signature")
        && !name.contains("webhook")
}

/// What a browser sees of an answer in one world.
pub fn reply(world: &World) -> Reply {
    let mut reply = Reply { status: world.status, headers: Vec::new(), unknown: Vec::new() };
    for sent in &world.headers {
        match &sent.value {
            Ok(value) => reply.headers.push((sent.name.to_string(), value.clone())),
            Err(_) => reply.unknown.push(sent.name.to_ascii_lowercase()),
        }
    }
    reply
}

/// What a browser makes of the answer to a preflight in one world.
pub fn preflight_verdict(fetch: &Fetch, world: &World) -> Verdict {
    match world.outcome {
        Outcome::Answered => unless_behind(world, browser::check_preflight(fetch, &reply(world))),
        Outcome::Hangs | Outcome::Closed => Verdict::Blocked(Block::new(BlockCode::RequestFailed, true)),
        Outcome::Unknown => Verdict::Unknown(vec!["status".to_owned()]),
    }
}

/// A refusal for want of something that the server behind a proxy may send is none.
fn unless_behind(world: &World, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Blocked(block)
            if world.forwarded.is_some()
                && matches!(
                    block.code,
                    BlockCode::MissingAllowOriginHeader
                        | BlockCode::InvalidAllowCredentials
                        | BlockCode::PreflightInvalidStatus
                        | BlockCode::MethodDisallowedByPreflightResponse
                        | BlockCode::HeaderDisallowedByPreflightResponse
                ) =>
        {
            Verdict::Unknown(vec![headers::ALLOW_ORIGIN.to_owned()])
        }
        verdict => verdict,
    }
}

/// What a browser makes of the answer to the request itself in one world.
pub fn response_verdict(fetch: &Fetch, world: &World) -> Verdict {
    match world.outcome {
        Outcome::Answered => unless_behind(world, browser::check_response(fetch, &reply(world))),
        Outcome::Hangs | Outcome::Closed => Verdict::Blocked(Block::new(BlockCode::RequestFailed, false)),
        Outcome::Unknown => Verdict::Unknown(vec!["status".to_owned()]),
    }
}

/// Whether a level of a configuration has lost the origin that a level above sends, or an `if` before it, as far as an
/// answer shows it: then that is the fault.
pub fn lost_origin(view: &ServerView, world: &World) -> bool {
    let is_origin = |name: &str| name.eq_ignore_ascii_case(headers::ALLOW_ORIGIN);
    let from_above = view.server.remarks.iter().any(|remark| match &remark.kind {
        RemarkKind::LostWrites { lost, by, .. } => {
            lost.iter().any(|(name, _)| is_origin(name))
                && !by.iter().any(|(name, _)| is_origin(name))
                && by.iter().any(|(_, span)| world.headers.iter().any(|sent| sent.span == *span))
        }
        _ => false,
    });
    from_above || overruled(view, world).next().is_some()
}

/// Whether code that cannot be read was given an answer that has no origin so far: it may have set one.
pub fn may_have_origin(view: &ServerView, world: &World) -> bool {
    let effects = view.steps().effects_at(&world.ran);
    allow_origin(world).is_none() && effects.iter().any(|(_, effect)| matches!(effect.kind, EffectKind::Opaque(_)))
}

/// What an answer lost of the headers of an `if` because a later one held as well, and where.
pub fn overruled<'a>(view: &ServerView<'a>, world: &World) -> impl Iterator<Item = (&'a RemarkKind, Span)> {
    let ran = if allow_origin(world).is_none() { world.ran.as_slice() } else { &[] };
    view.steps().effects_at(ran).into_iter().filter_map(|(_, effect)| match &effect.kind {
        EffectKind::Notice(kind @ RemarkKind::LostWrites { .. }) => Some((kind, effect.span)),
        _ => None,
    })
}

/// Whether two worlds can be one server's answers to two requests: what does not change from request to request is
/// assumed alike.
pub fn consistent(one: &World, other: &World) -> bool {
    one.assumptions.iter().all(|(guard, holds)| {
        changes(guard) || !other.assumptions.iter().any(|(same, value)| same == guard && value != holds)
    })
}

/// Whether a condition is so for one request and otherwise for the next.
fn changes(guard: &Guard) -> bool {
    matches!(guard, Guard::Unknown(reason) if reason.is_circumstance()) || comes_with_request(guard) || refuses(guard)
}

/// Whether a condition is something that the request brings along, as a session.
pub fn comes_with_request(guard: &Guard) -> bool {
    matches!(guard, Guard::Unknown(reason) if reason.text.ends_with("comes with the request"))
}

/// Whether a condition is that middleware, which cannot be read, refuses the request.
pub fn refuses(guard: &Guard) -> bool {
    matches!(guard, Guard::Unknown(reason) if reason.text.starts_with("whether it refuses"))
}

/// The step that wrote a line of a world's answer, and the effect.
pub fn writer<'a>(view: &ServerView<'a>, world: &World, sent: &Sent) -> Option<(&'a Step, &'a Effect)> {
    let mut found: Option<(usize, &'a Step, &'a Effect)> = None;
    for (step, effect) in view.steps().effects_at(&world.ran) {
        if let EffectKind::Write(write) = &effect.kind
            && effect.span == sent.span
            && write.name.eq_ignore_ascii_case(&sent.name)
            && let Some(at) = world.ran.iter().position(|ran| *ran == step.span)
            && found.is_none_or(|(best, ..)| at < best)
        {
            found = Some((at, step, effect));
        }
    }
    found.map(|(_, step, effect)| (step, effect))
}

/// Whether the code that answered in a world is there for OPTIONS alone.
pub fn is_for_options(view: &ServerView, world: &World) -> bool {
    let Some(answerer) = world.answered_by else { return false };
    if matches!(answerer.kind, None | Some(StepKind::Cors)) {
        return false;
    }
    let is_it = |step: &Step| step.span == answerer.step && Some(step.kind) == answerer.kind;
    // What stands at one place may be reached in several ways: within a branch for OPTIONS, and beside it.
    let ways = view.steps().in_groups(answerer.step).iter();
    let mut ways =
        ways.filter(|(step, _)| is_it(step) && step.effects.iter().any(|effect| effect.span == answerer.span));
    let alone = ways.clone().next().is_some() && ways.all(|(_, within)| *within);
    let effects = view.steps().effects_at(&[answerer.step]);
    alone
        || effects.into_iter().any(|(step, effect)| {
            // What the framework answers by itself stands where the route is registered, and is nobody's code.
            let by_itself = effect.span == step.span;
            let is_for_it =
                step.methods.as_ref().is_some_and(|methods| methods.iter().all(|method| &**method == "OPTIONS"));
            is_it(step) && effect.span == answerer.span && (is_for_it || names_options(&effect.when) && !by_itself)
        })
}

/// Whether a guard asks, among others, for the method OPTIONS, and does not take every method that pages send.
pub(super) fn names_options(guard: &Guard) -> bool {
    match guard {
        Guard::All(parts) => parts.iter().any(names_options),
        Guard::Test(check) => {
            matches!(&check.subject, Text::Request(crate::model::Part::Method))
                && check.test.matches("OPTIONS") == Some(true)
                && ["GET", "DELETE"].iter().all(|method| check.test.matches(method) == Some(false))
        }
        _ => false,
    }
}

/// The only-known line of `Access-Control-Allow-Origin` in a world.
pub fn allow_origin(world: &World) -> Option<&Sent> {
    world.lines(headers::ALLOW_ORIGIN).next()
}
