//! The requests that are played against servers.

/// An HTTP request as a server sees it: method, path and header lines in the order sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// The method, in the spelling sent: methods are case-sensitive (RFC 9110, 9.1).
    pub method: String,
    /// The request target: path and, where there is one, the query. In absolute form (`https://host/path`) where the
    /// host matters.
    pub path: String,
    /// Name and value of each header line, in the order sent.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// A request with this method and path and no header.
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Request {
        Request { method: method.into(), path: path.into(), headers: Vec::new() }
    }

    /// A `GET` without headers.
    pub fn get(path: impl Into<String>) -> Request {
        Request::new("GET", path)
    }

    /// The same request with one more header line.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Request {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same request with an `Origin` line.
    pub fn with_origin(self, origin: impl Into<String>) -> Request {
        self.with_header("Origin", origin)
    }

    /// The CORS-preflight request of the Fetch standard (4.8): `OPTIONS` with the origin, the method asked for and,
    /// when there are any, the names of the headers asked for: lower case, sorted, without repeats, joined by commas
    /// without blanks.
    pub fn preflight(
        path: impl Into<String>,
        origin: impl Into<String>,
        method: impl Into<String>,
        header_names: &[&str],
    ) -> Request {
        let mut names: Vec<String> = header_names.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        names.dedup();
        let request =
            Request::new("OPTIONS", path).with_origin(origin).with_header("Access-Control-Request-Method", method);
        if names.is_empty() { request } else { request.with_header("Access-Control-Request-Headers", names.join(",")) }
    }

    /// Scheme and authority of a target in absolute form (RFC 9112, 3.2.2).
    pub fn authority(&self) -> Option<(&str, &str)> {
        let (scheme, rest) = self.path.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', '?', '#']))?;
        Some((scheme, rest.split(['/', '?', '#']).next().unwrap_or_default()))
    }

    /// The target in origin form: path and query.
    pub fn target(&self) -> &str {
        match self.authority() {
            Some((scheme, authority)) => &self.path[scheme.len() + 3 + authority.len()..],
            None => &self.path,
        }
    }

    /// The value of the first line of this name, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The `Origin` header.
    pub fn origin(&self) -> Option<&str> {
        self.header("origin")
    }

    /// Whether this is a CORS-preflight request: `OPTIONS` with `Origin` and `Access-Control-Request-Method`.
    pub fn is_preflight(&self) -> bool {
        self.method == "OPTIONS" && self.origin().is_some() && self.header("access-control-request-method").is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preflight_headers_are_sorted_lower_case_and_without_blanks() {
        let request = Request::preflight("/api", "https://a.example", "PUT", &["X-B", "Content-Type", "x-b"]);
        assert_eq!(request.header("ACCESS-CONTROL-REQUEST-HEADERS"), Some("content-type,x-b"));
        assert!(request.is_preflight());
        let bare = Request::preflight("/api", "https://a.example", "PUT", &[]);
        assert_eq!(bare.header("Access-Control-Request-Headers"), None);
    }

    #[test]
    fn the_first_of_several_lines_counts() {
        let request = Request::get("/").with_header("X-A", "1").with_header("x-a", "2");
        assert_eq!(request.header("X-a"), Some("1"));
        assert!(!request.is_preflight());
    }
}
