//! Segments in memory: mapped from a file, or packed there. All that borrows without checking starts here.

#![allow(unsafe_code)]

use super::check;
use super::cold::Cold;
use super::container::{self, FileKind, HEADER_LEN, check_header, check_payload};
use super::error::{CorpusError, CorpusErrorKind};
use super::layout::{ArchivedHot, ArchivedKey, ArchivedLanes, ArchivedSegment, Segment};
use super::wire::{Proof, Reader};
use crate::model::Lane;
use rkyv::util::AlignedVec;
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;

// Lanes are borrowed from the file as they lie there. On a big-endian machine they would have to be swapped first.
#[cfg(target_endian = "big")]
compile_error!("corpus archives are little-endian and mapped as they are");

/// What the file system says of a file: while all of it is the same, so are the bytes.
///
/// The change time is the strongest of the five: no ordinary call sets it back. So a segment that was proven when it had this
/// stamp need not be proven again, as long as nobody writes to the block device beneath us or the device itself loses bits;
/// `wordmill corpus verify` looks for that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Stamp {
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Modification time in nanoseconds.
    pub mtime_ns: i64,
    /// Change time in nanoseconds.
    pub ctime_ns: i64,
}

impl Stamp {
    /// The stamp of a file by its metadata.
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let ns = |seconds: i64, ns: i64| seconds.saturating_mul(1_000_000_000).saturating_add(ns);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[derive(Clone)]
enum Backing {
    Mapped(Arc<memmap2::Mmap>),
    Owned(Arc<AlignedVec<64>>),
}

/// A segment whose contents were proven. Invariants, on which every unchecked borrow below rests:
///
/// 1. `backing` starts at a multiple of 64, holds a whole file, and its bytes never change while this value lives. A mapped
///    file is one that wordmill wrote under a temporary name and renamed to the hash of its contents; no code of ours opens
///    such a file for writing, and removing it leaves the mapping as it is.
/// 2. `rkyv::access` accepted the payload, so the four pools lie within it.
/// 3. `check::segment` accepted the pools: every range, tag, count and UTF-8 slice of every record holds.
///
/// 2 and 3 were established by this process, or by an earlier one when the file had the very same [`Stamp`].
///
/// A clone shares the backing, which nobody can change: 1 to 3 hold for it too.
#[derive(Clone)]
pub(super) struct SegmentFile {
    backing: Backing,
    path: PathBuf,
    hash: [u8; 32],
}

/// The pools of a segment, borrowed.
#[derive(Clone, Copy)]
pub(super) struct Pools<'c> {
    /// Fingerprints, one a record.
    pub keys: &'c [ArchivedKey],
    /// Hot records.
    pub hot: &'c [ArchivedHot],
    /// Lanes of all records.
    pub lanes: &'c [Lane],
    /// Cold bytes of all records.
    pub text: &'c [u8],
}

