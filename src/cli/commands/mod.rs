//! One file per command: its arguments, its long help with examples, and `run`.

pub mod check;
pub mod completions;
pub mod compose;
pub mod config;
pub mod corpus;
pub mod daemon;
pub mod dataset;
pub mod explain;
pub mod explain_word;
pub mod forth;
pub mod generate;
pub mod import;
pub mod infer;
pub mod judge;
pub mod library;
pub mod man;
pub mod merge;
pub mod run;
pub mod schema;
pub mod shard;
pub mod templates;
pub mod verify;
pub mod watch;
pub mod words;
