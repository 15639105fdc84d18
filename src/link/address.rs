//! Addresses of servers behind.

/// Host and port of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The host in lower case; an IPv6 address keeps its brackets.
    pub host: String,
    /// The port; that of the scheme where none is given.
    pub port: Option<u16>,
}

impl Address {
    /// Reads `http://host:port/path`, `host:port`, `host`. Sockets of the file system have neither.
    pub fn parse(text: &str) -> Option<Address> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit('@').next().unwrap_or_default();
        if authority.is_empty() || authority.starts_with("unix:") {
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
        Some(Address { host: host.to_ascii_lowercase(), port: port.or(usual) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_host_and_port() {
        let parsed = |text: &str| Address::parse(text).map(|address| (address.host, address.port));
        assert_eq!(parsed("http://App:3000/x"), Some(("app".into(), Some(3000))));
        assert_eq!(parsed("https://api"), Some(("api".into(), Some(443))));
        assert_eq!(parsed("app:8000"), Some(("app".into(), Some(8000))));
        assert_eq!(parsed("http://[::1]:5000"), Some(("[::1]".into(), Some(5000))));
        assert_eq!(parsed("http://unix:/run/app.sock"), None);
        assert_eq!(parsed("http://app:99999"), None);
        assert_eq!(parsed("http://[::1]"), Some(("[::1]".into(), Some(80))));
        assert_eq!(parsed("host:port"), None);
    }
}
