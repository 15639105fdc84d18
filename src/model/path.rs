//! Which paths a step takes.

use crate::cors::Pattern;

use super::Reason;

/// The path that stands for one that the program computes: only patterns that are not known take it.
const UNKNOWN_PATH: &str = "/{unknown}";

/// Which paths a step or group takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathMatch {
    /// Every path.
    Any,
    /// No path.
    Nothing,
    /// The whole path matches this pattern.
    Whole {
        /// The pattern over the whole path.
        pattern: Pattern,
        /// A path that it takes, for probing.
        sample: String,
        /// As written.
        text: String,
    },
    /// The beginning of the path matches this pattern, up to a `/` or the end.
    Prefix {
        /// The pattern over the beginning; it ends before the `/`.
        pattern: Pattern,
        /// A beginning that it takes, for probing.
        sample: String,
        /// As written.
        text: String,
        /// How many characters it takes off, when that is the same for every path.
        length: Option<usize>,
    },
    /// One of several.
    AnyOf(Vec<PathMatch>),
    /// The path matches as proxies and file servers read it: decoded, without dot segments and doubled slashes.
    Resolved(Box<PathMatch>),
    /// The path matches once it is percent-decoded (WSGI's `PATH_INFO`).
    Decoded(Box<PathMatch>),
    /// Not known.
    Unknown(Reason),
}

/// How a path fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathResult {
    /// It does not match.
    No,
    /// It matches, and this remains for the steps inside.
    Yes(String),
    /// Not known.
    Unknown(Reason),
}

impl PathMatch {
    /// Holds `path` against it.
    pub fn test(&self, path: &str) -> PathResult {
        match self {
            PathMatch::Any => PathResult::Yes(path.to_owned()),
            PathMatch::Nothing => PathResult::No,
            PathMatch::Whole { pattern, text, .. } => match pattern.matches(path) {
                Some(true) => PathResult::Yes("/".to_owned()),
                Some(false) => PathResult::No,
                None => PathResult::Unknown(unreadable(text)),
            },
            PathMatch::Prefix { pattern, length, text, .. } => prefix(pattern, *length, text, path),
            PathMatch::AnyOf(parts) => {
                let mut unknown = None;
                for part in parts {
                    match part.test(path) {
                        PathResult::No => {}
                        PathResult::Unknown(reason) => unknown = Some(reason),
                        yes => return yes,
                    }
                }
                unknown.map_or(PathResult::No, PathResult::Unknown)
            }
            PathMatch::Resolved(inner) => inner.test(&resolve_path(path)),
            PathMatch::Decoded(inner) => inner.test(&percent_decode(path, false)),
            PathMatch::Unknown(reason) => match path.strip_prefix(UNKNOWN_PATH) {
                Some("") => PathResult::Yes("/".to_owned()),
                Some(rest) => PathResult::Yes(rest.to_owned()),
                None => PathResult::Unknown(reason.clone()),
            },
        }
    }

    /// A path that it takes, below `prefix`.
    pub fn sample(&self, prefix: &str) -> Option<String> {
        match self {
            PathMatch::Any => Some(prefix.to_owned()),
            PathMatch::Unknown(_) => Some(format!("{}{UNKNOWN_PATH}", prefix.trim_end_matches('/'))),
            PathMatch::Nothing => None,
            PathMatch::Whole { sample, .. } | PathMatch::Prefix { sample, .. } => {
                let joined = format!("{}{}", prefix.trim_end_matches('/'), sample);
                Some(if joined.is_empty() { "/".to_owned() } else { joined })
            }
            PathMatch::AnyOf(parts) => parts.iter().find_map(|part| part.sample(prefix)),
            PathMatch::Resolved(inner) | PathMatch::Decoded(inner) => inner.sample(prefix),
        }
    }

    /// Whether it takes the path, and a part of that into a parameter which cannot be percent-decoded (Express 4
    /// `lib/router/layer.js`, `router` 2 `lib/layer.js`: the answer is 400).
    pub fn is_undecodable(&self, path: &str) -> bool {
        if !path.contains('%') {
            return false;
        }
        match self {
            PathMatch::Whole { text, .. } | PathMatch::Prefix { text, .. } => {
                let PathResult::Yes(rest) = self.test(path) else { return false };
                let taken = match self {
                    PathMatch::Prefix { .. } => path.strip_suffix(&*rest).unwrap_or(path),
                    _ => path,
                };
                let has_parameter = text.contains([':', '*']) || text.replace("(?", "").contains('(');
                has_parameter && !is_decodable(taken)
            }
            PathMatch::AnyOf(parts) => parts.iter().any(|part| part.is_undecodable(path)),
            _ => false,
        }
    }

    /// How it is written, for people.
    pub fn text(&self) -> &str {
        match self {
            PathMatch::Any => "*",
            PathMatch::Nothing => "(nothing)",
            PathMatch::Whole { text, .. } | PathMatch::Prefix { text, .. } => text,
            PathMatch::AnyOf(parts) => parts.first().map_or("(nothing)", PathMatch::text),
            PathMatch::Resolved(inner) | PathMatch::Decoded(inner) => inner.text(),
            PathMatch::Unknown(_) => "(unknown)",
        }
    }
}

/// Tries every beginning of `path` that ends before a `/` or at its end.
fn prefix(pattern: &Pattern, length: Option<usize>, text: &str, path: &str) -> PathResult {
    let ends = path.bytes().enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| at).chain([path.len()]);
    for end in ends {
        if length.is_some_and(|length| length != end) {
            continue;
        }
        match pattern.matches(&path[..end]) {
            Some(true) => {
                let rest = &path[end..];
                return PathResult::Yes(if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") });
            }
            Some(false) => {}
            None => return PathResult::Unknown(unreadable(text)),
        }
    }
    PathResult::No
}

/// Whether JavaScript's `decodeURIComponent` takes the text.
fn is_decodable(text: &str) -> bool {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else { return false };
        bytes.push(byte);
        bytes.extend(part[2..].bytes());
    }
    std::str::from_utf8(&bytes).is_ok()
}

/// The text with `%20` and the like replaced, and with `plus`, plus signs by blanks.
pub fn percent_decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = |offset: usize| bytes.get(at + offset).and_then(|digit| (*digit as char).to_digit(16));
        match (byte, hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                decoded.push(if plus && byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The path as proxies and file servers read it: percent-decoded, `//`, `/.` and `/..` resolved (nginx 1.31,
/// `ngx_http_parse_complex_uri`).
pub fn resolve_path(path: &str) -> String {
    if !path.contains('%') && !path.contains("//") && !path.contains("/.") {
        return path.to_owned();
    }
    let decoded = percent_decode(path, false);
    let mut segments: Vec<&str> = Vec::new();
    let count = decoded.split('/').count();
    for (index, segment) in decoded.split('/').enumerate() {
        let last = index + 1 == count;
        match segment {
            "" | "." if !last => {}
            "." => segments.push(""),
            ".." => {
                segments.pop();
                if last {
                    segments.push("");
                }
            }
            segment => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

fn unreadable(text: &str) -> Reason {
    Reason { text: format!("the path pattern `{text}` cannot be decided").into(), span: None }
}
