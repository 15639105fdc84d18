//! Response headers: which `add_header` lists reach a level, and what they write.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::levels::{LevelId, LevelKind, presence};
use super::server::{Compiler, State, step};
use super::texts::is_set;
use crate::model::{
    Effect, EffectKind, Guard, HeaderWrite, Reason, RemarkKind, Status, Statuses, Step, StepKind, Text, Trail, WriteOp,
};
use crate::source::Span;
use crate::syntax::nginx::{Directive, Word};

/// The statuses to which `add_header` without `always` adds (nginx 1.31, `ngx_http_headers_filter_module.c`; measured).
const USUAL: [u16; 10] = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308];

impl<'t> Compiler<'t> {
    /// What is written on answers of a level on their way out.
    pub fn outgoing(&mut self, level: LevelId, state: &State, behind: bool) -> Vec<Step> {
        let mut effects = Vec::new();
        let span = self.levels.get(level).span;
        if let Some(code) = state.status.filter(|_| behind) {
            effects.push(Effect { when: Guard::Always, kind: EffectKind::Status(Status::Code(code)), span });
        }
        if self.levels.is_on(level, "gzip_vary") && self.levels.is_on(level, "gzip") {
            let reason = Reason::new("whether the answer is worth compressing", span);
            let when = Guard::Status(Statuses::new([200, 403, 404])).and(Guard::Unknown(reason));
            let place = self.levels.find(level, "gzip_vary").map_or(span, |directive| directive.span);
            let value = Some((Text::literal("Accept-Encoding"), place));
            effects.push(write(WriteOp::AddLine, "Vary", value, Vec::new(), when, place));
        }
        self.more_headers(level, state, &mut effects);
        for (directive, when) in self.added(level) {
            self.add_header(state, directive, when, &mut effects);
        }
        self.write_as_rewritten(level, &mut effects);
        self.unread_includes(level, &mut effects);
        self.filters(level, &mut effects);
        effects.retain(|effect| effect.when != Guard::Never);
        if effects.is_empty() {
            return Vec::new();
        }
        let label = self.levels.get(level).label.clone();
        vec![step(StepKind::Middleware, label, span, effects)]
    }

    /// The `add_header` directives that count at a level, each with when it is there.
    fn added(&mut self, level: LevelId) -> Vec<(&'t Directive, Guard)> {
        let merges = |this: &Self, level: LevelId| this.levels.value(level, "add_header_inherit").map(str::to_owned);
        let mut all: Vec<(&'t Directive, Guard)> = Vec::new();
        let mut when = Guard::Always;
        let mut next = Some(level);
        while let Some(level) = next {
            let own = self.levels.get(level).all_of(&["add_header"]);
            all.extend(own.iter().map(|directive| (*directive, when.clone().and(presence(directive)))));
            let mode = merges(self, level);
            match mode.as_deref() {
                Some("off") => break,
                Some("merge") => {}
                _ => {
                    // One directive of its own, and the outer ones count for nothing. A template may leave it out.
                    when = when.and(Guard::not(Guard::any(own.iter().map(|directive| presence(directive)))));
                    if when == Guard::Never {
                        self.remark_lost(level, &own);
                        break;
                    }
                }
            }
            next = self.levels.get(level).parent;
        }
        all
    }

    /// Notes which outer writes a level's own ones drop.
    fn remark_lost(&mut self, level: LevelId, own: &[&'t Directive]) {
        let Some(parent) = self.levels.get(level).parent else { return };
        let named = |directive: &&'t Directive| -> Option<(Arc<str>, Span)> {
            Some((header_name(directive.arg(0)?).0.into(), directive.span))
        };
        let lost: Vec<(Arc<str>, Span)> = self.levels.list(parent, &["add_header"]).iter().filter_map(&named).collect();
        let by: Vec<(Arc<str>, Span)> = own.iter().filter_map(&named).collect();
        let (Some(first), Some(last)) = (by.first(), by.last()) else { return };
        let about_cors = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.starts_with("access-control-") || name == "vary"
        };
        if !lost.iter().any(|(name, _)| about_cors(name)) {
            return;
        }
        let place = first.1;
        let room = Span::new(last.1.file, last.1.end, last.1.end);
        let level = self.levels.get(level).label.clone();
        self.remark(RemarkKind::LostWrites { lost, by, level, room }, place);
    }

