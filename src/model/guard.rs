//! Conditions on the request and on the environment.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use super::variables::Known;
use super::{Reason, Text};
use crate::cors::StringTest;
use crate::source::Span;

/// How many atoms a condition may be made of. A list of origins is that long, rarely longer.
const MOST_ATOMS: usize = 2000;

/// A condition that decides whether a write happens, a step runs, or an answer is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Guard {
    /// It always holds.
    Always,
    /// It never holds.
    Never,
    /// The request has this header (lower-case name), and it is not empty.
    HasHeader(Arc<str>),
    /// A text passes a test. A text from a header or variable that is absent passes none.
    Test(Arc<Check>),
    /// The environment variable is set, and not empty.
    EnvironmentSet(Arc<str>),
    /// The answer's status is one of these. Holds of an answer only: on its way out.
    Status(Statuses),
    /// The server was asked before.
    AskedBefore,
    /// The answer had this header (lower-case name), not empty, when the running step began.
    HadHeader(Arc<str>),
    /// An effect that ran for this request before has noted this.
    Marked(Arc<str>),
    /// The request's body has more bytes than this, by its `Content-Length`.
    BodyOver(u64),
    /// The error being handled carries a status of its own.
    HasErrorStatus,
    /// The request cannot be read, so that a server refuses it before it looks at what is asked for.
    Malformed,
    /// All hold.
    All(Parts),
    /// At least one holds.
    Any(Parts),
    /// It does not hold.
    Not(Arc<Guard>),
    /// Not known. Equal reasons are the same condition.
    Unknown(Reason),
}

/// The conditions that another is made of. They know how many atoms they have, so that nobody needs to count.
#[derive(Clone, Debug, Eq)]
pub struct Parts {
    list: Arc<[Guard]>,
    /// At most `usize::MAX`.
    atoms: usize,
}

impl From<Vec<Guard>> for Parts {
    fn from(list: Vec<Guard>) -> Self {
        let atoms = list.iter().fold(0_usize, |sum, guard| sum.saturating_add(guard.atoms()));
        Self { list: list.into(), atoms }
    }
}

impl Deref for Parts {
    type Target = [Guard];

    fn deref(&self) -> &[Guard] {
        &self.list
    }
}

impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        self.atoms == other.atoms && (Arc::ptr_eq(&self.list, &other.list) || self.list == other.list)
    }
}

impl Hash for Parts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.list.hash(state);
    }
}

/// Some status codes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statuses(Arc<[u16]>);

impl Statuses {
    /// These.
    pub fn new(codes: impl IntoIterator<Item = u16>) -> Self {
        let mut codes: Vec<u16> = codes.into_iter().collect();
        codes.sort_unstable();
        codes.dedup();
        Self(codes.into())
    }

    /// Whether `code` is one of them.
    pub fn has(&self, code: u16) -> bool {
        self.0.binary_search(&code).is_ok()
    }

    /// The codes, in ascending order.
    pub fn codes(&self) -> &[u16] {
        &self.0
    }

    /// Whether all of them are among `others`.
    pub fn within(&self, others: &Statuses) -> bool {
        self.0.iter().all(|code| others.has(*code))
    }

    /// Whether none of them is among `others`.
    pub fn apart(&self, others: &Statuses) -> bool {
        !self.0.iter().any(|code| others.has(*code))
    }
}

/// A test of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Check {
    /// What is tested.
    pub subject: Text,
    /// The test.
    pub test: StringTest,
    /// Where the tested literal or pattern stands: what a person would change.
    pub span: Span,
    /// JavaScript's `g` or `y` flag: the pattern remembers where it stopped, and goes on from there.
    pub stateful: bool,
}

impl Guard {
    /// The condition that `subject` passes `test`, which stands at `span`.
    pub fn test(subject: Text, test: StringTest, span: Span) -> Self {
        if let (Text::Literal(text), Some(passes)) =
            (&subject, subject.as_literal().and_then(|text| test.matches(text)))
        {
            let _ = text;
            return Guard::from(passes);
        }
        Guard::Test(Arc::new(Check { subject, test, span, stateful: false }))
    }

    /// The condition that the request's method is `method`.
    pub fn method(method: &str, span: Span) -> Self {
        Guard::test(Text::Request(super::Part::Method), StringTest::Equals(method.to_owned()), span)
    }

