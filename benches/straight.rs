//! Straight-line bodies tried per second, and how long it takes to try all of length nine.
//!
//! `cargo bench --bench straight`. One input of fixed values; the vocabulary is that of the prototype that set the goal (26 words:
//! seven that move items, seventeen that calculate, 0 and 1), in the search's own order; the goal is out of reach, so that everything is tried. A
//! candidate is a body that was run on the eight lanes. Before the timing it prints candidates and CPU time of length nine,
//! by instruction set, and the same for the search's own vocabulary at length six.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::sync::atomic::AtomicBool;
use wordmill::forth::words::lookup;
use wordmill::synth::Steps;
use wordmill::synth::bank::simd::Simd;
use wordmill::synth::enumerate::{Answer, Bounds, Enumerator, Step};
use wordmill::validate::Lanes;

const WORDS: &str =
    "dup drop swap over rot nip tuck + - * negate 1+ 1- 2* 2/ and or xor invert lshift rshift < 0= 0<";

static GO: AtomicBool = AtomicBool::new(false);

fn vocabulary() -> Vec<Step> {
    let words = WORDS.split(' ').map(|name| Step::Word(lookup(name.as_bytes()).expect("it is a word")));
    words.chain([0, 1].map(Step::Literal)).collect()
}

/// Seconds that this thread has computed, whatever else the machine does.
fn cpu_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// All bodies of one length; returns how many were tried.
fn all(enumerator: &mut Enumerator, vocabulary: &[Step], length: usize) -> u64 {
    let x = [0, 1, -1, 7, -8, 100, -1000, 0x7FFF_FFFF];
    let goal = x.map(|x: i64| x.wrapping_mul(0x0123_4567).wrapping_add(99) ^ 0x777);
    let bounds = Bounds { length_min: length, length_max: length, candidates_max: u64::MAX };
    let (inputs, outputs) = ([x], [goal]);
    let lanes = Lanes { inputs: &inputs, outputs: &outputs };
    enumerator.run(lanes, vocabulary, bounds, &GO, |_| Answer::Reject).1
}

fn straight(criterion: &mut Criterion) {
    let prototype = vocabulary();
    let own = Steps::new(&[]);
    for simd in Simd::available() {
        for (name, steps, length) in [("prototype", &prototype[..], 9), ("search", own.steps(), 6)] {
            let mut enumerator = Enumerator::with_simd(simd);
            all(&mut enumerator, steps, 3);
            let start = cpu_seconds();
            let candidates = all(&mut enumerator, steps, length);
            let seconds = cpu_seconds() - start;
            let rate = candidates as f64 / seconds / 1e6;
            println!(
                "{name}, length {length}, {}: {candidates} candidates in {seconds:.3} s of CPU: {rate:.0} M/s",
                simd.name()
            );
        }
    }
    let mut group = criterion.benchmark_group("straight/length 8");
    group.sample_size(10);
    for simd in Simd::available() {
        let mut enumerator = Enumerator::with_simd(simd);
        group.throughput(Throughput::Elements(all(&mut enumerator, &prototype, 8)));
        group.bench_function(simd.name(), |bencher| {
            bencher.iter(|| all(&mut enumerator, &prototype, 8));
        });
    }
    group.finish();
}

criterion_group!(benches, straight);
criterion_main!(benches);
