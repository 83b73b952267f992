//! A .json file is cut into its records: one object, or the elements of one array, found by brackets and quotes alone, so
//! that a file of any length is read in bounded memory and a broken element costs itself.
//!
//! A string cannot run over the end of a line in JSON, so a missing quote goes wrong for one line at most. Where a bracket
//! is missing, the next record is known by standing in the same column.

use crate::model::Diagnostic;
use crate::spec::chunk::{CHUNK_BYTES, Chunk, Extent, Layout, Source, broken, too_long_chunk};
use crate::spec::codes;
use crate::spec::locate::{bare, n_chars};
use crate::spec::parse::RECORD_BYTES_MAX;
use std::collections::VecDeque;

/// Where the cutter stands in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    /// Before the first bracket.
    #[default]
    Start,
    /// In the array, before an element.
    BeforeElement { first: bool },
    /// In a record.
    Inside(Scan),
    /// In the array, behind an element.
    AfterElement,
    /// Behind everything.
    End,
    /// Behind everything, and what came there has been told.
    Done,
}

/// What is known about the record that has begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Scan {
    /// It is the only one, not an element of an array.
    is_whole_file: bool,
    depth: u32,
    /// One bit a level, the innermost lowest: an object, or an array.
    objects: u128,
    in_string: bool,
    is_escaped: bool,
    /// The last byte outside of strings that is no white space.
    last: u8,
    /// Blanks since the last line break, while there is nothing else.
    indent: Option<u32>,
    /// A bracket or a quote is wrong, so that the brackets do not tell where it ends.
    is_broken: bool,
}

/// Where a record ends.
enum End {
    /// Behind its closing bracket, or before the comma behind a number.
    Here(usize),
    /// Before another record begins, though brackets are open.
    Torn(usize),
}

impl Scan {
    /// Looks at the bytes of the record from `at` on; `column` is the record's.
    fn find_end(&mut self, bytes: &[u8], mut at: usize, column: u32) -> Option<End> {
        while let Some(&byte) = bytes.get(at) {
            if self.in_string {
                self.string_byte(byte);
                at += 1;
                continue;
            }
            match byte {
                b'\n' => self.indent = Some(0),
                b' ' | b'\t' | b'\r' => self.indent = self.indent.map(|n| n + 1),
                b'{' if self.is_torn(column) => return Some(End::Torn(at)),
                b'{' | b'[' => {
                    self.depth += 1;
                    self.objects = self.objects << 1 | u128::from(byte == b'{');
                }
                b'}' | b']' if self.depth > 0 => {
                    self.is_broken |= (self.objects & 1 == 1) != (byte == b'}');
                    self.objects >>= 1;
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(End::Here(at + 1));
                    }
                }
                // An element of the array that has no brackets ends where the next one may begin.
                b',' | b']' if !self.is_whole_file && self.depth == 0 => return Some(End::Here(at)),
                b'"' => self.in_string = true,
                _ => {}
            }
            if !byte.is_ascii_whitespace() {
                self.indent = None;
                self.last = byte;
            }
            at += 1;
        }
        None
    }

    fn string_byte(&mut self, byte: u8) {
        match byte {
            b'\n' => {
                (self.in_string, self.is_escaped, self.is_broken, self.indent) = (false, false, true, Some(0))
            }
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => self.in_string = false,
            _ => {}
        }
    }

    /// Whether a bracket that opens here begins the next record although this one has not ended: it stands where this
    /// one began, first in its line, and JSON cannot go on so.
    fn is_torn(&self, column: u32) -> bool {
        let cannot_go_on = self.is_broken || (self.objects & 1 == 1 && self.last == b',');
        !self.is_whole_file && self.depth > 0 && cannot_go_on && self.indent.is_some_and(|n| n + 1 == column)
    }
}

/// Cuts a document.
#[derive(Default)]
pub(super) struct Document {
    state: State,
    /// Bytes that have been read and not given yet; a record that has begun starts at `record`.
    buffer: Vec<u8>,
    /// How far `buffer` has been looked at.
    at: usize,
    /// Where the record that has begun starts.
    record: usize,
    /// The record that has begun is too long; its bytes are dropped.
    is_too_long: bool,
    line: u32,
    column: u32,
    record_line: u32,
    record_column: u32,
    n_records: u32,
    ready: VecDeque<Chunk>,
    open: Option<Chunk>,
    is_finished: bool,
}

