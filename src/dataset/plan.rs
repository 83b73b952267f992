//! The whole way: read a run, run it again, choose, and write.

use super::card::{self, SPLITS};
use super::files::{self, Compression, File, Format};
use super::problem::{Kept, Problem};
use super::project::{self, Backed, Provenance, Tools, Wanted};
use super::quality::{self, Others, Removed, Settings};
use super::record::{Config, Fields};
use crate::arena::{Pool, Reuse};
use crate::corpus::{Corpus, CorpusError};
use crate::durable;
use crate::model::{OutcomeLine, SpecId, Status};
use crate::pipeline::{store, uses};
use crate::spec::{self, SourceError};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Counts up whenever the same run gives other records.
pub const DATASET_VERSION: u32 = 3;

/// Problems of one job.
const CHUNK: usize = 64;

/// Problems whose records are in memory at once.
const PORTION: usize = 4_096;

/// Records between two looks at how large a file has become.
const ROWS: usize = 2_048;

/// Problems of a segment, where nobody says otherwise.
pub const SEGMENT: usize = 100_000;

/// Bytes of a file after which the next one is begun, where nobody says otherwise.
pub const FILE_BYTES: u64 = 500_000_000;

/// How far the work is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Something begins of which there are so many pieces.
    Begins(&'static str, u64),
    /// So many more pieces are done.
    Done(u64),
}

/// Who is told how far the work is.
pub type Tell<'t> = &'t (dyn Fn(Progress) + Sync);

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that `wordmill run` wrote.
    pub from: PathBuf,
    /// Where everything goes.
    pub out: PathBuf,
    /// The configurations that are wanted.
    pub configs: Vec<&'static Config>,
    /// Configurations that are made of so many problems only.
    pub limits: Vec<(&'static Config, usize)>,
    /// The formats that are wanted.
    pub formats: Vec<Format>,
    /// How lines of JSON are packed.
    pub compression: Compression,
    /// Which problems are kept.
    pub quality: Settings,
    /// Specifications and texts that the data must not contain.
    pub decontaminate: Vec<PathBuf>,
    /// The licence of the records.
    pub license: String,
    /// Most problems whose files are made together; that much is begun again after a stop.
    pub segment: usize,
    /// Most bytes of a file, or little more.
    pub file_bytes: u64,
    /// Which part of how many.
    pub shard: (u32, u32),
    /// Threads; 0 for one per core.
    pub jobs: usize,
    /// The seed of the run, where it is known.
    pub run_seed: u64,
}

impl Options {
    /// The command that makes the same.
    pub fn command(&self) -> String {
        let quality = &self.quality;
        let mut text = format!("wordmill dataset --from {} --seed {}", self.from.display(), quality.seed);
        let names = |names: Vec<&str>| names.join(",");
        text += &format!(" --configs {}", names(self.configs.iter().map(|config| config.name).collect()));
        text += &format!(" --format {}", names(self.formats.iter().map(|format| format.name()).collect()));
        match self.compression {
            Compression::None => {}
            Compression::Gzip => text += " --compress gzip",
            Compression::Zstd => text += " --compress zstd",
        }
        let (low, high) = quality.bands;
        text += &format!(" --difficulty {}-{}", low * 20 + 1, high * 20 + 20);
        text +=
            &format!(" --prompt-chars {} --code-chars {}", quality.prompt_chars_max, quality.code_chars_max);
        let limits = [
            ("--limit", quality.limit),
            ("--per-difficulty", quality.per_difficulty_max),
            ("--per-strategy", quality.per_strategy_max),
        ];
        for (flag, limit) in limits {
            if let Some(limit) = limit {
                text += &format!(" {flag} {limit}");
            }
        }
        for (config, limit) in &self.limits {
            text += &format!(" --limit-of {}={limit}", config.name);
        }
        for path in &self.decontaminate {
            text += &format!(" --decontaminate {}", path.display());
        }
        if self.segment != SEGMENT {
            text += &format!(" --segment {}", self.segment);
        }
        if self.file_bytes != FILE_BYTES {
            text += &format!(" --file-mb {}", self.file_bytes / 1_000_000);
        }
        text + &format!(" --license {} --out DIR", self.license)
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Verified outcomes that were read.
    pub verified: usize,
    /// Problems of the data set, of all shards.
    pub problems: usize,
    /// Problems left out, by reason.
    pub removed: BTreeMap<&'static str, usize>,
    /// The files of this shard.
    pub files: Vec<File>,
    /// A signal ended it early.
    pub interrupted: bool,
}

/// Why it failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no run in the folder.
    #[error("{} is not what `wordmill run` writes: {why}", folder.display())]
    NoRun {
        /// The folder.
        folder: PathBuf,
        /// What is missing.
        why: String,
    },
    /// The archive of the run cannot be opened.
    #[error("cannot open the archive of the run")]
    Corpus(#[from] CorpusError),
    /// A file to keep apart from cannot be read.
    #[error("cannot read what to keep apart from")]
    Others(#[from] SourceError),
    /// Neither specifications nor texts are in a file to keep apart from.
    #[error(
        "{} holds neither specifications nor JSON with texts to keep apart from: a text is read from .txt and .md",
        path.display()
    )]
    NothingToAvoid {
        /// Which file.
        path: PathBuf,
    },
    /// The folder has something else in it.
    #[error("{} holds a data set of another run or other settings: name another folder, or remove it", .0.display())]
    OtherSettings(PathBuf),
    /// No problem is left.
    #[error("no problem is left: {0}")]
    Nothing(String),
    /// The threads could not be started.
    #[error("cannot start the threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::File { action, path, source }
}

