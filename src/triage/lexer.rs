//! Where a text has comments, and where its strings are: a few characters of lookahead, no grammar. It serves the ignore
//! comments, which must work in files that no parser reads.

use std::ops::Range;

use crate::source::FileKind;

/// A text with its comments found.
pub(super) struct Lexed {
    /// The comments with their delimiters, in the order of the text.
    pub comments: Vec<Range<usize>>,
    /// The strings with their quotes, in the order of the text; of a template, its parts.
    pub strings: Vec<Range<usize>>,
    /// The text's bytes, comments, strings and patterns blanked, so that brackets can be counted. Line ends stay.
    pub code: Vec<u8>,
}

/// Finds comments and strings of a text.
pub(super) fn lex(kind: FileKind, text: &str) -> Lexed {
    let mut lexer = Lexer {
        bytes: text.as_bytes(),
        at: 0,
        comments: Vec::new(),
        strings: Vec::new(),
        code: text.as_bytes().to_vec(),
    };
    if text.starts_with('\u{feff}') {
        // A byte-order mark is no code.
        lexer.at = '\u{feff}'.len_utf8();
        lexer.blank(0);
    }
    match kind {
        FileKind::Python => lexer.python(),
        FileKind::Nginx => lexer.nginx(),
        FileKind::JavaScript | FileKind::TypeScript | FileKind::Tsx => lexer.javascript(),
    }
    Lexed { comments: lexer.comments, strings: lexer.strings, code: lexer.code }
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    comments: Vec<Range<usize>>,
    strings: Vec<Range<usize>>,
    code: Vec<u8>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn starts(&self, text: &str) -> bool {
        self.bytes[self.at..].starts_with(text.as_bytes())
    }

    /// Blanks from `start` up to here.
    fn blank(&mut self, start: usize) {
        let end = self.at.min(self.code.len());
        for byte in &mut self.code[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }

    /// A comment up to the end of the line.
    fn line_comment(&mut self) {
        let start = self.at;
        let end = memchr::memchr(b'\n', &self.bytes[start..]).map_or(self.bytes.len(), |length| start + length);
        self.at = if self.bytes[start..end].ends_with(b"\r") { end - 1 } else { end };
        self.comments.push(start..self.at);
        self.blank(start);
    }

    /// A text in quotes. It ends with the quote that is not escaped, or, unless it may go over lines, with the line.
    fn string(&mut self, quote: &str, lines: bool) {
        let start = self.at;
        self.at += quote.len();
        while self.at < self.bytes.len() {
            if self.starts(quote) {
                self.at += quote.len();
                break;
            }
            match self.bytes[self.at] {
                b'\\' => self.at += 2,
                b'\n' if !lines => break,
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.bytes.len());
        self.blank(start);
        self.strings.push(start..self.at);
        // What is left of it counts as a value, so that a slash behind it divides.
        self.code[start] = b'"';
    }

    fn javascript(&mut self) {
        // The depth of braces at which each open template goes on.
        let mut templates: Vec<usize> = Vec::new();
        let mut depth = 0;
        // A line for the system's loader.
        if self.starts("#!") {
            self.line_comment();
        }
        while self.at < self.bytes.len() {
            match self.bytes[self.at] {
                b'/' if self.peek(1) == b'/' => self.line_comment(),
                b'/' if self.peek(1) == b'*' => {
                    let start = self.at;
                    let end = memchr::memmem::find(&self.bytes[start + 2..], b"*/");
                    self.at = end.map_or(self.bytes.len(), |length| start + length + 4);
                    self.comments.push(start..self.at);
                    self.blank(start);
                }
                b'/' if self.pattern_may_start() => self.pattern(),
                b'\'' => self.string("'", false),
                b'"' => self.string("\"", false),
                b'`' => self.template(&mut templates, depth),
                b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' if templates.last() == Some(&depth) => {
                    templates.pop();
                    self.template(&mut templates, depth);
                }
                b'}' => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    /// The text of a template from its quote, or from the brace that closes an expression in it.
    fn template(&mut self, templates: &mut Vec<usize>, depth: usize) {
        let start = self.at;
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.bytes[self.at] {
                b'\\' => self.at += 2,
                b'`' => {
                    self.at += 1;
                    break;
                }
                b'$' if self.peek(1) == b'{' => {
                    self.at += 2;
                    templates.push(depth);
                    break;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.bytes.len());
        self.blank(start);
        self.strings.push(start..self.at);
        self.code[start] = b'"';
    }

    /// Whether a slash here begins a regular expression: where a value may not have ended just before.
    fn pattern_may_start(&self) -> bool {
        let before = self.code[..self.at].trim_ascii_end();
        let Some(&last) = before.last() else { return true };
        if !(last.is_ascii_alphanumeric() || matches!(last, b'_' | b'$' | b')' | b']' | b'}' | b'"' | b'.')) {
            return true;
        }
        let word_start = before.iter().rposition(|b| !b.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
        matches!(
            &before[word_start..],
            b"return" | b"typeof" | b"case" | b"in" | b"of" | b"delete" | b"void" | b"await"
        )
    }

    fn pattern(&mut self) {
        let start = self.at;
        let mut in_class = false;
        self.at += 1;
        while self.at < self.bytes.len() {
            match self.bytes[self.at] {
                b'\\' => self.at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => {
                    self.at += 1;
                    break;
                }
                b'\n' => break,
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.at.min(self.bytes.len());
        self.blank(start);
        self.code[start] = b'"';
    }

    fn python(&mut self) {
        while self.at < self.bytes.len() {
            match self.bytes[self.at] {
                b'#' => self.line_comment(),
                b'\'' if self.starts("'''") => self.string("'''", true),
                b'"' if self.starts("\"\"\"") => self.string("\"\"\"", true),
                b'\'' => self.string("'", false),
                b'"' => self.string("\"", false),
                _ => self.at += 1,
            }
        }
    }

    fn nginx(&mut self) {
        // In nginx a quote or a `#` counts only where a word begins.
        let mut word_begins = true;
        while self.at < self.bytes.len() {
            let byte = self.bytes[self.at];
            match byte {
                b'#' if word_begins => self.line_comment(),
                b'\'' if word_begins => self.string("'", true),
                b'"' if word_begins => self.string("\"", true),
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
            word_begins = byte.is_ascii_whitespace() || matches!(byte, b';' | b'{' | b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comments(kind: FileKind, text: &str) -> Vec<&str> {
        lex(kind, text).comments.into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn comments_are_told_from_what_looks_like_them() {
        let js = "let a = 'x // no'; // one\nlet b = `// no ${ c /* two */ } // no`; /* three\n */ d = e / f; // four\nlet r = /[/]\\/\\/ \"/; // five\nreturn /'/.test(x) // six\r\n";
        assert_eq!(
            comments(FileKind::JavaScript, js),
            ["// one", "/* two */", "/* three\n */", "// four", "// five", "// six"]
        );
        let python = "a = '# no' # one\nb = '''# no\n# no ' ''' # two\nc = \"\\\"# no\" # three";
        assert_eq!(comments(FileKind::Python, python), ["# one", "# two", "# three"]);
        let nginx = "a b#c; # one\nd '# no\n# no' it's; # two\n";
        assert_eq!(comments(FileKind::Nginx, nginx), ["# one", "# two"]);
    }

    #[test]
    fn what_never_ends_ends_with_the_text() {
        for text in ["'", "\"\\", "`${`${", "/*", "/[", "'''", "\"\"\"x\\", "//", "#", "\\"] {
            for kind in [FileKind::JavaScript, FileKind::Python, FileKind::Nginx] {
                assert_eq!(lex(kind, text).code.len(), text.len());
            }
        }
    }
}
