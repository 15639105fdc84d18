//! Functions, lambdas and classes.

use std::sync::Arc;

use tree_sitter::Node;

use super::Lowering;
use super::grammar::Kind;
use crate::syntax::program::{Class, ClassMember, Expr, ExprKind, Function, Parameter, ParameterKind, Stmt, StmtKind};

impl<'t> Lowering<'t> {
    /// A `def` or `class`, with the decorators before it.
    pub(super) fn definition(&mut self, node: Node<'t>) -> Option<Stmt> {
        let (definition, decorators) = self.undecorated(node)?;
        let kind = match self.kind(definition) {
            Kind::FunctionDefinition => StmtKind::Function(self.function(definition, decorators)),
            Kind::ClassDefinition => StmtKind::Class(self.class(definition, decorators)),
            _ => return None,
        };
        Some(self.stmt(node, kind))
    }

    fn undecorated(&mut self, node: Node<'t>) -> Option<(Node<'t>, Vec<Expr>)> {
        if self.kind(node) != Kind::DecoratedDefinition {
            return Some((node, Vec::new()));
        }
        let parts = self.children(node);
        let mut decorators = Vec::new();
        for child in parts.named() {
            if self.kind(child) == Kind::Decorator {
                let inner = self.first_child(child);
                decorators.push(self.expression_or_missing(inner, child));
            }
        }
        Some((parts.field(self.grammar.fields.definition)?, decorators))
    }

    fn function(&mut self, node: Node<'t>, decorators: Vec<Expr>) -> Arc<Function> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let name = parts.field(fields.name);
        let parameters = parts.field(fields.parameters).map(|list| self.parameters(list)).unwrap_or_default();
        let outer_yields = std::mem::replace(&mut self.yields, false);
        let body = parts.field(fields.body).map(|body| self.block(body)).unwrap_or_default();
        let is_generator = std::mem::replace(&mut self.yields, outer_yields);
        Arc::new(Function {
            name: name.map(|name| self.text(name)).unwrap_or_default(),
            parameters,
            body,
            is_async: parts.has("async"),
            is_generator,
            is_arrow: false,
            decorators,
            span: self.span(node),
            name_span: self.span(name.unwrap_or(node)),
        })
    }

    /// `lambda a: value`.
    pub(super) fn lambda(&mut self, node: Node<'t>) -> Arc<Function> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let parameters = parts.field(fields.parameters).map(|list| self.parameters(list)).unwrap_or_default();
        let value = self.expression_or_missing(parts.field(fields.body), node);
        let body = vec![Stmt { span: value.span, kind: StmtKind::Return(Some(value)) }];
        let head = parts.all().next().unwrap_or(node);
        Arc::new(Function {
            name: String::new(),
            parameters,
            body,
            is_async: false,
            is_generator: false,
            is_arrow: true,
            decorators: Vec::new(),
            span: self.span(node),
            name_span: self.span(head),
        })
    }

    fn parameters(&mut self, node: Node<'t>) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        // Behind `*` and `*args` stand those that only a keyword reaches.
        let mut kind = ParameterKind::One;
        for child in self.children(node).named() {
            if self.kind(child) == Kind::KeywordSeparator {
                kind = ParameterKind::KeywordOnly;
            } else if let Some(mut parameter) = self.parameter(child) {
                match parameter.kind {
                    ParameterKind::One => parameter.kind = kind,
                    ParameterKind::Rest => kind = ParameterKind::KeywordOnly,
                    ParameterKind::KeywordOnly | ParameterKind::RestKeywords => {}
                }
                parameters.push(parameter);
            }
        }
        parameters
    }

