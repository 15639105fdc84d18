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
    /// Stands between the path to a part of an unknown and why that is not known.
    const JOINT: &str = "` is not known: ";

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

    /// The reason why a part of the unknown is not known: `.name`, `.get('name')`, `(…)`. Another part is another unknown.
    pub fn part(&self, step: &str) -> Self {
        const LONGEST_PATH: usize = 64;
        let joint = Self::JOINT;
        if self.is_circumstance() {
            return self.clone();
        }
        let text = match self.text.strip_prefix('`').and_then(|text| text.split_once(joint)) {
            Some((path, why)) if path.len() + step.len() > LONGEST_PATH => {
                // The nearest steps tell more than the first ones.
                let tail: String = path.chars().skip(path.chars().count() / 2).collect();
                format!("`…{tail}{step}{joint}{why}")
            }
            Some((path, why)) => format!("`{path}{step}{joint}{why}"),
            None => format!("`{step}{joint}{}", self.text),
        };
        Self { text: text.into(), span: self.span }
    }

    /// Whether it is what the unknown says when it is asked: `list.includes(…)`, `isAllowed(…)`.
    pub fn is_question(&self) -> bool {
        self.text.split_once(Self::JOINT).is_some_and(|(path, _)| path.ends_with(')'))
    }
}
