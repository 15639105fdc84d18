//! The arguments of every command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::finding::{Confidence, Severity};
use crate::report::Format;

/// A linter for CORS: reads server code and configuration, and says what a browser will do with it.
#[derive(Debug, Parser)]
#[command(
    name = "corslint",
    version,
    args_conflicts_with_subcommands = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 nothing found at or above --fail-on; 1 findings; 2 corslint could not do what was asked."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub check: CheckArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lint files and folders; the same as no command
    Check(Box<CheckArgs>),
    /// Show a rule's page: what it finds, why it matters, examples, when to ignore it
    Explain(ExplainArgs),
    /// List every rule
    Rules(RulesArgs),
    /// Show what was extracted: who may read, which methods and headers, how preflights are answered
    Policy(PolicyArgs),
    /// Play a page's call against the extracted servers, step by step
    Simulate(SimulateArgs),
    /// Write a commented corslint.toml, and say how to add corslint to commits and CI
    Init(InitArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
}

#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Files and folders to lint; `-` reads standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// The form of the report
    #[arg(long, value_enum, default_value_t = FormatArg::Human, value_name = "FORMAT", help_heading = "Output")]
    pub format: FormatArg,

    /// Write the report to a file, which is replaced as a whole
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,

    /// When to use colours
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", help_heading = "Output")]
    pub color: ColorArg,

    /// Print findings and problems only
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,

    /// Print also what was suppressed and what was looked at
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,

    /// Print how often each rule was found
    #[arg(long, help_heading = "Output")]
    pub statistics: bool,

    /// Exit with 1 for findings of this severity or a worse one [default: warning]
    #[arg(long, value_enum, value_name = "SEVERITY", help_heading = "Exit code")]
    pub fail_on: Option<FailOnArg>,

    /// Exit with 0 whatever is found
    #[arg(long, help_heading = "Exit code")]
    pub exit_zero: bool,

    /// Exit with 2 if a file could not be read or parsed
    #[arg(long, help_heading = "Exit code")]
    pub strict: bool,

    /// Run these rules only
    #[arg(long, value_delimiter = ',', value_name = "RULE", help_heading = "Rules")]
    pub select: Vec<String>,

    /// Leave these rules out
    #[arg(long, value_delimiter = ',', value_name = "RULE", help_heading = "Rules")]
    pub ignore: Vec<String>,

    /// Leave out findings that are less certain [default: medium]
    #[arg(long, value_parser = parsed::<Confidence>, value_name = "low|medium|high", help_heading = "Rules")]
    pub min_confidence: Option<Confidence>,

    /// Leave out the findings that this file holds
    #[arg(long, value_name = "FILE", help_heading = "Rules")]
    pub baseline: Option<PathBuf>,

    /// Write the findings to this file, for --baseline; what the given baseline held and does not occur is dropped
    #[arg(long, value_name = "FILE", conflicts_with = "touching", help_heading = "Rules")]
    pub write_baseline: Option<PathBuf>,

    /// Apply the fixes after which everything works that works today
    #[arg(long, help_heading = "Fixing")]
    pub fix: bool,

    /// With --fix or --diff: also the fixes after which a call that works today may stop
    #[arg(long, help_heading = "Fixing")]
    pub unsafe_fixes: bool,

    /// Print what --fix would change as a diff, and write nothing
    #[arg(long, conflicts_with = "fix", help_heading = "Fixing")]
    pub diff: bool,

    /// Use this configuration file instead of searching for `corslint.toml`
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", help_heading = "Configuration")]
    pub config: Option<PathBuf>,

    /// Use no configuration file
    #[arg(long, help_heading = "Configuration")]
    pub no_config: bool,

    /// Lint the whole project around the paths, and show only what touches them: for hooks that name changed files
    #[arg(long, conflicts_with_all = ["fix", "diff"], help_heading = "Files")]
    pub touching: bool,

    #[command(flatten)]
    pub files: FileArgs,

    /// The file that standard input stands for
    #[arg(long, value_name = "NAME", help_heading = "Files")]
    pub stdin_filename: Option<PathBuf>,
}

/// Which files are read: for every command that reads some.
#[derive(Args, Debug)]
pub(super) struct FileArgs {
    /// Leave out paths that match; may be given more than once
    #[arg(long, value_name = "GLOB", help_heading = "Files")]
    pub exclude: Vec<String>,

    /// Read test files
    #[arg(long, help_heading = "Files")]
    pub include_tests: bool,

    /// Read what .gitignore and its like leave out
    #[arg(long, help_heading = "Files")]
    pub no_ignore: bool,

    /// Read hidden files and folders
    #[arg(long, help_heading = "Files")]
    pub hidden: bool,

