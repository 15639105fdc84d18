//! `corslint check`: lints.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

use super::args::{CheckArgs, FileArgs, FormatArg};
use super::progress::Progress;
use super::{Ending, Failure, Verdict, output, terminal};
use crate::config::{Config, Settings, Stdin, find, nearest};
use crate::engine;
use crate::finding::{Applicability, Confidence, Known, Problem, ProblemKind, Severity};
use crate::fix::{self, Change};
use crate::report::{self, Format, Paint, Style, View, clean};
use crate::rules::{find_page, pages};
use crate::source::{LARGEST_FILE, absolute, exclusions, text_of};
use crate::triage::Baseline;

pub(super) fn run(args: CheckArgs) -> Ending {
    let mut settings = if args.touching {
        touching(&args)?
    } else {
        let named = args.stdin_filename.as_ref().map_or(&args.paths[..], std::slice::from_ref);
        settings(&args.paths, named, &args.files, args.config.as_deref(), args.no_config)?
    };
    known(&args.select)?;
    known(&args.ignore)?;
    if args.unsafe_fixes && !args.fix && !args.diff {
        return Err(Failure::new("--unsafe-fixes goes with --fix or --diff"));
    }
    settings.stdin = stdin(&args, &settings.base)?;
    settings.min_confidence = args.min_confidence.or(settings.config.min_confidence).unwrap_or(Confidence::Medium);
    settings.select.clone_from(&args.select);
    settings.ignore.clone_from(&args.ignore);
    let baseline = match &args.baseline {
        Some(path) => {
            Some(Baseline::load(path).map_err(|why| Failure::new(format!("the baseline {} {why}", path.display())))?)
        }
        None => None,
    };
    // An output that cannot be written is known before the work, not after it.
    for path in args.output.iter().chain(&args.write_baseline) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(Failure::new(format!(
                "{} cannot be written: there is no folder {}",
                path.display(),
                folder.display()
            )));
        }
    }

    let progress = Progress::start(!args.quiet);
    let (mut run, changes) = if args.fix || args.diff {
        let level = if args.unsafe_fixes { Applicability::Unsafe } else { Applicability::Safe };
        let fixed = engine::fix(&settings, baseline.as_ref(), &progress.scanned, level);
        (fixed.run, fixed.changes)
    } else {
        (engine::run(&settings, baseline.as_ref(), &progress.scanned), Vec::new())
    };
    drop(progress);
    if args.diff {
        return diff(&args, &run, &changes, threshold(&args, &settings));
    }
    if args.fix {
        apply(&settings, baseline.as_ref(), &mut run, &changes)?;
    }

    if let Some(path) = &args.write_baseline {
        let known = run.outcome.suppressed.iter().filter(|(_, how)| *how == crate::finding::Suppression::Baseline);
        let all = run.outcome.findings.iter().chain(known.map(|(reported, _)| reported));
        let count = all.clone().count();
        output::write(path, &baseline.unwrap_or_default().renewed(all, &settings, &run.sources))?;
        if args.format == FormatArg::Human && args.output.is_none() {
            // Whoever freezes findings has seen them.
            return frozen(path, count, &run.outcome.gone, args.quiet);
        }
        // They are not in the file that was written.
        run.outcome.gone.clear();
    }
    let view = View {
        color: terminal::color(args.color, args.output.is_none() && terminal::stdout_is_terminal()),
        unicode: terminal::unicode(),
        width: terminal::width(),
        quiet: args.quiet,
        verbose: args.verbose,
    };
    let format = Format::from(args.format);
    let mut text = report::render(format, &run.outcome, &run.sources, &view);
    if args.statistics && matches!(format, Format::Human | Format::Compact) {
        text.push_str(&report::statistics(&run.outcome));
    }
    match &args.output {
        Some(path) => output::write(path, &text)?,
        // Standard output has the fixed text.
        None if args.fix && settings.stdin.is_some() => output::print_beside(&text)?,
        None => output::print(&text)?,
    }
    if args.strict && !run.outcome.problems.is_empty() {
        let count = run.outcome.problems.len();
        return Err(Failure::new(format!("{count} files or places could not be read (--strict)")));
    }
    let fails = threshold(&args, &settings).is_some_and(|threshold| run.outcome.worst() >= Some(threshold));
    Ok(if fails && !args.exit_zero && args.write_baseline.is_none() { Verdict::Fail } else { Verdict::Pass })
}

