//! The order of a run, known to this file alone: walk, analysis, rules, triage.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustc_hash::FxHashMap;

use crate::config::Settings;
use crate::finding::{Finding, Outcome, Problem, ProblemKind};
use crate::source::{
    Candidate, FileId, FileKind, LoadError, SourceSet, Visit, WalkSettings, Walked, looks_like_nginx, walk,
};
use crate::triage::{Baseline, triage};

/// What a run leaves: the outcome, and the files that it speaks of.
#[derive(Debug)]
pub struct Run {
    /// What was found.
    pub outcome: Outcome,
    /// The files that were read.
    pub sources: SourceSet,
}

/// Lints what the settings name. `progress` counts the scanned files while it runs.
pub fn run(settings: &Settings, baseline: Option<&Baseline>, progress: &AtomicUsize) -> Run {
    let sources = SourceSet::new(settings.base.clone());
    let gathered = gather(settings, &sources, progress);
    let analysis = analyse(&gathered, &sources);
    let mut problems = gathered.problems;
    problems.extend(analysis.problems);
    problems.sort();
    problems.dedup();
    let triaged = triage(analysis.findings, settings, baseline, &sources, &gathered.kinds);
    let outcome = Outcome {
        findings: triaged.findings,
        suppressed: triaged.suppressed,
        problems,
        files_scanned: gathered.walked.scanned,
        files_analyzed: gathered.kinds.len(),
        servers: analysis.servers,
        unknown_facts: analysis.unknown_facts,
    };
    Run { outcome, sources }
}

/// The files to analyse.
struct Gathered {
    kinds: FxHashMap<FileId, FileKind>,
    problems: Vec<Problem>,
    walked: Walked,
}

fn gather(settings: &Settings, sources: &SourceSet, progress: &AtomicUsize) -> Gathered {
    let collector = Collector { sources, kinds: Mutex::default(), problems: Mutex::default() };
    let walked = match &settings.stdin {
        Some(stdin) => {
            progress.fetch_add(1, Ordering::Relaxed);
            let kind = FileKind::of_name(&stdin.path)
                .or_else(|| looks_like_nginx(&stdin.path, stdin.text.as_bytes()).then_some(FileKind::Nginx));
            if let Some(kind) = kind {
                collector.candidate(Candidate {
                    path: stdin.path.clone(),
                    kind,
                    text: stdin.text.clone(),
                    named: true,
                });
            }
            Walked { scanned: 1, makers: Vec::new() }
        }
        None => walk(&walk_settings(settings), progress, &collector),
    };
    let kinds = collector.kinds.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let problems = collector.problems.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    Gathered { kinds, problems, walked }
}

fn walk_settings(settings: &Settings) -> WalkSettings {
    WalkSettings {
        base: settings.base.clone(),
        paths: settings.paths.clone(),
        exclude: settings.exclude.clone(),
        no_ignore: settings.no_ignore,
        hidden: settings.hidden,
        include_tests: settings.include_tests,
        threads: settings.threads,
    }
}

struct Collector<'a> {
    sources: &'a SourceSet,
    kinds: Mutex<FxHashMap<FileId, FileKind>>,
    problems: Mutex<Vec<Problem>>,
}

impl Visit for Collector<'_> {
    fn candidate(&self, candidate: Candidate) {
        let file = self.sources.add(&candidate.path, candidate.text);
        self.kinds.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(file.id, candidate.kind);
    }

    fn problem(&self, path: &Path, error: LoadError) {
        let kind = match error {
            LoadError::TooLarge(_) => ProblemKind::TooLarge,
            LoadError::Binary => ProblemKind::Binary,
            LoadError::Missing | LoadError::Io(_) => ProblemKind::Unreadable,
        };
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
    unknown_facts: usize,
}

fn analyse(_: &Gathered, _: &SourceSet) -> Analysis {
    Analysis::default()
}
