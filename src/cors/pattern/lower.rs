//! From a pattern's tree to the form that automata are built from.

use super::parse::{Look, Node, Parsed, unsupported};
use super::{Anchoring, Domain, Engine, PatternError, ahead, class};
use regex_syntax::hir::{self, Class, Hir, Repetition};

/// What the pattern matches, and for which strings that is exact. A whole match is part of it, a match from the start
/// is not: see [`anchored`].
///
/// # Errors
/// [`PatternError::Unsupported`] for lookahead that no automaton of a bearable size expresses: see [`super::ahead`].
pub(super) fn lower(parsed: &Parsed, engine: Engine, anchoring: Anchoring) -> Result<(Hir, Domain), PatternError> {
    let mut lowering = Lowering {
        domain: Domain {
            ascii_only: engine == Engine::Pcre || parsed.case_insensitive,
            no_astral: engine == Engine::JavaScript && !parsed.unicode,
            // ECMAScript and PCRE disagree with a line-feed-only reading about `\r` and about a last line break.
            no_line_breaks: parsed.multiline && engine != Engine::Python,
            no_empty: false,
            no_end: false,
        },
        engine,
        whole: anchoring == Anchoring::Full,
    };
    let body = lowering.node(&parsed.node, true)?;
    let hir = match anchoring {
        Anchoring::Search | Anchoring::Prefix => body,
        Anchoring::Full => Hir::concat(vec![Hir::look(hir::Look::Start), body, Hir::look(hir::Look::End)]),
    };
    Ok((hir, lowering.domain))
}

/// The language of the strings in which there is a match, as a search without anchor.
pub(super) fn anchored(body: Hir, anchoring: Anchoring) -> Hir {
    match anchoring {
        Anchoring::Search | Anchoring::Full => body,
        Anchoring::Prefix => Hir::concat(vec![Hir::look(hir::Look::Start), body]),
    }
}

struct Lowering {
    domain: Domain,
    engine: Engine,
    /// A whole match ends at the end of the string, so a last `$` cannot stop before a line feed there.
    whole: bool,
}

impl Lowering {
    /// `last`: nothing of the pattern comes after this node, so it may swallow a line feed at the end.
    fn node(&mut self, node: &Node, last: bool) -> Result<Hir, PatternError> {
        Ok(match node {
            Node::Empty => Hir::empty(),
            Node::Literal { character, folded: false } => {
                let mut buffer = [0; 4];
                Hir::literal(character.encode_utf8(&mut buffer).as_bytes().to_vec())
            }
            Node::Literal { character, folded: true } => {
                Hir::class(Class::Unicode(class::folded(class::of(&[(*character, *character)]))))
            }
            Node::Dot(set) | Node::Class(set) => Hir::class(Class::Unicode(set.clone())),
            Node::Look(look) => self.look(*look, last),
            Node::Ahead { .. } => self.concat(std::slice::from_ref(node), last)?,
            Node::Concat(items) => self.concat(items, last)?,
            Node::Alternate(branches) => {
                let lowered = branches.iter().map(|branch| self.node(branch, last));
                Hir::alternation(lowered.collect::<Result<_, _>>()?)
            }
            Node::Repeat { node, min, max, greedy } => Hir::repetition(Repetition {
                min: *min,
                max: *max,
                greedy: *greedy,
                sub: Box::new(self.node(node, last && *max == Some(1))?),
            }),
        })
    }

    fn concat(&mut self, items: &[Node], last: bool) -> Result<Hir, PatternError> {
        let mut lowered = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let rest = &items[index + 1..];
            if let Node::Ahead { node, holds } = item {
                lowered.push(self.ahead(node, *holds, rest, last)?);
                break;
            }
            lowered.push(self.node(item, last && rest.is_empty())?);
        }
        Ok(Hir::concat(lowered))
    }

    /// Lookahead with what comes behind it in the pattern, where that asks for little: nothing, or anything.
    fn ahead(&mut self, node: &Node, holds: bool, rest: &[Node], last: bool) -> Result<Hir, PatternError> {
        let anything = |node: &Node| match node {
            Node::Repeat { node, min: 0, max: None, .. } => match &**node {
                Node::Dot(set) => Some(set.clone()),
                _ => None,
            },
            _ => None,
        };
        let (tail, end) = match rest {
            [] => (None, None),
            [all] => (anything(all), None),
            [all, end @ Node::Look(Look::End | Look::LooseEnd)] => (anything(all), Some(end)),
            _ => (None, None),
        };
        let words = if holds { None } else { ahead::words(node) };
        if !last || tail.is_none() && !rest.is_empty() {
            return unsupported("lookahead");
        }
        self.domain.no_end = true;
        // A match that may end anywhere asks nothing of what comes behind.
        let tail = tail.filter(|_| self.whole || end.is_some());
        let found = match (holds, words) {
            (true, _) if tail.is_none() && !self.whole => self.node(node, true)?,
            // The text must end here, which is no word but the empty one.
            (false, Some(words)) if tail.is_none() && self.whole => match words.iter().any(Vec::is_empty) {
                true => Hir::fail(),
                false => Hir::look(hir::Look::End),
            },
            (false, Some(words)) => ahead::not_begun(&words, tail.as_ref()).ok_or(PatternError::TooLarge)?,
            _ => return unsupported("lookahead"),
        };
        let end = end.map_or(Ok(Hir::empty()), |end| self.node(end, true))?;
        Ok(Hir::concat(vec![found, end]))
    }

    fn look(&mut self, look: Look, last: bool) -> Hir {
        Hir::look(match look {
            Look::Start => hir::Look::Start,
            Look::StartLine => hir::Look::StartLF,
            Look::End => hir::Look::End,
            Look::EndLine => hir::Look::EndLF,
            Look::LooseEnd if last && self.whole => hir::Look::End,
            Look::LooseEnd if last => {
                let line_feed = Repetition { min: 0, max: Some(1), greedy: true, sub: Box::new(Hir::literal(*b"\n")) };
                return Hir::concat(vec![Hir::repetition(line_feed), Hir::look(hir::Look::End)]);
            }
            Look::LooseEnd => {
                self.domain.no_line_breaks = true;
                hir::Look::End
            }
            Look::WordBoundary => {
                self.domain.ascii_only = true;
                hir::Look::WordAscii
            }
            Look::NotWordBoundary => {
                self.domain.ascii_only = true;
                // Before 3.14, Python found no `\B` in the empty string.
                self.domain.no_empty |= self.engine == Engine::Python;
                hir::Look::WordAsciiNegate
            }
        })
    }
}
