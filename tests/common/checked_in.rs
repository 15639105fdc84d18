// Generated files that are checked in: held to what would be generated, and written anew with `UPDATE=1`.

use std::path::Path;

/// Holds the file, from the repository's root, to a text.
pub fn checked_in(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "{file} is not as it would be generated: `cargo xtask gen` writes it anew");
}
