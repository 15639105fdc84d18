//! Exchanges as proof.

use super::view::ServerView;
use crate::cors::{Credentials, Fetch, Request, Verdict, browser, headers};
use crate::finding::Evidence;
use crate::model::Answer;

/// An exchange as proof.
pub fn evidence(view: &ServerView, fetch: &Fetch) -> Vec<Evidence> {
    let exchange = view.play(fetch);
    let show = |request: &Request, answer: &Answer, verdict: String| Evidence {
        request: request.clone(),
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
    let verdict = match &exchange.verdict {
        Verdict::Allowed => "allowed".to_owned(),
        Verdict::Blocked(block) => format!("blocked: {}", block.summary()),
        Verdict::Unknown(_) => "unknown".to_owned(),
    };
    let mut rows = Vec::new();
    match exchange.preflight {
        Some((request, answer)) => {
            let passes = browser::check_preflight(fetch, &answer.reply()).is_allowed();
            if passes {
                rows.push(show(&request, &answer, "passes".to_owned()));
                rows.push(show(&exchange.request.0, &exchange.request.1, verdict));
            } else {
                rows.push(show(&request, &answer, verdict));
            }
        }
        None => rows.push(show(&exchange.request.0, &exchange.request.1, verdict)),
    }
    rows
}
