//! What leads ever deeper: nesting, and files that lead to each other.

use super::{FLASK, OPEN, RULE, folder, survives};

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

/// nginx opens the files of such a circle until it may open no more, or crashes (1.22.1): it is told with its place.
#[test]
fn includes_that_lead_back_are_told() {
    let server = "server { listen 80; add_header Access-Control-Allow-Origin null; }";
    for (main, others, told) in [
        (format!("http {{\ninclude nginx.conf;\n{server} }}"), vec![], "nginx.conf"),
        (format!("http {{\ninclude a.conf;\n{server} }}"), vec![("a.conf", "include a.conf;")], "a.conf"),
        (
            format!("http {{\ninclude a.conf;\n{server} }}"),
            vec![("a.conf", "include b.conf;"), ("b.conf", "include a.conf;")],
            "b.conf",
        ),
    ] {
        let folder = folder(&[("nginx.conf", main.as_str())]);
        others.iter().for_each(|(name, text)| super::write(&folder, name, text));
        let report = survives(&folder);
        assert_eq!(report.places(), [("nginx.conf", "null-origin", 3)]);
        assert_eq!(report.problems(), [(told, "syntax-error")]);
        assert!(report.json["problems"][0]["message"].as_str().unwrap().ends_with("includes itself"));
    }
}
