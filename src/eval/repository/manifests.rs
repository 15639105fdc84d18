//! `package.json`, workspaces and `.env` files.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustc_hash::FxHashMap;
use serde_json::Value as Json;

use super::Repository;
use crate::source::{LoadError, Span, decoded_utf16, read_bytes, text_of};

/// How many members of a workspace are looked at.
const MOST_MEMBERS: usize = 2000;

/// Manifests that were read.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    files: Mutex<FxHashMap<PathBuf, Option<Arc<Json>>>>,
    texts: Mutex<FxHashMap<PathBuf, Option<Arc<str>>>>,
    members: Mutex<FxHashMap<PathBuf, Members>>,
    unread: Mutex<Vec<(PathBuf, LoadError)>>,
}

/// Names and folders of a workspace's members.
type Members = Arc<Vec<(String, PathBuf)>>;

impl Manifests {
    /// The manifests that are there and could not be read, in the order in which they were asked for.
    pub(super) fn unread(&self) -> Vec<(PathBuf, LoadError)> {
        self.unread.lock().map(|unread| unread.clone()).unwrap_or_default()
    }

    fn read(&self, path: &Path) -> Option<String> {
        // Package managers read UTF-8; pip takes UTF-16 too, as PowerShell writes it where `pip freeze` is redirected
        // (pip 25, `_internal/req/req_file.py`).
        let decoded = |bytes: Vec<u8>| match path.extension().is_some_and(|end| end == "txt" || end == "in") {
            true => decoded_utf16(&bytes).map_or_else(|| text_of(bytes), Ok),
            false => text_of(bytes),
        };
        let error = match read_bytes(path).and_then(decoded) {
            Ok(text) => return Some(text),
            Err(LoadError::Missing) => return None,
            Err(error) => error,
        };
        // Without its lock file a package has the version of its range.
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.contains("lock") && name != "npm-shrinkwrap.json" {
            self.unread.lock().ok()?.push((path.to_owned(), error));
        }
        None
    }

    /// A text file, read once.
    pub(super) fn text(&self, path: &Path) -> Option<Arc<str>> {
        if let Some(known) = self.texts.lock().ok()?.get(path) {
            return known.clone();
        }
        let text = self.read(path).map(Arc::from);
        self.texts.lock().ok()?.insert(path.to_owned(), text.clone());
        text
    }

    /// A JSON file, read once. Comments and trailing commas, as `tsconfig.json` has them, are allowed.
    pub(super) fn json(&self, path: &Path) -> Option<Arc<Json>> {
        if let Some(known) = self.files.lock().ok()?.get(path) {
            return known.clone();
        }
        let value = self.read(path).and_then(|text| relaxed(&text)).map(Arc::new);
        self.files.lock().ok()?.insert(path.to_owned(), value.clone());
        value
    }

    /// The members of the workspace whose root is `folder`.
    pub(super) fn members(&self, folder: &Path) -> Members {
        if let Some(known) = self.members.lock().ok().and_then(|members| members.get(folder).cloned()) {
            return known;
        }
        let members = Arc::new(self.find_members(folder));
        if let Ok(mut all) = self.members.lock() {
            all.insert(folder.to_owned(), members.clone());
        }
        members
    }

    fn find_members(&self, folder: &Path) -> Vec<(String, PathBuf)> {
        let mut patterns: Vec<String> = Vec::new();
        if let Some(manifest) = self.json(&folder.join("package.json")) {
            let workspaces = manifest.get("workspaces").map(|own| own.get("packages").unwrap_or(own));
            let own = workspaces.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
            patterns.extend(own.map(str::to_owned));
        }
        if let Some(text) = self.read(&folder.join("pnpm-workspace.yaml")) {
            let listed = text.lines().filter_map(|line| line.trim().strip_prefix("- "));
            patterns.extend(listed.map(|line| line.trim().trim_matches(['"', '\'']).to_owned()));
        }
        let mut members = Vec::new();
        for pattern in patterns {
            let pattern = pattern.trim_end_matches('/');
            let folders = match pattern.strip_suffix("/**").or_else(|| pattern.strip_suffix("/*")) {
                Some(parent) => inner_folders(&folder.join(parent)),
                None => vec![folder.join(pattern)],
            };
            for member in folders.into_iter().take(MOST_MEMBERS) {
                let manifest = self.json(&member.join("package.json"));
                if let Some(name) = manifest.as_ref().and_then(|manifest| manifest.get("name")?.as_str()) {
                    members.push((name.to_owned(), member));
                }
            }
        }
        members
    }
}

