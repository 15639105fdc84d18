//! `cargo xtask new-rule` and `new-framework`: the files that a new one begins with, and its place on the lists.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NEW_RULE: &str = "usage: cargo xtask new-rule ID exposure|breakage|hygiene";
const NEW_FRAMEWORK: &str = "usage: cargo xtask new-framework NAME";

/// Writes the page and the file of a rule, and puts it on the list of its folder.
pub fn new_rule(arguments: &[String]) -> Result<(), String> {
    let [id, category] = arguments else { return Err(NEW_RULE.to_owned()) };
    if !["exposure", "breakage", "hygiene"].contains(&category.as_str()) {
        return Err(NEW_RULE.to_owned());
    }
    let name = Name::new(id)?;
    let root = root()?;
    let folder = root.join("src/rules").join(category);
    let list = folder.join("mod.rs");
    let listed = with_rule(&read(&list)?, &name).ok_or_else(|| format!("{}: no list of rules", list.display()))?;
    let page = root.join("rules").join(format!("{id}.md"));
    let code = folder.join(format!("{}.rs", name.module));
    write_new(&page, &rule_page(&name, category, version_in(&read(&root.join("Cargo.toml"))?)))?;
    write_new(&code, &rule_code(&name))?;
    write(&list, &listed)?;
    format(&list)?;
    println!("wrote {} and {}", shown(&root, &page), shown(&root, &code));
    println!("docs/adding-a-rule.md tells the rest; tests/pages.rs fails until the rule finds its own bad example");
    Ok(())
}

/// Writes the folder of a framework, and its line in `src/frameworks/mod.rs`.
pub fn new_framework(arguments: &[String]) -> Result<(), String> {
    let [id] = arguments else { return Err(NEW_FRAMEWORK.to_owned()) };
    let name = Name::new(id)?;
    let root = root()?;
    let list = root.join("src/frameworks/mod.rs");
    let listed = with_module(&read(&list)?, "pub mod ", &name.module)
        .ok_or_else(|| format!("{}: no list of frameworks, or one that has it", list.display()))?;
    let folder = root.join("src/frameworks").join(&name.module);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let code = folder.join("mod.rs");
    write_new(&code, &framework_code(&name))?;
    write(&list, &listed)?;
    println!("wrote {}", shown(&root, &code));
    println!(
        "next: its host and `extract` in src/frameworks/analysis.rs, and recordings; see docs/adding-a-framework.md"
    );
    Ok(())
}

/// Writes anew what is generated: what the README shows (the table of rules, what its commands print), and the schemas.
pub fn generate(arguments: &[String]) -> Result<(), String> {
    if !arguments.is_empty() {
        return Err("usage: cargo xtask gen".to_owned());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    for tests in [&["--test", "readme"][..], &["--lib", "the_schema_is_that_of"]] {
        let status = Command::new(&cargo)
            .args(["test", "--quiet", "--package", "corslint"])
            .args(tests)
            .env("UPDATE", "1")
            .current_dir(root()?)
            .status()
            .map_err(|error| format!("cargo: {error}"))?;
        if !status.success() {
            return Err(format!("what `cargo test {}` generates could not be written", tests.join(" ")));
        }
    }
    Ok(())
}

/// A name in the forms in which it is needed: `missing-vary`, `missing_vary`, `MissingVary`.
struct Name {
    id: String,
    module: String,
    type_name: String,
}

impl Name {
    fn new(id: &str) -> Result<Self, String> {
        let words: Vec<&str> = id.split('-').collect();
        let fits = |word: &&str| {
            word.starts_with(|first: char| first.is_ascii_lowercase())
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !words.iter().all(fits) {
            return Err(format!("`{id}` must be small letters and digits, in words joined by hyphens"));
        }
        let type_name = words.iter().map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        Ok(Self { id: id.to_owned(), module: words.join("_"), type_name })
    }
}

/// The text with a `mod` line more, among those that begin with `start`, in their order. `None` where there are none,
/// or where it is one of them already.
fn with_module(text: &str, start: &str, module: &str) -> Option<String> {
    let new = format!("{start}{module};");
    let mut lines: Vec<&str> = text.lines().collect();
    if lines.contains(&new.as_str()) {
        return None;
    }
    let last = lines.iter().rposition(|line| line.starts_with(start))?;
    let at = lines.iter().position(|line| line.starts_with(start) && *line > new.as_str()).unwrap_or(last + 1);
    lines.insert(at, &new);
    Some(lines.join("\n") + "\n")
}

/// The list of a folder of rules with one more, at its end.
fn with_rule(text: &str, name: &Name) -> Option<String> {
    let text = with_module(text, "mod ", &name.module)?;
    let start = text.find("RULES: &[&dyn Rule]")?;
    let end = start + text[start..].find("];")?;
    let comma = if text[..end].trim_end().ends_with(',') { "" } else { ", " };
    let entry = format!("{comma}&{}::{}", name.module, name.type_name);
    Some(format!("{}{entry}{}", &text[..end], &text[end..]))
}

/// The version that a manifest gives its package.
fn version_in(manifest: &str) -> &str {
    let value = manifest.lines().find_map(|line| line.strip_prefix("version = "));
    value.map_or("0.1.0", |value| value.trim_matches('"'))
}

fn rule_page(name: &Name, category: &str, version: &str) -> String {
    let id = &name.id;
    format!(
        r#"+++
id = "{id}"
summary = "TODO: one sentence, lower case"
category = "{category}"
severity = "warning"
fix = "none"
since = "{version}"
cwe = []
references = ["https://fetch.spec.whatwg.org/#http-cors-protocol"]
+++
## What it finds
TODO: which answer, to which request, is wrong.

## Why it matters
TODO: what the browser does then.

## Examples
```js express bad
const express = require('express');
const cors = require('cors');

const app = express();
app.use(cors({{ origin: 'https://app.example.com' }})); // finds: {id}
app.get('/api/items', (req, res) => res.json([]));
app.listen(3000);
```

```js express good
const express = require('express');
const cors = require('cors');

const app = express();
app.use(cors({{ origin: ['https://app.example.com'] }}));
app.get('/api/items', (req, res) => res.json([]));
app.listen(3000);
```

## When to ignore it
TODO: when it is right all the same.
"#
    )
}

fn rule_code(name: &Name) -> String {
    let Name { id, type_name, .. } = name;
    format!(
        r#"//! TODO: the fault in one sentence.

use crate::rules::{{Report, Rule, STRANGER, ServerView, evidence, only, source, when, with_certainty}};
use crate::cors::{{Fetch, headers}};

/// `{id}`
pub struct {type_name};

impl Rule for {type_name} {{
    fn id(&self) -> &'static str {{
        "{id}"
    }}

    fn check(&self, view: &ServerView, report: &mut Report) {{
        for route in &view.routes {{
            let answer = view.from_page(route, STRANGER);
            // TODO: the answer that is wrong; this is one that lets a stranger read.
            let lets_in = |value: &str| value == STRANGER;
            let wrong = when(&answer, |world| {{
                only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| lets_in(value))
            }});
            let Some((certainty, world)) = wrong else {{ continue }};
            let Some((sent, _)) = only(world, headers::ALLOW_ORIGIN) else {{ continue }};
            let Some(finding) = report.at(self.id(), source(sent), "sent here", "TODO: the message") else {{ continue }};
            finding.evidence = evidence(view, &Fetch::get(STRANGER, &route.path).with_method(&*route.method));
            finding.consequence = Some("TODO: what the browser does".into());
            finding.help = Some("TODO: what to write instead".into());
            with_certainty(finding, &certainty);
        }}
    }}
}}
"#
    )
}

