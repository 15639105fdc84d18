//! Hygiene: it works, and costs something later.

mod missing_vary;
mod preflight_cache;
mod unexposed_header;

use super::Rule;

/// The rules of this folder.
pub static RULES: &[&dyn Rule] =
    &[&missing_vary::MissingVary, &preflight_cache::PreflightCache, &unexposed_header::UnexposedHeader];
