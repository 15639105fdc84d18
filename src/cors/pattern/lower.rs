//! From a pattern's tree to the form that automata are built from.

use super::parse::{Look, Node, Parsed};
use super::{Anchoring, Domain, Engine, class};
use regex_syntax::hir::{self, Class, Hir, Repetition};

/// What the pattern matches, and for which strings that is exact. A whole match is part of it, a match from the start
/// is not: see [`anchored`].
pub(super) fn lower(parsed: &Parsed, engine: Engine, anchoring: Anchoring) -> (Hir, Domain) {
    let mut lowering = Lowering {
        domain: Domain {
            ascii_only: engine == Engine::Pcre || parsed.case_insensitive,
            no_astral: engine == Engine::JavaScript && !parsed.unicode,
            // ECMAScript and PCRE disagree with a line-feed-only reading about `\r` and about a last line break.
            no_line_breaks: parsed.multiline && engine != Engine::Python,
            no_empty: false,
        },
        engine,
        whole: anchoring == Anchoring::Full,
    };
    let body = lowering.node(&parsed.node, true);
    let hir = match anchoring {
        Anchoring::Search | Anchoring::Prefix => body,
        Anchoring::Full => Hir::concat(vec![Hir::look(hir::Look::Start), body, Hir::look(hir::Look::End)]),
    };
    (hir, lowering.domain)
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
    fn node(&mut self, node: &Node, last: bool) -> Hir {
        match node {
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
            Node::Concat(items) => {
                let count = items.len();
                let lowered = items.iter().enumerate().map(|(index, item)| self.node(item, last && index + 1 == count));
                Hir::concat(lowered.collect())
            }
            Node::Alternate(branches) => {
                Hir::alternation(branches.iter().map(|branch| self.node(branch, last)).collect())
            }
            Node::Repeat { node, min, max, greedy } => Hir::repetition(Repetition {
                min: *min,
                max: *max,
                greedy: *greedy,
                sub: Box::new(self.node(node, last && *max == Some(1))),
            }),
        }
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
