//! Applications and blueprints while they are put together.

use super::{API, APP, BLUEPRINT, CONFIG, RULE, argument, bound, field, host_object, keywords, native, record};
use crate::eval::{Arguments, Evaluator, Kind, MethodCall, Native, ObjectId, Tag, Value};
use crate::model::Guard;
use crate::source::Span;

/// The field that says that an application is one whose surroundings are not known.
pub(super) const INCOMPLETE: &str = "(incomplete)";
/// The note of the application whose views are being run.
pub(super) const CURRENT: &str = "flask.current_app";
/// The field of a blueprint that was registered, and of a view that has a rule.
pub(super) const REGISTERED: &str = "(registered)";
/// What a rule keeps of how it is registered.
const RULE_OPTIONS: [&str; 7] =
    ["methods", "strict_slashes", "provide_automatic_options", "defaults", "endpoint", "subdomain", "host"];
/// The decorators that register something.
const SETUP: &str = "flask.setup";

/// The names under which hooks are noted.
fn hook(name: &str) -> Option<&'static str> {
    Some(match name {
        "before_request" => "before",
        "after_request" => "after",
        "before_app_request" => "before_app",
        "after_app_request" => "after_app",
        _ => return None,
    })
}

/// An application or blueprint that some code, which cannot be read, hands over.
pub(super) fn incomplete(eval: &mut Evaluator, span: Span) -> ObjectId {
    let (id, _) = new_app(eval, span);
    eval.set_field(id, INCOMPLETE, Value::new(Kind::Bool(true), span), span);
    id
}

fn new_app(eval: &mut Evaluator, span: Span) -> (ObjectId, Value) {
    let (id, value) = host_object(eval, APP, span);
    let (_, config) = host_object(eval, CONFIG, span);
    eval.set_field(id, "config", config, span);
    (id, value)
}

/// The application that `current_app` stands for.
pub(super) fn current(eval: &Evaluator, of: &Native) -> Option<ObjectId> {
    if of.name != "flask.current_app" {
        return None;
    }
    eval.notes.get(CURRENT).and_then(Value::as_object)
}

pub(super) fn call(eval: &mut Evaluator, of: &Native, arguments: &Arguments, span: Span) -> Option<Value> {
    match of.name {
        "flask.Flask" => {
            let (id, app) = new_app(eval, span);
            for (at, name) in [(1, "static_url_path"), (2, "static_folder")] {
                if let Some(value) = argument(arguments, at, name) {
                    eval.set_field(id, name, value.clone(), span);
                }
            }
            Some(app)
        }
        "flask.Config" => Some(host_object(eval, CONFIG, span).1),
        "flask.Blueprint" => {
            let (id, blueprint) = host_object(eval, BLUEPRINT, span);
            let names =
                [(0, "name"), (2, "static_folder"), (3, "static_url_path"), (5, "url_prefix"), (usize::MAX, "cors")];
            for (at, name) in names {
                if let Some(value) = argument(arguments, at, name) {
                    eval.set_field(id, name, value.clone(), span);
                }
            }
            Some(blueprint)
        }
        SETUP => {
            // `app.route("/")(view)`.
            let target = arguments.get(0)?.clone();
            decorate(eval, of, &target, span)
        }
        _ => None,
    }
}

pub(super) fn native_property(eval: &mut Evaluator, of: &Native, name: &str, span: Span) -> Option<Value> {
    match of.name {
        "flask.current_app" => match current(eval, of) {
            Some(app) => property(eval, app, name, span),
            None => Some(Value::unknown(format!("`current_app.{name}`"), span)),
        },
        _ => None,
    }
}

/// A property of an application or blueprint.
pub(super) fn property(eval: &mut Evaluator, id: ObjectId, name: &str, span: Span) -> Option<Value> {
    if let Some(kind) = hook(name) {
        return Some(bound(SETUP, Some(id), vec![Value::str(kind, span)], span));
    }
    Some(match name {
        "url_map" => native("flask.url_map", Some(id), span),
        "config" if eval.object(id).tag == Tag::Host(BLUEPRINT) => Value::unknown("a blueprint's settings", span),
        _ => match field(eval, id, name).or_else(|| super::config::switch(eval, id, name, span)) {
            Some(value) => value,
            None => Value::unknown(format!("`.{name}` of the application"), span),
        },
    })
}

pub(super) fn assign_native(eval: &mut Evaluator, of: &Native, name: &str, value: &Value, span: Span) -> bool {
    match (of.name, of.of) {
        ("flask.url_map", Some(app)) => {
            eval.set_field(app, name, value.clone(), span);
            true
        }
        ("flask.g", _) => {
            super::request::carry(eval, name, value, span);
            true
        }
        ("flask.current_app" | "flask.session", _) => true,
        _ => false,
    }
}

