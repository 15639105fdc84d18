//! What each construct lowers to.

use super::{Dialect, lower};
use crate::source::FileId;
use crate::syntax::{program::*, sexpr};

fn program(text: &str, dialect: Dialect) -> Program {
    lower(FileId(0), text, dialect)
}

#[track_caller]
fn js(text: &str, expected: &str) {
    same(text, Dialect::JavaScript, expected);
    same(text, Dialect::TypeScript, expected);
    same(text, Dialect::Tsx, expected);
}

#[track_caller]
fn ts(text: &str, expected: &str) {
    same(text, Dialect::TypeScript, expected);
    same(text, Dialect::Tsx, expected);
}

#[track_caller]
fn same(text: &str, dialect: Dialect, expected: &str) {
    let program = program(text, dialect);
    assert_eq!(program.errors, [], "{dialect:?} reads {text}");
    assert_eq!(program.truncated, None);
    assert_eq!(sexpr::program(&program), expected, "{dialect:?}: {text}");
}

#[test]
fn literals() {
    js(r#"'a"b'; "it's""#, "\"a\\\"b\"\n\"it's\"");
    js(r"'\n\x41\u0042\u{43}\'\\\101\0'", r#""\nABC'\\A\0""#);
    js(r"'\uD83D\uDE00 \uD83D'", "\"😀 \u{fffd}\"");
    js("'a\\\nb\\\r\nc'", r#""abc""#);
    js("1_000; 0xFF; 0b11; 0o17; 1.5e3; .5; 10n; 017", "1000\n255\n3\n15\n1500\n0.5\n10\n15");
    js("true; false; null; undefined; void 0", "true\nfalse\nnull\nundefined\n(Void 0)");
    js(r"/a\/[/]b$/gi; /x/", "/a\\/[/]b$/gi\n/x/");
    js("`plain \\` text`; ``", "\"plain ` text\"\n\"\"");
    js("`a${b}c${`d${e}`}`", r#"(template "a" b "c" (template "d" e))"#);
    js("`a\r\nb`", r#""a\nb""#);
    js("tag`a${b}`", "(call tag <a tagged template>)");
}

#[test]
fn objects_and_arrays() {
    js(
        "x = { a: 1, 'b-c': 2, 3: 4, [d]: 5, ['e']: 6, f, ...g, h() {}, async *i() {}, get j() { return 1 }, set j(v) {} }",
        "(= x (object a:1 b-c:2 3:4 [d]:5 e:6 f:f ...:g h:(function h() []) i:(async generator function i() []) get j:(function j() [(return 1)])))",
    );
    js("x = [1, ...a, , 'b',]", "(= x (array 1 ...a undefined \"b\"))");
    js(
        "x = { get: 1, set: 2, static: 3, async: 4, get() {} }",
        "(= x (object get:1 set:2 static:3 async:4 get:(function get() [])))",
    );
}

#[test]
fn members_and_calls() {
    js("a.b.c; a['b']; a?.b?.[c]?.(d)", "a.b.c\n(index a \"b\")\n(chain (call (index a?.b? c) d))");
    js("f(a, ...b); new C(a); new C; new a.B()", "(call f a ...b)\n(new C a)\n(new C)\n(new a.B)");
    js("this.x = super.y", "(= (place this.x) super.y)");
    js("await import('./x'); require('y')", "(await (call import \"./x\"))\n(call require \"y\")");
    js(
        "import.meta.url; function f() { return new.target }",
        "import.meta.url\n(function f() [(return <new.target>)])",
    );
    js("((((a))))((b))", "(call a b)");
    js("(0, a.b)(c)", "(call (sequence 0 a.b) c)");
}

#[test]
fn operators() {
    js("a && b || c; a ?? b", "(Or (And a b) c)\n(Nullish a b)");
    js("a + b + c * -d", "(Add (Add a b) (Multiply c (Minus d)))");
    js("a + (b + c)", "(Add a (Add b c))");
    js("a === b, a != b; a !== b; a == b", "(sequence (Equal a b) (NotEqual a b))\n(NotEqual a b)\n(Equal a b)");
    js("a < b; a <= b; a > b; a >= b", "(Less a b)\n(LessEqual a b)\n(Greater a b)\n(GreaterEqual a b)");
    js("a in b; a instanceof B; a ** b; a | b", "(In a b)\n(InstanceOf a B)\n(Other a b)\n(Other a b)");
    js("!a; typeof a; delete a.b; ~a; +a", "(Not a)\n(TypeOf a)\n(Delete a.b)\n(BitwiseNot a)\n(Plus a)");
    js("a ? b : c ? d : e", "(? a b (? c d e))");
    js(
        "a = b = c; a += 1; a ||= b; a &&= b; a ??= b",
        "(= a (= b c))\n(Add= a 1)\n(Or= a b)\n(And= a b)\n(Nullish= a b)",
    );
    js("a++; --a.b; a <<= 1", "(Add= a 1)\n(Subtract= (place a.b) 1)\n(Other= a 1)");
}

#[test]
fn patterns() {
    js("const a = 1, b = 2; let c; var d", "(let a 1)\n(let b 2)\n(let c)\n(let d)");
    js(
        "const { a, b: c, d = 1, e: { f = 2 } = {}, [g]: h, 'i-j': k, ...l } = m",
        "(let (object-pattern a:a b:c d:d=1 e:(object-pattern f:f=2)=(object) [g]:h i-j:k ...l) m)",
    );
    js("const [a, , b = 1, [c], ...d] = e", "(let (array-pattern a _ b=1 (array-pattern c) ...d) e)");
    js(
        "[a.b, c[0]] = d; ({ e: f.g } = h)",
        "(= (array-pattern (place a.b) (place (index c 0))) d)\n(= (object-pattern e:(place f.g)) h)",
    );
}

#[test]
fn functions() {
    js(
        "function f(a, { b }, [c] = [], d = 1, ...e) {}",
        "(function f(a (object-pattern b:b) (array-pattern c)=(array) d=1 ...e) [])",
    );
    js(
        "const f = async (a) => { return a }, g = b => b.c, h = () => ({})",
        "(let f (async arrow (a) [(return a)]))\n(let g (arrow (b) [(return b.c)]))\n(let h (arrow () [(return (object))]))",
    );
    js(
        "x(function* () { yield 1; yield* y; yield }, async function n() { await z })",
        "(call x (generator function () [(yield 1); (yield y); (yield)]) (async function n() [(await z)]))",
    );
    js("async function* f() {}", "(async generator function f() [])");
}

#[test]
fn classes() {
    js(
        "class A extends B.C { static x = 1; #y; z = () => this.#y; constructor() { super() } async m() {} static n() {} get g() { return 1 } set g(v) {} static { this.x = 2 } ['k']() {} [l]() {} }",
        "(class A(B.C) (static field x 1) (field #y) (field z (arrow () [(return this.#y)])) (function constructor() [(call super)]) (async function m() []) static (function n() []) get (function g() [(return 1)]) <a setter> [(= (place this.x) 2)] (function k() []) (function [l]() []))",
    );
    js("const A = class {}; x(class B extends f(C) {})", "(let A (class ()))\n(call x (class B((call f C))))");
    js("@a @b.c(1) class D { @e f() {} }", "(@a @(call b.c 1) class D() (@e function f() []))");
    js("@a export class D {}", "(@a class D())\n(export D=D)");
    ts("export @a class D {}", "(@a class D())\n(export D=D)");
}

#[test]
fn statements() {
    js("if (a) b(); else if (c) { d() } else { e() }", "(if a [(call b)] [(if c [(call d)] [(call e)])])");
    js("for (const a of b) c(a)", "(each a b [(call c a)])");
    js("for (const [k, v] of Object.entries(o)) {}", "(each (array-pattern k v) (call Object.entries o) [])");
    js("for (a.b in c) {}", "(keys (place a.b) c [])");
    js(
        "for (let i = 0, n = 1; i < n; i++) { a() }",
        "[(let i 0); (let n 1); (while (Less i n) [(call a); (Add= i 1)])]",
    );
    js("for (;;) { break }", "(while [(break)])");
    js("for (i = 0; ; ) { continue }", "[(= i 0); (while [(continue)])]");
    js("while (a) b(); do { c() } while (d)", "(while a [(call b)])\n(while d [(call c)])");
    js("async function f() { for await (const a of b) {} }", "(async function f() [(each a b [])])");
    js(
        "switch (a) { case 1: case 'b': c(); break; default: d() }",
        "(switch a (case 1 []) (case \"b\" [(call c); (break)]) (default [(call d)]))",
    );
    js("try { a() } catch (e) { b() } finally { c() }", "(try [(call a)] (catch e [(call b)]) [(call c)])");
    js("try { a() } catch { b() }", "(try [(call a)] (catch [(call b)]) [])");
    js("outer: for (;;) { continue outer }", "[(while [(continue)])]");
    js("{ a() } ; debugger; throw new E('x')", "[(call a)]\n(throw (new E \"x\"))");
    js("'use strict'; a", "\"use strict\"\na");
}

#[test]
fn imports() {
    js(
        "import a from 'm'; import * as b from 'm'; import 'm'",
        "(import \"m\" default=a)\n(import \"m\" *=b)\n(import \"m\")",
    );
    js(
        "import { a, b as c, default as d } from './m'; import e, { f } from 'm'",
        "(import \"./m\" a=a b=c default=d)\n(import \"m\" default=e f=f)",
    );
    js("import g, * as h from 'm'", "(import \"m\" default=g *=h)");
    js("import j from './j.json' with { type: 'json' }", "(import \"./j.json\" default=j)");
    ts("import a = require('m'); import B = C.D", "(import \"m\" *=a)\n(let B C.D)");
    ts("import type { A } from 'a'; import { type B, c } from 'b'; import { type D } from 'd'", "(import \"b\" c=c)");
}

#[test]
fn exports() {
    js(
        "export const a = 1, { b, c: [d] } = e; export let f",
        "(let a 1)\n(let (object-pattern b:b c:(array-pattern d)) e)\n(export a=a b=b d=d)\n(let f)\n(export f=f)",
    );
    js(
        "export function a() {} export class B {} export async function* c() {}",
        "(function a() [])\n(export a=a)\n(class B())\n(export B=B)\n(async generator function c() [])\n(export c=c)",
    );
    js("export default function a() {}", "(function a() [])\n(export-default a)");
    js("export default class A {}", "(class A())\n(export-default A)");
    js("export default function () {}", "(export-default (function () []))");
    js("export default class {}", "(export-default (class ()))");
    js("export default { a }", "(export-default (object a:a))");
    js("export default async () => {}", "(export-default (async arrow () []))");
    js("export { a, b as c, d as default }", "(export a=a b=c d=default)");
    js(
        "export { default } from 'm'; export { default as a, b } from 'm'",
        "(export-from \"m\" default=default)\n(export-from \"m\" default=a b=b)",
    );
    js("export * from 'm'; export * as n from 'm'", "(export-all \"m\")\n(export-all \"m\" n)");
    js("module.exports = { a }; exports.b = c", "(= (place module.exports) (object a:a))\n(= (place exports.b) c)");
    ts("export = a; export type { B } from 'b'; export type C = D; export interface E {}", "(export-default a)");
    ts("export default interface A {}", "");
    ts("export { type A, b }", "(export b=b)");
}

#[test]
fn types_are_dropped() {
    ts("const a = (b as unknown as C)!.d satisfies E", "(let a b.d)");
    ts("const a: string | undefined = f<T>(b) as const", "(let a (call f b))");
    ts("interface A {} type B = C; declare const d: E; declare module 'x' {} declare global {}", "");
    ts(
        "function f(): void; function f(this: X, a?: A, b: B = c, ...d: D[]): asserts a is A {}",
        "(function f(a:A b:B=c ...d) [])",
    );
    ts("const f = <T extends A>(a: T): Promise<T> => a", "(let f (arrow (a:T) [(return a)]))");
    ts("h(req: express.Request) {}".replace("h(", "function h(").as_str(), "(function h(req:express.Request) [])");
    same("const a = <any>b", Dialect::TypeScript, "(let a b)");
    ts("let a!: B; a!.b = c!; (d as any).e = f", "(let a)\n(= (place a.b) c)\n(= (place d.e) f)");
    ts("new Map<string, A>([]); const s = f<string>", "(new Map (array))\n(let s f)");
    ts("for (const a of b as C[]) {}", "(each a b [])");
    ts("try {} catch (e: unknown) {}", "(try [] (catch e []) [])");
}

#[test]
fn what_typescript_adds_at_run_time() {
    ts("enum A { B, C = 'c', D = 4, E }", "(let A (object B:0 C:\"c\" D:4 E:5 0:\"B\" 4:\"D\" 5:\"E\"))");
    ts("export const enum A { 'b-c' = 1 } declare enum X { Y }", "(let A (object b-c:1 1:\"b-c\"))\n(export A=A)");
    ts(
        "abstract class A<T> extends B<T> implements C { private readonly x: X = 1; declare y: Y; abstract z(): void; constructor(private a: A, readonly b = 2, c?: C, @D() d?: E) { super() } @Get('x') m(@Res({ p: 1 }) res: Response): void {} [k: string]: any }",
        "(class A(B) (field x 1) (function constructor(field:a:A field:b=2 c:C @(call D) d:E) [(call super)]) (@(call Get \"x\") function m(@(call Res (object p:1)) res:Response) []))",
    );
    ts(
        "namespace N { export const a = 1; const b = 2; export function f() {} }",
        "(let N (call (arrow () [(let a 1); (let b 2); (function f() []); (return (object a:a f:f))])))",
    );
    ts(
        "export namespace N { export const a = 1 }",
        "(let N (call (arrow () [(let a 1); (return (object a:a))])))\n(export N=N)",
    );
    ts("export default abstract class A {}", "(class A())\n(export-default A)");
}

#[test]
fn jsx() {
    for dialect in [Dialect::JavaScript, Dialect::Tsx] {
        same(
            "const a = <B c={d}>e {f}</B>; g(<></>, <H />)",
            dialect,
            "(let a <a JSX element>)\n(call g <a JSX element> <a JSX element>)",
        );
    }
}

#[test]
fn places() {
    let text = "\u{feff}#!/usr/bin/env node\r\n// c1\r\nconst { cors: x } = require( /* c2 */ ('cors'))\r\nx.y( (z) )";
    let program = program(text, Dialect::JavaScript);
    let at = |span: crate::source::Span| &text[span.start as usize..span.end as usize];
    assert_eq!(program.errors, []);
    assert_eq!(program.comments.iter().map(|span| at(*span)).collect::<Vec<_>>(), ["// c1", "/* c2 */"]);
    let [first, second] = &program.body[..] else { panic!("{program:?}") };
    assert_eq!(at(first.span), "const { cors: x } = require( /* c2 */ ('cors'))");
    let StmtKind::Expr(Expr { kind: ExprKind::Call { callee, arguments }, .. }) = &second.kind else { panic!() };
    assert_eq!((at(callee.span), at(arguments[0].span), at(arguments[0].value.span)), ("x.y", "(z)", "z"));
    let ExprKind::Member { property_span, .. } = callee.kind else { panic!() };
    assert_eq!(at(property_span), "y");
}

#[test]
fn what_surrounds_an_error_is_kept() {
    for (text, kept) in [
        (
            "const a = 1; const b = = 2; app.use(cors()); c = 3",
            &["(let a 1)", "(call app.use (call cors))", "(= c 3)"][..],
        ),
        ("app.get('/', (req, res) => { res.set('A', 'b'); if (x) { y() ", &["(call res.set \"A\" \"b\")"]),
        ("const a = 1 }\nfunction f() { return a }", &["(let a 1)", "(return a)"]),
        ("app.use(cors({ origin: , credentials: true })); b()", &["credentials:true", "(call b)"]),
    ] {
        for dialect in [Dialect::JavaScript, Dialect::TypeScript, Dialect::Tsx] {
            let program = program(text, dialect);
            assert!(!program.errors.is_empty(), "{text}");
            let printed = sexpr::program(&program);
            for kept in kept {
                assert!(printed.contains(kept), "{dialect:?}: {kept} in {printed} of {text}");
            }
        }
    }
}
