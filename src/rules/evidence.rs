//! Exchanges as proof.

use super::Certainty;
use super::view::{Exchange, ServerView};
use crate::cors::{Credentials, Fetch, Request, Verdict, browser, headers};
use crate::finding::Evidence;
use crate::model::Answer;

/// A page's call as proof of what holds under some settings: the preflight where there is one, and the request itself
/// where the preflight passes.
pub fn evidence(view: &ServerView, fetch: &Fetch, certainty: &Certainty) -> Vec<Evidence> {
    let settings = match certainty {
        Certainty::Always => &[][..],
        Certainty::Environment(settings) => settings,
    };
    let Exchange { preflight, request: (request, answer), verdict } = view.play_where(fetch, settings);
    let show = |request: &Request, answer: &Answer, verdict: String| Evidence {
        request: request.clone(),
        settings: settings.to_vec(),
        credentials: fetch.credentials == Credentials::Include,
        status: answer.status,
        headers: answer
            .headers
            .iter()
            .filter(|(name, _)| headers::RESPONSE.contains(&name.to_ascii_lowercase().as_str()))
            .cloned()
            .collect(),
        verdict,
    };
    let verdict = match &verdict {
        Verdict::Allowed => "allowed".to_owned(),
        Verdict::Blocked(block) => format!("blocked: {}", block.summary()),
        Verdict::Unknown(_) => "unknown".to_owned(),
    };
    let Some((preflight, reply)) = preflight else { return vec![show(&request, &answer, verdict)] };
    if browser::check_preflight(fetch, &reply.reply()).is_allowed() {
        vec![show(&preflight, &reply, "passes".to_owned()), show(&request, &answer, verdict)]
    } else {
        vec![show(&preflight, &reply, verdict)]
    }
}
