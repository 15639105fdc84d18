//! The reports for machines: valid by their schemas and documented forms, whatever the files hold and are called.

mod common;

use std::fs;
use std::path::Path;

use common::program::{FORMATS, OPEN, RULE, folder, json, run, stderr, stdout, write};
use corslint::rules::page::Role;
use corslint::rules::pages;
use serde_json::Value;

/// Asserts that a document is valid, and gives it back.
fn valid(schema: &str, document: Value) -> Value {
    let schema = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
    document
}

fn sarif(folder: &Path, args: &[&str]) -> Value {
    let log = json(&run(folder, &[args, &["--format", "sarif"]].concat()));
    valid(include_str!("schemas/sarif-2.1.0.json"), log)
}

/// Every bad example of every rule page, and every case and stack of the fixtures, in a folder each.
fn everything() -> tempfile::TempDir {
    let folder = folder(&[]);
    let examples = pages().iter().flat_map(|page| page.examples().unwrap());
    for (at, example) in examples.filter(|example| example.role == Role::Bad).enumerate() {
        for (name, text) in &example.files {
            write(folder.path(), &format!("examples/{at}/{name}"), text);
        }
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut open: Vec<_> = ["express", "flask", "nginx", "stacks"].iter().map(|name| fixtures.join(name)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let name = path.strip_prefix(&fixtures).unwrap().to_string_lossy().into_owned();
            write(folder.path(), &name, &fs::read_to_string(&path).unwrap());
        }
    }
    folder
}

#[test]
fn sarif_of_all_fixtures_is_what_code_scanning_asks_for() {
    let folder = everything();
    let log = sarif(folder.path(), &["--min-confidence", "low"]);
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    assert!(run["originalUriBaseIds"]["%SRCROOT%"].is_object());
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        for part in ["shortDescription", "fullDescription"] {
            let text = rule[part]["text"].as_str().unwrap();
            assert!(!text.is_empty() && text.len() <= 1024, "{}: {part}", rule["id"]);
        }
        assert!(rule["help"]["markdown"].as_str().unwrap().contains("## "), "{}", rule["id"]);
        assert!(!rule["help"]["text"].as_str().unwrap().is_empty());
        let tags = rule["properties"]["tags"].as_array().unwrap();
        assert!(tags.len() <= 20, "{}", rule["id"]);
        // What is shown as security has a score, and nothing else has.
        let is_security = tags.contains(&"security".into());
        let score = rule["properties"]["security-severity"].as_str().map(|score| score.parse::<f64>().unwrap());
        assert_eq!(score.is_some(), is_security, "{}", rule["id"]);
        assert!(score.is_none_or(|score| 0.0 < score && score <= 10.0));
        assert!(["very-high", "high", "medium", "low"].contains(&rule["properties"]["precision"].as_str().unwrap()));
        assert!(
            ["error", "warning", "recommendation"].contains(&rule["properties"]["problem.severity"].as_str().unwrap())
        );
    }
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 60, "{} results", results.len());
    let mut fingerprints = std::collections::BTreeSet::new();
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(fingerprints.insert(result["partialFingerprints"]["corslint/v1"].as_str().unwrap()), "{result:#}");
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let mut locations = vec![&result["locations"][0]];
        locations.extend(result["relatedLocations"].as_array().into_iter().flatten());
        assert!(locations.len() <= 100);
        for location in locations {
            let place = &location["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert_eq!(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
            assert!(folder.path().join(uri).is_file(), "{uri}");
            for edge in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(place["region"][edge].as_u64().unwrap() >= 1);
            }
        }
        for flow in result["codeFlows"].as_array().into_iter().flatten() {
            assert!(flow["threadFlows"][0]["locations"].as_array().unwrap().len() <= 1000);
        }
    }
}

