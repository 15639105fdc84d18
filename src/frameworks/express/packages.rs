//! Packages around Express, as far as they decide who answers.

use super::{host_object, native};
use crate::eval::{Arguments, Evaluator, Kind, Native, Tag, Value};
use crate::frameworks::common::node;
use crate::model::{EffectKind, Guard, Reason, WriteOp};
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
        "http-errors" => "package.errors",
        "jsonwebtoken" | "jose" => "package.jwt",
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
        ("package.jwt", "verify" | "jwtVerify") => "package.jwt-verify",
        ("package.jwt", "default") => "package.jwt",
        ("package.jwt", _) => return None,
        ("package.errors", _) => return error_class(name, span),
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

/// The field that holds for which requests middleware is left out (`express-unless`).
pub const UNLESS: &str = "(unless)";

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
    if package.name == "package.jwt-verify" {
        return Some(verify(eval, arguments, span));
    }
    if package.name == "package.errors" {
        return Some(http_error(eval, package, arguments, span));
    }
    let made = middleware(eval, tag(package.name), arguments, span);
    if let (Some(id), Some(name)) = (made.as_object(), package.bound.first()) {
        eval.set_field(id, NAME, name.clone(), span);
    }
    Some(made)
}

/// `jwt.verify(token, secret)`, which throws where the token is refused, and with a callback tells that.
fn verify(eval: &mut Evaluator, arguments: &Arguments, span: Span) -> Value {
    let claims = Value::unknown("what the token says", span);
    let refused = Guard::Unknown(Reason::new("whether the token is refused", span));
    let callback = arguments.positional.iter().skip(2).find(|argument| matches!(argument.kind, Kind::Function(_)));
    let Some(callback) = callback.cloned() else {
        eval.throw_error(refused, "JsonWebTokenError", "invalid token", span);
        return claims;
    };
    let error = Value::new(Kind::Object(eval.new_object(Tag::Plain, span)), span);
    eval.under(refused.clone(), |eval| eval.call(&callback, &Arguments::of(vec![error]), span));
    let nothing = Value::new(Kind::Null, span);
    let given = Arguments::of(vec![nothing, claims]);
    eval.under(Guard::not(refused), |eval| eval.call(&callback, &given, span));
    Value::undefined(span)
}

/// Classes of `http-errors` 2.0 by their names: `createError.NotFound`.
fn error_class(name: &str, span: Span) -> Option<Value> {
    const CLASSES: &[(&str, u16)] = &[
        ("BadRequest", 400),
        ("Unauthorized", 401),
        ("PaymentRequired", 402),
        ("Forbidden", 403),
        ("NotFound", 404),
        ("MethodNotAllowed", 405),
        ("NotAcceptable", 406),
        ("RequestTimeout", 408),
        ("Conflict", 409),
        ("Gone", 410),
        ("PayloadTooLarge", 413),
        ("UnsupportedMediaType", 415),
        ("UnprocessableEntity", 422),
        ("TooManyRequests", 429),
        ("InternalServerError", 500),
        ("NotImplemented", 501),
        ("BadGateway", 502),
        ("ServiceUnavailable", 503),
        ("GatewayTimeout", 504),
    ];
    let by_code = || name.parse().ok().filter(|code| (400..600).contains(code));
    let code: u16 = CLASSES.iter().find(|(class, _)| *class == name).map(|(_, code)| *code).or_else(by_code)?;
    let bound = [Value::new(Kind::Number(code.into()), span)].into();
    Some(Value::new(Kind::Native(Native { name: "package.errors", bound, of: None }), span))
}

/// `createError(404, 'message', { headers })`, `new createError.NotFound()`.
fn http_error(eval: &mut Evaluator, package: &Native, arguments: &Arguments, span: Span) -> Value {
    let mut code = package.bound.first().cloned();
    let mut error = None;
    for argument in &arguments.positional {
        match &argument.kind {
            Kind::Object(id) => {
                let fields = eval.object(*id).fields.clone();
                let made = *error.get_or_insert_with(|| eval.new_object(Tag::Plain, span));
                fields.into_iter().for_each(|field| eval.set_field(made, &field.name, field.value, field.span));
            }
            Kind::Str(_) | Kind::Text(_) => {}
            _ => code = Some(argument.clone()),
        }
    }
    let id = error.unwrap_or_else(|| eval.new_object(Tag::Plain, span));
    // An error that is given keeps the status that it has.
    let own = eval.field(id, "status").or_else(|| eval.field(id, "statusCode")).map(|field| field.value.clone());
    let code = code.or(own).unwrap_or_else(|| Value::new(Kind::Number(500.0), span));
    for name in ["status", "statusCode"] {
        eval.set_field(id, name, code.clone(), span);
    }
    Value::new(Kind::Object(id), span)
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
