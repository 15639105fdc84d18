//! Holds what the model answers to what real Flask servers answered, header by header.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::compare::{Tally, judge, report};
use common::observed::{Observation, load};
use corslint::eval::{Evaluator, Host, Repository};
use corslint::frameworks::flask;
use corslint::model::Server;
use corslint::source::SourceSet;

/// Writes an observation's program into a folder of its own, with the requirements of its environment.
fn write_program(folder: &Path, observation: &Observation, flask_cors: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(&observation.file), &observation.config).unwrap();
    let flask = observation.versions_of("flask");
    let flask = flask.iter().find(|version| version.starts_with("2.") == flask_cors.starts_with("3."));
    let flask = flask.map_or("3.1.3", String::as_str);
    std::fs::write(folder.join("requirements.txt"), format!("Flask=={flask}\nflask-cors=={flask_cors}\n")).unwrap();
}

fn flask_servers(folder: &Path, file: &str) -> Vec<Server> {
    let sources = Arc::new(SourceSet::new(folder.to_owned()));
    let repository = Repository::new(sources, folder.to_owned());
    let hosts: [&dyn Host; 1] = [&flask::Flask];
    let mut evaluator = Evaluator::new(&repository, &hosts);
    evaluator.run_file(&folder.join(file)).expect("the program is read");
    flask::extract(&mut evaluator)
}

fn judge_all(name: &str) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let mut tally = Tally::default();
    for (at, observation) in load(name).iter().enumerate() {
        for version in observation.versions_of("flask-cors") {
            let program = folder.join(format!("{at}-{version}"));
            write_program(&program, observation, version);
            judge(&mut tally, observation, &flask_servers(&program, &observation.file));
        }
    }
    tally
}

#[test]
fn flask_answers_as_recorded() {
    report(&judge_all("flask"), 3.0);
}

/// The project's own recordings look for trouble.
#[test]
fn flask_answers_as_recorded_by_the_project() {
    report(&judge_all("flask-more"), 3.0);
}

/// Programs as people write them: decorators and hooks by hand, classes, loops, tables.
#[test]
fn flask_programs_answer_as_recorded() {
    report(&judge_all("flask-programs"), 3.0);
}

/// Views below one decorator are different views, though the wrapper around each has the same text.
#[test]
fn views_below_one_decorator_do_not_clash() {
    let program = r#"
from functools import wraps
from flask import Flask
app = Flask(__name__)

def authed(f):
    @wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs)
    return wrapper

@app.route("/a")
@authed
def a():
    return "a"

@app.route("/b")
@authed
def b():
    return "b"
"#;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    std::fs::write(folder.join("app.py"), program).unwrap();
    let servers = flask_servers(&folder, "app.py");
    assert_eq!(servers.len(), 1);
    assert_eq!(servers[0].startup_error, None);
}
