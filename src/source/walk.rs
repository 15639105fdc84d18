//! The walk: from the paths of a command line to the files that may concern CORS.

use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use globset::{Glob, GlobSet, GlobSetBuilder};
use ignore::{DirEntry, WalkBuilder, WalkState};

use super::ignored::rounds;
use super::kind::{ByName, by_name, by_shebang};
use super::{FileKind, LARGEST_FILE, LoadError, decoded_utf16, looks_like_nginx, scan, text_of};

/// What to walk, and how.
#[derive(Clone, Debug)]
pub struct WalkSettings {
    /// The working directory, absolute. Relative paths and patterns start here.
    pub base: PathBuf,
    /// Files and folders. A file is read whatever it is called; a folder's own name excludes nothing in it.
    pub paths: Vec<PathBuf>,
    /// Patterns of paths that are left out, each with the folder that they are relative to; see [`exclusions`].
    pub exclude: Vec<(PathBuf, GlobSet)>,
    /// Read what `.gitignore` and its like leave out.
    pub no_ignore: bool,
    /// Read files and folders whose names begin with a dot.
    pub hidden: bool,
    /// Read test files.
    pub include_tests: bool,
    /// How many threads walk, read and scan.
    pub threads: usize,
}

/// A file that may set CORS.
#[derive(Debug)]
pub struct Candidate {
    /// Its absolute path without `.` and `..`.
    pub path: PathBuf,
    /// Its language.
    pub kind: FileKind,
    /// Its text.
    pub text: String,
}

/// What a walk hands on, from its worker threads.
pub trait Visit: Sync {
    /// A file that may set CORS.
    fn candidate(&self, candidate: Candidate);

    /// A file or folder that could not be read and may concern CORS.
    fn problem(&self, path: &Path, error: LoadError);
}

/// What a walk came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// How many files were scanned.
    pub scanned: usize,
    /// Files without a trace of CORS that make a server, sorted: what sets CORS may be mounted in, or stand behind, them.
    pub makers: Vec<(PathBuf, FileKind)>,
}

/// Folders that hold other people's code, or none.
const FOREIGN_FOLDERS: &[&str] = &[
    "node_modules",
    "bower_components",
    "jspm_packages",
    "vendor",
    "vendors",
    "third_party",
    "third-party",
    "site-packages",
    "dist-packages",
    "__pypackages__",
    "__pycache__",
    "venv",
    "virtualenv",
    "coverage",
    "htmlcov",
];

/// Folders whose programs are made by a build. Configurations in them are read.
const BUILT_FOLDERS: &[&str] = &["dist", "build", "out", "target", "_build", "bundle", "bundles", "storybook-static"];

/// Folders of tests.
const TEST_FOLDERS: &[&str] =
    &["test", "tests", "__tests__", "__mocks__", "__fixtures__", "spec", "specs", "e2e", "cypress", "testing"];

/// Compiles patterns to leave out. A pattern without a slash counts at every depth, as in `.gitignore`; one that names
/// a folder leaves out all in it.
///
/// # Errors
/// The pattern and why it is none.
pub fn exclusions<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<GlobSet, String> {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        let bare = pattern.trim_start_matches("./").trim_end_matches('/');
        let rooted = match bare.strip_prefix('/') {
            Some(rooted) => rooted.to_owned(),
            None if bare.contains('/') => bare.to_owned(),
            None => format!("**/{bare}"),
        };
        for glob in [rooted.clone(), format!("{rooted}/**")] {
            builder.add(Glob::new(&glob).map_err(|error| format!("`{pattern}` is no pattern: {}", error.kind()))?);
        }
    }
    builder.build().map_err(|error| error.to_string())
}

/// `path` made absolute from `base`, with `.` and `..` resolved by name.
pub fn absolute(base: &Path, path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in base.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// The files below `root`, sorted, at most `most`. What `.gitignore` leaves out is left out, and no link is followed.
pub(super) fn list(root: &Path, most: usize) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let go = |builder: &WalkBuilder| {
        let entries = builder.build().filter_map(Result::ok).take(most - files.len());
        let entries = entries.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
        files.extend(entries.map(DirEntry::into_path));
    };
    rounds(&[root.to_owned()], false, |_| {}, go, &|_| false, &mut |_, _| {});
    files.sort();
    files
}

