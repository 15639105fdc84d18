//! Where a command's output goes.

use std::io::{ErrorKind, Write};
use std::path::Path;

use super::Failure;
use crate::fix;

/// Writes to standard output. A reader that has gone away (`| head`) is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes to standard error, where standard output has something else to say.
pub(super) fn print_beside(text: &str) -> Result<(), Failure> {
    // There is nobody left to tell if this fails.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
    Ok(())
}

/// Writes a file as a whole: a reader sees the old text or the new one.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fix::write_text(path, text).map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
}
