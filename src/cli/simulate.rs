//! `corslint simulate`: plays a page's call, or a bare request, against the servers that were extracted.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::args::{CredentialsArg, ListFormatArg, SimulateArgs};
use super::{Ending, Failure, Verdict, check, output};
use crate::cors::{Browser, Credentials, Fetch, Request, browser, headers};
use crate::engine::{self, Servers};
use crate::model::{Answer, Because, Environment, Outcome, Server, Session};
use crate::report::{self, clean};
use crate::source::SourceSet;

pub(super) fn run(args: &SimulateArgs) -> Ending {
    let given = variables(&args.env)?;
    let mut settings = check::settings(&args.paths, &args.paths, &args.files, args.config.as_deref(), args.no_config)?;
    settings.variables = given.keys().cloned().collect();
    let found = engine::servers(&settings);
    let server = pick(&found, args.server.as_deref())?;
    let mut session = found.session(server, Environment::Only(given));
    let text = if args.raw {
        let requests = requests(args)?;
        let error = session.startup_error();
        let answers: Vec<(Request, Answer)> = match error {
            Some(_) => Vec::new(),
            None => requests
                .into_iter()
                .map(|request| {
                    let answer = session.answer(&request);
                    (request, answer)
                })
                .collect(),
        };
        match args.format {
            ListFormatArg::Json => raw_json(server, error, &answers, &found.sources),
            ListFormatArg::Human => raw_text(server, error, &answers, &found.sources),
        }
    } else {
        let fetch = fetch(args)?;
        match args.format {
            ListFormatArg::Json => return Err(Failure::new("--format json goes with --raw")),
            ListFormatArg::Human => played(server, &mut session, &fetch, &found.sources),
        }
    };
    output::print(&text)?;
    Ok(Verdict::Pass)
}

/// The server to ask: the only one, or the one that the file makes or lets listen.
pub(super) fn pick<'a>(found: &'a Servers, file: Option<&Path>) -> Result<&'a Server, Failure> {
    let sources = &found.sources;
    let whole: Vec<&Server> = found.project.servers.iter().filter(|server| server.complete).collect();
    let all: Vec<&Server> = if whole.is_empty() { found.project.servers.iter().collect() } else { whole };
    let list = |servers: &[&Server]| {
        let rows: Vec<String> = servers.iter().map(|server| format!("--server {}", place(server, sources))).collect();
        rows.join("\n        ")
    };
    let Some(file) = file else {
        return match all.as_slice() {
            [server] => Ok(server),
            [] => Err(Failure::new("there is no server in what was read")
                .help("corslint reads Express, Flask and nginx; `corslint policy` shows what it made of them")),
            several => Err(Failure::new(format!("there are {} servers", several.len()))
                .help(format!("pick one:\n        {}", list(several)))),
        };
    };
    let wanted = file.to_string_lossy().replace('\\', "/");
    let wanted = wanted.trim_start_matches("./");
    let (name, line) = match wanted.rsplit_once(':') {
        Some((name, line)) if line.parse::<u32>().is_ok() => (name, line.parse::<u32>().ok()),
        _ => (wanted, None),
    };
    let named = |span: crate::source::Span| {
        let source = sources.get(span.file);
        (source.name == name || source.path == Path::new(name))
            && line.is_none_or(|line| source.position(span.start).line == line)
    };
    let matching: Vec<&Server> = found
        .project
        .servers
        .iter()
        .filter(|server| named(server.span) || server.listens.iter().any(|listen| named(listen.span)))
        .collect();
    match matching.as_slice() {
        [server] => Ok(server),
        [] => Err(Failure::new(format!("no server is made in {name}, and none listens there"))
            .help(format!("there are:\n        {}", list(&all)))),
        several => match several.iter().filter(|server| server.complete).collect::<Vec<_>>().as_slice() {
            [server] => Ok(server),
            _ => Err(Failure::new(format!("{name} makes {} servers", several.len()))
                .help(format!("pick one by its line:\n        {}", list(several)))),
        },
    }
}

