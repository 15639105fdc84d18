//! Which location takes a request (nginx 1.31, `ngx_http_core_find_location`).

use rustc_hash::FxHashSet;

use super::content;
use super::levels::{LevelId, Location, Matcher, presence};
use super::server::{AGAIN, Compiler, State, step};
use super::texts::passes;
use crate::cors::pattern::{Anchoring, Engine, Flags};
use crate::cors::{Pattern, StringTest};
use crate::model::{
    Capture, Capturing, Dispatch, Effect, EffectKind, Group, Guard, Node, Part, PathMatch, Reason, Status, StepKind,
    Text,
};
use crate::source::Span;

/// How often nginx redirects a request internally before it gives up (`NGX_HTTP_MAX_URI_CHANGES`, and
/// `NGX_HTTP_MAX_SUBREQUESTS` for error pages).
pub(super) const MOST_REDIRECTS: u8 = 10;
/// How many redirects are followed to a URI that depends on the request: each may lead to any location.
const MOST_FOLLOWED: u8 = 3;

/// A location that may take a request, when all before it did not.
struct Candidate<'t> {
    location: Location<'t>,
    /// What else must hold: the locations around it match, and better ones do not.
    when: Guard,
    /// It answers with a redirect to itself with a slash behind.
    adds_slash: bool,
}

impl<'t> Compiler<'t> {
    /// What a server block does with a request from its first phase on.
    pub fn serve(&mut self, server: LevelId, mut state: State) -> Vec<Node> {
        if state.redirects > MOST_REDIRECTS {
            return vec![self.too_many_redirects(&state)];
        }
        let mut nodes = self.server_codes(server, &mut state);
        nodes.extend(self.locate(server, state));
        nodes
    }

    pub(super) fn too_many_redirects(&mut self, state: &State) -> Node {
        let span = self.levels.get(state.level).span;
        self.respond(state.level, state, StepKind::Route, Status::Code(500), span, content::Origin::Final)
    }

    /// Finds the location for the state's URI, and does what it says.
    pub fn locate(&mut self, server: LevelId, state: State) -> Vec<Node> {
        if state.redirects > MOST_REDIRECTS {
            return vec![self.too_many_redirects(&state)];
        }
        // Where a URI that is not known leads is followed a few times.
        let known = state.uri.as_literal().is_some();
        let count = self.levels.all.len();
        let first = state.redirects == 0 && state.uri == Text::Request(Part::ResolvedPath);
        let cost = match known || first {
            true => AGAIN,
            false => count,
        };
        if (!known && state.redirects > MOST_FOLLOWED) || !self.may_look_at(cost) {
            return vec![self.lost_track(self.levels.get(state.level).span)];
        }
        let mut nodes = Vec::new();
        let mut candidates = Vec::new();
        self.candidates(server, &state.uri, &Guard::Always, &mut candidates);
        for candidate in candidates {
            let Candidate { location, when, adds_slash } = candidate;
            let span = self.levels.get(location.level).span;
            // What none of those before took is not known.
            if self.is_spent() {
                nodes.push(self.lost_track(span));
                return nodes;
            }
            let (guard, mount) = self.takes(&location, &state.uri, adds_slash);
            let guard = guard.and(presence(location.directive));
            let certain = guard == Guard::Always && when == Guard::Always;
            if guard == Guard::Never || when == Guard::Never {
                continue;
            }
            let mut group = Group::new(Dispatch::Plain, span);
            match mount.filter(|_| first) {
                Some(mount) => {
                    group.mount = mount;
                    group.when = when.and(presence(location.directive));
                }
                None => group.when = when.and(guard),
            }
            let mut state = state.clone();
            if let Matcher::Regex { text, ignore_case } = &location.matcher {
                let uri = state.uri.clone();
                let pattern = self.patterns.capturing(text, *ignore_case);
                remember(&mut state, Guard::Always, uri, pattern, span);
            }
            group.nodes =
                if adds_slash { self.slash_redirect(&location, &state) } else { self.enter(location.level, state) };
            nodes.push(Node::Group(group));
            if certain && !first {
                return nodes;
            }
        }
        nodes.extend(self.enter(server, state));
        nodes
    }

