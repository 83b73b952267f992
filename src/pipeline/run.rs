//! The run: plan, fan out, put back into order, hand on and store.

use crate::corpus::{Corpus, Record};
use crate::model::{Outcome, Sharing, SpecId, Status, Stop};
use crate::pipeline::options::Options;
use crate::pipeline::order::InOrder;
use crate::pipeline::store::{self, Provenance, Store, StoredOutcome};
use crate::pipeline::worker::Context;
use crate::pipeline::{Fingerprint, fingerprint, uses};
use crate::profile::{self, Stage};
use crate::synth::{Round, Tried};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Records that a worker takes at once: enough to make the lending of a worker and the message cheap, few enough to keep
/// all threads busy with specifications that take long.
const CHUNK: usize = 16;

/// Records of later rounds, each of which takes long.
const CHUNK_OF_HARD: usize = 1;

/// Records that go through all rounds together before the next do: bounds what waits to be put into order.
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
    /// A round begins with so many records that are still to be settled.
    fn round(&self, round: Round, n_specs: usize);
    /// The round went through so many more.
    fn advance(&self, n_specs: usize);
    /// So many more are settled and need no further round, and so many of these are verified.
    fn settled(&self, n_specs: usize, n_verified: usize);
}

/// Hears nothing.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: usize) {}
    fn round(&self, _: Round, _: usize) {}
    fn advance(&self, _: usize) {}
    fn settled(&self, _: usize, _: usize) {}
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
    /// Records whose outcome the sink has seen.
    pub n_specs: usize,
    /// Records that have an outcome: more than the sink has seen where the run was interrupted.
    pub n_settled: usize,
    /// How many of those are verified.
    pub n_verified: usize,
    /// Outcomes taken from the store.
    pub n_cached: usize,
    /// Outcomes found out now.
    pub n_worked: usize,
    /// Held-out scores taken anew for outcomes of the store.
    pub n_rescored: usize,
    /// Banks that specifications shared.
    pub sharing: Sharing,
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

