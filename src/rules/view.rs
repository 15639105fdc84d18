//! A server as rules see it: one that can be asked, with the routes worth asking for.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::calls::{Call, calls};
use super::trace::{Diagnosis, diagnose};
use crate::cors::{Credentials, Fetch, Origin, Request, StringTest, Verdict, browser, headers};
use crate::finding::Evidence;
use crate::model::{
    Answer, Check, Effect, EffectKind, Environment, Group, Guard, HeaderWrite, Node, PathMatch, Project, Sent, Server,
    Session, Step, StepKind, Text, World, each_effect,
};
use crate::source::{SourceSet, Span};

/// A stranger's page.
pub const STRANGER: &str = "https://evil.example";
/// Another stranger's page, that has nothing in common with the first.
pub const OTHER_STRANGER: &str = "https://attacker.test";

/// How many routes of one server are asked for.
const MOST_ROUTES: usize = 48;

/// A server that can be asked.
pub struct ServerView<'a> {
    /// The server.
    pub server: &'a Server,
    /// Routes that fare differently, one for each way.
    pub routes: Vec<Route>,
    /// Origins that the server's code names one by one, with their places.
    pub entries: Vec<Entry>,
    /// Tests of an origin other than for equality, with their places.
    pub tests: Vec<OriginCheck>,
    /// The servers of the run, and which stands behind which.
    pub project: &'a Project,
    /// All servers of the run.
    pub servers: &'a [Server],
    /// The files of the run: for the words of a change, never to find a fault.
    pub sources: &'a SourceSet,
    answers: RefCell<FxHashMap<Request, Rc<Answer>>>,
    calls: OnceCell<Vec<Call>>,
    diagnoses: OnceCell<Vec<Diagnosis>>,
}

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
}

/// An origin that the code spells out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As written.
    pub text: Arc<str>,
    /// Where.
    pub span: Span,
    /// Whether the server compares it (then only an equal origin passes), or sends it to everybody.
    pub compared: bool,
    /// Whether letters are compared without case.
    pub ignores_case: bool,
}

/// A test of an origin by a pattern or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginCheck {
    /// The test.
    pub check: Arc<Check>,
}

/// What a browser makes of one call of a page.
#[derive(Debug)]
pub struct Exchange {
    /// The preflight and its answer, if there is one.
    pub preflight: Option<(Request, Rc<Answer>)>,
    /// The request itself and its answer.
    pub request: (Request, Rc<Answer>),
    /// The verdict.
    pub verdict: Verdict,
}

impl<'a> ServerView<'a> {
    /// A view of one of the servers of a run.
    pub fn new(server: &'a Server, project: &'a Project, sources: &'a SourceSet) -> Self {
        let mut view = Self {
            server,
            routes: Vec::new(),
            entries: Vec::new(),
            tests: Vec::new(),
            project,
            servers: &project.servers,
            sources,
            answers: RefCell::default(),
            calls: OnceCell::new(),
            diagnoses: OnceCell::new(),
        };
        (view.entries, view.tests) = origins_of(server);
        view.find_routes();
        view
    }

    /// Asks the server, as one that nobody has asked before, whatever its environment, in the ordinary case: no file is
    /// in the way, no limit is reached, no body is broken.
    pub fn ask(&self, request: &Request) -> Rc<Answer> {
        if let Some(answer) = self.answers.borrow().get(request) {
            return answer.clone();
        }
        let session = Session::ordinary(self.server, Environment::Unknown);
        let answer = Rc::new(self.project.linked(session).answer(request));
        self.answers.borrow_mut().insert(request.clone(), answer.clone());
        answer
    }

    /// Asks the server, in every circumstance: whether a file is there, a limit is reached, a body is broken.
    pub fn ask_in_all_circumstances(&self, request: &Request) -> Answer {
        self.project.linked(Session::new(self.server, Environment::Unknown)).answer(request)
    }

    /// Asks for a route from a page of this origin.
    pub fn from_page(&self, route: &Route, origin: &str) -> Rc<Answer> {
        self.ask(&Request::new(&*route.method, &route.path).with_origin(origin))
    }

