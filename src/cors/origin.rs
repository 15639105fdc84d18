//! Origins: the text that a browser sends, and why other texts never are.

use super::suffix;
use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// An origin as a browser serialises it into the `Origin` header (HTML: serialization of an origin).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// `null`, or scheme, host and, where it is not the scheme's own, port.
    text: String,
    /// The bytes of `text` that are the scheme.
    scheme: usize,
    port: Option<u16>,
}

/// Why no browser ever sends a text as its origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OriginProblem {
    /// There is no text.
    Empty,
    /// `*`, which is no origin but stands for all.
    Wildcard,
    /// A `*` as part of the text, meant to stand for many names.
    Glob,
    /// The signs of a regular expression, in a plain text.
    Regex,
    /// A word that code left in the place of an origin: `undefined`, `None`, `true`, …
    Word(String),
    /// Two or more origins in one text.
    Several,
    /// Quotation marks in the text.
    Quotes(Option<String>),
    /// Blanks or line breaks in the text.
    Blank(Option<String>),
    /// No scheme in front of a host.
    NoScheme,
    /// A slash after the host.
    TrailingSlash(Option<String>),
    /// A path, a query or a fragment after the host.
    Path(Option<String>),
    /// A user name or a password before the host.
    UserInfo(Option<String>),
    /// Capital letters in scheme or host, which browsers put into lower case.
    UpperCase(Option<String>),
    /// The scheme's own port, which browsers leave out.
    DefaultPort(Option<String>),
    /// Another way to write an origin than the serialised one: letters beyond ASCII, `http:/`, `127.1`, …
    NotSerialized(Option<String>),
    /// Nothing that could be an origin.
    NotAnOrigin,
}

impl OriginProblem {
    /// The serialised origin that was meant, where there is no doubt about it.
    pub fn repaired(&self) -> Option<String> {
        match self {
            OriginProblem::Quotes(repaired)
            | OriginProblem::Blank(repaired)
            | OriginProblem::TrailingSlash(repaired)
            | OriginProblem::Path(repaired)
            | OriginProblem::UserInfo(repaired)
            | OriginProblem::UpperCase(repaired)
            | OriginProblem::DefaultPort(repaired)
            | OriginProblem::NotSerialized(repaired) => repaired.clone(),
            OriginProblem::Empty
            | OriginProblem::Wildcard
            | OriginProblem::Glob
            | OriginProblem::Regex
            | OriginProblem::Word(_)
            | OriginProblem::Several
            | OriginProblem::NoScheme
            | OriginProblem::NotAnOrigin => None,
        }
    }

    /// A clause that says what is wrong with the text: lower case, without a full stop.
    pub fn describe(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            OriginProblem::Empty => "it is empty",
            OriginProblem::Wildcard => "it is the wildcard, which is no origin",
            OriginProblem::Glob => "it has a `*` in it, and browsers send no wildcards",
            OriginProblem::Regex => "it is written like a regular expression, but is a plain text",
            OriginProblem::Word(word) => return Cow::Owned(format!("it is the word `{word}`")),
            OriginProblem::Several => "it holds more than one origin",
            OriginProblem::Quotes(_) => "it has quotation marks in it",
            OriginProblem::Blank(_) => "it has blanks in it",
            OriginProblem::NoScheme => "it has no scheme",
            OriginProblem::TrailingSlash(_) => "it ends in a slash",
            OriginProblem::Path(_) => "it has a path",
            OriginProblem::UserInfo(_) => "it names a user",
            OriginProblem::UpperCase(_) => "it has capital letters, and browsers send lower case",
            OriginProblem::DefaultPort(_) => "it spells out the default port, which browsers leave out",
            OriginProblem::NotSerialized(_) => "browsers write this origin in another way",
            OriginProblem::NotAnOrigin => "it is no origin",
        })
    }
}

impl fmt::Display for OriginProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.describe())
    }
}

impl std::error::Error for OriginProblem {}

/// Words that programs leave where an origin should be.
const WORDS: [&str; 12] = [
    "undefined",
    "none",
    "nil",
    "nan",
    "true",
    "false",
    "any",
    "all",
    "self",
    "same-origin",
    "[object object]",
    "[object undefined]",
];

impl Origin {
    /// Reads a text that a browser could send as its origin; `null` is one.
    ///
    /// # Errors
    /// The first reason why no browser sends this text.
    pub fn parse(text: &str) -> Result<Origin, OriginProblem> {
        if text == "null" {
            return Ok(Origin { text: text.to_owned(), scheme: 0, port: None });
        }
        if let Some(origin) = exact(text) {
            return Ok(origin);
        }
        Err(problem(text))
    }

