//! Statements.

use tree_sitter::Node;

use super::Lowering;
use super::grammar::Kind;
use crate::syntax::program::{
    Case, Expr, ExprKind, Handler, Import, ImportBinding, Imported, LoopHead, Pattern, Stmt, StmtKind,
};

impl<'t> Lowering<'t> {
    /// The statements directly below `node`.
    pub(super) fn block(&mut self, node: Node<'t>) -> Vec<Stmt> {
        let mut body = Vec::new();
        for child in self.children(node).all() {
            self.statement_or_error(child, &mut body);
        }
        body
    }

    /// A statement, or what can be read within an unreadable place.
    pub(super) fn statement_or_error(&mut self, node: Node<'t>, out: &mut Vec<Stmt>) {
        if !node.is_error() {
            if node.is_named() {
                self.statement(node, out);
            }
            return;
        }
        if !self.reading.descend(1, node) {
            return;
        }
        for child in self.children(node).all() {
            match self.kind(child) {
                Kind::Call | Kind::Assignment | Kind::AugmentedAssignment | Kind::Await => {
                    let value = self.expression(child);
                    out.push(Stmt { span: value.span, kind: StmtKind::Expr(value) });
                }
                Kind::Block => out.extend(self.block(child)),
                _ => self.statement_or_error(child, out),
            }
        }
        self.reading.ascend(1);
    }

    fn statement(&mut self, node: Node<'t>, out: &mut Vec<Stmt>) {
        if !self.reading.descend(1, node) {
            out.push(self.stmt(node, StmtKind::Opaque("code nested too deeply")));
            return;
        }
        match self.kind(node) {
            Kind::ForStatement | Kind::WhileStatement => self.repeat(node, out),
            Kind::ImportStatement => self.import(node, out),
            _ => out.extend(self.one_statement(node)),
        }
        self.reading.ascend(1);
    }

    fn one_statement(&mut self, node: Node<'t>) -> Option<Stmt> {
        let kind = match self.kind(node) {
            Kind::ExpressionStatement => StmtKind::Expr(self.expression_statement(node)?),
            Kind::FunctionDefinition | Kind::ClassDefinition | Kind::DecoratedDefinition => {
                return self.definition(node);
            }
            Kind::IfStatement => return self.if_statement(node),
            Kind::ReturnStatement => {
                let value = self.first_child(node);
                StmtKind::Return(value.map(|value| self.expression(value)))
            }
            Kind::RaiseStatement => self.raise(node),
            Kind::TryStatement => self.try_statement(node),
            Kind::WithStatement => self.with_statement(node),
            Kind::MatchStatement => self.match_statement(node),
            Kind::ImportFromStatement => StmtKind::Import(self.import_from(node)?),
            Kind::GlobalStatement | Kind::NonlocalStatement => {
                let names = self.children(node);
                StmtKind::Outer(names.named().map(|name| self.text(name)).collect())
            }
            Kind::BreakStatement => StmtKind::Break,
            Kind::ContinueStatement => StmtKind::Continue,
            Kind::DeleteStatement => StmtKind::Opaque("a del statement"),
            Kind::AssertStatement => StmtKind::Opaque("an assert statement"),
            Kind::ExecStatement => StmtKind::Opaque("an exec statement"),
            Kind::PrintStatement => StmtKind::Opaque("a print statement"),
            _ => return None,
        };
        Some(self.stmt(node, kind))
    }

    /// An assignment, or an expression for its effect. A mere annotation gives nothing.
    fn expression_statement(&mut self, node: Node<'t>) -> Option<Expr> {
        let children = self.children(node);
        let items: Vec<Node<'t>> = children.named().collect();
        match items.as_slice() {
            [] => None,
            [only] => {
                let is_assignment = self.kind(*only) == Kind::Assignment;
                if is_assignment && self.children(*only).field(self.grammar.fields.right).is_none() {
                    return None;
                }
                Some(self.expression(*only))
            }
            items => {
                let items = items.iter().map(|item| self.expression(*item)).collect();
                Some(self.expr(node, ExprKind::Array(items)))
            }
        }
    }

    fn raise(&mut self, node: Node<'t>) -> StmtKind {
        let parts = self.children(node);
        let cause = parts.field(self.grammar.fields.cause);
        let value = parts.named().find(|child| Some(*child) != cause);
        StmtKind::Throw(value.map(|value| self.expression(value)))
    }

