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

    /// Every place it speaks of, the primary one first.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        std::iter::once(self.primary.span).chain(self.labels.iter().map(|label| label.span))
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
