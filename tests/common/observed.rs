//! Reads `fixtures/observed/*.json`: what real servers answered and what a real browser made of it.
//!
//! The files are written to be read in a diff, with names for what repeats (`fixtures/observed/README.md` tells the
//! format). Here every name is replaced by what it stands for, so that a test sees whole requests and answers.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// The page that every recorded attempt calls, unless the attempt says otherwise.
const CALLED: &str = "http://localhost:8102/api";

/// One program (or configuration) and what it answered.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The file's framework: `express`, `flask`, `nginx`, …
    pub framework: String,
    /// Unique together with `versions`.
    pub id: String,
    /// The chapter of the matter it belongs to; empty where the file has none.
    pub group: String,
    /// One line for people.
    pub title: String,
    /// Every package and the versions with which the answers were the same.
    pub versions: BTreeMap<String, Vec<String>>,
    /// The name under which `config` was saved.
    pub file: String,
    /// The whole program, or the inside of nginx's `http{}`, or the JSON text of a `vercel.json`.
    pub config: String,
    /// What stood behind a proxy, or nothing.
    pub upstream: Option<Upstream>,
    /// `ok`, `ok, warns: …`, `throws …`, `config test fails: …`.
    pub startup: String,
    /// Requests in the order they were sent, all to one run of the program.
    pub probes: Vec<Probe>,
    /// What a browser did with it, in the order of the attempts.
    pub browser: Vec<Attempt>,
    /// Vercel only: the routes the configuration compiles to.
    pub routes: Vec<Value>,
    /// Vercel only: per path, the indexes of the routes that match.
    pub matched: Vec<Value>,
}

/// What stood behind a proxy, on 127.0.0.1:8104.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The status of its answers.
    pub status: u16,
    /// The status for OPTIONS where it is another.
    pub options: Option<u16>,
    /// Whether it echoes Origin as Access-Control-Allow-Origin.
    pub reflect: bool,
    /// Its other headers in wire order, besides a `content-type`.
    pub headers: Vec<(String, String)>,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Unique inside its observation.
    pub name: String,
    /// What was sent.
    pub request: Request,
    /// The body that was sent with it; a body's length is not among the headers.
    pub body: Option<String>,
    /// What came back.
    pub answer: Answer,
}

/// What was sent, headers in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// As on the wire.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names are in lower case. `Host` and the like are left out.
    pub headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Headers in wire order, repeats kept; `Date`, `Server`, `ETag` and the like left out, `Content-Length` only
    /// when it is 0.
    Response {
        /// The status code.
        status: u16,
        /// One row for each header line.
        headers: Vec<(String, String)>,
    },
    /// No answer: `ECONNRESET`, `timeout: no response within 4 s`.
    Failed(String),
}

/// One call that a page made.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Where the page came from; `null` is a sandboxed frame.
    pub origin: String,
    /// The address the page called.
    pub url: String,
    /// The second argument of `fetch`.
    pub fetch: Value,
    /// What the page got.
    pub outcome: Outcome,
    /// Everything else that was noted (`net_error`, `redirected`, `read`, `readable_extra_headers`).
    pub more: BTreeMap<String, Value>,
}

/// What the page got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It can read the answer, which has this status.
    Readable {
        /// The status code.
        status: u16,
    },
    /// It got an exception.
    Blocked {
        /// Chromium's code, absent where CORS was not the reason.
        cors_error: Option<String>,
        /// The value that the code is about.
        failed_parameter: Option<String>,
        /// The exception.
        error: String,
        /// Complete lines of the console.
        console: Vec<String>,
        /// What was on the wire: `OPTIONS 204`, `PUT (no answer or not sent)`.
        network: Vec<String>,
    },
}

impl Observation {
    /// Whether the program ran at all.
    pub fn starts(&self) -> bool {
        self.startup == "ok" || self.startup.starts_with("ok,")
    }

    /// The versions of one package, empty where it is not named.
    pub fn versions_of(&self, package: &str) -> &[String] {
        self.versions.get(package).map_or(&[], Vec::as_slice)
    }
}

impl Request {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl Answer {
    /// All values of a header, whatever the case of its name, in wire order.
    pub fn values(&self, name: &str) -> Vec<&str> {
        match self {
            Answer::Response { headers, .. } => {
                headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
            }
            Answer::Failed(_) => Vec::new(),
        }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.framework, self.id)?;
        for (package, versions) in &self.versions {
            write!(f, " {package} {}", versions.join("/"))?;
        }
        Ok(())
    }
}

/// Where the recordings lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/observed")
}

/// The names that `load` takes, sorted. `browser` has a form of its own and is not among them.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder of recordings")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| path.file_stem().expect("a stem").to_str().expect("an ASCII name").to_owned())
        .filter(|name| name != "browser")
        .collect();
    names.sort();
    names
}

