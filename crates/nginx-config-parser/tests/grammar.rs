//! What nginx reads, and what it refuses, case by case.

mod common;

use common::{errors, outline};
use nginx_config_parser::{Ending, ErrorKind, Quoting, Span, parse};

/// The words of the first directive.
fn words(source: &str) -> Vec<String> {
    let document = parse(source.as_bytes());
    let words = document.directives().next().map(|directive| directive.words().map(|word| word.text().into_owned()));
    words.into_iter().flatten().collect()
}

#[test]
fn words_end_at_white_space_semicolon_and_brace_only() {
    for (source, expected) in [
        ("set $a $scheme://$host;", &["set", "$a", "$scheme://$host"][..]),
        ("if ($http_origin ~* (a|b)) {}", &["if", "($http_origin", "~*", "(a|b))"]),
        ("a b\"c\"d e'f;", &["a", "b\"c\"d", "e'f"]),
        ("a b}c d#e;", &["a", "b}c", "d#e"]),
        ("a\tb\rc\nd;", &["a", "b", "c", "d"]),
        ("a # b;\n c;", &["a", "c"]),
        ("a #b\r\n c;", &["a", "c"]),
        ("a\u{a0}b é;", &["a\u{a0}b", "é"]),
        ("a \x0b\x0c \0;", &["a", "\x0b\x0c", "\0"]),
        ("location ~ \\.php$ {}", &["location", "~", "\\.php$"]),
        ("~^/(?<a>.)/ $a;", &["~^/(?<a>.)/", "$a"]),
    ] {
        assert_eq!(words(source), expected, "{source:?}");
        assert_eq!(errors(source), [], "{source:?}");
    }
}

#[test]
fn a_brace_after_a_dollar_belongs_to_the_word() {
    assert_eq!(words("a ${b}c;"), ["a", "${b}c"]);
    assert_eq!(words("a b${c}$d;"), ["a", "b${c}$d"]);
    assert_eq!(words("a ${{b;"), ["a", "${{b"]);
    assert_eq!(words("a b$ {}"), ["a", "b$"]);
    assert_eq!(words("a $b{c;}"), ["a", "$b"]);
    assert_eq!(words("a \"$\";"), ["a", "$"]);
    assert_eq!(words("a \"${b\";"), ["a", "${b"]);
    assert_eq!(words("a \\${b;}"), ["a", "\\$"], "an escaped dollar has no variable");
}

#[test]
fn a_quoted_word_ends_with_its_quote() {
    assert_eq!(words("a \"b;{}#'c\" 'd\"e';"), ["a", "b;{}#'c", "d\"e"]);
    assert_eq!(words("a \"b\nc\";"), ["a", "b\nc"]);
    assert_eq!(words("a \"\" '';"), ["a", "", ""]);
    assert_eq!(words("\"a\" 'b'{}"), ["a", "b"]);
    assert_eq!(words("if (\"a\") {}"), ["if", "(\"a\")"], "a quote in a word is a character");
    assert_eq!(words("if ( \"a\" = 'b') {}"), ["if", "(", "a", "=", "b", ")"], "a parenthesis may follow, as a word");
}

