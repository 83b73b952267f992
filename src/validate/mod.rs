//! Whether a definition does what a specification says: tests, properties and oracles, held-out cases, and that nothing is
//! left on the stack or taken from below.
//!
//! A verdict is earned: what the engine did not execute is never counted as passed. What cannot be checked is counted as
//! unchecked. This room runs code; it never decides which code to try.

mod cases;
mod checks;
mod judge;
mod oracle;
mod program;

mod grade;

pub use checks::{Checks, Columns, Lanes, NOTHING_TO_CHECK, Settings, UNCHECKED};
pub use grade::{Grade, grade};
pub use judge::{Failure, FirstFailure, Splitter, Verdict, describe, first_failure, glance, judge, score};
pub use program::{LoadError, Program, Text, is_source, load};

/// Counts up whenever a verdict on the same definition can come out otherwise: it is part of every fingerprint.
pub const VALIDATE_VERSION: u32 = 3;
