//! Statements.

use tree_sitter::Node;

use super::Lowering;
use super::grammar::Kind;
use crate::syntax::program::{Case, Expr, Handler, LoopHead, Pattern, Stmt, StmtKind};

impl<'t> Lowering<'t> {
    /// The statements directly below `node`: of a program, a block, or around an error.
    pub(super) fn statements(&mut self, node: Node<'t>, out: &mut Vec<Stmt>) {
        for child in self.children(node).all() {
            if child.is_error() {
                self.salvage(child, out);
            } else if child.is_named() {
                self.statement(child, out);
            }
        }
    }

    /// The statements of a block.
    pub(super) fn block(&mut self, node: Node<'t>) -> Vec<Stmt> {
        let mut body = Vec::new();
        self.statements(node, &mut body);
        body
    }

    /// The body of a branch or a loop: a block's statements or one statement.
    fn body(&mut self, node: Option<Node<'t>>) -> Vec<Stmt> {
        let Some(node) = node else { return Vec::new() };
        if self.kind(node) == Kind::StatementBlock {
            return self.block(node);
        }
        let mut body = Vec::new();
        self.statement(node, &mut body);
        body
    }

    /// What can be read within an unreadable place.
    fn salvage(&mut self, node: Node<'t>, out: &mut Vec<Stmt>) {
        if !self.reading.descend(1, node) {
            return;
        }
        for child in self.children(node).all() {
            match self.kind(child) {
                _ if child.is_error() => self.salvage(child, out),
                Kind::CallExpression
                | Kind::AssignmentExpression
                | Kind::AugmentedAssignment
                | Kind::AwaitExpression
                | Kind::FunctionExpression
                | Kind::ArrowFunction => {
                    let value = self.expression(child);
                    out.push(Stmt { span: value.span, kind: StmtKind::Expr(value) });
                }
                Kind::VariableDeclarator => out.extend(self.declarator(child)),
                _ if child.is_named() => self.statement(child, out),
                _ => {}
            }
        }
        self.reading.ascend(1);
    }

    /// Lowers one statement; what has no effect at run time gives none, a declaration of several names several.
    pub(super) fn statement(&mut self, node: Node<'t>, out: &mut Vec<Stmt>) {
        if !self.reading.descend(1, node) {
            out.push(self.stmt(node, StmtKind::Opaque("code nested too deeply")));
            return;
        }
        match self.kind(node) {
            Kind::ExportStatement => self.export(node, out),
            Kind::ForStatement => out.push(self.for_statement(node)),
            kind if kind.declares() => self.declaration(node, Vec::new(), out),
            _ => out.extend(self.simple_statement(node)),
        }
        self.reading.ascend(1);
    }

    fn simple_statement(&mut self, node: Node<'t>) -> Option<Stmt> {
        let kind = match self.kind(node) {
            Kind::ExpressionStatement => {
                let inner = self.children(node).named().next()?;
                // TypeScript's grammar reads `namespace N {}` as an expression.
                if self.kind(inner) == Kind::InternalModule {
                    return self.namespace(inner);
                }
                StmtKind::Expr(self.expression(inner))
            }
            Kind::ImportStatement => return self.import(node),
            Kind::IfStatement => return self.if_statement(node),
            Kind::ReturnStatement => {
                let value = self.children(node).named().next();
                StmtKind::Return(value.map(|value| self.expression(value)))
            }
            Kind::ThrowStatement => {
                let value = self.children(node).named().next();
                StmtKind::Throw(value.map(|value| self.expression(value)))
            }
            Kind::BreakStatement => StmtKind::Break,
            Kind::ContinueStatement => StmtKind::Continue,
            Kind::StatementBlock => StmtKind::Block(self.block(node)),
            Kind::ForInStatement => self.for_in(node),
            Kind::WhileStatement | Kind::DoStatement => self.while_loop(node),
            Kind::SwitchStatement => self.switch(node),
            Kind::TryStatement => self.try_statement(node),
            Kind::LabeledStatement => {
                let body = self.children(node).field(self.grammar.fields.body);
                StmtKind::Block(self.body(body))
            }
            Kind::WithStatement => StmtKind::Opaque("a with statement"),
            _ => return None,
        };
        Some(self.stmt(node, kind))
    }

    /// A declaration, with the decorators that stand before `export`.
    pub(super) fn declaration(&mut self, node: Node<'t>, decorators: Vec<Expr>, out: &mut Vec<Stmt>) {
        let kind = match self.kind(node) {
            Kind::FunctionDeclaration | Kind::GeneratorFunctionDeclaration => {
                StmtKind::Function(self.function(node, decorators))
            }
            Kind::ClassDeclaration | Kind::AbstractClassDeclaration => StmtKind::Class(self.class(node, decorators)),
            Kind::LexicalDeclaration | Kind::VariableDeclaration | Kind::UsingDeclaration => {
                return self.variables(node, out);
            }
            Kind::EnumDeclaration => return out.extend(self.enumeration(node)),
            Kind::InternalModule | Kind::Module => return out.extend(self.namespace(node)),
            Kind::ImportAlias => return out.extend(self.import_alias(node)),
            // Types and `declare` have no effect.
            _ => return,
        };
        out.push(self.stmt(node, kind));
    }

    fn variables(&mut self, node: Node<'t>, out: &mut Vec<Stmt>) {
        let children = self.children(node);
        let start = out.len();
        for child in children.named() {
            out.extend(self.declarator(child));
        }
        if let [only] = &mut out[start..] {
            only.span = self.span(node);
        }
    }

