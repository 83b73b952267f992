//! Shards: a part of a run in a folder of its own, and the parts put together again.
//!
//! Which shard a record belongs to is a pure function of its test inputs, so that specifications with the same inputs, which
//! can share work, come to the same shard. A shard is what a whole run would have found out about its records; merging
//! hands the outcomes to the same sink that a whole run feeds, in the same order.

use crate::corpus::{Corpus, Record};
use crate::durable::{self, DurableFile};
use crate::model::{Outcome, SpecId};
use crate::pipeline::options::Options;
use crate::pipeline::run::{Sink, Summary};
use crate::pipeline::store::{Provenance, StoredOutcome};
use crate::pipeline::{fingerprint, store};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

const INFO_FILE: &str = "shard.json";
const OUTCOMES_FILE: &str = "outcomes.shard.jsonl";

/// What a shard says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShardInfo {
    /// Which shard, from 0.
    pub index: u32,
    /// Of how many.
    pub of: u32,
    /// Records in it.
    pub n_specs: usize,
    /// The generation of the corpus, in hexadecimal.
    pub generation: String,
    /// The settings that outcomes depend on, in hexadecimal.
    pub settings: String,
    /// The held-out cases given beside the corpus, in hexadecimal; empty where there were none.
    pub heldout: String,
    /// Where the corpus was read from, as the user named it.
    pub roots: Vec<String>,
    /// The version of wordmill.
    pub tool: String,
}

/// Why shards cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A folder is not a finished shard.
    #[error("{} is not a finished shard: {why}", path.display())]
    NotAShard {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Shards of different runs.
    #[error("{} was made with another {what} than {}", path.display(), first.display())]
    Differs {
        /// The shard that differs.
        path: PathBuf,
        /// The one that it is compared with.
        first: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// Not all are there.
    #[error("of {of} shards these are missing: {}", missing.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))]
    Missing {
        /// How many there should be.
        of: u32,
        /// Which are not there, from 0.
        missing: Vec<u32>,
    },
    /// Two folders with the same shard.
    #[error("{} and {} are both shard {index}", first.display(), second.display())]
    Twice {
        /// Which shard.
        index: u32,
        /// One folder.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The corpus is not the one that the shards were made from.
    #[error("the corpus has changed since the shards were made (generation {found}, shards have {wanted})")]
    Corpus {
        /// The generation of the corpus at hand.
        found: String,
        /// The generation in the shards.
        wanted: String,
    },
    /// The merged files could not be written.
    #[error("cannot write the merged outcomes")]
    Sink(#[source] io::Error),
}

/// Which shard of `of` a record belongs to.
pub fn shard_of(record: &Record<'_>, of: u32) -> u32 {
    let mut hasher = blake3::Hasher::new();
    let tests = record.tests();
    if record.is_valid() && tests.is_plain() && !tests.is_empty() {
        for param in 0..record.n_inputs() {
            for lane in tests.input_lanes(param) {
                for cell in lane {
                    hasher.update(&cell.to_le_bytes());
                }
            }
        }
    } else {
        hasher.update(record.content_hash());
    }
    let hash = u64::from_le_bytes(hasher.finalize().as_bytes()[..8].try_into().expect("8 bytes"));
    (hash % u64::from(of.max(1))) as u32
}

/// The records of one shard, in corpus order.
pub fn select(corpus: &Corpus, index: u32, of: u32) -> Vec<SpecId> {
    (0..corpus.len() as u32).map(SpecId).filter(|id| shard_of(&corpus.record(*id), of) == index).collect()
}

/// Writes the outcomes of a shard into its folder.
pub struct ShardSink<'o> {
    folder: PathBuf,
    file: DurableFile,
    info: ShardInfo,
    options: &'o Options,
    provenance: Provenance,
}

impl<'o> ShardSink<'o> {
    /// Begins a shard in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder or the file cannot be made.
    pub fn create(
        folder: &Path,
        corpus: &Corpus,
        options: &'o Options,
        (index, of): (u32, u32),
        roots: Vec<String>,
    ) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        durable::sweep(folder)?;
        let generation = fingerprint::hex(&corpus.generation());
        let info = ShardInfo {
            index,
            of,
            n_specs: 0,
            generation: generation.clone(),
            settings: fingerprint::hex(&options.hash()),
            heldout: options
                .heldout
                .as_ref()
                .map(|heldout| fingerprint::hex(&heldout.hash()))
                .unwrap_or_default(),
            roots,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let file = DurableFile::create(folder.join(OUTCOMES_FILE))?;
        Ok(Self { folder: folder.to_owned(), file, info, options, provenance: Provenance { generation } })
    }

    /// Ends the shard: from here on it can be merged.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(self) -> io::Result<ShardInfo> {
        self.file.commit()?;
        let mut text = serde_json::to_vec_pretty(&self.info)?;
        text.push(b'\n');
        durable::write(&self.folder.join(INFO_FILE), &text)?;
        Ok(self.info)
    }
}

impl Sink for ShardSink<'_> {
    fn accept(&mut self, record: Record<'_>, outcome: &Outcome, _: Option<Duration>) -> io::Result<()> {
        let key = self.options.heldout_key(&record);
        let stored = StoredOutcome::new(outcome, key, record.content_hash(), &self.provenance);
        write!(self.file, "{}\t", record.id().0)?;
        self.file.write_all(&store::encode(&stored))?;
        self.file.write_all(b"\n")?;
        self.info.n_specs += 1;
        Ok(())
    }
}