    /// A step that notes, where it runs, that the headers of an `if` (`before`, which holds at `when`) do not count
    /// because a later one (`level`) holds as well: the last one supplies them all. Nothing where no origin is lost.
    pub fn overruled(&self, when: &Guard, before: LevelId, level: LevelId) -> Option<Step> {
        let is_origin = |name: &str| name.eq_ignore_ascii_case(crate::cors::headers::ALLOW_ORIGIN);
        let named = |directives: &[&'t Directive]| -> Vec<(Arc<str>, Span)> {
            let name = |directive: &&'t Directive| Some((header_name(directive.arg(0)?).0.into(), directive.span));
            directives.iter().filter_map(name).collect()
        };
        let lost = named(&self.levels.get(before).all_of(&["add_header"]));
        let sends_own = self.levels.list(level, &["add_header"]).iter().any(|one| one.arg(0).is_some_and(is_origin));
        if sends_own || !lost.iter().any(|(name, _)| is_origin(name)) {
            return None;
        }
        let own = self.levels.get(level);
        let by = named(&own.all_of(&["add_header"]));
        let place = by.first().map(|(_, span)| *span).or(own.directives.first().map(|first| first.span));
        let place = place.unwrap_or(own.span);
        let room =
            own.directives.last().map_or(own.span, |last| Span::new(last.span.file, last.span.end, last.span.end));
        let kind = EffectKind::Notice(RemarkKind::LostWrites { lost, by, level: own.label.clone(), room });
        // The word `if`, which is no other step's place.
        let span = self.levels.get(before).span;
        let span = Span::new(span.file, span.start, span.start + "if".len() as u32);
        let notice = Effect { when: Guard::Always, kind, span: place };
        Some(Step { when: when.clone(), ..step(StepKind::Middleware, own.label.clone(), span, vec![notice]) })
    }

    fn add_header(&mut self, state: &State, directive: &'t Directive, when: Guard, effects: &mut Vec<Effect>) {
        let (Some(name), Some(value)) = (directive.args.first(), directive.args.get(1)) else { return };
        let always = directive.args.get(2).is_some_and(|word| word.text == "always" || word.templated);
        let (name, rest) = header_name(&name.text);
        let (text, hops) = self.value(state, value, rest);
        let statuses = if always { Guard::Always } else { Guard::Status(Statuses::new(USUAL)) };
        effects.push(write(WriteOp::AddLine, name, Some((text, value.span)), hops, when.and(statuses), directive.span));
    }

    fn value(&mut self, state: &State, word: &Word, rest: &str) -> (Text, Vec<super::variables::Hop>) {
        let (text, hops) = self.text(state, word);
        let text =
            if rest.is_empty() { text } else { super::texts::concat(vec![Text::literal(format!("{rest} ")), text]) };
        (trimmed(text), hops)
    }

    /// `more_set_headers` and `more_clear_headers` (headers-more 0.37): outer ones first, then the level's own.
    fn more_headers(&mut self, level: LevelId, state: &State, effects: &mut Vec<Effect>) {
        let names = ["more_set_headers", "more_clear_headers"];
        let mut levels: Vec<Vec<&'t Directive>> =
            self.levels.outwards(level).map(|level| level.all_of(&names)).collect();
        levels.reverse();
        for directive in levels.into_iter().flatten() {
            let mut when = presence(directive);
            let mut headers = Vec::new();
            let mut words = directive.args.iter();
            while let Some(word) = words.next() {
                match word.text.as_str() {
                    "-s" => {
                        let codes = words.next().map(|word| statuses(&word.text)).unwrap_or_default();
                        when = when.and(Guard::Status(Statuses::new(codes)));
                    }
                    "-t" => {
                        words.next();
                        let reason = Reason::new("the type of the content decides this", directive.span);
                        when = when.and(Guard::Unknown(reason));
                    }
                    "-r" | "-a" => {}
                    _ => headers.push(word),
                }
            }
            for word in headers {
                let clears = directive.is("more_clear_headers");
                let (name, value) = word.text.split_once(':').unwrap_or((word.text.as_str(), ""));
                let name = name.trim();
                if clears || value.trim().is_empty() {
                    let matching: Vec<&str> = match name.strip_suffix('*') {
                        Some(start) => {
                            let start = start.to_ascii_lowercase();
                            let known = crate::cors::headers::RESPONSE.iter().copied();
                            known.filter(|known| known.starts_with(&start)).collect()
                        }
                        None => vec![name],
                    };
                    for name in matching {
                        effects.push(write(WriteOp::Remove, name, None, Vec::new(), when.clone(), directive.span));
                    }
                    continue;
                }
                let value = Word { text: value.trim().to_owned(), ..word.clone() };
                let (text, hops) = self.value(state, &value, "");
                let set = is_set(&text, word.span);
                let gone = when.clone().and(Guard::not(set));
                effects.push(write(WriteOp::Remove, name, None, Vec::new(), gone, directive.span));
                effects.push(write(WriteOp::Set, name, Some((text, word.span)), hops, when.clone(), directive.span));
            }
        }
    }

