//! JavaScript and TypeScript.
//!
//! Types are dropped where they only describe; what a type-level form adds at run time (enums, namespaces,
//! parameter properties, `import x = require()`) is lowered to the JavaScript that it stands for.

mod classes;
mod expressions;
mod functions;
mod grammar;
mod literals;
mod modules;
mod patterns;
mod statements;
#[cfg(test)]
mod tests;

use tree_sitter::Node;

use self::grammar::{Kind, grammar};
use super::chain::Operands;
use super::program::{Expr, ExprKind, Language, Program, Stmt, StmtKind};
use super::reading::{Children, Reading, comments_and_errors};
use crate::source::{FileId, Span};

/// The grammar to read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JavaScript with JSX.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
}

/// Lowers one file. A byte-order mark is skipped; offsets are those of `text`.
pub fn lower(file: FileId, text: &str, dialect: Dialect) -> Program {
    let grammar = grammar(dialect);
    let tree = match grammar.parse(Language::JavaScript, text) {
        Ok(tree) => tree,
        Err(cut) => {
            let (body, comments, errors) = Default::default();
            let truncated = Some(cut.truncated(file));
            return Program { language: Language::JavaScript, body, comments, errors, truncated };
        }
    };
    let (comments, errors) = comments_and_errors(file, text, &tree);
    let mut lowering = Lowering { grammar, reading: Reading::new(file, text, &tree) };
    let mut body = Vec::new();
    lowering.statements(tree.root_node(), &mut body);
    let truncated = lowering.reading.truncated;
    Program { language: Language::JavaScript, body, comments, errors, truncated }
}

/// One file being lowered.
struct Lowering<'t> {
    grammar: &'static grammar::JavaScript,
    reading: Reading<'t>,
}

impl<'t> Lowering<'t> {
    fn kind(&self, node: Node<'_>) -> Kind {
        self.grammar.kind(node)
    }

    fn children(&mut self, node: Node<'t>) -> Children<'t> {
        self.reading.children(node)
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
