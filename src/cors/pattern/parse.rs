//! From the text of a pattern to a tree, by the grammar of its engine.
//!
//! Sources: ECMA-262 22.2.1 and annex B.1.2; CPython `Lib/re/_parser.py` (3.13); `pcre2pattern(3)` (10.42).
//! Where versions of an engine read a text differently, it is refused as unsupported rather than guessed.

use super::{Engine, Flags, PatternError, class};
use regex_syntax::hir::ClassUnicode;
use rustc_hash::FxHashSet;

/// Groups within groups beyond this depth are refused, so that no pattern can exhaust the stack.
const MAX_DEPTH: usize = 64;

/// A pattern's syntax tree. Groups leave no trace but their shape: they do not change what strings are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cors) enum Node {
    /// The empty string.
    Empty,
    /// One character, in either case when folded.
    Literal { character: char, folded: bool },
    /// An unescaped `.`, with the set it stands for.
    Dot(ClassUnicode),
    /// One character of a set.
    Class(ClassUnicode),
    /// A place in the string.
    Look(Look),
    /// One after the other.
    Concat(Vec<Node>),
    /// One of them.
    Alternate(Vec<Node>),
    /// What follows begins with this, or does not: lookahead.
    Ahead { node: Box<Node>, holds: bool },
    /// `min` to `max` times; no `max` is without bound. Greed decides where a match ends, never whether there is one.
    Repeat { node: Box<Node>, min: u32, max: Option<u32>, greedy: bool },
}

/// An assertion about a place in the string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cors) enum Look {
    Start,
    StartLine,
    End,
    /// At the end, or before a line feed that ends the string: `$` of Python and PCRE, `\Z` of PCRE.
    LooseEnd,
    EndLine,
    WordBoundary,
    NotWordBoundary,
}

/// A parsed pattern and what it used on the way.
pub(super) struct Parsed {
    pub node: Node,
    pub multiline: bool,
    pub case_insensitive: bool,
    pub unicode: bool,
}

/// Parses a pattern.
pub(super) fn parse(text: &str, engine: Engine, flags: Flags) -> Result<Parsed, PatternError> {
    let mut parser = Parser {
        text: text.chars().collect(),
        at: 0,
        engine,
        flags,
        depth: 0,
        used_multiline: flags.multiline,
        used_fold: flags.case_insensitive,
        names: FxHashSet::default(),
    };
    parser.check_characters()?;
    let node = parser.alternation()?;
    if parser.peek().is_some() {
        return invalid("unmatched )");
    }
    Ok(Parsed {
        node,
        multiline: parser.used_multiline,
        case_insensitive: parser.used_fold,
        unicode: parser.flags.unicode,
    })
}

/// A pattern on its way to a tree. Escapes are read in `escape.rs`.
pub(super) struct Parser {
    pub(super) text: Vec<char>,
    pub(super) at: usize,
    pub(super) engine: Engine,
    pub(super) flags: Flags,
    depth: usize,
    used_multiline: bool,
    used_fold: bool,
    names: FxHashSet<String>,
}

/// What an escape or a member of a class stands for.
pub(super) enum Item {
    Character(char),
    Set(ClassUnicode),
    Look(Look),
    /// PCRE's `\E` without `\Q`: nothing.
    Nothing,
}

pub(super) fn unsupported<T>(what: &str) -> Result<T, PatternError> {
    Err(PatternError::Unsupported(what.to_owned()))
}

