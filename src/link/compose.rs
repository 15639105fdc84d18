//! The services of compose files: their names, and the folders they are built from.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::Surroundings;
use crate::syntax::data::{Data, yaml};

/// How many compose files are read.
const MOST_FILES: usize = 64;

/// A service that is built from the project.
#[derive(Debug, Default)]
pub(super) struct Service {
    /// Folders that its image is built from, or that are mounted into it.
    pub folders: Vec<PathBuf>,
}

/// Services by their names, host names and aliases.
#[derive(Debug, Default)]
pub(super) struct Services {
    by_name: FxHashMap<String, Service>,
}

impl Services {
    /// Reads every compose file of the tree.
    pub fn read(around: &Surroundings<'_>) -> Services {
        let mut services = Services::default();
        let patterns = ["docker-compose*.y*ml", "compose*.y*ml"];
        let files = patterns.iter().flat_map(|pattern| (around.find)(pattern)).take(MOST_FILES);
        for path in files {
            let Ok(file) = around.sources.load(&path) else { continue };
            let Ok(documents) = yaml(file.id, &file.text) else { continue };
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            for document in &documents {
                let listed = document.get("services").map(Data::entries).unwrap_or_default();
                for (name, _, service) in listed {
                    services.add(name, service, &folder);
                }
            }
        }
        services
    }

    fn add(&mut self, name: &str, service: &Data, folder: &Path) {
        let mut folders = Vec::new();
        match service.get("build") {
            Some(build) => {
                let context = build.as_str().or_else(|| build.get("context").and_then(Data::as_str));
                folders.extend(context.map(|context| joined(folder, context)));
            }
            None => {
                for volume in service.get("volumes").map(Data::items).unwrap_or_default() {
                    let source = volume.get("source").and_then(Data::as_str);
                    let source = source.or_else(|| volume.as_str().and_then(|text| text.split(':').next()));
                    // A name without a path is a volume of the engine.
                    let source = source.filter(|source| source.starts_with('.') || source.contains('/'));
                    folders.extend(source.map(|source| joined(folder, source)));
                }
            }
        }
        let mut names = vec![name.to_owned()];
        for key in ["container_name", "hostname"] {
            names.extend(service.get(key).and_then(Data::as_str).map(str::to_owned));
        }
        for (_, _, network) in service.get("networks").map(Data::entries).unwrap_or_default() {
            let aliases = network.get("aliases").map(Data::items).unwrap_or_default();
            names.extend(aliases.iter().filter_map(Data::as_str).map(str::to_owned));
        }
        for name in names {
            let known = self.by_name.entry(name.to_ascii_lowercase()).or_default();
            for folder in &folders {
                if !known.folders.contains(folder) {
                    known.folders.push(folder.clone());
                }
            }
        }
    }

    /// The service of a name.
    pub fn get(&self, name: &str) -> Option<&Service> {
        self.by_name.get(name)
    }

    /// All but the service of a name.
    pub fn others(&self, name: &str) -> impl Iterator<Item = &Service> {
        self.by_name.iter().filter(move |(other, _)| *other != name).map(|(_, service)| service)
    }
}

fn joined(folder: &Path, relative: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}
