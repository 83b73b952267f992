//! What `run`, `shard` and `merge` have in common: their flags, the corpus that they work on, the options that the rooms
//! take, and the sink that feeds the report.

use super::args::Flags;
use super::context::Context;
use super::progress::Progress;
use super::signals::Signals;
use super::{archive, commands, text};
use crate::config::{Key, Layer, Settings, Value};
use crate::corpus::{BuildOptions, Corpus, Record};
use crate::forth::Limits;
use crate::model::{Outcome, SpecId};
use crate::pipeline::shard::ShardInfo;
use crate::pipeline::{self, Heldout, Options, Store};
use crate::profile::{self, Stage};
use crate::report::{Report, ReportOptions, Row};
use crate::spec::{SourceFile, SourceSet, find_sources};
use crate::synth::Round;
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The flags of a search.
#[derive(clap::Args, Debug)]
pub struct SearchArgs {
    /// Files and folders of specifications, or one archive; without any, `run.paths` of the settings
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Where the results go
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Score the solutions on the cases in this file, instead of those in X.heldout.jsonl beside each X.jsonl
    #[arg(long, value_name = "PATH")]
    heldout: Vec<PathBuf>,
    /// Threads; 0 for one per core
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=4096))]
    jobs: Option<u64>,
    /// MiB that the searches may hold together; where they could need more, fewer run at once [default: 2048]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(256..=1 << 24))]
    memory_mib: Option<u64>,
    /// Candidates to try for each specification
    #[arg(long, value_name = "N")]
    budget: Option<u64>,
    /// Seed of the random samples
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Find everything out again, and remember nothing
    #[arg(long)]
    no_cache: bool,
    /// Make held-out cases into tests
    #[arg(long)]
    merge_heldout: bool,
    /// Leave supplied code and named patterns aside
    #[arg(long)]
    ignore_given: bool,
    /// Compose over the verified words of this library
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// Also read templates from this folder or file
    #[arg(long, value_name = "PATH")]
    templates: Vec<PathBuf>,
}

impl SearchArgs {
    /// Whether `--out` names a folder.
    pub fn names_out(&self) -> bool {
        self.out.is_some()
    }

    /// What the flags say about settings.
    pub fn layer(&self) -> Layer {
        let mut flags = Flags::default();
        flags.paths(Key::RunPaths, "PATH", &self.paths);
        flags.path(Key::RunOut, "--out", self.out.as_deref());
        flags.paths(Key::RunHeldout, "--heldout", &self.heldout);
        flags.set(Key::RunJobs, "--jobs", self.jobs.map(Value::Number));
        flags.set(Key::RunMemory, "--memory-mib", self.memory_mib.map(Value::Number));
        flags.set(Key::RunBudget, "--budget", self.budget.map(Value::Number));
        flags.set(Key::RunSeed, "--seed", self.seed.map(Value::Number));
        flags.set(Key::RunCache, "--no-cache", self.no_cache.then_some(Value::Bool(false)));
        flags.set(Key::RunMergeHeldout, "--merge-heldout", self.merge_heldout.then_some(Value::Bool(true)));
        flags.set(Key::RunIgnoreGiven, "--ignore-given", self.ignore_given.then_some(Value::Bool(true)));
        flags.path(Key::SearchLibrary, "--library", self.library.as_deref());
        flags.paths(Key::TemplatesPaths, "--templates", &self.templates);
        flags.0
    }
}

/// The options of the rooms, from the settings.
pub fn options(settings: &Settings, library: Arc<crate::template::Library>) -> Options {
    let mut options = Options::new(library);
    let small = |key| u32::try_from(settings.number(key)).unwrap_or(u32::MAX);
    options.jobs = settings.number(Key::RunJobs) as usize;
    options.memory_max = settings.number(Key::RunMemory) << 20;
    options.merge_heldout = settings.bool(Key::RunMergeHeldout);
    options.limits = limits(settings);
    options.synth.candidates_max = settings.number(Key::RunBudget);
    options.synth.length_max = settings.number(Key::SearchLengthMax) as usize;
    options.synth.search_fuel = settings.number(Key::SearchFuel);
    options.synth.ignore_given = settings.bool(Key::RunIgnoreGiven);
    options.validate.seed = settings.number(Key::RunSeed);
    options.validate.samples = small(Key::RunSamples);
    options
}

/// The bounds of the engine, from the settings.
pub fn limits(settings: &Settings) -> Limits {
    let small = |key| u32::try_from(settings.number(key)).unwrap_or(u32::MAX);
    Limits {
        fuel: settings.number(Key::EngineFuel),
        stack_cells: small(Key::EngineStackCells),
        return_cells: small(Key::EngineReturnCells),
        memory_bytes: small(Key::EngineMemoryBytes),
        output_bytes: small(Key::EngineOutputBytes),
        ..Limits::default()
    }
}

