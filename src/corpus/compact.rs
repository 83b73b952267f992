//! Keeps the number of segments and the share of dead records small: every edit adds a small segment, and now and then
//! the small ones and those that are mostly dead are written together.

use super::assemble::{Assembler, SegmentLimits, SegmentSink};
use super::error::CorpusError;
use super::ingest::{Destination, Written, write_segment};
use super::layout::{ArchivedHot, ArchivedKey, Hot, Key, Lanes, Segment};
use super::manifest::{Run, SourceEntry};
use super::mmap::SegmentFile;

/// So many small segments may stand side by side.
const SMALL_MAX: usize = 16;

/// The segments that the sources refer to, by number; `None` where one is broken.
pub(super) type SegmentTable = Vec<Option<Written>>;

/// Which segments should be written together: those that are mostly dead, and the small ones if there are many.
fn victims(sources: &[SourceEntry], table: &SegmentTable, limits: SegmentLimits) -> Vec<bool> {
    let mut live = vec![0u64; table.len()];
    for run in sources.iter().flat_map(|source| &source.runs) {
        live[run.segment as usize] += run.count as u64;
    }
    let in_use = |i: usize| table[i].as_ref().map(|(entry, _)| entry).filter(|_| live[i] > 0);
    let is_small = |i: usize| {
        in_use(i).is_some_and(|entry| {
            (entry.records as usize) < limits.records / 4 && (entry.bytes as usize) < limits.bytes / 4
        })
    };
    let many_small = (0..table.len()).filter(|&i| is_small(i)).count() > SMALL_MAX;
    (0..table.len())
        .map(|i| {
            let is_dead = in_use(i).is_some_and(|entry| live[i] < entry.records as u64 / 2);
            is_dead || many_small && is_small(i)
        })
        .collect()
}

/// Writes the live records of what is small or mostly dead into new segments and lets the sources refer to them. Returns how
/// many segments were taken apart.
pub(super) fn compact(
    to: Destination<'_>,
    sources: &mut [SourceEntry],
    table: &mut SegmentTable,
    limits: SegmentLimits,
) -> Result<usize, CorpusError> {
    let victims = victims(sources, table, limits);
    let n_victims = victims.iter().filter(|&&is_victim| is_victim).count();
    if n_victims == 0 {
        return Ok(0);
    }
    let sink = Writer { to, written: Vec::new() };
    let mut assembler = Assembler::new(limits, table.len() as u32, sink);
    for source in sources {
        let mut runs = Vec::with_capacity(source.runs.len());
        for run in std::mem::take(&mut source.runs) {
            match &table[run.segment as usize] {
                Some((_, segment)) if victims[run.segment as usize] => {
                    copy_run(segment, run, &mut assembler)?;
                    runs.extend(assembler.take_runs());
                }
                _ => runs.push(run),
            }
        }
        source.runs = runs;
    }
    table.extend(assembler.finish()?.written.into_iter().map(Some));
    Ok(n_victims)
}

fn copy_run(
    segment: &SegmentFile,
    run: Run,
    assembler: &mut Assembler<Writer<'_>>,
) -> Result<(), CorpusError> {
    let pools = segment.pools();
    for i in run.first as usize..(run.first + run.count) as usize {
        let (hot, key) = (&pools.hot[i], &pools.keys[i]);
        let (cold, lanes) = (pools.cold_bytes(hot), pools.lanes(hot));
        let bytes = size_of::<Hot>() + size_of::<Key>() + cold.len() + size_of_val(lanes);
        let open = assembler.make_room(bytes)?;
        open.append(native_key(key), native_hot(hot), lanes.iter().map(|&lane| Lanes(lane)), cold);
    }
    Ok(())
}

fn native_key(key: &ArchivedKey) -> Key {
    Key { content: key.content, word: key.word.to_native() }
}

fn native_hot(hot: &ArchivedHot) -> Hot {
    Hot {
        cold: hot.cold.to_native(),
        cold_len: hot.cold_len.to_native(),
        lanes: hot.lanes.to_native(),
        n_lanes: hot.n_lanes.to_native(),
        tests: hot.tests.to_native(),
        heldout: hot.heldout.to_native(),
        line: hot.line.to_native(),
        n_in: hot.n_in.to_native(),
        n_out: hot.n_out.to_native(),
        present: hot.present.to_native(),
        flags: hot.flags.to_native(),
        word_len: hot.word_len,
        word: hot.word,
    }
}

/// Writes segments into the archive.
struct Writer<'a> {
    to: Destination<'a>,
    written: Vec<Written>,
}

impl SegmentSink for Writer<'_> {
    type Error = CorpusError;

    fn take(&mut self, pools: Segment) -> Result<(), CorpusError> {
        self.written.push(write_segment(self.to, &pools)?);
        Ok(())
    }
}
