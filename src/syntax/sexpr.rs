//! Trees as text, for tests: one S-expression a statement, without places.

use super::program::*;

/// The whole program, one statement a line.
pub(super) fn program(program: &Program) -> String {
    program.body.iter().map(stmt).collect::<Vec<_>>().join("\n")
}

fn list<T>(items: &[T], one: impl Fn(&T) -> String) -> String {
    items.iter().map(|item| format!(" {}", one(item))).collect()
}

fn block(body: &[Stmt]) -> String {
    format!("[{}]", body.iter().map(stmt).collect::<Vec<_>>().join("; "))
}

fn stmt(stmt: &Stmt) -> String {
    match &stmt.kind {
        StmtKind::Binding { pattern: bound, value: Some(value) } => format!("(let {} {})", pattern(bound), expr(value)),
        StmtKind::Binding { pattern: bound, value: None } => format!("(let {})", pattern(bound)),
        StmtKind::Expr(value) => expr(value),
        StmtKind::If { test, then, otherwise } if otherwise.is_empty() => {
            format!("(if {} {})", expr(test), block(then))
        }
        StmtKind::If { test, then, otherwise } => format!("(if {} {} {})", expr(test), block(then), block(otherwise)),
        StmtKind::Return(value) => format!("(return{})", optional(value)),
        StmtKind::Throw(value) => format!("(throw{})", optional(value)),
        StmtKind::Loop { head, body } => match head {
            LoopHead::Each { pattern: bound, iterable } => {
                format!("(each {} {} {})", pattern(bound), expr(iterable), block(body))
            }
            LoopHead::Keys { pattern: bound, object } => {
                format!("(keys {} {} {})", pattern(bound), expr(object), block(body))
            }
            LoopHead::While(test) => format!("(while{} {})", optional(test), block(body)),
        },
        StmtKind::Break => "(break)".to_owned(),
        StmtKind::Continue => "(continue)".to_owned(),
        StmtKind::Try { body, handlers, finally } => {
            let handler = |handler: &Handler| {
                let bound = handler.pattern.as_ref().map(|bound| format!(" {}", pattern(bound))).unwrap_or_default();
                let class = handler.class.as_ref().map(|class| format!(" :of {}", expr(class))).unwrap_or_default();
                format!("(catch{class}{bound} {})", block(&handler.body))
            };
            format!("(try {}{} {})", block(body), list(handlers, handler), block(finally))
        }
        StmtKind::Switch { subject, cases } => {
            let case = |case: &Case| match &case.test {
                Some(test) => format!("(case {} {})", expr(test), block(&case.body)),
                None => format!("(default {})", block(&case.body)),
            };
            format!("(switch {}{})", expr(subject), list(cases, case))
        }
        StmtKind::Block(body) => block(body),
        StmtKind::Function(value) => function(value),
        StmtKind::Class(value) => class(value),
        StmtKind::Import(import) => {
            let binding = |binding: &ImportBinding| match &binding.what {
                Imported::Default => format!("default={}", binding.local),
                Imported::Name(name) => format!("{name}={}", binding.local),
                Imported::Module => format!("*={}", binding.local),
                Imported::Everything => format!("everything{}", binding.local),
            };
            format!("(import {:?}{})", import.module, list(&import.bindings, binding))
        }
        StmtKind::Export(export) => {
            let pair = |(from, to): &(String, String)| format!("{from}={to}");
            match export {
                Export::Default(value) => format!("(export-default {})", expr(value)),
                Export::Names(names) => format!("(export{})", list(names, pair)),
                Export::NamesFrom { module, names } => format!("(export-from {module:?}{})", list(names, pair)),
                Export::AllFrom { module, name } => {
                    format!("(export-all {module:?}{})", name.iter().map(|name| format!(" {name}")).collect::<String>())
                }
            }
        }
        StmtKind::With { items, body } => {
            let item = |(value, bound): &(Expr, Option<Pattern>)| match bound {
                Some(bound) => format!("({} as {})", expr(value), pattern(bound)),
                None => expr(value),
            };
            format!("(with{} {})", list(items, item), block(body))
        }
        StmtKind::Outer(names) => format!("(outer{})", list(names, String::clone)),
        StmtKind::Opaque(what) => format!("<{what}>"),
    }
}

fn optional(value: &Option<Expr>) -> String {
    value.as_ref().map(|value| format!(" {}", expr(value))).unwrap_or_default()
}

fn with_default(bound: &Pattern, default: &Option<Expr>) -> String {
    match default {
        Some(default) => format!("{}={}", pattern(bound), expr(default)),
        None => pattern(bound),
    }
}

fn pattern(value: &Pattern) -> String {
    let rest =
        |rest: &Option<Box<Pattern>>| rest.as_ref().map(|rest| format!(" ...{}", pattern(rest))).unwrap_or_default();
    match value {
        Pattern::Name { name, .. } => name.clone(),
        Pattern::Object { fields, rest: last } => {
            let field = |(name, bound, default): &(PropertyKey, Pattern, Option<Expr>)| {
                format!("{}:{}", key(name), with_default(bound, default))
            };
            format!("(object-pattern{}{})", list(fields, field), rest(last))
        }
        Pattern::Array { items, rest: last } => {
            let item = |item: &Option<(Pattern, Option<Expr>)>| match item {
                Some((bound, default)) => with_default(bound, default),
                None => "_".to_owned(),
            };
            format!("(array-pattern{}{})", list(items, item), rest(last))
        }
        Pattern::Place(place) => format!("(place {})", expr(place)),
        Pattern::Opaque(_) => "<pattern>".to_owned(),
    }
}

