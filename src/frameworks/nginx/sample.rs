//! A path that a location's regular expression takes, for probing.

use regex_syntax::hir::{Class, Hir, HirKind};

/// How long a sample may get, and how deep a pattern is followed.
const LONGEST: usize = 256;

/// A path that the pattern matches, where one is easily found.
pub(super) fn path(pattern: &str) -> Option<String> {
    let hir =
        regex_syntax::ParserBuilder::new().utf8(false).unicode(false).nest_limit(64).build().parse(pattern).ok()?;
    let mut bytes = Vec::new();
    write(&hir, &mut bytes);
    let text = String::from_utf8(bytes).ok()?;
    let path = if text.starts_with('/') { text } else { format!("/{text}") };
    let regex = regex_automata::meta::Regex::builder()
        .syntax(regex_automata::util::syntax::Config::new().unicode(false).utf8(false))
        .build(pattern)
        .ok()?;
    [path.clone(), format!("/a{path}"), path.trim_start_matches('/').to_owned()]
        .into_iter()
        .find(|path| path.starts_with('/') && regex.is_match(path))
}

/// Recursion is bounded by the parser's limit on nesting.
fn write(hir: &Hir, bytes: &mut Vec<u8>) {
    if bytes.len() > LONGEST {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => bytes.extend_from_slice(&literal.0),
        HirKind::Class(class) => bytes.push(member(class)),
        HirKind::Repetition(repetition) => {
            let times = if repetition.min == 0 && repetition.max == Some(1) { 0 } else { repetition.min.clamp(1, 8) };
            (0..times).for_each(|_| write(&repetition.sub, bytes));
        }
        HirKind::Capture(capture) => write(&capture.sub, bytes),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, bytes)),
        HirKind::Alternation(branches) => {
            if let Some(first) = branches.first() {
                write(first, bytes);
            }
        }
    }
}

fn member(class: &Class) -> u8 {
    let has = |wanted: u8| match class {
        Class::Bytes(class) => class.iter().any(|range| range.start() <= wanted && wanted <= range.end()),
        Class::Unicode(class) => {
            class.iter().any(|range| range.start() <= wanted as char && wanted as char <= range.end())
        }
    };
    b"a1A/-_.".iter().copied().chain(b'!'..=b'~').find(|byte| has(*byte)).unwrap_or(b'a')
}
