//! Source text to tokens, tokens to numbers. A token is a run of bytes above the space; everything else separates.

use super::words::{NameKey, fold_case};
use crate::model::Cell;

/// Spaces behind the end of every text in the source buffer, so that eight bytes can be read at each of its places.
pub(super) const PADDING: usize = 16;

/// A token: where it stands, and its name key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// Offset of the first byte in the source buffer.
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
    /// The folded key of the first 8 bytes.
    pub key: NameKey,
}

impl Token {
    /// The bytes of the token.
    #[inline]
    pub fn text<'s>(&self, source: &'s [u8]) -> &'s [u8] {
        &source[self.start as usize..(self.start + self.len) as usize]
    }
}

/// The part of the source buffer that is still to be read.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Cursor {
    /// The next byte to read.
    pub at: u32,
    /// One past the last byte. At least [`PADDING`] bytes of the buffer follow.
    pub end: u32,
}

impl Cursor {
    /// The next token, after any space.
    pub fn next(&mut self, source: &[u8]) -> Option<Token> {
        self.next_in_line(source)
    }

    /// The same, for the one loop that reads nearly all of them.
    #[inline(always)]
    pub fn next_in_line(&mut self, source: &[u8]) -> Option<Token> {
        let mut at = self.at as usize;
        let end = self.end as usize;
        if at >= end {
            return None;
        }
        let (mut raw, mut blank) = eight(source, at);
        // Two spaces in a row are rare, so they have a loop of their own.
        if blank & 0x80 != 0 {
            loop {
                at += 1;
                if at >= end {
                    self.at = self.end;
                    return None;
                }
                (raw, blank) = eight(source, at);
                if blank & 0x80 == 0 {
                    break;
                }
            }
        }
        let (len, key) = match blank {
            0 => (long(&source[at..end]), fold_case(raw)),
            _ => {
                let bits = blank.trailing_zeros() - 7;
                ((bits / 8) as usize, fold_case(raw & ((1 << bits) - 1)))
            }
        };
        // A delimiter is swallowed with its token; at the end of the text the padding plays its part.
        self.at = (at + len + 1).min(end) as u32;
        Some(Token { start: at as u32, len: len as u32, key })
    }

    /// The text up to `delimiter`, which is passed over; up to the end where there is none. The flag says which.
    pub fn parse(&mut self, source: &[u8], delimiter: u8) -> (std::ops::Range<usize>, bool) {
        let (at, end) = (self.at as usize, self.end as usize);
        match source[at..end].iter().position(|byte| *byte == delimiter) {
            Some(len) => {
                self.at = (at + len + 1) as u32;
                (at..at + len, true)
            }
            None => {
                self.at = self.end;
                (at..end, false)
            }
        }
    }

    /// Passes over the rest of the line.
    pub fn skip_line(&mut self, source: &[u8]) {
        // The newline may be the very delimiter that went with the token `\`.
        let at = self.at as usize;
        if at > 0 && source[at - 1] == b'\n' {
            return;
        }
        self.parse(source, b'\n');
    }
}

/// The eight bytes at a place. The second number has bit 7 of the first byte below 0x21 set; what it has behind that one
/// may be wrong.
#[inline(always)]
fn eight(source: &[u8], at: usize) -> (u64, u64) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let raw = u64::from_le_bytes(source[at..at + 8].first_chunk().copied().unwrap_or([b' '; 8]));
    (raw, raw.wrapping_sub(ONES * 0x21) & !raw & HIGH)
}

/// The length of a token that is no shorter than eight bytes, at the beginning of `rest`.
#[cold]
#[inline(never)]
fn long(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte <= b' ').unwrap_or(rest.len())
}

/// A number as source text has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Number {
    /// One cell.
    Single(Cell),
    /// Two cells, written with a dot at the end.
    Double(i128),
    /// Digits all right, but beyond 64 bits (or 128 for a double number).
    TooLarge,
}

/// Reads a number: digits of `base`, or with a prefix `#` `$` `%` of bases 10, 16 and 2, a sign before or after the prefix,
/// a dot at the end for two cells; or a character in quotes. Numbers up to 2^64-1 are taken by their bits.
pub fn number(text: &[u8], base: u32) -> Option<Number> {
    if let [b'\'', inner @ .., b'\''] = text {
        return character(inner).map(Number::Single);
    }
    let (mut negative, mut rest) = sign(text);
    let mut base = base;
    if let [prefix, behind @ ..] = rest
        && let Some(prefixed) = base_of(*prefix)
    {
        base = prefixed;
        rest = behind;
        if !negative {
            (negative, rest) = sign(rest);
        }
    }
    let double = rest.len() > 1 && rest.ends_with(b".");
    if double {
        rest = &rest[..rest.len() - 1];
    }
    if rest.is_empty() {
        return None;
    }
    let (magnitude, fits) = digits(rest, base)?;
    Some(match (double, fits) {
        (_, false) => Number::TooLarge,
        (true, _) => Number::Double(signed(magnitude, negative)),
        (false, _) if magnitude > u64::MAX as u128 || (negative && magnitude > 1 << 63) => Number::TooLarge,
        (false, _) => Number::Single(signed(magnitude, negative) as Cell),
    })
}

/// The value of a digit below 36, in either case.
#[inline]
pub(super) fn digit(byte: u8) -> Option<u32> {
    (byte as char).to_digit(36)
}

fn digits(text: &[u8], base: u32) -> Option<(u128, bool)> {
    let mut value: u128 = 0;
    let mut fits = true;
    for byte in text {
        let digit = digit(*byte).filter(|digit| *digit < base)?;
        match value.checked_mul(base as u128).and_then(|v| v.checked_add(digit as u128)) {
            Some(next) => value = next,
            None => fits = false,
        }
    }
    Some((value, fits))
}

