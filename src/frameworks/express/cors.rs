//! The `cors` package, 2.8.6 (`lib/index.js`); it has not changed its behaviour since 2.8.5.

use std::sync::Arc;

use crate::cors::headers;
use crate::eval::{Arguments, Evaluator, Kind, Native, ObjectId, Tag, Value, text_is_set};
use crate::frameworks::common::node::{self, Exchange};
use crate::model::{EffectKind, Guard, Reason, RemarkKind, Status, Text, Trail, WriteOp};
use crate::source::Span;

/// The package itself.
pub const PACKAGE: &str = "cors";
/// The middleware that `cors(options)` gives. Bound: the options.
pub const MIDDLEWARE: &str = "cors.middleware";
/// The callback of an options delegate. Bound: the way on.
const DELEGATE: &str = "cors.options-callback";
/// The callback of an origin function. Bound: options, the way on.
const ORIGIN: &str = "cors.origin-callback";

/// What is noted where a callback is given an error.
pub const REFUSED: &str = "the callback of the policy was given an error";

/// The options that the package reads. `headers` is an undocumented name for `allowedHeaders`.
const OPTIONS: &[&str] = &[
    "origin",
    "methods",
    "allowedHeaders",
    "headers",
    "exposedHeaders",
    "credentials",
    "maxAge",
    "preflightContinue",
    "optionsSuccessStatus",
];

/// Misspellings that are not near by letters.
const MEANT: &[(&str, &str)] = &[
    ("allowCredentials", "credentials"),
    ("withCredentials", "credentials"),
    ("credential", "credentials"),
    ("allowHeaders", "allowedHeaders"),
    ("allowOrigin", "origin"),
    ("allowedOrigins", "origin"),
    ("allowOrigins", "origin"),
    ("origins", "origin"),
    ("allowMethods", "methods"),
    ("allowedMethods", "methods"),
    ("method", "methods"),
    ("exposeHeaders", "exposedHeaders"),
    ("max_age", "maxAge"),
    ("maxage", "maxAge"),
    ("optionSuccessStatus", "optionsSuccessStatus"),
    ("optionsSuccess", "optionsSuccessStatus"),
];

/// `cors(options)`.
pub fn middleware(eval: &mut Evaluator, arguments: &Arguments, span: Span) -> Value {
    let options = arguments.get(0).cloned().unwrap_or_else(|| Value::undefined(span));
    let policy = eval.new_object(Tag::Host(POLICY), span);
    let native = Native { name: MIDDLEWARE, bound: Arc::new([options]), of: Some(policy) };
    let value = Value::new(Kind::Native(native), span);
    eval.set_field(policy, "made", value.clone(), span);
    value
}

/// The tag of what remembers that a policy was made, and whether it was ever used.
pub const POLICY: &str = "cors.policy";

/// A call of one of the package's functions.
pub fn call(eval: &mut Evaluator, native: &Native, arguments: &Arguments, span: Span) -> Option<Value> {
    match native.name {
        PACKAGE => Some(middleware(eval, arguments, span)),
        MIDDLEWARE => {
            // Called by hand: `cors(options)(req, res, next)`.
            let next = arguments.get(2).cloned().unwrap_or_else(|| Value::undefined(span));
            run(eval, native, &next, span);
            Some(Value::undefined(span))
        }
        DELEGATE => {
            let [next] = &*native.bound else { return None };
            let error = arguments.get(0).cloned().unwrap_or_else(|| Value::undefined(span));
            let options = arguments.get(1).cloned().unwrap_or_else(|| Value::undefined(span));
            unless_error(eval, &error, span, |eval| {
                for (when, options) in options.branches() {
                    eval.under(when, |eval| with_options(eval, &options, next, span));
                }
            });
            Some(Value::undefined(span))
        }
        ORIGIN => {
            let [options, next] = &*native.bound else { return None };
            let error = arguments.get(0).cloned().unwrap_or_else(|| Value::undefined(span));
            let origin = arguments.get(1).cloned().unwrap_or_else(|| Value::undefined(span));
            unless_error(eval, &error, span, |eval| {
                for (when, origin) in origin.branches() {
                    eval.under(when, |eval| decided_origin(eval, options, &origin, next, span));
                }
            });
            Some(Value::undefined(span))
        }
        _ => None,
    }
}

