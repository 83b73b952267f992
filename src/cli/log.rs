//! Log lines, on standard error.

use std::io::{IsTerminal, Write, sink, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_subscriber::EnvFilter;

/// Whether a terminal shows something else.
static IS_MUTED: AtomicBool = AtomicBool::new(false);

/// While a full-screen view holds the terminal, log lines that would go there are dropped; the view tells what is wrong.
pub fn mute(is_muted: bool) {
    IS_MUTED.store(is_muted && stderr().is_terminal(), Ordering::SeqCst);
}

fn writer() -> Box<dyn Write> {
    if IS_MUTED.load(Ordering::SeqCst) { Box::new(sink()) } else { Box::new(stderr()) }
}

/// What the watching library says of folders that are gone is no news: the daemon looks itself.
fn quiet_about_watches(level: &str) -> String {
    format!("{level},notify=off")
}

/// Sets up logging. `WORDMILL_LOG` holds a filter such as `debug` or `wordmill::corpus=trace` and beats `-q` and `-v`.
pub fn start(json: bool, quiet: bool, verbose: u8) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    let filter = EnvFilter::try_from_env("WORDMILL_LOG")
        .unwrap_or_else(|_| EnvFilter::new(quiet_about_watches(level)));
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    let colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    // A second start in one process (tests) leaves the first in place.
    let _ = if json { base.json().try_init() } else { base.with_ansi(colour).with_target(false).try_init() };
}
