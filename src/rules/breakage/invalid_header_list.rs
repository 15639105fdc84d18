//! A CORS header that cannot be read, or names what no browser knows.

use crate::cors::headers;
use crate::finding::{Applicability, Finding, Severity};
use crate::model::{Effect, HeaderWrite, Text, World};
use crate::rules::{Report, Rule, ServerView, edits};
use crate::source::Span;

/// `invalid-header-list`
pub struct InvalidHeaderList;

/// Methods that browsers compare as they are written, and that need to be listed.
const COMPARED: &[&str] = &["PUT", "PATCH", "DELETE"];

/// Request headers that are written into lists in the belief that cookies need it.
const NEVER_SET: &[&str] = &["cookie", "cookie2", "set-cookie", "set-cookie2"];

impl Rule for InvalidHeaderList {
    fn id(&self) -> &'static str {
        "invalid-header-list"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for (_, effect, write) in view.writes(|name| headers::misspelt_cors_header(name).is_some()) {
            self.misspelt(view, effect, write, report);
        }
        for (_, effect, write) in view.writes(|name| headers::answer_to(name).is_some()) {
            self.of_requests(view, effect, write, report);
        }
        let is_list = |name: &str| {
            [headers::ALLOW_METHODS, headers::ALLOW_HEADERS, headers::EXPOSE_HEADERS]
                .iter()
                .any(|list| list.eq_ignore_ascii_case(name))
        };
        for (_, effect, write) in view.writes(is_list) {
            let place = write.trail.0.first().map_or(effect.span, |(place, _)| *place);
            for value in &write.values {
                literals(value, &mut |list| self.list(view, effect, write, list, place, report));
            }
        }
    }
}

impl InvalidHeaderList {
    fn misspelt(&self, view: &ServerView, effect: &Effect, write: &HeaderWrite, report: &mut Report) {
        let Some(meant) = headers::misspelt_cors_header(&write.name) else { return };
        let meant = headers::canonical(meant);
        let place =
            edits::literal(view, effect.span, &write.name).or_else(|| edits::word(view, effect.span, &write.name));
        let message = format!("no browser reads `{}`; the header is called `{meant}`", write.name);
        let Some(finding) = report.at(self.id(), place.unwrap_or(effect.span), "misspelt", message) else { return };
        finding.consequence = Some(format!("it is as if {meant} were not sent"));
        finding.help = Some(format!("write `{meant}`"));
        if let Some(place) = place {
            edits::replace(finding, Applicability::Safe, "write the header's name", place, &meant);
        }
    }

    /// A header that browsers send, in an answer that lacks its counterpart.
    fn of_requests(&self, view: &ServerView, effect: &Effect, write: &HeaderWrite, report: &mut Report) {
        let Some(meant) = headers::answer_to(&write.name) else { return };
        if !view.writes(|name| name.eq_ignore_ascii_case(meant)).is_empty() {
            return;
        }
        let meant = headers::canonical(meant);
        let place =
            edits::literal(view, effect.span, &write.name).or_else(|| edits::word(view, effect.span, &write.name));
        let message = format!("`{}` is a header of requests; answers say `{meant}`", write.name);
        let Some(finding) = report.at(self.id(), place.unwrap_or(effect.span), "read by nobody", message) else {
            return;
        };
        finding.severity = Severity::Warning;
        finding.consequence = Some(format!("it is as if {meant} were not sent"));
        finding.help = Some(format!("write `{meant}`"));
        if let Some(place) = place {
            edits::replace(finding, Applicability::Unsafe, "write the header's name", place, &meant);
        }
    }

