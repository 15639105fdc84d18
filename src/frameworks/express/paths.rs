//! Express's path patterns as [`PathMatch`].
//!
//! Express 4 uses `path-to-regexp` 0.1.13, Express 5 `path-to-regexp` 8 through the `router` package; both match
//! without case and allow a slash at the end.

use crate::cors::{Anchoring, Engine, Flags, Pattern};
use crate::eval::{Evaluator, Kind, Tag, Value};
use crate::model::{PathMatch, Reason};

/// Where a pattern has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At the end of the path: a route.
    Whole,
    /// Before a slash or at the end: `use`.
    Prefix,
}

/// Switches of a router.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// `/Api` is not `/api`.
    pub sensitive: bool,
    /// `/api/` is not `/api`.
    pub strict: bool,
}

/// A value as a path pattern, for Express of this major version.
///
/// # Errors
/// What Express throws at the start.
pub fn path(
    eval: &mut Evaluator,
    value: &Value,
    reach: Reach,
    major: u32,
    routing: Routing,
) -> Result<PathMatch, String> {
    match &value.kind {
        Kind::Str(text) => string(text, reach, major, routing),
        Kind::Regex(regex) => Ok(match &regex.pattern {
            // What it finds has to be the beginning of the path.
            Ok(pattern) if reach == Reach::Prefix => {
                let whole = Pattern::new(regex.source.clone(), Engine::JavaScript, Anchoring::Full, pattern.flags);
                match whole {
                    // What it finds then is the whole path.
                    Ok(whole) if regex.source.replace("\\$", "").contains('$') => PathMatch::Whole {
                        pattern: whole,
                        sample: sample_of_regex(pattern),
                        text: format!("/{}/{}", regex.source, regex.flags),
                    },
                    Ok(whole) => PathMatch::Prefix {
                        pattern: whole,
                        sample: sample_of_regex(pattern).trim_end_matches('/').to_owned(),
                        text: format!("/{}/{}", regex.source, regex.flags),
                        length: None,
                    },
                    Err(why) => PathMatch::Unknown(Reason::new(
                        format!("the path pattern cannot be decided: {why}"),
                        value.span,
                    )),
                }
            }
            Ok(pattern) => PathMatch::Whole {
                pattern: pattern.clone(),
                sample: sample_of_regex(pattern),
                text: format!("/{}/{}", regex.source, regex.flags),
            },
            Err(why) => {
                PathMatch::Unknown(Reason::new(format!("the path pattern cannot be decided: {why}"), value.span))
            }
        }),
        Kind::Object(id) if eval.object(*id).tag == Tag::Array => {
            let items = eval.object(*id).items.clone();
            let parts: Result<Vec<_>, _> = items.iter().map(|item| path(eval, item, reach, major, routing)).collect();
            Ok(PathMatch::AnyOf(parts?))
        }
        Kind::Choose(choice) => {
            let (_, then, otherwise) = &**choice;
            let (yes, no) = (path(eval, then, reach, major, routing)?, path(eval, otherwise, reach, major, routing)?);
            Ok(if yes == no {
                yes
            } else {
                PathMatch::Unknown(Reason::new("the path depends on a condition", value.span))
            })
        }
        Kind::Unknown(reason) => Ok(PathMatch::Unknown(Reason {
            text: format!("the path is not known: {}", reason.text).into(),
            span: Some(value.span),
        })),
        Kind::Text(_) => Ok(PathMatch::Unknown(Reason::new("the path depends on a condition", value.span))),
        _ => Ok(PathMatch::Unknown(Reason::new("this path is not followed", value.span))),
    }
}

/// A path that a regular expression takes, found by trying.
fn sample_of_regex(pattern: &Pattern) -> String {
    let tries = ["/", "/api", "/api/x", "/x", "/a/b/c", "/index.html"];
    let literal: String = pattern
        .text
        .trim_start_matches('^')
        .chars()
        .filter(|letter| *letter != '\\')
        .take_while(|letter| letter.is_alphanumeric() || matches!(letter, '/' | '-' | '_' | '.'))
        .collect();
    let own = [literal.clone(), format!("{literal}x"), format!("{literal}/x")];
    own.iter()
        .map(String::as_str)
        .chain(tries)
        .find(|path| path.starts_with('/') && pattern.matches(path) == Some(true))
        .unwrap_or("/")
        .to_owned()
}

