//! Verdicts on candidates for programs that ask over HTTP: a judge on a thread of its own, which keeps what it prepared for
//! each specification from question to question.

use crate::arena::Bump;
use crate::corpus::Corpus;
use crate::judge::{self, Judge, Line};
use crate::pipeline::Options;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Candidates between two looks at whether the answer is still wanted.
const CHUNK: usize = 16;

/// How often the one who waits looks whether its time is over.
const LOOK: Duration = Duration::from_millis(20);

/// Candidates, a JSON text each, and where their verdicts go.
struct Job {
    candidates: Vec<Vec<u8>>,
    verdicts: Sender<Vec<u8>>,
}

/// Judges candidates for the specifications of one corpus. The thread ends with it.
pub struct Judging {
    jobs: Sender<Job>,
}

impl Judging {
    /// Starts the thread; it gets ready when the first question comes.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(corpus: Arc<Corpus>, options: &Options) -> std::io::Result<Self> {
        let (jobs, waiting) = bounded::<Job>(0);
        let options = Options { jobs: 1, ..options.clone() };
        std::thread::Builder::new().name("judge".to_owned()).spawn(move || {
            let arena = Bump::new();
            let Ok(mut judge) = Judge::new(&corpus, &arena, &options, judge::Options::default()) else {
                return;
            };
            for job in waiting {
                // Nobody waits for the rest once the receiver is gone.
                let _ = job.candidates.chunks(CHUNK).try_for_each(|chunk| {
                    let lines: Vec<Line<'_>> = chunk.iter().map(|text| Line::Text(text)).collect();
                    job.verdicts.send(judge.judge(&lines).concat())
                });
            }
        })?;
        Ok(Self { jobs })
    }

    /// The verdicts, one line each, in the order of the candidates; `None` where `stop` was set before, or no judge is there.
    pub fn verdicts(&self, candidates: Vec<Vec<u8>>, stop: &AtomicBool) -> Option<Vec<u8>> {
        let n_chunks = candidates.len().div_ceil(CHUNK);
        let (verdicts, told) = bounded(n_chunks.max(1));
        let mut job = Job { candidates, verdicts };
        while let Err(error) = self.jobs.send_timeout(job, LOOK) {
            if stop.load(Ordering::SeqCst) || !error.is_timeout() {
                return None;
            }
            job = error.into_inner();
        }
        let mut text = Vec::new();
        loop {
            match told.recv_timeout(LOOK) {
                Ok(lines) => text.extend(lines),
                Err(RecvTimeoutError::Timeout) if stop.load(Ordering::SeqCst) => return None,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Some(text)
    }
}
