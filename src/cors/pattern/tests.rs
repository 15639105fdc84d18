use super::*;

const APP: &str = "https://app.example.com";
const LOOKALIKE: &str = "https://app.example.com.evil.net";
const EVIL: &str = "https://evilexample.com";
const DOT: &str = "https://appXexample.com";
const PLAIN: &str = "http://app.example.com";
const PORT: &str = "https://app.example.com:8443";

fn js(text: &str) -> Pattern {
    Pattern::javascript(text, "").unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn python(text: &str, anchoring: Anchoring) -> Pattern {
    Pattern::new(text, Engine::Python, anchoring, Flags::NONE).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn pcre(text: &str) -> Pattern {
    Pattern::new(text, Engine::Pcre, Anchoring::Search, Flags::NONE).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What was observed with the npm package cors: rows are evilexample.com, the lookalike, the dot, http, another port.
#[test]
fn javascript_patterns_accept_what_express_let_in() {
    let cases = [
        (r"^https:\/\/[a-z0-9-]+\.example\.com$", [false, false, false, false, false]),
        (r"example\.com", [true, true, false, true, true]),
        ("example.com", [true, true, true, true, true]),
        (r"example\.com$", [true, false, false, true, false]),
        (r"^https:\/\/app\.example\.com", [false, true, false, false, true]),
        ("^https:\\/\\/app.example.com$", [false, false, true, false, false]),
    ];
    for (text, expected) in cases {
        let pattern = js(text);
        assert_eq!(pattern.matches(APP), Some(true), "{text}");
        // "appXexample.com" contains example.com literally, whatever stands before it.
        for (origin, expected) in [EVIL, LOOKALIKE, DOT, PLAIN, PORT].into_iter().zip(expected) {
            let expected = expected || origin == DOT && EVIL_LIKE.contains(&text);
            assert_eq!(pattern.matches(origin), Some(expected), "{text} on {origin}");
        }
    }
}

/// Patterns that only look for `example\.com`, which `appXexample.com` has in it.
const EVIL_LIKE: [&str; 2] = [r"example\.com", r"example\.com$"];

/// What was observed with flask-cors: rows are the lookalike, evilexample.com, the dot, another port, upper case.
#[test]
fn python_patterns_accept_what_flask_let_in() {
    let upper = "HTTPS://APP.EXAMPLE.COM";
    let cases = [
        (r"https://.*\.example\.com", true, [true, false, false, true, true]),
        (r"https://app\.example\.com", false, [true, false, false, true, false]),
        (r"https://(app|admin).example.com", true, [true, false, true, true, true]),
        (r"^https://[a-z0-9-]+\.example\.com$", true, [false, false, false, false, true]),
        ("https://*.example.com", true, [false, false, false, false, false]),
    ];
    for (text, fold, expected) in cases {
        let flags = Flags { case_insensitive: fold, ..Flags::NONE };
        let pattern = Pattern::new(text, Engine::Python, Anchoring::Prefix, flags).expect(text);
        for (origin, expected) in [LOOKALIKE, EVIL, DOT, PORT, upper].into_iter().zip(expected) {
            assert_eq!(pattern.matches(origin), Some(expected), "{text} on {origin}");
        }
    }
    let glob = python("https://*.example.com", Anchoring::Prefix);
    assert_eq!(glob.matches("https://example.com"), Some(true), "one slash, any character, then example");
    assert_eq!(python("http://localhost:*", Anchoring::Prefix).matches("http://localhost.evil.net"), Some(true));
}

#[test]
fn nginx_patterns_accept_what_nginx_let_in() {
    let cases = [
        (r"^https://[a-z0-9-]+\.example\.com$", [false, false, false, false]),
        (r"^https://app\.example\.com", [true, false, false, false]),
        ("example.com", [true, true, true, true]),
        (r"^https?://(.*)?example\.com$", [false, true, true, true]),
        (r"^https?://(.*\.)?example\.com$", [false, false, false, true]),
    ];
    for (text, expected) in cases {
        for (origin, expected) in [LOOKALIKE, EVIL, "https://appxexample.com", PLAIN].into_iter().zip(expected) {
            assert_eq!(pcre(text).matches(origin), Some(expected), "{text} on {origin}");
        }
    }
}

#[test]
fn anchoring_is_where_the_match_lies() {
    for (anchoring, expected) in [
        (Anchoring::Search, [true, true, true]),
        (Anchoring::Prefix, [true, true, false]),
        (Anchoring::Full, [true, false, false]),
    ] {
        let pattern = python("b|bc", anchoring);
        for (text, expected) in ["b", "bcd", "abc"].into_iter().zip(expected) {
            assert_eq!(pattern.matches(text), Some(expected), "{anchoring:?} on {text}");
        }
    }
    assert_eq!(python("b|bc", Anchoring::Full).matches("bc"), Some(true), "fullmatch tries the other branches");
}

#[test]
fn a_dollar_means_what_the_engine_says() {
    assert_eq!(js("a$").matches("a\n"), Some(false));
    assert_eq!(pcre("a$").matches("a\n"), Some(true));
    assert_eq!(pcre(r"a\z").matches("a\n"), Some(false));
    assert_eq!(pcre(r"a\Z").matches("a\n"), Some(true));
    assert_eq!(python("a$", Anchoring::Prefix).matches("a\n"), Some(true));
    assert_eq!(python("a$", Anchoring::Full).matches("a\n"), Some(false));
    assert_eq!(python(r"a\Z", Anchoring::Prefix).matches("a\n"), Some(false));
    assert_eq!(python("(a$)+", Anchoring::Prefix).matches("a\n"), None, "not modelled");
    assert_eq!(python("(a$)+", Anchoring::Prefix).matches("a"), Some(true));
    let lines = Flags { multiline: true, ..Flags::NONE };
    let pattern = Pattern::new("^a$", Engine::Python, Anchoring::Search, lines).expect("valid");
    assert_eq!(pattern.matches("b\na\nc"), Some(true));
}

#[test]
fn a_pattern_that_remembers_goes_on_where_it_stopped() {
    let global = Pattern::javascript("a+?", "g").expect("valid");
    assert_eq!(global.find_end("baa", 0), Some(Some(2)), "lazy");
    assert_eq!(global.find_end("baa", 2), Some(Some(3)));
    assert_eq!(global.find_end("baa", 3), Some(None));
    assert_eq!(global.find_end("baa", 9), Some(None));
    let sticky = Pattern::javascript("a", "y").expect("valid");
    assert_eq!(sticky.find_end("aab", 1), Some(Some(2)));
    assert_eq!(sticky.find_end("aab", 2), Some(None));
    assert_eq!(sticky.matches("ba"), Some(false));
}

#[test]
fn escapes_follow_the_engine() {
    assert_eq!(js(r"^\d$").matches("٣"), Some(false));
    assert_eq!(python(r"\d$", Anchoring::Prefix).matches("٣"), Some(true));
    assert_eq!(js(r"^[^]$").matches("\n"), Some(true));
    assert_eq!(js(r"[]").matches("a"), Some(false));
    assert_eq!(js(r"^https:\/\/a\-b\.example$").matches("https://a-b.example"), Some(true));
    assert_eq!(js(r"^\x41\u0042\cJ$").matches("AB\n"), Some(true));
    assert_eq!(js(r"^\Z\e\k$").matches("Zek"), Some(true), "identity escapes");
    assert_eq!(js("^a{,2}$").matches("a{,2}"), Some(true), "a literal brace");
    assert_eq!(js("^a{$").matches("a{"), Some(true));
    assert_eq!(python("a{,2}$", Anchoring::Prefix).matches("aa"), Some(true));
    assert_eq!(python("[]a]+$", Anchoring::Prefix).matches("]a"), Some(true));
    assert_eq!(pcre("^[[:alpha:]]+$").matches("abc"), Some(true));
    assert_eq!(pcre(r"^\Qa.b\E$").matches("axb"), Some(false));
    assert_eq!(python(r"(?i)abc(?#x)$", Anchoring::Prefix).matches("ABC"), Some(true));
    assert_eq!(pcre(r"^a(?i:b)c$").matches("aBc"), Some(true));
    assert_eq!(pcre(r"^a(?i:b)c$").matches("aBC"), Some(false));
    assert_eq!(js(r"^(?<host>a)$").matches("a"), Some(true));
    assert_eq!(python(r"(?P<host>a)$", Anchoring::Prefix).matches("a"), Some(true));
    assert_eq!(js(r"^[\w-.]+$").matches("a-."), Some(true), "a class in a range is the union");
    assert_eq!(js("^.$").matches("\u{2028}"), Some(false));
    assert_eq!(python(".$", Anchoring::Prefix).matches("\u{2028}"), Some(true));
    let verbose = Flags { verbose: true, ..Flags::NONE };
    let pattern = Pattern::new("a b # c\n c", Engine::Python, Anchoring::Full, verbose).expect("valid");
    assert_eq!(pattern.matches("abc"), Some(true));
}

#[test]
fn what_an_automaton_cannot_express_is_refused() {
    let cases = [
        (Engine::JavaScript, "(?=a)b"),
        (Engine::JavaScript, "(?<!a)b"),
        (Engine::JavaScript, r"(a)\1"),
        (Engine::JavaScript, r"(?<x>a)\k<x>"),
        (Engine::Python, "(?>a)"),
        (Engine::Python, "a++"),
        (Engine::Python, "(?P=x)"),
        (Engine::Pcre, "(*UTF8)a"),
        (Engine::Pcre, "(?R)"),
        (Engine::Pcre, "a(?!b)c"),
        (Engine::Python, "(?!a+).*"),
    ];
    for (engine, text) in cases {
        let found = Pattern::new(text, engine, Anchoring::Search, Flags::NONE);
        assert!(matches!(found, Err(PatternError::Unsupported(_))), "{text}: {found:?}");
    }
}

/// Each as Node 20, Python 3.13 and PCRE decide it: what an engine said of 524 such patterns was compared once.
#[test]
fn lookahead_with_nothing_to_speak_of_behind_it_is_decided() {
    for (text, yes, no) in [
        (
            r"/\.(?!well-known\/)",
            &["/.git", "/.", "/.well-know", "/.well-known", "/a/.x/.well-known/"][..],
            &["/.well-known/acme", "/a"][..],
        ),
        (r"/\.(?!well-known).*", &["/.git/config", "/.w"], &["/.well-known", "/.well-known2"]),
        ("^(?!ab|a$|c).*$", &["", "ax", "b"], &["ab", "abc", "cd"]),
        ("^(?!admin).*$", &["", "adm", "x/admin"], &["admin", "administrator"]),
        ("^/(?=api|v[0-9])", &["/api", "/v1/x"], &["/", "/va", "x/api"]),
        ("a(?!)", &[], &["", "a", "aa"]),
    ] {
        for engine in [Engine::JavaScript, Engine::Python, Engine::Pcre] {
            let made = Pattern::new(text, engine, Anchoring::Search, Flags::NONE);
            if text.contains("a$") {
                assert!(matches!(made, Err(PatternError::Unsupported(_))), "an end within is not looked at: {made:?}");
                continue;
            }
            let pattern = made.unwrap_or_else(|error| panic!("{text}: {error}"));
            for (subjects, expected) in [(yes, true), (no, false)] {
                for subject in subjects {
                    assert_eq!(pattern.matches(subject), Some(expected), "{engine:?} {text} {subject}");
                }
            }
            assert_eq!(pattern.find_end("/.git", 0), None, "where a match ends is not known");
        }
    }
    let folded = Pattern::new("^/(?!API)", Engine::Pcre, Anchoring::Search, Flags::IGNORE_CASE).expect("decided");
    assert_eq!((folded.matches("/aPi"), folded.matches("/apx")), (Some(false), Some(true)));
    let whole = Pattern::new("(?!ab).*", Engine::Python, Anchoring::Full, Flags::NONE).expect("decided");
    assert_eq!(
        (whole.matches("ax"), whole.matches("a\n"), whole.matches("abx")),
        (Some(true), Some(false), Some(false))
    );
}

#[test]
fn what_the_engine_refuses_is_invalid() {
    let cases = [
        (Engine::JavaScript, "*a"),
        (Engine::JavaScript, "(a"),
        (Engine::JavaScript, "a)"),
        (Engine::JavaScript, "[b-a]"),
        (Engine::JavaScript, "a**"),
        (Engine::JavaScript, "a{2,1}"),
        (Engine::JavaScript, "^*"),
        (Engine::Python, "*.example.com"),
        (Engine::Python, r"\q"),
        (Engine::Python, r"[\w-a]"),
        (Engine::Python, "(?<x>a)"),
        (Engine::Pcre, "[a"),
        (Engine::Pcre, "a\\"),
    ];
    for (engine, text) in cases {
        let found = Pattern::new(text, engine, Anchoring::Search, Flags::NONE);
        assert!(matches!(found, Err(PatternError::Invalid(_))), "{text}: {found:?}");
    }
    assert!(Pattern::javascript("a", "gg").is_err());
    assert!(Pattern::javascript("a", "q").is_err());
}

#[test]
fn no_pattern_blows_up() {
    let texts = [
        "(".repeat(100_000),
        format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000)),
        "a{1000}{1000}".into(),
        "((a{1000}){1000}){1000}".into(),
        "a{99999999999999999999}".into(),
        "[".repeat(10_000),
        "a|".repeat(8_000),
        "\\".repeat(9_999),
        "(a*)*".repeat(1_000),
        "a{".repeat(8_000),
    ];
    for text in texts {
        for engine in [Engine::JavaScript, Engine::Python, Engine::Pcre] {
            if let Ok(pattern) = Pattern::new(text.as_str(), engine, Anchoring::Search, Flags::NONE) {
                pattern.matches(&"a".repeat(300));
            }
        }
    }
}

#[test]
fn text_outside_of_the_model_is_not_decided() {
    assert_eq!(js("^.$").matches("😀"), None);
    assert_eq!(Pattern::javascript("^.$", "u").expect("valid").matches("😀"), Some(true));
    assert_eq!(pcre(".").matches("é"), None);
    assert_eq!(python(".$", Anchoring::Prefix).matches("é"), Some(true));
}
