//! The JSON Schema of `corslint.toml`, for editors: `schemas/corslint.json`.

use serde_json::{Map, Value, json};

use super::keys::{KEYS, Key, LEVELS, Shape};
use crate::rules::pages;

/// The JSON Schema of `corslint.toml`. It is of draft 7, which the TOML plugins of editors read.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://raw.githubusercontent.com/corslint/corslint/main/schemas/corslint.json",
        "title": "corslint.toml",
        "description": "The configuration of corslint.",
        "definitions": { "rules": rules() },
    });
    if let (Value::Object(schema), Value::Object(table)) = (&mut schema, table(KEYS, &[])) {
        schema.extend(table);
    }
    schema
}

fn table(keys: &[Key], required: &[&str]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

fn property(key: &Key) -> Value {
    let mut property = match key.value {
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Text(pattern) => text(pattern),
        Shape::Texts(pattern) => json!({ "type": "array", "items": text(pattern) }),
        // A reference hides what stands beside it.
        Shape::Rules => json!({ "allOf": [{ "$ref": "#/definitions/rules" }] }),
        Shape::Table(keys) => table(keys, &[]),
        Shape::Tables(keys, required) => json!({ "type": "array", "items": table(keys, required) }),
    };
    property["description"] = key.about.into();
    property
}

fn text(pattern: &str) -> Value {
    if pattern.is_empty() { json!({ "type": "string" }) } else { json!({ "type": "string", "pattern": pattern }) }
}

fn rules() -> Value {
    let levels: Map<String, Value> = pages()
        .iter()
        .map(|page| {
            let about = format!("{}; {} unless it is set", page.summary, page.severity);
            (page.id.to_owned(), json!({ "enum": LEVELS, "description": about }))
        })
        .collect();
    json!({ "type": "object", "additionalProperties": false, "properties": levels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    mod checked_in {
        include!("../../tests/common/checked_in.rs");
    }

    /// `UPDATE=1` writes it anew.
    #[test]
    fn the_schema_is_that_of_the_keys() {
        checked_in::checked_in("schemas/corslint.json", &format!("{:#}\n", schema()));
    }

    /// What the reader takes and what the schema takes is the same.
    #[test]
    fn the_schema_decides_as_the_reader_does() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        for (text, is_right) in [
            ("", true),
            ("fail-on = 'never'\nmin-confidence = 'low'\nexclude = ['a']\nclient = ['b']", true),
            ("fail-on = 'fatal'", false),
            ("fail-on = 3", false),
            ("min-confidence = 'off'", false),
            ("exclude = 'a'", false),
            ("exclude = [1]", false),
            ("fail-no = 'error'", false),
            ("[origins]\ntrusted = ['https://*.example.com', 'http://localhost:3000']", true),
            ("[origins]\ntrusted = ['example.com']", false),
            ("[origins]\ntrusted = ['https://example.com/']", false),
            ("[origins]\ntrust = []", false),
            ("[nginx]\nversion = '1.24'", true),
            ("[nginx]\nversion = '1.24.0'", true),
            ("[nginx]\nversion = 'new'", false),
            ("[rules]\nwildcard-origin = 'off'\nmissing-vary = 'error'", true),
            ("[rules]\nwildcard-orgin = 'off'", false),
            ("[rules]\nnull-origin = 'fatal'", false),
            ("[[overrides]]\npaths = ['a/**']\nrules = { missing-vary = 'note' }", true),
            ("[[overrides]]\nrules = { missing-vary = 'note' }", false),
            ("[overrides]\npaths = ['a']", false),
            ("[[proxy]]\nfrom = 'a'\nto = 'b'", true),
            ("[[proxy]]\nfrom = 'a'", false),
            ("[[proxy]]\nfrom = 'a'\nto = 'b'\nvia = 'c'", false),
        ] {
            let table: toml::Table = text.parse().unwrap();
            let value = serde_json::to_value(table).unwrap();
            assert_eq!(validator.is_valid(&value), is_right, "the schema: {text}");
            assert_eq!(Config::parse("/p/corslint.toml".as_ref(), text).is_ok(), is_right, "the reader: {text}");
        }
    }
}