pub(super) fn invalid<T>(what: &str) -> Result<T, PatternError> {
    Err(PatternError::Invalid(what.to_owned()))
}

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at.saturating_add(ahead)).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek();
        if character.is_some() {
            self.at += 1;
        }
        character
    }

    pub(super) fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += 1;
        }
        found
    }

    fn eat_all(&mut self, expected: &str) -> bool {
        let found = expected.chars().enumerate().all(|(index, character)| self.peek_at(index) == Some(character));
        if found {
            self.at += expected.chars().count();
        }
        found
    }

    /// Engines that do not count in code points cannot be followed where such characters stand in the pattern.
    fn check_characters(&self) -> Result<(), PatternError> {
        match self.engine {
            Engine::Pcre if !self.text.iter().all(char::is_ascii) => unsupported("text beyond ASCII"),
            Engine::JavaScript if !self.flags.unicode && self.text.iter().any(|&c| c > '\u{ffff}') => {
                unsupported("text beyond the basic plane without the u flag")
            }
            _ => Ok(()),
        }
    }

    fn alternation(&mut self) -> Result<Node, PatternError> {
        let mut branches = vec![self.concatenation()?];
        while self.eat('|') {
            branches.push(self.concatenation()?);
        }
        Ok(match branches.pop() {
            Some(only) if branches.is_empty() => only,
            Some(last) => {
                branches.push(last);
                Node::Alternate(branches)
            }
            None => Node::Empty,
        })
    }

    fn concatenation(&mut self) -> Result<Node, PatternError> {
        let mut items = Vec::new();
        loop {
            self.skip_verbose();
            let Some(character) = self.peek() else { break };
            if matches!(character, '|' | ')') {
                break;
            }
            if let Some(atom) = self.atom()? {
                items.push(self.quantified(atom)?);
            }
        }
        Ok(match items.pop() {
            None => Node::Empty,
            Some(only) if items.is_empty() => only,
            Some(last) => {
                items.push(last);
                Node::Concat(items)
            }
        })
    }

    fn skip_verbose(&mut self) {
        if !self.flags.verbose {
            return;
        }
        while let Some(character) = self.peek() {
            if character.is_ascii_whitespace() || character == '\u{b}' {
                self.at += 1;
            } else if character == '#' {
                while self.next().is_some_and(|character| character != '\n') {}
            } else {
                break;
            }
        }
    }

    /// One unit that a quantifier can follow; `None` for text that stands for nothing (comments, option settings).
    fn atom(&mut self) -> Result<Option<Node>, PatternError> {
        let Some(character) = self.next() else { return Ok(None) };
        let strict = self.engine == Engine::JavaScript && self.flags.unicode;
        let node = match character {
            '(' => return self.group(),
            '[' => Node::Class(self.class()?),
            '.' if self.flags.dot_all => Node::Dot(class::any()),
            '.' => Node::Dot(class::dot(self.engine)),
            '^' if self.flags.multiline => Node::Look(Look::StartLine),
            '^' => Node::Look(Look::Start),
            '$' if self.flags.multiline => Node::Look(Look::EndLine),
            '$' if self.engine == Engine::JavaScript => Node::Look(Look::End),
            '$' => Node::Look(Look::LooseEnd),
            '*' | '+' | '?' => return invalid("nothing to repeat"),
            '{' if self.interval_ahead()?.is_some() => return invalid("nothing to repeat"),
            '{' | '}' | ']' if strict => return invalid("lone bracket under the u flag"),
            '\\' => {
                if self.engine == Engine::Pcre && self.peek() == Some('Q') {
                    return self.quoted().map(Some);
                }
                match self.escape(false)? {
                    Item::Character(character) => self.literal(character)?,
                    Item::Set(set) => Node::Class(set),
                    Item::Look(look) => Node::Look(look),
                    Item::Nothing => return Ok(None),
                }
            }
            other => self.literal(other)?,
        };
        Ok(Some(node))
    }

    fn literal(&self, character: char) -> Result<Node, PatternError> {
        self.check_case(character, character)?;
        Ok(Node::Literal { character, folded: self.flags.case_insensitive })
    }

    fn check_case(&self, start: char, end: char) -> Result<(), PatternError> {
        if self.flags.case_insensitive && class::folds_to_ascii(start, end) {
            return unsupported("a letter beyond ASCII without case");
        }
        Ok(())
    }

    /// PCRE's `\Q…\E`.
    fn quoted(&mut self) -> Result<Node, PatternError> {
        self.at += 1;
        let mut items = Vec::new();
        while self.peek().is_some() && !self.eat_all("\\E") {
            if let Some(character) = self.next() {
                items.push(self.literal(character)?);
            }
        }
        if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
            return unsupported("a quantifier after quoted text");
        }
        Ok(Node::Concat(items))
    }

    fn quantified(&mut self, atom: Node) -> Result<Node, PatternError> {
        self.skip_verbose();
        let (min, max) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.at += 1;
                match self.interval_ahead()? {
                    Some((min, max, length)) => {
                        // The last character of the interval is eaten below, as the one sign of the others is.
                        self.at += length - 1;
                        (min, max)
                    }
                    None => {
                        self.at -= 1;
                        return Ok(atom);
                    }
                }
            }
            _ => return Ok(atom),
        };
        self.at += 1;
        if max.is_some_and(|max| max < min) {
            return invalid("numbers out of order in a quantifier");
        }
        if matches!(atom, Node::Ahead { .. }) {
            return unsupported("a quantified assertion");
        }
        if matches!(atom, Node::Look(_)) {
            return match self.engine {
                Engine::Pcre => unsupported("a quantified assertion"),
                Engine::JavaScript | Engine::Python => invalid("nothing to repeat"),
            };
        }
        let lazy = self.eat('?');
        if self.engine != Engine::JavaScript && !lazy && self.peek() == Some('+') {
            return unsupported("a possessive quantifier");
        }
        self.skip_verbose();
        let again = match self.peek() {
            Some('*' | '+' | '?') => true,
            Some('{') => {
                self.at += 1;
                let interval = self.interval_ahead()?;
                self.at -= 1;
                interval.is_some()
            }
            _ => false,
        };
        match self.engine {
            Engine::Pcre if again => unsupported("a quantifier after a quantifier"),
            _ if again => invalid("nothing to repeat"),
            _ => Ok(Node::Repeat { node: Box::new(atom), min, max, greedy: !lazy }),
        }
    }

    /// The quantifier whose text follows the `{` just passed, with the number of characters up to and with its `}`;
    /// `None` when that brace is an ordinary character.
    #[allow(clippy::type_complexity)]
    fn interval_ahead(&self) -> Result<Option<(u32, Option<u32>, usize)>, PatternError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(length) = rest.iter().take(64).position(|&character| character == '}') else {
            return if rest.iter().take(64).all(|c| c.is_ascii_digit() || *c == ',') && rest.len() >= 64 {
                Err(PatternError::TooLarge)
            } else {
                Ok(None)
            };
        };
        let inside: String = rest.iter().take(length).collect();
        let (low, high) = match inside.split_once(',') {
            None => (inside.as_str(), None),
            Some((low, high)) => (low, Some(high)),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(low) || !high.is_none_or(digits) || inside.is_empty() {
            return Ok(None);
        }
        let number = |text: &str| text.parse::<u32>().map_err(|_| PatternError::TooLarge);
        let min = match (low, high) {
            ("", Some(high)) => match self.engine {
                Engine::Python => 0,
                Engine::JavaScript => return Ok(None),
                Engine::Pcre if high.is_empty() => return Ok(None),
                Engine::Pcre => return unsupported("a quantifier without lower bound"),
            },
            (low, _) => number(low)?,
        };
        let max = match high {
            None => Some(min),
            Some("") => None,
            Some(high) => Some(number(high)?),
        };
        Ok(Some((min, max, length + 1)))
    }

    fn group(&mut self) -> Result<Option<Node>, PatternError> {
        if self.depth >= MAX_DEPTH {
            return Err(PatternError::TooLarge);
        }
        let outer = self.flags;
        if self.peek() == Some('*') && self.engine == Engine::Pcre {
            return unsupported("a verb");
        }
        let ahead = match (self.peek(), self.peek_at(1)) {
            (Some('?'), Some('=')) => Some(true),
            (Some('?'), Some('!')) => Some(false),
            _ => None,
        };
        if ahead.is_some() {
            self.at += 2;
        } else if self.eat('?') && !self.group_head()? {
            return Ok(None);
        }
        self.depth += 1;
        let node = self.alternation()?;
        self.depth -= 1;
        if !self.eat(')') {
            return invalid("missing )");
        }
        self.flags = outer;
        Ok(Some(match ahead {
            Some(holds) => Node::Ahead { node: Box::new(node), holds },
            None => node,
        }))
    }

    /// What follows `(?`. False when it was complete in itself (a comment, options for the rest of the group).
    fn group_head(&mut self) -> Result<bool, PatternError> {
        let javascript = self.engine == Engine::JavaScript;
        match self.peek() {
            Some(':') => self.at += 1,
            Some('<') if matches!(self.peek_at(1), Some('=' | '!')) => return unsupported("lookbehind"),
            Some('<') if self.engine != Engine::Python => {
                self.at += 1;
                self.group_name('>')?;
            }
            Some('P') if !javascript => match self.peek_at(1) {
                Some('<') => {
                    self.at += 2;
                    self.group_name('>')?;
                }
                Some('=' | '>') => return unsupported("a reference to a group"),
                _ => return invalid("unknown extension ?P"),
            },
            Some('\'') if self.engine == Engine::Pcre => {
                self.at += 1;
                self.group_name('\'')?;
            }
            Some('#') if !javascript => {
                while let Some(character) = self.next() {
                    if character == ')' {
                        return Ok(false);
                    }
                }
                return invalid("missing ), unterminated comment");
            }
            Some('>') if !javascript => return unsupported("an atomic group"),
            Some('(') if !javascript => return unsupported("a conditional"),
            Some('|' | 'R' | '&' | '0'..='9' | '+' | 'C') if self.engine == Engine::Pcre => {
                return unsupported("recursion or a special group");
            }
            Some('a'..='z' | 'A'..='Z' | '-' | '^') => return self.inline_flags(),
            _ => return invalid("unknown kind of group"),
        }
        Ok(true)
    }

    fn group_name(&mut self, end: char) -> Result<(), PatternError> {
        let mut name = String::new();
        loop {
            match self.next() {
                Some(character) if character == end && !name.is_empty() => break,
                Some(digit) if digit.is_ascii_digit() && name.is_empty() => return invalid("bad name of a group"),
                Some(character) if character == '_' || character.is_alphanumeric() => name.push(character),
                Some('$') if self.engine == Engine::JavaScript => name.push('$'),
                _ => return invalid("bad name of a group"),
            }
        }
        if self.names.insert(name) {
            return Ok(());
        }
        match self.engine {
            // Newer versions let branches of an alternation share a name, as PCRE does when told.
            Engine::JavaScript | Engine::Pcre => unsupported("a name of two groups"),
            Engine::Python => invalid("a name of two groups"),
        }
    }

    /// `(?i)` and `(?i:…)`. False for the former.
    fn inline_flags(&mut self) -> Result<bool, PatternError> {
        if self.engine == Engine::JavaScript {
            return unsupported("options inside of the pattern");
        }
        let start = self.at;
        let mut on = true;
        loop {
            match self.next() {
                Some('i') => self.flags.case_insensitive = on,
                Some('m') => self.flags.multiline = on,
                Some('s') => self.flags.dot_all = on,
                Some('x') => self.flags.verbose = on,
                Some('a') if self.engine == Engine::Python && on => self.flags.ascii = true,
                Some('u') if self.engine == Engine::Python && on => self.flags.ascii = false,
                Some('n' | 'J' | 'U') if self.engine == Engine::Pcre => {}
                Some('-') if on => on = false,
                Some(':') => break,
                Some(')') if self.engine == Engine::Python && start > 2 => {
                    return unsupported("options that do not stand at the start");
                }
                Some(')') => {
                    self.note_flags();
                    return Ok(false);
                }
                _ => return invalid("unknown extension of a group"),
            }
        }
        self.note_flags();
        Ok(true)
    }

    fn note_flags(&mut self) {
        self.used_fold |= self.flags.case_insensitive;
        self.used_multiline |= self.flags.multiline;
    }

    /// A bracketed class, after its `[`.
    fn class(&mut self) -> Result<ClassUnicode, PatternError> {
        let javascript = self.engine == Engine::JavaScript;
        let negate = self.eat('^');
        let mut set = ClassUnicode::empty();
        let mut first = true;
        loop {
            let Some(character) = self.peek() else { return invalid("unterminated class") };
            if character == ']' && (javascript || !first) {
                self.at += 1;
                break;
            }
            first = false;
            let low = self.class_member()?;
            if let Item::Character(character) = low {
                self.check_case(character, character)?;
            }
            let range = self.peek() == Some('-') && !matches!(self.peek_at(1), Some(']') | None);
            if !range {
                add(&mut set, low);
                continue;
            }
            self.at += 1;
            match (low, self.class_member()?) {
                (Item::Character(low), Item::Character(high)) if low <= high => {
                    self.check_case(low, high)?;
                    set.union(&class::of(&[(low, high)]));
                }
                (Item::Character(_), Item::Character(_)) => return invalid("range out of order in a class"),
                (low, high) if javascript && !self.flags.unicode => {
                    add(&mut set, low);
                    add(&mut set, Item::Character('-'));
                    add(&mut set, high);
                }
                _ if self.engine == Engine::Pcre => return unsupported("a range between classes"),
                _ => return invalid("bad range in a class"),
            }
        }
        let set = if self.flags.case_insensitive { class::folded(set) } else { set };
        Ok(if negate { class::negated(set) } else { set })
    }

    fn class_member(&mut self) -> Result<Item, PatternError> {
        match self.next() {
            None => invalid("unterminated class"),
            Some('\\') if self.engine == Engine::Pcre && self.peek() == Some('Q') => unsupported("quoting in a class"),
            Some('\\') => self.escape(true),
            Some('[') if self.engine == Engine::Pcre && matches!(self.peek(), Some(':' | '.' | '=')) => self.posix(),
            Some(character) => Ok(Item::Character(character)),
        }
    }

    /// PCRE's `[:alpha:]`; a `[:` without its end is two ordinary characters.
    fn posix(&mut self) -> Result<Item, PatternError> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let length = rest.iter().take_while(|c| c.is_ascii_alphabetic() || **c == '^').count();
        let closed = rest.get(length) == Some(&':') && rest.get(length + 1) == Some(&']');
        if self.peek() != Some(':') {
            return unsupported("a collating element");
        }
        if !closed {
            return Ok(Item::Character('['));
        }
        let name: String = rest.iter().take(length).collect();
        self.at += length + 3;
        class::posix(&name).map_or_else(|| invalid("unknown POSIX class"), |set| Ok(Item::Set(set)))
    }
}

fn add(set: &mut ClassUnicode, item: Item) {
    match item {
        Item::Character(character) => set.union(&class::of(&[(character, character)])),
        Item::Set(other) => set.union(&other),
        Item::Look(_) | Item::Nothing => {}
    }
}
