//! Strings: eight bytes at a time up to the closing quote; escapes and everything odd on a slow path.

use super::{Broken, Reader, Step, shown};
use crate::spec::codes;
use crate::spec::finding::{Finding, Span};
use std::borrow::Cow;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Bit 7 of a byte is set where the byte ends the plain run of a string: a quote, a backslash or a control character.
/// Only the lowest set bit is exact, because a borrow may run into higher bytes.
#[inline(always)]
fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let below = |x: u64, n: u64| x.wrapping_sub(ONES * n) & !x;
    (below(quote, 1) | below(backslash, 1) | below(word, 0x20)) & HIGHS
}

/// The position of the first special byte from `at` on, or the length.
#[inline(always)]
fn plain_run(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..at + 8) {
        let hit = special(u64::from_le_bytes(chunk.try_into().expect("eight bytes")));
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while at < bytes.len() && bytes[at] >= b' ' && bytes[at] != b'"' && bytes[at] != b'\\' {
        at += 1;
    }
    at
}

impl<'t> Reader<'t> {
    /// Reads the string that begins here with a double quote.
    #[inline(always)]
    pub fn string(&mut self) -> Step<Cow<'t, str>> {
        let start = self.pos + 1;
        let end = plain_run(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.pos = end + 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        self.string_slow(start, end).map(Cow::Owned)
    }

    #[inline(never)]
    fn string_slow(&mut self, start: usize, mut at: usize) -> Step<String> {
        let bytes = self.text.as_bytes();
        let mut out = String::from(&self.text[start..at]);
        loop {
            match bytes.get(at) {
                Some(b'"') => {
                    self.pos = at + 1;
                    return Ok(out);
                }
                Some(b'\\') => at = self.escape(at, &mut out).ok_or_else(|| self.unclosed(start))?,
                Some(b'\n' | b'\r') => return Err(self.line_break(start, at)),
                Some(&control) if control < b' ' => {
                    self.bad_string(Span::at(at), "a control character stands in a string", || {
                        format!("write \\u{control:04x}")
                    });
                    out.push(control as char);
                    at += 1;
                }
                Some(_) => {
                    let end = plain_run(bytes, at);
                    out.push_str(&self.text[at..end]);
                    at = end;
                }
                None => return Err(self.unclosed(start)),
            }
        }
    }

    /// Reads the escape at `at`; the position after it, or `None` where the text ends in it.
    fn escape(&mut self, at: usize, out: &mut String) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let plain = match *bytes.get(at + 1)? {
            quoted @ (b'"' | b'\\' | b'/') => quoted as char,
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'u' => return self.unicode_escape(at, out),
            _ => {
                let other = self.text[at + 1..].chars().next()?;
                let end = at + 1 + other.len_utf8();
                self.bad_string(Span::new(at, end), "JSON has no such escape", || match other {
                    '\'' => "write ' alone".into(),
                    _ => format!("for a backslash write \\\\{}", shown(&other.to_string())),
                });
                out.push('\\');
                out.push(other);
                return Some(end);
            }
        };
        out.push(plain);
        Some(at + 2)
    }

    fn unicode_escape(&mut self, at: usize, out: &mut String) -> Option<usize> {
        let unit = match hex4(self.text.as_bytes(), at) {
            Hex::Unit(unit) => unit,
            Hex::End => return None,
            Hex::Bad => {
                self.bad_string(Span::new(at, at + 2), "\\u needs four hexadecimal digits", || {
                    "for example \\u00e9".into()
                });
                out.push_str("\\u");
                return Some(at + 2);
            }
        };
        let mut end = at + 6;
        let mut code = unit as u32;
        if let (0xD800..0xDC00, Hex::Unit(low @ 0xDC00..0xE000)) = (unit, hex4(self.text.as_bytes(), end)) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low as u32 - 0xDC00);
            end += 6;
        }
        let c = char::from_u32(code).unwrap_or_else(|| {
            self.bad_string(Span::new(at, end), "half of a surrogate pair stands alone", || {
                "write the character itself; the file is UTF-8".into()
            });
            char::REPLACEMENT_CHARACTER
        });
        out.push(c);
        Some(end)
    }

    #[cold]
    fn bad_string(&mut self, span: Span, message: &str, hint: impl FnOnce() -> String) {
        self.syntax(|| Finding::error(codes::BAD_STRING, span, message).suggest(hint()));
    }

    #[cold]
    fn unclosed(&mut self, start: usize) -> Broken {
        let span = Span::new(start - 1, self.text.len());
        self.break_off(|| {
            Finding::error(codes::CUT_SHORT, span, "the text ends inside this string")
                .suggest("close it with \"")
        })
    }

    #[cold]
    fn line_break(&mut self, start: usize, at: usize) -> Broken {
        self.break_off(|| {
            Finding::error(codes::BAD_STRING, Span::new(start - 1, at), "the line ends inside this string")
                .suggest("close it with \", or write \\n for a line break")
        })
    }

    /// Reads a string in single quotes, with a finding.
    #[cold]
    pub fn single_quoted(&mut self) -> Step<Cow<'t, str>> {
        let start = self.pos + 1;
        let rest = &self.text[start..];
        let len = rest.find(['\'', '\n']).filter(|&at| rest.as_bytes()[at] == b'\'');
        let Some(len) = len else {
            return Err(self.unexpected("a string in double quotes"));
        };
        self.pos = start + len + 1;
        let inside = &rest[..len];
        self.habit(
            Span::new(start - 1, self.pos),
            || "strings stand in double quotes".into(),
            || format!("write \"{}\"", shown(inside)),
        );
        Ok(Cow::Borrowed(inside))
    }
}

enum Hex {
    Unit(u16),
    Bad,
    End,
}

/// The four digits of the `\uXXXX` at `at`.
fn hex4(bytes: &[u8], at: usize) -> Hex {
    if bytes.get(at..at + 2) != Some(b"\\u") {
        return Hex::Bad;
    }
    let mut unit = 0;
    for i in 2..6 {
        match bytes.get(at + i).map(|&byte| (byte as char).to_digit(16)) {
            Some(Some(digit)) => unit = unit << 4 | digit as u16,
            Some(None) => return Hex::Bad,
            None => return Hex::End,
        }
    }
    Hex::Unit(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Cow<'_, str> {
        let mut reader = Reader::new(text);
        let string = reader.string().unwrap();
        assert!(reader.log.is_empty());
        assert_eq!(reader.pos(), text.len());
        string
    }

    #[test]
    fn strings_without_escapes_are_borrowed() {
        for text in
            ["\"\"", "\"a\"", "\"sieben.\"", "\"acht und mehr\"", "\"n² ≠ 😀 · |n|\"", "\"\u{7f}\u{80}\""]
        {
            assert!(
                matches!(read(text), Cow::Borrowed(inside) if inside == &text[1..text.len() - 1]),
                "{text}"
            );
        }
    }

    #[test]
    fn every_byte_stops_the_run_or_does_not() {
        for byte in 0..=255u8 {
            for at in 0..20 {
                let mut text = [b'x'; 21];
                text[at] = byte;
                let stops = byte < b' ' || byte == b'"' || byte == b'\\';
                assert_eq!(plain_run(&text, 0), if stops { at } else { 21 }, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn escapes_are_resolved_like_elsewhere() {
        for text in [
            r#""\n\t\r\b\f\/\\\"""#,
            r#""a\u0041\u00e9\u2211z""#,
            r#""\ud83d\ude00""#,
            r#""long plain run before \n and after it, longer than eight""#,
        ] {
            assert_eq!(read(text), serde_json::from_str::<String>(text).unwrap(), "{text}");
        }
    }
}
