//! `corslint policy`: what was extracted, fact by fact.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::args::{ListFormatArg, PolicyArgs};
use super::simulate::place;
use super::{Ending, Verdict, check, output};
use crate::cors::{Request, headers};
use crate::engine;
use crate::model::{Answer, EffectKind, Guard, KnownBy, Outcome, Project, Reason, Server, World, each_effect};
use crate::report::clean;
use crate::rules::{
    OTHER_STRANGER, OriginCheck, Route, STRANGER, ServerView, all_when, deciding, may_have_origin, names_origin, only,
    when,
};
use crate::source::{SourceSet, Span};

pub(super) fn run(args: &PolicyArgs) -> Ending {
    let settings = check::settings(&args.paths, &args.paths, &args.files, args.config.as_deref(), args.no_config)?;
    let found = engine::servers(&settings);
    let text = match args.format {
        ListFormatArg::Json => {
            let servers: Vec<Json> = found
                .project
                .servers
                .iter()
                .map(|server| server_json(server, &found.project, &found.sources))
                .collect();
            let mut text = json!({ "version": 1, "servers": servers }).to_string();
            text.push('\n');
            text
        }
        ListFormatArg::Human => {
            let mut text = String::new();
            for server in &found.project.servers {
                describe(&mut text, server, &found.project, &found.sources);
            }
            if found.project.servers.is_empty() {
                text.push_str("no server was found\n");
            }
            text
        }
    };
    output::print(&text)?;
    Ok(Verdict::Pass)
}

/// A fact of a policy: its name, its value, and where it comes from.
struct Fact {
    name: &'static str,
    value: String,
    places: Vec<Span>,
}

/// What holds on one route.
struct Scope {
    route: String,
    facts: Vec<Fact>,
    unknown: Vec<(String, Option<Span>)>,
}

fn scopes(server: &Server, project: &Project, sources: &SourceSet) -> Vec<Scope> {
    let view = ServerView::new(server, project, sources);
    view.routes.iter().map(|route| scope(&view, route)).collect()
}

fn scope(view: &ServerView, route: &Route) -> Scope {
    let mut facts = Vec::new();
    let friends = view.friends();
    let friend = friends.first().map_or(STRANGER, String::as_str);
    let answer = view.from_page(route, friend);
    facts.push(who(view, route));
    let preflight = Request::preflight(&route.path, friend, &*route.method, &["x-asked"]);
    let preflight = view.ask(&preflight);
    for (name, header, answer) in [
        ("credentials", headers::ALLOW_CREDENTIALS, &answer),
        ("exposed headers", headers::EXPOSE_HEADERS, &answer),
        ("vary", headers::VARY, &answer),
        ("methods", headers::ALLOW_METHODS, &preflight),
        ("request headers", headers::ALLOW_HEADERS, &preflight),
        ("max age", headers::MAX_AGE, &preflight),
    ] {
        if let Some(mut fact) = header_fact(name, header, answer) {
            fact.value = fact.value.replace("x-asked", "whatever is asked for");
            facts.push(fact);
        }
    }
    facts.push(Fact {
        name: "preflight",
        value: answered(&preflight),
        places: preflight.worlds.iter().filter_map(|world| world.answered_by).map(|by| by.span).take(1).collect(),
    });
    let mut unknown = Vec::new();
    for world in answer.worlds.iter().chain(&preflight.worlds) {
        // Rules ask as if a server that is not read sent nothing of its own.
        if let Some(by) = world.answered_by.filter(|_| world.forwarded.is_some()) {
            let row = ("whether the server behind sends CORS headers of its own".to_owned(), Some(by.span));
            if !unknown.contains(&row) {
                unknown.push(row);
            }
        }
    }
    for reason in reasons(&answer, seen_by_page).chain(reasons(&preflight, seen_by_preflight)) {
        let row = (reason.text.to_string(), reason.span);
        if !unknown.contains(&row) {
            unknown.push(row);
        }
    }
    if !answer.complete || !preflight.complete {
        unknown.push(("what is not known can come together in more ways than are looked at".to_owned(), None));
    }
    Scope { route: route.name(), facts, unknown }
}

