//! What an application or a router registers, in its order.

use std::sync::Arc;

use super::carried::Carried;
use super::handler::{kind_of, run_handler, run_policy};
use super::paths::{Reach, Routing, path};
use super::{APP, ROUTER, body, cors, middleware, packages};
use crate::eval::{Call, Evaluator, Kind, ObjectId, Tag, Value};
use crate::frameworks::common::node::unread;
use crate::model::{
    Dispatch, Effect, EffectKind, End, Group, Guard, Listen, Node, PathMatch, Reason, RemarkKind, Status, Step,
    StepKind,
};
use crate::source::Span;
use crate::syntax::program::ParameterKind;

/// Methods by which Express registers routes.
const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "options", "head", "query", "propfind", "search"];

/// Reads one application or router at a time.
pub(super) struct Reader<'e, 'a> {
    pub(super) eval: &'e mut Evaluator<'a>,
    pub(super) major: u32,
    pub(super) startup_error: Option<(String, Span)>,
    pub(super) listens: Vec<Listen>,
    pub(super) open: Vec<ObjectId>,
    pub(super) routing: Routing,
    /// Whether Express says its name, which it does unless told not to.
    pub(super) powered: bool,
    /// What `param` registered: name, handler, place.
    pub(super) parameters: Vec<(String, Value, Span)>,
    /// What the handlers so far left for those behind them.
    pub(super) carried: Carried,
}

impl Reader<'_, '_> {
    pub(super) fn group(&mut self, id: ObjectId, mount: PathMatch, when: Guard, span: Span) -> Group {
        let mut nodes = Vec::new();
        let mut outgoing = Vec::new();
        if !self.open.contains(&id) && self.open.len() < 32 {
            self.open.push(id);
            let outer = self.routing;
            let parameters = std::mem::take(&mut self.parameters);
            let carried = self.carried.clone();
            let runs_always = mount == PathMatch::Any && when == Guard::Always;
            self.options_of_router(id);
            let calls = self.eval.object(id).calls.clone();
            for call in &calls {
                self.registration(call, &mut nodes);
                outgoing.extend(middleware::compression(self.eval, call));
            }
            if !runs_always {
                let left = std::mem::replace(&mut self.carried, carried);
                self.carried.forget_changes(&left);
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
            (_, Some(tag)) => {
                if tag != packages::PLAIN {
                    self.carried = Carried::default();
                }
                middleware::apply(self.eval, tag, value, &mut step);
                if tag == packages::PLAIN {
                    body::note_unknown(self.eval, &mut step, value.span);
                }
            }
            (Kind::Function(closure), _) => {
                let parameters =
                    closure.function.parameters.iter().filter(|parameter| parameter.kind == ParameterKind::One).count();
                let handles_errors = parameters == 4 && how != "parameter";
                let (effects, end, left) =
                    run_handler(self.eval, value, handles_errors, self.major, self.powered, &self.carried, call.span);
                let runs_always = step.path == PathMatch::Any
                    && step.methods.is_none()
                    && step.when == Guard::Always
                    && !handles_errors;
                match runs_always {
                    true => self.carried.take(left),
                    false => self.carried.forget_changes(&left),
                }
                step.effects = effects;
                step.end = end;
                step.kind = kind_of(&step, handles_errors, is_route);
            }
            (Kind::Unknown(reason), _) => {
                body::note_unknown(self.eval, &mut step, value.span);
                self.carried = Carried::default();
                let unread = unread(value.span);
                let answers = EffectKind::Respond(Some(Status::Unknown(reason.clone())));
                // What is mounted below a path is there to answer.
                let answer = (*pattern != PathMatch::Any).then(|| Effect { kind: answers, ..unread.clone() });
                step.effects.push(unread);
                step.effects.extend(answer);
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

/// Whether the name of what is registered speaks of authentication.
pub(super) fn looks_like_auth(eval: &Evaluator, span: Span) -> bool {
    let text = eval.loader.text(span).to_lowercase();
    let text = text.get(..text.len().min(120)).unwrap_or(&text);
    ["auth", "jwt", "token", "protect", "login", "session_required", "apikey", "api_key"]
        .iter()
        .any(|word| text.contains(word))
        && !text.contains("author_")
}

/// Handlers in lists, and lists of lists, as one list.
pub(super) fn flatten(eval: &mut Evaluator, values: &[Value]) -> Vec<Value> {
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
