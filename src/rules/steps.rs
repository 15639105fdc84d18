//! The steps of a server by their places: what an answer came by is looked up, and not looked for.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{Effect, Node, Server, Step, steps};
use crate::source::Span;

/// The steps of a server.
pub struct Steps<'a> {
    all: Vec<&'a Step>,
    /// Where those of each place stand among them.
    places: FxHashMap<Span, Vec<usize>>,
    /// Steps of the groups, by their places, each with whether a group around it takes OPTIONS alone.
    in_groups: FxHashMap<Span, Vec<(&'a Step, bool)>>,
}

impl<'a> Steps<'a> {
    /// The steps of a server; `is_for_options` tells of a group's condition whether it asks for OPTIONS.
    pub(super) fn of(server: &'a Server, is_for_options: impl Fn(&crate::model::Guard) -> bool) -> Self {
        let all = steps(server);
        let mut places: FxHashMap<Span, Vec<usize>> = FxHashMap::default();
        for (at, step) in all.iter().enumerate() {
            places.entry(step.span).or_default().push(at);
        }
        let mut in_groups: FxHashMap<Span, Vec<(&Step, bool)>> = FxHashMap::default();
        let mut open = vec![(&server.root, false)];
        while let Some((group, within)) = open.pop() {
            let within = within || is_for_options(&group.when);
            for node in &group.nodes {
                match node {
                    Node::Group(inner) => open.push((inner, within)),
                    Node::Step(step) => in_groups.entry(step.span).or_default().push((step, within)),
                }
            }
        }
        Self { all, places, in_groups }
    }

    /// The steps at some places, in the order of [`steps`].
    pub fn at<'s>(&self, places: impl IntoIterator<Item = &'s Span>) -> Vec<&'a Step> {
        let places: FxHashSet<&Span> = places.into_iter().collect();
        let mut found: Vec<usize> =
            places.into_iter().filter_map(|place| self.places.get(place)).flatten().copied().collect();
        found.sort_unstable();
        found.into_iter().map(|at| self.all[at]).collect()
    }

    /// The effects of the steps at some places, each with its step.
    pub fn effects_at<'s>(&self, places: impl IntoIterator<Item = &'s Span>) -> Vec<(&'a Step, &'a Effect)> {
        self.at(places).into_iter().flat_map(effects).collect()
    }

    /// Every effect with its step, in the order of [`steps`].
    pub(super) fn effects(&self) -> impl Iterator<Item = (&'a Step, &'a Effect)> {
        self.all.iter().copied().flat_map(effects)
    }

    /// The steps of groups at a place, each with whether a group around it takes OPTIONS alone.
    pub(super) fn in_groups(&self, place: Span) -> &[(&'a Step, bool)] {
        self.in_groups.get(&place).map(Vec::as_slice).unwrap_or_default()
    }
}

fn effects(step: &Step) -> impl Iterator<Item = (&Step, &Effect)> {
    step.effects.iter().map(move |effect| (step, effect))
}