/// How a request is answered: with which statuses.
fn answered(answer: &Answer) -> String {
    let mut ways: Vec<String> = Vec::new();
    for world in &answer.worlds {
        let way = match (world.outcome, world.status) {
            (Outcome::Hangs, _) => "never answered".to_owned(),
            (Outcome::Closed, _) => "closed unanswered".to_owned(),
            (Outcome::Answered, Some(status)) => format!("answered {status}"),
            (Outcome::Answered, None) | (Outcome::Unknown, _) => "answered, with a status that is not known".to_owned(),
        };
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways.sort();
    ways.join(", or ")
}

/// What of an answer is not known and makes a difference to what is seen of it.
fn reasons<T: PartialEq>(answer: &Answer, seen: fn(&World) -> T) -> impl Iterator<Item = &Reason> {
    let lines = answer.worlds.iter().flat_map(|world| &world.headers);
    let lines = lines.filter(|sent| headers::RESPONSE.contains(&sent.name.to_ascii_lowercase().as_str()));
    let deciding = deciding(answer, seen).into_iter().filter_map(|guard| match guard {
        Guard::Unknown(reason) => Some(reason),
        _ => None,
    });
    lines.filter_map(|sent| sent.value.as_ref().err()).chain(deciding)
}

/// What a browser makes use of in the answer to a page's request: how it ended, the headers, whether a cache tells
/// origins apart.
fn seen_by_page(world: &World) -> (Outcome, bool, bool, [Option<String>; 3]) {
    let headers = [headers::ALLOW_ORIGIN, headers::ALLOW_CREDENTIALS, headers::EXPOSE_HEADERS];
    let values = headers.map(|header| value_in(world, header));
    (world.outcome, world.forwarded.is_some(), names_origin(world), values)
}

/// The same of the answer to a preflight, whose status must be a good one (Fetch standard, CORS-preflight fetch).
fn seen_by_preflight(world: &World) -> (Outcome, bool, Option<bool>, [Option<String>; 5]) {
    let headers = [
        headers::ALLOW_ORIGIN,
        headers::ALLOW_CREDENTIALS,
        headers::ALLOW_METHODS,
        headers::ALLOW_HEADERS,
        headers::MAX_AGE,
    ];
    let is_ok = world.status.map(|status| (200..300).contains(&status));
    (world.outcome, world.forwarded.is_some(), is_ok, headers.map(|header| value_in(world, header)))
}

/// Who may read, and under which settings where those decide.
fn who(view: &ServerView, route: &Route) -> Fact {
    let mut listed: Vec<String> = Vec::new();
    let stranger = view.from_page(route, STRANGER);
    let other = view.from_page(route, OTHER_STRANGER);
    let mut places = places(&stranger, headers::ALLOW_ORIGIN);
    let sends = |answer: &Answer, value: &str| {
        let (certainty, _) = when(answer, |world| is_let_in(world, value))?;
        Some(certainty.describe().map(|settings| format!(" where {settings}")).unwrap_or_default())
    };
    if let Some(settings) = sends(&stranger, "*") {
        listed.push(format!("any site{settings}"));
    } else if let Some(settings) = sends(&stranger, STRANGER)
        && sends(&other, OTHER_STRANGER).is_some()
    {
        listed.push(format!("any site, each by its own name{settings}"));
    }
    let open = listed.iter().any(|who| !who.contains(" where "));
    for friend in view.friends().iter().chain([&"null".to_owned()]).filter(|_| !open) {
        let answer = view.from_page(route, friend);
        let Some(settings) = sends(&answer, friend) else { continue };
        if listed.first().is_some_and(|everybody| everybody.starts_with("any site") && everybody.ends_with(&settings)) {
            continue;
        }
        let name = format!("{}{settings}", described(view, friend));
        if !listed.contains(&name) {
            listed.push(name);
        }
        for place in self::places(&answer, headers::ALLOW_ORIGIN) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    let mut value = listed.join(", ");
    let deciding = deciding(&stranger, |world| (world.outcome, value_in(world, headers::ALLOW_ORIGIN)));
    let known = stranger.complete
        && !deciding.iter().any(|guard| matches!(guard, Guard::Unknown(_)))
        && !stranger.worlds.iter().any(|world| {
            world.lines(headers::ALLOW_ORIGIN).any(|sent| sent.value.is_err()) || may_have_origin(view, world)
        });
    if !known {
        value = if value.is_empty() { "not known".to_owned() } else { format!("{value}, and perhaps others") };
    } else if value.is_empty() {
        value = "nobody".to_owned();
    }
    Fact { name: "who may read", value, places }
}

/// Whether an answer's only `Access-Control-Allow-Origin` is this.
fn is_let_in(world: &World, value: &str) -> bool {
    only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, sent)| sent == value)
}