/// Where a server is made, as `file:line`.
pub(super) fn place(server: &Server, sources: &SourceSet) -> String {
    let source = sources.get(server.span.file);
    format!("{}:{}", clean(&source.name), source.position(server.span.start).line)
}

fn variables(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    given
        .iter()
        .map(|given| match given.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(Failure::new(format!("--env {given} is no NAME=VALUE"))),
        })
        .collect()
}

/// A request as `--requests` gives it.
#[derive(Deserialize)]
struct Asked {
    method: String,
    path: String,
    #[serde(default)]
    headers: serde_json::Map<String, serde_json::Value>,
}

fn requests(args: &SimulateArgs) -> Result<Vec<Request>, Failure> {
    let Some(file) = &args.requests else {
        let mut request = Request::new(args.method.clone().unwrap_or_else(|| "GET".to_owned()), &args.url_path);
        if let Some(origin) = &args.origin {
            request = request.with_origin(origin);
        }
        if let Some(kind) = &args.content_type {
            request = request.with_header("Content-Type", kind);
        }
        for header in &args.headers {
            let (name, value) = split(header)?;
            request = request.with_header(name, value);
        }
        return Ok(vec![request]);
    };
    let failed = |why: String| Failure::new(format!("the requests of {} cannot be read: {why}", file.display()));
    let text = if file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin().lock()).map_err(|error| failed(error.to_string()))?
    } else {
        std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?
    };
    let asked: Vec<Asked> = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    asked
        .into_iter()
        .map(|asked| {
            let mut request = Request::new(asked.method, asked.path);
            for (name, value) in asked.headers {
                let value = match value {
                    serde_json::Value::String(text) => text,
                    serde_json::Value::Number(number) => number.to_string(),
                    other => return Err(failed(format!("the header {name} is {other}, not a string"))),
                };
                request = request.with_header(name, value);
            }
            Ok(request)
        })
        .collect()
}

fn split(header: &str) -> Result<(&str, &str), Failure> {
    let (name, value) = header
        .split_once(':')
        .ok_or_else(|| Failure::new(format!("the header `{header}` has no colon")).help("write -H 'Name: value'"))?;
    if !headers::is_token(name.trim()) {
        return Err(Failure::new(format!("`{}` is no name of a header", name.trim())));
    }
    Ok((name.trim(), value.trim()))
}

fn fetch(args: &SimulateArgs) -> Result<Fetch, Failure> {
    let Some(origin) = &args.origin else {
        return Err(Failure::new("simulate needs --origin: the origin of the page that asks")
            .help("or --raw for a bare request"));
    };
    let mut fetch = Fetch::get(origin, &args.url_path);
    if let Some(method) = &args.method {
        fetch = fetch.with_method(method);
    }
    if let Some(kind) = &args.content_type {
        fetch = fetch.with_header("Content-Type", kind);
    }
    for header in &args.headers {
        let (name, value) = split(header)?;
        fetch = fetch.with_header(name, value);
    }
    if args.credentials == CredentialsArg::Include {
        fetch = fetch.with_credentials();
    }
    Ok(fetch)
}

/// Whether a header is one that decides CORS.
fn decides(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("access-control-") || name == headers::VARY
}

#[derive(Serialize)]
struct RawJson<'a> {
    version: u32,
    server: ServerJson<'a>,
    startup_error: Option<&'a str>,
    answers: Vec<AnswerJson>,
}

#[derive(Serialize)]
struct ServerJson<'a> {
    framework: &'a str,
    runtime: &'a str,
    path: String,
    line: u32,
    complete: bool,
}

#[derive(Serialize)]
struct AnswerJson {
    request: RequestJson,
    outcome: &'static str,
    status: Option<u16>,
    headers: Vec<[String; 2]>,
    unknown: Vec<String>,
    because: Vec<BecauseJson>,
}

