//! The corpus: specifications packed into an archive that is built once, mapped, and never copied or decoded again.
//!
//! An archive is a folder of immutable segment files, named by the hash of their contents, and one `MANIFEST` that names
//! the segments of the present generation, replaced by rename. Everything is proven before it is borrowed: see
//! `SegmentFile` for the invariants. This room alone derives rkyv. It never runs code, and it never changes a file in place.
//!
//! What is proven when:
//!
//! * The manifest: everything, at every open. It is small.
//! * A segment, before it is written: by its writer, on the very bytes that go to the file.
//! * A segment, at open: everything (blake3, bytecheck, the semantic pass of `check`), unless device, inode, size, modification
//!   and change time are those it had when it was proven last. Nobody can change a file and set its change time back, so a warm
//!   start of a million records looks at a few hundred bytes. A copied archive has other times and is proven at each open until
//!   an update has noted them. What this leaves out is a medium that loses bits without an error, and a writer that hits the same
//!   tick of the clock as ours; neither is what a cache must fear, and `wordmill corpus verify` finds both.
//! * Fingerprints stand in a pool of their own, 40 bytes a record: planning a run touches nothing else of a segment.
//!
//! Reading order: `layout` (what lies where), `wire` and `cold` (small encodings), `pack` (writing), `check` (proving), `mmap`
//! (borrowing), `view` (what other rooms see), then `manifest`, `store` and the building of archives.

pub mod codes;

mod layout;
mod wire;

mod canonical;
mod cold;
mod pack;

mod check;
mod container;
mod error;
mod mmap;

mod tests_view;
mod view;

mod assemble;
mod manifest;
mod store;

mod heldout;
mod ingest;
mod reading;

mod compact;
mod plan;
mod update;

mod follow;

mod tools;

pub use assemble::SegmentLimits;
pub use canonical::{content_hash, heldout_hash};
pub use cold::{ParamView, ValueView};
pub use container::FORMAT_VERSION;
pub use error::{CorpusError, CorpusErrorKind};
pub use follow::{Followed, Follower, Saved, save};
pub use ingest::{OnProgress, Progress};
pub use mmap::Stamp;
pub use store::Corpus;
pub use tests_view::{CaseView, Tests, Values};
pub use tools::{Info, Listed, SegmentInfo, Verified, info, ls, show, verify};
pub use update::{BuildOptions, UpdateReport, update};
pub use view::{Record, Texts};

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod scenarios;