    /// `if` with all its `elif`, which the grammar lists side by side and the tree nests.
    fn if_statement(&mut self, node: Node<'t>) -> Option<Stmt> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let test = self.expression_or_missing(parts.field(fields.condition), node);
        let then = parts.field(fields.consequence).map(|body| self.block(body)).unwrap_or_default();
        let mut branches = vec![(self.span(node), test, then)];
        let mut otherwise = Vec::new();
        let mut levels = 0;
        for clause in parts.fields(fields.alternative) {
            let inner = self.children(clause);
            if self.kind(clause) != Kind::ElifClause {
                otherwise = inner.field(fields.body).map(|body| self.block(body)).unwrap_or_default();
                break;
            }
            if !self.reading.descend(1, clause) {
                otherwise.push(self.stmt(clause, StmtKind::Opaque("code nested too deeply")));
                break;
            }
            levels += 1;
            let test = self.expression_or_missing(inner.field(fields.condition), clause);
            let then = inner.field(fields.consequence).map(|body| self.block(body)).unwrap_or_default();
            branches.push((self.span(clause), test, then));
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

    /// A loop, and behind it what its `else` holds.
    fn repeat(&mut self, node: Node<'t>, out: &mut Vec<Stmt>) {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let head = if self.kind(node) == Kind::WhileStatement {
            LoopHead::While(Some(self.expression_or_missing(parts.field(fields.condition), node)))
        } else {
            let pattern = match parts.field(fields.left) {
                Some(left) => self.pattern(left),
                None => Pattern::Opaque(self.span(node)),
            };
            LoopHead::Each { pattern, iterable: self.expression_or_missing(parts.field(fields.right), node) }
        };
        let body = parts.field(fields.body).map(|body| self.block(body)).unwrap_or_default();
        out.push(self.stmt(node, StmtKind::Loop { head, body }));
        if let Some(clause) = parts.field(fields.alternative) {
            let body = self.children(clause).field(fields.body);
            out.extend(body.map(|body| self.block(body)).unwrap_or_default());
        }
    }

    fn try_statement(&mut self, node: Node<'t>) -> StmtKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let mut body = parts.field(fields.body).map(|body| self.block(body)).unwrap_or_default();
        let (mut handlers, mut finally) = (Vec::new(), Vec::new());
        for clause in parts.named() {
            match self.kind(clause) {
                Kind::ExceptClause => handlers.push(self.except_clause(clause)),
                Kind::ElseClause => {
                    let inner = self.children(clause).field(fields.body);
                    body.extend(inner.map(|inner| self.block(inner)).unwrap_or_default());
                }
                Kind::FinallyClause => finally = self.block_within(clause),
                _ => {}
            }
        }
        StmtKind::Try { body, handlers, finally }
    }

    /// The block of a clause that has no field for it.
    fn block_within(&mut self, clause: Node<'t>) -> Vec<Stmt> {
        let parts = self.children(clause);
        let block = parts.named().find(|child| self.kind(*child) == Kind::Block);
        block.map(|block| self.block(block)).unwrap_or_default()
    }

    fn except_clause(&mut self, node: Node<'t>) -> Handler {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let mut alias = parts.field(fields.alias);
        let mut classes = Vec::new();
        for value in parts.fields(fields.value) {
            if self.kind(value) == Kind::AsPattern {
                alias = self.children(value).field(fields.alias);
            }
            classes.push(self.expression(value));
        }
        let class = match classes.len() {
            0 | 1 => classes.pop(),
            _ => Some(self.expr(node, ExprKind::Array(classes))),
        };
        let pattern = alias.map(|alias| self.pattern(alias));
        Handler { pattern, class, body: self.block_within(node) }
    }

    fn with_statement(&mut self, node: Node<'t>) -> StmtKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let mut items = Vec::new();
        let clause = parts.named().find(|child| self.kind(*child) == Kind::WithClause);
        let clause = clause.map(|clause| self.children(clause));
        for item in clause.iter().flat_map(|clause| clause.named()) {
            let Some(value) = self.children(item).field(fields.value) else { continue };
            let alias = match self.kind(value) {
                Kind::AsPattern => self.children(value).field(fields.alias),
                _ => None,
            };
            let value = self.expression(value);
            items.push((value, alias.map(|alias| self.pattern(alias))));
        }
        let body = parts.field(fields.body).map(|body| self.block(body)).unwrap_or_default();
        StmtKind::With { items, body }
    }

    /// `match` as a switch: exact where patterns are literals, dotted names, `_` or a name that takes anything.
    fn match_statement(&mut self, node: Node<'t>) -> StmtKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let mut subjects: Vec<Expr> = parts.fields(fields.subject).map(|value| self.expression(value)).collect();
        let subject = match subjects.len() {
            1 => subjects.pop(),
            _ => Some(self.expr(node, ExprKind::Array(subjects))),
        };
        let body = parts.field(fields.body).map(|body| self.children(body));
        let mut cases = Vec::new();
        for clause in body.iter().flat_map(|body| body.named()) {
            if self.kind(clause) == Kind::CaseClause {
                cases.extend(self.case(clause));
            }
        }
        StmtKind::Switch { subject: subject.unwrap_or_else(|| self.missing(node)), cases }
    }

    /// A clause as one case for each of the patterns of `a | b`.
    fn case(&mut self, clause: Node<'t>) -> Vec<Case> {
        let parts = self.children(clause);
        let fields = &self.grammar.fields;
        let patterns: Vec<Node<'t>> =
            parts.named().filter(|child| self.grammar.kind(*child) == Kind::CasePattern).collect();
        let unknown = self.expr(clause, ExprKind::Opaque("a pattern of a match statement"));
        let tests = match patterns.as_slice() {
            [only] if parts.field(fields.guard).is_none() => match self.first_child(*only) {
                Some(union) if self.kind(union) == Kind::UnionPattern => {
                    let parts: Vec<Node<'t>> = self.children(union).named().collect();
                    let tests = parts.into_iter().map(|part| {
                        let unknown = self.expr(part, ExprKind::Opaque("a pattern of a match statement"));
                        self.literal_test(part, unknown)
                    });
                    tests.collect()
                }
                _ => vec![self.case_test(*only, unknown)],
            },
            _ => vec![Some(unknown)],
        };
        let body = parts.field(fields.consequence);
        let case = |test| Case { test, body: body.map(|body| self.block(body)).unwrap_or_default() };
        tests.into_iter().map(case).collect()
    }

    fn case_test(&mut self, pattern: Node<'t>, unknown: Expr) -> Option<Expr> {
        let children = self.children(pattern);
        let Some(inner) = children.named().next() else {
            return (self.reading.slice(pattern) != "_").then_some(unknown);
        };
        match self.kind(inner) {
            // A negative number has its sign before it.
            _ if children.all().count() != 1 => Some(unknown),
            _ => self.literal_test(inner, unknown),
        }
    }

    /// What the subject has to equal; nothing where a name takes anything.
    fn literal_test(&mut self, inner: Node<'t>, unknown: Expr) -> Option<Expr> {
        match self.kind(inner) {
            Kind::String
            | Kind::ConcatenatedString
            | Kind::Integer
            | Kind::Float
            | Kind::True
            | Kind::False
            | Kind::None => Some(self.expression(inner)),
            Kind::DottedName if self.reading.slice(inner).contains('.') => Some(self.expression(inner)),
            Kind::DottedName => None,
            _ => Some(unknown),
        }
    }

    fn import(&mut self, node: Node<'t>, out: &mut Vec<Stmt>) {
        let parts = self.children(node);
        for name in parts.fields(self.grammar.fields.name) {
            let import = match self.kind(name) {
                Kind::AliasedImport => self.aliased_module(name),
                _ => self.plain_module(name),
            };
            out.extend(import.map(|import| self.stmt(node, StmtKind::Import(import))));
        }
    }

    /// `import a.b as c`.
    fn aliased_module(&mut self, node: Node<'t>) -> Option<Import> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let (name, alias) = (parts.field(fields.name)?, parts.field(fields.alias)?);
        let binding = ImportBinding { what: Imported::Module, local: self.text(alias), span: self.span(alias) };
        Some(Import { module: self.path(name), module_span: self.span(name), bindings: vec![binding] })
    }

    /// `import a.b`, which binds `a`.
    fn plain_module(&mut self, node: Node<'t>) -> Option<Import> {
        let first = self.first_child(node)?;
        let module = self.text(first);
        let binding = ImportBinding { what: Imported::Module, local: module.clone(), span: self.span(first) };
        Some(Import { module, module_span: self.span(node), bindings: vec![binding] })
    }

    fn import_from(&mut self, node: Node<'t>) -> Option<Import> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let module = parts.field(fields.module_name)?;
        let mut bindings = Vec::new();
        for name in parts.fields(fields.name) {
            let inner = self.children(name);
            let (what, local) = match (self.kind(name), inner.field(fields.name), inner.field(fields.alias)) {
                (Kind::AliasedImport, Some(name), Some(alias)) => (name, alias),
                _ => (name, name),
            };
            let what = Imported::Name(self.path(what));
            bindings.push(ImportBinding { what, local: self.path(local), span: self.span(local) });
        }
        for wildcard in parts.named().filter(|child| self.grammar.kind(*child) == Kind::WildcardImport) {
            let span = self.span(wildcard);
            bindings.push(ImportBinding { what: Imported::Everything, local: String::new(), span });
        }
        Some(Import { module: self.path(module), module_span: self.span(module), bindings })
    }

    /// A dotted name without the blanks that may stand in it.
    fn path(&self, node: Node<'t>) -> String {
        self.reading.slice(node).split_whitespace().collect()
    }
}
