//! A server: steps of guarded effects, in the order in which a request meets them.

use std::sync::Arc;

use super::{Guard, PathMatch, Reason, Text};
use crate::source::Span;

/// Where a fact comes from: the places from the literal to where it takes effect, each with a short text.
///
/// The first is what a person would change; the last is where it acts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Trail(pub Vec<(Span, Arc<str>)>);

/// One server, or a policy that belongs to no server that could be found.
#[derive(Clone, Debug)]
pub struct Server {
    /// The framework's id: `express`, `node`, `flask`, `nginx`.
    pub framework: &'static str,
    /// What it runs on, for people: `express 5.3.0 (assumed)`.
    pub runtime: String,
    /// Where it is created.
    pub span: Span,
    /// Whether what surrounds its steps is known. A helper or a handler in a library stands by itself.
    pub complete: bool,
    /// Its steps.
    pub root: Group,
    /// What runs on every answer on its way out, in the order in which it runs.
    pub outgoing: Vec<Step>,
    /// Ports and names under which it listens.
    pub listens: Vec<Listen>,
    /// Why the program would not start.
    pub startup_error: Option<(String, Span)>,
    /// What was seen beside the steps.
    pub remarks: Vec<Remark>,
    /// Every place where its code speaks of something that decides CORS: steps, options, headers.
    pub files: Vec<crate::source::FileId>,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The port; `None` where it is not known.
    pub port: Option<u16>,
    /// The place.
    pub span: Span,
}

/// Steps below one path.
#[derive(Clone, Debug)]
pub struct Group {
    /// Which requests enter; what it matches is taken off the path inside.
    pub mount: PathMatch,
    /// Under which condition it is there at all.
    pub when: Guard,
    /// What is inside.
    pub nodes: Vec<Node>,
    /// How its end treats what nobody answered.
    pub dispatch: Dispatch,
    /// What runs on the answers that came from inside, on their way out, in order.
    pub outgoing: Vec<Step>,
    /// Answers from inside that are thrown away, and what answers instead of them. It runs before `outgoing`, which
    /// then does not.
    pub instead: Vec<Instead>,
    /// How a request gets here, where that takes more than a path.
    pub entry: Option<Entry>,
    /// Where it is mounted.
    pub span: Span,
}

impl Group {
    /// A group that takes every request, with nothing inside.
    pub fn new(dispatch: Dispatch, span: Span) -> Self {
        Self {
            mount: PathMatch::Any,
            when: Guard::Always,
            nodes: Vec::new(),
            dispatch,
            outgoing: Vec::new(),
            instead: Vec::new(),
            entry: None,
            span,
        }
    }
}

/// What answers instead of an answer that is thrown away (nginx's `error_page`).
#[derive(Clone, Debug)]
pub struct Instead {
    /// Which answers are thrown away.
    pub statuses: super::Statuses,
    /// Whether those that came from a server behind are, too.
    pub forwarded: bool,
    /// What answers.
    pub group: Group,
    /// Where this is said.
    pub span: Span,
}

/// How a request gets to a part of a server that answers for a host or port of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The host that leads here, with the port where it is not the scheme's own.
    pub host: String,
    /// Whether it is reached by `https:`.
    pub secure: bool,
}

impl Entry {
    /// The start of an address that leads here.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.host)
    }
}

/// How a group finds the steps to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// One after the other until one answers; at the end an OPTIONS request to a path that has routes for other
    /// methods is answered 200 (Express: `lib/router/index.js` of 4, `index.js` of the `router` package of 5).
    InOrder,
    /// One after the other until one answers, and nothing at the end (plain Node).
    Plain,
    /// The first whose path and method fit runs, and no other. Where one is left out for its method only, the error
    /// is 405, else 404; error handlers stand behind the group (Werkzeug 3.1, `routing/matcher.py`).
    Rules,
}

/// A step or a group.
#[derive(Clone, Debug)]
pub enum Node {
    /// A step.
    Step(Step),
    /// A group.
    Group(Group),
}

/// What a step is, for rules that speak of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// Sets CORS headers by a library.
    Cors,
    /// May refuse a request for want of credentials.
    Auth,
    /// A handler of a route.
    Route,
    /// Other middleware.
    Middleware,
    /// Serves files.
    Static,
    /// Parses bodies, and refuses broken ones.
    BodyParser,
    /// Limits the rate of requests.
    RateLimit,
    /// Answers errors.
    ErrorHandler,
    /// Hands the request to another server.
    Proxy,
    /// Sends the browser elsewhere.
    Redirect,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it is.
    pub kind: StepKind,
    /// The paths that it takes.
    pub path: PathMatch,
    /// The methods that it takes; `None` for all.
    pub methods: Option<Vec<Arc<str>>>,
    /// Under which condition it is there at all.
    pub when: Guard,
    /// What it does, in order.
    pub effects: Vec<Effect>,
    /// What happens when no effect ended it.
    pub end: End,
    /// Where it is registered.
    pub span: Span,
    /// How people call it: `cors()`, `GET /api`.
    pub label: String,
}

/// How a step ends that neither answered nor went on by an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The next step runs.
    Continue,
    /// Nothing ever answers.
    Hang,
    /// It answers, with a status that is not known.
    Respond(Reason),
}

/// One guarded effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// When it happens.
    pub when: Guard,
    /// What happens.
    pub kind: EffectKind,
    /// The place in the code.
    pub span: Span,
}

