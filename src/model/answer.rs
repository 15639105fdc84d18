//! What a server answers to a request.
//!
//! A request is played through the steps once for every combination of conditions that cannot be decided (a
//! *world*), as far as they matter. What all worlds agree on is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Effect, EffectKind, Forward, Guard, Reason, Server, Text, World};
use crate::cors::Request;
use crate::source::Span;

/// How many worlds are played before the answer is called unknown.
const MOST_WORLDS: usize = 64;

/// What is known of the environment variables that a server reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Any may be set or not.
    Unknown,
    /// These are set, and no other.
    Only(BTreeMap<String, String>),
}

/// A server being asked one request after the other.
#[derive(Debug)]
pub struct Session<'a> {
    pub(super) server: &'a Server,
    pub(super) environment: Environment,
    pub(super) ordinary: bool,
    /// Where each pattern with the `g` flag goes on (JavaScript's `lastIndex`), in bytes.
    pub(super) last_index: FxHashMap<Span, usize>,
    /// Whether it was asked anything yet.
    pub(super) asked: bool,
    /// Conditions that hold or do not in every world.
    assumed: Vec<(Guard, bool)>,
    /// Whether the process has ended; `None` where that is not known.
    ended: Option<bool>,
    /// What stands behind each hand-over, by the place of its effect.
    pub(super) behind: FxHashMap<Span, Behind<'a>>,
}

/// What stands behind a hand-over.
#[derive(Clone, Copy, Debug)]
pub enum Behind<'a> {
    /// This server.
    Server(&'a Server),
    /// Nothing: the connection is refused.
    Nobody,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// With an answer.
    Answered,
    /// With none.
    Hangs,
    /// With the connection closed.
    Closed,
    /// Not known.
    Unknown,
}

/// A header line of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The name as sent.
    pub name: Arc<str>,
    /// The value; `Err` where it is not known.
    pub value: Result<String, Reason>,
    /// The write that put it there: its place and trail.
    pub trail: super::Trail,
    /// Where it was written.
    pub span: Span,
}

/// Something that decided the answer: a place and a short text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// The place.
    pub span: Span,
    /// What happened there.
    pub text: String,
}

/// An answer, as far as it is known.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How the request ended.
    pub outcome: Outcome,
    /// The status; `None` where it is not known.
    pub status: Option<u16>,
    /// The header lines that are known, in the order sent.
    pub headers: Vec<(String, String)>,
    /// Lower-case names of headers whose presence or value is not known.
    pub unknown: Vec<String>,
    /// Everything that was played, one for each combination of undecided conditions. Empty only
    /// where the process had ended before.
    pub worlds: Vec<World>,
    /// Whether that is every combination: there may be too many of them.
    pub complete: bool,
}

impl Answer {
    /// The one value of a header (lower-case name), where it is known and alone.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
        let first = values.next()?;
        values.next().is_none().then_some(first.1.as_str())
    }

    /// Whether it is known that the answer does not have the header (lower-case name).
    pub fn lacks(&self, name: &str) -> bool {
        !self.unknown.iter().any(|unknown| unknown == name)
            && !self.headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name))
    }

    /// What a browser sees of it.
    pub fn reply(&self) -> crate::cors::Reply {
        crate::cors::Reply { status: self.status, headers: self.headers.clone(), unknown: self.unknown.clone() }
    }
}

/// Why a play stopped: this condition must be assumed one way or the other first.
pub(super) struct Open(pub(super) Guard);

impl<'a> Session<'a> {
    /// A server that nobody has asked yet.
    pub fn new(server: &'a Server, environment: Environment) -> Self {
        Self {
            server,
            environment,
            ordinary: false,
            last_index: FxHashMap::default(),
            asked: false,
            assumed: Vec::new(),
            ended: Some(false),
            behind: FxHashMap::default(),
        }
    }

    /// The same, where every circumstance is the ordinary one: no file is in the way, no limit is reached.
    pub fn ordinary(server: &'a Server, environment: Environment) -> Self {
        Self { ordinary: true, ..Self::new(server, environment) }
    }

    /// Says what stands behind the hand-over whose effect is at `span`, of this server or of one behind it.
    pub fn with_behind(mut self, span: Span, behind: Behind<'a>) -> Self {
        self.behind.insert(span, behind);
        self
    }

    /// Takes conditions that cannot be decided, as those on the environment, to hold or not.
    pub fn assuming(mut self, conditions: Vec<(Guard, bool)>) -> Self {
        self.assumed = conditions;
        self
    }

    /// Why the program would not start in this environment.
    pub fn startup_error(&self) -> Option<&'a str> {
        let server = self.server;
        if let Some((error, _)) = &server.startup_error {
            return Some(error);
        }
        let nothing = Request::new("GET", "/");
        server.remarks.iter().find_map(|remark| match &remark.kind {
            super::RemarkKind::FailsAtStart { when, error } => {
                let certain = super::play::Play::new(self, &nothing, Vec::new()).certainly(when);
                certain.then_some(error.as_str())
            }
            _ => None,
        })
    }

    /// Asks it, and remembers what the request leaves behind.
    pub fn answer(&mut self, request: &Request) -> Answer {
        if self.ended == Some(true) {
            return Answer {
                outcome: Outcome::Closed,
                status: None,
                headers: Vec::new(),
                unknown: Vec::new(),
                worlds: Vec::new(),
                complete: true,
            };
        }
        let (mut ends, mut stays) = (false, false);
        let mut worlds = Vec::new();
        let mut open = vec![self.assumed.clone()];
        let mut left = FxHashMap::default();
        while let Some(assumptions) = open.pop() {
            if worlds.len() + open.len() >= MOST_WORLDS {
                return Answer::unknown(request, worlds);
            }
            let mut play = super::play::Play::new(self, request, assumptions);
            match play.run() {
                Ok(world) => {
                    left = std::mem::take(&mut play.last_index);
                    *(if play.ended { &mut ends } else { &mut stays }) = true;
                    worlds.push(world);
                }
                Err(Open(guard)) => {
                    let assumptions = play.assumptions;
                    for holds in [true, false] {
                        let mut more = assumptions.clone();
                        more.push((guard.clone(), holds));
                        open.push(more);
                    }
                }
            }
        }
        self.last_index.extend(left);
        self.asked = true;
        let was_there = self.ended;
        // Whoever asks of any environment asks of the program, not of one run of it.
        if ends && self.environment != Environment::Unknown {
            self.ended = if stays { None } else { was_there.map(|_| true) };
        }
        match was_there {
            Some(_) => Answer::of(worlds),
            // An earlier request may have ended it.
            None => Answer::unknown(request, worlds),
        }
    }
}

