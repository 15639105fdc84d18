//! What the middleware of packages does to an answer.

use std::sync::Arc;

use super::{body, packages};
use crate::cors::StringTest;
use crate::eval::{Arguments, Call, Evaluator, Kind, Value};
use crate::frameworks::common::node::Exchange;
use crate::model::{
    Effect, EffectKind, End, Forward, Guard, HeaderWrite, Part, PathMatch, Reason, RemarkKind, Status, Step, StepKind,
    Text, WriteOp,
};

/// Puts into a step what middleware of a package does.
pub(super) fn apply(eval: &mut Evaluator, tag: &'static str, value: &Value, step: &mut Step) {
    let options = value.as_object().and_then(|id| eval.field(id, packages::UNLESS)).map(|field| field.value.clone());
    if let Some(options) = options {
        let spared = spared(eval, &options);
        step.when = step.when.clone().and(Guard::not(spared));
    }
    let effect = |when: Guard, kind: EffectKind| Effect { when, kind, span: value.span };
    let span = value.span;
    let header = |name: &str| Guard::HasHeader(Arc::from(name));
    match tag {
        packages::CREDENTIALS => {
            let kind = RemarkKind::ReadsCredentials("cookies".into());
            step.effects.push(effect(Guard::Always, EffectKind::Notice(kind)));
        }
        packages::BODY => body::parse(eval, value, step),
        packages::METHOD => {
            let getter = value.as_object().and_then(|id| eval.field(id, "0")).map(|field| field.value.clone());
            let name = getter.as_ref().and_then(Value::as_str).unwrap_or("X-HTTP-Method-Override").to_owned();
            if name.get(..2).is_none_or(|start| !start.eq_ignore_ascii_case("x-")) {
                return;
            }
            // It looks at requests by POST only (`method-override` 3.0.0, `index.js`).
            let posted = Guard::method("POST", span);
            let write = HeaderWrite {
                name: "Vary".into(),
                op: WriteOp::AppendMembers,
                values: vec![Text::literal(name.as_str())],
                trail: value.trail(),
            };
            step.effects.push(effect(posted.clone(), EffectKind::Write(write)));
            let taken = posted.and(header(&name.to_ascii_lowercase()));
            let reason = Reason::new("the method is taken from a header", span);
            step.effects.push(effect(taken.clone(), EffectKind::Opaque(reason.clone())));
            step.effects.push(effect(taken, EffectKind::Respond(Some(Status::Unknown(reason)))));
        }
        packages::LIMIT => {
            step.kind = StepKind::RateLimit;
            step.label = "the rate limit".into();
            let reached = Guard::Unknown(Reason::new("whether the limit of requests is reached", span));
            step.effects.push(effect(reached, EffectKind::Respond(Some(Status::Code(429)))));
        }
        packages::TOKEN => {
            // `csurf` 1.11.0, `index.js`: other methods than these need the token.
            let reads = ["GET", "HEAD", "OPTIONS"].map(|method| Guard::method(method, span));
            let refused = Guard::Unknown(Reason::new("whether the request has the token", span));
            let fails = EffectKind::Fail(Status::Unknown(Reason::new("how it refuses a request", span)));
            step.effects.push(effect(Guard::not(Guard::any(reads)).and(refused), fails));
        }
        packages::STATIC => {
            step.kind = StepKind::Static;
            step.label = "the static files".into();
            let reads = |method: &str| Guard::method(method, span);
            let exists = Guard::Unknown(Reason::new("whether the file is there", span));
            let status = Status::Unknown(Reason::new("how the file is served", span));
            let reading = reads("GET").or(reads("HEAD"));
            let options = value.as_object().and_then(|id| eval.field(id, "1")).map(|field| field.value.clone());
            let option =
                |eval: &mut Evaluator, name: &str| options.clone().map(|options| eval.get(&options, name, span));
            if let Some(function) = option(eval, "setHeaders").filter(|value| matches!(value.kind, Kind::Function(_))) {
                let exchange = Exchange::new(eval, span);
                let collected = eval.collect(&function, &Arguments::of(vec![exchange.response]), span);
                let when = reading.clone().and(exists.clone());
                let writes = collected.effects.into_iter().filter(|effect| matches!(effect.kind, EffectKind::Write(_)));
                step.effects.extend(writes.map(|effect| Effect { when: when.clone().and(effect.when), ..effect }));
            }
            step.effects.push(effect(reading.clone().and(exists), EffectKind::Respond(Some(status))));
            let falls = option(eval, "fallthrough").map_or(Guard::Always, |value| match value.kind {
                Kind::Undefined => Guard::Always,
                _ => value.truthy(),
            });
            if falls != Guard::Always {
                let stops = Guard::not(falls);
                let other = Guard::not(reading.clone()).and(stops.clone());
                step.effects.push(effect(other, EffectKind::Respond(Some(Status::Code(405)))));
                step.effects.push(effect(reading.and(stops), EffectKind::Fail(Status::Code(404))));
            }
        }
        packages::AUTH => {
            step.kind = StepKind::Auth;
            step.label = "the authentication".into();
            let kind = RemarkKind::ReadsCredentials("Authorization headers".into());
            step.effects.push(effect(Guard::Always, EffectKind::Notice(kind)));
            let strategy = value.as_object().and_then(|id| eval.field(id, "0")).map(|field| field.value.clone());
            let package = value.as_object().and_then(|id| eval.field(id, packages::NAME));
            let package = package.and_then(|field| field.value.as_str());
            if package == Some("express-jwt") {
                // It lets a preflight pass that announces a token (`express-jwt` 8.5.1, `dist/index.js`).
                let asked = Text::LowerCase(Arc::new(Text::header("access-control-request-headers")));
                let announced = Guard::test(asked, StringTest::Contains("authorization".into()), span);
                let passes = Guard::method("OPTIONS", span).and(announced);
                let fails = |status| EffectKind::Fail(Status::Code(status));
                let refused = Guard::not(passes.clone()).and(Guard::not(header("authorization")));
                let required = strategy.as_ref().map_or(Guard::Always, |options| {
                    match eval.get(options, "credentialsRequired", span).kind {
                        Kind::Bool(false) => Guard::Never,
                        _ if eval.get(options, "getToken", span).truthy() == Guard::Never => Guard::Always,
                        _ => Guard::Unknown(Reason::new("whether a token is found", span)),
                    }
                });
                step.effects.push(effect(refused.and(required), fails(401)));
                let doubtful = Guard::Unknown(Reason::new("whether the credentials are accepted", span));
                let looked_at = Guard::not(passes).and(header("authorization"));
                step.effects.push(effect(looked_at.and(doubtful), fails(401)));
                return;
            }
            let by_token = package == Some("express-basic-auth")
                || strategy
                    .as_ref()
                    .and_then(Value::as_str)
                    .is_some_and(|name| matches!(name, "jwt" | "bearer" | "basic" | "headerapikey" | "digest"));
            let refused = Guard::not(header("authorization"));
            let doubtful = Guard::Unknown(Reason::new("whether the credentials are accepted", span));
            if by_token {
                let when = refused.clone().or(doubtful);
                step.effects.push(effect(when, EffectKind::Respond(Some(Status::Code(401)))));
            } else {
                let status = Status::Unknown(Reason::new("how it refuses a request", span));
                step.effects.push(effect(doubtful, EffectKind::Respond(Some(status))));
            }
        }
        packages::PROXY => {
            step.kind = StepKind::Proxy;
            step.label = "the proxy".into();
            let options = value.as_object().and_then(|id| eval.field(id, "0")).map(|field| field.value.clone());
            let target = options.map(|options| match &options.kind {
                Kind::Str(_) | Kind::Text(_) => options.clone(),
                _ => eval.get(&options, "target", span),
            });
            let to = target
                .map_or_else(|| Text::Unknown(Reason::new("where to", span)), |target| target.to_text("undefined"));
            step.effects
                .push(effect(Guard::Always, EffectKind::Forward(Forward { replaces: true, ..Forward::new(to) })));
        }
        _ => {}
    }
}

