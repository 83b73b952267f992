//! From a specification to a program that passes everything it says: the supplied code, the named pattern, templates whose
//! effect fits, short enumerated bodies. Every candidate runs on the engine; the smallest that passes wins.
//!
//! This room decides which programs to try and in which order; whether one is right is `validate`'s to say. It never reads
//! held-out cases, and takes no number from the outputs of a test but where a
//! sequence's rule is fitted, and paid for, in [`sequence`].

pub mod bank;
mod barren;
pub mod conquer;
mod constants;
pub mod emit;
pub mod enumerate;
pub mod expr;
pub mod frozen;
mod round;
mod search;
pub mod sequence;
mod solve;
pub mod tree;
mod tried;

pub use barren::Barren;
pub use round::Round;
pub use search::{Steps, note_banks};
pub use solve::{Found, Problem, Settings, Tools, Winner, solve};
pub use tried::{BankSize, Tried};

/// Counts up whenever the search can find something else for the same specification: it is part of every fingerprint.
pub const SEARCH_VERSION: u32 = 9;
