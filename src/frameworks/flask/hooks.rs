//! Running the functions of a program for what they do to a request.

use super::app::CURRENT;
use super::errors::{ANSWERED, Failure, builtin, extends, failure};
use super::settle::{Silence, settle};
use super::{ERROR, RESPONSE, field, host_object, request, response};
use crate::eval::{Arguments, ClassId, Collected, Evaluator, Kind, Native, ObjectId, Tag, Value};
use crate::model::{Effect, EffectKind, Guard, Reason, Status, Text};
use crate::source::Span;

/// What is noted when an exception goes through the application to the server around it.
pub(super) const RAISED_MARK: &str = "raised";

/// How a function that failed hands over to what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The rule's step is left, and the extension's own way out of errors follows.
    Leave,
    /// The step stands before the rules: the error goes past them.
    Past,
    /// Nothing is handed over: the step goes on.
    Stay,
}

/// A function that answers errors.
#[derive(Clone, Debug)]
pub(super) struct Handler {
    /// The blueprint whose errors it answers; `None` for all.
    pub blueprint: Option<ObjectId>,
    /// Which errors.
    pub what: Handled,
    /// The function.
    pub function: Value,
}

/// Which errors a handler answers.
#[derive(Clone, Debug)]
pub(super) enum Handled {
    /// Of this status.
    Code(u16),
    /// Those of Werkzeug.
    Http,
    /// All.
    Everything,
    /// Of a class of the program.
    Class(ClassId),
    /// Of one of Python's own classes.
    Builtin(String),
    /// Of a class that is not known.
    Other,
}

impl Handled {
    /// What `errorhandler(what)` names.
    pub(super) fn of(value: &Value) -> Self {
        match &value.kind {
            Kind::Number(code) => Handled::Code(*code as u16),
            Kind::Class(class) => Handled::Class(*class),
            Kind::Native(native) if native.name == "werkzeug.exception" => match native.bound.first() {
                Some(Value { kind: Kind::Number(code), .. }) => Handled::Code(*code as u16),
                _ => Handled::Http,
            },
            Kind::Unknown(reason) => match builtin(reason) {
                Some("Exception" | "BaseException") => Handled::Everything,
                Some(name) => Handled::Builtin(name.to_owned()),
                None => Handled::Other,
            },
            _ => Handled::Other,
        }
    }
}

/// Runs functions of one application.
pub(super) struct Runner<'e, 'a> {
    pub eval: &'e mut Evaluator<'a>,
    pub handlers: Vec<Handler>,
    /// Where the application is made.
    pub place: Span,
}

impl Runner<'_, '_> {
    /// Says whose views are being run.
    pub(super) fn enter(&mut self, app: ObjectId, span: Span) {
        self.eval.notes.insert(CURRENT, Value::new(Kind::Object(app), span));
    }

    /// A view as the effects of its rule. `texts` are its parameters that are texts.
    pub(super) fn view(&mut self, view: &Value, texts: &[String], scope: &[ObjectId], span: Span) -> Vec<Effect> {
        let reason = Reason::new("it comes with the request", span);
        let text = Value::new(Kind::Text(Text::Unknown(reason.clone()).into()), span);
        let keywords = texts.iter().map(|name| (name.as_str().into(), text.clone(), span)).collect();
        let arguments = Arguments { keywords, open: Some(reason), ..Default::default() };
        let collected = self.eval.collected(
            |eval| {
                let given = eval.call(view, &arguments, span);
                let answer = response::convert(eval, &given, span);
                response::send(eval, &answer, span);
                answer
            },
            false,
        );
        settle(self.with_failures(collected, scope, After::Leave), Silence::Answers, span)
    }

    /// A function that runs before the views: what it gives back, if anything, is the answer.
    pub(super) fn before(&mut self, function: &Value, scope: &[ObjectId], after: After, span: Span) -> Vec<Effect> {
        let collected = self.eval.collected(
            |eval| {
                let given = eval.call(function, &Arguments::default(), span);
                for (when, given) in given.branches() {
                    if request::is_none(&given) || given.reason().is_some_and(|_| !returns(function)) {
                        continue;
                    }
                    eval.under(when, |eval| {
                        // What is not known may be nothing.
                        let doubt = match given.reason() {
                            Some(reason) => Guard::Unknown(reason.clone()),
                            None => Guard::Always,
                        };
                        eval.under(doubt, |eval| {
                            let answer = response::convert(eval, &given, span);
                            response::send(eval, &answer, span);
                        });
                    });
                }
                given
            },
            false,
        );
        settle(self.with_failures(collected, scope, after), Silence::Passes, self.place)
    }

