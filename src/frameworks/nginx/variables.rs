//! What nginx's variables stand for.

use std::sync::Arc;

use super::maps;
use super::server::{Compiler, State};
use super::texts::concat;
use crate::model::{Capture, Guard, Part, Reason, RemarkKind, Text};
use crate::source::Span;
use crate::syntax::nginx::Word;

/// A place that a value went through, and what happened there.
pub(super) type Hop = (Span, Arc<str>);

/// How many places of a value are kept.
const MOST_HOPS: usize = 64;
/// How deep variables are defined by variables.
const DEEPEST: u8 = 6;

/// Prefixes and names of variables of nginx 1.31 and its modules whose value is not known before a request comes.
const RUNTIME: &[&str] = &[
    "ancient_browser",
    "args",
    "binary_remote_addr",
    "body_bytes_sent",
    "bytes_sent",
    "connection",
    "connection_requests",
    "connection_time",
    "connections_active",
    "connections_reading",
    "connections_waiting",
    "connections_writing",
    "date_gmt",
    "date_local",
    "document_root",
    "fastcgi_path_info",
    "fastcgi_script_name",
    "geoip_",
    "geoip2_",
    "gzip_ratio",
    "hostname",
    "http2",
    "http3",
    "invalid_referer",
    "is_request_port",
    "jwt_",
    "jwt_claim_",
    "jwt_header_",
    "jwt_payload",
    "limit_conn_status",
    "limit_rate",
    "limit_req_status",
    "memcached_key",
    "modern_browser",
    "msec",
    "msie",
    "nginx_version",
    "otel_",
    "pid",
    "pipe",
    "proxy_add_x_forwarded_for",
    "proxy_host",
    "proxy_internal_body_length",
    "proxy_port",
    "proxy_protocol_",
    "quic",
    "realip_remote_addr",
    "realip_remote_port",
    "realpath_root",
    "remote_addr",
    "remote_port",
    "remote_user",
    "request",
    "request_body",
    "request_body_file",
    "request_completion",
    "request_filename",
    "request_id",
    "request_length",
    "request_port",
    "request_time",
    "secure_link",
    "secure_link_expires",
    "sent_http_",
    "sent_trailer_",
    "server_addr",
    "server_protocol",
    "session_",
    "slice_range",
    "spdy",
    "ssl_",
    "status",
    "tcpinfo_",
    "time_iso8601",
    "time_local",
    "uid_",
    "upstream_",
    "userid",
    "proxy_add_via",
    "opentracing_",
    "opentelemetry_",
    "namespace",
    "ingress_name",
    "service_name",
    "service_port",
    "proxy_upstream_name",
    "proxy_alternative_upstream_name",
    "best_http_host",
    "pass_access_scheme",
    "pass_server_port",
    "pass_port",
    "the_real_ip",
    "req_id",
    "redirect_to_https",
    "connection_upgrade",
];

impl<'t> Compiler<'t> {
    /// The text that a word stands for, and where its parts come from.
    pub fn text(&mut self, state: &State, word: &Word) -> (Text, Vec<Hop>) {
        let mut hops = Vec::new();
        self.looked_up.clear();
        let text = self.interpolate(state, word, &[], &mut hops, 0);
        hops.truncate(MOST_HOPS);
        (text, hops)
    }

    /// Keeps the values of the maps that a word uses: a map that is not `volatile` is looked up once in a request.
    pub fn remember_maps(&mut self, state: &mut State, word: &Word, live: &Guard) {
        if *live != Guard::Always {
            return;
        }
        for name in names(&word.text) {
            let Some(map) = self.definitions.maps.get(name).copied() else { continue };
            let volatile = map.children().iter().any(|entry| entry.is("volatile") && entry.args.is_empty());
            if volatile || state.variables.contains_key(name) {
                continue;
            }
            let mut hops = Vec::new();
            let text = maps::value(self, state, map, &mut hops, 1);
            state.variables.insert(name.to_owned(), (text, hops));
        }
    }

