//! The CORS protocol: origins, header lists, requests, and what a browser decides.
//!
//! Everything here is a pure function of text: no file, no server, no framework. `browser` plays the Fetch
//! standard's protocol on a [`Request`] and a [`Reply`]; `pattern` decides what an origin test
//! written in somebody's server code accepts, and `witness` looks for an origin its author did not mean.

mod block;
pub mod browser;
pub mod console;
pub mod headers;
mod origin;
pub mod pattern;
mod request;
mod string_test;
mod suffix;
pub mod witness;

pub use block::{Block, BlockCode, Browser};
pub use browser::{Credentials, Fetch, Reply, Verdict};
pub use console::ConsoleMessage;
pub use origin::{Origin, OriginProblem};
pub use pattern::{Anchoring, Engine, Flags, Pattern, PatternError};
pub use request::Request;
pub use string_test::StringTest;
pub use witness::{
    Effort, GivenUp, Meant, OriginTest, Tenant, Witness, WitnessKind, admits_anybody, find_tenant, find_witness,
};
