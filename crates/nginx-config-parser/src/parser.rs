//! From bytes to the tree, by the rules of `ngx_conf_read_token` and `ngx_conf_parse` (nginx 1.31,
//! `src/core/ngx_conf_file.c`), in one pass and without recursion.

use crate::document::{Document, Ending, NONE, Record};
use crate::lua::{LuaEnd, find_end};
use crate::template::MASK_ALONE;
use crate::word::{Quoting, WordRecord};
use crate::{Error, ErrorKind, PlaceholderKind, Span};

/// nginx reads through a buffer of this many bytes, in which a word must fit (`NGX_CONF_BUFFER`).
const BUFFER: usize = 4096;

/// Bytes at which an unquoted word may end or change its meaning.
const STOPS_BARE: [bool; 256] = table(b" \t\r\n;{\\$");
/// Bytes that need a look inside quotes.
const STOPS_DOUBLE: [bool; 256] = table(b"\"\\");
const STOPS_SINGLE: [bool; 256] = table(b"'\\");

const fn table(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut index = 0;
    while index < bytes.len() {
        table[bytes[index] as usize] = true;
        index += 1;
    }
    table
}

/// Parses `text`, which is `document.source` with its placeholders masked, into `document`.
pub(crate) fn parse_into(document: &mut Document<'_>, text: &[u8], masked: bool) {
    let mut parser = Parser {
        text,
        masked,
        document,
        at: 0,
        open: Vec::new(),
        first_word: 0,
        no_closing: [usize::MAX; 2],
        rewinds: text.len().saturating_mul(4),
    };
    parser.run();
}

struct Parser<'p, 's> {
    text: &'p [u8],
    masked: bool,
    document: &'p mut Document<'s>,
    at: usize,
    /// Indices of the directives whose blocks are open, outermost first.
    open: Vec<u32>,
    /// Index of the first word of the directive that is being read.
    first_word: usize,
    /// From these offsets on, no quote (`'`, `"`) that opens a word is closed.
    no_closing: [usize; 2],
    /// How many bytes may still be read again after an unclosed quote, so that time stays linear.
    rewinds: usize,
}

