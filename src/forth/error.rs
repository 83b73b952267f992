//! What is wrong with source text, and where.

use super::trap::{Trap, TrapKind};
use crate::model::Cell;

/// Why text does not compile or a program did not run to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompileErrorKind {
    /// Neither a word nor a number: exception -13.
    UndefinedWord,
    /// A number beyond 64 bits: exception -24.
    NumberTooLarge,
    /// `then` without `if` and the like: exception -22.
    ControlMismatch,
    /// The definition ends within a control structure: exception -22.
    UnclosedControl,
    /// Control structures nested too deeply: exception -52.
    TooDeep,
    /// A word that only makes sense in a definition, outside of one: exception -14.
    CompileOnly,
    /// A word that cannot stand in a definition: exception -29.
    NotInDefinition,
    /// A name is missing: exception -16.
    MissingName,
    /// A name that cannot be a word: exception -32.
    InvalidName,
    /// A name of more than 255 bytes: exception -19.
    NameTooLong,
    /// A string or comment that does not end: exception -39.
    Unterminated,
    /// The text ends before the definition does: exception -39.
    UnfinishedDefinition,
    /// A backslash in `s\"` with nothing known behind it: exception -24.
    BadEscape,
    /// A local of the definition around a quotation, or of the part before DOES>, where it is not there: exception -13.
    OuterLocal,
    /// A word of a word set that this system does not have: exception -13.
    NotProvided(&'static str),
    /// More code, words or source than the limits allow: exception -8.
    TooLarge,
    /// A word executed while compiling stopped.
    Trapped(TrapKind),
}

impl CompileErrorKind {
    /// The standard's exception code.
    pub fn code(self) -> Option<Cell> {
        use CompileErrorKind::*;
        Some(match self {
            UndefinedWord | OuterLocal | NotProvided(_) => -13,
            NumberTooLarge | BadEscape => -24,
            ControlMismatch | UnclosedControl => -22,
            TooDeep => -52,
            CompileOnly => -14,
            NotInDefinition => -29,
            MissingName => -16,
            InvalidName => -32,
            NameTooLong => -19,
            Unterminated | UnfinishedDefinition => -39,
            TooLarge => -8,
            Trapped(TrapKind::Throw(code)) => code,
            Trapped(_) => return None,
        })
    }
}

impl std::fmt::Display for CompileErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use CompileErrorKind::*;
        f.write_str(match self {
            UndefinedWord => "undefined word",
            NumberTooLarge => "number beyond 64 bits",
            ControlMismatch => "control structure mismatch",
            UnclosedControl => "control structure is not closed",
            TooDeep => "control structures nested too deeply",
            CompileOnly => "only allowed in a definition",
            NotInDefinition => "not allowed in a definition",
            MissingName => "a name is missing",
            InvalidName => "not a name",
            NameTooLong => "name too long",
            Unterminated => "text is not closed",
            BadEscape => "unknown escape in a string",
            OuterLocal => "locals of the definition cannot be used in a quotation or behind does>",
            NotProvided(set) => return write!(f, "undefined word (the {set} words are not provided)"),
            UnfinishedDefinition => "the definition is not finished",
            TooLarge => "too large",
            Trapped(kind) => return kind.fmt(f),
        })
    }
}

/// An error in source text: what, where, and what was probably meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompileError {
    /// What is wrong.
    pub kind: CompileErrorKind,
    /// Where the token begins, in bytes from the start of the text.
    pub position: u32,
    /// The token.
    pub token: Box<str>,
    /// A known word that looks like the token.
    pub suggestion: Option<Box<str>>,
    /// Where exactly it stopped, when the token was executed.
    pub trap: Option<Trap>,
    /// More for people, of a program that was read by `load` and its like.
    pub details: Option<Box<Details>>,
}

/// What a person wants to know about a program that stopped.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Details {
    /// Where the text interpreter was.
    pub location: Location,
    /// Where that text was read from, by INCLUDE or EVALUATE, innermost first.
    pub from: Vec<Location>,
    /// The definition in which it happened; empty outside of any.
    pub definition: String,
    /// The word at which it happened in there.
    pub word: String,
    /// Where that word stands, where that is another line than that of `location` and known by a file or by the same text.
    pub word_at: Option<Location>,
    /// What ABORT" had to say.
    pub message: Option<String>,
    /// The data stack, bottom first: its top, where it is deep.
    pub stack: Vec<Cell>,
    /// How deep the stack was.
    pub depth: usize,
}

/// A place in source text.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Location {
    /// The file, for text that has one.
    pub file: Option<Box<str>>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The text of the line.
    pub text: Box<str>,
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.token.is_empty() {
            write!(f, " at `{}`", self.token)?;
        }
        match &self.suggestion {
            Some(suggestion) => write!(f, ", did you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CompileError {}

/// An error of a whole program: the same thing as of one definition.
pub type ForthError = CompileError;

/// What ends the reading of source text, inside the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// The text is wrong at this place of the source buffer.
    Text { kind: CompileErrorKind, place: u32, len: u32 },
    /// A word stopped.
    Trap(Trap),
}

impl Stop {
    /// The trap as a running program sees it.
    pub fn kind(self) -> TrapKind {
        match self {
            Stop::Trap(trap) => trap.kind,
            Stop::Text { kind: CompileErrorKind::Trapped(kind), .. } => kind,
            Stop::Text { kind, .. } => TrapKind::Throw(kind.code().unwrap_or(super::trap::throw::ABORT)),
        }
    }
}
