//! Node's requests and answers, with what Express adds to them.
//!
//! Sources: Node 20 `lib/_http_outgoing.js`; Express 4.22 and 5.3 `lib/response.js`, `lib/request.js`.

use std::sync::Arc;

use crate::cors::headers;
use crate::eval::{Arguments, Evaluator, Kind, MethodCall, Native, Tag, Value};
use crate::model::{BodyKind, Effect, EffectKind, Guard, HeaderWrite, Part, Reason, RemarkKind, Status, Text, WriteOp};
use crate::source::Span;

/// The tag of a request.
pub const REQUEST: &str = "http.request";
/// The tag of an answer.
pub const RESPONSE: &str = "http.response";
/// The tag of a request's headers.
pub const HEADERS: &str = "http.headers";
/// The tag of an error that is being handled.
pub const ERROR: &str = "http.error";
/// The name of the function that goes on to the next handler.
pub const NEXT: &str = "http.next";

/// The name of a method of an answer that was taken from it; its name is bound, and behind it the answer to which it
/// was bound again.
const METHOD: &str = "http.method";
/// Methods of an answer that programs hand around.
const METHODS: &[&str] = &[
    "append",
    "appendHeader",
    "end",
    "header",
    "json",
    "removeHeader",
    "send",
    "sendStatus",
    "set",
    "setHeader",
    "status",
    "vary",
    "writeHead",
];

/// The field of an answer that says that headers were set one by one.
pub const HEADERS_SET: &str = "(headers set)";

/// An assignment to a property of an answer.
pub fn assign(eval: &mut Evaluator, of: &Value, name: &str, value: &Value, span: Span) -> bool {
    if eval.host_tag(of) == Some(REQUEST) && name == "body" {
        note_body(eval, RemarkKind::ParsesBody(BodyKind::Simple), span);
        return false;
    }
    if eval.host_tag(of) != Some(RESPONSE) || !matches!(name, "statusCode" | "status") {
        return false;
    }
    set_status(eval, value, span, false);
    true
}

/// The arguments of a handler: request, answer, and the way on.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The request.
    pub request: Value,
    /// The answer.
    pub response: Value,
    /// The way on.
    pub next: Value,
}

impl Exchange {
    /// A new request with its answer.
    pub fn new(eval: &mut Evaluator, span: Span) -> Self {
        let request = eval.new_object(Tag::Host(REQUEST), span);
        let response = eval.new_object(Tag::Host(RESPONSE), span);
        let request = Value::new(Kind::Object(request), span);
        let response = Value::new(Kind::Object(response), span);
        if let (Some(id), Some(other)) = (response.as_object(), request.as_object()) {
            eval.set_field(id, "req", request.clone(), span);
            eval.set_field(other, "res", response.clone(), span);
        }
        let next = Value::new(Kind::Native(Native { name: NEXT, bound: Arc::new([]), of: None }), span);
        Self { request, response, next }
    }

    /// The arguments of an ordinary handler.
    pub fn arguments(&self) -> Arguments {
        Arguments::of(vec![self.request.clone(), self.response.clone(), self.next.clone()])
    }

    /// The one argument of a handler that takes request and answer as parts of an object.
    pub fn as_object(&self, eval: &mut Evaluator, span: Span) -> Arguments {
        let id = eval.new_object(Tag::Plain, span);
        for name in ["req", "request"] {
            eval.set_field(id, name, self.request.clone(), span);
        }
        for name in ["res", "response"] {
            eval.set_field(id, name, self.response.clone(), span);
        }
        eval.leave_open(id, Reason::new("what else a handler is given", span));
        Arguments::of(vec![Value::new(Kind::Object(id), span)])
    }

    /// The arguments of an error handler.
    pub fn with_error(&self, eval: &mut Evaluator, span: Span) -> Arguments {
        let error = eval.new_object(Tag::Host(ERROR), span);
        let error = Value::new(Kind::Object(error), span);
        Arguments::of(vec![error, self.request.clone(), self.response.clone(), self.next.clone()])
    }
}

