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
    if (dividend | divisor) as u64 >> 32 == 0 {
        // Two small numbers that are not negative: a division of half the width, and nothing to mend afterwards.
        let (dividend, divisor) = (dividend as u32, divisor as u32);
        let quotient = dividend.checked_div(divisor)?;
        return Some((quotient as Cell, (dividend % divisor) as Cell));
    }
    if divisor == 0 {
        return None;
    }
    if divisor == -1 {
        // Here, the only quotient that does not fit is a case of its own already.
        return Some((dividend.wrapping_neg(), 0));
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

/// Why a division of a double number has no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DivisionError {
    /// The divisor is zero: exception -10.
    ByZero,
    /// The quotient does not fit its type: exception -11.
    OutOfRange,
}

/// `fm/mod`, and `*/` and `*/mod` on the whole product: floored quotient and remainder.
pub fn fm_slash_mod(dividend: i128, divisor: Cell) -> Result<(Cell, Cell), DivisionError> {
    let (quotient, remainder) = truncated(dividend, divisor)?;
    let floored = remainder != 0 && (remainder ^ divisor as i128) < 0;
    let (quotient, remainder) =
        if floored { (quotient - 1, remainder + divisor as i128) } else { (quotient, remainder) };
    Ok((cell(quotient)?, remainder as Cell))
}

/// `sm/rem`: quotient towards zero, and its remainder.
pub fn sm_slash_rem(dividend: i128, divisor: Cell) -> Result<(Cell, Cell), DivisionError> {
    let (quotient, remainder) = truncated(dividend, divisor)?;
    Ok((cell(quotient)?, remainder as Cell))
}

/// `um/mod`: unsigned quotient and remainder.
pub fn um_slash_mod(dividend: u128, divisor: u64) -> Result<(u64, u64), DivisionError> {
    if divisor == 0 {
        return Err(DivisionError::ByZero);
    }
    let quotient = u64::try_from(dividend / divisor as u128).map_err(|_| DivisionError::OutOfRange)?;
    Ok((quotient, (dividend % divisor as u128) as u64))
}

/// `m*/`: a double times a cell over a cell, floored, the product kept in 192 bits.
pub fn m_star_slash(number: i128, factor: Cell, divisor: Cell) -> Result<i128, DivisionError> {
    if divisor == 0 {
        return Err(DivisionError::ByZero);
    }
    let negative = (number < 0) ^ (factor < 0) ^ (divisor < 0);
    let (magnitude, factor, divisor) =
        (number.unsigned_abs(), factor.unsigned_abs() as u128, divisor.unsigned_abs() as u128);
    // The product in three digits of 64 bits, then long division digit by digit.
    let low = (magnitude as u64 as u128) * factor;
    let high = (magnitude >> 64) * factor + (low >> 64);
    let top = high / divisor;
    let middle = (high % divisor) << 64 | (low as u64 as u128);
    let mut quotient = top
        .checked_mul(1 << 64)
        .and_then(|t| t.checked_add(middle / divisor))
        .ok_or(DivisionError::OutOfRange)?;
    if negative && !middle.is_multiple_of(divisor) {
        quotient = quotient.checked_add(1).ok_or(DivisionError::OutOfRange)?;
    }
    match (negative, quotient) {
        (true, q) if q <= 1 << 127 => Ok((q as i128).wrapping_neg()),
        (false, q) if q < 1 << 127 => Ok(q as i128),
        _ => Err(DivisionError::OutOfRange),
    }
}

fn truncated(dividend: i128, divisor: Cell) -> Result<(i128, i128), DivisionError> {
    if divisor == 0 {
        return Err(DivisionError::ByZero);
    }
    let divisor = divisor as i128;
    Ok((dividend.checked_div(divisor).ok_or(DivisionError::OutOfRange)?, dividend.wrapping_rem(divisor)))
}

fn cell(value: i128) -> Result<Cell, DivisionError> {
    Cell::try_from(value).map_err(|_| DivisionError::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisions_of_doubles() {
        use DivisionError::*;
        assert_eq!(fm_slash_mod(-7, 2), Ok((-4, 1)));
        assert_eq!(fm_slash_mod(7, -2), Ok((-4, -1)));
        assert_eq!(sm_slash_rem(-7, 2), Ok((-3, -1)));
        assert_eq!(sm_slash_rem(7, -2), Ok((-3, 1)));
        assert_eq!(fm_slash_mod(1 << 100, 1), Err(OutOfRange));
        assert_eq!(fm_slash_mod(Cell::MIN as i128, -1), Err(OutOfRange));
        assert_eq!(sm_slash_rem(i128::MIN, -1), Err(OutOfRange));
        assert_eq!(fm_slash_mod(5, 0), Err(ByZero));
        assert_eq!(um_slash_mod(u64::MAX as u128 * 3 + 2, 3), Ok((u64::MAX, 2)));
        assert_eq!(um_slash_mod(3 << 64, 3), Err(OutOfRange));
        assert_eq!(um_slash_mod(1, 0), Err(ByZero));
    }

    #[test]
    fn a_triple_product_keeps_all_its_bits() {
        use DivisionError::*;
        assert_eq!(m_star_slash(10, 7, 3), Ok(23));
        assert_eq!(m_star_slash(-10, 7, 3), Ok(-24));
        assert_eq!(m_star_slash(10, -7, -3), Ok(23));
        assert_eq!(m_star_slash(i128::MAX, Cell::MAX, Cell::MAX), Ok(i128::MAX));
        assert_eq!(m_star_slash(i128::MIN, Cell::MAX, Cell::MAX), Ok(i128::MIN));
        assert_eq!(m_star_slash(i128::MAX, 2, 1), Err(OutOfRange));
        assert_eq!(m_star_slash(i128::MIN, 1, -1), Err(OutOfRange));
        assert_eq!(m_star_slash(1, 1, 0), Err(ByZero));
    }

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
