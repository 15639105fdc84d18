//! From applications and blueprints to servers.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::hooks::{After, Runner};
use super::mistakes::strange_settings;
use super::outgoing::{WayOut, last, way_out, wrapped};
use super::plan::{Plan, Scope, below, late_settings, walk};
use super::reach::unmatched;
use super::table::table;
use super::{APP, BLUEPRINT, app, config, errors, field, request, unowned};
use crate::cors::headers;
use crate::eval::{Closure, Evaluator, Kind, ObjectId, Tag, Value};
use crate::model::{
    Dispatch, Effect, EffectKind, End, Group, Guard, Node, Part as RequestPart, PathMatch, Remark, RemarkKind, Server,
    Status, Step, StepKind, Text, each_effect,
};
use crate::source::Span;
use crate::syntax::program::Language;

/// How many applications of one run are read.
const MOST_APPLICATIONS: usize = 1_000;

/// The servers of every Python file that was run.
pub fn extract(eval: &mut Evaluator) -> Vec<Server> {
    let mut servers = Vec::new();
    let mut seen = 0;
    applications(eval, &mut seen, &mut servers);
    let extra = unowned::run_what_nobody_ran(eval, &mut seen, &mut servers);
    servers.extend(blueprints(eval));
    servers.extend(extra);
    servers
}

/// Reads the applications that were made since; `seen` is how many objects were looked at.
pub(super) fn applications(eval: &mut Evaluator, seen: &mut usize, servers: &mut Vec<Server>) {
    loop {
        let before = *seen;
        let mut fresh: Vec<ObjectId> = Vec::new();
        for (id, object) in eval.objects().skip(before) {
            *seen += 1;
            fresh.extend((object.tag == Tag::Host(APP)).then_some(id));
        }
        if *seen == before {
            return;
        }
        for id in fresh {
            let object = eval.object(id);
            if object.calls.is_empty() {
                continue;
            }
            let (span, count) = (object.span, object.calls.len());
            // One factory that is called in several places gives one application.
            let twin = servers.iter().position(|server: &Server| server.span == span);
            if let Some(at) = twin {
                let before = servers[at].root.nodes.len() + steps(&servers[at]);
                if before >= count {
                    continue;
                }
                servers.remove(at);
            }
            if servers.len() >= MOST_APPLICATIONS {
                eval.leave_out();
                continue;
            }
            let server = server(eval, id, None);
            servers.push(server);
        }
    }
}

fn steps(server: &Server) -> usize {
    let mut count = 0;
    let mut open: Vec<&Group> = vec![&server.root];
    while let Some(group) = open.pop() {
        count += group.nodes.len();
        open.extend(group.nodes.iter().filter_map(|node| match node {
            Node::Group(inner) => Some(inner),
            Node::Step(_) => None,
        }));
    }
    count
}

/// Blueprints that no application registers, as servers whose surroundings are not known.
fn blueprints(eval: &mut Evaluator) -> Vec<Server> {
    let loose: Vec<ObjectId> = eval
        .objects()
        .filter(|(_, object)| object.tag == Tag::Host(BLUEPRINT) && !object.calls.is_empty())
        .map(|(id, _)| id)
        .filter(|id| eval.field(*id, app::REGISTERED).is_none())
        .collect();
    loose
        .into_iter()
        .map(|id| {
            let owner = app::incomplete(eval, eval.object(id).span);
            server(eval, owner, Some(id))
        })
        .filter(speaks_of_cors)
        .collect()
}

/// Whether anything in a server's steps writes a CORS header.
pub(super) fn speaks_of_cors(server: &Server) -> bool {
    let mut speaks = server.remarks.iter().any(|remark| !matches!(remark.kind, RemarkKind::FailsAtStart { .. }));
    each_effect(server, &mut |_, effect| {
        speaks |= match &effect.kind {
            EffectKind::Write(write) => !write.is(headers::VARY),
            EffectKind::Notice(kind) => matches!(kind, RemarkKind::UnknownOption { .. }),
            _ => false,
        };
    });
    speaks
}

