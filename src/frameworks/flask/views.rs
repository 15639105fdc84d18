//! Class-based views: Flask's own, Flask-RESTful's and Flask-RESTX's resources.

use super::{API, APP, BLUEPRINT, app, argument, bound, cors, errors, field, host_object, keywords, record, request};
use crate::eval::{Arguments, ClassId, Evaluator, Kind, MethodCall, Native, ObjectId, Tag, Value};
use crate::model::{EffectKind, Guard, Reason, RemarkKind};
use crate::source::Span;

/// A class as a view. Bound: the class, the keywords for its constructor, the other arguments for it.
const VIEW: &str = "flask.view";
/// A view below a decorator of an authentication package. Bound: the view.
const GUARDED: &str = "auth.guarded";
/// The field of an API that answers at its root by itself.
pub(super) const DOCUMENTS: &str = "(documents)";
/// What `api.route(…)` gives. Bound: the paths.
const ROUTE: &str = "flask.api.route";

/// Methods that a class-based view may answer.
const METHODS: &[&str] = &["get", "post", "head", "options", "delete", "put", "trace", "patch"];

pub(super) fn call(eval: &mut Evaluator, of: &Native, arguments: &Arguments, span: Span) -> Option<Value> {
    match of.name {
        "flask.Api" | "flask_restx.Api" | "flask.Namespace" => {
            let (id, api) = host_object(eval, API, span);
            let is_namespace = of.name == "flask.Namespace";
            if is_namespace {
                if let Some(name) = argument(arguments, 0, "name") {
                    eval.set_field(id, "name", name.clone(), span);
                }
            } else if let Some(owner) = argument(arguments, 0, "app").cloned() {
                attach(eval, id, &owner, span);
            }
            if of.name == "flask_restx.Api" {
                eval.set_field(id, DOCUMENTS, Value::new(Kind::Bool(true), span), span);
            }
            for name in ["prefix", "path", "decorators"] {
                if let Some(value) = arguments.keyword(name) {
                    eval.set_field(id, name, value.clone(), span);
                }
            }
            Some(api)
        }
        VIEW => Some(dispatch(eval, of, arguments, span)),
        "auth.required" => {
            // `@jwt_required()`, and `login_required(view)`.
            match arguments.get(0).filter(|value| eval.attributes_of(value).is_some()).cloned() {
                Some(view) => decorate(eval, of, &view, span),
                None => Some(bound("auth.required", None, Vec::new(), span)),
            }
        }
        GUARDED => {
            let view = of.bound.first()?.clone();
            if eval.is_collecting() {
                let kind = EffectKind::Notice(RemarkKind::ReadsCredentials("the logged-in user".into()));
                eval.emit(kind, span);
            }
            // These packages spare OPTIONS.
            let asked = Guard::not(request::is_method("OPTIONS", span));
            let refused = Guard::Unknown(Reason::new("whether the credentials are accepted", span));
            errors::throw(eval, asked.and(refused), 401, span);
            Some(eval.call(&view, arguments, span))
        }
        ROUTE => {
            let target = arguments.get(0)?.clone();
            decorate(eval, of, &target, span)
        }
        _ => None,
    }
}

/// An API is given its application or blueprint.
fn attach(eval: &mut Evaluator, api: ObjectId, owner: &Value, span: Span) {
    for (when, owner) in owner.branches() {
        let id = match &owner.kind {
            Kind::Object(id) if matches!(eval.object(*id).tag, Tag::Host(APP | BLUEPRINT)) => *id,
            _ => continue,
        };
        let api = Value::new(Kind::Object(api), span);
        eval.under(when, |eval| record(eval, id, "api", vec![api], span));
    }
}

/// A method of an API or a namespace.
pub(super) fn api_method(eval: &mut Evaluator, id: ObjectId, call: &MethodCall) -> Option<Value> {
    let span = call.span;
    let first = call.arguments.get(0).cloned();
    let none = Value::new(Kind::Null, span);
    Some(match call.name {
        "init_app" => {
            attach(eval, id, &first.or_else(|| call.arguments.keyword("app").cloned())?, span);
            none
        }
        "add_resource" => {
            record(eval, id, "resource", call.arguments.positional.clone(), span);
            none
        }
        "route" | "resource" => bound(ROUTE, Some(id), call.arguments.positional.clone(), span),
        "add_namespace" => {
            let mut values = vec![first?];
            values.extend(argument(call.arguments, 1, "path").cloned());
            record(eval, id, "namespace", values, span);
            none
        }
        "namespace" => {
            let (inner, namespace) = host_object(eval, API, span);
            eval.set_field(inner, "name", first?, span);
            let (options, _) = keywords(eval, call.arguments, span);
            for name in ["path", "decorators"] {
                if let Some(value) = field(eval, options, name) {
                    eval.set_field(inner, name, value, span);
                }
            }
            record(eval, id, "namespace", vec![namespace.clone()], span);
            namespace
        }
        "errorhandler" => bound("flask.ignored", None, Vec::new(), span),
        // Documentation and parsing: decorators that leave what they decorate as it is.
        _ => bound("flask.ignored", None, Vec::new(), span),
    })
}

