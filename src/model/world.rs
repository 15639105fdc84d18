//! What happened to one request, under one set of assumptions.

use super::answer::{Because, Outcome, Sent};
use super::variables::Known;
use super::{Forward, Guard, StepKind};
use crate::source::Span;

/// What happened under one set of assumptions.
#[derive(Clone, Debug)]
pub struct World {
    /// What was assumed of conditions that cannot be decided.
    pub assumptions: Vec<(Guard, bool)>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status; `None` where it is not known.
    pub status: Option<u16>,
    /// The header lines, in the order sent.
    pub headers: Vec<Sent>,
    /// What decided it, in the order in which it happened.
    pub because: Vec<Because>,
    /// The step that answered.
    pub answered_by: Option<Answerer>,
    /// Where the request was handed on to.
    pub forwarded: Option<Forward>,
    /// Labels and places of the steps that took the request, in order.
    pub ran: Vec<Span>,
}

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answerer {
    /// What kind of step.
    pub kind: Option<StepKind>,
    /// Where the step is registered.
    pub step: Span,
    /// Where it answered.
    pub span: Span,
}

impl World {
    /// The lines of one header (lower-case name).
    pub fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sent> {
        self.headers.iter().filter(move |sent| sent.name.eq_ignore_ascii_case(name))
    }

    /// The value of a header that has one line of known value.
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut lines = self.lines(name);
        let first = lines.next()?;
        if lines.next().is_some() {
            return None;
        }
        first.value.as_deref().ok()
    }

    /// Whether two worlds can be one: neither assumes what the other rules out.
    pub fn agrees(&self, other: &World) -> bool {
        let all = || self.assumptions.iter().chain(&other.assumptions);
        all().all(|(guard, holds)| all().all(|(assumed, value)| assumed != guard || value == holds))
            && Known::of(all().map(|(guard, holds)| (guard, *holds))).is_none_or(|known| !known.is_impossible())
    }

    /// Whether nothing but the environment was assumed, and nothing of that either.
    pub fn is_certain(&self) -> bool {
        self.assumptions.is_empty()
    }
}
