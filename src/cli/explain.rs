//! `corslint explain`: a rule's page.

use super::args::ExplainArgs;
use super::{Ending, Failure, Verdict, markdown, output, terminal};
use crate::config::nearest;
use crate::report::{Paint, Style};
use crate::rules::page::FixKind;
use crate::rules::{find_page, pages};

pub(super) fn run(args: &ExplainArgs) -> Ending {
    let Some(page) = find_page(&args.rule) else {
        let near = nearest(&args.rule, pages().iter().map(|page| page.id));
        let help = near.map_or("`corslint rules` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(Failure::new(format!("there is no rule `{}`", args.rule)).help(help));
    };
    let paint = Paint { on: terminal::color(args.color, terminal::stdout_is_terminal()) };
    let fix = match page.fix {
        FixKind::None => "has no fix",
        FixKind::Display => "shows a change to make",
        FixKind::Unsafe => "may have an unsafe fix",
        FixKind::Safe => "may have a safe fix",
    };
    let mut out = format!("{}: {}\n", paint.paint(Style::Bold, page.id), page.summary);
    let mut facts = vec![page.category.as_str(), page.severity.as_str(), fix];
    facts.extend(page.cwe);
    out.push_str(&paint.paint(Style::Dim, &facts.join(", ")));
    out.push_str("\n\n");
    out.push_str(&markdown::render(page.body, paint, terminal::width()));
    if !page.references.is_empty() {
        out.push_str(&format!("\n{}\n", paint.paint(Style::Bold, "References")));
        for reference in page.references {
            out.push_str(&format!("  {reference}\n"));
        }
    }
    output::print(&out)?;
    Ok(Verdict::Pass)
}
