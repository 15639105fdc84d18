//! nginx inside Kubernetes manifests: annotations of its ingress controller, and configurations in a ConfigMap.
//!
//! The controller makes a configuration of the annotations; what it writes is written here, with the places of the
//! annotations (ingress-nginx 1.12, `rootfs/etc/nginx/template/nginx.tmpl`, `internal/ingress/annotations/cors/main.go`,
//! `internal/ingress/controller/template/template.go`).

use std::rc::Rc;

use super::helm;
use crate::source::{FileId, Span};
use crate::syntax::data::{Data, yaml};
use crate::syntax::nginx::{Directive, Word, nginx};

/// How the annotations begin.
const PREFIX: &str = "nginx.ingress.kubernetes.io/";

const DEFAULT_METHODS: &str = "GET, PUT, POST, DELETE, PATCH, OPTIONS";
const DEFAULT_HEADERS: &str =
    "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";
const DEFAULT_MAX_AGE: &str = "1728000";

/// The configurations in a manifest, in a template of one, or in the values of a chart, each the inside of an `http` block
/// or a whole file. A text that is no YAML holds none.
pub(super) fn configurations(file: FileId, text: &str) -> Vec<Vec<Directive>> {
    let masked = helm::masked(text);
    let text = masked.as_deref().unwrap_or(text);
    let Ok(documents) = yaml(file, text) else { return Vec::new() };
    let mut found = Vec::new();
    let mut hosts: Vec<(String, Directive)> = Vec::new();
    let mut open: Vec<&Data> = documents.iter().rev().collect();
    while let Some(document) = open.pop() {
        match document.get("kind").and_then(Data::as_str) {
            Some("List") => open.extend(document.get("items").map(Data::items).unwrap_or_default().iter().rev()),
            Some("Ingress") => {
                for (host, server) in ingress(file, text, document).unwrap_or_default() {
                    // The controller makes one server block for a host, whatever ingresses name it.
                    match hosts.iter_mut().find(|(known, _)| *known == host) {
                        Some((_, known)) => {
                            let more = server.children().iter().filter(|inner| inner.is("location"));
                            let more: Vec<Directive> = more.filter(|new| !has_location(known, new)).cloned().collect();
                            known.block = Some(known.children().iter().cloned().chain(more).collect());
                        }
                        None => hosts.push((host, server)),
                    }
                }
            }
            Some("ConfigMap") => {
                for (_, _, value) in document.get("data").map(Data::entries).unwrap_or_default() {
                    let Some(content) = value.as_str() else { continue };
                    if ["server {", "server{", "location ", "add_header", "more_set_headers"]
                        .iter()
                        .any(|one| content.contains(one))
                    {
                        found.push(inside(file, text, value));
                    }
                }
            }
            // The values of a chart name annotations where its template has an ingress.
            None => {
                for annotations in annotations_within(document) {
                    let servers = servers(file, text, document, annotations).unwrap_or_default();
                    found.extend(servers.into_iter().map(|(_, server)| vec![server]));
                }
            }
            _ => {}
        }
    }
    if !hosts.is_empty() {
        found.push(hosts.into_iter().map(|(_, server)| server).collect());
    }
    found
}

/// Whether a server block has a location for the same paths.
fn has_location(server: &Directive, location: &Directive) -> bool {
    let words = |directive: &Directive| directive.args.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
    server.children().iter().any(|inner| inner.is("location") && words(inner) == words(location))
}

/// The directives in a string of a manifest, with their places in it where the string is written as it is.
fn inside(file: FileId, text: &str, value: &Data) -> Vec<Directive> {
    let content = value.as_str().unwrap_or_default();
    let (start, end) = (value.span.start as usize, value.span.end as usize);
    let raw = text.get(start..end).unwrap_or_default();
    let head = raw.trim_start();
    let skipped = match head.chars().next() {
        // The line of a block scalar's indicator.
        Some('|' | '>') => raw.find('\n').map(|line| line + 1),
        Some('"' | '\'') if !raw.contains('\\') && !raw.contains("''") => Some(raw.len() - head.len() + 1),
        Some('"' | '\'') => None,
        _ => Some(0),
    };
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    if let Some(skipped) = skipped {
        let quoted = head.starts_with(['"', '\'']);
        let last = if quoted { end.saturating_sub(1) } else { end };
        let from = start + skipped;
        if let Some(inner) = text.get(from..last)
            && words(inner) == words(content)
        {
            // Everything around is blank, so that the places are those of the manifest.
            let mut masked: String = text[..from]
                .chars()
                .map(|c| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) })
                .collect();
            masked.push_str(inner);
            return nginx(file, &masked).directives;
        }
    }
    let mut directives = nginx(file, content).directives;
    directives.iter_mut().for_each(|directive| place(directive, value.span));
    directives
}

