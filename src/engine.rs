//! The order of a run, known to this file alone: walk, analysis, rules, triage.

mod fixing;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::config::Settings;
use crate::finding::{Finding, Outcome, Problem, ProblemKind};
use crate::fix::Change;
use crate::frameworks::analysis::{self, Input};
use crate::link::{self, Surroundings};
use crate::model::{Environment, Project, Server, Session};
use crate::rules;
use crate::source::{
    Candidate, FileId, FileKind, LoadError, SourceFile, SourceSet, Tree, Visit, WalkSettings, Walked, absolute,
    looks_like_nginx, walk,
};
use crate::syntax::program::{LeftOut, Program, Truncated};
use crate::syntax::{SourceKind, lower};
use crate::triage::{Baseline, Linted, triage};

pub use fixing::{Fixed, fix};

/// What a run leaves: the outcome, and the files that it speaks of.
#[derive(Debug)]
pub struct Run {
    /// What was found.
    pub outcome: Outcome,
    /// The files that were read.
    pub sources: Arc<SourceSet>,
}

/// The servers of what the settings name.
#[derive(Debug)]
pub struct Servers {
    /// The servers, in the order of their places, and which stands behind which.
    pub project: Project,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// The files that were read.
    pub sources: Arc<SourceSet>,
}

/// Extracts the servers of what the settings name, also those that say nothing of CORS.
pub fn servers(settings: &Settings) -> Servers {
    let sources = Arc::new(SourceSet::new(settings.base.clone()));
    let mut gathered = gather(settings, &sources, &AtomicUsize::new(0));
    let mut problems = std::mem::take(&mut gathered.problems);
    let extracted = on_large_stack(|| extract(&mut gathered, settings, &sources, true));
    let (project, more) = extracted.unwrap_or_else(|fault| (Project::default(), vec![internal(fault)]));
    problems.extend(more);
    problems.sort();
    problems.dedup();
    Servers { project, problems, sources }
}

impl Servers {
    /// A server to be asked, with what stands behind it.
    pub fn session<'a>(&'a self, server: &'a Server, environment: Environment) -> Session<'a> {
        self.project.linked(Session::new(server, environment))
    }
}

fn internal(message: String) -> Problem {
    Problem { file: String::new(), line: None, kind: ProblemKind::Internal, message }
}

/// How much stack the analysis has, in bytes. Its recursion is bounded, and this is far above its bounds.
const STACK: usize = 256 << 20;

/// Lints what the settings name. `progress` counts the scanned files while it runs.
pub fn run(settings: &Settings, baseline: Option<&Baseline>, progress: &AtomicUsize) -> Run {
    run_over(settings, baseline, progress, &[])
}

/// As [`run`], with some files as they would be.
fn run_over(settings: &Settings, baseline: Option<&Baseline>, progress: &AtomicUsize, changes: &[Change]) -> Run {
    let sources = SourceSet::new(settings.base.clone());
    let sources = Arc::new(match &settings.repository {
        Some(repository) => sources.in_repository(repository.clone()),
        None => sources,
    });
    for change in changes {
        sources.add(&change.path, change.after.clone());
    }
    let mut gathered = gather(settings, &sources, progress);
    let mut problems = std::mem::take(&mut gathered.problems);
    let analysis = on_large_stack(|| analyse(&mut gathered, settings, &sources)).unwrap_or_else(|fault| {
        problems.push(internal(fault));
        Analysis::default()
    });
    problems.extend(analysis.problems);
    problems.retain(|problem| settings.is_touched(&absolute(&settings.base, Path::new(&problem.file))));
    problems.sort();
    problems.dedup();
    let linted =
        Linted { kinds: &gathered.kinds, in_servers: &analysis.in_servers, by_name: &|path| named(settings, path) };
    let triaged = triage(analysis.findings, settings, baseline, &sources, &linted);
    let outcome = Outcome {
        findings: triaged.findings,
        suppressed: triaged.suppressed,
        gone: triaged.gone,
        problems,
        files_scanned: gathered.walked.scanned,
        files_analyzed: gathered.kinds.len(),
        servers: analysis.servers,
        unknown_facts: analysis.unknown_facts,
        fixed: 0,
    };
    Run { outcome, sources }
}

/// Runs `work` on a thread of its own, and tells what stopped it, should it panic.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread =
            std::thread::Builder::new().name("analysis".to_owned()).stack_size(STACK).spawn_scoped(scope, work);
        match thread {
            Ok(thread) => thread.join().map_err(|panic| {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                format!("the analysis failed, please report it: {text}")
            }),
            Err(error) => Err(format!("the analysis could not be started: {error}")),
        }
    })
}

