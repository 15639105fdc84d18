//! JavaScript's own functions and methods.

use std::sync::Arc;

use super::Evaluator;
use super::operators::{string_test, unknown_test};
use super::value::{Arguments, Kind, Native, Regex, Tag, Value};
use crate::cors::{Pattern, StringTest};
use crate::model::{Check, Guard, Text, UrlPart};
use crate::source::Span;

impl Evaluator<'_> {
    pub(super) fn call_javascript(&mut self, name: &str, arguments: &Arguments, span: Span) -> Option<Value> {
        let first = arguments.get(0);
        Some(match name {
            "require" | "import" => {
                let module = first?.as_str()?.to_owned();
                self.require(&module, span)
            }
            "String" => Value::text(first?.to_text("undefined"), first?.span),
            "Boolean" => match first {
                Some(value) => Value::test(value.truthy(), span),
                None => Value::new(Kind::Bool(false), span),
            },
            // Another base than ten is not followed.
            "parseInt"
                if arguments.get(1).is_some_and(|base| !matches!(base.kind, Kind::Number(base) if base == 10.0)) =>
            {
                return None;
            }
            "Number" | "parseInt" | "parseFloat" => number(name, first?, span, 0)?,
            "RegExp" => self.new_regex(arguments, span),
            "Error" | "TypeError" => {
                let id = self.new_object(Tag::Plain, span);
                if let Some(message) = first {
                    self.set_field(id, "message", message.clone(), span);
                }
                Value::new(Kind::Object(id), span)
            }
            "Array" => self.new_array(arguments.positional.clone(), span),
            "util.promisify" => {
                let promisified = Native { name: "util.promisified", bound: Arc::new([first?.clone()]), of: None };
                Value::new(Kind::Native(promisified), span)
            }
            "url.parse" => url(arguments, span),
            "Symbol" => Value::unknown("a symbol", span),
            _ => return None,
        })
    }

    /// A regular expression of JavaScript. One that a handler makes anew for each request remembers nothing.
    pub(super) fn regex(&mut self, source: &str, flags: &str, span: Span) -> Value {
        let key = (source.to_owned(), flags.to_owned());
        let read = || Pattern::javascript(source, flags).map_err(|error| error.to_string());
        let pattern = self.patterns.entry(key).or_insert_with(read).clone();
        let stateful = !self.is_collecting() && flags.contains(['g', 'y']);
        let regex = Regex { pattern, source: source.to_owned(), flags: flags.to_owned(), stateful };
        Value::new(Kind::Regex(Arc::new(regex)), span)
    }

    pub(super) fn new_regex(&mut self, arguments: &Arguments, span: Span) -> Value {
        let flags = match arguments.get(1).map(|flags| &flags.kind) {
            None | Some(Kind::Undefined) => String::new(),
            Some(Kind::Str(flags)) => flags.to_string(),
            Some(_) => return Value::unknown("the flags of this pattern", span),
        };
        match arguments.get(0).map(|source| (&source.kind, source.span)) {
            Some((Kind::Str(source), at)) => {
                let at = if at.file == span.file { span } else { at };
                self.regex(source, &flags, at)
            }
            Some((Kind::Regex(other), at)) => {
                let flags = if arguments.get(1).is_some() { flags } else { other.flags.clone() };
                self.regex(&other.source, &flags, at)
            }
            Some((Kind::Choose(choice), _)) => {
                let (guard, then, otherwise) = &**choice;
                let mut with = |value: &Value| {
                    let mut arguments = arguments.clone();
                    arguments.positional[0] = value.clone();
                    self.new_regex(&arguments, span)
                };
                let (yes, no) = (with(then), with(otherwise));
                Value::choose(guard.clone(), yes, no)
            }
            _ => Value::unknown("the text of this pattern", span),
        }
    }

    pub(super) fn javascript_method(
        &mut self,
        receiver: &Value,
        name: &str,
        arguments: &Arguments,
        span: Span,
    ) -> Option<Value> {
        match &receiver.kind {
            Kind::Str(_) | Kind::Text(_) => self.string_method(receiver, name, arguments, span),
            Kind::Object(id) if self.object(*id).tag == Tag::Rejected => {
                self.rejected_method(receiver, name, arguments, span)
            }
            Kind::Object(id) if matches!(self.object(*id).tag, Tag::Array | Tag::Set) => {
                self.array_method(receiver, name, arguments, span)
            }
            Kind::Object(id) if self.object(*id).tag == Tag::Plain => {
                // Maps are objects here.
                match name {
                    "get" => Some(self.get_item(receiver, arguments.get(0)?, span)),
                    "hasOwnProperty" => Some(Value::test(self.contained(arguments.get(0)?, receiver, span), span)),
                    "has" => {
                        let value = self.get_item(receiver, arguments.get(0)?, span);
                        Some(Value::test(value.present(), span))
                    }
                    "set" => {
                        let (key, value) = (arguments.get(0)?.clone(), arguments.get(1)?.clone());
                        let at = key.span;
                        self.set_item(receiver, &key, value, at);
                        Some(receiver.clone())
                    }
                    _ => None,
                }
            }
            Kind::Regex(regex) => self.regex_method(&regex.clone(), receiver.span, name, arguments, span),
            Kind::Native(native) => self.static_method(native.name, name, arguments, span),
            Kind::Number(_) | Kind::Bool(_) | Kind::Test(_) if matches!(name, "toString" | "toFixed") => {
                Some(Value::text(receiver.to_text("undefined"), span))
            }
            Kind::Unknown(reason) if matches!(name, "includes" | "has" | "startsWith" | "endsWith" | "test") => {
                Some(Value::test(Guard::Unknown(reason.part(&self.step(&format!(".{name}"), arguments))), span))
            }
            _ => None,
        }
    }

    fn string_method(&mut self, receiver: &Value, name: &str, arguments: &Arguments, span: Span) -> Option<Value> {
        let first = arguments.get(0);
        if let Kind::Str(text) = &receiver.kind {
            let at = receiver.span;
            let done = match name {
                "trim" => Some(text.trim().to_owned()),
                "toLowerCase" | "toLocaleLowerCase" => Some(text.to_lowercase()),
                "toUpperCase" | "toLocaleUpperCase" => Some(text.to_uppercase()),
                "trimEnd" => Some(text.trim_end().to_owned()),
                "trimStart" => Some(text.trim_start().to_owned()),
                "replace" | "replaceAll" => replaced(text, name, first?, arguments.get(1)?),
                "slice" | "substring" => sliced(text, first, arguments.get(1)),
                _ => None,
            };
            if let Some(done) = done {
                return Some(Value { kind: Kind::Str(done.into()), span: at, via: receiver.via.clone() });
            }
        }
        if let Kind::Text(text) = &receiver.kind
            && let Some(part) = self.part_of_text(&text.clone(), name, arguments, span)
        {
            return Some(part);
        }
        Some(match name {
            "split" => match first {
                Some(separator) => self.split(receiver, separator, span),
                None => self.new_array(vec![receiver.clone()], span),
            },
            "toString" | "valueOf" | "trim" | "normalize" => receiver.clone(),
            "toLowerCase" | "toLocaleLowerCase" => match &receiver.kind {
                Kind::Text(text) => Value::text(Text::LowerCase(text.clone()), span),
                _ => return None,
            },
            "concat" => {
                let mut parts = vec![receiver.to_text("undefined")];
                parts.extend(arguments.positional.iter().map(|part| part.to_text("undefined")));
                Value::text(Text::concat(parts), span)
            }
            "includes" => Value::test(string_test(receiver, first?, StringTest::Contains)?, span),
            "startsWith" => Value::test(string_test(receiver, first?, StringTest::StartsWith)?, span),
            "endsWith" => Value::test(string_test(receiver, first?, StringTest::EndsWith)?, span),
            "indexOf" | "search" if !matches!(first?.kind, Kind::Regex(_)) => {
                let found = string_test(receiver, first?, StringTest::Contains)?;
                let starts = string_test(receiver, first?, StringTest::StartsWith)?;
                Value::new(Kind::Index(Arc::new((found, starts))), span)
            }
            "lastIndexOf" => {
                let found = string_test(receiver, first?, StringTest::Contains)?;
                Value::new(Kind::Index(Arc::new((found, unknown_test(span)))), span)
            }
            "search" => match &first?.kind {
                Kind::Regex(regex) => {
                    let found = self.tested(&regex.clone(), first?.span, receiver, span);
                    Value::new(Kind::Index(Arc::new((found, unknown_test(span)))), span)
                }
                _ => return None,
            },
            "match" => match &first?.kind {
                Kind::Regex(regex) => {
                    let guard = self.tested(&regex.clone(), first?.span, receiver, span);
                    let found = self.found(&regex.clone(), receiver, span);
                    Value::choose(guard, found, Value::new(Kind::Null, span))
                }
                _ => return None,
            },
            _ => match &receiver.kind {
                Kind::Text(_) => Value::unknown(format!("`.{name}()` of a text that varies"), span),
                _ => return None,
            },
        })
    }

    fn regex_method(
        &mut self,
        regex: &Arc<Regex>,
        at: Span,
        name: &str,
        arguments: &Arguments,
        span: Span,
    ) -> Option<Value> {
        let subject = arguments.get(0)?;
        match name {
            "test" => Some(Value::test(self.tested(regex, at, subject, span), span)),
            "exec" => {
                let guard = self.tested(regex, at, subject, span);
                let found = self.found(regex, subject, span);
                Some(Value::choose(guard, found, Value::new(Kind::Null, span)))
            }
            _ => None,
        }
    }

    /// What a pattern found in a value, where it found something.
    fn found(&mut self, regex: &Regex, subject: &Value, span: Span) -> Value {
        let mut texts = subject.branches().into_iter().filter_map(|(_, value)| match value.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        });
        // The other branch is nothing, in which nothing is found that matters.
        let text = texts.next().filter(|_| texts.next().is_none());
        let groups = text.and_then(|text| self.groups_of(&text, regex, span));
        groups.unwrap_or_else(|| self.open_array("what the pattern found", span))
    }

    /// When a pattern finds something in a value. What is absent is searched as the word `undefined`.
    pub fn tested(&mut self, regex: &Regex, at: Span, subject: &Value, span: Span) -> Guard {
        let pattern = match &regex.pattern {
            Ok(pattern) => pattern.clone(),
            Err(why) => {
                return Guard::Unknown(crate::model::Reason::new(format!("the pattern cannot be decided: {why}"), at));
            }
        };
        let mut parts = Vec::new();
        for (when, value) in subject.branches() {
            let guard = match &value.kind {
                Kind::Unknown(reason) => Guard::Unknown(reason.part(".match(…)")),
                Kind::Text(text) => {
                    let matches = StringTest::Matches(pattern.clone());
                    let there = if regex.stateful {
                        Guard::Test(Arc::new(Check {
                            subject: (**text).clone(),
                            test: matches.clone(),
                            span: at,
                            stateful: true,
                        }))
                    } else {
                        Guard::test((**text).clone(), matches.clone(), at)
                    };
                    let absent = matches.matches("undefined").map_or_else(|| unknown_test(span), Guard::from);
                    let set = super::text_is_set(text);
                    Guard::any([there, Guard::not(set).and(absent)])
                }
                _ => match StringTest::Matches(pattern.clone())
                    .matches(value.to_text("undefined").as_literal().unwrap_or_default())
                {
                    Some(passes) if value.to_text("undefined").as_literal().is_some() => Guard::from(passes),
                    _ => unknown_test(span),
                },
            };
            parts.push(when.and(guard));
        }
        Guard::any(parts)
    }

    fn array_method(&mut self, receiver: &Value, name: &str, arguments: &Arguments, span: Span) -> Option<Value> {
        let id = receiver.as_object()?;
        let first = arguments.get(0);
        Some(match name {
            "includes" | "has" => Value::test(self.contained(first?, receiver, span), span),
            "indexOf" | "findIndex" | "lastIndexOf" => {
                let found = if name == "findIndex" {
                    self.quantified(receiver, first, false, span).truthy()
                } else {
                    self.contained(first?, receiver, span)
                };
                let first_item = self.object(id).items.first().cloned();
                let starts = match first_item {
                    Some(item) if name != "findIndex" => self.equal(first?, &item, span),
                    _ => unknown_test(span),
                };
                Value::new(Kind::Index(Arc::new((found, starts))), span)
            }
            "some" => self.quantified(receiver, first, false, span),
            "every" => self.quantified(receiver, first, true, span),
            "find" => {
                let (items, open) = self.each(receiver, span);
                let mut value = match open {
                    Some(reason) => Value::new(Kind::Unknown(reason), span),
                    None => Value::undefined(span),
                };
                for item in items.into_iter().rev() {
                    let passes = self.call(first?, &Arguments::of(vec![item.clone()]), span).truthy();
                    value = Value::choose(passes, item, value);
                }
                value
            }
            "map" | "flatMap" => {
                let mapped = self.map_items(receiver, first?, span);
                if name == "map" { mapped } else { self.flat(&mapped, span) }
            }
            "flat" => self.flat(receiver, span),
            "filter" => self.filter_items(receiver, first, span),
            "forEach" => {
                self.map_items(receiver, first?, span);
                Value::undefined(span)
            }
            "concat" => {
                let (mut items, mut open) = self.each(receiver, span);
                for argument in &arguments.positional {
                    if matches!(argument.kind, Kind::Object(_) | Kind::Choose(_) | Kind::Unknown(_))
                        && self.items(argument).is_some()
                        || argument.reason().is_some()
                        || matches!(argument.kind, Kind::Choose(_))
                    {
                        let (more, rest) = self.each(argument, span);
                        items.extend(more);
                        open = open.or(rest);
                    } else {
                        items.push(argument.clone());
                    }
                }
                self.list(items, open, span)
            }
            "join" | "toString" => {
                let separator = match first.map(|separator| &separator.kind) {
                    None | Some(Kind::Undefined) => ",".to_owned(),
                    Some(Kind::Str(separator)) => separator.to_string(),
                    Some(_) => return Some(Value::unknown("the separator", span)),
                };
                if let Some(reason) = self.object(id).open.clone() {
                    return Some(Value::new(Kind::Unknown(reason), span));
                }
                let items = self.object(id).items.clone();
                let joined = self.join(&items, &separator, span);
                Value { span: receiver.span, ..joined }
            }
            "push" | "unshift" | "add" => {
                for item in &arguments.positional {
                    self.push_item(id, item.clone());
                }
                if let Some(reason) = arguments.open.clone() {
                    self.leave_open(id, reason);
                }
                receiver.clone()
            }
            "pop" | "shift" | "splice" => self.taken_out(id, name, arguments, span),
            "reduce" => {
                let (items, open) = self.each(receiver, span);
                if let Some(reason) = open {
                    return Some(Value::new(Kind::Unknown(reason), span));
                }
                let mut items = items.into_iter();
                let mut sum = match arguments.get(1) {
                    Some(initial) => initial.clone(),
                    None => items.next()?,
                };
                for (at, item) in items.enumerate() {
                    let at = Value::new(Kind::Number(at as f64), span);
                    sum = self.call(first?, &Arguments::of(vec![sum, item, at]), span);
                }
                sum
            }
            "slice" | "reverse" | "sort" | "values" | "toSorted" | "toReversed" => {
                if name == "slice" && first.is_some_and(|from| !matches!(from.kind, Kind::Number(0.0))) {
                    return Some(self.open_array("a part of a list", span));
                }
                let (items, open) = self.each(receiver, span);
                self.list(items, open, span)
            }
            "at" => self.get_item(receiver, first?, span),
            _ => return None,
        })
    }

    /// `pop()`, `shift()`, `splice(from, count, …)` in place. What is not certain leaves the list open.
    fn taken_out(&mut self, id: super::ObjectId, name: &str, arguments: &Arguments, span: Span) -> Value {
        let object = self.object(id);
        let certain = object.open.is_none()
            && self.path.len() <= object.depth
            && !object.items.iter().any(|item| matches!(item.kind, Kind::Choose(_) | Kind::Unknown(_)));
        let length = object.items.len();
        let number = |at: usize| match arguments.get(at).map(|value| &value.kind) {
            Some(Kind::Number(number)) => Some(*number),
            _ => None,
        };
        let range = match (name, number(0), number(1)) {
            _ if !certain => None,
            ("pop", ..) => Some(length.saturating_sub(1)..length),
            ("shift", ..) => Some(0..length.min(1)),
            (_, Some(from), count) if count.is_some() || arguments.positional.len() == 1 => {
                let from = if from < 0.0 { (length as f64 + from).max(0.0) } else { from.min(length as f64) } as usize;
                let count = count.map_or(length, |count| count.max(0.0) as usize);
                Some(from..from.saturating_add(count).min(length))
            }
            _ => None,
        };
        let Some(range) = range else {
            self.object_mut(id).items.clear();
            self.leave_open(id, Self::unknown_reason("what is taken out of this list is not followed", span));
            return Value::unknown("what is taken out of a list", span);
        };
        let put_in: Vec<Value> = arguments.positional.iter().skip(2).cloned().collect();
        let put_in = if name == "splice" { put_in } else { Vec::new() };
        let out: Vec<Value> = self.object_mut(id).items.splice(range, put_in).collect();
        match name {
            "splice" => self.new_array(out, span),
            _ => out.into_iter().next().unwrap_or_else(|| Value::undefined(span)),
        }
    }

    fn flat(&mut self, list: &Value, span: Span) -> Value {
        let (items, mut open) = self.each(list, span);
        let mut flat = Vec::new();
        for item in items {
            if self.items(&item).is_some() {
                let (inner, more) = self.each(&item, span);
                flat.extend(inner);
                open = open.or(more);
            } else {
                flat.push(item);
            }
        }
        self.list(flat, open, span)
    }

    fn static_method(&mut self, of: &'static str, name: &str, arguments: &Arguments, span: Span) -> Option<Value> {
        let first = arguments.get(0);
        Some(match (of, name) {
            ("Object", "assign") => {
                let target = first?.clone();
                if let Some(id) = target.as_object() {
                    for source in arguments.positional.iter().skip(1) {
                        self.spread_fields(id, source);
                    }
                }
                target
            }
            ("Object", "hasOwn") => Value::test(self.contained(arguments.get(1)?, first?, span), span),
            ("Object", "fromEntries") => {
                let id = self.new_object(Tag::Plain, span);
                let of = Value::new(Kind::Object(id), span);
                let (entries, open) = self.each(first?, span);
                for entry in entries {
                    let (pair, _) = self.each(&entry, span);
                    let [key, value, ..] = pair.as_slice() else { return None };
                    self.set_item(&of, key, value.clone(), key.span);
                }
                if let Some(reason) = open {
                    self.leave_open(id, reason);
                }
                of
            }
            ("Object", "create") => match &first?.kind {
                Kind::Null => Value::new(Kind::Object(self.new_object(Tag::Plain, span)), span),
                // What is inherited is seen by some and not by others.
                _ => Value::unknown("an object with a prototype of the program", span),
            },
            ("process", "nextTick") if self.collecting => {
                let rest = arguments.positional.iter().skip(1).cloned().collect();
                self.call(first?, &Arguments::of(rest), span);
                Value::undefined(span)
            }
            ("Object", "freeze" | "seal") | ("Promise", "resolve") => {
                first.cloned().unwrap_or_else(|| Value::undefined(span))
            }
            ("Promise", "reject") => {
                let id = self.new_object(Tag::Rejected, span);
                let reason = first.cloned().unwrap_or_else(|| Value::undefined(span));
                self.object_mut(id).items.push(reason);
                Value::new(Kind::Object(id), span)
            }
            ("Object", "keys") => {
                let (keys, open) = self.keys(first?, span);
                self.list(keys, open, span)
            }
            ("Object", "values") => match first?.as_object() {
                Some(id) => {
                    let object = self.object(id);
                    let values = object.fields.iter().map(|field| field.value.clone()).collect();
                    let open = object.open.clone();
                    self.list(values, open, span)
                }
                None => self.open_array("the values of this object", span),
            },
            ("Object", "entries") => match first?.as_object() {
                Some(id) => {
                    let object = self.object(id);
                    let (fields, open) = (object.fields.clone(), object.open.clone());
                    let mut entries = Vec::new();
                    for field in fields {
                        let key = Value::str(field.name, field.span);
                        entries.push(self.new_array(vec![key, field.value], span));
                    }
                    self.list(entries, open, span)
                }
                None => self.open_array("the entries of this object", span),
            },
            ("Array", "isArray") => {
                let parts = first?.branches().into_iter().map(|(when, value)| match &value.kind {
                    Kind::Unknown(reason) => when.and(Guard::Unknown(crate::model::Reason {
                        text: format!("if it is a list: {}", reason.text).into(),
                        span: reason.span,
                    })),
                    _ => when.and(Guard::from(self.items(&value).is_some())),
                });
                Value::test(Guard::any(parts.collect::<Vec<_>>()), span)
            }
            ("Array", "from") => {
                let (items, open) = self.each(first?, span);
                let list = self.list(items, open, span);
                match arguments.get(1) {
                    Some(function) => self.map_items(&list, function, span),
                    None => list,
                }
            }
            ("Array", "of") => self.new_array(arguments.positional.clone(), span),
            ("String", "raw") => Value::unknown("a raw template", span),
            ("console", _) => Value::undefined(span),
            ("process", "on" | "once") => Value::undefined(span),
            ("process", "exit") if !self.collecting => {
                self.fails_here(Guard::Always, "exits".to_owned(), span);
                Value::undefined(span)
            }
            ("JSON", "parse") => match first?.as_str() {
                Some(text) => match serde_json::from_str::<serde_json::Value>(text) {
                    Ok(data) => self.from_json(&data, first?.span),
                    Err(_) => Value::unknown("this JSON cannot be read", span),
                },
                None => Value::unknown("JSON that is read while running", span),
            },
            ("Object" | "Array" | "JSON" | "Promise" | "Math" | "Date" | "Reflect" | "process", _) => {
                return None;
            }
            _ => return None,
        })
    }

    /// A value of JSON, each part at one place.
    pub fn from_json(&mut self, data: &serde_json::Value, span: Span) -> Value {
        match data {
            serde_json::Value::Null => Value::new(Kind::Null, span),
            serde_json::Value::Bool(holds) => Value::new(Kind::Bool(*holds), span),
            serde_json::Value::Number(number) => Value::new(Kind::Number(number.as_f64().unwrap_or(f64::NAN)), span),
            serde_json::Value::String(text) => Value::str(text.as_str(), span),
            serde_json::Value::Array(items) => {
                let items = items.iter().map(|item| self.from_json(item, span)).collect();
                self.new_array(items, span)
            }
            serde_json::Value::Object(fields) => {
                let id = self.new_object(Tag::Plain, span);
                for (name, value) in fields {
                    let value = self.from_json(value, span);
                    self.set_field(id, name, value, span);
                }
                Value::new(Kind::Object(id), span)
            }
        }
    }
}

