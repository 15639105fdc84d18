//! The recordings as they lie in `fixtures/observed/`: read, changed and written back without touching a line that
//! stays the same. The format is told in the README there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One file.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub framework: String,
    pub note: Option<String>,
    pub versions: Value,
    #[serde(default)]
    pub requests: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub bodies: BTreeMap<String, Value>,
    #[serde(default)]
    fetches: BTreeMap<String, Value>,
    #[serde(default)]
    consoles: BTreeMap<String, Value>,
    pub observations: Vec<Record>,
}

/// One program and its answers. What only a browser or a hosted service can tell is carried along unread.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub id: String,
    pub group: Option<String>,
    pub title: String,
    #[serde(default)]
    pub versions: BTreeMap<String, Versions>,
    pub file: String,
    pub config: Value,
    pub upstream: Option<Says>,
    #[serde(default)]
    pub startup: String,
    #[serde(default)]
    pub requests: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub probes: Vec<Row>,
    pub browser: Option<Vec<Page>>,
    routes: Option<Vec<Value>>,
    matched: Option<Vec<Value>>,
}

/// What the application behind a proxy answers.
#[derive(Deserialize, Serialize, Clone, Default)]
#[serde(deny_unknown_fields)]
pub struct Says {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The status for OPTIONS where it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<u16>,
    /// Whether it echoes Origin as Access-Control-Allow-Origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reflect: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<String>>,
}

/// One version, or several with the same answers.
#[derive(Deserialize, Serialize, Clone, PartialEq)]
#[serde(untagged)]
pub enum Versions {
    One(String),
    Many(Vec<String>),
}

/// Requests that got the same answer, one after the other.
#[derive(Deserialize, Serialize, Clone, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub to: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What pages of some origins got.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Page {
    from: Vec<String>,
    attempts: Vec<Attempt>,
}

/// Fields in the order in which they are written.
#[derive(Deserialize, Serialize, Clone)]
#[serde(deny_unknown_fields)]
struct Attempt {
    fetch: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    blocked: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_parameter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    net_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    console: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirected: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    readable_extra_headers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<Value>,
}

/// Tells `"blocked": null` (not by CORS) from no such field.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// What is sent.
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
}

/// What comes back.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    Response { status: u16, headers: Vec<(String, String)> },
    Failed(String),
}

impl Request {
    /// Reads a request by its lines: `GET /path`, then its headers.
    pub fn read(name: &str, lines: &[String]) -> Result<Request, String> {
        let (first, headers) = lines.split_first().ok_or_else(|| format!("the request {name:?} is empty"))?;
        let (method, path) = first.split_once(' ').ok_or_else(|| format!("{first:?} is no method and path"))?;
        let mut rows = Vec::new();
        for line in headers {
            let (header, value) = line.split_once(": ").ok_or_else(|| format!("{line:?} is no `name: value`"))?;
            rows.push((header.to_owned(), value.to_owned()));
        }
        Ok(Request { method: method.to_owned(), path: path.to_owned(), headers: rows })
    }
}

impl File {
    /// Reads one file of recordings.
    pub fn read(path: &Path) -> Result<File, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The request that a name stands for in a record.
    pub fn request(&self, record: &Record, name: &str) -> Result<Request, String> {
        let lines = record.requests.get(name).or_else(|| self.requests.get(name));
        let lines = lines.ok_or_else(|| format!("{}: no request is named {name:?}", record.id))?;
        Request::read(name, lines)
    }

    /// The body sent with the request of this name.
    pub fn body(&self, name: &str) -> Option<&str> {
        self.bodies.get(name).and_then(Value::as_str)
    }

    /// The file's text: one line for each request, answer and line of program.
    pub fn text(&self) -> Result<String, String> {
        let mut fields = vec![field("framework", &self.framework, 1)?];
        if let Some(note) = &self.note {
            fields.push(field("note", note, 1)?);
        }
        fields.push(field("versions", &self.versions, 1)?);
        for (name, table) in [
            ("requests", lines_of(&self.requests, 2)?),
            ("bodies", lines_of(&self.bodies, 2)?),
            ("fetches", lines_of(&self.fetches, 2)?),
            ("consoles", lines_of(&self.consoles, 2)?),
        ] {
            if !table.is_empty() {
                fields.push(block(name, '{', &table, '}', 1));
            }
        }
        let records = self.observations.iter().map(Record::text).collect::<Result<Vec<_>, _>>()?;
        fields.push(block("observations", '[', &records, ']', 1));
        Ok(format!("{{\n{}\n}}\n", fields.join(",\n")))
    }
}

