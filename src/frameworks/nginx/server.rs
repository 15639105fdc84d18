//! From the tree of a configuration to a server: its server blocks, and which of them takes a request.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::levels::{Definitions, LevelId, LevelKind, Levels};
use super::texts::{Patterns, passes};
use super::variables::Hop;
use crate::cors::StringTest;
use crate::model::{
    Capturing, Dispatch, Effect, EffectKind, End, Entry, Group, Guard, Listen, Node, Part, PathMatch, Reason, Remark,
    RemarkKind, Status, Step, StepKind, Text,
};
use crate::source::Span;
use crate::syntax::nginx::Directive;

/// How many levels may be looked at in all, each as often as a request may come to it, so that redirects which lead
/// everywhere end.
const MOST_LOOKED_AT: usize = 60_000;

/// As how many a server may look at where those before it have looked at as many as may be.
const LEAST_LOOKED_AT: usize = 6_000;

/// As how many levels one counts to which a request comes at first: 20,000 locations take 300 MB.
pub(super) const FIRST: usize = 3;

/// As how many levels one counts to which a request comes again, by a redirect or for an error.
pub(super) const AGAIN: usize = 16;

/// A `server` block.
pub(super) struct ServerBlock {
    pub level: LevelId,
    pub names: Vec<(String, Span)>,
    pub listens: Vec<Listening>,
    pub span: Span,
}

/// One `listen`.
pub(super) struct Listening {
    /// The port; `None` where it is not known, or a Unix socket.
    pub port: Option<u16>,
    pub default: bool,
    pub secure: bool,
    pub span: Span,
}

/// The server blocks that listen on one port.
struct OnPort {
    only_one: bool,
    /// The one that takes what names no other.
    default: Option<usize>,
    /// Every name with its rank, its block and when it matches; the better ones first.
    names: Vec<(u8, usize, Guard)>,
    /// Where the names of a block stand among them.
    by_server: FxHashMap<usize, Vec<usize>>,
}

/// What is known of a request on its way through the phases.
#[derive(Clone)]
pub(super) struct State {
    pub server: usize,
    /// The level that was entered last.
    pub level: LevelId,
    /// `$uri`.
    pub uri: Text,
    /// Whether the URI was changed by a `rewrite` on the way.
    pub rewritten: bool,
    pub method: Text,
    /// Variables of `set` and of groups with a name, each with where its value comes from.
    pub variables: BTreeMap<String, (Text, Vec<Hop>)>,
    /// The patterns that matched, the last one last, each with when it did.
    pub captures: Vec<(Guard, Text, Capturing)>,
    /// When the rewrite directives are over because of a `break`.
    pub broken: Guard,
    /// When the URI was changed such that a location is looked for again.
    pub changed: Guard,
    /// The status that an `error_page` gives to the answer.
    pub status: Option<u16>,
    /// Whether an `error_page` led here: a second one does not count.
    pub errored: bool,
    /// Whether the request was redirected internally.
    pub internal: bool,
    /// Whether a `rewrite` led here: `internal` lets it in.
    pub renamed: bool,
    /// How often.
    pub redirects: u8,
}

impl State {
    /// A request that has come to a server block.
    pub fn new(server: usize, level: LevelId) -> Self {
        Self {
            server,
            level,
            uri: Text::Request(Part::ResolvedPath),
            rewritten: false,
            method: Text::Request(Part::Method),
            variables: BTreeMap::new(),
            captures: Vec::new(),
            broken: Guard::Never,
            changed: Guard::Never,
            status: None,
            errored: false,
            internal: false,
            renamed: false,
            redirects: 0,
        }
    }
}

