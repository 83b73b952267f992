//! Synthesis.
pub mod enumerate;
