//! Inputs for values and properties: boundary values first, then seeded random ones, all within the constraints; and
//! the shrinking of a failing one.
//!
//! A row has a cell for every variable slot of the expressions: the parameters, then the free variables of a property.
//! Everything is a pure function of the domain, the seed and the number wanted.

mod bounds;
mod domain;
mod ladder;
mod rows;
mod shrink;

#[cfg(test)]
mod tests;

pub use domain::{Blocked, Constraint, Domain};
pub use rows::{Options, Samples, every, samples};
pub use shrink::shrink;
