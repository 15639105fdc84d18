//! Does our browser decide as the recorded one did?
//!
//! Every call of `fixtures/observed/browser.json` is played through `corslint::cors`, and outcome, Chromium's code, the
//! blamed value, the console text and what the server was asked must be the same. How the groups are judged:
//!
//! - `origin`, `credentials`, `preflight`, `methods`, `headers`, `order`, `simple`, `expose`, `redirect`: played from the
//!   page's call to the last answer, redirects included.
//! - `cache`: whether the second call goes without a preflight of its own.
//! - `vary`: the HTTP cache is played by hand; the second page's check is ours.
//! - `network`: with the permission granted as any other; without it the headers let the call pass (which is the point
//!   of these recordings), and the text of the refusal is ours.
//! - `policy`: mixed content.
//!
//! The attempts that pages made at real servers are played as far as the probes beside them have the answers.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::observed::{self, Answer, Outcome};
use corslint::cors::browser::{
    actual_request, authorization_by_wildcard, check_preflight, check_response, follow_redirect, is_covered_by_cache,
    is_mixed_content, is_readable, needs_preflight, readable_headers,
};
use corslint::cors::{Block, BlockCode, Browser, Credentials, Fetch, Origin, Reply, Request, Verdict, console};
use serde::Deserialize;
use serde_json::Value;

const APP: &str = "https://app.example.com";
const CALLED: &str = "http://localhost:8102/api";

#[derive(Deserialize)]
struct Recordings {
    observations: Vec<Recording>,
}

#[derive(Deserialize)]
struct Recording {
    id: String,
    group: String,
    title: String,
    pre: Option<Vec<Value>>,
    real: Option<Vec<Value>>,
    server_saw: Option<Vec<BTreeMap<String, Option<String>>>>,
    browser: Vec<Call>,
    preflights_for_two_requests: Option<u32>,
    second: Option<Value>,
    server_hits: Option<u32>,
}

#[derive(Deserialize)]
struct Call {
    origin: String,
    url: Option<String>,
    fetch: Value,
    outcome: String,
    status: Option<u16>,
    cors_error: Option<String>,
    failed_parameter: Option<String>,
    #[serde(default)]
    console: Vec<String>,
    #[serde(default)]
    network: Vec<String>,
    #[serde(default)]
    deprecations: Vec<String>,
    readable_extra_headers: Option<Vec<String>>,
    read: Option<BTreeMap<String, Option<String>>>,
}

fn recordings(groups: &[&str]) -> Vec<Recording> {
    let text = std::fs::read_to_string(observed::folder().join("browser.json")).expect("the recordings");
    let recordings: Recordings = serde_json::from_str(&text).expect("recordings in their format");
    let chosen: Vec<_> =
        recordings.observations.into_iter().filter(|recording| groups.contains(&recording.group.as_str())).collect();
    assert!(!chosen.is_empty(), "nothing was recorded of {groups:?}");
    chosen
}

/// The call that the second argument of `fetch` describes.
fn fetch(origin: &str, url: &str, init: &Value) -> Fetch {
    let url = url::Url::parse(url).expect("a URL");
    let mut fetch = Fetch::get(origin, url.path()).with_method(init["method"].as_str().unwrap_or("GET"));
    for (name, value) in init["headers"].as_object().into_iter().flatten() {
        fetch = fetch.with_header(name, value.as_str().expect("a text"));
    }
    fetch.credentials = match init["credentials"].as_str() {
        Some("include") => Credentials::Include,
        Some("omit") => Credentials::Omit,
        _ => Credentials::SameOrigin,
    };
    fetch
}

/// An answer from its row: the status, then the header lines.
fn reply(row: &[Value]) -> Reply {
    let status = row.first().and_then(Value::as_u64).expect("a status");
    row.iter().skip(1).fold(Reply::new(u16::try_from(status).expect("a status")), |reply, line| {
        let (name, value) = line.as_str().and_then(|line| line.split_once(':')).expect("a header line");
        reply.with_header(name, value)
    })
}

/// What the redirect targets answer: their answers were not recorded, but are named by their paths.
fn target(request: &Request) -> Option<Reply> {
    let allowed = match request.path.as_str() {
        "/target-ok" => APP,
        "/target-null" => "null",
        "/target-star" => "*",
        _ => return None,
    };
    Some(if request.method == "OPTIONS" {
        Reply::new(204)
            .with_header("access-control-allow-origin", allowed)
            .with_header("access-control-allow-methods", "GET,PUT,PATCH,DELETE")
            .with_header("access-control-allow-headers", "authorization,content-type,x-custom")
    } else {
        Reply::new(200).with_header("access-control-allow-origin", allowed)
    })
}

