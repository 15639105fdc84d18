//! Number literals, which JavaScript and Python write alike.

/// The value of a number literal; NaN for one that is none, such as Python's `1j`.
/// Digits may be separated by `_`; a leading zero makes an octal (ECMA-262, annex B; Python 2), and `n` and `L`
/// (`BigInt`, Python 2's `long`) change nothing.
pub(super) fn number(raw: &str) -> f64 {
    let text = raw.chars().filter(|character| *character != '_').collect::<String>().to_ascii_lowercase();
    let text = text.strip_suffix(['n', 'l']).unwrap_or(&text);
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return in_radix(digits, radix);
        }
    }
    let is_octal = text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    if is_octal { in_radix(text, 8) } else { text.parse().unwrap_or(f64::NAN) }
}

fn in_radix(digits: &str, radix: u32) -> f64 {
    let next = |sum: f64, digit: char| digit.to_digit(radix).map(|digit| sum * f64::from(radix) + f64::from(digit));
    digits.chars().try_fold(0.0, next).unwrap_or(f64::NAN)
}
