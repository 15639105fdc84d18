//! The parts of a run by themselves: the byte scan, the lowering, the evaluation, and the search for hostile origins.
//!
//! `cargo bench --bench parts`. Prints the median of each, and how much of its input it does in a second.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use corslint::config::{Settings, Stdin};
use corslint::cors::{Meant, Pattern, StringTest, find_witness};
use corslint::engine;
use corslint::source::FileId;
use corslint::source::scan::mentions;
use corslint::syntax::{SourceKind, lower};

/// How long one part is measured.
const TIME: Duration = Duration::from_millis(400);

fn measure<T>(name: &str, units: f64, unit: &str, mut work: impl FnMut() -> T) {
    let (begin, mut times) = (Instant::now(), Vec::new());
    while begin.elapsed() < TIME || times.len() < 3 {
        let start = Instant::now();
        black_box(work());
        times.push(start.elapsed());
    }
    times.sort();
    let time = times[times.len() / 2].as_secs_f64();
    println!("{name:<34} {:>10.3} ms {:>12.1} {unit}/s", time * 1e3, units / time);
}

fn main() {
    // `cargo test --benches` starts it too, without this argument.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let javascript = |functions: usize| -> String {
        (0..functions)
            .map(|at| format!("export function step{at}(value, names) {{\n  const scores = names.filter((name) => name.length > {at}).map((name) => name.charCodeAt(0));\n  if (value > {at}) return scores.reduce((sum, score) => sum + score, value);\n  return {{ label: `record-${{value}}`, total: scores.length }};\n}}\n"))
            .collect()
    };
    let python = |functions: usize| -> String {
        (0..functions)
            .map(|at| format!("def step{at}(value, names):\n    scores = [ord(name[0]) for name in names if len(name) > {at}]\n    if value > {at}:\n        return sum(scores, value)\n    return {{'label': f'record-{{value}}', 'total': scores}}\n\n\n"))
            .collect()
    };
    let megabytes = |text: &str| text.len() as f64 / 1e6;

    let text = javascript(10_000);
    measure("scan: no mention", megabytes(&text), "MB", || mentions(text.as_bytes()));

    let text = javascript(400);
    measure("lower: JavaScript", megabytes(&text), "MB", || lower(SourceKind::JavaScript, FileId(0), &text));
    measure("lower: TypeScript", megabytes(&text), "MB", || lower(SourceKind::TypeScript, FileId(0), &text));
    let text = python(400);
    measure("lower: Python", megabytes(&text), "MB", || lower(SourceKind::Python, FileId(0), &text));

    for routes in [10, 100, 1_000] {
        let handlers: String = (0..routes)
            .map(|at| format!("app.get('/records/{at}/:id', (req, res) => {{ if (req.query.a) return res.status(404).end(); res.json({{ id: {at} }}); }});\n"))
            .collect();
        let text = format!(
            "const app = require('express')();\napp.use(require('cors')({{ origin: true, credentials: true }}));\n{handlers}app.listen(3000);\n"
        );
        let folder = PathBuf::from("/nowhere");
        let mut settings = Settings::new(folder.clone(), [PathBuf::from("-")]);
        settings.stdin = Some(Stdin { path: folder.join("app.js"), text });
        measure(&format!("evaluate: {routes} routes"), routes as f64, "routes", || engine::servers(&settings));
        measure(&format!("evaluate and judge: {routes} routes"), routes as f64, "routes", || {
            engine::run(&settings, None, &AtomicUsize::new(0))
        });
    }

    for (name, pattern) in [
        ("found at once", r"example\.com$"),
        ("tight", r"^https:\/\/[a-z0-9-]+\.example\.com(:\d+)?$"),
        ("many names", r"^https:\/\/(app|admin|www|api|static|cdn|mail|shop)\.(example|sample)\.(com|net|org)$"),
        ("grows", r"^https:\/\/(a|b)*a(a|b){12}\.example\.com$"),
    ] {
        match Pattern::javascript(pattern, "") {
            Ok(pattern) => {
                let test = StringTest::Matches(pattern);
                let meant = Meant::of(&test);
                measure(&format!("witness: {name}"), 1.0, "searches", || find_witness(&test, &meant));
            }
            Err(error) => println!("witness: {name}: {error}"),
        }
    }
}
