//! Servers that hand requests on to each other.

use rustc_hash::FxHashMap;

use super::{Behind, Environment, Server, Session};
use crate::source::Span;

/// The servers of a run, and which stands behind which.
#[derive(Debug, Default)]
pub struct Project {
    /// The servers, in the order of their places.
    pub servers: Vec<Server>,
    /// Which hand-over leads to which of them.
    pub links: Vec<Link>,
    /// Origins, or patterns as `https://*.example.com`, that the configuration trusts; `None` where it says nothing.
    pub trusted: Option<Vec<String>>,
}

/// A hand-over that leads to a server of the same project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The server that hands on, by its index.
    pub from: usize,
    /// The place of the effect that does.
    pub at: Span,
    /// The server behind, by its index.
    pub to: usize,
    /// How it is known.
    pub known_by: KnownBy,
}

/// How it is known what stands behind a hand-over, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KnownBy {
    /// `corslint.toml` says so.
    Configured,
    /// The address names a service of a compose file, whose folder the server lies in.
    ServiceName,
    /// The address has the port on which no other server listens.
    Port,
}

impl KnownBy {
    /// In words, as the end of "hands on to this server, …".
    pub fn words(self) -> &'static str {
        match self {
            KnownBy::Configured => "as corslint.toml says",
            KnownBy::ServiceName => "by the name of its service",
            KnownBy::Port => "by its port",
        }
    }
}

impl Project {
    /// What stands behind each hand-over.
    pub fn behind(&self) -> FxHashMap<Span, Behind<'_>> {
        let behind = self.links.iter().filter_map(|link| Some((link.at, Behind::Server(self.servers.get(link.to)?))));
        behind.collect()
    }

    /// One of its servers, not asked yet, with those that stand behind it.
    pub fn session(&self, index: usize, environment: Environment) -> Option<Session<'_>> {
        let server = self.servers.get(index)?;
        Some(self.linked(Session::new(server, environment)))
    }

    /// A session with those servers that stand behind.
    pub fn linked<'a>(&'a self, session: Session<'a>) -> Session<'a> {
        self.behind().into_iter().fold(session, |session, (at, behind)| session.with_behind(at, behind))
    }

    /// The servers that stand behind one of its servers, at first or second hand.
    pub fn servers_behind(&self, server: &Server) -> Vec<&Server> {
        let index = |server: &Server| self.servers.iter().position(|other| std::ptr::eq(other, server));
        let mut open: Vec<usize> = index(server).into_iter().collect();
        let mut known = open.clone();
        while let Some(from) = open.pop() {
            for link in self.links.iter().filter(|link| link.from == from) {
                if !known.contains(&link.to) {
                    known.push(link.to);
                    open.push(link.to);
                }
            }
        }
        known.iter().skip(1).filter_map(|index| self.servers.get(*index)).collect()
    }

    /// The link of the hand-over at a place.
    pub fn link_at(&self, at: Span) -> Option<&Link> {
        self.links.iter().find(|link| link.at == at)
    }
}
