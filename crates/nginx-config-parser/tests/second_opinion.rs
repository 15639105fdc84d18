//! nginx-lint-parser 0.24 as a second opinion: an independent reading of the same files by another author.
//!
//! It cuts words at variables and parentheses, so the bytes of all arguments together are compared. It is known to differ
//! from nginx after CRLF, in words that mix quotes or escapes with other text, and where nginx refuses a file; those cases
//! are not asked.

mod common;

use nginx_config_parser::{Document, Ending, parse};
use nginx_lint_parser::ast::{ArgumentValue, Config, ConfigItem, Directive};

/// Depth, where it starts and ends, its name, and its arguments without the space between them, quotes included.
#[derive(Debug, PartialEq)]
struct Line {
    depth: usize,
    span: (usize, usize),
    name: String,
    args: String,
    block: bool,
}

fn ours(document: &Document) -> Vec<Line> {
    let lines = document.walk().map(|directive| Line {
        depth: directive.ancestors().count(),
        span: (directive.span().start as usize, directive.span().end as usize),
        name: String::from_utf8_lossy(&directive.name()).into_owned(),
        args: directive.args().map(|word| document.text(word.span())).collect(),
        block: directive.ending() != Ending::Semicolon,
    });
    lines.collect()
}

fn theirs(config: &Config) -> Vec<Line> {
    fn add(items: &[ConfigItem], depth: usize, lines: &mut Vec<Line>) {
        for item in items {
            let ConfigItem::Directive(directive) = item else { continue };
            let Directive { name, args, block, span, .. } = &**directive;
            lines.push(Line {
                depth,
                span: (span.start.offset, span.end.offset),
                name: name.clone(),
                args: args.iter().map(|arg| arg.raw.as_str()).collect(),
                block: block.is_some(),
            });
            if let Some(block) = block {
                add(&block.items, depth + 1, lines);
            }
        }
    }
    let mut lines = Vec::new();
    add(&config.items, 0, &mut lines);
    lines
}

fn compare(source: &str) {
    let document = parse(source.as_bytes());
    let (config, errors) = nginx_lint_parser::parse_string_with_errors(source);
    assert!(errors.is_empty(), "{errors:?}\n{source}");
    assert!(document.errors().is_empty(), "{:?}\n{source}", document.errors());
    assert_eq!(ours(&document), theirs(&config), "{source}");
}

#[test]
fn a_site_reads_the_same() {
    compare(common::SITE);
}

#[test]
fn quoted_values_read_the_same() {
    let source = "add_header A \"b; c\" always; set $d 'e\"f'; return 200 \"\";";
    compare(source);
    let document = parse(source.as_bytes());
    let (config, _) = nginx_lint_parser::parse_string_with_errors(source);
    let theirs = config.all_directives().flat_map(|directive| {
        directive.args.iter().map(|arg| match &arg.value {
            ArgumentValue::Variable(name) => format!("${name}"),
            _ => arg.as_str().to_owned(),
        })
    });
    let ours = document.walk().flat_map(|directive| directive.args().map(|arg| arg.text().into_owned()));
    assert_eq!(ours.collect::<Vec<_>>(), theirs.collect::<Vec<_>>());
}

#[test]
fn generated_configurations_read_the_same() {
    let mut random = common::Random::new(4);
    let words = ["a", "$host", "/b/", "~*", "^/c(d|e)$", "\"f g\"", "'{h}'", "80", "${i}j", "*.k", "=", "\"\""];
    for _ in 0..500 {
        let mut source = String::new();
        let mut depth = 0;
        for _ in 0..random.below(24) {
            match random.below(6) {
                0 if depth > 0 => {
                    depth -= 1;
                    source += "}\n";
                    continue;
                }
                1 => source += "# l; { \" '\n",
                _ => {}
            }
            source += ["server", "location", "add_header", "if"][random.below(4)];
            for _ in 0..random.below(4) {
                source += [" ", "\n    ", "\t"][random.below(3)];
                source += words[random.below(words.len())];
            }
            if random.below(3) == 0 {
                source += " {\n";
                depth += 1;
            } else {
                source += ";\n";
            }
        }
        source += &"}".repeat(depth);
        compare(&source);
    }
}
