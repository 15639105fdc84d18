//! The rewrite phase: `set`, `if`, `rewrite`, `break`, `return`, in the order of the text (nginx 1.31,
//! `ngx_http_rewrite_module.c` and `ngx_http_script.c`).

use super::content::Origin;
use super::levels::{LevelId, LevelKind, presence};
use super::locate::remember;
use super::server::{AGAIN, Compiler, FIRST, State, step};
use super::texts::{is_true, passes};
use crate::cors::StringTest;
use crate::model::{
    Dispatch, Effect, EffectKind, Group, Guard, HeaderWrite, Node, Part, Reason, Status, StepKind, Text, Trail, WriteOp,
};
use crate::source::Span;
use crate::syntax::nginx::{Directive, Word};

/// The directives of the rewrite phase.
pub(super) const CODES: &[&str] = &["set", "if", "rewrite", "break", "return"];

/// The rewrite phase of one level.
struct Phase {
    /// The level whose directives run.
    base: LevelId,
    /// Whether it is a server block's own: what is rewritten there is looked up anyway.
    at_server: bool,
    /// The `if`s whose level counts in place of the base, each with when it does; the last one wins.
    levels: Vec<(Guard, LevelId)>,
    /// What ends the request early.
    exits: Vec<Node>,
}

impl<'t> Compiler<'t> {
    /// Runs the rewrite directives of a server block. Gives what answers in it.
    pub fn server_codes(&mut self, server: LevelId, state: &mut State) -> Vec<Node> {
        let mut phase = Phase { base: server, at_server: true, levels: Vec::new(), exits: Vec::new() };
        let codes = self.levels.get(server).all_of(CODES);
        self.run(&mut phase, state, &codes, &Guard::Always);
        state.broken = Guard::Never;
        state.changed = Guard::Never;
        phase.exits
    }

    /// Enters a location (or a server block in which no location matched), from its rewrite phase on.
    pub fn enter(&mut self, level: LevelId, mut state: State) -> Vec<Node> {
        let span = self.levels.get(level).span;
        state.level = level;
        let is_first = state.redirects == 0 && !state.errored;
        if !self.may_look_at(if is_first { FIRST } else { AGAIN }) {
            return vec![self.lost_track(span)];
        }
        let mut nodes = self.before_rewrite(level, &state);
        nodes.extend(self.excepted(level, &state));
        let mut phase = Phase { base: level, at_server: false, levels: Vec::new(), exits: Vec::new() };
        if self.levels.get(level).kind != LevelKind::Server {
            let codes = self.levels.get(level).all_of(CODES);
            self.run(&mut phase, &mut state, &codes, &Guard::Always);
        }
        nodes.append(&mut phase.exits);
        if state.changed != Guard::Never {
            let mut again = state.clone();
            let when = std::mem::replace(&mut again.changed, Guard::Never);
            again.broken = Guard::Never;
            again.renamed = true;
            again.redirects += 1;
            let server = self.servers[state.server].level;
            let mut group = Group::new(Dispatch::Plain, span);
            group.when = when;
            group.nodes = self.locate(server, again);
            nodes.push(Node::Group(group));
        }
        let levels = std::mem::take(&mut phase.levels);
        nodes.extend(self.by_level(&levels, level, &mut |compiler, level| compiler.after_rewrite(level, &state)));
        nodes
    }

    /// What is done by the level of the last `if` that held, else by the base.
    fn by_level(
        &mut self,
        levels: &[(Guard, LevelId)],
        base: LevelId,
        nodes: &mut dyn FnMut(&mut Self, LevelId) -> Vec<Node>,
    ) -> Vec<Node> {
        let mut all = Vec::new();
        for (at, (when, level)) in levels.iter().enumerate().rev() {
            let mut group = Group::new(Dispatch::Plain, self.levels.get(*level).span);
            group.when = when.clone();
            let before = levels[..at].iter().filter_map(|(when, before)| self.overruled(when, *before, *level));
            group.nodes = before.map(Node::Step).collect();
            group.nodes.extend(nodes(self, *level));
            let certain = *when == Guard::Always;
            all.push(Node::Group(group));
            if certain {
                return all;
            }
        }
        all.extend(nodes(self, base));
        all
    }