/// The middleware at work on a request. `next` is called where the package calls it.
pub fn run(eval: &mut Evaluator, native: &Native, next: &Value, span: Span) {
    if let Some(policy) = native.of {
        eval.set_field(policy, "used", Value::new(Kind::Bool(true), span), span);
    }
    // What a person would change is where the policy is made, not where it is registered.
    let span = native.of.map_or(span, |policy| eval.object(policy).span);
    let Some(options) = native.bound.first() else { return };
    for (when, options) in options.branches() {
        eval.under(when, |eval| match &options.kind {
            Kind::Function(_) => {
                let exchange = Exchange::new(eval, span);
                let callback = Native { name: DELEGATE, bound: Arc::new([next.clone()]), of: None };
                let callback = Value::new(Kind::Native(callback), span);
                eval.call(&options, &Arguments::of(vec![exchange.request, callback]), span);
            }
            _ => with_options(eval, &options, next, span),
        });
    }
}

fn unless_error(eval: &mut Evaluator, error: &Value, span: Span, go_on: impl FnOnce(&mut Evaluator)) {
    let failed = error.truthy();
    if failed != Guard::Never {
        let status = node::status_of_error(eval, error);
        eval.under(failed.clone(), |eval| {
            eval.emit(EffectKind::Mark(REFUSED.into()), span);
            eval.emit(EffectKind::Fail(status), span);
        });
    }
    if failed != Guard::Always {
        eval.under(Guard::not(failed), go_on);
    }
}

fn with_options(eval: &mut Evaluator, options: &Value, next: &Value, span: Span) {
    if let Kind::Unknown(reason) = &options.kind {
        let reason =
            Reason { text: format!("the options of cors() are not known: {}", reason.text).into(), ..reason.clone() };
        eval.emit(EffectKind::Opaque(reason.clone()), span);
        let answers = Guard::method("OPTIONS", span).and(Guard::Unknown(reason.clone()));
        eval.under(answers.clone(), |eval| eval.emit(EffectKind::Respond(Some(Status::Unknown(reason))), span));
        eval.under(Guard::not(answers), |eval| go_on(eval, next, span));
        return;
    }
    notice_options(eval, options, span);
    let origin = option(eval, options, "origin", span).unwrap_or_else(|| default_of("origin", span));
    for (when, origin) in origin.branches() {
        eval.under(when, |eval| match &origin.kind {
            Kind::Function(closure) => {
                let asked = Value::text(Text::header(headers::ORIGIN), span);
                let bound: Arc<[Value]> = Arc::new([options.clone(), next.clone()]);
                let callback = Native { name: ORIGIN, bound, of: None };
                let callback = Value::new(Kind::Native(callback), closure.function.span);
                eval.call(&origin, &Arguments::of(vec![asked, callback]), span);
            }
            _ => decided_origin(eval, options, &origin, next, span),
        });
    }
}

/// An option's value, with the default where it may be given or not (`object-assign` 4.1: a field that is there replaces the
/// default, also with `undefined`); `None` where it is not given. What a spread of something unknown may hold is unknown.
fn option(eval: &mut Evaluator, options: &Value, name: &str, span: Span) -> Option<Value> {
    let id = options.as_object()?;
    let object = eval.object(id);
    let open = object.open.clone();
    match eval.field(id, name) {
        Some(field) if field.is_optional => Some(field.value.or_absent(default_of(name, span))),
        Some(field) => Some(field.value.clone()),
        None => open.map(|reason| Value::new(Kind::Unknown(reason), options.span)),
    }
}

/// The methods that the package allows by default.
const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";

/// The package's default of an option (`cors` 2.8, `lib/index.js`).
fn default_of(name: &str, span: Span) -> Value {
    match name {
        "origin" => Value::str("*", span),
        "methods" => Value::str(METHODS, span),
        "optionsSuccessStatus" => Value::new(Kind::Number(204.0), span),
        _ => Value::undefined(span),
    }
}

