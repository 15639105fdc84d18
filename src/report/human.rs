//! The report for people: one screen for one fault.

use rustc_hash::FxHashMap;

use super::excerpt::{Drawing, Mark, draw};
use super::summary::counted;
use super::text::{Paint, Style, clean, cut, width, wrap};
use super::{View, summary};
use crate::finding::{Applicability, Confidence, Evidence, Finding, Outcome, Problem, Reported, Severity, Snippet};
use crate::source::{FileId, SourceSet, Span};

/// How many places of a repeated fault are named.
const MOST_PLACES: usize = 8;

/// How many lines a change may show.
const MOST_CHANGED: usize = 14;

/// The report, without colours unless asked for.
pub(super) fn render(outcome: &Outcome, sources: &SourceSet, view: &View) -> String {
    let mut page =
        Page { sources, view, paint: Paint { on: view.color }, explained: FxHashMap::default(), out: String::new() };
    let servers = by_server(&outcome.findings);
    for (server, findings) in &servers {
        if servers.len() > 1 {
            page.heading(*server, findings);
        }
        page.server(findings);
    }
    if view.verbose {
        page.suppressed(outcome);
    }
    if !view.quiet {
        page.gone(outcome);
    }
    for problem in &outcome.problems {
        page.problem(problem);
    }
    if !view.quiet {
        page.out.push_str(&summary::human(outcome, page.paint));
    }
    page.out
}

/// The findings of each server, in the order of their first: by its file, or the finding's own where there is no server.
fn by_server(findings: &[Reported]) -> Vec<(FileId, Vec<&Finding>)> {
    let mut servers: Vec<(FileId, Vec<&Finding>)> = Vec::new();
    let mut known: FxHashMap<FileId, usize> = FxHashMap::default();
    for Reported { finding, .. } in findings {
        let server = finding.server.unwrap_or(finding.primary.span.file);
        let at = *known.entry(server).or_insert(servers.len());
        match servers.get_mut(at) {
            Some((_, findings)) => findings.push(finding),
            None => servers.push((server, vec![finding])),
        }
    }
    servers
}

/// What a finding says, wherever it is.
type Said<'a> = (&'a str, Severity, &'a str, Option<&'a str>);

fn said(finding: &Finding) -> Said<'_> {
    (finding.rule, finding.severity, &finding.message, finding.help.as_deref())
}

