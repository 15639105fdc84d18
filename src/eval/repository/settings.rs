//! Modules of settings that no program imports by a name that is known: what they set is asked of their texts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Repository;

/// How many modules are looked at.
const MOST: usize = 64;

/// The texts of modules.
pub(super) type Texts = Arc<Vec<Arc<str>>>;

impl Repository {
    /// The texts of the modules near a file whose names are those of settings: beside it, in the folders around it, and
    /// in folders there of such a name.
    pub(super) fn settings_near(&self, from: &Path) -> Texts {
        let folder = from.parent().unwrap_or(from).to_owned();
        if let Some(known) = self.settings.lock().ok().and_then(|settings| settings.get(&folder).cloned()) {
            return known;
        }
        let mut paths: Vec<PathBuf> = Vec::new();
        for around in self.folders_upward(from).take(3) {
            for entry in entries(around) {
                if !is_named(&entry) {
                    continue;
                }
                match entry.is_dir() {
                    true => paths.extend(entries(&entry)),
                    false => paths.push(entry),
                }
            }
        }
        paths.retain(|path| path.extension().is_some_and(|end| end == "py"));
        let texts = paths.iter().take(MOST).filter_map(|path| Some(Arc::from(self.load(path)?.text.as_str())));
        let texts = Arc::new(texts.collect());
        if let Ok(mut known) = self.settings.lock() {
            known.insert(folder, Arc::clone(&texts));
        }
        texts
    }
}

/// Whether a line sets a name, at the outermost level or in a class.
pub(super) fn sets(text: &str, name: &str) -> bool {
    text.contains(name)
        && text.lines().any(|line| {
            let rest = line.trim_start().strip_prefix(name).map(str::trim_start);
            rest.is_some_and(|rest| rest.starts_with([':', '=']) && !rest.starts_with("=="))
        })
}

fn is_named(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    ["config", "setting"].iter().any(|word| name.contains(word))
}

/// What lies in a folder, in the order of names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(found) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = found.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::sets;

    #[test]
    fn names_are_set_by_assignments_only() {
        assert!(sets("class Base:\n    CORS_ORIGINS = []\n", "CORS_ORIGINS"));
        assert!(sets("CORS_ORIGINS: list[str] = []\n", "CORS_ORIGINS"));
        assert!(!sets("# CORS_ORIGINS\nCORS(app, origins=config['CORS_ORIGINS'])\n", "CORS_ORIGINS"));
        assert!(!sets("CORS_ORIGINS_EXTRA = []\n", "CORS_ORIGINS"));
    }
}
