//! `corslint.toml` and the settings of a run.

mod file;
mod keys;
mod read;
mod schema;
mod settings;

pub use file::{Config, Level, Override, Proxy, find};
pub use read::ConfigError;
pub use schema::schema;
pub use settings::{Settings, Stdin};

/// The name of the configuration file.
pub const FILE_NAME: &str = "corslint.toml";

/// The candidate that is nearest to a word that is none of them, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(word.len()) / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}
