//! The byte scan that dismisses files that cannot concern CORS, before anything is parsed.
//!
//! It looks twice. [`mentions`] asks for the two words that no CORS code does without, in any case, and costs next to
//! nothing. [`sets_cors`] looks at each place where a word stands, by language: a call, an import or a header's name
//! counts; prose, comments and a browser's `mode: 'cors'` do not. It errs on the side of yes.

use super::FileKind;

/// How many positions one turn of the first look covers: a multiple of every SIMD width.
const BLOCK: usize = 64;

/// Whether `bytes` hold `cors` or `access-control`, in any case.
pub fn mentions(bytes: &[u8]) -> bool {
    next_mention(bytes, 0).is_some()
}

/// Where the next `cors` or `access-control` at or behind `from` begins, in any case.
fn next_mention(bytes: &[u8], from: usize) -> Option<usize> {
    let mut base = from;
    // Four bytes decide: `cors` itself, or the `ss-c` of `access-control`. The loop has no branches, so that the
    // compiler turns it into a few SIMD comparisons for each block.
    while let Some(window) = bytes.get(base..base + BLOCK + 3) {
        let mut hit = 0_u8;
        for at in 0..BLOCK {
            let (a, b, c, d) = (window[at] | 0x20, window[at + 1] | 0x20, window[at + 2] | 0x20, window[at + 3] | 0x20);
            let cors = u8::from(a == b'c') & u8::from(b == b'o') & u8::from(c == b'r') & u8::from(d == b's');
            let access = u8::from(a == b's') & u8::from(b == b's') & u8::from(c == b'-') & u8::from(d == b'c');
            hit |= cors | access;
        }
        if hit != 0
            && let Some(at) = (base..base + BLOCK).find_map(|at| mention_at(bytes, at))
        {
            return Some(at);
        }
        base += BLOCK;
    }
    (base..bytes.len()).find_map(|at| mention_at(bytes, at))
}

/// The start of the mention that has its telling letters at `at`. A mention found from its middle may begin before.
fn mention_at(bytes: &[u8], at: usize) -> Option<usize> {
    let is =
        |from: usize, word: &[u8]| bytes.get(from..from + word.len()).is_some_and(|b| b.eq_ignore_ascii_case(word));
    if is(at, b"cors") {
        return Some(at);
    }
    let start = at.checked_sub(4)?;
    is(start, b"access-control").then_some(start)
}

/// Whether a program or configuration of this kind may set CORS, seen without parsing it.
///
/// A header's name or a library of that name decides at once. Any other mention counts only in a program that has to do
/// with a server framework: a policy's options alone in a file of their own are read when somebody imports them.
pub fn sets_cors(kind: FileKind, bytes: &[u8]) -> bool {
    let mut from = 0;
    let mut mentioned = false;
    while let Some(at) = next_mention(bytes, from) {
        match weigh(kind, bytes, at) {
            Weight::Decides => return true,
            Weight::Counts => mentioned = true,
            Weight::Nothing => {}
        }
        from = at + 5;
    }
    let holds_any = |words: &[&str]| words.iter().any(|word| holds(bytes, word));
    match kind {
        FileKind::Nginx => mentioned || holds_any(&["http_origin", "proxy_hide_header", "$origin"]),
        // A decorator of flask-cors may come from a module of the project.
        FileKind::Python => (mentioned && holds_any(PYTHON_SERVERS)) || holds(bytes, "cross_origin"),
        FileKind::JavaScript | FileKind::TypeScript | FileKind::Tsx => mentioned && holds_any(JAVASCRIPT_SERVERS),
    }
}

/// Words of which every program that makes or extends a server in Python has one.
const PYTHON_SERVERS: &[&str] = &["flask", "Flask"];

/// The same in JavaScript and TypeScript.
const JAVASCRIPT_SERVERS: &[&str] = &["express", "createServer", "Express", "Router", "http.Server"];

/// Whether a program makes a server or an nginx configuration is one: worth knowing where no CORS is in sight, since
/// it may mount, or stand in front of, what sets it.
pub fn makes_server(kind: FileKind, bytes: &[u8]) -> bool {
    let words: &[&str] = match kind {
        // Who calls a factory and lets its application listen decides with what it is made.
        FileKind::JavaScript | FileKind::TypeScript | FileKind::Tsx => &["express", "createServer", ".listen("],
        // Who calls a factory, or mounts what another file defines, decides which routes there are.
        FileKind::Python => &["Flask(", "create_app(", "register_blueprint("],
        FileKind::Nginx => return true,
    };
    words.iter().any(|word| holds(bytes, word))
}

