//! A generation of a corpus, open for reading.

use super::assemble::{Assembler, SegmentLimits, SegmentSink};
use super::error::{CorpusError, CorpusErrorKind};
use super::layout::Segment;
use super::manifest::{MANIFEST, Manifest, SegmentEntry, SourceEntry, TOOL, segment_name};
use super::mmap::{SegmentFile, Stamp};
use super::pack::{Draft, FileNames, Fragment, Packer};
use super::reading::draft;
use super::view::Record;
use super::{canonical, container};
use crate::model::{Spec, SpecId};
use crate::spec::Entry;
use rayon::prelude::*;
use std::path::Path;
use std::sync::OnceLock;

/// Where a record lies, and whose it is.
#[derive(Clone, Copy)]
struct Location {
    segment: u32,
    position: u32,
    source: u32,
}

/// One generation of a corpus: an ordered list of records, borrowed from mapped or owned segments.
///
/// Invariant: every `Location` names a segment and a record of it that exist.
pub struct Corpus {
    segments: Vec<SegmentFile>,
    manifest: Manifest,
    starts: Vec<SpecId>,
    locations: Vec<Location>,
    duplicates: Vec<u64>,
    by_word: OnceLock<Vec<(u64, SpecId)>>,
}

impl Corpus {
    /// Opens an archive. Segments that changed since they were proven are proven again, in parallel.
    ///
    /// A writer may replace the generation between the reading of the manifest and the mapping of the segments; then the
    /// new one is opened.
    pub fn open(dir: &Path) -> Result<Self, CorpusError> {
        let mut manifest = Manifest::read(dir)?;
        for _ in 0..8 {
            match open_segments(dir, &manifest.segments, true) {
                Ok(segments) => {
                    return Ok(Self::new(manifest, segments.into_iter().map(|(s, _)| s).collect()));
                }
                Err(error) if matches!(*error.kind, CorpusErrorKind::Missing) => {
                    let newer = Manifest::read(dir)?;
                    if newer.segments == manifest.segments {
                        return Err(error);
                    }
                    manifest = newer;
                }
                Err(error) => return Err(error),
            }
        }
        Err(CorpusError::damaged(dir, "it is being replaced faster than it can be opened"))
    }

    /// Whether the path is a folder with a manifest of ours, of whatever version and state.
    pub fn is_corpus_dir(path: &Path) -> bool {
        use std::io::Read;
        let magic = container::FileKind::Manifest.magic();
        let mut start = Vec::new();
        std::fs::File::open(path.join(MANIFEST))
            .and_then(|file| file.take(magic.len() as u64).read_to_end(&mut start))
            .is_ok_and(|_| start == magic)
            || Self::has_segments(path)
    }

    /// Whether segment files lie in a folder: then it is an archive, though its manifest may be broken or gone.
    fn has_segments(path: &Path) -> bool {
        let is_segment =
            |entry: std::fs::DirEntry| entry.path().extension().is_some_and(|end| end == "wmseg");
        std::fs::read_dir(path).is_ok_and(|entries| entries.flatten().any(is_segment))
    }

    /// A corpus in memory of valid specifications, all from one file, one a line: the same bytes and views as on disk.
    pub fn from_specs(file: &str, specs: &[Spec]) -> Self {
        let drafts = specs.iter().zip(1..).map(|(spec, line)| {
            (file, Draft { line, word: Some(spec.word.as_str()), spec: Some(spec), diagnostics: &[] })
        });
        Self::from_drafts(drafts)
    }

    /// A corpus in memory of parsed entries, each with the name of its file. Entries of one file stand together.
    pub fn from_entries(entries: &[(String, Entry)]) -> Self {
        Self::from_drafts(entries.iter().map(|(file, entry)| (file.as_str(), draft(entry))))
    }

