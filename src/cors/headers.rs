//! Names and values of the headers of the CORS protocol.

use std::borrow::Cow;

/// `Access-Control-Allow-Origin`.
pub const ALLOW_ORIGIN: &str = "access-control-allow-origin";
/// `Access-Control-Allow-Credentials`.
pub const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";
/// `Access-Control-Allow-Methods`.
pub const ALLOW_METHODS: &str = "access-control-allow-methods";
/// `Access-Control-Allow-Headers`.
pub const ALLOW_HEADERS: &str = "access-control-allow-headers";
/// `Access-Control-Expose-Headers`.
pub const EXPOSE_HEADERS: &str = "access-control-expose-headers";
/// `Access-Control-Max-Age`.
pub const MAX_AGE: &str = "access-control-max-age";
/// `Access-Control-Allow-Private-Network`.
pub const ALLOW_PRIVATE_NETWORK: &str = "access-control-allow-private-network";
/// `Vary`.
pub const VARY: &str = "vary";
/// The response headers that decide CORS, and `Vary`, in lower case.
pub const RESPONSE: &[&str] = &[
    ALLOW_ORIGIN,
    ALLOW_CREDENTIALS,
    ALLOW_METHODS,
    ALLOW_HEADERS,
    EXPOSE_HEADERS,
    MAX_AGE,
    ALLOW_PRIVATE_NETWORK,
    VARY,
];
/// `Origin`.
pub const ORIGIN: &str = "origin";
/// `Access-Control-Request-Method`.
pub const REQUEST_METHOD: &str = "access-control-request-method";
/// `Access-Control-Request-Headers`.
pub const REQUEST_HEADERS: &str = "access-control-request-headers";
/// `Access-Control-Request-Private-Network`.
pub const REQUEST_PRIVATE_NETWORK: &str = "access-control-request-private-network";

/// The name as people write it: each word of a name begins with a capital letter (`Access-Control-Allow-Origin`,
/// `X-Total-Count`), save the few that are spelt otherwise by custom (`ETag`, `WWW-Authenticate`). Text that is no
/// header name comes back as it is.
pub fn canonical(name: &str) -> Cow<'_, str> {
    const CUSTOM: [&str; 5] = ["ETag", "WWW-Authenticate", "TE", "DNT", "X-XSS-Protection"];
    if !is_token(name) {
        return Cow::Borrowed(name);
    }
    if let Some(custom) = CUSTOM.iter().find(|custom| custom.eq_ignore_ascii_case(name)) {
        return Cow::Borrowed(custom);
    }
    let mut display = String::with_capacity(name.len());
    for (index, word) in name.split('-').enumerate() {
        if index > 0 {
            display.push('-');
        }
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            display.push(first.to_ascii_uppercase());
            display.extend(letters.map(|letter| letter.to_ascii_lowercase()));
        }
    }
    if display == name { Cow::Borrowed(name) } else { Cow::Owned(display) }
}

/// Whether the text is a token (RFC 9110, 5.6.2), as every method and every header name must be.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The members of a list header, given the values of its lines in order: "extract header list values" of the Fetch
/// standard, for headers whose members are tokens. Several lines count as one list, empty members are skipped.
/// `None` when a member is no token, which makes a browser refuse the whole header.
pub fn parse_list<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Vec<String>> {
    let mut members = Vec::new();
    for member in lines.into_iter().flat_map(|line| line.split(',')).map(trim) {
        if member.is_empty() {
            continue;
        }
        if !is_token(member) {
            return None;
        }
        members.push(member.to_owned());
    }
    Some(members)
}

/// The text without leading and trailing HTTP whitespace (Fetch: space, tab, line feed, carriage return).
pub fn trim(value: &str) -> &str {
    value.trim_matches([' ', '\t', '\n', '\r'])
}

/// Whether scripts are kept from setting this request header (Fetch: forbidden request-header).
pub fn is_forbidden_request_header(name: &str, value: &str) -> bool {
    const NAMES: [&str; 22] = [
        "accept-charset",
        "accept-encoding",
        REQUEST_HEADERS,
        REQUEST_METHOD,
        REQUEST_PRIVATE_NETWORK,
        "connection",
        "content-length",
        "cookie",
        "cookie2",
        "date",
        "dnt",
        "expect",
        "host",
        "keep-alive",
        ORIGIN,
        "referer",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    ];
    const METHOD_OVERRIDES: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || name.starts_with("proxy-")
        || name.starts_with("sec-")
        || METHOD_OVERRIDES.contains(&name.as_str()) && value.split(',').map(trim).any(is_forbidden_method)
}

