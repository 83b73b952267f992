//! The loop: events in, verdicts and files out. Everything that changes belongs to it alone.

use super::debounce::Debounce;
use super::event::{Command, Event, Remote};
use super::publish::{Publication, Published, absolute, chain};
use super::status::{Board, FAILING_MAX, LAST_MAX, Line, Phase, Topic};
use super::told::{self, Slot};
use super::watcher::{Filter, Watcher};
use crate::corpus::{BuildOptions, Corpus, Follower, Record};
use crate::model::{Outcome, SpecId, Stop};
use crate::pipeline::{self, Options, RunError, Store};
use crate::report::{Expectation, ReportOptions, Row, Verdicts, expectation, reason};
use crate::spec::SourceSet;
use crossbeam_channel::Receiver;
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// More changed paths than this are not kept apart: everything is looked at.
const DIRTY_MAX: usize = 1024;

/// New folders may hold new folders that appeared meanwhile; so often is looked again at once.
const WALKS_MAX: usize = 8;

/// When a source is old enough for its time of change to vouch for it.
const SETTLE: Duration = Duration::from_millis(2500);

/// Batches that may be interrupted in a row without one verdict before one is left in peace.
const INTERRUPTED_MAX: u32 = 8;

/// While much is worked on, what was found out is saved so often.
const SAVE_EVERY: Duration = Duration::from_secs(30);

/// Notes on failing records that are kept.
const NOTES_MAX: usize = 4096;

/// What the daemon needs of whoever wires it.
pub trait Host {
    /// Reads settings, templates and held-out cases, again and again; an error is one sentence.
    fn setup(&mut self) -> Result<Setup, String>;
    /// Finds the sources; an error is one sentence.
    fn sources(&mut self) -> Result<SourceSet, String>;
    /// A verdict.
    fn told(&mut self, told: &Told<'_>);
    /// Sees that the folder of the results is still this daemon's; `true` where it was gone and was taken again. An error is
    /// one sentence.
    fn hold(&mut self) -> Result<bool, String>;
    /// The loop has come round: it lives.
    fn alive(&mut self);
    /// All verdicts are told for the first time.
    fn ready(&mut self);
    /// The specifications and settings from now on.
    fn world(&mut self, corpus: &Arc<Corpus>, options: &Arc<Options>);
}

/// What follows from the settings.
pub struct Setup {
    /// How to search.
    pub options: Options,
    /// How the report is begun; the fingerprint is filled in.
    pub report: ReportOptions,
    /// What a published state depends on.
    pub fingerprint: fn(&Corpus, &Options) -> String,
    /// The time, as people write it.
    pub now: fn() -> String,
    /// What is watched.
    pub roots: Vec<PathBuf>,
    /// Files and folders on which the setup depends.
    pub extras: Vec<PathBuf>,
    /// Whether outcomes are remembered from run to run.
    pub remembers: bool,
}

/// One verdict.
pub struct Told<'a> {
    /// The record.
    pub record: Record<'a>,
    /// Its outcome.
    pub outcome: &'a Outcome,
    /// The same in short.
    pub line: &'a Line,
    /// Whether it was known from an earlier run.
    pub is_known: bool,
}

/// How the daemon goes about it.
#[derive(Clone, Debug)]
pub struct Orders {
    /// The folder of what is remembered.
    pub cache: PathBuf,
    /// A save is looked at after so long without a further notice.
    pub quiet: Duration,
    /// Everything is looked at so often.
    pub reconcile: Duration,
    /// The same without notices of the system.
    pub poll: Duration,
    /// Folders that may be watched.
    pub watches_max: usize,
    /// The loop comes round at least so often.
    pub heartbeat: Option<Duration>,
}

/// Why the daemon cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Settings or sources, in a sentence.
    #[error("{0}")]
    Setup(String),
    /// No threads, or nobody takes the verdicts.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Runs until it is asked to stop.
///
/// # Errors
/// When it cannot start. Later, what goes wrong is told in the status, and the daemon goes on where it can.
pub fn run(
    host: &mut dyn Host,
    orders: Orders,
    (remote, events): (Remote, Receiver<Event>),
    board: Arc<Board>,
) -> Result<(), DaemonError> {
    board.write(|status| status.pid = std::process::id());
    let mut service = Service::start(host, orders, remote, events, board)?;
    service.go()?;
    service.finish();
    Ok(())
}

