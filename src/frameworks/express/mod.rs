//! Express 4 and 5, the `cors` package, and plain Node servers.

mod body;
mod carried;
mod cors;
mod extract;
mod handler;
mod middleware;
mod packages;
mod paths;
mod plain;
mod router;
mod schema;
mod unowned;

use std::sync::Arc;

pub use extract::extract;

use crate::eval::{Arguments, Evaluator, Host, Kind, MethodCall, Native, Tag, Value};
use crate::frameworks::common::node;
use crate::model::{EffectKind, Guard, Reason, Status};
use crate::source::Span;
use crate::syntax::program::Language;

const APP: &str = "express.app";
const ROUTER: &str = "express.router";
const ROUTE: &str = "express.route";
const SERVER: &str = "http.server";

/// What programs get from `express`, `cors`, `http` and the packages around them.
pub struct Express;

impl Host for Express {
    fn language(&self) -> Language {
        Language::JavaScript
    }

    fn import(&self, eval: &mut Evaluator, module: &str, span: Span) -> Option<Value> {
        let name = match module {
            "express" => "express",
            "cors" => cors::PACKAGE,
            "http" | "https" | "node:http" | "node:https" | "http2" | "node:http2" => "http",
            "zod" | "zod/v3" | "zod/v4" => schema::PACKAGE,
            _ => return packages::import(eval, module, span),
        };
        Some(native(name, None, span))
    }

    fn property(&self, eval: &mut Evaluator, of: &Value, name: &str, span: Span) -> Option<Value> {
        if let Kind::Native(function) = &of.kind {
            let property = match (function.name, name) {
                ("express", "Router") => "express.Router",
                ("express", "static") => "express.static",
                ("express", "json" | "urlencoded" | "raw" | "text") => {
                    return Some(packages::body_parser(name, span));
                }
                ("express" | "http" | "cors", "default") => return Some(of.clone()),
                ("http", "createServer" | "Server" | "createSecureServer") => "http.createServer",
                (package, _) if package.starts_with(schema::PACKAGE) => return schema::property(package, name, span),
                (package, _) if package.starts_with("package.") => return packages::property(function, name, span),
                _ => return None,
            };
            return Some(native(property, None, span));
        }
        if matches!(eval.host_tag(of), Some(APP | ROUTER))
            && matches!(name, "use" | "get" | "post" | "listen" | "route" | "all")
        {
            return Some(native("express.registration", None, span));
        }
        node::property(eval, of, name, span)
    }

    fn call(&self, eval: &mut Evaluator, callee: &Value, arguments: &Arguments, span: Span) -> Option<Value> {
        if let Some(tag) = eval.host_tag(callee) {
            return call_object(eval, tag, callee, arguments, span);
        }
        let Kind::Native(function) = &callee.kind else { return None };
        let function = function.clone();
        match function.name {
            "express" => Some(host_object(eval, APP, span)),
            "express.Router" => {
                let router = host_object(eval, ROUTER, span);
                if let (Some(id), Some(options)) = (router.as_object(), arguments.get(0)) {
                    eval.set_field(id, "(options)", options.clone(), span);
                }
                Some(router)
            }
            "express.static" => Some(packages::middleware(eval, packages::STATIC, arguments, span)),
            "http.createServer" => Some(create_server(eval, arguments, span)),
            name if name.starts_with("cors") => cors::call(eval, &function, arguments, span),
            name if name.starts_with("package.") => packages::call(eval, &function, arguments, span),
            name if name.starts_with(schema::PACKAGE) => schema::call(eval, &function, arguments, span),
            _ => node::call(eval, callee, arguments, span),
        }
    }

    fn method(&self, eval: &mut Evaluator, call: &MethodCall) -> Option<Value> {
        match eval.host_tag(call.receiver) {
            Some(APP | ROUTER | ROUTE | SERVER) => register(eval, call),
            Some(schema::SCHEMA) => schema::method(eval, call),
            Some(packages::AUTH) if call.name == "unless" => {
                let id = call.receiver.as_object()?;
                let options = call.arguments.get(0)?.clone();
                eval.set_field(id, packages::UNLESS, options, call.span);
                Some(call.receiver.clone())
            }
            Some(_) => {
                let numbers = major(eval) < 5;
                node::method(eval, call, numbers)
            }
            None => match &call.receiver.kind {
                Kind::Unknown(reason) if matches!(call.name, "pipe") => {
                    // A stream that ends in the answer.
                    let first = call.arguments.get(0)?;
                    if eval.host_tag(first) == Some(node::RESPONSE) {
                        let _ = reason;
                        eval.emit(EffectKind::Respond(None), call.span);
                        return Some(first.clone());
                    }
                    None
                }
                Kind::Unknown(_) if call.name == "use" => {
                    // An application that some code, which cannot be read, hands over.
                    let speaks = call.arguments.positional.iter().any(is_policy);
                    if !speaks {
                        return None;
                    }
                    let app = host_object(eval, APP, call.span);
                    let id = app.as_object()?;
                    eval.set_field(id, INCOMPLETE, Value::new(Kind::Bool(true), call.span), call.span);
                    let call = MethodCall { receiver: &app, ..*call };
                    register(eval, &call)
                }
                _ => node::method(eval, call, false),
            },
        }
    }

