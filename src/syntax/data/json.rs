//! JSON, with the comments and trailing commas of `tsconfig.json`.

use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{Data, DataError, DataKind, Places};
use crate::source::FileId;

/// Reads JSON; comments, trailing commas and the other liberties of JSON5 are no error.
///
/// # Errors
/// [`DataError`], when the text is empty, breaks the grammar, or nests deeper than 512 levels (jsonc-parser 0.34,
/// `parse_to_ast.rs`).
pub fn json(file: FileId, text: &str) -> Result<Data, DataError> {
    let (text, places) = Places::of(file, text);
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default()).map_err(|error| {
        let range = error.range();
        DataError { span: places.span(range.start..range.end), message: error.kind().to_string() }
    })?;
    match parsed.value {
        Some(value) => Ok(data(value, places)),
        None => Err(DataError { span: places.span(0..text.len()), message: "the file is empty".to_owned() }),
    }
}

// Recursion is bounded by the parser's own limit.
fn data(value: Value<'_>, places: Places) -> Data {
    let range = value.range();
    let kind = match value {
        Value::NullKeyword(_) => DataKind::Null,
        Value::BooleanLit(literal) => DataKind::Bool(literal.value),
        Value::NumberLit(literal) => DataKind::Num(number(literal.value)),
        Value::StringLit(literal) => DataKind::Str(literal.value.into_owned()),
        Value::Array(array) => DataKind::List(array.elements.into_iter().map(|item| data(item, places)).collect()),
        Value::Object(object) => {
            let entry = |property: jsonc_parser::ast::ObjectProp<'_>| {
                let range = property.name.range();
                let key = match property.name {
                    ObjectPropName::String(literal) => literal.value.into_owned(),
                    ObjectPropName::Word(word) => word.value.to_owned(),
                };
                (key, places.span(range.start..range.end), data(property.value, places))
            };
            DataKind::Map(object.properties.into_iter().map(entry).collect())
        }
    };
    Data { span: places.span(range.start..range.end), kind }
}

/// A number with JSON5's sign and radix.
fn number(text: &str) -> f64 {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    sign * crate::syntax::number::number(digits)
}
