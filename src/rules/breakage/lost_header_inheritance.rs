//! Headers of a level throw away those of the level above.

use std::sync::Arc;

use crate::cors::{BlockCode, Fetch, Verdict, browser, headers};
use crate::finding::{Applicability, Confidence, Edit, Finding, Fix, Label, Snippet};
use crate::model::{RemarkKind, World};
use crate::rules::calls::{origins, overruled, preflight_verdict};
use crate::rules::{Report, Rule, ServerView, evidence, when, with_certainty};
use crate::source::Span;

/// `lost-header-inheritance`
pub struct LostHeaderInheritance;

impl Rule for LostHeaderInheritance {
    fn id(&self) -> &'static str {
        "lost-header-inheritance"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for remark in &view.server.remarks {
            let RemarkKind::LostWrites { lost, by, level, room } = &remark.kind else { continue };
            let first = by.first().map_or("a header", |(name, _)| &**name);
            let message = |what: &str| format!("{first} in {level} throws away {what} of the level above");
            let lost = Lost { lost, by, level, room: *room, place: remark.span };
            if lost.loses(headers::ALLOW_ORIGIN) {
                self.report(view, &lost, message("the CORS headers"), report);
            } else if lost.loses(headers::ALLOW_HEADERS) && refuses_json(view, by) {
                // A level with an origin of its own, which is a preflight's answer without all that belongs to it.
                let message = message(&headers::canonical(headers::ALLOW_HEADERS));
                if let Some(finding) = self.report(view, &lost, message, report) {
                    finding.consequence = Some("the preflight of a request with a JSON body or a header of its own fails: \"Request header field content-type is not allowed by Access-Control-Allow-Headers in preflight response.\"".into());
                }
            }
        }
        for call in view.calls() {
            for answer in [&call.answer, &call.preflight.1] {
                let Some((certainty, world)) = when(answer, |world| overruled(view, world).next().is_some()) else {
                    continue;
                };
                for (kind, place) in overruled(view, world) {
                    let RemarkKind::LostWrites { lost, by, level, room } = kind else { continue };
                    let lost = Lost { lost, by, level, room: *room, place };
                    if !lost.loses(headers::ALLOW_ORIGIN) {
                        continue;
                    }
                    let message = format!("{level} throws away the CORS headers of an `if` before it: the last counts");
                    let Some(finding) = self.report(view, &lost, message, report) else { continue };
                    finding.evidence = evidence(view, &call.fetch, &certainty);
                    finding.help = Some(format!(
                        "repeat the headers in {level}: it inherits from its location, not from another `if`"
                    ));
                    if !view.complete() {
                        finding.confidence = Confidence::Medium;
                    }
                    with_certainty(finding, &certainty);
                }
            }
        }
    }
}

/// Lost headers, as [`RemarkKind::LostWrites`] has them.
struct Lost<'a> {
    lost: &'a [(Arc<str>, Span)],
    by: &'a [(Arc<str>, Span)],
    level: &'a str,
    room: Span,
    place: Span,
}

impl Lost<'_> {
    /// Whether a header is lost, and not sent by the level itself.
    fn loses(&self, name: &str) -> bool {
        let has = |list: &[(Arc<str>, Span)]| list.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        has(self.lost) && !has(self.by)
    }
}

impl LostHeaderInheritance {
    fn report<'r>(
        &self,
        view: &ServerView,
        what: &Lost,
        message: String,
        report: &'r mut Report,
    ) -> Option<&'r mut Finding> {
        let Lost { lost, level, room, place, .. } = *what;
        let finding = report.at(self.id(), place, "drops what was set before", message)?;
        let repeat: Vec<Span> = lost.iter().filter(|(name, _)| what.loses(name)).map(|(_, span)| *span).collect();
        finding.labels.extend(
            lost.iter().filter(|(name, _)| is_cors(name)).take(4).map(|(_, span)| Label::new(*span, "lost there")),
        );
        finding.consequence = Some(format!(
            "answers of {level} come without them: \"No 'Access-Control-Allow-Origin' header is present on the requested resource.\""
        ));
        finding.help = Some(format!(
            "repeat the headers in {level}; nginx 1.29.3 and later can also say `add_header_inherit merge;`"
        ));
        if let Some(edit) = repetition(view, room, &repeat) {
            finding.change = Some(Snippet { span: edit.span, replacement: edit.replacement.clone() });
            let title = "repeat the lost headers".to_owned();
            finding.fixes.push(Fix { title, applicability: Applicability::Safe, edits: vec![edit] });
        }
        Some(finding)
    }
}

/// Whether a preflight that asks for `Content-Type` fails where the writes `by` are on its answer.
fn refuses_json(view: &ServerView, by: &[(Arc<str>, Span)]) -> bool {
    let refused = |path: &str, origin: &str| {
        let fetch = Fetch::get(origin, path).with_method("POST").with_header("Content-Type", "application/json");
        let Some(preflight) = browser::needs_preflight(&fetch) else { return false };
        let refused = |world: &World| {
            by.iter().all(|(_, span)| world.headers.iter().any(|sent| sent.span == *span))
                && matches!(preflight_verdict(&fetch, world), Verdict::Blocked(block)
                    if block.code == BlockCode::HeaderDisallowedByPreflightResponse)
        };
        when(&view.ask(&preflight), refused).is_some()
    };
    let origins = origins(view);
    view.routes.iter().any(|route| origins.iter().any(|origin| refused(&route.path, origin)))
}

fn is_cors(name: &str) -> bool {
    headers::is_cors_response_header(name)
}

/// The lost lines again, behind the last one of the level, with its indentation.
fn repetition(view: &ServerView, room: Span, lost: &[Span]) -> Option<Edit> {
    let file = view.sources.get(room.file);
    let start = file.text.get(..room.start as usize)?.rfind('\n').map_or(0, |at| at + 1);
    let indent: String = file.text[start..].chars().take_while(|letter| matches!(letter, ' ' | '\t')).collect();
    let ending = if file.text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut replacement = String::new();
    for span in lost {
        let line = view.sources.text(*span);
        let line = line.trim().trim_end_matches(';');
        if line.is_empty() || line.contains('\n') {
            return None;
        }
        replacement.push_str(&format!("{ending}{indent}{line};"));
    }
    let at = room.end;
    (!lost.is_empty()).then_some(Edit { span: Span::new(room.file, at, at), replacement })
}
