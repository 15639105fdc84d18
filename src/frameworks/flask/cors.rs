//! flask-cors at work.

use std::sync::Arc;

use super::options::{ALL_METHODS, Entry, NAMES, Options, entries, entry, flexible, version};
use super::response;
use super::{APP, BLUEPRINT, EXTENSION, app, bound, config, errors, field, host_object, keywords, record, request};
use crate::cors::{Anchoring, Engine, Flags, Pattern, StringTest, headers};
use crate::eval::{Arguments, Evaluator, Kind, MethodCall, Native, ObjectId, Tag, Value};
use crate::model::{EffectKind, Guard, Members, Part, Reason, RemarkKind, Text};
use crate::source::Span;

/// What `cross_origin(…)` gives. Bound: the options.
const DECORATOR: &str = "flask_cors.decorator";
/// A view below `@cross_origin()`. Bound: the view, the options.
const WRAPPED: &str = "flask_cors.wrapped";
/// A view below `@cross_origin` without a call.
const UNCALLED: &str = "flask_cors.uncalled";
/// What Flask-RESTful's `crossdomain(…)` gives, and a view below it.
const CROSSDOMAIN: &str = "flask_restful.crossdomain.decorator";
const CROSSDOMAIN_WRAPPED: &str = "flask_restful.crossdomain.wrapped";

pub(super) fn call(eval: &mut Evaluator, of: &Native, arguments: &Arguments, span: Span) -> Option<Value> {
    match of.name {
        "flask_cors.CORS" => {
            let (id, extension) = host_object(eval, EXTENSION, span);
            let (options, value) = keywords(eval, arguments, span);
            eval.set_field(id, "options", value, span);
            let application = arguments.keyword("app").or_else(|| arguments.get(0)).cloned();
            if let Some(application) = application.filter(|value| !value.is_nullish()) {
                init(eval, &application, &[options], span);
            }
            Some(extension)
        }
        "flask_cors.cross_origin" => {
            let (_, options) = keywords(eval, arguments, span);
            Some(bound(DECORATOR, None, vec![options], span))
        }
        "flask_restful.crossdomain" => {
            let (options, value) = keywords(eval, arguments, span);
            let names = ["origin", "methods", "headers", "expose_headers", "max_age"];
            for (name, given) in names.iter().zip(&arguments.positional) {
                eval.set_field(options, name, given.clone(), span);
            }
            Some(bound(CROSSDOMAIN, None, vec![value], span))
        }
        DECORATOR | CROSSDOMAIN => {
            let target = arguments.get(0)?.clone();
            decorate(eval, of, &target, span)
        }
        WRAPPED => Some(wrapped(eval, of, arguments, span)),
        CROSSDOMAIN_WRAPPED => Some(crossdomain(eval, of, arguments, span)),
        UNCALLED => {
            errors::crash(eval, "the decorator is given the view's arguments", span);
            Some(Value::unknown("nothing is given back", span))
        }
        _ => None,
    }
}

pub(super) fn extension_method(eval: &mut Evaluator, id: ObjectId, call: &MethodCall) -> Option<Value> {
    if call.name != "init_app" {
        return None;
    }
    let application = call.arguments.keyword("app").or_else(|| call.arguments.get(0)).cloned()?;
    let (own, _) = keywords(eval, call.arguments, call.span);
    let first = field(eval, id, "options").and_then(|options| options.as_object());
    let dicts: Vec<ObjectId> = first.into_iter().chain([own]).collect();
    init(eval, &application, &dicts, call.span);
    Some(Value::new(Kind::Null, call.span))
}

