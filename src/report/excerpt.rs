//! Source excerpts with labels, drawn by miette.
//!
//! What is handed to it is cleaned and cut before: it passes control characters through, fails on columns beyond
//! 65,535, never shortens a line, and draws overlapping labels wrong (miette 7.6.0, `handlers/graphical.rs`).

use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};

use super::text::{char_width, clean, clean_char, cut};
use crate::finding::Severity;
use crate::source::SourceFile;

/// How excerpts are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawing {
    /// With colours.
    pub color: bool,
    /// With box-drawing characters.
    pub unicode: bool,
    /// In how many columns.
    pub width: usize,
}

/// A place to mark: bytes of the file, and words.
#[derive(Clone, Debug)]
pub(super) struct Mark<'a> {
    /// The place.
    pub range: Range<u32>,
    /// The words; may be empty.
    pub text: &'a str,
    /// Whether it is the place that the finding is about.
    pub primary: bool,
}

/// How many lines a mark may cover before it is narrowed to its first.
const MOST_LINES: u32 = 6;

/// How many lines may lie between two marks of one excerpt.
const GAP: u32 = 4;

/// The excerpts of `file` that show all `marks`, the primary one first.
pub(super) fn draw(file: &SourceFile, marks: &[Mark<'_>], severity: Severity, drawing: Drawing, out: &mut String) {
    let mut clusters: Vec<Cluster<'_>> = Vec::new();
    let mut order: Vec<Mark<'_>> = marks.iter().map(|mark| narrowed(file, mark, marks)).collect();
    order.sort_by_key(|mark| (!mark.primary, mark.range.start, mark.range.end));
    for mark in &order {
        let placed = Placed::new(file, mark);
        match clusters.iter_mut().find(|cluster| cluster.takes(&placed)) {
            Some(cluster) => cluster.marks.push(placed),
            None => clusters.push(Cluster { marks: vec![placed] }),
        }
    }
    for cluster in &clusters {
        cluster.draw(file, severity, drawing, out);
    }
}

/// A mark around others, narrowed to what stands before the first of them on its own first line: so that all of them fit
/// one excerpt.
fn narrowed<'a>(file: &SourceFile, mark: &Mark<'a>, marks: &[Mark<'_>]) -> Mark<'a> {
    let inner = marks
        .iter()
        .map(|other| &other.range)
        .filter(|other| **other != mark.range && mark.range.start <= other.start && other.end <= mark.range.end);
    let Some(first) = inner.map(|range| range.start).min() else { return mark.clone() };
    let line_end = file.lines().range(&file.text, file.position(mark.range.start).line).end;
    let end = (first as usize).min(line_end).max(mark.range.start as usize);
    let kept = file.text.get(mark.range.start as usize..end).unwrap_or_default().trim_end();
    // A mark that begins where another does has nothing of its own.
    if kept.is_empty() {
        return mark.clone();
    }
    Mark { range: mark.range.start..mark.range.start + kept.len() as u32, ..mark.clone() }
}

/// A mark with its lines (from 1), narrowed to what is shown.
struct Placed<'a> {
    range: Range<usize>,
    lines: (u32, u32),
    text: &'a str,
    primary: bool,
}

impl<'a> Placed<'a> {
    fn new(file: &SourceFile, mark: &Mark<'a>) -> Self {
        let limit = file.text.len();
        let range = (mark.range.start as usize).min(limit)..(mark.range.end as usize).min(limit);
        let first = file.position(range.start as u32).line;
        let last = file.position(range.end.saturating_sub(1).max(range.start) as u32).line;
        let (range, lines) = if last - first >= MOST_LINES {
            (range.start..file.lines().range(&file.text, first).end.max(range.start), (first, first))
        } else {
            (range, (first, last))
        };
        Self { range, lines, text: mark.text, primary: mark.primary }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.range.start < other.range.end.max(other.range.start + 1)
            && other.range.start < self.range.end.max(self.range.start + 1)
    }
}

/// Marks that are shown in one excerpt.
struct Cluster<'a> {
    marks: Vec<Placed<'a>>,
}

