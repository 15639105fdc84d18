//! `corslint.toml`, as `docs/configuration.md` promises it.

mod common;

use std::fs;

use common::program::{OPEN, RULE, folder, json, report, rules, run, stderr, stdout, write};

const DOCUMENT: &str = include_str!("../docs/configuration.md");

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

#[test]
fn what_the_document_shows_is_right() {
    let (_, rest) = DOCUMENT.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let folder =
        folder(&[("corslint.toml", example), ("services/public-api/app.js", &OPEN.replace(", credentials: true", ""))]);
    // The reflection itself is off there, and `untrusted-origin` is a warning.
    assert_eq!(rules(&report(folder.path(), &[])), ["untrusted-origin"]);
    let output = run(folder.path(), &[]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
}

#[test]
fn the_document_and_the_template_name_every_key() {
    let template = include_str!("../src/cli/init.toml");
    let schema = corslint::config::schema();
    for (key, property) in schema["properties"].as_object().unwrap() {
        let inner = property["properties"].as_object().or(property["items"]["properties"].as_object());
        for name in std::iter::once(key).chain(inner.into_iter().flat_map(|inner| inner.keys())) {
            assert!(DOCUMENT.contains(name.as_str()), "docs/configuration.md does not tell of `{name}`");
            assert!(template.contains(name.as_str()), "`corslint init` does not tell of `{name}`");
        }
    }
}

#[test]
fn thresholds_come_from_the_file_and_the_command_line_wins() {
    let folder = folder(&[("app.js", OPEN), ("corslint.toml", "fail-on = \"never\"\n")]);
    assert_eq!(run(folder.path(), &[]).status.code(), Some(0));
    assert_eq!(run(folder.path(), &["--fail-on", "error"]).status.code(), Some(1));
    write(folder.path(), "corslint.toml", &format!("fail-on = \"error\"\n[rules]\n{RULE} = \"warning\"\n"));
    assert_eq!(run(folder.path(), &[]).status.code(), Some(0));
    assert_eq!(run(folder.path(), &["--fail-on", "warning"]).status.code(), Some(1));
    // A reflection on a condition of the environment is less certain.
    let likely = OPEN.replace("origin: true", "origin: process.env.ORIGIN || true");
    write(folder.path(), "app.js", &likely);
    write(folder.path(), "corslint.toml", "min-confidence = \"high\"\n");
    assert_eq!(rules(&report(folder.path(), &[])), [""; 0]);
    assert!(!rules(&report(folder.path(), &["--min-confidence", "low"])).is_empty());
}

#[test]
fn paths_are_excluded_relative_to_the_file() {
    let folder = folder(&[
        ("corslint.toml", "exclude = [\"legacy/**\", \"demo\"]\n"),
        ("legacy/app.js", OPEN),
        ("services/legacy/app.js", OPEN),
        ("services/demo/app.js", OPEN),
    ]);
    let found = report(folder.path(), &[]);
    assert_eq!(found["findings"].as_array().unwrap().len(), 1);
    assert_eq!(found["findings"][0]["location"]["path"], "services/legacy/app.js");
    // Also from a folder below.
    assert_eq!(report(&folder.path().join("services"), &[])["findings"].as_array().unwrap().len(), 1);
}

#[test]
fn origins_that_are_not_trusted_are_found_only_where_that_is_configured() {
    let listed = OPEN.replace("origin: true", "origin: ['https://app.example.com', 'https://partner.example.net']");
    let folder = folder(&[("app.js", &listed)]);
    assert_eq!(rules(&report(folder.path(), &[])), [""; 0]);
    write(folder.path(), "corslint.toml", "[origins]\ntrusted = [\"https://*.example.com\"]\n");
    let found = report(folder.path(), &[]);
    assert_eq!(rules(&found), ["untrusted-origin"]);
    assert!(found["findings"][0]["message"].as_str().unwrap().contains("https://partner.example.net"));
}

#[test]
fn severities_are_set_by_rule_and_by_path() {
    let folder = folder(&[("a/app.js", OPEN), ("b/app.js", OPEN), ("b/c/app.js", OPEN)]);
    let config = format!(
        "[rules]\n{RULE} = \"note\"\n[[overrides]]\npaths = [\"b/**\"]\nrules = {{ {RULE} = \"warning\" }}\n[[overrides]]\npaths = [\"b/c/**\"]\nrules = {{ {RULE} = \"off\" }}\n"
    );
    write(folder.path(), "corslint.toml", &config);
    let found = report(folder.path(), &[]);
    let of =
        |at: usize| (found["findings"][at]["location"]["path"].as_str(), found["findings"][at]["severity"].as_str());
    assert_eq!(found["findings"].as_array().unwrap().len(), 2);
    assert_eq!((of(0), of(1)), ((Some("a/app.js"), Some("note")), (Some("b/app.js"), Some("warning"))));
}

#[test]
fn a_proxy_can_be_declared() {
    let folder = folder(&[
        ("api/app.js", &OPEN.replace("origin: true, credentials: true", "origin: 'https://a.example'")),
        (
            "deploy/nginx.conf",
            "server {\n listen 80;\n location / {\n  proxy_pass http://backend;\n  proxy_hide_header Access-Control-Allow-Origin;\n }\n}\n",
        ),
    ]);
    assert_eq!(rules(&report(folder.path(), &[])), [""; 0]);
    write(folder.path(), "corslint.toml", "[[proxy]]\nfrom = \"deploy/nginx.conf\"\nto = \"api\"\n");
    assert_eq!(rules(&report(folder.path(), &[])), ["stripped-by-proxy"]);
}

#[test]
fn an_nginx_of_another_version_can_be_meant() {
    let text = "server {\n listen 80;\n add_header Access-Control-Allow-Origin https://a.example;\n location / {\n  add_header_inherit merge;\n  add_header X-A b;\n  return 200;\n }\n}\n";
    let folder = folder(&[("nginx.conf", text)]);
    let newest = rules(&report(folder.path(), &[])).join(",");
    write(folder.path(), "corslint.toml", "[nginx]\nversion = \"1.24\"\n");
    let older = rules(&report(folder.path(), &[])).join(",");
    assert_ne!(newest, older, "1.24 has no add_header_inherit");
}

#[test]
fn what_is_wrong_has_a_place_and_the_nearest_name() {
    for (text, message) in [
        (
            "fail-no = \"error\"",
            "corslint.toml:1:1: the configuration has no key `fail-no`\n  help: did you mean `fail-on`?",
        ),
        (
            "[rules]\nnull-orign = \"off\"",
            "corslint.toml:2:1: there is no rule `null-orign`\n  help: did you mean `null-origin`?",
        ),
        (
            "[rules]\nnull-origin = \"fatal\"",
            "corslint.toml:2:15: a rule is `off`, `note`, `warning` or `error`, not `fatal`",
        ),
        (
            "[[overrides]]\npath = []",
            "corslint.toml:2:1: [[overrides]] has no key `path`\n  help: did you mean `paths`?",
        ),
        ("[origins]\ntrusted = [\"example.com\"]", "corslint.toml:2:12: `example.com` is no origin"),
        ("fail-on = ", "corslint.toml:1:"),
    ] {
        let folder = folder(&[("app.js", OPEN), ("corslint.toml", text)]);
        let output = run(folder.path(), &[]);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""), "{text}");
        assert!(stderr(&output).contains(message), "{text}: {}", stderr(&output));
    }
}

