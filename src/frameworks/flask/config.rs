//! An application's configuration (`flask/config.py`).

use std::path::PathBuf;

use super::{CONFIG, field, record};
use crate::cors::StringTest;
use crate::eval::{ClassId, Evaluator, Kind, MethodCall, ObjectId, Tag, Value};
use crate::model::{Guard, Reason, Text};
use crate::source::Span;

/// An item of the configuration; `None` where it is not set.
pub(super) fn property(eval: &mut Evaluator, id: ObjectId, name: &str, span: Span) -> Value {
    if let Some(value) = field(eval, id, name) {
        return value;
    }
    let mut value = match &eval.object(id).open {
        Some(reason) => Value::new(Kind::Unknown(reason.clone()), span),
        None if name == "TESTING" => Value::new(Kind::Bool(false), span),
        // It is on where the environment says so.
        None if name == "DEBUG" => {
            let given = eval.environment_variable("FLASK_DEBUG", span);
            let when = Guard::any(given.branches().into_iter().map(|(when, given)| when.and(says_yes(&given))));
            Value::test(when, span)
        }
        None => Value::new(Kind::Null, span),
    };
    let calls = eval.object(id).calls.iter().filter(|call| &*call.name == PREFIXED);
    let prefixes: Vec<String> = calls.filter_map(|call| call.arguments.get(0)?.as_str().map(str::to_owned)).collect();
    for prefix in prefixes {
        let given = prefixed(eval, &format!("{prefix}_{name}"), span);
        value = Value::choose(given.present(), given, value);
    }
    value
}

/// A variable as `from_prefixed_env` reads it: what it says in JSON, where it is JSON, or else its text.
fn prefixed(eval: &mut Evaluator, variable: &str, span: Span) -> Value {
    let given = eval.environment_variable(variable, span);
    let is_said = eval.loader.is_said_to_be_set(variable);
    loaded(eval, given, is_said)
}

/// `is_said` where whoever asks sets the variable, so that more counts than whether it is set.
fn loaded(eval: &mut Evaluator, given: Value, is_said: bool) -> Value {
    match &given.kind {
        Kind::Choose(choice) => {
            let (guard, then, otherwise) = &**choice;
            let (then, otherwise) = (loaded(eval, then.clone(), is_said), loaded(eval, otherwise.clone(), is_said));
            Value::choose(guard.clone(), then, otherwise)
        }
        Kind::Str(text) => match serde_json::from_str(text) {
            Ok(data) => eval.from_json(&data, given.span),
            Err(_) => given,
        },
        Kind::Text(_) if is_said => {
            let text = Text::Unknown(Reason::new("a variable that may be JSON", given.span));
            Value::choose(given.present(), Value::text(text, given.span), Value::new(Kind::Null, given.span))
        }
        _ => given,
    }
}

/// Whether a variable of the environment turns debugging on (`flask.helpers.get_debug_flag`).
fn says_yes(given: &Value) -> Guard {
    let text = Text::LowerCase(given.to_text("None").into());
    let no = ["0", "false", "no"].map(|no| Guard::test(text.clone(), StringTest::Equals(no.to_owned()), given.span));
    given.present().and(Guard::not(Guard::any(no)))
}

/// The name under which it is remembered that variables of a prefix are items.
const PREFIXED: &str = "from_prefixed_env";

/// `app.config[key] = value`.
pub(super) fn assign(eval: &mut Evaluator, id: ObjectId, key: &Value, value: &Value, span: Span) {
    match key.as_str() {
        Some(name) => {
            let name = name.to_owned();
            set(eval, id, &name, value.clone(), span);
        }
        None => eval.leave_open(id, Reason::new("a key that is not known is set", span)),
    }
}

fn set(eval: &mut Evaluator, id: ObjectId, name: &str, value: Value, span: Span) {
    eval.set_field(id, name, value, span);
    if super::options::is_setting(name) {
        // For the remark about what is set too late.
        record(eval, id, "set", vec![Value::str(name, span)], span);
    } else if name.starts_with("CORS_") {
        // For the remark about what the library does not read.
        record(eval, id, "strange", vec![Value::str(name, span)], span);
    }
}

