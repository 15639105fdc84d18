//! Hostile origins: what a test of origins lets in though its author did not mean it.
//!
//! What the author meant is read from what he spelt out ([`Meant`]). Then an origin is looked for that the test accepts
//! and that belongs to somebody else: first among the well-known ways to fool such tests, which make readable
//! examples, then by a search of the product of the automata (the test, the grammar of origins, the complement of what
//! was meant), which finds what is there. Every origin found is held against the real test before it is returned.

mod meant;
mod search;
mod spelt;

pub use meant::Meant;

use super::origin::Origin;
use super::string_test::StringTest;
use super::suffix;
use meant::MeantHost;
pub use search::Effort;
use search::Search;

/// A test of a request's origin, put together from tests of strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginTest {
    /// A test of the origin as it was sent.
    Origin(StringTest),
    /// A test of the origin's host alone (`new URL(origin).hostname`, `urlparse(origin).hostname`).
    Host(StringTest),
    /// Every one holds.
    All(Vec<OriginTest>),
    /// At least one holds.
    Any(Vec<OriginTest>),
    /// It does not hold.
    Not(Box<OriginTest>),
}

impl From<StringTest> for OriginTest {
    fn from(test: StringTest) -> OriginTest {
        OriginTest::Origin(test)
    }
}

impl From<&StringTest> for OriginTest {
    fn from(test: &StringTest) -> OriginTest {
        OriginTest::Origin(test.clone())
    }
}

impl From<&OriginTest> for OriginTest {
    fn from(test: &OriginTest) -> OriginTest {
        test.clone()
    }
}

impl OriginTest {
    /// Whether an origin passes; `None` when that cannot be decided.
    pub fn matches(&self, origin: &str) -> Option<bool> {
        match self {
            OriginTest::Origin(test) => test.matches(origin),
            OriginTest::Host(test) => Origin::parse(origin).map_or(Some(false), |origin| test.matches(origin.host())),
            OriginTest::All(tests) => Self::fold(tests, origin, false),
            OriginTest::Any(tests) => Self::fold(tests, origin, true),
            OriginTest::Not(test) => test.matches(origin).map(|passes| !passes),
        }
    }

    /// How large the automata of its patterns are together, in steps: making one is what asking it first costs.
    fn size(&self) -> usize {
        match self {
            OriginTest::Origin(StringTest::Matches(pattern)) | OriginTest::Host(StringTest::Matches(pattern)) => {
                pattern.size()
            }
            OriginTest::Origin(_) | OriginTest::Host(_) => 1,
            OriginTest::All(tests) | OriginTest::Any(tests) => tests.iter().map(OriginTest::size).sum(),
            OriginTest::Not(test) => test.size(),
        }
    }

    /// The outcome that one test alone can force, else the other one, else undecided.
    fn fold(tests: &[OriginTest], origin: &str, forcing: bool) -> Option<bool> {
        let mut outcome = Some(!forcing);
        for test in tests {
            match test.matches(origin) {
                Some(passes) if passes == forcing => return Some(forcing),
                Some(_) => {}
                None => outcome = None,
            }
        }
        outcome
    }
}

/// An origin that a test accepts and its author did not mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The origin, as a browser would send it.
    pub origin: String,
    /// In what way it slips through.
    pub why: WitnessKind,
}

/// In what way an origin slips through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WitnessKind {
    /// The host goes on after the end of what was meant: `https://app.example.com.evil.net`.
    PrefixExtended,
    /// The host has more letters before what was meant, without a dot between: `https://evilexample.com`.
    NameExtended,
    /// Another letter stands where a dot was meant: `https://appxexample.com`.
    LookalikeDot,
    /// Some other domain.
    OtherRegistrableDomain,
    /// The host is the one meant, on a port that was not meant. Whoever has the host has the port, so this is no hole
    /// by itself.
    OtherPort,
}

impl WitnessKind {
    /// Whether the origin can be a stranger's.
    pub fn is_other_domain(self) -> bool {
        self != WitnessKind::OtherPort
    }

    /// A clause that says how the origin gets through: lower case, without a full stop.
    pub fn describe(self) -> &'static str {
        match self {
            WitnessKind::PrefixExtended => "nothing says that the host must end there",
            WitnessKind::NameExtended => "nothing says that a dot must come before the name",
            WitnessKind::LookalikeDot => "an unescaped dot stands for any character",
            WitnessKind::OtherRegistrableDomain => "it is under another registrable domain",
            WitnessKind::OtherPort => "nothing says that the port must end there",
        }
    }
}