    /// Runs directives one after the other, all under `when`.
    fn run(&mut self, phase: &mut Phase, state: &mut State, codes: &[&'t Directive], when: &Guard) {
        for directive in codes {
            let live = when.clone().and(Guard::not(state.broken.clone())).and(presence(directive));
            if live == Guard::Never {
                continue;
            }
            match directive.name.text.as_str() {
                "set" => self.set(state, directive, &live),
                "break" => {
                    state.changed = state.changed.clone().and(Guard::not(live.clone()));
                    state.broken = state.broken.clone().or(live);
                }
                "return" => {
                    let kind = if asks_for_a_header(&live) { StepKind::Auth } else { StepKind::Route };
                    let nodes = {
                        let state = state.clone();
                        let levels = phase.levels.clone();
                        self.by_level(&levels, phase.base, &mut |compiler, level| {
                            compiler.returned(level, &state, directive, kind)
                        })
                    };
                    push(phase, live.clone(), nodes, directive.span);
                    if live == Guard::Always {
                        // Nothing behind it ever runs.
                        return;
                    }
                    if live == *when {
                        return;
                    }
                }
                "rewrite" => self.rewrite(phase, state, directive, &live),
                "if" => self.branch(phase, state, directive, &live),
                _ => {}
            }
        }
    }

    fn set(&mut self, state: &mut State, directive: &Directive, live: &Guard) {
        let (Some(name), Some(value)) =
            (directive.arg(0).and_then(|name| name.strip_prefix('$')), directive.args.get(1))
        else {
            return;
        };
        self.remember_maps(state, value, live);
        let (text, mut hops) = self.text(state, value);
        hops.push((value.span, "set here".into()));
        let (before, from) = state.variables.get(name).cloned().unwrap_or((Text::literal(""), Vec::new()));
        if *live != Guard::Always {
            hops.extend(from);
        }
        state.variables.insert(name.to_owned(), (Text::choose(live.clone(), text, before), hops));
    }

    fn branch(&mut self, phase: &mut Phase, state: &mut State, directive: &'t Directive, live: &Guard) {
        let Some(level) = self.levels.of_block(directive) else { return };
        let holds = match self.condition(state, directive, live) {
            Ok(holds) => holds,
            Err(why) => {
                self.refuse(why, directive.span);
                return;
            }
        };
        let when = live.clone().and(holds);
        if when == Guard::Never {
            return;
        }
        let own = self.levels.get(level);
        let only_codes = own.directives.iter().all(|inner| CODES.iter().any(|code| inner.is(code)));
        // An `if` that says nothing else is like its location, except that `try_files` does not reach into it, and that
        // the level of an `if` before it no longer counts.
        let tries = self.levels.get(phase.base).own("try_files").is_some();
        if !only_codes || tries || !phase.levels.is_empty() {
            phase.levels.push((when.clone(), level));
        }
        let codes = self.levels.get(level).all_of(CODES);
        self.run(phase, state, &codes, &when);
    }

    /// The condition of an `if`.
    pub fn condition(&mut self, state: &mut State, directive: &Directive, live: &Guard) -> Result<Guard, String> {
        if directive.args.iter().any(|word| word.templated) {
            return Ok(Guard::Unknown(Reason::new("a template fills the condition in", directive.span)));
        }
        let Condition { subject, operator, value } = condition(&directive.args)?;
        let span = value.as_ref().map_or(subject.span, |value| value.span);
        if operator.ends_with(['f', 'd', 'e', 'x']) && operator.trim_start_matches('!').starts_with('-') {
            let guard = Guard::Unknown(Reason::new("whether the file that is looked for exists", subject.span));
            return Ok(if operator.starts_with('!') { Guard::not(guard) } else { guard });
        }
        self.remember_maps(state, &subject, live);
        let (text, _) = self.text(state, &subject);
        let Some(value) = value else { return Ok(is_true(&text, span)) };
        Ok(match operator.as_str() {
            "=" | "!=" => {
                let (wanted, _) = self.text(state, &value);
                let guard = match wanted.as_literal() {
                    Some(wanted) => passes(&text, &StringTest::Equals(wanted.to_owned()), span),
                    None if wanted == text => Guard::Always,
                    None => Guard::Unknown(Reason::new("two values that a request decides are compared", span)),
                };
                if operator == "=" { guard } else { Guard::not(guard) }
            }
            _ => {
                let ignore_case = operator.ends_with('*');
                let guard = self
                    .patterns
                    .matches(&text, &value.text, ignore_case, span)
                    .map_err(|why| format!("invalid regular expression \"{}\": {why}", value.text))?;
                if !operator.starts_with('!') {
                    let when = live.clone().and(guard.clone());
                    let pattern = self.patterns.capturing(&value.text, ignore_case);
                    remember(state, when, text, pattern, span);
                }
                if operator.starts_with('!') { Guard::not(guard) } else { guard }
            }
        })
    }

    fn rewrite(&mut self, phase: &mut Phase, state: &mut State, directive: &'t Directive, live: &Guard) {
        let (Some(pattern), Some(target)) = (directive.args.first(), directive.args.get(1)) else { return };
        let flag = directive.arg(2).unwrap_or_default().to_owned();
        let guard = if pattern.templated {
            Guard::Unknown(Reason::new("a template fills the pattern in", pattern.span))
        } else {
            match self.patterns.matches(&state.uri, &pattern.text, false, pattern.span) {
                Ok(guard) => guard,
                Err(why) => {
                    let why = format!("invalid regular expression \"{}\": {why}", pattern.text);
                    return self.refuse(why, pattern.span);
                }
            }
        };
        let when = live.clone().and(guard);
        if when == Guard::Never {
            return;
        }
        let capturing = self.patterns.capturing(&pattern.text, false);
        remember(state, when.clone(), state.uri.clone(), capturing, pattern.span);
        let elsewhere = ["http://", "https://", "$scheme"].iter().any(|start| target.text.starts_with(start));
        let (mut to, _) = {
            let mut inside = state.clone();
            // Inside the replacement the groups are those of this pattern for certain.
            if let Some((when, ..)) = inside.captures.last_mut() {
                *when = Guard::Always;
            }
            self.text(&inside, target)
        };
        if elsewhere || flag == "redirect" || flag == "permanent" {
            let code = if flag == "permanent" { 301 } else { 302 };
            let levels = phase.levels.clone();
            let at = state.clone();
            let nodes = self.by_level(&levels, phase.base, &mut |compiler, level| {
                vec![compiler.redirect(level, &at, code, to.clone(), directive.span)]
            });
            return push(phase, when, nodes, directive.span);
        }
        to = without_query(to);
        if flag == "last" && !phase.at_server {
            let mut again = state.clone();
            again.uri = to;
            again.rewritten = true;
            again.renamed = true;
            again.changed = Guard::Never;
            again.broken = Guard::Never;
            again.redirects += 1;
            let nodes = self.locate(self.servers[state.server].level, again);
            return push(phase, when, nodes, directive.span);
        }
        state.renamed |= when == Guard::Always;
        state.uri = Text::choose(when.clone(), to, state.uri.clone());
        state.rewritten = true;
        if flag == "break" || flag == "last" {
            state.changed = state.changed.clone().and(Guard::not(when.clone()));
            state.broken = state.broken.clone().or(when);
        } else {
            state.changed = state.changed.clone().or(when);
        }
    }

    /// What `return` sends; where it refuses, by a step of this kind.
    fn returned(&mut self, level: LevelId, state: &State, directive: &'t Directive, kind: StepKind) -> Vec<Node> {
        let span = directive.span;
        let Some(first) = directive.args.first() else { return Vec::new() };
        let text = directive.args.get(1);
        if first.templated {
            let reason = Reason::new("a template fills the status in", first.span);
            return vec![self.respond(level, state, StepKind::Route, Status::Unknown(reason), span, Origin::Itself)];
        }
        let Ok(code) = first.text.parse::<u16>() else {
            // `return URL` is `return 302 URL`.
            let (to, _) = self.text(state, first);
            return vec![self.redirect(level, state, 302, to, span)];
        };
        let kind = if matches!(code, 401 | 403) { kind } else { StepKind::Route };
        match code {
            // The second is for clients that are gone: nothing is sent either (measured).
            444 | 499 if code == 444 || text.is_none() => {
                let effects = vec![Effect { when: Guard::Always, kind: EffectKind::Close, span }];
                vec![Node::Step(step(StepKind::Route, format!("return {code}"), span, effects))]
            }
            301 | 302 | 303 | 307 | 308 if text.is_some() => {
                let (to, _) = text.map_or((Text::literal(""), Vec::new()), |text| self.text(state, text));
                vec![self.redirect(level, state, code, to, span)]
            }
            // Sent at once: no `error_page` comes between, and the status of the one before stays.
            _ if code < 300 || text.is_some() => {
                let status = Status::Code(state.status.unwrap_or(code));
                vec![self.respond(level, state, kind, status, span, Origin::Final)]
            }
            _ => vec![self.respond(level, state, kind, Status::Code(code), span, Origin::Itself)],
        }
    }

    /// A redirect that the browser sees.
    pub fn redirect(&mut self, level: LevelId, state: &State, code: u16, to: Text, span: Span) -> Node {
        let location = HeaderWrite {
            name: "Location".into(),
            op: WriteOp::Set,
            values: vec![to],
            trail: Trail(vec![(span, "".into())]),
        };
        let effects = vec![
            Effect { when: Guard::Always, kind: EffectKind::Write(location), span },
            Effect { when: Guard::Always, kind: EffectKind::Respond(Some(Status::Code(code))), span },
        ];
        let label = format!("the redirect of {}", self.levels.get(level).label);
        let steps = vec![Node::Step(step(StepKind::Redirect, label, span, effects))];
        self.answering(level, state, steps, Origin::Itself)
    }

    /// An answer with this status.
    pub fn respond(
        &mut self,
        level: LevelId,
        state: &State,
        kind: StepKind,
        status: Status,
        span: Span,
        origin: Origin,
    ) -> Node {
        let effects = vec![Effect { when: Guard::Always, kind: EffectKind::Respond(Some(status)), span }];
        let label = self.levels.get(level).label.clone();
        let steps = vec![Node::Step(step(kind, label, span, effects))];
        self.answering(level, state, steps, origin)
    }
}

/// Whether a condition is about a header by which callers say who they are: one that browsers send by themselves says
/// nothing of that.
fn asks_for_a_header(when: &Guard) -> bool {
    let identifies = |name: &str| {
        name == "authorization" || name.contains("token") || name.contains("key") || name.contains("secret")
    };
    let mut asks = false;
    when.each_atom(&mut |atom| match atom {
        Guard::HasHeader(name) => asks |= identifies(name),
        Guard::Test(check) => {
            asks |= matches!(&check.subject, Text::Request(Part::Header(name)) if identifies(name));
        }
        _ => {}
    });
    asks
}

/// Ends the request in `nodes` where `when` holds.
fn push(phase: &mut Phase, when: Guard, mut nodes: Vec<Node>, span: Span) {
    if when == Guard::Always {
        return phase.exits.append(&mut nodes);
    }
    let mut group = Group::new(Dispatch::Plain, span);
    group.when = when;
    group.nodes = nodes;
    phase.exits.push(Node::Group(group));
}

/// A rewritten URI up to its question mark.
pub(super) fn without_query(text: Text) -> Text {
    match text {
        Text::Literal(text) => Text::literal(text.split('?').next().unwrap_or_default()),
        Text::Concat(parts) => {
            let mut kept = Vec::new();
            for part in parts.iter() {
                match part.as_literal().and_then(|text| text.split_once('?')) {
                    Some((before, _)) => {
                        kept.push(Text::literal(before));
                        break;
                    }
                    None => kept.push(part.clone()),
                }
            }
            Text::concat(kept)
        }
        Text::Choose(guard, then, otherwise) => {
            Text::choose((*guard).clone(), without_query((*then).clone()), without_query((*otherwise).clone()))
        }
        text => text,
    }
}

/// The parts of an `if`'s condition.
pub(super) struct Condition {
    pub subject: Word,
    /// `=`, `!~*`, `-f`; empty where there is none.
    pub operator: String,
    pub value: Option<Word>,
}

/// Reads `( … )` as nginx does (`ngx_http_rewrite_if_condition`).
///
/// # Errors
/// nginx's own words where it would refuse the condition.
pub(super) fn condition(args: &[Word]) -> Result<Condition, String> {
    let mut words: Vec<Word> = args.to_vec();
    let invalid =
        |words: &[Word]| Err(format!("invalid condition \"{}\"", words.first().map_or("", |word| word.text.as_str())));
    let Some(first) = words.first_mut() else { return Err("invalid condition".to_owned()) };
    let Some(stripped) = first.text.strip_prefix('(') else { return invalid(&words) };
    first.text = stripped.to_owned();
    if first.text.is_empty() {
        words.remove(0);
    }
    let Some(last) = words.last_mut() else { return Err("invalid condition \")\"".to_owned()) };
    let Some(stripped) = last.text.strip_suffix(')') else {
        return Err(format!("invalid condition \"{}\"", last.text));
    };
    last.text = stripped.to_owned();
    if last.text.is_empty() {
        words.pop();
    }
    let Some(subject) = words.first().cloned() else { return Err("invalid condition \"\"".to_owned()) };
    if subject.text.len() > 1 && subject.text.starts_with('$') {
        return match &words[..] {
            [subject] => Ok(Condition { subject: subject.clone(), operator: String::new(), value: None }),
            [subject, operator, value] => match operator.text.as_str() {
                "=" | "!=" | "~" | "~*" | "!~" | "!~*" => {
                    let (subject, value) = (subject.clone(), Some(value.clone()));
                    Ok(Condition { subject, operator: operator.text.clone(), value })
                }
                other => Err(format!("unexpected \"{other}\" in condition")),
            },
            _ => invalid(&words),
        };
    }
    match (&words[..], subject.text.as_str()) {
        ([_, file], "-f" | "-d" | "-e" | "-x" | "!-f" | "!-d" | "!-e" | "!-x") => {
            Ok(Condition { subject: file.clone(), operator: subject.text.clone(), value: None })
        }
        _ => invalid(&words),
    }
}
