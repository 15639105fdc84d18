//! What expressions evaluate to.

use std::sync::Arc;

use crate::cors::Pattern;
use crate::model::{Guard, Part, Reason, Text, Trail};
use crate::source::Span;
use crate::syntax::program::{Class, Function};

/// How many alternatives a value may have. Values made of each other under conditions double every time.
const MOST_ALTERNATIVES: usize = 48;

/// A value and where it comes from.
#[derive(Clone, Debug)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where it stands: the literal or expression that gave it.
    pub span: Span,
    /// The places through which it came, last first.
    pub via: Option<Arc<Hop>>,
}

/// A place through which a value came.
#[derive(Debug)]
pub struct Hop {
    /// The place.
    pub span: Span,
    /// What happens there.
    pub text: Arc<str>,
    /// The place before it.
    pub before: Option<Arc<Hop>>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// JavaScript's `undefined`.
    Undefined,
    /// `null`, `None`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string that is always the same.
    Str(Arc<str>),
    /// A string that depends on the request or the environment. A header or variable that is absent is
    /// JavaScript's `undefined` and Python's `None`.
    Text(Arc<Text>),
    /// A boolean that depends on the request or the environment.
    Test(Arc<Guard>),
    /// What `indexOf` gives: -1 unless the first guard holds; 0 where the second does.
    Index(Arc<(Guard, Guard)>),
    /// A regular expression.
    Regex(Arc<Regex>),
    /// An object, array, instance, or something of a framework.
    Object(ObjectId),
    /// A function of the program.
    Function(Arc<Closure>),
    /// A class of the program.
    Class(ClassId),
    /// A function that the language or a framework provides.
    Native(Native),
    /// A module as a namespace.
    Module(ModuleId),
    /// One value where a guard holds, else another.
    Choose(Arc<(Guard, Value, Value)>),
    /// Not known.
    Unknown(Reason),
}

/// A regular expression.
#[derive(Debug)]
pub struct Regex {
    /// The pattern, or why it cannot be read.
    pub pattern: Result<Pattern, String>,
    /// Between the delimiters, as written.
    pub source: String,
    /// The flags as written.
    pub flags: String,
    /// Whether it remembers where it stopped: JavaScript's `g` and `y`.
    pub stateful: bool,
}

/// A function and what it closes over.
#[derive(Debug)]
pub struct Closure {
    /// The function.
    pub function: Arc<Function>,
    /// The scope around it.
    pub frame: FrameId,
    /// The `this` that it keeps.
    pub this: Option<Value>,
    /// Its module.
    pub module: ModuleId,
    /// The class that it is a method of.
    pub class: Option<ClassId>,
    /// Python: the object that holds its attributes.
    pub attributes: Option<ObjectId>,
    /// JavaScript: whether it is a method that was taken from its object, so that a bare call has no `this`.
    pub detached: bool,
}

/// A function that the program does not define.
#[derive(Clone, Debug)]
pub struct Native {
    /// Its name: `cors`, `express.Router`, `next`.
    pub name: &'static str,
    /// Values that it was made from.
    pub bound: Arc<[Value]>,
    /// The object that it belongs to.
    pub of: Option<ObjectId>,
}

/// An object of the program, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub u32);

/// A scope, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameId(pub u32);

/// A class, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClassId(pub u32);

/// A module, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModuleId(pub u32);

/// An object.
#[derive(Debug)]
pub struct Object {
    /// What kind of object.
    pub tag: Tag,
    /// Its fields in the order in which they were set.
    pub fields: Vec<Field>,
    /// Its items, if it is an array, tuple or set.
    pub items: Vec<Value>,
    /// Why there may be further fields or items.
    pub open: Option<Reason>,
    /// Calls that a framework has to interpret later, in order.
    pub calls: Vec<Call>,
    /// Where it was made.
    pub span: Span,
    /// How many conditions were in force when it was made.
    pub(super) depth: usize,
}

/// A field of an object.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// Its value.
    pub value: Value,
    /// Where its name is written.
    pub span: Span,
    /// Whether it may not be there at all, which is something else than `undefined` where defaults are: the last
    /// alternative of its value stands for that, see [`Value::or_absent`].
    pub is_optional: bool,
}

