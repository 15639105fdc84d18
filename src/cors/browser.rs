//! What a browser does: the CORS protocol of the Fetch standard, as Chromium plays it.
//!
//! The order of the checks and their outcomes were recorded from Chromium 156 (`fixtures/observed/browser.json`).
//! Answers may be known in part. A check that fails whatever the unknown part is still fails; one that hangs on it is
//! unknown.

use super::block::{Block, BlockCode};
use super::headers::{self, ALLOW_CREDENTIALS, ALLOW_HEADERS, ALLOW_METHODS, ALLOW_ORIGIN, EXPOSE_HEADERS, MAX_AGE};
use super::origin::Origin;
use super::request::Request;
use std::time::Duration;
use url::Url;

/// Whether cookies and other credentials go with a cross-origin request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Credentials {
    /// `credentials: 'include'`, `withCredentials = true`.
    Include,
    /// `credentials: 'same-origin'`, the default: to another origin the same as `Omit`.
    SameOrigin,
    /// `credentials: 'omit'`.
    Omit,
}

impl Credentials {
    /// Whether they go with a request to another origin.
    pub fn included(self) -> bool {
        self == Credentials::Include
    }
}

/// A cross-origin call that a page makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The page's serialised origin, or `null` for an opaque one.
    pub origin: String,
    /// The method as the page spells it; see [`normalize_method`].
    pub method: String,
    /// Path and query of the URL asked for.
    pub path: String,
    /// The headers the page sets, `Content-Type` of a body included.
    pub headers: Vec<(String, String)>,
    /// Whether credentials go with it.
    pub credentials: Credentials,
}

impl Fetch {
    /// A `GET` without headers and without credentials.
    pub fn get(origin: impl Into<String>, path: impl Into<String>) -> Fetch {
        Fetch {
            origin: origin.into(),
            method: "GET".to_owned(),
            path: path.into(),
            headers: Vec::new(),
            credentials: Credentials::SameOrigin,
        }
    }

    /// The same call with another method.
    pub fn with_method(mut self, method: impl Into<String>) -> Fetch {
        self.method = method.into();
        self
    }

    /// The same call with one more header.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Fetch {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same call with credentials.
    pub fn with_credentials(mut self) -> Fetch {
        self.credentials = Credentials::Include;
        self
    }
}

/// An answer, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The status, where it is known.
    pub status: Option<u16>,
    /// Name and value of each header line whose presence and value are known, in the order sent.
    pub headers: Vec<(String, String)>,
    /// Lower-case names of the headers whose presence or value is not known.
    pub unknown: Vec<String>,
}

impl Reply {
    /// A fully known answer without headers.
    pub fn new(status: u16) -> Reply {
        Reply { status: Some(status), headers: Vec::new(), unknown: Vec::new() }
    }

    /// The same answer with one more header line.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same answer with a header of which nothing is known.
    pub fn with_unknown(mut self, name: &str) -> Reply {
        self.unknown.push(name.to_ascii_lowercase());
        self
    }

    /// The values of all lines of this name, compared without case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn is_unknown(&self, name: &str) -> bool {
        self.unknown.iter().any(|unknown| unknown.eq_ignore_ascii_case(name))
    }

    /// The value a browser sees: all lines joined by commas, without blanks around it.
    fn combined(&self, name: &str) -> Option<String> {
        let mut lines = self.values(name).map(headers::trim).peekable();
        lines.peek()?;
        Some(headers::trim(&lines.collect::<Vec<_>>().join(", ")).to_owned())
    }
}

/// What a browser decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The page goes on.
    Allowed,
    /// The page gets a network error.
    Blocked(Block),
    /// It depends on these: lower-case header names, or `status`.
    Unknown(Vec<String>),
}

impl Verdict {
    /// Whether the page goes on for certain.
    pub fn is_allowed(&self) -> bool {
        *self == Verdict::Allowed
    }

