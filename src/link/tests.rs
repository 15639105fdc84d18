use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::frameworks::nginx::{Version, extract, matches_glob};
use crate::model::{Dispatch, Environment, Group, Listen};
use crate::source::FileId;

/// Files, and servers that nginx configurations among them make; `app` files are servers that listen on a port.
fn project(files: &[(&str, &str)], apps: &[(&str, u16)], configured: &[(&str, &str)]) -> (Project, Arc<SourceSet>) {
    let sources = Arc::new(SourceSet::new(PathBuf::from("/r")));
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| Path::new("/r").join(name)).collect();
    for (path, (_, text)) in paths.iter().zip(files) {
        sources.add(path, (*text).to_owned());
    }
    let find = |name: &str| -> Vec<PathBuf> {
        let matches = |path: &&PathBuf| matches_glob(path.file_name().unwrap().to_str().unwrap(), name);
        paths.iter().filter(matches).cloned().collect()
    };
    let configurations: Vec<PathBuf> =
        paths.iter().filter(|path| path.extension().is_some_and(|end| end == "conf")).cloned().collect();
    let (mut servers, _) = extract(&sources, &configurations, &find, Version::default());
    for (name, port) in apps {
        let file = sources.add(&Path::new("/r").join(name), String::new()).id;
        servers.push(app(file, *port));
    }
    let root = Path::new("/r");
    let configured = configured.iter().map(|(from, to)| (root.join(from), root.join(to))).collect();
    let around = Surroundings { sources: &sources, root: root.to_owned(), find: &find, configured };
    (join(servers, &around), sources)
}

fn app(file: FileId, port: u16) -> Server {
    let span = Span::new(file, 0, 0);
    Server {
        framework: "express",
        runtime: String::new(),
        span,
        complete: true,
        root: Group::new(Dispatch::Plain, span),
        outgoing: Vec::new(),
        listens: vec![Listen { port: Some(port), span }],
        startup_error: None,
        remarks: Vec::new(),
        files: vec![file],
    }
}

fn told((project, sources): &(Project, Arc<SourceSet>)) -> Vec<(String, KnownBy)> {
    let name = |index: usize| sources.get(project.servers[index].span.file).name.clone();
    project.links.iter().map(|link| (name(link.to), link.known_by)).collect()
}

const COMPOSE: &str =
    "services:\n  web:\n    build: ./web\n  api:\n    build: { context: services/api }\n  db:\n    image: postgres\n";

fn proxy(address: &str) -> String {
    format!("upstream backend {{ server api:3000; }}\nserver {{ location / {{ proxy_pass {address}; }} }}")
}

#[test]
fn a_service_of_a_compose_file_leads_to_its_folder() {
    for address in ["http://api:3000", "http://backend/x", "http://api:9999"] {
        let text = proxy(address);
        let files = [("docker-compose.yml", COMPOSE), ("nginx/site.conf", text.as_str())];
        let apps = [("services/api/server.js", 3000), ("web/server.js", 3000)];
        let joined = project(&files, &apps, &[]);
        assert_eq!(told(&joined), [("services/api/server.js".to_owned(), KnownBy::ServiceName)], "{address}");
        assert!(joined.0.session(0, Environment::Unknown).is_some());
    }
}

#[test]
fn somebody_elses_image_is_no_server_of_the_project() {
    let text = proxy("http://db:5432");
    let joined = project(&[("docker-compose.yml", COMPOSE), ("site.conf", &text)], &[("app.js", 5432)], &[]);
    assert_eq!(told(&joined), []);
}

#[test]
fn a_port_leads_to_the_one_server_that_listens_there() {
    let text = proxy("http://127.0.0.1:5000/");
    let joined = project(&[("site.conf", &text)], &[("app.py", 5000), ("other.py", 5001)], &[]);
    assert_eq!(told(&joined), [("app.py".to_owned(), KnownBy::Port)]);
    let twice = project(&[("a/site.conf", &text)], &[("a/app.py", 5000), ("b/app.py", 5000)], &[]);
    assert_eq!(told(&twice), [("a/app.py".to_owned(), KnownBy::Port)]);
    let both = project(&[("site.conf", &text)], &[("a/app.py", 5000), ("b/app.py", 5000)], &[]);
    assert_eq!(told(&both), [], "either may be meant");
    let elsewhere = project(&[("site.conf", &proxy("https://api.example.com:5000"))], &[("app.py", 5000)], &[]);
    assert_eq!(told(&elsewhere), []);
}