    /// Plays a page's call through the browser: preflight where one is needed, then the request.
    pub fn play(&self, fetch: &Fetch) -> Exchange {
        let request = browser::actual_request(fetch);
        let preflight = browser::needs_preflight(fetch).map(|request| {
            let answer = self.ask(&request);
            (request, answer)
        });
        let first = preflight.as_ref().map(|(_, answer)| browser::check_preflight(fetch, &answer.reply()));
        let answer = self.ask(&request);
        let verdict = match first {
            Some(verdict) if !verdict.is_allowed() => verdict,
            _ => browser::check_response(fetch, &answer.reply()),
        };
        Exchange { preflight, request: (request, answer), verdict }
    }

    /// Every route called from every origin that the code names, and from a stranger's page.
    pub(super) fn calls(&self) -> &[Call] {
        self.calls.get_or_init(|| calls(self))
    }

    /// Calls of the routes that fail though they were meant to work; see [`diagnose`].
    pub(super) fn diagnoses(&self) -> &[Diagnosis] {
        self.diagnoses.get_or_init(|| diagnose(self))
    }

    /// Origins that are let in as far as the code names them: for questions that a stranger would not ask.
    pub fn friends(&self) -> Vec<String> {
        let mut friends = Vec::new();
        let behind = self.project.servers_behind(self.server);
        let named = std::iter::once((self.entries.clone(), self.tests.clone()));
        for (entries, tests) in named.chain(behind.into_iter().map(origins_of)) {
            let valid = |entry: &&Entry| Origin::parse(&entry.text).is_ok_and(|origin| !origin.is_null());
            friends.extend(entries.iter().filter(valid).map(|entry| entry.text.to_string()));
            friends.extend(tests.iter().filter_map(OriginCheck::friend));
        }
        friends.dedup();
        friends.truncate(12);
        if friends.is_empty() {
            friends.push("https://app.example.com".to_owned());
        }
        friends
    }

    /// Every write of a header whose name passes, with its step.
    pub fn writes(&self, is: impl Fn(&str) -> bool) -> Vec<(&'a Step, &'a Effect, &'a HeaderWrite)> {
        let mut found = Vec::new();
        each_effect(self.server, &mut |step, effect| {
            if let EffectKind::Write(write) = &effect.kind
                && is(&write.name)
            {
                found.push((step, effect, write));
            }
        });
        found
    }

    /// Every notice that the frameworks left, with its place.
    pub fn notices(&self) -> Vec<(&'a crate::model::RemarkKind, Span)> {
        let mut found: Vec<_> = self.server.remarks.iter().map(|remark| (&remark.kind, remark.span)).collect();
        each_effect(self.server, &mut |_, effect| {
            if let EffectKind::Notice(kind) = &effect.kind {
                found.push((kind, effect.span));
            }
        });
        found
    }

    /// How people call the server, by its place; for findings' scope.
    pub fn complete(&self) -> bool {
        self.server.complete
    }

    fn find_routes(&mut self) {
        let mut all = Vec::new();
        collect(&self.server.root, "", &mut all);
        if all.is_empty() {
            // Middleware alone: what it takes is asked for.
            let mut steps = crate::model::steps(self.server).into_iter();
            let path = steps.find(|step| step.kind == StepKind::Cors).and_then(|step| step.path.sample(""));
            all.push(Route {
                method: "GET".into(),
                path: path.filter(|path| path.starts_with('/')).unwrap_or_else(|| "/".to_owned()),
                span: self.server.span,
                label: "any path".into(),
                any_method: true,
                reads: Vec::new(),
            });
        }
        let own = all.len();
        for server in self.project.servers_behind(self.server) {
            collect(&server.root, "", &mut all);
        }
        // Two routes that meet the same policies fare alike: one of them is asked for.
        let mut seen = FxHashSet::default();
        for (at, route) in all.into_iter().enumerate().take(4000) {
            if self.routes.len() >= MOST_ROUTES {
                break;
            }
            let answer = self.ask(&Request::new(&*route.method, &route.path).with_origin(STRANGER));
            // A route of a server behind is one of this server where its path leads there.
            if at >= own && !answer.worlds.iter().any(|world| world.ran.contains(&route.span)) {
                continue;
            }
            let mut places: Vec<(Span, String)> = answer
                .worlds
                .iter()
                .flat_map(|world| world.headers.iter().map(|sent| (sent.span, sent.name.to_ascii_lowercase())))
                .filter(|(_, name)| headers::RESPONSE.contains(&name.as_str()))
                .collect();
            places.sort();
            places.dedup();
            let reads: Vec<&str> = route.reads.iter().map(|(name, _)| name.as_str()).collect();
            let method = if route.any_method { "any" } else { &*route.method };
            let key = format!("{method} {:?} {:?} {:?}", answer.status.map(|status| status / 100), places, reads);
            if seen.insert(key) {
                self.routes.push(route);
            }
        }
    }
}

