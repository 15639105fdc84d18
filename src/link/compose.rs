//! The services of compose files: their names, and the programs of the project that they run.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::Surroundings;
use super::command::{self, Launch};
use super::image::{self, Image};
use crate::syntax::data::{Data, DataKind, yaml};
use crate::syntax::dotenv;

/// How many compose files are read.
const MOST_FILES: usize = 64;
/// How many services a service extends, one through the other.
const MOST_BASES: usize = 4;

/// A service of a compose file.
#[derive(Debug, Default)]
pub(super) struct Service {
    /// Its names in lower case: its own, its host names and aliases.
    pub names: Vec<String>,
    /// Folders that its image is built from, or that are mounted into it. None where the image is somebody else's.
    pub folders: Vec<PathBuf>,
    /// Folders and files that its image is made of, where its Dockerfile says so.
    pub copied: Vec<PathBuf>,
    /// What it starts.
    pub launch: Option<Launch>,
    /// Ports of the machine, each with that of the service.
    pub published: Vec<(u16, u16)>,
    /// Its environment.
    pub variables: Vec<(String, String)>,
    /// Other services, by their own names, and how it calls them.
    pub links: Vec<(String, String)>,
}

/// Services that are started together.
#[derive(Debug)]
pub(super) struct Stack {
    /// The folder of the file that names them.
    pub folder: PathBuf,
    /// The services; one that several files speak of is there several times.
    pub services: Vec<Service>,
    /// What the `.env` file beside it sets.
    pub variables: Vec<(String, String)>,
}

/// Every stack of the tree.
#[derive(Debug, Default)]
pub(super) struct Stacks(Vec<Stack>);

impl Stacks {
    /// Reads every compose file of the tree.
    pub fn read(around: &Surroundings<'_>) -> Stacks {
        let mut reader = Reader { around, files: FxHashMap::default() };
        let mut stacks: Vec<Stack> = Vec::new();
        for path in (around.find)("*compose*.y*ml").into_iter().take(MOST_FILES) {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            let at = stacks.iter().position(|stack| stack.folder == folder).unwrap_or_else(|| {
                let variables = reader.variables(&folder.join(".env"));
                stacks.push(Stack { folder: folder.clone(), services: Vec::new(), variables });
                stacks.len() - 1
            });
            let variables = stacks[at].variables.clone();
            let services = reader.services(&path, &variables);
            stacks[at].services.extend(services);
        }
        for stack in &mut stacks {
            let links: Vec<(String, String)> =
                stack.services.iter_mut().flat_map(|service| std::mem::take(&mut service.links)).collect();
            for (of, alias) in links {
                let called = stack.services.iter_mut().filter(|service| service.names.contains(&of));
                called.for_each(|service| service.names.push(alias.clone()));
            }
        }
        stacks.retain(|stack| !stack.services.is_empty());
        Stacks(stacks)
    }

    /// The services that a name may mean for a file: those of the stack around it, else of the nearest one that has
    /// the name.
    pub fn named(&self, name: &str, from: &Path) -> Vec<&Service> {
        let has = |stack: &&Stack| stack.services.iter().any(|service| service.names.iter().any(|own| own == name));
        let rank = |stack: &Stack| (from.starts_with(&stack.folder), super::common(&stack.folder, from));
        let Some(best) = self.0.iter().filter(has).map(rank).max() else { return Vec::new() };
        let stacks = self.0.iter().filter(|stack| rank(stack) == best);
        let services = stacks.flat_map(|stack| &stack.services);
        services.filter(|service| service.names.iter().any(|own| own == name)).collect()
    }

    /// Every service.
    pub fn all(&self) -> impl Iterator<Item = &Service> {
        self.0.iter().flat_map(|stack| &stack.services)
    }

    /// The value that a variable has for the proxy whose configuration is `from`; nothing where several are given.
    pub fn value(&self, name: &str, from: &Path) -> Option<String> {
        let of = |variables: &[(String, String)]| -> Vec<String> {
            variables.iter().filter(|(own, _)| own == name).map(|(_, value)| value.clone()).collect()
        };
        let around = || self.0.iter().filter(|stack| from.starts_with(&stack.folder));
        let services = || around().flat_map(|stack| &stack.services);
        let own = services().filter(|service| service.folders.iter().any(|folder| from.starts_with(folder)));
        let levels: [Vec<String>; 4] = [
            own.flat_map(|service| of(&service.variables)).collect(),
            services().flat_map(|service| of(&service.variables)).collect(),
            around().flat_map(|stack| of(&stack.variables)).collect(),
            self.all().flat_map(|service| of(&service.variables)).collect(),
        ];
        let mut values = levels.into_iter().find(|values| !values.is_empty())?;
        values.sort();
        values.dedup();
        if values.len() == 1 { values.pop() } else { None }
    }
}

