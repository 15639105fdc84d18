//! Two policies apply to the same requests and disagree.

use crate::finding::Label;
use crate::rules::trace::Fault;
use crate::rules::{Report, Rule, ServerView, evidence, with_certainty};

/// `conflicting-policies`
pub struct ConflictingPolicies;

impl Rule for ConflictingPolicies {
    fn id(&self) -> &'static str {
        "conflicting-policies"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for diagnosis in view.diagnoses().iter().filter(|diagnosis| diagnosis.fault == Fault::Conflict) {
            let Some(route) = view.routes.get(diagnosis.route) else { continue };
            // What the second policy leaves of the first is told there.
            if report.has("wildcard-with-credentials", diagnosis.place) {
                continue;
            }
            let method = &diagnosis.fetch.method;
            let message =
                format!("the preflight of {method} {} follows one policy, and its answer another", route.path);
            let Some(finding) = report.at(self.id(), diagnosis.place, "has the last word on the answer", message)
            else {
                continue;
            };
            let other = if diagnosis.block.preflight { diagnosis.answered } else { Some(diagnosis.policy) };
            if let Some(other) = other.filter(|other| *other != diagnosis.place && !other.contains(diagnosis.place)) {
                finding.labels.push(Label::new(other, "answers the preflight"));
            }
            finding.evidence = evidence(view, &diagnosis.fetch, &diagnosis.certainty);
            finding.consequence = Some(format!(
                "pages of {} pass one check and fail the other: {}",
                diagnosis.fetch.origin,
                diagnosis.block.summary()
            ));
            finding.help = Some("make it one policy, and register it once".into());
            finding.confidence = diagnosis.confidence;
            with_certainty(finding, &diagnosis.certainty);
        }
    }
}