/// A method of an application or blueprint.
pub(super) fn method(eval: &mut Evaluator, id: ObjectId, call: &MethodCall) -> Option<Value> {
    let span = call.span;
    let first = call.arguments.get(0).cloned();
    let none = Value::new(Kind::Null, span);
    let verb = match call.name {
        "get" | "post" | "put" | "delete" | "patch" => Some(call.name.to_ascii_uppercase()),
        _ => None,
    };
    Some(match call.name {
        "route" | "get" | "post" | "put" | "delete" | "patch" => {
            let rule = argument(call.arguments, 0, "rule")?.clone();
            let (options, options_value) = keywords(eval, call.arguments, span);
            if let Some(verb) = verb {
                let method = eval.new_array(vec![Value::str(verb, call.name_span)], call.name_span);
                eval.set_field(options, "methods", method, call.name_span);
            }
            bound(SETUP, Some(id), vec![Value::str("rule", span), rule, options_value], span)
        }
        "add_url_rule" => {
            let rule = argument(call.arguments, 0, "rule")?.clone();
            let view = argument(call.arguments, 2, "view_func").cloned();
            let (_, options) = keywords(eval, call.arguments, span);
            rule_of(eval, id, rule, view, &options, span);
            none
        }
        "before_request" | "after_request" | "before_app_request" | "after_app_request" => {
            let function = first?;
            record(eval, id, hook(call.name)?, vec![function.clone()], span);
            function
        }
        "errorhandler" | "app_errorhandler" => {
            let kind = if call.name == "errorhandler" { "error" } else { "error_app" };
            let what = argument(call.arguments, 0, "code_or_exception")?.clone();
            bound(SETUP, Some(id), vec![Value::str(kind, span), what], span)
        }
        "register_error_handler" => {
            let (what, function) = (first?, argument(call.arguments, 1, "f")?.clone());
            record(eval, id, "error", vec![what, function], span);
            none
        }
        "register_blueprint" | "register_api" => {
            let blueprint = argument(call.arguments, 0, "blueprint")?.clone();
            let (_, options) = keywords(eval, call.arguments, span);
            for (when, blueprint) in blueprint.branches() {
                eval.under(when, |eval| {
                    if let Some(inner) = blueprint.as_object().filter(|_| eval.host_tag(&blueprint) == Some(BLUEPRINT))
                    {
                        let app = Value::new(Kind::Object(id), span);
                        eval.set_field(inner, REGISTERED, app, span);
                    }
                    record(eval, id, "blueprint", vec![blueprint, options.clone()], span);
                });
            }
            none
        }
        "run" => {
            let port = argument(call.arguments, 1, "port").cloned();
            let port = port.unwrap_or_else(|| Value::new(Kind::Number(5000.0), span));
            record(eval, id, "run", vec![port], span);
            none
        }
        "make_response" => super::response::make(eval, call.arguments, span),
        "make_default_options_response" => super::response::new(eval, span).1,
        "app_context" | "test_request_context" => Value::unknown("a context", span),
        "response_class" => super::response::call(
            eval,
            &Native { name: "flask.Response", bound: std::sync::Arc::new([]), of: None },
            call.arguments,
            span,
        )?,
        _ => Value::unknown(format!("`.{}()` of the application", call.name), span),
    })
}

/// Notes a rule with what the view says about itself now.
fn rule_of(eval: &mut Evaluator, id: ObjectId, rule: Value, view: Option<Value>, options: &Value, span: Span) {
    let (object, value) = host_object(eval, RULE, span);
    eval.set_field(object, "rule", rule, span);
    if let Some(options) = options.as_object() {
        for name in RULE_OPTIONS {
            if let Some(given) = field(eval, options, name) {
                eval.set_field(object, name, given, span);
            }
        }
    }
    if let Some(view) = view {
        describe(eval, object, &view, span);
        if let Some(attributes) = eval.attributes_of(&view) {
            let app = Value::new(Kind::Object(id), span);
            eval.set_field(attributes, REGISTERED, app, span);
        }
        eval.set_field(object, "view", view, span);
    }
    record(eval, id, "rule", vec![value], span);
}

/// `Flask.add_url_rule`: what the view's attributes add to a rule.
pub(super) fn describe(eval: &mut Evaluator, rule: ObjectId, view: &Value, span: Span) {
    let Some(attributes) = eval.attributes_of(view) else { return };
    for name in ["methods", "provide_automatic_options"] {
        let given = field(eval, rule, name).is_some_and(|value| !value.is_nullish());
        if let Some(own) = field(eval, attributes, name).filter(|_| !given) {
            eval.set_field(rule, name, own, span);
        }
    }
    if let Some(required) = field(eval, attributes, "required_methods") {
        eval.set_field(rule, "required_methods", required, span);
    }
}

/// `@app.route(…)` and its kin.
pub(super) fn decorate(eval: &mut Evaluator, of: &Native, target: &Value, span: Span) -> Option<Value> {
    if of.name != SETUP {
        return None;
    }
    let (id, kind) = (of.of?, of.bound.first()?.as_str()?);
    match kind {
        "rule" => {
            let (rule, options) = (of.bound.get(1)?.clone(), of.bound.get(2)?.clone());
            rule_of(eval, id, rule, Some(target.clone()), &options, span);
        }
        "error" | "error_app" => {
            let name = if kind == "error" { "error" } else { "error_app" };
            record(eval, id, name, vec![of.bound.get(1)?.clone(), target.clone()], span);
        }
        "before" => record(eval, id, "before", vec![target.clone()], span),
        "after" => record(eval, id, "after", vec![target.clone()], span),
        "before_app" => record(eval, id, "before_app", vec![target.clone()], span),
        "after_app" => record(eval, id, "after_app", vec![target.clone()], span),
        _ => return None,
    }
    Some(target.clone())
}

/// The application, blueprint or API that a value is.
pub(super) fn owner(eval: &Evaluator, value: &Value) -> Option<ObjectId> {
    let id = value.as_object()?;
    matches!(eval.object(id).tag, Tag::Host(APP | BLUEPRINT | API)).then_some(id)
}

/// A switch of an application that is on where it is not set.
pub(super) fn is_on(eval: &Evaluator, id: ObjectId, name: &str) -> Guard {
    field(eval, id, name).map_or(Guard::Always, |value| value.truthy())
}
