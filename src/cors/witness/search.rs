//! A search through automata that run side by side.

use super::{GivenUp, Meant, OriginTest};
use crate::cors::pattern;
use crate::cors::string_test::StringTest;
use crate::cors::suffix;
use regex_automata::Anchored;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::start;
use regex_syntax::hir::{Hir, Look};
use rustc_hash::FxHashSet;
use std::collections::VecDeque;

/// Automata side by side beyond this number are not searched.
const MAX_MACHINES: usize = 24;
/// Joint states beyond this number end a search.
const MAX_STATES: usize = 20_000;
/// How much one search may cost: a new joint state costs as much as the automata are large together, in steps of theirs.
/// Usual patterns stay far below [`MAX_STATES`] and this; `[\s\S]{0,600}` has thousands of steps.
const MAX_WORK: usize = 6_000_000;
/// How much the searches of one run may cost together: thousands of usual ones.
const MAX_EFFORT: usize = 120_000_000;
/// What each step of an automaton costs when it is made, for it is made of the pattern first.
const MAKING: usize = 50;
/// Origins that were accepted here but refused by the caller beyond this number end a search.
const MAX_REFUSALS: usize = 200;
/// The memory for the states of one automaton, in bytes.
const CACHE: usize = 4 << 20;
/// What a serialised origin is written in, letters first that make a readable one.
const ALPHABET: &[u8] = b"evilnthpscomarduxbfgjkqwyz0123456789.-:/";

/// What the searches of one run may still cost together, so that thousands of patterns end as well.
#[derive(Debug)]
pub struct Effort(usize);

impl Default for Effort {
    fn default() -> Self {
        Effort(MAX_EFFORT)
    }
}

impl Effort {
    /// Spends what it costs to make an automaton of so many steps.
    pub(super) fn make(&mut self, size: usize) -> Result<(), GivenUp> {
        self.spend(size.saturating_mul(MAKING))
    }

    fn spend(&mut self, work: usize) -> Result<(), GivenUp> {
        self.0 = self.0.saturating_sub(work);
        if self.0 == 0 { Err(GivenUp) } else { Ok(()) }
    }
}

/// A prepared search.
pub(super) struct Search<'a> {
    effort: &'a mut Effort,
    machines: Vec<Machine>,
    condition: Condition,
    /// Pairs of grammars, to be tried in this order: all origins of a kind, and the readable ones among them.
    grammars: Vec<(String, String)>,
}

/// What must hold of the automata for an origin to be found.
enum Condition {
    Machine(usize),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
}

impl<'a> Search<'a> {
    /// For an origin that the test accepts and that is not meant.
    pub(super) fn new(test: &OriginTest, meant: &Meant, effort: &'a mut Effort) -> Result<Self, GivenUp> {
        let mut search = Search::of(test, effort)?;
        if !meant.is_empty() {
            let hosts: Vec<String> = meant.hosts().iter().map(|spelt| spelt.expression()).collect();
            let machine = search.expression(&format!("^https?://(?:{})(?::[0-9]+)?$", hosts.join("|")))?;
            search.require(Condition::Not(Box::new(machine)));
        }
        search.add_grammars(&endings(meant, &ENDINGS), &endings(meant, &USUAL_ENDINGS));
        Ok(search)
    }

    /// For an origin under this host.
    pub(super) fn under(test: &OriginTest, suffix: &str, effort: &'a mut Effort) -> Result<Self, GivenUp> {
        let mut search = Search::of(test, effort)?;
        let ending = regex_syntax::escape(suffix);
        search.add_grammars(&ending, &ending);
        Ok(search)
    }

    fn add_grammars(&mut self, endings: &str, usual: &str) {
        let grammar = |scheme: &str, endings: &str| {
            format!("^{scheme}://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\\.)+(?:{endings})(?::[1-9][0-9]{{3}})?$")
        };
        self.grammars.extend(["https", "http"].map(|scheme| (grammar(scheme, endings), grammar(scheme, usual))));
    }

    fn of(test: &OriginTest, effort: &'a mut Effort) -> Result<Self, GivenUp> {
        let (machines, condition, grammars) = (Vec::new(), Condition::All(Vec::new()), Vec::new());
        let mut search = Search { effort, machines, condition, grammars };
        let condition = search.compile(test)?;
        search.require(condition);
        Ok(search)
    }

    fn require(&mut self, condition: Condition) {
        if let Condition::All(conditions) = &mut self.condition {
            conditions.push(condition);
        }
    }

    fn compile(&mut self, test: &OriginTest) -> Result<Condition, GivenUp> {
        Ok(match test {
            OriginTest::Origin(test) => self.add(&language(test), false)?,
            OriginTest::Host(test) => self.add(&language(test), true)?,
            OriginTest::All(tests) => {
                Condition::All(tests.iter().map(|test| self.compile(test)).collect::<Result<_, _>>()?)
            }
            OriginTest::Any(tests) => {
                Condition::Any(tests.iter().map(|test| self.compile(test)).collect::<Result<_, _>>()?)
            }
            OriginTest::Not(test) => Condition::Not(Box::new(self.compile(test)?)),
        })
    }