/// Whether scripts may not use this method at all (Fetch: forbidden method).
pub fn is_forbidden_method(method: &str) -> bool {
    ["CONNECT", "TRACE", "TRACK"].iter().any(|forbidden| forbidden.eq_ignore_ascii_case(method))
}

/// Whether this header, with this value, can be sent without asking (Fetch: CORS-safelisted request-header).
pub fn is_safelisted_request_header(name: &str, value: &str) -> bool {
    if value.len() > 128 {
        return false;
    }
    match name.to_ascii_lowercase().as_str() {
        "accept" => !value.bytes().any(is_unsafe_byte),
        "accept-language" | "content-language" => {
            value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" *,-.;=".contains(&byte))
        }
        "content-type" => !value.bytes().any(is_unsafe_byte) && is_simple_content_type(value),
        "range" => is_simple_range(value),
        _ => false,
    }
}

/// Fetch: CORS-unsafe request-header byte.
fn is_unsafe_byte(byte: u8) -> bool {
    byte < 0x20 && byte != b'\t' || byte == 0x7f || b"\"():<>?@[\\]{}".contains(&byte)
}

/// Whether a form could have sent a body of this type: the three enctypes of HTML, whatever their parameters.
pub fn is_simple_content_type(value: &str) -> bool {
    let essence = trim(value.split(';').next().unwrap_or_default());
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
        .iter()
        .any(|simple| simple.eq_ignore_ascii_case(essence))
}

/// Fetch: "parse a single range header value" without whitespace, with a first byte position.
fn is_simple_range(value: &str) -> bool {
    let Some((first, last)) = value.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str| text.parse::<u128>().unwrap_or(u128::MAX);
    !first.is_empty() && digits(first) && digits(last) && (last.is_empty() || number(first) <= number(last))
}

/// The names, lower case, sorted and once each, of the headers that a browser must ask for before it sends them
/// (Fetch: CORS-unsafe request-header names). Headers that it would not send at all are left out.
pub fn unsafe_request_header_names(headers: &[(String, String)]) -> Vec<String> {
    let mut unsafe_names = Vec::new();
    let mut potentially_unsafe = Vec::new();
    let mut safelisted_size = 0usize;
    for (name, value) in headers {
        let value = trim(value);
        if is_forbidden_request_header(name, value) {
            continue;
        }
        let name = name.to_ascii_lowercase();
        if is_safelisted_request_header(&name, value) {
            safelisted_size += value.len();
            potentially_unsafe.push(name);
        } else {
            unsafe_names.push(name);
        }
    }
    if safelisted_size > 1024 {
        unsafe_names.append(&mut potentially_unsafe);
    }
    unsafe_names.sort_unstable();
    unsafe_names.dedup();
    unsafe_names
}

/// Whether every page may read this response header (Fetch: CORS-safelisted response-header name).
pub fn is_safelisted_response_header(name: &str) -> bool {
    const NAMES: [&str; 7] =
        ["cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"];
    NAMES.iter().any(|safelisted| safelisted.eq_ignore_ascii_case(name))
}

/// Whether no page may read this response header (Fetch: forbidden response-header name).
pub fn is_forbidden_response_header(name: &str) -> bool {
    ["set-cookie", "set-cookie2"].iter().any(|forbidden| forbidden.eq_ignore_ascii_case(name))
}

/// Whether a name is a response header of the CORS protocol.
pub fn is_cors_response_header(name: &str) -> bool {
    RESPONSE_HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The response headers of the CORS protocol, and `Access-Control-Allow-Private-Network`.
pub const RESPONSE_HEADERS: [&str; 7] =
    [ALLOW_ORIGIN, ALLOW_CREDENTIALS, ALLOW_METHODS, ALLOW_HEADERS, EXPOSE_HEADERS, MAX_AGE, ALLOW_PRIVATE_NETWORK];

/// The header by which an answer speaks of what a preflight asks for in the header `name`, also where that name has an `s`
/// too many or too few.
pub fn answer_to(name: &str) -> Option<&'static str> {
    match name.to_ascii_lowercase().trim_end_matches('s') {
        "access-control-request-method" => Some(ALLOW_METHODS),
        "access-control-request-header" => Some(ALLOW_HEADERS),
        _ => None,
    }
}

