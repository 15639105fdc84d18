//! Exceptions, and the statuses that they end in.

use super::{ERROR, RESPONSE, argument, field, host_object, response};
use crate::eval::{Arguments, ClassId, Evaluator, Kind, MethodCall, Native, ObjectId, Tag, Value};
use crate::model::{Guard, Reason, Status};
use crate::source::Span;

/// The field of an exception that is nothing but the answer given to `abort`: no handler is asked
/// (`Flask.handle_http_exception`).
pub(super) const ANSWERED: &str = "(answered)";

/// What is known of an exception.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The status that it ends in when nobody handles it.
    pub status: Status,
    /// Whether it is one of Werkzeug's, so that it is an answer of its own.
    pub is_http: bool,
    /// Its class, if the program defines it.
    pub class: Option<ClassId>,
    /// The exception.
    pub value: Value,
}

/// An exception of Werkzeug's with this status.
fn error(eval: &mut Evaluator, code: &Value, span: Span) -> (ObjectId, Value) {
    let (id, value) = host_object(eval, ERROR, span);
    eval.set_field(id, "code", code.clone(), span);
    (id, value)
}

/// Throws one under a condition.
pub(super) fn throw(eval: &mut Evaluator, when: Guard, code: u16, span: Span) {
    if when == Guard::Never || !eval.is_collecting() {
        return;
    }
    let code = Value::new(Kind::Number(f64::from(code)), span);
    let (_, value) = error(eval, &code, span);
    eval.under(when, |eval| eval.throw(value));
}

/// Throws what is no exception of Werkzeug's, and ends in 500.
pub(super) fn crash(eval: &mut Evaluator, text: &str, span: Span) {
    eval.throw(Value::str(text, span));
}

pub(super) fn call(eval: &mut Evaluator, of: &Native, arguments: &Arguments, span: Span) -> Option<Value> {
    match of.name {
        "flask.abort" => {
            let first = argument(arguments, 0, "code").cloned();
            let first = first.unwrap_or_else(|| Value::unknown("the status", span));
            for (when, value) in first.branches() {
                eval.under(when, |eval| {
                    let thrown = match eval.host_tag(&value) {
                        Some(RESPONSE) => {
                            let code = Value::new(Kind::Number(500.0), span);
                            let (id, error) = error(eval, &code, span);
                            eval.set_field(id, "response", value, span);
                            eval.set_field(id, ANSWERED, Value::new(Kind::Bool(true), span), span);
                            error
                        }
                        Some(ERROR) => value,
                        _ => error(eval, &value, span).1,
                    };
                    eval.throw(Value { span, ..thrown });
                });
            }
            Some(Value::new(Kind::Null, span))
        }
        "werkzeug.exception" => {
            let code = of.bound.first().cloned().unwrap_or_else(|| Value::unknown("the status", span));
            let (id, value) = error(eval, &code, span);
            let given = arguments.keyword("response").or_else(|| arguments.get(1)).cloned();
            if let Some(response) = given.filter(|response| eval.host_tag(response) == Some(RESPONSE)) {
                eval.set_field(id, "response", response, span);
            }
            Some(value)
        }
        _ => None,
    }
}

pub(super) fn property(eval: &mut Evaluator, id: ObjectId, name: &str, span: Span) -> Value {
    match field(eval, id, name) {
        Some(value) => value,
        None => Value::unknown(format!("`.{name}` of the exception"), span),
    }
}

pub(super) fn method(eval: &mut Evaluator, id: ObjectId, call: &MethodCall) -> Option<Value> {
    (call.name == "get_response").then(|| response_of(eval, id, call.span))
}

/// An exception as the answer that it is.
pub(super) fn response_of(eval: &mut Evaluator, id: ObjectId, span: Span) -> Value {
    if let Some(own) = field(eval, id, "response") {
        return own;
    }
    let code = field(eval, id, "code").unwrap_or_else(|| Value::unknown("the status of the exception", span));
    let (response, value) = response::new(eval, span);
    response::set_status(eval, response, &code, span);
    value
}

