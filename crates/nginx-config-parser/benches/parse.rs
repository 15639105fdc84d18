//! Bytes a second, on configurations as they are written and on the extremes, beside nginx-lint-parser.
//!
//! `cargo bench -p nginx-config-parser`

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nginx_config_parser::{looks_templated, parse, parse_template};

/// `piece` again and again, to about `bytes` bytes.
fn repeated(piece: &str, bytes: usize) -> String {
    piece.repeat(bytes / piece.len() + 1)
}

fn throughput(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    let levels = 100_000;
    for (name, source) in [
        ("site", common::SITE.to_owned()),
        ("1 MB of sites", repeated(common::SITE, 1 << 20)),
        ("20 MB of sites", repeated(common::SITE, 20 << 20)),
        ("1 MB of short directives", repeated("a b;\n", 1 << 20)),
        ("100,000 levels", "a{".repeat(levels) + &"}".repeat(levels)),
    ] {
        group.throughput(Throughput::Bytes(source.len() as u64));
        if source.len() > 10 << 20 {
            group.sample_size(10);
        }
        group.bench_with_input(BenchmarkId::from_parameter(name), source.as_bytes(), |bencher, source| {
            bencher.iter(|| black_box(parse(black_box(source))).walk().len());
        });
    }
    group.finish();
}

fn values(criterion: &mut Criterion) {
    let source = repeated(common::SITE, 1 << 20);
    let mut group = criterion.benchmark_group("values");
    group.throughput(Throughput::Bytes(source.len() as u64));
    group.bench_function("parse and read all", |bencher| {
        bencher.iter(|| {
            let document = parse(black_box(source.as_bytes()));
            let words = document.walk().flat_map(|directive| directive.words());
            words.map(|word| word.value().len()).sum::<usize>()
        });
    });
    group.finish();
}

fn templates(criterion: &mut Criterion) {
    let plain = repeated(common::SITE, 1 << 20);
    let template = repeated(&common::SITE.replace("443", "{{ port }}").replace("204", "<%= status %>"), 1 << 20);
    let mut group = criterion.benchmark_group("templates");
    group.throughput(Throughput::Bytes(plain.len() as u64));
    group
        .bench_function("looks_templated, no", |bencher| bencher.iter(|| looks_templated(black_box(plain.as_bytes()))));
    group.throughput(Throughput::Bytes(template.len() as u64));
    group.bench_function("parse_template", |bencher| {
        bencher.iter(|| parse_template(black_box(template.as_bytes())).walk().len());
    });
    group.finish();
}

fn second_opinion(criterion: &mut Criterion) {
    let source = repeated(common::SITE, 64 << 10);
    let mut group = criterion.benchmark_group("beside");
    group.throughput(Throughput::Bytes(source.len() as u64)).sample_size(20);
    group.bench_function("nginx-config-parser", |bencher| {
        bencher.iter(|| black_box(parse(black_box(source.as_bytes()))).walk().len());
    });
    group.bench_function("nginx-lint-parser", |bencher| {
        bencher.iter(|| black_box(nginx_lint_parser::parse_string_with_errors(black_box(&source))).1.len());
    });
    group.finish();
}

criterion_group!(benches, throughput, values, templates, second_opinion);
criterion_main!(benches);
