//! What the author of a test meant to let in, as far as he spelt it out.

use super::OriginTest;
use super::spelt::{self, Item, Reading};
use crate::cors::origin::Origin;
use crate::cors::suffix;

/// The hosts that a test was meant to let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    hosts: Vec<MeantHost>,
    /// Labels that a host begins with, where nothing more is spelt (`https://app.`).
    labels: Vec<String>,
    /// Origins with a port behind which the test says nothing more.
    ports: Vec<String>,
    complete: bool,
}

/// One host, or all under one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum MeantHost {
    /// A host that somebody owns; everything under the same registrable domain is his.
    Site { name: String, site: String, after_dot: bool },
    /// A name that is no domain of the web: `localhost`, `intranet`, an address.
    Name { name: String },
    /// Every tenant of a shared host.
    Tenants { suffix: String, after_dot: bool },
    /// The addresses that begin like this.
    Addresses { prefix: String },
}

impl MeantHost {
    /// The host as it was spelt.
    pub(super) fn name(&self) -> &str {
        match self {
            MeantHost::Site { name, .. } | MeantHost::Name { name } => name,
            MeantHost::Tenants { suffix, .. } => suffix,
            MeantHost::Addresses { prefix } => prefix.trim_end_matches('.'),
        }
    }

    /// Whether an unescaped dot was spelt before the name.
    pub(super) fn is_after_dot(&self) -> bool {
        matches!(self, MeantHost::Site { after_dot: true, .. } | MeantHost::Tenants { after_dot: true, .. })
    }

    fn covers(&self, host: &str) -> bool {
        let under = |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        match self {
            MeantHost::Site { site, .. } => under(site),
            MeantHost::Name { name } => under(name),
            MeantHost::Tenants { suffix, .. } => under(suffix),
            MeantHost::Addresses { prefix } => suffix::is_address(host) && host.starts_with(prefix.as_str()),
        }
    }

    /// A regular expression for the hosts covered.
    pub(super) fn expression(&self) -> String {
        let under = |name: &str| format!(r"(?:[^/:]*\.)?{}", regex_syntax::escape(name));
        match self {
            MeantHost::Site { site, .. } => under(site),
            MeantHost::Name { name } => under(name),
            MeantHost::Tenants { suffix, .. } => under(suffix),
            MeantHost::Addresses { prefix } => format!("{}[0-9.]*", regex_syntax::escape(prefix)),
        }
    }
}

impl Meant {
    /// What the author of this test meant.
    pub fn of(test: impl Into<OriginTest>) -> Meant {
        let mut meant = Meant { hosts: Vec::new(), labels: Vec::new(), ports: Vec::new(), complete: true };
        match spelt::readings(&test.into()) {
            Some(readings) => readings.iter().for_each(|reading| meant.read(reading)),
            None => meant.complete = false,
        }
        meant
    }

    /// These hosts and everything under their registrable domains.
    pub fn hosts_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Meant {
        let mut meant = Meant { hosts: Vec::new(), labels: Vec::new(), ports: Vec::new(), complete: true };
        for name in names {
            let letters = name.chars().map(|character| Item::Char(character.to_ascii_lowercase()));
            let edge = || std::iter::once(Item::Edge);
            meant.read(&edge().chain(letters).chain(edge()).collect::<Vec<_>>());
        }
        meant
    }

    /// Whether everything spelt out was read. When not, nothing can be said about what was not meant.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether no host was spelt out at all.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The hosts as they were spelt, without repeats, in the order found.
    pub fn names(&self) -> Vec<&str> {
        self.hosts.iter().map(MeantHost::name).collect()
    }

    /// Whether the origin is on a host that was meant, or belongs to the owner of one.
    pub fn covers(&self, origin: &Origin) -> bool {
        self.hosts.iter().any(|spelt| spelt.covers(origin.host()))
    }

    pub(super) fn hosts(&self) -> &[MeantHost] {
        &self.hosts
    }

