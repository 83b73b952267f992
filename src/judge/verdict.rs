//! The line that comes out for a candidate.

use crate::model::Diagnostic;
use crate::validate::Verdict;
use serde::Serialize;

/// How a verdict becomes a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Reward {
    /// 1 where everything holds, else 0.
    All,
    /// The share of tests that pass; properties and values together count as one more test.
    #[default]
    Tests,
}

/// What became of a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Every test passed and every property held.
    Passed,
    /// It ran, and something failed.
    Failed,
    /// Nothing was run: the line, the specification or the code is not what it must be.
    Invalid,
    /// wordmill itself failed.
    Crashed,
}

/// The line. The field order is the output's.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a serde_json::value::RawValue>,
    pub word: Option<&'a str>,
    pub status: State,
    pub passed: bool,
    pub reward: f64,
    pub tests_passed: u32,
    pub tests_total: u32,
    pub properties_checked: u32,
    pub properties_unchecked: u32,
    pub failing_test: Option<String>,
    pub diagnostic: Option<Diagnostic>,
    pub effect: Option<String>,
    pub steps: u64,
}

impl Reward {
    /// The reward of a verdict. A test counts only where the whole stack, the printed text and the exception are what it
    /// expects: there is nothing for outputs that are right beside others that are missing.
    pub(super) fn of(self, verdict: &Verdict, has_properties: bool) -> f64 {
        if verdict.passed() {
            return 1.0;
        }
        match self {
            Reward::All => 0.0,
            Reward::Tests => {
                let total = verdict.tests_total + u32::from(has_properties);
                if total == 0 { 0.0 } else { f64::from(verdict.tests_passed) / f64::from(total) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::Failure;

    #[test]
    fn rewards_follow_the_rule() {
        fn check(rule: Reward, passed: u32, total: u32, properties: bool, fails: bool, expect: f64) {
            let failure = fails.then_some(Failure::Sample(0));
            let verdict = Verdict { tests_passed: passed, tests_total: total, failure, ..Verdict::default() };
            assert_eq!(rule.of(&verdict, properties), expect, "{rule:?} {passed}/{total}");
        }
        check(Reward::All, 3, 3, false, false, 1.0);
        check(Reward::All, 2, 3, false, true, 0.0);
        check(Reward::Tests, 3, 3, true, false, 1.0);
        check(Reward::Tests, 1, 4, false, true, 0.25);
        check(Reward::Tests, 3, 3, true, true, 0.75);
        check(Reward::Tests, 0, 0, true, true, 0.0);
        check(Reward::Tests, 0, 0, false, false, 0.0);
    }
}
