//! The tree: flat tables, and the handles with which they are read.

use std::borrow::Cow;
use std::fmt;
use std::iter::FusedIterator;

use crate::word::{Word, WordRecord, Words};
use crate::{Error, Placeholder, Span};

/// No directive: the parent of those at the top level.
pub(crate) const NONE: u32 = u32::MAX;

/// A configuration file, parsed.
///
/// All directives lie in one table in the order of the source, each with the place after its last descendant. So
/// nothing here is recursive, neither reading nor dropping, however deep the blocks are.
#[derive(Clone, Default)]
pub struct Document<'s> {
    pub(crate) source: &'s [u8],
    pub(crate) directives: Vec<Record>,
    pub(crate) words: Vec<WordRecord>,
    pub(crate) comments: Vec<Span>,
    pub(crate) errors: Vec<Error>,
    pub(crate) placeholders: Vec<Placeholder>,
}

/// What is stored of a directive. Words `first_word..` up to the next directive's belong to it.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    pub first_word: u32,
    pub word_count: u32,
    pub parent: u32,
    /// Index after the last descendant.
    pub subtree_end: u32,
    pub ending: Ending,
    /// Offset of `;` or `{`; where those are missing, the offset at which the directive was given up.
    pub terminator: u32,
    /// Offset of `}`, or `NONE`.
    pub close: u32,
}

/// How a directive ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// With `;`.
    Semicolon,
    /// With a block of directives.
    Block,
    /// With a block of Lua code (`content_by_lua_block { … }`).
    LuaBlock,
    /// With nothing: an error says why.
    Missing,
}

/// Names a directive of one [`Document`]. Ids count up in the order of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectiveId(pub(crate) u32);

impl DirectiveId {
    /// The place in the order of the source, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl<'s> Document<'s> {
    /// The bytes that were parsed. All spans are offsets into them.
    #[must_use]
    pub const fn source(&self) -> &'s [u8] {
        self.source
    }

    /// The directives at the top level, in order.
    #[must_use]
    pub fn directives(&self) -> Children<'_, 's> {
        Children { document: self, next: 0, end: self.directives.len() as u32 }
    }

    /// The directives in `directive`'s block, in order; none where it has no block.
    #[must_use]
    pub fn children(&self, directive: DirectiveId) -> Children<'_, 's> {
        match self.directives.get(directive.index()) {
            Some(record) => Children { document: self, next: directive.0 + 1, end: record.subtree_end },
            None => Children { document: self, next: 0, end: 0 },
        }
    }

    /// Every directive at every depth, in the order of the source: each before those in its block.
    #[must_use]
    pub fn walk(&self) -> Walk<'_, 's> {
        Walk { document: self, next: 0, end: self.directives.len() as u32 }
    }

    /// The directive that `id` names, if it comes from this document.
    #[must_use]
    pub fn get(&self, id: DirectiveId) -> Option<Directive<'_, 's>> {
        (id.index() < self.directives.len()).then_some(Directive { document: self, id })
    }

    /// The innermost directive whose span holds the byte at `offset`. Time is logarithmic in the number of directives,
    /// and linear in the depth.
    #[must_use]
    pub fn directive_at(&self, offset: u32) -> Option<Directive<'_, 's>> {
        let after = self.directives.partition_point(|record| self.start_of(record) <= offset);
        let mut id = DirectiveId((after as u32).checked_sub(1)?);
        loop {
            let directive = self.get(id)?;
            if directive.span().contains(offset) {
                return Some(directive);
            }
            id = directive.parent()?.id;
        }
    }

    /// The comments, in order, each from its `#` to the end of the line (without the line break). Text after `--` in
    /// Lua blocks is Lua's.
    #[must_use]
    pub fn comments(&self) -> &[Span] {
        &self.comments
    }

    /// What nginx would refuse, in the order in which it was met. Empty if, and only if, nginx accepts the grammar.
    #[must_use]
    pub fn errors(&self) -> &[Error] {
        &self.errors
    }

    /// The placeholders of a template language, in order; empty unless [`parse_template`](crate::parse_template) was
    /// asked.
    #[must_use]
    pub fn placeholders(&self) -> &[Placeholder] {
        &self.placeholders
    }

    /// The bytes at `span`; empty where the span lies outside the source.
    #[must_use]
    pub fn bytes(&self, span: Span) -> &'s [u8] {
        span.slice(self.source)
    }

    /// The text at `span`; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self, span: Span) -> Cow<'s, str> {
        String::from_utf8_lossy(self.bytes(span))
    }

    /// Line and column of a byte, both from 1; the column counts bytes. Time is linear in the offset.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let before = self.source.get(..offset as usize).unwrap_or(self.source);
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        (1 + before.iter().filter(|&&byte| byte == b'\n').count(), 1 + before.len() - line_start)
    }

    fn start_of(&self, record: &Record) -> u32 {
        match self.words.get(record.first_word as usize) {
            Some(word) if record.word_count > 0 => word.span.start,
            _ => record.terminator,
        }
    }
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Document")
            .field("directives", &self.walk().collect::<Vec<_>>())
            .field("comments", &self.comments)
            .field("errors", &self.errors)
            .field("placeholders", &self.placeholders)
            .finish()
    }
}

/// One directive: a handle that is cheap to copy.
#[derive(Clone, Copy)]
pub struct Directive<'d, 's> {
    document: &'d Document<'s>,
    id: DirectiveId,
}