/// An origin as the code names it: by itself, or as one of those that a test lets in.
fn described(view: &ServerView, origin: &str) -> String {
    if view.entries.iter().any(|entry| &*entry.text == origin) {
        return origin.to_owned();
    }
    let passes = |check: &&OriginCheck| check.test().is_some_and(|test| test.matches(origin) == Some(true));
    match view.tests.iter().find(passes) {
        Some(check) => format!("what `{}` lets in", view.sources.text(check.check.span)),
        None => origin.to_owned(),
    }
}

fn places(answer: &Answer, header: &str) -> Vec<Span> {
    let mut places: Vec<Span> = Vec::new();
    for sent in answer.worlds.iter().flat_map(|world| world.lines(header)) {
        for (place, _) in &sent.trail.0 {
            if !places.contains(place) {
                places.push(*place);
            }
        }
    }
    places
}

/// What a header says. Where it differs, each value that it may have, and under which settings if those decide.
fn header_fact(name: &'static str, header: &str, answer: &Answer) -> Option<Fact> {
    let mut values: Vec<Option<String>> = Vec::new();
    for world in &answer.worlds {
        let value = value_in(world, header);
        if !values.contains(&value) {
            values.push(value);
        }
    }
    if values.iter().all(Option::is_none) {
        return None;
    }
    let alone = values.len() == 1;
    let described = |value: &Option<String>| {
        let text = value.as_deref().unwrap_or("nothing");
        let holds = |world: &World| value_in(world, header) == *value;
        let decided = all_when(answer, holds);
        // Settings are named where they alone decide.
        let alone = alone || decided.len() < answer.worlds.iter().filter(|world| holds(world)).count();
        let settings = decided.first().and_then(|(certainty, _)| certainty.describe()).filter(|_| !alone);
        settings.map_or_else(|| text.to_owned(), |settings| format!("{text} where {settings}"))
    };
    // What is sent comes before that nothing may be.
    values.sort_by_key(Option::is_none);
    let value = values.iter().map(described).collect::<Vec<_>>().join(", or ");
    Some(Fact { name, value, places: places(answer, header) })
}

/// A header's lines in one world, as one text; nothing where it is not sent.
fn value_in(world: &World, header: &str) -> Option<String> {
    let lines: Vec<&str> = world.lines(header).map(|sent| sent.value.as_deref().unwrap_or("not known")).collect();
    if lines.is_empty() { None } else { Some(lines.join(" | ")) }
}

fn describe(text: &mut String, server: &Server, project: &Project, sources: &SourceSet) {
    let what = if server.complete { "server" } else { "policy" };
    let _ = writeln!(text, "{what} {} ({})", place(server, sources), clean(&server.runtime));
    for listen in &server.listens {
        match listen.port {
            Some(port) => {
                let _ = writeln!(text, "  listens on {port}  {}", at(listen.span, sources));
            }
            None => {
                let _ = writeln!(text, "  listens on a port that is not known  {}", at(listen.span, sources));
            }
        }
    }
    if let Some((error, span)) = &server.startup_error {
        let _ = writeln!(text, "  does not start: {}  {}\n", clean(error), at(*span, sources));
        return;
    }
    for hand_over in hand_overs(server, project) {
        let at = at(hand_over.at, sources);
        let _ = match hand_over.leads_to {
            Some((to, known_by)) => {
                writeln!(text, "  hands on to {}, {}  {at}", place(to, sources), known_by.words())
            }
            None => {
                writeln!(text, "  hands on to {}, which is no server that is read  {at}", clean(&hand_over.address))
            }
        };
    }
    for scope in scopes(server, project, sources) {
        let _ = writeln!(text, "  {}", clean(&scope.route));
        for fact in &scope.facts {
            let places = lines(&fact.places, sources);
            let row = format!("    {:<16} {}  {}", fact.name, clean(&fact.value), places.join(" "));
            let _ = writeln!(text, "{}", row.trim_end());
        }
        for (reason, span) in &scope.unknown {
            let place = span.map_or_else(String::new, |span| at(span, sources));
            let row = format!("    {:<16} {}  {place}", "unknown, because", clean(reason));
            let _ = writeln!(text, "{}", row.trim_end());
        }
    }
    text.push('\n');
}