    /// A corpus in memory of drafts.
    pub(super) fn from_drafts<'a>(drafts: impl Iterator<Item = (&'a str, Draft<'a>)>) -> Self {
        let mut builder = MemoryBuilder::default();
        let mut drafts = drafts.peekable();
        while let Some(&(file, _)) = drafts.peek() {
            let names = FileNames { own: file, heldout: None };
            while drafts.peek().is_some_and(|(next, _)| *next == file) {
                let mut packer = Packer::default();
                while packer.bytes() < SegmentLimits::default().bytes
                    && let Some((_, draft)) = drafts.next_if(|(next, _)| *next == file)
                {
                    packer.push(draft, names);
                }
                builder.append(&packer.finish());
            }
            builder.end_source(file);
        }
        builder.finish()
    }

    /// A corpus of a checked manifest and its segments.
    pub(super) fn new(manifest: Manifest, segments: Vec<SegmentFile>) -> Self {
        let starts = manifest.starts();
        let mut locations = Vec::with_capacity(manifest.count() as usize);
        for (source, entry) in manifest.sources.iter().enumerate() {
            for run in &entry.runs {
                locations.extend((run.first..run.first + run.count).map(|position| Location {
                    segment: run.segment,
                    position,
                    source: source as u32,
                }));
            }
        }
        let mut corpus =
            Self { segments, manifest, starts, locations, duplicates: Vec::new(), by_word: OnceLock::new() };
        let duplicates = std::mem::take(&mut corpus.manifest.duplicates);
        corpus.set_duplicates(duplicates);
        corpus
    }

    /// How many records it has, valid or not.
    #[inline]
    pub fn len(&self) -> usize {
        self.locations.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.locations.is_empty()
    }

    /// The record of a rank.
    ///
    /// # Panics
    /// If the corpus has no such record.
    #[inline]
    pub fn record(&self, id: SpecId) -> Record<'_> {
        self.view(id, self.locations[id.index()])
    }

    #[inline]
    fn view(&self, id: SpecId, at: Location) -> Record<'_> {
        let pools = self.segments[at.segment as usize].pools();
        let hot = &pools.hot[at.position as usize];
        Record {
            corpus: self,
            id,
            source: at.source,
            hot,
            content: &pools.keys[at.position as usize].content,
            cold: pools.cold(hot),
            lanes: pools.lanes(hot),
        }
    }

    /// All records in corpus order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'_>> + DoubleEndedIterator {
        (0..self.len()).map(|i| self.record(SpecId(i as u32)))
    }

    /// The fingerprint of a record without touching the record: [`Record::content_hash`].
    #[inline]
    pub fn content_hash(&self, id: SpecId) -> &[u8; 32] {
        let at = self.locations[id.index()];
        &self.segments[at.segment as usize].pools().keys[at.position as usize].content
    }

    /// Hash of the ordered contents with their places: the same however they lie in segments, and on every machine.
    pub fn generation(&self) -> [u8; 32] {
        self.manifest.generation
    }

    /// Ranks of all records with this word, ascending. The first call sorts the words.
    pub fn find(&self, word: &str) -> Vec<SpecId> {
        let hash = canonical::word_hash(word);
        let index = self.by_word.get_or_init(|| self.sorted_words());
        let from = index.partition_point(|&(other, _)| other < hash);
        let same = index[from..].iter().take_while(|&&(other, _)| other == hash);
        same.map(|&(_, id)| id).filter(|&id| self.record(id).word() == Some(word)).collect()
    }

    /// Whether the record's word stands more than once.
    #[inline]
    pub fn is_duplicate(&self, id: SpecId) -> bool {
        self.duplicates.get(id.index() / 64).is_some_and(|bits| bits >> (id.index() % 64) & 1 != 0)
    }

    /// How many source files there are, and the name and ranks of each, in corpus order.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = (&str, std::ops::Range<u32>)> {
        let ranks = self.starts.windows(2).map(|pair| pair[0].0..pair[1].0);
        self.manifest.sources.iter().map(|source| source.name.as_str()).zip(ranks)
    }

    /// Hash of what the records of a source say, in order.
    pub fn source_digest(&self, source: usize) -> &[u8; 32] {
        &self.manifest.sources[source].digest
    }

    /// Whether every source can be told from a changed one by size, time and inode alone; the others were so young when they were
    /// read that the next update compares their contents.
    pub fn is_settled(&self) -> bool {
        self.manifest.sources.iter().all(|source| source.state.settled)
    }

    /// The manifest.
    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its segments, in the order of the manifest.
    pub(super) fn segments(&self) -> &[SegmentFile] {
        &self.segments
    }

    /// The name of a source.
    pub(super) fn source_name(&self, source: u32) -> &str {
        &self.manifest.sources[source as usize].name
    }

    /// The name of the held-out file of a source.
    pub(super) fn heldout_name(&self, source: u32) -> Option<&str> {
        self.manifest.sources[source as usize].heldout.as_ref().map(|heldout| heldout.name.as_str())
    }

    /// The rank of the first record of a source.
    pub(super) fn first_of(&self, source: u32) -> SpecId {
        self.starts[source as usize]
    }

    /// Ranks of the records whose word stands more than once, ascending.
    pub(super) fn find_duplicates(&self) -> Vec<u32> {
        let index = self.by_word.get_or_init(|| self.sorted_words());
        let mut duplicates = Vec::new();
        for group in index.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
            let mut words: Vec<_> = group.iter().map(|&(_, id)| (self.record(id).word(), id.0)).collect();
            words.sort_unstable();
            for same in words.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
                duplicates.extend(same.iter().map(|&(_, id)| id));
            }
        }
        duplicates.sort_unstable();
        duplicates
    }

    /// Records in the list of duplicates.
    pub(super) fn set_duplicates(&mut self, duplicates: Vec<u32>) {
        self.duplicates = if duplicates.is_empty() { Vec::new() } else { vec![0; self.len().div_ceil(64)] };
        for &id in &duplicates {
            self.duplicates[id as usize / 64] |= 1 << (id % 64);
        }
        self.manifest.duplicates = duplicates;
    }

    /// Whether every word has its number.
    pub(super) fn are_word_hashes_right(&self) -> bool {
        self.locations.par_iter().all(|at| {
            let pools = self.segments[at.segment as usize].pools();
            let record = self.view(SpecId(0), *at);
            pools.keys[at.position as usize].word.to_native() == record.word().map_or(0, canonical::word_hash)
        })
    }

    /// Every record that has a word, by the word's number, then by rank.
    fn sorted_words(&self) -> Vec<(u64, SpecId)> {
        let mut words: Vec<_> = (0..self.len() as u32)
            .into_par_iter()
            .filter_map(|id| {
                let at = self.locations[id as usize];
                let hash =
                    self.segments[at.segment as usize].pools().keys[at.position as usize].word.to_native();
                (hash != 0).then_some((hash, SpecId(id)))
            })
            .collect();
        words.par_sort_unstable();
        words
    }
}

