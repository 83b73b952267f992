//! Reading many sources at once: one thread cuts files into chunks, the pool parses and packs them, the caller's thread puts
//! the fragments in corpus order, one thread writes segments. Every queue between them is bounded, so that the memory
//! needed does not grow with the corpus.

use super::assemble::{Assembler, SegmentLimits, SegmentSink};
use super::codes;
use super::error::{CorpusError, CorpusErrorKind};
use super::heldout::Heldout;
use super::layout::Segment;
use super::manifest::{FileState, HeldoutEntry, SegmentEntry, SourceEntry, segment_name};
use super::mmap::{SegmentFile, Stamp};
use super::pack::{Fragment, Packer};
use super::reading::{OpenSource, pack_chunk};
use crate::durable;
use crate::model::{Diagnostic, Severity};
use crate::spec::{Chunk, SourceError, SourceFile};
use crossbeam_channel::{Receiver, Sender, bounded};
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// A file up to this size is read and parsed by one worker in one go; a compressed one up to a sixteenth.
const WHOLE_BYTES_MAX: u64 = 512 << 10;
/// So many chunks for each thread of the pool are parsed at a time, and as many may wait.
const CHUNKS_PER_THREAD: usize = 8;
/// So many small files for each thread are parsed at a time.
const FILES_PER_THREAD: usize = 64;

/// How far an update is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Bytes of source files that were read.
    pub bytes_done: u64,
    /// Bytes of source files that must be read.
    pub bytes_total: u64,
    /// Files that were read.
    pub files_done: usize,
    /// Files that must be read.
    pub files_total: usize,
    /// Records that were packed.
    pub records: u64,
}

/// Told now and then how far an update is; says whether to go on.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) -> ControlFlow<()> + Sync);

/// A segment that was written.
pub(super) type Written = (SegmentEntry, SegmentFile);

/// What was read.
#[derive(Default)]
pub(super) struct Ingested {
    /// The sources in the order of the files, with runs in segments that are numbered from the given number.
    pub sources: Vec<SourceEntry>,
    /// The new segments.
    pub segments: Vec<Written>,
    /// Files that could not be read, or not to their end.
    pub problems: Vec<Diagnostic>,
}

/// Where new segments go.
#[derive(Clone, Copy)]
pub(super) enum Destination<'a> {
    /// Into files of this folder.
    Folder(&'a Path),
    /// Nowhere yet.
    Memory,
}

impl Destination<'_> {
    /// The folder, for messages.
    pub(super) fn path(&self) -> &Path {
        match self {
            Destination::Folder(dir) => dir,
            Destination::Memory => Path::new("memory"),
        }
    }
}

/// Reads files into new segments, the first of which gets the number `first_segment`.
pub(super) fn ingest(
    to: Destination<'_>,
    files: &[&SourceFile],
    first_segment: u32,
    limits: SegmentLimits,
    progress: OnProgress<'_>,
) -> Result<Ingested, CorpusError> {
    if files.is_empty() {
        return Ok(Ingested::default());
    }
    let n_threads = rayon::current_num_threads();
    std::thread::scope(|scope| {
        let (work_out, work_in) = bounded(CHUNKS_PER_THREAD * n_threads);
        let (segments_out, segments_in) = bounded::<Segment>(1);
        scope.spawn(move || cut(files, &work_out));
        let writer = scope.spawn(move || write_segments(to, &segments_in));
        let result = put_in_order(files, work_in, segments_out, first_segment, limits, progress);
        let segments = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let (sources, problems) =
            result.map_err(|Stopped| CorpusError::new(to.path(), CorpusErrorKind::Interrupted))?;
        Ok(Ingested { sources, segments, problems })
    })
}

/// What the cutting thread hands on, in corpus order. Everything about one file stands together.
enum Work {
    /// A small file, not opened yet.
    Whole { file: usize },
    /// Part of a large one.
    Part { file: usize, chunk: Chunk, heldout: Option<Arc<Heldout>> },
    /// A large one is over.
    End { file: usize, states: States },
}

/// What there is to note about a file that was read.
#[derive(Default)]
struct States {
    source: FileState,
    heldout: Option<HeldoutEntry>,
    problems: Vec<Diagnostic>,
}

impl States {
    fn problem(&mut self, file: &str, error: &SourceError) {
        let message = error.to_string();
        self.problems.push(Diagnostic {
            file: Some(file.to_owned()),
            ..Diagnostic::new(codes::UNREADABLE_SOURCE, Severity::Error, message)
        });
    }

