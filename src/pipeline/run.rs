//! The run: plan, fan out, put back into order, hand on and store.

use crate::corpus::{Corpus, Record};
use crate::model::{Outcome, SpecId, Status, Stop};
use crate::pipeline::options::Options;
use crate::pipeline::order::InOrder;
use crate::pipeline::store::{self, Provenance, Store, StoredOutcome};
use crate::pipeline::worker::Context;
use crate::pipeline::{Fingerprint, fingerprint, uses};
use crate::profile::{self, Stage};
use crate::synth::Tried;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Records that a worker takes at once: enough to make the lending of a worker and the message cheap, few enough to keep
/// all threads busy with specifications that take long.
const CHUNK: usize = 16;

/// Records between two points where all workers have finished: bounds what waits to be put into order.
const WINDOW: usize = 1 << 17;

/// Chunks of outcomes that may wait for the aggregator.
const CHANNEL_CHUNKS: usize = 256;

/// Receives outcomes in corpus order.
pub trait Sink {
    /// Takes one outcome with its record and the time that it took to find out; `None` where it was known already. The
    /// time is for reports only.
    ///
    /// # Errors
    /// When it cannot be written; the run ends.
    fn accept(
        &mut self,
        record: Record<'_>,
        outcome: &Outcome,
        elapsed: Option<Duration>,
    ) -> std::io::Result<()>;
}

/// Hears how far the run is; called from all threads.
pub trait Progress: Sync {
    /// So many records will be worked on.
    fn begin(&self, n_specs: usize);
    /// So many more are done.
    fn advance(&self, n_specs: usize);
}

/// Hears nothing.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: usize) {}
    fn advance(&self, _: usize) {}
}

