//! A proxy takes away the CORS headers of the application behind it.

use rustc_hash::FxHashSet;

use crate::cors::{Fetch, headers};
use crate::finding::Label;
use crate::model::{EffectKind, Forward, Sent, Server, WriteOp, each_effect};
use crate::rules::{Certainty, Report, Route, Rule, ServerView, evidence, with_link};
use crate::source::Span;

/// `stripped-by-proxy`
pub struct StrippedByProxy;

impl Rule for StrippedByProxy {
    fn id(&self) -> &'static str {
        "stripped-by-proxy"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        let (mut forwards, mut writers) = (Vec::new(), FxHashSet::default());
        each_effect(view.server, &mut |step, effect| match &effect.kind {
            EffectKind::Forward(forward) => forwards.push((step, effect.span, forward)),
            EffectKind::Write(write) if write.is(headers::ALLOW_ORIGIN) => _ = writers.insert(step.span),
            _ => {}
        });
        for (step, span, forward) in forwards {
            let hidden = forward.hides.iter().find(|(name, _)| name.eq_ignore_ascii_case(headers::ALLOW_ORIGIN));
            let cleared = cleared_origin(forward);
            if hidden.is_none() && cleared.is_none() {
                continue;
            }
            // Whoever hides the header and sets one has taken the matter over.
            let sets_own = writers.contains(&step.span)
                || view.routes.iter().any(|route| {
                    let answer = view.from_page(route, crate::rules::STRANGER);
                    answer.worlds.iter().any(|world| {
                        // What comes from behind is not set here.
                        let is_own = |sent: &Sent| sent.span != span && view.server.files.contains(&sent.span.file);
                        world.ran.contains(&step.span) && world.lines(headers::ALLOW_ORIGIN).any(is_own)
                    })
                });
            if sets_own {
                continue;
            }
            let (place, message, label) = match (hidden, cleared) {
                (Some((_, place)), _) => (
                    *place,
                    "the proxy hides the Access-Control-Allow-Origin of the application behind it, and sets none",
                    "kept from the browser",
                ),
                (None, Some(place)) => (
                    place,
                    "the proxy takes the Origin header from the request, so the application behind sees no page of another origin",
                    "the application never sees it",
                ),
                (None, None) => continue,
            };
            // Without an application in sight that has a policy, it may be meant.
            let Some((server, policy)) = behind(view, span) else { continue };
            let Some(finding) = report.at(self.id(), place, label, message) else { continue };
            finding.labels.push(Label::new(policy, "the policy that never reaches a browser"));
            finding.consequence =
                Some("\"No 'Access-Control-Allow-Origin' header is present on the requested resource.\"".into());
            finding.help = Some(if hidden.is_some() {
                "remove the line, or set the headers here and not in the application".into()
            } else {
                "pass the header on as it came".to_owned()
            });
            with_link(view, finding, Some(span));
            if let Some(fetch) = proof(view, server, span) {
                finding.evidence = evidence(view, &fetch, &Certainty::Always);
            }
        }
    }
}

/// Where `Origin` is taken off the request, or replaced by something that no page said.
fn cleared_origin(forward: &Forward) -> Option<Span> {
    forward.request.iter().find_map(|effect| match &effect.kind {
        EffectKind::Write(write) if write.is(headers::ORIGIN) => {
            let cleared = write.op == WriteOp::Remove
                || write.values.iter().all(|value| value.as_literal().is_some_and(str::is_empty));
            cleared.then_some(effect.span)
        }
        _ => None,
    })
}

/// The application that stands behind a hand-over, and where its policy is written.
fn behind<'a>(view: &ServerView<'a>, forward: Span) -> Option<(&'a Server, Span)> {
    let link = view.project.link_at(forward)?;
    let server = view.project.servers.get(link.to)?;
    Some((server, policy(server)?))
}

fn policy(server: &Server) -> Option<Span> {
    let mut found = None;
    each_effect(server, &mut |_, effect| {
        if let EffectKind::Write(write) = &effect.kind
            && write.is(headers::ALLOW_ORIGIN)
        {
            found.get_or_insert(effect.span);
        }
    });
    found
}

/// A call that the application would let pass, and that fails through the proxy.
fn proof(view: &ServerView, server: &Server, forward: Span) -> Option<Fetch> {
    let app = ServerView::new(server, view.project, view.sources);
    let friend = app.friends().first()?;
    let hands_on = |route: &&Route| {
        let answer = view.from_page(route, friend);
        answer.worlds.iter().all(|world| world.answered_by.is_some_and(|by| by.span == forward))
    };
    let route = view.routes.iter().find(hands_on)?;
    Some(Fetch::get(friend, &route.path).with_method(&*route.method))
}
