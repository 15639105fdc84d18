//! What servers answer: guarded effects in ordered steps, and how a request fares among them.

mod answer;
mod guard;
mod path;
mod play;
mod reason;
mod server;
mod text;

pub use answer::{Answer, Because, Environment, Outcome, Sent, Session, each_effect};
pub use guard::{Check, Guard};
pub use path::{PathMatch, PathResult};
pub use play::{Answerer, World};
pub use reason::Reason;
pub use server::{
    Dispatch, Effect, EffectKind, End, Forward, Group, HeaderWrite, Listen, Node, Remark, RemarkKind, Server, Status,
    Step, StepKind, Trail, WriteOp,
};
pub use text::{Part, Text, UrlPart};
