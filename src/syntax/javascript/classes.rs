//! Classes, and what TypeScript adds that exists at run time: enums and namespaces.

use std::sync::Arc;

use tree_sitter::Node;

use super::Lowering;
use super::grammar::Kind;
use crate::syntax::program::{
    Class, ClassMember, Export, Expr, ExprKind, Function, Pattern, Property, PropertyKey, Stmt, StmtKind,
};

impl<'t> Lowering<'t> {
    /// A class. `decorators` are those that stand before it, outside of its node.
    pub(super) fn class(&mut self, node: Node<'t>, mut decorators: Vec<Expr>) -> Arc<Class> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let name = parts.field(fields.name);
        decorators.extend(parts.fields(fields.decorator).map(|child| self.decorator(child)));
        let mut bases = Vec::new();
        let grammar = self.grammar;
        for heritage in parts.named().filter(|child| grammar.kind(*child) == Kind::ClassHeritage) {
            for child in self.children(heritage).named() {
                match self.kind(child) {
                    Kind::ExtendsClause => {
                        let clause = self.children(child);
                        bases.extend(clause.fields(fields.value).map(|value| self.expression(value)));
                    }
                    Kind::Other => {}
                    _ => bases.push(self.expression(child)),
                }
            }
        }
        let members = parts.field(fields.body).map(|body| self.members(body)).unwrap_or_default();
        let name_span = self.name_or_head(node, name);
        let name = name.map(|name| self.text(name)).unwrap_or_default();
        Arc::new(Class { name, bases, members, decorators, span: self.span(node), name_span })
    }

    fn members(&mut self, node: Node<'t>) -> Vec<ClassMember> {
        let mut members = Vec::new();
        // TypeScript's grammar puts a method's decorators before it.
        let mut decorators = Vec::new();
        for child in self.children(node).named() {
            if self.kind(child) == Kind::Decorator {
                decorators.push(self.decorator(child));
            } else {
                members.extend(self.class_member(child, std::mem::take(&mut decorators)));
            }
        }
        members
    }

    fn class_member(&mut self, node: Node<'t>, mut decorators: Vec<Expr>) -> Option<ClassMember> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        match self.kind(node) {
            Kind::MethodDefinition => {
                if parts.has("set") {
                    return Some(ClassMember::Stmt(self.stmt(node, StmtKind::Opaque("a setter"))));
                }
                decorators.extend(parts.fields(fields.decorator).map(|child| self.decorator(child)));
                let is_static = parts.has("static") || parts.has("static get");
                let is_getter = parts.has("get") || parts.has("static get");
                Some(ClassMember::Method { function: self.function(node, decorators), is_static, is_getter })
            }
            Kind::FieldDefinition | Kind::PublicFieldDefinition => {
                if parts.has("declare") || parts.has("abstract") {
                    return None;
                }
                let name = parts.field(fields.name).or_else(|| parts.field(fields.property))?;
                let value = parts.field(fields.value).map(|value| self.expression(value));
                let (span, is_static) = (self.span(name), parts.has("static"));
                Some(ClassMember::Field { name: self.member_name(name), span, value, is_static })
            }
            Kind::ClassStaticBlock => {
                let body = parts.field(fields.body).map(|body| self.block(body)).unwrap_or_default();
                Some(ClassMember::Stmt(self.stmt(node, StmtKind::Block(body))))
            }
            _ => None,
        }
    }

    /// `enum E { A = 'a', B = 1 }` as `const E = { A: 'a', B: 1, 1: 'B' }`: numbers name their members.
    pub(super) fn enumeration(&mut self, node: Node<'t>) -> Option<Stmt> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let (name, body) = (parts.field(fields.name)?, parts.field(fields.body)?);
        let mut properties = Vec::new();
        let mut names = Vec::new();
        // The value of a member without one is the number after its predecessor's.
        let mut next = Some(0.0);
        for child in self.children(body).named() {
            let (key, value) = if self.kind(child) == Kind::EnumAssignment {
                let assignment = self.children(child);
                let Some(key) = assignment.field(fields.name) else { continue };
                (key, self.expression_or_missing(assignment.field(fields.value), child))
            } else {
                let kind = next.map_or(ExprKind::Opaque("a computed enum member"), ExprKind::Num);
                (child, self.expr(child, kind))
            };
            next = if let ExprKind::Num(value) = value.kind { Some(value + 1.0) } else { None };
            let (key_span, key) = (self.span(key), self.property_key(key));
            if let (ExprKind::Num(number), PropertyKey::Name(name)) = (&value.kind, &key) {
                let name = Expr { span: key_span, kind: ExprKind::Str(name.clone()) };
                names.push(Property { key: PropertyKey::Name(number.to_string()), key_span, value: name });
            }
            properties.push(Property { key, key_span, value });
        }
        properties.extend(names);
        let value = Some(self.expr(body, ExprKind::Object(properties)));
        Some(self.stmt(node, StmtKind::Binding { pattern: self.name_pattern(name), value }))
    }

    /// `namespace N { … }` as `const N = (() => { …; return { exported } })()`.
    pub(super) fn namespace(&mut self, node: Node<'t>) -> Option<Stmt> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let (name, block) = (parts.field(fields.name)?, parts.field(fields.body)?);
        let mut body = self.block(block);
        if self.kind(name) != Kind::Identifier {
            return Some(self.stmt(node, StmtKind::Block(body)));
        }
        let span = self.span(block);
        let mut exported = Vec::new();
        body.retain(|stmt| match &stmt.kind {
            StmtKind::Export(Export::Names(names)) => {
                exported.extend(names.iter().cloned());
                false
            }
            _ => true,
        });
        let property = |(local, name): (String, String)| Property {
            key: PropertyKey::Name(name),
            key_span: span,
            value: Expr { span, kind: ExprKind::Name(local) },
        };
        let object = ExprKind::Object(exported.into_iter().map(property).collect());
        body.push(Stmt { span, kind: StmtKind::Return(Some(Expr { span, kind: object })) });
        let function = Function {
            name: String::new(),
            parameters: Vec::new(),
            body,
            is_async: false,
            is_generator: false,
            is_arrow: true,
            decorators: Vec::new(),
            span,
            name_span: self.span(name),
        };
        let callee = Box::new(Expr { span, kind: ExprKind::Function(Arc::new(function)) });
        let value = Some(Expr { span, kind: ExprKind::Call { callee, arguments: Vec::new() } });
        Some(self.stmt(node, StmtKind::Binding { pattern: self.name_pattern(name), value }))
    }

    /// `import a = b.c` as `const a = b.c`.
    pub(super) fn import_alias(&mut self, node: Node<'t>) -> Option<Stmt> {
        let children = self.children(node);
        let mut parts = children.named();
        let (name, path) = (parts.next()?, parts.next()?);
        let pattern = Pattern::Name { name: self.text(name), span: self.span(name) };
        let value = Some(self.expression(path));
        Some(self.stmt(node, StmtKind::Binding { pattern, value }))
    }
}
