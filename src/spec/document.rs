//! A .json file is cut into its records: one object, or the elements of one array, found by brackets and quotes alone, so
//! that a file of any length is read in bounded memory and a broken element costs itself.
//!
//! A string cannot run over the end of a line in JSON, so a missing quote goes wrong for one line at most.

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
    Inside { depth: u32, in_string: bool, escaped: bool, is_whole_file: bool },
    /// In the array, behind an element.
    AfterElement,
    /// Behind everything.
    End,
    /// Behind everything, and what came there has been told.
    Done,
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
            if let State::Inside { .. } = self.state {
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
            (State::Inside { .. }, _) => unreachable!("records are looked at elsewhere"),
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
        self.state = State::Inside { depth: 0, in_string: false, escaped: false, is_whole_file };
    }

    /// Looks for the end of the record that has begun.
    fn inside(&mut self, source: &Source<'_>) {
        let State::Inside { mut depth, mut in_string, mut escaped, is_whole_file } = self.state else {
            return;
        };
        let start = self.at;
        let mut end = None;
        let mut at = start;
        while let Some(&byte) = self.buffer.get(at) {
            if in_string {
                match byte {
                    b'\n' => (in_string, escaped) = (false, false),
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => in_string = false,
                    _ => {}
                }
                at += 1;
                continue;
            }
            // An element of the array that has no brackets ends where the next one may begin.
            let is_scalar_end =
                depth == 0 && !is_whole_file && at > self.record && matches!(byte, b',' | b']');
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    if depth == 0 {
                        end = Some(at + 1);
                        break;
                    }
                }
                _ if is_scalar_end => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
            at += 1;
        }
        self.state = State::Inside { depth, in_string, escaped, is_whole_file };
        self.step(end.unwrap_or(at) - start);
        if end.is_some() {
            self.give(source);
            self.state = if is_whole_file { State::End } else { State::AfterElement };
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

    /// The record that ends here goes into the open chunk.
    fn give(&mut self, source: &Source<'_>) {
        if std::mem::take(&mut self.is_too_long) || self.at - self.record > RECORD_BYTES_MAX {
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
        chunk.bytes.extend_from_slice(&self.buffer[self.record..self.at]);
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
        let is_inside = matches!(self.state, State::Inside { .. });
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
            State::Inside { .. } => self.give(source),
            State::Start => {
                let finding = self.error(codes::CUT_SHORT, "the file is empty", source);
                self.tell(finding.suggest("a .json file holds a specification, or an array of them"));
            }
            _ => {}
        }
        let in_array = matches!(self.state, State::BeforeElement { .. } | State::AfterElement)
            || matches!(self.state, State::Inside { is_whole_file: false, .. });
        if in_array {
            let finding = self.error(codes::CUT_SHORT, "the file ends before the array does", source);
            self.tell(finding.suggest("close it with ]"));
        }
        self.flush();
    }
}
