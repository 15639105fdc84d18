//! Calls.

use std::sync::Arc;

use super::member::HANDED_OVER;
use super::value::{Arguments, ClassId, Closure, FrameId, Kind, Tag, Value};
use super::{CallFrame, DEEPEST_CALL, Evaluator, MethodCall};
use crate::model::{Effect, Guard, Reason};
use crate::source::Span;
use crate::syntax::program::{Argument, ClassMember, Language, ParameterKind, Pattern, PropertyKey};

/// What a handler did when it was run.
#[derive(Debug)]
pub struct Collected {
    /// Its effects, in order.
    pub effects: Vec<Effect>,
    /// What it gave back.
    pub value: Value,
    /// Exceptions that it did not catch, and when.
    pub thrown: Vec<(Guard, Value)>,
    /// When it ran to its end without `return`: always, as far as that is known.
    pub is_async: bool,
}

/// The field of a framework's object that was made as an instance of a class of the program.
pub(super) const SUBCLASS: &str = "(class)";

/// How many objects that were given away are remembered.
const MOST_HANDED_ON: usize = 10_000;

/// Whether a method of this name calls what it is given at once, for each of what it holds.
fn is_iteration(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "forEach",
        "map",
        "flatMap",
        "filter",
        "some",
        "every",
        "find",
        "findIndex",
        "reduce",
        "reduceRight",
        "sort",
        "each",
    ];
    NAMES.contains(&name)
}