    /// Puts what follows from exceptions before what else a function did.
    fn with_failures(&mut self, collected: Collected, scope: &[ObjectId], after: After) -> Vec<Effect> {
        let notices = |effect: &Effect| matches!(effect.kind, EffectKind::Notice(_));
        let (mut effects, rest): (Vec<Effect>, Vec<Effect>) = collected.effects.into_iter().partition(notices);
        for (when, value) in collected.thrown {
            let failure = failure(self.eval, &value);
            for effect in self.failure(&failure, scope, after) {
                effects.push(Effect { when: when.clone().and(effect.when), ..effect });
            }
        }
        effects.extend(rest);
        effects
    }

    /// What follows from an exception.
    pub(super) fn failure(&mut self, failure: &Failure, scope: &[ObjectId], after: After) -> Vec<Effect> {
        let span = failure.value.span;
        let effect = |kind: EffectKind| Effect { when: Guard::Always, kind, span };
        let mut effects = vec![effect(EffectKind::ClearHeaders)];
        let handler = self.handler_for(failure, scope);
        if !failure.is_http && handler.as_ref().is_none_or(|(_, of_internal)| *of_internal) {
            // `Flask.handle_exception` raises it once more.
            let when = super::config::propagates(self.eval);
            if when != Guard::Never {
                effects.push(Effect { when, ..effect(EffectKind::Mark(RAISED_MARK.into())) });
            }
        }
        // What is raised on is handled by nobody.
        let handler = match handler {
            Some((_, true)) if super::config::propagates(self.eval) == Guard::Always => None,
            handler => handler,
        };
        let handler_of_nobody = handler.is_none();
        let handled = match handler {
            Some((function, of_internal)) => self.handle(&function, failure, of_internal, span),
            None => match (&failure.value.kind, failure.is_http) {
                (Kind::Object(id), true) if field(self.eval, *id, "response").is_some() => {
                    let id = *id;
                    let collected = self.eval.collected(
                        |eval| {
                            let answer = super::errors::response_of(eval, id, span);
                            response::send(eval, &answer, span);
                            answer
                        },
                        false,
                    );
                    collected.effects
                }
                _ => vec![effect(EffectKind::Respond(Some(failure.status.clone())))],
            },
        };
        // Nobody's exception ends in 500 at the outermost place, where flask-cors is asked once more only.
        let is_outermost = !failure.is_http && !self.handles(failure, scope);
        // An answer that was thrown is not looked at again.
        let is_answer = handler_of_nobody && failure.is_http && has_response(self.eval, failure);
        for own in handled {
            match (&own.kind, after) {
                (EffectKind::Respond(_), After::Past) if is_answer => effects.push(own),
                (EffectKind::Respond(_), After::Leave) if is_outermost => effects.push(own),
                (EffectKind::Respond(status), _) => {
                    let status = status.clone().unwrap_or(Status::Code(200));
                    effects.push(Effect { kind: EffectKind::Status(status.clone()), ..own.clone() });
                    match after {
                        After::Leave => effects.push(Effect { kind: EffectKind::Next, ..own }),
                        After::Past => effects.push(Effect { kind: EffectKind::Fail(status), ..own }),
                        After::Stay => {}
                    }
                }
                _ => effects.push(own),
            }
        }
        effects
    }

    fn handles(&self, failure: &Failure, scope: &[ObjectId]) -> bool {
        self.handler_for(failure, scope).is_some()
    }

