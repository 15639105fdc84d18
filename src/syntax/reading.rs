//! What the lowerings share: a bounded parse, node kinds and fields as small numbers, and a bounded descent.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tree_sitter::{Language, LogType, Node, ParseOptions, ParseState, Parser, Tree, TreeCursor};

use super::nesting;
use super::program::{self, Expr, ExprKind, LeftOut, Truncated};
use crate::source::{FileId, Span};

/// How many levels of expressions, statements and patterns a tree may have below its root. Code written by hand
/// stays below 60; what lies deeper is left out, so that recursion over the tree fits a thread's stack.
pub const DEEPEST: u32 = 200;

/// How much may be open at once in a text that is parsed, as [`nesting::measure`] counts. Code written by hand stays
/// below 500. So many brackets take some hundredths of a second, so many `f<a,` a third of one and 180 MB.
const MOST_OPEN: usize = 12_000;

/// How much the errors of a text may cost: each walks what is open, so it is their number times that.
const MOST_FOR_ERRORS: usize = 120_000;

/// How many errors are read in any text: what stands between them stays open for the parser.
const MOST_ERRORS: usize = 300;

/// How often the parser may ask whether to go on in a text of no length; more for each byte. It asks at each hundredth of
/// its steps, which is at most 0.014 times for each byte of real programs.
const FEWEST_CALLS: usize = 200;

/// How many operands a chain of one operator may have before it is folded into a balanced tree.
const LONGEST_CHAIN: usize = 48;

/// Declares an enum of node kinds, looked up by the names that a grammar gives them.
macro_rules! kinds {
    ($($variant:ident = $text:literal,)*) => {
        /// The kinds of named nodes that the lowering knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind {
            /// Any other node, anonymous tokens and errors included.
            Other,
            $(#[doc = $text] $variant,)*
        }

        impl crate::syntax::reading::NodeKind for Kind {
            const OTHER: Self = Kind::Other;

            fn named(name: &str) -> Self {
                match name {
                    $($text => Kind::$variant,)*
                    _ => Kind::Other,
                }
            }
        }
    };
}

/// Declares a struct of field numbers, looked up by the names that a grammar gives them.
macro_rules! fields {
    ($($name:ident = $text:literal,)*) => {
        /// The numbers of the fields that the lowering reads.
        #[derive(Debug)]
        pub(super) struct Fields {
            $(#[doc = $text] pub(super) $name: u16,)*
        }

        impl crate::syntax::reading::FieldNumbers for Fields {
            fn of(language: &tree_sitter::Language) -> Self {
                // A field that this grammar lacks gets a number that no child has.
                let number = |name: &str| language.field_id_for_name(name).map_or(u16::MAX, |id| id.get());
                Self { $($name: number($text),)* }
            }
        }
    };
}

pub(super) use {fields, kinds};

/// An enum made by [`kinds!`].
pub(super) trait NodeKind: Copy {
    /// The kind of what the lowering does not know.
    const OTHER: Self;
    /// The kind with this name.
    fn named(name: &str) -> Self;
}

/// A struct made by [`fields!`].
pub(super) trait FieldNumbers {
    /// The numbers in this grammar.
    fn of(language: &Language) -> Self;
}

/// A grammar with its kinds and fields looked up once.
#[derive(Debug)]
pub(super) struct Grammar<K, F> {
    language: Language,
    kinds: Vec<K>,
    /// Its fields' numbers.
    pub(super) fields: F,
}

impl<K: NodeKind + Send + Sync, F: FieldNumbers + Send + Sync> Grammar<K, F> {
    /// Looks up the names of `language`.
    pub(super) fn new(language: Language) -> Self {
        let kinds = (0..language.node_kind_count() as u16)
            .map(|id| match language.node_kind_for_id(id) {
                Some(name) if language.node_kind_is_named(id) => K::named(name),
                _ => K::OTHER,
            })
            .collect();
        let fields = F::of(&language);
        Self { language, kinds, fields }
    }

    /// The kind of a node.
    pub(super) fn kind(&self, node: Node<'_>) -> K {
        self.kinds.get(usize::from(node.kind_id())).copied().unwrap_or(K::OTHER)
    }

    /// Parses `text`, or tells what keeps it from being parsed and where. Whether it does depends on the text alone, never
    /// on the clock.
    ///
    /// tree-sitter asks its progress callback while it reads, but not while it recovers from an error or joins what the
    /// end of the text has left open (`parser.c`, `ts_parser__do_all_potential_reductions` and `ts_parser__accept`), which
    /// takes time for all that is open. So what may be open is bounded before, and errors are counted.
    pub(super) fn parse(&self, language: program::Language, text: &str) -> Result<Tree, Cut> {
        let nesting = nesting::measure(language, text);
        if nesting.deepest > MOST_OPEN {
            return Err(Cut { at: nesting.deepest_at, why: LeftOut::TooDeep });
        }
        let most_errors = (MOST_FOR_ERRORS / nesting.deepest).min(MOST_ERRORS);
        let most_calls = FEWEST_CALLS + text.len() / 16;
        let mut parser = Parser::new();
        if parser.set_language(&self.language).is_err() {
            return Err(Cut { at: 0, why: LeftOut::TooManySteps });
        }
        let bytes = text.as_bytes();
        let errors = Arc::new(AtomicUsize::new(0));
        let (mut calls, mut counts, mut at) = (0, false, 0);
        loop {
            let mut on_progress = |state: &ParseState| {
                calls += 1;
                at = state.current_byte_offset();
                let spent = calls > most_calls || errors.load(Ordering::Relaxed) > most_errors;
                match spent || state.has_error() && !counts {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            let options = ParseOptions::new().progress_callback(&mut on_progress);
            let tree = parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options));
            if let Some(tree) = tree {
                return Ok(tree);
            }
            if calls > most_calls {
                return Err(Cut { at, why: LeftOut::TooManySteps });
            }
            if counts {
                return Err(Cut { at, why: LeftOut::TooBroken });
            }
            // Now that there is an error, the log tells of each further one, and the parser goes on where it stopped.
            counts = true;
            let errors = errors.clone();
            parser.set_logger(Some(Box::new(move |kind, message| {
                if kind == LogType::Parse && message.starts_with("resume version") {
                    errors.fetch_add(1, Ordering::Relaxed);
                }
            })));
        }
    }
}

/// Where and why a text could not be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The byte that the parser had come to.
    pub(super) at: usize,
    /// Why it did not go on.
    pub(super) why: LeftOut,
}