impl<'d, 's> Directive<'d, 's> {
    fn record(&self) -> &'d Record {
        // A handle is only made for an id that the table has.
        &self.document.directives[self.id.index()]
    }

    /// Its id, which outlives the handle.
    #[must_use]
    pub const fn id(&self) -> DirectiveId {
        self.id
    }

    /// The document that it is part of.
    #[must_use]
    pub const fn document(&self) -> &'d Document<'s> {
        self.document
    }

    /// All its words, the name among them. Empty only after [`UnexpectedOpenBrace`].
    ///
    /// [`UnexpectedOpenBrace`]: crate::ErrorKind::UnexpectedOpenBrace
    #[must_use]
    pub fn words(&self) -> Words<'d, 's> {
        let record = self.record();
        Words::new(self.document, record.first_word, record.first_word + record.word_count)
    }

    /// The first word: as nginx would look it up, without quotes and escapes. Inside `map`, `types`, `geo` and the like
    /// it is a key. Empty where there is none.
    #[must_use]
    pub fn name(&self) -> Cow<'s, [u8]> {
        self.name_word().map_or(Cow::Borrowed(b""), |word| word.value())
    }

    /// Whether [`name`](Self::name) is `name`.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name_word().is_some_and(|word| word.is(name))
    }

    /// The first word.
    #[must_use]
    pub fn name_word(&self) -> Option<Word<'d, 's>> {
        self.words().next()
    }

    /// The words after the first.
    #[must_use]
    pub fn args(&self) -> Words<'d, 's> {
        let mut words = self.words();
        words.next();
        words
    }

    /// The argument at `index`, from 0; the name does not count.
    #[must_use]
    pub fn arg(&self, index: usize) -> Option<Word<'d, 's>> {
        self.args().nth(index)
    }

    /// How it ends.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.record().ending
    }

    /// Its `;` or `{`.
    #[must_use]
    pub fn terminator(&self) -> Option<Span> {
        let record = self.record();
        (record.ending != Ending::Missing).then(|| Span::new(record.terminator, record.terminator + 1))
    }

    /// Its block, of directives or of Lua.
    #[must_use]
    pub fn block(&self) -> Option<Block> {
        let record = self.record();
        if !matches!(record.ending, Ending::Block | Ending::LuaBlock) {
            return None;
        }
        let open = Span::new(record.terminator, record.terminator + 1);
        let close = (record.close != NONE).then(|| Span::new(record.close, record.close + 1));
        let inner_end = close.map_or_else(|| self.open_end(record), |close| close.start);
        Some(Block { open, inner: Span::new(open.end, inner_end), close })
    }

    /// From its first word to its `;` or `}`; without a block's `}` to the end of what is in it.
    #[must_use]
    pub fn span(&self) -> Span {
        let record = self.record();
        let end = match record.ending {
            Ending::Semicolon => record.terminator + 1,
            Ending::Missing => self.words().next_back().map_or(record.terminator, |word| word.span().end),
            Ending::Block | Ending::LuaBlock if record.close != NONE => record.close + 1,
            Ending::Block | Ending::LuaBlock => self.open_end(record),
        };
        Span::new(self.document.start_of(record), end)
    }

    /// The end of a block that is not closed. Only the end of the source leaves one open.
    fn open_end(&self, record: &Record) -> u32 {
        (self.document.source.len().min(u32::MAX as usize) as u32).max(record.terminator + 1)
    }

    /// The directive whose block it is in.
    #[must_use]
    pub fn parent(&self) -> Option<Directive<'d, 's>> {
        self.document.get(DirectiveId(self.record().parent))
    }

    /// Its parent, the parent's parent and so on, outwards.
    pub fn ancestors(&self) -> impl Iterator<Item = Directive<'d, 's>> + use<'d, 's> {
        std::iter::successors(self.parent(), Directive::parent)
    }

    /// The directives in its block.
    #[must_use]
    pub fn children(&self) -> Children<'d, 's> {
        self.document.children(self.id)
    }

    /// Every directive in its block at every depth, in the order of the source.
    #[must_use]
    pub fn descendants(&self) -> Walk<'d, 's> {
        Walk { document: self.document, next: self.id.0 + 1, end: self.record().subtree_end }
    }
}

impl fmt::Debug for Directive<'_, '_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Directive")
            .field("id", &self.id.0)
            .field("parent", &self.parent().map(|parent| parent.id.0))
            .field("words", &self.words().collect::<Vec<_>>())
            .field("ending", &self.ending())
            .field("span", &self.span())
            .finish()
    }
}

/// Where the block of a directive lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// The `{`.
    pub open: Span,
    /// What is between the braces.
    pub inner: Span,
    /// The `}`, unless the source ends before it.
    pub close: Option<Span>,
}

/// Directives of one block, or of the top level. See [`Document::directives`].
#[derive(Clone)]
pub struct Children<'d, 's> {
    document: &'d Document<'s>,
    next: u32,
    end: u32,
}

impl<'d, 's> Iterator for Children<'d, 's> {
    type Item = Directive<'d, 's>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let directive = self.document.get(DirectiveId(self.next))?;
        self.next = directive.record().subtree_end;
        Some(directive)
    }
}

impl FusedIterator for Children<'_, '_> {}

/// Directives with all those inside them. See [`Document::walk`].
#[derive(Clone)]
pub struct Walk<'d, 's> {
    document: &'d Document<'s>,
    next: u32,
    end: u32,
}

impl<'d, 's> Walk<'d, 's> {
    /// Leaves out what is inside the block of the directive that was returned last.
    pub fn skip_children(&mut self) {
        if let Some(last) = self.next.checked_sub(1).and_then(|last| self.document.directives.get(last as usize)) {
            self.next = last.subtree_end.min(self.end).max(self.next);
        }
    }
}

impl<'d, 's> Iterator for Walk<'d, 's> {
    type Item = Directive<'d, 's>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let directive = self.document.get(DirectiveId(self.next))?;
        self.next += 1;
        Some(directive)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Walk<'_, '_> {}
impl FusedIterator for Walk<'_, '_> {}