impl std::fmt::Debug for Corpus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Corpus({} records in {} segments)", self.len(), self.segments.len())
    }
}

/// Builds a corpus in memory from fragments, in corpus order.
pub(super) struct MemoryBuilder {
    assembler: Assembler<MemorySink>,
    sources: Vec<SourceEntry>,
}

/// Keeps whole segments.
#[derive(Default)]
struct MemorySink(Vec<SegmentFile>);

impl SegmentSink for MemorySink {
    type Error = std::convert::Infallible;

    fn take(&mut self, pools: Segment) -> Result<(), Self::Error> {
        self.0.push(SegmentFile::pack(&pools));
        Ok(())
    }
}

impl Default for MemoryBuilder {
    fn default() -> Self {
        let assembler = Assembler::new(SegmentLimits::default(), 0, MemorySink::default());
        Self { assembler, sources: Vec::new() }
    }
}

impl MemoryBuilder {
    /// Adds records to the source that is open.
    pub(super) fn append(&mut self, fragment: &Fragment) {
        self.assembler.append(fragment).unwrap_or_else(|never| match never {});
    }

    /// Ends the source that is open.
    pub(super) fn end_source(&mut self, name: &str) {
        let mut source = SourceEntry { name: name.to_owned(), ..Default::default() };
        self.assembler.end_source(&mut source);
        self.sources.push(source);
    }

