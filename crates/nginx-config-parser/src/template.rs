//! Placeholders of template languages: finding them, and masking them at equal length.

mod branch;

use std::borrow::Cow;

use crate::Span;

/// Stands in the masked text for each byte of a placeholder that stands for text. A word character to nginx.
pub(crate) const MASK: u8 = 0x01;
/// The same for placeholders on a line that holds nothing else.
pub(crate) const MASK_ALONE: u8 = 0x02;

/// A placeholder of a template language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Placeholder {
    /// What it stands for.
    pub kind: PlaceholderKind,
    /// Where it stands, its delimiters included.
    pub span: Span,
}

/// What a [`Placeholder`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlaceholderKind {
    /// Text that is not known: `{{ origin }}`, `<%= @origin %>`, `${ORIGIN}`, `{origin}` in a Python format string, and
    /// the names that scripts replace: `__ORIGIN__`, `@ORIGIN@`, `%ORIGIN%`.
    Expression,
    /// Nothing, but it says which text comes, and how often: `{% if cors %}`, `{{ range .Origins }}`, `<% end %>`.
    Statement,
    /// Nothing: `{# … #}`, `{{/* … */}}`, `<%# … %>`.
    Comment,
    /// One brace: `{{` or `}}` in a Python format string.
    Brace,
}

/// Whether `source` looks like a template: whether [`parse_template`](crate::parse_template) would find a placeholder in
/// it that nginx itself does not know. `${name}` is nginx's own. Time is linear in the length of `source`.
#[must_use]
pub fn looks_templated(source: &[u8]) -> bool {
    find(source, true).iter().any(|placeholder| !is_variable(placeholder.span.slice(source)))
}

/// The source with its placeholders masked, byte for byte, and the placeholders in order.
pub(crate) fn mask(source: &[u8]) -> (Cow<'_, [u8]>, Vec<Placeholder>) {
    let placeholders = find(source, false);
    if placeholders.is_empty() {
        return (Cow::Borrowed(source), placeholders);
    }
    let mut text = source.to_vec();
    for &Placeholder { kind, span } in &placeholders {
        let range = span.range();
        let joins = || joins_word(&text, &source[range.end..], range.start);
        match kind {
            PlaceholderKind::Brace => text[range.end - 1] = b' ',
            PlaceholderKind::Expression => text[range].fill(MASK),
            // `a{% if b %}c{% endif %}d` is one word.
            PlaceholderKind::Statement if joins() => text[range].fill(MASK),
            PlaceholderKind::Statement | PlaceholderKind::Comment => {
                text[range].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
            }
        }
    }
    branch::keep_first_of_unbalanced(&mut text, source, &placeholders);
    for line in text.split_mut(|&byte| byte == b'\n') {
        if line.contains(&MASK) && line.iter().all(|byte| matches!(*byte, MASK | b' ' | b'\t' | b'\r')) {
            line.iter_mut().filter(|byte| **byte == MASK).for_each(|byte| *byte = MASK_ALONE);
        }
    }
    (Cow::Owned(text), placeholders)
}

/// Whether there is text of a word both before `start` (already masked) and in `after`.
fn joins_word(before: &[u8], after: &[u8], start: usize) -> bool {
    let ends_word = |byte: &u8| matches!(*byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b'}' | b'"' | b'\'');
    let word_before = start.checked_sub(1).and_then(|at| before.get(at)).is_some_and(|byte| !ends_word(byte));
    let word_after = match after {
        [b'{', b'{', ..] | [b'<', b'%', b'=', ..] => true,
        [first, ..] => !ends_word(first),
        [] => false,
    };
    word_before && word_after
}

