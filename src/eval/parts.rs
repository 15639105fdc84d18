//! Parts of texts that come with a request: what JavaScript's `slice`, `replace` and `match` make of them.
//!
//! Each is a group of a pattern that is matched where the request is known.

use std::sync::Arc;

use super::Evaluator;
use super::value::{Arguments, Kind, Regex, Value};
use crate::cors::headers;
use crate::model::{Capture, Capturing, Guard, Text};
use crate::source::Span;

/// The longest part that is counted off, in characters.
const LONGEST: f64 = 1_000.0;

impl Evaluator<'_> {
    /// `slice`, `substring`, `substr` and `replace` of a text that comes with a request; nothing where it is not followed.
    pub(super) fn part_of_text(&mut self, text: &Text, name: &str, arguments: &Arguments, span: Span) -> Option<Value> {
        if !comes_with_request(text) {
            return None;
        }
        match name {
            "slice" | "substring" | "substr" => {
                let number = |at: usize| match arguments.get(at).map(|value| &value.kind) {
                    None | Some(Kind::Undefined) => Some(None),
                    Some(Kind::Number(number)) if number.abs() <= LONGEST => Some(Some(*number as i32)),
                    Some(_) => None,
                };
                let pattern = slice(name, number(0)?.unwrap_or(0), number(1)?)?;
                Some(Value::text(group(text, &pattern), span))
            }
            "replace" => self.replaced_part(text, arguments.get(0)?, arguments.get(1)?.as_str()?, span),
            _ => None,
        }
    }

    /// A text with the first match replaced: what is before it, the replacement, and what is behind it.
    fn replaced_part(&mut self, text: &Text, what: &Value, by: &str, span: Span) -> Option<Value> {
        let (pattern, ignores_case, found) = match &what.kind {
            Kind::Str(literal) => {
                let test = crate::cors::StringTest::Contains(literal.to_string());
                (literal_pattern(literal), false, Guard::test(text.clone(), test, what.span))
            }
            Kind::Regex(regex) => {
                let (pattern, ignores_case) = readable(regex)?;
                // A match at the beginning or the end is the only one, whatever the flags say.
                let is_only = !pattern.contains('|') && (pattern.starts_with('^') || pattern.ends_with('$'));
                if regex.flags.contains('g') && !is_only {
                    return None;
                }
                let once = Regex { stateful: false, ..regex_of(regex) };
                let subject = Value::text(text.clone(), span);
                (pattern, ignores_case, self.tested(&once, what.span, &subject, span))
            }
            _ => return None,
        };
        if by.contains('$') {
            return None;
        }
        let part = |name: &str| {
            let pattern = format!("(?s:^(?<before>.*?))(?:{})(?s:(?<behind>.*)$)", pattern.trim_start_matches('^'));
            let pattern = if pattern_is_anchored(what) { pattern.replacen(".*?", "", 1) } else { pattern };
            named_group(text, &pattern, name, ignores_case)
        };
        let replaced = Text::concat(vec![part("before")?, Text::literal(by), part("behind")?]);
        Some(Value::choose(found, Value::text(replaced, span), Value::text(text.clone(), span)))
    }

    /// What `match` and `exec` give where they find something: the whole match and its groups.
    pub(super) fn groups_of(&mut self, text: &Text, regex: &Regex, span: Span) -> Option<Value> {
        let (pattern, ignores_case) = readable(regex).filter(|_| comes_with_request(text) && !regex.stateful)?;
        let pattern = Capturing::new(&pattern, ignores_case);
        // A group that takes no part is `undefined`, which no text is.
        let count = pattern.count().filter(|_| pattern.is_plain())?;
        let item = |group| {
            let capture = Capture { subject: text.clone(), pattern: pattern.clone(), group };
            Value::text(Text::Capture(Arc::new(capture)), span)
        };
        Some(self.new_array((0..=count).map(item).collect(), span))
    }
}

fn comes_with_request(text: &Text) -> bool {
    [headers::ORIGIN, "host", "referer"].iter().any(|name| text.mentions_header(name))
}

fn regex_of(regex: &Regex) -> Regex {
    Regex {
        pattern: regex.pattern.clone(),
        source: regex.source.clone(),
        flags: regex.flags.clone(),
        stateful: regex.stateful,
    }
}

fn pattern_is_anchored(what: &Value) -> bool {
    matches!(&what.kind, Kind::Regex(regex) if regex.source.starts_with('^'))
}

/// A pattern that means the same here, and whether it ignores case.
fn readable(regex: &Regex) -> Option<(String, bool)> {
    let flags = regex.flags.replace('g', "");
    let starts = regex.source.starts_with('^') && regex.source.contains('|');
    (matches!(&*flags, "" | "i") && !starts).then(|| (regex.source.clone(), flags == "i"))
}

fn literal_pattern(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_ascii_punctuation() { format!("\\{letter}") } else { letter.into() })
        .collect()
}

/// The pattern whose first group is the slice.
fn slice(name: &str, from: i32, to: Option<i32>) -> Option<String> {
    let to = match (name, to) {
        ("substr", Some(length)) if from >= 0 => Some(from + length.max(0)),
        (_, to) => to,
    };
    let (from, to) = match name {
        "substring" => {
            let (from, to) = (from.max(0), to.map(|to| to.max(0)));
            to.map_or((from, None), |to| (from.min(to), Some(from.max(to))))
        }
        _ => (from, to),
    };
    Some(match (from, to) {
        (0.., None) => format!("(?s)^.{{0,{from}}}(.*)$"),
        (0.., Some(to @ 0..)) => format!("(?s)^.{{0,{from}}}(.{{0,{}}})", (to - from).max(0)),
        (0.., Some(to)) => format!("(?s)^.{{0,{from}}}(.*).{{{}}}$", -to),
        (_, None) => format!("(?s)(.{{0,{}}})$", -from),
        _ => return None,
    })
}

fn group(text: &Text, pattern: &str) -> Text {
    let pattern = Capturing::new(pattern, false);
    Text::Capture(Arc::new(Capture { subject: text.clone(), pattern, group: 1 }))
}

fn named_group(text: &Text, pattern: &str, name: &str, ignores_case: bool) -> Option<Text> {
    let pattern = Capturing::new(pattern, ignores_case);
    let group = pattern.group(name)?;
    Some(Text::Capture(Arc::new(Capture { subject: text.clone(), pattern, group })))
}
