//! How deep a text may drive a parser, told from its bytes before it is parsed.
//!
//! What a parser of nested grammars keeps on its stack is what is open: brackets, and operators whose right side is still
//! to come (`!`, `a =`, `if (b)`). tree-sitter walks what is open anew for each error and once more at the end of the
//! text, and asks nobody meanwhile. What waits costs more than a bracket, and of TypeScript's `<`, each of which may begin a
//! list of types or compare, both readings are joined at the end. So the bound stands before, in a number that depends on
//! the text alone.

use super::program::Language;

/// What [`measure`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nesting {
    /// The most that is open at once, as far as brackets and separators tell: 1 for a bracket, [`WAITING`] for what waits.
    pub deepest: usize,
    /// The byte where [`Nesting::deepest`] is met first.
    pub deepest_at: usize,
}

/// How much what waits for its right side counts, beside a bracket.
const WAITING: usize = 4;

/// Words after which a statement or an operand is still to come.
const JAVASCRIPT: &[&[u8]] = &[
    b"if",
    b"else",
    b"for",
    b"while",
    b"do",
    b"with",
    b"new",
    b"typeof",
    b"void",
    b"delete",
    b"await",
    b"yield",
    b"keyof",
    b"infer",
    b"readonly",
    b"unique",
    b"asserts",
    b"async",
];
const PYTHON: &[&[u8]] = &[b"if", b"else", b"not", b"lambda", b"await", b"yield", b"for", b"in", b"async"];

/// Words that begin a statement, and so end the one before.
const BEGINNINGS: &[&[u8]] =
    &[b"const", b"let", b"var", b"import", b"export", b"function", b"class", b"interface", b"type", b"return"];

/// One bracket that is open.
#[derive(Clone, Copy, Default)]
struct Frame {
    /// What waits for its right side since the last separator.
    waiting: usize,
    /// Angle brackets that may be open since the last end of a statement.
    angles: usize,
    /// Whether the bracket is that of an expression in a template.
    in_template: bool,
}

/// Measures a text.
pub(super) fn measure(language: Language, text: &str) -> Nesting {
    let mut scan = Scan {
        bytes: text.as_bytes(),
        at: 0,
        python: language == Language::Python,
        frames: vec![Frame::default()],
        open: 1,
        value_before: false,
        found: Nesting { deepest: 1, deepest_at: 0 },
    };
    scan.run();
    scan.found
}

struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
    python: bool,
    frames: Vec<Frame>,
    /// The sum over all frames of one, what waits and the angle brackets.
    open: usize,
    /// Whether a value ended just before.
    value_before: bool,
    found: Nesting,
}

