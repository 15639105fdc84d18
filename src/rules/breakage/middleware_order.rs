//! CORS is registered after what it should cover.

use crate::finding::{Confidence, Label, Severity};
use crate::model::StepKind;
use crate::rules::calls::response_verdict;
use crate::rules::trace::{Diagnosis, Fault, late};
use crate::rules::{Report, Rule, ServerView, evidence, with_certainty};

/// `middleware-order`
pub struct MiddlewareOrder;

impl Rule for MiddlewareOrder {
    fn id(&self) -> &'static str {
        "middleware-order"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        let late: Vec<&Diagnosis> =
            view.diagnoses().iter().filter(|diagnosis| diagnosis.fault == Fault::Order).collect();
        let mut places: Vec<_> = late.iter().map(|diagnosis| diagnosis.place).collect();
        places.sort();
        places.dedup();
        for place in places {
            let here: Vec<&Diagnosis> = late.iter().copied().filter(|diagnosis| diagnosis.place == place).collect();
            self.report(view, &here, report);
        }
        if view.complete() {
            self.others(view, report);
        }
    }
}

impl MiddlewareOrder {
    /// Steps that answer only now and then: a broken body, a file.
    fn others(&self, view: &ServerView, report: &mut Report) {
        let late = late(view);
        for (kind, message, label) in [
            (
                StepKind::BodyParser,
                "the body parser answers broken and large bodies before the CORS policy is reached",
                "answers 400 and 413 without it",
            ),
            (StepKind::Static, "files are served before the CORS policy is reached", "answers without it"),
        ] {
            for late in late.iter().filter(|late| late.above.kind == kind) {
                let Some(finding) = report.at(self.id(), late.policy.span, "registered too late", message) else {
                    continue;
                };
                finding.labels.push(Label::new(late.above.span, label));
                finding.help = Some("register it above what it should cover".into());
                if kind == StepKind::Static {
                    // Files are mostly for the server's own pages.
                    finding.severity = Severity::Warning;
                    finding.confidence = Confidence::Low;
                    finding.consequence =
                        Some("pages of other origins cannot read the files, nor use them as fonts".into());
                } else {
                    finding.severity = Severity::Note;
                    finding.confidence = Confidence::Medium;
                    finding.consequence =
                        Some("the page sees a CORS error instead of the status, and cannot tell what was wrong".into());
                }
            }
        }
    }

    fn report(&self, view: &ServerView, late: &[&Diagnosis], report: &mut Report) {
        // What a page of another origin would call comes first.
        let is_meant = |diagnosis: &&&Diagnosis| {
            diagnosis.by != Some(StepKind::Static)
                && view.routes.get(diagnosis.route).is_some_and(|route| !route.is_for_machines())
        };
        let meant: Vec<&&Diagnosis> = late.iter().filter(is_meant).collect();
        let Some(first) = meant.first().copied().or(late.first()) else { return };
        let Some(route) = view.routes.get(first.route) else { return };
        let message = format!("{} answers before the CORS policy is reached", route.name());
        let Some(finding) = report.at(self.id(), first.place, "registered too late", message) else { return };
        let mut seen = Vec::new();
        for diagnosis in late {
            let Some(route) = view.routes.get(diagnosis.route) else { continue };
            if !seen.contains(&route.span) && seen.len() < 4 {
                seen.push(route.span);
                finding.labels.push(Label::new(route.span, "answers without it"));
            }
        }
        finding.evidence = evidence(view, &first.fetch, &first.certainty);
        finding.consequence = Some(format!(
            "a preflight passes, the request is sent and carried out, and its answer is kept from the page: {}",
            first.block.summary()
        ));
        finding.help = Some("register it above the routes that it should cover".into());
        finding.confidence = first.confidence;
        // Where it covers other routes, those above may be above on purpose.
        let covers = view
            .calls()
            .iter()
            .any(|call| call.answer.worlds.iter().any(|world| response_verdict(&call.fetch, world).is_allowed()));
        if covers {
            finding.severity = Severity::Warning;
            finding.confidence = if meant.is_empty() { Confidence::Low } else { Confidence::Medium };
        }
        with_certainty(finding, &first.certainty);
    }
}
