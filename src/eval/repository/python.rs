//! How Python finds a module.

use std::path::{Path, PathBuf};

use super::Repository;

impl Repository {
    pub(super) fn resolve_python(&self, from: &Path, module: &str) -> Option<PathBuf> {
        let dots = module.len() - module.trim_start_matches('.').len();
        let parts: Vec<&str> = module.trim_start_matches('.').split('.').filter(|part| !part.is_empty()).collect();
        if dots > 0 {
            // One dot is the package of the file itself.
            let package = from.ancestors().nth(dots)?;
            return find(package, &parts);
        }
        if parts.is_empty() {
            return None;
        }
        // The folders from which programs are started: those around the file, and `src` in them.
        self.folders_upward(from).find_map(|folder| find(folder, &parts).or_else(|| find(&folder.join("src"), &parts)))
    }
}

fn find(folder: &Path, parts: &[&str]) -> Option<PathBuf> {
    let mut path = folder.to_owned();
    path.extend(parts);
    if !parts.is_empty() {
        let file = path.with_extension("py");
        if file.is_file() {
            return Some(file);
        }
    }
    let package = path.join("__init__.py");
    package.is_file().then_some(package)
}
