//! What assignments, loops and `as` bind.

use tree_sitter::Node;

use super::Lowering;
use super::grammar::Kind;
use crate::syntax::program::Pattern;

impl<'t> Lowering<'t> {
    /// What `node` binds. The grammar writes some targets as expressions.
    pub(super) fn pattern(&mut self, node: Node<'t>) -> Pattern {
        if !self.reading.descend(1, node) {
            return Pattern::Opaque(self.span(node));
        }
        let node = self.unwrapped(node);
        let pattern = match self.kind(node) {
            Kind::Identifier => Pattern::Name { name: self.text(node), span: self.span(node) },
            Kind::Attribute | Kind::Subscript => Pattern::Place(Box::new(self.expression(node))),
            Kind::AsPatternTarget => match self.first_child(node) {
                Some(inner) => self.pattern(inner),
                None => Pattern::Opaque(self.span(node)),
            },
            Kind::PatternList
            | Kind::TuplePattern
            | Kind::ListPattern
            | Kind::ExpressionList
            | Kind::Tuple
            | Kind::List => self.tuple_pattern(node),
            _ => Pattern::Opaque(self.span(node)),
        };
        self.reading.ascend(1);
        pattern
    }

    fn tuple_pattern(&mut self, node: Node<'t>) -> Pattern {
        let mut items = Vec::new();
        let mut rest = None;
        for child in self.children(node).named() {
            if rest.is_some() {
                // Names behind `*rest` count from the end, which this tree cannot say.
                return Pattern::Opaque(self.span(node));
            }
            match self.kind(child) {
                Kind::ListSplatPattern | Kind::ListSplat => {
                    let inner = self.first_child(child);
                    rest = inner.map(|inner| Box::new(self.pattern(inner)));
                }
                _ => items.push(Some((self.pattern(child), None))),
            }
        }
        Pattern::Array { items, rest }
    }
}
