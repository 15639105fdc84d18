//! Ignore comments, as `docs/configuration.md` promises them.

mod common;

use std::fs;
use std::path::Path;

use common::program::{OPEN, RULE, folder, json, report, rules, run, run_with, stdout, write};

/// What is left of the findings of a program, and how many a comment settled.
fn left(files: &[(&str, &str)]) -> (Vec<String>, u64) {
    let folder = folder(files);
    let report = report(folder.path(), &[]);
    let rules = rules(&report).into_iter().map(str::to_owned).collect();
    (rules, report["summary"]["suppressed"].as_u64().unwrap())
}

/// Asserts that a comment settles the only finding of a program, and that without the comment it is there.
fn settles(name: &str, rule: &str, text: &str) {
    let unsettled = text.replace("corslint: ignore", "corslint ignores");
    assert_eq!(left(&[(name, &unsettled)]), (vec![rule.to_owned()], 0), "without the comment: {text}");
    assert_eq!(left(&[(name, text)]), (vec![], 1), "{text}");
}

/// Asserts that a comment does not settle the finding of a program, and is said to be of no use.
fn misses(name: &str, rule: &str, text: &str) {
    let (mut rules, suppressed) = left(&[(name, text)]);
    rules.sort();
    let mut wanted = [rule, "unused-suppression"];
    wanted.sort();
    assert_eq!((rules, suppressed), (wanted.map(str::to_owned).to_vec(), 0), "{text}");
}

/// An Express server with something before, in and behind the statement of its policy.
fn express(above: &str, within: &str, behind: &str) -> String {
    format!(
        "const cors = require('cors');\nconst app = require('express')();\n{above}app.use(cors({{\n  origin: true,{within}\n  credentials: true,\n}}));{behind}\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n"
    )
}

const COMMENT: &str = "corslint: ignore[reflected-origin-with-credentials] everybody may";

#[test]
fn at_the_end_of_a_line_it_counts_for_that_line() {
    settles("a.js", RULE, &express("", &format!(" // {COMMENT}"), ""));
    settles("a.ts", RULE, &express("", &format!(" /* {COMMENT} */"), ""));
    settles(
        "a.js",
        RULE,
        &express("", &format!(" /* {COMMENT}\n more */"), "").replace("true, /*", "true /*").replace("*/", "*/,"),
    );
    // The last line of the statement is not the line of the finding.
    misses("a.js", RULE, &express("", "", &format!(" // {COMMENT}")));
    settles("a.py", RULE, &flask("", &format!("  # {COMMENT}")));
    settles("a.conf", "wildcard-with-credentials", &nginx("", "  # corslint: ignore[wildcard-with-credentials] old"));
}

#[test]
fn alone_on_a_line_it_counts_for_what_stands_below() {
    settles("a.js", RULE, &express(&format!("// {COMMENT}\n"), "", ""));
    settles("a.js", RULE, &express(&format!("// {COMMENT}\n\n// more words\n"), "", ""));
    settles("a.js", RULE, &express(&format!("/* {COMMENT} */\n"), "", ""));
    settles("a.js", RULE, &express(&format!("/*\n * {COMMENT}\n */\n"), "", ""));
    // The property, and not the one behind it.
    settles("a.js", RULE, &express("", "", "").replace("  origin", &format!("  // {COMMENT}\n  origin")));
    // Any label counts: that of the credentials too.
    settles("a.js", RULE, &express("", "", "").replace("  credentials", &format!("  // {COMMENT}\n  credentials")));
    // The statement before is another one.
    misses("a.js", RULE, &express(&format!("// {COMMENT}\nconst x = 1;\n"), "", ""));
    settles("a.py", RULE, &flask(&format!("# {COMMENT}\n"), ""));
    settles("a.conf", "wildcard-with-credentials", &nginx("# corslint: ignore[wildcard-with-credentials]\n", ""));
    let location = nginx("", "").replace("location", "# corslint: ignore[wildcard-with-credentials] old\n location");
    settles("a.conf", "wildcard-with-credentials", &location);
}

#[test]
fn an_entry_of_a_list_is_settled_by_itself() {
    let text = "const app = require('express')();\napp.use(require('cors')({ origin: [\n  // corslint: ignore[invalid-origin] kept for later\n  'https://a.example/',\n  'https://b.example',\n] }));\napp.get('/', (req, res) => res.send('x'));\n";
    settles("a.js", "invalid-origin", text);
}

