//! Objects and scopes.

use std::sync::Arc;

use super::value::{Field, FrameId, Kind, Object, ObjectId, Tag, Value};
use super::{Evaluator, Frame, Slot};
use crate::model::{Guard, Reason};
use crate::source::Span;
use crate::syntax::program::Language;

/// How many items an array has at most.
const MOST_ITEMS: usize = 10_000;

impl Evaluator<'_> {
    /// A new object.
    pub fn new_object(&mut self, tag: Tag, span: Span) -> ObjectId {
        let id = ObjectId(self.objects.len() as u32);
        self.objects.push(Object {
            tag,
            fields: Vec::new(),
            items: Vec::new(),
            open: None,
            calls: Vec::new(),
            span,
            depth: self.path.len(),
        });
        id
    }

    /// A new array of these items, or of the first `MOST_ITEMS` of them and what is not known: a program may double a
    /// list as often as it likes.
    pub fn new_array(&mut self, mut items: Vec<Value>, span: Span) -> Value {
        let id = self.new_object(Tag::Array, span);
        if items.len() > MOST_ITEMS {
            items.truncate(MOST_ITEMS);
            self.leave_open(id, Self::unknown_reason("the list is too long to be followed", span));
        }
        self.objects[id.0 as usize].items = items;
        Value::new(Kind::Object(id), span)
    }

    /// A new array of these items, and why there may be more.
    pub(super) fn list(&mut self, items: Vec<Value>, open: Option<Reason>, span: Span) -> Value {
        let array = self.new_array(items, span);
        if let (Some(reason), Some(id)) = (open, array.as_object()) {
            self.leave_open(id, reason);
        }
        array
    }

    /// An object.
    pub fn object(&self, id: ObjectId) -> &Object {
        &self.objects[id.0 as usize]
    }

    /// An object, to be changed.
    pub fn object_mut(&mut self, id: ObjectId) -> &mut Object {
        &mut self.objects[id.0 as usize]
    }

    /// Every object, with its number.
    pub fn objects(&self) -> impl Iterator<Item = (ObjectId, &Object)> {
        self.objects.iter().enumerate().map(|(at, object)| (ObjectId(at as u32), object))
    }

    /// The array, tuple or set that a value is.
    pub fn items(&self, value: &Value) -> Option<&Object> {
        let object = self.object(value.as_object()?);
        matches!(object.tag, Tag::Array | Tag::Set).then_some(object)
    }

    /// The framework's name for the object that a value is.
    pub fn host_tag(&self, value: &Value) -> Option<&'static str> {
        match self.object(value.as_object()?).tag {
            Tag::Host(name) => Some(name),
            _ => None,
        }
    }

    /// A field of an object, if it is set.
    pub fn field(&self, id: ObjectId, name: &str) -> Option<&Field> {
        self.object(id).fields.iter().find(|field| &*field.name == name)
    }

    /// Sets a field, under the conditions in force since the object was made.
    pub fn set_field(&mut self, id: ObjectId, name: &str, value: Value, span: Span) {
        self.writes_field(id, name, &value, span);
        let depth = self.object(id).depth;
        let when = self.conditions_since(depth);
        let object = &mut self.objects[id.0 as usize];
        match object.fields.iter_mut().find(|field| &*field.name == name) {
            Some(field) => {
                let old = field.value.clone();
                field.is_optional &= when != Guard::Always;
                field.value = Value::choose(when, value, old);
                field.span = span;
            }
            None => {
                let is_optional = when != Guard::Always && object.open.is_none();
                let otherwise = match &object.open {
                    Some(reason) => Value::new(Kind::Unknown(reason.clone()), span),
                    None => Value::undefined(span),
                };
                let value = Value::choose(when, value, otherwise);
                object.fields.push(Field { name: Arc::from(name), value, span, is_optional });
            }
        }
    }

    /// Sets what another object's field is, where it is there.
    pub(super) fn copy_field(&mut self, id: ObjectId, field: &Field) {
        if !field.is_optional {
            return self.set_field(id, &field.name, field.value.clone(), field.span);
        }
        let own = self.field(id, &field.name);
        let (stays_optional, absent) = match own {
            Some(own) => (own.is_optional, own.value.clone()),
            None => (true, Value::undefined(field.span)),
        };
        self.set_field(id, &field.name, field.value.or_absent(absent), field.span);
        if let Some(own) = self.object_mut(id).fields.iter_mut().find(|own| own.name == field.name) {
            own.is_optional |= stays_optional;
        }
    }

    /// Adds an item to an array, under the conditions in force since it was made.
    pub fn push_item(&mut self, id: ObjectId, value: Value) {
        self.writes_item(id, &value);
        let when = self.conditions_since(self.object(id).depth);
        let absent = Value::undefined(value.span);
        let object = &mut self.objects[id.0 as usize];
        if object.items.len() < 10_000 {
            object.items.push(Value::choose(when, value, absent));
        }
    }

    /// The condition that a value counts as true. Python's lists and dicts do when something is in them.
    pub fn truth(&self, value: &Value) -> Guard {
        match &value.kind {
            Kind::Object(id) if self.language() == Language::Python => {
                let object = self.object(*id);
                let held: Vec<Guard> = match object.tag {
                    Tag::Array | Tag::Set => object.items.iter().map(is_there).collect(),
                    Tag::Plain => object.fields.iter().map(|field| is_there(&field.value)).collect(),
                    _ => return Guard::Always,
                };
                Guard::any(held.into_iter().chain(object.open.clone().map(Guard::Unknown)))
            }
            Kind::Choose(choice) => {
                let (guard, then, otherwise) = &**choice;
                let (yes, no) = (self.truth(then), self.truth(otherwise));
                Guard::any([guard.clone().and(yes), Guard::not(guard.clone()).and(no)])
            }
            _ => value.truthy(),
        }
    }

    /// Says that an object may have further fields and items.
    pub fn leave_open(&mut self, id: ObjectId, reason: Reason) {
        let object = &mut self.objects[id.0 as usize];
        object.open.get_or_insert(reason);
    }

    fn conditions_since(&self, depth: usize) -> Guard {
        Guard::all(self.path.get(depth..).unwrap_or_default().iter().cloned())
    }

    pub(super) fn new_frame(&mut self, parent: Option<FrameId>, is_function: bool) -> FrameId {
        let id = FrameId(self.frames.len() as u32);
        self.frames.push(Frame { parent, is_function, ..Frame::default() });
        id
    }

    /// Binds a name in this scope.
    pub(super) fn declare(&mut self, frame: FrameId, name: &str, value: Value) {
        let depth = self.path.len();
        self.frames[frame.0 as usize].names.insert(name.to_owned(), Slot { value, depth });
    }

    /// The scope that binds a name, from `frame` outward.
    fn binder(&self, frame: FrameId, name: &str) -> Option<FrameId> {
        let mut at = Some(frame);
        while let Some(id) = at {
            let frame = &self.frames[id.0 as usize];
            if frame.names.contains_key(name) {
                return Some(id);
            }
            at = frame.parent;
        }
        None
    }

    /// The value of a name.
    pub(super) fn lookup(&self, frame: FrameId, name: &str) -> Option<Value> {
        let binder = self.binder(frame, name)?;
        self.frames[binder.0 as usize].names.get(name).map(|slot| slot.value.clone())
    }

    /// The names bound in a scope itself, with their values.
    pub(super) fn names_in(&self, frame: FrameId) -> Vec<(String, Value)> {
        let mut names: Vec<_> =
            self.frames[frame.0 as usize].names.iter().map(|(name, slot)| (name.clone(), slot.value.clone())).collect();
        names.sort_by(|a, b| a.0.cmp(&b.0));
        names
    }

    /// JavaScript's assignment: to the scope that binds the name, else to the outermost.
    pub(super) fn assign_name(&mut self, frame: FrameId, name: &str, value: Value) {
        match self.binder(frame, name) {
            Some(binder) => self.overwrite(binder, name, value),
            None => {
                let mut outermost = frame;
                while let Some(parent) = self.frames[outermost.0 as usize].parent {
                    outermost = parent;
                }
                self.declare(outermost, name, value);
            }
        }
    }

    /// Python's assignment: to the function's own scope, unless the name is declared to be an outer one's.
    pub(super) fn bind_python(&mut self, frame: FrameId, name: &str, value: Value) {
        let mut at = frame;
        while !self.frames[at.0 as usize].is_function {
            match self.frames[at.0 as usize].parent {
                Some(parent) => at = parent,
                None => break,
            }
        }
        if self.frames[at.0 as usize].outer.contains(name) {
            return self.assign_name(at, name, value);
        }
        if self.frames[at.0 as usize].names.contains_key(name) {
            self.overwrite(at, name, value);
        } else {
            let when = Guard::all(self.path[self.calls.last().map_or(0, |call| call.base)..].iter().cloned());
            let absent = Value::unknown(format!("`{name}` is set under a condition"), value.span);
            let value = Value::choose(when, value, absent);
            let base = self.calls.last().map_or(0, |call| call.base);
            self.frames[at.0 as usize].names.insert(name.to_owned(), Slot { value, depth: base });
        }
    }

    pub(super) fn declare_outer(&mut self, frame: FrameId, names: &[String]) {
        self.frames[frame.0 as usize].outer.extend(names.iter().cloned());
    }

    fn overwrite(&mut self, frame: FrameId, name: &str, value: Value) {
        self.writes_name(frame, name, &value);
        let Some(slot) = self.frames[frame.0 as usize].names.get(name) else { return };
        let when = self.conditions_since(slot.depth);
        let value = Value::choose(when, value, slot.value.clone());
        if let Some(slot) = self.frames[frame.0 as usize].names.get_mut(name) {
            slot.value = value;
        }
    }
}

/// An item that was put in under a condition, as it is where it is there.
pub(super) fn taken(item: Value) -> (Guard, Value) {
    let there = is_there(&item);
    match item.kind {
        Kind::Choose(_) if there != Guard::Always => {
            let mut branches = item.branches();
            branches.retain(|(_, value)| !matches!(value.kind, Kind::Undefined));
            let last = branches.pop().map_or_else(|| Value::undefined(item.span), |(_, value)| value);
            let value = branches.into_iter().rev().fold(last, |rest, (when, value)| Value::choose(when, value, rest));
            (there, value)
        }
        // An item that is written as `undefined` is one.
        _ => (Guard::Always, item),
    }
}

/// When an item that was put in under a condition is there: elsewhere it is `undefined`.
fn is_there(item: &Value) -> Guard {
    match &item.kind {
        Kind::Undefined => Guard::Never,
        Kind::Choose(choice) => {
            let (guard, then, otherwise) = &**choice;
            Guard::any([guard.clone().and(is_there(then)), Guard::not(guard.clone()).and(is_there(otherwise))])
        }
        _ => Guard::Always,
    }
}
