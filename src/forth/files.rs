//! The files that a program sees: a map from names to bytes, bounded in number and size. Nothing here knows the host's file
//! system; whoever holds the engine fills the map, and reads it again where it wants to.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a file operation failed: the codes of Forth 2012, table 9.1, that the word's ior carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum FileError {
    NoSuchFile,
    NotOpen,
    NotAllowed,
    NoRoom,
    TooMany,
    BadPosition,
}

impl FileError {
    /// The ior of an operation, by the exception that stands for it.
    pub fn ior(self, operation: i64) -> i64 {
        match self {
            FileError::NoSuchFile => -38,
            FileError::BadPosition => -36,
            FileError::NotOpen | FileError::NotAllowed | FileError::NoRoom | FileError::TooMany => operation,
        }
    }
}

/// What a file was opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Access {
    pub read: bool,
    pub write: bool,
}

#[derive(Clone, Debug)]
struct Open {
    name: Box<[u8]>,
    access: Access,
    position: usize,
}

/// Files by name, and those of them that are open.
///
/// ```
/// use wordmill::forth::{Engine, Image, Limits};
/// let mut engine = Engine::new(Image::shared(), Limits::default());
/// engine.files_mut().insert("hello.fs", b": hello .\" hi\" ;").unwrap();
/// engine.load("include hello.fs hello").unwrap();
/// assert_eq!(engine.output(), b"hi");
/// ```
#[derive(Clone, Debug)]
pub struct Files {
    files: BTreeMap<Box<[u8]>, Arc<Vec<u8>>>,
    open: Vec<Option<Open>>,
    n_bytes: usize,
    bytes_max: usize,
    files_max: usize,
    open_max: usize,
}

/// A file that is larger than what is left of the bound, or one too many.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no room for {name}: {n_bytes} bytes more than the engine's files may have in all")]
pub struct NoRoom {
    /// The file.
    pub name: String,
    /// By how much.
    pub n_bytes: usize,
}

type Result<T> = std::result::Result<T, FileError>;

/// The name that a file goes by: `./x` is `x`.
fn plain(mut name: &[u8]) -> &[u8] {
    while let Some(rest) = name.strip_prefix(b"./") {
        name = rest;
    }
    name
}

impl Files {
    pub(super) fn new(limits: &super::Limits) -> Self {
        Self {
            files: BTreeMap::new(),
            open: Vec::new(),
            n_bytes: 0,
            bytes_max: limits.file_bytes as usize,
            files_max: limits.files as usize,
            open_max: limits.files_open as usize,
        }
    }

    /// Adds a file, or replaces it.
    pub fn insert(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> std::result::Result<(), NoRoom> {
        let (bytes, key) = (bytes.into(), plain(name.as_bytes()));
        let old = self.files.get(key).map_or(0, |bytes| bytes.len());
        let n_bytes = self.n_bytes - old + bytes.len();
        let is_new = !self.files.contains_key(key);
        if n_bytes > self.bytes_max || (is_new && self.files.len() >= self.files_max) {
            let over = n_bytes.saturating_sub(self.bytes_max);
            return Err(NoRoom { name: name.to_owned(), n_bytes: over });
        }
        self.n_bytes = n_bytes;
        self.files.insert(key.into(), Arc::new(bytes));
        Ok(())
    }

    /// The names of all files, in the order of their bytes.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.files.keys().map(|name| String::from_utf8_lossy(name).into_owned())
    }

