//! Holds what the model answers to what real servers answered, header by header.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use common::observed::{Answer as Recorded, Observation, Probe, load};
use corslint::cors::Request;
use corslint::eval::{Evaluator, Host, Repository};
use corslint::frameworks::express;
use corslint::model::{Answer, Environment, Outcome, Server, Session};
use corslint::source::SourceSet;

/// How the answers to the probes fared.
#[derive(Default)]
struct Tally {
    right: usize,
    unknown: Vec<String>,
    wrong: Vec<String>,
}

/// The header lines that count, in the order sent.
fn deciding(headers: &[(String, String)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .filter(|(name, _)| name.starts_with("access-control-") || name == "vary")
        .collect()
}

fn compare(tally: &mut Tally, observation: &Observation, probe: &Probe, answer: &Answer) {
    let place = format!("{observation}: {}", probe.name);
    let (status, headers) = match &probe.answer {
        Recorded::Response { status, headers } => (*status, headers),
        Recorded::Failed(error) if error.contains("timeout") => {
            match answer.outcome {
                Outcome::Hangs => tally.right += 1,
                Outcome::Unknown => tally.unknown.push(format!("{place}: hangs")),
                other => tally.wrong.push(format!("{place}: hangs, but the model says {other:?} {:?}", answer.status)),
            }
            return;
        }
        Recorded::Failed(error) => {
            match answer.outcome {
                Outcome::Closed => tally.right += 1,
                Outcome::Unknown => tally.unknown.push(format!("{place}: {error}")),
                other => tally.wrong.push(format!("{place}: {error}, but the model says {other:?}")),
            }
            return;
        }
    };
    let expected = deciding(headers);
    let given = deciding(&answer.headers);
    let known = |name: &str| !answer.unknown.iter().any(|unknown| unknown == name);
    let known_of = |lines: &[(String, String)]| -> Vec<(String, String)> {
        lines.iter().filter(|(name, _)| known(name)).cloned().collect()
    };
    let right = known_of(&expected) == known_of(&given)
        && answer.status.is_none_or(|given| given == status)
        && matches!(answer.outcome, Outcome::Answered | Outcome::Unknown);
    if !right {
        tally.wrong.push(format!(
            "{place}\n  recorded {status} {expected:?}\n  model    {:?} {given:?} unknown {:?}",
            answer.status, answer.unknown
        ));
    } else if answer.status.is_none() || !answer.unknown.is_empty() || answer.outcome == Outcome::Unknown {
        tally.unknown.push(format!("{place}: status {:?}, unknown {:?}", answer.status, answer.unknown));
    } else {
        tally.right += 1;
    }
}

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
    express::extract(&mut evaluator)
}

fn judge(tally: &mut Tally, observation: &Observation, servers: &[Server]) {
    let server = servers.first().unwrap_or_else(|| panic!("{observation}: no server found"));
    if !observation.starts() {
        match &server.startup_error {
            Some((text, _)) if observation.startup.contains(text.as_str()) => tally.right += 1,
            other => tally.wrong.push(format!("{observation}: {}, but the model says {other:?}", observation.startup)),
        }
        return;
    }
    let environment = BTreeMap::from([("PUBLIC_DIR".to_owned(), "/srv/public".to_owned())]);
    let mut session = Session::new(server, Environment::Only(environment));
    for probe in &observation.probes {
        let mut request = Request::new(probe.request.method.clone(), probe.request.path.clone());
        request.headers = probe.request.headers.clone();
        // Bodies are not written down but for their kind; 30 bytes are more than any limit that a record sets.
        if request.header("content-type").is_some() && request.method == "POST" {
            let length = if probe.name.contains("too large") { "30" } else { "1" };
            request.headers.push(("content-length".into(), length.into()));
        }
        let answer = session.answer(&request);
        compare(tally, observation, probe, &answer);
    }
}

fn report(tally: &Tally, most_unknown_percent: f64) {
    let all = tally.right + tally.unknown.len() + tally.wrong.len();
    println!("{} right, {} unknown, {} wrong of {all}", tally.right, tally.unknown.len(), tally.wrong.len());
    for line in tally.unknown.iter().chain(&tally.wrong) {
        println!("{line}");
    }
    assert!(all > 0, "nothing was compared");
    assert!(tally.wrong.is_empty(), "{} answers are wrong", tally.wrong.len());
    let percent = 100.0 * tally.unknown.len() as f64 / all as f64;
    assert!(percent <= most_unknown_percent, "{percent:.1} % are unknown");
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
