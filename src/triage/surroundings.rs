//! What a place stands in, by the names that a person gave it: the route of a handler, the location of a directive, the
//! key of an entry. Equal lines are told apart by it, and neither moved lines nor renamed variables change it.

use std::ops::Range;

use super::lexer::{Lexed, lex};
use crate::source::FileKind;

/// The names in a text, found once for all places in it.
pub(super) struct Surroundings<'a> {
    text: Text<'a>,
    /// In the order of the text.
    brackets: Vec<Bracket>,
    /// The logical lines of Python, in the order of the text.
    lines: Vec<Line>,
    /// The functions and classes of Python.
    definitions: Vec<Definition>,
}

struct Bracket {
    open: usize,
    close: usize,
    parent: Option<usize>,
}

struct Line {
    start: usize,
    definition: Option<usize>,
}

struct Definition {
    /// What its decorators name.
    names: Vec<String>,
    parent: Option<usize>,
}

/// How many bytes before a brace belong to what it opens, at most.
const LONGEST_HEAD: usize = 1024;

impl<'a> Surroundings<'a> {
    /// Reads a text.
    pub fn new(kind: FileKind, text: &'a str) -> Self {
        let text = Text { text, kind, lexed: lex(kind, text) };
        let brackets = brackets(&text.lexed.code);
        let (lines, definitions) = match kind {
            FileKind::Python => text.definitions(),
            _ => (Vec::new(), Vec::new()),
        };
        Self { text, brackets, lines, definitions }
    }

    /// What the byte `at` stands in, from the outermost on.
    pub fn of(&self, at: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut bracket = self.brackets.partition_point(|bracket| bracket.open < at).checked_sub(1);
        while let Some(index) = bracket {
            let Bracket { open, close, parent } = self.brackets[index];
            if close > at {
                names.extend(self.text.name_of(open));
            }
            bracket = parent;
        }
        let line = self.lines.partition_point(|line| line.start <= at).checked_sub(1);
        let mut definition = line.and_then(|line| self.lines[line].definition);
        while let Some(index) = definition {
            names.extend(self.definitions[index].names.iter().rev().cloned());
            definition = self.definitions[index].parent;
        }
        names.reverse();
        names
    }
}

/// The brackets of a text in its order, each with the one around it. What never closes ends with the text.
fn brackets(code: &[u8]) -> Vec<Bracket> {
    let mut brackets: Vec<Bracket> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (at, byte) in code.iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => {
                brackets.push(Bracket { open: at, close: code.len(), parent: open.last().copied() });
                open.push(brackets.len() - 1);
            }
            b')' | b']' | b'}' => {
                if let Some(index) = open.pop() {
                    brackets[index].close = at;
                }
            }
            _ => {}
        }
    }
    brackets
}

struct Text<'a> {
    text: &'a str,
    kind: FileKind,
    lexed: Lexed,
}