fn signed(magnitude: u128, negative: bool) -> i128 {
    if negative { (magnitude as i128).wrapping_neg() } else { magnitude as i128 }
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn base_of(prefix: u8) -> Option<u32> {
    match prefix {
        b'#' => Some(10),
        b'$' => Some(16),
        b'%' => Some(2),
        _ => None,
    }
}

fn character(inner: &[u8]) -> Option<Cell> {
    match inner {
        [byte] => Some(*byte as Cell),
        _ => {
            let mut chars = std::str::from_utf8(inner).ok()?.chars();
            let first = chars.next()?;
            chars.next().is_none().then_some(first as Cell)
        }
    }
}

/// Reads a number of digits only, as `>number` and short literals have it; the common case, kept small.
#[inline]
pub(super) fn small_decimal(key: NameKey, len: u32) -> Option<Cell> {
    if len > 7 {
        return None;
    }
    let mut value = 0;
    let mut rest = key;
    for _ in 0..len {
        let digit = (rest as u8).wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + digit as Cell;
        rest >>= 8;
    }
    Some(value)
}

/// The folded key of a whole name.
#[inline]
pub(super) fn folded(name: &[u8]) -> NameKey {
    fold_case(key_of(name))
}

/// The key of a whole name, as it is written.
#[inline]
pub(super) fn key_of(name: &[u8]) -> NameKey {
    // The bytes in the middle may be read twice.
    match (name.first_chunk::<8>(), name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (Some(eight), ..) => u64::from_le_bytes(*eight),
        (None, Some(first), Some(last)) => {
            u32::from_le_bytes(*first) as u64 | (u32::from_le_bytes(*last) as u64) << (8 * (name.len() - 4))
        }
        _ => {
            let byte = |at: usize| name.get(at).map_or(0, |byte| (*byte as u64) << (8 * at));
            byte(0) | byte(1) | byte(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        let mut source = text.as_bytes().to_vec();
        source.resize(text.len() + PADDING, b' ');
        let mut cursor = Cursor { at: 0, end: text.len() as u32 };
        std::iter::from_fn(|| cursor.next(&source))
            .map(|token| {
                assert_eq!(token.key, folded(token.text(&source)), "{text}");
                String::from_utf8_lossy(token.text(&source)).into_owned()
            })
            .collect()
    }

    #[test]
    fn tokens_are_runs_above_the_space() {
        for (text, expect) in [
            ("", &[][..]),
            (" ", &[]),
            (" \t\r\n ", &[]),
            ("dup", &["dup"]),
            (" DUP\t*\n", &["DUP", "*"]),
            ("1234567", &["1234567"]),
            ("12345678", &["12345678"]),
            ("12345678 9", &["12345678", "9"]),
            ("a-very-long-name b", &["a-very-long-name", "b"]),
            ("n² é", &["n²", "é"]),
            ("a\0b\x7fc", &["a", "b\x7fc"]),
            ("ÿÿÿÿÿÿÿÿ x", &["ÿÿÿÿÿÿÿÿ", "x"]),
        ] {
            assert_eq!(tokens(text), expect, "{text:?}");
        }
    }

    #[test]
    fn numbers_as_the_standard_writes_them() {
        use Number::{Double, Single, TooLarge};
        for (text, expect) in [
            ("0", Some(Single(0))),
            ("-7", Some(Single(-7))),
            ("+7", Some(Single(7))),
            ("$fF", Some(Single(255))),
            ("$-10", Some(Single(-16))),
            ("-$10", Some(Single(-16))),
            ("%101", Some(Single(5))),
            ("#-9", Some(Single(-9))),
            ("'a'", Some(Single(97))),
            ("'''", Some(Single(39))),
            ("'é'", Some(Single(0xe9))),
            ("18446744073709551615", Some(Single(-1))),
            ("18446744073709551616", Some(TooLarge)),
            ("-9223372036854775808", Some(Single(i64::MIN))),
            ("-9223372036854775809", Some(TooLarge)),
            ("5.", Some(Double(5))),
            ("-5.", Some(Double(-5))),
            ("18446744073709551616.", Some(Double(1 << 64))),
            ("999999999999999999999999999999999999999999", Some(TooLarge)),
            ("", None),
            ("-", None),
            (".", None),
            ("-.", None),
            ("$", None),
            ("12a", None),
            ("1.5", None),
            ("''", None),
            ("'ab'", None),
            ("--5", None),
            ("%2", None),
        ] {
            assert_eq!(number(text.as_bytes(), 10), expect, "{text}");
        }
        assert_eq!(number(b"zz", 36), Some(Single(35 * 36 + 35)));
        assert_eq!(number(b"#10", 16), Some(Single(10)));
        assert_eq!(number(b"9", 8), None);
    }

    #[test]
    fn keys_are_the_first_eight_bytes() {
        let name = b"aBcDeFgHiJ";
        for len in 0..=name.len() {
            assert_eq!(key_of(&name[..len]), crate::forth::words::name_key(&name[..len]), "{len}");
        }
    }

    #[test]
    fn short_decimals_agree_with_the_whole_reader() {
        for text in ["0", "7", "42", "1234567", "1a", "-1", "", "$1"] {
            let small = if text.is_empty() {
                None
            } else {
                small_decimal(folded(text.as_bytes()), text.len() as u32)
            };
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            let whole = number(text.as_bytes(), 10).filter(|_| plain);
            assert_eq!(small.map(Number::Single), whole, "{text}");
        }
    }
}
