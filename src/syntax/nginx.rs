//! nginx configurations as an owned tree whose places name their file.

use std::rc::Rc;

use nginx_config_parser::{self as parser, Document, PlaceholderKind};

use crate::source::{FileId, Span};

/// How deep blocks are read. nginx itself needs seven.
const DEEPEST_BLOCK: usize = 64;

/// A configuration file, or a part or template of one.
#[derive(Clone, Debug, Default)]
pub struct NginxFile {
    /// The directives at the top level.
    pub directives: Vec<Directive>,
    /// What nginx would refuse, in order.
    pub errors: Vec<(Span, &'static str)>,
    /// The first block that lies too deep to be read.
    pub too_deep: Option<Span>,
    /// Whether it is a template from which the configuration is made.
    pub templated: bool,
}

/// One directive.
#[derive(Clone, Debug)]
pub struct Directive {
    /// Its name, or the key in blocks that hold keys (`map`, `types`).
    pub name: Word,
    /// Its arguments.
    pub args: Vec<Word>,
    /// The directives in its block; `None` where it has none.
    pub block: Option<Rc<[Directive]>>,
    /// From its first word to its `;` or `}`.
    pub span: Span,
    /// The template statements on which its presence depends, outermost first: the place of the `if`, and whether it
    /// must hold.
    pub conditions: Rc<[(Span, bool)]>,
}

/// A word.
#[derive(Clone, Debug)]
pub struct Word {
    /// Its value, as nginx reads it.
    pub text: String,
    /// Where it stands, its quotes included.
    pub span: Span,
    /// Whether a template fills a part of it in, so that it is not known.
    pub templated: bool,
}

impl Directive {
    /// The argument at `index`, from 0.
    pub fn arg(&self, index: usize) -> Option<&str> {
        self.args.get(index).map(|word| word.text.as_str())
    }

    /// Whether its name is `name`.
    pub fn is(&self, name: &str) -> bool {
        self.name.text == name
    }

    /// The directives in its block; none where it has no block.
    pub fn children(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or_default()
    }

    /// Whether a template fills any of its words in.
    pub fn is_templated(&self) -> bool {
        self.name.templated || self.args.iter().any(|word| word.templated)
    }
}

/// Reads a configuration. Never fails: what nginx would refuse is in [`NginxFile::errors`].
pub fn nginx(file: FileId, text: &str) -> NginxFile {
    let bytes = text.as_bytes();
    let templated = parser::looks_templated(bytes);
    let document = if templated { parser::parse_template(bytes) } else { parser::parse(bytes) };
    let mut reader = Reader { file, document: &document, conditions: conditions(file, &document), too_deep: None };
    let directives = reader.level(document.directives(), 0);
    NginxFile {
        directives: directives.to_vec(),
        errors: document.errors().iter().map(|error| (whole(file, text, error.span), error.kind.message())).collect(),
        too_deep: reader.too_deep,
        templated,
    }
}

/// The characters that a span of bytes touches: nginx refuses single bytes, where others read characters.
fn whole(file: FileId, text: &str, span: parser::Span) -> Span {
    let (start, end) = (span.start as usize, span.end as usize);
    Span::new(file, text.floor_char_boundary(start) as u32, text.ceil_char_boundary(end) as u32)
}

fn place(file: FileId, span: parser::Span) -> Span {
    Span::new(file, span.start, span.end)
}

/// Offsets from which on a list of template statements applies.
type Conditions = Vec<(u32, Rc<[(Span, bool)]>)>;

struct Reader<'d, 's> {
    file: FileId,
    document: &'d Document<'s>,
    conditions: Conditions,
    too_deep: Option<Span>,
}

impl Reader<'_, '_> {
    fn level(&mut self, children: parser::Children<'_, '_>, depth: usize) -> Rc<[Directive]> {
        let mut directives = Vec::new();
        for directive in children {
            let Some(name) = directive.name_word() else { continue };
            let span = place(self.file, directive.span());
            let block = match directive.ending() {
                parser::Ending::Block if depth < DEEPEST_BLOCK => Some(self.level(directive.children(), depth + 1)),
                parser::Ending::Block => {
                    self.too_deep = self.too_deep.or(Some(span));
                    Some(Rc::from([]))
                }
                _ => None,
            };
            let at = self.conditions.partition_point(|(offset, _)| *offset <= span.start);
            let conditions = at.checked_sub(1).and_then(|at| self.conditions.get(at));
            let conditions = conditions.map_or_else(|| Rc::from([]), |(_, conditions)| conditions.clone());
            let name = self.word(&name);
            let mut args: Vec<Word> = directive.args().map(|word| self.word(&word)).collect();
            if let (parser::Ending::LuaBlock, Some(block)) = (directive.ending(), directive.block()) {
                // The code is what `content_by_lua '…'` has as its last argument.
                let text = self.document.text(block.inner).into_owned();
                args.push(Word { text, span: place(self.file, block.inner), templated: false });
            }
            directives.push(Directive { name, args, block, span, conditions });
        }
        directives.into()
    }

