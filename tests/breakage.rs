//! Programs and configurations on which the rules about breakage must speak, or must not.

use std::sync::atomic::AtomicUsize;

use corslint::config::Settings;
use corslint::engine;
use corslint::finding::{Category, Severity};

/// What is found in the files: `rule@line`, without exposures, with their severity where it is not the page's own.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let run = engine::run(&Settings::new(folder.clone(), [folder]), None, &AtomicUsize::new(0));
    assert!(run.outcome.problems.is_empty(), "{:?}", run.outcome.problems);
    let mut found: Vec<String> = run
        .outcome
        .findings
        .iter()
        .map(|reported| &reported.finding)
        .filter(|finding| finding.category != Category::Exposure)
        .map(|finding| {
            let line = run.sources.get(finding.primary.span.file).position(finding.primary.span.start).line;
            let own = corslint::rules::find_page(finding.rule).unwrap().severity;
            let other = match finding.severity {
                severity if severity == own => "",
                Severity::Error => " error",
                Severity::Warning => " warning",
                Severity::Note => " note",
            };
            format!("{}@{line}{other}", finding.rule)
        })
        .collect();
    found.sort();
    found
}

/// An Express 5 program: two lines come before `body`.
fn express(body: &str) -> Vec<String> {
    express_of("5.1.0", body)
}

fn express_of(version: &str, body: &str) -> Vec<String> {
    let program = format!(
        "const express = require('express'), cors = require('cors'), app = express();\n{body}\napp.listen(3000);\n"
    );
    let manifest = format!("{{ \"dependencies\": {{ \"express\": \"{version}\", \"cors\": \"2.8.5\" }} }}");
    found(&[("server.js", &program), ("package.json", &manifest)])
}

fn nginx(body: &str) -> Vec<String> {
    found(&[("nginx.conf", &format!("server {{\nlisten 443 ssl;\nserver_name api.example.com;\n{body}\n}}\n"))])
}

const NONE: &[&str] = &[];

#[test]
fn a_policy_that_works_is_left_alone() {
    let policy = "app.use(cors({ origin: 'https://app.example.com', credentials: true }));\n";
    for rest in [
        "app.put('/a', (q, s) => s.json({}));",
        "app.use(express.static('public')); app.delete('/a/:id', (q, s) => s.sendStatus(204));",
        "app.use((q, s, n) => q.headers.authorization ? n() : s.sendStatus(401)); app.put('/a', (q, s) => s.json({}));",
        "app.use((e, q, s, n) => s.status(500).json({}));",
        "app.use(express.json()); app.post('/a', (q, s) => s.json({}));",
        "app.get('/a', (q, s) => { if (q.get('X-Api-Key')) return s.sendStatus(403); s.json({}); });",
    ] {
        assert_eq!(express(&format!("{policy}{rest}")), NONE, "{rest}");
    }
}

#[test]
fn a_simple_request_needs_no_preflight() {
    assert_eq!(express("app.get('/a', cors({ origin: 'https://app.example.com' }), (q, s) => s.json({}));"), NONE);
    // A public answer beside a stricter policy.
    let two =
        "app.use(cors({ origin: ['https://app.example.com'] }));\napp.get('/public', cors(), (q, s) => s.json({}));";
    assert_eq!(express(two), NONE);
    // What machines send is no header of a page.
    let hook = "app.post('/hook', cors({ origin: 'https://app.example.com' }), (q, s) => s.send(q.get('X-Hub-Signature-256')));";
    assert_eq!(express(hook), NONE);
}

#[test]
fn one_policy_that_sees_no_options_is_one_fault() {
    let body = "const policy = cors({ origin: 'https://app.example.com' });\napp.put('/a', policy, (q, s) => s.json({}));\n\
                app.delete('/b', policy, (q, s) => s.json({}));";
    assert_eq!(express(body), ["missing-preflight@3"]);
    let answered = "const policy = cors({ origin: 'https://app.example.com' });\napp.options(/.*/, policy);\n\
                    app.put('/a', policy, (q, s) => s.json({}));";
    assert_eq!(express(answered), NONE);
}