    /// The corpus.
    pub(super) fn finish(self) -> Corpus {
        let MemorySink(segments) = self.assembler.finish().unwrap_or_else(|never| match never {});
        let entry = |segment: &SegmentFile| SegmentEntry {
            hash: *segment.hash(),
            records: segment.pools().hot.len() as u32,
            bytes: segment.bytes().len() as u64,
            stamp: Stamp::default(),
        };
        let mut manifest = Manifest {
            tool: TOOL.into(),
            segments: segments.iter().map(entry).collect(),
            sources: self.sources,
            ..Default::default()
        };
        manifest.generation = manifest.compute_generation();
        let mut corpus = Corpus::new(manifest, segments);
        corpus.set_duplicates(corpus.find_duplicates());
        corpus
    }
}

/// Maps the segments of a manifest, in parallel; with `trust`, those with the stamp of the manifest are not proven again.
pub(super) fn open_segments(
    dir: &Path,
    entries: &[SegmentEntry],
    trust: bool,
) -> Result<Vec<(SegmentFile, Stamp)>, CorpusError> {
    let open = |entry: &SegmentEntry| {
        let path = dir.join(segment_name(&entry.hash));
        let (segment, stamp) = SegmentFile::open(&path, entry.hash, trust.then_some(&entry.stamp))?;
        if segment.pools().hot.len() != entry.records as usize {
            return Err(CorpusError::damaged(
                &path,
                "it has another number of records than the manifest says",
            ));
        }
        Ok((segment, stamp))
    };
    entries.par_iter().map(open).collect()
}

#[cfg(test)]
mod tests {
    use super::super::arbitrary;
    use super::*;
    use crate::model::{CellType, Code, Diagnostic, Param, Place, Severity, TestCase, Value};
    use proptest::prelude::*;

    fn param(name: &str) -> Param {
        Param { name: name.into(), ty: CellType::Int, constraint: None, value: None }
    }