/// What an effect does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EffectKind {
    /// Writes a header.
    Write(HeaderWrite),
    /// Sets the status of the answer to come.
    Status(Status),
    /// Answers. Without a status, with the one set before, or 200.
    Respond(Option<Status>),
    /// The next step runs.
    Next,
    /// The rest of this route's steps is left out.
    Leave,
    /// The rest of this group's steps is left out.
    LeaveGroup,
    /// An error: the next error handler runs. The status is what the error itself carries.
    Fail(Status),
    /// Removes every header written so far.
    ClearHeaders,
    /// Notes something about the request at hand, for [`Guard::Marked`](super::Guard::Marked).
    Mark(Arc<str>),
    /// Nothing ever answers.
    Hang,
    /// The connection is closed without an answer.
    Close,
    /// The process ends: neither this request nor any later one is answered.
    Exit,
    /// The request goes to another server, whose answer passes through.
    Forward(Forward),
    /// Anything may happen here.
    Opaque(Reason),
    /// Nothing that a request could see: something for rules to know.
    Notice(RemarkKind),
}

/// A hand-over to another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The address as written, or as far as it is known.
    pub to: Text,
    /// Whether headers of the inner answer replace equal ones written before (`http-proxy`), or stand beside them.
    pub replaces: bool,
    /// The path that the other server sees, without query; `None` where it sees the one that came.
    pub path: Option<Text>,
    /// The method that the other server sees; `None` where it sees the one that came.
    pub method: Option<Text>,
    /// What is done to the request's headers on the way in.
    pub request: Vec<Effect>,
    /// Whether the other server sees none of the request's headers but those of `request`.
    pub bare: bool,
    /// Lower-case names of headers of the inner answer that are kept back.
    pub hides: Vec<(Arc<str>, Span)>,
    /// A header (lower case) with which the inner answer asks for another one in its place.
    pub asks_for_another: Option<Arc<str>>,
    /// Whether answers may come from a cache that knows nothing of the request but its address and what `Vary` names.
    pub cached: bool,
}

impl Forward {
    /// A hand-over that changes nothing on its way.
    pub fn new(to: Text) -> Self {
        Self {
            to,
            replaces: false,
            path: None,
            method: None,
            request: Vec::new(),
            bare: false,
            hides: Vec::new(),
            asks_for_another: None,
            cached: false,
        }
    }
}

/// A status code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// This one.
    Code(u16),
    /// The one that the error being handled carries.
    OfError,
    /// None, of an error that carries none: Express's last answer then keeps what was set before if that is a status
    /// of an error, and else has 500 (`finalhandler` 1.3 and 2.1, `index.js`).
    Unset,
    /// Not known.
    Unknown(Reason),
}

/// A write of one header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderWrite {
    /// The header's name as it is sent.
    pub name: Arc<str>,
    /// How it is written.
    pub op: WriteOp,
    /// The values; more than one are sent as so many lines.
    pub values: Vec<Text>,
    /// Where the value comes from.
    pub trail: Trail,
}

impl HeaderWrite {
    /// Whether it writes the header of this name (lower case).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// How a header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteOp {
    /// Replaces what is there.
    Set,
    /// Adds a line, next to those that are there.
    Append,
    /// Adds a line behind all others.
    AddLine,
    /// Adds each member of a list that is not yet there, in one line (npm's `vary`).
    AppendMembers,
    /// Sets it where it is not there.
    IfAbsent,
    /// Removes it.
    Remove,
}

/// What a framework noticed that no step shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What it is.
    pub kind: RemarkKind,
    /// The place.
    pub span: Span,
}

/// A kind of body, by what a browser does before it sends one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// JSON, whose `Content-Type` needs a preflight.
    Json,
    /// One that may be sent without: a form, plain text, or what is not known.
    Simple,
}

/// What was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// An option that the library does not know.
    UnknownOption {
        /// The option as written.
        name: String,
        /// The option that was meant, if one is near.
        meant: Option<&'static str>,
        /// The library.
        library: &'static str,
        /// What the library does instead.
        effect: String,
    },
    /// An option whose value the library ignores: its name, the value as written, what would count.
    IgnoredValue {
        /// The option.
        name: &'static str,
        /// What is expected, as code.
        expected: &'static str,
        /// What follows.
        effect: String,
    },
    /// Where the condition holds, the program does not start.
    FailsAtStart {
        /// The condition: on the environment alone.
        when: super::Guard,
        /// The error.
        error: String,
    },
    /// A policy that never takes effect.
    Dead {
        /// Why, completing "this policy never takes effect: …".
        why: String,
        /// What to do.
        help: String,
        /// What goes wrong, if more than nothing happens.
        consequence: Option<String>,
        /// Whether requests are lost by it.
        severe: bool,
    },
    /// The handlers in reach read this request header (lower case).
    ReadsHeader(String),
    /// The server reads cookies, sessions or `Authorization`.
    ReadsCredentials(String),
    /// A handler reads the body of the request.
    ReadsBody,
    /// Bodies of a kind are understood here.
    ParsesBody(BodyKind),
    /// Writes of an outer level that count for nothing here, because this level writes headers of its own.
    LostWrites {
        /// Header and place of each lost write, in the order of the text.
        lost: Vec<(Arc<str>, Span)>,
        /// The writes of this level, whose first is the remark's place: header and place.
        by: Vec<(Arc<str>, Span)>,
        /// The level, for people: `location /api`.
        level: String,
        /// Where a further write of this level would go: behind the last of its own.
        room: Span,
    },
    /// A variable that nothing defines.
    UnknownVariable(String),
}
