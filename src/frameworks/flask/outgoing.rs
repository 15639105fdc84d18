//! What runs on an answer's way out: functions after requests, flask-cors, and what stands around the application.

use super::errors;
use super::extract::step;
use super::field;
use super::hooks::{RAISED_MARK, Runner, fails};
use super::mistakes::{joined, notice, pathless, refused};
use super::options::{Options, version};
use super::plan::{Out, Plan};
use super::resources::resources;
use super::response::{self, EVALUATED_MARK};
use super::sends::set_headers;
use super::table::mark;
use crate::cors::headers;
use crate::eval::{Evaluator, Kind, ObjectId, Tag, Value};
use crate::model::{Effect, EffectKind, End, Guard, HeaderWrite, Reason, Status, Step, StepKind, Text, Trail, WriteOp};
use crate::source::Span;

/// `app.wsgi_app = Cors(app.wsgi_app)`: a class of the program around the application that speaks of CORS.
pub(super) fn wrapped(eval: &mut Evaluator, id: ObjectId) -> Option<Step> {
    if let Some(step) = subclassed(eval, id) {
        return Some(step);
    }
    let wrapper = field(eval, id, "wsgi_app")?;
    let place = match &wrapper.kind {
        Kind::Object(object) => match eval.object(*object).tag {
            Tag::Instance(class) => eval.class_data(class).class.span,
            _ => return None,
        },
        Kind::Function(closure) => closure.function.span,
        _ => return None,
    };
    if !eval.loader.text(place).to_ascii_lowercase().contains("access-control-") {
        return None;
    }
    Some(opaque(place, "what stands around the application sends headers of its own"))
}

fn opaque(place: Span, why: &'static str) -> Step {
    let effect = Effect { when: Guard::Always, kind: EffectKind::Opaque(Reason::new(why, place)), span: place };
    step(StepKind::Middleware, vec![effect], End::Continue, place, "what stands around the application")
}

/// What comes after all functions: the session, and the server's own answer where the application raised.
pub(super) fn last(eval: &Evaluator, id: ObjectId, span: Span) -> Step {
    let secret = super::config::of(eval, id).and_then(|id| field(eval, id, "SECRET_KEY"));
    let has_secret = secret.map_or(Guard::Never, |secret| secret.present());
    let vary = HeaderWrite {
        name: "Vary".into(),
        op: WriteOp::AppendMembers,
        values: vec![Text::literal("Cookie")],
        trail: Trail::default(),
    };
    let raised = Guard::Marked(RAISED_MARK.into());
    let effects = vec![
        // `SecureCookieSessionInterface.save_session`.
        Effect {
            when: has_secret.and(Guard::Marked(super::request::SESSION_MARK.into())),
            kind: EffectKind::Write(vary),
            span,
        },
        Effect { when: raised.clone(), kind: EffectKind::ClearHeaders, span },
        Effect { when: raised, kind: EffectKind::Status(Status::Code(500)), span },
    ];
    step(StepKind::Middleware, effects, End::Continue, span, "the end of the answer")
}

/// A class of the program that extends Flask's, or Werkzeug's answer, and sends headers of its own.
fn subclassed(eval: &mut Evaluator, id: ObjectId) -> Option<Step> {
    // What else such a class does, it does by what Flask calls anyway.
    const OWN: &[&str] = &[
        "process_response",
        "make_response",
        "finalize_request",
        "full_dispatch_request",
        "dispatch_request",
        "wsgi_app",
        "__call__",
        "response_class",
    ];
    let class = eval.subclass_of(id).filter(|class| OWN.iter().any(|name| eval.class_member(*class, name).is_some()));
    let answer = field(eval, id, "response_class").and_then(|class| match class.kind {
        Kind::Class(class) => Some(class),
        _ => None,
    });
    let mut places = class.into_iter().chain(answer).map(|class| eval.class_data(class).class.span);
    let place = places.find(|place| eval.loader.text(*place).to_ascii_lowercase().contains("access-control-"))?;
    Some(opaque(place, "a class that extends Flask's sends headers of its own"))
}

