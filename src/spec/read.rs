//! Reading the records of a file, or of text in memory.

use crate::model::Place;
use crate::spec::chunk::{Chunks, each_entry};
use crate::spec::codes;
use crate::spec::locate::Frame;
use crate::spec::parse::{Entry, Scratch, parse_record};
use crate::spec::source::{SourceError, SourceFile};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::Read;

/// Opens a file to be cut into chunks, which other threads may parse with [`crate::spec::parse_chunk`].
pub fn open_chunks(file: &SourceFile) -> Result<Chunks<'static>, SourceError> {
    // Between the walk and now a pipe may have taken the file's place, and opening that would wait.
    let metadata = std::fs::metadata(&file.path).map_err(|error| SourceError::read(&file.path, error))?;
    if !metadata.is_file() {
        return Err(SourceError::Special { path: file.path.clone() });
    }
    let opened = File::open(&file.path).map_err(|error| SourceError::read(&file.path, error))?;
    let reader: Box<dyn Read> =
        if file.kind.is_gzip { Box::new(MultiGzDecoder::new(opened)) } else { Box::new(opened) };
    Ok(Chunks::new(reader, &file.name, file.kind.is_lines))
}

/// Reads a file record by record, in bounded memory.
pub fn read_entries(file: &SourceFile, sink: &mut dyn FnMut(Entry)) -> Result<(), SourceError> {
    let mut scratch = Scratch::default();
    let mut told = |mut entry: Entry| {
        if file.kind.is_heldout {
            // Held-out records need not be enough to search by.
            entry.diagnostics.retain(|diagnostic| diagnostic.code != codes::NOTHING_TO_CHECK);
        }
        sink(entry);
    };
    for chunk in open_chunks(file)? {
        let chunk = chunk.map_err(|error| SourceError::read(&file.path, error))?;
        each_entry(&chunk, &file.name, &mut scratch, &mut told);
    }
    Ok(())
}

/// The same for text in memory; `is_lines` tells JSONL from one document.
pub fn parse_entries(text: &[u8], name: &str, is_lines: bool) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut scratch = Scratch::default();
    for chunk in Chunks::new(Box::new(text), name, is_lines).map_while(Result::ok) {
        each_entry(&chunk, name, &mut scratch, &mut |entry| entries.push(entry));
    }
    entries
}

/// Reads one line of JSONL; the entry's index is 0.
pub fn parse_spec_line(line: &[u8], name: &str, line_no: u32) -> Entry {
    let mut scratch = Scratch::default();
    let entry = parse_record(&Frame { name, text: line, line: line_no, column: 1 }, 0, &mut scratch);
    debug_assert_ne!(entry.place, Place::default());
    entry
}