/// A method of the configuration.
pub(super) fn method(eval: &mut Evaluator, id: ObjectId, call: &MethodCall) -> Option<Value> {
    let first = call.arguments.get(0).cloned();
    match call.name {
        "pop" => {
            let key = first?;
            let Some(name) = key.as_str().map(str::to_owned) else {
                return Some(Value::unknown("a setting", call.span));
            };
            let value = property(eval, id, &name, call.span);
            set(eval, id, &name, Value::undefined(call.span), call.span);
            return Some(value);
        }
        "get" | "setdefault" => {
            let key = first?;
            let Some(name) = key.as_str() else { return Some(Value::unknown("a setting", call.span)) };
            let value = property(eval, id, name, call.span);
            let value = match call.arguments.get(1) {
                Some(default) => Value::choose(value.present(), value, default.clone()),
                None => value,
            };
            if call.name == "setdefault" {
                let name = name.to_owned();
                set(eval, id, &name, value.clone(), call.span);
            }
            return Some(value);
        }
        "update" | "__ior__" | "from_mapping" => {
            if let Some(from) = first {
                copy(eval, id, &from, false);
            }
            for (name, value, at) in &call.arguments.keywords {
                set(eval, id, name, value.clone(), *at);
            }
        }
        "from_object" => from_object(eval, id, &first?, call.span),
        "from_pyfile" => {
            let paths = places(eval, id, first.as_ref());
            match paths.iter().find_map(|path| eval.run_file(path)) {
                Some(module) => copy(eval, id, &Value::new(Kind::Module(module), call.span), true),
                None => unread(eval, id, call.span),
            }
        }
        "from_file" | "from_json" => {
            let paths = places(eval, id, first.as_ref().or(call.arguments.keyword("filename")));
            match paths.iter().find_map(|path| eval.read_data(path)) {
                Some(data) => copy(eval, id, &data, true),
                None => unread(eval, id, call.span),
            }
        }
        "from_prefixed_env" => {
            let prefix = first.as_ref().or(call.arguments.keyword("prefix")).and_then(Value::as_str).unwrap_or("FLASK");
            let prefix = prefix.to_owned();
            // What is set already gives way to a variable that may be set. What flask-cors looks for by itself is there
            // where a file of variables has it: nearly no deployment sets it besides. The rest is asked for when read.
            let own: Vec<String> = eval.object(id).fields.iter().map(|field| field.name.to_string()).collect();
            for option in super::options::NAMES {
                let name = setting(option);
                let variable = format!("{prefix}_{name}");
                let given = prefixed(eval, &variable, call.span);
                if !own.contains(&name)
                    && (matches!(given.kind, Kind::Choose(_)) || eval.loader.is_said_to_be_set(&variable))
                {
                    eval.set_field(id, &name, given, call.span);
                }
            }
            for name in own {
                let given = prefixed(eval, &format!("{prefix}_{name}"), call.span);
                let old = property(eval, id, &name, call.span);
                let value = Value::choose(given.present(), given, old);
                eval.set_field(id, &name, value, call.span);
            }
            record(eval, id, PREFIXED, vec![Value::str(prefix.as_str(), call.span)], call.span);
        }
        "from_envvar" => unread(eval, id, call.span),
        _ => return None,
    }
    Some(Value::new(Kind::Null, call.span))
}

/// Settings of a file that is not there or cannot be read.
fn unread(eval: &mut Evaluator, id: ObjectId, span: Span) {
    eval.leave_open(id, Reason::new("a file of settings that is not read", span));
}

/// Where a file of settings may lie: beside the application, or in the folder of the instance
/// (`Flask.auto_find_instance_path`).
fn places(eval: &Evaluator, id: ObjectId, file: Option<&Value>) -> Vec<PathBuf> {
    let Some(file) = file.and_then(Value::as_str) else { return Vec::new() };
    let Some(module) = eval.path_at(eval.object(id).span) else { return Vec::new() };
    let folders = module.ancestors().skip(1).take(3);
    folders.flat_map(|folder| [folder.join(file), folder.join("instance").join(file)]).collect()
}

/// `from_object`, also of settings that are chosen when the program starts.
fn from_object(eval: &mut Evaluator, id: ObjectId, from: &Value, span: Span) {
    let before = cors_settings(eval, id);
    let mut elsewhere = Vec::new();
    for (when, from) in from.branches() {
        for (there, found) in objects(eval, &from, span) {
            let when = when.clone().and(there);
            match found {
                Ok(found) => eval.under(when, |eval| copy(eval, id, &found, true)),
                Err(reason) => {
                    eval.leave_open(id, reason.clone());
                    elsewhere.push((when, reason));
                }
            }
        }
    }
    // Settings that are not found say of CORS what those beside them, or elsewhere in the repository, do: if one sets
    // an option, all will.
    if elsewhere.is_empty() {
        return;
    }
    let mut named = cors_settings(eval, id);
    named.retain(|(name, _)| !before.iter().any(|(set, _)| set == name));
    for option in super::options::NAMES {
        let name = setting(option);
        if !named.iter().any(|(set, _)| *set == name)
            && eval.path_at(span).is_some_and(|path| eval.loader.sets(&path, &name))
        {
            named.push((name, span));
        }
    }
    for (name, at) in named {
        for (when, reason) in &elsewhere {
            let other = Value::new(Kind::Unknown(reason.clone()), at);
            eval.under(when.clone(), |eval| eval.set_field(id, &name, other, at));
        }
    }
}