/// Whether a program imports what makes a server, by words that no page's script has.
pub fn is_server(bytes: &[u8]) -> bool {
    ["\"express\"", "'express'", "createServer("].iter().any(|word| holds(bytes, word))
}

fn holds(bytes: &[u8], word: &str) -> bool {
    memchr::memmem::find(bytes, word.as_bytes()).is_some()
}

/// How far around a mention the second look goes, in bytes.
const AROUND: usize = 200;

/// What a mention says about its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// Nothing: prose, a comment, another word, the browser's side.
    Nothing,
    /// The file may set CORS if it has to do with a server.
    Counts,
    /// The file sets CORS, as far as bytes can tell.
    Decides,
}

/// What the mention at `at` says, as far as its line tells.
fn weigh(kind: FileKind, bytes: &[u8], at: usize) -> Weight {
    let line_start = bytes[..at]
        .iter()
        .rev()
        .take(AROUND)
        .position(|&b| b == b'\n')
        .map_or_else(|| at.saturating_sub(AROUND), |back| at - back);
    let line_end = bytes[at..]
        .iter()
        .take(AROUND)
        .position(|&b| b == b'\n')
        .map_or_else(|| (at + AROUND).min(bytes.len()), |ahead| at + ahead);
    let (before, after) = (&bytes[line_start..at], &bytes[at..line_end]);
    // A comment to corslint itself may be one that nothing needs, which is a finding.
    if after[4..].starts_with(b"lint:") {
        return Weight::Decides;
    }
    if in_comment(kind, before) {
        return Weight::Nothing;
    }
    if !after[..4].eq_ignore_ascii_case(b"cors") {
        // A header's name, or the start of one that is put together.
        return Weight::Decides;
    }
    let after = &after[4..];
    if !stands_apart(before, &bytes[at..at + 4], after) {
        return Weight::Nothing;
    }
    if kind == FileKind::Nginx || before.ends_with(b"flask_") || is_module(before, after) {
        return Weight::Decides;
    }
    if is_mode(before, after) || is_prose(before, after) { Weight::Nothing } else { Weight::Counts }
}

/// Whether it ends the name of a module that is imported or required: `'cors'`, `"@fastify/cors"`, `'./cors'`.
fn is_module(before: &[u8], after: &[u8]) -> bool {
    let Some(quote) = after.first().filter(|byte| matches!(byte, b'\'' | b'"' | b'`')) else { return false };
    let Some(open) = before.iter().rposition(|byte| byte == quote) else { return false };
    let lead = before[..open].trim_ascii_end();
    lead.ends_with(b"require(") || lead.ends_with(b"from") || lead.ends_with(b"import") || lead.ends_with(b"import(")
}

/// Whether the line is a comment up to the mention.
fn in_comment(kind: FileKind, before: &[u8]) -> bool {
    let start = before.trim_ascii_start();
    match kind {
        FileKind::Python | FileKind::Nginx => start.starts_with(b"#"),
        _ => start.starts_with(b"//") || start.starts_with(b"/*") || start.starts_with(b"* ") || start == b"*",
    }
}

/// Whether the letters are a word, or a part of an identifier that is one: not those of `Scorsese` or a hash.
fn stands_apart(before: &[u8], word: &[u8], after: &[u8]) -> bool {
    let left = before.last().copied().unwrap_or(b' ');
    let right = after.first().copied().unwrap_or(b' ');
    let starts = !left.is_ascii_alphanumeric() || (word[0].is_ascii_uppercase() && !left.is_ascii_uppercase());
    let ends = !right.is_ascii_lowercase() || word[3].is_ascii_uppercase();
    // `xcors` and `corsheaders` are names of modules.
    starts && (ends || after.starts_with(b"headers") || after.starts_with(b"options") || after.starts_with(b"config"))
        || (ends && before.ends_with(b"x") && word[0].is_ascii_lowercase())
}

/// Whether it is a value of the browser's `mode`: `'cors'` or `'no-cors'` that is neither imported nor required.
fn is_mode(before: &[u8], after: &[u8]) -> bool {
    let Some(&quote) = after.first().filter(|byte| matches!(byte, b'\'' | b'"' | b'`')) else { return false };
    let before = before.strip_suffix(b"no-").unwrap_or(before);
    let Some(lead) = before.strip_suffix(&[quote]) else { return false };
    let lead = lead.trim_ascii_end();
    let called = lead.ends_with(b"(") || lead.ends_with(b"from") || lead.ends_with(b"import");
    let key = after[1..].trim_ascii_start().starts_with(b":");
    !called && !key
}

