//! One request played through a server's steps, in one world.

mod behind;
mod decide;
mod write;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::answer::{Because, Open, Outcome, Sent, Session};
use super::{
    Answerer, Dispatch, Effect, EffectKind, End, Group, Guard, Node, PathMatch, PathResult, Reason, Server, Status,
    Step, StepKind, Trail, World,
};
use crate::cors::Request;
use crate::source::Span;

/// What comes behind a step or group.
enum Flow {
    /// The next one.
    Next,
    /// Nothing: it is answered.
    Done,
    /// Steps of the same registration are left out.
    Leave(Span),
    /// The next one behind the group.
    LeaveGroup,
}

pub(super) struct Play<'s, 'a> {
    session: &'s Session<'a>,
    server: &'a Server,
    request: &'s Request,
    pub(super) assumptions: Vec<(Guard, bool)>,
    pub(super) last_index: FxHashMap<Span, usize>,
    decided: FxHashMap<Span, bool>,
    error: Option<Status>,
    /// The error that is being handled.
    handled: Option<Status>,
    status: Option<Status>,
    /// Whether the answer came from a server behind.
    forwarded: bool,
    /// The headers of the answer of the server behind, as they came from there.
    inner: Vec<Sent>,
    /// The headers written before the running step began.
    before: Vec<Sent>,
    /// The path as the running step sees it.
    local: String,
    /// What effects noted.
    marks: Vec<Arc<str>>,
    /// Whether the process ended.
    pub(super) ended: bool,
    /// How many servers hand on to this one.
    depth: u8,
    /// How many more texts are put together.
    fuel: u32,
    world: World,
}

/// How many texts are put together for one request. Texts made of texts made of texts could take forever.
const MOST_TEXTS: u32 = 200_000;

impl<'s, 'a> Play<'s, 'a> {
    pub(super) fn new(session: &'s Session<'a>, request: &'s Request, assumptions: Vec<(Guard, bool)>) -> Self {
        Self::of(session, session.server, request, assumptions, session.last_index.clone(), 0)
    }

    fn of(
        session: &'s Session<'a>,
        server: &'a Server,
        request: &'s Request,
        assumptions: Vec<(Guard, bool)>,
        last_index: FxHashMap<Span, usize>,
        depth: u8,
    ) -> Self {
        let world = World {
            assumptions: Vec::new(),
            outcome: Outcome::Answered,
            status: None,
            headers: Vec::new(),
            because: Vec::new(),
            answered_by: None,
            forwarded: None,
            ran: Vec::new(),
        };
        Self {
            session,
            server,
            request,
            assumptions,
            last_index,
            decided: FxHashMap::default(),
            error: None,
            handled: None,
            status: None,
            forwarded: false,
            inner: Vec::new(),
            before: Vec::new(),
            local: String::new(),
            marks: Vec::new(),
            ended: false,
            depth,
            fuel: MOST_TEXTS,
            world,
        }
    }

    pub(super) fn run(&mut self) -> Result<World, Open> {
        let server = self.server;
        let path = self.request.target().split(['?', '#']).next().unwrap_or_default();
        if let Flow::Next | Flow::Leave(_) | Flow::LeaveGroup = self.group(&server.root, path)? {
            let error = self.error.take();
            self.because(server.span, if error.is_some() { "the error is answered" } else { "no step answers" });
            self.status = Some(match (error, self.status.take()) {
                (None, _) => Status::Code(404),
                (Some(Status::Unset | Status::Code(..400 | 600..)), set) => match set {
                    Some(set @ (Status::Code(400..600) | Status::Unknown(_))) => set,
                    _ => Status::Code(500),
                },
                (Some(status), _) => status,
            });
            self.finish(None, server.span, server.span);
            // Express's own last answer goes out like any other.
            if server.root.dispatch == Dispatch::InOrder {
                self.on_the_way_out(&server.root.outgoing, path)?;
            }
        }
        if self.world.outcome == Outcome::Answered {
            self.on_the_way_out(&server.outgoing, path)?;
        }
        self.world.status = match self.status.take() {
            Some(Status::Code(code)) => Some(code),
            Some(Status::Unknown(_) | Status::OfError | Status::Unset) => None,
            None => Some(200),
        };
        self.world.assumptions = std::mem::take(&mut self.assumptions);
        Ok(self.world.clone())
    }

    fn finish(&mut self, kind: Option<StepKind>, step: Span, span: Span) {
        self.world.answered_by = Some(Answerer { kind, step, span });
    }

    fn because(&mut self, span: Span, text: impl Into<String>) {
        self.world.because.push(Because { span, text: text.into() });
    }

    fn group(&mut self, group: &Group, path: &str) -> Result<Flow, Open> {
        let Some(inside) = self.path(&group.mount, path)? else { return Ok(Flow::Next) };
        if !self.holds(&group.when)? {
            return Ok(Flow::Next);
        }
        let flow = self.nodes(group, &inside)?;
        if !matches!(flow, Flow::Done) || self.world.outcome != Outcome::Answered {
            return Ok(flow);
        }
        for instead in &group.instead {
            if (instead.forwarded || !self.forwarded) && self.holds(&Guard::Status(instead.statuses.clone()))? {
                self.because(instead.span, "another answer takes the place of this one");
                self.world.headers.clear();
                self.forwarded = false;
                self.inner.clear();
                return self.group(&instead.group, path);
            }
        }
        self.on_the_way_out(&group.outgoing, path)?;
        Ok(flow)
    }

