//! Is everything that README.md shows true?
//!
//! The programs of the README are written into a folder, each command that starts with `$ corslint` is run there, and
//! what it prints must be what the README says it prints; a line `…` stands for any lines. The table of rules must be
//! that of the rules. `UPDATE=1 cargo test --test readme` writes both anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use corslint::finding::{Category, Severity};
use corslint::rules::{Page, pages, rules};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

/// A fenced block: the words after the fence, and the lines between.
struct Block {
    info: String,
    lines: Vec<String>,
}

/// The README in parts: text, and blocks between them.
enum Part {
    Text(String),
    Block(Block),
}

fn parts(readme: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut open: Option<Block> = None;
    for line in readme.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => parts.extend(open.take().map(Part::Block)),
            (Some(block), _) => block.lines.push(line.to_owned()),
            (None, Some(info)) => open = Some(Block { info: info.to_owned(), lines: Vec::new() }),
            (None, None) => parts.push(Part::Text(line.to_owned())),
        }
    }
    assert!(open.is_none(), "a block of the README is not closed");
    parts
}

/// The words of a command as a shell would split them, of what the README uses of a shell: blanks and single quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in command.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// What a command prints on a terminal of a hundred columns, without colours.
fn printed(command: &str, folder: &Path) -> String {
    let words = words(command);
    let output = Command::new(env!("CARGO_BIN_EXE_corslint"))
        .args(&words[1..])
        .current_dir(folder)
        .envs([("COLUMNS", "100"), ("LC_ALL", "C.UTF-8"), ("TERM", "xterm"), ("NO_COLOR", "1")])
        .output()
        .unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether `printed` is what is `shown`, in which a line `…` stands for any lines.
fn is_shown(shown: &[String], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line.trim() == "…" => (0..=printed.len()).any(|skip| is_shown(rest, &printed[skip..])),
        Some((line, rest)) => printed.first() == Some(&line.as_str()) && is_shown(rest, &printed[1..]),
    }
}

/// Runs the commands of a block, and returns the block as it should be, and what differs.
fn play(block: &Block, folder: &Path) -> (Vec<String>, Vec<String>) {
    let (mut new, mut wrong) = (Vec::new(), Vec::new());
    let mut lines = block.lines.iter().peekable();
    while let Some(line) = lines.next() {
        new.push(line.clone());
        let mut shown = Vec::new();
        while let Some(output) = lines.next_if(|line| !line.starts_with("$ ")) {
            shown.push(output.clone());
        }
        match line.strip_prefix("$ ") {
            Some(command) if command.starts_with("corslint") && !shown.is_empty() => {
                let text = printed(command, folder);
                let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
                if is_shown(&shown, &lines) {
                    new.extend(shown);
                } else {
                    wrong.push(format!("`{command}` prints\n{text}"));
                    new.extend(lines.iter().map(|line| (*line).to_owned()));
                }
            }
            _ => new.extend(shown),
        }
    }
    (new, wrong)
}

/// The ids of the rules that are asked, and of those that the triage of findings asks.
fn asked() -> BTreeSet<&'static str> {
    rules().iter().map(|rule| rule.id()).chain(["unknown-suppression", "unused-suppression"]).collect()
}

fn table() -> String {
    let asked = asked();
    let mut table = String::new();
    for (category, title) in [
        (Category::Exposure, "**Exposure**: somebody may read who should not"),
        (Category::Breakage, "**Breakage**: the browser will refuse"),
        (Category::Hygiene, "**Hygiene**: works, and costs something later"),
    ] {
        let pages: Vec<&&Page> =
            pages().iter().filter(|page| page.category == category && asked.contains(page.id)).collect();
        if pages.is_empty() {
            continue;
        }
        let _ = writeln!(table, "{title}\n\n| rule | severity | what it finds |\n| --- | --- | --- |");
        for page in pages {
            let severity = match page.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            let _ = writeln!(
                table,
                "| [`{id}`](rules/{id}.md) | {severity} | {summary} |",
                id = page.id,
                summary = page.summary.replace('|', "\\|")
            );
        }
        table.push('\n');
    }
    table
}

/// The README with what it should show, and what differs from what it shows.
fn renewed(readme: &str) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (mut new, mut wrong) = (String::new(), Vec::new());
    let mut in_table = false;
    for part in parts(readme) {
        match part {
            Part::Text(line) => {
                in_table &= line != "<!-- end of rules -->";
                if !in_table {
                    let _ = writeln!(new, "{line}");
                }
                if line == "<!-- rules -->" {
                    in_table = true;
                    let _ = write!(new, "\n{}", table());
                }
            }
            Part::Block(block) => {
                let mut lines = block.lines.clone();
                if let Some((_, name)) = block.info.split_once(' ') {
                    let path = folder.path().join(name);
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, block.lines.join("\n") + "\n").unwrap();
                } else if block.info == "console" {
                    let (better, more) = play(&block, folder.path());
                    lines = better;
                    wrong.extend(more);
                }
                let _ = writeln!(new, "```{}", block.info);
                lines.iter().for_each(|line| {
                    let _ = writeln!(new, "{line}");
                });
                new.push_str("```\n");
            }
        }
    }
    (new, wrong)
}

#[test]
fn what_the_readme_shows_is_what_happens() {
    let readme = std::fs::read_to_string(README).unwrap();
    let (new, wrong) = renewed(&readme);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(README, new).unwrap();
        return;
    }
    const HOW: &str = "if that is right, write it into README.md: UPDATE=1 cargo test --test readme";
    assert!(wrong.is_empty(), "{}\n{HOW}", wrong.join("\n"));
    assert!(new == readme, "the table of rules is another\n{HOW}");
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut dead = Vec::new();
    let documents = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root.join(name)).into_iter();
    let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    for document in documents.chain(docs) {
        let text = std::fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            if !target.contains("://") && !path.is_empty() && !document.parent().unwrap().join(path).exists() {
                dead.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

/// Continuous integration runs the tests as the README tells people to.
#[test]
fn the_tests_that_the_readme_names_are_those_of_ci() {
    let ci = include_str!("../.ci/run");
    let readme = std::fs::read_to_string(README).unwrap();
    let (_, named) = readme.split_once("The tests:").unwrap();
    let command = named.lines().find_map(|line| line.strip_prefix("$ ")).unwrap();
    assert!(ci.lines().any(|line| line == command), "`{command}` is not in .ci/run");
}
