use std::path::{Path, PathBuf};

use super::*;
use crate::frameworks::nginx::{Version, extract, matches_glob};
use crate::model::{Dispatch, Environment, Group, Listen};
use crate::source::FileId;

/// Files, and servers that nginx configurations among them make; `app` files are servers that listen on a port.
fn project(files: &[(&str, &str)], apps: &[(&str, u16)], configured: &[(&str, &str)]) -> (Project, SourceSet) {
    let sources = SourceSet::new(PathBuf::from("/r"));
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
    let around = Surroundings { sources: &sources, find: &find, configured };
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

fn told((project, sources): &(Project, SourceSet)) -> Vec<(String, KnownBy)> {
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
