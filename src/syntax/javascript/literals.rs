//! Strings, templates, numbers and regular expressions.

use tree_sitter::Node;

use super::Lowering;
use super::grammar::Kind;
use crate::syntax::program::{ExprKind, TemplatePart};

impl<'t> Lowering<'t> {
    /// The decoded text of a string node.
    pub(super) fn string(&self, node: Node<'t>) -> String {
        decode(unquoted(self.reading.slice(node)))
    }

    /// A template, or a string where nothing is put in.
    pub(super) fn template(&mut self, node: Node<'t>) -> ExprKind {
        let raw = self.reading.text;
        let mut parts = Vec::new();
        let mut at = node.start_byte() + 1;
        for child in self.children(node).named() {
            if self.kind(child) != Kind::TemplateSubstitution {
                continue;
            }
            push_text(&mut parts, raw.get(at..child.start_byte()).unwrap_or_default());
            let inner = self.children(child).named().next();
            let value = self.expression_or_missing(inner, child);
            parts.push(TemplatePart::Value(value));
            at = child.end_byte();
        }
        let rest = raw.get(at..node.end_byte()).unwrap_or_default();
        push_text(&mut parts, rest.strip_suffix('`').unwrap_or(rest));
        match parts.as_mut_slice() {
            [] => ExprKind::Str(String::new()),
            [TemplatePart::Text(text)] => ExprKind::Str(std::mem::take(text)),
            _ => ExprKind::Template(parts),
        }
    }

    /// `/pattern/flags`, read from its text: the grammar leaves out empty parts.
    pub(super) fn regex(&self, node: Node<'t>) -> ExprKind {
        let raw = self.reading.slice(node);
        let raw = raw.strip_prefix('/').unwrap_or(raw);
        let (pattern, flags) = raw.rsplit_once('/').unwrap_or((raw, ""));
        ExprKind::Regex { pattern: pattern.to_owned(), flags: flags.to_owned() }
    }
}

fn push_text(parts: &mut Vec<TemplatePart>, raw: &str) {
    if !raw.is_empty() {
        // ECMA-262, TV and TRV: a template's line ends are always `\n`.
        parts.push(TemplatePart::Text(decode(&raw.replace("\r\n", "\n"))));
    }
}

/// The inside of a string literal; without the closing quote where the text is broken.
fn unquoted(raw: &str) -> &str {
    let Some(quote) = raw.chars().next().filter(|first| matches!(first, '"' | '\'')) else { return raw };
    let inside = &raw[1..];
    inside.strip_suffix(quote).unwrap_or(inside)
}

/// Decodes the escapes of a string or template (ECMA-262, SV). Half of a surrogate pair becomes U+FFFD.
pub(super) fn decode(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = escape(&rest[at + 1..], &mut out);
    }
    out.push_str(rest);
    out
}

/// Decodes one escape whose backslash was read; what follows it.
fn escape<'a>(text: &'a str, out: &mut String) -> &'a str {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return text };
    let rest = characters.as_str();
    match first {
        'n' => out.push('\n'),
        't' => out.push('\t'),
        'r' => out.push('\r'),
        'b' => out.push('\u{8}'),
        'f' => out.push('\u{c}'),
        'v' => out.push('\u{b}'),
        '\r' => return rest.strip_prefix('\n').unwrap_or(rest),
        '\n' | '\u{2028}' | '\u{2029}' => {}
        'x' => match hex(rest, 2) {
            Some((code, rest)) => {
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                return rest;
            }
            None => out.push('x'),
        },
        'u' => match unicode(rest) {
            Some((code, rest)) => return with_surrogate(code, rest, out),
            None => out.push('u'),
        },
        '0'..='7' => {
            // ECMA-262, annex B.1.2: at most three octal digits, at most 0o377.
            let digits = text.bytes().take(if first <= '3' { 3 } else { 2 });
            let count = digits.take_while(|byte| (b'0'..=b'7').contains(byte)).count();
            let code = u32::from_str_radix(&text[..count], 8).unwrap_or(0);
            out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            return &text[count..];
        }
        other => out.push(other),
    }
    rest
}

/// Pushes a code unit, together with the low surrogate that may follow it.
fn with_surrogate<'a>(code: u32, rest: &'a str, out: &mut String) -> &'a str {
    if (0xd800..0xdc00).contains(&code)
        && let Some((low, after)) = rest.strip_prefix("\\u").and_then(unicode)
        && (0xdc00..0xe000).contains(&low)
    {
        out.push(char::from_u32(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)).unwrap_or('\u{fffd}'));
        return after;
    }
    out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
    rest
}

/// `XXXX` or `{X…}` behind `\u`.
fn unicode(text: &str) -> Option<(u32, &str)> {
    match text.strip_prefix('{') {
        Some(inside) => {
            let (digits, rest) = inside.split_once('}')?;
            let all_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            all_hex.then(|| (u32::from_str_radix(digits, 16).unwrap_or(u32::MAX), rest))
        }
        None => hex(text, 4),
    }
}

/// Exactly `count` hexadecimal digits.
fn hex(text: &str, count: usize) -> Option<(u32, &str)> {
    let digits = text.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some((u32::from_str_radix(digits, 16).ok()?, &text[count..]))
}