/// What code does to an answer that cannot be read and is given it: it may set any header.
pub fn unread(span: Span) -> Effect {
    // One condition for all such code, so that much of it does not make many worlds.
    let sets = Reason { text: "whether the code that cannot be read sets headers".into(), span: None };
    let reason = Reason::new("code that cannot be read is given the answer", span);
    Effect { when: Guard::Unknown(sets), kind: EffectKind::Opaque(reason), span }
}

/// Notes where code that cannot be read is given the answer at hand.
pub fn handed_over(eval: &mut Evaluator, arguments: &Arguments, span: Span) {
    if eval.is_collecting() && arguments.positional.iter().any(|argument| gives_answer(eval, argument)) {
        let effect = unread(span);
        eval.under(effect.when, |eval| eval.emit(effect.kind, span));
    }
}

/// Whether a value is an answer, or an object that holds one: `{ req, res }`.
fn gives_answer(eval: &Evaluator, value: &Value) -> bool {
    let is_answer = |value: &Value| eval.host_tag(value) == Some(RESPONSE);
    let holds = |id| {
        let object = eval.object(id);
        object.tag == Tag::Plain && object.fields.iter().any(|field| is_answer(&field.value))
    };
    is_answer(value) || value.as_object().is_some_and(holds)
}

/// The value of a request header, noted as being read.
fn request_header(eval: &mut Evaluator, name: &str, span: Span) -> Value {
    let name = name.to_ascii_lowercase();
    if eval.is_collecting() {
        eval.emit(EffectKind::Notice(RemarkKind::ReadsHeader(name.clone())), span);
    }
    Value::text(Text::header(&name), span)
}

/// Notes something about the body of the request at hand.
fn note_body(eval: &mut Evaluator, kind: RemarkKind, span: Span) {
    if eval.is_collecting() {
        eval.emit(EffectKind::Notice(kind), span);
    }
}

/// A property of a request, an answer, or what belongs to them.
pub fn property(eval: &mut Evaluator, of: &Value, name: &str, span: Span) -> Option<Value> {
    match eval.host_tag(of) {
        Some(REQUEST) => Some(match name {
            "headers" => {
                let headers = eval.new_object(Tag::Host(HEADERS), span);
                Value::new(Kind::Object(headers), span)
            }
            "method" => Value::text(Text::Request(Part::Method), span),
            "path" => Value::text(Text::Request(Part::LocalPath), span),
            "url" => Value::text(Text::Request(Part::LocalTarget), span),
            "baseUrl" => Value::text(Text::Request(Part::Base), span),
            "originalUrl" => Value::text(Text::Request(Part::Target), span),
            // A socket ends as the answer does.
            "socket" | "connection" => of.as_object().and_then(|id| eval.field(id, "res"))?.value.clone(),
            "cookies" | "signedCookies" | "session" => {
                if eval.is_collecting() {
                    eval.emit(EffectKind::Notice(RemarkKind::ReadsCredentials(format!("req.{name}"))), span);
                }
                Value::unknown(format!("`req.{name}` comes with the request"), span)
            }
            _ => {
                if name == "body" {
                    note_body(eval, RemarkKind::ReadsBody, span);
                }
                // What middleware put there before is found as a field.
                let own = of.as_object().and_then(|id| eval.field(id, name)).map(|field| field.value.clone());
                own.unwrap_or_else(|| Value::unknown(format!("`req.{name}` comes with the request"), span))
            }
        }),
        // Node keeps the names of a request's headers in lower case.
        Some(HEADERS) if name.bytes().any(|letter| letter.is_ascii_uppercase()) => Some(Value::undefined(span)),
        Some(HEADERS) => Some(request_header(eval, name, span)),
        Some(ERROR) => Some(match name {
            "status" | "statusCode" => Value::text(Text::Request(Part::ErrorStatus), span),
            _ => Value::unknown("a property of the error", span),
        }),
        Some(RESPONSE) => Some(match name {
            "headersSent" => Value::new(Kind::Bool(false), span),
            "req" => of.as_object().and_then(|id| eval.field(id, "req")).map(|field| field.value.clone())?,
            "locals" => match of.as_object().and_then(|id| eval.field(id, "locals")) {
                Some(field) => field.value.clone(),
                None => Value::unknown("`res.locals` is not followed", span),
            },
            _ if METHODS.contains(&name) => {
                let bound = [Value::str(name, span)].into();
                Value::new(Kind::Native(Native { name: METHOD, bound, of: of.as_object() }), span)
            }
            _ => Value::unknown(format!("`res.{name}` is not followed"), span),
        }),
        _ => match &of.kind {
            // A request that nobody named: `event.headers` and the like.
            Kind::Unknown(_) if name == "headers" && eval.is_collecting() => {
                let headers = eval.new_object(Tag::Host(HEADERS), span);
                Some(Value::new(Kind::Object(headers), span))
            }
            _ => None,
        },
    }
}

