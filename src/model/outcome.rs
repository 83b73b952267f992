//! What became of one specification: owned, small, and free of times and paths, so that it is a pure function of the
//! fingerprint. [`OutcomeLine`] is its line in `outcomes.jsonl`.

use crate::model::{Diagnostic, SpecId};
use serde::{Deserialize, Serialize};

/// The verdict on the final code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Status {
    /// The engine ran the code on every test and property, and all held.
    Verified = 0,
    /// The supplied code or named pattern failed, and nothing else was found.
    Refuted = 1,
    /// Nothing was supplied, and the search found nothing.
    Unsolved = 2,
    /// The specification cannot be run; the diagnostics say why.
    Invalid = 3,
    /// wordmill itself failed on it: a bug of ours.
    Crashed = 4,
}

impl Status {
    /// All verdicts, in the order of reports.
    pub const ALL: [Status; 5] =
        [Status::Verified, Status::Refuted, Status::Unsolved, Status::Invalid, Status::Crashed];

    /// The name in files.
    pub fn name(self) -> &'static str {
        ["verified", "refuted", "unsolved", "invalid", "crashed"][self as usize]
    }
}

/// Where the final code comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Strategy {
    /// The specification supplied it.
    Given = 0,
    /// The template that the specification names.
    Pattern = 1,
    /// A template whose effect fits.
    Template = 2,
    /// Enumeration of short bodies.
    Enumeration = 3,
    /// An expression of the bank.
    Expression = 4,
    /// A decision tree over expressions of the bank.
    Tree = 5,
    /// A closed form of a sequence, fitted to its terms.
    #[serde(rename = "closed-form")]
    ClosedForm = 6,
    /// A loop or recursion whose holes were filled.
    Loop = 7,
    /// Words of a frozen library, composed.
    Composition = 8,
}

impl Strategy {
    /// All strategies, cheapest first.
    pub const ALL: [Strategy; 9] = [
        Strategy::Given,
        Strategy::Pattern,
        Strategy::Template,
        Strategy::Enumeration,
        Strategy::Expression,
        Strategy::Tree,
        Strategy::ClosedForm,
        Strategy::Loop,
        Strategy::Composition,
    ];

    /// The name in files.
    pub fn name(self) -> &'static str {
        [
            "given",
            "pattern",
            "template",
            "enumeration",
            "expression",
            "tree",
            "closed-form",
            "loop",
            "composition",
        ][self as usize]
    }
}

/// Why the search ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Stop {
    /// A verified program was found.
    Solved = 0,
    /// Every program within the size bound was tried.
    Exhausted = 1,
    /// The budget of candidates was spent.
    Budget = 2,
    /// There was nothing to search for: the specification is invalid or says nothing that can be checked.
    Skipped = 3,
    /// A signal ended the run; the outcome is never cached.
    Interrupted = 4,
}

impl Stop {
    /// The name in files.
    pub fn name(self) -> &'static str {
        ["solved", "exhausted", "budget", "skipped", "interrupted"][self as usize]
    }
}

/// How far it is known that a program equals the `value` of its outputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ValueCheck {
    /// Inputs on which both were compared.
    pub inputs: u32,
    /// Whether these are all inputs that the constraints admit.
    pub exhaustive: bool,
}

impl std::fmt::Display for ValueCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = if self.inputs == 1 { "" } else { "s" };
        match self.exhaustive {
            true => write!(f, "exhaustive: all {} input{plural} that the constraints admit", self.inputs),
            false => write!(f, "tested on {} input{plural}", self.inputs),
        }
    }
}

/// What became of the supplied code or named pattern, as it stands in `outcomes.jsonl`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Given {
    /// `verified`, `refuted` (it failed) or `invalid` (it does not compile, or the pattern does not exist).
    pub status: Status,
    /// The first failing test, property or compile error, in words: `3 -> 7, expected 9`.
    pub failing_test: Option<String>,
}

/// A program that passed everything.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Solution {
    /// The full colon definition.
    pub code: String,
    /// Where it comes from.
    pub strategy: Strategy,
    /// The id of the template, where it comes from one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub template: Option<String>,
}

/// An executed program that failed, with the test that it failed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NearMiss {
    /// The full colon definition.
    pub code: String,
    /// How many tests it passed.
    pub tests_passed: u32,
    /// The first failing test in words.
    pub failing_test: String,
}

