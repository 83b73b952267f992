//! Records into files: one format in a folder of its own.

use super::parquet_file::ParquetFile;
use super::record::{Config, Fields, json_line};
use crate::durable::DurableFile;
use rayon::prelude::*;
use std::io::{self, Write};
use std::path::Path;

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

/// A file that records are added to; it appears when it is finished.
pub struct Writer {
    config: &'static Config,
    to: To,
    rows: u64,
}

/// How records are packed on their way.
enum To {
    Lines(Counted),
    Gzip(flate2::write::GzEncoder<Counted>),
    Zstd(zstd::Encoder<'static, Counted>),
    Parquet(Box<ParquetFile<Counted>>),
}

/// What is written, its hash and its length.
struct Counted {
    file: DurableFile,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Writer {
    /// Begins a file.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(
        config: &'static Config,
        format: Format,
        packed: Compression,
        at: &Path,
    ) -> io::Result<Self> {
        let file = Counted { file: DurableFile::create(at)?, hasher: blake3::Hasher::new(), bytes: 0 };
        let to = match (format, packed) {
            (Format::Parquet, _) => {
                To::Parquet(Box::new(ParquetFile::new(config, file).map_err(io::Error::other)?))
            }
            (Format::Jsonl, Compression::None) => To::Lines(file),
            (Format::Jsonl, Compression::Gzip) => {
                // No name and no time in the header: the same bytes at any time.
                To::Gzip(flate2::GzBuilder::new().write(file, flate2::Compression::default()))
            }
            (Format::Jsonl, Compression::Zstd) => To::Zstd(zstd::Encoder::new(file, 3)?),
        };
        Ok(Self { config, to, rows: 0 })
    }

    /// Adds records.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn add(&mut self, rows: &[&Fields<'_>]) -> io::Result<()> {
        self.rows += rows.len() as u64;
        let to: &mut dyn Write = match &mut self.to {
            To::Parquet(file) => return file.add(rows).map_err(io::Error::other),
            To::Lines(file) => file,
            To::Gzip(file) => file,
            To::Zstd(file) => file,
        };
        let lines = |rows: &[&Fields<'_>]| {
            let mut text = Vec::new();
            rows.iter().for_each(|row| json_line(self.config, row, &mut text));
            text
        };
        let texts: Vec<Vec<u8>> = rows.par_chunks(CHUNK).map(lines).collect();
        texts.iter().try_for_each(|text| to.write_all(text))
    }

    /// How long the file is so far, as far as that is known.
    pub fn bytes(&self) -> u64 {
        match &self.to {
            To::Parquet(file) => file.len() as u64,
            To::Lines(file) => file.bytes,
            To::Gzip(file) => file.get_ref().bytes,
            To::Zstd(file) => file.get_ref().bytes,
        }
    }

    /// Ends the file: it is there from here on. Gives rows, bytes and the hash.
    ///
    /// # Errors
    /// When it cannot be written to its end.
    pub fn finish(self) -> io::Result<(u64, u64, String)> {
        let Counted { file, hasher, bytes } = match self.to {
            To::Parquet(file) => file.finish().map_err(io::Error::other)?,
            To::Lines(file) => file,
            To::Gzip(file) => file.finish()?,
            To::Zstd(file) => file.finish()?,
        };
        file.commit()?;
        Ok((self.rows, bytes, hasher.finalize().to_hex().to_string()))
    }
}