fn is_variable(text: &[u8]) -> bool {
    let name = text.strip_prefix(b"${").and_then(|rest| rest.strip_suffix(b"}")).unwrap_or_default();
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Finds the placeholders in one pass from left to right; just the first that is not a variable if `first_only`.
fn find(source: &[u8], first_only: bool) -> Vec<Placeholder> {
    let mut finder = Finder {
        source,
        doubled: false,
        budget: source.len().saturating_mul(8).saturating_add(1024),
        found: Vec::new(),
        dollar_braces: 0,
    };
    finder.doubled = finder.has_doubled_braces();
    let mut at = 0;
    while let Some(length) = source.get(at..).unwrap_or_default().iter().position(|byte| OPENERS[*byte as usize]) {
        at += length;
        match finder.placeholder_at(at) {
            Some((kind, end)) => {
                finder.found.push(Placeholder { kind, span: Span::at(at, end) });
                if first_only && !is_variable(&source[at..end]) {
                    break;
                }
                at = end;
            }
            None => at += 1,
        }
    }
    finder.found
}

const OPENERS: [bool; 256] = {
    let mut table = [false; 256];
    table[b'{' as usize] = true;
    table[b'}' as usize] = true;
    table[b'<' as usize] = true;
    table[b'%' as usize] = true;
    table[b'$' as usize] = true;
    table[b'_' as usize] = true;
    table[b'@' as usize] = true;
    table
};

struct Finder<'s> {
    source: &'s [u8],
    /// It is a Python format string: braces are doubled, and placeholders have single ones.
    doubled: bool,
    /// How many bytes may still be looked at in search of closing delimiters, so that time stays linear.
    budget: usize,
    found: Vec<Placeholder>,
    /// How many `${{` of a format string wait for their `}}`.
    dollar_braces: usize,
}