#[test]
fn a_decorated_view_is_one_statement() {
    let text = "from flask import Flask\nfrom flask_cors import cross_origin\napp = Flask(__name__)\n# corslint: ignore[reflected-origin-with-credentials] everybody may\n@app.route('/')\n@cross_origin(supports_credentials=True)\ndef index():\n    return ''\n";
    settles("a.py", RULE, text);
}

#[test]
fn jsx_has_comments_in_braces() {
    let page = "const page = (\n  <main>\n    {/* corslint: ignore[null-origin] nothing here */}\n    <p>it's</p>\n  </main>\n);\n";
    let (rules, _) = left(&[("a.jsx", &format!("{page}{OPEN}"))]);
    assert_eq!(rules, ["unused-suppression", RULE]);
    let folder = folder(&[("a.jsx", &format!("{page}{OPEN}"))]);
    run(folder.path(), &["--fix"]);
    assert!(read(folder.path(), "a.jsx").starts_with("const page = (\n  <main>\n    <p>it's</p>"));
}

#[test]
fn at_the_top_it_counts_for_the_file() {
    let comment = format!("corslint: ignore-file[{RULE}] a public demo");
    settles("a.js", RULE, &format!("#!/usr/bin/env node\n// {comment}\n{}", express("", "", "")));
    settles("a.js", RULE, &format!("/* {comment} */\n{}", express("", "", "")));
    settles("a.js", RULE, &format!("\u{feff}// {comment}\r\n{}", express("", "", "")));
    settles("a.py", RULE, &format!("# -*- coding: utf-8 -*-\n# {comment}\n{}", flask("", "")));
    settles(
        "a.conf",
        "wildcard-with-credentials",
        &format!("# corslint: ignore-file[wildcard-with-credentials]\n{}", nginx("", "")),
    );
    // Below code it is one that ignores nothing.
    let (rules, suppressed) = left(&[("a.js", &express(&format!("// {comment}\n"), "", ""))]);
    assert_eq!((rules, suppressed), (vec!["unknown-suppression".to_owned(), RULE.to_owned()], 0));
}

#[test]
fn any_label_will_do_also_in_another_file() {
    let app = "const app = require('express')();\nconst { origins } = require('./origins');\napp.use(require('cors')({ origin: origins, credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";
    let origins = "exports.origins = [\n  /^https:\\/\\/.*.example\\.com$/,\n];\n";
    let rule = "loose-origin-pattern";
    assert_eq!(left(&[("app.js", app), ("origins.js", origins)]), (vec![rule.to_owned()], 0));
    let settled = [
        (app.to_owned(), origins.replace("$/,", "$/, // corslint: ignore[loose-origin-pattern] ours")),
        (app.replace("}));", "})); // corslint: ignore[loose-origin-pattern] ours"), origins.to_owned()),
    ];
    for (app, origins) in settled {
        assert_eq!(left(&[("app.js", &app), ("origins.js", &origins)]), (vec![], 1), "{app}{origins}");
    }
}

#[test]
fn a_value_in_an_environment_file_is_settled_there() {
    let app = "const app = require('express')();\napp.use(require('cors')({ origin: process.env.ORIGIN, credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";
    let env = "# what may read\nORIGIN=https://a.example/\n";
    let folder = folder(&[("package.json", "{}"), ("app.js", app), (".env", env)]);
    let found = report(folder.path(), &["--min-confidence", "low"]);
    let settled = env.replace("ORIGIN", "# corslint: ignore[invalid-origin] an example\nORIGIN");
    if rules(&found) == ["invalid-origin"] && found["findings"][0]["location"]["path"] == ".env" {
        write(folder.path(), ".env", &settled);
        let found = report(folder.path(), &["--min-confidence", "low"]);
        assert_eq!((rules(&found).len(), &found["summary"]["suppressed"]), (0, &1.into()));
        write(folder.path(), ".env", &settled.replace("invalid-origin", "null-origin"));
        let found = report(folder.path(), &["--min-confidence", "low"]);
        assert_eq!(rules(&found), ["unused-suppression", "invalid-origin"]);
    } else {
        panic!("{found:#}");
    }
}

