//! Texts and conditions as nginx reads them: what is absent is an empty text.

use std::cell::RefCell;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::cors::pattern::{Anchoring, Engine, Flags};
use crate::cors::{Pattern, PatternError, StringTest};
use crate::model::{Capturing, Check, Guard, Part, Reason, Text};
use crate::source::Span;

/// Up to how many branches a text is taken apart, so that conditions on it become conditions on the request.
const MOST_BRANCHES: usize = 48;

/// When `subject` passes `test`, which stands at `span`.
pub(super) fn passes(subject: &Text, test: &StringTest, span: Span) -> Guard {
    if branches(subject) > MOST_BRANCHES {
        return Guard::Test(Arc::new(Check { subject: subject.clone(), test: test.clone(), span, stateful: false }));
    }
    by_branch(subject, &|leaf| leaf_passes(leaf, test, span))
}

/// When `text` is not empty.
pub(super) fn is_set(text: &Text, span: Span) -> Guard {
    if branches(text) > MOST_BRANCHES {
        let empty = StringTest::Equals(String::new());
        return Guard::not(Guard::Test(Arc::new(Check { subject: text.clone(), test: empty, span, stateful: false })));
    }
    by_branch(text, &|leaf| match leaf {
        Text::Literal(text) => Guard::from(!text.is_empty()),
        Text::Request(Part::Header(name)) => Guard::HasHeader(name.clone()),
        Text::LowerCase(inner) => is_set(inner, span),
        Text::Request(Part::Query) => Guard::not(test(leaf, StringTest::Equals(String::new()), span)),
        Text::Request(_) => Guard::Always,
        Text::Environment(name) => Guard::EnvironmentSet(name.clone()),
        Text::Concat(parts) if parts.iter().any(|part| part.as_literal().is_some_and(|text| !text.is_empty())) => {
            Guard::Always
        }
        Text::Concat(parts) => Guard::any(parts.iter().map(|part| is_set(part, span))),
        Text::Unknown(reason) => Guard::not(Guard::Unknown(Reason {
            text: format!("whether the value is empty: {}", reason.text).into(),
            span: reason.span,
        })),
        leaf => Guard::not(test(leaf, StringTest::Equals(String::new()), span)),
    })
}

/// When nginx's `if ($variable)` holds: neither empty nor `0`.
pub(super) fn is_true(text: &Text, span: Span) -> Guard {
    match text {
        // No browser sends a header of `0` where this matters, and the condition reads better without it.
        Text::Request(Part::Header(name)) => Guard::HasHeader(name.clone()),
        text => {
            let zero = passes(text, &StringTest::Equals("0".to_owned()), span);
            is_set(text, span).and(Guard::not(zero))
        }
    }
}

fn test(subject: &Text, test: StringTest, span: Span) -> Guard {
    Guard::Test(Arc::new(Check { subject: subject.clone(), test, span, stateful: false }))
}

fn leaf_passes(leaf: &Text, wanted: &StringTest, span: Span) -> Guard {
    if let Some(decided) = leaf.as_literal().and_then(|text| wanted.matches(text)) {
        return Guard::from(decided);
    }
    if let Text::Concat(parts) = leaf
        && let Some(decided) = decided_by_ends(parts, wanted)
    {
        return Guard::from(decided);
    }
    if *wanted == StringTest::Equals(String::new()) {
        return Guard::not(is_set(leaf, span));
    }
    let guard = test(leaf, wanted.clone(), span);
    match absent(leaf) {
        // A header that is not there is an empty text to nginx, and no text to the model.
        Some(header) if wanted.matches("") == Some(true) => Guard::any([Guard::not(Guard::HasHeader(header)), guard]),
        _ => guard,
    }
}

fn absent(leaf: &Text) -> Option<Arc<str>> {
    match leaf {
        Text::Request(Part::Header(name)) => Some(name.clone()),
        Text::LowerCase(inner) => absent(inner),
        _ => None,
    }
}