/// A record that no round has settled yet.
#[derive(Clone, Copy)]
struct Waiting {
    /// Its place in the window.
    at: usize,
    /// What the rounds took so far.
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
        aggregator.summary.sharing = aggregator.summary.sharing.plus(batch.context.banks().forget());
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

/// Most records that [`company`] looks at.
const COMPANY_MAX: usize = 100_000;

/// How many records begin their search over expressions with the bank that this one begins with, among the first so many of
/// the corpus and itself; 0 where there is no such search.
pub fn company(corpus: &Corpus, id: SpecId, options: &Options) -> usize {
    let go = AtomicBool::new(false);
    let context = Context::new(corpus, options, &go);
    let mut worker = context.lend();
    let others = (0..corpus.len().min(COMPANY_MAX) as u32).map(SpecId).filter(|other| *other != id);
    others.chain([id]).for_each(|one| context.note(&mut worker, one));
    context.banks().n_wanting(id)
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
    /// One round of a window: hands what it settles to `send`, in runs of neighbours by the place of the first, and returns
    /// the rest in order. Once a signal came, what is left is in neither.
    fn round(
        &self,
        round: Round,
        (ids, waiting): (&[SpecId], &[Waiting]),
        store: Option<&Store>,
        failed: &AtomicBool,
        send: &(impl Fn(usize, Vec<Done>) + Sync),
    ) -> Vec<Waiting> {
        self.progress.round(round, waiting.len());
        let mut grouped = Vec::new();
        let (chunk, waiting) = if round.number() == 1 {
            (CHUNK, waiting)
        } else {
            grouped.extend_from_slice(waiting);
            self.context.banks().all_noted();
            self.group(ids, &mut grouped);
            (CHUNK_OF_HARD, grouped.as_slice())
        };
        let chunks =
            waiting.par_chunks(chunk).map(|chunk| self.chunk(round, (ids, chunk), store, failed, send));
        let mut left = chunks.collect::<Vec<_>>().concat();
        left.sort_unstable_by_key(|one| one.at);
        left
    }

    /// Brings those that share banks together, where the first of them stands.
    fn group(&self, ids: &[SpecId], waiting: &mut [Waiting]) {
        let mut first = FxHashMap::default();
        let mut places = FxHashMap::default();
        for one in waiting.iter() {
            let group = self.context.banks().group(ids[one.at]);
            let place = group.map_or(one.at, |group| *first.entry(group).or_insert(one.at));
            places.insert(one.at, place);
        }
        waiting.sort_by_key(|one| (places[&one.at], one.at));
    }

    fn chunk(
        &self,
        round: Round,
        (ids, waiting): (&[SpecId], &[Waiting]),
        store: Option<&Store>,
        failed: &AtomicBool,
        send: &(impl Fn(usize, Vec<Done>) + Sync),
    ) -> Vec<Waiting> {
        if is_over(self.stop, failed) {
            return Vec::new();
        }
        let mut worker = self.context.lend();
        if profile::is_on() {
            worker.show_words();
        }
        let mut done = Run { first: 0, items: Vec::new() };
        let mut left = Vec::new();
        for (position, one) in waiting.iter().enumerate() {
            if is_over(self.stop, failed) {
                break;
            }
            let began = Instant::now();
            let settled = self.one(round, &mut worker, ids[one.at], store);
            let elapsed = one.elapsed + began.elapsed();
            match settled {
                Some(settled) if settled.outcome.stop == Stop::Interrupted => break,
                Some(settled) => {
                    if one.at != done.first + done.items.len() {
                        self.hand_on(&mut done, send);
                    }
                    if done.items.is_empty() {
                        done = Run { first: one.at, items: Vec::with_capacity(waiting.len() - position) };
                    }
                    done.items.push(Done { elapsed, ..settled });
                }
                None => left.push(Waiting { elapsed, ..*one }),
            }
        }
        self.hand_on(&mut done, send);
        self.progress.advance(waiting.len());
        left
    }

    fn hand_on(&self, run: &mut Run, send: &impl Fn(usize, Vec<Done>)) {
        if run.items.is_empty() {
            return;
        }
        let items = std::mem::take(&mut run.items);
        let n_verified = items.iter().filter(|done| done.outcome.status == Status::Verified).count();
        self.progress.settled(items.len(), n_verified);
        send(run.first, items);
    }

    /// The outcome of one record, where the round comes to it or the store knows it.
    fn one(
        &self,
        round: Round,
        worker: &mut crate::arena::Lent<'_, super::worker::Worker>,
        id: SpecId,
        store: Option<&Store>,
    ) -> Option<Done> {
        let Some(store) = store else {
            let outcome = self.work(round, worker, id)?;
            return Some(Done {
                outcome,
                fingerprint: None,
                stored: None,
                source: Source::Worked,
                elapsed: Duration::ZERO,
            });
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
            return Some(Done { outcome, fingerprint, stored, source, elapsed: Duration::ZERO });
        }
        let outcome = self.work(round, worker, id)?;
        let cacheable = fingerprint.is_some() && !matches!(outcome.status, Status::Crashed);
        let stored = cacheable.then(|| self.encode(&outcome, &record, heldout_key));
        Some(Done { outcome, fingerprint, stored, source: Source::Worked, elapsed: Duration::ZERO })
    }

    fn work(
        &self,
        round: Round,
        worker: &mut crate::arena::Lent<'_, super::worker::Worker>,
        id: SpecId,
    ) -> Option<Outcome> {
        let _stage = profile::stage(Stage::Synth);
        self.context.outcome_in(round, worker, id)
    }

    fn encode(&self, outcome: &Outcome, record: &Record<'_>, heldout_key: u64) -> Vec<u8> {
        store::encode(&StoredOutcome::new(outcome, heldout_key, record.content_hash(), &self.provenance))
    }
}

/// Neighbours of a window, by the place of the first.
struct Run {
    first: usize,
    items: Vec<Done>,
}

/// Whether nobody wants more: a signal came, or what was found out cannot be written.
fn is_over(stop: &AtomicBool, failed: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed)
}

struct Aggregator<'s, 'c> {
    corpus: &'c Corpus,
    sink: &'s mut dyn Sink,
    writer: Option<store::Writer>,
    summary: Summary,
}

impl Aggregator<'_, '_> {
    /// Fans one window out over the pool, round by round. This thread is not of the pool: it takes what is settled from a
    /// bounded channel, restores its order and hands it on, so that a worker may wait on the channel without anything waiting on it.
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
                // The receiver is gone only after it failed; then nobody wants the rest.
                let send = |first, done| drop(sender.send((first, done)));
                let all = (0..ids.len()).map(|at| Waiting { at, elapsed: Duration::ZERO });
                let mut waiting: Vec<Waiting> = all.collect();
                // Where there is a thread for each, none has to wait for another.
                let few = ids.len() <= pool.current_num_threads();
                for round in Round::all().filter(|round| !few || round.is_last()) {
                    if waiting.is_empty() || is_over(batch.stop, failed) {
                        break;
                    }
                    waiting = pool.install(|| batch.round(round, (ids, &waiting), store, failed, &send));
                }
            });
            let mut order = InOrder::default();
            for (start, mut chunk) in receiver {
                self.count(&chunk);
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

    fn count(&mut self, settled: &[Done]) {
        self.summary.n_settled += settled.len();
        let is_verified = |done: &&Done| done.outcome.status == Status::Verified;
        self.summary.n_verified += settled.iter().filter(is_verified).count();
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
