//! Requests that need a preflight are not allowed by one.

use crate::cors::BlockCode;
use crate::finding::Label;
use crate::rules::calls::can_do_without_headers;
use crate::rules::trace::{Diagnosis, Fault};
use crate::rules::{Report, Rule, ServerView, evidence, help, with_certainty, with_link};

/// `missing-preflight`
pub struct MissingPreflight;

impl Rule for MissingPreflight {
    fn id(&self) -> &'static str {
        "missing-preflight"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        let needs_one = |diagnosis: &&Diagnosis| {
            diagnosis.fault == Fault::MissingPreflight && !can_do_without_headers(view, &diagnosis.fetch)
        };
        let mut found: Vec<&Diagnosis> = view.diagnoses().iter().filter(needs_one).collect();
        found.sort_by_key(|diagnosis| diagnosis.place);
        // One policy that does not see OPTIONS is one fault, however many routes it has.
        let mut policies: Vec<(crate::source::Span, crate::source::Span)> = Vec::new();
        for diagnosis in found {
            if let Some((_, place)) = policies.iter().find(|(policy, _)| *policy == diagnosis.policy) {
                report.label(self.id(), *place, Label::new(diagnosis.place, "and here"));
                continue;
            }
            policies.push((diagnosis.policy, diagnosis.place));
            self.report(view, diagnosis, report);
        }
    }
}

impl MissingPreflight {
    fn report(&self, view: &ServerView, diagnosis: &Diagnosis, report: &mut Report) {
        let Some(route) = view.routes.get(diagnosis.route) else { return };
        let hangs = diagnosis.block.code == BlockCode::RequestFailed;
        let by_hand = diagnosis.place != route.span;
        let (label, message) = match diagnosis.block.code {
            BlockCode::RequestFailed => ("never answers", "the preflight is never answered".to_owned()),
            _ if diagnosis.block.status.is_some_and(|status| !(200..300).contains(&status)) => {
                let method = &diagnosis.fetch.method;
                ("not 200 to 299", format!("the preflight of {method} is answered with {}", status(diagnosis)))
            }
            _ if by_hand => {
                ("without the CORS headers", "the preflight is answered without the CORS headers".to_owned())
            }
            _ => {
                let (method, path) = (&diagnosis.fetch.method, &route.path);
                ("needs a preflight", format!("{method} {path} needs a preflight, which the policy does not see"))
            }
        };
        let Some(finding) = report.at(self.id(), diagnosis.place, label, message) else { return };
        if by_hand {
            finding.labels.push(Label::new(diagnosis.policy, "the headers are set here, for other requests"));
        } else if !route.span.contains(diagnosis.policy) {
            finding.labels.push(Label::new(diagnosis.policy, "the policy"));
        }
        finding.evidence = evidence(view, &diagnosis.fetch, &diagnosis.certainty);
        finding.consequence = Some(if hangs {
            "the browser waits for the answer to OPTIONS until it gives up, and never sends the request".to_owned()
        } else {
            format!("{}, so the request is never sent", diagnosis.block.summary())
        });
        finding.help = Some(if hangs {
            "end the answer: `res.sendStatus(204)`, not `res.status(204)` alone".to_owned()
        } else if by_hand {
            "set the CORS headers before OPTIONS is answered, and answer with 204".to_owned()
        } else {
            help::answer_preflight(view, &route.path)
        });
        finding.confidence = diagnosis.confidence;
        with_link(view, finding, diagnosis.handed_on);
        with_certainty(finding, &diagnosis.certainty);
    }
}

fn status(diagnosis: &Diagnosis) -> String {
    diagnosis.block.status.map_or_else(|| "an error".to_owned(), |status| format!("status {status}"))
}
