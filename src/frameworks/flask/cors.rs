//! The calls of flask-cors: `CORS`, `init_app`, and `cross_origin` around views.

use super::crossdomain::crossdomain;
use super::mistakes::{joined, notice, refused};
use super::options::{Options, version};
use super::sends::set_headers;
use super::{
    APP, BLUEPRINT, EXTENSION, app, bound, config, errors, field, host_object, keywords, record, request, response,
};
use crate::eval::{Arguments, Evaluator, Kind, MethodCall, Native, ObjectId, Tag, Value};
use crate::model::{EffectKind, Guard, Reason, RemarkKind};
use crate::source::Span;

/// What `cross_origin(…)` gives. Bound: the options.
const DECORATOR: &str = "flask_cors.decorator";
/// A view below `@cross_origin()`. Bound: the view, the options.
const WRAPPED: &str = "flask_cors.wrapped";
/// A view below `@cross_origin` without a call. Bound: the view, nothing at the place of the decorator.
const UNCALLED: &str = "flask_cors.uncalled";
/// What Flask-RESTful's `crossdomain(…)` gives, and a view below it.
const CROSSDOMAIN: &str = "flask_restful.crossdomain.decorator";
const CROSSDOMAIN_WRAPPED: &str = "flask_restful.crossdomain.wrapped";

pub(super) fn call(eval: &mut Evaluator, of: &Native, arguments: &Arguments, span: Span) -> Option<Value> {
    match of.name {
        "flask_cors.CORS" => {
            let (id, extension) = host_object(eval, EXTENSION, span);
            let (options, value) = keywords(eval, arguments, span);
            eval.set_field(id, "options", value, span);
            let application = arguments.keyword("app").or_else(|| arguments.get(0)).cloned();
            if let Some(application) = application.filter(|value| !value.is_nullish()) {
                init(eval, &application, &[options], span);
                if arguments.positional.len() > 1
                    && let Some(owner) = app::owner(eval, &application)
                {
                    // `CORS.__init__` takes one.
                    record(eval, owner, "startup", vec![Value::str("TypeError", span)], span);
                }
            }
            Some(extension)
        }
        "flask_cors.cross_origin" => {
            let (_, options) = keywords(eval, arguments, span);
            Some(bound(DECORATOR, None, vec![options], span))
        }
        "flask_restful.crossdomain" => {
            let (options, value) = keywords(eval, arguments, span);
            let names = ["origin", "methods", "headers", "expose_headers", "max_age"];
            for (name, given) in names.iter().zip(&arguments.positional) {
                eval.set_field(options, name, given.clone(), span);
            }
            Some(bound(CROSSDOMAIN, None, vec![value], span))
        }
        DECORATOR | CROSSDOMAIN => {
            let target = arguments.get(0)?.clone();
            decorate(eval, of, &target, span)
        }
        WRAPPED => Some(wrapped(eval, of, arguments, span)),
        CROSSDOMAIN_WRAPPED => Some(crossdomain(eval, of, arguments, span)),
        UNCALLED => {
            let kind = RemarkKind::Dead {
                why: "`@cross_origin` is not called, and takes the view for one of its options".into(),
                help: "write `@cross_origin()`".into(),
                consequence: Some("every request to this view ends in an error of the server, 500".into()),
                severe: true,
            };
            eval.emit(EffectKind::Notice(kind), of.bound.get(1).map_or(span, |decorator| decorator.span));
            errors::crash(eval, "the decorator is given the view's arguments", span);
            Some(Value::unknown("nothing is given back", span))
        }
        _ => None,
    }
}

pub(super) fn extension_method(eval: &mut Evaluator, id: ObjectId, call: &MethodCall) -> Option<Value> {
    if call.name != "init_app" {
        return None;
    }
    let application = call.arguments.keyword("app").or_else(|| call.arguments.get(0)).cloned()?;
    let (own, _) = keywords(eval, call.arguments, call.span);
    let first = field(eval, id, "options").and_then(|options| options.as_object());
    let dicts: Vec<ObjectId> = first.into_iter().chain([own]).collect();
    init(eval, &application, &dicts, call.span);
    Some(Value::new(Kind::Null, call.span))
}

/// `CORS(app, …)`: the options are settled now, with the configuration as it is now.
fn init(eval: &mut Evaluator, application: &Value, dicts: &[ObjectId], span: Span) {
    for (when, application) in application.branches() {
        let id = match &application.kind {
            Kind::Object(id) if matches!(eval.object(*id).tag, Tag::Host(APP | BLUEPRINT)) => *id,
            Kind::Native(native) => match app::current(eval, native) {
                Some(id) => id,
                None => continue,
            },
            // Connexion's and others' applications, and those that are parameters of functions nobody calls.
            Kind::Unknown(_) => app::incomplete(eval, span),
            _ => continue,
        };
        eval.under(when, |eval| {
            let settings = config::of(eval, id);
            let options = Options::merge(eval, settings, dicts, version(eval, span));
            let value = store(eval, &options, span);
            record(eval, id, "cors", vec![value], span);
            if let Some(settings) = settings {
                record(eval, settings, "cors", Vec::new(), span);
            }
            if eval.object(id).tag == Tag::Host(BLUEPRINT)
                && let Some(owner) = field(eval, id, app::REGISTERED).as_ref().and_then(|value| app::owner(eval, value))
            {
                // Flask 2.3 and later refuse to set up a blueprint that is registered (`Blueprint._check_setup_finished`).
                record(eval, owner, "startup", vec![Value::str("AssertionError", span)], span);
            }
        });
    }
}

