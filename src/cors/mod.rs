//! The CORS protocol: origins, header lists, requests, and what a browser decides.
//!
//! Everything here is a pure function of text: no file, no server, no framework. `browser` plays the Fetch
//! standard's protocol on a [`Request`] and a [`Reply`](browser::Reply); `pattern` decides what an origin test
//! written in somebody's server code accepts, and `witness` looks for an origin its author did not mean.

pub mod headers;
pub mod pattern;
mod request;
mod string_test;

pub use pattern::{Anchoring, Engine, Flags, Pattern, PatternError};
pub use request::Request;
pub use string_test::StringTest;