fn notice_options(eval: &mut Evaluator, options: &Value, _span: Span) {
    let Some(id) = options.as_object() else { return };
    let fields = eval.object(id).fields.clone();
    let has_origin = fields.iter().any(|field| &*field.name == "origin");
    for field in fields {
        if OPTIONS.contains(&&*field.name) {
            if &*field.name == "credentials"
                && field.value.truthy() == Guard::Always
                && !matches!(field.value.kind, Kind::Bool(true))
            {
                let kind = RemarkKind::IgnoredValue {
                    name: "credentials",
                    expected: "true",
                    effect: "the package compares with `=== true`, so Access-Control-Allow-Credentials is not sent"
                        .into(),
                };
                eval.emit(EffectKind::Notice(kind), field.value.span);
            }
            continue;
        }
        let meant =
            MEANT.iter().find(|(name, _)| *name == &*field.name).map(|(_, meant)| *meant).or_else(|| near(&field.name));
        let effect = match meant {
            Some("origin") if !has_origin => "no origin is configured, so every origin is allowed (`*`)",
            Some("origin") => "the list is not read",
            Some("credentials") => "Access-Control-Allow-Credentials is not sent",
            Some("methods") => "GET, HEAD, PUT, PATCH, POST and DELETE are allowed",
            Some("allowedHeaders") => "every request header that is asked for is allowed",
            Some("exposedHeaders") => "no response header is exposed",
            Some("maxAge") => "Access-Control-Max-Age is not sent",
            _ => "it has no effect",
        };
        let kind =
            RemarkKind::UnknownOption { name: field.name.to_string(), meant, library: "cors", effect: effect.into() };
        eval.emit(EffectKind::Notice(kind), field.span);
    }
}

/// The option whose name differs in at most two letters.
fn near(name: &str) -> Option<&'static str> {
    OPTIONS.iter().copied().filter(|option| *option != "headers").find(|option| {
        let (short, long) = if name.len() < option.len() { (name, *option) } else { (*option, name) };
        long.len() - short.len() <= 2 && distance(name, option) <= 2
    })
}

/// How many letters must be changed, added or left out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.to_lowercase().chars().enumerate() {
        let mut left = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(left + usize::from(letter != *other));
            left = above;
        }
    }
    row[b.len()]
}

/// What follows once the value of `origin` stands: nothing at all where it is falsy.
fn decided_origin(eval: &mut Evaluator, options: &Value, origin: &Value, next: &Value, span: Span) {
    let set = origin.truthy();
    if set != Guard::Always {
        eval.under(Guard::not(set.clone()), |eval| go_on(eval, next, span));
    }
    if set == Guard::Never {
        return;
    }
    eval.under(set, |eval| {
        let preflight = Guard::method("OPTIONS", span);
        // `options.methods.join` of nothing throws before any header is written.
        for (when, methods) in option(eval, options, "methods", span).map(|value| value.branches()).unwrap_or_default()
        {
            if methods.is_nullish() {
                let fails = when.and(preflight.clone());
                eval.under(fails, |eval| eval.emit(EffectKind::Fail(Status::Unset), methods.span));
            }
        }
        write_origin(eval, origin, span);
        write_credentials(eval, options, span);
        eval.under(preflight.clone(), |eval| {
            write_list(eval, options, "methods", headers::ALLOW_METHODS, Some(METHODS), span);
            write_allowed_headers(eval, options, span);
            write_max_age(eval, options, span);
        });
        write_list(eval, options, "exposedHeaders", headers::EXPOSE_HEADERS, None, span);
        let continues = option(eval, options, "preflightContinue", span).map_or(Guard::Never, |value| value.truthy());
        eval.under(preflight.clone().and(Guard::not(continues.clone())), |eval| {
            let status = option(eval, options, "optionsSuccessStatus", span);
            let status = status.unwrap_or_else(|| default_of("optionsSuccessStatus", span));
            for (when, status) in status.branches() {
                // `res.statusCode = undefined` is refused by Node when the headers go out.
                let kind = match &status.kind {
                    Kind::Undefined | Kind::Null => EffectKind::Fail(Status::Unset),
                    _ => EffectKind::Respond(Some(node::status(&status))),
                };
                eval.under(when, |eval| eval.emit(kind, span));
            }
        });
        eval.under(Guard::not(preflight).or(continues), |eval| go_on(eval, next, span));
    });
}

fn go_on(eval: &mut Evaluator, next: &Value, span: Span) {
    match &next.kind {
        Kind::Undefined => {}
        _ => {
            eval.call(next, &Arguments::default(), span);
        }
    }
}