    /// The refusal, if there is one for certain.
    pub fn block(&self) -> Option<&Block> {
        match self {
            Verdict::Blocked(block) => Some(block),
            Verdict::Allowed | Verdict::Unknown(_) => None,
        }
    }
}

/// The method as `fetch` sends it: these six are put into upper case, every other is left as it is (Fetch: normalize
/// a method), so that `patch` stays `patch`.
pub fn normalize_method(method: &str) -> &str {
    ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(method))
        .unwrap_or(method)
}

/// Whether this method, as sent, needs no preflight by itself (Fetch: CORS-safelisted method).
pub fn is_safelisted_method(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST")
}

/// The preflight that goes ahead of the call; `None` when it needs none.
pub fn needs_preflight(fetch: &Fetch) -> Option<Request> {
    let method = normalize_method(&fetch.method);
    let names = headers::unsafe_request_header_names(&fetch.headers);
    if is_safelisted_method(method) && names.is_empty() {
        return None;
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Some(Request::preflight(fetch.path.as_str(), fetch.origin.as_str(), method, &names))
}

/// The request itself. Headers that scripts cannot set are left out.
pub fn actual_request(fetch: &Fetch) -> Request {
    let mut request = Request::new(normalize_method(&fetch.method), fetch.path.as_str()).with_origin(&*fetch.origin);
    let allowed = fetch.headers.iter().filter(|(name, value)| !headers::is_forbidden_request_header(name, value));
    request.headers.extend(allowed.cloned());
    request
}

/// One check of an answer.
enum Check {
    Passed,
    Failed(Block),
    Unknown(&'static str),
}

/// The first check that fails whatever is unknown decides; without one, whatever is unknown makes the verdict unknown.
fn decide(checks: impl IntoIterator<Item = Check>) -> Verdict {
    let mut unknown = Vec::new();
    for check in checks {
        match check {
            Check::Passed => {}
            Check::Failed(block) => return Verdict::Blocked(block),
            Check::Unknown(name) => unknown.push(name.to_owned()),
        }
    }
    if unknown.is_empty() { Verdict::Allowed } else { Verdict::Unknown(unknown) }
}

/// Whether the answer to the preflight lets the call go ahead. Only the answer to the preflight counts here; the
/// answer to the call itself is judged by [`check_response`].
pub fn check_preflight(fetch: &Fetch, reply: &Reply) -> Verdict {
    let method = normalize_method(&fetch.method);
    let status = reply.status;
    let verdict = decide([
        match status {
            Some(301 | 302 | 303 | 307 | 308) => {
                Check::Failed(Block::new(BlockCode::PreflightDisallowedRedirect, true))
            }
            _ => Check::Passed,
        },
        check_origin(fetch, reply, true),
        check_credentials(fetch, reply, true),
        match status {
            Some(200..=299) => Check::Passed,
            Some(_) => Check::Failed(Block::new(BlockCode::PreflightInvalidStatus, true)),
            None => Check::Unknown("status"),
        },
        check_list_parses(reply, ALLOW_METHODS, BlockCode::InvalidAllowMethodsPreflightResponse),
        check_list_parses(reply, ALLOW_HEADERS, BlockCode::InvalidAllowHeadersPreflightResponse),
        check_method(fetch, reply, method),
        check_headers(fetch, reply),
    ]);
    with_status(verdict, status)
}

/// Whether the page may read the answer to its call. Statuses do not matter here.
pub fn check_response(fetch: &Fetch, reply: &Reply) -> Verdict {
    let verdict = decide([check_origin(fetch, reply, false), check_credentials(fetch, reply, false)]);
    with_status(verdict, reply.status)
}

fn with_status(verdict: Verdict, status: Option<u16>) -> Verdict {
    match verdict {
        Verdict::Blocked(block) => Verdict::Blocked(block.with_status(status)),
        other => other,
    }
}

/// Fetch: CORS check, the part about the origin.
fn check_origin(fetch: &Fetch, reply: &Reply, preflight: bool) -> Check {
    let failed = |code, value: &str| Check::Failed(Block::new(code, preflight).with_parameter(value));
    let value = reply.combined(ALLOW_ORIGIN);
    if reply.is_unknown(ALLOW_ORIGIN) {
        // Two lines are too many, whatever a third may say.
        return match value {
            Some(value) if reply.values(ALLOW_ORIGIN).count() > 1 => {
                failed(BlockCode::MultipleAllowOriginValues, &value)
            }
            _ => Check::Unknown(ALLOW_ORIGIN),
        };
    }
    let Some(value) = value else { return failed(BlockCode::MissingAllowOriginHeader, "") };
    if value == "*" {
        return if fetch.credentials.included() {
            failed(BlockCode::WildcardOriginNotAllowed, "")
        } else {
            Check::Passed
        };
    }
    if value == fetch.origin {
        return Check::Passed;
    }
    if value.contains([',', ' ']) {
        return failed(BlockCode::MultipleAllowOriginValues, &value);
    }
    if value == "null" || Url::parse(&value).is_ok() {
        return failed(BlockCode::AllowOriginMismatch, &value);
    }
    failed(BlockCode::InvalidAllowOriginValue, &value)
}

/// Fetch: CORS check, the part about credentials.
fn check_credentials(fetch: &Fetch, reply: &Reply, preflight: bool) -> Check {
    if !fetch.credentials.included() {
        return Check::Passed;
    }
    if reply.is_unknown(ALLOW_CREDENTIALS) {
        return Check::Unknown(ALLOW_CREDENTIALS);
    }
    let value = reply.combined(ALLOW_CREDENTIALS).unwrap_or_default();
    if value == "true" {
        return Check::Passed;
    }
    Check::Failed(Block::new(BlockCode::InvalidAllowCredentials, preflight).with_parameter(value))
}

fn check_list_parses(reply: &Reply, name: &'static str, code: BlockCode) -> Check {
    // A line that cannot be parsed spoils the whole, whatever else there is.
    match headers::parse_list(reply.values(name)) {
        Some(_) => Check::Passed,
        None => Check::Failed(Block::new(code, true)),
    }
}

/// The members of a list and whether a `*` in it stands for everything.
fn allowed(fetch: &Fetch, reply: &Reply, name: &str) -> (Vec<String>, bool) {
    let members = headers::parse_list(reply.values(name)).unwrap_or_default();
    let everything = !fetch.credentials.included() && members.iter().any(|member| member == "*");
    (members, everything)
}

fn check_method(fetch: &Fetch, reply: &Reply, method: &str) -> Check {
    let (methods, everything) = allowed(fetch, reply, ALLOW_METHODS);
    if is_safelisted_method(method) || everything || methods.iter().any(|allowed| allowed == method) {
        Check::Passed
    } else if reply.is_unknown(ALLOW_METHODS) {
        Check::Unknown(ALLOW_METHODS)
    } else {
        Check::Failed(Block::new(BlockCode::MethodDisallowedByPreflightResponse, true).with_parameter(method))
    }
}

fn check_headers(fetch: &Fetch, reply: &Reply) -> Check {
    let (allowed, everything) = allowed(fetch, reply, ALLOW_HEADERS);
    let missing = headers::unsafe_request_header_names(&fetch.headers)
        .into_iter()
        .find(|name| !everything && !allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)));
    match missing {
        None => Check::Passed,
        Some(_) if reply.is_unknown(ALLOW_HEADERS) => Check::Unknown(ALLOW_HEADERS),
        Some(name) => {
            Check::Failed(Block::new(BlockCode::HeaderDisallowedByPreflightResponse, true).with_parameter(name))
        }
    }
}

