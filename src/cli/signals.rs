//! Ctrl-C and SIGTERM: the first asks the work to stop, the second ends the process at once.

use super::Exit;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The flag that the work polls, and which signal set it.
pub struct Signals {
    stop: Arc<AtomicBool>,
    which: Arc<AtomicUsize>,
}

impl Signals {
    /// From now on signals set the flag.
    pub fn catch() -> std::io::Result<Self> {
        let signals = Self { stop: Arc::default(), which: Arc::default() };
        for signal in [SIGINT, SIGTERM] {
            // In this order: the shutdown heeds the flag as it was before this signal.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&signals.stop))?;
            flag::register_usize(signal, Arc::clone(&signals.which), signal as usize)?;
            flag::register(signal, Arc::clone(&signals.stop))?;
        }
        Ok(signals)
    }

    /// Set once the work shall stop.
    pub fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// How the command ends, where a signal came.
    pub fn exit(&self) -> Option<Exit> {
        match self.which.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(Exit::Signal(signal as u8)),
        }
    }
}
