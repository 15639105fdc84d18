//! Which server a command starts, and the commands that start servers on the machine itself: Procfiles, units of
//! systemd, programs of supervisor, lists of pm2, settings of uWSGI, Dockerfiles that no compose file speaks of.

use std::path::{Path, PathBuf};

use super::command::{self, Entry, Launch, Runner};
use super::compose::{self, Service, joined};
use super::ini::{self, Section};
use super::{Surroundings, image, settings};
use crate::syntax::data::{Data, json};

/// How many files of each kind are read.
const MOST_FILES: usize = 64;
/// How many scripts call each other.
const MOST_SCRIPTS: usize = 4;

/// The commands that start servers on the machine itself, as services without names.
pub(super) fn on_the_machine(around: &Surroundings<'_>) -> Vec<Service> {
    let mut services = Vec::new();
    let mut add = |folder: &Path, launch: Launch| {
        services.push(Service { folders: vec![folder.to_owned()], launch: Some(launch), ..Service::default() });
    };
    let files = |pattern: &str| (around.find)(pattern).into_iter().take(MOST_FILES);
    let text = |path: &Path| around.sources.load(path).ok().map(|file| file.text.clone());
    let folder = |path: &Path| path.parent().unwrap_or(Path::new("")).to_owned();
    // Settings may lie elsewhere than what they start.
    let beside = |path: &Path, launch: Launch| {
        let folder = folder(path);
        let folder = folder.strip_prefix(&around.root).unwrap_or(&folder).to_string_lossy();
        let folder = launch.folder.as_ref().map_or(folder.to_string(), |inner| format!("{folder}/{inner}"));
        Launch { folder: Some(folder), ..launch }
    };
    for path in files("Procfile*") {
        let Some(text) = text(&path) else { continue };
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let launch = line.split_once(':').and_then(|(_, command)| command::launch(&command::words(command)));
            launch.into_iter().for_each(|launch| add(&folder(&path), launch));
        }
    }
    for pattern in ["*.service", "*.conf", "*.ini"] {
        for path in files(pattern) {
            let Some(text) = text(&path) else { continue };
            for section in ini::sections(&text) {
                // What a unit runs lies somewhere in the tree, not beside it.
                unit(&section).into_iter().for_each(|launch| add(&around.root, launch));
            }
            if pattern == "*.ini" {
                settings::uwsgi(&path, around).into_iter().for_each(|launch| add(&around.root, beside(&path, launch)));
            }
        }
    }
    for path in settings::lists(around).into_iter().take(MOST_FILES) {
        settings::programs(&path, around).into_iter().for_each(|launch| add(&around.root, beside(&path, launch)));
    }
    for path in files("*Dockerfile*") {
        let Some(text) = text(&path) else { continue };
        let image = image::dockerfile(&text, &folder(&path));
        let port = compose::port_of(&image.variables);
        let launch = image.launch.map(|launch| launch.or(Launch { port, ..Launch::default() }));
        launch.into_iter().for_each(|launch| add(&folder(&path), launch));
    }
    services
}

/// What a unit of systemd or a program of supervisor starts.
fn unit(section: &Section<'_>) -> Option<Launch> {
    let (command, folder, environment) = match section.name {
        "Service" => ("ExecStart", "WorkingDirectory", "Environment"),
        name if name.starts_with("program:") => ("command", "directory", "environment"),
        _ => return None,
    };
    let launch = command::launch(&command::words(section.get(command)?))?;
    let mut variables = section.all(environment).flat_map(|line| line.split([',', ' ']));
    let port = variables.find_map(|one| one.trim_matches('"').strip_prefix("PORT=")?.trim_matches('"').parse().ok());
    let folder = section.get(folder).map(str::to_owned);
    Some(launch.or(Launch { port, folder, ..Launch::default() }))
}

