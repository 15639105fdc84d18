//! Inputs that try to break it: each run ends, says what it could not read, and lets nothing of the input steer what
//! reads the output.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

const OPEN: &str = "const app = require('express')();\napp.use(require('cors')({ origin: true, credentials: true }));\napp.get('/', (req, res) => res.send('x'));\napp.listen(3000);\n";
const FLASK: &str = "from flask import Flask\nfrom flask_cors import CORS\napp = Flask(__name__)\nCORS(app, origins='*', supports_credentials=True)\n@app.get('/')\ndef index():\n    return 'x'\n";
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

fn run(folder: &TempDir, args: &[&str]) -> Output {
    corslint(folder.path()).args(args).output().unwrap()
}

/// Runs a command that may wait for ever: it has the time of a slow machine, and is ended then.
fn ended(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let id = child.id();
    let guard = std::thread::spawn(move || {
        if ended.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").arg(id.to_string()).status();
        }
    });
    let output = child.wait_with_output().unwrap();
    drop(done);
    guard.join().unwrap();
    output
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

#[test]
fn bytes_that_are_no_text_are_told_and_hide_no_other_file() {
    let utf16: Vec<u8> = OPEN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut invalid = OPEN.as_bytes().to_vec();
    invalid.splice(0..0, b"// \xff\xfe\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80\n".iter().copied());
    let folder = folder(&[
        ("good.js", OPEN.as_bytes().to_vec()),
        ("nul.js", [OPEN.as_bytes(), b"\0"].concat()),
        ("utf16.js", [&[0xff, 0xfe][..], &utf16].concat()),
        ("invalid.js", invalid),
        ("nul.py", [FLASK.as_bytes(), b"\0"].concat()),
    ]);
    let report = survives(&folder);
    assert_eq!(report.rules().iter().filter(|rule| **rule == RULE).count(), 2, "{:?}", report.rules());
    for name in ["nul.js", "nul.py"] {
        assert!(report.problems().contains(&(name, "binary-file")), "{name}: {:?}", report.problems());
    }
}

#[test]
fn marks_and_line_ends_move_no_place() {
    let lines = |end: &str| OPEN.replace('\n', end);
    for (name, text, line) in [
        ("bom.js", format!("\u{feff}{OPEN}"), 2),
        ("crlf.js", lines("\r\n"), 2),
        ("mixed.js", OPEN.replacen('\n', "\r\n", 1), 2),
        ("no_end.js", OPEN.trim_end().to_owned(), 2),
        ("wide.js", format!("/* 𝒜é\u{301}\u{200d} */{OPEN}"), 2),
    ] {
        let folder = folder(&[(name, &text)]);
        let report = survives(&folder);
        assert_eq!(report.rules(), [RULE], "{name}");
        let location = &report.json["findings"][0]["location"];
        assert_eq!(location["start"]["line"], line, "{name}");
        let (start, end) = (&location["start"]["offset"], &location["end"]["offset"]);
        let place = start.as_u64().unwrap() as usize..end.as_u64().unwrap() as usize;
        assert_eq!(&text[place], "true", "{name}");
        let output = run(&folder, &["--fix", "--unsafe-fixes"]);
        assert!(output.status.code().is_some_and(|code| code < 2), "{name}: {}", self::text(&output.stderr));
        let fixed = fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(fixed.starts_with('\u{feff}'), text.starts_with('\u{feff}'), "{name}");
        assert_eq!(fixed.contains("\r\n"), text.contains("\r\n"), "{name}");
    }
    // A lone carriage return ends a line in JavaScript.
    survives(&folder(&[("cr.js", lines("\r")), ("cr.py", FLASK.replace('\n', "\r"))]));
}

