//! The archived types: what lies in the payload of a segment.
//!
//! A segment is four pools and nothing else: hot records, lanes, keys, cold bytes. None of the types is recursive, none is a
//! hash table, and every reference is an index that `check` proves. Changing anything here means a new
//! [`FORMAT_VERSION`](super::container::FORMAT_VERSION) and, by [`SCHEMA`], a new schema hash.

use crate::model::Lane;

/// What [`super::container`] hashes into every header, so that a layout that changed without a new version is noticed.
pub(super) const SCHEMA: &str = "segment 2: hot[cold u32, cold_len u32, lanes u32, n_lanes u32, \
tests u32, heldout u32, line u32, n_in u16, n_out u16, present u16, flags u16, word_len u8, word 27] lanes[i64 x 8] keys[content 32, word u64] text[u8]; \
sections word sig code pattern tests tests-meta heldout heldout-meta properties uses hints tags description origin diagnostics \
heldout-hash; case[answer u8: 1 throws, 2 prints]";

/// What is needed of a record without looking at it: the fingerprint and the word's number.
#[derive(Clone, Copy, rkyv::Archive, rkyv::Serialize)]
#[rkyv(attr(repr(C)))]
#[repr(C)]
pub(super) struct Key {
    /// Canonical content.
    pub content: [u8; 32],
    /// [`super::canonical::word_hash`], or 0 where there is no word.
    pub word: u64,
}

/// The hot part of a record: one cache line.
#[derive(Clone, Copy, rkyv::Archive, rkyv::Serialize)]
#[rkyv(attr(repr(C, align(64))))]
#[repr(C, align(64))]
pub(super) struct Hot {
    /// Where its cold bytes start in the text pool.
    pub cold: u32,
    /// How many there are.
    pub cold_len: u32,
    /// Its first lane in the lane pool.
    pub lanes: u32,
    /// How many there are.
    pub n_lanes: u32,
    /// Number of tests.
    pub tests: u32,
    /// Number of held-out tests.
    pub heldout: u32,
    /// Line in the source file.
    pub line: u32,
    /// Number of inputs.
    pub n_in: u16,
    /// Number of outputs.
    pub n_out: u16,
    /// Which sections the cold bytes have, a bit for each [`Section`].
    pub present: u16,
    /// [`flags`].
    pub flags: u16,
    /// Length of `word`, or [`WORD_IN_COLD`], or [`NO_WORD`].
    pub word_len: u8,
    /// The word, if it is short enough, then zeros.
    pub word: [u8; WORD_MAX],
}

/// The longest word that stands in the hot part.
pub(super) const WORD_MAX: usize = 27;
/// `word_len` of a longer word: it is a section of the cold bytes.
pub(super) const WORD_IN_COLD: u8 = 254;
/// `word_len` of a record without a word.
pub(super) const NO_WORD: u8 = 255;

/// Bits of [`Hot::flags`].
pub(super) mod flags {
    /// The specification can be run.
    pub const VALID: u16 = 1;
    /// Every test value is one cell and nothing throws: the tests stand in lanes.
    pub const PLAIN_TESTS: u16 = 2;
    /// The same of the held-out tests.
    pub const PLAIN_HELDOUT: u16 = 4;
    /// All that exist.
    pub const ALL: u16 = 7;
}

/// Eight values of one parameter, of eight tests.
#[derive(Clone, Copy, rkyv::Archive, rkyv::Serialize)]
#[rkyv(attr(repr(C, align(64))))]
#[repr(C, align(64))]
pub(super) struct Lanes(pub Lane);

/// The payload of a segment. The pools are written in this order, and it matters: rkyv 0.8 asserts that it never pads by 32
/// bytes or more, and this way the two pools that are aligned to 64 follow on the 64-byte head and on each other.
#[derive(Default, rkyv::Archive, rkyv::Serialize)]
#[rkyv(attr(repr(C)))]
pub(super) struct Segment {
    pub hot: Vec<Hot>,
    pub lanes: Vec<Lanes>,
    pub keys: Vec<Key>,
    pub text: Vec<u8>,
}

/// The sections of a record's cold bytes. The bytes start with the end of each section that is present (relative to the end
/// of this table; 2 bytes each, or 4 when the bytes are 64 KiB or more), then come the sections in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Section {
    /// A word that is too long for the hot part.
    Word,
    /// List of inputs, then outputs: type, name, constraint, value.
    Signature,
    /// Text of the code to judge.
    Code,
    /// Text of the named pattern.
    Pattern,
    /// List of test cases that are not plain.
    Tests,
    /// List of descriptions and tags of the tests.
    TestsMeta,
    /// List of held-out cases that are not plain.
    Heldout,
    /// List of descriptions and tags of the held-out cases.
    HeldoutMeta,
    /// List of texts.
    Properties,
    /// List of texts.
    Uses,
    /// List of texts.
    Hints,
    /// List of texts.
    Tags,
    /// Text.
    Description,
    /// Complexity and metadata: five optional texts.
    Origin,
    /// List of diagnostics.
    Diagnostics,
    /// 32 bytes.
    HeldoutHash,
}

/// Test tags that are written as one byte, their place in this table plus one. Part of the format: only ever appended to.
pub(super) const KNOWN_TAGS: [&str; 6] =
    ["base_case", "edge_case", "boundary", "error", "performance", "property"];

/// How many lanes `tests` tests over `n_params` parameters fill.
pub(super) fn lanes_for(tests: usize, n_params: usize) -> usize {
    tests.div_ceil(8) * n_params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hot_records_and_lanes_fill_cache_lines() {
        assert_eq!((size_of::<Hot>(), align_of::<Hot>()), (64, 64));
        assert_eq!((size_of::<ArchivedHot>(), align_of::<ArchivedHot>()), (64, 64));
        assert_eq!((size_of::<ArchivedLanes>(), align_of::<ArchivedLanes>()), (64, 64));
        assert_eq!(size_of::<ArchivedKey>(), 40);
        assert_eq!(Section::HeldoutHash as u32, u16::BITS - 1);
    }
}