/// A call of the way on.
pub fn call(eval: &mut Evaluator, callee: &Value, arguments: &Arguments, span: Span) -> Option<Value> {
    match &callee.kind {
        Kind::Native(native) if native.name == NEXT => {
            go_on(eval, arguments.get(0), span);
            Some(Value::undefined(span))
        }
        Kind::Native(native) if native.name == METHOD => {
            let native = native.clone();
            let name = native.bound.first()?.as_str()?;
            let Some(receiver) = native.bound.get(1) else {
                eval.throw_error(Guard::Always, "TypeError", "Cannot read properties of undefined", span);
                return Some(Value::undefined(span));
            };
            let call = MethodCall { receiver, name, arguments, span, name_span: span };
            Some(response_method(eval, &call, false))
        }
        _ => None,
    }
}

/// `next(error)`.
pub fn go_on(eval: &mut Evaluator, error: Option<&Value>, span: Span) {
    let Some(error) = error else { return eval.emit(EffectKind::Next, span) };
    for (when, value) in error.branches() {
        eval.under(when, |eval| match &value.kind {
            Kind::Undefined | Kind::Null => eval.emit(EffectKind::Next, span),
            Kind::Str(word) if &**word == "route" => eval.emit(EffectKind::Leave, span),
            Kind::Str(word) if &**word == "router" => eval.emit(EffectKind::LeaveGroup, span),
            Kind::Unknown(reason) => {
                let failed = Guard::Unknown(reason.clone());
                let status = Status::Unknown(reason.clone());
                eval.under(failed.clone(), |eval| eval.emit(EffectKind::Fail(status), span));
                eval.under(Guard::not(failed), |eval| eval.emit(EffectKind::Next, span));
            }
            _ if value.truthy() == Guard::Never => eval.emit(EffectKind::Next, span),
            _ => {
                for kind in failure(eval, &value, span) {
                    eval.emit(kind, span);
                }
            }
        });
    }
}

/// The status that an error carries: its `status`, else its `statusCode`, as far as it is one of an error.
pub fn status_of_error(eval: &mut Evaluator, error: &Value) -> Status {
    if eval.host_tag(error) == Some(ERROR) {
        return Status::OfError;
    }
    let id = match &error.kind {
        Kind::Object(id) => *id,
        Kind::Unknown(reason) => return Status::Unknown(reason.clone()),
        _ => return Status::Unset,
    };
    let mut odd = eval.object(id).open.clone().map_or(Status::Unset, Status::Unknown);
    for name in ["status", "statusCode"] {
        let Some(value) = eval.field(id, name).map(|field| field.value.clone()) else { continue };
        match &value.kind {
            Kind::Number(code) if (400.0..600.0).contains(code) => return Status::Code(*code as u16),
            Kind::Undefined | Kind::Null => {}
            // Handlers of the program may take what Express's last answer does not.
            Kind::Number(code) if (100.0..1000.0).contains(code) => odd = Status::Code(*code as u16),
            Kind::Number(_) | Kind::Str(_) | Kind::Bool(_) => {
                odd = Status::Unknown(Reason::new("the error carries a status that is none", value.span));
            }
            _ => return status(&value),
        }
    }
    odd
}

