//! The table of URL rules, with the view and the automatic answers of each.

use std::sync::Arc;

use super::extract::step;
use super::hooks::{After, Runner};
use super::options::is_before_3_1;
use super::plan::{Plan, Scope};
use super::rules::{self, Part, Rule};
use super::{app, field, request};
use crate::eval::{Evaluator, Kind, ObjectId, Value};
use crate::model::{Dispatch, Effect, EffectKind, End, Group, Guard, Node, Reason, Status, Step, StepKind};
use crate::source::Span;

/// A rule with what it needs to become a step.
struct Registered {
    order: Vec<Part>,
    is_redirect: bool,
    step: Step,
}

/// The rules in the order in which they are tried.
pub(super) fn table(runner: &mut Runner, id: ObjectId, plan: &Plan, incomplete: bool) -> Group {
    let span = runner.eval.object(id).span;
    let strict = app_strict(runner.eval, id);
    let mut found = Vec::new();
    for (rule, scope, when, at) in &plan.rules {
        one_rule(runner, *rule, scope, when, *at, &strict, plan, &mut found);
    }
    redirects_of_defaults(runner.eval, plan, &mut found);
    statics(runner.eval, id, span, &mut found);
    found.sort_by(|a, b| (&a.order, a.is_redirect).cmp(&(&b.order, b.is_redirect)));
    let mut group = Group::new(Dispatch::Rules, span);
    group.nodes = found.into_iter().map(|registered| Node::Step(registered.step)).collect();
    if incomplete {
        let end = End::Respond(Reason::new("what else the application answers is not known", span));
        group.nodes.push(Node::Step(step(StepKind::Route, Vec::new(), end, span, "the application")));
    }
    group
}

/// When the application answers OPTIONS by itself (`PROVIDE_AUTOMATIC_OPTIONS`, Flask 3.1 and later).
fn answers_options(runner: &Runner) -> Guard {
    let app = runner.eval.notes.get(app::CURRENT).and_then(Value::as_object);
    if is_before_3_1(runner.eval, runner.place) {
        return Guard::Always;
    }
    let settings = app.and_then(|app| super::config::of(runner.eval, app));
    let given = settings.and_then(|settings| field(runner.eval, settings, "PROVIDE_AUTOMATIC_OPTIONS"));
    given.map_or(Guard::Always, |given| given.truthy())
}

fn app_strict(eval: &Evaluator, id: ObjectId) -> Guard {
    app::is_on(eval, id, "strict_slashes")
}

/// The names of methods in a value.
fn methods(eval: &mut Evaluator, value: Option<Value>, span: Span) -> Result<Vec<Arc<str>>, Reason> {
    let Some(value) = value.filter(|value| !value.is_nullish()) else { return Ok(Vec::new()) };
    let (items, open) = eval.each(&value, span);
    if let Some(reason) = open {
        return Err(reason);
    }
    let mut names = Vec::new();
    for item in items {
        match item.as_str() {
            Some(name) => names.push(Arc::from(name.to_ascii_uppercase())),
            None => return Err(Reason::new("the methods of this route are not known", item.span)),
        }
    }
    Ok(names)
}

