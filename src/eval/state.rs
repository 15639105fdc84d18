//! What a request leaves behind: variables and objects that handlers change and that outlive them.
//!
//! A handler is run once, so what it changes would be seen by nobody else, or by everybody. What is changed is put back
//! as it was for the first request; for later ones it may also be what a handler made of it.

use super::Evaluator;
use super::value::{Field, FrameId, Kind, ObjectId, Tag, Value};
use crate::model::{Guard, Reason};
use crate::source::Span;
use crate::syntax::program::Language;

/// How many places are followed.
const MOST_PLACES: usize = 200;

/// Everything that handlers changed since the last look.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Frames and objects from these numbers on belong to the request at hand.
    horizon: Option<(u32, u32)>,
    /// Of the handler that is running.
    current: Vec<Change>,
    changed: Vec<Change>,
}

#[derive(Debug)]
struct Change {
    place: Place,
    /// What was there before.
    before: Option<Value>,
    /// What was written, where it says the same for every request.
    after: Value,
}

#[derive(Debug, PartialEq)]
enum Place {
    Name(FrameId, String),
    Field(ObjectId, String),
    /// The length before.
    Items(ObjectId, usize),
}

impl Evaluator<'_> {
    /// A handler begins; `outer` says whether it is run within another one.
    pub(super) fn begin_request(&mut self, outer: bool) -> Option<(u32, u32)> {
        let before = self.state.horizon;
        if self.collecting && !outer && self.language() == Language::JavaScript {
            self.state.horizon = Some((self.frames.len() as u32, self.objects.len() as u32));
        } else if !self.collecting {
            self.state.horizon = None;
        }
        before
    }

    /// What runs now is no handler, but sets a program up.
    pub(super) fn sets_up(&mut self) {
        self.collecting = false;
        self.state.horizon = None;
    }

    /// It ended.
    pub(super) fn end_request(&mut self, before: Option<(u32, u32)>) {
        self.state.horizon = before;
        if before.is_some() {
            return;
        }
        for change in std::mem::take(&mut self.state.current) {
            self.put_back(&change.place, change.before.clone());
            let known = self.state.changed.iter().any(|other| other.place == change.place);
            if !known && self.state.changed.len() < MOST_PLACES {
                self.state.changed.push(change);
            }
        }
    }

    fn put_back(&mut self, place: &Place, value: Option<Value>) {
        match place {
            Place::Name(frame, name) => {
                if let (Some(slot), Some(value)) = (self.frames[frame.0 as usize].names.get_mut(name), value) {
                    slot.value = value;
                }
            }
            Place::Field(id, name) => {
                let fields = &mut self.object_mut(*id).fields;
                match value {
                    Some(value) => match fields.iter_mut().find(|field| *field.name == **name) {
                        Some(field) => field.value = value,
                        None => fields.push(Field {
                            name: name.as_str().into(),
                            span: value.span,
                            value,
                            is_optional: false,
                        }),
                    },
                    None => fields.retain(|field| *field.name != **name),
                }
            }
            Place::Items(id, length) => {
                let items = &mut self.object_mut(*id).items;
                items.truncate(*length);
                items.extend(value);
            }
        }
    }

    pub(super) fn writes_name(&mut self, frame: FrameId, name: &str, value: &Value) {
        if self.state.horizon.is_some_and(|(first, _)| frame.0 < first) {
            let before = self.frames[frame.0 as usize].names.get(name).map(|slot| slot.value.clone());
            self.changes(Place::Name(frame, name.to_owned()), before, value);
        }
    }

    pub(super) fn writes_field(&mut self, id: ObjectId, name: &str, value: &Value, _span: Span) {
        let outlives = self.state.horizon.is_some_and(|(_, first)| id.0 < first);
        if outlives && !matches!(self.object(id).tag, Tag::Host(_)) {
            let before = self.field(id, name).map(|field| field.value.clone());
            self.changes(Place::Field(id, name.to_owned()), before, value);
        }
    }

    pub(super) fn writes_item(&mut self, id: ObjectId, value: &Value) {
        if self.state.horizon.is_some_and(|(_, first)| id.0 < first) {
            let known = |change: &Change| matches!(change.place, Place::Items(other, _) if other == id);
            if !self.state.current.iter().any(known) {
                self.changes(Place::Items(id, self.object(id).items.len()), None, value);
            }
        }
    }

    fn changes(&mut self, place: Place, before: Option<Value>, after: &Value) {
        let known = self.state.current.iter().any(|change| change.place == place);
        if !known && self.state.current.len() < MOST_PLACES {
            self.state.current.push(Change { place, before, after: after.clone() });
        }
    }

    /// Whether handlers changed anything that outlives them. It is put back: to what it was, or, where the server was
    /// asked before, to what they may have made of it.
    pub fn left_state(&mut self) -> bool {
        let changed = std::mem::take(&mut self.state.changed);
        let any = !changed.is_empty();
        for Change { place, before, after } in changed {
            let span = after.span;
            let reason = Reason::new("an earlier request may have changed it", span);
            let later = match after.kind {
                Kind::Bool(_) | Kind::Null | Kind::Undefined | Kind::Native(_) | Kind::Class(_) => after.clone(),
                _ => Value::new(Kind::Unknown(reason.clone()), span),
            };
            let asked = match later.kind {
                Kind::Unknown(_) => Guard::AskedBefore,
                _ => Guard::AskedBefore.and(Guard::Unknown(reason)),
            };
            let before = match (&place, before) {
                (Place::Items(..), _) => None,
                (_, before) => Some(before.unwrap_or_else(|| Value::undefined(span))),
            };
            let value = match &before {
                // What was put back before stays as it was put back.
                Some(Value { kind: Kind::Choose(choice), .. }) if choice.0 == asked => continue,
                Some(before) => Value::choose(asked, later, before.clone()),
                None => Value::choose(asked, later, Value::undefined(span)),
            };
            self.put_back(&place, Some(value));
        }
        any
    }
}
