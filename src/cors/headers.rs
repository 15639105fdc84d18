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