struct Service<'h> {
    host: &'h mut dyn Host,
    orders: Orders,
    remote: Remote,
    events: Receiver<Event>,
    board: Arc<Board>,
    setup: Setup,
    options: Arc<Options>,
    sources: SourceSet,
    /// Position in the sources by absolute path.
    index: FxHashMap<PathBuf, usize>,
    follower: Follower,
    slots: Vec<Slot>,
    /// Records of the last change that wait for their verdict.
    urgent: Vec<SpecId>,
    /// When the last change was noticed.
    noticed: Option<Instant>,
    notes: FxHashMap<[u8; 16], String>,
    store: Arc<RwLock<Store>>,
    watcher: Watcher,
    filter: Arc<Mutex<Filter>>,
    debounce: Debounce,
    dirty: FxHashSet<PathBuf>,
    must_walk: bool,
    must_reload: bool,
    /// What is watched is not there: what was known of it stays until it comes back.
    are_sources_lost: bool,
    /// Some file could not be read.
    has_unreadable: bool,
    /// The next batch is found out again, whatever the store knows.
    reruns: bool,
    n_interrupted: u32,
    publisher: Option<JoinHandle<()>>,
    /// What the files of the results tell, by its fingerprint.
    published: Option<String>,
    publish_at: Option<Instant>,
    publish_cost: Duration,
    n_failed: u32,
    /// A batch was interrupted to save what it found out.
    must_save: bool,
    reconcile_at: Instant,
    walk_cost: Duration,
    settle_at: Option<Instant>,
    is_ready: bool,
    stopping: bool,
}

impl<'h> Service<'h> {
    fn start(
        host: &'h mut dyn Host,
        orders: Orders,
        remote: Remote,
        events: Receiver<Event>,
        board: Arc<Board>,
    ) -> Result<Self, DaemonError> {
        let setup = host.setup().map_err(DaemonError::Setup)?;
        let filter = Arc::new(Mutex::new(Filter::default()));
        let watcher = Watcher::new(Arc::clone(&filter), remote.clone(), orders.watches_max);
        let archive = orders.cache.join("corpus");
        let outcomes = orders.cache.join("outcomes");
        let store = if setup.remembers { Store::open(&outcomes) } else { Ok(Store::empty(&outcomes)) };
        let store = store.unwrap_or_else(|error| {
            let problem = format!("cannot open the outcome store {}: {error}", outcomes.display());
            board.write(|status| drop(status.problems.insert(Topic::Results, problem)));
            Store::empty(&outcomes)
        });
        let mut service = Self {
            options: Arc::new(setup.options.clone()),
            follower: Follower::in_memory(&archive, &BuildOptions::default()),
            debounce: Debounce::new(orders.quiet),
            reconcile_at: Instant::now() + orders.reconcile,
            store: Arc::new(RwLock::new(store)),
            sources: SourceSet::default(),
            index: FxHashMap::default(),
            slots: Vec::new(),
            urgent: Vec::new(),
            noticed: None,
            notes: FxHashMap::default(),
            dirty: FxHashSet::default(),
            must_walk: false,
            must_reload: false,
            are_sources_lost: false,
            has_unreadable: false,
            reruns: false,
            n_interrupted: 0,
            publisher: None,
            published: None,
            publish_at: None,
            publish_cost: Duration::ZERO,
            n_failed: 0,
            must_save: false,
            walk_cost: Duration::ZERO,
            settle_at: None,
            is_ready: false,
            stopping: false,
            host,
            orders,
            remote,
            events,
            board,
            setup,
            watcher,
            filter,
        };
        service.walk().map_err(DaemonError::Setup)?;
        let flags = Arc::clone(&service.remote.flags);
        let go_on = move |_| match flags.abandon.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        match Follower::open(&archive, &service.sources, &BuildOptions::default(), &go_on) {
            Ok((follower, followed)) => {
                service.follower = follower;
                service.note_problems(&followed.problems);
                service.replan(false);
            }
            Err(_) if service.remote.flags.abandon.load(Ordering::SeqCst) => {}
            Err(error) => {
                service.problem(Topic::Results, Some(format!("cannot keep the archive: {}", chain(&error))));
                service.take_in(None, false);
            }
        }
        service.urgent.clear();
        Ok(service)
    }