/// Walks the paths in parallel and hands on what may concern CORS. `progress` counts the scanned files meanwhile.
pub fn walk(settings: &WalkSettings, progress: &AtomicUsize, visit: &dyn Visit) -> Walked {
    let makers = Mutex::new(Vec::new());
    let mut roots: Vec<PathBuf> = settings.paths.iter().map(|path| absolute(&settings.base, path)).collect();
    roots.sort();
    roots.dedup();
    let (files, folders): (Vec<_>, Vec<_>) = roots.iter().partition(|root| !root.is_dir());
    let walker = Walker { settings, roots: &folders, progress, visit, makers: &makers };
    let mut buffer = Vec::new();
    for file in &files {
        walker.named(file, &mut buffer);
    }
    // What lies in another root is walked with that.
    let outermost = |folder: &&&PathBuf| !folders.iter().any(|other| folder != &other && folder.starts_with(other));
    let outermost: Vec<PathBuf> = folders.iter().filter(outermost).map(|folder| (*folder).clone()).collect();
    let set = |builder: &mut WalkBuilder| {
        builder
            .standard_filters(!settings.no_ignore)
            .require_git(false)
            .hidden(!settings.hidden)
            .follow_links(false)
            .threads(settings.threads);
    };
    let go = |builder: &WalkBuilder| {
        builder.build_parallel().run(|| {
            let mut buffer = Vec::new();
            let (walker, files) = (&walker, &files);
            Box::new(move |entry| match entry {
                Ok(entry) if files.iter().any(|file| entry.path() == file.as_path()) => WalkState::Continue,
                Ok(entry) => walker.entry(&entry, &mut buffer),
                Err(error) => {
                    walker.failed(&error);
                    WalkState::Continue
                }
            })
        });
    };
    let left_out = |folder: &Path| walker.is_left_out(folder);
    rounds(&outermost, settings.no_ignore, set, go, &left_out, &mut |path, error| visit.problem(path, error));
    let mut makers = makers.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    makers.sort();
    Walked { scanned: progress.load(Ordering::Relaxed), makers }
}

struct Walker<'a> {
    settings: &'a WalkSettings,
    roots: &'a [&'a PathBuf],
    progress: &'a AtomicUsize,
    visit: &'a dyn Visit,
    makers: &'a Mutex<Vec<(PathBuf, FileKind)>>,
}