pub(super) fn decorate(eval: &mut Evaluator, of: &Native, target: &Value, span: Span) -> Option<Value> {
    match of.name {
        ROUTE => {
            let mut values = vec![target.clone()];
            values.extend(of.bound.iter().cloned());
            record(eval, of.of?, "resource", values, span);
            Some(target.clone())
        }
        "auth.required" => {
            if matches!(target.kind, Kind::Class(_)) {
                return Some(target.clone());
            }
            let attributes = eval.new_object(Tag::Plain, span);
            let value = bound(GUARDED, Some(attributes), vec![target.clone()], span);
            eval.copy_attributes(target, &value);
            Some(value)
        }
        "flask.ignored" => Some(target.clone()),
        _ => None,
    }
}

/// Whether a class extends one of the frameworks' views.
pub(super) fn is_view(eval: &Evaluator, class: ClassId) -> bool {
    let mut open = vec![class];
    for _ in 0..32 {
        let Some(class) = open.pop() else { return false };
        for base in &eval.class_data(class).bases {
            match &base.kind {
                Kind::Class(base) => open.push(*base),
                Kind::Native(native) if matches!(native.name, "flask.View" | "flask.Resource") => return true,
                _ => {}
            }
        }
    }
    false
}

/// `Class.as_view(name)`: the class's decorators are applied, and what they set on the view is then replaced by what
/// the class says.
pub(super) fn as_view(eval: &mut Evaluator, class: ClassId, call: &MethodCall) -> Option<Value> {
    is_view(eval, class).then(|| {
        // What stands behind the name is for the constructor.
        let mut given = call.arguments.clone();
        match given.keywords.iter().position(|(name, ..)| &**name == "name") {
            Some(at) => drop(given.keywords.remove(at)),
            None => given.positional = given.positional.into_iter().skip(1).collect(),
        }
        view(eval, class, &given, call.span)
    })
}

/// A class as a view function. `given` is for its constructor.
fn view(eval: &mut Evaluator, class: ClassId, given: &Arguments, span: Span) -> Value {
    let attributes = eval.new_object(Tag::Plain, span);
    let class_value = Value::new(Kind::Class(class), span);
    let (_, keywords) = keywords(eval, given, span);
    let values = [class_value, keywords].into_iter().chain(given.positional.iter().cloned()).collect();
    let mut view = bound(VIEW, Some(attributes), values, span);
    if let Some(decorators) = eval.class_member(class, "decorators") {
        let (decorators, _) = eval.each(&decorators, span);
        for decorator in decorators {
            view = eval.decorate(&decorator, view, decorator.span);
        }
    }
    let methods = match eval.class_member(class, "methods") {
        Some(methods) => methods,
        None => {
            let own: Vec<Value> = METHODS
                .iter()
                .filter(|method| eval.class_member(class, method).is_some())
                .map(|method| Value::str(method.to_ascii_uppercase(), span))
                .collect();
            eval.new_array(own, span)
        }
    };
    if let Some(attributes) = eval.attributes_of(&view) {
        eval.set_field(attributes, "methods", methods, span);
        let automatic = eval.class_member(class, "provide_automatic_options");
        let automatic = automatic.unwrap_or_else(|| Value::new(Kind::Null, span));
        eval.set_field(attributes, "provide_automatic_options", automatic, span);
    }
    view
}