    fn add(&mut self, hir: &Hir, host_only: bool) -> Result<Condition, GivenUp> {
        if self.machines.len() >= MAX_MACHINES {
            return Err(GivenUp);
        }
        self.effort.spend(1)?;
        let machine = Machine::new(hir, host_only).ok_or(GivenUp)?;
        self.effort.make(machine.size())?;
        self.machines.push(machine);
        Ok(Condition::Machine(self.machines.len() - 1))
    }

    fn expression(&mut self, expression: &str) -> Result<Condition, GivenUp> {
        self.add(&regex_syntax::parse(expression).map_err(|_| GivenUp)?, false)
    }

    /// An origin that the caller takes. Any is looked for first: only when there is one at all is it worth looking for
    /// one that says by its name what it is.
    pub(super) fn find(mut self, take: &dyn Fn(&str) -> bool) -> Result<Option<String>, GivenUp> {
        for (all, usual) in std::mem::take(&mut self.grammars) {
            if let Some(any) = self.find_in(&[&all], take)? {
                let mut telling = |grammar| self.find_in(&[grammar, "evil"], take).ok().flatten();
                return Ok(telling(&usual).or_else(|| telling(&all)).or(Some(any)));
            }
        }
        Ok(None)
    }

    fn find_in(&mut self, expressions: &[&str], take: &dyn Fn(&str) -> bool) -> Result<Option<String>, GivenUp> {
        let before = self.machines.len();
        let Condition::All(conditions) = &self.condition else { return Err(GivenUp) };
        let own = conditions.len();
        for expression in expressions {
            let condition = self.expression(expression)?;
            self.require(condition);
        }
        let found = self.walk(take);
        self.machines.truncate(before);
        if let Condition::All(conditions) = &mut self.condition {
            conditions.truncate(own);
        }
        found
    }

    /// The letters worth trying: of those that no automaton tells apart, the first.
    fn letters(&self) -> Vec<u8> {
        let mut seen = FxHashSet::default();
        let classes = |byte: u8| self.machines.iter().map(move |machine| machine.dfa.byte_classes().get(byte));
        // What stands before, between and behind the labels of a host is always told apart.
        let told_apart = |byte: u8| if byte.is_ascii_alphanumeric() { 0 } else { byte };
        let mut is_new = |byte: &u8| seen.insert((told_apart(*byte), classes(*byte).collect::<Vec<_>>()));
        ALPHABET.iter().copied().filter(|byte| is_new(byte)).collect()
    }

    /// Breadth first through the joint states.
    fn walk(&mut self, take: &dyn Fn(&str) -> bool) -> Result<Option<String>, GivenUp> {
        let letters = self.letters();
        let size: usize = self.machines.iter().map(Machine::size).sum();
        let most = MAX_STATES.min(MAX_WORK / size.max(1));
        let start: Joint = self.machines.iter().map(Machine::start).collect();
        let mut seen: FxHashSet<Joint> = FxHashSet::default();
        let mut queue = VecDeque::new();
        // Every joint state that was reached: from which other, and by which byte.
        let mut trail: Vec<(usize, u8)> = vec![(0, 0)];
        let mut refusals = 0;
        seen.insert(start.clone());
        queue.push_back((start, 0));
        while let Some((joint, index)) = queue.pop_front() {
            for &byte in &letters {
                let next: Joint = self
                    .machines
                    .iter_mut()
                    .zip(&joint)
                    .map(|(machine, state)| machine.step(*state, byte))
                    .collect::<Option<_>>()
                    .ok_or(GivenUp)?;
                let alive = |machine: usize| next.get(machine).and_then(|state| state.outcome());
                if self.condition.holds(&alive) == Some(false) || !seen.insert(next.clone()) {
                    continue;
                }
                self.effort.spend(size)?;
                trail.push((index, byte));
                let reached = trail.len() - 1;
                let ended: Vec<bool> = self
                    .machines
                    .iter_mut()
                    .zip(&next)
                    .map(|(machine, state)| machine.accepts(*state))
                    .collect::<Option<_>>()
                    .ok_or(GivenUp)?;
                if self.condition.holds(&|machine| ended.get(machine).copied()) == Some(true) {
                    let origin = spell(&trail, reached);
                    if take(&origin) {
                        return Ok(Some(origin));
                    }
                    refusals += 1;
                }
                if refusals > MAX_REFUSALS || seen.len() > most {
                    return Err(GivenUp);
                }
                queue.push_back((next, reached));
            }
        }
        Ok(None)
    }
}

/// The text that leads to a joint state.
fn spell(trail: &[(usize, u8)], mut at: usize) -> String {
    let mut bytes = Vec::new();
    while at != 0 {
        let Some(&(before, byte)) = trail.get(at) else { break };
        bytes.push(char::from(byte));
        at = before;
    }
    bytes.iter().rev().collect()
}

