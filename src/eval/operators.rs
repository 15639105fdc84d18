//! Operators.

use super::Evaluator;
use super::value::{FrameId, Kind, Tag, Value};
use crate::cors::StringTest;
use crate::model::{Guard, Reason, Text};
use crate::source::Span;
use crate::syntax::program::{BinaryOperator, Expr, ExprKind, Language, UnaryOperator};

impl Evaluator<'_> {
    pub(super) fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &Expr,
        right: &Expr,
        frame: FrameId,
        span: Span,
    ) -> Value {
        let first = self.expr(left, frame);
        let keeps = match operator {
            BinaryOperator::Or => self.truth(&first),
            BinaryOperator::And => Guard::not(self.truth(&first)),
            BinaryOperator::Nullish => first.present(),
            _ => {
                let second = self.expr(right, frame);
                return self.operate(operator, &first, &second, span);
            }
        };
        let keeps = match keeps {
            // `variable?.split(',') || fallback`: what is called on nothing gives nothing.
            Guard::Always if operator != BinaryOperator::And => {
                self.base_of_calls(left, frame).unwrap_or(Guard::Always)
            }
            keeps => keeps,
        };
        match keeps {
            Guard::Always => first,
            Guard::Never => self.expr(right, frame),
            keeps => {
                let second = self.under(Guard::not(keeps.clone()), |eval| eval.expr(right, frame));
                Value::choose(keeps, first, second)
            }
        }
    }

    /// When there is something on which a chain of calls begins; nothing for what is no such chain.
    fn base_of_calls(&mut self, expr: &Expr, frame: FrameId) -> Option<Guard> {
        let mut at = expr;
        let mut base = None;
        loop {
            match &at.kind {
                ExprKind::Call { callee, .. } => match &callee.kind {
                    ExprKind::Member { object, .. } => {
                        base = Some(&**object);
                        at = object;
                    }
                    _ => return None,
                },
                ExprKind::Member { object, .. } => at = object,
                ExprKind::Name(_) => break,
                _ => return None,
            }
        }
        let base = self.expr(base?, frame);
        matches!(base.kind, Kind::Text(_)).then(|| base.present())
    }

    pub(super) fn operate(&mut self, operator: BinaryOperator, left: &Value, right: &Value, span: Span) -> Value {
        match operator {
            BinaryOperator::Equal => Value::test(self.equal(left, right, span), span),
            BinaryOperator::NotEqual => Value::test(Guard::not(self.equal(left, right, span)), span),
            BinaryOperator::In => Value::test(self.contained(left, right, span), span),
            BinaryOperator::NotIn => Value::test(Guard::not(self.contained(left, right, span)), span),
            BinaryOperator::Less
            | BinaryOperator::LessEqual
            | BinaryOperator::Greater
            | BinaryOperator::GreaterEqual => Value::test(self.compared(operator, left, right, span), span),
            BinaryOperator::Add => self.added(left, right, span),
            BinaryOperator::Remainder if left.as_str().is_some() && self.language() == Language::Python => {
                self.formatted(left, right, span)
            }
            // Of paths.
            BinaryOperator::Divide if left.as_str().is_some() && self.language() == Language::Python => {
                Self::joined_path(&[left.clone(), right.clone()], span)
                    .unwrap_or_else(|| Value::unknown("this path is not followed", span))
            }
            BinaryOperator::Subtract
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Remainder => match (&left.kind, &right.kind) {
                (_, Kind::Number(0.0))
                    if self.language() == Language::Python
                        && matches!(operator, BinaryOperator::Divide | BinaryOperator::Remainder) =>
                {
                    self.throw(Value::unknown("`ZeroDivisionError`", span));
                    Value::unknown("a division by zero", span)
                }
                (Kind::Number(a), Kind::Number(b)) => {
                    let number = match operator {
                        BinaryOperator::Subtract => a - b,
                        BinaryOperator::Multiply => a * b,
                        BinaryOperator::Divide => a / b,
                        _ => a % b,
                    };
                    Value::new(Kind::Number(number), span)
                }
                _ => Value::unknown("this calculation is not followed", span),
            },
            BinaryOperator::Join => {
                if self.items(left).is_some() {
                    return self.added(left, right, span);
                }
                if self.host_tag(left).is_some() || matches!(left.kind, Kind::Native(_)) {
                    // A framework's own table takes the entries in.
                    let arguments = &super::value::Arguments::of(vec![right.clone()]);
                    let join = super::MethodCall { receiver: left, name: "__ior__", arguments, span, name_span: span };
                    if self.ask(|host, eval| host.method(eval, &join)).is_some() {
                        return left.clone();
                    }
                }
                match (left.as_object(), right.as_object()) {
                    (Some(_), Some(_)) => {
                        let id = self.new_object(Tag::Plain, span);
                        self.spread_fields(id, left);
                        self.spread_fields(id, right);
                        Value::new(Kind::Object(id), span)
                    }
                    _ => Value::unknown("this operator is not followed", span),
                }
            }
            BinaryOperator::InstanceOf => Value::test(self.is_instance(left, right, span), span),
            BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Nullish | BinaryOperator::Other => {
                Value::unknown("this operator is not followed", span)
            }
        }
    }

    /// Python's `'%s/%d' % (a, b)`.
    fn formatted(&mut self, template: &Value, values: &Value, span: Span) -> Value {
        let unknown = || Value::unknown("this text is not put together", span);
        let Some(template) = template.as_str() else { return unknown() };
        let listed = self.items(values).map(|list| list.items.clone());
        let mut values = listed.unwrap_or_else(|| vec![values.clone()]).into_iter();
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once('%') {
            parts.push(Text::literal(before));
            let Some(kind) = behind.chars().next() else { return unknown() };
            match kind {
                's' | 'd' | 'i' => match values.next() {
                    Some(value) => parts.push(value.to_text("None")),
                    None => return unknown(),
                },
                '%' => parts.push(Text::literal("%")),
                _ => return unknown(),
            }
            rest = &behind[kind.len_utf8()..];
        }
        parts.push(Text::literal(rest));
        Value::text(Text::concat(parts), span)
    }

    pub(super) fn unary(&mut self, operator: UnaryOperator, value: Value, span: Span) -> Value {
        match (operator, &value.kind) {
            (UnaryOperator::Not, _) => Value::test(Guard::not(self.truth(&value)), span),
            (UnaryOperator::Minus, Kind::Number(number)) => Value::new(Kind::Number(-number), span),
            (UnaryOperator::Plus, Kind::Number(_)) => value,
            (UnaryOperator::Plus, Kind::Str(text)) => {
                Value::new(Kind::Number(text.trim().parse().unwrap_or(f64::NAN)), span)
            }
            // `~list.indexOf(x)`: 0, and nothing else, where it is not found.
            (UnaryOperator::BitwiseNot, Kind::Index(found)) => Value::test(found.0.clone(), span),
            (UnaryOperator::BitwiseNot, Kind::Number(number)) => Value::new(Kind::Number(-number.trunc() - 1.0), span),
            (UnaryOperator::Void, _) => Value::undefined(span),
            (UnaryOperator::TypeOf, kind) => match type_name(kind) {
                Some(name) => Value::str(name, span),
                None => match &value.kind {
                    Kind::Choose(choice) => {
                        let (guard, then, otherwise) = &**choice;
                        let yes = self.unary(operator, then.clone(), span);
                        let no = self.unary(operator, otherwise.clone(), span);
                        Value::choose(guard.clone(), yes, no)
                    }
                    Kind::Text(_) => {
                        Value::choose(value.present(), Value::str("string", span), Value::str("undefined", span))
                    }
                    Kind::Unknown(reason) => Value::new(
                        Kind::Unknown(Reason {
                            text: format!("the type of what is unknown: {}", reason.text).into(),
                            span: reason.span,
                        }),
                        span,
                    ),
                    _ => Value::unknown("the type of this value", span),
                },
            },
            _ => Value::unknown("this operator is not followed", span),
        }
    }

    /// `left instanceof right`.
    fn is_instance(&mut self, left: &Value, right: &Value, span: Span) -> Guard {
        if let Kind::Choose(choice) = &left.kind {
            let (guard, then, otherwise) = &**choice;
            let yes = self.is_instance(then, right, span);
            let no = self.is_instance(otherwise, right, span);
            return Guard::any([guard.clone().and(yes), Guard::not(guard.clone()).and(no)]);
        }
        let class = match &right.kind {
            Kind::Native(native) => native.name,
            Kind::Class(class) => {
                return match left.as_object().map(|id| self.object(id).tag) {
                    Some(Tag::Instance(own)) if own == *class => Guard::Always,
                    Some(Tag::Plain | Tag::Array | Tag::Set) => Guard::Never,
                    None if left.reason().is_none() => Guard::Never,
                    _ => unknown_test(span),
                };
            }
            _ => return unknown_test(span),
        };
        match (&left.kind, class) {
            (Kind::Unknown(reason), _) => Guard::Unknown(Reason {
                text: format!("if it is a {class}: {}", reason.text).into(),
                span: reason.span,
            }),
            (Kind::Regex(_), _) => Guard::from(matches!(class, "RegExp" | "Object")),
            (Kind::Object(id), _) => match (self.object(*id).tag, class) {
                (Tag::Array, "Array") | (Tag::Set, "Set") | (_, "Object") => Guard::Always,
                (Tag::Host(_) | Tag::Instance(_), _) | (Tag::Plain, "Map" | "Error" | "TypeError") => {
                    unknown_test(span)
                }
                _ => Guard::Never,
            },
            (Kind::Function(_) | Kind::Native(_) | Kind::Class(_), _) => {
                Guard::from(matches!(class, "Function" | "Object"))
            }
            _ => Guard::Never,
        }
    }

    /// When two values are equal, as `===` and `==` (Python's `==` and `is`) say.
    pub(super) fn equal(&mut self, left: &Value, right: &Value, span: Span) -> Guard {
        match (&left.kind, &right.kind) {
            (Kind::Choose(choice), _) => {
                let (guard, then, otherwise) = &**choice;
                let yes = self.equal(then, right, span);
                let no = self.equal(otherwise, right, span);
                Guard::any([guard.clone().and(yes), Guard::not(guard.clone()).and(no)])
            }
            (_, Kind::Choose(_)) => self.equal(right, left, span),
            (Kind::Undefined | Kind::Null, _) => Guard::not(right.present()),
            (_, Kind::Undefined | Kind::Null) => Guard::not(left.present()),
            (Kind::Unknown(_), Kind::Unknown(_)) | (Kind::Unknown(_), _) | (_, Kind::Unknown(_)) => {
                // The same question about the same unknown has the same answer.
                let (unknown, other) = if left.reason().is_some() { (left, right) } else { (right, left) };
                let word = match &other.kind {
                    Kind::Str(text) => format!("'{text}'"),
                    Kind::Bool(holds) => holds.to_string(),
                    Kind::Number(number) => number.to_string(),
                    _ => "another value".to_owned(),
                };
                let reason = unknown.reason().map_or("", |reason| &reason.text);
                let span = unknown.reason().and_then(|reason| reason.span).or(Some(span));
                Guard::Unknown(Reason { text: format!("if it equals {word}: {reason}").into(), span })
            }
            (Kind::Text(text), Kind::Str(literal)) => {
                Guard::test((**text).clone(), StringTest::Equals(literal.to_string()), right.span)
            }
            (Kind::Str(_), Kind::Text(_)) => self.equal(right, left, span),
            (Kind::Text(a), Kind::Text(b)) if a == b => Guard::Always,
            (Kind::Text(a), Kind::Text(b)) => {
                // What is there is not what is missing, and what is missing is the same everywhere.
                let there = super::text_is_set(a).and(super::text_is_set(b));
                let missing = Guard::not(super::text_is_set(a)).and(Guard::not(super::text_is_set(b)));
                let same = Guard::Unknown(Reason::new("two values that vary are compared", span));
                there.and(same).or(missing)
            }
            (Kind::Str(a), Kind::Str(b)) => Guard::from(a == b),
            (Kind::Number(a), Kind::Number(b)) => Guard::from(a == b),
            (Kind::Number(_), Kind::Index(_)) => self.equal(right, left, span),
            (Kind::Index(found), Kind::Number(number)) => match *number {
                -1.0 => Guard::not(found.0.clone()),
                0.0 => found.1.clone(),
                _ => Guard::Unknown(Reason::new("the place at which something is found", span)),
            },
            (Kind::Bool(_) | Kind::Test(_), Kind::Bool(_) | Kind::Test(_)) => {
                let (a, b) = (left.truthy(), right.truthy());
                Guard::any([a.clone().and(b.clone()), Guard::not(a).and(Guard::not(b))])
            }
            (Kind::Object(a), Kind::Object(b)) => Guard::from(a == b),
            (Kind::Native(_), Kind::Number(number)) => {
                let number = *number;
                let known = self.ask(|host, eval| host.compared(eval, left, BinaryOperator::Equal, number));
                known.unwrap_or(Guard::Never)
            }
            (Kind::Number(_), Kind::Native(_)) => self.equal(right, left, span),
            _ => Guard::Never,
        }
    }

    /// When a value is among others: `in`, `includes`.
    pub(super) fn contained(&mut self, value: &Value, among: &Value, span: Span) -> Guard {
        match &among.kind {
            Kind::Choose(choice) => {
                let (guard, then, otherwise) = &**choice;
                let yes = self.contained(value, then, span);
                let no = self.contained(value, otherwise, span);
                Guard::any([guard.clone().and(yes), Guard::not(guard.clone()).and(no)])
            }
            Kind::Str(_) | Kind::Text(_) => {
                string_test(among, value, StringTest::Contains).unwrap_or_else(|| unknown_test(span))
            }
            Kind::Object(id) => {
                let object = self.object(*id);
                if matches!(object.tag, Tag::Host(_)) && value.as_str().is_some() {
                    return self.get_item(among, value, span).present();
                }
                if !matches!(object.tag, Tag::Array | Tag::Set) {
                    let open = object.open.clone();
                    return match value.as_str() {
                        Some(name) if self.field(*id, name).is_some() => Guard::Always,
                        Some(_) if open.is_none() => Guard::Never,
                        None if matches!(value.kind, Kind::Text(_)) => {
                            let names: Vec<Value> =
                                object.fields.iter().map(|field| Value::str(field.name.clone(), field.span)).collect();
                            let known: Vec<Guard> =
                                names.iter().map(|name| self.equal(value, name, name.span)).collect();
                            Guard::any(known.into_iter().chain(open.map(Guard::Unknown)))
                        }
                        _ => open.map_or_else(|| unknown_test(span), Guard::Unknown),
                    };
                }
                let items = object.items.clone();
                let open = object.open.clone();
                let mut parts: Vec<Guard> = items.iter().map(|item| self.equal(value, item, item.span)).collect();
                parts.extend(open.map(|reason| Guard::Unknown(self.part(&reason, &held(value)))));
                Guard::any(parts)
            }
            Kind::Unknown(reason) => Guard::Unknown(self.part(reason, &held(value))),
            Kind::Native(_) => {
                let held = self.ask(|host, eval| host.contains(eval, among, value, span));
                held.unwrap_or_else(|| unknown_test(span))
            }
            _ => unknown_test(span),
        }
    }

    fn compared(&mut self, operator: BinaryOperator, left: &Value, right: &Value, span: Span) -> Guard {
        use BinaryOperator::{Greater, GreaterEqual, Less, LessEqual};
        match (&left.kind, &right.kind) {
            (Kind::Choose(choice), _) => {
                let (guard, then, otherwise) = &**choice;
                let yes = self.compared(operator, then, right, span);
                let no = self.compared(operator, otherwise, right, span);
                Guard::any([guard.clone().and(yes), Guard::not(guard.clone()).and(no)])
            }
            (Kind::Native(_), Kind::Number(number)) => {
                let number = *number;
                let known = self.ask(|host, eval| host.compared(eval, left, operator, number));
                known.unwrap_or_else(|| unknown_test(span))
            }
            (Kind::Number(_), Kind::Native(_)) => self.compared(turned(operator), right, left, span),
            (Kind::Number(a), Kind::Number(b)) => Guard::from(match operator {
                Less => a < b,
                LessEqual => a <= b,
                Greater => a > b,
                _ => a >= b,
            }),
            (Kind::Index(found), Kind::Number(number)) => match (operator, *number) {
                (Greater, -1.0) | (GreaterEqual, 0.0) => found.0.clone(),
                (Less, 0.0) | (LessEqual, -1.0) => Guard::not(found.0.clone()),
                (Greater, 0.0) | (GreaterEqual, 1.0) => found.0.clone().and(Guard::not(found.1.clone())),
                _ => unknown_test(span),
            },
            (Kind::Number(_), Kind::Index(_)) => self.compared(turned(operator), right, left, span),
            _ => left.reason().or(right.reason()).map_or_else(
                || unknown_test(span),
                |reason| {
                    Guard::Unknown(Reason { text: format!("a comparison: {}", reason.text).into(), span: Some(span) })
                },
            ),
        }
    }

    fn added(&mut self, left: &Value, right: &Value, span: Span) -> Value {
        if let (Some(a), Some(b)) = (self.items(left), self.items(right)) {
            let items = a.items.iter().chain(&b.items).cloned().collect();
            let open = a.open.clone().or_else(|| b.open.clone());
            let array = self.new_array(items, span);
            if let (Some(reason), Some(id)) = (open, array.as_object()) {
                self.leave_open(id, reason);
            }
            return array;
        }
        match (&left.kind, &right.kind) {
            (Kind::Number(a), Kind::Number(b)) => Value::new(Kind::Number(a + b), span),
            (Kind::Choose(choice), _) => {
                let (guard, then, otherwise) = &**choice;
                let (guard, then, otherwise) = (guard.clone(), then.clone(), otherwise.clone());
                let yes = self.added(&then, right, span);
                let no = self.added(&otherwise, right, span);
                Value::choose(guard, yes, no)
            }
            (Kind::Object(_), Kind::Choose(choice)) => {
                let (guard, then, otherwise) = &**choice;
                let yes = self.added(left, then, span);
                let no = self.added(left, otherwise, span);
                Value::choose(guard.clone(), yes, no)
            }
            (Kind::Unknown(reason), _) | (_, Kind::Unknown(reason)) => {
                // A text of which a part is known is still a text.
                let absent = self.absent();
                if matches!(left.kind, Kind::Str(_) | Kind::Text(_))
                    || matches!(right.kind, Kind::Str(_) | Kind::Text(_))
                {
                    return Value::text(Text::concat(vec![left.to_text(absent), right.to_text(absent)]), span);
                }
                Value::new(Kind::Unknown(reason.clone()), span)
            }
            (Kind::Object(_), _) | (_, Kind::Object(_)) => Value::unknown("this sum is not followed", span),
            _ => {
                let absent = self.absent();
                let is_text = |value: &Value| {
                    value.branches().iter().all(|(_, value)| matches!(value.kind, Kind::Str(_) | Kind::Text(_)))
                };
                if self.language() == Language::Python && !(is_text(left) && is_text(right)) {
                    return Value::unknown("this sum is not followed", span);
                }
                Value::text(Text::concat(vec![left.to_text(absent), right.to_text(absent)]), span)
            }
        }
    }
}