fn key(key: &PropertyKey) -> String {
    match key {
        PropertyKey::Name(name) => name.clone(),
        PropertyKey::Computed(value) => format!("[{}]", expr(value)),
        PropertyKey::Spread => "...".to_owned(),
        PropertyKey::Getter(name) => format!("get {name}"),
    }
}

fn argument(argument: &Argument) -> String {
    let spread = match argument.spread {
        ArgumentSpread::None => "",
        ArgumentSpread::Items => "...",
        ArgumentSpread::Keywords => "**",
    };
    let keyword = argument.keyword.as_ref().map(|keyword| format!("{keyword}=")).unwrap_or_default();
    format!("{keyword}{spread}{}", expr(&argument.value))
}

/// One expression.
pub(super) fn expr(value: &Expr) -> String {
    match &value.kind {
        ExprKind::Str(text) => format!("{text:?}"),
        ExprKind::Num(number) => number.to_string(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Null => "null".to_owned(),
        ExprKind::Regex { pattern, flags } => format!("/{pattern}/{flags}"),
        ExprKind::Template(parts) => {
            let part = |part: &TemplatePart| match part {
                TemplatePart::Text(text) => format!("{text:?}"),
                TemplatePart::Value(value) => expr(value),
            };
            format!("(template{})", list(parts, part))
        }
        ExprKind::Array(items) => format!("(array{})", list(items, expr)),
        ExprKind::Object(properties) => {
            let property = |property: &Property| format!("{}:{}", key(&property.key), expr(&property.value));
            format!("(object{})", list(properties, property))
        }
        ExprKind::Chain(value) => format!("(chain {})", expr(value)),
        ExprKind::IfThere(value) => format!("{}?", expr(value)),
        ExprKind::Member { object, property, .. } => format!("{}.{property}", expr(object)),
        ExprKind::Index { object, index } => format!("(index {} {})", expr(object), expr(index)),
        ExprKind::Call { callee, arguments } => format!("(call {}{})", expr(callee), list(arguments, argument)),
        ExprKind::New { callee, arguments } => format!("(new {}{})", expr(callee), list(arguments, argument)),
        ExprKind::Name(name) => name.clone(),
        ExprKind::This => "this".to_owned(),
        ExprKind::Super => "super".to_owned(),
        ExprKind::Function(value) => function(value),
        ExprKind::Class(value) => class(value),
        ExprKind::Conditional { test, then, otherwise } => {
            format!("(? {} {} {})", expr(test), expr(then), expr(otherwise))
        }
        ExprKind::Binary { operator, left, right } => format!("({operator:?} {} {})", expr(left), expr(right)),
        ExprKind::Unary { operator, operand } => format!("({operator:?} {})", expr(operand)),
        ExprKind::Await(value) => format!("(await {})", expr(value)),
        ExprKind::Yield(Some(value)) => format!("(yield {})", expr(value)),
        ExprKind::Yield(None) => "(yield)".to_owned(),
        ExprKind::Spread(value) => format!("...{}", expr(value)),
        ExprKind::Assign { target, operator: None, value } => format!("(= {} {})", pattern(target), expr(value)),
        ExprKind::Assign { target, operator: Some(operator), value } => {
            format!("({operator:?}= {} {})", pattern(target), expr(value))
        }
        ExprKind::Sequence(values) => format!("(sequence{})", list(values, expr)),
        ExprKind::Comprehension { element, pattern: bound, iterable, conditions } => {
            let test = |test: &Expr| format!("if {}", expr(test));
            format!("(each-of {} {} {}{})", pattern(bound), expr(iterable), expr(element), list(conditions, test))
        }
        ExprKind::Opaque(what) => format!("<{what}>"),
    }
}

fn function(function: &Function) -> String {
    let parameter = |parameter: &Parameter| {
        let kind = match parameter.kind {
            ParameterKind::One => "",
            ParameterKind::KeywordOnly => "kw:",
            ParameterKind::Rest => "...",
            ParameterKind::RestKeywords => "**",
        };
        let field = if parameter.is_field { "field:" } else { "" };
        let decorators: String = parameter.decorators.iter().map(|value| format!("@{} ", expr(value))).collect();
        let annotation = parameter.annotation.as_ref().map(|value| format!(":{}", expr(value))).unwrap_or_default();
        let default = parameter.default.as_ref().map(|value| format!("={}", expr(value))).unwrap_or_default();
        format!("{decorators}{field}{kind}{}{annotation}{default}", pattern(&parameter.pattern))
    };
    let mut words = decorated(&function.decorators);
    for (is, word) in [
        (function.is_async, "async "),
        (function.is_generator, "generator "),
        (function.is_arrow, "arrow "),
        (!function.is_arrow, "function "),
    ] {
        words += if is { word } else { "" };
    }
    let parameters = list(&function.parameters, parameter);
    format!("({words}{}({}) {})", function.name, parameters.trim_start(), block(&function.body))
}

fn decorated(decorators: &[Expr]) -> String {
    decorators.iter().map(|value| format!("@{} ", expr(value))).collect()
}

fn class(class: &Class) -> String {
    let member = |member: &ClassMember| match member {
        ClassMember::Method { function: value, is_static, is_getter } => {
            let words = [(*is_static, "static "), (*is_getter, "get ")];
            let words: String = words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
            format!("{words}{}", function(value))
        }
        ClassMember::Field { name, value, is_static, .. } => {
            format!("({}field {name}{})", if *is_static { "static " } else { "" }, optional(value))
        }
        ClassMember::Stmt(value) => stmt(value),
    };
    let words = decorated(&class.decorators);
    format!("({words}class {}({}){})", class.name, list(&class.bases, expr).trim_start(), list(&class.members, member))
}
