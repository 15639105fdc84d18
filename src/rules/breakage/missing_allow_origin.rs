//! An answer has CORS headers but no `Access-Control-Allow-Origin`.

use crate::cors::headers;
use crate::finding::Label;
use crate::model::{EffectKind, Outcome, Sent, World, each_effect};
use crate::rules::calls::Call;
use crate::rules::trace::Fault;
use crate::rules::{Certainty, Report, Rule, ServerView, evidence, source, when, with_certainty};

/// `missing-allow-origin`
pub struct MissingAllowOrigin;

/// Headers that do nothing without the origin.
const OTHERS: &[&str] =
    &[headers::ALLOW_METHODS, headers::ALLOW_HEADERS, headers::ALLOW_CREDENTIALS, headers::EXPOSE_HEADERS];

impl Rule for MissingAllowOrigin {
    fn id(&self) -> &'static str {
        "missing-allow-origin"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        if !view.complete() {
            return;
        }
        self.preflight_only(view, report);
        self.alone(view, report);
    }
}

impl MissingAllowOrigin {
    /// The policy answers the preflight, and not the request.
    fn preflight_only(&self, view: &ServerView, report: &mut Report) {
        for diagnosis in view.diagnoses().iter().filter(|diagnosis| diagnosis.fault == Fault::PreflightOnly) {
            let Some(route) = view.routes.get(diagnosis.route) else { continue };
            // Where another route has the headers, this one may be without them on purpose: a general answer to
            // OPTIONS beside routes that say each for themselves who may read. A redirect is for nobody's script.
            let covered = view.calls().iter().any(|call| {
                call.answer.worlds.iter().any(|world| world.lines(headers::ALLOW_ORIGIN).next().is_some())
                    || (call.route.path == route.path && call.answer.status.is_some_and(|status| status / 100 == 3))
            });
            if covered {
                continue;
            }
            let message = "the preflight is answered with the CORS headers, and the request itself without them";
            let Some(finding) = report.at(self.id(), diagnosis.place, "for the preflight only", message) else {
                continue;
            };
            if !route.span.contains(diagnosis.place) {
                finding.labels.push(Label::new(route.span, "answers without them"));
            }
            finding.evidence = evidence(view, &diagnosis.fetch, &diagnosis.certainty);
            finding.consequence = Some(format!(
                "the request is sent and carried out, and its answer is kept from the page: {}",
                diagnosis.block.summary()
            ));
            finding.help = Some("apply the policy to the route as well, or once to all with `app.use(…)`".into());
            if view.server.framework != "express" {
                finding.help = Some("set Access-Control-Allow-Origin on the answer to the request as well".into());
            }
            finding.confidence = diagnosis.confidence;
            with_certainty(finding, &diagnosis.certainty);
        }
    }

    /// Other CORS headers, and nothing that ever writes the one that counts.
    fn alone(&self, view: &ServerView, report: &mut Report) {
        let calls = view.calls();
        for call in calls {
            let Some((certainty, sent)) = alone(view, call) else { continue };
            let same_route = calls.iter().filter(|other| other.number == call.number);
            if !same_route.into_iter().all(|other| alone(view, other).is_some()) {
                continue;
            }
            let header = headers::canonical(&sent.name).into_owned();
            let message = format!("{header} is sent without Access-Control-Allow-Origin, and does nothing alone");
            let Some(finding) = report.at(self.id(), source(&sent), "does nothing alone", message) else { continue };
            finding.evidence = evidence(view, &call.fetch, &certainty);
            finding.consequence =
                Some("\"No 'Access-Control-Allow-Origin' header is present on the requested resource.\"".to_owned());
            finding.help = Some("send Access-Control-Allow-Origin with the origin that may read".into());
            with_certainty(finding, &certainty);
        }
    }
}

/// The first other CORS header of an answer that nothing gives an origin.
fn alone(view: &ServerView, call: &Call) -> Option<(Certainty, Sent)> {
    for answer in [&call.answer, &call.preflight.1] {
        let bare = |world: &World| {
            world.outcome == Outcome::Answered
                && world.forwarded.is_none()
                && world.lines(headers::ALLOW_ORIGIN).next().is_none()
                && world.headers.iter().any(is_other)
                && !writes_origin(view, world)
        };
        if let Some((certainty, world)) = when(answer, bare)
            && let Some(sent) = world.headers.iter().find(|sent| is_other(sent))
        {
            return Some((certainty, sent.clone()));
        }
    }
    None
}

fn is_other(sent: &Sent) -> bool {
    OTHERS.iter().any(|name| sent.name.eq_ignore_ascii_case(name)) && sent.value.is_ok()
}

/// Whether a step that took the request may write the origin, under whatever condition, or was meant to.
fn writes_origin(view: &ServerView, world: &World) -> bool {
    let mut writes = false;
    each_effect(view.server, &mut |step, effect| {
        if world.ran.contains(&step.span) {
            writes |= match &effect.kind {
                EffectKind::Write(write) => {
                    write.is(headers::ALLOW_ORIGIN)
                        || headers::misspelt_cors_header(&write.name) == Some(headers::ALLOW_ORIGIN)
                }
                EffectKind::Opaque(_) => true,
                EffectKind::Notice(crate::model::RemarkKind::LostWrites { lost, .. }) => {
                    lost.iter().any(|(name, _)| name.eq_ignore_ascii_case(headers::ALLOW_ORIGIN))
                }
                _ => false,
            };
        }
    });
    writes
}
