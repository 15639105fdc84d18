//! Chains of binary operators, which grammars nest to the left one level an operand.

use tree_sitter::Node;

use super::program::{BinaryOperator, Expr, ExprKind};
use super::reading::{ChainShape, Reading};
use crate::source::Span;

/// A lowering, as far as chains need it.
pub(super) trait Operands<'t> {
    /// The text under it.
    fn reading(&mut self) -> &mut Reading<'t>;
    /// Lowers one expression.
    fn expression(&mut self, node: Node<'t>) -> Expr;
}

/// Lowers `first`, then each operator with its right operand. `associative` says that grouping does not matter.
pub(super) fn lower<'t>(
    lowering: &mut impl Operands<'t>,
    whole: Node<'t>,
    first: Node<'t>,
    rest: &[(BinaryOperator, Node<'t>)],
    associative: bool,
) -> Expr {
    match lowering.reading().shape(rest.len(), associative) {
        ChainShape::Left => {
            if !lowering.reading().descend(rest.len() as u32, whole) {
                return lowering.reading().too_deep(whole);
            }
            let first = lowering.expression(first);
            from_left(lowering, first, rest)
        }
        ChainShape::Balanced => {
            let levels = usize::BITS - rest.len().leading_zeros();
            if !lowering.reading().descend(levels, whole) {
                return lowering.reading().too_deep(whole);
            }
            let operator = rest.first().map_or(BinaryOperator::Other, |(operator, _)| *operator);
            let mut operands = vec![lowering.expression(first)];
            operands.extend(rest.iter().map(|(_, node)| lowering.expression(*node)));
            lowering.reading().ascend(levels);
            balanced(operator, operands).unwrap_or_else(|| lowering.reading().too_deep(whole))
        }
        ChainShape::Cut(levels) => {
            let kept = &rest[rest.len() - levels.min(rest.len())..];
            lowering.reading().leave_out(first);
            if kept.is_empty() || !lowering.reading().descend(kept.len() as u32, whole) {
                return lowering.reading().too_deep(whole);
            }
            let first = lowering.reading().too_deep(first);
            from_left(lowering, first, kept)
        }
    }
}

/// Folds from the left; each operand gives back one of the levels taken for the chain.
fn from_left<'t>(lowering: &mut impl Operands<'t>, first: Expr, rest: &[(BinaryOperator, Node<'t>)]) -> Expr {
    rest.iter().fold(first, |left, (operator, node)| {
        let right = lowering.expression(*node);
        lowering.reading().ascend(1);
        binary(*operator, left, right)
    })
}

/// Joins neighbours in rounds until one expression is left.
fn balanced(operator: BinaryOperator, mut operands: Vec<Expr>) -> Option<Expr> {
    while operands.len() > 1 {
        let mut joined = Vec::with_capacity(operands.len().div_ceil(2));
        let mut all = operands.into_iter();
        while let Some(left) = all.next() {
            joined.push(match all.next() {
                Some(right) => binary(operator, left, right),
                None => left,
            });
        }
        operands = joined;
    }
    operands.pop()
}

/// `left operator right`.
pub(super) fn binary(operator: BinaryOperator, left: Expr, right: Expr) -> Expr {
    let span = Span::new(left.span.file, left.span.start, right.span.end);
    Expr { span, kind: ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) } }
}
