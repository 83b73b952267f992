//! What systemd hears of the daemon, where it started it: READY, STATUS, WATCHDOG, STOPPING.

use crate::daemon::{Board, Phase};
use sd_notify::NotifyState;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The status is told at most so often.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// The service manager; without one nothing is sent.
#[derive(Debug)]
pub struct ServiceManager {
    watchdog: Option<Duration>,
    fed: Instant,
}

impl ServiceManager {
    /// Starts to tell the status, if somebody listens.
    pub fn start(board: Arc<Board>) -> Self {
        let listens = std::env::var_os("NOTIFY_SOCKET").is_some();
        let watchdog = if listens { sd_notify::watchdog_enabled() } else { None };
        if listens {
            let tell = move || tell_status(&board);
            if let Err(error) = std::thread::Builder::new().name("sd-notify".to_owned()).spawn(tell) {
                tracing::warn!(%error, "the service manager will not hear the status");
            }
        }
        Self { watchdog, fed: Instant::now() }
    }

    /// How often the loop must come round to feed the watchdog.
    pub fn heartbeat(&self) -> Option<Duration> {
        self.watchdog.map(|watchdog| watchdog / 3)
    }

    /// Everything was looked at once.
    pub fn ready(&self) {
        send(&[NotifyState::Ready]);
    }

    /// The loop has come round, or a verdict was told: the watchdog is fed by nothing else.
    pub fn alive(&mut self) {
        if self.heartbeat().is_some_and(|heartbeat| self.fed.elapsed() >= heartbeat / 2) {
            self.fed = Instant::now();
            send(&[NotifyState::Watchdog]);
        }
    }

    /// The daemon ends.
    pub fn stopping(&self) {
        send(&[NotifyState::Stopping]);
    }
}

fn send(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}

fn tell_status(board: &Board) {
    let mut version = 0;
    let mut told = String::new();
    loop {
        version = board.wait(version, Duration::from_secs(3600));
        let (sentence, is_stopping) =
            board.with(|status| (status.sentence(), status.phase == Phase::Stopping));
        if sentence != told {
            send(&[NotifyState::Status(&sentence.replace('\n', " "))]);
            if is_stopping && !told.starts_with("stopping") {
                send(&[NotifyState::Stopping]);
            }
            told = sentence;
        }
        std::thread::sleep(STATUS_EVERY);
    }
}
