//! Versions of Python packages: lock files, requirements, `pyproject.toml`, `Pipfile`, `setup.cfg`, `setup.py`.

use std::path::{Path, PathBuf};

use super::{Repository, tidy};

/// How many lists are read for one package.
const MOST_LISTS: usize = 32;

/// Files that say which version is installed, and those that say which are allowed.
const LOCKS: &[&str] = &["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock"];
const LISTS: &[&str] = &[
    "requirements.txt",
    "requirements.in",
    "requirement.txt",
    "constraints.txt",
    "requirements-prod.txt",
    "requirements_prod.txt",
    "requirements/base.txt",
    "requirements/prod.txt",
    "requirements/production.txt",
    "requirements/common.txt",
    "requirements/requirements.txt",
    "pyproject.toml",
    "Pipfile",
    "setup.cfg",
    "setup.py",
    "environment.yml",
];

impl Repository {
    /// The version of a Python package for the code in the file at `from`: the one that a lock file names, else the one
    /// that a requirement holds fast. A requirement that only excludes old versions says nothing.
    pub(super) fn python_version(&self, from: &Path, package: &str) -> Option<String> {
        let wanted = normal(package);
        for folder in self.folders_upward(from) {
            for lock in LOCKS {
                if let Some(version) = self.line_file(&folder.join(lock)).and_then(|text| locked(&text, &wanted)) {
                    return Some(version);
                }
            }
            for list in LISTS {
                match self.listed(&folder.join(list), &wanted) {
                    Some(Some(version)) => return Some(version),
                    // It is named without a version: the newest.
                    Some(None) => return None,
                    None => {}
                }
            }
        }
        None
    }

    /// Whether a list, or one that it includes (`-r`, `-c`), requires the package: `Some(None)` without a version that
    /// holds it fast.
    fn listed(&self, list: &Path, wanted: &str) -> Option<Option<String>> {
        let mut open = vec![list.to_owned()];
        let mut seen: Vec<PathBuf> = Vec::new();
        let mut named = None;
        while let Some(list) = open.pop() {
            if seen.len() >= MOST_LISTS || seen.contains(&list) {
                continue;
            }
            seen.push(list.clone());
            let Some(text) = self.line_file(&list) else { continue };
            let mut included: Vec<PathBuf> = Vec::new();
            for line in text.lines() {
                match (included_by(line), required(line, wanted)) {
                    (Some(other), _) => included.push(tidy(&list.with_file_name(other))),
                    (None, Some(Some(version))) => return Some(Some(version)),
                    (None, Some(None)) => named = Some(None),
                    (None, None) => {}
                }
            }
            included.retain(|path| path.starts_with(&self.root));
            open.extend(included.into_iter().rev());
        }
        named
    }

    fn line_file(&self, path: &Path) -> Option<std::sync::Arc<str>> {
        self.manifests.text(path)
    }
}

/// The list that a line of requirements includes.
fn included_by(line: &str) -> Option<&str> {
    let options = ["-r", "--requirement", "-c", "--constraint"];
    let rest = options.iter().find_map(|option| line.trim().strip_prefix(option))?;
    let name = rest.trim_start_matches(['=', ' ', '\t']).split([' ', '#']).next()?;
    (!name.is_empty() && !rest.starts_with(|letter: char| letter.is_ascii_alphanumeric())).then_some(name)
}

/// PEP 503: names are compared without case, and `-`, `_` and `.` are the same.
fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

/// The version in a lock file: `name = "…"` followed by `version = "…"`, or Pipenv's JSON.
fn locked(text: &str, wanted: &str) -> Option<String> {
    if text.trim_start().starts_with('{') {
        return locked_by_pipenv(text, wanted);
    }
    let quoted = |line: &str| line.split('"').nth(1).map(str::to_owned);
    let mut is_it = false;
    for line in text.lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("name = ") {
            is_it = normal(name.trim().trim_matches('"')) == wanted;
        } else if is_it && line.starts_with("version = ") {
            return quoted(line);
        }
    }
    None
}

fn locked_by_pipenv(text: &str, wanted: &str) -> Option<String> {
    let lock: serde_json::Value = serde_json::from_str(text).ok()?;
    let groups = ["default", "develop"].iter().filter_map(|group| lock.get(group)?.as_object());
    let (_, package) = groups.flatten().find(|(name, _)| normal(name) == wanted)?;
    Some(package.get("version")?.as_str()?.trim_start_matches('=').to_owned())
}

