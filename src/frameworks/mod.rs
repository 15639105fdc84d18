//! What each framework puts on the wire, said in the model's terms: one folder each.

pub mod analysis;
pub mod common;
pub mod express;
pub mod flask;
pub mod nginx;