/// What kind of object an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// An object literal or dict.
    Plain,
    /// An array, list, tuple.
    Array,
    /// A set.
    Set,
    /// A promise that was rejected with its one item.
    Rejected,
    /// An instance of a class of the program.
    Instance(ClassId),
    /// Something of a framework, by the framework's own name for it.
    Host(&'static str),
}

/// A call recorded on an object.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub name: Arc<str>,
    /// The arguments.
    pub arguments: Arguments,
    /// Under which condition it is called.
    pub when: Guard,
    /// The whole call.
    pub span: Span,
    /// The method's name.
    pub name_span: Span,
}

/// Evaluated arguments.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// By place.
    pub positional: Vec<Value>,
    /// By keyword, with the keyword's place.
    pub keywords: Vec<(Arc<str>, Value, Span)>,
    /// Why there may be more.
    pub open: Option<Reason>,
}

impl Arguments {
    /// Arguments by place.
    pub fn of(positional: Vec<Value>) -> Self {
        Self { positional, ..Self::default() }
    }

    /// The argument at a place.
    pub fn get(&self, at: usize) -> Option<&Value> {
        self.positional.get(at)
    }

    /// The argument given by this keyword.
    pub fn keyword(&self, name: &str) -> Option<&Value> {
        self.keywords.iter().find(|(keyword, ..)| &**keyword == name).map(|(_, value, _)| value)
    }
}

/// A class and what it closes over.
#[derive(Debug)]
pub struct ClassData {
    /// The class.
    pub class: Arc<Class>,
    /// The scope around it.
    pub frame: FrameId,
    /// Its module.
    pub module: ModuleId,
    /// The classes that it extends.
    pub bases: Vec<Value>,
    /// Its static fields.
    pub statics: ObjectId,
    /// The first instance of it, or of a class that extends it.
    pub made: Option<Value>,
}

impl Value {
    /// A value at a place.
    pub fn new(kind: Kind, span: Span) -> Self {
        Self { kind, span, via: None }
    }

    /// `undefined` at a place.
    pub fn undefined(span: Span) -> Self {
        Self::new(Kind::Undefined, span)
    }

    /// A string at a place.
    pub fn str(text: impl Into<Arc<str>>, span: Span) -> Self {
        Self::new(Kind::Str(text.into()), span)
    }

    /// A value that is not known.
    pub fn unknown(text: impl Into<Arc<str>>, span: Span) -> Self {
        Self::new(Kind::Unknown(Reason::new(text, span)), span)
    }

    /// A boolean that holds where the guard does.
    pub fn test(guard: Guard, span: Span) -> Self {
        let kind = match guard {
            Guard::Always => Kind::Bool(true),
            Guard::Never => Kind::Bool(false),
            guard => Kind::Test(Arc::new(guard)),
        };
        Self::new(kind, span)
    }

    /// A text at a place.
    pub fn text(text: Text, span: Span) -> Self {
        match text {
            Text::Literal(text) => Self::new(Kind::Str(text), span),
            Text::Unknown(reason) => Self::new(Kind::Unknown(reason), span),
            text => Self::new(Kind::Text(Arc::new(text)), span),
        }
    }

    /// The same value, having come through a place.
    pub fn through(mut self, span: Span, text: &'static str) -> Self {
        let depth = std::iter::successors(self.via.as_ref(), |hop| hop.before.as_ref()).take(8).count();
        if depth < 8 {
            self.via = Some(Arc::new(Hop { span, text: text.into(), before: self.via.take() }));
        }
        self
    }

    /// `then` where `guard` holds, else `otherwise`; simplified where that can be.
    pub fn choose(guard: Guard, then: Value, otherwise: Value) -> Self {
        match guard {
            Guard::Always => return then,
            Guard::Never => return otherwise,
            _ => {}
        }
        let span = then.span;
        match (&then.kind, &otherwise.kind) {
            (Kind::Bool(_) | Kind::Test(_), Kind::Bool(_) | Kind::Test(_)) => {
                let holds = Guard::any([guard.clone().and(then.boolean()), Guard::not(guard).and(otherwise.boolean())]);
                Self::test(holds, span)
            }
            (Kind::Undefined, Kind::Undefined) | (Kind::Null, Kind::Null) => then,
            (Kind::Str(a), Kind::Str(b)) if a == b => then,
            (Kind::Object(a), Kind::Object(b)) if a == b => then,
            _ => {
                let mut left = MOST_ALTERNATIVES;
                if !then.fits(&mut left) || !otherwise.fits(&mut left) {
                    return Self::unknown("it has too many alternatives", span);
                }
                Self::new(Kind::Choose(Arc::new((guard, then, otherwise))), span)
            }
        }
    }

