//! The outcome store: what was found out once is looked up, not found out again.
//!
//! A folder of immutable segments. A segment is a 64-byte header, the outcomes as JSON one after another, and an index
//! sorted by fingerprint. Segments are written whole (temporary name, sync, rename), so a kill leaves every segment that is
//! there readable; what was not yet in a segment is found out again. A segment that does not check is removed and its
//! outcomes are found out again: the store is a cache and never the only copy of anything.

use crate::durable;
use crate::model::{Detail, Outcome, SpecId, Status, Stop, Strategy, ValueCheck};
use crate::pipeline::Fingerprint;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const MAGIC: &[u8; 8] = b"WMSTORE\0";
const VERSION: u32 = 1;
const HEADER_LEN: usize = 64;
const ROW_LEN: usize = 32;

/// Bytes of outcomes kept in memory before they become a segment.
const PENDING_BYTES_MAX: usize = 16 << 20;

/// How long an outcome may be kept in memory alone.
const PENDING_FOR_MAX: Duration = Duration::from_secs(2);

/// Small segments past which these are merged.
const SEGMENTS_MAX: usize = 24;

/// A segment with so many rows is not small: merging it again and again would cost more than it saves.
const SMALL_ROWS: usize = 32_768;

/// Bytes of outcomes that may wait in memory for storage to take them again; beyond that they are found out again.
const RECENT_BYTES_MAX: usize = 64 << 20;

/// An outcome as the store keeps it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoredOutcome {
    status: Status,
    strategy: Option<Strategy>,
    template: Option<String>,
    given: Option<Status>,
    stop: Stop,
    code: Option<String>,
    tests: (u32, u32),
    properties: (u32, u32),
    /// Which held-out cases were scored, and the score.
    heldout: (u64, u32, u32),
    candidates: u64,
    steps: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    value: Option<ValueCheck>,
    detail: Option<Box<Detail>>,
    /// The canonical content of the specification, in hexadecimal.
    spec: String,
    /// The generation of the corpus that it was found out for, in hexadecimal.
    generation: String,
    /// The version of wordmill that found it out.
    tool: String,
}

/// Where an outcome comes from: written beside it for later readers of the store.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The generation of the corpus, in hexadecimal.
    pub generation: String,
}

