//! Does the model answer as nginx did? Every recorded request is played, and compared line by line.

mod common;

use std::path::PathBuf;

use common::observed::{self, Answer, Observation};
use corslint::cors::{Request, headers};
use corslint::frameworks::nginx::{Version, extract};
use corslint::model::{
    Behind, Dispatch, Effect, EffectKind, Environment, Forward, Group, Guard, HeaderWrite, Node, Outcome, Server,
    Session, Status, Text, Trail, WriteOp, each_effect,
};
use corslint::source::{FileId, SourceSet, Span};

/// What `include cors.conf` of a recording includes (`xtask/src/observe/stands/nginx.rs`).
const SNIPPET: &str = r#"add_header Access-Control-Allow-Origin "https://app.example.com";
add_header Access-Control-Allow-Headers "Authorization, Content-Type";
add_header Access-Control-Allow-Methods "GET, PUT";
"#;

/// How many of the probes may stay unknown: files that may exist, rates, caches, and code that is not read.
const UNKNOWN_PERCENT: [(&str, usize); 2] = [("nginx", 4), ("nginx-more", 8)];

/// What nginx refuses to start with and nobody looks for: directives that it does not know, files that are not there.
const UNSEEN: &[&str] = &["unknown directive ", "open() "];

fn version(text: &str) -> Version {
    let mut parts = text.split('.').skip(1).map(|part| part.parse().expect("a number"));
    Version { minor: parts.next().expect("a minor version"), patch: parts.next().expect("a patch") }
}

fn servers(config: &str, version: Version) -> Vec<Server> {
    let sources = SourceSet::new(PathBuf::from("/x"));
    let (main, snippet) = (PathBuf::from("/x/nginx.conf"), PathBuf::from("/x/cors.conf"));
    // The whole of what nginx reads: what nothing defines there is defined nowhere.
    sources.add(&main, format!("http {{\n{config}\n}}\n"));
    sources.add(&snippet, SNIPPET.to_owned());
    let find = |name: &str| if name == "cors.conf" { vec![snippet.clone()] } else { Vec::new() };
    let (servers, problems) = extract(&sources, std::slice::from_ref(&main), &find, version);
    // An include that is not there is told of; nginx does not start with it.
    assert!(problems.iter().all(|problem| problem.message.contains("origins.map")), "{problems:?}");
    servers
}

/// The application that stood behind the proxy, as a server.
fn application(upstream: Option<&observed::Upstream>) -> Server {
    let span = Span::new(FileId(9), 0, 0);
    let write = |name: &str, value: Text| HeaderWrite {
        name: name.into(),
        op: WriteOp::AddLine,
        values: vec![value],
        trail: Trail::default(),
    };
    let mut effects = Vec::new();
    let status = upstream.map_or(200, |upstream| upstream.status);
    for (name, value) in upstream.iter().flat_map(|upstream| &upstream.headers) {
        let kind = EffectKind::Write(write(name, Text::literal(value.as_str())));
        effects.push(Effect { when: Guard::Always, kind, span });
    }
    if upstream.is_some_and(|upstream| upstream.reflect) {
        let kind = EffectKind::Write(write("access-control-allow-origin", Text::header("origin")));
        effects.push(Effect { when: Guard::HasHeader("origin".into()), kind, span });
    }
    if let Some(options) = upstream.and_then(|upstream| upstream.options) {
        let kind = EffectKind::Respond(Some(Status::Code(options)));
        effects.push(Effect { when: Guard::method("OPTIONS", span), kind, span });
    }
    effects.push(Effect { when: Guard::Always, kind: EffectKind::Respond(Some(Status::Code(status))), span });
    let mut root = Group::new(Dispatch::Plain, span);
    root.nodes.push(Node::Step(corslint::model::Step {
        kind: corslint::model::StepKind::Route,
        path: corslint::model::PathMatch::Any,
        methods: None,
        when: Guard::Always,
        effects,
        end: corslint::model::End::Continue,
        span,
        label: "the application".to_owned(),
    }));
    Server {
        framework: "test",
        runtime: String::new(),
        span,
        complete: true,
        root,
        outgoing: Vec::new(),
        listens: Vec::new(),
        startup_error: None,
        remarks: Vec::new(),
        files: Vec::new(),
    }
}

fn asked(request: &observed::Request) -> Request {
    let mut asked = Request::new(request.method.as_str(), request.path.as_str());
    for (name, value) in &request.headers {
        asked = asked.with_header(name.as_str(), value.as_str());
    }
    // The recordings leave it out; it is where the recorder's nginx listened.
    if asked.header("host").is_none() {
        asked = asked.with_header("host", "localhost:8102");
    }
    asked
}

fn decides(name: &str) -> bool {
    headers::RESPONSE.iter().any(|known| known.eq_ignore_ascii_case(name))
}

enum Compared {
    Same,
    Unknown,
    Wrong(String),
}