/// Builds a server.
pub(super) struct Compiler<'t> {
    pub levels: Levels<'t>,
    pub servers: Vec<ServerBlock>,
    on_ports: RefCell<FxHashMap<Option<u16>, Rc<OnPort>>>,
    pub definitions: Definitions<'t>,
    pub remarks: Vec<Remark>,
    pub error: Option<(String, Span)>,
    /// Whether all that nginx would read was read, so that what is not defined is not defined anywhere.
    pub whole: bool,
    /// Whether anything that was read names a header of CORS.
    pub speaks: bool,
    pub patterns: Patterns,
    /// The maps that were looked up for the text that is being put together.
    pub looked_up: FxHashMap<String, Text>,
    entered: usize,
    /// How much may be looked at.
    most: usize,
    /// The locations that take index files, by server block and name.
    pub taking_index: FxHashMap<(LevelId, String), Vec<LevelId>>,
}

impl<'t> Compiler<'t> {
    /// A compiler for what is inside `http`.
    ///
    /// `before` is how much was looked at for other servers of the run.
    pub fn new(directives: &'t [Directive], definitions: Definitions<'t>, span: Span, before: usize) -> Self {
        let mut levels = Levels::default();
        let http = levels.add(LevelKind::Http, None, directives.iter().collect(), span, "http".to_owned());
        let mut servers = Vec::new();
        for directive in directives.iter().filter(|directive| directive.is("server") && directive.block.is_some()) {
            let children = directive.children().iter().collect();
            let level = levels.add(LevelKind::Server, Some(http), children, directive.span, "server".to_owned());
            servers.push(server_block(&levels, level, directive));
        }
        Self {
            levels,
            servers,
            on_ports: RefCell::default(),
            definitions,
            remarks: Vec::new(),
            error: None,
            whole: false,
            speaks: false,
            patterns: Patterns::default(),
            looked_up: FxHashMap::default(),
            entered: 0,
            most: (MOST_LOOKED_AT + MOST_LOOKED_AT / 2).saturating_sub(before).clamp(LEAST_LOOKED_AT, MOST_LOOKED_AT),
            taking_index: FxHashMap::default(),
        }
    }

