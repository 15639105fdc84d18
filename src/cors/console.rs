//! Reading what a browser printed.
//!
//! People paste these texts with line breaks, a source position, a log level, typographic or plain quotes, and from
//! many versions: only the parts that all versions share are looked for, and nothing depends on their order more than
//! it must.

use super::block::{BlockCode, Browser};

/// The longest text that is read, in bytes; a console message is a few hundred long.
const MAX_TEXT: usize = 64 * 1024;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleMessage {
    /// Whose message it is.
    pub browser: Browser,
    /// What was wrong.
    pub code: BlockCode,
    /// Whether it was wrong with the preflight; `None` when the message does not say.
    pub preflight: Option<bool>,
    /// The URL that was asked for; after a redirect the last one.
    pub url: Option<String>,
    /// The URL that was asked for first, when there was a redirect.
    pub redirected_from: Option<String>,
    /// The page's origin.
    pub origin: Option<String>,
    /// The header value, method or header name that was blamed.
    pub value: Option<String>,
    /// The status of the answer, where the message has it.
    pub status: Option<u16>,
}

/// Reads a message. `None` when it is none that a known browser prints about CORS or is commonly taken for one.
pub fn parse(text: &str) -> Option<ConsoleMessage> {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // Typographic quotation marks become plain ones, and all blanks the same, whatever the way of copying.
    let plain: String = text
        .get(..end)?
        .chars()
        .map(|character| match character {
            '‘' | '’' | '“' | '”' => '\'',
            other => other,
        })
        .collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    chrome(&plain).or_else(|| firefox(&plain)).or_else(|| safari(&plain)).or_else(|| network(&plain))
}

/// The text between two marks, the second after the first.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = text.get(text.find(start)? + start.len()..)?;
    rest.get(..rest.find(end)?)
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.get(text.find(mark)? + mark.len()..)
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned).filter(|text| !text.is_empty())
}

/// The first word, without the punctuation that may follow it.
fn word(text: &str) -> Option<&str> {
    let word = text.split(' ').next()?.trim_end_matches(['.', ',', ';', ')', '\'', '>']);
    (!word.is_empty()).then_some(word)
}

fn status(text: &str) -> Option<u16> {
    let digits = after(text, "tatus code: ").or_else(|| after(text, "status code "))?;
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    digits.get(..length)?.parse().ok()
}

/// `Access to fetch at '…' from origin '…' has been blocked by CORS policy: …`, also for XMLHttpRequest, fonts, images
/// and scripts, and the wordings of older versions.
fn chrome(text: &str) -> Option<ConsoleMessage> {
    if text.contains("Mixed Content: The page at '") {
        return Some(ConsoleMessage {
            browser: Browser::Chrome,
            code: BlockCode::MixedContent,
            preflight: None,
            url: owned(
                between(text, "resource '", "'")
                    .or_else(|| between(text, "endpoint '", "'"))
                    .or_else(|| between(text, "requested an insecure", "'")),
            ),
            redirected_from: None,
            origin: owned(between(text, "The page at '", "'").and_then(origin_of)),
            value: None,
            status: None,
        });
    }
    let policy = "blocked by CORS policy";
    let says_policy = text.contains(policy);
    let preflight = text.contains("reflight");
    let (code, value) = chrome_reason(text)?;
    if !says_policy && !text.contains("Access-Control-") && !text.contains("access control check") {
        return None;
    }
    let head = text.get(..text.find(policy).unwrap_or(text.len()))?;
    let url = between(head, " at '", "'").or_else(|| after(head, "cannot load ").and_then(word));
    // Older versions put the origin last: "Origin '…' is therefore not allowed access."
    let origin = between(head, "from origin '", "'").or_else(|| between(text, "Origin '", "' is therefore"));
    Some(ConsoleMessage {
        browser: Browser::Chrome,
        code,
        preflight: Some(preflight || code.is_preflight_only()),
        url: owned(url),
        redirected_from: owned(between(head, "(redirected from '", "'")),
        origin: owned(origin),
        value: owned(value),
        status: status(text),
    })
}

/// The origin of a page's URL.
fn origin_of(url: &str) -> Option<&str> {
    let authority = url.find("://")? + 3;
    let length = url.get(authority..)?.find(['/', '?', '#']).unwrap_or(url.len() - authority);
    url.get(..authority + length)
}

