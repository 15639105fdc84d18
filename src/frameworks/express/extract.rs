//! From applications, routers and handlers to servers.

use std::sync::Arc;

use super::paths::{Reach, Routing, path};
use super::{APP, INCOMPLETE, ROUTER, SERVER, cors, major_of, packages};
use crate::eval::{Call, Evaluator, Kind, ModuleId, Native, ObjectId, Tag, Value, takes_request};
use crate::frameworks::common::node::{self, Exchange};
use crate::model::{
    Dispatch, Effect, EffectKind, End, Forward, Group, Guard, Listen, Node, PathMatch, Reason, Remark, RemarkKind,
    Server, Status, Step, StepKind, Text, each_effect,
};
use crate::source::Span;
use crate::syntax::program::{Language, ParameterKind, Pattern};

/// Methods by which Express registers routes.
const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "options", "head", "query", "propfind", "search"];

/// How many applications and routers of one run are read.
const MOST_APPLICATIONS: usize = 1_000;

/// The servers of every JavaScript file that was run.
pub fn extract(eval: &mut Evaluator) -> Vec<Server> {
    let extra = run_what_nobody_ran(eval);
    let mut servers = plain_servers(eval);
    let mounted = mounted(eval);
    let apps: Vec<(ObjectId, &'static str)> = eval
        .objects()
        .filter_map(|(id, object)| match object.tag {
            Tag::Host(tag @ (APP | ROUTER)) if !mounted.contains(&id) && !object.calls.is_empty() => Some((id, tag)),
            _ => None,
        })
        // Each looks at all objects: hostile programs make more than anybody could.
        .take(MOST_APPLICATIONS)
        .collect();
    for (id, tag) in apps {
        servers.push(application(eval, id, tag == APP));
    }
    servers.extend(extra);
    dead_policies(eval, &mut servers);
    servers
}

/// Reads one application or router at a time.
struct Reader<'e, 'a> {
    eval: &'e mut Evaluator<'a>,
    major: u32,
    startup_error: Option<(String, Span)>,
    listens: Vec<Listen>,
    open: Vec<ObjectId>,
    routing: Routing,
    /// Whether Express says its name, which it does unless told not to.
    powered: bool,
    /// What `param` registered: name, handler, place.
    parameters: Vec<(String, Value, Span)>,
}

fn application(eval: &mut Evaluator, id: ObjectId, is_app: bool) -> Server {
    let span = eval.object(id).span;
    let incomplete = eval.field(id, INCOMPLETE).is_some();
    let version = eval.package_version_at("express", span);
    let major = version.as_deref().and_then(major_of).unwrap_or(5);
    let listens = listens(eval, id);
    let mut reader = Reader {
        eval,
        major,
        startup_error: None,
        listens,
        open: Vec::new(),
        routing: Routing::default(),
        powered: true,
        parameters: Vec::new(),
    };
    let root = reader.group(id, PathMatch::Any, Guard::Always, span);
    let runtime = match &version {
        Some(version) => format!("express {version}"),
        None => "express 5 (assumed: no package.json names a version)".to_owned(),
    };
    let (startup_error, listens) = (reader.startup_error, reader.listens);
    let mut server = Server {
        framework: "express",
        runtime,
        span,
        complete: is_app && !incomplete,
        root,
        outgoing: Vec::new(),
        listens,
        startup_error,
        remarks: Vec::new(),
        files: Vec::new(),
    };
    server.files = files(&server);
    server
}

/// The files in which a server's steps stand.
fn files(server: &Server) -> Vec<crate::source::FileId> {
    let mut files = vec![server.span.file];
    each_effect(server, &mut |step, effect| {
        files.push(step.span.file);
        files.push(effect.span.file);
    });
    files.sort_unstable();
    files.dedup();
    files
}

impl Reader<'_, '_> {
    fn group(&mut self, id: ObjectId, mount: PathMatch, when: Guard, span: Span) -> Group {
        let mut nodes = Vec::new();
        let mut outgoing = Vec::new();
        if !self.open.contains(&id) && self.open.len() < 32 {
            self.open.push(id);
            let outer = self.routing;
            let parameters = std::mem::take(&mut self.parameters);
            self.options_of_router(id);
            let calls = self.eval.object(id).calls.clone();
            for call in &calls {
                self.registration(call, &mut nodes);
                outgoing.extend(self.compression(call));
            }
            self.routing = outer;
            self.parameters = parameters;
            self.open.pop();
        }
        Group { mount, when, nodes, outgoing, ..Group::new(Dispatch::InOrder, span) }
    }

    /// `express.Router({ caseSensitive: true, strict: true })`.
    fn options_of_router(&mut self, id: ObjectId) {
        let Some(options) = self.eval.field(id, "(options)").map(|field| field.value.clone()) else { return };
        let span = options.span;
        let mut is_set = |name: &str| self.eval.get(&options, name, span).truthy() == Guard::Always;
        self.routing = Routing { sensitive: is_set("caseSensitive"), strict: is_set("strict") };
    }

    /// `app.set('case sensitive routing', true)`.
    fn setting(&mut self, call: &Call) {
        let on = match (&*call.name, call.arguments.get(1)) {
            ("enable", _) => true,
            ("disable", _) => false,
            (_, value) => value.is_some_and(|value| value.truthy() == Guard::Always),
        };
        match call.arguments.get(0).and_then(Value::as_str) {
            Some("case sensitive routing") => self.routing.sensitive = on,
            Some("strict routing") => self.routing.strict = on,
            Some("x-powered-by") => self.powered = on,
            _ => {}
        }
    }

    /// `compression()` adds `Accept-Encoding` to `Vary` when the headers go out, where the body is of a kind that is
    /// worth it (`compression` 1.8.2, `index.js`).
    fn compression(&mut self, call: &Call) -> Option<Step> {
        let middleware = call.arguments.positional.iter().find(|value| {
            self.eval.host_tag(value) == Some(packages::PLAIN)
                && value
                    .as_object()
                    .and_then(|id| self.eval.field(id, packages::NAME))
                    .and_then(|field| field.value.as_str())
                    == Some("compression")
        })?;
        let span = middleware.span;
        let reason = Reason::new("whether the answer is worth compressing", span);
        let write = crate::model::HeaderWrite {
            name: "Vary".into(),
            op: crate::model::WriteOp::AppendMembers,
            values: vec![Text::literal("Accept-Encoding")],
            trail: middleware.trail(),
        };
        Some(Step {
            kind: StepKind::Middleware,
            path: PathMatch::Any,
            methods: None,
            when: call.when.clone(),
            effects: vec![Effect { when: Guard::Unknown(reason), kind: EffectKind::Write(write), span }],
            end: End::Continue,
            span: call.span,
            label: "compression()".into(),
        })
    }

    fn registration(&mut self, call: &Call, nodes: &mut Vec<Node>) {
        let name: &str = &call.name;
        match name {
            "use" => {
                let (pattern, handlers) = self.path_and_handlers(call, Reach::Prefix);
                for handler in handlers {
                    self.handler(&handler, &pattern, None, call, "use", nodes);
                }
            }
            "route" => {
                let Some(pattern) = call.arguments.get(0) else { return };
                let pattern = self.path(&pattern.clone(), Reach::Whole);
                let Some(route) = call.arguments.positional.last().and_then(Value::as_object) else { return };
                let calls = self.eval.object(route).calls.clone();
                let mut steps = Vec::new();
                for inner in &calls {
                    let handlers = flatten(self.eval, &inner.arguments.positional);
                    self.route(inner, &pattern, &handlers, call.when.clone(), &mut steps);
                }
                // A route with `all` handles OPTIONS, so the router does not answer it for the others.
                if calls.iter().any(|inner| &*inner.name == "all") {
                    nodes.push(Node::Group(Group { nodes: steps, ..Group::new(Dispatch::Plain, call.span) }));
                } else {
                    nodes.extend(steps);
                }
            }
            "all" => {
                let (pattern, handlers) = self.path_and_handlers(call, Reach::Whole);
                self.route(call, &pattern, &handlers, Guard::Always, nodes);
            }
            "set" | "enable" | "disable" => self.setting(call),
            "param" => {
                if let (Some(name), Some(handler)) =
                    (call.arguments.get(0).and_then(Value::as_str), call.arguments.get(1))
                {
                    self.parameters.push((name.to_owned(), handler.clone(), call.span));
                }
            }
            method if METHODS.contains(&method) => {
                let (pattern, handlers) = self.path_and_handlers(call, Reach::Whole);
                self.route(call, &pattern, &handlers, Guard::Always, nodes);
            }
            _ => {}
        }
    }

    fn route(&mut self, call: &Call, pattern: &PathMatch, handlers: &[Value], when: Guard, nodes: &mut Vec<Node>) {
        let method: &str = &call.name;
        if method != "all" && !METHODS.contains(&method) {
            return;
        }
        let methods = (method != "all").then(|| vec![Arc::from(method.to_ascii_uppercase())]);
        let before = nodes.len();
        for (name, handler, span) in self.parameters.clone() {
            if pattern.text().contains(&format!(":{name}")) {
                let asked = Call { span, name_span: span, ..call.clone() };
                self.handler(&handler, pattern, methods.clone(), &asked, "parameter", nodes);
            }
        }
        for (at, handler) in handlers.iter().enumerate() {
            let last = at + 1 == handlers.len();
            let how = if last { "route" } else { "before-route" };
            self.handler(handler, pattern, methods.clone(), call, how, nodes);
        }
        if when != Guard::Always {
            for node in &mut nodes[before..] {
                if let Node::Step(step) = node {
                    step.when = step.when.clone().and(when.clone());
                }
            }
        }
    }

    fn path(&mut self, value: &Value, reach: Reach) -> PathMatch {
        match path(self.eval, value, reach, self.major, self.routing) {
            Ok(pattern) => pattern,
            Err(error) => {
                self.startup_error.get_or_insert((format!("TypeError: {error}"), value.span));
                PathMatch::Nothing
            }
        }
    }

    /// The first argument where it is a path, and the handlers behind it.
    fn path_and_handlers(&mut self, call: &Call, reach: Reach) -> (PathMatch, Vec<Value>) {
        let arguments = &call.arguments.positional;
        let is_path = arguments.first().is_some_and(|first| self.is_path(first, arguments.len(), reach));
        if is_path {
            let first = arguments[0].clone();
            (self.path(&first, reach), flatten(self.eval, &arguments[1..]))
        } else {
            (PathMatch::Any, flatten(self.eval, arguments))
        }
    }

    fn is_path(&self, value: &Value, count: usize, reach: Reach) -> bool {
        match &value.kind {
            Kind::Str(_) | Kind::Regex(_) | Kind::Text(_) => true,
            Kind::Object(id) => {
                let object = self.eval.object(*id);
                object.tag == Tag::Array
                    && object.items.first().is_some_and(|item| matches!(item.kind, Kind::Str(_) | Kind::Regex(_)))
            }
            Kind::Choose(choice) => self.is_path(&choice.1, count, reach) && self.is_path(&choice.2, count, reach),
            Kind::Unknown(_) => reach == Reach::Whole || count > 1,
            _ => false,
        }
    }

    fn handler(
        &mut self,
        handler: &Value,
        pattern: &PathMatch,
        methods: Option<Vec<Arc<str>>>,
        call: &Call,
        how: &str,
        nodes: &mut Vec<Node>,
    ) {
        for (when, value) in handler.branches() {
            let when = call.when.clone().and(when);
            let tag = self.eval.host_tag(&value);
            if let (Some(APP | ROUTER), Some(id)) = (tag, value.as_object()) {
                nodes.push(Node::Group(self.group(id, pattern.clone(), when, call.span)));
                continue;
            }
            let label = match (&methods, how) {
                (Some(methods), _) => format!("{} {}", methods.join(", "), pattern.text()),
                (None, "use") => {
                    format!("{}({})", call.name, if *pattern == PathMatch::Any { "…" } else { pattern.text() })
                }
                (None, _) => format!("{} {}", call.name, pattern.text()),
            };
            if let Some(step) = self.step(&value, tag, pattern, methods.clone(), when, call, how, label) {
                nodes.push(Node::Step(step));
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one registration")]
    fn step(
        &mut self,
        value: &Value,
        tag: Option<&'static str>,
        pattern: &PathMatch,
        methods: Option<Vec<Arc<str>>>,
        when: Guard,
        call: &Call,
        how: &str,
        label: String,
    ) -> Option<Step> {
        let is_route = how != "use";
        let mut step = Step {
            kind: if is_route { StepKind::Route } else { StepKind::Middleware },
            path: pattern.clone(),
            methods,
            when,
            effects: Vec::new(),
            end: End::Continue,
            span: call.span,
            label,
        };
        match (&value.kind, tag) {
            (Kind::Native(native), _) if native.name == cors::MIDDLEWARE => {
                step.kind = StepKind::Cors;
                step.label = "cors()".into();
                let (effects, escaped) = run_policy(self.eval, native, call.span);
                step.effects = effects;
                step.end = if escaped { End::Continue } else { End::Hang };
            }
            (Kind::Native(native), _) if native.name == cors::PACKAGE => {
                // `cors(req, res, next)` takes the request for options and gives middleware that nobody calls.
                step.kind = StepKind::Cors;
                step.label = "cors".into();
                step.end = End::Hang;
                let why = "`cors` itself is registered, not what `cors()` gives: it takes the request for its options and never goes on";
                let kind = RemarkKind::Dead {
                    why: why.into(),
                    help: "call it: `cors()`, with the options that you want".into(),
                    consequence: Some("every request hangs".into()),
                    severe: true,
                };
                step.effects.push(Effect { when: Guard::Always, kind: EffectKind::Notice(kind), span: call.span });
            }
            (Kind::Native(native), _) if native.name.starts_with("package.") => {
                // Middleware that is handed over uncalled.
            }
            (_, Some(tag)) => middleware(self.eval, tag, value, &mut step),
            (Kind::Function(closure), _) => {
                let parameters =
                    closure.function.parameters.iter().filter(|parameter| parameter.kind == ParameterKind::One).count();
                let handles_errors = parameters == 4 && how != "parameter";
                let (effects, end) = run_handler(self.eval, value, handles_errors, self.major, self.powered, call.span);
                step.effects = effects;
                step.end = end;
                step.kind = kind_of(&step, handles_errors, is_route);
            }
            (Kind::Unknown(reason), _) => {
                if how == "route" {
                    step.end = End::Respond(reason.clone());
                } else if looks_like_auth(self.eval, value.span) {
                    step.kind = StepKind::Auth;
                    let refuses = Guard::Unknown(Reason {
                        text: format!("whether it refuses the request: {}", reason.text).into(),
                        span: Some(value.span),
                    });
                    step.effects.push(Effect {
                        when: refuses,
                        kind: EffectKind::Respond(Some(Status::Code(401))),
                        span: value.span,
                    });
                }
            }
            _ => return None,
        }
        Some(step)
    }
}

/// Runs a policy of the `cors` package for its effects. Says too whether it went through code that cannot be read.
fn run_policy(eval: &mut Evaluator, native: &Native, span: Span) -> (Vec<Effect>, bool) {
    let exchange = Exchange::new(eval, span);
    let next = exchange.next;
    let before = std::mem::replace(&mut eval.escaped, false);
    let native = native.clone();
    let collected = eval.collected(
        |eval| {
            cors::run(eval, &native, &next, span);
            Value::undefined(span)
        },
        false,
    );
    let escaped = std::mem::replace(&mut eval.escaped, before);
    let mut effects = collected.effects;
    failures(eval, collected.thrown, &mut effects, span);
    (effects, escaped)
}

/// Runs a handler for its effects, and says how it ends when none of them ends it.
fn run_handler(
    eval: &mut Evaluator,
    function: &Value,
    handles_errors: bool,
    major: u32,
    powered: bool,
    span: Span,
) -> (Vec<Effect>, End) {
    let exchange = Exchange::new(eval, span);
    if let Some(id) = exchange.response.as_object().filter(|_| powered) {
        // Express sets X-Powered-By before anything else.
        eval.set_field(id, node::HEADERS_SET, Value::new(Kind::Bool(true), span), span);
    }
    let mut arguments = if handles_errors { exchange.with_error(eval, span) } else { exchange.arguments() };
    if !handles_errors {
        // What a handler of `param` is given.
        arguments.positional.push(Value::unknown("the parameter comes with the request", span));
    }
    let before = std::mem::take(&mut eval.escaped);
    let unfollowed = std::mem::take(&mut eval.unfollowed);
    let collected = eval.collect(function, &arguments, span);
    let escaped = std::mem::replace(&mut eval.escaped, before);
    let unfollowed = std::mem::replace(&mut eval.unfollowed, unfollowed);
    let mut effects = collected.effects;
    if collected.is_async && major < 5 {
        // An async handler's exception is nobody's in Express 4: since Node 15 it ends the process.
        for (when, value) in collected.thrown {
            effects.push(Effect { when, kind: EffectKind::Close, span: value.span });
        }
    } else {
        failures(eval, collected.thrown, &mut effects, span);
    }
    let reason = || Reason::new("how it answers is decided in code that is not followed", span);
    let ends = effects.iter().any(|effect| effect.kind.ends());
    let end = if escaped || (!ends && unfollowed) { End::Respond(reason()) } else { End::Hang };
    (effects, end)
}

/// Exceptions that a handler does not catch.
fn failures(eval: &mut Evaluator, thrown: Vec<(Guard, Value)>, effects: &mut Vec<Effect>, span: Span) {
    for (when, value) in thrown {
        let status = node::status_of_error(eval, &value);
        let _ = span;
        effects.push(Effect { when, kind: EffectKind::Fail(status), span: value.span });
    }
}

/// What a handler of the program is, by what it does.
fn kind_of(step: &Step, handles_errors: bool, is_route: bool) -> StepKind {
    if handles_errors {
        return StepKind::ErrorHandler;
    }
    let refuses = step.effects.iter().any(|effect| {
        matches!(
            effect.kind,
            EffectKind::Status(Status::Code(401 | 403))
                | EffectKind::Respond(Some(Status::Code(401 | 403)))
                | EffectKind::Fail(Status::Code(401 | 403))
        )
    });
    let goes_on = step.effects.iter().any(|effect| matches!(effect.kind, EffectKind::Next));
    match (refuses && goes_on, is_route) {
        (true, _) => StepKind::Auth,
        (false, true) => StepKind::Route,
        (false, false) => StepKind::Middleware,
    }
}

/// Middleware of packages.
fn middleware(eval: &mut Evaluator, tag: &'static str, value: &Value, step: &mut Step) {
    let effect = |when: Guard, kind: EffectKind| Effect { when, kind, span: value.span };
    let span = value.span;
    let header = |name: &str| Guard::HasHeader(Arc::from(name));
    match tag {
        packages::CREDENTIALS => {
            let kind = RemarkKind::ReadsCredentials("cookies".into());
            step.effects.push(effect(Guard::Always, EffectKind::Notice(kind)));
        }
        packages::BODY => {
            step.kind = StepKind::BodyParser;
            step.label = "the body parser".into();
            let is_json =
                Guard::test(Text::header("content-type"), crate::cors::StringTest::Contains("json".into()), span);
            // A request that names a kind has a body of it, unless it says that the body is empty.
            let empty = Guard::test(Text::header("content-length"), crate::cors::StringTest::Equals("0".into()), span);
            let reads = is_json.and(Guard::not(empty));
            let limit = value.as_object().and_then(|id| eval.field(id, "0")).map(|field| field.value.clone());
            let limit = limit.map_or(Some(102_400), |options| match eval.get(&options, "limit", span).kind {
                Kind::Number(bytes) => Some(bytes as u64),
                Kind::Undefined => Some(102_400),
                _ => None,
            });
            let too_large = match limit {
                Some(bytes) => Guard::BodyOver(bytes),
                None => Guard::Unknown(Reason::new("whether the body is too large", span)),
            };
            let fails = |code: u16| EffectKind::Fail(Status::Code(code));
            let charset = |name: &str| {
                Guard::test(
                    Text::LowerCase(Arc::new(Text::header("content-type"))),
                    crate::cors::StringTest::Contains(name.into()),
                    span,
                )
            };
            let other_charset =
                charset("charset=").and(Guard::not(charset("charset=utf-").or(charset("charset=\"utf-"))));
            step.effects.push(effect(reads.clone().and(other_charset), fails(415)));
            step.effects.push(effect(reads.clone().and(too_large), fails(413)));
            let broken = Guard::Unknown(Reason::new("whether the body is broken", span));
            step.effects.push(effect(reads.and(broken), fails(400)));
        }
        packages::LIMIT => {
            step.kind = StepKind::RateLimit;
            step.label = "the rate limit".into();
            let reached = Guard::Unknown(Reason::new("whether the limit of requests is reached", span));
            step.effects.push(effect(reached, EffectKind::Respond(Some(Status::Code(429)))));
        }
        packages::STATIC => {
            step.kind = StepKind::Static;
            step.label = "the static files".into();
            let reads = |method: &str| Guard::method(method, span);
            let exists = Guard::Unknown(Reason::new("whether the file is there", span));
            let status = Status::Unknown(Reason::new("how the file is served", span));
            let reading = reads("GET").or(reads("HEAD"));
            let options = value.as_object().and_then(|id| eval.field(id, "1")).map(|field| field.value.clone());
            let option =
                |eval: &mut Evaluator, name: &str| options.clone().map(|options| eval.get(&options, name, span));
            if let Some(function) = option(eval, "setHeaders").filter(|value| matches!(value.kind, Kind::Function(_))) {
                let exchange = Exchange::new(eval, span);
                let collected = eval.collect(&function, &crate::eval::Arguments::of(vec![exchange.response]), span);
                let when = reading.clone().and(exists.clone());
                let writes = collected.effects.into_iter().filter(|effect| matches!(effect.kind, EffectKind::Write(_)));
                step.effects.extend(writes.map(|effect| Effect { when: when.clone().and(effect.when), ..effect }));
            }
            step.effects.push(effect(reading.clone().and(exists), EffectKind::Respond(Some(status))));
            let falls = option(eval, "fallthrough").map_or(Guard::Always, |value| match value.kind {
                Kind::Undefined => Guard::Always,
                _ => value.truthy(),
            });
            if falls != Guard::Always {
                let stops = Guard::not(falls);
                let other = Guard::not(reading.clone()).and(stops.clone());
                step.effects.push(effect(other, EffectKind::Respond(Some(Status::Code(405)))));
                step.effects.push(effect(reading.and(stops), EffectKind::Fail(Status::Code(404))));
            }
        }
        packages::AUTH => {
            step.kind = StepKind::Auth;
            step.label = "the authentication".into();
            let kind = RemarkKind::ReadsCredentials("Authorization".into());
            step.effects.push(effect(Guard::Always, EffectKind::Notice(kind)));
            let strategy = value.as_object().and_then(|id| eval.field(id, "0")).map(|field| field.value.clone());
            let by_token = strategy
                .as_ref()
                .and_then(Value::as_str)
                .is_some_and(|name| matches!(name, "jwt" | "bearer" | "basic" | "headerapikey" | "digest"));
            let refused = Guard::not(header("authorization"));
            let doubtful = Guard::Unknown(Reason::new("whether the credentials are accepted", span));
            if by_token {
                let when = refused.clone().or(doubtful);
                step.effects.push(effect(when, EffectKind::Respond(Some(Status::Code(401)))));
            } else {
                let status = Status::Unknown(Reason::new("how it refuses a request", span));
                step.effects.push(effect(doubtful, EffectKind::Respond(Some(status))));
            }
        }
        packages::PROXY => {
            step.kind = StepKind::Proxy;
            step.label = "the proxy".into();
            let options = value.as_object().and_then(|id| eval.field(id, "0")).map(|field| field.value.clone());
            let target = options.map(|options| match &options.kind {
                Kind::Str(_) | Kind::Text(_) => options.clone(),
                _ => eval.get(&options, "target", span),
            });
            let to = target
                .map_or_else(|| Text::Unknown(Reason::new("where to", span)), |target| target.to_text("undefined"));
            step.effects
                .push(effect(Guard::Always, EffectKind::Forward(Forward { replaces: true, ..Forward::new(to) })));
        }
        _ => {}
    }
}

/// Whether the name of what is registered speaks of authentication.
fn looks_like_auth(eval: &Evaluator, span: Span) -> bool {
    let text = eval.loader.text(span).to_lowercase();
    let text = text.get(..text.len().min(120)).unwrap_or(&text);
    ["auth", "jwt", "token", "protect", "login", "session_required", "apikey", "api_key"]
        .iter()
        .any(|word| text.contains(word))
        && !text.contains("author_")
}

/// Handlers in lists, and lists of lists, as one list.
fn flatten(eval: &mut Evaluator, values: &[Value]) -> Vec<Value> {
    let mut flat = Vec::new();
    let mut open: Vec<Value> = values.iter().rev().cloned().collect();
    // A list may hold itself.
    let mut opened = 0;
    while let Some(value) = open.pop() {
        match eval.items(&value) {
            Some(object) if flat.len() + open.len() + opened < 1000 => {
                opened += 1;
                open.extend(object.items.iter().rev().cloned());
            }
            _ => flat.push(value),
        }
    }
    flat
}

/// Applications that a handler of a plain server hands requests to: `app(req, res)`.
fn entered(eval: &Evaluator) -> Vec<ObjectId> {
    eval.objects().filter(|(id, _)| eval.field(*id, super::ENTERED).is_some()).map(|(id, _)| id).collect()
}

/// Applications and routers that are used by others.
fn mounted(eval: &mut Evaluator) -> Vec<ObjectId> {
    let mut mounted = entered(eval);
    let calls: Vec<Vec<Value>> = eval
        .objects()
        .filter(|(_, object)| matches!(object.tag, Tag::Host(APP | ROUTER)))
        .flat_map(|(_, object)| {
            object.calls.iter().filter(|call| &*call.name == "use").map(|call| call.arguments.positional.clone())
        })
        .collect();
    for arguments in calls {
        for value in flatten(eval, &arguments) {
            for (_, value) in value.branches() {
                if matches!(eval.host_tag(&value), Some(APP | ROUTER)) {
                    mounted.extend(value.as_object());
                }
            }
        }
    }
    mounted
}

/// Where an application listens: by itself, or through `http.createServer(app)`.
fn listens(eval: &mut Evaluator, app: ObjectId) -> Vec<Listen> {
    let mut found = Vec::new();
    let objects: Vec<(ObjectId, Vec<Call>)> = eval
        .objects()
        .filter(|(id, object)| {
            *id == app
                || object.tag == Tag::Host(SERVER)
                    && eval.field(*id, "handler").and_then(|field| field.value.as_object()) == Some(app)
        })
        .map(|(id, object)| (id, object.calls.clone()))
        .collect();
    for (_, calls) in objects {
        for call in calls.iter().filter(|call| &*call.name == "listen") {
            let port = call.arguments.get(0).and_then(port);
            found.push(Listen { port, span: call.span });
        }
    }
    found
}

/// A port, taking the value that holds when nothing is configured.
fn port(value: &Value) -> Option<u16> {
    match &value.kind {
        Kind::Number(number) => Some(*number as u16),
        Kind::Str(text) => text.trim().parse().ok(),
        Kind::Choose(choice) => port(&choice.2).or_else(|| port(&choice.1)),
        _ => None,
    }
}

/// `http.createServer((req, res) => …)`.
fn plain_servers(eval: &mut Evaluator) -> Vec<Server> {
    let found: Vec<(Value, Span, Vec<Call>)> = eval
        .objects()
        .filter(|(_, object)| object.tag == Tag::Host(SERVER))
        .filter_map(|(id, object)| {
            let handler = eval.field(id, "handler")?.value.clone();
            matches!(handler.kind, Kind::Function(_)).then(|| (handler, object.span, object.calls.clone()))
        })
        .collect();
    found
        .into_iter()
        .map(|(handler, span, calls)| {
            let entered_before = entered(eval);
            let mut server = by_hand(eval, &handler, span, true);
            for app in entered(eval).into_iter().filter(|app| !entered_before.contains(app)) {
                let inside = application(eval, app, true);
                server.framework = inside.framework;
                server.runtime = inside.runtime;
                server.startup_error = inside.startup_error;
                server.root.nodes.push(Node::Group(inside.root));
            }
            server.files = files(&server);
            for call in calls.iter().filter(|call| &*call.name == "listen") {
                server.listens.push(Listen { port: call.arguments.get(0).and_then(port), span: call.span });
            }
            server
        })
        .collect()
}

/// A handler as a server of its own.
fn by_hand(eval: &mut Evaluator, handler: &Value, span: Span, complete: bool) -> Server {
    let (effects, end) = run_handler(eval, handler, false, 5, !complete, span);
    let effects: Vec<Effect> = effects
        .into_iter()
        .map(|effect| match effect.kind {
            // Nobody stands behind: what follows is not known.
            EffectKind::Next if !complete => Effect {
                kind: EffectKind::Respond(Some(Status::Unknown(Reason::new(
                    "what comes behind this handler is not known",
                    effect.span,
                )))),
                ..effect
            },
            _ => effect,
        })
        .collect();
    let step = Step {
        kind: StepKind::Route,
        path: PathMatch::Any,
        methods: None,
        when: Guard::Always,
        effects,
        end: if complete {
            end
        } else {
            End::Respond(Reason::new("what comes behind this handler is not known", span))
        },
        span: handler.span,
        label: "the handler".into(),
    };
    let root = Group { nodes: vec![Node::Step(step)], ..Group::new(Dispatch::Plain, span) };
    let mut server = Server {
        framework: if complete { "node" } else { "express" },
        runtime: "node".into(),
        span: if complete { span } else { handler.span },
        complete,
        root,
        outgoing: Vec::new(),
        listens: Vec::new(),
        startup_error: None,
        remarks: Vec::new(),
        files: Vec::new(),
    };
    server.files = files(&server);
    server
}

/// Runs functions that nobody called: handlers, helpers that write headers, factories that are given an application.
/// What they do to an answer becomes a policy of its own; applications that they were given are found with the rest.
fn run_what_nobody_ran(eval: &mut Evaluator) -> Vec<Server> {
    let mut servers = Vec::new();
    let mut done = 0;
    let mut queue: Vec<Value> = Vec::new();
    for at in 0..eval.modules().len() {
        if eval.modules()[at].language != Language::JavaScript {
            continue;
        }
        let id = ModuleId(at as u32);
        queue.extend(eval.functions_of(id));
    }
    // Handlers that were given to packages come with those.
    let loose = std::mem::take(&mut eval.loose_handlers);
    queue.extend(loose);
    while let Some(function) = queue.pop() {
        done += 1;
        if done > 2000 {
            break;
        }
        let Kind::Function(closure) = &function.kind else { continue };
        let closure = closure.clone();
        if eval.was_run(closure.function.span) {
            continue;
        }
        if takes_request(&closure) {
            let server = by_hand(eval, &function, closure.function.span, false);
            if speaks_of_cors(&server) {
                servers.push(server);
            }
            continue;
        }
        let exchange = Exchange::new(eval, function.span);
        let mut arguments = Vec::new();
        for parameter in &closure.function.parameters {
            let name = match &parameter.pattern {
                Pattern::Name { name, .. } => name.as_str(),
                _ => "",
            };
            arguments.push(match name {
                "req" | "request" => exchange.request.clone(),
                "res" | "response" | "resp" => exchange.response.clone(),
                "next" => exchange.next.clone(),
                "app" | "server" | "router" | "express" | "application" => {
                    let app = super::host_object(eval, APP, function.span);
                    if let Some(id) = app.as_object() {
                        eval.set_field(id, INCOMPLETE, Value::new(Kind::Bool(true), function.span), function.span);
                    }
                    app
                }
                _ if parameter.default.is_some() => Value::undefined(function.span),
                _ => Value::unknown(format!("`{name}` is given by whoever calls this"), function.span),
            });
        }
        let collected = eval.run_uncalled(&function, crate::eval::Arguments::of(arguments), function.span);
        // A factory's handler.
        for (_, value) in collected.value.branches() {
            match &value.kind {
                Kind::Function(_) => queue.push(value),
                Kind::Object(id) => {
                    let fields = eval.object(*id).fields.clone();
                    queue.extend(
                        fields
                            .into_iter()
                            .map(|field| field.value)
                            .filter(|value| matches!(value.kind, Kind::Function(_))),
                    );
                }
                _ => {}
            }
        }
        let loose = std::mem::take(&mut eval.loose_handlers);
        queue.extend(loose);
        let effects = collected.effects;
        if effects.iter().any(|effect| matches!(effect.kind, EffectKind::Write(_))) {
            let server = of_effects(effects, &function);
            if speaks_of_cors(&server) {
                servers.push(server);
            }
        }
    }
    servers
}

/// A helper's writes as a policy of its own.
fn of_effects(effects: Vec<Effect>, function: &Value) -> Server {
    let span = function.span;
    let step = Step {
        kind: StepKind::Route,
        path: PathMatch::Any,
        methods: None,
        when: Guard::Always,
        effects: effects
            .into_iter()
            .filter(|effect| {
                matches!(
                    effect.kind,
                    EffectKind::Write(_) | EffectKind::Notice(_) | EffectKind::Status(_) | EffectKind::Respond(_)
                )
            })
            .collect(),
        end: End::Respond(Reason::new("what surrounds this helper is not known", span)),
        span,
        label: "the helper".into(),
    };
    let root = Group { nodes: vec![Node::Step(step)], ..Group::new(Dispatch::Plain, span) };
    let mut server = Server {
        framework: "express",
        runtime: "node".into(),
        span,
        complete: false,
        root,
        outgoing: Vec::new(),
        listens: Vec::new(),
        startup_error: None,
        remarks: Vec::new(),
        files: Vec::new(),
    };
    server.files = files(&server);
    server
}

/// Whether anything in a server's steps writes a CORS header.
fn speaks_of_cors(server: &Server) -> bool {
    let mut speaks = false;
    each_effect(server, &mut |_, effect| {
        if let EffectKind::Write(write) = &effect.kind {
            speaks |= write.name.to_ascii_lowercase().starts_with("access-control-")
                || crate::cors::headers::misspelt_cors_header(&write.name).is_some();
        }
    });
    speaks
}

/// Policies that were made and never used.
fn dead_policies(eval: &mut Evaluator, servers: &mut [Server]) {
    let unused: Vec<Span> =
        eval.objects().filter(|(id, _)| cors::is_unused(eval, *id)).map(|(_, object)| object.span).collect();
    for span in unused {
        if eval.is_exported_from(span) {
            continue;
        }
        let Some(server) = servers.iter_mut().find(|server| server.files.contains(&span.file)) else { continue };
        server.remarks.push(Remark {
            kind: RemarkKind::Dead {
                why: "this policy is made and never used".into(),
                help: "register it with `app.use(…)`, or remove it".into(),
                consequence: None,
                severe: false,
            },
            span,
        });
    }
}
