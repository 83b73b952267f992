//! A small corpus by hand with an outcome of every kind, hostile names among them.

use std::path::Path;
use std::time::Duration;
use wordmill::model::{
    CellType, Code, Detail, Diagnostic, Outcome, Param, Severity, Spec, SpecId, Status, Stop, Strategy,
    TestCase, Value,
};
use wordmill::report::{Report, ReportOptions, Row, RunFacts, Summary};

/// A record and its outcome.
#[derive(Clone)]
pub struct Sample {
    pub file: &'static str,
    pub line: u32,
    pub spec: Option<Spec>,
    pub outcome: Outcome,
    pub diagnostics: Vec<Diagnostic>,
    pub elapsed_us: u64,
}

fn param(name: &str) -> Param {
    Param { name: name.into(), ty: CellType::Int, constraint: None, value: None }
}

fn cells(values: &[i64]) -> Vec<Value> {
    values.iter().map(|&value| Value::Cell(value)).collect()
}

/// A specification `( inputs -- outputs )` with tests of plain cells.
pub fn spec(word: &str, effect: &str, tests: &[(&[i64], &[i64])]) -> Spec {
    let (inputs, outputs) = effect.split_once("--").unwrap();
    let params = |names: &str| names.split_whitespace().map(param).collect();
    let test = |&(input, output): &(&[i64], &[i64])| TestCase {
        input: cells(input).into(),
        output: cells(output).into(),
        ..TestCase::default()
    };
    Spec {
        word: word.into(),
        inputs: params(inputs),
        outputs: params(outputs),
        tests: tests.iter().map(test).collect(),
        ..Spec::default()
    }
}

/// An outcome with code that passes all tests.
pub fn verified(spec: &Spec, code: &str, strategy: Strategy) -> Outcome {
    let mut outcome = Outcome::empty(SpecId(0), Status::Verified, Stop::Solved);
    outcome.code = Some(code.into());
    outcome.strategy = Some(strategy);
    outcome.tests_passed = spec.tests.len() as u32;
    outcome.tests_total = spec.tests.len() as u32;
    outcome.candidates = 40;
    outcome.steps = 6 * spec.tests.len() as u64;
    outcome
}

/// An outcome without code.
pub fn failed(status: Status, stop: Stop, failing_test: Option<&str>) -> Outcome {
    let mut outcome = Outcome::empty(SpecId(0), status, stop);
    outcome.candidates = 12_345;
    outcome.detail =
        Some(Box::new(Detail { failing_test: failing_test.map(Into::into), ..Detail::default() }));
    outcome
}

pub const HOSTILE: &str = "</script><img src=x onerror=alert(1)>";

