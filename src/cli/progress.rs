//! How far the work is: a bar on a terminal, a plain line now and then elsewhere, nothing with `-q`. On standard error.
//!
//! Workers only add to counters; a thread of its own looks at them and writes.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the bar is drawn.
const FRAME: Duration = Duration::from_millis(100);

/// How often a plain line is written at first; a long run writes them less and less often.
const LINE: Duration = Duration::from_secs(5);

/// What is shown.
#[derive(Default)]
struct Counters {
    phase: Mutex<Phase>,
    /// Pieces of the phase, or of the round.
    done: AtomicU64,
    /// Specifications that need no further round, and how many of them are verified.
    settled: AtomicU64,
    verified: AtomicU64,
}

/// What is being done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Phase {
    /// `reading`, `solving`
    name: &'static str,
    /// Which round it is in, where there are rounds.
    round: Option<Round>,
    /// Pieces of the phase, or of the round; 0 where nobody knows.
    total: u64,
    /// How many phases and rounds were begun.
    number: u64,
}

/// A round of the search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Round {
    number: usize,
    of: usize,
    /// Specifications in all rounds.
    all: u64,
}

/// The counters at one time.
#[derive(Clone, Copy, Default)]
struct Counts {
    done: u64,
    settled: u64,
    verified: u64,
}

/// The display. Dropping it takes the bar away.
pub struct Progress {
    counters: Arc<Counters>,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Starts the display; a quiet one shows nothing.
    pub fn start(quiet: bool) -> Self {
        let counters = Arc::<Counters>::default();
        let seen = Arc::clone(&counters);
        let (end, ended) = channel();
        let show = move || {
            if std::io::stderr().is_terminal() { show_bar(&seen, &ended) } else { show_lines(&seen, &ended) }
        };
        let thread =
            (!quiet).then(|| std::thread::Builder::new().name("progress".to_owned()).spawn(show).ok());
        Self { counters, thread: thread.flatten().map(|thread| (end, thread)) }
    }

    /// Begins something of which there are `total` pieces; 0 where nobody knows.
    pub fn begin(&self, phase: &'static str, total: u64) {
        let mut now = self.counters.lock();
        *now = Phase { name: phase, round: None, total, number: now.number + 1 };
        self.counters.done.store(0, Ordering::Relaxed);
        self.counters.settled.store(0, Ordering::Relaxed);
        self.counters.verified.store(0, Ordering::Relaxed);
    }

    /// Begins a round of so many pieces of the phase.
    pub fn round(&self, number: usize, of: usize, pieces: u64) {
        let mut now = self.counters.lock();
        let all = now.round.map_or(now.total, |round| round.all);
        let round = Some(Round { number, of, all });
        *now = Phase { round, total: pieces, number: now.number + 1, ..*now };
        self.counters.done.store(0, Ordering::Relaxed);
    }

    /// So many pieces more are done.
    pub fn advance(&self, pieces: u64) {
        self.counters.done.fetch_add(pieces, Ordering::Relaxed);
    }

    /// So many specifications more need no further round, and so many of these are verified.
    pub fn settled(&self, pieces: u64, verified: u64) {
        self.counters.settled.fetch_add(pieces, Ordering::Relaxed);
        self.counters.verified.fetch_add(verified, Ordering::Relaxed);
    }
}

impl Counters {
    fn lock(&self) -> std::sync::MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts { done: read(&self.done), settled: read(&self.settled), verified: read(&self.verified) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.thread.take() {
            let _ = end.send(());
            let _ = thread.join();
        }
    }
}