    /// As [`Origin::parse`], taking what is no more than another spelling of an origin for that origin.
    pub fn parse_leniently(text: &str) -> Option<Origin> {
        match Origin::parse(text) {
            Ok(origin) => Some(origin),
            Err(problem) => exact(&problem.repaired()?),
        }
    }

    /// The text of the `Origin` header.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is the opaque origin `null` of sandboxed frames, `data:` URLs and some redirects.
    pub fn is_null(&self) -> bool {
        self.scheme == 0
    }

    /// The scheme; empty for `null`.
    pub fn scheme(&self) -> &str {
        self.text.get(..self.scheme).unwrap_or_default()
    }

    /// The host as it stands in the text, an IPv6 address with its brackets; empty for `null`.
    pub fn host(&self) -> &str {
        if self.is_null() {
            return "";
        }
        let rest = self.text.get(self.scheme + 3..).unwrap_or_default();
        match self.port {
            Some(_) => rest.rsplit_once(':').map_or(rest, |(host, _)| host),
            None => rest,
        }
    }

    /// The port, where it is not the default of the scheme.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether the host is this very machine: `localhost` and names under it, 127.0.0.0/8, `[::1]`, and `0.0.0.0`,
    /// which browsers connect to it.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        if host == "localhost" || host.ends_with(".localhost") {
            return true;
        }
        if let Ok(address) = host.parse::<Ipv4Addr>() {
            return address.is_loopback() || address.is_unspecified();
        }
        ipv6(host).is_some_and(|address| address.is_loopback() || address.is_unspecified())
    }

    /// Whether the host is an address of a private network (RFC 1918, RFC 3927, RFC 4193) or a name that exists only
    /// there (`.local`, `.internal`, `.lan`, `.home.arpa`).
    pub fn is_private_network(&self) -> bool {
        let host = self.host();
        if let Ok(address) = host.parse::<Ipv4Addr>() {
            return address.is_private() || address.is_link_local();
        }
        if let Some(address) = ipv6(host) {
            return address.is_unique_local() || address.is_unicast_link_local();
        }
        [".local", ".internal", ".lan", ".home.arpa"].iter().any(|suffix| host.ends_with(suffix))
    }

    /// Whether what this origin shows cannot be changed on the way: every scheme but `http` and `ws`, and loopback
    /// (Secure Contexts: potentially trustworthy origin).
    pub fn is_secure(&self) -> bool {
        !self.is_null() && (!matches!(self.scheme(), "http" | "ws" | "ftp") || self.is_loopback())
    }

    /// The domain that somebody registered, of which the host is a part (`example.co.uk` of `app.example.co.uk`), by
    /// the public suffix list. `None` for addresses, single labels and public suffixes.
    pub fn registrable_domain(&self) -> Option<&str> {
        suffix::registrable_domain(self.host())
    }

    /// The suffix of a hosting service, such as `github.io` or `vercel.app`, under which the host is one customer
    /// among many.
    pub fn public_suffix_tenant(&self) -> Option<&str> {
        let host = self.host();
        suffix::shared_host(host).filter(|suffix| *suffix != host)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

fn ipv6(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// The text as an origin, if it is serialised as one.
fn exact(text: &str) -> Option<Origin> {
    let (scheme, rest) = text.split_once("://")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    if !scheme.starts_with(|c: char| c.is_ascii_lowercase()) || !scheme.chars().all(plain) {
        return None;
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse::<u16>().ok()?)),
        _ => (rest, None),
    };
    if is_special(scheme) {
        let url = Url::parse(text).ok()?;
        if url.origin().ascii_serialization() != text || host.contains('*') {
            return None;
        }
    } else if scheme == "file" {
        // Android's web view says `file://`.
        if !rest.is_empty() {
            return None;
        }
    } else {
        // Extensions and applications (`chrome-extension://…`, `capacitor://localhost`, `tauri://localhost`).
        let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
        if host.is_empty() || !host.chars().all(label) {
            return None;
        }
    }
    Some(Origin { text: text.to_owned(), scheme: scheme.len(), port })
}

fn is_special(scheme: &str) -> bool {
    matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp")
}