/// The requests that `.unless({ path: ['/login'] })` spares (`express-unless` 2.1, `dist/index.js`).
fn spared(eval: &mut Evaluator, options: &Value) -> Guard {
    let span = options.span;
    let unknown = || Guard::Unknown(Reason::new("whether the request is spared", span));
    let others = ["method", "ext", "useOriginalUrl", "custom"].iter().any(|name| {
        let value = eval.get(options, name, span);
        !matches!(value.kind, Kind::Undefined)
    });
    let path = eval.get(options, "path", span);
    let paths = eval.items(&path).map_or_else(|| vec![path.clone()], |list| list.items.clone());
    let names: Option<Vec<&str>> = paths.iter().map(Value::as_str).collect();
    match names {
        Some(names) if !others => Guard::any(names.into_iter().map(|name| {
            let equals = StringTest::Equals(name.to_owned());
            Guard::test(Text::Request(Part::Path), equals, span)
        })),
        _ => unknown(),
    }
}

/// `compression()` adds `Accept-Encoding` to `Vary` when the headers go out, where the body is of a kind that is
/// worth it (`compression` 1.8.2, `index.js`).
pub(super) fn compression(eval: &Evaluator, call: &Call) -> Option<Step> {
    let middleware = call.arguments.positional.iter().find(|value| {
        eval.host_tag(value) == Some(packages::PLAIN)
            && value.as_object().and_then(|id| eval.field(id, packages::NAME)).and_then(|field| field.value.as_str())
                == Some("compression")
    })?;
    let span = middleware.span;
    let reason = Reason::new("whether the answer is worth compressing", span);
    let write = HeaderWrite {
        name: "Vary".into(),
        op: WriteOp::AppendMembers,
        values: vec![Text::literal("Accept-Encoding")],
        trail: middleware.trail(),
    };
    Some(Step {
        kind: StepKind::Middleware,
        path: PathMatch::Any,
        methods: None,
        when: call.when.clone(),
        effects: vec![Effect { when: Guard::Unknown(reason), kind: EffectKind::Write(write), span }],
        end: End::Continue,
        span: call.span,
        label: "compression()".into(),
    })
}
