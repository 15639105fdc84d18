//! The files of a repository, as programs import them.

mod javascript;
mod locks;
mod manifests;
mod python;
mod requirements;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustc_hash::FxHashMap;

use super::Loader;
use crate::source::{FileId, LoadError, SourceFile, SourceSet, Span};
use crate::syntax::data::Data;
use crate::syntax::program::{Language, Program};
use crate::syntax::{SourceKind, language_of, lower};

/// A program that was read; `None` where it cannot be.
type Read = Option<(FileId, Arc<Program>)>;

/// Finds modules on disk. Nothing above `root` is read.
#[derive(Debug)]
pub struct Repository {
    sources: Arc<SourceSet>,
    root: PathBuf,
    /// The root without links.
    real_root: Option<PathBuf>,
    /// Names of variables of the environment that are said to be set.
    variables: Vec<String>,
    programs: Mutex<FxHashMap<PathBuf, Read>>,
    manifests: manifests::Manifests,
    /// The versions of packages that the programs in a folder run with.
    versions: Mutex<FxHashMap<(PathBuf, String), Option<String>>>,
    /// The texts of the modules of settings near a folder.
    settings: Mutex<FxHashMap<PathBuf, settings::Texts>>,
    /// Modules and files of variables that are there and could not be read.
    unread: Mutex<Vec<(PathBuf, LoadError)>>,
}

impl Repository {
    /// The repository below `root`, whose files come into `sources` as they are read.
    pub fn new(sources: Arc<SourceSet>, root: PathBuf) -> Self {
        let real_root = root.canonicalize().ok();
        Self {
            sources,
            root,
            real_root,
            variables: Vec::new(),
            programs: Mutex::default(),
            manifests: manifests::Manifests::default(),
            versions: Mutex::default(),
            settings: Mutex::default(),
            unread: Mutex::default(),
        }
    }

    /// The same where these variables of the environment are said to be set.
    pub fn with_variables(self, variables: Vec<String>) -> Self {
        Self { variables, ..self }
    }

    /// A tree that was made before, so that it is not made again.
    pub fn add(&self, path: &Path, file: FileId, program: Arc<Program>) {
        if let Ok(mut programs) = self.programs.lock() {
            programs.insert(path.to_owned(), Some((file, program)));
        }
    }

    /// Every tree that was made, with its file.
    pub fn programs(&self) -> Vec<(PathBuf, FileId, Arc<Program>)> {
        let Ok(programs) = self.programs.lock() else { return Vec::new() };
        let mut all: Vec<_> = programs
            .iter()
            .filter_map(|(path, program)| {
                program.as_ref().map(|(file, program)| (path.clone(), *file, program.clone()))
            })
            .collect();
        all.sort_by_key(|(_, file, _)| *file);
        all
    }

    /// What was asked for, is there and could not be read: manifests, modules and files of variables.
    pub fn unread(&self) -> Vec<(PathBuf, LoadError)> {
        let mut unread = self.manifests.unread();
        unread.extend(self.unread.lock().map(|own| own.clone()).unwrap_or_default());
        unread
    }

    fn folders_upward<'p>(&'p self, from: &'p Path) -> impl Iterator<Item = &'p Path> {
        from.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root)).take(32)
    }
}

impl Loader for Repository {
    fn resolve(&self, from: &Path, module: &str, language: Language) -> Option<PathBuf> {
        let found = match language {
            Language::JavaScript => self.resolve_javascript(from, module),
            Language::Python => self.resolve_python(from, module),
        }?;
        // A path with `..` may not lead out of the repository; links are followed where the file is read.
        found.starts_with(&self.root).then_some(found)
    }

    fn program(&self, path: &Path) -> Option<(FileId, Arc<Program>)> {
        if let Some(known) = self.programs.lock().ok()?.get(path) {
            return known.clone();
        }
        let program = self.read(path);
        self.programs.lock().ok()?.insert(path.to_owned(), program.clone());
        program
    }

    fn json(&self, path: &Path) -> Option<(FileId, serde_json::Value)> {
        let file = self.load(path)?;
        let value = serde_json::from_str(file.text.trim_start_matches('\u{feff}')).ok()?;
        Some((file.id, value))
    }

    fn data(&self, path: &Path) -> Option<Data> {
        let file = self.load(path)?;
        let documents = crate::syntax::data::read(path, file.id, file.text.trim_start_matches('\u{feff}'))?.ok()?;
        documents.into_iter().next()
    }

    fn sets(&self, from: &Path, name: &str) -> bool {
        self.settings_near(from).iter().any(|text| settings::sets(text, name))
    }

    fn environment(&self, from: &Path, in_production: bool) -> Vec<(String, String, Span)> {
        self.environment_of(from, in_production)
    }

    fn is_said_to_be_set(&self, variable: &str) -> bool {
        self.variables.iter().any(|known| known == variable)
    }

    fn package_version(&self, from: &Path, package: &str) -> Option<String> {
        let is_python = from.extension().is_some_and(|end| end == "py");
        let key = (from.parent()?.to_owned(), format!("{}{package}", if is_python { "python:" } else { "" }));
        if let Some(known) = self.versions.lock().ok()?.get(&key) {
            return known.clone();
        }
        let version = match is_python {
            true => self.python_version(from, package),
            false => self.version(from, package),
        };
        self.versions.lock().ok()?.insert(key, version.clone());
        version
    }

    fn file_text(&self, file: FileId) -> String {
        self.sources.get(file).text.clone()
    }

    fn text(&self, span: Span) -> String {
        self.sources.text(span)
    }
}

impl Repository {
    /// A file of the repository. A link may not lead out of it: what lies there is nobody's to be shown in a report.
    fn load(&self, path: &Path) -> Option<Arc<SourceFile>> {
        if let Some(file) = self.sources.find(path) {
            return Some(file);
        }
        if !path.canonicalize().ok()?.starts_with(self.real_root.as_ref()?) {
            return None;
        }
        match self.sources.load(path) {
            Ok(file) => Some(file),
            Err(LoadError::Missing) => None,
            Err(error) => {
                self.unread.lock().ok()?.push((path.to_owned(), error));
                None
            }
        }
    }

    fn read(&self, path: &Path) -> Option<(FileId, Arc<Program>)> {
        // Flask's files of settings are Python, whatever their names end in.
        let is_settings = || path.extension().is_some_and(|end| end == "cfg" || end == "conf");
        let kind = language_of(path).or_else(|| is_settings().then_some(SourceKind::Python))?;
        let file = self.load(path)?;
        Some((file.id, Arc::new(lower(kind, file.id, &file.text))))
    }
}

/// A path without `.` and `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    tidy
}
