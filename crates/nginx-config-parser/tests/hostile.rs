//! Inputs that overflow stacks and take quadratic time elsewhere. Each of these ends in well under a second, or, where
//! time is not linear, not at all.

use nginx_config_parser::{looks_templated, parse, parse_template};

/// Long enough that quadratic time would be felt: a thousand million steps for each piece.
const LONG: usize = 32 << 10;

/// On a thread with a stack that recursion over the depth would not survive.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(64 << 10).spawn(test).unwrap().join().unwrap();
}

#[test]
fn a_hundred_thousand_levels() {
    on_a_small_stack(|| {
        const LEVELS: usize = 100_000;
        for source in ["a{".repeat(LEVELS) + &"}".repeat(LEVELS), "a{".repeat(LEVELS), "{".repeat(LEVELS)] {
            let document = parse(source.as_bytes());
            assert_eq!(document.walk().count(), LEVELS);
            let innermost = document.walk().last().unwrap();
            assert_eq!(innermost.ancestors().count(), LEVELS - 1);
            assert_eq!(document.directives().next().unwrap().descendants().count(), LEVELS - 1);
            assert!(document.clone().directive_at(2 * LEVELS as u32 - 1).is_some() || source.len() < 2 * LEVELS);
            drop(parse_template(source.as_bytes()));
        }
        assert_eq!(parse("}".repeat(LEVELS).as_bytes()).errors().len(), LEVELS);
    });
}

#[test]
fn much_of_anything() {
    for piece in [
        "\"",
        "'",
        "\\",
        "\"\\",
        "\"\n'",
        "\"\n",
        "\" x\n' y\n",
        "a \"b\nc\" d'e\n",
        "\\\"\n",
        "$",
        "${",
        "$\\{",
        "#",
        "#\n",
        ";",
        "a ",
        "a;",
        "{",
        "}",
        "{}",
        "a{}",
        "\"\"",
        "\"a\"b\n",
        "{{",
        "{{ ",
        "}}",
        "{{ \"",
        "{{ '{{ \"",
        "{%",
        "{#",
        "\n{#",
        "<%",
        "<%=",
        "%{ if ",
        "${\"",
        "{{{",
        "{{\n",
        "{{\n}}\n",
        "{{\n}}\n{a",
        "${{",
        "{% if a %}{",
        "{% if a %}{{% else %}b{ ",
        "{% if a %}{\n{% else %}b{\n{% endif %}",
        "{{/*",
        "{{!",
        "a{{;",
        "\r",
        "\0",
        "\x01",
        "\x02",
        "\u{feff}",
    ] {
        let source = piece.repeat(LONG / piece.len());
        assert_eq!(parse(source.as_bytes()).source().len(), source.len());
        let _ = parse_template(source.as_bytes());
        let _ = looks_templated(source.as_bytes());
    }
}

#[test]
fn much_of_lua() {
    for piece in [
        "\"", "'", "\"\\\"", "\\\"", "[", "[=", "[==[", "]", "]=", "]==]", "-", "--", "--[", "--[[", "--[==[\n", "{",
        "{\"'", "\"\n'", "[[ ]=]",
    ] {
        let source = "a_by_lua_block {".to_owned() + &piece.repeat(LONG / piece.len());
        assert_eq!(parse(source.as_bytes()).walk().count(), 1, "{piece}");
    }
    let many = "a_by_lua_block { [[".repeat(LONG / 19);
    assert_eq!(parse(many.as_bytes()).errors().len(), 1);
}

#[test]
fn unclosed_quotes_do_not_read_everything_again_for_each() {
    let lines = LONG / 16;
    for line in ["a \"b c;\n", "a \"b\n", "a 'b\nc \"d\n", "a \"b\\\n", "a \"b\\\" ' \n", "a \"b' 'c\n"] {
        let source = line.repeat(lines);
        let _ = parse(source.as_bytes());
        let _ = parse((source.clone() + "\"").as_bytes());
        let _ = parse((source + "\"x").as_bytes());
    }
}
