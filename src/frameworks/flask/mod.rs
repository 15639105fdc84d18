//! Flask, flask-cors, and the class-based views of Flask-RESTful and Flask-RESTX.
//!
//! Facts are from Flask 3.1.3 (`app.py`, `sansio/app.py`, `sansio/blueprints.py`, `views.py`), Werkzeug 3.1
//! (`routing/`, `datastructures/headers.py`) and flask-cors 3.0.10 to 6.0.5 (`core.py`, `extension.py`,
//! `decorator.py`).

mod app;
mod config;
mod cors;
mod crossdomain;
mod errors;
mod extract;
mod hooks;
mod mistakes;
mod names;
mod options;
mod outgoing;
mod plan;
mod reach;
mod request;
mod resources;
mod response;
mod rules;
mod sends;
mod settle;
mod table;
mod unowned;
mod views;

use std::sync::Arc;

pub use extract::extract;

use crate::eval::{Arguments, Evaluator, Host, Kind, MethodCall, Native, ObjectId, Tag, Value};
use crate::model::Guard;
use crate::source::Span;
use crate::syntax::program::{BinaryOperator, Language};

/// The tag of an application.
const APP: &str = "flask.app";
/// The tag of a blueprint.
const BLUEPRINT: &str = "flask.blueprint";
/// The tag of an application's configuration.
const CONFIG: &str = "flask.config";
/// The tag of an answer.
const RESPONSE: &str = "flask.response";
/// The tag of an exception that carries a status.
const ERROR: &str = "flask.error";
/// The tag of a URL rule.
const RULE: &str = "flask.rule";
/// The tag of `Api` and `Namespace` of Flask-RESTful and Flask-RESTX.
const API: &str = "flask.api";
/// The tag of `CORS(…)`.
const EXTENSION: &str = "flask_cors.extension";

/// What programs get from `flask`, `flask_cors` and the packages around them.
pub struct Flask;

impl Host for Flask {
    fn language(&self) -> Language {
        Language::Python
    }

    fn import(&self, _eval: &mut Evaluator, module: &str, span: Span) -> Option<Value> {
        names::package(module).map(|name| native(name, None, span))
    }

    fn property(&self, eval: &mut Evaluator, of: &Value, name: &str, span: Span) -> Option<Value> {
        match &of.kind {
            Kind::Native(function) => {
                if let Some(member) = names::member(function.name, name) {
                    return Some(native(member, None, span));
                }
                let function = function.clone();
                names::constant(function.name, name, span)
                    .or_else(|| request::property(eval, &function, name, span))
                    .or_else(|| response::headers_property(eval, &function, name, span))
                    .or_else(|| app::native_property(eval, &function, name, span))
            }
            Kind::Object(id) => match eval.object(*id).tag {
                Tag::Host(APP | BLUEPRINT) => app::property(eval, *id, name, span),
                Tag::Host(CONFIG) => Some(config::property(eval, *id, name, span)),
                Tag::Host(RESPONSE) => Some(response::property(eval, *id, name, span)),
                Tag::Host(ERROR) => Some(errors::property(eval, *id, name, span)),
                _ => None,
            },
            _ => None,
        }
    }

    fn call(&self, eval: &mut Evaluator, callee: &Value, arguments: &Arguments, span: Span) -> Option<Value> {
        let Kind::Native(function) = &callee.kind else { return None };
        let function = function.clone();
        app::call(eval, &function, arguments, span)
            .or_else(|| response::call(eval, &function, arguments, span))
            .or_else(|| errors::call(eval, &function, arguments, span))
            .or_else(|| cors::call(eval, &function, arguments, span))
            .or_else(|| views::call(eval, &function, arguments, span))
    }

    fn method(&self, eval: &mut Evaluator, call: &MethodCall) -> Option<Value> {
        match &call.receiver.kind {
            Kind::Object(id) => match eval.object(*id).tag {
                Tag::Host(APP | BLUEPRINT) => app::method(eval, *id, call),
                Tag::Host(CONFIG) => config::method(eval, *id, call),
                Tag::Host(RESPONSE) => response::method(eval, *id, call),
                Tag::Host(API) => views::api_method(eval, *id, call),
                Tag::Host(EXTENSION) => cors::extension_method(eval, *id, call),
                Tag::Host(ERROR) => errors::method(eval, *id, call),
                _ => None,
            },
            Kind::Class(class) if call.name == "as_view" => views::as_view(eval, *class, call),
            Kind::Native(function) => {
                let function = function.clone();
                if let Some(app) = app::current(eval, &function) {
                    let receiver = Value::new(Kind::Object(app), call.receiver.span);
                    return self.method(eval, &MethodCall { receiver: &receiver, ..*call });
                }
                request::method(eval, &function, call).or_else(|| response::headers_method(eval, &function, call))
            }
            _ => None,
        }
    }