/// The corpus.
pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    let mut add = |file, line, spec: Option<Spec>, outcome, elapsed_us| {
        all.push(Sample { file, line, spec, outcome, diagnostics: Vec::new(), elapsed_us });
    };
    let tagged = |mut spec: Spec, tags: &[&str], description: &str| {
        spec.metadata.tags = tags.iter().map(|&tag| tag.into()).collect();
        spec.description = Some(description.into());
        spec
    };

    let square = spec("square", "n -- n²", &[(&[5], &[25]), (&[-3], &[9]), (&[0], &[0])]);
    let mut outcome = verified(&square, ": square dup * ;", Strategy::Template);
    outcome.template = Some("DUP_TRANSFORM_001".into());
    (outcome.heldout_passed, outcome.heldout_total) = (2, 2);
    add("specs/basic.jsonl", 1, Some(tagged(square, &["arithmetic"], "n times itself")), outcome, 120);

    let fourth = spec("fourth-power", "n -- n^4", &[(&[3], &[81])]);
    let mut fourth = tagged(fourth, &["arithmetic"], "square of the square");
    fourth.uses = vec!["square".into(), "twice".into()];
    let outcome = verified(&fourth, ": fourth-power square square ;", Strategy::Given);
    add("specs/basic.jsonl", 2, Some(fourth), outcome, 80);

    let ladder = spec("clamp>=", "n lo -- n", &[(&[5, 7], &[7]), (&[9, 7], &[9])]);
    let outcome = verified(&ladder, ": clamp>= 2dup >= if drop else nip then ;", Strategy::Enumeration);
    add(
        "specs/basic.jsonl",
        3,
        Some(tagged(ladder, &["arithmetic", "compare"], "n, at least lo")),
        outcome,
        9_000,
    );

    let abs = spec("abs", "n -- |n|", &[(&[-5], &[5]), (&[5], &[5])]);
    let outcome = verified(&abs, ": abs ( n -- |n| ) dup 0< if negate then ;", Strategy::Given);
    add(
        "specs/basic.jsonl",
        4,
        Some(tagged(abs, &["arithmetic", "sign"], "named like a standard word")),
        outcome,
        70,
    );

    let dist = spec("distance", "a b -- d", &[(&[3, 8], &[5]), (&[8, 3], &[5])]);
    let outcome = verified(&dist, ": distance - abs ;", Strategy::Enumeration);
    add("specs/basic.jsonl", 5, Some(tagged(dist, &["arithmetic"], "how far apart")), outcome, 300);

    let again = spec("square", "n -- n", &[(&[5], &[5])]);
    let outcome = verified(&again, ": square ;", Strategy::Enumeration);
    add(
        "specs/basic.jsonl",
        6,
        Some(tagged(again, &["arithmetic"], "a second word of this name")),
        outcome,
        40,
    );

    let cube = spec("cube", "n -- n³", &[(&[2], &[8])]);
    let mut outcome = failed(Status::Refuted, Stop::Budget, Some("2 -> 4, expected 8"));
    outcome.given = Some(Status::Refuted);
    outcome.detail.as_mut().unwrap().given_failing_test = Some("2 -> 4, expected 8".into());
    (outcome.tests_passed, outcome.tests_total) = (0, 1);
    add("specs/basic.jsonl", 7, Some(tagged(cube, &["arithmetic"], "n to the third")), outcome, 52_000);

    let prime = spec("nth-prime", "n -- p", &[(&[1], &[2]), (&[2], &[3]), (&[100], &[541])]);
    let mut outcome = failed(Status::Unsolved, Stop::Exhausted, Some("100 -> 101, expected 541"));
    (outcome.tests_passed, outcome.tests_total) = (2, 3);
    add("specs/basic.jsonl", 8, Some(tagged(prime, &["number-theory"], "the n-th prime")), outcome, 61_000);

    let busy = spec("busy-beaver", "n -- n", &[(&[4], &[107])]);
    let outcome = failed(Status::Unsolved, Stop::Exhausted, Some("4 -> 4, expected 107"));
    let tags = ["number-theory", "expect:unsolved"];
    add("specs/basic.jsonl", 9, Some(tagged(busy, &tags, "beyond the search")), outcome, 60_000);

    let mut length = spec("string-length", "c-addr u -- u", &[]);
    length.tests = vec![TestCase {
        input: vec![Value::Str("h\"i\n".into())].into(),
        output: cells(&[4]).into(),
        ..TestCase::default()
    }];
    let outcome = verified(&length, ": string-length nip ;", Strategy::Enumeration);
    add("more/memory.json", 1, Some(tagged(length, &["memory"], "counted in bytes")), outcome, 33);

    let mut sum = spec("sum-cells", "addr n -- sum", &[]);
    sum.tests = vec![TestCase {
        input: vec![Value::Cells(vec![1, 2, -4])].into(),
        output: cells(&[-1]).into(),
        ..TestCase::default()
    }];
    let outcome =
        verified(&sum, ": sum-cells 0 -rot 0 ?do dup @ rot + swap cell+ loop drop ;", Strategy::Template);
    add("more/memory.json", 9, Some(tagged(sum, &["memory", "loop"], "over an array")), outcome, 450);

    let mut divide = spec("checked/", "a b -- q", &[(&[7, 2], &[3]), (&[-7, 2], &[-4])]);
    divide.tests.push(TestCase { input: cells(&[1, 0]).into(), throws: Some(-10), ..TestCase::default() });
    let outcome = verified(&divide, ": checked/ dup 0= if -10 throw then / ;", Strategy::Pattern);
    add("more/memory.json", 17, Some(tagged(divide, &["arithmetic"], "throws on zero")), outcome, 65);

    let least = i64::MIN;
    let halves = spec(
        "divmod",
        "a b -- r q",
        &[(&[7, -2], &[-1, -4]), (&[least, -1], &[0, least]), (&[-7, -1], &[0, 7])],
    );
    let outcome = verified(&halves, ": divmod 2dup mod -rot / ;", Strategy::Enumeration);
    add("more/division.json", 1, Some(tagged(halves, &["arithmetic"], "floored, and wraps")), outcome, 64);
    let halves = spec(
        "div-mod",
        "a b -- r q",
        &[(&[7, -2], &[-1, -4]), (&[least, -1], &[0, least]), (&[-7, 2], &[1, -4])],
    );
    let outcome = verified(&halves, ": div-mod /mod ;", Strategy::Enumeration);
    add("more/division.json", 2, Some(tagged(halves, &["arithmetic"], "the same")), outcome, 63);

    let locals = spec("weigh", "a b c -- n", &[(&[10, 3, 2], &[14]), (&[1, 2, 3], &[-3])]);
    let code = ": weigh {: a b c | d -- n :} a b - c * {: n :} n d + ;";
    let outcome = verified(&locals, code, Strategy::Given);
    add("more/division.json", 3, Some(tagged(locals, &["stack"], "with locals")), outcome, 62);

    let mut outside = spec("eighth-power", "n -- n^8", &[(&[2], &[256])]);
    outside.uses = vec!["fourth-power".into(), "square".into()];
    let outcome = verified(&outside, ": eighth-power fourth-power square ;", Strategy::Enumeration);
    add(
        "more/uses.json",
        1,
        Some(tagged(outside, &["arithmetic"], "uses words of another file")),
        outcome,
        65,
    );

    let shifts = spec("shift-far", "x -- y", &[(&[3], &[0])]);
    let outcome = verified(&shifts, ": shift-far 64 lshift ;", Strategy::Enumeration);
    add("more/uses.json", 2, Some(tagged(shifts, &["bits"], "a long shift gives 0")), outcome, 65);

    let mut hostile = spec(HOSTILE, "n -- n", &[(&[1], &[1])]);
    hostile.tests[0].description = Some("]]> & <b>".into());
    let mut outcome = failed(Status::Invalid, Stop::Skipped, None);
    outcome.candidates = 0;
    add(
        HOSTILE,
        1,
        Some(tagged(hostile, &[HOSTILE, "]]>\u{1}\u{FFFF}"], "<!-- \u{202E}\0 `x` | *y* -->")),
        outcome,
        5,
    );

    let mut outcome = failed(Status::Crashed, Stop::Skipped, None);
    outcome.detail.as_mut().unwrap().diagnostics =
        vec![Diagnostic::new(Code(84), Severity::Error, "index out of bounds\n<&\"'>")];
    let newline = spec("new\nline | `tick`", "a)b -- c", &[(&[1], &[1])]);
    add(HOSTILE, 2, Some(tagged(newline, &["bits"], "a name over two lines")), outcome, 5);

    add("more/uses.json\n.json", 3, None, failed(Status::Invalid, Stop::Skipped, None), 5);
    let broken = all.last_mut().unwrap();
    broken.diagnostics = vec![
        Diagnostic::new(Code(1), Severity::Warning, "unknown field \"wrod\"")
            .suggest("did you mean \"word\"?"),
        Diagnostic::new(Code(2), Severity::Error, "expected `,` or `}`"),
    ];
    all
}

