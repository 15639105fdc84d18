//! Holds a model's answers against recorded ones.

use std::collections::BTreeMap;

use corslint::cors::Request;
use corslint::model::{Answer, Environment, Outcome, Server, Session};

use super::observed::{Answer as Recorded, Observation, Probe};

/// How the answers to the probes fared.
#[derive(Default)]
pub struct Tally {
    /// Known, and as recorded.
    pub right: usize,
    /// Not known as a whole; what is known is as recorded.
    pub unknown: Vec<String>,
    /// Other than recorded.
    pub wrong: Vec<String>,
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

/// Plays every probe of an observation against the one server of its program.
pub fn judge(tally: &mut Tally, observation: &Observation, servers: &[Server]) {
    let server = servers.first().unwrap_or_else(|| panic!("{observation}: no server found"));
    let environment = BTreeMap::from([("PUBLIC_DIR".to_owned(), "/srv/public".to_owned())]);
    let mut session = Session::new(server, Environment::Only(environment));
    if !observation.starts() {
        match session.startup_error() {
            Some(text) if observation.startup.contains(text) => tally.right += 1,
            other => tally.wrong.push(format!("{observation}: {}, but the model says {other:?}", observation.startup)),
        }
        return;
    }
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

/// Fails where anything is wrong, or too much is unknown.
pub fn report(tally: &Tally, most_unknown_percent: f64) {
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
