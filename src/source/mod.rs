//! Files, places in them, and the set of files of one run.

mod lines;
mod set;
mod span;

pub use lines::{LineIndex, Position};
pub use set::{LARGEST_FILE, LoadError, SourceFile, SourceSet, read_text, text_of};
pub use span::{FileId, Span};
