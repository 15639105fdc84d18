//! An option that the library does not know.

use crate::cors::headers;
use crate::finding::{Applicability, Severity};
use crate::model::{EffectKind, RemarkKind, each_effect};
use crate::rules::{Report, Rule, ServerView, edits};
use crate::source::Span;

/// `unknown-option`
pub struct UnknownOption;

impl Rule for UnknownOption {
    fn id(&self) -> &'static str {
        "unknown-option"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for (kind, span) in view.notices() {
            let RemarkKind::UnknownOption { name, meant, library, effect } = kind else { continue };
            let opens = effect.contains("every origin") || effect.contains("everybody");
            let message = match meant {
                Some(meant) => format!("{library} does not know the option `{name}`; it is called `{meant}`"),
                None => format!("{library} does not know the option `{name}`"),
            };
            let spelt = edits::word(view, first_line(view, span), name);
            let place = spelt.unwrap_or(span);
            let Some(finding) = report.at(self.id(), place, "ignored", message) else { continue };
            finding.consequence = Some(format!("nothing complains: {effect}"));
            if meant.is_none() && !opens {
                finding.severity = Severity::Warning;
            }
            match meant {
                Some(meant) => {
                    finding.help = Some(format!("rename it to `{meant}`"));
                    if spelt.is_some() {
                        edits::replace(finding, Applicability::Safe, &format!("rename it to `{meant}`"), place, meant);
                    }
                }
                None => finding.help = Some(format!("look its name up in the options of {library}, or remove it")),
            }
            // What the default opens is told here.
            if opens {
                for policy in policies(view, span) {
                    for rule in ["wildcard-origin", "reflected-origin", "reflected-origin-with-credentials"] {
                        report.withdraw(rule, policy);
                    }
                }
            }
        }
    }
}

/// The place as far as the end of its first line: an option's value may be long.
fn first_line(view: &ServerView, span: Span) -> Span {
    let text = view.sources.text(span);
    let length = text.find(['\n', ':', '=']).unwrap_or(text.len());
    Span::new(span.file, span.start, span.start + length as u32)
}

/// Where the steps that left a notice at `span` take the origins from that they send.
fn policies(view: &ServerView, span: Span) -> Vec<Span> {
    let mut steps = Vec::new();
    each_effect(view.server, &mut |step, effect| {
        if effect.span == span && matches!(effect.kind, EffectKind::Notice(RemarkKind::UnknownOption { .. })) {
            steps.push(step.span);
        }
    });
    let writes = view.writes(|name| name.eq_ignore_ascii_case(headers::ALLOW_ORIGIN));
    let writes = writes.into_iter().filter(|(step, ..)| steps.contains(&step.span));
    writes.map(|(_, effect, write)| write.trail.0.first().map_or(effect.span, |(place, _)| *place)).collect()
}