/// What an error does on its way to whoever answers it. Express's last answer has the error's own headers, if it has a
/// status too.
pub fn failure(eval: &mut Evaluator, error: &Value, span: Span) -> Vec<EffectKind> {
    let status = status_of_error(eval, error);
    let headers = error.as_object().and_then(|id| eval.field(id, "headers")).map(|field| field.value.clone());
    let fields = headers.and_then(|headers| headers.as_object()).map(|id| eval.object(id).fields.clone());
    let carries_headers = !matches!(status, Status::Unset | Status::Code(..400 | 600..));
    let unknown = Text::Unknown(Reason::new("the error carries headers of its own", span));
    let writes = fields.into_iter().flatten().filter(|_| carries_headers).map(|field| {
        let (name, trail) = (Arc::from(&*field.name), field.value.trail());
        EffectKind::Write(HeaderWrite { name, op: WriteOp::Set, values: vec![unknown.clone()], trail })
    });
    let mut effects: Vec<EffectKind> = writes.collect();
    effects.push(EffectKind::Fail(status));
    effects
}

/// A value as a status.
pub fn status(value: &Value) -> Status {
    match &value.kind {
        Kind::Number(number) if (100.0..1000.0).contains(number) => Status::Code(*number as u16),
        // Node refuses it (`ERR_HTTP_INVALID_STATUS_CODE`).
        Kind::Number(number) if !number.is_nan() => Status::Code(500),
        Kind::Bool(_) => Status::Code(500),
        Kind::Text(text) if matches!(&**text, Text::Request(Part::ErrorStatus)) => Status::OfError,
        Kind::Str(text) => match text.parse() {
            Ok(code) => Status::Code(code),
            // `statusCode |= 0` makes a word 0.
            Err(_) => Status::Code(500),
        },
        Kind::Unknown(reason) => Status::Unknown(reason.clone()),
        _ => Status::Unknown(Reason::new("this status is not followed", value.span)),
    }
}

/// A method of a request or an answer. Express 4 takes statuses in more ways than Express 5 does.
pub fn method(eval: &mut Evaluator, call: &MethodCall, is_express_4: bool) -> Option<Value> {
    if let Kind::Native(native) = &call.receiver.kind
        && native.name == METHOD
    {
        let native = native.clone();
        return taken_method(eval, &native, call, is_express_4);
    }
    match eval.host_tag(call.receiver) {
        Some(REQUEST) => request_method(eval, call),
        Some(RESPONSE) => Some(response_method(eval, call, is_express_4)),
        Some(HEADERS) => match call.name {
            "get" | "has" => {
                let name = call.arguments.get(0)?.as_str()?.to_owned();
                let value = request_header(eval, &name, call.span);
                Some(if call.name == "has" { Value::test(value.present(), call.span) } else { value })
            }
            "hasOwnProperty" => None,
            _ => None,
        },
        _ => match &call.receiver.kind {
            Kind::Unknown(_) if eval.is_collecting() => unnamed_method(eval, call),
            _ => None,
        },
    }
}

/// `setHeader.call(res, name, value)`, `.apply(res, […])`, `.bind(res)`.
fn taken_method(eval: &mut Evaluator, taken: &Native, call: &MethodCall, is_express_4: bool) -> Option<Value> {
    let receiver = call.arguments.get(0).filter(|value| eval.host_tag(value) == Some(RESPONSE)).cloned()?;
    let name = taken.bound.first()?.clone();
    let rest = match call.name {
        "bind" => {
            let native = Native { name: METHOD, bound: [name, receiver].into(), of: taken.of };
            return Some(Value::new(Kind::Native(native), call.span));
        }
        "call" => call.arguments.positional.iter().skip(1).cloned().collect(),
        "apply" => call.arguments.get(1).and_then(|list| eval.items(list)).map(|list| list.items.clone())?,
        _ => return None,
    };
    let arguments = Arguments::of(rest);
    let call = MethodCall { receiver: &receiver, name: name.as_str()?, arguments: &arguments, ..*call };
    Some(response_method(eval, &call, is_express_4))
}

