use super::*;

const FILE: FileId = FileId(3);

/// A value as compact text, without places.
fn shown(data: &Data) -> String {
    match &data.kind {
        DataKind::Null => "null".to_owned(),
        DataKind::Bool(value) => value.to_string(),
        DataKind::Num(value) => value.to_string(),
        DataKind::Str(value) => format!("{value:?}"),
        DataKind::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        DataKind::Map(entries) => {
            let entries: Vec<_> = entries.iter().map(|(key, _, value)| format!("{key}:{}", shown(value))).collect();
            format!("{{{}}}", entries.join(" "))
        }
    }
}

#[track_caller]
fn is_json(text: &str, expected: &str) {
    assert_eq!(shown(&json(FILE, text).unwrap()), expected, "{text}");
}

#[track_caller]
fn is_yaml(text: &str, expected: &[&str]) {
    assert_eq!(yaml(FILE, text).unwrap().iter().map(shown).collect::<Vec<_>>(), expected, "{text}");
}

#[track_caller]
fn is_toml(text: &str, expected: &str) {
    assert_eq!(shown(&toml(FILE, text).unwrap()), expected, "{text}");
}

#[test]
fn json_values() {
    is_json(r#"{"a": [1, -2.5e1, true, null], "b": {"c": "\u0041\n"}}"#, r#"{a:[1 -25 true null] b:{c:"A\n"}}"#);
    is_json("// c\n{\n/* d */ \"a\": 1, // e\n}", "{a:1}");
    is_json("\u{feff}[]", "[]");
    assert_eq!(json(FILE, r#"{"a": 1, "a": 2}"#).unwrap().get("a").and_then(Data::as_number), Some(2.0));
    for broken in ["", "{", "{\"a\"", "[1", "nul", "\"a"] {
        assert!(json(FILE, broken).is_err(), "{broken}");
    }
}

#[test]
fn yaml_values() {
    is_yaml(
        "a: 1\nb:\n  - x y\n  - 'z'\n  - \"\\n\"\nc: {d: true, e: ~}\nf:\n",
        &[r#"{a:1 b:["x y" "z" "\n"] c:{d:true e:null} f:null}"#],
    );
    is_yaml(
        "a: 0x1F\nb: 0o17\nc: -1.5\nd: 1.2.3\ne: 8080:80\nf: .5\ng: inf\nh: yes",
        &[r#"{a:31 b:15 c:-1.5 d:"1.2.3" e:"8080:80" f:0.5 g:"inf" h:"yes"}"#],
    );
    is_yaml("a: |\n  b\n  c\nd: >-\n  e\n  f\n", &[r#"{a:"b\nc\n" d:"e f"}"#]);
    is_yaml("a\n---\n- b\n...\n", &["\"a\"", "[\"b\"]"]);
    is_yaml("", &[]);
    is_yaml("1: a\ntrue: b\n? [x]\n: c\n", &["{1:\"a\" true:\"b\"}"]);
    is_yaml(
        "a: !Ref B\nc: !Sub ['x', !GetAtt d.e]\nf: !!str 1",
        &[r#"{a:{!Ref:"B"} c:{!Sub:["x" {!GetAtt:"d.e"}]} f:"1"}"#],
    );
    for broken in ["a: [", "a: b: c", "\"a", "a: *b", "{{ x }}: y: z", "- a\nb"] {
        assert!(yaml(FILE, broken).is_err(), "{broken}");
    }
}

#[test]
fn yaml_aliases_and_merges() {
    is_yaml("a: &x {b: 1}\nc: *x", &["{a:{b:1} c:{b:1}}"]);
    is_yaml("a: &x\n  b: 1\n  c: 2\nd:\n  c: 3\n  <<: *x\n", &["{a:{b:1 c:2} d:{c:3 b:1}}"]);
    is_yaml("a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}", &["{a:{b:1} c:{b:2 d:3} e:{b:1 d:3}}"]);
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..12 {
        let before = format!("*a{}, ", at - 1).repeat(8);
        laughs += &format!("a{at}: &a{at} [{before}]\n");
    }
    assert!(yaml(FILE, &laughs).is_err());
}

#[test]
fn toml_values() {
    is_toml(
        "b = 1\na = 'x'\n[t.u]\nv = [1.5, true, 1979-05-27]\nw = { y = 0x1F }\n",
        r#"{b:1 a:"x" t:{u:{v:[1.5 true "1979-05-27"] w:{y:31}}}}"#,
    );
    is_toml("[[r]]\na = 1\n[[r]]\na = 2\n", "{r:[{a:1} {a:2}]}");
    is_toml("\u{feff}a = \"\"\"\nb\"\"\"", "{a:\"b\"}");
    for broken in ["a", "a = ", "[t", "a = 1\na = 2"] {
        assert!(toml(FILE, broken).is_err(), "{broken}");
    }
}

#[test]
fn places() {
    let text = "\u{feff}{ \"k\" : [ 'v' , {\"é\": 2} ] }";
    let data = json(FILE, text).unwrap();
    let at = |span: Span| &text[span.start as usize..span.end as usize];
    let (key, list) = data.entry("k").unwrap();
    assert_eq!((at(key), at(list.span), at(list.items()[0].span)), ("\"k\"", "[ 'v' , {\"é\": 2} ]", "'v'"));

    let text = "\u{feff}é: ü # c\nk :\n  - v\n  - {w: 'x'}\n\nl: 1\n";
    let data = yaml(FILE, text).unwrap().remove(0);
    let at = |span: Span| &text[span.start as usize..span.end as usize];
    let (key, list) = data.entry("k").unwrap();
    assert_eq!((at(key), at(list.span)), ("k", "- v\n  - {w: 'x'}"));
    assert_eq!((at(list.items()[0].span), at(list.items()[1].span)), ("v", "{w: 'x'}"));
    assert_eq!(list.items()[1].entry("w").map(|(key, value)| (at(key), at(value.span))), Some(("w", "'x'")));
    assert_eq!(data.entry("é").map(|(key, value)| (at(key), at(value.span))), Some(("é", "ü")));

    let text = "\u{feff}[a]\n\"k\" = 'v'\n";
    let data = toml(FILE, text).unwrap();
    let at = |span: Span| &text[span.start as usize..span.end as usize];
    let (key, value) = data.get("a").unwrap().entry("k").unwrap();
    assert_eq!((at(key), at(value.span), data.at(&["a", "k"]).and_then(Data::as_str)), ("\"k\"", "'v'", Some("v")));
}

#[test]
fn deep_and_strange_texts() {
    let deep = |before: &str, after: &str| before.repeat(100_000) + &after.repeat(100_000);
    let on_small_stack = |work: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
    };
    for text in [deep("[", "]"), deep("{\"a\":", "}"), deep("[", ""), deep("/*", "*/"), deep("- ", ""), deep("? ", "")]
    {
        on_small_stack(Box::new(move || {
            assert!(json(FILE, &text).is_err());
            drop(yaml(FILE, &text));
            drop(toml(FILE, &format!("a = {text}")));
        }));
    }
    let nested = "[".repeat(500) + &"]".repeat(500);
    on_small_stack(Box::new(move || assert!(json(FILE, &nested).is_ok())));
    let tables: String = (0..2_000).map(|_| "a.").collect::<String>() + "a = 1";
    on_small_stack(Box::new(move || drop(toml(FILE, &tables))));
    for text in [
        "\u{0}", "\u{fffd}", "'", "\"\\", "%", "&", "*", "!", "|", ">", "- - -\n-", "a:\n\tb", "🦀", "\r", "---", "...",
    ] {
        drop((json(FILE, text), yaml(FILE, text), toml(FILE, text), crate::syntax::dotenv::parse(FILE, text)));
    }
}