#[test]
fn sarif_of_nothing_and_of_problems_is_valid() {
    let empty = folder(&[]);
    let log = sarif(empty.path(), &[]);
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
    let broken = folder(&[("broken.js", "const cors = require('cors'; app.use("), ("app.js", OPEN)]);
    fs::write(broken.path().join("binary.py"), b"from flask_cors import CORS\0").unwrap();
    let log = sarif(broken.path(), &[]);
    let notifications = log["runs"][0]["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    let kinds: Vec<_> =
        notifications.iter().map(|notification| notification["descriptor"]["id"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["binary-file", "syntax-error"]);
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 1);
    let strict = run(broken.path(), &["--format", "sarif", "--strict"]);
    assert_eq!(strict.status.code(), Some(2));
    valid(include_str!("schemas/sarif-2.1.0.json"), json(&strict));
}

#[test]
fn sarif_names_files_by_uris_and_says_why_a_finding_is_suppressed() {
    let folder = folder(&[
        ("ä b/app.js", OPEN),
        (
            "x.js",
            &OPEN
                .replace("x.listen", "")
                .replace("));\napp.get", ")); // corslint: ignore[reflected-origin-with-credentials] public\napp.get"),
        ),
    ]);
    let log = sarif(folder.path(), &[]);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let place = |at: usize| &results[at]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!((place(0), place(1)), (&"%C3%A4%20b/app.js".into(), &"x.js".into()));
    assert_eq!(results[1]["suppressions"][0]["justification"], "public");
}

#[test]
fn json_is_what_its_schema_says_and_the_same_every_time() {
    let folder = folder(&[("a/app.js", OPEN), ("b/app.js", OPEN), ("c/app.js", "x; // corslint: ignore[nothing]\n")]);
    let first = run(folder.path(), &["--format", "json"]);
    for threads in ["1", "3", "8"] {
        let again = run(folder.path(), &["--format", "json", "--threads", threads]);
        assert_eq!(stdout(&first), stdout(&again));
    }
    let report = json(&first);
    let schema = serde_json::from_str(include_str!("../schemas/report.json")).unwrap();
    jsonschema::validate(&schema, &report).unwrap();
    assert_eq!(report["summary"]["errors"], 2);
    let finding = &report["findings"][0];
    assert_eq!(finding["location"]["path"], "a/app.js");
    let start = finding["location"]["start"]["offset"].as_u64().unwrap() as usize;
    let end = finding["location"]["end"]["offset"].as_u64().unwrap() as usize;
    assert_eq!(&OPEN[start..end], "true");
}

#[test]
fn json_of_all_fixtures_is_what_its_schema_says() {
    let folder = everything();
    let report = json(&run(folder.path(), &["--format", "json", "--min-confidence", "low"]));
    valid(include_str!("../schemas/report.json"), report);
    let empty = common::program::folder(&[]);
    valid(include_str!("../schemas/report.json"), json(&run(empty.path(), &["--format", "json"])));
}

/// A file name that tries to leave its place in every format.
#[cfg(unix)]
const HOSTILE_NAME: &str = "a\n::error::x%0A,line=9:b]]>&\"<\u{202e}\u{1b}[31m [y](z).js";

/// A program whose messages quote what it holds: an origin with everything that a format may stumble upon.
#[cfg(unix)]
const HOSTILE: &str = "const app = require('express')();\napp.use(require('cors')({ origin: ['https://a.example/%0A::error::x]]>&\"<\u{202e}\\u001b[31m\\n::warning::z[y](http://evil.example)'], credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";

#[cfg(unix)]
fn hostile() -> tempfile::TempDir {
    let folder = folder(&[(HOSTILE_NAME, HOSTILE)]);
    fs::write(folder.path().join(format!("b{HOSTILE_NAME}")), b"const cors = require('cors')\0").unwrap();
    folder
}

/// Whether a text holds what steers a terminal or reorders what is read, beside line ends.
#[cfg(unix)]
fn steers(text: &str) -> bool {
    text.chars().any(|c| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c))
}

