//! Expressions: parsing, evaluating, drawing samples. Inputs: values, constraints and properties as people write them.

use bumpalo::Bump;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use wordmill::model::{Cell, CellType};
use wordmill::spec::expr::{CallResult, Env, Name, Names, NoWords, Row, Word, parse_property, parse_value};
use wordmill::spec::sample::{Constraint, Domain, Options, samples};

const VALUES: &[&str] = &["n * n", "n²", "|n|", "n(n+1)/2", "fib(n)", "-1 if n < 0 else 1 if n > 0 else 0"];
const PROPERTIES: &[&str] =
    &["f(n) = n * n", "f(n) = n * f(n-1) for n > 1", "for all n >= 0: f(n) >= 0 and f(-n) = f(n)"];
const CONSTRAINTS: &[&str] = &["n >= 0", "0 <= n <= 100", "n mod 2 = 0"];

const PARAMS: &[Name<'static>] = &[Name { name: "n", ty: CellType::Int }];
const INT: &[CellType] = &[CellType::Int];
const NAMES: Names<'static> =
    Names { params: PARAMS, outputs: &[], words: &[Word { name: "f", effect: Some((INT, INT)) }] };

struct Square;

impl Env for Square {
    fn call(&mut self, _: usize, inputs: &[Cell], outputs: &mut [Cell]) -> CallResult {
        outputs[0] = inputs[0].wrapping_mul(inputs[0]);
        CallResult::Values
    }
}

fn values(criterion: &mut Criterion) {
    let row = Row { cells: &[12], types: INT };
    let mut group = criterion.benchmark_group("value");
    let mut arena = Bump::with_capacity(1 << 16);
    for text in VALUES {
        group.bench_function(format!("parse/{text}"), |bencher| {
            bencher.iter(|| {
                arena.reset();
                black_box(parse_value(&arena, black_box(text), &NAMES).is_ok())
            });
        });
        let arena = Bump::new();
        let formula = parse_value(&arena, text, &NAMES).expect("it parses");
        group.bench_function(format!("evaluate/{text}"), |bencher| {
            bencher.iter(|| black_box(&formula).cell(black_box(row), CellType::Int, &mut NoWords));
        });
    }
    group.finish();
}

fn properties(criterion: &mut Criterion) {
    let row = Row { cells: &[12], types: INT };
    let mut group = criterion.benchmark_group("property");
    let mut arena = Bump::with_capacity(1 << 16);
    for text in PROPERTIES {
        group.bench_function(format!("parse/{text}"), |bencher| {
            bencher.iter(|| {
                arena.reset();
                black_box(parse_property(&arena, black_box(text), &NAMES).is_ok())
            });
        });
        let arena = Bump::new();
        let property = parse_property(&arena, text, &NAMES).expect("it parses");
        group.bench_function(format!("check/{text}"), |bencher| {
            bencher.iter(|| black_box(&property).check(black_box(row), &[], &mut Square));
        });
    }
    group.finish();
}

fn draw(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("samples");
    let mut arena = Bump::with_capacity(1 << 20);
    for text in CONSTRAINTS {
        group.bench_function(format!("64 of/{text}"), |bencher| {
            bencher.iter(|| {
                arena.reset();
                let constraint = Constraint::parse(&arena, Some(text), &NAMES, 0);
                let domain = Domain::of_params(&arena, &NAMES, &[constraint]);
                let options = Options { seed: 1, wanted: 64, reach: Options::FULL };
                black_box(samples(&arena, &domain, options).len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, values, properties, draw);
criterion_main!(benches);
