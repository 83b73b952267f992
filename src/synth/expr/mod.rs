//! Expressions over the inputs of a specification, between the searches that find them and the Forth that is written out:
//! a hash-consed graph ([`Exprs`]), its meaning on rows of inputs, and a scheduler ([`schedule`]) that turns it into a body.
//!
//! Meaning is that of `model::scalar`, the table that the engine runs by. Building simplifies, so that what is scheduled is
//! what a person would write: `x 1 +` becomes `1+`, shifts of shifts become one. Nothing here looks at tests.

mod graph;
mod locals;
mod op;
mod plan;
mod straight;
#[cfg(test)]
mod tests;

pub use graph::{ExprId, Exprs, Node, Row};
pub use op::Op;
pub use plan::schedule;
