//! Modules: finding, running, importing and exporting.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Evaluator;
use super::value::{Arguments, ClassId, FrameId, Kind, ModuleId, ObjectId, Tag, Value};
use crate::model::Guard;
use crate::source::{FileId, Span};
use crate::syntax::data::Data;
use crate::syntax::program::{Export, Expr, ExprKind, Import, Imported, Language, Program};

/// Gives the evaluator the files of the run.
pub trait Loader {
    /// The file that `module`, as written in the file at `from`, stands for, if it is one of the repository.
    fn resolve(&self, from: &Path, module: &str, language: Language) -> Option<PathBuf>;

    /// A file's tree, parsed now if it was not before.
    fn program(&self, path: &Path) -> Option<(FileId, Arc<Program>)>;

    /// A JSON file.
    fn json(&self, path: &Path) -> Option<(FileId, serde_json::Value)>;

    /// A file of JSON, TOML or YAML.
    fn data(&self, path: &Path) -> Option<Data>;

    /// Whether a module of settings near `from` sets a name, at the outermost level or in a class.
    fn sets(&self, from: &Path, name: &str) -> bool;

    /// The variables that `.env` files nearest to `from` set.
    fn environment(&self, from: &Path, in_production: bool) -> Vec<(String, String, Span)>;

    /// Whether whoever started the run said that a variable of the environment is set.
    fn is_said_to_be_set(&self, variable: &str) -> bool;

    /// The version of a package that the code at `from` runs with, as far as a lock file or a manifest says it.
    fn package_version(&self, from: &Path, package: &str) -> Option<String>;

    /// The text of a file.
    fn file_text(&self, file: FileId) -> String;

    /// The text of a place.
    fn text(&self, span: Span) -> String;
}

/// A module that was run, or is being run.
#[derive(Debug)]
pub struct Module {
    /// Where it lies.
    pub path: PathBuf,
    /// Its language.
    pub language: Language,
    /// Its tree.
    pub program: Arc<Program>,
    pub(super) file: FileId,
    pub(super) frame: FrameId,
    /// JavaScript's `module`, whose field `exports` is what it exports.
    pub(super) object: ObjectId,
}

