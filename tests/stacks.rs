//! Stacks of `fixtures/stacks/`: is it found what stands behind the proxy, do both together answer as they did when
//! they were recorded, and is reported what the comments in their files say?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

use corslint::config::{Config, Settings};
use corslint::cors::{Request, headers};
use corslint::engine::{self, Servers};
use corslint::finding::Severity;
use corslint::model::{Answer, Behind, Environment, KnownBy, Outcome, Session};
use serde::Deserialize;

/// How many answers may stay unknown, as a whole or in a header.
const UNKNOWN_PERCENT: usize = 2;

#[derive(Deserialize)]
struct Recorded {
    link: String,
    #[serde(default)]
    requests: BTreeMap<String, Vec<String>>,
    answers: Vec<Row>,
    down: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    to: Vec<String>,
    status: u16,
    headers: Vec<String>,
}

#[derive(Default)]
struct Tally {
    right: usize,
    unknown: Vec<String>,
    wrong: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stacks")
}

fn stacks() -> Vec<(String, PathBuf)> {
    let folders = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut stacks: Vec<_> = folders.map(|path| (name(&path), path)).collect();
    stacks.sort();
    stacks
}

fn settings(folder: &Path) -> Settings {
    let mut settings = Settings::new(folder, [folder.to_owned()]);
    let file = folder.join("corslint.toml");
    if file.exists() {
        settings.config = Config::load(&file).unwrap();
    }
    settings
}

fn load<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A request by its lines; the recorder's nginx listened at this host.
fn request(lines: &[String]) -> Request {
    let (method, path) = lines[0].split_once(' ').unwrap();
    let request = Request::new(method, path).with_header("host", "localhost:8102");
    lines[1..]
        .iter()
        .map(|line| line.split_once(": ").unwrap())
        .fold(request, |request, (name, value)| request.with_header(name, value))
}

fn decides(name: &str) -> bool {
    headers::RESPONSE.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn hold(tally: &mut Tally, what: String, row: &Row, answer: &Answer) {
    if answer.outcome == Outcome::Unknown {
        tally.unknown.push(what);
        return;
    }
    let unknown = |name: &str| answer.unknown.iter().any(|unknown| unknown.eq_ignore_ascii_case(name));
    let recorded = row.headers.iter().map(|line| line.split_once(": ").unwrap_or((line.trim_end_matches(':'), "")));
    let recorded: Vec<_> = recorded.filter(|(name, _)| decides(name) && !unknown(name)).collect();
    let given = answer.headers.iter().filter(|(name, _)| decides(name) && !unknown(name));
    let given: Vec<_> = given.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let same = recorded.len() == given.len()
        && recorded.iter().zip(&given).all(|(one, other)| one.0.eq_ignore_ascii_case(other.0) && one.1 == other.1);
    if answer.outcome != Outcome::Answered || answer.status.is_some_and(|status| status != row.status) || !same {
        let got = (answer.outcome, answer.status);
        tally.wrong.push(format!("{what}: {got:?} {given:?} and not {} {recorded:?}", row.status));
    } else if answer.status.is_none() || answer.unknown.iter().any(|name| decides(name)) {
        tally.unknown.push(what);
    } else {
        tally.right += 1;
    }
}

fn play(name: &str, folder: &Path, tally: &mut Tally) {
    let recorded: Recorded = load(&folder.join("recorded.json"));
    let mut requests: BTreeMap<String, Vec<String>> = load(&root().join("requests.json"));
    requests.extend(recorded.requests);
    let servers: Servers = engine::servers(&settings(folder));
    assert!(servers.problems.is_empty(), "{name}: {:?}", servers.problems);
    let project = &servers.project;
    let [link] = project.links[..] else { panic!("{name}: {} links", project.links.len()) };
    let known_by = match link.known_by {
        KnownBy::Configured => "configured",
        KnownBy::ServiceName => "service-name",
        KnownBy::Port => "port",
    };
    assert_eq!(known_by, recorded.link, "{name}");
    assert_eq!(project.servers[link.from].framework, "nginx", "{name}");
    assert_eq!(Some(project.servers[link.to].framework), name.split('-').next(), "{name}");
    for (phase, rows) in [("", &recorded.answers), ("down: ", &recorded.down)] {
        for row in rows {
            for to in &row.to {
                let mut session = match phase {
                    "" => project.session(link.from, Environment::Unknown).unwrap(),
                    _ => Session::new(&project.servers[link.from], Environment::Unknown)
                        .with_behind(link.at, Behind::Nobody),
                };
                if phase == "down: " {
                    // It was asked all of them while the application ran.
                    session.answer(&request(&requests[to]));
                }
                let answer = session.answer(&request(&requests[to]));
                hold(tally, format!("{name}: {phase}{to}"), row, &answer);
            }
        }
    }
}

#[test]
fn stacks_answer_as_recorded() {
    let stacks = stacks();
    let mut tally = Tally::default();
    for (name, folder) in &stacks {
        play(name, folder, &mut tally);
    }
    let Tally { right, unknown, wrong } = tally;
    println!("{} stacks: {right} right, {} unknown, {} wrong", stacks.len(), unknown.len(), wrong.len());
    println!("{}", unknown.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(stacks.len() >= 12 && right > 200, "{} stacks, {right} answers", stacks.len());
    let count = right + unknown.len();
    assert!(unknown.len() * 100 <= count * UNKNOWN_PERCENT, "{} unknown of {count}", unknown.len());
}

/// What the comments of a stack's files say is found, as file, line and rule. A comment alone on its line is about the
/// next one.
fn expected(folder: &Path) -> Vec<(String, u32, String)> {
    let mut expected = Vec::new();
    for file in ["nginx.conf", "app/server.js", "app/app.py"] {
        let Ok(text) = std::fs::read_to_string(folder.join(file)) else { continue };
        for (at, line) in (1..).zip(text.lines()) {
            let Some((code, rules)) = line.split_once("# finds: ").or_else(|| line.split_once("// finds: ")) else {
                continue;
            };
            let at = if code.trim().is_empty() { at + 1 } else { at };
            expected.extend(rules.split(", ").map(|rule| (file.to_owned(), at, rule.to_owned())));
        }
    }
    expected
}

#[test]
fn stacks_are_reported_for_what_their_comments_say_and_nothing_else() {
    let mut wrong = Vec::new();
    for (name, folder) in stacks() {
        let run = engine::run(&settings(&folder), None, &AtomicUsize::new(0));
        let mut found: Vec<(String, u32, String)> = Vec::new();
        for reported in &run.outcome.findings {
            let place = reported.finding.primary.span;
            let file = run.sources.get(place.file);
            if reported.finding.severity >= Severity::Warning {
                let rule = reported.finding.rule.to_owned();
                found.push((file.name.clone(), file.position(place.start).line as u32, rule));
            }
        }
        found.sort();
        let mut expected = expected(&folder);
        expected.sort();
        if found != expected {
            wrong.push(format!("{name}\n  found    {found:?}\n  expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
