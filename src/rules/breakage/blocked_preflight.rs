//! Something answers the preflight before CORS does.

use crate::finding::Label;
use crate::model::StepKind;
use crate::rules::trace::Fault;
use crate::rules::{Report, Rule, ServerView, evidence, help, with_certainty};

/// `blocked-preflight`
pub struct BlockedPreflight;

impl Rule for BlockedPreflight {
    fn id(&self) -> &'static str {
        "blocked-preflight"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for diagnosis in view.diagnoses().iter().filter(|diagnosis| diagnosis.fault == Fault::BlockedPreflight) {
            let (label, what) = match diagnosis.by {
                Some(StepKind::Auth) => ("refuses the preflight", "authentication"),
                Some(StepKind::RateLimit) => ("refuses the preflight", "the rate limit"),
                Some(StepKind::Redirect) => ("redirects the preflight", "a redirect"),
                _ => ("answers the preflight", "another step"),
            };
            let message = format!("{what} answers the preflight before the CORS policy can");
            let Some(finding) = report.at(self.id(), diagnosis.place, label, message) else { continue };
            if let Some(answered) = diagnosis.answered.filter(|answered| !diagnosis.place.contains(*answered)) {
                finding.labels.push(Label::new(answered, "with this answer"));
            }
            if !diagnosis.place.contains(diagnosis.policy) {
                finding.labels.push(Label::new(diagnosis.policy, "the policy comes too late"));
            }
            finding.evidence = evidence(view, &diagnosis.fetch);
            finding.consequence = Some(match diagnosis.by {
                Some(StepKind::Auth) => format!(
                    "browsers send no credentials with a preflight, so every one is refused: {}",
                    diagnosis.block.summary()
                ),
                _ => format!("the request is never sent: {}", diagnosis.block.summary()),
            });
            finding.help = Some(help::let_preflight_pass(view).to_owned());
            finding.confidence = diagnosis.confidence;
            with_certainty(finding, &diagnosis.certainty);
        }
    }
}
