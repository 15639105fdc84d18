//! How Node and TypeScript find a module.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{Repository, tidy};

/// Endings that are tried, in order.
const ENDINGS: &[&str] = &["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "json"];

impl Repository {
    pub(super) fn resolve_javascript(&self, from: &Path, module: &str) -> Option<PathBuf> {
        let folder = from.parent()?;
        if module.starts_with("./") || module.starts_with("../") || module == "." || module == ".." {
            return file_or_folder(&tidy(&folder.join(module)));
        }
        if module.starts_with('/') || module.starts_with("node:") {
            return None;
        }
        self.by_alias(from, module).or_else(|| self.workspace_package(from, module))
    }

    /// TypeScript's `paths` and `baseUrl`, from the nearest `tsconfig.json` or `jsconfig.json` that has them.
    fn by_alias(&self, from: &Path, module: &str) -> Option<PathBuf> {
        for folder in self.folders_upward(from) {
            for name in ["tsconfig.json", "jsconfig.json"] {
                let Some(config) = self.manifests.json(&folder.join(name)) else { continue };
                let Some(options) = config.get("compilerOptions") else { continue };
                let base = options.get("baseUrl").and_then(Json::as_str);
                let root = tidy(&folder.join(base.unwrap_or(".")));
                if let Some(paths) = options.get("paths").and_then(Json::as_object) {
                    for (pattern, targets) in paths {
                        let Some(rest) = matched(pattern, module) else { continue };
                        for target in targets.as_array().into_iter().flatten().filter_map(Json::as_str) {
                            let target = target.replacen('*', rest, 1);
                            if let Some(found) = file_or_folder(&tidy(&root.join(target))) {
                                return Some(found);
                            }
                        }
                    }
                }
                if base.is_some()
                    && let Some(found) = file_or_folder(&root.join(module))
                {
                    return Some(found);
                }
            }
        }
        // The convention where no configuration says it: `@/x` is `src/x`.
        let rest = module.strip_prefix("@/").or_else(|| module.strip_prefix("~/"))?;
        self.folders_upward(from).find_map(|folder| {
            file_or_folder(&folder.join("src").join(rest)).or_else(|| file_or_folder(&folder.join(rest)))
        })
    }

    /// A package of the same repository: a workspace's member by its name.
    fn workspace_package(&self, from: &Path, module: &str) -> Option<PathBuf> {
        let parts: Vec<&str> = module.splitn(if module.starts_with('@') { 3 } else { 2 }, '/').collect();
        let (name, rest) = match parts.as_slice() {
            [scope, name, rest] if module.starts_with('@') => (format!("{scope}/{name}"), Some(*rest)),
            [scope, name] if module.starts_with('@') => (format!("{scope}/{name}"), None),
            [name, rest] => ((*name).to_owned(), Some(*rest)),
            _ => (module.to_owned(), None),
        };
        for folder in self.folders_upward(from) {
            let members = self.manifests.members(folder);
            if let Some(member) = members.iter().find(|(member, _)| *member == name).map(|(_, path)| path) {
                return match rest {
                    Some(rest) => {
                        file_or_folder(&member.join(rest)).or_else(|| file_or_folder(&member.join("src").join(rest)))
                    }
                    None => self.entry(member),
                };
            }
        }
        None
    }

    /// The file that a package's name stands for; its source where what it names is built.
    fn entry(&self, package: &Path) -> Option<PathBuf> {
        let manifest = self.manifests.json(&package.join("package.json"))?;
        for key in ["source", "module", "main", "types"] {
            if let Some(found) =
                manifest.get(key).and_then(Json::as_str).and_then(|main| file_or_folder(&tidy(&package.join(main))))
                && !found.to_string_lossy().ends_with(".d.ts")
            {
                return Some(found);
            }
        }
        file_or_folder(&package.join("src")).or_else(|| file_or_folder(package))
    }
}

/// What the star of a pattern stands for.
fn matched<'m>(pattern: &str, module: &'m str) -> Option<&'m str> {
    match pattern.split_once('*') {
        Some((before, after)) => module.strip_prefix(before)?.strip_suffix(after),
        None => (pattern == module).then_some(""),
    }
}

fn file_or_folder(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_owned());
    }
    let name = path.file_name()?.to_str()?;
    for ending in ENDINGS {
        let file = path.with_file_name(format!("{name}.{ending}"));
        if file.is_file() {
            return Some(file);
        }
    }
    // TypeScript's imports name the file that will be built.
    if let Some((stem, "js" | "jsx" | "mjs" | "cjs")) = name.rsplit_once('.') {
        for ending in ["ts", "tsx", "mts", "cts"] {
            let file = path.with_file_name(format!("{stem}.{ending}"));
            if file.is_file() {
                return Some(file);
            }
        }
    }
    ENDINGS.iter().map(|ending| path.join(format!("index.{ending}"))).find(|file| file.is_file())
}