#[test]
fn files_and_lines_of_any_length() {
    let long = "x".repeat(300_000);
    let folder = folder(&[
        ("large.js", format!("{OPEN}{}", "// filler, a line of it\n".repeat(100_000))),
        ("line.js", OPEN.replace('\n', " ") + "// " + &long),
        ("name.py", FLASK.replace("index", &long)),
        ("value.conf", format!("server {{ listen 80; add_header Access-Control-Allow-Origin \"{long}\"; }}")),
        ("package.json", format!("{{\"dependencies\":{{{}\"cors\":\"2.8.5\"}}}}", "\"a\":\"1\",".repeat(400_000))),
        (".env", format!("A={long}\n")),
        ("empty.js", String::new()),
    ]);
    let report = survives(&folder);
    assert!(report.problems().contains(&("large.js", "file-too-large")), "{:?}", report.problems());
}

#[test]
fn nesting_in_every_language() {
    let deep = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(3_000), close.repeat(3_000));
    for (name, text) in [
        ("calls.js", format!("{OPEN}app.use({});", deep("f(", "a", ")"))),
        ("arrays.js", format!("const x = {};\n{}", deep("[", "1", "]"), OPEN.replace("true,", "x,"))),
        ("functions.js", format!("{OPEN}{}", deep("app.use((req, res) => { ", "", " });"))),
        (
            "branches.js",
            OPEN.replace("res.send('x')", &format!("{{{}}}", deep("if (req.query.a) {", "res.send('x')", "}"))),
        ),
        ("types.ts", format!("type T = {};\n{OPEN}", deep("Array<", "string", ">"))),
        ("chain.ts", format!("{OPEN}app{};", ".use(cors())".repeat(3_000))),
        ("sum.js", OPEN.replace("origin: true", &format!("origin: 'a'{}", " + 'b'".repeat(3_000)))),
        ("lists.py", FLASK.replace("'*'", &deep("[", "'*'", "]"))),
        ("calls.py", FLASK.replace("'*'", &deep("f(", "'*'", ")"))),
        (
            "blocks.py",
            FLASK.replace(
                "    return 'x'",
                &(1..400).map(|level| format!("{}if index:\n", " ".repeat(level))).collect::<String>(),
            ),
        ),
        (
            "locations.conf",
            format!(
                "http {{ server {{ listen 80; {} }} }}",
                deep("location /a {", "add_header Access-Control-Allow-Origin *;", "}")
            ),
        ),
        ("tsconfig.json", deep("[", "", "]")),
        ("package.json", format!("{{\"workspaces\":{}}}", deep("[", "", "]"))),
    ] {
        let folder = folder(&[("app.js", OPEN), (name, &text)]);
        let report = survives(&folder);
        assert!(report.rules().contains(&RULE), "{name} hides the other file");
    }
}

#[test]
fn circles_of_imports_and_includes() {
    let folder = folder(&[
        ("a.js", &*format!("const b = require('./b');\n{OPEN}module.exports = {{ app, ...b }};\n")),
        ("b.js", "const a = require('./a');\na.app.use(require('./b'));\nmodule.exports = { ...a, a };\n"),
        (
            "self.mjs",
            "import * as self from './self.mjs';\nimport express from 'express';\nimport cors from 'cors';\nexport * from './self.mjs';\nexport const app = express();\napp.use(app);\napp.use(cors(self.options));\n",
        ),
        ("p/__init__.py", "from .q import *\nfrom flask import Flask\nfrom flask_cors import CORS\n"),
        (
            "p/q.py",
            "from . import *\nfrom .q import app\nfrom p import q\napp = Flask(__name__)\nCORS(app, origins=q.origins)\n",
        ),
        (
            "nginx.conf",
            "http { include loop/*.conf; include nginx.conf; server { listen 80; add_header Access-Control-Allow-Origin *; } }",
        ),
        ("loop/a.conf", "include b.conf; include loop/b.conf; server { listen 81; include nginx.conf; }"),
        ("loop/b.conf", "include a.conf; include loop/*.conf; add_header Access-Control-Allow-Credentials true;"),
        (
            "f.js",
            "const app = require('express')();\nconst cors = require('cors');\nconst f = (x) => g(x);\nconst g = (x) => f([x]);\napp.use(cors({ origin: f('a') }));\nconst l = []; l.push(l, l); app.use(l); app.use(cors({ origin: l, methods: l })); app.use(cors({ origin: l.flat(Infinity) }));\nlet o = {}; o.o = o; app.use(cors(o)); app.use(cors(o.o.o));\napp.listen(1);\n",
        ),
        (
            "g.py",
            "from flask import Flask\nfrom flask_cors import CORS\napp = Flask(__name__)\ndef f(x): return f(f(x))\na = []\na.append(a)\nCORS(app, origins=f(a), resources=a)\n",
        ),
    ]);
    survives(&folder);
}

