//! Strings, bytes and f-strings.

use tree_sitter::Node;

use super::Lowering;
use super::grammar::Kind;
use crate::syntax::program::{ExprKind, TemplatePart};

/// What a string's prefix says. Python's reference, 2.5 "String and bytes literals".
#[derive(Clone, Copy, Debug, Default)]
struct Prefix {
    is_raw: bool,
    is_bytes: bool,
    is_format: bool,
}

impl<'t> Lowering<'t> {
    /// A string, or several that stand side by side.
    pub(super) fn string(&mut self, node: Node<'t>) -> ExprKind {
        let mut parts = Vec::new();
        if self.kind(node) == Kind::ConcatenatedString {
            for child in self.children(node).named() {
                self.string_parts(child, &mut parts);
            }
        } else {
            self.string_parts(node, &mut parts);
        }
        match parts.as_mut_slice() {
            [] => ExprKind::Str(String::new()),
            [TemplatePart::Text(text)] => ExprKind::Str(std::mem::take(text)),
            _ => ExprKind::Template(parts),
        }
    }

    fn string_parts(&mut self, node: Node<'t>, parts: &mut Vec<TemplatePart>) {
        let source = self.reading.text;
        let mut prefix = Prefix::default();
        let (mut at, mut end) = (node.start_byte(), node.end_byte());
        for child in self.children(node).named() {
            match self.kind(child) {
                Kind::StringStart => {
                    prefix = prefix_of(self.reading.slice(child));
                    at = child.end_byte();
                }
                Kind::StringEnd => end = child.start_byte(),
                Kind::Interpolation => {
                    push_text(parts, source.get(at..child.start_byte()).unwrap_or_default(), prefix);
                    let value = self.interpolation(child);
                    parts.push(TemplatePart::Value(value));
                    at = child.end_byte();
                }
                _ => {}
            }
        }
        push_text(parts, source.get(at..end).unwrap_or_default(), prefix);
    }

    fn interpolation(&mut self, node: Node<'t>) -> crate::syntax::program::Expr {
        let children = self.children(node);
        let is_plain = |child: Node<'t>| match self.kind(child) {
            Kind::TypeConversion => self.reading.slice(child) == "!s",
            kind => kind != Kind::FormatSpecifier,
        };
        if children.has("=") || !children.named().all(is_plain) {
            return self.expr(node, ExprKind::Opaque("a formatted value"));
        }
        self.expression_or_missing(children.field(self.grammar.fields.expression), node)
    }
}

fn prefix_of(start: &str) -> Prefix {
    let has = |letter: char| start.chars().any(|character| character.eq_ignore_ascii_case(&letter));
    Prefix { is_raw: has('r'), is_bytes: has('b'), is_format: has('f') }
}

/// Adds text to the parts, joined with the text before it.
fn push_text(parts: &mut Vec<TemplatePart>, raw: &str, prefix: Prefix) {
    if raw.is_empty() {
        return;
    }
    let mut text = raw.replace("\r\n", "\n");
    if prefix.is_format {
        text = text.replace("{{", "{").replace("}}", "}");
    }
    if !prefix.is_raw {
        text = decode(&text, prefix.is_bytes);
    }
    match parts.last_mut() {
        Some(TemplatePart::Text(before)) => before.push_str(&text),
        _ => parts.push(TemplatePart::Text(text)),
    }
}

/// Decodes escapes. An unknown one keeps its backslash; a character by name becomes U+FFFD, for its table is not
/// at hand.
fn decode(raw: &str, is_bytes: bool) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = escape(&rest[at + 1..], is_bytes, &mut out);
    }
    out.push_str(rest);
    out
}

/// Decodes one escape whose backslash was read; what follows it.
fn escape<'a>(text: &'a str, is_bytes: bool, out: &mut String) -> &'a str {
    let mut characters = text.chars();
    let Some(first) = characters.next() else {
        out.push('\\');
        return text;
    };
    let rest = characters.as_str();
    let digits = match first {
        'x' => Some(2),
        'u' if !is_bytes => Some(4),
        'U' if !is_bytes => Some(8),
        _ => None,
    };
    if let Some(count) = digits {
        let digits = rest.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(digits) = digits else {
            out.extend(['\\', first]);
            return rest;
        };
        let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        out.push(code.unwrap_or('\u{fffd}'));
        return &rest[count..];
    }
    match first {
        '\n' => {}
        '\\' | '\'' | '"' => out.push(first),
        'a' => out.push('\u{7}'),
        'b' => out.push('\u{8}'),
        'f' => out.push('\u{c}'),
        'n' => out.push('\n'),
        'r' => out.push('\r'),
        't' => out.push('\t'),
        'v' => out.push('\u{b}'),
        '0'..='7' => {
            let count = text.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
            let code = u32::from_str_radix(&text[..count], 8).ok().and_then(char::from_u32);
            out.push(code.unwrap_or('\u{fffd}'));
            return &text[count..];
        }
        'N' if !is_bytes && rest.starts_with('{') && rest.contains('}') => {
            out.push('\u{fffd}');
            return rest.split_once('}').map_or(rest, |(_, rest)| rest);
        }
        other => out.extend(['\\', other]),
    }
    rest
}
