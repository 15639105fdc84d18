//! Whether the paths of a `CORS(…)` are paths of the application at all.

use super::options::{Entry, Options, entries, version};
use super::plan::Plan;
use super::{API, field, rules};
use crate::eval::{Evaluator, Kind, ObjectId, Tag, Value};
use crate::model::{Remark, RemarkKind};

/// Packages that are given the application and add no routes to it.
const WITHOUT_ROUTES: &[&str] = &[
    "flask_bcrypt",
    "flask_caching",
    "flask_compress",
    "flask_jwt_extended",
    "flask_limiter",
    "flask_login",
    "flask_mail",
    "flask_marshmallow",
    "flask_migrate",
    "flask_mysqldb",
    "flask_pymongo",
    "flask_session",
    "flask_sqlalchemy",
    "flask_talisman",
    "flask_wtf",
];

/// A path of the application, as its rule is written.
struct Route {
    text: String,
    blueprints: Vec<ObjectId>,
}

/// Remarks on resources that take no path for which there is a rule. Where there may be rules that are not known, there
/// is nothing to say.
pub(super) fn unmatched(eval: &mut Evaluator, id: ObjectId, plan: &mut Plan) {
    let policies: Vec<_> = plan
        .after
        .iter()
        .filter(|(out, _)| &*out.call.name == "cors")
        .filter_map(|(out, _)| Some((out.blueprint, out.call.arguments.get(0)?.as_object()?, out.call.span)))
        .collect();
    if policies.is_empty() || plan.is_open || eval.is_spent() || may_have_more(eval, id, plan) {
        return;
    }
    let Some(routes) = routes(eval, plan) else { return };
    for (blueprint, dict, span) in policies {
        let options = Options::merge(eval, None, &[dict], version(eval, span));
        let Some(table) = options.get("resources").cloned() else { continue };
        let (entries, _) = entries(eval, &table, options.version < 6);
        let dead = |entry: &Entry| {
            let (Entry::Literal(text, _) | Entry::Pattern(Ok(_), text, _)) = entry else { return false };
            let sees = |route: &&Route| blueprint.is_none_or(|blueprint| route.blueprints.contains(&blueprint));
            let starts = text.trim_start_matches('^').starts_with('/');
            starts && !routes.iter().filter(sees).any(|route| may_take(entry, text, &route.text))
        };
        let severe = entries.iter().all(|(_, entry)| dead(entry));
        for (_, entry) in entries.iter().filter(|(_, entry)| dead(entry)) {
            let (Entry::Literal(text, place) | Entry::Pattern(Ok(_), text, place)) = entry else { continue };
            let whose = if blueprint.is_some() { "the blueprint" } else { "the application" };
            plan.remarks.push(Remark {
                kind: RemarkKind::Dead {
                    why: format!("`{text}` takes no path of {whose}"),
                    help: "write the paths as they are called, with the prefixes of blueprints".into(),
                    consequence: severe.then(|| "no answer has the CORS headers that it was meant to have".into()),
                    severe,
                },
                span: *place,
            });
        }
    }
}

/// Whether code that is not read may add rules: it was given the application, a blueprint or an API, or gives one.
fn may_have_more(eval: &Evaluator, id: ObjectId, plan: &Plan) -> bool {
    let concerned = |given: &ObjectId| {
        *given == id
            || eval.object(*given).tag == Tag::Host(API)
            || plan.rules.iter().any(|(_, scope, ..)| scope.blueprints.contains(given))
    };
    let harmless = |text: &str| WITHOUT_ROUTES.iter().any(|package| text.contains(&format!("`{package}`")));
    let handed_on = eval.handed_on.iter().any(|(given, reason)| concerned(given) && !harmless(&reason.text));
    let is_known = |value: Option<&Value>| match value.map(|value| &value.kind) {
        Some(Kind::Class(_)) => true,
        Some(Kind::Object(id)) => matches!(eval.object(*id).tag, Tag::Host(_)),
        _ => false,
    };
    let mut apis = eval.objects().filter(|(_, object)| object.tag == Tag::Host(API));
    handed_on
        || eval.subclass_of(id).is_some()
        || apis.any(|(_, api)| {
            let mut given = api.calls.iter().filter(|call| matches!(&*call.name, "resource" | "namespace"));
            given.any(|call| !is_known(call.arguments.get(0)))
        })
}

/// The paths of all rules; `None` where one is not known.
fn routes(eval: &Evaluator, plan: &Plan) -> Option<Vec<Route>> {
    let mut routes = vec![Route { text: "/static/<path:filename>".into(), blueprints: Vec::new() }];
    for (rule, scope, ..) in &plan.rules {
        if scope.unknown.is_some() {
            return None;
        }
        let written = field(eval, *rule, "rule")?;
        let text = rules::join(&scope.prefix, written.as_str()?);
        routes.push(Route { text, blueprints: scope.blueprints.clone() });
    }
    (routes.len() > 1).then_some(routes)
}

/// Whether a resource may take a path of a rule. Where the rule has variables, their beginnings are compared.
fn may_take(entry: &Entry, resource: &str, route: &str) -> bool {
    if let Some((fixed, _)) = route.split_once('<') {
        let begins = beginning(resource);
        return begins.starts_with(fixed) || fixed.starts_with(begins);
    }
    let paths = [route, route.trim_end_matches('/')];
    paths.iter().any(|path| match entry {
        Entry::Literal(text, _) => text.eq_ignore_ascii_case(path),
        Entry::Pattern(Ok(pattern), ..) => pattern.matches(path) != Some(false),
        _ => true,
    })
}

/// What every path that a pattern takes begins with.
fn beginning(pattern: &str) -> &str {
    let pattern = pattern.trim_start_matches('^');
    let end = pattern.find(['*', '.', '\\', '?', '[', '(', '$', '|', '+', '{']).unwrap_or(pattern.len());
    match pattern[end..].starts_with(['*', '?', '{']) {
        _ if pattern.contains('|') => "",
        // The last letter need not be there.
        true => &pattern[..end.saturating_sub(1)],
        false => &pattern[..end],
    }
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn a_pattern_begins_with_what_comes_before_its_first_sign() {
        assert_eq!(beginning("^/api/*"), "/api");
        assert_eq!(beginning("/api/.*"), "/api/");
        assert_eq!(beginning("/api"), "/api");
        assert_eq!(beginning("/a|/b"), "");
    }
}
