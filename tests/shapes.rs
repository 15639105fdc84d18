//! The same policy, written for each framework, gives the same answers: `fixtures/<framework>/shapes/`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use corslint::cors::Request;
use corslint::frameworks::analysis::{Input, servers};
use corslint::model::{Environment, Session};
use corslint::source::{SourceSet, Tree};
use corslint::syntax::{language_of, lower};

const ORIGINS: [&str; 7] = [
    "https://app.example.com",
    "https://admin.example.com",
    "https://evil.example.net",
    "https://evilexample.com",
    "https://app.example.com.evil.net",
    "http://app.example.com",
    "null",
];

/// The requests that every shape is asked.
fn requests() -> Vec<Request> {
    let mut requests = vec![Request::get("/api")];
    for origin in ORIGINS {
        requests.push(Request::get("/api").with_origin(origin));
        requests.push(Request::preflight("/api", origin, "PUT", &["authorization"]));
    }
    requests.into_iter().map(|request| request.with_header("Host", "localhost")).collect()
}

/// The lines that decide CORS, in no order: frameworks write them in their own. A line without a value is no line.
fn answers(folder: &Path, file: &Path) -> Vec<BTreeSet<(String, String)>> {
    let sources = Arc::new(SourceSet::new(folder.to_owned()));
    let mut input = Input::default();
    match language_of(file) {
        Some(kind) => {
            let source = sources.load(file).unwrap();
            input.programs.push((file.to_owned(), source.id, Arc::new(lower(kind, source.id, &source.text))));
        }
        None => input.nginx.push(file.to_owned()),
    }
    let (servers, problems) = servers(&sources, folder, &Tree::new(folder.to_owned()), input);
    assert!(problems.is_empty(), "{}: {problems:?}", file.display());
    let [server] = servers.as_slice() else { panic!("{}: {} servers", file.display(), servers.len()) };
    let mut session = Session::new(server, Environment::Only(BTreeMap::new()));
    let mut answers = Vec::new();
    for request in requests() {
        let answer = session.answer(&request);
        let decides =
            |name: &str| name.to_ascii_lowercase().starts_with("access-control-") || name.eq_ignore_ascii_case("vary");
        let open: Vec<_> = answer.unknown.iter().filter(|name| decides(name)).collect();
        assert!(open.is_empty(), "{}: {open:?} is not known of {request:?}", file.display());
        let lines = answer.headers.into_iter().filter(|(name, value)| decides(name) && !value.is_empty());
        answers.push(lines.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect());
    }
    answers
}

#[test]
fn every_shape_is_the_same_in_every_framework() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut shapes = 0;
    for entry in std::fs::read_dir(fixtures.join("express/shapes")).unwrap() {
        let express = entry.unwrap().path();
        let name = express.file_stem().unwrap().to_str().unwrap().to_owned();
        let expected = answers(express.parent().unwrap(), &express);
        for (framework, ending) in [("flask", "py"), ("nginx", "conf")] {
            let folder = fixtures.join(framework).join("shapes");
            let other = answers(&folder, &folder.join(format!("{name}.{ending}")));
            for ((request, expected), other) in requests().iter().zip(&expected).zip(&other) {
                assert_eq!(expected, other, "{name}: express and {framework} differ on {request:?}");
            }
        }
        shapes += 1;
    }
    assert!(shapes >= 7, "only {shapes} shapes");
}
