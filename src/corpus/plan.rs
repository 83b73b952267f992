//! Which sources must be read: those whose records are not in the archive already, under this name or another.

use super::manifest::{FileState, HeldoutEntry, SourceEntry};
use super::reading::hash_file;
use super::update::Old;
use crate::spec::{FileKind, SourceFile, SourceSet, Stat};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// What is to be done about a source.
pub(super) enum Step {
    /// Its records are there.
    Keep {
        /// Its entry in the new manifest.
        entry: Box<SourceEntry>,
        /// They were another source's.
        is_moved: bool,
    },
    /// It must be read.
    Read,
}

/// Decides for every source, in order. Files are hashed where their state alone does not tell.
pub(super) fn plan(old: &Old, sources: &SourceSet) -> Vec<Step> {
    let whole: Vec<_> = old.manifest.sources.iter().filter(|source| old.is_whole(source)).collect();
    let known = Known {
        by_name: whole.iter().map(|source| (source.name.as_str(), *source)).collect(),
        by_content: whole.iter().map(|source| (content_key(source), *source)).collect(),
        sizes: whole.iter().map(|source| source.state.size).collect(),
    };
    sources.files.par_iter().map(|file| known.step(file)).collect()
}

/// What decides the records of a file: its content, how it is read, the held-out cases that go into it.
type ContentKey = ([u8; 32], Option<FileKind>, Option<([u8; 32], Option<FileKind>)>);

fn content_key(source: &SourceEntry) -> ContentKey {
    let heldout = source.heldout.as_ref().map(|heldout| (heldout.state.hash, FileKind::of(&heldout.name)));
    (source.state.hash, FileKind::of(&source.name), heldout)
}

struct Known<'a> {
    by_name: FxHashMap<&'a str, &'a SourceEntry>,
    by_content: FxHashMap<ContentKey, &'a SourceEntry>,
    sizes: FxHashSet<u64>,
}

impl Known<'_> {
    fn step(&self, file: &SourceFile) -> Step {
        let same_name = self.by_name.get(file.name.as_str()).copied();
        let heldout_file = match file.heldout_file() {
            None => None,
            Some(Ok(heldout)) => Some(heldout),
            Some(Err(_)) => return Step::Read,
        };
        if same_name.is_none() && !self.sizes.contains(&file.stat.size) {
            return Step::Read;
        }
        let old_state = same_name.map(|source| &source.state);
        let old_heldout = same_name.and_then(|source| source.heldout.as_ref());
        let Some(state) = self.state(file, old_state) else { return Step::Read };
        let heldout = match heldout_file {
            None => None,
            Some(heldout) => match state_now(&heldout, old_heldout.map(|heldout| &heldout.state)) {
                Some(state) => Some(HeldoutEntry { name: heldout.name, state }),
                None => return Step::Read,
            },
        };
        let entry = SourceEntry { name: file.name.clone(), state, heldout, ..Default::default() };
        let key = content_key(&entry);
        let same = same_name.filter(|source| content_key(source) == key);
        match same.or_else(|| self.by_content.get(&key).copied()) {
            None => Step::Read,
            Some(found) => Step::Keep {
                entry: Box::new(SourceEntry { runs: found.runs.clone(), digest: found.digest, ..entry }),
                is_moved: found.name != file.name,
            },
        }
    }

    /// The state with the content hash; `None` where it must be read anyway.
    fn state(&self, file: &SourceFile, old: Option<&FileState>) -> Option<FileState> {
        if old.is_none_or(|old| old.size != file.stat.size) && !self.sizes.contains(&file.stat.size) {
            return None;
        }
        state_now(file, old)
    }
}

/// The state of a file with its content hash: the old one, if size, time and inode vouch for it, else by reading the file.
fn state_now(file: &SourceFile, old: Option<&FileState>) -> Option<FileState> {
    match old {
        Some(old) if old.settled && is_same(old, &file.stat) => Some(*old),
        _ => hash_file(&file.path).ok(),
    }
}

fn is_same(old: &FileState, stat: &Stat) -> bool {
    (old.size, old.mtime_ns, old.inode) == (stat.size, stat.mtime_ns, stat.inode)
}
