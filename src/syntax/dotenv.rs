//! `.env` files, as dotenv (Node) and python-dotenv read them where they agree.

use crate::source::{FileId, Span};

/// One variable that a `.env` file sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Place of the name.
    pub name_span: Span,
    /// Its value: quotes and escapes are resolved, interpolation is not.
    pub value: String,
    /// Place of the value, quotes included.
    pub value_span: Span,
    /// Whether the value names other variables, `$OTHER` or `${OTHER}`, and so is not the final one.
    pub is_interpolated: bool,
}

/// Reads a `.env` file. Lines that set nothing are skipped. A name set twice stands twice; the last counts.
pub fn parse(file: FileId, text: &str) -> Vec<Variable> {
    let mut variables = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while at < text.len() {
        let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        let (variable, end) = match assignment(file, text, at, line_end) {
            Some((variable, end)) => (Some(variable), end),
            None => (None, line_end),
        };
        variables.extend(variable);
        // A quoted value may have gone over several lines; what stands behind it on the last one is a comment.
        at = text[end..].find('\n').map_or(text.len(), |rest| end + rest + 1);
    }
    variables
}

/// The assignment on the line `text[at..line_end]`, and where it ends.
fn assignment(file: FileId, text: &str, at: usize, line_end: usize) -> Option<(Variable, usize)> {
    let line = &text[at..line_end];
    let mut rest = line.trim_start();
    if let Some(after) = rest.strip_prefix("export")
        && after.starts_with([' ', '\t'])
    {
        rest = after.trim_start();
    }
    let is_name = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.' | '-');
    let name = &rest[..rest.find(|character| !is_name(character)).unwrap_or(rest.len())];
    if name.is_empty() {
        return None;
    }
    let name_start = line_end - rest.len();
    let after = rest[name.len()..].trim_start();
    let value = match after.strip_prefix('=') {
        Some(value) => value,
        // dotenv 17, `lib/main.js`: `NAME: value`.
        None => after.strip_prefix(':').filter(|value| value.starts_with([' ', '\t']))?,
    };
    let value = value.trim_start();
    let start = line_end - value.len();
    let (value, range, is_literal) = match quoted(text, start) {
        Some((value, end, quote)) => (value, start..end, quote == '\''),
        None => {
            let value = uncommented(value).trim_end();
            (value.to_owned(), start..start + value.len(), false)
        }
    };
    let span = |range: std::ops::Range<usize>| Span::new(file, range.start as u32, range.end as u32);
    let end = range.end;
    let variable = Variable {
        name: name.to_owned(),
        name_span: span(name_start..name_start + name.len()),
        is_interpolated: !is_literal && names_variables(&value),
        value,
        value_span: span(range),
    };
    Some((variable, end))
}

/// A value in quotes at `start`, which may span lines: its text, where it ends, and the quote.
fn quoted(text: &str, start: usize) -> Option<(String, usize, char)> {
    let quote = text[start..].chars().next().filter(|first| matches!(first, '"' | '\'' | '`'))?;
    let mut value = String::new();
    let mut characters = text[start + 1..].char_indices();
    while let Some((at, character)) = characters.next() {
        if character == quote {
            return Some((value.replace("\r\n", "\n"), start + 1 + at + 1, quote));
        }
        if character != '\\' {
            value.push(character);
            continue;
        }
        let (_, escaped) = characters.next()?;
        match escaped {
            'n' if quote == '"' => value.push('\n'),
            'r' if quote == '"' => value.push('\r'),
            't' if quote == '"' => value.push('\t'),
            _ if escaped == quote => value.push(escaped),
            '\\' if quote == '"' => value.push('\\'),
            _ => value.extend(['\\', escaped]),
        }
    }
    None
}

/// An unquoted value without the comment behind it, which begins by `#` after a blank.
fn uncommented(value: &str) -> &str {
    let mut blank_before = true;
    for (at, character) in value.char_indices() {
        if character == '#' && blank_before {
            return &value[..at];
        }
        blank_before = character.is_whitespace();
    }
    value
}

/// Whether `$NAME` or `${NAME` occurs.
fn names_variables(value: &str) -> bool {
    let starts_name = |character: char| character.is_ascii_alphabetic() || matches!(character, '_' | '{');
    value.split('$').skip(1).any(|rest| rest.starts_with(starts_name))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::source::{FileId, Span};

    fn values(text: &str) -> Vec<(String, String)> {
        parse(FileId(0), text).into_iter().map(|variable| (variable.name, variable.value)).collect()
    }

    #[track_caller]
    fn one(text: &str, name: &str, value: &str) {
        assert_eq!(values(text), [(name.to_owned(), value.to_owned())], "{text}");
    }

    #[test]
    fn forms() {
        one("A=b", "A", "b");
        one("  export A = b c  \r\n", "A", "b c");
        one("A=", "A", "");
        one("A=b # c", "A", "b");
        one("A=# c", "A", "");
        one("A=http://x/#y", "A", "http://x/#y");
        one("A='b # \\n c' # d", "A", "b # \\n c");
        one(r#"A="b\n\"c\" \\ \d""#, "A", "b\n\"c\" \\ \\d");
        one("A=`b'c\"d`", "A", "b'c\"d");
        one("A=\"b\r\nc\"\nnot an assignment", "A", "b\nc");
        one("A.b-c: d", "A.b-c", "d");
        one("A='b", "A", "'b");
        one("export=1", "export", "1");
        one("# A=b\n\n=c\nA:b\nB=c", "B", "c");
    }

    #[test]
    fn order_and_places() {
        let text = "\u{feff}A=1\nexport B=\"2\nx\"\nC = 3";
        let variables = parse(FileId(7), text);
        let at = |span: Span| &text[span.start as usize..span.end as usize];
        let places: Vec<_> = variables.iter().map(|one| (at(one.name_span), at(one.value_span))).collect();
        assert_eq!(places, [("A", "1"), ("B", "\"2\nx\""), ("C", "3")]);
    }

    #[test]
    fn interpolation_is_marked() {
        for (text, expected) in
            [("A=${B}", true), ("A=\"x$B\"", true), ("A='${B}'", false), ("A=5$", false), ("A=$5", false)]
        {
            assert_eq!(parse(FileId(0), text)[0].is_interpolated, expected, "{text}");
        }
    }
}
