//! The command line: one file for each command.

mod args;
mod check;
mod completions;
mod explain;
mod init;
mod markdown;
mod output;
mod policy;
mod progress;
mod rules;
mod simulate;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};

/// Why a command could not do what was asked: exit code 2, with a line on standard error.
#[derive(Debug)]
struct Failure {
    message: String,
    help: Option<String>,
}

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What a command ends with: whether it found what makes a run fail.
type Ending = Result<Verdict, Failure>;

/// Whether a run fails for what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing at or above the threshold.
    Pass,
    /// Something at or above it.
    Fail,
}

/// Runs the program with its arguments, the program's name first.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows which stream they belong to. A closed pipe is nobody's fault.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let ending = match cli.command.unwrap_or(Command::Check(Box::new(cli.check))) {
        Command::Check(args) => check::run(*args),
        Command::Explain(args) => explain::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Completions(args) => completions::run(&args, &mut Cli::command()),
    };
    match ending {
        Ok(Verdict::Pass) => ExitCode::SUCCESS,
        Ok(Verdict::Fail) => ExitCode::from(1),
        Err(failure) => {
            terminal::complain(&failure.message, failure.help.as_deref());
            ExitCode::from(2)
        }
    }
}
