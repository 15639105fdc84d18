//! The rules. Each is a file here and a page in `rules/`.
//!
//! A rule puts a question to the model: which answer, to which request, is wrong, and which fact is to blame. It sees
//! servers through [`ServerView`] and knows nothing of languages or frameworks.

mod exposure;
pub mod page;
mod view;

use rustc_hash::FxHashSet;

pub use page::{Page, find_page, pages};
pub use view::{
    Certainty, Entry, Exchange, OTHER_STRANGER, OriginCheck, Route, STRANGER, ServerView, allows_credentials, evidence,
    only, source, when,
};

use crate::finding::{Category, Confidence, Finding, Label, Severity};
use crate::model::{Sent, Server};
use crate::source::Span;

/// One rule.
pub trait Rule: Sync {
    /// Its id: the name of its page.
    fn id(&self) -> &'static str;

    /// Asks a server.
    fn check(&self, view: &ServerView, report: &mut Report);
}

/// Every rule.
pub fn rules() -> Vec<&'static dyn Rule> {
    exposure::RULES.to_vec()
}

/// Findings as rules make them.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
    seen: FxHashSet<(&'static str, Span)>,
}

impl Report {
    /// A new finding of a rule at a place, unless the rule has one there already. Severity and category are the page's.
    pub fn at(
        &mut self,
        rule: &'static str,
        place: Span,
        label: impl Into<String>,
        message: impl Into<String>,
    ) -> Option<&mut Finding> {
        if !self.seen.insert((rule, place)) {
            return None;
        }
        let page = find_page(rule);
        let category = page.map_or(Category::Breakage, |page| page.category);
        let severity = page.map_or(Severity::Warning, |page| page.severity);
        let finding = Finding::new(rule, category, severity, Label::new(place, label), message);
        self.findings.push(finding);
        self.findings.last_mut()
    }

    /// Whether a rule has a finding at a place.
    pub fn has(&self, rule: &'static str, place: Span) -> bool {
        self.seen.contains(&(rule, place))
    }
}

/// Findings of all rules over all servers, in the order of the rules.
pub fn check(servers: &[Server]) -> Vec<Finding> {
    let mut report = Report::default();
    for server in servers {
        let before = report.findings.len();
        let view = ServerView::new(server);
        for rule in rules() {
            rule.check(&view, &mut report);
        }
        for finding in &mut report.findings[before..] {
            finding.framework = server.framework;
        }
    }
    report.findings
}

/// Adds to a finding how sure it is, and the environment on which it hangs.
pub fn with_certainty(finding: &mut Finding, certainty: &Certainty) {
    if let Certainty::Environment(_) = certainty {
        finding.confidence = if certainty.is_development() { Confidence::Low } else { Confidence::Medium };
        if let Some(words) = certainty.describe() {
            finding.message = format!("{}, where {words}", finding.message);
        }
    }
}

/// Adds the places through which a header's value came.
pub fn with_trail(finding: &mut Finding, sent: &Sent) {
    for (place, text) in &sent.trail.0 {
        if *place != finding.primary.span && !finding.labels.iter().any(|label| label.span == *place) {
            let text: &str = if text.is_empty() { "sent here" } else { text };
            finding.labels.push(Label::new(*place, text));
        }
    }
}