    /// Runs steps on the way out. One that answers puts its answer in place of what came, and is the last.
    fn on_the_way_out(&mut self, steps: &[Step], path: &str) -> Result<(), Open> {
        for step in steps {
            if let Flow::Done = self.step(step, path)? {
                break;
            }
        }
        Ok(())
    }

    fn nodes(&mut self, group: &Group, path: &str) -> Result<Flow, Open> {
        if group.dispatch == Dispatch::Rules {
            return self.rules(group, path);
        }
        let mut other_methods = false;
        let mut left: Option<Span> = None;
        for node in &group.nodes {
            let (pattern, when) = match node {
                Node::Group(inner) => (&inner.mount, &inner.when),
                Node::Step(step) => (&step.path, &step.when),
            };
            if group.dispatch == Dispatch::InOrder
                && self.error.is_none()
                && pattern.is_undecodable(path)
                && self.holds(when)?
            {
                self.because(group.span, "a parameter of the path cannot be decoded");
                self.error = Some(Status::Code(400));
            }
            let flow = match node {
                Node::Group(inner) => self.group(inner, path)?,
                Node::Step(step) => {
                    if left == Some(step.span) || (step.kind == StepKind::ErrorHandler) != self.error.is_some() {
                        continue;
                    }
                    if !self.takes_method(step) {
                        if !other_methods && self.path(&step.path, path)?.is_some() && self.holds(&step.when)? {
                            other_methods = true;
                        }
                        continue;
                    }
                    self.step(step, path)?
                }
            };
            match flow {
                Flow::Next => {}
                Flow::Done => return Ok(Flow::Done),
                Flow::Leave(span) => left = Some(span),
                // A group without an end of its own is but a part of the one around it.
                Flow::LeaveGroup if group.dispatch == Dispatch::Plain => return Ok(Flow::LeaveGroup),
                Flow::LeaveGroup => return Ok(Flow::Next),
            }
        }
        if group.dispatch == Dispatch::InOrder
            && other_methods
            && self.error.is_none()
            && self.request.method == "OPTIONS"
        {
            self.because(group.span, "the router answers OPTIONS by itself, for a path that has routes");
            self.status = Some(Status::Code(200));
            self.finish(None, group.span, group.span);
            return Ok(Flow::Done);
        }
        Ok(Flow::Next)
    }

    /// Runs the one step whose path and method fit.
    fn rules(&mut self, group: &Group, path: &str) -> Result<Flow, Open> {
        if self.error.is_some() {
            return Ok(Flow::Next);
        }
        let mut other_methods = false;
        for node in &group.nodes {
            match node {
                Node::Group(inner) => {
                    if let Flow::Done = self.group(inner, path)? {
                        return Ok(Flow::Done);
                    }
                }
                Node::Step(step) => {
                    if self.path(&step.path, path)?.is_none() || !self.holds(&step.when)? {
                        continue;
                    }
                    if self.takes_method(step) {
                        return self.step(step, path);
                    }
                    other_methods = true;
                }
            }
        }
        let (code, text) = match other_methods {
            true => (405, "no route of this path takes the method"),
            false => (404, "no route has this path"),
        };
        self.because(group.span, text);
        self.error = Some(Status::Code(code));
        Ok(Flow::Next)
    }

    fn takes_method(&self, step: &Step) -> bool {
        let Some(methods) = &step.methods else { return true };
        let method = self.request.method.as_str();
        let has = |name: &str| methods.iter().any(|own| &**own == name);
        has(method) || (method == "HEAD" && has("GET"))
    }

    /// The path behind a match, or nothing where it does not match.
    fn path(&mut self, pattern: &PathMatch, path: &str) -> Result<Option<String>, Open> {
        match pattern.test(path) {
            PathResult::Yes(rest) => Ok(Some(rest)),
            PathResult::No => Ok(None),
            PathResult::Unknown(reason) => {
                Ok(if self.holds(&Guard::Unknown(reason))? { Some(path.to_owned()) } else { None })
            }
        }
    }

