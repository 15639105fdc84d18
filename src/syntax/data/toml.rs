//! TOML.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Data, DataError, DataKind, Places};
use crate::source::{FileId, Span};

/// Reads TOML.
///
/// # Errors
/// [`DataError`], when the text breaks the grammar or nests deeper than the parser allows (toml 1.2, which is built
/// without its feature `unbounded`).
pub fn toml(file: FileId, text: &str) -> Result<Data, DataError> {
    let (text, places) = Places::of(file, text);
    match DeTable::parse(text) {
        Ok(table) => {
            let kind = map(table.into_inner(), places);
            Ok(Data { span: places.span(0..text.len()), kind })
        }
        Err(error) => {
            let span = places.span(error.span().unwrap_or(0..text.len()));
            Err(DataError { span, message: error.message().to_owned() })
        }
    }
}

fn map(table: DeTable<'_>, places: Places) -> DataKind {
    let entry = |(key, value): (Spanned<std::borrow::Cow<'_, str>>, Spanned<DeValue<'_>>)| {
        let span = places.span(key.span());
        (key.into_inner().into_owned(), span, data(value, places))
    };
    let mut entries: Vec<(String, Span, Data)> = table.into_iter().map(entry).collect();
    // The parser sorts by name.
    entries.sort_by_key(|(_, span, _)| span.start);
    DataKind::Map(entries)
}

// Recursion is bounded by the parser's own limit.
fn data(value: Spanned<DeValue<'_>>, places: Places) -> Data {
    let span = places.span(value.span());
    let kind = match value.into_inner() {
        DeValue::String(text) => DataKind::Str(text.into_owned()),
        DeValue::Integer(integer) => {
            let value = i128::from_str_radix(integer.as_str(), integer.radix());
            DataKind::Num(value.map_or(f64::NAN, |value| value as f64))
        }
        DeValue::Float(float) => DataKind::Num(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => DataKind::Bool(value),
        DeValue::Datetime(date) => DataKind::Str(date.to_string()),
        DeValue::Array(array) => DataKind::List(array.into_iter().map(|item| data(item, places)).collect()),
        DeValue::Table(table) => map(table, places),
    };
    Data { span, kind }
}