impl Reuse for Tools {
    fn recycle(&mut self) {}
}

/// Builds the data set of a run. What is there already from the same command is not made again.
///
/// # Errors
/// When the run cannot be read, nothing is left, or something cannot be written.
pub fn build(options: &Options, stop: &AtomicBool, tell: Tell<'_>) -> Result<Report, Error> {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(options.jobs).build()?;
    let tools = Pool::new(Tools::new);
    let (problems, unverified, inputs) = threads.install(|| read(options, &tools, tell))?;
    let mut report = Report { verified: problems.len() + unverified.len(), ..Report::default() };
    let others = others(&options.decontaminate)?;
    let (problems, mut removed) = threads.install(|| quality::select(problems, &others, &options.quality));
    removed.extend(unverified);
    removed.sort_by(|a, b| (a.reason, &a.problem_id).cmp(&(b.reason, &b.problem_id)));
    report.problems = problems.len();
    removed.iter().for_each(|removed| *report.removed.entry(removed.reason).or_default() += 1);
    if problems.is_empty() {
        let reasons: Vec<String> = report.removed.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        return Err(Error::Nothing(match reasons.is_empty() {
            true => "the run verified nothing; report.md beside its outcomes says why".to_owned(),
            false => format!("left out are {}", reasons.join(", ")),
        }));
    }
    note_settings(options, &inputs)?;
    let provenance = Provenance {
        seed: options.run_seed as i64,
        license: options.license.clone(),
        dataset_seed: options.quality.seed,
    };
    let (index, of) = options.shard;
    let size = problems.len().div_ceil(of as usize).min(options.segment).max(1);
    let mine: Vec<(usize, &[Problem])> =
        problems.chunks(size).enumerate().filter(|(segment, _)| *segment as u32 % of == index).collect();
    let ranks = quality::ranks(&problems, options.quality.seed, options.limits.len());
    let maker = Maker { options, threads: &threads, tools: &tools, provenance: &provenance, tell };
    tell(Progress::Begins("writing", mine.iter().map(|(_, problems)| problems.len() as u64).sum()));
    for (number, problems) in &mine {
        let ranks = ranks.get(number * size..).unwrap_or(&[]);
        let segment = Segment { number: *number, problems, ranks };
        match maker.make(&segment, stop)? {
            Some(files) => report.files.extend(files),
            None => return Ok(Report { interrupted: true, ..report }),
        }
    }
    report.files.sort_by(|a, b| a.path.cmp(&b.path));
    let mine: Vec<&Problem> = mine.iter().flat_map(|(_, problems)| *problems).collect();
    write_about(options, &mine, &removed, &inputs, &report)?;
    Ok(report)
}

