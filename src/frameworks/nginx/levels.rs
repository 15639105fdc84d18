//! The levels of a configuration (`http`, `server`, `location`, `if`, `limit_except`) and what each inherits.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::Guard;
use crate::source::Span;
use crate::syntax::nginx::{Directive, Word};

/// A level's number.
pub(super) type LevelId = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LevelKind {
    Http,
    Server,
    Location,
    If,
    LimitExcept,
}

/// One level.
pub(super) struct Level<'t> {
    pub kind: LevelKind,
    pub parent: Option<LevelId>,
    pub directives: Vec<&'t Directive>,
    /// The locations right inside.
    pub locations: Vec<Location<'t>>,
    /// From the level's first word to its `}`.
    pub span: Span,
    /// How people call it.
    pub label: String,
    /// Where its directives of each name stand among them.
    by_name: FxHashMap<&'t str, Vec<usize>>,
}

/// How a location takes paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Matcher {
    Exact(String),
    Prefix { text: String, stops: bool },
    Regex { text: String, ignore_case: bool },
    Named(String),
    Unknown,
}

/// A location inside a level.
#[derive(Clone)]
pub(super) struct Location<'t> {
    pub matcher: Matcher,
    pub level: LevelId,
    pub directive: &'t Directive,
}

/// All levels of one configuration.
#[derive(Default)]
pub(super) struct Levels<'t> {
    pub all: Vec<Level<'t>>,
    by_block: FxHashMap<usize, LevelId>,
    /// Where the location of a level stands among those of the level around it.
    places: FxHashMap<LevelId, usize>,
}

/// Reads the arguments of `location`.
pub(super) fn matcher(args: &[Word]) -> Matcher {
    if args.iter().any(|word| word.templated) {
        return Matcher::Unknown;
    }
    let words: Vec<&str> = args.iter().map(|word| word.text.as_str()).collect();
    match words[..] {
        ["=", path] => Matcher::Exact(path.to_owned()),
        ["^~", path] => Matcher::Prefix { text: path.to_owned(), stops: true },
        ["~", text] => Matcher::Regex { text: text.to_owned(), ignore_case: false },
        ["~*", text] => Matcher::Regex { text: text.to_owned(), ignore_case: true },
        [name] if name.starts_with('@') => Matcher::Named(name.to_owned()),
        // The modifier may touch what follows it.
        [word] if word.starts_with('=') => Matcher::Exact(word[1..].to_owned()),
        [word] if word.starts_with("^~") => Matcher::Prefix { text: word[2..].to_owned(), stops: true },
        [word] if word.starts_with("~*") => Matcher::Regex { text: word[2..].to_owned(), ignore_case: true },
        [word] if word.starts_with('~') => Matcher::Regex { text: word[1..].to_owned(), ignore_case: false },
        [word] => Matcher::Prefix { text: word.to_owned(), stops: false },
        _ => Matcher::Unknown,
    }
}

impl<'t> Levels<'t> {
    /// Adds a level with everything in it. Depth is bounded by how deep the reader reads blocks.
    pub fn add(
        &mut self,
        kind: LevelKind,
        parent: Option<LevelId>,
        directives: Vec<&'t Directive>,
        span: Span,
        label: String,
    ) -> LevelId {
        let id = self.all.len();
        let mut by_name: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
        for (at, directive) in directives.iter().enumerate() {
            by_name.entry(&directive.name.text).or_default().push(at);
        }
        let (own, locations) = (directives.clone(), Vec::new());
        self.all.push(Level { kind, parent, directives: own, locations, span, label, by_name });
        for directive in directives {
            let (kind, label) = match directive.name.text.as_str() {
                _ if directive.block.is_none() => continue,
                "location" => (LevelKind::Location, label_of(directive)),
                "if" => (LevelKind::If, label_of(directive)),
                "limit_except" => (LevelKind::LimitExcept, label_of(directive)),
                _ => continue,
            };
            let children = directive.children().iter().collect();
            let level = self.add(kind, Some(id), children, directive.span, label);
            self.by_block.insert(std::ptr::from_ref(directive) as usize, level);
            if kind == LevelKind::Location {
                self.places.insert(level, self.all[id].locations.len());
                self.all[id].locations.push(Location { matcher: matcher(&directive.args), level, directive });
            }
        }
        id
    }

    pub fn get(&self, id: LevelId) -> &Level<'t> {
        &self.all[id]
    }

    /// The level of a block directive.
    pub fn of_block(&self, directive: &Directive) -> Option<LevelId> {
        self.by_block.get(&(std::ptr::from_ref(directive) as usize)).copied()
    }

    /// A level and those around it, outwards.
    pub fn outwards(&self, level: LevelId) -> impl Iterator<Item = &Level<'t>> {
        std::iter::successors(Some(&self.all[level]), |level| level.parent.map(|parent| &self.all[parent]))
    }

    /// The location that a level is the inside of.
    pub fn location(&self, level: LevelId) -> Option<&Location<'t>> {
        self.all[self.all[level].parent?].locations.get(*self.places.get(&level)?)
    }

    /// The directive of this name that counts at a level: its own, or the nearest outer one.
    pub fn find(&self, level: LevelId, name: &str) -> Option<&'t Directive> {
        self.outwards(level).find_map(|level| level.own(name))
    }

    /// The first argument of the directive of this name that counts at a level.
    pub fn value(&self, level: LevelId, name: &str) -> Option<&'t str> {
        self.find(level, name).and_then(|directive| directive.arg(0))
    }

    /// Whether a switch is on at a level.
    pub fn is_on(&self, level: LevelId, name: &str) -> bool {
        self.value(level, name).is_some_and(|value| value.eq_ignore_ascii_case("on"))
    }

    /// All directives of these names at the nearest level that has any.
    pub fn list(&self, level: LevelId, names: &[&str]) -> Vec<&'t Directive> {
        self.outwards(level).map(|level| level.all_of(names)).find(|list| !list.is_empty()).unwrap_or_default()
    }

    /// The location level that a level belongs to: `if` and `limit_except` are parts of theirs.
    pub fn home(&self, level: LevelId) -> LevelId {
        let mut level = level;
        while let (LevelKind::If | LevelKind::LimitExcept, Some(parent)) =
            (self.all[level].kind, self.all[level].parent)
        {
            level = parent;
        }
        level
    }
}