impl Finder<'_> {
    fn placeholder_at(&mut self, at: usize) -> Option<(PlaceholderKind, usize)> {
        let rest = self.source.get(at..)?;
        match rest {
            [b'{', b'{', ..] if self.doubled => {
                if at > 0 && self.source.get(at - 1) == Some(&b'$') {
                    self.dollar_braces += 1;
                    return None;
                }
                Some((PlaceholderKind::Brace, at + 2))
            }
            [b'}', b'}', ..] if self.doubled => {
                if self.dollar_braces > 0 {
                    self.dollar_braces -= 1;
                    return None;
                }
                Some((PlaceholderKind::Brace, at + 2))
            }
            [b'{', b'{', b'{', ..] if !self.doubled => {
                let end = self.find_end(at + 3, b"}}}", b";")?;
                Some((PlaceholderKind::Expression, end))
            }
            [b'{', b'{', ..] => {
                let end = self.double_end(at)?;
                Some((kind_of_double(&self.source[at + 2..end - 2]), end))
            }
            [b'{', b'%', ..] => Some((PlaceholderKind::Statement, self.find_end(at + 2, b"%}", b"")?)),
            [b'{', b'#', ..] => Some((PlaceholderKind::Comment, self.jinja_comment_end(at)?)),
            [b'{', ..] if self.doubled && !self.follows_brace(at) => self.format_field(at),
            [b'<', b'%', b'%', ..] => None,
            [b'<', b'%', b'#', ..] => Some((PlaceholderKind::Comment, self.find_end(at + 2, b"%>", b"")?)),
            [b'<', b'%', b'=', ..] | [b'<', b'%', b'-', b'=', ..] => {
                Some((PlaceholderKind::Expression, self.find_end(at + 2, b"%>", b"")?))
            }
            [b'<', b'%', ..] => Some((PlaceholderKind::Statement, self.find_end(at + 2, b"%>", b"")?)),
            [b'%', b'{', ..] => self.terraform_directive(at),
            [b'$', b'{', b'{', ..] => None,
            [b'$', b'{', ..] => self.dollar(at),
            [b'_', b'_', ..] | [b'@' | b'%', b'A'..=b'Z', ..] => {
                Some((PlaceholderKind::Expression, at + replaced_name(rest)?))
            }
            _ => None,
        }
    }

    fn follows_brace(&self, at: usize) -> bool {
        at > 0 && matches!(self.source.get(at - 1), Some(b'{' | b'$'))
    }

    /// The offset after `closer`, looked for from `at` on; none if a byte of `never` comes before it.
    fn find_end(&mut self, at: usize, closer: &[u8], never: &[u8]) -> Option<usize> {
        let window = self.source.get(at..)?;
        let window = window.get(..self.budget).unwrap_or(window);
        let mut seen = 0;
        let mut end = None;
        for candidate in window.windows(closer.len()) {
            if candidate == closer {
                end = Some(at + seen + closer.len());
                break;
            }
            if candidate.first().is_some_and(|byte| never.contains(byte)) {
                break;
            }
            seen += 1;
        }
        self.budget = self.budget.saturating_sub(seen);
        end
    }

    /// The end of `{{ … }}`. It is a pair of doubled braces and no placeholder where a `;` or another `{{` comes first,
    /// or where nothing is inside.
    fn double_end(&mut self, start: usize) -> Option<usize> {
        let window = self.source.get(start + 2..)?;
        let window = window.get(..self.budget).unwrap_or(window);
        // Comments may hold anything.
        let comment = window.strip_prefix(b"-").unwrap_or(window).trim_ascii_start();
        if comment.starts_with(b"/*") {
            return self.find_end(start + 2, b"*/}}", b"").or_else(|| self.find_end(start + 2, b"}}", b""));
        }
        if window.starts_with(b"!") {
            return self.find_end(start + 2, b"}}", b"");
        }
        let mut at = 0;
        let mut end = None;
        while let Some(&byte) = window.get(at) {
            match byte {
                b'}' if window.get(at + 1) == Some(&b'}') => {
                    let empty = window[..at].trim_ascii().is_empty();
                    end = (!empty).then_some(start + 2 + at + 2);
                    break;
                }
                b';' => break,
                b'{' if window.get(at + 1) == Some(&b'{') => break,
                b'"' | b'\'' | b'`' => {
                    // A quote without partner on its line is an apostrophe.
                    let rest = &window[at + 1..];
                    let length = rest.iter().position(|&other| other == byte || other == b'\n').unwrap_or(rest.len());
                    self.budget = self.budget.saturating_sub(length);
                    if rest.get(length) == Some(&byte) {
                        at += length + 1;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        self.budget = self.budget.saturating_sub(at);
        end
    }

    /// The end of `{# … #}`. `location / {# why` is nginx: a comment over several lines must start its line.
    fn jinja_comment_end(&mut self, start: usize) -> Option<usize> {
        let end = self.find_end(start + 2, b"#}", b"")?;
        let one_line = !self.source[start..end].contains(&b'\n');
        let starts_line = self.source[..start]
            .iter()
            .rev()
            .take(256)
            .find(|byte| !matches!(**byte, b' ' | b'\t'))
            .is_none_or(|byte| *byte == b'\n');
        (one_line || starts_line).then_some(end)
    }

    /// `{name}`, `{obj["key"]}`, `{value!r:>10}` in a Python format string, on one line.
    fn format_field(&mut self, start: usize) -> Option<(PlaceholderKind, usize)> {
        let end = self.find_end(start + 1, b"}", b"\n;{")?;
        let field = &self.source[start + 1..end - 1];
        (!field.trim_ascii().is_empty()).then_some((PlaceholderKind::Expression, end))
    }

    /// `%{ if … }`, `%{~ endfor ~}`.
    fn terraform_directive(&mut self, start: usize) -> Option<(PlaceholderKind, usize)> {
        let inside = self.source.get(start + 2..)?;
        let inside = inside.strip_prefix(b"~").unwrap_or(inside);
        let inside = &inside[..inside.len().min(64)];
        let word = inside.trim_ascii_start();
        let keyword = word.iter().position(|byte| !byte.is_ascii_lowercase()).map_or(word, |end| &word[..end]);
        if !matches!(keyword, b"if" | b"else" | b"endif" | b"for" | b"endfor") {
            return None;
        }
        Some((PlaceholderKind::Statement, self.find_end(start + 2, b"}", b"\n")?))
    }

    /// `${…}` on one line, with balanced braces. nginx reads simple ones right by itself, but they may stand alone.
    fn dollar(&mut self, start: usize) -> Option<(PlaceholderKind, usize)> {
        let window = self.source.get(start + 1..)?;
        let window = window.get(..self.budget.min(4096)).unwrap_or(window);
        let mut depth = 0usize;
        for (index, &byte) in window.iter().enumerate() {
            match byte {
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        self.budget = self.budget.saturating_sub(index);
                        return Some((PlaceholderKind::Expression, start + 1 + index + 1));
                    }
                }
                b'\n' | b';' => {
                    self.budget = self.budget.saturating_sub(index);
                    return None;
                }
                _ => {}
            }
        }
        self.budget = self.budget.saturating_sub(window.len());
        None
    }

    /// Whether blocks are written `{{` … `}}`: a line ends in the one, a line is the other, and none ends in a single
    /// brace.
    fn has_doubled_braces(&self) -> bool {
        let (mut opens, mut closes) = (false, false);
        for line in self.source.split(|&byte| byte == b'\n') {
            let line = line.trim_ascii();
            if line.ends_with(b"{{") {
                opens = true;
            } else if line.ends_with(b"{") {
                return false;
            }
            closes |= line == b"}}";
        }
        opens && closes
    }
}

/// The length of a name in capitals between two equal runs of `_` (at least two), or two `@` or `%`, that `text` begins
/// with. Scripts replace it (`sed s/__HOST__/…/`); by itself, nobody writes a value so. A name of two letters may be an
/// escaped byte: `%C3%A4`.
fn replaced_name(text: &[u8]) -> Option<usize> {
    let mark = *text.first()?;
    let run = if mark == b'_' { text.iter().take_while(|byte| **byte == mark).count() } else { 1 };
    let inside = &text[run..];
    let length = inside.iter().take_while(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')).count();
    let name = &inside[..length];
    if mark == b'_' {
        // The closing run is part of what was taken for the name.
        let closing = name.iter().rev().take_while(|byte| **byte == mark).count();
        return (closing == run && length >= run + 3 && name[0].is_ascii_uppercase()).then_some(run + length);
    }
    (length >= 3 && name[0].is_ascii_uppercase() && inside.get(length) == Some(&mark)).then_some(length + 2)
}

/// What stands between `{{` and `}}`: Jinja's is always an expression; Go and Handlebars have statements there too.
fn kind_of_double(inside: &[u8]) -> PlaceholderKind {
    let inside = inside.strip_prefix(b"-").or_else(|| inside.strip_prefix(b"~")).unwrap_or(inside).trim_ascii();
    let inside = inside.strip_suffix(b"-").or_else(|| inside.strip_suffix(b"~")).unwrap_or(inside).trim_ascii_end();
    if inside.starts_with(b"/*") || inside.starts_with(b"!") {
        return PlaceholderKind::Comment;
    }
    if matches!(inside.first(), Some(b'#' | b'/' | b'^')) {
        return PlaceholderKind::Statement;
    }
    if inside.first() == Some(&b'$') {
        // `{{ $name := value }}` and `{{ $name = value }}` set a variable.
        let name_end = inside[1..].iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
        let rest = name_end.map_or(&b""[..], |end| inside[1 + end..].trim_ascii_start());
        let assigns = rest.starts_with(b":=") || (rest.starts_with(b"=") && !rest.starts_with(b"=="));
        return if assigns { PlaceholderKind::Statement } else { PlaceholderKind::Expression };
    }
    let keyword = inside.iter().position(|byte| !byte.is_ascii_alphabetic()).map_or(inside, |end| &inside[..end]);
    let followed = inside.get(keyword.len());
    match keyword {
        b"if" | b"range" | b"with" | b"define" | b"block" if followed.is_some_and(u8::is_ascii_whitespace) => {
            PlaceholderKind::Statement
        }
        b"else" if followed.is_none_or(u8::is_ascii_whitespace) => PlaceholderKind::Statement,
        b"end" | b"break" | b"continue" if followed.is_none() => PlaceholderKind::Statement,
        _ => PlaceholderKind::Expression,
    }
}
