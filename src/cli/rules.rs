//! `corslint rules`: every rule.

use serde_json::json;

use super::args::{ListFormatArg, RulesArgs};
use super::{Ending, Verdict, output, terminal};
use crate::finding::{Category, Severity};
use crate::report::{Paint, Style};
use crate::rules::page::FixKind;
use crate::rules::{Page, pages};

pub(super) fn run(args: &RulesArgs) -> Ending {
    let text = match args.format {
        ListFormatArg::Json => json(pages()),
        ListFormatArg::Human => {
            human(pages(), Paint { on: terminal::color(args.color, terminal::stdout_is_terminal()) })
        }
    };
    output::print(&text)?;
    Ok(Verdict::Pass)
}

fn json(pages: &[&Page]) -> String {
    let rules: Vec<_> = pages
        .iter()
        .map(|page| {
            json!({
                "id": page.id,
                "summary": page.summary,
                "category": page.category.as_str(),
                "severity": page.severity.as_str(),
                "fix": page.fix.as_str(),
                "since": page.since,
                "cwe": page.cwe,
                "url": page.url(),
            })
        })
        .collect();
    format!("{:#}\n", json!({ "version": 1, "rules": rules }))
}

fn human(pages: &[&Page], paint: Paint) -> String {
    let column = pages.iter().map(|page| page.id.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (category, title) in [
        (Category::Exposure, "Exposure: somebody may read who should not"),
        (Category::Breakage, "Breakage: the browser will refuse"),
        (Category::Hygiene, "Hygiene: works, and costs something later"),
    ] {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&format!("{}\n", paint.paint(Style::Bold, title)));
        for page in pages.iter().filter(|page| page.category == category) {
            let style = match page.severity {
                Severity::Error => Style::Red,
                Severity::Warning => Style::Yellow,
                Severity::Note => Style::Cyan,
            };
            let fix = match page.fix {
                FixKind::Safe => paint.paint(Style::Dim, "  [fix]"),
                FixKind::Unsafe => paint.paint(Style::Dim, "  [unsafe fix]"),
                FixKind::Display | FixKind::None => String::new(),
            };
            let severity = paint.paint(style, &format!("{:<7}", page.severity.as_str()));
            out.push_str(&format!("  {:<column$}  {severity}  {}{fix}\n", page.id, page.summary));
        }
    }
    out.push_str(&format!("\n{}\n", paint.paint(Style::Dim, "`corslint explain RULE` shows a rule's page.")));
    out
}