/// Why the text is no serialised origin.
fn problem(text: &str) -> OriginProblem {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return OriginProblem::Empty;
    }
    if trimmed == "*" {
        return if trimmed == text { OriginProblem::Wildcard } else { OriginProblem::Blank(None) };
    }
    if WORDS.contains(&trimmed.to_ascii_lowercase().as_str()) {
        return OriginProblem::Word(trimmed.to_owned());
    }
    let separators = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
    let parts: Vec<&str> = trimmed.split(separators).filter(|part| !part.is_empty()).collect();
    let schemes = trimmed.matches("://").count();
    if schemes > 1 || parts.len() > 1 && (schemes == 1 || parts.iter().all(|part| part.contains('.'))) {
        return OriginProblem::Several;
    }
    if trimmed.contains(['"', '\'', '`']) {
        let inside = trimmed.trim_matches(['"', '\'', '`']);
        return OriginProblem::Quotes(serialized(inside));
    }
    if text.contains(char::is_whitespace) {
        return OriginProblem::Blank(if trimmed.contains(char::is_whitespace) { None } else { serialized(trimmed) });
    }
    if trimmed.contains(['\\', '^', '$', '(', '|', '{']) || trimmed.contains(".*") || trimmed.contains(".+") {
        return OriginProblem::Regex;
    }
    if trimmed.contains('*') {
        return OriginProblem::Glob;
    }
    let Some((scheme, rest)) = trimmed.split_once("://") else {
        return without_scheme(trimmed);
    };
    if rest.is_empty() || !is_special(&scheme.to_ascii_lowercase()) {
        return custom_scheme(trimmed, scheme, rest);
    }
    let Ok(url) = Url::parse(trimmed) else { return OriginProblem::NotAnOrigin };
    let repaired = serialized(trimmed);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if authority.contains('@') {
        OriginProblem::UserInfo(repaired)
    } else if rest.len() > authority.len() + 1 || rest.ends_with(['?', '#']) {
        OriginProblem::Path(repaired)
    } else if rest.len() > authority.len() {
        OriginProblem::TrailingSlash(repaired)
    } else if trimmed.bytes().any(|byte| byte.is_ascii_uppercase()) && !trimmed.contains('%') {
        OriginProblem::UpperCase(repaired)
    } else if url.port().is_none() && authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']')) {
        OriginProblem::DefaultPort(repaired)
    } else {
        OriginProblem::NotSerialized(repaired)
    }
}

/// A text with another scheme than the web's own that is not serialised.
fn custom_scheme(text: &str, scheme: &str, rest: &str) -> OriginProblem {
    let repaired = |candidate: &str| exact(candidate).map(|origin| origin.text);
    let authority = rest.split('/').next().unwrap_or(rest);
    let bare = format!("{scheme}://{authority}");
    if !authority.is_empty() && rest.len() > authority.len() {
        let slash = rest.len() == authority.len() + 1;
        return if slash {
            OriginProblem::TrailingSlash(repaired(&bare))
        } else {
            OriginProblem::Path(repaired(&bare))
        };
    }
    match repaired(&text.to_ascii_lowercase()) {
        Some(lower) => OriginProblem::UpperCase(Some(lower)),
        None => OriginProblem::NotAnOrigin,
    }
}

/// A text without `://`.
fn without_scheme(text: &str) -> OriginProblem {
    let lower = text.to_ascii_lowercase();
    for scheme in ["http:", "https:"] {
        if lower.strip_prefix(scheme).is_some_and(|rest| rest.contains(['/', '.'])) {
            return OriginProblem::NotSerialized(serialized(text));
        }
    }
    let host = text.trim_start_matches('/').split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let is_host = host.contains('.') && matches!(Host::parse(host), Ok(Host::Domain(_) | Host::Ipv4(_)));
    if is_host || host == "localhost" || host.starts_with('[') {
        OriginProblem::NoScheme
    } else {
        OriginProblem::NotAnOrigin
    }
}

