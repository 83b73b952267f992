//! How long stack effects take: the cases of the ancestor's report by its names and inputs, and structured code beside them.
//! Inputs are black-boxed, one scratch is used throughout, and nothing is remembered from one call to the next.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wordmill::effect::{NoWords, Scratch, compose, infer, infer_words, verify};
use wordmill::forth::words::Word;

const INFER: &[(&str, &str)] = &[
    ("duplicate", "dup"),
    ("square", "dup *"),
    ("swap", "swap"),
    ("add/subtract", "+ -"),
    ("literal add", "42 13 +"),
    ("square-and-add", "dup * swap +"),
    ("sum of squares", "dup dup * swap dup * +"),
    ("complex stack", "2dup + rot rot + +"),
    ("very complex", "over over * swap dup * + swap dup *"),
];

const STRUCTURED: &[(&str, &str)] = &[
    ("branch", "dup 0< if negate then"),
    ("loop", "0 swap 1+ 1 ?do i + loop"),
    ("recursion", ": fact ( n -- n! ) dup 2 < if drop 1 else dup 1- recurse * then ;"),
    ("gcd", ": gcd ( a b -- c ) begin ?dup while tuck mod repeat ;"),
];

const VERIFY: &[(&str, &str, &str)] = &[
    ("square", "dup *", "( n -- n² )"),
    ("swap", "swap", "( a b -- b a )"),
    ("2dup-add", "2dup +", "( a b -- a b a+b )"),
];

const COMPOSE: &[(&str, &[&str])] = &[
    ("square", &["dup", "*"]),
    ("cube", &["dup", "dup", "*", "swap", "*"]),
    ("sum three", &["2dup", "+", "rot", "+"]),
];

fn effect(c: &mut Criterion) {
    let mut scratch = Scratch::new();
    for (group, cases) in [("effect/infer", INFER), ("effect/structured", STRUCTURED)] {
        let mut group = c.benchmark_group(group);
        for &(name, code) in cases {
            group.bench_function(name, |b| {
                b.iter(|| black_box(infer(black_box(code), &NoWords, &mut scratch)).is_ok());
            });
        }
        group.finish();
    }
    let mut group = c.benchmark_group("effect/opcodes");
    let words = [Word::Dup, Word::Star, Word::Swap, Word::Plus];
    group.bench_function("square-and-add", |b| {
        b.iter(|| black_box(infer_words(black_box(&words), &[], &mut scratch)).is_ok());
    });
    group.finish();
    let mut group = c.benchmark_group("effect/verify");
    for &(name, code, claim) in VERIFY {
        group.bench_function(name, |b| {
            b.iter(|| black_box(verify(black_box(code), black_box(claim), &NoWords, &mut scratch)).is_ok());
        });
    }
    group.finish();
    let mut group = c.benchmark_group("effect/compose");
    for &(name, words) in COMPOSE {
        group.bench_function(name, |b| {
            b.iter(|| black_box(compose(black_box(words), &NoWords, &mut scratch)).is_ok());
        });
    }
    group.finish();
    let mut group = c.benchmark_group("effect/throughput");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("1,000 inferences", |b| {
        b.iter(|| {
            for _ in 0..1000 {
                black_box(infer(black_box("dup * swap +"), &NoWords, &mut scratch).is_ok());
            }
        });
    });
    group.finish();
    let mut group = c.benchmark_group("effect/render");
    group.bench_function("square-and-add", |b| {
        b.iter(|| infer(black_box("dup * swap +"), &NoWords, &mut scratch).unwrap().render());
    });
    group.finish();
}

criterion_group!(benches, effect);
criterion_main!(benches);
