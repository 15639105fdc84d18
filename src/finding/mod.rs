//! What a rule says about a place, and what a run comes to.

mod fingerprint;
mod level;
mod outcome;

pub use fingerprint::{Essence, Fingerprint, fingerprint};
pub use level::{Category, Confidence, Severity};
pub use outcome::{Known, Outcome, Problem, ProblemKind, Reported, Suppression};

use serde::Serialize;

use crate::cors::Request;
use crate::model::Guard;
use crate::source::{FileId, Span};

/// One fault, at the place where a person would change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The id of the rule that found it.
    pub rule: &'static str,
    /// How bad it is. Rules give their own; the configuration may change it later.
    pub severity: Severity,
    /// How sure the rule is.
    pub confidence: Confidence,
    /// What kind of fault it is.
    pub category: Category,
    /// The framework it was found in, as `express`, `flask` or `nginx`; empty where none is concerned.
    pub framework: &'static str,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// The place to change.
    pub primary: Label,
    /// Further places: where a value comes from, what it collides with. They may lie in other files.
    pub labels: Vec<Label>,
    /// What the browser does about it, with the console's words where there are some.
    pub consequence: Option<String>,
    /// The change for this framework, in words.
    pub help: Option<String>,
    /// Exchanges that prove it.
    pub evidence: Vec<Evidence>,
    /// The change as it would look in this very code.
    pub change: Option<Snippet>,
    /// Changes that can be written into the files.
    pub fixes: Vec<Fix>,
    /// The file of the server that it concerns; `None` where headers belong to no server that is known.
    pub server: Option<FileId>,
}

impl Finding {
    /// A finding with a message at a place and nothing else said.
    pub fn new(
        rule: &'static str,
        category: Category,
        severity: Severity,
        primary: Label,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity,
            confidence: Confidence::High,
            category,
            framework: "",
            message: message.into(),
            primary,
            labels: Vec::new(),
            consequence: None,
            help: None,
            evidence: Vec::new(),
            change: None,
            fixes: Vec::new(),
            server: None,
        }
    }

    /// Cuts words of the scanned files that are too long to be read, wherever it quotes them.
    pub fn shorten(&mut self) {
        let labels = self.labels.iter_mut().chain([&mut self.primary]).map(|label| &mut label.text);
        let said = self.consequence.iter_mut().chain(&mut self.help).chain([&mut self.message]);
        for text in labels.chain(said) {
            if text.len() > LONGEST_WORD {
                *text = text.split(' ').map(shortened).collect::<Vec<_>>().join(" ");
            }
        }
    }

    /// Every place it speaks of, the primary one first.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        std::iter::once(self.primary.span).chain(self.labels.iter().map(|label| label.span))
    }
}

/// The longest word that is shown whole, in characters: twice the longest host that there can be, with its marks.
const LONGEST_WORD: usize = 520;
/// How much is shown of a longer one, in characters.
const SHOWN: usize = 80;

fn shortened(word: &str) -> String {
    match word.char_indices().nth(LONGEST_WORD) {
        Some(_) => word.chars().take(SHOWN).chain(['…']).chain(word.chars().last()).collect(),
        None => word.to_owned(),
    }
}

/// A place and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// A few words; may be empty.
    pub text: String,
}

impl Label {
    /// A place with words.
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }
}

/// An exchange that proves a finding: what somebody sends, what the server answers, and what the browser makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The request, with the headers that matter.
    pub request: Request,
    /// What is assumed of settings of the environment, and of other things that are not known.
    pub settings: Vec<(Guard, bool)>,
    /// Whether the page asks with the visitor's cookies (`credentials: 'include'`).
    pub credentials: bool,
    /// The status, where it is known.
    pub status: Option<u16>,
    /// The answer's headers that matter, in the order to show.
    pub headers: Vec<(String, String)>,
    /// `allowed`, or `blocked` and why.
    pub verdict: String,
}

/// A change to one place, for display: the lines of `span` with `replacement` in its stead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// What goes.
    pub span: Span,
    /// What comes instead.
    pub replacement: String,
}

/// A change that can be applied, whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an order (`list the origins`).
    pub title: String,
    /// When it may be applied.
    pub applicability: Applicability,
    /// Its edits; they do not overlap.
    pub edits: Vec<Edit>,
}

/// When a fix may be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Applicability {
    /// A person must fill something in first.
    Display,
    /// A call that works today may stop.
    Unsafe,
    /// Nothing that works today stops, and nobody new is let in.
    Safe,
}

/// One replacement. An empty span inserts, an empty replacement removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// The new text.
    pub replacement: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_and_all_others_kept() {
        let place = Label::new(Span::new(FileId(0), 0, 0), "");
        let long = "x".repeat(LONGEST_WORD + 1);
        let host = format!("`https://{}`", "a".repeat(253));
        let message = format!("no browser sends `{long}`, but {host}");
        let mut finding = Finding::new("a-rule", Category::Breakage, Severity::Note, place, message);
        finding.shorten();
        assert_eq!(finding.message, format!("no browser sends `{}…, but {host}", &long[..SHOWN - 1]));
        assert!(finding.primary.text.is_empty());
    }
}
