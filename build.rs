//! Reads `rules/<id>.md`, the only home of a rule's metadata, and embeds the pages as `$OUT_DIR/pages.rs`: one constant
//! for each page, and the list of all. A page that breaks the format stops the build with the file and what is wrong.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=rules");
    match generate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn generate() -> Result<(), String> {
    let mut paths = Vec::new();
    for entry in fs::read_dir("rules").map_err(|error| format!("rules: {error}"))? {
        let path = entry.map_err(|error| format!("rules: {error}"))?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
    // By id: the list is searched by halving.
    paths.sort_by(|a: &PathBuf, b| a.file_stem().cmp(&b.file_stem()));
    let mut constants = String::new();
    let mut list = String::from("/// Every page, by id.\npub static PAGES: &[&Page] = &[\n");
    for path in &paths {
        println!("cargo::rerun-if-changed={}", path.display());
        let name = constant(path, &mut constants).map_err(|message| format!("{}: {message}", path.display()))?;
        let _ = writeln!(list, "    &{name},");
    }
    list.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?).join("pages.rs");
    fs::write(&out, constants + &list).map_err(|error| format!("{}: {error}", out.display()))
}

/// The keys of the front matter, all of them required.
const KEYS: &[&str] = &["id", "summary", "category", "severity", "fix", "since", "cwe", "references"];

/// The sections of the body, in this order; the last may be missing.
const SECTIONS: &[&str] = &["What it finds", "Why it matters", "Examples", "When to ignore it"];

/// Writes the constant of one page and returns its name.
fn constant(path: &Path, out: &mut String) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?.replace("\r\n", "\n");
    let rest = text.strip_prefix("+++\n").ok_or("the page must begin with `+++`")?;
    let (front, body) = rest.split_once("\n+++\n").ok_or("the front matter must end with `+++`")?;
    let front: toml::Table = front.parse().map_err(|error| format!("the front matter is not TOML: {error}"))?;
    if let Some(key) = front.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("the key `{key}` is unknown; there are {}", KEYS.join(", ")));
    }
    let text_of = |key: &str| {
        front.get(key).and_then(toml::Value::as_str).ok_or_else(|| format!("the key `{key}` must be there, as text"))
    };
    let list_of = |key: &str| -> Result<Vec<&str>, String> {
        let list = front.get(key).and_then(toml::Value::as_array);
        let list = list.ok_or_else(|| format!("the key `{key}` must be there, as a list"))?;
        list.iter().map(|item| item.as_str().ok_or_else(|| format!("`{key}` must list texts"))).collect()
    };
    let variant = |key: &str, known: &[&str]| {
        let value = text_of(key)?;
        if !known.contains(&value) {
            return Err(format!("`{key}` must be one of {}, not `{value}`", known.join(", ")));
        }
        Ok(value[..1].to_uppercase() + &value[1..])
    };
    let id = text_of("id")?;
    if path.file_stem().and_then(|stem| stem.to_str()) != Some(id) {
        return Err(format!("the file must be called `{id}.md`, after its id"));
    }
    if !id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return Err("an id has small letters, digits and hyphens only".to_owned());
    }
    let summary = text_of("summary")?;
    if summary.ends_with('.') || summary.is_empty() || summary.contains('\n') {
        return Err("the summary is one sentence without a full stop".to_owned());
    }
    check_body(body)?;
    let name = id.replace('-', "_").to_uppercase();
    let _ = writeln!(
        out,
        "/// `{id}`: {summary}.\npub static {name}: Page = Page {{ id: {id:?}, summary: {summary:?}, category: Category::{}, \
         severity: Severity::{}, fix: FixKind::{}, since: {:?}, cwe: &{:?}, references: &{:?}, body: {:?} }};",
        variant("category", &["exposure", "breakage", "hygiene"])?,
        variant("severity", &["note", "warning", "error"])?,
        variant("fix", &["none", "display", "unsafe", "safe"])?,
        text_of("since")?,
        list_of("cwe")?,
        list_of("references")?,
        body.trim(),
    );
    Ok(name)
}

/// Checks the sections and the fences of a body.
fn check_body(body: &str) -> Result<(), String> {
    let (mut sections, mut fence) = (Vec::new(), None);
    for (index, line) in body.lines().enumerate() {
        if let Some(info) = line.strip_prefix("```") {
            fence = match fence {
                Some(_) if info.is_empty() => None,
                Some(open) => return Err(format!("the block opened in line {open} of the body is not closed")),
                None if info.is_empty() => return Err(format!("the block in line {} has no language", index + 1)),
                None => Some(index + 1),
            };
        } else if fence.is_none()
            && let Some(title) = line.strip_prefix("## ")
        {
            sections.push(title);
        }
    }
    if let Some(open) = fence {
        return Err(format!("the block opened in line {open} of the body is not closed"));
    }
    if sections != SECTIONS && sections != SECTIONS[..3] {
        return Err(format!("the sections must be {}, not {}", SECTIONS.join(", "), sections.join(", ")));
    }
    Ok(())
}
