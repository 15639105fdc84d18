//! The paths for which a `CORS(…)` holds.

use std::sync::Arc;

use super::options::{Entry, Options, entries, entry};
use crate::eval::{Evaluator, Kind, ObjectId, Tag, Value};
use crate::model::{Guard, Part, Text};
use crate::source::Span;

/// A path pattern with the options that hold for it.
pub(super) struct Resource {
    /// When a request's path matches.
    pub matches: Guard,
    /// Its options.
    pub options: Options,
    /// Whether the pattern is none, so that looking at it fails.
    pub is_invalid: bool,
}

/// The resources of a `CORS(…)`, in the order in which they are tried.
pub(super) fn resources(eval: &mut Evaluator, options: &Options, span: Span) -> Vec<Resource> {
    let value = options.or("resources", Kind::Str("/*".into()), span);
    let old = options.version < 6;
    let path = Text::Decoded(Arc::new(Text::Decoded(Arc::new(Text::Request(Part::Path)), false)), old);
    let mut found = Vec::new();
    for (when, value) in value.branches() {
        let mut pairs: Vec<(Guard, Entry, Option<ObjectId>, bool)> = Vec::new();
        let table = value.as_object().filter(|id| eval.object(*id).tag == Tag::Plain);
        match table {
            Some(id) => {
                let (fields, open) = (eval.object(id).fields.clone(), eval.object(id).open.clone());
                let mut entries: Vec<(Value, Value)> =
                    fields.into_iter().map(|pair| (Value::str(pair.name, pair.span), pair.value)).collect();
                // Keys that are compiled patterns.
                for pair in eval.object(id).items.clone() {
                    if let Some([key, value]) = eval.items(&pair).map(|pair| pair.items.as_slice()) {
                        entries.push((key.clone(), value.clone()));
                    }
                }
                for (key, value) in entries {
                    let is_compiled = matches!(key.kind, Kind::Regex(_));
                    for (when, own) in value.branches() {
                        if !matches!(own.kind, Kind::Undefined) {
                            pairs.push((when, entry(&key, old), own.as_object(), is_compiled));
                        }
                    }
                }
                pairs.sort_by_key(|(_, entry, _, is_compiled)| rank(entry, *is_compiled, old));
                if let Some(reason) = open {
                    pairs.push((Guard::Always, Entry::Unknown(reason), None, false));
                }
            }
            None => {
                let (entries, open) = entries(eval, &value, old);
                pairs.extend(entries.into_iter().map(|(when, entry)| (when, entry, None, false)));
                pairs.extend(open.map(|reason| (Guard::Always, Entry::Unknown(reason), None, false)));
            }
        }
        for (there, entry, dict, _) in pairs {
            let mut own = options.clone();
            if let Some(dict) = dict {
                own.strange.clear();
                own.add(eval, dict);
            } else {
                own.strange.clear();
                // A resource that is not known may have options of its own.
                if let Entry::Unknown(reason) = &entry {
                    own.open = own.open.take().or_else(|| Some(reason.clone()));
                    own.given.retain(|(name, _)| *name != "origins");
                }
            }
            let takes_all = matches!(&entry, Entry::Pattern(Ok(_), text, _) if matches!(text.as_str(), "/*" | "/.*"));
            let matches = if takes_all { Guard::Always } else { entry.passes(&path, old) };
            let is_invalid = entry.is_invalid();
            found.push(Resource { matches: Guard::all([when.clone(), there, matches]), options: own, is_invalid });
        }
    }
    found
}

/// The order of a table's patterns: the longest first; from 6.0 on literals first, then compiled patterns, then by their
/// depth.
fn rank(entry: &Entry, is_compiled: bool, old: bool) -> (u8, u8, i64, i64) {
    let (kind, text) = match entry {
        Entry::Literal(text, _) => ((0, 0), text.as_str()),
        Entry::Pattern(_, text, _) => ((1, u8::from(!is_compiled)), text.as_str()),
        Entry::Everything(_) => ((1, 1), ".*"),
        _ => ((2, 0), ""),
    };
    let length = -(text.chars().count() as i64);
    if old { (0, 0, length, 0) } else { (kind.0, kind.1, -(text.matches('/').count() as i64), length) }
}
