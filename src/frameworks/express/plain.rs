//! Node's own servers: who listens, and handlers that stand alone.

use super::carried::Carried;
use super::extract::{NO_EXPRESS, application, files, startup};
use super::handler::{run_handler, run_policy};
use super::{ENTERED, SERVER};
use crate::eval::{Arguments, Call, Evaluator, Kind, Native, ObjectId, Tag, Value};
use crate::model::{
    Dispatch, Effect, EffectKind, End, Group, Guard, Listen, Node, PathMatch, Reason, Server, Status, Step, StepKind,
};
use crate::source::Span;

/// Applications that a handler of a plain server hands requests to: `app(req, res)`.
pub(super) fn entered(eval: &Evaluator) -> Vec<ObjectId> {
    eval.objects().filter(|(id, _)| eval.field(*id, ENTERED).is_some()).map(|(id, _)| id).collect()
}

/// Where an application listens: by itself, or through `http.createServer(app)`.
pub(super) fn listens(eval: &mut Evaluator, app: ObjectId) -> Vec<Listen> {
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
pub(super) fn plain_servers(eval: &mut Evaluator) -> Vec<Server> {
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
            // Whoever asked the handler before left marks of its own.
            let entered_before = entered(eval);
            for app in &entered_before {
                eval.object_mut(*app).fields.retain(|field| &*field.name != ENTERED);
            }
            let mut server = by_hand(eval, &handler, span, true);
            let others = calls.iter().filter(|call| is_for_requests(&call.arguments));
            for other in others.filter_map(|call| call.arguments.get(1)) {
                behind(&mut server, by_hand(eval, other, span, true));
            }
            let entered_now = entered(eval);
            for app in entered_before {
                eval.set_field(app, ENTERED, Value::new(Kind::Bool(true), span), span);
            }
            for app in entered_now {
                let inside = application(eval, app, true);
                server.framework = inside.framework;
                server.runtime = inside.runtime;
                server.startup_error = inside.startup_error;
                server.root.nodes.push(Node::Group(inside.root));
            }
            server.files = files(&server);
            startup(eval, &mut server);
            for call in calls.iter().filter(|call| &*call.name == "listen") {
                server.listens.push(Listen { port: call.arguments.get(0).and_then(port), span: call.span });
            }
            server
        })
        .collect()
}

/// Whether a call registers a listener that is asked for every request: `server.on('request', …)`.
pub(super) fn is_for_requests(arguments: &Arguments) -> bool {
    arguments.get(0).and_then(Value::as_str) == Some("request")
}

/// Puts a further listener behind those of a server: all run, in the order of their registration, and one that does
/// not answer leaves that to the others.
fn behind(server: &mut Server, other: Server) {
    for node in &mut server.root.nodes {
        if let Node::Step(step) = node
            && step.end == End::Hang
        {
            step.end = End::Continue;
        }
    }
    server.root.nodes.extend(other.root.nodes);
}

/// A handler as a server of its own.
pub(super) fn by_hand(eval: &mut Evaluator, handler: &Value, span: Span, complete: bool) -> Server {
    let major = if complete { NO_EXPRESS } else { 5 };
    let handler = &Evaluator::attached(handler);
    let nothing = Carried::default();
    let (mut effects, mut end, _) = run_handler(eval, handler, false, major, !complete, &nothing, span);
    if eval.left_state() {
        (effects, end, _) = run_handler(eval, handler, false, major, !complete, &nothing, span);
        eval.left_state();
    }
    let mut server = alone(effects, end, StepKind::Route, handler.span, complete);
    if complete {
        server.span = span;
    }
    server
}

/// A policy of the `cors` package that no application of the program uses, as a server of its own.
pub(super) fn policy_alone(eval: &mut Evaluator, policy: &Native, span: Span) -> Server {
    let (effects, _) = run_policy(eval, policy, span);
    alone(effects, End::Continue, StepKind::Cors, span, false)
}

/// What a handler does, as a server of its own.
fn alone(effects: Vec<Effect>, end: End, kind: StepKind, span: Span, complete: bool) -> Server {
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
        kind,
        path: PathMatch::Any,
        methods: None,
        when: Guard::Always,
        effects,
        end: if complete {
            end
        } else {
            End::Respond(Reason::new("what comes behind this handler is not known", span))
        },
        span,
        label: "the handler".into(),
    };
    let root = Group { nodes: vec![Node::Step(step)], ..Group::new(Dispatch::Plain, span) };
    let mut server = Server {
        framework: if complete { "node" } else { "express" },
        runtime: "node".into(),
        span,
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