fn chrome_reason(text: &str) -> Option<(BlockCode, Option<&str>)> {
    use BlockCode::*;
    let reason = text;
    Some(if reason.contains("No 'Access-Control-Allow-Origin' header is present") {
        (MissingAllowOriginHeader, None)
    } else if reason.contains("contains multiple values") {
        (MultipleAllowOriginValues, between(reason, "multiple values '", "', but only one"))
    } else if reason.contains("contains the invalid value") {
        (
            InvalidAllowOriginValue,
            between(reason, "invalid value '", "'. ").or_else(|| between(reason, "invalid value '", "'.")),
        )
    } else if reason.contains("not equal to the supplied origin") {
        (AllowOriginMismatch, between(reason, "has a value '", "' that is not equal"))
    } else if reason.contains("must not be the wildcard '*'") {
        (WildcardOriginNotAllowed, None)
    } else if reason.contains("'Access-Control-Allow-Credentials' header in the response is '") {
        (InvalidAllowCredentials, between(reason, "header in the response is '", "' which must be"))
    } else if reason.contains("It does not have HTTP ok status")
        || reason.contains("Response for preflight has invalid HTTP status code")
    {
        (PreflightInvalidStatus, None)
    } else if reason.contains("Redirect is not allowed for a preflight request")
        || reason.contains("Response for preflight is invalid (redirect)")
    {
        (PreflightDisallowedRedirect, None)
    } else if reason.contains("is not allowed by Access-Control-Allow-Methods in preflight") {
        (
            MethodDisallowedByPreflightResponse,
            between(reason, "Method ", " is not allowed by Access-Control-Allow-Methods"),
        )
    } else if reason.contains("is not allowed by Access-Control-Allow-Headers in preflight") {
        (HeaderDisallowedByPreflightResponse, between(reason, "Request header field ", " is not allowed by"))
    } else if reason.contains("Cannot parse Access-Control-Allow-Methods") {
        (InvalidAllowMethodsPreflightResponse, None)
    } else if reason.contains("Cannot parse Access-Control-Allow-Headers") {
        (InvalidAllowHeadersPreflightResponse, None)
    } else if reason.contains("contains a username and password") {
        (RedirectContainsCredentials, None)
    } else if reason.contains("Permission was denied for this request to access the ") {
        (LocalNetworkAccessPermissionDenied, between(reason, "to access the `", "`"))
    } else if reason.contains("more-private address space") {
        (LocalNetworkAccessPermissionDenied, between(reason, "more-private address space `", "`"))
    } else if reason.contains("blocked by CORS policy") {
        (Unspecified, None)
    } else {
        return None;
    })
}

/// `Cross-Origin Request Blocked: … at URL. (Reason: …). Status code: …`
fn firefox(text: &str) -> Option<ConsoleMessage> {
    use BlockCode::*;
    if text.contains("Blocked loading mixed active content") {
        return Some(ConsoleMessage {
            browser: Browser::Firefox,
            code: MixedContent,
            preflight: None,
            url: owned(between(text, "content '", "'")),
            redirected_from: None,
            origin: None,
            value: None,
            status: None,
        });
    }
    if !text.contains("Cross-Origin Request Blocked") && !text.contains("(Reason: ") && !text.contains("Reason: CORS ")
    {
        return None;
    }
    let reason = after(text, "Reason: ").unwrap_or(text);
    let (code, preflight, value) = if reason.contains("'Access-Control-Allow-Origin' missing") {
        (MissingAllowOriginHeader, None, None)
    } else if reason.contains("Multiple CORS header 'Access-Control-Allow-Origin'") {
        (MultipleAllowOriginValues, None, None)
    } else if reason.contains("'Access-Control-Allow-Origin' does not match") {
        (AllowOriginMismatch, None, between(reason, "does not match '", "'"))
    } else if reason.contains("Credential is not supported") {
        (WildcardOriginNotAllowed, None, None)
    } else if reason.contains("'Access-Control-Allow-Credentials'") {
        (InvalidAllowCredentials, None, None)
    } else if reason.contains("Did not find method in CORS header") {
        (MethodDisallowedByPreflightResponse, Some(true), None)
    } else if reason.contains("invalid token") && reason.contains("'Access-Control-Allow-Methods'") {
        (InvalidAllowMethodsPreflightResponse, Some(true), between(reason, "invalid token '", "'"))
    } else if reason.contains("invalid token") && reason.contains("'Access-Control-Allow-Headers'") {
        (InvalidAllowHeadersPreflightResponse, Some(true), between(reason, "invalid token '", "'"))
    } else if reason.contains("missing token") {
        (HeaderDisallowedByPreflightResponse, Some(true), between(reason, "missing token '", "'"))
    } else if reason.contains("is not allowed according to header") {
        (HeaderDisallowedByPreflightResponse, Some(true), between(reason, "header '", "' is not allowed according"))
    } else if reason.contains("CORS preflight channel did not succeed")
        || reason.contains("CORS preflight response did not succeed")
    {
        (PreflightInvalidStatus, Some(true), None)
    } else if reason.contains("external redirect not allowed") {
        // Said of redirected preflights and of redirects that name a user alike; the former are the common ones.
        (PreflightDisallowedRedirect, None, None)
    } else if reason.contains("CORS request did not succeed") {
        (RequestFailed, None, None)
    } else {
        (Unspecified, None, None)
    };
    Some(ConsoleMessage {
        browser: Browser::Firefox,
        code,
        preflight,
        url: owned(after(text, "remote resource at ").and_then(word)),
        redirected_from: None,
        origin: None,
        value: owned(value),
        status: status(text),
    })
}