impl Walker<'_> {
    fn entry(&self, entry: &DirEntry, buffer: &mut Vec<u8>) -> WalkState {
        let Some(file_type) = entry.file_type() else { return WalkState::Continue };
        let path = entry.path();
        if file_type.is_dir() {
            let left_out = entry.depth() > 0 && self.is_left_out(path);
            return if left_out { WalkState::Skip } else { WalkState::Continue };
        }
        if !file_type.is_file() {
            return WalkState::Continue;
        }
        let by_name = by_name(path);
        if by_name == ByName::Other || self.excluded(path) {
            return WalkState::Continue;
        }
        if let ByName::Source(kind) = by_name
            && self.left_out(path, kind)
        {
            return WalkState::Continue;
        }
        self.progress.fetch_add(1, Ordering::Relaxed);
        match read(path, |bytes| kind_of(by_name, path, bytes), buffer) {
            Ok(Content::Whole) => self.scan(path, by_name, buffer),
            Ok(Content::TooLarge { size, sets_cors }) => {
                if sets_cors {
                    self.visit.problem(path, LoadError::TooLarge(size));
                }
            }
            Err(error) => self.visit.problem(path, error),
        }
        WalkState::Continue
    }

    /// Looks at a file's bytes and hands it on if it may set CORS.
    fn scan(&self, path: &Path, by_name: ByName, bytes: &[u8]) {
        if let Some(text) = decoded_utf16(bytes) {
            let sets_cors = |kind| scan::sets_cors(kind, text.as_bytes());
            if kind_of(by_name, path, text.as_bytes()).is_some_and(sets_cors) {
                self.visit.problem(path, LoadError::Utf16);
            }
            return;
        }
        let Some(kind) = kind_of(by_name, path, bytes) else { return };
        if matches!(by_name, ByName::Source(_)) && is_minified(kind, bytes) {
            if scan::is_server(bytes) && scan::sets_cors(kind, bytes) {
                self.visit.problem(path, LoadError::Minified);
            }
            return;
        }
        if scan::sets_cors(kind, bytes) {
            match text_of(bytes.to_vec()) {
                Ok(text) => self.visit.candidate(Candidate { path: path.to_owned(), kind, text }),
                Err(error) => self.visit.problem(path, error),
            }
        } else if scan::makes_server(kind, bytes) {
            self.makers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((path.to_owned(), kind));
        }
    }

    /// A file of the command line: read whatever it is, unless it is of no language we know.
    fn named(&self, path: &Path, buffer: &mut Vec<u8>) {
        self.progress.fetch_add(1, Ordering::Relaxed);
        match read(path, |_| None, buffer) {
            Ok(Content::Whole) => match (kind_of(by_name(path), path, buffer), text_of(buffer.clone())) {
                (Some(kind), Ok(text)) => {
                    self.visit.candidate(Candidate { path: path.to_owned(), kind, text });
                }
                (_, Err(error)) => self.visit.problem(path, error),
                (None, Ok(_)) => {}
            },
            Ok(Content::TooLarge { size, .. }) => self.visit.problem(path, LoadError::TooLarge(size)),
            Err(error) => self.visit.problem(path, error),
        }
    }

    fn failed(&self, error: &ignore::Error) {
        let mut path = Path::new("");
        let mut inner = error;
        loop {
            inner = match inner {
                ignore::Error::WithPath { path: at, err } => {
                    path = at;
                    err
                }
                ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => err,
                other => {
                    // A pattern of an ignore file that git would skip as well is nobody's problem here.
                    if let Some(io) = other.io_error() {
                        self.visit.problem(path, LoadError::Io(io.to_string()));
                    }
                    return;
                }
            };
        }
    }

    fn excluded(&self, path: &Path) -> bool {
        let mut exclude = self.settings.exclude.iter();
        exclude.any(|(folder, globs)| path.strip_prefix(folder).is_ok_and(|relative| globs.is_match(relative)))
    }

    /// The folders between the root that a path was reached from and the path itself.
    fn folders<'p>(&self, path: &'p Path) -> impl Iterator<Item = &'p str> {
        let root = self.roots.iter().filter(|root| path.starts_with(root)).max_by_key(|root| root.as_os_str().len());
        let relative = root.and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path);
        relative.parent().into_iter().flat_map(Path::components).filter_map(|part| part.as_os_str().to_str())
    }

    /// Whether a folder is left out with all that is in it.
    fn is_left_out(&self, folder: &Path) -> bool {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        self.excluded(folder) || FOREIGN_FOLDERS.contains(&name) || name == ".git" || folder.join("pyvenv.cfg").exists()
    }

    /// Whether a program is a test, minified by its name, built, or has nothing that runs.
    fn left_out(&self, path: &Path, kind: FileKind) -> bool {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let part = |word: &str| name.split('.').skip(1).any(|part| part == word);
        if part("min") || part("bundle") || name.ends_with("-min.js") {
            return true;
        }
        if kind == FileKind::TypeScript && part("d") {
            return true;
        }
        if self.folders(path).any(|folder| BUILT_FOLDERS.contains(&folder)) {
            return true;
        }
        if self.settings.include_tests {
            return false;
        }
        let is_test = match kind {
            FileKind::Python => name.starts_with("test_") || name.ends_with("_test.py") || name == "conftest.py",
            _ => part("test") || part("spec") || part("e2e") || part("stories") || part("cy"),
        };
        is_test || self.folders(path).any(|folder| TEST_FOLDERS.contains(&folder))
    }
}

/// Whether a program is minified: nobody wrote it as it stands.
fn is_minified(kind: FileKind, bytes: &[u8]) -> bool {
    if kind == FileKind::Python || bytes.len() < 8 << 10 {
        return false;
    }
    let sample = &bytes[..bytes.len().min(64 << 10)];
    let lines = memchr::memchr_iter(b'\n', sample).count() + 1;
    sample.len() / lines > 400
}