impl Condition {
    /// Three-valued.
    fn holds(&self, machine: &dyn Fn(usize) -> Option<bool>) -> Option<bool> {
        let fold = |conditions: &[Condition], forcing: bool| {
            let mut outcome = Some(!forcing);
            for condition in conditions {
                match condition.holds(machine) {
                    Some(holds) if holds == forcing => return Some(forcing),
                    Some(_) => {}
                    None => outcome = None,
                }
            }
            outcome
        };
        match self {
            Condition::Machine(index) => machine(*index),
            Condition::All(conditions) => fold(conditions, false),
            Condition::Any(conditions) => fold(conditions, true),
            Condition::Not(condition) => condition.holds(machine).map(|holds| !holds),
        }
    }
}

/// Where everybody can register a name.
const ENDINGS: [&str; 16] =
    ["com", "net", "org", "io", "dev", "app", "co", "de", "fr", "uk", "eu", "us", "info", "xyz", "me", "ai"];
/// Where most names are registered.
const USUAL_ENDINGS: [&str; 3] = ["com", "net", "org"];

/// These endings and those of the hosts that were meant, as an expression.
fn endings(meant: &Meant, places: &[&str]) -> String {
    let mut endings: Vec<String> = places.iter().map(|ending| (*ending).to_owned()).collect();
    for spelt in meant.hosts() {
        let name = spelt.name();
        let site = suffix::registrable_domain(name).and_then(|site| site.split_once('.')).map(|(_, ending)| ending);
        for ending in [site, name.rsplit('.').next()].into_iter().flatten() {
            let ending = regex_syntax::escape(ending);
            if !endings.contains(&ending) {
                endings.push(ending);
            }
        }
    }
    endings.join("|")
}

/// The strings that pass a test, as a search without anchor.
fn language(test: &StringTest) -> Hir {
    let text = |text: &str| Hir::literal(text.as_bytes().to_vec());
    let (start, end) = (Hir::look(Look::Start), Hir::look(Look::End));
    match test {
        StringTest::Equals(other) => Hir::concat(vec![start, text(other), end]),
        StringTest::StartsWith(prefix) => Hir::concat(vec![start, text(prefix)]),
        StringTest::EndsWith(suffix) => Hir::concat(vec![text(suffix), end]),
        StringTest::Contains(part) => text(part),
        // Every part of a text is too much for an automaton; those that are origins are tried one by one before.
        StringTest::PartOf(_) => Hir::fail(),
        StringTest::Matches(pattern) => pattern.hir().clone(),
    }
}

/// The states of all automata after the same text.
type Joint = Vec<State>;

/// Where one automaton is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum State {
    /// Before the host, after so many of the two slashes ahead of it.
    Waiting(u8),
    Live(LazyStateID),
    /// A match was found, whatever follows.
    Found,
    /// No match will be found, whatever follows.
    Dead,
}

impl State {
    fn outcome(self) -> Option<bool> {
        match self {
            State::Found => Some(true),
            State::Dead => Some(false),
            State::Waiting(_) | State::Live(_) => None,
        }
    }
}

/// An automaton whose states are made as they are needed.
struct Machine {
    dfa: DFA,
    cache: Cache,
    first: LazyStateID,
    /// It sees the host only, not the whole origin.
    host_only: bool,
}

impl Machine {
    fn new(hir: &Hir, host_only: bool) -> Option<Machine> {
        let nfa = pattern::nfa(hir)?;
        let config = DFA::config()
            .cache_capacity(CACHE)
            .skip_cache_capacity_check(true)
            // A cleared cache would change the names of the states seen: give up instead.
            .minimum_cache_clear_count(Some(0));
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        let mut cache = dfa.create_cache();
        let first = dfa.start_state(&mut cache, &start::Config::new().anchored(Anchored::No)).ok()?;
        Some(Machine { dfa, cache, first, host_only })
    }

    /// How many steps it has.
    fn size(&self) -> usize {
        self.dfa.get_nfa().states().len()
    }

    fn start(&self) -> State {
        if self.host_only { State::Waiting(0) } else { State::Live(self.first) }
    }

    /// `None` when its memory is used up.
    fn step(&mut self, state: State, byte: u8) -> Option<State> {
        let id = match state {
            State::Found | State::Dead => return Some(state),
            State::Waiting(1) if byte == b'/' => return Some(State::Live(self.first)),
            State::Waiting(slashes) => return Some(State::Waiting(slashes + u8::from(byte == b'/'))),
            State::Live(_) if self.host_only && byte == b':' => {
                return Some(if self.accepts(state)? { State::Found } else { State::Dead });
            }
            State::Live(id) => id,
        };
        let next = self.dfa.next_state(&mut self.cache, id, byte).ok()?;
        Some(if next.is_match() {
            State::Found
        } else if next.is_dead() || next.is_quit() {
            State::Dead
        } else {
            State::Live(next)
        })
    }

    /// Whether a match is found when the text ends here.
    fn accepts(&mut self, state: State) -> Option<bool> {
        match state {
            State::Found => Some(true),
            State::Dead | State::Waiting(_) => Some(false),
            State::Live(id) => Some(self.dfa.next_eoi_state(&mut self.cache, id).ok()?.is_match()),
        }
    }
}
