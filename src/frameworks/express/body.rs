//! Parsers of bodies: which they take, and which they refuse.
//!
//! Sources: `body-parser` 2.2.0, `lib/types/*.js` and `lib/read.js`; `type-is` 2.0.1, `index.js`.

use std::sync::Arc;

use super::packages;
use crate::cors::StringTest;
use crate::eval::{Evaluator, Kind, Value};
use crate::model::{BodyKind, Effect, EffectKind, Guard, Reason, RemarkKind, Status, Step, StepKind, Text};
use crate::source::Span;

/// Puts into a step what a parser does.
pub(super) fn parse(eval: &mut Evaluator, value: &Value, step: &mut Step) {
    let span = value.span;
    step.kind = StepKind::BodyParser;
    step.label = "the body parser".into();
    let field = |eval: &Evaluator, name| value.as_object().and_then(|id| eval.field(id, name)).cloned();
    let parser = field(eval, packages::NAME).and_then(|field| field.value.as_str().map(str::to_owned));
    let options = field(eval, "0").map(|field| field.value);
    let taken = options.as_ref().map(|options| eval.get(options, "type", span));
    let taken = taken.filter(|taken| !matches!(taken.kind, Kind::Undefined));
    let kinds = match &taken {
        Some(taken) => names(eval, taken),
        None => match parser.as_deref() {
            Some("json") => Some(vec!["application/json".to_owned()]),
            Some("urlencoded") => Some(vec!["application/x-www-form-urlencoded".to_owned()]),
            Some("text") => Some(vec!["text/plain".to_owned()]),
            Some("raw") => Some(vec!["application/octet-stream".to_owned()]),
            // `bodyParser()` of old takes JSON and forms.
            _ => None,
        },
    };
    let mut effect = |when: Guard, kind: EffectKind| step.effects.push(Effect { when, kind, span });
    let mut notice = |kind| effect(Guard::Always, EffectKind::Notice(RemarkKind::ParsesBody(kind)));
    if parser.as_deref() == Some("json") {
        notice(BodyKind::Json);
    }
    if kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| may_be_simple(kind))) {
        notice(BodyKind::Simple);
    }
    // A request that names a kind has a body of it, unless it says that the body is empty.
    let empty = Guard::test(Text::header("content-length"), StringTest::Equals("0".into()), span);
    let of_kind = match &kinds {
        Some(kinds) => Guard::any(kinds.iter().map(|kind| is_of(kind, span))),
        None if taken.is_none() => is_of("application/json", span).or(is_of("application/x-www-form-urlencoded", span)),
        None => {
            let reason = Reason::new("whether the body is of the kind that is parsed", span);
            Guard::HasHeader("content-type".into()).and(Guard::Unknown(reason))
        }
    };
    let reads = of_kind.and(Guard::not(empty));
    let limit = match options.as_ref().map(|options| eval.get(options, "limit", span).kind) {
        Some(Kind::Number(bytes)) => Some(bytes as u64),
        None | Some(Kind::Undefined) => Some(102_400),
        _ => None,
    };
    let too_large = match limit {
        Some(bytes) => Guard::BodyOver(bytes),
        None => Guard::Unknown(Reason::new("whether the body is too large", span)),
    };
    let fails = |code: u16| EffectKind::Fail(Status::Code(code));
    let charset = |name: &str| {
        let lower = Text::LowerCase(Arc::new(Text::header("content-type")));
        Guard::test(lower, StringTest::Contains(name.into()), span)
    };
    if !matches!(parser.as_deref(), Some("text" | "raw")) {
        let other = charset("charset=").and(Guard::not(charset("charset=utf-").or(charset("charset=\"utf-"))));
        effect(reads.clone().and(other), fails(415));
    }
    effect(reads.clone().and(too_large), fails(413));
    if !matches!(parser.as_deref(), Some("text" | "raw" | "urlencoded")) {
        let broken = Guard::Unknown(Reason::new("whether the body is broken", span));
        effect(reads.and(broken), fails(400));
    }
}

/// The kinds that the option `type` names; `None` where a function or what is not known decides.
fn names(eval: &mut Evaluator, value: &Value) -> Option<Vec<String>> {
    let items = eval.items(value).map(|object| object.items.clone()).unwrap_or_else(|| vec![value.clone()]);
    items.iter().map(|item| item.as_str().map(str::to_ascii_lowercase)).collect()
}

/// Whether what `type-is` takes for this kind may be of a type that browsers send without a preflight.
fn may_be_simple(kind: &str) -> bool {
    const SIMPLE: &[(&str, &str)] =
        &[("application", "x-www-form-urlencoded"), ("multipart", "form-data"), ("text", "plain")];
    let fits = |pattern: &str, text: &str| pattern == "*" || pattern == text;
    match kind.split_once('/') {
        Some((main, sub)) => SIMPLE.iter().any(|(first, second)| fits(main, first) && fits(sub, second)),
        // The extension of a file, or a suffix.
        None => kind != "json" && !kind.starts_with('+'),
    }
}

/// Whether the `Content-Type` is of this kind.
fn is_of(kind: &str, span: Span) -> Guard {
    let contains = |text: &str| Guard::test(Text::header("content-type"), StringTest::Contains(text.into()), span);
    match kind {
        "*/*" => Guard::HasHeader("content-type".into()),
        "json" => contains("application/json"),
        _ => match kind.split_once("*") {
            None => contains(kind),
            Some((before, after)) => contains(before).and(contains(after)),
        },
    }
}

/// Notes that what is registered here may parse bodies, as far as its name says.
pub(super) fn note_unknown(eval: &Evaluator, step: &mut Step, span: Span) {
    let text = eval.loader.text(span).to_lowercase();
    let text: String = text.chars().take(120).collect();
    if ["body", "form", "upload", "multi", "multer", "busboy", "parse", "file"].iter().any(|word| text.contains(word)) {
        let kind = EffectKind::Notice(RemarkKind::ParsesBody(BodyKind::Simple));
        step.effects.push(Effect { when: Guard::Always, kind, span });
    }
}