/// Says what a baseline was written with.
fn frozen(path: &Path, count: usize, gone: &[Known], quiet: bool) -> Ending {
    if !quiet {
        let dropped = match gone.len() {
            0 => String::new(),
            count => format!("; {count} that no longer occurred {} dropped", if count == 1 { "is" } else { "are" }),
        };
        let findings = if count == 1 { "finding is" } else { "findings are" };
        output::print(&format!("{count} {findings} written to {}{dropped}\n", path.display()))?;
    }
    Ok(Verdict::Pass)
}

/// The severity from which on a run fails.
fn threshold(args: &CheckArgs, settings: &Settings) -> Option<Severity> {
    match args.fail_on {
        Some(fail_on) => fail_on.severity(),
        None => settings.config.fail_on.unwrap_or(Some(Severity::Warning)),
    }
}

/// Prints what would change. The run fails for what would be fixed as for what would be left: nothing is fixed yet.
fn diff(args: &CheckArgs, run: &engine::Run, changes: &[Change], threshold: Option<Severity>) -> Ending {
    let text = fix::unified(changes);
    match &args.output {
        Some(path) => output::write(path, &text)?,
        // A terminal shows it, and must not be steered by it; a pipe leads to `patch`, which needs every byte.
        None if terminal::stdout_is_terminal() => {
            let paint = Paint { on: terminal::color(args.color, true) };
            let lines = text.lines().map(|line| {
                let style = match line.as_bytes().first() {
                    Some(b'+') => Some(Style::Green),
                    Some(b'-') => Some(Style::Red),
                    Some(b'@') => Some(Style::Cyan),
                    _ => None,
                };
                let line = clean(&line.replace('\t', "    ")).into_owned();
                style.map_or(line.clone(), |style| paint.paint(style, &line)) + "\n"
            });
            output::print(&lines.collect::<String>())?;
        }
        None => output::print(&text)?,
    }
    let fails = threshold.is_some_and(|threshold| run.outcome.worst() >= Some(threshold)) || !changes.is_empty();
    Ok(if fails && threshold.is_some() && !args.exit_zero { Verdict::Fail } else { Verdict::Pass })
}

/// Writes the fixed files, or, of standard input, prints the fixed text. What cannot be written becomes a problem.
fn apply(
    settings: &Settings,
    baseline: Option<&Baseline>,
    run: &mut engine::Run,
    changes: &[Change],
) -> Result<(), Failure> {
    if let Some(stdin) = &settings.stdin {
        let text = changes.iter().find(|change| change.path == stdin.path).map_or(&stdin.text, |change| &change.after);
        return output::print(text);
    }
    let mut problems = Vec::new();
    for change in changes {
        if let Err(error) = fix::write(change) {
            let kind = ProblemKind::FixRefused;
            let message = format!("the fixes were not written: {error}");
            problems.push(Problem { file: change.name.clone(), line: None, kind, message });
        }
    }
    if !problems.is_empty() {
        // What was not written is still to be found.
        let (fixed, left) = (run.outcome.fixed, run.outcome.findings.len());
        *run = engine::run(settings, baseline, &AtomicUsize::new(0));
        run.outcome.fixed = fixed.saturating_sub(run.outcome.findings.len().saturating_sub(left));
        run.outcome.problems.extend(problems);
        run.outcome.problems.sort();
    }
    Ok(())
}

/// The settings that paths, file options and the configuration file give: for every command that reads files. The
/// configuration is searched from what holds all of `named`.
///
/// # Errors
/// A path that does not exist, a configuration or pattern that is wrong.
pub(super) fn settings(
    paths: &[PathBuf],
    named: &[PathBuf],
    files: &FileArgs,
    config: Option<&Path>,
    no_config: bool,
) -> Result<Settings, Failure> {
    let base = working_folder()?;
    let paths: Vec<PathBuf> = if paths.is_empty() { vec![PathBuf::from(".")] } else { paths.to_vec() };
    exist(&base, &paths)?;
    let common = common_folder(&base, named);
    let config_file = match config {
        Some(path) => Some(absolute(&base, path)),
        None if no_config => None,
        None => find(&common),
    };
    let config = match &config_file {
        Some(path) => Config::load(path).map_err(|error| {
            let help = error.help.clone();
            let error = crate::config::ConfigError { help: None, ..error };
            Failure { message: error.to_string(), help }
        })?,
        None => Config::default(),
    };
    let excluded = |patterns: &[String]| {
        exclusions(patterns.iter().map(String::as_str)).map_err(|why| Failure::new(format!("--exclude {why}")))
    };
    let mut settings = Settings::new(base.clone(), paths);
    settings.repository = repository(&common);
    settings.root = root(&base, &common, config_file.as_deref());
    settings.exclude = vec![(base, excluded(&files.exclude)?), (config.folder.clone(), excluded(&config.exclude)?)];
    settings.config = config;
    settings.no_ignore = files.no_ignore;
    settings.hidden = files.hidden;
    settings.include_tests = files.include_tests;
    settings.threads = files.threads;
    Ok(settings)
}