    /// Reads the held-out file beside a source, if there is one.
    fn read_heldout(&mut self, file: &SourceFile) -> Option<Heldout> {
        let read = file.heldout_file()?.and_then(|beside| Heldout::read(&beside));
        match read {
            Ok((heldout, mut state, fault)) => {
                if let Some(fault) = fault {
                    self.problem(heldout.name(), &fault);
                    state = unknown(state);
                }
                self.problems.extend(heldout.nameless());
                self.heldout = Some(HeldoutEntry { name: heldout.name().to_owned(), state });
                Some(heldout)
            }
            Err(error) => {
                self.problem(&file.name, &error);
                None
            }
        }
    }

    /// Ends the reading of a file: its state, which vouches for nothing if there was a fault.
    fn close(&mut self, file: &SourceFile, source: OpenSource, fault: Option<SourceError>) {
        let state = source.finish().map_err(|error| SourceError::read(&file.path, error));
        match (state, fault) {
            (Ok(state), None) => self.source = state,
            (Ok(state), Some(fault)) => {
                self.source = unknown(state);
                self.problem(&file.name, &fault);
            }
            (Err(error), fault) => self.problem(&file.name, &fault.unwrap_or(error)),
        }
        // What lacks its held-out cases must be read again when they can be had.
        if self.heldout.is_none() && file.heldout.is_some() {
            self.source = unknown(self.source);
        }
    }
}

/// The state of a file that must be read again next time.
fn unknown(state: FileState) -> FileState {
    FileState { settled: false, hash: [0; 32], ..state }
}

/// Cuts the files one after the other; ends early when nobody listens any more.
fn cut(files: &[&SourceFile], out: &Sender<Work>) {
    for (i, file) in files.iter().enumerate() {
        let max = if file.kind.is_gzip { WHOLE_BYTES_MAX / 16 } else { WHOLE_BYTES_MAX };
        let is_sent = match file.stat.size <= max && file.heldout.is_none() {
            true => out.send(Work::Whole { file: i }).is_ok(),
            false => cut_large(i, file, out),
        };
        if !is_sent {
            return;
        }
    }
}

fn cut_large(i: usize, file: &SourceFile, out: &Sender<Work>) -> bool {
    let mut states = States::default();
    let heldout = states.read_heldout(file).map(Arc::new);
    match OpenSource::open(file) {
        Err(error) => states.problem(&file.name, &error),
        Ok(mut source) => {
            let mut fault = None;
            while let Some(chunk) = source.next() {
                match chunk {
                    Err(error) => fault = Some(SourceError::read(&file.path, error)),
                    Ok(chunk) => {
                        if out.send(Work::Part { file: i, chunk, heldout: heldout.clone() }).is_err() {
                            return false;
                        }
                    }
                }
            }
            states.close(file, source, fault);
        }
    }
    out.send(Work::End { file: i, states }).is_ok()
}

/// What the pool made of a piece of work.
struct Parsed {
    file: usize,
    bytes: u64,
    fragment: Fragment,
    end: Option<States>,
}

fn parse(files: &[&SourceFile], work: Work) -> Parsed {
    let mut packer = Packer::default();
    match work {
        Work::End { file, states } => Parsed { file, bytes: 0, fragment: packer.finish(), end: Some(states) },
        Work::Part { file, chunk, heldout } => {
            pack_chunk(&chunk, &files[file].name, heldout.as_deref(), &mut packer);
            Parsed { file, bytes: chunk.bytes.len() as u64, fragment: packer.finish(), end: None }
        }
        Work::Whole { file: i } => {
            let file = files[i];
            let mut states = States::default();
            match OpenSource::open(file) {
                Err(error) => states.problem(&file.name, &error),
                Ok(mut source) => {
                    let mut fault = None;
                    while let Some(chunk) = source.next() {
                        match chunk {
                            Err(error) => fault = Some(SourceError::read(&file.path, error)),
                            Ok(chunk) => pack_chunk(&chunk, &file.name, None, &mut packer),
                        }
                    }
                    states.close(file, source, fault);
                }
            }
            Parsed { file: i, bytes: file.stat.size, fragment: packer.finish(), end: Some(states) }
        }
    }
}

