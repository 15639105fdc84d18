//! Joins between servers: which application stands behind which proxy.

mod address;
mod command;
mod compose;
mod image;
mod ini;
mod kubernetes;
mod settings;
mod started;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::{EffectKind, KnownBy, Link, Project, Server, each_effect};
use crate::source::{SourceSet, Span};
use address::Address;
use command::Launch;
use compose::{Service, Stacks};

/// What beside the servers says which stands behind which.
pub struct Surroundings<'a> {
    /// The files that were read, and through which compose files are.
    pub sources: &'a Arc<SourceSet>,
    /// The folder of the whole project.
    pub root: PathBuf,
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
    let mut hand_overs: Vec<(usize, Span, Vec<String>)> = Vec::new();
    for (index, server) in servers.iter().enumerate() {
        let mut seen: FxHashMap<Span, usize> = FxHashMap::default();
        each_effect(server, &mut |_, effect| {
            if let EffectKind::Forward(forward) = &effect.kind {
                let addresses = address::written(&forward.to);
                // A hand-over may be met on several ways; where its address differs, it leads to none.
                match seen.get(&effect.span).copied() {
                    Some(at) if hand_overs[at].2 != addresses => hand_overs[at].2.clear(),
                    Some(_) => {}
                    None => {
                        seen.insert(effect.span, hand_overs.len());
                        hand_overs.push((index, effect.span, addresses));
                    }
                }
            }
        });
    }
    if hand_overs.is_empty() {
        return Project { servers, ..Project::default() };
    }
    let places = servers.iter().map(|server| around.sources.get(server.span.file).path.clone()).collect();
    let joiner = Joiner {
        servers: &servers,
        places,
        around,
        stacks: Stacks::read(around),
        pods: OnceCell::new(),
        machine: OnceCell::new(),
    };
    let mut links = Vec::new();
    for (from, at, addresses) in hand_overs {
        let configured = joiner.configured(from).map(|to| (to, KnownBy::Configured));
        if let Some((to, known_by)) = configured.or_else(|| joiner.behind_all(from, &addresses)) {
            links.push(Link { from, at, to, known_by });
        }
    }
    Project { servers, links, trusted: None }
}

/// The one server of some that could stand behind; nothing where several could.
fn only(mut candidates: impl Iterator<Item = usize>) -> Option<usize> {
    let first = candidates.next()?;
    candidates.all(|other| other == first).then_some(first)
}

fn common(one: &Path, other: &Path) -> usize {
    one.components().zip(other.components()).take_while(|(one, other)| one == other).count()
}

fn listens(server: &Server, port: Option<u16>) -> bool {
    port.is_some() && server.listens.iter().any(|listen| listen.port == port)
}

struct Joiner<'a> {
    servers: &'a [Server],
    /// The files of the servers.
    places: Vec<PathBuf>,
    around: &'a Surroundings<'a>,
    stacks: Stacks,
    /// Services of Kubernetes.
    pods: OnceCell<Vec<Service>>,
    /// What is started on the machine itself.
    machine: OnceCell<Vec<Service>>,
}

