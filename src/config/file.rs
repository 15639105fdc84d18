//! What `corslint.toml` can say.

use std::io::Read;
use std::path::{Path, PathBuf};

use globset::GlobSet;

use super::FILE_NAME;
use super::read::{self, ConfigError};
use crate::finding::{Confidence, Severity};
use crate::source::LARGEST_FILE;

/// A configuration file, read and checked.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The folder that its paths start from.
    pub folder: PathBuf,
    /// The severity from which on a run fails; the inner `None` is `never`.
    pub fail_on: Option<Option<Severity>>,
    /// The confidence from which on findings are shown.
    pub min_confidence: Option<Confidence>,
    /// Patterns of paths that are left out, relative to the folder.
    pub exclude: Vec<String>,
    /// Folders of front-end code, absolute, for checks to come: nothing uses it yet.
    pub client: Vec<PathBuf>,
    /// Origins, or patterns of them, that are trusted; `None` where nothing is said.
    pub trusted: Option<Vec<String>>,
    /// The version of nginx that configurations are read for, as major, minor, patch; `None` for the newest.
    pub nginx: Option<[u16; 3]>,
    /// What rules are set to, the later before the earlier.
    pub rules: Vec<(String, Level)>,
    /// What rules are set to in some folders, in the order of the file: the last that matches wins.
    pub overrides: Vec<Override>,
    /// Which server stands behind which proxy.
    pub proxies: Vec<Proxy>,
}

/// What a rule is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It reports nothing.
    Off,
    /// It reports at this severity.
    At(Severity),
}

/// Settings for some paths.
#[derive(Clone, Debug)]
pub struct Override {
    /// The paths, relative to the configuration's folder.
    pub paths: GlobSet,
    /// What rules are set to there.
    pub rules: Vec<(String, Level)>,
}

/// A declared layer: `from` forwards to `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// The proxy's configuration, absolute.
    pub from: PathBuf,
    /// The file or folder of the server behind it, absolute.
    pub to: PathBuf,
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// What is wrong with it, with the place.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(LARGEST_FILE + 1).read_to_string(&mut text))
            .map_err(|error| ConfigError::unreadable(path, &format!("cannot be read: {error}")))?;
        if text.len() as u64 > LARGEST_FILE {
            let message = format!("cannot be read: it has more than {LARGEST_FILE} bytes");
            return Err(ConfigError::unreadable(path, &message));
        }
        Self::parse(path, &text)
    }

    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        read::read(folder, text).map_err(|fault| fault.at(path, text))
    }

    /// What the rule `id` is set to for a finding at `path` (absolute).
    pub fn level(&self, id: &str, path: &Path) -> Option<Level> {
        let relative = path.strip_prefix(&self.folder).unwrap_or(path);
        let set = |rules: &[(String, Level)]| rules.iter().rev().find(|(rule, _)| rule == id).map(|&(_, level)| level);
        self.overrides
            .iter()
            .rev()
            .filter(|over| over.paths.is_match(relative))
            .find_map(|over| set(&over.rules))
            .or_else(|| set(&self.rules))
    }
}

/// The configuration file that holds for `path` (absolute): in its folder or the nearest one above.
pub fn find(path: &Path) -> Option<PathBuf> {
    path.ancestors().map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file())
}
