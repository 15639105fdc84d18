//! What `corslint policy` says of servers: each fact, and under which settings it holds.

use std::path::Path;
use std::process::Command;

/// The rows of the first route of a program, without their places.
fn rows(program: &str) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("server.js"), program).unwrap();
    let output = policy(folder.path());
    let text = String::from_utf8(output).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| {
        let (name, rest) = line.split_at(16);
        let value = rest.split("  ").next().unwrap_or_default();
        (name.trim().to_owned(), value.trim().to_owned())
    });
    rows.collect()
}

fn policy(folder: &Path) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corslint"));
    let output = command.env_clear().current_dir(folder).arg("policy").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn of_cors(options: &str) -> Vec<(String, String)> {
    rows(&format!(
        "const app = require('express')();\napp.use(require('cors')({options}));\napp.get('/', (req, res) => res.send(''));\napp.listen(3000);\n"
    ))
}

fn value<'a>(rows: &'a [(String, String)], name: &str) -> &'a str {
    rows.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
}

#[test]
fn a_policy_without_settings_is_told_as_it_is() {
    let rows = of_cors("{ origin: ['https://a.example.com', 'https://b.example.com'], credentials: true, maxAge: 60 }");
    assert_eq!(value(&rows, "who may read"), "https://a.example.com, https://b.example.com");
    assert_eq!(value(&rows, "credentials"), "true");
    assert_eq!(value(&rows, "vary"), "Origin");
    assert_eq!(value(&rows, "methods"), "GET,HEAD,PUT,PATCH,POST,DELETE");
    assert_eq!(value(&rows, "request headers"), "whatever is asked for");
    assert_eq!(value(&rows, "max age"), "60");
    assert_eq!(value(&rows, "preflight"), "answered 204");
    assert_eq!(value(&of_cors(""), "who may read"), "any site");
    assert_eq!(value(&of_cors("{ origin: true }"), "who may read"), "any site, each by its own name");
    assert_eq!(value(&of_cors("{ origin: [] }"), "who may read"), "nobody");
}

#[test]
fn what_settings_decide_is_told_with_the_setting() {
    let rows = of_cors("{ origin: process.env.ORIGINS?.split(',') || '*' }");
    assert_eq!(value(&rows, "who may read"), "any site where ORIGINS is not set, and perhaps others");
    assert_eq!(value(&rows, "vary"), "Origin where ORIGINS is set, or nothing where ORIGINS is not set");
    let rows = of_cors("{ origin: (process.env.ORIGINS || 'http://localhost:3000').split(',') }");
    assert_eq!(value(&rows, "who may read"), "http://localhost:3000 where ORIGINS is not set, and perhaps others");
    assert_eq!(value(&rows, "unknown, because"), "it is made of the environment variable ORIGINS");
}

#[test]
fn what_only_some_requests_get_is_told_so() {
    let rows = of_cors(
        "{ origin: (origin, done) => done(null, process.env.ORIGINS.split(',').includes(origin)), credentials: true }",
    );
    assert_eq!(value(&rows, "who may read"), "not known");
    assert_eq!(value(&rows, "credentials"), "true, or nothing");
    assert_eq!(value(&rows, "preflight"), "answered 200, or answered 204");
}

/// A program whose middleware does something with the answer before a route answers.
fn handing_over(middleware: &str) -> Vec<(String, String)> {
    rows(&format!(
        "const app = require('express')();\napp.use({middleware});\napp.get('/', (req, res) => res.send(''));\napp.options('/', (req, res) => {{\n  res.set('Access-Control-Allow-Origin', 'https://a.example.com');\n  res.end();\n}});\napp.listen(3000);\n"
    ))
}

#[test]
fn code_that_cannot_be_read_may_set_headers_on_the_answer_that_it_is_given() {
    let unread = [
        "require('a-package-of-ours')()",
        "(req, res, next) => { require('a-package-of-ours').headers(res); next(); }",
        "(req, res, next) => { require('a-package-of-ours')({ req, res }); next(); }",
        "(req, res, next) => { require('a-package-of-ours')(req); res.locals.a = require('b')(res); next(); }",
    ];
    for middleware in unread {
        assert_eq!(value(&handing_over(middleware), "who may read"), "not known", "{middleware}");
    }
    let known = [
        "require('morgan')('dev')",
        "require('compression')()",
        "require('csurf')()",
        "require('cls-rtracer').expressMiddleware()",
        "require('express-http-context').middleware",
        "(req, res, next) => { require('on-finished')(res, () => {}); next(); }",
        "(req, res, next) => { require('a-package-of-ours')(req.ip); next(); }",
    ];
    for middleware in known {
        assert_eq!(value(&handing_over(middleware), "who may read"), "nobody", "{middleware}");
    }
}

