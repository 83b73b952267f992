//! The verdict on one definition.

use crate::arena::{Pool, Reuse};
use crate::corpus::Tests;
use crate::forth::{Engine, Image, Limits, TrapKind, Xt};
use crate::model::{Cell, ValueCheck};
use crate::profile::{self, Stage};
use crate::validate::cases;
use crate::validate::checks::Checks;
use crate::validate::program::{self, Program, Text};
use rayon::prelude::*;

/// From this many plain cases on, a set is split over the pool.
const SPLIT_FROM: usize = 4096;

/// Cases that one job takes of a set that is split.
const SPLIT_CASES: usize = 1024;

/// What a program failed on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// A test: its set and its number there.
    Test(u8, u32),
    /// A test on which what lies below the inputs is touched, or decides.
    Below(u8, u32),
    /// A sample of the `value` oracles.
    Sample(u32),
    /// A property, with the smallest inputs found on which it fails.
    Property(u32, Vec<Cell>),
}

/// The first failure in the search's order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FirstFailure {
    /// How many cases were passed before.
    pub n_passed: u32,
    /// Whether it was the fuel that ran out.
    pub ran_out_of_fuel: bool,
}

/// What the engine said of a definition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// Tests passed.
    pub tests_passed: u32,
    /// Tests there are.
    pub tests_total: u32,
    /// Properties and oracles checked on at least one sample.
    pub properties_checked: u32,
    /// Properties and oracles that could not be checked.
    pub properties_unchecked: u32,
    /// Fuel burned on the tests.
    pub steps: u64,
    /// On how many inputs it equals its `value`, and whether these are all.
    pub value: Option<ValueCheck>,
    /// The first failure, tests before samples before properties.
    pub failure: Option<Failure>,
}

impl Verdict {
    /// Whether everything held, and there was something to hold.
    pub fn passed(&self) -> bool {
        self.failure.is_none() && (self.tests_total > 0 || self.properties_checked > 0)
    }
}

/// Engines for the tests of very large specifications, which are split over the pool.
pub struct Splitter {
    engines: Pool<SplitEngine>,
}

struct SplitEngine(Engine);

impl Reuse for SplitEngine {
    fn recycle(&mut self) {
        self.0.reset();
    }
}

impl Splitter {
    /// Engines with these bounds.
    pub fn new(limits: Limits) -> Self {
        Self { engines: Pool::new(move || SplitEngine(Engine::new(Image::shared(), limits))) }
    }
}

/// Holds a loaded definition against everything, and counts.
pub fn judge(
    engine: &mut Engine,
    program: &Program<'_>,
    xt: Xt,
    checks: &Checks<'_>,
    split: Option<&Splitter>,
) -> Verdict {
    let mut verdict = Verdict { tests_total: checks.n_tests(), ..Verdict::default() };
    for (set, tests) in (0u8..).zip(checks.sets) {
        let tally = match split {
            Some(split) if tests.is_plain() && tests.len() >= SPLIT_FROM => {
                split_cases(split, program, checks, tests)
            }
            _ => run_cases(engine, xt, checks, tests, 0..tests.len()),
        };
        verdict.tests_passed += tally.passed;
        verdict.steps += tally.steps;
        if verdict.failure.is_none() {
            verdict.failure = tally.first_failed.map(|case| Failure::Test(set, case));
        }
    }
    if verdict.failure.is_none() && asks_for_depth(program) {
        verdict.failure = touched_below(engine, xt, checks);
    }
    if checks.oracles.is_empty() {
        return verdict;
    }
    let _stage = profile::stage(Stage::Property);
    let oracles = checks.oracles.judge(engine, xt);
    verdict.properties_checked = oracles.n_checked;
    verdict.properties_unchecked = oracles.n_unchecked;
    verdict.value = oracles.value;
    if verdict.failure.is_none() {
        verdict.failure = oracles.failure;
    }
    verdict
}

/// Whether the code asks how deep the stack is: the one way to go below its inputs without a trap in a test.
pub(super) fn asks_for_depth(program: &Program<'_>) -> bool {
    let texts = [program.prelude, program.source_text()];
    texts.iter().any(|text| text.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("depth")))
}

/// Runs the first tests again on top of other cells: these must stay, and change nothing.
pub(super) fn touched_below(engine: &mut Engine, xt: Xt, checks: &Checks<'_>) -> Option<Failure> {
    const CASES: usize = 16;
    const BELOW: [Cell; 2] = [0x5EED_0001, -0x5EED_0002];
    for (set, tests) in (0u8..).zip(checks.sets) {
        for case in 0..tests.len().min(CASES) {
            if !cases::passes_above(engine, xt, &BELOW, &tests.case(case)) {
                return Some(Failure::Below(set, case as u32));
            }
        }
    }
    None
}