/// A search that was given up: the test is too large for it or to read from it what was meant, or the searches before it
/// took all the [`Effort`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenUp;

/// Looks for an origin that the test accepts and that lies outside of what was meant; `None` when there is none.
///
/// # Errors
/// [`GivenUp`], when there may be one.
pub fn find_witness(
    test: impl Into<OriginTest>,
    meant: &Meant,
    effort: &mut Effort,
) -> Result<Option<Witness>, GivenUp> {
    let test = test.into();
    if !meant.is_complete() {
        return Err(GivenUp);
    }
    effort.make(test.size())?;
    let is_witness = |origin: &str| {
        test.matches(origin) == Some(true)
            && Origin::parse(origin).is_ok_and(|origin| suffix::is_registrable(origin.host()) && !meant.covers(&origin))
    };
    let known = parts(&test).into_iter().chain(candidates(meant)).find(|origin| is_witness(origin));
    let found = match known {
        Some(origin) => Some(origin),
        None => Search::new(&test, meant, effort)?.find(&is_witness)?,
    };
    if let Some(origin) = found {
        let why = classify(&origin, meant);
        return Ok(Some(Witness { origin, why }));
    }
    // A port that goes on: `https://app.example.com:3000` as the beginning of `…:30001`.
    let origin = meant
        .ports()
        .flat_map(|origin| ('0'..='9').map(move |digit| format!("{origin}{digit}")))
        .find(|origin| Origin::parse(origin).is_ok() && test.matches(origin) == Some(true));
    Ok(origin.map(|origin| Witness { origin, why: WitnessKind::OtherPort }))
}

/// Beginnings of the origins in a text that is searched for the caller's: `https://app.example.co` is a part of
/// `https://app.example.com`.
fn parts(test: &OriginTest) -> Vec<String> {
    match test {
        OriginTest::Origin(StringTest::PartOf(text)) => text
            .split([',', ' ', ';', '|'])
            .take(64)
            .flat_map(|part| (10..part.len()).rev().filter_map(|end| part.get(..end).map(str::to_owned)))
            .collect(),
        OriginTest::All(tests) | OriginTest::Any(tests) => tests.iter().flat_map(parts).collect(),
        _ => Vec::new(),
    }
}

/// The well-known ways around a test that is meant to let in these hosts.
fn candidates(meant: &Meant) -> Vec<String> {
    let mut hosts = Vec::new();
    for spelt in meant.hosts() {
        let host = spelt.name();
        if let MeantHost::Addresses { prefix } = spelt {
            // As many octets as an address has, then more.
            let octets = prefix.matches('.').count();
            hosts.push(format!("{prefix}{}evil.net", "1.".repeat(4usize.saturating_sub(octets))));
        }
        hosts.push(format!("{host}.evil.net"));
        hosts.push(format!("evil{host}"));
        for (at, _) in host.match_indices('.') {
            let (before, after) = (host.get(..at).unwrap_or_default(), host.get(at + 1..).unwrap_or_default());
            hosts.push(format!("{before}x{after}"));
        }
        hosts.extend([
            format!("evilx{host}"),
            format!("evil-{host}"),
            format!("www.evil{host}"),
            format!("{host}evil.net"),
            format!("{host}-evil.net"),
            format!("app.{host}.evil.net"),
            format!("evil.{host}.evil.net"),
        ]);
    }
    for label in meant.labels() {
        hosts.extend(["{}.evil.net", "{}evil.net", "{}-evil.net", "{}.net"].map(|way| way.replace("{}", label)));
    }
    hosts.extend(["evil.net", "evil.com", "evil.example", "www.evil.net", "app.evil.net"].map(str::to_owned));
    let with = |scheme: &'static str| hosts.iter().map(move |host| format!("{scheme}://{host}"));
    with("https").chain(with("http")).chain(hosts.iter().map(|host| format!("https://{host}:8443"))).collect()
}