/// Has the work parsed by the pool, batch after batch, and gives the fragments to the assembler in order.
fn put_in_order(
    files: &[&SourceFile],
    work: Receiver<Work>,
    segments: Sender<Segment>,
    first_segment: u32,
    limits: SegmentLimits,
    on_progress: OnProgress<'_>,
) -> Result<(Vec<SourceEntry>, Vec<Diagnostic>), Stopped> {
    let mut assembler = Assembler::new(limits, first_segment, SegmentQueue(segments));
    let bytes_total = files.iter().map(|file| file.stat.size).sum();
    let mut progress = Progress { bytes_total, files_total: files.len(), ..Default::default() };
    let mut sources: Vec<SourceEntry> = Vec::with_capacity(files.len());
    let mut problems = Vec::new();
    while let Some(batch) = next_batch(&work) {
        let parsed: Vec<_> = batch.into_par_iter().map(|work| parse(files, work)).collect();
        for Parsed { file, bytes, fragment, end } in parsed {
            progress.records += fragment.len() as u64;
            if !files[file].kind.is_gzip {
                progress.bytes_done += bytes;
            }
            assembler.append(&fragment)?;
            if let Some(states) = end {
                let States { source: state, heldout, problems: found } = states;
                let mut source =
                    SourceEntry { name: files[file].name.clone(), state, heldout, ..Default::default() };
                assembler.end_source(&mut source);
                sources.push(source);
                problems.extend(found);
                progress.files_done += 1;
                if files[file].kind.is_gzip {
                    progress.bytes_done += files[file].stat.size;
                }
            }
        }
        if on_progress(progress).is_break() {
            return Err(Stopped);
        }
    }
    assembler.finish()?;
    Ok((sources, problems))
}

/// The caller wants no more, or the writing of a segment failed.
struct Stopped;

/// Hands segments to the thread that writes them. That one stops listening only when it failed, and then its error is the one
/// that is reported.
struct SegmentQueue(Sender<Segment>);

impl SegmentSink for SegmentQueue {
    type Error = Stopped;

    fn take(&mut self, pools: Segment) -> Result<(), Stopped> {
        self.0.send(pools).map_err(|_| Stopped)
    }
}

/// The next work to be done at once: as much as waits, up to a bound; `None` at the end.
fn next_batch(work: &Receiver<Work>) -> Option<Vec<Work>> {
    let n_threads = rayon::current_num_threads();
    let mut batch = vec![work.recv().ok()?];
    let is_whole = |work: &Work| matches!(work, Work::Whole { .. });
    let (mut n_files, mut n_chunks) = (0, 0);
    while n_files < FILES_PER_THREAD * n_threads && n_chunks < CHUNKS_PER_THREAD * n_threads {
        // Small files come in no time, so it pays to wait for the next one; a chunk has to be read and perhaps inflated.
        let next = if n_chunks == 0 { work.recv().ok() } else { work.try_recv().ok() };
        let Some(next) = next else { break };
        if is_whole(&next) {
            n_files += 1
        } else {
            n_chunks += 1
        }
        batch.push(next);
    }
    Some(batch)
}

/// Writes segments as they come.
fn write_segments(to: Destination<'_>, segments: &Receiver<Segment>) -> Result<Vec<Written>, CorpusError> {
    segments.iter().map(|pools| write_segment(to, &pools)).collect()
}

/// Packs and proves one segment; writes and maps it where it goes into a folder.
pub(super) fn write_segment(to: Destination<'_>, pools: &Segment) -> Result<Written, CorpusError> {
    let packed = SegmentFile::pack(pools);
    let entry = SegmentEntry {
        hash: *packed.hash(),
        records: pools.hot.len() as u32,
        bytes: packed.bytes().len() as u64,
        stamp: Stamp::default(),
    };
    match to {
        Destination::Folder(dir) => save_segment(dir, &entry, &packed),
        Destination::Memory => Ok((entry, packed)),
    }
}

/// Writes a proven segment into a folder and maps it from there.
pub(super) fn save_segment(
    dir: &Path,
    entry: &SegmentEntry,
    segment: &SegmentFile,
) -> Result<Written, CorpusError> {
    let path = dir.join(segment_name(&entry.hash));
    durable::write(&path, segment.bytes()).map_err(CorpusError::io(&path, "write the segment"))?;
    let metadata = std::fs::metadata(&path).map_err(CorpusError::io(&path, "look at the segment"))?;
    let entry = SegmentEntry { stamp: Stamp::of(&metadata), ..*entry };
    let (segment, _) = SegmentFile::open(&path, entry.hash, Some(&entry.stamp))?;
    Ok((entry, segment))
}
