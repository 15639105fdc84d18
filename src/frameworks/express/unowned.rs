//! Code that no application runs: handlers, helpers that write headers, factories that are given an application.

use super::extract::files;
use super::plain::{by_hand, policy_alone};
use super::{APP, INCOMPLETE, cors};
use crate::eval::{Arguments, Evaluator, Kind, ModuleId, Native, Value, takes_exchange, takes_request};
use crate::frameworks::common::node::Exchange;
use crate::model::{
    Dispatch, Effect, EffectKind, End, Group, Guard, Node, PathMatch, Reason, Server, Step, StepKind, each_effect,
};
use crate::source::Span;
use crate::syntax::program::{Language, Pattern};

/// Runs functions that nobody called: handlers, helpers that write headers, factories that are given an application.
/// What they do to an answer becomes a policy of its own; applications that they were given are found with the rest.
pub(super) fn run_what_nobody_ran(eval: &mut Evaluator) -> Vec<Server> {
    let mut queue: Vec<Value> = Vec::new();
    for at in 0..eval.modules().len() {
        if eval.modules()[at].language != Language::JavaScript {
            continue;
        }
        let id = ModuleId(at as u32);
        queue.extend(eval.functions_of(id));
    }
    run_queue(eval, queue)
}

/// Runs handlers that were given to packages, as far as nobody ran them yet.
pub(super) fn run_loose_handlers(eval: &mut Evaluator) -> Vec<Server> {
    run_queue(eval, Vec::new())
}

/// Policies that are made for others: exported, and used by nobody here.
pub(super) fn exported_policies(eval: &mut Evaluator) -> Vec<Server> {
    let unused: Vec<(Native, Span)> = eval
        .objects()
        .filter(|(id, _)| cors::is_unused(eval, *id))
        .filter_map(|(id, object)| Some((cors::policy_of(eval, id)?, object.span)))
        .collect();
    let mut servers = Vec::new();
    for (policy, span) in unused {
        if eval.is_exported_from(span) {
            servers.push(policy_alone(eval, &policy, span));
        }
    }
    servers
}

fn run_queue(eval: &mut Evaluator, mut queue: Vec<Value>) -> Vec<Server> {
    let mut servers = Vec::new();
    let mut done = 0;
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
        if takes_request(&closure) || takes_exchange(&closure) {
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
                "" => Value::unknown("a part of what whoever calls this gives it", function.span),
                _ if parameter.default.is_some() => Value::undefined(function.span),
                _ => Value::unknown(format!("`{name}` is given by whoever calls this"), function.span),
            });
        }
        let collected = eval.run_uncalled(&function, Arguments::of(arguments), function.span);
        // A factory's handler.
        for (_, value) in collected.value.branches() {
            match &value.kind {
                Kind::Function(_) => queue.push(value),
                Kind::Native(native) if native.name == cors::MIDDLEWARE => {
                    let native = native.clone();
                    servers.push(policy_alone(eval, &native, value.span));
                }
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
pub(super) fn speaks_of_cors(server: &Server) -> bool {
    let mut speaks = false;
    each_effect(server, &mut |_, effect| {
        if let EffectKind::Write(write) = &effect.kind {
            speaks |= write.name.to_ascii_lowercase().starts_with("access-control-")
                || crate::cors::headers::misspelt_cors_header(&write.name).is_some();
        }
    });
    speaks
}