#[test]
fn growth_that_never_ends() {
    let doubled =
        |name: &str| (0..60).map(|at| format!("{name}{} = [{name}{at}, {name}{at}];\n", at + 1)).collect::<String>();
    let calls =
        (0..60).map(|at| format!("function f{}() {{ return f{at}() + f{at}(); }}\n", at + 1)).collect::<String>();
    let branches = (0..60).map(|at| format!("if (req.query.a{at}) res.set('Vary', 'a{at}');\n")).collect::<String>();
    let origins = (0..2_000).map(|at| format!("'https://a{at}.example.com',")).collect::<String>();
    for text in [
        format!(
            "let x0 = 1; {}{}",
            doubled("let x").replace("[let ", "[").replace(", let ", ", "),
            OPEN.replace("true,", "x60,")
        ),
        format!("function f0() {{ return 'a'; }}\n{calls}{}", OPEN.replace("true,", "f60(),")),
        OPEN.replace("res.send('x')", &format!("{{ {branches} res.send('x') }}")),
        OPEN.replace("app.get", &format!("app.use((req, res, next) => {{ {branches} next(); }});\napp.get")),
        OPEN.replace("true,", &format!("[{origins}],")),
        format!(
            "let s = 'a'; for (const a of [1,2,3]) {{ {} }}\n{}",
            "s = s + s;".repeat(60),
            OPEN.replace("true,", "s,")
        ),
        format!(
            "let s = []; for (const a of [1,2,3]) {{ {} }}\n{}",
            "s = [...s, a, ...s];".repeat(60),
            OPEN.replace("true,", "s,")
        ),
        format!(
            "let s = 'a' + x; for (const a of [1,2,3]) {{ {} }}\n{}",
            "s = s.toLowerCase() + s.trim();".repeat(60),
            OPEN.replace("true,", "s,")
        ),
        format!("while (true) {{ }}\nfor (;;) {{ }}\n{OPEN}"),
        format!("let s = 'a'.repeat(1e9).padEnd(1e9);\n{}", OPEN.replace("true,", "s,")),
    ] {
        survives(&folder(&[("app.js", text)]));
    }
    for text in [
        format!("x0 = ['*']\n{}{}", doubled("x").replace(';', ""), FLASK.replace("'*'", "x60")),
        format!("x = ['*']\n{}{}", "x = x + x\nx += x\nx.extend(x)\n".repeat(40), FLASK.replace("'*'", "x")),
        format!(
            "x = '*'\n{}{}",
            "x = x + x\nx = f'{x}{x}'\nx = ''.join([x, x])\nx = x.replace('*', x)\n".repeat(40),
            FLASK.replace("'*'", "x")
        ),
        FLASK.replace("'*'", "'a' * 1000000000"),
        FLASK.replace("'*'", "['a'] * 1000000000"),
        FLASK.replace("'*'", "'%1000000000s' % 'a'"),
        FLASK.replace("'*'", "list(range(1000000000))"),
    ] {
        survives(&folder(&[("app.py", text)]));
    }
    let variables: String = (1..60).map(|at| format!("set $a{at} $a{}$a{};", at - 1, at - 1)).collect();
    survives(&folder(&[(
        "nginx.conf",
        format!(
            "http {{ server {{ listen 80; set $a0 x; {variables} add_header Access-Control-Allow-Origin $a59; }} }}"
        ),
    )]));
}

