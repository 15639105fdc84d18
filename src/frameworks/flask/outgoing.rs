//! What runs on an answer's way out: functions after requests, flask-cors, and what stands around the application.

use super::extract::step;
use super::field;
use super::hooks::{Runner, fails};
use super::mistakes::{notice, refused};
use super::options::{Options, version};
use super::plan::{Out, Plan};
use super::resources::resources;
use super::response::{self, EVALUATED_MARK};
use super::sends::set_headers;
use super::table::mark;
use crate::cors::headers;
use crate::eval::{Evaluator, Kind, ObjectId, Tag, Value};
use crate::model::{Effect, EffectKind, End, Guard, Reason, Step, StepKind};
use crate::source::Span;

/// `app.wsgi_app = Cors(app.wsgi_app)`: a class of the program around the application that speaks of CORS.
pub(super) fn wrapped(eval: &Evaluator, id: ObjectId) -> Option<Step> {
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
    let reason = Reason::new("what stands around the application sends headers of its own", place);
    let effect = Effect { when: Guard::Always, kind: EffectKind::Opaque(reason), span: place };
    Some(step(StepKind::Middleware, vec![effect], End::Continue, place, "what stands around the application"))
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
                startup = startup.or_else(|| refused(runner.eval, &options).map(|text| (text.to_owned(), call.span)));
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
            let resources = resources(eval, options, span);
            let fresh = Guard::not(Guard::HadHeader(headers::ALLOW_ORIGIN.into()))
                .and(Guard::not(Guard::Marked(EVALUATED_MARK.into())));
            let mut before = Vec::new();
            for resource in resources {
                let taken = Guard::any(before.iter().cloned());
                let when = Guard::all([fresh.clone(), Guard::not(taken), resource.matches.clone()]);
                eval.under(when, |eval| {
                    notice(eval, &resource.options);
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
