//! Requests that nginx refuses before it looks for a location.

use super::content::{Origin, guarded};
use super::levels::LevelId;
use super::server::{Compiler, State, unknown_answer};
use super::texts::passes;
use crate::cors::StringTest;
use crate::model::{Guard, Node, Part, Reason, Status, StepKind, Text};
use crate::source::Span;

impl Compiler<'_> {
    /// What cannot be read is answered 400 by the block that takes what names no other (`ngx_http_process_request_line`,
    /// `ngx_http_process_host`); which headers were read by then is not known.
    pub fn refused_unread(&mut self, index: usize) -> Option<Node> {
        let block = &self.servers[index];
        let (level, span) = (block.level, block.span);
        let mut when = self.takes_the_rest(index)?.and(Guard::Malformed);
        if let Some((doubled, _)) = self.keeps_slashes(level) {
            when = when.and(Guard::not(doubled));
        }
        let state = State::new(index, level);
        let is_silent = self.outgoing(level, &state, false).is_empty();
        let pages = self.levels.list(level, &["error_page"]);
        let node = if is_silent && !pages.iter().any(|page| page.args.iter().any(|word| word.text == "400")) {
            self.respond(level, &state, StepKind::BodyParser, Status::Code(400), span, Origin::Final)
        } else {
            let reason = Reason::new("which headers are read of a request that is refused", span);
            unknown_answer(StepKind::BodyParser, "the reader of requests", reason, span)
        };
        Some(guarded(when, vec![node], span))
    }

    /// TRACE and CONNECT are answered 405 by every block (`ngx_http_process_request_header`). A path whose doubled
    /// slashes stay is not followed.
    pub fn refused_early(&mut self, level: LevelId, state: &State) -> Vec<Node> {
        let span = self.levels.get(level).span;
        let is = |method: &str| Guard::method(method, span);
        let refused = self.respond(level, state, StepKind::BodyParser, Status::Code(405), span, Origin::Itself);
        let mut nodes = vec![guarded(Guard::any([is("TRACE"), is("CONNECT")]), vec![refused], span)];
        if let Some((doubled, span)) = self.keeps_slashes(level) {
            let reason = Reason::new("which location takes a path whose doubled slashes stay", span);
            let node = unknown_answer(StepKind::Route, "merge_slashes off", reason, span);
            nodes.push(guarded(doubled, vec![node], span));
        }
        nodes
    }

    /// When a path has doubled slashes that `merge_slashes off` lets stay.
    fn keeps_slashes(&self, level: LevelId) -> Option<(Guard, Span)> {
        let span = self.levels.find(level, "merge_slashes").filter(|directive| directive.arg(0) == Some("off"))?.span;
        Some((passes(&Text::Request(Part::Path), &StringTest::Contains("//".to_owned()), span), span))
    }
}