/// Options for a run into a folder.
pub fn options(out: &Path) -> ReportOptions {
    let mut settings = serde_json::Map::new();
    settings.insert("budget".into(), 100_000.into());
    settings.insert("templates".into(), "b3:0011".into());
    ReportOptions {
        out: out.into(),
        tool: "wordmill 0.0.0".into(),
        seed: 42,
        settings,
        fingerprint: "f00d".into(),
    }
}

/// Facts of a run that never was.
pub fn facts() -> RunFacts {
    RunFacts {
        finished: "2026-01-02 03:04:05 UTC".into(),
        elapsed: Duration::from_micros(184_311),
        threads: 2,
        stages: vec![("plan", Duration::from_micros(900)), ("synthesize", Duration::from_micros(320_000))],
        interrupted: false,
        sharing: Default::default(),
    }
}

/// Writes all files for these samples.
pub fn run(out: &Path, samples: &[Sample]) -> Summary {
    let mut report = Report::begin(options(out)).unwrap();
    for sample in samples {
        let row = match &sample.spec {
            Some(spec) => Row::from_spec(spec, sample.file, sample.line),
            None => Row::bare(None, sample.file, sample.line),
        };
        let row = row.found(&sample.diagnostics).timed(Duration::from_micros(sample.elapsed_us));
        report.accept(&row, &sample.outcome).unwrap();
    }
    report.finish(facts()).unwrap()
}