#[test]
fn many_routes() {
    let routes: String = (0..800).map(|at| format!("app.get('/a{at}/:id', (req, res) => res.json({at}));\n")).collect();
    let report = survives(&folder(&[("app.js", OPEN.replace("app.listen", &format!("{routes}app.listen")))]));
    assert!(report.rules().contains(&RULE));
    let locations: String = (0..300)
        .map(|at| format!("location /a{at} {{ add_header Access-Control-Allow-Origin $http_origin; add_header Access-Control-Allow-Credentials true; proxy_pass http://b{at}; }}\n"))
        .collect();
    survives(&folder(&[("nginx.conf", format!("http {{ server {{ listen 80; {locations} }} }}"))]));
    let views: String =
        (0..300).map(|at| format!("@app.route('/a{at}/<int:x>')\ndef view{at}(x):\n    return 'x'\n")).collect();
    survives(&folder(&[("app.py", format!("{FLASK}{views}"))]));
}

#[test]
fn patterns_that_blow_up() {
    let nested = format!("{}a{}", "(".repeat(2_000), ")*".repeat(2_000));
    let optional = "a?".repeat(300) + &"a".repeat(300);
    for pattern in [
        r"^(a+)+$",
        r"^https:\/\/((a|a)*)*b$",
        r"^(.*a){20}$",
        r"^(([a-z])+.)+[A-Z]([a-z])+$",
        r"(x+x+)+y",
        r"(a|b)*a(a|b){24}",
        r"(?=(a+))a*b\1",
        r"((((a{1,60}){1,60}){1,60}){1,60}){1,60}",
        r"[\s\S]{1,60000}",
        r"\p{L}{500}[^]*\u{10FFFF}",
        r"(?<a>(?<b>(?<c>.)))\k<c>",
        r"(?<=a{1,9999})b",
        "[",
        "(",
        "a{2,1}",
        &nested,
        &optional,
    ] {
        let slashes = pattern.replace("\\/", "/").replace('/', "\\/");
        let python = pattern.replace("\\/", "/");
        survives(&folder(&[
            ("literal.js", OPEN.replace("origin: true", &format!("origin: /{slashes}/"))),
            ("made.js", OPEN.replace("origin: true", &format!("origin: new RegExp(String.raw`{pattern}`)"))),
            ("app.py", FLASK.replace("'*'", &format!("r'{python}'"))),
            (
                "nginx.conf",
                format!(
                    "http {{ map $http_origin $o {{ \"~{python}\" $http_origin; }} server {{ listen 80; add_header Access-Control-Allow-Origin $o; if ($http_origin ~ \"{python}\") {{ return 204; }} }} }}"
                ),
            ),
        ]));
    }
}

#[test]
fn configuration_that_is_none() {
    let folder = folder(&[
        ("app.js", OPEN.replace("true,", "process.env.ORIGIN,").into_bytes()),
        (".env", b"\x7fELF\0\x01\x02=\"\nORIGIN=\"\xff\nB='".to_vec()),
        ("package.json", b"{\"workspaces\":[\"../../**\",\"/\",\"**\",\"\",\"*\"],\"main\":\"..\"}".to_vec()),
        ("tsconfig.json", b"{\"compilerOptions\":{\"baseUrl\":\"/\",\"paths\":{\"*\":[\"*\",\"../../../*\"],\"\":[\"\"]}}}".to_vec()),
        ("a/.env", b"ORIGIN=\"\nA=\n=\n==\nexport \n'='\nB=\"".to_vec()),
        ("a/app.js", OPEN.replace("true,", "process.env.ORIGIN,").into_bytes()),
        ("requirements.txt", b"\xff\xfef\0l\0".to_vec()),
        ("pyproject.toml", b"[[[[[[".to_vec()),
        ("app.py", FLASK.as_bytes().to_vec()),
        ("docker-compose.yml", b"a: &a [*a, *b]\nservices: {x: {<<: *a, ports: [\"99999999999:1\", {}]}}\n\t- \0".to_vec()),
        ("deploy.yaml", b"kind: Ingress\nmetadata: {annotations: {nginx.ingress.kubernetes.io/enable-cors: [true]}}\n---\n--- &x\n- *x\n".to_vec()),
        ("bomb.yaml", bomb().into_bytes()),
    ]);
    survives(&folder);
}

