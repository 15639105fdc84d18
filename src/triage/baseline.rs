//! The baseline: findings that are known and do not count, by fingerprint.

use std::path::Path;

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::finding::{Fingerprint, Known, Reported};
use crate::source::SourceSet;

/// The findings of an earlier run.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    entries: Vec<Known>,
    fingerprints: FxHashSet<String>,
}

/// As it stands in its file. There are no line numbers in it: it changes when findings do, and not when lines move.
#[derive(Deserialize, Serialize)]
struct File {
    version: u32,
    findings: Vec<Known>,
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// Why the file is none, as a sentence without its name.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
        Self::parse(&text)
    }

    /// Reads the text of a baseline.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|error| format!("is no baseline of corslint: {error}"))?;
        if file.version != 1 {
            return Err(format!("is a baseline of version {}; this corslint reads version 1", file.version));
        }
        let fingerprints = file.findings.iter().map(|known| known.fingerprint.clone()).collect();
        Ok(Self { entries: file.findings, fingerprints })
    }

    /// Whether it holds a finding.
    pub fn holds(&self, fingerprint: &Fingerprint) -> bool {
        self.fingerprints.contains(fingerprint.as_str())
    }

    /// Its entries that are none of `seen`, the findings of a run with these settings, and that the run would have seen:
    /// of rules that ran, in files that were asked for.
    pub fn gone<'a>(&self, seen: impl Iterator<Item = &'a Fingerprint>, settings: &Settings) -> Vec<Known> {
        let seen: FxHashSet<&str> = seen.map(Fingerprint::as_str).collect();
        let gone = self.entries.iter().filter(|known| !seen.contains(known.fingerprint.as_str()));
        gone.filter(|known| settings.runs(&known.rule) && settings.asks_for(&known.path)).cloned().collect()
    }

    /// The text of a baseline that holds `findings`, and what this one has that a run with these settings does not see.
    pub fn renewed<'a>(
        &self,
        findings: impl Iterator<Item = &'a Reported>,
        settings: &Settings,
        sources: &SourceSet,
    ) -> String {
        let mut entries: Vec<_> = findings
            .map(|reported| Known {
                fingerprint: reported.fingerprint.to_string(),
                rule: reported.finding.rule.to_owned(),
                path: settings.name_in_project(&sources.get(reported.finding.primary.span.file).path),
                message: reported.finding.message.clone(),
            })
            .collect();
        let unseen = self.entries.iter().filter(|known| !settings.runs(&known.rule) || !settings.asks_for(&known.path));
        entries.extend(unseen.cloned());
        let order = |known: &Known| {
            let Known { path, rule, message, fingerprint } = known.clone();
            (path, rule, message, fingerprint)
        };
        entries.sort_by_cached_key(order);
        entries.dedup_by(|a, b| a.fingerprint == b.fingerprint);
        // Serializing texts and numbers cannot fail.
        serde_json::to_string_pretty(&File { version: 1, findings: entries }).unwrap_or_default() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Essence, fingerprint};

    #[test]
    fn what_is_no_baseline_is_refused() {
        assert!(Baseline::parse("[]").unwrap_err().starts_with("is no baseline of corslint"));
        assert!(Baseline::parse(r#"{"version": 2, "findings": []}"#).unwrap_err().contains("version 2"));
    }

    #[test]
    fn it_holds_what_it_names() {
        let named = |ordinal| fingerprint(Essence { rule: "r", file: "a.js", text: "x", within: &[] }, ordinal);
        let known = named(0);
        let text =
            format!(r#"{{"version": 1, "findings": [{{"fingerprint": "{known}", "rule": "r", "path": "a.js"}}]}}"#);
        let baseline = Baseline::parse(&text).unwrap();
        assert!(baseline.holds(&known));
        assert!(!baseline.holds(&named(1)));
    }
}