impl Evaluator<'_> {
    /// Runs a function for its effects, apart from everything around it.
    pub fn collect(&mut self, function: &Value, arguments: &Arguments, span: Span) -> Collected {
        self.collected(|eval| eval.call(function, arguments, span), is_async(function))
    }

    /// Runs something for its effects, apart from everything around it, with a handler's budget of its own.
    pub fn collected(&mut self, run: impl FnOnce(&mut Self) -> Value, is_async: bool) -> Collected {
        let outer = self.allowance;
        // A handler that is run within a handler shares what that was given.
        if !self.collecting {
            self.allowance = super::HANDLER_BUDGET;
        }
        let collected = self.apart(true, run, is_async);
        if !self.collecting {
            self.allowance = outer;
        }
        collected
    }

    /// Runs something that sets a program up, apart from everything around it.
    pub fn set_up(&mut self, run: impl FnOnce(&mut Self) -> Value) -> Collected {
        self.apart(false, run, false)
    }

    pub(super) fn apart(
        &mut self,
        collecting: bool,
        run: impl FnOnce(&mut Self) -> Value,
        is_async: bool,
    ) -> Collected {
        let effects = std::mem::take(&mut self.effects);
        let later = std::mem::take(&mut self.later);
        let thrown = std::mem::take(&mut self.thrown);
        let noted = std::mem::take(&mut self.noted);
        let path = std::mem::take(&mut self.path);
        let base = std::mem::replace(&mut self.base, 0);
        let collecting = std::mem::replace(&mut self.collecting, collecting);
        let horizon = self.begin_request(collecting);
        let value = run(self);
        self.end_request(horizon);
        self.collecting = collecting;
        self.base = base;
        self.path = path;
        self.noted = noted;
        let last = std::mem::replace(&mut self.later, later);
        self.effects.extend(last);
        Collected {
            value,
            effects: std::mem::replace(&mut self.effects, effects),
            thrown: std::mem::replace(&mut self.thrown, thrown),
            is_async,
        }
    }

    /// Calls a value.
    pub fn call(&mut self, callee: &Value, arguments: &Arguments, span: Span) -> Value {
        if !self.spend() {
            return self.out_of_budget(span);
        }
        if let Some(value) = self.ask(|host, eval| host.call(eval, callee, arguments, span)) {
            return value;
        }
        match &callee.kind {
            Kind::Function(closure) => {
                let closure = closure.clone();
                let this = if closure.detached { None } else { closure.this.clone() };
                self.run(&closure, this, arguments, span)
            }
            // The member that has this value.
            Kind::Class(class) if self.is_enumeration(*class) => {
                arguments.get(0).cloned().unwrap_or_else(|| Value::unknown("a member of an enumeration", span))
            }
            Kind::Class(class) if self.language() == Language::Python => self.instance(*class, arguments, span),
            Kind::Native(native) => {
                let native = native.clone();
                self.call_native(&native, arguments, span)
            }
            Kind::Choose(choice) => {
                let (guard, then, otherwise) = &**choice;
                let yes = self.under(guard.clone(), |eval| eval.call(then, arguments, span));
                let no = self.under(Guard::not(guard.clone()), |eval| eval.call(otherwise, arguments, span));
                Value::choose(guard.clone(), yes, no)
            }
            Kind::Unknown(reason) => {
                let reason = self.part(reason, &self.step("", arguments));
                self.call_unknown(&reason, "", arguments, span)
            }
            Kind::Undefined | Kind::Null => Value::unknown("nothing is called here", span),
            _ => {
                let reason = Reason::new("this call is not followed", span);
                self.call_unknown(&reason, "", arguments, span)
            }
        }
    }

    /// `receiver.name(arguments)`.
    pub fn call_method(
        &mut self,
        receiver: &Value,
        name: &str,
        arguments: &Arguments,
        span: Span,
        name_span: Span,
    ) -> Value {
        if let Kind::Choose(choice) = &receiver.kind {
            let (guard, then, otherwise) = &**choice;
            let yes = self.under(guard.clone(), |eval| eval.call_method(then, name, arguments, span, name_span));
            let no = self
                .under(Guard::not(guard.clone()), |eval| eval.call_method(otherwise, name, arguments, span, name_span));
            return Value::choose(guard.clone(), yes, no);
        }
        self.reads(receiver, name, span);
        let call = MethodCall { receiver, name, arguments, span, name_span };
        // A method that the program defines itself comes before what a framework would make of the name.
        let own = match &receiver.kind {
            Kind::Object(id) if !matches!(self.object(*id).tag, Tag::Host(_)) => {
                self.field(*id, name).map(|field| field.value.clone())
            }
            Kind::Object(id) => self.member_of_subclass(*id, receiver, name),
            _ => None,
        };
        if own.is_none()
            && let Some(value) = self.ask(|host, eval| host.method(eval, &call))
        {
            return value;
        }
        match &receiver.kind {
            Kind::Function(closure) if matches!(name, "call" | "apply" | "bind") => {
                return self.call_through(closure, receiver, name, arguments, span);
            }
            Kind::Native(native) if native.name == "hasOwnProperty" && name == "call" => {
                let (Some(of), Some(key)) = (arguments.get(0), arguments.get(1)) else {
                    return Value::new(Kind::Bool(false), span);
                };
                return Value::test(self.contained(key, of, span), span);
            }
            Kind::Native(_) if matches!(name, "call" | "apply" | "bind") => {
                let rest = Arguments {
                    positional: arguments.positional.iter().skip(1).cloned().collect(),
                    ..arguments.clone()
                };
                return if name == "bind" { receiver.clone() } else { self.call(receiver, &rest, span) };
            }
            _ => {}
        }
        if own.is_none()
            && let Some(value) = self.builtin_method(receiver, name, arguments, span)
        {
            return value;
        }
        let function = match own {
            Some(value) => value,
            None => self.get(receiver, name, name_span),
        };
        match &function.kind {
            Kind::Function(closure) => {
                let closure = closure.clone();
                let this = closure
                    .this
                    .clone()
                    .or_else(|| matches!(receiver.kind, Kind::Object(_) | Kind::Class(_)).then(|| receiver.clone()));
                self.run(&closure, this, arguments, span)
            }
            Kind::Unknown(reason) => {
                let reason = self.part(reason, &self.step("", arguments));
                self.call_unknown(&reason, name, arguments, span)
            }
            Kind::Undefined | Kind::Null => {
                let reason = Reason::new(format!("`.{name}()` is not followed"), span);
                self.call_unknown(&reason, name, arguments, span)
            }
            _ => self.call(&function, arguments, span),
        }
    }

    fn call_through(
        &mut self,
        closure: &Arc<Closure>,
        function: &Value,
        name: &str,
        arguments: &Arguments,
        span: Span,
    ) -> Value {
        let this = arguments.get(0).cloned();
        if name == "bind" {
            let bound = Closure {
                function: closure.function.clone(),
                frame: closure.frame,
                this: this.or_else(|| closure.this.clone()),
                module: closure.module,
                class: closure.class,
                attributes: closure.attributes,
                detached: false,
            };
            return Value { kind: Kind::Function(Arc::new(bound)), ..function.clone() };
        }
        let positional = if name == "apply" {
            match arguments.get(1) {
                Some(list) => self.each(list, span).0,
                None => Vec::new(),
            }
        } else {
            arguments.positional.iter().skip(1).cloned().collect()
        };
        self.run(closure, this, &Arguments::of(positional), span)
    }

    /// Why a part of an unknown is not known. Python's exceptions tell the parts apart by themselves.
    pub(super) fn part(&self, reason: &Reason, step: &str) -> Reason {
        match self.language() {
            Language::JavaScript => reason.part(step),
            Language::Python => reason.clone(),
        }
    }

    /// A call of something that cannot be read. Functions given to it are assumed to be called, since that is what
    /// they are given for; what they are given is not known.
    fn call_unknown(&mut self, reason: &Reason, name: &str, arguments: &Arguments, span: Span) -> Value {
        if matches!(name, "catch" | "removeListener" | "off") {
            return Value::new(Kind::Unknown(reason.clone()), span);
        }
        if name == "on"
            && arguments.get(0).and_then(Value::as_str).is_some_and(|event| matches!(event, "error" | "close"))
        {
            return Value::new(Kind::Unknown(reason.clone()), span);
        }
        self.unfollowed = true;
        let given = arguments.positional.iter().chain(arguments.keywords.iter().map(|(_, value, _)| value));
        let given = given.filter(|value| self.host_tag(value).is_some()).filter_map(Value::as_object);
        let given: Vec<_> = given.map(|id| (id, reason.clone())).collect();
        if self.handed_on.len() < MOST_HANDED_ON {
            self.handed_on.extend(given);
        }
        self.ask(|host, eval| -> Option<()> {
            host.handed_over(eval, arguments, span);
            None
        });
        if arguments.positional.iter().any(|argument| {
            matches!(argument.kind, Kind::Native(_))
                || self.host_tag(argument).is_some_and(|tag| tag.starts_with("http."))
        }) {
            self.escaped = true;
        }
        for (at, argument) in arguments.positional.iter().enumerate() {
            // `.then(done, failed)`: only the first is the way that works.
            if name == "then" && at > 0 {
                break;
            }
            if let Some(id) = argument.as_object().filter(|id| matches!(self.object(*id).tag, Tag::Instance(_))) {
                self.set_field(id, HANDED_OVER, Value::new(Kind::Bool(true), span), span);
            }
            if let Some(id) = argument.as_object().filter(|id| self.object(*id).tag == Tag::Plain) {
                // Options with handlers of requests among them: they are called later.
                let values = self.object(id).fields.iter().flat_map(|field| field.value.branches());
                let handlers: Vec<Value> = values.map(|(_, value)| value).filter(is_handler).collect();
                self.loose_handlers.extend(handlers);
            }
            if let Kind::Function(closure) = &argument.kind {
                let closure = closure.clone();
                let thrown = self.thrown.len();
                if self.language() == Language::JavaScript && !is_iteration(name) {
                    self.later(|eval| eval.call_back(&closure, span));
                } else {
                    self.call_back(&closure, span);
                }
                // Whoever calls it, later and elsewhere, meets its exceptions.
                if self.language() == Language::Python {
                    self.thrown.truncate(thrown);
                    self.noted = self.noted.min(thrown);
                }
            }
        }
        Value::new(Kind::Unknown(reason.clone()), span)
    }

    /// Runs what others call when the code at hand has run to its end: what is behind a database's answer or a timer
    /// comes after all that stands below its call. Only what a handler does to its answer has such an order.
    fn later(&mut self, run: impl FnOnce(&mut Self) -> Value) {
        if !self.collecting {
            run(self);
            return;
        }
        let now = std::mem::take(&mut self.effects);
        let before = std::mem::take(&mut self.later);
        run(self);
        let inner = std::mem::replace(&mut self.later, before);
        let made = std::mem::replace(&mut self.effects, now);
        self.later.extend(made);
        self.later.extend(inner);
    }

    /// Evaluates what is waited for: what it calls later has been called when the wait is over.
    pub(super) fn waiting(&mut self, run: impl FnOnce(&mut Self) -> Value) -> Value {
        let before = std::mem::take(&mut self.later);
        let value = run(self);
        let made = std::mem::replace(&mut self.later, before);
        self.effects.extend(made);
        value
    }

    /// Calls a function with arguments that are not known. Node's first parameter for an error is nothing.
    pub(super) fn call_back(&mut self, closure: &Arc<Closure>, span: Span) -> Value {
        let parameters = &closure.function.parameters;
        if !self.collecting && takes_request(closure) || takes_exchange(closure) {
            self.loose_handlers.push(Value::new(Kind::Function(closure.clone()), closure.function.span));
            return Value::unknown("what a handler gives back", span);
        }
        let given = parameters
            .iter()
            .filter(|parameter| parameter.kind == ParameterKind::One)
            .enumerate()
            .map(|(at, parameter)| match &parameter.pattern {
                Pattern::Name { name, span } if at == 0 && is_error_name(name) => Value::new(Kind::Null, *span),
                Pattern::Name { name, span } => {
                    Value::unknown(format!("`{name}` is given by code that cannot be read"), *span)
                }
                _ => Value::unknown("this is given by code that cannot be read", closure.function.span),
            })
            .collect();
        self.run(closure, closure.this.clone(), &Arguments::of(given), span)
    }

    /// Runs a function of the program.
    pub(super) fn run(
        &mut self,
        closure: &Arc<Closure>,
        this: Option<Value>,
        arguments: &Arguments,
        span: Span,
    ) -> Value {
        let function = closure.function.clone();
        let running = self.calls.iter().filter(|call| call.function == function.span).count();
        if self.calls.len() >= DEEPEST_CALL || running >= 2 {
            return Value::unknown(format!("`{}` calls itself", function.name), span);
        }
        self.visited.insert(function.span);
        let module = std::mem::replace(&mut self.module, closure.module);
        let frame = self.new_frame(Some(closure.frame), true);
        let noted = self.noted;
        self.calls.push(CallFrame {
            function: function.span,
            detached: closure.detached && this.is_none(),
            this: this.clone(),
            class: closure.class,
            base: self.path.len(),
            returns: Vec::new(),
            yields: false,
        });
        // Python hands the instance over as the first argument.
        let is_method = self.language() == Language::Python && closure.class.is_some() && this.is_some();
        let arguments = match (is_method, this) {
            (true, Some(this)) => {
                let positional = std::iter::once(this).chain(arguments.positional.iter().cloned()).collect();
                Arguments { positional, ..arguments.clone() }
            }
            _ => arguments.clone(),
        };
        // What is called leaves something for what comes behind the call.
        // A module's own call may be of anything, a queue of jobs as well as what makes the application.
        let is_modules_own = !self.collecting && self.calls.len() == 1;
        let kept = self.allowance / if is_modules_own { 2 } else { 4 };
        self.allowance -= kept;
        self.bind_parameters(&function, &arguments, frame);
        self.block(&function.body, frame);
        let is_run_to_its_end = self.allowance > 0;
        if !is_run_to_its_end {
            // It is for whoever runs what nobody ran.
            self.visited.remove(&function.span);
        }
        self.allowance += kept;
        let call = self.calls.pop();
        self.module = module;
        // What it threw is news for the statement that called it.
        self.noted = noted.min(self.thrown.len());
        let Some(call) = call else { return Value::undefined(span) };
        if call.yields {
            return Value::unknown("what a generator gives", span);
        }
        let mut value = match self.language() {
            // What it would have given back stands behind what was run.
            _ if !is_run_to_its_end => self.out_of_budget(span),
            Language::JavaScript => Value::undefined(span),
            Language::Python => Value::new(Kind::Null, span),
        };
        for (when, returned) in call.returns.into_iter().rev() {
            value = Value::choose(when, returned, value);
        }
        value
    }

    fn bind_parameters(&mut self, function: &crate::syntax::program::Function, arguments: &Arguments, frame: FrameId) {
        let mut at = 0;
        let mut used: Vec<&str> = Vec::new();
        for parameter in &function.parameters {
            let name = match &parameter.pattern {
                Pattern::Name { name, .. } => name.as_str(),
                _ => "",
            };
            let value = match parameter.kind {
                ParameterKind::Rest => {
                    let rest = arguments.positional.iter().skip(at).cloned().collect();
                    self.list(rest, arguments.open.clone(), function.span)
                }
                ParameterKind::RestKeywords => {
                    let id = self.new_object(Tag::Plain, function.span);
                    for (keyword, value, span) in &arguments.keywords {
                        if !used.contains(&&**keyword) {
                            self.set_field(id, keyword, value.clone(), *span);
                        }
                    }
                    if let Some(reason) = &arguments.open {
                        self.leave_open(id, reason.clone());
                    }
                    Value::new(Kind::Object(id), function.span)
                }
                ParameterKind::One | ParameterKind::KeywordOnly => {
                    let by_keyword = arguments.keyword(name).cloned();
                    let by_place = if parameter.kind == ParameterKind::One && by_keyword.is_none() {
                        at += 1;
                        arguments.positional.get(at - 1).cloned()
                    } else {
                        None
                    };
                    used.push(name);
                    let given = by_keyword.or(by_place);
                    let given = match (given, &arguments.open) {
                        (Some(value), _) => value,
                        (None, Some(reason)) => Value::new(Kind::Unknown(reason.clone()), function.span),
                        (None, None) => Value::undefined(function.span),
                    };
                    match (&parameter.default, given.present()) {
                        (Some(default), Guard::Never) if !matches!(given.kind, Kind::Null) => self.expr(default, frame),
                        _ => given,
                    }
                }
            };
            if parameter.is_field
                && let Some(this) = self.calls.last().and_then(|call| call.this.clone())
            {
                self.set(&this, name, value.clone(), function.span);
            }
            self.bind(&parameter.pattern, value, frame, true);
        }
        if self.language() == Language::JavaScript {
            let all = self.new_array(arguments.positional.clone(), function.span);
            self.declare(frame, "arguments", all);
        }
    }

    /// `new C(…)`.
    pub(super) fn construct(&mut self, class: &Value, arguments: &Arguments, span: Span) -> Value {
        match &class.kind {
            Kind::Class(id) => self.instance(*id, arguments, span),
            Kind::Function(closure) => {
                // A constructor function.
                let object = self.new_object(Tag::Plain, span);
                let this = Value::new(Kind::Object(object), span);
                let closure = closure.clone();
                let given = self.run(&closure, Some(this.clone()), arguments, span);
                if given.as_object().is_some() { given } else { this }
            }
            Kind::Choose(choice) => {
                let (guard, then, otherwise) = &**choice;
                let yes = self.under(guard.clone(), |eval| eval.construct(then, arguments, span));
                let no = self.under(Guard::not(guard.clone()), |eval| eval.construct(otherwise, arguments, span));
                Value::choose(guard.clone(), yes, no)
            }
            _ => {
                if let Some(value) = self.ask(|host, eval| host.construct(eval, class, arguments, span)) {
                    return value;
                }
                if let Kind::Native(native) = &class.kind {
                    let native = native.clone();
                    return self.construct_native(&native, arguments, span);
                }
                let reason =
                    class.reason().cloned().unwrap_or_else(|| Reason::new("this object is made elsewhere", span));
                self.call_unknown(&reason, "", arguments, span)
            }
        }
    }

    /// An instance of a class of the program.
    pub fn instance(&mut self, class: ClassId, arguments: &Arguments, span: Span) -> Value {
        let this = match self.host_base(class) {
            Some(base) => self.ask(|host, eval| host.construct(eval, &base, arguments, span)),
            None => None,
        };
        let this = match this {
            // A class of the program that extends one of a framework's: the framework's object, and the class's methods.
            Some(this) => {
                if let Some(id) = this.as_object() {
                    self.set_field(id, SUBCLASS, Value::new(Kind::Class(class), span), span);
                }
                this
            }
            None => Value::new(Kind::Object(self.new_object(Tag::Instance(class), span)), span),
        };
        self.initialise(class, &this, arguments, span, 0);
        this
    }

    /// The class of a framework that a class of the program extends.
    fn host_base(&self, class: ClassId) -> Option<Value> {
        let mut open = vec![class];
        for _ in 0..32 {
            for base in &self.classes[open.pop()?.0 as usize].bases {
                match &base.kind {
                    Kind::Class(base) => open.push(*base),
                    Kind::Native(_) => return Some(base.clone()),
                    _ => {}
                }
            }
        }
        None
    }

    /// An instance of a class that the program itself never makes: its constructor runs with arguments that are not
    /// known, and it may have further fields.
    pub(super) fn uncalled_instance(&mut self, class: ClassId, span: Span) -> Value {
        let id = self.new_object(Tag::Instance(class), span);
        let this = Value::new(Kind::Object(id), span);
        let why = Reason::new("a field of an object that is made elsewhere", span);
        let arguments = Arguments { open: Some(why.clone()), ..Arguments::default() };
        let outer = std::mem::replace(&mut self.allowance, super::HANDLER_BUDGET);
        let calls = std::mem::take(&mut self.calls);
        self.initialise(class, &this, &arguments, span, 0);
        self.calls = calls;
        self.allowance = outer;
        self.thrown.clear();
        self.noted = 0;
        self.leave_open(id, why);
        this
    }

    fn initialise(&mut self, class: ClassId, this: &Value, arguments: &Arguments, span: Span, depth: usize) {
        if depth > 16 {
            return;
        }
        let data = &mut self.classes[class.0 as usize];
        data.made.get_or_insert_with(|| this.clone());
        let (definition, frame, module, bases) = (data.class.clone(), data.frame, data.module, data.bases.clone());
        let constructor = definition.members.iter().find_map(|member| match member {
            ClassMember::Method { function, is_static: false, .. }
                if function.name == "constructor" || function.name == "__init__" =>
            {
                Some(function.clone())
            }
            _ => None,
        });
        if constructor.is_none() {
            if depth == 0 {
                self.fill_record(class, this, arguments, span);
            }
            for base in &bases {
                match base.kind {
                    Kind::Class(base) => self.initialise(base, this, arguments, span, depth + 1),
                    Kind::Unknown(ref reason) => {
                        if let Some(id) = this.as_object() {
                            let reason = reason.clone();
                            self.leave_open(id, reason);
                        }
                    }
                    _ => {}
                }
            }
        }
        let running = std::mem::replace(&mut self.module, module);
        for member in &definition.members {
            if let ClassMember::Field { name, span, value, is_static: false } = member {
                let scope = self.new_frame(Some(frame), true);
                self.calls.push(CallFrame {
                    function: *span,
                    detached: false,
                    this: Some(this.clone()),
                    class: Some(class),
                    base: self.path.len(),
                    returns: Vec::new(),
                    yields: false,
                });
                let value = match value {
                    Some(value) => self.expr(value, scope),
                    None => Value::undefined(*span),
                };
                self.calls.pop();
                self.set(this, name, value, *span);
            }
        }
        self.module = running;
        if let Some(function) = constructor {
            let this = Some(this.clone());
            let closure = Arc::new(Closure {
                function,
                frame,
                this: this.clone(),
                module,
                class: Some(class),
                attributes: None,
                detached: false,
            });
            self.run(&closure, this, arguments, span);
        }
    }

    /// `super(…)` and `super.method(…)`.
    pub(super) fn call_super(
        &mut self,
        method: Option<&str>,
        arguments: &[Argument],
        frame: FrameId,
        span: Span,
    ) -> Value {
        let arguments = self.arguments(arguments, frame);
        let (this, class) = match self.calls.last() {
            Some(call) => (call.this.clone(), call.class),
            None => (None, None),
        };
        let (Some(this), Some(class)) = (this, class) else { return Value::undefined(span) };
        let bases = self.classes[class.0 as usize].bases.clone();
        for base in bases {
            let Kind::Class(base) = base.kind else { continue };
            match method {
                None => self.initialise(base, &this, &arguments, span, 0),
                Some(name) => {
                    if let Some(Value { kind: Kind::Function(closure), .. }) = self.class_member(base, name) {
                        return self.run(&closure, Some(this), &arguments, span);
                    }
                }
            }
        }
        Value::undefined(span)
    }

    /// What a promise resolves to. Promises are taken for their values, but where they are rejected.
    pub(super) fn awaited(&mut self, value: Value) -> Value {
        for (when, value) in value.branches() {
            if let Some(reason) = self.rejection(&value) {
                self.under(when, |eval| eval.throw(reason));
            }
        }
        value
    }

    /// What a promise is rejected with.
    pub fn rejection(&self, value: &Value) -> Option<Value> {
        let object = self.object(value.as_object()?);
        object.items.first().filter(|_| object.tag == Tag::Rejected).cloned()
    }

    /// A call as a step of the path to what is not known: `.get('name')`, `.findOne({email})`, `(…)`. Calls that are told
    /// apart here are different unknowns: one may find something and the other nothing.
    pub(super) fn step(&self, name: &str, arguments: &Arguments) -> String {
        const LONGEST: usize = 40;
        let shown = |value: &Value| match &value.kind {
            Kind::Str(text) if text.len() < LONGEST => format!("'{text}'"),
            Kind::Number(number) => number.to_string(),
            Kind::Bool(boolean) => boolean.to_string(),
            Kind::Object(id) if matches!(self.object(*id).tag, Tag::Plain) => match &*self.object(*id).fields {
                [] | [_, _, _, _, _, ..] => "…".to_owned(),
                fields => {
                    let names: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
                    format!("{{{}}}", names.join(", "))
                }
            },
            _ => "…".to_owned(),
        };
        let positional = arguments.positional.iter().map(shown);
        let keywords = arguments.keywords.iter().map(|(name, value, _)| format!("{name}={}", shown(value)));
        let all = positional.chain(keywords).collect::<Vec<_>>().join(", ");
        if all.len() > LONGEST { format!("{name}(…)") } else { format!("{name}({all})") }
    }

    /// `then`, `catch` and `finally` of a promise that is rejected.
    pub(super) fn rejected_method(
        &mut self,
        receiver: &Value,
        name: &str,
        arguments: &Arguments,
        span: Span,
    ) -> Option<Value> {
        let reason = self.rejection(receiver)?;
        let (handler, given) = match name {
            "then" => (arguments.get(1).cloned(), vec![reason]),
            "catch" => (arguments.get(0).cloned(), vec![reason]),
            "finally" => (arguments.get(0).cloned(), Vec::new()),
            _ => return None,
        };
        let Some(handler) = handler else { return Some(receiver.clone()) };
        let mut value = receiver.clone();
        self.later(|eval| {
            let given = eval.call(&handler, &Arguments::of(given.clone()), span);
            if name != "finally" {
                value = given;
            }
            Value::undefined(span)
        });
        Some(value)
    }
}

