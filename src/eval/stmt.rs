//! Statements.

use std::sync::Arc;

use super::Evaluator;
use super::heap::taken;
use super::value::{ClassData, ClassId, Closure, FrameId, Kind, Tag, Value};
use crate::model::{Guard, Reason};
use crate::source::Span;
use crate::syntax::program::{
    Case, Class, ClassMember, Expr, ExprKind, Function, Handler, Language, LoopHead, Pattern, PropertyKey, Stmt,
    StmtKind,
};

/// How many turns of a loop over known items are taken.
const MOST_TURNS: usize = 400;

/// When a statement leaves the statements around it, under the conditions in force at its beginning.
#[derive(Debug)]
pub(super) struct Flow {
    /// By `return` or `throw`.
    pub stop: Guard,
    /// By `break`.
    pub leave: Guard,
    /// By `continue`.
    pub again: Guard,
}

impl Flow {
    pub(super) const ON: Flow = Flow { stop: Guard::Never, leave: Guard::Never, again: Guard::Never };

    fn stop(guard: Guard) -> Self {
        Flow { stop: guard, ..Flow::ON }
    }

    fn away(&self) -> Guard {
        Guard::any([self.stop.clone(), self.leave.clone(), self.again.clone()])
    }

    /// This one, and behind it another that happens only where this one went on.
    fn then(self, other: Flow) -> Flow {
        let on = Guard::not(self.away());
        let join = |first: Guard, second: Guard| first.or(on.clone().and(second));
        Flow {
            stop: join(self.stop, other.stop),
            leave: join(self.leave, other.leave),
            again: join(self.again, other.again),
        }
    }

    /// One of two, decided by a guard.
    fn either(guard: &Guard, then: Flow, otherwise: Flow) -> Flow {
        let join = |yes: Guard, no: Guard| match (&yes, &no) {
            _ if yes == no => yes,
            _ => guard.clone().and(yes).or(Guard::not(guard.clone()).and(no)),
        };
        Flow {
            stop: join(then.stop, otherwise.stop),
            leave: join(then.leave, otherwise.leave),
            again: join(then.again, otherwise.again),
        }
    }
}

