//! The options of flask-cors: what is given where, in which version, and what it means.

use super::field;
use crate::cors::{Anchoring, Engine, Flags, Pattern, PatternError, StringTest};
use crate::eval::{Evaluator, Kind, ObjectId, Tag, Value};
use crate::model::{Guard, Reason, Text};
use crate::source::Span;

/// The options that the library knows (6.0.5, `core.py`, `DEFAULT_OPTIONS`).
pub(super) const NAMES: &[&str] = &[
    "origins",
    "methods",
    "allow_headers",
    "expose_headers",
    "supports_credentials",
    "max_age",
    "send_wildcard",
    "automatic_options",
    "vary_header",
    "resources",
    "intercept_exceptions",
    "always_send",
    "allow_private_network",
];

/// The methods that are allowed where none are given, as they are sent.
pub(super) const ALL_METHODS: &str = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

/// The major version of flask-cors that the code at a place is written for; the newest where nothing says it.
pub(super) fn version(eval: &Evaluator, span: Span) -> u32 {
    eval.package_version_at("flask-cors", span).and_then(|version| major(&version)).unwrap_or(6)
}

/// Whether the code at a place is written for Flask 3.0 or older, and the Werkzeug that came with it.
pub(super) fn is_before_3_1(eval: &Evaluator, span: Span) -> bool {
    let Some(version) = eval.package_version_at("flask", span) else { return false };
    let digits = version.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let minor = digits.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    match major(&version) {
        Some(3) => minor == Some(0),
        Some(major) => major < 3,
        None => false,
    }
}

