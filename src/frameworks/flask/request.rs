//! The request, and what comes with it.

use std::sync::Arc;

use super::{errors, native};
use crate::cors::StringTest;
use crate::eval::{Evaluator, Kind, MethodCall, Native, Value};
use crate::model::{BodyKind, EffectKind, Guard, Part, Reason, RemarkKind, Text};
use crate::source::Span;

const REQUEST: &str = "flask.request";
const HEADERS: &str = "flask.request.headers";
const ENVIRON: &str = "flask.request.environ";
/// `g`, and the note that functions before the views are being run.
const G: &str = "flask.g";
const G_OPEN: &str = "flask.g.open";
/// What is noted when the session is used.
pub(super) const SESSION_MARK: &str = "session";
const COOKIES: &str = "flask.request.cookies";

/// The value of a request header, noted as being read.
fn header(eval: &mut Evaluator, name: &str, span: Span) -> Value {
    let name = name.to_ascii_lowercase();
    if eval.is_collecting() {
        eval.emit(EffectKind::Notice(RemarkKind::ReadsHeader(name.clone())), span);
        if name == "authorization" {
            credentials(eval, "Authorization", span);
        }
    }
    Value::text(Text::header(&name), span)
}

fn credentials(eval: &mut Evaluator, what: &str, span: Span) {
    if eval.is_collecting() {
        eval.emit(EffectKind::Notice(RemarkKind::ReadsCredentials(what.to_owned())), span);
    }
}

/// Notes that the session is used: the answer then varies by its cookie.
pub(super) fn session(eval: &mut Evaluator, span: Span) {
    credentials(eval, "the session", span);
    if eval.is_collecting() {
        eval.emit(EffectKind::Mark(SESSION_MARK.into()), span);
    }
}

/// Whether the code at a place is written for Flask 2 or older.
fn is_old(eval: &Evaluator, span: Span) -> bool {
    let version = eval.package_version_at("flask", span);
    version.and_then(|version| super::options::major(&version)).is_some_and(|major| major < 3)
}

/// The name of the request header that a key of the WSGI environment stands for.
fn header_of_environ(key: &str) -> Option<String> {
    key.strip_prefix("HTTP_").map(|name| name.to_ascii_lowercase().replace('_', "-"))
}

/// A property of the request, or an item of its headers.
pub(super) fn property(eval: &mut Evaluator, of: &Native, name: &str, span: Span) -> Option<Value> {
    Some(match of.name {
        REQUEST => match name {
            "headers" => native(HEADERS, None, span),
            "environ" => native(ENVIRON, None, span),
            "cookies" => native(COOKIES, None, span),
            "method" => Value::text(Text::Request(Part::Method), span),
            "path" => Value::text(Text::Decoded(Arc::new(Text::Request(Part::Path)), false), span),
            "origin" => header(eval, "origin", span),
            "referrer" => header(eval, "referer", span),
            "user_agent" => header(eval, "user-agent", span),
            "content_type" | "mimetype" => header(eval, "content-type", span),
            "authorization" => header(eval, "authorization", span),
            "access_control_request_method" => header(eval, "access-control-request-method", span),
            "access_control_request_headers" => header(eval, "access-control-request-headers", span),
            "json" => json(eval, false, span),
            "form" | "values" | "files" | "data" | "stream" => {
                note(eval, RemarkKind::ParsesBody(BodyKind::Simple), span);
                Value::unknown(format!("`request.{name}` comes with the request"), span)
            }
            _ => Value::unknown(format!("`request.{name}` comes with the request"), span),
        },
        HEADERS => {
            // A header that is not there is a plain `KeyError` (`EnvironHeaders.__getitem__`).
            let value = header(eval, name, span);
            let missing = Guard::not(value.present());
            if eval.is_collecting() {
                eval.under(missing, |eval| errors::crash(eval, "the request has no such header", span));
            }
            value
        }
        ENVIRON => match header_of_environ(name) {
            Some(name) => {
                let value = header(eval, &name, span);
                let missing = Guard::not(value.present());
                if eval.is_collecting() {
                    eval.under(missing, |eval| errors::crash(eval, "the request has no such header", span));
                }
                value
            }
            None if name == "REQUEST_METHOD" => Value::text(Text::Request(Part::Method), span),
            None => Value::unknown("a variable of the request", span),
        },
        COOKIES => {
            credentials(eval, "cookies", span);
            Value::unknown("a cookie of the request", span)
        }
        "flask.session" => {
            session(eval, span);
            Value::unknown("the session of the request", span)
        }
        "auth.identity" => {
            credentials(eval, "the logged-in user", span);
            Value::unknown("the user of the request", span)
        }
        G => carried(eval, name).unwrap_or_else(|| Value::unknown("what the request carries along", span)),
        _ => return None,
    })
}

/// What functions before the views put into `g`.
fn carried(eval: &Evaluator, name: &str) -> Option<Value> {
    let id = eval.notes.get(G)?.as_object()?;
    super::field(eval, id, name)
}

/// Begins to follow what is put into `g`: by functions that run before all views only, since which view runs is not
/// known when the others do.
pub(super) fn follow(eval: &mut Evaluator, span: Span) {
    let (_, value) = super::host_object(eval, G, span);
    eval.notes.insert(G, value);
    eval.notes.insert(G_OPEN, Value::new(Kind::Bool(true), span));
}