/// The serialised origin of a URL of the web.
fn serialized(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| is_special(url.scheme()))?;
    let serialized = url.origin().ascii_serialization();
    exact(&serialized).map(|origin| origin.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_send_is_an_origin() {
        for text in [
            "https://app.example.com",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "http://[::1]:3000",
            "https://xn--bcher-kva.example",
            "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
            "moz-extension://0b1e3c5a-1",
            "capacitor://localhost",
            "file://",
            "null",
        ] {
            let origin = Origin::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
            assert_eq!(origin.as_str(), text);
        }
        let origin = Origin::parse("http://[::1]:3000").expect("an origin");
        assert_eq!((origin.scheme(), origin.host(), origin.port()), ("http", "[::1]", Some(3000)));
    }

    #[test]
    fn what_they_do_not_send_is_named() {
        use OriginProblem::*;
        let certain = |text: &str| Some(text.to_owned());
        let app = || certain("https://app.example.com");
        let cases = [
            ("", Empty),
            ("  ", Empty),
            ("*", Wildcard),
            ("https://*.example.com", Glob),
            ("*.example.com", Glob),
            ("http://localhost:*", Glob),
            (r"https://.*\.example\.com", Regex),
            (r"/\.example/", Regex),
            ("^https://a.example$", Regex),
            ("undefined", Word("undefined".into())),
            ("None", Word("None".into())),
            ("https://a.example,https://b.example", Several),
            ("https://a.example https://b.example", Several),
            ("a.example, b.example", Several),
            ("\"https://app.example.com\"", Quotes(app())),
            ("'*'", Quotes(None)),
            (" https://app.example.com", Blank(app())),
            ("https://app.example.com\n", Blank(app())),
            ("app.example.com", NoScheme),
            ("//app.example.com", NoScheme),
            ("localhost:3000", NoScheme),
            ("app.example.com:8080/x", NoScheme),
            ("https://app.example.com/", TrailingSlash(app())),
            ("https://APP.example.com:443/", TrailingSlash(app())),
            ("https://app.example.com/app", Path(app())),
            ("https://app.example.com?x", Path(app())),
            ("https://me@app.example.com", UserInfo(app())),
            ("https://APP.example.com", UpperCase(app())),
            ("HTTPS://app.example.com", UpperCase(app())),
            ("https://app.example.com:443", DefaultPort(app())),
            ("http://app.example.com:80", DefaultPort(certain("http://app.example.com"))),
            ("https:/app.example.com", NotSerialized(app())),
            ("http://127.1", NotSerialized(certain("http://127.0.0.1"))),
            ("https://bücher.example", NotSerialized(certain("https://xn--bcher-kva.example"))),
            ("https://app.example.com:99999", NotAnOrigin),
            ("https://", NotAnOrigin),
            ("capacitor://localhost/", TrailingSlash(certain("capacitor://localhost"))),
            ("whatever", NotAnOrigin),
        ];
        for (text, expected) in cases {
            assert_eq!(Origin::parse(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn a_repaired_origin_is_an_origin() {
        let parts = [
            "https",
            "HTTP",
            "://",
            ":",
            "/",
            "app.Example.com",
            "127.1",
            "*",
            "\"",
            " ",
            ",",
            "é",
            "@",
            ":443",
            "[::1]",
            "?",
            ".",
        ];
        let mut state = 7u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..5 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                text.push_str(parts[(state >> 33) as usize % parts.len()]);
            }
            if let Err(problem) = Origin::parse(&text)
                && let Some(repaired) = problem.repaired()
            {
                assert!(Origin::parse(&repaired).is_ok(), "{text:?} became {repaired:?}");
            }
        }
    }

    #[test]
    fn hosts_are_judged() {
        let origin = |text: &str| Origin::parse(text).expect("an origin");
        assert!(origin("http://localhost:3000").is_loopback());
        assert!(origin("http://app.localhost").is_loopback());
        assert!(origin("http://127.8.9.1").is_loopback());
        assert!(origin("http://[::1]").is_loopback());
        assert!(!origin("http://localhost.evil.net").is_loopback());
        assert!(origin("http://192.168.1.4").is_private_network());
        assert!(origin("http://localhost").is_secure());
        assert!(!origin("http://app.example.com").is_secure());
        assert!(!origin("null").is_secure());
        assert_eq!(origin("https://a.b.example.co.uk").registrable_domain(), Some("example.co.uk"));
        assert_eq!(origin("https://me.github.io").registrable_domain(), Some("me.github.io"));
        assert_eq!(origin("https://github.io").registrable_domain(), None);
        assert_eq!(origin("http://10.0.0.1").registrable_domain(), None);
        assert_eq!(origin("https://a.csb.app").registrable_domain(), Some("a.csb.app"));
    }

    #[test]
    fn shared_hosts_are_known() {
        for suffix in [
            "github.io",
            "vercel.app",
            "netlify.app",
            "herokuapp.com",
            "web.app",
            "firebaseapp.com",
            "pages.dev",
            "workers.dev",
            "onrender.com",
            "fly.dev",
            "ngrok.io",
            "ngrok-free.app",
            "trycloudflare.com",
            "azurewebsites.net",
            "cloudfront.net",
            "csb.app",
            "glitch.me",
            "surge.sh",
            "up.railway.app",
        ] {
            let origin = Origin::parse(&format!("https://me.{suffix}")).expect("an origin");
            assert_eq!(origin.public_suffix_tenant(), Some(suffix));
        }
        for host in ["https://app.example.co.uk", "http://localhost:3000", "https://example.com", "null"] {
            assert_eq!(Origin::parse(host).expect("an origin").public_suffix_tenant(), None, "{host}");
        }
    }
}
