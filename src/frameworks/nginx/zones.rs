//! Shared memory that directives name: `nginx` does not start where nothing sizes it.

use rustc_hash::FxHashSet;

use super::server::Compiler;
use crate::source::Span;
use crate::syntax::nginx::Directive;

/// Notes the first zone that is used and that nothing in what nginx reads sizes (nginx 1.31, `ngx_init_cycle`,
/// `ngx_http_proxy_merge_loc_conf`).
pub(super) fn check(compiler: &mut Compiler<'_>, directives: &[Directive]) {
    let mut sized: FxHashSet<&str> = FxHashSet::default();
    let mut used: Vec<(&str, &str, Span)> = Vec::new();
    let mut open: Vec<&Directive> = directives.iter().rev().collect();
    while let Some(directive) = open.pop() {
        open.extend(directive.children().iter().rev());
        let after = |start: &str| directive.args.iter().find_map(|word| word.text.strip_prefix(start));
        let name = directive.name.text.as_str();
        match name {
            _ if directive.is_templated() => {}
            "limit_req_zone" | "limit_conn_zone" => sized.extend(after("zone=").map(name_of)),
            _ if name.ends_with("_cache_path") => sized.extend(after("keys_zone=").map(name_of)),
            "limit_req" => used.extend(after("zone=").map(|zone| (name, zone, directive.span))),
            "limit_conn" | "proxy_cache" | "fastcgi_cache" | "uwsgi_cache" | "scgi_cache" => {
                let zone = directive.arg(0).filter(|zone| *zone != "off" && !zone.contains('$'));
                used.extend(zone.map(|zone| (name, zone, directive.span)));
            }
            _ => {}
        }
    }
    if let Some((name, zone, span)) = used.into_iter().find(|(_, zone, _)| !sized.contains(zone)) {
        let why = match name.ends_with("_cache") {
            true => format!("\"{name}\" zone \"{zone}\" is unknown"),
            false => format!("zero size shared memory zone \"{zone}\""),
        };
        compiler.refuse(why, span);
    }
}

/// The name of `name:size`.
fn name_of(zone: &str) -> &str {
    zone.split(':').next().unwrap_or(zone)
}
