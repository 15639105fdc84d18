//! What the languages themselves provide, as far as programs use it to make a policy.

use std::sync::Arc;

use super::Evaluator;
use super::heap::taken;
use super::value::{Arguments, FrameId, Kind, Native, Tag, Value};
use crate::model::{Part, Reason, Text};
use crate::source::Span;
use crate::syntax::program::Language;

/// A function that the language provides.
pub(super) fn native(name: &'static str, span: Span) -> Value {
    Value::new(Kind::Native(Native { name, bound: Arc::new([]), of: None }), span)
}

/// Global objects of JavaScript that are followed.
const JAVASCRIPT_GLOBALS: &[&str] = &[
    "process",
    "Object",
    "Array",
    "Set",
    "Map",
    "Headers",
    "String",
    "Boolean",
    "Number",
    "parseInt",
    "parseFloat",
    "RegExp",
    "JSON",
    "Promise",
    "URL",
    "console",
    "Error",
    "TypeError",
    "Symbol",
    "Math",
    "Date",
    "globalThis",
    "require",
    "import",
    "Reflect",
];

/// Built-in functions of Python that are followed.
const PYTHON_GLOBALS: &[&str] = &[
    "list",
    "tuple",
    "set",
    "frozenset",
    "dict",
    "str",
    "bool",
    "int",
    "len",
    "any",
    "all",
    "isinstance",
    "hasattr",
    "getattr",
    "setattr",
    "map",
    "filter",
    "sorted",
    "print",
    "super",
    "zip",
    "enumerate",
    "range",
    "next",
    "reversed",
    "staticmethod",
    "classmethod",
    "property",
];

