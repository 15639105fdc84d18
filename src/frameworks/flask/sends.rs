//! What flask-cors puts on an answer (`core.py`, `set_cors_headers`).

use std::sync::Arc;

use super::options::{ALL_METHODS, Entry, Options, entries, flexible};
use super::{errors, request, response};
use crate::cors::{Anchoring, Engine, Flags, Pattern, StringTest, headers};
use crate::eval::{Evaluator, Kind, ObjectId, Value};
use crate::model::{Guard, Members, Reason, Text};
use crate::source::Span;

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
    // An empty value is left out; the other headers are there all the same.
    let list_sent = list_unasked.clone().and(crate::eval::text_is_set(&first));
    // A person would change the entry itself.
    let only = entries.iter().filter_map(|(_, entry)| match entry {
        Entry::Literal(text, place) => Some((text, *place)),
        _ => None,
    });
    let place = only.min_by_key(|(text, _)| *text).map_or(origins.span, |(_, place)| place);
    let listed = because_of(&Value { span: place, ..origins.clone() }, first, span);
    let star_sent = star_asked.or(star_unasked);
    for (when, value) in [(&star_sent, star), (&echo, echoed), (&list_sent, listed)] {
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
    let several = several(&entries, open.as_ref());
    let varies = Guard::all([options.is_on("vary_header", true), several, echo.or(list_unasked)]);
    if varies != Guard::Never {
        let value = Value::str("Origin", span);
        eval.under(varies, |eval| response::write(eval, id, "add", "Vary", value, span));
    }
}

/// When the library takes the origins for several: more than one entry, or a pattern.
fn several(entries: &[(Guard, Entry)], open: Option<&Reason>) -> Guard {
    let mut any = Guard::Never;
    let mut parts = Vec::new();
    for (when, entry) in entries {
        parts.push(any.clone().and(when.clone()));
        match entry {
            entry if entry.is_pattern() => parts.push(when.clone()),
            // It may stand for many.
            Entry::Unknown(reason) => parts.push(when.clone().and(Guard::Unknown(reason.clone()))),
            _ => {}
        }
        any = any.or(when.clone());
    }
    Guard::any(parts.into_iter().chain(open.cloned().map(Guard::Unknown)))
}

/// What is sent to a request without Origin: the first of the literal entries, in the order of the alphabet.
fn listed(entries: &[(Guard, Entry)], open: Option<&Reason>, span: Span) -> (Text, Guard) {
    let literals = entries.iter().filter_map(|(when, entry)| match entry {
        Entry::Literal(text, _) => Some((text, when)),
        _ => None,
    });
    let mut literals: Vec<(&String, &Guard)> = literals.collect();
    literals.sort_by(|a, b| a.0.cmp(b.0));
    let (mut text, mut listed) = (Text::literal(""), Guard::Never);
    for (literal, when) in literals.into_iter().rev() {
        text = Text::choose(when.clone(), Text::literal(literal.as_str()), text);
        listed = listed.or(when.clone());
    }
    let unsure = entries.iter().filter_map(|(when, entry)| match entry {
        Entry::Varies(..) => Some((when.clone(), Reason::new("an allowed origin comes from the environment", span))),
        Entry::Unknown(reason) => Some((when.clone(), reason.clone())),
        _ => None,
    });
    for (when, reason) in unsure.chain(open.cloned().map(|reason| (Guard::Always, reason))) {
        listed = Guard::any([Guard::not(when.clone()).and(listed), when.clone().and(Guard::Unknown(reason.clone()))]);
        text = Text::choose(when, Text::Unknown(reason), text);
    }
    (text, listed)
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
                    // A span of time is made a text of whole seconds, which is sent if it is `0`. The rest is written
                    // only where it is set.
                    let (set, text) = match &age.kind {
                        Kind::Number(seconds) if eval.is_time_span(&age) => {
                            (Guard::Always, Text::literal(format!("{}", seconds.trunc())))
                        }
                        Kind::Text(text) => (age.truthy(), (**text).clone()),
                        _ => (age.truthy(), age.to_text("None")),
                    };
                    let value = because_of(&age, text, span);
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
