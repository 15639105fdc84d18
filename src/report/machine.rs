//! What the formats for machines share.

use super::text::clean;
use crate::finding::Finding;

/// A file's name as a URI reference (RFC 3986): relative and percent-encoded, or a `file:` URI for what lies elsewhere.
pub(super) fn uri(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    if name.starts_with('/') {
        out.push_str("file://");
    }
    for &byte in name.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Message and help in some lines, for viewers that show a text. What they quote begins no line of its own.
pub(super) fn paragraphs(finding: &Finding) -> Vec<String> {
    let mut lines = vec![clean(&finding.message).into_owned()];
    lines.extend(finding.consequence.as_ref().map(|consequence| format!("browser: {}", clean(consequence))));
    lines.extend(finding.help.as_ref().map(|help| format!("help: {}", clean(help))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_uri_references() {
        assert_eq!(uri("a b/ü%#?.js"), "a%20b/%C3%BC%25%23%3F.js");
        assert_eq!(uri("c:x"), "c%3Ax");
        assert_eq!(uri("/etc/nginx/site"), "file:///etc/nginx/site");
    }
}
