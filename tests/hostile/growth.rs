//! What grows without end: values, conditions, routes, comments.

use super::{FLASK, OPEN, RULE, Report, folder, run, survives};

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
        let output = run(&folder, &["--format", "json", "--fail-on", "note"]);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", super::text(&output.stderr));
        let report = Report { json: serde_json::from_slice(&output.stdout).unwrap() };
        assert!(report.rules().contains(&found), "{name}: {:?}", report.problems());
        if found == RULE {
            assert_eq!(report.problems(), [(name, "budget-spent")], "{name}");
        }
    }
}
