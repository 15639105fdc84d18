//! Every tenant of a shared host is trusted with credentials.

use crate::cors::{Effort, Fetch, find_tenant, headers};
use crate::rules::{Report, Rule, ServerView, allows_credentials, evidence, only, when, with_certainty, with_trail};

use super::reflected_origin::reflects;

/// `shared-host-origin`
pub struct SharedHostOrigin;

impl Rule for SharedHostOrigin {
    fn id(&self) -> &'static str {
        "shared-host-origin"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for test in &view.tests {
            let Some(origin_test) = test.test() else { continue };
            let search = |effort: &mut Effort| find_tenant(&origin_test, effort);
            let Some(tenant) = report.search(test.check.span, search) else { continue };
            for route in &view.routes {
                let answer = view.from_page(route, &tenant.origin);
                let holds = |world: &crate::model::World| reflects(world, &tenant.origin) && allows_credentials(world);
                let Some((certainty, world)) = when(&answer, holds) else { continue };
                let stranger = crate::rules::STRANGER;
                if when(&view.from_page(route, stranger), |world| reflects(world, stranger)).is_some() {
                    continue;
                }
                let Some((sent, _)) = only(world, headers::ALLOW_ORIGIN) else { continue };
                let message = format!(
                    "anybody can have a page under {}, and all of them are let in with credentials",
                    tenant.suffix
                );
                let label = format!("lets in `{}`", tenant.origin);
                let Some(finding) = report.at(self.id(), test.check.span, label, message) else { continue };
                let fetch = Fetch::get(&tenant.origin, &route.path).with_method(&*route.method).with_credentials();
                finding.evidence = evidence(view, &fetch, &certainty);
                finding.consequence =
                    Some("whoever deploys a page there can read the answers with the visitor's cookies".into());
                finding.help = Some(format!("name your own deployments: `https://your-app.{}`", tenant.suffix));
                with_trail(finding, sent);
                with_certainty(finding, &certainty);
            }
        }
    }
}
