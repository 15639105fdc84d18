//! Chores of the project: `cargo xtask <chore>`.

mod observe;
mod skeleton;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask CHORE
  observe NAME [--check] [--only ID]...          record what real servers answer, or check that it still holds
  new-rule ID exposure|breakage|hygiene          write the skeleton of a rule
  new-framework NAME                             write the skeleton of a framework
  gen                                            write anew what the README shows, and the schemas";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((chore, rest)) if chore == "observe" => observe::run(rest),
        Some((chore, rest)) if chore == "new-rule" => skeleton::new_rule(rest),
        Some((chore, rest)) if chore == "new-framework" => skeleton::new_framework(rest),
        Some((chore, rest)) if chore == "gen" => skeleton::generate(rest),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