impl Record {
    /// Names of all requests, in the order they are sent: those the rows tell, then those only this record has.
    /// A record that asks nothing of its own is asked what every program is.
    pub fn probe_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.probes.iter().flat_map(|row| row.to.clone()).collect();
        let known: BTreeSet<String> = names.iter().cloned().collect();
        names.extend(self.requests.keys().filter(|name| !known.contains(*name)).cloned());
        if names.is_empty() {
            names.extend(STANDARD.map(str::to_owned));
        }
        names
    }

    /// The program's text.
    pub fn program(&self) -> Result<String, String> {
        match &self.config {
            Value::Array(lines) => {
                let line = |line: &Value| line.as_str().map(|line| format!("{line}\n"));
                lines.iter().map(line).collect::<Option<String>>().ok_or_else(|| format!("{}: config", self.id))
            }
            other => Ok(other.to_string()),
        }
    }

    fn text(&self) -> Result<String, String> {
        let mut fields = vec![field("id", &self.id, 3)?];
        if let Some(group) = &self.group {
            fields.push(field("group", group, 3)?);
        }
        fields.push(field("title", &self.title, 3)?);
        fields.push(field("versions", &self.versions, 3)?);
        fields.push(field("file", &self.file, 3)?);
        match &self.config {
            Value::Array(lines) => fields.push(block("config", '[', &rows_of(lines, 4)?, ']', 3)),
            data => fields.push(field("config", data, 3)?),
        }
        if let Some(upstream) = &self.upstream {
            fields.push(field("upstream", upstream, 3)?);
        }
        fields.push(field("startup", &self.startup, 3)?);
        if !self.requests.is_empty() {
            fields.push(block("requests", '{', &lines_of(&self.requests, 4)?, '}', 3));
        }
        if !self.probes.is_empty() {
            fields.push(block("probes", '[', &rows_of(&self.probes, 4)?, ']', 3));
        }
        match &self.browser {
            Some(pages) if pages.is_empty() => fields.push(field("browser", &[(); 0], 3)?),
            Some(pages) => {
                let pages = pages.iter().map(page_text).collect::<Result<Vec<_>, _>>()?;
                fields.push(block("browser", '[', &pages, ']', 3));
            }
            None => {}
        }
        for (name, rows) in [("routes", &self.routes), ("matched", &self.matched)] {
            if let Some(rows) = rows {
                fields.push(block(name, '[', &rows_of(rows, 4)?, ']', 3));
            }
        }
        Ok(format!("    {{\n{}\n    }}", fields.join(",\n")))
    }
}

impl Versions {
    /// The versions, as a list.
    pub fn list(&self) -> &[String] {
        match self {
            Versions::One(version) => std::slice::from_ref(version),
            Versions::Many(versions) => versions,
        }
    }

    /// One version stands by itself unless it is of the package that the list is about.
    pub fn of(mut list: Vec<String>, always_list: bool) -> Versions {
        if list.len() == 1 && !always_list { Versions::One(list.remove(0)) } else { Versions::Many(list) }
    }
}

/// Puts requests with the same answer in one row as long as they follow each other.
pub fn rows(answers: &[(String, Answer)]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (name, answer) in answers {
        let (status, headers, error) = match answer {
            Answer::Response { status, headers } => {
                (Some(*status), Some(headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()), None)
            }
            Answer::Failed(error) => (None, None, Some(error.clone())),
        };
        match rows.last_mut() {
            Some(row) if row.status == status && row.headers == headers && row.error == error => {
                row.to.push(name.clone());
            }
            _ => rows.push(Row { to: vec![name.clone()], status, headers, error }),
        }
    }
    rows
}

/// The requests that every program is asked which asks for nothing else.
const STANDARD: [&str; 7] = [
    "get",
    "get+origin:app",
    "get+origin:evil",
    "get+origin:null",
    "preflight:app",
    "preflight:evil",
    "preflight:null",
];

fn page_text(page: &Page) -> Result<String, String> {
    let fields = [field("from", &page.from, 5)?, block("attempts", '[', &rows_of(&page.attempts, 6)?, ']', 5)];
    Ok(format!("        {{\n{}\n        }}", fields.join(",\n")))
}

pub(super) fn field<T: Serialize + ?Sized>(name: &str, value: &T, depth: usize) -> Result<String, String> {
    Ok(format!("{}\"{name}\": {}", "  ".repeat(depth), one_line(value)?))
}

pub(super) fn block(name: &str, open: char, rows: &[String], close: char, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    format!("{indent}\"{name}\": {open}\n{}\n{indent}{close}", rows.join(",\n"))
}

pub(super) fn rows_of<T: Serialize>(rows: &[T], depth: usize) -> Result<Vec<String>, String> {
    rows.iter().map(|row| Ok(format!("{}{}", "  ".repeat(depth), one_line(row)?))).collect()
}

pub(super) fn lines_of<T: Serialize>(table: &BTreeMap<String, T>, depth: usize) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    for (name, value) in table {
        let mut line = "  ".repeat(depth);
        write!(line, "{}: {}", one_line(name)?, one_line(value)?).map_err(|error| error.to_string())?;
        lines.push(line);
    }
    Ok(lines)
}

/// JSON on one line with a blank after each comma and colon.
fn one_line<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    struct Spaced;
    impl serde_json::ser::Formatter for Spaced {
        fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
            if first { Ok(()) } else { out.write_all(b", ") }
        }
        fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
            if first { Ok(()) } else { out.write_all(b", ") }
        }
        fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W) -> std::io::Result<()> {
            out.write_all(b": ")
        }
    }
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Spaced);
    value.serialize(&mut serializer).map_err(|error| error.to_string())?;
    String::from_utf8(out).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_read_and_written_stays_as_it_is() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/observed");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let json = path.extension().is_some_and(|end| end == "json");
            if !json || path.file_stem().is_some_and(|stem| stem == "browser") {
                continue;
            }
            let before = std::fs::read_to_string(&path).unwrap();
            let after = File::read(&path).unwrap().text().unwrap();
            let differing = before.lines().zip(after.lines()).find(|(before, after)| before != after);
            assert!(differing.is_none(), "{}: {differing:#?}", path.display());
            assert_eq!(before.len(), after.len(), "{}", path.display());
        }
    }

    #[test]
    fn only_neighbours_share_a_row() {
        let answer = |status| Answer::Response { status, headers: vec![("A".to_owned(), "1".to_owned())] };
        let answers = [("a", 200), ("b", 200), ("c", 500), ("d", 200)].map(|(n, s)| (n.to_owned(), answer(s)));
        let rows = rows(&answers);
        assert_eq!(rows.iter().map(|row| row.to.join(" ")).collect::<Vec<_>>(), ["a b", "c", "d"]);
    }
}
