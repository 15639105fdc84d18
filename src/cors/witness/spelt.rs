//! What a test spells out: its literal letters, with holes for whatever else may stand there.

use super::OriginTest;
use crate::cors::pattern::{Anchoring, Look, Node, Pattern};
use crate::cors::string_test::StringTest;

/// More ways to read a test than this are not looked at.
const MAX_READINGS: usize = 256;
/// A reading longer than this is not looked at.
const MAX_LENGTH: usize = 512;

/// One place of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// This character, in lower case.
    Char(char),
    /// An unescaped `.`: any one character, though a dot was most likely meant.
    Dot,
    /// Something else, of any length.
    Hole,
    /// The string ends here, or begins.
    Edge,
}

/// One way through a test.
pub(super) type Reading = Vec<Item>;

/// Every reading of every test that must or may hold; `None` when there are too many.
pub(super) fn readings(test: &OriginTest) -> Option<Vec<Reading>> {
    match test {
        OriginTest::Origin(test) | OriginTest::Host(test) => string_readings(test),
        OriginTest::All(tests) | OriginTest::Any(tests) => {
            let mut all = Vec::new();
            for test in tests {
                all.extend(readings(test)?);
                if all.len() > MAX_READINGS {
                    return None;
                }
            }
            Some(all)
        }
        // What is excluded is not what was meant.
        OriginTest::Not(_) => Some(Vec::new()),
    }
}

fn string_readings(test: &StringTest) -> Option<Vec<Reading>> {
    let (text, before, after) = match test {
        StringTest::Matches(pattern) => return pattern_readings(pattern),
        StringTest::Equals(text) => (text, Item::Edge, Item::Edge),
        StringTest::StartsWith(text) => (text, Item::Edge, Item::Hole),
        StringTest::EndsWith(text) => (text, Item::Hole, Item::Edge),
        StringTest::Contains(text) => (text, Item::Hole, Item::Hole),
        StringTest::PartOf(text) => {
            let parts = text.split([',', ' ', ';', '|']).filter(|part| !part.is_empty());
            let equals = parts.map(|part| string_readings(&StringTest::Equals(part.to_owned())));
            return equals.collect::<Option<Vec<_>>>().map(|readings| readings.concat());
        }
    };
    if text.len() > MAX_LENGTH {
        return None;
    }
    let letters = text.chars().map(|character| Item::Char(character.to_ascii_lowercase()));
    Some(vec![std::iter::once(before).chain(letters).chain(std::iter::once(after)).collect()])
}

fn pattern_readings(pattern: &Pattern) -> Option<Vec<Reading>> {
    let mut readings = expand(pattern.node())?;
    for reading in &mut readings {
        let front = if pattern.anchoring == Anchoring::Search { Item::Hole } else { Item::Edge };
        let back = if pattern.anchoring == Anchoring::Full { Item::Edge } else { Item::Hole };
        if reading.first() != Some(&Item::Edge) {
            reading.insert(0, front);
        }
        if reading.last() != Some(&Item::Edge) {
            reading.push(back);
        }
    }
    Some(readings)
}

/// The ways through a node. Patterns are nested at most as deep as their parser allows.
fn expand(node: &Node) -> Option<Vec<Reading>> {
    Some(match node {
        Node::Empty => vec![Vec::new()],
        Node::Literal { character, .. } => vec![vec![Item::Char(character.to_ascii_lowercase())]],
        Node::Dot(_) => vec![vec![Item::Dot]],
        Node::Class(set) => {
            // `[.]`, `[aA]`
            let mut members = set.ranges().iter().flat_map(|range| range.start()..=range.end()).take(4);
            let first = members.next().map(|member| member.to_ascii_lowercase());
            match first {
                Some(first) if members.all(|member| member.to_ascii_lowercase() == first) => {
                    vec![vec![Item::Char(first)]]
                }
                _ => vec![vec![Item::Hole]],
            }
        }
        Node::Look(Look::Start | Look::StartLine | Look::End | Look::LooseEnd | Look::EndLine) => {
            vec![vec![Item::Edge]]
        }
        // What must not follow is not what was meant; what must follow is spelt out once more, or is not spelt out at all.
        Node::Look(Look::WordBoundary | Look::NotWordBoundary) | Node::Ahead { holds: false, .. } => vec![Vec::new()],
        Node::Ahead { node, holds: true } => expand(node)?,
        Node::Alternate(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(expand(branch)?);
                if all.len() > MAX_READINGS {
                    return None;
                }
            }
            all
        }
        Node::Concat(items) => {
            let mut all = vec![Vec::new()];
            for item in items {
                all = product(&all, &expand(item)?)?;
            }
            all
        }
        Node::Repeat { node, min, max, .. } => repeated(node, *min, *max)?,
    })
}

fn repeated(node: &Node, min: u32, max: Option<u32>) -> Option<Vec<Reading>> {
    let once = expand(node)?;
    let is_hole = |readings: &[Reading]| readings.iter().all(|reading| matches!(reading[..], [Item::Hole | Item::Dot]));
    if is_hole(&once) && max != Some(1) {
        return Some(vec![vec![Item::Hole]]);
    }
    // `(\d{1,3}\.){3}` three times; whatever may come more often, once.
    let copies = min.clamp(1, 8);
    let mut all = vec![Vec::new()];
    for _ in 0..copies {
        all = product(&all, &once)?;
    }
    if min == 0 {
        all.push(Vec::new());
    }
    Some(all)
}

fn product(left: &[Reading], right: &[Reading]) -> Option<Vec<Reading>> {
    if left.len().saturating_mul(right.len()) > MAX_READINGS {
        return None;
    }
    let mut all = Vec::with_capacity(left.len() * right.len());
    for start in left {
        for end in right {
            if start.len() + end.len() > MAX_LENGTH {
                return None;
            }
            all.push(start.iter().chain(end).copied().collect());
        }
    }
    Some(all)
}
