//! How certain it is that something holds of an answer: always, or where the environment is so.

use crate::cors::StringTest;
use crate::model::{Answer, Guard, Outcome, Text, World};

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
    let holding = || answer.worlds.iter().filter(|world| holds(world));
    if answer.outcome != Outcome::Unknown && answer.worlds.iter().all(&holds) {
        return holding().map(|world| (Certainty::Always, world)).collect();
    }
    let mut found = Vec::new();
    for world in holding() {
        // An assumption that makes no difference is none.
        let matters = |guard: &Guard, assumed: bool| {
            let differs =
                |other: &&World| other.assumptions.iter().any(|(own, value)| own == guard && *value != assumed);
            !answer.worlds.iter().filter(differs).all(&holds)
        };
        let relevant = || world.assumptions.iter().filter(|(guard, assumed)| matters(guard, *assumed));
        if !relevant().all(|(guard, _)| is_environment(guard) || is_circumstance(guard)) {
            continue;
        }
        let environment: Vec<_> = relevant().filter(|(guard, _)| is_environment(guard)).cloned().collect();
        let certainty = if environment.is_empty() { Certainty::Always } else { Certainty::Environment(environment) };
        found.push((certainty, world));
    }
    found
}

fn is_environment(guard: &Guard) -> bool {
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