impl StoredOutcome {
    /// What is kept of an outcome. `heldout_key` names the held-out cases that it was scored on.
    pub fn new(outcome: &Outcome, heldout_key: u64, spec: &[u8; 32], provenance: &Provenance) -> Self {
        Self {
            status: outcome.status,
            strategy: outcome.strategy,
            template: outcome.template.as_deref().map(str::to_owned),
            given: outcome.given,
            stop: outcome.stop,
            code: outcome.code.as_deref().map(str::to_owned),
            tests: (outcome.tests_passed, outcome.tests_total),
            properties: (outcome.properties_checked, outcome.properties_unchecked),
            heldout: (heldout_key, outcome.heldout_passed, outcome.heldout_total),
            candidates: outcome.candidates,
            steps: outcome.steps,
            value: outcome.value,
            detail: outcome.detail.clone(),
            spec: crate::pipeline::fingerprint::hex(spec),
            generation: provenance.generation.clone(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The outcome again, for a record, and whether its held-out score is for `heldout_key`.
    pub fn into_outcome(self, spec: SpecId, heldout_key: u64) -> (Outcome, bool) {
        let outcome = Outcome {
            spec,
            status: self.status,
            strategy: self.strategy,
            template: self.template.map(Arc::from),
            given: self.given,
            stop: self.stop,
            code: self.code.map(String::into_boxed_str),
            tests_passed: self.tests.0,
            tests_total: self.tests.1,
            properties_checked: self.properties.0,
            properties_unchecked: self.properties.1,
            heldout_passed: self.heldout.1,
            heldout_total: self.heldout.2,
            candidates: self.candidates,
            steps: self.steps,
            value: self.value,
            detail: self.detail,
        };
        (outcome, self.heldout.0 == heldout_key)
    }
}

impl StoredOutcome {
    /// The hash of the specification's content.
    pub fn spec(&self) -> Option<[u8; 32]> {
        let mut hash = [0; 32];
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(self.spec.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(hash)
    }

    /// The final code.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The rarely filled part.
    pub fn detail(&self) -> Option<&Detail> {
        self.detail.as_deref()
    }
}

/// Reads every outcome in a folder of segments, in the order of the fingerprints. The folder is not touched, and what cannot
/// be read is passed over: a run may be writing it.
pub fn each(folder: &Path, sink: &mut dyn FnMut(StoredOutcome)) {
    let mut store = Store::empty(folder);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "outcomes")).collect();
    paths.sort();
    for path in paths {
        let _ = store.add_segment(&path);
    }
    let mut keys: Vec<Fingerprint> = store.index.keys().copied().collect();
    keys.sort_unstable();
    keys.into_iter().filter_map(|key| store.get(key)).for_each(sink);
}

#[derive(Clone, Copy)]
struct At {
    segment: u32,
    len: u32,
    offset: u64,
    check: u32,
}

struct Segment {
    path: PathBuf,
    file: File,
    n_rows: usize,
}

/// An open store. Reading is shared; writing is the aggregator's alone.
pub struct Store {
    folder: PathBuf,
    segments: Vec<Segment>,
    index: FxHashMap<Fingerprint, At>,
    n_broken: usize,
    recent: Mutex<Recent>,
}

/// What was found out beside others and is not in a segment that can be looked up.
#[derive(Default)]
struct Recent {
    rows: FxHashMap<Fingerprint, Arc<[u8]>>,
    bytes: usize,
    /// Segments that hold some of the rows, and were not taken in yet.
    written: Vec<PathBuf>,
}

impl Recent {
    /// Outcomes that cannot be written are kept up to a bound.
    fn put(&mut self, fingerprint: Fingerprint, encoded: Arc<[u8]>) {
        if self.bytes + encoded.len() > RECENT_BYTES_MAX {
            self.rows.clear();
            self.bytes = 0;
        }
        self.bytes += encoded.len();
        if let Some(old) = self.rows.insert(fingerprint, encoded) {
            self.bytes -= old.len();
        }
    }
}

/// Adds outcomes to a store, a segment at a time.
pub struct Writer {
    folder: PathBuf,
    pending: Vec<(Fingerprint, Vec<u8>)>,
    pending_bytes: usize,
    flushed: Instant,
    written: Vec<PathBuf>,
    /// Storage that does not take the outcomes is no reason to fail.
    is_patient: bool,
}

impl Writer {
    /// Adds an outcome that [`encode`] made. It is on disk after the next flush, which comes by itself when much or when
    /// something for long has been pending: a kill costs little.
    ///
    /// # Errors
    /// When a segment cannot be written.
    pub fn put(&mut self, fingerprint: Fingerprint, encoded: Vec<u8>) -> io::Result<()> {
        self.pending_bytes += encoded.len();
        self.pending.push((fingerprint, encoded));
        if self.pending_bytes >= PENDING_BYTES_MAX || self.flushed.elapsed() >= PENDING_FOR_MAX {
            match self.flush() {
                Err(_) if self.is_patient => {
                    if self.pending_bytes > RECENT_BYTES_MAX {
                        self.pending.clear();
                        self.pending_bytes = 0;
                    }
                    Ok(())
                }
                flushed => flushed,
            }
        } else {
            Ok(())
        }
    }

    /// Writes what is pending into a segment.
    ///
    /// # Errors
    /// When the segment cannot be written; what was pending stays pending.
    pub fn flush(&mut self) -> io::Result<()> {
        self.flushed = Instant::now();
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<(Fingerprint, &[u8])> =
            self.pending.iter().map(|(fingerprint, bytes)| (*fingerprint, bytes.as_slice())).collect();
        rows.sort_by_key(|row| row.0);
        rows.dedup_by_key(|row| row.0);
        self.written.push(write_segment(&self.folder, &rows)?);
        self.pending.clear();
        self.pending_bytes = 0;
        Ok(())
    }
}

impl Store {
    /// Opens the store in a folder, which is made if it is not there. Segments that do not check are removed.
    ///
    /// # Errors
    /// When the folder cannot be made, listed or swept.
    pub fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        durable::sweep(folder)?;
        let mut store = Self {
            folder: folder.to_owned(),
            segments: Vec::new(),
            index: FxHashMap::default(),
            n_broken: 0,
            recent: Mutex::default(),
        };
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "outcomes"))
            .collect();
        paths.sort();
        for path in paths {
            if store.add_segment(&path).is_err() {
                store.n_broken += 1;
                std::fs::remove_file(&path)?;
            }
        }
        Ok(store)
    }

    /// A store that knows nothing, for a folder that cannot be read or made: what is found out waits in memory.
    pub fn empty(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            segments: Vec::new(),
            index: FxHashMap::default(),
            n_broken: 0,
            recent: Mutex::default(),
        }
    }

    /// How many segments did not check and were removed on opening.
    pub fn n_broken(&self) -> usize {
        self.n_broken
    }

    /// How many outcomes can be looked up.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether nothing can be looked up.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The outcome with this fingerprint. One that does not check counts as absent.
    pub fn get(&self, fingerprint: Fingerprint) -> Option<StoredOutcome> {
        let recent = self.lock_recent().rows.get(&fingerprint).cloned();
        if let Some(bytes) = recent {
            return serde_json::from_slice(&bytes).ok();
        }
        let at = self.index.get(&fingerprint)?;
        let bytes = self.read(*at).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Begins to write: a run reads the store from all threads while its aggregator writes.
    pub fn writer(&self) -> Writer {
        Writer {
            folder: self.folder.clone(),
            pending: Vec::new(),
            pending_bytes: 0,
            flushed: Instant::now(),
            written: Vec::new(),
            is_patient: false,
        }
    }

    /// A writer for [`Store::absorb`]: storage that does not take outcomes stops nothing.
    pub fn patient_writer(&self) -> Writer {
        Writer { is_patient: true, ..self.writer() }
    }

    fn lock_recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a run beside others: what was found out can be looked up from now on.
    pub fn absorb(&self, writer: Writer) {
        let mut recent = self.lock_recent();
        for (fingerprint, encoded) in writer.pending {
            recent.put(fingerprint, encoded.into());
        }
        recent.written.extend(writer.written);
    }

    /// Whether there are segments that [`Store::adopt`] would take in.
    pub fn has_unadopted(&self) -> bool {
        !self.lock_recent().written.is_empty()
    }

    /// Writes what waits in memory into a segment. Until [`Store::adopt`] it is still looked up in memory.
    ///
    /// # Errors
    /// When the segment cannot be written; what waited still waits.
    pub fn save(&self) -> io::Result<()> {
        let mut rows: Vec<(Fingerprint, Arc<[u8]>)> = {
            let recent = self.lock_recent();
            recent.rows.iter().map(|(key, encoded)| (*key, Arc::clone(encoded))).collect()
        };
        if rows.is_empty() {
            return Ok(());
        }
        rows.sort_by_key(|row| row.0);
        let rows: Vec<(Fingerprint, &[u8])> = rows.iter().map(|(key, encoded)| (*key, &**encoded)).collect();
        std::fs::create_dir_all(&self.folder)?;
        let path = write_segment(&self.folder, &rows)?;
        self.lock_recent().written.push(path);
        Ok(())
    }

    /// Takes in the segments that were written beside others, and merges small ones where there are many.
    ///
    /// # Errors
    /// When a segment cannot be read or written.
    pub fn adopt(&mut self) -> io::Result<()> {
        let written = std::mem::take(&mut self.lock_recent().written);
        for path in &written {
            let first = self.segments.len() as u32;
            self.add_segment(path)?;
            let Recent { rows, bytes, .. } = &mut *self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            rows.retain(|key, encoded| {
                let waits = self.index.get(key).is_none_or(|at| at.segment < first);
                *bytes -= if waits { 0 } else { encoded.len() };
                waits
            });
        }
        self.merge_small()
    }

    /// Ends a run: takes in what was written, and merges the segments when there are many.
    ///
    /// # Errors
    /// When a segment cannot be read or written.
    pub fn finish(&mut self, mut writer: Writer) -> io::Result<()> {
        writer.flush()?;
        for path in &writer.written {
            self.add_segment(path)?;
        }
        self.merge_small()
    }

    /// Small segments are merged where there are many; large ones stay, so that an outcome is rewritten a few times only.
    fn merge_small(&mut self) -> io::Result<()> {
        let is_small: Vec<bool> = self.segments.iter().map(|segment| segment.n_rows < SMALL_ROWS).collect();
        if is_small.iter().filter(|is_small| **is_small).count() <= SEGMENTS_MAX {
            return Ok(());
        }
        let in_small = |at: &At| is_small[at.segment as usize];
        let mut all: Vec<(Fingerprint, At)> =
            self.index.iter().filter(|(_, at)| in_small(at)).map(|(key, at)| (*key, *at)).collect();
        all.sort_by_key(|row| row.0);
        let small = self.segments.iter().zip(&is_small).filter(|(_, is_small)| **is_small);
        let mut old: Vec<PathBuf> = small.map(|(segment, _)| segment.path.clone()).collect();
        for chunk in all.chunks(65_536) {
            let blobs: Vec<(Fingerprint, Vec<u8>)> =
                chunk.iter().filter_map(|(key, at)| Some((*key, self.read(*at).ok()?))).collect();
            let rows: Vec<(Fingerprint, &[u8])> =
                blobs.iter().map(|(key, bytes)| (*key, bytes.as_slice())).collect();
            let path = write_segment(&self.folder, &rows)?;
            old.retain(|other| *other != path);
        }
        for path in old {
            std::fs::remove_file(path)?;
        }
        let recent = std::mem::take(&mut self.recent);
        *self = Self { recent, ..Self::open(&self.folder.clone())? };
        Ok(())
    }

    fn read(&self, at: At) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; at.len as usize];
        self.segments[at.segment as usize].file.read_exact_at(&mut bytes, at.offset)?;
        if check_of(&bytes) == at.check { Ok(bytes) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn add_segment(&mut self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        let mut header = [0; HEADER_LEN];
        file.read_exact(&mut header)?;
        let number = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("8 bytes"));
        let (n_rows, index_at, file_len) = (number(16), number(24), file.metadata()?.len());
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        let index_len = n_rows.checked_mul(ROW_LEN as u64).ok_or_else(broken)?;
        if &header[..8] != MAGIC
            || header[8..12] != VERSION.to_le_bytes()
            || index_at < HEADER_LEN as u64
            || index_at.checked_add(index_len) != Some(file_len)
        {
            return Err(broken());
        }
        let mut rows = vec![0; index_len as usize];
        file.read_exact_at(&mut rows, index_at)?;
        if blake3::hash(&rows).as_bytes() != &header[32..64] {
            return Err(broken());
        }
        let segment = self.segments.len() as u32;
        self.index.reserve(n_rows as usize);
        for row in rows.chunks_exact(ROW_LEN) {
            let fingerprint = Fingerprint(row[..16].try_into().expect("16 bytes"));
            let offset = u64::from_le_bytes(row[16..24].try_into().expect("8 bytes"));
            let len = u32::from_le_bytes(row[24..28].try_into().expect("4 bytes"));
            let check = u32::from_le_bytes(row[28..32].try_into().expect("4 bytes"));
            if offset.checked_add(u64::from(len)).is_none_or(|end| end > index_at) {
                return Err(broken());
            }
            self.index.insert(fingerprint, At { segment, len, offset, check });
        }
        self.segments.push(Segment { path: path.to_owned(), file, n_rows: n_rows as usize });
        Ok(())
    }

    /// How many segments there are and how many rows they have together, replaced ones counted.
    pub fn size(&self) -> (usize, usize) {
        (self.segments.len(), self.segments.iter().map(|segment| segment.n_rows).sum())
    }
}