enum Content {
    /// The buffer holds the whole file.
    Whole,
    /// The file is too large to be parsed.
    TooLarge { size: u64, sets_cors: bool },
}

/// The language that a name gives, or else the text.
fn kind_of(by_name: ByName, path: &Path, bytes: &[u8]) -> Option<FileKind> {
    match by_name {
        ByName::Source(kind) => Some(kind),
        _ => by_shebang(bytes).or_else(|| looks_like_nginx(path, bytes).then_some(FileKind::Nginx)),
    }
}

/// Reads a file into `buffer`. One that is too large is only looked at, part by part, if it is of a kind.
fn read(path: &Path, kind: impl FnOnce(&[u8]) -> Option<FileKind>, buffer: &mut Vec<u8>) -> Result<Content, LoadError> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => LoadError::Missing,
        _ => LoadError::Io(error.to_string()),
    };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    buffer.clear();
    buffer.reserve(size.min(LARGEST_FILE) as usize + 1);
    (&mut file).take(LARGEST_FILE + 1).read_to_end(buffer).map_err(failed)?;
    if buffer.len() as u64 <= LARGEST_FILE {
        return Ok(Content::Whole);
    }
    let too_large = |size: u64, sets_cors: bool| Ok(Content::TooLarge { size, sets_cors });
    // Minified and binary giants are nobody's server.
    let Some(kind) = kind(buffer).filter(|_| !is_minified(FileKind::JavaScript, buffer)) else {
        return too_large(size, false);
    };
    if memchr::memchr(0, buffer).is_some() {
        return too_large(size, false);
    }
    let mut seen = buffer.len() as u64;
    loop {
        if scan::sets_cors(kind, buffer) {
            return too_large(size.max(seen), true);
        }
        // A mention may lie across two parts.
        let keep = buffer.len().saturating_sub(256);
        buffer.drain(..keep);
        let more = (&mut file).take(LARGEST_FILE).read_to_end(buffer).map_err(failed)?;
        seen += more as u64;
        if more == 0 || seen > MOST_SEEN {
            return too_large(size.max(seen), false);
        }
    }
}

