//! What `nginx -t` refuses, as far as the directives that matter here go (nginx 1.31).

use rustc_hash::FxHashSet;

use super::Version;
use super::content::PASSES;
use super::levels::{Matcher, matcher};
use super::rewrite::condition;
use super::server::Compiler;
use super::texts::Patterns;
use super::values;
use crate::cors::PatternError;
use crate::source::Span;
use crate::syntax::nginx::{Directive, Word};

const HTTP: u8 = 1;
const SERVER: u8 = 2;
const LOCATION: u8 = 4;
/// `if` in a location, and in a server block.
const IF: u8 = 8;
const SERVER_IF: u8 = 16;
const LIMIT: u8 = 32;
const LEVELS: u8 = HTTP | SERVER | LOCATION;
const ANY: u8 = 255;

/// Name, where it may stand, and how many arguments it takes (`255`: any number).
const DIRECTIVES: &[(&str, u8, u8, u8)] = &[
    ("add_header", LEVELS | IF, 2, 3),
    ("add_header_inherit", LEVELS | IF, 1, 1),
    ("add_trailer", LEVELS | IF, 2, 3),
    ("expires", LEVELS | IF, 1, 2),
    ("more_set_headers", LEVELS | IF, 1, ANY),
    ("more_clear_headers", LEVELS | IF, 1, ANY),
    ("server", HTTP, 0, 0),
    ("location", SERVER | LOCATION, 1, 2),
    ("if", SERVER | LOCATION, 1, ANY),
    ("limit_except", LOCATION, 1, ANY),
    ("map", HTTP, 2, 2),
    ("geo", HTTP, 1, 2),
    ("split_clients", HTTP, 2, 2),
    ("upstream", HTTP, 1, 1),
    ("set", SERVER | SERVER_IF | LOCATION | IF, 2, 2),
    ("break", SERVER | SERVER_IF | LOCATION | IF, 0, 0),
    ("return", SERVER | SERVER_IF | LOCATION | IF, 1, 2),
    ("rewrite", SERVER | SERVER_IF | LOCATION | IF, 2, 3),
    ("listen", SERVER, 1, ANY),
    ("server_name", SERVER, 1, ANY),
    ("proxy_pass", LOCATION | IF | LIMIT, 1, 1),
    ("fastcgi_pass", LOCATION | IF, 1, 1),
    ("uwsgi_pass", LOCATION | IF, 1, 1),
    ("grpc_pass", LOCATION | IF, 1, 1),
    ("scgi_pass", LOCATION | IF, 1, 1),
    ("proxy_set_header", LEVELS, 2, 2),
    ("proxy_hide_header", LEVELS, 1, 1),
    ("proxy_pass_header", LEVELS, 1, 1),
    ("proxy_ignore_headers", LEVELS, 1, ANY),
    ("proxy_intercept_errors", LEVELS, 1, 1),
    ("proxy_cache", LEVELS, 1, 1),
    ("try_files", SERVER | LOCATION, 2, ANY),
    ("error_page", LEVELS | IF, 2, ANY),
    ("recursive_error_pages", LEVELS, 1, 1),
    ("root", LEVELS | IF, 1, 1),
    ("alias", LOCATION, 1, 1),
    ("index", LEVELS, 1, ANY),
    ("autoindex", LEVELS, 1, 1),
    ("internal", LOCATION, 0, 0),
    ("satisfy", LEVELS, 1, 1),
    ("allow", LEVELS | LIMIT, 1, 1),
    ("deny", LEVELS | LIMIT, 1, 1),
    ("auth_basic", LEVELS | LIMIT, 1, 1),
    ("auth_basic_user_file", LEVELS | LIMIT, 1, 1),
    ("auth_request", LEVELS, 1, 1),
    ("auth_request_set", LEVELS, 2, 2),
    ("limit_req", LEVELS, 1, 3),
    ("limit_conn", LEVELS, 2, 2),
    ("client_max_body_size", LEVELS, 1, 1),
    ("gzip_vary", LEVELS, 1, 1),
];

/// Directives that are blocks.
const BLOCKS: &[&str] = &["server", "location", "if", "limit_except", "map", "geo", "split_clients", "upstream"];

/// The methods that `limit_except` knows (`ngx_http_core_limit_except`).
const METHODS: &[&str] = &[
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "MKCOL",
    "COPY",
    "MOVE",
    "OPTIONS",
    "PROPFIND",
    "PROPPATCH",
    "LOCK",
    "UNLOCK",
    "PATCH",
];

/// Notes the first reason why nginx would not start with what is inside `http`.
pub(super) fn check(compiler: &mut Compiler<'_>, directives: &[Directive], version: Version) {
    let mut checker = Checker { version, patterns: &compiler.patterns, defaults: Vec::new(), error: None };
    checker.level(directives, HTTP, None);
    if let Some((why, span)) = checker.error {
        compiler.refuse(why, span);
    }
}

