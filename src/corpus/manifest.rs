//! The list of what a generation of a corpus consists of: which segments, which sources, which records of which segment
//! belong to which source, and what the sources and segments looked like then.
//!
//! It is the one file of an archive that is ever replaced, always by rename. It is small, so it is checked in full and decoded
//! at every open.

use super::container::{self, FileKind, HEADER_LEN, check_header, check_payload};
use super::error::{CorpusError, CorpusErrorKind};
use super::mmap::Stamp;
use crate::model::SpecId;
use rkyv::util::AlignedVec;
use std::path::Path;

/// The file name of the manifest.
pub(super) const MANIFEST: &str = "MANIFEST";

/// Which version of wordmill writes.
pub(super) const TOOL: &str = env!("CARGO_PKG_VERSION");

/// What [`super::container`] hashes into every header of a manifest.
pub(super) const SCHEMA: &str = "manifest 1: tool, generation, segments[hash, records, bytes, stamp], sources[name, content, \
heldout, runs[segment, first, count], digest], duplicates[u32]";

/// Some records that follow on each other in one segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct Run {
    /// Which segment of the manifest.
    pub segment: u32,
    /// First record there.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// What a source file looked like when it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct FileState {
    /// Bytes.
    pub size: u64,
    /// Modification time in nanoseconds.
    pub mtime_ns: i64,
    /// Inode.
    pub inode: u64,
    /// blake3 of the bytes.
    pub hash: [u8; 32],
    /// Whether size, time and inode vouch for the content: not if the file was so young when it was read that another write
    /// could have left all three as they were.
    pub settled: bool,
}

/// The held-out file beside a source.
#[derive(Clone, PartialEq, Eq, Debug, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct HeldoutEntry {
    /// As the user would name it.
    pub name: String,
    /// What it looked like.
    pub state: FileState,
}

/// A source file and its records.
#[derive(Clone, PartialEq, Eq, Debug, Default, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct SourceEntry {
    /// As the user would name it.
    pub name: String,
    /// What it looked like.
    pub state: FileState,
    /// The held-out file whose cases its records carry.
    pub heldout: Option<HeldoutEntry>,
    /// Its records in order.
    pub runs: Vec<Run>,
    /// Hash of the records' digests in order.
    pub digest: [u8; 32],
}

impl SourceEntry {
    /// How many records it has.
    pub(super) fn count(&self) -> u32 {
        self.runs.iter().map(|run| run.count).sum()
    }
}

/// A segment file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct SegmentEntry {
    /// Hash of its payload: its name.
    pub hash: [u8; 32],
    /// How many records it has, live or not.
    pub records: u32,
    /// Size of the file.
    pub bytes: u64,
    /// What it looked like when it was proven last.
    pub stamp: Stamp,
}

/// One generation of a corpus.
#[derive(Clone, PartialEq, Eq, Debug, Default, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub(super) struct Manifest {
    /// The version of wordmill that wrote it.
    pub tool: String,
    /// Hash of the ordered contents; the same however they lie in segments.
    pub generation: [u8; 32],
    /// The segments.
    pub segments: Vec<SegmentEntry>,
    /// The sources, in corpus order.
    pub sources: Vec<SourceEntry>,
    /// Ranks of the records whose word stands more than once, ascending.
    pub duplicates: Vec<u32>,
}

impl Manifest {
    /// How many records the generation has.
    pub(super) fn count(&self) -> u64 {
        self.sources.iter().map(|source| source.count() as u64).sum()
    }