/// The origins that a server's code names, and its tests of origins.
fn origins_of(server: &Server) -> (Vec<Entry>, Vec<OriginCheck>) {
    let mut entries = Vec::new();
    let mut tests = Vec::new();
    let mut see = |guard: &Guard| {
        guard.each_atom(&mut |atom| {
            if let Guard::Test(check) = atom
                && check.subject.mentions_header(headers::ORIGIN)
            {
                match &check.test {
                    StringTest::Equals(text) if check.subject.is_header(headers::ORIGIN) => entries.push(Entry {
                        text: text.as_str().into(),
                        span: check.span,
                        compared: true,
                        ignores_case: false,
                    }),
                    StringTest::Equals(text) if matches!(&check.subject, Text::LowerCase(inner) if inner.is_header(headers::ORIGIN)) => {
                        entries.push(Entry {
                            text: text.as_str().into(),
                            span: check.span,
                            compared: true,
                            ignores_case: true,
                        });
                    }
                    _ => tests.push(OriginCheck { check: check.clone() }),
                }
            }
        });
    };
    let mut literals = Vec::new();
    each_effect(server, &mut |_, effect| {
        let EffectKind::Write(write) = &effect.kind else {
            // A refusal by origin is a condition on the origin too.
            see(&effect.when);
            return;
        };
        see(&effect.when);
        for value in &write.values {
            each_guard(value, &mut see);
            if write.is(headers::ALLOW_ORIGIN) {
                let place = write.trail.0.first().map_or(effect.span, |(place, _)| *place);
                each_literal(value, &mut |text| literals.push((Arc::from(text), place)));
            }
        }
    });
    for (text, span) in literals {
        if &*text != "*" {
            entries.push(Entry { text, span, compared: false, ignores_case: false });
        }
    }
    let mut seen = FxHashSet::default();
    entries.retain(|entry| seen.insert((entry.text.clone(), entry.span)));
    tests.dedup();
    (entries, tests)
}

