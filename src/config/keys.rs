//! The keys of `corslint.toml`: the reader refuses what is not here, and the schema for editors is made of it.

/// What a key of the configuration is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What it sets.
    pub about: &'static str,
    /// What it may be set to.
    pub value: Shape,
}

/// What a key may be set to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// One of some words.
    Word(&'static [&'static str]),
    /// A text that matches a pattern.
    Text(&'static str),
    /// A list of texts that match a pattern.
    Texts(&'static str),
    /// A level for each of some rules.
    Rules,
    /// A table.
    Table(&'static [Key]),
    /// A list of tables, written with `[[…]]`; the keys that each must have.
    Tables(&'static [Key], &'static [&'static str]),
}

/// What a rule may be set to.
pub(super) const LEVELS: &[&str] = &["off", "note", "warning", "error"];

/// A pattern for any text.
const ANY: &str = "";

/// An origin, or a pattern of origins: scheme, `://`, host and port.
const ORIGIN: &str = r"^[^:/?#@ ]+://[^/?#@ ]+$";

/// The keys of the top level.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "fail-on",
        about: "From which severity on a run fails; `warning` unless it is set.",
        value: Shape::Word(&["note", "warning", "error", "never"]),
    },
    Key {
        name: "min-confidence",
        about: "From which confidence on findings are shown; `medium` unless it is set.",
        value: Shape::Word(&["low", "medium", "high"]),
    },
    Key {
        name: "exclude",
        about: "Patterns of paths to leave out, relative to this file; one without a slash counts at every depth.",
        value: Shape::Texts(ANY),
    },
    Key {
        name: "client",
        about: "Folders of front-end code, for checks to come: nothing uses it yet.",
        value: Shape::Texts(ANY),
    },
    Key { name: "origins", about: "Which origins may read.", value: Shape::Table(ORIGINS) },
    Key { name: "nginx", about: "The nginx that configurations are for.", value: Shape::Table(NGINX) },
    Key { name: "rules", about: "What each rule is.", value: Shape::Rules },
    Key {
        name: "overrides",
        about: "Other settings for some paths; the last that matches a path wins.",
        value: Shape::Tables(OVERRIDES, &["paths"]),
    },
    Key {
        name: "proxy",
        about: "Which server stands behind which proxy, where it cannot be seen in the code.",
        value: Shape::Tables(PROXY, &["from", "to"]),
    },
];

/// The keys of `[origins]`.
pub(super) const ORIGINS: &[Key] = &[Key {
    name: "trusted",
    about: "Origins, or patterns as `https://*.example.com`, that may read: any other that is allowed is reported.",
    value: Shape::Texts(ORIGIN),
}];

/// The keys of `[nginx]`.
pub(super) const NGINX: &[Key] = &[Key {
    name: "version",
    about: "As `1.24` or `1.24.0`; the newest unless it is set.",
    value: Shape::Text(r"^[0-9]+\.[0-9]+(\.[0-9]+)?$"),
}];

/// The keys of `[[overrides]]`.
pub(super) const OVERRIDES: &[Key] = &[
    Key { name: "paths", about: "Patterns of paths, relative to this file.", value: Shape::Texts(ANY) },
    Key { name: "rules", about: "What each rule is there.", value: Shape::Rules },
];

/// The keys of `[[proxy]]`.
pub(super) const PROXY: &[Key] = &[
    Key { name: "from", about: "The proxy's configuration.", value: Shape::Text(ANY) },
    Key { name: "to", about: "The file or folder of the server behind it.", value: Shape::Text(ANY) },
];
