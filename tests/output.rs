//! Where reports go, and what happens where they cannot.

mod common;

use std::fs;
use std::process::Stdio;

use common::program::{FORMATS, OPEN, RULE, corslint, folder, run, stderr, stdout};

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
    for args in [
        &["rules", "--format", "json"][..],
        &["rules"],
        &["explain", RULE],
        &["policy"],
        &["--help"],
        &["completions", "bash"],
    ] {
        let mut command = corslint(folder.path());
        let mut child = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn a_report_that_cannot_be_written_is_said_and_exits_with_2() {
    let folder = folder(&[("app.js", OPEN)]);
    for output in ["missing/report.json", "app.js/report.json", "."] {
        let ended = run(folder.path(), &["--output", output]);
        assert_eq!(ended.status.code(), Some(2), "{output}");
        assert!(stderr(&ended).contains("cannot be written"), "{output}: {}", stderr(&ended));
    }
    assert_eq!(fs::read_to_string(folder.path().join("app.js")).unwrap(), OPEN);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_exits_with_2() {
    let folder = folder(&[("app.js", OPEN)]);
    for (format, verdict) in FORMATS.into_iter().flat_map(|format| [(format, &["--exit-zero"][..]), (format, &[])]) {
        let args = [&["--format", format], verdict].concat();
        let output = run(folder.path(), &[&args[..], &["--output", "/dev/full"]].concat());
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""), "{args:?}");
        assert!(stderr(&output).starts_with("error: /dev/full cannot be written: "), "{}", stderr(&output));
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = corslint(folder.path()).args(&args).stdout(Stdio::from(full)).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).starts_with("error: standard output cannot be written: "), "{}", stderr(&output));
    }
    let output = run(folder.path(), &["--write-baseline", "/dev/full"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("error: /dev/full cannot be written: "), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn the_verdict_stands_when_nobody_reads_the_report() {
    let folder = folder(&[("app.js", OPEN)]);
    for (args, code) in [(&[][..], 1), (&["--exit-zero"], 0)] {
        for format in FORMATS {
            let mut command = corslint(folder.path());
            command.args(args).args(["--format", format]).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            drop(child.stdout.take());
            let output = child.wait_with_output().unwrap();
            assert_eq!((output.status.code(), stderr(&output)), (Some(code), ""), "{format}");
        }
    }
}

#[test]
fn a_report_to_a_file_is_the_one_that_is_printed() {
    let folder = folder(&[("app.js", OPEN)]);
    for format in FORMATS {
        let printed = run(folder.path(), &["--format", format]);
        let written = run(folder.path(), &["--format", format, "--output", "report"]);
        assert_eq!(written.status.code(), printed.status.code(), "{format}");
        assert_eq!(fs::read_to_string(folder.path().join("report")).unwrap(), stdout(&printed), "{format}");
        fs::remove_file(folder.path().join("report")).unwrap();
    }
}
