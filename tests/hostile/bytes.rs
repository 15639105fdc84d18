//! What is no text, or an odd one: other encodings, NUL bytes, marks and ends of lines, lengths.

use std::fs;

use super::{FLASK, NGINX, OPEN, RULE, folder, run, survives, text, write};

/// Every file says what is wrong with it, in its own name, and the good one beside is read.
#[test]
fn bytes_that_are_no_text_are_told_and_hide_no_other_file() {
    let files = [("app.js", OPEN), ("app.py", FLASK), ("nginx.conf", NGINX)];
    let utf16 = |mark: &str, unit: fn(u16) -> [u8; 2]| -> Vec<(String, Vec<u8>)> {
        let bytes = |text: &str| format!("{mark}{text}").encode_utf16().flat_map(unit).collect();
        files.iter().map(|(name, text)| ((*name).to_owned(), bytes(text))).collect()
    };
    let with_nul = files.iter().map(|(name, text)| ((*name).to_owned(), [text.as_bytes(), b"\0"].concat())).collect();
    for (case, files, told) in [
        ("little-endian", utf16("\u{feff}", u16::to_le_bytes), true),
        ("big-endian", utf16("\u{feff}", u16::to_be_bytes), true),
        // Without its mark it is no more than NUL bytes between others, in which no word of CORS stands.
        ("without a mark", utf16("", u16::to_le_bytes), false),
        ("NUL bytes", with_nul, true),
    ] {
        let folder = folder(&[("good/app.js", OPEN)]);
        files.iter().for_each(|(name, bytes)| write(&folder, name, bytes));
        let report = survives(&folder);
        assert_eq!(report.places(), [("good/app.js", RULE, 2)], "{case}");
        let expected: Vec<(&str, &str)> = files.iter().map(|(name, _)| (name.as_str(), "binary-file")).collect();
        assert_eq!(report.problems(), if told { expected.as_slice() } else { &[] }, "{case}");
        // Named on the command line, each says so.
        for (name, _) in &files {
            let output = run(&folder, &[name, "--strict"]);
            assert_eq!(output.status.code(), Some(2), "{case}: {name}");
        }
    }
}

/// Bytes that are no UTF-8 stand for themselves: what is around them is read, in the right lines.
#[test]
fn bytes_that_are_no_utf8_hide_nothing_of_their_file() {
    const INVALID: &[u8] = b" \xff\xfe\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80\n";
    let after = |mark: &[u8], text: &str| [mark, INVALID, text.as_bytes()].concat();
    let within = |text: &str, of: &str| {
        let (before, behind) = text.split_once(of).unwrap();
        [before.as_bytes(), b"\xff", of.as_bytes(), behind.as_bytes()].concat()
    };
    let folder = folder(&[
        ("comment.conf", after(b"#", NGINX)),
        ("comment.js", after(b"//", OPEN)),
        ("comment.py", after(b"#", FLASK)),
        ("value.conf", within(NGINX, "null")),
        ("value.js", within(OPEN, "x'")),
        ("value.py", within(FLASK, "x'")),
    ]);
    let report = survives(&folder);
    let found = [
        ("comment.conf", "null-origin", 4),
        ("comment.js", RULE, 3),
        ("comment.py", RULE, 5),
        ("value.conf", "invalid-origin", 3),
        ("value.js", RULE, 2),
        ("value.py", RULE, 4),
    ];
    assert_eq!(report.places(), found);
    assert_eq!(report.problems(), []);
}

#[test]
fn marks_and_line_ends_move_no_place() {
    let lines = |end: &str| OPEN.replace('\n', end);
    for (name, text, line) in [
        ("bom.js", format!("\u{feff}{OPEN}"), 2),
        ("crlf.js", lines("\r\n"), 2),
        ("mixed.js", OPEN.replacen('\n', "\r\n", 1), 2),
        ("no_end.js", OPEN.trim_end().to_owned(), 2),
        ("wide.js", format!("/* 𝒜é\u{301}\u{200d} */{OPEN}"), 2),
    ] {
        let folder = folder(&[(name, &text)]);
        let report = survives(&folder);
        assert_eq!(report.rules(), [RULE], "{name}");
        let location = &report.json["findings"][0]["location"];
        assert_eq!(location["start"]["line"], line, "{name}");
        let (start, end) = (&location["start"]["offset"], &location["end"]["offset"]);
        let place = start.as_u64().unwrap() as usize..end.as_u64().unwrap() as usize;
        assert_eq!(&text[place], "true", "{name}");
        let output = run(&folder, &["--fix", "--unsafe-fixes"]);
        assert!(output.status.code().is_some_and(|code| code < 2), "{name}: {}", super::text(&output.stderr));
        let fixed = fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(fixed.starts_with('\u{feff}'), text.starts_with('\u{feff}'), "{name}");
        assert_eq!(fixed.contains("\r\n"), text.contains("\r\n"), "{name}");
    }
}

