//! What stops a program: a small value that says why and at which instruction. Words and names are found only when
//! somebody asks ([`Engine::describe`](super::Engine::describe)).

use crate::model::Cell;

/// Why a program stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrapKind {
    /// An exception that nothing caught; negative codes down to -255 are the standard's.
    Throw(Cell),
    /// The fuel ran out. A program cannot catch this.
    Fuel,
    /// More output than allowed. A program cannot catch this.
    Output,
    /// QUIT: the program gives up control to whoever reads its text. A program cannot catch this.
    Quit,
    /// BYE: the program ends everything. A program cannot catch this.
    Bye,
}

impl TrapKind {
    /// Whether it gives up control to whoever reads the program's text: QUIT, or its exception -56 that nothing caught.
    pub fn is_quit(self) -> bool {
        matches!(self, TrapKind::Quit | TrapKind::Throw(throw::QUIT))
    }

    /// What it is, in a few words.
    pub fn name(self) -> &'static str {
        match self {
            TrapKind::Throw(code) => exception_name(code).unwrap_or("exception of the program's own"),
            TrapKind::Fuel => "out of fuel",
            TrapKind::Output => "too much output",
            TrapKind::Quit => "quit",
            TrapKind::Bye => "bye",
        }
    }
}

impl std::fmt::Display for TrapKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TrapKind::Throw(code) => match exception_name(*code) {
                Some(name) => write!(f, "{name} (exception {code})"),
                None => write!(f, "exception {code}"),
            },
            _ => f.write_str(self.name()),
        }
    }
}

/// A stop, with the place: copied freely, resolved to text only on demand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trap {
    /// Why.
    pub kind: TrapKind,
    /// The instruction at which it happened; [`Engine::describe`](super::Engine::describe) finds the word of the source.
    pub at: u32,
}

impl Trap {
    /// The exception code, where it is an exception.
    pub fn code(self) -> Option<Cell> {
        match self.kind {
            TrapKind::Throw(code) => Some(code),
            TrapKind::Fuel | TrapKind::Output | TrapKind::Quit | TrapKind::Bye => None,
        }
    }
}

/// Exceptions that the engine itself raises.
pub(super) mod throw {
    use crate::model::Cell;
    pub const QUIT: Cell = -56;
    pub const ABORT: Cell = -1;
    pub const ABORT_QUOTE: Cell = -2;
    pub const STACK_OVERFLOW: Cell = -3;
    pub const STACK_UNDERFLOW: Cell = -4;
    pub const RETURN_OVERFLOW: Cell = -5;
    pub const RETURN_UNDERFLOW: Cell = -6;
    pub const DICTIONARY_OVERFLOW: Cell = -8;
    pub const INVALID_ADDRESS: Cell = -9;
    pub const DIVISION_BY_ZERO: Cell = -10;
    pub const OUT_OF_RANGE: Cell = -11;
    pub const COMPILE_ONLY: Cell = -14;
    pub const PICTURED_OVERFLOW: Cell = -17;
    pub const STRING_OVERFLOW: Cell = -18;
    pub const CONTROL_MISMATCH: Cell = -22;
    pub const INVALID_ARGUMENT: Cell = -24;
    pub const RETURN_IMBALANCE: Cell = -25;
    pub const LOOP_UNAVAILABLE: Cell = -26;
    pub const USER_INTERRUPT: Cell = -28;
    pub const COMPILER_NESTING: Cell = -29;
    pub const BODY_OF_NON_CREATED: Cell = -31;
    pub const INVALID_NAME: Cell = -32;
    pub const NO_SUCH_FILE: Cell = -38;
    pub const UNEXPECTED_END: Cell = -39;
    pub const MALFORMED_XCHAR: Cell = -77;
    pub const ORDER_OVERFLOW: Cell = -49;
    pub const ORDER_UNDERFLOW: Cell = -50;
}

/// The standard's name of an exception code.
pub fn exception_name(code: Cell) -> Option<&'static str> {
    let index = usize::try_from(Cell::checked_sub(-1, code)?).ok()?;
    NAMES.get(index).copied().filter(|name| !name.is_empty())
}

/// Table 9.1 of Forth 2012, from -1 downwards.
static NAMES: [&str; 79] = [
    "abort",
    "abort\"",
    "stack overflow",
    "stack underflow",
    "return stack overflow",
    "return stack underflow",
    "loops nested too deeply",
    "dictionary overflow",
    "invalid memory address",
    "division by zero",
    "result out of range",
    "argument type mismatch",
    "undefined word",
    "interpreting a compile-only word",
    "invalid forget",
    "zero-length string as a name",
    "pictured numeric output string overflow",
    "parsed string overflow",
    "definition name too long",
    "write to a read-only location",
    "unsupported operation",
    "control structure mismatch",
    "address alignment exception",
    "invalid numeric argument",
    "return stack imbalance",
    "loop parameters unavailable",
    "invalid recursion",
    "user interrupt",
    "compiler nesting",
    "obsolescent feature",
    ">body used on a word not made by create",
    "invalid name argument",
    "block read exception",
    "block write exception",
    "invalid block number",
    "invalid file position",
    "file i/o exception",
    "non-existent file",
    "unexpected end of file",
    "invalid base for floating point conversion",
    "loss of precision",
    "floating-point divide by zero",
    "floating-point result out of range",
    "floating-point stack overflow",
    "floating-point stack underflow",
    "floating-point invalid argument",
    "compilation word list deleted",
    "invalid postpone",
    "search-order overflow",
    "search-order underflow",
    "compilation word list changed",
    "control-flow stack overflow",
    "exception stack overflow",
    "floating-point underflow",
    "floating-point unidentified fault",
    "quit",
    "exception in sending or receiving a character",
    "[if], [else], or [then] exception",
    "allocate",
    "free",
    "resize",
    "close-file",
    "create-file",
    "delete-file",
    "file-position",
    "file-size",
    "file-status",
    "flush-file",
    "open-file",
    "read-file",
    "read-line",
    "rename-file",
    "reposition-file",
    "resize-file",
    "write-file",
    "write-line",
    "malformed xchar",
    "substitute",
    "replaces",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_names_of_the_standard() {
        for (code, name) in [
            (-1, Some("abort")),
            (-4, Some("stack underflow")),
            (-10, Some("division by zero")),
            (-13, Some("undefined word")),
            (-29, Some("compiler nesting")),
            (-58, Some("[if], [else], or [then] exception")),
            (-79, Some("replaces")),
            (-80, None),
            (0, None),
            (5, None),
            (Cell::MIN, None),
            (Cell::MAX, None),
        ] {
            assert_eq!(exception_name(code), name, "{code}");
        }
    }

    #[test]
    fn traps_stay_small() {
        assert!(std::mem::size_of::<Trap>() <= 24);
    }
}