/// Why a run ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The threads could not be started.
    #[error("cannot start {jobs} threads")]
    Threads {
        /// How many were asked for.
        jobs: usize,
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
    /// The outcomes could not be written.
    #[error("cannot write the outcomes")]
    Sink(#[source] std::io::Error),
    /// The store could not be written.
    #[error("cannot write the outcome store")]
    Store(#[source] std::io::Error),
}

/// Counts of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Records that have an outcome.
    pub n_specs: usize,
    /// Outcomes taken from the store.
    pub n_cached: usize,
    /// Outcomes found out now.
    pub n_worked: usize,
    /// Held-out scores taken anew for outcomes of the store.
    pub n_rescored: usize,
    /// By verdict, in the order of [`Status::ALL`].
    pub by_status: [usize; 5],
    /// Whether a signal ended it before all records had an outcome; the sink has not seen the rest.
    pub interrupted: bool,
}

struct Done {
    outcome: Outcome,
    fingerprint: Option<Fingerprint>,
    stored: Option<Vec<u8>>,
    source: Source,
    elapsed: Duration,
}

enum Source {
    Worked,
    Stored,
    Rescored,
}

/// Runs the selected records of a corpus and hands their outcomes to `sink` in the order of `selected`, which must be
/// ascending. With a store, what it knows is not found out again, and what is found out is added to it.
///
/// # Errors
/// When threads cannot be started, or outcomes cannot be written.
pub fn run(
    corpus: &Corpus,
    selected: &[SpecId],
    options: &Options,
    store: Option<&mut Store>,
    sink: &mut dyn Sink,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Summary, RunError> {
    let writer = store.as_deref().map(Store::writer);
    let (summary, writer) =
        work((corpus, selected), options, store.as_deref(), writer, sink, progress, stop)?;
    if let Some((store, writer)) = store.zip(writer) {
        let _stage = profile::stage(Stage::Store);
        store.finish(writer).map_err(RunError::Store)?;
    }
    Ok(summary)
}

/// The same with a store that others read meanwhile. What is found out stays in its memory until [`Store::save`] writes it,
/// so that nobody waits for storage and a full disk stops nothing.
///
/// # Errors
/// When threads cannot be started, or the sink refuses an outcome.
pub fn run_beside(
    corpus: &Corpus,
    selected: &[SpecId],
    options: &Options,
    store: &Store,
    sink: &mut dyn Sink,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Summary, RunError> {
    let writer = Some(store.patient_writer());
    let (summary, writer) = work((corpus, selected), options, Some(store), writer, sink, progress, stop)?;
    writer.into_iter().for_each(|writer| store.absorb(writer));
    Ok(summary)
}

fn work(
    (corpus, selected): (&Corpus, &[SpecId]),
    options: &Options,
    store: Option<&Store>,
    writer: Option<store::Writer>,
    sink: &mut dyn Sink,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<(Summary, Option<store::Writer>), RunError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.n_at_once())
        .thread_name(|index| format!("worker-{index}"))
        .build()
        .map_err(|source| RunError::Threads { jobs: options.jobs, source })?;
    let batch = Batch {
        corpus,
        options,
        settings: options.hash(),
        provenance: Provenance { generation: fingerprint::hex(&corpus.generation()) },
        context: Context::new(corpus, options, stop),
        progress,
        stop,
    };
    progress.begin(selected.len());
    let mut aggregator = Aggregator { corpus, sink, writer, summary: Summary::default() };
    for window in selected.chunks(WINDOW) {
        aggregator.window(&pool, &batch, window, store)?;
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    aggregator.summary.interrupted = aggregator.summary.n_specs < selected.len();
    Ok((aggregator.summary, aggregator.writer))
}

/// The outcome of one record alone, without a store: the same as in any batch; and what the search tried for it.
pub fn outcome(corpus: &Corpus, id: SpecId, options: &Options, stop: &AtomicBool) -> (Outcome, Vec<Tried>) {
    let context = Context::new(corpus, options, stop);
    let mut worker = context.lend();
    let outcome = context.outcome(&mut worker, id);
    (outcome, worker.tried().to_vec())
}

/// The fingerprint of a record's outcome; `None` where there is nothing to find out.
pub fn fingerprint_of(
    corpus: &Corpus,
    record: &Record<'_>,
    options: &Options,
    settings: &[u8; 32],
) -> Option<Fingerprint> {
    if !record.is_valid() {
        return None;
    }
    let closure = match record.has_uses() {
        false => None,
        true => Some(uses::closure(corpus, record.id()).ok()?.hash),
    };
    if options.merge_heldout {
        let mut both = blake3::Hasher::new();
        both.update(settings).update(&options.heldout_key(record).to_le_bytes());
        return Some(Fingerprint::of(record.content_hash(), closure.as_ref(), both.finalize().as_bytes()));
    }
    Some(Fingerprint::of(record.content_hash(), closure.as_ref(), settings))
}

struct Batch<'c> {
    corpus: &'c Corpus,
    options: &'c Options,
    settings: [u8; 32],
    provenance: Provenance,
    context: Context<'c>,
    progress: &'c dyn Progress,
    stop: &'c AtomicBool,
}

impl Batch<'_> {
    /// The outcomes of one chunk, or nothing once a signal came.
    fn chunk(&self, ids: &[SpecId], store: Option<&Store>) -> Option<Vec<Done>> {
        let mut worker = self.context.lend();
        if profile::is_on() {
            worker.show_words();
        }
        let mut done = Vec::with_capacity(ids.len());
        for id in ids {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            let began = Instant::now();
            let mut one = self.one(&mut worker, *id, store);
            one.elapsed = began.elapsed();
            if one.outcome.stop == Stop::Interrupted {
                return None;
            }
            done.push(one);
        }
        self.progress.advance(ids.len());
        Some(done)
    }

    fn one(
        &self,
        worker: &mut crate::arena::Lent<'_, super::worker::Worker>,
        id: SpecId,
        store: Option<&Store>,
    ) -> Done {
        let Some(store) = store else {
            let outcome = self.work(worker, id);
            return Done {
                outcome,
                fingerprint: None,
                stored: None,
                source: Source::Worked,
                elapsed: Duration::ZERO,
            };
        };
        let record = self.corpus.record(id);
        let fingerprint = fingerprint_of(self.corpus, &record, self.options, &self.settings);
        let heldout_key = self.options.heldout_key(&record);
        if let Some(known) = fingerprint.and_then(|fingerprint| store.get(fingerprint)) {
            let (mut outcome, scored) = known.into_outcome(id, heldout_key);
            if !scored {
                self.context.rescore(worker, &mut outcome);
            }
            self.context.remember(&outcome);
            let stored = (!scored).then(|| self.encode(&outcome, &record, heldout_key));
            let source = if scored { Source::Stored } else { Source::Rescored };
            return Done { outcome, fingerprint, stored, source, elapsed: Duration::ZERO };
        }
        let outcome = self.work(worker, id);
        let cacheable = fingerprint.is_some() && !matches!(outcome.status, Status::Crashed);
        let stored = cacheable.then(|| self.encode(&outcome, &record, heldout_key));
        Done { outcome, fingerprint, stored, source: Source::Worked, elapsed: Duration::ZERO }
    }

    fn work(&self, worker: &mut crate::arena::Lent<'_, super::worker::Worker>, id: SpecId) -> Outcome {
        let _stage = profile::stage(Stage::Synth);
        self.context.outcome(worker, id)
    }

    fn encode(&self, outcome: &Outcome, record: &Record<'_>, heldout_key: u64) -> Vec<u8> {
        store::encode(&StoredOutcome::new(outcome, heldout_key, record.content_hash(), &self.provenance))
    }
}

struct Aggregator<'s, 'c> {
    corpus: &'c Corpus,
    sink: &'s mut dyn Sink,
    writer: Option<store::Writer>,
    summary: Summary,
}

impl Aggregator<'_, '_> {
    /// Fans one window out over the pool. This thread is not of the pool: it takes the chunks from a bounded channel,
    /// restores their order and hands them on, so that a worker may wait on the channel without anything waiting on it.
    fn window(
        &mut self,
        pool: &rayon::ThreadPool,
        batch: &Batch<'_>,
        ids: &[SpecId],
        store: Option<&Store>,
    ) -> Result<(), RunError> {
        let (sender, receiver) = crossbeam_channel::bounded::<(usize, Vec<Done>)>(CHANNEL_CHUNKS);
        let failed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let failed = &failed;
            scope.spawn(move || {
                pool.install(|| {
                    ids.par_chunks(CHUNK).enumerate().for_each(|(index, chunk)| {
                        if failed.load(Ordering::Relaxed) {
                            return;
                        }
                        if let Some(done) = batch.chunk(chunk, store) {
                            // The receiver is gone only after it failed; then nobody wants the rest.
                            let _ = sender.send((index * CHUNK, done));
                        }
                    });
                });
            });
            let mut order = InOrder::default();
            for (start, mut chunk) in receiver {
                let taken = self
                    .keep(&mut chunk)
                    .and_then(|()| order.push(start, chunk, |done| self.take(done)).map_err(RunError::Sink));
                if let Err(error) = taken {
                    failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
            Ok(())
        })
    }

    /// Stores what was found out, as soon as it arrives: what waits for its turn is not lost with the process.
    fn keep(&mut self, chunk: &mut [Done]) -> Result<(), RunError> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let _stage = profile::stage(Stage::Store);
        for done in chunk {
            if let Some((fingerprint, stored)) = done.fingerprint.zip(done.stored.take()) {
                writer.put(fingerprint, stored).map_err(RunError::Store)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, done: Done) -> std::io::Result<()> {
        let summary = &mut self.summary;
        summary.n_specs += 1;
        summary.by_status[done.outcome.status as usize] += 1;
        let elapsed = matches!(done.source, Source::Worked).then_some(done.elapsed);
        match done.source {
            Source::Worked => summary.n_worked += 1,
            Source::Stored => summary.n_cached += 1,
            Source::Rescored => {
                summary.n_cached += 1;
                summary.n_rescored += 1;
            }
        }
        self.sink.accept(self.corpus.record(done.outcome.spec), &done.outcome, elapsed)
    }
}
