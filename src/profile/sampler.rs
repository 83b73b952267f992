//! The thread that reads the stacks, about a thousand times a second.

use super::{Frame, ON, slots};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A stack and how often it was seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Thread, stages and words, outermost first.
    pub frames: Vec<String>,
    /// How often.
    pub count: u64,
}

impl Sample {
    /// The line that flame graph tools read: frames joined by `;`, a space, the count.
    pub fn folded(&self) -> String {
        let mut line = String::new();
        for frame in &self.frames {
            if !line.is_empty() {
                line.push(';');
            }
            line.extend(frame.chars().map(|c| if c == ';' || c.is_control() { '_' } else { c }));
        }
        line + " " + &self.count.to_string()
    }
}

type Counts = HashMap<(String, Vec<Frame>), u64>;

/// A running sampler. At most one runs at a time; [`Sampler::stop`] gives what it saw.
pub struct Sampler {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Counts>>,
}

impl Sampler {
    /// Starts to read the stacks of all threads every `period`; `None` when one is running already or the thread
    /// cannot be made.
    pub fn start(period: Duration) -> Option<Sampler> {
        if ON.swap(true, Ordering::SeqCst) {
            return None;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let spawned =
            std::thread::Builder::new().name("sampler".to_owned()).spawn(move || sample(period, &seen));
        let Ok(thread) = spawned else {
            ON.store(false, Ordering::SeqCst);
            return None;
        };
        Some(Sampler { stop, thread: Some(thread) })
    }

    /// Stops, and gives every stack that was seen with its count, in order of the stacks' text.
    pub fn stop(mut self) -> Vec<Sample> {
        let counts = self.finish();
        let mut samples: Vec<Sample> =
            counts.into_iter().map(|((thread, frames), count)| to_sample(thread, &frames, count)).collect();
        samples.sort_by(|a, b| a.frames.cmp(&b.frames));
        samples
    }

    fn finish(&mut self) -> Counts {
        self.stop.store(true, Ordering::SeqCst);
        let Some(thread) = self.thread.take() else { return Counts::new() };
        let counts = thread.join().unwrap_or_default();
        ON.store(false, Ordering::SeqCst);
        counts
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.finish();
    }
}

fn to_sample(thread: String, frames: &[Frame], count: u64) -> Sample {
    Sample { frames: std::iter::once(thread).chain(frames.iter().map(|frame| frame.text())).collect(), count }
}

fn sample(period: Duration, stop: &AtomicBool) -> Counts {
    let mut counts = Counts::new();
    let mut frames = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        for slot in slots().lock().unwrap_or_else(PoisonError::into_inner).iter() {
            frames.clear();
            slot.read(&mut frames);
            if frames.is_empty() {
                continue;
            }
            *counts.entry((slot.thread.clone(), frames.clone())).or_default() += 1;
        }
        std::thread::sleep(period);
    }
    counts
}

/// Tests that sample take turns.
#[cfg(test)]
pub(crate) static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[cfg(test)]
mod tests {
    use super::super::{Stage, is_on, stage, word};
    use super::*;

    #[test]
    fn a_busy_stage_and_word_are_seen() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!is_on());
        let sampler = Sampler::start(Duration::from_micros(200)).expect("no other test samples");
        assert!(Sampler::start(Duration::from_millis(1)).is_none());
        let worker = std::thread::Builder::new().name("worker-3".to_owned()).spawn(|| {
            let _stage = stage(Stage::Synth);
            let _inner = stage(Stage::Enumeration);
            let _word = word("square");
            std::thread::sleep(Duration::from_millis(60));
        });
        worker.expect("spawn").join().expect("join");
        let samples = sampler.stop();
        assert!(!is_on());
        let wanted = "worker;stage synth;enumeration;forth square ";
        assert!(samples.iter().any(|sample| sample.folded().starts_with(wanted)), "{samples:?}");
    }

    #[test]
    fn folded_lines_cannot_be_broken_by_names() {
        let sample = Sample { frames: vec!["a".to_owned(), "forth x;y\n".to_owned()], count: 7 };
        assert_eq!(sample.folded(), "a;forth x_y_ 7");
    }
}