fn classify(origin: &str, meant: &Meant) -> WitnessKind {
    let parsed = Origin::parse(origin).ok();
    let host = parsed.as_ref().map(Origin::host).unwrap_or_default();
    let names = || meant.hosts().iter().map(MeantHost::name);
    let differs_in_dots = |name: &str| {
        let tail = host.get(host.len().saturating_sub(name.len())..).unwrap_or_default();
        tail.len() == name.len() && tail != name && tail.bytes().zip(name.bytes()).all(|(a, b)| a == b || b == b'.')
    };
    if names().any(|name| host.strip_prefix(name).is_some_and(|rest| !rest.is_empty()))
        || names().any(|name| host.contains(&format!(".{name}.")))
    {
        WitnessKind::PrefixExtended
    } else if names().any(differs_in_dots) {
        WitnessKind::LookalikeDot
    } else if let Some(before) = names().find_map(|name| host.strip_suffix(name)) {
        let dotted = meant.hosts().iter().any(|spelt| spelt.is_after_dot() && host.ends_with(spelt.name()));
        if dotted && before.len() > 1 { WitnessKind::LookalikeDot } else { WitnessKind::NameExtended }
    } else {
        WitnessKind::OtherRegistrableDomain
    }
}

/// Whether the test lets in everybody, or everybody but a few: it accepts at least three origins of strangers that have
/// nothing in common with each other. `None` when that cannot be decided.
pub fn admits_anybody(test: impl Into<OriginTest>) -> Option<bool> {
    const STRANGERS: [&str; 12] = [
        "https://evil.example",
        "https://other.test",
        "https://attacker.net",
        "https://somebody.org",
        "https://stranger.com",
        "https://visitor.io",
        "https://passerby.co.uk",
        "https://intruder.dev",
        "https://www.outsider.com",
        "https://app.newcomer.net",
        "https://unknown.com",
        "https://trespasser.net",
    ];
    let test = test.into();
    let mut accepted = 0;
    for origin in STRANGERS {
        accepted += u32::from(test.matches(origin)?);
    }
    Some(accepted >= 3)
}

/// A stranger's place on a host that many share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The shared host: `github.io`, `vercel.app`.
    pub suffix: String,
    /// An origin on it that the test accepts and that anybody could have taken.
    pub origin: String,
}

/// The shared host whose tenants the test lets in by a name that is not spelt out.
///
/// # Errors
/// [`GivenUp`], when there may be one.
pub fn find_tenant(test: impl Into<OriginTest>, effort: &mut Effort) -> Result<Option<Tenant>, GivenUp> {
    let test = test.into();
    let meant = Meant::of(&test);
    let suffixes: Vec<String> = meant.hosts().iter().flat_map(shared_hosts).collect();
    if !suffixes.is_empty() {
        effort.make(test.size())?;
    }
    for suffix in suffixes {
        let is_tenant = |origin: &str| {
            test.matches(origin) == Some(true)
                && Origin::parse(origin).is_ok_and(|origin| is_for_the_taking(&origin, &suffix))
        };
        let names = ["evil", "evil-app", "app.evil"].map(str::to_owned);
        let hosts: Vec<String> = meant
            .labels()
            .map(|label| format!("{label}evil"))
            .chain(names)
            .map(|name| format!("{name}.{suffix}"))
            .collect();
        let mut known =
            ["https", "http"].iter().flat_map(|scheme| hosts.iter().map(move |host| format!("{scheme}://{host}")));
        let found = match known.find(|origin| is_tenant(origin)) {
            Some(origin) => Some(origin),
            None => Search::under(&test, &suffix, effort)?.find(&is_tenant)?,
        };
        if let Some(origin) = found {
            return Ok(Some(Tenant { suffix, origin }));
        }
    }
    Ok(None)
}

/// The shared hosts that a spelt name is, or has directly under it (`up.railway.app`).
fn shared_hosts(spelt: &MeantHost) -> Vec<String> {
    const BELOW: [&str; 8] = ["up", "a", "app", "apps", "dev", "web", "pages", "preview"];
    match spelt {
        MeantHost::Tenants { suffix, .. } => vec![suffix.clone()],
        MeantHost::Site { name, site, .. } if name == site && suffix::shared_host(name).is_none() => {
            let below = BELOW.iter().map(|label| format!("{label}.{name}"));
            below.filter(|host| suffix::shared_host(host) == Some(host)).collect()
        }
        MeantHost::Site { .. } | MeantHost::Name { .. } | MeantHost::Addresses { .. } => Vec::new(),
    }
}

/// Whether anybody could have taken this place on a shared host.
fn is_for_the_taking(origin: &Origin, suffix: &str) -> bool {
    // Netlify keeps `<deploy>--<site>` for the owner of the site (docs.netlify.com, automatic deploy subdomains).
    let kept = suffix == "netlify.app" && origin.host().split('.').next().is_some_and(|label| label.contains("--"));
    let under = |tenant: &str| tenant.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    origin.public_suffix_tenant().is_some_and(under) && !kept
}

#[cfg(test)]
mod tests;
