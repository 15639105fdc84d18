//! Regular expressions under the rules of the engine that will run them.
//!
//! A pattern is read by the grammar of its own engine (ECMAScript, Python's `re`, PCRE), lowered to an automaton and
//! decided there. What an automaton cannot express (lookaround, backreferences, atomic groups) is refused when the
//! pattern is made, never guessed.

mod ahead;
mod class;
mod escape;
mod lower;
mod opening;
mod parse;

use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, meta};
use regex_syntax::hir::{Class, Hir, HirKind};
use std::fmt;
use std::sync::{Arc, OnceLock};

pub(in crate::cors) use parse::{Look, Node};

/// The longest pattern that is looked at, in bytes.
const MAX_TEXT: usize = 16 * 1024;
/// The largest automaton that is built, in bytes of heap.
const MAX_NFA: usize = 4 << 20;
/// How many steps an automaton may have that stays below [`MAX_NFA`] in any case.
const SMALL: usize = 8 << 10;

/// Whose regular expressions these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// ECMAScript (ECMA-262 with its annex B, as every browser and Node run it).
    JavaScript,
    /// Python's `re` on `str`.
    Python,
    /// PCRE and PCRE2 without UTF, as nginx compiles them.
    Pcre,
}

/// Where in the string a match has to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anchoring {
    /// Anywhere: JavaScript's `test`, Python's `re.search`, nginx's `~`.
    Search,
    /// From the start of the string: Python's `re.match`, JavaScript's `y` flag.
    Prefix,
    /// The string as a whole: Python's `re.fullmatch`.
    Full,
}

/// The options a pattern is compiled with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// Letters match without case (`i`, `re.IGNORECASE`, nginx's `~*`).
    pub case_insensitive: bool,
    /// `^` and `$` also match at line breaks (`m`, `re.MULTILINE`).
    pub multiline: bool,
    /// `.` also matches line breaks (`s`, `re.DOTALL`).
    pub dot_all: bool,
    /// Blanks and `#` comments in the pattern are left out (`re.VERBOSE`; no such thing in JavaScript).
    pub verbose: bool,
    /// `\w`, `\d`, `\s` and `\b` know ASCII only (`re.ASCII`); without effect on the other engines.
    pub ascii: bool,
    /// JavaScript's `u` or `v` flag: code points instead of code units, and a stricter grammar.
    pub unicode: bool,
}

impl Flags {
    /// No option at all.
    pub const NONE: Flags = Flags {
        case_insensitive: false,
        multiline: false,
        dot_all: false,
        verbose: false,
        ascii: false,
        unicode: false,
    };
    /// Letters match without case.
    pub const IGNORE_CASE: Flags = Flags { case_insensitive: true, ..Flags::NONE };
}

/// Why a pattern cannot be decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PatternError {
    /// The engine accepts it, but no automaton can express it, or engine versions disagree about it.
    Unsupported(String),
    /// The engine itself refuses it.
    Invalid(String),
    /// It, or the automaton it needs, is larger than is worth looking at.
    TooLarge,
}

impl fmt::Display for PatternError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PatternError::Unsupported(what) => write!(out, "{what} cannot be decided"),
            PatternError::Invalid(what) => write!(out, "the pattern is invalid: {what}"),
            PatternError::TooLarge => out.write_str("the pattern is too large to be decided"),
        }
    }
}

impl std::error::Error for PatternError {}

/// A regular expression that has been understood.
///
/// The fields say what it was made from; changing them afterwards changes nothing but what is displayed.
#[derive(Clone)]
pub struct Pattern {
    /// The pattern as written, without delimiters and flags.
    pub text: String,
    /// Whose grammar and meaning it has.
    pub engine: Engine,
    /// Where in the string a match has to lie.
    pub anchoring: Anchoring,
    /// The options it is compiled with.
    pub flags: Flags,
    compiled: Arc<Compiled>,
}

