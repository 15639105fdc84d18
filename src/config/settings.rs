//! What a run is asked to do.

use std::path::{Path, PathBuf};

use globset::GlobSet;

use super::file::{Config, Level};
use crate::finding::{Confidence, Severity};

/// What a run is asked to do: the command line over the configuration file over the defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The working directory, absolute. Files are named relative to it.
    pub base: PathBuf,
    /// The project's folder, absolute: fingerprints name files relative to it, wherever the run is started.
    pub root: PathBuf,
    /// Files and folders to lint.
    pub paths: Vec<PathBuf>,
    /// A text to lint instead of a file.
    pub stdin: Option<Stdin>,
    /// Patterns of paths that are left out, each with the folder that they are relative to.
    pub exclude: Vec<(PathBuf, GlobSet)>,
    /// Read what `.gitignore` and its like leave out.
    pub no_ignore: bool,
    /// Read hidden files and folders.
    pub hidden: bool,
    /// Read test files.
    pub include_tests: bool,
    /// How many threads work; 0 for one a processor.
    pub threads: usize,
    /// The configuration file's settings.
    pub config: Config,
    /// Only these rules run, if any are named.
    pub select: Vec<String>,
    /// These rules do not run.
    pub ignore: Vec<String>,
    /// Findings below it are not shown.
    pub min_confidence: Confidence,
}

/// A text that comes from standard input.
#[derive(Clone, Debug)]
pub struct Stdin {
    /// The file it stands for, absolute.
    pub path: PathBuf,
    /// The text.
    pub text: String,
}

impl Settings {
    /// The defaults, for `paths` seen from the folder `base` (absolute).
    pub fn new(base: impl Into<PathBuf>, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let base = base.into();
        Self {
            root: base.clone(),
            base,
            paths: paths.into_iter().collect(),
            stdin: None,
            exclude: Vec::new(),
            no_ignore: false,
            hidden: false,
            include_tests: false,
            threads: 0,
            config: Config::default(),
            select: Vec::new(),
            ignore: Vec::new(),
            min_confidence: Confidence::Medium,
        }
    }

    /// Whether the rule `id` may report anything at all.
    pub fn runs(&self, id: &str) -> bool {
        (self.select.is_empty() || self.select.iter().any(|rule| rule == id))
            && !self.ignore.iter().any(|rule| rule == id)
    }

    /// The severity of a finding of the rule `id` at `path` (absolute) that is `severity` by itself; `None` where it is
    /// switched off. What the command line selects is never off.
    pub fn severity(&self, id: &str, path: &Path, severity: Severity) -> Option<Severity> {
        if !self.runs(id) {
            return None;
        }
        match self.config.level(id, path) {
            Some(Level::At(set)) => Some(set),
            Some(Level::Off) => self.select.iter().any(|rule| rule == id).then_some(severity),
            None => Some(severity),
        }
    }
}
