//! Classes that Python writes the constructor of: dataclasses, named tuples, pydantic's models; and enumerations.

use super::Evaluator;
use super::value::{Arguments, ClassId, Kind, Value};
use crate::source::Span;
use crate::syntax::program::{Class, ClassMember, Expr, ExprKind, Language};

/// How many classes a class is looked for through.
const DEEPEST: usize = 16;

impl Evaluator<'_> {
    /// A class's constructor where the program writes none: arguments become fields, in the order of the text.
    pub(super) fn fill_record(&mut self, class: ClassId, this: &Value, arguments: &Arguments, span: Span) {
        if self.language() != Language::Python || !self.is_record(class) {
            return;
        }
        let Some(id) = this.as_object() else { return };
        let names = self.record_fields(class);
        let mut positional = arguments.positional.iter();
        for name in names {
            if let Some(value) = arguments.keyword(&name).or_else(|| positional.next()).cloned() {
                self.set_field(id, &name, value, span);
            }
        }
        if let Some(reason) = &arguments.open {
            self.leave_open(id, reason.clone());
        }
        if self.class_member(class, "__post_init__").is_some() {
            self.call_method(this, "__post_init__", &Arguments::default(), span, span);
        }
    }

    /// `namedtuple("Name", fields)`: what it gives makes tuples whose items have names.
    pub(super) fn named_tuple(&mut self, names: &Value, arguments: &Arguments, span: Span) -> Option<Value> {
        let (names, None) = self.each(names, span) else { return None };
        let mut items = Vec::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            let given = arguments.keyword(name.as_str()?).or_else(|| arguments.get(at));
            items.push(given.cloned().unwrap_or_else(|| Value::unknown("a field with a default", span)));
        }
        let tuple = self.new_array(items.clone(), span);
        let id = tuple.as_object()?;
        for (name, item) in names.iter().zip(items) {
            self.set_field(id, name.as_str()?, item, span);
        }
        Some(tuple)
    }

    /// Whether a class is an enumeration, whose members are taken for their values.
    pub(super) fn is_enumeration(&self, class: ClassId) -> bool {
        self.language() == Language::Python
            && self.is_made_by(class, &|data| data.bases.iter().any(|base| last_name(base).ends_with("Enum")))
    }

    /// The values of an enumeration's members.
    pub(super) fn enumerated(&self, class: ClassId) -> Vec<Value> {
        let data = self.class_data(class);
        let named = data.class.members.iter().filter_map(|member| match member {
            ClassMember::Field { name, value: Some(_), .. } if !name.starts_with('_') => Some(name),
            _ => None,
        });
        named.filter_map(|name| self.field(data.statics, name)).map(|field| field.value.clone()).collect()
    }

    fn is_record(&self, class: ClassId) -> bool {
        const DECORATORS: &[&str] = &["dataclass", "define", "frozen", "attrs", "s"];
        const BASES: &[&str] = &["NamedTuple", "BaseModel", "BaseSettings"];
        self.is_made_by(class, &|data| {
            data.bases.iter().any(|base| BASES.contains(&last_name(base)))
                || data.decorators.iter().any(|decorator| DECORATORS.contains(&last_name(decorator)))
        })
    }

    fn is_made_by(&self, class: ClassId, test: &dyn Fn(&Class) -> bool) -> bool {
        self.with_bases(class).into_iter().any(|class| test(&self.class_data(class).class))
    }

    /// A class and those that it extends, itself first.
    fn with_bases(&self, class: ClassId) -> Vec<ClassId> {
        let mut found = vec![class];
        let mut at = 0;
        while let Some(class) = found.get(at).copied().filter(|_| at < DEEPEST) {
            for base in &self.class_data(class).bases {
                if let Kind::Class(base) = base.kind
                    && !found.contains(&base)
                {
                    found.push(base);
                }
            }
            at += 1;
        }
        found
    }

    /// The names of a record's fields: those of the classes that it extends come first.
    fn record_fields(&self, class: ClassId) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for class in self.with_bases(class).into_iter().rev() {
            for member in &self.class_data(class).class.members {
                if let ClassMember::Field { name, .. } = member
                    && !names.contains(name)
                    && !name.starts_with("model_config")
                {
                    names.push(name.clone());
                }
            }
        }
        names
    }
}

/// The name of `a`, or `c` of `a.b.c`, or of a call of it.
fn last_name(expr: &Expr) -> &str {
    match &expr.kind {
        ExprKind::Name(name) => name,
        ExprKind::Member { property, .. } => property,
        ExprKind::Call { callee, .. } => match &callee.kind {
            ExprKind::Name(name) => name,
            ExprKind::Member { property, .. } => property,
            _ => "",
        },
        _ => "",
    }
}
