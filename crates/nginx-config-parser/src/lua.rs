//! Where a `*_by_lua_block { … }` ends.
//!
//! The Lua module does not parse Lua: it looks for braces outside strings, long brackets and comments, with eight
//! token patterns (lua-nginx-module 0.10.x, `util/gen-lexer-c` and `src/ngx_http_lua_directive.c`).

use crate::{ErrorKind, Span};

/// The end of a Lua block.
pub(crate) enum LuaEnd {
    /// Offset of the closing brace.
    Close(usize),
    /// There is none; why, and where the fault lies (`None`: at the block's opening brace).
    Missing(ErrorKind, Option<Span>),
}

/// Finds the brace that closes the block whose code starts at `start`. Time is linear in the distance.
pub(crate) fn find_end(text: &[u8], start: usize) -> LuaEnd {
    let mut level = 1usize;
    let mut at = start;
    // Where a quote found no partner before this line's end, no later one of its kind on that line does either.
    let mut no_double_before = 0;
    let mut no_single_before = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'{' => level += 1,
            b'}' => {
                level -= 1;
                if level == 0 {
                    return LuaEnd::Close(at);
                }
            }
            b'"' | b'\'' => {
                let hopeless = if byte == b'"' { &mut no_double_before } else { &mut no_single_before };
                if at >= *hopeless {
                    match string_end(text, at) {
                        Ok(end) => {
                            at = end;
                            continue;
                        }
                        Err(line_end) => *hopeless = line_end,
                    }
                }
            }
            b'-' if text.get(at + 1) == Some(&b'-') => match long_bracket(text, at + 2, b'[') {
                Some(inner) => match after_long_bracket(text, at + 2, inner) {
                    Some(end) => {
                        at = end;
                        continue;
                    }
                    None => return unclosed_bracket(at, inner),
                },
                None => {
                    at = line_end(text, at);
                    continue;
                }
            },
            b'[' => {
                if let Some(inner) = long_bracket(text, at, b'[') {
                    match after_long_bracket(text, at, inner) {
                        Some(end) => {
                            at = end;
                            continue;
                        }
                        None => return unclosed_bracket(at, inner),
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    LuaEnd::Missing(ErrorKind::UnclosedLua, None)
}

fn unclosed_bracket(start: usize, end: usize) -> LuaEnd {
    LuaEnd::Missing(ErrorKind::UnclosedLuaBracket, Some(Span::at(start, end)))
}

/// The offset after a string that starts at `start`, or the end of the line on which it is not closed.
fn string_end(text: &[u8], start: usize) -> Result<usize, usize> {
    let quote = text.get(start);
    let mut at = start + 1;
    loop {
        match text.get(at) {
            None | Some(b'\n') => return Err(at),
            Some(b'\\') => match text.get(at + 1) {
                None | Some(b'\n') => return Err(at + 1),
                Some(_) => at += 2,
            },
            byte if byte == quote => return Ok(at + 1),
            Some(_) => at += 1,
        }
    }
}

fn line_end(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    rest.iter().position(|&byte| byte == b'\n').map_or(text.len(), |offset| start + offset)
}

/// The offset after `[`, any number of `=`, and `[` at `at` (or the same with `]`).
fn long_bracket(text: &[u8], at: usize, bracket: u8) -> Option<usize> {
    if text.get(at) != Some(&bracket) {
        return None;
    }
    let mut end = at + 1;
    while text.get(end) == Some(&b'=') {
        end += 1;
    }
    (text.get(end) == Some(&bracket)).then_some(end + 1)
}

/// The offset after the closing bracket that has as many `=` as the one at `open..inner`.
fn after_long_bracket(text: &[u8], open: usize, inner: usize) -> Option<usize> {
    let length = inner - open;
    let mut at = inner;
    while let Some(&byte) = text.get(at) {
        if byte == b']' {
            // Runs of `=` are visited once: a failed bracket's last `]`, if any, starts the next try.
            let mut end = at + 1;
            while text.get(end) == Some(&b'=') {
                end += 1;
            }
            if text.get(end) == Some(&b']') && end + 1 - at == length {
                return Some(end + 1);
            }
            at = end;
        } else {
            at += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end_of(code: &str) -> Option<usize> {
        match find_end(code.as_bytes(), 0) {
            LuaEnd::Close(at) => Some(at),
            LuaEnd::Missing(..) => None,
        }
    }

    #[test]
    fn braces_count_only_in_code() {
        for code in [
            "local t = { a = { 1 } } }",
            "ngx.say('}') }",
            r#"ngx.say("\"}") }"#,
            "-- }\n }",
            "--[[ } ]] }",
            "--[==[ } ]] ]=] ]==] }",
            "x = [[ } ]] }",
            "x = [=[ }]]} ]=] }",
            "don't = 1 -- it's\n }",
            "--[= } \n }",
            "a[b[1]] = 2 }",
        ] {
            assert_eq!(end_of(code), Some(code.len() - 1), "{code}");
        }
    }

    #[test]
    fn a_quote_without_partner_on_its_line_is_code() {
        assert_eq!(end_of("it's } \n }"), Some(5));
        assert_eq!(end_of("a \" \\\n } \" }"), Some(7));
    }

    #[test]
    fn what_is_open_at_the_end_is_missing() {
        assert!(matches!(find_end(b" { }", 0), LuaEnd::Missing(ErrorKind::UnclosedLua, None)));
        assert!(matches!(
            find_end(b" [==[ ]] }", 0),
            LuaEnd::Missing(ErrorKind::UnclosedLuaBracket, Some(Span { start: 1, end: 5 }))
        ));
    }
}
