//! Answers while a program makes them.
//!
//! What is done to an answer's headers is noted on it, and becomes effects when the answer is given back.

use std::sync::Arc;

use super::options::is_before_3_1;
use super::{ERROR, RESPONSE, argument, bound, errors, field, host_object, record};
use crate::cors::headers;
use crate::eval::{Arguments, Evaluator, Kind, MethodCall, Native, ObjectId, Value};
use crate::model::{EffectKind, Guard, HeaderWrite, Reason, Status, Statuses, Text, WriteOp};
use crate::source::Span;
use crate::syntax::program::BinaryOperator;

/// The headers of an answer.
pub(super) const HEADERS: &str = "flask.headers";
/// The status of an answer that is on its way out.
pub(super) const STATUS: &str = "flask.response.status";
/// `response.vary`.
const VARY: &str = "flask.headers.vary";
/// The field of an answer that a function for the way out is given.
const OUTGOING: &str = "(outgoing)";
/// The field that says that flask-cors has dealt with the answer.
pub(super) const EVALUATED: &str = "(evaluated)";
/// What an effect notes when flask-cors has dealt with the answer in a view.
pub(super) const EVALUATED_MARK: &str = "flask-cors";

/// A new, empty answer.
pub(super) fn new(eval: &mut Evaluator, span: Span) -> (ObjectId, Value) {
    host_object(eval, RESPONSE, span)
}

/// The answer that is on its way out.
pub(super) fn outgoing(eval: &mut Evaluator, span: Span) -> (ObjectId, Value) {
    let (id, value) = new(eval, span);
    eval.set_field(id, OUTGOING, Value::new(Kind::Bool(true), span), span);
    (id, value)
}

pub(super) fn call(eval: &mut Evaluator, of: &Native, arguments: &Arguments, span: Span) -> Option<Value> {
    Some(match of.name {
        "flask.body" => new(eval, span).1,
        "flask.file" if argument(arguments, 0, "path_or_file").is_some_and(is_buffer) => new(eval, span).1,
        "flask.file" => {
            let missing = Guard::Unknown(Reason::new("whether there is a file of that name", span));
            errors::throw(eval, missing, 404, span);
            new(eval, span).1
        }
        "flask.text" => {
            let reason = Reason::new("a text that is put together here", span);
            Value::new(Kind::Text(Arc::new(Text::Unknown(reason))), span)
        }
        "flask.make_response" => make(eval, arguments, span),
        "flask.Response" => {
            let (id, value) = new(eval, span);
            if let Some(status) = argument(arguments, 1, "status") {
                set_status(eval, id, &status.clone(), span);
            }
            if let Some(given) = argument(arguments, 2, "headers") {
                extend(eval, id, &given.clone(), "add", span);
            }
            value
        }
        "flask.redirect" => {
            let (id, value) = new(eval, span);
            let code = argument(arguments, 1, "code").cloned();
            let code = code.unwrap_or_else(|| Value::new(Kind::Number(302.0), span));
            set_status(eval, id, &code, span);
            value
        }
        "werkzeug.Headers" => {
            let (id, _) = new(eval, span);
            if let Some(given) = arguments.get(0) {
                extend(eval, id, &given.clone(), "add", span);
            }
            bound(HEADERS, Some(id), Vec::new(), span)
        }
        _ => return None,
    })
}

/// What is in memory is there to be sent.
fn is_buffer(value: &Value) -> bool {
    matches!(&value.kind, Kind::Native(native) if native.name == "io.buffered")
}

/// `make_response(…)` with the arguments of a view's answer.
pub(super) fn make(eval: &mut Evaluator, arguments: &Arguments, span: Span) -> Value {
    match arguments.positional.as_slice() {
        [] => new(eval, span).1,
        [only] => {
            let only = only.clone();
            convert(eval, &only, span)
        }
        parts => {
            let parts = parts.to_vec();
            of_parts(eval, &parts, span)
        }
    }
}

