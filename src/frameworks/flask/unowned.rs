//! Code that no application runs: factories, helpers that write headers, functions on the way out without a home.

use super::extract::{applications, files, is_python, speaks_of_cors, step};
use super::{APP, app, response};
use crate::eval::{Arguments, Evaluator, Kind, ObjectId, Value};
use crate::model::{Dispatch, Effect, EffectKind, End, Group, Node, Reason, Server, StepKind};
use crate::source::Span;
use crate::syntax::program::{ParameterKind, Pattern};

/// How many functions are run at most.
const MOST: usize = 2000;

/// Runs functions that nobody called. Applications that they make are read like the others; what else they do to
/// answers becomes a policy of its own.
pub(super) fn run_what_nobody_ran(eval: &mut Evaluator, seen: &mut usize, servers: &mut Vec<Server>) -> Vec<Server> {
    let mut found = Vec::new();
    let mut functions = Vec::new();
    for at in 0..eval.modules().len() {
        if is_python(eval, at) {
            functions.extend(eval.functions_of(crate::eval::ModuleId(at as u32)));
        }
    }
    // Those that make an application come first: they call many of the others.
    let (makers, others): (Vec<Value>, Vec<Value>) = functions.into_iter().partition(|function| {
        let text = eval.loader.text(function.span);
        text.contains("Flask(") || text.contains("create_app(") || text.contains("register_blueprint(")
    });
    for function in makers {
        run(eval, &function, true, &mut found);
        applications(eval, seen, servers);
    }
    let mut queue = others;
    queue.reverse();
    let mut count = 0;
    while let Some(function) = queue.pop() {
        count += 1;
        if count > MOST {
            break;
        }
        if let Some(inner) = run(eval, &function, false, &mut found) {
            queue.push(inner);
        }
        applications(eval, seen, servers);
    }
    found
}

/// Runs one function, if it was not run before. A function that it gives back comes next.
fn run(eval: &mut Evaluator, function: &Value, sets_up: bool, found: &mut Vec<Server>) -> Option<Value> {
    let Kind::Function(closure) = &function.kind else { return None };
    let closure = closure.clone();
    if eval.was_run(closure.function.span) {
        return None;
    }
    let span = closure.function.span;
    let mut parameter = None;
    let work = |eval: &mut Evaluator| {
        let mut arguments = Arguments::default();
        let skip = usize::from(closure.class.is_some());
        for declared in closure.function.parameters.iter().skip(skip) {
            if !matches!(declared.kind, ParameterKind::One | ParameterKind::KeywordOnly) {
                continue;
            }
            let name = match &declared.pattern {
                Pattern::Name { name, .. } => name.as_str(),
                _ => "",
            };
            let value = match name {
                "app" | "flask_app" | "application" | "server" => {
                    let id = app::incomplete(eval, span);
                    Value::new(Kind::Object(id), span)
                }
                "response" | "resp" | "res" | "r" | "rv" | "header" => {
                    let (id, value) = response::outgoing(eval, span);
                    parameter = Some(id);
                    value
                }
                _ if declared.default.is_some() => Value::undefined(span),
                _ => Value::unknown(format!("`{name}` is given by whoever calls this"), span),
            };
            match declared.kind {
                ParameterKind::KeywordOnly => arguments.keywords.push((name.into(), value, span)),
                _ => arguments.positional.push(value),
            }
        }
        let given = eval.call(function, &arguments, span);
        for (when, given) in given.branches() {
            eval.under(when, |eval| send(eval, &given, parameter, span));
        }
        if let Some(id) = parameter {
            response::flush(eval, id);
        }
        given
    };
    let collected = if sets_up { eval.set_up(work) } else { eval.collected(work, false) };
    let effects: Vec<Effect> = collected
        .effects
        .into_iter()
        .filter(|effect| {
            matches!(
                effect.kind,
                EffectKind::Write(_) | EffectKind::Notice(_) | EffectKind::Status(_) | EffectKind::Respond(_)
            )
        })
        .collect();
    if effects.iter().any(|effect| matches!(effect.kind, EffectKind::Write(_))) {
        let server = policy(eval, effects, span);
        if speaks_of_cors(&server) {
            found.push(server);
        }
    }
    match &collected.value.kind {
        Kind::Function(_) => Some(collected.value),
        _ => None,
    }
}

/// What a function gives back, if it is an answer.
fn send(eval: &mut Evaluator, given: &Value, parameter: Option<ObjectId>, span: Span) {
    let Some(id) = given.as_object() else { return };
    if Some(id) == parameter || eval.host_tag(given) == Some(APP) {
        return;
    }
    // A tuple with headers, too.
    let is_answer = eval.host_tag(given) == Some(super::RESPONSE)
        || eval.items(given).is_some_and(|list| matches!(list.items.len(), 2 | 3));
    if is_answer {
        let answer = response::convert(eval, given, span);
        response::send(eval, &answer, span);
    }
}

/// Effects as a policy whose surroundings are not known.
fn policy(eval: &Evaluator, effects: Vec<Effect>, span: Span) -> Server {
    let end = End::Respond(Reason::new("what surrounds this helper is not known", span));
    let mut root = Group::new(Dispatch::Plain, span);
    root.nodes.push(Node::Step(step(StepKind::Route, effects, end, span, "the helper")));
    let mut server = Server {
        framework: "flask",
        runtime: "flask".into(),
        span,
        complete: false,
        root,
        outgoing: Vec::new(),
        listens: Vec::new(),
        startup_error: None,
        remarks: Vec::new(),
        files: Vec::new(),
    };
    let _ = eval;
    server.files = files(&server);
    server
}
