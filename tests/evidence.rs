//! What a finding gives as proof can be played again: every exchange that it shows is what the server answers, and the
//! browser makes of it what the finding says.

mod common;

use std::path::Path;
use std::sync::Arc;

use corslint::cors::{BlockCode, Fetch, Verdict, browser, headers};
use corslint::finding::{Evidence, Finding};
use corslint::frameworks::analysis::{Input, servers};
use corslint::model::{Environment, Project, Session};
use corslint::rules;
use corslint::rules::page::pages;
use corslint::source::{FileKind, SourceSet, Tree};
use corslint::syntax::{SourceKind, lower};

fn write(folder: &Path, files: &[(String, String)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// The servers of some files, and the findings of each.
fn check(folder: &Path, files: &[(String, String)]) -> Vec<(Project, Vec<Finding>)> {
    write(folder, files);
    let sources = Arc::new(SourceSet::new(folder.to_owned()));
    let mut input = Input::default();
    for (name, _) in files {
        let path = folder.join(name);
        let kind = match FileKind::of_name(&path) {
            Some(FileKind::JavaScript) => SourceKind::JavaScript,
            Some(FileKind::TypeScript) => SourceKind::TypeScript,
            Some(FileKind::Python) => SourceKind::Python,
            Some(FileKind::Nginx) => {
                input.nginx.push(path);
                continue;
            }
            _ => continue,
        };
        let file = sources.load(&path).unwrap();
        input.programs.push((path, file.id, Arc::new(lower(kind, file.id, &file.text))));
    }
    let (servers, _) = servers(&sources, folder, &Tree::new(folder.to_owned()), input);
    servers
        .into_iter()
        .map(|server| {
            let project = Project { servers: vec![server], ..Project::default() };
            let (findings, _) = rules::check(&project, &sources, |_| true);
            (project, findings)
        })
        .collect()
}

/// Plays an exchange again.
fn replay(name: &str, project: &Project, row: &Evidence) {
    let session = Session::ordinary(&project.servers[0], Environment::Unknown);
    let answer = session.assuming(row.settings.clone()).answer(&row.request);
    assert_eq!(answer.status, row.status, "{name}: the status of {:?}", row.request);
    let shown: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| headers::RESPONSE.contains(&name.to_ascii_lowercase().as_str()))
        .cloned()
        .collect();
    assert_eq!(shown, row.headers, "{name}: the answer to {:?}", row.request);
    let origin = row.request.origin().expect("a page asks");
    let mut fetch = Fetch::get(origin, &*row.request.path);
    if row.credentials {
        fetch = fetch.with_credentials();
    }
    let verdict = if row.request.is_preflight() {
        fetch.method = row.request.header(headers::REQUEST_METHOD).unwrap().to_owned();
        for header in row.request.header(headers::REQUEST_HEADERS).unwrap_or_default().split(',') {
            if !header.is_empty() {
                fetch.headers.push((header.to_owned(), "x".to_owned()));
            }
        }
        browser::check_preflight(&fetch, &answer.reply())
    } else {
        fetch.method = row.request.method.clone();
        browser::check_response(&fetch, &answer.reply())
    };
    match (row.verdict.as_str(), &verdict) {
        ("allowed" | "passes", Verdict::Allowed) | ("unknown", Verdict::Unknown(_)) => {}
        (text, Verdict::Blocked(block)) if text.starts_with("blocked: ") => {
            assert_ne!(block.code, BlockCode::Unspecified, "{name}");
            assert_eq!(text, format!("blocked: {}", block.summary()), "{name}");
        }
        other => panic!("{name}: {other:?} of {:?}", row.request),
    }
}

/// Plays all evidence again, and says how much there was.
fn replay_all(name: &str, folder: &Path, files: &[(String, String)]) -> usize {
    let mut rows = 0;
    for (server, findings) in check(folder, files) {
        for finding in findings {
            for row in &finding.evidence {
                replay(&format!("{name}: {}", finding.rule), &server, row);
                rows += 1;
            }
        }
    }
    rows
}

#[test]
fn the_proofs_of_the_pages_hold() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let mut rows = 0;
    for page in pages() {
        for (at, example) in page.examples().unwrap().into_iter().enumerate() {
            let name = format!("{} {:?} {}", page.id, example.role, example.case);
            rows += replay_all(&name, &folder.join(format!("{}-{at}", page.id)), &example.files);
        }
    }
    assert!(rows > 20, "only {rows} exchanges were shown");
}

#[test]
fn the_proofs_of_recorded_programs_hold() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let mut rows = 0;
    for (at, observation) in common::observed::load("express").iter().enumerate() {
        let manifest = serde_json::json!({ "dependencies": { "express": "5.3.0", "cors": "2.8.6" } });
        let files =
            [(observation.file.clone(), observation.config.clone()), ("package.json".to_owned(), manifest.to_string())];
        rows += replay_all(&observation.to_string(), &folder.join(at.to_string()), &files);
    }
    assert!(rows > 40, "only {rows} exchanges were shown");
}