/// The verified outcomes of the run with their specifications; those whose code does not pass here and now what is held
/// out; and the hashes of what was read.
fn read(
    options: &Options,
    tools: &Pool<Tools>,
    tell: Tell<'_>,
) -> Result<(Vec<Problem>, Vec<Removed>, serde_json::Value), Error> {
    let no_run = |why: String| Error::NoRun { folder: options.from.clone(), why };
    let path = options.from.join("outcomes.jsonl");
    let text = std::fs::read(&path).map_err(|error| no_run(format!("{}: {error}", path.display())))?;
    let archive = options.from.join(".cache/corpus");
    if !Corpus::is_corpus_dir(&archive) {
        return Err(no_run(format!("{} is not there", archive.display())));
    }
    let corpus = Corpus::open(&archive)?;
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    if lines.len() != corpus.len() {
        return Err(no_run(format!(
            "outcomes.jsonl has {} lines and the archive {} specifications; run it again to its end",
            lines.len(),
            corpus.len()
        )));
    }
    let parse = |at: usize| -> Result<OutcomeLine<'_>, Error> {
        serde_json::from_slice(lines[at])
            .map_err(|error| no_run(format!("line {} of outcomes.jsonl: {error}", at + 1)))
    };
    let kept = kept(&options.from.join(".cache/outcomes"));
    let nothing = Kept::default();
    let problem = |tools: &mut Tools, at: usize| -> Result<Option<(Problem, bool)>, Error> {
        let outcome = parse(at)?;
        let record = corpus.record(SpecId(at as u32));
        if outcome.word.as_deref() != record.word() {
            return Err(no_run(format!(
                "line {} of outcomes.jsonl is of another word than the archive",
                at + 1
            )));
        }
        let mut prelude = String::new();
        if record.has_uses() && outcome.status == Status::Verified {
            let Ok(closure) = uses::closure(&corpus, record.id()) else { return Ok(None) };
            for used in closure.order {
                let Some(code) = parse(used.index())?.code else { return Ok(None) };
                prelude.push_str(&code);
                prelude.push('\n');
            }
        }
        let kept = outcome.code.as_deref().and_then(|code| kept.get(&key(record.content_hash(), code)));
        let problem = Problem::new(&record, &outcome, &prelude, kept.unwrap_or(&nothing));
        Ok(problem.map(|problem| {
            // What the records carry must be readable, and say the same.
            let is_readable =
                spec::parse_spec_line(problem.spec_line.as_bytes(), "problem", 1).spec.is_some();
            let passes = is_readable && problem.passes_heldout(tools.engine(), &record);
            (problem, passes)
        }))
    };
    tell(Progress::Begins("reading", lines.len() as u64));
    type Part = Result<Vec<(Problem, bool)>, Error>;
    let parts: Vec<Part> = (0..lines.len().div_ceil(CHUNK))
        .into_par_iter()
        .map(|part| {
            let mut tools = tools.lend();
            let range = part * CHUNK..lines.len().min((part + 1) * CHUNK);
            tell(Progress::Done(range.len() as u64));
            range.filter_map(|at| problem(&mut tools, at).transpose()).collect()
        })
        .collect();
    let (mut problems, mut removed) = (Vec::with_capacity(lines.len()), Vec::new());
    for part in parts {
        for (problem, passes) in part? {
            if passes {
                problems.push(problem);
                continue;
            }
            removed.push(Removed {
                problem_id: problem.id.clone(),
                word: problem.word().to_owned(),
                reason: "cannot be checked again",
                because_of: String::new(),
            });
        }
    }
    let inputs = serde_json::json!({
        "outcomes": blake3::hash(&text).to_hex().to_string(),
        "corpus": crate::pipeline::fingerprint::hex(&corpus.generation()),
        "kept": hash_of(&kept),
    });
    Ok((problems, removed, inputs))
}

/// A specification with one code, as a key.
fn key(content_hash: &[u8; 32], code: &str) -> u64 {
    let content = u64::from_le_bytes(content_hash[..8].try_into().expect("8 bytes"));
    content ^ super::minhash::hash(code.as_bytes())
}

