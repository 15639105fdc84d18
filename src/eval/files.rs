//! What programs read when they start: where they lie themselves, and files of data.

use std::path::{Path, PathBuf};

use super::Evaluator;
use super::value::{Arguments, Kind, Tag, Value};
use crate::model::Text;
use crate::source::Span;
use crate::syntax::data::{Data, DataKind};

impl Evaluator<'_> {
    /// `os.path.join(…)`, `pathlib.Path(…)`: a part that begins with a slash starts anew.
    pub(super) fn joined_path(parts: &[Value], span: Span) -> Option<Value> {
        let last = parts.iter().rposition(|part| part.as_str().is_some_and(|part| part.starts_with('/'))).unwrap_or(0);
        let mut texts = Vec::new();
        for (at, part) in parts.get(last..)?.iter().enumerate() {
            let after_slash = at == 0 || parts[last + at - 1].as_str().is_some_and(|before| before.ends_with('/'));
            if !after_slash {
                texts.push(Text::literal("/"));
            }
            texts.push(part.to_text("None"));
        }
        Some(Value::text(Text::concat(texts), span))
    }

    /// The folders around a path that is known, from the innermost on.
    pub(super) fn parents(&mut self, of: &Value, span: Span) -> Option<Value> {
        let folders = Path::new(of.as_str()?).ancestors().skip(1);
        let folders = folders.map(|folder| Value::str(folder.to_string_lossy(), span)).collect();
        Some(self.new_array(folders, span))
    }

    /// The folder that a path lies in.
    pub(super) fn folder_of(of: &Value, span: Span) -> Option<Value> {
        let folder = Path::new(of.as_str()?).parent()?;
        Some(Value::str(folder.to_string_lossy(), span))
    }

    /// Where the module at a place lies.
    pub fn path_at(&self, span: Span) -> Option<PathBuf> {
        let module = self.module_at(span)?;
        Some(self.modules[module.0 as usize].path.clone())
    }

    /// The text of a module.
    pub fn text_of(&self, module: &super::Module) -> String {
        self.loader.file_text(module.file)
    }

    /// A file of JSON, TOML or YAML as a value.
    pub fn read_data(&mut self, path: &Path) -> Option<Value> {
        let data = self.loader.data(path)?;
        Some(self.value_of(&data))
    }

    fn value_of(&mut self, data: &Data) -> Value {
        let span = data.span;
        let kind = match &data.kind {
            DataKind::Null => Kind::Null,
            DataKind::Bool(holds) => Kind::Bool(*holds),
            DataKind::Num(number) => Kind::Number(*number),
            DataKind::Str(text) => Kind::Str(text.as_str().into()),
            DataKind::List(items) => {
                let items = items.iter().map(|item| self.value_of(item)).collect();
                return self.new_array(items, span);
            }
            DataKind::Map(entries) => {
                let id = self.new_object(Tag::Plain, span);
                for (key, at, value) in entries {
                    let value = self.value_of(value);
                    self.set_field(id, key, value, *at);
                }
                Kind::Object(id)
            }
        };
        Value::new(kind, span)
    }

    /// Python's functions on paths.
    pub(super) fn call_path(&mut self, name: &str, arguments: &Arguments, span: Span) -> Option<Value> {
        let first = arguments.get(0);
        match name {
            "os.path.join" | "pathlib.Path" => Self::joined_path(&arguments.positional, span),
            "os.path.same" => first.cloned(),
            "os.path.dirname" => Self::folder_of(first?, span),
            "os.path.basename" => Some(Value::str(first?.as_str()?.rsplit('/').next()?, span)),
            _ => None,
        }
    }
}