    fn plain(word: &str, n_tests: i64) -> Spec {
        let test = |n: i64| TestCase {
            input: vec![Value::Cell(n), Value::Cell(-n)].into(),
            output: vec![Value::Cell(n * n)].into(),
            ..Default::default()
        };
        Spec {
            word: word.into(),
            inputs: vec![param("a"), param("b")],
            outputs: vec![param("c")],
            tests: (1..=n_tests).map(test).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn plain_tests_stand_in_lanes_and_the_last_is_repeated() {
        for n_tests in [0, 1, 7, 8, 9, 16, 17, 1000] {
            let corpus = Corpus::from_specs("a.json", &[plain("x", 3), plain("y", n_tests)]);
            let tests = corpus.record(SpecId(1)).tests();
            assert!(tests.is_plain());
            assert_eq!(tests.len(), n_tests as usize);
            let lanes = tests.input_lanes(1);
            assert_eq!(lanes.len(), tests.len().div_ceil(8));
            for (i, &cell) in lanes.as_flattened().iter().enumerate() {
                assert_eq!(cell, -(i as i64 + 1).min(n_tests));
            }
            for i in 0..tests.len() {
                assert_eq!(tests.output(i, 0), (i as i64 + 1) * (i as i64 + 1));
            }
            assert!(lanes.is_empty() || (lanes.as_ptr() as usize).is_multiple_of(64));
        }
    }

    #[test]
    fn the_same_word_is_found_and_flagged() {
        let mut specs: Vec<_> = (0..100).map(|i| plain(&format!("w{i}"), 1)).collect();
        specs.push(plain("w7", 2));
        specs.push(plain(&"long".repeat(20), 2));
        let corpus = Corpus::from_specs("a.json", &specs);
        assert_eq!(corpus.find("w7"), [SpecId(7), SpecId(100)]);
        assert_eq!(corpus.find("w8"), [SpecId(8)]);
        assert_eq!(corpus.find(&"long".repeat(20)), [SpecId(101)]);
        assert_eq!(corpus.find("none"), []);
        let flagged: Vec<_> = corpus.records().filter(|r| r.has_diagnostics()).map(|r| r.id().0).collect();
        assert_eq!(flagged, [7, 100]);
        let warning = &corpus.record(SpecId(7)).diagnostics()[0];
        assert_eq!(warning.message, "the word `w7` stands 2 times in the corpus, also at a.json:101");
        assert_eq!((warning.place.line, warning.severity), (8, Severity::Warning));
    }

    #[test]
    fn records_without_a_specification_keep_their_word_and_their_diagnostics() {
        let place = Place { line: 3, column: 9, width: 2 };
        let mut note =
            Diagnostic::new(Code(7), Severity::Error, "it is bad").suggest("mend it").at(Some("b"), place);
        note.source = Some(("  source".into(), 4));
        let other = Diagnostic::new(Code(8), Severity::Note, "elsewhere").at(Some("c"), place);
        let diagnostics = [note, other, Diagnostic::new(Code(9), Severity::Warning, "nowhere")];
        let draft = |word| ("b", Draft { line: 3, word, spec: None, diagnostics: &diagnostics });
        let corpus = Corpus::from_drafts([draft(None), draft(Some("w"))].into_iter());
        for (record, word) in corpus.records().zip([None, Some("w")]) {
            assert!(!record.is_valid() && record.to_spec().is_none());
            assert_eq!((record.word(), record.line(), record.file()), (word, 3, "b"));
            assert_eq!(record.diagnostics(), diagnostics);
            assert_eq!((record.tests().len(), record.n_inputs()), (0, 0));
        }
        assert_ne!(corpus.content_hash(SpecId(0)), corpus.content_hash(SpecId(1)));
    }

    #[test]
    fn many_segments_are_one_corpus() {
        let specs: Vec<_> = (0..70_000).map(|i| plain(&format!("w{i}"), 1)).collect();
        let corpus = Corpus::from_specs("a.json", &specs);
        assert_eq!(corpus.segments.len(), 2);
        assert_eq!(corpus.len(), 70_000);
        assert_eq!(corpus.record(SpecId(69_999)).word(), Some("w69999"));
        assert_eq!(corpus.record(SpecId(69_999)).index_in_file(), 69_999);
        assert!(corpus.records().all(|record| record.content_hash() == corpus.content_hash(record.id())));
    }

    #[test]
    fn a_record_that_is_too_large_is_invalid_and_the_rest_stands() {
        let mut huge = plain("huge", 1);
        huge.inputs = vec![param("n"); 70_000];
        let corpus = Corpus::from_specs("a.json", &[plain("a", 1), huge, plain("b", 1)]);
        let record = corpus.record(SpecId(1));
        assert!(!record.is_valid());
        assert_eq!(record.diagnostics()[0].code, super::super::codes::TOO_LARGE);
        assert_eq!(corpus.record(SpecId(2)).to_spec().unwrap(), plain("b", 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 2 } else { 128 },
            failure_persistence: None,
            ..Default::default()
        })]
        #[test]
        fn whatever_is_packed_comes_back(specs in prop::collection::vec(arbitrary::spec(), 0..6)) {
            let corpus = Corpus::from_specs("a.json", &specs);
            let back: Vec<_> = corpus.records().map(|record| record.to_spec().unwrap()).collect();
            prop_assert_eq!(back, &specs[..]);
            for (record, spec) in corpus.records().zip(&specs) {
                let mut scratch = Vec::new();
                prop_assert_eq!(record.content_hash(), &canonical::content_hash(spec, &mut scratch));
                prop_assert_eq!(record.heldout_hash(), &canonical::heldout_hash(&spec.heldout, &mut scratch));
                prop_assert_eq!(record.has_uses(), !spec.uses.is_empty());
                prop_assert_eq!(record.tests().len(), spec.tests.len());
            }
        }
    }
}
