//! A route's method is not among the allowed ones.

use crate::cors::headers;
use crate::finding::{Applicability, Fix, Label};
use crate::rules::trace::{Diagnosis, Fault};
use crate::rules::{Report, Rule, ServerView, edits, evidence, help, with_certainty};

/// `method-not-allowed`
pub struct MethodNotAllowed;

impl Rule for MethodNotAllowed {
    fn id(&self) -> &'static str {
        "method-not-allowed"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        let all: Vec<&Diagnosis> =
            view.diagnoses().iter().filter(|diagnosis| diagnosis.fault == Fault::Method).collect();
        for first in &all {
            let here: Vec<&&Diagnosis> = all.iter().filter(|other| other.place == first.place).collect();
            let mut methods: Vec<String> = here.iter().map(|diagnosis| diagnosis.block.parameter.clone()).collect();
            methods.sort();
            methods.dedup();
            let names = help::names(&methods);
            let message = format!("routes take {names}, which the preflight's answer does not allow");
            let Some(finding) = report.at(self.id(), first.place, format!("leaves out {names}"), message) else {
                continue;
            };
            let mut seen = Vec::new();
            for diagnosis in here {
                let Some(route) = view.routes.get(diagnosis.route) else { continue };
                if !seen.contains(&route.span) && seen.len() < 4 {
                    seen.push(route.span);
                    finding.labels.push(Label::new(route.span, format!("takes {}", diagnosis.block.parameter)));
                }
            }
            finding.evidence = evidence(view, &first.fetch, &first.certainty);
            finding.consequence = Some(format!(
                "\"Method {} is not allowed by Access-Control-Allow-Methods in preflight response.\"",
                first.block.parameter
            ));
            finding.help = Some(help::allow_methods(view, first.place, &names));
            if let [method] = &methods[..]
                && view.writes(|name| name.eq_ignore_ascii_case(headers::ALLOW_METHODS)).iter().any(
                    |(_, effect, write)| write.trail.0.first().map_or(effect.span, |(place, _)| *place) == first.place,
                )
                && let Some(edit) = edits::add_member(view, first.place, method)
            {
                let title = format!("allow {method}");
                finding.fixes.push(Fix { title, applicability: Applicability::Unsafe, edits: vec![edit] });
            }
            finding.confidence = first.confidence;
            with_certainty(finding, &first.certainty);
        }
    }
}