/// What an exception is.
pub(super) fn failure(eval: &mut Evaluator, value: &Value) -> Failure {
    let (status, is_http, class) = match &value.kind {
        Kind::Object(id) => match eval.object(*id).tag {
            Tag::Host(ERROR) => {
                let class = eval.subclass_of(*id);
                let own = class.and_then(|class| eval.class_member(class, "code"));
                let code = own.or_else(|| field(eval, *id, "code"));
                let status = match code.as_ref().map(|code| &code.kind) {
                    Some(Kind::Number(code)) => Status::Code(*code as u16),
                    Some(Kind::Unknown(reason)) => Status::Unknown(reason.clone()),
                    _ => Status::Unknown(Reason::new("the status of this exception", value.span)),
                };
                (status, true, class)
            }
            Tag::Instance(class) => {
                let code = exception_base(eval, class);
                // A class of the program that extends one of Werkzeug's may say its status itself.
                let own = code.map(|_| eval.get(value, "code", value.span));
                match (own.map(|own| own.kind), code) {
                    (Some(Kind::Number(code)), _) => (Status::Code(code as u16), true, Some(class)),
                    (_, Some(Some(code))) => (Status::Code(code), true, Some(class)),
                    (_, Some(None)) => {
                        let reason = Reason::new("the status of this exception", value.span);
                        (Status::Unknown(reason), true, Some(class))
                    }
                    (_, None) => (Status::Code(500), false, Some(class)),
                }
            }
            _ => (Status::Code(500), false, None),
        },
        Kind::Class(class) => (Status::Code(500), false, Some(*class)),
        // `raise Unauthorized` without a call.
        Kind::Native(native) if native.name == "werkzeug.exception" => {
            let status = match native.bound.first().map(|code| &code.kind) {
                Some(Kind::Number(code)) => Status::Code(*code as u16),
                _ => Status::Code(500),
            };
            (status, true, None)
        }
        // An exception of a package may carry a status of its own.
        Kind::Unknown(reason) if !is_builtin(reason) => (Status::Unknown(reason.clone()), false, None),
        _ => (Status::Code(500), false, None),
    };
    Failure { status, is_http, class, value: value.clone() }
}

/// The name of Python's own exception class that a value is, or is made of.
pub(super) fn builtin(reason: &Reason) -> Option<&str> {
    let name = reason.text.split('`').nth(1)?;
    (name.ends_with("Error") || name.ends_with("Exception") || name.ends_with("Interrupt")).then_some(name)
}

fn is_builtin(reason: &Reason) -> bool {
    builtin(reason).is_some()
}

/// The status of the class of Werkzeug's that a class of the program extends: `Some(None)` for `HTTPException` itself.
fn exception_base(eval: &Evaluator, class: ClassId) -> Option<Option<u16>> {
    let mut open = vec![class];
    for _ in 0..32 {
        let class = open.pop()?;
        for base in &eval.class_data(class).bases {
            match &base.kind {
                Kind::Class(base) => open.push(*base),
                Kind::Native(native) if native.name == "werkzeug.exception" => {
                    return Some(native.bound.first().and_then(|code| match code.kind {
                        Kind::Number(code) => Some(code as u16),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
    }
    None
}

/// `isinstance(error, HTTPException)`.
pub(super) fn is_instance(eval: &mut Evaluator, value: &Value, class: &Value) -> Option<Guard> {
    let Kind::Native(native) = &class.kind else { return None };
    match native.name {
        "werkzeug.exception" => {
            let failure = failure(eval, value);
            Some(match (failure.is_http, native.bound.first().map(|code| &code.kind), &failure.status) {
                (true, None, _) => Guard::Always,
                (true, Some(Kind::Number(wanted)), Status::Code(code)) => Guard::from(*wanted as u16 == *code),
                (true, ..) => Guard::Unknown(Reason::new("the class of this exception", value.span)),
                (false, ..) if value.reason().is_some() => {
                    Guard::Unknown(Reason::new("the class of this exception", value.span))
                }
                (false, ..) => Guard::Never,
            })
        }
        "flask.Response" => Some(match (eval.host_tag(value), value.reason()) {
            (Some(RESPONSE), _) => Guard::Always,
            (_, Some(reason)) => Guard::Unknown(reason.clone()),
            _ => Guard::Never,
        }),
        _ => None,
    }
}

/// Whether a class is another, or extends it.
pub(super) fn extends(eval: &Evaluator, class: ClassId, base: ClassId) -> bool {
    let mut open = vec![class];
    for _ in 0..64 {
        let Some(next) = open.pop() else { return false };
        if next == base {
            return true;
        }
        open.extend(eval.class_data(next).bases.iter().filter_map(|value| match value.kind {
            Kind::Class(class) => Some(class),
            _ => None,
        }));
    }
    false
}