/// What the store of the run kept beside the winners: by specification and winner, the programs in an order that depends on
/// nothing but them. Without a store there is nothing.
fn kept(folder: &Path) -> FxHashMap<u64, Kept> {
    let mut found: FxHashMap<u64, Vec<(u32, String)>> = FxHashMap::default();
    let mut kept: FxHashMap<u64, Kept> = FxHashMap::default();
    store::each(folder, &mut |stored| {
        let (Some(content), Some(code), Some(detail)) = (stored.spec(), stored.code(), stored.detail())
        else {
            return;
        };
        let key = key(&content, code);
        if !detail.solutions.is_empty() {
            let solutions = detail.solutions.iter().map(|solution| solution.code.clone());
            kept.entry(key).or_default().solutions.extend(solutions);
        }
        if !detail.near_misses.is_empty() {
            let misses =
                detail.near_misses.iter().map(|miss| (u32::MAX - miss.tests_passed, miss.code.clone()));
            found.entry(key).or_default().extend(misses);
        }
    });
    for (key, mut misses) in found {
        misses.sort();
        misses.dedup();
        kept.entry(key).or_default().misses = misses.into_iter().map(|(_, code)| code).collect();
    }
    for kept in kept.values_mut() {
        kept.solutions.sort();
        kept.solutions.dedup();
    }
    kept
}

/// The hash of what the store kept.
fn hash_of(kept: &FxHashMap<u64, Kept>) -> String {
    let mut keys: Vec<u64> = kept.keys().copied().collect();
    keys.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for key in keys {
        hasher.update(&key.to_le_bytes());
        hasher.update(format!("{:?}", kept[&key]).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// What the data must be kept apart from.
fn others(paths: &[PathBuf]) -> Result<Others, Error> {
    let mut others = Others::default();
    let (texts, specs): (Vec<&PathBuf>, Vec<&PathBuf>) =
        paths.iter().partition(|path| path.extension().is_some_and(|end| end == "txt" || end == "md"));
    for path in texts {
        let text = std::fs::read(path).map_err(failed("read", path))?;
        others.add_text(&path.display().to_string(), &String::from_utf8_lossy(&text));
    }
    let specs: Vec<PathBuf> = specs.into_iter().cloned().collect();
    for file in spec::find_sources(&specs)?.files {
        let (mut n_specs, mut n_others) = (0, 0);
        spec::read_entries(&file, &mut |entry| match entry.spec {
            Some(found) => {
                n_specs += 1;
                others.add_spec(&format!("{}:{}", file.name, entry.place.line), found);
            }
            None => n_others += 1,
        })?;
        if n_others > 0 || n_specs == 0 {
            // Records of another data set: all their texts count.
            let n_texts = add_texts(&mut others, &file)?;
            if n_texts == 0 && n_specs == 0 {
                return Err(Error::NothingToAvoid { path: file.path.clone() });
            }
        }
    }
    Ok(others)
}

/// Adds all texts in the JSON of a file, whatever its shape; gives how many there were.
fn add_texts(others: &mut Others, file: &spec::SourceFile) -> Result<usize, Error> {
    let path = &file.path;
    let mut text = Vec::new();
    let source = std::fs::File::open(path).map_err(failed("read", path))?;
    let read = match file.kind.is_gzip {
        true => flate2::read::MultiGzDecoder::new(source).read_to_end(&mut text),
        false => std::io::BufReader::new(source).read_to_end(&mut text),
    };
    read.map_err(failed("read", path))?;
    fn texts(value: &serde_json::Value, take: &mut dyn FnMut(&str)) {
        match value {
            serde_json::Value::String(text) => take(text),
            serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, take)),
            serde_json::Value::Object(items) => items.values().for_each(|item| texts(item, take)),
            _ => {}
        }
    }
    let mut n_texts = 0;
    let values = serde_json::Deserializer::from_slice(&text).into_iter::<serde_json::Value>();
    for (at, value) in values.map_while(Result::ok).enumerate() {
        let place = format!("{}, record {}", file.name, at + 1);
        texts(&value, &mut |text| {
            n_texts += 1;
            others.add_text(&place, text);
            others.add_code(&place, text);
        });
    }
    Ok(n_texts)
}

/// A row of problems whose files are made together, and together are there or not.
struct Segment<'p> {
    number: usize,
    problems: &'p [Problem],
    ranks: &'p [u32],
}

/// What files are made with.
struct Maker<'m> {
    options: &'m Options,
    threads: &'m rayon::ThreadPool,
    tools: &'m Pool<Tools>,
    provenance: &'m Provenance,
    tell: Tell<'m>,
}

