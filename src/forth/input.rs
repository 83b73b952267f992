//! The input source: what is being read, line by line or as one string, and the words that read on in it.
//!
//! Everything that is read stands in the source buffer, so words keep their text for messages. A program sees a place there
//! as an address from [`TEXT_BASE`](super::memory::TEXT_BASE) on; text that it has EVALUATEd keeps the address it had.

use super::engine::Engine;
use super::error::{CompileErrorKind, Stop};
use super::fuel;
use super::interpreter::text_error;
use super::lexer::{self, Cursor, PADDING, Token};
use super::memory::{TEXT_BASE, VAR_TO_IN, WORD_BUFFER, WORD_BYTES};
use super::trap::{TrapKind, throw};
use super::words::Word;
use crate::model::{Cell, FALSE, TRUE};
use std::ops::Range;

type Result<T> = std::result::Result<T, Stop>;

/// What is being read, apart from where in it.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Reading {
    /// Where the parse area begins: the line, or the whole string.
    pub line: u32,
    /// One past the last byte of the whole text.
    pub text_end: u32,
    /// SOURCE-ID.
    pub id: Cell,
    /// Where the string lies in data space that is being EVALUATEd.
    pub addr: Option<Cell>,
    /// The parse area is a line, and there may be more of them.
    pub by_line: bool,
}

/// SOURCE-ID while a string is EVALUATEd.
pub(super) const STRING_ID: Cell = -1;

/// SOURCE-ID while text is read that the host gave a name.
pub(super) const NAMED_TEXT_ID: Cell = 0x7FFF_FFFF;

/// Most places that the trail of an error names.
const TRAIL_MAX: usize = 8;

/// How the text before the one that is read now goes on.
#[derive(Clone, Copy)]
pub(super) struct Outer {
    input: Cursor,
    reading: Reading,
    origin: u32,
    inner_token: u32,
}

/// A text in the source buffer, for messages; the newest begins last.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub start: u32,
    pub end: u32,
    pub name: Option<Box<str>>,
}

/// Appends a text and its padding.
#[inline(always)]
fn append_padded(source: &mut Vec<u8>, text: &[u8]) {
    const BLANKS: u64 = u64::from_ne_bytes([b' '; 8]);
    if text.len() <= 8 {
        // One write of constant size costs less than two, the first by a call.
        let padded = lexer::key_of(text) | BLANKS.checked_shl(8 * text.len() as u32).unwrap_or(0);
        let end = source.len() + text.len() + PADDING;
        let words = [padded, BLANKS, BLANKS].map(u64::to_le_bytes);
        source.extend_from_slice(words.as_flattened());
        source.truncate(end);
    } else {
        source.extend_from_slice(text);
        source.extend_from_slice(&[b' '; PADDING]);
    }
}

impl Engine {
    /// Makes `text` the text to read, as one string; it is kept for messages.
    pub(super) fn read_from(&mut self, text: &[u8]) -> Result<()> {
        self.put_text(text)?;
        self.begin_string();
        Ok(())
    }

    /// Makes `text` the next to read, without a program that asks what is read: `begin_string` comes before any runs.
    #[inline(always)]
    pub(super) fn put_text(&mut self, text: &[u8]) -> Result<()> {
        let source = &mut self.machine.memory.text;
        let start = source.len();
        if start + text.len() + PADDING > self.limits.source_bytes as usize {
            return Err(Stop::Text { kind: CompileErrorKind::TooLarge, place: start as u32, len: 0 });
        }
        append_padded(source, text);
        self.origin = start as u32;
        let end = (start + text.len()) as u32;
        self.input = Cursor { at: start as u32, end };
        Ok(())
    }

    /// What is read now is the text that was put last, all of it as one string.
    pub(super) fn begin_string(&mut self) {
        let (line, text_end) = (self.origin, self.input.end);
        self.reading = Reading { line, text_end, id: 0, addr: None, by_line: false };
    }

    /// The same line by line, as files are read.
    pub(super) fn read_lines_from(&mut self, text: &[u8], id: Cell, name: Option<&str>) -> Result<()> {
        self.read_from(text)?;
        self.note_text(name);
        self.reading.id = id;
        self.reading.by_line = true;
        self.begin_line(self.origin);
        Ok(())
    }

