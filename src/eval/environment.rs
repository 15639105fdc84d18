//! Environment variables, with the values that `.env` files beside the program give them.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Evaluator;
use super::value::{Kind, Value};
use crate::cors::StringTest;
use crate::model::{Guard, Text};
use crate::source::Span;
use crate::syntax::program::Language;

/// Variables of the nearest `.env` file.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub values: FxHashMap<String, (String, Span)>,
    /// The same where `NODE_ENV` is `production`.
    pub in_production: FxHashMap<String, (String, Span)>,
}

/// The variable that says whether a program of Node runs in production.
const STAGE: &str = "NODE_ENV";

impl Evaluator<'_> {
    /// The value of an environment variable in the module that is running: what is set from outside, else what
    /// the nearest `.env` file says, else nothing.
    pub fn environment_variable(&mut self, name: &str, span: Span) -> Value {
        if let Some(written) = self.environment_writes.get(name) {
            return written.clone();
        }
        let name: Arc<str> = Arc::from(name);
        let outside = Value::new(Kind::Text(Arc::new(Text::Environment(name.clone()))), span);
        let (module, language) = (self.module, self.language());
        if !self.environment.contains_key(&module) {
            let path = self.module_path();
            let of = |in_production| -> FxHashMap<String, (String, Span)> {
                let values = self.loader.environment(&path, in_production);
                values.into_iter().map(|(name, value, span)| (name, (value, span))).collect()
            };
            let variables = Variables { values: of(false), in_production: of(language == Language::JavaScript) };
            self.environment.insert(module, variables);
        }
        let Some(variables) = self.environment.get(&module) else { return outside };
        let given = |values: &FxHashMap<String, (String, Span)>| {
            let (value, at) = values.get(&*name)?;
            Some(Value::str(value.as_str(), *at).through(span, "read here"))
        };
        let (ordinary, production) = (variables.values.get(&*name), variables.in_production.get(&*name));
        let values = (given(&variables.values), given(&variables.in_production));
        let candidate = match values {
            (None, None) => return outside,
            (Some(value), _) if ordinary == production || &*name == STAGE => value,
            (value, in_production) => {
                let is_production = StringTest::Equals("production".to_owned());
                let in_stage = Guard::test(Text::Environment(STAGE.into()), is_production, span);
                let (value, in_production) =
                    (value.unwrap_or(outside.clone()), in_production.unwrap_or(outside.clone()));
                Value::choose(in_stage, in_production, value)
            }
        };
        Value::choose(Guard::EnvironmentSet(name), outside, candidate)
    }

    /// `process.env.NAME = value`: from here on that is its value.
    pub(super) fn set_environment_variable(&mut self, name: &str, value: &Value, span: Span) {
        let when = Guard::all(self.path.iter().cloned());
        let old = self.environment_variable(name, span);
        self.environment_writes.insert(name.to_owned(), Value::choose(when, value.clone(), old));
    }
}
