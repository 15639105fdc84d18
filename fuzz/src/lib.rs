//! What the targets share: a run over a text as the program makes it, and its reports.

use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::AtomicUsize;

use corslint::config::{Settings, Stdin};
use corslint::engine::{self, Run};
use corslint::finding::ProblemKind;
use corslint::report::{Format, View, render};
use corslint::source::text_of;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder can be made"));

/// A folder that is empty at first, for this process alone.
pub fn folder() -> &'static Path {
    FOLDER.path()
}

/// The settings of a run over `text` as the file `name`.
pub fn settings(name: &str, text: String) -> Settings {
    let mut settings = Settings::new(folder(), []);
    settings.threads = 1;
    settings.stdin = Some(Stdin { path: folder().join(name), text });
    settings
}

/// Lints a file's bytes and writes every report of what was found. Bytes that are no text are refused, as in a run.
pub fn lint(name: &str, bytes: &[u8]) {
    let Ok(text) = text_of(bytes.to_vec()) else { return };
    let run = engine::run(&settings(name, text), None, &AtomicUsize::new(0));
    check(&run);
}

/// Holds a run to what every run promises: nothing failed inside, each place lies in its file, and no report lets
/// anything through that steers a terminal.
pub fn check(run: &Run) {
    for problem in &run.outcome.problems {
        assert!(problem.kind != ProblemKind::Internal, "{problem:?}");
    }
    for reported in &run.outcome.findings {
        for span in reported.finding.spans() {
            let file = run.sources.get(span.file);
            assert!(file.text.get(span.start as usize..span.end as usize).is_some(), "{:?}", reported.finding);
        }
    }
    if run.outcome.findings.is_empty() && run.outcome.problems.is_empty() {
        return;
    }
    let view = View { color: false, unicode: true, width: 80, quiet: false, verbose: true };
    for format in
        [Format::Human, Format::Compact, Format::Json, Format::Sarif, Format::Github, Format::Gitlab, Format::Junit]
    {
        let text = render(format, &run.outcome, &run.sources, &view);
        let steers = text.find(|c: char| c != '\n' && c.is_control());
        assert!(
            steers.is_none() || matches!(format, Format::Json | Format::Sarif | Format::Gitlab),
            "{format:?} {text:?}"
        );
        if format == Format::Github {
            assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
        }
    }
}

/// The name that the first byte picks, and the rest.
pub fn pick<'n, 'b>(names: &[&'n str], bytes: &'b [u8]) -> Option<(&'n str, &'b [u8])> {
    let (first, rest) = bytes.split_first()?;
    Some((names[usize::from(*first) % names.len()], rest))
}
