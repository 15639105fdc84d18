//! From text to trees.

pub mod data;
pub mod dotenv;
pub mod javascript;
pub mod nginx;
pub mod program;
pub mod python;

mod chain;
#[cfg(test)]
mod hostile;
mod nesting;
mod number;
mod reading;
#[cfg(test)]
mod sexpr;

use std::path::Path;

pub use reading::DEEPEST;

use crate::source::{FileId, FileKind};
use javascript::Dialect;
use program::{LeftOut, Program};

/// Up to how many bytes a text is read once more in another dialect.
const LONGEST_TWICE: usize = 512 << 10;

/// A source language that lowers into a [`Program`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// JavaScript, JSX included.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Python.
    Python,
}

impl SourceKind {
    /// The language of a file whose kind is known; `None` when it is no program.
    pub fn of(kind: FileKind) -> Option<Self> {
        match kind {
            FileKind::JavaScript => Some(SourceKind::JavaScript),
            FileKind::TypeScript => Some(SourceKind::TypeScript),
            FileKind::Tsx => Some(SourceKind::Tsx),
            FileKind::Python => Some(SourceKind::Python),
            FileKind::Nginx => None,
        }
    }
}

/// The language of a file, by its name's ending. Declaration files (`.d.ts` and its kin) hold no program.
pub fn language_of(path: &Path) -> Option<SourceKind> {
    let name = path.file_name()?.to_string_lossy();
    let (stem, extension) = name.rsplit_once('.')?;
    match extension {
        "js" | "mjs" | "cjs" | "jsx" => Some(SourceKind::JavaScript),
        "ts" | "mts" | "cts" if stem.ends_with(".d") => None,
        "ts" | "mts" | "cts" => Some(SourceKind::TypeScript),
        "tsx" => Some(SourceKind::Tsx),
        "py" => Some(SourceKind::Python),
        _ => None,
    }
}

/// Lowers `text`. Never fails: what cannot be read is told by [`Program::errors`] and [`Program::truncated`].
pub fn lower(kind: SourceKind, file: FileId, text: &str) -> Program {
    match kind {
        SourceKind::JavaScript => {
            let program = javascript::lower(file, text, Dialect::JavaScript);
            if text.len() > LONGEST_TWICE {
                return program;
            }
            let too_broken = program.truncated.is_some_and(|truncated| truncated.why == LeftOut::TooBroken);
            if !too_broken && (program.errors.is_empty() || program.truncated.is_some()) {
                return program;
            }
            // Flow's types, and TypeScript under a name of JavaScript.
            let typed = javascript::lower(file, text, Dialect::Tsx);
            let better = too_broken || typed.errors.len() < program.errors.len();
            if better && typed.truncated.is_none() { typed } else { program }
        }
        SourceKind::TypeScript => javascript::lower(file, text, Dialect::TypeScript),
        SourceKind::Tsx => javascript::lower(file, text, Dialect::Tsx),
        SourceKind::Python => python::lower(file, text),
    }
}
