//! What the formats for machines share.

use crate::finding::Finding;
use crate::source::{FileId, SourceSet};

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

/// The URI of a file of the run.
pub(super) fn uri_of(file: FileId, sources: &SourceSet) -> String {
    uri(&sources.get(file).name)
}

/// Message and help in some lines, for viewers that show a text.
pub(super) fn paragraphs(finding: &Finding) -> String {
    let mut text = finding.message.clone();
    if let Some(consequence) = &finding.consequence {
        text.push_str(&format!("\nbrowser: {consequence}"));
    }
    if let Some(help) = &finding.help {
        text.push_str(&format!("\nhelp: {help}"));
    }
    text
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
