//! Packed records in corpus order become segments of bounded size, and sources that know where their records lie.

use super::layout::Segment;
use super::manifest::{Run, SourceEntry};
use super::pack::Fragment;

/// How large a segment may grow. One record is never split, so a single huge one may exceed the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentLimits {
    /// Most records.
    pub records: usize,
    /// Most bytes of payload.
    pub bytes: usize,
}

impl Default for SegmentLimits {
    fn default() -> Self {
        Self { records: 65_536, bytes: 32 << 20 }
    }
}

/// Takes whole segments, in order.
pub(super) trait SegmentSink {
    /// Why it may refuse.
    type Error;
    /// Takes one.
    fn take(&mut self, pools: Segment) -> Result<(), Self::Error>;
}

/// Takes fragments source by source and gives whole segments to `sink`.
pub(super) struct Assembler<S> {
    limits: SegmentLimits,
    sink: S,
    open: Segment,
    open_bytes: usize,
    n_sealed: u32,
    runs: Vec<Run>,
    digest: blake3::Hasher,
}

impl<S: SegmentSink> Assembler<S> {
    /// An assembler whose first segment gets the number `n_sealed`.
    pub(super) fn new(limits: SegmentLimits, n_sealed: u32, sink: S) -> Self {
        let (open, digest) = (Segment::default(), blake3::Hasher::new());
        Self { limits, sink, open, open_bytes: 0, n_sealed, runs: Vec::new(), digest }
    }

    /// Adds records to the source that is open.
    pub(super) fn append(&mut self, fragment: &Fragment) -> Result<(), S::Error> {
        for digest in &fragment.digests {
            self.digest.update(digest);
        }
        let mut from = 0;
        while from < fragment.len() {
            let to = self.room(&fragment.pools, from);
            if to == from {
                self.seal()?;
                continue;
            }
            self.note_run((to - from) as u32);
            self.open.append_range(&fragment.pools, from, to);
            from = to;
        }
        Ok(())
    }

    /// Adds records that were proven in another segment, without a source of their own: for compaction.
    pub(super) fn make_room(&mut self, bytes: usize) -> Result<&mut Segment, S::Error> {
        let full = self.open.hot.len() >= self.limits.records || self.open_bytes + bytes > self.limits.bytes;
        if full && !self.open.hot.is_empty() {
            self.seal()?;
        }
        self.open_bytes += bytes;
        self.note_run(1);
        Ok(&mut self.open)
    }

    /// Ends the source that is open: fills in its runs and its digest.
    pub(super) fn end_source(&mut self, source: &mut SourceEntry) {
        source.runs = std::mem::take(&mut self.runs);
        source.digest = *std::mem::take(&mut self.digest).finalize().as_bytes();
    }

    /// The runs since the last source ended, without their digest.
    pub(super) fn take_runs(&mut self) -> Vec<Run> {
        std::mem::take(&mut self.runs)
    }

    /// Seals the last segment; gives back who took them all.
    pub(super) fn finish(mut self) -> Result<S, S::Error> {
        self.seal()?;
        Ok(self.sink)
    }

    /// Up to which record the open segment has room.
    fn room(&mut self, pools: &Segment, from: usize) -> usize {
        let mut to = from;
        let mut records = self.open.hot.len();
        while to < pools.hot.len() && records < self.limits.records {
            let bytes = pools.bytes_of(to);
            if self.open_bytes + bytes > self.limits.bytes && records > 0 {
                break;
            }
            self.open_bytes += bytes;
            records += 1;
            to += 1;
        }
        to
    }

    fn note_run(&mut self, count: u32) {
        let first = self.open.hot.len() as u32;
        match self.runs.last_mut() {
            Some(run) if run.segment == self.n_sealed && run.first + run.count == first => run.count += count,
            _ => self.runs.push(Run { segment: self.n_sealed, first, count }),
        }
    }

    fn seal(&mut self) -> Result<(), S::Error> {
        if self.open.hot.is_empty() {
            return Ok(());
        }
        self.open_bytes = 0;
        self.n_sealed += 1;
        self.sink.take(std::mem::take(&mut self.open))
    }
}
