//! Joins between servers: which application stands behind which proxy.

mod address;
mod compose;

use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use crate::model::{EffectKind, KnownBy, Link, Project, Server, each_effect};
use crate::source::{SourceSet, Span};
use address::Address;
use compose::Services;

/// What beside the servers says which stands behind which.
pub struct Surroundings<'a> {
    /// The files that were read, and through which compose files are.
    pub sources: &'a SourceSet,
    /// Finds files of the scanned tree by their name, in which `*` and `?` may stand.
    pub find: &'a dyn Fn(&str) -> Vec<PathBuf>,
    /// A proxy's configuration and the folder (or file) of the application behind it, as `corslint.toml` says.
    pub configured: Vec<(PathBuf, PathBuf)>,
}

/// Names under which a machine means itself, or the machine that its container runs on.
const LOCAL: &[&str] =
    &["localhost", "127.0.0.1", "0.0.0.0", "[::1]", "[::]", "host.docker.internal", "host-gateway", "172.17.0.1"];

/// Joins servers into a project. Where it is not certain what stands behind a hand-over, nothing does.
pub fn join(servers: Vec<Server>, around: &Surroundings<'_>) -> Project {
    let mut hand_overs: Vec<(usize, Span, Option<Address>)> = Vec::new();
    for (index, server) in servers.iter().enumerate() {
        let mut seen: FxHashMap<Span, usize> = FxHashMap::default();
        each_effect(server, &mut |_, effect| {
            if let EffectKind::Forward(forward) = &effect.kind {
                let address = forward.address().and_then(Address::parse);
                // A hand-over may be met on several ways; where its address differs, it leads to none.
                match seen.get(&effect.span).copied() {
                    Some(at) if hand_overs[at].2 != address => hand_overs[at].2 = None,
                    Some(_) => {}
                    None => {
                        seen.insert(effect.span, hand_overs.len());
                        hand_overs.push((index, effect.span, address));
                    }
                }
            }
        });
    }
    if hand_overs.is_empty() {
        return Project { servers, ..Project::default() };
    }
    let services = Services::read(around);
    let places: Vec<PathBuf> = servers.iter().map(|server| around.sources.get(server.span.file).path.clone()).collect();
    let mut links = Vec::new();
    for (from, at, address) in hand_overs {
        let found = configured(&servers, from, &places, around)
            .map(|to| (to, KnownBy::Configured))
            .or_else(|| {
                by_name(&servers, from, &places, address.as_ref()?, &services).map(|to| (to, KnownBy::ServiceName))
            })
            .or_else(|| by_port(&servers, from, &places, address.as_ref()?, &services).map(|to| (to, KnownBy::Port)));
        if let Some((to, known_by)) = found {
            links.push(Link { from, at, to, known_by });
        }
    }
    Project { servers, links, trusted: None }
}

/// The one server of some that could stand behind; nothing where several could.
fn only(mut candidates: impl Iterator<Item = usize>) -> Option<usize> {
    let first = candidates.next()?;
    candidates.next().is_none().then_some(first)
}

fn configured(servers: &[Server], from: usize, places: &[PathBuf], around: &Surroundings<'_>) -> Option<usize> {
    let files: Vec<PathBuf> = servers[from].files.iter().map(|file| around.sources.get(*file).path.clone()).collect();
    let mut targets = around.configured.iter().filter(|(proxy, _)| files.iter().any(|file| file.starts_with(proxy)));
    let (_, target) = targets.next()?;
    let below = |index: &usize| *index != from && servers[*index].complete && places[*index].starts_with(target);
    only((0..servers.len()).filter(below))
}

fn by_name(
    servers: &[Server],
    from: usize,
    places: &[PathBuf],
    address: &Address,
    services: &Services,
) -> Option<usize> {
    let service = services.get(&address.host)?;
    let inside = |index: &usize| {
        *index != from
            && servers[*index].complete
            && service.folders.iter().any(|folder| places[*index].starts_with(folder))
    };
    let candidates: Vec<usize> = (0..servers.len()).filter(inside).collect();
    let on_port = candidates.iter().copied().filter(|&index| listens(&servers[index], address.port));
    only(on_port).or_else(|| {
        // A folder in a folder belongs to a service of its own, where the inner one has one.
        let nested = |index: &usize| {
            services.others(&address.host).any(|other| {
                other.folders.iter().any(|folder| {
                    places[*index].starts_with(folder)
                        && service.folders.iter().all(|own| folder.starts_with(own) && folder != own)
                })
            })
        };
        only(candidates.iter().copied().filter(|index| !nested(index)))
    })
}

fn by_port(
    servers: &[Server],
    from: usize,
    places: &[PathBuf],
    address: &Address,
    services: &Services,
) -> Option<usize> {
    // A service that is somebody else's image is none of the servers.
    if services.get(&address.host).is_some() || (!LOCAL.contains(&address.host.as_str()) && address.host.contains('.'))
    {
        return None;
    }
    address.port?;
    let fits = |index: &usize| *index != from && servers[*index].complete && listens(&servers[*index], address.port);
    let all: Vec<usize> = (0..servers.len()).filter(fits).collect();
    only(all.iter().copied()).or_else(|| {
        // Of several the one whose folder is nearest, as in a repository of examples.
        let near = |index: usize| common(&places[index], &places[from]);
        let best = all.iter().copied().map(near).max()?;
        only(all.iter().copied().filter(|&index| near(index) == best))
    })
}

fn common(one: &Path, other: &Path) -> usize {
    one.components().zip(other.components()).take_while(|(one, other)| one == other).count()
}

fn listens(server: &Server, port: Option<u16>) -> bool {
    port.is_some() && server.listens.iter().any(|listen| listen.port == port)
}

#[cfg(test)]
mod tests;
