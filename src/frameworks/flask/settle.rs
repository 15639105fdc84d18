//! Keeping what decides CORS, and letting go of the rest.
//!
//! A view that writes no CORS header may decide on its answer in a hundred ways that nobody can follow. All that is
//! left of them is whether it fails, so that requests do not have to be played in every combination.

use crate::model::{Effect, EffectKind, Guard, Reason, Status};
use crate::source::Span;

/// What an end that is not known means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The function answers in any case.
    Answers,
    /// The request goes on.
    Passes,
}

/// The same effects with less to decide, if they write no header.
pub(super) fn settle(effects: Vec<Effect>, silence: Silence, span: Span) -> Vec<Effect> {
    let decides = |effect: &Effect| match effect.kind {
        EffectKind::Write(_) => true,
        EffectKind::Mark(_) => is_open(&effect.when),
        _ => false,
    };
    let writes = effects.iter().any(decides);
    let mut settled = Vec::with_capacity(effects.len());
    let mut rest = Vec::new();
    for effect in effects {
        match effect.kind {
            // What is noticed is noticed, whether or not it happens this time.
            EffectKind::Notice(_) => settled.push(Effect { when: Guard::Always, ..effect }),
            _ => rest.push(effect),
        }
    }
    if writes || unknowns(&rest) <= FEW {
        settled.extend(rest);
        return settled;
    }
    let open = |effect: &&Effect| is_open(&effect.when);
    let failing = merged(rest.iter().filter(open).filter(|effect| matches!(effect.kind, EffectKind::Status(_))));
    let answering = merged(rest.iter().filter(open).filter(|effect| matches!(effect.kind, EffectKind::Respond(_))));
    let fails = Guard::Unknown(Reason::new("whether the function fails", span));
    let answers = Guard::Unknown(Reason::new("whether the function answers", span));
    let mut has_failed = false;
    let mut has_answered = false;
    for effect in rest {
        if !is_open(&effect.when) {
            let effect = match (&effect.kind, &answering) {
                (EffectKind::Respond(own), Some(other)) if own.as_ref() != Some(other) => {
                    let status = Status::Unknown(Reason::new("which of its answers the function gives", effect.span));
                    Effect { kind: EffectKind::Respond(Some(status)), ..effect }
                }
                _ => effect,
            };
            settled.push(effect);
            continue;
        }
        match &effect.kind {
            EffectKind::Next | EffectKind::Fail(_) if !has_failed => {
                has_failed = true;
                let status = failing.clone().unwrap_or(Status::Code(500));
                let kind = match &effect.kind {
                    EffectKind::Fail(_) => EffectKind::Fail(status.clone()),
                    _ => EffectKind::Next,
                };
                let same = |kind: EffectKind| Effect { when: fails.clone(), kind, span: effect.span };
                settled.push(same(EffectKind::ClearHeaders));
                settled.push(same(EffectKind::Status(status)));
                settled.push(same(kind));
            }
            EffectKind::Respond(_) if !has_answered && silence == Silence::Passes => {
                has_answered = true;
                let kind = EffectKind::Respond(answering.clone());
                settled.push(Effect { when: answers.clone(), kind, span: effect.span });
            }
            _ => {}
        }
    }
    if silence == Silence::Answers
        && let Some(status) = answering
    {
        settled.push(Effect { when: Guard::Always, kind: EffectKind::Respond(Some(status)), span });
    }
    settled
}

/// How many conditions that cannot be decided a function may have and still be played as it is.
const FEW: usize = 2;

/// How many different conditions that cannot be decided some effects have.
fn unknowns(effects: &[Effect]) -> usize {
    let mut found: Vec<Reason> = Vec::new();
    for effect in effects {
        effect.when.each_atom(&mut |atom| {
            if let Guard::Unknown(reason) = atom
                && !found.contains(reason)
            {
                found.push(reason.clone());
            }
        });
    }
    found.len()
}

/// The status that all of them set, if it is one.
fn merged<'e>(effects: impl Iterator<Item = &'e Effect>) -> Option<Status> {
    let mut status: Option<Status> = None;
    for effect in effects {
        let own = match &effect.kind {
            EffectKind::Status(status) => status.clone(),
            EffectKind::Respond(status) => status.clone().unwrap_or(Status::Code(200)),
            _ => continue,
        };
        status = Some(match status {
            None => own,
            Some(before) if before == own => own,
            Some(_) => Status::Unknown(Reason::new("which of its answers the function gives", effect.span)),
        });
    }
    status
}

/// Whether a condition depends on something that is not known.
pub(super) fn is_open(guard: &Guard) -> bool {
    let mut open = false;
    guard.each_atom(&mut |atom| {
        open |= match atom {
            Guard::Unknown(_) => true,
            Guard::Test(check) => check.subject.reason().is_some(),
            _ => false,
        };
    });
    open
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn effect(when: Guard, kind: EffectKind) -> Effect {
        Effect { when, kind, span: Span::new(FileId(0), 0, 0) }
    }

    #[test]
    fn many_ways_of_failing_are_one() {
        let span = Span::new(FileId(0), 0, 0);
        let doubt = |text: &str| Guard::Unknown(Reason::new(text, span));
        let mut effects = Vec::new();
        for text in ["a", "b", "c"] {
            effects.push(effect(doubt(text), EffectKind::Status(Status::Code(400))));
            effects.push(effect(doubt(text), EffectKind::Next));
        }
        effects.push(effect(Guard::Always, EffectKind::Respond(Some(Status::Code(200)))));
        let settled = settle(effects, Silence::Answers, span);
        let mut atoms = Vec::new();
        for effect in &settled {
            effect.when.each_atom(&mut |atom| {
                if !matches!(atom, Guard::Always) && !atoms.contains(atom) {
                    atoms.push(atom.clone());
                }
            });
        }
        assert_eq!(atoms.len(), 1);
        assert!(settled.iter().any(|effect| effect.kind == EffectKind::Status(Status::Code(400))));
        assert_eq!(settled.last().map(|effect| &effect.kind), Some(&EffectKind::Respond(Some(Status::Code(200)))));
    }
}