/// What is shared by all clones of a pattern.
struct Compiled {
    node: Node,
    /// The language of the strings in which there is a match, as a search without anchor.
    hir: Hir,
    /// What every match begins with, in lower case.
    opening: String,
    /// The pattern itself; where the match must begin is said when it is run. It is made when it is first needed: the paths
    /// of a large server are mostly told apart by their openings.
    regex: OnceLock<Option<meta::Regex>>,
    /// What `regex` is made of.
    body: Hir,
    domain: Domain,
}

impl Compiled {
    /// The automaton. It can be made: no small one is too large, and a large one was tried before.
    fn regex(&self) -> Option<&meta::Regex> {
        self.regex.get_or_init(|| automaton(&self.body)).as_ref()
    }
}

fn automaton(body: &Hir) -> Option<meta::Regex> {
    meta::Builder::new()
        .configure(meta::Config::new().nfa_size_limit(Some(MAX_NFA)).onepass(false).dfa(false))
        .syntax(syntax::Config::new().utf8(true))
        .build_from_hir(body)
        .ok()
}

/// How many steps the automaton of a pattern may have at most, as a bound; no more than `most` are counted.
fn steps(body: &Hir, most: usize) -> usize {
    let all = |parts: &[Hir]| {
        let mut sum = parts.len();
        for part in parts {
            if sum > most {
                break;
            }
            sum = sum.saturating_add(steps(part, most));
        }
        sum
    };
    match body.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        // A range of characters is at most some ranges of four bytes.
        HirKind::Class(Class::Unicode(class)) => class.ranges().len().saturating_mul(32),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len(),
        HirKind::Repetition(repeated) => {
            let times = repeated.max.unwrap_or(repeated.min.saturating_add(1)).saturating_add(1) as usize;
            times.saturating_mul(steps(&repeated.sub, most).saturating_add(1))
        }
        HirKind::Capture(group) => steps(&group.sub, most).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => all(parts),
    }
}

