//! What a backslash and the letters after it stand for, per engine.
//!
//! Sources as in `parse.rs`: ECMA-262 22.2.1 and annex B.1.2, CPython `Lib/re/_parser.py`, `pcre2pattern(3)`.

use super::parse::{Item, Look, Parser, invalid, unsupported};
use super::{Engine, PatternError, class};

impl Parser {
    /// What follows a `\`.
    pub(super) fn escape(&mut self, in_class: bool) -> Result<Item, PatternError> {
        let Some(letter) = self.next() else { return invalid("\\ at the end") };
        if let Some(set) = class::perl(letter, self.engine, self.flags.ascii) {
            return Ok(Item::Set(set));
        }
        match letter {
            'n' => return Ok(Item::Character('\n')),
            'r' => return Ok(Item::Character('\r')),
            't' => return Ok(Item::Character('\t')),
            'f' => return Ok(Item::Character('\u{c}')),
            'v' if self.engine != Engine::Pcre => return Ok(Item::Character('\u{b}')),
            'b' if in_class => return Ok(Item::Character('\u{8}')),
            'b' => return Ok(Item::Look(Look::WordBoundary)),
            'B' if !in_class => return Ok(Item::Look(Look::NotWordBoundary)),
            _ => {}
        }
        match self.engine {
            Engine::JavaScript => self.escape_javascript(letter, in_class),
            Engine::Python => self.escape_python(letter, in_class),
            Engine::Pcre => self.escape_pcre(letter, in_class),
        }
    }

    fn escape_javascript(&mut self, letter: char, in_class: bool) -> Result<Item, PatternError> {
        let strict = self.flags.unicode;
        match letter {
            '0' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => Ok(Item::Character('\0')),
            '0'..='9' => unsupported("a backreference or octal escape"),
            'k' if strict || self.has_named_group() => unsupported("a backreference"),
            'c' => match self.peek() {
                Some(control) if control.is_ascii_alphabetic() => {
                    self.at += 1;
                    Ok(Item::Character(char::from(control as u8 % 32)))
                }
                _ => unsupported("\\c without a letter"),
            },
            'p' | 'P' if strict => self.property(letter),
            'x' => self.hexadecimal(2, letter, strict),
            'u' if strict && self.peek() == Some('{') => self.braced_hexadecimal(),
            'u' => self.hexadecimal(4, letter, strict),
            '-' if in_class => Ok(Item::Character('-')),
            letter if strict && !"^$\\.*+?()[]{}|/".contains(letter) => invalid("unknown escape under the u flag"),
            letter => Ok(Item::Character(letter)),
        }
    }

    fn has_named_group(&self) -> bool {
        self.text
            .windows(4)
            .any(|window| window.starts_with(&['(', '?', '<']) && !matches!(window.get(3), Some('=' | '!')))
    }

    fn escape_python(&mut self, letter: char, in_class: bool) -> Result<Item, PatternError> {
        match letter {
            'A' if !in_class => Ok(Item::Look(Look::Start)),
            'Z' if !in_class => Ok(Item::Look(Look::End)),
            'z' if !in_class => unsupported("\\z, which only newer versions know,"),
            'a' => Ok(Item::Character('\u{7}')),
            'x' => self.hexadecimal(2, letter, true),
            'u' => self.hexadecimal(4, letter, true),
            'U' => self.hexadecimal(8, letter, true),
            'N' => unsupported("a character by its name"),
            '0' => Ok(self.octal(0, 2)),
            '1'..='9' => {
                let octal = |c: Option<char>| c.is_some_and(|c| ('0'..='7').contains(&c));
                if letter <= '3' && octal(self.peek()) && octal(self.peek_at(1)) {
                    Ok(self.octal(letter as u32 - '0' as u32, 2))
                } else {
                    unsupported("a backreference")
                }
            }
            letter if letter.is_ascii_alphabetic() => invalid("bad escape"),
            letter => Ok(Item::Character(letter)),
        }
    }

