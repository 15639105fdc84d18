//! What nginx would refuse, beside the tree.

use std::fmt;

use crate::Span;

/// One thing in the source that nginx's own reader refuses.
///
/// A document without errors is one whose *grammar* nginx accepts. Whether nginx knows the directives, allows them
/// where they stand and takes their arguments is not the grammar's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Error {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Where: the offending bytes, or an empty span at the end of the source.
    pub span: Span,
}

/// The kinds of [`Error`], with how the parser goes on after each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A `;` with no directive before it. It is skipped.
    UnexpectedSemicolon,
    /// A `{` with no directive before it. It opens a block of a directive without words, so that braces still balance.
    UnexpectedOpenBrace,
    /// A `}` that closes nothing. It is skipped.
    UnexpectedCloseBrace,
    /// A `}` while a directive is still waiting for its `;`. The directive ends there and the block is closed.
    MissingSemicolon,
    /// A character right after a closing quote, where nginx wants white space, `;`, `{` or `)`. It starts a new word.
    UnexpectedAfterQuote,
    /// A quote that is never closed, or whose next quote many lines later belongs to another word. The word ends with
    /// its line (before the line's last `;` or `{`). The span is the opening quote.
    UnclosedQuote,
    /// The source ends inside a directive. The directive is kept, without a terminator.
    UnexpectedEnd,
    /// A block that the end of the source leaves open. The span is its `{`; only the innermost one is reported.
    UnclosedBlock,
    /// A word or comment that does not fit into the 4096 bytes with which nginx reads. It is kept.
    TooLong,
    /// A `*_by_lua_block` whose `}` is missing. The span is its `{`; all that follows is taken as Lua.
    UnclosedLua,
    /// A Lua long bracket (`[[`, `--[==[`) that is never closed. All that follows is taken as Lua.
    UnclosedLuaBracket,
    /// A byte order mark, which nginx takes for part of the first word. It is skipped.
    ByteOrderMark,
    /// More than 4 GiB of source. What follows the span's start is not read.
    SourceTooLarge,
}

impl ErrorKind {
    /// One lower-case sentence without full stop.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::UnexpectedSemicolon => "unexpected \";\": there is no directive to end",
            Self::UnexpectedOpenBrace => "unexpected \"{\": a block needs a directive before it",
            Self::UnexpectedCloseBrace => "unexpected \"}\": there is no block to close",
            Self::MissingSemicolon => "unexpected \"}\": the directive before it has no \";\"",
            Self::UnexpectedAfterQuote => "a closing quote must be followed by white space, \";\", \"{\" or \")\"",
            Self::UnclosedQuote => "this quote is not closed",
            Self::UnexpectedEnd => "unexpected end of file: the last directive has no \";\"",
            Self::UnclosedBlock => "unexpected end of file: this block has no \"}\"",
            Self::TooLong => "too long: nginx reads words and comments of less than 4096 bytes",
            Self::UnclosedLua => "unexpected end of file: this Lua block has no \"}\"",
            Self::UnclosedLuaBracket => "this Lua long bracket is not closed",
            Self::ByteOrderMark => "nginx reads a byte order mark as part of the first word",
            Self::SourceTooLarge => "more than 4 GiB: the rest is not read",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at byte {}", self.kind, self.span.start)
    }
}

impl std::error::Error for Error {}