impl Evaluator<'_> {
    /// Runs a file that nobody imports first: where the files before it have imported all that may be, it is run by itself.
    pub fn run_program(&mut self, path: &Path) -> Option<ModuleId> {
        self.most_modules = super::MOST_MODULES.max(self.modules.len() + 1);
        self.run_file(path)
    }

    /// Runs a file, if it was not before.
    pub fn run_file(&mut self, path: &Path) -> Option<ModuleId> {
        if path.extension().is_some_and(|extension| extension == "json") {
            return self.read_json(path);
        }
        for package in self.packages_around(path) {
            self.run_module(&package);
        }
        self.run_module(path)
    }

    /// The packages in which a module of Python stands, by their own modules, from the outermost on: they run before
    /// what stands in them (`importlib._bootstrap._find_and_load_unlocked`).
    fn packages_around(&self, path: &Path) -> Vec<PathBuf> {
        if path.extension().is_none_or(|extension| extension != "py") {
            return Vec::new();
        }
        let depths = (1..32).map(|dots| self.loader.resolve(path, &".".repeat(dots), Language::Python));
        let mut packages: Vec<PathBuf> =
            depths.map_while(|package| package).filter(|package| package != path).collect();
        packages.reverse();
        packages
    }

    fn run_module(&mut self, path: &Path) -> Option<ModuleId> {
        let (file, program) = self.loader.program(path)?;
        if let Some(&id) = self.by_file.get(&file) {
            return Some(id);
        }
        if self.modules.len() >= self.most_modules {
            self.left_out = true;
            return None;
        }
        let start = Span::new(file, 0, 0);
        let frame = self.new_frame(None, true);
        let object = self.new_object(Tag::Plain, start);
        let exports = self.new_object(Tag::Plain, start);
        let id = ModuleId(self.modules.len() as u32);
        self.modules.push(Module {
            path: path.to_owned(),
            language: program.language,
            program: program.clone(),
            file,
            frame,
            object,
        });
        self.by_file.insert(file, id);
        let exports = Value::new(Kind::Object(exports), start);
        self.set_field(object, "exports", exports.clone(), start);
        if program.language == Language::JavaScript {
            self.declare(frame, "module", Value::new(Kind::Object(object), start));
            self.declare(frame, "exports", exports);
        } else {
            self.declare(frame, "__name__", Value::str("__main__", start));
            self.declare(frame, "__file__", Value::str(path.to_string_lossy(), start));
        }
        // A module runs outside of whatever asked for it.
        let module = std::mem::replace(&mut self.module, id);
        let calls = std::mem::take(&mut self.calls);
        let allowance = std::mem::replace(&mut self.allowance, super::MODULE_BUDGET);
        let collected = self.apart(
            true,
            |eval| {
                // A module's own statements are no handler's.
                eval.sets_up();
                let flow = eval.block(&program.body, frame);
                if flow.stop == Guard::Always
                    && let Some((_, value)) = eval.thrown.first().cloned()
                {
                    let text = eval.message_of(&value);
                    let span = value.span;
                    eval.failures.push((text, span));
                }
                Value::undefined(start)
            },
            false,
        );
        drop(collected);
        if self.allowance == 0 {
            self.unfinished.push(file);
        }
        self.allowance = allowance;
        self.calls = calls;
        self.module = module;
        Some(id)
    }

    /// A JSON file as a module.
    fn read_json(&mut self, path: &Path) -> Option<ModuleId> {
        let (file, data) = self.loader.json(path)?;
        if let Some(&id) = self.by_file.get(&file) {
            return Some(id);
        }
        let start = Span::new(file, 0, 0);
        let exports = self.from_json(&data, start);
        let object = self.new_object(Tag::Plain, start);
        self.set_field(object, "exports", exports, start);
        let frame = self.new_frame(None, true);
        let id = ModuleId(self.modules.len() as u32);
        let program = Program {
            language: Language::JavaScript,
            body: Vec::new(),
            comments: Vec::new(),
            errors: Vec::new(),
            truncated: None,
        };
        self.modules.push(Module {
            path: path.to_owned(),
            language: Language::JavaScript,
            program: Arc::new(program),
            file,
            frame,
            object,
        });
        self.by_file.insert(file, id);
        Some(id)
    }

    /// Runs the module that `name` means in the module that is running, if it is one of the repository.
    pub fn module_at(&self, span: Span) -> Option<ModuleId> {
        self.by_file.get(&span.file).copied()
    }

    /// The module of a dotted name.
    pub fn module_named(&mut self, name: &str) -> Option<ModuleId> {
        self.find_module(name)
    }

    /// Modules that were run.
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// The scope of a module's names.
    pub fn module_value(&self, id: ModuleId, name: &str) -> Option<Value> {
        self.lookup(self.modules[id.0 as usize].frame, name)
    }

    pub(super) fn module_path(&self) -> PathBuf {
        self.modules.get(self.module.0 as usize).map(|module| module.path.clone()).unwrap_or_default()
    }

    /// Runs something as if it stood in a module.
    pub fn within<T>(&mut self, module: ModuleId, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.module, module);
        let result = run(self);
        self.module = before;
        result
    }

    /// `require(name)`: what the module exports.
    pub(super) fn require(&mut self, name: &str, span: Span) -> Value {
        match self.find_module(name) {
            Some(id) => self.exports(id, span),
            None => self.outside(name, span),
        }
    }

    fn find_module(&mut self, name: &str) -> Option<ModuleId> {
        let from = self.module_path();
        let language = self.language();
        let path = self.loader.resolve(&from, name, language)?;
        self.run_file(&path)
    }

    /// A module that is not of the repository.
    fn outside(&mut self, name: &str, span: Span) -> Value {
        if let Some(value) = self.builtin_module(name, span) {
            return value;
        }
        if let Some(value) = self.ask(|host, eval| host.import(eval, name, span)) {
            return value;
        }
        Value::unknown(format!("the package `{name}` is not read"), span)
    }

    fn exports(&mut self, id: ModuleId, span: Span) -> Value {
        let module = &self.modules[id.0 as usize];
        if module.language == Language::Python {
            return Value::new(Kind::Module(id), span);
        }
        let object = module.object;
        self.field(object, "exports").map(|field| field.value.clone()).unwrap_or_else(|| Value::undefined(span))
    }

    /// A name of a module, seen from outside.
    pub fn module_member(&mut self, id: ModuleId, name: &str, span: Span) -> Value {
        let module = &self.modules[id.0 as usize];
        let frame = module.frame;
        match module.language {
            Language::Python => match self.lookup(frame, name) {
                Some(value) => value.through(span, "imported here"),
                None => {
                    // A submodule of a package.
                    let path = self.modules[id.0 as usize].path.clone();
                    let found = self.loader.resolve(&path, &format!(".{name}"), Language::Python);
                    match found.and_then(|path| self.run_file(&path)) {
                        Some(inner) if inner != id => Value::new(Kind::Module(inner), span),
                        _ => Value::unknown(format!("`{name}` is not set in the module"), span),
                    }
                }
            },
            Language::JavaScript => {
                let exports = self.exports(id, span);
                self.get(&exports, name, span)
            }
        }
    }

    pub(super) fn set_module_member(&mut self, id: ModuleId, name: &str, value: Value, _span: Span) {
        let frame = self.modules[id.0 as usize].frame;
        self.declare(frame, name, value);
    }

    /// The names that a module gives, with their values.
    pub fn module_names(&mut self, id: ModuleId) -> Vec<(String, Value)> {
        let module = &self.modules[id.0 as usize];
        match module.language {
            Language::Python => {
                let names = self.names_in(module.frame);
                names.into_iter().filter(|(name, _)| !name.starts_with('_')).collect()
            }
            Language::JavaScript => {
                let object = module.object;
                let exports = self.field(object, "exports").and_then(|field| field.value.as_object());
                exports.map_or_else(Vec::new, |id| {
                    self.object(id).fields.iter().map(|field| (field.name.to_string(), field.value.clone())).collect()
                })
            }
        }
    }

    pub(super) fn import(&mut self, import: &Import, frame: FrameId) {
        let span = import.module_span;
        let name = &import.module;
        let found = self.find_module(name);
        for binding in &import.bindings {
            let value = match (&binding.what, found) {
                (Imported::Everything, Some(id)) => {
                    for (name, value) in self.module_names(id) {
                        self.declare(frame, &name, value);
                    }
                    continue;
                }
                (Imported::Everything, None) => {
                    let value = self.outside(name, span);
                    for (name, value) in self.names_of_host(&value) {
                        self.declare(frame, &name, value);
                    }
                    continue;
                }
                (Imported::Module, Some(id)) => self.exports(id, span),
                (Imported::Module, None) => self.outside(name, span),
                (Imported::Default, Some(id)) => self.default_export(id, span),
                (Imported::Default, None) => {
                    let value = self.outside(name, span);
                    self.default_of(value, span)
                }
                (Imported::Name(name), Some(id)) if name == "default" => self.default_export(id, span),
                (Imported::Name(name), Some(id)) => self.module_member(id, name, binding.span),
                (Imported::Name(wanted), None) => {
                    if let Some(id) = self.find_python_submodule(name, wanted) {
                        Value::new(Kind::Module(id), binding.span)
                    } else {
                        let value = self.outside(name, span);
                        if wanted == "default" {
                            self.default_of(value, span)
                        } else {
                            self.get(&value, wanted, binding.span)
                        }
                    }
                }
            };
            self.declare(frame, &binding.local, value);
        }
    }

    /// `from package import module`, where the package has no code of its own.
    fn find_python_submodule(&mut self, package: &str, name: &str) -> Option<ModuleId> {
        if self.language() != Language::Python {
            return None;
        }
        let dotted = if package.ends_with('.') { format!("{package}{name}") } else { format!("{package}.{name}") };
        self.find_module(&dotted)
    }

    /// `a.b` where `import a.b` stands above: the submodule.
    pub(super) fn submodule(&mut self, expr: &Expr, frame: FrameId) -> Option<Value> {
        if self.language() != Language::Python {
            return None;
        }
        let ExprKind::Member { object, property, .. } = &expr.kind else { return None };
        let mut names = vec![property.as_str()];
        let mut at = &**object;
        loop {
            match &at.kind {
                ExprKind::Member { object, property, .. } => {
                    names.push(property);
                    at = object;
                }
                ExprKind::Name(name) => {
                    names.push(name);
                    break;
                }
                _ => return None,
            }
        }
        // Only a name that an unresolved import bound can be a package without code.
        let root = names.last()?;
        let value = self.lookup(frame, root)?;
        value.reason()?;
        names.reverse();
        let id = self.find_module(&names.join("."))?;
        Some(Value::new(Kind::Module(id), expr.span))
    }

    /// What `import x from` gives of a module of the repository.
    fn default_export(&mut self, id: ModuleId, span: Span) -> Value {
        let exports = self.exports(id, span);
        if let Some(object) = exports.as_object()
            && let Some(field) = self.field(object, "default")
        {
            return field.value.clone().through(span, "imported here");
        }
        exports
    }

    /// What `import x from` gives of a package: packages of CommonJS give themselves.
    fn default_of(&mut self, value: Value, span: Span) -> Value {
        match &value.kind {
            Kind::Object(id) => match self.field(*id, "default") {
                Some(field) => field.value.clone(),
                None => value,
            },
            Kind::Unknown(_) => Value { span, ..value },
            _ => value,
        }
    }

    fn names_of_host(&self, value: &Value) -> Vec<(String, Value)> {
        value.as_object().map_or_else(Vec::new, |id| {
            self.object(id).fields.iter().map(|field| (field.name.to_string(), field.value.clone())).collect()
        })
    }

    pub(super) fn export(&mut self, export: &Export, frame: FrameId) {
        let module = self.module;
        let Some(object) = self.modules.get(module.0 as usize).map(|module| module.object) else { return };
        match export {
            Export::Default(value) => {
                let span = value.span;
                let value = self.expr(value, frame);
                self.export_as(object, "default", value, span);
            }
            Export::Names(names) => {
                for (local, name) in names {
                    if let Some(value) = self.lookup(frame, local) {
                        let span = value.span;
                        self.export_as(object, name, value, span);
                    }
                }
            }
            Export::NamesFrom { module, names } => {
                for (there, here) in names {
                    let span = Span::new(self.modules[self.module.0 as usize].file, 0, 0);
                    let value = match self.find_module(module) {
                        Some(id) if there == "default" => self.default_export(id, span),
                        Some(id) => self.module_member(id, there, span),
                        None => {
                            let value = self.outside(module, span);
                            if there == "default" {
                                self.default_of(value, span)
                            } else {
                                self.get(&value, there, span)
                            }
                        }
                    };
                    self.export_as(object, here, value, span);
                }
            }
            Export::AllFrom { module, name } => {
                let span = Span::new(self.modules[self.module.0 as usize].file, 0, 0);
                match (self.find_module(module), name) {
                    (Some(id), Some(name)) => {
                        let value = self.exports(id, span);
                        self.export_as(object, name, value, span);
                    }
                    (Some(id), None) => {
                        for (name, value) in self.module_names(id) {
                            if name != "default" {
                                self.export_as(object, &name, value, span);
                            }
                        }
                    }
                    (None, Some(name)) => {
                        let value = self.outside(module, span);
                        self.export_as(object, name, value, span);
                    }
                    (None, None) => {}
                }
            }
        }
    }

    fn export_as(&mut self, object: ObjectId, name: &str, value: Value, span: Span) {
        let exports = self.field(object, "exports").and_then(|field| field.value.as_object());
        if let Some(exports) = exports {
            self.set_field(exports, name, value, span);
        }
    }

    /// The version of a package that the module that is running is written for.
    pub fn package_version(&self, package: &str) -> Option<String> {
        self.loader.package_version(&self.module_path(), package)
    }

    /// The version of a package that the code at a place is written for.
    pub fn package_version_at(&self, package: &str, span: Span) -> Option<String> {
        let module = self.by_file.get(&span.file)?;
        self.loader.package_version(&self.modules[module.0 as usize].path, package)
    }

    /// The functions that a module binds or exports, those of its classes and objects too.
    pub fn functions_of(&mut self, id: ModuleId) -> Vec<Value> {
        let frame = self.modules[id.0 as usize].frame;
        let mut values: Vec<Value> = self.names_in(frame).into_iter().map(|(_, value)| value).collect();
        values.extend(self.module_names(id).into_iter().map(|(_, value)| value));
        if let Some(field) = self.field(self.modules[id.0 as usize].object, "exports") {
            values.push(field.value.clone());
        }
        let mut functions = Vec::new();
        for value in values {
            match &value.kind {
                Kind::Function(_) => functions.push(value),
                Kind::Object(object) => {
                    let object = self.object(*object);
                    let fields = object.fields.iter().map(|field| field.value.clone());
                    functions.extend(fields.filter(|value| matches!(value.kind, Kind::Function(_))));
                }
                Kind::Class(class) => {
                    let names: Vec<String> = self
                        .class_data(*class)
                        .class
                        .members
                        .iter()
                        .filter_map(|member| match member {
                            crate::syntax::program::ClassMember::Method { function, .. } => Some(function.name.clone()),
                            _ => None,
                        })
                        .collect();
                    let file = value.span.file;
                    let class = *class;
                    // Methods that nobody calls are called on an instance that somebody made, or else on one of our own:
                    // two would be two servers where a class makes one.
                    let fresh = !self.was_run(value.span);
                    if fresh && self.by_file.get(&file) == Some(&id) {
                        self.visited.insert(value.span);
                        let made = self.class_data(class).made.clone();
                        let this = made.unwrap_or_else(|| {
                            let most_derived = self.most_derived(class);
                            self.uncalled_instance(most_derived, value.span)
                        });
                        for name in names {
                            let method = self.get(&this, &name, value.span);
                            if matches!(method.kind, Kind::Function(_)) {
                                functions.push(method);
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        functions
    }

    /// A class that extends this one and is extended by none; this one where nothing extends it.
    fn most_derived(&self, class: ClassId) -> ClassId {
        let mut class = class;
        for _ in 0..16 {
            let extends = |data: &super::ClassData| {
                data.bases.iter().any(|base| matches!(base.kind, Kind::Class(base) if base == class))
            };
            match self.classes.iter().position(extends) {
                Some(at) => class = ClassId(at as u32),
                None => break,
            }
        }
        class
    }

    /// Whether what stands at a place is, or is part of, what its module exports.
    pub fn is_exported_from(&mut self, span: Span) -> bool {
        let Some(&id) = self.by_file.get(&span.file) else { return false };
        let mut open: Vec<Value> = self.module_names(id).into_iter().map(|(_, value)| value).collect();
        if let Some(field) = self.field(self.modules[id.0 as usize].object, "exports") {
            open.push(field.value.clone());
        }
        let mut steps = 0;
        while let Some(value) = open.pop() {
            steps += 1;
            if steps > 200 {
                return true;
            }
            if value.span == span {
                return true;
            }
            if let Some(object) = value.as_object() {
                open.extend(self.object(object).fields.iter().map(|field| field.value.clone()));
            }
        }
        false
    }

    /// Calls a function of the program that nobody calls, with arguments that are not known.
    pub fn run_uncalled(&mut self, function: &Value, arguments: Arguments, span: Span) -> super::Collected {
        self.collect(function, &arguments, span)
    }
}
