//! Plain data that the rooms above share. No I/O, no parsing, no policy: a type stands here when two rooms speak it.

pub mod diagnostic;
pub mod outcome;
pub mod random;
pub mod scalar;
pub mod sharing;
pub mod spec;

pub use diagnostic::{Code, CodeEntry, Diagnostic, Place, Severity};
pub use outcome::{
    Detail, Given, NearMiss, Outcome, OutcomeLine, Solution, Status, Stop, Strategy, ValueCheck,
};
pub use sharing::Sharing;
pub use spec::{CellType, Complexity, Metadata, Param, Spec, SpecId, TestCase, Value, Values};

/// One Forth cell: a signed 64-bit number. `uint` values above `i64::MAX` stand here by their bits.
pub type Cell = i64;

/// A number and those at which a condition on it, or on its double, may turn: what is told apart at a number is tried there.
pub fn neighbours(number: Cell) -> [Cell; 5] {
    [number, number.wrapping_sub(1), number.wrapping_add(1), number / 2, number / 2 + 1]
}

/// Test inputs and outputs are kept in columns of lanes: eight tests of one parameter.
pub type Lane = [Cell; 8];

/// The Forth flag for truth: all bits set.
pub const TRUE: Cell = -1;

/// The Forth flag for falsehood.
pub const FALSE: Cell = 0;