#[test]
fn the_layers_are_told_with_how_they_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let proxied = "proxy_pass http://127.0.0.1:3000; } location /else { add_header Access-Control-Allow-Origin *; \
                   proxy_pass http://else.example; }";
    write("site.conf", &format!("server {{\nlisten 80;\nlocation / {{ {proxied}\n}}\n"));
    write(
        "app.js",
        "const app = require('express')();\napp.use(require('cors')());\napp.get('/', (q, s) => s.send(''));\napp.listen(3000);\n",
    );
    let text = String::from_utf8(policy(folder.path())).unwrap();
    assert!(text.contains("hands on to app.js:1, by its port  site.conf:3"), "{text}");
    assert!(text.contains("hands on to http://else.example, which is no server that is read  site.conf:3"), "{text}");
    assert!(
        text.contains("unknown, because whether the server behind sends CORS headers of its own  site.conf:3"),
        "{text}"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_corslint"));
    let output = command.env_clear().current_dir(folder.path()).args(["policy", "--format", "json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let servers = json["servers"].as_array().unwrap();
    let proxy = servers.iter().find(|server| server["framework"] == "nginx").unwrap();
    assert_eq!(proxy["hands_on"][0]["to"], "app.js:1");
    assert_eq!(proxy["hands_on"][0]["known_by"], "by its port");
    assert_eq!(proxy["hands_on"][1]["to"], serde_json::Value::Null);
}

/// A variable of a prefix is an item of the configuration, and may be JSON: what it says is not known, and nobody takes
/// the library's default for it.
#[test]
fn a_variable_that_is_said_to_be_set_takes_the_place_of_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let program = "from flask import Flask\nfrom flask_cors import CORS\n\napp = Flask(__name__)\napp.config.from_prefixed_env()\nCORS(app)\n\n\n@app.get('/towns')\ndef towns():\n    return []\n";
    std::fs::write(folder.path().join("app.py"), program).unwrap();
    let simulate = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_corslint"));
        command.env_clear().current_dir(folder.path()).args(["simulate", "--raw", "--url-path", "/towns"]);
        let output = command.args(["--origin", "https://app.example.com"]).args(more).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let open = simulate(&[]);
    assert!(open.contains("< Access-Control-Allow-Origin: https://app.example.com"), "{open}");
    let given = simulate(&["--env", "FLASK_CORS_ORIGINS=[\"https://admin.example.com\"]"]);
    assert!(
        given.contains("? Access-Control-Allow-Origin: not known (`.match(…)` is not known: a variable"),
        "{given}"
    );
}

/// Of an Express program whose route does this after its policy has run.
fn behind_a_policy(route: &str) -> Vec<(String, String)> {
    rows(&format!(
        "const app = require('express')();\nconst db = require('a-package-of-ours');\napp.use(require('cors')());\napp.get('/', async (req, res, next) => {{ {route} }});\napp.listen(3000);\n"
    ))
}

/// What a database has, a request brings along, or a function gives decides about the status, and nothing that the browser's
/// check looks at.
#[test]
fn what_makes_no_difference_to_the_browser_is_not_told() {
    for route in [
        "if (await db.find(req.params.id)) res.json({}); else res.status(404).end();",
        "if (!req.body.name) return res.status(400).end(); if (db.size() > 3) return res.sendStatus(409); res.json(await db.all());",
        "if (await db.find(req.params.id)) next(new Error('no')); else res.json({});",
        "if (req.query.verbose) res.set('X-Verbose', '1'); res.send(db.text());",
    ] {
        let rows = behind_a_policy(route);
        assert_eq!(value(&rows, "who may read"), "any site", "{route}");
        assert_eq!(value(&rows, "unknown, because"), "", "{route}");
    }
}

/// A handler that does not answer has no header at all; Express's own answer to an error keeps those of the policy.
#[test]
fn what_makes_a_difference_is_told() {
    for (route, who) in [
        ("if (await db.find(req.params.id)) res.json({});", "any site, and perhaps others"),
        (
            "if (await db.find(req.params.id)) res.removeHeader('Access-Control-Allow-Origin'); res.json({});",
            "not known",
        ),
    ] {
        let rows = behind_a_policy(route);
        assert_eq!(value(&rows, "who may read"), who, "{route}");
        assert_eq!(
            value(&rows, "unknown, because"),
            "`.find(…)` is not known: the package `a-package-of-ours` is not read"
        );
    }
}

/// Each of the conditions alone adds a header that pages may read, so that the ways in which they come together double.
#[test]
fn what_comes_together_in_too_many_ways_is_told() {
    let route: String = (0..8).map(|at| format!("if (db.has({at})) res.append('Vary', 'A{at}');")).collect();
    let rows = behind_a_policy(&(route + "res.json({});"));
    assert_eq!(value(&rows, "who may read"), "any site, and perhaps others");
    let told = "what is not known can come together in more ways than are looked at";
    assert!(rows.iter().any(|(name, value)| name == "unknown, because" && value == told), "{rows:?}");
}
