//! Verdicts on candidates that come from elsewhere, one JSON line in, one JSON line out, in the same order.
//!
//! Candidates are hostile by assumption: every one costs bounded work and one verdict. Relies on `validate` for the
//! verdict and on `pipeline` for the code of words that a specification uses. It never looks for code itself, and no
//! verdict depends on another candidate.

pub mod codes;
mod lines;
mod room;
mod verdict;

pub use lines::{Line, Lines};
pub use room::{Bench, Judge, Options, Question};
pub use verdict::{Reward, State};