impl Cut {
    /// What a program says of it.
    pub(super) fn truncated(self, file: FileId) -> Truncated {
        let at = self.at as u32;
        Truncated { span: Span::new(file, at, at), why: self.why }
    }
}

/// The comments and the unreadable places of a tree, in the order of the text.
pub(super) fn comments_and_errors(file: FileId, text: &str, tree: &Tree) -> (Vec<Span>, Vec<Span>) {
    let (mut comments, mut errors) = (Vec::new(), Vec::new());
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.is_error() || node.is_missing() {
            errors.push(span_of(file, node));
        } else if node.is_extra() && matches!(node.kind(), "comment" | "html_comment") {
            let mut span = span_of(file, node);
            // Python's grammar counts the first half of a CRLF to the comment.
            if text.as_bytes()[..span.end as usize].ends_with(b"\r") {
                span.end -= 1;
            }
            comments.push(span);
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return (comments, errors);
            }
        }
    }
}

/// The place of a node.
pub(super) fn span_of(file: FileId, node: Node<'_>) -> Span {
    Span::new(file, node.start_byte() as u32, node.end_byte() as u32)
}

/// A node's children, comments left out.
#[derive(Debug)]
pub(super) struct Children<'t>(Vec<(u16, Node<'t>)>);

impl<'t> Children<'t> {
    /// The first child in a field.
    pub(super) fn field(&self, field: u16) -> Option<Node<'t>> {
        self.fields(field).next()
    }

    /// All children in a field.
    pub(super) fn fields(&self, field: u16) -> impl Iterator<Item = Node<'t>> {
        self.0.iter().filter(move |(at, _)| *at == field).map(|(_, node)| *node)
    }

    /// Named children that are no errors.
    pub(super) fn named(&self) -> impl DoubleEndedIterator<Item = Node<'t>> {
        self.0.iter().map(|(_, node)| *node).filter(|node| node.is_named() && !node.is_error())
    }

    /// All children: tokens and errors too.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = Node<'t>> {
        self.0.iter().map(|(_, node)| *node)
    }

    /// Whether one child is this token.
    pub(super) fn has(&self, token: &str) -> bool {
        self.0.iter().any(|(_, node)| !node.is_named() && node.kind() == token)
    }
}

