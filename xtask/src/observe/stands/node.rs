//! Programs for Node: Express and its kin, installed with npm.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{Stand, Started, done, once, pinned, write};
use crate::observe::record::File;

const HARNESS: &str = include_str!("harness.js");

/// Packages that recorded programs use though their file names no version of them.
const ALSO: [(&str, &str); 1] = [("http-proxy-middleware", "4.2.2")];

struct Node {
    framework: String,
    version: String,
    several: bool,
    packages: BTreeMap<String, String>,
    node: String,
    folder: PathBuf,
    public: PathBuf,
    running: Option<Child>,
}

/// One stand for each version of the framework.
pub fn stands(file: &File, scratch: &Path, public: &Path) -> Result<Vec<Box<dyn Stand>>, String> {
    let lead = file.versions.get(&file.framework).ok_or("the file names no version of its framework")?;
    let versions: Vec<String> = match lead {
        Value::String(version) => vec![version.clone()],
        list => serde_json::from_value(list.clone()).map_err(|error| error.to_string())?,
    };
    let node = done(Command::new("node").arg("--version"))?.trim().trim_start_matches('v').to_owned();
    if let Some(recorded) = file.versions.get("node").and_then(Value::as_str)
        && recorded != node
    {
        eprintln!("note: recorded with node {recorded}, run with {node}");
    }
    let mut stands: Vec<Box<dyn Stand>> = Vec::new();
    for version in &versions {
        let mut packages = pinned(&file.versions);
        if file.framework == "express" {
            for (name, pin) in ALSO {
                packages.entry(name.to_owned()).or_insert_with(|| pin.to_owned());
            }
        }
        packages.insert(file.framework.clone(), version.clone());
        let folder = scratch.join(format!("{}-{version}", file.framework));
        let manifest = serde_json::json!({ "private": true, "dependencies": packages });
        let manifest = serde_json::to_string_pretty(&manifest).map_err(|error| error.to_string())?;
        once(&folder, &manifest, || {
            write(&folder.join("package.json"), &manifest)?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
            done(&mut npm).map(drop)
        })?;
        write(&folder.join("harness.js"), HARNESS)?;
        stands.push(Box::new(Node {
            framework: file.framework.clone(),
            version: version.clone(),
            several: lead.is_array(),
            packages,
            node: node.clone(),
            folder,
            public: public.to_owned(),
            running: None,
        }));
    }
    Ok(stands)
}

impl Stand for Node {
    fn package(&self) -> &str {
        &self.framework
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn versions(&self, program: &str) -> Vec<(String, String)> {
        let used = |package: &str| {
            let starts = [format!("'{package}"), format!("\"{package}")];
            let ends = |rest: &str| rest.starts_with(['\'', '"', '/']);
            starts.iter().any(|start| program.split(start.as_str()).skip(1).any(ends))
        };
        let mut versions: Vec<(String, String)> = self.packages.clone().into_iter().collect();
        versions.retain(|(package, _)| *package == self.framework || used(package));
        versions.push(("node".to_owned(), self.node.clone()));
        versions
    }

    fn varies(&self, package: &str) -> bool {
        self.several && package == self.framework
    }

    fn start(&mut self, program: &str, file: &str) -> Result<Started, String> {
        let path = self.folder.join("run").join(file);
        write(&path, program)?;
        let mut child = Command::new("node")
            .arg(self.folder.join("harness.js"))
            .arg(&path)
            .env("PUBLIC_DIR", &self.public)
            .env("PORT", crate::observe::SERVER.1.to_string())
            .env_remove("NODE_ENV")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("node: {error}"))?;
        let mut said = String::new();
        if let Some(stdout) = child.stdout.take() {
            let mut lines = BufReader::new(stdout);
            // A program may print before the harness does.
            while !said.starts_with("startup: ") {
                said.clear();
                if lines.read_line(&mut said).map_err(|error| error.to_string())? == 0 {
                    break;
                }
            }
            // The pipe stays open and unread; programs that print much would block, recorded ones do not.
            child.stdout = Some(lines.into_inner());
        }
        self.running = Some(child);
        let startup = said.trim_end().strip_prefix("startup: ").unwrap_or("exits").to_owned();
        if startup == "ok" {
            return Ok(Started::Up(startup));
        }
        self.stop()?;
        Ok(Started::Not(startup))
    }

    fn stop(&mut self) -> Result<(), String> {
        if let Some(mut child) = self.running.take() {
            child.kill().map_err(|error| error.to_string())?;
            child.wait().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn close(&mut self) {
        // Nothing outlives a program.
        let _ = self.stop();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.close();
    }
}