/// What Flask makes of a view's value (`Flask.make_response`).
pub(super) fn convert(eval: &mut Evaluator, value: &Value, span: Span) -> Value {
    match &value.kind {
        Kind::Choose(choice) => {
            let (guard, then, otherwise) = &**choice;
            let yes = eval.under(guard.clone(), |eval| convert(eval, then, span));
            let no = eval.under(Guard::not(guard.clone()), |eval| convert(eval, otherwise, span));
            Value::choose(guard.clone(), yes, no)
        }
        Kind::Object(id) => match eval.host_tag(value) {
            Some(RESPONSE) => value.clone(),
            Some(ERROR) => errors::response_of(eval, *id, span),
            _ => match tuple(eval, value) {
                Some(parts) if matches!(parts.len(), 2 | 3) => of_parts(eval, &parts, span),
                Some(_) => {
                    errors::crash(eval, "a view gives a tuple of neither two nor three", span);
                    Value::unknown("nothing is given back", span)
                }
                None => new(eval, value.span).1,
            },
        },
        Kind::Number(_) | Kind::Bool(_) | Kind::Test(_) => {
            errors::crash(eval, "a view gives back what is no answer", span);
            Value::unknown("nothing is given back", span)
        }
        Kind::Null | Kind::Undefined => {
            errors::crash(eval, "a view gives nothing back", span);
            Value::unknown("nothing is given back", span)
        }
        Kind::Unknown(reason) => {
            let (id, response) = new(eval, value.span);
            let status = Value::new(Kind::Unknown(reason.clone()), value.span);
            eval.set_field(id, "status", status, span);
            response
        }
        _ => new(eval, value.span).1,
    }
}

/// The parts of a tuple. A list is a body.
fn tuple(eval: &Evaluator, value: &Value) -> Option<Vec<Value>> {
    let items = &eval.items(value)?.items;
    // A text that is split or put together elsewhere is no tuple that somebody wrote.
    if items.is_empty() || (!matches!(items.len(), 2 | 3) && !eval.loader.text(value.span).contains(',')) {
        return None;
    }
    // A list begins with a bracket and a set with a brace that is not its first item's.
    let is_bracketed = eval.loader.text(value.span).starts_with(['[', '{']);
    let is_first_items = items.first().is_some_and(|first| first.span.start == value.span.start);
    (!is_bracketed || is_first_items).then(|| items.clone())
}

fn of_parts(eval: &mut Evaluator, parts: &[Value], span: Span) -> Value {
    let Some(body) = parts.first() else { return new(eval, span).1 };
    // A text is made into an answer with these headers; an answer that is there has its own replaced.
    let op = if matches!(body.kind, Kind::Str(_) | Kind::Text(_)) { "add" } else { "set" };
    // The parts' own answer goes on to be used, with what the other parts say.
    let body = match eval.host_tag(body) {
        Some(RESPONSE | ERROR) => convert(eval, body, span),
        _ if matches!(body.kind, Kind::Choose(_)) => convert(eval, body, span),
        _ => new(eval, span).1,
    };
    for (when, body) in body.branches() {
        let Some(id) = body.as_object() else { continue };
        eval.under(when, |eval| {
            for part in parts.iter().skip(1) {
                for (when, part) in part.branches() {
                    eval.under(when, |eval| match &part.kind {
                        Kind::Object(_) => extend(eval, id, &part, op, span),
                        Kind::Native(native) if native.name == HEADERS => extend(eval, id, &part, op, span),
                        Kind::Null | Kind::Undefined => {}
                        _ => set_status(eval, id, &part, span),
                    });
                }
            }
        });
    }
    body
}

/// Sets an answer's status: a number, or a text that begins with one.
pub(super) fn set_status(eval: &mut Evaluator, id: ObjectId, status: &Value, span: Span) {
    for (when, status) in status.branches() {
        let status = match &status.kind {
            Kind::Number(_) | Kind::Unknown(_) => status,
            Kind::Null | Kind::Undefined => continue,
            Kind::Str(text) => match text.split(' ').next().and_then(|code| code.parse::<u16>().ok()) {
                Some(code) => Value::new(Kind::Number(f64::from(code)), status.span),
                None => Value::unknown("this status is no number", status.span),
            },
            _ => Value::unknown("this status is not followed", status.span),
        };
        eval.under(when, |eval| eval.set_field(id, "status", status, span));
    }
}

