//! From TOML to [`Config`], with the place of every fault.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{Config, Level, Override, Proxy};
use super::keys::{KEYS, Key, NGINX, ORIGINS, OVERRIDES, PROXY};
use super::nearest;
use crate::finding::{Confidence, Severity};
use crate::rules::{find_page, pages};
use crate::source::{LineIndex, absolute, exclusions};

/// What is wrong with a configuration file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// Line and column, from 1.
    pub place: Option<(u32, u32)>,
    /// One sentence.
    pub message: String,
    /// What may be meant.
    pub help: Option<String>,
}

impl ConfigError {
    pub(super) fn unreadable(path: &Path, message: &str) -> Self {
        Self { path: path.to_owned(), place: None, message: message.to_owned(), help: None }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// A fault at a byte range of the text.
pub(super) struct Fault {
    range: Option<Range<usize>>,
    message: String,
    help: Option<String>,
}

impl Fault {
    fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self { range: Some(range), message: message.into(), help: None }
    }

    pub(super) fn at(self, path: &Path, text: &str) -> ConfigError {
        let place = self.range.map(|range| {
            let position = LineIndex::new(text).position(text, range.start as u32);
            (position.line, position.column)
        });
        ConfigError { path: path.to_owned(), place, message: self.message, help: self.help }
    }
}

type Value<'a> = Spanned<DeValue<'a>>;

/// Reads a text whose paths start from `folder`.
pub(super) fn read(folder: PathBuf, text: &str) -> Result<Config, Fault> {
    let table = DeTable::parse(text).map_err(|error| Fault {
        range: error.span(),
        message: error.message().replace('\n', ", "),
        help: None,
    })?;
    let mut config = Config { folder, ..Config::default() };
    for (key, value) in entries(table.get_ref()) {
        match key.get_ref().as_ref() {
            "fail-on" => {
                config.fail_on = Some(match text_of(value)? {
                    "never" => None,
                    severity => Some(parse::<Severity>(severity, value)?),
                });
            }
            "min-confidence" => config.min_confidence = Some(parse::<Confidence>(text_of(value)?, value)?),
            "exclude" => config.exclude = texts(value)?.into_iter().map(|(text, _)| text.to_owned()).collect(),
            "client" => {
                config.client =
                    texts(value)?.into_iter().map(|(text, _)| absolute(&config.folder, Path::new(text))).collect();
            }
            "origins" => {
                for (key, value) in entries(table_of(value)?) {
                    match key.get_ref().as_ref() {
                        "trusted" => config.trusted = Some(trusted(value)?),
                        _ => return Err(unknown(key, ORIGINS, "[origins]")),
                    }
                }
            }
            "nginx" => {
                for (key, value) in entries(table_of(value)?) {
                    match key.get_ref().as_ref() {
                        "version" => config.nginx = Some(version(value)?),
                        _ => return Err(unknown(key, NGINX, "[nginx]")),
                    }
                }
            }
            "rules" => config.rules = rules(value)?,
            "overrides" => config.overrides = tables(value)?.into_iter().map(override_of).collect::<Result<_, _>>()?,
            "proxy" => {
                let folder = config.folder.clone();
                let proxies = tables(value)?.into_iter().map(|(table, range)| proxy_of(table, range, &folder));
                config.proxies = proxies.collect::<Result<_, _>>()?;
            }
            _ => return Err(unknown(key, KEYS, "the configuration")),
        }
    }
    // The patterns are compiled where they are used; here they are only checked.
    if let Some((_, value)) = entries(table.get_ref()).find(|(key, _)| key.get_ref() == "exclude") {
        for (pattern, range) in texts(value)? {
            exclusions([pattern]).map_err(|message| Fault::new(range, message))?;
        }
    }
    Ok(config)
}

/// The entries of a table in the order of the text, so that the first fault is the one reported.
fn entries<'t, 'a>(
    table: &'t DeTable<'a>,
) -> impl Iterator<Item = (&'t Spanned<std::borrow::Cow<'a, str>>, &'t Value<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries.into_iter()
}

fn unknown(key: &Spanned<std::borrow::Cow<'_, str>>, known: &[Key], place: &str) -> Fault {
    let name = key.get_ref();
    let known = known.iter().map(|key| key.name);
    Fault {
        range: Some(key.span()),
        message: format!("{place} has no key `{name}`"),
        help: Some(match nearest(name, known.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it may have {}", known.collect::<Vec<_>>().join(", ")),
        }),
    }
}

fn wrong(value: &Value<'_>, what: &str) -> Fault {
    Fault::new(value.span(), format!("this must be {what}, not {} {}", article(value), value.get_ref().type_str()))
}

fn article(value: &Value<'_>) -> &'static str {
    if value.get_ref().type_str().starts_with(['a', 'i']) { "an" } else { "a" }
}

fn text_of<'t>(value: &'t Value<'_>) -> Result<&'t str, Fault> {
    value.get_ref().as_str().ok_or_else(|| wrong(value, "a text"))
}

fn texts<'t>(value: &'t Value<'_>) -> Result<Vec<(&'t str, Range<usize>)>, Fault> {
    let list = value.get_ref().as_array().ok_or_else(|| wrong(value, "a list of texts"))?;
    list.iter().map(|item| Ok((text_of(item)?, item.span()))).collect()
}

fn table_of<'t, 'a>(value: &'t Value<'a>) -> Result<&'t DeTable<'a>, Fault> {
    value.get_ref().as_table().ok_or_else(|| wrong(value, "a table"))
}

fn tables<'t, 'a>(value: &'t Value<'a>) -> Result<Vec<(&'t DeTable<'a>, Range<usize>)>, Fault> {
    let list = value.get_ref().as_array().ok_or_else(|| wrong(value, "a list of tables, written with `[[…]]`"))?;
    list.iter().map(|item| Ok((table_of(item)?, item.span()))).collect()
}

fn parse<T: std::str::FromStr<Err = String>>(text: &str, value: &Value<'_>) -> Result<T, Fault> {
    text.parse().map_err(|message: String| Fault::new(value.span(), message))
}

fn trusted(value: &Value<'_>) -> Result<Vec<String>, Fault> {
    texts(value)?
        .into_iter()
        .map(|(text, range)| {
            let Some((scheme, host)) = text.split_once("://") else {
                return Err(Fault::new(range, format!("`{text}` is no origin: it has no scheme, as `https://`")));
            };
            if scheme.is_empty() || host.is_empty() || host.contains(['/', ' ', '?', '#', '@']) {
                return Err(Fault::new(
                    range,
                    format!("`{text}` is no origin: scheme, `://`, host and port are all it has"),
                ));
            }
            Ok(text.to_ascii_lowercase())
        })
        .collect()
}

fn version(value: &Value<'_>) -> Result<[u16; 3], Fault> {
    let text = text_of(value)?;
    let fault = || Fault::new(value.span(), format!("`{text}` is no version of nginx, as `1.24` or `1.24.0`"));
    let mut version = [0; 3];
    let parts: Vec<_> = text.split('.').collect();
    if !(2..=3).contains(&parts.len()) {
        return Err(fault());
    }
    for (slot, part) in version.iter_mut().zip(parts) {
        *slot = part.parse().map_err(|_| fault())?;
    }
    Ok(version)
}

fn rules(value: &Value<'_>) -> Result<Vec<(String, Level)>, Fault> {
    entries(table_of(value)?)
        .map(|(key, value)| {
            let id = key.get_ref().as_ref();
            if find_page(id).is_none() {
                return Err(Fault {
                    range: Some(key.span()),
                    message: format!("there is no rule `{id}`"),
                    help: Some(match nearest(id, pages().iter().map(|page| page.id)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "`corslint rules` lists them".to_owned(),
                    }),
                });
            }
            let level = match text_of(value)? {
                "off" => Level::Off,
                severity => Level::At(severity.parse().map_err(|_: String| {
                    Fault::new(value.span(), format!("a rule is `off`, `note`, `warning` or `error`, not `{severity}`"))
                })?),
            };
            Ok((id.to_owned(), level))
        })
        .collect()
}

fn override_of((table, range): (&DeTable<'_>, Range<usize>)) -> Result<Override, Fault> {
    let (mut paths, mut set) = (None, Vec::new());
    for (key, value) in entries(table) {
        match key.get_ref().as_ref() {
            "paths" => {
                let patterns = texts(value)?;
                for (pattern, range) in &patterns {
                    exclusions([*pattern]).map_err(|message| Fault::new(range.clone(), message))?;
                }
                paths = Some(
                    exclusions(patterns.iter().map(|(pattern, _)| *pattern))
                        .map_err(|message| Fault::new(value.span(), message))?,
                );
            }
            "rules" => set = rules(value)?,
            _ => return Err(unknown(key, OVERRIDES, "[[overrides]]")),
        }
    }
    let paths = paths.ok_or_else(|| Fault::new(range, "[[overrides]] needs `paths`"))?;
    Ok(Override { paths, rules: set })
}

fn proxy_of(table: &DeTable<'_>, range: Range<usize>, folder: &Path) -> Result<Proxy, Fault> {
    let (mut from, mut to) = (None, None);
    for (key, value) in entries(table) {
        match key.get_ref().as_ref() {
            "from" => from = Some(absolute(folder, Path::new(text_of(value)?))),
            "to" => to = Some(absolute(folder, Path::new(text_of(value)?))),
            _ => return Err(unknown(key, PROXY, "[[proxy]]")),
        }
    }
    match (from, to) {
        (Some(from), Some(to)) => Ok(Proxy { from, to }),
        _ => Err(Fault::new(range, "[[proxy]] needs `from` and `to`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("/p/corslint.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn everything_that_is_promised_is_read() {
        let config = config(
            r#"
fail-on = "error"
exclude = ["examples/**"]
client = ["web/src"]
[origins]
trusted = ["https://*.Example.com"]
[nginx]
version = "1.24"
[rules]
wildcard-origin = "off"
missing-vary = "error"
[[overrides]]
paths = ["services/public-api/**"]
rules = { missing-vary = "off", wildcard-origin = "warning" }
[[proxy]]
from = "deploy/nginx.conf"
to = "services/api"
"#,
        )
        .unwrap();
        assert_eq!(config.fail_on, Some(Some(Severity::Error)));
        assert_eq!(config.client, [PathBuf::from("/p/web/src")]);
        assert_eq!(config.trusted, Some(vec!["https://*.example.com".to_owned()]));
        assert_eq!(config.nginx, Some([1, 24, 0]));
        let level = |id, path| config.level(id, Path::new(path));
        assert_eq!(level("wildcard-origin", "/p/a.js"), Some(Level::Off));
        assert_eq!(level("missing-vary", "/p/a.js"), Some(Level::At(Severity::Error)));
        assert_eq!(level("missing-vary", "/p/services/public-api/x/a.js"), Some(Level::Off));
        assert_eq!(level("wildcard-origin", "/p/services/public-api/a.js"), Some(Level::At(Severity::Warning)));
        assert_eq!(level("null-origin", "/p/a.js"), None);
        assert_eq!(config.proxies[0].to, PathBuf::from("/p/services/api"));
    }

    #[test]
    fn faults_have_a_place_and_a_suggestion() {
        for (text, message) in [
            ("fail-no = \"error\"", "1:1: the configuration has no key `fail-no`; did you mean `fail-on`?"),
            ("\n[origins]\ntrust = []", "3:1: [origins] has no key `trust`; did you mean `trusted`?"),
            (
                "[rules]\nwildcard-orgin = \"off\"",
                "2:1: there is no rule `wildcard-orgin`; did you mean `wildcard-origin`?",
            ),
            ("[rules]\nnull-origin = \"fatal\"", "2:15: a rule is `off`, `note`, `warning` or `error`, not `fatal`"),
            ("fail-on = 3", "1:11: this must be a text, not an integer"),
            ("fail-on = \"fatal\"", "1:11: a severity must be one of note, warning, error, not `fatal`"),
            ("exclude = \"x\"", "1:11: this must be a list of texts, not a string"),
            ("exclude = [\"a[\"]", "1:12: `a[` is no pattern"),
            ("[[overrides]]\nrules = {}", "1:1: [[overrides]] needs `paths`"),
            ("[origins]\ntrusted = [\"example.com\"]", "2:12: `example.com` is no origin: it has no scheme"),
            ("[nginx]\nversion = \"new\"", "2:11: `new` is no version of nginx"),
            ("x = ", "1:"),
        ] {
            let error = config(text).unwrap_err();
            assert!(error.starts_with(&format!("/p/corslint.toml:{message}")), "{text}: {error}");
        }
    }
}
