//! Why something is not known.

use std::sync::Arc;

use crate::source::Span;

/// Why a value or a condition is not known: a short text for people, and the place that could not be decided.
///
/// Two equal reasons stand for the same unknown: a condition that is tested twice holds twice or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reason {
    /// Completes the sentence "unknown, because …".
    pub text: Arc<str>,
    /// The place.
    pub span: Option<Span>,
}

impl Reason {
    /// A reason with its place.
    pub fn new(text: impl Into<Arc<str>>, span: Span) -> Self {
        Self { text: text.into(), span: Some(span) }
    }

    /// Whether it is so for one request and otherwise for another, through no fault of the program: a file that is
    /// there or not, a limit that is reached or not. The text of such a reason begins with "whether the". A path that
    /// is not known is one too: the paths that are known are others.
    pub fn is_circumstance(&self) -> bool {
        self.text.starts_with("whether the") || self.text.starts_with("the path ")
    }
}