#[test]
fn what_is_configured_counts_first() {
    let text = proxy("http://127.0.0.1:5000/");
    let apps = [("services/api/app.py", 8000), ("app.py", 5000)];
    let joined = project(&[("deploy/site.conf", &text)], &apps, &[("deploy/site.conf", "services/api")]);
    assert_eq!(told(&joined), [("services/api/app.py".to_owned(), KnownBy::Configured)]);
}

#[test]
fn variables_of_an_address_are_those_of_the_compose_file() {
    let compose = "x-common: &common\n  API_HOST: api\n  API_PORT: 3000\nservices:\n  proxy:\n    image: nginx\n    \
                   volumes: [./nginx:/etc/nginx/conf.d]\n    environment:\n      <<: *common\n      API_ADDRESS: api:3000\n  \
                   api:\n    build: ./api\n    environment: { <<: *common }\n";
    let apps = [("api/server.js", 3000), ("web/server.js", 3000)];
    for address in ["http://${API_HOST}:${API_PORT}", "http://$API_ADDRESS/x", "http://${API_ADDRESS}$request_uri"] {
        let text = format!("server {{ location / {{ proxy_pass {address}; }} }}");
        let joined = project(&[("docker-compose.yml", compose), ("nginx/site.conf", &text)], &apps, &[]);
        assert_eq!(told(&joined), [("api/server.js".to_owned(), KnownBy::ServiceName)], "{address}");
    }
    let unset = "server { location / { proxy_pass http://${OTHER}:3000; } }";
    let joined = project(&[("docker-compose.yml", compose), ("nginx/site.conf", unset)], &apps, &[]);
    assert_eq!(told(&joined), []);
}

#[test]
fn a_variable_leads_where_it_was_set_to() {
    let files = |pass: &str| format!("server {{ location / {{ set $upstream http://api:3000; proxy_pass {pass}; }} }}");
    for pass in ["$upstream", "$upstream$request_uri", "$upstream/v1$is_args$args"] {
        let text = files(pass);
        let joined =
            project(&[("docker-compose.yml", COMPOSE), ("site.conf", &text)], &[("services/api/a.js", 1)], &[]);
        assert_eq!(told(&joined), [("services/api/a.js".to_owned(), KnownBy::ServiceName)], "{pass}");
    }
    let asked = "server { location / { proxy_pass http://$host:3000; } }";
    let joined = project(&[("docker-compose.yml", COMPOSE), ("site.conf", asked)], &[("services/api/a.js", 1)], &[]);
    assert_eq!(told(&joined), []);
}

#[test]
fn an_upstream_leads_to_what_all_its_servers_are() {
    let apps = [("services/api/server.js", 3000), ("web/server.js", 3001)];
    let api = [("services/api/server.js".to_owned(), KnownBy::ServiceName)];
    let by_port = [("services/api/server.js".to_owned(), KnownBy::Port)];
    for (servers, expected) in [
        ("server api:3000; server api:3001;", &api[..]),
        ("server api:3000; server web:3000;", &[]),
        ("server api:3000; server web:3000 backup;", &api[..]),
        ("server web:3000 down; server api:3000;", &api[..]),
        ("server api:3000; server api.example.com:443;", &[]),
        ("server 127.0.0.1:3000; server 127.0.0.1:4000;", &by_port[..]),
        ("server 127.0.0.1:3000; server 127.0.0.1:3001;", &[]),
        ("server api:3000 weight=3 max_fails=2; keepalive 8;", &api[..]),
    ] {
        let text = format!("upstream all {{ {servers} }} server {{ location / {{ proxy_pass http://all; }} }}");
        let joined = project(&[("docker-compose.yml", COMPOSE), ("site.conf", &text)], &apps, &[]);
        assert_eq!(told(&joined), expected, "{servers}");
    }
}