fn request_method(eval: &mut Evaluator, call: &MethodCall) -> Option<Value> {
    match call.name {
        "get" | "header" => {
            let name = call.arguments.get(0)?.as_str()?.to_owned();
            Some(request_header(eval, &name, call.span))
        }
        "on" | "once" | "pipe" | "setEncoding" => {
            // What reads the body by itself takes any kind.
            note_body(eval, RemarkKind::ParsesBody(BodyKind::Simple), call.span);
            for argument in &call.arguments.positional {
                if call.name == "pipe" && eval.host_tag(argument) == Some(RESPONSE) {
                    eval.emit(EffectKind::Respond(None), call.span);
                }
                if let Kind::Function(_) = argument.kind {
                    // The body's events come sooner or later.
                    eval.call(argument, &Arguments::default(), call.span);
                }
            }
            Some(call.receiver.clone())
        }
        _ => None,
    }
}

fn response_method(eval: &mut Evaluator, call: &MethodCall, is_express_4: bool) -> Value {
    let first = call.arguments.get(0);
    let span = call.span;
    match call.name {
        "set" | "header" | "setHeader" | "setHeaders" => {
            if let Some(id) = call.receiver.as_object() {
                eval.set_field(id, HEADERS_SET, Value::new(Kind::Bool(true), span), span);
            }
            set_headers(eval, call, WriteOp::Set);
        }
        "append" | "appendHeader" => set_headers(eval, call, WriteOp::Append),
        "removeHeader" => {
            if let Some(name) = first.and_then(Value::as_str) {
                let write = HeaderWrite {
                    name: name.into(),
                    op: WriteOp::Remove,
                    values: Vec::new(),
                    trail: Value::undefined(span).trail(),
                };
                eval.emit(EffectKind::Write(write), span);
            }
        }
        // Express 5 hands it on to `vary`, which needs a field.
        "vary" if first.is_none() && !is_express_4 => {
            eval.throw_error(Guard::Always, "TypeError", "field argument is required", span);
        }
        "vary" => {
            if let Some(value) = first {
                write(eval, headers::canonical(headers::VARY).as_ref(), WriteOp::AppendMembers, value, span);
            }
        }
        // Express 5 takes whole numbers only.
        "status" | "sendStatus" if !is_express_4 && first.is_some_and(is_no_whole_number) => {
            eval.emit(EffectKind::Fail(Status::Unset), span);
        }
        "status" => {
            if let Some(value) = first {
                set_status(eval, value, span, false);
            }
        }
        "writeHead" => write_head(eval, call),
        "sendStatus" => {
            if let Some(value) = first {
                set_status(eval, value, span, true);
            }
        }
        "redirect" => {
            let vary = Value::str("Accept", span);
            write(eval, "Vary", WriteOp::AppendMembers, &vary, span);
            let second = call.arguments.get(1);
            match first.map(|value| &value.kind) {
                Some(Kind::Number(_)) => set_status(eval, &call.arguments.positional[0].clone(), span, true),
                // `redirect(address, status)`
                Some(_) if is_express_4 && second.is_some_and(is_number) => {
                    set_status(eval, &call.arguments.positional[1].clone(), span, true);
                }
                Some(Kind::Str(_)) if second.is_some() => {
                    eval.throw_error(Guard::Always, "TypeError", "Invalid status code", span);
                }
                _ => eval.emit(EffectKind::Respond(Some(Status::Code(302))), span),
            }
        }
        "send" | "json" if is_express_4 && matches!(first.map(|value| &value.kind), Some(Kind::Number(_))) => {
            if let Some(value) = first {
                set_status(eval, value, span, call.name == "send");
            }
            if call.name == "json" {
                eval.emit(EffectKind::Respond(None), span);
            }
        }
        // `send(body, status)`
        "send" | "json" | "jsonp" if is_express_4 && call.arguments.get(1).is_some_and(is_number) => {
            set_status(eval, &call.arguments.positional[1].clone(), span, true);
        }
        "sendFile" | "sendfile" | "download" => send_file(eval, call),
        "send" | "json" | "jsonp" | "end" | "render" | "write" | "flushHeaders" => {
            eval.emit(EffectKind::Respond(None), span);
            for argument in &call.arguments.positional {
                if matches!(argument.kind, Kind::Function(_)) && call.name != "render" {
                    eval.collect(argument, &Arguments::default(), span);
                }
            }
        }
        "format" => {
            let vary = Value::str("Accept", span);
            write(eval, "Vary", WriteOp::AppendMembers, &vary, span);
            eval.emit(EffectKind::Respond(None), span);
        }
        "destroy" => eval.emit(EffectKind::Close, span),
        "get" | "getHeader" => {
            return match first.and_then(Value::as_str) {
                Some(name) => Value::text(Text::Sent(name.to_ascii_lowercase().into()), span),
                None => Value::unknown("what the answer has so far", span),
            };
        }
        "hasHeader" => return Value::unknown("what the answer has so far", span),
        _ => {}
    }
    call.receiver.clone()
}

