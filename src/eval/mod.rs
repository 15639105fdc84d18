//! Static evaluation of program trees.
//!
//! Modules are run from top to bottom as the language runs them, with one difference: a branch on something that
//! only a request or an environment decides is taken both ways, and everything that happens in it is *guarded* by
//! its condition. Nothing is copied for a branch: a variable that is set under a condition holds a choice between
//! its new and its old value. So a run is linear in the text, whatever the number of paths through it.
//!
//! What frameworks provide comes from [`Host`]s; what handlers do to an answer is collected as effects.

mod builtins;
mod call;
mod environment;
mod errors;
mod expr;
mod files;
mod heap;
mod javascript;
mod member;
mod modules;
mod operators;
mod parts;
mod python;
mod records;
mod repository;
mod state;
mod stmt;
mod value;

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

pub use call::{Collected, takes_exchange, takes_request};
pub use modules::{Loader, Module};
pub use repository::Repository;
pub use value::{
    Arguments, Call, ClassData, ClassId, Closure, Field, FrameId, Kind, ModuleId, Native, Object, ObjectId, Regex, Tag,
    Value, text_is_set,
};

use crate::model::{Effect, EffectKind, Guard, Reason};
use crate::source::{FileId, Span};
use crate::syntax::program::{BinaryOperator, Language};

/// How many expressions are evaluated for one run before everything further is unknown.
const BUDGET: u64 = 3_000_000;
/// How many modules are run.
const MOST_MODULES: usize = 4_096;
/// How many expressions are evaluated for one module's own statements, and for what they call.
const MODULE_BUDGET: u64 = 60_000;
/// How many expressions are evaluated for one handler. What decides CORS stands near its beginning, not in the depths
/// of what it does for the page.
const HANDLER_BUDGET: u64 = 4_000;
/// How deeply functions may call each other.
const DEEPEST_CALL: usize = 12;

/// What a framework provides to the programs that use it.
pub trait Host: Sync {
    /// The language of the programs that use it: others do not ask it.
    fn language(&self) -> Language;

    /// The value of a module that is not part of the repository, by the name it is imported by.
    fn import(&self, eval: &mut Evaluator, module: &str, span: Span) -> Option<Value>;

    /// A global name.
    fn global(&self, _eval: &mut Evaluator, _name: &str, _span: Span) -> Option<Value> {
        None
    }

    /// A property of an object or native of the framework.
    fn property(&self, _eval: &mut Evaluator, _of: &Value, _name: &str, _span: Span) -> Option<Value> {
        None
    }

    /// A call of one of the framework's functions, or of one of its objects.
    fn call(&self, _eval: &mut Evaluator, _callee: &Value, _arguments: &Arguments, _span: Span) -> Option<Value> {
        None
    }

    /// A call of a method, on any receiver that is not of the program itself. `name_span` is the method's name.
    fn method(&self, _eval: &mut Evaluator, _call: &MethodCall) -> Option<Value> {
        None
    }

    /// `new` of one of the framework's classes.
    fn construct(&self, eval: &mut Evaluator, callee: &Value, arguments: &Arguments, span: Span) -> Option<Value> {
        self.call(eval, callee, arguments, span)
    }

    /// An assignment to a property of a framework's object. Says whether that was all there is to do.
    fn assign(&self, _eval: &mut Evaluator, _of: &Value, _name: &str, _value: &Value, _span: Span) -> bool {
        false
    }

    /// An assignment `object[key] = value` to a framework's object. Says whether that was all there is to do.
    fn assign_item(&self, _eval: &mut Evaluator, _of: &Value, _key: &Value, _value: &Value, _span: Span) -> bool {
        false
    }

    /// Hears that code which cannot be read is called with these arguments.
    fn handed_over(&self, _eval: &mut Evaluator, _arguments: &Arguments, _span: Span) {}

    /// When something of the framework holds a value: Python's `value in among`.
    fn contains(&self, _eval: &mut Evaluator, _among: &Value, _value: &Value, _span: Span) -> Option<Guard> {
        None
    }

    /// When a number that only an answer has compares so with another.
    fn compared(
        &self,
        _eval: &mut Evaluator,
        _value: &Value,
        _operator: BinaryOperator,
        _number: f64,
    ) -> Option<Guard> {
        None
    }