    fn go(&mut self) -> Result<(), DaemonError> {
        loop {
            self.host.alive();
            if self.remote.flags.abandon.load(Ordering::SeqCst) {
                return Ok(());
            }
            let is_complete = self.work()?;
            if self.stopping {
                return Ok(());
            }
            self.publish_if_due(is_complete);
            self.save_if_due();
            if let Some(event) = self.wait() {
                self.take(event);
                // Everything else that is there, so that a burst is one.
                while let Ok(event) = self.events.try_recv() {
                    self.take(event);
                }
            }
            self.look_if_due();
        }
    }

    /// Waits for the next event, or until something is due.
    fn wait(&mut self) -> Option<Event> {
        let now = Instant::now();
        if self.has_work() && self.debounce.due().is_none() {
            return self.events.try_recv().ok();
        }
        let deadlines = [
            self.debounce.due(),
            self.publish_at.filter(|_| self.publisher.is_none()),
            Some(self.reconcile_at),
            self.settle_at,
            self.orders.heartbeat.map(|heartbeat| now + heartbeat),
        ];
        let deadline = deadlines.into_iter().flatten().min().expect("the reconcile is always due once");
        self.events.recv_deadline(deadline).ok()
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Changed(path) => {
                self.debounce.notice(Instant::now());
                if self.dirty.len() < DIRTY_MAX {
                    self.dirty.insert(path);
                } else {
                    self.must_walk = true;
                }
            }
            Event::Lost => {
                self.debounce.notice(Instant::now());
                self.remote.flags.lost.store(true, Ordering::SeqCst);
            }
            Event::Unwatched(path) => {
                self.watcher.forget(&path);
                self.must_walk = true;
            }
            Event::Command(Command::Stop) => {
                self.stopping = true;
                self.board.write(|status| status.phase = Phase::Stopping);
            }
            Event::Command(Command::Reload) => {
                self.must_reload = true;
                self.debounce.notice(Instant::now());
            }
            Event::Command(command) => self.rerun(command == Command::RerunFailing),
            Event::Published(published) => self.take_published(published),
        }
    }

    fn rerun(&mut self, only_failing: bool) {
        for slot in self.slots.iter_mut().filter(|slot| slot.is_failing || !only_failing) {
            slot.status = None;
        }
        self.urgent = self.waiting();
        self.reruns = !self.urgent.is_empty();
        self.noticed = None;
        self.count();
    }

    /// Looks at what changed, once it is quiet; at everything, now and then.
    fn look_if_due(&mut self) {
        let now = Instant::now();
        if self.remote.flags.lost.swap(false, Ordering::SeqCst) {
            // What was unwatched meanwhile may be among what was lost.
            self.watcher.forget(Path::new("/"));
            self.must_walk = true;
            self.debounce.notice(now);
        }
        if now >= self.reconcile_at {
            self.must_walk = true;
            if self.is_ready {
                self.hold_results();
            }
        } else if self.settle_at.is_some_and(|at| now >= at) && self.debounce.due().is_none() {
            if !self.are_sources_lost {
                self.take_in(None, true);
            }
            // Once is enough: what is still young then is from a clock that goes wrong.
            self.settle_at = None;
            return;
        } else if self.debounce.due().is_none_or(|due| now < due) {
            return;
        }
        if self.stopping {
            return;
        }
        let noticed = self.debounce.first();
        let is_same_settings = !self.reload_if_needed();
        let dirty = std::mem::take(&mut self.dirty);
        let mut changed = Vec::new();
        for path in &dirty {
            match self.index.get(path).copied() {
                Some(at) if self.sources.files[at].look_again() => changed.push(at),
                _ => self.must_walk = true,
            }
        }
        self.noticed = noticed;
        // Whether a file that could not be read can be read now, only a look at everything tells.
        let walks = std::mem::take(&mut self.must_walk) || self.has_unreadable;
        if walks && let Err(problem) = self.walk() {
            self.are_sources_lost = true;
            self.problem(Topic::Sources, Some(problem));
            self.reconcile_at = Instant::now() + self.orders.poll;
        }
        if !self.are_sources_lost {
            self.take_in((!walks).then_some(changed.as_slice()), is_same_settings);
        } else if !is_same_settings {
            let corpus = Arc::clone(self.follower.corpus());
            self.replan_from(Some(&corpus), false);
        }
        self.debounce.looked(now.elapsed());
    }

    /// Reads settings again if they changed; `true` if others are in force now.
    fn reload_if_needed(&mut self) -> bool {
        let extras: Vec<PathBuf> = self.setup.extras.iter().map(|path| absolute(path)).collect();
        let is_extra = |path: &PathBuf| extras.iter().any(|extra| path.starts_with(extra));
        let touched = self.dirty.iter().any(is_extra);
        // A list that overflowed may have lost what was touched.
        if !touched && !self.must_reload && self.dirty.len() < DIRTY_MAX {
            return false;
        }
        self.must_reload = false;
        self.dirty.retain(|path| !is_extra(path));
        match self.host.setup() {
            Err(problem) => {
                self.problem(
                    Topic::Settings,
                    Some(format!("the new settings are refused, the old ones stay: {problem}")),
                );
                false
            }
            Ok(setup) => {
                self.problem(Topic::Settings, None);
                let before = key_of(&self.options);
                self.setup = setup;
                self.options = Arc::new(self.setup.options.clone());
                self.must_walk = true;
                before != key_of(&self.options)
            }
        }
    }

    /// Walks all folders and watches what is new in them; on an error the sources stay as they were.
    fn walk(&mut self) -> Result<(), String> {
        let began = Instant::now();
        let out = absolute(&self.setup.report.out);
        let extras: Vec<PathBuf> = self.setup.extras.iter().map(|path| absolute(path)).collect();
        let roots: Vec<PathBuf> = self.setup.roots.iter().map(|path| absolute(path)).collect();
        let mut found = Err(String::new());
        for _ in 0..WALKS_MAX {
            found = self.host.sources();
            let folders: FxHashSet<PathBuf> = match &found {
                Ok(sources) => sources
                    .folders
                    .iter()
                    .map(|folder| absolute(folder))
                    .filter(|folder| !folder.starts_with(&out))
                    .collect(),
                Err(_) => FxHashSet::default(),
            };
            // What is named may vanish and come back: that shows in the folder above, the nearest one that is there.
            let above = roots.iter().chain(&extras).flat_map(|path| {
                let above = path.ancestors().skip(1).find(|folder| folder.is_dir());
                above.into_iter().map(Path::to_owned).chain(path.is_dir().then(|| path.clone()))
            });
            let wanted: FxHashSet<PathBuf> = folders.iter().cloned().chain(above).collect();
            *self.filter.lock().unwrap_or_else(PoisonError::into_inner) =
                Filter { out: out.clone(), extras: extras.clone(), folders, roots: roots.clone() };
            if !self.watcher.follow(&wanted) {
                break;
            }
        }
        self.walk_cost = began.elapsed();
        let degraded = self.watcher.degraded().map(str::to_owned);
        let interval = match degraded {
            // Looking takes a tenth of the time at most.
            Some(_) => self.orders.poll.max(10 * self.walk_cost),
            None => self.orders.reconcile,
        };
        self.reconcile_at = Instant::now() + interval;
        let n_watched = self.watcher.n_watched();
        self.board.write(|status| {
            status.reconciles += 1;
            status.degraded = degraded.is_some();
            status.watched = n_watched;
        });
        let told = degraded.map(|why| {
            format!(
                "degraded, because {why}: changes are found by looking every {:.0} s",
                interval.as_secs_f64()
            )
        });
        self.problem(Topic::Watching, told);
        self.sources = found?;
        self.are_sources_lost = false;
        let passed_over = told_problems(&self.sources.diagnostics);
        self.problem(Topic::Sources, passed_over);
        self.index =
            self.sources.files.iter().enumerate().map(|(at, file)| (absolute(&file.path), at)).collect();
        Ok(())
    }

    /// Takes what changed in the sources into the archive, and plans. Where it is known which files changed, only these are
    /// looked at.
    fn take_in(&mut self, changed: Option<&[usize]>, is_same_settings: bool) {
        let before = (Arc::clone(self.follower.corpus()), std::mem::take(&mut self.slots));
        let go_on = |_| ControlFlow::Continue(());
        let followed = match changed {
            None => self.follower.update(&self.sources, &go_on),
            Some(changed) => self.follower.update_files(&self.sources, changed, &go_on),
        };
        self.slots = before.1;
        match followed {
            Err(error) => self.problem(Topic::Sources, Some(chain(&error))),
            Ok(followed) => {
                self.note_problems(&followed.problems);
                self.board.write(|status| status.updates += 1);
                if followed.is_changed || !is_same_settings || before.0.is_empty() {
                    self.replan_from(Some(&before.0), is_same_settings);
                }
                self.settle_at = (!self.follower.corpus().is_settled()).then(|| Instant::now() + SETTLE);
            }
        }
    }

    fn replan(&mut self, is_same_settings: bool) {
        self.replan_from(None, is_same_settings);
        self.settle_at = (!self.follower.corpus().is_settled()).then(|| Instant::now() + SETTLE);
    }

    fn replan_from(&mut self, before: Option<&Corpus>, is_same_settings: bool) {
        let corpus = Arc::clone(self.follower.corpus());
        let mut options = (*self.options).clone();
        options.note_used(&corpus);
        self.options = Arc::new(options);
        let old = before.map(|before| (before, self.slots.as_slice()));
        let plan = told::plan(old, is_same_settings, &corpus, &self.options);
        self.slots = plan.slots;
        self.urgent = plan.new;
        self.reruns = false;
        self.host.world(&corpus, &self.options);
        self.publish_soon();
        self.count();
    }

    fn note_problems(&mut self, problems: &[crate::model::Diagnostic]) {
        self.has_unreadable = !problems.is_empty();
        problems.iter().for_each(|problem| {
            tracing::warn!(file = problem.file.as_deref().unwrap_or(""), "{}", problem.message)
        });
        if !problems.is_empty() {
            self.problem(Topic::Sources, told_problems(problems));
        }
    }

    fn waiting(&self) -> Vec<SpecId> {
        let waits = |(_, slot): &(u32, &Slot)| slot.status.is_none();
        (0..).zip(&self.slots).filter(waits).map(|(rank, _)| SpecId(rank)).collect()
    }

    fn has_work(&self) -> bool {
        self.slots.iter().any(|slot| slot.status.is_none())
    }

    /// Finds outcomes out, those of the last change first; `true` when all are known.
    fn work(&mut self) -> Result<bool, DaemonError> {
        loop {
            self.urgent.retain(|id| self.slots[id.index()].status.is_none());
            let is_urgent = !self.urgent.is_empty();
            let ids = if is_urgent { std::mem::take(&mut self.urgent) } else { self.waiting() };
            if ids.is_empty() {
                self.reruns = false;
                let is_first = !std::mem::replace(&mut self.is_ready, true);
                if is_first {
                    self.host.ready();
                }
                let phase = if self.stopping { Phase::Stopping } else { Phase::Idle };
                if self.board.with(|status| status.phase != phase || status.working_on.is_some()) {
                    self.board.write(|status| (status.phase, status.working_on) = (phase, None));
                }
                return Ok(true);
            }
            let flags = Arc::clone(&self.remote.flags);
            flags.interrupt.store(flags.abandon.load(Ordering::SeqCst), Ordering::SeqCst);
            if !self.stopping && (!self.events.is_empty() || self.debounce.due().is_some()) {
                self.urgent = if is_urgent { ids } else { Vec::new() };
                return Ok(false);
            }
            if self.batch(&ids)? {
                self.urgent = if is_urgent { ids } else { Vec::new() };
                return Ok(false);
            }
        }
    }

    /// Finds the outcomes of these records out; `true` if something came between.
    fn batch(&mut self, ids: &[SpecId]) -> Result<bool, DaemonError> {
        let corpus = Arc::clone(self.follower.corpus());
        let flags = Arc::clone(&self.remote.flags);
        let in_peace = self.n_interrupted >= INTERRUPTED_MAX;
        let stop = if in_peace || self.stopping { &flags.abandon } else { &flags.interrupt };
        self.board.write(|status| {
            status.phase = if self.stopping { Phase::Stopping } else { Phase::Working };
            status.working_on = Some((0, ids.len()));
        });
        let mut telling = Telling {
            host: &mut *self.host,
            board: &self.board,
            slots: &mut self.slots,
            notes: &mut self.notes,
            sources: &self.sources,
            noticed: self.noticed,
            is_few: ids.len() <= 1000,
            may_be_overtaken: !self.are_sources_lost,
            overtaken: FxHashSet::default(),
            flags: &flags,
            n_seen: 0,
            n_told: 0,
            n_all: ids.len(),
            save_at: self.setup.remembers.then(|| Instant::now() + SAVE_EVERY),
            must_save: &mut self.must_save,
        };
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let ran = match self.reruns {
            true => pipeline::run(&corpus, ids, &self.options, None, &mut telling, &pipeline::Silent, stop),
            false => pipeline::run_beside(
                &corpus,
                ids,
                &self.options,
                &store,
                &mut telling,
                &pipeline::Silent,
                stop,
            ),
        };
        drop(store);
        let (n_told, n_seen) = (telling.n_told, telling.n_seen);
        let overtaken = std::mem::take(&mut telling.overtaken);
        let summary = ran?;
        // The notice is on its way, but perhaps only by looking now and then.
        overtaken.iter().for_each(|path| self.take(Event::Changed(absolute(path))));
        // Only while nobody reads: the next verdict is worth more than a shorter list.
        if let Ok(mut store) = self.store.try_write()
            && store.has_unadopted()
            && let Err(error) = store.adopt()
        {
            tracing::warn!(%error, "cannot take in what was stored");
        }
        self.n_interrupted = if n_told > 0 || !summary.interrupted { 0 } else { self.n_interrupted + 1 };
        self.count();
        self.publish_soon();
        Ok(summary.interrupted || n_told < n_seen)
    }

    /// Tells totals and failures.
    fn count(&mut self) {
        let corpus = self.follower.corpus();
        let mut verdicts = Verdicts::default();
        let (mut waiting, mut failing) = (0, 0);
        let mut first_failing = Vec::new();
        for (rank, slot) in (0..).zip(&self.slots) {
            match slot.status {
                Some(status) => verdicts.add(status),
                None => waiting += 1,
            }
            if slot.is_failing
                && let Some(status) = slot.status
            {
                failing += 1;
                if first_failing.len() < FAILING_MAX {
                    let record = corpus.record(SpecId(rank));
                    first_failing.push(Line {
                        word: record.word().map(str::to_owned),
                        status,
                        file: record.file().to_owned(),
                        line: record.line(),
                        note: self.notes.get(&slot.key).cloned().unwrap_or_default(),
                        is_failing: true,
                        latency_us: None,
                    });
                }
            }
        }
        let (specs, files) = (corpus.len(), self.sources.files.len());
        self.board.write(|status| {
            (status.specs, status.files, status.verdicts) = (specs, files, verdicts);
            (status.waiting, status.failing, status.first_failing) = (waiting, failing, first_failing);
            status.published = false;
        });
    }

    fn problem(&mut self, topic: Topic, sentence: Option<String>) {
        let is_news = self.board.with(|status| status.problems.get(&topic) != sentence.as_ref());
        if !is_news {
            return;
        }
        match &sentence {
            Some(sentence) => tracing::warn!(?topic, "{sentence}"),
            None => tracing::info!(?topic, "mended"),
        }
        self.board.write(|status| match sentence {
            Some(sentence) => drop(status.problems.insert(topic, sentence)),
            None => drop(status.problems.remove(&topic)),
        });
    }

    /// Publishing waits for a pause that is in proportion to what it costs.
    fn publish_soon(&mut self) {
        let delay = (2 * self.publish_cost).clamp(Duration::from_millis(100), Duration::from_secs(5));
        // A steady stream of saves does not put it off for ever.
        self.publish_at.get_or_insert(Instant::now() + delay);
    }

    fn publish_if_due(&mut self, is_complete: bool) {
        let is_due = self.publish_at.is_some_and(|at| Instant::now() >= at);
        if !is_complete || !is_due || self.publisher.is_some() || self.stopping {
            return;
        }
        self.publish_at = None;
        let Some(publication) = self.publication(true) else { return };
        match publication.start(self.remote.clone()) {
            Ok(thread) => self.publisher = Some(thread),
            Err(error) => self.problem(Topic::Results, Some(format!("cannot start a thread: {error}"))),
        }
    }

    /// Saves what was found out so far: if this process is killed, the next one goes on from there.
    fn save_if_due(&mut self) {
        if !self.must_save || self.publisher.is_some() {
            return;
        }
        self.must_save = false;
        if let Some(publication) = self.publication(false) {
            self.publisher = publication.start(self.remote.clone()).ok();
        }
    }

    /// Sees that the folder of the results is there, and this daemon's.
    fn hold_results(&mut self) -> bool {
        match self.host.hold() {
            Ok(false) => true,
            Ok(true) => {
                tracing::warn!("the folder of the results was gone: it is made anew");
                self.published = None;
                self.publish_soon();
                true
            }
            Err(problem) => {
                self.problem(
                    Topic::Results,
                    Some(format!("cannot write the results, trying again: {problem}")),
                );
                self.publish_at = Some(Instant::now() + self.orders.poll);
                false
            }
        }
    }

    /// What is to be published; `None` where it is already, or somebody else has taken the folder.
    fn publication(&mut self, is_whole: bool) -> Option<Publication> {
        if is_whole && !self.hold_results() {
            return None;
        }
        if let Err(error) = self.follower.compact() {
            tracing::warn!("cannot put segments together: {}", chain(&error));
        }
        let corpus = Arc::clone(self.follower.corpus());
        let fingerprint = (self.setup.fingerprint)(&corpus, &self.options);
        if is_whole && self.published.as_ref() == Some(&fingerprint) {
            self.board.write(|status| status.published = true);
            return None;
        }
        Some(Publication {
            corpus,
            options: Arc::clone(&self.options),
            report: ReportOptions { fingerprint, ..self.setup.report.clone() },
            archive: self.follower.dir().to_owned(),
            store: Arc::clone(&self.store),
            now: self.setup.now,
            is_whole,
            remembers: self.setup.remembers,
        })
    }

    fn take_published(&mut self, published: Published) {
        if let Some(thread) = self.publisher.take() {
            let _ = thread.join();
        }
        let Published { saved, generation, is_whole, result, elapsed } = published;
        self.follower.adopt(saved);
        if !is_whole {
            let problem = result.err().map(|problem| format!("cannot save what was found out: {problem}"));
            return self.problem(Topic::Results, problem);
        }
        self.publish_cost = elapsed;
        match result {
            Ok(()) => {
                self.n_failed = 0;
                self.problem(Topic::Results, None);
                let is_present = self.follower.corpus().generation() == generation && !self.has_work();
                if is_present {
                    self.published = Some((self.setup.fingerprint)(self.follower.corpus(), &self.options));
                } else {
                    self.publish_soon();
                }
                self.board.write(|status| {
                    status.publications += 1;
                    status.published = is_present;
                });
            }
            Err(problem) => {
                self.n_failed += 1;
                let delay = Duration::from_secs(1 << self.n_failed.min(5));
                self.publish_at = Some(Instant::now() + delay);
                self.problem(
                    Topic::Results,
                    Some(format!("cannot write the results, trying again: {problem}")),
                );
            }
        }
    }

    /// Waits for the publisher, and publishes the last state; what is not complete is at least remembered.
    fn finish(mut self) {
        while self.publisher.is_some() {
            self.host.alive();
            // The publisher tells before it ends, and waits for room in the queue.
            if let Ok(Event::Published(published)) = self.events.recv_timeout(Duration::from_secs(1)) {
                self.take_published(published);
            }
        }
        let is_complete = self.is_ready && !self.has_work();
        if !self.is_ready && self.follower.corpus().is_empty() {
            // Asked to end before anything was read: what is there stays.
            return;
        }
        if let Some(publication) = self.publication(is_complete) {
            let flags = Arc::clone(&self.remote.flags);
            if let Err(problem) = publication.run(&flags).result {
                tracing::error!("{problem}");
                self.problem(Topic::Results, Some(problem));
            }
        }
    }
}

