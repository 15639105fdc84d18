//! What stays the same about a finding when the file around it changes.

use std::fmt;

/// Names a finding across runs: 32 hexadecimal digits.
///
/// It is made of the rule, the file, the source text of the primary label without what formatters change, the names of
/// what that stands in (a route, a location), and, among findings that are equal in all of these, their order. So it
/// survives moved lines, reformatting, renamed variables and other findings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is left of a finding when line numbers and spelling are taken away.
#[derive(Clone, Copy, Debug)]
pub struct Essence<'a> {
    /// The rule's id.
    pub rule: &'a str,
    /// The file, relative to the project's folder, with `/`.
    pub file: &'a str,
    /// The source text of the primary label.
    pub text: &'a str,
    /// The names of what the primary label stands in, from the outermost on.
    pub within: &'a [String],
}

/// The fingerprint of a finding; `ordinal` counts the findings with an equal essence before it.
pub fn fingerprint(essence: Essence<'_>, ordinal: usize) -> Fingerprint {
    let Essence { rule, file, text, within } = essence;
    let mut hash = Fnv::new();
    for part in [rule, file, &normalised(text), &ordinal.to_string()] {
        hash.write(part.as_bytes());
        hash.write(&[0]);
    }
    for name in within {
        hash.write(name.as_bytes());
        hash.write(&[0]);
    }
    Fingerprint(format!("{:032x}", hash.0))
}

/// A source text without what formatters change: blanks outside quotes, the kind of quotes, a comma before a closing
/// bracket, and a semicolon at the end.
fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quote = None;
    for c in text.chars() {
        match c {
            '\r' => {}
            c if c.is_whitespace() => {
                if quote.is_some() {
                    out.push(' ');
                }
            }
            '\'' | '"' | '`' => {
                quote = match quote {
                    None => Some(c),
                    Some(open) if open == c => None,
                    Some(open) => Some(open),
                };
                out.push('"');
            }
            ')' | ']' | '}' if quote.is_none() => {
                if out.ends_with(',') {
                    out.pop();
                }
                out.push(c);
            }
            c => out.push(c),
        }
    }
    while out.ends_with([';', ',']) {
        out.pop();
    }
    out
}

/// FNV-1a of 128 bits: the same on every machine and in every release, which the standard library's hashers are not.
struct Fnv(u128);

impl Fnv {
    fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(rule: &str, file: &str, text: &str, within: &[&str], ordinal: usize) -> Fingerprint {
        let within: Vec<String> = within.iter().map(|name| (*name).to_owned()).collect();
        fingerprint(Essence { rule, file, text, within: &within }, ordinal)
    }

    #[test]
    fn it_survives_what_formatters_do() {
        let one = named("r", "a.js", "cors({origin: ['x',\r\n  'y'], });", &[], 0);
        let two = named("r", "a.js", "cors({ origin: [\"x\", \"y\"] })", &[], 0);
        assert_eq!(one, two);
    }

    #[test]
    fn it_tells_rules_files_texts_surroundings_and_order_apart() {
        let base = named("r", "a.js", "true", &["/a"], 0);
        assert_ne!(base, named("s", "a.js", "true", &["/a"], 0));
        assert_ne!(base, named("r", "b.js", "true", &["/a"], 0));
        assert_ne!(base, named("r", "a.js", "false", &["/a"], 0));
        assert_ne!(base, named("r", "a.js", "true", &["/b"], 0));
        assert_ne!(base, named("r", "a.js", "true", &["/a"], 1));
        assert_ne!(named("ra", ".js", "", &[], 0), named("r", "a.js", "", &[], 0));
        assert_ne!(named("r", "a.js", "'a b'", &[], 0), named("r", "a.js", "'ab'", &[], 0), "a blank in a text counts");
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        let mut hash = Fnv::new();
        hash.write(b"a");
        assert_eq!(hash.0, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