    /// The locations of a level and those inside them, in the order in which the first match counts.
    fn candidates(&self, level: LevelId, uri: &Text, around: &Guard, found: &mut Vec<Candidate<'t>>) {
        let locations = &self.levels.get(level).locations;
        if locations.is_empty() {
            return;
        }
        let mut rest = Vec::new();
        let span = |location: &Location<'t>| location.directive.span;
        let starts = |location: &Location<'t>| match &location.matcher {
            Matcher::Prefix { text, .. } => passes(uri, &StringTest::StartsWith(text.clone()), span(location)),
            _ => Guard::Never,
        };
        for location in locations {
            if let Matcher::Exact(_) = &location.matcher {
                found.push(Candidate { location: location.clone(), when: around.clone(), adds_slash: false });
            }
        }
        let mut prefixes: Vec<&Location<'t>> =
            locations.iter().filter(|location| matches!(location.matcher, Matcher::Prefix { .. })).collect();
        prefixes.sort_by_key(|location| std::cmp::Reverse(text_of(location).len()));
        // A request for the name of a proxied folder, without its slash, unless a location is called that.
        let names: FxHashSet<&str> = locations.iter().map(text_of).collect();
        for location in locations {
            let text = text_of(location);
            let takes = matches!(location.matcher, Matcher::Exact(_) | Matcher::Prefix { .. });
            if takes
                && text.len() > 1
                && text.ends_with('/')
                && !names.contains(&text[..text.len() - 1])
                && self.is_proxied(location.level)
            {
                found.push(Candidate { location: location.clone(), when: around.clone(), adds_slash: true });
            }
        }
        for (&location, longer) in prefixes.iter().zip(longer(&prefixes)) {
            let longest = around.clone().and(Guard::not(Guard::any(longer.into_iter().map(|at| starts(prefixes[at])))));
            let inside = longest.clone().and(starts(location));
            let mut nested = Vec::new();
            self.candidates(location.level, uri, &inside, &mut nested);
            let stops = matches!(location.matcher, Matcher::Prefix { stops: true, .. });
            for candidate in nested {
                // Nested prefixes give way to regular expressions further out, like their own location.
                let gives_way = matches!(candidate.location.matcher, Matcher::Prefix { .. }) && !candidate.adds_slash;
                if gives_way && !stops { rest.push(candidate) } else { found.push(candidate) }
            }
            let own = Candidate { location: location.clone(), when: longest, adds_slash: false };
            if stops { found.push(own) } else { rest.push(own) }
        }
        for location in locations {
            match &location.matcher {
                Matcher::Regex { text, ignore_case } => {
                    let guard = self.patterns.matches(uri, text, *ignore_case, span(location)).unwrap_or(Guard::Never);
                    self.candidates(location.level, uri, &around.clone().and(guard), found);
                    found.push(Candidate { location: location.clone(), when: around.clone(), adds_slash: false });
                }
                Matcher::Unknown => {
                    found.push(Candidate { location: location.clone(), when: around.clone(), adds_slash: false });
                }
                _ => {}
            }
        }
        // The longest ones first: `rest` has them level by level already, those inside before their own.
        found.append(&mut rest);
    }

    /// When a location matches the URI, and the same as a pattern over paths.
    fn takes(&mut self, location: &Location<'t>, uri: &Text, adds_slash: bool) -> (Guard, Option<PathMatch>) {
        let span = location.directive.span;
        let label = self.levels.get(location.level).label.clone();
        let literal = |text: &str, whole: bool| {
            let anchoring = if whole { Anchoring::Full } else { Anchoring::Prefix };
            let pattern = Pattern::new(escaped(text), Engine::Pcre, anchoring, Flags::NONE).ok()?;
            let whole = PathMatch::Whole { pattern, sample: text.to_owned(), text: label.clone() };
            Some(PathMatch::Resolved(Box::new(whole)))
        };
        match &location.matcher {
            Matcher::Exact(text) | Matcher::Prefix { text, .. } if adds_slash => {
                let name = &text[..text.len() - 1];
                (passes(uri, &StringTest::Equals(name.to_owned()), span), literal(name, true))
            }
            Matcher::Exact(text) => (passes(uri, &StringTest::Equals(text.clone()), span), literal(text, true)),
            Matcher::Prefix { text, .. } => {
                (passes(uri, &StringTest::StartsWith(text.clone()), span), literal(text, false))
            }
            Matcher::Regex { text, ignore_case } => {
                let guard = match self.patterns.matches(uri, text, *ignore_case, span) {
                    Ok(guard) => guard,
                    Err(why) => {
                        self.refuse(format!("invalid regular expression \"{text}\": {why}"), span);
                        Guard::Never
                    }
                };
                let mount = self.patterns.read(text, *ignore_case).ok().map(|pattern| {
                    let sample = super::sample::path(text).unwrap_or_else(|| "/".to_owned());
                    PathMatch::Resolved(Box::new(PathMatch::Whole { pattern, sample, text: label.clone() }))
                });
                (guard, mount)
            }
            Matcher::Named(_) => (Guard::Never, None),
            Matcher::Unknown => {
                (Guard::Unknown(Reason::new("a template decides which paths this location takes", span)), None)
            }
        }
    }

    /// The level of a named location of a server block.
    pub fn named_location(&self, server: LevelId, name: &str) -> Option<LevelId> {
        let locations = &self.levels.get(server).locations;
        let named = |location: &&Location<'t>| matches!(&location.matcher, Matcher::Named(other) if other == name);
        locations.iter().find(named).map(|location| location.level)
    }

    fn is_proxied(&self, level: LevelId) -> bool {
        content::PASSES.iter().any(|(name, _)| self.levels.get(level).own(name).is_some())
    }

    fn slash_redirect(&mut self, location: &Location<'t>, state: &State) -> Vec<Node> {
        let span = location.directive.span;
        let label = format!("the missing slash of {}", self.levels.get(location.level).label);
        let effect = Effect { when: Guard::Always, kind: EffectKind::Respond(Some(Status::Code(301))), span };
        let steps = vec![Node::Step(step(StepKind::Redirect, label, span, vec![effect]))];
        vec![self.answering(location.level, state, steps, content::Origin::Itself)]
    }
}

