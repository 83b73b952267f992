//! The archive follows its sources: what did not change is not read again, what changed is written beside what is there, and
//! one rename makes the new generation visible.

use super::assemble::SegmentLimits;
use super::compact::{SegmentTable, compact};
use super::error::{CorpusError, CorpusErrorKind};
use super::ingest::{Destination, Ingested, OnProgress, Written, ingest};
use super::manifest::{MANIFEST, Manifest, SEGMENT_SUFFIX, SegmentEntry, SourceEntry, TOOL, segment_name};
use super::mmap::SegmentFile;
use super::plan::{Step, plan};
use super::store::Corpus;
use crate::durable;
use crate::model::Diagnostic;
use crate::spec::{SourceFile, SourceSet};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::fs::File;
use std::path::Path;

/// How an archive is built.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BuildOptions {
    /// How large segments may grow.
    pub limits: SegmentLimits,
    /// Read every source, whatever the archive knows of it.
    pub reread: bool,
}

/// What an update did.
#[derive(Debug)]
pub struct UpdateReport {
    /// The new generation, open.
    pub corpus: Corpus,
    /// Whether the ordered contents differ from those before.
    pub is_changed: bool,
    /// Sources that were read and parsed.
    pub n_read: usize,
    /// Sources whose records were kept as they were.
    pub n_kept: usize,
    /// Of these, those that have a new name.
    pub n_moved: usize,
    /// Sources of the old generation that are gone.
    pub n_removed: usize,
    /// Bytes of segments that were written.
    pub bytes_written: u64,
    /// Segments that were merged into others.
    pub n_merged: usize,
    /// What was wrong with the old archive, and with sources that could not be read to their end.
    pub problems: Vec<Diagnostic>,
}

/// Brings the archive in `dir` up to date with its sources, or builds it. A broken archive is built anew.
///
/// One process at a time does this; another waits. Readers are never disturbed: segments that they have mapped stay as
/// they are, and the manifest changes at once. When `progress` says stop, the old generation stays.
pub fn update(
    dir: &Path,
    sources: &SourceSet,
    options: &BuildOptions,
    progress: OnProgress<'_>,
) -> Result<UpdateReport, CorpusError> {
    let _lock = lock(dir)?;
    durable::sweep(dir).map_err(CorpusError::io(dir, "sweep the folder"))?;
    let mut old = Old::load(dir)?;
    if options.reread {
        old.manifest.sources.clear();
    }
    let (report, before) = advance(old, sources, options.limits, Destination::Folder(dir), true, progress)?;
    if *report.corpus.manifest() != before {
        write_manifest(dir, report.corpus.manifest())?;
    }
    remove_unreferenced(dir, report.corpus.manifest())?;
    Ok(report)
}

/// From the old generation to the one that the sources make now; gives back the manifest of the old one too.
pub(super) fn advance(
    old: Old,
    sources: &SourceSet,
    limits: SegmentLimits,
    to: Destination<'_>,
    compacts: bool,
    progress: OnProgress<'_>,
) -> Result<(UpdateReport, Manifest), CorpusError> {
    let steps = plan(&old, sources);
    let to_read: Vec<&SourceFile> = sources
        .files
        .iter()
        .zip(&steps)
        .filter(|(_, step)| matches!(step, Step::Read))
        .map(|(f, _)| f)
        .collect();
    let n_old = old.table.len() as u32;
    let Ingested { sources: read, segments: written, problems } =
        ingest(to, &to_read, n_old, limits, progress)?;

    let n_read = read.len();
    let mut read = read.into_iter();
    let (mut n_kept, mut n_moved) = (0, 0);
    let mut next = Manifest { tool: TOOL.into(), ..Default::default() };
    for step in steps {
        next.sources.push(match step {
            Step::Read => read.next().expect("every file that was to be read has an entry"),
            Step::Keep { entry, is_moved } => {
                n_kept += 1;
                n_moved += is_moved as usize;
                *entry
            }
        });
    }
    let mut bytes_written = written.iter().map(|(entry, _)| entry.bytes).sum();
    let mut table = old.table;
    table.extend(written.into_iter().map(Some));
    let n_before = table.len();
    let n_merged = if compacts { compact(to, &mut next.sources, &mut table, limits)? } else { 0 };
    bytes_written += table[n_before..].iter().flatten().map(|(entry, _)| entry.bytes).sum::<u64>();
    let segments = renumber(&mut next, table);
    next.generation = next.compute_generation();
    if u32::try_from(next.count()).is_err() {
        return Err(CorpusError::damaged(to.path(), "a corpus has at most 2^32 records"));
    }

    let is_changed = next.generation != old.manifest.generation;
    let names: std::collections::HashSet<_> =
        next.sources.iter().map(|source| source.name.as_str()).collect();
    let is_gone = |source: &&SourceEntry| !names.contains(source.name.as_str());
    let n_removed = (old.manifest.sources.iter().filter(is_gone).count()).saturating_sub(n_moved);
    if !is_changed {
        next.duplicates.clone_from(&old.manifest.duplicates);
    }
    let mut corpus = Corpus::new(next, segments);
    if is_changed {
        corpus.set_duplicates(corpus.find_duplicates());
    }
    let problems = old.problems.into_iter().chain(problems).collect();
    let report = UpdateReport {
        corpus,
        is_changed,
        n_read,
        n_kept,
        n_moved,
        n_removed,
        bytes_written,
        n_merged,
        problems,
    };
    Ok((report, old.manifest))
}