impl<'t> Level<'t> {
    /// Its own directive of this name; the last one where there are several.
    pub fn own(&self, name: &str) -> Option<&'t Directive> {
        self.by_name.get(name).and_then(|places| places.last()).map(|&at| self.directives[at])
    }

    /// Its own directives of these names, in order.
    pub fn all_of(&self, names: &[&str]) -> Vec<&'t Directive> {
        let mut places: Vec<usize> =
            names.iter().filter_map(|name| self.by_name.get(*name)).flatten().copied().collect();
        places.sort_unstable();
        places.into_iter().map(|at| self.directives[at]).collect()
    }
}

fn label_of(directive: &Directive) -> String {
    let mut label = directive.name.text.clone();
    for word in &directive.args {
        // A quoted value and the bracket behind it are two words.
        if word.text != ")" {
            label.push(' ');
        }
        label.push_str(&word.text);
    }
    label
}

/// When a directive is there at all: a template may leave it out.
pub(super) fn presence(directive: &Directive) -> Guard {
    Guard::all(directive.conditions.iter().map(|&(span, holds)| {
        let left_out = Guard::Unknown(crate::model::Reason::new("whether the template leaves this out", span));
        if holds { Guard::not(left_out) } else { left_out }
    }))
}

/// The names of variables that the configuration itself defines, and how.
#[derive(Default)]
pub(super) struct Definitions<'t> {
    /// `map`, by the variable it defines.
    pub maps: FxHashMap<String, &'t Directive>,
    /// The addresses of each `upstream` that are asked where all is well.
    pub upstreams: FxHashMap<String, Vec<&'t Word>>,
    /// Variables of `set`, and of groups with a name.
    pub set: FxHashSet<String>,
    /// Variables whose value comes from elsewhere (`geo`, `auth_request_set`, Lua, …).
    pub elsewhere: FxHashMap<String, Span>,
}

impl<'t> Definitions<'t> {
    /// Collects the definitions in `directives`, at any depth. What is there already stays.
    pub fn collect(&mut self, directives: &'t [Directive]) {
        let mut open: Vec<&'t Directive> = directives.iter().rev().collect();
        while let Some(directive) = open.pop() {
            let variable =
                |index: usize| directive.arg(index).and_then(|name| name.strip_prefix('$')).map(str::to_owned);
            match directive.name.text.as_str() {
                "map" => {
                    if let Some(name) = variable(1) {
                        self.maps.entry(name).or_insert(directive);
                    }
                    // Groups of its patterns are variables, set once the map is looked up.
                    for key in directive.children().iter().map(|entry| &entry.name) {
                        for name in group_names(&key.text).filter(|_| key.text.starts_with('~')) {
                            self.elsewhere.entry(name.to_owned()).or_insert(key.span);
                        }
                    }
                    continue;
                }
                "upstream" => {
                    let addresses = addresses(directive);
                    if let Some(name) = directive.arg(0).filter(|_| !addresses.is_empty()) {
                        self.upstreams.entry(name.to_owned()).or_insert(addresses);
                    }
                    continue;
                }
                "set" => self.set.extend(variable(0)),
                "geo" | "split_clients" => {
                    let last = directive.args.len().checked_sub(1);
                    if let Some(name) = last.and_then(variable) {
                        self.elsewhere.entry(name).or_insert(directive.span);
                    }
                    continue;
                }
                "auth_request_set"
                | "js_set"
                | "js_var"
                | "perl_set"
                | "geoip2"
                | "auth_jwt_claim_set"
                | "keyval"
                | "set_by_lua"
                | "set_by_lua_block"
                | "set_by_lua_file"
                | "set_escape_uri"
                | "set_unescape_uri"
                | "set_if_empty"
                | "set_random"
                | "set_secure_random_alphanum"
                | "set_md5" => {
                    for name in (0..directive.args.len()).filter_map(variable) {
                        self.elsewhere.entry(name).or_insert(directive.span);
                    }
                }
                _ => {}
            }
            for word in &directive.args {
                self.set.extend(group_names(&word.text).map(str::to_owned));
            }
            open.extend(directive.children().iter().rev());
        }
    }
}

/// The addresses of an `upstream`: those that stand by only where there are no others.
fn addresses(upstream: &Directive) -> Vec<&Word> {
    let servers = || upstream.children().iter().filter(|one| one.is("server") && !one.is_templated());
    let stands_by = |one: &&Directive| one.args.iter().skip(1).any(|word| matches!(&*word.text, "down" | "backup"));
    let asked: Vec<&Word> = servers().filter(|one| !stands_by(one)).filter_map(|one| one.args.first()).collect();
    if asked.is_empty() { servers().filter_map(|one| one.args.first()).collect() } else { asked }
}

/// The names of a pattern's groups.
fn group_names(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split("(?").skip(1).filter_map(|after| {
        let after = after.strip_prefix('P').unwrap_or(after);
        let (name, _) = match after.strip_prefix('<') {
            Some(name) => name.split_once('>')?,
            None => after.strip_prefix('\'')?.split_once('\'')?,
        };
        (!name.starts_with(['=', '!'])).then_some(name)
    })
}
