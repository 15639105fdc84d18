//! What stays the same about a finding when the file around it changes.

use std::fmt;

/// Names a finding across runs: 32 hexadecimal digits.
///
/// It is made of the rule, the file, the source text of the primary label without what formatters change, and, among
/// findings that are equal in all of these, their order. So it survives moved lines, reformatting and other findings.
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

/// The fingerprint of a finding of `rule` in the file `name`, whose primary label covers `text`; `ordinal` counts the
/// findings of the same rule, file and normalised text before it.
pub fn fingerprint(rule: &str, name: &str, text: &str, ordinal: usize) -> Fingerprint {
    let mut hash = Fnv::new();
    for part in [rule, name, &normalised(text), &ordinal.to_string()] {
        hash.write(part.as_bytes());
        hash.write(&[0]);
    }
    Fingerprint(format!("{:032x}", hash.0))
}

/// A source text without what formatters change: blanks, the kind of quotes, a comma before a closing bracket, and a
/// semicolon at the end.
pub(crate) fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        match c {
            '\'' | '`' => out.push('"'),
            ')' | ']' | '}' => {
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

    #[test]
    fn it_survives_what_formatters_do() {
        let one = fingerprint("r", "a.js", "cors({origin: ['x',\n  'y'], });", 0);
        let two = fingerprint("r", "a.js", "cors({ origin: [\"x\", \"y\"] })", 0);
        assert_eq!(one, two);
    }

    #[test]
    fn it_tells_rules_files_texts_and_order_apart() {
        let base = fingerprint("r", "a.js", "true", 0);
        assert_ne!(base, fingerprint("s", "a.js", "true", 0));
        assert_ne!(base, fingerprint("r", "b.js", "true", 0));
        assert_ne!(base, fingerprint("r", "a.js", "false", 0));
        assert_ne!(base, fingerprint("r", "a.js", "true", 1));
        assert_ne!(fingerprint("ra", ".js", "", 0), fingerprint("r", "a.js", "", 0));
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        let mut hash = Fnv::new();
        hash.write(b"a");
        assert_eq!(hash.0, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
