//! Does the GitHub action do what its inputs say? Its script is run by bash, as a runner would.
#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use common::program::{OPEN, folder, stderr, stdout, write};

const ACTION: &str = include_str!("../action.yml");

/// The script of the step that lints.
fn script() -> String {
    let (_, step) = ACTION.split_once("      id: lint\n").unwrap();
    let (_, script) = step.split_once("      run: |\n").unwrap();
    let lines = script.lines().take_while(|line| line.is_empty() || line.starts_with("        "));
    lines.map(|line| line.trim_start_matches("        ").to_owned() + "\n").collect()
}

/// What the step does with some inputs; `None` where there is no bash.
fn step(folder: &Path, inputs: &[(&str, &str)]) -> Option<(Output, Option<serde_json::Value>)> {
    let temporary = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_corslint"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default());
    let result = temporary.path().join("output");
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", &script()])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("RUNNER_TEMP", temporary.path())
        .env("GITHUB_OUTPUT", &result)
        .envs([("PATHS", "."), ("ARGS", ""), ("SARIF", "true"), ("ANNOTATIONS", "true")])
        .envs(inputs.iter().copied())
        .output()
        .ok()?;
    let named = fs::read_to_string(result).unwrap_or_default();
    let log = named.trim_end().strip_prefix("sarif-file=").map(|file| fs::read_to_string(file).unwrap());
    Some((output, log.map(|log| serde_json::from_str(&log).unwrap())))
}

#[test]
fn it_annotates_writes_the_log_and_fails() {
    let ignored = OPEN.replace("}));", "})); // corslint: ignore[reflected-origin-with-credentials] a demo");
    let folder = folder(&[("app.js", OPEN), ("demo.js", &ignored)]);
    let Some((output, log)) = step(folder.path(), &[]) else { return };
    assert_eq!((output.status.code(), stderr(&output)), (Some(1), ""));
    assert!(stdout(&output).starts_with("::error file=app.js,line=2,"), "{}", stdout(&output));
    let log = log.unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    // Where there is no jq, the suppressed one stays.
    let jq = Command::new("jq").arg("--version").output().is_ok();
    assert_eq!(results.len(), if jq { 1 } else { 2 }, "{results:#?}");
    let schema = serde_json::from_str(include_str!("schemas/sarif-2.1.0.json")).unwrap();
    jsonschema::validate(&schema, &log).unwrap();
}

#[test]
fn its_inputs_choose_what_is_linted_and_shown() {
    let folder = folder(&[("a/app.js", OPEN), ("b/app.js", OPEN), ("c/app.js", "")]);
    let Some((output, log)) = step(folder.path(), &[("SARIF", "false"), ("ANNOTATIONS", "false"), ("PATHS", "a c")])
    else {
        return;
    };
    assert_eq!((output.status.code(), log), (Some(1), None));
    assert!(stdout(&output).ends_with("1 error in 2 files (1 server, 1 analyzed)\n"), "{}", stdout(&output));
    let (output, log) = step(folder.path(), &[("ARGS", "--fail-on never --exclude b")]).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(log.unwrap()["runs"][0]["results"].as_array().unwrap().len(), 1);
    assert_eq!(step(folder.path(), &[("PATHS", "c")]).unwrap().0.status.code(), Some(0));
    assert_eq!(step(folder.path(), &[("PATHS", "")]).unwrap().0.status.code(), Some(1), "no path is the whole");
}

#[test]
fn inputs_are_never_run() {
    let folder = folder(&[("app.js", OPEN)]);
    write(folder.path(), "$(touch", "");
    for (name, value) in [("PATHS", "$(touch made)"), ("ARGS", "; touch made"), ("ARGS", "`touch made`")] {
        let Some((output, _)) = step(folder.path(), &[(name, value)]) else { return };
        assert_eq!(output.status.code(), Some(2), "{value}");
        assert!(!folder.path().join("made").exists(), "{value} was run");
    }
}