/// The functions before the views are done.
pub(super) fn follow_no_more(eval: &mut Evaluator) {
    eval.notes.remove(G_OPEN);
}

/// `g.name = value`.
pub(super) fn carry(eval: &mut Evaluator, name: &str, value: &Value, span: Span) {
    let Some(id) = eval.notes.get(G).and_then(Value::as_object) else { return };
    let value = match eval.notes.contains_key(G_OPEN) {
        true => value.clone(),
        false => Value::unknown("a view sets what the request carries along", span),
    };
    eval.set_field(id, name, value, span);
}

/// `request.get_json()`: the body has to be JSON by its type (415, Werkzeug 2.3 and later), unless that is overruled by
/// `force`, and by its text (400).
fn json(eval: &mut Evaluator, force: bool, span: Span) -> Value {
    let is_json = Guard::test(Text::header("content-type"), StringTest::Contains("json".into()), span);
    let parsed = if force { Guard::Always } else { is_json.clone() };
    errors::throw(eval, Guard::not(parsed.clone()), 415, span);
    let has_body = Guard::HasHeader("content-length".into());
    let broken = Guard::Unknown(Reason::new("whether the body can be parsed", span));
    errors::throw(eval, Guard::all([parsed.clone(), has_body.clone(), broken]), 400, span);
    // A preflight has no body, and nothing is no JSON. Other requests are thought to have one.
    let is_empty = is_method("OPTIONS", span).and(Guard::not(has_body));
    errors::throw(eval, parsed.and(is_empty), 400, span);
    note(eval, RemarkKind::ReadsHeader("content-type".into()), span);
    body(span)
}

/// `request.get_json(silent=True)`: nothing is refused.
fn json_if_any(eval: &mut Evaluator, force: bool, span: Span) -> Value {
    note(eval, RemarkKind::ReadsHeader("content-type".into()), span);
    // Without the type there is nothing to read, unless it is forced.
    let kind = if force { BodyKind::Simple } else { BodyKind::Json };
    note(eval, RemarkKind::ParsesBody(kind), span);
    note(eval, RemarkKind::ReadsBody, span);
    body(span)
}

fn body(span: Span) -> Value {
    Value::unknown("the body of the request", span)
}

fn note(eval: &mut Evaluator, kind: RemarkKind, span: Span) {
    if eval.is_collecting() {
        eval.emit(EffectKind::Notice(kind), span);
    }
}

/// A method of the request or its headers.
pub(super) fn method(eval: &mut Evaluator, of: &Native, call: &MethodCall) -> Option<Value> {
    match (of.name, call.name) {
        (HEADERS, "get" | "getlist" | "get_all" | "has_key") | (ENVIRON, "get") => {
            let key = call.arguments.get(0).or(call.arguments.keyword("key"))?;
            let Some(name) = key.as_str() else {
                return Some(Value::unknown("a header of the request", call.span));
            };
            let name = match of.name {
                ENVIRON => header_of_environ(name)?,
                _ => name.to_owned(),
            };
            let value = header(eval, &name, call.span);
            Some(match call.arguments.get(1).or(call.arguments.keyword("default")) {
                Some(default) => Value::choose(value.present(), value, default.clone()),
                None if call.name == "has_key" => Value::test(value.present(), call.span),
                None => value,
            })
        }
        (REQUEST, "get_json") => {
            let set = |name: &str, at: usize| {
                let given = call.arguments.keyword(name).or(call.arguments.get(at));
                given.is_some_and(|value| value.truthy() != Guard::Never)
            };
            Some(match set("silent", 1) {
                true => json_if_any(eval, set("force", 0), call.span),
                false => json(eval, set("force", 0), call.span),
            })
        }
        (REQUEST, "get_data") => {
            note(eval, RemarkKind::ParsesBody(BodyKind::Simple), call.span);
            Some(body(call.span))
        }
        (COOKIES, _) => {
            credentials(eval, "cookies", call.span);
            Some(Value::unknown("a cookie of the request", call.span))
        }
        ("flask.session", _) => {
            session(eval, call.span);
            Some(Value::unknown("the session of the request", call.span))
        }
        ("flask.g", _) => Some(Value::unknown("what the request carries along", call.span)),
        _ => None,
    }
}

/// `"Origin" in request.headers`.
pub(super) fn contains(eval: &mut Evaluator, of: &Native, name: &str, span: Span) -> Option<Guard> {
    match of.name {
        HEADERS => Some(header(eval, name, span).present()),
        ENVIRON => Some(header(eval, &header_of_environ(name)?, span).present()),
        COOKIES | "flask.session" => {
            match of.name {
                COOKIES => credentials(eval, "cookies", span),
                // Flask 2 takes a look at the keys for no use of the session.
                _ if is_old(eval, span) => credentials(eval, "the session", span),
                _ => session(eval, span),
            }
            Some(Guard::Unknown(Reason::new("what the request brings along", span)))
        }
        "flask.g" => Some(Guard::Unknown(Reason::new("what the request carries along", span))),
        _ => None,
    }
}

/// The request's method is `method`.
pub(super) fn is_method(method: &str, span: Span) -> Guard {
    Guard::method(method, span)
}

/// Whether a value stands for nothing.
pub(super) fn is_none(value: &Value) -> bool {
    matches!(value.kind, Kind::Null | Kind::Undefined)
}
