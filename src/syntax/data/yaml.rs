//! YAML.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use rustc_hash::FxHashMap;

use super::{Data, DataError, DataKind, Places};
use crate::source::{FileId, Span};

/// How many values aliases may copy in one file, so that a few lines cannot fill the memory.
const MOST_COPIES: usize = 200_000;

/// Reads all documents of a YAML text, by the core schema of YAML 1.2. Aliases and merge keys (`<<`) are resolved;
/// an entry whose key is a list or a map is left out.
///
/// # Errors
/// [`DataError`], when the text breaks the grammar, nests deeper than 255 levels (granit-parser 2.2, `Options`), or
/// its aliases copy too much.
pub fn yaml(file: FileId, text: &str) -> Result<Vec<Data>, DataError> {
    let (text, places) = Places::of(file, text);
    let mut builder =
        Builder { places, stack: Vec::new(), anchors: FxHashMap::default(), copies: 0, documents: Vec::new() };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let at = error.marker().byte_offset().unwrap_or(0).min(text.len());
            DataError { span: places.span(at..at), message: error.kind().to_string() }
        })?;
        builder.event(event, span.byte_range().unwrap_or(0..0))?;
    }
    Ok(builder.documents)
}

/// A collection that is not closed yet.
struct Open {
    start: usize,
    anchor: usize,
    tag: Option<String>,
    items: Items,
}

enum Items {
    List(Vec<Data>),
    Map { entries: Vec<(String, Span, Data)>, merged: Vec<Data>, key: Key },
}

/// What a map waits for.
enum Key {
    /// The next key.
    Awaited,
    /// The value of this key.
    Read(String, Span),
    /// The value of a key that is no scalar.
    LeftOut,
}