fn string(text: &str, reach: Reach, major: u32, routing: Routing) -> Result<PathMatch, String> {
    if reach == Reach::Prefix && matches!(text, "/" | "") {
        return Ok(PathMatch::Any);
    }
    let (source, sample) = if major < 5 { (express4(text), sample4(text)) } else { express5(text)? };
    let source = match reach {
        Reach::Prefix => source.trim_end_matches('/').to_owned(),
        Reach::Whole if routing.strict => source,
        Reach::Whole => format!("{}/?", source.trim_end_matches('/')),
    };
    let sample = if sample.starts_with('/') { sample } else { format!("/{sample}") };
    let flags = if routing.sensitive { Flags::NONE } else { Flags::IGNORE_CASE };
    let pattern = Pattern::new(source, Engine::JavaScript, Anchoring::Full, flags);
    Ok(match (pattern, reach) {
        (Ok(pattern), Reach::Whole) => PathMatch::Whole { pattern, sample, text: text.to_owned() },
        (Ok(pattern), Reach::Prefix) => PathMatch::Prefix {
            pattern,
            sample: sample.trim_end_matches('/').to_owned(),
            text: text.to_owned(),
            length: None,
        },
        (Err(error), _) => PathMatch::Unknown(Reason {
            text: format!("the path pattern `{text}` cannot be decided: {error}").into(),
            span: None,
        }),
    })
}

/// `path-to-regexp` 0.1.13: a dot is escaped, a star is anything, a parameter is anything but a slash, and everything
/// else stays a piece of a regular expression.
fn express4(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut source = String::with_capacity(text.len() * 2);
    let mut at = 0;
    while at < letters.len() {
        match letters[at] {
            '\\' => {
                source.push('\\');
                if let Some(next) = letters.get(at + 1) {
                    source.push(*next);
                }
                at += 2;
                continue;
            }
            ':' if letters.get(at + 1).is_some_and(|letter| is_word(*letter)) => {
                at += 1;
                while letters.get(at).is_some_and(|letter| is_word(*letter)) {
                    at += 1;
                }
                let mut capture = "[^/]+?".to_owned();
                if letters.get(at) == Some(&'(')
                    && let Some(end) = letters[at..].iter().position(|letter| *letter == ')')
                {
                    capture = letters[at + 1..at + end].iter().collect();
                    at += end + 1;
                }
                let star = letters.get(at) == Some(&'*');
                at += usize::from(star);
                let optional = letters.get(at) == Some(&'?');
                at += usize::from(optional);
                let rest = if star { "(?:/.+?)?" } else { "" };
                if optional {
                    // The slash before an optional parameter is optional with it.
                    let slash = if source.ends_with('/') { source.pop().map_or("", |_| "/") } else { "" };
                    source.push_str(&format!("(?:{slash}(?:{capture}){rest})?"));
                } else {
                    source.push_str(&format!("(?:{capture}){rest}"));
                }
                continue;
            }
            '.' => source.push_str("\\."),
            '*' => source.push_str("(.*)"),
            '/' if letters.get(at + 1) == Some(&'(') => {
                source.push_str("/(?:");
                at += 2;
                continue;
            }
            letter => source.push(letter),
        }
        at += 1;
    }
    source
}

fn sample4(text: &str) -> String {
    let mut sample = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ':' => {
                while letters.next_if(|letter| is_word(*letter)).is_some() {}
                if letters.peek() == Some(&'(') {
                    for letter in letters.by_ref() {
                        if letter == ')' {
                            break;
                        }
                    }
                }
                if letters.next_if(|letter| *letter == '?').is_none() {
                    sample.push('1');
                }
            }
            '*' => sample.push('x'),
            '?' | '+' | '(' | ')' | '\\' => {}
            letter => sample.push(letter),
        }
    }
    sample
}