/// The rarely filled part of an outcome; boxed, so that the common outcome stays small.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Detail {
    /// Why the supplied code or named pattern failed, in words: `3 -> 7, expected 9`.
    pub given_failing_test: Option<String>,
    /// Findings of the run, without file and line: those of the record itself stand in the corpus.
    pub diagnostics: Vec<Diagnostic>,
    /// The first failing test of the best candidate, where the status is not verified.
    pub failing_test: Option<String>,
    /// Further distinct verified programs.
    pub solutions: Vec<Solution>,
    /// Executed near misses, at most 8.
    pub near_misses: Vec<NearMiss>,
}

/// What became of one specification.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Whose outcome this is.
    pub spec: SpecId,
    /// The verdict on the final code.
    pub status: Status,
    /// Where the final code comes from; `None` when there is none.
    pub strategy: Option<Strategy>,
    /// The id of the template behind the code.
    pub template: Option<std::sync::Arc<str>>,
    /// What became of the supplied code or named pattern, where there was one.
    pub given: Option<Status>,
    /// Why the search ended.
    pub stop: Stop,
    /// The full colon definition.
    pub code: Option<Box<str>>,
    /// How many tests the final code passed.
    pub tests_passed: u32,
    /// How many tests there are.
    pub tests_total: u32,
    /// Properties and `value` oracles that were checked on at least one sample.
    pub properties_checked: u32,
    /// Properties and oracles that could not be checked.
    pub properties_unchecked: u32,
    /// Held-out tests passed by the final code.
    pub heldout_passed: u32,
    /// Held-out tests there are.
    pub heldout_total: u32,
    /// Rank of the winner in the canonical enumeration, or how many candidates were tried in vain.
    pub candidates: u64,
    /// Engine fuel that the final code burned on the tests.
    pub steps: u64,
    /// How far the final code is known to equal the `value` of its outputs.
    pub value: Option<ValueCheck>,
    /// The rarely filled part.
    pub detail: Option<Box<Detail>>,
}

impl Outcome {
    /// An outcome with nothing in it but a status and a reason.
    pub fn empty(spec: SpecId, status: Status, stop: Stop) -> Self {
        Self {
            spec,
            status,
            strategy: None,
            template: None,
            given: None,
            stop,
            code: None,
            tests_passed: 0,
            tests_total: 0,
            properties_checked: 0,
            properties_unchecked: 0,
            heldout_passed: 0,
            heldout_total: 0,
            candidates: 0,
            steps: 0,
            value: None,
            detail: None,
        }
    }
}

/// One line of `outcomes.jsonl`: an outcome with the names and places of its record. The field order is the file's.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OutcomeLine<'a> {
    /// The word, or null where the record could not be parsed.
    pub word: Option<std::borrow::Cow<'a, str>>,
    /// The verdict.
    pub status: Status,
    /// The full colon definition, or null.
    pub code: Option<std::borrow::Cow<'a, str>>,
    /// Where the code comes from.
    pub strategy: Option<Strategy>,
    /// The template behind the code.
    pub template: Option<std::borrow::Cow<'a, str>>,
    /// Tests passed by the code.
    pub tests_passed: u32,
    /// Tests there are.
    pub tests_total: u32,
    /// Properties checked.
    pub properties_checked: u32,
    /// Properties that could not be checked.
    pub properties_unchecked: u32,
    /// Held-out tests passed.
    pub heldout_passed: u32,
    /// Held-out tests there are.
    pub heldout_total: u32,
    /// Why the search ended.
    pub stop: Stop,
    /// Rank of the winner, or candidates tried.
    pub candidates: u64,
    /// Engine fuel burned on the tests.
    pub steps: u64,
    /// How far the code is known to equal the `value` of its outputs, where they have one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<ValueCheck>,
    /// The file of the record.
    pub file: std::borrow::Cow<'a, str>,
    /// Its line, from 1.
    pub line: u32,
    /// What became of the supplied code or pattern.
    pub given: Option<std::borrow::Cow<'a, Given>>,
    /// The first failing test of the best candidate.
    pub failing_test: Option<std::borrow::Cow<'a, str>>,
    /// Findings, with file and line.
    pub diagnostics: Vec<Diagnostic>,
}