    /// The bytes of a file.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.get(plain(name.as_bytes())).map(|bytes| bytes.as_slice())
    }

    pub(super) fn contents(&self, name: &[u8]) -> Result<Arc<Vec<u8>>> {
        self.files.get(plain(name)).cloned().ok_or(FileError::NoSuchFile)
    }

    /// Makes an empty file, or empties one, and opens it. The number is the file's identifier.
    pub(super) fn create(&mut self, name: &[u8], access: Access) -> Result<usize> {
        let name = plain(name);
        let slot = self.free_slot()?;
        let n_files = self.files.len();
        match self.files.get_mut(name) {
            Some(bytes) => {
                self.n_bytes -= bytes.len();
                *bytes = Arc::default();
            }
            None if n_files >= self.files_max => return Err(FileError::TooMany),
            None => drop(self.files.insert(name.into(), Arc::default())),
        }
        self.fill_slot(slot, name, access)
    }

    pub(super) fn open(&mut self, name: &[u8], access: Access) -> Result<usize> {
        let name = plain(name);
        let slot = self.free_slot()?;
        if !self.files.contains_key(name) {
            return Err(FileError::NoSuchFile);
        }
        self.fill_slot(slot, name, access)
    }

    pub(super) fn close(&mut self, id: usize) -> Result<()> {
        match self.open.get_mut(id) {
            Some(slot @ Some(_)) => {
                *slot = None;
                Ok(())
            }
            _ => Err(FileError::NotOpen),
        }
    }

    pub(super) fn delete(&mut self, name: &[u8]) -> Result<()> {
        let name = plain(name);
        let bytes = self.files.remove(name).ok_or(FileError::NoSuchFile)?;
        self.n_bytes -= bytes.len();
        self.close_all(name);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<()> {
        let (from, to) = (plain(from), plain(to));
        if self.files.contains_key(to) {
            return Err(FileError::NotAllowed);
        }
        let bytes = self.files.remove(from).ok_or(FileError::NoSuchFile)?;
        self.files.insert(to.into(), bytes);
        for open in self.open.iter_mut().flatten().filter(|open| &*open.name == from) {
            open.name = to.into();
        }
        Ok(())
    }

    pub(super) fn position(&self, id: usize) -> Result<usize> {
        self.opened(id).map(|open| open.position)
    }

    /// Positions behind the end are refused.
    pub(super) fn reposition(&mut self, id: usize, position: u128) -> Result<()> {
        let size = self.size(id)?;
        let position = usize::try_from(position).ok().filter(|position| *position <= size);
        self.opened_mut(id)?.position = position.ok_or(FileError::BadPosition)?;
        Ok(())
    }

    pub(super) fn size(&self, id: usize) -> Result<usize> {
        let open = self.opened(id)?;
        self.files.get(&open.name).map(|bytes| bytes.len()).ok_or(FileError::NotOpen)
    }

    /// Makes a file shorter, or longer with zeros.
    pub(super) fn resize(&mut self, id: usize, size: u128) -> Result<()> {
        let open = self.opened(id)?;
        if !open.access.write {
            return Err(FileError::NotAllowed);
        }
        let (name, old) = (open.name.clone(), self.size(id)?);
        let size = usize::try_from(size).map_err(|_| FileError::NoRoom)?;
        if size > old && size - old > self.bytes_max - self.n_bytes {
            return Err(FileError::NoRoom);
        }
        self.n_bytes = self.n_bytes - old + size;
        let bytes = self.files.get_mut(&name).ok_or(FileError::NotOpen)?;
        Arc::make_mut(bytes).resize(size, 0);
        Ok(())
    }

    /// What stands from the position on, at most `n_bytes` of it.
    pub(super) fn read(&mut self, id: usize, n_bytes: usize) -> Result<Vec<u8>> {
        let (bytes, position) = self.readable(id)?;
        let part = bytes[position..].iter().take(n_bytes).copied().collect::<Vec<u8>>();
        self.opened_mut(id)?.position = position + part.len();
        Ok(part)
    }

    /// The rest of the line, at most `n_bytes` of it, without its end, which is passed over. `None` at the end of the file.
    pub(super) fn read_line(&mut self, id: usize, n_bytes: usize) -> Result<Option<Vec<u8>>> {
        let (bytes, position) = self.readable(id)?;
        let rest = &bytes[position..];
        if rest.is_empty() {
            return Ok(None);
        }
        // A line of just `n_bytes` is not at its end yet, as the standard has it.
        let (line, passed) = match rest.iter().take(n_bytes).position(|byte| *byte == b'\n') {
            Some(len) => (rest[..len].strip_suffix(b"\r").unwrap_or(&rest[..len]), len + 1),
            None => (&rest[..n_bytes.min(rest.len())], n_bytes.min(rest.len())),
        };
        let line = line.to_vec();
        self.opened_mut(id)?.position = position + passed;
        Ok(Some(line))
    }

    /// Writes over what stands at the position, and beyond the end.
    pub(super) fn write(&mut self, id: usize, text: &[u8]) -> Result<()> {
        let open = self.opened(id)?;
        if !open.access.write {
            return Err(FileError::NotAllowed);
        }
        let (name, position) = (open.name.clone(), open.position);
        let bytes = self.files.get_mut(&name).ok_or(FileError::NotOpen)?;
        // RESIZE-FILE through another identifier may have left the position behind the end.
        let position = position.min(bytes.len());
        let end = position + text.len();
        let growth = end.saturating_sub(bytes.len());
        if growth > self.bytes_max - self.n_bytes {
            return Err(FileError::NoRoom);
        }
        self.n_bytes += growth;
        let bytes = Arc::make_mut(bytes);
        if end > bytes.len() {
            bytes.resize(end, 0);
        }
        bytes[position..end].copy_from_slice(text);
        self.opened_mut(id)?.position = end;
        Ok(())
    }

    fn readable(&self, id: usize) -> Result<(&Arc<Vec<u8>>, usize)> {
        let open = self.opened(id)?;
        if !open.access.read {
            return Err(FileError::NotAllowed);
        }
        let bytes = self.files.get(&open.name).ok_or(FileError::NotOpen)?;
        Ok((bytes, open.position.min(bytes.len())))
    }

    fn opened(&self, id: usize) -> Result<&Open> {
        self.open.get(id).and_then(Option::as_ref).ok_or(FileError::NotOpen)
    }

    fn opened_mut(&mut self, id: usize) -> Result<&mut Open> {
        self.open.get_mut(id).and_then(Option::as_mut).ok_or(FileError::NotOpen)
    }

    /// The name of an open file.
    pub(super) fn name_of(&self, id: usize) -> Result<Box<[u8]>> {
        self.opened(id).map(|open| open.name.clone())
    }

    fn free_slot(&self) -> Result<usize> {
        let slot = self.open.iter().position(Option::is_none).unwrap_or(self.open.len());
        if slot < self.open_max { Ok(slot) } else { Err(FileError::TooMany) }
    }

    fn fill_slot(&mut self, slot: usize, name: &[u8], access: Access) -> Result<usize> {
        let open = Some(Open { name: name.into(), access, position: 0 });
        match self.open.get_mut(slot) {
            Some(free) => *free = open,
            None => self.open.push(open),
        }
        Ok(slot)
    }

    fn close_all(&mut self, name: &[u8]) {
        for slot in &mut self.open {
            if slot.as_ref().is_some_and(|open| &*open.name == name) {
                *slot = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forth::Limits;

    const BOTH: Access = Access { read: true, write: true };

    fn files() -> Files {
        Files::new(&Limits { file_bytes: 100, files: 3, files_open: 2, ..Limits::default() })
    }

    #[test]
    fn lines_are_read_as_they_were_written() {
        let mut files = files();
        let id = files.create(b"a", BOTH).unwrap();
        files.write(id, b"one\ntwo\r\n\nlast").unwrap();
        files.reposition(id, 0).unwrap();
        let mut line = |n| files.read_line(id, n).unwrap().map(|line| String::from_utf8(line).unwrap());
        assert_eq!(line(3).as_deref(), Some("one"));
        assert_eq!(line(3).as_deref(), Some(""));
        assert_eq!(line(10).as_deref(), Some("two"));
        assert_eq!(line(10).as_deref(), Some(""));
        assert_eq!(line(2).as_deref(), Some("la"));
        assert_eq!(line(2).as_deref(), Some("st"));
        assert_eq!(line(2), None);
    }

    #[test]
    fn bounds_hold() {
        let mut files = files();
        let a = files.create(b"a", BOTH).unwrap();
        assert_eq!(files.write(a, &[1; 101]), Err(FileError::NoRoom));
        files.write(a, &[1; 100]).unwrap();
        assert_eq!(files.write(a, &[1; 1]), Err(FileError::NoRoom));
        files.reposition(a, 50).unwrap();
        files.write(a, &[2; 50]).unwrap();
        assert_eq!(files.resize(a, 101), Err(FileError::NoRoom));
        files.resize(a, 10).unwrap();
        assert_eq!(files.reposition(a, 11), Err(FileError::BadPosition));
        files.write(a, b"x").unwrap();
        assert_eq!(files.get("a").map(<[u8]>::len), Some(11));
        let b = files.create(b"b", BOTH).unwrap();
        assert_eq!(files.create(b"c", BOTH), Err(FileError::TooMany));
        files.close(b).unwrap();
        assert_eq!(files.close(b), Err(FileError::NotOpen));
        files.create(b"c", BOTH).unwrap();
        files.close(a).unwrap();
        assert_eq!(files.create(b"d", BOTH), Err(FileError::TooMany));
        assert!(files.insert("e", *b"e").is_err());
        files.delete(b"b").unwrap();
        files.insert("e", [0; 89]).unwrap();
        assert!(files.insert("e", [0; 90]).is_err());
        assert_eq!(files.delete(b"b"), Err(FileError::NoSuchFile));
    }

    #[test]
    fn access_is_kept_to() {
        let mut files = files();
        files.insert("a", *b"abc").unwrap();
        let read = files.open(b"a", Access { read: true, write: false }).unwrap();
        assert_eq!(files.write(read, b"x"), Err(FileError::NotAllowed));
        assert_eq!(files.read(read, 2).unwrap(), b"ab");
        let write = files.open(b"a", Access { read: false, write: true }).unwrap();
        assert_eq!(files.read(write, 2), Err(FileError::NotAllowed));
        files.rename(b"a", b"b").unwrap();
        files.write(write, b"xyz!").unwrap();
        assert_eq!(files.read(read, 9).unwrap(), b"z!");
        assert_eq!(files.rename(b"a", b"c"), Err(FileError::NoSuchFile));
        assert_eq!(files.contents(b"./b").unwrap().as_slice(), b"xyz!");
    }
}