/// For which strings the automaton means exactly what the engine means.
#[derive(Debug, Clone, Copy, Default)]
struct Domain {
    /// Only ASCII: the engine sees bytes or has its own idea of case and words beyond ASCII.
    ascii_only: bool,
    /// Only the basic plane: the engine counts UTF-16 code units.
    no_astral: bool,
    /// Line breaks matter in a way that was not modelled; a match found is still a match.
    no_line_breaks: bool,
    /// Versions of the engine disagree about the empty string.
    no_empty: bool,
    /// The automaton reads on where the pattern only looks ahead: that there is a match is known, not where it ends.
    no_end: bool,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`] says whether the engine itself would refuse the text, or only this reading of it.
    pub fn new(
        text: impl Into<String>,
        engine: Engine,
        anchoring: Anchoring,
        flags: Flags,
    ) -> Result<Pattern, PatternError> {
        let text = text.into();
        if text.len() > MAX_TEXT {
            return Err(PatternError::TooLarge);
        }
        let parsed = parse::parse(&text, engine, flags)?;
        let (body, domain) = lower::lower(&parsed, engine, anchoring)?;
        // It is not kept, for most of the large ones are never asked, and hundreds of them are a gigabyte.
        if steps(&body, SMALL) > SMALL && automaton(&body).is_none() {
            return Err(PatternError::TooLarge);
        }
        let hir = lower::anchored(body.clone(), anchoring);
        let opening = opening::opening(&hir);
        let compiled = Arc::new(Compiled { node: parsed.node, hir, opening, regex: OnceLock::new(), body, domain });
        Ok(Pattern { text, engine, anchoring, flags, compiled })
    }

    /// A JavaScript literal's pattern and flags (`i`, `m`, `s`, `u`, `v`, `y`; `g` and `d` do not change what a first
    /// `test` answers).
    ///
    /// # Errors
    /// As [`Pattern::new`]; an unknown or repeated flag letter is invalid.
    pub fn javascript(text: impl Into<String>, flags: &str) -> Result<Pattern, PatternError> {
        let mut options = Flags::NONE;
        let mut anchoring = Anchoring::Search;
        for (index, letter) in flags.char_indices() {
            if flags[..index].contains(letter) {
                return Err(PatternError::Invalid(format!("flag {letter} given twice")));
            }
            match letter {
                'i' => options.case_insensitive = true,
                'm' => options.multiline = true,
                's' => options.dot_all = true,
                'u' | 'v' => options.unicode = true,
                'y' => anchoring = Anchoring::Prefix,
                'g' | 'd' => {}
                other => return Err(PatternError::Invalid(format!("unknown flag {other}"))),
            }
        }
        if flags.contains('v') {
            return Err(PatternError::Unsupported("the v flag".into()));
        }
        Pattern::new(text, Engine::JavaScript, anchoring, options)
    }

    /// Whether the engine would find the pattern in this string. `None` when the string lies outside of what was
    /// modelled: characters beyond ASCII for PCRE, beyond the basic plane for JavaScript, and rare uses of line breaks.
    /// Every serialised origin that a browser sends is inside.
    pub fn matches(&self, text: &str) -> Option<bool> {
        let domain = self.compiled.domain;
        if domain.ascii_only && !text.is_ascii() || domain.no_astral && text.chars().any(|c| c > '\u{ffff}') {
            return None;
        }
        if domain.no_empty && text.is_empty() {
            return None;
        }
        let opening = self.compiled.opening.as_bytes();
        let opens = text.as_bytes().get(..opening.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(opening));
        let found = opens && self.compiled.regex()?.is_match(self.input(text));
        let line_breaks = || text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        if domain.no_line_breaks && line_breaks() { None } else { Some(found) }
    }

    /// Where the first match at or behind the byte offset `from` ends, as JavaScript's `lastIndex` needs it: `None`
    /// where that cannot be decided (see [`Pattern::matches`]), `Some(None)` where there is no match.
    pub fn find_end(&self, text: &str, from: usize) -> Option<Option<usize>> {
        self.matches(text)?;
        if self.compiled.domain.no_end {
            return None;
        }
        if from > text.len() {
            return Some(None);
        }
        Some(self.compiled.regex()?.find(self.input(text).range(from..)).map(|found| found.end()))
    }

    fn input<'t>(&self, text: &'t str) -> Input<'t> {
        let anchored = if self.anchoring == Anchoring::Prefix { Anchored::Yes } else { Anchored::No };
        Input::new(text).anchored(anchored)
    }

    /// How many steps its automaton has at most, as a bound.
    pub(in crate::cors) fn size(&self) -> usize {
        steps(&self.compiled.body, MAX_NFA)
    }

    /// The syntax tree, for reading what the author spelt out.
    pub(in crate::cors) fn node(&self) -> &Node {
        &self.compiled.node
    }

    /// The language of the strings in which there is a match, as a search without anchor.
    pub(in crate::cors) fn hir(&self) -> &Hir {
        &self.compiled.hir
    }
}

/// The automaton that runs `hir`, or `None` when it would be too large.
pub(in crate::cors) fn nfa(hir: &Hir) -> Option<thompson::NFA> {
    thompson::Compiler::new()
        .configure(thompson::Config::new().nfa_size_limit(Some(MAX_NFA)).which_captures(thompson::WhichCaptures::None))
        .build_from_hir(hir)
        .ok()
}

impl fmt::Debug for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pattern")
            .field("text", &self.text)
            .field("engine", &self.engine)
            .field("anchoring", &self.anchoring)
            .field("flags", &self.flags)
            .finish()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        (&self.text, self.engine, self.anchoring, self.flags)
            == (&other.text, other.engine, other.anchoring, other.flags)
    }
}

impl Eq for Pattern {}

impl std::hash::Hash for Pattern {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.text, self.engine, self.anchoring, self.flags).hash(state);
    }
}

#[cfg(test)]
mod tests;