/// A lone carriage return ends a line in JavaScript and is a blank to nginx. Python takes it for the end of a line too,
/// which its grammar here does not: that nothing was read is told.
#[test]
fn lone_carriage_returns_are_read_or_told() {
    let lone = |text: &str| text.replace('\n', "\r");
    let report = survives(&folder(&[("cr.conf", lone(NGINX)), ("cr.js", lone(OPEN)), ("cr.py", lone(FLASK))]));
    assert_eq!(report.places(), [("cr.conf", "null-origin", 1), ("cr.js", RULE, 1)]);
    assert_eq!(report.problems(), [("cr.py", "syntax-error")]);
}

/// A list of requirements is UTF-16 where PowerShell wrote it, and pip reads it.
#[test]
fn requirements_in_utf16_are_read() {
    let bytes = |text: &str| format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let folder = folder(&[("app.py", FLASK)]);
    write(&folder, "requirements.txt", bytes("Flask==3.1.0\r\nFlask-Cors==4.0.0\r\n"));
    assert_eq!(survives(&folder).problems(), []);
    let policy = text(&run(&folder, &["policy"]).stdout);
    assert!(policy.contains("flask-cors 4.0.0"), "{policy}");
}

#[test]
fn files_and_lines_of_any_length() {
    let long = "x".repeat(200_000);
    let folder = folder(&[
        ("large.js", format!("{OPEN}{}", "// filler, a line of it\n".repeat(100_000))),
        ("line.js", OPEN.replace('\n', " ") + "// " + &long),
        ("name.py", FLASK.replace("index", &long)),
        ("value.conf", format!("server {{ listen 80; add_header Access-Control-Allow-Origin \"{long}\"; }}")),
        ("package.json", format!("{{\"dependencies\":{{{}\"cors\":\"2.8.5\"}}}}", "\"a\":\"1\",".repeat(400_000))),
        (".env", format!("A={long}\n")),
        ("empty.js", String::new()),
        ("good.js", OPEN.to_owned()),
    ]);
    let report = survives(&folder);
    assert_eq!(report.places(), [("good.js", RULE, 2), ("name.py", RULE, 4), ("value.conf", "dead-policy", 1)]);
    for finding in report.json["findings"].as_array().unwrap() {
        assert!(finding["message"].as_str().unwrap().len() < 1_000, "what nobody would read is cut");
    }
    let told = [
        ("large.js", "file-too-large"),
        ("line.js", "minified-file"),
        ("package.json", "file-too-large"),
        // nginx reads words of less than 4096 bytes.
        ("value.conf", "syntax-error"),
    ];
    assert_eq!(report.problems(), told);
}

/// A `.env` file that is no text sets nothing, which is told; one whose lines are odd sets what can be read of it.
#[test]
fn files_of_variables_that_are_no_text() {
    let reads = OPEN.replace("true,", "process.env.ORIGIN,");
    let folder = folder(&[("binary/app.js", &reads), ("odd/app.js", &reads)]);
    write(&folder, "binary/.env", b"\x7fELF\0\x01\x02=\"\nORIGIN=null\n");
    write(&folder, "odd/.env", b"\xff\n=\n==\nexport \n'='\nA=\"\nORIGIN=null\nB='");
    let report = survives(&folder);
    assert_eq!(report.places(), [("odd/.env", "null-origin", 7)]);
    assert_eq!(report.problems(), [("binary/.env", "binary-file")]);
}

#[test]
fn configuration_that_is_none() {
    let folder = folder(&[
        ("app.js", OPEN.replace("true,", "process.env.ORIGIN,").into_bytes()),
        (".env", b"\x7fELF\0\x01\x02=\"\nORIGIN=\"\xff\nB='".to_vec()),
        ("package.json", b"{\"workspaces\":[\"../../**\",\"/\",\"**\",\"\",\"*\"],\"main\":\"..\"}".to_vec()),
        ("tsconfig.json", b"{\"compilerOptions\":{\"baseUrl\":\"/\",\"paths\":{\"*\":[\"*\",\"../../../*\"],\"\":[\"\"]}}}".to_vec()),
        ("a/.env", b"ORIGIN=\"\nA=\n=\n==\nexport \n'='\nB=\"".to_vec()),
        ("a/app.js", OPEN.replace("true,", "process.env.ORIGIN,").into_bytes()),
        ("requirements.txt", b"\xff\xfef\0l\0".to_vec()),
        ("pyproject.toml", b"[[[[[[".to_vec()),
        ("app.py", FLASK.as_bytes().to_vec()),
        ("docker-compose.yml", b"a: &a [*a, *b]\nservices: {x: {<<: *a, ports: [\"99999999999:1\", {}]}}\n\t- \0".to_vec()),
        ("deploy.yaml", b"kind: Ingress\nmetadata: {annotations: {nginx.ingress.kubernetes.io/enable-cors: [true]}}\n---\n--- &x\n- *x\n".to_vec()),
        ("bomb.yaml", bomb().into_bytes()),
    ]);
    survives(&folder);
}

/// Aliases of aliases: written out it would not fit any memory.
fn bomb() -> String {
    let mut text =
        "kind: ConfigMap\ndata:\n a0: &a0 'server { add_header Access-Control-Allow-Origin *; }'\n".to_owned();
    for at in 1..40 {
        let inner = format!("*a{}, ", at - 1).repeat(9);
        text += &format!(" a{at}: &a{at} [{inner}]\n");
    }
    text
}