#[test]
fn escapes() {
    assert_eq!(words(r#"a \"b\' \\c "\"" '\'' "\'";"#), ["a", "\"b'", "\\c", "\"", "'", "'"]);
    assert_eq!(words(r"a \t\r\n \.\d\$ b\ c d\;e \{f;"), ["a", "\t\r\n", r"\.\d\$", r"b\ c", r"d\;e", r"\{f"]);
    assert_eq!(words(r"a \#b \\;"), ["a", r"\#b", r"\"]);
    assert_eq!(words("a \"b\\\nc\";"), ["a", "b\\\nc"]);
}

#[test]
fn spans_and_quoting() {
    let document = parse(b"  add_header 'A' \"b\\\"c\" ; # d\r\n");
    let directive = document.directives().next().unwrap();
    assert_eq!(directive.span(), Span::new(2, 25));
    assert_eq!(directive.terminator(), Some(Span::new(24, 25)));
    assert_eq!(directive.ending(), Ending::Semicolon);
    let words: Vec<_> = directive.words().map(|word| (word.span(), word.inner_span(), word.quoting())).collect();
    assert_eq!(
        words,
        [
            (Span::new(2, 12), Span::new(2, 12), Quoting::Bare),
            (Span::new(13, 16), Span::new(14, 15), Quoting::Single),
            (Span::new(17, 23), Span::new(18, 22), Quoting::Double),
        ]
    );
    let last = directive.arg(1).unwrap();
    assert_eq!(last.raw(), b"b\\\"c");
    assert_eq!(last.text(), "b\"c");
    assert_eq!([0, 1, 2, 3].map(|index| last.source_offset(index)), [18, 19, 21, 22]);
    assert_eq!(document.comments(), [Span::new(26, 29)]);
    assert_eq!(document.line_column(26), (1, 27));
}

#[test]
fn bytes_need_no_encoding() {
    let document = parse(b"a \xff\xfe \"\xe9\";");
    assert!(document.errors().is_empty());
    let directive = document.directives().next().unwrap();
    assert_eq!(directive.arg(0).unwrap().value(), &b"\xff\xfe"[..]);
    assert_eq!(directive.arg(1).unwrap().text(), "\u{fffd}");
}

#[test]
fn blocks_nest() {
    let source = "events {}\nhttp {\n server { listen 80; location / { root /a; } }\n gzip on;\n}\nuser b;";
    assert_eq!(
        outline(source),
        "events {\n}\nhttp {\n  server {\n    listen 80;\n    location / {\n      root /a;\n    }\n  }\n  gzip on;\n}\nuser b;\n"
    );
    let document = parse(source.as_bytes());
    let http = document.directives().nth(1).unwrap();
    assert_eq!(http.children().map(|child| child.name().into_owned()).collect::<Vec<_>>(), [&b"server"[..], b"gzip"]);
    assert_eq!(http.descendants().count(), 5);
    assert_eq!(document.bytes(http.span()), &source.as_bytes()[10..source.len() - 8]);
    let root = document.walk().find(|directive| directive.is("root")).unwrap();
    let path: Vec<_> = root.ancestors().map(|outer| outer.name().into_owned()).collect();
    assert_eq!(path, [&b"location"[..], b"server", b"http"]);
    let at = source.find("/a").unwrap() as u32;
    assert_eq!(document.directive_at(at).unwrap().id(), root.id());
    assert_eq!(document.directive_at(source.find("gzip").unwrap() as u32 - 1).unwrap().id(), http.id());
    assert!(document.directive_at(9).is_none());
    let mut walk = document.walk();
    let visited: Vec<_> = std::iter::from_fn(|| {
        let directive = walk.next()?;
        if directive.is("server") {
            walk.skip_children();
        }
        Some(directive.name().into_owned())
    })
    .collect();
    assert_eq!(visited, [&b"events"[..], b"http", b"server", b"gzip", b"user"]);
}

#[test]
fn lua_blocks_are_one_piece() {
    let source = "location / {\n content_by_lua_block { ngx.say(\"}\") -- it's }\n }\n gzip on;\n}\nset_by_lua_block $a {return {}}";
    assert_eq!(errors(source), []);
    assert_eq!(
        outline(source),
        "location / {\n  content_by_lua_block <lua>\n  gzip on;\n}\nset_by_lua_block $a <lua>\n"
    );
    let document = parse(source.as_bytes());
    let lua = document.walk().last().unwrap();
    assert_eq!(lua.ending(), Ending::LuaBlock);
    assert_eq!(document.bytes(lua.block().unwrap().inner), b"return {}");
    assert_eq!(document.comments(), []);
    assert_eq!(errors("a_by_lua_block { x = [[ }"), [(ErrorKind::UnclosedLuaBracket, 21)]);
    assert_eq!(errors("a_by_lua_block { {}"), [(ErrorKind::UnclosedLua, 15)]);
    assert_eq!(outline("a_by_lua 'x';\nb_by_lua_block;"), "a_by_lua x;\nb_by_lua_block;\n");
}

#[test]
fn what_nginx_refuses() {
    use ErrorKind::*;
    for (source, expected) in [
        (";", &[(UnexpectedSemicolon, 0)][..]),
        ("a;;", &[(UnexpectedSemicolon, 2)]),
        ("{}", &[(UnexpectedOpenBrace, 0)]),
        ("}", &[(UnexpectedCloseBrace, 0)]),
        ("a {} }", &[(UnexpectedCloseBrace, 5)]),
        ("a { b }", &[(MissingSemicolon, 6)]),
        ("a }", &[(MissingSemicolon, 2)]),
        ("a \"b\"c;", &[(UnexpectedAfterQuote, 5)]),
        ("a \"b\"#c\n;", &[(UnexpectedAfterQuote, 5)]),
        ("a { b \"c\"}", &[(MissingSemicolon, 9)]),
        ("a", &[(UnexpectedEnd, 1)]),
        ("a b # c;", &[(UnexpectedEnd, 8)]),
        ("a \\", &[(UnexpectedEnd, 3)]),
        ("a { b;", &[(UnclosedBlock, 2)]),
        ("a { b", &[(UnexpectedEnd, 5)]),
        ("a \"b;", &[(UnclosedQuote, 2)]),
        ("\u{feff}a;", &[(ByteOrderMark, 0)]),
        // A quantifier needs quotes: both of these braces open blocks.
        ("location ~ ^/a{2}$ { b; }", &[(UnclosedBlock, 14)]),
    ] {
        assert_eq!(errors(source)[..], *expected, "{source:?}");
    }
    for source in ["", " \n", "# a", "a;#b", "a{b{c;}}"] {
        assert_eq!(errors(source), [], "{source:?}");
    }
}

#[test]
fn the_rest_is_read_after_a_fault() {
    for (source, expected) in [
        ("a { b }\nc;", "a {\n  b!\n}\nc;\n"),
        ("a {} } b;", "a {\n}\nb;\n"),
        ("{ a; } b;", " {\n  a;\n}\nb;\n"),
        (";a;", "a;\n"),
        ("a \"b\"c d;", "a b c d;\n"),
        ("a \"b;\nc \"d\";\ne f;", "a b;\nc d;\ne f;\n"),
        ("s {\n a \"b;\n c 'd';\n}\ne f;", "s {\n  a b;\n  c d;\n}\ne f;\n"),
        ("a \"b {\n c;\n}\nd;", "a b {\n  c;\n}\nd;\n"),
        ("a 'b\nc;", "a b!\nc;\n"),
        ("\u{feff}a;", "a;\n"),
    ] {
        assert_eq!(outline(source), expected, "{source:?}");
        assert_eq!(errors(source).len(), 1, "{source:?}");
    }
}

#[test]
fn a_block_left_open_reaches_to_the_end() {
    let source = "a {\n b {\n c;\n";
    let document = parse(source.as_bytes());
    let blocks: Vec<_> = document.walk().filter_map(|directive| directive.block()).collect();
    assert_eq!(blocks.len(), 2);
    assert!(blocks.iter().all(|block| block.close.is_none() && block.inner.end as usize == source.len()));
    assert_eq!(document.directives().next().unwrap().descendants().count(), 2);
}

#[test]
fn nginx_reads_through_a_buffer_of_4096_bytes() {
    let fits = |source: String| errors(&source).is_empty();
    let a = |count: usize| "a".repeat(count);
    assert!(fits(format!("{};", a(4095))));
    assert!(!fits(format!("{};", a(4096))));
    assert!(fits(format!("{} b;", a(4094))));
    assert!(!fits(format!("{} b;", a(4095))));
    assert!(fits(format!("b \"{}\";", a(4094))));
    assert!(!fits(format!("b \"{}\";", a(4095))));
    assert!(fits(format!("#{}\nb;", a(4094))));
    assert!(!fits(format!("#{}\nb;", a(4095))));
    assert!(fits(format!("b;#{}", a(4095))), "nothing is left to read");
    assert!(!fits(format!("b;#{}", a(4096))));
}
