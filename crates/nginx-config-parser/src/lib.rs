#![doc = include_str!("../README.md")]

mod document;
mod error;
mod lua;
mod parser;
mod span;
mod template;
mod word;

pub use document::{Block, Children, Directive, DirectiveId, Document, Ending, Walk};
pub use error::{Error, ErrorKind};
pub use span::Span;
pub use template::{Placeholder, PlaceholderKind, looks_templated};
pub use word::{Quoting, Word, Words};

/// Parses a configuration file, or a part of one that `include` would read, as nginx does.
///
/// Never fails: what nginx would refuse is in [`Document::errors`], and the rest is read all the same. Any bytes will
/// do; nginx asks for no encoding. Time and memory are linear in the length of `source`.
#[must_use]
pub fn parse(source: &[u8]) -> Document<'_> {
    let mut document = Document::default();
    document.source = cut(source, &mut document.errors);
    let text = document.source;
    parser::parse_into(&mut document, text, false);
    document
}

/// Parses a template from which a configuration file will be made: Jinja, Go, ERB, Handlebars, Terraform, envsubst, or
/// a Python format string.
///
/// Placeholders are taken for word characters where they stand for text, and for white space where they are statements
/// or stand alone on a line in place of directives. All branches of a condition are read, but only the first where each
/// of them opens, or closes, blocks that the others do too. All spans are offsets into `source`, and values show placeholders as
/// they are written; [`Word::is_templated`] tells them from known ones. Without any placeholder this is [`parse`].
#[must_use]
pub fn parse_template(source: &[u8]) -> Document<'_> {
    let mut document = Document::default();
    document.source = cut(source, &mut document.errors);
    let (text, placeholders) = template::mask(document.source);
    let masked = !placeholders.is_empty();
    document.placeholders = placeholders;
    parser::parse_into(&mut document, &text, masked);
    document
}

/// Offsets have 32 bits, and one value stands for "none".
fn cut<'s>(source: &'s [u8], errors: &mut Vec<Error>) -> &'s [u8] {
    let limit = u32::MAX as usize - 1;
    match source.get(..limit) {
        Some(head) if source.len() > limit => {
            let end = Span::new(u32::MAX - 1, u32::MAX - 1);
            errors.push(Error { kind: ErrorKind::SourceTooLarge, span: end });
            head
        }
        _ => source,
    }
}
