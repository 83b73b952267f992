//! Everything that the loop reacts to.

use super::publish::Published;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Events that may wait. A notice that finds no room is lost, and everything is looked at instead.
const EVENTS_MAX: usize = 4096;

/// One thing that happened.
#[derive(Debug)]
pub enum Event {
    /// Something may have changed at this path.
    Changed(PathBuf),
    /// Notices were lost.
    Lost,
    /// A folder is no longer watched: it was removed or moved.
    Unwatched(PathBuf),
    /// Somebody wants something.
    Command(Command),
    /// The publisher is done.
    Published(Published),
}

/// What a person or another program may want.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Find every outcome out again.
    RerunAll,
    /// Find the outcomes of what fails out again.
    RerunFailing,
    /// Read the settings and templates again.
    Reload,
    /// Finish what is being worked on, publish, and end.
    Stop,
}

/// Sends events to the loop, from any thread.
#[derive(Clone)]
pub struct Remote {
    sender: Sender<Event>,
    pub(super) flags: Arc<Flags>,
    /// What is not finished so long after the first order to stop is dropped.
    drain: Duration,
}

/// What is looked at while the loop is busy.
#[derive(Debug, Default)]
pub(super) struct Flags {
    /// Something changed: the work at hand may be overtaken.
    pub interrupt: AtomicBool,
    /// The daemon must end now.
    pub abandon: AtomicBool,
    /// A notice found no room.
    pub lost: AtomicBool,
    /// The time to finish in runs.
    pub drains: AtomicBool,
}

impl Remote {
    /// A remote and the loop's end of it. What is not finished `drain` after the order to stop is dropped.
    pub fn new(drain: Duration) -> (Self, Receiver<Event>) {
        let (sender, receiver) = bounded(EVENTS_MAX);
        (Self { sender, flags: Arc::default(), drain }, receiver)
    }

    /// Tells the loop what is wanted; waits where the queue is full.
    pub fn order(&self, command: Command) {
        if command == Command::Stop && !self.flags.drains.swap(true, Ordering::SeqCst) {
            let (late, drain) = (self.clone(), self.drain);
            let abandon = move || {
                std::thread::sleep(drain);
                late.abandon();
            };
            let _ = std::thread::Builder::new().name("drain".to_owned()).spawn(abandon);
        }
        // The loop ends last of all; where it has ended nobody wants the event.
        let _ = self.sender.send(Event::Command(command));
        // After the event, which the loop looks for when it has cleared this. An end interrupts, too: the loop says that it is
        // stopping, and takes the work up again until it is done or abandoned.
        self.flags.interrupt.store(true, Ordering::SeqCst);
    }

    /// Drops the work at hand; what is finished is kept.
    pub fn abandon(&self) {
        self.flags.abandon.store(true, Ordering::SeqCst);
        self.flags.interrupt.store(true, Ordering::SeqCst);
    }

    /// A notice of the file system: never waits.
    pub(super) fn notice(&self, event: Event) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(event) {
            self.flags.lost.store(true, Ordering::SeqCst);
        }
        self.flags.interrupt.store(true, Ordering::SeqCst);
    }

    pub(super) fn published(&self, published: Published) {
        let _ = self.sender.send(Event::Published(published));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever asks for the end, the time to finish in runs from the first time on.
    #[test]
    fn what_is_not_finished_in_time_is_dropped() {
        let (remote, events) = Remote::new(Duration::from_millis(20));
        remote.order(Command::Reload);
        std::thread::sleep(Duration::from_millis(60));
        assert!(!remote.flags.abandon.load(Ordering::SeqCst));
        remote.order(Command::Stop);
        remote.order(Command::Stop);
        let began = std::time::Instant::now();
        while !remote.flags.abandon.load(Ordering::SeqCst) {
            assert!(began.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(events.len(), 3);
    }

    #[test]
    fn a_full_queue_loses_notices_and_says_so() {
        let (remote, events) = Remote::new(Duration::from_secs(60));
        for i in 0..EVENTS_MAX {
            remote.notice(Event::Changed(format!("{i}").into()));
        }
        assert!(!remote.flags.lost.load(Ordering::SeqCst));
        remote.notice(Event::Changed("one more".into()));
        assert!(remote.flags.lost.load(Ordering::SeqCst));
        assert!(remote.flags.interrupt.load(Ordering::SeqCst));
        assert_eq!(events.len(), EVENTS_MAX);
    }
}
