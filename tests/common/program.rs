//! The program as its users run it: in a folder, with arguments.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// An Express server that lets everybody read with cookies.
pub const OPEN: &str = "const app = require('express')();\napp.use(require('cors')({ origin: true, credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";

/// What `OPEN` is found for.
pub const RULE: &str = "reflected-origin-with-credentials";

/// Every `--format`.
pub const FORMATS: [&str; 7] = ["human", "compact", "json", "sarif", "github", "gitlab", "junit"];

/// A folder with these files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

/// Writes a file into a folder, with the folders above it.
pub fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The program in a folder, with nothing of the caller's environment.
pub fn corslint(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corslint"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

/// What the program says in a folder.
pub fn run(folder: &Path, args: &[&str]) -> Output {
    corslint(folder).args(args).output().unwrap()
}

/// What it says of a text on its standard input.
pub fn run_with(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut child = corslint(folder)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

pub fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

/// The JSON report of a run.
pub fn report(folder: &Path, args: &[&str]) -> serde_json::Value {
    json(&run(folder, &[args, &["--format", "json"]].concat()))
}

/// The rules of a report's findings, in its order.
pub fn rules(report: &serde_json::Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
}