/// `CORS(app, …)`: the options are settled now, with the configuration as it is now.
fn init(eval: &mut Evaluator, application: &Value, dicts: &[ObjectId], span: Span) {
    for (when, application) in application.branches() {
        let id = match &application.kind {
            Kind::Object(id) if matches!(eval.object(*id).tag, Tag::Host(APP | BLUEPRINT)) => *id,
            Kind::Native(native) => match app::current(eval, native) {
                Some(id) => id,
                None => continue,
            },
            // Connexion's and others' applications, and those that are parameters of functions nobody calls.
            Kind::Unknown(_) => app::incomplete(eval, span),
            _ => continue,
        };
        eval.under(when, |eval| {
            let settings = config::of(eval, id);
            let options = Options::merge(eval, settings, dicts, version(eval, span));
            let value = store(eval, &options, span);
            record(eval, id, "cors", vec![value], span);
            if let Some(settings) = settings {
                record(eval, settings, "cors", Vec::new(), span);
            }
            if eval.object(id).tag == Tag::Host(BLUEPRINT)
                && let Some(owner) = field(eval, id, app::REGISTERED).as_ref().and_then(|value| app::owner(eval, value))
            {
                // Flask 2.3 and later refuse to set up a blueprint that is registered (`Blueprint._check_setup_finished`).
                record(eval, owner, "startup", vec![Value::str("AssertionError", span)], span);
            }
        });
    }
}

/// Options as an object that can be noted.
fn store(eval: &mut Evaluator, options: &Options, span: Span) -> Value {
    let id = eval.new_object(Tag::Plain, span);
    for (name, value) in &options.given {
        eval.set_field(id, name, value.clone(), span);
    }
    for (name, at) in &options.strange {
        eval.set_field(id, name, Value::new(Kind::Null, *at), *at);
    }
    if let Some(reason) = &options.open {
        eval.leave_open(id, reason.clone());
    }
    Value::new(Kind::Object(id), span)
}

/// `@cross_origin()` and its kin.
pub(super) fn decorate(eval: &mut Evaluator, of: &Native, target: &Value, span: Span) -> Option<Value> {
    let wrapper = match of.name {
        DECORATOR => WRAPPED,
        CROSSDOMAIN => CROSSDOMAIN_WRAPPED,
        "flask_cors.cross_origin" => {
            let attributes = eval.new_object(Tag::Plain, span);
            return Some(bound(UNCALLED, Some(attributes), vec![target.clone()], span));
        }
        _ => return None,
    };
    if matches!(target.kind, Kind::Class(_)) {
        return Some(target.clone());
    }
    let options = of.bound.first()?.clone();
    let attributes = eval.new_object(Tag::Plain, span);
    if let Some(own) = eval.attributes_of(target) {
        if let Some(owner) = field(eval, own, app::REGISTERED).as_ref().and_then(|value| app::owner(eval, value)) {
            record(eval, owner, "late-decorator", vec![target.clone()], span);
        }
        let automatic = options.as_object().and_then(|id| field(eval, id, "automatic_options"));
        let automatic = automatic.map_or(Guard::Always, |value| value.truthy());
        eval.under(automatic, |eval| {
            let off = Value::new(Kind::Bool(false), span);
            eval.set_field(own, "provide_automatic_options", off, span);
            if of.name == DECORATOR {
                let required = eval.new_array(vec![Value::str("OPTIONS", span)], span);
                eval.set_field(own, "required_methods", required, span);
            }
        });
    }
    let value = bound(wrapper, Some(attributes), vec![target.clone(), options], span);
    eval.copy_attributes(target, &value);
    Some(value)
}

/// Whether a decorator sets attributes, which a bound method does not let it do.
pub(super) fn sets_attributes(value: &Value) -> bool {
    matches!(&value.kind, Kind::Native(native) if matches!(native.name, DECORATOR | CROSSDOMAIN))
}

