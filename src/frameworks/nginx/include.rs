//! Files read through `include`, and which files stand by themselves.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::finding::{Problem, ProblemKind};
use crate::source::{FileId, LoadError, SourceFile, SourceSet, Span, glob};
use crate::syntax::nginx::{Directive, NginxFile, nginx};

/// How deep files include files. nginx has no bound; a circle ends here at the latest.
const DEEPEST_INCLUDE: usize = 16;
/// How many directives one configuration may have, all includes counted as often as they are read.
const MOST_DIRECTIVES: usize = 200_000;
/// How many files one `include` may bring.
const MOST_FILES: usize = 512;

/// Files that nginx and its packages bring along, or that hold certificates' options: nothing in them is about CORS.
const HARMLESS: &[&str] = &[
    "mime",
    "fastcgi",
    "uwsgi",
    "scgi",
    "params",
    "koi",
    "win-utf",
    "ssl",
    "tls",
    "cert",
    "letsencrypt",
    "acme",
    "gzip",
    "brotli",
    "log",
    "upstream",
    "modules",
    "module",
    "perl",
    "real_ip",
    "realip",
    "cloudflare",
    "geoip",
    "dhparam",
];

/// Finds files of the scanned tree by the last part of their path, in which `*` and `?` may stand.
pub type FindFiles<'a> = &'a dyn Fn(&str) -> Vec<PathBuf>;

/// A file and its tree.
type Parsed = (Arc<SourceFile>, Rc<NginxFile>);

/// Reads files and what they include.
pub(super) struct Loader<'a> {
    sources: &'a SourceSet,
    find: FindFiles<'a>,
    parsed: RefCell<FxHashMap<PathBuf, Option<Parsed>>>,
    told: RefCell<FxHashSet<(FileId, u32)>>,
    /// What could not be read, each with the file, where that was read.
    pub(super) problems: RefCell<Vec<(Option<FileId>, Problem)>>,
    /// How much of the configurations was looked at.
    pub(super) looked_at: Cell<usize>,
}

/// A configuration with everything that it includes.
#[derive(Default)]
pub(super) struct Loaded {
    /// The directives at the top level.
    pub directives: Vec<Directive>,
    /// Every file that was read, the first one first.
    pub files: Vec<FileId>,
    /// Their paths.
    pub paths: Vec<PathBuf>,
    /// What nginx's reader refuses, the first one.
    pub error: Option<(String, Span)>,
    /// Whether any of the files is a template.
    pub templated: bool,
    /// Whether an include was not found that may hold what matters.
    pub incomplete: bool,
    /// Whether an include names files by a pattern and none was found: there may be some where nginx runs.
    pub may_have_more: bool,
    /// How many directives were read.
    pub count: usize,
}

impl<'a> Loader<'a> {
    pub fn new(sources: &'a SourceSet, find: FindFiles<'a>) -> Self {
        Self {
            sources,
            find,
            parsed: RefCell::default(),
            told: RefCell::default(),
            problems: RefCell::default(),
            looked_at: Cell::default(),
        }
    }

    /// Reads `path` and all that it includes; nothing where it cannot be read.
    pub fn load(&self, path: &Path) -> Option<Loaded> {
        let mut loaded = Loaded::default();
        let folder = path.parent().unwrap_or(Path::new(""));
        let directives = self.file(path, folder, &mut Vec::new(), &mut loaded)?;
        loaded.directives = directives;
        Some(loaded)
    }

    pub(super) fn problem(&self, span: Span, kind: ProblemKind, message: String) {
        if !self.told.borrow_mut().insert((span.file, span.start)) {
            return;
        }
        let file = self.sources.get(span.file);
        let line = Some(file.position(span.start).line);
        let problem = Problem { file: file.name.clone(), line, kind, message };
        self.problems.borrow_mut().push((Some(span.file), problem));
    }

