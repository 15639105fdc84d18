//! Properties and items.

use std::sync::Arc;

use super::Evaluator;
use super::heap::taken;
use super::value::{Arguments, ClassId, Closure, Kind, ObjectId, Tag, Value};
use crate::model::{Guard, Reason};
use crate::source::Span;
use crate::syntax::program::{ClassMember, Language};

/// The field of an object that was given to code which cannot be read.
pub(super) const HANDED_OVER: &str = "(handed over)";

impl Evaluator<'_> {
    /// `of.name`.
    pub fn get(&mut self, of: &Value, name: &str, span: Span) -> Value {
        if let Kind::Choose(choice) = &of.kind {
            let (guard, then, otherwise) = &**choice;
            let yes = self.get(then, name, span);
            let no = self.get(otherwise, name, span);
            return Value::choose(guard.clone(), yes, no);
        }
        self.reads(of, name, span);
        if let Kind::Object(id) = of.kind
            && matches!(self.object(id).tag, Tag::Host(_))
            && let Some(value) = self.member_of_subclass(id, of, name)
        {
            return value;
        }
        if let Some(value) = self.ask(|host, eval| host.property(eval, of, name, span)) {
            return value;
        }
        match &of.kind {
            Kind::Object(id) => self.get_field(*id, of, name, span),
            Kind::Module(module) => self.module_member(*module, name, span),
            Kind::Class(class) => self.class_member(*class, name).unwrap_or_else(|| Value::undefined(span)),
            // Members of enumerations are taken for their values.
            Kind::Str(_) | Kind::Number(_) | Kind::Text(_)
                if name == "value" && self.language() == Language::Python =>
            {
                of.clone()
            }
            Kind::Str(_) if name == "parent" && self.language() == Language::Python => {
                Self::folder_of(of, span).unwrap_or_else(|| Value::undefined(span))
            }
            Kind::Str(_) if name == "parents" && self.language() == Language::Python => {
                self.parents(of, span).unwrap_or_else(|| Value::undefined(span))
            }
            Kind::Str(text) if name == "length" => Value::new(Kind::Number(text.chars().count() as f64), span),
            Kind::Regex(regex) if name == "source" => Value::str(regex.source.as_str(), span),
            Kind::Native(native) => self
                .builtin_member(native.name, name, span)
                .unwrap_or_else(|| Value::unknown(format!("`{}.{name}` is not followed", native.name), span)),
            Kind::Text(text) if self.language() == Language::Python => match super::python::python_url_part(name) {
                Some(part) => super::javascript::url_part(text, part, span),
                None => Value::unknown(format!("`.{name}` of a text"), span),
            },
            Kind::Text(text) => super::javascript::text_property(text, name, span)
                .unwrap_or_else(|| Value::unknown(format!("`.{name}` of a text"), span)),
            Kind::Unknown(reason) => Value::new(Kind::Unknown(self.part(reason, &format!(".{name}"))), span),
            Kind::Function(closure) if closure.attributes.is_some() => {
                let id = closure.attributes.unwrap_or(ObjectId(0));
                match self.field(id, name) {
                    Some(field) => field.value.clone(),
                    None if name.starts_with("__") => Value::unknown("a property of a function", span),
                    None => Value::undefined(span),
                }
            }
            Kind::Function(_) => match name {
                "name" | "length" => Value::unknown("a property of a function", span),
                _ => Value::undefined(span),
            },
            _ => Value::undefined(span),
        }
    }

    fn get_field(&mut self, id: ObjectId, of: &Value, name: &str, span: Span) -> Value {
        if let Some(field) = self.field(id, name) {
            let value = field.value.clone();
            return if value.span.file == span.file { value } else { value.through(span, "used here") };
        }
        let object = self.object(id);
        let (tag, open, length) = (object.tag, object.open.clone(), object.items.len());
        match tag {
            Tag::Array | Tag::Set if matches!(name, "length" | "size") => match open {
                Some(reason) => Value::new(Kind::Unknown(self.part(&reason, ".length")), span),
                None if self.object(id).items.iter().any(|item| matches!(item.kind, Kind::Choose(_))) => {
                    length_of(&self.object(id).items, span)
                }
                None => Value::new(Kind::Number(length as f64), span),
            },
            Tag::Instance(class) => {
                if let Some(value) = self.method_of(class, of, name, span) {
                    return value;
                }
                match open {
                    Some(reason) => Value::new(Kind::Unknown(self.part(&reason, &format!(".{name}"))), span),
                    None => Value::undefined(span),
                }
            }
            Tag::Host(host) => Value::unknown(format!("`.{name}` of {host} is not followed"), span),
            _ => match open {
                Some(reason) => Value::new(Kind::Unknown(self.part(&reason, &format!(".{name}"))), span),
                None => Value::undefined(span),
            },
        }
    }

    /// A member that was read without being called: a method then leaves its object behind, unless something binds
    /// methods that cannot be seen to do so.
    pub(super) fn taken(&self, of: &Value, name: &str, value: Value) -> Value {
        let (Some(id), Kind::Function(closure)) = (of.as_object(), &value.kind) else { return value };
        let object = self.object(id);
        let (Tag::Instance(class), Some(own)) = (object.tag, closure.class) else { return value };
        let is_method = self.field(id, name).is_none() && closure.function.name == name;
        let may_be_bound = object.open.is_some()
            || self.field(id, HANDED_OVER).is_some()
            || !closure.function.decorators.is_empty()
            || [class, own].iter().any(|class| {
                let data = &self.classes[class.0 as usize];
                !data.class.decorators.is_empty() || data.bases.iter().any(|base| !matches!(base.kind, Kind::Class(_)))
            });
        if !is_method || may_be_bound || self.language() != Language::JavaScript {
            return value;
        }
        let detached = Closure { detached: true, ..clone_of(closure) };
        Value { kind: Kind::Function(Arc::new(detached)), ..value }
    }

    /// A method as part of its object, for whoever calls it in a way that is not known.
    pub fn attached(value: &Value) -> Value {
        match &value.kind {
            Kind::Function(closure) if closure.detached => {
                let attached = Closure { detached: false, ..clone_of(closure) };
                Value { kind: Kind::Function(Arc::new(attached)), ..value.clone() }
            }
            _ => value.clone(),
        }
    }

    /// A method of an instance's class or of those that it extends, bound to the instance.
    fn method_of(&mut self, class: ClassId, of: &Value, name: &str, span: Span) -> Option<Value> {
        let data = &self.classes[class.0 as usize];
        let (definition, frame, module, bases) = (data.class.clone(), data.frame, data.module, data.bases.clone());
        let statics = data.statics;
        // Python: a decorated method is a field of the class.
        if let Some(field) = self.field(statics, name) {
            let value = field.value.clone();
            if !matches!(value.kind, Kind::Function(_) | Kind::Class(_)) && self.is_from_environment(class) {
                // pydantic's settings: a variable of the environment comes before the default.
                let variable = format!("{}{name}", self.environment_prefix(class)).to_ascii_uppercase();
                let reason = Reason::new(format!("it is set by the environment variable {variable}"), value.span);
                let set = Guard::EnvironmentSet(variable.into());
                return Some(Value::choose(set, Value::new(Kind::Unknown(reason), value.span), value));
            }
            return Some(match &value.kind {
                Kind::Function(closure) if decorated_with(&closure.function, "staticmethod") => {
                    let free = Closure { class: None, ..clone_of(closure) };
                    Value::new(Kind::Function(Arc::new(free)), value.span)
                }
                Kind::Function(closure) if decorated_with(&closure.function, "classmethod") => {
                    let this = Some(Value::new(Kind::Class(class), value.span));
                    let bound = Closure { this, class: Some(class), ..clone_of(closure) };
                    Value::new(Kind::Function(Arc::new(bound)), value.span)
                }
                Kind::Function(closure)
                    if decorated_with(&closure.function, "property")
                        || decorated_with(&closure.function, "cached_property") =>
                {
                    let bound = Closure { this: Some(of.clone()), class: Some(class), ..clone_of(closure) };
                    let getter = Value::new(Kind::Function(Arc::new(bound)), value.span);
                    self.call(&getter, &Arguments::default(), span)
                }
                Kind::Function(closure) if closure.this.is_none() => {
                    let closure = &**closure;
                    let bound = Closure {
                        function: closure.function.clone(),
                        frame: closure.frame,
                        this: Some(of.clone()),
                        module: closure.module,
                        class: Some(class),
                        attributes: closure.attributes,
                        detached: false,
                    };
                    Value::new(Kind::Function(Arc::new(bound)), value.span)
                }
                _ => value,
            });
        }
        for member in &definition.members {
            if let ClassMember::Method { function, is_getter, .. } = member
                && function.name == name
            {
                let this = Some(of.clone());
                let closure = Closure {
                    function: function.clone(),
                    frame,
                    this,
                    module,
                    class: Some(class),
                    attributes: None,
                    detached: false,
                };
                let value = Value::new(Kind::Function(Arc::new(closure)), function.span);
                return Some(if *is_getter { self.call(&value, &Arguments::default(), span) } else { value });
            }
        }
        for base in bases {
            match base.kind {
                Kind::Class(base) if base != class => {
                    if let Some(value) = self.method_of(base, of, name, span) {
                        return Some(value);
                    }
                }
                Kind::Unknown(reason) => {
                    return Some(Value::new(Kind::Unknown(reason), span));
                }
                _ => {}
            }
        }
        None
    }

    /// Whether a class is one of pydantic's settings, whose fields variables of the environment set.
    fn is_from_environment(&self, class: ClassId) -> bool {
        use crate::syntax::program::ExprKind;
        let mut at = Some(class);
        for _ in 0..16 {
            let Some(class) = at else { return false };
            let data = self.class_data(class);
            let named = data.class.bases.iter().any(|base| match &base.kind {
                ExprKind::Name(name) => name == "BaseSettings",
                ExprKind::Member { property, .. } => property == "BaseSettings",
                _ => false,
            });
            if named {
                return true;
            }
            at = data.bases.iter().find_map(|base| match base.kind {
                Kind::Class(base) if base != class => Some(base),
                _ => None,
            });
        }
        false
    }

    /// What the names of the variables begin with that set the fields of pydantic's settings: `env_prefix`, of
    /// `model_config` or of the inner class `Config`.
    fn environment_prefix(&mut self, class: ClassId) -> String {
        for name in ["model_config", "Config"] {
            let Some(config) = self.class_member(class, name) else { continue };
            let prefix = match config.kind {
                Kind::Object(id) => self.field(id, "env_prefix").map(|field| field.value.clone()),
                Kind::Class(inner) => self.class_member(inner, "env_prefix"),
                _ => None,
            };
            if let Some(prefix) = prefix.as_ref().and_then(Value::as_str) {
                return prefix.to_owned();
            }
        }
        String::new()
    }

    /// The class of the program that a framework's object was made as an instance of.
    pub fn subclass_of(&self, id: ObjectId) -> Option<ClassId> {
        match self.field(id, super::call::SUBCLASS)?.value.kind {
            Kind::Class(class) => Some(class),
            _ => None,
        }
    }

    /// A method of the program's class that a framework's object was made as an instance of.
    pub(super) fn member_of_subclass(&mut self, id: ObjectId, of: &Value, name: &str) -> Option<Value> {
        let Kind::Class(class) = self.field(id, super::call::SUBCLASS)?.value.kind else { return None };
        let value = self.class_member(class, name)?;
        let Kind::Function(closure) = &value.kind else { return Some(value) };
        let bound = Closure { this: Some(of.clone()), class: Some(class), ..clone_of(closure) };
        Some(Value::new(Kind::Function(Arc::new(bound)), value.span))
    }

    /// A static member, or a method for itself.
    pub fn class_member(&mut self, class: ClassId, name: &str) -> Option<Value> {
        let mut at = Some(class);
        for _ in 0..32 {
            let class = at?;
            let data = &self.classes[class.0 as usize];
            let (definition, frame, module, statics) = (data.class.clone(), data.frame, data.module, data.statics);
            let base = data.bases.iter().find_map(|base| match base.kind {
                Kind::Class(base) => Some(base),
                _ => None,
            });
            if let Some(field) = self.field(statics, name) {
                let value = field.value.clone();
                return Some(match &value.kind {
                    Kind::Function(method) if decorated_with(&method.function, "classmethod") => {
                        let this = Some(Value::new(Kind::Class(class), value.span));
                        let bound = Closure { this, class: Some(class), ..clone_of(method) };
                        Value::new(Kind::Function(Arc::new(bound)), value.span)
                    }
                    _ => value,
                });
            }
            for member in &definition.members {
                if let ClassMember::Method { function, is_static, .. } = member
                    && function.name == name
                {
                    let this = is_static.then(|| Value::new(Kind::Class(class), definition.span));
                    let class = Some(class);
                    let closure = Closure {
                        function: function.clone(),
                        frame,
                        this,
                        module,
                        class,
                        attributes: None,
                        detached: false,
                    };
                    return Some(Value::new(Kind::Function(Arc::new(closure)), function.span));
                }
            }
            at = base.filter(|base| *base != class);
        }
        None
    }

    /// A class's own data.
    pub fn class_data(&self, class: ClassId) -> &super::ClassData {
        &self.classes[class.0 as usize]
    }

    /// `of[key]`.
    pub fn get_item(&mut self, of: &Value, key: &Value, span: Span) -> Value {
        if let Kind::Choose(choice) = &key.kind {
            let (guard, then, otherwise) = &**choice;
            let yes = self.get_item(of, then, span);
            let no = self.get_item(of, otherwise, span);
            return Value::choose(guard.clone(), yes, no);
        }
        if let Kind::Choose(choice) = &of.kind {
            let (guard, then, otherwise) = &**choice;
            let yes = self.get_item(then, key, span);
            let no = self.get_item(otherwise, key, span);
            return Value::choose(guard.clone(), yes, no);
        }
        match (&of.kind, &key.kind) {
            (Kind::Object(id), _) if self.object(*id).tag == Tag::Host(super::python::MATCH) => {
                self.matched_group(*id, Some(key), span).unwrap_or_else(|| Value::unknown("a group of a match", span))
            }
            (Kind::Object(id), Kind::Number(at)) if self.items(of).is_some() => {
                let object = self.object(*id);
                let at =
                    if *at < 0.0 && self.language() == Language::Python { at + object.items.len() as f64 } else { *at };
                match (object.items.get(at as usize).filter(|_| at >= 0.0), &object.open) {
                    (Some(item), _) => item.clone(),
                    (None, Some(reason)) => Value::new(Kind::Unknown(reason.clone()), span),
                    (None, None) => Value::undefined(span),
                }
            }
            (_, Kind::Str(name)) => {
                let name = name.clone();
                self.get(of, &name, span)
            }
            (_, Kind::Number(number)) => {
                let name = format!("{number}");
                self.get(of, &name, span)
            }
            (Kind::Object(id), Kind::Text(_)) if self.object(*id).tag == Tag::Plain => {
                // A table looked up by something of the request: `allowed[origin]`.
                let object = self.object(*id);
                let (fields, open) = (object.fields.clone(), object.open.clone());
                let mut value = match open {
                    Some(reason) => Value::new(Kind::Unknown(reason), span),
                    None => Value::undefined(span),
                };
                for field in fields.into_iter().take(256) {
                    let name = Value::str(field.name.clone(), field.span);
                    let same = self.equal(key, &name, field.span);
                    value = Value::choose(same, field.value, value);
                }
                value
            }
            (Kind::Unknown(reason), _) | (_, Kind::Unknown(reason)) => Value::new(Kind::Unknown(reason.clone()), span),
            _ => self
                .ask(|host, eval| host.property(eval, of, "[]", span))
                .unwrap_or_else(|| Value::unknown("this item is not followed", span)),
        }
    }

    /// `of.name = value`.
    pub fn set(&mut self, of: &Value, name: &str, value: Value, span: Span) {
        for (when, of) in of.branches() {
            self.under(when, |eval| {
                if eval.ask(|host, eval| host.assign(eval, &of, name, &value, span).then_some(())).is_some() {
                    return;
                }
                match &of.kind {
                    Kind::Object(id) => eval.set_field(*id, name, value.clone(), span),
                    Kind::Class(class) => {
                        let statics = eval.classes[class.0 as usize].statics;
                        eval.set_field(statics, name, value.clone(), span);
                    }
                    Kind::Module(module) => eval.set_module_member(*module, name, value.clone(), span),
                    Kind::Native(native) if native.name == "process.env" => {
                        eval.set_environment_variable(name, &value, span);
                    }
                    Kind::Function(closure) => {
                        if let Some(attributes) = closure.attributes {
                            eval.set_field(attributes, name, value.clone(), span);
                        }
                    }
                    _ => {}
                }
            });
        }
    }

    /// `of[key] = value`.
    pub(super) fn set_item(&mut self, of: &Value, key: &Value, value: Value, span: Span) {
        for (when, of) in of.branches() {
            self.under(when, |eval| {
                if eval.ask(|host, eval| host.assign_item(eval, &of, key, &value, span).then_some(())).is_some() {
                    return;
                }
                if let (Kind::Native(native), Some(name)) = (&of.kind, key.as_str())
                    && native.name == "os.environ"
                {
                    let name = name.to_owned();
                    return eval.set_environment_variable(&name, &value, span);
                }
                let Some(id) = of.as_object() else { return };
                match (&key.kind, eval.object(id).tag) {
                    (Kind::Number(at), Tag::Array) if *at >= 0.0 => {
                        let at = *at as usize;
                        if let Some(item) = eval.objects[id.0 as usize].items.get_mut(at) {
                            *item = value.clone();
                        }
                    }
                    (Kind::Str(name), _) => {
                        let name = name.clone();
                        eval.set_field(id, &name, value.clone(), span);
                    }
                    (Kind::Number(number), _) => eval.set_field(id, &format!("{number}"), value.clone(), span),
                    // A key that is no text is kept beside the others, as a pair.
                    (Kind::Regex(_), Tag::Plain) => {
                        let pair = eval.new_array(vec![key.clone(), value.clone()], span);
                        eval.push_item(id, pair);
                    }
                    (_, tag) if !matches!(tag, Tag::Host(_)) => {
                        eval.leave_open(id, Self::unknown_reason("a key that is not known is set", span));
                    }
                    _ => {}
                }
            });
        }
    }

    /// The values that a loop over a value goes through, and why there may be more.
    pub fn each(&mut self, value: &Value, span: Span) -> (Vec<Value>, Option<Reason>) {
        match &value.kind {
            Kind::Object(id) => {
                let object = self.object(*id);
                match object.tag {
                    Tag::Array | Tag::Set => (object.items.clone(), object.open.clone()),
                    Tag::Plain if self.language() == Language::Python => {
                        let keys = object.fields.iter().map(|field| Value::str(field.name.clone(), field.span));
                        (keys.collect(), object.open.clone())
                    }
                    _ => (Vec::new(), Some(Self::unknown_reason("what this goes through is not known", span))),
                }
            }
            Kind::Choose(choice) => {
                let (guard, then, otherwise) = &**choice;
                let (yes, more) = self.each(then, span);
                let (no, still) = self.each(otherwise, span);
                let mut items = Vec::with_capacity(yes.len() + no.len());
                for item in yes {
                    let absent = Value::undefined(item.span);
                    items.push(Value::choose(guard.clone(), item, absent));
                }
                for item in no {
                    let absent = Value::undefined(item.span);
                    items.push(Value::choose(Guard::not(guard.clone()), item, absent));
                }
                // What one side may hold besides is there only on that side.
                for (when, reason) in [(guard.clone(), more), (Guard::not(guard.clone()), still)] {
                    if let Some(reason) = reason {
                        let unknown = Value::new(Kind::Unknown(reason), span);
                        items.push(Value::choose(when, unknown, Value::undefined(span)));
                    }
                }
                (items, None)
            }
            Kind::Class(class) if self.is_enumeration(*class) => (self.enumerated(*class), None),
            Kind::Undefined | Kind::Null => (Vec::new(), None),
            Kind::Unknown(reason) => (Vec::new(), Some(reason.clone())),
            _ => (Vec::new(), Some(Self::unknown_reason("what this goes through is not known", span))),
        }
    }

    /// The keys of an object, and why there may be more.
    pub(super) fn keys(&mut self, value: &Value, span: Span) -> (Vec<Value>, Option<Reason>) {
        match value.as_object() {
            Some(id) => {
                let object = self.object(id);
                let keys = match object.tag {
                    Tag::Array | Tag::Set => {
                        (0..object.items.len()).map(|at| Value::new(Kind::Number(at as f64), span)).collect()
                    }
                    _ => object.fields.iter().map(|field| Value::str(field.name.clone(), field.span)).collect(),
                };
                (keys, object.open.clone())
            }
            None => (Vec::new(), Some(Self::unknown_reason("the keys of this object are not known", span))),
        }
    }
}

