//! Text for terminals: cleaned of what steers them, measured, wrapped and painted.

use std::borrow::Cow;

use serde::Serialize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The character to show for one that steers a terminal, reorders text or cannot be seen; `None` where it may stand.
fn shown(c: char) -> Option<char> {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32),
        '\u{7f}' => Some('␡'),
        // C1 controls, marks that reorder, joiners and other invisible ones.
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => Some('\u{fffd}'),
        _ => None,
    }
}

/// `text` with every character replaced that could steer a terminal or hide what it says. Line ends are replaced too.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(|c| shown(c).is_some()) {
        text.chars().map(|c| shown(c).unwrap_or(c)).collect()
    } else {
        Cow::Borrowed(text)
    }
}

/// `value` as JSON in lines. What could steer a terminal or hide what it says is escaped; the value stays the same.
pub fn json(value: &impl Serialize) -> String {
    let plain = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut out = String::with_capacity(plain.len() + 1);
    for c in plain.chars() {
        // serde_json escapes the controls below the space within strings, and writes line ends between values.
        if c == '\n' || shown(c).is_none() {
            out.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out.push('\n');
    out
}

/// As [`clean`], for one character; a tab stays.
pub(super) fn clean_char(c: char) -> char {
    if c == '\t' { c } else { shown(c).unwrap_or(c) }
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// How many columns a character takes.
pub(super) fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// `text` cut to `columns`, with an ellipsis where something is missing.
pub(super) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut left = columns.saturating_sub(1);
    let mut out: String = text
        .chars()
        .take_while(|&c| {
            let fits = char_width(c) <= left;
            left = left.saturating_sub(char_width(c));
            fits
        })
        .collect();
    out.push('…');
    Cow::Owned(out)
}

/// The words of `text` in lines of at most `columns`; a word that is longer has a line of its own.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether there are any.
    pub on: bool,
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// An error, or a line that goes.
    Red,
    /// A warning.
    Yellow,
    /// A note, or a place.
    Cyan,
    /// A line that comes, or good news.
    Green,
    /// A message.
    Bold,
    /// What matters less.
    Dim,
}

impl Paint {
    /// `text` in a style.
    pub fn paint(self, style: Style, text: &str) -> String {
        if !self.on || text.is_empty() {
            return text.to_owned();
        }
        let code = match style {
            Style::Red => "1;31",
            Style::Yellow => "1;33",
            Style::Cyan => "1;36",
            Style::Green => "1;32",
            Style::Bold => "1",
            Style::Dim => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        let hostile = "a\x1b[31mb\r\nc\u{202e}d\u{9b}e\0f\u{200b}";
        let cleaned = clean(hostile);
        assert!(cleaned.chars().all(|c| !c.is_control() && c != '\u{202e}' && c != '\u{200b}'), "{cleaned:?}");
        assert!(cleaned.starts_with("a␛[31mb␍␊c"));
        assert!(matches!(clean("plain – text"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_steers_no_terminal_and_keeps_its_value() {
        let hostile = "a\x1b[31m\u{7f}\u{9b}\u{202e}\u{e0041}\n\"\\";
        let text = json(&[hostile]);
        assert_eq!(text, "[\n  \"a\\u001b[31m\\u007f\\u009b\\u202e\\udb40\\udc41\\n\\\"\\\\\"\n]\n");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), [hostile]);
    }

    #[test]
    fn wrapping_and_cutting_count_columns() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("a verylongword b", 4), ["a", "verylongword", "b"]);
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(cut("abc", 3), "abc");
    }
}
