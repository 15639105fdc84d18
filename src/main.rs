//! The program `corslint`: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    corslint::cli::main(std::env::args_os())
}
