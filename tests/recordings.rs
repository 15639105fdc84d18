//! Are the recordings whole? Every test that plays them relies on what is checked here.

mod common;

use std::collections::BTreeSet;

use common::observed::{self, Answer, Outcome};

#[test]
fn every_file_loads_and_holds_something() {
    let names = observed::names();
    for framework in ["express", "flask", "nginx", "django", "fastapi", "fastify", "hono", "koa"] {
        assert!(names.iter().any(|name| name == framework), "no recordings of {framework}");
    }
    for name in names {
        let observations = observed::load(&name);
        assert!(!observations.is_empty(), "{name} is empty");
        for observation in observations {
            assert!(name.starts_with(&observation.framework), "{observation} lies in {name}");
            assert!(!observation.config.trim().is_empty(), "{observation} has no program");
            assert!(!observation.versions.is_empty(), "{observation} has no versions");
        }
    }
}

#[test]
fn no_program_is_recorded_twice_for_a_version() {
    // Also not in two files: what the project recorded itself adds to what was there.
    let mut seen = BTreeSet::new();
    for observation in observed::names().iter().flat_map(|name| observed::load(name)) {
        // The framework's own package tells the environments apart; flask-cors does for Flask.
        let package = if observation.framework == "flask" { "flask-cors" } else { &observation.framework };
        let versions = observation.versions_of(package);
        let unversioned = [String::new()];
        for version in if versions.is_empty() { &unversioned } else { versions } {
            let key = (observation.framework.clone(), observation.id.clone(), version.clone());
            assert!(seen.insert(key), "{observation} is there twice");
        }
    }
}

#[test]
fn a_program_that_starts_was_asked_something_and_one_that_does_not_was_not() {
    for name in observed::names() {
        for observation in observed::load(&name) {
            let asked = !observation.probes.is_empty() || !observation.matched.is_empty();
            assert_eq!(asked, observation.starts(), "{observation}: {}", observation.startup);
        }
    }
}

#[test]
fn probes_have_names_of_their_own_and_plausible_answers() {
    for name in observed::names() {
        for observation in observed::load(&name) {
            let mut seen = BTreeSet::new();
            for probe in &observation.probes {
                assert!(seen.insert(&probe.name), "{observation}: {} is there twice", probe.name);
                assert!(probe.request.path.starts_with('/'), "{observation}: {}", probe.name);
                for (header, _) in &probe.request.headers {
                    assert_eq!(*header, header.to_ascii_lowercase(), "{observation}: {}", probe.name);
                }
                match &probe.answer {
                    // nginx sends any three digits that `return` names.
                    Answer::Response { status, .. } => assert!((0..1000).contains(status), "{observation}: {status}"),
                    Answer::Failed(error) => assert!(!error.is_empty(), "{observation}"),
                }
            }
        }
    }
}

#[test]
fn blocked_attempts_say_why() {
    for name in observed::names() {
        for observation in observed::load(&name) {
            for attempt in &observation.browser {
                let Outcome::Blocked { cors_error, console, network, .. } = &attempt.outcome else { continue };
                if cors_error.is_some() {
                    let [line] = &console[..] else { panic!("{observation}: {console:?}") };
                    assert!(line.contains(&format!("from origin '{}'", attempt.origin)), "{observation}: {line}");
                    assert!(!line.contains("{}"), "{observation}: {line}");
                }
                assert!(!network.is_empty(), "{observation}: nothing was on the wire");
            }
        }
    }
}

#[test]
fn what_breaks_the_format_is_named() {
    let file = |observation: &str| {
        format!(
            r#"{{"framework":"x","versions":{{}},"requests":{{"get":["GET /"]}},"observations":[{{"id":"i","title":"t",
            "versions":{{"x":"1"}},"file":"f","config":["c"],"startup":"ok",{observation}}}]}}"#
        )
    };
    let good = observed::parse(&file(r#""probes":[{"to":["get"],"status":200,"headers":["A: b: c"]}]"#)).unwrap();
    assert_eq!(good[0].config, "c\n");
    assert_eq!(good[0].probes[0].answer.values("a"), ["b: c"]);
    for (bad, why) in [
        (r#""probes":[{"to":["put"],"status":200,"headers":[]}]"#, "no request is named"),
        (r#""probes":[{"to":["get"],"status":200,"headers":[],"error":"x"}]"#, "either status and headers, or error"),
        (r#""probes":[{"to":["get"],"status":200,"headers":["A"]}]"#, "is not `name: value`"),
        (r#""browser":[{"from":["null"],"attempts":[{"fetch":"get","ok":200}]}]"#, "no fetch is named"),
    ] {
        let error = observed::parse(&file(bad)).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}
