//! Records into files: one format in a folder of its own.

use super::parquet_file;
use super::record::{Config, Fields, json_line};
use rayon::prelude::*;
use std::io::{self, Write};

/// Records of one job.
const CHUNK: usize = 512;

/// The format of a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// Parquet, zstd.
    Parquet,
}

/// How lines of JSON are packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Format {
    /// The name of the folder.
    pub fn name(self) -> &'static str {
        match self {
            Format::Jsonl => "jsonl",
            Format::Parquet => "parquet",
        }
    }

    /// The end of the names of files.
    pub fn extension(self, compression: Compression) -> &'static str {
        match (self, compression) {
            (Format::Parquet, _) => "parquet",
            (Format::Jsonl, Compression::None) => "jsonl",
            (Format::Jsonl, Compression::Gzip) => "jsonl.gz",
            (Format::Jsonl, Compression::Zstd) => "jsonl.zst",
        }
    }
}

/// A file that was written.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, PartialEq, Eq)]
pub struct File {
    /// Its path below the folder of the data set.
    pub path: String,
    /// The configuration.
    pub config: String,
    /// The split.
    pub split: String,
    /// The format.
    pub format: String,
    /// Its records.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// Its blake3 hash.
    pub blake3: String,
}

/// The bytes of a file of these records.
///
/// # Errors
/// When they cannot be packed.
pub fn bytes(
    config: &Config,
    rows: &[&Fields<'_>],
    format: Format,
    packed: Compression,
) -> io::Result<Vec<u8>> {
    if format == Format::Parquet {
        return parquet_file::bytes(config, rows).map_err(io::Error::other);
    }
    let lines = |rows: &[&Fields<'_>]| {
        let mut text = Vec::new();
        rows.iter().for_each(|row| json_line(config, row, &mut text));
        text
    };
    let text: Vec<u8> = rows.par_chunks(CHUNK).map(lines).collect::<Vec<_>>().concat();
    match packed {
        Compression::None => Ok(text),
        Compression::Gzip => {
            // No name and no time in the header: the same bytes at any time.
            let mut writer = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::default());
            writer.write_all(&text)?;
            writer.finish()
        }
        Compression::Zstd => zstd::encode_all(text.as_slice(), 3),
    }
}
