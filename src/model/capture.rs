//! Groups of a pattern's match, which go on to be part of a path or a value.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use regex_automata::meta;
use regex_automata::util::{captures, syntax};

use super::Text;

/// The largest automaton that is built, in bytes of heap.
const MAX_SIZE: usize = 4 << 20;

/// A group of a pattern's match in a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Capture {
    /// The text that is matched.
    pub subject: Text,
    /// The pattern.
    pub pattern: Capturing,
    /// The group, counted from 1; 0 is the whole match.
    pub group: usize,
}

/// A pattern that remembers its groups. [`Pattern`](crate::cors::Pattern) decides languages and forgets them.
#[derive(Clone)]
pub struct Capturing {
    text: Arc<str>,
    ignore_case: bool,
    regex: Option<meta::Regex>,
}

impl Capturing {
    /// Reads a PCRE pattern. One that needs more than an automaton is kept, and its groups are not known.
    pub fn new(text: &str, ignore_case: bool) -> Self {
        let config = meta::Config::new().nfa_size_limit(Some(MAX_SIZE)).onepass(false).dfa(false).utf8_empty(false);
        let regex = meta::Builder::new()
            .configure(config)
            .syntax(syntax::Config::new().unicode(false).utf8(false).case_insensitive(ignore_case))
            .build(text)
            .ok();
        Self { text: text.into(), ignore_case, regex }
    }

    /// Whether every match has all groups, and none of them empty: none is optional, or one of several.
    pub fn is_plain(&self) -> bool {
        !["|", ")?", ")*", "){", "*)", "*?)", "{0", "()"].iter().any(|part| self.text.contains(part))
    }

    /// How many groups it has, where it can be read.
    pub fn count(&self) -> Option<usize> {
        Some(self.regex.as_ref()?.group_info().group_len(regex_automata::PatternID::ZERO).saturating_sub(1))
    }

    /// The number of the group with this name.
    pub fn group(&self, name: &str) -> Option<usize> {
        self.regex.as_ref()?.group_info().to_index(regex_automata::PatternID::ZERO, name)
    }

    /// The names of its named groups.
    pub fn names(&self) -> Vec<String> {
        let Some(regex) = &self.regex else { return Vec::new() };
        let names = regex.group_info().pattern_names(regex_automata::PatternID::ZERO);
        names.flatten().map(str::to_owned).collect()
    }

    /// Where a group matched in `text` (byte offsets): `None` where that is not known, `Some(None)` where the pattern
    /// does not match or the group took no part.
    pub fn find(&self, text: &str, group: usize) -> Option<Option<std::ops::Range<usize>>> {
        let regex = self.regex.as_ref()?;
        let mut found = captures::Captures::all(regex.group_info().clone());
        regex.captures(text, &mut found);
        Some(found.get_group(group).map(|span| span.range()))
    }
}

impl fmt::Debug for Capturing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.text)
    }
}

impl PartialEq for Capturing {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.ignore_case) == (&other.text, other.ignore_case)
    }
}

impl Eq for Capturing {}

impl Hash for Capturing {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.text, self.ignore_case).hash(state);
    }
}