impl Evaluator<'_> {
    /// `new URL(text, base)`: with a base, nothing of a request is no URL.
    pub(super) fn new_url(&mut self, arguments: &Arguments, span: Span) -> Value {
        if let (Some(first), None) = (arguments.get(0), arguments.get(1)) {
            for (when, value) in first.branches() {
                if let Kind::Text(text) = &value.kind {
                    self.under(when, |eval| eval.reads_url(text, span));
                }
            }
        }
        url(arguments, span)
    }
}

/// `new URL(text)`: an object is made when its parts are asked for.
pub(super) fn url(arguments: &Arguments, span: Span) -> Value {
    let Some(first) = arguments.get(0) else { return Value::undefined(span) };
    let text = first.to_text("undefined");
    match text {
        Text::Unknown(reason) => Value::new(Kind::Unknown(reason), span),
        // What the text says of itself until a part is asked for.
        text => Value::new(Kind::Text(Arc::new(text)), span),
    }
}

/// A property of a text: parts of a URL.
pub(super) fn text_property(text: &Arc<Text>, name: &str, span: Span) -> Option<Value> {
    if name == "length" {
        // Like a place at which something is found: 0, or not.
        let empty = Guard::not(super::text_is_set(text));
        return Some(Value::new(Kind::Index(Arc::new((Guard::Always, empty))), span));
    }
    let part = match name {
        "hostname" => UrlPart::Hostname,
        "host" => UrlPart::Host,
        "protocol" => UrlPart::Protocol,
        "port" => UrlPart::Port,
        "origin" => UrlPart::Origin,
        "pathname" => UrlPart::Pathname,
        "search" => UrlPart::Search,
        "href" => return Some(Value::text((**text).clone(), span)),
        _ => return None,
    };
    Some(url_part(text, part, span))
}

