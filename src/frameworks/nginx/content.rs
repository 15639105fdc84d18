//! What answers once the rewrite phase is over: access checks, files, servers behind, error pages.

use super::levels::{LevelId, LevelKind, Matcher, presence};
use super::locate::MOST_REDIRECTS;
use super::server::{AGAIN, Compiler, State, step, unknown_answer};
use super::texts::{is_set, passes};
use super::variables::Hop;
use crate::cors::StringTest;
use crate::model::{
    Dispatch, Effect, EffectKind, Forward, Group, Guard, HeaderWrite, Instead, Node, Reason, Status, Statuses,
    StepKind, Text, Trail, WriteOp,
};
use crate::source::Span;
use crate::syntax::nginx::{Directive, Word};

/// Directives that hand requests on, and the prefix of their family's other directives.
pub(super) const PASSES: &[(&str, &str)] = &[
    ("proxy_pass", "proxy"),
    ("fastcgi_pass", "fastcgi"),
    ("uwsgi_pass", "uwsgi"),
    ("grpc_pass", "grpc"),
    ("scgi_pass", "scgi"),
    ("memcached_pass", "memcached"),
];

/// Of how many servers an upstream is followed.
const MOST_SERVERS: usize = 16;

/// Directives with which something answers that cannot be read.
const OPAQUE: &[&str] = &[
    "content_by_lua",
    "content_by_lua_block",
    "content_by_lua_file",
    "js_content",
    "perl",
    "passenger_enabled",
    "api",
    "status",
    "push_stream_publisher",
    "push_stream_subscriber",
    "push_stream_websocket",
    "nchan_publisher",
    "nchan_subscriber",
    "nchan_pubsub",
    "rtmp_stat",
    "rtmp_control",
    "upload_pass",
    "drizzle_pass",
    "postgres_pass",
    "redis_pass",
    "redis2_pass",
    "vod",
    "hls",
    "echo_exec",
];

/// Directives that answer GET and HEAD, and every other method with 405 (measured with nginx 1.22).
const READ_ONLY: &[&str] = &["stub_status", "empty_gif"];

/// Directives that answer every method alike (echo-nginx-module 0.63; measured).
const ECHOES: &[&str] = &["echo", "echo_duplicate", "echo_location", "echo_subrequest", "echo_request_body"];

/// Directives of the phases before the content whose code may answer by itself.
const SCRIPTS: &[&str] = &[
    "rewrite_by_lua",
    "rewrite_by_lua_block",
    "rewrite_by_lua_file",
    "access_by_lua",
    "access_by_lua_block",
    "access_by_lua_file",
    "js_access",
];

/// Where an answer comes from, which decides whether an `error_page` takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// nginx itself: any `error_page` counts.
    Itself,
    /// The text of a `return`: none counts.
    Final,
    /// A server behind: one counts where errors are intercepted.
    Behind { intercepted: bool },
}

impl<'t> Compiler<'t> {
    /// What is checked before a location's own rewrite directives run.
    pub fn before_rewrite(&mut self, level: LevelId, state: &State) -> Vec<Node> {
        let mut nodes = Vec::new();
        let own = self.levels.get(level);
        if let Some(internal) = own.own("internal").filter(|_| !state.internal && !state.renamed) {
            let span = internal.span;
            nodes.push(self.respond(level, state, StepKind::Route, Status::Code(404), span, Origin::Itself));
            return nodes;
        }
        if !state.internal {
            let limit = self.levels.find(level, "client_max_body_size");
            let size = limit.and_then(|limit| limit.arg(0)).map_or(Some(1 << 20), size_of);
            if let Some(size) = size.filter(|size| *size > 0) {
                let span = limit.map_or(self.levels.get(level).span, |limit| limit.span);
                let node = self.respond(level, state, StepKind::BodyParser, Status::Code(413), span, Origin::Itself);
                nodes.push(guarded(Guard::BodyOver(size), vec![node], span));
            }
        }
        nodes
    }

