//! Reading specifications: text in memory to checked specifications, one record at a time.
//!
//! Inputs: `sequence`, 20 tests of one cell, no expressions (914 bytes, as an integer sequence is written); `bits`, 100 tests
//! of 19 digits; `field`, a record with constraint, value, properties and tagged tests, as people write them.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use wordmill::spec::chunk::{Chunks, each_entry};
use wordmill::spec::parse::Scratch;

fn sequence() -> String {
    let tests: Vec<String> =
        (0..20u64).map(|n| format!(r#"{{"input":[{n}],"output":[{}]}}"#, n * n * n + 40)).collect();
    format!(
        r#"{{"word":"a000008","description":"Number of ways of making change for n cents using coins of 1, 2, 5, 10 cents. ( n -- a(n) ), first n is 0","stack_effect":{{"inputs":[{{"name":"n","type":"int"}}],"outputs":[{{"name":"y","type":"int"}}]}},"test_cases":[{}],"metadata":{{"author":"somebody (terms through a program)","tags":["sequence","offset:0","length:30"]}}}}"#,
        tests.join(",")
    )
}

fn bits() -> String {
    let tests: Vec<String> = (1..=100u64)
        .map(|n| {
            let x = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) as i64;
            format!(r#"{{"input":[{x}],"output":[{}]}}"#, x & x.wrapping_neg())
        })
        .collect();
    format!(
        r#"{{"word":"lowest-bit","stack_effect":{{"inputs":[{{"name":"x","type":"int"}}],"outputs":[{{"name":"y","type":"int"}}]}},"test_cases":[{}]}}"#,
        tests.join(",")
    )
}

fn field() -> String {
    r#"{"word": "gcd", "description": "Greatest common divisor by Euclid's algorithm", "stack_effect": {"inputs": [
        {"name": "a", "type": "int", "constraint": "a > 0"}, {"name": "b", "type": "int", "constraint": "b > 0"}],
        "outputs": [{"name": "gcd(a,b)", "type": "int", "value": "gcd(a,b)"}]},
        "properties": ["gcd(a, b) = gcd(b, a)", "gcd(a, a) = a"],
        "test_cases": [{"description": "same numbers", "input": [12, 12], "output": [12], "tags": ["base_case"]},
        {"description": "coprime", "input": [7, 13], "output": [1], "tags": ["property"]},
        {"description": "common factor", "input": [48, 18], "output": [6], "tags": ["property"]}],
        "complexity": {"time": "O(log min(a,b))", "space": "O(1)"},
        "implementation": {"pattern": "TAIL_RECURSIVE_008", "hints": ["use Euclid's algorithm"]},
        "metadata": {"author": "a team", "version": "1.0.0", "tags": ["arithmetic", "number theory"]}}"#
        .replace('\n', " ")
}

fn read(c: &mut Criterion) {
    const N_RECORDS: usize = 100;
    let mut group = c.benchmark_group("spec/read");
    for (name, record) in [("sequence", sequence()), ("bits", bits()), ("field", field())] {
        let text = format!("{record}\n").repeat(N_RECORDS);
        let chunks: Vec<_> = Chunks::new(Box::new(text.as_bytes()), name, true).map(Result::unwrap).collect();
        let mut scratch = Scratch::default();
        group.throughput(Throughput::Elements(N_RECORDS as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                for chunk in &chunks {
                    each_entry(black_box(chunk), name, &mut scratch, &mut |entry| {
                        assert!(entry.spec.is_some());
                        black_box(entry);
                    });
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
