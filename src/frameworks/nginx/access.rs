//! What may refuse a request once its location is known: rates, addresses, credentials.

use super::content::{Origin, guarded};
use super::levels::{LevelId, LevelKind, Matcher, presence};
use super::server::{Compiler, State};
use super::texts::passes;
use crate::cors::StringTest;
use crate::model::{Guard, Node, Reason, Status, StepKind};
use crate::source::Span;

impl<'t> Compiler<'t> {
    /// Refusals, in the order in which nginx comes to them.
    pub fn access(&mut self, level: LevelId, state: &State) -> Vec<Node> {
        let mut nodes = Vec::new();
        for name in ["limit_req", "limit_conn"] {
            if let Some(limit) = self.levels.list(level, &[name]).first().copied() {
                let code = self.levels.value(level, &format!("{name}_status")).and_then(|code| code.parse().ok());
                let reason = Reason::new("whether the limit of requests is reached", limit.span);
                let status = Status::Code(code.unwrap_or(503));
                let node = self.respond(level, state, StepKind::RateLimit, status, limit.span, Origin::Itself);
                nodes.push(guarded(
                    Guard::AskedBefore.and(Guard::Unknown(reason)).and(presence(limit)),
                    vec![node],
                    limit.span,
                ));
            }
        }
        // An internal redirect is checked again, but by what its own location says, as here.
        let mut checks: Vec<(Guard, u16, Span)> = Vec::new();
        checks.extend(self.addresses(level));
        checks.extend(self.credentials(level, state));
        checks.extend(self.subrequest(level, state));
        let any = self.levels.value(level, "satisfy") == Some("any");
        if any && checks.len() > 1 {
            // What asks for credentials says so, though addresses are looked at first.
            let asks = checks.iter().find(|(_, code, _)| *code == 401);
            let (code, span) = asks.map_or((403, checks[0].2), |(_, code, span)| (*code, *span));
            let all = Guard::all(checks.into_iter().map(|(denied, ..)| denied));
            checks = vec![(all, code, span)];
        }
        for (denied, code, span) in checks {
            if denied == Guard::Never {
                continue;
            }
            let node = self.respond(level, state, StepKind::Auth, Status::Code(code), span, Origin::Itself);
            nodes.push(if denied == Guard::Always { node } else { guarded(denied, vec![node], span) });
        }
        nodes
    }

    /// `allow` and `deny`: the first that matches counts.
    fn addresses(&self, level: LevelId) -> Option<(Guard, u16, Span)> {
        let rules = self.levels.list(level, &["allow", "deny"]);
        let span = rules.iter().find(|rule| rule.is("deny"))?.span;
        // Some addresses are let in and some are not: which one asks is not known.
        let reason = Reason::new("whether the caller's address is refused", span);
        let denied = match rules.first() {
            Some(first) if first.arg(0) == Some("all") => Guard::from(first.is("deny")),
            _ => Guard::Unknown(reason),
        };
        Some((denied.and(presence(rules.first()?)), 403, span))
    }

    /// `auth_basic` and its kin.
    fn credentials(&mut self, level: LevelId, state: &State) -> Vec<(Guard, u16, Span)> {
        let mut checks = Vec::new();
        for name in ["auth_basic", "auth_jwt", "auth_pam", "auth_ldap", "auth_digest"] {
            let Some(directive) = self.levels.find(level, name) else { continue };
            let Some(realm) = directive.args.first() else { continue };
            let (text, _) = self.text(state, realm);
            let off = passes(&text, &StringTest::Equals("off".to_owned()), realm.span);
            let wrong = Guard::Unknown(Reason::new("whether the credentials are wrong", directive.span));
            let token = directive.args.iter().any(|word| word.text.starts_with("token="));
            let denied =
                if token { wrong } else { Guard::any([Guard::not(Guard::HasHeader("authorization".into())), wrong]) };
            checks.push((Guard::not(off).and(denied).and(presence(directive)), 401, directive.span));
        }
        checks
    }

    /// `auth_request`: another location is asked first.
    fn subrequest(&mut self, level: LevelId, state: &State) -> Vec<(Guard, u16, Span)> {
        let Some(directive) = self.levels.find(level, "auth_request") else { return Vec::new() };
        let Some(target) = directive.args.first().filter(|target| target.text != "off") else { return Vec::new() };
        let span = directive.span;
        let present = presence(directive);
        let Some(returns) = self.returns(level, state, &target.text) else {
            let reason = Reason::new("whether the authentication service refuses the request", span);
            return vec![(present.and(Guard::Unknown(reason)), 401, span)];
        };
        let refused = returns.into_iter().filter_map(|(when, code)| match code {
            200..=299 => None,
            401 | 403 => Some((when, code)),
            _ => Some((when, 500)),
        });
        refused.map(|(when, code)| (present.clone().and(when), code, span)).collect()
    }

    /// The statuses of a location that does nothing but `return` some, each with when.
    fn returns(&mut self, level: LevelId, state: &State, path: &str) -> Option<Vec<(Guard, u16)>> {
        let server = self.levels.outwards(level).find(|level| level.kind == LevelKind::Server)?;
        let path = path.split('?').next().unwrap_or_default();
        let exact = server.locations.iter().find(|one| matches!(&one.matcher, Matcher::Exact(text) if text == path));
        let prefix =
            server.locations.iter().find(|one| matches!(&one.matcher, Matcher::Prefix { text, .. } if text == path));
        let location = exact.or(prefix)?.level;
        let mut state = state.clone();
        let mut returns = Vec::new();
        let mut rest = Guard::Always;
        for code in self.levels.get(location).all_of(super::rewrite::CODES) {
            let (when, code) = match (code.name.text.as_str(), code.children()) {
                ("return", _) => (rest.clone(), code),
                ("if", [inner]) if inner.is("return") => {
                    (rest.clone().and(self.condition(&mut state, code, &rest).ok()?), inner)
                }
                _ => return None,
            };
            let last = when == rest;
            returns.push((when.clone(), code.arg(0)?.parse().ok()?));
            if last {
                return Some(returns);
            }
            rest = rest.and(Guard::not(when));
        }
        // What none of them takes is handed on, or read from files.
        None
    }
}
