//! What work costs. Fuel is a count of work that is the same on every machine: it follows from the source text and the
//! data, never from the clock or from which instructions were fused.
//!
//! * Entering a word costs `1 + tokens / 32`, its tokens being the words of its body as the source has them.
//! * A jump backwards costs `1 + tokens / 32`, the tokens being those of the loop.
//! * A word that needs the dictionary, the text or files costs 4 more than another.
//! * A digit of a pictured number costs 1.
//! * A bulk word costs `bytes / 32` on top; SEARCH costs the product of its lengths over 32.
//!
//! So a short straight-line body costs 1 for each call, and a short loop 1 for each time around.

use crate::model::Cell;

/// Tokens that ride along with one unit of fuel.
const TOKENS_PER_FUEL: u32 = 32;

/// Bytes that one unit of fuel moves, fills, compares or prints.
const BYTES_PER_FUEL: u64 = 32;

/// The cost of a word that the engine does itself, on top of what it costs by size: looking up a name, reading on in the text.
pub(super) const HOST: i64 = 4;

/// The cost of a digit of a pictured number: a division of 128 bits.
pub(super) const DIGIT: i64 = 1;

/// The cost of entering a word or going around a loop of so many tokens.
#[inline(always)]
pub(super) fn of_tokens(n_tokens: u32) -> u16 {
    (1 + n_tokens / TOKENS_PER_FUEL).min(u16::MAX as u32) as u16
}

/// The cost of a bulk word over so many bytes.
#[inline]
pub(super) fn of_bytes(n_bytes: u64) -> i64 {
    (n_bytes / BYTES_PER_FUEL).min(i64::MAX as u64 / 2) as i64
}

/// The cost of searching `needle` bytes in `hay` bytes.
pub(super) fn of_search(hay: Cell, needle: Cell) -> i64 {
    of_bytes((hay.max(0) as u64).saturating_mul(needle.max(1) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_code_costs_one() {
        assert_eq!([0, 31, 32, 64, u32::MAX].map(of_tokens), [1, 1, 2, 3, u16::MAX]);
    }

    #[test]
    fn bulk_work_costs_by_size() {
        assert_eq!([0, 31, 32, 1 << 20].map(of_bytes), [0, 0, 1, 1 << 15]);
        assert_eq!(of_search(100, 0), 3);
        assert_eq!(of_search(1 << 20, 1 << 19), 1 << 34);
        assert!(of_bytes(u64::MAX) > 0);
    }
}
