//! Who may register a name under which other name: the public suffix list, as the `psl` crate compiles it in.

/// Hosts of many strangers' pages that the public suffix list does not have.
const SHARED_HOSTS: &[&str] = &[
    "app.github.dev",
    "bolt.host",
    "cloudworkstations.dev",
    "codesandbox.io",
    "csb.app",
    "cyclic.app",
    "gitpod.io",
    "glitch.me",
    "gradio.live",
    "loca.lt",
    "stackblitz.io",
    "webcontainer.io",
];

/// The domain that somebody registered, of which this host is a part: `example.co.uk` of `a.example.co.uk`,
/// `me.github.io` of itself. `None` for a public suffix itself, a single label, an address. A top-level domain that
/// does not exist counts as one that does.
pub(super) fn registrable_domain(host: &str) -> Option<&str> {
    if is_address(host) {
        return None;
    }
    if let Some(suffix) = shared_host(host).filter(|suffix| *suffix != host) {
        let rest = host.strip_suffix(suffix)?.strip_suffix('.')?;
        let label = rest.rsplit('.').next().unwrap_or(rest);
        return host.get(host.len() - suffix.len() - 1 - label.len()..).filter(|_| !label.is_empty());
    }
    let domain = psl::domain_str(host)?;
    (!domain.starts_with('.')).then_some(domain)
}

/// Whether the host ends in a domain that exists, with a registered name before it.
pub(super) fn is_registrable(host: &str) -> bool {
    registrable_domain(host).is_some()
        && (shared_host(host).is_some() || psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known()))
}

/// Whether the text is itself a public suffix that exists: nobody's own domain, under which anybody has one.
pub(super) fn is_public_suffix(host: &str) -> bool {
    shared_host(host) == Some(host)
        || psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix.as_bytes() == host.as_bytes())
}

/// The suffix of a hosting service, under which every customer has a name of his own (`github.io`, `vercel.app`),
/// when the host is or lies under one: the private section of the public suffix list and a few known services more.
pub(super) fn shared_host(host: &str) -> Option<&str> {
    let listed = |suffix: &&str| host.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if let Some(suffix) = SHARED_HOSTS.iter().copied().find(listed) {
        return Some(suffix);
    }
    match private_suffix(host) {
        // The list has some services as `*.replit.dev`: every name under them is a suffix, and a customer's.
        Some(suffix) if suffix == host => {
            host.split_once('.').map(|(_, parent)| parent).filter(|parent| is_wildcard_base(parent)).or(Some(host))
        }
        Some(suffix) => Some(suffix),
        None => is_wildcard_base(host).then_some(host),
    }
}

fn private_suffix(host: &str) -> Option<&str> {
    let suffix = psl::suffix(host.as_bytes()).filter(|suffix| suffix.typ() == Some(psl::Type::Private))?;
    std::str::from_utf8(suffix.as_bytes()).ok()
}

/// Whether any name directly under this one is a public suffix.
fn is_wildcard_base(host: &str) -> bool {
    let any = format!("any-name-at-all.{host}");
    private_suffix(&any).is_some_and(|suffix| suffix == any)
}

/// Whether the host, as it stands in a serialised origin, is an IP address.
pub(super) fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()
}
