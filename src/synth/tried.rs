//! What a search tried, for those who ask.

use crate::model::Strategy;
use serde::Serialize;

/// One strategy that was tried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Tried {
    /// In words: `bodies of up to 3 words`.
    pub what: String,
    /// Candidates that it took.
    pub candidates: u64,
    /// The bank that it ended with, where it had one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank: Option<BankSize>,
    /// What it found that passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Strategy>,
}

/// A bank at the end of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct BankSize {
    /// Distinct expressions.
    pub expressions: usize,
    /// The greatest size of an expression.
    pub size: usize,
    /// Bytes that they take.
    pub bytes: usize,
    /// Tests that it looked at, at once.
    pub lanes: usize,
    /// How often it was begun with other tests.
    pub rounds: usize,
    /// Expressions that are right on some tests.
    pub terms: usize,
    /// Conditions that tell tests apart.
    pub predicates: usize,
}