/// The setting that stands for an option of flask-cors.
pub(super) fn setting(option: &str) -> String {
    format!("CORS_{}", option.to_ascii_uppercase())
}

/// The settings of flask-cors that are set, with their places.
fn cors_settings(eval: &Evaluator, id: ObjectId) -> Vec<(String, Span)> {
    let fields = eval.object(id).fields.iter().filter(|field| field.name.starts_with("CORS_"));
    fields.map(|field| (field.name.to_string(), field.span)).collect()
}

/// The objects that a value given to `from_object` stands for, each under its condition, and why one is not known.
fn objects(eval: &mut Evaluator, from: &Value, span: Span) -> Vec<(Guard, Result<Value, Reason>)> {
    let missing = |path: &str| Reason::new(format!("`{path}` is not found"), span);
    match &from.kind {
        Kind::Str(path) => {
            let found = named(eval, path, span);
            vec![(Guard::Always, found.ok_or_else(|| missing(path)))]
        }
        Kind::Text(text) => {
            let reason = Reason::new("the settings are chosen when the program starts", from.span);
            let mut found = Vec::new();
            let mut rest = Vec::new();
            for (when, path) in alternatives(text) {
                match path.as_literal() {
                    Some(path) => found.push((when, named(eval, path, span).ok_or_else(|| missing(path)))),
                    None => {
                        // The members of a module whose names can be meant.
                        let mut other = Guard::Always;
                        for (name, value) in candidates(eval, &path) {
                            let is_meant = Guard::test(path.clone(), StringTest::Equals(name), from.span);
                            other = other.and(Guard::not(is_meant.clone()));
                            found.push((when.clone().and(is_meant), Ok(value)));
                        }
                        rest.push((when.and(other), Err(reason.clone())));
                    }
                }
            }
            found.extend(rest);
            found
        }
        // A key that the table does not have ends the program.
        Kind::Undefined | Kind::Null => vec![(Guard::Always, Err(Reason::new("these settings are not found", span)))],
        Kind::Unknown(reason) => vec![(Guard::Always, Err(reason.clone()))],
        _ => vec![(Guard::Always, Ok(from.clone()))],
    }
}

/// A text's alternatives, none of which is a choice any more.
pub(super) fn alternatives(text: &Text) -> Vec<(Guard, Text)> {
    let most = 16;
    match text {
        Text::Choose(guard, then, otherwise) => {
            let yes = alternatives(then).into_iter().map(|(when, text)| (guard.as_ref().clone().and(when), text));
            let no = alternatives(otherwise)
                .into_iter()
                .map(|(when, text)| (Guard::not(guard.as_ref().clone()).and(when), text));
            yes.chain(no).take(most).collect()
        }
        Text::Concat(parts) => {
            let mut made = vec![(Guard::Always, Vec::new())];
            for part in parts.iter() {
                let own = alternatives(part);
                let each = made.iter().flat_map(|(when, before)| {
                    own.iter().map(move |(there, part): &(Guard, Text)| {
                        let mut all: Vec<Text> = before.clone();
                        all.push(part.clone());
                        (when.clone().and(there.clone()), all)
                    })
                });
                made = each.take(most).collect();
            }
            made.into_iter().map(|(when, parts)| (when, Text::concat(parts))).collect()
        }
        other => vec![(Guard::Always, other.clone())],
    }
}

/// The classes of a module, or the modules of a package, that a path made of known and unknown parts can lead to.
fn candidates(eval: &mut Evaluator, path: &Text) -> Vec<(String, Value)> {
    let Text::Concat(parts) = path else { return Vec::new() };
    let (Some(first), last) = (parts.first().and_then(Text::as_literal), parts.last().and_then(Text::as_literal))
    else {
        return Vec::new();
    };
    let Some((module, begin)) = first.rsplit_once(['.', ':']) else { return Vec::new() };
    let (begin, end) = (begin.to_owned(), last.unwrap_or_default().to_owned());
    let separator = &first[module.len()..=module.len()];
    let Some(found) = eval.module_named(module) else { return Vec::new() };
    eval.module_names(found)
        .into_iter()
        .filter(|(name, value)| {
            let fits = name.starts_with(&begin) && name.ends_with(&end) && name.len() > begin.len() + end.len();
            fits && matches!(value.kind, Kind::Class(_))
        })
        .map(|(name, value)| (format!("{module}{separator}{name}"), value))
        .take(16)
        .collect()
}