    /// The hash of the ordered contents.
    pub(super) fn compute_generation(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"wordmill generation v1\n");
        for source in &self.sources {
            hasher.update(&(source.name.len() as u64).to_le_bytes()).update(source.name.as_bytes());
            hasher.update(&source.count().to_le_bytes()).update(&source.digest);
        }
        *hasher.finalize().as_bytes()
    }

    /// The manifest as a file.
    pub(super) fn to_file(&self) -> AlignedVec<64> {
        let mut file = rkyv::api::high::to_bytes_in::<_, rkyv::rancor::Panic>(self, container::start())
            .unwrap_or_else(|never| match never {});
        container::seal(&mut file, FileKind::Manifest, self.sources.len() as u32);
        file
    }

    /// Reads a manifest from the bytes of a file, checked from head to foot.
    pub(super) fn from_file(bytes: &[u8], path: &Path) -> Result<Self, CorpusError> {
        let header = check_header(bytes, FileKind::Manifest, path)?;
        check_payload(bytes, &header, path)?;
        let mut payload = AlignedVec::<64>::with_capacity(bytes.len() - HEADER_LEN);
        payload.extend_from_slice(&bytes[HEADER_LEN..]);
        let manifest = rkyv::from_bytes::<Self, rkyv::rancor::Error>(&payload)
            .map_err(|error| CorpusError::damaged(path, error.to_string()))?;
        if manifest.sources.len() != header.count as usize {
            return Err(CorpusError::damaged(path, "it has another number of sources than its head says"));
        }
        manifest.check().map_err(|what| CorpusError::damaged(path, what))?;
        Ok(manifest)
    }

    /// Reads the manifest of an archive.
    pub(super) fn read(dir: &Path) -> Result<Self, CorpusError> {
        let path = dir.join(MANIFEST);
        match std::fs::read(&path) {
            Ok(bytes) => Self::from_file(&bytes, &path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(CorpusError::new(dir, CorpusErrorKind::NoManifest))
            }
            Err(error) => Err(CorpusError::io(&path, "read the manifest")(error)),
        }
    }

    /// Every run lies in its segment, ranks fit 32 bits, duplicates are ascending ranks, and the generation is the
    /// hash of the rest.
    fn check(&self) -> Result<(), String> {
        for run in self.sources.iter().flat_map(|source| &source.runs) {
            let segment = self
                .segments
                .get(run.segment as usize)
                .ok_or("a run lies in a segment that is not listed")?;
            if run.first as u64 + run.count as u64 > segment.records as u64 || run.count == 0 {
                return Err("a run reaches beyond its segment".into());
            }
        }
        let count = u32::try_from(self.count()).map_err(|_| "it has more than 2^32 records")?;
        if !self.duplicates.is_sorted_by(|a, b| a < b)
            || self.duplicates.last().is_some_and(|&id| id >= count)
        {
            return Err("the list of duplicate words is out of order".into());
        }
        if self.generation != self.compute_generation() {
            return Err("its generation is not the hash of its sources".into());
        }
        Ok(())
    }

    /// Ranks at which the sources start, in order, and the number of records at the end.
    pub(super) fn starts(&self) -> Vec<SpecId> {
        let mut next = 0;
        let mut starts: Vec<_> = self
            .sources
            .iter()
            .map(|source| {
                let start = SpecId(next);
                next += source.count();
                start
            })
            .collect();
        starts.push(SpecId(next));
        starts
    }
}

/// The file name of a segment.
pub(super) fn segment_name(hash: &[u8; 32]) -> String {
    format!("{}.{SEGMENT_SUFFIX}", blake3::Hash::from_bytes(*hash).to_hex())
}

/// What the name of a segment file ends with, after the dot.
pub(super) const SEGMENT_SUFFIX: &str = "wmseg";

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let mut manifest = Manifest {
            tool: "0.1.0".into(),
            segments: vec![SegmentEntry { hash: [3; 32], records: 5, bytes: 640, stamp: Stamp::default() }],
            sources: vec![
                SourceEntry {
                    name: "a.json".into(),
                    runs: vec![Run { segment: 0, first: 1, count: 2 }],
                    ..Default::default()
                },
                SourceEntry {
                    name: "b.json".into(),
                    heldout: Some(HeldoutEntry { name: "h".into(), state: FileState::default() }),
                    runs: vec![Run { segment: 0, first: 3, count: 2 }],
                    ..Default::default()
                },
            ],
            duplicates: vec![0, 3],
            ..Default::default()
        };
        manifest.generation = manifest.compute_generation();
        manifest
    }

    fn read(bytes: &[u8]) -> Result<Manifest, CorpusError> {
        Manifest::from_file(bytes, Path::new("MANIFEST"))
    }

    #[test]
    fn a_manifest_comes_back() {
        assert_eq!(read(&sample().to_file()).unwrap(), sample());
        assert_eq!(sample().starts(), [SpecId(0), SpecId(2), SpecId(4)]);
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_noticed() {
        let file = sample().to_file();
        for bit in 0..file.len() * 8 {
            let mut flipped = file.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped).is_err(), "bit {bit}");
        }
        for len in 0..file.len() {
            assert!(read(&file[..len]).is_err(), "length {len}");
        }
    }

    #[test]
    fn a_well_sealed_manifest_that_lies_is_refused() {
        let lie = |change: fn(&mut Manifest)| {
            let mut manifest = sample();
            change(&mut manifest);
            manifest.generation = manifest.compute_generation();
            read(&manifest.to_file()).unwrap_err().to_string()
        };
        assert!(lie(|m| m.sources[0].runs[0].segment = 1).contains("not listed"));
        assert!(lie(|m| m.sources[0].runs[0].count = 5).contains("beyond"));
        assert!(lie(|m| m.duplicates = vec![3, 0]).contains("out of order"));
        assert!(lie(|m| m.duplicates = vec![4]).contains("out of order"));
        let mut manifest = sample();
        manifest.generation = [0; 32];
        assert!(read(&manifest.to_file()).unwrap_err().to_string().contains("generation"));
    }
}