    fn assign(&self, eval: &mut Evaluator, of: &Value, name: &str, value: &Value, span: Span) -> bool {
        match &of.kind {
            Kind::Object(id) if eval.object(*id).tag == Tag::Host(RESPONSE) => {
                response::assign(eval, *id, name, value, span)
            }
            Kind::Object(id) if eval.object(*id).tag == Tag::Host(APP) => {
                config::assign_switch(eval, *id, name, value, span)
            }
            Kind::Native(function) => {
                let function = function.clone();
                app::assign_native(eval, &function, name, value, span)
                    || response::assign_vary(eval, &function, name, value, span)
            }
            _ => false,
        }
    }

    fn assign_item(&self, eval: &mut Evaluator, of: &Value, key: &Value, value: &Value, span: Span) -> bool {
        match &of.kind {
            Kind::Object(id) if eval.object(*id).tag == Tag::Host(CONFIG) => {
                config::assign(eval, *id, key, value, span);
                true
            }
            Kind::Native(function) if function.name == response::HEADERS => {
                let function = function.clone();
                response::assign_header(eval, &function, key, value, span);
                true
            }
            Kind::Native(function) if function.name == "flask.session" => {
                request::session(eval, span);
                true
            }
            Kind::Native(function) => function.name == "flask.g",
            _ => false,
        }
    }

    fn contains(&self, eval: &mut Evaluator, among: &Value, value: &Value, span: Span) -> Option<Guard> {
        let Kind::Native(function) = &among.kind else { return None };
        let function = function.clone();
        let name = value.as_str()?.to_owned();
        request::contains(eval, &function, &name, span).or_else(|| response::contains(eval, &function, &name, span))
    }

    fn compared(&self, _eval: &mut Evaluator, value: &Value, operator: BinaryOperator, number: f64) -> Option<Guard> {
        let Kind::Native(function) = &value.kind else { return None };
        (function.name == response::STATUS).then(|| response::status_is(operator, number))
    }

    fn is_instance(&self, eval: &mut Evaluator, value: &Value, class: &Value) -> Option<Guard> {
        errors::is_instance(eval, value, class)
    }

    fn decorate(&self, eval: &mut Evaluator, decorator: &Value, target: &Value, span: Span) -> Option<Value> {
        let Kind::Native(function) = &decorator.kind else { return None };
        let function = function.clone();
        app::decorate(eval, &function, target, span)
            .or_else(|| hooks::after_this(eval, &function, target, span))
            .or_else(|| cors::decorate(eval, &function, target, span))
            .or_else(|| views::decorate(eval, &function, target, span))
    }
}

fn native(name: &'static str, of: Option<ObjectId>, span: Span) -> Value {
    bound(name, of, Vec::new(), span)
}

fn bound(name: &'static str, of: Option<ObjectId>, values: Vec<Value>, span: Span) -> Value {
    Value::new(Kind::Native(Native { name, bound: Arc::from(values), of }), span)
}

fn host_object(eval: &mut Evaluator, tag: &'static str, span: Span) -> (ObjectId, Value) {
    let id = eval.new_object(Tag::Host(tag), span);
    (id, Value::new(Kind::Object(id), span))
}

/// A field of an object of the framework.
fn field(eval: &Evaluator, id: ObjectId, name: &str) -> Option<Value> {
    eval.field(id, name).map(|field| field.value.clone())
}

/// Keyword arguments as an object.
fn keywords(eval: &mut Evaluator, arguments: &Arguments, span: Span) -> (ObjectId, Value) {
    let id = eval.new_object(Tag::Plain, span);
    for (name, value, at) in &arguments.keywords {
        eval.set_field(id, name, value.clone(), *at);
    }
    if let Some(reason) = &arguments.open {
        eval.leave_open(id, reason.clone());
    }
    (id, Value::new(Kind::Object(id), span))
}

/// The argument at a place or by its keyword.
fn argument<'v>(arguments: &'v Arguments, at: usize, keyword: &str) -> Option<&'v Value> {
    arguments.keyword(keyword).or_else(|| arguments.get(at))
}

/// Notes a call that registers something, for [`extract`] to read in order.
fn record(eval: &mut Evaluator, id: ObjectId, name: &'static str, values: Vec<Value>, span: Span) {
    let when = eval.when();
    let call = crate::eval::Call { name: name.into(), arguments: Arguments::of(values), when, span, name_span: span };
    let object = eval.object_mut(id);
    if object.calls.len() < 20_000 {
        object.calls.push(call);
    }
}
