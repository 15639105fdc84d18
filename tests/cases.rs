//! Small programs that were written after faults seen in real code, false findings and missed ones alike: each folder
//! or file of `fixtures/<framework>/cases` has exactly the findings that its `finds:` comments name.
//!
//! `finds: rule` stands at the end of the finding's line; `finds: note rule` asks for the severity too. `servers: 1`, on a
//! line of any file, asks for how many servers are found.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

use corslint::config::Settings;
use corslint::engine;
use corslint::finding::Severity;

/// File, line, rule, and whether the finding is a note.
type Found = (String, u32, String, bool);

fn cases() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut cases = Vec::new();
    for framework in ["express", "flask", "nginx"] {
        let folder = std::fs::read_dir(fixtures.join(framework).join("cases")).unwrap();
        cases.extend(folder.map(|entry| entry.unwrap().path()));
    }
    cases.sort();
    cases
}

/// The files of a case with their names in it.
fn files(case: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open = vec![case.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let name = path.strip_prefix(if case.is_dir() { case } else { case.parent().unwrap() }).unwrap();
            files.push((name.to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    files
}

fn wanted(files: &[(String, String)]) -> BTreeSet<Found> {
    let mut wanted = BTreeSet::new();
    for (name, text) in files {
        for (line, text) in (1..).zip(text.lines()) {
            let Some((_, rules)) = text.split_once("finds: ") else { continue };
            for rule in rules.split(", ") {
                let note = rule.strip_prefix("note ");
                wanted.insert((name.clone(), line, note.unwrap_or(rule).to_owned(), note.is_some()));
            }
        }
    }
    wanted
}

/// How many servers the files ask for, if they do.
fn wanted_servers(files: &[(String, String)]) -> Option<usize> {
    let mut lines = files.iter().flat_map(|(_, text)| text.lines());
    lines.find_map(|line| line.split_once("servers: ")?.1.trim().parse().ok())
}

/// The findings, and how many servers there are.
fn found(files: &[(String, String)]) -> (BTreeSet<Found>, usize) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut settings = Settings::new(folder.path().canonicalize().unwrap(), [".".into()]);
    settings.threads = 1;
    let run = engine::run(&settings, None, &AtomicUsize::new(0));
    assert!(run.outcome.problems.is_empty(), "{:?}", run.outcome.problems);
    let findings = run.outcome.findings.iter().map(|reported| {
        let finding = &reported.finding;
        let file = run.sources.get(finding.primary.span.file);
        let line = file.position(finding.primary.span.start).line;
        (file.name.clone(), line, finding.rule.to_owned(), finding.severity == Severity::Note)
    });
    (findings.collect(), run.outcome.servers)
}

#[test]
fn cases_have_the_findings_that_they_say() {
    let mut wrong = Vec::new();
    for case in cases() {
        let files = files(&case);
        let wanted = wanted(&files);
        let (found, servers) = found(&files);
        if let Some(wanted) = wanted_servers(&files).filter(|wanted| *wanted != servers) {
            wrong.push(format!("{}: {servers} servers, not {wanted}", case.display()));
        }
        if wanted != found {
            let extra: Vec<_> = found.difference(&wanted).collect();
            let missing: Vec<_> = wanted.difference(&found).collect();
            wrong.push(format!("{}: too many {extra:?}, missing {missing:?}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