/// The files to analyse.
struct Gathered {
    kinds: FxHashMap<FileId, FileKind>,
    programs: Vec<(PathBuf, FileId, Arc<Program>)>,
    problems: Vec<Problem>,
    walked: Walked,
}

fn gather(settings: &Settings, sources: &SourceSet, progress: &AtomicUsize) -> Gathered {
    let collector = Collector { sources, candidates: Mutex::default(), problems: Mutex::default() };
    let threads = match settings.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let walked = match &settings.stdin {
        Some(stdin) => {
            progress.fetch_add(1, Ordering::Relaxed);
            let kind = FileKind::of_name(&stdin.path)
                .or_else(|| looks_like_nginx(&stdin.path, stdin.text.as_bytes()).then_some(FileKind::Nginx));
            if let Some(kind) = kind {
                collector.candidate(Candidate { path: stdin.path.clone(), kind, text: stdin.text.clone() });
            }
            Walked { scanned: 1, makers: Vec::new() }
        }
        None => walk(&walk_settings(settings, threads), progress, &collector),
    };
    let mut candidates = inner(collector.candidates);
    // The walk hands files on in any order. Numbered in that of their paths, places are ordered alike in every run.
    candidates.sort_by(|a, b| a.path.cmp(&b.path));
    let files: Vec<(Arc<SourceFile>, FileKind)> =
        candidates.into_iter().map(|one| (sources.add(&one.path, one.text), one.kind)).collect();
    let programs = lowered(&files, threads);
    let mut problems = inner(collector.problems);
    for (_, id, program) in &programs {
        problems.extend(unread(&sources.get(*id), program));
    }
    Gathered { kinds: files.iter().map(|(file, kind)| (file.id, *kind)).collect(), programs, problems, walked }
}

/// The trees of the programs among the files, in their order, made by this many threads.
fn lowered(files: &[(Arc<SourceFile>, FileKind)], threads: usize) -> Vec<(PathBuf, FileId, Arc<Program>)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut programs = Vec::new();
        while let Some((file, kind)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Some(kind) = source_kind(*kind) {
                programs.push((file.path.clone(), file.id, Arc::new(lower(kind, file.id, &file.text))));
            }
        }
        programs
    };
    std::thread::scope(|scope| {
        let another = |_| std::thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..threads.min(files.len())).filter_map(another).collect();
        let mut programs = work();
        for other in others {
            programs.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        programs.sort_by_key(|(_, file, _)| *file);
        programs
    })
}

fn inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What could not be read of a program.
fn unread(file: &SourceFile, program: &Program) -> Option<Problem> {
    let (place, kind, message) = match (program.truncated, program.errors.first()) {
        (Some(Truncated { span, why }), _) => match why {
            LeftOut::TooDeep => {
                (span, ProblemKind::TooDeep, "the code behind this place is nested too deeply to be read")
            }
            LeftOut::TooBroken => {
                (span, ProblemKind::SyntaxError, "the file has too many errors up to this place to be read")
            }
            LeftOut::TooManySteps => {
                (span, ProblemKind::BudgetSpent, "the file takes too many steps up to this place to be read")
            }
        },
        (None, Some(place)) => (*place, ProblemKind::SyntaxError, "a part of the file could not be read"),
        (None, None) => return None,
    };
    let line = Some(file.position(place.start).line);
    Some(Problem { file: file.name.clone(), line, kind, message: message.to_owned() })
}

/// Whether a file was asked for by its own name, and not with a folder around it.
fn named(settings: &Settings, path: &Path) -> bool {
    let is_named = |asked: &PathBuf| absolute(&settings.base, asked) == path;
    settings.stdin.as_ref().is_some_and(|stdin| stdin.path == path) || settings.paths.iter().any(is_named)
}

fn walk_settings(settings: &Settings, threads: usize) -> WalkSettings {
    WalkSettings {
        base: settings.base.clone(),
        paths: settings.paths.clone(),
        exclude: settings.exclude.clone(),
        no_ignore: settings.no_ignore,
        hidden: settings.hidden,
        include_tests: settings.include_tests,
        threads,
    }
}

struct Collector<'a> {
    sources: &'a SourceSet,
    candidates: Mutex<Vec<Candidate>>,
    problems: Mutex<Vec<Problem>>,
}

impl Visit for Collector<'_> {
    fn candidate(&self, candidate: Candidate) {
        self.candidates.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(candidate);
    }

    fn problem(&self, path: &Path, error: LoadError) {
        let kind = ProblemKind::from(&error);
        let problem = Problem { file: self.sources.name(path), line: None, kind, message: error.to_string() };
        self.problems.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(problem);
    }
}

