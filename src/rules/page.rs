//! The rule pages (`rules/<id>.md`), embedded by `build.rs`.

use crate::finding::{Category, Severity};

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// A rule's page: all there is to say about it besides its code.
#[derive(Debug)]
pub struct Page {
    /// The id, as configuration and comments write it.
    pub id: &'static str,
    /// One sentence, lower case, no full stop.
    pub summary: &'static str,
    /// What kind of fault it finds.
    pub category: Category,
    /// How bad that is, unless the finding's circumstances say otherwise.
    pub severity: Severity,
    /// The best fix it may offer.
    pub fix: FixKind,
    /// The version of corslint that had it first.
    pub since: &'static str,
    /// Weaknesses of the Common Weakness Enumeration, as `CWE-942`.
    pub cwe: &'static [&'static str],
    /// Addresses of what it rests on.
    pub references: &'static [&'static str],
    /// The Markdown behind the front matter.
    pub body: &'static str,
}

/// The best fix that a rule may offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixKind {
    /// None.
    None,
    /// One to look at.
    Display,
    /// One after which a working call may stop.
    Unsafe,
    /// One that changes nothing that works.
    Safe,
}

impl FixKind {
    /// As pages write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            FixKind::None => "none",
            FixKind::Display => "display",
            FixKind::Unsafe => "unsafe",
            FixKind::Safe => "safe",
        }
    }
}

/// Every page, by id.
pub fn pages() -> &'static [&'static Page] {
    PAGES
}

/// The page of the rule `id`.
pub fn find_page(id: &str) -> Option<&'static Page> {
    PAGES.binary_search_by(|page| page.id.cmp(id)).ok().map(|at| PAGES[at])
}

/// What an example is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has exactly the faults that its `finds:` comments name.
    Bad,
    /// It has none.
    Good,
    /// It is what the fixes make of the `bad` example of the same case.
    Fixed,
}

/// An example of a page: one or more files that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The framework it is for.
    pub framework: String,
    /// What it is there for.
    pub role: Role,
    /// What tells it from others of the framework and role, and ties `fixed` to `bad`; mostly the framework again.
    pub case: String,
    /// Its files: name and text.
    pub files: Vec<(String, String)>,
}

impl Page {
    /// Where the page can be read on the web.
    pub fn url(&self) -> String {
        format!("{}/blob/main/rules/{}.md", env!("CARGO_PKG_REPOSITORY"), self.id)
    }

    /// The text below one of its headings, up to the next.
    pub fn section(&self, title: &str) -> Option<&'static str> {
        let (_, rest) = self.body.split_once(&format!("## {title}\n"))?;
        Some(rest.split_once("\n## ").map_or(rest, |(text, _)| text).trim())
    }

    /// The examples, in the order of the page.
    ///
    /// A block's info string is `LANGUAGE FRAMEWORK ROLE [file=NAME] [case=NAME]`; blocks of the same framework, role and
    /// case are files of one example.
    ///
    /// # Errors
    /// The info string that does not read so.
    pub fn examples(&self) -> Result<Vec<Example>, String> {
        let mut examples: Vec<Example> = Vec::new();
        for (info, text) in blocks(self.body) {
            let wrong = || format!("{}: the block `{info}` must be `LANGUAGE FRAMEWORK bad|good|fixed …`", self.id);
            let mut words = info.split_whitespace();
            let (Some(language), Some(framework), Some(role)) = (words.next(), words.next(), words.next()) else {
                return Err(wrong());
            };
            let role = match role {
                "bad" => Role::Bad,
                "good" => Role::Good,
                "fixed" => Role::Fixed,
                _ => return Err(wrong()),
            };
            let (mut file, mut case) = (default_name(language), framework);
            for word in words {
                match word.split_once('=') {
                    Some(("file", name)) => file = name,
                    Some(("case", name)) => case = name,
                    _ => return Err(wrong()),
                }
            }
            let file = (file.to_owned(), text.to_owned());
            match examples.iter_mut().find(|e| e.framework == framework && e.role == role && e.case == case) {
                Some(example) => example.files.push(file),
                None => examples.push(Example {
                    framework: framework.to_owned(),
                    role,
                    case: case.to_owned(),
                    files: vec![file],
                }),
            }
        }
        Ok(examples)
    }
}

/// What a file of a language is called where an example does not say.
fn default_name(language: &str) -> &str {
    match language {
        "js" => "server.js",
        "ts" => "server.ts",
        "python" => "app.py",
        "nginx" => "nginx.conf",
        "json" => "package.json",
        other => other,
    }
}

/// The fenced blocks of a Markdown text: info string and content, with its last line ending.
fn blocks(body: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        if let Some(info) = line.trim_end().strip_prefix("```") {
            match open.take() {
                Some((info, start)) => blocks.push((info, &body[start..at])),
                None => open = Some((info, at + line.len())),
            }
        }
        at += line.len();
    }
    blocks
}

/// The findings that a text's `finds: rule, rule` comments expect: line from 1, and rule.
pub fn expected(text: &str) -> Vec<(u32, &str)> {
    let mut expected = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((_, ids)) = line.split_once("finds: ") else { continue };
        expected.extend(ids.split([',', ' ']).filter(|id| !id.is_empty()).map(|id| (index as u32 + 1, id)));
    }
    expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_found_by_its_id_and_its_examples_read() {
        for page in pages() {
            assert!(std::ptr::eq(find_page(page.id).unwrap(), *page));
            let examples = page.examples().unwrap();
            assert!(examples.iter().any(|example| example.role == Role::Bad), "{} has no bad example", page.id);
            assert!(examples.iter().any(|example| example.role == Role::Good), "{} has no good example", page.id);
            for example in examples {
                let finds: Vec<_> = example.files.iter().flat_map(|(_, text)| expected(text)).collect();
                assert_eq!(example.role == Role::Bad, !finds.is_empty(), "{} {}", page.id, example.case);
                for (_, id) in &finds {
                    assert!(find_page(id).is_some(), "{}: `{id}` has no page", page.id);
                }
                if example.role == Role::Bad {
                    assert!(finds.iter().any(|(_, id)| *id == page.id), "{} {}", page.id, example.case);
                }
            }
        }
    }

    #[test]
    fn blocks_of_one_case_are_one_example() {
        let body = "x\n```nginx nginx bad case=two file=a.conf\nA # finds: x, y\n```\n\n```js nginx bad case=two\nB\n```\n```js express good\nC\n```";
        let page = Page { body, ..page_of("p") };
        let examples = page.examples().unwrap();
        assert_eq!(examples.len(), 2);
        assert_eq!(examples[0].files.len(), 2);
        assert_eq!(examples[0].files[0], ("a.conf".to_owned(), "A # finds: x, y\n".to_owned()));
        assert_eq!(examples[1].files[0].0, "server.js");
        assert_eq!(expected(&examples[0].files[0].1), [(1, "x"), (1, "y")]);
        let wrong = Page { body: "```js bad\n```", ..page_of("p") };
        assert!(wrong.examples().unwrap_err().contains("`js bad`"));
    }

    fn page_of(id: &'static str) -> Page {
        Page {
            id,
            summary: "",
            category: Category::Hygiene,
            severity: Severity::Note,
            fix: FixKind::None,
            since: "",
            cwe: &[],
            references: &[],
            body: "",
        }
    }
}