/// Whether the call passes only because a `*` in `Access-Control-Allow-Headers` covers its `Authorization` header:
/// Chromium lets it and announces the end of that, the standard already asks for the name itself.
pub fn authorization_by_wildcard(fetch: &Fetch, reply: &Reply) -> bool {
    let (allowed, everything) = allowed(fetch, reply, ALLOW_HEADERS);
    everything
        && !allowed.iter().any(|name| name.eq_ignore_ascii_case("authorization"))
        && fetch.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
}

/// Whether the page may read the response header of this name; `None` when that hangs on an unknown
/// `Access-Control-Expose-Headers`.
pub fn is_readable(fetch: &Fetch, reply: &Reply, name: &str) -> Option<bool> {
    if headers::is_forbidden_response_header(name) {
        return Some(false);
    }
    let (exposed, everything) = allowed(fetch, reply, EXPOSE_HEADERS);
    if headers::is_safelisted_response_header(name)
        || everything
        || exposed.iter().any(|exposed| exposed.eq_ignore_ascii_case(name))
    {
        return Some(true);
    }
    if reply.is_unknown(EXPOSE_HEADERS) { None } else { Some(false) }
}

/// The names, lower case and once each, of the headers of this answer that the page can read for certain.
pub fn readable_headers(fetch: &Fetch, reply: &Reply) -> Vec<String> {
    let mut names: Vec<String> = reply.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| is_readable(fetch, reply, name) == Some(true));
    names
}