/// Gives a directive and all in it one place. Depth is bounded by the reader.
fn place(directive: &mut Directive, span: Span) {
    directive.span = span;
    directive.name.span = span;
    directive.args.iter_mut().for_each(|word| word.span = span);
    directive.conditions = Rc::from([]);
    if let Some(block) = &directive.block {
        let mut inner = block.to_vec();
        inner.iter_mut().for_each(|directive| place(directive, span));
        directive.block = Some(inner.into());
    }
}

fn word(text: impl Into<String>, span: Span) -> Word {
    let text = text.into();
    Word { templated: helm::is_filled_in(&text), text, span }
}

fn simple(name: &str, args: &[(&str, Span)], span: Span) -> Directive {
    let args = args.iter().map(|(text, span)| word(*text, *span)).collect();
    Directive { name: word(name, span), args, block: None, span, conditions: Rc::from([]) }
}

fn block(name: &str, args: &[(&str, Span)], inner: Vec<Directive>, span: Span) -> Directive {
    Directive { block: Some(inner.into()), ..simple(name, args, span) }
}

/// The annotations of an ingress.
struct Annotations<'d> {
    entries: &'d [(String, Span, Data)],
}

impl<'d> Annotations<'d> {
    fn get(&self, name: &str) -> Option<(&'d str, Span)> {
        let data = self.data(name)?;
        Some((data.as_str()?, data.span))
    }

    fn data(&self, name: &str) -> Option<&'d Data> {
        let found = self.entries.iter().rev().find(|(key, ..)| key.strip_prefix(PREFIX) == Some(name));
        found.map(|(_, _, value)| value)
    }

    /// A switch: a string of it, as the controller reads (`strconv.ParseBool`).
    fn switch(&self, name: &str) -> Option<bool> {
        match self.get(name)?.0 {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
            _ => None,
        }
    }
}

/// The annotations that stand anywhere in the values of a chart.
fn annotations_within(values: &Data) -> Vec<&Data> {
    let mut found = Vec::new();
    let mut open = vec![values];
    while let Some(data) = open.pop() {
        open.extend(data.items());
        for (key, _, value) in data.entries() {
            match key.as_str() {
                "annotations" => found.push(value),
                _ => open.push(value),
            }
        }
    }
    found
}

/// The server blocks of an ingress, by their hosts.
fn ingress(file: FileId, text: &str, document: &Data) -> Option<Vec<(String, Directive)>> {
    servers(file, text, document, document.at(&["metadata", "annotations"])?)
}

/// The server blocks that the controller makes of these annotations, by the hosts of the document's rules.
fn servers(file: FileId, text: &str, document: &Data, annotations: &Data) -> Option<Vec<(String, Directive)>> {
    let annotations = Annotations { entries: annotations.entries() };
    if !annotations.entries.iter().any(|(key, ..)| key.starts_with(PREFIX)) {
        return None;
    }
    if annotations.switch("canary") == Some(true) {
        // A canary takes over what its main ingress says.
        return None;
    }
    let mut content = Vec::new();
    if annotations.switch("enable-cors") == Some(true) {
        content.extend(cors(&annotations));
    }
    if let Some((_, span)) = annotations.get("auth-type").filter(|(kind, _)| *kind == "basic") {
        content.push(simple("auth_basic", &[("realm", span)], span));
    }
    if let Some((_, span)) = annotations.get("auth-url") {
        // Another service is asked; its answer is not known.
        content.push(simple("auth_request", &[("/_external-auth", span)], span));
    }
    if let Some(snippet) = annotations.data("configuration-snippet") {
        content.extend(inside(file, text, snippet));
    }
    let around = annotations.data("server-snippet").map(|snippet| inside(file, text, snippet)).unwrap_or_default();
    let secure = document.at(&["spec", "tls"]).is_some_and(|tls| !tls.items().is_empty());
    let regex = annotations.switch("use-regex") == Some(true)
        || annotations.get("rewrite-target").is_some_and(|(to, _)| to.contains('$'));
    let rules = document.at(&["spec", "rules"]).map(Data::items).unwrap_or_default();
    let mut servers = Vec::new();
    for rule in rules {
        let mut inner = vec![simple("listen", &[("80", rule.span)], rule.span)];
        if secure {
            inner = vec![simple("listen", &[("443", rule.span), ("ssl", rule.span)], rule.span)];
        }
        if let Some(host) = rule.get("host").filter(|host| host.as_str().is_some()) {
            inner.push(simple("server_name", &[(host.as_str().unwrap_or_default(), host.span)], host.span));
        }
        inner.extend(around.iter().cloned());
        for path in rule.at(&["http", "paths"]).map(Data::items).unwrap_or_default() {
            inner.push(location(path, &content, regex));
        }
        let host = rule.get("host").and_then(Data::as_str).unwrap_or_default();
        servers.push((host.to_owned(), block("server", &[], inner, rule.span)));
    }
    if servers.is_empty() {
        let span = document.span;
        let pass = simple("proxy_pass", &[("http://default-backend", span)], span);
        let inner = vec![block("location", &[("/", span)], content.into_iter().chain([pass]).collect(), span)];
        servers.push((String::new(), block("server", &[], around.into_iter().chain(inner).collect(), span)));
    }
    Some(servers)
}

