//! URL rules as Werkzeug reads, orders and matches them (3.1.9, `routing/rules.py`, `converters.py`, `matcher.py`).

use crate::cors::{Anchoring, Engine, Flags, Pattern};
use crate::model::{PathMatch, PathResult, Reason};
use crate::source::Span;

/// A rule's path, understood.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// As written, with all prefixes.
    pub text: String,
    /// A regular expression over the whole path.
    regex: String,
    /// A path that it takes.
    sample: String,
    /// Where it stands among the others.
    pub order: Vec<Part>,
}

/// What decides the order of two rules at one place of the path: fixed text comes first, then what is most specific.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Fixed text.
    Static,
    /// With a converter: how many pieces of fixed text (negative), their places and lengths, how many converters
    /// (negative), their weights.
    Dynamic(i64, Vec<(usize, i64)>, i64, Vec<i64>),
}

/// Joins a prefix and a rule (`BlueprintSetupState.add_url_rule`).
pub(super) fn join(prefix: &str, rule: &str) -> String {
    match (prefix.is_empty(), rule.is_empty()) {
        (true, _) => rule.to_owned(),
        (false, true) => prefix.to_owned(),
        (false, false) => format!("{}/{}", prefix.trim_end_matches('/'), rule.trim_start_matches('/')),
    }
}

/// Escapes what means something in a regular expression.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if "\\.+*?()|[]{}^$#&-~ ".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// A piece of a rule: fixed text, or a converter with its arguments.
enum Piece<'r> {
    Text(&'r str),
    Converter(&'r str, &'r str),
}

