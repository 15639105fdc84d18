//! A page loaded without encryption may read.

use crate::cors::{Fetch, Origin};
use crate::finding::{Applicability, Severity};
use crate::rules::{Report, Rule, ServerView, allows_credentials, edits, evidence, when, with_certainty};

use super::reflected_origin::reflects;

/// `insecure-origin`
pub struct InsecureOrigin;

impl Rule for InsecureOrigin {
    fn id(&self) -> &'static str {
        "insecure-origin"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for entry in &view.entries {
            let Ok(origin) = Origin::parse(&entry.text) else { continue };
            // A page of one's own network has no certificate to have.
            if origin.scheme() != "http" || origin.is_secure() || origin.is_loopback() || origin.is_private_network() {
                continue;
            }
            for route in &view.routes {
                let answer = view.from_page(route, &entry.text);
                let Some((certainty, world)) = when(&answer, |world| reflects(world, &entry.text)) else { continue };
                let credentials = allows_credentials(world);
                let message = format!(
                    "`{}` is loaded without encryption, so whoever is on the way can write its code",
                    entry.text
                );
                let Some(finding) = report.at(self.id(), entry.span, "plain http", message) else { continue };
                finding.severity = if credentials { Severity::Warning } else { Severity::Note };
                let mut fetch = Fetch::get(&*entry.text, &route.path).with_method(&*route.method);
                if credentials {
                    fetch = fetch.with_credentials();
                }
                finding.evidence = evidence(view, &fetch, &certainty);
                finding.consequence = Some(if credentials {
                    "somebody on the same network can put a script into that page, and read the answers with the visitor's cookies".into()
                } else {
                    "somebody on the same network can put a script into that page, and read the answers".into()
                });
                finding.help = Some(format!("serve the page over https, and allow `https{}`", &entry.text[4..]));
                if let Some(span) = edits::literal(view, entry.span, &entry.text) {
                    let secure = format!("https{}", &entry.text[4..]);
                    edits::replace(finding, Applicability::Unsafe, "allow the page over https", span, &secure);
                }
                with_certainty(finding, &certainty);
            }
        }
    }
}
