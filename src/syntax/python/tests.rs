//! What each construct lowers to.

use super::lower;
use crate::source::{FileId, Span};
use crate::syntax::{program::*, sexpr};

#[track_caller]
fn py(text: &str, expected: &str) {
    let program = lower(FileId(0), text);
    assert_eq!(program.errors, [], "{text}");
    assert_eq!(program.truncated, None);
    assert_eq!(sexpr::program(&program), expected, "{text}");
}

#[test]
fn strings() {
    py(
        r#"'a"b'; "it's"; '''c
d'''"#,
        "\"a\\\"b\"\n\"it's\"\n\"c\\nd\"",
    );
    py(r"'\n\x41\u0042\U00000043\'\\\101\0\d\N{DASH}'", r#""\nABC'\\A\0\\d�""#);
    py(r"r'\n\d'; R'a'; b'\x41\u0042'; rb'\d'; u'é'", "\"\\\\n\\\\d\"\n\"a\"\n\"A\\\\u0042\"\n\"\\\\d\"\n\"é\"");
    py("'a' \"b\" f'{c}' 'd' f'e'", r#"(template "ab" c "de")"#);
    py(
        "f'a{b}{{c}}{d!s}{e!r}{f:>3}{g=}'",
        r#"(template "a" b "{c}" d <a formatted value> <a formatted value> <a formatted value>)"#,
    );
    py(r"f'\n{a.b()}'; rf'\d{x}'; f''; ''", "(template \"\\n\" (call a.b))\n(template \"\\\\d\" x)\n\"\"\n\"\"");
    py("'a\\\nb'; '''a\r\nb'''", "\"ab\"\n\"a\\nb\"");
}

#[test]
fn literals() {
    py("1_000; 0xFF; 0o17; 0b11; 1.5e3; .5; 1j", "1000\n255\n15\n3\n1500\n0.5\n<a complex number>");
    py("True; False; None; ...", "true\nfalse\nnull\n<an ellipsis>");
    py("[1, *a]; (1, 2); (); {1, *a}; 1, *b", "(array 1 ...a)\n(array 1 2)\n(array)\n(array 1 ...a)\n(array 1 ...b)");
    py("{'a': 1, b: 2, **c, 3: 4, 'd' 'e': 5}; {}", "(object a:1 [b]:2 ...:c [3]:4 de:5)\n(object)");
    py("((a)); (yield)", "a\n(yield)");
}

#[test]
fn members_and_calls() {
    py("a.b.c; a['b']; a[1:2]; a[1, 2]", "a.b.c\n(index a \"b\")\n(index a <a slice>)\n(index a (array 1 2))");
    py("f(a, *b, c=d, **e)", "(call f a ...b c=d **e)");
    py("f(a for a in b if c if d)", "(call f (each-of a b a if c if d))");
    py("print('a')", "(call print \"a\")");
}

#[test]
fn operators() {
    py("a and b or c; not a", "(Or (And a b) c)\n(Not a)");
    py(
        "a + b + c * -d; a | b; a % b; a // b",
        "(Add (Add a b) (Multiply c (Minus d)))\n(Join a b)\n(Remainder a b)\n(Other a b)",
    );
    py(
        "a == b; a != b; a is b; a is not b; a in b; a not in b",
        "(Equal a b)\n(NotEqual a b)\n(Equal a b)\n(NotEqual a b)\n(In a b)\n(NotIn a b)",
    );
    py("a < b <= c > d", "(And (And (Less a b) (LessEqual b c)) (Greater c d))");
    py("a if b else c", "(? b a c)");
    py("(a := b)", "(= a b)");
    py("lambda a, *b, c=1, **d: a", "(arrow (a ...b kw:c=1 **d) [(return a)])");
    py("async def f(): return await a", "(async function f() [(return (await a))])");
}

#[test]
fn comprehensions() {
    py(
        "[a for a in b]; {a.c for a in b if a}; {a: 1 for a in b}; [a for b in c for a in b]",
        "(each-of a b a)\n(each-of a b a.c if a)\n(call dict (each-of a b (array a 1)))\n<a comprehension over several lists>",
    );
    py("[k for k, (v, w) in d.items()]", "(each-of (array-pattern k (array-pattern v w)) (call d.items) k)");
}

#[test]
fn assignments() {
    py("a = 1\na: int = 2\na: int\na.b = a[c] = d", "(= a 1)\n(= a 2)\n(= (place a.b) (= (place (index a c)) d))");
    py(
        "a, b = c, d; (a, [b]) = c; a, *b = c; a, *b, c = d",
        "(= (array-pattern a b) (array c d))\n(= (array-pattern a (array-pattern b)) c)\n(= (array-pattern a ...b) c)\n(= <pattern> d)",
    );
    py("a += 1; a |= b; a //= c; a = yield b", "(Add= a 1)\n(Join= a b)\n(Other= a c)\n(= a (yield b))");
}

#[test]
fn statements() {
    py("if a:\n  b\nelif c: d; e\nelse:\n  f", "(if a [b] [(if c [d; e] [f])])");
    py("for a, b in c:\n  break\nelse:\n  d", "(each (array-pattern a b) c [(break)])\nd");
    py("while a:\n  continue\nfor i in 1, 2: pass", "(while a [(continue)])\n(each i (array 1 2) [])");
    py(
        "try:\n  a\nexcept (B, C) as d:\n  e\nexcept F:\n  raise\nexcept:\n  g\nelse:\n  h\nfinally:\n  i",
        "(try [a; h] (catch :of (array B C) d [e]) (catch :of F [(throw)]) (catch [g]) [i])",
    );
    py(
        "with a as b, c.d():\n  e\nwith (a as (b, c), d): e",
        "(with (a as b) (call c.d) [e])\n(with (a as (array-pattern b c)) d [e])",
    );
    py("raise A('b') from c", "(throw (call A \"b\"))");
    py(
        "def f():\n  global a, b\n  nonlocal c\n  return a, b",
        "(function f() [(outer a b); (outer c); (return (array a b))])",
    );
    py("del a; assert b, c; pass; print 'x'", "<a del statement>\n<an assert statement>\n<a print statement>");
    py(
        "match a.b:\n  case 'x': c\n  case 1 | 2: d\n  case B.C: e\n  case -1: g\n  case None if h: i\n  case _: f",
        "(switch a.b (case \"x\" [c]) (case 1 [d]) (case 2 [d]) (case B.C [e]) (case <a pattern of a match statement> [g]) (case <a pattern of a match statement> [i]) (default [f]))",
    );
    py("match a, b:\n  case other: c", "(switch (array a b) (default [c]))");
    py(
        "if __name__ == '__main__':\n  app.run(debug=True)",
        "(if (Equal __name__ \"__main__\") [(call app.run debug=true)])",
    );
    py(
        "async def f():\n  async with a as b: pass\n  async for c in d: pass",
        "(async function f() [(with (a as b) []); (each c d [])])",
    );
}

#[test]
fn functions() {
    py(
        "def f(a, /, b: int, c: A.B = 1, *, d=2, e, **k) -> str: pass",
        "(function f(a b:int c:A.B=1 kw:d=2 kw:e **k) [])",
    );
    py("def f(*args: str, a): yield 1", "(generator function f(...args:str kw:a) [(yield 1)])");
    py("def f():\n  def g(): yield\n  return g", "(function f() [(generator function g() [(yield)]); (return g)])");
    py(
        "@a\n@b.c('d')\nasync def f(x: Annotated[A, Depends(y)], z: list[str] = [], w: A | None = None): ...",
        "(@a @(call b.c \"d\") async function f(x:(index Annotated (array A (call Depends y))) z:(index list str)=(array) w:(Join A null)=null) [<an ellipsis>])",
    );
}

#[test]
fn classes() {
    py(
        "@a\nclass A(B, c.D, metaclass=E):\n  'doc'\n  x = 1\n  y: int = 2\n  z: str\n  p, q = r\n  s = t = u\n  def __init__(self): pass\n  @staticmethod\n  def m(): pass\n  @classmethod\n  async def n(cls): pass\n  @property\n  def g(self): pass\n  @g.setter\n  def g(self, v): pass\n  class Meta:\n    k = 3\n  if a: w = 4",
        "(@a class A(B c.D) \"doc\" (static field x 1) (static field y 2) (static field z) (= (array-pattern p q) r) (= s (= t u)) (function __init__(self) []) static (@staticmethod function m() []) static (@classmethod async function n(cls) []) get (@property function g(self) []) <a setter> (class Meta() (static field k 3)) (if a [(= w 4)]))",
    );
    py("class A: pass", "(class A())");
}

#[test]
fn imports() {
    py(
        "import a; import a.b, c as d, e.f as g",
        "(import \"a\" *=a)\n(import \"a\" *=a)\n(import \"c\" *=d)\n(import \"e.f\" *=g)",
    );
    py("from a.b import c, d as e; from a import (f,\n  g)", "(import \"a.b\" c=c d=e)\n(import \"a\" f=f g=g)");
    py(
        "from . import a; from .b import c; from ...d.e import *",
        "(import \".\" a=a)\n(import \".b\" c=c)\n(import \"...d.e\" everything)",
    );
    py("from __future__ import annotations", "");
}

#[test]
fn places() {
    let text = "\u{feff}# c1\r\n@d\r\ndef f(a): # c2\r\n\tx.y( (z), k = 'v' )\r\n";
    let program = lower(FileId(0), text);
    let at = |span: Span| &text[span.start as usize..span.end as usize];
    assert_eq!(program.errors, []);
    assert_eq!(program.comments.iter().map(|span| at(*span)).collect::<Vec<_>>(), ["# c1", "# c2"]);
    let [Stmt { kind: StmtKind::Function(function), span }] = &program.body[..] else { panic!("{program:?}") };
    assert_eq!(at(*span), "@d\r\ndef f(a): # c2\r\n\tx.y( (z), k = 'v' )");
    assert_eq!(at(function.span), "def f(a): # c2\r\n\tx.y( (z), k = 'v' )");
    assert_eq!(at(function.name_span), "f");
    let StmtKind::Expr(Expr { kind: ExprKind::Call { arguments, .. }, .. }) = &function.body[0].kind else { panic!() };
    assert_eq!((at(arguments[0].span), at(arguments[0].value.span)), ("(z)", "z"));
    assert_eq!((at(arguments[1].span), at(arguments[1].value.span)), ("k = 'v'", "'v'"));
}

#[test]
fn what_surrounds_an_error_is_kept() {
    let program = lower(FileId(0), "a = 1\nb = = 2\nCORS(app)\ndef f(:\n  g()\nh = 3\n");
    assert!(!program.errors.is_empty());
    let text = sexpr::program(&program);
    for kept in ["(= a 1)", "(call CORS app)", "(call g)", "(= h 3)"] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
}
