//! Inference against the standard's own stack effects, on whole programs, and against the engine.

mod oracle;
mod programs;
mod words;
