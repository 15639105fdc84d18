//! The program tree: what JavaScript, TypeScript and Python lower into, and the evaluator reads.
//!
//! It keeps what decides a server's answers and drops the rest: types, comments (kept beside the tree) and
//! syntax that no value depends on. What has no place here is [`ExprKind::Opaque`] or [`StmtKind::Opaque`], which
//! evaluate to "unknown, because". The depth of a tree is bounded by the lowering, so plain recursion over it is safe.

use std::sync::Arc;

use crate::source::Span;

/// The source language of a tree, where its meaning differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// JavaScript and TypeScript.
    JavaScript,
    /// Python.
    Python,
}

/// One file.
#[derive(Debug)]
pub struct Program {
    /// Its language.
    pub language: Language,
    /// Its statements in the order of the text.
    pub body: Vec<Stmt>,
    /// Its comments, delimiters included, in the order of the text.
    pub comments: Vec<Span>,
    /// Places that the grammar could not read; the tree holds what stands around them.
    pub errors: Vec<Span>,
    /// Whether a part was left out, and where.
    pub truncated: Option<Truncated>,
}

/// The first part of a text that is not in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated {
    /// Its place, or where it begins.
    pub span: Span,
    /// Why it is not there.
    pub why: LeftOut,
}

/// Why a text, or a part of it, is not in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// It is nested too deeply.
    TooDeep,
    /// It has more errors than are read in a text of this size: nothing of the text is in the tree.
    TooBroken,
    /// It can be read in so many ways that the parser needs too many steps: nothing of the text is in the tree.
    TooManySteps,
}

/// A statement.
#[derive(Debug)]
pub struct Stmt {
    /// Its place.
    pub span: Span,
    /// What it is.
    pub kind: StmtKind,
}

