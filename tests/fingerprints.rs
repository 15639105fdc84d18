//! Does a fingerprint stay when a file is edited at random away from the finding, and change when the finding is edited?
//!
//! The programs are the bad examples of the rule pages. The edits are drawn by a generator with a fixed seed, and keep
//! what the program does. `SEED=n cargo test --test fingerprints` draws others.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::AtomicUsize;

use corslint::config::{Config, FILE_NAME, Settings};
use corslint::engine;
use corslint::rules::page::{Example, Role};
use corslint::rules::pages;

/// A finding: where it is, and its name across runs.
struct Found {
    file: String,
    range: Range<usize>,
    /// Its other places, in the same file.
    labels: Vec<Range<usize>>,
    rule: &'static str,
    fingerprint: String,
}

fn lint(files: &[(String, String)]) -> Vec<Found> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let root = folder.path().canonicalize().unwrap();
    let mut settings = Settings::new(root.clone(), [".".into()]);
    settings.threads = 1;
    if root.join(FILE_NAME).exists() {
        settings.config = Config::load(&root.join(FILE_NAME)).unwrap();
    }
    let run = engine::run(&settings, None, &AtomicUsize::new(0));
    let found = run.outcome.findings.iter().map(|reported| {
        let span = reported.finding.primary.span;
        let labels = reported.finding.labels.iter().filter(|label| label.span.file == span.file);
        Found {
            file: run.sources.get(span.file).name.clone(),
            range: span.start as usize..span.end as usize,
            labels: labels.map(|label| label.span.start as usize..label.span.end as usize).collect(),
            rule: reported.finding.rule,
            fingerprint: reported.fingerprint.to_string(),
        }
    });
    found.collect()
}

/// Xorshift: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        (!items.is_empty()).then(|| items[self.below(items.len())])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Script,
    Python,
    Nginx,
}

fn language(name: &str) -> Option<Language> {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("js" | "ts" | "mjs" | "cjs" | "tsx" | "jsx" | "mts" | "cts") => Some(Language::Script),
        Some("py") => Some(Language::Python),
        Some("conf") => Some(Language::Nginx),
        _ => None,
    }
}

/// The edits. Each takes a text and the places of findings in it, and gives another text with the same findings, or
/// nothing where it does not apply.
type Edit = fn(Language, &str, &[Range<usize>], &mut Random) -> Option<String>;

const EDITS: &[(&str, Edit)] = &[
    ("a blank line", blank_line),
    ("a comment line", comment_line),
    ("lines end with CR LF", carriage_returns),
    ("another indentation", indentation),
    ("other quotes", quotes),
    ("blanks within a finding", blanks_within),
    ("a variable is renamed", renamed),
    ("another fault above", fault_above),
    ("another fault below", fault_below),
    ("the same fault elsewhere", same_fault),
];

/// The offsets of lines that begin outside strings, brackets that Python minds, and continued lines.
fn line_starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    let mut quotes = 0;
    for (at, c) in text.char_indices() {
        let rest = &text[at..];
        if c == '`' || rest.starts_with("\"\"\"") || rest.starts_with("'''") {
            quotes += 1;
        }
        if c == '\n' && quotes % 2 == 0 && !text[..at].trim_end_matches('\r').ends_with('\\') {
            starts.push(at + 1);
        }
    }
    starts
}

fn outside(starts: Vec<usize>, findings: &[Range<usize>]) -> Vec<usize> {
    starts.into_iter().filter(|at| !findings.iter().any(|range| range.start < *at && *at < range.end)).collect()
}

fn inserted(text: &str, at: usize, new: &str) -> String {
    format!("{}{new}{}", &text[..at], &text[at..])
}

fn blank_line(_: Language, text: &str, _: &[Range<usize>], random: &mut Random) -> Option<String> {
    let at = random.pick(&line_starts(text))?;
    Some(inserted(text, at, ["\n", "\n\n", "   \n"][random.below(3)]))
}

fn comment_line(language: Language, text: &str, findings: &[Range<usize>], random: &mut Random) -> Option<String> {
    let at = random.pick(&outside(line_starts(text), findings))?;
    let comment = match language {
        Language::Script => ["// cors({ origin: true })\n", "/* it's\n   \"two lines */\n"][random.below(2)],
        _ => ["# it's a comment {\n", "    # add_header X \"y\";\n"][random.below(2)],
    };
    Some(inserted(text, at, comment))
}

fn carriage_returns(_: Language, text: &str, _: &[Range<usize>], _: &mut Random) -> Option<String> {
    Some(text.replace("\r\n", "\n").replace('\n', "\r\n"))
}

fn indentation(language: Language, text: &str, _: &[Range<usize>], random: &mut Random) -> Option<String> {
    let starts = line_starts(text);
    let unit = 1 + random.below(3);
    let mut out = String::new();
    for (line, start) in starts.iter().enumerate() {
        let end = starts.get(line + 1).copied().unwrap_or(text.len());
        let line = &text[*start..end];
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        // Python counts: every level grows alike.
        let more = if language == Language::Python { indent * unit } else { random.below(5) };
        out.push_str(&" ".repeat(more));
        out.push_str(line);
    }
    Some(out)
}