#[derive(Clone, Copy, Default)]
struct Tally {
    passed: u32,
    steps: u64,
    first_failed: Option<u32>,
}

impl Tally {
    /// The tallies of two ranges of cases, the first before the second.
    fn then(self, other: Tally) -> Tally {
        Tally {
            passed: self.passed + other.passed,
            steps: self.steps + other.steps,
            first_failed: self.first_failed.or(other.first_failed),
        }
    }
}

fn run_cases(
    engine: &mut Engine,
    xt: Xt,
    checks: &Checks<'_>,
    tests: &Tests<'_>,
    cases: std::ops::Range<usize>,
) -> Tally {
    let mut tally = Tally::default();
    let (n_in, n_out, plain) = (checks.n_in(), checks.n_out(), tests.is_plain());
    for case in cases {
        let passed = if plain {
            cases::passes_plain(engine, xt, tests, n_in, n_out, case)
        } else {
            cases::passes(engine, xt, &tests.case(case))
        };
        tally.steps += engine.fuel_used();
        tally.passed += u32::from(passed);
        if !passed && tally.first_failed.is_none() {
            tally.first_failed = Some(case as u32);
        }
    }
    tally
}

/// The same as [`run_cases`] over all cases, on all threads: ranges are joined in order, so nothing depends on arrival.
fn split_cases(split: &Splitter, program: &Program<'_>, checks: &Checks<'_>, tests: &Tests<'_>) -> Tally {
    let ranges: Vec<_> = (0..tests.len().div_ceil(SPLIT_CASES))
        .map(|index| index * SPLIT_CASES..((index + 1) * SPLIT_CASES).min(tests.len()))
        .collect();
    let tallies: Vec<Tally> = ranges
        .into_par_iter()
        .map(|range| {
            let mut engine = split.engines.lend();
            match program::load(&mut engine.0, program) {
                Ok(xt) => run_cases(&mut engine.0, xt, checks, tests, range),
                // It loaded before; an engine of the same bounds loads it again.
                Err(_) => Tally { first_failed: Some(range.start as u32), ..Tally::default() },
            }
        })
        .collect();
    tallies.into_iter().fold(Tally::default(), Tally::then)
}

/// The first failure of a loaded definition, cheap cases first, stopping there; `None` where everything holds.
pub fn first_failure(engine: &mut Engine, xt: Xt, checks: &Checks<'_>) -> Option<FirstFailure> {
    let failed =
        checks.order.iter().zip(0..).find_map(|(case, n_passed)| fails(engine, xt, checks, *case, n_passed));
    failed.or_else(|| checks.oracles.refutes(engine, xt).then(|| refuted(checks)))
}

/// The first failure that a glance sees: the cheapest case gets no more fuel than `first_fuel`, and of the samples of values
/// only some are run, spread over all. `None` where a definition is worth [`judge`]ing.
pub fn glance(engine: &mut Engine, xt: Xt, checks: &Checks<'_>, first_fuel: u64) -> Option<FirstFailure> {
    let fuel = engine.limits().fuel;
    let mut order = checks.order.iter();
    if let Some(first) = order.next() {
        engine.set_fuel(fuel.min(first_fuel));
        let failed = fails(engine, xt, checks, *first, 0);
        engine.set_fuel(fuel);
        if failed.is_some() {
            return failed;
        }
    }
    let failed = order.zip(1..).find_map(|(case, n_passed)| fails(engine, xt, checks, *case, n_passed));
    failed.or_else(|| checks.oracles.glance_refutes(engine, xt).then(|| refuted(checks)))
}

fn refuted(checks: &Checks<'_>) -> FirstFailure {
    FirstFailure { n_passed: checks.n_tests(), ran_out_of_fuel: false }
}

/// How a definition fails on a case, if it does.
#[inline]
fn fails(
    engine: &mut Engine,
    xt: Xt,
    checks: &Checks<'_>,
    (set, case): (u8, u32),
    n_passed: u32,
) -> Option<FirstFailure> {
    let tests = &checks.sets[set as usize];
    let mut buffer = [0; cases::CASE_CELLS_MAX];
    let passed = if tests.is_plain() {
        let inputs = cases::gather(tests, checks.n_in(), case as usize, &mut buffer);
        match engine.execute(xt, inputs) {
            Err(trap) => {
                return Some(FirstFailure { n_passed, ran_out_of_fuel: trap.kind == TrapKind::Fuel });
            }
            Ok(()) => cases::stack_is(engine, tests, checks.n_out(), case as usize),
        }
    } else {
        cases::passes(engine, xt, &tests.case(case as usize))
    };
    (!passed).then_some(FirstFailure { n_passed, ran_out_of_fuel: false })
}

