//! `*` stands where the browser takes it for a name.

use crate::cors::{browser, headers};
use crate::finding::Label;
use crate::model::World;
use crate::rules::calls::{Call, allow_origin, preflight_verdict, reads, reply};
use crate::rules::{Report, Rule, ServerView, allows_credentials, only, source, when, with_certainty, with_trail};

/// `wildcard-not-honoured`
pub struct WildcardNotHonoured;

/// The headers in which a lone `*` can stand, and what does not work then.
const LISTS: &[(&str, &str)] = &[
    (
        headers::ALLOW_METHODS,
        "PUT, PATCH and DELETE with credentials fail: \"Method PUT is not allowed by Access-Control-Allow-Methods in preflight response.\"",
    ),
    (
        headers::ALLOW_HEADERS,
        "requests with credentials and a JSON body or a header of their own fail: \"Request header field content-type is not allowed by Access-Control-Allow-Headers in preflight response.\"",
    ),
    (headers::EXPOSE_HEADERS, "pages that ask with credentials can read none of the headers, and get no error"),
];

impl Rule for WildcardNotHonoured {
    fn id(&self) -> &'static str {
        "wildcard-not-honoured"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for call in view.calls() {
            for (name, consequence) in LISTS {
                let answer = if *name == headers::EXPOSE_HEADERS { &call.answer } else { &call.preflight.1 };
                let literal = |world: &World| {
                    allows_credentials(world)
                        && only(world, headers::ALLOW_ORIGIN).is_none_or(|(_, value)| value != "*")
                        && allow_origin(world).is_some()
                        && only(world, name).is_some_and(|(_, value)| value.trim() == "*")
                };
                let Some((certainty, world)) = when(answer, literal) else { continue };
                let Some((sent, _)) = only(world, name) else { continue };
                let header = headers::canonical(name);
                let message = format!("`*` in {header} is no wildcard where credentials are allowed");
                let Some(finding) = report.at(self.id(), source(sent), "taken for a name", message) else { continue };
                finding.consequence = Some((*consequence).to_owned());
                finding.help = Some(match *name {
                    headers::ALLOW_METHODS => "name the methods: `GET, PUT, PATCH, DELETE`".into(),
                    headers::ALLOW_HEADERS => "name the headers: `Content-Type, Authorization`".into(),
                    _ => "name the headers that pages read".into(),
                });
                if let Some((credentials, _)) = only(world, headers::ALLOW_CREDENTIALS) {
                    finding.labels.push(Label::new(source(credentials), "credentials are allowed here"));
                }
                with_trail(finding, sent);
                with_certainty(finding, &certainty);
            }
            self.authorization(view, call, report);
        }
    }
}

impl WildcardNotHonoured {
    /// `*` that is to cover `Authorization`.
    fn authorization(&self, view: &ServerView, call: &Call, report: &mut Report) {
        let covered = |world: &World| {
            !allows_credentials(world)
                && preflight_verdict(&call.fetch, world).is_allowed()
                && browser::authorization_by_wildcard(&call.fetch, &reply(world))
        };
        let Some((certainty, world)) = when(&call.preflight.1, covered) else { return };
        let Some((sent, _)) = only(world, headers::ALLOW_HEADERS) else { return };
        let message = "`*` in Access-Control-Allow-Headers does not cover `Authorization` by the standard";
        let Some(finding) = report.at(self.id(), source(sent), "does not name it", message) else { return };
        finding.consequence = Some(
            "Chromium still lets it pass, prints a deprecation warning, and says that it will stop; other browsers refuse the preflight".into(),
        );
        finding.help = Some("name it beside the `*`: `*, Authorization`".into());
        if let Some((_, span)) =
            reads(view, &call.route, &call.answer).into_iter().find(|(name, _)| name == "authorization")
        {
            finding.labels.push(Label::new(span, "the header is read here"));
        }
        with_trail(finding, sent);
        with_certainty(finding, &certainty);
    }
}