fn server(eval: &mut Evaluator, id: ObjectId, blueprint: Option<ObjectId>) -> Server {
    let span = eval.object(id).span;
    let incomplete = eval.field(id, app::INCOMPLETE).is_some();
    let mut plan = Plan::default();
    walk(eval, id, &Scope::default(), &mut plan, 0);
    if let Some(blueprint) = blueprint {
        let scope = below(eval, blueprint, None, &Scope::default(), Guard::Always);
        walk(eval, blueprint, &scope, &mut plan, 0);
    }
    late_settings(eval, id, &mut plan);
    if let Some(settings) = config::of(eval, id) {
        plan.remarks.extend(strange_settings(eval, settings));
    }
    if !incomplete {
        unmatched(eval, id, &mut plan);
    }
    let (clash, refused) = (clash(eval, &plan), refused_rule(eval, &plan));
    let handlers = std::mem::take(&mut plan.handlers);
    let mut runner = Runner { eval, handlers, place: span };
    runner.enter(id, span);
    request::follow(runner.eval, span);

    let mut main = Group::new(Dispatch::Plain, span);
    for (owner, call, when) in plan.before.iter().filter(|(owner, ..)| owner.is_none()) {
        let _ = owner;
        let Some(function) = call.arguments.get(0) else { continue };
        let effects = runner.before(function, &[], After::Past, call.span);
        let mut step = step(StepKind::Middleware, effects, End::Continue, call.span, "the function before requests");
        step.when = when.clone();
        if refuses(&step) {
            step.kind = StepKind::Auth;
        }
        main.nodes.push(Node::Step(step));
    }
    request::follow_no_more(runner.eval);
    let rules = table(&mut runner, id, &plan, incomplete);
    main.nodes.push(Node::Group(rules));

    let WayOut { mut outgoing, intercept, startup } = way_out(&mut runner, &plan);
    outgoing.push(last(runner.eval, id, span));
    outgoing.extend(wrapped(runner.eval, id));
    let mut root = Group::new(Dispatch::Plain, span);
    let routing = routing_errors(&mut runner, &main, span);
    root.nodes.push(Node::Group(main));
    root.nodes.push(Node::Step(routing));
    root.nodes.extend(intercept.into_iter().map(Node::Step));
    let end = Effect { when: Guard::Always, kind: EffectKind::Respond(None), span };
    root.nodes.push(Node::Step(step(StepKind::Middleware, vec![end], End::Continue, span, "the error's answer")));

    let mut server = Server {
        framework: "flask",
        runtime: runtime(runner.eval, span),
        span,
        complete: !incomplete,
        root,
        outgoing,
        listens: plan.listens,
        startup_error: plan.startup.or(startup).or(refused).or(clash),
        remarks: plan.remarks,
        files: Vec::new(),
    };
    server.files = files(&server);
    let here = |span: &Span| server.files.contains(&span.file);
    let conditional = runner.eval.conditional_failures.iter().filter(|(_, _, span)| here(span));
    let conditional = conditional.map(|(when, error, span)| Remark {
        kind: RemarkKind::FailsAtStart { when: when.clone(), error: error.clone() },
        span: *span,
    });
    server.remarks.extend(conditional.collect::<Vec<_>>());
    server
}

fn runtime(eval: &Evaluator, span: Span) -> String {
    let of = |package: &str, newest: &str| match eval.package_version_at(package, span) {
        Some(version) => format!("{package} {version}"),
        None => format!("{package} {newest} (assumed)"),
    };
    format!("{}, {}", of("flask", "3"), of("flask-cors", "6"))
}

/// Rules that Werkzeug or Flask refuses (`Rule.__init__`, `Flask.add_url_rule`).
fn refused_rule(eval: &Evaluator, plan: &Plan) -> Option<(String, Span)> {
    let mut names: FxHashMap<(Option<ObjectId>, String), Span> = FxHashMap::default();
    for (rule, scope, when, span) in &plan.rules {
        if *when != Guard::Always {
            continue;
        }
        let written = field(eval, *rule, "rule");
        let text = written.as_ref().and_then(Value::as_str);
        if scope.blueprints.is_empty() && text.is_some_and(|text| !text.starts_with('/')) {
            return Some(("ValueError".to_owned(), *span));
        }
        if field(eval, *rule, "methods").is_some_and(|methods| methods.as_str().is_some()) {
            return Some(("TypeError".to_owned(), *span));
        }
        let named = field(eval, *rule, "endpoint").is_some_and(|name| !name.is_nullish());
        let view = field(eval, *rule, "view").filter(|_| !named).and_then(|view| match view.kind {
            Kind::Function(function) => Some(function.function.clone()),
            _ => None,
        });
        let Some(function) = view else { continue };
        // A wrapper has the name of what it wraps.
        if function.decorators.iter().any(|by| eval.loader.text(by.span).contains("wraps")) || function.is_arrow {
            continue;
        }
        let owner = scope.blueprints.first().copied();
        let first = names.entry((owner, function.name.clone())).or_insert(function.span);
        if *first != function.span {
            return Some(("AssertionError".to_owned(), *span));
        }
    }
    None
}

