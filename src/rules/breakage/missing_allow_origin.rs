//! An answer has CORS headers but no `Access-Control-Allow-Origin`.

use crate::cors::{Verdict, browser, headers};
use crate::finding::{Confidence, Label, Severity};
use crate::model::{EffectKind, Guard, Outcome, Part, Sent, Text, World, each_condition, each_effect};
use crate::rules::calls::{Call, allow_origin, may_have_origin, preflight_verdict, response_verdict};
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
        self.listed_only(view, report);
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
            let answered = diagnosis.answered.unwrap_or(route.span);
            if !answered.contains(diagnosis.place) {
                finding.labels.push(Label::new(answered, "answers without them"));
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

    /// A method that the preflight allows, and whose answer alone is without the origin: a chain of conditions on the
    /// method forgets it.
    fn listed_only(&self, view: &ServerView, report: &mut Report) {
        if !tells_methods_apart(view) {
            return;
        }
        for call in view.calls().iter().filter(|call| call.route.any_method) {
            // What the server behind may send would stand beside the header that the other answer gets here.
            let own = |world: &World| {
                let mut lines = world.lines(headers::ALLOW_ORIGIN);
                matches!(response_verdict(&call.fetch, world), Verdict::Allowed)
                    && lines.next().is_some_and(|sent| sent.value.is_ok())
            };
            let Some((_, answered)) = when(&call.answer, own) else { continue };
            let Some(origin) = allow_origin(answered) else { continue };
            for method in UNSAFE {
                let fetch = call.fetch.clone().with_method(*method);
                let Some(request) = browser::needs_preflight(&fetch) else { continue };
                let allowed = |world: &World| {
                    preflight_verdict(&fetch, world).is_allowed()
                        && world.lines(headers::ALLOW_METHODS).any(|sent| lists(sent, method))
                };
                let preflight = view.ask(&request);
                let Some((_, preflighted)) = when(&preflight, allowed) else { continue };
                let Some(list) = preflighted.lines(headers::ALLOW_METHODS).next() else { continue };
                let bare = |world: &World| {
                    world.outcome == Outcome::Answered
                        && world.status.is_none_or(|status| status < 400)
                        && world.lines(headers::ALLOW_ORIGIN).next().is_none()
                        && !may_have_origin(view, world)
                };
                let answer = view.ask(&browser::actual_request(&fetch));
                let Some((certainty, _)) = when(&answer, bare) else { continue };
                let message = format!("the preflight allows {method}, whose answer has no Access-Control-Allow-Origin");
                let Some(finding) = report.at(self.id(), source(list), "allows it", message) else { break };
                finding.severity = Severity::Warning;
                finding.confidence = Confidence::Medium;
                finding.labels.push(Label::new(origin.span, "answers to other methods have it"));
                finding.consequence = Some(format!(
                    "a page's {method} is carried out, and its answer is kept from the page: \"No \
                     'Access-Control-Allow-Origin' header is present on the requested resource.\""
                ));
                finding.help = Some(format!(
                    "send Access-Control-Allow-Origin on answers to {method} as well, or leave the method off the list"
                ));
                with_certainty(finding, &certainty);
                break;
            }
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

/// Methods that need a preflight, as they are listed.
const UNSAFE: &[&str] = &["PUT", "PATCH", "DELETE"];

fn lists(sent: &Sent, method: &str) -> bool {
    sent.value.as_ref().is_ok_and(|list| list.split(',').any(|listed| listed.trim() == method))
}

/// Whether any condition on the method takes GET and leaves out what needs a preflight, or the other way round.
fn tells_methods_apart(view: &ServerView) -> bool {
    let mut apart = false;
    each_condition(view.server, &mut |guard| {
        guard.each_atom(&mut |atom| {
            if let Guard::Test(check) = atom
                && check.subject == Text::Request(Part::Method)
            {
                let get = check.test.matches("GET");
                apart |= UNSAFE.iter().any(|method| check.test.matches(method) != get);
            }
        });
    });
    apart
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