impl Scan<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    if self.python && self.frames.len() == 1 {
                        self.end_statement();
                    }
                }
                b'\'' | b'"' => self.string(byte),
                b'`' if !self.python => {
                    self.at += 1;
                    self.template();
                }
                b'#' if self.python => self.skip_line(),
                b'/' if !self.python => self.slash(),
                b'_' | b'$' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => self.word(),
                b'0'..=b'9' => {
                    self.at += 1;
                    self.value_before = true;
                }
                _ => self.sign(byte),
            }
        }
    }

    fn sign(&mut self, byte: u8) {
        self.at += 1;
        let value_before = std::mem::replace(&mut self.value_before, false);
        match byte {
            b'(' | b'[' | b'{' => self.push(false),
            b')' | b']' => {
                self.pop();
                self.value_before = true;
            }
            b'}' => {
                let closed = self.pop();
                self.value_before = true;
                if closed.is_some_and(|frame| frame.in_template) {
                    self.template();
                }
            }
            b';' => self.end_statement(),
            b',' => self.end_operand(),
            b'<' => {
                self.waits(|frame| &mut frame.angles);
                // The end of an element, and no pattern.
                if self.bytes.get(self.at) == Some(&b'/') {
                    self.at += 1;
                }
            }
            b'>' if !matches!(self.bytes.get(self.at.wrapping_sub(2)), Some(b'=' | b'-')) => {
                let frame = self.top();
                if frame.angles > 0 {
                    frame.angles -= 1;
                    self.open -= WAITING;
                }
            }
            b'*' if value_before && self.bytes.get(self.at) == Some(&b'*') => self.waits(|frame| &mut frame.waiting),
            // These join two operands from the left, unless they stand before one.
            b'+' | b'-' | b'*' if value_before => {}
            b'!' | b'~' | b'=' | b'?' | b':' | b'+' | b'-' | b'*' | b'@' => self.waits(|frame| &mut frame.waiting),
            _ => {}
        }
    }

    fn top(&mut self) -> &mut Frame {
        // The last frame is never taken away.
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn waits(&mut self, which: fn(&mut Frame) -> &mut usize) {
        *which(self.top()) += 1;
        self.opens(WAITING);
    }

    fn opens(&mut self, weight: usize) {
        self.open += weight;
        if self.open > self.found.deepest {
            (self.found.deepest, self.found.deepest_at) = (self.open, self.at.saturating_sub(1));
        }
    }

    fn push(&mut self, in_template: bool) {
        self.frames.push(Frame { in_template, ..Frame::default() });
        self.opens(1);
    }

    fn pop(&mut self) -> Option<Frame> {
        // A bracket that nothing opened is an error of the text.
        let frame = (self.frames.len() > 1).then(|| self.frames.pop())??;
        self.open -= 1 + WAITING * (frame.waiting + frame.angles);
        Some(frame)
    }

    fn end_operand(&mut self) {
        let waiting = std::mem::take(&mut self.top().waiting);
        self.open -= WAITING * waiting;
    }

    fn end_statement(&mut self) {
        self.end_operand();
        let angles = std::mem::take(&mut self.top().angles);
        self.open -= WAITING * angles;
    }

    fn word(&mut self) {
        let start = self.at;
        while matches!(self.bytes.get(self.at), Some(b'_' | b'$' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | 0x80..)) {
            self.at += 1;
        }
        let word = &self.bytes[start..self.at];
        let waiting = if self.python { PYTHON } else { JAVASCRIPT };
        self.value_before = !waiting.contains(&word);
        if !self.value_before {
            self.waits(|frame| &mut frame.waiting);
        } else if !self.python && BEGINNINGS.contains(&word) {
            self.value_before = false;
            if self.bytes[..start].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t')) == Some(&b'\n') {
                self.end_statement();
            }
        }
    }

    /// A string; one that its line does not end counts as ended there.
    fn string(&mut self, quote: u8) {
        let long = [quote; 3];
        let is_long = self.python && self.bytes[self.at..].starts_with(&long);
        self.at += if is_long { 3 } else { 1 };
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'\n' if !is_long => break,
                _ if byte == quote && !is_long => {
                    self.at += 1;
                    break;
                }
                _ if is_long && self.bytes[self.at..].starts_with(&long) => {
                    self.at += 3;
                    break;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.value_before = true;
    }

    /// The text of a template, up to its end or the next expression in it.
    fn template(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'`' => break,
                b'$' if self.bytes.get(self.at) == Some(&b'{') => {
                    self.at += 1;
                    self.push(true);
                    self.value_before = false;
                    return;
                }
                _ => {}
            }
        }
        self.value_before = true;
    }

    /// A comment, a pattern or a division.
    fn slash(&mut self) {
        match self.bytes.get(self.at + 1) {
            Some(b'/') => self.skip_line(),
            Some(b'*') => {
                let rest = &self.bytes[self.at + 2..];
                let length = memchr::memmem::find(rest, b"*/").map_or(rest.len(), |length| length + 2);
                self.at += 2 + length;
            }
            _ if self.value_before => {
                self.at += 1;
                self.value_before = false;
            }
            _ => self.pattern(),
        }
    }

    fn pattern(&mut self) {
        self.at += 1;
        let mut in_class = false;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'\n' => break,
                b'/' if !in_class => {
                    self.at += 1;
                    break;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.value_before = true;
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deepest(language: Language, text: &str) -> usize {
        measure(language, text).deepest
    }

    #[test]
    fn what_is_open_is_counted() {
        let javascript = |text: &str| deepest(Language::JavaScript, text);
        assert_eq!(javascript(""), 1);
        assert_eq!(javascript("a;b,c + d - e\nf.g()"), 2);
        let many = |text: &str| javascript(&text.repeat(1000));
        assert_eq!(many("("), 1001);
        assert_eq!(many("`${"), 1001);
        for text in ["f<a,", "x => ", "- ", "f<a, '}', /[};]/, `;`,\n/* } */ // }\n"] {
            assert_eq!(many(text), 1 + 1000 * WAITING, "{text}");
        }
        assert_eq!(many("if (a) "), 2 + 1000 * WAITING);
        assert_eq!(many("f<a,{"), 1 + 1000 * (WAITING + 1));
        let python = |text: &str| deepest(Language::Python, &text.repeat(1000));
        assert_eq!(python("not "), 1 + 1000 * WAITING);
        assert_eq!(python("["), 1001);
    }

    #[test]
    fn what_is_closed_is_not() {
        let javascript = |text: &str| deepest(Language::JavaScript, &text.repeat(1000));
        for (text, most) in [
            ("const a = b\n", 9),
            ("a = !b;\n", 13),
            ("f(a = b, c => { if (d) { e() } })\n", 16),
            ("a < c(d => <a href={e}>f</a>);\n", 19),
            ("for (let i = 0; i < n; i++) { a<b> };\n", 16),
            ("x = `a${b}c`;\n// ((((\n/* [[[[ */ y = '((((' + \"{{{{\" + /[(/]{/;\n", 10),
            ("f<a>(b);\n", 6),
        ] {
            let found = javascript(text);
            assert!(found <= most, "{text} {found}");
        }
        let python = |text: &str| deepest(Language::Python, &text.repeat(1000));
        assert!(python("if a: b = [c for c in d] # ((\n") < 24);
        assert!(python("x = '((' '''[[[[\n''' \"{\"\n") < 10);
    }
}