#[test]
fn headers_set_by_hand_need_the_preflight_too() {
    let above = "app.use((q, s, n) => {\n  if (q.method === 'OPTIONS') return s.sendStatus(204);\n  \
                 s.set('Access-Control-Allow-Origin', 'https://app.example.com');\n  n();\n});\n\
                 app.get('/a', (q, s) => s.json({}));";
    assert_eq!(express(above), ["missing-preflight@3"]);
    let hangs = "app.use((q, s, n) => {\n  s.set('Access-Control-Allow-Origin', 'https://app.example.com');\n  \
                 s.set('Access-Control-Allow-Methods', 'PUT');\n  if (q.method === 'OPTIONS') return s.status(204);\n  \
                 n();\n});\napp.put('/a', (q, s) => s.json({}));";
    assert_eq!(express(hangs), ["missing-preflight@2"]);
    let right = "app.use((q, s, n) => {\n  s.set('Access-Control-Allow-Origin', 'https://app.example.com');\n  \
                 s.set('Access-Control-Allow-Methods', 'PUT');\n  if (q.method === 'OPTIONS') return s.sendStatus(204);\n  \
                 n();\n});\napp.put('/a', (q, s) => s.json({}));";
    assert_eq!(express(right), NONE);
}

#[test]
fn what_refuses_a_preflight_is_named() {
    let policy = "\napp.use(cors({ origin: 'https://app.example.com' }));\napp.put('/a', (q, s) => s.json({}));";
    for (middleware, expected) in [
        ("app.use((q, s, n) => q.headers.authorization ? n() : s.sendStatus(401));", "blocked-preflight@2"),
        (
            "app.use((q, s, n) => q.headers.authorization ? n() : n(Object.assign(new Error(), { status: 401 })));",
            "blocked-preflight@2",
        ),
        ("app.use((q, s, n) => { if (!q.session.user) return s.sendStatus(401); n(); });", "blocked-preflight@2"),
        ("app.use(require('passport').authenticate('jwt'));", "blocked-preflight@2"),
        ("app.use(require('express-rate-limit')({}));", "blocked-preflight@2 warning"),
        ("app.use(express.json());", "middleware-order@3 note"),
    ] {
        assert_eq!(express(&format!("{middleware}{policy}")), [expected], "{middleware}");
    }
    for middleware in [
        "app.use((q, s, n) => q.method === 'OPTIONS' || q.headers.authorization ? n() : s.sendStatus(401));",
        "app.use((q, s, n) => { if (q.cookies.token && !check(q.cookies.token)) return s.sendStatus(401); n(); });",
        "app.use(require('helmet')());",
    ] {
        assert_eq!(express(&format!("{middleware}{policy}")), NONE, "{middleware}");
    }
}

#[test]
fn order_is_a_matter_of_what_answers() {
    let policy = "app.use(cors({ origin: 'https://app.example.com' }));";
    let router =
        format!("const r = express.Router();\nr.put('/', (q, s) => s.json({{}}));\napp.use('/a', r);\n{policy}");
    assert_eq!(express(&router), ["middleware-order@5"]);
    let health =
        format!("app.get('/health', (q, s) => s.send('ok'));\n{policy}\napp.get('/a', (q, s) => s.json({{}}));");
    assert_eq!(express(&health), NONE);
    let both = format!("app.get('/a', (q, s) => s.json({{}}));\n{policy}\napp.get('/b', (q, s) => s.json({{}}));");
    assert_eq!(express(&both), ["middleware-order@3 warning"]);
}

#[test]
fn a_policy_for_the_preflight_alone_is_none() {
    let only = "app.options('/a', cors({ origin: 'https://app.example.com' }));\napp.put('/a', (q, s) => s.json({}));";
    assert_eq!(express(only), ["missing-allow-origin@2"]);
    // GET may be for the server's own pages.
    let some = "const policy = cors({ origin: 'https://app.example.com' });\napp.options('/a', policy);\n\
                app.put('/a', policy, (q, s) => s.json({}));\napp.get('/a', (q, s) => s.json({}));";
    assert_eq!(express(some), NONE);
    let alone = "app.use((q, s, n) => {\n  s.set('Access-Control-Allow-Methods', 'GET');\n  n();\n});\n\
                 app.get('/a', (q, s) => s.json({}));";
    assert_eq!(express(alone), ["missing-allow-origin@3"]);
}

