//! Python's own functions and methods.

use std::sync::Arc;

use super::Evaluator;
use super::builtins::native;
use super::heap::taken;
use super::operators::{string_test, unknown_test};
use super::value::{Arguments, Kind, Native, ObjectId, Regex, Tag, Value};
use crate::cors::{Anchoring, Engine, Flags, Pattern, StringTest};
use crate::model::{Capture, Capturing, Guard, Part, Text, UrlPart};
use crate::source::Span;

impl Evaluator<'_> {
    pub(super) fn call_python(&mut self, name: &str, arguments: &Arguments, span: Span) -> Option<Value> {
        let first = arguments.get(0);
        Some(match name {
            "os.getenv" | "decouple.config" | "environs.env" | "environs.env.list" | "environs.env.bool" => {
                let variable = first?.as_str()?.to_owned();
                let value = self.environment_variable(&variable, span);
                let by_place = arguments.get(1).filter(|_| name != "decouple.config");
                let default = by_place.or(arguments.keyword("default")).cloned();
                let cast = match name {
                    "environs.env.list" => Some(native("decouple.Csv", span)),
                    "environs.env.bool" => Some(native("bool", span)),
                    _ => arguments.keyword("cast").cloned(),
                };
                let value = match default {
                    Some(default) => Value::choose(value.present(), value, default),
                    None => value,
                };
                match cast {
                    Some(cast) => self.cast(&value, &cast, span),
                    None => value,
                }
            }
            "decouple.AutoConfig" => native("decouple.config", span),
            "environs.Env" => native("environs.env", span),
            // The default of a field of a dataclass or of one of pydantic's models.
            "dataclasses.field" => {
                let default = arguments.keyword("default").or(first).cloned();
                match (default, arguments.keyword("default_factory").cloned()) {
                    (Some(default), _) => default,
                    (None, Some(factory)) => self.call(&factory, &Arguments::default(), span),
                    (None, None) => Value::unknown("whoever makes the object gives this field", span),
                }
            }
            "json.loads" => {
                let parts = first?.branches().into_iter().rev().map(|(when, text)| {
                    let value = match text.as_str().and_then(|text| serde_json::from_str(text).ok()) {
                        Some(data) => self.from_json(&data, text.span),
                        None => Value::unknown("what this text holds", span),
                    };
                    (when, value)
                });
                parts.reduce(|(_, before), (when, value)| (Guard::Always, Value::choose(when, value, before)))?.1
            }
            "range" => {
                let number = |value: &Value| match value.kind {
                    Kind::Number(number) => Some(number as i64),
                    _ => None,
                };
                let given: Option<Vec<i64>> = arguments.positional.iter().map(number).collect();
                let (from, to, by) = match *given? {
                    [to] => (0, to, 1),
                    [from, to] => (from, to, 1),
                    [from, to, by] if by > 0 => (from, to, by),
                    _ => return None,
                };
                let numbers = (from..to).step_by(by as usize).take(MOST_NUMBERS + 1);
                let mut items: Vec<Value> = numbers.map(|at| Value::new(Kind::Number(at as f64), span)).collect();
                let more = items.len() > MOST_NUMBERS;
                items.truncate(MOST_NUMBERS);
                self.list(items, more.then(|| Self::unknown_reason("a range too long to be followed", span)), span)
            }
            "chain" => {
                let lists = match arguments.positional.as_slice() {
                    [only] if self.loader.text(span).contains("from_iterable") => self.each(only, span),
                    lists => (lists.to_vec(), None),
                };
                let (mut all, mut open) = (Vec::new(), lists.1);
                for list in lists.0 {
                    let (items, more) = self.each(&list, span);
                    all.extend(items);
                    open = open.or(more);
                }
                self.list(all, open, span)
            }
            "reversed" => {
                let (mut items, open) = self.each(&first?.clone(), span);
                items.reverse();
                self.list(items, open, span)
            }
            "sorted" => self.sorted(&first?.clone(), arguments, span),
            "next" => self.next(&first?.clone(), arguments.get(1), span),
            "enumerate" => {
                let start = match arguments.get(1).or(arguments.keyword("start")).map(|start| &start.kind) {
                    None => 0.0,
                    Some(Kind::Number(start)) => *start,
                    Some(_) => return None,
                };
                let (items, open) = self.each(&first?.clone(), span);
                let numbered = items.into_iter().enumerate().map(|(at, item)| {
                    let number = Value::new(Kind::Number(start + at as f64), span);
                    let (there, item) = taken(item);
                    Value::choose(there, self.new_array(vec![number, item], span), Value::undefined(span))
                });
                let numbered = numbered.collect();
                self.list(numbered, open, span)
            }
            "zip" => {
                let mut lists = Vec::new();
                for list in &arguments.positional {
                    match self.each(list, span) {
                        (items, None) if !items.iter().any(|item| matches!(item.kind, Kind::Choose(_))) => {
                            lists.push(items);
                        }
                        _ => return None,
                    }
                }
                let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
                let rows = (0..shortest).map(|at| {
                    let row = lists.iter().filter_map(|list| list.get(at).cloned()).collect();
                    self.new_array(row, span)
                });
                let rows = rows.collect();
                self.list(rows, None, span)
            }
            "list" | "tuple" | "set" | "frozenset" => {
                let (items, open) = match first {
                    Some(over) => self.each(over, span),
                    None => (Vec::new(), None),
                };
                self.list(items, open, span)
            }
            "dict" => {
                let id = self.new_object(Tag::Plain, span);
                if let Some(from) = first {
                    self.add_entries(id, &from.clone(), span);
                }
                for (keyword, value, at) in &arguments.keywords {
                    self.set_field(id, keyword, value.clone(), *at);
                }
                Value::new(Kind::Object(id), span)
            }
            "str" if first.is_none() => Value::str("", span),
            "str" => match &first?.kind {
                // Not known, but a text.
                Kind::Unknown(reason) => Value::new(Kind::Text(Arc::new(Text::Unknown(reason.clone()))), span),
                _ => Value::text(first?.to_text("None"), first?.span),
            },
            "isinstance" => {
                let (value, class) = (first?.clone(), arguments.get(1)?.clone());
                Value::test(self.of_python_class(&value, &class, span), span)
            }
            "bool" => Value::test(self.truth(first?), span),
            "int" => match &first?.kind {
                Kind::Choose(choice) => {
                    let (guard, then, otherwise) = &**choice;
                    let both = [then, otherwise].map(|side| Arguments::of(vec![side.clone()]));
                    let yes = self.under(guard.clone(), |eval| eval.call_python(name, &both[0], span));
                    let no = self.under(Guard::not(guard.clone()), |eval| eval.call_python(name, &both[1], span));
                    let unknown = || Value::unknown("a number that is not followed", span);
                    Value::choose(guard.clone(), yes.unwrap_or_else(unknown), no.unwrap_or_else(unknown))
                }
                Kind::Number(_) => first?.clone(),
                Kind::Str(text) => match text.trim().parse() {
                    Ok(number) => Value::new(Kind::Number(number), span),
                    Err(_) => {
                        self.throw(Value::unknown("`ValueError`", span));
                        Value::unknown("a text that is no number", span)
                    }
                },
                _ => return None,
            },
            "len" => self.length(&first?.clone(), span)?,
            "any" => self.quantified(&first?.clone(), None, false, span),
            "all" => self.quantified(&first?.clone(), None, true, span),
            "map" => self.map_items(&arguments.get(1)?.clone(), &first?.clone(), span),
            "filter" => {
                let function = first.filter(|function| !function.is_nullish()).cloned();
                self.filter_items(&arguments.get(1)?.clone(), function.as_ref(), span)
            }
            "getattr" => {
                let key = arguments.get(1)?.as_str()?.to_owned();
                let value = self.get(&first?.clone(), &key, span);
                match arguments.get(2) {
                    Some(default) => Value::choose(value.present(), value, default.clone()),
                    None => value,
                }
            }
            "setattr" => {
                let key = arguments.get(1)?.as_str()?.to_owned();
                self.set(&first?.clone(), &key, arguments.get(2)?.clone(), span);
                Value::new(Kind::Null, span)
            }
            "print" => Value::new(Kind::Null, span),
            "staticmethod" | "classmethod" | "property" => first?.clone(),
            "re.compile" => {
                let Some(flags) = regex_flags(arguments.get(1).or(arguments.keyword("flags"))) else {
                    return Some(Value::unknown("the flags of this pattern", span));
                };
                match &first?.kind {
                    Kind::Str(source) => python_regex(source, flags, first?.span),
                    Kind::Regex(_) => first?.clone(),
                    _ => Value::unknown("the text of this pattern", span),
                }
            }
            "str.strip" | "str.lower" | "str.upper" => {
                let rest = Arguments::of(arguments.positional.get(1..).unwrap_or_default().to_vec());
                self.call_method(first?, name.trim_start_matches("str."), &rest, span, span)
            }
            "re.escape" => Value::str(escaped(first?.as_str()?), first?.span),
            "re.match" | "re.search" | "re.fullmatch" => {
                let pattern = first?.clone();
                let subject = arguments.get(1)?.clone();
                let Some(flags) = regex_flags(arguments.get(2).or(arguments.keyword("flags"))) else {
                    return Some(Value::unknown("the flags of this pattern", span));
                };
                let pattern = match &pattern.kind {
                    Kind::Str(source) => python_regex(source, flags, pattern.span),
                    _ => pattern,
                };
                self.python_match(&pattern, name.trim_start_matches("re."), &subject, span)?
            }
            "urlparse" => super::javascript::url(arguments, span),
            "functools.wraps" => Value::new(
                Kind::Native(Native { name: "functools.wraps.applied", bound: Arc::new([first?.clone()]), of: None }),
                span,
            ),
            "functools.partial" => {
                let id = self.new_object(Tag::Plain, span);
                for (keyword, value, at) in &arguments.keywords {
                    self.set_field(id, keyword, value.clone(), *at);
                }
                let keywords = Value::new(Kind::Object(id), span);
                let (function, rest) = arguments.positional.split_first()?;
                let bound: Vec<Value> = [function.clone(), keywords].into_iter().chain(rest.iter().cloned()).collect();
                Value::new(Kind::Native(Native { name: PARTIAL, bound: bound.into(), of: None }), span)
            }
            "functools.update_wrapper" => {
                let wrapper = first?.clone();
                if let Some(wrapped) = arguments.get(1).or(arguments.keyword("wrapped")).cloned() {
                    self.copy_attributes(&wrapped, &wrapper);
                }
                wrapper
            }
            _ if name.starts_with("os.path.") || name == "pathlib.Path" => self.call_path(name, arguments, span)?,
            "namedtuple" => {
                let names = match &arguments.get(1)?.kind {
                    Kind::Str(text) => {
                        let names = text.replace(',', " ");
                        let names = names.split_whitespace().map(|name| Value::str(name, span)).collect();
                        self.new_array(names, span)
                    }
                    _ => arguments.get(1)?.clone(),
                };
                Value::new(Kind::Native(Native { name: NAMED_TUPLE, bound: Arc::new([names]), of: None }), span)
            }
            "importlib.import_module" => {
                let name = first?.as_str()?.to_owned();
                match self.module_named(&name) {
                    Some(module) => Value::new(Kind::Module(module), span),
                    None => return None,
                }
            }
            "contextlib.suppress" => native("contextlib.suppressing", span),
            "io.buffer" => native("io.buffered", span),
            "functools.wraps.applied" => first?.clone(),
            "decouple.Csv" => native("decouple.Csv.applied", span),
            "timedelta" => self.seconds(arguments, span)?,
            _ => return None,
        })
    }

    /// When a value is an instance of a class, or of one of several.
    fn of_python_class(&mut self, value: &Value, class: &Value, span: Span) -> Guard {
        if let Kind::Choose(choice) = &value.kind {
            let (guard, then, otherwise) = &**choice;
            let yes = self.of_python_class(then, class, span);
            let no = self.of_python_class(otherwise, class, span);
            return Guard::any([guard.clone().and(yes), Guard::not(guard.clone()).and(no)]);
        }
        if let Some(classes) = self.items(class).map(|list| list.items.clone()) {
            let parts: Vec<Guard> = classes.iter().map(|class| self.of_python_class(value, class, span)).collect();
            return Guard::any(parts);
        }
        if let Some(guard) = self.ask(|host, eval| host.is_instance(eval, value, class)) {
            return guard;
        }
        let name = match &class.kind {
            Kind::Native(native) => native.name,
            // Python 2's names for a text.
            Kind::Unknown(reason) if reason.text.contains("`basestring`") || reason.text.contains("`unicode`") => "str",
            Kind::Class(class) => {
                return match &value.kind {
                    Kind::Object(id) => match self.object(*id).tag {
                        Tag::Instance(own) => Guard::from(self.extends(own, *class)),
                        Tag::Host(_) => unknown_test(span),
                        _ => Guard::Never,
                    },
                    Kind::Unknown(reason) => Guard::Unknown(reason.clone()),
                    _ => Guard::Never,
                };
            }
            _ => return unknown_test(span),
        };
        let known = ["str", "list", "tuple", "set", "dict", "int", "bool", "timedelta"].contains(&name);
        match &value.kind {
            _ if !known => unknown_test(span),
            Kind::Str(_) | Kind::Text(_) => Guard::from(name == "str"),
            Kind::Null | Kind::Undefined | Kind::Function(_) | Kind::Regex(_) => Guard::Never,
            Kind::Bool(_) | Kind::Test(_) => Guard::from(matches!(name, "bool" | "int")),
            Kind::Number(_) => Guard::from(name == if self.is_time_span(value) { "timedelta" } else { "int" }),
            Kind::Object(id) => match (self.object(*id).tag, name) {
                (Tag::Plain, _) => Guard::from(name == "dict"),
                (Tag::Array | Tag::Set, "list" | "tuple" | "set") => {
                    let text = self.loader.text(value.span);
                    match (text.starts_with('['), text.starts_with('('), name) {
                        (true, _, _) => Guard::from(name == "list"),
                        (_, true, _) => Guard::from(name == "tuple"),
                        _ => unknown_test(span),
                    }
                }
                _ => Guard::Never,
            },
            Kind::Unknown(reason) => Guard::Unknown(reason.clone()),
            _ => unknown_test(span),
        }
    }

    /// Whether a number stands for a `timedelta`, which is kept as its seconds.
    pub fn is_time_span(&self, value: &Value) -> bool {
        self.loader.text(value.span).contains("delta(")
    }

    fn extends(&self, class: super::ClassId, base: super::ClassId) -> bool {
        let mut open = vec![class];
        for _ in 0..64 {
            let Some(next) = open.pop() else { return false };
            if next == base {
                return true;
            }
            open.extend(self.class_data(next).bases.iter().filter_map(|value| match value.kind {
                Kind::Class(class) => Some(class),
                _ => None,
            }));
        }
        false
    }

    fn seconds(&mut self, arguments: &Arguments, span: Span) -> Option<Value> {
        let units = [
            ("days", 86_400.0),
            ("seconds", 1.0),
            ("minutes", 60.0),
            ("hours", 3_600.0),
            ("weeks", 604_800.0),
            ("milliseconds", 0.001),
            ("microseconds", 0.000_001),
        ];
        let mut total = 0.0;
        for (keyword, value, _) in &arguments.keywords {
            let Kind::Number(number) = value.kind else { return None };
            total += number * units.iter().find(|(unit, _)| *unit == &**keyword)?.1;
        }
        for (value, factor) in arguments.positional.iter().zip([86_400.0, 1.0]) {
            let Kind::Number(number) = value.kind else { return None };
            total += number * factor;
        }
        Some(Value::new(Kind::Number(total), span))
    }

    fn cast(&mut self, value: &Value, cast: &Value, span: Span) -> Value {
        if let Kind::Choose(choice) = &value.kind {
            let (guard, then, otherwise) = &**choice;
            let yes = self.cast(then, cast, span);
            let no = self.cast(otherwise, cast, span);
            return Value::choose(guard.clone(), yes, no);
        }
        match &cast.kind {
            // A default may be a list already.
            Kind::Native(Native { name: "decouple.Csv.applied" | "decouple.Csv", .. })
                if self.items(value).is_some() || value.is_nullish() =>
            {
                value.clone()
            }
            Kind::Native(Native { name: "decouple.Csv.applied" | "decouple.Csv", .. }) => {
                let comma = Value::str(",", span);
                let parts = self.split(value, &comma, span);
                let (items, open) = self.each(&parts, span);
                let trimmed = items
                    .into_iter()
                    .map(|item| match item.as_str() {
                        Some(text) => Value::str(text.trim(), item.span),
                        None => item,
                    })
                    .collect();
                self.list(trimmed, open, span)
            }
            Kind::Native(Native { name: "bool", .. }) => match value.as_str() {
                Some(text) => {
                    let holds = matches!(text.to_lowercase().as_str(), "true" | "1" | "yes" | "on" | "y" | "t");
                    Value::new(Kind::Bool(holds), value.span)
                }
                None if matches!(value.kind, Kind::Bool(_)) => value.clone(),
                None => Value::unknown("a switch of the environment", span),
            },
            Kind::Native(Native { name: "str", .. }) => value.clone(),
            Kind::Function(_) => self.call(cast, &Arguments::of(vec![value.clone()]), span),
            _ => Value::unknown("how this setting is read", span),
        }
    }

    pub(super) fn python_method(
        &mut self,
        receiver: &Value,
        name: &str,
        arguments: &Arguments,
        span: Span,
    ) -> Option<Value> {
        match &receiver.kind {
            Kind::Str(_) | Kind::Text(_) => self.python_string_method(receiver, name, arguments, span),
            Kind::Object(id) if matches!(self.object(*id).tag, Tag::Array | Tag::Set) => {
                let id = *id;
                let first = arguments.get(0);
                Some(match name {
                    "append" | "add" => {
                        self.push_item(id, first?.clone());
                        Value::new(Kind::Null, span)
                    }
                    "extend" | "update" => {
                        let (items, open) = self.each(&first?.clone(), span);
                        for item in items {
                            self.push_item(id, item);
                        }
                        if let Some(reason) = open {
                            self.leave_open(id, reason);
                        }
                        Value::new(Kind::Null, span)
                    }
                    "insert" => {
                        self.push_item(id, arguments.get(1)?.clone());
                        Value::new(Kind::Null, span)
                    }
                    "copy" => {
                        let (items, open) = self.each(receiver, span);
                        self.list(items, open, span)
                    }
                    "union" => self.operate(crate::syntax::program::BinaryOperator::Add, receiver, first?, span),
                    _ => return None,
                })
            }
            Kind::Object(id) if self.object(*id).tag == Tag::Plain => {
                let id = *id;
                let first = arguments.get(0);
                Some(match name {
                    "get" | "pop" | "setdefault" => {
                        let value = self.get_item(receiver, first?, span);
                        match (value.present(), arguments.get(1)) {
                            (Guard::Always, _) => value,
                            (present, Some(default)) => Value::choose(present, value, default.clone()),
                            (_, None) => value,
                        }
                    }
                    "update" => {
                        if let Some(from) = first {
                            self.add_entries(id, &from.clone(), span);
                        }
                        for (keyword, value, at) in &arguments.keywords {
                            self.set_field(id, keyword, value.clone(), *at);
                        }
                        Value::new(Kind::Null, span)
                    }
                    "copy" => {
                        let copy = self.new_object(Tag::Plain, span);
                        self.spread_fields(copy, receiver);
                        Value::new(Kind::Object(copy), span)
                    }
                    "keys" => {
                        let (keys, open) = self.keys(receiver, span);
                        self.list(keys, open, span)
                    }
                    "values" | "items" => {
                        let object = self.object(id);
                        let (fields, open) = (object.fields.clone(), object.open.clone());
                        let mut items = Vec::new();
                        for field in fields {
                            items.push(if name == "values" {
                                field.value
                            } else {
                                let key = Value::str(field.name, field.span);
                                self.new_array(vec![key, field.value], span)
                            });
                        }
                        self.list(items, open, span)
                    }
                    _ => return None,
                })
            }
            Kind::Object(id) if self.object(*id).tag == Tag::Host(MATCH) => match name {
                "group" => self.matched_group(*id, arguments.get(0), span),
                _ => None,
            },
            Kind::Number(_) if name == "total_seconds" => Some(receiver.clone()),
            Kind::Regex(_) if matches!(name, "match" | "search" | "fullmatch") => {
                let subject = arguments.get(0)?.clone();
                self.python_match(receiver, name, &subject, span)
            }
            Kind::Native(Native { name: "os.environ", .. }) if matches!(name, "get" | "setdefault" | "pop") => {
                let value = self.call_python("os.getenv", arguments, span)?;
                if name == "setdefault" {
                    let variable = arguments.get(0)?.as_str()?.to_owned();
                    self.set_environment_variable(&variable, &value, span);
                }
                Some(value)
            }
            _ => None,
        }
    }

    fn python_string_method(
        &mut self,
        receiver: &Value,
        name: &str,
        arguments: &Arguments,
        span: Span,
    ) -> Option<Value> {
        let first = arguments.get(0);
        if let Kind::Str(text) = &receiver.kind {
            let trimmed = |side: fn(&str, &[char]) -> String| match first {
                None => Some(side(text, &[' ', '\t', '\n', '\r', '\x0b', '\x0c'])),
                Some(set) => set.as_str().map(|set| side(text, &set.chars().collect::<Vec<_>>())),
            };
            let done = match name {
                "strip" => trimmed(|text, set| text.trim_matches(set).to_owned()),
                "rstrip" => trimmed(|text, set| text.trim_end_matches(set).to_owned()),
                "lstrip" => trimmed(|text, set| text.trim_start_matches(set).to_owned()),
                "lower" | "casefold" => Some(text.to_lowercase()),
                "upper" => Some(text.to_uppercase()),
                "title" => Some(titled(text)),
                "capitalize" => Some(capitalized(text)),
                "removeprefix" => {
                    first.and_then(Value::as_str).map(|part| text.strip_prefix(part).unwrap_or(text).to_owned())
                }
                "removesuffix" => {
                    first.and_then(Value::as_str).map(|part| text.strip_suffix(part).unwrap_or(text).to_owned())
                }
                "replace" => match (first.and_then(Value::as_str), arguments.get(1).and_then(Value::as_str)) {
                    (Some(what), Some(by)) => Some(text.replace(what, by)),
                    _ => None,
                },
                _ => None,
            };
            if let Some(done) = done {
                return Some(Value { kind: Kind::Str(done.into()), span: receiver.span, via: receiver.via.clone() });
            }
        }
        Some(match name {
            "split" => match first {
                Some(separator) => self.split(receiver, separator, span),
                None => match receiver.as_str() {
                    Some(text) => {
                        let parts = text.split_whitespace().map(|part| Value::str(part, receiver.span)).collect();
                        self.new_array(parts, span)
                    }
                    None => self.open_array("how this text is split", span),
                },
            },
            "join" => {
                let (items, open) = self.each(&first?.clone(), span);
                match open {
                    Some(reason) => Value::new(Kind::Unknown(reason), span),
                    None => {
                        let separator = receiver.as_str()?.to_owned();
                        let joined = self.join(&items, &separator, span);
                        Value { span: first?.span, ..joined }
                    }
                }
            }
            "startswith" | "endswith" => {
                let make = if name == "startswith" { StringTest::StartsWith } else { StringTest::EndsWith };
                match self.items(first?) {
                    Some(object) => {
                        let items = object.items.clone();
                        let parts: Option<Vec<_>> =
                            items.iter().map(|item| string_test(receiver, item, make)).collect();
                        Value::test(Guard::any(parts?), span)
                    }
                    None => Value::test(string_test(receiver, first?, make)?, span),
                }
            }
            "find" | "index" => {
                let found = string_test(receiver, first?, StringTest::Contains)?;
                let starts = string_test(receiver, first?, StringTest::StartsWith)?;
                Value::new(Kind::Index(Arc::new((found, starts))), span)
            }
            "strip" | "rstrip" | "lstrip" | "encode" | "decode" => receiver.clone(),
            // Of a path.
            "resolve" | "absolute" | "as_posix" if arguments.positional.is_empty() => receiver.clone(),
            "joinpath" => {
                let parts: Vec<Value> = [receiver].into_iter().chain(&arguments.positional).cloned().collect();
                Self::joined_path(&parts, span)?
            }
            // Werkzeug's is in upper case already.
            "upper" if matches!(&receiver.kind, Kind::Text(text) if **text == Text::Request(Part::Method)) => {
                receiver.clone()
            }
            "lower" | "casefold" => match &receiver.kind {
                Kind::Text(text) => Value::text(Text::LowerCase(text.clone()), span),
                _ => return None,
            },
            "format" => {
                let template = receiver.as_str()?;
                let mut parts = Vec::new();
                let mut rest = template;
                let mut at = 0;
                while let Some((before, behind)) = rest.split_once('{') {
                    let (name, after) = behind.split_once('}')?;
                    parts.push(Text::literal(before));
                    let value = if name.is_empty() {
                        at += 1;
                        arguments.get(at - 1)
                    } else if let Ok(place) = name.parse::<usize>() {
                        arguments.get(place)
                    } else {
                        arguments.keyword(name)
                    };
                    parts.push(value?.to_text("None"));
                    rest = after;
                }
                parts.push(Text::literal(rest));
                Value::text(Text::concat(parts), span)
            }
            _ => return None,
        })
    }

    fn python_match(&mut self, pattern: &Value, how: &str, subject: &Value, span: Span) -> Option<Value> {
        let Kind::Regex(regex) = &pattern.kind else { return None };
        let anchoring = match how {
            "match" => Anchoring::Prefix,
            "fullmatch" => Anchoring::Full,
            _ => Anchoring::Search,
        };
        let flags = if regex.flags.contains('i') { Flags::IGNORE_CASE } else { Flags::NONE };
        let anchored = Regex {
            pattern: Pattern::new(regex.source.clone(), Engine::Python, anchoring, flags)
                .map_err(|error| error.to_string()),
            source: regex.source.clone(),
            flags: regex.flags.clone(),
            stateful: false,
        };
        let there = subject.present();
        let guard = there.and(self.tested(&anchored, pattern.span, subject, span));
        let guard = if guard == Guard::Never && subject.reason().is_some() { unknown_test(span) } else { guard };
        let id = self.new_object(Tag::Host(MATCH), span);
        let subject_text = subject.to_text("None");
        self.set_field(id, "string", Value::text(subject_text, subject.span), span);
        let source = match anchoring {
            Anchoring::Prefix => format!(r"\A(?:{})", regex.source),
            Anchoring::Full => format!(r"\A(?:{})\z", regex.source),
            Anchoring::Search => regex.source.clone(),
        };
        let pattern = super::python::python_regex(&source, &regex.flags, pattern.span);
        self.set_field(id, "re", pattern, span);
        let found = Value::new(Kind::Object(id), span);
        Some(Value::choose(guard, found, Value::new(Kind::Null, span)))
    }

    /// A group of a match.
    pub(super) fn matched_group(&mut self, found: ObjectId, group: Option<&Value>, span: Span) -> Option<Value> {
        let Kind::Regex(regex) = &self.field(found, "re")?.value.kind else { return None };
        let pattern = Capturing::new(&regex.source, regex.flags.contains('i'));
        let group = match group.map(|group| &group.kind) {
            None => 0,
            Some(Kind::Number(group)) if *group >= 0.0 => *group as usize,
            Some(Kind::Str(name)) => pattern.group(name)?,
            Some(_) => return None,
        };
        let subject = self.field(found, "string")?.value.to_text("None");
        Some(Value::text(Text::Capture(Arc::new(Capture { subject, pattern, group })), span))
    }

    /// A call of what `functools.partial` gave.
    pub(super) fn call_partial(&mut self, bound: &[Value], arguments: &Arguments, span: Span) -> Option<Value> {
        let (function, keywords) = (bound.first()?, bound.get(1)?.as_object()?);
        let positional = bound.iter().skip(2).chain(&arguments.positional).cloned().collect();
        let given = |name: &str| arguments.keyword(name).is_some();
        let mut all: Vec<(Arc<str>, Value, Span)> = Vec::new();
        for field in &self.object(keywords).fields {
            if !given(&field.name) {
                all.push((field.name.clone(), field.value.clone(), field.span));
            }
        }
        all.extend(arguments.keywords.iter().cloned());
        let arguments = Arguments { positional, keywords: all, open: arguments.open.clone() };
        Some(self.call(function, &arguments, span))
    }

    /// `sorted(…)`: what consists of known texts or numbers is sorted, the rest is unknown in its order.
    fn sorted(&mut self, over: &Value, arguments: &Arguments, span: Span) -> Value {
        let (items, open) = self.each(over, span);
        let reverse = arguments.keyword("reverse").map_or(Guard::Never, |value| self.truth(value));
        let Some(mut keyed) = self.keyed(items.clone(), arguments.keyword("key"), span) else {
            // A set of the same items in another order.
            return match items.len() {
                0 | 1 => self.list(items, open, span),
                _ => self.list(items, Some(Self::unknown_reason("the order of what is sorted", span)), span),
            };
        };
        keyed.sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        match reverse {
            Guard::Never => {}
            Guard::Always => keyed.reverse(),
            _ => return Value::unknown("the order of what is sorted", span),
        }
        self.list(keyed.into_iter().map(|(_, item)| item).collect(), open, span)
    }

    /// Items with what they are sorted by.
    fn keyed(&mut self, items: Vec<Value>, key: Option<&Value>, span: Span) -> Option<Vec<(SortKey, Value)>> {
        let mut keyed = Vec::with_capacity(items.len());
        for item in items {
            let by = match key.filter(|key| !key.is_nullish()) {
                Some(key) => self.call(key, &Arguments::of(vec![item.clone()]), span),
                None => item.clone(),
            };
            let by = match &by.kind {
                Kind::Str(text) => SortKey::Text(text.to_string()),
                Kind::Number(number) => SortKey::Number(*number),
                _ => return None,
            };
            keyed.push((by, item));
        }
        Some(keyed)
    }

    /// `len(…)`: a choice where items are there under conditions.
    fn length(&mut self, of: &Value, span: Span) -> Option<Value> {
        if let Some(text) = of.as_str() {
            return Some(Value::new(Kind::Number(text.chars().count() as f64), span));
        }
        let (items, None) = self.each(of, span) else { return None };
        let (mut sure, mut counted) = (0, Vec::new());
        for item in items {
            match taken(item) {
                (Guard::Always, _) => sure += 1,
                (there, _) => counted.push(there),
            }
        }
        if counted.len() > MOST_COUNTED {
            return None;
        }
        let mut lengths = vec![(Guard::Always, sure)];
        for there in counted {
            let absent = Guard::not(there.clone());
            lengths = lengths
                .into_iter()
                .flat_map(|(when, length)| {
                    [(when.clone().and(there.clone()), length + 1), (when.and(absent.clone()), length)]
                })
                .collect();
        }
        let value = |length: i32| Value::new(Kind::Number(f64::from(length)), span);
        let (_, last) = lengths.pop()?;
        Some(lengths.into_iter().fold(value(last), |rest, (when, length)| Value::choose(when, value(length), rest)))
    }

    /// `next(over, default)`: the first that is there.
    fn next(&mut self, over: &Value, default: Option<&Value>, span: Span) -> Value {
        let (items, open) = self.each(over, span);
        let mut value = match (open, default) {
            (Some(reason), _) => Value::new(Kind::Unknown(reason), span),
            (None, Some(default)) => default.clone(),
            (None, None) => Value::unknown("the first of what may be empty", span),
        };
        for item in items.into_iter().rev() {
            let (there, item) = taken(item);
            value = Value::choose(there, item, value);
        }
        value
    }

    /// Adds the entries of a dict, or of a list of pairs.
    fn add_entries(&mut self, id: ObjectId, from: &Value, span: Span) {
        if self.items(from).is_none() {
            return self.spread_fields(id, from);
        }
        let (pairs, open) = self.each(from, span);
        let of = Value::new(Kind::Object(id), span);
        for pair in pairs {
            let (there, pair) = taken(pair);
            let (parts, _) = self.each(&pair, span);
            if let [key, value] = parts.as_slice() {
                self.under(there, |eval| eval.set_item(&of, key, value.clone(), key.span));
            } else {
                self.leave_open(id, Self::unknown_reason("an entry that is not known", span));
            }
        }
        if let Some(reason) = open {
            self.leave_open(id, reason);
        }
    }
}

