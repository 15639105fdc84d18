//! Programs for Python, installed with pip into virtual environments.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::{Stand, Started, done, once, pinned, write};
use crate::observe::record::File;

const HARNESS: &str = include_str!("harness.py");

struct Python {
    lead: String,
    version: String,
    several: Vec<String>,
    packages: BTreeMap<String, String>,
    folder: PathBuf,
    public: PathBuf,
    harness: Option<(Child, BufReader<ChildStdout>)>,
}

/// One stand for each environment that the file names.
pub fn stands(file: &File, scratch: &Path, public: &Path) -> Result<Vec<Box<dyn Stand>>, String> {
    let tables = match file.versions.get("environments") {
        Some(Value::Array(tables)) => tables.clone(),
        _ => vec![file.versions.clone()],
    };
    // flask-cors changes from environment to environment, so it tells them apart.
    let lead = if file.framework == "flask" { "flask-cors" } else { &file.framework };
    let several =
        if tables.len() > 1 { ["flask", "flask-cors", "werkzeug"].map(str::to_owned).to_vec() } else { vec![] };
    let mut stands: Vec<Box<dyn Stand>> = Vec::new();
    for table in tables {
        let packages = pinned(&table);
        let version = packages.get(lead).ok_or_else(|| format!("an environment has no {lead}"))?.clone();
        let folder = scratch.join(format!("{lead}-{version}"));
        let mut wanted: Vec<String> = packages.iter().map(|(name, pin)| format!("{name}=={pin}")).collect();
        if file.framework != "flask" {
            wanted.push("uvicorn".to_owned());
        }
        once(&folder, &wanted.join("\n"), || {
            done(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            let mut pip = Command::new(folder.join("bin/pip"));
            pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(&wanted);
            done(&mut pip).map(drop)
        })?;
        write(&folder.join("harness.py"), HARNESS)?;
        stands.push(Box::new(Python {
            lead: lead.to_owned(),
            version,
            several: several.clone(),
            packages,
            folder,
            public: public.to_owned(),
            harness: None,
        }));
    }
    Ok(stands)
}

impl Python {
    /// The process that forks for each program, so that a framework is imported once.
    fn harness(&mut self) -> Result<&mut (Child, BufReader<ChildStdout>), String> {
        if self.harness.is_none() {
            let mut child = Command::new(self.folder.join("bin/python"))
                .arg(self.folder.join("harness.py"))
                .arg(crate::observe::SERVER.1.to_string())
                .env("PUBLIC_DIR", &self.public)
                // Sets of methods come in one order then.
                .env("PYTHONHASHSEED", "0")
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|error| format!("python: {error}"))?;
            let stdout = child.stdout.take().ok_or("no output of the harness")?;
            self.harness = Some((child, BufReader::new(stdout)));
        }
        self.harness.as_mut().ok_or_else(|| "no harness".to_owned())
    }

    fn tell(&mut self, line: &str) -> Result<String, String> {
        let (child, answers) = self.harness()?;
        let stdin = child.stdin.as_mut().ok_or("no input of the harness")?;
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).map_err(|error| format!("harness: {error}"))?;
        let mut answer = String::new();
        answers.read_line(&mut answer).map_err(|error| format!("harness: {error}"))?;
        if answer.is_empty() { Err("the harness ended".to_owned()) } else { Ok(answer.trim_end().to_owned()) }
    }
}

impl Stand for Python {
    fn package(&self) -> &str {
        &self.lead
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn versions(&self, program: &str) -> Vec<(String, String)> {
        let main = ["flask", "flask-cors", "werkzeug"];
        let mut versions: Vec<(String, String)> = self.packages.clone().into_iter().collect();
        if self.lead == "flask-cors" {
            versions.retain(|(name, _)| main.contains(&name.as_str()) || program.contains(&name.replace('-', "_")));
        }
        versions
    }

    fn varies(&self, package: &str) -> bool {
        self.several.iter().any(|name| name == package)
    }

    fn has_what_it_needs(&self, program: &str) -> bool {
        ["flask-restful", "flask-restx"]
            .iter()
            .all(|name| !program.contains(&name.replace('-', "_")) || self.packages.contains_key(*name))
    }

    fn unordered(&self, header: &str) -> bool {
        // Werkzeug keeps the allowed methods in a set, whose order changes with the process.
        header == "Allow"
    }

    fn start(&mut self, program: &str, file: &str) -> Result<Started, String> {
        let path = self.folder.join("run").join(file);
        write(&path, program)?;
        let startup = self.tell(&format!("start {}", path.display()))?;
        Ok(if startup.starts_with("ok") { Started::Up(startup) } else { Started::Not(startup) })
    }

    fn stop(&mut self) -> Result<(), String> {
        self.tell("stop").map(drop)
    }

    fn close(&mut self) {
        if let Some((mut child, _)) = self.harness.take() {
            // Closing its input ends the harness, which ends what it forked.
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.close();
    }
}