    /// `limit_except`: its block takes the other methods, before the rewrite directives.
    pub fn excepted(&mut self, level: LevelId, state: &State) -> Option<Node> {
        let directive = self.levels.get(level).own("limit_except")?;
        let inner = self.levels.of_block(directive)?;
        let mut methods: Vec<String> = directive.args.iter().map(|word| word.text.to_ascii_uppercase()).collect();
        if methods.iter().any(|method| method == "GET") {
            methods.push("HEAD".to_owned());
        }
        let span = directive.span;
        let named = methods.into_iter().map(|method| passes(&state.method, &StringTest::Equals(method), span));
        let when = Guard::not(Guard::any(named)).and(presence(directive));
        let nodes = self.after_rewrite(inner, state);
        Some(guarded(when, nodes, span))
    }

    /// What a level does with a request that its rewrite directives let through.
    pub fn after_rewrite(&mut self, level: LevelId, state: &State) -> Vec<Node> {
        let mut nodes = self.scripts(level, state);
        nodes.extend(self.access(level, state));
        let tries = self.levels.get(level).own("try_files").filter(|directive| directive.args.len() > 1);
        match tries {
            Some(directive) => nodes.extend(self.try_files(level, state, directive)),
            None => {
                if self.handler(level).is_none() {
                    nodes.extend(self.index(level, state));
                }
                nodes.push(self.content(level, state));
            }
        }
        nodes
    }

    /// `index`: a folder's index file is looked up like a request for it, where another location may take that
    /// (`ngx_http_index_module.c`).
    fn index(&mut self, level: LevelId, state: &State) -> Option<Node> {
        let directive = self.levels.find(level, "index");
        let name = directive.map_or("index.html", |directive| directive.arg(0).unwrap_or("index.html"));
        if name.contains('$') || name.starts_with('/') || state.redirects > 2 {
            return None;
        }
        let server = self.servers[state.server].level;
        let home = self.levels.home(level);
        let key = (server, name.to_owned());
        if !self.taking_index.contains_key(&key) {
            let taking = self.taking_index(server, name);
            self.taking_index.insert(key.clone(), taking);
        }
        let other = self.taking_index.get(&key).is_some_and(|taking| taking.iter().any(|level| *level != home));
        if !other {
            return None;
        }
        let span = directive.map_or(self.levels.get(level).span, |directive| directive.span);
        let reads = ["GET", "HEAD", "POST"].map(|one| passes(&state.method, &StringTest::Equals(one.to_owned()), span));
        let folder = passes(&state.uri, &StringTest::EndsWith("/".to_owned()), span);
        let lacks = Guard::Unknown(Reason::new("whether the folder lacks an index file", span));
        let when = folder.and(Guard::any(reads)).and(Guard::not(lacks));
        if when == Guard::Never {
            return None;
        }
        let mut inside = state.clone();
        inside.internal = true;
        inside.rewritten = true;
        inside.redirects += 1;
        inside.uri = super::texts::concat(vec![state.uri.clone(), Text::literal(name)]);
        let nodes = self.serve(server, inside);
        Some(guarded(when, nodes, span))
    }

    /// The locations of a server block that take the index file of some folder by its name.
    fn taking_index(&self, server: LevelId, name: &str) -> Vec<LevelId> {
        let takes = |matcher: &Matcher| match matcher {
            Matcher::Exact(text) => text.rsplit('/').next() == Some(name),
            Matcher::Regex { text, ignore_case } => self.patterns.read(text, *ignore_case).is_ok_and(|pattern| {
                [format!("/{name}"), format!("/a/{name}")].iter().any(|path| pattern.matches(path) != Some(false))
            }),
            _ => false,
        };
        let mut open = vec![server];
        let mut taking = Vec::new();
        while let Some(level) = open.pop() {
            for location in &self.levels.get(level).locations {
                if takes(&location.matcher) {
                    taking.push(location.level);
                }
                open.push(location.level);
            }
        }
        taking
    }

