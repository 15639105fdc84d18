//! Packages around Express, as far as they decide who answers.

use super::{host_object, native};
use crate::eval::{Arguments, Evaluator, Kind, Native, Value};
use crate::frameworks::common::node;
use crate::model::{EffectKind, Reason, WriteOp};
use crate::source::Span;

/// Middleware that goes on, and touches no CORS header.
pub const PLAIN: &str = "middleware.plain";
/// Middleware that reads sessions.
pub const CREDENTIALS: &str = "middleware.credentials";
/// Middleware that refuses requests without credentials.
pub const AUTH: &str = "middleware.auth";
/// Middleware that parses bodies.
pub const BODY: &str = "middleware.body";
/// Middleware that limits the rate of requests.
pub const LIMIT: &str = "middleware.limit";
/// Middleware that serves files.
pub const STATIC: &str = "middleware.static";
/// Middleware that refuses requests which change something, without a token of its own.
pub const TOKEN: &str = "middleware.token";
/// Middleware that takes the method from a header.
pub const METHOD: &str = "middleware.method";
/// Middleware that hands requests to another server.
pub const PROXY: &str = "middleware.proxy";

/// What a package's functions give, by the package's name. None of them but those that say so here sets a CORS header,
/// as their sources of November 2026 have it; what is not listed may.
fn package(module: &str) -> Option<&'static str> {
    Some(match module {
        "helmet"
        | "morgan"
        | "compression"
        | "hpp"
        | "xss-clean"
        | "express-mongo-sanitize"
        | "serve-favicon"
        | "response-time"
        | "connect-timeout"
        | "express-winston"
        | "pino-http"
        | "express-useragent"
        | "express-fileupload"
        | "connect-flash"
        | "express-request-id"
        | "nocache"
        | "errorhandler"
        | "express-validator"
        | "express-async-errors"
        // It reads cookies for handlers, which may ask for none.
        | "cookie-parser"
        | "express-status-monitor"
        | "multer"
        | "swagger-ui-express"
        // It waits for the answer to end, and changes nothing about it.
        | "on-finished"
        | "express-pino-logger"
        | "express-flash"
        | "express-ejs-layouts"
        | "express-formidable"
        | "connect-busboy"
        | "i18next-http-middleware"
        // It delays requests, and answers none.
        | "express-slow-down" => "package.plain",
        "express-session" | "cookie-session" => "package.credentials",
        "body-parser" => "package.body",
        "express-rate-limit" | "express-brute" => "package.limit",
        "express-jwt" | "express-oauth2-jwt-bearer" | "express-basic-auth" | "express-bearer-token-required" => {
            "package.auth"
        }
        "passport" => "package.passport",
        "serve-static" => "package.static",
        "http-proxy-middleware" | "express-http-proxy" => "package.proxy",
        "vary" => "package.vary",
        "on-headers" => "package.on-headers",
        "method-override" => "package.method",
        "csurf" => "package.token",
        "express-http-context" | "cls-rtracer" | "request-ip" | "@sentry/node" => "package.mixed",
        _ => return None,
    })
}

/// A package by its name.
pub fn import(_eval: &mut Evaluator, module: &str, span: Span) -> Option<Value> {
    package(module).map(|name| {
        let known = ["compression", "express-jwt", "express-basic-auth"].into_iter().find(|known| *known == module);
        let bound: Vec<Value> = known.map(|name| Value::str(name, span)).into_iter().collect();
        let package = Native { name, bound: bound.into(), of: None };
        Value::new(Kind::Native(package), span)
    })
}

/// A function of a package.
pub fn property(package: &Native, name: &str, span: Span) -> Option<Value> {
    let property = match (package.name, name) {
        ("package.passport", "authenticate") => "package.auth",
        ("package.passport", "initialize") => "package.plain",
        ("package.passport", "session") => "package.credentials",
        ("package.passport", _) => return None,
        // Most of what these packages have is no middleware.
        (
            "package.mixed",
            "middleware" | "expressMiddleware" | "mw" | "Handlers" | "requestHandler" | "tracingHandler",
        ) => "package.mixed-middleware",
        ("package.mixed", _) => return None,
        // `vary.append(list, members)` gives a text.
        ("package.vary", _) => return None,
        ("package.body", "json" | "urlencoded" | "raw" | "text") => return Some(body_parser(name, span)),
        // `swaggerUi.serve` is middleware itself; functions of a package are its kind.
        (kind, _) => {
            let same = Native { name: kind_of(kind), ..package.clone() };
            return Some(Value::new(Kind::Native(same), span));
        }
    };
    Some(native(property, None, span))
}

/// The function that makes a parser of one kind of bodies: `express.json`, `bodyParser.urlencoded`.
pub fn body_parser(kind: &str, span: Span) -> Value {
    let bound = [Value::str(kind, span)].into();
    Value::new(Kind::Native(Native { name: "package.body", bound, of: None }), span)
}

fn kind_of(name: &str) -> &'static str {
    match name {
        "package.credentials" => "package.credentials",
        "package.body" => "package.body",
        "package.limit" => "package.limit",
        "package.auth" => "package.auth",
        "package.static" => "package.static",
        "package.proxy" => "package.proxy",
        "package.method" => "package.method",
        "package.token" => "package.token",
        _ => "package.plain",
    }
}

/// The tag of what a call of a package's function gives.
fn tag(name: &str) -> &'static str {
    match name {
        "package.credentials" => CREDENTIALS,
        "package.body" => BODY,
        "package.limit" => LIMIT,
        "package.auth" => AUTH,
        "package.static" => STATIC,
        "package.proxy" => PROXY,
        "package.method" => METHOD,
        "package.token" => TOKEN,
        _ => PLAIN,
    }
}

/// The field that holds a package's name, or the kind of a parser, where that matters.
pub const NAME: &str = "(package)";

/// A call of a package's function: it gives middleware.
pub fn call(eval: &mut Evaluator, package: &Native, arguments: &Arguments, span: Span) -> Option<Value> {
    if package.name == "package.vary" {
        // `vary(res, 'Origin')`
        let response = arguments.get(0).and_then(|value| eval.host_tag(value));
        if let (Some(node::RESPONSE), Some(members)) = (response, arguments.get(1)) {
            node::write(eval, "Vary", WriteOp::AppendMembers, members, span);
        }
        return Some(Value::undefined(span));
    }
    if package.name == "package.on-headers" {
        // Whatever is given sets headers when they go out.
        let reason = Reason::new("what sets headers when they go out is not followed", span);
        eval.emit(EffectKind::Opaque(reason), span);
        return Some(Value::undefined(span));
    }
    let made = middleware(eval, tag(package.name), arguments, span);
    if let (Some(id), Some(name)) = (made.as_object(), package.bound.first()) {
        eval.set_field(id, NAME, name.clone(), span);
    }
    Some(made)
}

/// Middleware made with these arguments, which it keeps as the fields `0`, `1` and `2`.
pub fn middleware(eval: &mut Evaluator, tag: &'static str, arguments: &Arguments, span: Span) -> Value {
    let middleware = host_object(eval, tag, span);
    if let Some(id) = middleware.as_object() {
        for (at, argument) in arguments.positional.iter().enumerate().take(3) {
            if !matches!(argument.kind, Kind::Function(_)) {
                eval.set_field(id, ["0", "1", "2"][at], argument.clone(), argument.span);
            }
        }
    }
    middleware
}