impl Cluster<'_> {
    fn takes(&self, placed: &Placed<'_>) -> bool {
        let (first, last) = self.lines();
        let near = placed.lines.0 <= last + GAP && first <= placed.lines.1 + GAP;
        near && self.marks.len() < 8 && !self.marks.iter().any(|mark| mark.overlaps(placed))
    }

    fn lines(&self) -> (u32, u32) {
        let first = self.marks.iter().map(|mark| mark.lines.0).min().unwrap_or(1);
        (first, self.marks.iter().map(|mark| mark.lines.1).max().unwrap_or(first))
    }

    fn draw(&self, file: &SourceFile, severity: Severity, drawing: Drawing, out: &mut String) {
        let (first, last) = self.lines();
        let (first, last) = (first.saturating_sub(1).max(1), (last + 1).min(file.lines().count()));
        let room = drawing.width.saturating_sub(last.to_string().len() + 6).max(20);
        let mut excerpt = Excerpt { text: String::new(), first, name: clean(&file.name).into_owned(), at: (first, 1) };
        let mut spans: Vec<(usize, usize)> = vec![(usize::MAX, 0); self.marks.len()];
        for number in first..=last {
            let range = file.lines().range(&file.text, number);
            // An empty line at the very end of a file says nothing.
            if number > last.saturating_sub(1) && range.is_empty() && number == file.lines().count() && number > first {
                break;
            }
            if number > first {
                excerpt.text.push('\n');
            }
            let focus = self
                .marks
                .iter()
                .filter(|mark| mark.lines.0 <= number && number <= mark.lines.1)
                .min_by_key(|mark| !mark.primary)
                .map(|mark| mark.range.start.clamp(range.start, range.end) - range.start);
            let line = Line::new(&file.text[range.clone()], focus.unwrap_or(0), room);
            let base = excerpt.text.len();
            for (mark, span) in self.marks.iter().zip(&mut spans) {
                if mark.lines.0 <= number && number <= mark.lines.1 {
                    let from = base + line.place(mark.range.start.clamp(range.start, range.end) - range.start);
                    let to = base + line.place(mark.range.end.clamp(range.start, range.end) - range.start);
                    *span = (span.0.min(from), span.1.max(to));
                }
            }
            excerpt.text.push_str(&line.text);
        }
        if let Some(mark) = self.marks.iter().find(|mark| mark.primary).or(self.marks.first()) {
            let position = file.position(mark.range.start as u32);
            excerpt.at = (position.line, position.column);
        }
        // A mark without length needs a character to stand under.
        if excerpt.text.is_empty() || excerpt.text.ends_with('\n') {
            excerpt.text.push(' ');
        }
        let length = excerpt.text.len();
        let mut labels: Vec<(LabeledSpan, bool)> = self
            .marks
            .iter()
            .zip(spans)
            .map(|(mark, (from, to))| {
                let mut from = from.min(length - 1);
                while !excerpt.text.is_char_boundary(from) {
                    from -= 1;
                }
                if excerpt.text[from..].starts_with('\n') && from > 0 && !excerpt.text[..from].ends_with('\n') {
                    from = excerpt.text[..from].char_indices().next_back().map_or(0, |(at, _)| at);
                }
                let next = excerpt.text[from..].chars().next().map_or(from, |c| from + c.len_utf8());
                let text = (!mark.text.is_empty()).then(|| cut(&clean(mark.text), drawing.width).into_owned());
                let span = SourceSpan::from((from, to.max(next) - from));
                let label = if mark.primary {
                    LabeledSpan::new_primary_with_span(text, span)
                } else {
                    LabeledSpan::new_with_span(text, span)
                };
                (label, mark.primary)
            })
            .collect();
        labels.sort_by_key(|(label, _)| label.offset());
        let drawn = render(&excerpt, &labels, severity, drawing);
        // miette puts a message above; ours stands elsewhere.
        let corner = if drawing.unicode { "╭" } else { ",-" };
        let start = drawn.find(corner).and_then(|at| drawn[..at].rfind('\n')).map_or(0, |at| at + 1);
        for line in drawn[start..].lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
}

