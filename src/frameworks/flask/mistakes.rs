//! Options that flask-cors refuses, and those that it does not know.

use super::options::{Entry, NAMES, Options, entries};
use crate::cors::headers;
use crate::eval::{Evaluator, Kind, ObjectId, Tag, Value};
use crate::model::{EffectKind, Guard, Remark, RemarkKind};
use crate::syntax::program::Language;

/// Options that the library refuses where it reads them.
pub(super) fn refused(eval: &mut Evaluator, options: &Options) -> Option<&'static str> {
    if let Some(refused) =
        options.get("resources").cloned().and_then(|table| refused_table(eval, &table, options.version))
    {
        return Some(refused);
    }
    let origins = options.get("origins").cloned();
    let all = match &origins {
        None => options.open.is_none(),
        Some(value) => {
            let (entries, _) = entries(eval, value, true);
            if options.version >= 6 && entries.iter().any(|(when, entry)| *when == Guard::Always && entry.is_invalid())
            {
                return Some("ValueError");
            }
            entries.iter().any(|(when, entry)| *when == Guard::Always && matches!(entry, Entry::Everything(_)))
        }
    };
    let on = |name: &str| options.is_on(name, false) == Guard::Always;
    (all && on("supports_credentials") && on("send_wildcard")).then_some("ValueError")
}

/// A table of resources that the library refuses (`parse_resources`).
fn refused_table(eval: &mut Evaluator, table: &Value, version: u32) -> Option<&'static str> {
    if matches!(table.kind, Kind::Null) {
        return Some("ValueError");
    }
    let is_invalid = |(when, entry): &(Guard, Entry)| version >= 6 && *when == Guard::Always && entry.is_invalid();
    let (entries, _) = entries(eval, table, false);
    if entries.iter().any(is_invalid) {
        return Some("ValueError");
    }
    let fields = table.as_object().map(|id| eval.object(id)).filter(|object| object.tag == Tag::Plain)?.fields.iter();
    fields.into_iter().any(|field| matches!(field.value.kind, Kind::Null)).then_some("TypeError")
}

/// Remarks on resources that take no path, because every path begins with a slash and they do not.
pub(super) fn pathless(eval: &mut Evaluator, options: &Options) {
    let Some(table) = options.get("resources").cloned() else { return };
    let (entries, _) = entries(eval, &table, false);
    for (_, entry) in entries {
        let (Entry::Literal(text, span) | Entry::Pattern(Ok(_), text, span)) = entry else { continue };
        if !text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            continue;
        }
        let kind = RemarkKind::Dead {
            why: format!("`{text}` takes no path, since every path begins with a slash"),
            help: format!("write `/{text}`"),
            consequence: Some("no answer has the CORS headers that it was meant to have".into()),
            severe: true,
        };
        eval.emit(EffectKind::Notice(kind), span);
    }
}

/// Remarks on options that the library does not know, and what follows.
pub(super) fn notice(eval: &mut Evaluator, options: &Options) {
    let has_origins = options.get("origins").is_some();
    for (name, span) in &options.strange {
        let meant = meant(name);
        let effect = effect(meant, has_origins).to_owned();
        let kind = RemarkKind::UnknownOption { name: name.clone(), meant, library: "flask-cors", effect };
        eval.emit(EffectKind::Notice(kind), *span);
    }
}

/// What follows where an option is not read.
fn effect(meant: Option<&str>, has_origins: bool) -> &'static str {
    match meant {
        Some("origins") if !has_origins => "no origins are configured, so every origin is allowed",
        Some("origins") => "the list is not read",
        Some("supports_credentials") => "Access-Control-Allow-Credentials is not sent",
        Some("methods") => "all methods are allowed",
        Some("allow_headers") => "every request header that is asked for is allowed",
        Some("expose_headers") => "no response header is exposed",
        Some("max_age") => "Access-Control-Max-Age is not sent",
        Some("resources") => "the policy holds for every path",
        _ => "it has no effect",
    }
}

