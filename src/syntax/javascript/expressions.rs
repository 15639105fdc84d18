//! Expressions.

use tree_sitter::Node;

use super::Lowering;
use super::grammar::Kind;
use crate::syntax::chain;
use crate::syntax::number::number;
use crate::syntax::program::{
    Argument, ArgumentSpread, BinaryOperator, Expr, ExprKind, Pattern, Property, PropertyKey, UnaryOperator,
};

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

    /// Goes through parentheses and what TypeScript adds around an expression.
    pub(super) fn unwrapped(&mut self, mut node: Node<'t>) -> Node<'t> {
        loop {
            let inner = match self.kind(node) {
                Kind::ParenthesizedExpression
                | Kind::AsExpression
                | Kind::SatisfiesExpression
                | Kind::NonNullExpression
                | Kind::InstantiationExpression => self.children(node).named().next(),
                Kind::TypeAssertion => self.children(node).named().next_back(),
                _ => return node,
            };
            let Some(inner) = inner else { return node };
            node = inner;
        }
    }

    // The match only delegates: what stood in its arms would widen the frame of every level of the recursion.
    fn expression_kind(&mut self, node: Node<'t>) -> ExprKind {
        match self.kind(node) {
            Kind::String => ExprKind::Str(self.string(node)),
            Kind::TemplateString => self.template(node),
            Kind::Number => ExprKind::Num(number(self.reading.slice(node))),
            Kind::True => ExprKind::Bool(true),
            Kind::False => ExprKind::Bool(false),
            Kind::Null => ExprKind::Null,
            Kind::Regex => self.regex(node),
            Kind::Identifier | Kind::Undefined | Kind::Import | Kind::ShorthandProperty => {
                ExprKind::Name(self.text(node))
            }
            Kind::This => ExprKind::This,
            Kind::Super => ExprKind::Super,
            Kind::Array => self.array(node),
            Kind::Object => self.object(node),
            Kind::MemberExpression | Kind::NestedIdentifier => self.member(node),
            Kind::SubscriptExpression => self.subscript(node),
            Kind::CallExpression => self.call(node),
            Kind::NewExpression => self.new_expression(node),
            Kind::FunctionExpression
            | Kind::GeneratorFunction
            | Kind::FunctionDeclaration
            | Kind::GeneratorFunctionDeclaration
            | Kind::ArrowFunction => ExprKind::Function(self.function(node, Vec::new())),
            Kind::Class | Kind::ClassDeclaration | Kind::AbstractClassDeclaration => {
                ExprKind::Class(self.class(node, Vec::new()))
            }
            Kind::TernaryExpression => self.ternary(node),
            Kind::BinaryExpression => self.binary(node),
            Kind::UnaryExpression => self.unary(node),
            Kind::UpdateExpression => self.update(node),
            Kind::AssignmentExpression | Kind::AugmentedAssignment => self.assignment(node),
            Kind::AwaitExpression => self.await_expression(node),
            Kind::YieldExpression => self.yield_expression(node),
            Kind::SpreadElement => self.spread(node),
            Kind::SequenceExpression => self.sequence(node),
            Kind::MetaProperty => self.meta_property(node),
            Kind::JsxElement | Kind::JsxSelfClosingElement => ExprKind::Opaque("a JSX element"),
            _ => ExprKind::Opaque("an unknown expression"),
        }
    }

    fn first_operand(&mut self, node: Node<'t>) -> Box<Expr> {
        let operand = self.children(node).named().next();
        Box::new(self.expression_or_missing(operand, node))
    }

    fn await_expression(&mut self, node: Node<'t>) -> ExprKind {
        ExprKind::Await(self.first_operand(node))
    }

    fn spread(&mut self, node: Node<'t>) -> ExprKind {
        ExprKind::Spread(self.first_operand(node))
    }

    fn yield_expression(&mut self, node: Node<'t>) -> ExprKind {
        let operand = self.children(node).named().next();
        ExprKind::Yield(operand.map(|operand| Box::new(self.expression(operand))))
    }

    fn sequence(&mut self, node: Node<'t>) -> ExprKind {
        let children = self.children(node);
        ExprKind::Sequence(children.named().map(|child| self.expression(child)).collect())
    }

    fn meta_property(&mut self, node: Node<'t>) -> ExprKind {
        let raw = self.reading.slice(node);
        let span = self.span(node);
        match raw.starts_with("import") && raw.ends_with("meta") {
            true => {
                let mut object = Expr { span, kind: ExprKind::Name("import".to_owned()) };
                object.span.end = span.start + "import".len() as u32;
                let mut property_span = span;
                property_span.start = span.end - "meta".len() as u32;
                ExprKind::Member { object: Box::new(object), property: "meta".to_owned(), property_span }
            }
            false => ExprKind::Opaque("new.target"),
        }
    }

    fn array(&mut self, node: Node<'t>) -> ExprKind {
        let mut items = Vec::new();
        let mut is_hole = true;
        for child in self.children(node).all() {
            if child.is_named() && !child.is_error() {
                items.push(self.expression(child));
                is_hole = false;
            } else if child.kind() == "," {
                if is_hole {
                    items.push(self.expr(child, ExprKind::Name("undefined".to_owned())));
                }
                is_hole = true;
            }
        }
        ExprKind::Array(items)
    }

    fn object(&mut self, node: Node<'t>) -> ExprKind {
        let children = self.children(node);
        ExprKind::Object(children.named().filter_map(|child| self.property(child)).collect())
    }

    fn property(&mut self, node: Node<'t>) -> Option<Property> {
        let fields = &self.grammar.fields;
        match self.kind(node) {
            Kind::Pair => {
                let parts = self.children(node);
                let key = parts.field(fields.key)?;
                let value = self.expression_or_missing(parts.field(fields.value), node);
                Some(Property { key_span: self.span(key), key: self.property_key(key), value })
            }
            Kind::SpreadElement => {
                let inner = self.children(node).named().next();
                let value = self.expression_or_missing(inner, node);
                Some(Property { key: PropertyKey::Spread, key_span: self.span(node), value })
            }
            Kind::ShorthandProperty => {
                let name = self.text(node);
                let value = self.expr(node, ExprKind::Name(name.clone()));
                Some(Property { key: PropertyKey::Name(name), key_span: self.span(node), value })
            }
            Kind::MethodDefinition => {
                let parts = self.children(node);
                let name = parts.field(fields.name)?;
                let key = match self.property_key(name) {
                    // What a setter does with a value is not followed.
                    _ if parts.has("set") => return None,
                    PropertyKey::Name(name) if parts.has("get") => PropertyKey::Getter(name),
                    key => key,
                };
                let value = ExprKind::Function(self.function(node, Vec::new()));
                Some(Property { key, key_span: self.span(name), value: self.expr(node, value) })
            }
            _ => None,
        }
    }

    /// The key of a property, a method or a field.
    pub(super) fn property_key(&mut self, node: Node<'t>) -> PropertyKey {
        match self.kind(node) {
            Kind::String => PropertyKey::Name(self.string(node)),
            Kind::Number => PropertyKey::Name(number(self.reading.slice(node)).to_string()),
            Kind::ComputedPropertyName => {
                let inner = self.children(node).named().next();
                let inner = self.expression_or_missing(inner, node);
                match inner.kind {
                    ExprKind::Str(name) => PropertyKey::Name(name),
                    _ => PropertyKey::Computed(Box::new(inner)),
                }
            }
            _ => PropertyKey::Name(self.text(node)),
        }
    }

    fn member(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let object = parts.field(fields.object);
        let Some(property) = parts.field(fields.property) else { return self.missing(node).kind };
        let object = self.expression_or_missing(object, node);
        let (property, property_span) = (self.text(property), self.span(property));
        self.link(node, object, |object| ExprKind::Member { object, property, property_span })
    }

    /// One link behind an object: an optional chain goes on to its last link.
    fn link(&mut self, node: Node<'t>, object: Expr, link: impl FnOnce(Box<Expr>) -> ExprKind) -> ExprKind {
        let (object, is_chain) = match object.kind {
            ExprKind::Chain(inner) => (*inner, true),
            kind => (Expr { kind, ..object }, false),
        };
        let is_optional = self.children(node).all().any(|child| child.kind() == "optional_chain");
        let object = match is_optional {
            true => Expr { span: object.span, kind: ExprKind::IfThere(Box::new(object)) },
            false => object,
        };
        let kind = link(Box::new(object));
        if is_chain || is_optional { ExprKind::Chain(Box::new(self.expr(node, kind))) } else { kind }
    }

    fn subscript(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let object = self.expression_or_missing(parts.field(fields.object), node);
        let index = Box::new(self.expression_or_missing(parts.field(fields.index), node));
        self.link(node, object, |object| ExprKind::Index { object, index })
    }

    fn call(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let callee = self.expression_or_missing(parts.field(fields.function), node);
        let arguments = parts.field(fields.arguments).map(|node| self.arguments(node)).unwrap_or_default();
        // `call?.()` is taken to be there: what is called decides too much to be left open.
        match callee.kind {
            ExprKind::Chain(callee) => {
                let call = self.expr(node, ExprKind::Call { callee, arguments });
                ExprKind::Chain(Box::new(call))
            }
            kind => ExprKind::Call { callee: Box::new(Expr { kind, ..callee }), arguments },
        }
    }

    fn new_expression(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let callee = Box::new(self.expression_or_missing(parts.field(fields.constructor), node));
        let arguments = parts.field(fields.arguments);
        ExprKind::New { callee, arguments: arguments.map(|node| self.arguments(node)).unwrap_or_default() }
    }

    fn arguments(&mut self, node: Node<'t>) -> Vec<Argument> {
        if self.kind(node) == Kind::TemplateString {
            let value = self.expr(node, ExprKind::Opaque("a tagged template"));
            return vec![Argument { keyword: None, spread: ArgumentSpread::None, span: value.span, value }];
        }
        let children = self.children(node);
        let argument = |child| {
            let span = self.span(child);
            let (spread, value) = match self.kind(child) {
                Kind::SpreadElement => (ArgumentSpread::Items, *self.first_operand(child)),
                _ => (ArgumentSpread::None, self.expression(child)),
            };
            Argument { keyword: None, spread, value, span }
        };
        children.named().map(argument).collect()
    }

    fn ternary(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let test = Box::new(self.expression_or_missing(parts.field(fields.condition), node));
        let then = Box::new(self.expression_or_missing(parts.field(fields.consequence), node));
        let otherwise = Box::new(self.expression_or_missing(parts.field(fields.alternative), node));
        ExprKind::Conditional { test, then, otherwise }
    }

    fn binary(&mut self, node: Node<'t>) -> ExprKind {
        let fields = &self.grammar.fields;
        let mut rest = Vec::new();
        let mut first = node;
        while self.kind(first) == Kind::BinaryExpression {
            let parts = self.children(first);
            let operator = parts.field(fields.operator).map_or("", |operator| operator.kind());
            let (Some(left), Some(right)) = (parts.field(fields.left), parts.field(fields.right)) else { break };
            rest.push((binary_operator(operator), right));
            first = self.unwrapped(left);
        }
        rest.reverse();
        if self.kind(first) == Kind::PrivatePropertyIdentifier || rest.is_empty() {
            return ExprKind::Opaque("a test for a private name");
        }
        let operator = rest[0].0;
        let is_number = |node: Node<'t>| self.kind(node) == Kind::Number;
        let associative = rest.iter().all(|(other, _)| *other == operator)
            && match operator {
                BinaryOperator::And | BinaryOperator::Or | BinaryOperator::Nullish => true,
                // Joining strings is; a number between them could be added to its neighbour first.
                BinaryOperator::Add => !is_number(first) && !rest.iter().any(|(_, node)| is_number(*node)),
                _ => false,
            };
        chain::lower(self, node, first, &rest, associative).kind
    }

    fn unary(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let fields = &self.grammar.fields;
        let operator = match parts.field(fields.operator).map_or("", |operator| operator.kind()) {
            "!" => UnaryOperator::Not,
            "-" => UnaryOperator::Minus,
            "+" => UnaryOperator::Plus,
            "typeof" => UnaryOperator::TypeOf,
            "void" => UnaryOperator::Void,
            "delete" => UnaryOperator::Delete,
            "~" => UnaryOperator::BitwiseNot,
            _ => UnaryOperator::Other,
        };
        let operand = Box::new(self.expression_or_missing(parts.field(fields.argument), node));
        ExprKind::Unary { operator, operand }
    }

    /// `a++` as `a += 1`.
    fn update(&mut self, node: Node<'t>) -> ExprKind {
        let parts = self.children(node);
        let operator = if parts.has("--") { BinaryOperator::Subtract } else { BinaryOperator::Add };
        let Some(target) = parts.field(self.grammar.fields.argument) else { return self.missing(node).kind };
        let value = Box::new(self.expr(node, ExprKind::Num(1.0)));
        ExprKind::Assign { target: Box::new(self.pattern(target)), operator: Some(operator), value }
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
        "&&" => BinaryOperator::And,
        "||" => BinaryOperator::Or,
        "??" => BinaryOperator::Nullish,
        "==" | "===" => BinaryOperator::Equal,
        "!=" | "!==" => BinaryOperator::NotEqual,
        "<" => BinaryOperator::Less,
        "<=" => BinaryOperator::LessEqual,
        ">" => BinaryOperator::Greater,
        ">=" => BinaryOperator::GreaterEqual,
        "+" => BinaryOperator::Add,
        "-" => BinaryOperator::Subtract,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "%" => BinaryOperator::Remainder,
        "in" => BinaryOperator::In,
        "instanceof" => BinaryOperator::InstanceOf,
        _ => BinaryOperator::Other,
    }
}
