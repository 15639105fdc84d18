//! Templates of manifests, as charts of Helm hold them: what they fill in is masked, so that they can be read as YAML.

use memchr::memmem::find;

/// What stands in the place of something filled in, at least once, and in no name of Kubernetes.
const FILLED_IN: &str = "__";

/// Whether a value is filled in, wholly or in part.
pub(super) fn is_filled_in(value: &str) -> bool {
    value.contains(FILLED_IN)
}

/// The text with `{{ … }}` masked, byte for byte: blank where the lines hold nothing else, such as conditions (each branch
/// is then read), and of underscores within a value. `None` where there is nothing to mask.
pub(super) fn masked(text: &str) -> Option<String> {
    find(text.as_bytes(), b"{{")?;
    let mut masked = String::with_capacity(text.len());
    let mut rest = 0;
    while let Some(start) = text.get(rest..).and_then(|tail| tail.find("{{")).map(|at| rest + at) {
        let Some(end) = text[start..].find("}}").map(|at| start + at + 2) else { break };
        masked.push_str(&text[rest..start]);
        let before = text[..start].rsplit('\n').next().unwrap_or_default();
        let behind = text[end..].split('\n').next().unwrap_or_default();
        let alone = before.trim().is_empty() && behind.trim().is_empty();
        let cover = if alone { " " } else { "_" };
        for letter in text[start..end].chars() {
            match letter {
                '\n' => masked.push('\n'),
                letter => masked.push_str(&cover.repeat(letter.len_utf8())),
            }
        }
        rest = end;
    }
    masked.push_str(&text[rest..]);
    Some(masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_their_own_are_blank_and_values_are_filled() {
        let text = "{{- if .Values.on }}\nname: {{ include \"ü\" . }}-x\n{{ end }}\n";
        let expected = "                    \nname: ____________________-x\n         \n";
        let masked = masked(text).unwrap();
        assert_eq!(masked, expected);
        assert_eq!(masked.len(), text.len());
        assert!(is_filled_in("https://____.example.com") && !is_filled_in("https://app.example.com"));
    }

    #[test]
    fn other_texts_are_left_alone() {
        assert_eq!(masked("a: {b: 1}\n"), None);
        assert_eq!(masked("a: {{ b\n").as_deref(), Some("a: {{ b\n"));
    }
}
