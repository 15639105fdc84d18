//! Requests that a server refuses unread.

use crate::cors::Request;

/// Whether a server refuses a request for its method, target or host as such (nginx 1.31, `ngx_http_parse_request_line`,
/// `ngx_http_parse_complex_uri` and `ngx_http_validate_host`; measured).
pub fn is_malformed(request: &Request) -> bool {
    let is_method = |byte: u8| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-');
    let path = request.target().split(['?', '#']).next().unwrap_or_default();
    // The target of an absolute form may have no path at all; CONNECT asks for a host and port.
    let has_path = path.starts_with('/') || (path.is_empty() && request.authority().is_some());
    let has_path = has_path != (request.method == "CONNECT");
    !request.method.bytes().all(is_method)
        || !has_path
        || has_broken_escape(path)
        || leads_above_root(path)
        || request.header("host").is_some_and(|host| !is_host(host))
}

/// `%` without two hexadecimal digits, or for a NUL.
fn has_broken_escape(path: &str) -> bool {
    path.split('%').skip(1).any(|rest| {
        let digits = rest.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        digits.is_none_or(|digits| digits == "00")
    })
}

/// More `..` than there are segments to leave.
fn leads_above_root(path: &str) -> bool {
    let mut depth = 0_usize;
    for segment in super::percent_decode(path, false).split('/').skip(1) {
        match segment {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return true,
            },
            _ => depth += 1,
        }
    }
    false
}

fn is_host(header: &str) -> bool {
    let (host, port) = match header.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            let is_address = address.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
            return is_address && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
        }
        None => header.split_once(':').map_or((header, ""), |(host, port)| (host, port)),
    };
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
    !host.is_empty() && host != "." && host.bytes().all(is_part) && !host.contains("..") && is_port(port)
}

fn is_port(port: &str) -> bool {
    port.is_empty() || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_from_what_is_odd() {
        let asked = |method: &str, path: &str, host: &str| Request::new(method, path).with_header("Host", host);
        for (method, path, host) in [
            ("get", "/", "a"),
            ("GET", "/%zz", "a"),
            ("GET", "/a%00", "a"),
            ("GET", "/a/../..", "a"),
            ("GET", "/a//%2e%2e/..", "a"),
            ("GET", "api", "a"),
            ("CONNECT", "/", "a"),
            ("OPTIONS", "*", "a"),
            ("GET", "/", "a b"),
            ("GET", "/", "a..b"),
            ("GET", "/", ""),
            ("GET", "/", ":80"),
            ("GET", "/", "a:99999"),
            ("GET", "/", "[::1"),
        ] {
            assert!(is_malformed(&asked(method, path, host)), "{method} {path} {host}");
        }
        for (method, path, host) in [
            ("PATCH", "/a?%zz", "a"),
            ("GET", "/a/..", "a.:80"),
            ("GET", "/.", ".a"),
            ("CONNECT", "a:80", "a"),
            ("GET", "http://b", "a_b"),
            ("GET", "http://b/x", "a:"),
            ("GET", "/%61", "[::1]:80"),
        ] {
            assert!(!is_malformed(&asked(method, path, host)), "{method} {path} {host}");
        }
    }
}
