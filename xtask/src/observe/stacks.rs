//! Stacks: each folder of `fixtures/stacks/` is an nginx and the application behind it, recorded as a pair that runs.
//!
//! The files stay as a project would have them. For the recording alone, the proxy's port and the application's address
//! are replaced by free ones of the loopback interface.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use super::record::{self, Answer, File, Request, Row, rows};
use super::stands::{self, Stand, Started};
use super::{Arguments, PATIENCE, SERVER, UPSTREAM, recordings, wire};

/// What is asked of every stack once its application is stopped.
const DOWN: [&str; 2] = ["get", "preflight"];

/// `recorded.json` of a stack.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    title: String,
    /// How a linter can know what stands behind: `service-name`, `port`, `configured`.
    link: String,
    /// Where the proxy's configuration says that the application listens.
    at: String,
    #[serde(default)]
    versions: BTreeMap<String, Vec<String>>,
    /// Requests beside those of `requests.json`.
    #[serde(default)]
    requests: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    answers: Vec<Row>,
    /// The answers once the application is stopped.
    #[serde(default)]
    down: Vec<Row>,
}

/// The application's environment.
struct Runtime {
    program: PathBuf,
    folder: PathBuf,
    file: &'static str,
    versions: Vec<(String, String)>,
}

/// Records every stack, or checks what is recorded.
pub fn run(arguments: &Arguments, scratch: &Path) -> Result<(), String> {
    let root = recordings().join("../stacks");
    let shared: BTreeMap<String, Vec<String>> = parse(&root.join("requests.json"))?;
    let mut proxies = stands::of(&File::read(&recordings().join("nginx.json"))?, scratch)?;
    let (mut checked, mut differing) = (0, Vec::new());
    for folder in folders(&root)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !arguments.only.is_empty() && !arguments.only.contains(&name) {
            continue;
        }
        eprintln!("{name}");
        let path = folder.join("recorded.json");
        let before = text(&path)?;
        let mut stack: Recorded = parse(&path)?;
        let runtime = runtime(&folder, scratch)?;
        stack.play(&folder, &name, &shared, &runtime, &mut proxies)?;
        let after = stack.text()?;
        checked += 1;
        if !arguments.check {
            std::fs::write(&path, after).map_err(|error| format!("{}: {error}", path.display()))?;
        } else if before != after {
            let changed = after.lines().filter(|line| !before.lines().any(|known| known == *line));
            differing.push(format!("{name}\n{}", changed.collect::<Vec<_>>().join("\n")));
        }
    }
    if differing.is_empty() {
        eprintln!("{checked} stacks");
        return Ok(());
    }
    Err(format!("{}\n{} of {checked} stacks differ from what was recorded", differing.join("\n"), differing.len()))
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, String> {
    serde_json::from_str(&text(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

fn folders(root: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(root).map_err(|error| format!("{}: {error}", root.display()))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

/// The newest recorded versions of what the application needs.
fn runtime(folder: &Path, scratch: &Path) -> Result<Runtime, String> {
    let (framework, file) =
        if folder.join("app/app.py").exists() { ("flask", "app.py") } else { ("express", "server.js") };
    let stands = stands::of(&File::read(&recordings().join(format!("{framework}.json")))?, scratch)?;
    let newest = stands
        .iter()
        .max_by_key(|stand| stand.version().split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>());
    let newest = newest.ok_or_else(|| format!("no {framework} is installed"))?;
    let folder_of = scratch.join(format!("{}-{}", newest.package(), newest.version()));
    let mut versions = newest.versions(&text(&folder.join("app").join(file))?);
    if framework == "flask" {
        versions.retain(|(package, _)| package != "flask-cors" || folder_uses_flask_cors(folder));
    }
    let program = if framework == "flask" { folder_of.join("bin/python") } else { PathBuf::from("node") };
    Ok(Runtime { program, folder: folder_of, file, versions })
}

fn folder_uses_flask_cors(folder: &Path) -> bool {
    text(&folder.join("app/app.py")).is_ok_and(|text| text.contains("flask_cors"))
}

impl Runtime {
    /// Starts the application on its free port.
    fn start(&self, source: &Path, name: &str, port: &str) -> Result<Running, String> {
        let program = text(&source.join("app").join(self.file))?.replace(port, &UPSTREAM.1.to_string());
        let path = self.folder.join("run").join(name).join(self.file);
        stands::write(&path, &program)?;
        let child = Command::new(&self.program)
            .arg(&path)
            .env("PORT", UPSTREAM.1.to_string())
            .env("PYTHONHASHSEED", "0")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("NODE_ENV")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", self.program.display()))?;
        let running = Running(child);
        if wire::wait_for_listener(UPSTREAM, PATIENCE) {
            Ok(running)
        } else {
            Err(format!("{name}: the application listens nowhere"))
        }
    }
}

/// An application, stopped when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Recorded {
    /// Runs the pair with every nginx, which must agree.
    fn play(
        &mut self,
        folder: &Path,
        name: &str,
        shared: &BTreeMap<String, Vec<String>>,
        runtime: &Runtime,
        proxies: &mut [Box<dyn Stand>],
    ) -> Result<(), String> {
        let listen = |address: ([u8; 4], u16)| SocketAddr::from(address).to_string();
        let configuration = text(&folder.join("nginx.conf"))?;
        if !configuration.contains(&self.at) || !configuration.contains("listen 80;") {
            return Err(format!("{name}: nginx.conf names no {} or no `listen 80;`", self.at));
        }
        let configuration = configuration
            .replace("listen 80;", &format!("listen {};", listen(SERVER)))
            .replace(&self.at, &listen(UPSTREAM));
        let port = self.at.rsplit(':').next().unwrap_or_default().to_owned();
        let requests: BTreeMap<&String, &Vec<String>> = shared.iter().chain(&self.requests).collect();
        let mut known: Option<(Vec<Row>, Vec<Row>)> = None;
        let mut versions = Vec::new();
        for proxy in proxies {
            if [SERVER, UPSTREAM].iter().any(|address| TcpStream::connect(SocketAddr::from(*address)).is_ok()) {
                return Err(format!("something else listens on {} or {}", listen(SERVER), listen(UPSTREAM)));
            }
            let application = runtime.start(folder, name, &port)?;
            match proxy.start(&configuration, "nginx.conf")? {
                Started::Up(_) => {}
                Started::Not(why) => return Err(format!("{name}: {why}")),
            }
            if !wire::wait_for_listener(SERVER, PATIENCE) {
                return Err(format!("{name}: nginx listens nowhere"));
            }
            let up = ask(requests.iter().map(|(name, lines)| (name.as_str(), lines.as_slice())))?;
            drop(application);
            let down = ask(DOWN.iter().filter_map(|name| Some((*name, shared.get(*name)?.as_slice()))))?;
            proxy.stop()?;
            let answers = (rows(&up), rows(&down));
            if known.as_ref().is_some_and(|known| *known != answers) {
                return Err(format!("{name}: {} answers otherwise than {}", proxy.title(), versions.join(", ")));
            }
            known = Some(answers);
            versions.push(proxy.title().trim_start_matches("nginx ").to_owned());
        }
        (self.answers, self.down) = known.unwrap_or_default();
        self.versions = runtime.versions.iter().map(|(name, version)| (name.clone(), vec![version.clone()])).collect();
        self.versions.insert("nginx".to_owned(), versions);
        Ok(())
    }

    fn text(&self) -> Result<String, String> {
        let mut fields = vec![
            record::field("title", &self.title, 1)?,
            record::field("link", &self.link, 1)?,
            record::field("at", &self.at, 1)?,
            record::field("versions", &self.versions, 1)?,
        ];
        if !self.requests.is_empty() {
            fields.push(record::block("requests", '{', &record::lines_of(&self.requests, 2)?, '}', 1));
        }
        fields.push(record::block("answers", '[', &record::rows_of(&self.answers, 2)?, ']', 1));
        fields.push(record::block("down", '[', &record::rows_of(&self.down, 2)?, ']', 1));
        Ok(format!("{{\n{}\n}}\n", fields.join(",\n")))
    }
}

fn ask<'a>(requests: impl Iterator<Item = (&'a str, &'a [String])>) -> Result<Vec<(String, Answer)>, String> {
    requests.map(|(name, lines)| Ok((name.to_owned(), wire::ask(&Request::read(name, lines)?, None)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_stacks_stay_as_they_are_when_read_and_written() {
        let folders = folders(&recordings().join("../stacks")).unwrap();
        assert!(folders.len() >= 12, "{} stacks", folders.len());
        for folder in folders {
            let path = folder.join("recorded.json");
            assert_eq!(parse::<Recorded>(&path).unwrap().text().unwrap(), text(&path).unwrap(), "{}", path.display());
        }
    }
}
