//! What the terminal is like.

use std::io::{IsTerminal, Write};

use super::args::ColorArg;
use crate::report::{Paint, Style, clean};

/// The narrowest and the widest that a report is laid out for, in columns.
const WIDTHS: std::ops::RangeInclusive<usize> = 50..=120;

/// The width where no terminal says it.
const DEFAULT_WIDTH: usize = 100;

/// A variable of the environment that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

/// Whether to use colours on a stream: as told, else by `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR`, `TERM` and whether it
/// is a terminal (no-color.org, bixense.com/clicolors).
pub(super) fn color(wanted: ColorArg, is_terminal: bool) -> bool {
    match wanted {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto => {
            if variable("NO_COLOR").is_some() {
                return false;
            }
            if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
                return true;
            }
            is_terminal && variable("TERM").as_deref() != Some("dumb") && variable("CLICOLOR").as_deref() != Some("0")
        }
    }
}

/// The columns of a report: the terminal's, or those of `COLUMNS`.
pub(super) fn width() -> usize {
    let columns = variable("COLUMNS").and_then(|value| value.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let width = columns.or_else(terminal).unwrap_or(DEFAULT_WIDTH);
    width.clamp(*WIDTHS.start(), *WIDTHS.end())
}

/// Whether box-drawing characters may be used.
pub(super) fn unicode() -> bool {
    if matches!(variable("TERM").as_deref(), Some("linux" | "dumb")) {
        return false;
    }
    match ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name)) {
        Some(locale) => {
            let locale = locale.to_ascii_uppercase();
            !matches!(locale.split('.').next_back(), Some("C" | "POSIX" | "US-ASCII" | "ISO-8859-1"))
        }
        None => true,
    }
}

/// Whether standard output is a terminal.
pub(super) fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Says on standard error why the program cannot do what was asked.
pub(super) fn complain(message: &str, help: Option<&str>) {
    let mut stderr = std::io::stderr().lock();
    let paint = Paint { on: color(ColorArg::Auto, stderr.is_terminal()) };
    // There is nobody left to tell if this fails.
    let _ = writeln!(stderr, "{}: {}", paint.paint(Style::Red, "error"), clean(message));
    if let Some(help) = help {
        let mut lines = help.lines();
        let first = lines.next().unwrap_or_default();
        let _ = writeln!(stderr, "  {} {}", paint.paint(Style::Cyan, "help:"), clean(first));
        for line in lines {
            let _ = writeln!(stderr, "{}", clean(line));
        }
    }
}
