//! The pipeline as a whole: the same bytes whatever the threads, shards and store; one bad specification costs one verdict.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use wordmill::corpus::{Corpus, Record};
use wordmill::model::{Outcome, Sharing, Spec, SpecId, Status, Stop, Strategy};
use wordmill::pipeline::{Context, Options, Progress, Silent, Sink, Store, Summary, company, run, shard};
use wordmill::spec::parse_entries;
use wordmill::synth::Round;
use wordmill::synth::frozen::Frozen;
use wordmill::template::Library;

/// A few specifications of every kind: solved by enumeration, template, pattern, given code; wrong, endless, hostile, unsolvable.
const SPECS: &str = r#"
{"word":"square","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"n²","type":"int"}]},"test_cases":[{"input":[3],"output":[9]},{"input":[-4],"output":[16]},{"input":[0],"output":[0]}],"heldout_cases":[{"input":[12],"output":[144]}]}
{"word":"gcd","stack_effect":{"inputs":[{"name":"a","type":"int"},{"name":"b","type":"int"}],"outputs":[{"name":"gcd(a,b)","type":"int"}]},"test_cases":[{"input":[12,18],"output":[6]},{"input":[7,13],"output":[1]},{"input":[100,10],"output":[10]},{"input":[0,5],"output":[5]}],"implementation":{"pattern":"TAIL_RECURSIVE_008"}}
{"word":"lcm","stack_effect":{"inputs":[{"name":"a","type":"int"},{"name":"b","type":"int"}],"outputs":[{"name":"m","type":"int"}]},"test_cases":[{"input":[4,6],"output":[12]},{"input":[7,3],"output":[21]}],"uses":["gcd"],"implementation":{"code":"2dup gcd / *"}}
{"word":"cube","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"c","type":"int"}]},"test_cases":[{"input":[3],"output":[27]},{"input":[-2],"output":[-8]},{"input":[5],"output":[125]}],"implementation":{"code":"dup *"}}
{"word":"forever","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"c","type":"int"}]},"test_cases":[{"input":[3],"output":[981273]},{"input":[4],"output":[-77112233]},{"input":[5],"output":[55667788990]}],"implementation":{"code":"begin again"}}
{"word":"deep","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"c","type":"int"}]},"test_cases":[{"input":[3],"output":[4]}],"implementation":{"code":"recurse"}}
{"word":"flood","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"c","type":"int"}]},"test_cases":[{"input":[3],"output":[4]}],"implementation":{"code":"begin dup again"}}
{"word":"shout","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"c","type":"int"}]},"test_cases":[{"input":[3],"output":[4]}],"implementation":{"code":"begin 65 emit again"}}
{"word":"wild","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"c","type":"int"}]},"test_cases":[{"input":[3],"output":[4]}],"implementation":{"code":"0 99999999999 !"}}
{"word":"circle","stack_effect":{"inputs":[],"outputs":[]},"test_cases":[{"input":[],"output":[]}],"uses":["circle"]}
{"word":"lonely","stack_effect":{"inputs":[],"outputs":[]},"test_cases":[{"input":[],"output":[]}],"uses":["nobody"]}
{"word":"untested","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"c","type":"int"}]}}
{"word":"sum-to","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"s","type":"int"}]},"test_cases":[{"input":[4],"output":[10]},{"input":[10],"output":[55]},{"input":[0],"output":[0]},{"input":[1],"output":[1]}]}
{"word":"length","stack_effect":{"inputs":[{"name":"addr","type":"addr"},{"name":"len","type":"int"}],"outputs":[{"name":"n","type":"int"}]},"test_cases":[{"input":["hello"],"output":[5]},{"input":[""],"output":[0]}],"implementation":{"code":"nip"}}
{"word":"eater","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[]},"test_cases":[{"input":[1],"output":[]},{"input":[5],"output":[]}],"implementation":{"code":"begin depth while drop repeat"}}
{"word":"remarked","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"m","type":"int"}]},"test_cases":[{"input":[1],"output":[2]},{"input":[5],"output":[6]}],"implementation":{"code":"1+ \\ one more"}}
{"word":"thrower","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"n","type":"int"}]},"test_cases":[{"input":[0],"throws":-10},{"input":[5],"output":[2]}],"implementation":{"code":"10 swap /"}}
"#;

fn specs() -> Vec<Spec> {
    let entries = parse_entries(SPECS.trim_start().as_bytes(), "specs.jsonl", true);
    entries.into_iter().map(|entry| entry.spec.unwrap_or_else(|| panic!("{:?}", entry.diagnostics))).collect()
}

fn options(jobs: usize) -> Options {
    let mut options = Options::new(Arc::new(Library::load(&[]).unwrap()));
    options.jobs = jobs;
    options.synth.candidates_max = 60_000;
    options
}

#[derive(Default)]
struct Collect(Vec<Outcome>);

impl Sink for Collect {
    fn accept(&mut self, record: Record<'_>, outcome: &Outcome, _: Option<Duration>) -> std::io::Result<()> {
        assert_eq!(record.id(), outcome.spec);
        self.0.push(outcome.clone());
        Ok(())
    }
}

fn all(corpus: &Corpus) -> Vec<SpecId> {
    (0..corpus.len() as u32).map(SpecId).collect()
}

fn run_all(corpus: &Corpus, options: &Options, store: Option<&mut Store>) -> (Vec<Outcome>, Summary) {
    let mut sink = Collect::default();
    let go = AtomicBool::new(false);
    let summary = run(corpus, &all(corpus), options, store, &mut sink, &Silent, &go).unwrap();
    (sink.0, summary)
}

fn outcome_of<'o>(corpus: &Corpus, outcomes: &'o [Outcome], word: &str) -> &'o Outcome {
    outcomes.iter().find(|outcome| corpus.record(outcome.spec).word() == Some(word)).unwrap()
}

/// A specification of a function of one bit pattern, by random tests.
fn pattern_spec(word: &str, n_tests: u64, f: impl Fn(u64) -> u64) -> String {
    let mut random = wordmill::model::random::Random::new(&[n_tests]);
    let tests: Vec<String> = (0..n_tests)
        .map(|_| random.next_u64())
        .map(|x| format!(r#"{{"input":[{}],"output":[{}]}}"#, x as i64, f(x) as i64))
        .collect();
    let effect = r#"{"inputs":[{"name":"x","type":"int"}],"outputs":[{"name":"y","type":"int"}]}"#;
    format!(r#"{{"word":"{word}","stack_effect":{effect},"test_cases":[{}]}}"#, tests.join(","))
}

#[test]
fn patterns_become_expressions_and_trees() {
    let text = [
        pattern_spec("folded", 30, |x| (x ^ (x >> 4)).wrapping_add(x >> 16)),
        pattern_spec("masked", 60, |x| if (x >> 16) & 1 == 1 { x >> 4 } else { !(x << 1) }),
        pattern_spec("guessed", 9, |x| if (x >> 16) & 1 == 1 { x >> 4 } else { !(x << 1) }),
        pattern_spec("noise", 30, |x| wordmill::model::random::Random::new(&[x]).next_u64()),
    ]
    .join("\n");
    let entries = parse_entries(text.as_bytes(), "patterns.jsonl", true);
    let specs: Vec<Spec> = entries.into_iter().map(|entry| entry.spec.expect("a specification")).collect();
    let corpus = Corpus::from_specs("patterns.jsonl", &specs);
    let mut options = options(2);
    options.synth.candidates_max = 200_000;
    let (outcomes, _) = run_all(&corpus, &options, None);
    let of = |word: &str| outcome_of(&corpus, &outcomes, word);
    assert_eq!(of("folded").strategy, Some(Strategy::Expression));
    let folded = ": folded ( x -- y ) dup 4 rshift over 16 rshift -rot xor + ;";
    assert_eq!(of("folded").code.as_deref(), Some(folded));
    assert_eq!(of("masked").strategy, Some(Strategy::Tree));
    let masked = ": masked ( x -- y ) dup 16 rshift 1 and 1 = if 4 rshift else 2* invert then ;";
    assert_eq!(of("masked").code.as_deref(), Some(masked));
    assert_eq!((of("noise").status, of("noise").stop), (Status::Unsolved, Stop::Budget));
    assert!(of("noise").candidates <= 250_000, "{}", of("noise").candidates);
    let is_risky = |word: &str| {
        let diagnostics = of(word).detail.as_ref().map(|detail| detail.diagnostics.as_slice());
        diagnostics.unwrap_or_default().iter().any(|diagnostic| diagnostic.code.0 == 75)
    };
    assert_eq!((of("guessed").status, is_risky("guessed")), (Status::Verified, true));
    assert!(!is_risky("folded") && !is_risky("masked"));
    // Alone, and after others on one thread, each comes out the same.
    options.jobs = 1;
    assert_eq!(run_all(&corpus, &options, None).0, outcomes);
    for (at, spec) in specs.iter().enumerate() {
        let alone = Corpus::from_specs("alone.jsonl", std::slice::from_ref(spec));
        let outcome = run_all(&alone, &options, None).0.pop().expect("one outcome");
        assert_eq!(Outcome { spec: outcomes[at].spec, ..outcome }, outcomes[at]);
    }
}

/// A specification by its rows of inputs and a function.
fn number_spec(word: &str, rows: &[Vec<i64>], f: impl Fn(&[i64]) -> i64) -> String {
    let tests: Vec<String> =
        rows.iter().map(|row| format!(r#"{{"input":{row:?},"output":[{}]}}"#, f(row))).collect();
    let n_in = rows.first().map_or(0, Vec::len);
    let inputs: Vec<String> = (0..n_in).map(|at| format!(r#"{{"name":"x{at}","type":"int"}}"#)).collect();
    let effect = format!(r#"{{"inputs":[{}],"outputs":[{{"name":"y","type":"int"}}]}}"#, inputs.join(","));
    format!(r#"{{"word":"{word}","stack_effect":{effect},"test_cases":[{}]}}"#, tests.join(","))
}

#[test]
fn the_smallest_program_is_claimed_and_repetition_proves_nothing() {
    let mut random = wordmill::model::random::Random::new(&[5]);
    let mut rows = |n: usize, n_in: usize, most: i64| -> Vec<Vec<i64>> {
        (0..n)
            .map(|_| (0..n_in).map(|_| random.within(-most as i128, most as i128) as i64).collect())
            .collect()
    };
    let (of_two, of_eight, of_fourteen) = (rows(30, 2, 1 << 20), rows(30, 8, 1000), rows(30, 14, 1000));
    let from_one: Vec<Vec<i64>> = (1..25).map(|n| vec![n]).collect();
    let text = [
        number_spec("once", &[vec![3]], |x| x[0] * x[0] + 1),
        number_spec("often", &vec![vec![3]; 100], |x| x[0] * x[0] + 1),
        number_spec("nothing-in", &[vec![]], |_| 123_456_789),
        number_spec("sum", &of_eight, |x| x.iter().sum()),
        number_spec("first", &of_fourteen, |x| x[0]),
        number_spec("masked", &of_two, |x| if (x[1] as u64) < x[0] as u64 { x[1] } else { 0 }),
        number_spec("no-loop", &from_one, |x| (x[0] ^ 7) * 11),
        number_spec("every-sixth", &from_one, |x| i64::from(x[0] % 6 == 0)),
    ]
    .join("\n");
    let entries = parse_entries(text.as_bytes(), "small.jsonl", true);
    let specs: Vec<Spec> = entries.into_iter().map(|entry| entry.spec.expect("a specification")).collect();
    let corpus = Corpus::from_specs("small.jsonl", &specs);
    let mut options = options(2);
    options.synth.candidates_max = 1_000_000;
    let (outcomes, _) = run_all(&corpus, &options, None);
    let body = |word: &str| {
        let code = outcome_of(&corpus, &outcomes, word).code.as_deref().unwrap_or_default();
        code.split_once(") ").map(|(_, body)| body.to_owned())
    };
    assert_eq!(body("nothing-in").as_deref(), Some("123456789 ;"));
    assert_eq!(body("sum").as_deref(), Some("+ + + + + + + ;"));
    assert_eq!(body("first"), Some(format!("{};", "drop ".repeat(13))));
    // The vocabulary of numbers has no `u<`: as an expression of it this takes a dozen words.
    assert_eq!(body("masked").as_deref(), Some("tuck u< lshift ;"));
    assert_eq!(body("no-loop").as_deref(), Some("7 xor 11 * ;"));
    assert_eq!(body("every-sixth").as_deref(), Some("6 mod 1 swap rshift 1 and ;"));
    let is_risky = |word: &str| {
        let detail = outcome_of(&corpus, &outcomes, word).detail.as_ref();
        detail.is_some_and(|detail| detail.diagnostics.iter().any(|diagnostic| diagnostic.code.0 == 75))
    };
    assert!(is_risky("once") && is_risky("often"), "one case is one case");
    let sound = ["nothing-in", "sum", "first", "masked", "every-sixth"];
    assert!(!sound.into_iter().any(is_risky));
}

#[test]
fn each_specification_gets_its_verdict() {
    let corpus = Corpus::from_specs("specs.jsonl", &specs());
    let (outcomes, summary) = run_all(&corpus, &options(2), None);
    assert_eq!((summary.n_specs, summary.n_worked, summary.interrupted), (corpus.len(), corpus.len(), false));
    let check = |word: &str, status: Status, strategy: Option<Strategy>, given: Option<Status>| {
        let outcome = outcome_of(&corpus, &outcomes, word);
        assert_eq!(
            (outcome.status, outcome.strategy, outcome.given),
            (status, strategy, given),
            "{word}: {outcome:?}"
        );
    };
    use Status::*;
    check("square", Verified, Some(Strategy::Enumeration), None);
    check("gcd", Verified, Some(Strategy::Pattern), Some(Verified));
    check("lcm", Verified, Some(Strategy::Given), Some(Verified));
    check("cube", Verified, Some(Strategy::Template), Some(Refuted));
    check("forever", Refuted, None, Some(Refuted));
    check("deep", Verified, Some(Strategy::Enumeration), Some(Refuted));
    check("flood", Verified, Some(Strategy::Enumeration), Some(Refuted));
    check("shout", Verified, Some(Strategy::Enumeration), Some(Refuted));
    check("wild", Verified, Some(Strategy::Enumeration), Some(Refuted));
    check("circle", Invalid, None, None);
    check("lonely", Invalid, None, None);
    check("untested", Unsolved, None, None);
    check("sum-to", Verified, Some(Strategy::Template), None);
    check("length", Verified, Some(Strategy::Given), Some(Verified));
    check("eater", Verified, Some(Strategy::Enumeration), Some(Refuted));
    check("remarked", Verified, Some(Strategy::Given), Some(Verified));
    assert!(outcome_of(&corpus, &outcomes, "remarked").code.as_deref().unwrap().ends_with("\n;"));
    check("thrower", Verified, Some(Strategy::Given), Some(Verified));
    let square = outcome_of(&corpus, &outcomes, "square");
    assert_eq!(square.code.as_deref(), Some(": square ( n -- n² ) dup * ;"));
    assert_eq!((square.tests_passed, square.tests_total), (3, 3));
    assert_eq!((square.heldout_passed, square.heldout_total), (1, 1));
    let cube = outcome_of(&corpus, &outcomes, "cube").detail.as_ref().unwrap();
    assert_eq!(cube.given_failing_test.as_deref(), Some("3 -> 9, expected 27"));
    let untested = outcome_of(&corpus, &outcomes, "untested");
    assert_eq!(untested.stop, Stop::Skipped);
    assert_eq!(untested.detail.as_ref().unwrap().diagnostics[0].code.to_string(), "WM074");
}

#[test]
fn threads_company_and_held_out_cases_change_nothing() {
    let specs = specs();
    let corpus = Corpus::from_specs("specs.jsonl", &specs);
    let (one, _) = run_all(&corpus, &options(1), None);
    let (four, _) = run_all(&corpus, &options(4), None);
    assert_eq!(one, four);
    for (index, spec) in specs.iter().enumerate().filter(|(_, spec)| spec.uses.is_empty()) {
        let alone = Corpus::from_specs("alone.jsonl", std::slice::from_ref(spec));
        let (mut outcome, _) = run_all(&alone, &options(1), None);
        outcome[0].spec = SpecId(index as u32);
        assert_eq!(outcome[0], one[index], "{}", spec.word);
    }
    let mut without = specs;
    without.iter_mut().for_each(|spec| spec.heldout.clear());
    let corpus = Corpus::from_specs("specs.jsonl", &without);
    let (without, _) = run_all(&corpus, &options(2), None);
    for (with, without) in one.iter().zip(&without) {
        assert_eq!(
            (&with.code, with.candidates, without.heldout_total),
            (&without.code, without.candidates, 0)
        );
    }
}

/// A specification of a sequence: n from `start` and the values there.
fn sequence_spec(word: &str, start: i64, values: &[i64]) -> String {
    let tests: Vec<String> =
        (start..).zip(values).map(|(n, y)| format!(r#"{{"input":[{n}],"output":[{y}]}}"#)).collect();
    let effect = r#"{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"y","type":"int"}]}"#;
    format!(r#"{{"word":"{word}","stack_effect":{effect},"test_cases":[{}]}}"#, tests.join(","))
}

#[test]
fn every_strategy_gives_the_same_bytes_whatever_the_threads_shards_and_company() {
    let divisors = |n: i64| (1..=n).filter(|d| n % d == 0).count() as i64;
    let odd_part = |n: i64| n >> n.trailing_zeros();
    let named = r#"{"word":"named","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"m","type":"int"}]},"test_cases":[{"input":[3],"output":[9]},{"input":[-4],"output":[16]}],"implementation":{"pattern":"DUP_TRANSFORM_001"}}"#;
    // Two words of the library in one expression.
    let composed = |n: i64| i64::from((n * 77 % 101 + n).count_ones()) + odd_part(n);
    let text = [
        SPECS.trim().to_owned(),
        named.to_owned(),
        pattern_spec("folded", 30, |x| (x ^ (x >> 4)).wrapping_add(x >> 16)),
        pattern_spec("masked", 60, |x| if (x >> 16) & 1 == 1 { x >> 4 } else { !(x << 1) }),
        sequence_spec(
            "recurring",
            0,
            &(0..18)
                .scan((0, 1), |t, _| {
                    let a = t.0;
                    *t = (t.1, 3 * t.1 + t.0 + 1);
                    Some(a)
                })
                .collect::<Vec<_>>(),
        ),
        sequence_spec("divisors", 1, &(1..=24).map(divisors).collect::<Vec<_>>()),
        sequence_spec("composed", 1, &(1..=20).map(composed).collect::<Vec<_>>()),
    ]
    .join("\n");
    let entries = parse_entries(text.as_bytes(), "all.jsonl", true);
    let specs: Vec<Spec> = entries.into_iter().map(|entry| entry.spec.expect("a specification")).collect();
    let corpus = Corpus::from_specs("all.jsonl", &specs);
    let library = [
        ("odd-part", ": odd-part ( n -- m ) begin dup 1 and 0= while 2/ repeat ;"),
        (
            "mixed",
            ": mixed ( n -- m ) dup 77 * 101 mod + 0 swap begin ?dup while dup 1 and rot + swap 2/ repeat ;",
        ),
    ];
    let (frozen, left_out) = Frozen::build(library.map(|(word, code)| (word.to_owned(), code.to_owned())));
    assert_eq!(left_out, []);
    let frozen = Arc::new(frozen);
    let options = |jobs| Options {
        frozen: Some(Arc::clone(&frozen)),
        ..{
            let mut options = options(jobs);
            options.synth.candidates_max = 200_000;
            options.note_used(&corpus);
            options
        }
    };
    let (one, _) = run_all(&corpus, &options(1), None);
    let seen: std::collections::BTreeSet<Strategy> =
        one.iter().filter_map(|outcome| outcome.strategy).collect();
    let strategies: Vec<Strategy> = seen.into_iter().collect();
    assert_eq!(strategies, Strategy::ALL, "a strategy that this does not cover");
    let found = outcome_of(&corpus, &one, "composed");
    assert_eq!(found.strategy, Some(Strategy::Composition));
    let code = found.code.as_deref().unwrap();
    assert!(
        code.contains(": (mixed) ") && code.contains(": (odd-part) ") && code.contains(": composed "),
        "{code}"
    );
    assert_eq!(run_all(&corpus, &options(2), None).0, one);
    for (index, spec) in specs.iter().enumerate().filter(|(_, spec)| spec.uses.is_empty()) {
        let alone = Corpus::from_specs("alone.jsonl", std::slice::from_ref(spec));
        let outcome = run_all(&alone, &options(1), None).0.pop().expect("one outcome");
        assert_eq!(Outcome { spec: SpecId(index as u32), ..outcome }, one[index], "{}", spec.word);
    }
    let folder = tempfile::tempdir().unwrap();
    let (options, go) = (options(2), AtomicBool::new(false));
    let paths: Vec<_> = (0..3).map(|index| folder.path().join(index.to_string())).collect();
    for (index, path) in (0..).zip(&paths) {
        let mut sink =
            shard::ShardSink::create(path, &corpus, &options, (index, 3), vec!["all".into()]).unwrap();
        run(&corpus, &shard::select(&corpus, index, 3), &options, None, &mut sink, &Silent, &go).unwrap();
        sink.finish().unwrap();
    }
    let shards: Vec<_> = paths.iter().map(|path| shard::Shard::open(path).unwrap()).collect();
    let mut merged = Collect::default();
    shard::merge(&shards, &corpus, &options, &mut merged).unwrap();
    assert_eq!(merged.0, one);
    // The library is part of what an outcome depends on.
    let mut without = self::options(2);
    without.synth = options.synth;
    assert_ne!(without.hash(), options.hash());
}

#[test]
fn a_second_run_finds_nothing_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = Corpus::from_specs("specs.jsonl", &specs());
    let mut store = Store::open(folder.path()).unwrap();
    let (first, summary) = run_all(&corpus, &options(2), Some(&mut store));
    assert_eq!((summary.n_cached, summary.n_worked), (0, corpus.len()));
    let mut store = Store::open(folder.path()).unwrap();
    let (second, summary) = run_all(&corpus, &options(1), Some(&mut store));
    // The two whose uses cannot be followed have no fingerprint and nothing to find out.
    assert_eq!((summary.n_cached, summary.n_worked), (corpus.len() - 2, 2));
    assert_eq!(first, second);
    let mut other = options(2);
    other.validate.seed = 1;
    let (_, summary) = run_all(&corpus, &other, Some(&mut store));
    assert_eq!(summary.n_cached, 0, "another seed is another fingerprint");
}

#[test]
fn held_out_cases_that_came_later_are_scored_without_a_search() {
    let folder = tempfile::tempdir().unwrap();
    let with = specs();
    let mut without = specs();
    without.iter_mut().for_each(|spec| spec.heldout.clear());
    let mut store = Store::open(folder.path()).unwrap();
    run_all(&Corpus::from_specs("specs.jsonl", &without), &options(2), Some(&mut store));
    let corpus = Corpus::from_specs("specs.jsonl", &with);
    let (rescored, summary) = run_all(&corpus, &options(2), Some(&mut store));
    assert_eq!((summary.n_worked, summary.n_rescored), (2, 1));
    assert_eq!(rescored, run_all(&corpus, &options(2), None).0);
}

#[test]
fn shards_merged_are_a_whole_run() {
    let corpus = Corpus::from_specs("specs.jsonl", &specs());
    let (whole, _) = run_all(&corpus, &options(2), None);
    let options = options(2);
    let folder = tempfile::tempdir().unwrap();
    let go = AtomicBool::new(false);
    let paths: Vec<_> = (0..3).map(|index| folder.path().join(index.to_string())).collect();
    for (index, path) in (0..).zip(&paths) {
        let selected = shard::select(&corpus, index, 3);
        let mut sink =
            shard::ShardSink::create(path, &corpus, &options, (index, 3), vec!["specs".into()]).unwrap();
        run(&corpus, &selected, &options, None, &mut sink, &Silent, &go).unwrap();
        assert!(shard::Shard::open(path).is_err(), "a shard that is not finished is not one");
        sink.finish().unwrap();
    }
    let open = |paths: &[std::path::PathBuf]| -> Vec<_> {
        paths.iter().map(|path| shard::Shard::open(path).unwrap()).collect()
    };
    let mut merged = Collect::default();
    let summary = shard::merge(&open(&paths), &corpus, &options, &mut merged).unwrap();
    assert_eq!(summary.n_specs, corpus.len());
    assert_eq!(merged.0, whole);
    let refuse = |paths: &[std::path::PathBuf], corpus: &Corpus| {
        shard::merge(&open(paths), corpus, &options, &mut Collect::default()).unwrap_err().to_string()
    };
    assert_eq!(refuse(&paths[..2], &corpus), "of 3 shards these are missing: 2");
    let twice = [paths[0].clone(), paths[1].clone(), paths[1].clone()];
    assert!(refuse(&twice, &corpus).ends_with("are both shard 1"));
    let mut changed = specs();
    changed[0].tests.pop();
    let changed = Corpus::from_specs("specs.jsonl", &changed);
    assert!(refuse(&paths, &changed).starts_with("the corpus has changed"));
}

#[test]
fn a_signal_ends_the_run_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = Corpus::from_specs("specs.jsonl", &specs());
    let mut store = Store::open(folder.path()).unwrap();
    let stopped = AtomicBool::new(true);
    let mut sink = Collect::default();
    let summary =
        run(&corpus, &all(&corpus), &options(2), Some(&mut store), &mut sink, &Silent, &stopped).unwrap();
    assert!(summary.interrupted && sink.0.is_empty());
    let (outcomes, _) = run_all(&corpus, &options(2), Some(&mut store));
    assert_eq!(outcomes, run_all(&corpus, &options(2), None).0);
}

/// Easy and hard ones of every kind.
fn mixed_specs() -> Vec<Spec> {
    let mut random = wordmill::model::random::Random::new(&[5]);
    let mut noise = |n: u64| -> Vec<i64> { (0..n).map(|_| random.below(1000) as i64).collect() };
    let text = [
        SPECS.trim().to_owned(),
        pattern_spec("folded", 30, |x| (x ^ (x >> 4)).wrapping_add(x >> 16)),
        pattern_spec("masked", 60, |x| if (x >> 16) & 1 == 1 { x >> 4 } else { !(x << 1) }),
        pattern_spec("noise", 30, |x| wordmill::model::random::Random::new(&[x]).next_u64()),
        sequence_spec("triangle", 0, &(0..18).map(|n| n * (n + 1) / 2).collect::<Vec<_>>()),
        sequence_spec("random", 0, &noise(18)),
        sequence_spec("few", 1, &noise(7)),
        r#"{"word":"caller","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"m","type":"int"}]},"test_cases":[{"input":[3],"output":[4]}],"uses":["folded"],"implementation":{"code":"1+"}}"#.to_owned(),
        r#"{"word":"waiter","stack_effect":{"inputs":[{"name":"n","type":"int"}],"outputs":[{"name":"m","type":"int"}]},"test_cases":[{"input":[3],"output":[4]}],"uses":["noise"],"implementation":{"code":"1+"}}"#.to_owned(),
    ]
    .join("\n");
    let entries = parse_entries(text.as_bytes(), "mixed.jsonl", true);
    entries.into_iter().map(|entry| entry.spec.expect("a specification")).collect()
}

#[test]
fn an_early_round_settles_what_it_settles_as_the_whole_search_does() {
    let corpus = Corpus::from_specs("mixed.jsonl", &mixed_specs());
    let (options, go) = (options(1), AtomicBool::new(false));
    let (whole, _) = run_all(&corpus, &options, None);
    let mut unsettled = Vec::new();
    for round in Round::all() {
        unsettled.clear();
        for id in all(&corpus) {
            // Nothing that another search found helps.
            let context = Context::new(&corpus, &options, &go);
            let alone = context.outcome_in(round, &mut context.lend(), id);
            match alone {
                Some(outcome) => assert_eq!(outcome, whole[id.index()], "{round:?}"),
                None => unsettled.push(corpus.record(id).word().unwrap()),
            }
        }
        if round.number() == 1 {
            let n_settled = corpus.len() - unsettled.len();
            assert!(n_settled >= 15, "{unsettled:?}");
            for word in ["noise", "random", "waiter"] {
                assert!(unsettled.contains(&word), "{word} is settled in the first round");
            }
        }
    }
    assert!(unsettled.is_empty(), "the last round settles everything");
}

/// Sets a flag once a round begins; knows what was told.
#[derive(Default)]
struct StopAt {
    round: usize,
    stop: AtomicBool,
    n_settled: AtomicUsize,
    n_verified: AtomicUsize,
}

impl Progress for StopAt {
    fn begin(&self, _: usize) {}
    fn round(&self, round: Round, _: usize) {
        self.stop.store(round.number() >= self.round, Ordering::Relaxed);
    }
    fn advance(&self, _: usize) {}
    fn settled(&self, n_specs: usize, n_verified: usize) {
        self.n_settled.fetch_add(n_specs, Ordering::Relaxed);
        self.n_verified.fetch_add(n_verified, Ordering::Relaxed);
    }
}

#[test]
fn a_signal_in_a_later_round_keeps_what_earlier_ones_found() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = Corpus::from_specs("mixed.jsonl", &mixed_specs());
    let options = options(2);
    let (whole, _) = run_all(&corpus, &options, None);
    let mut store = Store::open(folder.path()).unwrap();
    let progress = StopAt { round: 2, ..StopAt::default() };
    let mut sink = Collect::default();
    let first = run(&corpus, &all(&corpus), &options, Some(&mut store), &mut sink, &progress, &progress.stop)
        .unwrap();
    assert!(first.interrupted && first.n_settled < corpus.len());
    // The sink hears outcomes in order, and the first hard one holds back what comes after it.
    assert!(sink.0.len() < first.n_settled, "{} of {}", sink.0.len(), first.n_settled);
    assert_eq!(sink.0, whole[..sink.0.len()]);
    let told = (progress.n_settled.into_inner(), progress.n_verified.into_inner());
    assert_eq!((first.n_settled, first.n_verified), told);
    let n_verified = whole.iter().filter(|outcome| outcome.status == Status::Verified).count();
    assert!(first.n_verified * 10 >= n_verified * 7, "{} of {n_verified}", first.n_verified);
    let mut store = Store::open(folder.path()).unwrap();
    let (outcomes, second) = run_all(&corpus, &options, Some(&mut store));
    // Two have no fingerprint: their uses cannot be followed.
    assert_eq!((second.n_cached, second.n_settled), (first.n_settled - 2, corpus.len()));
    assert_eq!(outcomes, whole);
}

#[test]
fn those_with_the_same_inputs_share_a_bank_and_their_outcomes_do_not_tell() {
    let mut random = wordmill::model::random::Random::new(&[6]);
    let mut noise = |n: u64| -> Vec<i64> { (0..n).map(|_| random.below(1000) as i64).collect() };
    let mut lines: Vec<String> =
        (0..5).map(|at| sequence_spec(&format!("noise-{at}"), 0, &noise(14))).collect();
    lines.push(sequence_spec("longer", 0, &noise(15)));
    lines.push(sequence_spec("later", 1, &noise(14)));
    let entries = parse_entries(lines.join("\n").as_bytes(), "noise.jsonl", true);
    let specs: Vec<Spec> = entries.into_iter().map(|entry| entry.spec.expect("a specification")).collect();
    let corpus = Corpus::from_specs("noise.jsonl", &specs);
    let mut options = options(2);
    options.synth.candidates_max = 400_000;
    let (shared, summary) = run_all(&corpus, &options, None);
    assert_eq!(summary.sharing, Sharing { banks: 1, specs: 5, most: 5 });
    assert!(shared.iter().all(|outcome| outcome.status == Status::Unsolved));
    assert_eq!((company(&corpus, SpecId(2), &options), company(&corpus, SpecId(5), &options)), (5, 1));
    options.jobs = 1;
    assert_eq!(run_all(&corpus, &options, None).0, shared);
    // Where the limit leaves no room for shared banks, each has its own.
    options.memory_max = 1;
    let (private, summary) = run_all(&corpus, &options, None);
    assert_eq!(summary.sharing, Sharing::default());
    assert_eq!(private, shared);
    for (index, spec) in specs.iter().enumerate() {
        let alone = Corpus::from_specs("alone.jsonl", std::slice::from_ref(spec));
        let (mut outcome, summary) = run_all(&alone, &options, None);
        outcome[0].spec = SpecId(index as u32);
        assert_eq!((&outcome[0], summary.sharing), (&shared[index], Sharing::default()));
    }
}

#[test]
fn very_many_tests_are_split_and_counted_alike() {
    let line = |n: usize, wrong: Option<usize>| {
        let cases: Vec<String> = (0..n)
            .map(|k| format!(r#"{{"input":[{k}],"output":[{}]}}"#, if wrong == Some(k) { 1 } else { 3 * k }))
            .collect();
        format!(
            r#"{{"word":"triple","stack_effect":{{"inputs":[{{"name":"n","type":"int"}}],"outputs":[{{"name":"m","type":"int"}}]}},"test_cases":[{}],"implementation":{{"code":"3 *"}}}}"#,
            cases.join(",")
        )
    };
    let spec =
        |wrong| parse_entries(line(10_000, wrong).as_bytes(), "big.jsonl", true).remove(0).spec.unwrap();
    let corpus = Corpus::from_specs("big.jsonl", &[spec(None), spec(Some(7777))]);
    let mut options = options(2);
    options.synth.candidates_max = 100;
    let (outcomes, _) = run_all(&corpus, &options, None);
    assert_eq!((outcomes[0].status, outcomes[0].tests_passed), (Status::Verified, 10_000));
    assert_eq!((outcomes[1].given, outcomes[1].tests_passed), (Some(Status::Refuted), 9_999));
    let why = outcomes[1].detail.as_ref().unwrap().given_failing_test.clone();
    assert_eq!(why.as_deref(), Some("7777 -> 23331, expected 1"));
}