    /// Notes the text that `read_from` was given, for messages.
    pub(super) fn note_text(&mut self, name: Option<&str>) {
        let end = self.reading.text_end;
        self.texts.push(Text { start: self.origin, end, name: name.map(Into::into) });
    }

    fn begin_line(&mut self, at: u32) {
        let text_end = self.reading.text_end;
        let rest = &self.machine.memory.text[at as usize..text_end as usize];
        let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..len];
        let len = line.strip_suffix(b"\r").unwrap_or(line).len();
        self.reading.line = at;
        self.input = Cursor { at, end: at + len as u32 };
    }

    /// Goes on to the next line. False where there is none.
    pub(super) fn next_line(&mut self) -> bool {
        if !self.reading.by_line {
            return false;
        }
        let (end, text_end) = (self.input.end, self.reading.text_end);
        let rest = &self.machine.memory.text[end as usize..text_end as usize];
        let next = match memchr::memchr(b'\n', rest) {
            Some(len) => end + len as u32 + 1,
            None => text_end,
        };
        if next >= text_end {
            return false;
        }
        self.begin_line(next);
        true
    }

    /// REFILL: the next line of a text, or of what the host supplies.
    pub(super) fn refill(&mut self) -> Result<bool> {
        if self.next_line() {
            return Ok(true);
        }
        if self.reading.id != 0 || !self.reading.by_line {
            return Ok(false);
        }
        let Some(line) = self.input_line() else { return Ok(false) };
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let origin = self.origin;
        self.read_lines_from(line, 0, None)?;
        // Messages count from the text that the host gave.
        self.origin = origin;
        Ok(true)
    }

    /// Leaves the text that is being read, to come back to it.
    pub(super) fn outer(&self) -> Outer {
        Outer { input: self.input, reading: self.reading, origin: self.origin, inner_token: self.inner_token }
    }

    pub(super) fn go_back_to(&mut self, outer: Outer) {
        self.input = outer.input;
        self.reading = outer.reading;
        self.origin = outer.origin;
    }

    /// Nothing is left to read.
    #[inline(always)]
    pub(super) fn read_nothing(&mut self) {
        let end = self.input.end;
        self.input.at = end;
        self.reading = Reading { line: end, text_end: end, ..Reading::default() };
    }

    /// Puts >IN where the program can see it, when it has ever asked where that is.
    #[inline(always)]
    pub(super) fn show_to_in(&mut self) {
        if self.to_in_seen {
            let offset = self.input.at.saturating_sub(self.reading.line) as Cell;
            self.machine.memory.store(VAR_TO_IN, offset);
        }
    }

    /// Goes on reading where the program says.
    #[inline(always)]
    pub(super) fn take_to_in(&mut self) {
        if self.to_in_seen {
            let offset = self.machine.memory.fetch(VAR_TO_IN).unwrap_or(0);
            let len = self.input.end.saturating_sub(self.reading.line) as Cell;
            let at = self.reading.line + offset.clamp(0, len) as u32;
            self.pay_for_going_back(at);
            self.input.at = at;
        }
    }

    /// Reading goes forward and costs nothing, so going back costs what it makes to be read again.
    fn pay_for_going_back(&mut self, to: u32) {
        self.machine.fuel -= fuel::of_bytes(self.input.at.saturating_sub(to) as u64);
    }

    /// What a program sees of a place in the text that is being read.
    fn address_of(&self, place: u32) -> Cell {
        match self.reading.addr {
            Some(addr) => addr + place.saturating_sub(self.reading.line) as Cell,
            None => TEXT_BASE + place as Cell,
        }
    }

    fn push_text(&mut self, range: Range<usize>) -> Result<()> {
        self.push(self.address_of(range.start as u32))?;
        self.push(range.len() as Cell)
    }

    /// Words that read on, or say where reading is.
    pub(super) fn input_word(&mut self, word: Word) -> Result<()> {
        match word {
            Word::ToIn => {
                self.to_in_seen = true;
                self.push(VAR_TO_IN)
            }
            Word::Source => self.push_text(self.reading.line as usize..self.input.end as usize),
            Word::SourceId => self.push(self.reading.id),
            Word::Refill => {
                let refilled = self.refill()?;
                self.push(if refilled { TRUE } else { FALSE })
            }
            Word::Parse => {
                let delimiter = self.pop()? as u8;
                let (range, _) = self.input.parse(&self.machine.memory.text, delimiter);
                self.push_text(range)
            }
            Word::ParseName => {
                let end = self.input.end as usize;
                let token = self.input.next(&self.machine.memory.text);
                self.push_text(
                    token.map_or(end..end, |token| token.start as usize..(token.start + token.len) as usize),
                )
            }
            Word::WordWord => self.word_word(),
            Word::SaveInput => {
                let Reading { line, text_end, id, .. } = self.reading;
                for value in [self.input.at as Cell, line as Cell, text_end as Cell, id, 4] {
                    self.push(value)?;
                }
                Ok(())
            }
            Word::RestoreInput => self.restore_input(),
            Word::Accept => self.accept(),
            _ => {
                let byte = self.input_byte();
                match byte {
                    Some(byte) => self.push(byte as Cell),
                    None => Err(self.thrown(throw::UNEXPECTED_END)),
                }
            }
        }
    }

    /// WORD: any white space separates where the delimiter is the space.
    fn word_word(&mut self) -> Result<()> {
        let delimiter = self.pop()? as u8;
        let is_delimiter = |byte: &u8| *byte == delimiter || (delimiter == b' ' && *byte < b' ');
        let text = &self.machine.memory.text;
        let (at, end) = (self.input.at as usize, self.input.end as usize);
        let start = text[at..end].iter().position(|byte| !is_delimiter(byte)).map_or(end, |n| at + n);
        let len = text[start..end].iter().position(is_delimiter).unwrap_or(end - start);
        self.input.at = (start + len + 1).min(end) as u32;
        if len > WORD_BYTES - 2 {
            return Err(self.thrown(throw::STRING_OVERFLOW));
        }
        let mut counted = [b' '; WORD_BYTES];
        counted[0] = len as u8;
        counted[1..=len].copy_from_slice(&text[start..start + len]);
        let kept = self.machine.memory.string_mut(WORD_BUFFER, len as Cell + 2);
        kept.map(|bytes| bytes.copy_from_slice(&counted[..len + 2])).map_err(|kind| self.trapped(kind))?;
        self.push(WORD_BUFFER)
    }

    /// RESTORE-INPUT: only back into the text that is being read.
    fn restore_input(&mut self) -> Result<()> {
        let n = self.pop()?;
        if n != 4 {
            for _ in 0..n.clamp(0, self.machine.sp as Cell) {
                self.pop()?;
            }
            return self.push(TRUE);
        }
        let (id, text_end, line, at) = (self.pop()?, self.pop()?, self.pop()?, self.pop()?);
        let is_line = |line: Cell| {
            line == self.origin as Cell
                || usize::try_from(line - 1)
                    .is_ok_and(|before| self.machine.memory.text.get(before) == Some(&b'\n'))
        };
        let good = id == self.reading.id
            && text_end == self.reading.text_end as Cell
            && (self.origin as Cell..=text_end).contains(&line)
            && (line == self.reading.line as Cell || (self.reading.by_line && is_line(line)))
            && (line..=text_end).contains(&at);
        if good {
            self.pay_for_going_back(line as u32);
            if self.reading.by_line {
                self.begin_line(line as u32);
            }
            self.input.at = (at as u32).min(self.input.end);
        }
        self.push(if good { FALSE } else { TRUE })
    }

    /// EVALUATE.
    pub(super) fn evaluate(&mut self) -> Result<()> {
        let (addr, len) = self.machine.pop2().map_err(|kind| self.trapped(kind))?;
        let text = self.machine.memory.string(addr, len).map(<[u8]>::to_vec);
        let text = text.and_then(|text| self.machine.burn(fuel::of_bytes(len as u64)).map(|()| text));
        let text = text.map_err(|kind| self.trapped(kind))?;
        let (n_source, n_code) = (self.machine.memory.text.len(), self.code.instrs.len());
        self.nested(|engine| {
            engine.read_from(&text)?;
            engine.note_text(Some("evaluated text"));
            engine.reading.id = STRING_ID;
            engine.reading.addr = Some(addr);
            Ok(())
        })?;
        // Names of locals that are being declared stand in the text, too.
        if self.code.instrs.len() == n_code && self.open.is_none() {
            self.machine.memory.text.truncate(n_source);
            while self.texts.last().is_some_and(|text| text.start as usize >= n_source) {
                self.texts.pop();
            }
        }
        Ok(())
    }

    /// Reads another text to its end, then goes on with this one.
    fn nested(&mut self, begin: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if self.nesting >= self.limits.nesting {
            return Err(self.thrown(throw::RETURN_OVERFLOW));
        }
        let outer = self.outer();
        let done = begin(self).and_then(|()| {
            self.nesting += 1;
            let done = self.interpret();
            self.nesting -= 1;
            done
        });
        self.go_back_to(outer);
        if done.is_ok() {
            self.inner_token = outer.inner_token;
        } else if self.trail.len() < TRAIL_MAX {
            self.trail.push(outer.inner_token);
        }
        done
    }

    /// Interprets a file's text.
    pub(super) fn include(&mut self, text: &[u8], id: Cell, name: &str) -> Result<()> {
        self.machine.burn(fuel::of_bytes(text.len() as u64)).map_err(|kind| self.trapped(kind))?;
        self.nested(|engine| engine.read_lines_from(text, id, Some(name)))
    }

    /// The text up to `)`, over as many lines as it takes.
    pub(super) fn skip_comment(&mut self, opening: Token) -> Result<()> {
        loop {
            match self.input.parse(&self.machine.memory.text, b')') {
                (_, true) => return Ok(()),
                _ if self.refill_file()? => {}
                _ => return Err(text_error(CompileErrorKind::Unterminated, opening)),
            }
        }
    }

    /// The next line of a file; a comment or a list of locals does not go on behind the end of a line from the terminal.
    fn refill_file(&mut self) -> Result<bool> {
        if self.reading.id == 0 { Ok(false) } else { self.refill() }
    }

    /// The next token, on this line or a later one.
    pub(super) fn token_over_lines(&mut self) -> Result<Option<Token>> {
        loop {
            match self.input.next(&self.machine.memory.text) {
                Some(token) => return Ok(Some(token)),
                None if self.refill()? => {}
                None => return Ok(None),
            }
        }
    }

    /// [IF] with a false flag and [ELSE]: passes over text up to the matching [THEN] (or [ELSE], behind [IF]).
    pub(super) fn skip_conditional(&mut self, opening: Token, stop_at_else: bool) -> Result<()> {
        let mut depth = 0u32;
        loop {
            let Some(token) = self.token_over_lines()? else {
                return Err(text_error(CompileErrorKind::Unterminated, opening));
            };
            let text = token.text(&self.machine.memory.text);
            if text.eq_ignore_ascii_case(b"[if]") {
                depth += 1;
            } else if text.eq_ignore_ascii_case(b"[then]") {
                match depth.checked_sub(1) {
                    Some(outer) => depth = outer,
                    None => return Ok(()),
                }
            } else if stop_at_else && depth == 0 && text.eq_ignore_ascii_case(b"[else]") {
                return Ok(());
            }
        }
    }

    /// The next byte that the host supplies.
    pub(super) fn input_byte(&mut self) -> Option<u8> {
        if self.typed_at >= self.typed.len() {
            let line = self.next_typed_line()?;
            (self.typed, self.typed_at) = (line, 0);
        }
        let byte = self.typed.get(self.typed_at).copied();
        self.typed_at += 1;
        byte
    }

    /// What is left of the line that the host supplies, or the next line.
    fn input_line(&mut self) -> Option<Vec<u8>> {
        if self.typed_at < self.typed.len() {
            let rest = self.typed.split_off(self.typed_at);
            self.typed.clear();
            return Some(rest);
        }
        self.next_typed_line()
    }

    fn next_typed_line(&mut self) -> Option<Vec<u8>> {
        self.machine.flush();
        self.supply.as_mut()?().filter(|line| !line.is_empty())
    }

    /// ACCEPT: one line, as much of it as there is room for.
    fn accept(&mut self) -> Result<()> {
        let (addr, room) = self.machine.pop2().map_err(|kind| self.trapped(kind))?;
        let room = usize::try_from(room).unwrap_or(0);
        let line = self.input_line().unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = &line[..line.len().min(room)];
        let kept = self.machine.memory.string_mut(addr, text.len() as Cell);
        kept.map(|bytes| bytes.copy_from_slice(text)).map_err(|kind| self.trapped(kind))?;
        self.machine.burn(fuel::of_bytes(text.len() as u64)).map_err(|kind: TrapKind| self.trapped(kind))?;
        self.push(text.len() as Cell)
    }
}