/// A part of a text that is read as a URL.
pub(super) fn url_part(text: &Arc<Text>, part: UrlPart, span: Span) -> Value {
    // `url_for(Choose(…))`: the guard that says whether it is there stays outside.
    match &**text {
        Text::Choose(guard, then, otherwise) => {
            let yes = Value::text(Text::Url(then.clone(), part), span);
            let no = Value::text(Text::Url(otherwise.clone(), part), span);
            Value::choose((**guard).clone(), yes, no)
        }
        _ => Value::text(Text::Url(text.clone(), part), span),
    }
}

/// Splits at a separator written as a pattern of blanks and one punctuation mark: `/\s*,\s*/`, `/,/`, `/\s+/`.
pub(super) fn split_by_regex(text: &str, source: &str) -> Option<Vec<String>> {
    let pattern = regex_automata::meta::Regex::new(source).ok()?;
    let mut parts = Vec::new();
    let mut from = 0;
    for found in pattern.find_iter(text) {
        if !found.is_empty() {
            parts.push(text[from..found.start()].to_owned());
            from = found.end();
        }
    }
    parts.push(text[from..].to_owned());
    Some(parts)
}

fn replaced(text: &str, name: &str, what: &Value, by: &Value) -> Option<String> {
    let by = by.as_str()?;
    match &what.kind {
        Kind::Str(what) if name == "replaceAll" => Some(text.replace(&**what, by)),
        Kind::Str(what) => Some(text.replacen(&**what, by, 1)),
        Kind::Regex(regex) if !by.contains('$') => {
            let pattern = regex_automata::meta::Regex::new(&regex.source).ok()?;
            let mut result = String::new();
            let mut from = 0;
            for found in pattern.find_iter(text) {
                result.push_str(&text[from..found.start()]);
                result.push_str(by);
                from = found.end();
                if !regex.flags.contains('g') {
                    break;
                }
            }
            result.push_str(&text[from..]);
            Some(result)
        }
        _ => None,
    }
}

