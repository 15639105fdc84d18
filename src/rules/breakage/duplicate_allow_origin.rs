//! One answer carries two values in `Access-Control-Allow-Origin`.

use crate::cors::headers;
use crate::finding::{Applicability, Fix, Label};
use crate::model::{Answer, Sent, World};
use crate::rules::calls::Call;
use crate::rules::{Certainty, Report, Rule, ServerView, edits, evidence, source, when, with_certainty, with_link};

/// `duplicate-allow-origin`
pub struct DuplicateAllowOrigin;

impl Rule for DuplicateAllowOrigin {
    fn id(&self) -> &'static str {
        "duplicate-allow-origin"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for call in view.calls() {
            for answer in [&call.answer, &call.preflight.1] {
                self.answer(view, call, answer, report);
            }
        }
    }
}

impl DuplicateAllowOrigin {
    fn answer(&self, view: &ServerView, call: &Call, answer: &Answer, report: &mut Report) {
        let Some((certainty, world)) = when(answer, |world: &World| known(world).len() > 1) else { return };
        let lines = known(world);
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return };
        let values: Vec<&str> = lines.iter().filter_map(|sent| sent.value.as_deref().ok()).collect();
        let equal = values.iter().all(|value| *value == values[0]);
        let together = values.join(", ");
        let (place, label, message) = if first.span == last.span {
            (source(last), "a list is so many headers", "a list of origins is sent, and only one value is allowed")
        } else {
            (
                source(last),
                "sent again here",
                "`Access-Control-Allow-Origin` is sent twice, and only one value is allowed",
            )
        };
        let Some(finding) = report.at(self.id(), place, label, message) else { return };
        for sent in &lines {
            let place = source(sent);
            if sent.span != last.span && !finding.labels.iter().any(|label| label.span == place) {
                finding.labels.push(Label::new(place, "sent here"));
            }
        }
        finding.consequence = Some(format!(
            "every page is refused, also where the values are equal: \"The 'Access-Control-Allow-Origin' header contains multiple values '{together}', but only one is allowed.\""
        ));
        finding.evidence = evidence(view, &call.fetch, &certainty);
        finding.help = Some(help(view, equal));
        let both = lines.iter().any(|sent| !is_own(view, sent)) && lines.iter().any(|sent| is_own(view, sent));
        if both {
            with_link(view, finding, world.answered_by.map(|by| by.span));
        }
        if equal
            && certainty == Certainty::Always
            && first.span != last.span
            && let Some(edit) = edits::without_line(view, last.span)
        {
            let title = "remove the second one".to_owned();
            finding.fixes.push(Fix { title, applicability: Applicability::Safe, edits: vec![edit] });
        }
        with_certainty(finding, &certainty);
    }
}

/// Whether the server that is asked wrote a line, and none behind it.
fn is_own(view: &ServerView, sent: &Sent) -> bool {
    view.server.files.contains(&sent.span.file)
}

fn known(world: &World) -> Vec<&Sent> {
    world.lines(headers::ALLOW_ORIGIN).filter(|sent| sent.value.is_ok()).collect()
}

fn help(view: &ServerView, equal: bool) -> String {
    if equal {
        return "set it in one place".to_owned();
    }
    match view.server.framework {
        "nginx" => {
            "choose the value in a `map $http_origin $cors_origin`, and send `$cors_origin` once; where the application behind sends its own, `proxy_hide_header Access-Control-Allow-Origin` keeps that back".to_owned()
        }
        "express" => "give the list to the policy, which then sends one of them: `origin: ['https://app.example.com', 'https://admin.example.com']`".to_owned(),
        _ => "send the one that equals the request's Origin, and `Vary: Origin` with it".to_owned(),
    }
}
