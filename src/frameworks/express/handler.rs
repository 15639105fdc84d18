//! What a program's handlers do to an answer.

use super::carried::Carried;
use super::cors;
use super::extract::NO_EXPRESS;
use crate::eval::{Evaluator, Kind, Native, Value, takes_exchange};
use crate::frameworks::common::node::{self, Exchange};
use crate::model::{Effect, EffectKind, End, Guard, Reason, RemarkKind, Status, Step, StepKind};
use crate::source::Span;

/// Runs a policy of the `cors` package for its effects. Says too whether it went through code that cannot be read.
pub(super) fn run_policy(eval: &mut Evaluator, native: &Native, span: Span) -> (Vec<Effect>, bool) {
    let exchange = Exchange::new(eval, span);
    let next = exchange.next;
    let before = std::mem::replace(&mut eval.escaped, false);
    let native = native.clone();
    let collected = eval.collected(
        |eval| {
            cors::run(eval, &native, &next, span);
            Value::undefined(span)
        },
        false,
    );
    let escaped = std::mem::replace(&mut eval.escaped, before);
    let mut effects = collected.effects;
    failures(eval, collected.thrown, &mut effects, span);
    doubt_second_calls(&mut effects, span);
    (effects, escaped)
}

/// A callback that is called with an error and then, for want of a `return`, once more: the answers to both race.
fn doubt_second_calls(effects: &mut Vec<Effect>, span: Span) {
    let ends = |effect: &Effect| matches!(effect.kind, EffectKind::Fail(_) | EffectKind::Next | EffectKind::Respond(_));
    let failed =
        effects.iter().position(|effect| matches!(&effect.kind, EffectKind::Mark(mark) if &**mark == cors::REFUSED));
    let Some(at) = failed else { return };
    let first = effects[at].when.clone();
    let both =
        effects[at + 2..].iter().filter(|effect| ends(effect)).map(|effect| first.clone().and(effect.when.clone()));
    let both = Guard::any(both.collect::<Vec<_>>());
    if both != Guard::Never {
        let reason = Reason::new("the callback of the policy is called twice", span);
        let effect = |when: &Guard, kind| Effect { when: when.clone(), kind, span };
        // The second answer may end the process.
        let closes = both.clone().and(Guard::Unknown(reason.clone()));
        let answers = EffectKind::Respond(Some(Status::Unknown(reason.clone())));
        let doubts =
            [effect(&closes, EffectKind::Close), effect(&both, EffectKind::Opaque(reason)), effect(&both, answers)];
        effects.splice(at..at, doubts);
    }
}

/// Runs a handler for its effects, and says how it ends when none of them ends it, and what it leaves for others.
pub(super) fn run_handler(
    eval: &mut Evaluator,
    function: &Value,
    handles_errors: bool,
    major: u32,
    powered: bool,
    carried: &Carried,
    span: Span,
) -> (Vec<Effect>, End, Carried) {
    let exchange = Exchange::new(eval, span);
    carried.put(eval, &exchange);
    if let Some(id) = exchange.response.as_object().filter(|_| powered) {
        // Express sets X-Powered-By before anything else.
        eval.set_field(id, node::HEADERS_SET, Value::new(Kind::Bool(true), span), span);
    }
    let mut arguments = match &function.kind {
        Kind::Function(closure) if takes_exchange(closure) => exchange.as_object(eval, span),
        _ if handles_errors => exchange.with_error(eval, span),
        _ => exchange.arguments(),
    };
    if !handles_errors {
        // What a handler of `param` is given.
        arguments.positional.push(Value::unknown("the parameter comes with the request", span));
    }
    let before = std::mem::take(&mut eval.escaped);
    let unfollowed = std::mem::take(&mut eval.unfollowed);
    let mut left = Carried::default();
    let is_async = matches!(&function.kind, Kind::Function(closure) if closure.function.is_async);
    let collected = eval.collected(
        |eval| {
            let value = eval.call(function, &arguments, span);
            left = Carried::of(eval, &exchange);
            value
        },
        is_async,
    );
    let escaped = std::mem::replace(&mut eval.escaped, before);
    let unfollowed = std::mem::replace(&mut eval.unfollowed, unfollowed);
    if escaped {
        // Code that cannot be read was given the request.
        left = Carried::default();
    }
    let mut effects = collected.effects;
    let mut thrown = collected.thrown;
    // A promise that is given back and rejected: Express 5 and `async` take it for an exception.
    for (when, value) in collected.value.branches() {
        thrown.extend(eval.rejection(&value).map(|reason| (when, reason)));
    }
    if major == NO_EXPRESS || collected.is_async && major < 5 {
        // An async handler's exception is nobody's in Express 4, and no handler's of a plain server is anybody's:
        // since Node 15 it ends the process.
        for (when, value) in thrown {
            effects.push(Effect { when, kind: EffectKind::Exit, span: value.span });
        }
    } else {
        failures(eval, thrown, &mut effects, span);
    }
    let reason = || Reason::new("how it answers is decided in code that is not followed", span);
    note_what_is_too_late(&mut effects);
    let ends = effects.iter().any(|effect| effect.kind.ends());
    let end = if escaped || (!ends && unfollowed) { End::Respond(reason()) } else { End::Hang };
    (effects, end, left)
}

/// Notes where CORS headers are set when the answer is on its way in any case (`ERR_HTTP_HEADERS_SENT`).
fn note_what_is_too_late(effects: &mut Vec<Effect>) {
    let mut sent: Vec<&Guard> = Vec::new();
    let mut late = None;
    for effect in effects.iter() {
        match &effect.kind {
            EffectKind::Respond(_) => sent.push(&effect.when),
            EffectKind::Write(write) if write.name.to_ascii_lowercase().starts_with("access-control-") => {
                let too_late = |sent: &&Guard| effect.when.clone().and(Guard::not((*sent).clone())) == Guard::Never;
                if sent.iter().any(too_late) {
                    late = Some(effect.span);
                    break;
                }
            }
            _ => {}
        }
    }
    if let Some(span) = late {
        let kind = RemarkKind::Dead {
            why: "the answer is sent above, and its headers with it".into(),
            help: "set the header before the answer is sent".into(),
            consequence: Some("Node throws ERR_HTTP_HEADERS_SENT, and the answer goes out without the header".into()),
            severe: false,
        };
        effects.push(Effect { when: Guard::Always, kind: EffectKind::Notice(kind), span });
    }
}

/// Exceptions that a handler does not catch.
pub(super) fn failures(eval: &mut Evaluator, thrown: Vec<(Guard, Value)>, effects: &mut Vec<Effect>, span: Span) {
    for (when, value) in thrown {
        let kinds = node::failure(eval, &value, span);
        effects.extend(kinds.into_iter().map(|kind| Effect { when: when.clone(), kind, span: value.span }));
    }
}

/// What a handler of the program is, by what it does.
pub(super) fn kind_of(step: &Step, handles_errors: bool, is_route: bool) -> StepKind {
    if handles_errors {
        return StepKind::ErrorHandler;
    }
    let refuses = step.effects.iter().any(|effect| {
        matches!(
            effect.kind,
            EffectKind::Status(Status::Code(401 | 403))
                | EffectKind::Respond(Some(Status::Code(401 | 403)))
                | EffectKind::Fail(Status::Code(401 | 403))
        )
    });
    let goes_on = step.effects.iter().any(|effect| matches!(effect.kind, EffectKind::Next));
    match (refuses && goes_on, is_route) {
        (true, _) => StepKind::Auth,
        (false, true) => StepKind::Route,
        (false, false) => StepKind::Middleware,
    }
}
