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
    /// What is being done: `reading`, `solving`.
    phase: Mutex<&'static str>,
    done: AtomicU64,
    total: AtomicU64,
    /// Of those done, how many are verified.
    verified: AtomicU64,
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
        *self.counters.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        self.counters.done.store(0, Ordering::Relaxed);
        self.counters.verified.store(0, Ordering::Relaxed);
        self.counters.total.store(total, Ordering::Relaxed);
    }

    /// So many pieces more are done.
    pub fn advance(&self, pieces: u64) {
        self.counters.done.fetch_add(pieces, Ordering::Relaxed);
    }

    /// So many of those done are verified.
    pub fn verified(&self, pieces: u64) {
        self.counters.verified.fetch_add(pieces, Ordering::Relaxed);
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
    let style = ProgressStyle::with_template("{prefix:>9} {bar:30} {pos}/{len}  {msg}{per_sec}  {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let spinner = ProgressStyle::with_template("{prefix:>9} {spinner} {pos}  {per_sec}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    let mut last_phase = "";
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(FRAME) {
        let phase = *counters.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let total = counters.total.load(Ordering::Relaxed);
        if phase != last_phase {
            bar.reset();
            bar.set_prefix(phase);
            bar.set_style(if total > 0 { style.clone() } else { spinner.clone() });
            last_phase = phase;
        }
        if total > 0 {
            bar.set_length(total);
        }
        let verified = counters.verified.load(Ordering::Relaxed);
        if verified > 0 {
            bar.set_message(format!("{verified} verified  "));
        }
        bar.set_position(counters.done.load(Ordering::Relaxed));
    }
    bar.finish_and_clear();
}

fn show_lines(counters: &Counters, ended: &std::sync::mpsc::Receiver<()>) {
    let (mut phase_before, mut since, mut last_line) = ("", Instant::now(), Instant::now());
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(FRAME) {
        let phase = *counters.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if phase != phase_before {
            (phase_before, since) = (phase, Instant::now());
        }
        if last_line.elapsed() >= LINE.max(since.elapsed() / 10) {
            last_line = Instant::now();
            let (done, total) =
                (counters.done.load(Ordering::Relaxed), counters.total.load(Ordering::Relaxed));
            let verified = counters.verified.load(Ordering::Relaxed);
            super::output::tell(&line(phase, (done, verified), total, since.elapsed()));
        }
    }
}

/// `solving: 1200 of 8466 (14 %), 900 verified, 240/s, 30 s left`
fn line(phase: &str, (done, verified): (u64, u64), total: u64, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let mut line = format!("{phase}: {done}");
    if let Some(percent) = (done * 100).checked_div(total) {
        line += &format!(" of {total} ({percent} %)");
    }
    if verified > 0 {
        line += &format!(", {verified} verified");
    }
    line += &if rate >= 10.0 { format!(", {rate:.0}/s") } else { format!(", {rate:.1}/s") };
    if total > done && rate > 0.0 {
        line += &format!(", {} left", seconds((total - done) as f64 / rate));
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
        fn check(done: (u64, u64), total: u64, elapsed: u64, expect: &str) {
            assert_eq!(
                line("solving", done, total, Duration::from_secs(elapsed)),
                format!("solving: {expect}\n")
            );
        }
        check((1200, 900), 8466, 5, "1200 of 8466 (14 %), 900 verified, 240/s, 31 s left");
        check((10, 0), 1000, 10, "10 of 1000 (1 %), 1.0/s, 16 min left");
        check((10, 0), 100_000, 10, "10 of 100000 (0 %), 1.0/s, 27 h left");
        check((500, 0), 0, 10, "500, 50/s");
        check((0, 0), 10, 0, "0 of 10 (0 %), 0.0/s");
        check((10, 10), 10, 1, "10 of 10 (100 %), 10 verified, 10/s");
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
