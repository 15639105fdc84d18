//! From text to trees.