fn show_bar(counters: &Counters, ended: &std::sync::mpsc::Receiver<()>) {
    let style = ProgressStyle::with_template("{prefix:>9} {bar:30} {pos}/{len}  {msg}{per_sec}  {eta} to go")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let spinner = ProgressStyle::with_template("{prefix:>9} {spinner} {pos}  {per_sec}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    let mut last_phase = 0;
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(FRAME) {
        let phase = *counters.lock();
        if phase.number != last_phase {
            bar.reset();
            bar.set_prefix(phase.title());
            bar.set_message("");
            bar.set_style(if phase.total > 0 { style.clone() } else { spinner.clone() });
            last_phase = phase.number;
        }
        if phase.total > 0 {
            bar.set_length(phase.total);
        }
        let counts = counters.read();
        if let Some(solved) = phase.solved(counts) {
            bar.set_message(format!("{solved}  "));
        }
        bar.set_position(counts.done);
    }
    bar.finish_and_clear();
}

fn show_lines(counters: &Counters, ended: &std::sync::mpsc::Receiver<()>) {
    let (mut last_phase, mut since, mut last_line) = (0, Instant::now(), Instant::now());
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(FRAME) {
        let phase = *counters.lock();
        if phase.number != last_phase {
            (last_phase, since) = (phase.number, Instant::now());
        }
        if last_line.elapsed() >= LINE.max(since.elapsed() / 10) {
            last_line = Instant::now();
            super::output::tell(&line(phase, counters.read(), since.elapsed()));
        }
    }
}

impl Phase {
    /// `solving, round 1 of 2`
    fn title(self) -> String {
        match self.round {
            Some(Round { number, of, .. }) => format!("{}, round {number} of {of}", self.name),
            None => self.name.to_owned(),
        }
    }

    /// `900 verified, 7266 unsettled`: of all rounds together.
    fn solved(self, counts: Counts) -> Option<String> {
        let round = self.round?;
        Some(format!("{} verified, {} unsettled", counts.verified, round.all.saturating_sub(counts.settled)))
    }
}

/// `solving, round 1 of 2: 1200 of 8466 (14 %), 900 verified, 7266 unsettled, 240/s, 30 s to go`: how far the round is, what
/// all rounds came to so far, and how long the round goes on.
fn line(phase: Phase, counts: Counts, elapsed: Duration) -> String {
    let rate = counts.done as f64 / elapsed.as_secs_f64().max(0.001);
    let mut line = format!("{}: {}", phase.title(), counts.done);
    if let Some(percent) = (counts.done * 100).checked_div(phase.total) {
        line += &format!(" of {} ({percent} %)", phase.total);
    }
    if let Some(solved) = phase.solved(counts) {
        line += &format!(", {solved}");
    }
    line += &if rate >= 10.0 { format!(", {rate:.0}/s") } else { format!(", {rate:.1}/s") };
    if phase.total > counts.done && rate > 0.0 {
        line += &format!(", {} to go", seconds((phase.total - counts.done) as f64 / rate));
    }
    line + "\n"
}

fn seconds(seconds: f64) -> String {
    match seconds.ceil() as u64 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_tell_rate_and_time_left() {
        fn check(done: u64, total: u64, elapsed: u64, expect: &str) {
            let phase = Phase { name: "reading", total, ..Phase::default() };
            let counts = Counts { done, ..Counts::default() };
            assert_eq!(line(phase, counts, Duration::from_secs(elapsed)), format!("reading: {expect}\n"));
        }
        check(1200, 8466, 5, "1200 of 8466 (14 %), 240/s, 31 s to go");
        check(10, 1000, 10, "10 of 1000 (1 %), 1.0/s, 16 min to go");
        check(10, 100_000, 10, "10 of 100000 (0 %), 1.0/s, 27 h to go");
        check(500, 0, 10, "500, 50/s");
        check(0, 10, 0, "0 of 10 (0 %), 0.0/s");
        check(10, 10, 1, "10 of 10 (100 %), 10/s");
    }

    #[test]
    fn a_round_tells_what_all_rounds_came_to() {
        let progress = Progress::start(true);
        let check = |expect: &str| {
            let line = line(*progress.counters.lock(), progress.counters.read(), Duration::from_secs(5));
            assert_eq!(line, format!("solving, {expect}\n"));
        };
        progress.begin("solving", 8466);
        progress.round(1, 2, 8466);
        check("round 1 of 2: 0 of 8466 (0 %), 0 verified, 8466 unsettled, 0.0/s");
        progress.advance(1200);
        progress.settled(1000, 900);
        check("round 1 of 2: 1200 of 8466 (14 %), 900 verified, 7466 unsettled, 240/s, 31 s to go");
        progress.round(2, 2, 200);
        progress.advance(20);
        progress.settled(20, 5);
        check("round 2 of 2: 20 of 200 (10 %), 905 verified, 7446 unsettled, 4.0/s, 45 s to go");
    }

    #[test]
    fn a_quiet_display_has_no_thread() {
        let progress = Progress::start(true);
        progress.begin("solving", 10);
        progress.advance(3);
        assert!(progress.thread.is_none());
        assert_eq!(progress.counters.done.load(Ordering::Relaxed), 3);
    }
}