fn render(excerpt: &Excerpt, labels: &[(LabeledSpan, bool)], severity: Severity, drawing: Drawing) -> String {
    let mut styles = if drawing.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let main = match severity {
        Severity::Error => styles.error,
        Severity::Warning => styles.warning,
        Severity::Note => styles.advice,
    };
    let other = if severity == Severity::Note { styles.warning } else { styles.advice };
    styles.highlights = labels.iter().map(|(_, primary)| if *primary { main } else { other }).collect();
    styles.link = styles.advice;
    let mut characters = if drawing.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
    // Its ASCII theme still puts a box-drawing underline.
    if !drawing.unicode {
        characters.underline = '^';
        characters.underbar = '|';
    }
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme { characters, styles })
        .with_links(false)
        .with_wrap_lines(false)
        .with_context_lines(1)
        // It may not wrap what we have measured.
        .with_width(drawing.width + 200)
        .without_cause_chain();
    let shown = Shown { excerpt, labels: labels.iter().map(|(label, _)| label.clone()).collect() };
    let mut drawn = String::new();
    match handler.render_report(&mut drawn, &shown) {
        Ok(()) => drawn,
        Err(_) => String::new(),
    }
}

/// One line, cleaned and cut around what matters.
struct Line {
    text: String,
    /// For each character of the source line its byte offset there and in `text`, and the end of both.
    places: Vec<(usize, usize)>,
}

impl Line {
    /// `source` in at most `room` columns, such that the byte `focus` of it is seen.
    fn new(source: &str, focus: usize, room: usize) -> Self {
        let columns = |c: char| if c == '\t' { 4 } else { char_width(clean_char(c)) };
        let total: usize = source.chars().take(room * 4 + focus).map(columns).sum();
        let before: usize = source.char_indices().take_while(|(at, _)| *at < focus).map(|(_, c)| columns(c)).sum();
        // The window in columns; two of them are for the ellipses.
        let window = if total <= room {
            0..usize::MAX
        } else {
            let inner = room.saturating_sub(2);
            let start = before.saturating_sub(inner / 3);
            start..start + inner
        };
        let mut line = Self { text: String::new(), places: Vec::new() };
        let mut column = 0;
        if window.start > 0 {
            line.text.push('…');
        }
        for (at, c) in source.char_indices() {
            line.places.push((at, line.text.len()));
            let next = column + columns(c);
            if column >= window.start && next <= window.end {
                if c == '\t' {
                    line.text.push_str("    ");
                } else {
                    line.text.push(clean_char(c));
                }
            } else if column >= window.end {
                break;
            }
            column = next;
        }
        line.places.push((source.len(), line.text.len()));
        if window.end < total {
            line.text.push('…');
        }
        line
    }

    /// Where the byte `at` of the source line stands in the text.
    fn place(&self, at: usize) -> usize {
        let next = self.places.partition_point(|(source, _)| *source < at);
        self.places.get(next).or(self.places.last()).map_or(0, |(_, text)| *text)
    }
}

/// Some lines of a file, as miette's source.
#[derive(Debug)]
struct Excerpt {
    text: String,
    /// The number of its first line, from 1.
    first: u32,
    name: String,
    /// Line and column of the primary mark in the file, from 1.
    at: (u32, u32),
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        _: &SourceSpan,
        before: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // Without context lines it asks for the place to name in the header.
        let (line, column) = if before == 0 { self.at } else { (self.first, 1) };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            self.text.as_bytes(),
            SourceSpan::from((0, self.text.len())),
            line.saturating_sub(1) as usize,
            column.saturating_sub(1) as usize,
            self.text.lines().count(),
        )))
    }
}