/// Whether one of the answers that are thought possible is the one that came.
fn has_world(expected: &Answer, got: &corslint::model::Answer) -> bool {
    got.worlds.is_empty()
        || got.worlds.iter().any(|world| {
            let Answer::Response { status, headers } = expected else {
                return world.outcome != Outcome::Answered;
            };
            let unknown: Vec<&str> =
                world.headers.iter().filter(|sent| sent.value.is_err()).map(|sent| &*sent.name).collect();
            let known = |name: &str| decides(name) && !unknown.iter().any(|other| other.eq_ignore_ascii_case(name));
            let wanted = headers.iter().filter(|(name, _)| known(name)).map(|(n, v)| (n.as_str(), v.as_str()));
            let sent = world.headers.iter().filter(|sent| known(&sent.name));
            let sent = sent.filter_map(|sent| Some((&*sent.name, sent.value.as_deref().ok()?)));
            world.outcome == Outcome::Answered
                && world.status.is_none_or(|code| code == *status)
                && wanted.collect::<Vec<_>>() == sent.collect::<Vec<_>>()
        })
}

fn compare(expected: &Answer, got: &corslint::model::Answer) -> Compared {
    let compared = compare_known(expected, got);
    match compared {
        Compared::Unknown if !has_world(expected, got) => Compared::Wrong("no world has this answer".to_owned()),
        compared => compared,
    }
}

fn compare_known(expected: &Answer, got: &corslint::model::Answer) -> Compared {
    let Answer::Response { status, headers } = expected else {
        return match got.outcome {
            Outcome::Closed | Outcome::Hangs => Compared::Same,
            Outcome::Unknown => Compared::Unknown,
            Outcome::Answered => Compared::Wrong("an answer came".to_owned()),
        };
    };
    match got.outcome {
        Outcome::Answered => {}
        Outcome::Unknown => return Compared::Unknown,
        other => return Compared::Wrong(format!("{other:?}")),
    }
    if got.status.is_some_and(|got| got != *status) {
        return Compared::Wrong(format!("status {:?} and not {status}", got.status));
    }
    let unknown = |name: &str| got.unknown.iter().any(|unknown| unknown.eq_ignore_ascii_case(name));
    let wanted: Vec<_> = headers
        .iter()
        .filter(|(name, _)| decides(name) && !unknown(name))
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let got_lines: Vec<_> =
        got.headers.iter().filter(|(name, _)| decides(name)).map(|(n, v)| (n.as_str(), v.as_str())).collect();
    if wanted != got_lines {
        return Compared::Wrong(format!("{got_lines:?} and not {wanted:?}"));
    }
    if got.status.is_none() || got.unknown.iter().any(|name| decides(name)) {
        Compared::Unknown
    } else {
        Compared::Same
    }
}

fn play(observation: &Observation, version: Version, wrong: &mut Vec<String>, unknown: &mut Vec<String>) -> usize {
    let servers = servers(&observation.config, version);
    let [server] = &servers[..] else {
        wrong.push(format!("{observation}: {} servers", servers.len()));
        return 0;
    };
    match (&server.startup_error, observation.startup.strip_prefix("config test fails: ")) {
        (None, None) => {}
        (Some((why, _)), Some(expected)) if why == expected => return 0,
        // Each library for regular expressions has words of its own.
        (Some((why, _)), Some(expected))
            if why.starts_with("invalid regular expression") && expected.contains("_compile() failed") =>
        {
            return 0;
        }
        (None, Some(expected)) if UNSEEN.iter().any(|unseen| expected.starts_with(unseen)) => return 0,
        (got, expected) => {
            wrong.push(format!("{observation}: startup {got:?} and not {expected:?}"));
            return 0;
        }
    }
    let application = application(observation.upstream.as_ref());
    let mut session = Session::new(server, Environment::Unknown);
    let mut forwards: Vec<(Span, Forward)> = Vec::new();
    each_effect(server, &mut |_, effect| {
        if let EffectKind::Forward(forward) = &effect.kind {
            forwards.push((effect.span, forward.clone()));
        }
    });
    for (span, forward) in forwards {
        let down = forward.address().is_some_and(|address| address.ends_with(":8109"));
        session = session.with_behind(span, if down { Behind::Nobody } else { Behind::Server(&application) });
    }
    for probe in &observation.probes {
        let answer = session.answer(&asked(&probe.request));
        match compare(&probe.answer, &answer) {
            Compared::Same => {}
            Compared::Unknown => unknown.push(format!("{observation}: {}", probe.name)),
            Compared::Wrong(why) => wrong.push(format!("{observation}: {}: {why}", probe.name)),
        }
    }
    observation.probes.len()
}

#[test]
fn nginx_answers_as_recorded() {
    for (file, percent) in UNKNOWN_PERCENT {
        let (mut wrong, mut unknown, mut count) = (Vec::new(), Vec::new(), 0);
        for observation in observed::load(file) {
            for text in observation.versions_of("nginx") {
                count += play(&observation, version(text), &mut wrong, &mut unknown);
            }
        }
        println!("{file}: {count} probes, {} wrong, {} unknown", wrong.len(), unknown.len());
        println!("{}", unknown.join("\n"));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(count > 600, "{count} probes");
        assert!(unknown.len() * 100 <= count * percent, "{} unknown of {count}", unknown.len());
    }
}
