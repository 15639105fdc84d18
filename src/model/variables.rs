//! What conditions on environment variables say of those beside them: a variable has one value.

use super::{Guard, Text};
use crate::cors::StringTest;

/// How many facts are minded.
const MOST_FACTS: usize = 16;

/// What is known of environment variables.
#[derive(Debug, Default)]
pub(super) struct Known<'g> {
    /// Variables with their values.
    equal: Vec<(&'g str, &'g str)>,
    /// Variables with a value that they do not have.
    differs: Vec<(&'g str, &'g str)>,
    /// Variables, and whether they are set and not empty.
    set: Vec<(&'g str, bool)>,
}

/// A condition on a variable that is not made of others.
enum Fact<'g> {
    Equals(&'g str, &'g str),
    Set(&'g str),
}

fn fact(guard: &Guard) -> Option<Fact<'_>> {
    match guard {
        Guard::EnvironmentSet(name) => Some(Fact::Set(name)),
        Guard::Test(check) => match (&check.subject, &check.test) {
            (Text::Environment(name), StringTest::Equals(value)) => Some(Fact::Equals(name, value)),
            _ => None,
        },
        _ => None,
    }
}

impl<'g> Known<'g> {
    /// What follows from conditions and whether each holds; nothing where none speaks of a variable alone.
    pub(super) fn of(parts: impl Iterator<Item = (&'g Guard, bool)>) -> Option<Self> {
        let mut known = Known::default();
        for (part, holding) in parts {
            let (inner, holds) = match part {
                Guard::Not(inner) => (&**inner, !holding),
                part => (part, holding),
            };
            match fact(inner) {
                Some(Fact::Equals(name, value)) if holds => known.equal.push((name, value)),
                Some(Fact::Equals(name, value)) => known.differs.push((name, value)),
                Some(Fact::Set(name)) => known.set.push((name, holds)),
                None => {}
            }
        }
        let count = known.equal.len() + known.differs.len() + known.set.len();
        (count > 0 && count <= MOST_FACTS).then_some(known)
    }

    /// Whether no environment is like that.
    pub(super) fn is_impossible(&self) -> bool {
        self.equal.iter().any(|(name, value)| {
            self.equal.iter().any(|(other, another)| name == other && value != another)
                || self.set.iter().any(|(other, is_set)| name == other && *is_set == value.is_empty())
                || self.differs.contains(&(name, value))
        }) || self.set.iter().any(|(name, is_set)| self.set.contains(&(name, !is_set)))
    }

    /// Whether the condition is one of a variable alone, and says less than the others.
    pub(super) fn is_implied(&self, guard: &Guard) -> bool {
        let (inner, holds) = match guard {
            Guard::Not(inner) => (&**inner, false),
            guard => (guard, true),
        };
        match fact(inner) {
            Some(Fact::Set(name)) => holds && self.equal.iter().any(|(other, _)| *other == name),
            Some(Fact::Equals(name, value)) => {
                !holds && self.equal.iter().any(|(other, another)| *other == name && *another != value)
            }
            None => false,
        }
    }

    /// Whether the condition is one of a variable alone.
    pub(super) fn is_fact(guard: &Guard) -> bool {
        match guard {
            Guard::Not(inner) => fact(inner).is_some(),
            guard => fact(guard).is_some(),
        }
    }

    /// Whether a condition holds, as far as that follows.
    pub(super) fn decide(&self, guard: &Guard) -> Option<bool> {
        match guard {
            Guard::Always => Some(true),
            Guard::Never => Some(false),
            Guard::Not(inner) => self.decide(inner).map(|holds| !holds),
            Guard::All(parts) => self.fold(parts, false),
            Guard::Any(parts) => self.fold(parts, true),
            guard => match fact(guard)? {
                Fact::Set(name) => {
                    let value = self.equal.iter().find(|(other, _)| *other == name);
                    let set = self.set.iter().find(|(other, _)| *other == name);
                    value.map(|(_, value)| !value.is_empty()).or(set.map(|(_, is_set)| *is_set))
                }
                Fact::Equals(name, value) => {
                    if let Some((_, own)) = self.equal.iter().find(|(other, _)| *other == name) {
                        return Some(*own == value);
                    }
                    let refused = self.differs.contains(&(name, value));
                    let unset = !value.is_empty() && self.set.contains(&(name, false));
                    (refused || unset).then_some(false)
                }
            },
        }
    }

    /// Conjunction (`stops` false) or disjunction (`stops` true).
    fn fold(&self, parts: &[Guard], stops: bool) -> Option<bool> {
        let mut open = false;
        for part in parts {
            match self.decide(part) {
                Some(holds) if holds == stops => return Some(stops),
                Some(_) => {}
                None => open = true,
            }
        }
        (!open).then_some(!stops)
    }
}
