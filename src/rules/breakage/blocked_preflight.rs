//! Something answers the preflight before CORS does.

use crate::finding::{Confidence, Label, Severity};
use crate::model::StepKind;
use crate::rules::trace::{Fault, late};
use crate::rules::{Report, Rule, ServerView, evidence, help, with_certainty, with_link};

/// `blocked-preflight`
pub struct BlockedPreflight;

impl Rule for BlockedPreflight {
    fn id(&self) -> &'static str {
        "blocked-preflight"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for diagnosis in view.diagnoses().iter().filter(|diagnosis| diagnosis.fault == Fault::BlockedPreflight) {
            let (label, what) = match (diagnosis.by, diagnosis.block.status) {
                (Some(StepKind::RateLimit), _) | (_, Some(429)) => ("refuses the preflight", "the rate limit"),
                (Some(StepKind::Redirect), _) | (_, Some(300..=399)) => ("redirects the preflight", "a redirect"),
                (_, Some(403)) => ("refuses the preflight", "an access rule"),
                (Some(StepKind::Auth), _) | (_, Some(401 | 407)) => ("refuses the preflight", "authentication"),
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
            finding.evidence = evidence(view, &diagnosis.fetch, &diagnosis.certainty);
            finding.consequence = Some(match diagnosis.by {
                Some(StepKind::Auth) if diagnosis.block.status != Some(403) => format!(
                    "browsers send no credentials with a preflight, so every one{} is refused: {}",
                    if diagnosis.spares_addresses { " from an address that is not let in" } else { "" },
                    diagnosis.block.summary()
                ),
                _ => format!("the request is never sent: {}", diagnosis.block.summary()),
            });
            finding.help = Some(help::let_preflight_pass(view).to_owned());
            finding.confidence = diagnosis.confidence;
            with_link(view, finding, diagnosis.handed_on);
            with_certainty(finding, &diagnosis.certainty);
        }
        if !view.complete() {
            return;
        }
        for late in late(view).iter().filter(|late| late.above.kind == StepKind::RateLimit) {
            let message = "the rate limit counts preflights, and refuses them without the CORS headers";
            let Some(finding) = report.at(self.id(), late.above.span, "comes first", message) else { continue };
            finding.severity = Severity::Warning;
            finding.confidence = Confidence::Medium;
            finding.labels.push(Label::new(late.policy.span, "the policy comes too late"));
            finding.consequence = Some("a page over the limit sees a CORS error instead of status 429: \"No 'Access-Control-Allow-Origin' header is present on the requested resource.\"".into());
            finding.help = Some(help::let_preflight_pass(view).to_owned());
        }
    }
}
