//! nginx beyond the recordings: what nginx 1.22.1 was seen to answer, one line for each request, and how files,
//! snippets and templates are read.

use std::path::{Path, PathBuf};

use corslint::cors::Request;
use corslint::frameworks::nginx::{Version, extract, matches_glob};
use corslint::model::{Behind, EffectKind, Environment, Outcome, RemarkKind, Server, Session, each_effect};
use corslint::source::SourceSet;

/// Reads files; the first one is a candidate, and so are those whose name ends in `.conf`.
fn read(files: &[(&str, &str)]) -> (Vec<Server>, Vec<String>, SourceSet) {
    let sources = SourceSet::new(PathBuf::from("/r"));
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| Path::new("/r").join(name)).collect();
    for (path, (_, text)) in paths.iter().zip(files) {
        sources.add(path, (*text).to_owned());
    }
    let find = |name: &str| -> Vec<PathBuf> {
        let matches = |path: &&PathBuf| matches_glob(path.file_name().unwrap().to_str().unwrap(), name);
        paths.iter().filter(matches).cloned().collect()
    };
    let (servers, problems) = extract(&sources, &paths, &find, Version::default());
    (servers, problems.into_iter().map(|problem| problem.message).collect(), sources)
}

fn one(text: &str) -> Server {
    let (mut servers, problems, _) = read(&[("nginx.conf", text)]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(servers.len(), 1);
    servers.remove(0)
}

/// `403 allow-origin=a max-age=1`, with `?` for what is not known.
fn told(server: &Server, behind: Option<&Server>, request: &str, headers: &[(&str, &str)]) -> String {
    let (method, path) = request.split_once(' ').unwrap();
    let mut asked = Request::new(method, path);
    for (name, value) in headers {
        asked = asked.with_header(*name, *value);
    }
    if asked.header("host").is_none() {
        asked = asked.with_header("host", "localhost");
    }
    let mut session = Session::new(server, Environment::Unknown);
    each_effect(server, &mut |_, effect| {
        if let (EffectKind::Forward(_), Some(behind)) = (&effect.kind, behind) {
            session = std::mem::replace(&mut session, Session::new(server, Environment::Unknown))
                .with_behind(effect.span, Behind::Server(behind));
        }
    });
    let answer = session.answer(&asked);
    if answer.outcome != Outcome::Answered {
        return format!("{:?}", answer.outcome);
    }
    let mut told = answer.status.map_or("?".to_owned(), |status| status.to_string());
    for (name, value) in &answer.headers {
        let name = name.to_ascii_lowercase();
        if let Some(name) = name.strip_prefix("access-control-") {
            told.push_str(&format!(" {name}={value}"));
        }
    }
    for name in &answer.unknown {
        if let Some(name) = name.strip_prefix("access-control-") {
            told.push_str(&format!(" {name}=?"));
        }
    }
    told
}

/// Holds a server block's inside to what was seen: `GET /path` → what was told, each request with this origin.
fn check(inside: &str, origin: Option<&str>, seen: &[(&str, &str)]) {
    let server = one(&format!("server {{ listen 80; {inside} }}"));
    assert_eq!(server.startup_error, None, "{inside}");
    let application =
        one("server { listen 80; location / { add_header Access-Control-Expose-Headers $uri always; return 200; } }");
    let headers: Vec<(&str, &str)> = origin.iter().map(|origin| ("origin", *origin)).collect();
    for (request, expected) in seen {
        assert_eq!(told(&server, Some(&application), request, &headers), *expected, "{request} of {inside}");
    }
}

const APP: Option<&str> = Some("https://app.example.com");

#[test]
fn the_best_location_answers() {
    let inside = "
        location /api {
            add_header Access-Control-Allow-Origin a;
            location /api/v1 { add_header Access-Control-Allow-Origin b; return 200; }
            location ~ v2 { add_header Access-Control-Allow-Origin c; return 200; }
            location = /api/v3 { add_header Access-Control-Allow-Origin d; return 200; }
            return 200;
        }
        location ~ ^/api/v1x { add_header Access-Control-Allow-Origin e; return 200; }
        location ^~ /api/v4 { add_header Access-Control-Allow-Origin f; return 200; }
        location ~ v4 { add_header Access-Control-Allow-Origin g; return 200; }";
    check(
        inside,
        None,
        &[
            ("GET /api", "200 allow-origin=a"),
            ("GET /api/v1", "200 allow-origin=b"),
            ("GET /api/v1x", "200 allow-origin=e"),
            ("GET /api/v2", "200 allow-origin=c"),
            ("GET /api/v3", "200 allow-origin=d"),
            ("GET /api/v3/", "200 allow-origin=a"),
            ("GET /api/v4", "200 allow-origin=f"),
            ("GET /api/v1/v2", "200 allow-origin=c"),
            ("GET /zz/v4", "200 allow-origin=g"),
            ("GET /api//v1", "200 allow-origin=b"),
            ("GET /api/./v3", "200 allow-origin=d"),
            ("GET /api/x/../v3", "200 allow-origin=d"),
            ("GET /%61pi/v3", "200 allow-origin=d"),
        ],
    );
}

#[test]
fn a_proxied_folder_adds_its_slash() {
    let inside = "
        add_header Access-Control-Allow-Origin s always;
        location /api/ { add_header Access-Control-Allow-Origin api always; proxy_pass http://a; }
        location ~ ^/api$ { return 200; }";
    check(
        inside,
        None,
        &[("OPTIONS /api", "301 allow-origin=api"), ("GET /api/", "200 expose-headers=/api/ allow-origin=api")],
    );
}

#[test]
fn the_last_if_that_holds_gives_the_headers() {
    let inside = "location /api {
        add_header Access-Control-Allow-Origin l;
        if ($http_origin) { add_header Access-Control-Max-Age 1; }
        if ($request_method = GET) { set $x 1; }
        return 200;
    }";
    // The second `if` writes nothing, inherits from the location, and takes the place of the first.
    check(inside, APP, &[("GET /api", "200 allow-origin=l"), ("POST /api", "200 max-age=1")]);
}

#[test]
fn absent_headers_are_empty_texts() {
    let inside = r#"location /api {
        set $o x;
        if ($http_origin !~ "^https://app") { set $o other; }
        if ($http_origin = "") { set $o none; }
        add_header Access-Control-Allow-Origin $o;
        return 200;
    }"#;
    check(inside, None, &[("GET /api", "200 allow-origin=none")]);
    check(inside, APP, &[("GET /api", "200 allow-origin=x")]);
    check(inside, Some("null"), &[("GET /api", "200 allow-origin=other")]);
}

