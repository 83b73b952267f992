//! An archive that one process keeps open while its sources change: what changed is packed in memory, so that nobody waits for
//! storage, and [`save`] makes it last afterwards, from whatever thread.

use super::assemble::SegmentLimits;
use super::compact::compact;
use super::error::CorpusError;
use super::ingest::{Destination, OnProgress, Written, ingest, save_segment};
use super::manifest::{Manifest, segment_name};
use super::mmap::SegmentFile;
use super::reading::hash_file;
use super::store::Corpus;
use super::update::{
    BuildOptions, Old, UpdateReport, advance, lock, remove_unreferenced, renumber, update, write_manifest,
};
use crate::spec::{SourceFile, SourceSet};
use rustc_hash::FxHashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Follows sources. The generation that it holds is the newest; that on storage may lag behind.
pub struct Follower {
    dir: PathBuf,
    limits: SegmentLimits,
    corpus: Arc<Corpus>,
    /// Segments that were saved since they were packed, by hash.
    saved: FxHashMap<[u8; 32], Written>,
}

/// What an update of a [`Follower`] did.
#[derive(Debug, Default)]
pub struct Followed {
    /// Whether the ordered contents differ from those before.
    pub is_changed: bool,
    /// Sources that were read and parsed.
    pub n_read: usize,
    /// Sources that could not be read to their end.
    pub problems: Vec<crate::model::Diagnostic>,
}

/// The segments that [`save`] wrote.
#[derive(Default)]
pub struct Saved(Vec<Written>);

impl Follower {
    /// Brings the archive in `dir` up to date, on storage, and follows from there.
    pub fn open(
        dir: &Path,
        sources: &SourceSet,
        options: &BuildOptions,
        progress: OnProgress<'_>,
    ) -> Result<(Self, Followed), CorpusError> {
        let UpdateReport { corpus, is_changed, n_read, problems, .. } =
            update(dir, sources, options, progress)?;
        let follower = Self {
            dir: dir.to_owned(),
            limits: options.limits,
            corpus: Arc::new(corpus),
            saved: FxHashMap::default(),
        };
        Ok((follower, Followed { is_changed, n_read, problems }))
    }

    /// Follows sources in memory alone, from nothing: for a folder that cannot be written.
    pub fn in_memory(dir: &Path, options: &BuildOptions) -> Self {
        let corpus = Arc::new(Corpus::new(Manifest::default(), Vec::new()));
        Self { dir: dir.to_owned(), limits: options.limits, corpus, saved: FxHashMap::default() }
    }

    /// The newest generation.
    pub fn corpus(&self) -> &Arc<Corpus> {
        &self.corpus
    }

    /// Takes in what changed, in memory.
    pub fn update(&mut self, sources: &SourceSet, progress: OnProgress<'_>) -> Result<Followed, CorpusError> {
        let (report, _) = advance(self.old(), sources, self.limits, Destination::Memory, false, progress)?;
        self.corpus = Arc::new(report.corpus);
        Ok(Followed { is_changed: report.is_changed, n_read: report.n_read, problems: report.problems })
    }

    /// The same where only these files, by their positions among the sources, may have other contents: the others are not
    /// looked at, so that a save among many files costs little.
    pub fn update_files(
        &mut self,
        sources: &SourceSet,
        changed: &[usize],
        progress: OnProgress<'_>,
    ) -> Result<Followed, CorpusError> {
        let entries = &self.corpus.manifest().sources;
        let lines_up =
            |at: &usize| entries.get(*at).is_some_and(|entry| entry.name == sources.files[*at].name);
        if entries.len() != sources.files.len() || !changed.iter().all(lines_up) {
            return self.update(sources, progress);
        }
        let is_other = |at: &&usize| {
            let (file, entry) = (&sources.files[**at], &entries[**at]);
            // Held-out cases are read with their file.
            file.heldout.is_some()
                || entry.heldout.is_some()
                || hash_file(&file.path).ok().is_none_or(|state| state.hash != entry.state.hash)
        };
        let mut changed: Vec<usize> = changed.iter().filter(is_other).copied().collect();
        changed.sort_unstable();
        changed.dedup();
        if changed.is_empty() {
            return Ok(Followed::default());
        }
        let Old { mut manifest, mut table, .. } = self.old();
        let files: Vec<&SourceFile> = changed.iter().map(|at| &sources.files[*at]).collect();
        let read = ingest(Destination::Memory, &files, table.len() as u32, self.limits, progress)?;
        let n_read = read.sources.len();
        changed.iter().zip(read.sources).for_each(|(at, entry)| manifest.sources[*at] = entry);
        table.extend(read.segments.into_iter().map(Some));
        manifest.segments.clear();
        let segments = renumber(&mut manifest, table);
        let before = std::mem::take(&mut manifest.generation);
        manifest.generation = manifest.compute_generation();
        let is_changed = manifest.generation != before;
        let mut corpus = Corpus::new(manifest, segments);
        if is_changed {
            corpus.set_duplicates(corpus.find_duplicates());
        }
        self.corpus = Arc::new(corpus);
        Ok(Followed { is_changed, n_read, problems: read.problems })
    }