fn location(path: &Data, content: &[Directive], regex: bool) -> Directive {
    let text = path.get("path").and_then(Data::as_str).unwrap_or("/");
    let span = path.get("path").map_or(path.span, |path| path.span);
    let kind = path.get("pathType").and_then(Data::as_str).unwrap_or("ImplementationSpecific");
    let pattern = format!("^{text}");
    let args: Vec<(&str, Span)> = match kind {
        _ if regex => vec![("~*", span), (&pattern, span)],
        "Exact" => vec![("=", span), (text, span)],
        _ => vec![(text, span)],
    };
    let service = path.at(&["backend", "service", "name"]).or_else(|| path.at(&["backend", "serviceName"]));
    let port = path.at(&["backend", "service", "port", "number"]).or_else(|| path.at(&["backend", "servicePort"]));
    let name = service.and_then(Data::as_str).unwrap_or("service");
    let address = match port.and_then(Data::as_number) {
        Some(port) => format!("http://{name}:{port}"),
        None => format!("http://{name}"),
    };
    let at = service.map_or(path.span, |service| service.span);
    let mut inner = content.to_vec();
    inner.push(simple("proxy_pass", &[(&address, at)], at));
    block("location", &args, inner, path.span)
}

/// What the controller writes for `enable-cors`.
fn cors(annotations: &Annotations<'_>) -> Vec<Directive> {
    let Some((_, enabled)) = annotations.get("enable-cors") else { return Vec::new() };
    let given = |name: &str, default: &'static str| match annotations.get(name) {
        Some((value, span)) if !value.is_empty() => (value.to_owned(), span),
        _ => (default.to_owned(), enabled),
    };
    let (origins, place) = given("cors-allow-origin", "*");
    let mut listed: Vec<&str> = origins.split(',').map(str::trim).filter(|origin| is_origin(origin)).collect();
    if listed.is_empty() || listed.contains(&"*") {
        listed = vec!["*"];
    }
    let mut directives = Vec::new();
    let sets = simple("set", &[("$cors", place), ("true", place)], place);
    if helm::is_filled_in(&origins) {
        // Who is let in comes with the values.
        directives.push(simple("set", &[("$http_origin", place), (&origins, place)], place));
        directives.push(sets);
    } else if listed == ["*"] {
        directives.push(simple("set", &[("$http_origin", place), ("*", place)], place));
        directives.push(sets);
    } else {
        let patterns: Vec<String> = listed
            .iter()
            .map(|origin| format!("({})", regex_syntax::escape(origin).replacen("\\*", "[A-Za-z0-9\\-]+", 1)))
            .collect();
        let pattern = format!("({})$", patterns.join("|"));
        let condition = [("($http_origin", place), ("~*", place), (pattern.as_str(), place), (")", place)];
        directives.push(block("if", &condition, vec![sets], place));
    }
    let options = simple("set", &[("$cors", enabled), ("${cors}options", enabled)], enabled);
    let is_options = [("($request_method", enabled), ("=", enabled), ("OPTIONS)", enabled)];
    directives.push(block("if", &is_options, vec![options], enabled));
    let mut headers = Vec::new();
    let mut header = |name: &str, value: &str, span: Span| {
        let text = format!("Access-Control-{name}: {value}");
        headers.push(simple("more_set_headers", &[(&text, span)], span));
    };
    header("Allow-Origin", "$http_origin", place);
    if annotations.switch("cors-allow-credentials") != Some(false) {
        let span = annotations.get("cors-allow-credentials").map_or(enabled, |(_, span)| span);
        header("Allow-Credentials", "true", span);
    }
    for (name, annotation, default) in [
        ("Allow-Methods", "cors-allow-methods", DEFAULT_METHODS),
        ("Allow-Headers", "cors-allow-headers", DEFAULT_HEADERS),
        ("Expose-Headers", "cors-expose-headers", ""),
        ("Max-Age", "cors-max-age", DEFAULT_MAX_AGE),
    ] {
        let (value, span) = given(annotation, default);
        if !value.is_empty() {
            header(name, &value, span);
        }
    }
    let when = |value: &'static str| [("($cors", enabled), ("=", enabled), (value, enabled), (")", enabled)];
    directives.push(block("if", &when("true"), headers.clone(), enabled));
    headers.push(simple("return", &[("204", enabled)], enabled));
    directives.push(block("if", &when("trueoptions"), headers, enabled));
    directives
}

/// Whether the controller takes an entry for an origin; others it leaves out.
fn is_origin(origin: &str) -> bool {
    if origin == "*" {
        return true;
    }
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    let (host, port) = rest.rsplit_once(':').unwrap_or((rest, "0"));
    let host = host.strip_prefix("*.").unwrap_or(host);
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        && !host.is_empty()
        && host.bytes().all(letter)
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
}