    fn parameter(&mut self, node: Node<'t>) -> Option<Parameter> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let bound = match self.kind(node) {
            Kind::TypedParameter => parts.named().next()?,
            Kind::DefaultParameter | Kind::TypedDefaultParameter => parts.field(fields.name)?,
            Kind::Identifier | Kind::TuplePattern | Kind::ListSplatPattern | Kind::DictionarySplatPattern => node,
            _ => return None,
        };
        let (bound, kind) = match self.kind(bound) {
            Kind::ListSplatPattern => (self.first_child(bound)?, ParameterKind::Rest),
            Kind::DictionarySplatPattern => (self.first_child(bound)?, ParameterKind::RestKeywords),
            _ => (bound, ParameterKind::One),
        };
        let pattern = self.pattern(bound);
        let default = parts.field(fields.value).map(|value| self.expression(value));
        let annotation = parts.field(fields.type_).map(|annotation| self.expression(annotation));
        Some(Parameter { pattern, default, kind, is_field: false, annotation, decorators: Vec::new() })
    }

    fn class(&mut self, node: Node<'t>, decorators: Vec<Expr>) -> Arc<Class> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let name = parts.field(fields.name);
        let mut bases = Vec::new();
        let arguments = parts.field(fields.superclasses).map(|list| self.children(list));
        for base in arguments.iter().flat_map(|list| list.named()) {
            if !matches!(self.kind(base), Kind::KeywordArgument | Kind::ListSplat | Kind::DictionarySplat) {
                bases.push(self.expression(base));
            }
        }
        let members = parts.field(fields.body).map(|body| self.members(body)).unwrap_or_default();
        let name_span = self.span(name.unwrap_or(node));
        let name = name.map(|name| self.text(name)).unwrap_or_default();
        Arc::new(Class { name, bases, members, decorators, span: self.span(node), name_span })
    }

    fn members(&mut self, body: Node<'t>) -> Vec<ClassMember> {
        let mut members = Vec::new();
        for child in self.children(body).all() {
            if let Some(member) = self.method(child).or_else(|| self.field(child)) {
                members.push(member);
                continue;
            }
            let mut stmts = Vec::new();
            self.statement_or_error(child, &mut stmts);
            members.extend(stmts.into_iter().map(ClassMember::Stmt));
        }
        members
    }

    fn method(&mut self, node: Node<'t>) -> Option<ClassMember> {
        if !matches!(self.kind(node), Kind::FunctionDefinition | Kind::DecoratedDefinition) {
            return None;
        }
        if self.definition_of(node).is_none_or(|inner| self.kind(inner) != Kind::FunctionDefinition) {
            return None;
        }
        if !self.reading.descend(1, node) {
            return None;
        }
        let member = self.method_within(node);
        self.reading.ascend(1);
        member
    }

    fn definition_of(&mut self, node: Node<'t>) -> Option<Node<'t>> {
        match self.kind(node) {
            Kind::DecoratedDefinition => self.children(node).field(self.grammar.fields.definition),
            _ => Some(node),
        }
    }

    fn method_within(&mut self, node: Node<'t>) -> Option<ClassMember> {
        let (definition, decorators) = self.undecorated(node)?;
        let called = |names: &[&str]| decorators.iter().any(|decorator| names.contains(&last_name(decorator)));
        if called(&["setter", "deleter"]) {
            return Some(ClassMember::Stmt(self.stmt(node, StmtKind::Opaque("a setter"))));
        }
        let is_static = called(&["staticmethod", "classmethod"]);
        let is_getter = called(&["property", "cached_property"]);
        Some(ClassMember::Method { function: self.function(definition, decorators), is_static, is_getter })
    }

    /// `name = value`, `name: T = value` or `name: T` in a class.
    fn field(&mut self, node: Node<'t>) -> Option<ClassMember> {
        if self.kind(node) != Kind::ExpressionStatement {
            return None;
        }
        let assignment = self.first_child(node)?;
        if self.kind(assignment) != Kind::Assignment {
            return None;
        }
        let parts = self.children(assignment);
        let fields = &self.grammar.fields;
        let name = parts.field(fields.left).filter(|left| self.kind(*left) == Kind::Identifier)?;
        let right = parts.field(fields.right);
        if right.is_some_and(|right| self.kind(right) == Kind::Assignment) {
            return None;
        }
        let value = right.map(|right| self.expression(right));
        Some(ClassMember::Field { name: self.text(name), span: self.span(name), value, is_static: true })
    }
}

/// The name of `a`, or `c` of `a.b.c`.
fn last_name(value: &Expr) -> &str {
    match &value.kind {
        ExprKind::Name(name) => name,
        ExprKind::Member { property, .. } => property,
        _ => "",
    }
}