    /// When a value is an instance of a class of the framework.
    fn is_instance(&self, _eval: &mut Evaluator, _value: &Value, _class: &Value) -> Option<Guard> {
        None
    }

    /// A decorator of the framework on a function or class.
    fn decorate(&self, _eval: &mut Evaluator, _decorator: &Value, _target: &Value, _span: Span) -> Option<Value> {
        None
    }
}

/// A call of a method.
#[derive(Debug)]
pub struct MethodCall<'a> {
    /// On what.
    pub receiver: &'a Value,
    /// The method.
    pub name: &'a str,
    /// With what.
    pub arguments: &'a Arguments,
    /// The whole call.
    pub span: Span,
    /// The method's name.
    pub name_span: Span,
}

/// A scope.
#[derive(Debug, Default)]
struct Frame {
    names: FxHashMap<String, Slot>,
    parent: Option<FrameId>,
    /// Python: names that belong to an outer scope.
    outer: FxHashSet<String>,
    /// Whether assignments in Python bind here.
    is_function: bool,
}

#[derive(Debug)]
struct Slot {
    value: Value,
    /// How many conditions were in force when it was made.
    depth: usize,
}

/// The evaluator of one run.
pub struct Evaluator<'a> {
    /// Gives it files.
    pub loader: &'a dyn Loader,
    hosts: &'a [&'a dyn Host],
    objects: Vec<Object>,
    frames: Vec<Frame>,
    classes: Vec<ClassData>,
    modules: Vec<Module>,
    by_file: FxHashMap<FileId, ModuleId>,
    /// Conditions in force, outermost first.
    path: Vec<Guard>,
    /// Where the conditions of the effects being collected begin.
    base: usize,
    effects: Vec<Effect>,
    /// The effects of what was handed to others, which call it when the code at hand has run to its end.
    later: Vec<Effect>,
    collecting: bool,
    calls: Vec<CallFrame>,
    /// Exceptions that the expression being evaluated throws.
    thrown: Vec<(Guard, Value)>,
    /// How many `try` blocks with a handler are around what is running.
    catching: usize,
    /// How many of them the statement that is running has taken note of.
    noted: usize,
    /// How many modules may be run by now.
    most_modules: usize,
    /// Whether more was asked for than is looked at.
    left_out: bool,
    /// Modules that were not run to their ends: what is left of them is unknown.
    pub unfinished: Vec<FileId>,
    /// How many expressions may still be evaluated in this run.
    budget: u64,
    /// How many may still be evaluated for the module or handler that is running.
    allowance: u64,
    /// Patterns that were read, by text and flags.
    patterns: FxHashMap<(String, String), Result<crate::cors::Pattern, String>>,
    module: ModuleId,
    /// Functions that were run, by their place: what was not is run for itself at the end.
    visited: FxHashSet<Span>,
    environment: FxHashMap<ModuleId, environment::Variables>,
    /// Whether the request, the answer or the way on was handed to code that cannot be read.
    pub escaped: bool,
    /// Objects of a framework that were given to code that cannot be read, and why it cannot.
    pub handed_on: Vec<(ObjectId, Reason)>,
    /// Whether anything was called that cannot be read.
    pub unfollowed: bool,
    /// Handlers of requests that were given to code that cannot be read.
    pub loose_handlers: Vec<Value>,
    /// Values that a framework keeps for the whole run, by the framework's own names.
    pub notes: FxHashMap<&'static str, Value>,
    /// Top-level exceptions that always happen: the program does not start.
    pub failures: Vec<(String, Span)>,
    /// Top-level exceptions that happen where a variable of the environment is not set.
    pub conditional_failures: Vec<(Guard, String, Span)>,
    /// What handlers wrote that lives longer than their request.
    state: state::State,
    /// What the program itself wrote into its environment.
    environment_writes: FxHashMap<String, Value>,
}

#[derive(Debug)]
struct CallFrame {
    function: Span,
    this: Option<Value>,
    class: Option<ClassId>,
    /// Whether it is a method that was called without its object.
    detached: bool,
    /// Where its conditions begin.
    base: usize,
    returns: Vec<(Guard, Value)>,
    yields: bool,
}