    fn parse(&self, path: &Path) -> Option<Parsed> {
        if let Some(parsed) = self.parsed.borrow().get(path) {
            return parsed.clone();
        }
        let parsed = match self.sources.load(path) {
            Ok(file) => {
                let tree = Rc::new(nginx(file.id, &file.text));
                for &(span, message) in tree.errors.iter().take(1) {
                    self.problem(span, ProblemKind::SyntaxError, message.to_owned());
                }
                if let Some(span) = tree.too_deep {
                    self.problem(span, ProblemKind::TooDeep, "blocks are nested too deeply to be read".to_owned());
                }
                Some((file, tree))
            }
            Err(error) => {
                let kind = match error {
                    LoadError::Missing => ProblemKind::NotFound,
                    _ => ProblemKind::from(&error),
                };
                let file = self.sources.name(path);
                let problem = Problem { file, line: None, kind, message: error.to_string() };
                self.problems.borrow_mut().push((None, problem));
                None
            }
        };
        self.parsed.borrow_mut().insert(path.to_owned(), parsed.clone());
        parsed
    }

    fn file(&self, path: &Path, prefix: &Path, open: &mut Vec<PathBuf>, loaded: &mut Loaded) -> Option<Vec<Directive>> {
        let (file, tree) = self.parse(path)?;
        if !loaded.files.contains(&file.id) {
            loaded.files.push(file.id);
            loaded.paths.push(path.to_owned());
        }
        loaded.templated |= tree.templated;
        if let Some(&(span, message)) = tree.errors.first()
            && !tree.templated
            && loaded.error.is_none()
        {
            // nginx says no more than the first part.
            let message = message.split_once(": ").map_or(message, |(first, _)| first);
            loaded.error = Some((message.to_owned(), span));
        }
        open.push(path.to_owned());
        let directives = self.spliced(&tree.directives, prefix, open, loaded);
        open.pop();
        Some(directives)
    }

    /// The directives with what they include in the place of each `include`.
    fn spliced(
        &self,
        directives: &[Directive],
        prefix: &Path,
        open: &mut Vec<PathBuf>,
        loaded: &mut Loaded,
    ) -> Vec<Directive> {
        let mut all = Vec::with_capacity(directives.len());
        for directive in directives {
            loaded.count += 1;
            if loaded.count > MOST_DIRECTIVES {
                self.problem(directive.span, ProblemKind::BudgetSpent, "the configuration is too large".to_owned());
                loaded.incomplete = true;
                break;
            }
            if directive.is("include") && directive.block.is_none() && directive.args.len() == 1 {
                all.extend(self.include(directive, prefix, open, loaded));
                continue;
            }
            let mut directive = directive.clone();
            if let Some(block) = &directive.block
                && block.iter().any(|inner| inner.is("include") || inner.block.is_some())
            {
                directive.block = Some(self.spliced(block, prefix, open, loaded).into());
            }
            all.push(directive);
        }
        all
    }

    fn include(
        &self,
        directive: &Directive,
        prefix: &Path,
        open: &mut Vec<PathBuf>,
        loaded: &mut Loaded,
    ) -> Vec<Directive> {
        let Some(word) = directive.args.first() else { return Vec::new() };
        let unread = |loaded: &mut Loaded| {
            loaded.incomplete = true;
            vec![directive.clone()]
        };
        if word.templated || open.len() >= DEEPEST_INCLUDE {
            return unread(loaded);
        }
        let paths = self.resolve(&word.text, open, prefix);
        if paths.is_empty() {
            let is_glob = word.text.contains(['*', '?', '[']);
            loaded.may_have_more |= is_glob;
            if is_glob || is_harmless(&word.text) {
                return Vec::new();
            }
            let message = format!("the included file {} is not among the files read", word.text);
            self.problem(directive.span, ProblemKind::NotFound, message);
            return unread(loaded);
        }
        let mut all = Vec::new();
        for path in paths.into_iter().take(MOST_FILES) {
            if open.contains(&path) {
                let message = format!("{} includes itself", self.sources.name(&path));
                self.problem(directive.span, ProblemKind::SyntaxError, message);
                continue;
            }
            let mut inner = self.file(&path, prefix, open, loaded).unwrap_or_default();
            if !directive.conditions.is_empty() {
                for one in &mut inner {
                    one.conditions = directive.conditions.iter().chain(one.conditions.iter()).copied().collect();
                }
            }
            all.append(&mut inner);
        }
        all
    }

