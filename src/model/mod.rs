//! What servers answer: guarded effects in ordered steps, and how a request fares among them.

mod answer;
mod capture;
mod guard;
mod malformed;
mod path;
mod play;
mod project;
mod reason;
mod server;
mod text;
mod variables;
mod world;

pub use answer::{Answer, Because, Behind, Environment, Outcome, Sent, Session, each_condition, each_effect, steps};
pub use capture::{Capture, Capturing};
pub use guard::{Check, Guard, Parts, Statuses};
pub use malformed::is_malformed;
pub use path::{PathMatch, PathResult, percent_decode, resolve_path};
pub use project::{KnownBy, Link, Project};
pub use reason::Reason;
pub use server::{
    BodyKind, Dispatch, Effect, EffectKind, End, Entry, Forward, Group, HeaderWrite, Instead, Listen, Node, Remark,
    RemarkKind, Server, Status, Step, StepKind, Trail, WriteOp,
};
pub use text::{Members, Part, Text, UrlPart};
pub use world::{Answerer, World};
