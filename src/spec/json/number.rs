//! Numbers: whole numbers that fit 64 bits on the fast path, all else told apart on the slow one.

use super::Reader;
use crate::spec::finding::Span;

/// A number of the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Number {
    /// A whole number that fits a signed cell.
    Int(i64),
    /// A whole number above `i64::MAX` that fits an unsigned cell.
    Big(u64),
    /// A whole number that fits neither.
    Huge,
    /// A number with a point or an exponent.
    Float,
    /// Not a number of JSON; the log has it.
    Bad,
}

impl<'t> Reader<'t> {
    /// Reads the number that begins here.
    #[inline(always)]
    pub fn number(&mut self) -> Number {
        match self.plain_int() {
            Some(value) => Number::Int(value),
            None => self.number_slow(),
        }
    }

    /// Reads the whole number that begins here, if it is one that fits a signed cell; if not, the reader stays.
    #[inline(always)]
    pub fn plain_int(&mut self) -> Option<i64> {
        let rest = self.text.as_bytes().get(self.pos..)?;
        let is_negative = *rest.first()? == b'-';
        let digits = &rest[is_negative as usize..];
        let (value, n_digits) = leading_digits(digits);
        let next = digits.get(n_digits).copied().unwrap_or(0);
        // 19 digits always fit 64 bits unsigned.
        let is_plain = n_digits.wrapping_sub(1) < 19
            && (n_digits == 1 || digits[0] != b'0')
            && !is_number_byte(next)
            && value <= i64::MAX as u64 + is_negative as u64;
        if !is_plain {
            return None;
        }
        self.pos += is_negative as usize + n_digits;
        Some(if is_negative { (value as i64).wrapping_neg() } else { value as i64 })
    }

    #[inline(never)]
    fn number_slow(&mut self) -> Number {
        let start = self.pos;
        let rest = &self.text[start..];
        let len = rest.bytes().position(|byte| !is_number_byte(byte)).unwrap_or(rest.len()).max(1);
        let token = &rest[..len];
        self.pos += len;
        match shape(token) {
            Shape::Whole => match token.parse::<i64>() {
                Ok(value) => Number::Int(value),
                Err(_) => token.parse::<u64>().map_or(Number::Huge, Number::Big),
            },
            Shape::Float => Number::Float,
            Shape::Other => {
                let span = Span::new(start, self.pos);
                let hint = instead(token);
                self.habit(span, || format!("{} is not a number of JSON", super::shown(token)), || hint);
                Number::Bad
            }
        }
    }
}

/// The digits that a text begins with, as a number that wraps, and how many they are. Eight at a time: a number of up to
/// seven digits takes one step, one of nineteen takes three.
#[inline(always)]
fn leading_digits(bytes: &[u8]) -> (u64, usize) {
    const POWERS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let (mut value, mut at) = (0u64, 0);
    while let Some(chunk) = bytes.get(at..at + 8) {
        let digits = u64::from_le_bytes(chunk.try_into().expect("eight bytes")) ^ 0x3030_3030_3030_3030;
        // The highest bit of a byte is set where it is above 9. A carry spoils higher bytes only, and the lowest counts.
        let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
        if others != 0 {
            let n = (others.trailing_zeros() / 8) as usize;
            // Moved to the end of the word, the digits have zeros before them.
            let moved = (digits << 8) << (56 - 8 * n);
            return (value.wrapping_mul(POWERS[n]).wrapping_add(eight_digits(moved)), at + n);
        }
        value = value.wrapping_mul(100_000_000).wrapping_add(eight_digits(digits));
        at += 8;
    }
    while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit <= 9) {
        value = value.wrapping_mul(10).wrapping_add(digit as u64);
        at += 1;
    }
    (value, at)
}

/// The number of eight digits, one a byte, the first in the lowest byte.
#[inline(always)]
fn eight_digits(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF
}

fn is_number_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_')
}

enum Shape {
    Whole,
    Float,
    Other,
}

