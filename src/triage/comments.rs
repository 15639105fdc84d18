//! `corslint: ignore[rule, rule] reason` in comments.

use std::ops::Range;

use super::lexer::{Lexed, lex};
use crate::source::{FileKind, SourceFile, Span};

/// One ignore comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ignore {
    /// The comment with its delimiters.
    pub comment: Range<usize>,
    /// The rules it names, each with its place.
    pub rules: Vec<(String, Range<usize>)>,
    /// The words behind the brackets.
    pub reason: String,
    /// What it counts for.
    pub reach: Reach,
}

/// What an ignore comment counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The whole file.
    File,
    /// The line that it ends.
    Line(Range<usize>),
    /// The statement or directive behind it.
    Statement(Range<usize>),
    /// Nothing, and why.
    Nothing(&'static str),
}

impl Ignore {
    /// Whether it counts for a place in its file.
    pub fn covers(&self, span: Span) -> bool {
        let (start, end) = (span.start as usize, span.end as usize);
        match &self.reach {
            Reach::File => true,
            Reach::Line(line) => line.contains(&start) || line.contains(&end.saturating_sub(1)),
            Reach::Statement(statement) => statement.contains(&start),
            Reach::Nothing(_) => false,
        }
    }

    /// The place of the edit that removes the whole comment: with its line where it stands alone, with the blanks before
    /// it where it does not.
    pub fn removal(&self, text: &str) -> Range<usize> {
        let line_start = text[..self.comment.start].rfind('\n').map_or(0, |at| at + 1);
        let before = &text[line_start..self.comment.start];
        let rest = &text[self.comment.end..];
        let line_end = rest.find('\n').map_or(text.len(), |at| self.comment.end + at + 1);
        let after = &text[self.comment.end..line_end];
        let alone =
            (before.trim().is_empty() && after.trim().is_empty()) || (before.trim() == "{" && after.trim() == "}");
        if alone {
            return line_start..line_end;
        }
        self.comment.start - (before.len() - before.trim_end().len())..self.comment.end
    }
}

/// The word that every such comment has.
const MARK: &str = "corslint:";

/// The ignore comments of a file.
pub(super) fn ignores(kind: FileKind, file: &SourceFile) -> Vec<Ignore> {
    let text = &file.text;
    if memchr::memmem::find(text.as_bytes(), MARK.as_bytes()).is_none() {
        return Vec::new();
    }
    let lexed = lex(kind, text);
    let first_code = lexed.code.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let mut behind = Behind { blank: 0..0, statement: None };
    let comments = lexed.comments.iter();
    comments.filter_map(|comment| ignore(text, kind, &lexed, comment, first_code, &mut behind)).collect()
}

fn ignore(
    text: &str,
    kind: FileKind,
    lexed: &Lexed,
    comment: &Range<usize>,
    first_code: usize,
    behind: &mut Behind,
) -> Option<Ignore> {
    let inner = &text[comment.clone()];
    let mark = inner.match_indices(MARK).map(|(at, _)| at).find(|&at| {
        // At the start of a word: not quoted in prose.
        inner[..at].chars().next_back().is_some_and(|c| c.is_whitespace() || matches!(c, '/' | '*' | '#'))
    })?;
    let start = comment.start + mark + MARK.len();
    let body = text[start..comment.end].lines().next().unwrap_or_default();
    let body = body.strip_suffix("*/").unwrap_or(body);
    let order = body.trim_start();
    let whole_file = order.starts_with("ignore-file");
    let after = order.strip_prefix(if whole_file { "ignore-file" } else { "ignore" })?;
    let (rules, reason) = match after.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((list, reason)) => {
            let mut at = start + (body.len() - order.len()) + (order.len() - after.len()) + 1;
            let mut rules = Vec::new();
            for item in list.split(',') {
                let id = item.trim();
                let from = at + (item.len() - item.trim_start().len());
                if !id.is_empty() {
                    rules.push((id.to_owned(), from..from + id.len()));
                }
                at += item.len() + 1;
            }
            (rules, reason)
        }
        None if after.is_empty() || after.starts_with(char::is_whitespace) => (Vec::new(), after),
        None => return None,
    };
    let reason = reason.trim().trim_start_matches([':', '-', '–', '—']).trim().to_owned();
    let reach = if rules.is_empty() {
        Reach::Nothing("it must name the rules, as `ignore[rule]`")
    } else if whole_file {
        if comment.start > first_code {
            Reach::Nothing("it must stand above the first line of code")
        } else {
            Reach::File
        }
    } else {
        reach(text, kind, &lexed.code, comment, behind)
    };
    Some(Ignore { comment: comment.clone(), rules, reason, reach })
}