    /// All of `guards`; decided at once where that can be.
    pub fn all(guards: impl IntoIterator<Item = Guard>) -> Self {
        Self::join(guards, Guard::Always, Guard::Never)
    }

    /// At least one of `guards`; decided at once where that can be.
    pub fn any(guards: impl IntoIterator<Item = Guard>) -> Self {
        Self::join(guards, Guard::Never, Guard::Always)
    }

    /// Conjunction or disjunction: `neutral` says nothing, `decisive` says all. A condition beside its opposite decides.
    fn join(guards: impl IntoIterator<Item = Guard>, neutral: Guard, decisive: Guard) -> Self {
        let is_all = neutral == Guard::Always;
        let mut parts: Vec<Guard> = Vec::new();
        let add = |parts: &mut Vec<Guard>, guard: &Guard| {
            if !parts.contains(guard) {
                parts.push(guard.clone());
            }
        };
        for guard in guards {
            match &guard {
                guard if *guard == decisive => return decisive,
                guard if *guard == neutral => {}
                Guard::All(inner) if is_all => inner.iter().for_each(|guard| add(&mut parts, guard)),
                Guard::Any(inner) if !is_all => inner.iter().for_each(|guard| add(&mut parts, guard)),
                guard => add(&mut parts, guard),
            }
        }
        if parts.iter().any(|guard| matches!(guard, Guard::Not(inner) if parts.contains(inner))) {
            return decisive;
        }
        if let Some(known) = Known::of(parts.iter().map(|part| (part, is_all))) {
            if known.is_impossible() {
                return decisive;
            }
            let mut kept = Vec::with_capacity(parts.len());
            for part in &parts {
                match Known::is_fact(part) {
                    true if is_all && known.is_implied(part) => {}
                    true => kept.push(part.clone()),
                    false => match known.decide(part) {
                        Some(holds) if holds != is_all => return decisive,
                        Some(_) => {}
                        None => kept.push(part.clone()),
                    },
                }
            }
            parts = kept;
        }
        match parts.len() {
            0 => neutral,
            1 => parts.remove(0),
            _ if is_all => Guard::All(parts.into()).bounded(),
            _ => Guard::Any(parts.into()).bounded(),
        }
    }

    /// It, unless it has grown beyond what anybody could follow: conditions that are put together from each other
    /// again and again double every time.
    fn bounded(self) -> Self {
        if self.atoms() <= MOST_ATOMS {
            return self;
        }
        let mut first = None;
        let mut at = &self;
        while let Guard::All(parts) | Guard::Any(parts) = at {
            let Some(part) = parts.first() else { break };
            at = part;
        }
        if let Guard::Unknown(reason) = at {
            first = reason.span;
        } else if let Guard::Test(check) = at {
            first = Some(check.span);
        }
        Guard::Unknown(Reason { text: "too many conditions come together here".into(), span: first })
    }

    /// How many conditions that are not made of others it is made of, each as often as it occurs.
    fn atoms(&self) -> usize {
        match self {
            Guard::All(parts) | Guard::Any(parts) => parts.atoms,
            Guard::Not(inner) => inner.atoms(),
            _ => 1,
        }
    }

    /// The opposite.
    #[allow(clippy::should_implement_trait, reason = "an associated constructor beside `all` and `any`")]
    pub fn not(guard: Guard) -> Self {
        match guard {
            Guard::Always => Guard::Never,
            Guard::Never => Guard::Always,
            Guard::Not(inner) => (*inner).clone(),
            guard => Guard::Not(Arc::new(guard)),
        }
    }

    /// Both.
    pub fn and(self, other: Guard) -> Self {
        Guard::all([self, other])
    }

    /// Either.
    pub fn or(self, other: Guard) -> Self {
        Guard::any([self, other])
    }

    /// Calls `visit` with every condition in it that is not made of others.
    pub fn each_atom(&self, visit: &mut impl FnMut(&Guard)) {
        match self {
            Guard::All(parts) | Guard::Any(parts) => parts.iter().for_each(|part| part.each_atom(visit)),
            Guard::Not(inner) => inner.each_atom(visit),
            atom => visit(atom),
        }
    }
}

impl From<bool> for Guard {
    fn from(holds: bool) -> Self {
        if holds { Guard::Always } else { Guard::Never }
    }
}