/// `path-to-regexp` 8: parameters, named stars, optional parts in braces; whatever else was special is an error.
fn express5(text: &str) -> Result<(String, String), String> {
    const HELP: &str = "visit https://git.new/pathToRegexpError for info";
    let letters: Vec<char> = text.chars().collect();
    let (mut source, mut sample) = (String::new(), String::new());
    let mut at = 0;
    let mut open = 0usize;
    while at < letters.len() {
        let letter = letters[at];
        match letter {
            '\\' => {
                let Some(next) = letters.get(at + 1) else {
                    return Err(format!("Unexpected end after \\ at index {at}: {text}; {HELP}"));
                };
                push_literal(&mut source, *next);
                sample.push(*next);
                at += 2;
                continue;
            }
            ':' | '*' => {
                let start = at + 1;
                at = start;
                if letters.get(at) == Some(&'"') {
                    at += 1;
                    while letters.get(at).is_some_and(|letter| *letter != '"') {
                        at += 1;
                    }
                    at += 1;
                } else {
                    while letters.get(at).is_some_and(|letter| is_word(*letter) || *letter == '$') {
                        at += 1;
                    }
                }
                if at == start {
                    return Err(format!("Missing parameter name at index {start}: {text}; {HELP}"));
                }
                source.push_str(if letter == ':' { "[^/]+" } else { "[^]+" });
                if open == 0 {
                    sample.push_str(if letter == ':' { "1" } else { "x" });
                }
                continue;
            }
            '{' => {
                open += 1;
                source.push_str("(?:");
            }
            '}' => {
                if open == 0 {
                    return Err(format!("Unexpected }} at index {at}: {text}; {HELP}"));
                }
                open -= 1;
                source.push_str(")?");
            }
            '(' | ')' | '[' | ']' | '+' | '?' | '!' => {
                return Err(format!("Unexpected {letter} at index {at}: {text}; {HELP}"));
            }
            letter => {
                push_literal(&mut source, letter);
                if open == 0 {
                    sample.push(letter);
                }
            }
        }
        at += 1;
    }
    if open > 0 {
        return Err(format!("Unexpected end at index {}, expected }}: {text}; {HELP}", letters.len()));
    }
    Ok((source, sample))
}

fn push_literal(source: &mut String, letter: char) {
    if !letter.is_alphanumeric()
        && letter.is_ascii()
        && !matches!(letter, '/' | '-' | '_' | ' ' | '~' | '%' | '@' | ':')
    {
        source.push('\\');
    }
    source.push(letter);
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PathResult;

    fn takes(text: &str, reach: Reach, major: u32, path: &str) -> bool {
        matches!(string(text, reach, major, Routing::default()).unwrap().test(path), PathResult::Yes(_))
    }

    #[test]
    fn express_4_reads_stars_and_parameters() {
        assert!(takes("*", Reach::Whole, 4, "/anything/at/all"));
        assert!(takes("/users/:id", Reach::Whole, 4, "/users/7/"));
        assert!(!takes("/users/:id", Reach::Whole, 4, "/users/7/posts"));
        assert!(takes("/users/:id?", Reach::Whole, 4, "/users"));
        assert!(takes("/API", Reach::Whole, 4, "/api"));
        // A dot is escaped even inside parentheses, so this needs a path that begins with one.
        assert!(!takes("(.*)", Reach::Whole, 4, "/api"));
        assert!(!takes("/{*splat}", Reach::Whole, 4, "/api"));
    }

    #[test]
    fn express_5_refuses_what_it_does_not_know() {
        let refused = |text: &str| string(text, Reach::Whole, 5, Routing::default()).unwrap_err();
        assert!(refused("*").starts_with("Missing parameter name at index 1: *"));
        assert!(refused("(.*)").starts_with("Unexpected ( at index 0: (.*)"));
        assert!(takes("/{*splat}", Reach::Whole, 5, "/"));
        assert!(takes("/{*splat}", Reach::Whole, 5, "/api/x"));
        assert!(takes("/files/*path", Reach::Whole, 5, "/files/a/b"));
        assert!(!takes("/files/*path", Reach::Whole, 5, "/files"));
    }

    #[test]
    fn a_prefix_ends_at_a_slash_and_is_taken_off() {
        for major in [4, 5] {
            let prefix = string("/api", Reach::Prefix, major, Routing::default()).unwrap();
            assert_eq!(prefix.test("/api/users"), PathResult::Yes("/users".into()));
            assert_eq!(prefix.test("/API"), PathResult::Yes("/".into()));
            assert_eq!(prefix.test("/apix"), PathResult::No);
        }
    }
}