    fn word(&self, word: &parser::Word<'_, '_>) -> Word {
        Word {
            text: word.text().into_owned(),
            span: place(self.file, word.span()),
            templated: word.is_templated() && self.is_filled_in(word.span()),
        }
    }

    /// `${name}` may as well be nginx's own.
    fn is_filled_in(&self, span: parser::Span) -> bool {
        let placeholders = self.document.placeholders();
        let first = placeholders.partition_point(|placeholder| placeholder.span.end <= span.start);
        let inside = placeholders[first..].iter().take_while(|placeholder| placeholder.span.start < span.end);
        inside.filter(|placeholder| placeholder.kind != PlaceholderKind::Brace).any(|placeholder| {
            let text = self.document.text(placeholder.span);
            let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
            name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    }
}

/// Which `if`s and loops of the template language are open at which offset.
fn conditions(file: FileId, document: &Document<'_>) -> Conditions {
    // One frame for each open statement: its own condition last, those of the branches before it ahead.
    let mut open: Vec<Vec<(Span, bool)>> = Vec::new();
    let mut changes = Vec::new();
    for placeholder in document.placeholders() {
        if placeholder.kind != PlaceholderKind::Statement {
            continue;
        }
        let text = document.text(placeholder.span);
        let inside = text.trim_start_matches(['{', '%', '<', '-', '~', '#', ' ', '\t']);
        let slash = inside.starts_with('/');
        let word: String = inside.trim_start_matches('/').chars().take_while(char::is_ascii_alphabetic).collect();
        let span = place(file, placeholder.span);
        match word.as_str() {
            _ if slash => drop(open.pop()),
            "if" | "unless" | "for" | "range" | "with" | "each" | "foreach" if open.len() < DEEPEST_BLOCK => {
                open.push(vec![(span, true)]);
            }
            "elif" | "elsif" | "else" => {
                if let Some(last) = open.last_mut() {
                    if let Some(branch) = last.last_mut() {
                        branch.1 = false;
                    }
                    if word != "else" {
                        last.push((span, true));
                    }
                }
            }
            "end" | "endif" | "endfor" | "endunless" | "endwith" => drop(open.pop()),
            _ if inside.contains(" do |") && open.len() < DEEPEST_BLOCK => open.push(vec![(span, true)]),
            _ if inside.starts_with('}') => drop(open.pop()),
            _ => continue,
        }
        changes.push((span.end, open.concat().into()));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> NginxFile {
        nginx(FileId(0), text)
    }

    #[test]
    fn blocks_words_and_places_are_kept() {
        let text = "server {\n  add_header 'A' \"b c\" always;\n}\n";
        let file = read(text);
        let header = &file.directives[0].children()[0];
        assert!(header.is("add_header"));
        assert_eq!(header.args.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(), ["A", "b c", "always"]);
        assert_eq!(&text[header.span.start as usize..header.span.end as usize], "add_header 'A' \"b c\" always;");
        assert!(file.errors.is_empty() && !file.templated);
    }

    #[test]
    fn what_a_template_decides_is_conditional() {
        let file =
            read("{% if cors %}\nadd_header A {{ a }};\n{% else %}\nadd_header B b;\n{% endif %}\nadd_header C c;\n");
        assert!(file.templated);
        let conditions: Vec<Vec<bool>> =
            file.directives.iter().map(|one| one.conditions.iter().map(|(_, holds)| *holds).collect()).collect();
        assert_eq!(conditions, [vec![true], vec![false], vec![]]);
        assert!(file.directives[0].args[1].templated && !file.directives[1].is_templated());
    }

    #[test]
    fn what_is_refused_is_told_in_whole_characters() {
        let text = "add_header A \"b\"é;\n";
        let file = read(text);
        let (span, message) = file.errors[0];
        assert_eq!(text.get(span.start as usize..span.end as usize), Some("é"), "{message}");
    }

    #[test]
    fn depth_is_bounded() {
        let file = read(&"a {".repeat(100_000));
        assert!(file.too_deep.is_some());
    }
}