    /// Files that may be there, then what is done if none is.
    fn try_files(&mut self, level: LevelId, state: &State, directive: &'t Directive) -> Vec<Node> {
        let span = directive.span;
        let found = Guard::Unknown(Reason::new("whether the path is that of a file", span));
        let file = self.content_of_file(level, state);
        let mut nodes = vec![guarded(found, vec![file], span)];
        let Some(last) = directive.args.last() else { return nodes };
        if let Some(code) = last.text.strip_prefix('=').and_then(|code| code.parse::<u16>().ok()) {
            nodes.push(self.respond(level, state, StepKind::Static, Status::Code(code), span, Origin::Itself));
            return nodes;
        }
        nodes.extend(self.internally(level, state, last, span));
        nodes
    }

    /// The content where a file is known to be there.
    fn content_of_file(&mut self, level: LevelId, state: &State) -> Node {
        match self.handler(level) {
            Some(_) => self.content(level, state),
            None => self.file(level, state, true),
        }
    }

    /// Goes on with another URI or a named location.
    fn internally(&mut self, level: LevelId, state: &State, target: &Word, span: Span) -> Vec<Node> {
        let server = self.servers[state.server].level;
        let mut state = state.clone();
        // A page for an error of its own, over and over.
        if state.redirects >= MOST_REDIRECTS {
            return vec![self.too_many_redirects(&state)];
        }
        state.internal = true;
        state.redirects += 1;
        if target.text.starts_with('@') && !target.templated {
            return match self.named_location(server, &target.text) {
                Some(named) => self.enter(named, state),
                None => vec![self.respond(level, &state, StepKind::Route, Status::Code(500), span, Origin::Itself)],
            };
        }
        let (text, _) = self.text(&state, target);
        state.uri = super::rewrite::without_query(text);
        state.rewritten = true;
        self.serve(server, state)
    }

    /// Code that runs before the content: it may let the request pass, or answer by itself.
    fn scripts(&mut self, level: LevelId, state: &State) -> Vec<Node> {
        let mut nodes = Vec::new();
        let scripts: Vec<&Directive> = SCRIPTS.iter().filter_map(|name| self.levels.find(level, name)).collect();
        for script in scripts {
            let span = script.span;
            let name = &script.name.text;
            // What refuses some requests lets the others pass. What is done with OPTIONS is the code's to say.
            let refuses = Guard::Unknown(Reason::new(format!("whether the code of {name} answers"), span));
            let preflight =
                Guard::Unknown(Reason::new(format!("the code of {name} may answer OPTIONS by itself"), span));
            let options = passes(&state.method, &StringTest::Equals("OPTIONS".to_owned()), span);
            let may = options.clone().and(preflight).or(Guard::not(options).and(refuses));
            let node = self.unread(level, state, script);
            nodes.push(guarded(may.and(presence(script)), vec![node], span));
        }
        nodes
    }

    /// An answer of code that is not read.
    fn unread(&mut self, level: LevelId, state: &State, directive: &Directive) -> Node {
        let span = directive.span;
        let reason = Reason::new(format!("{} answers", directive.name.text), span);
        let nodes = vec![unknown_answer(StepKind::Route, &self.levels.get(level).label, reason, span)];
        self.answering(level, state, nodes, Origin::Itself)
    }

