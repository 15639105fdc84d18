//! A request header that the code reads is not among the allowed ones.

use crate::cors::headers;
use crate::finding::{Applicability, Fix, Label};
use crate::rules::calls::{json_read, reads};
use crate::rules::trace::{Diagnosis, Fault};
use crate::rules::{Report, Rule, ServerView, edits, evidence, help, with_certainty};

/// `header-not-allowed`
pub struct HeaderNotAllowed;

impl Rule for HeaderNotAllowed {
    fn id(&self) -> &'static str {
        "header-not-allowed"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        let all: Vec<&Diagnosis> =
            view.diagnoses().iter().filter(|diagnosis| diagnosis.fault == Fault::Header).collect();
        for first in &all {
            // Said already: the list is none.
            if report.has("dead-policy", first.place) {
                continue;
            }
            let here = all.iter().filter(|other| other.place == first.place);
            let mut names: Vec<String> =
                here.map(|diagnosis| headers::canonical(&diagnosis.block.parameter).into_owned()).collect();
            names.sort();
            names.dedup();
            let words = help::names(&names);
            let message = match &names[..] {
                [name] if name == "Content-Type" => {
                    "the code reads JSON, whose Content-Type the preflight's answer does not allow".to_owned()
                }
                _ => format!("the code reads {words}, which the preflight's answer does not allow"),
            };
            let Some(finding) = report.at(self.id(), first.place, format!("leaves out {words}"), message) else {
                continue;
            };
            if let Some(route) = view.routes.get(first.route) {
                let answer = view.ask(&crate::cors::browser::actual_request(&first.fetch));
                let json = json_read(view, route, &answer).map(|span| ("Content-Type".to_owned(), span));
                for (name, span) in reads(view, route, &answer).into_iter().chain(json) {
                    if names.iter().any(|missing| missing.eq_ignore_ascii_case(&name)) {
                        finding.labels.push(Label::new(span, "read here"));
                    }
                }
            }
            finding.evidence = evidence(view, &first.fetch, &first.certainty);
            finding.consequence = Some(format!(
                "\"Request header field {} is not allowed by Access-Control-Allow-Headers in preflight response.\"",
                first.block.parameter
            ));
            finding.help = Some(help::allow_headers(view, first.place, &words));
            if let [name] = &names[..]
                && view.writes(|name| name.eq_ignore_ascii_case(headers::ALLOW_HEADERS)).iter().any(
                    |(_, effect, write)| write.trail.0.first().map_or(effect.span, |(place, _)| *place) == first.place,
                )
                && let Some(edit) = edits::add_member(view, first.place, name)
            {
                let title = format!("allow {name}");
                finding.fixes.push(Fix { title, applicability: Applicability::Unsafe, edits: vec![edit] });
            }
            finding.confidence = first.confidence;
            with_certainty(finding, &first.certainty);
        }
    }
}
