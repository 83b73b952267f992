//! New specifications without end: programs drawn from a grammar, from the shipped templates and from a bank of expressions,
//! run on the engine for their tests, described in words.
//!
//! An item is a pure function of the seed, its index and the settings. Two items are the same where they do the same on a
//! wide fixed set of probes; the lowest index wins, so that every shard comes to the same numbering by itself. This room
//! runs code; it never prints, and nothing depends on threads or time.

mod ast;

mod draw;
mod emit;
mod words;

mod probe;

mod lift;
mod sources;

mod item;
mod render;

mod plan;

pub use plan::{Error, Options, Plan, Progress, Report, generate};
