//! The routes worth asking a server for.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::source;
use super::view::{STRANGER, ServerView};
use crate::cors::{Request, headers};
use crate::model::{Answer, EffectKind, End, Group, Node, PathMatch, RemarkKind, Step, StepKind, World, steps};
use crate::source::Span;

/// How many routes of one server are asked for.
const MOST_ROUTES: usize = 48;
/// How many routes are collected, and tried for whether they fare differently.
const MOST_TRIED: usize = 4_000;
/// How many steps such trials may look at, all in all: each looks at every step before its route.
const MOST_LOOKS: usize = 4_000_000;

/// Last parts of paths that machines call, or browsers for themselves, and pages of other origins hardly ever.
const OPERATION: &[&str] = &[
    "health",
    "healthz",
    "healthcheck",
    "health-check",
    "live",
    "livez",
    "liveness",
    "ready",
    "readyz",
    "readiness",
    "ping",
    "status",
    "metrics",
    "version",
    "favicon.ico",
    "robots.txt",
    "webhook",
    "webhooks",
    "sitemap.xml",
];

/// A route, by a path that it takes.
#[derive(Clone, Debug)]
pub struct Route {
    /// The method.
    pub method: Arc<str>,
    /// A path that it takes.
    pub path: String,
    /// Where it is registered.
    pub span: Span,
    /// How people call it.
    pub label: String,
    /// Whether it takes every method; [`Route::method`] is then no more than an example.
    pub any_method: bool,
    /// Request headers that its handlers read (lower case), and where.
    pub reads: Vec<(String, Span)>,
    /// Whether its handlers read the body of a request.
    pub reads_body: bool,
}

impl Route {
    /// How the route is called: the label of its step where that names the whole path, else method and path.
    pub fn name(&self) -> String {
        if self.label.contains(&self.path) { self.label.clone() } else { format!("{} {}", self.method, self.path) }
    }

    /// The steps that an answer to it came by, or could have: up to its own. What comes behind them is met only where it is
    /// not known whether the route answers, or is there.
    pub fn way(&self, answer: &Answer) -> FxHashSet<Span> {
        let way = |world: &World| {
            let own = world.ran.iter().rposition(|span| *span == self.span)?;
            Some(world.ran.iter().take(own + 1).copied().collect::<Vec<_>>())
        };
        let ways: FxHashSet<Span> = answer.worlds.iter().filter_map(way).flatten().collect();
        if ways.is_empty() { answer.worlds.iter().flat_map(|world| world.ran.iter().copied()).collect() } else { ways }
    }

    /// Whether scripts of pages hardly call it: probes of operation, what browsers fetch for themselves, and what other
    /// servers post to.
    pub fn is_for_machines(&self) -> bool {
        let mut parts = self.path.trim_end_matches('/').rsplit('/').map(str::to_ascii_lowercase);
        let last = parts.next().unwrap_or_default();
        let is_hook = |part: String| matches!(part.as_str(), "webhook" | "webhooks" | "hooks");
        last.is_empty() || OPERATION.contains(&last.as_str()) || *self.method == *"POST" && parts.any(is_hook)
    }
}