    /// The value of an optional field, with another value where it is not there.
    pub fn or_absent(&self, absent: Value) -> Self {
        match &self.kind {
            Kind::Choose(choice) => {
                let (guard, then, otherwise) = &**choice;
                Self::choose(guard.clone(), then.clone(), otherwise.or_absent(absent))
            }
            Kind::Undefined => absent,
            _ => self.clone(),
        }
    }

    /// Whether it has no more alternatives than are left.
    fn fits(&self, left: &mut usize) -> bool {
        if *left == 0 {
            return false;
        }
        match &self.kind {
            Kind::Choose(choice) => choice.1.fits(left) && choice.2.fits(left),
            _ => {
                *left -= 1;
                true
            }
        }
    }

    fn boolean(&self) -> Guard {
        match &self.kind {
            Kind::Bool(holds) => Guard::from(*holds),
            Kind::Test(guard) => (**guard).clone(),
            _ => Guard::Never,
        }
    }

    /// The string, if it is one that is always the same.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<ObjectId> {
        match self.kind {
            Kind::Object(id) => Some(id),
            _ => None,
        }
    }

    /// Why it is not known, if it is not.
    pub fn reason(&self) -> Option<&Reason> {
        match &self.kind {
            Kind::Unknown(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether it is known to be `undefined`, `null` or `None`.
    pub fn is_nullish(&self) -> bool {
        matches!(self.kind, Kind::Undefined | Kind::Null)
    }

    /// When it counts as true.
    pub fn truthy(&self) -> Guard {
        match &self.kind {
            Kind::Undefined | Kind::Null => Guard::Never,
            Kind::Bool(holds) => Guard::from(*holds),
            Kind::Number(number) => Guard::from(*number != 0.0 && !number.is_nan()),
            Kind::Str(text) => Guard::from(!text.is_empty()),
            Kind::Text(text) => text_is_set(text),
            Kind::Test(guard) => (**guard).clone(),
            Kind::Index(found) => Guard::not(found.1.clone()),
            Kind::Choose(choice) => {
                let (guard, then, otherwise) = &**choice;
                Guard::any([guard.clone().and(then.truthy()), Guard::not(guard.clone()).and(otherwise.truthy())])
            }
            Kind::Regex(_)
            | Kind::Object(_)
            | Kind::Function(_)
            | Kind::Class(_)
            | Kind::Native(_)
            | Kind::Module(_) => Guard::Always,
            Kind::Unknown(reason) => Guard::Unknown(reason.clone()),
        }
    }

    /// When it is neither `undefined` nor `null`.
    pub fn present(&self) -> Guard {
        match &self.kind {
            Kind::Undefined | Kind::Null => Guard::Never,
            Kind::Text(text) => text_is_set(text),
            Kind::Choose(choice) => {
                let (guard, then, otherwise) = &**choice;
                Guard::any([guard.clone().and(then.present()), Guard::not(guard.clone()).and(otherwise.present())])
            }
            Kind::Unknown(reason) => Guard::Unknown(reason.clone()),
            _ => Guard::Always,
        }
    }

    /// It, where it is neither `undefined` nor `null`.
    pub(super) fn there(self) -> Value {
        match &self.kind {
            Kind::Choose(choice) => match &**choice {
                (_, then, otherwise) if then.is_nullish() => otherwise.clone().there(),
                (_, then, otherwise) if otherwise.is_nullish() => then.clone().there(),
                (guard, then, otherwise) => {
                    Value::choose(guard.clone(), then.clone().there(), otherwise.clone().there())
                }
            },
            _ => self,
        }
    }

    /// It as text, as a template or a header write makes it. `absent` is the word for what is not there.
    pub fn to_text(&self, absent: &str) -> Text {
        match &self.kind {
            Kind::Undefined => Text::literal(absent),
            Kind::Null => Text::literal(if absent == "None" { "None" } else { "null" }),
            Kind::Bool(holds) if absent == "None" => Text::literal(if *holds { "True" } else { "False" }),
            Kind::Bool(holds) => Text::literal(if *holds { "true" } else { "false" }),
            Kind::Number(number) if absent == "undefined" => Text::literal(number_text(*number)),
            Kind::Number(number) => Text::literal(format!("{number}")),
            Kind::Str(text) => Text::Literal(text.clone()),
            // A text that was computed is there, if empty.
            Kind::Text(text) if matches!(**text, Text::Members(_)) => (**text).clone(),
            Kind::Text(text) if absent == "undefined" && matches!(**text, Text::Capture(_) | Text::Concat(_)) => {
                (**text).clone()
            }
            Kind::Text(text) => Text::choose(text_is_set(text), (**text).clone(), Text::literal(absent)),
            Kind::Test(guard) => {
                let (yes, no) = if absent == "None" { ("True", "False") } else { ("true", "false") };
                Text::choose((**guard).clone(), Text::literal(yes), Text::literal(no))
            }
            Kind::Choose(choice) => {
                let (guard, then, otherwise) = &**choice;
                Text::choose(guard.clone(), then.to_text(absent), otherwise.to_text(absent))
            }
            Kind::Unknown(reason) => Text::Unknown(reason.clone()),
            _ => Text::Unknown(Reason::new("this value is no text", self.span)),
        }
    }

    /// Every value that it may be, with the condition under which it is.
    pub fn branches(&self) -> Vec<(Guard, Value)> {
        let mut found = Vec::new();
        let mut open = vec![(Guard::Always, self.clone())];
        while let Some((when, value)) = open.pop() {
            match &value.kind {
                Kind::Choose(choice) if found.len() + open.len() < 64 => {
                    let (guard, then, otherwise) = &**choice;
                    open.push((when.clone().and(Guard::not(guard.clone())), otherwise.clone()));
                    open.push((when.and(guard.clone()), then.clone()));
                }
                _ if when == Guard::Never => {}
                _ => found.push((when, value)),
            }
        }
        found
    }

    /// Where it comes from: itself, and the places through which it came.
    pub fn trail(&self) -> Trail {
        let mut hops: Vec<(Span, Arc<str>)> = std::iter::successors(self.via.as_ref(), |hop| hop.before.as_ref())
            .map(|hop| (hop.span, hop.text.clone()))
            .collect();
        hops.push((self.span, "".into()));
        hops.reverse();
        Trail(hops)
    }
}

/// A number as JavaScript writes it.
fn number_text(number: f64) -> String {
    match number {
        _ if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        _ if number == 0.0 => "0".to_owned(),
        _ if number.abs() >= 1e21 => format!("{number:e}").replace('e', "e+"),
        _ if number.abs() < 1e-6 => format!("{number:e}"),
        _ => format!("{number}"),
    }
}

/// When a text is there and not empty.
pub fn text_is_set(text: &Text) -> Guard {
    match text {
        Text::Literal(text) => Guard::from(!text.is_empty()),
        Text::Request(Part::Header(name)) => Guard::HasHeader(name.clone()),
        Text::Request(Part::ErrorStatus) => Guard::HasErrorStatus,
        Text::Request(Part::Base) => {
            Guard::Unknown(Reason { text: "the application may be mounted nowhere".into(), span: None })
        }
        Text::Request(_) => Guard::Always,
        Text::Environment(name) => Guard::EnvironmentSet(name.clone()),
        Text::Url(inner, _) | Text::LowerCase(inner) => text_is_set(inner),
        Text::Concat(parts) => Guard::any(parts.iter().map(text_is_set)),
        Text::Choose(guard, then, otherwise) => Guard::any([
            (**guard).clone().and(text_is_set(then)),
            Guard::not((**guard).clone()).and(text_is_set(otherwise)),
        ]),
        Text::SentBefore(name) => Guard::HadHeader(name.clone()),
        Text::Decoded(inner, _) => text_is_set(inner),
        // A group that every match has.
        Text::Capture(capture) if capture.pattern.is_plain() => Guard::Always,
        // No program computes these; proxies and libraries do.
        Text::Capture(_) | Text::Inner(_) | Text::Sent(_) | Text::Members(_) => {
            Guard::Unknown(Reason { text: "the text may be empty".into(), span: None })
        }
        Text::Unknown(reason) => Guard::Unknown(reason.clone()),
    }
}
