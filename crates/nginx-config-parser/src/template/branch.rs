//! Conditions in templates whose branches are not whole directives.
//!
//! `{% if a %} geo $b $c { {% else %} geo $d $c { {% endif %} … }` opens one block, not two. Text is read once, so only the
//! first branch of such a condition can be.

use super::{Placeholder, PlaceholderKind};

/// What a statement does to the conditions and loops around it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Open,
    Else,
    End,
    Other,
}

/// A condition or loop that is open, and its branches that are complete.
struct Condition {
    branch_start: usize,
    first_balance: Option<isize>,
    later: Vec<(usize, usize)>,
    same: bool,
}

/// Blanks all but the first branch of each condition whose branches all open, or all close, the same number of blocks.
/// Each byte is counted once for each branch around it, in conditions of up to 32 levels.
pub(super) fn keep_first_of_unbalanced(text: &mut [u8], source: &[u8], placeholders: &[Placeholder]) {
    let mut open: Vec<Condition> = Vec::new();
    for placeholder in placeholders.iter().filter(|placeholder| placeholder.kind == PlaceholderKind::Statement) {
        let span = placeholder.span.range();
        let role = role_of(placeholder.span.slice(source));
        match role {
            Role::Open => {
                open.push(Condition { branch_start: span.end, first_balance: None, later: Vec::new(), same: true })
            }
            Role::Else | Role::End => {
                let deep = open.len() > 32;
                let Some(condition) = open.last_mut() else { continue };
                let branch = (condition.branch_start, span.start);
                let balance = if deep { 0 } else { balance(text.get(branch.0..branch.1).unwrap_or_default()) };
                match condition.first_balance {
                    None => condition.first_balance = Some(balance),
                    Some(first) => {
                        condition.same &= first == balance;
                        condition.later.push(branch);
                    }
                }
                condition.branch_start = span.end;
                if role == Role::Else {
                    continue;
                }
                let Some(condition) = open.pop() else { continue };
                if condition.same && condition.first_balance.is_some_and(|balance| balance != 0) {
                    for (start, end) in condition.later {
                        let branch = text.get_mut(start..end).unwrap_or_default();
                        branch.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
                    }
                }
            }
            Role::Other => {}
        }
    }
}

/// How many more braces open than close. Those of variables come in pairs, and so do most in quotes.
fn balance(text: &[u8]) -> isize {
    text.iter().map(|byte| isize::from(*byte == b'{') - isize::from(*byte == b'}')).sum()
}

fn role_of(statement: &[u8]) -> Role {
    let inside = statement.get(2..).unwrap_or_default();
    let inside = inside.strip_suffix(b"}}").or_else(|| inside.strip_suffix(b"%}")).unwrap_or(inside);
    let inside = inside.strip_suffix(b"%>").or_else(|| inside.strip_suffix(b"}")).unwrap_or(inside);
    let trim = |byte: &u8| byte.is_ascii_whitespace() || matches!(*byte, b'-' | b'~' | b'+');
    let start = inside.iter().position(|byte| !trim(byte)).unwrap_or(inside.len());
    let end = inside.iter().rposition(|byte| !trim(byte)).map_or(start, |last| last + 1);
    let inside = inside.get(start..end).unwrap_or_default();
    // Puppet's own templates have braces: `<% if $a { -%>`, `<% } else { -%>`, `<% } -%>`.
    match (inside.first() == Some(&b'}'), inside.last() == Some(&b'{')) {
        (true, true) => return Role::Else,
        (true, false) => return Role::End,
        (false, true) => return Role::Open,
        (false, false) => {}
    }
    match inside.first() {
        // Handlebars.
        Some(b'#' | b'^') if inside.len() > 1 => return Role::Open,
        Some(b'^') => return Role::Else,
        Some(b'/') => return Role::End,
        _ => {}
    }
    let word = inside.iter().position(|byte| !byte.is_ascii_alphabetic()).map_or(inside, |end| &inside[..end]);
    match word {
        b"if" | b"unless" | b"for" | b"range" | b"with" | b"define" | b"block" | b"macro" | b"call" | b"filter"
        | b"case" | b"while" | b"raw" => Role::Open,
        b"else" | b"elif" | b"elsif" | b"elseif" => Role::Else,
        _ if word.starts_with(b"end") => Role::End,
        // Ruby: `@hosts.each do |host|`.
        _ if inside.ends_with(b" do") || (inside.ends_with(b"|") && contains(inside, b" do |")) => Role::Open,
        _ => Role::Other,
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
