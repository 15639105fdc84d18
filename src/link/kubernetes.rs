//! Services of Kubernetes manifests: which folder of the project the pods behind a name are built from.

use std::path::{Path, PathBuf};

use super::Surroundings;
use super::compose::Service;
use crate::syntax::data::{Data, yaml};

/// How many manifests are read.
const MOST_FILES: usize = 256;

/// Names and values, as manifests give them to what they select.
type Labels = Vec<(String, String)>;

/// Ports of a service, each with that of its pods.
type Ports = Vec<(u16, u16)>;

/// What pods are: how they are selected, and the names of their images and of themselves.
struct Pods {
    labels: Labels,
    names: Vec<String>,
}

/// The services of the tree's manifests, by their names, with the folder of that name in which their image is built, where
/// there is one.
pub(super) fn services(around: &Surroundings<'_>) -> Vec<Service> {
    let mut found: Vec<(String, Labels, Ports)> = Vec::new();
    let mut pods: Vec<Pods> = Vec::new();
    for path in (around.find)("*.y*ml").into_iter().take(MOST_FILES) {
        let Ok(file) = around.sources.load(&path) else { continue };
        if !file.text.contains("kind:") || !file.text.contains("apiVersion:") {
            continue;
        }
        for document in yaml(file.id, &file.text).unwrap_or_default() {
            let name = document.at(&["metadata", "name"]).and_then(Data::as_str).unwrap_or_default().to_owned();
            match document.get("kind").and_then(Data::as_str) {
                Some("Service") => {
                    found.push((
                        name,
                        labels(document.at(&["spec", "selector"])),
                        ports(document.at(&["spec", "ports"])),
                    ));
                }
                Some("Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") => {
                    let Some(template) = document.at(&["spec", "template"]) else { continue };
                    let containers = template.at(&["spec", "containers"]).map(Data::items).unwrap_or_default();
                    let images = containers.iter().filter_map(|one| one.get("image")?.as_str()).map(image_name);
                    let names = images.chain([name]).collect();
                    pods.push(Pods { labels: labels(template.at(&["metadata", "labels"])), names });
                }
                _ => {}
            }
        }
    }
    if found.is_empty() {
        return Vec::new();
    }
    let built = (around.find)("Dockerfile");
    let folder_named = |name: &str| -> Option<&Path> {
        let mut folders = built.iter().filter_map(|file| file.parent());
        folders.find(|folder| folder.file_name().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    };
    let services = found.into_iter().map(|(name, selector, published)| {
        let selected =
            pods.iter().filter(|pods| !selector.is_empty() && selector.iter().all(|label| pods.labels.contains(label)));
        let names = selected.flat_map(|pods| pods.names.iter().cloned()).chain([name.clone()]);
        let folders: Vec<PathBuf> = names.filter_map(|name| folder_named(&name).map(Path::to_owned)).take(1).collect();
        Service { names: vec![name.to_ascii_lowercase()], folders, published, ..Service::default() }
    });
    services.collect()
}

/// The ports of a service, each with that of its pods.
fn ports(data: Option<&Data>) -> Ports {
    let number = |data: &Data| data.as_number().map(|number| number as u16);
    let items = data.map(Data::items).unwrap_or_default().iter();
    items
        .filter_map(|one| {
            let port = number(one.get("port")?)?;
            // Without a target it is the same; a target with a name is that of the pods.
            match one.get("targetPort") {
                Some(target) => Some((port, number(target)?)),
                None => Some((port, port)),
            }
        })
        .collect()
}

fn labels(data: Option<&Data>) -> Labels {
    let entries = data.map(Data::entries).unwrap_or_default();
    entries.iter().filter_map(|(name, _, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// `api` of `registry.example.com/shop/api:1.2`.
fn image_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split([':', '@']).next().unwrap_or(last).to_owned()
}