/// What the files say.
#[derive(Default)]
struct Analysis {
    findings: Vec<Finding>,
    problems: Vec<Problem>,
    servers: usize,
    /// The files of servers that are known as a whole.
    in_servers: FxHashSet<FileId>,
    unknown_facts: usize,
}

/// The grammar for a file of a kind; none is needed for configurations.
fn source_kind(kind: FileKind) -> Option<SourceKind> {
    match kind {
        FileKind::JavaScript => Some(SourceKind::JavaScript),
        FileKind::TypeScript => Some(SourceKind::TypeScript),
        FileKind::Tsx => Some(SourceKind::Tsx),
        FileKind::Python => Some(SourceKind::Python),
        FileKind::Nginx => None,
    }
}

fn analyse(gathered: &mut Gathered, settings: &Settings, sources: &Arc<SourceSet>) -> Analysis {
    let (project, mut problems) = extract(gathered, settings, sources, false);
    let servers = &project.servers;
    let (findings, more) = rules::check(&project, sources, analysis::speaks_of_cors);
    problems.extend(more);
    let complete = servers.iter().filter(|server| server.complete);
    Analysis {
        findings,
        problems,
        in_servers: complete.flat_map(|server| server.files.iter().copied().chain([server.span.file])).collect(),
        servers: servers.iter().filter(|server| server.complete && analysis::speaks_of_cors(server)).count(),
        unknown_facts: servers.iter().map(analysis::unknown_facts).sum(),
    }
}

/// The servers of the files. `all` asks for those too that say nothing of CORS.
fn extract(
    gathered: &mut Gathered,
    settings: &Settings,
    sources: &Arc<SourceSet>,
    all: bool,
) -> (Project, Vec<Problem>) {
    let mut makers: Vec<PathBuf> = gathered.walked.makers.iter().map(|(path, _)| path.clone()).collect();
    if !all {
        // What makes a server may mount what sets CORS, where both belong to one package.
        let mut known = FxHashMap::default();
        let mut packages: Vec<PathBuf> =
            gathered.programs.iter().map(|(path, ..)| package_of(path, &mut known)).collect();
        packages.sort();
        packages.dedup();
        makers.retain(|path| packages.binary_search(&package_of(path, &mut known)).is_ok());
    }
    let nginx = gathered.kinds.iter().filter(|(_, kind)| **kind == FileKind::Nginx);
    let mut nginx: Vec<PathBuf> = nginx.map(|(file, _)| sources.get(*file).path.clone()).collect();
    if all || !nginx.is_empty() || !gathered.programs.is_empty() {
        // A file that says nothing of CORS may include one that does, or stand before a program that does.
        let makers = gathered.walked.makers.iter().filter(|(_, kind)| *kind == FileKind::Nginx);
        nginx.extend(makers.map(|(path, _)| path.clone()));
    }
    nginx.sort();
    let input = Input {
        programs: std::mem::take(&mut gathered.programs),
        makers,
        nginx,
        version: settings.config.nginx,
        variables: settings.variables.clone(),
    };
    let tree = Tree::new(settings.root.clone());
    let (servers, problems) = analysis::servers(sources, &settings.root, &tree, input);
    let declared = &settings.config.proxies;
    let around = Surroundings {
        sources,
        root: settings.root.clone(),
        find: &|name| tree.find(name),
        configured: declared.iter().map(|proxy| (proxy.from.clone(), proxy.to.clone())).collect(),
    };
    let project = Project { trusted: settings.config.trusted.clone(), ..link::join(servers, &around) };
    (project, problems)
}

/// The folder of the nearest manifest, or the file's own. `known` remembers which folders hold one.
fn package_of(path: &Path, known: &mut FxHashMap<PathBuf, bool>) -> PathBuf {
    const MANIFESTS: [&str; 5] = ["package.json", "pyproject.toml", "setup.py", "requirements.txt", ".git"];
    let mut holds_one = |folder: &Path| match known.get(folder) {
        Some(holds) => *holds,
        None => {
            let holds = MANIFESTS.iter().any(|name| folder.join(name).exists());
            known.insert(folder.to_owned(), holds);
            holds
        }
    };
    let found = path.ancestors().skip(1).take(16).find(|folder| holds_one(folder));
    // A folder with `__init__.py` is a part of the Python package around it.
    let mut outside = path.ancestors().skip(1).take(16).filter(|folder| !folder.join("__init__.py").exists());
    found.or_else(|| outside.next()).or(path.parent()).unwrap_or(path).to_owned()
}
