//! Functions and their parameters.

use std::sync::Arc;

use tree_sitter::Node;

use super::Lowering;
use super::grammar::Kind;
use crate::source::Span;
use crate::syntax::number::number;
use crate::syntax::program::{Expr, ExprKind, Function, Parameter, ParameterKind, Stmt, StmtKind};

/// How long, in bytes, the source of a computed key may be to serve as a name.
const LONGEST_COMPUTED_NAME: usize = 80;

impl<'t> Lowering<'t> {
    /// A function of any form, a method included.
    pub(super) fn function(&mut self, node: Node<'t>, decorators: Vec<Expr>) -> Arc<Function> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let kind = self.kind(node);
        let name = parts.field(fields.name);
        let mut parameters = Vec::new();
        if let Some(list) = parts.field(fields.parameters) {
            parameters = self.parameters(list);
        } else if let Some(only) = parts.field(fields.parameter) {
            parameters.push(parameter(self.pattern(only), None, ParameterKind::One));
        }
        let body = parts.field(fields.body).map(|body| self.function_body(body)).unwrap_or_default();
        Arc::new(Function {
            name: name.map(|name| self.member_name(name)).unwrap_or_default(),
            parameters,
            body,
            is_async: parts.has("async"),
            is_generator: matches!(kind, Kind::GeneratorFunction | Kind::GeneratorFunctionDeclaration)
                || (kind == Kind::MethodDefinition && parts.has("*")),
            is_arrow: kind == Kind::ArrowFunction,
            decorators,
            span: self.span(node),
            name_span: self.name_or_head(node, name),
        })
    }

    /// The name of a method or field; a computed one as it is written, brackets included.
    // The key is not lowered: an object's method has had its key lowered already, and twice at every level of keys
    // within keys would take exponential time.
    pub(super) fn member_name(&mut self, node: Node<'t>) -> String {
        let inner = match self.kind(node) {
            Kind::ComputedPropertyName => self.children(node).named().next(),
            _ => None,
        };
        let name = inner.filter(|inner| self.kind(*inner) == Kind::String).unwrap_or(node);
        match self.kind(name) {
            Kind::String => self.string(name),
            Kind::Number => number(self.reading.slice(name)).to_string(),
            Kind::ComputedPropertyName if name.byte_range().len() > LONGEST_COMPUTED_NAME => "[…]".to_owned(),
            _ => self.text(name),
        }
    }

    /// The place of the name; without one the first word of `node`.
    pub(super) fn name_or_head(&mut self, node: Node<'t>, name: Option<Node<'t>>) -> Span {
        if let Some(name) = name {
            return self.span(name);
        }
        let first = self.children(node).all().next();
        self.span(first.unwrap_or(node))
    }

    fn function_body(&mut self, node: Node<'t>) -> Vec<Stmt> {
        if self.kind(node) == Kind::StatementBlock {
            return self.block(node);
        }
        let value = self.expression(node);
        vec![Stmt { span: value.span, kind: StmtKind::Return(Some(value)) }]
    }

    fn parameters(&mut self, node: Node<'t>) -> Vec<Parameter> {
        let children = self.children(node);
        children.named().filter_map(|child| self.parameter(child)).collect()
    }

    fn parameter(&mut self, node: Node<'t>) -> Option<Parameter> {
        match self.kind(node) {
            Kind::RequiredParameter | Kind::OptionalParameter => self.typed_parameter(node),
            Kind::RestPattern => Some(parameter(self.rest_pattern(node)?, None, ParameterKind::Rest)),
            Kind::Decorator => None,
            _ => {
                let (pattern, default) = self.pattern_with_default(node);
                Some(parameter(pattern, default, ParameterKind::One))
            }
        }
    }

    fn typed_parameter(&mut self, node: Node<'t>) -> Option<Parameter> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let pattern = parts.field(fields.pattern)?;
        let modifiers =
            parts.named().any(|child| matches!(self.kind(child), Kind::AccessibilityModifier | Kind::OverrideModifier));
        let mut parameter = match self.kind(pattern) {
            // `this: T` only tells the compiler what `this` is.
            Kind::This => return None,
            Kind::RestPattern => parameter(self.rest_pattern(pattern)?, None, ParameterKind::Rest),
            _ => parameter(self.pattern(pattern), None, ParameterKind::One),
        };
        parameter.default = parts.field(fields.value).map(|value| self.expression(value));
        parameter.is_field = modifiers || parts.has("readonly");
        parameter.decorators = parts.fields(fields.decorator).map(|child| self.decorator(child)).collect();
        parameter.annotation = parts.field(fields.type_).and_then(|annotation| self.type_name(annotation));
        Some(parameter)
    }

    /// What stands behind `@`.
    pub(super) fn decorator(&mut self, node: Node<'t>) -> Expr {
        let inner = self.children(node).named().next();
        self.expression_or_missing(inner, node)
    }

    /// The name of a type, where it is one: `Request`, `express.Request`, `Promise<T>` without `T`.
    fn type_name(&mut self, annotation: Node<'t>) -> Option<Expr> {
        let mut node = self.children(annotation).named().next()?;
        if self.kind(node) == Kind::GenericType {
            node = self.children(node).named().next()?;
        }
        match self.kind(node) {
            Kind::TypeIdentifier => Some(self.expr(node, ExprKind::Name(self.text(node)))),
            Kind::NestedTypeIdentifier => {
                let children = self.children(node);
                let mut parts = children.named();
                let (module, name) = (parts.next()?, parts.next()?);
                let (property, property_span) = (self.text(name), self.span(name));
                let module = match self.kind(module) {
                    Kind::Identifier => self.expression(module),
                    _ => return None,
                };
                Some(self.expr(node, ExprKind::Member { object: Box::new(module), property, property_span }))
            }
            _ => None,
        }
    }
}

fn parameter(pattern: crate::syntax::program::Pattern, default: Option<Expr>, kind: ParameterKind) -> Parameter {
    Parameter { pattern, default, kind, is_field: false, annotation: None, decorators: Vec::new() }
}
