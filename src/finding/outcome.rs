//! What a run comes to.

use serde::{Deserialize, Serialize};

use super::level::scale;
use super::{Finding, Fingerprint, Severity};
use crate::source::LoadError;

/// Everything that a run has to say. It is sorted: the same tree gives the same outcome.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Findings to show, by file name and place.
    pub findings: Vec<Reported>,
    /// Findings that a comment or the baseline settled, each with how.
    pub suppressed: Vec<(Reported, Suppression)>,
    /// What the baseline holds and does not occur any more.
    pub gone: Vec<Known>,
    /// What the tool could not do, by file name and line.
    pub problems: Vec<Problem>,
    /// How many files were looked at.
    pub files_scanned: usize,
    /// How many of them were parsed.
    pub files_analyzed: usize,
    /// How many servers were found in them.
    pub servers: usize,
    /// How many facts about them stay unknown.
    pub unknown_facts: usize,
    /// How many findings were fixed; they are not among the others.
    pub fixed: usize,
}

impl Outcome {
    /// How many findings of a severity are shown.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|reported| reported.finding.severity == severity).count()
    }

    /// The worst severity shown.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|reported| reported.finding.severity).max()
    }
}

/// A finding with its name across runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The finding.
    pub finding: Finding,
    /// Its name across runs.
    pub fingerprint: Fingerprint,
}

/// A finding of an earlier run, as a baseline holds it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Known {
    /// Its name across runs.
    pub fingerprint: String,
    /// The rule.
    pub rule: String,
    /// The file, relative to the project's folder, with `/`.
    pub path: String,
    /// What it said, for people who read the file.
    #[serde(default)]
    pub message: String,
}

/// What settled a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suppression {
    /// A comment in the source, with the reason it gives (may be empty).
    Comment {
        /// The words behind the brackets.
        reason: String,
    },
    /// The baseline holds it.
    Baseline,
}

/// Something the tool could not do. It never stops a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, as reports name it.
    pub file: String,
    /// The line from 1, where one is to blame.
    pub line: Option<u32>,
    /// What kind of problem it is.
    pub kind: ProblemKind,
    /// One sentence, lower case, no full stop.
    pub message: String,
}

impl From<&LoadError> for ProblemKind {
    fn from(error: &LoadError) -> Self {
        match error {
            LoadError::TooLarge(_) => ProblemKind::TooLarge,
            LoadError::Binary | LoadError::Utf16 => ProblemKind::Binary,
            LoadError::Minified => ProblemKind::Minified,
            LoadError::Missing | LoadError::Io(_) => ProblemKind::Unreadable,
        }
    }
}

scale! {
    /// The kinds of [`Problem`].
    ProblemKind, "a kind of problem" {
        /// A file or folder could not be read.
        Unreadable = "unreadable",
        /// A file is larger than what is read.
        TooLarge = "file-too-large",
        /// A file under a source name is not text, or none that servers read.
        Binary = "binary-file",
        /// A server is minified: nobody wrote it as it stands.
        Minified = "minified-file",
        /// A file could not be parsed wholly.
        SyntaxError = "syntax-error",
        /// Code is nested too deeply.
        TooDeep = "nested-too-deeply",
        /// The steps allowed for a file, a server or a run were spent.
        BudgetSpent = "budget-spent",
        /// A file that another includes or imports is not there.
        NotFound = "not-found",
        /// A fix could not be applied.
        FixRefused = "fix-refused",
        /// A fault of corslint itself.
        Internal = "internal-error",
    }
}