/// The operator that says the same with its sides changed.
fn turned(operator: BinaryOperator) -> BinaryOperator {
    match operator {
        BinaryOperator::Less => BinaryOperator::Greater,
        BinaryOperator::LessEqual => BinaryOperator::GreaterEqual,
        BinaryOperator::Greater => BinaryOperator::Less,
        _ => BinaryOperator::LessEqual,
    }
}

/// The condition that a text passes a test made from a literal.
pub(super) fn string_test(subject: &Value, literal: &Value, test: impl Fn(String) -> StringTest) -> Option<Guard> {
    let mut parts = Vec::new();
    for (when, subject) in subject.branches() {
        for (and, literal) in literal.branches() {
            let text = match &subject.kind {
                Kind::Str(text) => Text::Literal(text.clone()),
                Kind::Text(text) => (**text).clone(),
                Kind::Undefined | Kind::Null => continue,
                Kind::Unknown(reason) => {
                    let reason = reason.part(&held(&literal));
                    parts.push(Guard::all([when.clone(), and, Guard::Unknown(reason)]));
                    continue;
                }
                _ => return None,
            };
            let guard = match &literal.kind {
                Kind::Str(part) => Guard::test(text, test(part.to_string()), literal.span),
                Kind::Unknown(reason) => Guard::Unknown(reason.part(&held(&subject))),
                // The literal is searched for what the request says.
                Kind::Text(part) => match text.as_literal().map(|whole| (whole, test(String::new()))) {
                    Some((whole, StringTest::Contains(_))) => {
                        Guard::test((**part).clone(), StringTest::PartOf(whole.to_owned()), subject.span)
                    }
                    _ => unknown_test(literal.span),
                },
                _ => return None,
            };
            parts.push(Guard::all([when.clone(), and, guard]));
        }
    }
    Some(Guard::any(parts))
}

/// The question whether a value is held, as a step of the path to what is not known.
fn held(value: &Value) -> String {
    match value.as_str() {
        Some(text) if text.len() < 32 => format!(".includes('{text}')"),
        _ => ".includes(…)".to_owned(),
    }
}

/// A condition that cannot be decided.
pub(super) fn unknown_test(span: Span) -> Guard {
    Guard::Unknown(Reason::new("this test is not followed", span))
}

/// What `typeof` says, where that is certain.
fn type_name(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Undefined => "undefined",
        Kind::Null | Kind::Object(_) | Kind::Regex(_) | Kind::Module(_) => "object",
        Kind::Bool(_) | Kind::Test(_) => "boolean",
        Kind::Number(_) | Kind::Index(_) => "number",
        Kind::Str(_) => "string",
        Kind::Function(_) | Kind::Class(_) | Kind::Native(_) => "function",
        Kind::Text(_) | Kind::Choose(_) | Kind::Unknown(_) => return None,
    })
}