#[test]
fn each_example_of_a_repository_has_services_of_its_own() {
    let compose = "services:\n  backend:\n    build: backend\n";
    let text = proxy("http://backend:8000");
    let files = [
        ("one/compose.yaml", compose),
        ("one/nginx.conf", text.as_str()),
        ("two/compose.yaml", compose),
        ("two/nginx.conf", text.as_str()),
    ];
    let joined = project(&files, &[("one/backend/app.py", 8000), ("two/backend/app.py", 8000)], &[]);
    assert_eq!(
        told(&joined),
        [
            ("one/backend/app.py".to_owned(), KnownBy::ServiceName),
            ("two/backend/app.py".to_owned(), KnownBy::ServiceName)
        ]
    );
}

#[test]
fn a_command_says_which_program_of_a_folder_runs() {
    let text = proxy("http://api:8000");
    let apps = [("src/admin.py", 1), ("src/shop/web.py", 2), ("client/server.js", 3)];
    for (compose, dockerfile) in [
        ("services:\n  api:\n    build: .\n    command: gunicorn -b :8000 shop.web:app\n", "FROM python\n"),
        ("services:\n  api:\n    build: .\n", "FROM python\nWORKDIR /src\nCMD [\"python\", \"shop/web.py\"]\n"),
        ("services:\n  api:\n    build: .\n", "FROM python\nCOPY src/shop /srv\n"),
        ("services:\n  api:\n    extends: { file: base.yml, service: any }\n", "FROM python\n"),
        ("include: [base.yml]\nservices: {}\n", "FROM python\n"),
    ] {
        let base = "services:\n  any: { build: src, command: python -m shop.web }\n  \
                    api: { build: src, command: sh -c 'sleep 1 && python shop/web.py' }\n";
        let files = [
            ("docker-compose.yml", compose),
            ("base.yml", base),
            ("Dockerfile", dockerfile),
            ("src/admin.py", ""),
            ("src/shop/web.py", ""),
            ("nginx/site.conf", text.as_str()),
        ];
        let joined = project(&files, &apps, &[]);
        assert_eq!(told(&joined), [("src/shop/web.py".to_owned(), KnownBy::ServiceName)], "{compose}{dockerfile}");
    }
}

#[test]
fn what_listens_on_the_machine_is_started_by_somebody() {
    let text = proxy("http://127.0.0.1:8000");
    let apps = [("api/app.py", 5000), ("web/server.js", 3000)];
    for (name, content) in [
        ("docker-compose.yml", "services:\n  api:\n    build: api\n    ports: ['8000:5000']\n"),
        ("api/Procfile", "web: gunicorn --bind 127.0.0.1:8000 app:app\n"),
        ("deploy/api.service", "[Service]\nExecStart=/srv/venv/bin/gunicorn -b 127.0.0.1:8000 api.app:app\n"),
        ("api/Dockerfile", "FROM python\nCMD gunicorn -b :8000 app:app\n"),
    ] {
        let files = [("site.conf", text.as_str()), ("api/app.py", ""), (name, content)];
        let joined = project(&files, &apps, &[]);
        assert_eq!(told(&joined), [("api/app.py".to_owned(), KnownBy::Port)], "{name}");
    }
    let socket = "server { location / { proxy_pass http://unix:/run/shop.sock; } }";
    let files =
        [("site.conf", socket), ("api/app.py", ""), ("api/Procfile", "web: gunicorn -b unix:shop.sock app:app\n")];
    assert_eq!(told(&project(&files, &apps, &[])), [("api/app.py".to_owned(), KnownBy::Port)]);
}

