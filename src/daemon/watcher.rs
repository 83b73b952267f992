//! Notices from the system, one watch for each folder that the walk came to. Folders that ignore files leave out are not watched,
//! and a link to a folder is, as the walk follows it.
//!
//! `notify-debouncer-full` stands not between: its thread wakes several times within each timeout for as long as it lives, idle or
//! not, its timeout is fixed, and renames need no stitching here, since contents are compared by hash.

use super::event::{Event, Remote};
use crate::spec::FileKind;
use notify::event::{EventKind, ModifyKind, RemoveKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use rustc_hash::{FxHashMap, FxHashSet};
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Watches folders.
pub(super) struct Watcher {
    notify: Option<RecommendedWatcher>,
    watched: Arc<Mutex<FxHashSet<PathBuf>>>,
    /// Device and number of the watched folders: one that is reached by two names has one watch of the system.
    places: FxHashMap<PathBuf, (u64, u64)>,
    /// At most so many folders.
    limit: usize,
    degraded: Option<String>,
}

/// Which notices count.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    /// Below this nothing counts: the results are written there.
    pub out: PathBuf,
    /// Files and folders beside the specifications that count whatever their names.
    pub extras: Vec<PathBuf>,
    /// The folders that the walk came to. Others are watched for what may appear in them.
    pub folders: FxHashSet<PathBuf>,
    /// What was to be watched.
    pub roots: Vec<PathBuf>,
}

impl Filter {
    /// Whether a notice about this path may matter.
    fn lets_pass(&self, path: &Path, kind: &EventKind, watched: &Mutex<FxHashSet<PathBuf>>) -> bool {
        if matches!(kind, EventKind::Access(_)) || path.starts_with(&self.out) {
            return false;
        }
        if self.extras.iter().any(|extra| path.starts_with(extra)) {
            return true;
        }
        let is_ours = path.parent().is_some_and(|parent| self.folders.contains(parent))
            || self.folders.contains(path)
            || self.roots.iter().any(|root| root.starts_with(path));
        if !is_ours {
            return false;
        }
        let name = path.file_name().unwrap_or(OsStr::new("")).to_string_lossy();
        if name.starts_with('.') {
            return matches!(&*name, ".gitignore" | ".ignore");
        }
        if FileKind::of(&name).is_some() {
            return true;
        }
        match kind {
            EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => false,
            EventKind::Create(notify::event::CreateKind::File) | EventKind::Remove(RemoveKind::File) => false,
            EventKind::Create(notify::event::CreateKind::Folder) | EventKind::Remove(_) => true,
            // A rename does not say what it renames.
            _ => lock(watched).contains(path) || path.is_dir(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watcher {
    /// Starts to listen; where the system has no notices, it is degraded from the start.
    pub(super) fn new(filter: Arc<Mutex<Filter>>, remote: Remote, limit: usize) -> Self {
        let watched = Arc::<Mutex<FxHashSet<PathBuf>>>::default();
        let seen = Arc::clone(&watched);
        let on_event = move |event: notify::Result<notify::Event>| match event {
            Err(error) => {
                tracing::debug!(%error, "a watch failed");
                remote.notice(Event::Lost);
            }
            Ok(event) if event.need_rescan() => remote.notice(Event::Lost),
            Ok(event) => {
                for path in event.paths {
                    if !lock(&filter).lets_pass(&path, &event.kind, &seen) {
                        continue;
                    }
                    let is_gone =
                        matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
                    if is_gone && lock(&seen).contains(&path) {
                        remote.notice(Event::Unwatched(path.clone()));
                    }
                    remote.notice(Event::Changed(path));
                }
            }
        };
        match notify::recommended_watcher(on_event) {
            Ok(notify) => {
                Self { notify: Some(notify), watched, places: FxHashMap::default(), limit, degraded: None }
            }
            Err(error) => {
                let (places, degraded) = (FxHashMap::default(), Some(why(&error)));
                Self { notify: None, watched, places, limit, degraded }
            }
        }
    }

    /// What is wrong with the notices, if they do not cover everything.
    pub(super) fn degraded(&self) -> Option<&str> {
        self.degraded.as_deref()
    }

    /// How many folders are watched.
    pub(super) fn n_watched(&self) -> usize {
        lock(&self.watched).len()
    }

    /// A folder and what is below it are no longer where they were.
    pub(super) fn forget(&mut self, path: &Path) {
        lock(&self.watched).retain(|folder| !folder.starts_with(path));
        self.places.retain(|folder, _| !folder.starts_with(path));
    }

    /// Brings the watches to these folders. `true` where one is new: what appeared in it before may be unseen.
    pub(super) fn follow(&mut self, folders: &FxHashSet<PathBuf>) -> bool {
        let Some(notify) = &mut self.notify else { return false };
        let (gone, new): (Vec<PathBuf>, Vec<PathBuf>) = {
            let watched = lock(&self.watched);
            let gone = watched.iter().filter(|folder| !folders.contains(*folder)).cloned().collect();
            (gone, folders.iter().filter(|folder| !watched.contains(*folder)).cloned().collect())
        };
        // First: the watch of a folder that was moved goes by its old name.
        let mut unwatched = FxHashSet::default();
        for folder in gone {
            let _ = notify.unwatch(&folder);
            lock(&self.watched).remove(&folder);
            unwatched.extend(self.places.remove(&folder));
        }
        self.degraded = None;
        let mut has_new = false;
        // What has another name that is still wanted lost its watch with the one that went.
        let others: Vec<PathBuf> = match unwatched.is_empty() {
            true => Vec::new(),
            false => {
                let lost = |(_, place): &(&PathBuf, &(u64, u64))| unwatched.contains(place);
                self.places.iter().filter(lost).map(|(folder, _)| folder.clone()).collect()
            }
        };
        for folder in others {
            let _ = notify.unwatch(&folder);
            match notify.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => has_new = true,
                Err(_) => {
                    lock(&self.watched).remove(&folder);
                    self.places.remove(&folder);
                }
            }
        }
        for folder in new {
            if lock(&self.watched).len() >= self.limit {
                self.degraded = Some(format!("only {} folders may be watched", self.limit));
                break;
            }
            match notify.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    has_new = true;
                    if let Ok(metadata) = std::fs::metadata(&folder) {
                        self.places.insert(folder.clone(), (metadata.dev(), metadata.ino()));
                    }
                    lock(&self.watched).insert(folder);
                }
                Err(error) if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) => {
                    self.degraded = Some(why(&error));
                    break;
                }
                // It is gone again, or may not be read: the walk will say so.
                Err(error) => tracing::debug!(%error, folder = %folder.display(), "not watched"),
            }
        }
        has_new
    }
}

