//! What a program is run with: one stand for each framework and set of versions.

mod nginx;
mod node;
mod python;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::record::File;

/// One set of versions that programs can be run with.
pub trait Stand {
    /// The package whose version tells the stands of a file apart.
    fn package(&self) -> &str;
    /// That package's version, as the recordings name it.
    fn version(&self) -> &str;
    /// For people.
    fn title(&self) -> String {
        format!("{} {}", self.package(), self.version())
    }
    /// What a record of this program says about versions.
    fn versions(&self, program: &str) -> Vec<(String, String)>;
    /// Whether stands of this file have different versions of a package.
    fn varies(&self, package: &str) -> bool;
    /// Whether everything the program needs is installed here.
    fn has_what_it_needs(&self, _program: &str) -> bool {
        true
    }
    /// Whether the server gives the members of a header's list in no particular order.
    fn unordered(&self, _header: &str) -> bool {
        false
    }
    /// Starts a program saved under a name. It must be stopped before the next one.
    fn start(&mut self, program: &str, file: &str) -> Result<Started, String>;
    /// Stops it.
    fn stop(&mut self) -> Result<(), String>;
    /// Ends whatever was started for all programs.
    fn close(&mut self) {}
}

/// How a start went.
pub enum Started {
    /// It runs: `ok` or `ok, warns: …`.
    Up(String),
    /// It does not: `throws …`, `config test fails: …`.
    Not(String),
}

/// Every stand of a file, installed.
pub fn of(file: &File, scratch: &Path) -> Result<Vec<Box<dyn Stand>>, String> {
    let public = public_folder(scratch)?;
    match file.framework.as_str() {
        "express" | "fastify" | "koa" | "hono" => node::stands(file, scratch, &public),
        "flask" | "django" | "fastapi" => python::stands(file, scratch, &public),
        "nginx" => nginx::stands(file, scratch),
        other => Err(format!("nobody has said how {other} is run")),
    }
}

/// Static files that programs serve: `PUBLIC_DIR` in their environment.
fn public_folder(scratch: &Path) -> Result<PathBuf, String> {
    let public = scratch.join("public");
    for (name, text) in [("data.json", "{\"ok\": true}\n"), ("sub/index.html", "<p>here</p>\n")] {
        write(&public.join(name), text)?;
    }
    Ok(public)
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(told)?;
    }
    std::fs::write(path, text).map_err(told)
}

/// Runs a command to its end; its complaint is the error.
fn done(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{command:?}\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// Installs by `install` unless the folder already holds exactly `wanted`.
fn once(folder: &Path, wanted: &str, install: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let mark = folder.join("installed.txt");
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!("installing into {}", folder.display());
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    install()?;
    write(&mark, wanted)
}

/// The packages of a `versions` table whose version is one text, without what is not installed from a registry.
fn pinned(table: &Value) -> BTreeMap<String, String> {
    let not_packages = ["node", "python", "chromium"];
    let rows = table.as_object().into_iter().flatten();
    rows.filter(|(name, _)| !not_packages.contains(&name.as_str()))
        .filter_map(|(name, version)| Some((name.clone(), version.as_str()?.to_owned())))
        .collect()
}