/// The first of some problems with files, in a sentence.
fn told_problems(problems: &[crate::model::Diagnostic]) -> Option<String> {
    let first = problems.first()?;
    let more = match problems.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let file = first.file.as_deref().unwrap_or("");
    Some(format!("{file}: {}{more}", first.message))
}

/// What settings say about verdicts.
fn key_of(options: &Options) -> ([u8; 32], Option<[u8; 32]>) {
    (options.hash(), options.heldout.as_ref().map(|heldout| heldout.hash()))
}

/// Tells verdicts as they come in corpus order.
struct Telling<'a> {
    host: &'a mut dyn Host,
    board: &'a Board,
    slots: &'a mut [Slot],
    notes: &'a mut FxHashMap<[u8; 16], String>,
    sources: &'a SourceSet,
    noticed: Option<Instant>,
    is_few: bool,
    may_be_overtaken: bool,
    overtaken: FxHashSet<PathBuf>,
    flags: &'a super::event::Flags,
    n_seen: usize,
    n_told: usize,
    n_all: usize,
    /// From when on the batch is interrupted for a moment, so that what it found out can be saved.
    save_at: Option<Instant>,
    must_save: &'a mut bool,
}

impl Telling<'_> {
    /// Whether the file of a record is the one that was read. Looked at where somebody may have written meanwhile.
    fn is_overtaken(&self, record: &Record<'_>) -> bool {
        if !self.may_be_overtaken || !self.is_few && !self.flags.interrupt.load(Ordering::Relaxed) {
            return false;
        }
        let file = self.sources.files.get(record.source()).filter(|file| file.name == record.file());
        let Some(file) = file else { return false };
        let mut now = file.clone();
        !now.look_again() || now.stat != file.stat
    }
}

