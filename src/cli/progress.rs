//! A sign of life on standard error, for runs that take longer than a moment.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a run may take before it shows that it lives.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the sign changes.
const TICK: Duration = Duration::from_millis(100);

/// The count of scanned files, shown on a terminal until it is dropped.
pub(super) struct Progress {
    /// How many files were scanned.
    pub scanned: Arc<AtomicUsize>,
    stop: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Starts counting. Nothing is shown unless standard error is a terminal and `wanted`.
    pub(super) fn start(wanted: bool) -> Self {
        let scanned = Arc::new(AtomicUsize::new(0));
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if !wanted || dumb || !std::io::stderr().is_terminal() {
            return Self { scanned, stop: None };
        }
        let (stop, stopped) = channel::<()>();
        let counted = scanned.clone();
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(move || {
            if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let mut stderr = std::io::stderr();
            for frame in ['|', '/', '-', '\\'].iter().cycle() {
                let count = counted.load(Ordering::Relaxed);
                let _ = write!(stderr, "\r{frame} {count} files scanned");
                let _ = stderr.flush();
                if stopped.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            let _ = write!(stderr, "\r\x1b[2K");
            let _ = stderr.flush();
        });
        Self { scanned, stop: thread.ok().map(|thread| (stop, thread)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.stop.take() {
            drop(stop);
            // The line is wiped before anything else is printed.
            let _ = thread.join();
        }
    }
}
