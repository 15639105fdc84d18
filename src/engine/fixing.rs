//! Fixing: apply, lint what that gives, and keep only what did what it promised.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use rustc_hash::FxHashMap;

use super::{Run, run_over};
use crate::config::Settings;
use crate::finding::{Applicability, Fingerprint, Problem, ProblemKind, Reported};
use crate::fix::{Change, Plan, choose};
use crate::source::SourceFile;
use crate::triage::Baseline;

/// What fixing leaves.
#[derive(Debug)]
pub struct Fixed {
    /// The run over the fixed files.
    pub run: Run,
    /// The files with their fixes; nothing is written yet.
    pub changes: Vec<Change>,
}

/// How often files are fixed and linted again, before the rest is given up.
const MOST_PASSES: usize = 64;

/// Lints, applies fixes of this level or a safer one, and lints what they leave, until nothing is left to fix. A fix
/// that would break a file or leave its finding is not applied, and becomes a problem.
pub fn fix(settings: &Settings, baseline: Option<&Baseline>, progress: &AtomicUsize, level: Applicability) -> Fixed {
    let mut fixing =
        Fixing { settings, baseline, level, run: super::run(settings, baseline, progress), changes: Vec::new() };
    let (mut fixed, mut refused) = (0, Vec::new());
    for _ in 0..MOST_PASSES {
        let open = fixing.open(&refused);
        let Some(&first) = open.first() else { break };
        // All together if that does what each promises; else one by one, to know which does not.
        let count = fixing.attempt(&open).or_else(|| fixing.attempt(&[first]));
        match count {
            Some(count) => fixed += count,
            None => refused.push(fixing.run.outcome.findings[first].fingerprint.clone()),
        }
    }
    let Fixing { mut run, changes, .. } = fixing;
    run.outcome.fixed = fixed;
    for reported in run.outcome.findings.iter().filter(|reported| refused.contains(&reported.fingerprint)) {
        let file = run.sources.get(reported.finding.primary.span.file);
        run.outcome.problems.push(Problem {
            file: file.name.clone(),
            line: Some(file.position(reported.finding.primary.span.start).line),
            kind: ProblemKind::FixRefused,
            message: format!(
                "the fix of `{}` was not applied: it would not do what it promises",
                reported.finding.rule
            ),
        });
    }
    run.outcome.problems.sort();
    Fixed { run, changes }
}

struct Fixing<'a> {
    settings: &'a Settings,
    baseline: Option<&'a Baseline>,
    level: Applicability,
    run: Run,
    changes: Vec<Change>,
}

impl Fixing<'_> {
    /// The findings, by their place in the outcome, that have a fix to apply.
    fn open(&self, refused: &[Fingerprint]) -> Vec<usize> {
        let findings = self.run.outcome.findings.iter().enumerate();
        findings
            .filter(|(_, reported)| !refused.contains(&reported.fingerprint))
            .filter(|(_, reported)| choose(&reported.finding, self.level).is_some())
            .map(|(at, _)| at)
            .collect()
    }

    /// Applies the fixes of some findings and says how many; nothing, if that breaks a file or leaves one of them.
    fn attempt(&mut self, findings: &[usize]) -> Option<usize> {
        let run = &self.run;
        let mut plan = Plan::default();
        let mut promised: FxHashMap<(&'static str, String), usize> = FxHashMap::default();
        for &at in findings {
            let finding = &run.outcome.findings[at].finding;
            if choose(finding, self.level).is_some_and(|fix| plan.add(fix)) {
                *promised.entry((finding.rule, file_of(run, &run.outcome.findings[at]).name.clone())).or_default() += 1;
            }
        }
        let new = plan.changes(&run.sources);
        if new.is_empty() {
            return None;
        }
        let mut changes = self.changes.clone();
        for change in new {
            match changes.iter_mut().find(|known| known.path == change.path) {
                Some(known) => known.after = change.after,
                None => changes.push(change),
            }
        }
        changes.sort_by(|a, b| a.name.cmp(&b.name));
        let after = run_over(self.settings, self.baseline, &AtomicUsize::new(0), &changes);
        let kept =
            promised.iter().all(|((rule, name), gone)| count(&after, rule, name) + gone <= count(run, rule, name));
        if !kept || broken(&after) > broken(run) {
            return None;
        }
        self.run = after;
        self.changes = changes;
        Some(promised.values().sum())
    }
}

fn file_of(run: &Run, reported: &Reported) -> Arc<SourceFile> {
    run.sources.get(reported.finding.primary.span.file)
}

/// How many findings of a rule a file has.
fn count(run: &Run, rule: &str, name: &str) -> usize {
    let findings = run.outcome.findings.iter();
    findings.filter(|reported| reported.finding.rule == rule && file_of(run, reported).name == name).count()
}

/// How many files could not be parsed wholly.
fn broken(run: &Run) -> usize {
    run.outcome.problems.iter().filter(|problem| problem.kind == ProblemKind::SyntaxError).count()
}