/// The response header of the CORS protocol that was meant by a name which is none: `Access-Control-Allow-Header`,
/// `Accept-Control-Allow-Origin`, `Access-Control-Allow-Origins`, `Access-Control-Origin`, underscores, a colon or
/// blanks at the end. `None` for every other name, also for the real ones.
pub fn misspelt_cors_header(name: &str) -> Option<&'static str> {
    if name.len() > 64 {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    if RESPONSE_HEADERS.contains(&lower.as_str()) || lower.starts_with("access-control-request-") {
        return None;
    }
    let cleaned = lower.trim_matches([' ', '\t', ':']).replace(['_', ' '], "-");
    if let Some(known) = RESPONSE_HEADERS.iter().find(|known| **known == cleaned) {
        return Some(known);
    }
    let words: Vec<&str> = cleaned.split('-').filter(|word| !word.is_empty()).collect();
    let tail = match words.as_slice() {
        // The two first words may be run together, or the first be another word of the same sound.
        [first, rest @ ..] if distance(first, "accesscontrol") <= 2 => rest,
        ["x", first, second, rest @ ..] | [first, second, rest @ ..]
            if is_like_access(first) && distance(second, "control") <= 2 =>
        {
            rest
        }
        // All the words are there, in another order.
        words => return RESPONSE_HEADERS.into_iter().find(|known| same_words(words, known)),
    };
    let tail = tail.join("-");
    if tail.starts_with("request") {
        return None;
    }
    // A word too few ("Access-Control-Origin") or too many ("Access-Control-Allow-Max-Age").
    let variants = [tail.clone(), format!("allow-{tail}"), tail.strip_prefix("allow-").unwrap_or(&tail).to_owned()];
    let nearest = RESPONSE_HEADERS.iter().filter_map(|known| {
        let expected = known.strip_prefix("access-control-")?;
        let best = variants
            .iter()
            .enumerate()
            .map(|(index, variant)| distance(variant, expected) + if index == 0 { 0 } else { 1 })
            .min()?;
        (best <= 3 && best * 3 <= expected.len()).then_some((best, *known))
    });
    nearest.min_by_key(|(best, _)| *best).map(|(_, known)| known)
}

fn is_like_access(word: &str) -> bool {
    distance(word, "access") <= 2 || ["accept", "allow", "cross", "acces"].contains(&word)
}

fn same_words(words: &[&str], known: &str) -> bool {
    let mut left = words.to_vec();
    let mut right: Vec<&str> = known.split('-').collect();
    left.sort_unstable();
    right.sort_unstable();
    left == right
}