/// Routes of a server that fare differently, one for each way; and how many routes were tried, if not all of them.
pub(super) fn routes_of(view: &ServerView) -> (Vec<Route>, Option<usize>) {
    let mut routes = Vec::new();
    let mut all = Vec::new();
    collect(&view.server.root, "", &mut all);
    if all.is_empty() {
        // Middleware alone: what it takes is asked for.
        let mut steps = steps(view.server).into_iter();
        let path = steps.find(|step| step.kind == StepKind::Cors).and_then(|step| step.path.sample(""));
        all.push(Route {
            method: "GET".into(),
            path: path.filter(|path| path.starts_with('/')).unwrap_or_else(|| "/".to_owned()),
            span: view.server.span,
            label: "any path".into(),
            any_method: true,
            reads: Vec::new(),
            reads_body: false,
        });
    }
    let own = all.len();
    for server in view.project.servers_behind(view.server) {
        collect(&server.root, "", &mut all);
    }
    // Two routes that meet the same policies fare alike: one of them is asked for.
    let mut seen = FxHashSet::default();
    let policies = policies(view);
    let most = (MOST_LOOKS / steps(view.server).len().max(1)).clamp(MOST_ROUTES, MOST_TRIED);
    for (at, route) in all.into_iter().enumerate() {
        if at >= most || routes.len() >= MOST_ROUTES {
            return (routes, Some(at));
        }
        let request = Request::new(&*route.method, &route.path).with_origin(STRANGER);
        let answer = view.ask(&request);
        let is_refused = |world: &World| world.answered_by.is_some_and(|by| by.kind == Some(StepKind::Auth));
        let refused = answer.worlds.iter().any(is_refused);
        // What lies behind an entrance is seen by who has credentials.
        let answer = match refused {
            true => view.ask(&request.with_header("authorization", "Bearer x")),
            false => answer,
        };
        // A route of a server behind is one of this server where its path leads there.
        if at >= own && !answer.worlds.iter().any(|world| world.ran.contains(&route.span)) {
            continue;
        }
        let mut places: Vec<(Span, String)> = answer
            .worlds
            .iter()
            .flat_map(|world| world.headers.iter().map(|sent| (source(sent), sent.name.to_ascii_lowercase())))
            .filter(|(_, name)| headers::RESPONSE.contains(&name.as_str()))
            .collect();
        places.sort();
        places.dedup();
        // What is not sent to a stranger may be to others.
        let ran = answer.worlds.iter().flat_map(|world| &world.ran);
        let mut others: Vec<&(Span, String)> = ran.filter_map(|span| policies.get(span)).flatten().collect();
        others.sort();
        others.dedup();
        let reads: Vec<&str> = route.reads.iter().map(|(name, _)| name.as_str()).collect();
        let method = if route.any_method { "any" } else { &*route.method };
        let class = answer.status.map(|status| status / 100);
        let body = route.reads_body;
        let key = format!("{method} {class:?} {places:?} {others:?} {reads:?} {body} {refused}");
        if seen.insert(key) {
            routes.push(route);
        }
    }
    (routes, None)
}

/// Routes of a group, with the path before them.
fn collect(group: &Group, prefix: &str, all: &mut Vec<Route>) {
    let entered = group.entry.as_ref().map(|entry| entry.origin());
    let Some(prefix) = sample(&group.mount, entered.as_deref().unwrap_or(prefix)) else { return };
    for node in &group.nodes {
        if all.len() > MOST_TRIED {
            return;
        }
        match node {
            Node::Group(inner) => collect(inner, &prefix, all),
            Node::Step(step) => {
                let answers = matches!(step.kind, StepKind::Route | StepKind::Static | StepKind::Proxy);
                if !answers || step.end == End::Continue && step.kind == StepKind::Route {
                    continue;
                }
                let Some(path) = sample(&step.path, &prefix) else { continue };
                let path = if Request::get(&*path).target().is_empty() { format!("{path}/") } else { path };
                let methods = match &step.methods {
                    Some(methods) => methods.clone(),
                    // Conditions on the method make ways of their own; equal ones are left out again. That other
                    // methods are taken too says nothing of whether anybody asks with them.
                    None => ["GET", "POST"].map(Arc::from).to_vec(),
                };
                for method in methods {
                    if &*method == "OPTIONS" || &*method == "HEAD" {
                        continue;
                    }
                    all.push(Route {
                        method,
                        path: path.clone(),
                        span: step.span,
                        label: step.label.clone(),
                        any_method: step.methods.is_none(),
                        reads: reads(step),
                        reads_body: reads_body(step),
                    });
                }
            }
        }
    }
}

fn sample(pattern: &PathMatch, prefix: &str) -> Option<String> {
    match pattern {
        PathMatch::Any => Some(prefix.to_owned()),
        other => other.sample(prefix),
    }
}

/// For each place where steps are registered: where the values of CORS headers come from that they may write, and the
/// headers' names.
fn policies(view: &ServerView) -> FxHashMap<Span, Vec<(Span, String)>> {
    let mut found: FxHashMap<Span, Vec<(Span, String)>> = FxHashMap::default();
    for server in std::iter::once(view.server).chain(view.project.servers_behind(view.server)) {
        for step in steps(server) {
            for effect in &step.effects {
                let EffectKind::Write(write) = &effect.kind else { continue };
                let name = write.name.to_ascii_lowercase();
                if headers::RESPONSE.contains(&name.as_str()) {
                    let place = write.trail.0.first().map_or(effect.span, |(place, _)| *place);
                    found.entry(step.span).or_default().push((place, name));
                }
            }
        }
    }
    found
}

fn reads_body(step: &Step) -> bool {
    step.effects.iter().any(|effect| matches!(effect.kind, EffectKind::Notice(RemarkKind::ReadsBody)))
}

fn reads(step: &Step) -> Vec<(String, Span)> {
    step.effects
        .iter()
        .filter_map(|effect| match &effect.kind {
            EffectKind::Notice(RemarkKind::ReadsHeader(name)) => Some((name.clone(), effect.span)),
            _ => None,
        })
        .collect()
}
