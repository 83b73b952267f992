//! Words on strings that `prims` has no place for: escapes, substitution (Forth 2012, section 17), and characters of more
//! than one byte (section 18), in UTF-8.

use super::engine::Engine;
use super::error::{CompileErrorKind, Stop};
use super::fuel;
use super::interpreter::text_error;
use super::lexer::Token;
use super::machine::Machine;
use super::memory::{STRING_BYTES, STRINGS};
use super::prims;
use super::trap::{TrapKind, throw};
use super::words::Word;
use crate::model::{Cell, scalar};

const INVALID: TrapKind = TrapKind::Throw(throw::INVALID_ADDRESS);
const MALFORMED: TrapKind = TrapKind::Throw(throw::MALFORMED_XCHAR);

/// Bytes of all substitutions together.
const SUBSTITUTION_BYTES: usize = 1 << 16;

impl Engine {
    /// The string behind `s\"`, with its escapes replaced (6.2.2266).
    pub(super) fn parse_escaped(&mut self, opening: Token) -> Result<Vec<u8>, Stop> {
        let unterminated = text_error(CompileErrorKind::Unterminated, opening);
        let source = &self.machine.memory.text;
        let mut rest = source[self.input.at as usize..self.input.end as usize].iter().copied();
        let mut bytes = Vec::new();
        loop {
            match rest.next() {
                None => return Err(unterminated),
                Some(b'"') => break,
                Some(b'\\') => {
                    let escape = rest.next().ok_or(unterminated)?;
                    match escape {
                        b'a' => bytes.push(7),
                        b'b' => bytes.push(8),
                        b'e' => bytes.push(27),
                        b'f' => bytes.push(12),
                        b'l' | b'n' => bytes.push(10),
                        b'm' => bytes.extend_from_slice(b"\r\n"),
                        b'q' | b'"' => bytes.push(b'"'),
                        b'r' => bytes.push(13),
                        b't' => bytes.push(9),
                        b'v' => bytes.push(11),
                        b'z' => bytes.push(0),
                        b'\\' => bytes.push(b'\\'),
                        b'x' => {
                            let mut digit = || rest.next().and_then(|c| (c as char).to_digit(16));
                            let (high, low) = (digit(), digit());
                            let (Some(high), Some(low)) = (high, low) else {
                                return Err(text_error(CompileErrorKind::BadEscape, opening));
                            };
                            bytes.push((high * 16 + low) as u8);
                        }
                        _ => return Err(text_error(CompileErrorKind::BadEscape, opening)),
                    }
                }
                Some(byte) => bytes.push(byte),
            }
        }
        self.input.at = self.input.end - rest.len() as u32;
        Ok(bytes)
    }

    /// Puts a string into one of two buffers, by turns.
    pub(super) fn keep_bytes(&mut self, text: &[u8]) -> Result<(), Stop> {
        if text.len() > STRING_BYTES {
            return Err(self.thrown(throw::STRING_OVERFLOW));
        }
        self.string_turn = !self.string_turn;
        let addr = STRINGS + if self.string_turn { STRING_BYTES as Cell } else { 0 };
        let kept = self.machine.memory.string_mut(addr, text.len() as Cell);
        kept.map(|bytes| bytes.copy_from_slice(text))
            .and_then(|()| self.machine.push(addr))
            .and_then(|()| self.machine.push(text.len() as Cell))
            .map_err(|kind| self.trapped(kind))
    }

    /// REPLACES.
    pub(super) fn replaces(&mut self) -> Result<(), Stop> {
        let name = self.pop_string()?;
        let text = self.pop_string()?;
        let used: usize =
            self.system().substitutions.iter().map(|(name, text)| name.len() + text.len()).sum();
        if name.contains(&b'%') || used + name.len() + text.len() > SUBSTITUTION_BYTES {
            return Err(self.thrown(-79));
        }
        let substitutions = &mut self.system_mut().substitutions;
        match substitutions.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            Some(known) => known.1 = text,
            None => substitutions.push((name, text)),
        }
        Ok(())
    }

    /// SUBSTITUTE.
    pub(super) fn substitute(&mut self) -> Result<(), Stop> {
        let (addr, room) = self.machine.pop2().map_err(|kind| self.trapped(kind))?;
        let text = self.pop_string()?;
        let (result, n) = self.substituted(&text, usize::try_from(room).unwrap_or(0));
        self.burn_bytes(result.len())?;
        // An error leaves as much as there is room for.
        let fits = Cell::try_from(result.len()).is_ok_and(|len| len <= room);
        let kept = &result[..result.len().min(room.max(0) as usize)];
        let target = self.machine.memory.string_mut(addr, kept.len() as Cell);
        target.map(|bytes| bytes.copy_from_slice(kept)).map_err(|kind| self.trapped(kind))?;
        self.push(addr)?;
        self.push(kept.len() as Cell)?;
        self.push(if fits { n } else { -78 })
    }

    /// The text with its names replaced, and how many were. It is not whole where there is no room for it.
    fn substituted(&self, text: &[u8], room: usize) -> (Vec<u8>, Cell) {
        let mut result = Vec::with_capacity(text.len());
        let mut n = 0;
        let mut rest = text;
        // What does not fit is an error however long it is.
        while result.len() <= room
            && let Some(start) = rest.iter().position(|byte| *byte == b'%')
        {
            result.extend_from_slice(&rest[..start]);
            let behind = &rest[start + 1..];
            let Some(len) = behind.iter().position(|byte| *byte == b'%') else {
                // Nothing ends it: it stays as it is.
                result.extend_from_slice(&rest[start..]);
                return (result, n);
            };
            let name = &behind[..len];
            let known =
                self.system().substitutions.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            match known {
                _ if name.is_empty() => result.push(b'%'),
                Some((_, replacement)) => {
                    result.extend_from_slice(replacement);
                    n += 1;
                }
                None => result.extend_from_slice(&rest[start..start + len + 2]),
            }
            rest = &behind[len + 1..];
        }
        result.extend_from_slice(rest);
        (result, n)
    }
}

