//! From text to trees.

pub mod program;
