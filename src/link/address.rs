//! Addresses of servers behind.

use crate::model::{Part, Text};

/// Where a hand-over leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A host and port.
    Host {
        /// The host in lower case; an IPv6 address keeps its brackets.
        host: String,
        /// The port; that of the scheme where none is given.
        port: Option<u16>,
    },
    /// The name of a socket of the file system, without its folder.
    Socket(String),
}

impl Address {
    /// Reads `http://host:port/path`, `host:port`, `host`, `http://unix:/run/app.sock:/path`.
    pub fn parse(text: &str) -> Option<Address> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        if let Some(socket) = rest.strip_prefix("unix:").or(Some(rest).filter(|_| scheme == "unix")) {
            let path = socket.split(':').next().unwrap_or_default();
            let name = path.rsplit('/').next().unwrap_or_default();
            return (!name.is_empty()).then(|| Address::Socket(name.to_owned()));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit('@').next().unwrap_or_default();
        if authority.is_empty() || authority.contains(['$', '{']) {
            return None;
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host, Some(port.parse().ok()?))
            }
            // A placeholder for a port names no server.
            Some((_, port)) if !authority.ends_with(']') && !port.is_empty() => return None,
            _ => (authority, None),
        };
        let usual = match scheme {
            "http" | "grpc" | "ws" => Some(80),
            "https" | "grpcs" | "wss" => Some(443),
            _ => None,
        };
        Some(Address::Host { host: host.to_ascii_lowercase(), port: port.or(usual) })
    }
}

/// How many addresses a hand-over may have.
const MOST: usize = 16;

/// The addresses that a text may be, as they are written, with `${NAME}` for variables of the environment; none where a
/// request decides host or port.
pub(super) fn written(text: &Text) -> Vec<String> {
    let mut found: Vec<Written> = write(text, vec![Written::default()]).unwrap_or_default();
    found.dedup_by(|one, other| one.text == other.text);
    found.into_iter().map(|written| written.text).collect()
}

/// An address as far as it is known.
#[derive(Clone, Default)]
struct Written {
    text: String,
    /// Whether its host is behind it, so that what follows does not matter.
    done: bool,
}

impl Written {
    fn add(mut self, more: &str) -> Self {
        self.text.push_str(more);
        let is_socket = self.text.starts_with("unix:") || self.text.contains("://unix:");
        self.done = !is_socket && self.behind_scheme().is_some_and(|rest| rest.contains('/'));
        // What follows is no part of the host; addresses that differ in it only are one.
        if let Some((scheme, rest)) = self.text.split_once("://").filter(|_| self.done) {
            let end = scheme.len() + 3 + rest.find('/').map_or(rest.len(), |slash| slash + 1);
            self.text.truncate(end);
        }
        self
    }

    fn behind_scheme(&self) -> Option<&str> {
        self.text.split_once("://").map(|(_, rest)| rest)
    }
}

/// Adds what is known of a text to each address.
fn write(text: &Text, open: Vec<Written>) -> Option<Vec<Written>> {
    if open.iter().all(|address| address.done) {
        return Some(open);
    }
    let (done, open): (Vec<Written>, Vec<Written>) = open.into_iter().partition(|address| address.done);
    let added = |more: &str| open.iter().cloned().map(|address| address.add(more)).collect();
    let more: Vec<Written> = match text {
        Text::Literal(literal) => added(literal),
        Text::Environment(name) => added(&format!("${{{name}}}")),
        Text::Concat(parts) => parts.iter().try_fold(open, |open, part| write(part, open))?,
        Text::Choose(_, then, otherwise) => {
            let mut both = write(then, open.clone())?;
            both.extend(write(otherwise, open)?);
            both.sort_by(|one, other| one.text.cmp(&other.text));
            both.dedup_by(|one, other| one.text == other.text);
            both
        }
        // A path is what the request says; it begins with a slash.
        Text::Request(Part::Path | Part::ResolvedPath)
            if open.iter().all(|address| address.behind_scheme().is_some_and(|rest| !rest.is_empty())) =>
        {
            added("/")
        }
        _ => return None,
    };
    let all: Vec<Written> = done.into_iter().chain(more).collect();
    (all.len() <= MOST).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_host_and_port() {
        let host = |host: &str, port: u16| Some(Address::Host { host: host.to_owned(), port: Some(port) });
        let socket = |name: &str| Some(Address::Socket(name.to_owned()));
        assert_eq!(Address::parse("http://App:3000/x"), host("app", 3000));
        assert_eq!(Address::parse("https://api"), host("api", 443));
        assert_eq!(Address::parse("app:8000"), host("app", 8000));
        assert_eq!(Address::parse("http://[::1]:5000"), host("[::1]", 5000));
        assert_eq!(Address::parse("http://unix:/run/app.sock:/x"), socket("app.sock"));
        assert_eq!(Address::parse("unix:///tmp/app.sock"), socket("app.sock"));
        assert_eq!(Address::parse("http://app:99999"), None);
        assert_eq!(Address::parse("http://[::1]"), host("[::1]", 80));
        assert_eq!(Address::parse("host:port"), None);
        assert_eq!(Address::parse("http://${HOST}:80"), None);
    }

    #[test]
    fn what_a_request_decides_behind_the_host_does_not_matter() {
        let of = |parts: Vec<Text>| written(&Text::concat(parts));
        let path = || Text::Request(Part::Path);
        assert_eq!(of(vec![Text::literal("http://api:3000"), path()]), ["http://api:3000/"]);
        let host = vec![Text::literal("http://"), Text::Environment("API".into()), Text::literal("/x")];
        assert_eq!(of(host), ["http://${API}/"]);
        assert!(of(vec![Text::literal("http://"), Text::Request(Part::Host)]).is_empty());
    }

    #[test]
    fn an_address_may_be_one_of_several() {
        let choose = |then: &str, otherwise: &str| {
            let asked = crate::model::Guard::HasHeader("x-new".into());
            Text::choose(asked, Text::literal(then), Text::literal(otherwise))
        };
        assert_eq!(written(&choose("http://a:1/x", "http://a:1/y")), ["http://a:1/"]);
        let port = Text::concat(vec![choose("http://a:", "http://b:"), Text::literal("80")]);
        assert_eq!(written(&port), ["http://a:80", "http://b:80"]);
    }
}