#[cfg(unix)]
#[test]
fn no_report_is_steered_by_what_it_quotes() {
    let folder = hostile();
    for format in FORMATS {
        let output = run(folder.path(), &["--format", format]);
        assert_eq!((output.status.code(), stderr(&output)), (Some(1), ""), "{format}");
        let text = stdout(&output);
        assert!(!text.contains('\u{1b}'), "{format}: {text:?}");
        if format != "json" && format != "sarif" && format != "gitlab" {
            assert!(!steers(text), "{format}: {text:?}");
        }
        assert!(!text.lines().any(|line| line.starts_with("::error::") || line.starts_with("::warning::")), "{format}");
    }
}

#[cfg(unix)]
#[test]
fn sarif_escapes_names_and_quotes() {
    let folder = hostile();
    let log = sarif(folder.path(), &[]);
    let result = &log["runs"][0]["results"][0];
    let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"%-._~/".contains(&byte)), "{uri}");
    assert!(uri.starts_with("a%0A%3A%3Aerror%3A%3Ax%250A%2Cline%3D9%3Ab%5D%5D%3E"), "{uri}");
    let message = result["message"]["text"].as_str().unwrap();
    assert!(!steers(message) && !message.contains('\n'), "{message:?}");
    assert!(message.contains("[y\\](http"), "a link: {message}");
}

#[cfg(unix)]
#[test]
fn annotations_are_one_command_a_line() {
    let folder = hostile();
    let output = run(folder.path(), &["--format", "github"]);
    let lines: Vec<_> = stdout(&output).lines().collect();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for line in lines {
        let (command, rest) = line.strip_prefix("::").unwrap().split_once(' ').unwrap();
        assert!(command == "error" || command == "warning", "{line}");
        let (properties, data) = rest.split_once("::").unwrap();
        // As the runner reads them: pairs between commas, escaped by `@actions/core`.
        let keys: Vec<_> = properties.split(',').map(|pair| pair.split_once('=').unwrap().0).collect();
        assert!(keys.starts_with(&["file"]) && keys.contains(&"title"), "{line}");
        assert!(
            keys.iter().all(|key| ["file", "line", "endLine", "col", "endColumn", "title"].contains(key)),
            "{line}"
        );
        assert!(!properties.contains("::") && properties.contains("x%250A%2Cline=9%3Ab"), "{line}");
        assert!(!data.contains("%0A::error::x]]"), "{line}");
    }
}

#[cfg(unix)]
#[test]
fn junit_is_one_document_that_any_parser_reads() {
    let folder = hostile();
    let output = run(folder.path(), &["--format", "junit"]);
    let text = stdout(&output);
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"corslint\" tests=\"2\" failures=\"1\" errors=\"1\">"), "{text}");
    // Every `<` opens a tag of ours, and every `&` a reference.
    let tags = ["<?xml", "<testsuites", "<testsuite", "<testcase", "<failure", "<error", "<system-out"];
    for (at, _) in text.match_indices('<') {
        assert!(text[at..].starts_with("</") || tags.iter().any(|tag| text[at..].starts_with(tag)), "{}", &text[at..]);
    }
    for (at, _) in text.match_indices('&') {
        assert!(
            ["&amp;", "&lt;", "&gt;", "&quot;"].iter().any(|known| text[at..].starts_with(known)),
            "{}",
            &text[at..]
        );
    }
    assert!(!text.contains("]]>"), "{text}");
    let python = std::process::Command::new("python3")
        .args(["-c", "import sys, xml.etree.ElementTree as tree; root = tree.parse(sys.stdin).getroot(); print(len(root.findall('./testsuite/testcase/failure')), len(root.findall('./testsuite/testcase/error')))"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    // Where there is no Python, the checks above must do.
    if let Ok(mut python) = python {
        std::io::Write::write_all(&mut python.stdin.take().unwrap(), text.as_bytes()).unwrap();
        assert_eq!(stdout(&python.wait_with_output().unwrap()), "1 1\n");
    }
}

#[test]
fn gitlab_gets_what_its_documentation_asks_for() {
    let folder = everything();
    write(folder.path(), "broken.js", "const cors = require('cors'; app.use(");
    let issues = json(&run(folder.path(), &["--format", "gitlab"]));
    let issues = issues.as_array().unwrap();
    assert!(issues.len() >= 60);
    let mut fingerprints = std::collections::BTreeSet::new();
    for issue in issues {
        for key in ["description", "check_name", "fingerprint", "severity"] {
            assert!(!issue[key].as_str().unwrap().is_empty(), "{issue:#}");
        }
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap()));
        assert!(fingerprints.insert(issue["fingerprint"].as_str().unwrap()), "{issue:#}");
        let path = issue["location"]["path"].as_str().unwrap();
        assert!(!path.starts_with("./") && folder.path().join(path).is_file(), "{path}");
        assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
    }
    let severity_of =
        |name: &str| issues.iter().find(|issue| issue["check_name"] == name).map(|issue| &issue["severity"]);
    assert_eq!(severity_of(RULE), Some(&"critical".into()));
    assert_eq!(severity_of("wildcard-fallback"), Some(&"major".into()));
    assert_eq!(severity_of("development-origin"), Some(&"info".into()));
    assert_eq!(severity_of("problem/syntax-error"), Some(&"minor".into()));
    let empty = common::program::folder(&[]);
    assert_eq!(stdout(&run(empty.path(), &["--format", "gitlab"])), "[]\n");
}

