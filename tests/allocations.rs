//! From archive to verdict nothing is allocated but the owned outcome: the arenas are really on the path.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use wordmill::corpus::Corpus;
use wordmill::model::{Spec, SpecId, Status};
use wordmill::pipeline::{Context, Options};
use wordmill::spec::parse_spec_line;
use wordmill::template::Library;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed to the system allocator as it came; counting has no other effect.
#[allow(unsafe_code, reason = "a global allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps to the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the memory came from `alloc` above, that is from the system allocator with this layout.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the memory came from `alloc` above, and the caller keeps to the contract of `realloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Square, absolute value, greatest common divisor and factorial by named patterns, with distinct tests.
fn specs() -> Vec<Spec> {
    let gcd = |a: u64, b: u64| {
        (1..=a.min(b)).rev().find(|d| a.is_multiple_of(*d) && b.is_multiple_of(*d)).unwrap_or(0)
    };
    let line = |n: u64| {
        let (word, pattern, inputs, cases): (_, _, _, Vec<(String, u64)>) = match n % 4 {
            0 => ("square", "DUP_TRANSFORM_001", 1, (n..n + 5).map(|x| (x.to_string(), x * x)).collect()),
            1 => {
                ("absolute", "CONDITIONAL_NEGATE_002", 1, (n..n + 5).map(|x| (format!("-{x}"), x)).collect())
            }
            2 => (
                "divisor",
                "TAIL_RECURSIVE_008",
                2,
                (n..n + 5).map(|x| (format!("{x},12"), gcd(x, 12))).collect(),
            ),
            _ => (
                "factorial",
                "RECURSIVE_004",
                1,
                (1..6).map(|x| (x.to_string(), (1..=x).product())).collect(),
            ),
        };
        let names = ["a", "b"];
        let params: Vec<_> =
            names[..inputs].iter().map(|p| format!(r#"{{"name":"{p}","type":"int"}}"#)).collect();
        let tests: Vec<_> = cases
            .iter()
            .map(|(input, output)| format!(r#"{{"input":[{input}],"output":[{output}]}}"#))
            .collect();
        format!(
            r#"{{"word":"{word}{n}","stack_effect":{{"inputs":[{}],"outputs":[{{"name":"r","type":"int"}}]}},"test_cases":[{}],"implementation":{{"pattern":"{pattern}"}}}}"#,
            params.join(","),
            tests.join(",")
        )
    };
    let parse = |n| parse_spec_line(line(n).as_bytes(), "specs.jsonl", 1).spec.expect("a specification");
    (0..2000).map(parse).collect()
}

#[test]
fn at_most_two_allocations_for_a_specification() {
    let corpus = Corpus::from_specs("specs.jsonl", &specs());
    let options = Options::new(Arc::new(Library::load(&[]).unwrap()));
    let go = AtomicBool::new(false);
    let context = Context::new(&corpus, &options, &go);
    let mut worker = context.lend();
    let mut count = |ids: std::ops::Range<u32>| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for id in ids {
            let outcome = context.outcome(&mut worker, SpecId(id));
            assert_eq!(outcome.status, Status::Verified, "{outcome:?}");
        }
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    count(0..1000);
    let allocations = count(1000..2000);
    assert!(allocations >= 1000, "the owned outcome is one: {allocations}");
    assert!(allocations <= 2000, "{allocations} allocations for 1000 specifications");
}