struct Checker<'p> {
    version: Version,
    patterns: &'p Patterns,
    /// The addresses that have a default server.
    defaults: Vec<String>,
    error: Option<(String, Span)>,
}

impl Checker<'_> {
    fn refuse(&mut self, why: impl Into<String>, span: Span) {
        if self.error.is_none() {
            self.error = Some((why.into(), span));
        }
    }

    /// Depth is bounded by how deep the reader reads blocks.
    fn level(&mut self, directives: &[Directive], context: u8, around: Option<&Directive>) {
        let mut locations: FxHashSet<(bool, String)> = FxHashSet::default();
        let mut before: Vec<&Directive> = Vec::new();
        for directive in directives {
            if self.error.is_some() {
                return;
            }
            // What a template makes of it is not known.
            if directive.is_templated() {
                self.inside(directive, context);
                continue;
            }
            let name = directive.name.text.as_str();
            if name == "add_header_inherit" && self.version < (Version { minor: 29, patch: 3 }) {
                return self.refuse("unknown directive \"add_header_inherit\"", directive.span);
            }
            if let Some(why) = values::repeated(directive, &before).filter(|_| directive.conditions.is_empty()) {
                return self.refuse(why, directive.span);
            }
            before.push(directive);
            let Some(&(_, allowed, least, most)) = DIRECTIVES.iter().find(|(known, ..)| *known == name) else {
                continue;
            };
            if allowed & context == 0 {
                return self.refuse(format!("\"{name}\" directive is not allowed here"), directive.span);
            }
            let is_block = BLOCKS.contains(&name);
            if is_block && directive.block.is_none() {
                return self.refuse(format!("directive \"{name}\" has no opening \"{{\""), directive.span);
            }
            if !is_block && directive.block.is_some() {
                return self.refuse(format!("directive \"{name}\" is not terminated by \";\""), directive.span);
            }
            let count = directive.args.len();
            if count < least as usize || (most != ANY && count > most as usize) {
                return self.refuse(format!("invalid number of arguments in \"{name}\" directive"), directive.span);
            }
            self.arguments(directive, context, around);
            let key = match matcher(&directive.args) {
                _ if name != "location" || !directive.conditions.is_empty() => None,
                Matcher::Exact(text) => Some((true, text)),
                Matcher::Prefix { text, .. } | Matcher::Named(text) => Some((false, text)),
                _ => None,
            };
            if let Some(key) = key
                && !locations.insert(key.clone())
            {
                return self.refuse(format!("duplicate location \"{}\"", key.1), directive.span);
            }
            self.inside(directive, context);
        }
    }

    fn inside(&mut self, directive: &Directive, context: u8) {
        let context = match directive.name.text.as_str() {
            "map" => {
                if let Some((why, entry)) = values::map(directive) {
                    self.refuse(why, entry.span);
                }
                for entry in directive.children().iter().filter(|entry| !entry.name.templated) {
                    self.pattern(&entry.name);
                }
                return;
            }
            "upstream" => {
                let known = |one: &&Directive| !one.is("server") && DIRECTIVES.iter().any(|(name, ..)| one.is(name));
                if let Some(stray) = directive.children().iter().find(known) {
                    let name = &stray.name.text;
                    self.refuse(format!("\"{name}\" directive is not allowed here"), stray.span);
                }
                return;
            }
            "server" if context == HTTP => SERVER,
            "location" => LOCATION,
            "if" if context == SERVER => SERVER_IF,
            "if" => IF,
            "limit_except" => LIMIT,
            _ => return,
        };
        self.level(directive.children(), context, Some(directive));
    }

    /// A word that is a pattern where it begins with `~`.
    fn pattern(&mut self, word: &Word) {
        let Some(pattern) = word.text.strip_prefix('~') else { return };
        let (pattern, ignore_case) = pattern.strip_prefix('*').map_or((pattern, false), |pattern| (pattern, true));
        if let Err(PatternError::Invalid(why)) = self.patterns.read(pattern, ignore_case) {
            self.refuse(format!("invalid regular expression \"{pattern}\": {why}"), word.span);
        }
    }

    fn arguments(&mut self, directive: &Directive, context: u8, around: Option<&Directive>) {
        let name = directive.name.text.as_str();
        let args: Vec<&str> = directive.args.iter().map(|word| word.text.as_str()).collect();
        let at = |index: usize| directive.args.get(index).map_or(directive.span, |word| word.span);
        if let Some(why) = values::invalid(name, &args) {
            return self.refuse(why, at(0));
        }
        match (name, args.as_slice()) {
            ("add_header" | "add_trailer", [_, _, third]) if *third != "always" => {
                self.refuse(format!("invalid parameter \"{third}\""), at(2));
            }
            ("add_header_inherit", [mode]) if !["on", "off", "merge"].contains(mode) => {
                self.refuse(format!("invalid value \"{mode}\" in \"add_header_inherit\" directive"), at(0));
            }
            ("if", _) => match condition(&directive.args) {
                Err(why) => self.refuse(why, directive.span),
                Ok(condition) if condition.operator.starts_with('-') || condition.operator.starts_with("!-") => {}
                Ok(condition) => {
                    let name = condition.subject.text.trim_start_matches('$');
                    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'{' | b'}');
                    if !name.bytes().all(plain) {
                        // Names of variables are kept in lower case.
                        let name = name.to_ascii_lowercase();
                        self.refuse(format!("unknown \"{name}\" variable"), directive.span);
                    }
                }
            },
            ("limit_except", methods) => {
                let known = |method: &&str| METHODS.iter().any(|known| known.eq_ignore_ascii_case(method));
                if let Some(method) = methods.iter().find(|method| !known(method)) {
                    self.refuse(format!("invalid method \"{method}\""), directive.span);
                }
            }
            ("set", [variable, _]) if !variable.starts_with('$') => {
                self.refuse(format!("invalid variable name \"{variable}\""), at(0));
            }
            ("map", [_, variable]) if !variable.starts_with('$') => {
                self.refuse(format!("invalid variable name \"{variable}\""), at(1));
            }
            ("return", [code, rest @ ..]) => {
                let is_url = ["http://", "https://", "$scheme"].iter().any(|start| code.starts_with(start));
                let is_code =
                    code.bytes().all(|byte| byte.is_ascii_digit()) && code.parse::<u16>().is_ok_and(|code| code <= 999);
                let is_address = is_url && rest.is_empty();
                if !is_code && !is_address {
                    self.refuse(format!("invalid return code \"{code}\""), at(0));
                }
            }
            ("rewrite", [_, _, flag]) if !["last", "break", "redirect", "permanent"].contains(flag) => {
                self.refuse(format!("invalid parameter \"{flag}\""), at(2));
            }
            ("location", words) => {
                if let [modifier, _] = words
                    && !["=", "~", "~*", "^~"].contains(modifier)
                {
                    return self.refuse(format!("invalid location modifier \"{modifier}\""), at(0));
                }
                self.nesting(directive, around.filter(|_| context == LOCATION));
            }
            ("server_name", _) => directive.args.iter().for_each(|name| self.pattern(name)),
            ("listen", [address, flags @ ..])
                if flags.iter().any(|flag| ["default_server", "default"].contains(flag)) =>
            {
                let Some(address) = values::address(address) else { return };
                if self.defaults.contains(&address) {
                    return self.refuse(format!("a duplicate default server for {address}"), directive.span);
                }
                self.defaults.push(address);
            }
            ("proxy_pass", [address]) => self.proxy_pass(address, directive, context, around),
            _ => {}
        }
    }

    fn nesting(&mut self, directive: &Directive, around: Option<&Directive>) {
        let inner = matcher(&directive.args);
        let Some(around) = around.filter(|around| !around.is_templated()) else { return };
        let name = |directive: &Directive| directive.args.last().map_or(String::new(), |word| word.text.clone());
        let (own, outer) = (name(directive), name(around));
        match (matcher(&around.args), &inner) {
            (Matcher::Exact(_), _) => {
                self.refuse(
                    format!("location \"{own}\" cannot be inside the exact location \"{outer}\""),
                    directive.span,
                );
            }
            (Matcher::Named(_), _) => {
                self.refuse(
                    format!("location \"{own}\" cannot be inside the named location \"{outer}\""),
                    directive.span,
                );
            }
            (_, Matcher::Named(_)) => {
                self.refuse(format!("named location \"{own}\" can be on the server level only"), directive.span);
            }
            (Matcher::Prefix { text: outer, .. }, Matcher::Prefix { text, .. } | Matcher::Exact(text))
                if !text.starts_with(outer.as_str()) =>
            {
                self.refuse(format!("location \"{text}\" is outside location \"{outer}\""), directive.span);
            }
            _ => {}
        }
    }

    fn proxy_pass(&mut self, address: &str, directive: &Directive, context: u8, around: Option<&Directive>) {
        debug_assert!(PASSES.iter().any(|(name, _)| directive.is(name)));
        if address.contains('$') {
            return;
        }
        let Some((_, rest)) = address.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        else {
            return self.refuse("invalid URL prefix", directive.span);
        };
        let fixed = match around.map(|around| matcher(&around.args)) {
            _ if context != LOCATION => true,
            Some(Matcher::Regex { .. } | Matcher::Named(_)) => true,
            _ => false,
        };
        if fixed && rest.contains('/') && !rest.starts_with("unix:") {
            let why = "\"proxy_pass\" cannot have URI part in location given by regular expression, or inside named \
                       location, or inside \"if\" statement, or inside \"limit_except\" block";
            self.refuse(why, directive.span);
        }
    }
}
