//! Schemas of the `zod` package (3 and 4), with which programs read their environment: what they ask for, what stands in
//! for what is not set, and what is made of it.

use super::{host_object, native};
use crate::eval::{Arguments, Evaluator, Kind, MethodCall, Native, ObjectId, Tag, Value};
use crate::source::Span;

/// The package.
pub(super) const PACKAGE: &str = "zod";
/// The tag of a schema.
pub(super) const SCHEMA: &str = "zod.schema";

/// Makes a schema of an object.
const OBJECT: &str = "zod.object";
/// Makes a schema of a text, or of what a text may be.
const TEXT: &str = "zod.text";
/// Makes a schema of what no text is.
const OTHER: &str = "zod.other";
/// The schemas that convert what they are given.
const COERCE: &str = "zod.coerce";

/// The fields of a schema: the schemas of an object's fields, what stands in for what is not there, that something else
/// is made of it, and by which functions.
const SHAPE: &str = "shape";
const DEFAULT: &str = "default";
const CONVERTED: &str = "converted";
const TRANSFORMS: [&str; 3] = ["transform 0", "transform 1", "transform 2"];

/// What the package has under a name.
pub(super) fn property(package: &str, name: &str, span: Span) -> Option<Value> {
    let member = match (package, name) {
        (PACKAGE, "z" | "default") => PACKAGE,
        (PACKAGE, "object" | "strictObject" | "looseObject") => OBJECT,
        (PACKAGE, "string" | "enum" | "literal" | "url" | "email" | "nativeEnum" | "any") => TEXT,
        (PACKAGE, "coerce") => COERCE,
        (COERCE, "string") => TEXT,
        (PACKAGE | COERCE, _) => OTHER,
        _ => return None,
    };
    Some(native(member, None, span))
}

/// A schema is made.
pub(super) fn call(eval: &mut Evaluator, maker: &Native, arguments: &Arguments, span: Span) -> Option<Value> {
    let schema = host_object(eval, SCHEMA, span);
    let id = schema.as_object()?;
    match maker.name {
        OBJECT => eval.set_field(id, SHAPE, arguments.get(0)?.clone(), span),
        TEXT => {}
        OTHER => eval.set_field(id, CONVERTED, Value::new(Kind::Bool(true), span), span),
        _ => return None,
    }
    Some(schema)
}

/// A method of a schema: what narrows it down changes no value.
pub(super) fn method(eval: &mut Evaluator, call: &MethodCall) -> Option<Value> {
    let id = call.receiver.as_object()?;
    let first = call.arguments.get(0).cloned();
    match call.name {
        "parse" | "parseAsync" => Some(read(eval, id, &first?, call.span)),
        "safeParse" | "safeParseAsync" => {
            let data = read(eval, id, &first?, call.span);
            let result = eval.new_object(Tag::Plain, call.span);
            // A program that serves has been given what it asks for.
            eval.set_field(result, "success", Value::new(Kind::Bool(true), call.span), call.span);
            eval.set_field(result, "data", data, call.span);
            Some(Value::new(Kind::Object(result), call.span))
        }
        "default" => {
            let given = first?;
            let given = match given.kind {
                Kind::Function(_) => eval.call(&given, &Arguments::default(), call.span),
                _ => given,
            };
            Some(with(eval, id, DEFAULT, given, call.span))
        }
        "transform" => {
            let free = TRANSFORMS.into_iter().find(|name| eval.field(id, name).is_none());
            Some(match free {
                Some(name) => with(eval, id, name, first?, call.span),
                None => with(eval, id, CONVERTED, Value::new(Kind::Bool(true), call.span), call.span),
            })
        }
        "pipe" | "array" | "or" | "and" | "catch" | "pick" | "omit" | "extend" | "merge" => {
            Some(with(eval, id, CONVERTED, Value::new(Kind::Bool(true), call.span), call.span))
        }
        _ => Some(call.receiver.clone()),
    }
}

/// The schema with one field more.
fn with(eval: &mut Evaluator, id: ObjectId, name: &str, value: Value, span: Span) -> Value {
    let schema = host_object(eval, SCHEMA, span);
    let fields = eval.object(id).fields.clone();
    if let Some(copy) = schema.as_object() {
        for field in fields {
            eval.set_field(copy, &field.name, field.value, field.span);
        }
        eval.set_field(copy, name, value, span);
    }
    schema
}

/// What a schema makes of a value.
fn read(eval: &mut Evaluator, id: ObjectId, given: &Value, span: Span) -> Value {
    let own = |eval: &Evaluator, name: &str| eval.field(id, name).map(|field| field.value.clone());
    if own(eval, CONVERTED).is_some() {
        return Value::unknown("a value that a schema converts", span);
    }
    if let Some(shape) = own(eval, SHAPE) {
        return read_fields(eval, &shape, given, span);
    }
    let mut value = match own(eval, DEFAULT) {
        Some(default) => Value::choose(given.present(), given.clone(), default),
        None => given.clone(),
    };
    for name in TRANSFORMS {
        if let Some(transform) = own(eval, name) {
            value = eval.call(&transform, &Arguments::of(vec![value]), span);
        }
    }
    value
}

fn read_fields(eval: &mut Evaluator, shape: &Value, given: &Value, span: Span) -> Value {
    let Some(shape) = shape.as_object() else {
        return Value::unknown("what the schema asks for is not known", span);
    };
    let result = eval.new_object(Tag::Plain, span);
    for field in eval.object(shape).fields.clone() {
        let given = eval.get(given, &field.name, field.span);
        let value = match field.value.as_object() {
            // A schema within a schema is no variable's.
            Some(inner) if eval.host_tag(&field.value) == Some(SCHEMA) && eval.field(inner, SHAPE).is_none() => {
                read(eval, inner, &given, field.span)
            }
            _ => Value::unknown("a value that a schema converts", field.span),
        };
        eval.set_field(result, &field.name, value, field.span);
    }
    Value::new(Kind::Object(result), span)
}
