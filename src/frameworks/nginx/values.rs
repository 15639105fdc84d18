//! What `nginx -t` says of a directive's values, and of directives that come twice (nginx 1.31).

use crate::syntax::nginx::Directive;

/// Directives that a level may have once.
const ONCE: &[&str] = &[
    "add_header_inherit",
    "alias",
    "auth_basic",
    "auth_basic_user_file",
    "auth_request",
    "autoindex",
    "client_max_body_size",
    "default_type",
    "etag",
    "expires",
    "fastcgi_pass",
    "grpc_pass",
    "gzip",
    "gzip_vary",
    "internal",
    "merge_slashes",
    "proxy_cache",
    "proxy_http_version",
    "proxy_intercept_errors",
    "proxy_method",
    "proxy_pass",
    "recursive_error_pages",
    "root",
    "satisfy",
    "sendfile",
    "server_tokens",
    "try_files",
    "uwsgi_pass",
];

/// Directives that are on or off.
const FLAGS: &[&str] =
    &["autoindex", "etag", "gzip", "gzip_vary", "merge_slashes", "proxy_intercept_errors", "recursive_error_pages"];

/// Why nginx refuses a directive after those of the same level that come before it.
pub(super) fn repeated(directive: &Directive, before: &[&Directive]) -> Option<String> {
    let name = directive.name.text.as_str();
    let has = |name: &str| before.iter().any(|other| other.is(name) && other.conditions.is_empty());
    match name {
        "alias" if has("root") => Some(earlier("alias", "root")),
        "root" if has("alias") => Some(earlier("root", "alias")),
        _ if ONCE.contains(&name) && has(name) => Some(format!("\"{name}\" directive is duplicate")),
        "listen" => {
            let address = address(directive.arg(0)?)?;
            let same = before.iter().filter(|other| other.is("listen") && !other.is_templated());
            let mut same = same.filter_map(|other| self::address(other.arg(0)?));
            same.any(|other| other == address).then(|| format!("a duplicate listen {address}"))
        }
        _ => None,
    }
}

fn earlier(name: &str, other: &str) -> String {
    format!("\"{name}\" directive is duplicate, \"{other}\" directive was specified earlier")
}

/// The address of a `listen` as nginx names it; `None` where a name has to be looked up.
pub(super) fn address(given: &str) -> Option<String> {
    if given.starts_with("unix:") {
        return Some(given.to_owned());
    }
    if let Ok(port) = given.parse::<u16>() {
        return Some(format!("0.0.0.0:{port}"));
    }
    match given.strip_prefix("*:") {
        Some(port) => Some(format!("0.0.0.0:{port}")),
        None if given.contains(':') => Some(given.to_owned()),
        None => given.parse::<std::net::Ipv4Addr>().ok().map(|address| format!("{address}:80")),
    }
}

/// Why nginx refuses a directive's arguments.
pub(super) fn invalid(name: &str, args: &[&str]) -> Option<String> {
    match (name, args) {
        (_, [value]) if FLAGS.contains(&name) && !["on", "off"].contains(&value.to_ascii_lowercase().as_str()) => {
            Some(format!("invalid value \"{value}\" in \"{name}\" directive, it must be \"on\" or \"off\""))
        }
        ("satisfy", [value]) if !["all", "any"].contains(value) => Some(format!("invalid value \"{value}\"")),
        ("client_max_body_size", [value]) if !is_size(value) => {
            Some("\"client_max_body_size\" directive invalid value".to_owned())
        }
        ("allow" | "deny", [value]) if !is_network(value) => Some(format!("invalid parameter \"{value}\"")),
        ("error_page", [codes @ .., _]) => {
            let codes = codes.iter().filter(|code| !code.starts_with('='));
            codes.into_iter().find_map(|code| match code.parse::<u32>() {
                Err(_) | Ok(499) => Some(format!("invalid value \"{code}\"")),
                Ok(300..=599) => None,
                Ok(_) => Some(format!("value \"{code}\" must be between 300 and 599")),
            })
        }
        _ => None,
    }
}

/// `ngx_parse_offset`: digits, and `k`, `m` or `g`.
fn is_size(text: &str) -> bool {
    let digits = text.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_network(text: &str) -> bool {
    if matches!(text, "all" | "unix:") {
        return true;
    }
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    address.parse::<std::net::IpAddr>().is_ok()
}

/// Why nginx refuses the entries of a map.
pub(super) fn map(map: &Directive) -> Option<(String, &Directive)> {
    let mut keys: Vec<String> = Vec::new();
    let mut has_default = false;
    for entry in map.children().iter().filter(|entry| !entry.is_templated() && entry.conditions.is_empty()) {
        let key = entry.name.text.as_str();
        match (key, entry.args.len()) {
            ("hostnames" | "volatile", 0) | ("include", _) => continue,
            (_, 1) => {}
            _ => return Some(("invalid number of the map parameters".to_owned(), entry)),
        }
        if key == "default" {
            if has_default {
                return Some(("duplicate default map parameter".to_owned(), entry));
            }
            has_default = true;
        } else if !key.starts_with('~') {
            let lower = key.to_ascii_lowercase();
            if keys.contains(&lower) {
                return Some((format!("conflicting parameter \"{lower}\""), entry));
            }
            keys.push(lower);
        }
    }
    None
}
