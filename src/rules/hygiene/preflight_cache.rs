//! The preflight's lifetime is not what it seems.

use crate::cors::headers;
use crate::finding::{Applicability, Severity};
use crate::model::{Guard, Text};
use crate::rules::{Report, Rule, ServerView, edits};
use crate::source::Span;

/// `preflight-cache`
pub struct PreflightCache;

/// The longest that any browser keeps the answer to a preflight, in seconds: Firefox's bound.
const LONGEST: u64 = 86_400;

impl Rule for PreflightCache {
    fn id(&self) -> &'static str {
        "preflight-cache"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for (_, effect, write) in view.writes(|name| name.eq_ignore_ascii_case(headers::MAX_AGE)) {
            let place = write.trail.0.first().map_or(effect.span, |(place, _)| *place);
            // What an ingress controller sends of itself is nobody's mistake.
            let written = |text: &str| view.server.framework != "nginx" || view.sources.text(place).contains(text);
            for value in &write.values {
                literals(value, effect.when.clone(), &mut |text| {
                    // A condition that is too large to be decided asks most likely whether there is a value.
                    let is_missing = matches!(text, "None" | "null" | "undefined");
                    if written(headers::trim(text)) && !(is_missing && effect.when != Guard::Always) {
                        self.value(view, text, place, report);
                    }
                });
            }
        }
    }
}

impl PreflightCache {
    fn value(&self, view: &ServerView, value: &str, place: Span, report: &mut Report) {
        let value = headers::trim(value);
        if value.is_empty() {
            return;
        }
        match value.parse::<i64>() {
            Err(_) => {
                let message = format!("`{value}` is no whole number of seconds, so it counts as absent");
                let Some(finding) = report.at(self.id(), place, "not a number of seconds", message) else { return };
                finding.severity = Severity::Warning;
                finding.consequence = Some("browsers keep the preflight's answer for five seconds".into());
                let seconds = seconds(value);
                finding.help = Some(match seconds {
                    Some(seconds) => format!("write the seconds: `{seconds}`"),
                    None => "write the seconds: `7200`".to_owned(),
                });
                if let Some(seconds) = seconds
                    && let Some(span) = edits::literal(view, place, value).or_else(|| edits::word(view, place, value))
                {
                    edits::replace(finding, Applicability::Safe, "write the seconds", span, &seconds.to_string());
                }
            }
            Ok(seconds) if seconds > LONGEST as i64 => {
                let message = format!("no browser keeps the preflight's answer for {seconds} seconds");
                let Some(finding) = report.at(self.id(), place, "cut to less", message) else { return };
                finding.consequence = Some("Chromium cuts it to 7200 seconds, Firefox to 86400, without a word".into());
                finding.help = Some("write what is kept: `7200`, or `86400`".into());
                if let Some(span) = edits::word(view, place, value) {
                    edits::replace(finding, Applicability::Safe, "write the longest that is kept", span, "86400");
                }
            }
            Ok(0) => {
                let simple = |method: &str| matches!(method, "GET" | "HEAD" | "POST");
                if view.routes.is_empty() || view.routes.iter().any(|route| simple(&route.method)) {
                    return;
                }
                let message = "every call of this API is preflighted, and no answer to a preflight is kept";
                let Some(finding) = report.at(self.id(), place, "never kept", message) else { return };
                finding.consequence = Some("every call costs two requests".into());
                finding.help = Some("let it be kept for a while: `600`".into());
            }
            Ok(_) => {}
        }
    }
}

/// A length of time as people write it, in seconds.
fn seconds(value: &str) -> Option<u64> {
    let digits = value.chars().take_while(char::is_ascii_digit).count();
    let number: u64 = value[..digits].parse().ok()?;
    let unit = value[digits..].trim().to_ascii_lowercase();
    let factor = match unit.as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        _ if unit.strip_prefix('.').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) => 1,
        _ => return None,
    };
    number.checked_mul(factor).map(|seconds| seconds.min(LONGEST))
}

/// The literals that a text may be where a condition holds.
fn literals(text: &Text, when: Guard, see: &mut impl FnMut(&str)) {
    match text {
        _ if when == Guard::Never => {}
        Text::Literal(literal) => see(literal),
        Text::Choose(guard, then, otherwise) => {
            literals(then, when.clone().and((**guard).clone()), see);
            literals(otherwise, when.and(Guard::not((**guard).clone())), see);
        }
        _ => {}
    }
}
