//! The origins that a server's code names, and its tests of origins.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::cors::{Meant, OriginTest, StringTest, headers};
use crate::model::{Check, EffectKind, Guard, Server, Text, UrlPart, each_condition, each_effect};
use crate::source::Span;

/// An origin that the code spells out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As written.
    pub text: Arc<str>,
    /// Where.
    pub span: Span,
    /// Whether the server compares it (then only an equal origin passes), or sends it to everybody.
    pub compared: bool,
    /// Whether letters are compared without case.
    pub ignores_case: bool,
}

/// A test of an origin by a pattern or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginCheck {
    /// The test.
    pub check: Arc<Check>,
}

/// The origins that a server's code names, and its tests of origins.
pub(super) fn origins_of(server: &Server) -> (Vec<Entry>, Vec<OriginCheck>) {
    let mut entries = Vec::new();
    let mut tests = Vec::new();
    let mut see = |guard: &Guard| {
        guard.each_atom(&mut |atom| {
            if let Guard::Test(check) = atom
                && check.subject.mentions_header(headers::ORIGIN)
            {
                match &check.test {
                    StringTest::Equals(text) if check.subject.is_header(headers::ORIGIN) => entries.push(Entry {
                        text: text.as_str().into(),
                        span: check.span,
                        compared: true,
                        ignores_case: false,
                    }),
                    StringTest::Equals(text) if matches!(&check.subject, Text::LowerCase(inner) if inner.is_header(headers::ORIGIN)) => {
                        entries.push(Entry {
                            text: text.as_str().into(),
                            span: check.span,
                            compared: true,
                            ignores_case: true,
                        });
                    }
                    _ => tests.push(OriginCheck { check: check.clone() }),
                }
            }
        });
    };
    each_condition(server, &mut see);
    let mut literals = Vec::new();
    each_effect(server, &mut |_, effect| {
        let EffectKind::Write(write) = &effect.kind else {
            // A refusal by origin is a condition on the origin too.
            see(&effect.when);
            return;
        };
        see(&effect.when);
        for value in &write.values {
            each_guard(value, &mut see);
            if write.is(headers::ALLOW_ORIGIN) {
                let place = write.trail.0.first().map_or(effect.span, |(place, _)| *place);
                each_literal(value, &mut |text| literals.push((Arc::from(text), place)));
            }
        }
    });
    for (text, span) in literals {
        if &*text != "*" {
            entries.push(Entry { text, span, compared: false, ignores_case: false });
        }
    }
    let mut seen = FxHashSet::default();
    entries.retain(|entry| seen.insert((entry.text.clone(), entry.span)));
    tests.dedup();
    (entries, tests)
}

/// The guards within a text.
fn each_guard(text: &Text, see: &mut impl FnMut(&Guard)) {
    match text {
        Text::Choose(guard, then, otherwise) => {
            see(guard);
            each_guard(then, see);
            each_guard(otherwise, see);
        }
        Text::Url(inner, _) | Text::LowerCase(inner) => each_guard(inner, see),
        Text::Concat(parts) => parts.iter().for_each(|part| each_guard(part, see)),
        _ => {}
    }
}

/// The literals that a text may be.
fn each_literal(text: &Text, see: &mut impl FnMut(&str)) {
    match text {
        Text::Literal(literal) => see(literal),
        Text::Choose(_, then, otherwise) => {
            each_literal(then, see);
            each_literal(otherwise, see);
        }
        _ => {}
    }
}

impl OriginCheck {
    /// The test in the terms of origins, where it is one of the origin itself or its host.
    pub fn test(&self) -> Option<OriginTest> {
        match &self.check.subject {
            text if text.is_header(headers::ORIGIN) => Some(OriginTest::Origin(self.check.test.clone())),
            Text::LowerCase(inner) if inner.is_header(headers::ORIGIN) => {
                Some(OriginTest::Origin(self.check.test.clone()))
            }
            Text::Url(inner, UrlPart::Hostname) if inner.is_header(headers::ORIGIN) => {
                Some(OriginTest::Host(self.check.test.clone()))
            }
            _ => None,
        }
    }

    /// An origin that passes and that its author meant.
    pub(super) fn friend(&self) -> Option<String> {
        let test = self.test()?;
        let meant = Meant::of(&test);
        let mut tries = Vec::new();
        for name in meant.names() {
            for scheme in ["https", "http"] {
                tries.push(format!("{scheme}://{name}"));
                tries.push(format!("{scheme}://app.{name}"));
                tries.push(format!("{scheme}://{name}:3000"));
            }
        }
        tries.into_iter().find(|origin| test.matches(origin) == Some(true))
    }
}
