//! Environment variables, with the values that `.env` files beside the program give them.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Evaluator;
use super::value::{Kind, Value};
use crate::model::{Guard, Text};
use crate::source::Span;

/// Variables of the nearest `.env` file.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub values: FxHashMap<String, (String, Span)>,
}

impl Evaluator<'_> {
    /// The value of an environment variable in the module that is running: what is set from outside, else what
    /// the nearest `.env` file says, else nothing.
    pub fn environment_variable(&mut self, name: &str, span: Span) -> Value {
        if let Some(written) = self.environment_writes.get(name) {
            return written.clone();
        }
        let name: Arc<str> = Arc::from(name);
        let outside = Value::new(Kind::Text(Arc::new(Text::Environment(name.clone()))), span);
        let module = self.module;
        if !self.environment.contains_key(&module) {
            let path = self.module_path();
            let values = self.loader.environment(&path).into_iter().map(|(name, value, span)| (name, (value, span)));
            let variables = Variables { values: values.collect() };
            self.environment.insert(module, variables);
        }
        match self.environment.get(&module).and_then(|variables| variables.values.get(&*name)) {
            Some((value, at)) => {
                let candidate = Value::str(value.as_str(), *at).through(span, "read here");
                Value::choose(Guard::EnvironmentSet(name), outside, candidate)
            }
            None => outside,
        }
    }

    /// `process.env.NAME = value`: from here on that is its value.
    pub(super) fn set_environment_variable(&mut self, name: &str, value: &Value, span: Span) {
        let when = Guard::all(self.path.iter().cloned());
        let old = self.environment_variable(name, span);
        self.environment_writes.insert(name.to_owned(), Value::choose(when, value.clone(), old));
    }
}