    /// Notes something, once.
    pub fn remark(&mut self, kind: RemarkKind, span: Span) {
        let remark = Remark { kind, span };
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// Notes why nginx would not start; the first reason counts.
    pub fn refuse(&mut self, why: String, span: Span) {
        self.error.get_or_insert((why, span));
    }

    /// The root group: one group for each server block.
    pub fn root(&mut self, span: Span) -> Group {
        let mut root = Group::new(Dispatch::Plain, span);
        for index in 0..self.servers.len() {
            if let Some(node) = self.refused_unread(index) {
                root.nodes.push(node);
            }
        }
        for index in 0..self.servers.len() {
            let block = &self.servers[index];
            let (level, span) = (block.level, block.span);
            let mut group = Group::new(Dispatch::Plain, span);
            group.when = self.selected(index);
            group.entry = (self.servers.len() > 1).then(|| self.entry(index));
            let mut state = State::new(index, level);
            self.name_captures(index, &mut state);
            group.nodes = self.refused_early(level, &state);
            group.nodes.extend(self.serve(level, state));
            root.nodes.push(Node::Group(group));
        }
        root
    }

    /// Ports and their places.
    pub fn listens(&self) -> Vec<Listen> {
        let mut listens: Vec<Listen> = Vec::new();
        for listening in self.servers.iter().flat_map(|server| &server.listens) {
            if !listens.iter().any(|listen| listen.port == listening.port) {
                listens.push(Listen { port: listening.port, span: listening.span });
            }
        }
        listens
    }

    /// Every port on which anything listens, in order.
    fn ports(&self) -> Vec<Option<u16>> {
        let mut ports: Vec<Option<u16>> = Vec::new();
        for listening in self.servers.iter().flat_map(|server| &server.listens) {
            if !ports.contains(&listening.port) {
                ports.push(listening.port);
            }
        }
        ports
    }

    /// The port that a request comes to which does not say one: that of `https:` where there is one.
    fn usual_port(&self) -> Option<u16> {
        let all = || self.servers.iter().flat_map(|server| &server.listens);
        let secure = all().find(|listening| listening.secure);
        secure.or_else(|| all().next()).and_then(|listening| listening.port)
    }

    fn comes_to(&self, port: Option<u16>, span: Span) -> Guard {
        let ports = self.ports();
        if ports.len() <= 1 {
            return Guard::Always;
        }
        let given = |port: &Option<u16>| match port {
            Some(port) => passes(&Text::Request(Part::Port), &StringTest::Equals(port.to_string()), span),
            None => Guard::Never,
        };
        if port == self.usual_port() {
            Guard::not(Guard::any(ports.iter().filter(|other| **other != port).map(given)))
        } else {
            given(&port)
        }
    }

    /// The server blocks that listen on a port.
    fn on_port(&self, port: Option<u16>) -> Rc<OnPort> {
        if let Some(known) = self.on_ports.borrow().get(&port) {
            return known.clone();
        }
        let listens = |&server: &usize| self.servers[server].listens.iter().any(|one| one.port == port);
        let servers: Vec<usize> = (0..self.servers.len()).filter(listens).collect();
        let declared = |&server: &usize| self.servers[server].listens.iter().any(|one| one.port == port && one.default);
        let default = servers.iter().copied().find(declared).or_else(|| servers.first().copied());
        let names = self.name_tests(&servers);
        let mut by_server: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for (at, (_, server, _)) in names.iter().enumerate() {
            by_server.entry(*server).or_default().push(at);
        }
        let found = Rc::new(OnPort { only_one: servers.len() == 1, default, names, by_server });
        self.on_ports.borrow_mut().insert(port, found.clone());
        found
    }

    /// When a server block takes requests whatever host they name; never, where others do.
    pub fn takes_the_rest(&self, index: usize) -> Option<Guard> {
        let listens = self.servers[index].listens.iter();
        let own = listens.filter(|listening| self.on_port(listening.port).default == Some(index));
        let guards: Vec<Guard> = own.map(|listening| self.comes_to(listening.port, listening.span)).collect();
        (!guards.is_empty()).then(|| Guard::any(guards))
    }

    /// When a server block takes a request: by port, then by name (nginx 1.31, `ngx_http_find_virtual_server`).
    fn selected(&self, index: usize) -> Guard {
        let mut guards = Vec::new();
        let mut seen = Vec::new();
        for listening in &self.servers[index].listens {
            if seen.contains(&listening.port) {
                continue;
            }
            seen.push(listening.port);
            let on_port = self.on_port(listening.port);
            let by_port = self.comes_to(listening.port, listening.span);
            if on_port.only_one {
                guards.push(by_port);
                continue;
            }
            let mut own = Vec::new();
            for &at in on_port.by_server.get(&index).map(Vec::as_slice).unwrap_or_default() {
                let (rank, _, guard) = &on_port.names[at];
                // Names that are given in full exclude each other.
                let from = if *rank > 0 { 0 } else { at };
                let before = on_port.names[from..at].iter().filter(|(_, server, _)| *server != index);
                let better = Guard::any(before.map(|(_, _, guard)| guard.clone()));
                own.push(guard.clone().and(Guard::not(better)));
            }
            if on_port.default == Some(index) {
                let others = on_port.names.iter().filter(|(_, server, _)| *server != index);
                own.push(Guard::not(Guard::any(others.map(|(_, _, guard)| guard.clone()))));
            }
            guards.push(by_port.and(Guard::any(own)));
        }
        Guard::any(guards)
    }

    /// Every server name of some blocks with its rank, its block and when it matches; the better ones first.
    fn name_tests(&self, servers: &[usize]) -> Vec<(u8, usize, Guard)> {
        let host = Text::Request(Part::Host);
        let mut tests: Vec<(u8, std::cmp::Reverse<usize>, usize, Guard)> = Vec::new();
        for &server in servers {
            for (name, span) in &self.servers[server].names {
                let lower = name.to_ascii_lowercase();
                let length = std::cmp::Reverse(name.len());
                if let Some(pattern) = name.strip_prefix('~') {
                    let guard = self.patterns.matches(&host, pattern, true, *span);
                    let guard = guard.unwrap_or_else(|why| Guard::Unknown(Reason::new(why, *span)));
                    tests.push((3, std::cmp::Reverse(0), server, guard));
                } else if let Some(suffix) = lower.strip_prefix('*').filter(|suffix| suffix.starts_with('.')) {
                    tests.push((1, length, server, passes(&host, &StringTest::EndsWith(suffix.to_owned()), *span)));
                } else if let Some(itself) = lower.strip_prefix('.') {
                    tests.push((0, length, server, passes(&host, &StringTest::Equals(itself.to_owned()), *span)));
                    tests.push((1, length, server, passes(&host, &StringTest::EndsWith(lower.clone()), *span)));
                } else if let Some(prefix) = lower.strip_suffix('*').filter(|prefix| prefix.ends_with('.')) {
                    tests.push((2, length, server, passes(&host, &StringTest::StartsWith(prefix.to_owned()), *span)));
                } else if !lower.is_empty() && lower != "_" {
                    tests.push((0, length, server, passes(&host, &StringTest::Equals(lower), *span)));
                }
            }
        }
        tests.sort_by_key(|(rank, length, ..)| (*rank, if *rank == 3 { std::cmp::Reverse(0) } else { *length }));
        tests.into_iter().map(|(rank, _, server, guard)| (rank, server, guard)).collect()
    }

    /// What the groups of a server block's names are in a request (`ngx_http_find_virtual_server`).
    fn name_captures(&mut self, index: usize, state: &mut State) {
        let host = Text::Request(Part::Host);
        for (name, span) in self.servers[index].names.clone() {
            let Some(pattern) = name.strip_prefix('~') else { continue };
            if let Ok(guard) = self.patterns.matches(&host, pattern, true, span) {
                let capturing = self.patterns.capturing(pattern, true);
                super::locate::remember(state, guard, host.clone(), capturing, span);
            }
        }
    }

    /// A `Host` header that leads to a server block.
    fn entry(&self, index: usize) -> Entry {
        let server = &self.servers[index];
        let secure = server.listens.iter().any(|listening| listening.secure);
        let name = server.names.iter().map(|(name, _)| name.as_str()).find_map(|name| match name {
            "" | "_" => None,
            _ if name.starts_with('~') || name.contains('$') => None,
            _ if name.starts_with("*.") => Some(format!("www{}", &name[1..])),
            _ if name.starts_with('.') => Some(name[1..].to_owned()),
            _ if name.ends_with(".*") => Some(format!("{}example", &name[..name.len() - 1])),
            _ => Some(name.to_ascii_lowercase()),
        });
        let mut host = name.unwrap_or_else(|| "localhost".to_owned());
        let best = server.listens.iter().find(|listening| listening.secure == secure);
        if let Some(port) = best.and_then(|listening| listening.port)
            && port != if secure { 443 } else { 80 }
        {
            host.push_str(&format!(":{port}"));
        }
        Entry { host, secure }
    }

    /// `$scheme`.
    pub fn scheme(&self, state: &State) -> Text {
        let listens = &self.servers[state.server].listens;
        let secure: Vec<&Listening> = listens.iter().filter(|listening| listening.secure).collect();
        let literal = |secure: bool| Text::literal(if secure { "https" } else { "http" });
        if secure.is_empty() || secure.len() == listens.len() {
            return literal(!secure.is_empty());
        }
        let by_port = secure.iter().map(|listening| self.comes_to(listening.port, listening.span));
        Text::choose(Guard::any(by_port), literal(true), literal(false))
    }

    /// `$server_name`.
    pub fn server_name(&self, state: &State) -> Option<&str> {
        self.servers[state.server].names.first().map(|(name, _)| name.as_str())
    }

    /// `$server_port`, where there is but one.
    pub fn port(&self, state: &State) -> Option<u16> {
        match self.servers[state.server].listens.as_slice() {
            [one] => one.port,
            _ => None,
        }
    }

    /// Whether as much may still be looked at.
    pub fn may_look_at(&mut self, count: usize) -> bool {
        self.entered = self.entered.saturating_add(count);
        !self.is_spent()
    }

    /// How much was looked at.
    pub fn looked_at(&self) -> usize {
        self.entered.min(self.most)
    }

    /// Whether there was more to look at than may be.
    pub fn is_spent(&self) -> bool {
        self.entered > self.most
    }

    /// The end of what can be followed.
    pub fn lost_track(&self, span: Span) -> Node {
        let reason = Reason::new("the ways through the configuration cannot be followed any further", span);
        unknown_answer(StepKind::Route, "an internal redirect", reason, span)
    }
}

/// An answer of which nothing is known.
pub(super) fn unknown_answer(kind: StepKind, label: &str, reason: Reason, span: Span) -> Node {
    let effects = vec![
        Effect { when: Guard::Always, kind: EffectKind::Opaque(reason.clone()), span },
        Effect { when: Guard::Always, kind: EffectKind::Respond(Some(Status::Unknown(reason))), span },
    ];
    Node::Step(step(kind, label.to_owned(), span, effects))
}

/// A step that takes every request which gets to it.
pub(super) fn step(kind: StepKind, label: String, span: Span, effects: Vec<Effect>) -> Step {
    // A route always answers by one of its effects.
    let end = match kind {
        StepKind::Middleware => End::Continue,
        _ => End::Respond(Reason::new("the directive answers", span)),
    };
    Step { kind, path: PathMatch::Any, methods: None, when: Guard::Always, effects, end, span, label }
}

fn server_block(levels: &Levels<'_>, level: LevelId, directive: &Directive) -> ServerBlock {
    let own = levels.get(level);
    let names = own.all_of(&["server_name"]).into_iter().flat_map(|names| &names.args);
    let names = names.filter(|word| !word.templated).map(|word| (word.text.clone(), word.span)).collect();
    let ssl_on = levels.is_on(level, "ssl");
    let mut listens: Vec<Listening> = Vec::new();
    for listen in own.all_of(&["listen"]) {
        let Some(address) = listen.args.first() else { continue };
        let has = |flag: &str| listen.args.iter().skip(1).any(|word| word.text == flag);
        let port = if address.templated { None } else { port_of(&address.text) };
        let secure = has("ssl") || has("quic") || ssl_on;
        // The same port for IPv4 and IPv6 is one port here.
        if let Some(same) = listens.iter_mut().find(|other| other.port == port) {
            same.default |= has("default_server") || has("default");
            same.secure |= secure;
            continue;
        }
        let default = has("default_server") || has("default");
        listens.push(Listening { port, default, secure, span: listen.span });
    }
    if listens.is_empty() {
        let span = directive.name.span;
        listens.push(Listening { port: Some(80), default: false, secure: ssl_on, span });
    }
    ServerBlock { level, names, listens, span: directive.span }
}

/// The port of a `listen` address; 80 where none is given.
fn port_of(address: &str) -> Option<u16> {
    if address.starts_with("unix:") {
        return None;
    }
    if let Ok(port) = address.parse::<u16>() {
        return Some(port);
    }
    let behind = match address.rsplit_once(']') {
        Some((_, behind)) => behind,
        None => address.rsplit_once(':').map_or("", |(host, _)| &address[host.len()..]),
    };
    match behind.strip_prefix(':') {
        Some(port) => port.parse().ok(),
        None if address.bytes().all(|byte| byte.is_ascii_digit()) => None,
        None => Some(80),
    }
}