fn is_number(value: &Value) -> bool {
    matches!(value.kind, Kind::Number(_))
}

fn is_no_whole_number(value: &Value) -> bool {
    match &value.kind {
        Kind::Number(number) => number.fract() != 0.0,
        Kind::Str(_) | Kind::Bool(_) | Kind::Null | Kind::Undefined => true,
        _ => false,
    }
}

/// `sendFile(path, { headers }, callback)`: a file that is missing is an error, which the callback gets if there is one.
fn send_file(eval: &mut Evaluator, call: &MethodCall) {
    let span = call.span;
    let rest: Vec<Value> = call.arguments.positional.iter().skip(1).cloned().collect();
    let has_options = rest.iter().any(|argument| !matches!(argument.kind, Kind::Function(_)));
    let is_absolute = |path: &str| path.starts_with(['/', '\\']) || path.get(1..2) == Some(":");
    let path = call.arguments.get(0).and_then(Value::as_str);
    if call.name == "sendFile" && !has_options && path.is_some_and(|path| !is_absolute(path)) {
        let message = "path must be absolute or specify root to res.sendFile";
        return eval.throw_error(Guard::Always, "TypeError", message, span);
    }
    let callback = rest.iter().find(|argument| matches!(argument.kind, Kind::Function(_))).cloned();
    let missing = Guard::Unknown(Reason::new("whether the file is missing", span));
    eval.under(missing.clone(), |eval| match &callback {
        None => eval.emit(EffectKind::Fail(Status::Code(404)), span),
        Some(callback) => {
            let id = eval.new_object(Tag::Plain, span);
            for name in ["status", "statusCode"] {
                eval.set_field(id, name, Value::new(Kind::Number(404.0), span), span);
            }
            eval.leave_open(id, Reason::new("what else the error says", span));
            let error = Value::new(Kind::Object(id), span);
            eval.call(callback, &Arguments::of(vec![error]), span);
        }
    });
    eval.under(Guard::not(missing), |eval| {
        send_headers(eval, call);
        eval.emit(EffectKind::Respond(None), span);
        if let Some(callback) = &callback {
            eval.collect(callback, &Arguments::default(), span);
        }
    });
}

/// `sendFile(path, { headers })`
fn send_headers(eval: &mut Evaluator, call: &MethodCall) {
    let options = call.arguments.positional.iter().skip(1).find(|argument| argument.as_object().is_some());
    let Some(options) = options.cloned() else { return };
    let headers = eval.get(&options, "headers", call.span);
    let Some(id) = headers.as_object() else { return };
    for field in eval.object(id).fields.clone() {
        write(eval, &field.name, WriteOp::Set, &field.value, field.span);
    }
}