/// What a command starts in the end: scripts, `package.json` and files of settings are followed. A list of programs
/// starts several.
pub(super) fn followed(launch: &Launch, folder: &Path, around: &Surroundings<'_>) -> Vec<Launch> {
    let mut launch = launch.clone();
    for _ in 0..MOST_SCRIPTS {
        let next = match &launch.entry {
            Some(Entry::Script(name)) => {
                let within = package(&launch, folder, around);
                let next = script(&within.join("package.json"), name, around);
                // The script runs beside its manifest.
                let inside = within.strip_prefix(folder).ok().map(|inside| inside.to_string_lossy().into_owned());
                let inside = inside.filter(|inside| !inside.is_empty());
                next.map(|next| next.or(Launch { folder: inside, ..Launch::default() }))
            }
            Some(Entry::File(file)) if file.ends_with(".sh") => listed(folder, file, around).and_then(|path| {
                let text = around.sources.load(&path).ok()?.text.clone();
                let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
                command::launch(&command::words(&lines.collect::<Vec<_>>().join("\n")))
            }),
            _ => break,
        };
        let Some(next) = next else { break };
        let given = Launch { port: launch.port, socket: launch.socket, ..Launch::default() };
        launch = next.or(given);
    }
    let settings = |names: &[&str]| {
        let names = launch.settings.iter().map(String::as_str).chain(names.iter().copied());
        let mut paths = names.filter_map(|name| listed(folder, &inside(&launch, name), around));
        paths.next()
    };
    match launch.server {
        Some(Runner::Pm2) => match settings(&[]) {
            Some(list) => settings::programs(&list, around),
            None => vec![launch],
        },
        Some(Runner::Uwsgi) => match settings(&[]).and_then(|file| settings::uwsgi(&file, around)) {
            Some(said) => vec![launch.or(said)],
            None => vec![launch],
        },
        Some(Runner::Gunicorn) => match settings(&["gunicorn.conf.py"]) {
            Some(file) => vec![settings::gunicorn(launch, &file, around)],
            None => vec![launch],
        },
        None => vec![launch],
    }
}

/// The folder in whose `package.json` a script is looked up.
fn package(launch: &Launch, folder: &Path, around: &Surroundings<'_>) -> PathBuf {
    if let Some(name) = &launch.package {
        let bare = name.trim_end_matches('/').rsplit('/').next().unwrap_or(name);
        let is_it = |manifest: &&PathBuf| {
            let named = around.sources.load(manifest).ok().and_then(|file| json(file.id, &file.text).ok());
            let named = named.is_some_and(|data| data.get("name").and_then(Data::as_str) == Some(name));
            named || manifest.parent().is_some_and(|parent| parent.ends_with(bare))
        };
        let manifests = (around.find)("package.json");
        let below = manifests.iter().filter(|path| path.starts_with(folder)).take(MOST_FILES);
        if let Some(found) = below.filter(is_it).last().and_then(|manifest| manifest.parent()) {
            return found.to_owned();
        }
    }
    let manifest = listed(folder, &inside(launch, "package.json"), around).filter(|_| launch.folder.is_some());
    manifest.and_then(|manifest| manifest.parent().map(Path::to_owned)).unwrap_or_else(|| folder.to_owned())
}

/// A file as a command names it, seen from the folder around that in which the command runs.
fn inside(launch: &Launch, name: &str) -> String {
    launch.folder.as_ref().map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"))
}

fn script(manifest: &Path, name: &str, around: &Surroundings<'_>) -> Option<Launch> {
    let file = around.sources.load(manifest).ok()?;
    let data = json(file.id, &file.text).ok()?;
    match data.at(&["scripts", name]).and_then(Data::as_str) {
        Some(line) => command::launch(&command::words(line)),
        // `npm start` without a script.
        None if name == "start" => {
            let entry = Some(Entry::File("server.js".to_owned()));
            Some(Launch { entry, ..Launch::default() })
        }
        None => None,
    }
}

/// A file that a command names: in the folder, or the one below it whose path ends so. A folder of the image at the
/// start of the name says nothing of the tree.
fn listed(folder: &Path, name: &str, around: &Surroundings<'_>) -> Option<PathBuf> {
    let mut parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    while let Some(last) = parts.last() {
        let files = (around.find)(last);
        let path = joined(folder, &parts.join("/"));
        if files.contains(&path) {
            return Some(path);
        }
        let end: PathBuf = parts.iter().collect();
        let mut below = files.into_iter().filter(|file| file.starts_with(folder) && file.ends_with(&end));
        if let (Some(only), None) = (below.next(), below.next()) {
            return Some(only);
        }
        parts.remove(0);
    }
    None
}

/// The files that may be what a command runs, the likeliest first.
pub(super) fn entries(launch: &Launch, folder: &Path, around: &Surroundings<'_>) -> Vec<PathBuf> {
    let mut names = Vec::new();
    match &launch.entry {
        Some(Entry::File(file)) => {
            names.push(file.clone());
            // What is built from TypeScript lies elsewhere than what it is built from.
            if let Some(stem) = file.strip_suffix(".js") {
                for built in ["dist/", "build/", "lib/", "out/"] {
                    if let Some(rest) = stem.trim_start_matches("./").strip_prefix(built) {
                        names.extend([format!("src/{rest}.ts"), format!("{rest}.ts"), format!("src/{rest}.js")]);
                    }
                }
            }
        }
        Some(Entry::Module(module)) => {
            let path = module.replace('.', "/");
            names.extend([format!("{path}.py"), format!("{path}/__init__.py"), format!("{path}/__main__.py")]);
        }
        _ => return Vec::new(),
    }
    names.iter().filter_map(|name| listed(folder, &inside(launch, name), around)).collect()
}
