//! What a run is asked to do.

use std::path::{Path, PathBuf};

use globset::GlobSet;

use super::file::{Config, Level};
use crate::finding::{Confidence, Severity};
use crate::source::absolute;

/// What a run is asked to do: the command line over the configuration file over the defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The working directory, absolute. Files are named relative to it.
    pub base: PathBuf,
    /// The project's folder, absolute: fingerprints name files relative to it, wherever the run is started.
    pub root: PathBuf,
    /// The repository that holds the project, absolute, if there is one.
    pub repository: Option<PathBuf>,
    /// Files and folders to lint.
    pub paths: Vec<PathBuf>,
    /// Only findings with a label in these files and folders (absolute) are shown, if any are named.
    pub touching: Vec<PathBuf>,
    /// Names of variables of the environment that are said to be set.
    pub variables: Vec<String>,
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
            repository: None,
            touching: Vec::new(),
            paths: paths.into_iter().collect(),
            variables: Vec::new(),
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

    /// A file's name relative to the project's folder, with `/`.
    pub fn name_in_project(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().replace('\\', "/")
    }

    /// Whether the file of this name in the project lies in what is to be linted.
    pub fn asks_for(&self, name: &str) -> bool {
        let path = self.root.join(name);
        let excluded = self.exclude.iter().any(|(folder, patterns)| {
            path.strip_prefix(folder).is_ok_and(|relative| relative.ancestors().any(|part| patterns.is_match(part)))
        });
        let within = |asked: &PathBuf| path.starts_with(absolute(&self.base, asked));
        match &self.stdin {
            Some(stdin) => stdin.path == path,
            None => !excluded && self.paths.iter().any(within),
        }
    }

    /// Whether what lies in the file at `path` (absolute) is to be shown.
    pub fn is_touched(&self, path: &Path) -> bool {
        self.touching.is_empty() || self.touching.iter().any(|touched| path.starts_with(touched))
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
