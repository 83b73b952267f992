//! The one table of scalar meaning. The interpreter, the vector code of the search, the expression language and, later,
//! machine code compute by these functions, and tests compare all of them against this file.
//!
//! Choices where Forth 2012 leaves room: cells are 64 bits, two's complement, arithmetic wraps; division is floored
//! (`/ mod /mod */ */mod`); division by zero is exception -10; the smallest number divided by -1 wraps to itself with
//! remainder 0; shift counts of 64 and more give 0 (`2/` is arithmetic, `rshift` logical); flags are 0 and -1.

use crate::model::Cell;

/// A Forth flag.
#[inline(always)]
pub fn flag(truth: bool) -> Cell {
    -(truth as Cell)
}

/// Floored quotient and remainder; `None` on division by zero (exception -10).
#[inline(always)]
pub fn div_mod_floored(dividend: Cell, divisor: Cell) -> Option<(Cell, Cell)> {
    if divisor == 0 {
        return None;
    }
    let quotient = dividend.wrapping_div(divisor);
    let remainder = dividend.wrapping_rem(divisor);
    if remainder != 0 && (remainder ^ divisor) < 0 {
        Some((quotient - 1, remainder + divisor))
    } else {
        Some((quotient, remainder))
    }
}

/// Floored quotient.
#[inline(always)]
pub fn div_floored(dividend: Cell, divisor: Cell) -> Option<Cell> {
    div_mod_floored(dividend, divisor).map(|(quotient, _)| quotient)
}

/// Remainder of the floored division: it has the sign of the divisor.
#[inline(always)]
pub fn mod_floored(dividend: Cell, divisor: Cell) -> Option<Cell> {
    div_mod_floored(dividend, divisor).map(|(_, remainder)| remainder)
}

/// `lshift`: 0 for counts of 64 and more, seen as unsigned.
#[inline(always)]
pub fn lshift(x: Cell, count: Cell) -> Cell {
    if (count as u64) < 64 { ((x as u64) << count) as Cell } else { 0 }
}

/// `rshift`: logical; 0 for counts of 64 and more, seen as unsigned.
#[inline(always)]
pub fn rshift(x: Cell, count: Cell) -> Cell {
    if (count as u64) < 64 { ((x as u64) >> count) as Cell } else { 0 }
}

/// `2/`: arithmetic.
#[inline(always)]
pub fn two_slash(x: Cell) -> Cell {
    x >> 1
}

/// `within`: unsigned `x-low < high-low`.
#[inline(always)]
pub fn within(x: Cell, low: Cell, high: Cell) -> Cell {
    flag((x.wrapping_sub(low) as u64) < (high.wrapping_sub(low) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_is_floored() {
        assert_eq!(div_mod_floored(7, 2), Some((3, 1)));
        assert_eq!(div_mod_floored(-7, 2), Some((-4, 1)));
        assert_eq!(div_mod_floored(7, -2), Some((-4, -1)));
        assert_eq!(div_mod_floored(-7, -2), Some((3, -1)));
        assert_eq!(div_mod_floored(1, 0), None);
        assert_eq!(div_mod_floored(Cell::MIN, -1), Some((Cell::MIN, 0)));
    }

    #[test]
    fn long_shifts_give_zero() {
        assert_eq!(lshift(1, 63), Cell::MIN);
        assert_eq!(lshift(1, 64), 0);
        assert_eq!(lshift(-1, -1), 0);
        assert_eq!(rshift(-1, 63), 1);
        assert_eq!(rshift(-1, 64), 0);
        assert_eq!(two_slash(-3), -2);
    }

    #[test]
    fn within_is_unsigned() {
        assert_eq!(within(5, 0, 10), TRUE);
        assert_eq!(within(10, 0, 10), 0);
        assert_eq!(within(-1, -5, 5), TRUE);
    }

    const TRUE: Cell = crate::model::TRUE;
}
