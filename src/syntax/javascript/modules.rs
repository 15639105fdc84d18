//! Imports and exports.

use tree_sitter::Node;

use super::Lowering;
use super::grammar::Kind;
use crate::syntax::program::{Export, Expr, ExprKind, Import, ImportBinding, Imported, Pattern, Stmt, StmtKind};
use crate::syntax::reading::Children;

impl<'t> Lowering<'t> {
    /// An import; `None` for one of types only.
    pub(super) fn import(&mut self, node: Node<'t>) -> Option<Stmt> {
        let parts = self.children(node);
        if parts.has("type") || parts.has("typeof") {
            return None;
        }
        let fields = &self.grammar.fields;
        let mut source = parts.field(fields.source);
        let mut bindings = Vec::new();
        for child in parts.named() {
            match self.kind(child) {
                Kind::ImportClause => {
                    self.import_clause(child, &mut bindings);
                    if bindings.is_empty() && !parts.has("{}") && self.takes_only_types(child) {
                        return None;
                    }
                }
                Kind::ImportRequireClause => {
                    let clause = self.children(child);
                    source = clause.field(fields.source);
                    bindings.extend(clause.named().next().map(|name| self.binding(Imported::Module, name)));
                }
                _ => {}
            }
        }
        let source = source?;
        let (module, module_span) = (self.string(source), self.span(source));
        Some(self.stmt(node, StmtKind::Import(Import { module, module_span, bindings })))
    }

    fn import_clause(&mut self, node: Node<'t>, bindings: &mut Vec<ImportBinding>) {
        for child in self.children(node).named() {
            match self.kind(child) {
                Kind::Identifier => bindings.push(self.binding(Imported::Default, child)),
                Kind::NamespaceImport => {
                    let name = self.children(child).named().next();
                    bindings.extend(name.map(|name| self.binding(Imported::Module, name)));
                }
                Kind::NamedImports => {
                    let list = self.children(child);
                    bindings.extend(list.named().filter_map(|specifier| self.import_specifier(specifier)));
                }
                _ => {}
            }
        }
    }

    fn import_specifier(&mut self, node: Node<'t>) -> Option<ImportBinding> {
        let parts = self.children(node);
        if parts.has("type") || parts.has("typeof") {
            return None;
        }
        let fields = &self.grammar.fields;
        let name = parts.field(fields.name)?;
        let what = match self.export_name(name) {
            default if default == "default" => Imported::Default,
            name => Imported::Name(name),
        };
        Some(self.binding(what, parts.field(fields.alias).unwrap_or(name)))
    }

    /// Whether an import clause that binds nothing had specifiers, all of types.
    fn takes_only_types(&mut self, clause: Node<'t>) -> bool {
        let lists = self.children(clause);
        lists.named().any(|list| self.children(list).named().next().is_some())
    }

    fn binding(&self, what: Imported, local: Node<'t>) -> ImportBinding {
        ImportBinding { what, local: self.text(local), span: self.span(local) }
    }

    /// A name as modules exchange it: an identifier, `default` or a string.
    fn export_name(&self, node: Node<'t>) -> String {
        if self.kind(node) == Kind::String { self.string(node) } else { self.text(node) }
    }

