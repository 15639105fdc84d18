//! Readers of the report that go away, and outputs that are full.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use super::{OPEN, RULE, corslint, folder, run, text};

#[cfg(unix)]
#[test]
fn readers_that_go_away_and_outputs_that_are_full() {
    let folder = folder(&[("app.js", OPEN)]);
    for format in ["human", "json", "sarif", "github", "junit"] {
        let mut child = corslint(folder.path())
            .args(["--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(1), ""), "{format}");
    }
    for args in [&["rules"][..], &["explain", RULE], &["policy"], &["--help"], &["completions", "bash"]] {
        let mut child =
            corslint(folder.path()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(!text(&output.stderr).contains("panicked"), "{args:?}: {}", text(&output.stderr));
        assert!(output.status.code().is_some_and(|code| code < 2), "{args:?}: {:?}", output.status);
    }
    for output in ["missing/report.json", "app.js/report.json", "."] {
        let ended = run(&folder, &["--output", output]);
        assert_eq!(ended.status.code(), Some(2), "{output}");
        assert!(text(&ended.stderr).contains("cannot be written"), "{output}: {}", text(&ended.stderr));
    }
    if Path::new("/dev/full").exists() {
        let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        for format in ["human", "json"] {
            let output = corslint(folder.path()).args(["--format", format]).stdout(full()).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{format}");
            assert!(text(&output.stderr).contains("standard output cannot be written"), "{}", text(&output.stderr));
        }
    }
    assert_eq!(fs::read_to_string(folder.path().join("app.js")).unwrap(), OPEN);
}