fn quotes(language: Language, text: &str, _: &[Range<usize>], _: &mut Random) -> Option<String> {
    if language == Language::Nginx {
        return None;
    }
    let comment = if language == Language::Python { "# " } else { "// " };
    let lines = text.split_inclusive('\n').map(|line| {
        let (code, rest) = line.split_at(line.find(comment).unwrap_or(line.len()));
        let is_plain = !code.contains(['"', '`', '\\']) && code.matches('\'').count() % 2 == 0;
        if is_plain { code.replace('\'', "\"") + rest } else { line.to_owned() }
    });
    Some(lines.collect::<String>()).filter(|quoted| quoted != text)
}

/// Blanks where a formatter may put them: behind a comma or an opening bracket in a finding.
fn blanks_within(language: Language, text: &str, findings: &[Range<usize>], random: &mut Random) -> Option<String> {
    let mut places = Vec::new();
    for range in findings {
        let mut quote = None;
        for (at, c) in text[range.clone()].char_indices() {
            match (quote, c) {
                (None, '\'' | '"' | '`' | '/') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                (None, ',' | '(' | '[' | '{') if language != Language::Nginx => places.push(range.start + at + 1),
                (None, ' ') if language == Language::Nginx => places.push(range.start + at + 1),
                _ => {}
            }
        }
    }
    let at = random.pick(&places)?;
    Some(inserted(text, at, [" ", "\n      ", "  "][random.below(3)]))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The places of a name as a whole word.
fn words<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(name).map(|(at, _)| at).filter(move |at| {
        !text[..*at].chars().next_back().is_some_and(is_word)
            && !text[at + name.len()..].chars().next().is_some_and(is_word)
    })
}

/// Renames a variable that the file declares and that no finding names.
fn renamed(language: Language, text: &str, findings: &[Range<usize>], random: &mut Random) -> Option<String> {
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let line = line.trim_start();
        let name = match language {
            Language::Script => ["const ", "let ", "var "].iter().find_map(|word| line.strip_prefix(word)),
            Language::Python if line.contains(" = ") || line.starts_with("def ") => {
                Some(line.strip_prefix("def ").unwrap_or(line))
            }
            Language::Nginx => line.strip_prefix("set ").or(line.strip_prefix("map $http_origin ")),
            Language::Python => None,
        };
        let name: String = name.unwrap_or_default().chars().take_while(|&c| is_word(c)).collect();
        // What another file or the framework knows by its name, and properties, would be more than a variable.
        let is_plain = |at: usize| {
            let (before, after) = (text[..at].trim_end(), text[at + name.len()..].trim_start());
            language == Language::Nginx
                || !(before.ends_with(['.', '\'', '"', '{', '/', '$'])
                    || after.starts_with([':', '}', '\'', '"'])
                    || (before.ends_with(',') && after.starts_with(',') && language == Language::Script)
                    || (language == Language::Python && after.starts_with('=') && before.ends_with(['(', ','])))
        };
        let common = ["application", "create_app", "exports", "module", ""].contains(&name.as_str());
        let told = findings.iter().any(|range| words(&text[range.clone()], &name).next().is_some());
        if !common && !told && words(text, &name).all(is_plain) {
            names.insert(name);
        }
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let name = random.pick(&names)?;
    let mut out = String::new();
    let mut at = 0;
    for place in words(text, name).collect::<Vec<_>>() {
        out.push_str(&text[at..place]);
        out.push_str(name);
        out.push_str("_renamed");
        at = place + name.len();
    }
    out.push_str(&text[at..]);
    Some(out)
}

/// A server with a fault of its own, which reaches nothing of the file's.
fn other_fault(language: Language, random: &mut Random) -> String {
    let number = random.below(1000);
    match language {
        Language::Script => format!(
            "{{\n  const other{number} = require('express')();\n  other{number}.use(require('cors')({{ origin: 'https://a{number}.example/' }}));\n  other{number}.get('/other{number}', (req, res) => res.send(''));\n}}\n"
        ),
        Language::Python => format!(
            "def other_{number}():\n    from flask import Flask\n    from flask_cors import CORS\n    other = Flask('other')\n    CORS(other, origins=['https://a{number}.example/'])\n    @other.route('/other{number}')\n    def answer():\n        return ''\n    return other\n"
        ),
        Language::Nginx => format!(
            "location /other{number} {{ add_header Access-Control-Allow-Origin https://a{number}.example/; return 200; }}\n"
        ),
    }
}

/// Where a configuration can have another location: behind a `server {`.
fn in_server(text: &str) -> Option<usize> {
    text.find("server {").map(|at| at + "server {".len())
}

fn fault_above(language: Language, text: &str, _: &[Range<usize>], random: &mut Random) -> Option<String> {
    let fault = other_fault(language, random);
    match language {
        // Directives, imports of the future and the like come first.
        Language::Script if text.starts_with("import ") || text.contains("\nimport ") || text.starts_with("#!") => None,
        Language::Python if text.contains("__future__") => None,
        Language::Nginx => Some(inserted(text, in_server(text)?, &format!("\n{fault}"))),
        _ => Some(format!("{fault}{text}")),
    }
}