/// `package.module.Class`, `package.module`.
fn named(eval: &mut Evaluator, path: &str, span: Span) -> Option<Value> {
    // `__name__`, alone or before the name of a class.
    if let Some(rest) = path.strip_prefix("__main__") {
        let module = eval.module_at(span)?;
        return match rest.strip_prefix('.') {
            Some(name) => Some(eval.module_member(module, name, span)),
            None => Some(Value::new(Kind::Module(module), span)),
        };
    }
    if let Some(module) = eval.module_named(path) {
        return Some(Value::new(Kind::Module(module), span));
    }
    let (module, name) = path.rsplit_once(['.', ':'])?;
    let module = eval.module_named(module)?;
    Some(eval.module_member(module, name, span))
}

/// Copies what an object, a class with those that it extends, a module or a dict holds.
fn copy(eval: &mut Evaluator, id: ObjectId, from: &Value, upper_only: bool) {
    for (when, from) in from.branches() {
        eval.under(when, |eval| {
            let mut found: Vec<(String, Value, Span)> = Vec::new();
            match &from.kind {
                Kind::Class(class) => members(eval, *class, &mut found, 0),
                Kind::Object(object) => {
                    let data = eval.object(*object);
                    let (tag, fields, open) = (data.tag, data.fields.clone(), data.open.clone());
                    if let Tag::Instance(class) = tag {
                        members(eval, class, &mut found, 0);
                    }
                    found.extend(fields.into_iter().map(|field| (field.name.to_string(), field.value, field.span)));
                    if let Some(reason) = open {
                        eval.leave_open(id, reason);
                    }
                    // The properties of a settings class are read as fields.
                    if let Tag::Instance(_) = tag {
                        for (name, value, span) in &mut found {
                            if matches!(value.kind, Kind::Function(_)) {
                                *value = eval.get(&from, name, *span);
                            }
                        }
                    }
                }
                Kind::Module(module) => {
                    let names = eval.module_names(*module);
                    found.extend(names.into_iter().map(|(name, value)| {
                        let span = value.span;
                        (name, value, span)
                    }));
                }
                Kind::Null | Kind::Undefined => {}
                Kind::Unknown(reason) => {
                    let reason = reason.clone();
                    eval.leave_open(id, reason);
                }
                _ => eval.leave_open(id, Reason::new("settings that are not followed", from.span)),
            }
            // Of what a class and those it extends set, the last is what holds.
            let last = |at: usize, name: &str| !found[at + 1..].iter().any(|(later, ..)| later == name);
            let settled: Vec<_> =
                (0..found.len()).filter(|at| last(*at, &found[*at].0)).map(|at| found[at].clone()).collect();
            for (name, value, span) in settled {
                if !upper_only || name.chars().all(|letter| !letter.is_lowercase()) {
                    set(eval, id, &name, value, span);
                }
            }
        });
    }
}

fn members(eval: &mut Evaluator, class: ClassId, found: &mut Vec<(String, Value, Span)>, depth: usize) {
    if depth > 16 {
        return;
    }
    let data = eval.class_data(class);
    let (bases, statics) = (data.bases.clone(), data.statics);
    for base in bases.iter().rev() {
        if let Kind::Class(base) = base.kind {
            members(eval, base, found, depth + 1);
        }
    }
    let fields = eval.object(statics).fields.clone();
    found.extend(fields.into_iter().map(|field| (field.name.to_string(), field.value, field.span)));
}

/// The configuration of an application.
pub(super) fn of(eval: &Evaluator, app: ObjectId) -> Option<ObjectId> {
    field(eval, app, "config")?.as_object().filter(|id| eval.object(*id).tag == Tag::Host(CONFIG))
}

/// When exceptions that nobody handles go through to the server (`Flask.handle_exception`).
pub(super) fn propagates(eval: &Evaluator) -> Guard {
    let Some(id) = eval.notes.get(super::app::CURRENT).and_then(Value::as_object).and_then(|app| of(eval, app)) else {
        return Guard::Never;
    };
    let on = |name: &str| field(eval, id, name).map_or(Guard::Never, |value| value.truthy());
    match field(eval, id, "PROPAGATE_EXCEPTIONS").filter(|value| !value.is_nullish()) {
        Some(value) => value.truthy(),
        None => on("TESTING").or(on("DEBUG")),
    }
}

/// `app.debug` and `app.testing`.
pub(super) fn switch(eval: &mut Evaluator, app: ObjectId, name: &str, span: Span) -> Option<Value> {
    let key = match name {
        "debug" => "DEBUG",
        "testing" => "TESTING",
        _ => return None,
    };
    let id = of(eval, app)?;
    Some(property(eval, id, key, span))
}

/// `app.debug = True`.
pub(super) fn assign_switch(eval: &mut Evaluator, app: ObjectId, name: &str, value: &Value, span: Span) -> bool {
    let key = match name {
        "debug" => "DEBUG",
        "testing" => "TESTING",
        "secret_key" => "SECRET_KEY",
        _ => return false,
    };
    let Some(id) = of(eval, app) else { return false };
    set(eval, id, key, value.clone(), span);
    true
}
