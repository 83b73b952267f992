//! Numbers as Forth reads them: decimal, `$hex`, `#decimal`, `%binary`, `'c'`, and double cells with a point at the end.

use crate::model::Cell;

/// A number in the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Number {
    Single(Cell),
    /// Low cell, then high cell, as they lie on the stack.
    Double(Cell, Cell),
}

/// The number that a token is, if it is one. Digits beyond the width of a cell are an error, not a wrap: nobody means them.
pub(crate) fn parse(token: &[u8]) -> Option<Number> {
    if let Some(value) = character(token) {
        return Some(Number::Single(value));
    }
    let (radix, rest) = match token.first()? {
        b'$' => (16, &token[1..]),
        b'#' => (10, &token[1..]),
        b'%' => (2, &token[1..]),
        _ => (10, token),
    };
    let (negative, rest) = match rest.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, rest),
    };
    let (double, digits) = match rest.split_last()? {
        (b'.', digits) => (true, digits),
        _ => (false, rest),
    };
    let magnitude = magnitude(digits, radix)?;
    let value = if negative { magnitude.wrapping_neg() } else { magnitude };
    if double {
        return Some(Number::Double(value as u64 as Cell, (value >> 64) as u64 as Cell));
    }
    let fits = if negative { magnitude <= 1 << 63 } else { magnitude <= u64::MAX as u128 };
    fits.then_some(Number::Single(value as u64 as Cell))
}

fn character(token: &[u8]) -> Option<Cell> {
    let inner = token.strip_prefix(b"'")?.strip_suffix(b"'")?;
    let mut chars = std::str::from_utf8(inner).ok()?.chars();
    let c = chars.next()?;
    chars.next().is_none().then_some(c as Cell)
}

fn magnitude(digits: &[u8], radix: u32) -> Option<u128> {
    if digits.is_empty() {
        return None;
    }
    let mut value = 0u128;
    for &byte in digits {
        let digit = (byte as char).to_digit(radix)?;
        value = value.checked_mul(radix as u128)?.checked_add(digit as u128)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(token: &str, expect: Option<Number>) {
        assert_eq!(parse(token.as_bytes()), expect, "{token}");
    }

    #[test]
    fn numbers() {
        for (token, value) in [
            ("0", 0),
            ("42", 42),
            ("-7", -7),
            ("$ff", 255),
            ("$FF", 255),
            ("$-10", -16),
            ("#12", 12),
            ("%101", 5),
            ("'a'", 97),
            ("' '", 32),
            ("'é'", 233),
            ("18446744073709551615", -1),
            ("-9223372036854775808", Cell::MIN),
            ("$8000000000000000", Cell::MIN),
        ] {
            check(token, Some(Number::Single(value)));
        }
        check("5.", Some(Number::Double(5, 0)));
        check("-5.", Some(Number::Double(-5, -1)));
        check("18446744073709551616.", Some(Number::Double(0, 1)));
    }

    #[test]
    fn others() {
        for token in [
            "",
            "-",
            ".",
            "-.",
            "$",
            "$g",
            "1a",
            "12x",
            "%12",
            "''",
            "'ab'",
            "1.5",
            "18446744073709551616",
            "- 1",
        ] {
            check(token, None);
        }
    }
}