fn working_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| Failure::new(format!("the working directory cannot be read: {error}")))
}

/// Checks that paths exist.
fn exist(base: &Path, paths: &[PathBuf]) -> Result<(), Failure> {
    for path in paths.iter().filter(|path| path.as_os_str() != "-") {
        if let Err(error) = base.join(path).symlink_metadata() {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => "does not exist".to_owned(),
                _ => format!("cannot be read: {error}"),
            };
            return Err(Failure::new(format!("the path {} {why}", path.display())));
        }
    }
    Ok(())
}

/// The settings for the project around the paths, of which only what touches the paths is shown. What a file decides may
/// be seen only where another uses it, so all are linted.
fn touching(args: &CheckArgs) -> Result<Settings, Failure> {
    if args.paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::new("--touching needs files, not standard input"));
    }
    let base = working_folder()?;
    exist(&base, &args.paths)?;
    let common = common_folder(&base, &args.paths);
    let project = [root(&base, &common, find(&common).as_deref())];
    let mut settings = settings(&project, &project, &args.files, args.config.as_deref(), args.no_config)?;
    settings.touching = args.paths.iter().map(|path| absolute(&base, path)).collect();
    Ok(settings)
}

/// The folder that holds all paths.
fn common_folder(base: &Path, paths: &[PathBuf]) -> PathBuf {
    let mut paths = paths.iter().filter(|path| path.as_os_str() != "-").map(|path| absolute(base, path));
    let Some(mut common) = paths.next() else { return base.to_owned() };
    for path in paths {
        while !path.starts_with(&common) && common.pop() {}
    }
    common
}

/// The project's folder: the repository's; or the configuration's; or the working directory, if it holds what is linted;
/// or what is linted.
fn root(base: &Path, common: &Path, config: Option<&Path>) -> PathBuf {
    let above = config.and_then(Path::parent).filter(|folder| common.starts_with(folder));
    let base = common.starts_with(base).then_some(base);
    let own = if common.is_dir() { Some(common) } else { common.parent() };
    repository(common).unwrap_or_else(|| above.or(base).or(own).unwrap_or(common).to_owned())
}

/// The repository that holds a folder.
fn repository(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned)
}

/// The text of standard input, if `-` is what is to be linted.
fn stdin(args: &CheckArgs, base: &Path) -> Result<Option<Stdin>, Failure> {
    let dash = args.paths.iter().any(|path| path.as_os_str() == "-");
    if !dash {
        return match args.stdin_filename {
            Some(_) => Err(Failure::new("--stdin-filename goes with the path `-`")),
            None => Ok(None),
        };
    }
    if args.paths.len() > 1 {
        return Err(Failure::new("`-` cannot be linted together with other paths"));
    }
    let Some(name) = &args.stdin_filename else {
        return Err(Failure::new("`-` needs --stdin-filename: the name tells the language and the configuration"));
    };
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(format!("standard input cannot be read: {error}")))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Failure::new(format!("standard input has more than the {LARGEST_FILE} bytes that are read")));
    }
    let text = text_of(bytes).map_err(|error| Failure::new(format!("standard input: {error}")))?;
    Ok(Some(Stdin { path: absolute(base, name), text }))
}

/// Checks that rules exist.
fn known(rules: &[String]) -> Result<(), Failure> {
    match rules.iter().find(|rule| find_page(rule).is_none()) {
        Some(rule) => {
            let near = nearest(rule, pages().iter().map(|page| page.id));
            let help = near.map_or("`corslint rules` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
            Err(Failure::new(format!("there is no rule `{rule}`")).help(help))
        }
        None => Ok(()),
    }
}