/// A shard's folder, opened.
pub struct Shard {
    path: PathBuf,
    /// What it says of itself.
    pub info: ShardInfo,
}

impl Shard {
    /// Opens a finished shard.
    ///
    /// # Errors
    /// When the folder is not one.
    pub fn open(path: &Path) -> Result<Self, MergeError> {
        let refuse = |why: String| MergeError::NotAShard { path: path.to_owned(), why };
        let text =
            std::fs::read(path.join(INFO_FILE)).map_err(|error| refuse(format!("{INFO_FILE}: {error}")))?;
        let info = serde_json::from_slice(&text).map_err(|error| refuse(format!("{INFO_FILE}: {error}")))?;
        Ok(Self { path: path.to_owned(), info })
    }

    fn lines(&self) -> Result<Lines, MergeError> {
        let path = self.path.join(OUTCOMES_FILE);
        let file = File::open(&path).map_err(|error| self.refuse(format!("{OUTCOMES_FILE}: {error}")))?;
        Ok(Lines { reader: BufReader::with_capacity(1 << 16, file), n_read: 0 })
    }

    fn refuse(&self, why: String) -> MergeError {
        MergeError::NotAShard { path: self.path.clone(), why }
    }
}

struct Lines {
    reader: BufReader<File>,
    n_read: usize,
}

impl Lines {
    fn next(&mut self, shard: &Shard) -> Result<Option<(SpecId, StoredOutcome)>, MergeError> {
        let mut line = String::new();
        self.reader.read_line(&mut line).map_err(|error| shard.refuse(error.to_string()))?;
        if line.is_empty() {
            if self.n_read != shard.info.n_specs {
                return Err(
                    shard.refuse(format!("{} of {} outcomes are there", self.n_read, shard.info.n_specs))
                );
            }
            return Ok(None);
        }
        self.n_read += 1;
        let parsed = line.split_once('\t').and_then(|(rank, json)| {
            Some((SpecId(rank.parse().ok()?), serde_json::from_str(json.trim_end()).ok()?))
        });
        parsed
            .map(Some)
            .ok_or_else(|| shard.refuse(format!("line {} of {OUTCOMES_FILE} is broken", self.n_read)))
    }
}

/// Checks that these are all the shards of one run.
///
/// # Errors
/// When one is missing, there twice, or of another run.
pub fn check_complete(shards: &[Shard]) -> Result<(), MergeError> {
    let Some(first) = shards.first() else { return Err(MergeError::Missing { of: 0, missing: Vec::new() }) };
    let mut seen: Vec<Option<&Shard>> = vec![None; first.info.of as usize];
    for shard in shards {
        let (info, base) = (&shard.info, &first.info);
        let differing = [
            ("number of shards", info.of != base.of),
            ("corpus", info.generation != base.generation),
            ("configuration", info.settings != base.settings),
            ("set of held-out cases", info.heldout != base.heldout),
            ("version of wordmill", info.tool != base.tool),
        ];
        if let Some((what, _)) = differing.into_iter().find(|(_, differs)| *differs) {
            return Err(MergeError::Differs { path: shard.path.clone(), first: first.path.clone(), what });
        }
        let Some(place) = seen.get_mut(info.index as usize) else {
            return Err(shard.refuse(format!("it says that it is shard {} of {}", info.index, info.of)));
        };
        if let Some(other) = place.replace(shard) {
            let (first, second) = (other.path.clone(), shard.path.clone());
            return Err(MergeError::Twice { index: info.index, first, second });
        }
    }
    let missing: Vec<u32> =
        (0..).zip(&seen).filter(|(_, shard)| shard.is_none()).map(|(index, _)| index).collect();
    if missing.is_empty() { Ok(()) } else { Err(MergeError::Missing { of: first.info.of, missing }) }
}

/// Hands the outcomes of all shards to a sink, in corpus order.
///
/// # Errors
/// When the shards are not all those of one run over this corpus, or something cannot be read or written.
pub fn merge(
    shards: &[Shard],
    corpus: &Corpus,
    options: &Options,
    sink: &mut dyn Sink,
) -> Result<Summary, MergeError> {
    check_complete(shards)?;
    let found = fingerprint::hex(&corpus.generation());
    let wanted = shards[0].info.generation.clone();
    if found != wanted {
        return Err(MergeError::Corpus { found, wanted });
    }
    let mut summary = Summary::default();
    let mut heads = Vec::with_capacity(shards.len());
    for shard in shards {
        let mut lines = shard.lines()?;
        heads.push((lines.next(shard)?, lines));
    }
    for index in 0..corpus.len() as u32 {
        let id = SpecId(index);
        let at = heads.iter().position(|(head, _)| head.as_ref().is_some_and(|(rank, _)| *rank == id));
        let Some(at) = at else {
            return Err(shards[0].refuse(format!("no shard has an outcome for record {index}")));
        };
        let (head, lines) = &mut heads[at];
        let record = corpus.record(id);
        if let Some((_, stored)) = std::mem::replace(head, lines.next(&shards[at])?) {
            let (outcome, _) = stored.into_outcome(id, options.heldout_key(&record));
            summary.n_specs += 1;
            summary.by_status[outcome.status as usize] += 1;
            sink.accept(record, &outcome, None).map_err(MergeError::Sink)?;
        }
    }
    Ok(summary)
}
