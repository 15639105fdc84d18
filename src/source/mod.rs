//! Files, places in them, and the set of files of one run.

mod ignored;
mod kind;
mod lines;
pub mod scan;
mod set;
mod span;
mod tree;
mod walk;

pub use kind::{FileKind, looks_like_nginx};
pub use lines::{LineIndex, Position};
pub use set::{LARGEST_FILE, LoadError, SourceFile, SourceSet, decoded_utf16, read_bytes, read_text, text_of};
pub use span::{FileId, Span};
pub use tree::{Tree, glob};
pub use walk::{Candidate, Visit, WalkSettings, Walked, absolute, exclusions, walk};
