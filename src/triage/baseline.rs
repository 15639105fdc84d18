//! The baseline: findings that are known and do not count, by fingerprint.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::finding::{Fingerprint, Reported};
use crate::source::SourceSet;

/// The findings of an earlier run.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    fingerprints: BTreeSet<String>,
}

/// As it stands in its file. There are no line numbers in it: it changes when findings do, and not when lines move.
#[derive(Deserialize, Serialize)]
struct File {
    version: u32,
    findings: Vec<Entry>,
}

#[derive(Deserialize, Serialize)]
struct Entry {
    fingerprint: String,
    rule: String,
    path: String,
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
        Ok(Self { fingerprints: file.findings.into_iter().map(|entry| entry.fingerprint).collect() })
    }

    /// Whether it holds a finding.
    pub fn holds(&self, fingerprint: &Fingerprint) -> bool {
        self.fingerprints.contains(fingerprint.as_str())
    }

    /// The text of a baseline that holds these findings.
    pub fn text<'a>(findings: impl Iterator<Item = &'a Reported>, sources: &SourceSet) -> String {
        let mut findings: Vec<_> = findings
            .map(|reported| Entry {
                fingerprint: reported.fingerprint.to_string(),
                rule: reported.finding.rule.to_owned(),
                path: sources.get(reported.finding.primary.span.file).name.clone(),
            })
            .collect();
        findings.sort_by(|a, b| (&a.path, &a.rule, &a.fingerprint).cmp(&(&b.path, &b.rule, &b.fingerprint)));
        // Serializing texts and numbers cannot fail.
        serde_json::to_string_pretty(&File { version: 1, findings }).unwrap_or_default() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::fingerprint;

    #[test]
    fn what_is_no_baseline_is_refused() {
        assert!(Baseline::parse("[]").unwrap_err().starts_with("is no baseline of corslint"));
        assert!(Baseline::parse(r#"{"version": 2, "findings": []}"#).unwrap_err().contains("version 2"));
    }

    #[test]
    fn it_holds_what_it_names() {
        let known = fingerprint("r", "a.js", "x", 0);
        let text =
            format!(r#"{{"version": 1, "findings": [{{"fingerprint": "{known}", "rule": "r", "path": "a.js"}}]}}"#);
        let baseline = Baseline::parse(&text).unwrap();
        assert!(baseline.holds(&known));
        assert!(!baseline.holds(&fingerprint("r", "a.js", "x", 1)));
    }
}