/// `Origin … is not allowed by Access-Control-Allow-Origin.` and its kin, often followed by
/// `Fetch API cannot load URL due to access control checks.`
fn safari(text: &str) -> Option<ConsoleMessage> {
    use BlockCode::*;
    let (code, preflight, value) = if text.contains("is not allowed by Access-Control-Allow-Origin") {
        // One text for a missing, an invalid and another origin.
        (AllowOriginMismatch, None, None)
    } else if text.contains("Access-Control-Allow-Origin cannot contain more than one origin") {
        (MultipleAllowOriginValues, None, None)
    } else if text.contains("Cannot use wildcard in Access-Control-Allow-Origin") {
        (WildcardOriginNotAllowed, None, None)
    } else if text.contains("Credentials flag is true, but Access-Control-Allow-Credentials") {
        (InvalidAllowCredentials, None, None)
    } else if text.contains("Preflight response is not successful") {
        (PreflightInvalidStatus, Some(true), None)
    } else if text.contains("is not allowed by Access-Control-Allow-Methods") {
        let method = between(text, "Method ", " is not allowed by Access-Control-Allow-Methods");
        (MethodDisallowedByPreflightResponse, Some(true), method)
    } else if text.contains("is not allowed by Access-Control-Allow-Headers") {
        let field = between(text, "Request header field ", " is not allowed by Access-Control-Allow-Headers");
        (HeaderDisallowedByPreflightResponse, Some(true), field)
    } else if text.contains("Header Access-Control-Allow-Methods has an invalid value") {
        (InvalidAllowMethodsPreflightResponse, Some(true), None)
    } else if text.contains("Header Access-Control-Allow-Headers has an invalid value") {
        (InvalidAllowHeadersPreflightResponse, Some(true), None)
    } else if text.contains("requested insecure content from") {
        (MixedContent, None, None)
    } else if text.contains("due to access control checks") {
        (Unspecified, None, None)
    } else {
        return None;
    };
    let url = between(text, "cannot load ", " due to access control checks")
        .or_else(|| after(text, "cannot load ").and_then(word))
        .or_else(|| after(text, "requested insecure content from ").and_then(word));
    let origin = between(text, "Origin ", " is not allowed by Access-Control-Allow-Origin")
        .or_else(|| between(text, "The page at ", " requested insecure").and_then(origin_of));
    Some(ConsoleMessage {
        browser: Browser::Safari,
        code,
        preflight,
        url: owned(url),
        redirected_from: None,
        origin: owned(origin),
        value: owned(value),
        status: status(text),
    })
}