/// How long Chromium keeps the answer to a preflight: `Access-Control-Max-Age` in whole seconds, at most two hours;
/// five seconds when it is missing or no whole number; not at all from 0 down.
pub fn preflight_lifetime(reply: &Reply) -> Duration {
    const DEFAULT: u64 = 5;
    const MOST: u64 = 7200;
    let seconds = match reply.combined(MAX_AGE).map(|value| value.parse::<i64>()) {
        Some(Ok(seconds)) => u64::try_from(seconds).unwrap_or(0),
        Some(Err(_)) | None => DEFAULT,
    };
    Duration::from_secs(seconds.min(MOST))
}

/// Whether a later call to the same URL goes without a preflight of its own, because the answer that an earlier call
/// got covers it.
pub fn is_covered_by_cache(earlier: &Fetch, reply: &Reply, elapsed: Duration, later: &Fetch) -> bool {
    // Wildcards mean what they meant for the call whose answer was kept.
    let later_call = Fetch { credentials: earlier.credentials, ..later.clone() };
    check_preflight(earlier, reply).is_allowed()
        && earlier.origin == later.origin
        && (earlier.credentials.included() || !later.credentials.included())
        && elapsed < preflight_lifetime(reply)
        && decide([
            check_method(&later_call, reply, normalize_method(&later.method)),
            check_headers(&later_call, reply),
        ])
        .is_allowed()
}

/// Whether a page of this origin is kept from asking for this URL because it would be less secure than the page itself
/// (Mixed Content): the page came over https, and the URL is plain http to a host that is not loopback.
pub fn is_mixed_content(page: &Origin, url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    page.scheme() == "https"
        && matches!(url.scheme(), "http" | "ws")
        && Origin::parse(&url.origin().ascii_serialization()).is_ok_and(|target| !target.is_secure())
}

/// Where a redirect leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The URL asked for next.
    pub url: String,
    /// The call as it goes on: its origin becomes `null` after a hop from one foreign origin to another, its method
    /// becomes `GET` after a 303, or a `POST` answered 301 or 302, and then it has no body.
    pub fetch: Fetch,
}

