//! What others see of the daemon: written by the loop, read by whoever asks.

use crate::model::Status as Verdict;
use crate::report::Verdicts;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many of the last verdicts are kept.
pub const LAST_MAX: usize = 64;

/// So many failing records are listed.
pub const FAILING_MAX: usize = 200;

/// What the daemon is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Reading everything for the first time.
    #[default]
    Starting,
    /// Finding outcomes out.
    Working,
    /// Nothing to do.
    Idle,
    /// Asked to end.
    Stopping,
}

/// What a problem is about: each is told in one sentence, and goes away by itself when it is mended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// Settings, templates, held-out cases.
    Settings,
    /// Finding and reading the specifications.
    Sources,
    /// Notices of the file system.
    Watching,
    /// Writing the results.
    Results,
}

/// One verdict that was told.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Line {
    /// The word; `None` where it could not be read.
    pub word: Option<String>,
    /// The verdict.
    pub status: Verdict,
    /// The source file.
    pub file: String,
    /// The line there.
    pub line: u32,
    /// Why it is not verified, else how it was found.
    pub note: String,
    /// Whether somebody should look at it.
    pub is_failing: bool,
    /// From the first notice of the change to the verdict, in microseconds; `None` where no notice came.
    pub latency_us: Option<u64>,
}

/// What the daemon knows of itself.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Status {
    /// What it does.
    pub phase: Phase,
    /// Its process.
    pub pid: u32,
    /// Records.
    pub specs: usize,
    /// Source files.
    pub files: usize,
    /// Records by verdict, as far as told.
    pub verdicts: Verdicts,
    /// Records whose verdict is not found out yet.
    pub waiting: usize,
    /// Records that fail; the first are listed.
    pub failing: usize,
    /// The first records that fail, in corpus order.
    pub first_failing: Vec<Line>,
    /// The last verdicts, the newest first.
    pub last: VecDeque<Line>,
    /// What is being worked on: done, of all.
    pub working_on: Option<(usize, usize)>,
    /// What is wrong, in a sentence for each topic.
    pub problems: BTreeMap<Topic, String>,
    /// Whether changes are found by looking now and then, for want of notices.
    pub degraded: bool,
    /// Folders from which notices come.
    pub watched: usize,
    /// Whether the files in the folder of the results tell the present state.
    pub published: bool,
    /// Verdicts told since the start.
    pub told: u64,
    /// Verdicts dropped because their file was changed again meanwhile.
    pub dropped: u64,
    /// Changes looked at since the start.
    pub updates: u64,
    /// Walks over all folders since the start.
    pub reconciles: u64,
    /// Times the results were written.
    pub publications: u64,
    /// From the first notice to the verdict: how many within 10, 25, 50, 100, 250, 1000 ms, and later.
    pub latency: [u64; 7],
    /// Sum of these, in microseconds.
    pub latency_sum_us: u64,
}

/// The upper bounds of [`Status::latency`] in milliseconds.
pub const LATENCY_MS: [u64; 6] = [10, 25, 50, 100, 250, 1000];

impl Status {
    /// Counts a latency.
    pub fn note_latency(&mut self, latency: Duration) {
        let at = LATENCY_MS.iter().position(|bound| latency.as_millis() < u128::from(*bound));
        self.latency[at.unwrap_or(LATENCY_MS.len())] += 1;
        self.latency_sum_us += latency.as_micros() as u64;
    }

    /// The state in a sentence, and then the problems.
    pub fn sentence(&self) -> String {
        let phase = match (self.phase, self.working_on) {
            (Phase::Starting, _) => "reading specifications".to_owned(),
            (Phase::Stopping, _) => "stopping".to_owned(),
            (Phase::Idle, _) => "idle".to_owned(),
            (Phase::Working, Some((done, of))) => format!("working on {done} of {of}"),
            (Phase::Working, None) => "working".to_owned(),
        };
        let mut text = format!(
            "{phase}; {} {}, {} verified, {} failing",
            self.specs,
            if self.specs == 1 { "specification" } else { "specifications" },
            self.verdicts.verified,
            self.failing
        );
        // Where it is known why, the reason says so.
        if self.degraded && !self.problems.contains_key(&Topic::Watching) {
            text += "; degraded";
        }
        for problem in self.problems.values() {
            text += "; ";
            text += problem;
        }
        text
    }
}

/// Where the status hangs, and who waits for news of it.
#[derive(Debug, Default)]
pub struct Board {
    status: Mutex<(Status, u64)>,
    news: Condvar,
}

impl Board {
    /// The status now.
    pub fn read(&self) -> Status {
        self.lock().0.clone()
    }

    /// Looks at the status without copying it.
    pub fn with<T>(&self, look: impl FnOnce(&Status) -> T) -> T {
        look(&self.lock().0)
    }

    /// Changes it.
    pub(super) fn write(&self, change: impl FnOnce(&mut Status)) {
        let mut status = self.lock();
        change(&mut status.0);
        status.1 += 1;
        self.news.notify_all();
    }

    /// Waits for a change since `version`, no longer than `timeout`; gives the version then.
    pub fn wait(&self, version: u64, timeout: Duration) -> u64 {
        let status = self.lock();
        let waited = self.news.wait_timeout_while(status, timeout, |status| status.1 == version);
        waited.map_or_else(|poisoned| poisoned.into_inner().0.1, |(status, _)| status.1)
    }

    fn lock(&self) -> MutexGuard<'_, (Status, u64)> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_tells_problems() {
        let mut status = Status { specs: 3, phase: Phase::Idle, ..Status::default() };
        assert_eq!(status.sentence(), "idle; 3 specifications, 0 verified, 0 failing");
        status.problems.insert(Topic::Results, "cannot write out".into());
        status.degraded = true;
        status.phase = Phase::Working;
        status.working_on = Some((1, 2));
        assert_eq!(
            status.sentence(),
            "working on 1 of 2; 3 specifications, 0 verified, 0 failing; degraded; cannot write out"
        );
    }

    #[test]
    fn whoever_waits_hears_of_news() {
        let board = Board::default();
        let version = board.wait(u64::MAX, Duration::ZERO);
        assert_eq!(board.wait(version, Duration::from_millis(1)), version);
        board.write(|status| status.specs = 1);
        assert_eq!(board.wait(version, Duration::from_secs(60)), version + 1);
    }

    #[test]
    fn latencies_are_counted_by_bound() {
        let mut status = Status::default();
        [9, 10, 49, 2000].iter().for_each(|ms| status.note_latency(Duration::from_millis(*ms)));
        assert_eq!(status.latency, [1, 1, 1, 0, 0, 0, 1]);
        assert_eq!(status.latency_sum_us, 2_068_000);
    }
}