#[test]
fn groups_of_patterns_are_variables() {
    let inside = r#"
        location ~ ^/api/(?<id>\d+)/(.*)$ { add_header Access-Control-Allow-Origin "$id-$2"; return 200; }
        location /b {
            if ($http_origin ~* "^(https?)://([a-z]+)\.") { set $o $1-$2; }
            add_header Access-Control-Allow-Origin $o;
            return 200;
        }"#;
    check(inside, APP, &[("GET /api/12/xy", "200 allow-origin=12-xy"), ("GET /b", "200 allow-origin=https-app")]);
    check(inside, None, &[("GET /b", "200")]);
}

#[test]
fn rewriting_leads_to_another_location_or_to_the_server_behind() {
    let inside = "
        location /api {
            add_header Access-Control-Allow-Origin a;
            rewrite ^/api/(.*)$ /v2/$1 last;
            return 403;
        }
        location /v2/x { add_header Access-Control-Allow-Origin x; return 200; }
        location /v2 { add_header Access-Control-Allow-Origin v2; return 201; }
        location /cut/ { rewrite ^/cut/(.*)$ /$1 break; proxy_pass http://a; }
        location /loop { add_header Access-Control-Allow-Origin l always; rewrite ^ /loop last; }
        location /put/ { proxy_pass http://a/inner/; }
        location /socket/ { proxy_pass http://unix:/run/a.sock:/inner/; }
        location /same/ { proxy_pass http://unix:/run/a.sock; }
        location /empty/ { proxy_pass http://unix:/run/a.sock:; }";
    check(
        inside,
        APP,
        &[
            ("GET /api/x", "200 allow-origin=x"),
            ("GET /api/y", "201 allow-origin=v2"),
            ("GET /api", "403"),
            ("GET /cut/x/y", "200 expose-headers=/x/y"),
            ("GET /put/x", "200 expose-headers=/inner/x"),
            ("GET /socket/x", "200 expose-headers=/inner/x"),
            ("GET /same/x", "200 expose-headers=/same/x"),
            ("GET /empty/x", "200 expose-headers=/empty/x"),
            ("GET /loop", "500 allow-origin=l"),
        ],
    );
}

#[test]
fn error_pages_answer_in_the_place_of_errors() {
    let inside = "
        error_page 404 @keep;
        location @keep { add_header Access-Control-Allow-Origin keep always; return 200 ok; }
        location /api { add_header Access-Control-Allow-Origin a always; return 404; }
        location /text { add_header Access-Control-Allow-Origin t always; return 404 text; }
        location /own { error_page 404 =201 @keep; return 404; }
        location /status { error_page 404 = @keep; return 404; }
        location /away { error_page 404 https://else.example/; return 404; }
        location /get {
            error_page 405 /e;
            return 405;
        }
        location /e {
            if ($request_method = GET) { add_header Access-Control-Allow-Origin get always; return 200 g; }
            return 200 o;
        }";
    check(
        inside,
        None,
        &[
            ("GET /api", "404 allow-origin=keep"),
            ("GET /text", "404 allow-origin=t"),
            ("GET /own", "201 allow-origin=keep"),
            ("GET /status", "200 allow-origin=keep"),
            ("GET /away", "302"),
            ("OPTIONS /get", "405 allow-origin=get"),
        ],
    );
}

#[test]
fn checks_come_after_return_and_limit_except_before() {
    let inside = "
        location /deny { deny all; add_header Access-Control-Allow-Origin d always; return 200; }
        location /denied { deny all; add_header Access-Control-Allow-Origin d always; proxy_pass http://a; }
        location /except { limit_except GET { deny all; } return 200; }
        location /basic { auth_basic x; proxy_pass http://a; }
        location /off { auth_basic off; proxy_pass http://a; }
        location = /no { return 403; }
        location /asked { auth_request /no; proxy_pass http://a; }
        location /inside { internal; return 200; }";
    check(
        inside,
        None,
        &[
            ("GET /deny", "200 allow-origin=d"),
            ("GET /denied", "403 allow-origin=d"),
            ("GET /except", "200"),
            ("HEAD /except", "200"),
            ("OPTIONS /except", "403"),
            ("OPTIONS /basic", "401"),
            ("OPTIONS /off", "200 expose-headers=/off"),
            ("GET /asked", "403"),
            ("GET /inside", "404"),
        ],
    );
}

#[test]
fn maps_are_looked_up_as_nginx_does() {
    let map = r#"
        map $http_origin $first { ~app pattern; "https://app.example.com" exact; "" empty; default d; }
        map $host $name { hostnames; default d; .example.com e; mail.* m; *.foo.org w; www.foo.org f; ~^x r; }
        map $http_origin $groups { "~^https://(?<n>[a-z]+)\.(.*)$" "$n/$2/$1"; }
        server { listen 80; location / {
            add_header Access-Control-Allow-Origin $first;
            add_header Access-Control-Expose-Headers $name;
            add_header Access-Control-Allow-Headers $groups;
            return 200; } }"#;
    let server = one(map);
    let ask = |origin: Option<&str>, host: &str| {
        let mut headers = vec![("host", host)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        told(&server, None, "GET /", &headers)
    };
    assert_eq!(
        ask(Some("https://app.example.com"), "a.example.com"),
        "200 allow-origin=exact expose-headers=e allow-headers=app/example.com/app"
    );
    assert_eq!(ask(None, "mail.foo"), "200 allow-origin=empty expose-headers=m");
    assert_eq!(ask(Some("http://app"), "WWW.foo.org"), "200 allow-origin=pattern expose-headers=f");
    assert_eq!(ask(Some("null"), "x.foo.org"), "200 allow-origin=d expose-headers=w");
    assert_eq!(ask(Some("null"), "xyz"), "200 allow-origin=d expose-headers=r");
}

#[test]
fn a_large_map_stays_flat() {
    let keys: String = (0..1400).map(|index| format!("\"https://a{index}.example\" $http_origin;\n")).collect();
    let text = format!(
        "map $http_origin $o {{ {keys} }} server {{ location / {{ add_header Access-Control-Allow-Origin $o; return 200; }} }}"
    );
    let server = one(&text);
    let origin = [("origin", "https://a1399.example")];
    assert_eq!(told(&server, None, "GET /", &origin), "200 allow-origin=https://a1399.example");
    assert_eq!(told(&server, None, "GET /", &[("origin", "https://b.example")]), "200");
}

#[test]
fn server_blocks_are_chosen_by_name_and_port() {
    let block = |listen: &str, names: &str, value: &str| {
        format!(
            "server {{ listen {listen}; server_name {names}; add_header Access-Control-Allow-Origin {value}; return 200; }}"
        )
    };
    let text = [
        block("80", "a.com *.b.com ~^r\\d", "one"),
        block("80 default_server", "_", "default"),
        block("80", "x.b.com www.*", "three"),
        block("80", ".c.com ~^x", "four"),
        block("443 ssl", "a.com", "secure"),
    ]
    .concat();
    let server = one(&text);
    for (host, expected) in [
        ("a.com:80", "one"),
        ("A.COM:80", "one"),
        ("y.b.com:80", "one"),
        ("x.b.com:80", "three"),
        ("r5:80", "one"),
        ("www.b.com:80", "one"),
        ("www.foo:80", "three"),
        ("c.com:80", "four"),
        ("z.c.com:80", "four"),
        ("xyz:80", "four"),
        ("b.com:80", "default"),
        ("a.com:443", "secure"),
        ("a.com", "secure"),
    ] {
        assert_eq!(told(&server, None, "GET /", &[("host", host)]), format!("200 allow-origin={expected}"), "{host}");
    }
    // A target in absolute form says the host, too.
    assert_eq!(told_target(&server, "http://z.c.com/"), "200 four");
    assert_eq!(told_target(&server, "https://a.com/"), "200 secure");
}

fn told_target(server: &Server, target: &str) -> String {
    let answer = Session::new(server, Environment::Unknown).answer(&Request::get(target));
    format!("{} {}", answer.status.unwrap(), answer.header("access-control-allow-origin").unwrap())
}

#[test]
fn what_nginx_would_not_start_with_is_told() {
    for (inside, why) in [
        ("location /api { return abc; }", "invalid return code \"abc\""),
        (
            "location /api { if ($a = b) { proxy_set_header A b; } }",
            "\"proxy_set_header\" directive is not allowed here",
        ),
        ("location /api { location /b { return 200; } }", "location \"/b\" is outside location \"/api\""),
        ("location /a { return 200; } location /a { return 201; }", "duplicate location \"/a\""),
        ("location /api { limit_except FOO { deny all; } }", "invalid method \"FOO\""),
        ("location /api { add_header X; }", "invalid number of arguments in \"add_header\" directive"),
        ("location /api { if ($a == b) { return 200; } }", "unexpected \"==\" in condition"),
        ("location /api { add_header X y }", "unexpected \"}\""),
        ("location /x { location @x { return 200; } }", "named location \"@x\" can be on the server level only"),
    ] {
        let (servers, ..) = read(&[("nginx.conf", &format!("server {{ listen 80; {inside} }}"))]);
        assert_eq!(servers[0].startup_error.as_ref().map(|(why, _)| why.as_str()), Some(why), "{inside}");
    }
}

const SNIPPET: &str =
    "add_header Access-Control-Allow-Origin $cors always;\nif ($request_method = OPTIONS) { return 204; }\n";

#[test]
fn includes_are_read_where_they_stand() {
    let (servers, problems, sources) = read(&[
        ("deploy/nginx.conf", "events {}\nhttp {\n include mime.types;\n include /etc/nginx/conf.d/*.conf;\n}\n"),
        (
            "deploy/conf.d/site.conf",
            "map $http_origin $cors { ~example $http_origin; }\nserver { location /api { include /etc/nginx/snippets/cors; return 200; } }\n",
        ),
        ("deploy/snippets/cors", SNIPPET),
        ("other/snippets/cors", "add_header Access-Control-Allow-Origin wrong;"),
    ]);
    assert!(problems.is_empty(), "{problems:?}");
    let names: Vec<_> = servers.iter().map(|server| sources.get(server.span.file).name.clone()).collect();
    assert_eq!(names, ["deploy/nginx.conf", "other/snippets/cors"]);
    assert!(servers[0].complete && !servers[1].complete);
    let origin = [("origin", "https://example.com")];
    assert_eq!(told(&servers[0], None, "OPTIONS /api", &origin), "204 allow-origin=https://example.com");
}

#[test]
fn a_snippet_alone_is_read_as_far_as_it_goes() {
    let (servers, ..) = read(&[("cors.conf", SNIPPET)]);
    assert!(!servers[0].complete && servers[0].startup_error.is_none());
    assert_eq!(told(&servers[0], None, "OPTIONS /", &[]), "204 allow-origin=?");
    let (servers, ..) = read(&[("cors.conf", "add_header Access-Control-Allow-Origin *;")]);
    // What stands behind is not known: neither its status nor what it sends.
    assert_eq!(told(&servers[0], None, "GET /", &[]).chars().next(), Some('?'));
}

#[test]
fn circles_and_missing_files_end() {
    let (servers, problems, _) = read(&[
        ("a.conf", "server { include b.conf; add_header Access-Control-Allow-Origin a; return 200; }"),
        ("b.conf", "include a.conf; include none/cors.conf;"),
    ]);
    assert!(problems.iter().any(|problem| problem.contains("includes itself")), "{problems:?}");
    assert!(problems.iter().any(|problem| problem.contains("none/cors.conf")), "{problems:?}");
    assert!(told(&servers[0], None, "GET /", &[]).starts_with("200 allow-origin"), "{servers:?}");
}

#[test]
fn templates_are_read_for_what_they_say() {
    let text = "server {\n  location / {\n{% if cors %}\n    add_header Access-Control-Allow-Origin {{ origin }} always;\n{% elif open %}\n\
                    add_header Access-Control-Allow-Origin * always;\n{% endif %}\n    return 200;\n  }\n}\n";
    let (servers, ..) = read(&[("site.j2", text)]);
    let server = &servers[0];
    assert_eq!(told(server, None, "GET /", &[]), "200 allow-origin=?");
    let ordinary = Session::ordinary(server, Environment::Unknown).answer(&Request::get("/"));
    assert_eq!(ordinary.worlds[0].headers.len(), 1, "one branch only");
    let (servers, ..) =
        read(&[("site.template", "server { add_header Access-Control-Allow-Origin ${CORS_ORIGIN}; return 200; }")]);
    let set = Environment::Only([("CORS_ORIGIN".to_owned(), "https://a.example".to_owned())].into());
    let answer = Session::new(&servers[0], set).answer(&Request::get("/"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"));
}

#[test]
fn lost_headers_are_told_with_what_drops_them() {
    let server = one(
        "server { add_header Access-Control-Allow-Origin *; add_header X-A 1; location /api { add_header X-B 1; return 200; } }",
    );
    let lost = server.remarks.iter().find_map(|remark| match &remark.kind {
        RemarkKind::LostWrites { lost, by, level, .. } => Some((lost.len(), by.len(), level.clone())),
        _ => None,
    });
    assert_eq!(lost, Some((2, 1, "location /api".to_owned())));
    let dead = one("server { location / { proxy_set_header Access-Control-Allow-Origin *; proxy_pass http://a; } }");
    assert!(dead.remarks.iter().any(|remark| matches!(remark.kind, RemarkKind::Dead { .. })));
}

#[test]
fn hostile_configurations_end_soon() {
    let deep = format!("server {{ {} return 200; {} }}", "location /a { ".repeat(500), "}".repeat(500));
    let many: String = (0..150).map(|index| format!("location ~ ^/{index} {{ rewrite ^/(.*)$ /x$1 last; }}")).collect();
    let variables: String = (0..200)
        .map(|index| format!("map $v{} $v{index} {{ a $v{}; b $v{}; }}", index + 1, index + 1, index + 1))
        .collect();
    let ifs: String = (0..300).map(|index| format!("if ($arg_{index}) {{ set $o \"$o{index}\"; }}")).collect();
    let pages: String =
        (0..100).map(|index| format!("location /{index} {{ error_page 404 500 502 /{}; }}", index + 1)).collect();
    for text in [
        deep,
        format!("server {{ {many} }}"),
        format!("{variables} server {{ location / {{ add_header Access-Control-Allow-Origin $v0; return 200; }} }}"),
        format!("server {{ location / {{ set $o a; {ifs} add_header Access-Control-Allow-Origin $o; return 200; }} }}"),
        format!("server {{ recursive_error_pages on; error_page 404 /1; {pages} }}"),
        // The page for an error that is not there is an error itself.
        "server { recursive_error_pages on; location / { error_page 403 = @none; return 403; } }".to_owned(),
        "server { location ~ ((((((((((a{1,100}){1,100}){1,100}){1,100}))))))) { return 200; } }".to_owned(),
        "if ( { } server { if () { return 1; } location { } add_header; return; set; map; rewrite a; }".to_owned(),
    ] {
        let (servers, ..) = read(&[("nginx.conf", &text)]);
        for server in &servers {
            Session::new(server, Environment::Unknown).answer(&Request::get("/1").with_origin("https://a.example"));
        }
    }
}

const INGRESS: &str = r#"apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  annotations:
    nginx.ingress.kubernetes.io/enable-cors: "true"
    nginx.ingress.kubernetes.io/cors-allow-origin: "https://*.example.com, https://other.example"
    nginx.ingress.kubernetes.io/cors-allow-methods: "GET, PUT"
    nginx.ingress.kubernetes.io/configuration-snippet: |
      more_set_headers "Access-Control-Expose-Headers: X-Total";
spec:
  rules:
    - host: api.example.com
      http:
        paths:
          - path: /api
            pathType: Prefix
            backend: { service: { name: api, port: { number: 3000 } } }
"#;

#[test]
fn ingress_annotations_become_what_the_controller_writes() {
    let (servers, _, sources) = read(&[("ingress.yaml", INGRESS)]);
    assert_eq!(servers.len(), 1);
    assert_eq!(servers[0].startup_error, None);
    let application = one("server { listen 80; location / { return 200; } }");
    let ask = |origin: &str, request: &str| told(&servers[0], Some(&application), request, &[("origin", origin)]);
    let preflight = ask("https://app.example.com", "OPTIONS /api");
    assert!(preflight.starts_with("204 "), "{preflight}");
    assert!(preflight.contains(" allow-origin=https://app.example.com allow-credentials=true allow-methods=GET, PUT"));
    assert!(preflight.ends_with("max-age=1728000"), "{preflight}");
    assert!(!ask("https://evil.example", "OPTIONS /api").contains("allow-origin"));
    assert!(ask("https://a.b.example.com", "GET /api").starts_with("200 expose-headers=X-Total"));
    // Places are those of the annotations.
    let mut places = Vec::new();
    each_effect(&servers[0], &mut |_, effect| {
        if let EffectKind::Write(write) = &effect.kind {
            places.push((write.name.to_string(), sources.text(effect.span)));
        }
    });
    let of = |name: &str| places.iter().find(|(other, _)| other == name).map(|(_, text)| text.as_str());
    assert_eq!(of("Access-Control-Allow-Methods"), Some("\"GET, PUT\""));
    assert_eq!(
        of("Access-Control-Expose-Headers"),
        Some("more_set_headers \"Access-Control-Expose-Headers: X-Total\";")
    );
}

#[test]
fn the_controllers_defaults_send_a_star_with_credentials() {
    let text = INGRESS
        .lines()
        .filter(|line| !line.contains("cors-allow-") && !line.contains("snippet") && !line.contains("more_set"));
    let text: String = text.flat_map(|line| [line, "\n"]).collect();
    let (servers, ..) = read(&[("ingress.yaml", &text)]);
    let answer = told(&servers[0], None, "OPTIONS /api", &[("origin", "https://evil.example")]);
    assert!(answer.starts_with("204 allow-origin=* allow-credentials=true"), "{answer}");
}

#[test]
fn configurations_in_a_config_map_are_read_in_place() {
    let text = "kind: ConfigMap\ndata:\n  other: x\n  default.conf: |\n    server {\n      location / {\n        add_header Access-Control-Allow-Origin *;\n        return 200;\n      }\n    }\n";
    let (servers, _, sources) = read(&[("map.yml", text)]);
    assert_eq!(told(&servers[0], None, "GET /", &[]), "200 allow-origin=*");
    each_effect(&servers[0], &mut |_, effect| {
        if matches!(effect.kind, EffectKind::Write(_)) {
            assert_eq!(sources.text(effect.span), "add_header Access-Control-Allow-Origin *;");
        }
    });
}

#[test]
fn templates_of_manifests_are_read_for_what_they_say() {
    let text = format!("{{{{- if .Values.ingress.enabled }}}}\n{INGRESS}{{{{- end }}}}\n");
    let text = text.replace("name: api\n", "name: {{ include \"app.fullname\" . }}\n");
    let (servers, ..) = read(&[("templates/ingress.yaml", &text)]);
    let answer = told(&servers[0], None, "OPTIONS /api", &[("origin", "https://app.example.com")]);
    assert!(answer.contains(" allow-origin=https://app.example.com "), "{answer}");

    // Who is let in comes with the values: neither nobody nor everybody.
    let origins = INGRESS.lines().find(|line| line.contains("cors-allow-origin")).unwrap();
    let open = text.replace(origins, "    nginx.ingress.kubernetes.io/cors-allow-origin: {{ .Values.origin | quote }}");
    let (servers, ..) = read(&[("templates/ingress.yaml", &open)]);
    let answer = told(&servers[0], None, "OPTIONS /api", &[("origin", "https://app.example.com")]);
    assert!(answer.contains("allow-origin=?"), "{answer}");
}

#[test]
fn annotations_in_the_values_of_a_chart_are_an_ingress_of_any_host() {
    let text = "ingress:\n  enabled: true\n  annotations:\n    nginx.ingress.kubernetes.io/enable-cors: \"true\"\n    nginx.ingress.kubernetes.io/cors-allow-origin: https://app.example.com\n";
    let (servers, ..) = read(&[("values.yaml", text)]);
    assert_eq!(servers.len(), 1);
    let answer = told(&servers[0], None, "OPTIONS /", &[("origin", "https://app.example.com")]);
    assert!(answer.starts_with("204 allow-origin=https://app.example.com"), "{answer}");
    let (servers, ..) = read(&[("values.yaml", "service:\n  annotations:\n    other: \"true\"\n")]);
    assert!(servers.is_empty());
}
