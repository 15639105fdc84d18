//! What the lowerings share: a bounded parse, node kinds and fields as small numbers, and a bounded descent.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tree_sitter::{Language, Node, ParseOptions, ParseState, Parser, Tree, TreeCursor};

use super::program::{Expr, ExprKind};
use crate::source::{FileId, Span};

/// How many levels of expressions, statements and patterns a tree may have below its root. Code written by hand
/// stays below 60; what lies deeper is left out, so that recursion over the tree fits a thread's stack.
pub const DEEPEST: u32 = 200;

/// How long the parser may take for one file. It reads some MB a second, so only hostile files need more.
pub(super) const PARSE_TIME: Duration = Duration::from_secs(4);

/// Up to how many bytes a text cannot hold the parser up for long, whatever it is.
const SHORT_TEXT: usize = 4 << 10;

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

    /// Parses `text`; `None` when the parser takes much longer than `limit`, or the grammar does not fit the parser.
    ///
    /// tree-sitter 0.27 asks its progress callback while it reads, but not while it joins what an error at the end has
    /// left open (`parser.c`, `ts_parser__accept`), which for `f<a,f<a,…` takes quadratic time. So a longer text is
    /// parsed on a thread of its own, which is left behind when it does not come back.
    pub(super) fn parse(&'static self, text: &str, limit: Duration) -> Option<Tree> {
        if text.len() <= SHORT_TEXT {
            return self.parse_here(text, limit);
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let owned = text.to_owned();
        // Nobody receives when the time was over before.
        let work = move || drop(sender.send(self.parse_here(&owned, limit)));
        match std::thread::Builder::new().name("parser".to_owned()).spawn(work) {
            Ok(_) => receiver.recv_timeout(limit.saturating_mul(2)).ok().flatten(),
            Err(_) => self.parse_here(text, limit),
        }
    }

    fn parse_here(&self, text: &str, limit: Duration) -> Option<Tree> {
        let mut parser = Parser::new();
        parser.set_language(&self.language).ok()?;
        let bytes = text.as_bytes();
        let start = Instant::now();
        let mut on_progress = |_: &ParseState| match start.elapsed() > limit {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let options = ParseOptions::new().progress_callback(&mut on_progress);
        parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
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
    pub(super) truncated: Option<Span>,
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
        self.truncated.get_or_insert(span);
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
    use std::time::{Duration, Instant};

    use super::{FieldNumbers, Grammar, NodeKind};

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

    fn typescript() -> &'static Grammar<NoKind, NoFields> {
        Box::leak(Box::new(Grammar::new(tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into())))
    }

    #[test]
    fn parsing_ends_in_time() {
        let start = Instant::now();
        let limit = Duration::from_millis(50);
        // The first stays within the callback's reach, the second does not.
        assert!(typescript().parse(&"a = [1, 2];\n".repeat(50_000), limit).is_none());
        assert!(typescript().parse(&"f<a,".repeat(3_000), limit).is_none());
        assert!(start.elapsed() < Duration::from_secs(5), "took {:?}", start.elapsed());
        assert!(typescript().parse("f<a,", Duration::from_secs(5)).is_some());
    }
}