/// Findings that say the same about different places, in the order of their first.
fn grouped<'a>(findings: &[&'a Finding]) -> Vec<Vec<&'a Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut known: FxHashMap<Said<'_>, usize> = FxHashMap::default();
    for &finding in findings {
        let at = *known.entry(said(finding)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// The style of a severity.
pub(super) fn style_of(severity: Severity) -> Style {
    match severity {
        Severity::Error => Style::Red,
        Severity::Warning => Style::Yellow,
        Severity::Note => Style::Cyan,
    }
}

struct Page<'a> {
    sources: &'a SourceSet,
    view: &'a View,
    paint: Paint,
    /// Where what is said again was explained.
    explained: FxHashMap<Said<'a>, Span>,
    out: String,
}

impl<'a> Page<'a> {
    /// The line above the findings of a server, where there are several.
    fn heading(&mut self, server: FileId, findings: &[&Finding]) {
        let framework = findings.first().map_or("", |finding| finding.framework);
        let framework = if framework.is_empty() { String::new() } else { format!(" ({framework})") };
        let rule = if self.view.unicode { "─" } else { "-" };
        let name = format!("{}{framework}", clean(&self.sources.get(server).name));
        let name = cut(&name, self.view.width.saturating_sub(6));
        let rest = self.view.width.saturating_sub(width(&name) + 4);
        let (start, end) =
            (self.paint.paint(Style::Dim, &rule.repeat(2)), self.paint.paint(Style::Dim, &rule.repeat(rest)));
        self.out.push_str(&format!("{start} {} {end}\n", self.paint.paint(Style::Bold, &name)));
    }

    /// The findings of a server: in full, or in a line each where all there is to say was said of another server.
    fn server(&mut self, findings: &[&'a Finding]) {
        let (again, new): (Vec<_>, Vec<_>) =
            grouped(findings).into_iter().partition(|group| self.explained.contains_key(&said(group[0])));
        for group in &new {
            self.explained.insert(said(group[0]), group[0].primary.span);
            self.finding(group);
        }
        for finding in again.iter().flatten() {
            self.again(finding);
        }
        if !again.is_empty() {
            self.out.push('\n');
        }
    }

    /// A finding in a line, or in a few where the terminal is narrow.
    fn again(&mut self, finding: &Finding) {
        let Some(&above) = self.explained.get(&said(finding)) else { return };
        let head = format!("{}[{}]", finding.severity, finding.rule);
        let (place, above) = (self.place(finding.primary.span), format!("as at {}", self.place(above)));
        let gap = |fits: bool| if fits { " " } else { "\n  " };
        let rest = width(&place) + width(&above) + 4;
        let (first, second) = (gap(width(&head) + rest <= self.view.width), gap(rest <= self.view.width));
        let head = self.paint.paint(style_of(finding.severity), &head);
        let place = self.paint.paint(Style::Bold, &place);
        self.out.push_str(&format!("{head}:{first}{place},{second}{}\n", self.paint.paint(Style::Dim, &above)));
    }

    fn finding(&mut self, group: &[&Finding]) {
        let Some((finding, others)) = group.split_first() else { return };
        let head = format!("{}[{}]", finding.severity, finding.rule);
        let unsure = match finding.confidence {
            Confidence::High => "",
            Confidence::Medium => " (likely)",
            Confidence::Low => " (possible)",
        };
        let message = clean(&finding.message);
        let lines = wrap(&format!("{head}: {message}{unsure}"), self.view.width);
        for (at, line) in lines.iter().enumerate() {
            if at == 0 {
                let (head, rest) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
                let head = self.paint.paint(style_of(finding.severity), head);
                self.out.push_str(&format!("{head}: {}\n", self.paint.paint(Style::Bold, rest)));
            } else {
                self.out.push_str(&format!("  {}\n", self.paint.paint(Style::Bold, line)));
            }
        }
        self.excerpts(finding);
        self.section("browser", finding.consequence.as_deref().unwrap_or_default());
        for (at, evidence) in finding.evidence.iter().enumerate() {
            self.proof(evidence, at == 0);
        }
        self.section("help", finding.help.as_deref().unwrap_or_default());
        if let Some(change) = &finding.change {
            self.change(change);
        }
        self.fix(finding);
        self.places(others);
        self.out.push('\n');
    }

    /// The primary file's excerpts, then those of other files.
    fn excerpts(&mut self, finding: &Finding) {
        let mut files = vec![finding.primary.span.file];
        for label in &finding.labels {
            if !files.contains(&label.span.file) {
                files.push(label.span.file);
            }
        }
        let drawing = Drawing { color: self.view.color, unicode: self.view.unicode, width: self.view.width };
        for id in files {
            let file = self.sources.get(id);
            let labels =
                std::iter::once((&finding.primary, true)).chain(finding.labels.iter().map(|label| (label, false)));
            let marks: Vec<_> = labels
                .filter(|(label, _)| label.span.file == id)
                .map(|(label, primary)| Mark { range: label.span.start..label.span.end, text: &label.text, primary })
                .collect();
            draw(&file, &marks, finding.severity, drawing, &mut self.out);
        }
    }

    /// A line `  name:    text`, wrapped under itself. Nothing for an empty text.
    fn section(&mut self, name: &str, text: &str) {
        let text = clean(text);
        for (at, line) in wrap(&text, self.view.width.saturating_sub(INDENT)).iter().enumerate() {
            self.line(if at == 0 { name } else { "" }, line);
        }
    }

    fn line(&mut self, name: &str, text: &str) {
        let name = if name.is_empty() { String::new() } else { format!("{name}:") };
        let padding = " ".repeat((INDENT - 2).saturating_sub(width(&name)));
        self.out.push_str(&format!("  {}{padding}{text}\n", self.paint.paint(Style::Cyan, &name)));
    }

    /// One exchange: of a call, the first is told with who asks.
    fn proof(&mut self, evidence: &Evidence, is_first: bool) {
        let request = &evidence.request;
        let value = |name: &str| {
            request
                .headers
                .iter()
                .find(|(header, _)| header.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
        };
        let with = if evidence.credentials { " with the visitor's cookies" } else { "" };
        let call = format!("{} {}{with}", request.method, request.path);
        match value("origin").filter(|_| is_first) {
            Some(origin) => self.section("proof", &format!("a page on {origin} asks {call}")),
            None if is_first => self.section("proof", &call),
            None => self.section("", &format!("and then {call}")),
        }
        for (name, value) in request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("origin")) {
            self.header("> ", name, value);
        }
        if let Some(status) = evidence.status {
            let line = format!("{}{status}", self.paint.paint(Style::Dim, "< "));
            self.line("", &line);
        }
        for (name, value) in &evidence.headers {
            self.header("< ", name, value);
        }
        self.section("", &evidence.verdict);
    }

    fn header(&mut self, direction: &str, name: &str, value: &str) {
        let line = format!("{}: {}", clean(name), clean(value));
        let line = cut(&line, self.view.width.saturating_sub(INDENT + 2)).into_owned();
        self.line("", &format!("{}{line}", self.paint.paint(Style::Dim, direction)));
    }

    /// The lines around a place as they are and as they would be.
    fn change(&mut self, change: &Snippet) {
        let file = self.sources.get(change.span.file);
        let (first, last) = (file.position(change.span.start).line, file.position(change.span.end).line);
        let start = file.lines().range(&file.text, first).start;
        let end = file.lines().range(&file.text, last).end.max(change.span.end as usize);
        let Some(before) = file.text.get(start..end) else { return };
        let (Some(lead), Some(trail)) =
            (file.text.get(start..change.span.start as usize), file.text.get(change.span.end as usize..end))
        else {
            return;
        };
        let after = format!("{lead}{}{trail}", change.replacement);
        self.diff(before, &after);
    }

    fn diff(&mut self, before: &str, after: &str) {
        let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
        let same_start = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
        let rest = before.len().min(after.len()) - same_start;
        let same_end = before.iter().rev().zip(after.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
        let gone = &before[same_start..before.len() - same_end];
        let come = &after[same_start..after.len() - same_end];
        if gone.is_empty() && come.is_empty() {
            return;
        }
        let indent = gone.iter().chain(come).filter(|line| !line.trim().is_empty());
        let indent = indent.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
        let mut name = "change";
        let mut left = MOST_CHANGED;
        for (sign, style, lines) in [("-", Style::Red, gone), ("+", Style::Green, come)] {
            for line in lines {
                if left == 0 {
                    self.line(name, "…");
                    return;
                }
                left -= 1;
                let text = clean(&line.get(indent..).unwrap_or_default().replace('\t', "    ")).into_owned();
                let text = cut(&text, self.view.width.saturating_sub(INDENT + 2)).into_owned();
                let painted = self.paint.paint(style, &format!("{sign} {text}"));
                self.line(name, &painted);
                name = "";
            }
        }
    }

    fn fix(&mut self, finding: &Finding) {
        let best = finding.fixes.iter().max_by_key(|fix| fix.applicability);
        if let Some(fix) = best
            && let Some(option) = match fix.applicability {
                Applicability::Safe => Some("--fix"),
                Applicability::Unsafe => Some("--fix --unsafe-fixes"),
                Applicability::Display => None,
            }
        {
            self.section("fix", &format!("`{option}` will {}", fix.title));
        }
    }

    /// Further places of the same fault.
    fn places(&mut self, others: &[&Finding]) {
        for (at, finding) in others.iter().take(MOST_PLACES).enumerate() {
            let place = self.place(finding.primary.span);
            self.line(if at == 0 { "also at" } else { "" }, &place);
        }
        if others.len() > MOST_PLACES {
            self.line("", &format!("and {} more", counted(others.len() - MOST_PLACES, "place")));
        }
    }

    fn place(&self, span: Span) -> String {
        let file = self.sources.get(span.file);
        let position = file.position(span.start);
        format!("{}:{}:{}", clean(&file.name), position.line, position.column)
    }

    fn suppressed(&mut self, outcome: &Outcome) {
        use crate::finding::Suppression;
        for (reported, how) in &outcome.suppressed {
            let finding = &reported.finding;
            let how = match how {
                Suppression::Comment { reason } if reason.is_empty() => "ignored by a comment".to_owned(),
                Suppression::Comment { reason } => format!("ignored: {}", clean(reason)),
                Suppression::Baseline => "in the baseline".to_owned(),
            };
            let place = self.place(finding.primary.span);
            let line = format!("suppressed[{}]: {place}: {} ({how})", finding.rule, clean(&finding.message));
            self.out.push_str(&self.paint.paint(Style::Dim, &line));
            self.out.push('\n');
        }
        if !outcome.suppressed.is_empty() {
            self.out.push('\n');
        }
    }

    /// What the baseline holds in vain.
    fn gone(&mut self, outcome: &Outcome) {
        if outcome.gone.is_empty() {
            return;
        }
        let (entries, do_) =
            (counted(outcome.gone.len(), "entry"), if outcome.gone.len() == 1 { "does" } else { "do" });
        let head = format!("baseline: {entries} {do_} not occur any more; `--write-baseline` drops what is gone");
        self.out.push_str(&format!("{}\n", self.paint.paint(Style::Cyan, &head)));
        for known in outcome.gone.iter().take(MOST_PLACES) {
            let line = format!("{}: {} [{}]", clean(&known.path), clean(&known.message), clean(&known.rule));
            self.out.push_str(&format!("  {}\n", cut(&line, self.view.width.saturating_sub(2))));
        }
        if outcome.gone.len() > MOST_PLACES {
            self.out.push_str(&format!("  and {} more\n", outcome.gone.len() - MOST_PLACES));
        }
        self.out.push('\n');
    }

    fn problem(&mut self, problem: &Problem) {
        let head = self.paint.paint(Style::Yellow, &format!("problem[{}]", problem.kind.as_str()));
        let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
        self.out.push_str(&format!("{head}: {}{line}: {}\n", clean(&problem.file), clean(&problem.message)));
    }
}

/// The columns before a section's text.
const INDENT: usize = 12;

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;
    use crate::cors::Request;
    use crate::finding::{Category, Edit, Essence, Fix, Label, fingerprint};

    const APP: &str = "const express = require('express');\nconst cors = require('cors');\nconst { corsOrigin } = require('./settings');\n\nconst app = express();\napp.use(cors({\n  origin: corsOrigin,\n  credentials: true,\n}));\n";
    const SETTINGS: &str = "exports.corsOrigin = process.env.CORS_ORIGIN ?? true;\n";

    pub(in crate::report) fn outcome() -> (Outcome, SourceSet) {
        let sources = SourceSet::new("/p".into());
        let app = sources.add("/p/server/app.js".as_ref(), APP.to_owned());
        let settings = sources.add("/p/server/settings.js".as_ref(), SETTINGS.to_owned());
        let at = |file: &crate::source::SourceFile, text: &str, words: &str| {
            let start = file.text.rfind(text).unwrap() as u32;
            Label::new(Span::new(file.id, start, start + text.len() as u32), words)
        };
        let mut finding = Finding::new(
            "reflected-origin-with-credentials",
            Category::Exposure,
            Severity::Error,
            at(&app, "corsOrigin", "`true` echoes whatever origin asks"),
            "every origin is echoed back while credentials are allowed",
        );
        finding.framework = "express";
        finding.labels = vec![
            at(&app, "true", "and cookies are let through"),
            at(&settings, "true", "`true` where CORS_ORIGIN is not set"),
        ];
        finding.server = Some(app.id);
        finding.consequence = Some(
            "lets every site read the answers with the visitor's cookies; a page in a sandboxed frame, whose origin is `null`, too".into(),
        );
        finding.help = Some("list the origins that may read; without the variable, nobody should".into());
        let mut request = Request::new("GET", "/api/me");
        request.headers = vec![("Origin".into(), "https://evil.example".into())];
        finding.evidence.push(Evidence {
            settings: Vec::new(),
            request,
            credentials: true,
            status: Some(200),
            headers: vec![
                ("Access-Control-Allow-Origin".into(), "https://evil.example".into()),
                ("Access-Control-Allow-Credentials".into(), "true".into()),
            ],
            verdict: "allowed: the page reads the answer".into(),
        });
        let span = finding.primary.span;
        finding.change = Some(Snippet { span, replacement: "['https://app.example.com']".into() });
        let edits = vec![Edit { span: finding.labels[0].span, replacement: "false".into() }];
        let title = "turn credentials off".into();
        finding.fixes.push(Fix { title, applicability: Applicability::Unsafe, edits });
        let mut again = finding.clone();
        again.primary = at(&app, "cors(", "");
        let reported = |finding: Finding, ordinal| Reported {
            fingerprint: fingerprint(
                Essence { rule: finding.rule, file: "server/app.js", text: "corsOrigin", within: &[] },
                ordinal,
            ),
            finding,
        };
        let problem = Problem {
            file: "server/broken\x1b[31m.js".into(),
            line: Some(3),
            kind: crate::finding::ProblemKind::SyntaxError,
            message: "a part of the file could not be read".into(),
        };
        let outcome = Outcome {
            findings: vec![reported(finding, 0), reported(again, 1)],
            problems: vec![problem],
            files_scanned: 214,
            files_analyzed: 6,
            servers: 2,
            unknown_facts: 3,
            ..Outcome::default()
        };
        (outcome, sources)
    }

    const VIEW: View = View { color: false, unicode: true, width: 90, quiet: false, verbose: false };

    #[test]
    fn one_fault_is_one_screen() {
        let (outcome, sources) = outcome();
        let text = render(&outcome, &sources, &VIEW);
        assert_eq!(text, EXPECTED);
    }

    #[test]
    fn a_call_with_a_preflight_is_two_exchanges() {
        let (mut outcome, sources) = outcome();
        outcome.findings.truncate(1);
        let evidence = &mut outcome.findings[0].finding.evidence;
        let mut answer = evidence[0].clone();
        answer.request.method = "PUT".into();
        answer.verdict = "blocked: the answer has no Access-Control-Allow-Origin".into();
        answer.headers.clear();
        evidence[0].verdict = "passes".into();
        evidence.push(answer);
        let text = render(&outcome, &sources, &VIEW);
        let proof: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("  proof:")).take(8).collect();
        assert_eq!(
            proof[4..],
            [
                "            passes",
                "            and then PUT /api/me with the visitor's cookies",
                "            < 200",
                "            blocked: the answer has no Access-Control-Allow-Origin",
            ]
        );
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let (outcome, sources) = outcome();
        let colored = render(&outcome, &sources, &View { color: true, ..VIEW });
        let mut plain = String::new();
        let mut rest = colored.as_str();
        while let Some((before, after)) = rest.split_once("\x1b[") {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        assert_eq!(plain + rest, EXPECTED);
    }

    #[test]
    fn narrow_terminals_and_plain_characters_are_served() {
        let (outcome, sources) = outcome();
        let text = render(&outcome, &sources, &View { unicode: false, width: 50, quiet: true, ..VIEW });
        let known: Vec<_> = text.lines().filter(|line| width(line) > 62).collect();
        assert_eq!(known, ["problem[syntax-error]: server/broken␛[31m.js:3: a part of the file could not be read"]);
        assert!(text.contains(",-[server/app.js:7:11]") && !text.contains('─'));
        assert!(!text.contains("facts"));
    }

    const EXPECTED: &str = "\
error[reflected-origin-with-credentials]: every origin is echoed back while credentials
  are allowed
   ╭─[server/app.js:7:11]
 6 │ app.use(cors({
 7 │   origin: corsOrigin,
   ·           ─────┬────
   ·                ╰── `true` echoes whatever origin asks
 8 │   credentials: true,
   ·                ──┬─
   ·                  ╰── and cookies are let through
 9 │ }));
   ╰────
   ╭─[server/settings.js:1:49]
 1 │ exports.corsOrigin = process.env.CORS_ORIGIN ?? true;
   ·                                                 ──┬─
   ·                                                   ╰── `true` where CORS_ORIGIN is not set
   ╰────
  browser:  lets every site read the answers with the visitor's cookies; a page in a
            sandboxed frame, whose origin is `null`, too
  proof:    a page on https://evil.example asks GET /api/me with the visitor's cookies
            < 200
            < Access-Control-Allow-Origin: https://evil.example
            < Access-Control-Allow-Credentials: true
            allowed: the page reads the answer
  help:     list the origins that may read; without the variable, nobody should
  change:   - origin: corsOrigin,
            + origin: ['https://app.example.com'],
  fix:      `--fix --unsafe-fixes` will turn credentials off
  also at:  server/app.js:6:9

problem[syntax-error]: server/broken␛[31m.js:3: a part of the file could not be read
2 errors in 214 files (2 servers, 6 analyzed); 1 problem
3 facts stay unknown: `corslint policy` lists them
";
}