/// UNESCAPE: doubles every `%`. The target may lie where the source does.
pub(super) fn unescape(m: &mut Machine) -> Result<(), TrapKind> {
    let to = m.pop()?;
    let (addr, len) = m.pop2()?;
    let text = m.memory.string(addr, len)?.to_vec();
    m.burn(fuel::of_bytes(2 * text.len() as u64))?;
    let mut result = Vec::with_capacity(text.len());
    for byte in text {
        result.push(byte);
        if byte == b'%' {
            result.push(byte);
        }
    }
    m.memory.string_mut(to, result.len() as Cell)?.copy_from_slice(&result);
    m.push(to)?;
    m.push(result.len() as Cell)
}

/// The character that a cell means.
fn char_of(cell: Cell) -> Result<char, TrapKind> {
    u32::try_from(cell).ok().and_then(char::from_u32).ok_or(MALFORMED)
}

/// Bytes of the character that begins with this one.
fn size_by_first(byte: u8) -> usize {
    match byte {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// A word on extended characters.
pub(super) fn xchar(word: Word, m: &mut Machine) -> Result<(), TrapKind> {
    match word {
        Word::XEmit => {
            let c = m.pop()?;
            char_of(c)?;
            prims::emit(m, c)
        }
        Word::XcSize => {
            let c = char_of(m.pop()?)?;
            m.push(c.len_utf8() as Cell)
        }
        Word::XSize => {
            let (addr, len) = m.pop2()?;
            let size = match len {
                ..=0 => 0,
                _ => size_by_first(m.memory.fetch_byte(addr).ok_or(INVALID)?).min(len as usize),
            };
            m.push(size as Cell)
        }
        Word::XcFetchPlus => {
            let addr = m.pop()?;
            let size = size_by_first(m.memory.fetch_byte(addr).ok_or(INVALID)?);
            let bytes = m.memory.string(addr, size as Cell)?;
            let c = std::str::from_utf8(bytes).ok().and_then(|text| text.chars().next()).ok_or(MALFORMED)?;
            m.push(addr + size as Cell)?;
            m.push(c as Cell)
        }
        Word::XcStorePlus => {
            let addr = m.pop()?;
            let c = char_of(m.pop()?)?;
            let size = c.len_utf8() as Cell;
            c.encode_utf8(m.memory.string_mut(addr, size)?);
            m.push(addr + size)
        }
        Word::XcStorePlusQ => {
            let (addr, room) = m.pop2()?;
            let c = char_of(m.pop()?)?;
            let size = c.len_utf8() as Cell;
            let fits = size <= room;
            if fits {
                c.encode_utf8(m.memory.string_mut(addr, size)?);
            }
            let used = if fits { size } else { 0 };
            m.push(addr + used)?;
            m.push(room - used)?;
            m.push(scalar::flag(fits))
        }
        Word::XcComma => {
            let c = char_of(m.pop()?)?;
            m.memory.append(c.encode_utf8(&mut [0; 4]).as_bytes()).map(|_| ())
        }
        Word::XCharPlus => {
            let addr = m.pop()?;
            let size = size_by_first(m.memory.fetch_byte(addr).ok_or(INVALID)?);
            m.push(addr.wrapping_add(size as Cell))
        }
        Word::XCharMinus => {
            let mut addr = m.pop()?;
            for _ in 0..4 {
                addr = addr.wrapping_sub(1);
                if !is_continuation(m.memory.fetch_byte(addr).ok_or(INVALID)?) {
                    break;
                }
            }
            m.push(addr)
        }
        Word::PlusXString => {
            let (addr, len) = m.pop2()?;
            let size = match len {
                ..=0 => 0,
                _ => (size_by_first(m.memory.fetch_byte(addr).ok_or(INVALID)?) as Cell).min(len),
            };
            m.push(addr.wrapping_add(size))?;
            m.push(len - size)
        }
        Word::XStringMinus => {
            let (addr, len) = m.pop2()?;
            let text = m.memory.string(addr, len.max(0))?;
            let tail = text.iter().rev().take(3).take_while(|byte| is_continuation(**byte)).count();
            m.push(addr)?;
            m.push((len - tail as Cell - 1).max(0))
        }
        Word::MinusTrailingGarbage => {
            let (addr, len) = m.pop2()?;
            let text = m.memory.string(addr, len.max(0))?;
            let tail = text.iter().rev().take(3).take_while(|byte| is_continuation(**byte)).count();
            let start = text.len().saturating_sub(tail + 1);
            let whole = text.get(start).is_none_or(|first| size_by_first(*first) <= tail + 1);
            let kept = if whole { text.len() } else { start };
            m.push(addr)?;
            m.push(kept as Cell)
        }
        Word::XHold => {
            let c = char_of(m.pop()?)?;
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes().rev() {
                prims::hold(m, byte)?;
            }
            Ok(())
        }
        Word::XcWidth => {
            let c = char_of(m.pop()?)?;
            m.push(unicode_width::UnicodeWidthChar::width(c).unwrap_or(0) as Cell)
        }
        _ => {
            let (addr, len) = m.pop2()?;
            m.burn(fuel::of_bytes(len.max(0) as u64))?;
            let text = String::from_utf8_lossy(m.memory.string(addr, len)?).into_owned();
            m.push(unicode_width::UnicodeWidthStr::width(text.as_str()) as Cell)
        }
    }
}
