//! The versions that lock files name: those of npm, Yarn, pnpm and Bun.

use std::path::Path;

use serde_json::Value as Json;

use super::Repository;

impl Repository {
    /// The version of a package that the manifest in `folder` asks for by `range`, as the nearest lock file has it: that of a
    /// workspace stands further up.
    pub(super) fn locked(&self, folder: &Path, package: &str, range: &str) -> Option<String> {
        let manifest = folder.join("package.json");
        for root in self.folders_upward(&manifest) {
            let inside = folder.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/");
            let json = |name: &str| self.manifests.json(&root.join(name));
            let text = |name: &str| self.manifests.text(&root.join(name));
            let found = if let Some(lock) = json("npm-shrinkwrap.json").or_else(|| json("package-lock.json")) {
                of_npm(&lock, &inside, package)
            } else if let Some(lock) = text("yarn.lock") {
                of_yarn(&lock, package, range)
            } else if let Some(lock) = text("pnpm-lock.yaml") {
                of_pnpm(&lock, &inside, package)
            } else if let Some(lock) = json("bun.lock") {
                let named = lock.get("packages")?.get(package)?.get(0)?.as_str()?;
                named.rsplit_once('@').map(|(_, version)| version.to_owned())
            } else {
                continue;
            };
            return found;
        }
        None
    }
}

fn of_npm(lock: &Json, inside: &str, package: &str) -> Option<String> {
    let packages = lock.get("packages");
    let by_path = |path: String| packages?.get(path);
    let own = by_path(format!("{inside}/node_modules/{package}"));
    let entry = own
        .or_else(|| by_path(format!("node_modules/{package}")))
        .or_else(|| lock.get("dependencies").and_then(|all| all.get(package)))?;
    Some(entry.get("version")?.as_str()?.to_owned())
}

/// Yarn 1 (`express@^4.18.0:`, `version "4.18.2"`) and later (`"express@npm:^4.18.0":`, `version: 4.18.2`).
fn of_yarn(lock: &str, package: &str, range: &str) -> Option<String> {
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        let Some(keys) = line.strip_suffix(':').filter(|keys| !keys.starts_with([' ', '#'])) else { continue };
        let mut asked = keys.split(", ").filter_map(|key| {
            let range = key.trim_matches('"').strip_prefix(package)?.strip_prefix('@')?;
            Some(range.strip_prefix("npm:").unwrap_or(range))
        });
        if asked.any(|asked| asked == range.strip_prefix("npm:").unwrap_or(range)) {
            let version = lines.next()?.trim().strip_prefix("version")?;
            return Some(version.trim_matches([':', ' ', '"']).to_owned());
        }
    }
    None
}

/// pnpm: the manifests by their folders under `importers`, with name and version six and eight blanks deep; or, where there
/// is but one manifest, two and four.
fn of_pnpm(lock: &str, inside: &str, package: &str) -> Option<String> {
    let inside = if inside.is_empty() { "." } else { inside };
    let key = |line: &str| line.trim().strip_suffix(':').map(|key| key.trim_matches(['\'', '"']).to_owned());
    let depth = |line: &str| line.len() - line.trim_start().len();
    let several = lock.lines().any(|line| line == "importers:");
    let at = if several { 6 } else { 2 };
    let (mut section, mut here, mut named) = (String::new(), !several, false);
    for line in lock.lines().filter(|line| !line.trim().is_empty()) {
        match depth(line) {
            0 => section = key(line).unwrap_or_default(),
            2 if several => here = section == "importers" && key(line).is_some_and(|key| key == inside),
            _ => {}
        }
        let wanted = match several {
            true => section == "importers",
            false => section == "dependencies" || section == "devDependencies",
        };
        if !wanted || !here {
            continue;
        }
        let given = if depth(line) == at {
            named = key(line).is_some_and(|key| key == package);
            // `express: 4.18.2`
            line.trim().strip_prefix(package).and_then(|rest| rest.strip_prefix(": "))
        } else if named && depth(line) == at + 2 {
            line.trim().strip_prefix("version: ")
        } else {
            None
        };
        if let Some(version) = given {
            // What it was built with stands behind it: `4.18.2(supports-color@8.1.1)`, `4.18.2_supports-color@8.1.1`.
            let version = version.split(['(', '_']).next().unwrap_or(version);
            return Some(version.trim_matches(['\'', '"']).to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_lock_files_of_yarn() {
        let old = "# yarn lockfile v1\n\n\nexpress-x@^4.0.0:\n  version \"1.0.0\"\n\nexpress@^4.17.1, express@^4.18.0:\n  \
                   version \"4.18.2\"\n  resolved \"…\"\n";
        assert_eq!(of_yarn(old, "express", "^4.18.0").as_deref(), Some("4.18.2"));
        assert_eq!(of_yarn(old, "express", "^5.0.0"), None);
        let new = "__metadata:\n  version: 8\n\n\"express@npm:^4.17.1, express@npm:^5.0.0\":\n  version: 5.1.0\n";
        assert_eq!(of_yarn(new, "express", "^5.0.0").as_deref(), Some("5.1.0"));
    }

    #[test]
    fn reads_the_lock_files_of_pnpm() {
        let many = "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n\n  packages/api:\n    dependencies:\n      express:\n        \
                    specifier: ^4.18.0\n        version: 4.18.2(supports-color@8.1.1)\n\n  packages/web:\n    dependencies:\n      \
                    express:\n        specifier: ^5.0.0\n        version: 5.1.0\n\npackages:\n\n  express@4.18.2:\n    x: y\n";
        assert_eq!(of_pnpm(many, "packages/api", "express").as_deref(), Some("4.18.2"));
        assert_eq!(of_pnpm(many, "packages/web", "express").as_deref(), Some("5.1.0"));
        assert_eq!(of_pnpm(many, "", "express"), None);
        let one = "lockfileVersion: '6.0'\n\ndependencies:\n  cors:\n    specifier: ^2.8.5\n    version: 2.8.5\n  express:\n    \
                   specifier: ^4.18.0\n    version: 4.18.2\n";
        assert_eq!(of_pnpm(one, "", "express").as_deref(), Some("4.18.2"));
        let old = "lockfileVersion: 5.4\n\nspecifiers:\n  express: ^4.18.0\n\ndependencies:\n  express: 4.18.2\n";
        assert_eq!(of_pnpm(old, "", "express").as_deref(), Some("4.18.2"));
    }

    #[test]
    fn reads_the_lock_files_of_npm() {
        let lock: Json = serde_json::json!({"packages": {
            "node_modules/express": {"version": "5.1.0"},
            "packages/api/node_modules/express": {"version": "4.18.2"},
        }});
        assert_eq!(of_npm(&lock, "packages/api", "express").as_deref(), Some("4.18.2"));
        assert_eq!(of_npm(&lock, "packages/web", "express").as_deref(), Some("5.1.0"));
    }
}