fn framework_code(name: &Name) -> String {
    let Name { id, type_name, .. } = name;
    format!(
        r#"//! {type_name}: TODO, which versions and packages.

use crate::eval::{{Evaluator, Host, Kind, Native, Value}};
use crate::model::Server;
use crate::source::Span;
use crate::syntax::program::Language;

/// What programs get from `{id}`.
pub struct {type_name};

impl Host for {type_name} {{
    fn language(&self) -> Language {{
        Language::JavaScript
    }}

    fn import(&self, _eval: &mut Evaluator, module: &str, span: Span) -> Option<Value> {{
        // TODO: further packages of the framework; then `property`, `call` and `method` for what they hold.
        (module == "{id}").then(|| Value::new(Kind::Native(Native {{ name: "{id}", bound: [].into(), of: None }}), span))
    }}
}}

/// The servers that programs have made, in the order of their places.
pub fn extract(_eval: &mut Evaluator) -> Vec<Server> {{
    // TODO: what was registered, as steps in the order in which they run.
    Vec::new()
}}
"#
    )
}

fn root() -> Result<PathBuf, String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().map(Path::to_owned).ok_or_else(|| "the project's folder is not known".to_owned())
}

fn shown<'a>(root: &Path, path: &'a Path) -> std::path::Display<'a> {
    path.strip_prefix(root).unwrap_or(path).display()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn write_new(path: &Path, text: &str) -> Result<(), String> {
    if path.exists() {
        return Err(format!("{}: it is there already", path.display()));
    }
    write(path, text)
}

fn format(path: &Path) -> Result<(), String> {
    let status = Command::new("rustfmt").args(["--edition", "2024"]).arg(path).status();
    let status = status.map_err(|error| format!("rustfmt: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("rustfmt could not format {}", path.display())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_forms() {
        let name = Name::new("missing-vary").unwrap();
        assert_eq!((name.module.as_str(), name.type_name.as_str()), ("missing_vary", "MissingVary"));
        for wrong in ["", "Missing", "missing_vary", "missing--vary", "-x", "9lives", "../x", "é"] {
            assert!(Name::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rule_comes_onto_each_list() {
        for list in [
            include_str!("../../src/rules/exposure/mod.rs"),
            include_str!("../../src/rules/breakage/mod.rs"),
            include_str!("../../src/rules/hygiene/mod.rs"),
        ] {
            let new = with_rule(list, &Name::new("late-headers").unwrap()).unwrap();
            assert_eq!(new.matches("late_headers").count(), 2, "{new}");
            let modules: Vec<&str> = new.lines().filter(|line| line.starts_with("mod ")).collect();
            assert!(modules.is_sorted(), "{new}");
            assert!(
                new.contains("&late_headers::LateHeaders]") || new.contains("&late_headers::LateHeaders];"),
                "{new}"
            );
            assert!(with_rule(&new, &Name::new("late-headers").unwrap()).is_none(), "twice");
        }
    }

    #[test]
    fn a_framework_comes_onto_the_list() {
        let list = include_str!("../../src/frameworks/mod.rs");
        let new = with_module(list, "pub mod ", "zzz").unwrap();
        assert!(new.ends_with("pub mod zzz;\n"), "{new}");
        assert!(with_module(list, "pub mod ", "express").is_none());
    }
}