    /// An export: the declaration that it may hold, then the export itself.
    pub(super) fn export(&mut self, node: Node<'t>, out: &mut Vec<Stmt>) {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        if let Some(declaration) = parts.field(fields.declaration) {
            let start = out.len();
            let decorators = parts.fields(fields.decorator).map(|child| self.decorator(child)).collect();
            self.declaration(declaration, decorators, out);
            let export = if parts.has("default") {
                default_of(out, start)
            } else {
                let names = bound_names(&out[start..]);
                (!names.is_empty()).then_some(Export::Names(names))
            };
            out.extend(export.map(|export| self.stmt(node, StmtKind::Export(export))));
        } else if let Some(export) = self.plain_export(node, &parts) {
            out.push(self.stmt(node, StmtKind::Export(export)));
        }
    }

    /// An export without a declaration; `None` for one of types.
    fn plain_export(&mut self, node: Node<'t>, parts: &Children<'t>) -> Option<Export> {
        let fields = &self.grammar.fields;
        if parts.has("type") || parts.has("namespace") {
            return None;
        }
        if parts.has("=") {
            let value = parts.named().next();
            return Some(Export::Default(self.expression_or_missing(value, node)));
        }
        if parts.has("default") {
            let value = parts.field(fields.value);
            return Some(Export::Default(self.expression_or_missing(value, node)));
        }
        let source = parts.field(fields.source).map(|source| self.string(source));
        for child in parts.named() {
            match (self.kind(child), source.as_ref()) {
                (Kind::ExportClause, None) => return Some(Export::Names(self.export_clause(child))),
                (Kind::ExportClause, Some(module)) => {
                    return Some(Export::NamesFrom { module: module.clone(), names: self.export_clause(child) });
                }
                (Kind::NamespaceExport, Some(module)) => {
                    let name = self.children(child).all().last().map(|name| self.export_name(name));
                    return Some(Export::AllFrom { module: module.clone(), name });
                }
                _ => {}
            }
        }
        Some(Export::AllFrom { module: source?, name: None })
    }

    fn export_clause(&mut self, node: Node<'t>) -> Vec<(String, String)> {
        let fields = &self.grammar.fields;
        let mut names = Vec::new();
        for child in self.children(node).named() {
            let parts = self.children(child);
            if parts.has("type") || parts.has("typeof") {
                continue;
            }
            if let Some(name) = parts.field(fields.name) {
                let local = self.export_name(name);
                let exported = parts.field(fields.alias).map_or_else(|| local.clone(), |alias| self.export_name(alias));
                names.push((local, exported));
            }
        }
        names
    }
}

/// What `export default` gives when its declaration was put at `out[start..]`. One without a name is taken out
/// again and becomes the value.
fn default_of(out: &mut Vec<Stmt>, start: usize) -> Option<Export> {
    if out.len() == start {
        return None;
    }
    let last = out.pop()?;
    let span = last.span;
    let (name, kind) = match last.kind {
        StmtKind::Function(function) => (function.name.clone(), ExprKind::Function(function)),
        StmtKind::Class(class) => (class.name.clone(), ExprKind::Class(class)),
        kind => {
            out.push(Stmt { span, kind });
            return None;
        }
    };
    if name.is_empty() {
        return Some(Export::Default(Expr { span, kind }));
    }
    let kind = match kind {
        ExprKind::Function(function) => StmtKind::Function(function),
        ExprKind::Class(class) => StmtKind::Class(class),
        _ => return None,
    };
    out.push(Stmt { span, kind });
    Some(Export::Default(Expr { span, kind: ExprKind::Name(name) }))
}

/// The names that declarations bind, each exported as itself.
fn bound_names(declarations: &[Stmt]) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for stmt in declarations {
        match &stmt.kind {
            StmtKind::Binding { pattern, .. } => names_in(pattern, &mut names),
            StmtKind::Function(function) => names.push(function.name.clone()),
            StmtKind::Class(class) => names.push(class.name.clone()),
            _ => {}
        }
    }
    names.into_iter().map(|name| (name.clone(), name)).collect()
}

fn names_in(pattern: &Pattern, names: &mut Vec<String>) {
    match pattern {
        Pattern::Name { name, .. } => names.push(name.clone()),
        Pattern::Object { fields, rest } => {
            fields.iter().for_each(|(_, pattern, _)| names_in(pattern, names));
            rest.iter().for_each(|rest| names_in(rest, names));
        }
        Pattern::Array { items, rest } => {
            items.iter().flatten().for_each(|(pattern, _)| names_in(pattern, names));
            rest.iter().for_each(|rest| names_in(rest, names));
        }
        Pattern::Place(_) | Pattern::Opaque(_) => {}
    }
}