    /// The function that answers an exception (`Scaffold._find_error_handler`): by status before by class, blueprints
    /// before the application, and of classes the nearest. Says whether it answers the `InternalServerError` that an
    /// exception becomes.
    fn handler_for(&self, failure: &Failure, scope: &[ObjectId]) -> Option<(Value, bool)> {
        if failure.value.as_object().is_some_and(|id| field(self.eval, id, ANSWERED).is_some()) {
            return None;
        }
        let code = match failure.status {
            Status::Code(code) if failure.is_http => Some(code),
            _ => None,
        };
        let scopes: Vec<Option<ObjectId>> = scope.iter().map(|id| Some(*id)).chain([None]).collect();
        let find = |test: &dyn Fn(&Handled) -> bool| {
            scopes.iter().find_map(|scope| {
                let mut handlers = self.handlers.iter().rev();
                let found = handlers.find(|handler| handler.blueprint == *scope && test(&handler.what));
                found.map(|handler| handler.function.clone())
            })
        };
        if let Some(code) = code
            && let Some(function) = find(&|what| matches!(what, Handled::Code(own) if *own == code))
        {
            return Some((function, false));
        }
        if let Some(class) = failure.class {
            let exact = find(&|what| matches!(what, Handled::Class(own) if *own == class));
            let wider = || find(&|what| matches!(what, Handled::Class(own) if extends(self.eval, class, *own)));
            if let Some(function) = exact.or_else(wider) {
                return Some((function, false));
            }
        }
        if let Some(name) = failure.value.reason().and_then(builtin) {
            for name in std::iter::successors(Some(name), |name| wider(name)) {
                if let Some(function) = find(&|what| matches!(what, Handled::Builtin(own) if own == name)) {
                    return Some((function, false));
                }
            }
        }
        let http = || find(&|what| matches!(what, Handled::Http));
        let everything = || find(&|what| matches!(what, Handled::Everything));
        match failure.is_http {
            true => http().or_else(everything).map(|function| (function, false)),
            // Unhandled, it becomes an `InternalServerError`, for which handlers are looked up again.
            false => everything().map(|function| (function, false)).or_else(|| {
                let of_status = find(&|what| matches!(what, Handled::Code(500)));
                of_status.or_else(http).map(|function| (function, true))
            }),
        }
    }

    /// Runs an error handler: its answer as effects.
    fn handle(&mut self, function: &Value, failure: &Failure, of_internal: bool, span: Span) -> Vec<Effect> {
        let error = match (&failure.value.kind, failure.is_http) {
            (Kind::Object(id), _) if matches!(self.eval.object(*id).tag, Tag::Host(ERROR) | Tag::Instance(_)) => {
                failure.value.clone()
            }
            (_, is_http) if is_http || of_internal => {
                let (id, value) = host_object(self.eval, ERROR, span);
                if let Status::Code(code) = failure.status {
                    self.eval.set_field(id, "code", Value::new(Kind::Number(f64::from(code)), span), span);
                }
                value
            }
            _ => {
                let id = self.eval.new_object(Tag::Plain, span);
                Value::new(Kind::Object(id), span)
            }
        };
        let collected = self.eval.collected(
            |eval| {
                let given = eval.call(function, &Arguments::of(vec![error]), span);
                let answer = response::convert(eval, &given, span);
                response::send(eval, &answer, span);
                answer
            },
            false,
        );
        // An error handler that fails itself ends in a bare 500.
        let mut effects = Vec::new();
        for (when, value) in collected.thrown {
            let status = Some(failure_status(self.eval, &value));
            effects.push(Effect { when, kind: EffectKind::Respond(status), span: value.span });
        }
        effects.extend(collected.effects);
        effects
    }

    /// A function that runs on the way out. `earlier` is what ran before it.
    pub(super) fn after(&mut self, function: &Value, earlier: &[Effect], span: Span) -> Vec<Effect> {
        let mut parameter = None;
        let collected = self.eval.collected(
            |eval| {
                let (id, answer) = response::outgoing(eval, span);
                parameter = Some(id);
                let given = eval.call(function, &Arguments::of(vec![answer.clone()]), span);
                if eval.object(id).calls.is_empty() && given.reason().is_some() {
                    return given;
                }
                for (when, given) in given.branches() {
                    eval.under(when, |eval| leave(eval, id, &given, span));
                }
                given
            },
            false,
        );
        let mut effects = Vec::new();
        for (when, value) in collected.thrown {
            let place = value.span;
            effects.extend(fails(when.clone(), earlier, place, |effects| {
                if let Some(id) = parameter {
                    let own = self.eval.collected(
                        |eval| {
                            response::flush(eval, id);
                            Value::undefined(place)
                        },
                        false,
                    );
                    effects.extend(
                        own.effects.into_iter().map(|effect| Effect { when: when.clone().and(effect.when), ..effect }),
                    );
                }
            }));
        }
        effects.extend(collected.effects);
        for effect in &mut effects {
            if matches!(effect.kind, EffectKind::Notice(_)) {
                effect.when = Guard::Always;
            }
        }
        effects
    }
}