/// Keeps the groups of a pattern that matched.
pub(super) fn remember(state: &mut State, when: Guard, subject: Text, capturing: Capturing, span: Span) {
    for name in capturing.names() {
        let Some(group) = capturing.group(&name) else { continue };
        let capture = Capture { subject: subject.clone(), pattern: capturing.clone(), group };
        let before = state.variables.get(&name).map_or_else(|| Text::literal(""), |(text, _)| text.clone());
        let text = Text::choose(when.clone(), Text::Capture(std::sync::Arc::new(capture)), before);
        state.variables.insert(name, (text, vec![(span, "from a group of this pattern".into())]));
    }
    state.captures.push((when, subject, capturing));
}

/// For each of some prefixes, the longest first, those longer ones that begin with it; not those that begin with
/// another one of these, as the other says enough.
fn longer(prefixes: &[&Location<'_>]) -> Vec<Vec<usize>> {
    let mut sorted: Vec<usize> = (0..prefixes.len()).collect();
    // Of equal ones the first takes what they match.
    sorted.sort_by_key(|&at| (text_of(prefixes[at]), std::cmp::Reverse(at)));
    let mut longer = vec![Vec::new(); prefixes.len()];
    let mut around: Vec<usize> = Vec::new();
    for at in sorted {
        while around.pop_if(|outer| !text_of(prefixes[at]).starts_with(text_of(prefixes[*outer]))).is_some() {}
        if let Some(outer) = around.last() {
            longer[*outer].push(at);
        }
        around.push(at);
    }
    longer.iter_mut().for_each(|longer| longer.sort_unstable());
    longer
}

fn text_of<'l>(location: &'l Location<'_>) -> &'l str {
    match &location.matcher {
        Matcher::Exact(text) | Matcher::Prefix { text, .. } => text,
        _ => "",
    }
}

/// A pattern for exactly this text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if !character.is_ascii_alphanumeric() && character.is_ascii() && character != '/' {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