pub(super) struct WayOut {
    pub outgoing: Vec<Step>,
    pub intercept: Vec<Step>,
    /// Why the program would not start.
    pub startup: Option<(String, Span)>,
}

/// What runs on the way out, in the order in which it runs, and what flask-cors does to errors before that.
pub(super) fn way_out(runner: &mut Runner, plan: &Plan) -> WayOut {
    // Blueprints' functions come before the application's, each group from the last registered to the first.
    let mut ordered: Vec<&(Out, Guard)> = plan.after.iter().filter(|(out, _)| out.blueprint.is_some()).rev().collect();
    ordered.extend(plan.after.iter().filter(|(out, _)| out.blueprint.is_none()).rev());
    let mut outgoing: Vec<Step> = Vec::new();
    let mut intercept = Vec::new();
    let mut startup = None;
    for (out, when) in ordered {
        let call = &out.call;
        let earlier: Vec<Effect> = outgoing
            .iter()
            .flat_map(|step| {
                step.effects
                    .iter()
                    .map(|effect| Effect { when: step.when.clone().and(effect.when.clone()), ..effect.clone() })
            })
            .collect();
        let mut step = match &*call.name {
            "cors" => {
                let Some(dict) = call.arguments.get(0).and_then(Value::as_object) else { continue };
                let version = version(runner.eval, call.span);
                let options = Options::merge(runner.eval, None, &[dict], version);
                let own = resources(runner.eval, &options, call.span);
                let all = std::iter::once(&options).chain(own.iter().map(|resource| &resource.options));
                for options in all {
                    startup =
                        startup.or_else(|| refused(runner.eval, options).map(|text| (text.to_owned(), call.span)));
                }
                let step = extension(runner, &options, &earlier, call.span);
                let intercepts = options.is_on("intercept_exceptions", true);
                if out.blueprint.is_none() && intercepts != Guard::Never {
                    let when = when.clone().and(intercepts);
                    intercept.insert(0, Step { when, ..step.clone() });
                }
                step
            }
            _ => {
                let Some(function) = call.arguments.get(0) else { continue };
                let effects = runner.after(function, &earlier, call.span);
                step(StepKind::Middleware, effects, End::Continue, call.span, "the function after requests")
            }
        };
        step.when = match out.blueprint {
            Some(blueprint) => when.clone().and(Guard::Marked(mark(blueprint))),
            None => when.clone(),
        };
        outgoing.push(step);
    }
    WayOut { outgoing, intercept, startup }
}

/// `CORS(app)`'s function on the way out.
fn extension(runner: &mut Runner, options: &Options, earlier: &[Effect], span: Span) -> Step {
    let collected = runner.eval.collected(
        |eval| {
            notice(eval, options);
            joined(eval, options);
            pathless(eval, options);
            let resources = resources(eval, options, span);
            let fresh = Guard::not(Guard::HadHeader(headers::ALLOW_ORIGIN.into()))
                .and(Guard::not(Guard::Marked(EVALUATED_MARK.into())));
            let mut before = Vec::new();
            for resource in resources {
                let taken = Guard::any(before.iter().cloned());
                if resource.is_invalid {
                    let reached = fresh.clone().and(Guard::not(taken));
                    eval.under(reached, |eval| errors::crash(eval, "flask-cors fails on this pattern", span));
                    break;
                }
                let when = Guard::all([fresh.clone(), Guard::not(taken), resource.matches.clone()]);
                eval.under(when, |eval| {
                    notice(eval, &resource.options);
                    joined(eval, &resource.options);
                    let (id, _) = response::outgoing(eval, span);
                    set_headers(eval, id, &resource.options, span);
                    response::flush(eval, id);
                });
                before.push(resource.matches);
            }
            Value::undefined(span)
        },
        false,
    );
    let mut effects = Vec::new();
    for (when, value) in collected.thrown {
        effects.extend(fails(when, earlier, value.span, |_| {}));
    }
    effects.extend(collected.effects);
    step(StepKind::Cors, effects, End::Continue, span, "CORS")
}