/// The first number of a version.
pub(super) fn major(version: &str) -> Option<u32> {
    let digits: String =
        version.chars().skip_while(|letter| !letter.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Whether the library reads a setting of this name (flask-cors 6.0.5, core.py, `CONFIG_OPTIONS`).
pub(super) fn is_setting(name: &str) -> bool {
    name.strip_prefix("CORS_").is_some_and(|option| NAMES.iter().any(|known| known.to_ascii_uppercase() == option))
}

/// Options as given, without the defaults.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// What is given.
    pub given: Vec<(&'static str, Value)>,
    /// Options that the library does not know, with the places of their names.
    pub strange: Vec<(String, Span)>,
    /// Why there may be more.
    pub open: Option<Reason>,
    /// The major version of the library.
    pub version: u32,
}

impl Options {
    /// The options of an application's configuration, and of dicts of which the last wins.
    pub(super) fn merge(eval: &mut Evaluator, config: Option<ObjectId>, dicts: &[ObjectId], version: u32) -> Self {
        let mut options = Options { given: Vec::new(), strange: Vec::new(), open: None, version };
        if let Some(config) = config {
            for name in NAMES {
                let key = super::config::setting(name);
                let value = match field(eval, config, &key) {
                    Some(value) => value,
                    None => continue,
                };
                // One that is not known is one: only `None` stands for the default.
                let there = value.branches().into_iter().map(|(when, value)| match value.kind {
                    Kind::Unknown(_) => when,
                    _ => when.and(value.present()),
                });
                let there = Guard::any(there);
                options.set(name, there, value);
            }
            // What files of settings that are not read may hold counts for nothing here: nearly all say nothing of CORS.
        }
        for dict in dicts {
            options.add(eval, *dict);
        }
        options
    }

    /// Adds the entries of a dict.
    pub(super) fn add(&mut self, eval: &Evaluator, dict: ObjectId) {
        let object = eval.object(dict);
        for entry in &object.fields {
            match NAMES.iter().find(|name| **name == &*entry.name) {
                Some(name) => {
                    // A keyword that a spread under a condition brought is not there where it is `undefined`.
                    let there = match &entry.value.kind {
                        Kind::Choose(_) => {
                            let mut there = Guard::Never;
                            for (when, value) in entry.value.branches() {
                                if !matches!(value.kind, Kind::Undefined) {
                                    there = there.or(when);
                                }
                            }
                            there
                        }
                        _ => Guard::Always,
                    };
                    self.set(name, there, entry.value.clone());
                }
                None if &*entry.name == "app" => {}
                None => self.strange.push((entry.name.to_string(), entry.span)),
            }
        }
        self.open = self.open.take().or_else(|| object.open.clone());
    }

    fn set(&mut self, name: &'static str, when: Guard, value: Value) {
        match self.given.iter_mut().find(|(own, _)| *own == name) {
            Some((_, old)) => *old = Value::choose(when, value, old.clone()),
            None => {
                let otherwise = Value::undefined(value.span);
                self.given.push((name, Value::choose(when, value, otherwise)));
            }
        }
    }

    /// An option, as far as it is given. `undefined` among its branches stands for the default.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.given.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// An option with a default, at `span`.
    pub(super) fn or(&self, name: &str, default: Kind, span: Span) -> Value {
        let default = Value::new(default, span);
        let otherwise = match &self.open {
            Some(reason) if name == "origins" => Value::new(Kind::Unknown(reason.clone()), span),
            _ => default,
        };
        let Some(value) = self.get(name) else { return otherwise };
        let mut result: Option<Value> = None;
        for (when, value) in value.branches().into_iter().rev() {
            let value = if matches!(value.kind, Kind::Undefined) { otherwise.clone() } else { value };
            result = Some(match result {
                Some(before) => Value::choose(when, value, before),
                None => value,
            });
        }
        result.unwrap_or(otherwise)
    }

    /// When a switch is on.
    pub(super) fn is_on(&self, name: &str, default: bool) -> Guard {
        match self.get(name) {
            None => Guard::from(default),
            Some(value) => Guard::any(value.branches().into_iter().map(|(when, value)| match value.kind {
                Kind::Undefined => when.and(Guard::from(default)),
                _ => when.and(value.truthy()),
            })),
        }
    }
}

/// One entry of `origins`, `allow_headers` or `resources`.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// `*`, `.*`: everything.
    Everything(Span),
    /// A text that is compared.
    Literal(String, Span),
    /// A pattern, matched from the start; the error is the engine's own.
    Pattern(Result<Pattern, PatternError>, String, Span),
    /// The value of an environment variable and the like.
    Varies(Text, Span),
    /// `None`.
    Nothing,
    /// Not known.
    Unknown(Reason),
}

/// The entries of a value that is one or a list, each with the condition under which it is there; and why there may be
/// more.
pub(super) fn entries(eval: &mut Evaluator, value: &Value, ignore_case: bool) -> (Vec<(Guard, Entry)>, Option<Reason>) {
    let is_list = value.as_object().is_some_and(|id| matches!(eval.object(id).tag, Tag::Array | Tag::Set | Tag::Plain));
    let (items, open) = match is_list {
        true => eval.each(value, value.span),
        false => (vec![value.clone()], None),
    };
    let mut found = Vec::new();
    for item in items {
        for (when, item) in item.branches() {
            // An item that is not there under this condition.
            if is_list && matches!(item.kind, Kind::Undefined) {
                continue;
            }
            match &item.kind {
                Kind::Text(text) => {
                    for (there, text) in super::config::alternatives(text) {
                        // A variable that is not set is `None`.
                        let set = crate::eval::text_is_set(&text);
                        let when = when.clone().and(there);
                        let item = Value { span: item.span, via: item.via.clone(), ..Value::text(text, item.span) };
                        found.push((when.clone().and(set.clone()), entry(&item, ignore_case)));
                        found.push((when.and(Guard::not(set)), Entry::Nothing));
                    }
                }
                _ => found.push((when, entry(&item, ignore_case))),
            }
        }
    }
    (found, open)
}

/// One entry (`re_fix`, `probably_regex`, `_resolve_pattern`).
pub(super) fn entry(item: &Value, ignore_case: bool) -> Entry {
    let flags = if ignore_case { Flags::IGNORE_CASE } else { Flags::NONE };
    match &item.kind {
        Kind::Str(text) if matches!(&**text, "*" | ".*") => Entry::Everything(item.span),
        Kind::Str(text) if text.contains(['*', '\\', ']', '?', '$', '^', '[', '(', ')']) => {
            let pattern = Pattern::new(text.to_string(), Engine::Python, Anchoring::Prefix, flags);
            Entry::Pattern(pattern, text.to_string(), item.span)
        }
        Kind::Str(text) => Entry::Literal(text.to_string(), item.span),
        Kind::Regex(regex) => {
            let pattern = match &regex.pattern {
                Ok(pattern) => Ok(pattern.clone()),
                Err(text) => Err(PatternError::Unsupported(text.clone())),
            };
            Entry::Pattern(pattern, regex.source.clone(), item.span)
        }
        Kind::Text(text) => Entry::Varies((**text).clone(), item.span),
        // Neither a text nor a pattern: as `None`.
        Kind::Null | Kind::Undefined | Kind::Number(_) | Kind::Bool(_) => Entry::Nothing,
        // Whether it matches is another question than whether it is there.
        Kind::Unknown(reason) => Entry::Unknown(reason.part(".match(…)")),
        _ => Entry::Unknown(Reason::new("this entry is not followed", item.span)),
    }
}

impl Entry {
    /// When `subject` passes. Literals are compared without case where `ignore_case` says so.
    pub(super) fn passes(&self, subject: &Text, ignore_case: bool) -> Guard {
        match self {
            Entry::Everything(_) => Guard::Always,
            Entry::Literal(text, span) if ignore_case => {
                Guard::test(Text::LowerCase(subject.clone().into()), StringTest::Equals(text.to_lowercase()), *span)
            }
            Entry::Literal(text, span) => Guard::test(subject.clone(), StringTest::Equals(text.clone()), *span),
            Entry::Pattern(Ok(pattern), _, span) => {
                Guard::test(subject.clone(), StringTest::Matches(pattern.clone()), *span)
            }
            Entry::Pattern(Err(error), _, span) => {
                Guard::Unknown(Reason::new(format!("the pattern cannot be decided: {error}"), *span))
            }
            Entry::Varies(text, span) => {
                let why = match text {
                    Text::Environment(name) => format!("it is made of the environment variable {name}"),
                    _ => "it is compared with a text that varies".to_owned(),
                };
                Guard::Unknown(Reason::new(why, *span))
            }
            Entry::Nothing => Guard::Never,
            Entry::Unknown(reason) => Guard::Unknown(reason.clone()),
        }
    }

    /// Whether the library takes it for a pattern.
    pub(super) fn is_pattern(&self) -> bool {
        matches!(self, Entry::Everything(_) | Entry::Pattern(..))
    }

    /// Whether Python's `re` refuses it.
    pub(super) fn is_invalid(&self) -> bool {
        matches!(self, Entry::Pattern(Err(PatternError::Invalid(_)), ..))
    }
}

/// `flexible_str`: a list is sorted and joined by `, `. `None` where nothing is sent.
pub(super) fn flexible(eval: &Evaluator, value: &Value) -> Result<Option<String>, Reason> {
    match &value.kind {
        Kind::Null | Kind::Undefined => Ok(None),
        Kind::Str(text) => Ok(Some(text.to_string())),
        Kind::Number(number) => Ok(Some(format!("{number}"))),
        Kind::Bool(true) => Ok(Some("True".into())),
        Kind::Bool(false) => Ok(Some("False".into())),
        Kind::Unknown(reason) => Err(reason.clone()),
        Kind::Object(_) => {
            let unknown = || Reason::new("this list is not known", value.span);
            let list = eval.items(value).ok_or_else(unknown)?;
            if let Some(reason) = &list.open {
                return Err(reason.clone());
            }
            let mut items = Vec::new();
            for item in &list.items {
                items.push(item.as_str().ok_or_else(unknown)?.to_owned());
            }
            items.sort();
            Ok(Some(items.join(", ")))
        }
        _ => Err(Reason::new("this value is not followed", value.span)),
    }
}