#[test]
fn files_of_settings_say_what_runs_and_where_it_listens() {
    let text = proxy("http://127.0.0.1:8000");
    let apps = [("api/app.py", 1), ("admin/app.py", 2), ("api/web.js", 3)];
    let pm2 = "const port = Number(process.env.PORT || 8000);\nmodule.exports = { apps: [\n  { name: 'api', cwd: './api', \
               script: 'app.py', interpreter: 'python3', env: { PORT: 1 }, env_production: { PORT: port } },\n  \
               { name: 'web', script: 'api/web.js', env: { PORT: 3 } }\n] };\n";
    let json = r#"{ "apps": [ { "script": "npm", "args": "start", "cwd": "web", "env": { "PORT": "1" } },
        { "script": "gunicorn", "args": ["-b", ":8000", "app:app"], "cwd": "/srv/api" } ] }"#;
    for (name, content) in [
        ("ecosystem.config.js", pm2),
        ("deploy/ecosystem.config.cjs", &pm2.replace("./api", "../api")),
        ("ecosystem.json", json),
        ("process.yml", "apps:\n- script: ./api/app.py\n  env: { PORT: 8000 }\n- script: ./admin/app.py\n"),
        ("api/uwsgi.ini", "[uwsgi]\nmodule = app:app\nhttp = 0.0.0.0:8000\n"),
        ("deploy/api.ini", "[uwsgi]\nchdir = /srv/api\nwsgi-file = app.py\nhttp-socket = :8000\n"),
        ("deploy/api.service", "[Service]\nWorkingDirectory=/srv/api\nExecStart=/usr/bin/gunicorn -b :8000 app:app\n"),
        (
            "api.service",
            "[Service]\nEnvironment=\"PORT=8000\"\nWorkingDirectory=/srv/api\nExecStart=/usr/bin/python app.py\n",
        ),
        ("supervisor.conf", "[program:api]\ndirectory=/srv/api\ncommand=gunicorn -b 127.0.0.1:8000 app:app\n"),
        ("api/Dockerfile", "FROM python\nENV PORT=8000\nCMD python app.py\n"),
    ] {
        let files = [
            ("site.conf", text.as_str()),
            (name, content),
            ("api/app.py", ""),
            ("admin/app.py", ""),
            ("api/web.js", ""),
        ];
        let joined = project(&files, &apps, &[]);
        assert_eq!(told(&joined), [("api/app.py".to_owned(), KnownBy::Port)], "{name}");
    }
    for settings in [
        "bind = '127.0.0.1:8000'\n",
        "import os\nbind = '127.0.0.1:' + os.environ.get('PORT', '8000')\n",
        "bind = ['unix:x.sock', ':8000']\n",
    ] {
        for (procfile, file) in [
            ("web: gunicorn -c settings.py app:app\n", "api/settings.py"),
            ("web: gunicorn app:app\n", "api/gunicorn.conf.py"),
        ] {
            let files =
                [("site.conf", text.as_str()), ("api/Procfile", procfile), (file, settings), ("api/app.py", "")];
            let joined = project(&files, &apps, &[]);
            assert_eq!(told(&joined), [("api/app.py".to_owned(), KnownBy::Port)], "{file} {settings}");
        }
    }
}

#[test]
fn a_socket_of_uwsgi_leads_to_what_its_settings_name() {
    let ini = "[uwsgi]\nmodule = app\ncallable = application\nsocket = /run/shop.sock\n";
    let text = "server { location / { uwsgi_pass unix:///run/shop.sock; } }";
    let apps = [("api/app.py", 1), ("api/other.py", 2)];
    let files = [("site.conf", text), ("api/uwsgi.ini", ini), ("api/app.py", ""), ("api/other.py", "")];
    assert_eq!(told(&project(&files, &apps, &[])), [("api/app.py".to_owned(), KnownBy::Port)]);
    let compose = "services:\n  api: { build: api }\n";
    let image = "FROM python\nCMD [\"uwsgi\", \"--ini\", \"/srv/uwsgi.ini\"]\n";
    let text = "server { location / { uwsgi_pass api:3031; } }";
    let files = [
        ("site.conf", text),
        ("compose.yaml", compose),
        ("api/Dockerfile", image),
        ("api/uwsgi.ini", ini),
        ("api/app.py", ""),
        ("api/other.py", ""),
    ];
    assert_eq!(told(&project(&files, &apps, &[])), [("api/app.py".to_owned(), KnownBy::ServiceName)]);
}

