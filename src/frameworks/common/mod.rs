//! What several frameworks share.

pub mod node;