    fn step(&mut self, step: &Step, path: &str) -> Result<Flow, Open> {
        let Some(below) = self.path(&step.path, path)? else { return Ok(Flow::Next) };
        // What is mounted does not see the path that it is mounted at; a route sees the whole.
        self.local = if matches!(step.path, PathMatch::Prefix { .. }) { below } else { path.to_owned() };
        if !self.holds(&step.when)? {
            return Ok(Flow::Next);
        }
        self.world.ran.push(step.span);
        self.before.clone_from(&self.world.headers);
        if let Some(error) = self.error.take() {
            self.handled = Some(error);
        }
        for effect in &step.effects {
            let holds = match self.holds(&effect.when) {
                // Worlds that are alike need not be told apart.
                Err(_) if self.changes_nothing(effect) => false,
                known => known?,
            };
            if holds && let Some(flow) = self.effect(step, effect)? {
                return Ok(flow);
            }
        }
        match &step.end {
            End::Continue => Ok(Flow::Next),
            End::Hang => {
                self.because(step.span, format!("{} neither answers nor calls the next handler", step.label));
                self.world.outcome = Outcome::Hangs;
                Ok(Flow::Done)
            }
            End::Respond(reason) => {
                self.because(step.span, format!("{} answers", step.label));
                self.status = Some(Status::Unknown(reason.clone()));
                self.finish(Some(step.kind), step.span, step.span);
                Ok(Flow::Done)
            }
        }
    }

    /// Whether everything would be as it is, were the effect carried out.
    fn changes_nothing(&mut self, effect: &Effect) -> bool {
        match &effect.kind {
            EffectKind::Notice(_) => true,
            EffectKind::Status(status) => self.status.as_ref() == Some(&self.status_of(status)),
            EffectKind::ClearHeaders => self.world.headers.is_empty(),
            EffectKind::Mark(mark) => self.marks.contains(mark),
            EffectKind::Write(write) => {
                let (before, told) = (self.world.headers.clone(), self.world.because.len());
                let written = self.write(write, effect.span).is_ok();
                self.world.because.truncate(told);
                let after = std::mem::replace(&mut self.world.headers, before);
                let same = |(one, other): (&Sent, &Sent)| {
                    one.name == other.name && one.value.as_ref().ok() == other.value.as_ref().ok()
                };
                written && after.len() == self.world.headers.len() && after.iter().zip(&self.world.headers).all(same)
            }
            EffectKind::Opaque(_) => {
                let is_unknown = |name: &&str| self.world.lines(name).any(|sent| sent.value.is_err());
                matches!(self.status, Some(Status::Unknown(_))) && crate::cors::headers::RESPONSE.iter().all(is_unknown)
            }
            _ => false,
        }
    }

    /// Carries out an effect. A flow is given where it ends the step.
    fn effect(&mut self, step: &Step, effect: &Effect) -> Result<Option<Flow>, Open> {
        match &effect.kind {
            EffectKind::Write(write) => self.write(write, effect.span)?,
            EffectKind::Notice(_) => {}
            EffectKind::Status(status) => self.status = Some(self.status_of(status)),
            EffectKind::Respond(status) => {
                if let Some(status) = status {
                    self.status = Some(self.status_of(status));
                }
                self.because(effect.span, format!("{} answers", step.label));
                self.finish(Some(step.kind), step.span, effect.span);
                return Ok(Some(Flow::Done));
            }
            EffectKind::Next => return Ok(Some(Flow::Next)),
            EffectKind::Leave => return Ok(Some(Flow::Leave(step.span))),
            EffectKind::LeaveGroup => return Ok(Some(Flow::LeaveGroup)),
            EffectKind::Fail(status) => {
                self.because(effect.span, format!("{} ends in an error", step.label));
                self.error = Some(match status {
                    Status::OfError => self.handled.clone().unwrap_or(Status::Unset),
                    status => status.clone(),
                });
                return Ok(Some(Flow::Next));
            }
            EffectKind::ClearHeaders => {
                self.because(effect.span, "a new answer begins, without the headers so far");
                self.world.headers.clear();
            }
            EffectKind::Mark(mark) => self.marks.push(mark.clone()),
            EffectKind::Hang => {
                self.because(effect.span, "nothing answers from here on");
                self.world.outcome = Outcome::Hangs;
                return Ok(Some(Flow::Done));
            }
            EffectKind::Exit => {
                self.because(effect.span, "an exception that nobody catches ends the process");
                self.world.outcome = Outcome::Closed;
                self.ended = true;
                return Ok(Some(Flow::Done));
            }
            EffectKind::Close => {
                self.because(effect.span, "the connection is closed without an answer");
                self.world.outcome = Outcome::Closed;
                return Ok(Some(Flow::Done));
            }
            EffectKind::Forward(forward) => {
                self.forward(step, forward, effect.span)?;
                return Ok(Some(Flow::Done));
            }
            EffectKind::Opaque(reason) => self.opaque(reason, effect.span),
        }
        Ok(None)
    }

    fn status_of(&self, status: &Status) -> Status {
        match status {
            // Neither Node nor Express takes a status that is not there.
            Status::OfError => match &self.handled {
                None | Some(Status::Unset) => Status::Code(500),
                Some(status) => status.clone(),
            },
            status => status.clone(),
        }
    }

    /// From here on no CORS header is known.
    fn opaque(&mut self, reason: &Reason, span: Span) {
        self.status = Some(Status::Unknown(reason.clone()));
        for name in crate::cors::headers::RESPONSE {
            self.world.headers.retain(|sent| !sent.name.eq_ignore_ascii_case(name));
            self.world.headers.push(Sent {
                name: Arc::from(*name),
                value: Err(reason.clone()),
                trail: Trail::default(),
                span,
            });
        }
    }
}
