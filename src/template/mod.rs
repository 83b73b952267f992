//! The template library: Forth with holes, compiled once, filled many times.
//!
//! Templates stand as TOML in `corpus/templates` and are embedded in the binary; other folders can be added. This room
//! reads, checks, hashes and fills them, runs their own tests on the engine, and screens fillings on cells that it is given
//! ([`Screen`]). It never looks at a specification and never decides which candidate is worth trying: that is `synth`'s.

mod assign;
mod bodies;
pub mod codes;
mod compiled;
mod library;
mod read;
mod resolve;
mod run;
mod screen;
mod shipped;
mod source;

pub use assign::{Assignments, HoleContext, MAX_CONSTANTS, MAX_HOLES};
pub use compiled::{Bound, Choice, Domain, Hole, Template, TemplateTest};
pub use library::{Library, LoadError, Set, TemplateRow};
pub use run::{TestFailure, TestReport};
pub use screen::{Case, Look, Screen};
