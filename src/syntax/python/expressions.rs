//! Expressions.

use tree_sitter::Node;

use super::grammar::Kind;
use super::{Lowering, SMALL};
use crate::syntax::chain;
use crate::syntax::number::number;
use crate::syntax::program::{
    Argument, ArgumentSpread, BinaryOperator, Expr, ExprKind, Pattern, Property, PropertyKey, UnaryOperator,
};

/// The longest chain of comparisons, `a < b < c …`, that is read.
const LONGEST_COMPARISON: usize = 16;

impl<'t> Lowering<'t> {
    /// Lowers an expression, bounded in depth.
    pub(super) fn expression(&mut self, node: Node<'t>) -> Expr {
        let node = self.unwrapped(node);
        if !self.reading.descend(1, node) {
            return self.reading.too_deep(node);
        }
        let kind = self.expression_kind(node);
        self.reading.ascend(1);
        self.expr(node, kind)
    }

    /// The expression of a field; unknown where the text is broken.
    pub(super) fn expression_or_missing(&mut self, node: Option<Node<'t>>, parent: Node<'t>) -> Expr {
        match node {
            Some(node) => self.expression(node),
            None => self.missing(parent),
        }
    }

    /// Goes through parentheses and what types are wrapped in.
    pub(super) fn unwrapped(&mut self, mut node: Node<'t>) -> Node<'t> {
        while matches!(self.kind(node), Kind::ParenthesizedExpression | Kind::Type | Kind::AsPattern) {
            let Some(inner) = self.first_child(node) else { return node };
            node = inner;
        }
        node
    }

    // The match only delegates: what stood in its arms would widen the frame of every level of the recursion.
    fn expression_kind(&mut self, node: Node<'t>) -> ExprKind {
        match self.kind(node) {
            Kind::String | Kind::ConcatenatedString => self.string(node),
            Kind::Integer | Kind::Float => self.number(node),
            Kind::True => ExprKind::Bool(true),
            Kind::False => ExprKind::Bool(false),
            Kind::None => ExprKind::Null,
            Kind::Identifier => ExprKind::Name(self.text(node)),
            Kind::DottedName => self.dotted_name(node),
            Kind::Attribute => self.attribute(node),
            Kind::Subscript => self.subscript(node),
            Kind::GenericType => self.generic_type(node),
            Kind::Call => self.call(node),
            Kind::List | Kind::Tuple | Kind::Set | Kind::ExpressionList | Kind::PatternList => self.items(node),
            Kind::Dictionary => self.dictionary(node),
            Kind::ListComprehension | Kind::SetComprehension | Kind::GeneratorExpression => self.comprehension(node),
            Kind::DictionaryComprehension => self.dict_comprehension(node),
            Kind::Lambda => ExprKind::Function(self.lambda(node)),
            Kind::ConditionalExpression => self.conditional(node),
            Kind::BooleanOperator | Kind::BinaryOperator | Kind::UnionType => self.binary(node),
            Kind::ComparisonOperator => self.comparison(node),
            Kind::NotOperator | Kind::UnaryOperator => self.unary(node),
            Kind::NamedExpression => self.named_expression(node),
            Kind::Assignment | Kind::AugmentedAssignment => self.assignment(node),
            Kind::Await => ExprKind::Await(self.first_operand(node)),
            Kind::Yield => self.yield_expression(node),
            Kind::ListSplat | Kind::ListSplatPattern => ExprKind::Spread(self.first_operand(node)),
            Kind::Slice => ExprKind::Opaque("a slice"),
            Kind::Ellipsis => ExprKind::Opaque("an ellipsis"),
            _ => ExprKind::Opaque("an unknown expression"),
        }
    }

    fn first_operand(&mut self, node: Node<'t>) -> Box<Expr> {
        let operand = self.first_child(node);
        Box::new(self.expression_or_missing(operand, node))
    }

    fn number(&self, node: Node<'t>) -> ExprKind {
        let value = number(self.reading.slice(node));
        if value.is_nan() { ExprKind::Opaque("a complex number") } else { ExprKind::Num(value) }
    }

    fn yield_expression(&mut self, node: Node<'t>) -> ExprKind {
        self.yields = true;
        let value = self.first_child(node);
        ExprKind::Yield(value.map(|value| Box::new(self.expression(value))))
    }

    fn items(&mut self, node: Node<'t>) -> ExprKind {
        let children = self.children(node);
        ExprKind::Array(children.named().map(|child| self.expression(child)).collect())
    }

    fn dictionary(&mut self, node: Node<'t>) -> ExprKind {
        let children = self.children(node);
        ExprKind::Object(children.named().filter_map(|child| self.entry(child)).collect())
    }

    fn entry(&mut self, node: Node<'t>) -> Option<Property> {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        match self.kind(node) {
            Kind::Pair => {
                let key = parts.field(fields.key)?;
                let name = self.expression(key);
                let key_span = name.span;
                let key = match name.kind {
                    ExprKind::Str(name) => PropertyKey::Name(name),
                    _ => PropertyKey::Computed(Box::new(name)),
                };
                let value = self.expression_or_missing(parts.field(fields.value), node);
                Some(Property { key, key_span, value })
            }
            Kind::DictionarySplat => {
                let value = *self.first_operand(node);
                Some(Property { key: PropertyKey::Spread, key_span: self.span(node), value })
            }
            _ => None,
        }
    }