#[test]
fn several_paths_have_the_configuration_that_stands_above_all() {
    let folder = folder(&[
        ("corslint.toml", "fail-on = \"never\"\n"),
        ("a/corslint.toml", "fail-on = \"error\"\n"),
        ("a/app.js", OPEN),
        ("b/app.js", OPEN),
    ]);
    assert_eq!(run(folder.path(), &["a"]).status.code(), Some(1));
    assert_eq!(run(folder.path(), &["a", "b"]).status.code(), Some(0));
    assert_eq!(run(folder.path(), &["a", "--config", "corslint.toml"]).status.code(), Some(0));
    assert_eq!(run(folder.path(), &["a", "b", "--no-config"]).status.code(), Some(1));
}

#[test]
fn the_client_folders_change_nothing_yet() {
    let folder = folder(&[
        ("web/page.js", "fetch('http://localhost:3000/x', { method: 'DELETE', credentials: 'include' });\n"),
        ("app.js", &OPEN.replace("origin: true, credentials: true", "origin: 'https://a.example'")),
    ]);
    let before = report(folder.path(), &[]);
    write(folder.path(), "corslint.toml", "client = [\"web\"]\n");
    assert_eq!(before, report(folder.path(), &[]));
    assert!(DOCUMENT.contains("nothing uses it yet"));
}
