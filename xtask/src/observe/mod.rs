//! `cargo xtask observe`: records what real servers answer, or checks that the recordings still hold.
//!
//! Each program of `fixtures/observed/<name>.json` is started on a loopback port with the versions the file names
//! (installed once into `target/observe/`, with npm, pip and apt's nginx), is asked what its record says, and the
//! answers are compared (`--check`) or written into the file.

mod check;
mod record;
mod stacks;
mod stands;
mod upstream;
mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use record::{Answer, File, Record, Versions};
use stands::{Stand, Started};
use upstream::Upstream;

/// Where every recorded program listens; recorded answers (`Location`) hold the port.
const SERVER: ([u8; 4], u16) = ([127, 0, 0, 1], 8102);

/// Where the application behind a proxy listens.
const UPSTREAM: ([u8; 4], u16) = ([127, 0, 0, 1], 8104);

/// A program that has not answered by then hangs.
const PATIENCE: Duration = Duration::from_secs(4);

const USAGE: &str = "usage: cargo xtask observe NAME [--check] [--only ID]...
NAME is a file of fixtures/observed without its ending (express, express-more, flask, nginx, …), or `stacks`, with the
folders of fixtures/stacks as ids";

/// What one program did with one set of versions.
#[derive(Clone, PartialEq)]
pub struct Run {
    startup: String,
    answers: Vec<(String, Answer)>,
}

struct Arguments {
    name: String,
    check: bool,
    only: Vec<String>,
}

/// Runs the chore; an error is what to tell the person.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let arguments = read(arguments)?;
    if arguments.name == "stacks" {
        return stacks::run(&arguments, &scratch()?);
    }
    let path = recordings().join(format!("{}.json", arguments.name));
    let mut file = File::read(&path)?;
    let mut stands = stands::of(&file, &scratch()?)?;
    let upstream = Upstream::listen(if file.framework == "nginx" { "text/plain" } else { "application/json" })?;
    let chosen: Vec<usize> = (0..file.observations.len())
        .filter(|index| arguments.only.is_empty() || arguments.only.contains(&file.observations[*index].id))
        .collect();
    if chosen.is_empty() {
        return Err(format!("{}: no such id: {}", path.display(), arguments.only.join(", ")));
    }
    let mut runs: Vec<Vec<Option<Run>>> = vec![vec![None; stands.len()]; file.observations.len()];
    for (column, stand) in stands.iter_mut().enumerate() {
        eprintln!("{}", stand.title());
        for index in &chosen {
            let record = &file.observations[*index];
            if concerns(record, stand.as_ref()) {
                runs[*index][column] = Some(play(&file, record, stand.as_mut(), &upstream)?);
            }
        }
        stand.close();
    }
    if arguments.check {
        return check::compare(&file, &stands, &runs);
    }
    file.observations = rewrite(&file, &stands, &runs);
    std::fs::write(&path, file.text()?).map_err(|error| format!("{}: {error}", path.display()))
}

fn read(arguments: &[String]) -> Result<Arguments, String> {
    let mut read = Arguments { name: String::new(), check: false, only: Vec::new() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--check" => read.check = true,
            "--only" => read.only.push(rest.next().ok_or(USAGE)?.clone()),
            name if !name.starts_with('-') && read.name.is_empty() => read.name = name.to_owned(),
            _ => return Err(USAGE.to_owned()),
        }
    }
    if read.name.is_empty() { Err(USAGE.to_owned()) } else { Ok(read) }
}

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/observed")
}

/// A folder that stays, so that servers are installed once.
fn scratch() -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    let scratch = target.join("observe");
    std::fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    scratch.canonicalize().map_err(|error| error.to_string())
}

/// A record names its versions; one that is to be recorded for the first time goes to all.
fn concerns(record: &Record, stand: &dyn Stand) -> bool {
    let versions = record.versions.get(stand.package());
    let named = versions.is_none_or(|versions| versions.list().iter().any(|version| version == stand.version()));
    named && stand.has_what_it_needs(&record.program().unwrap_or_default())
}

