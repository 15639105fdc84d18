//! Reports: an outcome as text, for people and for machines.

mod compact;
mod excerpt;
mod human;
mod json;
mod summary;
mod text;

pub use text::{Paint, Style, clean, wrap};

use crate::finding::Outcome;
use crate::source::SourceSet;

/// The formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Human,
    /// A line for each finding.
    Compact,
    /// Version 1 of corslint's own JSON.
    Json,
}

/// How a report for people looks.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// With colours.
    pub color: bool,
    /// With box-drawing characters.
    pub unicode: bool,
    /// In how many columns.
    pub width: usize,
    /// Without the summary.
    pub quiet: bool,
    /// With what was suppressed.
    pub verbose: bool,
}

/// The report of an outcome.
pub fn render(format: Format, outcome: &Outcome, sources: &SourceSet, view: &View) -> String {
    match format {
        Format::Human => human::render(outcome, sources, view),
        Format::Compact => compact::render(outcome, sources),
        Format::Json => json::render(outcome, sources),
    }
}

/// How often each rule was found.
pub fn statistics(outcome: &Outcome) -> String {
    summary::statistics(outcome)
}