    fn escape_pcre(&mut self, letter: char, in_class: bool) -> Result<Item, PatternError> {
        if let Some(set) = class::pcre(letter) {
            return Ok(Item::Set(set));
        }
        match letter {
            'A' if !in_class => Ok(Item::Look(Look::Start)),
            'Z' if !in_class => Ok(Item::Look(Look::LooseEnd)),
            'z' if !in_class => Ok(Item::Look(Look::End)),
            'N' if !in_class && self.peek() != Some('{') => Ok(Item::Set(class::dot(self.engine))),
            'a' => Ok(Item::Character('\u{7}')),
            'e' => Ok(Item::Character('\u{1b}')),
            'E' => Ok(Item::Nothing),
            '0' => Ok(self.octal(0, 2)),
            'x' if self.peek() == Some('{') => self.braced_hexadecimal(),
            'x' => {
                let mut value = 0;
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|next| next.to_digit(16)) else { break };
                    value = value * 16 + digit;
                    self.at += 1;
                }
                self.byte(value)
            }
            letter if letter.is_ascii_alphanumeric() => unsupported(&format!("\\{letter}")),
            letter => Ok(Item::Character(letter)),
        }
    }

    /// PCRE without UTF knows bytes, of which only the ASCII ones are characters here.
    fn byte(&self, value: u32) -> Result<Item, PatternError> {
        match char::from_u32(value) {
            Some(character) if character.is_ascii() => Ok(Item::Character(character)),
            _ => unsupported("text beyond ASCII"),
        }
    }

    fn octal(&mut self, mut value: u32, most: usize) -> Item {
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|next| next.to_digit(8)) else { break };
            value = value * 8 + digit;
            self.at += 1;
        }
        Item::Character(char::from_u32(value & 0xff).unwrap_or('\0'))
    }

    /// Exactly `digits` hexadecimal digits; without them the letter itself, or an error where the engine is strict.
    fn hexadecimal(&mut self, digits: usize, letter: char, strict: bool) -> Result<Item, PatternError> {
        let mut value = 0u32;
        for ahead in 0..digits {
            match self.peek_at(ahead).and_then(|next| next.to_digit(16)) {
                Some(digit) => value = value.wrapping_mul(16) | digit,
                None if strict => return invalid("incomplete escape"),
                None => return Ok(Item::Character(letter)),
            }
        }
        self.at += digits;
        self.code_point(value)
    }

    fn braced_hexadecimal(&mut self) -> Result<Item, PatternError> {
        self.at += 1;
        let mut value = 0u32;
        let mut digits = 0;
        while let Some(digit) = self.peek().and_then(|next| next.to_digit(16)) {
            value = value.saturating_mul(16).saturating_add(digit);
            digits += 1;
            self.at += 1;
        }
        if digits == 0 || !self.eat('}') {
            return invalid("incomplete escape");
        }
        if self.engine == Engine::Pcre { self.byte(value) } else { self.code_point(value) }
    }

    fn code_point(&self, value: u32) -> Result<Item, PatternError> {
        match char::from_u32(value) {
            Some(character) => Ok(Item::Character(character)),
            None if (0xd800..0xe000).contains(&value) => unsupported("half of a surrogate pair"),
            None => invalid("no such character"),
        }
    }

    fn property(&mut self, letter: char) -> Result<Item, PatternError> {
        if !self.eat('{') {
            return invalid("incomplete property");
        }
        let mut name = String::new();
        loop {
            match self.next() {
                Some('}') => break,
                Some(character) => name.push(character),
                None => return invalid("incomplete property"),
            }
        }
        match class::property(&name) {
            Some(set) if letter == 'P' => Ok(Item::Set(class::negated(set))),
            Some(set) => Ok(Item::Set(set)),
            None => unsupported("this character property"),
        }
    }
}