/// `configureOrigin`: a string is sent as it is, everything else is asked whether it allows the caller's origin.
fn write_origin(eval: &mut Evaluator, origin: &Value, span: Span) {
    let name = headers::canonical(headers::ALLOW_ORIGIN);
    let trail = trail(origin, span);
    match &origin.kind {
        Kind::Str(text) if &**text == "*" => {
            node::write_texts(eval, &name, WriteOp::Set, vec![Text::literal("*")], trail, span);
            return;
        }
        Kind::Str(_) => {
            node::write_texts(eval, &name, WriteOp::Set, vec![origin.to_text("undefined")], trail, span);
        }
        Kind::Text(text) => {
            let star = Guard::test((**text).clone(), crate::cors::StringTest::Equals("*".into()), origin.span);
            node::write_texts(eval, &name, WriteOp::Set, vec![(**text).clone()], trail, span);
            eval.under(Guard::not(star), |eval| vary(eval, "Origin", span));
            return;
        }
        Kind::Unknown(reason) => {
            // A string, a list, a pattern or a function: what is sent, and whether anything is, is open.
            let sends = Guard::Unknown(reason.clone());
            let text = Text::Unknown(reason.clone());
            eval.under(sends.clone(), |eval| {
                node::write_texts(eval, &name, WriteOp::Set, vec![text], trail, span);
                vary(eval, "Origin", span);
            });
            return;
        }
        _ => {
            let allowed = allows(eval, origin, span, &mut { MOST_ORIGINS });
            let caller = Text::header(headers::ORIGIN);
            let asked = text_is_set(&caller);
            eval.under(allowed.and(asked), |eval| {
                node::write_texts(eval, &name, WriteOp::Set, vec![caller], trail, span);
            });
        }
    }
    vary(eval, "Origin", span);
}

/// How many origins, and lists of them, are read of one option: a list may hold others, and itself.
const MOST_ORIGINS: usize = 4_000;

/// `isOriginAllowed`, with how many values may still be read.
fn allows(eval: &mut Evaluator, origin: &Value, span: Span, left: &mut usize) -> Guard {
    let Some(fewer) = left.checked_sub(1) else {
        return Guard::Unknown(Reason::new("the allowed origins are too many to be read", span));
    };
    *left = fewer;
    let caller = Value::text(Text::header(headers::ORIGIN), span);
    // `Array.isArray`: a `Set` is something set, and allows everybody.
    if eval.items(origin).is_some_and(|list| list.tag == Tag::Array) {
        let (items, open) = eval.each(origin, span);
        let mut parts = Vec::new();
        for item in items {
            for (when, item) in item.branches() {
                parts.push(when.and(allows(eval, &item, span, left)));
            }
        }
        parts.extend(open.map(Guard::Unknown));
        return Guard::any(parts);
    }
    match &origin.kind {
        Kind::Str(text) => {
            Guard::test(Text::header(headers::ORIGIN), crate::cors::StringTest::Equals(text.to_string()), origin.span)
        }
        Kind::Regex(regex) => {
            let regex = regex.clone();
            eval.tested(&regex, origin.span, &caller, span)
        }
        // What is not set allows nobody; what is set allows somebody, and nobody here knows whom.
        Kind::Text(text) => text_is_set(text).and(Guard::Unknown(match text.reason() {
            Some(reason) => reason.clone(),
            None => Reason::new("an allowed origin comes from the environment", origin.span),
        })),
        _ => origin.truthy(),
    }
}

fn vary(eval: &mut Evaluator, member: &str, span: Span) {
    let trail = Trail(vec![(span, "".into())]);
    node::write_texts(eval, "Vary", WriteOp::AppendMembers, vec![Text::literal(member)], trail, span);
}

fn write_credentials(eval: &mut Evaluator, options: &Value, span: Span) {
    let Some(value) = option(eval, options, "credentials", span) else { return };
    for (when, value) in value.branches() {
        let sends = match &value.kind {
            Kind::Bool(true) => Guard::Always,
            Kind::Test(guard) => (**guard).clone(),
            Kind::Unknown(reason) => Guard::Unknown(reason.clone()),
            _ => continue,
        };
        eval.under(when.and(sends), |eval| {
            let name = headers::canonical(headers::ALLOW_CREDENTIALS);
            node::write_texts(eval, &name, WriteOp::Set, vec![Text::literal("true")], trail(&value, span), span);
        });
    }
}