/// The settings that outcomes depend on, by name, for the report.
pub fn settings_told(settings: &Settings) -> serde_json::Map<String, serde_json::Value> {
    const KEYS: [Key; 11] = [
        Key::RunBudget,
        Key::RunSamples,
        Key::RunMergeHeldout,
        Key::RunIgnoreGiven,
        Key::SearchLengthMax,
        Key::SearchFuel,
        Key::EngineFuel,
        Key::EngineStackCells,
        Key::EngineReturnCells,
        Key::EngineMemoryBytes,
        Key::EngineOutputBytes,
    ];
    let told = settings.iter().filter(|(setting, ..)| KEYS.contains(&setting.key));
    told.map(|(setting, value, _)| (setting.name.to_owned(), value.to_json())).collect()
}

/// All that a search works on.
pub struct Job {
    /// The specifications.
    pub corpus: Corpus,
    /// How to search.
    pub options: Options,
}

/// Held-out records that are told to be of no use.
const HELDOUT_TOLD_MAX: usize = 20;

/// Gets everything ready: templates, archive, held-out cases. `None` when a signal came first.
pub fn prepare(
    cache: &Path,
    context: &Context,
    signals: &Signals,
    progress: &Progress,
) -> anyhow::Result<Option<Job>> {
    let settings = &context.settings;
    let mut options = options(settings, commands::templates::library(context)?);
    options.frozen = commands::library::frozen(settings)?;
    start_threads(options.jobs);
    let heldout = settings.paths(Key::RunHeldout);
    if !heldout.is_empty() {
        let sources = heldout_sources(&heldout)?;
        let build = BuildOptions::default();
        let dir = cache.join("heldout");
        let Some(report) = archive::update(&dir, &sources, &build, signals, progress, context)? else {
            return Ok(None);
        };
        let refused: Vec<_> = report.corpus.records().filter(|record| !record.is_valid()).collect();
        for record in refused.iter().take(HELDOUT_TOLD_MAX) {
            record.diagnostics().iter().for_each(|diagnostic| context.complain(diagnostic));
        }
        if refused.len() == report.corpus.len() {
            bail!(
                "no held-out case can be used: a line is a specification {{\"word\": …, \"stack_effect\": …, \"test_cases\": […]}}"
            );
        }
        options.heldout = Some(Arc::new(Heldout::new(report.corpus)));
    }
    let Some(corpus) = corpus(cache, context, signals, progress)? else { return Ok(None) };
    options.note_used(&corpus);
    Ok(Some(Job { corpus, options }))
}

/// The pool for reading; the search has its own of the same size.
fn start_threads(jobs: usize) {
    // Only the first start of a process counts.
    let _ = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .thread_name(|at| format!("reader-{at}"))
        .build_global();
}

/// The archive that the paths name, or the one that is built from them.
fn corpus(
    cache: &Path,
    context: &Context,
    signals: &Signals,
    progress: &Progress,
) -> anyhow::Result<Option<Corpus>> {
    let paths = context.settings.paths(Key::RunPaths);
    if let [path] = paths.as_slice()
        && Corpus::is_corpus_dir(path)
    {
        return archive::open(path, context).map(Some);
    }
    if let Some(path) = paths.iter().find(|path| Corpus::is_corpus_dir(path)) {
        bail!("{} is an archive: it must be the only path", path.display());
    }
    if paths.is_empty() {
        bail!("nothing to do: name files or folders of specifications, or set `run.paths` in config.toml");
    }
    let mut sources = find_sources(&paths)?;
    leave_out_results(&mut sources, &out(&context.settings));
    let build = BuildOptions::default();
    let report = archive::update(&cache.join("corpus"), &sources, &build, signals, progress, context)?;
    Ok(report.map(|report| report.corpus))
}

/// Leaves out what a run wrote itself: its results may lie inside the folder that it reads.
pub fn leave_out_results(sources: &mut SourceSet, out: &Path) {
    let Ok(out) = out.canonicalize() else { return };
    let written = |file: &SourceFile| {
        let is_result = |name: &str| matches!(name, "outcomes.jsonl" | "report.json");
        file.path.canonicalize().is_ok_and(|path| match path.strip_prefix(&out) {
            Ok(inside) if inside.components().count() > 1 => {
                inside.starts_with(".cache") || inside.starts_with("code")
            }
            Ok(inside) => inside.to_str().is_some_and(is_result),
            Err(_) => false,
        })
    };
    sources.files.retain(|file| !written(file));
}

