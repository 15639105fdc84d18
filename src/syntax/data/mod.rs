//! JSON, YAML and TOML as one tree of values, each with its place.

mod json;
#[cfg(test)]
mod tests;
mod toml;
mod yaml;

use std::path::Path;

pub use self::json::json;
pub use self::toml::toml;
pub use self::yaml::yaml;

use crate::source::{FileId, Span};

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// Its place. A value that a YAML alias repeats keeps the place of its definition.
    pub span: Span,
    /// What it is.
    pub kind: DataKind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum DataKind {
    /// `null`; a YAML key without a value.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Num(f64),
    /// A string, decoded; a TOML date as written.
    Str(String),
    /// A list.
    List(Vec<Data>),
    /// A map in the order of the text: key, place of the key, value.
    ///
    /// A YAML value with a tag of its own, such as CloudFormation's `!Ref name`, is a map of one key, `!Ref`, so that
    /// it is never mistaken for the plain value.
    Map(Vec<(String, Span, Data)>),
}

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    /// Where reading stopped.
    pub span: Span,
    /// The parser's words.
    pub message: String,
}

impl Data {
    /// The value of `key`, if this is a map that has it. Of several the last counts, as `JSON.parse` has it.
    pub fn get(&self, key: &str) -> Option<&Data> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The place of `key` and its value.
    pub fn entry(&self, key: &str) -> Option<(Span, &Data)> {
        self.entries().iter().rev().find(|(name, ..)| name == key).map(|(_, span, value)| (*span, value))
    }

    /// The value behind several keys, one in the other.
    pub fn at(&self, path: &[&str]) -> Option<&Data> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The entries of a map; none of anything else.
    pub fn entries(&self) -> &[(String, Span, Data)] {
        match &self.kind {
            DataKind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Data] {
        match &self.kind {
            DataKind::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            DataKind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// A boolean's value.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            DataKind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A number's value.
    pub fn as_number(&self) -> Option<f64> {
        match self.kind {
            DataKind::Num(value) => Some(value),
            _ => None,
        }
    }
}

/// Reads a file by its name's ending: `.json` and its kin, `.yml`, `.yaml`, `.toml`; `None` for any other.
/// YAML may hold several documents; JSON and TOML are one.
pub fn read(path: &Path, file: FileId, text: &str) -> Option<Result<Vec<Data>, DataError>> {
    match path.extension()?.to_str()? {
        "json" | "jsonc" | "json5" => Some(json(file, text).map(|data| vec![data])),
        "yml" | "yaml" => Some(yaml(file, text)),
        "toml" => Some(toml(file, text).map(|data| vec![data])),
        _ => None,
    }
}

/// Makes places from byte ranges of a text whose byte-order mark was taken off.
#[derive(Clone, Copy, Debug)]
struct Places {
    file: FileId,
    base: u32,
}

impl Places {
    /// The text without its byte-order mark, and the places in it.
    fn of(file: FileId, text: &str) -> (&str, Self) {
        match text.strip_prefix('\u{feff}') {
            Some(rest) => (rest, Self { file, base: (text.len() - rest.len()) as u32 }),
            None => (text, Self { file, base: 0 }),
        }
    }

    fn span(self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.file, self.base + range.start as u32, self.base + range.end as u32)
    }
}