/// Makes a generation the present one.
pub(super) fn write_manifest(dir: &Path, manifest: &Manifest) -> Result<(), CorpusError> {
    let path = dir.join(MANIFEST);
    durable::write(&path, &manifest.to_file()).map_err(CorpusError::io(&path, "write the manifest"))
}

/// Waits for other writers; the lock ends with the value.
pub(super) fn lock(dir: &Path) -> Result<File, CorpusError> {
    std::fs::create_dir_all(dir).map_err(CorpusError::io(dir, "make the folder"))?;
    let path = dir.join("LOCK");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(CorpusError::io(&path, "open the lock"))?;
    match file.lock() {
        Ok(()) => Ok(file),
        // Some network file systems have no locks. There the folder is not shared between writers.
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => Ok(file),
        Err(error) => Err(CorpusError::io(&path, "lock the archive")(error)),
    }
}

/// What was there before, as far as it is whole.
pub(super) struct Old {
    /// The old generation; empty where there was none, or none that could be read.
    pub manifest: Manifest,
    /// Its segments; `None` where one is broken.
    pub table: SegmentTable,
    problems: Vec<Diagnostic>,
}

impl Old {
    /// A generation that is open already.
    pub(super) fn of(manifest: Manifest, table: SegmentTable) -> Self {
        Self { manifest, table, problems: Vec::new() }
    }

    fn load(dir: &Path) -> Result<Self, CorpusError> {
        let mut old = Self { manifest: Manifest::default(), table: Vec::new(), problems: Vec::new() };
        match Manifest::read(dir) {
            Ok(manifest) => old.manifest = manifest,
            Err(error) if matches!(*error.kind, CorpusErrorKind::NoManifest) => return Ok(old),
            Err(error) if matches!(*error.kind, CorpusErrorKind::Foreign) && !has_segments(dir) => {
                // Somebody else's file of that name, in a folder that never was an archive: not ours to replace.
                return Err(error);
            }
            Err(error) if error.is_mended_by_rebuild() => {
                old.problems.push(rebuilt(&error));
                return Ok(old);
            }
            Err(error) => return Err(error),
        }
        let open = |entry: &SegmentEntry| -> Result<Written, CorpusError> {
            let path = dir.join(segment_name(&entry.hash));
            let (segment, stamp) = SegmentFile::open(&path, entry.hash, Some(&entry.stamp))?;
            if segment.pools().hot.len() != entry.records as usize {
                return Err(CorpusError::damaged(
                    &path,
                    "it has another number of records than the manifest says",
                ));
            }
            Ok((SegmentEntry { stamp, ..*entry }, segment))
        };
        let opened: Vec<_> = old.manifest.segments.par_iter().map(open).collect();
        for result in opened {
            match result {
                Ok(written) => old.table.push(Some(written)),
                Err(error) if error.is_mended_by_rebuild() => {
                    old.problems.push(rebuilt(&error));
                    old.table.push(None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(old)
    }

    /// Whether all records of a source can still be had.
    pub(super) fn is_whole(&self, source: &SourceEntry) -> bool {
        source.runs.iter().all(|run| self.table[run.segment as usize].is_some())
    }
}

/// The error as a note: it does no harm, because the sources are at hand.
fn rebuilt(error: &CorpusError) -> Diagnostic {
    Diagnostic {
        severity: crate::model::Severity::Warning,
        suggestion: Some("nothing to do: what it held is read again from the sources".into()),
        ..error.diagnostic()
    }
}

/// Drops the segments that nothing refers to, and the doubles, and numbers the rest in order.
pub(super) fn renumber(manifest: &mut Manifest, table: SegmentTable) -> Vec<SegmentFile> {
    let mut in_use = vec![false; table.len()];
    for run in manifest.sources.iter().flat_map(|source| &source.runs) {
        in_use[run.segment as usize] = true;
    }
    let mut numbers = vec![u32::MAX; table.len()];
    let mut by_hash = FxHashMap::default();
    let mut segments = Vec::new();
    // A segment that was written again has a new stamp, so of doubles the last one counts.
    for (i, slot) in table.into_iter().enumerate().rev() {
        let Some((entry, segment)) = slot.filter(|_| in_use[i]) else { continue };
        numbers[i] = *by_hash.entry(entry.hash).or_insert_with(|| {
            manifest.segments.push(entry);
            segments.push(segment);
            segments.len() as u32 - 1
        });
    }
    let last = (segments.len() as u32).wrapping_sub(1);
    segments.reverse();
    manifest.segments.reverse();
    for run in manifest.sources.iter_mut().flat_map(|source| &mut source.runs) {
        run.segment = last - numbers[run.segment as usize];
    }
    segments
}

fn has_segments(dir: &Path) -> bool {
    std::fs::read_dir(dir)
        .is_ok_and(|entries| entries.flatten().any(|entry| is_segment(Path::new(&entry.file_name()))))
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == SEGMENT_SUFFIX)
}

/// Removes segments that the manifest does not name. Whoever has one mapped keeps it.
pub(super) fn remove_unreferenced(dir: &Path, manifest: &Manifest) -> Result<(), CorpusError> {
    let named: std::collections::HashSet<_> =
        manifest.segments.iter().map(|segment| segment_name(&segment.hash)).collect();
    let list = |error| CorpusError::io(dir, "list the folder")(error);
    for entry in std::fs::read_dir(dir).map_err(list)? {
        let path = entry.map_err(list)?.path();
        let is_named =
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| named.contains(name));
        if is_segment(&path) && !is_named {
            // Another time, if the system refuses: it does no harm.
            let _ = std::fs::remove_file(&path);
        }
    }
    Ok(())
}