fn sliced(text: &str, from: Option<&Value>, to: Option<&Value>) -> Option<String> {
    let letters: Vec<char> = text.chars().collect();
    let place = |value: Option<&Value>, default: usize| match value.map(|value| &value.kind) {
        None | Some(Kind::Undefined) => Some(default),
        Some(Kind::Number(number)) if *number >= 0.0 => Some((*number as usize).min(letters.len())),
        Some(Kind::Number(number)) => Some(letters.len().saturating_sub(-number as usize)),
        Some(_) => None,
    };
    let (from, to) = (place(from, 0)?, place(to, letters.len())?);
    Some(letters.get(from..to.max(from))?.iter().collect())
}

/// What `Number`, `parseInt` and `parseFloat` make of a value, each branch for itself.
fn number(name: &str, value: &Value, span: Span, depth: usize) -> Option<Value> {
    let parsed = match &value.kind {
        Kind::Choose(choice) if depth < 8 => {
            let (guard, then, otherwise) = &**choice;
            let unknown = || Value::unknown(format!("`{name}()` is not followed"), span);
            let branch = |value: &Value| number(name, value, span, depth + 1).unwrap_or_else(unknown);
            let (then, otherwise) = (branch(then), branch(otherwise));
            return Some(Value::choose(guard.clone(), then, otherwise));
        }
        Kind::Number(number) if name == "parseInt" => number.trunc(),
        Kind::Number(number) => *number,
        Kind::Str(text) if name == "Number" => match text.trim() {
            "" => 0.0,
            // Other bases, and words for numbers, which are not those of Rust.
            text if text.contains(['x', 'X', 'o', 'O', 'b', 'B', 'n', 'N']) => return None,
            text => text.parse().unwrap_or(f64::NAN),
        },
        // The number at the beginning counts. Other bases and exponents are not followed.
        Kind::Str(text) => {
            let text = text.trim_start();
            if text.starts_with(|first: char| first.is_ascii_digit()) && text.contains(['x', 'X', 'e', 'E']) {
                return None;
            }
            let is_part = |(at, letter): &(usize, char)| {
                letter.is_ascii_digit() || *at == 0 && *letter == '-' || name == "parseFloat" && *letter == '.'
            };
            text.char_indices()
                .take_while(is_part)
                .map(|(_, letter)| letter)
                .collect::<String>()
                .parse()
                .unwrap_or(f64::NAN)
        }
        Kind::Undefined => f64::NAN,
        _ => return None,
    };
    Some(Value { kind: Kind::Number(parsed), span: value.span, via: value.via.clone() })
}