    fn list(
        &self,
        view: &ServerView,
        effect: &Effect,
        write: &HeaderWrite,
        list: &str,
        place: Span,
        report: &mut Report,
    ) {
        let name = headers::canonical(&write.name).into_owned();
        let Some(members) = headers::parse_list([list]) else {
            let message = format!("`{name}` cannot be read: `{list}` is no list of names with commas");
            let Some(finding) = report.at(self.id(), place, "cannot be parsed", message) else { return };
            finding.consequence = Some(if write.is(headers::EXPOSE_HEADERS) {
                "no header is exposed".into()
            } else if !answers_preflights(view, effect.span) {
                finding.severity = Severity::Warning;
                "browsers look for it on answers to preflights, and this is none: no page notices".into()
            } else {
                format!("every preflight fails: \"Cannot parse {name} response header field in preflight response.\"")
            });
            finding.help = Some(if list.starts_with('[') || list.starts_with('(') {
                "write one text, in which commas stand between the names: `\"GET, PUT\"`; a list is written with its brackets".into()
            } else {
                "write the names with commas between them: `GET, PUT`".to_owned()
            });
            repair(view, finding, place, list);
            return;
        };
        if write.is(headers::ALLOW_METHODS) {
            let small: Vec<String> = members
                .into_iter()
                .filter(|method| {
                    COMPARED.iter().any(|known| known.eq_ignore_ascii_case(method))
                        && !COMPARED.contains(&method.as_str())
                })
                .collect();
            let Some(first) = small.first() else { return };
            let upper = first.to_ascii_uppercase();
            if headers::parse_list([list]).is_some_and(|members| members.contains(&upper)) {
                return;
            }
            let message = format!("methods are compared as they are written, and `{first}` is not `{upper}`");
            let Some(finding) = report.at(self.id(), place, "matches no request", message) else { return };
            finding.consequence = Some(format!(
                "\"Method {upper} is not allowed by Access-Control-Allow-Methods in preflight response.\""
            ));
            finding.help = Some("write methods in capitals".into());
            capitals(view, finding, place, &small);
        } else if write.is(headers::ALLOW_HEADERS)
            && let Some(never) = members.iter().find(|name| NEVER_SET.contains(&name.to_ascii_lowercase().as_str()))
        {
            let message = format!("no page may set `{never}`, so allowing it does nothing");
            let Some(finding) = report.at(self.id(), place, "has no effect", message) else { return };
            finding.severity = Severity::Note;
            finding.consequence = Some("cookies go with requests that are made with `credentials: 'include'`, and need Access-Control-Allow-Credentials".into());
            finding.help = Some("remove it".into());
        }
    }
}

/// Whether an answer to a preflight has what is written at a place, or may have it.
fn answers_preflights(view: &ServerView, place: Span) -> bool {
    let has = |world: &World| world.headers.iter().any(|sent| sent.span == place);
    !view.complete() || view.calls().iter().any(|call| call.preflight.1.worlds.iter().any(has))
}

/// The literals that a text may be.
fn literals(text: &Text, see: &mut impl FnMut(&str)) {
    match text {
        Text::Literal(literal) => see(literal),
        Text::Choose(_, then, otherwise) => {
            literals(then, see);
            literals(otherwise, see);
        }
        _ => {}
    }
}

/// Puts commas where other separators stand, when that makes it a list.
fn repair(view: &ServerView, finding: &mut Finding, place: Span, list: &str) {
    let parts = list.split(|letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | '|'));
    let bare = parts.map(|part| part.trim_matches(['"', '\'', '[', ']', '(', ')'])).filter(|part| !part.is_empty());
    let repaired = bare.collect::<Vec<_>>().join(", ");
    if headers::parse_list([repaired.as_str()]).is_none_or(|members| members.is_empty()) {
        return;
    }
    if let Some(span) = edits::literal(view, place, list) {
        edits::replace(finding, Applicability::Safe, "separate the names with commas", span, &repaired);
    }
}

/// Writes methods in capitals, each at its place.
fn capitals(view: &ServerView, finding: &mut Finding, place: Span, methods: &[String]) {
    use crate::finding::{Edit, Fix};
    let places: Option<Vec<Edit>> = methods
        .iter()
        .map(|method| {
            let span = edits::literal(view, place, method)?;
            Some(Edit { span, replacement: method.to_ascii_uppercase() })
        })
        .collect();
    if let Some(edits) = places {
        finding.fixes.push(Fix {
            title: "write methods in capitals".into(),
            applicability: Applicability::Safe,
            edits,
        });
    }
}
