//! Inputs that try to break it: each run ends, says what it could not read, and lets nothing of the input steer what
//! reads the output. Here is how a run is held to that; each kind of input is a file beside. Those of a size that nobody
//! writes are in `tests/extremes.rs`, what becomes of the report in `tests/output.rs`.

mod bytes;
mod depth;
mod files;
mod growth;
mod names;
mod patterns;
#[path = "../common/watched.rs"]
mod watched;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use watched::watched;

const OPEN: &str = "const app = require('express')();\napp.use(require('cors')({ origin: true, credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";

const FLASK: &str = "from flask import Flask\nfrom flask_cors import CORS\napp = Flask(__name__)\nCORS(app, origins='*', supports_credentials=True)\n@app.get('/')\ndef index():\n    return 'x'\n";

const NGINX: &str = "server {\n    listen 80;\n    add_header Access-Control-Allow-Origin null;\n}\n";
const RULE: &str = "reflected-origin-with-credentials";

fn folder<T: AsRef<[u8]>>(files: &[(&str, T)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(&folder, name, text);
    }
    folder
}

fn write(folder: &TempDir, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn corslint(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corslint"));
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

/// A run that is held to its bounds.
#[track_caller]
fn run(folder: &TempDir, args: &[&str]) -> Output {
    watched(corslint(folder.path()).args(args))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8 whatever was read")
}

/// What a run reported.
struct Report {
    json: Value,
}

impl Report {
    fn rules(&self) -> Vec<&str> {
        let findings = self.json["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
    }

    /// The findings with the lines where they stand.
    fn places(&self) -> Vec<(&str, &str, u64)> {
        let findings = self.json["findings"].as_array().unwrap().iter();
        findings
            .map(|finding| {
                let place = &finding["location"];
                let rule = finding["rule"].as_str().unwrap();
                (place["path"].as_str().unwrap(), rule, place["start"]["line"].as_u64().unwrap())
            })
            .collect()
    }

    fn problems(&self) -> Vec<(&str, &str)> {
        let problems = self.json["problems"].as_array().unwrap();
        problems
            .iter()
            .map(|problem| (problem["path"].as_str().unwrap_or_default(), problem["kind"].as_str().unwrap()))
            .collect()
    }
}

/// Lints a folder and holds the run to what every run promises: it ends with a documented code, writes a report that
/// can be read, and did not fail inside.
#[track_caller]
fn survives(folder: &TempDir) -> Report {
    let output = run(folder, &["--format", "json", "--fail-on", "note"]);
    let json: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {:?} {}", output.status, text(&output.stderr)));
    let report = Report { json };
    let expected = i32::from(!report.rules().is_empty());
    assert_eq!(output.status.code(), Some(expected), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    assert!(report.problems().iter().all(|(_, kind)| *kind != "internal-error"), "{:?}", report.problems());
    // The other commands read the same files in other ways.
    for args in [&["policy"][..], &["--format", "human"], &["--diff", "--unsafe-fixes"]] {
        let output = run(folder, args);
        let code = output.status.code();
        assert!(code == Some(0) || code == Some(1), "{args:?}: {code:?} {}", text(&output.stderr));
        assert!(!text(&output.stdout).contains("internal-error"), "{args:?}: {}", text(&output.stdout));
    }
    report
}