/// Settings that are named as those of flask-cors are and that neither the library nor the program reads: `CORS_HEADERS`,
/// an option of its first versions, `CORS_ORIGIN`.
pub(super) fn strange_settings(eval: &Evaluator, settings: ObjectId) -> Vec<Remark> {
    let mut found: Vec<Remark> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for call in eval.object(settings).calls.iter().filter(|call| &*call.name == "strange") {
        let Some(name) = call.arguments.get(0).and_then(Value::as_str) else { continue };
        let option = name.trim_start_matches("CORS_").to_ascii_lowercase();
        if seen.contains(&name) {
            continue;
        }
        let Some(meant) = meant(&option).filter(|_| !is_read(eval, name)) else { continue };
        seen.push(name);
        let kind = RemarkKind::UnknownOption {
            name: name.to_owned(),
            // The old option's value may be too narrow for what is asked for today.
            meant: (option != "headers").then(|| setting_of(meant)).flatten(),
            library: "flask-cors",
            effect: effect(Some(meant), true).to_owned(),
        };
        found.push(Remark { kind, span: call.span });
    }
    found
}

fn setting_of(option: &str) -> Option<&'static str> {
    Some(match option {
        "origins" => "CORS_ORIGINS",
        "methods" => "CORS_METHODS",
        "allow_headers" => "CORS_ALLOW_HEADERS",
        "expose_headers" => "CORS_EXPOSE_HEADERS",
        "supports_credentials" => "CORS_SUPPORTS_CREDENTIALS",
        "max_age" => "CORS_MAX_AGE",
        "resources" => "CORS_RESOURCES",
        _ => return None,
    })
}

/// Whether a module of the program names a setting elsewhere than where it sets it.
fn is_read(eval: &Evaluator, name: &str) -> bool {
    eval.modules().iter().filter(|module| module.language == Language::Python).any(|module| {
        eval.text_of(module).lines().any(|line| {
            let line = line.split('#').next().unwrap_or_default();
            line.match_indices(name).any(|(at, _)| {
                let behind = line[at + name.len()..].trim_start_matches(['\'', '"', ']']).trim_start();
                let is_set = behind.starts_with(['=', ':']) && !behind.starts_with("==");
                !is_set && !behind.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
            })
        })
    })
}

/// Remarks on lists that are one text: the library takes it for one name, which no header has.
pub(super) fn joined(eval: &mut Evaluator, options: &Options) {
    let Some(value) = options.get("allow_headers").cloned() else { return };
    let (entries, _) = entries(eval, &value, true);
    for (when, entry) in entries {
        let Entry::Literal(text, span) = entry else { continue };
        let names: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if when != Guard::Always || !text.contains(',') || !names.iter().all(|name| headers::is_token(name)) {
            continue;
        }
        let listed: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let kind = RemarkKind::Dead {
            why: format!("flask-cors takes `{text}` for one name, and no header has it"),
            help: format!("write a list: `[{}]`", listed.join(", ")),
            consequence: Some("preflights that ask for one of these headers are refused".into()),
            severe: true,
        };
        eval.emit(EffectKind::Notice(kind), span);
    }
}

/// The option that a misspelt one stands for.
fn meant(name: &str) -> Option<&'static str> {
    let known = [
        ("origin", "origins"),
        ("allow_origins", "origins"),
        ("allowed_origins", "origins"),
        ("allow_origin", "origins"),
        ("headers", "allow_headers"),
        ("allowed_headers", "allow_headers"),
        ("allow_header", "allow_headers"),
        ("exposed_headers", "expose_headers"),
        ("method", "methods"),
        ("allow_methods", "methods"),
        ("allowed_methods", "methods"),
        ("credentials", "supports_credentials"),
        ("support_credentials", "supports_credentials"),
        ("allow_credentials", "supports_credentials"),
        ("supports_credential", "supports_credentials"),
        ("resource", "resources"),
        ("maxage", "max_age"),
    ];
    let lower = name.to_ascii_lowercase();
    known
        .iter()
        .find(|(wrong, _)| *wrong == lower)
        .map(|(_, right)| *right)
        .or_else(|| NAMES.iter().copied().find(|option| **option == lower || near(option, &lower)))
}

/// Whether one text becomes the other by one letter more, less, or else.
fn near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let rest = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let longer = a.len().max(b.len());
    longer - a.len().min(b.len()) <= 1 && same + rest + 1 >= longer
}
