//! `corslint completions`: completions for a shell.

use super::args::CompletionsArgs;
use super::{Ending, Verdict, output};

pub(super) fn run(args: &CompletionsArgs, command: &mut clap::Command) -> Ending {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "corslint", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Verdict::Pass)
}
