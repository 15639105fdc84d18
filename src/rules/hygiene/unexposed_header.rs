//! A response header that handlers set cannot be read by pages.

use crate::cors::{Fetch, browser, headers};
use crate::finding::{Applicability, Fix, Label};
use crate::model::{Outcome, Sent, World};
use crate::rules::calls::{allow_origin, origins, reply};
use crate::rules::{Report, Rule, ServerView, edits, help, only, source};
use crate::source::Span;

/// `unexposed-header`
pub struct UnexposedHeader;

/// Headers of the `X-` kind that are for browsers, proxies and logs.
const NOT_FOR_PAGES: &[&str] = &[
    "x-frame-options",
    "x-content-type-options",
    "x-xss-protection",
    "x-powered-by",
    "x-dns-prefetch-control",
    "x-download-options",
    "x-permitted-cross-domain-policies",
    "x-robots-tag",
    "x-ua-compatible",
    "x-webkit-csp",
    "x-content-security-policy",
    "x-response-time",
    "x-runtime",
    "x-served-by",
    "x-server",
    "x-backend",
    "x-upstream",
    "x-sourcemap",
    "x-clacks-overhead",
    "x-real-ip",
    "x-proxy-cache",
    "x-sendfile",
];

impl Rule for UnexposedHeader {
    fn id(&self) -> &'static str {
        "unexposed-header"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        // What a configuration adds is for those who run the server.
        if view.server.framework == "nginx" || !view.complete() {
            return;
        }
        let mut found: Vec<(Span, String, Span)> = Vec::new();
        for route in &view.routes {
            for origin in origins(view) {
                let answer = view.from_page(route, &origin);
                let fetch = Fetch::get(&*origin, &route.path).with_method(&*route.method);
                for world in answer.worlds.iter().filter(|world| world.outcome == Outcome::Answered) {
                    if !browser::check_response(&fetch, &reply(world)).is_allowed() {
                        continue;
                    }
                    for sent in world.headers.iter().filter(|sent| is_for_pages(&sent.name)) {
                        if browser::is_readable(&fetch, &reply(world), &sent.name) == Some(false)
                            && let Some(policy) = policy(world)
                            && !found.iter().any(|(at, name, set)| {
                                // One statement for all routes is one thing to say, however many policies it meets.
                                name.eq_ignore_ascii_case(&sent.name) && (*at == policy || *set == sent.span)
                            })
                        {
                            found.push((policy, sent.name.to_string(), sent.span));
                        }
                    }
                }
            }
        }
        let mut policies: Vec<Span> = found.iter().map(|(policy, ..)| *policy).collect();
        policies.sort();
        policies.dedup();
        for policy in policies {
            let here: Vec<_> = found.iter().filter(|(at, ..)| *at == policy).collect();
            let names: Vec<String> = here.iter().map(|(_, name, _)| name.clone()).collect();
            let words = help::names(&names);
            let message = format!("handlers set {words}, which pages cannot read");
            let Some(finding) = report.at(self.id(), policy, "exposes none of it", message) else { continue };
            finding.labels.extend(here.iter().take(4).map(|(.., span)| Label::new(*span, "set here")));
            finding.consequence =
                Some(format!("`response.headers.get('{}')` is `null` in a page of another origin", names[0]));
            finding.help = Some(help::expose_headers(view, &names));
            if view
                .writes(|name| name.eq_ignore_ascii_case(headers::EXPOSE_HEADERS))
                .iter()
                .any(|(_, _, write)| write.trail.0.first().is_some_and(|(place, _)| *place == policy))
                && let Some(edit) = edits::add_member(view, policy, &words)
                && names.len() == 1
            {
                let title = format!("expose {words}");
                finding.fixes.push(Fix { title, applicability: Applicability::Unsafe, edits: vec![edit] });
            }
        }
    }
}

/// Where the policy says what is exposed, or else where it is.
fn policy(world: &World) -> Option<Span> {
    match only(world, headers::EXPOSE_HEADERS) {
        Some((sent, _)) => Some(source(sent)),
        None => allow_origin(world).map(|sent: &Sent| sent.span),
    }
}

fn is_for_pages(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("x-")
        && !NOT_FOR_PAGES.contains(&name.as_str())
        && !["x-accel-", "x-cache", "x-amz", "x-vercel", "x-forwarded", "x-original"]
            .iter()
            .any(|start| name.starts_with(start))
}
