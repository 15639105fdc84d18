//! Python.

mod definitions;
mod expressions;
mod grammar;
mod patterns;
mod statements;
mod strings;
#[cfg(test)]
mod tests;

use tree_sitter::Node;

use self::grammar::{Kind, grammar};
use super::chain::Operands;
use super::program::{Expr, ExprKind, Language, Program, Stmt, StmtKind};
use super::reading::{Children, Reading, comments_and_errors};
use crate::source::{FileId, Span};

/// The largest number of nodes that an expression may have to be lowered twice, as the middle of `a < b < c` is.
const SMALL: usize = 32;

/// Lowers one file. A byte-order mark is skipped; offsets are those of `text`.
pub fn lower(file: FileId, text: &str) -> Program {
    let tree = match grammar().parse(Language::Python, text) {
        Ok(tree) => tree,
        Err(cut) => {
            let (body, comments, errors) = Default::default();
            let truncated = Some(cut.truncated(file));
            return Program { language: Language::Python, body, comments, errors, truncated };
        }
    };
    let (comments, errors) = comments_and_errors(file, text, &tree);
    let mut lowering = Lowering { grammar: grammar(), reading: Reading::new(file, text, &tree), yields: false };
    let body = lowering.block(tree.root_node());
    let truncated = lowering.reading.truncated;
    Program { language: Language::Python, body, comments, errors, truncated }
}

/// One file being lowered.
struct Lowering<'t> {
    grammar: &'static grammar::Python,
    reading: Reading<'t>,
    /// Whether a `yield` was met in the function at hand.
    yields: bool,
}

impl<'t> Lowering<'t> {
    fn kind(&self, node: Node<'_>) -> Kind {
        self.grammar.kind(node)
    }

    fn children(&mut self, node: Node<'t>) -> Children<'t> {
        self.reading.children(node)
    }

    fn first_child(&mut self, node: Node<'t>) -> Option<Node<'t>> {
        self.children(node).named().next()
    }

    fn text(&self, node: Node<'_>) -> String {
        self.reading.slice(node).to_owned()
    }

    fn span(&self, node: Node<'_>) -> Span {
        self.reading.span(node)
    }

    fn expr(&self, node: Node<'_>, kind: ExprKind) -> Expr {
        Expr { span: self.span(node), kind }
    }

    fn stmt(&self, node: Node<'_>, kind: StmtKind) -> Stmt {
        Stmt { span: self.span(node), kind }
    }

    /// An expression that a broken text lacks.
    fn missing(&self, node: Node<'_>) -> Expr {
        self.expr(node, ExprKind::Opaque("code that could not be read"))
    }
}

impl<'t> Operands<'t> for Lowering<'t> {
    fn reading(&mut self) -> &mut Reading<'t> {
        &mut self.reading
    }

    fn expression(&mut self, node: Node<'t>) -> Expr {
        self.expression(node)
    }
}
