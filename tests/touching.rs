//! `--touching`: what a hook that names the changed files is told.

mod common;

use std::path::Path;

use common::program::{folder, report, rules, run, stderr, stdout, write};

const APP: &str = "const app = require('express')();\nconst { origins } = require('./origins');\napp.use(require('cors')({ origin: origins, credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";
const LOOSE: &str = "exports.origins = [/^https:\\/\\/.*.example\\.com$/];\n";
const OTHER: &str = "const app = require('express')();\napp.use(require('cors')({ origin: true, credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(4000);\n";

/// A repository with a fault that spans two files, one in a third file, and a file without any.
fn repository() -> tempfile::TempDir {
    let folder = folder(&[
        ("package.json", "{}"),
        ("server/app.js", APP),
        ("server/origins.js", LOOSE),
        ("other.js", OTHER),
        ("README.md", "cors"),
        ("tests/app.test.js", OTHER),
    ]);
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    folder
}

fn touched(folder: &Path, files: &[&str]) -> Vec<String> {
    let report = report(folder, &[&["--touching"], files].concat());
    rules(&report).into_iter().map(str::to_owned).collect()
}

#[test]
fn a_finding_is_shown_where_any_of_its_places_changed() {
    let repository = repository();
    for file in ["server/app.js", "server/origins.js"] {
        assert_eq!(touched(repository.path(), &[file]), ["loose-origin-pattern"], "{file}");
    }
    assert_eq!(touched(repository.path(), &["other.js"]), ["reflected-origin-with-credentials"]);
    assert_eq!(touched(repository.path(), &["other.js", "server/app.js"]).len(), 2);
    assert_eq!(touched(repository.path(), &["server"]), ["loose-origin-pattern"]);
    assert_eq!(touched(repository.path(), &["README.md", "package.json"]), [""; 0]);
    assert_eq!(touched(repository.path(), &["tests/app.test.js"]), [""; 0], "what a run leaves out is left out");
}

#[test]
fn the_verdict_is_that_of_what_changed() {
    let repository = repository();
    let passes = run(repository.path(), &["--touching", "README.md", "-q"]);
    assert_eq!((passes.status.code(), stdout(&passes), stderr(&passes)), (Some(0), "", ""));
    assert_eq!(run(repository.path(), &["--touching", "other.js", "-q"]).status.code(), Some(1));
    // Problems of other files do not concern the change.
    write(repository.path(), "broken.js", "const cors = require('cors'; app.use(");
    assert_eq!(run(repository.path(), &["--touching", "README.md", "--strict"]).status.code(), Some(0));
    assert_eq!(run(repository.path(), &["--touching", "broken.js", "--strict"]).status.code(), Some(2));
}

#[test]
fn the_whole_repository_is_linted_from_any_folder_of_it() {
    let repository = repository();
    write(repository.path(), "corslint.toml", "[rules]\nloose-origin-pattern = \"note\"\n");
    let report = report(&repository.path().join("server"), &["--touching", "origins.js"]);
    assert_eq!(rules(&report), ["loose-origin-pattern"]);
    assert_eq!(report["findings"][0]["severity"], "note", "the repository's configuration counts");
    assert_eq!(report["findings"][0]["location"]["path"], "origins.js");
    assert_eq!(report["summary"]["servers"], 2);
}

#[test]
fn ignored_and_known_findings_stay_so() {
    let repository = repository();
    run(repository.path(), &["--write-baseline", "base.json"]);
    let args = ["--touching", "other.js", "--baseline", "base.json"];
    let known = report(repository.path(), &args);
    assert_eq!((rules(&known).len(), &known["summary"]["suppressed"]), (0, &1.into()));
    // A hook does not speak of the baseline's upkeep.
    write(repository.path(), "other.js", "");
    assert!(report(repository.path(), &args).get("gone").is_none());
}

#[test]
fn what_makes_no_sense_with_it_is_refused() {
    let repository = repository();
    for (args, message) in [
        (&["--touching", "-"][..], "--touching needs files"),
        (&["--touching", "nowhere.js"], "the path nowhere.js does not exist"),
        (&["--touching", "other.js", "--fix"], "cannot be used with"),
        (&["--touching", "other.js", "--write-baseline", "x"], "cannot be used with"),
    ] {
        let output = run(repository.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(message), "{args:?}: {}", stderr(&output));
    }
}