/// A view below `@cross_origin()` is called.
fn wrapped(eval: &mut Evaluator, of: &Native, arguments: &Arguments, span: Span) -> Value {
    let (Some(view), Some(dict)) = (of.bound.first(), of.bound.get(1).and_then(Value::as_object)) else {
        return Value::unknown("a view", span);
    };
    let place = of.bound.get(1).map_or(span, |options| options.span);
    let settings = eval.notes.get(app::CURRENT).and_then(Value::as_object).and_then(|app| config::of(eval, app));
    let options = Options::merge(eval, settings, &[dict], version(eval, place));
    notice(eval, &options);
    if let Some(text) = refused(eval, &options) {
        errors::crash(eval, text, place);
    }
    let preflight = options.is_on("automatic_options", true).and(request::is_method("OPTIONS", place));
    let automatic = eval.under(preflight.clone(), |eval| response::new(eval, place).1);
    let own = eval.under(Guard::not(preflight.clone()), |eval| {
        let given = eval.call(view, arguments, span);
        response::convert(eval, &given, span)
    });
    let answer = Value::choose(preflight, automatic, own);
    for (when, answer) in answer.branches() {
        let Some(id) = answer.as_object() else { continue };
        // An answer that an inner decorator has dealt with is left alone.
        let fresh = field(eval, id, response::EVALUATED).map_or(Guard::Always, |done| Guard::not(done.truthy()));
        eval.under(when.and(fresh), |eval| {
            set_headers(eval, id, &options, place);
            eval.set_field(id, response::EVALUATED, Value::new(Kind::Bool(true), place), place);
        });
    }
    answer
}

/// Options that the library refuses where it reads them.
pub(super) fn refused(eval: &mut Evaluator, options: &Options) -> Option<&'static str> {
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

