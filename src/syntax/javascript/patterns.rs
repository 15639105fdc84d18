//! What declarations, parameters and assignments bind.

use tree_sitter::Node;

use super::Lowering;
use super::grammar::Kind;
use crate::syntax::program::{Expr, Pattern, PropertyKey};

impl<'t> Lowering<'t> {
    /// What `node` binds.
    pub(super) fn pattern(&mut self, node: Node<'t>) -> Pattern {
        if !self.reading.descend(1, node) {
            return Pattern::Opaque(self.span(node));
        }
        let node = self.unwrapped(node);
        let pattern = match self.kind(node) {
            Kind::Identifier | Kind::ShorthandPropertyPattern | Kind::Undefined => self.name_pattern(node),
            Kind::ObjectPattern => self.object_pattern(node),
            Kind::ArrayPattern => self.array_pattern(node),
            Kind::MemberExpression | Kind::SubscriptExpression => Pattern::Place(Box::new(self.expression(node))),
            _ => Pattern::Opaque(self.span(node)),
        };
        self.reading.ascend(1);
        pattern
    }

    /// A name that is bound as it stands.
    pub(super) fn name_pattern(&self, node: Node<'t>) -> Pattern {
        Pattern::Name { name: self.text(node), span: self.span(node) }
    }

    /// `p` or `p = default`.
    pub(super) fn pattern_with_default(&mut self, node: Node<'t>) -> (Pattern, Option<Expr>) {
        if !matches!(self.kind(node), Kind::AssignmentPattern | Kind::ObjectAssignmentPattern) {
            return (self.pattern(node), None);
        }
        let children = self.children(node);
        let fields = &self.grammar.fields;
        let pattern = match children.field(fields.left) {
            Some(left) => self.pattern(left),
            None => Pattern::Opaque(self.span(node)),
        };
        (pattern, children.field(fields.right).map(|right| self.expression(right)))
    }

    fn object_pattern(&mut self, node: Node<'t>) -> Pattern {
        let mut fields = Vec::new();
        let mut rest = None;
        for child in self.children(node).named() {
            match self.kind(child) {
                Kind::PairPattern => {
                    let parts = self.children(child);
                    let numbers = &self.grammar.fields;
                    if let (Some(key), Some(value)) = (parts.field(numbers.key), parts.field(numbers.value)) {
                        let key = self.property_key(key);
                        let (pattern, default) = self.pattern_with_default(value);
                        fields.push((key, pattern, default));
                    }
                }
                Kind::RestPattern => rest = self.rest_pattern(child).map(Box::new),
                Kind::ObjectAssignmentPattern => {
                    let (pattern, default) = self.pattern_with_default(child);
                    if let Pattern::Name { name, .. } = &pattern {
                        fields.push((PropertyKey::Name(name.clone()), pattern, default));
                    }
                }
                Kind::ShorthandPropertyPattern => {
                    fields.push((PropertyKey::Name(self.text(child)), self.name_pattern(child), None));
                }
                _ => {}
            }
        }
        Pattern::Object { fields, rest }
    }

    fn array_pattern(&mut self, node: Node<'t>) -> Pattern {
        let mut items = Vec::new();
        let mut rest = None;
        let mut is_hole = true;
        for child in self.children(node).all() {
            if self.kind(child) == Kind::RestPattern {
                rest = self.rest_pattern(child).map(Box::new);
                is_hole = false;
            } else if child.is_named() && !child.is_error() {
                let item = self.pattern_with_default(child);
                items.push(Some(item));
                is_hole = false;
            } else if child.kind() == "," {
                if is_hole {
                    items.push(None);
                }
                is_hole = true;
            }
        }
        Pattern::Array { items, rest }
    }

    /// What stands behind `...`.
    pub(super) fn rest_pattern(&mut self, node: Node<'t>) -> Option<Pattern> {
        let inner = self.children(node).named().next()?;
        Some(self.pattern(inner))
    }
}
