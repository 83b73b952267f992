//! One file per command: its arguments, its long help with examples, and `run`.

pub mod check;
pub mod completions;
pub mod config;
pub mod explain;
pub mod man;
pub mod schema;
pub mod templates;
