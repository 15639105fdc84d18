//! JavaScript's own errors: what is read of something that is not there, and what is no URL.

use std::sync::Arc;

use super::Evaluator;
use super::value::{Kind, Tag, Value};
use crate::cors::StringTest;
use crate::model::{Guard, Part, Text, UrlPart};
use crate::source::Span;
use crate::syntax::program::{Expr, ExprKind, Language};

impl Evaluator<'_> {
    /// Throws an error of the language itself under a condition.
    pub fn throw_error(&mut self, when: Guard, class: &str, message: &str, span: Span) {
        if when == Guard::Never {
            return;
        }
        let id = self.new_object(Tag::Plain, span);
        self.set_field(id, "name", Value::str(class, span), span);
        self.set_field(id, "message", Value::str(message, span), span);
        self.under(when, |eval| eval.throw(Value::new(Kind::Object(id), span)));
    }

    /// What Node prints of an exception that nobody caught: `TypeError: message`.
    pub(super) fn message_of(&self, value: &Value) -> String {
        let field = |name: &str| {
            let id = value.as_object()?;
            self.field(id, name)?.value.as_str().map(str::to_owned)
        };
        match (value.as_str(), field("message")) {
            (Some(text), _) => text.to_owned(),
            (None, Some(message)) => format!("{}: {message}", field("name").unwrap_or_else(|| "Error".to_owned())),
            (None, None) => "an exception ends the program".to_owned(),
        }
    }

    /// Notes that the program ends while it starts where the conditions in force hold.
    pub(super) fn fails_here(&mut self, also: Guard, error: String, span: Span) {
        let when = Guard::all(self.path.iter().cloned().chain([also]));
        if self.catching == 0 && when != Guard::Never && self.conditional_failures.len() < 64 {
            self.conditional_failures.push((when, error, span));
        }
    }

    /// Reads a property of a header that may be missing, or of a variable that may be unset.
    pub(super) fn reads(&mut self, of: &Value, name: &str, span: Span) {
        let Kind::Text(text) = &of.kind else { return };
        if self.language() != Language::JavaScript {
            return;
        }
        let (header, variable) = (absent(text, false), absent(text, true));
        let message = format!("Cannot read properties of undefined (reading '{name}')");
        if self.collecting {
            self.throw_error(header, "TypeError", &message, span);
        } else {
            self.fails_here(variable, format!("TypeError: {message}"), span);
        }
    }

    /// `os.environ[key]`, which raises where the variable is not set.
    pub(super) fn reads_variable(&mut self, value: &Value, key: &Value, span: Span) {
        let missing = Guard::not(value.present());
        if self.collecting || missing == Guard::Never {
            return;
        }
        match self.catching {
            0 => self.fails_here(missing, format!("KeyError: '{}'", key.as_str().unwrap_or_default()), span),
            _ => self.under(missing, |eval| eval.throw(Value::unknown("`KeyError`", span))),
        }
    }

    /// Reads a property of `this` in a method that was called without its object.
    pub(super) fn reads_this(&mut self, object: &Expr, name: &str, span: Span) {
        if matches!(object.kind, ExprKind::This) && self.calls.last().is_some_and(|call| call.detached) {
            let message = format!("Cannot read properties of undefined (reading '{name}')");
            self.throw_error(Guard::Always, "TypeError", &message, span);
        }
    }

    /// `new URL(text)` of something that a request says.
    pub(super) fn reads_url(&mut self, text: &Text, span: Span) {
        if self.collecting && text.mentions_header(crate::cors::headers::ORIGIN) {
            let scheme = Text::Url(Arc::new(text.clone()), UrlPart::Protocol);
            let is_url = Guard::test(scheme, StringTest::Contains(":".into()), span);
            self.throw_error(Guard::not(is_url), "TypeError", "Invalid URL", span);
        }
    }
}

/// When a text is `undefined`: the header, or the variable, that it is the value of is missing.
fn absent(text: &Text, variables: bool) -> Guard {
    match text {
        // Every request of HTTP/1.1 has it.
        Text::Request(Part::Header(name)) if &**name == "host" => Guard::Never,
        Text::Request(Part::Header(name)) if !variables => Guard::not(Guard::HasHeader(name.clone())),
        Text::Environment(name) if variables => Guard::not(Guard::EnvironmentSet(name.clone())),
        Text::Choose(guard, then, otherwise) => Guard::any([
            (**guard).clone().and(absent(then, variables)),
            Guard::not((**guard).clone()).and(absent(otherwise, variables)),
        ]),
        _ => Guard::Never,
    }
}
