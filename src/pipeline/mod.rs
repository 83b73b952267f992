//! From a corpus to outcomes: plan what has none yet, fan it out over a rayon pool, put the results back into corpus order,
//! hand them to a sink and store them.
//!
//! There is one pipeline: a run, a shard and (later) the watcher feed the same plan. This room never prints, never reads a
//! specification's text, and no clock and no thread decides what comes out.

pub mod codes;
pub mod fingerprint;
mod options;
mod order;
mod run;
pub mod shard;
pub mod store;
pub mod uses;
mod worker;

pub use fingerprint::Fingerprint;
pub use options::{Heldout, Options};
pub use run::{Progress, RunError, Silent, Sink, Summary, company, fingerprint_of, outcome, run, run_beside};
pub use store::Store;
pub use worker::{Context, Worker};