#[test]
fn code_hosts_are_told_names_from_the_repository_whatever_the_working_folder() {
    let folder = folder(&[("services/api/app.js", OPEN)]);
    fs::create_dir(folder.path().join(".git")).unwrap();
    let below = folder.path().join("services/api");
    let log = sarif(&below, &[]);
    let uri = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "services/api/app.js");
    assert!(stdout(&run(&below, &["--format", "github"])).starts_with("::error file=services/api/app.js,line=2,"));
    assert_eq!(json(&run(&below, &["--format", "gitlab"]))[0]["location"]["path"], "services/api/app.js");
    // People and programs beside the run are told names from where they are.
    assert!(stdout(&run(&below, &["--format", "compact"])).starts_with("app.js:2:"));
    assert_eq!(json(&run(&below, &["--format", "json"]))["findings"][0]["location"]["path"], "app.js");
}

#[test]
fn problems_are_shown_and_count_only_when_strict() {
    let folder = folder(&[("app.js", OPEN), ("broken.js", "const cors = require('cors'; app.use(")]);
    fs::write(folder.path().join("binary.py"), b"from flask_cors import CORS\0").unwrap();
    for (format, text) in [
        ("human", "problem[binary-file]: binary.py: the file is not text"),
        ("compact", "binary.py: problem: the file is not text"),
        ("github", "::warning file=binary.py,title=problem binary-file::the file is not text"),
        ("sarif", "\"id\": \"binary-file\""),
        ("gitlab", "\"check_name\": \"problem/binary-file\""),
        ("junit", "<error type=\"binary-file\" message=\"the file is not text"),
        ("json", "\"kind\": \"binary-file\""),
    ] {
        let output = run(folder.path(), &["--format", format]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stdout(&output).contains(text), "{}", stdout(&output));
        assert!(stdout(&output).contains(RULE), "another file's findings are hidden");
    }
    let report = json(&run(folder.path(), &["--format", "json"]));
    let kinds: Vec<_> = report["problems"].as_array().unwrap().iter().map(|problem| &problem["kind"]).collect();
    assert_eq!(kinds, ["binary-file", "syntax-error"]);
    for format in FORMATS {
        for args in [&["--strict"][..], &["--strict", "--exit-zero"], &["--strict", "--fail-on", "never"]] {
            let output = run(folder.path(), &[args, &["--format", format]].concat());
            assert_eq!(output.status.code(), Some(2), "{args:?} {format}");
            assert!(stdout(&output).contains("the file is not text"), "{format}");
        }
    }
    assert_eq!(run(folder.path(), &["app.js", "--strict"]).status.code(), Some(1));
}