    /// Puts small segments together where there are many, and maps those that were saved. The contents stay as they are.
    pub fn compact(&mut self) -> Result<(), CorpusError> {
        let has_saved = !self.saved.is_empty();
        let mut old = self.old();
        let n_merged = compact(Destination::Memory, &mut old.manifest.sources, &mut old.table, self.limits)?;
        if n_merged > 0 || has_saved {
            old.manifest.segments.clear();
            let segments = renumber(&mut old.manifest, old.table);
            self.corpus = Arc::new(Corpus::new(old.manifest, segments));
        }
        Ok(())
    }

    /// Lets go of the memory of what was saved.
    pub fn adopt(&mut self, saved: Saved) {
        self.saved.extend(saved.0.into_iter().map(|written| (written.0.hash, written)));
    }

    /// The archive's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn old(&mut self) -> Old {
        let mut manifest = self.corpus.manifest().clone();
        let written = |(entry, segment): (&mut super::manifest::SegmentEntry, &SegmentFile)| {
            if let Some((stamped, mapped)) = self.saved.get(&entry.hash).filter(|_| segment.is_in_memory()) {
                *entry = *stamped;
                return Some((*entry, mapped.clone()));
            }
            Some((*entry, segment.clone()))
        };
        let table = manifest.segments.iter_mut().zip(self.corpus.segments()).map(written).collect();
        self.saved.clear();
        Old::of(manifest, table)
    }
}