struct Reader<'a> {
    around: &'a Surroundings<'a>,
    files: FxHashMap<PathBuf, Vec<Data>>,
}

impl Reader<'_> {
    /// The documents of a file of the tree.
    fn documents(&mut self, path: &Path) -> Vec<Data> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        let documents = self.text(path).and_then(|(id, text)| yaml(id, &text).ok()).unwrap_or_default();
        self.files.insert(path.to_owned(), documents.clone());
        documents
    }

    /// A file of the tree; none outside of it is read.
    fn text(&self, path: &Path) -> Option<(crate::source::FileId, String)> {
        let name = path.file_name()?.to_str()?;
        // Hidden files are not listed.
        let is_there = name.starts_with('.') && path.starts_with(&self.around.root);
        if !is_there && !(self.around.find)(name).iter().any(|known| known == path) {
            return None;
        }
        let file = self.around.sources.load(path).ok()?;
        Some((file.id, file.text.clone()))
    }

    fn variables(&self, path: &Path) -> Vec<(String, String)> {
        let Some((id, text)) = self.text(path) else { return Vec::new() };
        dotenv::parse(id, &text).into_iter().map(|variable| (variable.name, variable.value)).collect()
    }

    /// The services of a file and of those that it includes.
    fn services(&mut self, path: &Path, variables: &[(String, String)]) -> Vec<Service> {
        let mut services = Vec::new();
        let mut open = vec![path.to_owned()];
        let mut known = Vec::new();
        while let Some(path) = open.pop() {
            if known.contains(&path) || known.len() >= MOST_FILES {
                continue;
            }
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            known.push(path.clone());
            for document in self.documents(&path) {
                for (name, ..) in document.get("services").map(Data::entries).unwrap_or_default() {
                    services.push(self.service(name, &path, variables));
                }
                for include in document.get("include").map(Data::items).unwrap_or_default() {
                    let paths = include.get("path").unwrap_or(include);
                    let paths = paths.as_str().into_iter().chain(paths.items().iter().filter_map(Data::as_str));
                    open.extend(paths.map(|path| joined(&folder, path)));
                }
            }
        }
        services
    }

    /// A service with what it extends.
    fn service(&mut self, name: &str, path: &Path, variables: &[(String, String)]) -> Service {
        let mut service = Service { names: vec![name.to_ascii_lowercase()], ..Service::default() };
        let (mut name, mut path) = (name.to_owned(), path.to_owned());
        let (mut built, mut command, mut has_command) = (None, None, false);
        for _ in 0..MOST_BASES {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            let documents = self.documents(&path);
            let Some(data) = documents.iter().find_map(|document| document.at(&["services", &name])) else { break };
            let text = |data: &Data| data.as_str().map(|text| interpolated(text, variables));
            if let (None, Some(build)) = (&built, data.get("build")) {
                let context = text(build).or_else(|| text(build.get("context")?)).unwrap_or_else(|| ".".to_owned());
                let context = joined(&folder, &context);
                let file = build.get("dockerfile").and_then(text).unwrap_or_else(|| "Dockerfile".to_owned());
                let image = self.text(&joined(&context, &file));
                let image = image.map_or_else(Image::default, |(_, text)| image::dockerfile(&text, &context));
                service.folders.insert(0, context);
                built = Some(image);
            }
            if built.is_none() {
                for volume in data.get("volumes").map(Data::items).unwrap_or_default() {
                    let source = volume.get("source").and_then(text);
                    let source = source.or_else(|| text(volume)?.split(':').next().map(str::to_owned));
                    // A name without a path is a volume of the engine.
                    let source = source.filter(|source| source.starts_with('.') || source.contains('/'));
                    service.folders.extend(source.map(|source| joined(&folder, &source)));
                }
            }
            for key in ["entrypoint", "command"] {
                if let (None, Some(given)) = (&command, data.get(key)) {
                    let words = match text(given) {
                        Some(line) => command::words(&line),
                        None => given.items().iter().filter_map(text).collect(),
                    };
                    has_command |= key == "command";
                    command = command::launch(&words);
                }
            }
            for key in ["container_name", "hostname"] {
                service.names.extend(data.get(key).and_then(text).map(|name| name.to_ascii_lowercase()));
            }
            for (_, _, network) in data.get("networks").map(Data::entries).unwrap_or_default() {
                let aliases = network.get("aliases").map(Data::items).unwrap_or_default();
                service.names.extend(aliases.iter().filter_map(text).map(|name| name.to_ascii_lowercase()));
            }
            service.variables.extend(environment(data, variables));
            let files = data.get("env_file").map(|given| given.items().iter().chain(Some(given))).into_iter().flatten();
            for file in files.filter_map(|file| text(file.get("path").unwrap_or(file))) {
                service.variables.extend(self.variables(&joined(&folder, &file)));
            }
            for link in data.get("links").map(Data::items).unwrap_or_default().iter().filter_map(text) {
                if let Some((of, alias)) = link.split_once(':') {
                    service.links.push((of.to_ascii_lowercase(), alias.to_ascii_lowercase()));
                }
            }
            service.published.extend(ports(data, variables));
            let Some(base) = data.get("extends") else { break };
            let next = base.as_str().or_else(|| base.get("service").and_then(Data::as_str)).map(str::to_owned);
            if let Some(file) = base.get("file").and_then(Data::as_str) {
                path = joined(&folder, file);
            }
            let Some(next) = next else { break };
            name = next;
        }
        let image = built.unwrap_or_default();
        service.copied = image.copied;
        service.variables.extend(image.variables);
        service.launch = command.or(image.launch.filter(|_| !has_command));
        let port = port_of(&service.variables);
        service.launch = service.launch.map(|launch| launch.or(Launch { port, ..Launch::default() }));
        if let Some((_, port)) = service.variables.iter().find(|(name, _)| name == "FLASK_RUN_PORT")
            && let Some(launch) = &mut service.launch
        {
            launch.port = port.parse().ok();
        }
        service
    }
}