/// A method of something unknown, that speaks of a CORS header: a helper's `res`, a class's own answer.
fn unnamed_method(eval: &mut Evaluator, call: &MethodCall) -> Option<Value> {
    let op = match call.name {
        // A helper's `req`.
        "get" | "header" if call.arguments.positional.len() == 1 => {
            let name = call.arguments.get(0)?.as_str()?;
            return name
                .eq_ignore_ascii_case(headers::ORIGIN)
                .then(|| Value::text(Text::header(headers::ORIGIN), call.span));
        }
        "set" | "header" | "setHeader" => WriteOp::Set,
        "append" | "appendHeader" => WriteOp::Append,
        "vary" => {
            let members = call.arguments.get(0)?.clone();
            write(eval, "Vary", WriteOp::AppendMembers, &members, call.span);
            return Some(call.receiver.clone());
        }
        "writeHead" => {
            let speaks = call.arguments.positional.iter().any(|argument| {
                argument.as_object().is_some_and(|id| eval.object(id).fields.iter().any(|field| is_cors(&field.name)))
            });
            if speaks {
                write_head(eval, call);
                return Some(call.receiver.clone());
            }
            return None;
        }
        _ => return None,
    };
    let speaks = match call.arguments.get(0)? {
        Value { kind: Kind::Str(name), .. } => {
            (is_cors(name) || name.eq_ignore_ascii_case(headers::VARY)) && call.arguments.positional.len() == 2
        }
        other => other.as_object().is_some_and(|id| eval.object(id).fields.iter().any(|field| is_cors(&field.name))),
    };
    if !speaks {
        return None;
    }
    set_headers(eval, call, op);
    Some(call.receiver.clone())
}

fn is_cors(name: &str) -> bool {
    name.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("access-control-"))
        || headers::misspelt_cors_header(name).is_some()
}

/// Sets the status of the answer to come, or answers with it.
fn set_status(eval: &mut Evaluator, value: &Value, span: Span, answers: bool) {
    for (when, value) in value.branches() {
        let status = status(&value);
        let kind = if answers { EffectKind::Respond(Some(status)) } else { EffectKind::Status(status) };
        eval.under(when, |eval| eval.emit(kind, span));
    }
}

/// When a value is `null`, which Node sends as that word.
fn is_null(value: &Value) -> Guard {
    Guard::any(value.branches().into_iter().filter(|(_, value)| matches!(value.kind, Kind::Null)).map(|(when, _)| when))
}

/// The field that says that the headers are on their way, and nothing can be added to them.
const HEAD_WRITTEN: &str = "(head written)";

fn set_headers(eval: &mut Evaluator, call: &MethodCall, op: WriteOp) {
    let written =
        call.receiver.as_object().and_then(|id| eval.field(id, HEAD_WRITTEN)).map(|field| field.value.truthy());
    if let Some(written) = written.filter(|written| *written != Guard::Never) {
        // ERR_HTTP_HEADERS_SENT; Express's last error handler then cuts the connection.
        eval.under(written, |eval| eval.emit(EffectKind::Close, call.span));
    }
    match call.arguments.get(0).map(|first| (&first.kind, first.as_object())) {
        Some((Kind::Str(name), _)) => {
            let name = name.clone();
            match call.arguments.get(1) {
                // `res.set('Name')` without a value is Express's `String(undefined)`.
                None => write(eval, &name, op, &Value::undefined(call.span), call.span),
                Some(value) => {
                    let strict = matches!(call.name, "setHeader" | "appendHeader");
                    let given = if strict { value.present().or(is_null(value)) } else { Guard::Always };
                    if given != Guard::Always {
                        // ERR_HTTP_INVALID_HEADER_VALUE
                        let message = format!("Invalid value \"undefined\" for header \"{name}\"");
                        eval.throw_error(Guard::not(given.clone()), "TypeError", &message, call.span);
                    }
                    eval.under(given, |eval| write(eval, &name, op, value, call.span));
                }
            }
        }
        Some((_, Some(id))) => {
            for field in eval.object(id).fields.clone() {
                write(eval, &field.name, op, &field.value, field.span);
            }
        }
        _ => {}
    }
}

