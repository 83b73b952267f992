//! The 64 bytes at the head of every file of an archive, and the checks of them.
//!
//! ```text
//!  0  magic       6  `WMSEG\0` or `WMMAN\0`
//!  6  version     2  FORMAT_VERSION
//!  8  schema      8  hash of the layout's description
//! 16  length      8  bytes of payload, which starts at 64
//! 24  count       4  records of a segment, sources of a manifest
//! 28  checksum    4  of the other 60 bytes
//! 32  hash       32  blake3 of the payload; the name of a segment file
//! ```
//! All numbers are little-endian. This head is the same in every version of the format.

use super::error::{CorpusError, CorpusErrorKind};
use rkyv::util::AlignedVec;
use std::path::Path;

/// The version of everything below this room's API. A reader takes its own version only; archives are rebuilt.
pub const FORMAT_VERSION: u16 = 2;

/// Bytes of head before the payload.
pub(super) const HEADER_LEN: usize = 64;

/// What a file is, by its first bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileKind {
    /// Records.
    Segment,
    /// The list of segments and sources.
    Manifest,
}

impl FileKind {
    /// The first bytes of such a file.
    pub(super) fn magic(self) -> &'static [u8; 6] {
        match self {
            FileKind::Segment => b"WMSEG\0",
            FileKind::Manifest => b"WMMAN\0",
        }
    }

    fn schema(self) -> u64 {
        let text = match self {
            FileKind::Segment => super::layout::SCHEMA,
            FileKind::Manifest => super::manifest::SCHEMA,
        };
        u64::from_le_bytes(blake3::hash(text.as_bytes()).as_bytes()[..8].try_into().expect("eight bytes"))
    }
}

/// A head that was checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Records of a segment, sources of a manifest.
    pub count: u32,
    /// blake3 of the payload.
    pub hash: [u8; 32],
}

/// A buffer with room for the head, to be followed by the payload and [`seal`]ed.
pub(super) fn start() -> AlignedVec<64> {
    let mut file = AlignedVec::new();
    file.resize(HEADER_LEN, 0);
    file
}

/// Writes the head over the first 64 bytes of a file whose payload is complete. Returns the hash of the payload.
pub(super) fn seal(file: &mut [u8], kind: FileKind, count: u32) -> [u8; 32] {
    let hash = *blake3::hash(&file[HEADER_LEN..]).as_bytes();
    let payload_len = (file.len() - HEADER_LEN) as u64;
    file[0..6].copy_from_slice(kind.magic());
    file[6..8].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    file[8..16].copy_from_slice(&kind.schema().to_le_bytes());
    file[16..24].copy_from_slice(&payload_len.to_le_bytes());
    file[24..28].copy_from_slice(&count.to_le_bytes());
    file[32..64].copy_from_slice(&hash);
    let checksum = checksum(file[..HEADER_LEN].try_into().expect("64 bytes"));
    file[28..32].copy_from_slice(&checksum);
    hash
}

/// Checks the head of a file: kind, checksum, version, schema, length. The payload's hash is [`check_payload`]'s work.
pub(super) fn check_header(file: &[u8], kind: FileKind, path: &Path) -> Result<Header, CorpusError> {
    let err = |kind| CorpusError::new(path, kind);
    if !file.starts_with(kind.magic()) {
        return Err(match kind.magic().starts_with(file) {
            true => err(CorpusErrorKind::Truncated { expected: HEADER_LEN as u64, found: file.len() as u64 }),
            false => err(CorpusErrorKind::Foreign),
        });
    }
    let Some((head, payload)) = file.split_first_chunk::<HEADER_LEN>() else {
        return Err(err(CorpusErrorKind::Truncated {
            expected: HEADER_LEN as u64,
            found: file.len() as u64,
        }));
    };
    if head[28..32] != checksum(head) {
        return Err(CorpusError::damaged(path, "the checksum of its head does not fit"));
    }
    let version = u16::from_le_bytes([head[6], head[7]]);
    if version != FORMAT_VERSION {
        return Err(err(CorpusErrorKind::Version { found: version, ours: FORMAT_VERSION }));
    }
    let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("eight bytes"));
    if number(8) != kind.schema() {
        return Err(err(CorpusErrorKind::Schema));
    }
    if number(16) != payload.len() as u64 {
        let expected = number(16).saturating_add(HEADER_LEN as u64);
        return Err(err(CorpusErrorKind::Truncated { expected, found: file.len() as u64 }));
    }
    let count = u32::from_le_bytes(head[24..28].try_into().expect("four bytes"));
    Ok(Header { count, hash: head[32..].try_into().expect("32 bytes") })
}

/// Checks that the payload is what the head says.
pub(super) fn check_payload(file: &[u8], header: &Header, path: &Path) -> Result<(), CorpusError> {
    if *blake3::hash(&file[HEADER_LEN..]).as_bytes() == header.hash {
        return Ok(());
    }
    Err(CorpusError::damaged(path, "its contents do not have the hash that its head names"))
}

fn checksum(head: &[u8; HEADER_LEN]) -> [u8; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head[..28]).update(&head[32..]);
    hasher.finalize().as_bytes()[..4].try_into().expect("four bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut file = start();
        file.extend_from_slice(b"the payload");
        seal(&mut file, FileKind::Segment, 7);
        file.to_vec()
    }

    fn check(file: &[u8], kind: FileKind) -> Result<Header, CorpusError> {
        let header = check_header(file, kind, Path::new("f"))?;
        check_payload(file, &header, Path::new("f"))?;
        Ok(header)
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_noticed() {
        let file = sample();
        assert_eq!(check(&file, FileKind::Segment).unwrap().count, 7);
        for bit in 0..file.len() * 8 {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(check(&flipped, FileKind::Segment).is_err(), "bit {bit}");
        }
        for len in 0..file.len() {
            let error = check(&file[..len], FileKind::Segment).unwrap_err();
            assert!(matches!(*error.kind, CorpusErrorKind::Truncated { .. }), "{len}: {error}");
        }
        let longer = [&file[..], b"x"].concat();
        assert!(matches!(
            *check(&longer, FileKind::Segment).unwrap_err().kind,
            CorpusErrorKind::Truncated { .. }
        ));
    }

    #[test]
    fn other_kinds_and_versions_are_told_apart() {
        let reseal = |change: fn(&mut Vec<u8>)| {
            let mut file = sample();
            change(&mut file);
            let sum = checksum(file[..64].try_into().unwrap());
            file[28..32].copy_from_slice(&sum);
            *check(&file, FileKind::Segment).unwrap_err().kind
        };
        assert!(matches!(reseal(|f| f[6] = 9), CorpusErrorKind::Version { found: 9, ours: FORMAT_VERSION }));
        assert!(matches!(reseal(|f| f[8] ^= 1), CorpusErrorKind::Schema));
        assert!(matches!(reseal(|f| f[0] = b'X'), CorpusErrorKind::Foreign));
        assert!(matches!(*check(&sample(), FileKind::Manifest).unwrap_err().kind, CorpusErrorKind::Foreign));
        assert!(matches!(
            *check(b"PK\x03\x04 some zip", FileKind::Segment).unwrap_err().kind,
            CorpusErrorKind::Foreign
        ));
    }
}
