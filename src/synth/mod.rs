//! Synthesis.
pub mod emit;
pub mod enumerate;