/// What a comment that is not for the whole file counts for.
fn reach(text: &str, kind: FileKind, code: &[u8], comment: &Range<usize>, behind: &mut Behind) -> Reach {
    let line_start = text[..comment.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[comment.end..].find('\n').map_or(text.len(), |at| comment.end + at);
    let (before, after) = (code[line_start..comment.start].trim_ascii(), code[comment.end..line_end].trim_ascii());
    let end = match (before, after) {
        (b"", b"") => comment.end,
        // Between the tags of JSX a comment stands in braces.
        (b"{", b"}") if !matches!(kind, FileKind::Python | FileKind::Nginx) => line_end,
        // A comment over several lines ends the line of its end.
        _ => return Reach::Line(line_start..line_end),
    };
    if !behind.blank.contains(&end) {
        let start = code[end..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|ahead| end + ahead);
        behind.blank = end..start.unwrap_or(code.len());
        behind.statement = start.map(|start| start..statement_end(kind, code, start));
    }
    behind.statement.clone().map_or(Reach::Nothing("there is no code behind it"), Reach::Statement)
}

/// The statement behind a stretch without code, kept for the comments that stand there one below the other.
struct Behind {
    blank: Range<usize>,
    statement: Option<Range<usize>>,
}

/// Where the statement, directive, property or entry that begins at `start` ends, by its brackets and line ends.
fn statement_end(kind: FileKind, code: &[u8], start: usize) -> usize {
    let script = !matches!(kind, FileKind::Python | FileKind::Nginx);
    let mut depth = 0_usize;
    let (mut at, mut logical_line) = (start, start);
    while at < code.len() {
        match code[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                if depth == 0 {
                    return at;
                }
                depth -= 1;
                if depth == 0 && kind == FileKind::Nginx && code[at] == b'}' {
                    return at + 1;
                }
            }
            b';' if depth == 0 && kind != FileKind::Python => return at + 1,
            b',' if depth == 0 && script => return at,
            b'\n' if depth == 0 && kind != FileKind::Nginx => {
                let rest = &code[at..];
                let next = rest.iter().position(|byte| !byte.is_ascii_whitespace()).map(|ahead| at + ahead);
                let goes_on = next.is_some_and(|next| {
                    // A decorator belongs to what stands below it.
                    code[logical_line..].trim_ascii_start().starts_with(b"@")
                        || (script && (matches!(code[next], b'.' | b'?' | b':' | b'&' | b'|')))
                        || (!script && code[..at].trim_ascii_end().ends_with(b"\\"))
                });
                match next.filter(|_| goes_on) {
                    Some(next) => (at, logical_line) = (next, next),
                    None => return at,
                }
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, SourceSet};

    fn parsed(kind: FileKind, text: &str) -> Vec<Ignore> {
        let set = SourceSet::default();
        ignores(kind, &set.add("x".as_ref(), text.to_owned()))
    }

    /// The text that the only comment counts for.
    fn reached(kind: FileKind, text: &str) -> &str {
        match &parsed(kind, text)[..] {
            [Ignore { reach: Reach::Line(range) | Reach::Statement(range), .. }] => &text[range.clone()],
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_comment_behind_code_counts_for_its_line() {
        let text = "a();\nb({ // corslint: ignore[null-origin, x ] a reason\n});\n";
        let ignores = parsed(FileKind::JavaScript, text);
        assert_eq!(ignores[0].reason, "a reason");
        let rules: Vec<_> = ignores[0].rules.iter().map(|(id, range)| (id.as_str(), &text[range.clone()])).collect();
        assert_eq!(rules, [("null-origin", "null-origin"), ("x", "x")]);
        assert_eq!(reached(FileKind::JavaScript, text), "b({ // corslint: ignore[null-origin, x ] a reason");
    }

    #[test]
    fn a_comment_alone_counts_for_the_next_statement() {
        use FileKind::{JavaScript, Nginx, Python};
        for (kind, text, reach) in [
            (
                JavaScript,
                "// corslint: ignore[x]\n// more\n\napp.use(\n  cors({ a: ')' }),\n);\nb();",
                "app.use(\n  cors({ a: ')' }),\n);",
            ),
            (JavaScript, "/* corslint: ignore[x] */\napp\n  .use(c)\nb()", "app\n  .use(c)"),
            (JavaScript, "f({\n  // corslint: ignore[x]\n  origin: [\n true ],\n  b: 1 })", "origin: [\n true ]"),
            (JavaScript, "if (a) {\n  // corslint: ignore[x]\n}\nb();", ""),
            (JavaScript, "<a>\n  {/* corslint: ignore[x] */}\n  <b c={d} />\n</a>", "<b c={d} />"),
            (Python, "# corslint: ignore[x]\n@a(1,\n 2)\n@b\ndef f():\n  pass", "@a(1,\n 2)\n@b\ndef f():"),
            (Python, "# corslint: ignore[x]\nx = y \\\n  + z\nb", "x = y \\\n  + z"),
            (Nginx, "# corslint: ignore[x]\nlocation / {\n a b;\n}\nc;", "location / {\n a b;\n}"),
            (Nginx, "# corslint: ignore[x]\nadd_header a\n  \";\";\nc;", "add_header a\n  \";\";"),
        ] {
            assert_eq!(reached(kind, text), reach, "{text}");
        }
    }

    #[test]
    fn a_comment_for_the_file_stands_at_its_top() {
        let reach = |text| parsed(FileKind::Python, text)[0].reach.clone();
        assert_eq!(reach("#!/x\n# corslint: ignore-file[x] why\nimport a"), Reach::File);
        assert!(matches!(reach("import a\n# corslint: ignore-file[x]"), Reach::Nothing(_)));
        assert!(matches!(reach("# corslint: ignore\nx"), Reach::Nothing(_)));
        assert!(matches!(reach("a\n# corslint: ignore[x]\n"), Reach::Nothing(_)));
    }

    #[test]
    fn prose_about_comments_is_none() {
        assert_eq!(
            parsed(FileKind::JavaScript, "// write `corslint: ignore[x]` here\nlet s = '// corslint: ignore[x]'"),
            []
        );
        assert_eq!(parsed(FileKind::JavaScript, "// corslint: ignored things\n"), []);
    }

    #[test]
    fn places_are_matched_by_their_start_and_end() {
        let text = "a(\n  b, // corslint: ignore[x]\n)";
        let ignore = &parsed(FileKind::JavaScript, text)[0];
        let span = |start: usize, end: usize| Span::new(FileId(0), start as u32, end as u32);
        assert!(ignore.covers(span(5, 6)));
        assert!(!ignore.covers(span(0, text.len())), "a label around it is another place");
    }

    #[test]
    fn comments_one_below_the_other_count_for_one_statement() {
        let text = "# corslint: ignore[x] a\n# corslint: ignore[y] b\n\n@a\n\n\ndef f():\n  pass # corslint: ignore[z]\n# corslint: ignore[x]";
        let reached: Vec<Reach> = parsed(FileKind::Python, text).into_iter().map(|ignore| ignore.reach).collect();
        let statement = || Reach::Statement(text.find('@').unwrap()..text.find("\n  pass").unwrap());
        assert_eq!(reached[..2], [statement(), statement()]);
        assert!(matches!(&reached[2], Reach::Line(_)));
        assert_eq!(reached[3], Reach::Nothing("there is no code behind it"));
    }

    #[test]
    fn removal_takes_the_line_or_the_blanks() {
        for (text, left) in [
            ("a(); // corslint: ignore[x]\nb();", "a();\nb();"),
            ("a();\n  // corslint: ignore[x]\nb();", "a();\nb();"),
            ("/* corslint: ignore[x] */ a();", " a();"),
            ("<a>\n  {/* corslint: ignore[x] */}\n</a>", "<a>\n</a>"),
        ] {
            let range = parsed(FileKind::JavaScript, text)[0].removal(text);
            assert_eq!(format!("{}{}", &text[..range.start], &text[range.end..]), left);
        }
    }
}
