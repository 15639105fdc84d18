//! Inputs that try to break the lowerings: depth, length, and texts that are no programs.

use super::program::Program;
use super::{SourceKind, lower, sexpr};
use crate::source::FileId;

const JAVASCRIPT: [SourceKind; 3] = [SourceKind::JavaScript, SourceKind::TypeScript, SourceKind::Tsx];

/// Lowers on a stack of 2 MB, as a worker thread has, and walks the tree there too.
fn on_small_stack(kind: SourceKind, text: String) -> Program {
    let work = move || {
        let program = lower(kind, FileId(0), &text);
        sexpr::program(&program);
        program
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap();
    thread.join().unwrap()
}

fn nested(before: &str, inner: &str, after: &str, depth: usize) -> String {
    format!("{}{inner}{}", before.repeat(depth), after.repeat(depth))
}

#[test]
fn deep_javascript() {
    for (before, inner, after) in [
        ("(", "a", ")"),
        ("[", "a", "]"),
        ("{", "a", "}"),
        ("f(", "a", ")"),
        ("x=>(", "a", ")"),
        ("function f(){", "a", "}"),
        ("if(a){", "b", "}"),
        ("if(a)b;else ", "c", ""),
        ("({a:", "b", "})"),
        ("`${", "a", "}`"),
        ("a?b:", "c", ""),
        ("a=", "b", ""),
        ("!", "a", ""),
        ("class A{m(){", "a", "}}"),
        ("a", "", ".b()"),
        ("a", "", "[0]"),
        ("new ", "a", ""),
        ("for(;;)", "a", ""),
        ("l:", "a", ""),
        ("try{", "a", "}catch{}"),
        ("switch(a){case 1:", "a", "}"),
        ("x={[", "a", "](){}}"),
        ("x=class{[", "a", "](){}}"),
        ("x=class{[", "a", "]=1}"),
        ("({[", "a", "]:b}=c)"),
        ("function f(a=", "b", "){}"),
        ("enum E{A=", "b", "}"),
        ("(", "a", ""),
        ("{", "", ""),
        ("<a>", "b", "</a>"),
    ] {
        on_small_stack(SourceKind::JavaScript, nested(before, inner, after, 2_000));
        on_small_stack(SourceKind::Tsx, nested(before, inner, after, 500));
    }
    let program = on_small_stack(SourceKind::JavaScript, nested("f(", "a", ")", 100_000));
    assert!(program.truncated.is_some());
    let program = on_small_stack(SourceKind::JavaScript, nested("(", "a", ")", 10_000));
    assert_eq!((sexpr::program(&program).as_str(), program.truncated), ("a", None), "parentheses are no depth");
}

#[test]
fn deep_python() {
    for (before, inner, after) in [
        ("(", "a", ")"),
        ("[", "a", "]"),
        ("f(", "a", ")"),
        ("{'a':", "b", "}"),
        ("lambda:", "a", ""),
        ("a if b else ", "c", ""),
        ("a=", "b", ""),
        ("not ", "a", ""),
        ("-", "a", ""),
        ("a", "", ".b()"),
        ("(1<(", "a", ")<2)"),
        ("(a[b]<", "c", "<d.e)"),
        ("lambda a=", "b", ":c"),
        ("f'{", "a", "}'"),
        ("(", "a", ""),
        ("[x for x in ", "a", "]"),
    ] {
        on_small_stack(SourceKind::Python, nested(before, inner, after, 2_000));
    }
    let blocks: String = (0..1_000).map(|depth| format!("{}if a:\n", " ".repeat(depth))).collect();
    let program = on_small_stack(SourceKind::Python, format!("{blocks}{}b\n", " ".repeat(1_000)));
    assert!(program.truncated.is_some());
    let elifs = "elif a: b\n".repeat(4_000);
    on_small_stack(SourceKind::Python, format!("if a: b\n{elifs}"));
    let program = on_small_stack(SourceKind::Python, nested("f(", "a", ")", 100_000));
    assert!(program.truncated.is_some());
}

#[test]
fn long_chains_keep_every_operand() {
    for (kind, joiner) in [(SourceKind::JavaScript, " || "), (SourceKind::Python, " or "), (SourceKind::Tsx, " + ")] {
        let text = (0..5_000).map(|at| format!("o.a{at}")).collect::<Vec<_>>().join(joiner);
        let program = on_small_stack(kind, text);
        assert_eq!((program.truncated, program.errors.len()), (None, 0), "{kind:?}");
        let printed = sexpr::program(&program);
        let operands: Vec<&str> = printed.split([' ', '(', ')']).filter_map(|word| word.strip_prefix("o.a")).collect();
        assert!(operands.iter().enumerate().all(|(at, operand)| *operand == at.to_string()), "{kind:?}: out of order");
        assert_eq!(operands.len(), 5_000);
    }
    let program = on_small_stack(SourceKind::JavaScript, vec!["a"; 5_000].join(" - "));
    assert!(program.truncated.is_some(), "subtraction groups from the left only");
}

#[test]
fn one_long_line() {
    let call = "app.use(function(a,b){return a&&b?[1,'x',{y:z}]:null});";
    on_small_stack(SourceKind::JavaScript, call.repeat((1 << 18) / call.len()));
    let call = "f(a, b=[1, 'x', {'y': z}], c=lambda d: d if d else None); ";
    on_small_stack(SourceKind::Python, call.repeat((1 << 18) / call.len()));
    on_small_stack(SourceKind::JavaScript, format!("x = '{}'", "a\\n".repeat(30_000)));
}

#[test]
fn texts_that_are_no_programs() {
    let texts = [
        "",
        "\u{feff}",
        "\u{0}",
        "\r",
        "'",
        "`${",
        "`",
        "/",
        "\\",
        "f'{",
        "f'{a!",
        "b'\\x",
        "'\\u{",
        "'\\uD800\\u",
        "@",
        "#!",
        "import",
        "export",
        "export default",
        "export {",
        "import {",
        "class",
        "enum E {",
        "if",
        "else",
        "case",
        "\u{fffd}",
        "🦀",
        "const {a=",
        "a?.",
        "new",
        "for(",
        "switch(a){case",
        "def",
        "class A(",
        "with",
        "from . import",
        "from",
        "lambda",
        "match a:\n case",
        "try:",
        "x = \"\"\"",
        "a\u{2028}b",
        "<a",
        "@a class",
        "a => ",
        "import.",
        "{...",
        "(a, b",
    ];
    for text in texts {
        for kind in JAVASCRIPT.into_iter().chain([SourceKind::Python]) {
            lower(kind, FileId(0), text);
        }
    }
}

const JAVASCRIPT_SERVER: &str = r"
import express from 'express';
const cors = require('cors'), { ORIGINS = `http://${host}:3000` } = process.env; // origins
const allowed = ORIGINS.split(',').map((origin) => origin.trim());
class Guard extends Base { static #all = /^https:\/\/.*\.example\.com$/i; async check(o) { return await o?.test(1_0) } }
app.use(cors({ origin(o, done) { if (!o || allowed.includes(o)) done(null, true); else { done(new Error('no')) } }, credentials: true }));
for (const [k, v] of Object.entries({ a: 1, ...b })) { switch (k) { case 'a': res.set(k, v + '!'); break; default: throw k } }
export default app; export { allowed as origins } from './x.js';
try { app.listen(process.env.PORT || 3000) } catch (e) { console.log(e) } finally { done() }
";

const PYTHON_SERVER: &str = r#"
from flask import Flask, request as req
import os.path
ORIGINS = [o.strip() for o in os.environ.get('ORIGINS', f"http://{host}:{port!r}").split(',') if o]  # origins
@app.route('/a', methods=['GET'])
async def handler(a: int = 1, *rest, key=None, **more) -> Response:
    with open(r'\d') as f, g:
        if not 0 < a <= 3 and key is not None:
            resp.headers['Access-Control-Allow-Origin'] = """*""" 'x'
        elif a in (1, 2): return {**more, 'b': lambda x: x[1:2]}
        else:
            raise ValueError from e
    try:
        yield a if b else c
    except (A, B) as e: pass
class Config(Base, metaclass=M):
    ORIGINS: list[str] = ['*']
    def get(self): return self.x
match a:
    case 'b': pass
    case _: pass
"#;

/// A fixed sequence that looks random (xorshift).
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 16) as usize
}

#[test]
fn mutated_programs() {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for round in 0..400 {
        let kind = [SourceKind::JavaScript, SourceKind::TypeScript, SourceKind::Tsx, SourceKind::Python][round % 4];
        let text = if kind == SourceKind::Python { PYTHON_SERVER } else { JAVASCRIPT_SERVER };
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..1 + random(&mut state) % 8 {
            if bytes.is_empty() {
                break;
            }
            let at = random(&mut state) % bytes.len();
            match random(&mut state) % 4 {
                0 => bytes[at] = random(&mut state) as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"(){}[]'\"`\\:;=<>.,\n "[random(&mut state) % 19]),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let program = lower(kind, FileId(0), &text);
        for span in program.errors.iter().chain(&program.comments) {
            assert!(text.get(span.start as usize..span.end as usize).is_some());
        }
    }
}
