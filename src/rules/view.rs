//! A server as rules see it: one that can be asked, with the routes worth asking for.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::calls::{Call, allow_origin, calls, headers_read, names_options};
use super::origins::{Entry, OriginCheck, origins_of};
use super::routes::{Route, routes_of};
use super::steps::Steps;
use super::trace::{Diagnosis, diagnose};
use crate::cors::{Fetch, Origin, Request, Verdict, browser, headers};
use crate::model::{
    Answer, Effect, EffectKind, Environment, Guard, HeaderWrite, Project, RemarkKind, Sent, Server, Session, Step,
    StepKind, World,
};
use crate::source::{SourceSet, Span};

/// A stranger's page.
pub const STRANGER: &str = "https://evil.example";
/// Another stranger's page, that has nothing in common with the first.
pub const OTHER_STRANGER: &str = "https://attacker.test";

/// How many origins that the code names are asked for.
const MOST_FRIENDS: usize = 12;
/// How many tests of origins are tried for one that passes: each makes an automaton.
const MOST_TRIED: usize = 64;

/// A server that can be asked.
pub struct ServerView<'a> {
    /// The server.
    pub server: &'a Server,
    /// Routes that fare differently, one for each way.
    pub routes: Vec<Route>,
    /// How many routes were tried for whether they fare differently, where there are too many to try them all.
    pub tried: Option<usize>,
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
    friends: OnceCell<Vec<String>>,
    passing: RefCell<FxHashMap<String, bool>>,
    answers: RefCell<FxHashMap<Request, Rc<Answer>>>,
    steps: OnceCell<Steps<'a>>,
    calls: OnceCell<Vec<Call>>,
    diagnoses: OnceCell<Vec<Diagnosis>>,
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
            tried: None,
            entries: Vec::new(),
            tests: Vec::new(),
            project,
            servers: &project.servers,
            sources,
            friends: OnceCell::new(),
            passing: RefCell::default(),
            answers: RefCell::default(),
            steps: OnceCell::new(),
            calls: OnceCell::new(),
            diagnoses: OnceCell::new(),
        };
        (view.entries, view.tests) = origins_of(server);
        (view.routes, view.tried) = routes_of(&view);
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

    /// Asks the server in the ordinary case, where these conditions on the environment hold or not.
    pub fn ask_where(&self, request: &Request, settings: &[(Guard, bool)]) -> Rc<Answer> {
        if settings.is_empty() {
            return self.ask(request);
        }
        let session = Session::ordinary(self.server, Environment::Unknown).assuming(settings.to_vec());
        Rc::new(self.project.linked(session).answer(request))
    }

    /// Asks the server, in every circumstance: whether a file is there, a limit is reached, a body is broken.
    pub fn ask_in_all_circumstances(&self, request: &Request) -> Answer {
        self.project.linked(Session::new(self.server, Environment::Unknown)).answer(request)
    }

    /// Asks for a route from a page of this origin, which sends no header of its own.
    pub fn from_page(&self, route: &Route, origin: &str) -> Rc<Answer> {
        self.ask(&Request::new(&*route.method, &route.path).with_origin(origin))
    }

    /// A page's call of a route that gets past authentication in front of the policy: it sends what that asks for, and
    /// else no header.
    pub fn past_authentication(&self, route: &Route, origin: &str) -> Fetch {
        let mut fetch = Fetch::get(origin, &route.path).with_method(&*route.method);
        let answer = self.ask(&browser::actual_request(&fetch));
        let refused = |world: &World| {
            world.answered_by.is_some_and(|by| by.kind == Some(StepKind::Auth)) && allow_origin(world).is_none()
        };
        if answer.worlds.iter().all(refused) {
            fetch.headers = headers_read(self, route, &answer);
        }
        fetch
    }

    /// Plays a page's call through the browser: preflight where one is needed, then the request.
    pub fn play(&self, fetch: &Fetch) -> Exchange {
        self.play_where(fetch, &[])
    }

    /// The same, where these conditions on the environment hold or not.
    pub fn play_where(&self, fetch: &Fetch, settings: &[(Guard, bool)]) -> Exchange {
        let request = browser::actual_request(fetch);
        let preflight = browser::needs_preflight(fetch).map(|request| {
            let answer = self.ask_where(&request, settings);
            (request, answer)
        });
        let first = preflight.as_ref().map(|(_, answer)| browser::check_preflight(fetch, &answer.reply()));
        let answer = self.ask_where(&request, settings);
        let verdict = match first {
            Some(verdict) if !verdict.is_allowed() => verdict,
            _ => browser::check_response(fetch, &answer.reply()),
        };
        Exchange { preflight, request: (request, answer), verdict }
    }

    /// The steps of the server by their places.
    pub fn steps(&self) -> &Steps<'a> {
        self.steps.get_or_init(|| Steps::of(self.server, names_options))
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
    pub fn friends(&self) -> &[String] {
        self.friends.get_or_init(|| {
            let behind: Vec<_> = self.project.servers_behind(self.server).into_iter().map(origins_of).collect();
            let behind = behind.iter().flat_map(|(entries, tests)| named_by(entries, tests));
            let mut friends: Vec<String> = Vec::new();
            for origin in named_by(&self.entries, &self.tests).chain(behind) {
                if friends.len() == MOST_FRIENDS {
                    break;
                }
                if friends.last() != Some(&origin) {
                    friends.push(origin);
                }
            }
            if friends.is_empty() {
                friends.push("https://app.example.com".to_owned());
            }
            friends
        })
    }

    /// Whether a test of the server's code, other than for equality, lets this origin pass.
    pub fn passes_a_test(&self, origin: &str) -> bool {
        if let Some(known) = self.passing.borrow().get(origin) {
            return *known;
        }
        let passes = self.tests.iter().any(|test| test.test().is_some_and(|test| test.matches(origin) == Some(true)));
        self.passing.borrow_mut().insert(origin.to_owned(), passes);
        passes
    }

    /// Every write of a header whose name passes, with its step.
    pub fn writes(&self, is: impl Fn(&str) -> bool) -> Vec<(&'a Step, &'a Effect, &'a HeaderWrite)> {
        let write = |(step, effect): (&'a Step, &'a Effect)| match &effect.kind {
            EffectKind::Write(write) if is(&write.name) => Some((step, effect, write)),
            _ => None,
        };
        self.steps().effects().filter_map(write).collect()
    }

    /// Every notice that the frameworks left, with its place.
    pub fn notices(&self) -> Vec<(&'a RemarkKind, Span)> {
        let mut found: Vec<_> = self.server.remarks.iter().map(|remark| (&remark.kind, remark.span)).collect();
        found.extend(self.steps().effects().filter_map(|(_, effect)| match &effect.kind {
            EffectKind::Notice(kind) => Some((kind, effect.span)),
            _ => None,
        }));
        found
    }

    /// Whether everything that takes requests was found; see [`Server::complete`].
    pub fn complete(&self) -> bool {
        self.server.complete
    }
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

/// Whether an answer says that it depends on the origin, or may say it.
pub fn names_origin(world: &World) -> bool {
    world.lines(headers::VARY).any(|sent| match &sent.value {
        Ok(value) => {
            value.split(',').any(|member| matches!(member.trim(), "*") || member.trim().eq_ignore_ascii_case("origin"))
        }
        Err(_) => true,
    })
}

/// The place where a header's value comes from.
pub fn source(sent: &Sent) -> Span {
    sent.trail.0.first().map_or(sent.span, |(place, _)| *place)
}

/// Origins that one server's code names or means, in the order of its entries and tests.
fn named_by(entries: &[Entry], tests: &[OriginCheck]) -> impl Iterator<Item = String> {
    let valid = |entry: &&Entry| Origin::parse(&entry.text).is_ok_and(|origin| !origin.is_null());
    let named = entries.iter().filter(valid).map(|entry| entry.text.to_string());
    named.chain(tests.iter().take(MOST_TRIED).filter_map(OriginCheck::friend))
}
