//! Writing a header, and the texts that are written.

use super::Play;
use crate::cors::Request;
use crate::model::answer::{Open, Sent};
use crate::model::{
    Environment, HeaderWrite, Members, Part, Reason, Status, Text, UrlPart, WriteOp, percent_decode, resolve_path,
};
use crate::source::Span;

impl Play<'_, '_> {
    pub(super) fn write(&mut self, write: &HeaderWrite, span: Span) -> Result<(), Open> {
        let mut values = Vec::with_capacity(write.values.len());
        for value in &write.values {
            // Blanks around a value are no part of it (RFC 9110, 5.5).
            let trimmed = |text: String| text.trim_matches([' ', '\t']).to_owned();
            values.push(self.text(value)?.map(trimmed));
        }
        let sent =
            |value: Result<String, Reason>| Sent { name: write.name.clone(), value, trail: write.trail.clone(), span };
        let headers = &mut self.world.headers;
        let here = headers.iter().position(|sent| sent.name.eq_ignore_ascii_case(&write.name));
        match write.op {
            WriteOp::Set => {
                // Node and Werkzeug keep the place of a header that is replaced.
                headers.retain({
                    let mut at = 0;
                    move |sent: &Sent| {
                        at += 1;
                        !sent.name.eq_ignore_ascii_case(&write.name) || Some(at - 1) == here
                    }
                });
                match here {
                    Some(here) => {
                        headers.splice(here..=here, values.into_iter().map(sent));
                    }
                    None => headers.extend(values.into_iter().map(sent)),
                }
            }
            WriteOp::Append => {
                let at = headers.iter().rposition(|sent| sent.name.eq_ignore_ascii_case(&write.name));
                let at = at.map_or(headers.len(), |at| at + 1);
                headers.splice(at..at, values.into_iter().map(sent));
            }
            WriteOp::AddLine => headers.extend(values.into_iter().map(sent)),
            WriteOp::IfAbsent => {
                if here.is_none() {
                    headers.extend(values.into_iter().map(sent));
                }
            }
            WriteOp::Remove => headers.retain(|sent| !sent.name.eq_ignore_ascii_case(&write.name)),
            WriteOp::AppendMembers => {
                let mut before: Vec<Result<String, Reason>> = Vec::new();
                headers.retain(|sent| {
                    let is = sent.name.eq_ignore_ascii_case(&write.name);
                    if is {
                        before.push(sent.value.clone());
                    }
                    !is
                });
                let joined = append_members(before, values);
                let at = here.unwrap_or(headers.len()).min(headers.len());
                headers.insert(at, sent(joined));
            }
        }
        if write.op != WriteOp::Remove {
            self.because(span, format!("writes {}", write.name));
        }
        Ok(())
    }

    /// The text in this world; an error where its value is not known.
    pub(super) fn text(&mut self, text: &Text) -> Result<Result<String, Reason>, Open> {
        self.fuel = self.fuel.saturating_sub(1);
        if self.fuel == 0 {
            return Ok(Err(Reason { text: "it takes too many steps to compute".into(), span: None }));
        }
        Ok(match text {
            Text::Literal(text) => Ok(text.to_string()),
            Text::Request(part) => self.part(part),
            Text::Environment(name) => match &self.session.environment {
                Environment::Only(values) => Ok(values.get(&**name).cloned().unwrap_or_default()),
                Environment::Unknown => Err(Reason {
                    text: format!("it is the value of the environment variable {name}").into(),
                    span: None,
                }),
            },
            Text::Url(inner, part) => self.text(inner)?.map(|text| url_part(&text, *part)),
            Text::LowerCase(inner) => self.text(inner)?.map(|text| text.to_lowercase()),
            Text::Concat(parts) => {
                let mut joined = String::new();
                for part in parts.iter() {
                    match self.text(part)? {
                        Ok(text) => joined.push_str(&text),
                        Err(reason) => return Ok(Err(reason)),
                    }
                }
                Ok(joined)
            }
            Text::Choose(guard, then, otherwise) => {
                let chosen = if self.holds(guard)? { then } else { otherwise };
                self.text(chosen)?
            }
            Text::Capture(capture) => match self.text(&capture.subject)? {
                Ok(subject) => match capture.pattern.find(&subject, capture.group) {
                    Some(found) => Ok(found.and_then(|range| subject.get(range)).unwrap_or_default().to_owned()),
                    None => Err(Reason { text: "the pattern cannot be decided".into(), span: None }),
                },
                Err(reason) => Err(reason),
            },
            Text::Inner(name) => joined(&self.inner, name),
            Text::Sent(name) => joined(&self.world.headers, name),
            Text::SentBefore(name) => joined(&self.before, name),
            Text::Decoded(inner, plus) => self.text(inner)?.map(|text| percent_decode(&text, *plus)),
            Text::Members(members) => match self.text(&members.list)? {
                Ok(list) => passing(members, &list),
                Err(reason) => Err(reason),
            },
            Text::Unknown(reason) => Err(reason.clone()),
        })
    }