fn inner_folders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut folders: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.join("package.json").is_file()).collect();
    folders.sort();
    folders
}

/// JSON with comments and commas before a closing bracket.
fn relaxed(text: &str) -> Option<Json> {
    let text = text.trim_start_matches('\u{feff}');
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let mut clean = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut in_string = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if in_string => {
                clean.push(letter);
                clean.extend(letters.next());
                continue;
            }
            '"' => in_string = !in_string,
            '/' if !in_string && letters.peek() == Some(&'/') => {
                while letters.next_if(|letter| *letter != '\n').is_some() {}
                continue;
            }
            '/' if !in_string && letters.peek() == Some(&'*') => {
                letters.next();
                let mut last = ' ';
                for letter in letters.by_ref() {
                    if last == '*' && letter == '/' {
                        break;
                    }
                    last = letter;
                }
                continue;
            }
            ']' | '}' if !in_string => {
                let kept = clean.trim_end().len();
                if clean[..kept].ends_with(',') {
                    clean.truncate(kept - 1);
                }
            }
            _ => {}
        }
        clean.push(letter);
    }
    serde_json::from_str(&clean).ok()
}

impl Repository {
    /// The version of an npm package: what a lock file beside says, else the range of the manifest.
    pub(super) fn version(&self, from: &Path, package: &str) -> Option<String> {
        for folder in self.folders_upward(from) {
            let Some(manifest) = self.manifests.json(&folder.join("package.json")) else { continue };
            let range = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"]
                .iter()
                .find_map(|kind| manifest.get(kind)?.get(package)?.as_str());
            let Some(range) = range else { continue };
            if let Some(version) = self.locked(folder, package, range) {
                return Some(version);
            }
            if range.bytes().any(|byte| byte.is_ascii_digit()) {
                return Some(range.to_owned());
            }
        }
        None
    }

    /// The variables of the nearest `.env` file, in production or not, up to the package's own folder.
    pub(super) fn environment_of(&self, from: &Path, in_production: bool) -> Vec<(String, String, Span)> {
        for folder in self.folders_upward(from).take(4) {
            let of_stage = if in_production { ".env.production" } else { ".env.development" };
            for name in [".env", ".env.local", of_stage] {
                if let Some(file) = self.load(&folder.join(name)) {
                    return variables(file.id, &file.text);
                }
            }
            if ["package.json", ".git", "pyproject.toml", "requirements.txt"]
                .iter()
                .any(|name| folder.join(name).exists())
            {
                break;
            }
        }
        Vec::new()
    }
}

/// The variables of a `.env` file. Quotes are taken off; a value that is made of others is left out.
fn variables(file: crate::source::FileId, text: &str) -> Vec<(String, String, Span)> {
    let mut found = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let body = line.trim();
        let body = body.strip_prefix("export ").unwrap_or(body);
        let Some((name, value)) = body.split_once('=').filter(|_| !body.starts_with('#')) else { continue };
        let value = value.trim();
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
            _ => value.split(" #").next().unwrap_or_default().trim_end(),
        };
        if !value.contains("${") {
            let span = Span::new(file, start as u32, (start + line.trim_end().len()) as u32);
            found.push((name.trim().to_owned(), value.to_owned(), span));
        }
    }
    found
}
