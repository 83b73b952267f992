//! Superscript exponents.

use crate::spec::expr::scanner::is_superscript;

/// What a superscript says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exponent {
    /// `²`, `¹⁰`.
    Number(i128),
    /// `ⁿ`.
    N,
}

/// Whether a superscript starts so.
pub(super) fn starts(c: Option<char>) -> bool {
    c.is_some_and(is_superscript)
}

/// Reads all superscript characters: the exponent, if they are one, and their length in bytes.
pub(super) fn read(text: &str) -> (Option<Exponent>, usize) {
    let len = text.find(|c| !is_superscript(c)).unwrap_or(text.len());
    let digits = &text[..len];
    if digits == "ⁿ" {
        return (Some(Exponent::N), len);
    }
    let value = digits.chars().try_fold(0i128, |value, c| value.checked_mul(10)?.checked_add(digit(c)?));
    (value.map(Exponent::Number), len)
}

fn digit(c: char) -> Option<i128> {
    match c {
        '¹' => Some(1),
        '²' => Some(2),
        '³' => Some(3),
        '⁰' | '⁴'..='⁹' => Some((c as u32 - 0x2070) as i128),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents() {
        let check = |text: &str, expected: Option<Exponent>| assert_eq!(read(text).0, expected, "{text}");
        check("² + 1", Some(Exponent::Number(2)));
        check("¹⁰", Some(Exponent::Number(10)));
        check("⁴⁵", Some(Exponent::Number(45)));
        check("ⁿ)", Some(Exponent::N));
        check("⁻¹", None);
        check("²ⁿ", None);
        assert!(!starts(Some('2')) && !starts(None) && starts(Some('⁹')));
    }
}