#[derive(Serialize)]
struct RequestJson {
    method: String,
    path: String,
    headers: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct BecauseJson {
    path: String,
    line: u32,
    text: String,
}

fn raw_json(server: &Server, error: Option<&str>, answers: &[(Request, Answer)], sources: &SourceSet) -> String {
    let source = sources.get(server.span.file);
    let json = RawJson {
        version: 1,
        server: ServerJson {
            framework: server.framework,
            runtime: &server.runtime,
            path: source.name.clone(),
            line: source.position(server.span.start).line,
            complete: server.complete,
        },
        startup_error: error,
        answers: answers.iter().map(|(request, answer)| answer_json(request, answer, sources)).collect(),
    };
    report::json(&json)
}

fn answer_json(request: &Request, answer: &Answer, sources: &SourceSet) -> AnswerJson {
    let mut unknown: Vec<String> =
        answer.unknown.iter().filter(|name| decides(name)).map(|name| headers::canonical(name).into_owned()).collect();
    if answer.status.is_none() && answer.outcome != Outcome::Hangs && answer.outcome != Outcome::Closed {
        unknown.push("status".to_owned());
    }
    AnswerJson {
        request: RequestJson {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect(),
        },
        outcome: word(answer.outcome),
        status: if answer.outcome == Outcome::Answered { answer.status } else { None },
        headers: answer
            .headers
            .iter()
            .filter(|(name, _)| decides(name) && answer.outcome != Outcome::Hangs)
            .map(|(name, value)| [name.clone(), value.clone()])
            .collect(),
        unknown,
        because: because(answer)
            .into_iter()
            .map(|because| {
                let source = sources.get(because.span.file);
                let line = source.position(because.span.start).line;
                BecauseJson { path: source.name.clone(), line, text: because.text.clone() }
            })
            .collect(),
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Hangs => "hangs",
        Outcome::Closed => "closed",
        Outcome::Unknown => "unknown",
    }
}

/// What decided an answer, in every way that it may have come about.
fn because(answer: &Answer) -> Vec<&Because> {
    let mut all: Vec<&Because> = Vec::new();
    for because in answer.worlds.iter().flat_map(|world| &world.because) {
        if !all.contains(&because) {
            all.push(because);
        }
    }
    all
}

fn raw_text(server: &Server, error: Option<&str>, answers: &[(Request, Answer)], sources: &SourceSet) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "server  {} ({})", place(server, sources), clean(&server.runtime));
    if let Some(error) = error {
        let _ = writeln!(text, "it does not start: {}", clean(error));
    }
    for (request, answer) in answers {
        text.push('\n');
        describe_request(&mut text, request);
        describe_answer(&mut text, answer, sources);
    }
    text
}

fn describe_request(text: &mut String, request: &Request) {
    let _ = writeln!(text, "> {} {}", clean(&request.method), clean(&request.path));
    for (name, value) in &request.headers {
        let _ = writeln!(text, "> {}: {}", clean(name), clean(value));
    }
}

fn describe_answer(text: &mut String, answer: &Answer, sources: &SourceSet) {
    match (answer.outcome, answer.status) {
        (Outcome::Hangs, _) => text.push_str("< (no answer: the request hangs)\n"),
        (Outcome::Closed, _) => text.push_str("< (no answer: the connection is closed)\n"),
        (_, Some(status)) => {
            let _ = writeln!(text, "< {status}");
        }
        (_, None) => text.push_str("< (status not known)\n"),
    }
    for (name, value) in answer.headers.iter().filter(|(name, _)| decides(name)) {
        let _ = writeln!(text, "< {}: {}", clean(name), clean(value));
    }
    for name in answer.unknown.iter().filter(|name| decides(name)) {
        let why = answer.worlds.iter().flat_map(|world| world.lines(name)).find_map(|sent| sent.value.clone().err());
        let why = why.or_else(|| {
            let mut assumed = answer.worlds.iter().flat_map(|world| &world.assumptions);
            assumed.find_map(|(guard, _)| match guard {
                crate::model::Guard::Unknown(reason) => Some(reason.clone()),
                _ => None,
            })
        });
        let why = why.map_or_else(String::new, |reason| format!(" ({})", clean(&reason.text)));
        let _ = writeln!(text, "? {}: not known{why}", headers::canonical(name));
    }
    for because in because(answer) {
        let source = sources.get(because.span.file);
        let line = source.position(because.span.start).line;
        let _ = writeln!(text, "    {}:{line} {}", clean(&source.name), clean(&because.text));
    }
}

