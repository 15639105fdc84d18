//! `corslint init`: a commented configuration file, and what to do next.

use std::io::ErrorKind;
use std::path::Path;

use super::args::InitArgs;
use super::{Ending, Failure, Verdict, output};
use crate::config::FILE_NAME;

/// What the file holds: every key, commented out, so that nothing is set that the defaults do not set.
const TEMPLATE: &str = include_str!("init.toml");

pub(super) fn run(args: &InitArgs) -> Ending {
    let path = args.folder.join(FILE_NAME);
    if !args.folder.is_dir() {
        return Err(Failure::new(format!("there is no folder {}", args.folder.display())));
    }
    create(&path)?;
    let version = env!("CARGO_PKG_VERSION");
    output::print(&format!(
        "{path} is written; every setting in it is a comment until you change it.

To lint before each commit, add to .pre-commit-config.yaml:

  - repo: {repository}
    rev: v{version}
    hooks:
      - id: corslint

To begin on a project that has findings, freeze them, and pass the file to each run with --baseline:

  corslint --write-baseline corslint-baseline.json

To lint in GitHub Actions, with findings in the Security tab:

  permissions:
    contents: read
    security-events: write
  steps:
    - uses: actions/checkout@v4
    - uses: corslint/corslint@v{version}

{repository}/blob/main/docs/ci.md tells more, also about GitLab and others.
",
        path = path.display(),
        repository = env!("CARGO_PKG_REPOSITORY"),
    ))?;
    Ok(Verdict::Pass)
}

/// Writes the file, unless there is one.
fn create(path: &Path) -> Result<(), Failure> {
    use std::io::Write;
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::new(format!("{} exists already", path.display())).help("remove it to start over")
        }
        _ => Failure::new(format!("{} cannot be written: {error}", path.display())),
    };
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(TEMPLATE.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_template_is_right_as_it_is_and_with_every_comment_taken_off() {
        let path = Path::new("/p/corslint.toml");
        Config::parse(path, TEMPLATE).unwrap();
        let all: String = TEMPLATE
            .lines()
            .filter_map(|line| match line.strip_prefix("# ") {
                Some(setting) if setting.starts_with('[') || setting.contains(" = ") => Some(format!("{setting}\n")),
                _ => None,
            })
            .collect();
        let config = Config::parse(path, &all).unwrap();
        assert!(config.fail_on.is_some() && config.trusted.is_some() && config.nginx.is_some());
        assert!(!config.rules.is_empty() && !config.overrides.is_empty() && !config.proxies.is_empty());
        assert!(!config.client.is_empty() && !config.exclude.is_empty() && config.min_confidence.is_some());
    }
}