/// Options as an object that can be noted.
fn store(eval: &mut Evaluator, options: &Options, span: Span) -> Value {
    let id = eval.new_object(Tag::Plain, span);
    for (name, value) in &options.given {
        eval.set_field(id, name, value.clone(), span);
    }
    for (name, at) in &options.strange {
        eval.set_field(id, name, Value::new(Kind::Null, *at), *at);
    }
    if let Some(reason) = &options.open {
        eval.leave_open(id, reason.clone());
    }
    Value::new(Kind::Object(id), span)
}

/// `@cross_origin()` and its kin.
pub(super) fn decorate(eval: &mut Evaluator, of: &Native, target: &Value, span: Span) -> Option<Value> {
    let wrapper = match of.name {
        DECORATOR => WRAPPED,
        CROSSDOMAIN => CROSSDOMAIN_WRAPPED,
        "flask_cors.cross_origin" => {
            let attributes = eval.new_object(Tag::Plain, span);
            return Some(bound(UNCALLED, Some(attributes), vec![target.clone(), Value::undefined(span)], span));
        }
        _ => return None,
    };
    if matches!(target.kind, Kind::Class(_)) {
        return Some(target.clone());
    }
    let options = of.bound.first()?.clone();
    let attributes = eval.new_object(Tag::Plain, span);
    if let Some(own) = eval.attributes_of(target) {
        if let Some(owner) = field(eval, own, app::REGISTERED).as_ref().and_then(|value| app::owner(eval, value)) {
            record(eval, owner, "late-decorator", vec![target.clone()], span);
        }
        let automatic = options.as_object().and_then(|id| field(eval, id, "automatic_options"));
        let automatic = automatic.map_or(Guard::Always, |value| value.truthy());
        eval.under(automatic, |eval| {
            let off = Value::new(Kind::Bool(false), span);
            eval.set_field(own, "provide_automatic_options", off, span);
            if of.name == DECORATOR {
                let required = eval.new_array(vec![Value::str("OPTIONS", span)], span);
                eval.set_field(own, "required_methods", required, span);
            }
        });
    }
    let value = bound(wrapper, Some(attributes), vec![target.clone(), options], span);
    eval.copy_attributes(target, &value);
    Some(value)
}

/// Whether a decorator sets attributes, which a bound method does not let it do.
pub(super) fn sets_attributes(value: &Value) -> bool {
    matches!(&value.kind, Kind::Native(native) if matches!(native.name, DECORATOR | CROSSDOMAIN))
}

/// A view below `@cross_origin()` is called.
fn wrapped(eval: &mut Evaluator, of: &Native, arguments: &Arguments, span: Span) -> Value {
    let (Some(view), Some(dict)) = (of.bound.first(), of.bound.get(1).and_then(Value::as_object)) else {
        return Value::unknown("a view", span);
    };
    let place = of.bound.get(1).map_or(span, |options| options.span);
    let app = eval.notes.get(app::CURRENT).and_then(Value::as_object);
    let settings = app.and_then(|app| config::of(eval, app));
    let is_known = app.is_some_and(|app| {
        eval.object(app).tag == Tag::Host(super::APP) && field(eval, app, app::INCOMPLETE).is_none()
    });
    let mut options = Options::merge(eval, settings, &[dict], version(eval, place));
    // Settings that no application was seen to take may be those of the one that this view is given to.
    if !is_known
        && options.get("origins").is_none()
        && eval.path_at(place).is_some_and(|path| eval.loader.sets(&path, "CORS_ORIGINS"))
    {
        options.open = Some(Reason::new("which settings the application has", span));
    }
    notice(eval, &options);
    joined(eval, &options);
    if let Some(text) = refused(eval, &options) {
        errors::crash(eval, text, place);
    }
    let preflight = options.is_on("automatic_options", true).and(request::is_method("OPTIONS", place));
    let automatic = eval.under(preflight.clone(), |eval| response::new(eval, place).1);
    let own = eval.under(Guard::not(preflight.clone()), |eval| {
        let given = eval.call(view, arguments, span);
        response::convert(eval, &given, span)
    });
    let answer = Value::choose(preflight, automatic, own);
    for (when, answer) in answer.branches() {
        let Some(id) = answer.as_object() else { continue };
        // An answer that an inner decorator has dealt with is left alone.
        let fresh = field(eval, id, response::EVALUATED).map_or(Guard::Always, |done| Guard::not(done.truthy()));
        eval.under(when.and(fresh), |eval| {
            set_headers(eval, id, &options, place);
            eval.set_field(id, response::EVALUATED, Value::new(Kind::Bool(true), place), place);
        });
    }
    answer
}