/// An excerpt and its labels, as miette's diagnostic.
#[derive(Debug)]
struct Shown<'a> {
    excerpt: &'a Excerpt,
    labels: Vec<LabeledSpan>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceSet;

    const PLAIN: Drawing = Drawing { color: false, unicode: true, width: 60 };

    fn drawn(text: &str, marks: &[(&str, &str)], drawing: Drawing) -> String {
        let set = SourceSet::default();
        let file = set.add("a.js".as_ref(), text.to_owned());
        let marks: Vec<_> = marks
            .iter()
            .enumerate()
            .map(|(at, (place, words))| {
                let start = text.find(place).unwrap() as u32;
                Mark { range: start..start + place.len() as u32, text: words, primary: at == 0 }
            })
            .collect();
        let mut out = String::new();
        draw(&file, &marks, Severity::Error, drawing, &mut out);
        out
    }

    #[test]
    fn marks_stand_under_their_places() {
        let text = "a\nb\n  origin: true,\r\n\tcredentials: 'é',\nc\nd\n";
        let out = drawn(text, &[("true", "echoes"), ("'é'", "allows")], PLAIN);
        assert_eq!(
            out,
            "   ╭─[a.js:3:11]\n 2 │ b\n 3 │   origin: true,\n   ·           ──┬─\n   ·             ╰── echoes\n 4 │     credentials: 'é',\n   ·                  ─┬─\n   ·                   ╰── allows\n 5 │ c\n   ╰────\n"
        );
    }

    #[test]
    fn marks_far_apart_and_overlapping_ones_have_excerpts_of_their_own() {
        let text = format!("one(two)\n{}three\n", "\n".repeat(20));
        let out = drawn(&text, &[("two", "2"), ("one(t", "1"), ("three", "3")], PLAIN);
        assert_eq!(out.matches("╭─[").count(), 3);
        assert!(out.contains("a.js:1:5]") && out.contains("a.js:1:1]") && out.contains("a.js:22:1]"), "{out}");
    }

    #[test]
    fn a_mark_around_another_makes_room_for_it() {
        let out = drawn(
            "use(cors({\n  origin: x,\n}));\n",
            &[("x", "this"), ("cors({\n  origin: x,\n})", "used here")],
            PLAIN,
        );
        assert_eq!(out.matches("╭─[").count(), 1, "{out}");
        assert!(
            out.contains(" 1 │ use(cors({\n   ·     ───┬──\n   ·        ╰── used here\n 2 │   origin: x,"),
            "{out}"
        );
    }

    #[test]
    fn hostile_lines_are_cut_and_cleaned() {
        let text = format!("{}\x1b[31mX\u{202e}{}", "漢".repeat(70_000), "y".repeat(70_000));
        let out = drawn(&text, &[("X", "here")], PLAIN);
        assert!(out.lines().all(|line| super::super::text::width(line) <= 62), "{out}");
        assert!(out.contains("␛[31mX\u{fffd}") && !out.contains('\x1b'), "{out}");
        for (text, mark) in [("", ""), ("\n", ""), ("a", "a"), ("\n\n\n", ""), ("é", "é"), ("a\r\n", "\r\n")] {
            let out = drawn(text, &[(mark, "x")], PLAIN);
            assert!(out.contains('x'), "{text:?}: {out}");
        }
    }

    #[test]
    fn a_place_at_the_end_of_the_file_is_seen() {
        let set = SourceSet::default();
        for text in ["ab", "ab\n", "ab\n\n"] {
            let file = set.add(format!("f{}", text.len()).as_ref(), text.to_owned());
            let end = text.len() as u32;
            let mut out = String::new();
            let mark = Mark { range: end..end, text: "end", primary: true };
            draw(&file, &[mark], Severity::Note, Drawing { unicode: false, ..PLAIN }, &mut out);
            assert!(out.contains("end") && out.is_ascii(), "{out}");
        }
    }
}