/// The port that an environment gives.
pub(super) fn port_of(variables: &[(String, String)]) -> Option<u16> {
    variables.iter().find(|(name, _)| name == "PORT")?.1.parse().ok()
}

/// `environment`, as a map or a list.
fn environment(service: &Data, variables: &[(String, String)]) -> Vec<(String, String)> {
    let Some(given) = service.get("environment") else { return Vec::new() };
    let map = given.entries().iter().filter_map(|(name, _, value)| Some((name.clone(), scalar(value)?)));
    let list = given.items().iter().filter_map(Data::as_str).filter_map(|line| line.split_once('='));
    let list = list.map(|(name, value)| (name.to_owned(), value.to_owned()));
    map.chain(list).map(|(name, value)| (name, interpolated(&value, variables))).collect()
}

/// `ports`: `"80:8080"`, `"127.0.0.1:80:8080/tcp"`, or maps.
fn ports(service: &Data, variables: &[(String, String)]) -> Vec<(u16, u16)> {
    let port = |text: &str| text.split('/').next().unwrap_or_default().parse::<u16>().ok();
    let mut found = Vec::new();
    for item in service.get("ports").map(Data::items).unwrap_or_default() {
        if let (Some(published), Some(target)) = (item.get("published"), item.get("target")) {
            let both = |data: &Data| scalar(data).as_deref().and_then(port);
            found.extend(both(published).zip(both(target)));
        } else if let Some(text) = scalar(item) {
            let text = interpolated(&text, variables);
            let parts: Vec<&str> = text.rsplit(':').collect();
            if let [target, published, ..] = parts[..] {
                found.extend(port(published).zip(port(target)));
            }
        }
    }
    found
}

fn scalar(data: &Data) -> Option<String> {
    match &data.kind {
        DataKind::Str(text) => Some(text.clone()),
        DataKind::Num(number) => Some(number.to_string()),
        DataKind::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// A text with its variables filled in: `${NAME}`, `${NAME:-default}`, `$NAME`. What is not set stays as it is.
pub(super) fn interpolated(text: &str, variables: &[(String, String)]) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        done.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            done.push('$');
            rest = after;
            continue;
        }
        let (inside, behind, braced) = match after.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
            Some((inside, behind)) => (inside, behind, true),
            None => {
                let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
                let (name, behind) = after.split_at(end);
                (name, behind, false)
            }
        };
        let end = inside.find([':', '-', '?', '+']).unwrap_or(inside.len());
        let (name, operator) = inside.split_at(end);
        let value = variables.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let default = operator.strip_prefix(":-").or(operator.strip_prefix('-'));
        match value.or(default).filter(|_| !name.is_empty()) {
            Some(value) => done.push_str(value),
            None if braced => done.push_str(&format!("${{{inside}}}")),
            None => done.push_str(&format!("${inside}")),
        }
        rest = behind;
    }
    done.push_str(rest);
    done
}

/// A path below a folder, without `.` and `..`.
pub(super) fn joined(folder: &Path, relative: &str) -> PathBuf {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in() {
        let variables = [("PORT".to_owned(), "3001".to_owned())];
        for (text, expected) in [
            ("${PORT}:80", "3001:80"),
            ("$PORT", "3001"),
            ("${DIR:-./api}", "./api"),
            ("${DIR}", "${DIR}"),
            ("a$$b", "a$b"),
        ] {
            assert_eq!(interpolated(text, &variables), expected);
        }
    }
}
