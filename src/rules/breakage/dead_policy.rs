//! A policy that never takes effect.

use crate::cors::{Request, headers};
use crate::finding::{Applicability, Confidence, Label, Severity};
use crate::model::{
    EffectKind, End, Guard, Outcome, PathMatch, PathResult, RemarkKind, Step, StepKind, Text, World, each_effect, steps,
};
use crate::rules::calls::origins;
use crate::rules::{Report, Rule, ServerView, edits, when, with_certainty};

/// `dead-policy`
pub struct DeadPolicy;

impl Rule for DeadPolicy {
    fn id(&self) -> &'static str {
        "dead-policy"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        self.noticed(view, report);
        self.startup(view, report);
        self.hanging(view, report);
        self.paths(view, report);
        self.on_requests(view, report);
    }
}

impl DeadPolicy {
    fn noticed(&self, view: &ServerView, report: &mut Report) {
        for (kind, span) in view.notices() {
            let RemarkKind::Dead { why, help, consequence, severe } = kind else { continue };
            let message = format!("this policy never takes effect: {why}");
            let Some(finding) = report.at(self.id(), span, "never takes effect", message) else { continue };
            finding.severity = if *severe { Severity::Error } else { Severity::Warning };
            finding.consequence.clone_from(consequence);
            finding.help = Some(help.clone());
        }
    }

    fn startup(&self, view: &ServerView, report: &mut Report) {
        let Some((error, span)) = &view.server.startup_error else { return };
        // Where no step of the policy is concerned, the program's own tests will tell.
        let mut concerned = false;
        for step in steps(view.server) {
            concerned |= is_policy(step)
                && (step.span.contains(*span) || step.effects.iter().any(|effect| effect.span.contains(*span)));
        }
        if !concerned {
            return;
        }
        let message = match view.server.framework {
            "express" => "the server does not start: this path pattern is none".to_owned(),
            _ => format!("the server does not start: {error}"),
        };
        let Some(finding) = report.at(self.id(), *span, "throws at the start", message) else { return };
        let assumed = view.server.runtime.contains("assumed");
        finding.consequence = Some(format!("{}: `{error}`", view.server.runtime));
        let text = view.sources.text(*span);
        if view.server.framework == "express" {
            finding.help = Some("write `'/{*splat}'` on Express 5; `'*'` is the pattern of Express 4".into());
            if matches!(text.trim_matches(['\'', '"', '`']), "*" | "/*" | "(.*)" | "/(.*)") && text.len() > 2 {
                let quote = &text[..1];
                let replacement = format!("{quote}/{{*splat}}{quote}");
                let how = if assumed { Applicability::Unsafe } else { Applicability::Safe };
                edits::replace(finding, how, "write the pattern of Express 5", *span, &replacement);
            }
        }
        if assumed {
            finding.confidence = Confidence::Medium;
        }
    }

    /// A policy whose callback never calls back.
    fn hanging(&self, view: &ServerView, report: &mut Report) {
        let mut policies = Vec::new();
        for step in steps(view.server) {
            let said =
                step.effects.iter().any(|effect| matches!(effect.kind, EffectKind::Notice(RemarkKind::Dead { .. })));
            if step.kind == StepKind::Cors && step.end == End::Hang && !said && ends_by_request_alone(step) {
                policies.push(step);
            }
        }
        for step in policies {
            for route in &view.routes {
                for origin in origins(view) {
                    let answer = view.ask(&Request::new(&*route.method, &route.path).with_origin(&*origin));
                    let hangs = |world: &World| world.outcome == Outcome::Hangs && world.ran.last() == Some(&step.span);
                    let Some((certainty, _)) = when(&answer, hangs) else { continue };
                    let message = "this policy never takes effect: its callback is not called, so it never goes on";
                    let Some(finding) = report.at(self.id(), step.span, "never goes on", message) else { continue };
                    finding.consequence = Some(format!("requests from {origin} hang until they time out"));
                    finding.help = Some("call `callback(null, allowed)` on every way through the function; what it returns counts for nothing".into());
                    with_certainty(finding, &certainty);
                }
            }
        }
    }

    /// A policy for a path pattern that is meant to take much, and takes nothing.
    fn paths(&self, view: &ServerView, report: &mut Report) {
        if !view.complete() {
            return;
        }
        let mut found = Vec::new();
        for step in steps(view.server) {
            if step.kind == StepKind::Cors && step.path.text().contains('*') && takes_nothing(&step.path, view) {
                found.push(step);
            }
        }
        for step in found {
            let message = format!("this policy never takes effect: `{}` takes no path", step.path.text());
            let place = edits::literal(view, step.span, step.path.text()).unwrap_or(step.span);
            let Some(finding) = report.at(self.id(), place, "takes no path", message) else { continue };
            finding.severity = Severity::Warning;
            finding.consequence = Some("OPTIONS is answered by the router, without the CORS headers".into());
            finding.help = Some(match view.server.framework {
                "express" => format!("write `'*'` on Express 4 (this is {})", view.server.runtime),
                _ => "write a pattern that takes the routes".to_owned(),
            });
            if view.server.framework == "express" && !view.server.runtime.contains("assumed") && place != step.span {
                edits::replace(finding, Applicability::Safe, "write the pattern of Express 4", place, "*");
            }
        }
    }

    /// Response headers that a proxy sets on the request.
    fn on_requests(&self, view: &ServerView, report: &mut Report) {
        let mut found = Vec::new();
        each_effect(view.server, &mut |step, effect| {
            if let EffectKind::Forward(forward) = &effect.kind {
                for inner in &forward.request {
                    if let EffectKind::Write(write) = &inner.kind
                        && headers::is_cors_response_header(&write.name)
                    {
                        found.push((step.span, inner.span, write.name.clone()));
                    }
                }
            }
        });
        for (_, span, name) in found {
            let message = format!("this policy never takes effect: {name} is set on the request, not on the answer");
            let Some(finding) = report.at(self.id(), span, "goes to the server behind", message) else { continue };
            finding.consequence = Some("no browser sees it".into());
            finding.help = Some(match view.server.framework {
                "nginx" => format!("set it on the answer: `add_header {name} … always;`"),
                _ => "set it on the answer".to_owned(),
            });
            finding.labels.retain(|label: &Label| label.span != span);
        }
    }
}

/// Whether requests alone decide how a step ends. Where settings do, or what is not known, that it does not end may be a
/// combination of them that never comes.
fn ends_by_request_alone(step: &Step) -> bool {
    let mut alone = true;
    for effect in step.effects.iter().filter(|effect| effect.kind.ends()) {
        effect.when.each_atom(&mut |atom| {
            alone &= match atom {
                Guard::Unknown(_) | Guard::EnvironmentSet(_) => false,
                Guard::Test(check) => !matches!(check.subject, Text::Environment(_)),
                _ => true,
            };
        });
    }
    alone
}

fn is_policy(step: &Step) -> bool {
    step.kind == StepKind::Cors
        || step.effects.iter().any(
            |effect| matches!(&effect.kind, EffectKind::Write(write) if headers::is_cors_response_header(&write.name)),
        )
}

/// Whether none of the routes, nor of the paths that servers commonly have, is taken.
fn takes_nothing(path: &PathMatch, view: &ServerView) -> bool {
    let common = ["/", "/api", "/api/items", "/x", "/x/y/z"];
    let routes = view.routes.iter().map(|route| route.path.as_str());
    routes.chain(common).all(|probe| path.test(probe) == PathResult::No)
}
