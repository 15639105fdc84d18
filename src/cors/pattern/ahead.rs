//! Negative lookahead for words: texts that do not begin with any of them, without looking ahead.
//!
//! `(?!ab)` holds at the end of the text, before anything but an `a`, and before an `a` that is at the end or has anything
//! but a `b` behind it. Nothing must come behind it in the pattern but what takes anything, for an automaton reads those
//! letters.

use regex_syntax::hir::{self, Class, ClassUnicode, Hir, Repetition};

use super::class;
use super::parse::Node;

/// More words than this, or letters in all of them together, are not looked at.
const MOST: usize = 64;

/// A word: a set for each of its characters.
pub(super) type Word = Vec<ClassUnicode>;

/// The words that a node stands for; `None` where it stands for anything else.
pub(super) fn words(node: &Node) -> Option<Vec<Word>> {
    let set = |set: ClassUnicode| Some(vec![vec![set]]);
    match node {
        Node::Empty => Some(vec![Vec::new()]),
        Node::Literal { character, folded } => {
            let one = class::of(&[(*character, *character)]);
            set(if *folded { class::folded(one) } else { one })
        }
        Node::Dot(members) | Node::Class(members) => set(members.clone()),
        Node::Alternate(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(words(branch)?);
            }
            (all.len() <= MOST).then_some(all)
        }
        Node::Concat(items) => {
            let mut all: Vec<Word> = vec![Vec::new()];
            for item in items {
                let ends = words(item)?;
                all = all.iter().flat_map(|start| ends.iter().map(|end| [start.as_slice(), end].concat())).collect();
                if all.iter().map(Vec::len).sum::<usize>() > MOST {
                    return None;
                }
            }
            Some(all)
        }
        Node::Look(_) | Node::Ahead { .. } | Node::Repeat { .. } => None,
    }
}

/// What begins with none of the words. It ends where that is clear; or, with a `tail`, where characters of that set end.
/// `None` where it would be too large.
pub(super) fn not_begun(words: &[Word], tail: Option<&ClassUnicode>) -> Option<Hir> {
    let mut size = 0;
    not_one_of(&words.iter().map(Vec::as_slice).collect::<Vec<_>>(), tail, &mut size)
}

fn not_one_of(words: &[&[ClassUnicode]], tail: Option<&ClassUnicode>, size: &mut usize) -> Option<Hir> {
    if words.iter().any(|word| word.is_empty()) {
        return Some(Hir::fail());
    }
    // Sets of characters behind which the same words go on.
    let mut sets: Vec<(ClassUnicode, Vec<&[ClassUnicode]>)> =
        vec![(tail.cloned().unwrap_or_else(class::any), Vec::new())];
    for (first, rest) in words.iter().filter_map(|word| word.split_first()) {
        let split = |(set, words): (ClassUnicode, Vec<_>)| {
            let (mut within, mut without) = (set.clone(), set);
            within.intersect(first);
            without.difference(first);
            [(within, [words.as_slice(), &[rest]].concat()), (without, words)]
        };
        sets = sets.into_iter().flat_map(split).filter(|(set, _)| !set.ranges().is_empty()).collect();
    }
    *size += sets.len();
    if *size > MOST * 4 {
        return None;
    }
    let mut ways = vec![if tail.is_some() { Hir::empty() } else { Hir::look(hir::Look::End) }];
    for (set, words) in sets {
        let first = Hir::class(Class::Unicode(set));
        let rest = match (words.is_empty(), tail) {
            (false, _) => not_one_of(&words, tail, size)?,
            (true, Some(tail)) => Hir::repetition(Repetition {
                min: 0,
                max: None,
                greedy: true,
                sub: Box::new(Hir::class(Class::Unicode(tail.clone()))),
            }),
            (true, None) => Hir::empty(),
        };
        ways.push(Hir::concat(vec![first, rest]));
    }
    Some(Hir::alternation(ways))
}
