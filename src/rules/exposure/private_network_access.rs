//! Pages of the internet are let into a private network.

use crate::cors::headers;
use crate::rules::{Report, Rule, STRANGER, ServerView, help, only, source, when, with_certainty, with_trail};

/// `private-network-access`
pub struct PrivateNetworkAccess;

impl Rule for PrivateNetworkAccess {
    fn id(&self) -> &'static str {
        "private-network-access"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        for route in &view.routes {
            let preflight = crate::cors::Request::preflight(&route.path, STRANGER, &*route.method, &[])
                .with_header("Access-Control-Request-Private-Network", "true");
            let answer = view.ask(&preflight);
            let opens = |world: &crate::model::World| {
                let private = only(world, headers::ALLOW_PRIVATE_NETWORK).is_some_and(|(_, value)| value == "true");
                let allowed =
                    only(world, headers::ALLOW_ORIGIN).is_some_and(|(_, value)| value == "*" || value == STRANGER);
                private && allowed
            };
            let Some((certainty, world)) = when(&answer, opens) else { continue };
            // A variable that says so by its value is somebody's decision.
            if certainty.is_chosen() {
                continue;
            }
            let Some((sent, _)) = only(world, headers::ALLOW_PRIVATE_NETWORK) else { continue };
            let message = "pages of the internet may reach this server in a private network, whatever their origin";
            let Some(finding) = report.at(self.id(), source(sent), "allowed here", message) else { continue };
            finding.consequence = Some(
                "browsers that ask for Private Network Access let any site's page call this server behind the visitor's firewall".into(),
            );
            finding.help = Some(
                match view.server.framework {
                    "flask" if !help::is_by_hand(view, sent.span) => {
                        "set `allow_private_network=False`, as is the default from flask-cors 5 on; or list the origins"
                    }
                    _ => "send it only to origins that are listed",
                }
                .into(),
            );
            with_trail(finding, sent);
            with_certainty(finding, &certainty);
        }
    }
}