impl<'a> Evaluator<'a> {
    /// An evaluator that has run nothing.
    pub fn new(loader: &'a dyn Loader, hosts: &'a [&'a dyn Host]) -> Self {
        Self {
            loader,
            hosts,
            objects: Vec::new(),
            frames: Vec::new(),
            classes: Vec::new(),
            modules: Vec::new(),
            by_file: FxHashMap::default(),
            path: Vec::new(),
            base: 0,
            effects: Vec::new(),
            later: Vec::new(),
            collecting: false,
            calls: Vec::new(),
            thrown: Vec::new(),
            noted: 0,
            catching: 0,
            budget: BUDGET,
            most_modules: MOST_MODULES,
            left_out: false,
            unfinished: Vec::new(),
            allowance: MODULE_BUDGET,
            patterns: FxHashMap::default(),
            module: ModuleId(0),
            visited: FxHashSet::default(),
            environment: FxHashMap::default(),
            escaped: false,
            handed_on: Vec::new(),
            unfollowed: false,
            loose_handlers: Vec::new(),
            notes: FxHashMap::default(),
            failures: Vec::new(),
            conditional_failures: Vec::new(),
            state: state::State::default(),
            environment_writes: FxHashMap::default(),
        }
    }

    /// The conditions in force since the effects began to be collected (outside of that, all).
    pub fn when(&self) -> Guard {
        Guard::all(self.path[self.base..].iter().cloned())
    }

    /// Adds an effect under the conditions in force.
    pub fn emit(&mut self, kind: EffectKind, span: Span) {
        let when = self.when();
        if when != Guard::Never && self.effects.len() < 4096 {
            self.effects.push(Effect { when, kind, span });
        }
    }

    /// Whether a handler is being run, so that effects are collected.
    pub fn is_collecting(&self) -> bool {
        self.collecting
    }

    /// Runs `body` under a further condition.
    pub fn under<T>(&mut self, guard: Guard, body: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(guard);
        let result = body(self);
        self.path.pop();
        result
    }

    /// Whether the conditions in force can hold at all.
    fn is_dead(&self) -> bool {
        self.path.contains(&Guard::Never)
    }

    /// Whether a run is over before its programs are: what comes later is unknown.
    pub fn is_spent(&self) -> bool {
        self.budget == 0 || self.left_out
    }

    /// Notes that a part of the programs is not looked at.
    pub fn leave_out(&mut self) {
        self.left_out = true;
    }

    /// Spends a step. Says whether there are any left.
    fn spend(&mut self) -> bool {
        self.budget = self.budget.saturating_sub(1);
        self.allowance = self.allowance.saturating_sub(1);
        self.budget > 0 && self.allowance > 0
    }

    /// The language of the module that is running.
    pub fn language(&self) -> Language {
        self.modules.get(self.module.0 as usize).map_or(Language::JavaScript, |module| module.language)
    }

    /// Stands in a module of this language, so that what is run from outside of any is run in it.
    pub fn stand_in(&mut self, language: Language) {
        if let Some(module) = self.modules.iter().position(|module| module.language == language) {
            self.module = ModuleId(module as u32);
        }
    }

    /// Whether the function at this place was run.
    pub fn was_run(&self, function: Span) -> bool {
        self.visited.contains(&function)
    }

    /// The word for what is not there.
    pub fn absent(&self) -> &'static str {
        match self.language() {
            Language::JavaScript => "undefined",
            Language::Python => "None",
        }
    }

    fn ask<T>(&mut self, mut question: impl FnMut(&dyn Host, &mut Self) -> Option<T>) -> Option<T> {
        let language = self.language();
        self.hosts.iter().filter(|host| host.language() == language).find_map(|host| question(*host, self))
    }

    /// What is given from here on is not known; nor, in a handler, what is sent.
    fn out_of_budget(&mut self, span: Span) -> Value {
        const WHY: &str = "the program is too large to be followed to the end";
        if self.collecting
            && !matches!(self.effects.last(), Some(Effect { kind: EffectKind::Opaque(reason), .. }) if &*reason.text == WHY)
        {
            self.emit(EffectKind::Opaque(Reason::new(WHY, span)), span);
        }
        Value::unknown(WHY, span)
    }

    fn unknown_reason(text: &str, span: Span) -> Reason {
        Reason { text: Arc::from(text), span: Some(span) }
    }
}