    /// `{key: value for …}` as `dict([key, value] for …)`.
    fn dict_comprehension(&mut self, node: Node<'t>) -> ExprKind {
        let pairs = self.comprehension(node);
        if !matches!(pairs, ExprKind::Comprehension { .. }) {
            return pairs;
        }
        let (callee, value) = (self.expr(node, ExprKind::Name("dict".to_owned())), self.expr(node, pairs));
        let argument = Argument { spread: ArgumentSpread::None, keyword: None, value, span: self.span(node) };
        ExprKind::Call { callee: Box::new(callee), arguments: vec![argument] }
    }

    fn comprehension(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let mut head = None;
        let mut conditions = Vec::new();
        for child in parts.named() {
            match self.kind(child) {
                Kind::ForInClause if head.is_some() => {
                    return ExprKind::Opaque("a comprehension over several lists");
                }
                Kind::ForInClause => {
                    let clause = self.children(child);
                    let pattern = match clause.field(fields.left) {
                        Some(left) => self.pattern(left),
                        None => Pattern::Opaque(self.span(child)),
                    };
                    let iterable = self.expression_or_missing(clause.field(fields.right), child);
                    head = Some((pattern, iterable));
                }
                Kind::IfClause => conditions.push(*self.first_operand(child)),
                _ => {}
            }
        }
        let Some((pattern, iterable)) = head else { return self.missing(node).kind };
        let element = match parts.field(fields.body) {
            Some(pair) if self.kind(pair) == Kind::Pair => {
                let parts = self.children(pair);
                let sides = [parts.field(fields.key), parts.field(fields.value)];
                let sides = sides.map(|side| self.expression_or_missing(side, pair)).into();
                Box::new(self.expr(pair, ExprKind::Array(sides)))
            }
            body => Box::new(self.expression_or_missing(body, node)),
        };
        ExprKind::Comprehension { element, pattern: Box::new(pattern), iterable: Box::new(iterable), conditions }
    }

    fn attribute(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let Some(property) = parts.field(fields.attribute) else { return self.missing(node).kind };
        let object = Box::new(self.expression_or_missing(parts.field(fields.object), node));
        ExprKind::Member { object, property: self.text(property), property_span: self.span(property) }
    }

    /// `a.b.c` of a `case`, as the attributes that it stands for.
    fn dotted_name(&mut self, node: Node<'t>) -> ExprKind {
        let children = self.children(node);
        let mut value: Option<Expr> = None;
        for child in children.named().take(LONGEST_COMPARISON) {
            let mut span = self.span(child);
            let kind = match value.take() {
                None => ExprKind::Name(self.text(child)),
                Some(object) => {
                    let property_span = span;
                    span.start = object.span.start;
                    ExprKind::Member { object: Box::new(object), property: self.text(child), property_span }
                }
            };
            value = Some(Expr { span, kind });
        }
        value.map_or_else(|| self.missing(node).kind, |value| value.kind)
    }