    /// How many threads work [default: one for each processor]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, help_heading = "Files")]
    pub threads: usize,
}

#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// The rule's id
    pub rule: String,

    /// When to use colours
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorArg,
}

#[derive(Args, Debug)]
pub(super) struct RulesArgs {
    /// The form of the list
    #[arg(long, value_enum, default_value_t = ListFormatArg::Human, value_name = "FORMAT")]
    pub format: ListFormatArg,

    /// When to use colours
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorArg,
}

#[derive(Args, Debug)]
pub(super) struct PolicyArgs {
    /// Files and folders to read
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// The form of the output
    #[arg(long, value_enum, default_value_t = ListFormatArg::Human, value_name = "FORMAT")]
    pub format: ListFormatArg,

    /// Use this configuration file instead of searching for `corslint.toml`
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", help_heading = "Configuration")]
    pub config: Option<PathBuf>,

    /// Use no configuration file
    #[arg(long, help_heading = "Configuration")]
    pub no_config: bool,

    #[command(flatten)]
    pub files: FileArgs,
}

#[derive(Args, Debug)]
pub(super) struct SimulateArgs {
    /// Files and folders to read
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// The origin of the page that asks
    #[arg(long, value_name = "ORIGIN", help_heading = "The call")]
    pub origin: Option<String>,

    /// The method [default: GET]
    #[arg(long, value_name = "METHOD", help_heading = "The call")]
    pub method: Option<String>,

    /// The path, with the query
    #[arg(long, value_name = "PATH", default_value = "/", help_heading = "The call")]
    pub url_path: String,

    /// A header that the page sets; may be given more than once
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", help_heading = "The call")]
    pub headers: Vec<String>,

    /// Whether the visitor's cookies go along
    #[arg(long, value_enum, default_value_t, value_name = "MODE", help_heading = "The call")]
    pub credentials: CredentialsArg,

    /// The kind of body that is sent
    #[arg(long, value_name = "TYPE", help_heading = "The call")]
    pub content_type: Option<String>,

    /// Leave the browser out: show what the server answers to this very request
    #[arg(long, help_heading = "Bare requests")]
    pub raw: bool,

    /// Play the requests of a JSON file, one after the other against one server (`-` is standard input)
    #[arg(long, value_name = "FILE", requires = "raw", help_heading = "Bare requests")]
    pub requests: Option<PathBuf>,

    /// The form of the output; JSON goes with --raw
    #[arg(long, value_enum, default_value_t = ListFormatArg::Human, value_name = "FORMAT")]
    pub format: ListFormatArg,

    /// The server to ask, by the file that makes it or in which it listens
    #[arg(long, value_name = "FILE")]
    pub server: Option<PathBuf>,

    /// An environment variable of the server; those that are not given are taken from `.env` files, or are not set
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<String>,

    /// Use this configuration file instead of searching for `corslint.toml`
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", help_heading = "Configuration")]
    pub config: Option<PathBuf>,

    /// Use no configuration file
    #[arg(long, help_heading = "Configuration")]
    pub no_config: bool,

    #[command(flatten)]
    pub files: FileArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum CredentialsArg {
    /// `credentials: 'include'`
    Include,
    /// `credentials: 'omit'`
    #[default]
    Omit,
}

#[derive(Args, Debug)]
pub(super) struct InitArgs {
    /// The folder to write it to
    #[arg(value_name = "FOLDER", default_value = ".", hide_default_value = true)]
    pub folder: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatArg {
    /// For people
    Human,
    /// A line for each finding
    Compact,
    /// Version 1 of corslint's own JSON
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// A Code Quality report of GitLab
    Gitlab,
    /// JUnit's XML
    Junit,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Human => Format::Human,
            FormatArg::Compact => Format::Compact,
            FormatArg::Json => Format::Json,
            FormatArg::Sarif => Format::Sarif,
            FormatArg::Github => Format::Github,
            FormatArg::Gitlab => Format::Gitlab,
            FormatArg::Junit => Format::Junit,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormatArg {
    /// For people
    Human,
    /// For programs
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorArg {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOnArg {
    /// Errors only
    Error,
    /// Warnings and errors
    Warning,
    /// Every finding
    Note,
    /// Nothing
    Never,
}

impl FailOnArg {
    pub(super) fn severity(self) -> Option<Severity> {
        match self {
            FailOnArg::Error => Some(Severity::Error),
            FailOnArg::Warning => Some(Severity::Warning),
            FailOnArg::Note => Some(Severity::Note),
            FailOnArg::Never => None,
        }
    }
}

fn parsed<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T, String> {
    text.parse()
}