/// How a call ended.
struct End {
    verdict: Verdict,
    url: String,
    last: Reply,
    /// Every request made, with the answer to it.
    sent: Vec<(Request, Reply)>,
    by_wildcard: bool,
}

/// Plays a call to its end, against a server that answers what `answer` says.
fn play(fetch: Fetch, url: &str, follow: bool, answer: impl Fn(&str, &Request) -> Option<Reply>) -> Option<End> {
    let mut fetch = fetch;
    let mut url = url.to_owned();
    let mut sent = Vec::new();
    let mut by_wildcard = false;
    loop {
        if let Some(preflight) = needs_preflight(&fetch) {
            let reply = answer(&url, &preflight)?;
            sent.push((preflight, reply.clone()));
            let verdict = check_preflight(&fetch, &reply);
            by_wildcard |= authorization_by_wildcard(&fetch, &reply);
            if !verdict.is_allowed() {
                return Some(End { verdict, url, last: reply, sent, by_wildcard });
            }
        }
        let request = actual_request(&fetch);
        let reply = answer(&url, &request)?;
        sent.push((request, reply.clone()));
        let verdict = check_response(&fetch, &reply);
        let location = reply.values("location").next();
        if let (true, true, Some(status), Some(location)) = (follow, verdict.is_allowed(), reply.status, location) {
            match follow_redirect(&fetch, &url, status, location) {
                None => {}
                Some(Err(block)) => {
                    return Some(End { verdict: Verdict::Blocked(block), url, last: reply, sent, by_wildcard });
                }
                Some(Ok(redirect)) => {
                    fetch = redirect.fetch;
                    url = redirect.url;
                    continue;
                }
            }
        }
        return Some(End { verdict, url, last: reply, sent, by_wildcard });
    }
}

/// The status of the last answer on the wire to the call itself.
fn status_on_the_wire(call: &Call) -> Option<u16> {
    let method = call.fetch["method"].as_str()?;
    let line = call.network.iter().rev().find(|line| line.starts_with(method))?;
    line.split(' ').nth(1)?.parse().ok()
}

/// Compares a refusal with what was recorded.
fn assert_same_block(name: &str, block: &Block, url: &str, first: &str, call: &Call) {
    assert_eq!(Some(block.chromium_name()), call.cors_error, "{name}: code");
    assert_eq!(block.parameter, call.failed_parameter.clone().unwrap_or_default(), "{name}: blamed value");
    let printed = block.console_after_redirect(url, first, &call.origin, Browser::Chrome);
    assert_eq!(vec![printed.clone()], call.console, "{name}: console");

    let read = console::parse(&printed).unwrap_or_else(|| panic!("{name}: cannot read {printed}"));
    assert_eq!((read.code, read.preflight), (block.code, Some(block.preflight)), "{name}: what the console says");
    assert_eq!(read.url.as_deref(), Some(url), "{name}: URL in the console");
    assert_eq!(read.origin.as_deref(), Some(call.origin.as_str()), "{name}: origin in the console");
    assert_eq!(read.value.unwrap_or_default(), block.parameter, "{name}: value in the console");
    assert!(!block.summary().is_empty() && !block.summary().ends_with('.'), "{name}: summary");
}

#[test]
fn calls_end_as_in_the_browser() {
    let groups = ["origin", "credentials", "preflight", "methods", "headers", "order", "simple", "expose", "redirect"];
    let mut blocked = 0;
    let mut allowed = 0;
    for recording in recordings(&groups) {
        for call in &recording.browser {
            let name = &format!("{}/{} ({})", recording.group, recording.id, recording.title);
            let real = reply(recording.real.as_deref().expect("an answer"));
            let pre = recording.pre.as_deref().map(reply);
            // A method that Node's parser does not know is answered 400 before the program sees it.
            let never_reached = status_on_the_wire(call).filter(|status| *status == 400).map(Reply::new);
            let answer = |_: &str, request: &Request| match (request.method.as_str(), target(request)) {
                (_, Some(reply)) => Some(reply),
                ("OPTIONS", None) => Some(pre.clone().unwrap_or_else(|| panic!("{name}: no preflight was expected"))),
                (_, None) => Some(never_reached.clone().unwrap_or_else(|| real.clone())),
            };
            let mode = call.fetch["redirect"].as_str();
            let end = play(fetch(&call.origin, CALLED, &call.fetch), CALLED, mode.is_none(), answer).expect("an end");

            match (&end.verdict, call.outcome.as_str()) {
                (Verdict::Allowed, "ok") => {
                    allowed += 1;
                    // A redirect that is not followed shows no status.
                    let status = if mode == Some("manual") { Some(0) } else { end.last.status };
                    assert_eq!(status, call.status, "{name}: status");
                    assert_eq!(end.by_wildcard, !call.deprecations.is_empty(), "{name}: deprecations");
                }
                // `redirect: 'error'` ends in a network error after the checks of CORS have passed.
                (Verdict::Allowed, "blocked") if mode == Some("error") => {
                    assert_eq!(call.cors_error, None, "{name}");
                }
                (Verdict::Blocked(block), "blocked") => {
                    blocked += 1;
                    assert_same_block(name, block, &end.url, CALLED, call);
                }
                (verdict, outcome) => panic!("{name}: {outcome} in the browser, {verdict:?} here"),
            }
            assert_same_requests(name, &end, &recording, never_reached.is_some());
            assert_same_reading(name, &fetch(&call.origin, CALLED, &call.fetch), &end.last, call);
        }
    }
    assert!(blocked >= 60 && allowed >= 30, "{blocked} blocked and {allowed} allowed");
}