/// Whether a line requires the package: `Some(None)` without a version that holds it fast.
fn required(line: &str, wanted: &str) -> Option<Option<String>> {
    let line = line.split('#').next().unwrap_or_default();
    let mut rest = line.trim_start_matches(|letter: char| " \t-\"'[({".contains(letter));
    // `install_requires=["flask", "flask-cors==4.0"]` on one line.
    loop {
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter));
        let (name, behind) = rest.split_at(end.unwrap_or(rest.len()));
        if !name.is_empty() && normal(name) == wanted {
            return Some(version_of(behind));
        }
        let next = rest.find([',', '[', '"', '\'']).map(|at| &rest[at + 1..])?;
        rest = next.trim_start_matches(|letter: char| " \t\"'[({,".contains(letter));
        if rest.is_empty() {
            return None;
        }
    }
}

/// The version that a requirement holds fast: `==4.0.1`, `~=4.0`, `^4.0`, `>=3,<5`.
fn version_of(behind: &str) -> Option<String> {
    let behind = match behind.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or(behind, |(_, rest)| rest),
        None => behind,
    };
    // Poetry: `flask-cors = "^4.0"`, `flask-cors = { version = "^4.0" }`.
    let behind = match behind.trim_start().strip_prefix('=').filter(|rest| !rest.starts_with('=')) {
        Some(rest) => rest.split_once("version").map_or(rest, |(_, version)| version.trim_start_matches([' ', '='])),
        None => behind,
    };
    let behind = behind.trim_start_matches(|letter: char| " \t\"'({".contains(letter));
    let digits = |text: &str| -> String {
        text.trim_start().chars().take_while(|letter| letter.is_ascii_digit() || *letter == '.').collect()
    };
    let whole: String = behind.chars().take_while(|letter| !"\"';#".contains(*letter)).collect();
    let mut lower = None;
    for part in whole.split(',') {
        let part = part.trim().trim_start_matches([' ', '(']);
        for sign in ["===", "==", "~=", "^", "~", "="] {
            if let Some(version) = part.strip_prefix(sign) {
                return Some(digits(version)).filter(|version| !version.is_empty());
            }
        }
        if let Some(version) = part.strip_prefix(">=") {
            lower = Some(digits(version));
        } else if let Some(version) = part.strip_prefix('<') {
            // Below a major version: the one before, unless the lower bound says it.
            let above: u32 = digits(version.trim_start_matches('=')).split('.').next()?.parse().ok()?;
            let below = if version.starts_with('=') { above } else { above.saturating_sub(1) };
            return Some(below.to_string());
        } else if part.starts_with(|letter: char| letter.is_ascii_digit()) {
            return Some(digits(part));
        }
    }
    let _ = lower;
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<Option<String>> {
        required(line, "flask-cors")
    }

    #[test]
    fn requirements_hold_fast_or_do_not() {
        assert_eq!(of("Flask-Cors==4.0.1"), Some(Some("4.0.1".into())));
        assert_eq!(of("flask_cors ~= 3.0.10  # old"), Some(Some("3.0.10".into())));
        assert_eq!(of("flask-cors>=3.0"), Some(None));
        assert_eq!(of("flask-cors"), Some(None));
        assert_eq!(of("flask-cors>=3,<5"), Some(Some("4".into())));
        assert_eq!(of("flask-cors = \"^5.0.0\""), Some(Some("5.0.0".into())));
        assert_eq!(of("Flask-Cors = {version = \"^4.0\", extras = []}"), Some(Some("4.0".into())));
        assert_eq!(of("    \"flask-cors>=6.0.1\","), Some(None));
        assert_eq!(of("install_requires=['flask', 'flask-cors==3.0.9']"), Some(Some("3.0.9".into())));
        assert_eq!(of("flask-corsair==1"), None);
        assert_eq!(of("flask==2"), None);
    }

    #[test]
    fn lists_include_others() {
        assert_eq!(included_by("-r base.txt"), Some("base.txt"));
        assert_eq!(included_by("--requirement=../base.txt  # more"), Some("../base.txt"));
        assert_eq!(included_by("-cconstraints"), None);
        assert_eq!(included_by("flask-cors"), None);
    }

    #[test]
    fn locks_name_the_version() {
        let toml = "[[package]]\nname = \"flask\"\nversion = \"3.0\"\n\n[[package]]\nname = \"Flask_Cors\"\nversion = \"5.0.1\"\n";
        assert_eq!(locked(toml, "flask-cors").as_deref(), Some("5.0.1"));
        let json = r#"{"default": {"flask-cors": {"hashes": [], "version": "==4.0.0"}}}"#;
        assert_eq!(locked(json, "flask-cors").as_deref(), Some("4.0.0"));
    }
}