    fn handed_over(&self, eval: &mut Evaluator, arguments: &Arguments, span: Span) {
        node::handed_over(eval, arguments, span);
    }

    fn assign(&self, eval: &mut Evaluator, of: &Value, name: &str, value: &Value, span: Span) -> bool {
        node::assign(eval, of, name, value, span)
    }

    fn construct(&self, eval: &mut Evaluator, callee: &Value, arguments: &Arguments, span: Span) -> Option<Value> {
        self.call(eval, callee, arguments, span)
    }
}

/// The field that says that an application is one whose surroundings are not known.
const INCOMPLETE: &str = "(incomplete)";

/// The field that says that a handler of a plain server hands requests to an application.
const ENTERED: &str = "(entered)";

/// Whether a value is what `cors()` gives.
fn is_policy(value: &Value) -> bool {
    matches!(&value.kind, Kind::Native(native) if native.name == cors::MIDDLEWARE || native.name == cors::PACKAGE)
}

fn native(name: &'static str, of: Option<crate::eval::ObjectId>, span: Span) -> Value {
    Value::new(Kind::Native(Native { name, bound: Arc::new([]), of }), span)
}

fn host_object(eval: &mut Evaluator, tag: &'static str, span: Span) -> Value {
    let id = eval.new_object(Tag::Host(tag), span);
    Value::new(Kind::Object(id), span)
}

/// Applications, routers and middleware are functions too: `router(req, res, next)`.
fn call_object(
    eval: &mut Evaluator,
    tag: &'static str,
    callee: &Value,
    arguments: &Arguments,
    span: Span,
) -> Option<Value> {
    let Some(next) = arguments.get(2) else {
        // `app(req, res)` in a handler of a plain server.
        let id = callee.as_object().filter(|_| tag == APP && eval.is_collecting())?;
        eval.set_field(id, ENTERED, Value::new(Kind::Bool(true), span), span);
        eval.emit(EffectKind::Next, span);
        return Some(Value::undefined(span));
    };
    match tag {
        packages::PLAIN | packages::BODY | packages::TOKEN | packages::LIMIT | packages::CREDENTIALS => {
            eval.call(next, &Arguments::default(), span);
            Some(Value::undefined(span))
        }
        APP | ROUTER | packages::AUTH | packages::STATIC | packages::PROXY => {
            let reason = Reason::new("it is handled by middleware that is called by hand", callee.span);
            let passes = Guard::Unknown(reason.clone());
            eval.under(passes.clone(), |eval| eval.call(next, &Arguments::default(), span));
            eval.under(Guard::not(passes), |eval| {
                eval.emit(EffectKind::Respond(Some(Status::Unknown(reason))), span);
            });
            Some(Value::undefined(span))
        }
        _ => None,
    }
}

fn create_server(eval: &mut Evaluator, arguments: &Arguments, span: Span) -> Value {
    let server = host_object(eval, SERVER, span);
    let handler = arguments
        .positional
        .iter()
        .rev()
        .find(|value| matches!(value.kind, Kind::Function(_)) || eval.host_tag(value).is_some())
        .cloned();
    if let (Some(handler), Some(id)) = (handler, server.as_object()) {
        eval.set_field(id, "handler", handler, span);
    }
    server
}

/// Notes a call that registers something, for [`extract`] to read in order.
fn register(eval: &mut Evaluator, call: &MethodCall) -> Option<Value> {
    let id = call.receiver.as_object()?;
    let when = eval.when();
    let mut arguments = call.arguments.clone();
    let mut result = call.receiver.clone();
    match call.name {
        "get" if arguments.positional.len() < 2 && eval.object(id).tag == Tag::Host(APP) => {
            return Some(Value::unknown("a setting of the application", call.span));
        }
        "route" => {
            result = host_object(eval, ROUTE, call.span);
            arguments.positional.push(result.clone());
        }
        "listen" => {
            if eval.object(id).tag == Tag::Host(APP) {
                result = host_object(eval, SERVER, call.span);
                if let Some(server) = result.as_object() {
                    eval.set_field(server, "handler", call.receiver.clone(), call.span);
                }
            }
            for argument in &call.arguments.positional {
                if let Kind::Function(_) = argument.kind {
                    eval.call(argument, &Arguments::default(), call.span);
                }
            }
        }
        "on" | "once" | "addListener" if eval.object(id).tag == Tag::Host(SERVER) => {
            let handler = call.arguments.get(1).filter(|_| plain::is_for_requests(call.arguments));
            let Some(handler) = handler else { return Some(result) };
            // Further listeners run behind the first; see `plain_servers`.
            if eval.field(id, "handler").is_none() {
                eval.set_field(id, "handler", handler.clone(), call.span);
                return Some(result);
            }
        }
        _ => {}
    }
    let record =
        crate::eval::Call { name: call.name.into(), arguments, when, span: call.span, name_span: call.name_span };
    let object = eval.object_mut(id);
    if object.calls.len() < 20_000 {
        object.calls.push(record);
    }
    Some(result)
}

/// The major version of Express that the running module is written for: 5 where nothing says it.
fn major(eval: &Evaluator) -> u32 {
    eval.package_version("express").and_then(|version| major_of(&version)).unwrap_or(5)
}

/// The first number of a version or a range: `^4.18.2` is 4.
fn major_of(version: &str) -> Option<u32> {
    let digits: String =
        version.chars().skip_while(|letter| !letter.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