struct Builder {
    places: Places,
    stack: Vec<Open>,
    anchors: FxHashMap<usize, Data>,
    copies: usize,
    documents: Vec<Data>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), DataError> {
        match event {
            Event::DocumentStart(..) => {
                self.anchors.clear();
                self.stack.clear();
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref();
                let is_plain = style == ScalarStyle::Plain && tag.is_none_or(|tag| local_name(tag).is_some());
                // A key is its text, whatever it would mean as a value.
                let is_key = self.awaits_key();
                let kind = if is_plain && !is_key { plain(&text) } else { DataKind::Str(text.into_owned()) };
                let data = Data { span: self.places.span(range), kind };
                self.finish(data, anchor, tag.and_then(local_name))
            }
            Event::SequenceStart(_, anchor, tag) => {
                let items = Items::List(Vec::new());
                let tag = tag.as_deref().and_then(local_name);
                self.stack.push(Open { start: range.start, anchor, tag, items });
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                let items = Items::Map { entries: Vec::new(), merged: Vec::new(), key: Key::Awaited };
                let tag = tag.as_deref().and_then(local_name);
                self.stack.push(Open { start: range.start, anchor, tag, items });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range),
            Event::Alias(anchor) => {
                // An alias within its own definition has no value yet.
                let null = Data { span: self.places.span(range.clone()), kind: DataKind::Null };
                let data = match self.anchors.get(&anchor) {
                    Some(data) => {
                        self.copies += size(data);
                        data.clone()
                    }
                    None => null,
                };
                if self.copies > MOST_COPIES {
                    let message = "the aliases of this file repeat too much".to_owned();
                    return Err(DataError { span: self.places.span(range), message });
                }
                self.put(data);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn awaits_key(&self) -> bool {
        let top = self.stack.last().map(|open| &open.items);
        matches!(top, Some(Items::Map { key: Key::Awaited, .. }))
    }

    fn close(&mut self, end: Range<usize>) -> Result<(), DataError> {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        let (kind, last) = match open.items {
            Items::List(items) => {
                let last = items.last().map(|item| item.span.end);
                (DataKind::List(items), last)
            }
            Items::Map { mut entries, merged, .. } => {
                let last = entries.last().map(|(_, _, value)| value.span.end);
                merge(&mut entries, merged);
                (DataKind::Map(entries), last)
            }
        };
        let mut span = self.places.span(open.start..end.end);
        // Block collections end where the parser noticed it, behind blank lines; an alias lies elsewhere altogether.
        if let (true, Some(last)) = (end.is_empty(), last)
            && (span.start..span.end).contains(&last)
        {
            span.end = last;
        }
        self.finish(Data { span, kind }, open.anchor, open.tag)
    }

    /// Gives a value its tag, remembers it under its anchor, and puts it where it belongs.
    fn finish(&mut self, mut data: Data, anchor: usize, tag: Option<String>) -> Result<(), DataError> {
        if let Some(tag) = tag {
            let span = data.span;
            data = Data { span, kind: DataKind::Map(vec![(tag, span, data)]) };
        }
        if anchor != 0 {
            self.copies += size(&data);
            if self.copies > MOST_COPIES {
                let message = "the anchors of this file hold too much".to_owned();
                return Err(DataError { span: data.span, message });
            }
            self.anchors.insert(anchor, data.clone());
        }
        self.put(data);
        Ok(())
    }

    fn put(&mut self, data: Data) {
        let Some(open) = self.stack.last_mut() else { return self.documents.push(data) };
        match &mut open.items {
            Items::List(items) => items.push(data),
            Items::Map { entries, merged, key } => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => {
                    *key = match data.kind {
                        DataKind::Str(name) => Key::Read(name, data.span),
                        _ => Key::LeftOut,
                    };
                }
                Key::Read(name, _) if name == "<<" => merged.push(data),
                Key::Read(name, span) => entries.push((name, span, data)),
                Key::LeftOut => {}
            },
        }
    }
}

/// Adds what `<<` takes from other maps; a map's own entries win, then earlier maps
/// (<https://yaml.org/type/merge.html>).
fn merge(entries: &mut Vec<(String, Span, Data)>, merged: Vec<Data>) {
    let maps = merged.into_iter().flat_map(|data| match data.kind {
        DataKind::List(items) => items,
        kind => vec![Data { span: data.span, kind }],
    });
    let mut taken: rustc_hash::FxHashSet<String> = entries.iter().map(|(key, ..)| key.clone()).collect();
    for map in maps {
        if let DataKind::Map(more) = map.kind {
            entries.extend(more.into_iter().filter(|(key, ..)| taken.insert(key.clone())));
        }
    }
}

/// How many values a value holds, itself included.
fn size(data: &Data) -> usize {
    let mut count = 0;
    let mut rest = vec![data];
    while let Some(data) = rest.pop() {
        count += 1;
        rest.extend(data.items());
        rest.extend(data.entries().iter().map(|(_, _, value)| value));
    }
    count
}

/// The name of a tag that is not one of YAML's own, as written: `!Ref`.
fn local_name(tag: &Tag) -> Option<String> {
    let is_own = tag.handle() == "tag:yaml.org,2002:" || (tag.handle() == "!" && tag.suffix().is_empty());
    (!is_own && !tag.handle().is_empty()).then(|| format!("!{}", tag.suffix()))
}

/// The value of a plain scalar (YAML 1.2.2, 10.3.2).
fn plain(text: &str) -> DataKind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return DataKind::Null,
        "true" | "True" | "TRUE" => return DataKind::Bool(true),
        "false" | "False" | "FALSE" => return DataKind::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let number = match (digits.strip_prefix("0o"), digits.strip_prefix("0x")) {
        (Some(octal), _) => u64::from_str_radix(octal, 8).ok().map(|value| value as f64),
        (_, Some(hex)) => u64::from_str_radix(hex, 16).ok().map(|value| value as f64),
        // What `f64` reads beyond numbers are words such as `inf`.
        _ if digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') => digits.parse().ok(),
        _ => None,
    };
    match number {
        Some(number) if text.starts_with('-') => DataKind::Num(-number),
        Some(number) => DataKind::Num(number),
        None => DataKind::Str(text.to_owned()),
    }
}
