//! `code/`: the verified definitions of each source as a file that any standard Forth loads, and its tests beside it.
//!
//! A source is written in parts of at most 10,000 words. Inside a part words stand after those that they use; words of
//! other parts and sources that a part uses are copied into it, so that every file loads alone. A word with the name of
//! a standard word goes into a word list of its own at the end, for the others were verified against the standard one.

mod external;
mod names;
mod order;
mod part;
mod prelude;
mod tests;

use crate::durable::{self, Batch, DurableFile};
use crate::model::Outcome;
use crate::report::{ReportError, Row, io_error};
use external::Pending;
use part::Part;
use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A part holds at most so many words.
pub const WORDS_MAX: usize = 10_000;

/// A part that swelled to so many bytes is closed although it holds fewer words.
const BYTES_MAX: usize = 8 << 20;

/// How every file of this room begins: what begins otherwise is not ours and is never removed.
const MARK: &str = "\\ wordmill:";

/// Writes `code/` while outcomes come in, source by source.
pub struct CodeFolder {
    folder: PathBuf,
    source: Option<Source>,
    pending: Pending,
    written: HashSet<[u8; 16]>,
    text: String,
    batch: Batch,
}

/// The part that is being filled.
struct Source {
    name: String,
    n_part: usize,
    part: Part,
    tests: DurableFile,
}

impl CodeFolder {
    /// Begins; makes the folder.
    pub fn create(folder: PathBuf) -> Result<Self, ReportError> {
        fs::create_dir_all(&folder).map_err(io_error("make the folder", &folder))?;
        durable::sweep(&folder).map_err(io_error("sweep", &folder))?;
        Ok(Self {
            folder,
            source: None,
            pending: Pending::default(),
            batch: Batch::default(),
            written: HashSet::new(),
            text: String::new(),
        })
    }

    /// Takes the next record in corpus order.
    pub fn accept(&mut self, row: &Row<'_>, outcome: &Outcome) -> Result<(), ReportError> {
        match &self.source {
            Some(source) if source.name != row.file => self.begin(row.file, 1)?,
            Some(source) if source.part.n_words() >= WORDS_MAX || source.part.n_bytes() >= BYTES_MAX => {
                let n_part = source.n_part + 1;
                self.begin(row.file, n_part)?;
            }
            Some(_) => {}
            None => self.begin(row.file, 1)?,
        }
        let source = self.source.as_mut().expect("begun just now");
        if source.part.add(row, outcome) {
            self.text.clear();
            source.part.write_tests(&mut self.text, row, outcome);
            let path = source.tests.target().to_owned();
            source.tests.write_all(self.text.as_bytes()).map_err(io_error("write", &path))?;
        }
        Ok(())
    }

    /// Writes what is left, with the words of `outcomes` that other files use, and removes files of earlier runs.
    pub fn finish(mut self, outcomes: &Path) -> Result<(), ReportError> {
        self.end()?;
        std::mem::take(&mut self.pending).write(&self.folder, outcomes, &mut self.batch)?;
        self.batch.commit().map_err(io_error("write files in", &self.folder))?;
        self.remove_old()
    }

    fn begin(&mut self, file: &str, n_part: usize) -> Result<(), ReportError> {
        self.end()?;
        let (code_name, tests_name) = names::part_files(file, n_part);
        let path = self.folder.join(&tests_name);
        let mut tests = DurableFile::create(&path).map_err(io_error("create", &path))?;
        let head = part::tests_head(file, &code_name);
        tests.write_all(head.as_bytes()).map_err(io_error("write", &path))?;
        self.written.insert(name_hash(&code_name));
        self.written.insert(name_hash(&tests_name));
        self.source = Some(Source { name: file.to_owned(), n_part, part: Part::new(), tests });
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReportError> {
        let Some(mut source) = self.source.take() else { return Ok(()) };
        let path = source.tests.target().to_owned();
        let tests = source.tests.write_all(b"wm-report\n").and_then(|()| self.batch.add(source.tests));
        tests.map_err(io_error("write", &path))?;
        let (code_name, _) = names::part_files(&source.name, source.n_part);
        let text = source.part.render(&source.name, &code_name);
        if text.needs.is_empty() {
            let path = self.folder.join(&code_name);
            let written = write_part(&mut self.batch, &path, &[&text.head, &text.body]);
            return written.map_err(io_error("write", &path));
        }
        self.pending.keep(code_name, text).map_err(io_error("keep definitions for", &self.folder))
    }

    fn remove_old(&self) -> Result<(), ReportError> {
        let entries = fs::read_dir(&self.folder).map_err(io_error("read", &self.folder))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| name.ends_with(".fth")) else { continue };
            if !self.written.contains(&name_hash(name)) && is_ours(&entry.path()) {
                fs::remove_file(entry.path()).map_err(io_error("remove", &entry.path()))?;
            }
        }
        Ok(())
    }
}

fn write_part(batch: &mut Batch, path: &Path, texts: &[&str]) -> std::io::Result<()> {
    let mut file = DurableFile::create(path)?;
    texts.iter().try_for_each(|text| file.write_all(text.as_bytes()))?;
    batch.add(file)
}

/// The words of a definition, without comments. Text inside strings is read as if it were words.
pub fn tokens(code: &str) -> impl Iterator<Item = &str> {
    let mut rest = code;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
            let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            rest = match token {
                "" => return None,
                "(" => after.find(')').map_or("", |at| &after[at + 1..]),
                "\\" => after.find('\n').map_or("", |at| &after[at + 1..]),
                _ => {
                    rest = after;
                    return Some(token);
                }
            };
        }
    })
}

fn name_hash(name: &str) -> [u8; 16] {
    blake3::hash(name.as_bytes()).as_bytes()[..16].try_into().expect("a hash has 32 bytes")
}

fn is_ours(path: &Path) -> bool {
    let mut head = [0; MARK.len()];
    let read = fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head));
    read.is_ok() && head == *MARK.as_bytes()
}

#[cfg(test)]
mod checks {
    use super::*;

    #[test]
    fn comments_are_no_words() {
        let check = |code: &str, expect: &str| assert_eq!(tokens(code).collect::<Vec<_>>().join(" "), expect);
        check(": square ( n -- n² ) dup * ;", ": square dup * ;");
        check(": f \\ a comment\n 1 ;", ": f 1 ;");
        check(": f ( never closed", ": f");
        check(": f \\ never ended", ": f");
        check("(x) \\x ( a)b c", "(x) \\x b c");
        check("", "");
        check(" \t\n ", "");
    }
}
