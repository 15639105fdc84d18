//! Many servers in one run: findings by server, the same fault explained once, settings for single folders.

mod common;

use common::program::{corslint, folder, json, run, stdout};

const FAULT: &str = "const express = require('express');\nconst app = express();\napp.use(require('cors')({ origin: true, credentials: true }));\napp.get('/', (req, res) => res.json(req.user));\napp.listen(3000);\n";

/// Ten services with the same fault, and one with another.
fn ten() -> tempfile::TempDir {
    let names: Vec<_> = (0..10).map(|at| format!("services/s{at}/app.js")).collect();
    let mut files: Vec<_> = names.iter().map(|name| (name.as_str(), FAULT)).collect();
    let other = "from flask import Flask\nfrom flask_cors import CORS\napp = Flask(__name__)\nCORS(app, origins=['https://a.example/'])\n@app.route('/')\ndef index():\n    return ''\n";
    files.push(("services/python/app.py", other));
    folder(&files)
}

#[test]
fn a_fault_copied_into_ten_services_is_explained_once() {
    let folder = ten();
    let output = run(folder.path(), &[]);
    let report = stdout(&output);
    assert_eq!(report.matches("every origin is echoed back while credentials are allowed").count(), 1, "{report}");
    assert_eq!(report.matches("  browser:").count(), 2, "{report}");
    let lines: Vec<_> = report.lines().filter(|line| line.contains(", as at ")).collect();
    assert_eq!(lines.len(), 9);
    assert_eq!(
        lines[0],
        "error[reflected-origin-with-credentials]: services/s1/app.js:3:35, as at services/s0/app.js:3:35"
    );
    assert!(report.ends_with("11 errors in 11 files (11 servers)\n"), "{report}");
}

#[test]
fn findings_stand_below_their_server() {
    let folder = ten();
    let report = run(folder.path(), &[]);
    let headings: Vec<_> = stdout(&report).lines().filter(|line| line.starts_with("── ")).collect();
    assert_eq!(headings.len(), 11);
    assert!(headings[0].starts_with("── services/python/app.py (flask) ──"), "{}", headings[0]);
    assert!(headings[10].starts_with("── services/s9/app.js (express) ──"), "{}", headings[10]);
    let alone = run(folder.path(), &["services/s3"]);
    assert!(
        !stdout(&alone).lines().any(|line| line.starts_with("── ")),
        "one server needs no heading: {}",
        stdout(&alone)
    );
}

#[test]
fn a_fault_in_a_shared_file_is_one_finding_of_the_server_that_uses_it() {
    let server = "const app = require('express')();\napp.use(require('../shared/policy'));\napp.get('/', (req, res) => res.json(req.user));\napp.listen(3000);\n";
    let folder = folder(&[
        ("package.json", "{}"),
        ("shared/policy.js", "module.exports = require('cors')({ origin: true, credentials: true });\n"),
        ("a/app.js", server),
        ("b/app.js", server),
    ]);
    let report = json(&run(folder.path(), &["--format", "json"]));
    assert_eq!(report["summary"]["errors"], 1, "{report:#}");
    assert_eq!(report["findings"][0]["location"]["path"], "shared/policy.js");
    assert_eq!(report["findings"][0]["scope"], "the server in a/app.js");
}

#[test]
fn narrow_wide_and_plain_reports_hold_the_same() {
    let folder = ten();
    for (columns, set) in [("40", ("LANG", "C.UTF-8")), ("200", ("LANG", "C.UTF-8")), ("80", ("LC_ALL", "C"))] {
        let output = corslint(folder.path()).env("COLUMNS", columns).envs([set]).output().unwrap();
        let report = stdout(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(report.matches(", as at services/s0/app.js:3:35").count(), 9, "{report}");
        let widest = stdout(&output).lines().filter(|line| line.starts_with("──") || line.starts_with("--"));
        // A terminal has fifty columns at least.
        let columns: usize = columns.parse().unwrap();
        assert!(widest.map(|line| line.chars().count()).max() <= Some(columns.max(50)), "{}", stdout(&output));
    }
}

#[test]
fn one_configuration_serves_folders_of_their_own() {
    let folder = ten();
    let overrides = "[rules]\ninvalid-origin = \"warning\"\n[[overrides]]\npaths = [\"services/s*/**\"]\nrules = { reflected-origin-with-credentials = \"note\" }\n[[overrides]]\npaths = [\"services/s3/**\"]\nrules = { reflected-origin-with-credentials = \"off\" }\n";
    std::fs::write(folder.path().join("corslint.toml"), overrides).unwrap();
    let report = json(&run(folder.path(), &["--format", "json"]));
    let count = |what: &str| report["summary"][what].as_u64().unwrap();
    assert_eq!((count("errors"), count("warnings"), count("notes")), (0, 1, 9));
    // From a folder below, the same file is found.
    assert_eq!(run(&folder.path().join("services/s4"), &["--fail-on", "note"]).status.code(), Some(1));
    assert_eq!(run(&folder.path().join("services/s3"), &["--fail-on", "note"]).status.code(), Some(0));
}