/// Notes what is done to a header.
pub(super) fn write(eval: &mut Evaluator, id: ObjectId, op: &'static str, name: &str, value: Value, span: Span) {
    // Werkzeug refuses line breaks in a header's value.
    if matches!(op, "set" | "add" | "default") && value.as_str().is_some_and(|text| text.contains(['\n', '\r'])) {
        return errors::crash(eval, "a header's value holds a line break", span);
    }
    let name = Value::str(name, span);
    record(eval, id, op, vec![name, value], span);
}

/// Every entry of a dict, a list of pairs, or other headers.
fn extend(eval: &mut Evaluator, id: ObjectId, from: &Value, op: &'static str, span: Span) {
    if let Kind::Native(native) = &from.kind {
        if let Some(other) = native.of.filter(|_| native.name == HEADERS) {
            let calls = eval.object(other).calls.clone();
            let known = eval.object(id).calls.len() + calls.len() < 20_000;
            if known {
                eval.object_mut(id).calls.extend(calls);
            }
        }
        return;
    }
    for (when, from) in from.branches() {
        let Some(object) = from.as_object() else { continue };
        let pairs: Vec<(Value, Value, Span)> = match eval.items(&from) {
            Some(list) => {
                let pairs = list.items.clone();
                pairs
                    .into_iter()
                    .filter_map(|pair| match eval.items(&pair)?.items.as_slice() {
                        [name, value] => Some((name.clone(), value.clone(), name.span)),
                        _ => None,
                    })
                    .collect()
            }
            None => {
                let fields = eval.object(object).fields.clone();
                let pair = |field: crate::eval::Field| (Value::str(field.name, field.span), field.value, field.span);
                fields.into_iter().map(pair).collect()
            }
        };
        eval.under(when, |eval| {
            for (name, value, at) in pairs {
                // A list is as many lines.
                let items = eval.items(&value).map(|list| list.items.clone());
                match items {
                    Some(items) => {
                        for (index, item) in items.into_iter().enumerate() {
                            write_named(eval, id, if index == 0 { op } else { "add" }, &name, item, at);
                        }
                    }
                    None => write_named(eval, id, op, &name, value, at),
                }
            }
        });
    }
    let _ = span;
}

/// A property of an answer.
pub(super) fn property(eval: &mut Evaluator, id: ObjectId, name: &str, span: Span) -> Value {
    match name {
        "headers" => bound(HEADERS, Some(id), Vec::new(), span),
        "vary" => bound(VARY, Some(id), Vec::new(), span),
        "status_code" => {
            let own = field(eval, id, "status");
            match own {
                Some(value) => value,
                None if is_outgoing(eval, id) => bound(STATUS, Some(id), Vec::new(), span),
                None => Value::new(Kind::Number(200.0), span),
            }
        }
        _ => match field(eval, id, name) {
            Some(value) => value,
            None => Value::unknown(format!("`.{name}` of an answer"), span),
        },
    }
}

/// When the status of an answer on its way out compares so with a number.
pub(super) fn status_is(operator: BinaryOperator, number: f64) -> Guard {
    let passes = |code: &u16| {
        let code = f64::from(*code);
        match operator {
            BinaryOperator::Less => code < number,
            BinaryOperator::LessEqual => code <= number,
            BinaryOperator::Greater => code > number,
            BinaryOperator::GreaterEqual => code >= number,
            _ => code == number,
        }
    };
    Guard::Status(Statuses::new((100..600).filter(passes)))
}

fn is_outgoing(eval: &Evaluator, id: ObjectId) -> bool {
    eval.field(id, OUTGOING).is_some()
}

/// The value of a header as far as it is written.
fn read(eval: &mut Evaluator, id: ObjectId, name: &str, span: Span) -> Value {
    if OF_FLASK.contains(&name.to_ascii_lowercase().as_str()) {
        return Value::unknown("a header that Flask sends by itself", span);
    }
    if is_outgoing(eval, id) {
        return Value::text(Text::SentBefore(name.to_ascii_lowercase().into()), span);
    }
    let calls = &eval.object(id).calls;
    let mut writes = calls
        .iter()
        .filter(|call| call.arguments.get(0).and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(name)));
    match writes.next_back() {
        Some(call) if call.when == Guard::Always => match call.arguments.get(1) {
            Some(value) if &*call.name != "remove" => value.clone(),
            _ => Value::new(Kind::Null, span),
        },
        Some(_) => Value::unknown("a header of the answer", span),
        None if is_cors(name) => Value::new(Kind::Null, span),
        None => Value::unknown("a header of the answer", span),
    }
}