/// The server was asked the same, in the same order.
fn assert_same_requests(name: &str, end: &End, recording: &Recording, never_reached: bool) {
    let Some(saw) = &recording.server_saw else { return };
    let mut asked = end.sent.clone();
    if never_reached {
        asked.pop();
    }
    assert_eq!(asked.len(), saw.len(), "{name}: number of requests");
    for ((request, _), saw) in asked.iter().zip(saw) {
        let seen = |key: &str| saw.get(key).and_then(|value| value.as_deref());
        assert_eq!(Some(request.method.as_str()), seen("method"), "{name}: method");
        assert_eq!(Some(request.path.as_str()), seen("path"), "{name}: path");
        assert_eq!(request.origin(), seen("origin"), "{name}: origin");
        assert_eq!(request.header("access-control-request-method"), seen("acrm"), "{name}: method asked for");
        assert_eq!(request.header("access-control-request-headers"), seen("acrh"), "{name}: headers asked for");
    }
}

/// The page could read the same headers.
fn assert_same_reading(name: &str, fetch: &Fetch, last: &Reply, call: &Call) {
    for (header, value) in call.read.iter().flatten() {
        let ours = is_readable(fetch, last, header).expect("known") && last.values(header).next().is_some();
        assert_eq!(ours, value.is_some(), "{name}: reading {header}");
    }
    if let Some(recorded) = &call.readable_extra_headers {
        let ours = readable_headers(fetch, last);
        for header in &ours {
            assert!(recorded.contains(header), "{name}: {header} was not readable");
        }
        for header in recorded.iter().filter(|header| last.values(header).next().is_some()) {
            assert!(ours.contains(header), "{name}: {header} was readable");
        }
    }
}

#[test]
fn preflights_are_kept_as_long() {
    for recording in recordings(&["cache"]) {
        let name = &recording.id;
        let call = &recording.browser[0];
        let url = call.url.as_deref().expect("a URL");
        let second = recording.second.as_ref().expect("a second call");
        let waited = Duration::from_millis(second["wait_ms"].as_u64().expect("milliseconds"));
        let earlier = Fetch::get(&*call.origin, url::Url::parse(url).expect("a URL").path())
            .with_method("PUT")
            .with_header("x-custom", "1");
        let later = fetch(&call.origin, url, &call.fetch);
        let pre = reply(recording.pre.as_deref().expect("an answer"));
        let preflights = if is_covered_by_cache(&earlier, &pre, waited, &later) { 1 } else { 2 };
        assert_eq!(Some(preflights), recording.preflights_for_two_requests, "{name}");
        assert_eq!(call.outcome, "ok", "{name}");
    }
}

#[test]
fn an_answer_kept_for_one_page_fails_for_another() {
    for recording in recordings(&["vary"]) {
        let varies = recording.id.contains("vary-origin");
        let reflected =
            |origin: &str| Reply::new(200).with_header("access-control-allow-origin", origin).with_header("vary", "");
        let mut kept: Option<Reply> = None;
        let mut hits = 0;
        for call in &recording.browser {
            let url = call.url.as_deref().expect("a URL");
            let answer = match kept.take().filter(|_| !varies) {
                Some(kept) => kept,
                None => {
                    hits += 1;
                    reflected(&call.origin)
                }
            };
            let end =
                play(fetch(&call.origin, url, &call.fetch), url, true, |_, _| Some(answer.clone())).expect("an end");
            match &end.verdict {
                Verdict::Blocked(block) => assert_same_block(&recording.id, block, url, url, call),
                verdict => assert_eq!((verdict, call.outcome.as_str()), (&Verdict::Allowed, "ok"), "{}", recording.id),
            }
            kept = Some(answer);
        }
        assert_eq!(Some(hits), recording.server_hits, "{}", recording.id);
    }
}