/// Every observation of one file: `express`, `flask`, …
///
/// # Panics
/// When the file is not there or breaks the format: a test that reads it should then fail.
pub fn load(name: &str) -> Vec<Observation> {
    let path = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Expands the text of one file.
pub fn parse(text: &str) -> Result<Vec<Observation>, String> {
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    file.observations.iter().map(|raw| expand(raw, &file).map_err(|error| format!("{}: {error}", raw.id))).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    framework: String,
    #[serde(default, rename = "note")]
    _note: Option<String>,
    #[serde(rename = "versions")]
    _versions: Value,
    #[serde(default)]
    requests: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    bodies: BTreeMap<String, String>,
    #[serde(default)]
    fetches: BTreeMap<String, Value>,
    #[serde(default)]
    consoles: BTreeMap<String, String>,
    observations: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    id: String,
    #[serde(default)]
    group: String,
    title: String,
    versions: BTreeMap<String, OneOrMany>,
    file: String,
    config: Config,
    upstream: Option<RawUpstream>,
    startup: String,
    #[serde(default)]
    requests: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    probes: Vec<RawProbes>,
    #[serde(default)]
    browser: Vec<RawAttempts>,
    #[serde(default)]
    routes: Vec<Value>,
    #[serde(default)]
    matched: Vec<Value>,
}

#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Config {
    Lines(Vec<String>),
    Data(Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUpstream {
    status: Option<u16>,
    options: Option<u16>,
    #[serde(default)]
    reflect: bool,
    #[serde(default)]
    headers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProbes {
    to: Vec<String>,
    status: Option<u16>,
    headers: Option<Vec<String>>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAttempts {
    from: Vec<String>,
    attempts: Vec<RawAttempt>,
}

#[derive(Deserialize)]
struct RawAttempt {
    fetch: String,
    ok: Option<u16>,
    blocked: Option<String>,
    failed_parameter: Option<String>,
    url: Option<String>,
    error: Option<String>,
    console: Option<Vec<String>>,
    #[serde(default)]
    network: Vec<String>,
    #[serde(flatten)]
    more: BTreeMap<String, Value>,
}

fn expand(raw: &Raw, file: &File) -> Result<Observation, String> {
    let mut probes = Vec::new();
    for group in &raw.probes {
        for name in &group.to {
            let lines = raw.requests.get(name).or_else(|| file.requests.get(name));
            let lines = lines.ok_or_else(|| format!("no request is named {name:?}"))?;
            let body = file.bodies.get(name).cloned();
            probes.push(Probe { name: name.clone(), request: request(lines)?, body, answer: answer(group)? });
        }
    }
    let mut browser = Vec::new();
    for group in &raw.browser {
        for origin in &group.from {
            for one in &group.attempts {
                browser.push(attempt(origin, one, file)?);
            }
        }
    }
    Ok(Observation {
        framework: file.framework.clone(),
        id: raw.id.clone(),
        group: raw.group.clone(),
        title: raw.title.clone(),
        versions: raw.versions.iter().map(|(package, list)| (package.clone(), many(list))).collect(),
        file: raw.file.clone(),
        config: match &raw.config {
            Config::Lines(lines) => lines.iter().flat_map(|line| [line, "\n"]).collect(),
            Config::Data(data) => serde_json::to_string_pretty(data).map_err(|error| error.to_string())?,
        },
        upstream: raw.upstream.as_ref().map(upstream).transpose()?,
        startup: raw.startup.clone(),
        probes,
        browser,
        routes: raw.routes.clone(),
        matched: raw.matched.clone(),
    })
}

fn many(list: &OneOrMany) -> Vec<String> {
    match list {
        OneOrMany::One(one) => vec![one.clone()],
        OneOrMany::Many(many) => many.clone(),
    }
}

fn request(lines: &[String]) -> Result<Request, String> {
    let (first, headers) = lines.split_first().ok_or("an empty request")?;
    let (method, path) = first.split_once(' ').ok_or_else(|| format!("{first:?} is not a method and a path"))?;
    Ok(Request { method: method.to_owned(), path: path.to_owned(), headers: header_rows(headers)? })
}

fn upstream(raw: &RawUpstream) -> Result<Upstream, String> {
    let status = raw.status.unwrap_or(200);
    Ok(Upstream { status, options: raw.options, reflect: raw.reflect, headers: header_rows(&raw.headers)? })
}

fn answer(group: &RawProbes) -> Result<Answer, String> {
    match (group.status, &group.headers, &group.error) {
        (Some(status), Some(headers), None) => Ok(Answer::Response { status, headers: header_rows(headers)? }),
        (None, None, Some(error)) => Ok(Answer::Failed(error.clone())),
        _ => Err(format!("{:?}: either status and headers, or error", group.to)),
    }
}

fn header_rows(lines: &[String]) -> Result<Vec<(String, String)>, String> {
    let row = |line: &String| {
        let (name, value) = line.split_once(": ").ok_or_else(|| format!("{line:?} is not `name: value`"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    lines.iter().map(row).collect()
}

fn attempt(origin: &str, raw: &RawAttempt, file: &File) -> Result<Attempt, String> {
    let fetch = file.fetches.get(&raw.fetch).ok_or_else(|| format!("no fetch is named {:?}", raw.fetch))?.clone();
    let url = raw.url.clone().unwrap_or_else(|| CALLED.to_owned());
    let outcome = match raw.ok {
        Some(status) => Outcome::Readable { status },
        None => Outcome::Blocked {
            console: match (&raw.console, &raw.blocked) {
                (Some(lines), _) => lines.clone(),
                (None, Some(code)) => vec![console(origin, &url, code, raw, file)?],
                (None, None) => Vec::new(),
            },
            cors_error: raw.blocked.clone(),
            failed_parameter: raw.failed_parameter.clone(),
            error: raw.error.clone().unwrap_or_else(|| "TypeError: Failed to fetch".to_owned()),
            network: raw.network.clone(),
        },
    };
    Ok(Attempt { origin: origin.to_owned(), url, fetch, outcome, more: raw.more.clone() })
}

/// The standard text of a code, which a recording leaves out.
fn console(origin: &str, url: &str, code: &str, raw: &RawAttempt, file: &File) -> Result<String, String> {
    let text = file.consoles.get(code).ok_or_else(|| format!("no console text for {code:?}"))?;
    let text = text.replace("{}", raw.failed_parameter.as_deref().unwrap_or_default());
    Ok(format!("Access to fetch at '{url}' from origin '{origin}' has been blocked by CORS policy: {text}"))
}