/// A list, joined by commas as JavaScript joins it, or a string as it is. An empty result is not sent.
fn write_list(
    eval: &mut Evaluator,
    options: &Value,
    option_name: &str,
    header: &str,
    default: Option<&str>,
    span: Span,
) {
    let value = match (option(eval, options, option_name, span), default) {
        (Some(value), _) => value,
        (None, Some(default)) => Value::str(default, span),
        (None, None) => return,
    };
    let name = headers::canonical(header);
    for (when, value) in value.branches() {
        let text = joined(eval, &value, option_name);
        eval.under(when, |eval| match text {
            None => {}
            Some(text) => eval.under(text_is_set(&text), |eval| {
                node::write_texts(eval, &name, WriteOp::Set, vec![text], trail(&value, span), span);
            }),
        });
    }
}

fn joined(eval: &mut Evaluator, value: &Value, option_name: &str) -> Option<Text> {
    match (&value.kind, eval.items(value)) {
        // A `Set` has no `join`: methods are sent as the word that it gives, headers are not sent for want of a length.
        (_, Some(object)) if object.tag == Tag::Set => {
            (option_name == "methods").then(|| Text::literal("[object Set]"))
        }
        (_, Some(object)) => Some(match &object.open {
            Some(reason) => Text::Unknown(reason.clone()),
            None => {
                let items = object.items.clone();
                eval.join(&items, ",", value.span).to_text("")
            }
        }),
        (Kind::Undefined | Kind::Null | Kind::Bool(false), _) => None,
        // What is no text has no length.
        (Kind::Bool(_) | Kind::Number(_) | Kind::Function(_) | Kind::Regex(_), _) if option_name != "methods" => None,
        _ => Some(value.to_text("undefined")),
    }
}

/// `configureAllowedHeaders`: what is not configured echoes what is asked for.
fn write_allowed_headers(eval: &mut Evaluator, options: &Value, span: Span) {
    let given = option(eval, options, "allowedHeaders", span);
    let alias = option(eval, options, "headers", span);
    let value = match (given, alias) {
        (Some(given), Some(alias)) => Value::choose(given.truthy(), given, alias),
        (Some(value), None) | (None, Some(value)) => value,
        (None, None) => Value::undefined(span),
    };
    let name = headers::canonical(headers::ALLOW_HEADERS);
    for (when, value) in value.branches() {
        let set = value.truthy();
        eval.under(when.clone().and(Guard::not(set.clone())), |eval| {
            let asked = Text::header(headers::REQUEST_HEADERS);
            let trail = Trail(vec![(span, "".into())]);
            // The package adds the member to `Vary` before it looks whether anything was asked for.
            vary(eval, "Access-Control-Request-Headers", span);
            eval.under(text_is_set(&asked), |eval| {
                node::write_texts(eval, &name, WriteOp::Set, vec![asked], trail, span);
            });
        });
        let text = joined(eval, &value, "allowedHeaders");
        eval.under(when.and(set), |eval| {
            if let Some(text) = text {
                eval.under(text_is_set(&text), |eval| {
                    node::write_texts(eval, &name, WriteOp::Set, vec![text], trail(&value, span), span);
                });
            }
        });
    }
}

fn write_max_age(eval: &mut Evaluator, options: &Value, span: Span) {
    let Some(value) = option(eval, options, "maxAge", span) else { return };
    let name = headers::canonical(headers::MAX_AGE);
    for (when, value) in value.branches() {
        if value.is_nullish() || matches!(value.kind, Kind::Bool(false)) {
            continue;
        }
        let text = value.to_text("undefined");
        eval.under(when.and(text_is_set(&text)), |eval| {
            node::write_texts(eval, &name, WriteOp::Set, vec![text], trail(&value, span), span);
        });
    }
}

/// Where a value comes from, and where it acts.
fn trail(value: &Value, acts: Span) -> Trail {
    let mut trail = value.trail();
    if trail.0.last().is_none_or(|(place, _)| *place != acts) {
        trail.0.push((acts, "used by this policy".into()));
    }
    trail
}

/// Whether an object remembers a policy that nothing used.
pub fn is_unused(eval: &Evaluator, id: ObjectId) -> bool {
    eval.object(id).tag == Tag::Host(POLICY) && eval.field(id, "used").is_none()
}

/// The policy that an object remembers.
pub fn policy_of(eval: &Evaluator, id: ObjectId) -> Option<Native> {
    match &eval.field(id, "made")?.value.kind {
        Kind::Native(native) => Some(native.clone()),
        _ => None,
    }
}