impl Evaluator<'_> {
    pub(super) fn builtin_name(&mut self, name: &str, span: Span) -> Option<Value> {
        match self.language() {
            Language::JavaScript => match name {
                "undefined" => Some(Value::undefined(span)),
                "NaN" => Some(Value::new(Kind::Number(f64::NAN), span)),
                "Infinity" => Some(Value::new(Kind::Number(f64::INFINITY), span)),
                "__dirname" | "__filename" => Some(Value::unknown("the place of the file", span)),
                _ => JAVASCRIPT_GLOBALS.iter().find(|known| **known == name).map(|known| native(known, span)),
            },
            Language::Python => PYTHON_GLOBALS.iter().find(|known| **known == name).map(|known| native(known, span)),
        }
    }

    pub(super) fn builtin_module(&mut self, name: &str, span: Span) -> Option<Value> {
        Some(match (self.language(), name) {
            (Language::JavaScript, "process" | "node:process") => native("process", span),
            (Language::JavaScript, "url" | "node:url") => native("url", span),
            (Language::JavaScript, "util" | "node:util") => native("util", span),
            (Language::JavaScript, "dotenv" | "path" | "node:path") => Value::unknown("this package", span),
            (Language::Python, "os") => native("os", span),
            (Language::Python, "re") => native("re", span),
            (Language::Python, "urllib.parse" | "urllib") => native("urllib", span),
            (Language::Python, "decouple" | "starlette.config") => native("decouple", span),
            (Language::Python, "environs") => native("environs", span),
            (Language::Python, "dataclasses") => native("dataclasses", span),
            (Language::Python, "pydantic" | "pydantic_settings") => native("pydantic", span),
            (Language::Python, "functools") => native("functools", span),
            (Language::Python, "contextlib") => native("contextlib", span),
            (Language::Python, "io") => native("io", span),
            (Language::Python, "datetime") => native("datetime", span),
            (Language::Python, "os.path") => native("os.path", span),
            (Language::Python, "pathlib") => native("pathlib", span),
            (Language::Python, "itertools") => native("itertools", span),
            (Language::Python, "collections") => native("collections", span),
            (Language::Python, "types") => native("types", span),
            (Language::Python, "importlib") => native("importlib", span),
            (Language::Python, "typing" | "typing_extensions") => native("typing", span),
            _ => return None,
        })
    }

    /// A member of something that the language provides.
    pub(super) fn builtin_member(&mut self, of: &'static str, name: &str, span: Span) -> Option<Value> {
        let known = match (of, name) {
            ("process", "env") => "process.env",
            ("import", "meta") => "import.meta",
            ("import.meta", "env") => "process.env",
            ("os", "environ") => "os.environ",
            ("os", "getenv") => "os.getenv",
            ("os", "path") => "os.path",
            ("os.path", "join") => "os.path.join",
            ("os.path", "dirname") => "os.path.dirname",
            ("os.path", "basename") => "os.path.basename",
            ("os.path", "abspath" | "realpath" | "normpath") => "os.path.same",
            ("pathlib", "Path" | "PurePath" | "PosixPath") => "pathlib.Path",
            ("re", "compile") => "re.compile",
            ("re", "IGNORECASE" | "I") => "re.IGNORECASE",
            ("re", "match") => "re.match",
            ("re", "fullmatch") => "re.fullmatch",
            ("re", "search") => "re.search",
            ("re", "escape") => "re.escape",
            ("urllib" | "urllib.parse", "urlparse" | "urlsplit") => "urlparse",
            ("urllib", "parse") => "urllib.parse",
            ("decouple", "config") => "decouple.config",
            ("decouple", "Csv") => "decouple.Csv",
            ("contextlib", "suppress") => "contextlib.suppress",
            ("io", "BytesIO" | "StringIO") => "io.buffer",
            ("functools", "partial") => "functools.partial",
            ("decouple", "AutoConfig" | "Config") => "decouple.AutoConfig",
            ("environs", "Env") => "environs.Env",
            ("environs.env", "str" | "url" | "path") => "os.getenv",
            ("environs.env", "list") => "environs.env.list",
            ("environs.env", "bool") => "environs.env.bool",
            ("dataclasses", "field") | ("pydantic", "Field") => "dataclasses.field",
            ("pydantic", "SettingsConfigDict" | "ConfigDict") => "dict",
            ("json", "loads") => "json.loads",
            ("functools", "wraps") => "functools.wraps",
            ("functools", "update_wrapper") => "functools.update_wrapper",
            ("datetime", "timedelta") => "timedelta",
            ("itertools", "chain") | ("chain", "from_iterable") => "chain",
            ("collections", "namedtuple") => "namedtuple",
            ("collections", "OrderedDict") | ("types", "SimpleNamespace") => "dict",
            ("importlib", "import_module") => "importlib.import_module",
            ("str", "strip") => "str.strip",
            ("str", "lower") => "str.lower",
            ("str", "upper") => "str.upper",
            ("url", "URL") => "URL",
            ("util", "promisify") => "util.promisify",
            ("url", "parse") => "url.parse",
            ("globalThis", "process") => "process",
            ("Object", "prototype") => "Object.prototype",
            ("Object.prototype", "hasOwnProperty") => "hasOwnProperty",
            ("process.env" | "os.environ", "get") if of == "os.environ" => "os.getenv",
            // What is only imported for type checkers is not imported when the program runs.
            ("typing", "TYPE_CHECKING") => return Some(Value::new(Kind::Bool(false), span)),
            ("process.env", _) => return Some(self.environment_variable(name, span)),
            ("os.environ", _) => return Some(self.environment_variable(name, span)),
            _ => return None,
        };
        Some(native(known, span))
    }

    /// A call by a name that no scope binds.
    pub(super) fn call_builtin(
        &mut self,
        name: &str,
        arguments: &Arguments,
        _frame: FrameId,
        span: Span,
    ) -> Option<Value> {
        match (self.language(), name) {
            (Language::JavaScript, "require" | "import") => {
                let module = arguments.get(0)?.as_str()?.to_owned();
                Some(self.require(&module, span))
            }
            (Language::JavaScript, "setTimeout" | "setImmediate" | "queueMicrotask")
                if self.collecting && matches!(arguments.get(0)?.kind, Kind::Native(_)) =>
            {
                let before = if name == "setTimeout" { 2 } else { 1 };
                let rest = arguments.positional.iter().skip(before).cloned().collect();
                self.call(arguments.get(0)?, &Arguments::of(rest), span);
                Some(Value::unknown("a timer", span))
            }
            (Language::Python, "super") => {
                let call = self.calls.last()?;
                call.this.clone().map(|this| Value { span, ..this })
            }
            _ => None,
        }
    }

    pub(super) fn call_native(&mut self, native: &Native, arguments: &Arguments, span: Span) -> Value {
        if let ("util.promisified", [function]) = (native.name, &*native.bound) {
            let mut with = arguments.clone();
            with.positional.push(self::native("util.promisified.callback", span));
            return self.call(function, &with, span);
        }
        let value = match self.language() {
            Language::Python if native.name == super::python::PARTIAL => {
                self.call_partial(&native.bound.clone(), arguments, span)
            }
            Language::Python if native.name == super::python::NAMED_TUPLE => {
                native.bound.first().and_then(|names| self.named_tuple(names, arguments, span))
            }
            Language::JavaScript => self.call_javascript(native.name, arguments, span),
            Language::Python => self.call_python(native.name, arguments, span),
        };
        value.unwrap_or_else(|| {
            for argument in &arguments.positional {
                if let Kind::Function(closure) = &argument.kind {
                    let closure = closure.clone();
                    self.call_back(&closure, span);
                }
            }
            Value::unknown(format!("`{}()` is not followed", native.name), span)
        })
    }

    pub(super) fn construct_native(&mut self, native: &Native, arguments: &Arguments, span: Span) -> Value {
        match native.name {
            "Set" | "Array" => {
                let (items, open) = match arguments.get(0) {
                    Some(over) if native.name == "Set" => self.each(over, span),
                    Some(_) => (arguments.positional.clone(), None),
                    None => (Vec::new(), None),
                };
                let array = self.new_array(items, span);
                if let Some(id) = array.as_object() {
                    if native.name == "Set" {
                        self.object_mut(id).tag = Tag::Set;
                    }
                    if let Some(reason) = open {
                        self.leave_open(id, reason);
                    }
                }
                array
            }
            "Map" | "Headers" => {
                let id = self.new_object(Tag::Plain, span);
                let over = arguments.get(0);
                if let Some(fields) = over.filter(|over| native.name == "Headers" && self.items(over).is_none()) {
                    self.spread_fields(id, fields);
                } else if let Some(over) = over {
                    let (entries, open) = self.each(over, span);
                    for entry in entries {
                        let (pair, _) = self.each(&entry, span);
                        if let [key, value, ..] = pair.as_slice() {
                            let of = Value::new(Kind::Object(id), span);
                            self.set_item(&of, key, value.clone(), key.span);
                        }
                    }
                    if let Some(reason) = open {
                        self.leave_open(id, reason);
                    }
                }
                Value::new(Kind::Object(id), span)
            }
            "RegExp" => self.new_regex(arguments, span),
            "URL" => self.new_url(arguments, span),
            "Promise" => {
                if let Some(Value { kind: Kind::Function(closure), .. }) = arguments.get(0) {
                    let closure = closure.clone();
                    self.call_back(&closure, span);
                }
                Value::unknown("what this promise gives", span)
            }
            "Error" | "TypeError" => {
                let id = self.new_object(Tag::Plain, span);
                if let Some(message) = arguments.get(0) {
                    self.set_field(id, "message", message.clone(), span);
                }
                Value::new(Kind::Object(id), span)
            }
            name => Value::unknown(format!("`new {name}` is not followed"), span),
        }
    }

    /// A method of a value of the language itself.
    pub(super) fn builtin_method(
        &mut self,
        receiver: &Value,
        name: &str,
        arguments: &Arguments,
        span: Span,
    ) -> Option<Value> {
        match self.language() {
            Language::JavaScript => self.javascript_method(receiver, name, arguments, span),
            Language::Python => self.python_method(receiver, name, arguments, span),
        }
    }

    /// Joins texts by a separator. Items that are not there count as empty.
    pub fn join(&mut self, items: &[Value], separator: &str, span: Span) -> Value {
        let absent = self.absent();
        let mut parts = Vec::new();
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                parts.push(crate::model::Text::literal(separator));
            }
            parts.push(if item.is_nullish() { crate::model::Text::literal("") } else { item.to_text(absent) });
        }
        if let [item] = items
            && item.as_str().is_some()
        {
            return item.clone();
        }
        let place = items.first().map_or(span, |item| item.span);
        let whole = if items.iter().all(|item| item.as_str().is_some()) && !items.is_empty() { place } else { span };
        Value::text(crate::model::Text::concat(parts), if whole.file == span.file { span } else { whole })
    }

    /// Splits a text at a separator; each part stands at the text's place.
    pub(super) fn split(&mut self, receiver: &Value, separator: &Value, span: Span) -> Value {
        match (&receiver.kind, &separator.kind) {
            (Kind::Choose(choice), _) => {
                let (guard, then, otherwise) = &**choice;
                let yes = self.split(then, separator, span);
                let no = self.split(otherwise, separator, span);
                Value::choose(guard.clone(), yes, no)
            }
            (Kind::Str(text), Kind::Str(separator)) => {
                let at = receiver.span;
                let parts = if separator.is_empty() {
                    text.chars().map(|letter| Value::str(letter.to_string(), at)).collect()
                } else {
                    text.split(&**separator).map(|part| Value::str(part, at)).collect()
                };
                self.new_array(parts, span)
            }
            (Kind::Str(text), Kind::Regex(regex)) => {
                let parts = super::javascript::split_by_regex(text, &regex.source);
                match parts {
                    Some(parts) => {
                        let parts = parts.into_iter().map(|part| Value::str(part, receiver.span)).collect();
                        self.new_array(parts, span)
                    }
                    None => self.open_array("how this text is split", span),
                }
            }
            // No origin has one of these in it: the split gives the origin itself.
            (Kind::Text(text), Kind::Str(separator))
                if text.is_header(crate::cors::headers::ORIGIN) && matches!(&**separator, "," | ";" | " " | ", ") =>
            {
                self.new_array(vec![receiver.clone()], span)
            }
            // `req.url.split('?')[0]`
            (Kind::Text(text), Kind::Str(separator)) if &**separator == "?" && path_of(text).is_some() => {
                let path = path_of(text).unwrap_or(Part::Path);
                let first = Value::text(Text::Request(path), receiver.span);
                let reason = Self::unknown_reason("the query of the request", span);
                self.list(vec![first], Some(reason), span)
            }
            (Kind::Text(text), _) => {
                let words = match &**text {
                    crate::model::Text::Environment(name) => format!("it is made of the environment variable {name}"),
                    _ => "it is split from a text that varies".to_owned(),
                };
                self.open_array(&words, span)
            }
            (Kind::Unknown(reason), _) => {
                let text = reason.text.to_string();
                self.open_array(&text, span)
            }
            _ => self.open_array("how this text is split", span),
        }
    }

    /// A list of which nothing is known.
    pub(super) fn open_array(&mut self, why: &str, span: Span) -> Value {
        let array = self.new_array(Vec::new(), span);
        if let Some(id) = array.as_object() {
            self.leave_open(id, Self::unknown_reason(why, span));
        }
        array
    }

    /// Applies a function to every item, also to those that are not known.
    pub(super) fn map_items(&mut self, over: &Value, function: &Value, span: Span) -> Value {
        let (items, open) = self.each(over, span);
        let mut mapped = Vec::with_capacity(items.len());
        for (at, item) in items.into_iter().enumerate() {
            let place = item.span;
            let (there, item) = taken(item);
            let mut arguments = Arguments::of(vec![item]);
            if self.language() == Language::JavaScript {
                arguments.positional.push(Value::new(Kind::Number(at as f64), span));
            }
            let value = self.under(there.clone(), |eval| eval.call(function, &arguments, span));
            let value = if value.as_str().is_some() { Value { span: place, ..value } } else { value };
            mapped.push(Value::choose(there, value, Value::undefined(place)));
        }
        let array = self.new_array(mapped, span);
        if let (Some(reason), Some(id)) = (open, array.as_object()) {
            let value = Value::new(Kind::Unknown(reason.clone()), span);
            let guard = crate::model::Guard::Unknown(reason.clone());
            self.under(guard, |eval| eval.call(function, &Arguments::of(vec![value]), span));
            self.leave_open(id, reason);
        }
        array
    }

    /// Keeps the items that pass.
    pub(super) fn filter_items(&mut self, over: &Value, function: Option<&Value>, span: Span) -> Value {
        let (items, open) = self.each(over, span);
        let array = self.new_array(Vec::new(), span);
        let Some(id) = array.as_object() else { return array };
        for item in items {
            let (there, item) = taken(item);
            let passes = match function {
                Some(function) => self.call(function, &Arguments::of(vec![item.clone()]), span),
                None => item.clone(),
            };
            let when = there.and(self.truth(&passes));
            if when != crate::model::Guard::Never {
                self.under(when, |eval| eval.push_item(id, item));
            }
        }
        if let Some(reason) = open {
            self.leave_open(id, reason);
        }
        array
    }

    /// When any (`all` false) or all (`all` true) items pass.
    pub(super) fn quantified(&mut self, over: &Value, function: Option<&Value>, all: bool, span: Span) -> Value {
        use crate::model::Guard;
        let (items, open) = self.each(over, span);
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            // Only items that are there are asked.
            let (there, item) = taken(item);
            let passes = match function {
                Some(function) => self.call(function, &Arguments::of(vec![item]), span),
                None => item,
            };
            let passes = self.truth(&passes);
            parts.push(if all { Guard::not(there).or(passes) } else { there.and(passes) });
        }
        let word = if all { ".every(…)" } else { ".some(…)" };
        // Another function is another question.
        parts.extend(open.map(|reason| Guard::Unknown(Reason { span: Some(span), ..self.part(&reason, word) })));
        Value::test(if all { Guard::all(parts) } else { Guard::any(parts) }, span)
    }
}

/// The path of what is a path with its query.
fn path_of(text: &Text) -> Option<Part> {
    match text {
        Text::Request(Part::LocalTarget) => Some(Part::LocalPath),
        Text::Request(Part::Target) => Some(Part::Path),
        _ => None,
    }
}
