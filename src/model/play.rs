//! One request played through a server's steps, in one world.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::answer::{Because, Open, Outcome, Sent, Session};
use super::{
    Behind, Check, Dispatch, Effect, EffectKind, End, Environment, Forward, Group, Guard, HeaderWrite, Members, Node,
    Part, PathMatch, PathResult, Reason, Server, Status, Statuses, Step, StepKind, Text, Trail, UrlPart, WriteOp,
    percent_decode, resolve_path,
};
use crate::cors::{Request, StringTest};
use crate::source::Span;

/// What happened under one set of assumptions.
#[derive(Clone, Debug)]
pub struct World {
    /// What was assumed of conditions that cannot be decided.
    pub assumptions: Vec<(Guard, bool)>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status; `None` where it is not known.
    pub status: Option<u16>,
    /// The header lines, in the order sent.
    pub headers: Vec<Sent>,
    /// What decided it, in the order in which it happened.
    pub because: Vec<Because>,
    /// The step that answered.
    pub answered_by: Option<Answerer>,
    /// Where the request was handed on to.
    pub forwarded: Option<super::Forward>,
    /// Labels and places of the steps that took the request, in order.
    pub ran: Vec<Span>,
}

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answerer {
    /// What kind of step.
    pub kind: Option<StepKind>,
    /// Where the step is registered.
    pub step: Span,
    /// Where it answered.
    pub span: Span,
}

impl World {
    /// The lines of one header (lower-case name).
    pub fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sent> {
        self.headers.iter().filter(move |sent| sent.name.eq_ignore_ascii_case(name))
    }

    /// The value of a header that has one line of known value.
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut lines = self.lines(name);
        let first = lines.next()?;
        if lines.next().is_some() {
            return None;
        }
        first.value.as_deref().ok()
    }

    /// Whether nothing but the environment was assumed, and nothing of that either.
    pub fn is_certain(&self) -> bool {
        self.assumptions.is_empty()
    }
}

/// What comes behind a step or group.
enum Flow {
    /// The next one.
    Next,
    /// Nothing: it is answered.
    Done,
    /// Steps of the same registration are left out.
    Leave(Span),
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
    /// What effects noted.
    marks: Vec<Arc<str>>,
    /// How many servers hand on to this one.
    depth: u8,
    /// How many more texts are put together.
    fuel: u32,
    world: World,
}