/// Whether it is a word among words: blanks on both sides and letters behind them, as no code has.
fn is_prose(before: &[u8], after: &[u8]) -> bool {
    let word_before = before.strip_suffix(b" ").and_then(<[u8]>::last).is_some_and(u8::is_ascii_alphabetic);
    let word_after = after.strip_prefix(b" ").and_then(<[u8]>::first).is_some_and(u8::is_ascii_alphabetic);
    let keyword_before = [
        &b"import"[..],
        b"const",
        b"let",
        b"var",
        b"new",
        b"return",
        b"await",
        b"function",
        b"as",
        b"def",
        b"class",
        b"in",
        b"of",
        b"type",
        b"export",
        b"default",
        b"and",
        b"or",
        b"not",
        b"if",
    ]
    .iter()
    .any(|keyword| before.trim_ascii_end().ends_with(keyword));
    let keyword_after = [&b" from"[..], b" as", b" import", b" if", b" else", b" and", b" or", b" in", b" of", b" is"]
        .iter()
        .any(|keyword| after.starts_with(keyword));
    (word_before || word_after) && !keyword_before && !keyword_after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_words_are_found_in_any_case_and_at_every_place() {
        for word in ["cors", "CORS", "cOrS", "access-control", "Access-Control", "ACCESS-CONTROL"] {
            for lead in 0..200 {
                for tail in [0, 1, 70] {
                    let text = format!("{}{word}{}", "-".repeat(lead), "s".repeat(tail));
                    assert!(mentions(text.as_bytes()), "{lead} {word} {tail}");
                }
            }
        }
        let almost = "c o r s accesscontrol ss-c ccors".replace("ccors", "cor").repeat(50);
        assert!(!mentions(almost.as_bytes()));
    }

    #[test]
    fn a_header_that_straddles_blocks_is_found_from_its_middle() {
        for lead in 0..130 {
            let text = format!("{}Access-Control-Allow-Origin", " ".repeat(lead));
            assert_eq!(next_mention(text.as_bytes(), 0), Some(lead));
        }
    }

    #[test]
    fn code_that_sets_cors_counts() {
        use FileKind::{JavaScript, Nginx, Python};
        for (kind, text) in [
            (JavaScript, "app.options('/', cors()); // express"),
            (JavaScript, "const cors = require('cors');"),
            (JavaScript, "import cors from \"cors\";"),
            (JavaScript, "express().use(cors)"),
            (JavaScript, "app.use(require('./middleware/cors'))"),
            (JavaScript, "import express from 'express'; import { corsOptions } from './options'"),
            (JavaScript, "const app = await NestFactory.create(Express); app.enableCors({})"),
            (JavaScript, "createServer(); NestFactory.create(App, { 'cors': true })"),
            (JavaScript, "res.setHeader('Access-Control-Allow-Origin', '*')"),
            (JavaScript, "import fastifyCors from '@fastify/cors'"),
            (JavaScript, "new http.Server(http, { cors: { origin: '*' } })"),
            (Python, "from flask_cors import CORS"),
            (Python, "app = Flask(__name__)\n    CORS(app)"),
            (Python, "response.headers['access-control-allow-origin'] = '*'"),
            (Python, "from flask import x\nINSTALLED_APPS = ['corsheaders']"),
            (Python, "import flask\nCORS_ORIGIN_ALLOW_ALL = True"),
            (Python, "@cross_origin()"),
            (Nginx, "add_header Access-Control-Allow-Origin *;"),
            (Nginx, "include snippets/cors.conf;"),
            (Nginx, "if ($http_origin ~ x) {}"),
            (Python, "# corslint: ignore[wildcard-origin]"),
        ] {
            assert!(sets_cors(kind, text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn only_saying_the_word_does_not_count() {
        use FileKind::{JavaScript, Python};
        for (kind, text) in [
            (JavaScript, "fetch(url, { mode: 'cors' })"),
            (JavaScript, "fetch(url, { mode: \"no-cors\" })"),
            (JavaScript, "  // CORS is handled by the proxy: cors()"),
            (JavaScript, "/**\n * Access-Control-Allow-Origin is set elsewhere\n */"),
            (JavaScript, "throw new Error('blocked by a CORS policy of the server')"),
            (JavaScript, "const director = 'Scorsese'; // decors"),
            (JavaScript, "const hash = 'a9corsx7'"),
            (Python, "# TODO: CORS(app)"),
            (Python, "bucket.cors = [rule]; from storage import cors_util"),
            (JavaScript, "export const corsOptions = { origin: true };"),
            (JavaScript, "const cors = document.querySelector('#cors');"),
            (Python, "raise ValueError('the CORS headers are wrong')"),
        ] {
            assert!(!sets_cors(kind, text.as_bytes()), "{text}");
        }
    }
}