    fn subscript(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let object = Box::new(self.expression_or_missing(parts.field(fields.value), node));
        let mut indices: Vec<Expr> = parts.fields(fields.subscript).map(|index| self.expression(index)).collect();
        let index = match (indices.pop(), indices.is_empty()) {
            (Some(only), true) => only,
            (Some(last), false) => {
                indices.push(last);
                self.expr(node, ExprKind::Array(indices))
            }
            (None, _) => self.missing(node),
        };
        ExprKind::Index { object, index: Box::new(index) }
    }

    /// An annotation's `Annotated[T, …]`.
    fn generic_type(&mut self, node: Node<'t>) -> ExprKind {
        let children = self.children(node);
        let mut parts = children.named();
        let (name, arguments) = (parts.next(), parts.next());
        let object = Box::new(self.expression_or_missing(name, node));
        let arguments = arguments.map(|arguments| self.children(arguments));
        let mut items: Vec<Expr> =
            arguments.iter().flat_map(|list| list.named()).map(|child| self.expression(child)).collect();
        let index = match items.len() {
            1 => items.pop(),
            _ => Some(self.expr(node, ExprKind::Array(items))),
        };
        ExprKind::Index { object, index: Box::new(index.unwrap_or_else(|| self.missing(node))) }
    }

    fn call(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let callee = Box::new(self.expression_or_missing(parts.field(fields.function), node));
        let arguments = match parts.field(fields.arguments) {
            Some(list) if self.kind(list) == Kind::ArgumentList => {
                let children = self.children(list);
                children.named().map(|child| self.argument(child)).collect()
            }
            Some(generator) => vec![self.argument(generator)],
            None => Vec::new(),
        };
        ExprKind::Call { callee, arguments }
    }

    fn argument(&mut self, node: Node<'t>) -> Argument {
        let span = self.span(node);
        let inner = self.unwrapped(node);
        let (keyword, spread, value) = match self.kind(inner) {
            Kind::KeywordArgument => {
                let parts = self.children(inner);
                let fields = &self.grammar.fields;
                let keyword = parts.field(fields.name).map(|name| self.text(name));
                let value = self.expression_or_missing(parts.field(fields.value), inner);
                (keyword, ArgumentSpread::None, value)
            }
            Kind::ListSplat => (None, ArgumentSpread::Items, *self.first_operand(inner)),
            Kind::DictionarySplat => (None, ArgumentSpread::Keywords, *self.first_operand(inner)),
            _ => (None, ArgumentSpread::None, self.expression(inner)),
        };
        Argument { keyword, spread, value, span }
    }

    fn conditional(&mut self, node: Node<'t>) -> ExprKind {
        let children = self.children(node);
        let mut parts = children.named();
        let (then, test, otherwise) = (parts.next(), parts.next(), parts.next());
        let then = Box::new(self.expression_or_missing(then, node));
        let test = Box::new(self.expression_or_missing(test, node));
        let otherwise = Box::new(self.expression_or_missing(otherwise, node));
        ExprKind::Conditional { test, then, otherwise }
    }

    fn binary(&mut self, node: Node<'t>) -> ExprKind {
        let fields = &self.grammar.fields;
        let mut rest = Vec::new();
        let mut first = node;
        loop {
            let (left, operator, right) = match self.kind(first) {
                Kind::BooleanOperator | Kind::BinaryOperator => {
                    let parts = self.children(first);
                    let operator = parts.field(fields.operator).map_or("", |operator| operator.kind());
                    (parts.field(fields.left), operator, parts.field(fields.right))
                }
                Kind::UnionType => {
                    let children = self.children(first);
                    let mut sides = children.named();
                    (sides.next(), "|", sides.next())
                }
                _ => break,
            };
            let (Some(left), Some(right)) = (left, right) else { break };
            rest.push((binary_operator(operator), right));
            first = self.unwrapped(left);
        }
        rest.reverse();
        let Some((operator, _)) = rest.first().copied() else { return self.missing(node).kind };
        let is_number = |node: Node<'t>| matches!(self.kind(node), Kind::Integer | Kind::Float);
        let associative = rest.iter().all(|(other, _)| *other == operator)
            && match operator {
                BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Join => true,
                BinaryOperator::Add => !is_number(first) && !rest.iter().any(|(_, node)| is_number(*node)),
                _ => false,
            };
        chain::lower(self, node, first, &rest, associative).kind
    }