impl Document {
    pub fn next(&mut self, source: &mut Source<'_>) -> std::io::Result<Option<Chunk>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            if self.is_finished {
                return Ok(None);
            }
            if source.at_end {
                self.finish(source);
                self.is_finished = true;
                continue;
            }
            source.fill(&mut self.buffer)?;
            self.cut(source);
            self.drop_used();
        }
    }

    /// Looks at all bytes of the buffer.
    fn cut(&mut self, source: &Source<'_>) {
        while self.at < self.buffer.len() {
            if let State::Inside(_) = self.state {
                self.inside(source);
                continue;
            }
            let byte = self.buffer[self.at];
            if byte.is_ascii_whitespace() {
                self.step(1);
                continue;
            }
            self.between(byte, source);
        }
    }

    /// A byte that is no white space, outside of records.
    fn between(&mut self, byte: u8, source: &Source<'_>) {
        match (self.state, byte) {
            (State::Start, b'[') => {
                self.step(1);
                self.state = State::BeforeElement { first: true };
            }
            (State::Start, _) => self.begin(true),
            (State::BeforeElement { first: true } | State::AfterElement, b']') => {
                self.step(1);
                self.state = State::End;
            }
            (State::BeforeElement { first: false }, b']') => {
                let finding =
                    self.error(codes::NOT_STRICT, "a comma right before the closing bracket", source);
                self.tell(finding.suggest("take the comma out"));
                self.step(1);
                self.state = State::End;
            }
            (State::BeforeElement { .. }, b',') => {
                let finding =
                    self.error(codes::NOT_STRICT, "a comma where a specification should stand", source);
                self.tell(finding.suggest("take the comma out"));
                self.step(1);
            }
            (State::BeforeElement { .. }, _) => self.begin(false),
            (State::AfterElement, b',') => {
                self.step(1);
                self.state = State::BeforeElement { first: false };
            }
            (State::AfterElement, b'{' | b'[' | b'"') => {
                let finding =
                    self.error(codes::SYNTAX, "a comma is missing before this specification", source);
                self.tell(finding.suggest("put a comma between the two"));
                self.begin(false);
            }
            (State::AfterElement, _) => {
                let finding = self.error(codes::SYNTAX, "a comma or \"]\" should stand here", source);
                self.tell(finding);
                self.begin_skipping();
            }
            (State::End, _) => {
                let hint = match byte {
                    b'{' => {
                        "a .json file holds one object or an array of objects; one object a line is a .jsonl file"
                    }
                    _ => "take it out",
                };
                let finding =
                    self.error(codes::NOT_A_RECORD, "more text after the end of the document", source);
                self.tell(finding.suggest(hint));
                self.state = State::Done;
            }
            (State::Done, _) => self.step(1),
            (State::Inside(_), _) => unreachable!("records are looked at elsewhere"),
        }
    }

    /// Passes over rubbish between two elements up to the next one.
    fn begin_skipping(&mut self) {
        while let Some(&byte) = self.buffer.get(self.at) {
            if matches!(byte, b',' | b'{' | b']') {
                break;
            }
            self.step(1);
        }
        if self.buffer.get(self.at) == Some(&b'{') {
            self.state = State::BeforeElement { first: true };
        }
    }

    fn begin(&mut self, is_whole_file: bool) {
        self.record = self.at;
        (self.record_line, self.record_column) = (self.line + 1, self.column + 1);
        self.state = State::Inside(Scan { is_whole_file, ..Scan::default() });
    }

    /// Looks for the end of the record that has begun.
    fn inside(&mut self, source: &Source<'_>) {
        let State::Inside(mut scan) = self.state else {
            return;
        };
        let end = scan.find_end(&self.buffer, self.at, self.record_column);
        self.state = State::Inside(scan);
        let (to, next) = match end {
            None => (self.buffer.len(), None),
            Some(End::Here(to)) if scan.is_whole_file => (to, Some(State::End)),
            Some(End::Here(to)) => (to, Some(State::AfterElement)),
            Some(End::Torn(to)) => (to, Some(State::BeforeElement { first: false })),
        };
        self.step(to - self.at);
        if let Some(next) = next {
            let record = &self.buffer[self.record..to];
            let is_torn = matches!(end, Some(End::Torn(_)));
            let n_after = if is_torn { record.len() - trimmed(record).len() } else { 0 };
            self.give(self.at - n_after, source);
            self.state = next;
        }
    }

    /// Moves on by some bytes, keeping count of lines and columns.
    fn step(&mut self, n: usize) {
        let passed = &self.buffer[self.at..self.at + n];
        match memchr::memrchr(b'\n', passed) {
            Some(last) => {
                self.line += memchr::memchr_iter(b'\n', passed).count() as u32;
                self.column = n_chars(&passed[last + 1..]);
            }
            None if n == 1 => self.column += u32::from(passed[0] & 0xC0 != 0x80),
            None => self.column += n_chars(passed),
        }
        self.at += n;
    }

    /// The record that ends at a place goes into the open chunk.
    fn give(&mut self, end: usize, source: &Source<'_>) {
        if std::mem::take(&mut self.is_too_long) || end - self.record > RECORD_BYTES_MAX {
            let chunk = too_long_chunk(&source.name, self.record_line, self.record_column, self.n_records);
            self.n_records += 1;
            self.flush();
            self.ready.push_back(chunk);
            return;
        }
        let chunk = self.open.get_or_insert_with(|| Chunk {
            bytes: Vec::new(),
            layout: Layout::Extents(Vec::new()),
            first_line: self.record_line,
            first_index: self.n_records,
            n_records: 0,
        });
        let start = chunk.bytes.len() as u32;
        chunk.bytes.extend_from_slice(&self.buffer[self.record..end]);
        let end = chunk.bytes.len() as u32;
        if let Layout::Extents(extents) = &mut chunk.layout {
            extents.push(Extent { start, end, line: self.record_line, column: self.record_column });
        }
        chunk.n_records += 1;
        self.n_records += 1;
        if chunk.bytes.len() >= CHUNK_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.ready.extend(self.open.take());
    }

    fn error(&self, code: crate::model::Code, message: &str, source: &Source<'_>) -> Diagnostic {
        bare(code, &source.name, self.line + 1, self.column + 1, message.to_owned())
    }

    /// What is wrong between the records is a record of its own.
    fn tell(&mut self, diagnostic: Diagnostic) {
        self.flush();
        self.ready.push_back(broken(diagnostic, self.n_records));
        self.n_records += 1;
    }

    /// Forgets the bytes that have been given, and those of a record that is too long.
    fn drop_used(&mut self) {
        let is_inside = matches!(self.state, State::Inside(_));
        if is_inside && self.at - self.record > RECORD_BYTES_MAX {
            self.is_too_long = true;
        }
        let keep_from = if is_inside && !self.is_too_long { self.record } else { self.at };
        self.buffer.drain(..keep_from);
        self.at -= keep_from;
        self.record = 0;
    }

    /// Nothing more comes.
    fn finish(&mut self, source: &mut Source<'_>) {
        if source.is_damaged() {
            self.flush();
            let chunk = source.damage_at(self.line + 1, self.column + 1, self.n_records);
            self.ready.extend(chunk);
            return;
        }
        match self.state {
            State::Inside(_) => self.give(self.at, source),
            State::Start => {
                let finding = self.error(codes::CUT_SHORT, "the file is empty", source);
                self.tell(finding.suggest("a .json file holds a specification, or an array of them"));
            }
            _ => {}
        }
        let in_array = matches!(self.state, State::BeforeElement { .. } | State::AfterElement)
            || matches!(self.state, State::Inside(Scan { is_whole_file: false, .. }));
        if in_array {
            let finding = self.error(codes::CUT_SHORT, "the file ends before the array does", source);
            self.tell(finding.suggest("close it with ]"));
        }
        self.flush();
    }
}

/// A record that ends before the next one, without the comma and the blanks between the two.
fn trimmed(record: &[u8]) -> &[u8] {
    let record = record.trim_ascii_end();
    record.strip_suffix(b",").unwrap_or(record)
}