/// Headers that Flask and Werkzeug send without being told to.
const OF_FLASK: &[&str] = &[
    "allow",
    "cache-control",
    "content-disposition",
    "content-length",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "location",
    "set-cookie",
    "www-authenticate",
];

fn is_cors(name: &str) -> bool {
    headers::is_cors_response_header(name) || name.eq_ignore_ascii_case(headers::VARY)
}

/// `response.headers[name]`.
pub(super) fn headers_property(eval: &mut Evaluator, of: &Native, name: &str, span: Span) -> Option<Value> {
    match of.name {
        HEADERS => Some(read(eval, of.of?, name, span)),
        _ => None,
    }
}

/// `name in response.headers`.
pub(super) fn contains(eval: &mut Evaluator, of: &Native, name: &str, span: Span) -> Option<Guard> {
    match of.name {
        HEADERS => Some(read(eval, of.of?, name, span).present()),
        _ => None,
    }
}

/// `response.headers[name] = value`.
pub(super) fn assign_header(eval: &mut Evaluator, of: &Native, key: &Value, value: &Value, span: Span) {
    let Some(id) = of.of else { return };
    for (when, key) in key.branches() {
        eval.under(when, |eval| write_named(eval, id, "set", &key, value.clone(), span));
    }
}

/// Notes what is done to a header whose name is a value.
fn write_named(eval: &mut Evaluator, id: ObjectId, op: &'static str, name: &Value, value: Value, span: Span) {
    match name.as_str() {
        Some(name) => {
            let name = name.to_owned();
            write(eval, id, op, &name, value, span);
        }
        None if may_be_cors(name) => record(eval, id, "unknown", Vec::new(), span),
        None => {}
    }
}

/// Whether a name that is not known may be that of a header that decides who reads.
fn may_be_cors(name: &Value) -> bool {
    let Kind::Text(text) = &name.kind else { return true };
    let Text::Concat(parts) = &**text else { return true };
    let Some(begins) = parts.first().and_then(Text::as_literal).map(str::to_ascii_lowercase) else { return true };
    let known = ["access-control-", headers::VARY];
    known.iter().any(|known| known.starts_with(&begins) || begins.starts_with(known))
}

/// A method of an answer's headers.
pub(super) fn headers_method(eval: &mut Evaluator, of: &Native, call: &MethodCall) -> Option<Value> {
    let id = of.of?;
    if of.name == VARY {
        if matches!(call.name, "add" | "update") {
            let first = call.arguments.get(0)?.clone();
            let members = eval.items(&first).map(|list| list.items.clone()).unwrap_or_else(|| vec![first]);
            for member in members {
                write(eval, id, "member", "Vary", member, call.span);
            }
        }
        return Some(Value::new(Kind::Null, call.span));
    }
    if of.name != HEADERS {
        return None;
    }
    let name = argument(call.arguments, 0, "key").or_else(|| call.arguments.keyword("_key"));
    let value = || {
        let value = argument(call.arguments, 1, "value").or_else(|| call.arguments.keyword("_value"));
        value.cloned().unwrap_or_else(|| Value::new(Kind::Null, call.span))
    };
    match call.name {
        "set" | "add" | "add_header" | "setdefault" | "setlist" | "__setitem__" => {
            let name = name?.clone();
            let value = value();
            let op = match call.name {
                "add" | "add_header" => "add",
                "setdefault" => "default",
                _ => "set",
            };
            for (when, name) in name.branches() {
                let lines = match call.name {
                    "setlist" => eval.items(&value).map(|list| list.items.clone()),
                    _ => None,
                };
                eval.under(when, |eval| match lines {
                    Some(lines) => {
                        for (at, line) in lines.into_iter().enumerate() {
                            write_named(eval, id, if at == 0 { "set" } else { "add" }, &name, line, call.span);
                        }
                    }
                    None => write_named(eval, id, op, &name, value.clone(), call.span),
                });
            }
        }
        "__ior__" if is_before_3_1(eval, call.span) => errors::crash(eval, "headers take no `|=`", call.span),
        "extend" | "update" | "__ior__" => {
            let op = if call.name == "extend" { "add" } else { "set" };
            if let Some(from) = call.arguments.get(0) {
                let from = from.clone();
                extend(eval, id, &from, op, call.span);
            }
            for (name, value, at) in &call.arguments.keywords {
                write(eval, id, op, &name.replace('_', "-"), value.clone(), *at);
            }
        }
        "remove" | "pop" | "__delitem__" => {
            let name = name?.as_str()?.to_owned();
            let old = read(eval, id, &name, call.span);
            write(eval, id, "remove", &name, Value::new(Kind::Null, call.span), call.span);
            if call.name == "pop" {
                return Some(match call.arguments.get(1).or(call.arguments.keyword("default")) {
                    Some(default) => Value::choose(old.present(), old, default.clone()),
                    None => old,
                });
            }
        }
        "clear" => record(eval, id, "clear", Vec::new(), call.span),
        "get" => {
            let name = name?.as_str()?.to_owned();
            let value = read(eval, id, &name, call.span);
            return Some(match call.arguments.get(1).or(call.arguments.keyword("default")) {
                Some(default) => Value::choose(value.present(), value, default.clone()),
                None => value,
            });
        }
        _ => return None,
    }
    Some(Value::new(Kind::Null, call.span))
}

