//! The watcher: one event enum, one loop. Specifications are saved, and their verdicts follow.
//!
//! What came from the file system is a hint and never the truth: it tells when to look, and what is found by looking decides.
//! So a lost notice costs time, not a verdict, and every queue may be bounded. There is one pipeline: the loop feeds the plan of
//! [`crate::pipeline`] with what changed, and publishing is a run over everything of which all is known.
//!
//! Reading order: `event`, `debounce` (when to look), `watcher` (where notices come from), `told` (what a change touches),
//! `status` (what others see), `publish` (files, on a thread of its own), `service` (the loop). This room never prints:
//! whoever wires it implements [`Host`].

mod event;

mod debounce;
mod watcher;

mod told;

mod status;

mod publish;
mod service;

pub use debounce::Debounce;
pub use event::{Command, Event, Remote};
pub use service::{DaemonError, Host, Orders, Setup, Told, run};
pub use status::{Board, LATENCY_MS, Line, Phase, Status, Topic};