/// A failure in words. Runs the failing case again.
pub fn describe(engine: &mut Engine, xt: Xt, checks: &Checks<'_>, failure: &Failure) -> String {
    match failure {
        Failure::Test(set, case) => {
            let case = checks.sets[*set as usize].case(*case as usize);
            cases::describe_failure(engine, xt, &case)
        }
        Failure::Below(set, case) => {
            let case = checks.sets[*set as usize].case(*case as usize);
            format!(
                "{}: with other cells below its inputs it does something else",
                cases::describe_inputs(&case)
            )
        }
        other => checks.oracles.describe(engine, xt, other),
    }
}

/// How many held-out cases a definition passes, and how many there are. The code is that of an outcome: whole text.
pub fn score(
    engine: &mut Engine,
    prelude: &str,
    word: &str,
    code: &str,
    heldout: Option<Tests<'_>>,
) -> (u32, u32) {
    let Some(heldout) = heldout else { return (0, 0) };
    let total = heldout.len() as u32;
    if total == 0 {
        return (0, 0);
    }
    let _stage = profile::stage(Stage::Heldout);
    let program = Program { prelude, word, text: Text::Source(code) };
    let Ok(xt) = program::load(engine, &program) else { return (0, total) };
    let passed = (0..heldout.len()).filter(|case| cases::passes(engine, xt, &heldout.case(*case))).count();
    (passed as u32, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Bump;
    use crate::corpus::Corpus;
    use crate::model::SpecId;
    use crate::spec::parse_spec_line;
    use crate::validate::Settings;

    /// Hands the checks of `( n -- m )` with these tests and this constraint and value to `look`.
    fn with_checks(tests: &str, param: &str, value: &str, look: impl FnOnce(&Bump, &Checks<'_>)) {
        let line = format!(
            r#"{{"word":"f","stack_effect":{{"inputs":[{{"name":"n","type":"int"{param}}}],"outputs":[{{"name":"m","type":"int"{value}}}]}},"test_cases":[{tests}]}}"#
        );
        let spec = parse_spec_line(line.as_bytes(), "x", 1).spec.expect("a specification");
        let corpus = Corpus::from_specs("x", &[spec]);
        let arena = Bump::new();
        let checks = Checks::prepare(&arena, corpus.record(SpecId(0)), None, &[], &Settings::default());
        look(&arena, &checks);
    }

    #[test]
    fn a_glance_gives_the_cheapest_test_little_fuel() {
        let tests = r#"{"input":[-900],"output":[900]},{"input":[2],"output":[2]}"#;
        with_checks(tests, "", "", |arena, checks| {
            assert_eq!(checks.least_inputs(), Some(2));
            assert_eq!(checks.cheapest(arena, 5), [(&[2][..], &[2][..]), (&[-900], &[900])]);
            assert_eq!(checks.cheapest(arena, 1).len(), 1);
            let mut engine = Engine::new(Image::shared(), Limits { fuel: 10_000, ..Limits::default() });
            let mut glanced = |body: &str, first_fuel: u64| {
                let xt = program::load(&mut engine, &Program::body("f", body)).expect("it compiles");
                let failure = glance(&mut engine, xt, checks, first_fuel);
                assert_eq!(engine.limits().fuel, 10_000, "the fuel is what it was");
                (failure.map(|failure| (failure.n_passed, failure.ran_out_of_fuel)), engine.fuel_used())
            };
            let (failure, fuel) = glanced("begin again", 100);
            assert_eq!(failure, Some((0, true)));
            assert!(fuel <= 100, "{fuel}");
            // On the others it has all there is.
            let (failure, fuel) = glanced("dup 0< if begin again then", 100);
            assert_eq!(failure, Some((1, true)));
            assert!(fuel > 1_000, "{fuel}");
            assert_eq!(glanced("abs 1+", 100).0, Some((0, false)));
            assert_eq!(glanced("abs", 100).0, None);
        });
    }

    #[test]
    fn a_glance_looks_at_samples_from_end_to_end() {
        let (constraint, value) = (r#","constraint":"0 <= n <= 9999""#, r#","value":"min(n, 9000)""#);
        with_checks("", constraint, value, |_, checks| {
            let mut engine = Engine::new(Image::shared(), Limits::default());
            let mut wrong = |body: &str| {
                let xt = program::load(&mut engine, &Program::body("f", body)).expect("it compiles");
                let glanced = glance(&mut engine, xt, checks, u64::MAX).is_some();
                (glanced, first_failure(&mut engine, xt, checks).is_some())
            };
            assert_eq!(wrong("9000 min"), (false, false));
            assert_eq!(wrong(""), (true, true));
            // What is wrong on one input of thousands is for the judge.
            assert_eq!(wrong("9000 min dup 4321 = if 1+ then"), (false, true));
        });
    }
}
