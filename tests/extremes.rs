//! Inputs of a size, a depth or a number that nobody writes, and files that change under the run: each run ends, within
//! bounds of memory and of a slow machine's time, and says what it did not read.

#[path = "common/watched.rs"]
mod watched;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use watched::watched;

const OPEN: &str = "const app = require('express')();\napp.use(require('cors')({ origin: true, credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";
const FLASK: &str = "from flask import Flask\nfrom flask_cors import CORS\napp = Flask(__name__)\nCORS(app, origins='*', supports_credentials=True)\n";
const RULE: &str = "reflected-origin-with-credentials";

struct Ran {
    output: Output,
    json: Value,
}

impl Ran {
    fn rules(&self) -> Vec<&str> {
        let findings = self.json["findings"].as_array().unwrap().iter();
        findings.map(|finding| finding["rule"].as_str().unwrap()).collect()
    }

    fn problems(&self) -> Vec<(&str, &str)> {
        let problems = self.json["problems"].as_array().unwrap().iter();
        problems.map(|one| (one["path"].as_str().unwrap(), one["kind"].as_str().unwrap())).collect()
    }
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn corslint(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corslint"));
    command.env_clear().current_dir(folder).args(args).stdin(Stdio::null());
    command
}

/// Lints a folder, and holds the run to its bounds.
#[track_caller]
fn bounded(folder: &Path, args: &[&str]) -> Ran {
    let output = watched(&mut corslint(folder, &[&["--format", "json"], args].concat()));
    assert!(output.status.code().is_some_and(|code| code < 2), "{output:?}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ran = Ran { output, json };
    assert!(ran.problems().iter().all(|(_, kind)| *kind != "internal-error"), "{:?}", ran.problems());
    ran
}

#[test]
fn files_of_a_hundred_megabytes_are_told_where_they_set_cors() {
    let folder = TempDir::new().unwrap();
    let large = |name: &str, begin: &str, line: &str, end: &str| {
        write(folder.path(), name, format!("{begin}{}{end}", line.repeat((100 << 20) / line.len())));
    };
    large("behind.js", "", "// a line of filler\n", OPEN);
    large("before.py", FLASK, "# a line of filler\n", "");
    large(
        "site.conf",
        "server {\nlisten 80;\nadd_header Access-Control-Allow-Origin null;\n",
        "location /a { }\n",
        "}\n",
    );
    large("other.js", "", "// a line of filler\n", "");
    large("package.json", "{\"a\":[", "1,\n", "1]}");
    large(".env", "", "ORIGIN=https://app.example.com\n", "");
    large("requirements.txt", "", "flask\n", "");
    write(folder.path(), "app.js", OPEN.replace("true,", "process.env.ORIGIN,"));
    write(folder.path(), "good.js", OPEN);
    let ran = bounded(folder.path(), &[]);
    assert_eq!(ran.rules(), [RULE]);
    let told = ran.problems();
    assert!(told.contains(&("behind.js", "file-too-large")), "{told:?}");
    assert!(told.contains(&("before.py", "file-too-large")), "{told:?}");
    assert!(told.contains(&("site.conf", "file-too-large")), "{told:?}");
    // What a server runs with is told too: its package's manifest, its variables.
    assert!(told.contains(&("package.json", "file-too-large")), "{told:?}");
    assert!(told.contains(&(".env", "file-too-large")), "{told:?}");
    assert!(!told.iter().any(|(name, _)| *name == "other.js"), "{told:?}");
}

#[test]
fn a_line_of_fifty_megabytes() {
    let folder = TempDir::new().unwrap();
    let line = "x".repeat(50 << 20);
    write(folder.path(), "good.js", OPEN);
    write(folder.path(), "line.py", format!("{FLASK}x = '{line}'\n"));
    write(folder.path(), "line.js", format!("{} //{line}", OPEN.replace('\n', " ")));
    write(folder.path(), "nginx.conf", format!("add_header Access-Control-Allow-Origin {line};"));
    assert_eq!(bounded(folder.path(), &[]).rules(), [RULE]);
    for name in ["line.js", "line.py", "nginx.conf"] {
        assert_eq!(bounded(folder.path(), &[name]).problems(), [(name, "file-too-large")]);
    }
}

#[test]
fn a_hundred_thousand_levels_in_every_language() {
    const LEVELS: usize = 100_000;
    // Many lines: what is one long line is taken for minified.
    let deep = |open: &str, close: &str| {
        let lines = |text: &str| format!("{text}\n").repeat(LEVELS);
        format!("{}1{}", lines(open), lines(close))
    };
    let json = deep("[", "]");
    let (arrays, calls) = (deep("[", "]"), deep("f(", ")"));
    for (name, text) in [
        ("deep.js", format!("require('cors');\nx = {arrays};\n")),
        ("blocks.mjs", format!("import cors from 'cors';\n{}", deep("if (a) {", "}"))),
        ("open.cjs", format!("require('cors');\n{}", "(\n".repeat(LEVELS))),
        ("deep.ts", format!("import cors from 'cors';\nconst x = {calls};\n")),
        ("types.ts", format!("import cors from 'cors';\ntype T = {};\n", deep("Array<", ">"))),
        ("deep.tsx", format!("import cors from 'cors';\nconst x = {};\n", deep("<a>", "</a>"))),
        ("deep.py", format!("import flask_cors\nx = {arrays}\n")),
        ("calls.py", format!("import flask_cors\nx = {calls}\n")),
        ("open.py", format!("import flask_cors\n{}", "{\n".repeat(LEVELS))),
        (
            "nginx.conf",
            format!("add_header Access-Control-Allow-Origin *;\n{}", deep("location / {", "}").replace('1', "")),
        ),
        ("open.conf", format!("add_header Access-Control-Allow-Origin *;\n{}", "location / {\n".repeat(LEVELS))),
        ("package.json", json.clone()),
        ("tsconfig.json", json.clone()),
        ("settings.json", json.clone()),
        ("deploy.yaml", format!("kind: Ingress\nx: {json}\n")),
        ("compose.yaml", format!("services: {json}\n")),
        ("lists.yaml", format!("kind: ConfigMap\n{}\n", "- ".repeat(LEVELS))),
        ("pyproject.toml", format!("x = {json}\n")),
        ("Pipfile", format!("[{}a]\n", "a.".repeat(LEVELS))),
        (".env", format!("ORIGIN={}\n", "${A:-".repeat(LEVELS))),
    ] {
        let folder = TempDir::new().unwrap();
        write(folder.path(), name, text);
        write(folder.path(), "good/app.js", OPEN.replace("'x'", "require('../settings.json').a ?? process.env.ORIGIN"));
        let ran = bounded(folder.path(), &[]);
        assert!(ran.rules().contains(&RULE), "{name} hides the other file: {:?}", ran.problems());
        // Elements of a page are no values: nothing of them is read, and nothing lost.
        if ["js", "mjs", "cjs", "ts", "py"].iter().any(|end| name.ends_with(&format!(".{end}"))) {
            assert_eq!(ran.problems(), [(name, "nested-too-deeply")]);
        }
    }
}

#[test]
fn thousands_of_locations_cost_what_they_are() {
    const HEADER: &str = "add_header Access-Control-Allow-Origin $http_origin always;";
    let location = |number: usize| match number % 4 {
        0 => format!("  location = /p{number} {{ {HEADER} return 204; }}\n"),
        1 => format!("  location /p{number}/ {{ {HEADER} proxy_pass http://127.0.0.1:3000; }}\n"),
        2 => format!("  location ~ ^/p{number}/ {{ {HEADER} proxy_pass http://app/; }}\n"),
        _ => format!("  location /p{number} {{ {HEADER} root /srv; try_files $uri =404; }}\n"),
    };
    let folder = TempDir::new().unwrap();
    let text = |count: usize| format!("server {{\n{}}}\n", (0..count).map(location).collect::<String>());
    write(folder.path(), "site.conf", text(4_000));
    let ran = bounded(folder.path(), &[]);
    assert!(ran.rules().contains(&"reflected-origin"), "{:?}", ran.rules());
    assert_eq!(ran.problems(), [("site.conf", "budget-spent")], "what was not looked at is told");
}

#[test]
fn ten_thousand_server_blocks_on_one_port() {
    let folder = TempDir::new().unwrap();
    let server = |at: usize| {
        let header = "add_header Access-Control-Allow-Origin null;";
        format!("server {{ listen 80; server_name s{at}.example.com; {header} location / {{ return 200; }} }}\n")
    };
    write(folder.path(), "site.conf", (0..10_000).map(server).collect::<String>());
    let ran = bounded(folder.path(), &[]);
    assert!(ran.rules().contains(&"null-origin"), "{:?}", ran.rules());
    let told = ran.problems();
    assert!(told.contains(&("site.conf", "budget-spent")), "what was not looked at is told: {told:?}");
}

/// Every language: what is looked at is told of, and what is not is told as not.
#[test]
fn a_hundred_thousand_routes() {
    const ROUTES: usize = 100_000;
    // A file holds two megabytes.
    const PARTS: usize = 4;
    let parts = |text: &dyn Fn(usize) -> String| -> Vec<String> {
        let part = |part: usize| (0..ROUTES / PARTS).map(|at| text(part * ROUTES / PARTS + at)).collect();
        (0..PARTS).map(part).collect()
    };
    let express = TempDir::new().unwrap();
    let mut app = OPEN.replace("app.listen(3000);\n", "const answer = (req, res) => res.end();\n");
    for (part, routes) in parts(&|at| format!("r.get('/{at}', f)\n")).into_iter().enumerate() {
        let begin = "const r = require('express').Router()\nconst f = (req, res) => res.end()\n";
        write(express.path(), &format!("part{part}.js"), format!("{begin}{routes}module.exports = r\n"));
        app.push_str(&format!("app.use(require('./part{part}'));\n"));
    }
    write(express.path(), "app.js", app + "app.listen(3000);\n");

    let flask = TempDir::new().unwrap();
    let mut app = FLASK.to_owned();
    for (part, routes) in parts(&|at| format!("b.add_url_rule('/{at}', '{at}', f)\n")).into_iter().enumerate() {
        let begin =
            format!("from flask import Blueprint\nb = Blueprint('b{part}', __name__)\ndef f():\n    return ''\n");
        write(flask.path(), &format!("part{part}.py"), begin + &routes);
        app.push_str(&format!("import part{part}\napp.register_blueprint(part{part}.b)\n"));
    }
    write(flask.path(), "app.py", app);

    let nginx = TempDir::new().unwrap();
    const HEADER: &str = "add_header Access-Control-Allow-Origin $http_origin;\n";
    let mut site = format!("server {{\n{HEADER}");
    for (part, locations) in parts(&|at| format!("location /{at} {{}}\n")).into_iter().enumerate() {
        write(nginx.path(), &format!("part{part}.conf"), locations);
        site.push_str(&format!("include part{part}.conf;\n"));
    }
    write(nginx.path(), "nginx.conf", format!("events {{}}\nhttp {{\n{site}}}\n}}\n"));

    for (folder, told, rule) in
        [(&express, "part0.js", RULE), (&flask, "part0.py", RULE), (&nginx, "nginx.conf", "reflected-origin")]
    {
        let ran = bounded(folder.path(), &[]);
        assert!(ran.rules().contains(&rule), "{told}: {:?} {:?}", ran.rules(), ran.problems());
        assert!(ran.problems().contains(&(told, "budget-spent")), "{told}: {:?}", ran.problems());
    }
}

#[test]
fn ten_thousand_files_in_a_circle() {
    const FILES: usize = 10_000;
    type Module = fn(usize) -> String;
    let circles: [(&str, Module); 3] = [
        ("js", |next| {
            format!(
                "const next = require('./f{next}');\nconst app = require('express')();\napp.use(require('cors')({{ origin: next.origin }}));\napp.use(next.app);\nmodule.exports = {{ app, origin: next.origin }};\n"
            )
        }),
        ("py", |next| {
            format!(
                "from f{next} import *\nfrom flask import Flask\nfrom flask_cors import CORS\napp = Flask(__name__)\nCORS(app, origins=origins)\n"
            )
        }),
        ("conf", |next| format!("include f{next}.conf;\nadd_header Access-Control-Allow-Origin *;\n")),
    ];
    for (ending, text) in circles {
        let folder = TempDir::new().unwrap();
        for at in 0..FILES {
            fs::write(folder.path().join(format!("f{at}.{ending}")), text((at + 1) % FILES)).unwrap();
        }
        write(folder.path(), "good/app.js", OPEN);
        let ran = bounded(folder.path(), &[]);
        assert!(ran.rules().contains(&RULE), "{ending}: {:?}", ran.problems());
        let spent = ran.problems().iter().any(|(_, kind)| *kind == "budget-spent");
        assert!(spent || ending == "conf", "what was left out is told: {ending}: {:?}", ran.problems());
    }
}

/// A command of somebody who may not read everything, though the tests may: as root they run it as nobody. `place` holds the
/// copy of the program that nobody may run, wherever the tests were built.
#[cfg(unix)]
fn of_nobody(place: &Path, folder: &Path, args: &[&str]) -> Command {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    const ROOT: u32 = 0;
    const NOBODY: u32 = 65_534;
    let mut command = corslint(folder, args);
    if fs::metadata(folder).unwrap().uid() == ROOT {
        let program = place.join("corslint");
        fs::copy(command.get_program(), &program).unwrap();
        for path in [place, folder, &program] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        command = Command::new(program);
        command.env_clear().current_dir(folder).args(args).uid(NOBODY).gid(NOBODY);
    }
    command
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let (place, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let names = ["good.js", "secret.js", "secret.conf", "closed/app.js", "package.json", "uses/app.js", "uses/.env"];
    for name in names {
        write(folder.path(), name, if name == "package.json" { "{}" } else { OPEN });
    }
    write(folder.path(), "uses/app.js", OPEN.replace("true,", "process.env.ORIGIN,"));
    let set = |name: &str, mode: u32| {
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let closed = ["secret.js", "secret.conf", "closed", "package.json", "uses/.env"];
    closed.iter().for_each(|name| set(name, 0));
    let output = of_nobody(place.path(), folder.path(), &["--format", "json"]).output().unwrap();
    let strict = of_nobody(place.path(), folder.path(), &["--strict"]).output().unwrap();
    set("closed", 0o700);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(strict.status.code(), Some(2), "{strict:?}");
    let json = serde_json::from_slice(&output.stdout).unwrap();
    let ran = Ran { output, json };
    assert_eq!(ran.rules(), [RULE]);
    let mut told: Vec<(&str, &str)> = closed.iter().map(|name| (*name, "unreadable")).collect();
    told.sort_unstable();
    assert_eq!(ran.problems(), told);
}

#[test]
fn files_that_grow_and_vanish_meanwhile() {
    let folder = TempDir::new().unwrap();
    for at in 0..400 {
        write(folder.path(), &format!("d{at}/app.js"), OPEN);
    }
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let path = folder.path().to_owned();
    let changing = std::thread::spawn(move || {
        for at in (0..400).cycle() {
            let file = path.join(format!("d{at}/app.js"));
            match at % 3 {
                0 => drop(fs::remove_file(&file)),
                // Not for ever: on a slow machine it would be a test of hundreds of megabytes.
                1 if fs::metadata(&file).is_ok_and(|metadata| metadata.len() < 50_000) => {
                    drop(fs::OpenOptions::new().append(true).open(&file).map(|mut file| file.write_all(&[b'\n'; 4096])))
                }
                1 => drop(fs::write(&file, OPEN)),
                _ => drop(fs::write(&file, "")),
            }
            if stopped.try_recv() != Err(std::sync::mpsc::TryRecvError::Empty) {
                return;
            }
        }
    });
    for _ in 0..5 {
        let ran = bounded(folder.path(), &[]);
        assert!(ran.output.stderr.is_empty());
        let known = ["unreadable", "file-too-large"];
        assert!(ran.problems().iter().all(|(_, kind)| known.contains(kind)), "{:?}", ran.problems());
    }
    drop(stop);
    changing.join().unwrap();
}

/// A command that SIGINT ends, also where the tests run in the background of a shell, whose children ignore it.
#[cfg(target_os = "linux")]
fn interruptible(folder: &Path, args: &[&str]) -> Command {
    let inner = corslint(folder, args);
    let mut command = Command::new("env");
    command.env_clear().current_dir(folder).arg("--default-signal=INT").arg(inner.get_program()).args(inner.get_args());
    command
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_run_leaves_the_report_as_it_was() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "report.json", "as it was");
    // It waits for the rest of its input for as long as that is open: the signal always comes in mid-run.
    let mut child = interruptible(folder.path(), &["--output", "report.json", "--stdin-filename", "app.js", "-"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(OPEN.as_bytes()).unwrap();
    interrupt(child);
    assert_eq!(fs::read_to_string(folder.path().join("report.json")).unwrap(), "as it was");
}

/// Sends SIGINT and holds the end to what every program's end by it looks like.
#[cfg(target_os = "linux")]
#[track_caller]
fn interrupt(mut child: std::process::Child) {
    use std::os::unix::process::ExitStatusExt;
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().signal(), Some(2));
}

/// The signal comes while servers are evaluated: their thread is there, and thousands of routes keep it busy for longer than
/// it takes to look.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_is_interrupted_in_the_middle_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let routes: String = (0..25_000).map(|at| format!("app.get('/{at}', (req, res) => res.end());\n")).collect();
    for server in 0..4 {
        let text = OPEN.replace("app.listen", &format!("{routes}app.listen"));
        write(folder.path(), &format!("s{server}/app.js"), text);
    }
    write(folder.path(), "report.json", "as it was");
    let child = interruptible(folder.path(), &["--output", "report.json", "--fix", "--unsafe-fixes"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let tasks = format!("/proc/{}/task", child.id());
    let is_evaluating = || {
        let mut tasks = fs::read_dir(&tasks).unwrap().flatten();
        tasks.any(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name == "analysis\n"))
    };
    while !is_evaluating() {
        std::thread::yield_now();
    }
    interrupt(child);
    assert_eq!(fs::read_to_string(folder.path().join("report.json")).unwrap(), "as it was");
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["report.json", "s0", "s1", "s2", "s3"]);
    let text = fs::read_to_string(folder.path().join("s0/app.js")).unwrap();
    assert!(text.starts_with(OPEN.lines().next().unwrap()) && text.contains("credentials: true"));
}

/// The report is the same, byte for byte, however many threads read.
#[test]
fn threads_change_nothing() {
    let folder = TempDir::new().unwrap();
    for at in 0..120 {
        let (js, py) = (format!("p{at}/app.js"), format!("p{at}/main.py"));
        write(folder.path(), &js, OPEN.replace("3000", &format!("{}", 3000 + at)));
        write(folder.path(), &py, format!("{FLASK}import m{at}\n"));
        write(
            folder.path(),
            &format!("p{at}/nginx.conf"),
            format!(
                "server {{ listen 80; location / {{ add_header Access-Control-Allow-Origin null; proxy_pass http://127.0.0.1:{}; }} }}",
                3000 + at
            ),
        );
        write(folder.path(), &format!("p{at}/bad.js"), "require('cors')(\n");
    }
    let report = |threads: &str, format: &str| {
        let output = corslint(folder.path(), &["--threads", threads, "--format", format]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        output.stdout
    };
    for format in ["json", "human", "sarif"] {
        let one = report("1", format);
        for threads in ["2", "7", "16"] {
            assert!(report(threads, format) == one, "{format} with {threads} threads");
        }
    }
    let policy = |threads: &str| corslint(folder.path(), &["policy", "--threads", threads]).output().unwrap().stdout;
    let one = policy("1");
    assert!(one.starts_with(b"server p0/app.js:1 "), "servers stand in the order of their paths");
    for threads in ["2", "7", "16"] {
        assert!(policy(threads) == one, "the policy with {threads} threads");
    }
}
