//! Answers of errors lose the CORS headers.

mod raised;

use crate::cors::{Request, headers};
use crate::finding::{Applicability, Confidence, Edit, Fix, Label};
use crate::model::{Effect, EffectKind, Guard, Step, StepKind, Text, World, steps};
use crate::rules::calls::origins;
use crate::rules::trace::{Diagnosis, Fault};
use crate::rules::{Report, Rule, ServerView, evidence, with_certainty};
use crate::source::Span;

/// `missing-on-errors`
pub struct MissingOnErrors;

const CONSEQUENCE: &str = "the page sees a CORS error instead of the 401, 404 or 500: \"No 'Access-Control-Allow-Origin' header is present on the requested resource.\"";

impl Rule for MissingOnErrors {
    fn id(&self) -> &'static str {
        "missing-on-errors"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for diagnosis in view.diagnoses().iter().filter(|diagnosis| diagnosis.fault == Fault::Error) {
            let message = "this error is answered without the CORS headers";
            let Some(finding) = report.at(self.id(), diagnosis.place, "outside of the policy", message) else {
                continue;
            };
            finding.labels.push(Label::new(diagnosis.policy, "the policy"));
            finding.evidence = evidence(view, &diagnosis.fetch, &diagnosis.certainty);
            finding.consequence = Some(CONSEQUENCE.into());
            finding.help = Some(help(view, diagnosis).into());
            finding.confidence = diagnosis.confidence;
            with_certainty(finding, &diagnosis.certainty);
        }
        raised::check(view, report);
        let writes = view.writes(headers::is_cors_response_header);
        let depends: Vec<Span> = writes
            .iter()
            .filter(|(_, effect, _)| hangs_on_status(&effect.when))
            .map(|(_, effect, _)| effect.span)
            .collect();
        if depends.is_empty() {
            return;
        }
        for route in &view.routes {
            for origin in origins(view) {
                let request = Request::new(&*route.method, &route.path).with_origin(&*origin);
                let answer = view.ask_in_all_circumstances(&request);
                for name in [headers::ALLOW_ORIGIN, headers::ALLOW_CREDENTIALS] {
                    let by_status = |world: &World, expected: bool| {
                        world
                            .assumptions
                            .iter()
                            .any(|(guard, holds)| matches!(guard, Guard::Status(_)) && *holds == expected)
                    };
                    let mut without = answer
                        .worlds
                        .iter()
                        .filter(|world| by_status(world, false) && world.lines(name).next().is_none());
                    if without.next().is_none() {
                        continue;
                    }
                    let sent = answer
                        .worlds
                        .iter()
                        .filter(|world| by_status(world, true))
                        .find_map(|world| world.lines(name).find(|sent| depends.contains(&sent.span)));
                    let Some(sent) = sent else { continue };
                    if name == headers::ALLOW_CREDENTIALS && is_reported(report, view, sent.span) {
                        continue;
                    }
                    let spans = beside(view, sent.span);
                    let message = format!("{} is left out of answers with an error status", headers::canonical(name));
                    let Some(finding) = report.at(self.id(), sent.span, "for success only", message) else { continue };
                    finding.labels.extend(
                        spans
                            .iter()
                            .filter(|span| **span != sent.span)
                            .take(4)
                            .map(|span| Label::new(*span, "and this one")),
                    );
                    finding.consequence = Some(if name == headers::ALLOW_ORIGIN {
                        CONSEQUENCE.into()
                    } else {
                        "a page that sends cookies sees a CORS error instead of the 401, 404 or 500, even where the server behind names its origin: \"The value of the 'Access-Control-Allow-Credentials' header in the response is '' which must be 'true' when the request's credentials mode is 'include'.\"".into()
                    });
                    if sent.value.is_err() {
                        finding.confidence = Confidence::Medium;
                    }
                    finding.help = Some(match view.server.framework {
                        "nginx" => "add `always`, which sends the header with every status".into(),
                        _ => "set the headers whatever the status".to_owned(),
                    });
                    if view.server.framework == "nginx" {
                        let edits: Vec<Edit> = spans.iter().filter_map(|span| always(view, *span)).collect();
                        if let [edit] = &edits[..] {
                            finding.change = Some(crate::finding::Snippet {
                                span: edit.span,
                                replacement: edit.replacement.clone(),
                            });
                        }
                        if edits.len() == spans.len() {
                            finding.fixes.push(Fix {
                                title: "add `always`".into(),
                                applicability: Applicability::Safe,
                                edits,
                            });
                        }
                    }
                }
            }
        }
    }
}

fn help(view: &ServerView, diagnosis: &Diagnosis) -> &'static str {
    let is_of_policy = |effect: &Effect| match &effect.kind {
        EffectKind::Write(write) => write.trail.0.first().map_or(effect.span, |(place, _)| *place) == diagnosis.policy,
        _ => false,
    };
    let extension = |step: &&Step| step.kind == StepKind::Cors && step.effects.iter().any(is_of_policy);
    if view.server.framework == "flask" && steps(view.server).iter().any(extension) {
        // `CORS(app)` sees every answer but those to exceptions that Flask raises on (`Flask.handle_exception`).
        "register an error handler for the exception: in debug mode and in tests Flask raises it on to the server, whose own 500 no extension sees"
    } else {
        "apply the policy where it sees errors too, once for the whole application"
    }
}

/// Whether the fault was told at a line that stands beside this one.
fn is_reported(report: &Report, view: &ServerView, span: Span) -> bool {
    beside(view, span).iter().any(|other| report.has("missing-on-errors", *other))
}

/// The writes of CORS headers and of `Vary: Origin` that stand on the same level as the one at `span`, and hang on the
/// status.
fn beside(view: &ServerView, span: Span) -> Vec<Span> {
    let is = |name: &str| headers::is_cors_response_header(name) || name.eq_ignore_ascii_case(headers::VARY);
    let mut writes = view.writes(is);
    writes.retain(|(_, _, write)| !write.is(headers::VARY) || write.values.iter().any(names_origin));
    let Some(own) = writes.iter().find(|(_, effect, _)| effect.span == span).map(|(step, ..)| step.span) else {
        return vec![span];
    };
    let mut spans: Vec<Span> = writes
        .iter()
        .filter(|(step, effect, _)| step.span == own && hangs_on_status(&effect.when))
        .map(|(_, effect, _)| effect.span)
        .collect();
    spans.sort();
    spans.dedup();
    if spans.contains(&span) { spans } else { vec![span] }
}

/// Whether a value of `Vary` is about the caller's origin. One that is not has nothing to do with the policy.
fn names_origin(value: &Text) -> bool {
    value.as_literal().is_some_and(|value| value.to_ascii_lowercase().contains("origin"))
}

fn hangs_on_status(guard: &Guard) -> bool {
    let mut hangs = false;
    guard.each_atom(&mut |atom| hangs |= matches!(atom, Guard::Status(_)));
    hangs
}

/// ` always` before the end of a directive.
fn always(view: &ServerView, span: Span) -> Option<Edit> {
    let text = view.sources.text(span);
    let bare = text.strip_suffix(';').unwrap_or(&text).trim_end();
    if bare.is_empty() || bare.ends_with("always") {
        return None;
    }
    let at = span.start + bare.len() as u32;
    Some(Edit { span: Span::new(span.file, at, at), replacement: " always".into() })
}