#[test]
fn a_file_that_is_linted_alone_may_hold_what_others_need() {
    let app = "const app = require('express')();\nconst { origins } = require('./origins');\napp.use(require('cors')({ origin: origins, credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";
    let origins = "const cors = 1;\nexports.origins = [\n  /^https:\\/\\/.*.example\\.com$/, // corslint: ignore[loose-origin-pattern] ours\n];\n";
    let folder = folder(&[("app.js", app), ("origins.js", origins)]);
    // What it needs is seen where it is used, so nothing can be said here, and nothing is removed.
    assert_eq!(rules(&report(folder.path(), &["origins.js"])), [""; 0]);
    let input = run_with(folder.path(), &["-", "--stdin-filename", "origins.js", "--fix"], origins);
    assert_eq!(stdout(&input), origins);
    run(folder.path(), &["origins.js", "--fix"]);
    assert_eq!(read(folder.path(), "origins.js"), origins);
    // A name that is none is one wherever it stands, and a server knows its own.
    write(folder.path(), "origins.js", &origins.replace("[loose-origin-pattern]", "[loose-pattern]"));
    assert_eq!(rules(&report(folder.path(), &["origins.js"])), ["unknown-suppression"]);
    write(folder.path(), "app.js", &app.replace("app.listen", "// corslint: ignore[null-origin]\napp.listen"));
    assert!(rules(&report(folder.path(), &["app.js"])).contains(&"unused-suppression"));
}

#[test]
fn several_rules_and_a_reason_may_be_named() {
    let both = format!("corslint: ignore[null-origin,{RULE}] - the partner's page");
    let text = express(&format!("// {both}\n"), "", "");
    let (rules, suppressed) = left(&[("a.js", &text)]);
    assert_eq!((rules, suppressed), (vec!["unused-suppression".to_owned()], 1));
    let folder = folder(&[("a.js", &text)]);
    let log = json(&run(folder.path(), &["--format", "sarif"]));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let settled = results.iter().find(|result| result["ruleId"] == RULE).unwrap();
    assert_eq!(
        settled["suppressions"],
        serde_json::json!([{ "kind": "inSource", "justification": "the partner's page" }])
    );
}

#[test]
fn a_comment_that_names_no_rule_ignores_nothing() {
    for comment in ["corslint: ignore", "corslint: ignore everything", "corslint: ignore[]", "corslint: ignore-file"] {
        let (rules, _) = left(&[("a.js", &express(&format!("// {comment}\n"), "", ""))]);
        assert_eq!(rules, ["unknown-suppression", RULE], "{comment}");
    }
    let (rules, _) = left(&[("a.js", &format!("{}// corslint: ignore[null-origin]\n", express("", "", "")))]);
    assert_eq!(rules, [RULE, "unknown-suppression"], "no code stands behind it");
}

#[test]
fn texts_that_speak_of_comments_are_none() {
    let text = express(
        "const s = '// corslint: ignore[null-origin]';\n// write `corslint: ignore[null-origin]` here\n",
        "",
        "",
    );
    assert_eq!(left(&[("a.js", &text)]).0, [RULE]);
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
fn what_nothing_needs_is_removed_by_fix() {
    let text =
        express("// corslint: ignore[null-origin]\n", &format!(" // corslint: ignore[{RULE}, nonsense] known"), "");
    let folder = folder(&[("a.js", &text)]);
    assert_eq!(rules(&report(folder.path(), &[])), ["unused-suppression", "unknown-suppression"]);
    assert_eq!(run(folder.path(), &["--fix"]).status.code(), Some(0));
    assert_eq!(read(folder.path(), "a.js"), express("", &format!(" // corslint: ignore[{RULE}] known"), ""));
    assert_eq!(report(folder.path(), &[])["summary"]["suppressed"], 1);
}

#[test]
fn a_rule_that_does_not_run_is_not_missed() {
    let text = express("// corslint: ignore[null-origin]\n", "", "");
    let folder = folder(&[("a.js", &text)]);
    assert_eq!(rules(&report(folder.path(), &["--ignore", "null-origin"])), [RULE]);
    assert_eq!(rules(&report(folder.path(), &["--select", RULE])), [RULE]);
    write(folder.path(), "corslint.toml", "[rules]\nnull-origin = \"off\"\n");
    assert_eq!(rules(&report(folder.path(), &[])), [RULE]);
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// A Flask program with something above and behind the call of its policy.
fn flask(above: &str, behind: &str) -> String {
    format!(
        "from flask import Flask\nfrom flask_cors import CORS\napp = Flask(__name__)\n{above}CORS(app, supports_credentials=True){behind}\n@app.route('/')\ndef index():\n    return ''\n"
    )
}

/// A configuration of nginx with something above and behind the line of its origin.
fn nginx(above: &str, behind: &str) -> String {
    format!(
        "server {{\n listen 80;\n location / {{\n{above}  add_header Access-Control-Allow-Origin *;{behind}\n  add_header Access-Control-Allow-Credentials true;\n  return 200;\n }}\n}}\n"
    )
}