/// The protocol step by step, and how it ends.
fn played(server: &Server, session: &mut Session, fetch: &Fetch, sources: &SourceSet) -> String {
    let mut text = String::new();
    let with = if fetch.credentials == Credentials::Include { " with the visitor's cookies" } else { "" };
    let _ = writeln!(text, "server  {} ({})", place(server, sources), clean(&server.runtime));
    let _ =
        writeln!(text, "page    {} asks {} {}{with}", clean(&fetch.origin), clean(&fetch.method), clean(&fetch.path));
    if let Some(error) = session.startup_error() {
        let _ = writeln!(text, "\nit does not start: {}\nBLOCKED", clean(error));
        return text;
    }
    if let Some(request) = browser::needs_preflight(fetch) {
        text.push_str("\n1. preflight: the browser asks first\n");
        let answer = session.answer(&request);
        describe_request(&mut text, &request);
        describe_answer(&mut text, &answer, sources);
        let verdict = reached(&answer, || browser::check_preflight(fetch, &answer.reply()));
        if let Some(end) = ending(&mut text, &verdict, fetch) {
            text.push_str(end);
            return text;
        }
        text.push_str("  the preflight passes\n\n2. the request itself\n");
    } else {
        text.push_str("\n1. no preflight is needed; the request itself\n");
    }
    let request = browser::actual_request(fetch);
    let answer = session.answer(&request);
    describe_request(&mut text, &request);
    describe_answer(&mut text, &answer, sources);
    let verdict = reached(&answer, || browser::check_response(fetch, &answer.reply()));
    match ending(&mut text, &verdict, fetch) {
        Some(end) => text.push_str(end),
        None => text.push_str("  the page may read the answer\n\nALLOWED\n"),
    }
    text
}

/// The browser's verdict, where there is an answer to judge.
fn reached(answer: &Answer, judge: impl FnOnce() -> crate::cors::Verdict) -> Option<crate::cors::Verdict> {
    matches!(answer.outcome, Outcome::Answered | Outcome::Unknown).then(judge)
}

/// Says how it ends, unless it goes on.
fn ending(text: &mut String, verdict: &Option<crate::cors::Verdict>, fetch: &Fetch) -> Option<&'static str> {
    match verdict {
        None => {
            text.push_str("  no answer comes: the page sees a network error, and the console says nothing of CORS\n");
            Some("\nBLOCKED\n")
        }
        Some(crate::cors::Verdict::Allowed) => None,
        Some(crate::cors::Verdict::Blocked(block)) => {
            let url = format!("https://server.example{}", fetch.path);
            let console = block.console(&url, &fetch.origin, Browser::Chrome);
            let _ = writeln!(text, "  {}\n  console: {}", clean(&block.summary()), clean(&console));
            Some("\nBLOCKED\n")
        }
        Some(crate::cors::Verdict::Unknown(names)) => {
            let names: Vec<String> = names.iter().map(|name| headers::canonical(name).into_owned()).collect();
            let _ = writeln!(text, "  it depends on what is not known: {}", clean(&names.join(", ")));
            Some("\nUNKNOWN\n")
        }
    }
}
