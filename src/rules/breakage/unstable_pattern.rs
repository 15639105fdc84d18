//! A pattern that remembers where it stopped.

use crate::cors::headers;
use crate::finding::Applicability;
use crate::model::{Environment, Session};
use crate::rules::{Report, Rule, ServerView, edits};

/// `unstable-pattern`
pub struct UnstablePattern;

impl Rule for UnstablePattern {
    fn id(&self) -> &'static str {
        "unstable-pattern"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for test in view.tests.iter().filter(|test| test.check.stateful) {
            let message = "a pattern with the flag `g` or `y` goes on where its last match ended";
            let Some(finding) = report.at(self.id(), test.check.span, "refuses every second request", message) else {
                continue;
            };
            let proven = view.routes.iter().flat_map(|route| {
                let requests = view
                    .friends()
                    .iter()
                    .map(|friend| crate::cors::Request::new(&*route.method, &route.path).with_origin(friend));
                requests.collect::<Vec<_>>()
            });
            let changes = |request: &crate::cors::Request| {
                let mut session = Session::ordinary(view.server, Environment::Unknown);
                let [first, second] = [session.answer(request), session.answer(request)];
                first.header(headers::ALLOW_ORIGIN).is_some() && second.lacks(headers::ALLOW_ORIGIN)
            };
            finding.consequence = Some(match proven.into_iter().find(changes) {
                Some(request) => format!(
                    "{} is let in, then refused, then let in again: \"No 'Access-Control-Allow-Origin' header is present on the requested resource.\"",
                    request.origin().unwrap_or("the same origin")
                ),
                None => "the same origin is let in and refused in turn".to_owned(),
            });
            finding.help = Some("remove the flag: a test of the whole origin needs none".into());
            let text = view.sources.text(test.check.span);
            if text.starts_with('/')
                && let Some(end) = text.rfind('/').filter(|end| *end > 0)
            {
                let flags = &text[end + 1..];
                let kept: String = flags.chars().filter(|flag| !matches!(flag, 'g' | 'y')).collect();
                if flags.chars().all(|flag| flag.is_ascii_alphabetic()) && kept.len() < flags.len() {
                    let mut span = test.check.span;
                    span.start += end as u32 + 1;
                    edits::replace(finding, Applicability::Safe, "remove the flag", span, &kept);
                }
            }
        }
    }
}