/// The number of letters to add, drop, change or swap with their neighbour to make one word of the other (optimal
/// string alignment). Quadratic: for names, not for texts.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let mut best = (previous[column + 1] + 1).min(current[column] + 1);
            best = best.min(previous[column] + usize::from(letter != other));
            if row > 0 && column > 0 && Some(letter) == right.get(column - 1) && left.get(row - 1) == Some(other) {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut previous, current);
    }
    previous.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_displayed_as_people_write_them() {
        assert_eq!(canonical("access-control-allow-origin"), "Access-Control-Allow-Origin");
        assert_eq!(canonical("X-TOTAL-count"), "X-Total-Count");
        assert_eq!(canonical("etag"), "ETag");
        assert_eq!(canonical("no name"), "no name");
        assert!(matches!(canonical("Vary"), Cow::Borrowed("Vary")));
    }

    #[test]
    fn lists_are_tokens_between_commas() {
        let parsed = |lines: &[&'static str]| parse_list(lines.iter().copied());
        assert_eq!(parsed(&["GET, PUT,"]), Some(vec!["GET".into(), "PUT".into()]));
        assert_eq!(parsed(&["GET", "PUT"]), Some(vec!["GET".into(), "PUT".into()]));
        assert_eq!(parsed(&[" , ,"]), Some(vec![]));
        for wrong in ["GET; PUT", "GET PUT", "\"PUT\"", "[GET]", "PÜT"] {
            assert_eq!(parse_list([wrong]), None, "{wrong}");
        }
    }

    #[test]
    fn headers_that_need_asking_are_known() {
        let safe = [
            ("content-type", "text/plain;charset=UTF-8"),
            ("Content-Type", "multipart/form-data; boundary=x"),
            ("accept", "application/json"),
            ("accept-language", "de"),
            ("range", "bytes=0-10"),
            ("range", "bytes=5-"),
        ];
        for (name, value) in safe {
            assert!(is_safelisted_request_header(name, value), "{name}: {value}");
        }
        let long = "a/b, ".repeat(30);
        let asking = [
            ("content-type", "application/json; charset=utf-8"),
            ("content-type", "text/json"),
            ("content-type", "text/plain; x=\"1\""),
            ("accept", long.as_str()),
            ("range", "bytes=-5"),
            ("range", "bytes=9-1"),
            ("cache-control", "no-cache"),
            ("authorization", "Bearer x"),
        ];
        for (name, value) in asking {
            assert!(!is_safelisted_request_header(name, value), "{name}: {value}");
        }
    }

    #[test]
    fn many_safelisted_values_together_need_asking() {
        let header = |name: &str, length| (name.to_owned(), "a".repeat(length));
        let mut headers: Vec<_> = (0..8).map(|_| header("accept", 128)).collect();
        assert!(unsafe_request_header_names(&headers).is_empty());
        headers.push(header("accept-language", 1));
        assert_eq!(unsafe_request_header_names(&headers), ["accept", "accept-language"]);
    }

    #[test]
    fn headers_that_scripts_cannot_set_are_not_asked_for() {
        let headers = [("Cookie", "a=b"), ("sec-fetch-mode", "x"), ("X-B", "1"), ("x-a", "1"), ("Host", "a")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(unsafe_request_header_names(&headers), ["x-a", "x-b"]);
        assert!(is_forbidden_request_header("X-HTTP-Method-Override", "get, trace"));
        assert!(!is_forbidden_request_header("X-HTTP-Method-Override", "PUT"));
    }

    #[test]
    fn misspelt_names_are_recognised() {
        let cases = [
            ("Access-Control-Allow-Header", ALLOW_HEADERS),
            ("Access-Control-Allow-Method", ALLOW_METHODS),
            ("Access-Control-Allow-Origins", ALLOW_ORIGIN),
            ("Access-Control-Allow-Orgin", ALLOW_ORIGIN),
            ("Accept-Control-Allow-Origin", ALLOW_ORIGIN),
            ("Acess-Control-Allow-Origin", ALLOW_ORIGIN),
            ("Access-Controll-Allow-Origin", ALLOW_ORIGIN),
            ("AccessControl-Allow-Origin", ALLOW_ORIGIN),
            ("Access-Control-Origin", ALLOW_ORIGIN),
            ("Access-Control-Methods", ALLOW_METHODS),
            ("Access-Control-Allow-Credential", ALLOW_CREDENTIALS),
            ("Access-Control-Allow-Creditals", ALLOW_CREDENTIALS),
            ("Access-Control-Expose-Header", EXPOSE_HEADERS),
            ("Access-Control-Exposed-Headers", EXPOSE_HEADERS),
            ("Access-Control-Maxage", MAX_AGE),
            ("Access-Control-Allow-Max-Age", MAX_AGE),
            ("Access-Control-Allow-Expose-Headers", EXPOSE_HEADERS),
            ("Access-Allow-Control-Origin", ALLOW_ORIGIN),
            ("Access_Control_Allow_Origin", ALLOW_ORIGIN),
            ("Access-Control-Allow-Origin:", ALLOW_ORIGIN),
            ("X-Access-Control-Allow-Origin", ALLOW_ORIGIN),
        ];
        for (name, meant) in cases {
            assert_eq!(misspelt_cors_header(name), Some(meant), "{name}");
        }
    }

    #[test]
    fn preflights_ask_and_answers_speak() {
        assert_eq!(answer_to("Access-Control-Request-Method"), Some(ALLOW_METHODS));
        assert_eq!(answer_to("access-control-request-headers"), Some(ALLOW_HEADERS));
        assert_eq!(answer_to("Access-Control-Request-Private-Network"), None);
        assert_eq!(answer_to("Access-Control-Allow-Methods"), None);
    }

    #[test]
    fn real_names_are_not_called_misspelt() {
        let real = [
            "Access-Control-Allow-Origin",
            "access-control-expose-headers",
            "Access-Control-Allow-Private-Network",
            "Access-Control-Request-Method",
            "Access-Control-Request-Headers",
            "Access-Control-Request-Private-Network",
            "Access-Control-Request-Local-Network",
            "Timing-Allow-Origin",
            "Cross-Origin-Resource-Policy",
            "Cross-Origin-Opener-Policy",
            "Cross-Origin-Embedder-Policy-Report-Only",
            "Service-Worker-Allowed",
            "Content-Security-Policy",
            "Cache-Control",
            "Surrogate-Control",
            "Allow",
            "Origin",
            "Vary",
            "Accept",
            "Accept-Language",
            "Private-Network-Access-ID",
            "X-Access-Token",
            "",
        ];
        for name in real {
            assert_eq!(misspelt_cors_header(name), None, "{name}");
        }
    }
}