fn play(file: &File, record: &Record, stand: &mut dyn Stand, upstream: &Upstream) -> Result<Run, String> {
    upstream.say(record.upstream.as_ref());
    if std::net::TcpStream::connect(std::net::SocketAddr::from(SERVER)).is_ok() {
        return Err(format!("something else listens on port {}", SERVER.1));
    }
    let startup = match stand.start(&record.program()?, &record.file)? {
        Started::Not(why) => return Ok(Run { startup: why, answers: Vec::new() }),
        Started::Up(startup) => startup,
    };
    let mut answers = Vec::new();
    if !wire::wait_for_listener(SERVER, PATIENCE) {
        stand.stop()?;
        return Err(format!("{}: started, but listens nowhere", record.id));
    }
    for name in record.probe_names() {
        let answer = wire::ask(&file.request(record, &name)?, file.body(&name))?;
        if answer == Answer::Failed("ECONNRESET".to_owned()) {
            // The program may be on its way out: what comes next has to find it there, or gone.
            wire::wait_for_end(SERVER, Duration::from_secs(1));
        }
        answers.push((name.clone(), answer));
    }
    stand.stop()?;
    Ok(Run { startup, answers })
}

/// Every record with its new answers; one whose versions no longer agree becomes several.
fn rewrite(file: &File, stands: &[Box<dyn Stand>], runs: &[Vec<Option<Run>>]) -> Vec<Record> {
    let mut records = Vec::new();
    for (record, runs) in file.observations.iter().zip(runs) {
        let mut groups: Vec<(&Run, Vec<&dyn Stand>)> = Vec::new();
        for (run, stand) in runs.iter().zip(stands) {
            let Some(run) = run else { continue };
            match groups.iter_mut().find(|(known, _)| *known == run) {
                Some((_, members)) => members.push(stand.as_ref()),
                None => groups.push((run, vec![stand.as_ref()])),
            }
        }
        if groups.is_empty() {
            records.push(record.clone());
            continue;
        }
        for (run, members) in groups {
            let mut new = record.clone();
            let (startup, probes) = (run.startup.clone(), record::rows(&run.answers));
            if new.startup != startup || new.probes != probes {
                // What the browser made of the old answers is no longer known.
                new.browser = None;
            }
            (new.startup, new.probes) = (startup, probes);
            new.versions = versions(record, &members);
            match records.last_mut() {
                Some(last) if same_but_for_versions(last, &new) => {
                    last.versions = joined(&last.versions, &new.versions)
                }
                _ => records.push(new),
            }
        }
    }
    records
}

/// Whether two records became one: versions that once differed agree again.
fn same_but_for_versions(one: &Record, other: &Record) -> bool {
    let asked = |record: &Record| (record.id.clone(), record.config.clone(), record.startup.clone());
    one.browser.is_none() && other.browser.is_none() && asked(one) == asked(other) && one.probes == other.probes
}

fn joined(one: &BTreeMap<String, Versions>, other: &BTreeMap<String, Versions>) -> BTreeMap<String, Versions> {
    let mut all = one.clone();
    for (package, versions) in other {
        let mut list = one.get(package).map_or_else(Vec::new, |known| known.list().to_vec());
        list.extend(
            versions
                .list()
                .iter()
                .filter(|version| !one.get(package).is_some_and(|known| known.list().contains(version)))
                .cloned(),
        );
        let several = matches!(versions, Versions::Many(_)) || list.len() > 1;
        all.insert(package.clone(), Versions::of(list, several));
    }
    all
}