/// A place where a server hands requests on.
struct HandOver<'a> {
    at: Span,
    /// The address as far as it is known.
    address: String,
    /// The server of the project that stands there, and how that is known.
    leads_to: Option<(&'a Server, KnownBy)>,
}

/// Where a server hands requests on, each server behind it and each other address once.
fn hand_overs<'a>(server: &Server, project: &'a Project) -> Vec<HandOver<'a>> {
    let mut found: Vec<HandOver> = Vec::new();
    each_effect(server, &mut |_, effect| {
        let EffectKind::Forward(forward) = &effect.kind else { return };
        let link = project.link_at(effect.span);
        let leads_to = link.and_then(|link| Some((project.servers.get(link.to)?, link.known_by)));
        let address = forward.address().unwrap_or("an address that is not known").to_owned();
        let known = found.iter().any(|other| match (other.leads_to, leads_to) {
            (Some((one, _)), Some((other, _))) => std::ptr::eq(one, other),
            (None, None) => other.address == address,
            _ => false,
        });
        if !known {
            found.push(HandOver { at: effect.span, address, leads_to });
        }
    });
    found.sort_by_key(|hand_over| hand_over.at);
    found
}

/// Each line once.
fn lines(places: &[Span], sources: &SourceSet) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for place in places.iter().map(|span| at(*span, sources)) {
        if !lines.contains(&place) {
            lines.push(place);
        }
    }
    lines
}

fn at(span: Span, sources: &SourceSet) -> String {
    let source = sources.get(span.file);
    format!("{}:{}", clean(&source.name), source.position(span.start).line)
}

fn server_json(server: &Server, project: &Project, sources: &SourceSet) -> Json {
    let source = sources.get(server.span.file);
    let scopes: Vec<Json> = if server.startup_error.is_some() {
        Vec::new()
    } else {
        scopes(server, project, sources)
            .iter()
            .map(|scope| {
                let facts: Vec<Json> = scope
                    .facts
                    .iter()
                    .map(|fact| {
                        let places = lines(&fact.places, sources);
                        json!({ "name": fact.name, "value": fact.value, "places": places })
                    })
                    .collect();
                let unknown: Vec<Json> = scope
                    .unknown
                    .iter()
                    .map(|(reason, span)| json!({ "because": reason, "place": span.map(|span| at(span, sources)) }))
                    .collect();
                json!({ "route": scope.route, "facts": facts, "unknown": unknown })
            })
            .collect()
    };
    json!({
        "framework": server.framework,
        "runtime": server.runtime,
        "path": source.name,
        "line": source.position(server.span.start).line,
        "complete": server.complete,
        "listens": server.listens.iter().map(|listen| listen.port).collect::<Vec<_>>(),
        "startup_error": server.startup_error.as_ref().map(|(text, _)| text),
        "hands_on": hand_overs(server, project).iter().map(|hand_over| json!({
            "place": at(hand_over.at, sources),
            "address": hand_over.address,
            "to": hand_over.leads_to.map(|(to, _)| at(to.span, sources)),
            "known_by": hand_over.leads_to.map(|(_, known_by)| known_by.words()),
        })).collect::<Vec<_>>(),
        "scopes": scopes,
    })
}