/// Routes of a group, with the path before them.
fn collect(group: &Group, prefix: &str, all: &mut Vec<Route>) {
    let entered = group.entry.as_ref().map(|entry| entry.origin());
    let Some(prefix) = sample(&group.mount, entered.as_deref().unwrap_or(prefix)) else { return };
    for node in &group.nodes {
        if all.len() > 5000 {
            return;
        }
        match node {
            Node::Group(inner) => collect(inner, &prefix, all),
            Node::Step(step) => {
                let answers = matches!(step.kind, StepKind::Route | StepKind::Static | StepKind::Proxy);
                if !answers || step.end == crate::model::End::Continue && step.kind == StepKind::Route {
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

fn reads(step: &Step) -> Vec<(String, Span)> {
    step.effects
        .iter()
        .filter_map(|effect| match &effect.kind {
            EffectKind::Notice(crate::model::RemarkKind::ReadsHeader(name)) => Some((name.clone(), effect.span)),
            _ => None,
        })
        .collect()
}

/// The guards within a text.
fn each_guard(text: &Text, see: &mut impl FnMut(&Guard)) {
    match text {
        Text::Choose(guard, then, otherwise) => {
            see(guard);
            each_guard(then, see);
            each_guard(otherwise, see);
        }
        Text::Url(inner, _) | Text::LowerCase(inner) => each_guard(inner, see),
        Text::Concat(parts) => parts.iter().for_each(|part| each_guard(part, see)),
        _ => {}
    }
}

/// The literals that a text may be.
fn each_literal(text: &Text, see: &mut impl FnMut(&str)) {
    match text {
        Text::Literal(literal) => see(literal),
        Text::Choose(_, then, otherwise) => {
            each_literal(then, see);
            each_literal(otherwise, see);
        }
        _ => {}
    }
}

impl OriginCheck {
    /// The test in the terms of origins, where it is one of the origin itself or its host.
    pub fn test(&self) -> Option<crate::cors::OriginTest> {
        use crate::cors::OriginTest;
        use crate::model::UrlPart;
        match &self.check.subject {
            text if text.is_header(headers::ORIGIN) => Some(OriginTest::Origin(self.check.test.clone())),
            Text::LowerCase(inner) if inner.is_header(headers::ORIGIN) => {
                Some(OriginTest::Origin(self.check.test.clone()))
            }
            Text::Url(inner, UrlPart::Hostname) if inner.is_header(headers::ORIGIN) => {
                Some(OriginTest::Host(self.check.test.clone()))
            }
            _ => None,
        }
    }

    /// An origin that passes and that its author meant.
    fn friend(&self) -> Option<String> {
        let test = self.test()?;
        let meant = crate::cors::Meant::of(&test);
        let mut tries = Vec::new();
        for name in meant.names() {
            for scheme in ["https", "http"] {
                tries.push(format!("{scheme}://{name}"));
                tries.push(format!("{scheme}://app.{name}"));
                tries.push(format!("{scheme}://{name}:3000"));
            }
        }
        tries.into_iter().find(|origin| test.matches(origin) == Some(true))
    }
}

/// How certain it is that something holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Whatever the environment.
    Always,
    /// Where the environment is so: variables, and what is assumed of them.
    Environment(Vec<(Guard, bool)>),
}

impl Certainty {
    /// Whether it holds only where a variable is unset.
    pub fn is_fallback(&self) -> bool {
        match self {
            Certainty::Always => false,
            Certainty::Environment(assumed) => {
                assumed.iter().any(|(guard, holds)| matches!(guard, Guard::EnvironmentSet(_)) && !holds)
            }
        }
    }

    /// Whether it holds only where a variable has a value that asks for it: `'*'`, `'true'`.
    pub fn is_chosen(&self) -> bool {
        let Certainty::Environment(assumed) = self else { return false };
        assumed.iter().any(|(guard, holds)| {
            *holds
                && matches!(guard, Guard::Test(check) if matches!(&check.subject, Text::Environment(name) if !is_stage(name)))
        })
    }

    /// The variables on which it depends, for people.
    pub fn describe(&self) -> Option<String> {
        let Certainty::Environment(assumed) = self else { return None };
        let words: Vec<String> = assumed
            .iter()
            .filter_map(|(guard, holds)| match guard {
                Guard::EnvironmentSet(name) => Some(format!("{name} is {}", if *holds { "set" } else { "not set" })),
                Guard::Test(check) => match (&check.subject, &check.test) {
                    (Text::Environment(name), StringTest::Equals(text)) => {
                        Some(format!("{name} is {}'{text}'", if *holds { "" } else { "not " }))
                    }
                    _ => None,
                },
                _ => None,
            })
            .collect();
        if words.is_empty() { None } else { Some(words.join(" and ")) }
    }

    /// Whether it holds in development only, as far as the name of the variable says that.
    pub fn is_development(&self) -> bool {
        let Certainty::Environment(assumed) = self else { return false };
        assumed.iter().any(|(guard, holds)| match guard {
            Guard::Test(check) => match (&check.subject, &check.test) {
                (Text::Environment(name), StringTest::Equals(text)) if is_stage(name) => {
                    let production = matches!(text.as_str(), "production" | "prod" | "staging");
                    production != *holds
                }
                _ => false,
            },
            Guard::EnvironmentSet(name) => is_stage(name) && !holds,
            _ => false,
        })
    }
}

fn is_stage(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.ends_with("_ENV") || matches!(name.as_str(), "ENV" | "ENVIRONMENT" | "STAGE" | "DEBUG" | "DEV")
}

/// When something holds of an answer: in every world, or in one that only the environment or the circumstances of a
/// request decide. Nothing where it never holds, or where it hangs on something that is not known.
pub fn when(answer: &Answer, holds: impl Fn(&World) -> bool) -> Option<(Certainty, &World)> {
    all_when(answer, holds).into_iter().next()
}

/// As [`when`], with every such world.
pub fn all_when(answer: &Answer, holds: impl Fn(&World) -> bool) -> Vec<(Certainty, &World)> {
    let holding = || answer.worlds.iter().filter(|world| holds(world));
    if answer.outcome != crate::model::Outcome::Unknown && answer.worlds.iter().all(&holds) {
        return holding().map(|world| (Certainty::Always, world)).collect();
    }
    let mut found = Vec::new();
    for world in holding() {
        // An assumption that makes no difference is none.
        let matters = |guard: &Guard, assumed: bool| {
            let differs =
                |other: &&World| other.assumptions.iter().any(|(own, value)| own == guard && *value != assumed);
            !answer.worlds.iter().filter(differs).all(&holds)
        };
        let relevant = || world.assumptions.iter().filter(|(guard, assumed)| matters(guard, *assumed));
        if !relevant().all(|(guard, _)| is_environment(guard) || is_circumstance(guard)) {
            continue;
        }
        let environment: Vec<_> = relevant().filter(|(guard, _)| is_environment(guard)).cloned().collect();
        let certainty = if environment.is_empty() { Certainty::Always } else { Certainty::Environment(environment) };
        found.push((certainty, world));
    }
    found
}

fn is_environment(guard: &Guard) -> bool {
    match guard {
        Guard::EnvironmentSet(_) => true,
        Guard::Test(check) => matches!(&check.subject, Text::Environment(_)),
        _ => false,
    }
}

/// Whether a condition is so for one request and otherwise for another: its reason then begins with "whether".
fn is_circumstance(guard: &Guard) -> bool {
    matches!(guard, Guard::Unknown(reason) if reason.is_circumstance())
}

/// The one line of a header in a world, if there is one and its value is known.
pub fn only<'w>(world: &'w World, name: &'w str) -> Option<(&'w Sent, &'w str)> {
    let mut lines = world.lines(name);
    let first = lines.next()?;
    if lines.next().is_some() {
        return None;
    }
    first.value.as_deref().ok().map(|value| (first, value))
}

/// Whether a world's answer allows credentials.
pub fn allows_credentials(world: &World) -> bool {
    only(world, headers::ALLOW_CREDENTIALS).is_some_and(|(_, value)| value == "true")
}

/// The place where a header's value comes from.
pub fn source(sent: &Sent) -> Span {
    sent.trail.0.first().map_or(sent.span, |(place, _)| *place)
}

/// An exchange as proof.
pub fn evidence(view: &ServerView, fetch: &Fetch) -> Vec<Evidence> {
    let exchange = view.play(fetch);
    let show = |request: &Request, answer: &Answer, verdict: String| Evidence {
        request: request.clone(),
        credentials: fetch.credentials == Credentials::Include,
        status: answer.status,
        headers: answer
            .headers
            .iter()
            .filter(|(name, _)| headers::RESPONSE.contains(&name.to_ascii_lowercase().as_str()))
            .cloned()
            .collect(),
        verdict,
    };
    let verdict = match &exchange.verdict {
        Verdict::Allowed => "allowed".to_owned(),
        Verdict::Blocked(block) => format!("blocked: {}", block.summary()),
        Verdict::Unknown(_) => "unknown".to_owned(),
    };
    let mut rows = Vec::new();
    match exchange.preflight {
        Some((request, answer)) => {
            let passes = browser::check_preflight(fetch, &answer.reply()).is_allowed();
            if passes {
                rows.push(show(&request, &answer, "passes".to_owned()));
                rows.push(show(&exchange.request.0, &exchange.request.1, verdict));
            } else {
                rows.push(show(&request, &answer, verdict));
            }
        }
        None => rows.push(show(&exchange.request.0, &exchange.request.1, verdict)),
    }
    rows
}