/// A function on the way out fails: its answer is a bare 500, through which the functions before it go once more.
pub(super) fn fails(when: Guard, earlier: &[Effect], span: Span, own: impl FnOnce(&mut Vec<Effect>)) -> Vec<Effect> {
    let mut effects = vec![
        Effect { when: when.clone(), kind: EffectKind::ClearHeaders, span },
        Effect { when: when.clone(), kind: EffectKind::Status(Status::Code(500)), span },
    ];
    let again = earlier.iter().filter(|effect| matches!(effect.kind, EffectKind::Write(_)));
    effects.extend(again.map(|effect| Effect { when: when.clone().and(effect.when.clone()), ..effect.clone() }));
    own(&mut effects);
    effects.push(Effect { when, kind: EffectKind::Respond(None), span });
    effects
}

/// What a function on the way out gives back.
fn leave(eval: &mut Evaluator, parameter: ObjectId, given: &Value, span: Span) {
    match &given.kind {
        Kind::Null | Kind::Undefined => {
            // Nothing is there to be sent: the server's own 500.
            eval.emit(EffectKind::ClearHeaders, span);
            eval.emit(EffectKind::Respond(Some(Status::Code(500))), span);
        }
        Kind::Object(id) if *id != parameter && eval.object(*id).tag == Tag::Host(RESPONSE) => {
            eval.emit(EffectKind::ClearHeaders, span);
            response::flush(eval, *id);
            for (when, status) in response::statuses(eval, *id) {
                eval.under(when, |eval| eval.emit(EffectKind::Status(status), span));
            }
        }
        _ => {
            response::flush(eval, parameter);
            for (when, status) in response::statuses(eval, parameter) {
                eval.under(when, |eval| eval.emit(EffectKind::Status(status), span));
            }
        }
    }
}

/// Whether a function gives back anything at all.
fn returns(function: &Value) -> bool {
    use crate::syntax::program::{Stmt, StmtKind};
    let Kind::Function(closure) = &function.kind else { return true };
    let mut open: Vec<&Stmt> = closure.function.body.iter().collect();
    while let Some(stmt) = open.pop() {
        match &stmt.kind {
            StmtKind::Return(Some(_)) => return true,
            StmtKind::If { then, otherwise, .. } => open.extend(then.iter().chain(otherwise)),
            StmtKind::Loop { body, .. } | StmtKind::Block(body) | StmtKind::With { body, .. } => open.extend(body),
            StmtKind::Try { body, handlers, finally } => {
                open.extend(body.iter().chain(finally));
                open.extend(handlers.iter().flat_map(|handler| &handler.body));
            }
            StmtKind::Switch { cases, .. } => open.extend(cases.iter().flat_map(|case| &case.body)),
            _ => {}
        }
    }
    false
}

fn failure_status(eval: &mut Evaluator, value: &Value) -> Status {
    let failure = failure(eval, value);
    if failure.is_http { failure.status } else { Status::Code(500) }
}

/// The class that one of Python's exception classes extends, as far as programs catch them.
fn wider(name: &str) -> Option<&'static str> {
    Some(match name {
        "KeyError" | "IndexError" => "LookupError",
        "ZeroDivisionError" | "OverflowError" => "ArithmeticError",
        "UnicodeError" => "ValueError",
        "FileNotFoundError" | "PermissionError" | "ConnectionError" | "TimeoutError" => "OSError",
        "NotImplementedError" | "RecursionError" => "RuntimeError",
        "ModuleNotFoundError" => "ImportError",
        _ => return None,
    })
}

/// `@after_this_request`: a function that a view hands its answer to.
pub(super) fn after_this(eval: &mut Evaluator, of: &Native, function: &Value, span: Span) -> Option<Value> {
    if of.name != "flask.after_this_request" {
        return None;
    }
    if eval.is_collecting() {
        let (id, answer) = response::outgoing(eval, span);
        eval.call(function, &Arguments::of(vec![answer]), span);
        response::flush(eval, id);
    }
    Some(function.clone())
}

/// Whether an exception carries an answer of its own.
fn has_response(eval: &Evaluator, failure: &Failure) -> bool {
    failure.value.as_object().is_some_and(|id| field(eval, id, "response").is_some())
}