/// What a statement is.
#[derive(Debug)]
pub enum StmtKind {
    /// `const p = value`, `let p`, `var p = value`. Python's `p = value` is an [`ExprKind::Assign`].
    Binding {
        /// What is bound.
        pattern: Pattern,
        /// Its initial value.
        value: Option<Expr>,
    },
    /// An expression evaluated for its effect.
    Expr(Expr),
    /// `if`, with `elif` nested in `otherwise`.
    If {
        /// The condition.
        test: Expr,
        /// What runs when it holds.
        then: Vec<Stmt>,
        /// What runs when it does not.
        otherwise: Vec<Stmt>,
    },
    /// `return value`.
    Return(Option<Expr>),
    /// `throw value`, `raise value`.
    Throw(Option<Expr>),
    /// Every loop.
    Loop {
        /// What it repeats over.
        head: LoopHead,
        /// What it repeats.
        body: Vec<Stmt>,
    },
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// `try`, with each `catch` or `except`, and `finally`. Python's `else` is appended to `body`.
    Try {
        /// What is tried.
        body: Vec<Stmt>,
        /// The handlers, in order.
        handlers: Vec<Handler>,
        /// What runs in any case.
        finally: Vec<Stmt>,
    },
    /// `switch`, `match`.
    Switch {
        /// What is compared.
        subject: Expr,
        /// The cases; JavaScript's fall through unless they end by `break`.
        cases: Vec<Case>,
    },
    /// `{ … }`, also the body of a labelled statement.
    Block(Vec<Stmt>),
    /// A named function.
    Function(Arc<Function>),
    /// A named class.
    Class(Arc<Class>),
    /// Any form of import but `require(…)` and `import(…)`, which are calls.
    Import(Import),
    /// Any form of `export`. A declaration that is exported stands before it as a statement of its own.
    Export(Export),
    /// Python's `with`.
    With {
        /// Each context, with the pattern behind `as`.
        items: Vec<(Expr, Option<Pattern>)>,
        /// What runs within.
        body: Vec<Stmt>,
    },
    /// Python's `global` and `nonlocal`.
    Outer(Vec<String>),
    /// Something else, named for a reason's text.
    Opaque(&'static str),
}

/// What a loop repeats over.
#[derive(Debug)]
pub enum LoopHead {
    /// `for (p of iterable)`, `for p in iterable:`.
    Each {
        /// What is bound in each turn.
        pattern: Pattern,
        /// What is gone through.
        iterable: Expr,
    },
    /// JavaScript's `for (p in object)`: the keys.
    Keys {
        /// What is bound in each turn.
        pattern: Pattern,
        /// Whose keys.
        object: Expr,
    },
    /// `while`, `do … while`, and `for (init; test; update)` with `init` as a statement before the loop and
    /// `update` as the last statement of its body.
    While(Option<Expr>),
}

/// One `catch` or `except`.
#[derive(Debug)]
pub struct Handler {
    /// The name of the exception.
    pub pattern: Option<Pattern>,
    /// Python: the classes that it catches.
    pub class: Option<Expr>,
    /// What it does.
    pub body: Vec<Stmt>,
}

/// One `case`.
#[derive(Debug)]
pub struct Case {
    /// What the subject must be; `None` for the default.
    pub test: Option<Expr>,
    /// What then runs.
    pub body: Vec<Stmt>,
}

/// An import statement.
#[derive(Debug)]
pub struct Import {
    /// The module as written: `./cors`, `flask_cors`, `..config` (Python, with its leading dots).
    pub module: String,
    /// Place of the module's name.
    pub module_span: Span,
    /// What is bound, in order. Empty for an import for its effects only.
    pub bindings: Vec<ImportBinding>,
}

/// One name that an import binds.
#[derive(Debug)]
pub struct ImportBinding {
    /// What is taken from the module.
    pub what: Imported,
    /// The local name; empty for [`Imported::Everything`].
    pub local: String,
    /// Place of the local name.
    pub span: Span,
}

/// What an import takes from a module.
#[derive(Debug, PartialEq, Eq)]
pub enum Imported {
    /// `import x from`.
    Default,
    /// `import { name }`, `from m import name`.
    Name(String),
    /// `import * as x`, `import x = require()`, Python's `import m as x`; and `import a.b`, which binds `a`,
    /// with [`Import::module`] `a` too and further paths loaded on demand.
    Module,
    /// Python's `from m import *`.
    Everything,
}

/// An export statement.
#[derive(Debug)]
pub enum Export {
    /// `export default value`, TypeScript's `export = value`.
    Default(Expr),
    /// `export { a as b }` and exported declarations: local name, exported name.
    Names(Vec<(String, String)>),
    /// `export { a as b } from 'm'`: name in the module (`default` too), exported name.
    NamesFrom {
        /// The module as written.
        module: String,
        /// Name there, name here.
        names: Vec<(String, String)>,
    },
    /// `export * from 'm'`, `export * as ns from 'm'`.
    AllFrom {
        /// The module as written.
        module: String,
        /// The namespace's name, if given.
        name: Option<String>,
    },
}

/// What a binding, a parameter or an assignment binds.
#[derive(Debug)]
pub enum Pattern {
    /// A name.
    Name {
        /// The name.
        name: String,
        /// Its place.
        span: Span,
    },
    /// `{ a, b: p, ...rest }`.
    Object {
        /// Key, what it binds, default.
        fields: Vec<(PropertyKey, Pattern, Option<Expr>)>,
        /// The rest.
        rest: Option<Box<Pattern>>,
    },
    /// `[a, , b, ...rest]`, Python's tuple. `None` is a hole.
    Array {
        /// What each place binds, and its default.
        items: Vec<Option<(Pattern, Option<Expr>)>>,
        /// The rest.
        rest: Option<Box<Pattern>>,
    },
    /// `a.b = …`, `a[b] = …`: in assignments only.
    Place(Box<Expr>),
    /// Something else.
    Opaque(Span),
}

/// An expression.
#[derive(Debug)]
pub struct Expr {
    /// Its place; without redundant parentheses.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// What an expression is.
#[derive(Debug)]
pub enum ExprKind {
    /// A string, decoded.
    Str(String),
    /// A number.
    Num(f64),
    /// `true`, `True`, `false`, `False`.
    Bool(bool),
    /// `null`, `None`.
    Null,
    /// A regular expression literal.
    Regex {
        /// Between the slashes, as written.
        pattern: String,
        /// Behind them.
        flags: String,
    },
    /// A template or f-string.
    Template(Vec<TemplatePart>),
    /// A list, tuple or set.
    Array(Vec<Expr>),
    /// An object literal or dict.
    Object(Vec<Property>),
    /// An optional chain as a whole, `a?.b.c`: `undefined` where one of its links is not there.
    Chain(Box<Expr>),
    /// A link of an optional chain, before `?.`: the chain ends here where this is `undefined` or `null`.
    IfThere(Box<Expr>),
    /// `object.property`.
    Member {
        /// Of what.
        object: Box<Expr>,
        /// Which.
        property: String,
        /// Place of the property's name.
        property_span: Span,
    },
    /// `object[index]`.
    Index {
        /// Of what.
        object: Box<Expr>,
        /// Which.
        index: Box<Expr>,
    },
    /// A call, optional or not.
    Call {
        /// What is called.
        callee: Box<Expr>,
        /// With what.
        arguments: Vec<Argument>,
    },
    /// `new C(…)`.
    New {
        /// The class.
        callee: Box<Expr>,
        /// Its arguments.
        arguments: Vec<Argument>,
    },
    /// A name.
    Name(String),
    /// JavaScript's `this`. Python's `self` is a name.
    This,
    /// JavaScript's `super`.
    Super,
    /// A function, arrow function or lambda.
    Function(Arc<Function>),
    /// A class expression.
    Class(Arc<Class>),
    /// `test ? then : otherwise`, `then if test else otherwise`.
    Conditional {
        /// The condition.
        test: Box<Expr>,
        /// Its value when it holds.
        then: Box<Expr>,
        /// Its value when it does not.
        otherwise: Box<Expr>,
    },
    /// Two operands. A chain of comparisons is an `And` of them.
    Binary {
        /// The operator.
        operator: BinaryOperator,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// One operand.
    Unary {
        /// The operator.
        operator: UnaryOperator,
        /// The operand.
        operand: Box<Expr>,
    },
    /// `await value`.
    Await(Box<Expr>),
    /// `yield value`.
    Yield(Option<Box<Expr>>),
    /// `...value`, `*value` within an array.
    Spread(Box<Expr>),
    /// `target = value`, `target += value`, Python's `:=`. Its value is the value assigned.
    Assign {
        /// What is assigned to.
        target: Box<Pattern>,
        /// The operator of a compound assignment.
        operator: Option<BinaryOperator>,
        /// The value.
        value: Box<Expr>,
    },
    /// `a, b`: the value is the last.
    Sequence(Vec<Expr>),
    /// A list, set or generator comprehension.
    Comprehension {
        /// What each turn gives.
        element: Box<Expr>,
        /// What is bound in each turn.
        pattern: Box<Pattern>,
        /// What is gone through.
        iterable: Box<Expr>,
        /// All conditions.
        conditions: Vec<Expr>,
    },
    /// Something else, named for a reason's text.
    Opaque(&'static str),
}

/// A part of a template.
#[derive(Debug)]
pub enum TemplatePart {
    /// Text, decoded.
    Text(String),
    /// A value put in.
    Value(Expr),
}

/// One entry of an object literal or dict.
#[derive(Debug)]
pub struct Property {
    /// Its key.
    pub key: PropertyKey,
    /// Place of the key (of the whole entry for a spread).
    pub key_span: Span,
    /// Its value; for `{ name }` the name; for a spread what is spread.
    pub value: Expr,
}

/// The key of an entry.
#[derive(Debug)]
pub enum PropertyKey {
    /// A name, a quoted key, a number as JavaScript writes it.
    Name(String),
    /// `[expression]`; in Python every key that is not a string.
    Computed(Box<Expr>),
    /// `...value`, `**value`.
    Spread,
    /// `get name() {}`: the value is the function to call.
    Getter(String),
}

/// One argument of a call.
#[derive(Debug)]
pub struct Argument {
    /// Python's keyword.
    pub keyword: Option<String>,
    /// Whether it is spread, and how.
    pub spread: ArgumentSpread,
    /// Its value.
    pub value: Expr,
    /// The whole argument, keyword included.
    pub span: Span,
}

/// Whether an argument is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentSpread {
    /// It is not.
    None,
    /// `...a`, `*a`.
    Items,
    /// Python's `**a`.
    Keywords,
}

/// A function of any form.
#[derive(Debug)]
pub struct Function {
    /// Its name; empty when it has none.
    pub name: String,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// Its statements. An arrow function's expression is a `return`.
    pub body: Vec<Stmt>,
    /// Whether it is `async`.
    pub is_async: bool,
    /// Whether it yields.
    pub is_generator: bool,
    /// Whether it keeps the `this` around it.
    pub is_arrow: bool,
    /// Decorators, outermost first.
    pub decorators: Vec<Expr>,
    /// Its place, without decorators.
    pub span: Span,
    /// Place of its name, or of its first characters.
    pub name_span: Span,
}

/// One parameter.
#[derive(Debug)]
pub struct Parameter {
    /// What it binds.
    pub pattern: Pattern,
    /// Its default.
    pub default: Option<Expr>,
    /// Which arguments it takes.
    pub kind: ParameterKind,
    /// TypeScript's `private name: T` in a constructor, which also sets a field.
    pub is_field: bool,
    /// Its type as an expression: Python's annotation (what frameworks inject is told by it), TypeScript's where it
    /// is a name, without type arguments.
    pub annotation: Option<Expr>,
    /// TypeScript's decorators of the parameter.
    pub decorators: Vec<Expr>,
}

/// Which arguments a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// One.
    One,
    /// One, by keyword only.
    KeywordOnly,
    /// `...rest`, `*args`.
    Rest,
    /// `**kwargs`.
    RestKeywords,
}

/// A class.
#[derive(Debug)]
pub struct Class {
    /// Its name; empty when it has none.
    pub name: String,
    /// The classes that it extends.
    pub bases: Vec<Expr>,
    /// Its members in the order of the text.
    pub members: Vec<ClassMember>,
    /// Decorators, outermost first.
    pub decorators: Vec<Expr>,
    /// Its place.
    pub span: Span,
    /// Place of its name, or of its first characters.
    pub name_span: Span,
}

/// A member of a class.
#[derive(Debug)]
pub enum ClassMember {
    /// A method; JavaScript's `constructor` and Python's `__init__` too.
    Method {
        /// The function; its name is the method's.
        function: Arc<Function>,
        /// Whether it belongs to the class itself.
        is_static: bool,
        /// Whether it is read like a field.
        is_getter: bool,
    },
    /// A field with its initial value. Python's class-level names are static.
    Field {
        /// Its name.
        name: String,
        /// Place of the name.
        span: Span,
        /// Its value.
        value: Option<Expr>,
        /// Whether it belongs to the class itself.
        is_static: bool,
    },
    /// Another statement in the class's body (Python) or a static block.
    Stmt(Stmt),
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `&&`, `and`.
    And,
    /// `||`, `or`.
    Or,
    /// `??`.
    Nullish,
    /// `==`, `===`, Python's `is`.
    Equal,
    /// `!=`, `!==`, `is not`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterEqual,
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`.
    Remainder,
    /// Python's `|`, which also joins dicts and sets.
    Join,
    /// `in`.
    In,
    /// `not in`.
    NotIn,
    /// `instanceof`.
    InstanceOf,
    /// Any other; its value is unknown.
    Other,
}

/// An operator with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `!`, `not`.
    Not,
    /// `-`.
    Minus,
    /// `+`.
    Plus,
    /// `typeof`.
    TypeOf,
    /// `void`.
    Void,
    /// `~`.
    BitwiseNot,
    /// `delete`: of a property.
    Delete,
    /// Any other; its value is unknown.
    Other,
}
