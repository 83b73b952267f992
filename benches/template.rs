//! Filling templates and walking their assignments. Inputs: named templates of the shipped library with their example
//! fillings, and all assignments of one of them.

use bumpalo::Bump;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wordmill::template::{HoleContext, Library};

const FILLED: &[&str] =
    &["DUP_TRANSFORM_001", "CONDITIONAL_NEGATE_002", "ACCUMULATOR_LOOP_001", "RECURSIVE_004"];

fn fill(criterion: &mut Criterion) {
    let library = Library::shipped();
    let mut group = criterion.benchmark_group("fill");
    for id in FILLED {
        let template = library.get(id).expect("a shipped template");
        let values: Vec<&str> = template.example.iter().map(String::as_str).collect();
        let mut arena = Bump::with_capacity(1 << 20);
        group.bench_function(format!("body/{id}"), |bencher| {
            let mut n = 0;
            bencher.iter(|| {
                n += 1;
                if n % 4096 == 0 {
                    arena.reset();
                }
                black_box(black_box(template).fill(&arena, black_box(&values)).len())
            });
        });
        group.bench_function(format!("definition/{id}"), |bencher| {
            let mut n = 0;
            bencher.iter(|| {
                n += 1;
                if n % 4096 == 0 {
                    arena.reset();
                }
                black_box(
                    black_box(template)
                        .fill_definition(&arena, black_box("square"), black_box(&values))
                        .len(),
                )
            });
        });
    }
    group.finish();
}

fn enumerate(criterion: &mut Criterion) {
    let library = Library::shipped();
    let template = library.get("QUADRATIC_001").expect("a shipped template");
    let mut arena = Bump::with_capacity(1 << 20);
    let mut group = criterion.benchmark_group("enumerate");
    group.throughput(Throughput::Elements(template.count(&HoleContext::default())));
    group.bench_function("fill every assignment/QUADRATIC_001", |bencher| {
        bencher.iter(|| {
            arena.reset();
            let mut assignments = template.assignments(&HoleContext::default());
            let mut bytes = 0;
            while let Some((_, _, values)) = assignments.next() {
                bytes += template.fill(&arena, values).len();
            }
            black_box(bytes)
        });
    });
    group.finish();
}

fn load(criterion: &mut Criterion) {
    let files = Library::shipped_files();
    criterion.bench_function("load/shipped", |bencher| {
        bencher.iter(|| {
            black_box(Library::from_texts(black_box(files)).expect("the shipped files are right").len())
        });
    });
}

criterion_group!(benches, fill, enumerate, load);
criterion_main!(benches);