fn write_head(eval: &mut Evaluator, call: &MethodCall) {
    // Where nothing was set before, an array's repeated names are so many lines.
    let progressive = call.receiver.as_object().is_none_or(|id| eval.field(id, HEADERS_SET).is_some());
    let op = if progressive { WriteOp::Set } else { WriteOp::Append };
    if let Some(id) = call.receiver.as_object() {
        eval.set_field(id, HEAD_WRITTEN, Value::new(Kind::Bool(true), call.span), call.span);
    }
    if let Some(value) = call.arguments.get(0) {
        set_status(eval, value, call.span, false);
    }
    for argument in call.arguments.positional.iter().skip(1) {
        let Some(id) = argument.as_object() else { continue };
        let object = eval.object(id);
        if object.tag == Tag::Array {
            let items = object.items.clone();
            for pair in items.chunks(2) {
                match pair {
                    [Value { kind: Kind::Str(name), .. }, value] => {
                        let name = name.clone();
                        write(eval, &name, op, value, value.span);
                    }
                    // A list of pairs is none that Node takes.
                    [Value { kind: Kind::Object(_), .. }, ..] => {
                        eval.throw_error(Guard::Always, "TypeError", "The argument 'headers' is invalid", call.span);
                        return;
                    }
                    _ => {}
                }
            }
        } else {
            for field in object.fields.clone() {
                let given = field.value.present().or(is_null(&field.value));
                let message = format!("Invalid value \"undefined\" for header \"{}\"", field.name);
                eval.throw_error(Guard::not(given.clone()), "TypeError", &message, call.span);
                eval.under(given, |eval| write(eval, &field.name, WriteOp::Set, &field.value, field.span));
            }
        }
    }
}

/// Writes a header with a value of the program, under every condition on which the value depends.
pub fn write(eval: &mut Evaluator, name: &str, op: WriteOp, value: &Value, span: Span) {
    let mut trail = value.trail();
    if trail.0.first().is_none_or(|(place, _)| *place != span) {
        trail.0.push((span, "".into()));
    }
    let values: Vec<Text> = match eval.items(value) {
        Some(object) => object.items.iter().map(|item| item.to_text("undefined")).collect(),
        None => vec![value.to_text("undefined")],
    };
    if let Some(message) = refused(name, &values) {
        return eval.throw_error(Guard::Always, "TypeError", &message, span);
    }
    write_texts(eval, name, op, values, trail, span);
}

/// Writes a header. A value that Node refuses ends in an error (`ERR_INVALID_CHAR`).
pub fn write_texts(
    eval: &mut Evaluator,
    name: &str,
    op: WriteOp,
    values: Vec<Text>,
    trail: crate::model::Trail,
    span: Span,
) {
    if refused(name, &values).is_some() {
        eval.emit(EffectKind::Fail(Status::Unset), span);
        return;
    }
    let write = HeaderWrite { name: Arc::from(name), op, values, trail };
    eval.emit(EffectKind::Write(write), span);
}

/// What Node says of a header that it does not take: `ERR_INVALID_HTTP_TOKEN`, `ERR_INVALID_CHAR`.
fn refused(name: &str, values: &[Text]) -> Option<String> {
    if !is_token(name) {
        return Some(format!("Header name must be a valid HTTP token [\"{name}\"]"));
    }
    let taken = |value: &Text| value.as_literal().is_none_or(is_field_value);
    (!values.iter().all(taken)).then(|| format!("Invalid character in header content [\"{name}\"]"))
}

/// Node's `checkIsHttpToken`.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&letter))
}

/// Node's `checkInvalidHeaderChar`.
fn is_field_value(text: &str) -> bool {
    text.chars()
        .all(|letter| letter == '\t' || (' '..='\u{7e}').contains(&letter) || ('\u{80}'..='\u{ff}').contains(&letter))
}
