//! The words of a directive: its name and its arguments.

use std::borrow::Cow;
use std::fmt;
use std::iter::FusedIterator;

use crate::{Document, Placeholder, PlaceholderKind, Span};

/// How a word is quoted. nginx quotes whole words only: a quote after a word's first byte is an ordinary character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quoting {
    /// Not at all.
    Bare,
    /// With `'`. Variables are expanded as in the other two: nginx does not tell them apart.
    Single,
    /// With `"`.
    Double,
}

/// What is stored of a word.
#[derive(Clone, Copy)]
pub(crate) struct WordRecord {
    /// With the quotes.
    pub span: Span,
    pub quoting: Quoting,
    /// The closing quote is there.
    pub closed: bool,
    /// There is a backslash in it.
    pub escaped: bool,
    /// There is a template placeholder in it, an expression or a statement.
    pub templated: bool,
}

/// One word of a directive: a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub struct Word<'d, 's> {
    document: &'d Document<'s>,
    record: &'d WordRecord,
}

impl<'d, 's> Word<'d, 's> {
    /// Where it stands, its quotes included.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.record.span
    }

    /// Where its content stands, without the quotes.
    #[must_use]
    pub const fn inner_span(&self) -> Span {
        let Span { start, end } = self.record.span;
        match self.record.quoting {
            Quoting::Bare => Span { start, end },
            Quoting::Single | Quoting::Double => Span { start: start + 1, end: end - self.record.closed as u32 },
        }
    }

    /// How it is quoted.
    #[must_use]
    pub const fn quoting(&self) -> Quoting {
        self.record.quoting
    }

    /// Whether its quote is closed; true of bare words.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.record.closed
    }

    /// Whether a placeholder of a template language is in it that stands for text or says which text comes: its value is
    /// not known.
    #[must_use]
    pub const fn is_templated(&self) -> bool {
        self.record.templated
    }

    /// The bytes as they are written, without the quotes.
    #[must_use]
    pub fn raw(&self) -> &'s [u8] {
        self.document.bytes(self.inner_span())
    }

    /// The value that nginx reads: `\"`, `\'` and `\\` lose their backslash; `\t`, `\r` and `\n` are control characters;
    /// any other backslash stays (`\.` is two bytes). Variables are not expanded. Placeholders of templates stand as
    /// they are written, and the doubled braces of a Python format string are single ones.
    #[must_use]
    pub fn value(&self) -> Cow<'s, [u8]> {
        let raw = self.raw();
        if !self.record.escaped && self.document.placeholders.is_empty() {
            return Cow::Borrowed(raw);
        }
        let mut value = Vec::with_capacity(raw.len());
        self.decode(|bytes, _| {
            value.extend_from_slice(bytes);
            true
        });
        if value == raw { Cow::Borrowed(raw) } else { Cow::Owned(value) }
    }

    /// The [`value`](Self::value) as text; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self) -> Cow<'s, str> {
        match self.value() {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        }
    }

    /// Whether its [`value`](Self::value) is `text`.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        *self.value() == *text.as_bytes()
    }

    /// The offset in the source at which the byte `index` of the [`value`](Self::value) is written; for an escape, that
    /// of its backslash. The end of the content where the value is shorter.
    #[must_use]
    pub fn source_offset(&self, index: usize) -> u32 {
        let mut offset = self.inner_span().end;
        let mut length = 0;
        self.decode(|bytes, start| {
            let found = index < length + bytes.len();
            if found {
                offset = start + (index - length) as u32;
            }
            length += bytes.len();
            !found
        });
        offset
    }

    /// Hands out the value piece by piece, each with its offset in the source, until `take` returns false.
    fn decode(&self, mut take: impl FnMut(&[u8], u32) -> bool) {
        let source = self.document.source;
        let inner = self.inner_span();
        let placeholders = &self.document.placeholders;
        let mut next_placeholder = placeholders.partition_point(|placeholder| placeholder.span.end <= inner.start);
        let mut at = inner.start;
        while at < inner.end {
            let placeholder = placeholders.get(next_placeholder).filter(|next| next.span.start < inner.end);
            if let Some(&Placeholder { kind, span }) = placeholder.filter(|next| next.span.start <= at) {
                next_placeholder += 1;
                let end = if kind == PlaceholderKind::Brace { at + 1 } else { span.end.min(inner.end) };
                if !take(Span::new(at, end).slice(source), at) {
                    return;
                }
                at = span.end.max(at);
                continue;
            }
            let plain_end = placeholder.map_or(inner.end, |next| next.span.start);
            let plain = Span::new(at, plain_end).slice(source);
            let length = if self.record.escaped {
                plain.iter().position(|&byte| byte == b'\\').unwrap_or(plain.len())
            } else {
                plain.len()
            };
            if length > 0 && !take(&plain[..length], at) {
                return;
            }
            at += length as u32;
            if length == plain.len() {
                continue;
            }
            let (bytes, width): (&[u8], u32) = match plain.get(length + 1) {
                Some(b'"') => (b"\"", 2),
                Some(b'\'') => (b"'", 2),
                Some(b'\\') => (b"\\", 2),
                Some(b't') => (b"\t", 2),
                Some(b'r') => (b"\r", 2),
                Some(b'n') => (b"\n", 2),
                _ => (b"\\", 1),
            };
            if !take(bytes, at) {
                return;
            }
            at += width;
        }
    }
}

impl fmt::Debug for Word<'_, '_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}@{}..{}", self.text(), self.span().start, self.span().end)
    }
}

/// Words of one directive, in order. See [`Directive::words`](crate::Directive::words).
#[derive(Clone)]
pub struct Words<'d, 's> {
    document: &'d Document<'s>,
    records: std::slice::Iter<'d, WordRecord>,
}

impl<'d, 's> Words<'d, 's> {
    pub(crate) fn new(document: &'d Document<'s>, start: u32, end: u32) -> Self {
        let records = document.words.get(start as usize..end as usize).unwrap_or_default();
        Self { document, records: records.iter() }
    }
}

impl<'d, 's> Iterator for Words<'d, 's> {
    type Item = Word<'d, 's>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(Word { document: self.document, record: self.records.next()? })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        Some(Word { document: self.document, record: self.records.nth(n)? })
    }
}

impl DoubleEndedIterator for Words<'_, '_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        Some(Word { document: self.document, record: self.records.next_back()? })
    }
}

impl ExactSizeIterator for Words<'_, '_> {}
impl FusedIterator for Words<'_, '_> {}