#[test]
fn lists_are_held_against_what_routes_take_and_read() {
    let policy = |options: &str| format!("app.use(cors({{ origin: 'https://app.example.com', {options} }}));\n");
    let put = "app.put('/a', (q, s) => s.json({}));\napp.patch('/a', (q, s) => s.json({}));";
    assert_eq!(express(&format!("{}{put}", policy("methods: ['GET']"))), ["method-not-allowed@2"]);
    assert_eq!(express(&format!("{}{put}", policy("methods: ['put', 'PATCH']"))), ["invalid-header-list@2"]);
    assert_eq!(express(&format!("{}{put}", policy("methods: 'PUT PATCH'"))), ["invalid-header-list@2"]);
    assert_eq!(express(&format!("{}{put}", policy("methods: '*'"))), NONE);
    assert_eq!(express(&format!("{}{put}", policy("methods: '*', credentials: true"))), ["wildcard-not-honoured@2"]);
    let reads = "app.get('/a', (q, s) => s.json(q.get('Authorization')));";
    assert_eq!(express(&format!("{}{reads}", policy("allowedHeaders: ['X-A']"))), ["header-not-allowed@2"]);
    assert_eq!(express(&format!("{}{reads}", policy("allowedHeaders: 'authorization'"))), NONE);
    assert_eq!(express(&format!("{}{reads}", policy("allowedHeaders: '*'"))), ["wildcard-not-honoured@2"]);
    assert_eq!(
        express(&format!("{}{reads}", policy("allowedHeaders: ['Authorization', 'Cookie']"))),
        ["invalid-header-list@2 note"]
    );
}

#[test]
fn origins_that_no_browser_sends() {
    let list = |origins: &str| {
        express(&format!("app.use(cors({{ origin: {origins} }}));\napp.get('/a', (q, s) => s.json({{}}));"))
    };
    assert_eq!(list("['https://app.example.com/']"), ["invalid-origin@2"]);
    assert_eq!(list("['https://app.example.com', 'https://admin.example.com/']"), ["invalid-origin@2 warning"]);
    assert_eq!(list("['*']"), ["invalid-origin@2"]);
    assert_eq!(list("'app.example.com'"), ["invalid-origin@2"]);
    assert_eq!(list("process.env.ORIGIN"), NONE);
    assert_eq!(list("['https://app.example.com', 'capacitor://localhost', 'chrome-extension://abc']"), NONE);
    // Compared with something else than the page's origin.
    let other = "app.use(cors({ origin: 'https://app.example.com' }));\n\
                 app.get('/a', (q, s) => s.send(q.headers.origin === 'https://x.example/' ? 1 : 2));";
    assert_eq!(express(other), NONE);
}

#[test]
fn policies_that_never_take_effect() {
    let get = "\napp.get('/a', (q, s) => s.json({}));";
    let returns = format!("app.use(cors({{ origin: (o) => o === 'https://app.example.com' }}));{get}");
    assert_eq!(express(&returns), ["dead-policy@2"]);
    let star = "app.options('*', cors({ origin: 'https://app.example.com' }));\n\
                app.put('/a', cors({ origin: 'https://app.example.com' }), (q, s) => s.json({}));";
    assert!(express(star).contains(&"dead-policy@2".to_owned()));
    assert_eq!(express_of("4.21.0", star), NONE);
    let splat = star.replace("'*'", "'/{*splat}'");
    assert_eq!(express(&splat), NONE);
    assert!(express_of("4.21.0", &splat).contains(&"dead-policy@2 warning".to_owned()));
    let unrelated =
        format!("app.use(cors({{ origin: 'https://app.example.com' }}));{get}\napp.get('/b/:', (q, s) => s.send(''));");
    assert_eq!(express(&unrelated), NONE);
}

