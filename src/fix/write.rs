//! Writing files as a whole: a reader sees the old text or the new one, never a part.

use std::io::Write;
use std::path::Path;

use super::Change;

/// Why a change was not written.
#[derive(Debug)]
pub enum WriteError {
    /// The file is not as it was read: somebody changed it meanwhile, or it is not UTF-8.
    Changed,
    /// Nobody may write it.
    ReadOnly,
    /// The system's own words.
    Io(std::io::Error),
}

impl std::fmt::Display for WriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WriteError::Changed => f.write_str("the file is not as it was read, or not UTF-8"),
            WriteError::ReadOnly => f.write_str("the file is read-only"),
            WriteError::Io(error) => write!(f, "the file cannot be written: {error}"),
        }
    }
}

impl std::error::Error for WriteError {}

/// Writes a changed file in place of the one that was read. Its mode is kept, and a link stays a link.
///
/// # Errors
/// [`WriteError`]; the file is then as it was.
pub fn write(change: &Change) -> Result<(), WriteError> {
    let path = change.path.canonicalize().map_err(WriteError::Io)?;
    let now = std::fs::read(&path).map_err(WriteError::Io)?;
    if now != change.before.as_bytes() {
        return Err(WriteError::Changed);
    }
    if std::fs::metadata(&path).map_err(WriteError::Io)?.permissions().readonly() {
        return Err(WriteError::ReadOnly);
    }
    write_text(&path, &change.after).map_err(WriteError::Io)
}

/// Writes a text to a file, new or not.
///
/// # Errors
/// The system's; an existing file is then as it was.
pub fn write_text(path: &Path, text: &str) -> std::io::Result<()> {
    // A device or a pipe cannot be replaced, only written to.
    if path.exists() && !path.is_file() {
        return std::fs::write(path, text);
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".corslint-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    set_mode(file.path(), &path)?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// Gives a new file the mode of the one that it replaces, or that of any new file.
#[cfg(unix)]
fn set_mode(new: &Path, old: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = match std::fs::metadata(old) {
        Ok(metadata) => metadata.permissions().mode(),
        Err(_) => 0o644,
    };
    std::fs::set_permissions(new, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn change(path: &Path) -> Change {
        Change { path: path.to_owned(), name: "x".into(), before: "old".into(), after: "new".into() }
    }

    #[test]
    fn modes_and_links_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o750)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&change(&link)).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o750);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_changed_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "newer").unwrap();
        assert!(matches!(write(&change(&file)), Err(WriteError::Changed)));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "newer");
    }
}
