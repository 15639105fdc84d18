//! The program as its users meet it: arguments, streams, files and exit codes.

mod common;

use std::fs;
use std::process::Command;

use common::program::{FORMATS, OPEN, RULE, corslint, folder, json, run, run_with, stderr, stdout};

const CLOSED: &str = "const app = require('express')();\napp.use(require('cors')({ origin: ['https://app.example.com'] }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";

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
        (&bad, &["--fail-on", "error"], 1),
        (&bad, &["--fail-on", "never"], 0),
        (&bad, &["--min-confidence", "high"], 1),
        (&bad, &["--strict"], 1),
        (&bad, &["--strict", "--exit-zero"], 0),
        (&bad, &["--exit-zero"], 0),
        (&bad, &["--ignore", RULE], 0),
        (&bad, &["--select", "null-origin"], 0),
        (&good, &[], 0),
        (&note, &[], 0),
        (&note, &["--fail-on", "note"], 1),
    ] {
        for format in FORMATS {
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
        (&["--ignore", "null-orign"], "error: there is no rule `null-orign`\n  help: did you mean `null-origin`?"),
        (&["--select", "cors"], "error: there is no rule `cors`\n  help: `corslint rules` lists them"),
        (&["--fail-on", "fatal"], "error: invalid value 'fatal'"),
        (&["--min-confidence", "off"], "a confidence must be one of low, medium, high, not `off`"),
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
        let output = run_with(folder.path(), &["-", "--stdin-filename", name, "--format", "json"], OPEN);
        assert_eq!(output.status.code(), Some(code));
        assert_eq!(json(&output)["findings"][0]["location"]["path"], name);
    }
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
fn a_fix_stays_in_a_block_that_stands_on_one_line() {
    let reflecting = "add_header Access-Control-Allow-Origin $http_origin always;";
    let credentials = "add_header Access-Control-Allow-Credentials true always;";
    let config = |added: &str| {
        format!(
            "http {{ server {{ listen 80; location / {{ {reflecting}{added} {credentials} proxy_pass http://app; }} }} }}\n"
        )
    };
    let folder = folder(&[("nginx.conf", &config(""))]);
    run(folder.path(), &["--fix", "--exit-zero"]);
    let fixed = fs::read_to_string(folder.path().join("nginx.conf")).unwrap();
    assert_eq!(fixed, config(" add_header Vary Origin always;"));
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
    let server = OPEN.replace("origin: true", "origin: 'https://a.example'").replace('\n', "\r\n");
    let output = run_with(folder.path(), &["-", "--stdin-filename", "a.js", "--fix"], &format!("{UNNEEDED}{server}"));
    let fixed = format!("const cors = 1;\r\nlet end;\r\n{server}");
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), fixed.as_str()));
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
fn a_minified_server_is_not_read_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let routes: String = (0..400).map(|at| format!("app.get('/{at}',(q,s)=>s.json({{a:{at}}}));")).collect();
    let program = format!(
        "const app=require('express')();app.use(require('cors')({{origin:true,credentials:true}}));{routes}app.listen(3000);\n"
    );
    std::fs::write(folder.path().join("server.js"), &program).unwrap();
    let run = |path: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_corslint"));
        let output = command.env_clear().current_dir(folder.path()).arg(path).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let told = run(".");
    assert!(told.contains("server.js: the program is minified and was not read"), "{told}");
    assert!(run("server.js").contains("reflected-origin-with-credentials"));
    // A page's script that is minified is nobody's server.
    let page = format!("const expressed=1;fetch('/',{{mode:'cors'}});{}", "f();".repeat(4000));
    std::fs::write(folder.path().join("server.js"), page).unwrap();
    assert!(!run(".").contains("minified"));
}
