//! Development's origins stand beside production's.

use crate::cors::Origin;
use crate::finding::Label;
use crate::rules::{Certainty, Report, Rule, ServerView, when};

use super::reflected_origin::reflects;

/// `development-origin`
pub struct DevelopmentOrigin;

impl Rule for DevelopmentOrigin {
    fn id(&self) -> &'static str {
        "development-origin"
    }

    fn check(&self, view: &ServerView, report: &mut Report) {
        let is_loopback = |text: &str| Origin::parse(text).is_ok_and(|origin| origin.is_loopback());
        let always = |text: &str| {
            view.routes.iter().any(|route| {
                let answer = view.from_page(route, text);
                matches!(when(&answer, |world| reflects(world, text)), Some((Certainty::Always, _)))
            })
        };
        let compared = || view.entries.iter().filter(|entry| entry.compared);
        let production = compared().any(|entry| {
            Origin::parse(&entry.text).is_ok_and(|origin| !origin.is_loopback() && !origin.is_null())
                && always(&entry.text)
        });
        if !production {
            return;
        }
        // One list is one finding, at its first entry.
        let mut local: Vec<_> = compared().filter(|entry| is_loopback(&entry.text) && always(&entry.text)).collect();
        local.sort_by_key(|entry| entry.span);
        let Some((first, rest)) = local.split_first() else { return };
        let message = "a development origin is allowed in production too";
        let Some(finding) = report.at(self.id(), first.span, "loopback", message) else { return };
        finding.labels.extend(rest.iter().take(4).map(|entry| Label::new(entry.span, "loopback too")));
        finding.consequence =
            Some("whatever runs on a visitor's own machine under that port may read the answers".into());
        finding.help = Some("add it only where the environment says that this is development".into());
    }
}