impl Evaluator<'_> {
    /// Runs statements in a scope. Functions are bound first, as JavaScript hoists them.
    pub(super) fn block(&mut self, body: &[Stmt], frame: FrameId) -> Flow {
        if self.language() == Language::JavaScript {
            for stmt in body {
                if let StmtKind::Function(function) = &stmt.kind {
                    let value = self.closure(function, frame);
                    self.declare(frame, &function.name, value);
                }
            }
        }
        let mut flow = Flow::ON;
        let mut pushed = 0;
        for stmt in body {
            let next = self.stmt(stmt, frame);
            let away = next.away();
            flow = flow.then(next);
            match away {
                Guard::Never => {}
                Guard::Always => break,
                away => {
                    self.path.push(Guard::not(away));
                    pushed += 1;
                }
            }
        }
        self.path.truncate(self.path.len() - pushed);
        flow
    }

    fn stmt(&mut self, stmt: &Stmt, frame: FrameId) -> Flow {
        if !self.spend() || self.is_dead() {
            return Flow::ON;
        }
        match &stmt.kind {
            StmtKind::Binding { pattern, value } => {
                let value = match value {
                    Some(value) => self.expr(value, frame),
                    None => Value::undefined(stmt.span),
                };
                let flow = self.raised();
                self.bind(pattern, value, frame, true);
                flow
            }
            StmtKind::Expr(expr) => {
                self.expr(expr, frame);
                self.raised()
            }
            StmtKind::If { test, then, otherwise } => {
                let test = self.expr(test, frame);
                let test = self.truth(&test);
                let raised = self.raised();
                let flow = match &raised.stop {
                    Guard::Never => self.branch(test, frame, then, otherwise),
                    stop => self.under(Guard::not(stop.clone()), |eval| eval.branch(test, frame, then, otherwise)),
                };
                raised.then(flow)
            }
            StmtKind::Return(value) => {
                let value = match value {
                    Some(value) => self.expr(value, frame),
                    None => Value::undefined(stmt.span),
                };
                self.raised();
                self.give_back(value);
                Flow::stop(Guard::Always)
            }
            StmtKind::Throw(value) => {
                let value = match value {
                    Some(value) => self.expr(value, frame),
                    None => Value::unknown("an exception", stmt.span),
                };
                if !self.collecting && self.catching == 0 {
                    // A program that ends itself while it starts is not there to be asked: it did not, then.
                    let error = self.message_of(&value);
                    match self.path.is_empty() {
                        true => self.failures.push((error, stmt.span)),
                        false => self.fails_here(Guard::Always, error, stmt.span),
                    }
                    return Flow::ON;
                }
                self.throw(value);
                self.raised();
                if self.language() == Language::Python && !self.collecting && !self.path.is_empty() {
                    // What is set up is taken to be set up.
                    return Flow::ON;
                }
                Flow::stop(Guard::Always)
            }
            StmtKind::Loop { head, body } => self.repeat(head, body, frame, stmt.span),
            StmtKind::Break => Flow { leave: Guard::Always, ..Flow::ON },
            StmtKind::Continue => Flow { again: Guard::Always, ..Flow::ON },
            StmtKind::Try { body, handlers, finally } => self.attempt(body, handlers, finally, frame),
            StmtKind::Switch { subject, cases } => self.switch(subject, cases, frame, stmt.span),
            StmtKind::Block(body) => {
                let inner = self.inner(frame);
                self.block(body, inner)
            }
            StmtKind::Function(function) => {
                // JavaScript's were bound at the beginning of the block.
                if self.language() == Language::Python {
                    let value = self.closure(function, frame);
                    let value = self.decorated(value, &function.decorators, frame);
                    self.bind_python(frame, &function.name, value);
                }
                Flow::ON
            }
            StmtKind::Class(class) => {
                let value = self.class(class, frame);
                let value = self.decorated(value, &class.decorators, frame);
                match self.language() {
                    Language::JavaScript => self.declare(frame, &class.name, value),
                    Language::Python => self.bind_python(frame, &class.name, value),
                }
                Flow::ON
            }
            StmtKind::Import(import) => {
                self.import(import, frame);
                Flow::ON
            }
            StmtKind::Export(export) => {
                self.export(export, frame);
                Flow::ON
            }
            StmtKind::With { items, body } => {
                let mut suppresses = false;
                for (context, pattern) in items {
                    let value = self.expr(context, frame);
                    suppresses |=
                        matches!(&value.kind, Kind::Native(native) if native.name == "contextlib.suppressing");
                    if let Some(pattern) = pattern {
                        self.bind(pattern, value, frame, false);
                    }
                }
                match suppresses {
                    true => self.attempt(body, &[Handler { pattern: None, class: None, body: Vec::new() }], &[], frame),
                    false => self.block(body, frame),
                }
            }
            StmtKind::Outer(names) => {
                self.declare_outer(frame, names);
                Flow::ON
            }
            StmtKind::Opaque(_) => Flow::ON,
        }
    }

    /// A scope for a block: Python's blocks have none of their own.
    fn inner(&mut self, frame: FrameId) -> FrameId {
        match self.language() {
            Language::JavaScript => self.new_frame(Some(frame), false),
            Language::Python => frame,
        }
    }

    pub(super) fn branch(&mut self, test: Guard, frame: FrameId, then: &[Stmt], otherwise: &[Stmt]) -> Flow {
        let run = |eval: &mut Self, guard: Guard, body: &[Stmt]| {
            let inner = eval.inner(frame);
            match guard {
                Guard::Never => Flow::ON,
                Guard::Always => eval.block(body, inner),
                guard => eval.under(guard, |eval| eval.block(body, inner)),
            }
        };
        let yes = run(self, test.clone(), then);
        let no = run(self, Guard::not(test.clone()), otherwise);
        match test {
            Guard::Always => yes,
            Guard::Never => no,
            test => Flow::either(&test, yes, no),
        }
    }

    /// Notes a value that the running function gives back.
    pub(super) fn give_back(&mut self, value: Value) {
        let Some(base) = self.calls.last().map(|call| call.base) else { return };
        let when = Guard::all(self.path.get(base..).unwrap_or_default().iter().cloned());
        if let Some(call) = self.calls.last_mut() {
            call.returns.push((when, value));
        }
    }

    /// Notes an exception under the conditions in force.
    pub fn throw(&mut self, value: Value) {
        let when = Guard::all(self.path.iter().cloned());
        if when != Guard::Never {
            self.thrown.push((when, value));
        }
    }

    /// When the expression that was just evaluated threw: those stay noted for whoever catches them.
    pub(super) fn raised(&mut self) -> Flow {
        let fresh: Vec<Guard> =
            self.thrown.get(self.noted..).unwrap_or_default().iter().map(|(when, _)| when.clone()).collect();
        self.noted = self.thrown.len();
        if fresh.is_empty() {
            return Flow::ON;
        }
        let here = Guard::all(self.path.iter().cloned());
        // A Python program that runs at all has been set up without an exception.
        if self.language() == Language::Python && !self.collecting && !fresh.contains(&here) {
            return Flow::ON;
        }
        let stop = Guard::any(fresh.into_iter().map(|when| if when == here { Guard::Always } else { when }));
        Flow::stop(stop)
    }

    fn attempt(&mut self, body: &[Stmt], handlers: &[Handler], finally: &[Stmt], frame: FrameId) -> Flow {
        let outer = std::mem::take(&mut self.thrown);
        let noted = std::mem::take(&mut self.noted);
        let inner = self.inner(frame);
        self.catching += usize::from(!handlers.is_empty());
        let flow = self.block(body, inner);
        self.catching -= usize::from(!handlers.is_empty());
        let thrown = std::mem::replace(&mut self.thrown, outer);
        self.noted = noted;
        let mut result = flow;
        if let Some(handler) = handlers.first() {
            if !thrown.is_empty() {
                let here = Guard::all(self.path.iter().cloned());
                let when =
                    Guard::any(thrown.iter().map(|(when, _)| if *when == here { Guard::Always } else { when.clone() }));
                let value = thrown[0].1.clone();
                let inner = self.inner(frame);
                let caught = self.under(when.clone(), |eval| {
                    if let Some(pattern) = &handler.pattern {
                        eval.bind(pattern, value, inner, true);
                    }
                    eval.block(&handler.body, inner)
                });
                result = Flow::either(&when, caught, result);
            }
        } else {
            self.thrown.extend(thrown);
            self.noted = self.thrown.len();
        }
        let inner = self.inner(frame);
        let last = self.block(finally, inner);
        if last.stop == Guard::Never { result } else { last }
    }

    fn switch(&mut self, subject: &Expr, cases: &[Case], frame: FrameId, span: Span) -> Flow {
        let subject = self.expr(subject, frame);
        let inner = self.inner(frame);
        let mut tests = Vec::new();
        for case in cases {
            tests.push(match &case.test {
                Some(test) => {
                    let value = self.expr(test, frame);
                    Some(self.equal(&subject, &value, test.span))
                }
                None => None,
            });
        }
        let none = Guard::not(Guard::any(tests.iter().flatten().cloned()));
        let mut flow = Flow::ON;
        // Falls through from the case before.
        let mut falls = Guard::Never;
        for (case, test) in cases.iter().zip(tests) {
            let enters = test.unwrap_or_else(|| none.clone()).or(falls);
            let ran = match &enters {
                Guard::Never => Flow::ON,
                Guard::Always => self.block(&case.body, inner),
                enters => self.under(enters.clone(), |eval| eval.block(&case.body, inner)),
            };
            falls = enters.clone().and(Guard::not(ran.away()));
            if self.language() == Language::Python {
                falls = Guard::Never;
            }
            flow.stop = flow.stop.or(enters.clone().and(ran.stop));
            flow.again = flow.again.or(enters.and(ran.again));
        }
        let _ = span;
        flow
    }

    fn repeat(&mut self, head: &LoopHead, body: &[Stmt], frame: FrameId, span: Span) -> Flow {
        let (pattern, turns, reason): (Option<&Pattern>, Vec<Value>, Option<Reason>) = match head {
            LoopHead::Each { pattern, iterable } => {
                let value = self.expr(iterable, frame);
                let (items, open) = self.each(&value, iterable.span);
                (Some(pattern), items, open)
            }
            LoopHead::Keys { pattern, object } => {
                let value = self.expr(object, frame);
                let (items, open) = self.keys(&value, object.span);
                (Some(pattern), items, open)
            }
            LoopHead::While(test) => {
                if let Some(test) = test {
                    if let Some(flow) = self.counted(test, body, frame, span) {
                        return flow;
                    }
                    let value = self.expr(test, frame);
                    if value.truthy() == Guard::Never {
                        return Flow::ON;
                    }
                }
                (None, Vec::new(), Some(Reason::new("how often this loop runs is not known", span)))
            }
        };
        let raised = self.raised();
        let mut flow = Flow::ON;
        let mut pushed = 0;
        for value in turns.into_iter().take(MOST_TURNS) {
            let (there, value) = taken(value);
            let turn = |eval: &mut Self| {
                let inner = eval.inner(frame);
                if let Some(pattern) = pattern {
                    eval.bind(pattern, value, inner, true);
                }
                eval.block(body, inner)
            };
            let turn = match there {
                Guard::Always => turn(self),
                there => {
                    let turn = self.under(there.clone(), turn);
                    Flow::either(&there, turn, Flow::ON)
                }
            };
            let gone = turn.stop.clone().or(turn.leave.clone());
            flow = flow.then(Flow { again: Guard::Never, ..turn });
            match gone {
                Guard::Never => {}
                Guard::Always => break,
                gone => {
                    self.path.push(Guard::not(gone));
                    pushed += 1;
                }
            }
        }
        if let Some(reason) = reason {
            let inner = self.inner(frame);
            let guard = Guard::Unknown(reason.clone());
            let turn = self.under(guard.clone(), |eval| {
                if let Some(pattern) = pattern {
                    eval.bind(pattern, Value::new(Kind::Unknown(reason), span), inner, true);
                }
                eval.block(body, inner)
            });
            flow = flow.then(Flow { stop: guard.clone().and(turn.stop), leave: Guard::Never, again: Guard::Never });
        }
        self.path.truncate(self.path.len() - pushed);
        raised.then(Flow { leave: Guard::Never, again: Guard::Never, ..flow })
    }

    /// A loop whose test is decided before each turn: `for (let i = 0; i < list.length; i++)`. Nothing where it is not.
    fn counted(&mut self, test: &Expr, body: &[Stmt], frame: FrameId, span: Span) -> Option<Flow> {
        if self.language() != Language::JavaScript || self.expr(test, frame).truthy() != Guard::Always {
            return None;
        }
        let (turn, step) = match body.split_last() {
            Some((last, rest)) if steps(last).is_some() => (rest, Some(last)),
            _ => (body, None),
        };
        let mut flow = Flow::ON;
        let mut pushed = 0;
        // When the loop was left, and what the counter was then.
        let mut left: Vec<(Guard, Value)> = Vec::new();
        let mut turns = 0;
        let ends = loop {
            let goes_on = self.expr(test, frame).truthy();
            turns += 1;
            if goes_on != Guard::Always || turns > MOST_TURNS {
                break goes_on == Guard::Never;
            }
            let inner = self.inner(frame);
            let turn = self.block(turn, inner);
            let gone = turn.stop.clone().or(turn.leave.clone());
            let counter = step.and_then(steps).and_then(|name| self.lookup(inner, name));
            left.extend(counter.filter(|_| turn.leave != Guard::Never).map(|value| (turn.leave.clone(), value)));
            flow = flow.then(Flow { again: Guard::Never, ..turn });
            if gone == Guard::Always {
                break true;
            }
            if gone != Guard::Never {
                self.path.push(Guard::not(gone));
                pushed += 1;
            }
            if let Some(step) = step {
                // Whoever left the loop does not look at the counter's further values.
                let path = std::mem::take(&mut self.path);
                self.stmt(step, inner);
                self.path = path;
            }
        };
        if !ends {
            let reason = Reason::new("how often this loop runs is not known", span);
            let inner = self.inner(frame);
            let guard = Guard::Unknown(reason);
            let turn = self.under(guard.clone(), |eval| eval.block(body, inner));
            flow = flow.then(Flow { stop: guard.and(turn.stop), ..Flow::ON });
        }
        self.path.truncate(self.path.len() - pushed);
        if let Some(name) = step.and_then(steps)
            && let Some(last) = self.lookup(frame, name)
            && !left.is_empty()
        {
            let value = left.into_iter().rev().fold(last, |last, (when, value)| Value::choose(when, value, last));
            self.assign_name(frame, name, value);
        }
        Some(Flow { leave: Guard::Never, again: Guard::Never, ..flow })
    }

    /// Binds a pattern. `fresh` says that it is a declaration, not an assignment.
    pub(super) fn bind(&mut self, pattern: &Pattern, value: Value, frame: FrameId, fresh: bool) {
        match pattern {
            Pattern::Name { name, .. } => match self.language() {
                Language::JavaScript if fresh => self.declare(frame, name, value),
                Language::JavaScript => self.assign_name(frame, name, value),
                Language::Python => self.bind_python(frame, name, value),
            },
            Pattern::Object { fields, rest } => {
                for (key, pattern, default) in fields {
                    let field = match key {
                        PropertyKey::Name(name) | PropertyKey::Getter(name) => self.get(&value, name, value.span),
                        PropertyKey::Computed(key) => {
                            let key = self.expr(key, frame);
                            self.get_item(&value, &key, key.span)
                        }
                        PropertyKey::Spread => continue,
                    };
                    let field = self.or_default(field, default.as_ref(), frame);
                    self.bind(pattern, field, frame, fresh);
                }
                if let Some(rest) = rest {
                    self.bind(rest, value, frame, fresh);
                }
            }
            Pattern::Array { items, rest } => {
                let (known, open) = self.each(&value, value.span);
                for (at, item) in items.iter().enumerate() {
                    let Some((pattern, default)) = item else { continue };
                    let part = match (known.get(at), &open) {
                        (Some(part), _) => part.clone(),
                        (None, Some(reason)) => Value::new(Kind::Unknown(reason.clone()), value.span),
                        (None, None) => Value::undefined(value.span),
                    };
                    let part = self.or_default(part, default.as_ref(), frame);
                    self.bind(pattern, part, frame, fresh);
                }
                if let Some(rest) = rest {
                    let left = known.into_iter().skip(items.len()).collect();
                    let array = self.new_array(left, value.span);
                    if let (Some(reason), Some(id)) = (open, array.as_object()) {
                        self.leave_open(id, reason);
                    }
                    self.bind(rest, array, frame, fresh);
                }
            }
            Pattern::Place(place) => self.assign_place(place, value, frame),
            Pattern::Opaque(_) => {}
        }
    }

    fn or_default(&mut self, value: Value, default: Option<&Expr>, frame: FrameId) -> Value {
        let Some(default) = default else { return value };
        match value.present() {
            Guard::Always => value,
            Guard::Never => self.expr(default, frame),
            present => {
                let fallback = self.under(Guard::not(present.clone()), |eval| eval.expr(default, frame));
                Value::choose(present, value, fallback)
            }
        }
    }

    fn assign_place(&mut self, place: &Expr, value: Value, frame: FrameId) {
        match &place.kind {
            ExprKind::Member { object, property, property_span } => {
                let of = self.expr(object, frame);
                self.set(&of, property, value, *property_span);
            }
            ExprKind::Index { object, index } => {
                let of = self.expr(object, frame);
                let key = self.expr(index, frame);
                self.set_item(&of, &key, value, place.span);
            }
            ExprKind::Name(name) => match self.language() {
                Language::JavaScript => self.assign_name(frame, name, value),
                Language::Python => self.bind_python(frame, name, value),
            },
            _ => {}
        }
    }

    /// A function as a value.
    pub(super) fn closure(&mut self, function: &Arc<Function>, frame: FrameId) -> Value {
        let this = if function.is_arrow { self.calls.last().and_then(|call| call.this.clone()) } else { None };
        let class = if function.is_arrow { self.calls.last().and_then(|call| call.class) } else { None };
        let attributes = match self.language() {
            Language::Python => Some(self.new_object(Tag::Plain, function.span)),
            Language::JavaScript => None,
        };
        let span = function.span;
        let detached = function.is_arrow && self.calls.last().is_some_and(|call| call.detached);
        let (function, module) = (function.clone(), self.module);
        let closure = Closure { function, frame, this, module, class, attributes, detached };
        Value::new(Kind::Function(Arc::new(closure)), span)
    }

    fn decorated(&mut self, mut value: Value, decorators: &[Expr], frame: FrameId) -> Value {
        for decorator in decorators.iter().rev() {
            let decorating = self.expr(decorator, frame);
            value = self.decorate(&decorating, value, decorator.span);
        }
        value
    }

    /// What a decorator makes of a function or class.
    pub fn decorate(&mut self, decorator: &Value, target: Value, span: Span) -> Value {
        if let Some(value) = self.ask(|host, eval| host.decorate(eval, decorator, &target, span)) {
            return value;
        }
        match &decorator.kind {
            // A decorator of the program is called; what it wraps is found again by whoever reads the result.
            Kind::Function(_) if self.language() == Language::Python => {
                let arguments = super::Arguments::of(vec![target.clone()]);
                let value = self.call(decorator, &arguments, span);
                if value.reason().is_some() { target } else { value }
            }
            Kind::Native(native) if native.name == "functools.wraps.applied" => {
                if let Some(from) = native.bound.first() {
                    self.copy_attributes(from, &target);
                }
                target
            }
            // A library's decorator may be called for its effect on the function.
            _ => target,
        }
    }

    /// The object that holds the attributes of a function of Python.
    pub fn attributes_of(&self, value: &Value) -> Option<super::ObjectId> {
        match &value.kind {
            Kind::Function(closure) => closure.attributes,
            Kind::Native(native) => native.of,
            _ => None,
        }
    }

    /// `functools.update_wrapper`: the attributes of one function become those of another too.
    pub fn copy_attributes(&mut self, from: &Value, to: &Value) {
        if let (Some(from), Some(to)) = (self.attributes_of(from), self.attributes_of(to))
            && from != to
        {
            let from = Value::new(Kind::Object(from), self.object(from).span);
            self.spread_fields(to, &from);
        }
    }

    /// A class as a value.
    pub(super) fn class(&mut self, class: &Arc<Class>, frame: FrameId) -> Value {
        let bases = class.bases.iter().map(|base| self.expr(base, frame)).collect();
        let statics = self.new_object(Tag::Plain, class.span);
        let id = ClassId(self.classes.len() as u32);
        self.classes.push(ClassData { class: class.clone(), frame, module: self.module, bases, statics, made: None });
        // A class's own body is a scope in Python: later fields may use earlier ones.
        let scope = self.new_frame(Some(frame), true);
        for member in &class.members {
            match member {
                ClassMember::Field { name, span, value, is_static: true } => {
                    let value = match value {
                        Some(value) => self.expr(value, scope),
                        None => Value::undefined(*span),
                    };
                    self.declare(scope, name, value.clone());
                    self.set_field(statics, name, value, *span);
                }
                ClassMember::Stmt(stmt) => {
                    self.stmt(stmt, scope);
                    for (name, value) in self.names_in(scope) {
                        if self.field(statics, &name).is_none() {
                            let span = value.span;
                            self.set_field(statics, &name, value, span);
                        }
                    }
                }
                // Methods with decorators are looked up as fields, so that the decorators act.
                ClassMember::Method { function, .. }
                    if self.language() == Language::Python && !function.decorators.is_empty() =>
                {
                    let value = self.closure(function, frame);
                    let value = self.decorated(value, &function.decorators, scope);
                    self.set_field(statics, &function.name, value, function.name_span);
                }
                _ => {}
            }
        }
        Value::new(Kind::Class(id), class.span)
    }
}

/// The counter that a statement moves on: `i += 1`.
fn steps(stmt: &Stmt) -> Option<&str> {
    match &stmt.kind {
        StmtKind::Expr(Expr { kind: ExprKind::Assign { target, operator: Some(_), .. }, .. }) => match &**target {
            Pattern::Name { name, .. } => Some(name),
            _ => None,
        },
        _ => None,
    }
}
