//! Which items are new, which files they go into, and the files.

use super::item::{self, Draft, band};
use super::render;
use crate::arena::{Pool, Reuse};
use crate::durable;
use crate::forth::{Engine, Image, Limits};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Counts up whenever the same seed gives other items.
pub const GENERATE_VERSION: u32 = 3;

/// Indices that are looked at between two points where their order is restored.
const WINDOW: u64 = 1 << 14;

/// Windows without a new item after which there is no hope.
const BARREN_MAX: u32 = 20;

/// Items of one job.
const CHUNK: usize = 64;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many distinct items.
    pub count: u64,
    /// The seed.
    pub seed: u64,
    /// Least and greatest difficulty, 1 to 100.
    pub difficulty: (u8, u8),
    /// Which part of how many.
    pub shard: (u32, u32),
    /// Where everything goes.
    pub out: PathBuf,
    /// Threads; 0 for one per core.
    pub jobs: usize,
}

/// Hears how many items there are by now.
pub type Progress<'p> = dyn Fn(u64) + 'p;

/// What came of it.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Report {
    /// Distinct items, of all shards.
    pub count: u64,
    /// Indices that were looked at.
    pub indices: u64,
    /// Indices whose item did what an earlier one does.
    pub duplicates: u64,
    /// Indices whose skeleton had its share already.
    pub crowded: u64,
    /// Indices at which nothing worth a word was drawn.
    pub barren: u64,
    /// Distinct skeletons.
    pub skeletons: u64,
    /// Items of the commonest skeleton.
    pub skeleton_max: u64,
    /// Items in each fifth of the scale of difficulty.
    pub bands: [u64; 5],
    /// The files of this shard.
    pub files: Vec<File>,
    /// Whether a signal ended it early.
    #[serde(skip)]
    pub interrupted: bool,
}

/// A file that was written, or was there already.
#[derive(Clone, Debug, serde::Serialize)]
pub struct File {
    /// Its name below the folder.
    pub name: String,
    /// Its lines.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// Its blake3 hash.
    pub blake3: String,
}

/// Why it failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder has something else in it.
    #[error("{} holds items of other settings: name another folder, or remove it", .0.display())]
    OtherSettings(PathBuf),
    /// There are not so many.
    #[error("there are only {found} distinct items of that difficulty among {indices} drawn: ask for fewer")]
    Exhausted {
        /// How many there are.
        found: u64,
        /// How many were drawn.
        indices: u64,
    },
    /// The threads could not be started.
    #[error("cannot start the threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

struct Worker(Engine);

impl Reuse for Worker {
    fn recycle(&mut self) {
        self.0.reset();
    }
}

/// Tells new items from those that do what an earlier one does. Items come in the order of their indices.
pub struct Plan {
    behaviours: FxHashSet<u128>,
    /// What numbers do on small numbers, with the kinds of the first that did so.
    common: FxHashMap<u128, u32>,
    skeletons: FxHashMap<u64, u64>,
    skeleton_max: u64,
    report: Report,
}

impl Plan {
    /// A plan for so many items.
    pub fn new(count: u64) -> Self {
        Self {
            behaviours: FxHashSet::default(),
            common: FxHashMap::default(),
            skeletons: FxHashMap::default(),
            skeleton_max: (count / 100).max(1),
            report: Report::default(),
        }
    }

    /// Whether an item is new, and no more than its skeleton's share.
    fn admit(&mut self, draft: &Draft) -> bool {
        let crowded = self.skeletons.get(&draft.skeleton).is_some_and(|n| *n >= self.skeleton_max);
        if crowded {
            self.report.crowded += 1;
            return false;
        }
        let elsewhere = draft
            .common
            .is_some_and(|common| self.common.get(&common).is_some_and(|kinds| *kinds != draft.kinds));
        if elsewhere || !self.behaviours.insert(draft.behaviour) {
            self.report.duplicates += 1;
            return false;
        }
        if let Some(common) = draft.common {
            self.common.entry(common).or_insert(draft.kinds);
        }
        *self.skeletons.entry(draft.skeleton).or_default() += 1;
        self.report.bands[band(draft.difficulty) as usize] += 1;
        self.report.count += 1;
        true
    }
}

/// Lines of a file: about a sixty-fourth of all, within bounds, whatever the shard.
fn rows_per_file(count: u64) -> u64 {
    (count / 64).clamp(1_000, 20_000)
}