#[test]
fn vary_is_asked_for_where_pages_differ() {
    let by_hand = |test: &str, more: &str| {
        express(&format!(
            "app.use((q, s, n) => {{\n  const o = q.headers.origin;\n  if ({test}) s.set('Access-Control-Allow-Origin', o);\n  \
             {more}n();\n}});\napp.get('/a', (q, s) => s.json({{}}));"
        ))
    };
    let two = "['https://app.example.com', 'https://admin.example.com'].includes(o)";
    assert_eq!(by_hand(two, ""), ["missing-vary@4"]);
    assert_eq!(by_hand(two, "s.vary('Origin'); "), NONE);
    assert_eq!(by_hand(two, "s.set('Cache-Control', 'no-store'); "), NONE);
    assert_eq!(by_hand("o === 'https://app.example.com'", ""), NONE);
    // Whoever lets everybody in is told so, and of nothing else.
    assert_eq!(by_hand("o", ""), NONE);
    let replaced = "app.use(cors({ origin: ['https://app.example.com', 'https://admin.example.com'] }));\n\
                    app.get('/a', (q, s) => {\n  s.set('Vary', 'Accept');\n  s.json({});\n});";
    assert_eq!(express(replaced), ["missing-vary@4"]);
}

#[test]
fn other_hygiene() {
    let policy = |options: &str| format!("app.use(cors({{ origin: 'https://app.example.com', {options} }}));\n");
    let get = "app.get('/a', (q, s) => { s.set('X-Frame-Options', 'DENY'); s.json({}); });";
    assert_eq!(express(&format!("{}{get}", policy(""))), NONE);
    assert_eq!(express(&format!("{}{get}", policy("maxAge: 86400"))), NONE);
    assert_eq!(express(&format!("{}{get}", policy("maxAge: 604800"))), ["preflight-cache@2"]);
    assert_eq!(express(&format!("{}{get}", policy("maxAge: '2h'"))), ["preflight-cache@2 warning"]);
    assert_eq!(express(&format!("{}{get}", policy("maxAge: 0"))), NONE);
}

#[test]
fn nginx_levels_and_statuses() {
    let origin = "add_header Access-Control-Allow-Origin https://app.example.com always;";
    assert_eq!(nginx(&format!("location / {{\n{origin}\nproxy_pass http://app;\n}}")), NONE);
    // An answer whose status is always 204 needs no `always`.
    let options = "location / {\nif ($request_method = OPTIONS) {\n\
                   add_header Access-Control-Allow-Origin https://app.example.com;\n\
                   add_header Access-Control-Allow-Methods PUT;\nreturn 204;\n}\n\
                   add_header Access-Control-Allow-Origin https://app.example.com always;\nproxy_pass http://app;\n}";
    assert_eq!(nginx(options), NONE);
    // A level with a policy of its own has not lost one.
    let own = format!(
        "{origin}\nlocation /b {{\nadd_header Access-Control-Allow-Origin https://b.example.com always;\nproxy_pass http://b;\n}}"
    );
    assert_eq!(nginx(&own), NONE);
    // The application behind may send the header.
    let behind =
        "location / {\nadd_header Access-Control-Allow-Methods \"GET, PUT\" always;\nproxy_pass http://app;\n}";
    assert_eq!(nginx(behind), NONE);
    let static_files =
        format!("location / {{\n{origin}\nadd_header Access-Control-Allow-Headers X-A always;\nroot /srv;\n}}");
    assert_eq!(nginx(&static_files), ["missing-preflight@7"]);
}

#[test]
fn nobody_calls_a_server_that_only_redirects() {
    let text = "add_header Access-Control-Allow-Origin https://app.example.com always;\n\
                add_header Access-Control-Allow-Headers X-A always;\n\
                server { listen 80; server_name api.example.com; return 301 https://$host$request_uri; }\n\
                server { listen 443 ssl; server_name api.example.com; location / { proxy_pass http://app; } }\n";
    assert_eq!(found(&[("nginx.conf", &format!("events {{}}\nhttp {{\n{text}}}\n"))]), NONE);
}