#[allow(clippy::too_many_arguments, reason = "the parts of one registration")]
fn one_rule(
    runner: &mut Runner,
    rule: ObjectId,
    scope: &Scope,
    when: &Guard,
    span: Span,
    strict: &Guard,
    plan: &Plan,
    found: &mut Vec<Registered>,
) {
    let get = |runner: &Runner, name: &str| field(runner.eval, rule, name);
    let written = get(runner, "rule");
    let text = written.as_ref().and_then(|rule| rule.as_str()).map(|text| rules::join(&scope.prefix, text));
    let own = methods(runner.eval, get(runner, "methods"), span);
    let required = methods(runner.eval, get(runner, "required_methods"), span).unwrap_or_default();
    let known = own.is_ok();
    let mut names = own.unwrap_or_default();
    if names.is_empty() && known {
        names.push("GET".into());
    }
    // The view's own word comes before what Flask provides by itself.
    let automatic = match get(runner, "provide_automatic_options").filter(|value| !value.is_nullish()) {
        Some(value) => value.truthy(),
        None => Guard::from(known && !names.iter().any(|name| &**name == "OPTIONS")).and(answers_options(runner)),
    };
    if automatic != Guard::Never && get(runner, "provide_automatic_options").is_none_or(|value| value.is_nullish()) {
        names.push("OPTIONS".into());
    }
    for name in required {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut effects: Vec<Effect> = Vec::new();
    for blueprint in &scope.blueprints {
        effects.push(Effect { when: Guard::Always, kind: EffectKind::Mark(mark(*blueprint)), span });
    }
    for blueprint in scope.blueprints.iter().rev() {
        for (_, call, when) in plan.before.iter().filter(|(owner, ..)| *owner == Some(*blueprint)) {
            let Some(function) = call.arguments.get(0) else { continue };
            let own = runner.before(function, &scope.blueprints, After::Leave, call.span);
            effects.extend(own.into_iter().map(|effect| Effect { when: when.clone().and(effect.when), ..effect }));
        }
    }
    if automatic != Guard::Never {
        let asked = request::is_method("OPTIONS", span).and(automatic);
        effects.push(Effect { when: asked, kind: EffectKind::Respond(Some(Status::Code(200))), span });
    }
    let mut end = End::Respond(Reason::new("what the view answers is not known", span));
    match get(runner, "view") {
        Some(view) => {
            let parameters = text.as_deref().map(rules::texts).unwrap_or_default();
            effects.extend(runner.view(&view, &parameters, &scope.blueprints, span));
        }
        None => end = End::Respond(Reason::new("the view is not known", span)),
    }
    let label = match &text {
        Some(text) => format!("{} {text}", names.first().map_or("GET", |name| name)),
        None => "a route".to_owned(),
    };
    let methods = known.then_some(names);
    let unknown = scope.unknown.clone().or_else(|| {
        let at = written.as_ref().map_or(span, |rule| rule.span);
        let by_host =
            ["subdomain", "host"].iter().find_map(|name| get(runner, name).filter(|value| !value.is_nullish()));
        let by_host = by_host.map(|value| Reason::new("the host decides whether this rule is asked", value.span));
        by_host.or_else(|| text.is_none().then(|| rules::reason(at)))
    });
    let mut step = step(StepKind::Route, effects, end, span, &label);
    step.when = when.clone();
    step.methods = methods;
    if let Some(reason) = unknown {
        step.path = rules::unknown(reason);
        // Where it stands among the others is not known: last, so that those that are known decide.
        found.push(Registered {
            order: vec![Part::Dynamic(0, Vec::new(), 0, vec![i64::MAX])],
            is_redirect: false,
            step,
        });
        return;
    }
    let parsed = Rule::new(text.as_deref().unwrap_or_default());
    let strict = match get(runner, "strict_slashes").filter(|value| !value.is_nullish()) {
        Some(value) => value.truthy(),
        None => strict.clone(),
    };
    // Without its slash a path is no path of the rule's: methods that it does not take count for nothing there.
    if let Some(path) = parsed.without_slash() {
        let at = written.as_ref().map_or(span, |rule| rule.span);
        let taken = match &step.methods {
            Some(names) => Guard::any(names.iter().flat_map(|name| {
                let head = (&**name == "GET").then(|| request::is_method("HEAD", at));
                [request::is_method(name, at)].into_iter().chain(head)
            })),
            None => Guard::Always,
        };
        if strict != Guard::Never {
            let effect = |kind: EffectKind| Effect { when: Guard::Always, kind, span: at };
            let redirect = Step {
                kind: StepKind::Redirect,
                path: path.clone(),
                methods: None,
                when: Guard::all([step.when.clone(), taken.clone(), strict.clone()]),
                effects: vec![effect(EffectKind::Status(Status::Code(308))), effect(EffectKind::Next)],
                end: End::Continue,
                span: at,
                label: "the redirect to the path with a slash".into(),
            };
            found.push(Registered { order: parsed.order_of_redirect(), is_redirect: true, step: redirect });
        }
        if strict != Guard::Always {
            let when = Guard::all([step.when.clone(), taken, Guard::not(strict.clone())]);
            let same = Step { path, methods: None, when, ..step.clone() };
            found.push(Registered { order: parsed.order_of_redirect(), is_redirect: true, step: same });
        }
    }
    if strict != Guard::Always && !parsed.text.ends_with('/') {
        let longer = Rule::new(&format!("{}/", parsed.text));
        let when = step.when.clone().and(Guard::not(strict));
        let same = Step { path: longer.path(), when, ..step.clone() };
        found.push(Registered { order: longer.order, is_redirect: true, step: same });
    }
    step.path = parsed.path();
    found.push(Registered { order: parsed.order, is_redirect: false, step });
}

/// The redirects to rules whose defaults say what a path spells out: with `/` for page 1 and `/<int:page>`, `/1` leads
/// to `/` (`MapAdapter.get_default_redirect`).
fn redirects_of_defaults(eval: &mut Evaluator, plan: &Plan, found: &mut Vec<Registered>) {
    for (shorter, scope, when, at) in &plan.rules {
        let given = field(eval, *shorter, "defaults").as_ref().and_then(Value::as_object);
        let given = given.map(|id| eval.object(id).fields.clone());
        let Some(given) = given.filter(|given| !given.is_empty()) else { continue };
        let Some(own) = written(eval, *shorter) else { continue };
        let mut names = rules::names(&own);
        names.extend(given.iter().map(|field| field.name.to_string()));
        names.sort_unstable();
        for (longer, other, ..) in &plan.rules {
            let Some(text) = written(eval, *longer).filter(|_| longer != shorter) else { continue };
            let mut wanted = rules::names(&text);
            wanted.sort_unstable();
            if wanted != names || other.blueprints != scope.blueprints || !same_endpoint(eval, *shorter, *longer) {
                continue;
            }
            let values = given.iter().filter_map(|field| Some((&*field.name, shown(&field.value)?)));
            let longer_rule = Rule::new(&rules::join(&other.prefix, &text));
            let text = values.fold(longer_rule.text.clone(), |text, (name, value)| rules::filled(&text, name, &value));
            let rule = Rule::new(&text);
            // A converter may not take the default.
            if text == longer_rule.text || !longer_rule.takes(&rule) {
                continue;
            }
            let taken = [*shorter, *longer].map(|rule| taken_methods(eval, rule, *at));
            let effect = |kind: EffectKind| Effect { when: Guard::Always, kind, span: *at };
            let effects = vec![effect(EffectKind::Status(Status::Code(308))), effect(EffectKind::Next)];
            let mut step = step(StepKind::Redirect, effects, End::Continue, *at, "the redirect to the defaults");
            step.path = rule.path();
            step.when = Guard::all([when.clone()].into_iter().chain(taken));
            found.push(Registered { order: rule.order, is_redirect: true, step });
        }
    }
}

/// When a request's method is one that a rule takes, with those that Flask and Werkzeug add.
fn taken_methods(eval: &mut Evaluator, rule: ObjectId, at: Span) -> Guard {
    let given = field(eval, rule, "methods");
    let Ok(mut names) = methods(eval, given, at) else { return Guard::Always };
    if names.is_empty() {
        names.push("GET".into());
    }
    if names.iter().any(|name| &**name == "GET") {
        names.push("HEAD".into());
    }
    names.push("OPTIONS".into());
    Guard::any(names.iter().map(|name| request::is_method(name, at)))
}

fn written(eval: &Evaluator, rule: ObjectId) -> Option<String> {
    field(eval, rule, "rule")?.as_str().map(str::to_owned)
}

/// A default as it stands in a path.
fn shown(value: &Value) -> Option<String> {
    match &value.kind {
        Kind::Str(text) => Some(text.to_string()),
        Kind::Number(number) => Some(format!("{number}")),
        _ => None,
    }
}

/// Whether two rules lead to one endpoint: they name the same, or have the same view and name none.
fn same_endpoint(eval: &Evaluator, one: ObjectId, other: ObjectId) -> bool {
    let named = |rule: ObjectId| field(eval, rule, "endpoint").filter(|name| !name.is_nullish());
    match (named(one), named(other)) {
        (Some(one), Some(other)) => one.as_str().is_some() && one.as_str() == other.as_str(),
        (None, None) => {
            let view = |rule: ObjectId| eval.attributes_of(&field(eval, rule, "view")?);
            view(one).is_some() && view(one) == view(other)
        }
        _ => false,
    }
}

/// What a rule of a blueprint notes.
pub(super) fn mark(blueprint: ObjectId) -> Arc<str> {
    format!("blueprint {}", blueprint.0).into()
}

/// The rule for static files, which every application has unless it says otherwise.
fn statics(eval: &mut Evaluator, id: ObjectId, span: Span, found: &mut Vec<Registered>) {
    let folder = field(eval, id, "static_folder");
    if folder.as_ref().is_some_and(Value::is_nullish) {
        return;
    }
    let url = field(eval, id, "static_url_path").filter(|url| !url.is_nullish());
    let base = match &url {
        Some(url) => url.as_str().map(str::to_owned),
        None => match folder {
            None => Some("static".to_owned()),
            Some(folder) => folder.as_str().and_then(|folder| folder.rsplit('/').next().map(str::to_owned)),
        },
    };
    let Some(base) = base else { return };
    let rule = Rule::new(&format!("/{}/<path:filename>", base.trim_matches('/')).replace("//", "/"));
    let missing = Guard::Unknown(Reason::new("whether there is a file of that name", span));
    let options = request::is_method("OPTIONS", span);
    let effects = vec![
        Effect { when: options, kind: EffectKind::Respond(Some(Status::Code(200))), span },
        Effect { when: missing.clone(), kind: EffectKind::Status(Status::Code(404)), span },
        Effect { when: missing, kind: EffectKind::Next, span },
        Effect {
            when: Guard::Always,
            kind: EffectKind::Respond(Some(Status::Unknown(Reason::new("how the file is served", span)))),
            span,
        },
    ];
    let mut step = step(StepKind::Static, effects, End::Continue, span, "the static files");
    step.path = rule.path();
    step.methods = Some(vec!["GET".into(), "OPTIONS".into()]);
    found.push(Registered { order: rule.order, is_redirect: false, step });
}