/// Whether a function is `async`.
fn is_async(function: &Value) -> bool {
    matches!(&function.kind, Kind::Function(closure) if closure.function.is_async)
}

/// Whether a value is a function that is named as a handler of requests is, in its parameters.
fn is_handler(value: &Value) -> bool {
    matches!(&value.kind, Kind::Function(closure) if takes_request(closure) || takes_exchange(closure))
}

/// Whether a function's parameters are named as those of a handler of requests are.
pub fn takes_request(closure: &Closure) -> bool {
    let named = |at: usize, names: &[&str]| {
        closure.function.parameters.get(at).is_some_and(
            |parameter| matches!(&parameter.pattern, Pattern::Name { name, .. } if names.contains(&name.as_str())),
        )
    };
    named(0, &["req", "request", "_req", "_request", "_"]) && named(1, &["res", "response", "_res"])
}

/// Whether a function takes request and answer as parts of one object: `({ req, res }) => …`.
pub fn takes_exchange(closure: &Closure) -> bool {
    let Some(Pattern::Object { fields, .. }) = closure.function.parameters.first().map(|first| &first.pattern) else {
        return false;
    };
    let takes = |names: &[&str]| {
        fields.iter().any(|(key, ..)| matches!(key, PropertyKey::Name(name) if names.contains(&name.as_str())))
    };
    takes(&["req", "request"]) && takes(&["res", "response"])
}

/// How Node names the parameter for an error.
fn is_error_name(name: &str) -> bool {
    matches!(name, "err" | "error" | "e" | "er" | "_err" | "exception")
}
