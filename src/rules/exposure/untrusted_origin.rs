//! An origin is let in that the configuration does not trust.

use crate::cors::{Fetch, Origin, headers};
use crate::rules::{
    Report, Route, Rule, STRANGER, ServerView, allows_credentials, evidence, only, source, when, with_certainty,
    with_trail,
};

use super::reflected_origin::reflects;

/// `untrusted-origin`
pub struct UntrustedOrigin;

impl Rule for UntrustedOrigin {
    fn id(&self) -> &'static str {
        "untrusted-origin"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        let Some(trusted) = &view.project.trusted else { return };
        let is_trusted = |origin: &str| trusted.iter().any(|pattern| covers(pattern, origin));
        let mut origins = view.friends().to_vec();
        origins.push(STRANGER.to_owned());
        for origin in origins.iter().filter(|origin| !is_trusted(origin)) {
            for route in &view.routes {
                self.ask(view, route, origin, report);
            }
        }
    }
}

impl UntrustedOrigin {
    fn ask(&self, view: &ServerView, route: &Route, origin: &str, report: &mut Report) {
        let answer = view.from_page(route, origin);
        let lets_in = |world: &crate::model::World| {
            reflects(world, origin) || only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == "*")
        };
        let Some((certainty, world)) = when(&answer, lets_in) else { return };
        let Some((sent, value)) = only(world, headers::ALLOW_ORIGIN) else { return };
        let entry = view.entries.iter().find(|entry| *entry.text == *origin);
        let place = entry.map_or_else(|| source(sent), |entry| entry.span);
        let message = match (value, origin == STRANGER) {
            ("*", _) => "any site is allowed, and `[origins] trusted` names fewer".to_owned(),
            (_, true) => "strangers are allowed, and `[origins] trusted` does not name them".to_owned(),
            _ => format!("`{origin}` is allowed, and `[origins] trusted` does not name it"),
        };
        let Some(finding) = report.at(self.id(), place, "not trusted", message) else { return };
        let mut fetch = Fetch::get(origin, &route.path).with_method(&*route.method);
        if allows_credentials(world) && value != "*" {
            fetch = fetch.with_credentials();
        }
        finding.evidence = evidence(view, &fetch, &certainty);
        finding.help = Some("remove it, or add it to `[origins] trusted` in corslint.toml".into());
        with_trail(finding, sent);
        with_certainty(finding, &certainty);
    }
}

/// Whether a pattern of the configuration covers an origin: the same, or with `*.` for one or more labels of the host.
fn covers(pattern: &str, origin: &str) -> bool {
    let Some((scheme, host)) = pattern.split_once("://*.") else { return pattern.eq_ignore_ascii_case(origin) };
    let Ok(origin) = Origin::parse(origin) else { return false };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, port.parse::<u16>().ok()),
        None => (host, None),
    };
    origin.scheme() == scheme
        && origin.port() == port
        && origin.host().strip_suffix(name).is_some_and(|before| before.len() > 1 && before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_star_stands_for_labels_of_the_host() {
        assert!(covers("https://*.example.com", "https://app.example.com"));
        assert!(covers("https://*.example.com", "https://a.b.example.com"));
        assert!(!covers("https://*.example.com", "https://example.com"));
        assert!(!covers("https://*.example.com", "https://evilexample.com"));
        assert!(!covers("https://*.example.com", "http://app.example.com"));
        assert!(!covers("https://*.example.com", "https://app.example.com:8443"));
        assert!(covers("http://localhost:3000", "http://localhost:3000"));
    }
}
