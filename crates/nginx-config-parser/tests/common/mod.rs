//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part")]

use nginx_config_parser::{Children, Document, Ending, ErrorKind, parse};

/// Kind and offset of each error.
pub fn errors(source: &str) -> Vec<(ErrorKind, u32)> {
    parse(source.as_bytes()).errors().iter().map(|error| (error.kind, error.span.start)).collect()
}

/// The tree as text: decoded words, two spaces a level, `!` where an ending is missing.
pub fn outline(source: &str) -> String {
    outline_of(&parse(source.as_bytes()))
}

/// [`outline`] of a document.
pub fn outline_of(document: &Document) -> String {
    let mut text = String::new();
    let mut levels: Vec<Children> = vec![document.directives()];
    while let Some(level) = levels.last_mut() {
        let Some(directive) = level.next() else {
            levels.pop();
            if let Some(outer) = levels.len().checked_sub(1) {
                text += &"  ".repeat(outer);
                text += "}\n";
            }
            continue;
        };
        text += &"  ".repeat(levels.len() - 1);
        text += &directive.words().map(|word| word.text().into_owned()).collect::<Vec<_>>().join(" ");
        match directive.ending() {
            Ending::Semicolon => text += ";\n",
            Ending::Missing => text += "!\n",
            Ending::LuaBlock => text += " <lua>\n",
            Ending::Block => {
                text += " {\n";
                levels.push(directive.children());
            }
        }
    }
    text
}