fn fault_below(language: Language, text: &str, _: &[Range<usize>], random: &mut Random) -> Option<String> {
    let fault = other_fault(language, random);
    match language {
        Language::Nginx => None,
        _ => Some(format!("{text}\n{fault}")),
    }
}

/// What a finding of a configuration is about, once more in a location above: only the location tells them apart.
fn same_fault(language: Language, text: &str, findings: &[Range<usize>], random: &mut Random) -> Option<String> {
    let server = in_server(text)?;
    let range = random.pick(&(0..findings.len()).collect::<Vec<_>>()).map(|at| findings[at].clone())?;
    if language != Language::Nginx {
        return None;
    }
    // The directive around it.
    let start = text[..range.start].rfind(['{', '}', ';', '\n']).map_or(0, |at| at + 1);
    let end = text[range.end..].find([';', '{', '\n']).map(|at| range.end + at)?;
    let directive = text[start..end].trim();
    // One that stands in the server itself is of the same surroundings wherever in it.
    (directive.starts_with("add_header") && !text[end..].starts_with('{')).then(|| {
        inserted(text, server, &format!("\n  location /same{} {{\n    {directive};\n  }}\n", random.below(1000)))
    })
}

fn seed() -> u64 {
    std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7)
}

fn examples() -> Vec<Example> {
    let all = pages().iter().flat_map(|page| page.examples().unwrap());
    all.filter(|example| example.role == Role::Bad).collect()
}

#[test]
fn edits_away_from_a_finding_keep_its_fingerprint() {
    let mut random = Random::new(seed());
    let (mut done, mut wrong) = ([0; EDITS.len()], Vec::new());
    for example in examples() {
        let before = lint(&example.files);
        // Each edit by itself, and several on top of each other.
        for round in 0..EDITS.len() + 2 {
            let mut files = example.files.clone();
            let mut names = Vec::new();
            for step in 0..if round < EDITS.len() { 1 } else { 3 } {
                let at = if round < EDITS.len() { round } else { random.below(EDITS.len()) };
                let found = if step == 0 { None } else { Some(lint(&files)) };
                let index = random.below(files.len());
                let (name, text) = &files[index];
                let Some(language) = language(name) else { continue };
                let of_file = found.as_ref().unwrap_or(&before).iter().filter(|found| found.file == *name);
                let places: Vec<_> = match EDITS[at].0 {
                    "the same fault elsewhere" | "blanks within a finding" => {
                        of_file.map(|found| found.range.clone()).collect()
                    }
                    _ => of_file.flat_map(|found| found.labels.iter().chain([&found.range])).cloned().collect(),
                };
                if let Some(edited) = EDITS[at].1(language, text, &places, &mut random) {
                    files[index].1 = edited;
                    names.push(EDITS[at].0);
                    done[at] += 1;
                }
            }
            if names.is_empty() {
                continue;
            }
            let after: BTreeSet<String> = lint(&files).into_iter().map(|found| found.fingerprint).collect();
            for found in before.iter().filter(|found| !after.contains(&found.fingerprint)) {
                let texts: Vec<_> = files.iter().map(|(name, text)| format!("--- {name}\n{text}")).collect();
                wrong.push(format!("{} in {} after {names:?}:\n{}", found.rule, found.file, texts.join("\n")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    for ((name, _), count) in EDITS.iter().zip(done) {
        assert!(count >= 5, "{name} was made {count} times only");
    }
}

#[test]
fn edits_within_a_finding_change_its_fingerprint() {
    let mut random = Random::new(seed());
    let mut edits = 0;
    for example in examples() {
        let before = lint(&example.files);
        for found in &before {
            let mut files = example.files.clone();
            let Some((_, text)) = files.iter_mut().find(|(name, _)| *name == found.file) else { continue };
            let letters: Vec<_> =
                found.range.clone().filter(|&at| text.as_bytes()[at].is_ascii_alphanumeric()).collect();
            let Some(at) = random.pick(&letters) else { continue };
            let new = if text.as_bytes()[at] == b'x' { "y" } else { "x" };
            text.replace_range(at..=at, new);
            edits += 1;
            // Of findings that are equal in all but their order, the others keep theirs.
            let equal = before.iter().filter(|other| {
                let text = |found: &Found| {
                    example
                        .files
                        .iter()
                        .find(|(name, _)| *name == found.file)
                        .map(|(_, text)| text[found.range.clone()].to_owned())
                };
                (other.rule, text(other)) == (found.rule, text(found))
            });
            if equal.count() > 1 {
                continue;
            }
            let kept = lint(&files).iter().any(|after| after.fingerprint == found.fingerprint);
            assert!(!kept, "{} in {} keeps its fingerprint: {files:?}", found.rule, found.file);
        }
    }
    assert!(edits >= 50, "{edits} edits");
}