impl Answer {
    fn unknown(_request: &Request, worlds: Vec<World>) -> Self {
        let unknown = crate::cors::headers::RESPONSE.iter().map(|name| (*name).to_owned()).collect();
        Self { outcome: Outcome::Unknown, status: None, headers: Vec::new(), unknown, worlds, complete: false }
    }

    /// What all worlds agree on.
    fn of(worlds: Vec<World>) -> Self {
        let Some(first) = worlds.first() else {
            return Self {
                outcome: Outcome::Unknown,
                status: None,
                headers: Vec::new(),
                unknown: Vec::new(),
                worlds,
                complete: true,
            };
        };
        let same = |part: &dyn Fn(&World) -> bool| worlds.iter().all(part);
        let outcome = if same(&|world| world.outcome == first.outcome) { first.outcome } else { Outcome::Unknown };
        let status = if same(&|world| world.status == first.status) { first.status } else { None };
        let mut names: Vec<String> = Vec::new();
        for sent in worlds.iter().flat_map(|world| &world.headers) {
            let name = sent.name.to_ascii_lowercase();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let values = |world: &World, name: &str| -> Vec<Option<String>> {
            world.lines(name).map(|sent| sent.value.clone().ok()).collect()
        };
        let unknown: Vec<String> = names
            .into_iter()
            .filter(|name| {
                let expected = values(first, name);
                expected.contains(&None) || !same(&|world| values(world, name) == expected)
            })
            .collect();
        let headers = first
            .headers
            .iter()
            .filter(|sent| !unknown.contains(&sent.name.to_ascii_lowercase()))
            .filter_map(|sent| Some((sent.name.to_string(), sent.value.clone().ok()?)))
            .collect();
        Self { outcome, status, headers, unknown, worlds, complete: true }
    }
}

/// Every step of a server, groups from outside in, what runs on the way out last.
pub fn steps(server: &Server) -> Vec<&super::Step> {
    enum Open<'a> {
        Group(&'a super::Group),
        Node(&'a super::Node),
        Step(&'a super::Step),
    }
    let mut open = vec![Open::Group(&server.root)];
    let mut steps = Vec::new();
    while let Some(next) = open.pop() {
        match next {
            Open::Group(group) => {
                open.extend(group.instead.iter().rev().map(|instead| Open::Group(&instead.group)));
                open.extend(group.outgoing.iter().rev().map(Open::Step));
                open.extend(group.nodes.iter().rev().map(Open::Node));
            }
            Open::Node(super::Node::Group(inner)) => open.push(Open::Group(inner)),
            Open::Node(super::Node::Step(step)) | Open::Step(step) => steps.push(step),
        }
    }
    steps.extend(&server.outgoing);
    steps
}

/// Visits the condition of every group and step of a server; those of effects are theirs.
pub fn each_condition<'a>(server: &'a Server, visit: &mut dyn FnMut(&'a Guard)) {
    let mut open = vec![&server.root];
    while let Some(group) = open.pop() {
        visit(&group.when);
        open.extend(group.instead.iter().map(|instead| &instead.group));
        open.extend(group.nodes.iter().filter_map(|node| match node {
            super::Node::Group(inner) => Some(inner),
            super::Node::Step(_) => None,
        }));
    }
    steps(server).into_iter().for_each(|step| visit(&step.when));
}

/// Visits every effect of a server with its step, in the order of [`steps`].
pub fn each_effect<'a>(server: &'a Server, visit: &mut dyn FnMut(&'a super::Step, &'a Effect)) {
    for step in steps(server) {
        step.effects.iter().for_each(|effect| visit(step, effect));
    }
}

impl Forward {
    /// The address, where it is known.
    pub fn address(&self) -> Option<&str> {
        self.to.as_literal()
    }
}

impl EffectKind {
    /// Whether nothing of the step runs behind it.
    pub fn ends(&self) -> bool {
        !matches!(
            self,
            EffectKind::Write(_)
                | EffectKind::Status(_)
                | EffectKind::ClearHeaders
                | EffectKind::Mark(_)
                | EffectKind::Opaque(_)
                | EffectKind::Notice(_)
        )
    }
}

impl Text {
    /// The reason of the first part that is not known.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Text::Unknown(reason) => Some(reason),
            Text::Url(inner, _) | Text::LowerCase(inner) | Text::Decoded(inner, _) => inner.reason(),
            Text::Members(members) => members.open.as_ref().or_else(|| members.list.reason()),
            Text::Concat(parts) => parts.iter().find_map(Text::reason),
            Text::Choose(_, then, otherwise) => then.reason().or_else(|| otherwise.reason()),
            Text::Capture(capture) => capture.subject.reason(),
            Text::Literal(_)
            | Text::Request(_)
            | Text::Environment(_)
            | Text::Inner(_)
            | Text::Sent(_)
            | Text::SentBefore(_) => None,
        }
    }
}
