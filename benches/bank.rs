//! Distinct expressions banked per second, by instruction set and lanes, and how long bodies get.
//!
//! `cargo bench --bench bank`. The input columns are random words of a fixed seed; the bits vocabulary is that of
//! `Vocabulary::logic`, the numbers that of `Vocabulary::numbers`: the first attempts of the search for bit patterns and for numbers.
//! Elements are expressions that stand in the bank at the end; each run begins with an empty one and pays for duplicates, for traps
//! and for the growing of the table. Before the timing it prints bytes an entry, and the total
//! length of scheduled bodies against the shortest that exhaustive enumeration finds for the same values.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use wordmill::model::random::Random;
use wordmill::synth::Steps;
use wordmill::synth::bank::kernel::Column;
use wordmill::synth::bank::simd::Simd;
use wordmill::synth::bank::{Bank, Filled, Vocabulary};
use wordmill::synth::enumerate::{Answer, Bounds, Enumerator};
use wordmill::synth::expr::{Exprs, schedule};
use wordmill::validate::Lanes;

fn column<const L: usize>(seed: u64) -> Column<L> {
    let mut random = Random::new(&[seed]);
    Column(std::array::from_fn(|_| random.next_u64() as i64))
}

fn fill<const L: usize>(bank: &mut Bank<L>, vocabulary: &Vocabulary, entries: usize) {
    bank.start(&[column(1)], vocabulary.clone());
    while bank.grow(u64::MAX, entries) == Filled::Whole {}
}

fn banks<const L: usize>(criterion: &mut Criterion) {
    let vocabularies = [
        ("bits", Vocabulary::logic(), 100_000),
        ("bits", Vocabulary::logic(), 2_000_000),
        ("numbers", Vocabulary::numbers(&[]), 100_000),
    ];
    for (name, vocabulary, entries) in vocabularies {
        let mut group = criterion.benchmark_group(format!("bank/{name}/{entries}/{L} lanes"));
        group.sample_size(10);
        for simd in Simd::available() {
            let mut bank = Bank::<L>::with_simd(simd);
            fill(&mut bank, &vocabulary, entries);
            println!("{} entries, {:.0} bytes each", bank.len(), bank.bytes() as f64 / bank.len() as f64);
            group.throughput(Throughput::Elements(bank.len() as u64));
            group.bench_function(simd.name(), |bencher| {
                bencher.iter(|| fill(black_box(&mut bank), &vocabulary, entries));
            });
        }
        group.finish();
    }
}

/// The words of bodies that the scheduler gives, and of the shortest bodies for the same values, over expressions of a
/// small bank.
fn lengths(criterion: &mut Criterion) {
    let inputs = [column::<8>(1), column::<8>(2)];
    let mut bank = Bank::<8>::default();
    bank.start(&inputs, Vocabulary::numeric_bits());
    while bank.size() < 6 && bank.grow(u64::MAX, 1 << 20) == Filled::Whole {}
    let step = (bank.len() / 300).max(1);
    let (mut scheduled, mut shortest, mut n) = (0, 0, 0);
    let (mut exprs, steps) = (Exprs::new(2), Steps::new(&[]));
    let stop = AtomicBool::new(false);
    let lanes: Vec<_> = inputs.iter().map(|column| column.0).collect();
    for entry in (0..bank.len()).step_by(step) {
        let root = bank.express(&mut exprs, entry);
        let output = [bank.columns()[entry].0];
        let bounds = Bounds { length_min: 0, length_max: 5, candidates_max: 20_000_000 };
        let goal = Lanes { inputs: &lanes, outputs: &output };
        let mut length = None;
        Enumerator::default().run(goal, steps.steps(), bounds, &stop, |body| {
            length = Some(body.len());
            Answer::Accept
        });
        let Some(length) = length else { continue };
        n += 1;
        shortest += length;
        scheduled += schedule(&exprs, &[root]).split_ascii_whitespace().count();
    }
    println!("{n} expressions: {scheduled} words scheduled, {shortest} at the shortest");
    assert!(scheduled * 10 <= shortest * 13, "bodies are more than 30 % longer than the shortest");
    let roots: Vec<_> = (0..100).map(|at| bank.express(&mut exprs, bank.len() - 1 - at * step)).collect();
    criterion.bench_function("schedule/100 expressions of size 6", |bencher| {
        bencher.iter(|| roots.iter().map(|root| schedule(black_box(&exprs), &[*root]).len()).sum::<usize>());
    });
}

criterion_group!(benches, banks::<8>, banks::<16>, lengths);
criterion_main!(benches);