/// The bytes that [`Store::put`] takes.
pub fn encode(stored: &StoredOutcome) -> Vec<u8> {
    serde_json::to_vec(stored).expect("an outcome has no maps with odd keys")
}

fn check_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(blake3::hash(bytes).as_bytes()[..4].try_into().expect("4 bytes"))
}

fn write_segment(folder: &Path, rows: &[(Fingerprint, &[u8])]) -> io::Result<PathBuf> {
    let mut index = Vec::with_capacity(rows.len() * ROW_LEN);
    let mut offset = HEADER_LEN as u64;
    for (fingerprint, bytes) in rows {
        index.extend_from_slice(&fingerprint.0);
        index.extend_from_slice(&offset.to_le_bytes());
        index.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        index.extend_from_slice(&check_of(bytes).to_le_bytes());
        offset += bytes.len() as u64;
    }
    let hash = blake3::hash(&index);
    let mut header = [0; HEADER_LEN];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..24].copy_from_slice(&(rows.len() as u64).to_le_bytes());
    header[24..32].copy_from_slice(&offset.to_le_bytes());
    header[32..].copy_from_slice(hash.as_bytes());
    let path = folder.join(format!("{}.outcomes", &hash.to_hex()[..32]));
    let mut file = durable::DurableFile::create(&path)?;
    file.write_all(&header)?;
    for (_, bytes) in rows {
        file.write_all(bytes)?;
    }
    file.write_all(&index)?;
    file.commit()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(code: &str) -> StoredOutcome {
        let mut outcome = Outcome::empty(SpecId(3), Status::Verified, Stop::Solved);
        outcome.code = Some(code.into());
        outcome.template = Some("DUP_TRANSFORM_001".into());
        outcome.detail = Some(Box::default());
        StoredOutcome::new(&outcome, 7, &[1; 32], &Provenance { generation: "ab".into() })
    }

    fn key(n: u8) -> Fingerprint {
        Fingerprint([n; 16])
    }

    #[test]
    fn an_outcome_comes_back_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let mut writer = store.writer();
        writer.put(key(1), encode(&stored(": a ;"))).unwrap();
        writer.put(key(2), encode(&stored(": b ;"))).unwrap();
        store.finish(writer).unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.get(key(2)), Some(stored(": b ;")));
        assert_eq!(store.get(key(3)), None);
        let (outcome, scored) = store.get(key(1)).unwrap().into_outcome(SpecId(9), 7);
        assert_eq!((outcome.spec, outcome.code.as_deref(), scored), (SpecId(9), Some(": a ;"), true));
        assert!(!store.get(key(1)).unwrap().into_outcome(SpecId(9), 8).1);
    }

    #[test]
    fn all_outcomes_can_be_read_without_touching_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let mut writer = store.writer();
        for n in [2, 1] {
            writer.put(key(n), encode(&stored(&format!(": w{n} ;")))).unwrap();
            writer.flush().unwrap();
        }
        store.finish(writer).unwrap();
        std::fs::write(folder.path().join("torn.outcomes"), "torn").unwrap();
        let mut codes = Vec::new();
        each(folder.path(), &mut |stored| codes.push((stored.spec(), stored.code().unwrap().to_owned())));
        let hash = Some([1; 32]);
        assert_eq!(codes, [(hash, ": w1 ;".to_owned()), (hash, ": w2 ;".to_owned())]);
        assert!(folder.path().join("torn.outcomes").exists());
    }

    #[test]
    fn a_flipped_bit_or_a_cut_costs_outcomes_and_never_gives_wrong_ones() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let mut writer = store.writer();
        writer.put(key(1), encode(&stored(": a ;"))).unwrap();
        store.finish(writer).unwrap();
        let path = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let good = std::fs::read(&path).unwrap();
        let wanted = stored(": a ;");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            std::fs::write(&path, &bad).unwrap();
            let found = Store::open(folder.path()).unwrap().get(key(1));
            assert!(found.is_none() || found.as_ref() == Some(&wanted), "byte {at}");
            std::fs::write(&path, &good[..at]).unwrap();
            assert!(Store::open(folder.path()).unwrap().is_empty(), "cut at {at}");
        }
    }

    #[test]
    fn what_is_found_out_beside_others_is_looked_up_at_once_and_saved_later() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("gone")).unwrap();
        std::fs::remove_dir_all(folder.path().join("gone")).unwrap();
        std::fs::write(folder.path().join("gone"), "no folder").unwrap();
        let mut writer = store.patient_writer();
        writer.put(key(1), encode(&stored(": a ;"))).unwrap();
        writer.flushed -= PENDING_FOR_MAX;
        writer.put(key(2), encode(&stored(": b ;"))).expect("a patient writer does not fail");
        store.absorb(writer);
        assert_eq!((store.get(key(1)), store.get(key(2))), (Some(stored(": a ;")), Some(stored(": b ;"))));
        assert!(store.save().is_err());
        std::fs::remove_file(folder.path().join("gone")).unwrap();
        store.save().unwrap();
        assert!(store.has_unadopted());
        store.adopt().unwrap();
        assert!(store.lock_recent().rows.is_empty());
        assert_eq!(store.lock_recent().bytes, 0);
        assert_eq!(store.get(key(2)), Some(stored(": b ;")));
        assert_eq!(Store::open(&folder.path().join("gone")).unwrap().get(key(1)), Some(stored(": a ;")));
    }

    #[test]
    fn a_large_segment_is_not_merged_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let long = |n: u32| {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            bytes[15] = 1;
            Fingerprint(bytes)
        };
        let mut writer = store.writer();
        for n in 0..SMALL_ROWS as u32 {
            writer.put(long(n), b"{}".to_vec()).unwrap();
        }
        store.finish(writer).unwrap();
        let large = store.segments[0].path.clone();
        let mut writer = store.writer();
        for n in 0..=SEGMENTS_MAX as u8 {
            writer.put(key(n), encode(&stored(&format!(": w{n} ;")))).unwrap();
            writer.flush().unwrap();
        }
        store.finish(writer).unwrap();
        assert_eq!(store.size(), (2, SMALL_ROWS + SEGMENTS_MAX + 1));
        assert!(store.segments.iter().any(|segment| segment.path == large));
        assert_eq!(store.get(key(5)), Some(stored(": w5 ;")));
    }

    #[test]
    fn many_segments_are_merged() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let mut writer = store.writer();
        for n in 0..=SEGMENTS_MAX as u8 + 2 {
            writer.put(key(n), encode(&stored(&format!(": w{n} ;")))).unwrap();
            writer.flush().unwrap();
        }
        assert!(writer.written.len() > SEGMENTS_MAX);
        store.finish(writer).unwrap();
        assert_eq!(store.size(), (1, SEGMENTS_MAX + 3));
        assert_eq!(store.get(key(5)), Some(stored(": w5 ;")));
    }
}