/// One function that has rules as it is and below a decorator: Flask refuses a second view of one name
/// (`Flask.add_url_rule`).
fn clash(eval: &Evaluator, plan: &Plan) -> Option<(String, Span)> {
    let mut views: FxHashMap<(Option<ObjectId>, *const Closure), Option<ObjectId>> = FxHashMap::default();
    for (rule, scope, when, span) in &plan.rules {
        let named = field(eval, *rule, "endpoint").is_some_and(|name| !name.is_nullish());
        let Some(view) = field(eval, *rule, "view").filter(|_| !named && *when == Guard::Always) else { continue };
        let mut inner = &view;
        while let Kind::Native(native) = &inner.kind {
            let Some(wrapped) = native.bound.first() else { break };
            inner = wrapped;
        }
        let Kind::Function(function) = &inner.kind else { continue };
        let (owner, view) = (scope.blueprints.first().copied(), eval.attributes_of(&view));
        if *views.entry((owner, Arc::as_ptr(function))).or_insert(view) != view {
            return Some(("AssertionError".to_owned(), *span));
        }
    }
    None
}

/// The files in which a server's steps stand.
pub(super) fn files(server: &Server) -> Vec<crate::source::FileId> {
    let mut files = vec![server.span.file];
    each_effect(server, &mut |step, effect| {
        files.push(step.span.file);
        files.push(effect.span.file);
    });
    files.sort_unstable();
    files.dedup();
    files
}

pub(super) fn step(kind: StepKind, effects: Vec<Effect>, end: End, span: Span, label: &str) -> Step {
    Step { kind, path: PathMatch::Any, methods: None, when: Guard::Always, effects, end, span, label: label.to_owned() }
}

/// Whether a step may answer 401 or 403.
fn refuses(step: &Step) -> bool {
    step.effects.iter().any(|effect| {
        matches!(
            effect.kind,
            EffectKind::Status(Status::Code(401 | 403))
                | EffectKind::Fail(Status::Code(401 | 403))
                | EffectKind::Respond(Some(Status::Code(401 | 403)))
        )
    })
}

/// What answers where no rule fits, and where a function before the views fails.
fn routing_errors(runner: &mut Runner, main: &Group, span: Span) -> Step {
    let mut codes = vec![404, 405];
    for node in &main.nodes {
        let Node::Step(step) = node else { continue };
        codes.extend(step.effects.iter().filter_map(|effect| match effect.kind {
            EffectKind::Fail(Status::Code(code)) => Some(code),
            _ => None,
        }));
    }
    codes.sort_unstable();
    codes.dedup();
    let mut effects = Vec::new();
    let of_error = |code: u16| {
        let test = crate::cors::StringTest::Equals(code.to_string());
        Guard::test(Text::Request(RequestPart::ErrorStatus), test, span)
    };
    for code in &codes {
        let number = Value::new(Kind::Number(f64::from(*code)), span);
        let value = super::bound("werkzeug.exception", None, vec![number], span);
        let failure = errors::failure(runner.eval, &value);
        let own = runner.failure(&failure, &[], After::Stay);
        let when = of_error(*code);
        effects.extend(own.into_iter().map(|effect| Effect { when: when.clone().and(effect.when), ..effect }));
    }
    let other = Guard::not(Guard::any(codes.iter().map(|code| of_error(*code))));
    effects.push(Effect { when: other, kind: EffectKind::Status(Status::OfError), span });
    step(StepKind::ErrorHandler, effects, End::Continue, span, "the error handling")
}

/// Whether a module is one of Python's.
pub(super) fn is_python(eval: &Evaluator, at: usize) -> bool {
    eval.modules().get(at).is_some_and(|module| module.language == Language::Python)
}
