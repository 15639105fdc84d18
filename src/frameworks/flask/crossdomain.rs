//! Flask-RESTful's `crossdomain`.

use super::{field, request, response};
use crate::cors::headers;
use crate::eval::{Arguments, Evaluator, Native, Value};
use crate::model::Guard;
use crate::source::Span;

/// Flask-RESTful's own `crossdomain` (0.3.10, `utils/cors.py`): a view below it is called.
pub(super) fn crossdomain(eval: &mut Evaluator, of: &Native, arguments: &Arguments, span: Span) -> Value {
    let (Some(view), Some(dict)) = (of.bound.first(), of.bound.get(1).and_then(Value::as_object)) else {
        return Value::unknown("a view", span);
    };
    let get = |eval: &Evaluator, name: &str| field(eval, dict, name);
    let automatic = get(eval, "automatic_options").map_or(Guard::Always, |value| value.truthy());
    let preflight = automatic.and(request::is_method("OPTIONS", span));
    let default = eval.under(preflight.clone(), |eval| response::new(eval, span).1);
    let own = eval.under(Guard::not(preflight.clone()), |eval| {
        let given = eval.call(view, arguments, span);
        response::convert(eval, &given, span)
    });
    let answer = Value::choose(preflight, default, own);
    for (when, answer) in answer.branches() {
        let Some(id) = answer.as_object() else { continue };
        eval.under(when, |eval| {
            let set = |eval: &mut Evaluator, header: &str, value: Value| {
                response::write(eval, id, "set", &headers::canonical(header), value, span);
            };
            let joined = |eval: &mut Evaluator, value: Value| match eval.items(&value).map(|list| list.items.clone()) {
                Some(items) => eval.join(&items, ", ", span),
                None => value,
            };
            if let Some(origin) = get(eval, "origin") {
                let origin = joined(eval, origin);
                set(eval, headers::ALLOW_ORIGIN, origin);
            }
            let methods = match get(eval, "methods").filter(|value| !value.is_nullish()) {
                Some(methods) => joined(eval, methods),
                None => Value::unknown("the methods of the route, in an order that varies", span),
            };
            set(eval, headers::ALLOW_METHODS, methods);
            let age = get(eval, "max_age").unwrap_or_else(|| Value::str("21600", span));
            set(eval, headers::MAX_AGE, age);
            if let Some(credentials) = get(eval, "credentials") {
                let on = Value::str("true", credentials.span);
                eval.under(credentials.truthy(), |eval| set(eval, headers::ALLOW_CREDENTIALS, on));
            }
            for (name, header) in [("headers", headers::ALLOW_HEADERS), ("expose_headers", headers::EXPOSE_HEADERS)] {
                if let Some(list) = get(eval, name).filter(|value| !value.is_nullish()) {
                    let list = joined(eval, list);
                    set(eval, header, list);
                }
            }
        });
    }
    answer
}