/// Files of held-out cases. In a folder, every specification file counts.
pub fn heldout_sources(paths: &[PathBuf]) -> anyhow::Result<SourceSet> {
    let mut all = SourceSet::default();
    for path in paths {
        if path.is_dir() {
            let found = find_sources(std::slice::from_ref(path))?;
            all.files.extend(found.files);
            all.diagnostics.extend(found.diagnostics);
        } else {
            all.files.push(SourceFile::at(path)?);
        }
    }
    Ok(all)
}

/// The hash of everything that the files of a run depend on.
pub fn fingerprint(corpus: &Corpus, options: &Options) -> String {
    let heldout = options.heldout.as_ref().map(|heldout| text::hex(&heldout.hash())).unwrap_or_default();
    fingerprint_of([&text::hex(&corpus.generation()), &text::hex(&options.hash()), &heldout])
}

/// The same for the run that shards are parts of.
pub fn fingerprint_of_shards(info: &ShardInfo) -> String {
    fingerprint_of([&info.generation, &info.settings, &info.heldout])
}

fn fingerprint_of(parts: [&str; 3]) -> String {
    let text = format!("wordmill {} run {}", env!("CARGO_PKG_VERSION"), parts.join(" "));
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// How the report is begun.
pub fn report_options(settings: &Settings, out: &Path, fingerprint: String) -> ReportOptions {
    ReportOptions {
        out: out.to_owned(),
        tool: format!("wordmill {}", env!("CARGO_PKG_VERSION")),
        seed: settings.number(Key::RunSeed),
        settings: settings_told(settings),
        fingerprint,
    }
}

/// Feeds the report.
pub struct ReportSink {
    /// The report.
    pub report: Report,
}

impl pipeline::Sink for ReportSink {
    fn accept(
        &mut self,
        record: Record<'_>,
        outcome: &Outcome,
        elapsed: Option<Duration>,
    ) -> std::io::Result<()> {
        let row = Row::from_record(record).timed(elapsed);
        self.report.accept(&row, outcome).map_err(std::io::Error::other)
    }
}

/// Tells the display how far the pipeline is.
pub struct PipelineProgress<'p>(pub &'p Progress);

impl pipeline::Progress for PipelineProgress<'_> {
    fn begin(&self, n_specs: usize) {
        self.0.begin("solving", n_specs as u64);
    }

    fn round(&self, round: Round, n_specs: usize) {
        self.0.round(round.number(), Round::COUNT, n_specs as u64);
    }

    fn advance(&self, n_specs: usize) {
        self.0.advance(n_specs as u64);
    }

    fn settled(&self, n_specs: usize, n_verified: usize) {
        self.0.settled(n_specs as u64, n_verified as u64);
    }
}

/// All records of a corpus.
pub fn everything(corpus: &Corpus) -> Vec<SpecId> {
    (0..corpus.len() as u32).map(SpecId).collect()
}

/// Where the results go.
pub fn out(settings: &Settings) -> PathBuf {
    PathBuf::from(settings.text(Key::RunOut))
}

/// Where a shard goes: the folder that was named, else one of its own below `run.out`.
pub fn shard_folder(settings: &Settings, is_named: bool, index: u32, of: u32) -> PathBuf {
    let out = out(settings);
    if is_named { out } else { out.join(format!("shard-{index}-of-{of}")) }
}

/// Opens the outcome store in the folder of what is remembered.
pub fn open_store(cache: &Path) -> anyhow::Result<Store> {
    let _stage = profile::stage(Stage::Store);
    let folder = cache.join("outcomes");
    let store = std::fs::create_dir_all(&folder).and_then(|()| Store::open(&folder));
    let store = store.with_context(|| format!("cannot open the outcome store {}", folder.display()))?;
    if store.n_broken() > 0 {
        tracing::warn!(
            broken = store.n_broken(),
            "the outcome store is damaged; what is lost is found out again"
        );
    }
    Ok(store)
}

/// The time, as people write it.
pub fn now() -> String {
    jiff::ZonedDateTime::now().strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_settings_are_the_defaults_of_the_rooms() {
        let library = Arc::new(crate::template::Library::load(&[]).expect("the shipped templates"));
        let options = options(&Settings::default(), Arc::clone(&library));
        let defaults = Options::new(library);
        assert_eq!(options.limits, defaults.limits);
        assert_eq!(options.synth, defaults.synth);
        assert_eq!(options.validate, defaults.validate);
        assert_eq!(options.hash(), defaults.hash());
        assert_eq!(options.jobs, defaults.jobs);
    }

    #[test]
    fn every_setting_that_changes_outcomes_is_told() {
        let told = settings_told(&Settings::default());
        assert_eq!(told["run.budget"], 1_000_000);
        assert_eq!(told.len(), 11);
    }
}