/// Makes the items, and writes those of the shard into `out/specs`. What is there already from a run that was stopped is
/// not made again.
///
/// # Errors
/// When there are not so many items, the folder holds others, or something cannot be written.
pub fn generate(options: &Options, stop: &AtomicBool, progress: &Progress<'_>) -> Result<Report, Error> {
    let folder = options.out.join("specs");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
    durable::sweep(&folder).map_err(failed(&folder))?;
    note_settings(options)?;
    let threads = rayon::ThreadPoolBuilder::new().num_threads(options.jobs).build()?;
    let engines = Pool::new(|| Worker(Engine::new(Image::shared(), Limits::default())));
    let (low, high) = options.difficulty;
    let bands: Vec<u8> = (band(low)..=band(high)).collect();
    let mut plan = Plan::new(options.count);
    let mut files =
        Files { options, folder, rows: rows_per_file(options.count), waiting: Vec::new(), done: Vec::new() };
    let (mut barren, mut next) = (0, 0);
    while plan.report.count < options.count {
        if stop.load(Ordering::Relaxed) {
            return Ok(Report { interrupted: true, ..plan.report });
        }
        let window: Vec<u64> = (next..next + WINDOW).collect();
        let drafts: Vec<Vec<Option<Draft>>> = threads.install(|| {
            let draft = |indices: &[u64]| {
                let mut engine = engines.lend();
                let draft = |index: &u64| {
                    item::draft(&mut engine.0, options.seed, *index, &bands, options.difficulty)
                };
                indices.iter().map(draft).collect()
            };
            window.par_chunks(CHUNK).map(draft).collect()
        });
        let before = plan.report.count;
        let mut admitted = Vec::new();
        for (index, draft) in (next..).zip(drafts.into_iter().flatten()) {
            if plan.report.count == options.count {
                break;
            }
            plan.report.indices = index + 1;
            match draft {
                None => plan.report.barren += 1,
                Some(draft) => {
                    if plan.admit(&draft) {
                        admitted.push(draft);
                    }
                }
            }
        }
        next += WINDOW;
        files.take(&admitted, before, &threads, &engines, &bands)?;
        progress(plan.report.count);
        barren = if plan.report.count == before { barren + 1 } else { 0 };
        if barren > BARREN_MAX {
            return Err(Error::Exhausted { found: plan.report.count, indices: next });
        }
    }
    files.end(&threads, &engines, &bands)?;
    let mut report = plan.report;
    report.skeletons = plan.skeletons.len() as u64;
    report.skeleton_max = plan.skeletons.values().copied().max().unwrap_or(0);
    report.files = files.done;
    write_manifest(options, &report)?;
    Ok(report)
}

/// The files of the shard, one after another.
struct Files<'o> {
    options: &'o Options,
    folder: PathBuf,
    rows: u64,
    /// Items of the file that is being filled, with their numbers.
    waiting: Vec<(u64, Draft)>,
    done: Vec<File>,
}

impl Files<'_> {
    fn take(
        &mut self,
        drafts: &[Draft],
        first: u64,
        threads: &rayon::ThreadPool,
        engines: &Pool<Worker>,
        bands: &[u8],
    ) -> Result<(), Error> {
        for (number, draft) in (first..).zip(drafts) {
            self.waiting.push((number, *draft));
            if (number + 1) % self.rows == 0 {
                self.end(threads, engines, bands)?;
            }
        }
        Ok(())
    }

    /// The file that is being filled is full.
    fn end(
        &mut self,
        threads: &rayon::ThreadPool,
        engines: &Pool<Worker>,
        bands: &[u8],
    ) -> Result<(), Error> {
        let items = std::mem::take(&mut self.waiting);
        let Some((first, _)) = items.first() else { return Ok(()) };
        let file = first / self.rows;
        let (index, of) = self.options.shard;
        if file % u64::from(of) != u64::from(index) {
            return Ok(());
        }
        let name = format!("specs-{file:05}.jsonl");
        let path = self.folder.join(&name);
        let failed = |source| Error::Write { path: path.clone(), source };
        let text = match path.is_file() {
            // It was renamed when it was whole, and the settings are the same.
            true => std::fs::read(&path).map_err(failed)?,
            false => {
                let seed = self.options.seed;
                let lines = |items: &[(u64, Draft)]| {
                    let mut engine = engines.lend();
                    let mut text = String::with_capacity(1500 * items.len());
                    for (number, draft) in items {
                        render::line(&mut engine.0, seed, draft, bands, *number, &mut text);
                    }
                    text
                };
                let parts: Vec<String> = threads.install(|| items.par_chunks(CHUNK).map(lines).collect());
                let text = parts.concat().into_bytes();
                durable::write(&path, &text).map_err(failed)?;
                text
            }
        };
        self.done.push(File {
            name: format!("specs/{name}"),
            rows: items.len() as u64,
            bytes: text.len() as u64,
            blake3: blake3::hash(&text).to_hex().to_string(),
        });
        Ok(())
    }
}

/// What the files depend on, but for the shard.
fn settings(options: &Options) -> serde_json::Value {
    serde_json::json!({
        "generator": GENERATE_VERSION, "engine": crate::forth::ENGINE_VERSION,
        "count": options.count, "seed": options.seed, "difficulty": [options.difficulty.0, options.difficulty.1],
    })
}

/// Notes the settings in the folder, so that files of others are never taken for ours.
fn note_settings(options: &Options) -> Result<(), Error> {
    let path = options.out.join("settings.json");
    let text = format!("{}\n", settings(options));
    match std::fs::read(&path) {
        Ok(there) if there == text.as_bytes() => Ok(()),
        Ok(_) => Err(Error::OtherSettings(options.out.clone())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            durable::write(&path, text.as_bytes()).map_err(|source| Error::Write { path, source })
        }
        Err(source) => Err(Error::Write { path, source }),
    }
}

fn write_manifest(options: &Options, report: &Report) -> Result<(), Error> {
    let path = options.out.join("manifest.json");
    let (index, of) = options.shard;
    let command = format!(
        "wordmill generate --count {} --seed {} --difficulty {}-{} --shard {index}/{of} --out DIR",
        options.count, options.seed, options.difficulty.0, options.difficulty.1
    );
    let manifest = serde_json::json!({
        "tool": format!("wordmill {}", env!("CARGO_PKG_VERSION")), "command": command, "settings": settings(options),
        "distinct": "no two items do the same on the probes; they may differ in name, words and code",
        "report": report,
    });
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest is JSON") + "\n";
    durable::write(&path, text.as_bytes()).map_err(|source| Error::Write { path, source })
}