/// The text under a lowering, and how deep it stands in the tree.
pub(super) struct Reading<'t> {
    /// The file.
    pub(super) file: FileId,
    /// Its text.
    pub(super) text: &'t str,
    /// The first place that was left out.
    pub(super) truncated: Option<Truncated>,
    depth: u32,
    cursor: TreeCursor<'t>,
}

impl<'t> Reading<'t> {
    /// Starts at the root of `tree`.
    pub(super) fn new(file: FileId, text: &'t str, tree: &'t Tree) -> Self {
        Self { file, text, truncated: None, depth: 0, cursor: tree.walk() }
    }

    /// The place of a node.
    pub(super) fn span(&self, node: Node<'_>) -> Span {
        span_of(self.file, node)
    }

    /// The text of a node.
    pub(super) fn slice(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// The children of a node.
    pub(super) fn children(&mut self, node: Node<'t>) -> Children<'t> {
        let mut children = Vec::with_capacity(node.child_count() as usize);
        self.cursor.reset(node);
        let mut more = self.cursor.goto_first_child();
        while more {
            let child = self.cursor.node();
            if !child.is_extra() || child.is_error() {
                children.push((self.cursor.field_id().map_or(0, |id| id.get()), child));
            }
            more = self.cursor.goto_next_sibling();
        }
        Children(children)
    }

    /// Goes `levels` down if the tree may be that deep; notes `node` as left out otherwise.
    /// Each success is to be followed by [`Reading::ascend`].
    pub(super) fn descend(&mut self, levels: u32, node: Node<'_>) -> bool {
        if self.depth + levels > DEEPEST {
            self.leave_out(node);
            return false;
        }
        self.depth += levels;
        true
    }

    /// Comes back from [`Reading::descend`].
    pub(super) fn ascend(&mut self, levels: u32) {
        self.depth -= levels;
    }

    /// Notes that `node` is not in the tree.
    pub(super) fn leave_out(&mut self, node: Node<'_>) {
        let span = self.span(node);
        self.truncated.get_or_insert(Truncated { span, why: LeftOut::TooDeep });
    }

    /// What stands for an expression that is nested too deeply.
    pub(super) fn too_deep(&self, node: Node<'_>) -> Expr {
        Expr { span: self.span(node), kind: ExprKind::Opaque("code nested too deeply") }
    }

    /// How to build a chain of `operators` operators of which all are alike and associative, or not.
    pub(super) fn shape(&self, operators: usize, associative: bool) -> ChainShape {
        if operators <= LONGEST_CHAIN && self.depth as usize + operators < DEEPEST as usize {
            ChainShape::Left
        } else if associative {
            ChainShape::Balanced
        } else {
            ChainShape::Cut(LONGEST_CHAIN.min((DEEPEST - self.depth) as usize))
        }
    }
}

/// How a long chain of binary operators becomes a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChainShape {
    /// As written, from the left.
    Left,
    /// Halves of halves.
    Balanced,
    /// The last operators only, this many; what is left of them is left out.
    Cut(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct NoKind;

    impl NodeKind for NoKind {
        const OTHER: Self = NoKind;
        fn named(_: &str) -> Self {
            NoKind
        }
    }

    struct NoFields;

    impl FieldNumbers for NoFields {
        fn of(_: &tree_sitter::Language) -> Self {
            NoFields
        }
    }

    #[test]
    fn parsing_is_bounded_by_the_text_alone() {
        let typescript: Grammar<NoKind, NoFields> = Grammar::new(tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into());
        let parse = |text: &str| typescript.parse(program::Language::JavaScript, text).map(drop).map_err(|cut| cut.why);
        assert_eq!(parse(&"a = [1, 2];\n".repeat(50_000)), Ok(()));
        assert_eq!(parse("f<a,"), Ok(()));
        // Time that grows with the square, at the end of the text and at each error.
        assert_eq!(parse(&"f<a,".repeat(100_000)), Err(LeftOut::TooDeep));
        assert_eq!(parse(&"! } , . ".repeat(100_000)), Err(LeftOut::TooBroken));
        let broken = format!("{}{}", "a = !b;\n".repeat(100_000), "} a = ;\n".repeat(5));
        assert_eq!(parse(&broken), Ok(()), "a few errors are read in any text");
    }
}