fn clone_of(closure: &Closure) -> Closure {
    Closure {
        function: closure.function.clone(),
        frame: closure.frame,
        this: closure.this.clone(),
        module: closure.module,
        class: closure.class,
        attributes: closure.attributes,
        detached: closure.detached,
    }
}

/// Whether a function of Python stands below the decorator of this name.
fn decorated_with(function: &crate::syntax::program::Function, name: &str) -> bool {
    use crate::syntax::program::ExprKind;
    function.decorators.iter().any(|decorator| match &decorator.kind {
        ExprKind::Name(own) => own == name,
        ExprKind::Member { property, .. } => property == name,
        _ => false,
    })
}

/// How many items of a list are there, where some are under conditions.
fn length_of(items: &[Value], span: Span) -> Value {
    // For each length the condition under which the list has it.
    let mut lengths = vec![Guard::Always];
    for item in items {
        let (there, _) = taken(item.clone());
        if there == Guard::Always {
            lengths.insert(0, Guard::Never);
            continue;
        }
        if lengths.iter().filter(|when| **when != Guard::Never).count() > MOST_LENGTHS {
            return Value::unknown("the length of a list that depends on conditions", span);
        }
        let mut longer: Vec<Guard> =
            lengths.iter().map(|length| length.clone().and(Guard::not(there.clone()))).collect();
        longer.push(Guard::Never);
        for (at, length) in lengths.into_iter().enumerate() {
            longer[at + 1] = longer[at + 1].clone().or(length.and(there.clone()));
        }
        lengths = longer;
    }
    let number = |length: usize| Value::new(Kind::Number(length as f64), span);
    let longest = number(lengths.len() - 1);
    lengths.into_iter().enumerate().fold(longest, |value, (length, when)| Value::choose(when, number(length), value))
}

/// How many lengths of one list are told apart.
const MOST_LENGTHS: usize = 8;