/// What the literals at both ends of a composed text already decide.
fn decided_by_ends(parts: &[Text], wanted: &StringTest) -> Option<bool> {
    let head = parts.first().and_then(Text::as_literal).unwrap_or_default();
    let tail = parts.last().and_then(Text::as_literal).unwrap_or_default();
    match wanted {
        StringTest::StartsWith(prefix) if head.starts_with(prefix.as_str()) => Some(true),
        StringTest::StartsWith(prefix) if !prefix.starts_with(head) => Some(false),
        StringTest::EndsWith(suffix) if tail.ends_with(suffix.as_str()) => Some(true),
        StringTest::EndsWith(suffix) if !suffix.ends_with(tail) => Some(false),
        StringTest::Equals(text) if !text.starts_with(head) || !text.ends_with(tail) => Some(false),
        _ => None,
    }
}

/// How many branches a text has; more than [`MOST_BRANCHES`] are not counted.
fn branches(text: &Text) -> usize {
    let mut open = vec![text];
    let mut count = 0;
    while let Some(text) = open.pop() {
        if count > MOST_BRANCHES {
            break;
        }
        match text {
            Text::Choose(_, then, otherwise) => open.extend([&**then, &**otherwise]),
            _ => count += 1,
        }
    }
    count
}

/// The condition on each branch of a text, under the condition that the branch is taken.
fn by_branch(text: &Text, leaf: &dyn Fn(&Text) -> Guard) -> Guard {
    match text {
        Text::Choose(guard, then, otherwise) => {
            let (then, otherwise) = (by_branch(then, leaf), by_branch(otherwise, leaf));
            if then == otherwise {
                return then;
            }
            Guard::any([(**guard).clone().and(then), Guard::not((**guard).clone()).and(otherwise)])
        }
        text => leaf(text),
    }
}

/// One text behind the other, with the branches of the parts on the outside where these are few.
pub(super) fn concat(parts: Vec<Text>) -> Text {
    let choice = parts.iter().position(|part| matches!(part, Text::Choose(..)));
    let total: usize = parts.iter().map(branches).fold(1, |total, count| total.saturating_mul(count.max(1)));
    let Some(at) = choice.filter(|_| total <= MOST_BRANCHES) else { return Text::concat(parts) };
    let Some(Text::Choose(guard, then, otherwise)) = parts.get(at).cloned() else { return Text::concat(parts) };
    let with = |text: &Text| {
        let mut parts = parts.clone();
        parts[at] = text.clone();
        concat(parts)
    };
    Text::choose((*guard).clone(), with(&then), with(&otherwise))
}

/// The text in lower case, branch by branch.
pub(super) fn lower_case(text: Text) -> Text {
    match text {
        Text::Literal(text) => Text::literal(text.to_ascii_lowercase()),
        Text::Choose(guard, then, otherwise) if branches(&then) + branches(&otherwise) <= MOST_BRANCHES => {
            Text::choose((*guard).clone(), lower_case((*then).clone()), lower_case((*otherwise).clone()))
        }
        text @ Text::LowerCase(_) => text,
        text => Text::LowerCase(Arc::new(text)),
    }
}

/// Regular expressions as nginx compiles them, each read once.
#[derive(Default)]
pub(super) struct Patterns {
    read: RefCell<FxHashMap<(String, bool), Result<Pattern, PatternError>>>,
    capturing: RefCell<FxHashMap<(String, bool), Capturing>>,
}

impl Patterns {
    /// The language of a pattern.
    pub fn read(&self, text: &str, ignore_case: bool) -> Result<Pattern, PatternError> {
        let key = (text.to_owned(), ignore_case);
        let flags = if ignore_case { Flags::IGNORE_CASE } else { Flags::NONE };
        let read = || Pattern::new(text, Engine::Pcre, Anchoring::Search, flags);
        self.read.borrow_mut().entry(key).or_insert_with(read).clone()
    }

    /// A pattern with its groups.
    pub fn capturing(&self, text: &str, ignore_case: bool) -> Capturing {
        let key = (text.to_owned(), ignore_case);
        self.capturing.borrow_mut().entry(key).or_insert_with(|| Capturing::new(text, ignore_case)).clone()
    }

    /// When `subject` matches a pattern that stands at `span`. `Err` where nginx would refuse it.
    pub fn matches(&self, subject: &Text, text: &str, ignore_case: bool, span: Span) -> Result<Guard, String> {
        match self.read(text, ignore_case) {
            Ok(pattern) => Ok(passes(subject, &StringTest::Matches(pattern), span)),
            Err(PatternError::Invalid(why)) => Err(why),
            Err(error) => Ok(Guard::Unknown(Reason::new(error.to_string(), span))),
        }
    }
}
