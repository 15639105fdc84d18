//! What wants to be shown: names and texts that steer terminals, logs and eyes.

use std::fs;

use serde_json::Value;

use super::{OPEN, RULE, corslint, folder, run, survives, text, write};

/// Names that steer terminals, GitHub's log, or the eye of the reader.
#[cfg(unix)]
#[test]
fn names_and_texts_steer_nothing() {
    const EVIL: &[&str] = &[
        "a\n::error file=x::y.js",
        "\n::stop-commands::x\n.js",
        "a%0A::error::b.js",
        "\u{1b}[2J\u{1b}]0;t\u{7}.js",
        "\u{202e}sj.ppa.js",
        "a\u{200b}\u{2066}\u{feff}.js",
        "a:b,c=d.js",
        "\r--help.js",
        "-rf.js",
        "a'\"`$(touch x)&<>].js",
        "\u{85}\u{9b}31m.js",
    ];
    let text = OPEN
        .replace("'/'", "'/\u{1b}[31m\u{202e}\u{9b}::error::%0A'")
        .replace("use(", "use( // \u{1b}[31m\u{202e}\r::error::x\n")
        + "\n// corslint: ignore[\u{1b}[31m\u{202e}%0A::error::x]\n";
    let folder = folder(&[("plain/nul\n::error::\u{1b}.js", "require('cors')\0")]);
    for name in EVIL {
        write(&folder, &format!("plain/{name}"), &text);
        write(&folder, &format!("{name}.d/x.js"), OPEN);
    }
    let report = survives(&folder);
    assert_eq!(report.rules().iter().filter(|rule| **rule == RULE).count(), 2 * EVIL.len());
    let steers = |letter: char| {
        letter != '\n' && letter.is_control()
            || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    for args in [
        &["--format", "human"][..],
        &["--format", "human", "--color", "never", "--verbose"],
        &["--format", "compact"],
        &["--format", "github"],
        &["policy"],
        &["simulate", "."],
        &["nowhere\n\u{1b}[31m"],
        &["--config", "plain/\u{202e}sj.ppa.js"],
        &["--select", "\u{1b}[31m"],
    ] {
        let output = run(&folder, args);
        for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let shown = super::text(bytes);
            let at = shown.find(steers);
            assert_eq!(at.map(|at| shown[at..].chars().take(20).collect::<String>()), None, "{args:?}: {stream}");
            if args.contains(&"github") {
                let lines = shown.lines();
                let commands = ["::error file=", "::warning file=", "::notice file="];
                assert!(
                    lines.clone().all(|line| commands.iter().any(|command| line.starts_with(command))),
                    "{:?}",
                    lines.collect::<Vec<_>>()
                );
                // What the input wrote as an escape is none any more: only corslint's own are decoded.
                assert!(stream == "stderr" || shown.contains("file=plain/a%250A%3A%3Aerror"), "{shown}");
            } else if args.contains(&"compact") {
                assert!(shown.lines().all(|line| !line.starts_with("::")));
            }
        }
    }
    for format in ["sarif", "gitlab"] {
        serde_json::from_slice::<Value>(&run(&folder, &["--format", format]).stdout).unwrap();
    }
    let raw = &["simulate", ".", "--server", "a:b,c=d.js.d/x.js", "--raw", "--url-path", "/\u{9b}", "--format", "json"];
    for args in [&["--format", "json"][..], &["--format", "sarif"], &["--format", "gitlab"], raw] {
        let shown = super::text(&run(&folder, args).stdout);
        serde_json::from_str::<Value>(&shown).unwrap();
        assert_eq!(shown.find(steers), None, "{args:?}");
    }
    let junit = super::text(&run(&folder, &["--format", "junit"]).stdout);
    assert!(!junit.contains('\u{1b}') && !junit.contains('\u{7}'), "XML 1.0 has no such characters");
}

#[cfg(unix)]
#[test]
fn names_that_are_no_unicode() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder(&[("app.js", OPEN)]);
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe\x80.js");
    fs::write(folder.path().join(name), OPEN).unwrap();
    assert_eq!(survives(&folder).rules(), [RULE; 2]);
    let output = corslint(folder.path()).arg(name).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let output = corslint(folder.path()).args(["--fix", "--unsafe-fixes"]).output().unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "{}", text(&output.stderr));
}
