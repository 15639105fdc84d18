//! What stands where a file is expected: links, pipes, devices.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::{FLASK, OPEN, RULE, Report, corslint, folder, run, survives, text, watched::watched, write};

#[cfg(unix)]
#[test]
fn links_lead_in_no_circle_and_not_out() {
    use std::os::unix::fs::symlink;
    let outside = folder(&[
        ("secret.js", "module.exports = { origin: true, credentials: true };\n"),
        (".env", "ORIGIN=https://secret.example\n"),
        (
            "secret.conf",
            "add_header Access-Control-Allow-Origin $http_origin;\nadd_header Access-Control-Allow-Credentials true;\n",
        ),
        ("tree/app.js", OPEN),
    ]);
    let folder = folder(&[
        (".git/HEAD", ""),
        ("app.js", &*OPEN.replace("{ origin: true, credentials: true }", "require('./options')")),
        ("env.js", &OPEN.replace("true,", "process.env.ORIGIN,")),
        ("nginx.conf", "server {\n    location / {\n        include cors.conf;\n        return 200;\n    }\n}\n"),
        ("up.js", &OPEN.replace("{ origin: true, credentials: true }", "require('../../../../../../../etc/passwd')")),
    ]);
    let link = |to: &Path, name: &str| symlink(to, folder.path().join(name)).unwrap();
    link(&outside.path().join("secret.js"), "options.js");
    link(&outside.path().join(".env"), ".env");
    link(&outside.path().join("secret.conf"), "cors.conf");
    link(&outside.path().join("tree"), "tree");
    link(Path::new("."), "here");
    link(Path::new(".."), "up");
    link(Path::new("loop.js"), "loop.js");
    link(Path::new("nowhere"), "gone.js");
    link(Path::new("/dev/zero"), "requirements.txt");
    link(Path::new("/dev/zero"), "package.json");
    let report = survives(&folder);
    assert_eq!(report.rules(), Vec::<&str>::new(), "what lies outside is not read");
    for args in [&["."][..], &["policy"]] {
        let output = run(&folder, args);
        assert!(!text(&output.stdout).contains("secret.example"), "{args:?}: {}", text(&output.stdout));
    }
    for (name, kind) in [("loop.js", "unreadable"), ("gone.js", "unreadable")] {
        let output = run(&folder, &[name, "--format", "json"]);
        let report = Report { json: serde_json::from_slice(&output.stdout).unwrap() };
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(report.problems(), [(name, kind)]);
        assert_eq!(run(&folder, &[name, "--strict"]).status.code(), Some(2));
    }
}

/// A pipe where a file is expected: opening it waits for a writer who never comes.
#[cfg(unix)]
#[test]
fn pipes_are_no_files() {
    let folder = folder(&[("app.js", OPEN.replace("true,", "process.env.ORIGIN,")), ("app.py", FLASK.to_owned())]);
    write(
        &folder,
        "nginx.conf",
        "http { include waits.conf; server { listen 80; add_header Access-Control-Allow-Origin *; } }",
    );
    let names = [
        ".env",
        "package.json",
        "package-lock.json",
        "tsconfig.json",
        "requirements.txt",
        "pyproject.toml",
        "pnpm-workspace.yaml",
    ];
    for name in names.iter().chain(&["waits.conf", "docker-compose.yml", "compose.yaml", "other.js"]) {
        assert!(Command::new("mkfifo").arg(folder.path().join(name)).status().unwrap().success());
    }
    let Output { status, stdout, .. } = run(&folder, &["--format", "json"]);
    assert!(status.code().is_some_and(|code| code < 2), "it waits: {status:?}");
    serde_json::from_slice::<Value>(&stdout).unwrap();
}

/// What `.gitignore` and its like may be, and where they stand.
#[cfg(unix)]
#[test]
fn ignore_files_that_never_end_hide_nothing() {
    let (plain, large) = ("app.js", format!("app.js\n{}", "x\n".repeat(1_500_000)));
    for (name, link) in [
        (".gitignore", None),
        (".ignore", None),
        ("a/.gitignore", None),
        ("a/b/.ignore", Some("/dev/zero")),
        ("a/.git/info/exclude", None),
        ("a/.gitignore", Some("/dev/zero")),
        ("a/.gitignore", Some("large")),
    ] {
        let folder = folder(&[("a/app.js", OPEN), ("a/b/app.js", OPEN), ("c/app.js", OPEN), ("large", &large)]);
        // What an ignore file that can be read leaves out stays out.
        write(&folder, "c/.gitignore", plain);
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match link {
            Some("large") => fs::copy(folder.path().join("large"), &path).map(drop).unwrap(),
            Some(to) => std::os::unix::fs::symlink(to, &path).unwrap(),
            None => assert!(Command::new("mkfifo").arg(&path).status().unwrap().success()),
        }
        write(&folder, "node_modules/app.js", OPEN);
        assert!(Command::new("mkfifo").arg(folder.path().join("node_modules/.gitignore")).status().unwrap().success());
        let output = run(&folder, &["--format", "json"]);
        let report = Report { json: serde_json::from_slice(&output.stdout).unwrap() };
        // Where it stands at the top, nothing below is left out for any.
        let count = if name.contains('/') { 2 } else { 3 };
        assert_eq!(report.rules(), vec![RULE; count], "{name} {link:?}");
        assert_eq!(report.problems(), [(name, "unreadable")], "{name} {link:?}");
        let inside = folder.path().join("a/b");
        let output = watched(corslint(&inside).args(["--format", "json"]));
        assert_eq!(output.status.code(), Some(1), "{name} {link:?}");
        let output = run(&folder, &["--no-ignore", "--format", "json"]);
        let report = Report { json: serde_json::from_slice(&output.stdout).unwrap() };
        assert_eq!((report.rules(), report.problems()), (vec![RULE; 3], vec![]), "{name} {link:?}");
    }
}
