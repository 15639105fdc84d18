//! What every match begins with: a quick no for most of the paths that a server's patterns are held against.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// The characters, in lower case, that every string with a match begins with, in whatever case; empty where there are
/// none, or none that are ASCII. `hir` is a search without anchor.
pub(super) fn opening(hir: &Hir) -> String {
    let mut opening = String::new();
    let mut anchored = false;
    read(hir, &mut anchored, &mut opening);
    opening
}

/// Reads on, and says whether what comes behind `hir` may be read too.
fn read(hir: &Hir, anchored: &mut bool, opening: &mut String) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Look(Look::Start) => {
            *anchored = true;
            true
        }
        HirKind::Concat(parts) => parts.iter().all(|part| read(part, anchored, opening)),
        HirKind::Capture(inner) => read(&inner.sub, anchored, opening),
        HirKind::Literal(literal) if *anchored && literal.0.is_ascii() => {
            opening.extend(literal.0.iter().map(|byte| byte.to_ascii_lowercase() as char));
            true
        }
        HirKind::Class(Class::Unicode(class)) if *anchored => {
            // A letter in both cases, or one character alone.
            let mut letters = class.iter().flat_map(|range| [range.start(), range.end()]);
            let narrow = class.iter().all(|range| range.start() == range.end());
            let Some(first) = letters.next().map(|letter| letter.to_ascii_lowercase()) else { return false };
            let same = narrow && first.is_ascii() && letters.all(|letter| letter.to_ascii_lowercase() == first);
            if same {
                opening.push(first);
            }
            same
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Anchoring, Engine, Flags, Pattern};
    use super::opening;

    #[test]
    fn it_is_what_every_match_begins_with() {
        let of = |text: &str, anchoring, flags| {
            opening(Pattern::new(text, Engine::JavaScript, anchoring, flags).unwrap().hir())
        };
        for (text, expected) in [
            (r"^/api/([^/]+)/?$", "/api/"),
            (r"^\/api\/Users$", "/api/users"),
            (r"^(?:/a)(b)+c", "/a"),
            (r"^a?b", ""),
            (r"^(a|b)c", ""),
            (r"a^b", ""),
            (r"api", ""),
            (r"^[aA]bé", "a"),
            (r"^[ab]c", ""),
        ] {
            assert_eq!(of(text, Anchoring::Search, Flags::NONE), expected, "{text}");
        }
        assert_eq!(of("/K1:", Anchoring::Prefix, Flags::IGNORE_CASE), "/k1:");
        assert_eq!(of("/k", Anchoring::Full, Flags { unicode: true, ..Flags::IGNORE_CASE }), "/k");
    }

    #[test]
    fn it_changes_no_answer() {
        let texts = ["", "/", "/API/x", "/api/x", "/apx", "/a", "x/api/x", "/ap\u{212a}", "/é"];
        for pattern in ["^/api/x$", "^/a", "/api", "^(/api)?/x", "^/ap(i|k)", "^$"] {
            for flags in [Flags::NONE, Flags::IGNORE_CASE] {
                let pattern = Pattern::new(pattern, Engine::JavaScript, Anchoring::Search, flags).unwrap();
                for text in texts {
                    let plain = pattern.compiled.regex().is_some_and(|regex| regex.is_match(text));
                    assert!(pattern.matches(text).is_none_or(|found| found == plain), "{pattern:?} {text}");
                }
            }
        }
    }
}
