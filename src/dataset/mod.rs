//! Outcomes of a run become records to train on. Every record is backed by a run of the engine that this room makes itself.
//!
//! `problem` reads what a run left and runs it again; `quality` says which problems are kept and in which split each
//! stands; `project` makes the records of each configuration from one problem alone, with `mutate` and `trace`; `files`
//! writes them. Nothing depends on threads or time, and no held-out test gets into a prompt.

mod problem;
mod spec_json;

mod minhash;
mod quality;

mod mutate;
mod trace;

mod record;

mod project;
mod trajectory;

mod files;
mod parquet_file;

mod card;

mod plan;

pub use files::{Compression, Format};
pub use plan::{Error, FILE_BYTES, Options, Progress, Report, SEGMENT, Tell, build};
pub use problem::Problem;
pub use quality::{Removed, Settings};
pub use record::CONFIGS;