impl pipeline::Sink for Telling<'_> {
    fn accept(
        &mut self,
        record: Record<'_>,
        outcome: &Outcome,
        elapsed: Option<Duration>,
    ) -> std::io::Result<()> {
        self.n_seen += 1;
        self.host.alive();
        if outcome.stop == Stop::Interrupted || self.is_overtaken(&record) {
            self.overtaken.insert(self.sources.files[record.source()].path.clone());
            self.board.write(|status| status.dropped += 1);
            return Ok(());
        }
        self.n_told += 1;
        let row = Row::from_record(record);
        let is_failing = expectation(&row, outcome) == Expectation::Failing;
        let note = match outcome.strategy {
            _ if is_failing => reason(&row, outcome),
            Some(strategy) => strategy.name().to_owned(),
            None => outcome.stop.name().to_owned(),
        };
        let slot = &mut self.slots[record.id().index()];
        (slot.status, slot.is_failing) = (Some(outcome.status), is_failing);
        if is_failing {
            if self.notes.len() >= NOTES_MAX {
                self.notes.clear();
            }
            self.notes.insert(slot.key, note.clone());
        }
        let latency = self.noticed.map(|noticed| noticed.elapsed());
        let line = Line {
            word: record.word().map(str::to_owned),
            status: outcome.status,
            file: record.file().to_owned(),
            line: record.line(),
            note,
            is_failing,
            latency_us: latency.map(|latency| latency.as_micros() as u64),
        };
        self.host.told(&Told { record, outcome, line: &line, is_known: elapsed.is_none() });
        self.board.write(|status| {
            status.told += 1;
            status.working_on = Some((self.n_seen, self.n_all));
            latency.into_iter().for_each(|latency| status.note_latency(latency));
            status.last.push_front(line);
            status.last.truncate(LAST_MAX);
        });
        if self.save_at.take_if(|at| Instant::now() >= *at).is_some() {
            *self.must_save = true;
            self.flags.interrupt.store(true, Ordering::SeqCst);
        }
        Ok(())
    }
}
