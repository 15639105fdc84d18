//! The baseline: what it holds, what it survives, and how it becomes smaller.

mod common;

use std::fs;
use std::path::Path;

use common::program::{OPEN, RULE, folder, json, report, rules, run, stderr, stdout, write};

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

const NULL: &str = "const app = require('express')();\napp.use(require('cors')({ origin: ['null', 'https://a.example'] }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";
const CLEAN: &str = "const app = require('express')();\napp.use(require('cors')({ origin: ['https://a.example'] }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";

/// Two services, and a baseline of their faults.
fn frozen() -> tempfile::TempDir {
    let folder = folder(&[("a/app.js", OPEN), ("b/app.js", NULL)]);
    assert_eq!(run(folder.path(), &["--write-baseline", "base.json"]).status.code(), Some(0));
    folder
}

fn entries(folder: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(folder.join("base.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let entries = file["findings"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    entries.map(|entry| (text(&entry["path"]), text(&entry["rule"]))).collect()
}

fn known() -> Vec<(String, String)> {
    vec![("a/app.js".to_owned(), RULE.to_owned()), ("b/app.js".to_owned(), "null-origin".to_owned())]
}

#[test]
fn it_holds_no_line_numbers_and_says_what_it_holds() {
    let folder = frozen();
    assert_eq!(entries(folder.path()), known());
    let text = fs::read_to_string(folder.path().join("base.json")).unwrap();
    assert!(!text.contains("\"line\"") && !text.contains("column"));
    assert!(text.contains("every origin is echoed back while credentials are allowed"));
}

#[test]
fn what_no_longer_occurs_is_named() {
    let folder = frozen();
    write(folder.path(), "b/app.js", CLEAN);
    let output = run(folder.path(), &["--baseline", "base.json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stdout(&output)
            .contains("baseline: 1 entry does not occur any more; `--write-baseline` drops what is gone\n  b/app.js: "),
        "{}",
        stdout(&output)
    );
    let found = report(folder.path(), &["--baseline", "base.json"]);
    assert_eq!((&found["gone"][0]["rule"], &found["gone"][0]["path"]), (&"null-origin".into(), &"b/app.js".into()));
    assert_eq!(found["gone"].as_array().unwrap().len(), 1);
    let output = run(folder.path(), &["--baseline", "base.json", "--format", "github"]);
    assert!(stdout(&output).contains("::notice title=baseline::1 entry of the baseline does not occur any more"));
    let log = json(&run(folder.path(), &["--baseline", "base.json", "--format", "sarif"]));
    let notification = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(
        (&notification["descriptor"]["id"], &notification["level"]),
        (&"baseline-entry-gone".into(), &"note".into())
    );
    // A file that is gone takes its entries with it.
    fs::remove_file(folder.path().join("b/app.js")).unwrap();
    assert_eq!(report(folder.path(), &["--baseline", "base.json"])["gone"][0]["path"], "b/app.js");
}

#[test]
fn writing_it_again_drops_what_no_longer_occurs() {
    let folder = frozen();
    write(folder.path(), "b/app.js", CLEAN);
    let output = run(folder.path(), &["--baseline", "base.json", "--write-baseline", "base.json"]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    assert_eq!(stdout(&output), "1 finding is written to base.json; 1 that no longer occurred is dropped\n");
    assert_eq!(entries(folder.path()), known()[..1]);
    assert!(report(folder.path(), &["--baseline", "base.json"]).get("gone").is_none());
}

#[test]
fn what_a_run_does_not_look_at_is_neither_gone_nor_dropped() {
    let folder = frozen();
    write(folder.path(), "b/app.js", CLEAN);
    for narrower in [&["a"][..], &["--select", RULE], &["--ignore", "null-origin"], &["--exclude", "b"]] {
        let args = [narrower, &["--baseline", "base.json"]].concat();
        assert!(report(folder.path(), &args).get("gone").is_none(), "{narrower:?}");
        run(folder.path(), &[&args[..], &["--write-baseline", "base.json"]].concat());
        assert_eq!(entries(folder.path()), known(), "{narrower:?}");
    }
}

#[test]
fn what_a_comment_settles_is_not_gone() {
    let folder = frozen();
    write(folder.path(), "b/app.js", &NULL.replace("] }));", "] })); // corslint: ignore[null-origin] ours"));
    assert!(report(folder.path(), &["--baseline", "base.json"]).get("gone").is_none());
}

#[test]
fn a_known_fault_and_a_new_one_in_the_same_file_are_told_apart() {
    let folder = frozen();
    let new = format!(
        "{NULL}const other = require('express')();\nother.use(require('cors')({{ origin: true, credentials: true }}));\nother.get('/', (req, res) => res.send('x'));\n"
    );
    write(folder.path(), "b/app.js", &new);
    let found = report(folder.path(), &["--baseline", "base.json"]);
    assert_eq!(rules(&found), [RULE]);
    assert_eq!(found["findings"][0]["location"]["start"]["line"], 6);
    // The same fault twice: one of the two is known.
    write(folder.path(), "b/app.js", NULL);
    write(folder.path(), "a/app.js", &format!("{OPEN}{}", OPEN.replace("app", "more")));
    let found = report(folder.path(), &["--baseline", "base.json"]);
    assert_eq!((rules(&found), &found["summary"]["suppressed"]), (vec![RULE], &2.into()));
}

/// The same fault once more, above the known one, in another route or location.
#[test]
fn of_equal_faults_in_different_routes_the_new_one_is_told() {
    let express = |routes: &[&str]| {
        let route = |path: &&str| {
            format!(
                "app.get('{path}', (req, res) => {{\n  res.setHeader('Access-Control-Allow-Origin', 'null');\n  res.send('x');\n}});\n"
            )
        };
        format!(
            "const app = require('express')();\n{}app.listen(3000);\n",
            routes.iter().map(route).collect::<String>()
        )
    };
    let flask = |routes: &[&str]| {
        let route = |path: &&str| {
            format!(
                "@app.route('{path}')\n@cross_origin(supports_credentials=True)\ndef {}():\n    return 'x'\n",
                &path[1..]
            )
        };
        let head = "from flask import Flask\nfrom flask_cors import cross_origin\napp = Flask(__name__)\n";
        format!("{head}{}", routes.iter().map(route).collect::<String>())
    };
    let nginx = |routes: &[&str]| {
        let route = |path: &&str| {
            format!(" location {path} {{\n  add_header Access-Control-Allow-Origin null;\n  return 200;\n }}\n")
        };
        format!("server {{\n listen 80;\n{}}}\n", routes.iter().map(route).collect::<String>())
    };
    type Program<'a> = &'a dyn Fn(&[&str]) -> String;
    let programs: [(&str, &str, Program<'_>); 3] =
        [("a.js", "null-origin", &express), ("a.py", RULE, &flask), ("a.conf", "null-origin", &nginx)];
    for (name, rule, program) in programs {
        let folder = folder(&[(name, &program(&["/known"]))]);
        run(folder.path(), &["--write-baseline", "base.json"]);
        write(folder.path(), name, &program(&["/new", "/known"]));
        let found = report(folder.path(), &["--baseline", "base.json", "--select", rule]);
        assert_eq!((rules(&found), &found["summary"]["suppressed"]), (vec![rule], &1.into()), "{name}");
        let all = report(folder.path(), &["--select", rule]);
        assert_eq!(found["findings"][0]["location"], all["findings"][0]["location"], "{name}: the upper one is new");
    }
}

#[test]
fn a_baseline_is_the_same_wherever_it_is_written_from() {
    let folder = frozen();
    fs::create_dir(folder.path().join(".git")).unwrap();
    let below = folder.path().join("a");
    run(&below, &["..", "--write-baseline", "../base.json"]);
    assert_eq!(entries(folder.path()), known());
    assert_eq!(run(&below, &["--baseline", "../base.json"]).status.code(), Some(0));
}

#[test]
fn writing_it_says_how_many_and_no_more() {
    let folder = folder(&[("a.js", OPEN), ("b.js", OPEN)]);
    let output = run(folder.path(), &["--write-baseline", "base.json"]);
    assert_eq!(stdout(&output), "2 findings are written to base.json\n");
    assert_eq!(stdout(&run(folder.path(), &["--write-baseline", "base.json", "-q"])), "");
    // A program that asks for a report has one.
    let found = report(folder.path(), &["--write-baseline", "base.json"]);
    assert_eq!(rules(&found), [RULE, RULE]);
}

#[test]
fn exit_codes_follow_what_is_new() {
    let folder = frozen();
    write(folder.path(), "c.js", OPEN);
    for (args, code) in [
        (&[][..], 1),
        (&["--fail-on", "never"], 0),
        (&["--exit-zero"], 0),
        (&["a", "b"], 0),
        (&["--write-baseline", "other.json"], 0),
    ] {
        let args = [args, &["--baseline", "base.json"]].concat();
        assert_eq!(run(folder.path(), &args).status.code(), Some(code), "{args:?}");
    }
}
