//! Holds what the model answers to what real servers answered, header by header.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::compare::{Tally, judge, report};
use common::observed::{Observation, load};
use corslint::eval::{Evaluator, Host, Repository};
use corslint::frameworks::express;
use corslint::model::Server;
use corslint::source::SourceSet;

/// Writes an observation's program into a folder of its own, with a manifest that names the version.
fn write_program(folder: &Path, observation: &Observation, version: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(&observation.file), &observation.config).unwrap();
    let manifest = serde_json::json!({ "dependencies": { "express": version, "cors": "2.8.6" } });
    std::fs::write(folder.join("package.json"), manifest.to_string()).unwrap();
}

fn express_servers(folder: &Path, file: &str) -> Vec<Server> {
    let sources = Arc::new(SourceSet::new(folder.to_owned()));
    let repository = Repository::new(sources, folder.to_owned());
    let hosts: [&dyn Host; 1] = [&express::Express];
    let mut evaluator = Evaluator::new(&repository, &hosts);
    evaluator.run_file(&folder.join(file)).expect("the program is read");
    express::extract(&mut evaluator).0
}

#[test]
fn express_answers_as_recorded() {
    report(&judge_all(&load("express")), 3.0);
}

/// The project's own recordings look for trouble: proxies, files, limits and bodies decide more of them.
#[test]
fn express_answers_as_recorded_by_the_project() {
    report(&judge_all(&load("express-more")), 6.0);
}

/// Programs as people write them, where the language itself decides: loops, exceptions, classes, state.
#[test]
fn express_answers_as_recorded_of_ordinary_programs() {
    report(&judge_all(&load("express-programs")), 6.0);
}

fn judge_all(observations: &[Observation]) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let mut tally = Tally::default();
    for (at, observation) in observations.iter().enumerate() {
        for version in observation.versions_of("express") {
            let program = folder.join(format!("{at}-{version}"));
            write_program(&program, observation, version);
            let servers = express_servers(&program, &observation.file);
            judge(&mut tally, observation, &servers);
        }
    }
    tally
}
