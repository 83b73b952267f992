//! The archive: walking its records, packing, building from a file, opening, and finding that nothing changed.
//!
//! Input: `four`, 20,000 distinct specifications in the shape that people write (square, absolute value, greatest common divisor,
//! factorial in turn; description, constraint, value, properties, five described and tagged tests, complexity, hints,
//! metadata), made by [`four`]; about 840 bytes of JSON each. Their bytes in the archive are printed first.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use wordmill::corpus::{BuildOptions, Corpus, Record, update};
use wordmill::spec::{find_sources, parse_entries};

const N_SPECS: u64 = 20_000;

/// Line `i` of the input.
fn four(i: u64) -> String {
    let n = (i % 1000) as i64;
    let (word, text, names, answer, value, pattern, tests): (_, _, &[&str], _, _, _, Vec<(Vec<i64>, i64)>) =
        match i % 4 {
            0 => {
                let tests = [0, 1, n, -n, n + 7].map(|x| (vec![x], x * x)).to_vec();
                ("square", "Multiplies a number by itself", &["n"], "n²", "n * n", "DUP_TRANSFORM_001", tests)
            }
            1 => {
                let tests = [0, 5, -5, n, -n - 1].map(|x| (vec![x], x.abs())).to_vec();
                (
                    "abs",
                    "Gives the magnitude of a number",
                    &["n"],
                    "|n|",
                    "|n|",
                    "CONDITIONAL_NEGATE_002",
                    tests,
                )
            }
            2 => {
                let gcd = |mut a: i64, mut b: i64| {
                    while b != 0 {
                        (a, b) = (b, a % b);
                    }
                    a
                };
                let pairs = [(48, 18), (17, 5), (n + 1, n + 3), (n * 6 + 6, 4), (9, 0)];
                let tests = pairs.map(|(a, b)| (vec![a, b], gcd(a, b))).to_vec();
                (
                    "gcd",
                    "Finds the greatest common divisor",
                    &["a", "b"],
                    "d",
                    "gcd(a, b)",
                    "TAIL_RECURSIVE_008",
                    tests,
                )
            }
            _ => {
                let tests = [0, 1, 5, 2 + n % 9, 10].map(|x| (vec![x], (1..=x).product())).to_vec();
                ("factorial", "Multiplies the numbers up to n", &["n"], "n!", "n!", "RECURSIVE_004", tests)
            }
        };
    let inputs: Vec<_> = names
        .iter()
        .map(|name| format!(r#"{{"name":"{name}","type":"int","constraint":"{name} <= 100000"}}"#))
        .collect();
    let tests: Vec<_> = tests
        .iter()
        .zip(["base_case", "base_case", "property", "property", "edge_case"])
        .map(|((input, output), tag)| {
            format!(r#"{{"description":"{word} of {input:?}","input":{input:?},"output":[{output}],"tags":["{tag}"]}}"#)
        })
        .collect();
    format!(
        concat!(
            r#"{{"word":"{}-{}","description":"{}","stack_effect":{{"inputs":[{}],"outputs":[{{"name":"{}","type":"int","#,
            r#""value":"{}"}}]}},"properties":["{}-{}({}) >= 0"],"test_cases":[{}],"complexity":{{"time":"O(1)","space":"O(1)"}},"#,
            r#""implementation":{{"pattern":"{}","hints":["Keep it small"]}},"metadata":{{"author":"bench","version":"1.0.0","#,
            r#""created":"2025-11-23","tags":["math","classic"]}}}}"#,
            "\n"
        ),
        word,
        i,
        text,
        inputs.join(","),
        answer,
        value,
        word,
        i,
        names.join(","),
        tests.join(","),
        pattern
    )
}

fn text() -> String {
    (0..N_SPECS).map(four).collect()
}

fn build(dir: &Path, source: &Path) -> Corpus {
    let sources = find_sources(&[source.to_owned()]).expect("the source is there");
    let options = BuildOptions::default();
    update(dir, &sources, &options, &|_| ControlFlow::Continue(()))
        .expect("the archive can be written")
        .corpus
}

/// What the planner looks at.
fn look(record: Record<'_>) -> u64 {
    record.is_valid() as u64
        + record.tests().len() as u64
        + record.n_inputs() as u64
        + record.content_hash()[0] as u64
}

/// What a worker reads before the engine runs: name, pattern, effect and every test value.
fn read(record: Record<'_>) -> i64 {
    let tests = record.tests();
    let mut sum = record.word().map_or(0, str::len) as i64 + record.pattern().map_or(0, str::len) as i64;
    for i in 0..record.n_inputs() {
        sum += tests.input_lanes(i).as_flattened().iter().fold(0, |sum: i64, cell| sum.wrapping_add(*cell));
    }
    for i in 0..record.n_outputs() {
        sum += tests.output_lanes(i).as_flattened().iter().fold(0, |sum: i64, cell| sum.wrapping_add(*cell));
    }
    sum
}

fn walk(criterion: &mut Criterion, corpus: &Corpus) {
    let mut group = criterion.benchmark_group("walk");
    group.throughput(Throughput::Elements(N_SPECS));
    group.bench_function("look/four", |bencher| {
        bencher.iter(|| black_box(corpus).records().map(look).sum::<u64>());
    });
    group.bench_function("read/four", |bencher| {
        bencher.iter(|| black_box(corpus).records().map(read).fold(0, i64::wrapping_add));
    });
}

fn make(criterion: &mut Criterion, source: &Path, text: &str) {
    let mut group = criterion.benchmark_group("make");
    group.sample_size(20).throughput(Throughput::Elements(N_SPECS));
    group.bench_function("parse/four", |bencher| {
        bencher.iter(|| parse_entries(black_box(text.as_bytes()), "four.jsonl", true).len());
    });
    let entries: Vec<_> = parse_entries(text.as_bytes(), "four.jsonl", true)
        .into_iter()
        .map(|entry| ("four.jsonl".to_owned(), entry))
        .collect();
    group.bench_function("pack/four", |bencher| {
        bencher.iter(|| Corpus::from_entries(black_box(&entries)).len());
    });
    group.bench_function("build/four", |bencher| {
        bencher.iter_batched(
            || tempfile::tempdir().expect("a folder"),
            |dir| (build(dir.path(), source).len(), dir),
            BatchSize::PerIteration,
        );
    });
}

fn open(criterion: &mut Criterion, dir: &Path, source: &Path) {
    let mut group = criterion.benchmark_group("open");
    group.throughput(Throughput::Elements(N_SPECS));
    group.bench_function("proven-before/four", |bencher| {
        bencher.iter(|| Corpus::open(black_box(dir)).expect("an archive").len());
    });
    let copy = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(dir).expect("an archive").flatten() {
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
    }
    group.bench_function("copied/four", |bencher| {
        bencher.iter(|| Corpus::open(black_box(copy.path())).expect("an archive").len());
    });
    group.bench_function("unchanged/four", |bencher| {
        bencher.iter(|| build(black_box(dir), source).len());
    });
}

fn corpus(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("four.jsonl");
    let text = text();
    std::fs::write(&source, &text).expect("a source");
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    std::fs::File::options()
        .write(true)
        .open(&source)
        .and_then(|f| f.set_modified(long_ago))
        .expect("a source");
    let dir = folder.path().join("archive");
    let corpus = build(&dir, &source);
    let info = wordmill::corpus::info(&corpus);
    assert_eq!((info.valid as u64, info.duplicates), (N_SPECS, 0));
    eprintln!(
        "four: {} bytes of JSON a spec, {} in the archive",
        text.len() as u64 / N_SPECS,
        info.bytes / N_SPECS
    );
    walk(criterion, &corpus);
    make(criterion, &source, &text);
    open(criterion, &dir, &source);
}

criterion_group!(benches, corpus);
criterion_main!(benches);
