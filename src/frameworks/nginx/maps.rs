//! `map`: a variable that is chosen by the value of another (nginx 1.31, `ngx_http_map_module.c`).

use super::server::{Compiler, State};
use super::texts::{lower_case, passes};
use super::variables::Hop;
use crate::cors::StringTest;
use crate::model::{Capturing, Guard, Reason, Text};
use crate::source::Span;
use crate::syntax::nginx::{Directive, Word};

/// How many entries of a map are read.
const MOST_ENTRIES: usize = 1500;
/// How many different values a map may have. A table of redirects is no list of origins.
const MOST_VALUES: usize = 256;

/// The entries of a map, sorted as nginx looks them up.
#[derive(Default)]
struct Entries<'m> {
    exact: Vec<(String, &'m Directive)>,
    /// `.example.com`, `*.example.com`: whether the name alone counts, too.
    head: Vec<(String, bool, &'m Directive)>,
    /// `mail.*`
    tail: Vec<(String, &'m Directive)>,
    regex: Vec<(String, bool, &'m Directive)>,
    default: Option<&'m Directive>,
    unread: Option<Span>,
    hostnames: bool,
}

fn entries(map: &Directive) -> Entries<'_> {
    let mut entries = Entries::default();
    for entry in map.children() {
        let key = entry.name.text.as_str();
        if entry.args.is_empty() {
            entries.hostnames |= key == "hostnames";
            continue;
        }
        if entries.exact.len() + entries.regex.len() >= MOST_ENTRIES || entry.name.templated || key == "include" {
            entries.unread = entries.unread.or(Some(entry.span));
            continue;
        }
        match key {
            "default" => entries.default = Some(entry),
            _ if key.starts_with("~*") => entries.regex.push((key[2..].to_owned(), true, entry)),
            _ if key.starts_with('~') => entries.regex.push((key[1..].to_owned(), false, entry)),
            _ if entries.hostnames && key.starts_with("*.") => {
                entries.head.push((key[1..].to_ascii_lowercase(), false, entry))
            }
            _ if entries.hostnames && key.starts_with('.') => {
                entries.head.push((key.to_ascii_lowercase(), true, entry))
            }
            _ if entries.hostnames && key.ends_with(".*") => {
                entries.tail.push((key[..key.len() - 1].to_ascii_lowercase(), entry));
            }
            _ => {
                // A backslash keeps `default`, `hostnames` and the like from being read as words of the map.
                let key = key.strip_prefix('\\').unwrap_or(key);
                entries.exact.push((key.to_ascii_lowercase(), entry));
            }
        }
    }
    entries.head.sort_by_key(|(name, ..)| std::cmp::Reverse(name.len()));
    entries.tail.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    entries
}

/// The value of the map's variable.
pub(super) fn value(
    compiler: &mut Compiler<'_>,
    state: &State,
    map: &Directive,
    hops: &mut Vec<Hop>,
    depth: u8,
) -> Text {
    let Some(source) = map.args.first() else { return Text::literal("") };
    let subject = compiler.interpolate(state, source, &[], hops, depth);
    let entries = entries(map);
    let mut lower = lower_case(subject.clone());
    if entries.hostnames {
        // A dot at the end is no part of a name.
        let dot = passes(&lower, &StringTest::EndsWith(".".to_owned()), source.span);
        let pattern = compiler.patterns.capturing(r"(?s)^(.*)\.$", false);
        let capture = crate::model::Capture { subject: lower.clone(), pattern, group: 1 };
        lower = Text::choose(dot, Text::Capture(std::sync::Arc::new(capture)), lower);
    }
    // One condition and value after the other; the first that holds counts.
    let mut cases: Vec<(Vec<Guard>, Text)> = Vec::new();
    for (key, entry) in &entries.exact {
        let text = result(compiler, state, entry, &[], hops, depth);
        let guard =
            passes(&lower, &StringTest::Equals(key.clone()), entry.name.span).and(super::levels::presence(entry));
        // Keys exclude each other: those of one value are one case.
        match cases.iter_mut().find(|(_, value)| *value == text) {
            Some((guards, _)) => guards.push(guard),
            None => cases.push((vec![guard], text)),
        }
        if cases.len() > MOST_VALUES {
            break;
        }
    }
    for (name, itself, entry) in &entries.head {
        let text = result(compiler, state, entry, &[], hops, depth);
        let below = passes(&lower, &StringTest::EndsWith(name.clone()), entry.name.span);
        let same = passes(&lower, &StringTest::Equals(name[1..].to_owned()), entry.name.span);
        cases.push((if *itself { vec![below, same] } else { vec![below] }, text));
    }
    for (name, entry) in &entries.tail {
        let text = result(compiler, state, entry, &[], hops, depth);
        cases.push((vec![passes(&lower, &StringTest::StartsWith(name.clone()), entry.name.span)], text));
    }
    for (pattern, ignore_case, entry) in &entries.regex {
        let captures = [(Guard::Always, subject.clone(), compiler.patterns.capturing(pattern, *ignore_case))];
        let text = result(compiler, state, entry, &captures, hops, depth);
        let guard = match compiler.patterns.matches(&subject, pattern, *ignore_case, entry.name.span) {
            Ok(guard) => guard,
            Err(why) => {
                compiler.refuse(format!("invalid regular expression \"{pattern}\": {why}"), entry.name.span);
                Guard::Unknown(Reason::new("the pattern is invalid", entry.name.span))
            }
        };
        let guard = guard.and(super::levels::presence(entry));
        match cases.last_mut().filter(|(_, last)| *last == text) {
            Some((guards, _)) => guards.push(guard),
            None => cases.push((vec![guard], text)),
        }
    }
    if cases.len() > MOST_VALUES {
        return Text::Unknown(Reason::new("the map has too many different values", map.span));
    }
    let mut value = match entries.default {
        Some(entry) => {
            let otherwise = result(compiler, state, entry, &[], hops, depth);
            // A template may leave the default out.
            Text::choose(super::levels::presence(entry), otherwise, Text::literal(""))
        }
        None => Text::literal(""),
    };
    if let Some(span) = entries.unread {
        let unread = Text::Unknown(Reason::new("a part of the map is not known", span));
        value = Text::choose(Guard::Unknown(Reason::new("an entry that is not known may match", span)), unread, value);
    }
    for (guards, text) in cases.into_iter().rev() {
        value = Text::choose(any(guards), text, value);
    }
    value
}

/// A disjunction, without comparing each of many conditions with each.
fn any(mut guards: Vec<Guard>) -> Guard {
    const FEW: usize = 32;
    if guards.len() <= FEW || guards.contains(&Guard::Always) {
        return Guard::any(guards);
    }
    guards.retain(|guard| *guard != Guard::Never);
    if guards.len() <= FEW { Guard::any(guards) } else { Guard::Any(guards.into()) }
}

fn result(
    compiler: &mut Compiler<'_>,
    state: &State,
    entry: &Directive,
    captures: &[(Guard, Text, Capturing)],
    hops: &mut Vec<Hop>,
    depth: u8,
) -> Text {
    let Some(word) = entry.args.first() else { return Text::literal("") };
    if !word.text.is_empty() {
        hops.push((word.span, "from this entry of the map".into()));
    }
    named(compiler, state, word, captures, hops, depth)
}

/// Groups with a name count inside the values of their own map.
fn named(
    compiler: &mut Compiler<'_>,
    state: &State,
    word: &Word,
    captures: &[(Guard, Text, Capturing)],
    hops: &mut Vec<Hop>,
    depth: u8,
) -> Text {
    let names: Vec<(String, Text)> = captures
        .iter()
        .flat_map(|(_, subject, pattern)| pattern.names().into_iter().map(move |name| (name, subject, pattern)))
        .filter_map(|(name, subject, pattern)| {
            let group = pattern.group(&name)?;
            let capture = crate::model::Capture { subject: subject.clone(), pattern: pattern.clone(), group };
            Some((name, Text::Capture(std::sync::Arc::new(capture))))
        })
        .collect();
    if names.is_empty() {
        return compiler.interpolate(state, word, captures, hops, depth);
    }
    let mut state = state.clone();
    for (name, text) in names {
        state.variables.insert(name, (text, Vec::new()));
    }
    compiler.interpolate(&state, word, captures, hops, depth)
}
