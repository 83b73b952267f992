//! Records into files: one format in a folder of its own.

use super::parquet_file;
use super::record::{Config, Fields, json_line};
use crate::durable;
use std::io::{self, Write};
use std::path::Path;

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

/// Writes a file whole, under a temporary name first.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    path: &Path,
    config: &Config,
    rows: &[&Fields],
    format: Format,
    packed: Compression,
) -> io::Result<Vec<u8>> {
    let bytes = match format {
        Format::Parquet => parquet_file::bytes(config, rows).map_err(io::Error::other)?,
        Format::Jsonl => {
            let mut text = Vec::new();
            rows.iter().for_each(|row| json_line(config, row, &mut text));
            match packed {
                Compression::None => text,
                Compression::Gzip => {
                    // No name and no time in the header: the same bytes at any time.
                    let mut writer =
                        flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::default());
                    writer.write_all(&text)?;
                    writer.finish()?
                }
                Compression::Zstd => zstd::encode_all(text.as_slice(), 3)?,
            }
        }
    };
    durable::write(path, &bytes)?;
    Ok(bytes)
}