    fn part(&self, part: &Part) -> Result<String, Reason> {
        let path = self.request.target().split(['?', '#']).next().unwrap_or_default();
        Ok(match part {
            Part::Header(name) if &**name == "host" && self.request.header(name).is_none() => {
                return Err(Reason { text: "the request's host is not given".into(), span: None });
            }
            Part::Header(name) => self.request.header(name).unwrap_or_default().to_owned(),
            Part::Method => self.request.method.clone(),
            Part::Path => path.to_owned(),
            Part::LocalPath => self.local.clone(),
            Part::Base => match path.strip_suffix(&*self.local) {
                Some(base) => base.to_owned(),
                // What is asked for is the mount itself.
                None => path.to_owned(),
            },
            Part::LocalTarget => {
                let target = self.request.target();
                format!("{}{}", self.local, &target[path.len().min(target.len())..])
            }
            Part::Target => self.request.target().to_owned(),
            Part::ErrorStatus => match &self.handled {
                Some(Status::Code(code)) => code.to_string(),
                Some(Status::Unset) => String::new(),
                _ => return Err(Reason { text: "the status of the error is not known".into(), span: None }),
            },
            Part::ResolvedPath => resolve_path(path),
            Part::Query => {
                let target = self.request.target().split('#').next().unwrap_or_default();
                target.split_once('?').map(|(_, query)| query).unwrap_or_default().to_owned()
            }
            Part::Host | Part::Port => {
                let Some((host, port)) = host_of(self.request) else {
                    return Err(Reason { text: "the request's host is not given".into(), span: None });
                };
                if *part == Part::Host {
                    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
                } else {
                    port.to_owned()
                }
            }
        })
    }
}

/// The members of a list that pass one of the tests.
fn passing(members: &Members, list: &str) -> Result<String, Reason> {
    let mut passing = Vec::new();
    for member in list.split(',').map(str::trim) {
        let mut passes = Some(false);
        for (test, _) in &members.tests {
            match test.matches(member) {
                Some(true) => {
                    passes = Some(true);
                    break;
                }
                Some(false) => {}
                None => passes = None,
            }
        }
        match (passes, &members.open) {
            (Some(true), _) => passing.push(member),
            (Some(false), None) => {}
            (_, Some(reason)) => return Err(reason.clone()),
            (None, None) => return Err(Reason { text: "a pattern cannot be decided".into(), span: None }),
        }
    }
    passing.sort_unstable();
    Ok(passing.join(", "))
}

/// The lines of a header as one value.
fn joined(headers: &[Sent], name: &str) -> Result<String, Reason> {
    let lines = headers.iter().filter(|sent| sent.name.eq_ignore_ascii_case(name));
    let values = lines.map(|sent| sent.value.clone()).collect::<Result<Vec<_>, _>>()?;
    Ok(values.join(", "))
}

/// Host and port that a request is for; an empty port where it says none.
pub(super) fn host_of(request: &Request) -> Option<(&str, &str)> {
    if let Some(header) = request.header("host") {
        return Some(host_and_port(header));
    }
    let (scheme, authority) = request.authority()?;
    Some(match (host_and_port(authority), scheme) {
        ((host, ""), "https") => (host, "443"),
        ((host, ""), "http") => (host, "80"),
        (given, _) => given,
    })
}

/// The parts of a `Host` header; an empty port where none is given.
fn host_and_port(header: &str) -> (&str, &str) {
    match header.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
        _ => (header, ""),
    }
}

/// npm's `vary` 1.1.2, `append`: members are compared without case, `*` swallows all.
fn append_members(before: Vec<Result<String, Reason>>, values: Vec<Result<String, Reason>>) -> Result<String, Reason> {
    let before = before.into_iter().collect::<Result<Vec<_>, _>>()?.join(", ");
    let values = values.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut joined = before;
    for member in values.iter().flat_map(|value| value.split(',')).map(str::trim) {
        let has = joined.split(',').any(|other| other.trim() == "*" || other.trim().eq_ignore_ascii_case(member));
        if member == "*" {
            joined = "*".to_owned();
        } else if joined.is_empty() {
            joined = member.to_owned();
        } else if !has {
            joined = format!("{joined}, {member}");
        }
    }
    Ok(joined)
}

/// A part of a URL as the URL standard's API gives it; empty where the text is no URL.
fn url_part(text: &str, part: UrlPart) -> String {
    if matches!(part, UrlPart::Pathname | UrlPart::Search) {
        // A path is read against some base, which decides neither.
        let base = url::Url::parse("http://localhost").ok();
        let url = url::Url::options().base_url(base.as_ref()).parse(text);
        return url.map_or_else(
            |_| String::new(),
            |url| match (part, url.query()) {
                (UrlPart::Search, Some(query)) if !query.is_empty() => format!("?{query}"),
                (UrlPart::Search, _) => String::new(),
                _ => url.path().to_owned(),
            },
        );
    }
    let Ok(url) = url::Url::parse(text) else { return String::new() };
    let port = url.port().map(|port| port.to_string()).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    match part {
        UrlPart::Hostname => host.to_owned(),
        UrlPart::Host if port.is_empty() => host.to_owned(),
        UrlPart::Host => format!("{host}:{port}"),
        UrlPart::Netloc => {
            let behind = text.split_once("//").map_or(text, |(_, behind)| behind);
            behind.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
        }
        UrlPart::Protocol => format!("{}:", url.scheme()),
        UrlPart::Scheme => url.scheme().to_owned(),
        UrlPart::Port => port,
        UrlPart::Origin => url.origin().ascii_serialization(),
        UrlPart::Pathname | UrlPart::Search => String::new(),
    }
}