/// How many servers a request is handed through.
const MOST_HOPS: u8 = 8;
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
            marks: Vec::new(),
            depth,
            fuel: MOST_TEXTS,
            world,
        }
    }

    pub(super) fn run(&mut self) -> Result<World, Open> {
        let server = self.server;
        let path = self.request.target().split(['?', '#']).next().unwrap_or_default();
        if let Flow::Next | Flow::Leave(_) = self.group(&server.root, path)? {
            let status = self.error.take().unwrap_or(Status::Code(404));
            let text = if status == Status::Code(404) { "no step answers" } else { "the error is answered" };
            self.because(server.span, text);
            self.status = Some(status);
            self.finish(None, server.span, server.span);
        }
        if self.world.outcome == Outcome::Answered {
            self.on_the_way_out(&server.outgoing, path)?;
        }
        self.world.status = match self.status.take() {
            Some(Status::Code(code)) => Some(code),
            Some(Status::Unknown(_) | Status::OfError) => None,
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
        if self.path(&step.path, path)?.is_none() || !self.holds(&step.when)? {
            return Ok(Flow::Next);
        }
        self.world.ran.push(step.span);
        self.before.clone_from(&self.world.headers);
        if let Some(error) = self.error.take() {
            self.handled = Some(error);
        }
        for effect in &step.effects {
            if self.holds(&effect.when)?
                && let Some(flow) = self.effect(step, effect)?
            {
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
            EffectKind::Fail(status) => {
                self.because(effect.span, format!("{} ends in an error", step.label));
                self.error = Some(self.status_of(status));
                return Ok(Some(Flow::Next));
            }
            EffectKind::ClearHeaders => self.world.headers.clear(),
            EffectKind::Mark(mark) => self.marks.push(mark.clone()),
            EffectKind::Hang => {
                self.because(effect.span, "nothing answers from here on");
                self.world.outcome = Outcome::Hangs;
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

    /// Hands the request on, and takes over the answer.
    fn forward(&mut self, step: &Step, forward: &Forward, span: Span) -> Result<(), Open> {
        self.world.forwarded = Some(forward.clone());
        self.finish(Some(step.kind), step.span, span);
        match self.session.behind.get(&span) {
            Some(Behind::Server(server)) if self.depth < MOST_HOPS => {
                let Some(request) = self.request_behind(forward)? else {
                    self.opaque_behind(
                        forward,
                        &Reason::new("what is asked of the server behind is not known", span),
                        span,
                    );
                    return Ok(());
                };
                if forward.cached
                    && self.session.asked
                    && self.holds(&Guard::Unknown(Reason::new("whether the answer comes from the cache", span)))?
                {
                    self.opaque_behind(forward, &Reason::new("the answer may come from the cache", span), span);
                    return Ok(());
                }
                self.because(span, "the request is handed to the server behind");
                self.inner(server, &request, forward)
            }
            Some(Behind::Nobody) => {
                self.because(span, "nothing listens behind");
                self.status = Some(Status::Code(502));
                Ok(())
            }
            _ => {
                self.because(span, "the request is handed to another server");
                self.forwarded = true;
                let reason = Reason::new("whether the server behind sends CORS headers of its own", span);
                if self.holds(&Guard::Unknown(reason.clone()))? {
                    self.opaque_behind(forward, &reason, span);
                }
                self.status = Some(Status::Unknown(Reason::new("the answer of the server behind is not known", span)));
                Ok(())
            }
        }
    }

    /// The request as the server behind sees it; nothing where a part of it is not known.
    fn request_behind(&mut self, forward: &Forward) -> Result<Option<Request>, Open> {
        let mut request = self.request.clone();
        if let Some(path) = &forward.path {
            let Ok(path) = self.text(path)? else { return Ok(None) };
            request.path = path;
        }
        if let Some(method) = &forward.method {
            let Ok(method) = self.text(method)? else { return Ok(None) };
            request.method = method;
        }
        for effect in &forward.request {
            let EffectKind::Write(write) = &effect.kind else { continue };
            if !self.holds(&effect.when)? {
                continue;
            }
            let mut values = Vec::new();
            for value in &write.values {
                let Ok(value) = self.text(value)? else {
                    // Only what may decide CORS matters.
                    if write.is("origin") || write.name.to_ascii_lowercase().starts_with("access-control-") {
                        return Ok(None);
                    }
                    continue;
                };
                values.push((write.name.to_string(), value));
            }
            if matches!(write.op, WriteOp::Set | WriteOp::Remove) {
                request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(&write.name));
            }
            request.headers.extend(values);
        }
        Ok(Some(request))
    }

    fn inner(&mut self, server: &'a Server, request: &Request, forward: &Forward) -> Result<(), Open> {
        let last_index = std::mem::take(&mut self.last_index);
        let mut play = Play::of(self.session, server, request, self.assumptions.clone(), last_index, self.depth + 1);
        let world = play.run()?;
        self.last_index = std::mem::take(&mut play.last_index);
        self.world.because.extend(world.because);
        self.world.ran.extend(world.ran);
        if world.outcome == Outcome::Closed {
            self.status = Some(Status::Code(502));
            return Ok(());
        }
        if world.outcome == Outcome::Hangs {
            self.status = Some(Status::Code(504));
            return Ok(());
        }
        self.forwarded = true;
        self.status = Some(match world.status {
            Some(code) => Status::Code(code),
            None => Status::Unknown(Reason::new("the status that the server behind answers is not known", server.span)),
        });
        self.inner.clone_from(&world.headers);
        for sent in world.headers {
            if forward.hides.iter().any(|(name, _)| sent.name.eq_ignore_ascii_case(name)) {
                continue;
            }
            if forward.replaces {
                let name = sent.name.clone();
                let fresh = !self.inner.iter().take_while(|inner| **inner != sent).any(|inner| inner.name == name);
                if fresh {
                    self.world.headers.retain(|other| !other.name.eq_ignore_ascii_case(&name));
                }
            }
            self.world.headers.push(sent);
        }
        Ok(())
    }

    /// The answer of the server behind is not known: neither is any CORS header that is let through.
    fn opaque_behind(&mut self, forward: &Forward, reason: &Reason, span: Span) {
        let kept: Vec<Sent> = if forward.replaces { Vec::new() } else { self.world.headers.clone() };
        self.opaque(reason, span);
        self.inner.clone_from(&self.world.headers);
        self.world.headers.retain(|sent| !forward.hides.iter().any(|(name, _)| sent.name.eq_ignore_ascii_case(name)));
        self.world.headers.splice(0..0, kept);
        self.forwarded = true;
    }

    fn status_of(&self, status: &Status) -> Status {
        match status {
            Status::OfError => self.handled.clone().unwrap_or(Status::Code(500)),
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

    fn write(&mut self, write: &HeaderWrite, span: Span) -> Result<(), Open> {
        let mut values = Vec::with_capacity(write.values.len());
        for value in &write.values {
            // Blanks around a value are no part of it (RFC 9110, 5.5).
            let trimmed = |text: String| text.trim_matches([' ', '\t']).to_owned();
            values.push(self.text(value)?.map(trimmed));
        }
        let sent =
            |value: Result<String, Reason>| Sent { name: write.name.clone(), value, trail: write.trail.clone(), span };
        let headers = &mut self.world.headers;
        let here = headers.iter().position(|sent| sent.name.eq_ignore_ascii_case(&write.name));
        match write.op {
            WriteOp::Set => {
                // Node and Werkzeug keep the place of a header that is replaced.
                headers.retain({
                    let mut at = 0;
                    move |sent: &Sent| {
                        at += 1;
                        !sent.name.eq_ignore_ascii_case(&write.name) || Some(at - 1) == here
                    }
                });
                match here {
                    Some(here) => {
                        headers.splice(here..=here, values.into_iter().map(sent));
                    }
                    None => headers.extend(values.into_iter().map(sent)),
                }
            }
            WriteOp::Append => {
                let at = headers.iter().rposition(|sent| sent.name.eq_ignore_ascii_case(&write.name));
                let at = at.map_or(headers.len(), |at| at + 1);
                headers.splice(at..at, values.into_iter().map(sent));
            }
            WriteOp::AddLine => headers.extend(values.into_iter().map(sent)),
            WriteOp::IfAbsent => {
                if here.is_none() {
                    headers.extend(values.into_iter().map(sent));
                }
            }
            WriteOp::Remove => headers.retain(|sent| !sent.name.eq_ignore_ascii_case(&write.name)),
            WriteOp::AppendMembers => {
                let mut before: Vec<Result<String, Reason>> = Vec::new();
                headers.retain(|sent| {
                    let is = sent.name.eq_ignore_ascii_case(&write.name);
                    if is {
                        before.push(sent.value.clone());
                    }
                    !is
                });
                let joined = append_members(before, values);
                let at = here.unwrap_or(headers.len()).min(headers.len());
                headers.insert(at, sent(joined));
            }
        }
        if write.op != WriteOp::Remove {
            self.because(span, format!("writes {}", write.name));
        }
        Ok(())
    }

    /// The text in this world; an error where its value is not known.
    fn text(&mut self, text: &Text) -> Result<Result<String, Reason>, Open> {
        self.fuel = self.fuel.saturating_sub(1);
        if self.fuel == 0 {
            return Ok(Err(Reason { text: "it takes too many steps to compute".into(), span: None }));
        }
        Ok(match text {
            Text::Literal(text) => Ok(text.to_string()),
            Text::Request(part) => self.part(part),
            Text::Environment(name) => match &self.session.environment {
                Environment::Only(values) => Ok(values.get(&**name).cloned().unwrap_or_default()),
                Environment::Unknown => Err(Reason {
                    text: format!("it is the value of the environment variable {name}").into(),
                    span: None,
                }),
            },
            Text::Url(inner, part) => self.text(inner)?.map(|text| url_part(&text, *part)),
            Text::LowerCase(inner) => self.text(inner)?.map(|text| text.to_lowercase()),
            Text::Concat(parts) => {
                let mut joined = String::new();
                for part in parts.iter() {
                    match self.text(part)? {
                        Ok(text) => joined.push_str(&text),
                        Err(reason) => return Ok(Err(reason)),
                    }
                }
                Ok(joined)
            }
            Text::Choose(guard, then, otherwise) => {
                let chosen = if self.holds(guard)? { then } else { otherwise };
                self.text(chosen)?
            }
            Text::Capture(capture) => match self.text(&capture.subject)? {
                Ok(subject) => match capture.pattern.find(&subject, capture.group) {
                    Some(found) => Ok(found.and_then(|range| subject.get(range)).unwrap_or_default().to_owned()),
                    None => Err(Reason { text: "the pattern cannot be decided".into(), span: None }),
                },
                Err(reason) => Err(reason),
            },
            Text::Inner(name) => joined(&self.inner, name),
            Text::Sent(name) => joined(&self.world.headers, name),
            Text::SentBefore(name) => joined(&self.before, name),
            Text::Decoded(inner, plus) => self.text(inner)?.map(|text| percent_decode(&text, *plus)),
            Text::Members(members) => match self.text(&members.list)? {
                Ok(list) => passing(members, &list),
                Err(reason) => Err(reason),
            },
            Text::Unknown(reason) => Err(reason.clone()),
        })
    }

    fn part(&self, part: &Part) -> Result<String, Reason> {
        let path = self.request.target().split(['?', '#']).next().unwrap_or_default();
        Ok(match part {
            Part::Header(name) if &**name == "host" && self.request.header(name).is_none() => {
                return Err(Reason { text: "the request's host is not given".into(), span: None });
            }
            Part::Header(name) => self.request.header(name).unwrap_or_default().to_owned(),
            Part::Method => self.request.method.clone(),
            Part::Path => path.to_owned(),
            Part::ErrorStatus => match &self.handled {
                Some(Status::Code(code)) => code.to_string(),
                _ => return Err(Reason { text: "the status of the error is not known".into(), span: None }),
            },
            Part::ResolvedPath => resolve_path(path),
            Part::Query => {
                let target = self.request.target().split('#').next().unwrap_or_default();
                target.split_once('?').map(|(_, query)| query).unwrap_or_default().to_owned()
            }
            Part::Host | Part::Port => {
                let Some((host, port)) = host_of(self.request) else {
                    return Err(Reason { text: "the request's host is not given".into(), span: None });
                };
                if *part == Part::Host { host.to_ascii_lowercase() } else { port.to_owned() }
            }
        })
    }

    /// Whether a guard holds in this world.
    fn holds(&mut self, guard: &Guard) -> Result<bool, Open> {
        match self.decide(guard) {
            Ok(holds) => Ok(holds),
            Err(open) => Err(open),
        }
    }

    fn decide(&mut self, guard: &Guard) -> Result<bool, Open> {
        match guard {
            Guard::Always => Ok(true),
            Guard::Never => Ok(false),
            // Every request of HTTP/1.1 has it, though a question may leave it out.
            Guard::HasHeader(name) if &**name == "host" => Ok(true),
            Guard::HasHeader(name) => Ok(self.request.header(name).is_some_and(|value| !value.is_empty())),
            Guard::EnvironmentSet(name) => match &self.session.environment {
                Environment::Only(values) => Ok(values.get(&**name).is_some_and(|value| !value.is_empty())),
                Environment::Unknown => self.assumed(guard),
            },
            Guard::Not(inner) => self.decide(inner).map(|holds| !holds),
            Guard::All(parts) => self.fold(parts, false),
            Guard::Any(parts) => self.fold(parts, true),
            Guard::Test(check) => self.check(guard, check),
            Guard::Status(statuses) => match &self.status {
                Some(Status::Code(code)) => Ok(statuses.has(*code)),
                None => Ok(statuses.has(200)),
                Some(Status::Unknown(_) | Status::OfError) => self.assumed_status(guard, statuses),
            },
            Guard::AskedBefore => Ok(self.session.asked),
            Guard::HadHeader(name) => {
                let lines: Vec<_> =
                    self.before.iter().filter(|sent| sent.name.eq_ignore_ascii_case(name)).cloned().collect();
                match lines.iter().any(|sent| sent.value.is_err()) {
                    true => self.assumed(guard),
                    false => Ok(lines.iter().any(|sent| sent.value.as_ref().is_ok_and(|value| !value.is_empty()))),
                }
            }
            Guard::Marked(mark) => Ok(self.marks.contains(mark)),
            Guard::BodyOver(size) => {
                let length = self.request.header("content-length").and_then(|length| length.trim().parse::<u64>().ok());
                Ok(length.is_some_and(|length| length > *size))
            }
            Guard::Unknown(_) => self.assumed(guard),
        }
    }

    /// Conjunction (`stops` false) or disjunction (`stops` true): one part that is known to stop decides, however
    /// little is known of the others.
    fn fold(&mut self, parts: &[Guard], stops: bool) -> Result<bool, Open> {
        let mut open = None;
        for part in parts {
            match self.decide(part) {
                Ok(holds) if holds == stops => return Ok(stops),
                Ok(_) => {}
                Err(condition) => open = open.or(Some(condition)),
            }
        }
        open.map_or(Ok(!stops), Err)
    }

    fn check(&mut self, guard: &Guard, check: &Check) -> Result<bool, Open> {
        if let Some(&decided) = self.decided.get(&check.span).filter(|_| check.stateful) {
            return Ok(decided);
        }
        if is_absent(&check.subject, self.request, &self.session.environment) {
            return Ok(false);
        }
        let Ok(subject) = self.text(&check.subject)? else { return self.assumed(guard) };
        if !check.stateful {
            return match check.test.matches(&subject) {
                Some(passes) => Ok(passes),
                None => self.assumed(guard),
            };
        }
        let from = self.last_index.get(&check.span).copied().unwrap_or(0);
        let found = match &check.test {
            StringTest::Matches(pattern) => pattern.find_end(&subject, from),
            other => other.matches(&subject).map(|passes| passes.then_some(0)),
        };
        let Some(found) = found else { return self.assumed(guard) };
        self.last_index.insert(check.span, found.unwrap_or(0));
        self.decided.insert(check.span, found.is_some());
        Ok(found.is_some())
    }

    /// What was assumed of the status may decide this, too.
    fn assumed_status(&self, guard: &Guard, statuses: &Statuses) -> Result<bool, Open> {
        // Whoever stands behind answers what it is asked for. A preflight it may not know.
        if self.session.ordinary && self.request.method != "OPTIONS" {
            return Ok(statuses.has(200));
        }
        for (other, holds) in &self.assumptions {
            let Guard::Status(others) = other else { continue };
            if *holds && others.within(statuses) {
                return Ok(true);
            }
            if (*holds && others.apart(statuses)) || (!*holds && statuses.within(others)) {
                return Ok(false);
            }
        }
        self.assumed(guard)
    }

    fn assumed(&self, guard: &Guard) -> Result<bool, Open> {
        if self.session.ordinary && matches!(guard, Guard::Unknown(reason) if reason.is_circumstance()) {
            return Ok(false);
        }
        let assumed = self.assumptions.iter().find(|(other, _)| other == guard);
        assumed.map(|(_, holds)| *holds).ok_or_else(|| Open(guard.clone()))
    }
}

/// Whether a text comes from a header that the request does not have, or a variable that is known to be unset.
fn is_absent(text: &Text, request: &Request, environment: &Environment) -> bool {
    match text {
        Text::Request(Part::Header(name)) => request.header(name).is_none() && &**name != "host",
        Text::Request(Part::Host) => host_of(request).is_none(),
        Text::Request(Part::Port) => host_of(request).is_none_or(|(_, port)| port.is_empty()),
        Text::Environment(name) => {
            matches!(environment, Environment::Only(values) if !values.contains_key(&**name))
        }
        Text::Url(inner, _) | Text::LowerCase(inner) | Text::Decoded(inner, _) => {
            is_absent(inner, request, environment)
        }
        _ => false,
    }
}

/// The members of a list that pass one of the tests.
fn passing(members: &Members, list: &str) -> Result<String, Reason> {
    let mut passing = Vec::new();
    for member in list.split(',').map(str::trim) {
        let mut passes = Some(false);
        for (test, _) in &members.tests {
            match test.matches(member) {
                Some(true) => {
                    passes = Some(true);
                    break;
                }
                Some(false) => {}
                None => passes = None,
            }
        }
        match (passes, &members.open) {
            (Some(true), _) => passing.push(member),
            (Some(false), None) => {}
            (_, Some(reason)) => return Err(reason.clone()),
            (None, None) => return Err(Reason { text: "a pattern cannot be decided".into(), span: None }),
        }
    }
    passing.sort_unstable();
    Ok(passing.join(", "))
}

/// The lines of a header as one value.
fn joined(headers: &[Sent], name: &str) -> Result<String, Reason> {
    let lines = headers.iter().filter(|sent| sent.name.eq_ignore_ascii_case(name));
    let values = lines.map(|sent| sent.value.clone()).collect::<Result<Vec<_>, _>>()?;
    Ok(values.join(", "))
}

/// Host and port that a request is for; an empty port where it says none.
fn host_of(request: &Request) -> Option<(&str, &str)> {
    if let Some(header) = request.header("host") {
        return Some(host_and_port(header));
    }
    let (scheme, authority) = request.authority()?;
    Some(match (host_and_port(authority), scheme) {
        ((host, ""), "https") => (host, "443"),
        ((host, ""), "http") => (host, "80"),
        (given, _) => given,
    })
}

/// The parts of a `Host` header; an empty port where none is given.
fn host_and_port(header: &str) -> (&str, &str) {
    match header.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (header, ""),
    }
}

/// npm's `vary` 1.1.2, `append`: members are compared without case, `*` swallows all.
fn append_members(before: Vec<Result<String, Reason>>, values: Vec<Result<String, Reason>>) -> Result<String, Reason> {
    let before = before.into_iter().collect::<Result<Vec<_>, _>>()?.join(", ");
    let values = values.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut joined = before;
    for member in values.iter().flat_map(|value| value.split(',')).map(str::trim) {
        let has = joined.split(',').any(|other| other.trim() == "*" || other.trim().eq_ignore_ascii_case(member));
        if member == "*" {
            joined = "*".to_owned();
        } else if joined.is_empty() {
            joined = member.to_owned();
        } else if !has {
            joined = format!("{joined}, {member}");
        }
    }
    Ok(joined)
}

/// A part of a URL as the URL standard's API gives it; empty where the text is no URL.
fn url_part(text: &str, part: UrlPart) -> String {
    let Ok(url) = url::Url::parse(text) else { return String::new() };
    let port = url.port().map(|port| port.to_string()).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    match part {
        UrlPart::Hostname => host.to_owned(),
        UrlPart::Host if port.is_empty() => host.to_owned(),
        UrlPart::Host => format!("{host}:{port}"),
        UrlPart::Protocol => format!("{}:", url.scheme()),
        UrlPart::Scheme => url.scheme().to_owned(),
        UrlPart::Port => port,
        UrlPart::Origin => url.origin().ascii_serialization(),
    }
}
