//! A stream of bytes is cut into chunks of whole records, in bounded memory: lines of a .jsonl file, the elements of a
//! .json file. Cutting runs in one thread and looks at bytes only; [`parse_chunk`] is pure and may run anywhere.

use crate::model::{Code, Diagnostic, Place};
use crate::spec::codes;
use crate::spec::document::Document;
use crate::spec::locate::{Frame, bare};
use crate::spec::parse::{Entry, RECORD_BYTES_MAX, Scratch, parse_record, too_long};
use std::io::Read;

/// So many bytes are read at a time, and a chunk has about as many.
pub const CHUNK_BYTES: usize = 256 << 10;

/// A record in a chunk that is not simply a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// The first byte in the chunk.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// The line of the first byte, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
}

/// How the records lie in the bytes of a chunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Layout {
    /// One a line; blank lines are none.
    Lines,
    /// At given places.
    Extents(Vec<Extent>),
    /// No bytes: one record that is nothing but this error.
    Broken(Box<Diagnostic>),
}

/// Some whole records of one file, owned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chunk {
    /// The text.
    pub bytes: Vec<u8>,
    /// How the records lie in it.
    pub layout: Layout,
    /// The line of its first byte, from 1.
    pub first_line: u32,
    /// The rank of its first record in the file.
    pub first_index: u32,
    /// How many records it has.
    pub n_records: u32,
}

/// Reads the records of a chunk; `name` is the file as the user would name it.
pub fn parse_chunk(chunk: &Chunk, name: &str) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(chunk.n_records as usize);
    each_entry(chunk, name, &mut Scratch::default(), &mut |entry| entries.push(entry));
    entries
}

/// The same, one after the other.
pub fn each_entry(chunk: &Chunk, name: &str, scratch: &mut Scratch, sink: &mut dyn FnMut(Entry)) {
    match &chunk.layout {
        Layout::Broken(diagnostic) => sink(Entry::broken(chunk.first_index, (**diagnostic).clone())),
        Layout::Extents(extents) => {
            for (rank, extent) in (0..).zip(extents) {
                let text = &chunk.bytes[extent.start as usize..extent.end as usize];
                let frame = Frame { name, text, line: extent.line, column: extent.column };
                sink(parse_record(&frame, chunk.first_index + rank, scratch));
            }
        }
        Layout::Lines => {
            let mut index = chunk.first_index;
            for (line, text) in (chunk.first_line..).zip(lines(&chunk.bytes)) {
                if !is_blank(text) {
                    sink(parse_record(&Frame { name, text, line, column: 1 }, index, scratch));
                    index += 1;
                }
            }
        }
    }
}

/// The lines of a text without their line ends; a carriage return stays, it is white space.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// Cuts a stream into chunks. After an error of the stream it ends.
pub struct Chunks<'r> {
    source: Source<'r>,
    cutter: Cutter,
}

enum Cutter {
    Lines(Lines),
    Document(Document),
}

impl<'r> Chunks<'r> {
    /// Cuts what `reader` gives; `is_lines` tells a .jsonl file from a .json file.
    pub fn new(reader: Box<dyn Read + 'r>, name: &str, is_lines: bool) -> Self {
        let source = Source::new(reader, name);
        let cutter =
            if is_lines { Cutter::Lines(Lines::default()) } else { Cutter::Document(Document::default()) };
        Self { source, cutter }
    }
}

impl Iterator for Chunks<'_> {
    type Item = std::io::Result<Chunk>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.cutter {
            Cutter::Lines(lines) => lines.next(&mut self.source),
            Cutter::Document(document) => document.next(&mut self.source),
        }
        .transpose()
    }
}

/// The stream, with what must be known about its start and its end.
pub(super) struct Source<'r> {
    reader: Box<dyn Read + 'r>,
    /// The file, for diagnostics.
    pub name: String,
    at_start: bool,
    /// Nothing more comes.
    pub at_end: bool,
    /// Why it ended early, once.
    damage: Option<(Code, String, Option<&'static str>)>,
}

impl<'r> Source<'r> {
    fn new(reader: Box<dyn Read + 'r>, name: &str) -> Self {
        Self { reader, name: name.to_owned(), at_start: true, at_end: false, damage: None }
    }

    /// Reads some more to the end of `into`. Damage of a compressed file ends the stream and is kept for
    /// [`Source::damage_at`].
    pub fn fill(&mut self, into: &mut Vec<u8>) -> std::io::Result<()> {
        if !self.at_start {
            into.reserve(CHUNK_BYTES);
        }
        match self.reader.by_ref().take(CHUNK_BYTES as u64).read_to_end(into) {
            Ok(n_read) => self.at_end = n_read < CHUNK_BYTES,
            Err(error) => {
                self.at_end = true;
                self.damage = Some(gzip_damage(error)?);
            }
        }
        if std::mem::take(&mut self.at_start) {
            self.look_at_start(into);
        }
        Ok(())
    }