    fn declarator(&mut self, node: Node<'t>) -> Option<Stmt> {
        if self.kind(node) != Kind::VariableDeclarator {
            return None;
        }
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let pattern = self.pattern(parts.field(fields.name)?);
        let value = parts.field(fields.value).map(|value| self.expression(value));
        Some(self.stmt(node, StmtKind::Binding { pattern, value }))
    }

    /// `if` with all its `else if`, which the grammar nests.
    fn if_statement(&mut self, node: Node<'t>) -> Option<Stmt> {
        let fields = &self.grammar.fields;
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        let mut at = node;
        let mut levels = 0;
        loop {
            let parts = self.children(at);
            let test = self.expression_or_missing(parts.field(fields.condition), at);
            let then = self.body(parts.field(fields.consequence));
            branches.push((self.span(at), test, then));
            let Some(clause) = parts.field(fields.alternative) else { break };
            let Some(last) = self.children(clause).named().next() else { break };
            if self.kind(last) != Kind::IfStatement {
                otherwise = self.body(Some(last));
                break;
            }
            if !self.reading.descend(1, last) {
                otherwise.push(self.stmt(last, StmtKind::Opaque("code nested too deeply")));
                break;
            }
            levels += 1;
            at = last;
        }
        self.reading.ascend(levels);
        let mut whole = None;
        for (span, test, then) in branches.into_iter().rev() {
            otherwise.extend(whole.take());
            let kind = StmtKind::If { test, then, otherwise: std::mem::take(&mut otherwise) };
            whole = Some(Stmt { span, kind });
        }
        whole
    }

    /// `for (init; test; update)`: a block of `init` and a loop that ends each turn by `update`.
    fn for_statement(&mut self, node: Node<'t>) -> Stmt {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let mut outer = Vec::new();
        if let Some(initializer) = parts.field(fields.initializer) {
            if self.kind(initializer).declares() {
                self.declaration(initializer, Vec::new(), &mut outer);
            } else if self.kind(initializer) != Kind::EmptyStatement {
                let value = self.expression(initializer);
                outer.push(self.stmt(initializer, StmtKind::Expr(value)));
            }
        }
        let test = parts.field(fields.condition).filter(|test| self.kind(*test) != Kind::EmptyStatement);
        let head = LoopHead::While(test.map(|test| self.expression(test)));
        let mut body = self.body(parts.field(fields.body));
        if let Some(increment) = parts.field(fields.increment) {
            let value = self.expression(increment);
            body.push(self.stmt(increment, StmtKind::Expr(value)));
        }
        let repeat = self.stmt(node, StmtKind::Loop { head, body });
        if outer.is_empty() {
            return repeat;
        }
        outer.push(repeat);
        self.stmt(node, StmtKind::Block(outer))
    }

    fn for_in(&mut self, node: Node<'t>) -> StmtKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let pattern = match parts.field(fields.left) {
            Some(left) => self.pattern(left),
            None => Pattern::Opaque(self.span(node)),
        };
        let right = self.expression_or_missing(parts.field(fields.right), node);
        let is_keys = parts.field(fields.operator).is_some_and(|operator| operator.kind() == "in");
        let head = match is_keys {
            true => LoopHead::Keys { pattern, object: right },
            false => LoopHead::Each { pattern, iterable: right },
        };
        StmtKind::Loop { head, body: self.body(parts.field(fields.body)) }
    }

    fn while_loop(&mut self, node: Node<'t>) -> StmtKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let test = self.expression_or_missing(parts.field(fields.condition), node);
        StmtKind::Loop { head: LoopHead::While(Some(test)), body: self.body(parts.field(fields.body)) }
    }

    fn switch(&mut self, node: Node<'t>) -> StmtKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let subject = self.expression_or_missing(parts.field(fields.value), node);
        let mut cases = Vec::new();
        let body = parts.field(fields.body).map(|body| self.children(body));
        for child in body.iter().flat_map(|body| body.named()) {
            let clause = self.children(child);
            let test = match self.kind(child) {
                Kind::SwitchCase => Some(self.expression_or_missing(clause.field(fields.value), child)),
                Kind::SwitchDefault => None,
                _ => continue,
            };
            let mut body = Vec::new();
            for stmt in clause.fields(fields.body) {
                self.statement(stmt, &mut body);
            }
            cases.push(Case { test, body });
        }
        StmtKind::Switch { subject, cases }
    }

    fn try_statement(&mut self, node: Node<'t>) -> StmtKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let body = self.body(parts.field(fields.body));
        let mut handlers = Vec::new();
        if let Some(handler) = parts.field(fields.handler) {
            let clause = self.children(handler);
            let pattern = clause.field(fields.parameter).map(|parameter| self.pattern(parameter));
            handlers.push(Handler { pattern, class: None, body: self.body(clause.field(fields.body)) });
        }
        let finally = parts.field(fields.finalizer).map(|clause| self.children(clause));
        let finally = self.body(finally.and_then(|clause| clause.field(fields.body)));
        StmtKind::Try { body, handlers, finally }
    }
}

impl Kind {
    /// Whether it is a declaration, which `export` may precede.
    fn declares(self) -> bool {
        matches!(
            self,
            Kind::FunctionDeclaration
                | Kind::GeneratorFunctionDeclaration
                | Kind::ClassDeclaration
                | Kind::AbstractClassDeclaration
                | Kind::LexicalDeclaration
                | Kind::VariableDeclaration
                | Kind::UsingDeclaration
                | Kind::EnumDeclaration
                | Kind::InternalModule
                | Kind::Module
                | Kind::ImportAlias
                | Kind::AmbientDeclaration
                | Kind::FunctionSignature
                | Kind::InterfaceDeclaration
                | Kind::TypeAliasDeclaration
        )
    }
}
