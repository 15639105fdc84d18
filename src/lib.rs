//! corslint: a static linter for CORS.
//!
//! It reads server code and configuration, extracts what each server will put on the wire, works out what a
//! browser will do with it, and reports what is unsafe or broken. `docs/architecture.md` tells the design; the
//! modules below stand in the order of their floors, and each knows only those above it in this list.

pub mod cors;
pub mod source;

pub mod model;
pub mod syntax;

pub mod eval;
pub mod finding;

pub mod frameworks;

pub mod link;
pub mod rules;

pub mod config;

pub mod fix;
pub mod report;
pub mod triage;

pub mod engine;

pub mod cli;
