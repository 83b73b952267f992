//! Makes what is known last, on a thread of its own: the archive, the outcome store, the files of the report.

use super::event::{Flags, Remote};
use crate::corpus::{self, Corpus, Record, Saved};
use crate::model::{Outcome, Sharing, SpecId};
use crate::pipeline::{self, Options, Store};
use crate::report::{self, Report, ReportOptions, Row, RunFacts};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// A generation whose outcomes are all known.
pub(super) struct Publication {
    pub corpus: Arc<Corpus>,
    pub options: Arc<Options>,
    pub report: ReportOptions,
    pub archive: PathBuf,
    pub store: Arc<RwLock<Store>>,
    /// The time, as people write it.
    pub now: fn() -> String,
    /// Whether the report is written too, not only what is remembered.
    pub is_whole: bool,
    /// Whether outcomes are remembered from run to run.
    pub remembers: bool,
}

/// What became of it.
pub struct Published {
    pub(super) saved: Saved,
    pub(super) generation: [u8; 32],
    pub(super) is_whole: bool,
    pub(super) result: Result<(), String>,
    pub(super) elapsed: Duration,
}

impl std::fmt::Debug for Published {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Published({:?})", self.result)
    }
}

impl Publication {
    /// Publishes and tells the loop.
    pub(super) fn start(self, remote: Remote) -> std::io::Result<std::thread::JoinHandle<()>> {
        std::thread::Builder::new().name("publisher".to_owned()).spawn(move || {
            let flags = Arc::clone(&remote.flags);
            remote.published(self.run(&flags));
        })
    }

    /// Publishes, here and now. An archive that cannot be saved does not keep the report from being written.
    pub(super) fn run(self, flags: &Flags) -> Published {
        let began = Instant::now();
        let generation = self.corpus.generation();
        let (saved, archived) = match corpus::save(&self.archive, &self.corpus) {
            Ok(saved) => (saved, Ok(())),
            Err(error) => (Saved::default(), Err(chain(&error))),
        };
        let stored = if self.remembers { self.remember() } else { Ok(()) };
        let reported = if self.is_whole { self.write_report(began, &flags.abandon) } else { Ok(()) };
        let is_whole = self.is_whole;
        Published {
            saved,
            generation,
            is_whole,
            result: reported.and(archived).and(stored),
            elapsed: began.elapsed(),
        }
    }

    fn remember(&self) -> Result<(), String> {
        let store = &self.store;
        let saved = store.read().unwrap_or_else(PoisonError::into_inner).save();
        let adopted = store.write().unwrap_or_else(PoisonError::into_inner).adopt();
        saved.and(adopted).map_err(|error| format!("cannot write the outcome store: {error}"))
    }

    fn write_report(&self, began: Instant, abandon: &AtomicBool) -> Result<(), String> {
        let out = &self.report.out;
        if report::unchanged(out, &self.report.fingerprint).is_some() {
            return Ok(());
        }
        // The search is over: one thread looks outcomes up, and leaves the others to the next verdict.
        let options = Options { jobs: 1, ..(*self.options).clone() };
        let report = Report::begin(self.report.clone()).map_err(|error| chain(&error))?;
        let mut sink = ReportSink { report };
        let selected: Vec<SpecId> = (0..self.corpus.len() as u32).map(SpecId).collect();
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        let summary = pipeline::run_beside(
            &self.corpus,
            &selected,
            &options,
            &store,
            &mut sink,
            &pipeline::Silent,
            abandon,
        )
        .map_err(|error| chain(&error))?;
        if summary.interrupted {
            return Err("publishing was interrupted".to_owned());
        }
        let facts = RunFacts {
            finished: (self.now)(),
            elapsed: began.elapsed(),
            threads: 1,
            stages: vec![("publishing", began.elapsed())],
            interrupted: false,
            sharing: Sharing::default(),
        };
        sink.report.finish(facts).map_err(|error| chain(&error)).map(drop)
    }
}

struct ReportSink {
    report: Report,
}

impl pipeline::Sink for ReportSink {
    fn accept(
        &mut self,
        record: Record<'_>,
        outcome: &Outcome,
        elapsed: Option<Duration>,
    ) -> std::io::Result<()> {
        let row = Row::from_record(record).timed(elapsed);
        self.report.accept(&row, outcome).map_err(std::io::Error::other)
    }
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text += &format!(": {more}");
        }
        cause = error.source();
    }
    text
}

/// Whether two paths are the same place.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