/// How much of a file that is too large is looked at for a mention, in bytes.
const MOST_SEEN: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[derive(Default)]
    struct Seen {
        candidates: Mutex<Vec<(String, FileKind)>>,
        problems: Mutex<Vec<String>>,
    }

    impl Visit for Seen {
        fn candidate(&self, candidate: Candidate) {
            let name = candidate.path.to_string_lossy().into_owned();
            self.candidates.lock().unwrap().push((name, candidate.kind));
        }

        fn problem(&self, path: &Path, error: LoadError) {
            self.problems.lock().unwrap().push(format!("{}: {error}", path.display()));
        }
    }

    const JS: &str = "const cors = require('cors');\n";

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn settings(base: &Path, paths: &[&str]) -> WalkSettings {
        WalkSettings {
            base: base.to_owned(),
            paths: paths.iter().map(PathBuf::from).collect(),
            exclude: Vec::new(),
            no_ignore: false,
            hidden: false,
            include_tests: false,
            threads: 2,
        }
    }

    /// The candidates' names relative to the base, sorted, and the problems.
    fn seen(settings: &WalkSettings) -> (Vec<String>, Vec<String>, Walked) {
        let seen = Seen::default();
        let walked = walk(settings, &AtomicUsize::new(0), &seen);
        let base = format!("{}/", settings.base.display());
        let mut names: Vec<String> =
            seen.candidates.into_inner().unwrap().into_iter().map(|(name, _)| name.replace(&base, "")).collect();
        names.sort();
        (names, seen.problems.into_inner().unwrap(), walked)
    }

    #[test]
    fn it_finds_what_concerns_cors_and_leaves_out_the_rest() {
        let folder = tree(&[
            ("app.js", JS),
            ("other.js", "const express = require('express');\n"),
            ("plain.js", "let x = 1;\n"),
            ("site", "server {\n  add_header Access-Control-Allow-Origin *;\n}\n"),
            ("node_modules/x/index.js", JS),
            ("dist/app.js", JS),
            ("dist/nginx.conf", "server {\n  add_header Access-Control-Allow-Origin *;\n}\n"),
            ("env/pyvenv.cfg", ""),
            ("env/lib/x.py", "from flask_cors import CORS\n"),
            ("lib/x.min.js", JS),
            ("types/x.d.ts", "import cors from 'cors';\n"),
            ("src/app.test.ts", "import cors from 'cors';\n"),
            ("tests/app.py", "from flask_cors import CORS\n"),
            (".hidden/app.js", JS),
            ("ignored/app.js", JS),
            (".gitignore", "ignored/\n"),
            ("README.md", "const cors = require('cors');\n"),
        ]);
        let (names, problems, walked) = seen(&settings(folder.path(), &["."]));
        assert_eq!(names, ["app.js", "dist/nginx.conf", "site"]);
        assert_eq!(problems, Vec::<String>::new());
        let makers: Vec<_> = walked.makers.iter().map(|(path, _)| path.file_name().unwrap().to_owned()).collect();
        assert_eq!(makers, ["other.js"]);
        assert!(walked.scanned >= 5);

        let wide =
            WalkSettings { no_ignore: true, hidden: true, include_tests: true, ..settings(folder.path(), &["."]) };
        let (names, ..) = seen(&wide);
        assert_eq!(
            names,
            [
                ".hidden/app.js",
                "app.js",
                "dist/nginx.conf",
                "ignored/app.js",
                "site",
                "src/app.test.ts",
                "tests/app.py"
            ]
        );
    }

    #[test]
    fn what_is_named_is_read() {
        let folder = tree(&[
            ("node_modules/x/index.js", JS),
            ("tests/app.js", JS),
            ("app.test.js", "nothing of concern\n"),
            ("ignored.js", JS),
            (".gitignore", "ignored.js\n"),
        ]);
        let named =
            settings(folder.path(), &["node_modules/x", "tests", "app.test.js", "ignored.js", "./tests/../tests"]);
        let (names, ..) = seen(&named);
        assert_eq!(names, ["app.test.js", "ignored.js", "node_modules/x/index.js", "tests/app.js"]);
    }

    #[test]
    fn patterns_exclude() {
        let folder = tree(&[("a/app.js", JS), ("b/app.js", JS), ("b/c/app.js", JS), ("gen.js", JS)]);
        let excluding = |patterns: &[&str]| {
            let exclude = vec![(folder.path().to_owned(), exclusions(patterns.iter().copied()).unwrap())];
            seen(&WalkSettings { exclude, ..settings(folder.path(), &["."]) }).0
        };
        assert_eq!(excluding(&["b"]), ["a/app.js", "gen.js"]);
        assert_eq!(excluding(&["b/c/"]), ["a/app.js", "b/app.js", "gen.js"]);
        assert_eq!(excluding(&["**/app.js"]), ["gen.js"]);
        assert_eq!(excluding(&["/gen.js", "a/**"]), ["b/app.js", "b/c/app.js"]);
        assert!(exclusions(["a[".trim()]).unwrap_err().contains("`a[`"));
    }

    #[test]
    fn what_cannot_be_read_is_a_problem_where_it_may_concern_cors() {
        let large = "// nothing to see\n".repeat(130_000);
        let folder = tree(&[
            ("large.js", &large),
            ("large-cors.js", &format!("{large}{JS}")),
            ("binary.js", "require('cors')\0"),
            ("broken.py", "from flask_cors import CORS\n"),
        ]);
        fs::write(folder.path().join("broken.py"), b"from flask_cors import CORS # \xff\n").unwrap();
        let (names, mut problems, _) = seen(&settings(folder.path(), &["."]));
        assert_eq!(names, ["broken.py"]);
        problems.sort();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("binary.js: the file is not text"), "{problems:?}");
        assert!(problems[1].contains("large-cors.js: the file has"), "{problems:?}");
    }

    #[cfg(unix)]
    #[test]
    fn links_that_loop_and_pipes_are_passed_by() {
        let folder = tree(&[("a/app.js", JS)]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).unwrap();
        std::os::unix::fs::symlink("nowhere.js", folder.path().join("a/dangling.js")).unwrap();
        let (names, problems, _) = seen(&settings(folder.path(), &["."]));
        assert_eq!((names, problems), (vec!["a/app.js".to_owned()], vec![]));
    }
}