/// A method of an answer.
pub(super) fn method(_eval: &mut Evaluator, _id: ObjectId, call: &MethodCall) -> Option<Value> {
    Some(Value::unknown(format!("`.{}()` of an answer", call.name), call.span))
}

/// `response.status_code = 401`, `response.access_control_allow_origin = '*'` (Werkzeug's `sansio/response.py`).
pub(super) fn assign(eval: &mut Evaluator, id: ObjectId, name: &str, value: &Value, span: Span) -> bool {
    let header = match name {
        "status_code" | "status" => {
            set_status(eval, id, value, span);
            return true;
        }
        // They are given back to where they come from: `response.headers |= …`.
        "headers" if matches!(&value.kind, Kind::Native(own) if own.name == HEADERS && own.of == Some(id)) => {
            return true;
        }
        "headers" => {
            record(eval, id, "clear", Vec::new(), span);
            extend(eval, id, value, "add", span);
            return true;
        }
        "access_control_allow_origin" => headers::ALLOW_ORIGIN,
        "access_control_allow_headers" => headers::ALLOW_HEADERS,
        "access_control_allow_methods" => headers::ALLOW_METHODS,
        "access_control_expose_headers" => headers::EXPOSE_HEADERS,
        "access_control_max_age" => headers::MAX_AGE,
        "access_control_allow_credentials" => {
            let name = headers::canonical(headers::ALLOW_CREDENTIALS);
            let set = value.truthy();
            let on = Value::str("true", value.span);
            eval.under(set.clone(), |eval| write(eval, id, "set", &name, on, span));
            let off = Value::new(Kind::Null, span);
            eval.under(Guard::not(set), |eval| write(eval, id, "remove", &name, off, span));
            return true;
        }
        "vary" => headers::VARY,
        _ => return false,
    };
    let takes_list = matches!(header, headers::ALLOW_HEADERS | headers::ALLOW_METHODS | headers::EXPOSE_HEADERS);
    let value = match (eval.items(value).map(|list| list.items.clone()), value.as_str()) {
        (Some(items), _) => eval.join(&items, ", ", span),
        (None, Some(text)) if takes_list => Value { kind: Kind::Str(letters(text).into()), ..value.clone() },
        _ => value.clone(),
    };
    let name = headers::canonical(header);
    write(eval, id, "set", &name, value, span);
    true
}

/// Where a list of names is asked for and a text given, its letters are the names (`dump_header`).
fn letters(text: &str) -> String {
    let shown: Vec<String> = text
        .chars()
        .map(|letter| match headers::is_token(&letter.to_string()) {
            true => letter.to_string(),
            false if matches!(letter, '"' | '\\') => format!("\"\\{letter}\""),
            false => format!("\"{letter}\""),
        })
        .collect();
    shown.join(", ")
}