    pub(super) fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(String::as_str)
    }

    pub(super) fn ports(&self) -> impl Iterator<Item = &str> {
        self.ports.iter().map(String::as_str)
    }

    /// Takes in one way through a test.
    fn read(&mut self, reading: &Reading) {
        let authority = authority(reading);
        let end = authority.iter().position(|item| matches!(item, Item::Char('/' | '?' | '#' | ':')));
        let host = authority.get(..end.unwrap_or(authority.len())).unwrap_or_default();
        self.read_port(reading, host, authority.get(end.unwrap_or(authority.len())..).unwrap_or_default());
        let mut start = 0;
        while start < host.len() {
            if !is_letter(host.get(start)) {
                start += 1;
                continue;
            }
            let length = host.get(start..).unwrap_or_default().iter().take_while(|item| is_letter(Some(item))).count();
            let run = Run {
                items: host.get(start..start + length).unwrap_or_default(),
                starts: start == 0 && authority.len() < reading.len()
                    || host.get(start.wrapping_sub(1)) == Some(&Item::Edge),
                ends: match host.get(start + length) {
                    Some(item) => *item == Item::Edge,
                    None => end.is_some(),
                },
                last: start + length + 1 >= host.len(),
            };
            self.read_run(&run);
            start += length;
        }
    }

    fn read_run(&mut self, run: &Run) {
        let first_dot = run.items.first() == Some(&Item::Dot);
        let text: String =
            run.items.iter().map(|item| if let Item::Char(character) = item { *character } else { '.' }).collect();
        let leading_dot = text.starts_with('.');
        let mut name = text.trim_start_matches('.');
        if !run.starts && !leading_dot && name.starts_with('-') {
            // The end of a label that begins with something else.
            name = name.split_once('.').map_or("", |(_, rest)| rest);
        }
        let open_label = name.ends_with('.');
        let name = name.trim_end_matches('.');
        if name.is_empty() {
            return;
        }
        if suffix::is_address(name) && (run.ends || open_label || run.last) {
            self.add(MeantHost::Name { name: name.to_owned() });
            return;
        }
        if run.starts && open_label && name.split('.').all(|label| label.parse::<u8>().is_ok()) {
            self.add(MeantHost::Addresses { prefix: format!("{name}.") });
            return;
        }
        if open_label && !run.items.ends_with(&[Item::Dot]) {
            if run.starts {
                self.labels.push(name.to_owned());
            }
            return;
        }
        let after_dot = first_dot;
        if !name.contains('.') {
            if name == "localhost" || run.starts && (run.ends || run.last) {
                self.add(MeantHost::Name { name: name.to_owned() });
            } else if run.starts {
                self.labels.push(name.to_owned());
            }
        } else if let Some(shared) = suffix::shared_host(name).filter(|shared| *shared == name) {
            if !run.starts || leading_dot {
                self.add(MeantHost::Tenants { suffix: shared.to_owned(), after_dot });
            }
        } else if !suffix::is_public_suffix(name)
            && let Some(site) = suffix::registrable_domain(name)
            && (suffix::is_registrable(name) || run.ends || run.last)
        {
            self.add(MeantHost::Site { name: name.to_owned(), site: site.to_owned(), after_dot });
        } else if run.starts {
            self.labels.push(name.to_owned());
        }
    }

    fn read_port(&mut self, reading: &Reading, host: &[Item], rest: &[Item]) {
        let [Item::Char(':'), digits @ .., Item::Hole] = rest else { return };
        let starts = reading.first() == Some(&Item::Edge);
        let literal = |item: &Item| if let Item::Char(character) = item { Some(*character) } else { None };
        let digits: Option<String> = digits.iter().map(literal).collect();
        let host: Option<String> = host.iter().map(literal).collect();
        let (Some(digits), Some(host)) = (digits.filter(|digits| !digits.is_empty()), host) else { return };
        let https = reading
            .get(1..6)
            .is_some_and(|scheme| scheme.iter().zip("https".chars()).all(|(item, letter)| *item == Item::Char(letter)));
        if starts && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let scheme = if https { "https" } else { "http" };
            self.ports.push(format!("{scheme}://{host}:{digits}"));
        }
    }

    fn add(&mut self, host: MeantHost) {
        if !self.hosts.contains(&host) {
            self.hosts.push(host);
        }
    }
}

/// Letters of a host without a hole between them.
struct Run<'a> {
    items: &'a [Item],
    /// The host begins here.
    starts: bool,
    /// The host ends here.
    ends: bool,
    /// Nothing else is spelt of the host.
    last: bool,
}

fn is_letter(item: Option<&Item>) -> bool {
    match item {
        Some(Item::Char(character)) => character.is_ascii_alphanumeric() || "-._".contains(*character),
        Some(Item::Dot) => true,
        Some(Item::Hole | Item::Edge) | None => false,
    }
}

/// What follows the last `//`, or all of it.
fn authority(reading: &Reading) -> &[Item] {
    let slash = |item: &Item| *item == Item::Char('/');
    let start = reading
        .windows(2)
        .position(|pair| pair.iter().all(slash))
        .map(|at| at + 2)
        .unwrap_or_else(|| usize::from(reading.first() == Some(&Item::Edge)));
    reading.get(start..).unwrap_or_default()
}
