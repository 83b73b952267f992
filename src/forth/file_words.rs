//! The File-Access words (Forth 2012, section 11), on the files that the engine was given.

use super::engine::Engine;
use super::error::Stop;
use super::files::{Access, FileError};
use super::fuel;
use super::input::NAMED_TEXT_ID;
use super::trap::throw;
use super::words::Word;
use crate::model::{Cell, FALSE, TRUE};

type Result<T> = std::result::Result<T, Stop>;

/// File access methods as programs see them: bit 0 is reading, bit 1 writing, bit 2 BIN.
pub(super) const READ_ONLY: Cell = 1;
/// W/O.
pub(super) const WRITE_ONLY: Cell = 2;
/// R/W.
pub(super) const READ_WRITE: Cell = 3;
/// What BIN adds; all files are bytes.
pub(super) const BINARY: Cell = 4;

fn access_of(method: Cell) -> Access {
    Access { read: method & READ_ONLY != 0, write: method & WRITE_ONLY != 0 }
}

/// A file identifier is the number of the open file, plus one.
fn id_of(cell: Cell) -> usize {
    usize::try_from(cell.wrapping_sub(1)).unwrap_or(usize::MAX)
}

/// The exceptions that the iors of the operations stand for (table 9.1).
fn operation(word: Word) -> Cell {
    match word {
        Word::CloseFile => -62,
        Word::CreateFile => -63,
        Word::DeleteFile => -64,
        Word::FilePosition => -65,
        Word::FileSize => -66,
        Word::FileStatus => -67,
        Word::FlushFile => -68,
        Word::OpenFile => -69,
        Word::ReadFile => -70,
        Word::ReadLine => -71,
        Word::RenameFile => -72,
        Word::RepositionFile => -73,
        Word::ResizeFile => -74,
        Word::WriteFile => -75,
        _ => -76,
    }
}

impl Engine {
    /// A word on files.
    pub(super) fn file_word(&mut self, word: Word) -> Result<()> {
        match word {
            Word::CreateFile | Word::OpenFile => {
                let method = self.pop()?;
                let name = self.pop_string()?;
                let files = self.program_files();
                let id = match word {
                    Word::CreateFile => files.create(&name, access_of(method)),
                    _ => files.open(&name, access_of(method)),
                };
                self.push(id.map_or(0, |id| id as Cell + 1))?;
                self.push_ior(word, id.map(|_| ()))
            }
            Word::CloseFile => {
                let id = id_of(self.pop()?);
                let done = self.program_files().close(id);
                self.push_ior(word, done)
            }
            Word::DeleteFile => {
                let name = self.pop_string()?;
                let done = self.program_files().delete(&name);
                self.push_ior(word, done)
            }
            Word::RenameFile => {
                let to = self.pop_string()?;
                let from = self.pop_string()?;
                let done = self.program_files().rename(&from, &to);
                self.push_ior(word, done)
            }
            Word::FileStatus => {
                let name = self.pop_string()?;
                let found = self.files().contents(&name).map(|_| ());
                self.push(0)?;
                self.push_ior(word, found)
            }
            Word::FilePosition | Word::FileSize => {
                let id = id_of(self.pop()?);
                let files = self.files();
                let found = if word == Word::FileSize { files.size(id) } else { files.position(id) };
                let double = found.map_or(0, |n| n as i128);
                self.machine.push_double(double).map_err(|kind| self.trapped(kind))?;
                self.push_ior(word, found.map(|_| ()))
            }
            Word::RepositionFile | Word::ResizeFile => {
                let id = id_of(self.pop()?);
                let to = self.machine.pop_double().map_err(|kind| self.trapped(kind))? as u128;
                let before = self.files().size(id).unwrap_or(0) as u128;
                let files = self.program_files();
                let done = match word {
                    Word::RepositionFile => files.reposition(id, to),
                    _ => files.resize(id, to),
                };
                if word == Word::ResizeFile && done.is_ok() {
                    self.burn_bytes(to.saturating_sub(before) as usize)?;
                }
                self.push_ior(word, done)
            }
            Word::FlushFile => {
                let id = id_of(self.pop()?);
                let open = self.files().position(id).map(|_| ());
                self.push_ior(word, open)
            }
            Word::ReadFile | Word::ReadLine => self.read_file(word),
            Word::WriteFile | Word::WriteLine => {
                let id = id_of(self.pop()?);
                let mut text = self.pop_string()?;
                if word == Word::WriteLine {
                    text.push(b'\n');
                }
                self.burn_bytes(text.len())?;
                let done = self.program_files().write(id, &text);
                self.push_ior(word, done)
            }
            _ => self.include_word(word),
        }
    }