    /// The same where `captures` are the groups of the pattern that matched last.
    pub fn interpolate(
        &mut self,
        state: &State,
        word: &Word,
        captures: &[(Guard, Text, crate::model::Capturing)],
        hops: &mut Vec<Hop>,
        depth: u8,
    ) -> Text {
        if word.templated {
            return Text::Unknown(Reason::new("a template fills it in", word.span));
        }
        let mut parts = Vec::new();
        let mut rest = word.text.as_str();
        while let Some(at) = rest.find('$') {
            let (before, after) = rest.split_at(at);
            if !before.is_empty() {
                parts.push(Text::literal(before));
            }
            let after = &after[1..];
            let (name, behind) = match after.strip_prefix('{') {
                Some(braced) => braced.split_once('}').unwrap_or(("", after)),
                None => {
                    let digits = after.starts_with(|first: char| first.is_ascii_digit());
                    let end = if digits {
                        1
                    } else {
                        after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len())
                    };
                    after.split_at(end)
                }
            };
            if name.is_empty() {
                parts.push(Text::literal("$"));
                rest = after;
                continue;
            }
            parts.push(self.variable(state, name, word.span, captures, hops, depth));
            rest = behind;
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Text::literal(rest));
        }
        concat(parts)
    }

    /// The value of `$name`, used at `span`.
    pub fn variable(
        &mut self,
        state: &State,
        name: &str,
        span: Span,
        captures: &[(Guard, Text, crate::model::Capturing)],
        hops: &mut Vec<Hop>,
        depth: u8,
    ) -> Text {
        if depth > DEEPEST {
            return Text::Unknown(Reason::new("the variable is defined by too many others", span));
        }
        if let Ok(group) = name.parse::<usize>() {
            let captures = if captures.is_empty() { &state.captures } else { captures };
            return captured(captures, group);
        }
        if let Some((text, from)) = state.variables.get(name) {
            hops.extend(from.iter().cloned());
            return text.clone();
        }
        if let Some(map) = self.definitions.maps.get(name).copied() {
            if let Some(text) = self.looked_up.get(name) {
                return text.clone();
            }
            let text = maps::value(self, state, map, hops, depth + 1);
            self.looked_up.insert(name.to_owned(), text.clone());
            return text;
        }
        if let Some(&place) = self.definitions.elsewhere.get(name) {
            return Text::Unknown(Reason::new(format!("${name} is computed elsewhere"), place));
        }
        if self.definitions.set.contains(name) {
            // Declared by a `set` that did not run: empty.
            return Text::literal("");
        }
        if let Some(text) = self.built_in(state, name, span) {
            return text;
        }
        let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if name.bytes().all(upper) && name.starts_with(|first: char| first.is_ascii_uppercase()) {
            // nginx has no such names: `envsubst` puts the environment's value here.
            return Text::Environment(name.into());
        }
        let known = |known: &str| if known.ends_with('_') { name.starts_with(known) } else { name == known };
        if RUNTIME.iter().any(|one| known(one)) {
            return Text::Unknown(Reason::new(format!("the value of ${name} is not known"), span));
        }
        if self.whole {
            self.refuse(format!("unknown \"{name}\" variable"), span);
        }
        self.remark(RemarkKind::UnknownVariable(name.to_owned()), span);
        Text::Unknown(Reason::new(format!("nothing that was read defines ${name}"), span))
    }

    fn built_in(&mut self, state: &State, name: &str, span: Span) -> Option<Text> {
        let header = |name: &str| -> Arc<str> { name.replace('_', "-").to_ascii_lowercase().into() };
        Some(match name {
            "request_method" => state.method.clone(),
            "uri" | "document_uri" => state.uri.clone(),
            "request_uri" => {
                let query = Text::Request(Part::Query);
                let mark = Text::choose(super::texts::is_set(&query, span), Text::literal("?"), Text::literal(""));
                Text::concat(vec![Text::Request(Part::Path), mark, query])
            }
            "query_string" | "args" => Text::Request(Part::Query),
            "is_args" => {
                let query = Text::Request(Part::Query);
                Text::choose(super::texts::is_set(&query, span), Text::literal("?"), Text::literal(""))
            }
            "host" => Text::Request(Part::Host),
            "http_host" => Text::header("host"),
            "scheme" => self.scheme(state),
            "https" => {
                let scheme = self.scheme(state);
                let secure = super::texts::passes(&scheme, &crate::cors::StringTest::Equals("https".to_owned()), span);
                Text::choose(secure, Text::literal("on"), Text::literal(""))
            }
            "content_type" => Text::header("content-type"),
            "content_length" => Text::header("content-length"),
            "server_name" => Text::literal(self.server_name(state).unwrap_or_default()),
            "server_port" => self.port(state).map(|port| Text::literal(port.to_string()))?,
            _ => {
                if let Some(name) = name.strip_prefix("http_") {
                    Text::Request(Part::Header(header(name)))
                } else if let Some(name) = name.strip_prefix("arg_") {
                    // Names are compared without case (`ngx_http_arg`).
                    self.member(Text::Request(Part::Query), &format!("(?:^|&){name}=([^&]*)"), true)
                } else if let Some(name) = name.strip_prefix("cookie_") {
                    let pattern = format!(r"(?:^|;)[ \t]*{name}[ \t]*=[ \t]*([^;]*)");
                    self.member(Text::header("cookie"), &pattern, true)
                } else if let Some(name) = name.strip_prefix("upstream_http_").filter(|name| is_modelled(name)) {
                    Text::Inner(header(name))
                } else if let Some(name) = name.strip_prefix("sent_http_").filter(|name| is_modelled(name)) {
                    Text::Sent(header(name))
                } else {
                    return None;
                }
            }
        })
    }
}

impl Compiler<'_> {
    /// What a pattern's group takes of a text.
    fn member(&self, subject: Text, pattern: &str, ignore_case: bool) -> Text {
        let pattern = self.patterns.capturing(pattern, ignore_case);
        Text::Capture(Arc::new(Capture { subject, pattern, group: 1 }))
    }
}

/// Whether a header of an answer is one that servers do not put there by themselves.
fn is_modelled(name: &str) -> bool {
    const OF_SERVERS: &[&str] = &[
        "accept_ranges",
        "allow",
        "cache_control",
        "connection",
        "content_encoding",
        "content_length",
        "content_type",
        "date",
        "etag",
        "expires",
        "keep_alive",
        "last_modified",
        "link",
        "server",
        "set_cookie",
        "transfer_encoding",
        "www_authenticate",
        "x_powered_by",
    ];
    !OF_SERVERS.contains(&name.to_ascii_lowercase().as_str())
}

/// The names of the variables in a text.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).map(|after| {
        let after = after.strip_prefix('{').unwrap_or(after);
        &after[..after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len())]
    })
}

/// The group of the pattern that matched last.
fn captured(captures: &[(Guard, Text, crate::model::Capturing)], group: usize) -> Text {
    let mut text = Text::literal("");
    for (when, subject, pattern) in captures {
        let capture = Capture { subject: subject.clone(), pattern: pattern.clone(), group };
        text = Text::choose(when.clone(), Text::Capture(Arc::new(capture)), text);
    }
    text
}
