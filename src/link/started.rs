//! Which server a command starts, and the commands that start servers on the machine itself: Procfiles, units of
//! systemd, programs of supervisor, Dockerfiles that no compose file speaks of.

use std::path::{Path, PathBuf};

use super::command::{self, Entry, Launch};
use super::compose::{Service, joined};
use super::{Surroundings, image};
use crate::syntax::data::{Data, json};

/// How many files of each kind are read.
const MOST_FILES: usize = 64;
/// How many scripts call each other.
const MOST_SCRIPTS: usize = 4;

/// The commands that start servers on the machine itself, as services without names.
pub(super) fn on_the_machine(around: &Surroundings<'_>) -> Vec<Service> {
    let mut services = Vec::new();
    let mut add = |folder: PathBuf, launch: Launch| {
        services.push(Service { folders: vec![folder], launch: Some(launch), ..Service::default() });
    };
    for (pattern, prefix) in
        [("Procfile*", ""), ("*.service", "ExecStart="), ("*.conf", "command="), ("*.ini", "command=")]
    {
        for path in (around.find)(pattern).into_iter().take(MOST_FILES) {
            let Ok(file) = around.sources.load(&path) else { continue };
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            for line in file.text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
                let line = match prefix {
                    "" => line.split_once(':').map(|(_, command)| command.to_owned()),
                    prefix => line.replacen(" = ", "=", 1).strip_prefix(prefix).map(str::to_owned),
                };
                let Some(launch) = line.and_then(|line| command::launch(&command::words(&line))) else { continue };
                // What a unit runs lies somewhere in the tree, not beside it.
                add(if prefix.is_empty() { folder.clone() } else { around.root.clone() }, launch);
            }
        }
    }
    for path in (around.find)("*Dockerfile*").into_iter().take(MOST_FILES) {
        let Ok(file) = around.sources.load(&path) else { continue };
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        if let Some(launch) = image::dockerfile(&file.text, &folder).launch {
            add(folder, launch);
        }
    }
    services
}

/// What a command starts in the end: scripts and `package.json` are followed.
pub(super) fn followed(launch: &Launch, folder: &Path, around: &Surroundings<'_>) -> Launch {
    let mut launch = launch.clone();
    for _ in 0..MOST_SCRIPTS {
        let next = match &launch.entry {
            Some(Entry::Script(name)) => script(&folder.join("package.json"), name, around),
            Some(Entry::File(file)) if file.ends_with(".sh") => {
                let path = listed(folder, file, around);
                path.and_then(|path| {
                    let text = around.sources.load(&path).ok()?.text.clone();
                    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
                    command::launch(&command::words(&lines.collect::<Vec<_>>().join("\n")))
                })
            }
            _ => break,
        };
        let Some(next) = next else { break };
        launch = Launch { port: next.port.or(launch.port), ..next };
    }
    launch
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
    let base = launch.folder.as_ref().map_or(folder.to_owned(), |inner| joined(folder, inner));
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
    let found = names.iter().filter_map(|name| listed(&base, name, around).or_else(|| listed(folder, name, around)));
    found.collect()
}