    /// The files that `include pattern` in the file `from` means. The paths of a deployment need not be those of the
    /// repository: what does not lie where it says is found by the end of its path, the longest one that leads anywhere.
    fn resolve(&self, pattern: &str, open: &[PathBuf], prefix: &Path) -> Vec<PathBuf> {
        let from = open.last().map_or(Path::new(""), PathBuf::as_path);
        // Whose main file is known knows the folder that names begin in: there a file may include itself.
        let is_known = |base: &Path| base == prefix && open.first().is_some_and(|main| main.ends_with("nginx.conf"));
        let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let Some(&name) = parts.last() else { return Vec::new() };
        if parts.len() > 32 {
            return Vec::new();
        }
        if !pattern.starts_with('/') && !pattern.contains(['*', '?', '[']) {
            for base in [prefix, from.parent().unwrap_or(Path::new(""))] {
                let path = joined(base, &parts);
                if (path != from || is_known(base)) && (self.sources.find(&path).is_some() || is_own_file(&path)) {
                    return vec![path];
                }
            }
        }
        let mut found: Vec<PathBuf> = (self.find)(name).into_iter().filter(|path| path != from).collect();
        if !pattern.starts_with('/') {
            for base in [prefix, from.parent().unwrap_or(Path::new(""))] {
                let folder = joined(base, &parts[..parts.len() - 1]);
                let mut here: Vec<PathBuf> = found
                    .iter()
                    .filter(|path| {
                        let parent = path.parent().unwrap_or(Path::new(""));
                        parent == folder || matches_components(parent, &folder)
                    })
                    .cloned()
                    .collect();
                if !here.is_empty() {
                    here.sort();
                    return here;
                }
            }
        }
        let parts: Vec<&str> = parts.into_iter().filter(|part| *part != "..").collect();
        for length in (1..=parts.len()).rev() {
            let tail = &parts[parts.len() - length..];
            // A glob over everything called `*.conf` means nothing without its folder.
            if length == 1 && parts.len() > 1 && name.contains('*') {
                break;
            }
            let mut here: Vec<PathBuf> = found.iter().filter(|path| ends_with(path, tail)).cloned().collect();
            if here.is_empty() {
                continue;
            }
            // The nearest ones, where several folders have such files.
            let near = |path: &PathBuf| {
                path.components().zip(from.components()).take_while(|(one, other)| one == other).count()
            };
            let nearest = here.iter().map(near).max().unwrap_or(0);
            here.retain(|path| near(path) == nearest);
            here.sort();
            if !name.contains(['*', '?', '[']) {
                here.truncate(1);
            }
            return here;
        }
        found.clear();
        found
    }
}

/// A path below, or beside, a folder.
fn joined(base: &Path, parts: &[&str]) -> PathBuf {
    let mut path = base.to_owned();
    for part in parts {
        match *part {
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}

fn is_harmless(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    !name.contains("cors") && !name.contains("header") && HARMLESS.iter().any(|part| path.contains(part))
}

fn matches_components(folder: &Path, pattern: &Path) -> bool {
    folder.components().count() == pattern.components().count()
        && folder.components().zip(pattern.components()).all(|(part, pattern)| {
            let (part, pattern) = (part.as_os_str().to_string_lossy(), pattern.as_os_str().to_string_lossy());
            part == pattern || (pattern.contains(['*', '?']) && matches_glob(&part, &pattern))
        })
}

fn ends_with(path: &Path, tail: &[&str]) -> bool {
    let mut parts = path.components().rev();
    tail.iter()
        .rev()
        .all(|pattern| parts.next().is_some_and(|part| matches_glob(&part.as_os_str().to_string_lossy(), pattern)))
}

/// Whether a file or folder name matches a shell pattern with `*`, `?` and `[…]`, as `glob(3)` reads it.
pub fn matches_glob(name: &str, pattern: &str) -> bool {
    if !pattern.contains(['*', '?', '[']) {
        return name == pattern;
    }
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    glob(pattern).is_some_and(|glob| glob.is_match(name))
}

/// Whether a path is a file itself. A link is not followed: it may lead out of the tree. Where it leads within the
/// tree, the file is found by its own name.
fn is_own_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}
