//! The specification language: files of JSON records become [`Spec`](crate::model::Spec)s, or diagnostics with a place
//! and a suggestion. One bad record costs that record only, whatever its bytes are. Relies on `model` alone; never runs
//! anything and never writes a file.

pub mod source;

pub mod chunk;
mod document;
pub mod read;

pub mod fields;
pub mod finding;
pub mod json;
pub mod locate;
pub mod parse;

pub mod codes;
pub mod schema;

pub mod expr;

pub mod sample;

pub use chunk::{Chunk, Chunks, parse_chunk};
pub use parse::Entry;
pub use read::{open_chunks, parse_entries, parse_spec_line, read_entries};
pub use schema::schema;
pub use source::{FileKind, SourceError, SourceFile, SourceSet, Stat, find_sources};

#[cfg(test)]
mod read_cases;