/// What JSON says of a token.
fn shape(token: &str) -> Shape {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let body = token.strip_prefix('-').unwrap_or(token);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (body, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if !digits(whole) || leading_zero || !fraction.is_none_or(digits) || !exponent.is_none_or(digits) {
        return Shape::Other;
    }
    if fraction.is_none() && exponent.is_none() { Shape::Whole } else { Shape::Float }
}

/// What to write instead of a token that is no number of JSON.
fn instead(token: &str) -> String {
    let (sign, body) = match token.strip_prefix('-') {
        Some(body) => ("-", body),
        None => ("", token.strip_prefix('+').unwrap_or(token)),
    };
    let plain: String = body.chars().filter(|&c| c != '_').collect();
    let lower = plain.to_ascii_lowercase();
    let based = [("0x", 16), ("0b", 2), ("0o", 8)]
        .iter()
        .find_map(|&(prefix, base)| u64::from_str_radix(lower.strip_prefix(prefix)?, base).ok());
    let trimmed = plain.trim_start_matches('0');
    match based {
        Some(value) => format!("write {sign}{value}"),
        None if plain.bytes().all(|byte| byte.is_ascii_digit()) && plain.len() <= 20 && !plain.is_empty() => {
            format!("write {sign}{}", if trimmed.is_empty() { "0" } else { trimmed })
        }
        None => "write a whole number in decimal digits".into(),
    }
}

/// The whole number that a token with a point or an exponent stands for (`3.0`, `1e3`), if it does and is not absurd.
pub fn whole_value(token: &str) -> Option<i128> {
    let (mantissa, exponent) = match token.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (token, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let zeros = exponent.checked_sub(fraction.len() as i32)?;
    if !(0..=38).contains(&zeros) || whole.len() + fraction.len() > 38 {
        return None;
    }
    format!("{whole}{fraction}").parse::<i128>().ok()?.checked_mul(10i128.checked_pow(zeros as u32)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Number) {
        for after in ["", ",", "]", " "] {
            let padded = format!("{text}{after}");
            let mut reader = Reader::new(&padded);
            assert_eq!(reader.number(), expect, "{padded}");
            assert_eq!(reader.pos(), text.len(), "{padded}");
            assert_eq!(reader.log.is_empty(), expect != Number::Bad, "{padded}");
        }
    }

    #[test]
    fn numbers_are_told_apart() {
        check("0", Number::Int(0));
        check("-0", Number::Int(0));
        check("7", Number::Int(7));
        check("-42", Number::Int(-42));
        check("999999999999999999", Number::Int(999_999_999_999_999_999));
        check("9223372036854775807", Number::Int(i64::MAX));
        check("-9223372036854775808", Number::Int(i64::MIN));
        check("9223372036854775808", Number::Big(1 << 63));
        check("9999999999999999999", Number::Big(9_999_999_999_999_999_999));
        check("18446744073709551615", Number::Big(u64::MAX));
        check("18446744073709551616", Number::Huge);
        check("-9223372036854775809", Number::Huge);
        check("123456789012345678901234567890", Number::Huge);
        check("3.0", Number::Float);
        check("1e3", Number::Float);
        check("-2.5E-7", Number::Float);
        for text in
            ["00", "01", "-01", "+1", ".5", "1.", "1e", "1e+", "0x10", "1_0", "-", "--1", "1-2", "-Infinity"]
        {
            check(text, Number::Bad);
        }
    }

    #[test]
    fn digits_are_read_eight_at_a_time() {
        for len in 0..=20 {
            for after in [
                "",
                "]",
                ",1234567890",
                "/////////",
                ":::::::::",
                "\u{ff}\u{ff}\u{ff}\u{ff}",
                "........",
                "        ",
            ] {
                let number: String = "98765432101234567890".chars().take(len).collect();
                let text = format!("{number}{after}");
                let expect = number
                    .bytes()
                    .fold(0u64, |n, digit| n.wrapping_mul(10).wrapping_add((digit - b'0') as u64));
                assert_eq!(leading_digits(text.as_bytes()), (expect, len), "{text}");
            }
        }
        for byte in 0..=255u8 {
            let text = [b'1', b'2', byte, b'4', b'5', b'6', b'7', b'8', b'9', b'0', b'x'];
            let len = if byte.is_ascii_digit() { 10 } else { 2 };
            assert_eq!(leading_digits(&text).1, len, "{byte}");
        }
    }

    #[test]
    fn what_to_write_instead() {
        assert_eq!(instead("0x1F"), "write 31");
        assert_eq!(instead("-0x10"), "write -16");
        assert_eq!(instead("0b101"), "write 5");
        assert_eq!(instead("1_000"), "write 1000");
        assert_eq!(instead("007"), "write 7");
        assert_eq!(instead("+0"), "write 0");
        assert_eq!(instead("1.e"), "write a whole number in decimal digits");
    }

    #[test]
    fn whole_values_of_floats() {
        assert_eq!(whole_value("3.0"), Some(3));
        assert_eq!(whole_value("1e3"), Some(1000));
        assert_eq!(whole_value("-2.50E1"), Some(-25));
        assert_eq!(whole_value("2.5"), None);
        assert_eq!(whole_value("1e-1"), None);
        assert_eq!(whole_value("1e400"), None);
        assert_eq!(whole_value("1e99999999999"), None);
    }
}
