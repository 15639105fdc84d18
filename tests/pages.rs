//! Every example of every rule page: `bad` has exactly the findings that its `finds:` comments name, `good` has none from
//! any rule, and `fixed` is what the fixes make of `bad`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicUsize;

use corslint::config::{Config, FILE_NAME, Settings};
use corslint::engine;
use corslint::finding::Applicability;
use corslint::rules::page::{Example, Role, expected};
use corslint::rules::{Page, pages, rules};

/// A finding: file, line, rule.
type Found = (String, u32, String);

/// Settings for the example, written into `folder`.
fn settings(folder: &Path, example: &Example) -> Settings {
    for (name, text) in &example.files {
        std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }
    let folder = folder.canonicalize().unwrap();
    let mut settings = Settings::new(folder.clone(), [".".into()]);
    settings.threads = 1;
    if folder.join(FILE_NAME).exists() {
        settings.config = Config::load(&folder.join(FILE_NAME)).unwrap();
    }
    settings
}

fn found(settings: &Settings) -> BTreeSet<Found> {
    let run = engine::run(settings, None, &AtomicUsize::new(0));
    let findings = run.outcome.findings.iter().map(|reported| {
        let file = run.sources.get(reported.finding.primary.span.file);
        (file.name.clone(), file.position(reported.finding.primary.span.start).line, reported.finding.rule.to_owned())
    });
    findings
        .chain(run.outcome.problems.iter().map(|problem| (problem.file.clone(), 0, problem.message.clone())))
        .collect()
}

/// What the comments of an example expect, of rules that exist.
fn wanted(example: &Example, known: &[&str]) -> BTreeSet<Found> {
    let all = example
        .files
        .iter()
        .flat_map(|(name, text)| expected(text).into_iter().map(|(line, rule)| (name.clone(), line, rule.to_owned())));
    all.filter(|(_, _, rule)| known.contains(&rule.as_str())).collect()
}

/// A text without the comments that say what is found.
fn bare(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once("finds: ") {
        Some((code, _)) if code.ends_with("// ") || code.ends_with("# ") => {
            code.trim_end().trim_end_matches(['/', '#']).trim_end().to_owned() + "\n"
        }
        _ => line.to_owned() + "\n",
    });
    lines.collect()
}

fn examples() -> Vec<(&'static Page, Example)> {
    pages().iter().flat_map(|page| page.examples().unwrap().into_iter().map(|example| (*page, example))).collect()
}

#[test]
fn examples_have_the_findings_that_they_say() {
    let mut known: Vec<&str> = rules().iter().map(|rule| rule.id()).collect();
    known.extend(["unknown-suppression", "unused-suppression"]);
    let mut wrong = Vec::new();
    for (page, example) in examples() {
        // Without its rule, others may speak of a fault that it would explain better.
        if example.role == Role::Bad && !known.contains(&page.id) {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let found = found(&settings(folder.path(), &example));
        let wanted = wanted(&example, &known);
        if found != wanted {
            let name = format!("{} {} {:?}", page.id, example.case, example.role);
            let extra: Vec<_> = found.difference(&wanted).collect();
            let missing: Vec<_> = wanted.difference(&found).collect();
            wrong.push(format!("{name}: too many {extra:?}, missing {missing:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_page() {
    for rule in rules() {
        assert!(pages().iter().any(|page| page.id == rule.id()), "rules/{}.md is missing", rule.id());
    }
}

#[test]
fn fixes_make_of_the_bad_examples_what_the_pages_show() {
    let known: Vec<&str> = rules().iter().map(|rule| rule.id()).collect();
    let all = examples();
    let mut wrong = Vec::new();
    for (page, fixed) in all.iter().filter(|(_, example)| example.role == Role::Fixed) {
        let suppression = page.id.ends_with("-suppression");
        if !known.contains(&page.id) && !suppression {
            continue;
        }
        let bad = all.iter().find(|(other, example)| {
            other.id == page.id
                && example.case == fixed.case
                && example.framework == fixed.framework
                && example.role == Role::Bad
        });
        let (_, bad) = bad.unwrap_or_else(|| panic!("{} has a fixed example without a bad one", page.id));
        let folder = tempfile::tempdir().unwrap();
        let result = engine::fix(&settings(folder.path(), bad), None, &AtomicUsize::new(0), Applicability::Safe);
        for (name, text) in &fixed.files {
            let change = result.changes.iter().find(|change| change.name == *name);
            let after = change.map_or("(unchanged)".to_owned(), |change| bare(&change.after));
            if after != *text {
                wrong.push(format!("{} {}: {name} becomes\n{after}", page.id, fixed.case));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