/// A request comes to a class-based view.
fn dispatch(eval: &mut Evaluator, of: &Native, arguments: &Arguments, span: Span) -> Value {
    let Some(Kind::Class(class)) = of.bound.first().map(|value| value.kind.clone()) else {
        return Value::unknown("a view", span);
    };
    let given = constructor_arguments(eval, of);
    let instance = eval.instance(class, &given, span);
    if eval.class_member(class, "dispatch_request").is_some() {
        return eval.call_method(&instance, "dispatch_request", arguments, span, span);
    }
    let decorators = eval.class_member(class, "method_decorators");
    let mut answer = Value::unknown("a method that the view does not have", span);
    let has_head = eval.class_member(class, "head").is_some();
    for method in METHODS {
        if eval.class_member(class, method).is_none() {
            continue;
        }
        let mut when = request::is_method(&method.to_ascii_uppercase(), span);
        if *method == "get" && !has_head {
            when = when.or(request::is_method("HEAD", span));
        }
        let given = eval.under(when.clone(), |eval| {
            let mut function = eval.get(&instance, method, span);
            let decorators = match &decorators {
                Some(decorators) => method_decorators(eval, decorators, method, span),
                None => Vec::new(),
            };
            for decorator in decorators {
                if cors::sets_attributes(&decorator) {
                    errors::crash(eval, "a bound method takes no attributes", decorator.span);
                }
                function = eval.decorate(&decorator, function, decorator.span);
            }
            eval.call(&function, arguments, span)
        });
        answer = Value::choose(when, given, answer);
    }
    answer
}

/// What a view's class is made with.
fn constructor_arguments(eval: &Evaluator, of: &Native) -> Arguments {
    let mut given = Arguments::of(of.bound.get(2..).unwrap_or_default().to_vec());
    if let Some(keywords) = of.bound.get(1).and_then(Value::as_object).map(|id| eval.object(id)) {
        given.keywords =
            keywords.fields.iter().map(|field| (field.name.clone(), field.value.clone(), field.span)).collect();
        given.open = keywords.open.clone();
    }
    given
}

/// `method_decorators`: a list, or a list for each method.
fn method_decorators(eval: &mut Evaluator, decorators: &Value, method: &str, span: Span) -> Vec<Value> {
    let is_table = decorators.as_object().is_some_and(|id| eval.object(id).tag == Tag::Plain);
    let list = if is_table { eval.get(decorators, method, span) } else { decorators.clone() };
    eval.each(&list, span).0
}

/// A resource with its paths and view.
pub(super) struct Registered {
    /// The paths below the application or blueprint.
    pub paths: Vec<Value>,
    /// The path in front of them, if it is known.
    pub prefix: String,
    /// The view.
    pub view: Value,
    /// Under which condition it is there.
    pub when: Guard,
    /// Where it is registered.
    pub span: Span,
}

/// The resources of an API and its namespaces.
pub(super) fn resources(eval: &mut Evaluator, api: ObjectId, prefix: &str, depth: usize) -> Vec<Registered> {
    let mut found = Vec::new();
    if depth > 8 {
        return found;
    }
    let own = field(eval, api, "prefix").and_then(|prefix| prefix.as_str().map(str::to_owned)).unwrap_or_default();
    let prefix = format!("{prefix}{own}");
    let decorators = match field(eval, api, "decorators") {
        Some(decorators) => eval.each(&decorators, decorators.span).0,
        None => Vec::new(),
    };
    for call in eval.object(api).calls.clone() {
        match &*call.name {
            "resource" => {
                let Some((resource, paths)) = call.arguments.positional.split_first() else { continue };
                let Kind::Class(class) = resource.kind else { continue };
                let mut function = view(eval, class, &Arguments::default(), call.span);
                for decorator in &decorators {
                    function = eval.decorate(decorator, function, decorator.span);
                }
                let paths = paths.to_vec();
                found.push(Registered {
                    paths,
                    prefix: prefix.clone(),
                    view: function,
                    when: call.when,
                    span: call.span,
                });
            }
            "namespace" => {
                let Some(id) = call.arguments.get(0).and_then(Value::as_object) else { continue };
                if eval.object(id).tag != Tag::Host(API) {
                    continue;
                }
                let own = field(eval, id, "path");
                let path = call.arguments.get(1).cloned().or(own).and_then(|path| path.as_str().map(str::to_owned));
                let name = field(eval, id, "name").and_then(|name| name.as_str().map(str::to_owned));
                let path = path.unwrap_or_else(|| format!("/{}", name.unwrap_or_default()));
                let path = format!("{prefix}{}", path.trim_end_matches('/'));
                found.extend(resources(eval, id, &path, depth + 1));
            }
            _ => {}
        }
    }
    found
}

/// A rule object for a resource.
pub(super) fn rule(eval: &mut Evaluator, resource: &Registered, span: Span) -> ObjectId {
    let (rule, _) = host_object(eval, super::RULE, span);
    let view = resource.view.clone();
    app::describe(eval, rule, &view, span);
    eval.set_field(rule, "view", view, span);
    rule
}