    /// The directive that hands on, or answers in a way of its own. `if` and `limit_except` have that of their location.
    fn handler(&self, level: LevelId) -> Option<&'t Directive> {
        let others = || [OPAQUE, READ_ONLY, ECHOES].concat();
        let names = || PASSES.iter().map(|(name, _)| *name).chain(others());
        let own = |level: LevelId| names().find_map(|name| self.levels.get(level).own(name));
        own(level).or_else(|| match self.levels.get(level).kind {
            LevelKind::If | LevelKind::LimitExcept => own(self.levels.home(level)),
            _ => None,
        })
    }

    fn content(&mut self, level: LevelId, state: &State) -> Node {
        let Some(handler) = self.handler(level) else { return self.file(level, state, false) };
        let family = PASSES.iter().find(|(name, _)| handler.is(name)).map(|(_, family)| *family);
        let span = handler.span;
        let is = |method: &str| passes(&state.method, &StringTest::Equals(method.to_owned()), span);
        let reads = Guard::any([is("GET"), is("HEAD")]);
        match family {
            // It knows no other methods (`ngx_http_memcached_module.c`).
            Some("memcached") => {
                let refused = self.respond(level, state, StepKind::Static, Status::Code(405), span, Origin::Itself);
                let passed = self.pass(level, state, handler, "memcached");
                guarded(Guard::Always, vec![guarded(Guard::not(reads), vec![refused], span), passed], span)
            }
            Some(family) => self.pass(level, state, handler, family),
            None if READ_ONLY.iter().any(|name| handler.is(name)) => {
                let refused = self.respond(level, state, StepKind::Static, Status::Code(405), span, Origin::Itself);
                let code = state.status.unwrap_or(200);
                let answered = self.respond(level, state, StepKind::Static, Status::Code(code), span, Origin::Itself);
                guarded(Guard::Always, vec![guarded(Guard::not(reads), vec![refused], span), answered], span)
            }
            None if ECHOES.iter().any(|name| handler.is(name)) => {
                let code = self.levels.get(level).own("echo_status").and_then(|status| status.arg(0)?.parse().ok());
                let code = code.or(state.status).unwrap_or(200);
                self.respond(level, state, StepKind::Route, Status::Code(code), span, Origin::Final)
            }
            None => self.unread(level, state, handler),
        }
    }

    /// Files (`ngx_http_static_module.c`, `ngx_http_index_module.c`).
    fn file(&mut self, level: LevelId, state: &State, exists: bool) -> Node {
        let span = self.levels.get(level).span;
        let at = |name: &str| self.levels.find(level, name).map_or(span, |directive| directive.span);
        let root = at("root");
        let is = |method: &str| passes(&state.method, &StringTest::Equals(method.to_owned()), root);
        let answer =
            |when: Guard, code: u16| Effect { when, kind: EffectKind::Respond(Some(Status::Code(code))), span: root };
        let reads = Guard::any([is("GET"), is("HEAD"), is("POST")]);
        let folder = passes(&state.uri, &StringTest::EndsWith("/".to_owned()), root);
        let there = if exists {
            Guard::Always
        } else {
            Guard::not(Guard::Unknown(Reason::new("whether the file is missing", root)))
        };
        // What a configuration itself leads to is a file, where it has a file's name.
        let last = state.uri.as_literal().and_then(|uri| uri.rsplit('/').next()).unwrap_or_default();
        let is_folder = match last.contains('.') {
            true => Guard::Never,
            false => Guard::Unknown(Reason::new("whether the path is that of a folder", root)),
        };
        let mut effects = self.dav(level, state);
        effects.extend([
            answer(Guard::not(reads), 405),
            answer(Guard::not(there), 404),
            answer(Guard::not(folder.clone()).and(is_folder), 301),
            answer(is("POST").and(Guard::not(folder.clone())), 405),
        ]);
        let listing = Guard::Unknown(Reason::new("whether the folder lacks an index file", root));
        if !self.levels.is_on(level, "autoindex") {
            effects.push(answer(folder.and(listing), 403));
        }
        effects.push(answer(Guard::Always, state.status.unwrap_or(200)));
        let label = format!("the files of {}", self.levels.get(self.levels.home(level)).label);
        let nodes = vec![Node::Step(step(StepKind::Static, label, root, effects))];
        self.answering(level, state, nodes, Origin::Itself)
    }

    /// `dav_methods` and `dav_ext_methods`: what is written may be written or not; OPTIONS is answered by the latter
    /// alone (measured with nginx 1.22).
    fn dav(&self, level: LevelId, state: &State) -> Vec<Effect> {
        let mut effects = Vec::new();
        for directive in ["dav_methods", "dav_ext_methods"].iter().filter_map(|name| self.levels.find(level, name)) {
            for method in directive.args.iter().filter(|word| word.text != "off") {
                let span = method.span;
                let status = match method.text.to_ascii_uppercase().as_str() {
                    "OPTIONS" => Status::Code(200),
                    _ => Status::Unknown(Reason::new("whether what is written can be written", span)),
                };
                let when = passes(&state.method, &StringTest::Equals(method.text.to_ascii_uppercase()), span);
                let kind = EffectKind::Respond(Some(status));
                effects.push(Effect { when: when.and(presence(directive)), kind, span });
            }
        }
        effects
    }

    /// `proxy_pass` and its kin.
    fn pass(&mut self, level: LevelId, state: &State, handler: &'t Directive, family: &str) -> Node {
        let span = handler.span;
        let (to, _) = handler.args.first().map_or((Text::literal(""), Vec::new()), |word| self.text(state, word));
        let mut forward = Forward::new(to);
        forward.path = self.path_behind(level, state, handler);
        let method = self.levels.find(level, &format!("{family}_method")).and_then(|directive| directive.args.first());
        if let Some(method) = method {
            forward.method = Some(self.text(state, method).0);
        } else if state.method != Text::Request(crate::model::Part::Method) {
            forward.method = Some(state.method.clone());
        }
        let passes = self.levels.value(level, &format!("{family}_pass_request_headers"));
        forward.bare = passes.is_some_and(|passes| passes.eq_ignore_ascii_case("off"));
        let ignored = self.levels.list(level, &[&format!("{family}_ignore_headers")]);
        let redirects = |word: &Word| word.text.eq_ignore_ascii_case("X-Accel-Redirect");
        forward.asks_for_another = match ignored.iter().any(|directive| directive.args.iter().any(redirects)) {
            true => None,
            false => Some("x-accel-redirect".into()),
        };
        forward.request = self.request_headers(level, state, family, &forward.to, span);
        forward.to = self.behind_upstream(forward.to);
        let (hide, pass) = (format!("{family}_hide_header"), format!("{family}_pass_header"));
        let passed: Vec<&str> =
            self.levels.list(level, &[&pass]).iter().filter_map(|directive| directive.arg(0)).collect();
        for directive in self.levels.list(level, &[&hide]) {
            let Some(name) = directive.arg(0) else { continue };
            if !passed.iter().any(|passed| passed.eq_ignore_ascii_case(name)) {
                forward.hides.push((name.to_ascii_lowercase().into(), directive.span));
            }
        }
        let cache = self.levels.value(level, &format!("{family}_cache"));
        forward.cached = cache.is_some_and(|zone| zone != "off");
        let intercepted = self.levels.is_on(level, &format!("{family}_intercept_errors"));
        let effects = vec![Effect { when: Guard::Always, kind: EffectKind::Forward(forward), span }];
        let label = self.levels.get(self.levels.home(level)).label.clone();
        let nodes = vec![Node::Step(step(StepKind::Proxy, label, span, effects))];
        self.answering(level, state, nodes, Origin::Behind { intercepted })
    }

    /// The address with the name of an `upstream` replaced by that of its servers.
    fn behind_upstream(&self, to: Text) -> Text {
        let (address, rest) = match &to {
            Text::Literal(address) => (&**address, &[][..]),
            // The host may be known where the path is not.
            Text::Concat(parts) => match parts.split_first() {
                Some((Text::Literal(address), rest)) => (&**address, rest),
                _ => return to,
            },
            _ => return to,
        };
        let (scheme, path) = address.split_once("://").unwrap_or(("", address));
        let (host, path) = path.find('/').map_or((path, ""), |slash| path.split_at(slash));
        let Some(servers) = self.definitions.upstreams.get(host) else { return to };
        if servers.len() > MOST_SERVERS {
            return Text::Unknown(Reason::new("the upstream has many servers", servers[0].span));
        }
        let whole = |server: &Word| {
            let first = match server.text.as_str() {
                // A path is cut off, as a socket of the file system has slashes of its own.
                server if server.starts_with("unix:") => format!("{scheme}://{server}"),
                server if scheme.is_empty() => server.to_owned(),
                server => format!("{scheme}://{server}{path}"),
            };
            Text::concat(std::iter::once(Text::literal(first)).chain(rest.iter().cloned()).collect())
        };
        let mut servers = servers.iter().rev();
        let last = servers.next().map_or(to.clone(), |server| whole(server));
        servers.fold(last, |others, server| {
            let asked = Guard::Unknown(Reason::new("which server of the upstream is asked", server.span));
            Text::choose(asked, whole(server), others)
        })
    }

    /// The path that the server behind sees, where it is not the one that came.
    fn path_behind(&mut self, level: LevelId, state: &State, handler: &Directive) -> Option<Text> {
        let rewritten = || state.rewritten.then(|| state.uri.clone());
        if !handler.is("proxy_pass") {
            return rewritten();
        }
        let word = handler.args.first()?;
        let address = word.text.split_once("://").map_or(word.text.as_str(), |(_, rest)| rest);
        // The path behind a socket of the file system begins with a colon.
        let path = match address.strip_prefix("unix:") {
            Some(socket) => socket.split_once(':').map(|(_, path)| path).filter(|path| !path.is_empty()),
            None => address.find('/').map(|slash| &address[slash..]),
        };
        let Some(path) = path else { return rewritten() };
        if word.text.contains('$') {
            // With variables the address is used as it comes out.
            let path = Word { text: path.to_owned(), ..word.clone() };
            return Some(self.text(state, &path).0);
        }
        if state.rewritten {
            return rewritten();
        }
        let home = self.levels.home(level);
        match &self.levels.location(home)?.matcher {
            Matcher::Exact(_) => Some(Text::literal(path)),
            Matcher::Prefix { text, .. } => {
                let mut pattern = String::from("(?s)^");
                pattern.push_str(&regex_syntax::escape(text));
                pattern.push_str("(.*)$");
                let capture = crate::model::Capture {
                    subject: state.uri.clone(),
                    pattern: self.patterns.capturing(&pattern, false),
                    group: 1,
                };
                Some(Text::concat(vec![Text::literal(path), Text::Capture(std::sync::Arc::new(capture))]))
            }
            _ => rewritten(),
        }
    }

    /// What is done to the headers of the request on its way in.
    fn request_headers(&mut self, level: LevelId, state: &State, family: &str, to: &Text, span: Span) -> Vec<Effect> {
        let directive = match family {
            "proxy" | "grpc" => format!("{family}_set_header"),
            _ => format!("{family}_param"),
        };
        let mut effects = self.rewritten_headers(level, state);
        for directive in self.levels.list(level, &[&directive]) {
            let (Some(name), Some(value)) = (directive.arg(0), directive.args.get(1)) else { continue };
            let name = match family {
                "proxy" | "grpc" => name.to_owned(),
                _ => match name.strip_prefix("HTTP_") {
                    Some(name) => name.replace('_', "-"),
                    None => continue,
                },
            };
            let (text, hops) = self.text(state, value);
            let text = self.as_rewritten(level, text);
            effects.extend(set_or_removed(&name, text, hops, presence(directive), directive.span, value.span));
        }
        effects.retain(|effect| effect.when != Guard::Never);
        let is_host = |effect: &Effect| matches!(&effect.kind, EffectKind::Write(write) if write.is("host"));
        if matches!(family, "proxy" | "grpc") && !effects.iter().any(is_host) {
            // `proxy_set_header Host $proxy_host` is built in.
            let host = to.as_literal().and_then(|to| to.split_once("://")).map(|(_, rest)| rest);
            let value = match host.and_then(|rest| rest.split('/').next()) {
                Some(host) => Text::literal(host),
                None => Text::Unknown(Reason::new("the server behind is not known", span)),
            };
            let write =
                HeaderWrite { name: "Host".into(), op: WriteOp::Set, values: vec![value], trail: Trail::default() };
            effects.push(Effect { when: Guard::Always, kind: EffectKind::Write(write), span });
        }
        effects
    }

    /// Steps whose answers get the headers of a level on their way out, unless an error page takes their place.
    pub fn answering(&mut self, level: LevelId, state: &State, nodes: Vec<Node>, origin: Origin) -> Node {
        let mut group = Group::new(Dispatch::Plain, self.levels.get(level).span);
        group.nodes = nodes;
        group.outgoing = self.outgoing(level, state, matches!(origin, Origin::Behind { .. }));
        if origin != Origin::Final && !state.errored {
            group.instead = self.error_pages(level, state, origin);
        }
        Node::Group(group)
    }

    /// What takes the place of errors at a level.
    fn error_pages(&mut self, level: LevelId, state: &State, origin: Origin) -> Vec<Instead> {
        let recursive = self.levels.is_on(level, "recursive_error_pages");
        let mut pages = Vec::new();
        let mut taken: Vec<u16> = Vec::new();
        for directive in self.levels.list(level, &["error_page"]) {
            let Some((target, rest)) = directive.args.split_last() else { continue };
            let mut codes = Vec::new();
            // Without `=` the status of the error stays.
            let mut replaced: Option<Option<u16>> = None;
            for word in rest {
                match word.text.strip_prefix('=') {
                    Some("") => replaced = Some(None),
                    Some(code) => replaced = code.parse().ok().map(Some),
                    None => codes.extend(word.text.parse::<u16>()),
                }
            }
            codes.retain(|code| !taken.contains(code));
            taken.extend(&codes);
            let span = directive.span;
            // An answer that keeps its status has a page for each of them.
            let groups: Vec<(Vec<u16>, Option<u16>)> = match replaced {
                Some(status) => vec![(codes, status)],
                None => codes.into_iter().map(|code| (vec![code], Some(code))).collect(),
            };
            for (codes, status) in groups {
                if codes.is_empty() {
                    continue;
                }
                let mut at = state.clone();
                at.status = status;
                at.errored = !recursive;
                let mut group = Group::new(Dispatch::Plain, span);
                group.when = presence(directive);
                group.nodes = match self.may_look_at(AGAIN) {
                    true => self.error_page(level, at, target, span),
                    false => vec![self.lost_track(span)],
                };
                let forwarded = matches!(origin, Origin::Behind { intercepted: true });
                pages.push(Instead { statuses: Statuses::new(codes), forwarded, group, span });
            }
        }
        pages
    }

    fn error_page(&mut self, level: LevelId, mut state: State, target: &Word, span: Span) -> Vec<Node> {
        if target.text.starts_with('@') || target.templated {
            return self.internally(level, &state, target, span);
        }
        if ["http://", "https://"].iter().any(|start| target.text.starts_with(start)) {
            let code = state.status.filter(|code| matches!(code, 301 | 302 | 303 | 307 | 308)).unwrap_or(302);
            let (to, _) = self.text(&state, target);
            return vec![self.redirect(level, &state, code, to, span)];
        }
        let head = passes(&state.method, &StringTest::Equals("HEAD".to_owned()), span);
        state.method = Text::choose(head, Text::literal("HEAD"), Text::literal("GET"));
        self.internally(level, &state, target, span)
    }
}

