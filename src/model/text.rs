//! Text that a server computes, as far as it depends on the request.

use std::sync::Arc;

use super::{Capture, Guard, Reason};

/// A piece of text that a server sends or tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Text {
    /// Always the same.
    Literal(Arc<str>),
    /// A part of the request.
    Request(Part),
    /// The value of an environment variable. Empty where it is unset; guard its use by [`Guard::EnvironmentSet`].
    Environment(Arc<str>),
    /// A part of another text read as a URL; empty where that is none.
    Url(Arc<Text>, UrlPart),
    /// Another text in lower case.
    LowerCase(Arc<Text>),
    /// One text behind the other.
    Concat(Arc<[Text]>),
    /// The first text where the guard holds, else the second.
    Choose(Arc<Guard>, Arc<Text>, Arc<Text>),
    /// A group of a pattern's match in another text; empty where the pattern does not match, or the group took no part.
    Capture(Arc<Capture>),
    /// The value of a header (lower-case name) in the answer of the server behind, as it came from there. Empty where
    /// there is none.
    Inner(Arc<str>),
    /// The value of a header (lower-case name) of the answer as far as it is written. Empty where there is none.
    Sent(Arc<str>),
    /// The value of a header (lower-case name) of the answer as it was when the running step began. Empty where there
    /// is none.
    SentBefore(Arc<str>),
    /// Another text, percent-decoded; `true` reads a plus sign as a blank.
    Decoded(Arc<Text>, bool),
    /// Some members of a list in another text.
    Members(Arc<Members>),
    /// Not known.
    Unknown(Reason),
}

/// Members of a comma-separated list that pass at least one test, sorted and joined by `, `.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Members {
    /// The list.
    pub list: Text,
    /// Each test with the place of its literal or pattern.
    pub tests: Vec<(crate::cors::StringTest, crate::source::Span)>,
    /// Why there may be further tests.
    pub open: Option<Reason>,
}

/// A part of the request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The value of a request header, by its lower-case name. Empty where there is none.
    Header(Arc<str>),
    /// The method.
    Method,
    /// The path, without the query.
    Path,
    /// The path below the mount of the running step, without the query: Express's `req.path`.
    LocalPath,
    /// The same with the query: Express's `req.url`.
    LocalTarget,
    /// The path down to the mount of the running step: Express's `req.baseUrl`.
    Base,
    /// Path and query as sent: Node's `req.url`, Express's `req.originalUrl`.
    Target,
    /// The path as proxies and file servers read it: decoded, without dot segments and doubled slashes.
    ResolvedPath,
    /// The query, without its question mark. Empty where there is none.
    Query,
    /// The host that the request is for, in lower case, without the port and a dot at its end. Not known where no `Host`
    /// is given.
    Host,
    /// The port that the request came to, as far as `Host` says it.
    Port,
    /// The status that the error being handled carries.
    ErrorStatus,
}

/// A part of a URL, in the words of the URL standard's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UrlPart {
    /// `hostname`.
    Hostname,
    /// `host`: with the port.
    Host,
    /// Python's `netloc`: with the port, in the case that it is written in.
    Netloc,
    /// `protocol`: with its colon.
    Protocol,
    /// Python's `scheme`: without the colon.
    Scheme,
    /// `port`.
    Port,
    /// `origin`.
    Origin,
    /// `pathname`: of a text that begins with a slash, its path.
    Pathname,
    /// `search`: the query with its question mark.
    Search,
}

/// How much a text that is put together may weigh: each part counts one, and so do so many letters.
const LARGEST: usize = 4096;
const LETTERS: usize = 16;

impl Text {
    /// Text that never changes.
    pub fn literal(text: impl Into<Arc<str>>) -> Self {
        Text::Literal(text.into())
    }

    /// The value of the request header `name` (any case).
    pub fn header(name: &str) -> Self {
        Text::Request(Part::Header(name.to_ascii_lowercase().into()))
    }

    /// The literal, if it is one.
    pub fn as_literal(&self) -> Option<&str> {
        match self {
            Text::Literal(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is the value of the request header `name` (lower case) and nothing else.
    pub fn is_header(&self, name: &str) -> bool {
        matches!(self, Text::Request(Part::Header(header)) if &**header == name)
    }

    /// Whether any part of it comes from the request header `name` (lower case).
    pub fn mentions_header(&self, name: &str) -> bool {
        match self {
            Text::Request(Part::Header(header)) => &**header == name,
            Text::Url(inner, _) | Text::LowerCase(inner) | Text::Decoded(inner, _) => inner.mentions_header(name),
            Text::Members(members) => members.list.mentions_header(name),
            Text::Concat(parts) => parts.iter().any(|part| part.mentions_header(name)),
            Text::Choose(_, then, otherwise) => then.mentions_header(name) || otherwise.mentions_header(name),
            Text::Capture(capture) => capture.subject.mentions_header(name),
            Text::Literal(_)
            | Text::Request(_)
            | Text::Environment(_)
            | Text::Inner(_)
            | Text::Sent(_)
            | Text::SentBefore(_)
            | Text::Unknown(_) => false,
        }
    }

    /// One text behind the other, with neighbouring literals joined. Not known where that makes a text that no header
    /// can have: a program may double a text as often as it likes.
    pub fn concat(parts: Vec<Text>) -> Self {
        let mut left = LARGEST;
        if !parts.iter().all(|part| part.fits(&mut left)) {
            return Text::Unknown(Reason { text: "the text is too long to be followed".into(), span: None });
        }
        let mut joined: Vec<Text> = Vec::with_capacity(parts.len());
        for part in parts {
            match (joined.last_mut(), part) {
                (Some(Text::Literal(before)), Text::Literal(text)) => {
                    *before = format!("{before}{text}").into();
                }
                (_, Text::Concat(inner)) => joined.extend(inner.iter().cloned()),
                (_, part) => joined.push(part),
            }
        }
        match joined.len() {
            0 => Text::literal(""),
            1 => joined.remove(0),
            _ => Text::Concat(joined.into()),
        }
    }

    /// Takes from `left` what the text weighs, and says whether that was enough. Shared parts count each time, as
    /// whoever goes through the text meets them.
    fn fits(&self, left: &mut usize) -> bool {
        let own = match self {
            Text::Literal(text) => 1 + text.len() / LETTERS,
            _ => 1,
        };
        let Some(rest) = left.checked_sub(own) else { return false };
        *left = rest;
        match self {
            Text::Url(inner, _) | Text::LowerCase(inner) | Text::Decoded(inner, _) => inner.fits(left),
            Text::Members(members) => members.list.fits(left),
            Text::Concat(parts) => parts.iter().all(|part| part.fits(left)),
            Text::Choose(_, then, otherwise) => then.fits(left) && otherwise.fits(left),
            Text::Capture(capture) => capture.subject.fits(left),
            Text::Literal(_)
            | Text::Request(_)
            | Text::Environment(_)
            | Text::Inner(_)
            | Text::Sent(_)
            | Text::SentBefore(_)
            | Text::Unknown(_) => true,
        }
    }

    /// `then` where `guard` holds, else `otherwise`; decided at once where that can be.
    pub fn choose(guard: Guard, then: Text, otherwise: Text) -> Self {
        match guard {
            Guard::Always => then,
            Guard::Never => otherwise,
            _ if then == otherwise => then,
            guard => Text::Choose(Arc::new(guard), Arc::new(then), Arc::new(otherwise)),
        }
    }
}
