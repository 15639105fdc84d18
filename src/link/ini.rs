//! Files of sections with `key = value`: units of systemd, programs of supervisor, settings of uWSGI.

/// A section, with its keys in order.
pub(super) struct Section<'t> {
    /// Between the brackets.
    pub name: &'t str,
    /// Keys and values, without blanks around them.
    pub entries: Vec<(&'t str, &'t str)>,
}

impl<'t> Section<'t> {
    /// The last value of a key.
    pub fn get(&self, key: &str) -> Option<&'t str> {
        self.entries.iter().rev().find(|(own, _)| *own == key).map(|(_, value)| *value)
    }

    /// Every value of a key.
    pub fn all(&self, key: &str) -> impl Iterator<Item = &'t str> {
        self.entries.iter().filter(move |(own, _)| *own == key).map(|(_, value)| *value)
    }
}

/// The sections of a text. What stands before the first one belongs to none.
pub(super) fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            sections.push(Section { name: name.trim(), entries: Vec::new() });
        } else if let (Some(section), Some((key, value))) = (sections.last_mut(), line.split_once('=')) {
            section.entries.push((key.trim(), value.trim()));
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_counts() {
        let found = sections("stray = 1\n[uwsgi]\n; a remark\nmodule = app:app\nmodule=web:app\n[other] \nx=a=b\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].get("module"), Some("web:app"));
        assert_eq!(found[0].all("module").count(), 2);
        assert_eq!((found[1].name, found[1].get("x")), ("other", Some("a=b")));
    }
}
