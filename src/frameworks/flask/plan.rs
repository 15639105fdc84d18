//! What was registered on an application and its blueprints, in order.

use super::hooks::{Handled, Handler};
use super::settle::is_open;
use super::{API, BLUEPRINT, RULE, config, field, host_object, rules, views};
use crate::eval::{Call, Evaluator, Kind, ObjectId, Tag, Value};
use crate::model::{Guard, Listen, Reason, Remark, RemarkKind};
use crate::source::Span;

/// A function on the way out.
pub(super) struct Out {
    pub call: Call,
    /// The blueprint whose answers it sees; `None` for all.
    pub blueprint: Option<ObjectId>,
}

/// Where something is registered.
#[derive(Clone, Default)]
pub(super) struct Scope {
    /// The blueprints around it, the innermost first.
    pub blueprints: Vec<ObjectId>,
    pub prefix: String,
    /// Why the prefix is not known.
    pub unknown: Option<Reason>,
    when: Option<Guard>,
}

impl Scope {
    fn when(&self, call: &Call) -> Guard {
        self.when.clone().unwrap_or(Guard::Always).and(call.when.clone())
    }
}

#[derive(Default)]
pub(super) struct Plan {
    pub rules: Vec<(ObjectId, Scope, Guard, Span)>,
    pub before: Vec<(Option<ObjectId>, Call, Guard)>,
    pub after: Vec<(Out, Guard)>,
    pub handlers: Vec<Handler>,
    pub listens: Vec<Listen>,
    pub startup: Option<(String, Span)>,
    /// Whether there may be rules that are not known.
    pub is_open: bool,
    pub remarks: Vec<Remark>,
}

/// The scope of a blueprint that is registered in another scope.
pub(super) fn below(
    eval: &Evaluator,
    blueprint: ObjectId,
    options: Option<ObjectId>,
    outer: &Scope,
    when: Guard,
) -> Scope {
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
pub(super) fn walk(eval: &mut Evaluator, id: ObjectId, scope: &Scope, plan: &mut Plan, depth: usize) {
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
                    let (root, _) = host_object(eval, RULE, call.span);
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
                    plan.is_open = true;
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
pub(super) fn late_settings(eval: &Evaluator, id: ObjectId, plan: &mut Plan) {
    let Some(settings) = config::of(eval, id) else { return };
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