    /// Code that changes the headers of every answer, where it may speak of CORS: it does what it likes with them.
    fn filters(&self, level: LevelId, effects: &mut Vec<Effect>) {
        let names =
            ["header_filter_by_lua", "header_filter_by_lua_block", "header_filter_by_lua_file", "js_header_filter"];
        for directive in names.iter().filter_map(|name| self.levels.find(level, name)) {
            let is_text = matches!(directive.name.text.as_str(), "header_filter_by_lua" | "header_filter_by_lua_block");
            let speaks = directive.args.iter().any(|word| {
                let text = word.text.to_ascii_lowercase();
                text.contains("access-control") || text.contains("access_control") || text.contains("require")
            });
            if is_text && !speaks {
                continue;
            }
            let reason = Reason::new(format!("{} may change it", directive.name.text), directive.span);
            for name in crate::cors::headers::RESPONSE {
                let value = Some((Text::Unknown(reason.clone()), directive.span));
                let when = presence(directive).and(Guard::Unknown(reason.clone()));
                effects.push(write(WriteOp::Set, name, value, Vec::new(), when, directive.span));
            }
        }
    }

    /// Files that were not found may write headers, too.
    fn unread_includes(&mut self, level: LevelId, effects: &mut Vec<Effect>) {
        let levels: Vec<LevelId> = {
            let mut levels = vec![level];
            while let Some(parent) = levels.last().and_then(|last| self.levels.get(*last).parent) {
                levels.push(parent);
            }
            levels
        };
        for level in levels {
            for include in self.levels.get(level).all_of(&["include"]) {
                let named = include.arg(0).unwrap_or_default().to_ascii_lowercase();
                // A file of that name is about what is looked for; any other one rather is not.
                let telling = ["cors", "header"].iter().any(|word| named.contains(word));
                if !telling && !self.speaks {
                    continue;
                }
                let reason = match telling {
                    true => Reason::new("the file that is included here was not found", include.span),
                    false => {
                        Reason::new("whether the included file, which was not found, writes headers", include.span)
                    }
                };
                for name in crate::cors::headers::RESPONSE {
                    let text = Text::Unknown(reason.clone());
                    let when = presence(include).and(Guard::Unknown(reason.clone()));
                    effects.push(write(
                        WriteOp::AddLine,
                        name,
                        Some((text, include.span)),
                        Vec::new(),
                        when,
                        include.span,
                    ));
                }
            }
            // One list further in hides those further out.
            if !self.levels.get(level).all_of(&["add_header"]).is_empty()
                && self.levels.get(level).kind != LevelKind::Http
            {
                break;
            }
        }
    }
}

/// A write that happens where its value is not empty.
fn write(
    op: WriteOp,
    name: &str,
    value: Option<(Text, Span)>,
    mut hops: Vec<super::variables::Hop>,
    when: Guard,
    span: Span,
) -> Effect {
    let set = match &value {
        Some((Text::Unknown(_), _)) | None => Guard::Always,
        Some((text, place)) => is_set(text, *place),
    };
    if let Some((_, place)) = &value {
        hops.push((*place, "".into()));
    }
    hops.push((span, "".into()));
    // Each place once, however many ways lead there.
    let mut seen = FxHashSet::default();
    hops.retain(|(place, _)| seen.insert(*place));
    let values = value.map(|(text, _)| text).into_iter().collect();
    let write = HeaderWrite { name: name.into(), op, values, trail: Trail(hops) };
    Effect { when: when.and(set), kind: EffectKind::Write(write), span }
}

/// A header's name up to a colon, which begins the value on the wire, and the rest.
fn header_name(name: &str) -> (&str, &str) {
    name.find(':').map_or((name, ""), |colon| name.split_at(colon))
}

/// Without blanks at its ends, which are not part of a header's value.
fn trimmed(text: Text) -> Text {
    match text {
        Text::Literal(text) => Text::literal(text.trim_matches([' ', '\t'])),
        text => text,
    }
}

/// `404`, `"500 503"`, `4*`.
fn statuses(text: &str) -> Vec<u16> {
    text.split([' ', ','])
        .filter(|code| !code.is_empty())
        .flat_map(|code| match code.strip_suffix('*').and_then(|start| start.parse::<u16>().ok()) {
            Some(start @ 1..=9) => start * 100..start * 100 + 100,
            Some(start) => start * 10..start * 10 + 10,
            None => code.parse::<u16>().map_or(0..0, |code| code..code + 1),
        })
        .collect()
}