impl Text<'_> {
    /// The name of what a bracket opens: the first argument of a call, the key of an entry, the head of nginx's block.
    fn name_of(&self, open: usize) -> Option<String> {
        let code = &self.lexed.code;
        if self.kind == FileKind::Nginx {
            let from = open.saturating_sub(LONGEST_HEAD);
            let start = code[from..open].iter().rposition(|byte| matches!(byte, b';' | b'{' | b'}'));
            let head = self.words(start.map_or(from, |start| from + start + 1)..open);
            // A block without arguments is like any other.
            return (head.len() > 1).then(|| head.join(" "));
        }
        if code[open] == b'(' {
            return self.first_argument(open);
        }
        let key = code[..open].trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
        // Of a string only its first byte is left in the code.
        self.string_at(key.len().checked_sub(1)?)
    }

    /// The string that the arguments of a call begin with.
    fn first_argument(&self, open: usize) -> Option<String> {
        let rest = self.lexed.code.get(open + 1..)?;
        let ahead = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        // As in `r"…"`.
        let prefix = rest[ahead..].iter().take(2).take_while(|byte| byte.is_ascii_alphabetic()).count();
        self.string_at(open + 1 + ahead + prefix)
    }

    /// The content of the string that begins at a byte.
    fn string_at(&self, at: usize) -> Option<String> {
        let index = self.lexed.strings.binary_search_by_key(&at, |string| string.start).ok()?;
        let content = self.text.get(self.lexed.strings[index].clone())?;
        Some(content.trim_matches(['\'', '"', '`']).to_owned())
    }

    /// The words of a part of the text without its comments.
    fn words(&self, range: Range<usize>) -> Vec<&str> {
        let mut words = Vec::new();
        let mut at = range.start;
        let first = self.lexed.comments.partition_point(|comment| comment.end <= range.start);
        for comment in self.lexed.comments[first..].iter().take_while(|comment| comment.start < range.end) {
            words.extend(self.text.get(at..comment.start).unwrap_or_default().split_whitespace());
            at = comment.end;
        }
        words.extend(self.text.get(at..range.end).unwrap_or_default().split_whitespace());
        words
    }

    /// The definitions of a Python text, and the definition that each of its lines belongs to: a decorator to what stands
    /// below it.
    fn definitions(&self) -> (Vec<Line>, Vec<Definition>) {
        let code = &self.lexed.code;
        let (mut lines, mut definitions) = (Vec::<Line>::new(), Vec::new());
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut decorators = 0;
        for range in logical_lines(code) {
            let line = &code[range.clone()];
            let indent = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let line = line.trim_ascii_start();
            while open.last().is_some_and(|(outer, _)| *outer >= indent) {
                open.pop();
            }
            let parent = open.last().map(|(_, definition)| *definition);
            lines.push(Line { start: range.start, definition: parent });
            if line.starts_with(b"@") {
                decorators += 1;
                continue;
            }
            if [&b"def "[..], b"async def ", b"class "].iter().any(|word| line.starts_with(word)) {
                let own = lines.len() - 1 - decorators..lines.len();
                let names = lines[own.start..own.end - 1].iter().filter_map(|line| {
                    let ahead =
                        code[line.start..].iter().take_while(|&&byte| byte != b'\n').position(|&b| b == b'(')?;
                    self.first_argument(line.start + ahead)
                });
                open.push((indent, definitions.len()));
                definitions.push(Definition { names: names.collect(), parent });
                for line in &mut lines[own] {
                    line.definition = Some(definitions.len() - 1);
                }
            }
            decorators = 0;
        }
        (lines, definitions)
    }
}

/// The lines of a Python text that are not blank; a bracket that is open goes on in the next line.
fn logical_lines(code: &[u8]) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, &byte) in code.iter().chain(b"\n").enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' if depth == 0 => {
                if !code[start..at].trim_ascii().is_empty() {
                    lines.push(start..at);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(kind: FileKind, text: &str) -> Vec<String> {
        Surroundings::new(kind, text).of(text.find("HERE").unwrap())
    }

    #[test]
    fn a_place_is_known_by_what_a_person_named() {
        use FileKind::{JavaScript, Nginx, Python};
        let none: [&str; 0] = [];
        for (kind, text, wanted) in [
            (JavaScript, "app.get('/a', (req, res) => {\n  res.setHeader(\"X\", HERE);\n});", &["/a", "X"][..]),
            (JavaScript, "f('/a', g('b'));\nuse({ 'k': [{ origin: HERE }] })", &["k"]),
            (JavaScript, "// app.get('/no', {\nuse(HERE)", &none),
            (Python, "@app.route(r'/a',\n  methods=['GET'])\n@HERE()\ndef a(): pass", &["/a"]),
            (Python, "class A:\n  @app.route('/a')\n  # x\n  def a():\n    if b:\n\n      HERE\n", &["/a"]),
            (Python, "@app.route('/a')\ndef a():\n  pass\nHERE", &none),
            (Python, "CORS(app, resources={'/api/*': {'origins': HERE}})", &["/api/*"]),
            (
                Nginx,
                "http { # c;\n  server {\n location ~ \"^/a{2}\" {\n  if ($x) { HERE; }",
                &["location ~ \"^/a{2}\"", "if ($x)"],
            ),
            (Nginx, "location /a { x; }\nlocation /b # c\n{ HERE", &["location /b"]),
        ] {
            assert_eq!(names(kind, text), wanted, "{text}");
        }
    }

    #[test]
    fn brackets_that_do_not_match_end_with_the_text() {
        for text in [")]}HERE", "((([[{HERE", "f('x', ]HERE", "@\nHERE", "def HERE", "@a(\nHERE"] {
            for kind in [FileKind::JavaScript, FileKind::Python, FileKind::Nginx] {
                names(kind, text);
            }
        }
    }
}
