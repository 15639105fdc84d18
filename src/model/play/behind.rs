//! Handing a request on to the server behind, and taking its answer over.

use std::sync::Arc;

use super::Play;
use crate::cors::Request;
use crate::model::answer::{Behind, Open, Outcome, Sent};
use crate::model::{EffectKind, Forward, Guard, Reason, Server, Status, Step, WriteOp};
use crate::source::Span;

/// How many servers a request is handed through.
const MOST_HOPS: u8 = 8;

impl<'a> Play<'_, 'a> {
    /// Hands the request on, and takes over the answer.
    pub(super) fn forward(&mut self, step: &Step, forward: &Forward, span: Span) -> Result<(), Open> {
        self.world.forwarded = Some(forward.clone());
        self.finish(Some(step.kind), step.span, span);
        match self.session.behind.get(&span) {
            Some(Behind::Server(server)) if self.depth < MOST_HOPS => {
                let Some(request) = self.request_behind(forward)? else {
                    self.opaque_behind(
                        forward,
                        &Reason::new("what is asked of the server behind is not known", span),
                        span,
                    );
                    return Ok(());
                };
                if self.comes_from_cache(forward, span)? {
                    return Ok(());
                }
                self.because(span, "the request is handed to the server behind");
                self.inner(server, &request, forward)
            }
            Some(Behind::Nobody) => {
                if self.comes_from_cache(forward, span)? {
                    return Ok(());
                }
                self.because(span, "nothing listens behind");
                self.status = Some(Status::Code(502));
                Ok(())
            }
            _ => {
                self.because(span, "the request is handed to another server");
                self.forwarded = true;
                let reason = Reason::new("whether the server behind sends CORS headers of its own", span);
                if self.holds(&Guard::Unknown(reason.clone()))? {
                    self.opaque_behind(forward, &reason, span);
                }
                self.status = Some(Status::Unknown(Reason::new("the answer of the server behind is not known", span)));
                Ok(())
            }
        }
    }

    /// Whether a cache answers, from what was asked before; the answer is then not known.
    fn comes_from_cache(&mut self, forward: &Forward, span: Span) -> Result<bool, Open> {
        // Nothing else is kept unless `proxy_cache_methods` says so.
        let from_cache = forward.cached
            && self.session.asked
            && matches!(self.request.method.as_str(), "GET" | "HEAD" | "POST")
            && self.holds(&Guard::Unknown(Reason::new("whether the answer comes from the cache", span)))?;
        if from_cache {
            self.opaque_behind(forward, &Reason::new("the answer may come from the cache", span), span);
        }
        Ok(from_cache)
    }

    /// The request as the server behind sees it; nothing where a part of it is not known.
    fn request_behind(&mut self, forward: &Forward) -> Result<Option<Request>, Open> {
        let mut request = self.request.clone();
        if let Some(path) = &forward.path {
            let Ok(path) = self.text(path)? else { return Ok(None) };
            request.path = path;
        }
        if let Some(method) = &forward.method {
            let Ok(method) = self.text(method)? else { return Ok(None) };
            request.method = method;
        }
        if forward.bare {
            request.headers.retain(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        }
        for effect in &forward.request {
            let EffectKind::Write(write) = &effect.kind else { continue };
            if !self.holds(&effect.when)? {
                continue;
            }
            let mut values = Vec::new();
            for value in &write.values {
                let Ok(value) = self.text(value)? else {
                    // Only what may decide CORS matters.
                    if write.is("origin") || write.name.to_ascii_lowercase().starts_with("access-control-") {
                        return Ok(None);
                    }
                    continue;
                };
                values.push((write.name.to_string(), value));
            }
            if matches!(write.op, WriteOp::Set | WriteOp::Remove) {
                request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(&write.name));
            }
            request.headers.extend(values);
        }
        Ok(Some(request))
    }

    fn inner(&mut self, server: &'a Server, request: &Request, forward: &Forward) -> Result<(), Open> {
        let last_index = std::mem::take(&mut self.last_index);
        let mut play = Play::of(self.session, server, request, self.assumptions.clone(), last_index, self.depth + 1);
        let world = play.run()?;
        self.last_index = std::mem::take(&mut play.last_index);
        self.world.because.extend(world.because);
        self.world.ran.extend(world.ran);
        if world.outcome == Outcome::Closed {
            self.status = Some(Status::Code(502));
            return Ok(());
        }
        if world.outcome == Outcome::Hangs {
            self.status = Some(Status::Code(504));
            return Ok(());
        }
        self.forwarded = true;
        self.status = Some(match world.status {
            Some(code) => Status::Code(code),
            None => Status::Unknown(Reason::new("the status that the server behind answers is not known", server.span)),
        });
        self.inner.clone_from(&world.headers);
        let asks = |name: &Arc<str>| world.headers.iter().any(|sent| sent.name.eq_ignore_ascii_case(name));
        if let Some(name) = forward.asks_for_another.as_ref().filter(|name| asks(name)) {
            self.opaque(
                &Reason {
                    text: format!("{name} puts another answer in place of this one").into(),
                    span: Some(server.span),
                },
                server.span,
            );
            return Ok(());
        }
        for sent in world.headers {
            if forward.hides.iter().any(|(name, _)| sent.name.eq_ignore_ascii_case(name)) {
                continue;
            }
            if forward.replaces {
                let name = sent.name.clone();
                let fresh = !self.inner.iter().take_while(|inner| **inner != sent).any(|inner| inner.name == name);
                if fresh {
                    self.world.headers.retain(|other| !other.name.eq_ignore_ascii_case(&name));
                }
            }
            self.world.headers.push(sent);
        }
        Ok(())
    }

    /// The answer of the server behind is not known: neither is any CORS header that is let through.
    fn opaque_behind(&mut self, forward: &Forward, reason: &Reason, span: Span) {
        let kept: Vec<Sent> = if forward.replaces { Vec::new() } else { self.world.headers.clone() };
        self.opaque(reason, span);
        self.inner.clone_from(&self.world.headers);
        self.world.headers.retain(|sent| !forward.hides.iter().any(|(name, _)| sent.name.eq_ignore_ascii_case(name)));
        self.world.headers.splice(0..0, kept);
        self.forwarded = true;
    }
}
