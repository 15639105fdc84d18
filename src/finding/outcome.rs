//! What a run comes to.

use super::{Finding, Fingerprint, Severity};

/// Everything that a run has to say. It is sorted: the same tree gives the same outcome.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Findings to show, by file name and place.
    pub findings: Vec<Reported>,
    /// Findings that a comment or the baseline settled, each with how.
    pub suppressed: Vec<(Reported, Suppression)>,
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

/// The kinds of [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemKind {
    /// A file or folder could not be read.
    Unreadable,
    /// A file is larger than what is read.
    TooLarge,
    /// A file under a source name is not text.
    Binary,
    /// A file could not be parsed wholly.
    SyntaxError,
    /// Code is nested too deeply.
    TooDeep,
    /// The time or steps allowed for a file were spent.
    BudgetSpent,
    /// A file that another includes or imports is not there.
    NotFound,
    /// A fix could not be applied.
    FixRefused,
    /// A fault of corslint itself.
    Internal,
}

impl ProblemKind {
    /// As the formats write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ProblemKind::Unreadable => "unreadable",
            ProblemKind::TooLarge => "file-too-large",
            ProblemKind::Binary => "binary-file",
            ProblemKind::SyntaxError => "syntax-error",
            ProblemKind::TooDeep => "nested-too-deeply",
            ProblemKind::BudgetSpent => "budget-spent",
            ProblemKind::NotFound => "not-found",
            ProblemKind::FixRefused => "fix-refused",
            ProblemKind::Internal => "internal-error",
        }
    }
}