    fn look_at_start(&mut self, text: &mut Vec<u8>) {
        if text.starts_with(b"\xEF\xBB\xBF") {
            text.drain(..3);
        }
        let (code, message, hint) = match text.as_slice() {
            [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => {
                (codes::NOT_UTF8, "the file is UTF-16", "convert it: iconv -f utf-16 -t utf-8")
            }
            [0x1F, 0x8B, ..] => {
                (codes::NOT_A_RECORD, "the file is compressed by gzip", "let its name end in .gz")
            }
            [b'P', b'K', 3, 4, ..] => (codes::NOT_A_RECORD, "the file is a zip archive", "unpack it first"),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => {
                (codes::NOT_A_RECORD, "the file is compressed by zstd", "use gzip instead")
            }
            _ => return,
        };
        text.clear();
        self.at_end = true;
        self.damage = Some((code, message.to_owned(), Some(hint)));
    }

    /// The damage that ended the stream, as a chunk of one broken record, once.
    pub fn damage_at(&mut self, line: u32, column: u32, index: u32) -> Option<Chunk> {
        let (code, message, hint) = self.damage.take()?;
        let diagnostic = bare(code, &self.name, line, column, message);
        Some(broken(hint.into_iter().fold(diagnostic, Diagnostic::suggest), index))
    }

    /// The stream ended by damage, so that what lies behind the last whole record is not worth a word.
    pub fn is_damaged(&self) -> bool {
        self.damage.is_some()
    }
}

/// Whether an error of the stream is damage of the compressed data; otherwise the error itself.
fn gzip_damage(error: std::io::Error) -> std::io::Result<(Code, String, Option<&'static str>)> {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        UnexpectedEof => Ok((
            codes::DAMAGED_GZIP,
            "the compressed data ends in the middle".into(),
            Some("what came before is used; compress it again from the original"),
        )),
        InvalidInput | InvalidData => Ok((
            codes::DAMAGED_GZIP,
            format!("the compressed data is damaged: {error}"),
            Some("what came before is used; compress it again from the original"),
        )),
        _ => Err(error),
    }
}

/// A chunk of one broken record.
pub(super) fn broken(diagnostic: Diagnostic, index: u32) -> Chunk {
    Chunk {
        bytes: Vec::new(),
        first_line: diagnostic.place.line,
        layout: Layout::Broken(Box::new(diagnostic)),
        first_index: index,
        n_records: 1,
    }
}

/// The record that starts at a place is longer than the limit.
pub(super) fn too_long_chunk(name: &str, line: u32, column: u32, index: u32) -> Chunk {
    broken(too_long(name, Place { line, column, width: 1 }), index)
}

/// Cuts lines.
#[derive(Default)]
struct Lines {
    /// The beginning of a line whose end has not come yet.
    carry: Vec<u8>,
    /// Lines that have been given.
    n_lines: u32,
    /// Records that have been given.
    n_records: u32,
    /// The line is too long and is being passed over.
    skipping: bool,
}

impl Lines {
    fn next(&mut self, source: &mut Source<'_>) -> std::io::Result<Option<Chunk>> {
        loop {
            if source.at_end {
                return Ok(self.last(source));
            }
            let mut bytes = std::mem::take(&mut self.carry);
            let searched = bytes.len();
            source.fill(&mut bytes)?;
            if self.skipping {
                self.skip_line(&mut bytes);
            }
            if self.skipping {
                continue;
            }
            let cut =
                memchr::memrchr(b'\n', &bytes[searched.min(bytes.len())..]).map_or(0, |at| searched + at + 1);
            if cut > 0 {
                self.carry = bytes.split_off(cut);
                return Ok(Some(self.chunk(bytes)));
            }
            self.carry = bytes;
            if self.carry.len() > RECORD_BYTES_MAX {
                self.carry = Vec::new();
                self.skipping = true;
                self.n_records += 1;
                return Ok(Some(too_long_chunk(&source.name, self.n_lines + 1, 1, self.n_records - 1)));
            }
        }
    }

    /// Drops the rest of a line that is too long, if its end has come.
    fn skip_line(&mut self, bytes: &mut Vec<u8>) {
        match memchr::memchr(b'\n', bytes) {
            Some(at) => {
                bytes.drain(..=at);
                self.n_lines += 1;
                self.skipping = false;
            }
            None => bytes.clear(),
        }
    }

    fn last(&mut self, source: &mut Source<'_>) -> Option<Chunk> {
        let bytes = std::mem::take(&mut self.carry);
        if source.is_damaged() {
            self.n_records += 1;
            return source.damage_at(self.n_lines + 1, 1, self.n_records - 1);
        }
        if bytes.len() > RECORD_BYTES_MAX {
            self.n_records += 1;
            return Some(too_long_chunk(&source.name, self.n_lines + 1, 1, self.n_records - 1));
        }
        (!is_blank(&bytes)).then(|| self.chunk(bytes))
    }

    fn chunk(&mut self, bytes: Vec<u8>) -> Chunk {
        let (first_line, first_index) = (self.n_lines + 1, self.n_records);
        let (mut n_lines, mut n_records) = (0, 0);
        for line in lines(&bytes) {
            n_lines += 1;
            n_records += u32::from(!is_blank(line));
        }
        self.n_lines += n_lines;
        self.n_records += n_records;
        Chunk { bytes, layout: Layout::Lines, first_line, first_index, n_records }
    }
}
