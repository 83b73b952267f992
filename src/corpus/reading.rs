//! One source file on its way into the archive: its bytes are hashed while they are cut into chunks, and its state is taken so
//! that the next update can tell whether it changed.

use super::heldout::Heldout;
use super::manifest::FileState;
use super::pack::{Draft, FileNames, Packer};
use crate::spec::{Chunk, Chunks, Entry, SourceError, SourceFile, parse_chunk};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// A file whose last change is younger than this when it is read could be changed again without a sign: clocks of file systems
/// tick as coarsely as two seconds. Its content is compared at the next update.
const SETTLED_NS: i64 = 2_000_000_000;

/// A source file that is being read.
pub(super) struct OpenSource {
    chunks: Chunks<'static>,
    tee: Tee,
    before: FileState,
    opened: SystemTime,
}

impl OpenSource {
    /// Opens a file; a special file is refused, because reading it may never end.
    pub(super) fn open(file: &SourceFile) -> Result<Self, SourceError> {
        let opened = SystemTime::now();
        let (handle, before) = open_regular(&file.path)?;
        let tee = Tee(Arc::new(Mutex::new(Teed {
            file: handle,
            hasher: blake3::Hasher::new(),
            ended: false,
            grew: false,
        })));
        let reader: Box<dyn Read> = match file.kind.is_gzip {
            true => Box::new(MultiGzDecoder::new(tee.clone())),
            false => Box::new(tee.clone()),
        };
        Ok(Self { chunks: Chunks::new(reader, &file.name, file.kind.is_lines), tee, before, opened })
    }

    /// The next chunk.
    pub(super) fn next(&mut self) -> Option<std::io::Result<Chunk>> {
        self.chunks.next()
    }

    /// The state of the file, once all chunks were read; what the chunks left unread is hashed too.
    pub(super) fn finish(mut self) -> std::io::Result<FileState> {
        std::io::copy(&mut self.tee, &mut std::io::sink())?;
        let teed = self.tee.0.lock().unwrap_or_else(PoisonError::into_inner);
        let after = state_of(&teed.file)?;
        let unmoved = (after.size, after.mtime_ns) == (self.before.size, self.before.mtime_ns);
        // The hash must be that of what was parsed, or else nobody's.
        let hash = if teed.grew { [0; 32] } else { *teed.hasher.finalize().as_bytes() };
        Ok(FileState {
            hash,
            settled: unmoved && is_settled(self.before.mtime_ns, self.opened),
            ..self.before
        })
    }
}

/// The state of a file with its content hash, without parsing it.
pub(super) fn hash_file(path: &Path) -> Result<FileState, SourceError> {
    let opened = SystemTime::now();
    let (mut file, before) = open_regular(path)?;
    let read = |error| SourceError::read(path, error);
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&mut file).map_err(read)?;
    let after = state_of(&file).map_err(read)?;
    let unmoved = (after.size, after.mtime_ns) == (before.size, before.mtime_ns);
    let settled = unmoved && is_settled(before.mtime_ns, opened);
    Ok(FileState { hash: *hasher.finalize().as_bytes(), settled, ..before })
}

fn open_regular(path: &Path) -> Result<(File, FileState), SourceError> {
    let read = |error| SourceError::read(path, error);
    // Between the walk and now a pipe may have taken the file's place, and opening that would wait.
    if !std::fs::metadata(path).map_err(read)?.is_file() {
        return Err(SourceError::Special { path: path.to_owned() });
    }
    let file = File::open(path).map_err(read)?;
    let state = state_of(&file).map_err(read)?;
    Ok((file, state))
}

/// Size, time and inode of an open file.
fn state_of(file: &File) -> std::io::Result<FileState> {
    let stamp = super::mmap::Stamp::of(&file.metadata()?);
    Ok(FileState { size: stamp.size, mtime_ns: stamp.mtime_ns, inode: stamp.inode, ..Default::default() })
}

fn is_settled(mtime_ns: i64, opened: SystemTime) -> bool {
    let since_epoch = opened.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since_epoch.as_nanos() as i64).saturating_sub(mtime_ns) > SETTLED_NS
}

/// A file whose bytes are hashed as they are read; clones share it.
#[derive(Clone)]
struct Tee(Arc<Mutex<Teed>>);

struct Teed {
    file: File,
    hasher: blake3::Hasher,
    /// Some read came to the end of the file.
    ended: bool,
    /// And some later one did not: what came in between was written meanwhile, and perhaps nobody parsed it.
    grew: bool,
}

impl Read for Tee {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut teed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let n = teed.file.read(buffer)?;
        teed.hasher.update(&buffer[..n]);
        match n {
            0 => teed.ended = !buffer.is_empty() || teed.ended,
            _ => teed.grew |= teed.ended,
        }
        Ok(n)
    }
}

/// Parses a chunk and packs its records, with the held-out cases that belong to them.
pub(super) fn pack_chunk(chunk: &Chunk, name: &str, heldout: Option<&Heldout>, packer: &mut Packer) {
    let names = FileNames { own: name, heldout: heldout.map(Heldout::name) };
    for mut entry in parse_chunk(chunk, name) {
        if let Some(heldout) = heldout {
            heldout.merge_into(&mut entry);
        }
        packer.push(draft(&entry), names);
    }
}

/// An entry as a draft.
pub(super) fn draft(entry: &Entry) -> Draft<'_> {
    Draft {
        line: entry.place.line,
        word: entry.word.as_deref(),
        spec: entry.spec.as_ref(),
        diagnostics: &entry.diagnostics,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::find_sources;

    /// A file that is written while it is read: whatever was parsed, the hash is not that of what nobody parsed.
    #[test]
    fn what_comes_behind_the_end_is_not_vouched_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write("");
        let sources = find_sources(&[folder.path().to_owned()]).unwrap();
        let read = |meanwhile: &str| {
            let mut source = OpenSource::open(&sources.files[0]).unwrap();
            while let Some(chunk) = source.next() {
                chunk.unwrap();
            }
            write(meanwhile);
            (source.finish().unwrap(), hash_file(&path).unwrap())
        };
        let (seen, now) = read("{\"word\": ");
        assert_ne!(seen.hash, now.hash);
        assert!(!seen.settled);
        // Written over with no more than was read: the end is where it was.
        let (seen, now) = read("{\"word\": ");
        assert_eq!(seen.hash, now.hash);
    }
}
