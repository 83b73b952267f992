//! The search in bounded memory. A program of its own, for it measures the memory of the process.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use wordmill::corpus::{Corpus, Record};
use wordmill::model::{Outcome, SpecId, Stop};
use wordmill::pipeline::{Options, Silent, Sink, run};
use wordmill::spec::parse_entries;
use wordmill::template::Library;

/// The most memory that this process ever held, in KiB, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}

/// Numbers without a rule.
fn noise_of(mut state: u64) -> impl FnMut() -> i64 {
    move || {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (state ^ state >> 31) as i64
    }
}

/// Words whose outputs are noise: nothing is found, and the banks become as large as the budget lets them. Fifteen words that are
/// supplied stand between two of them, so that each of them goes to another thread.
fn noise(n_words: u64) -> Corpus {
    let mut next = noise_of(1);
    let mut text = String::new();
    for word in 0..n_words {
        let cases: Vec<String> =
            (0..40).map(|_| format!(r#"{{"input":[{}],"output":[{}]}}"#, next(), next())).collect();
        let effect = r#""inputs":[{"name":"x","type":"int"}],"outputs":[{"name":"y","type":"int"}]"#;
        let cases = cases.join(",");
        writeln!(text, r#"{{"word":"noise-{word}","stack_effect":{{{effect}}},"test_cases":[{cases}]}}"#)
            .unwrap();
        for easy in 0..15 {
            writeln!(
                text,
                r#"{{"word":"easy-{word}-{easy}","stack_effect":{{{effect}}},"test_cases":[{{"input":[1],"output":[2]}}],"implementation":{{"code":"1+"}}}}"#
            )
            .unwrap();
        }
    }
    let entries = parse_entries(text.as_bytes(), "noise.jsonl", true);
    let specs: Vec<_> = entries.into_iter().map(|entry| entry.spec.unwrap()).collect();
    Corpus::from_specs("noise.jsonl", &specs)
}

/// Words of many shapes whose outputs are noise: three of each shape have the same inputs and share their banks.
fn shapes(n_shapes: u64) -> Corpus {
    let mut next = noise_of(7);
    let mut text = String::new();
    for shape in 0..n_shapes {
        let n_in = 1 + shape as usize % 3;
        let n_cases = [6, 8, 14, 40][shape as usize % 4];
        // Numbers and patterns in turn.
        let shift = if shape % 2 == 0 { 54 } else { 0 };
        let rows: Vec<String> = (0..n_cases)
            .map(|_| (0..n_in).map(|_| (next() >> shift).to_string()).collect::<Vec<_>>().join(","))
            .collect();
        let inputs: Vec<String> = ["x", "y", "z"][..n_in]
            .iter()
            .map(|name| format!(r#"{{"name":"{name}","type":"int"}}"#))
            .collect();
        let inputs = inputs.join(",");
        for word in 0..3 {
            let cases: Vec<String> =
                rows.iter().map(|row| format!(r#"{{"input":[{row}],"output":[{}]}}"#, next())).collect();
            let cases = cases.join(",");
            writeln!(
                text,
                r#"{{"word":"shape-{shape}-{word}","stack_effect":{{"inputs":[{inputs}],"outputs":[{{"name":"r","type":"int"}}]}},"test_cases":[{cases}]}}"#
            )
            .unwrap();
        }
    }
    let entries = parse_entries(text.as_bytes(), "shapes.jsonl", true);
    let specs: Vec<_> = entries.into_iter().map(|entry| entry.spec.unwrap()).collect();
    Corpus::from_specs("shapes.jsonl", &specs)
}

/// From here on the peak is measured anew, where the system lets it.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

#[derive(Default)]
struct Collect(Vec<Outcome>);

impl Sink for Collect {
    fn accept(&mut self, _: Record<'_>, outcome: &Outcome, _: Option<Duration>) -> std::io::Result<()> {
        self.0.push(outcome.clone());
        Ok(())
    }
}

#[test]
fn memory_is_bounded() {
    // One after the other: both measure the whole process.
    shared_banks_stay_within_the_memory_limit();
    forget_peak();
    very_many_terms_take_no_more();
    forget_peak();
    searches_stay_within_the_memory_limit();
}

/// A sequence of very many terms without a rule: what is looked up in loops grows with the terms, up to a bound.
fn very_many_terms_take_no_more() {
    const LIMIT: u64 = 256 << 20;
    let mut next = noise_of(3);
    let cases: Vec<String> =
        (0..10_000).map(|n| format!(r#"{{"input":[{n}],"output":[{}]}}"#, next() >> 1)).collect();
    let text = format!(
        r#"{{"word":"long","stack_effect":{{"inputs":[{{"name":"n","type":"int"}}],"outputs":[{{"name":"r","type":"int"}}]}},"test_cases":[{}]}}"#,
        cases.join(",")
    );
    let specs: Vec<_> = parse_entries(text.as_bytes(), "long.jsonl", true)
        .into_iter()
        .map(|entry| entry.spec.unwrap())
        .collect();
    let corpus = Corpus::from_specs("long.jsonl", &specs);
    let mut options = Options::new(Arc::new(Library::load(&[]).unwrap()));
    (options.jobs, options.memory_max) = (1, LIMIT);
    options.synth.candidates_max = 300_000;
    let mut sink = Collect::default();
    run(&corpus, &[SpecId(0)], &options, None, &mut sink, &Silent, &AtomicBool::new(false)).unwrap();
    assert_eq!(sink.0.len(), 1);
    if let Some(peak) = peak_kib() {
        assert!(peak < LIMIT >> 10, "{peak} KiB");
    }
}

/// Banks of more shapes than there is room for come and go; the limit holds, and changes no outcome.
fn shared_banks_stay_within_the_memory_limit() {
    const LIMIT: u64 = 192 << 20;
    let corpus = shapes(8);
    let ids: Vec<SpecId> = (0..corpus.len() as u32).map(SpecId).collect();
    let with = |memory_max: u64| {
        let mut options = Options::new(Arc::new(Library::load(&[]).unwrap()));
        options.jobs = 2;
        options.memory_max = memory_max;
        options.synth.candidates_max = 100_000;
        let mut sink = Collect::default();
        let go = AtomicBool::new(false);
        let summary = run(&corpus, &ids, &options, None, &mut sink, &Silent, &go).unwrap();
        (sink.0, summary.sharing, peak_kib(), options.shared_bytes_max())
    };
    let (bounded, sharing, peak, room) = with(LIMIT);
    assert!(room > 0 && sharing.banks > 8, "{sharing:?} in {room} bytes");
    if let Some(peak) = peak {
        assert!(peak < LIMIT >> 10, "{peak} KiB");
    }
    let (free, ..) = with(8 << 30);
    assert_eq!(bounded, free);
}

/// Four searches together take more than one alone; the limit lets as many begin as fit, and changes no outcome.
fn searches_stay_within_the_memory_limit() {
    const LIMIT: u64 = 256 << 20;
    let corpus = noise(4);
    let ids: Vec<SpecId> = (0..corpus.len() as u32).map(SpecId).collect();
    let with = |memory_max: u64| {
        let mut options = Options::new(Arc::new(Library::load(&[]).unwrap()));
        options.jobs = 4;
        options.memory_max = memory_max;
        options.synth.candidates_max = 300_000;
        let mut sink = Collect::default();
        let go = AtomicBool::new(false);
        run(&corpus, &ids, &options, None, &mut sink, &Silent, &go).unwrap();
        (sink.0, peak_kib(), options.n_at_once())
    };
    let (bounded, bounded_peak, few) = with(LIMIT);
    let (free, free_peak, many) = with(8 << 30);
    assert!(few < many && many == 4, "{few} {many}");
    assert_eq!(bounded, free);
    assert_eq!(bounded.iter().filter(|outcome| outcome.stop == Stop::Budget).count(), 4, "{bounded:?}");
    if let (Some(bounded), Some(free)) = (bounded_peak, free_peak) {
        assert!(bounded < LIMIT >> 10, "{bounded} KiB");
        assert!(free > bounded, "{free} KiB without a limit, {bounded} KiB with it");
    }
}