fn pieces(rule: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = rule;
    while let Some(open) = rest.find('<') {
        let Some(close) = rest[open..].find('>').map(|at| at + open) else { break };
        if open > 0 {
            found.push(Piece::Text(&rest[..open]));
        }
        let inside = &rest[open + 1..close];
        let (converter, arguments) = match inside.rsplit_once(':') {
            Some((converter, _)) => match converter.split_once('(') {
                Some((name, arguments)) => (name, arguments.trim_end_matches(')')),
                None => (converter, ""),
            },
            None => ("default", ""),
        };
        found.push(Piece::Converter(converter.trim(), arguments));
        rest = &rest[close + 1..];
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    found
}

/// The names of a rule's variables that are given to the view as texts.
pub(super) fn texts(rule: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in rule.split('<').skip(1) {
        let Some((inside, _)) = part.split_once('>') else { continue };
        let (converter, name) = inside.rsplit_once(':').unwrap_or(("default", inside));
        let kind = converter.split('(').next().unwrap_or_default().trim();
        if matches!(kind, "default" | "string" | "path" | "any") {
            names.push(name.trim().to_owned());
        }
    }
    names
}

/// The names of a rule's variables.
pub(super) fn names(rule: &str) -> Vec<String> {
    let inside = rule.split('<').skip(1).filter_map(|part| part.split_once('>'));
    inside.map(|(inside, _)| inside.rsplit(':').next().unwrap_or(inside).trim().to_owned()).collect()
}

/// A rule with a value in the place of a variable.
pub(super) fn filled(rule: &str, name: &str, value: &str) -> String {
    let mut filled = String::new();
    let mut rest = rule;
    while let Some((before, (inside, after))) =
        rest.split_once('<').and_then(|(before, behind)| Some((before, behind.split_once('>')?)))
    {
        filled.push_str(before);
        match inside.rsplit(':').next().is_some_and(|own| own.trim() == name) {
            true => filled.push_str(value),
            false => filled.push_str(&format!("<{inside}>")),
        }
        rest = after;
    }
    filled + rest
}

/// A converter's pattern, a text that it takes, and its weight.
fn converter(name: &str, arguments: &str) -> (String, String, i64) {
    match name {
        "int" if arguments.contains("signed=True") => (r"-?\d+".into(), "1".into(), 50),
        "int" => (r"\d+".into(), "1".into(), 50),
        "float" => (r"\d+\.\d+".into(), "1.5".into(), 50),
        "path" => ("[^/].*?".into(), "x".into(), 200),
        "uuid" => {
            let hex = |count: usize| format!("[A-Fa-f0-9]{{{count}}}");
            let pattern = [hex(8), hex(4), hex(4), hex(4), hex(12)].join("-");
            (pattern, "00000000-0000-4000-8000-000000000000".into(), 100)
        }
        "any" => {
            let items: Vec<&str> = arguments.split(',').map(|item| item.trim().trim_matches(['"', '\''])).collect();
            let pattern: Vec<String> = items.iter().map(|item| escape(item)).collect();
            (format!("(?:{})", pattern.join("|")), items.first().copied().unwrap_or("x").to_owned(), 100)
        }
        _ => {
            // `UnicodeConverter(minlength=1, maxlength=None, length=None)`.
            let number = |name: &str| {
                let given = arguments.split(',').filter_map(|part| part.split_once('='));
                let found = given.into_iter().find(|(key, _)| key.trim() == name);
                found.and_then(|(_, value)| value.trim().parse::<usize>().ok())
            };
            let (least, most) = match number("length") {
                Some(length) => (length, Some(length)),
                None => (number("minlength").unwrap_or(1), number("maxlength")),
            };
            let sample = "x".repeat(least.clamp(1, 64));
            match most {
                None if least == 1 => ("[^/]+".into(), sample, 100),
                most => {
                    let most = most.map_or_else(String::new, |most| most.to_string());
                    (format!("[^/]{{{least},{most}}}"), sample, 100)
                }
            }
        }
    }
}

impl Rule {
    /// Reads a rule.
    pub(super) fn new(text: &str) -> Self {
        let text = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
        let mut regex = String::new();
        let mut sample = String::new();
        let mut order = Vec::new();
        // The part being read: its fixed texts and converters.
        let (mut fixed, mut weights, mut count): (Vec<(usize, i64)>, Vec<i64>, usize) = (Vec::new(), Vec::new(), 0);
        let mut isolating = true;
        let mut close = |fixed: &mut Vec<(usize, i64)>, weights: &mut Vec<i64>, count: &mut usize| {
            order.push(match weights.is_empty() {
                true => Part::Static,
                false => Part::Dynamic(
                    -(fixed.len() as i64),
                    std::mem::take(fixed),
                    -(weights.len() as i64),
                    std::mem::take(weights),
                ),
            });
            fixed.clear();
            weights.clear();
            *count = 0;
        };
        for piece in pieces(&text) {
            match piece {
                Piece::Text(literal) => {
                    regex.push_str(&escape(literal));
                    sample.push_str(literal);
                    for (at, chunk) in literal.split('/').enumerate() {
                        if at > 0 && isolating {
                            close(&mut fixed, &mut weights, &mut count);
                        }
                        if !chunk.is_empty() {
                            fixed.push((count, -(chunk.len() as i64)));
                            count += 1;
                        }
                    }
                }
                Piece::Converter(name, arguments) => {
                    let (pattern, example, weight) = converter(name, arguments);
                    regex.push_str(&pattern);
                    sample.push_str(&example);
                    weights.push(weight);
                    count += 1;
                    // The rest of a rule behind a `path` is one part.
                    isolating &= name != "path";
                }
            }
        }
        close(&mut fixed, &mut weights, &mut count);
        Self { text, regex, sample, order }
    }

    fn whole(&self, regex: &str, sample: &str) -> PathMatch {
        match Pattern::new(regex, Engine::Python, Anchoring::Full, Flags::NONE) {
            Ok(pattern) => {
                let whole = PathMatch::Whole { pattern, sample: sample.to_owned(), text: self.text.clone() };
                PathMatch::Decoded(Box::new(whole))
            }
            Err(_) => {
                PathMatch::Unknown(Reason { text: format!("the rule `{}` is not read", self.text).into(), span: None })
            }
        }
    }

    /// The paths that it takes.
    pub(super) fn path(&self) -> PathMatch {
        self.whole(&self.regex, &self.sample)
    }

    /// Whether it takes the path that another rule begins with.
    pub(super) fn takes(&self, other: &Rule) -> bool {
        matches!(self.path().test(&other.sample), PathResult::Yes(_))
    }

    /// The paths that lack but the slash at the end, if it ends in one.
    pub(super) fn without_slash(&self) -> Option<PathMatch> {
        let regex = self.regex.strip_suffix('/').filter(|regex| !regex.is_empty())?;
        Some(self.whole(regex, self.sample.trim_end_matches('/')))
    }

    /// Where its redirect stands among the rules.
    pub(super) fn order_of_redirect(&self) -> Vec<Part> {
        self.order[..self.order.len().saturating_sub(1)].to_vec()
    }
}

/// A rule that is not known.
pub(super) fn unknown(reason: Reason) -> PathMatch {
    PathMatch::Unknown(reason)
}

/// The reason why a rule's text is not known.
pub(super) fn reason(span: Span) -> Reason {
    Reason::new("the path of this route is not known", span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(rule: &str, path: &str) -> bool {
        matches!(Rule::new(rule).path().test(path), PathResult::Yes(_))
    }

    #[test]
    fn converters_take_what_werkzeug_takes() {
        assert!(takes("/a/<int:id>", "/a/12"));
        assert!(!takes("/a/<int:id>", "/a/x"));
        assert!(takes("/<path:p>", "/a/b/c"));
        assert!(!takes("/<name>", "/a/b"));
        assert!(takes("/<any(a, b):kind>/x", "/b/x"));
        assert!(takes("/a b", "/a%20b"));
        assert!(!takes("/a.b", "/axb"));
    }

    #[test]
    fn fixed_text_comes_before_converters_and_paths_come_last() {
        let order = |rule: &str| Rule::new(rule).order;
        assert!(order("/api/users") < order("/api/<name>"));
        assert!(order("/api/<int:id>") < order("/api/<name>"));
        assert!(order("/api/<name>") < order("/api/<path:rest>"));
    }

    #[test]
    fn a_slash_at_the_end_is_asked_for() {
        let rule = Rule::new("/api/");
        assert!(!takes("/api/", "/api"));
        assert!(matches!(rule.without_slash().unwrap().test("/api"), PathResult::Yes(_)));
        assert!(Rule::new("/api").without_slash().is_none());
    }
}
