//! Does the code keep to its own design? `docs/architecture.md` tells it; these tests read the sources and name the line
//! that leaves it.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Rust file of the library: its path from the root, and its text up to its tests.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Number and text of each line that is neither blank nor a comment.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        lines.filter(|(_, line)| !line.is_empty() && !line.starts_with("//"))
    }
}

/// Every file below `folder`, without those that are for tests only, each up to the tests at its end.
fn sources(folder: &str) -> Vec<Source> {
    let (mut open, mut files, mut for_tests) = (vec![root().join(folder)], Vec::new(), Vec::<PathBuf>::new());
    while let Some(next) = open.pop() {
        if next.is_dir() {
            open.extend(std::fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().path()));
        } else if next.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&next).unwrap();
            let mut kept = String::new();
            let mut lines = text.lines().peekable();
            while let Some(line) = lines.next() {
                if line.starts_with("#[cfg(") && line.contains("test") {
                    let Some(item) = lines.peek() else { break };
                    match item.split_once("mod ").map(|(_, name)| name) {
                        // The tests of a file are its end.
                        Some(name) if name.ends_with('{') => break,
                        Some(name) => for_tests.push(module(&next, name.trim_end_matches(';'))),
                        None => {}
                    }
                }
                kept.push_str(line);
                kept.push('\n');
            }
            files.push((next, kept));
        }
    }
    files.retain(|(path, _)| !for_tests.iter().any(|test| path == test || path.starts_with(test.with_extension(""))));
    files.sort();
    assert!(!files.is_empty(), "nothing to read in {folder}");
    let local = |path: &Path| path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    files.into_iter().map(|(path, text)| Source { path: local(&path), text }).collect()
}

/// The file of `mod name;` in `file`.
fn module(file: &Path, name: &str) -> PathBuf {
    let stem = file.file_stem().unwrap();
    let folder = file.parent().unwrap();
    let folder = if stem == "mod" || stem == "lib" { folder.to_owned() } else { folder.join(stem) };
    folder.join(name).with_extension("rs")
}

/// The modules of the library by floor, lowest first: `src/lib.rs` lists them so, with a blank line between two floors.
fn floors() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut floors = vec![Vec::new()];
    for line in text.lines().filter(|line| !line.starts_with("//")) {
        if let Some(name) = line.strip_prefix("pub mod ") {
            floors.last_mut().unwrap().push(name.trim_end_matches(';').to_owned());
        } else if line.is_empty() && !floors.last().unwrap().is_empty() {
            floors.push(Vec::new());
        }
    }
    assert!(floors.len() > 5, "the floors of src/lib.rs are not read");
    floors
}

/// The name at the beginning of a text.
fn name(text: &str) -> &str {
    text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).next().unwrap_or_default()
}

/// What `crate::` leads to in a line, up to two names deep: `["frameworks", "express"]`.
fn targets(line: &str) -> Vec<[&str; 2]> {
    let paths = line.split("crate::").skip(1).map(|path| (path, name(path)));
    paths.map(|(path, first)| [first, path[first.len()..].strip_prefix("::").map_or("", name)]).collect()
}

fn fail_with(faults: &[String]) {
    assert!(faults.is_empty(), "{}\nsee docs/architecture.md", faults.join("\n"));
}

#[test]
fn modules_import_from_lower_floors_only() {
    let floors = floors();
    let floor_of = |name: &str| floors.iter().position(|floor| floor.iter().any(|module| module == name));
    let mut faults = Vec::new();
    for source in sources("src") {
        let own = source.path.split(['/', '.']).nth(1).unwrap();
        if matches!(own, "lib" | "main") {
            continue;
        }
        let floor = floor_of(own).unwrap_or_else(|| panic!("{} has no floor in src/lib.rs", source.path));
        for (number, line) in source.code() {
            for [module, _] in targets(line) {
                let why = match floor_of(module) {
                    _ if module == own => continue,
                    Some(other) if other < floor => continue,
                    Some(other) if other == floor => format!("`{own}` and `{module}` stand on one floor"),
                    Some(_) => format!("`{module}` stands above `{own}`"),
                    None => format!("`{module}` is no module; import each by its own `use crate::`"),
                };
                faults.push(format!("{}:{number}: {why}: {line}", source.path));
            }
        }
    }
    fail_with(&faults);
}

#[test]
fn rules_know_of_servers_and_nothing_of_how_they_were_read() {
    let mut faults = Vec::new();
    for source in sources("src/rules") {
        for (number, line) in source.code() {
            if targets(line).iter().any(|[module, _]| matches!(*module, "syntax" | "eval" | "frameworks")) {
                faults.push(format!("{}:{number}: a rule sees the model only: {line}", source.path));
            }
        }
    }
    fail_with(&faults);
}

#[test]
fn frameworks_do_not_know_each_other() {
    let mut faults = Vec::new();
    for source in sources("src/frameworks") {
        // What joins them stands beside their folders.
        let [_, _, own, _, ..] = source.path.split('/').collect::<Vec<_>>()[..] else { continue };
        for (number, line) in source.code() {
            for [module, inner] in targets(line) {
                if module == "frameworks" && inner != own && inner != "common" {
                    faults.push(format!("{}:{number}: `{own}` knows of another framework: {line}", source.path));
                }
            }
        }
    }
    fail_with(&faults);
}

#[test]
fn library_code_neither_gives_up_nor_prints() {
    let words = [".unwrap()", ".expect(", "panic!(", "unreachable!(", "todo!(", "unimplemented!(", "dbg!("];
    let printing = ["println!(", "print!("];
    let mut faults = Vec::new();
    for source in sources("src").iter().chain(&sources("crates/nginx-config-parser/src")) {
        for (number, line) in source.code() {
            if let Some(word) = words.iter().chain(&printing).find(|word| line.contains(**word)) {
                faults.push(format!("{}:{number}: `{word}` in library code: {line}", source.path));
            }
        }
    }
    fail_with(&faults);
}

#[test]
fn nothing_depends_on_the_machine_it_was_written_on() {
    let words = ["/root/", "/home/", "/Users/"];
    let mut faults = Vec::new();
    for folder in ["src", "crates", "xtask", "benches"] {
        for source in Some(folder).filter(|folder| root().join(folder).exists()).map(sources).into_iter().flatten() {
            for (at, line) in source.text.lines().enumerate() {
                if words.iter().any(|word| line.contains(word)) {
                    faults.push(format!("{}:{}: a path of one machine: {line}", source.path, at + 1));
                }
            }
        }
    }
    fail_with(&faults);
}

#[test]
fn the_map_names_every_module() {
    let map = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for (at, floor) in floors().iter().enumerate() {
        for module in floor {
            let row = map.lines().find(|line| {
                line.split('|').nth(1).is_some_and(|cell| cell.trim() == at.to_string())
                    && line.contains(&format!("`{module}`"))
            });
            assert!(row.is_some(), "docs/architecture.md does not show `{module}` on floor {at}");
        }
    }
}
