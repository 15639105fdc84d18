//! Runs that are watched: each ends in time and within its memory, or is ended and fails.

use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// How much memory a run may take, in kB.
const MEMORY: u64 = 500 * 1024;
/// How long it may take. With optimisations it is the promise; else, a watchdog on a slow and busy machine.
const TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 240 } else { 5 });

/// Runs a command to its end, and prints what it took.
#[track_caller]
pub fn watched(command: &mut Command) -> Output {
    // Into files: a pipe that nobody empties meanwhile would stop it.
    let (out, err) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    let start = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(out.reopen().unwrap()).stderr(err.reopen().unwrap()).spawn().unwrap();
    let file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status: ExitStatus = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        // The peak never falls, so the last look before the end tells it.
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0).max(peak);
        if start.elapsed() > TIME || peak > MEMORY {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let time = start.elapsed();
    let read = |file: &tempfile::NamedTempFile| std::fs::read(file.path()).unwrap();
    let output = Output { status, stdout: read(&out), stderr: read(&err) };
    assert!(peak <= MEMORY, "it took {peak} kB");
    assert!(output.status.code().is_some(), "it took {time:?}: {}", String::from_utf8_lossy(&output.stderr));
    println!("{:?}: {time:?}, {} MB", command.get_args().collect::<Vec<_>>(), peak / 1024);
    output
}
