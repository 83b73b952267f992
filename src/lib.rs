//! wordmill turns machine-readable specifications of Forth words into verified Forth code, in bulk.
//!
//! The rooms, from the bottom up. Imports go downwards only; ARCHITECTURE.md says what each room must never do.

pub mod model;

pub mod arena;
pub mod durable;
pub mod profile;
pub mod spec;

pub mod corpus;
pub mod forth;

pub mod effect;
pub mod import;
pub mod template;

pub mod validate;

pub mod synth;

pub mod pipeline;

pub mod report;

pub mod daemon;

pub mod generate;
pub mod judge;
pub mod server;

pub mod dataset;

pub mod cli;
pub mod config;