impl SegmentFile {
    /// Maps a segment file. It is proven, unless its stamp is `known`: the one it had when it was proven before.
    pub(super) fn open(
        path: &Path,
        hash: [u8; 32],
        known: Option<&Stamp>,
    ) -> Result<(Self, Stamp), CorpusError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => CorpusError::new(path, CorpusErrorKind::Missing),
            _ => CorpusError::io(path, "open the segment")(error),
        })?;
        let stamp = Stamp::of(&file.metadata().map_err(CorpusError::io(path, "read the size"))?);
        if stamp.size < HEADER_LEN as u64 {
            let kind = CorpusErrorKind::Truncated { expected: HEADER_LEN as u64, found: stamp.size };
            return Err(CorpusError::new(path, kind));
        }
        // SAFETY: invariant 1: the name is the hash of the contents; we write such files once and never open them for
        // writing again, so the mapped bytes do not change and the file does not shrink under the mapping.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(CorpusError::io(path, "map the segment"))?;
        let segment = Self { backing: Backing::Mapped(Arc::new(map)), path: path.to_owned(), hash };
        if known == Some(&stamp) {
            segment.check_head()?;
        } else {
            segment.prove()?;
        }
        Ok((segment, stamp))
    }

    /// Packs pools into a segment in memory, byte for byte what would be written to a file.
    pub(super) fn pack(pools: &Segment) -> Self {
        let mut file = rkyv::api::high::to_bytes_in::<_, rkyv::rancor::Panic>(pools, container::start())
            .unwrap_or_else(|never| match never {});
        let hash = container::seal(&mut file, FileKind::Segment, pools.hot.len() as u32);
        let segment = Self { backing: Backing::Owned(Arc::new(file)), path: PathBuf::from("memory"), hash };
        if let Err(error) = segment.prove() {
            panic!("a segment that was just packed does not hold together: {error}");
        }
        segment
    }

    /// A segment of arbitrary bytes, not proven: to see what [`SegmentFile::prove`] says of them.
    #[cfg(test)]
    pub(super) fn doubtful(file: AlignedVec<64>) -> Self {
        let hash = file[32..64].try_into().expect("32 bytes");
        Self { backing: Backing::Owned(Arc::new(file)), path: PathBuf::from("memory"), hash }
    }

    /// Whether it was packed in memory: no file holds it yet.
    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.backing, Backing::Owned(_))
    }

    /// blake3 of the payload: the name.
    pub(super) fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The whole file.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.backing {
            Backing::Mapped(map) => map,
            Backing::Owned(file) => file,
        }
    }

    /// Everything that can be proven of the file: head, name, hash, structure, meaning.
    pub(super) fn prove(&self) -> Result<(), CorpusError> {
        let header = self.check_head()?;
        check_payload(self.bytes(), &header, &self.path)?;
        let segment = rkyv::access::<ArchivedSegment, rkyv::rancor::Error>(&self.bytes()[HEADER_LEN..])
            .map_err(|error| CorpusError::damaged(&self.path, error.to_string()))?;
        let pools = borrow(segment);
        if pools.hot.len() != header.count as usize {
            return Err(CorpusError::damaged(
                &self.path,
                "it has another number of records than its head says",
            ));
        }
        check::segment(&pools).map_err(|what| CorpusError::damaged(&self.path, what))
    }

    fn check_head(&self) -> Result<container::Header, CorpusError> {
        let header = check_header(self.bytes(), FileKind::Segment, &self.path)?;
        if header.hash != self.hash {
            return Err(CorpusError::damaged(
                &self.path,
                "its contents are not those that its name promises",
            ));
        }
        Ok(header)
    }

    /// The pools.
    #[inline]
    pub(super) fn pools(&self) -> Pools<'_> {
        // SAFETY: invariants 1 and 2: `rkyv::access` accepted these very bytes.
        borrow(unsafe { rkyv::access_unchecked::<ArchivedSegment>(&self.bytes()[HEADER_LEN..]) })
    }
}

/// Vouches for the bytes of a record of a [`SegmentFile`]. Only [`Pools::cold`] makes one, and it goes with the cold bytes and
/// the hot part of that record and no others.
#[derive(Clone, Copy)]
pub(super) struct Proven(());

impl Proof for Proven {
    #[inline]
    fn text(self, bytes: &[u8]) -> Option<&str> {
        // SAFETY: invariant 3: the token goes with a record that `check::segment` accepted, which means that the same
        // functions ran `from_utf8` over this very slice.
        Some(unsafe { std::str::from_utf8_unchecked(bytes) })
    }
}

impl<'c> Pools<'c> {
    /// The cold bytes of a record of this segment.
    #[inline]
    pub(super) fn cold(&self, hot: &ArchivedHot) -> Cold<'c, Proven> {
        // Invariant 3: `check::segment` read these bytes with all checks on, by the functions of `cold`.
        Cold::new(Reader::new(self.cold_bytes(hot), Proven(())), hot.present.to_native())
    }

    /// The same as they lie there.
    #[inline]
    pub(super) fn cold_bytes(&self, hot: &ArchivedHot) -> &'c [u8] {
        &self.text[hot.cold.to_native() as usize..][..hot.cold_len.to_native() as usize]
    }

    /// The lanes of a record of this segment.
    #[inline]
    pub(super) fn lanes(&self, hot: &ArchivedHot) -> &'c [Lane] {
        &self.lanes[hot.lanes.to_native() as usize..][..hot.n_lanes.to_native() as usize]
    }
}

#[inline]
fn borrow(segment: &ArchivedSegment) -> Pools<'_> {
    let lanes: &[ArchivedLanes] = &segment.lanes;
    // SAFETY: `ArchivedLanes` is `repr(C, align(64))` around eight little-endian `i64`, so on this little-endian target each
    // is a `Lane` by size and content and more than aligned for it; the count stays the same.
    let lanes = unsafe { std::slice::from_raw_parts(lanes.as_ptr().cast::<Lane>(), lanes.len()) };
    Pools { keys: &segment.keys, hot: &segment.hot, lanes, text: &segment.text }
}