    fn read_file(&mut self, word: Word) -> Result<()> {
        let id = id_of(self.pop()?);
        let (addr, room) = self.machine.pop2().map_err(|kind| self.trapped(kind))?;
        let room = usize::try_from(room).unwrap_or(0);
        let read = match word {
            Word::ReadLine => self.program_files().read_line(id, room),
            _ => self.program_files().read(id, room).map(Some),
        };
        let ior = read.as_ref().map(|_| ()).map_err(|error| *error);
        let text = read.ok().flatten();
        let found = text.is_some();
        let text = text.unwrap_or_default();
        self.burn_bytes(text.len())?;
        let kept = self.machine.memory.string_mut(addr, text.len() as Cell);
        kept.map(|bytes| bytes.copy_from_slice(&text)).map_err(|kind| self.trapped(kind))?;
        self.push(text.len() as Cell)?;
        if word == Word::ReadLine {
            self.push(if found { TRUE } else { FALSE })?;
        }
        self.push_ior(word, ior)
    }

    fn include_word(&mut self, word: Word) -> Result<()> {
        if word == Word::IncludeFile {
            let id = self.pop()?;
            let files = self.program_files();
            let name = files.name_of(id_of(id));
            let rest = name.and_then(|name| Ok((name, files.read(id_of(id), usize::MAX)?)));
            let Ok((name, text)) = rest else { return Err(self.thrown(throw::NO_SUCH_FILE)) };
            return self.include(&text, id, &String::from_utf8_lossy(&name));
        }
        let name = match word {
            Word::Include | Word::Require => {
                let token = self.next_token()?;
                token.text(&self.machine.memory.text).to_vec()
            }
            _ => self.pop_string()?,
        };
        if matches!(word, Word::Require | Word::Required) && self.system().included.contains(&name) {
            return Ok(());
        }
        let Ok(text) = self.files().contents(&name) else { return Err(self.thrown(throw::NO_SUCH_FILE)) };
        if !self.system().included.contains(&name) {
            self.system_mut().included.push(name.clone());
        }
        // The file is open while it is read, so that SOURCE-ID means something.
        let opened = self.program_files().open(&name, access_of(READ_ONLY)).ok();
        let id = opened.map_or(NAMED_TEXT_ID, |id| id as Cell + 1);
        let done = self.include(&text, id, &String::from_utf8_lossy(&name));
        if let Some(id) = opened {
            // The program may have closed it.
            self.program_files().close(id).ok();
        }
        done
    }

    /// Takes a string.
    pub(super) fn pop_string(&mut self) -> Result<Vec<u8>> {
        let (addr, len) = self.machine.pop2().map_err(|kind| self.trapped(kind))?;
        let text = self.machine.memory.string(addr, len).map(<[u8]>::to_vec);
        let text = text.map_err(|kind| self.trapped(kind))?;
        self.burn_bytes(text.len())?;
        Ok(text)
    }

    pub(super) fn burn_bytes(&mut self, n_bytes: usize) -> Result<()> {
        self.machine.burn(fuel::of_bytes(n_bytes as u64)).map_err(|kind| self.trapped(kind))
    }

    fn push_ior(&mut self, word: Word, done: std::result::Result<(), FileError>) -> Result<()> {
        self.push(done.err().map_or(0, |error| error.ior(operation(word))))
    }
}
