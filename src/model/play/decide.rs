//! Whether a condition holds: decided, assumed, or open.

use super::Play;
use super::write::host_of;
use crate::cors::{Request, StringTest};
use crate::model::answer::Open;
use crate::model::variables::Known;
use crate::model::{Check, Environment, Guard, Part, Status, Statuses, Text};

impl Play<'_, '_> {
    /// Whether a guard is known to hold.
    pub(in crate::model) fn certainly(&mut self, guard: &Guard) -> bool {
        self.holds(guard).unwrap_or(false)
    }

    /// Whether a guard holds in this world.
    pub(super) fn holds(&mut self, guard: &Guard) -> Result<bool, Open> {
        match guard {
            Guard::Always => Ok(true),
            Guard::Never => Ok(false),
            // Every request of HTTP/1.1 has it, though a question may leave it out.
            Guard::HasHeader(name) if &**name == "host" => Ok(true),
            Guard::HasHeader(name) => Ok(self.request.header(name).is_some_and(|value| !value.is_empty())),
            Guard::EnvironmentSet(name) => match &self.session.environment {
                Environment::Only(values) => Ok(values.get(&**name).is_some_and(|value| !value.is_empty())),
                Environment::Unknown => self.assumed(guard),
            },
            Guard::Not(inner) => self.holds(inner).map(|holds| !holds),
            Guard::All(parts) => self.fold(parts, false),
            Guard::Any(parts) => self.fold(parts, true),
            Guard::Test(check) => self.check(guard, check),
            Guard::Status(statuses) => match &self.status {
                Some(Status::Code(code)) => Ok(statuses.has(*code)),
                None => Ok(statuses.has(200)),
                Some(Status::Unknown(_) | Status::OfError | Status::Unset) => self.assumed_status(guard, statuses),
            },
            Guard::AskedBefore => Ok(self.session.asked),
            Guard::HadHeader(name) => {
                let lines: Vec<_> =
                    self.before.iter().filter(|sent| sent.name.eq_ignore_ascii_case(name)).cloned().collect();
                match lines.iter().any(|sent| sent.value.is_err()) {
                    true => self.assumed(guard),
                    false => Ok(lines.iter().any(|sent| sent.value.as_ref().is_ok_and(|value| !value.is_empty()))),
                }
            }
            Guard::Marked(mark) => Ok(self.marks.contains(mark)),
            Guard::BodyOver(size) => {
                let length = self.request.header("content-length").and_then(|length| length.trim().parse::<u64>().ok());
                Ok(length.is_some_and(|length| length > *size))
            }
            Guard::HasErrorStatus => match &self.handled {
                Some(Status::Code(_)) => Ok(true),
                Some(Status::Unset) | None => Ok(false),
                Some(Status::Unknown(_) | Status::OfError) => self.assumed(guard),
            },
            Guard::Malformed => Ok(crate::model::is_malformed(self.request)),
            Guard::Unknown(_) => self.assumed(guard),
        }
    }

    /// Conjunction (`stops` false) or disjunction (`stops` true): one part that is known to stop decides, however
    /// little is known of the others.
    fn fold(&mut self, parts: &[Guard], stops: bool) -> Result<bool, Open> {
        let mut open = None;
        for part in parts {
            match self.holds(part) {
                Ok(holds) if holds == stops => return Ok(stops),
                Ok(_) => {}
                Err(condition) => open = open.or(Some(condition)),
            }
        }
        open.map_or(Ok(!stops), Err)
    }

    fn check(&mut self, guard: &Guard, check: &Check) -> Result<bool, Open> {
        if let Some(&decided) = self.decided.get(&check.span).filter(|_| check.stateful) {
            return Ok(decided);
        }
        if is_absent(&check.subject, self.request, &self.session.environment) {
            return Ok(false);
        }
        let Ok(subject) = self.text(&check.subject)? else { return self.assumed(guard) };
        if !check.stateful {
            return match check.test.matches(&subject) {
                Some(passes) => Ok(passes),
                None => self.assumed(guard),
            };
        }
        let from = self.last_index.get(&check.span).copied().unwrap_or(0);
        let found = match &check.test {
            StringTest::Matches(pattern) => pattern.find_end(&subject, from),
            other => other.matches(&subject).map(|passes| passes.then_some(0)),
        };
        let Some(found) = found else { return self.assumed(guard) };
        self.last_index.insert(check.span, found.unwrap_or(0));
        self.decided.insert(check.span, found.is_some());
        Ok(found.is_some())
    }

    /// What was assumed of the status may decide this, too.
    fn assumed_status(&self, guard: &Guard, statuses: &Statuses) -> Result<bool, Open> {
        // Whoever stands behind answers what it is asked for. A preflight it may not know.
        if self.session.ordinary && self.request.method != "OPTIONS" {
            return Ok(statuses.has(200));
        }
        for (other, holds) in &self.assumptions {
            let Guard::Status(others) = other else { continue };
            if *holds && others.within(statuses) {
                return Ok(true);
            }
            if (*holds && others.apart(statuses)) || (!*holds && statuses.within(others)) {
                return Ok(false);
            }
        }
        self.assumed(guard)
    }

    fn assumed(&self, guard: &Guard) -> Result<bool, Open> {
        if self.session.ordinary && matches!(guard, Guard::Unknown(reason) if reason.is_circumstance()) {
            return Ok(false);
        }
        let assumed = self.assumptions.iter().find(|(other, _)| other == guard);
        if let Some((_, holds)) = assumed {
            return Ok(*holds);
        }
        // What was assumed of a variable may decide this, too.
        let known = Known::is_fact(guard)
            .then(|| Known::of(self.assumptions.iter().map(|(guard, holds)| (guard, *holds))))
            .flatten();
        known.and_then(|known| known.decide(guard)).ok_or_else(|| Open(guard.clone()))
    }
}

/// Whether a text comes from a header that the request does not have, or a variable that is known to be unset.
fn is_absent(text: &Text, request: &Request, environment: &Environment) -> bool {
    match text {
        Text::Request(Part::Header(name)) => request.header(name).is_none() && &**name != "host",
        Text::Request(Part::Host) => host_of(request).is_none(),
        Text::Request(Part::Port) => host_of(request).is_none_or(|(_, port)| port.is_empty()),
        Text::Environment(name) => {
            matches!(environment, Environment::Only(values) if !values.contains_key(&**name))
        }
        Text::Url(inner, _) | Text::LowerCase(inner) | Text::Decoded(inner, _) => {
            is_absent(inner, request, environment)
        }
        _ => false,
    }
}
