//! Sets of characters: the escapes that stand for one, and their meaning per engine.

use super::Engine;
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// A class of these inclusive ranges.
pub(super) fn of(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|&(start, end)| ClassUnicodeRange::new(start, end)))
}

/// Every character.
pub(super) fn any() -> ClassUnicode {
    of(&[('\0', char::MAX)])
}

/// The class with its members removed from the set of all characters.
pub(super) fn negated(mut class: ClassUnicode) -> ClassUnicode {
    class.negate();
    class
}

/// What `.` matches when it does not match everything: all but line terminators (ECMA-262 22.2.2.7 `CharacterClass`,
/// Python's `re`: all but line feed; PCRE: all but line feed, the default newline of a Unix build).
pub(super) fn dot(engine: Engine) -> ClassUnicode {
    negated(match engine {
        Engine::JavaScript => of(&[('\n', '\n'), ('\r', '\r'), ('\u{2028}', '\u{2029}')]),
        Engine::Python | Engine::Pcre => of(&[('\n', '\n')]),
    })
}

/// The set that `\d`, `\w`, `\s` and their capital forms stand for; `None` for other letters.
pub(super) fn perl(letter: char, engine: Engine, ascii: bool) -> Option<ClassUnicode> {
    let unicode = engine == Engine::Python && !ascii;
    let class = match letter.to_ascii_lowercase() {
        // str.isdecimal: general category Nd.
        'd' if unicode => parsed(r"\p{Nd}"),
        'd' => of(&[('0', '9')]),
        // str.isalnum or the underscore: letters and numbers, and unlike UTS 18 no marks.
        'w' if unicode => parsed(r"[\p{L}\p{N}_]"),
        'w' => of(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        // str.isspace also knows the four separators of ASCII.
        's' if unicode => parsed(r"[\s\x1c-\x1f]"),
        's' if engine == Engine::JavaScript => of(&[
            ('\t', '\r'),
            (' ', ' '),
            ('\u{a0}', '\u{a0}'),
            ('\u{1680}', '\u{1680}'),
            ('\u{2000}', '\u{200a}'),
            ('\u{2028}', '\u{2029}'),
            ('\u{202f}', '\u{202f}'),
            ('\u{205f}', '\u{205f}'),
            ('\u{3000}', '\u{3000}'),
            ('\u{feff}', '\u{feff}'),
        ]),
        's' => of(&[('\t', '\r'), (' ', ' ')]),
        _ => return None,
    };
    Some(if letter.is_ascii_uppercase() { negated(class) } else { class })
}

/// PCRE's `\h`, `\v` and their capital forms, as far as ASCII goes.
pub(super) fn pcre(letter: char) -> Option<ClassUnicode> {
    let class = match letter.to_ascii_lowercase() {
        'h' => of(&[('\t', '\t'), (' ', ' ')]),
        'v' => of(&[('\n', '\r')]),
        _ => return None,
    };
    Some(if letter.is_ascii_uppercase() { negated(class) } else { class })
}

/// A POSIX class by its name (`alpha` of `[[:alpha:]]`), in the C locale.
pub(super) fn posix(name: &str) -> Option<ClassUnicode> {
    let (name, negate) = name.strip_prefix('^').map_or((name, false), |rest| (rest, true));
    let class = match name {
        "alpha" => of(&[('A', 'Z'), ('a', 'z')]),
        "digit" => of(&[('0', '9')]),
        "alnum" => of(&[('0', '9'), ('A', 'Z'), ('a', 'z')]),
        "upper" => of(&[('A', 'Z')]),
        "lower" => of(&[('a', 'z')]),
        "word" => of(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        "xdigit" => of(&[('0', '9'), ('A', 'F'), ('a', 'f')]),
        "space" => of(&[('\t', '\r'), (' ', ' ')]),
        "blank" => of(&[('\t', '\t'), (' ', ' ')]),
        "punct" => of(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        "cntrl" => of(&[('\0', '\x1f'), ('\x7f', '\x7f')]),
        "graph" => of(&[('!', '~')]),
        "print" => of(&[(' ', '~')]),
        "ascii" => of(&[('\0', '\x7f')]),
        _ => return None,
    };
    Some(if negate { negated(class) } else { class })
}

/// A Unicode property by the text between the braces of `\p{…}`.
pub(super) fn property(name: &str) -> Option<ClassUnicode> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_=".contains(&byte)) {
        return None;
    }
    try_parsed(&format!(r"\p{{{name}}}"))
}

/// The class with the other case of its ASCII letters added. Strings beyond ASCII are not decided without case, so
/// nothing else is needed; letters beyond ASCII that have an ASCII one as their other case are refused when parsed
/// (see [`folds_to_ascii`]).
pub(super) fn folded(mut class: ClassUnicode) -> ClassUnicode {
    let both_cases = |(start, end): (u8, u8)| {
        class.ranges().iter().filter_map(move |range| {
            let low = u8::try_from(range.start()).unwrap_or(u8::MAX).max(start);
            let high = u8::try_from(range.end()).unwrap_or(u8::MAX).min(end);
            (low <= high).then(|| ClassUnicodeRange::new(char::from(low ^ 0x20), char::from(high ^ 0x20)))
        })
    };
    let others: Vec<ClassUnicodeRange> = both_cases((b'A', b'Z')).chain(both_cases((b'a', b'z'))).collect();
    class.union(&ClassUnicode::new(others));
    class
}

/// Whether a letter beyond ASCII in this range has an ASCII one as its other case, for some engine: the Kelvin sign,
/// the long s, the dotted and the dotless i.
pub(super) fn folds_to_ascii(start: char, end: char) -> bool {
    ['\u{130}', '\u{131}', '\u{17f}', '\u{212a}'].iter().any(|letter| (start..=end).contains(letter))
}

fn parsed(class: &str) -> ClassUnicode {
    try_parsed(class).unwrap_or_else(ClassUnicode::empty)
}

fn try_parsed(class: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(class).ok()?.into_kind() {
        regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => Some(class),
        _ => None,
    }
}