/// Aliases of aliases: written out it would not fit any memory.
fn bomb() -> String {
    let mut text =
        "kind: ConfigMap\ndata:\n a0: &a0 'server { add_header Access-Control-Allow-Origin *; }'\n".to_owned();
    for at in 1..40 {
        let inner = format!("*a{}, ", at - 1).repeat(9);
        text += &format!(" a{at}: &a{at} [{inner}]\n");
    }
    text
}

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
            let shown = self::text(bytes);
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
        let shown = self::text(&run(&folder, args).stdout);
        serde_json::from_str::<Value>(&shown).unwrap();
        assert_eq!(shown.find(steers), None, "{args:?}");
    }
    let junit = self::text(&run(&folder, &["--format", "junit"]).stdout);
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
    let Output { status, stdout, .. } = ended(corslint(folder.path()).args(["--format", "json"]));
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
        let output = ended(corslint(folder.path()).args(["--format", "json"]));
        let report = Report { json: serde_json::from_slice(&output.stdout).unwrap() };
        // Where it stands at the top, nothing below is left out for any.
        let count = if name.contains('/') { 2 } else { 3 };
        assert_eq!(report.rules(), vec![RULE; count], "{name} {link:?}");
        assert_eq!(report.problems(), [(name, "unreadable")], "{name} {link:?}");
        let inside = folder.path().join("a/b");
        let output = ended(corslint(&inside).args(["--format", "json"]));
        assert_eq!(output.status.code(), Some(1), "{name} {link:?}");
        let output = ended(corslint(folder.path()).args(["--no-ignore", "--format", "json"]));
        let report = Report { json: serde_json::from_slice(&output.stdout).unwrap() };
        assert_eq!((report.rules(), report.problems()), (vec![RULE; 3], vec![]), "{name} {link:?}");
    }
}

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

/// What is too much to be looked at is said, and takes no time that grows with its square.
#[test]
fn thousands_of_routes_and_comments() {
    let many = |count: usize, text: &dyn Fn(usize) -> String| (0..count).map(text).collect::<String>();
    let routes = many(3_000, &|at| format!("app.get('/a{at}/:id', (req, res) => res.json({at}));\n"));
    let named = many(3_000, &|at| format!("app.get('/{at}', a);\n"));
    let views = many(3_000, &|at| format!("@app.get('/a{at}/<int:x>')\ndef v{at}(x): return 'x'\n"));
    let locations = many(2_000, &|at| format!("location /a{at} {{ proxy_pass http://b{at}; }}\n"));
    let http = "http {\nserver {\nlisten 80;\nadd_header Access-Control-Allow-Origin null;\n";
    let comments = many(20_000, &|_| "// corslint: ignore[null-origin] x\n".to_owned());
    for (name, text, found) in [
        ("app.js", OPEN.replace("app.listen", &format!("{routes}app.listen")), RULE),
        ("named.js", OPEN.replace("app.listen", &format!("{named}app.listen")), RULE),
        ("app.py", format!("{FLASK}{views}"), RULE),
        ("nginx.conf", format!("{http}{locations}}}\n}}\n"), "null-origin"),
        ("comments.js", format!("{OPEN}{comments}a();\n"), "unused-suppression"),
    ] {
        let folder = folder(&[(name, text)]);
        let output = ended(corslint(folder.path()).args(["--format", "json", "--fail-on", "note"]));
        assert_eq!(output.status.code(), Some(1), "{name}: {}", self::text(&output.stderr));
        let report = Report { json: serde_json::from_slice(&output.stdout).unwrap() };
        assert!(report.rules().contains(&found), "{name}: {:?}", report.problems());
        if found == RULE {
            assert_eq!(report.problems(), [(name, "budget-spent")], "{name}");
        }
    }
}