/// `response.vary = …` is an assignment to the answer; on the headers there is nothing to assign.
pub(super) fn assign_vary(_eval: &mut Evaluator, of: &Native, _name: &str, _value: &Value, _span: Span) -> bool {
    matches!(of.name, HEADERS | VARY)
}

/// What was done to an answer's headers, as effects.
pub(super) fn flush(eval: &mut Evaluator, id: ObjectId) {
    let calls = eval.object(id).calls.clone();
    for call in calls {
        eval.under(call.when.clone(), |eval| {
            match &*call.name {
                "clear" => return eval.emit(EffectKind::ClearHeaders, call.span),
                "unknown" => {
                    let reason = Reason::new("a header is set whose name is not known", call.span);
                    return eval.emit(EffectKind::Opaque(reason), call.span);
                }
                _ => {}
            }
            let (Some(name), Some(value)) = (call.arguments.get(0), call.arguments.get(1)) else { return };
            let Some(name) = name.as_str() else { return };
            let op = match &*call.name {
                "set" => WriteOp::Set,
                "add" => WriteOp::AddLine,
                "default" => WriteOp::IfAbsent,
                "member" => WriteOp::AppendMembers,
                _ => WriteOp::Remove,
            };
            let values = if op == WriteOp::Remove { Vec::new() } else { vec![text(eval, value, &call.when)] };
            let write = HeaderWrite { name: Arc::from(name), op, values, trail: value.trail() };
            eval.emit(EffectKind::Write(write), call.span);
        });
    }
}

/// A header's value as Werkzeug makes it a text: `str(value)`, under the condition that it is written at all.
fn text(eval: &Evaluator, value: &Value, when: &Guard) -> Text {
    let Some(list) = eval.items(value) else {
        // What is written only where it is there is never `None`.
        return match (&value.kind, when) {
            (Kind::Text(text), Guard::All(parts)) if parts.contains(&value.present()) => (**text).clone(),
            (Kind::Text(text), when) if *when == value.present() => (**text).clone(),
            _ => value.to_text("None"),
        };
    };
    let texts: Option<Vec<String>> =
        list.items.iter().map(|item| item.as_str().map(|text| format!("'{text}'"))).collect();
    match (texts, &list.open) {
        (Some(texts), None) => {
            let is_tuple = eval.loader.text(value.span).trim_start().starts_with('(');
            let joined = texts.join(", ");
            Text::literal(if is_tuple { format!("({joined})") } else { format!("[{joined}]") })
        }
        _ => Text::Unknown(Reason::new("a list as a header's value", value.span)),
    }
}

/// An answer that is given back: its headers, and the end. `skips` are values that are no answer and let the request
/// pass: `None` of a function that runs before the views.
pub(super) fn send(eval: &mut Evaluator, response: &Value, span: Span) {
    for (when, response) in response.branches() {
        let Some(id) = response.as_object() else { continue };
        eval.under(when, |eval| {
            flush(eval, id);
            if let Some(evaluated) = field(eval, id, EVALUATED) {
                let mark = EffectKind::Mark(EVALUATED_MARK.into());
                eval.under(evaluated.truthy(), |eval| eval.emit(mark, span));
            }
            for (when, status) in statuses(eval, id) {
                eval.under(when, |eval| eval.emit(EffectKind::Respond(Some(status)), response.span));
            }
        });
    }
}

/// The statuses that an answer may have.
///
/// An answer on its way out keeps the status that it came with where none is set.
pub(super) fn statuses(eval: &Evaluator, id: ObjectId) -> Vec<(Guard, Status)> {
    let is_outgoing = is_outgoing(eval, id);
    let Some(status) = field(eval, id, "status") else {
        return if is_outgoing { Vec::new() } else { vec![(Guard::Always, Status::Code(200))] };
    };
    let of = |value: &Value| match &value.kind {
        Kind::Number(code) => Status::Code(*code as u16),
        Kind::Undefined | Kind::Null => Status::Code(200),
        Kind::Unknown(reason) => Status::Unknown(reason.clone()),
        _ => Status::Unknown(Reason::new("this status is not followed", value.span)),
    };
    let branches = status.branches().into_iter();
    let set = branches.filter(|(_, value)| !(is_outgoing && matches!(value.kind, Kind::Undefined)));
    set.map(|(when, value)| (when, of(&value))).collect()
}