#[test]
fn a_permission_is_no_matter_of_headers() {
    for recording in recordings(&["network"]) {
        let call = &recording.browser[0];
        let real = reply(recording.real.as_deref().expect("an answer"));
        let pre = recording.pre.as_deref().map(reply);
        let answer =
            |_: &str, request: &Request| if request.method == "OPTIONS" { pre.clone() } else { Some(real.clone()) };
        let end = play(fetch(&call.origin, CALLED, &call.fetch), CALLED, true, answer).expect("an end");
        assert_eq!(end.verdict, Verdict::Allowed, "{}", recording.id);
        if call.outcome != "ok" {
            let block = Block::new(BlockCode::LocalNetworkAccessPermissionDenied, false);
            assert_eq!(Some(block.chromium_name()), call.cors_error, "{}", recording.id);
            assert_eq!(vec![block.console(CALLED, &call.origin, Browser::Chrome)], call.console, "{}", recording.id);
        }
    }
}

#[test]
fn plain_http_is_not_asked_from_a_secure_page() {
    for recording in recordings(&["policy"]) {
        let call = &recording.browser[0];
        let url = call.url.as_deref().expect("a URL");
        let page = Origin::parse(&call.origin).expect("an origin");
        assert!(is_mixed_content(&page, url), "{}", recording.id);
        assert!(!is_mixed_content(&page, CALLED), "loopback is secure");
        let block = Block::new(BlockCode::MixedContent, false);
        assert_eq!(vec![block.console(url, &call.origin, Browser::Chrome)], call.console, "{}", recording.id);
        let read = console::parse(&call.console[0]).expect("a message");
        assert_eq!((read.code, read.url.as_deref()), (BlockCode::MixedContent, Some(url)));
    }
}

/// Whether a recorded request is the one that our browser would send, as far as answers can depend on it.
fn same_request(ours: &Request, recorded: &observed::Request) -> bool {
    let compared = ["origin", "access-control-request-method", "access-control-request-headers"];
    let custom = |name: &str| !["cookie", "content-length", "accept", "user-agent"].contains(&name);
    ours.method == recorded.method
        && ours.path == recorded.path
        && compared.iter().all(|name| ours.header(name) == recorded.header(name))
        && recorded.headers.iter().all(|(name, value)| !custom(name) || ours.header(name) == Some(value))
        && ours.headers.iter().all(|(name, _)| recorded.header(&name.to_ascii_lowercase()).is_some())
}

#[test]
fn pages_fare_with_real_servers_as_they_did() {
    let mut judged = 0;
    let mut without_answers = 0;
    for name in observed::names() {
        for observation in observed::load(&name) {
            // Where an answer depends on those before it (a cache, a rate limit, a regex with the g flag), the probes do
            // not tell what a page got.
            let stateful = ["cache", "limit", "global-flag"].iter().any(|word| observation.id.contains(word));
            for attempt in observation.browser.iter().filter(|_| !stateful) {
                let fetch = fetch(&attempt.origin, &attempt.url, &attempt.fetch);
                let answer = |url: &str, request: &Request| {
                    // A redirect may lead to a server that was not there.
                    let here = url::Url::parse(url).ok()?.origin() == url::Url::parse(&attempt.url).ok()?.origin();
                    let probe =
                        observation.probes.iter().find(|probe| here && same_request(request, &probe.request))?;
                    match &probe.answer {
                        Answer::Response { status, headers } => {
                            Some(Reply { status: Some(*status), headers: headers.clone(), unknown: Vec::new() })
                        }
                        Answer::Failed(_) => None,
                    }
                };
                let Some(end) = play(fetch, &attempt.url, true, answer) else {
                    without_answers += 1;
                    continue;
                };
                judged += 1;
                match (&end.verdict, &attempt.outcome) {
                    (Verdict::Allowed, Outcome::Readable { .. }) => {}
                    (Verdict::Blocked(block), Outcome::Blocked { cors_error, failed_parameter, console, .. }) => {
                        assert_eq!(Some(block.chromium_name()), *cors_error, "{observation}");
                        assert_eq!(block.parameter, failed_parameter.clone().unwrap_or_default(), "{observation}");
                        let text =
                            block.console_after_redirect(&end.url, &attempt.url, &attempt.origin, Browser::Chrome);
                        assert_eq!(vec![text], *console, "{observation}");
                    }
                    (verdict, outcome) => panic!("{observation}: {outcome:?} in the browser, {verdict:?} here"),
                }
            }
        }
    }
    assert!(judged > 1600, "{judged} attempts judged, {without_answers} without answers");
}
