//! Expressions.

use std::sync::Arc;

use super::Evaluator;
use super::value::{Arguments, FrameId, Kind, Tag, Value};
use crate::model::{Guard, Text};
use crate::source::Span;
use crate::syntax::program::{
    Argument, ArgumentSpread, BinaryOperator, Expr, ExprKind, Language, Pattern, Property, PropertyKey, TemplatePart,
    UnaryOperator,
};

/// Names that Python's `builtins` have for functions and classes whose results are not followed.
const OF_PYTHON: &[&str] = &[
    "abs",
    "bin",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "compile",
    "complex",
    "delattr",
    "dir",
    "divmod",
    "eval",
    "exec",
    "exit",
    "filter",
    "format",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "hex",
    "id",
    "input",
    "isinstance",
    "issubclass",
    "iter",
    "locals",
    "map",
    "max",
    "memoryview",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "quit",
    "repr",
    "reversed",
    "round",
    "setattr",
    "slice",
    "sum",
    "super",
    "type",
    "vars",
    "zip",
];

impl Evaluator<'_> {
    /// The value of an expression in a scope.
    pub(super) fn expr(&mut self, expr: &Expr, frame: FrameId) -> Value {
        if !self.spend() {
            return self.out_of_budget(expr.span);
        }
        let span = expr.span;
        match &expr.kind {
            ExprKind::Str(text) => Value::str(text.as_str(), span),
            ExprKind::Num(number) => Value::new(Kind::Number(*number), span),
            ExprKind::Bool(holds) => Value::new(Kind::Bool(*holds), span),
            ExprKind::Null => Value::new(Kind::Null, span),
            ExprKind::Regex { pattern, flags } => self.regex(pattern, flags, span),
            ExprKind::Template(parts) => self.template(parts, frame, span),
            ExprKind::Array(items) => self.array(items, frame, span),
            ExprKind::Object(properties) => self.object_literal(properties, frame, span),
            ExprKind::Chain(chain) => {
                let depth = self.path.len();
                let value = self.expr(chain, frame);
                let there = Guard::all(self.path.drain(depth..));
                Value::choose(there, value, Value::undefined(span))
            }
            // The chain around it takes its condition back.
            ExprKind::IfThere(link) => {
                let value = self.expr(link, frame);
                match value.present() {
                    Guard::Always | Guard::Unknown(_) => value,
                    present => {
                        self.path.push(present);
                        value.there()
                    }
                }
            }
            ExprKind::Member { object, property, property_span } => {
                if let Some(value) = self.submodule(expr, frame) {
                    return value;
                }
                let of = self.expr(object, frame);
                self.reads_this(object, property, span);
                let value = self.get(&of, property, Span { start: span.start, ..*property_span });
                self.taken(&of, property, value)
            }
            ExprKind::Index { object, index } => {
                let of = self.expr(object, frame);
                let key = self.expr(index, frame);
                let value = self.get_item(&of, &key, span);
                if matches!(&of.kind, Kind::Native(native) if native.name == "os.environ") {
                    self.reads_variable(&value, &key, span);
                }
                value
            }
            ExprKind::Call { callee, arguments } => self.call_expr(callee, arguments, frame, span),
            ExprKind::New { callee, arguments } => {
                let class = self.expr(callee, frame);
                let arguments = self.arguments(arguments, frame);
                self.construct(&class, &arguments, span)
            }
            ExprKind::Name(name) => self.name(name, frame, span),
            ExprKind::This => {
                self.calls.last().and_then(|call| call.this.clone()).unwrap_or_else(|| Value::undefined(span))
            }
            ExprKind::Super => {
                self.calls.last().and_then(|call| call.this.clone()).unwrap_or_else(|| Value::undefined(span))
            }
            ExprKind::Function(function) => self.closure(function, frame),
            ExprKind::Class(class) => self.class(class, frame),
            ExprKind::Conditional { test, then, otherwise } => {
                let test = self.expr(test, frame);
                let test = self.truth(&test);
                match test {
                    Guard::Always => self.expr(then, frame),
                    Guard::Never => self.expr(otherwise, frame),
                    test => {
                        let yes = self.under(test.clone(), |eval| eval.expr(then, frame));
                        let no = self.under(Guard::not(test.clone()), |eval| eval.expr(otherwise, frame));
                        Value::choose(test, yes, no)
                    }
                }
            }
            ExprKind::Binary { operator, left, right } => self.binary(*operator, left, right, frame, span),
            ExprKind::Unary { operator: UnaryOperator::Delete, operand } => {
                self.delete(operand, frame);
                Value::new(Kind::Bool(true), span)
            }
            ExprKind::Unary { operator, operand } => {
                let value = self.expr(operand, frame);
                self.unary(*operator, value, span)
            }
            ExprKind::Await(value) => {
                let value = self.waiting(|eval| eval.expr(value, frame));
                self.awaited(value)
            }
            ExprKind::Yield(value) => {
                if let Some(value) = value {
                    self.expr(value, frame);
                }
                if let Some(call) = self.calls.last_mut() {
                    call.yields = true;
                }
                Value::unknown("what a generator is sent", span)
            }
            ExprKind::Spread(value) => self.expr(value, frame),
            ExprKind::Assign { target, operator, value } => self.assign(target, *operator, value, frame),
            ExprKind::Sequence(parts) => {
                let mut last = Value::undefined(span);
                for part in parts {
                    last = self.expr(part, frame);
                }
                last
            }
            ExprKind::Comprehension { element, pattern, iterable, conditions } => {
                self.comprehension(element, pattern, iterable, conditions, frame, span)
            }
            ExprKind::Opaque(what) => Value::unknown(format!("{what} is not followed"), span),
        }
    }

    fn name(&mut self, name: &str, frame: FrameId, span: Span) -> Value {
        if let Some(value) = self.lookup(frame, name) {
            if value.span.file != span.file {
                return value.through(span, "used here");
            }
            return value;
        }
        if let Some(value) = self.builtin_name(name, span) {
            return value;
        }
        if let Some(value) = self.ask(|host, eval| host.global(eval, name, span)) {
            return value;
        }
        if self.language() == Language::Python && OF_PYTHON.contains(&name) {
            return Value::unknown(format!("Python's `{name}` is not followed"), span);
        }
        Value::unknown(format!("`{name}` is not defined in the files that were read"), span)
    }

    fn template(&mut self, parts: &[TemplatePart], frame: FrameId, span: Span) -> Value {
        let mut texts = Vec::with_capacity(parts.len());
        let absent = self.absent();
        let mut only = None;
        for part in parts {
            match part {
                TemplatePart::Text(text) => texts.push(Text::literal(text.as_str())),
                TemplatePart::Value(value) => {
                    let value = self.expr(value, frame);
                    texts.push(value.to_text(absent));
                    only = Some(value);
                }
            }
        }
        if let ([TemplatePart::Value(_)], Some(value)) = (parts, only)
            && value.as_str().is_some()
        {
            return value;
        }
        Value::text(Text::concat(texts), span)
    }

    fn array(&mut self, items: &[Expr], frame: FrameId, span: Span) -> Value {
        let mut values = Vec::with_capacity(items.len());
        let mut open = None;
        for item in items {
            match &item.kind {
                ExprKind::Spread(inner) => {
                    let value = self.expr(inner, frame);
                    let (known, more) = self.each(&value, inner.span);
                    values.extend(known);
                    open = open.or(more);
                }
                _ => values.push(self.expr(item, frame)),
            }
        }
        self.list(values, open, span)
    }

    fn object_literal(&mut self, properties: &[Property], frame: FrameId, span: Span) -> Value {
        let id = self.new_object(Tag::Plain, span);
        for property in properties {
            match &property.key {
                PropertyKey::Name(name) => {
                    let value = self.expr(&property.value, frame);
                    self.set_field(id, name, value, property.key_span);
                }
                PropertyKey::Getter(name) => {
                    let getter = self.expr(&property.value, frame);
                    let value = self.call(&getter, &Arguments::default(), property.key_span);
                    self.set_field(id, name, value, property.key_span);
                }
                PropertyKey::Computed(key) => {
                    let key = self.expr(key, frame);
                    let value = self.expr(&property.value, frame);
                    let of = Value::new(Kind::Object(id), span);
                    self.set_item(&of, &key, value, property.key_span);
                }
                PropertyKey::Spread => {
                    let value = self.expr(&property.value, frame);
                    self.spread_fields(id, &value);
                }
            }
        }
        Value::new(Kind::Object(id), span)
    }

    /// `delete of.name`.
    fn delete(&mut self, place: &Expr, frame: FrameId) {
        let (of, key) = match &place.kind {
            ExprKind::Member { object, property, .. } => (object, Value::str(property.as_str(), place.span)),
            ExprKind::Index { object, index } => (object, self.expr(index, frame)),
            _ => return,
        };
        let of = self.expr(of, frame);
        let (Some(id), Some(name)) = (of.as_object(), key.as_str()) else { return };
        if matches!(self.object(id).tag, Tag::Host(_)) {
            return;
        }
        // Under a condition it is there or not, which is written as being undefined.
        self.set_field(id, name, Value::undefined(place.span), place.span);
        if self.field(id, name).is_some_and(|field| matches!(field.value.kind, Kind::Undefined)) {
            self.object_mut(id).fields.retain(|field| &*field.name != name);
        }
    }

    /// Copies the fields of `from` into an object.
    pub(super) fn spread_fields(&mut self, id: super::ObjectId, from: &Value) {
        for (when, value) in from.branches() {
            match &value.kind {
                Kind::Object(other) => {
                    let fields = self.object(*other).fields.clone();
                    let open = self.object(*other).open.clone();
                    self.under(when, |eval| {
                        for field in fields {
                            eval.copy_field(id, &field);
                        }
                    });
                    if let Some(reason) = open {
                        self.leave_open(id, reason);
                    }
                }
                Kind::Module(module) => {
                    let fields = self.module_names(*module);
                    for (name, value) in fields {
                        let span = value.span;
                        self.set_field(id, &name, value, span);
                    }
                }
                Kind::Unknown(reason) => {
                    let reason = reason.clone();
                    self.leave_open(id, reason);
                }
                _ => {}
            }
        }
    }

    /// Evaluated arguments of a call.
    pub(super) fn arguments(&mut self, arguments: &[Argument], frame: FrameId) -> Arguments {
        let mut evaluated = Arguments::default();
        for argument in arguments {
            let value = self.expr(&argument.value, frame);
            match argument.spread {
                ArgumentSpread::None => match &argument.keyword {
                    Some(keyword) => {
                        evaluated.keywords.push((Arc::from(keyword.as_str()), value, argument.span));
                    }
                    None => evaluated.positional.push(value),
                },
                ArgumentSpread::Items => {
                    let (known, open) = self.each(&value, argument.span);
                    evaluated.positional.extend(known);
                    evaluated.open = evaluated.open.or(open);
                }
                ArgumentSpread::Keywords => self.keywords_of(&value, argument.span, &mut evaluated),
            }
        }
        evaluated
    }

    /// The keywords that `**value` gives. One that is there under a condition only is `undefined` elsewhere.
    fn keywords_of(&self, value: &Value, span: Span, into: &mut Arguments) {
        for (when, value) in value.branches() {
            if matches!(value.kind, Kind::Undefined | Kind::Null) {
                continue;
            }
            let Some(id) = value.as_object() else {
                into.open = Some(Self::unknown_reason("these keywords are not known", span));
                continue;
            };
            let object = self.object(id);
            into.open = into.open.take().or_else(|| object.open.clone());
            for field in &object.fields {
                match into.keywords.iter_mut().find(|(name, ..)| *name == field.name) {
                    Some((_, old, _)) => *old = Value::choose(when.clone(), field.value.clone(), old.clone()),
                    None => {
                        let absent = Value::undefined(field.span);
                        let value = Value::choose(when.clone(), field.value.clone(), absent);
                        into.keywords.push((field.name.clone(), value, field.span));
                    }
                }
            }
        }
    }

    fn call_expr(&mut self, callee: &Expr, arguments: &[Argument], frame: FrameId, span: Span) -> Value {
        match &callee.kind {
            ExprKind::Member { object, property, property_span } => {
                let is_super = match &object.kind {
                    ExprKind::Super => true,
                    // Python's `super().method()`.
                    ExprKind::Call { callee, .. } => {
                        matches!(&callee.kind, ExprKind::Name(name) if name == "super")
                            && self.language() == Language::Python
                    }
                    _ => false,
                };
                if is_super {
                    return self.call_super(Some(property), arguments, frame, span);
                }
                if let Some(function) = self.submodule(callee, frame) {
                    let arguments = self.arguments(arguments, frame);
                    return self.call(&function, &arguments, span);
                }
                let receiver = self.expr(object, frame);
                self.reads_this(object, property, span);
                let thrown = self.thrown.len();
                let arguments = self.arguments(arguments, frame);
                self.unless_thrown(thrown, |eval| {
                    eval.call_method(&receiver, property, &arguments, span, *property_span)
                })
            }
            ExprKind::Index { object, index } => {
                let receiver = self.expr(object, frame);
                let key = self.expr(index, frame);
                let arguments = self.arguments(arguments, frame);
                match key.as_str() {
                    Some(name) => {
                        let name = name.to_owned();
                        self.call_method(&receiver, &name, &arguments, span, index.span)
                    }
                    None => {
                        let function = self.get_item(&receiver, &key, callee.span);
                        self.call(&function, &arguments, span)
                    }
                }
            }
            ExprKind::Super => self.call_super(None, arguments, frame, span),
            ExprKind::Name(name) if self.lookup(frame, name).is_none() => {
                let evaluated = self.arguments(arguments, frame);
                if let Some(value) = self.call_builtin(name, &evaluated, frame, span) {
                    return value;
                }
                let function = self.name(name, frame, callee.span);
                self.call(&function, &evaluated, span)
            }
            _ => {
                let function = self.expr(callee, frame);
                let thrown = self.thrown.len();
                let arguments = self.arguments(arguments, frame);
                self.unless_thrown(thrown, |eval| eval.call(&function, &arguments, span))
            }
        }
    }

    /// Goes on with a statement whose parts threw nothing since.
    fn unless_thrown<T>(&mut self, before: usize, run: impl FnOnce(&mut Self) -> T) -> T {
        let fresh = self.thrown.get(before..).unwrap_or_default();
        if fresh.is_empty() || !self.collecting {
            return run(self);
        }
        let thrown = Guard::any(fresh.iter().map(|(when, _)| when.clone()));
        self.under(Guard::not(thrown), run)
    }

    fn assign(&mut self, target: &Pattern, operator: Option<BinaryOperator>, value: &Expr, frame: FrameId) -> Value {
        let Some(operator) = operator else {
            let thrown = self.thrown.len();
            let value = self.expr(value, frame);
            self.unless_thrown(thrown, |eval| eval.bind(target, value.clone(), frame, false));
            return value;
        };
        let old = match target {
            Pattern::Name { name, span } => self.name(name, frame, *span),
            Pattern::Place(place) => self.expr(place, frame),
            _ => return Value::unknown("this assignment is not followed", value.span),
        };
        let new = match operator {
            BinaryOperator::Or | BinaryOperator::And | BinaryOperator::Nullish => {
                let keeps = match operator {
                    BinaryOperator::Or => self.truth(&old),
                    BinaryOperator::And => Guard::not(self.truth(&old)),
                    _ => old.present(),
                };
                match keeps {
                    Guard::Always => return old,
                    Guard::Never => self.expr(value, frame),
                    keeps => {
                        let new = self.under(Guard::not(keeps.clone()), |eval| eval.expr(value, frame));
                        Value::choose(keeps, old, new)
                    }
                }
            }
            _ => {
                let right = self.expr(value, frame);
                self.operate(operator, &old, &right, value.span)
            }
        };
        self.bind(target, new.clone(), frame, false);
        new
    }

    fn comprehension(
        &mut self,
        element: &Expr,
        pattern: &Pattern,
        iterable: &Expr,
        conditions: &[Expr],
        frame: FrameId,
        span: Span,
    ) -> Value {
        let over = self.expr(iterable, frame);
        let (items, open) = self.each(&over, iterable.span);
        let array = self.new_array(Vec::new(), span);
        let Some(id) = array.as_object() else { return array };
        for item in items {
            let (there, item) = super::heap::taken(item);
            let inner = self.new_frame(Some(frame), true);
            self.bind(pattern, item, inner, true);
            let mut when = there;
            for condition in conditions {
                let test = self.under(when.clone(), |eval| eval.expr(condition, inner));
                when = when.and(self.truth(&test));
            }
            if when == Guard::Never {
                continue;
            }
            self.under(when, |eval| {
                let value = eval.expr(element, inner);
                eval.push_item(id, value);
            });
        }
        if let Some(reason) = open {
            self.leave_open(id, reason);
        }
        array
    }
}