/// Makes a generation last: writes the segments that are in no file yet, then the manifest, then removes what is not needed.
pub fn save(dir: &Path, corpus: &Corpus) -> Result<Saved, CorpusError> {
    let _lock = lock(dir)?;
    crate::durable::sweep(dir).map_err(CorpusError::io(dir, "sweep the folder"))?;
    let mut manifest = corpus.manifest().clone();
    let mut saved = Saved::default();
    for (entry, segment) in manifest.segments.iter_mut().zip(corpus.segments()) {
        // Another process may have compacted the archive meanwhile.
        if segment.is_in_memory() || !dir.join(segment_name(&entry.hash)).exists() {
            let written = save_segment(dir, entry, segment)?;
            *entry = written.0;
            saved.0.push(written);
        }
    }
    if Manifest::read(dir).ok().as_ref() != Some(&manifest) {
        write_manifest(dir, &manifest)?;
    }
    remove_unreferenced(dir, &manifest)?;
    Ok(saved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::find_sources;
    use std::ops::ControlFlow;

    fn spec(word: &str, n: i64) -> String {
        format!(
            r#"{{"word": "{word}", "stack_effect": {{"inputs": [{{"name": "a", "type": "int"}}], "outputs": [{{"name": "b", "type": "int"}}]}}, "test_cases": [{{"input": [1], "output": [{n}]}}]}}"#
        )
    }

    /// Edits, renames and deletes are followed to what a fresh archive of the same folder holds, before and after saving.
    #[test]
    fn following_comes_to_what_a_fresh_archive_holds() {
        let folder = tempfile::tempdir().unwrap();
        let (specs, dir) = (folder.path().join("specs"), folder.path().join("archive"));
        std::fs::create_dir(&specs).unwrap();
        for i in 0..30 {
            std::fs::write(specs.join(format!("{i:02}.json")), spec(&format!("w{i}"), i)).unwrap();
        }
        let go_on = |_| ControlFlow::Continue(());
        let sources = || find_sources(std::slice::from_ref(&specs)).unwrap();
        let options = BuildOptions::default();
        let (mut follower, first) = Follower::open(&dir, &sources(), &options, &go_on).unwrap();
        assert_eq!((first.n_read, follower.corpus().len()), (30, 30));
        for i in 0..60 {
            let path = specs.join(format!("{:02}.json", i % 30));
            match i % 7 {
                5 => std::fs::rename(&path, specs.join(format!("r{i}.json"))).unwrap_or(()),
                6 => std::fs::remove_file(&path).unwrap_or(()),
                _ => std::fs::write(&path, spec(&format!("w{}", i % 30), 100 + i)).unwrap(),
            }
            let followed = follower.update(&sources(), &go_on).unwrap();
            assert!(followed.n_read <= 1, "{followed:?}");
            if i % 3 == 0 {
                follower.compact().unwrap();
            }
            let fresh = update(&folder.path().join("fresh"), &sources(), &options, &go_on).unwrap().corpus;
            assert_eq!(follower.corpus().generation(), fresh.generation(), "step {i}");
            let told = |corpus: &Corpus| -> Vec<String> {
                corpus.records().map(|record| format!("{record:?} {:?}", record.to_spec())).collect()
            };
            assert_eq!(told(follower.corpus()), told(&fresh), "step {i}");
            if i % 10 == 9 {
                let saved = save(&dir, follower.corpus()).unwrap();
                follower.adopt(saved);
                follower.compact().unwrap();
                assert!(follower.corpus().segments().iter().all(|segment| !segment.is_in_memory()));
                assert_eq!(told(&Corpus::open(&dir).unwrap()), told(&fresh), "step {i}");
                assert!(super::super::verify(&dir).unwrap().problems.is_empty());
            }
        }
        assert!(follower.corpus().segments().len() <= 20, "{:?}", follower.corpus());
    }

    #[test]
    fn files_that_are_named_are_followed_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (specs, dir) = (folder.path().join("specs"), folder.path().join("archive"));
        std::fs::create_dir(&specs).unwrap();
        let put = |i: usize, n: i64| {
            std::fs::write(specs.join(format!("{i:02}.json")), spec(&format!("w{}", i % 9), n)).unwrap();
        };
        (0..20).for_each(|i| put(i, 1));
        let go_on = |_| ControlFlow::Continue(());
        let sources = || find_sources(std::slice::from_ref(&specs)).unwrap();
        let options = BuildOptions::default();
        let (mut follower, _) = Follower::open(&dir, &sources(), &options, &go_on).unwrap();
        for step in 0..30 {
            let (a, b) = (step % 20, step * 7 % 20);
            put(a, step as i64);
            let followed = follower.update_files(&sources(), &[a, b], &go_on).unwrap();
            assert!(followed.n_read <= 1, "a file with the same contents is not read: {followed:?}");
            let fresh = update(&folder.path().join("fresh"), &sources(), &options, &go_on).unwrap().corpus;
            assert_eq!(follower.corpus().generation(), fresh.generation(), "step {step}");
            let told = |corpus: &Corpus| -> Vec<String> {
                corpus.records().map(|record| format!("{record:?} {:?}", record.diagnostics())).collect()
            };
            assert_eq!(told(follower.corpus()), told(&fresh), "step {step}");
        }
        // A name that does not line up makes it look at everything.
        std::fs::rename(specs.join("00.json"), specs.join("z.json")).unwrap();
        follower.update_files(&sources(), &[3], &go_on).unwrap();
        let fresh = update(&folder.path().join("fresh"), &sources(), &options, &go_on).unwrap().corpus;
        assert_eq!(follower.corpus().generation(), fresh.generation());
    }

    #[test]
    fn what_another_process_removed_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let (specs, dir) = (folder.path().join("specs"), folder.path().join("archive"));
        std::fs::create_dir(&specs).unwrap();
        std::fs::write(specs.join("a.json"), spec("a", 1)).unwrap();
        let sources = find_sources(std::slice::from_ref(&specs)).unwrap();
        let go_on = |_| ControlFlow::Continue(());
        let (follower, _) = Follower::open(&dir, &sources, &BuildOptions::default(), &go_on).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        save(&dir, follower.corpus()).unwrap();
        assert_eq!(Corpus::open(&dir).unwrap().len(), 1);
    }
}