/// Follows the redirect that the call to `url` was answered with; the answer itself must have passed
/// [`check_response`] (Fetch: HTTP-redirect fetch). `None` when the status is none of a redirect, or the location no
/// `http` URL.
///
/// # Errors
/// The refusal, when the location names a user.
pub fn follow_redirect(fetch: &Fetch, url: &str, status: u16, location: &str) -> Option<Result<Redirect, Block>> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let current = Url::parse(url).ok()?;
    let next = current.join(location).ok()?;
    if !matches!(next.scheme(), "http" | "https") {
        return None;
    }
    let same_as_page = next.origin().ascii_serialization() == fetch.origin;
    if !same_as_page && (!next.username().is_empty() || next.password().is_some()) {
        return Some(Err(Block::new(BlockCode::RedirectContainsCredentials, false).with_status(Some(status))));
    }
    let mut followed = fetch.clone();
    let method = normalize_method(&fetch.method);
    let becomes_get =
        matches!(status, 301 | 302) && method == "POST" || status == 303 && !matches!(method, "GET" | "HEAD");
    if becomes_get {
        followed.method = "GET".to_owned();
        const BODY: [&str; 4] = ["content-encoding", "content-language", "content-location", "content-type"];
        followed.headers.retain(|(name, _)| !BODY.iter().any(|body| body.eq_ignore_ascii_case(name)));
    }
    if next.origin() != current.origin() {
        followed.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        if current.origin().ascii_serialization() != fetch.origin {
            followed.origin = "null".to_owned();
        }
    }
    followed.path = match next.query() {
        Some(query) => format!("{}?{query}", next.path()),
        None => next.path().to_owned(),
    };
    Some(Ok(Redirect { url: next.into(), fetch: followed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "https://app.example.com";

    fn put() -> Fetch {
        Fetch::get(APP, "/api").with_method("put").with_header("X-B", "1").with_header("X-A", "1")
    }

    fn open_preflight() -> Reply {
        Reply::new(204)
            .with_header(ALLOW_ORIGIN, APP)
            .with_header(ALLOW_METHODS, "PUT")
            .with_header(ALLOW_HEADERS, "x-a, X-B")
    }

    fn without(reply: &Reply, name: &str) -> Reply {
        let mut reply = reply.clone();
        reply.headers.retain(|(field, _)| field != name);
        reply.with_unknown(name)
    }

    #[test]
    fn what_is_unknown_makes_unknown_only_what_hangs_on_it() {
        let fetch = put();
        let reply = open_preflight();
        assert_eq!(check_preflight(&fetch, &reply), Verdict::Allowed);
        for name in [ALLOW_ORIGIN, ALLOW_METHODS, ALLOW_HEADERS] {
            let unknown = Verdict::Unknown(vec![name.to_owned()]);
            assert_eq!(check_preflight(&fetch, &without(&reply, name)), unknown);
        }
        // Credentials are not asked for, so theirs do not matter; nor do methods for a POST.
        assert_eq!(check_preflight(&fetch, &without(&reply, ALLOW_CREDENTIALS)), Verdict::Allowed);
        let post = Fetch { method: "POST".to_owned(), ..fetch.clone() };
        assert_eq!(check_preflight(&post, &without(&reply, ALLOW_METHODS)), Verdict::Allowed);
        let plain = Fetch { headers: Vec::new(), ..fetch.clone() };
        assert_eq!(check_preflight(&plain, &without(&reply, ALLOW_HEADERS)), Verdict::Allowed);

        let no_status = Reply { status: None, ..reply.clone() };
        assert_eq!(check_preflight(&fetch, &no_status), Verdict::Unknown(vec!["status".to_owned()]));
        assert_eq!(check_response(&fetch, &no_status), Verdict::Allowed);
    }

    #[test]
    fn a_check_that_fails_anyway_fails() {
        let code = |verdict: Verdict| verdict.block().map(|block| block.code);
        let no_status = Reply { status: None, ..Reply::new(200) };
        let missing = Some(BlockCode::MissingAllowOriginHeader);
        assert_eq!(code(check_preflight(&put(), &no_status)), missing, "whatever the status");
        let unknown_origin = without(&Reply { status: Some(404), ..open_preflight() }, ALLOW_ORIGIN);
        assert_eq!(code(check_preflight(&put(), &unknown_origin)), Some(BlockCode::PreflightInvalidStatus));
        let two = Reply::new(200)
            .with_header(ALLOW_ORIGIN, APP)
            .with_header(ALLOW_ORIGIN, APP)
            .with_unknown("Access-Control-Allow-Origin");
        assert_eq!(code(check_response(&put(), &two)), Some(BlockCode::MultipleAllowOriginValues));
        let quoted = without(&open_preflight(), ALLOW_METHODS).with_header(ALLOW_METHODS, "\"PUT\"");
        assert_eq!(code(check_preflight(&put(), &quoted)), Some(BlockCode::InvalidAllowMethodsPreflightResponse));
    }

    #[test]
    fn a_wildcard_is_a_word_for_calls_with_credentials() {
        let reply = Reply::new(204)
            .with_header(ALLOW_ORIGIN, APP)
            .with_header(ALLOW_CREDENTIALS, "true")
            .with_header(ALLOW_METHODS, "*")
            .with_header(EXPOSE_HEADERS, "*")
            .with_header("X-Total", "1");
        let fetch = Fetch::get(APP, "/").with_method("DELETE");
        assert_eq!(check_preflight(&fetch, &reply), Verdict::Allowed);
        assert_eq!(is_readable(&fetch, &reply, "x-total"), Some(true));
        let fetch = fetch.with_credentials();
        assert!(check_preflight(&fetch, &reply).block().is_some());
        assert_eq!(is_readable(&fetch, &reply, "x-total"), Some(false));
        assert_eq!(is_readable(&fetch, &without(&reply, EXPOSE_HEADERS), "x-total"), None);
        assert_eq!(is_readable(&fetch, &without(&reply, EXPOSE_HEADERS), "content-type"), Some(true));
    }

    #[test]
    fn redirects_change_the_call() {
        let follow = |method: &str, status, location| {
            let fetch = Fetch::get(APP, "/api")
                .with_method(method)
                .with_header("content-type", "text/plain")
                .with_header("authorization", "x");
            follow_redirect(&fetch, "https://api.example.com/api", status, location)
                .map(|next| next.expect("no refusal"))
        };
        let names =
            |redirect: &Redirect| redirect.fetch.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let same = follow("POST", 307, "/next?x=1").expect("a redirect");
        assert_eq!((same.fetch.method.as_str(), same.fetch.path.as_str()), ("POST", "/next?x=1"));
        assert_eq!((same.fetch.origin.as_str(), names(&same).len()), (APP, 2));
        let seen = follow("POST", 302, "/next").expect("a redirect");
        assert_eq!((seen.fetch.method.as_str(), names(&seen)), ("GET", vec!["authorization".to_owned()]));
        assert_eq!(follow("PUT", 302, "/next").expect("a redirect").fetch.method, "PUT");
        assert_eq!(follow("PUT", 303, "/next").expect("a redirect").fetch.method, "GET");
        let other = follow("GET", 301, "https://other.example/x").expect("a redirect");
        assert_eq!((other.fetch.origin.as_str(), names(&other)), ("null", vec!["content-type".to_owned()]));
        assert_eq!(follow("GET", 304, "/next"), None);
        assert_eq!(follow("GET", 302, "mailto:a@b"), None);
    }

    #[test]
    fn the_cache_keeps_what_max_age_says() {
        let seconds = |value: &str| preflight_lifetime(&Reply::new(204).with_header(MAX_AGE, value)).as_secs();
        assert_eq!(
            [seconds("600"), seconds("0"), seconds("-1"), seconds("1d"), seconds("86400")],
            [600, 0, 0, 5, 7200]
        );
        assert_eq!(preflight_lifetime(&Reply::new(204)).as_secs(), 5);
        // What was allowed with credentials is allowed without; not the other way round.
        let with = put().with_credentials();
        let reply = open_preflight().with_header(ALLOW_CREDENTIALS, "true");
        assert!(is_covered_by_cache(&with, &reply, Duration::ZERO, &put()));
        assert!(!is_covered_by_cache(&put(), &reply, Duration::ZERO, &with));
    }
}