/// `GET URL net::ERR_CONNECTION_REFUSED`: Chromium's line about a request that got no answer.
fn network(text: &str) -> Option<ConsoleMessage> {
    let at = text.find("net::ERR_")?;
    let url = text.get(..at)?.split(' ').find(|word| word.starts_with("http://") || word.starts_with("https://"));
    Some(ConsoleMessage {
        browser: Browser::Chrome,
        code: BlockCode::RequestFailed,
        preflight: None,
        url: owned(url),
        redirected_from: None,
        origin: None,
        value: owned(text.get(at..).and_then(word)),
        status: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cors::block::Block;

    const CODES: [BlockCode; 15] = [
        BlockCode::MissingAllowOriginHeader,
        BlockCode::MultipleAllowOriginValues,
        BlockCode::InvalidAllowOriginValue,
        BlockCode::AllowOriginMismatch,
        BlockCode::WildcardOriginNotAllowed,
        BlockCode::InvalidAllowCredentials,
        BlockCode::PreflightInvalidStatus,
        BlockCode::PreflightDisallowedRedirect,
        BlockCode::InvalidAllowMethodsPreflightResponse,
        BlockCode::InvalidAllowHeadersPreflightResponse,
        BlockCode::MethodDisallowedByPreflightResponse,
        BlockCode::HeaderDisallowedByPreflightResponse,
        BlockCode::RedirectContainsCredentials,
        BlockCode::LocalNetworkAccessPermissionDenied,
        BlockCode::MixedContent,
    ];

    #[test]
    fn what_chrome_prints_is_read_back() {
        let url = "http://localhost:8102/api?x=1";
        let origin = "https://app.example.com";
        for code in CODES {
            for preflight in [false, true] {
                let block = Block::new(code, preflight).with_parameter("x-b");
                let text = block.console_after_redirect(url, "https://first.example/", origin, Browser::Chrome);
                let message = parse(&text).unwrap_or_else(|| panic!("{text}"));
                assert_eq!((message.browser, message.code), (Browser::Chrome, code), "{text}");
                assert_eq!(message.url.as_deref(), Some(url), "{text}");
                assert_eq!(message.origin.as_deref(), Some(origin), "{text}");
                if code != BlockCode::MixedContent {
                    assert_eq!(message.redirected_from.as_deref(), Some("https://first.example/"));
                }
                if text.contains("x-b") {
                    assert_eq!(message.value.as_deref(), Some("x-b"), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_the_others_print_is_read_back_as_far_as_they_tell() {
        let url = "http://localhost:8102/api?x=1";
        for code in CODES {
            let block = Block::new(code, false).with_parameter("x-b");
            let text = block.console(url, "https://app.example.com", Browser::Firefox);
            let message = parse(&text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(message.browser, Browser::Firefox, "{text}");
            assert_eq!(message.url.as_deref(), Some(url), "{text}");
            let expected = match code {
                BlockCode::InvalidAllowOriginValue => BlockCode::AllowOriginMismatch,
                BlockCode::RedirectContainsCredentials => BlockCode::PreflightDisallowedRedirect,
                BlockCode::LocalNetworkAccessPermissionDenied => BlockCode::RequestFailed,
                other => other,
            };
            assert_eq!(message.code, expected, "{text}");
            let text = block.console(url, "https://app.example.com", Browser::Safari);
            let message = parse(&text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(message.browser, Browser::Safari, "{text}");
        }
    }

    #[test]
    fn messages_as_people_paste_them_are_read() {
        let message = parse(
            "app.js:12  Access to XMLHttpRequest at 'https://api.example.com/users' from origin \
             'http://localhost:3000' has been blocked by CORS policy:\n  Response to preflight request doesn't pass \
             access control check: No 'Access-Control-Allow-Origin' header is present on the requested resource.\n",
        )
        .expect("a message");
        assert_eq!(message.code, BlockCode::MissingAllowOriginHeader);
        assert_eq!(message.preflight, Some(true));
        assert_eq!(message.origin.as_deref(), Some("http://localhost:3000"));

        let message = parse(
            "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at \
             http://localhost:9000/login. (Reason: CORS preflight response did not succeed). Status code: 401.",
        )
        .expect("a message");
        assert_eq!((message.code, message.status), (BlockCode::PreflightInvalidStatus, Some(401)));
        assert_eq!(message.url.as_deref(), Some("http://localhost:9000/login"));

        let message = parse(
            "[Error] Origin https://app.example.com is not allowed by Access-Control-Allow-Origin. Status code: 200\n\
             [Error] Fetch API cannot load https://api.example.com/me due to access control checks.",
        )
        .expect("a message");
        assert_eq!((message.browser, message.status), (Browser::Safari, Some(200)));
        assert_eq!(message.url.as_deref(), Some("https://api.example.com/me"));
        assert_eq!(message.origin.as_deref(), Some("https://app.example.com"));

        let old = "Fetch API cannot load http://api.example.com/x. No 'Access-Control-Allow-Origin' header is present \
                   on the requested resource. Origin 'http://localhost:4200' is therefore not allowed access.";
        let message = parse(old).expect("a message");
        assert_eq!(message.url.as_deref(), Some("http://api.example.com/x"));
        assert_eq!(message.origin.as_deref(), Some("http://localhost:4200"));

        let message = parse("GET http://localhost:8104/x net::ERR_CONNECTION_REFUSED").expect("a message");
        assert_eq!(message.code, BlockCode::RequestFailed);
    }

    #[test]
    fn other_texts_are_no_messages() {
        for text in ["", "TypeError: Failed to fetch", "CORS", "\u{0}\u{fffd}", "Access to fetch at '", "Reason"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn no_text_makes_it_fail() {
        let pieces = [
            "Access to fetch at '",
            "' from origin '",
            "blocked by CORS policy",
            "é",
            "‘",
            "(Reason: ",
            "Status code: ",
            "99999999",
            "net::ERR_",
            "cannot load ",
            "Mixed Content: The page at '",
            " is not allowed by ",
            "://",
            "'",
            "\0",
            "Access-Control-Allow-Headers",
            "invalid token",
            "\u{1f600}",
        ];
        let mut state = 1u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..6 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            let _ = parse(&text);
        }
        parse(&"é".repeat(MAX_TEXT));
    }
}
