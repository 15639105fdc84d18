//! How Node and TypeScript find a module.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use super::{Repository, tidy};

/// Endings that are tried, in order.
const ENDINGS: &[&str] = &["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "json"];

/// How many configurations of TypeScript may extend each other.
const MOST_EXTENDED: usize = 8;

impl Repository {
    pub(super) fn resolve_javascript(&self, from: &Path, module: &str) -> Option<PathBuf> {
        let folder = from.parent()?;
        if module.starts_with("./") || module.starts_with("../") || module == "." || module == ".." {
            return file_or_folder(&tidy(&folder.join(module)));
        }
        if module.starts_with('/') || module.starts_with("node:") {
            return None;
        }
        if module.starts_with('#') {
            return self.by_imports(from, module);
        }
        self.by_alias(from, module).or_else(|| self.workspace_package(from, module))
    }

    /// Node's `imports` of the nearest `package.json`: `#config/*`.
    fn by_imports(&self, from: &Path, module: &str) -> Option<PathBuf> {
        self.folders_upward(from).find_map(|folder| {
            let manifest = self.manifests.json(&folder.join("package.json"))?;
            mapped(folder, manifest.get("imports")?, module)
        })
    }

    /// TypeScript's `paths` and `baseUrl`, from the nearest `tsconfig.json` or `jsconfig.json` that has them, or from what
    /// that one extends.
    fn by_alias(&self, from: &Path, module: &str) -> Option<PathBuf> {
        for folder in self.folders_upward(from) {
            for name in ["tsconfig.json", "jsconfig.json"] {
                let configs = self.extended(&folder.join(name));
                let option = |(folder, config): &(PathBuf, Arc<Json>), name: &str| {
                    Some((folder.clone(), config.get("compilerOptions")?.get(name)?.clone()))
                };
                let base = configs.iter().find_map(|config| option(config, "baseUrl"));
                let base = base.and_then(|(folder, base)| Some(tidy(&folder.join(base.as_str()?))));
                if let Some((own, paths)) = configs.iter().find_map(|config| option(config, "paths")) {
                    let root = base.clone().unwrap_or(own);
                    for (pattern, targets) in paths.as_object().into_iter().flatten() {
                        let Some(rest) = matched(pattern, module) else { continue };
                        for target in targets.as_array().into_iter().flatten().filter_map(Json::as_str) {
                            let target = target.replacen('*', rest, 1);
                            if let Some(found) = file_or_folder(&tidy(&root.join(target))) {
                                return Some(found);
                            }
                        }
                    }
                }
                if let Some(found) = base.and_then(|base| file_or_folder(&base.join(module))) {
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

    /// A configuration of TypeScript with those that it extends, nearest first, each with its folder.
    fn extended(&self, path: &Path) -> Vec<(PathBuf, Arc<Json>)> {
        let mut found: Vec<(PathBuf, Arc<Json>)> = Vec::new();
        let mut open = vec![path.to_owned()];
        while let Some(path) = open.pop() {
            let (Some(folder), true) = (path.parent(), found.len() < MOST_EXTENDED) else { break };
            if !path.starts_with(&self.root) {
                continue;
            }
            let Some(config) = self.manifests.json(&path) else { continue };
            let bases = match config.get("extends") {
                Some(Json::Array(bases)) => bases.clone(),
                base => base.cloned().into_iter().collect(),
            };
            // The last of several wins.
            open.extend(bases.iter().filter_map(Json::as_str).filter(|base| base.starts_with('.')).map(|base| {
                let path = tidy(&folder.join(base));
                match path.extension().is_some_and(|end| end == "json") {
                    true => path,
                    false => path.with_file_name(format!("{}.json", base.rsplit('/').next().unwrap_or(base))),
                }
            }));
            found.push((folder.to_owned(), config));
        }
        found
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
                let exports = self.manifests.json(&member.join("package.json"));
                let exports = exports.as_ref().and_then(|manifest| manifest.get("exports"));
                let named = rest.map_or_else(|| ".".to_owned(), |rest| format!("./{rest}"));
                if let Some(found) = exports.and_then(|exports| mapped(member, exports, &named)) {
                    return Some(found);
                }
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

/// The file that `exports` or `imports` of a manifest in `folder` name for a key; its source where what they name is built.
fn mapped(folder: &Path, map: &Json, key: &str) -> Option<PathBuf> {
    let (target, rest) = match map.as_object().filter(|map| map.keys().any(|own| own.starts_with(['.', '#']))) {
        Some(map) => map.iter().find_map(|(pattern, target)| Some((target, matched(pattern, key)?)))?,
        None if key == "." => (map, ""),
        None => return None,
    };
    let mut open = vec![target];
    while let Some(target) = open.pop() {
        match target {
            Json::String(target) if !target.ends_with(".d.ts") => {
                let target = target.replacen('*', rest, 1);
                let source = target.strip_prefix("./").and_then(|path| path.split_once('/')).map(|(_, rest)| rest);
                let found = file_or_folder(&tidy(&folder.join(&target)))
                    .or_else(|| file_or_folder(&tidy(&folder.join("src").join(source?))));
                if found.is_some() {
                    return found;
                }
            }
            Json::Object(conditions) => {
                open.extend(conditions.iter().filter(|(name, _)| *name != "types").map(|(_, target)| target));
            }
            Json::Array(targets) => open.extend(targets),
            _ => {}
        }
    }
    None
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