/// The versions of every package the program was run with, as far as it uses them.
fn versions(record: &Record, members: &[&dyn Stand]) -> BTreeMap<String, Versions> {
    let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let program = record.program().unwrap_or_default();
    for member in members {
        for (package, version) in member.versions(&program) {
            let list = lists.entry(package).or_default();
            if !list.contains(&version) {
                list.push(version);
            }
        }
    }
    let several = |package: &str| members.iter().any(|member| member.varies(package));
    lists.into_iter().map(|(package, list)| (package.clone(), Versions::of(list, several(&package)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stand that has a version and nothing else.
    struct Shelf(&'static str);

    impl Stand for Shelf {
        fn package(&self) -> &str {
            "express"
        }
        fn version(&self) -> &str {
            self.0
        }
        fn versions(&self, _program: &str) -> Vec<(String, String)> {
            vec![("express".to_owned(), self.0.to_owned()), ("node".to_owned(), "20".to_owned())]
        }
        fn varies(&self, package: &str) -> bool {
            package == "express"
        }
        fn start(&mut self, _program: &str, _file: &str) -> Result<Started, String> {
            Err("not for starting".to_owned())
        }
        fn stop(&mut self) -> Result<(), String> {
            Ok(())
        }
    }

    fn file(observation: &str) -> File {
        let text = format!(
            r#"{{"framework": "express", "versions": {{}}, "requests": {{"get": ["GET /"]}}, "observations": [{{"id": "a",
            "title": "t", "file": "f", "config": ["x"], "probes": [{{"to": ["get"]}}]{observation}}}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn run(status: u16) -> Option<Run> {
        let answer = Answer::Response { status, headers: Vec::new() };
        Some(Run { startup: "ok".to_owned(), answers: vec![("get".to_owned(), answer)] })
    }

    fn rewritten(file: &File, runs: Vec<Option<Run>>) -> Vec<String> {
        let stands: Vec<Box<dyn Stand>> = vec![Box::new(Shelf("4")), Box::new(Shelf("5"))];
        let records = rewrite(file, &stands, &[runs]);
        let status = |record: &Record| record.probes.first().and_then(|row| row.status);
        let told = |record: &Record| {
            format!("{} {:?} {}", record.versions["express"].list().join("/"), status(record), record.browser.is_some())
        };
        records.iter().map(told).collect()
    }

    #[test]
    fn versions_that_agree_share_a_record_and_others_do_not() {
        assert_eq!(rewritten(&file(""), vec![run(200), run(200)]), ["4/5 Some(200) false"]);
        assert_eq!(rewritten(&file(""), vec![run(200), run(404)]), ["4 Some(200) false", "5 Some(404) false"]);
    }

    #[test]
    fn what_a_browser_did_is_kept_as_long_as_the_answers_are() {
        let known = r#", "startup": "ok", "versions": {"express": ["4", "5"]}, "browser": []"#;
        let known = known.replace("\"startup\"", "\"group\": \"g\", \"startup\"");
        let mut recorded = file(&known);
        recorded.observations[0].probes = record::rows(&run(200).unwrap().answers);
        assert_eq!(rewritten(&recorded, vec![run(200), run(200)]), ["4/5 Some(200) true"]);
        assert_eq!(rewritten(&recorded, vec![run(200), run(404)]), ["4 Some(200) true", "5 Some(404) false"]);
    }

    #[test]
    fn records_are_asked_of_the_versions_they_name() {
        let record = &file(r#", "versions": {"express": ["5"]}"#).observations[0];
        assert!(!concerns(record, &Shelf("4")));
        assert!(concerns(record, &Shelf("5")));
        assert!(concerns(&file("").observations[0], &Shelf("4")));
    }

    #[test]
    fn arguments_are_read_or_refused() {
        let read = |line: &str| read(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let arguments = read("express --only a --check --only b").unwrap();
        assert_eq!(
            (arguments.name.as_str(), arguments.check, arguments.only.join(" ")),
            ("express", true, "a b".to_owned())
        );
        for bad in ["--check", "express --only", "express flask", "express --frob"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
