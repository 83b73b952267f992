//! Grading of candidates that nobody vouches for: every test counts, and those that only burn fuel are cut short.

use crate::forth::{Engine, TrapKind, Xt};
use crate::validate::cases;
use crate::validate::checks::Checks;
use crate::validate::judge::{self, Failure, Verdict, asks_for_depth, touched_below};
use crate::validate::program::Program;

/// Tests that may run out of fuel; after so many the rest counts as failed without being run.
const OUT_OF_FUEL_MAX: u32 = 2;

/// What became of a candidate.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Grade {
    /// The counts. Tests that were not run are not passed.
    pub verdict: Verdict,
    /// The first failure in words.
    pub failing_test: Option<String>,
}

/// Runs a loaded candidate on all tests, and on samples and properties where it passed these. It comes to the verdict of
/// [`judge`](fn@super::judge), but for one that runs out of fuel in two tests: the others are not run and not passed, so
/// that it costs at most twice the fuel of a test.
pub fn grade(engine: &mut Engine, program: &Program<'_>, xt: Xt, checks: &Checks<'_>) -> Grade {
    let mut grade = Grade::default();
    let mut verdict = Verdict { tests_total: checks.n_tests(), ..Verdict::default() };
    let mut n_out_of_fuel = 0;
    'sets: for (set, tests) in (0u8..).zip(checks.sets) {
        for case in 0..tests.len() {
            let view = tests.case(case);
            let result = cases::execute(engine, xt, &view);
            verdict.steps += engine.fuel_used();
            if cases::meets(engine, result, &[], &view) {
                verdict.tests_passed += 1;
                continue;
            }
            if verdict.failure.is_none() {
                verdict.failure = Some(Failure::Test(set, case as u32));
                grade.failing_test = Some(cases::describe_result(engine, result, &view));
            }
            n_out_of_fuel += u32::from(result.is_err_and(|trap| trap.kind == TrapKind::Fuel));
            if n_out_of_fuel >= OUT_OF_FUEL_MAX {
                break 'sets;
            }
        }
    }
    if verdict.failure.is_none() && asks_for_depth(program) {
        verdict.failure = touched_below(engine, xt, checks);
    }
    if verdict.failure.is_none() && !checks.oracles.is_empty() {
        let oracles = checks.oracles.judge(engine, xt);
        verdict.properties_checked = oracles.n_checked;
        verdict.properties_unchecked = oracles.n_unchecked;
        verdict.failure = oracles.failure;
    } else {
        verdict.properties_unchecked = checks.n_unchecked();
    }
    if let (Some(failure), None) = (&verdict.failure, &grade.failing_test) {
        grade.failing_test = Some(judge::describe(engine, xt, checks, failure));
    }
    grade.verdict = verdict;
    grade
}