impl Maker<'_> {
    /// All files of a segment; nothing where `stop` came between.
    fn make(&self, segment: &Segment<'_>, stop: &AtomicBool) -> Result<Option<Vec<File>>, Error> {
        let options = self.options;
        let note = options.out.join(format!(".segments/{:05}.json", segment.number));
        if let Some(files) = noted(&note, &options.out) {
            // It was written when all files of the segment were whole.
            (self.tell)(Progress::Done(segment.problems.len() as u64));
            return Ok(Some(files));
        }
        for format in &options.formats {
            for config in &options.configs {
                // A kill leaves files behind that never got their name.
                let folder = options.out.join(format.name()).join(config.name);
                if folder.is_dir() {
                    durable::sweep(&folder).map_err(failed("tidy", &folder))?;
                }
            }
        }
        let tables = options.configs.iter().map(|config| Table::new(options, config, segment.number));
        let mut tables: Vec<Table<'_>> = tables.collect();
        for (problems, from) in segment.problems.chunks(PORTION).zip((0..).step_by(PORTION)) {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let ranks = segment.ranks.get(from..).unwrap_or(&[]);
            self.threads.install(|| self.add(&mut tables, problems, ranks))?;
            (self.tell)(Progress::Done(problems.len() as u64));
        }
        let done: Vec<Vec<File>> =
            self.threads.install(|| tables.into_par_iter().map(Table::finish).collect::<Result<_, _>>())?;
        let done = done.concat();
        write_text(&note, &(serde_json::to_string(&done).expect("a list of files is JSON") + "\n"))?;
        Ok(Some(done))
    }

    /// Adds the records of some problems to all tables.
    fn add(&self, tables: &mut [Table<'_>], problems: &[Problem], ranks: &[u32]) -> Result<(), Error> {
        let wanted = Wanted::by(&self.options.configs);
        let back = |problem| project::back(&mut self.tools.lend(), problem, self.provenance, wanted);
        let backed: Vec<Option<Backed<'_>>> = problems.par_iter().with_min_len(CHUNK).map(back).collect();
        tables.par_iter_mut().try_for_each(|table| {
            let config = table.config;
            let limit = self.options.limits.iter().find(|(limited, _)| limited.name == config.name);
            let is_within = |at: usize| limit.is_none_or(|(_, limit)| (ranks[at] as usize) < *limit);
            let rows: Vec<Vec<Fields<'_>>> = backed
                .par_iter()
                .enumerate()
                .with_min_len(CHUNK)
                .map(|(at, backed)| match backed {
                    Some(backed) if is_within(at) => project::records(config, backed, self.provenance),
                    _ => Vec::new(),
                })
                .collect();
            for (split, files) in (0u8..).zip(&mut table.files) {
                let of_split = problems.iter().zip(&rows).filter(|(problem, _)| problem.split == split);
                let rows: Vec<&Fields<'_>> = of_split.flat_map(|(_, rows)| rows).collect();
                if !rows.is_empty() {
                    files
                        .iter_mut()
                        .try_for_each(|file| rows.chunks(ROWS).try_for_each(|rows| file.add(rows)))?;
                }
            }
            Ok(())
        })
    }
}

/// The files of a configuration in a segment: for each split one of each format.
struct Table<'o> {
    config: &'static Config,
    files: [Vec<Files<'o>>; 3],
}

/// Files of one configuration, split and format in a segment: one, or more where it becomes too large.
struct Files<'o> {
    options: &'o Options,
    config: &'static Config,
    split: &'static str,
    format: Format,
    segment: usize,
    open: Option<(String, files::Writer)>,
    done: Vec<File>,
}

impl<'o> Table<'o> {
    fn new(options: &'o Options, config: &'static Config, segment: usize) -> Self {
        let files = SPLITS.map(|split| {
            let of = |format: &Format| Files {
                options,
                config,
                split,
                format: *format,
                segment,
                open: None,
                done: Vec::new(),
            };
            options.formats.iter().map(of).collect()
        });
        Self { config, files }
    }

    fn finish(self) -> Result<Vec<File>, Error> {
        let mut done = Vec::new();
        for mut files in self.files.into_iter().flatten() {
            files.end()?;
            done.extend(files.done);
        }
        Ok(done)
    }
}

