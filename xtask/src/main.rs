//! Chores of the project: `cargo xtask <chore>`.

mod observe;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask observe NAME [--check] [--only ID]...";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((chore, rest)) if chore == "observe" => observe::run(rest),
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
