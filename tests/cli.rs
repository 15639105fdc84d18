//! The program as its users meet it: arguments, streams, files and exit codes.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const OPEN: &str = "const app = require('express')();\napp.use(require('cors')({ origin: true, credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";
const CLOSED: &str = "const app = require('express')();\napp.use(require('cors')({ origin: ['https://app.example.com'] }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";
const RULE: &str = "reflected-origin-with-credentials";

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The program in a folder, with nothing of the caller's environment.
fn corslint(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corslint"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    corslint(folder).args(args).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

#[test]
fn what_is_found_decides_the_exit_code() {
    let bad = folder(&[("app.js", OPEN)]);
    let good = folder(&[("app.js", CLOSED)]);
    let note = folder(&[("app.js", &OPEN.replace("{ origin: true, credentials: true }", ""))]);
    for (folder, args, code) in [
        (&bad, &["."][..], 1),
        (&bad, &[], 1),
        (&bad, &["check"], 1),
        (&bad, &["app.js"], 1),
        (&bad, &["--fail-on", "never"], 0),
        (&bad, &["--exit-zero"], 0),
        (&bad, &["--ignore", RULE], 0),
        (&bad, &["--select", "null-origin"], 0),
        (&good, &[], 0),
        (&note, &[], 0),
        (&note, &["--fail-on", "note"], 1),
    ] {
        for format in ["human", "compact", "json", "sarif", "github", "gitlab", "junit"] {
            let output = run(folder.path(), &[args, &["--format", format]].concat());
            assert_eq!(output.status.code(), Some(code), "{args:?} {format}: {}{}", stdout(&output), stderr(&output));
            assert_eq!(stderr(&output), "");
        }
    }
}

#[test]
fn what_cannot_be_done_is_said_and_exits_with_2() {
    let folder = folder(&[("app.js", OPEN), ("bad.toml", "fail-no = 1"), ("baseline.json", "{}")]);
    for (args, message) in [
        (&["nowhere"][..], "error: the path nowhere does not exist"),
        (&["--no-such-option"], "error: unexpected argument '--no-such-option'"),
        (&["--format", "yaml"], "error: invalid value 'yaml'"),
        (&["--select", "null-orign"], "error: there is no rule `null-orign`\n  help: did you mean `null-origin`?"),
        (
            &["--config", "bad.toml"],
            "bad.toml:1:1: the configuration has no key `fail-no`\n  help: did you mean `fail-on`?",
        ),
        (&["--config", "none.toml"], "none.toml: cannot be read"),
        (&["--baseline", "baseline.json"], "error: the baseline baseline.json is no baseline of corslint"),
        (&["--baseline", "none.json"], "error: the baseline none.json cannot be read"),
        (&["--exclude", "a["], "error: --exclude `a[` is no pattern"),
        (&["--output", "none/report.txt"], "error: none/report.txt cannot be written"),
        (&["--output", "."], "error: . cannot be written"),
        (&["-", "."], "error: `-` cannot be linted together"),
        (&["-"], "error: `-` needs --stdin-filename"),
        (&["--stdin-filename", "a.js"], "error: --stdin-filename goes with the path `-`"),
        (&["explain", "null-orign"], "error: there is no rule `null-orign`\n  help: did you mean `null-origin`?"),
    ] {
        let output = run(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(message), "{args:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{args:?}");
    }
}

#[test]
fn problems_are_shown_and_count_only_when_strict() {
    let folder = folder(&[("app.js", OPEN), ("broken.js", "const cors = require('cors'; app.use(")]);
    fs::write(folder.path().join("binary.py"), b"from flask_cors import CORS\0").unwrap();
    for (format, text) in [
        ("human", "problem[binary-file]: binary.py: the file is not text"),
        ("compact", "binary.py: problem: the file is not text"),
        ("github", "::warning file=binary.py,title=problem binary-file::the file is not text"),
    ] {
        let output = run(folder.path(), &["--format", format]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stdout(&output).contains(text), "{}", stdout(&output));
        assert!(stdout(&output).contains(RULE), "another file's findings are hidden");
    }
    let report = json(&run(folder.path(), &["--format", "json"]));
    let kinds: Vec<_> = report["problems"].as_array().unwrap().iter().map(|problem| &problem["kind"]).collect();
    assert_eq!(kinds, ["binary-file", "syntax-error"]);
    assert_eq!(run(folder.path(), &["--strict"]).status.code(), Some(2));
    assert_eq!(run(folder.path(), &["app.js", "--strict"]).status.code(), Some(1));
}

#[test]
fn a_folder_that_is_called_like_a_command_is_linted_by_its_path() {
    let folder = folder(&[("rules/app.js", OPEN)]);
    assert_eq!(run(folder.path(), &["./rules"]).status.code(), Some(1));
    assert_eq!(run(folder.path(), &["check", "rules"]).status.code(), Some(1));
    assert!(stdout(&run(folder.path(), &["rules"])).contains("null-origin"));
}

#[test]
fn standard_input_is_linted_under_a_name() {
    let folder = folder(&[(
        "corslint.toml",
        "[[overrides]]\npaths = [\"public/**\"]\nrules = { reflected-origin-with-credentials = \"note\" }\n",
    )]);
    for (name, code) in [("server/app.js", 1), ("public/app.js", 0)] {
        let mut child = corslint(folder.path())
            .args(["-", "--stdin-filename", name, "--format", "json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(OPEN.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        assert_eq!(json(&output)["findings"][0]["location"]["path"], name);
    }
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
fn sarif_is_valid_by_the_published_schema() {
    let folder = folder(&[
        ("ä b/app.js", OPEN),
        (
            "x.js",
            &OPEN
                .replace("x.listen", "")
                .replace("));\napp.get", ")); // corslint: ignore[reflected-origin-with-credentials] public\napp.get"),
        ),
    ]);
    let log = json(&run(folder.path(), &["--format", "sarif"]));
    let schema = serde_json::from_str(include_str!("schemas/sarif-2.1.0.json")).unwrap();
    jsonschema::validate(&schema, &log).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let place = |at: usize| &results[at]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!((place(0), place(1)), (&"%C3%A4%20b/app.js".into(), &"x.js".into()));
    assert_eq!(results[1]["suppressions"][0]["justification"], "public");
}

#[test]
fn comments_and_their_misuse() {
    let text = OPEN.replace("app.use", "// corslint: ignore[reflected-origin-with-credentials] everybody may\napp.use");
    let folder =
        folder(&[("app.js", &text), ("b.js", "// corslint: ignore[null-origin, nonsense]\nconst cors = 1;\n")]);
    let report = json(&run(folder.path(), &["--format", "json"]));
    let rules: Vec<_> = report["findings"].as_array().unwrap().iter().map(|finding| &finding["rule"]).collect();
    assert_eq!(rules, ["unused-suppression", "unknown-suppression"]);
    assert_eq!(report["summary"]["suppressed"], 1);
    let verbose = run(folder.path(), &["-v"]);
    assert!(
        stdout(&verbose).contains("suppressed[reflected-origin-with-credentials]: app.js:3:"),
        "{}",
        stdout(&verbose)
    );
    assert!(stdout(&verbose).contains("(ignored: everybody may)"));
}

#[test]
fn a_baseline_holds_what_is_known_and_lets_new_faults_fail() {
    let folder = folder(&[("server/app.js", OPEN)]);
    let written = run(folder.path(), &["--write-baseline", "base.json"]);
    assert_eq!(written.status.code(), Some(0));
    assert_eq!(run(folder.path(), &["--baseline", "base.json"]).status.code(), Some(0));
    // Moved, reformatted, and seen from another folder.
    fs::write(
        folder.path().join("server/app.js"),
        format!("// moved\n\n{}", OPEN.replace("{ origin: true,", "{\n  origin : true,")),
    )
    .unwrap();
    assert_eq!(run(folder.path(), &["--baseline", "base.json"]).status.code(), Some(0));
    fs::create_dir(folder.path().join(".git")).unwrap();
    let inside = run(&folder.path().join("server"), &["--baseline", "../base.json"]);
    assert_eq!(inside.status.code(), Some(0), "{}", stdout(&inside));
    fs::write(folder.path().join("new.js"), OPEN).unwrap();
    let new = run(folder.path(), &["--baseline", "base.json", "--format", "json"]);
    assert_eq!(new.status.code(), Some(1));
    assert_eq!(json(&new)["summary"]["suppressed"], 1);
    assert_eq!(json(&new)["findings"][0]["location"]["path"], "new.js");
}

#[test]
fn the_configuration_is_found_upward_and_can_be_left_out() {
    let folder = folder(&[
        ("corslint.toml", "exclude = [\"legacy/**\"]\n[rules]\nreflected-origin-with-credentials = \"off\"\n"),
        ("services/api/app.js", OPEN),
        ("legacy/app.js", OPEN),
    ]);
    let report = |args: &[&str]| json(&run(folder.path(), &[args, &["--format", "json"]].concat()));
    assert_eq!(report(&["services/api"])["summary"]["errors"], 0);
    assert_eq!(report(&["services/api", "--no-config"])["summary"]["errors"], 1);
    assert_eq!(report(&["--select", RULE])["summary"]["errors"], 1, "selected by hand, and legacy is excluded");
    let broken = folder.path().join("services/corslint.toml");
    fs::write(&broken, "[rules]\nnull-orign = \"off\"\n").unwrap();
    let output = run(folder.path(), &["services/api"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("services/corslint.toml:2:1: there is no rule `null-orign`"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let folder = folder(&[("app.js", OPEN)]);
    let colored = |set: &[(&str, &str)], args: &[&str]| {
        let output = corslint(folder.path()).args(args).envs(set.iter().copied()).output().unwrap();
        stdout(&output).contains('\x1b')
    };
    assert!(!colored(&[], &[]));
    assert!(colored(&[], &["--color", "always"]));
    assert!(colored(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(!colored(&[("CLICOLOR_FORCE", "0")], &[]));
    assert!(!colored(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
    assert!(colored(&[("NO_COLOR", "1")], &["--color", "always"]));
    assert!(!colored(&[("CLICOLOR_FORCE", "1")], &["--format", "json"]));
    for columns in ["50", "80", "200"] {
        let output = corslint(folder.path()).env("COLUMNS", columns).output().unwrap();
        // The excerpt is as wide as its code and what is written under it.
        let is_prose = |line: &&str| !line.contains('│') && !line.trim_start().starts_with('·');
        let widest = stdout(&output).lines().filter(is_prose).map(|line| line.chars().count()).max();
        assert!(widest.unwrap() <= columns.parse::<usize>().unwrap().min(122), "{columns}: {}", stdout(&output));
    }
}

#[test]
fn a_report_file_is_replaced_as_a_whole() {
    let folder = folder(&[("app.js", OPEN), ("report.json", "old")]);
    let output = run(folder.path(), &["--format", "json", "--output", "report.json"]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), ""));
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["summary"]["errors"], 1);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let folder = folder(&[("app.js", OPEN)]);
    let mut child = corslint(folder.path())
        .args(["rules", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
}

#[test]
fn pages_lists_and_completions_are_printed() {
    let folder = folder(&[]);
    let page = run(folder.path(), &["explain", RULE]);
    assert!(stdout(&page).starts_with("reflected-origin-with-credentials: every origin is echoed back"));
    assert!(stdout(&page).contains("When to ignore it"));
    let rules = json(&run(folder.path(), &["rules", "--format", "json"]));
    assert!(rules["rules"].as_array().unwrap().iter().any(|rule| rule["id"] == RULE && rule["severity"] == "error"));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(stdout(&run(folder.path(), &["completions", shell])).contains("corslint"));
    }
    for args in [&["--help"][..], &["-h"], &["--version"], &["help", "check"]] {
        assert_eq!(run(folder.path(), args).status.code(), Some(0));
    }
}

#[test]
fn test_files_hidden_files_and_ignored_files_are_read_when_asked_for() {
    let folder = folder(&[
        ("tests/app.js", OPEN),
        (".hidden/app.js", OPEN),
        ("ignored.js", OPEN),
        (".gitignore", "ignored.js\n"),
        ("node_modules/x/app.js", OPEN),
    ]);
    let errors =
        |args: &[&str]| json(&run(folder.path(), &[args, &["--format", "json"]].concat()))["summary"]["errors"].clone();
    assert_eq!(errors(&[]), 0);
    assert_eq!(errors(&["--include-tests"]), 1);
    assert_eq!(errors(&["--hidden"]), 1);
    assert_eq!(errors(&["--no-ignore"]), 1);
    assert_eq!(errors(&["--include-tests", "--hidden", "--no-ignore"]), 3);
    assert_eq!(errors(&["tests", "ignored.js", "node_modules/x"]), 3);
    assert_eq!(errors(&["--include-tests", "--exclude", "tests"]), 0);
}

/// Two ignore comments that nothing needs, which corslint can remove by itself.
const UNNEEDED: &str =
    "// corslint: ignore[null-origin]\r\nconst cors = 1; // corslint: ignore[null-origin, nonsense] x\r\nlet end;\r\n";

#[test]
fn fixes_are_written_and_nothing_is_without_being_asked() {
    let folder = folder(&[("a.js", UNNEEDED), ("b.js", UNNEEDED), ("broken.py", "")]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let seen = json(&run(folder.path(), &["--format", "json"]));
    assert_eq!(seen["summary"]["warnings"], 6);
    let diff = run(folder.path(), &["--diff"]);
    assert_eq!(diff.status.code(), Some(1));
    assert!(stdout(&diff).starts_with("--- a/a.js\n+++ b/a.js\n@@ -1,3 +1,2 @@\n-// corslint"), "{}", stdout(&diff));
    assert_eq!((read("a.js"), read("b.js")), (UNNEEDED.to_owned(), UNNEEDED.to_owned()));

    let output = run(folder.path(), &["--fix"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("; 6 fixed"), "{}", stdout(&output));
    assert_eq!(read("a.js"), "const cors = 1;\r\nlet end;\r\n");
    assert_eq!(read("b.js"), "const cors = 1;\r\nlet end;\r\n");
    assert_eq!(stdout(&run(folder.path(), &["--diff"])), "", "nothing is left to fix");
}

#[test]
fn the_diff_is_one_that_tools_apply() {
    let folder = folder(&[("a.js", UNNEEDED)]);
    let diff = run(folder.path(), &["--diff"]);
    fs::write(folder.path().join("x.diff"), &diff.stdout).unwrap();
    let applied = Command::new("git").current_dir(folder.path()).args(["apply", "x.diff"]).output();
    // Where there is no git, there is nothing to ask.
    if let Ok(applied) = applied {
        assert!(applied.status.success(), "{}", stderr(&applied));
        assert_eq!(fs::read_to_string(folder.path().join("a.js")).unwrap(), "const cors = 1;\r\nlet end;\r\n");
    }
}

#[test]
fn standard_input_is_fixed_to_standard_output() {
    let folder = folder(&[]);
    let mut child = corslint(folder.path())
        .args(["-", "--stdin-filename", "a.js", "--fix"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(UNNEEDED.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), "const cors = 1;\r\nlet end;\r\n"));
    assert!(stderr(&output).contains("3 fixed"));
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_is_a_problem_and_stays() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[("a.js", UNNEEDED), ("b.js", UNNEEDED)]);
    let path = folder.path().join("a.js");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let output = run(folder.path(), &["--fix", "--format", "compact"]);
    assert_eq!(output.status.code(), Some(1), "what is not fixed is found");
    assert!(stdout(&output).starts_with("a.js:1:21: warning"), "{}", stdout(&output));
    assert!(
        stdout(&output).ends_with("a.js: problem: the fixes were not written: the file is read-only [fix-refused]\n")
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), UNNEEDED);
    assert_ne!(fs::read_to_string(folder.path().join("b.js")).unwrap(), UNNEEDED);
}

#[test]
fn a_configuration_is_written_once() {
    let folder = folder(&[("app.js", OPEN)]);
    let output = run(folder.path(), &["init"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("./corslint.toml is written") && stdout(&output).contains("id: corslint"));
    assert_eq!(run(folder.path(), &[]).status.code(), Some(1), "it changes nothing by itself");
    let again = run(folder.path(), &["init"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("./corslint.toml exists already"));
    assert_eq!(run(folder.path(), &["init", "nowhere"]).status.code(), Some(2));
}
