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

/// An address as its text is written, with `${NAME}` for variables of the environment; nothing where a request decides
/// host or port.
pub(super) fn written(text: &Text) -> Option<String> {
    let mut done = String::new();
    write(text, &mut done).then_some(done)
}

/// Adds what is known of a text. Gives whether what was added so far is enough.
fn write(text: &Text, done: &mut String) -> bool {
    let behind_scheme = |done: &str| done.split_once("://").map(|(_, rest)| rest.to_owned());
    if behind_scheme(done).is_some_and(|rest| rest.contains('/')) {
        return true;
    }
    match text {
        Text::Literal(literal) => done.push_str(literal),
        Text::Environment(name) => done.push_str(&format!("${{{name}}}")),
        Text::Concat(parts) => return parts.iter().all(|part| write(part, done)),
        Text::Choose(_, then, otherwise) => {
            let (Some(then), Some(otherwise)) = (written(then), written(otherwise)) else { return false };
            // Up to its path an address may be the same though its text is not.
            let host = |text: &str| match text.find("://").and_then(|at| Some(at + 3 + text[at + 3..].find('/')? + 1)) {
                Some(slash) => text[..slash].to_owned(),
                None => text.to_owned(),
            };
            if host(&then) != host(&otherwise) {
                return false;
            }
            done.push_str(&host(&then));
        }
        // A path is what the request says; it begins with a slash.
        Text::Request(Part::Path | Part::ResolvedPath) if behind_scheme(done).is_some_and(|rest| !rest.is_empty()) => {
            done.push('/');
        }
        _ => return false,
    }
    true
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
        assert_eq!(of(vec![Text::literal("http://api:3000"), path()]).as_deref(), Some("http://api:3000/"));
        let host = vec![Text::literal("http://"), Text::Environment("API".into()), Text::literal("/x")];
        assert_eq!(of(host).as_deref(), Some("http://${API}/x"));
        assert_eq!(of(vec![Text::literal("http://"), Text::Request(Part::Host)]), None);
    }
}