/// The writes of a header of the request that an empty value removes.
pub(super) fn set_or_removed(
    name: &str,
    text: Text,
    mut hops: Vec<Hop>,
    when: Guard,
    span: Span,
    place: Span,
) -> [Effect; 2] {
    hops.push((span, "".into()));
    let write = |op: WriteOp, values: Vec<Text>| {
        EffectKind::Write(HeaderWrite { name: name.into(), op, values, trail: Trail(hops.clone()) })
    };
    let set = is_set(&text, place);
    [
        Effect { when: when.clone().and(Guard::not(set.clone())), kind: write(WriteOp::Remove, Vec::new()), span },
        Effect { when: when.and(set), kind: write(WriteOp::Set, vec![text]), span },
    ]
}

/// Nodes that are there under a condition.
pub(super) fn guarded(when: Guard, nodes: Vec<Node>, span: Span) -> Node {
    let mut group = Group::new(Dispatch::Plain, span);
    group.when = when;
    group.nodes = nodes;
    Node::Group(group)
}

/// A size as nginx reads it, in bytes.
fn size_of(text: &str) -> Option<u64> {
    let (digits, factor) = match text.as_bytes().last()?.to_ascii_lowercase() {
        b'k' => (&text[..text.len() - 1], 1 << 10),
        b'm' => (&text[..text.len() - 1], 1 << 20),
        b'g' => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}
