//! The rules. Each is a file here and a page in `rules/`.
//!
//! A rule puts a question to the model: which answer, to which request, is wrong, and which fact is to blame. It sees
//! servers through [`ServerView`] and knows nothing of languages or frameworks.

mod breakage;
mod calls;
mod certainty;
mod edits;
mod evidence;
mod exposure;
mod help;
mod hygiene;
mod origins;
pub mod page;
mod routes;
mod steps;
mod trace;
mod view;

use rustc_hash::FxHashSet;

pub use calls::may_have_origin;
pub use certainty::{Certainty, all_when, deciding, is_environment, possible, when};
pub use evidence::evidence;
pub use origins::{Entry, OriginCheck};
pub use page::{Page, find_page, pages};
pub use routes::Route;
pub use view::{Exchange, OTHER_STRANGER, STRANGER, ServerView, allows_credentials, names_origin, only, source};

use crate::cors::{Effort, GivenUp};
use crate::finding::{Category, Confidence, Finding, Label, Problem, ProblemKind, Severity};
use crate::model::{KnownBy, Project, Reason, Sent, Server};
use crate::source::{SourceSet, Span};

/// One rule.
pub trait Rule: Sync {
    /// Its id: the name of its page.
    fn id(&self) -> &'static str;

    /// Asks a server.
    fn check(&self, view: &ServerView, report: &mut Report);
}

/// Every rule.
pub fn rules() -> Vec<&'static dyn Rule> {
    [exposure::RULES, breakage::RULES, hygiene::RULES].concat()
}

/// Findings as rules make them.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
    seen: FxHashSet<(&'static str, Span)>,
    effort: Effort,
    /// The tests of origins of the server that is asked whose searches were given up.
    given_up: Vec<Span>,
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

    /// Adds a label to a rule's finding at a place; a few are enough.
    fn label(&mut self, rule: &str, place: Span, label: Label) {
        let mut found = self.findings.iter_mut();
        if let Some(finding) = found.find(|finding| finding.rule == rule && finding.primary.span == place)
            && finding.labels.len() < 5
            && finding.spans().all(|span| span != label.span)
        {
            finding.labels.push(label);
        }
    }

    /// Takes a rule's finding at a place back, because another rule says why it is so.
    pub fn withdraw(&mut self, rule: &str, place: Span) {
        self.findings.retain(|finding| finding.rule != rule || finding.primary.span != place);
    }

    /// What a search finds for the test of origins at a place. One that is given up is remembered: what it did not find
    /// may be there.
    pub fn search<T>(
        &mut self,
        place: Span,
        search: impl FnOnce(&mut Effort) -> Result<Option<T>, GivenUp>,
    ) -> Option<T> {
        search(&mut self.effort).unwrap_or_else(|GivenUp| {
            self.given_up.push(place);
            None
        })
    }

    /// Whether a rule has a finding at a place.
    pub fn has(&self, rule: &'static str, place: Span) -> bool {
        self.seen.contains(&(rule, place))
    }
}

/// Findings of all rules over the servers that are asked, and the proxies before them, in the order of the rules, and
/// what was too much to look at. `sources` gives the words for changes.
pub fn check(
    project: &Project,
    sources: &SourceSet,
    is_asked: impl Fn(&Server) -> bool,
) -> (Vec<Finding>, Vec<Problem>) {
    let mut report = Report::default();
    let mut problems = Vec::new();
    // What stands behind a proxy is asked first: its own faults, met through the proxy too, are told as its own.
    let mut servers: Vec<(usize, &Server)> = project
        .servers
        .iter()
        .map(|server| (server, project.servers_behind(server)))
        .filter(|(server, behind)| is_asked(server) || behind.iter().any(|behind| is_asked(behind)))
        .map(|(server, behind)| (behind.len(), server))
        .collect();
    servers.sort_by_key(|(behind, _)| *behind);
    for (_, server) in servers {
        let before = report.findings.len();
        let view = ServerView::new(server, project, sources);
        let mut spent = |place: Span, message: String| {
            let file = sources.get(place.file);
            let line = Some(file.position(place.start).line);
            problems.push(Problem { file: file.name.clone(), line, kind: ProblemKind::BudgetSpent, message });
        };
        if let Some(tried) = view.tried {
            let message = format!("the server has too many routes to look at them all: {tried} were looked at");
            spent(server.span, message);
        }
        for rule in rules() {
            rule.check(&view, &mut report);
        }
        let mut given_up = std::mem::take(&mut report.given_up);
        given_up.sort();
        given_up.dedup();
        if let Some(&first) = given_up.first() {
            let tests = match given_up.len() {
                1 => "this test of the origin lets in".to_owned(),
                count => format!("{count} tests of the origin, from this one on, let in"),
            };
            spent(first, format!("whether {tests} strangers is unknown: too large to be searched"));
        }
        for finding in &mut report.findings[before..] {
            finding.shorten();
            finding.framework = server.framework;
            finding.server = server.complete.then_some(server.span.file);
        }
    }
    (report.findings, problems)
}

/// Adds to a finding how sure it is, and the environment on which it hangs.
pub fn with_certainty(finding: &mut Finding, certainty: &Certainty) {
    if let Certainty::Environment(_) = certainty {
        // In development an open policy is no danger, but one that the browser refuses is somebody's lost afternoon.
        let harmless = certainty.is_development() && finding.category != Category::Breakage;
        finding.confidence = if harmless { Confidence::Low } else { Confidence::Medium };
        if let Some(words) = certainty.describe() {
            finding.message = format!("{}, where {words}", finding.message);
        }
    }
}

/// Says of a finding on what it hangs that is not known.
pub fn with_reasons<'a>(finding: &mut Finding, reasons: impl IntoIterator<Item = &'a Reason>) {
    finding.confidence = Confidence::Medium;
    finding.message = format!("{}, on a condition that is not known here", finding.message);
    for reason in reasons.into_iter().take(2) {
        if let Some(place) = reason.span.filter(|place| finding.spans().all(|span| span != *place)) {
            finding.labels.push(Label::new(place, format!("it hangs on this: {}", reason.text)));
        }
    }
}

/// Adds to a finding that needs a proxy and the server behind it how it is known that they belong together.
/// `handed_on` is where the proxy hands on; nothing is added where that leads to no server of the project.
pub fn with_link(view: &ServerView, finding: &mut Finding, handed_on: Option<Span>) {
    let Some(link) = handed_on.and_then(|span| view.project.link_at(span)) else { return };
    if link.known_by == KnownBy::Port {
        finding.confidence = finding.confidence.min(Confidence::Medium);
    }
    if finding.spans().all(|span| span != link.at) {
        finding.labels.push(Label::new(link.at, format!("leads to the server behind, {}", link.known_by.words())));
    }
}

/// Adds the places through which a header's value came.
pub fn with_trail(finding: &mut Finding, sent: &Sent) {
    for (place, text) in &sent.trail.0 {
        // What surrounds the place to change is seen with it.
        if !place.contains(finding.primary.span) && !finding.labels.iter().any(|label| label.span == *place) {
            let text: &str = if text.is_empty() { "sent here" } else { text };
            finding.labels.push(Label::new(*place, text));
        }
    }
}
