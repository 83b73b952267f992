//! HTTP for one machine: status and metrics of the daemon, and answers for programs. Off unless it is asked for.
//!
//! hyper on tokio, one thread: the work is a few microseconds a question, and a second thread would take its core from the
//! verdicts. What takes longer goes to blocking threads, few at a time. Nothing here is waited for by the daemon: it reads a board,
//! and a client that is slow or many stands in a queue of its own.
//!
//! What is refused: a request that names another host (a page on the network that calls itself ours), one from a page of another
//! origin, a body that is too long or no JSON, an unknown path, and with a token every request without it.
//!
//! This room answers; what the answers are is decided by whoever implements [`Answers`].

mod access;
mod page;
mod serve;

pub use access::{Access, Listen};
pub use page::{metrics, page};
pub use serve::{Server, ServerError};

use std::sync::atomic::AtomicBool;

/// What can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    /// The stack effect of code: `{"code"}`.
    Infer,
    /// Whether code has an effect: `{"code", "effect"}`.
    Verify,
    /// The verdict on a candidate for a specification that the daemon watches: `{"word", "code"}`.
    Judge,
    /// Code for a specification: a specification.
    Synthesize,
}

impl Question {
    /// The question that a path asks.
    pub fn of_path(path: &str) -> Option<Self> {
        match path {
            "/infer" => Some(Question::Infer),
            "/verify" => Some(Question::Verify),
            "/judge" => Some(Question::Judge),
            "/synthesize" => Some(Question::Synthesize),
            _ => None,
        }
    }

    /// Whether an answer may take long: where code runs.
    pub fn is_slow(self) -> bool {
        matches!(self, Question::Judge | Question::Synthesize)
    }
}

/// A question that cannot be understood, in a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misunderstood(pub String);

/// Who knows the answers.
pub trait Answers: Send + Sync + 'static {
    /// Answers one body: an object is one question, an array several, answered by an array in the same order. `stop` is set
    /// when the time for it is over.
    fn answer(&self, question: Question, body: &[u8], stop: &AtomicBool) -> Result<String, Misunderstood>;
}
