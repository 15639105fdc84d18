//! How certain it is that something holds of an answer: always, or where the environment is so.

use crate::cors::StringTest;
use crate::model::{Answer, Guard, Outcome, Reason, Text, World};

/// How certain it is that something holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Whatever the environment.
    Always,
    /// Where the environment is so: variables, and what is assumed of them.
    Environment(Vec<(Guard, bool)>),
}

impl Certainty {
    /// Whether it holds only where a variable is unset.
    pub fn is_fallback(&self) -> bool {
        match self {
            Certainty::Always => false,
            Certainty::Environment(assumed) => {
                assumed.iter().any(|(guard, holds)| matches!(guard, Guard::EnvironmentSet(_)) && !holds)
            }
        }
    }

    /// Whether it holds only where a variable has a value that asks for it: `'*'`, `'true'`.
    pub fn is_chosen(&self) -> bool {
        let Certainty::Environment(assumed) = self else { return false };
        assumed.iter().any(|(guard, holds)| {
            *holds
                && matches!(guard, Guard::Test(check) if matches!(&check.subject, Text::Environment(name) if !is_stage(name)))
        })
    }

    /// The variables on which it depends, for people.
    pub fn describe(&self) -> Option<String> {
        let Certainty::Environment(assumed) = self else { return None };
        let words: Vec<String> = assumed
            .iter()
            .filter_map(|(guard, holds)| match guard {
                Guard::EnvironmentSet(name) => Some(format!("{name} is {}", if *holds { "set" } else { "not set" })),
                Guard::Test(check) => match (&check.subject, &check.test) {
                    (Text::Environment(name), StringTest::Equals(text)) => {
                        Some(format!("{name} is {}'{text}'", if *holds { "" } else { "not " }))
                    }
                    _ => None,
                },
                _ => None,
            })
            .collect();
        if words.is_empty() { None } else { Some(words.join(" and ")) }
    }

    /// Whether it holds in development only, as far as the name of the variable says that.
    pub fn is_development(&self) -> bool {
        let Certainty::Environment(assumed) = self else { return false };
        assumed.iter().any(|(guard, holds)| match guard {
            Guard::Test(check) => match (&check.subject, &check.test) {
                (Text::Environment(name), StringTest::Equals(text)) if is_stage(name) => {
                    let production = matches!(text.as_str(), "production" | "prod" | "staging");
                    production != *holds
                }
                _ => false,
            },
            Guard::EnvironmentSet(name) => is_stage(name) && !holds,
            _ => false,
        })
    }
}

fn is_stage(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.ends_with("_ENV") || matches!(name.as_str(), "ENV" | "ENVIRONMENT" | "STAGE" | "DEBUG" | "DEV")
}

/// When something holds of an answer: in every world, or in one that only the environment or the circumstances of a
/// request decide. Nothing where it never holds, or where it hangs on something that is not known.
pub fn when(answer: &Answer, holds: impl Fn(&World) -> bool) -> Option<(Certainty, &World)> {
    all_when(answer, holds).into_iter().next()
}

/// As [`when`], with every such world.
pub fn all_when(answer: &Answer, holds: impl Fn(&World) -> bool) -> Vec<(Certainty, &World)> {
    if answer.outcome != Outcome::Unknown && answer.worlds.iter().all(&holds) {
        return answer.worlds.iter().map(|world| (Certainty::Always, world)).collect();
    }
    let mut found = Vec::new();
    for (relevant, world) in relevant(answer, holds) {
        if !relevant.iter().all(|(guard, _)| is_environment(guard) || is_circumstance(guard)) {
            continue;
        }
        let environment: Vec<_> = relevant.into_iter().filter(|(guard, _)| is_environment(guard)).collect();
        let certainty = if environment.is_empty() { Certainty::Always } else { Certainty::Environment(environment) };
        found.push((certainty, world));
    }
    found
}