#[test]
fn a_proxy_and_the_application_behind_it() {
    let app = "const express = require('express'), cors = require('cors'), app = express();\n\
               app.use(cors({ origin: ['https://app.example.com', 'https://admin.example.com'] }));\n\
               app.get('/a', (q, s) => s.json({}));\napp.listen(3000);\n";
    let proxy = |lines: &str| {
        let text = format!(
            "server {{\nlisten 443 ssl;\nserver_name api.example.com;\nlocation / {{\n{lines}\nproxy_pass http://127.0.0.1:3000;\n}}\n}}\n"
        );
        found(&[("nginx.conf", &text), ("server.js", app)])
    };
    assert_eq!(proxy(""), NONE);
    assert_eq!(proxy("proxy_hide_header Access-Control-Allow-Origin;"), ["stripped-by-proxy@5"]);
    let clears = "proxy_set_header Origin \"\";\nadd_header Access-Control-Expose-Headers X-A always;";
    assert_eq!(proxy(clears), ["stripped-by-proxy@5"]);
    let taken_over = "proxy_hide_header Access-Control-Allow-Origin;\nadd_header Access-Control-Allow-Origin https://app.example.com always;";
    assert_eq!(proxy(taken_over), NONE);
    assert_eq!(
        proxy("add_header Access-Control-Allow-Origin https://app.example.com always;"),
        ["duplicate-allow-origin@5"]
    );
}

/// Every handler has a budget of its own: a large program's last ones are run as its first.
#[test]
fn handlers_behind_many_others_are_run() {
    let mut program = String::from("from flask import Flask, Response, request\n\napp = Flask(__name__)\n");
    for number in 0..400 {
        program.push_str(&format!("\n@app.get('/a{number}')\ndef a{number}():\n"));
        for step in 0..20 {
            program.push_str(&format!("    v{step} = str(request.args.get('v{step}') or '').strip()\n"));
        }
        program.push_str("    return 'x'\n");
    }
    program.push_str("\n@app.get('/last')\ndef last():\n    response = Response('x')\n");
    program.push_str("    response.headers['Access-Control-Allow-Origin'] = 'https://app.example.com'\n");
    program.push_str("    response.headers['Access-Control-Expose-Headers'] = 'X-A; X-B'\n    return response\n");
    let line = program.lines().count() - 1;
    assert_eq!(found(&[("app.py", &program)]), [format!("invalid-header-list@{line}")]);
}

/// A handler that is too long to be run to its end answers what is not known, and no error of its own: it is not said that
/// its server never sends what a page needs.
#[test]
fn a_long_handler_is_not_known() {
    for statements in [20, 1_200] {
        let mut program = String::from("from flask import Flask, make_response, request\n\napp = Flask(__name__)\n");
        program.push_str("\n@app.put('/long')\ndef long():\n    answer = make_response('x')\n");
        for step in 0..statements {
            program.push_str(&format!("    v{step} = str(request.args.get('v{step}') or '').strip()\n"));
        }
        program.push_str("    answer.headers['Access-Control-Allow-Origin'] = 'https://app.example.com'\n");
        program.push_str("    return answer\n");
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::write(folder.path().join("app.py"), &program).unwrap();
        let simulate =
            ["simulate", "--raw", "--url-path", "/long", "--method", "PUT", "--origin", "https://app.example.com"];
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_corslint"))
            .args(simulate)
            .arg(folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("< 500"), "{text}");
        let known = text.contains("< Access-Control-Allow-Origin: https://app.example.com");
        let unknown = text.contains("? Access-Control-Allow-Origin: not known (the program is too large");
        assert_eq!((known, unknown), (statements == 20, statements != 20), "{text}");
    }
}

/// What a module calls leaves something for the module's own statements behind it: here, all of a large queue of jobs.
#[test]
fn an_application_behind_much_else_is_read() {
    let mut program = String::from("const express = require('express');\nconst cors = require('cors');\n");
    program.push_str("const app = express();\n");
    for level in 0..14 {
        let calls = format!("again{}(x + {level}); ", level + 1).repeat(6);
        program.push_str(&format!("function again{level}(x) {{ {calls} return x; }}\n"));
    }
    program.push_str("function again14(x) { return x; }\nagain0(1);\n");
    program.push_str("app.use(cors({ origin: '*', credentials: true }));\n");
    program.push_str("app.get('/', (req, res) => res.json({}));\napp.listen(3000);\n");
    let line = program.lines().count() - 2;
    assert_eq!(found(&[("app.js", &program)]), [format!("wildcard-with-credentials@{line}")]);
}
