//! Stack effects: inferred by running code over unknown inputs, written in notation, checked against claims.
//!
//! Relies on `forth::words` for the table of words and on `model`. It executes nothing, reads no files, and allocates
//! nothing on the way of straight code. Whatever it cannot follow is an error with a place, never a guess.

mod node;

mod env;
mod error;

mod machine;
mod token;

mod control;
mod returns;

mod define;
mod locals;
mod name;
mod quote;
mod source;

mod infer;

mod equal;
mod eval;
mod notation;
mod render;
mod verify;

mod mend;
mod warn;

pub mod told;

pub mod codes;

#[cfg(test)]
mod tests;

pub use env::{NoWords, WordEffect, WordEnv, Words};
pub use error::{Edit, EffectError, ErrorKind, place};
pub use eval::Evaluated;
pub use infer::{Effect, compose, infer, infer_words};
pub use machine::Scratch;
pub use mend::{diagnose, mend};
pub use notation::{Notation, NotationError, parse_notation};
pub use verify::{Difference, Verdict, Verification, verify};
pub use warn::Warning;