/// Worlds in which something holds on the program's own word, though on conditions that are not known: a setting, what a
/// database has, what another package says. Each with the reasons why, and whether the condition holds there; fewest
/// reasons first. None where [`when`] has an answer, and none of development.
pub fn possible(answer: &Answer, holds: impl Fn(&World) -> bool) -> Vec<(Vec<(Reason, bool)>, &World)> {
    if when(answer, &holds).is_some() {
        return Vec::new();
    }
    let mut found: Vec<(Vec<(Reason, bool)>, &World)> = Vec::new();
    for (relevant, world) in relevant(answer, holds) {
        let (mut reasons, mut environment) = (Vec::new(), Vec::new());
        for (guard, holds) in relevant {
            match guard {
                Guard::Unknown(reason) if !reason.is_circumstance() => reasons.push((reason, holds)),
                guard if is_environment(&guard) => environment.push((guard, holds)),
                _ => {}
            }
        }
        if !reasons.is_empty() && !Certainty::Environment(environment).is_development() {
            found.push((reasons, world));
        }
    }
    found.sort_by_key(|(reasons, _)| reasons.len());
    found
}

/// The worlds in which something holds, each with those of its assumptions that make a difference to it.
fn relevant(answer: &Answer, holds: impl Fn(&World) -> bool) -> Vec<(Vec<(Guard, bool)>, &World)> {
    let relevant = |world: &World| -> Vec<(Guard, bool)> {
        // An assumption that makes no difference is none.
        let matters = |(guard, assumed): &&(Guard, bool)| {
            let differs =
                |other: &&World| other.assumptions.iter().any(|(own, value)| own == guard && value != assumed);
            !answer.worlds.iter().filter(differs).all(&holds)
        };
        world.assumptions.iter().filter(matters).cloned().collect()
    };
    answer.worlds.iter().filter(|world| holds(world)).map(|world| (relevant(world), world)).collect()
}

/// The conditions that decide what is seen of an answer: whoever knows these knows it, whatever the others. Where not every
/// combination was played, others may do so too: see [`Answer::complete`].
pub fn deciding<T: PartialEq>(answer: &Answer, seen: impl Fn(&World) -> T) -> Vec<&Guard> {
    let mut deciding: Vec<&Guard> = Vec::new();
    for (guard, _) in answer.worlds.iter().flat_map(|world| &world.assumptions) {
        if !deciding.contains(&guard) {
            deciding.push(guard);
        }
    }
    let seen: Vec<T> = answer.worlds.iter().map(seen).collect();
    let assumed =
        |world: &World, guard: &Guard| world.assumptions.iter().find(|(own, _)| own == guard).map(|(_, holds)| *holds);
    let tell_apart = |guards: &[&Guard], one: &World, other: &World| {
        guards.iter().any(|guard| match (assumed(one, guard), assumed(other, guard)) {
            (Some(here), Some(there)) => here != there,
            _ => false,
        })
    };
    let differ: Vec<(&World, &World)> = (0..seen.len())
        .flat_map(|one| (0..one).map(move |other| (one, other)))
        .filter(|(one, other)| seen[*one] != seen[*other])
        .map(|(one, other)| (&answer.worlds[one], &answer.worlds[other]))
        .collect();
    // Those that were asked last are the first to go: they are about the least of the answer.
    for at in (0..deciding.len()).rev() {
        let guard = deciding.remove(at);
        if !differ.iter().all(|(one, other)| tell_apart(&deciding, one, other)) {
            deciding.insert(at, guard);
        }
    }
    deciding
}

/// Whether a condition is one on a variable of the environment.
pub fn is_environment(guard: &Guard) -> bool {
    match guard {
        Guard::EnvironmentSet(_) => true,
        Guard::Test(check) => matches!(&check.subject, Text::Environment(_)),
        _ => false,
    }
}

/// Whether a condition is so for one request and otherwise for another: its reason then begins with "whether".
fn is_circumstance(guard: &Guard) -> bool {
    matches!(guard, Guard::Unknown(reason) if reason.is_circumstance())
}