/// Remarks on options that the library does not know, and what follows.
pub(super) fn notice(eval: &mut Evaluator, options: &Options) {
    let has_origins = options.get("origins").is_some();
    for (name, span) in &options.strange {
        let meant = meant(name);
        let effect = match meant {
            Some("origins") if !has_origins => "no origins are configured, so every origin is allowed",
            Some("origins") => "the list is not read",
            Some("supports_credentials") => "Access-Control-Allow-Credentials is not sent",
            Some("methods") => "all methods are allowed",
            Some("allow_headers") => "every request header that is asked for is allowed",
            Some("expose_headers") => "no response header is exposed",
            Some("max_age") => "Access-Control-Max-Age is not sent",
            Some("resources") => "the policy holds for every path",
            _ => "it has no effect",
        };
        let kind =
            RemarkKind::UnknownOption { name: name.clone(), meant, library: "flask-cors", effect: effect.to_owned() };
        eval.emit(EffectKind::Notice(kind), *span);
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

/// `set_cors_headers`: what the library puts on an answer.
pub(super) fn set_headers(eval: &mut Evaluator, id: ObjectId, options: &Options, span: Span) {
    let origins = options.or("origins", Kind::Str("*".into()), span);
    for (when, origins) in origins.branches() {
        eval.under(when, |eval| with_origins(eval, id, options, &origins, span));
    }
}

/// A value that goes on the wire because of an option.
fn because_of(option: &Value, text: Text, span: Span) -> Value {
    let value = Value { via: option.via.clone(), ..Value::text(text, option.span) };
    if option.span == span { value } else { value.through(span, "flask-cors sends it") }
}

fn with_origins(eval: &mut Evaluator, id: ObjectId, options: &Options, origins: &Value, span: Span) {
    let count = eval.items(origins).map_or(1, |list| list.items.len());
    let (entries, open) = entries(eval, origins, true);
    let origin = Text::header(headers::ORIGIN);
    let asked = Guard::HasHeader(headers::ORIGIN.into());
    let credentials = options.is_on("supports_credentials", false);
    let everything = Guard::any(
        entries.iter().filter(|(_, entry)| matches!(entry, Entry::Everything(_))).map(|(when, _)| when.clone()),
    );
    let star_asked = Guard::all([asked.clone(), everything.clone(), options.is_on("send_wildcard", false)]);
    let unasked = Guard::not(asked.clone()).and(options.is_on("always_send", true));

    let mut matched = Guard::Never;
    for (when, entry) in &entries {
        let reached = Guard::all([asked.clone(), when.clone(), Guard::not(star_asked.clone())]);
        let crashes = match entry {
            Entry::Nothing if options.version < 6 => {
                let listed = unasked.clone().and(Guard::not(everything.clone()));
                reached.and(Guard::not(matched.clone())).or(when.clone().and(listed))
            }
            entry if entry.is_invalid() => reached.and(Guard::not(matched.clone())),
            _ => Guard::Never,
        };
        if crashes != Guard::Never {
            eval.under(crashes, |eval| errors::crash(eval, "flask-cors fails on this entry", origins.span));
        }
        if !entry.is_invalid() {
            matched = matched.or(when.clone().and(entry.passes(&origin, true)));
        }
    }
    matched = matched.or(open.clone().map_or(Guard::Never, Guard::Unknown));
    let echo = Guard::all([asked, matched, Guard::not(star_asked.clone())]);
    let star_unasked = Guard::all([unasked.clone(), everything.clone(), Guard::not(credentials.clone())]);
    let (first, listed) = listed(&entries, open.as_ref(), origins.span);
    let list_unasked = Guard::all([unasked, Guard::not(everything.clone()), listed]);

    let name = headers::canonical(headers::ALLOW_ORIGIN);
    let star = because_of(origins, Text::literal("*"), span);
    let echoed = because_of(origins, origin, span);
    let listed = because_of(origins, first, span);
    let star_sent = star_asked.or(star_unasked);
    for (when, value) in [(&star_sent, star), (&echo, echoed), (&list_unasked, listed)] {
        if *when != Guard::Never {
            eval.under(when.clone(), |eval| response::write(eval, id, "add", &name, value, span));
        }
    }
    let sent = Guard::any([star_sent, echo.clone(), list_unasked.clone()]);
    if sent == Guard::Never {
        return;
    }
    eval.under(sent, |eval| {
        expose(eval, id, options, span);
        if credentials != Guard::Never {
            let on = options.get("supports_credentials").cloned().unwrap_or_else(|| Value::new(Kind::Null, span));
            let value = because_of(&on, Text::literal("true"), span);
            let name = headers::canonical(headers::ALLOW_CREDENTIALS);
            eval.under(credentials, |eval| response::write(eval, id, "add", &name, value, span));
        }
        private_network(eval, id, options, span);
        eval.under(request::is_method("OPTIONS", span), |eval| preflight(eval, id, options, span));
    });
    let several = match &open {
        _ if count > 1 || entries.iter().any(|(_, entry)| entry.is_pattern()) => Guard::Always,
        Some(reason) => Guard::Unknown(reason.clone()),
        None => match entries.first() {
            Some((_, Entry::Unknown(reason))) => Guard::Unknown(reason.clone()),
            _ => Guard::Never,
        },
    };
    let varies = Guard::all([options.is_on("vary_header", true), several, echo.or(list_unasked)]);
    if varies != Guard::Never {
        let value = Value::str("Origin", span);
        eval.under(varies, |eval| response::write(eval, id, "add", "Vary", value, span));
    }
}

/// What is sent to a request without Origin: the first of the literal entries, in the order of the alphabet.
fn listed(entries: &[(Guard, Entry)], open: Option<&Reason>, span: Span) -> (Text, Guard) {
    let unsure = open.cloned().or_else(|| {
        entries.iter().find_map(|(when, entry)| match entry {
            Entry::Varies(..) => Some(Reason::new("an allowed origin comes from the environment", span)),
            Entry::Unknown(reason) => Some(reason.clone()),
            Entry::Literal(..) if *when != Guard::Always => Some(Reason::new("an entry depends on a condition", span)),
            _ => None,
        })
    });
    if let Some(reason) = unsure {
        return (Text::Unknown(reason.clone()), Guard::Unknown(reason));
    }
    let first = entries.iter().filter_map(|(_, entry)| match entry {
        Entry::Literal(text, _) => Some(text),
        _ => None,
    });
    match first.min() {
        Some(first) if !first.is_empty() => (Text::literal(first.as_str()), Guard::Always),
        // Empty values are left out; the other headers are there all the same.
        _ => (Text::literal(""), Guard::Never),
    }
}

fn expose(eval: &mut Evaluator, id: ObjectId, options: &Options, span: Span) {
    let Some(value) = options.get("expose_headers").cloned() else { return };
    let name = headers::canonical(headers::EXPOSE_HEADERS);
    for (when, value) in value.branches() {
        let text = match flexible(eval, &value) {
            Ok(Some(text)) if !text.is_empty() => Text::literal(text),
            Ok(_) => continue,
            Err(reason) => Text::Unknown(reason),
        };
        let value = because_of(&value, text, span);
        eval.under(when, |eval| response::write(eval, id, "add", &name, value, span));
    }
}

/// From 4.0 on; the default was to allow before 5.0.
fn private_network(eval: &mut Evaluator, id: ObjectId, options: &Options, span: Span) {
    if options.version < 4 {
        return;
    }
    let asked = Guard::test(Text::header(headers::REQUEST_PRIVATE_NETWORK), StringTest::Equals("true".into()), span);
    let allowed = options.is_on("allow_private_network", options.version < 5);
    let text = Text::choose(allowed, Text::literal("true"), Text::literal("false"));
    let option = options.get("allow_private_network").cloned().unwrap_or_else(|| Value::new(Kind::Null, span));
    let value = because_of(&option, text, span);
    let name = headers::canonical(headers::ALLOW_PRIVATE_NETWORK);
    eval.under(asked, |eval| response::write(eval, id, "add", &name, value, span));
}

/// What is sent to a preflight whose method is allowed.
fn preflight(eval: &mut Evaluator, id: ObjectId, options: &Options, span: Span) {
    let methods = options.or("methods", Kind::Str(ALL_METHODS.into()), span);
    for (when, methods) in methods.branches() {
        let asked = Text::header(headers::REQUEST_METHOD);
        let (text, allowed) = match flexible(eval, &methods) {
            Ok(None) => continue,
            Ok(Some(list)) => {
                let list = list.to_uppercase();
                let allowed = method_among(&list, asked, methods.span);
                (Text::literal(list), allowed)
            }
            Err(reason) => (Text::Unknown(reason.clone()), Guard::Unknown(reason)),
        };
        let allowed = Guard::HasHeader(headers::REQUEST_METHOD.into()).and(allowed);
        eval.under(when.and(allowed), |eval| {
            allow_headers(eval, id, options, span);
            if let Some(age) = options.get("max_age").cloned() {
                let name = headers::canonical(headers::MAX_AGE);
                for (when, age) in age.branches() {
                    let set = age.truthy();
                    let value = because_of(&age, age.to_text("None"), span);
                    eval.under(when.and(set), |eval| response::write(eval, id, "add", &name, value, span));
                }
            }
            let name = headers::canonical(headers::ALLOW_METHODS);
            let value = because_of(&methods, text, span);
            eval.under(Guard::Always, |eval| response::write(eval, id, "add", &name, value, span));
        });
    }
}

/// `asked.upper() in methods`, a test of substrings: whole names are all that browsers ask for.
fn method_among(list: &str, asked: Text, span: Span) -> Guard {
    let names: Vec<&str> =
        list.split(|letter: char| !headers::is_token(&letter.to_string())).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Guard::Never;
    }
    let escaped: Vec<String> = names.iter().map(|name| super::rules::escape(name)).collect();
    match Pattern::new(escaped.join("|"), Engine::Python, Anchoring::Full, Flags::IGNORE_CASE) {
        Ok(pattern) => Guard::test(asked, StringTest::Matches(pattern), span),
        Err(_) => Guard::Unknown(Reason::new("whether the method is allowed", span)),
    }
}

/// `get_allow_headers`: those of the headers asked for that pass, in the order of the alphabet.
fn allow_headers(eval: &mut Evaluator, id: ObjectId, options: &Options, span: Span) {
    let allowed = options.or("allow_headers", Kind::Str("*".into()), span);
    let name = headers::canonical(headers::ALLOW_HEADERS);
    let asked = Guard::HasHeader(headers::REQUEST_HEADERS.into());
    for (when, allowed) in allowed.branches() {
        let (entries, mut open) = entries(eval, &allowed, true);
        let mut tests = Vec::new();
        let mut all = false;
        for (there, entry) in &entries {
            if *there != Guard::Always {
                open = open.or_else(|| Some(Reason::new("an entry depends on a condition", allowed.span)));
                continue;
            }
            match entry {
                Entry::Everything(span) => {
                    all = true;
                    tests.push((StringTest::StartsWith(String::new()), *span));
                }
                Entry::Literal(text, span) => {
                    let text = super::rules::escape(text);
                    match Pattern::new(text, Engine::Python, Anchoring::Full, Flags::IGNORE_CASE) {
                        Ok(pattern) => tests.push((StringTest::Matches(pattern), *span)),
                        Err(_) => open = Some(Reason::new("a header that cannot be compared", *span)),
                    }
                }
                Entry::Pattern(Ok(pattern), _, span) => tests.push((StringTest::Matches(pattern.clone()), *span)),
                Entry::Nothing => {}
                Entry::Pattern(Err(_), _, span) | Entry::Varies(_, span) => {
                    open = Some(Reason::new("an allowed header that is not known", *span));
                }
                Entry::Unknown(reason) => open = Some(reason.clone()),
            }
        }
        if options.version < 6 && matches!(entries.as_slice(), [(_, Entry::Nothing)]) {
            // Older versions look for the signs of a pattern in it.
            let when = when.and(asked.clone());
            eval.under(when, |eval| errors::crash(eval, "flask-cors fails on this entry", allowed.span));
            continue;
        }
        if tests.is_empty() && open.is_none() {
            continue;
        }
        let members = Members { list: Text::header(headers::REQUEST_HEADERS), tests, open };
        let text = Text::Members(Arc::new(members));
        let some = match all {
            true => Guard::Always,
            false => Guard::not(Guard::test(text.clone(), StringTest::Equals(String::new()), allowed.span)),
        };
        let value = because_of(&allowed, text, span);
        let when = Guard::all([when, asked.clone(), some]);
        eval.under(when, |eval| response::write(eval, id, "add", &name, value, span));
    }
}

/// A path pattern with the options that hold for it.
pub(super) struct Resource {
    /// When a request's path matches.
    pub matches: Guard,
    /// Its options.
    pub options: Options,
}

/// The resources of a `CORS(…)`, in the order in which they are tried.
pub(super) fn resources(eval: &mut Evaluator, options: &Options, span: Span) -> Vec<Resource> {
    let value = options.or("resources", Kind::Str("/*".into()), span);
    let old = options.version < 6;
    let path = Text::Decoded(Arc::new(Text::Decoded(Arc::new(Text::Request(Part::Path)), false)), old);
    let mut found = Vec::new();
    for (when, value) in value.branches() {
        let mut pairs: Vec<(Guard, Entry, Option<ObjectId>, bool)> = Vec::new();
        let table = value.as_object().filter(|id| eval.object(*id).tag == Tag::Plain);
        match table {
            Some(id) => {
                let (fields, open) = (eval.object(id).fields.clone(), eval.object(id).open.clone());
                let mut entries: Vec<(Value, Value)> =
                    fields.into_iter().map(|pair| (Value::str(pair.name, pair.span), pair.value)).collect();
                // Keys that are compiled patterns.
                for pair in eval.object(id).items.clone() {
                    if let Some([key, value]) = eval.items(&pair).map(|pair| pair.items.as_slice()) {
                        entries.push((key.clone(), value.clone()));
                    }
                }
                for (key, value) in entries {
                    let is_compiled = matches!(key.kind, Kind::Regex(_));
                    for (when, own) in value.branches() {
                        if !matches!(own.kind, Kind::Undefined) {
                            pairs.push((when, entry(&key, old), own.as_object(), is_compiled));
                        }
                    }
                }
                pairs.sort_by_key(|(_, entry, _, is_compiled)| rank(entry, *is_compiled, old));
                if let Some(reason) = open {
                    pairs.push((Guard::Always, Entry::Unknown(reason), None, false));
                }
            }
            None => {
                let (entries, open) = entries(eval, &value, old);
                pairs.extend(entries.into_iter().map(|(when, entry)| (when, entry, None, false)));
                pairs.extend(open.map(|reason| (Guard::Always, Entry::Unknown(reason), None, false)));
            }
        }
        for (there, entry, dict, _) in pairs {
            let mut own = options.clone();
            if let Some(dict) = dict {
                own.strange.clear();
                own.add(eval, dict);
            } else {
                own.strange.clear();
            }
            let takes_all = matches!(&entry, Entry::Pattern(Ok(_), text, _) if matches!(text.as_str(), "/*" | "/.*"));
            let matches = if takes_all { Guard::Always } else { entry.passes(&path, old) };
            found.push(Resource { matches: Guard::all([when.clone(), there, matches]), options: own });
        }
    }
    found
}

/// The order of a table's patterns: the longest first; from 6.0 on literals first, then compiled patterns, then by their
/// depth.
fn rank(entry: &Entry, is_compiled: bool, old: bool) -> (u8, u8, i64, i64) {
    let (kind, text) = match entry {
        Entry::Literal(text, _) => ((0, 0), text.as_str()),
        Entry::Pattern(_, text, _) => ((1, u8::from(!is_compiled)), text.as_str()),
        Entry::Everything(_) => ((1, 1), ".*"),
        _ => ((2, 0), ""),
    };
    let length = -(text.chars().count() as i64);
    if old { (0, 0, length, 0) } else { (kind.0, kind.1, -(text.matches('/').count() as i64), length) }
}

/// Flask-RESTful's own `crossdomain` (0.3.10, `utils/cors.py`): a view below it is called.
fn crossdomain(eval: &mut Evaluator, of: &Native, arguments: &Arguments, span: Span) -> Value {
    let (Some(view), Some(dict)) = (of.bound.first(), of.bound.get(1).and_then(Value::as_object)) else {
        return Value::unknown("a view", span);
    };
    let get = |eval: &Evaluator, name: &str| field(eval, dict, name);
    let automatic = get(eval, "automatic_options").map_or(Guard::Always, |value| value.truthy());
    let preflight = automatic.and(request::is_method("OPTIONS", span));
    let default = eval.under(preflight.clone(), |eval| response::new(eval, span).1);
    let own = eval.under(Guard::not(preflight.clone()), |eval| {
        let given = eval.call(view, arguments, span);
        response::convert(eval, &given, span)
    });
    let answer = Value::choose(preflight, default, own);
    for (when, answer) in answer.branches() {
        let Some(id) = answer.as_object() else { continue };
        eval.under(when, |eval| {
            let set = |eval: &mut Evaluator, header: &str, value: Value| {
                response::write(eval, id, "set", &headers::canonical(header), value, span);
            };
            let joined = |eval: &mut Evaluator, value: Value| match eval.items(&value).map(|list| list.items.clone()) {
                Some(items) => eval.join(&items, ", ", span),
                None => value,
            };
            if let Some(origin) = get(eval, "origin") {
                let origin = joined(eval, origin);
                set(eval, headers::ALLOW_ORIGIN, origin);
            }
            let methods = match get(eval, "methods").filter(|value| !value.is_nullish()) {
                Some(methods) => joined(eval, methods),
                None => Value::unknown("the methods of the route, in an order that varies", span),
            };
            set(eval, headers::ALLOW_METHODS, methods);
            let age = get(eval, "max_age").unwrap_or_else(|| Value::str("21600", span));
            set(eval, headers::MAX_AGE, age);
            if let Some(credentials) = get(eval, "credentials") {
                let on = Value::str("true", credentials.span);
                eval.under(credentials.truthy(), |eval| set(eval, headers::ALLOW_CREDENTIALS, on));
            }
            for (name, header) in [("headers", headers::ALLOW_HEADERS), ("expose_headers", headers::EXPOSE_HEADERS)] {
                if let Some(list) = get(eval, name).filter(|value| !value.is_nullish()) {
                    let list = joined(eval, list);
                    set(eval, header, list);
                }
            }
        });
    }
    answer
}
