//! From applications and blueprints to servers.

use std::sync::Arc;

use super::cors::{notice, refused, resources, set_headers};
use super::hooks::{After, Handled, Handler, Runner, fails};
use super::options::{Options, version};
use super::response::{self, EVALUATED_MARK};
use super::rules::{self, Part, Rule};
use super::settle::is_open;
use super::{API, APP, BLUEPRINT, RULE, app, errors, field, request, unowned, views};
use crate::cors::headers;
use crate::eval::{Call, Closure, Evaluator, Kind, ObjectId, Tag, Value};
use crate::model::{
    Dispatch, Effect, EffectKind, End, Group, Guard, Listen, Node, Part as RequestPart, PathMatch, Reason, Remark,
    RemarkKind, Server, Status, Step, StepKind, Text, each_effect,
};
use crate::source::Span;
use crate::syntax::program::Language;

/// The servers of every Python file that was run.
pub fn extract(eval: &mut Evaluator) -> Vec<Server> {
    let mut servers = Vec::new();
    let mut done: Vec<ObjectId> = Vec::new();
    applications(eval, &mut done, &mut servers);
    let extra = unowned::run_what_nobody_ran(eval, &mut done, &mut servers);
    servers.extend(blueprints(eval));
    servers.extend(extra);
    servers
}

/// Reads the applications that were made since.
pub(super) fn applications(eval: &mut Evaluator, done: &mut Vec<ObjectId>, servers: &mut Vec<Server>) {
    loop {
        let fresh: Vec<ObjectId> = eval
            .objects()
            .filter(|(id, object)| object.tag == Tag::Host(APP) && !done.contains(id))
            .map(|(id, _)| id)
            .collect();
        if fresh.is_empty() {
            return;
        }
        for id in fresh {
            done.push(id);
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
    let mut speaks = !server.remarks.is_empty();
    each_effect(server, &mut |_, effect| {
        speaks |= match &effect.kind {
            EffectKind::Write(write) => !write.is(headers::VARY),
            EffectKind::Notice(kind) => matches!(kind, RemarkKind::UnknownOption { .. }),
            _ => false,
        };
    });
    speaks
}

/// A rule with what it needs to become a step.
struct Registered {
    order: Vec<Part>,
    is_redirect: bool,
    step: Step,
}

/// A function on the way out.
struct Out {
    call: Call,
    /// The blueprint whose answers it sees; `None` for all.
    blueprint: Option<ObjectId>,
}

/// Where something is registered.
#[derive(Clone, Default)]
struct Scope {
    /// The blueprints around it, the innermost first.
    blueprints: Vec<ObjectId>,
    prefix: String,
    /// Why the prefix is not known.
    unknown: Option<Reason>,
    when: Option<Guard>,
}

impl Scope {
    fn when(&self, call: &Call) -> Guard {
        self.when.clone().unwrap_or(Guard::Always).and(call.when.clone())
    }
}

#[derive(Default)]
struct Plan {
    rules: Vec<(ObjectId, Scope, Guard, Span)>,
    before: Vec<(Option<ObjectId>, Call, Guard)>,
    after: Vec<(Out, Guard)>,
    handlers: Vec<Handler>,
    listens: Vec<Listen>,
    startup: Option<(String, Span)>,
    remarks: Vec<Remark>,
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
    let clash = clash(eval, &plan);
    let handlers = std::mem::take(&mut plan.handlers);
    let mut runner = Runner { eval, handlers, place: span };
    runner.enter(id, span);

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
    let rules = table(&mut runner, id, &plan, incomplete);
    main.nodes.push(Node::Group(rules));

    let WayOut { mut outgoing, intercept, startup } = way_out(&mut runner, &plan);
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
        startup_error: plan.startup.or(startup).or(clash),
        remarks: plan.remarks,
        files: Vec::new(),
    };
    server.files = files(&server);
    server
}

fn runtime(eval: &Evaluator, span: Span) -> String {
    let of = |package: &str, newest: &str| match eval.package_version_at(package, span) {
        Some(version) => format!("{package} {version}"),
        None => format!("{package} {newest} (assumed)"),
    };
    format!("{}, {}", of("flask", "3"), of("flask-cors", "6"))
}

/// One function that has rules as it is and below a decorator: Flask refuses a second view of one name
/// (`Flask.add_url_rule`).
fn clash(eval: &Evaluator, plan: &Plan) -> Option<(String, Span)> {
    let mut views: Vec<(Option<ObjectId>, Arc<Closure>, Option<ObjectId>)> = Vec::new();
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
        match views.iter().find(|(other, known, _)| *other == owner && Arc::ptr_eq(known, function)) {
            Some((_, _, other)) if *other != view => return Some(("AssertionError".to_owned(), *span)),
            Some(_) => {}
            None => views.push((owner, function.clone(), view)),
        }
    }
    None
}

