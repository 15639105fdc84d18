//! The tests that server code applies to an origin.

use super::pattern::Pattern;

/// One test of a string, in terms that do not depend on the language it is written in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StringTest {
    /// The string is this text.
    Equals(String),
    /// The string begins with this text.
    StartsWith(String),
    /// The string ends with this text.
    EndsWith(String),
    /// The string has this text anywhere in it.
    Contains(String),
    /// The string stands anywhere in this text: a search the wrong way round, as in `'https://a, https://b'.includes(origin)`.
    PartOf(String),
    /// The pattern accepts the string.
    Matches(Pattern),
}

impl StringTest {
    /// Whether the string passes. `None` when the pattern's engine would see the string in a way that cannot be
    /// decided here (see [`Pattern::matches`]).
    pub fn matches(&self, text: &str) -> Option<bool> {
        Some(match self {
            StringTest::Equals(other) => text == other,
            StringTest::StartsWith(prefix) => text.starts_with(prefix.as_str()),
            StringTest::EndsWith(suffix) => text.ends_with(suffix.as_str()),
            StringTest::Contains(part) => text.contains(part.as_str()),
            StringTest::PartOf(whole) => whole.contains(text),
            StringTest::Matches(pattern) => return pattern.matches(text),
        })
    }
}
