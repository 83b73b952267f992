//! The embedded Forth 2012 engine. No host access whatever; relies on `model` only.
//!
//! Three parts, as in any compiler: definition (`words`, `dictionary`, `image`), translation (`lexer`, `translator`,
//! `prove`, with `interpreter` reading the text from `input`) and execution (`executor`, on a `machine` with bounded
//! `memory`). Words that need more than the machine are done by the engine itself: `host` says which, and the files whose
//! names end in `_words` do them. What a program may use is in `limits`, what it pays in `fuel`, how it ends in `trap`.
//! `engine` is what callers hold.
//!
//! Nothing a program does panics, touches memory that is not its own, or depends on the host: the same program with the
//! same inputs gives the same results and the same fuel everywhere.

pub mod words;

mod dictionary;
mod image;

mod error;
mod fuse;
mod lexer;
mod prove;
mod translator;

mod bytecode;
mod code;

mod executor;
mod files;
mod fuel;
mod heap;
mod limits;
mod machine;
mod memory;
mod native;
mod prims;
pub mod shadow;
mod trap;

mod engine;
mod file_words;
mod host;
mod input;
mod interpreter;
mod list_words;
mod order;
mod similar;
mod string_words;
mod system;

#[cfg(any(test, fuzzing))]
pub mod fuzzing;
#[cfg(test)]
mod tests;

pub use engine::{Description, Engine, Supply, Xt};
pub use error::{CompileError, CompileErrorKind, Details, ForthError, Location};
pub use files::{Files, NoRoom};
pub use image::Image;
pub use lexer::{Number, number};
pub use limits::Limits;
pub use machine::Sink;
pub use shadow::Shadow;
pub use trap::{Trap, TrapKind, exception_name};

/// Counts up whenever a program can end otherwise than before: it is part of every fingerprint.
pub const ENGINE_VERSION: u32 = 3;