impl Joiner<'_> {
    fn configured(&self, from: usize) -> Option<usize> {
        let path = |file: &crate::source::FileId| self.around.sources.get(*file).path.clone();
        let files: Vec<PathBuf> = self.servers[from].files.iter().map(path).collect();
        let mut targets =
            self.around.configured.iter().filter(|(proxy, _)| files.iter().any(|file| file.starts_with(proxy)));
        let (_, target) = targets.next()?;
        let below = |index: &usize| self.may_stand(from, *index) && self.places[*index].starts_with(target);
        only((0..self.servers.len()).filter(below))
    }

    /// Whether one server may stand behind another at all.
    fn may_stand(&self, from: usize, index: usize) -> bool {
        index != from && self.servers[index].complete
    }

    /// The one server that stands behind all of some addresses.
    fn behind_all(&self, from: usize, addresses: &[String]) -> Option<(usize, KnownBy)> {
        let behind: Vec<Option<(usize, KnownBy)>> =
            addresses.iter().map(|address| self.behind(from, address)).collect();
        let to = only(behind.iter().flatten().map(|(to, _)| *to))?;
        // A further port of a host where it is known to listen is one more process of it.
        let host = |address: &str| match Address::parse(&self.filled_in(from, address)) {
            Some(Address::Host { host, .. }) => Some(host),
            _ => None,
        };
        let known: Vec<Option<String>> =
            addresses.iter().zip(&behind).filter(|(_, behind)| behind.is_some()).map(|(one, _)| host(one)).collect();
        let mut others = addresses.iter().zip(&behind).filter(|(_, behind)| behind.is_none());
        let known_by = behind.iter().flatten().map(|(_, known_by)| *known_by).max()?;
        others.all(|(one, _)| host(one).is_some() && known.contains(&host(one))).then_some((to, known_by))
    }

    /// What stands behind an address.
    fn behind(&self, from: usize, address: &str) -> Option<(usize, KnownBy)> {
        let (host, port) = match Address::parse(&self.filled_in(from, address))? {
            Address::Host { host, port } => (host, port),
            Address::Socket(name) => return self.at_socket(from, &name).map(|to| (to, KnownBy::Port)),
        };
        let named = self.stacks.named(&host, &self.places[from]);
        if !named.is_empty() {
            // A service that is somebody else's image is none of the servers.
            let found = named.into_iter().filter_map(|service| self.started(from, service, port));
            return only(found).map(|to| (to, KnownBy::ServiceName));
        }
        let name = host.split('.').next().unwrap_or(&host);
        let is_inside = !host.contains('.') || host.ends_with(".svc") || host.ends_with(".local");
        let pods = self.pods.get_or_init(|| kubernetes::services(self.around));
        let pods: Vec<&Service> =
            pods.iter().filter(|pod| is_inside && pod.names.iter().any(|own| own == name)).collect();
        if !pods.is_empty() {
            if pods.iter().any(|pod| !pod.folders.is_empty()) {
                let found = pods.into_iter().filter_map(|pod| self.started(from, pod, None));
                return only(found).map(|to| (to, KnownBy::ServiceName));
            }
            // Where the image comes from is not said: the port on which its program listens is.
            let mut inside = pods.iter().flat_map(|pod| &pod.published).filter(|(outside, _)| Some(*outside) == port);
            let (_, inside) = inside.next()?;
            return self.at_port(from, name, *inside).map(|to| (to, KnownBy::Port));
        }
        self.at_port(from, &host, port?).map(|to| (to, KnownBy::Port))
    }

    /// An address with the variables of its environment filled in.
    fn filled_in(&self, from: usize, address: &str) -> String {
        let names = address.split('$').skip(1).map(|rest| {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            &rest[..rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len())]
        });
        let value = |name: &str| Some((name.to_owned(), self.stacks.value(name, &self.places[from])?));
        let variables: Vec<(String, String)> = names.filter_map(value).collect();
        compose::interpolated(address, &variables)
    }

    /// The server that a service starts.
    fn started(&self, from: usize, service: &Service, port: Option<u16>) -> Option<usize> {
        let inside = |index: &usize| service.folders.iter().any(|folder| self.places[*index].starts_with(folder));
        // What is started by a command is no proxy.
        let fits = |index: &usize| service.launch.is_none() || self.servers[*index].framework != "nginx";
        let candidates: Vec<usize> = (0..self.servers.len())
            .filter(|index| self.may_stand(from, *index) && fits(index))
            .filter(inside)
            .collect();
        let of = |index: usize| {
            let files = self.servers[index].files.iter().map(|file| self.around.sources.get(*file).path.clone());
            files.chain([self.places[index].clone()])
        };
        if let Some(launch) = &service.launch {
            for folder in &service.folders {
                let mut launches = started::followed(launch, folder, self.around);
                // Of the programs of a list the one that is asked.
                if launches.iter().any(|launch| port.is_some() && launch.port == port) {
                    launches.retain(|launch| launch.port == port);
                }
                let run = launches.iter().filter_map(|launch| {
                    started::entries(launch, folder, self.around).into_iter().find_map(|entry| {
                        let made_there = candidates.iter().copied().filter(|&index| self.places[index] == entry);
                        let read_there =
                            candidates.iter().copied().filter(|&index| of(index).any(|file| file == entry));
                        only(made_there).or_else(|| only(read_there))
                    })
                });
                if let Some(found) = only(run) {
                    return Some(found);
                }
            }
        }
        let on_port = candidates.iter().copied().filter(|&index| listens(&self.servers[index], port));
        let copied = |index: &usize| service.copied.iter().any(|path| self.places[*index].starts_with(path));
        // A folder in a folder belongs to a service of its own, where the inner one has one.
        let nested = |index: &usize| {
            self.stacks.all().any(|other| {
                other.folders.iter().any(|folder| {
                    self.places[*index].starts_with(folder)
                        && service.folders.iter().all(|own| folder.starts_with(own) && folder != own)
                })
            })
        };
        only(on_port)
            .or_else(|| only(candidates.iter().copied().filter(copied)))
            .or_else(|| only(candidates.iter().copied().filter(|index| !nested(index))))
    }

    /// What a service starts in the end.
    fn launches(&self, service: &Service) -> Vec<Launch> {
        let folder = service.folders.first().map_or(Path::new(""), PathBuf::as_path);
        let launch = service.launch.as_ref();
        launch.map(|launch| started::followed(launch, folder, self.around)).unwrap_or_default()
    }

    fn on_the_machine(&self) -> &[Service] {
        self.machine.get_or_init(|| started::on_the_machine(self.around))
    }

    /// The server behind a port of a machine that is the proxy's own, or whose name says nothing.
    fn at_port(&self, from: usize, host: &str, port: u16) -> Option<usize> {
        let is_local = LOCAL.contains(&host);
        if !is_local && host.contains('.') {
            return None;
        }
        if is_local {
            let published = |service: &Service| {
                service.published.iter().find(|(published, _)| *published == port).map(|(_, inside)| *inside)
            };
            let mut services = self.stacks.all().filter_map(|service| Some((service, published(service)?))).peekable();
            if services.peek().is_some() {
                return only(services.filter_map(|(service, inside)| self.started(from, service, Some(inside))));
            }
            let there = self
                .on_the_machine()
                .iter()
                .filter(|service| self.launches(service).iter().any(|launch| launch.port == Some(port)));
            let found = only(there.filter_map(|service| self.started(from, service, Some(port))));
            if found.is_some() {
                return found;
            }
        }
        // Everybody listens on the usual ports.
        let is_usual = matches!(port, 80 | 443) || !is_local;
        let fits = |index: &usize| {
            let server = &self.servers[*index];
            self.may_stand(from, *index) && listens(server, Some(port)) && !(is_usual && server.framework == "nginx")
        };
        let all: Vec<usize> = (0..self.servers.len()).filter(fits).collect();
        only(all.iter().copied()).or_else(|| {
            // Of several the one whose folder is nearest, as in a repository of examples.
            let near = |index: usize| common(&self.places[index], &self.places[from]);
            let best = all.iter().copied().map(near).max()?;
            only(all.iter().copied().filter(|&index| near(index) == best))
        })
    }

    /// The server that listens on a socket of the file system.
    fn at_socket(&self, from: usize, name: &str) -> Option<usize> {
        let services = self.stacks.all().chain(self.on_the_machine());
        let there = services
            .filter(|service| self.launches(service).iter().any(|launch| launch.socket.as_deref() == Some(name)));
        only(there.filter_map(|service| self.started(from, service, None)))
    }
}

#[cfg(test)]
mod tests;
