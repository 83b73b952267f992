//! The Forth engine, by phase: compiling, the cost of a call, whole short specifications, and long-running programs.
//!
//! The long programs stand in benches/forth, where `scripts/engine_beside_gforth.sh` runs them on gforth-fast, too. The word
//! `main` of each prints its result.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use wordmill::forth::{Engine, Image, Limits};

/// Programs that run for milliseconds, with what they print.
const LONG: &[(&str, &str, &str)] = &[
    ("fib(30)", FIB, "832040 "),
    ("sieve 8190 x100", SIEVE, "1899 "),
    ("nest 3000^2", NEST, "26991000000 "),
    ("gcd 600^2", GCD, "1494648 "),
    ("bubble 1500", BUBBLE, "500270 "),
    ("collatz 100000", COLLATZ, "351 77031 "),
];

const FIB: &str = include_str!("forth/fib.fs");
const SIEVE: &str = include_str!("forth/sieve.fs");
const NEST: &str = include_str!("forth/nest.fs");
const GCD: &str = include_str!("forth/gcd.fs");
const BUBBLE: &str = include_str!("forth/bubble.fs");
const COLLATZ: &str = include_str!("forth/collatz.fs");

/// A body as specifications have them: name, code, and five tests of inputs and the top of the stack after.
type Short = (&'static str, &'static str, [(&'static [i64], i64); 5]);

const SHORT: &[Short] = &[
    ("square", "dup *", [(&[0], 0), (&[1], 1), (&[-3], 9), (&[12], 144), (&[1000], 1_000_000)]),
    ("abs", "dup 0 < if negate then", [(&[0], 0), (&[1], 1), (&[-3], 3), (&[12], 12), (&[-1000], 1000)]),
    (
        "gcd",
        "begin dup while tuck mod repeat drop",
        [(&[48, 18], 6), (&[17, 5], 1), (&[0, 5], 5), (&[7, 0], 7), (&[1071, 462], 21)],
    ),
    (
        "factorial",
        "dup 1 > if dup 1- recurse * else drop 1 then",
        [(&[0], 1), (&[1], 1), (&[3], 6), (&[5], 120), (&[10], 3_628_800)],
    ),
    (
        "sum of squares",
        "dup * swap dup * +",
        [(&[0, 0], 0), (&[1, 2], 5), (&[3, 4], 25), (&[-1, 1], 2), (&[9, 0], 81)],
    ),
];

fn engine(fuel: u64) -> Engine {
    Engine::new(Image::shared(), Limits { fuel, ..Limits::default() })
}

/// Compile, run five tests, compare, forget.
fn specification(engine: &mut Engine, body: &str, tests: &[(&[i64], i64); 5]) -> bool {
    let Ok(xt) = engine.define("w", body) else { return false };
    let passed = tests
        .iter()
        .all(|(inputs, expect)| engine.execute(xt, inputs).is_ok() && engine.stack().last() == Some(expect));
    engine.reset();
    passed
}

fn short(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine/specification");
    for (name, body, tests) in SHORT {
        let mut engine = engine(1_000_000);
        assert!(specification(&mut engine, body, tests), "{name}");
        group.bench_function(*name, |b| {
            b.iter(|| specification(&mut engine, black_box(body), black_box(tests)))
        });
    }
    group.finish();

    let mut group = c.benchmark_group("engine/translate");
    for (name, body, _) in SHORT {
        let mut engine = engine(1_000_000);
        group.bench_function(*name, |b| {
            b.iter(|| {
                let xt = engine.define("w", black_box(body));
                engine.reset();
                xt
            });
        });
    }
    group.finish();

    let mut group = c.benchmark_group("engine/execute");
    for (name, body, tests) in SHORT {
        let mut engine = engine(1_000_000);
        let xt = engine.define("w", body).expect("a body that compiles");
        group.bench_function(*name, |b| {
            b.iter(|| tests.iter().all(|(inputs, _)| engine.execute(black_box(xt), inputs).is_ok()));
        });
    }
    let mut engine = engine(1_000_000);
    engine.load("variable v").expect("a variable");
    let xt = engine.define("w", "v +! v @").expect("a body that compiles");
    group.bench_function("one variable written", |b| b.iter(|| engine.execute(black_box(xt), &[5]).is_ok()));
    group.finish();
}

fn long(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine/long");
    group.sample_size(20);
    for (name, source, expect) in LONG {
        let mut engine = engine(u64::MAX);
        engine.load(source).expect("a program that loads");
        let main = engine.find("main").expect("main");
        engine.execute(main, &[]).expect("a program that runs");
        assert_eq!(engine.output(), expect.as_bytes(), "{name}");
        group.bench_function(*name, |b| b.iter(|| engine.execute(black_box(main), &[]).is_ok()));
    }
    group.finish();
}

fn boot(c: &mut Criterion) {
    c.bench_function("engine/boot", |b| b.iter(Image::boot));
    c.bench_function("engine/new", |b| b.iter_batched(|| (), |()| engine(1), BatchSize::SmallInput));
}

criterion_group!(benches, short, long, boot);
criterion_main!(benches);