    /// `a < b < c` as `a < b and b < c`.
    fn comparison(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let operators: Vec<BinaryOperator> =
            parts.fields(fields.operators).map(|operator| binary_operator(operator.kind())).collect();
        // The aliased `not in` and `is not` are tokens; operands are what is named.
        let operands: Vec<Node<'t>> = parts.named().collect();
        if operands.len() != operators.len() + 1 || operators.len() > LONGEST_COMPARISON {
            return ExprKind::Opaque("a chain of comparisons");
        }
        let levels = operators.len() as u32;
        if !self.reading.descend(levels, node) {
            return self.reading.too_deep(node).kind;
        }
        let mut whole: Option<Expr> = None;
        for (pair, operator) in operands.windows(2).zip(operators) {
            let (first, second) = (pair[0], pair[1]);
            // Lowering a nested chain twice at every level would take exponential time.
            let left = match whole.is_none() || first.descendant_count() <= SMALL {
                true => self.expression(first),
                false => self.expr(first, ExprKind::Opaque("the middle of a chain of comparisons")),
            };
            let right = self.expression(second);
            let test = chain::binary(operator, left, right);
            whole = Some(match whole {
                None => test,
                Some(before) => chain::binary(BinaryOperator::And, before, test),
            });
        }
        self.reading.ascend(levels);
        whole.map_or_else(|| self.missing(node).kind, |whole| whole.kind)
    }

    fn unary(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let operator = match parts.field(fields.operator).map_or("not", |operator| operator.kind()) {
            "not" => UnaryOperator::Not,
            "-" => UnaryOperator::Minus,
            "+" => UnaryOperator::Plus,
            _ => UnaryOperator::Other,
        };
        let operand = Box::new(self.expression_or_missing(parts.field(fields.argument), node));
        ExprKind::Unary { operator, operand }
    }

    fn named_expression(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let target = match parts.field(fields.name) {
            Some(name) => self.pattern(name),
            None => Pattern::Opaque(self.span(node)),
        };
        let value = Box::new(self.expression_or_missing(parts.field(fields.value), node));
        ExprKind::Assign { target: Box::new(target), operator: None, value }
    }

    fn assignment(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let operator = parts.field(fields.operator).map(|operator| {
            let operator = operator.kind();
            binary_operator(operator.strip_suffix('=').unwrap_or(operator))
        });
        let target = match parts.field(fields.left) {
            Some(left) => self.pattern(left),
            None => Pattern::Opaque(self.span(node)),
        };
        let value = Box::new(self.expression_or_missing(parts.field(fields.right), node));
        ExprKind::Assign { target: Box::new(target), operator, value }
    }
}

fn binary_operator(token: &str) -> BinaryOperator {
    match token {
        "and" => BinaryOperator::And,
        "or" => BinaryOperator::Or,
        "==" | "is" => BinaryOperator::Equal,
        "!=" | "<>" | "is not" => BinaryOperator::NotEqual,
        "<" => BinaryOperator::Less,
        "<=" => BinaryOperator::LessEqual,
        ">" => BinaryOperator::Greater,
        ">=" => BinaryOperator::GreaterEqual,
        "+" => BinaryOperator::Add,
        "-" => BinaryOperator::Subtract,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "%" => BinaryOperator::Remainder,
        "|" => BinaryOperator::Join,
        "in" => BinaryOperator::In,
        "not in" => BinaryOperator::NotIn,
        _ => BinaryOperator::Other,
    }
}