/// What `functools.partial` gives. Bound: the function, its keywords, its arguments.
pub(super) const PARTIAL: &str = "functools.partial.applied";

/// The tag of what a pattern found.
pub(super) const MATCH: &str = "re.Match";

/// What `namedtuple` gives. Bound: the names of the fields.
pub(super) const NAMED_TUPLE: &str = "namedtuple.class";

/// How many numbers of a range are followed.
const MOST_NUMBERS: usize = 64;

/// How many items that are there under conditions are counted.
const MOST_COUNTED: usize = 4;

/// What a list is sorted by.
#[derive(PartialEq, PartialOrd)]
enum SortKey {
    Number(f64),
    Text(String),
}

/// The flags of a pattern that are followed; `None` where there are others.
fn regex_flags(given: Option<&Value>) -> Option<&'static str> {
    match given.map(|flags| &flags.kind) {
        None => Some(""),
        Some(Kind::Number(0.0)) => Some(""),
        Some(Kind::Native(flag)) if flag.name == "re.IGNORECASE" => Some("i"),
        Some(_) => None,
    }
}

/// A compiled pattern of Python's `re`; how it is anchored is decided where it is used.
pub(super) fn python_regex(source: &str, flags: &str, span: Span) -> Value {
    let python = if flags.contains('i') { Flags::IGNORE_CASE } else { Flags::NONE };
    let pattern = Pattern::new(source, Engine::Python, Anchoring::Prefix, python).map_err(|error| error.to_string());
    let regex = Regex { pattern, source: source.to_owned(), flags: flags.to_owned(), stateful: false };
    Value::new(Kind::Regex(Arc::new(regex)), span)
}

/// Python's `urllib.parse` names of a URL's parts.
pub fn python_url_part(name: &str) -> Option<UrlPart> {
    Some(match name {
        "hostname" => UrlPart::Hostname,
        "netloc" => UrlPart::Netloc,
        "scheme" => UrlPart::Scheme,
        "port" => UrlPart::Port,
        _ => return None,
    })
}

/// Python 3.7 and later, `re.escape`: only characters that mean something are escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for letter in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\x0b\x0c".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// `str.title`: every run of letters begins with a capital and goes on in small letters.
fn titled(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .flat_map(|letter| {
            let shown: Vec<char> =
                if inside { letter.to_lowercase().collect() } else { letter.to_uppercase().collect() };
            inside = letter.is_alphabetic();
            shown
        })
        .collect()
}

/// `str.capitalize`.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters.as_str().to_lowercase().chars()).collect())
}
