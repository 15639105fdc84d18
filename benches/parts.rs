//! The parts of a run by themselves: the byte scan, the lowering, the evaluation, and the search for hostile origins.
//!
//! `cargo bench --bench parts`; `-- lower` measures the parts whose names hold the word.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;

use corslint::config::{Settings, Stdin};
use corslint::cors::{Effort, Meant, Pattern, StringTest, find_witness};
use corslint::engine;
use corslint::source::FileId;
use corslint::source::scan::mentions;
use corslint::syntax::{SourceKind, lower};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// A module without a word about CORS, and with the statements that modules are made of.
fn javascript(functions: usize) -> String {
    let function = |at| {
        format!(
            "export function step{at}(value, names) {{\n  \
               const scores = names.filter((name) => name.length > {at}).map((name) => name.charCodeAt(0));\n  \
               if (value > {at}) return scores.reduce((sum, score) => sum + score, value);\n  \
               return {{ label: `record-${{value}}`, total: scores.length }};\n\
             }}\n"
        )
    };
    (0..functions).map(function).collect()
}

/// The same in Python.
fn python(functions: usize) -> String {
    let function = |at| {
        format!(
            "def step{at}(value, names):\n    \
                 scores = [ord(name[0]) for name in names if len(name) > {at}]\n    \
                 if value > {at}:\n        \
                     return sum(scores, value)\n    \
                 return {{'label': f'record-{{value}}', 'total': scores}}\n\n\n"
        )
    };
    (0..functions).map(function).collect()
}

/// A server in one file: a policy in front of `routes` handlers that answer in two ways each.
fn server(routes: usize) -> String {
    let handler = |at| {
        format!(
            "app.get('/records/{at}/:id', (req, res) => {{ \
               if (req.query.a) return res.status(404).end(); res.json({{ id: {at} }}); }});\n"
        )
    };
    let handlers: String = (0..routes).map(handler).collect();
    format!(
        "const app = require('express')();\n\
         app.use(require('cors')({{ origin: true, credentials: true }}));\n\
         {handlers}app.listen(3000);\n"
    )
}

fn scan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan");
    let text = javascript(10_000);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("no mention", |bencher| bencher.iter(|| mentions(black_box(text.as_bytes()))));
    group.finish();
}

fn lowering(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lower");
    for (name, kind, text) in [
        ("JavaScript", SourceKind::JavaScript, javascript(400)),
        ("TypeScript", SourceKind::TypeScript, javascript(400)),
        ("Python", SourceKind::Python, python(400)),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(name), &text, |bencher, text| {
            bencher.iter(|| lower(kind, FileId(0), black_box(text)));
        });
    }
    group.finish();
}

fn evaluation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evaluate");
    for routes in [10, 100, 1_000] {
        let folder = PathBuf::from("/nowhere");
        let mut settings = Settings::new(folder.clone(), [PathBuf::from("-")]);
        settings.stdin = Some(Stdin { path: folder.join("app.js"), text: server(routes) });
        group.throughput(Throughput::Elements(routes as u64)).sample_size(20);
        group.bench_function(BenchmarkId::new("routes", routes), |bencher| {
            bencher.iter(|| engine::servers(&settings));
        });
        group.bench_function(BenchmarkId::new("routes, and judge", routes), |bencher| {
            bencher.iter(|| engine::run(&settings, None, &AtomicUsize::new(0)));
        });
    }
    group.finish();
}

fn witnesses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("witness");
    for (name, pattern) in [
        ("found at once", r"example\.com$"),
        ("tight", r"^https:\/\/[a-z0-9-]+\.example\.com(:\d+)?$"),
        ("many names", r"^https:\/\/(app|admin|www|api|static|cdn|mail|shop)\.(example|sample)\.(com|net|org)$"),
        ("grows", r"^https:\/\/(a|b)*a(a|b){12}\.example\.com$"),
    ] {
        let pattern = Pattern::javascript(pattern, "").expect("each is a pattern of JavaScript");
        let test = StringTest::Matches(pattern);
        let meant = Meant::of(&test);
        group.sample_size(20).bench_function(name, |bencher| {
            bencher.iter(|| find_witness(black_box(&test), &meant, &mut Effort::default()))
        });
    }
    group.finish();
}

criterion_group!(benches, scan, lowering, evaluation, witnesses);
criterion_main!(benches);