#[test]
fn a_workspace_and_a_list_say_which_program_of_a_folder_a_service_is() {
    let text = proxy("http://api:3000");
    let apps = [("packages/api/server.js", 1), ("packages/admin/server.js", 2)];
    let list = "module.exports = { apps: [ { script: './packages/api/server.js', env: { PORT: 3000 } }, \
                { script: './packages/admin/server.js', env: { PORT: 3001 } } ] };\n";
    for command in [
        "yarn workspace @shop/api start",
        "npm run start --workspace=packages/api",
        "npm --prefix packages/api start",
        "sh -c 'cd packages/api && npm start'",
        "pm2-runtime ecosystem.config.js",
        "pm2-runtime start ecosystem.config.js --env production",
    ] {
        let compose = format!("services:\n  api: {{ build: ., command: \"{command}\" }}\n");
        let files = [
            ("site.conf", text.as_str()),
            ("compose.yaml", compose.as_str()),
            ("ecosystem.config.js", list),
            ("packages/api/package.json", r#"{ "name": "@shop/api", "scripts": { "start": "node server.js" } }"#),
            ("packages/admin/package.json", r#"{ "name": "@shop/admin", "scripts": { "start": "node server.js" } }"#),
            ("packages/api/server.js", ""),
            ("packages/admin/server.js", ""),
        ];
        let joined = project(&files, &apps, &[]);
        assert_eq!(told(&joined), [("packages/api/server.js".to_owned(), KnownBy::ServiceName)], "{command}");
    }
}

#[test]
fn a_link_of_a_service_is_one_more_name() {
    let compose = "services:\n  web: { image: nginx, links: ['api:backend'] }\n  api: { build: services/api }\n";
    let text = "server { location / { proxy_pass http://backend:3000; } }";
    let files = [("docker-compose.yml", compose), ("site.conf", text)];
    let joined = project(&files, &[("services/api/a.js", 3000), ("b.js", 3000)], &[]);
    assert_eq!(told(&joined), [("services/api/a.js".to_owned(), KnownBy::ServiceName)]);
}

#[test]
fn a_service_of_kubernetes_leads_to_the_folder_of_its_image() {
    let manifest = "apiVersion: v1\nkind: Service\nmetadata: { name: shop-api }\nspec:\n  selector: { app: shop }\n---\n\
                    apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: shop }\nspec:\n  template:\n    \
                    metadata: { labels: { app: shop } }\n    spec:\n      containers:\n      - image: example.com/x/api:1\n";
    for host in ["shop-api", "shop-api.default.svc.cluster.local"] {
        let text = format!("server {{ location / {{ proxy_pass http://{host}:80; }} }}");
        let files = [("k8s/api.yaml", manifest), ("api/Dockerfile", "FROM node\n"), ("site.conf", text.as_str())];
        let joined = project(&files, &[("api/server.js", 3000), ("web/server.js", 80)], &[]);
        assert_eq!(told(&joined), [("api/server.js".to_owned(), KnownBy::ServiceName)], "{host}");
    }
}

#[test]
fn a_service_of_kubernetes_whose_image_is_built_elsewhere_leads_to_the_port_of_its_pods() {
    let text = "server { location / { proxy_pass http://shop-api:80; } }";
    for (ports, expected) in [
        ("[{ port: 80, targetPort: 3000 }]", &[("src/server.js".to_owned(), KnownBy::Port)][..]),
        ("[{ port: 80, targetPort: http }]", &[]),
        ("[{ port: 81, targetPort: 3000 }]", &[]),
        ("[{ port: 80 }]", &[]),
    ] {
        let manifest = format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{ name: shop-api }}\nspec: {{ selector: {{ app: x }}, ports: {ports} }}\n"
        );
        let files = [("k8s/api.yaml", manifest.as_str()), ("site.conf", text)];
        let joined = project(&files, &[("src/server.js", 3000), ("web/server.js", 8080)], &[]);
        assert_eq!(told(&joined), expected, "{ports}");
    }
}

#[test]
fn every_proxy_listens_on_the_usual_ports() {
    let text = proxy("http://somewhere:80");
    let other = "server { listen 80; root /srv; }";
    let joined = project(&[("a/site.conf", &text), ("b/other.conf", other)], &[], &[]);
    assert_eq!(told(&joined), []);
}