fn why(error: &notify::Error) -> String {
    match error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "the system watches no more folders (fs.inotify.max_user_watches)".to_owned()
        }
        _ => format!("the system gives no notices: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{AccessKind, AccessMode, CreateKind, DataChange, RenameMode};

    #[test]
    fn notices_that_do_not_matter_are_dropped() {
        let watched = Mutex::new(FxHashSet::from_iter([PathBuf::from("/s/known")]));
        let filter = Filter {
            out: "/s/out".into(),
            extras: vec!["/c/config.toml".into()],
            folders: FxHashSet::from_iter(["/s".into(), "/s/known".into()]),
            roots: vec!["/s".into()],
        };
        let check = |path: &str, kind: EventKind, expect: bool| {
            assert_eq!(filter.lets_pass(Path::new(path), &kind, &watched), expect, "{path} {kind:?}");
        };
        let write = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let from = EventKind::Modify(ModifyKind::Name(RenameMode::From));
        check("/s/a.json", write, true);
        check("/s/a.json", EventKind::Access(AccessKind::Close(AccessMode::Write)), false);
        check("/s/a.jsonl.gz", EventKind::Remove(RemoveKind::File), true);
        check("/s/a.txt", write, false);
        check("/s/4913", EventKind::Create(CreateKind::File), false);
        check("/s/new", EventKind::Create(CreateKind::Folder), true);
        check("/s/.a.json.swp", EventKind::Create(CreateKind::File), false);
        check("/s/.gitignore", write, true);
        check("/s/out/outcomes.jsonl", write, false);
        check("/c/config.toml", write, true);
        check("/c/other.json", write, false);
        check("/s", EventKind::Remove(RemoveKind::Folder), true);
        check("/s/known", from, true);
        check("/s/a.json~", from, false);
    }
}
