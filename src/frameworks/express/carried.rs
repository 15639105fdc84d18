//! What a handler puts on the request or into `res.locals` for those behind it.

use std::sync::Arc;

use crate::eval::{Evaluator, Kind, Tag, Value};
use crate::frameworks::common::node::Exchange;
use crate::model::Reason;
use crate::source::Span;

/// Values with their names and the places where they were put.
type Values = Vec<(Arc<str>, Value, Span)>;

/// What the handlers so far have put there in any case, as far as it is known.
#[derive(Clone, Default)]
pub(super) struct Carried {
    request: Values,
    locals: Values,
}

impl Carried {
    /// Puts it on a new exchange.
    pub(super) fn put(&self, eval: &mut Evaluator, exchange: &Exchange) {
        let (Some(request), Some(response)) = (exchange.request.as_object(), exchange.response.as_object()) else {
            return;
        };
        let locals = eval.new_object(Tag::Plain, exchange.response.span);
        eval.leave_open(locals, Reason::new("what else `res.locals` holds", exchange.response.span));
        let held = Value::new(Kind::Object(locals), exchange.response.span);
        eval.set_field(response, "locals", held, exchange.response.span);
        for (object, values) in [(request, &self.request), (locals, &self.locals)] {
            for (name, value, span) in values {
                eval.set_field(object, name, value.clone(), *span);
            }
        }
    }

    /// What an exchange holds when a handler has run.
    pub(super) fn of(eval: &Evaluator, exchange: &Exchange) -> Self {
        let values = |value: &Value| -> Values {
            let Some(id) = value.as_object() else { return Values::new() };
            let fields = eval.object(id).fields.iter().filter(|field| !matches!(&*field.name, "res" | "req"));
            fields.map(|field| (field.name.clone(), field.value.clone(), field.span)).collect()
        };
        let locals = exchange.response.as_object().and_then(|id| eval.field(id, "locals"));
        Self {
            request: values(&exchange.request),
            locals: locals.map(|field| values(&field.value)).unwrap_or_default(),
        }
    }

    /// Takes over what a handler left that runs in any case.
    pub(super) fn take(&mut self, left: Carried) {
        *self = left;
        for values in [&mut self.request, &mut self.locals] {
            values.retain(|(_, value, _)| is_known(value));
        }
    }

    /// Forgets what a handler has changed that runs for some requests only.
    pub(super) fn forget_changes(&mut self, left: &Carried) {
        for (own, left) in [(&mut self.request, &left.request), (&mut self.locals, &left.locals)] {
            own.retain(|(name, _, span)| left.iter().any(|(other, _, place)| (other, place) == (name, span)));
        }
    }
}

/// Whether nothing of a value is unknown: what is so keeps the reason that it has where it is read.
fn is_known(value: &Value) -> bool {
    value.branches().iter().all(|(_, value)| match &value.kind {
        Kind::Unknown(_) | Kind::Function(_) | Kind::Class(_) | Kind::Native(_) | Kind::Module(_) => false,
        Kind::Text(text) => text.reason().is_none(),
        _ => true,
    })
}