impl Parser<'_, '_> {
    fn run(&mut self) {
        if self.text.starts_with(b"\xEF\xBB\xBF") {
            self.error(ErrorKind::ByteOrderMark, 0, 3);
            self.at = 3;
        }
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'#' => self.comment(),
                b';' => self.semicolon(),
                b'{' => self.open_brace(),
                b'}' => self.close_brace(),
                b'"' => self.quoted_word(Quoting::Double, &STOPS_DOUBLE),
                b'\'' => self.quoted_word(Quoting::Single, &STOPS_SINGLE),
                MASK_ALONE if self.masked && !self.in_directive() => self.skip_placeholders(),
                _ => self.bare_word(),
            }
        }
        let end = self.text.len();
        if self.in_directive() {
            self.error(ErrorKind::UnexpectedEnd, end, end);
            self.push_directive(Ending::Missing, end);
        } else if let Some(&index) = self.open.last() {
            let open = self.document.directives.get(index as usize).map_or(end, |record| record.terminator as usize);
            self.error(ErrorKind::UnclosedBlock, open, open + 1);
        }
        while let Some(index) = self.open.pop() {
            self.end_block(index, NONE);
        }
    }

    fn in_directive(&self) -> bool {
        self.document.words.len() > self.first_word
    }

    fn error(&mut self, kind: ErrorKind, start: usize, end: usize) {
        self.document.errors.push(Error { kind, span: Span::at(start, end) });
    }

    fn comment(&mut self) {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let line_end = rest.iter().position(|&byte| byte == b'\n').map_or(self.text.len(), |length| start + length);
        let end = if self.text.get(line_end.wrapping_sub(1)) == Some(&b'\r') { line_end - 1 } else { line_end };
        self.document.comments.push(Span::at(start, end));
        self.check_length(start, start, line_end);
        self.at = line_end;
    }

    fn semicolon(&mut self) {
        if self.in_directive() {
            self.push_directive(Ending::Semicolon, self.at);
        } else {
            self.error(ErrorKind::UnexpectedSemicolon, self.at, self.at + 1);
        }
        self.at += 1;
    }

    fn open_brace(&mut self) {
        if !self.in_directive() {
            self.error(ErrorKind::UnexpectedOpenBrace, self.at, self.at + 1);
        }
        let open = self.at;
        self.at += 1;
        if !self.names_lua_block() {
            let index = self.push_directive(Ending::Block, open);
            self.open.push(index);
            return;
        }
        let index = self.push_directive(Ending::LuaBlock, open);
        match find_end(self.text, self.at) {
            LuaEnd::Close(close) => {
                self.end_block(index, close as u32);
                self.at = close + 1;
            }
            LuaEnd::Missing(kind, span) => {
                self.document.errors.push(Error { kind, span: span.unwrap_or(Span::at(open, open + 1)) });
                self.at = self.text.len();
            }
        }
    }

    /// The Lua modules for http and stream name all of their blocks alike.
    fn names_lua_block(&self) -> bool {
        let Some(name) = self.document.words.get(self.first_word) else { return false };
        let inner = match name.quoting {
            Quoting::Bare => name.span,
            Quoting::Single | Quoting::Double => Span::new(name.span.start + 1, name.span.end - name.closed as u32),
        };
        inner.slice(self.text).ends_with(b"_by_lua_block")
    }

    fn close_brace(&mut self) {
        let close = self.at;
        self.at += 1;
        if self.in_directive() {
            self.error(ErrorKind::MissingSemicolon, close, close + 1);
            self.push_directive(Ending::Missing, close);
        }
        match self.open.pop() {
            Some(index) => self.end_block(index, close as u32),
            // What was just reported as a missing semicolon is one fault, even where there is no block to close.
            None if self.document.errors.last().is_some_and(|last| last.span.start as usize == close) => {}
            None => self.error(ErrorKind::UnexpectedCloseBrace, close, close + 1),
        }
    }

    fn push_directive(&mut self, ending: Ending, terminator: usize) -> u32 {
        let index = self.document.directives.len() as u32;
        self.document.directives.push(Record {
            first_word: self.first_word as u32,
            word_count: (self.document.words.len() - self.first_word) as u32,
            parent: self.open.last().copied().unwrap_or(NONE),
            subtree_end: index + 1,
            ending,
            terminator: terminator as u32,
            close: NONE,
        });
        self.first_word = self.document.words.len();
        index
    }

    fn end_block(&mut self, index: u32, close: u32) {
        let subtree_end = self.document.directives.len() as u32;
        if let Some(record) = self.document.directives.get_mut(index as usize) {
            record.subtree_end = subtree_end;
            record.close = close;
        }
    }

    fn push_word(&mut self, start: usize, end: usize, quoting: Quoting, closed: bool, escaped: bool) {
        let templated = self.masked && self.has_placeholder(start, end);
        self.document.words.push(WordRecord { span: Span::at(start, end), quoting, closed, escaped, templated });
    }

    /// Whether something of unknown content, or presence, stands in the word.
    fn has_placeholder(&self, start: usize, end: usize) -> bool {
        let placeholders = &self.document.placeholders;
        let first = placeholders.partition_point(|placeholder| placeholder.span.end as usize <= start);
        let mut inside =
            placeholders.iter().skip(first).take_while(|placeholder| (placeholder.span.start as usize) < end);
        inside.any(|placeholder| matches!(placeholder.kind, PlaceholderKind::Expression | PlaceholderKind::Statement))
    }

    /// Reads until white space, `;` or `{`. A quote, a `}` and a `#` are ordinary here.
    fn bare_word(&mut self) {
        let start = self.at;
        let mut at = start;
        let mut escaped = false;
        loop {
            at = find_stop(self.text, at, &STOPS_BARE);
            match self.text.get(at) {
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                // nginx takes a brace after `$` for that of a variable, and any brace right after that.
                Some(b'$') => {
                    at += 1;
                    while self.text.get(at) == Some(&b'{') {
                        at += 1;
                    }
                }
                _ => break,
            }
        }
        let end = at.min(self.text.len());
        self.push_word(start, end, Quoting::Bare, true, escaped);
        // nginx looks at the byte after white space before it lets go of the word.
        let looks_at = if matches!(self.text.get(end), Some(b';' | b'{')) { end } else { end + 1 };
        self.check_length(start, start, looks_at);
        self.at = end;
    }

    /// Reads until the same quote comes again, over as many lines as it takes.
    fn quoted_word(&mut self, quoting: Quoting, stops: &[bool; 256]) {
        let start = self.at;
        let hopeless = (quoting == Quoting::Double) as usize;
        let mut escaped = false;
        let mut at = start + 1;
        let mut close = None;
        if start < self.no_closing[hopeless] {
            loop {
                at = find_stop(self.text, at, stops);
                match self.text.get(at) {
                    Some(b'\\') => {
                        escaped = true;
                        at += 2;
                    }
                    Some(_) => {
                        close = Some(at);
                        break;
                    }
                    None => {
                        self.no_closing[hopeless] = start;
                        break;
                    }
                }
            }
        }
        let Some(close) = close else {
            self.error(ErrorKind::UnclosedQuote, start, start + 1);
            return self.end_word_with_line(start, quoting);
        };
        let next = self.text.get(close + 1);
        let fits = matches!(next, None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b')'));
        if !fits && next != Some(&b'}') {
            let spans_lines = || self.text[start..close].contains(&b'\n');
            let reread = close - start;
            if reread <= self.rewinds && spans_lines() {
                self.rewinds -= reread;
                self.error(ErrorKind::UnclosedQuote, start, start + 1);
                return self.end_word_with_line(start, quoting);
            }
            self.push_word(start, close + 1, quoting, true, escaped);
            self.check_length(start, start + 1, close + 1);
            self.error(ErrorKind::UnexpectedAfterQuote, close + 1, close + 2);
        } else {
            self.push_word(start, close + 1, quoting, true, escaped);
            let space_follows = matches!(next, Some(b' ' | b'\t' | b'\r' | b'\n'));
            self.check_length(start, start + 1, close + 1 + usize::from(space_follows));
        }
        self.at = close + 1;
    }

    /// Ends an unclosed word where its author most likely meant it to end: before the `;` or `{` at the end of its line,
    /// or else with the line, and then the directive too.
    fn end_word_with_line(&mut self, start: usize, quoting: Quoting) {
        let content = self.text.get(start + 1..).unwrap_or_default();
        let line = content.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
        let (line, goes_on) = match line {
            [before @ .., b';' | b'{'] => (before.trim_ascii_end(), true),
            _ => (line, false),
        };
        let end = start + 1 + line.len();
        self.push_word(start, end, quoting, false, line.contains(&b'\\'));
        self.at = end;
        if !goes_on {
            self.push_directive(Ending::Missing, end);
        }
    }

    /// Passes over placeholders that stand alone on their line where a directive may start: what they stand for is
    /// whole directives, or nothing.
    fn skip_placeholders(&mut self) {
        while self.text.get(self.at) == Some(&MASK_ALONE) {
            self.at += 1;
        }
    }

    /// Reports what starts at `start` as too long if nginx, which keeps it in its buffer from `kept_from` on, runs out
    /// of buffer before it gets to read the byte at `looks_at`.
    fn check_length(&mut self, start: usize, kept_from: usize, looks_at: usize) {
        if looks_at - kept_from >= BUFFER && looks_at.min(kept_from + BUFFER) < self.text.len() {
            self.error(ErrorKind::TooLong, start, looks_at.min(self.text.len()));
        }
    }
}

/// The offset of the first byte from `at` on that is in `stops`, or one not inside `text`.
fn find_stop(text: &[u8], at: usize, stops: &[bool; 256]) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().position(|&byte| stops[byte as usize]).map_or(at.max(text.len()), |length| at + length)
}
