//! What Dockerfiles say of the programs in their images.

use std::path::{Path, PathBuf};

use super::command::{self, Launch};
use super::compose::joined;

/// What an image of the project runs.
#[derive(Debug, Default)]
pub(super) struct Image {
    /// What it starts.
    pub launch: Option<Launch>,
    /// Folders and files of the build's context that are copied into it.
    pub copied: Vec<PathBuf>,
    /// Variables that it sets.
    pub variables: Vec<(String, String)>,
}

/// Reads a Dockerfile whose context is `context`. The last stage counts; what the stages before it copy does, too.
pub(super) fn dockerfile(text: &str, context: &Path) -> Image {
    let mut image = Image::default();
    let (mut entrypoint, mut start): (Option<Vec<String>>, Option<Vec<String>>) = (None, None);
    for line in lines(text) {
        let (instruction, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let rest = rest.trim();
        match instruction.to_ascii_uppercase().as_str() {
            "FROM" => (entrypoint, start) = (None, None),
            "CMD" => start = Some(command_of(rest)),
            "ENTRYPOINT" => entrypoint = Some(command_of(rest)),
            "ENV" => image.variables.extend(variables(rest)),
            "COPY" | "ADD" if !rest.contains("--from=") => {
                let words = command_of(rest);
                let sources = words.split_last().map(|(_, sources)| sources).unwrap_or_default();
                let sources = sources.iter().filter(|source| !source.starts_with("--") && !source.contains(['*', '$']));
                image.copied.extend(sources.map(|source| joined(context, source)));
            }
            _ => {}
        }
    }
    let whole = [entrypoint.clone().unwrap_or_default(), start.clone().unwrap_or_default()].concat();
    image.launch = command::launch(&whole).or_else(|| command::launch(&start?));
    image
}

/// The instructions, each on one line.
fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#') && !line.is_empty()) {
        match line.strip_suffix('\\') {
            Some(begun) => open.push_str(begun),
            None => lines.push(std::mem::take(&mut open) + line),
        }
    }
    lines
}

/// A command as a list, or as a shell reads it.
fn command_of(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| command::words(text))
}

fn variables(text: &str) -> Vec<(String, String)> {
    let words = command::words(text);
    match words.first() {
        Some(first) if !first.contains('=') => vec![(first.clone(), words[1..].join(" "))],
        _ => words
            .iter()
            .filter_map(|word| word.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stage_says_what_runs() {
        let text = "FROM node:20 AS build\nCOPY web/ .\nCMD [\"npm\", \"test\"]\nFROM python:3\nENV PORT=8000 NAME=x\n\
                    COPY --from=build /out /out\nCOPY api \\\n  /srv\nCMD [\"gunicorn\", \"-b\", \":8000\", \"app:app\"]\n";
        let image = dockerfile(text, Path::new("/r"));
        assert_eq!(image.launch.unwrap().port, Some(8000));
        assert_eq!(image.copied, [PathBuf::from("/r/web"), PathBuf::from("/r/api")]);
        assert_eq!(image.variables[0], ("PORT".to_owned(), "8000".to_owned()));
        let shell = dockerfile("FROM x\nENTRYPOINT [\"/entry.sh\"]\nCMD node server.js\n", Path::new("/r"));
        assert!(shell.launch.is_some());
    }
}