/// `app.wsgi_app = Cors(app.wsgi_app)`: a class of the program around the application that speaks of CORS.
fn wrapped(eval: &Evaluator, id: ObjectId) -> Option<Step> {
    let wrapper = field(eval, id, "wsgi_app")?;
    let place = match &wrapper.kind {
        Kind::Object(object) => match eval.object(*object).tag {
            Tag::Instance(class) => eval.class_data(class).class.span,
            _ => return None,
        },
        Kind::Function(closure) => closure.function.span,
        _ => return None,
    };
    if !eval.loader.text(place).to_ascii_lowercase().contains("access-control-") {
        return None;
    }
    let reason = Reason::new("what stands around the application sends headers of its own", place);
    let effect = Effect { when: Guard::Always, kind: EffectKind::Opaque(reason), span: place };
    Some(step(StepKind::Middleware, vec![effect], End::Continue, place, "what stands around the application"))
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

/// The scope of a blueprint that is registered in another scope.
fn below(eval: &Evaluator, blueprint: ObjectId, options: Option<ObjectId>, outer: &Scope, when: Guard) -> Scope {
    let mut scope = outer.clone();
    scope.blueprints.insert(0, blueprint);
    scope.when = Some(outer.when.clone().unwrap_or(Guard::Always).and(when));
    let given = options.and_then(|options| field(eval, options, "url_prefix")).filter(|prefix| !prefix.is_nullish());
    let Some(prefix) = given.or_else(|| field(eval, blueprint, "url_prefix")) else { return scope };
    match prefix.as_str() {
        Some(own) => scope.prefix = rules::join(&scope.prefix, own),
        None if prefix.is_nullish() => {}
        None => scope.unknown = Some(rules::reason(prefix.span)),
    }
    scope
}

/// Goes through what was registered, in order.
fn walk(eval: &mut Evaluator, id: ObjectId, scope: &Scope, plan: &mut Plan, depth: usize) {
    if depth > 16 {
        return;
    }
    let own = scope.blueprints.first().copied();
    for call in eval.object(id).calls.clone() {
        let when = scope.when(&call);
        let first = call.arguments.get(0).cloned();
        match (&*call.name, first) {
            ("rule", Some(rule)) => {
                if let Some(rule) = rule.as_object().filter(|id| eval.object(*id).tag == Tag::Host(RULE)) {
                    plan.rules.push((rule, scope.clone(), settled(when), call.span));
                }
            }
            ("api", Some(api)) => {
                let Some(api) = api.as_object().filter(|id| eval.object(*id).tag == Tag::Host(API)) else { continue };
                if field(eval, api, views::DOCUMENTS).is_some() {
                    // Flask-RESTX answers at its root, with or without documentation (`Api._register_doc`).
                    let (root, _) = super::host_object(eval, RULE, call.span);
                    eval.set_field(root, "rule", Value::str("/", call.span), call.span);
                    plan.rules.push((root, scope.clone(), settled(when.clone()), call.span));
                }
                for resource in views::resources(eval, api, "", 0) {
                    for path in &resource.paths {
                        let rule = views::rule(eval, &resource, resource.span);
                        let path = match path.as_str() {
                            Some(text) => {
                                Value { kind: Kind::Str(format!("{}{text}", resource.prefix).into()), ..path.clone() }
                            }
                            None => path.clone(),
                        };
                        eval.set_field(rule, "rule", path.clone(), path.span);
                        let when = settled(when.clone().and(resource.when.clone()));
                        plan.rules.push((rule, scope.clone(), when, resource.span));
                    }
                }
            }
            ("before", _) => plan.before.push((own, call, settled(when))),
            ("before_app", _) => plan.before.push((None, call, settled(when))),
            ("after" | "cors", _) => plan.after.push((Out { call, blueprint: own }, when)),
            ("after_app", _) => plan.after.push((Out { call, blueprint: None }, when)),
            ("error" | "error_app", Some(what)) => {
                let Some(function) = call.arguments.get(1).cloned() else { continue };
                let blueprint = own.filter(|_| &*call.name == "error");
                plan.handlers.push(Handler { blueprint, what: Handled::of(&what), function });
            }
            ("blueprint", Some(inner)) => {
                let Some(inner) = inner.as_object().filter(|id| eval.object(*id).tag == Tag::Host(BLUEPRINT)) else {
                    continue;
                };
                let options = call.arguments.get(1).and_then(Value::as_object);
                if !scope.blueprints.contains(&inner) {
                    let scope = below(eval, inner, options, scope, call.when.clone());
                    walk(eval, inner, &scope, plan, depth + 1);
                }
            }
            ("run", Some(port)) => plan.listens.push(Listen { port: port_of(&port), span: call.span }),
            ("startup", Some(text)) => {
                plan.startup = plan.startup.take().or_else(|| Some((text.as_str()?.to_owned(), call.span)));
            }
            ("late-decorator", Some(view)) => plan.remarks.push(Remark {
                kind: RemarkKind::Dead {
                    why: "`@cross_origin` stands above `@app.route`, which has registered the bare view".into(),
                    help: "move it below the route's decorator, next to the function".into(),
                    consequence: Some("the answers of this route have no CORS headers".into()),
                    severe: true,
                },
                span: if call.span.file == view.span.file { call.span } else { view.span },
            }),
            _ => {}
        }
    }
}

/// The condition of a registration that decides nothing of CORS by itself: what cannot be followed is taken to hold.
fn settled(when: Guard) -> Guard {
    if is_open(&when) { Guard::Always } else { when }
}

fn port_of(value: &Value) -> Option<u16> {
    match &value.kind {
        Kind::Number(number) => Some(*number as u16),
        Kind::Str(text) => text.trim().parse().ok(),
        Kind::Choose(choice) => port_of(&choice.2).or_else(|| port_of(&choice.1)),
        _ => None,
    }
}

/// Settings of flask-cors that come after the `CORS(app)` which should have read them.
fn late_settings(eval: &Evaluator, id: ObjectId, plan: &mut Plan) {
    let Some(settings) = super::config::of(eval, id) else { return };
    let calls = &eval.object(settings).calls;
    let Some(at) = calls.iter().rposition(|call| &*call.name == "cors") else { return };
    for call in &calls[at..] {
        let Some(name) = call.arguments.get(0).and_then(Value::as_str).filter(|_| &*call.name == "set") else {
            continue;
        };
        plan.remarks.push(Remark {
            kind: RemarkKind::Dead {
                why: format!("`{name}` is set after `CORS(app)` has read the configuration"),
                help: "set it before `CORS(app)`, or give the option to `CORS` itself".into(),
                consequence: Some("the default holds instead".into()),
                severe: true,
            },
            span: call.span,
        });
    }
}

/// The rules in the order in which they are tried.
fn table(runner: &mut Runner, id: ObjectId, plan: &Plan, incomplete: bool) -> Group {
    let span = runner.eval.object(id).span;
    let strict = app_strict(runner.eval, id);
    let mut found = Vec::new();
    for (rule, scope, when, at) in &plan.rules {
        one_rule(runner, *rule, scope, when, *at, &strict, plan, &mut found);
    }
    statics(runner.eval, id, span, &mut found);
    found.sort_by(|a, b| (&a.order, a.is_redirect).cmp(&(&b.order, b.is_redirect)));
    let mut group = Group::new(Dispatch::Rules, span);
    group.nodes = found.into_iter().map(|registered| Node::Step(registered.step)).collect();
    if incomplete {
        let end = End::Respond(Reason::new("what else the application answers is not known", span));
        group.nodes.push(Node::Step(step(StepKind::Route, Vec::new(), end, span, "the application")));
    }
    group
}

fn app_strict(eval: &Evaluator, id: ObjectId) -> Guard {
    app::is_on(eval, id, "strict_slashes")
}

/// The names of methods in a value.
fn methods(eval: &mut Evaluator, value: Option<Value>, span: Span) -> Result<Vec<Arc<str>>, Reason> {
    let Some(value) = value.filter(|value| !value.is_nullish()) else { return Ok(Vec::new()) };
    let (items, open) = eval.each(&value, span);
    if let Some(reason) = open {
        return Err(reason);
    }
    let mut names = Vec::new();
    for item in items {
        match item.as_str() {
            Some(name) => names.push(Arc::from(name.to_ascii_uppercase())),
            None => return Err(Reason::new("the methods of this route are not known", item.span)),
        }
    }
    Ok(names)
}

#[allow(clippy::too_many_arguments, reason = "the parts of one registration")]
fn one_rule(
    runner: &mut Runner,
    rule: ObjectId,
    scope: &Scope,
    when: &Guard,
    span: Span,
    strict: &Guard,
    plan: &Plan,
    found: &mut Vec<Registered>,
) {
    let get = |runner: &Runner, name: &str| field(runner.eval, rule, name);
    let written = get(runner, "rule");
    let text = written.as_ref().and_then(|rule| rule.as_str()).map(|text| rules::join(&scope.prefix, text));
    let own = methods(runner.eval, get(runner, "methods"), span);
    let required = methods(runner.eval, get(runner, "required_methods"), span).unwrap_or_default();
    let known = own.is_ok();
    let mut names = own.unwrap_or_default();
    if names.is_empty() && known {
        names.push("GET".into());
    }
    // The view's own word comes before what Flask provides by itself.
    let automatic = match get(runner, "provide_automatic_options").filter(|value| !value.is_nullish()) {
        Some(value) => value.truthy(),
        None => Guard::from(known && !names.iter().any(|name| &**name == "OPTIONS")),
    };
    if automatic != Guard::Never && get(runner, "provide_automatic_options").is_none_or(|value| value.is_nullish()) {
        names.push("OPTIONS".into());
    }
    for name in required {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut effects: Vec<Effect> = Vec::new();
    for blueprint in &scope.blueprints {
        effects.push(Effect { when: Guard::Always, kind: EffectKind::Mark(mark(*blueprint)), span });
    }
    for blueprint in scope.blueprints.iter().rev() {
        for (_, call, when) in plan.before.iter().filter(|(owner, ..)| *owner == Some(*blueprint)) {
            let Some(function) = call.arguments.get(0) else { continue };
            let own = runner.before(function, &scope.blueprints, After::Leave, call.span);
            effects.extend(own.into_iter().map(|effect| Effect { when: when.clone().and(effect.when), ..effect }));
        }
    }
    if automatic != Guard::Never {
        let asked = request::is_method("OPTIONS", span).and(automatic);
        effects.push(Effect { when: asked, kind: EffectKind::Respond(Some(Status::Code(200))), span });
    }
    let mut end = End::Respond(Reason::new("what the view answers is not known", span));
    match get(runner, "view") {
        Some(view) => effects.extend(runner.view(&view, &scope.blueprints, span)),
        None => end = End::Respond(Reason::new("the view is not known", span)),
    }
    let label = match &text {
        Some(text) => format!("{} {text}", names.first().map_or("GET", |name| name)),
        None => "a route".to_owned(),
    };
    let methods = known.then_some(names);
    let unknown = scope.unknown.clone().or_else(|| {
        let at = written.as_ref().map_or(span, |rule| rule.span);
        text.is_none().then(|| rules::reason(at))
    });
    let mut step = step(StepKind::Route, effects, end, span, &label);
    step.when = when.clone();
    step.methods = methods;
    if let Some(reason) = unknown {
        step.path = rules::unknown(reason);
        // Where it stands among the others is not known: last, so that those that are known decide.
        found.push(Registered {
            order: vec![Part::Dynamic(0, Vec::new(), 0, vec![i64::MAX])],
            is_redirect: false,
            step,
        });
        return;
    }
    let parsed = Rule::new(text.as_deref().unwrap_or_default());
    let strict = match get(runner, "strict_slashes").filter(|value| !value.is_nullish()) {
        Some(value) => value.truthy(),
        None => strict.clone(),
    };
    // Without its slash a path is no path of the rule's: methods that it does not take count for nothing there.
    if let Some(path) = parsed.without_slash() {
        let at = written.as_ref().map_or(span, |rule| rule.span);
        let taken = match &step.methods {
            Some(names) => Guard::any(names.iter().flat_map(|name| {
                let head = (&**name == "GET").then(|| request::is_method("HEAD", at));
                [request::is_method(name, at)].into_iter().chain(head)
            })),
            None => Guard::Always,
        };
        if strict != Guard::Never {
            let effect = |kind: EffectKind| Effect { when: Guard::Always, kind, span: at };
            let redirect = Step {
                kind: StepKind::Redirect,
                path: path.clone(),
                methods: None,
                when: Guard::all([step.when.clone(), taken.clone(), strict.clone()]),
                effects: vec![effect(EffectKind::Status(Status::Code(308))), effect(EffectKind::Next)],
                end: End::Continue,
                span: at,
                label: "the redirect to the path with a slash".into(),
            };
            found.push(Registered { order: parsed.order_of_redirect(), is_redirect: true, step: redirect });
        }
        if strict != Guard::Always {
            let when = Guard::all([step.when.clone(), taken, Guard::not(strict)]);
            let same = Step { path, methods: None, when, ..step.clone() };
            found.push(Registered { order: parsed.order_of_redirect(), is_redirect: true, step: same });
        }
    }
    step.path = parsed.path();
    found.push(Registered { order: parsed.order, is_redirect: false, step });
}

/// What a rule of a blueprint notes.
fn mark(blueprint: ObjectId) -> Arc<str> {
    format!("blueprint {}", blueprint.0).into()
}

/// The rule for static files, which every application has unless it says otherwise.
fn statics(eval: &mut Evaluator, id: ObjectId, span: Span, found: &mut Vec<Registered>) {
    let folder = field(eval, id, "static_folder");
    if folder.as_ref().is_some_and(Value::is_nullish) {
        return;
    }
    let url = field(eval, id, "static_url_path").filter(|url| !url.is_nullish());
    let base = match &url {
        Some(url) => url.as_str().map(str::to_owned),
        None => match folder {
            None => Some("static".to_owned()),
            Some(folder) => folder.as_str().and_then(|folder| folder.rsplit('/').next().map(str::to_owned)),
        },
    };
    let Some(base) = base else { return };
    let rule = Rule::new(&format!("/{}/<path:filename>", base.trim_matches('/')).replace("//", "/"));
    let missing = Guard::Unknown(Reason::new("whether there is a file of that name", span));
    let options = request::is_method("OPTIONS", span);
    let effects = vec![
        Effect { when: options, kind: EffectKind::Respond(Some(Status::Code(200))), span },
        Effect { when: missing.clone(), kind: EffectKind::Status(Status::Code(404)), span },
        Effect { when: missing, kind: EffectKind::Next, span },
        Effect {
            when: Guard::Always,
            kind: EffectKind::Respond(Some(Status::Unknown(Reason::new("how the file is served", span)))),
            span,
        },
    ];
    let mut step = step(StepKind::Static, effects, End::Continue, span, "the static files");
    step.path = rule.path();
    step.methods = Some(vec!["GET".into(), "OPTIONS".into()]);
    found.push(Registered { order: rule.order, is_redirect: false, step });
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

struct WayOut {
    outgoing: Vec<Step>,
    intercept: Vec<Step>,
    /// Why the program would not start.
    startup: Option<(String, Span)>,
}

/// What runs on the way out, in the order in which it runs, and what flask-cors does to errors before that.
fn way_out(runner: &mut Runner, plan: &Plan) -> WayOut {
    // Blueprints' functions come before the application's, each group from the last registered to the first.
    let mut ordered: Vec<&(Out, Guard)> = plan.after.iter().filter(|(out, _)| out.blueprint.is_some()).rev().collect();
    ordered.extend(plan.after.iter().filter(|(out, _)| out.blueprint.is_none()).rev());
    let mut outgoing: Vec<Step> = Vec::new();
    let mut intercept = Vec::new();
    let mut startup = None;
    for (out, when) in ordered {
        let call = &out.call;
        let earlier: Vec<Effect> = outgoing
            .iter()
            .flat_map(|step| {
                step.effects
                    .iter()
                    .map(|effect| Effect { when: step.when.clone().and(effect.when.clone()), ..effect.clone() })
            })
            .collect();
        let mut step = match &*call.name {
            "cors" => {
                let Some(dict) = call.arguments.get(0).and_then(Value::as_object) else { continue };
                let version = version(runner.eval, call.span);
                let options = Options::merge(runner.eval, None, &[dict], version);
                startup = startup.or_else(|| refused(runner.eval, &options).map(|text| (text.to_owned(), call.span)));
                let step = extension(runner, &options, &earlier, call.span);
                let intercepts = options.is_on("intercept_exceptions", true);
                if out.blueprint.is_none() && intercepts != Guard::Never {
                    let when = when.clone().and(intercepts);
                    intercept.insert(0, Step { when, ..step.clone() });
                }
                step
            }
            _ => {
                let Some(function) = call.arguments.get(0) else { continue };
                let effects = runner.after(function, &earlier, call.span);
                step(StepKind::Middleware, effects, End::Continue, call.span, "the function after requests")
            }
        };
        step.when = match out.blueprint {
            Some(blueprint) => when.clone().and(Guard::Marked(mark(blueprint))),
            None => when.clone(),
        };
        outgoing.push(step);
    }
    WayOut { outgoing, intercept, startup }
}

/// `CORS(app)`'s function on the way out.
fn extension(runner: &mut Runner, options: &Options, earlier: &[Effect], span: Span) -> Step {
    let collected = runner.eval.collected(
        |eval| {
            notice(eval, options);
            let resources = resources(eval, options, span);
            let fresh = Guard::not(Guard::HadHeader(headers::ALLOW_ORIGIN.into()))
                .and(Guard::not(Guard::Marked(EVALUATED_MARK.into())));
            let mut before = Vec::new();
            for resource in resources {
                let taken = Guard::any(before.iter().cloned());
                let when = Guard::all([fresh.clone(), Guard::not(taken), resource.matches.clone()]);
                eval.under(when, |eval| {
                    notice(eval, &resource.options);
                    let (id, _) = response::outgoing(eval, span);
                    set_headers(eval, id, &resource.options, span);
                    response::flush(eval, id);
                });
                before.push(resource.matches);
            }
            Value::undefined(span)
        },
        false,
    );
    let mut effects = Vec::new();
    for (when, value) in collected.thrown {
        effects.extend(fails(when, earlier, value.span, |_| {}));
    }
    effects.extend(collected.effects);
    step(StepKind::Cors, effects, End::Continue, span, "CORS")
}

/// Whether a module is one of Python's.
pub(super) fn is_python(eval: &Evaluator, at: usize) -> bool {
    eval.modules().get(at).is_some_and(|module| module.language == Language::Python)
}