impl Files<'_> {
    fn add(&mut self, rows: &[&Fields<'_>]) -> Result<(), Error> {
        let (path, writer) = match &mut self.open {
            Some(open) => open,
            None => {
                let end = self.format.extension(self.options.compression);
                // Segments are numbered in hundreds, so that names sort as records come.
                let number = self.segment * 100 + self.done.len();
                let path =
                    format!("{}/{}/{}-{number:05}.{end}", self.format.name(), self.config.name, self.split);
                let at = self.options.out.join(&path);
                let folder = at.parent().expect("it stands in a folder");
                std::fs::create_dir_all(folder).map_err(failed("make", folder))?;
                let writer = files::Writer::create(self.config, self.format, self.options.compression, &at);
                self.open.insert((path, writer.map_err(failed("make", &at))?))
            }
        };
        writer.add(rows).map_err(failed("write", &self.options.out.join(&*path)))?;
        if writer.bytes() >= self.options.file_bytes { self.end() } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), Error> {
        let Some((path, writer)) = self.open.take() else { return Ok(()) };
        let (rows, bytes, blake3) =
            writer.finish().map_err(failed("write", &self.options.out.join(&path)))?;
        self.done.push(File {
            path,
            config: self.config.name.to_owned(),
            split: self.split.to_owned(),
            format: self.format.name().to_owned(),
            rows,
            bytes,
            blake3,
        });
        Ok(())
    }
}

/// The files of a segment that is done, if they are all as they were noted.
fn noted(note: &Path, out: &Path) -> Option<Vec<File>> {
    let files: Vec<File> = serde_json::from_slice(&std::fs::read(note).ok()?).ok()?;
    let whole = |file: &File| {
        std::fs::read(out.join(&file.path))
            .is_ok_and(|bytes| blake3::hash(&bytes).to_hex().as_str() == file.blake3)
    };
    files.iter().all(whole).then_some(files)
}

fn write_text(path: &Path, text: &str) -> Result<(), Error> {
    let folder = path.parent().expect("it stands in a folder");
    std::fs::create_dir_all(folder).map_err(failed("make", folder))?;
    durable::write(path, text.as_bytes()).map_err(failed("write", path))
}

/// Notes what the files depend on, so that files of others are never taken for ours.
fn note_settings(options: &Options, inputs: &serde_json::Value) -> Result<(), Error> {
    let path = options.out.join(".segments/settings.json");
    let (index, of) = options.shard;
    let settings = serde_json::json!({
        "version": DATASET_VERSION, "engine": crate::forth::ENGINE_VERSION, "command": options.command(),
        "inputs": inputs, "shard": format!("{index}/{of}"),
    });
    let text = format!("{settings}\n");
    match std::fs::read(&path) {
        Ok(there) if there == text.as_bytes() => Ok(()),
        Ok(_) => Err(Error::OtherSettings(options.out.clone())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => write_text(&path, &text),
        Err(error) => Err(failed("read", &path)(error)),
    }
}

/// Cards, manifest, what was removed, statistics.
fn write_about(
    options: &Options,
    problems: &[&Problem],
    removed: &[Removed],
    inputs: &serde_json::Value,
    report: &Report,
) -> Result<(), Error> {
    for format in &options.formats {
        let card = card::readme(options, *format, &report.files, problems.len(), removed.len());
        write_text(&options.out.join(format.name()).join("README.md"), &card)?;
    }
    let lines: String =
        removed.iter().map(|removed| serde_json::to_string(removed).expect("plain texts") + "\n").collect();
    write_text(&options.out.join("removed.jsonl"), &lines)?;
    write_text(
        &options.out.join("statistics.html"),
        &card::statistics(problems, &report.files, &report.removed),
    )?;
    let (index, of) = options.shard;
    let manifest = serde_json::json!({
        "tool": format!("wordmill {}", env!("CARGO_PKG_VERSION")), "command": options.command(),
        "shard": format!("{index}/{of}"), "inputs": inputs,
        "verified": report.verified, "problems": report.problems, "removed": report.removed, "files": report.files,
    });
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest is JSON") + "\n";
    write_text(&options.out.join("manifest.json"), &text)
}
