//! `wordmill corpus`: the archive that specifications are packed into.

use crate::cli::args::{Flags, MessageFormat};
use crate::cli::context::{Context, Told};
use crate::cli::message::visible;
use crate::cli::output::{BAD, BOLD, DIM, GOOD};
use crate::cli::progress::Progress;
use crate::cli::signals::Signals;
use crate::cli::{Exit, archive, text};
use crate::config::{Key, Layer};
use crate::corpus::{self, BuildOptions, Corpus, Listed, Record, UpdateReport};
use crate::model::SpecId;
use crate::spec;
use anyhow::bail;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Build and look into the archive that specifications are packed into
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Pack specifications into an archive, or bring one up to date
    ///
    /// Files that did not change are not read again. `wordmill run` does this by itself; an archive built with --to is
    /// a corpus of its own that `wordmill run DIR` takes without the files it was built from.
    ///
    /// Examples:
    ///   wordmill corpus build
    ///   wordmill corpus build specs more/specs.jsonl.gz --to /data/corpus
    #[command(verbatim_doc_comment)]
    Build {
        /// Files and folders; without any, `run.paths` of the settings
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// The folder of the archive; without it, the one that `wordmill run` uses
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Read every file, whatever the archive knows of it
        #[arg(long)]
        reread: bool,
    },
    /// Show the figures of an archive
    ///
    /// Examples:
    ///   wordmill corpus info
    ///   wordmill corpus info /data/corpus --message-format json
    #[command(verbatim_doc_comment)]
    Info {
        /// The archive; without it, the one that `wordmill run` uses
        dir: Option<PathBuf>,
    },
    /// List all records in corpus order
    ///
    /// Examples:
    ///   wordmill corpus ls
    ///   wordmill corpus ls /data/corpus --message-format json
    #[command(verbatim_doc_comment)]
    Ls {
        /// The archive; without it, the one that `wordmill run` uses
        dir: Option<PathBuf>,
    },
    /// Show the records of a word, as JSON that wordmill reads again
    ///
    /// Examples:
    ///   wordmill corpus show gcd
    ///   wordmill corpus show gcd /data/corpus > gcd.json
    #[command(verbatim_doc_comment)]
    Show {
        /// The word
        word: String,
        /// The archive; without it, the one that `wordmill run` uses
        dir: Option<PathBuf>,
    },
    /// Check every byte of an archive: hashes, structure, every record
    ///
    /// Exit code 1 when something is wrong. A broken archive is rebuilt by `wordmill corpus build` or `wordmill run`.
    ///
    /// Examples:
    ///   wordmill corpus verify
    ///   wordmill corpus verify /data/corpus
    #[command(verbatim_doc_comment)]
    Verify {
        /// The archive; without it, the one that `wordmill run` uses
        dir: Option<PathBuf>,
    },
}

impl Args {
    /// What the flags say about settings.
    pub fn layer(&self) -> Layer {
        let mut flags = Flags::default();
        if let Action::Build { paths, .. } = &self.action {
            flags.paths(Key::RunPaths, "PATH", paths);
        }
        flags.0
    }
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let place = |dir: &Option<PathBuf>, context: &Context| {
        dir.clone().unwrap_or_else(|| archive::dir(&context.settings))
    };
    match &args.action {
        Action::Build { to, reread, .. } => build(&place(to, context), *reread, context),
        Action::Info { dir } => info(&archive::open(&place(dir, context), context)?, context),
        Action::Ls { dir } => ls(&archive::open(&place(dir, context), context)?, context),
        Action::Show { word, dir } => show(&archive::open(&place(dir, context), context)?, word, context),
        Action::Verify { dir } => verify(&place(dir, context), context),
    }
}

fn build(dir: &Path, reread: bool, context: &mut Context) -> anyhow::Result<Exit> {
    let paths = context.settings.paths(Key::RunPaths);
    if paths.is_empty() {
        bail!("nothing to pack: name files or folders, or set `run.paths` in config.toml");
    }
    let signals = Signals::catch()?;
    let progress = Progress::start(context.quiet);
    let options = BuildOptions { reread, ..BuildOptions::default() };
    let sources = spec::find_sources(&paths)?;
    let updated = archive::update(dir, &sources, &options, &signals, &progress, context);
    drop(progress);
    match updated? {
        Some(report) => {
            context.note(&told(dir, &report));
            Ok(if report.corpus.is_empty() { Exit::Nothing } else { Exit::Good })
        }
        None => Ok(signals.exit().unwrap_or(Exit::Bad)),
    }
}

fn told(dir: &Path, report: &UpdateReport) -> String {
    let records = text::count(report.corpus.len() as u64, "record");
    let mut told =
        format!("{}: {records}; {} read", dir.display(), text::count(report.n_read as u64, "file"));
    told += &format!(", {} unchanged", report.n_kept);
    if report.n_moved > 0 {
        told += &format!(" ({} renamed)", report.n_moved);
    }
    if report.n_removed > 0 {
        told += &format!(", {} gone", report.n_removed);
    }
    told + &format!("; {} written", text::bytes(report.bytes_written))
}

fn info(corpus: &Corpus, context: &mut Context) -> anyhow::Result<Exit> {
    let info = corpus::info(corpus);
    let out = &mut context.out;
    if context.format == MessageFormat::Json {
        writeln!(out, "{}", serde_json::to_string(&info)?)?;
        return Ok(Exit::Good);
    }
    let mut line = |name: &str, value: String| writeln!(out, "{DIM}{name:<14}{DIM:#} {value}");
    let records = info.records as u64;
    line("generation", info.generation.clone())?;
    line("format", format!("{} (written by wordmill {})", info.format, visible(&info.tool)))?;
    line("records", format!("{} ({} valid)", text::number(records), text::number(info.valid as u64)))?;
    line("duplicates", text::number(info.duplicates as u64))?;
    line("tests", format!("{} and {} held out", text::number(info.tests), text::number(info.heldout_tests)))?;
    line("source files", text::number(info.sources as u64))?;
    let each = info.bytes.checked_div(records).map_or(String::new(), |each| format!(", {each} B a record"));
    line("size", format!("{}{each}", text::bytes(info.bytes)))?;
    for segment in &info.segments {
        let of =
            format!("{} of {} records", text::number(segment.live), text::number(u64::from(segment.records)));
        line("segment", format!("{}: {of}, {}", segment.name, text::bytes(segment.bytes)))?;
    }
    Ok(Exit::Good)
}

fn ls(corpus: &Corpus, context: &mut Context) -> anyhow::Result<Exit> {
    for listed in corpus::ls(corpus) {
        if context.format == MessageFormat::Json {
            writeln!(context.out, "{}", serde_json::to_string(&listed)?)?;
        } else {
            // Streamed, one record a line: a corpus may have millions.
            writeln!(context.out, "{}", line(&listed))?;
        }
    }
    Ok(if corpus.is_empty() { Exit::Nothing } else { Exit::Good })
}

fn line(listed: &Listed<'_>) -> String {
    let word = visible(listed.word.unwrap_or("?"));
    let place = format!("{}:{}", visible(listed.file), listed.line);
    if !listed.valid {
        return format!("{BOLD}{word}{BOLD:#}  {BAD}invalid{BAD:#}  {DIM}{place}{DIM:#}");
    }
    let mut tests = text::count(listed.tests as u64, "test");
    if listed.heldout > 0 {
        tests += &format!(" and {} held out", listed.heldout);
    }
    format!("{BOLD}{word}{BOLD:#}  {}  {tests}  {DIM}{place}{DIM:#}", visible(&listed.effect))
}

fn show(corpus: &Corpus, word: &str, context: &mut Context) -> anyhow::Result<Exit> {
    let found: Vec<SpecId> = corpus.find(word);
    if found.is_empty() {
        match nearest_word(corpus, word) {
            Some(near) => bail!("the corpus has no word `{word}`; did you mean `{near}`?"),
            None => bail!("the corpus has no word `{word}`"),
        }
    }
    for record in found.into_iter().map(|id| corpus.record(id)) {
        show_record(record, context)?;
    }
    Ok(Exit::Good)
}

fn show_record(record: Record<'_>, context: &mut Context) -> anyhow::Result<()> {
    for diagnostic in record.diagnostics() {
        context.complain(&diagnostic);
    }
    if context.format == MessageFormat::Json {
        writeln!(context.out, "{}", corpus::show(record))?;
    } else {
        writeln!(context.out, "{}", serde_json::to_string_pretty(&corpus::show(record))?)?;
    }
    Ok(())
}

/// A word of the corpus that is spelt nearly so; looks at the first 100,000.
pub fn nearest_word<'c>(corpus: &'c Corpus, word: &str) -> Option<&'c str> {
    crate::config::nearest(word, corpus.records().take(100_000).filter_map(|record| record.word()))
}

fn verify(dir: &Path, context: &mut Context) -> anyhow::Result<Exit> {
    let verified = corpus::verify(dir).map_err(|error| {
        context.complain(&error.diagnostic());
        Told
    })?;
    for problem in &verified.problems {
        context.emit(&problem.diagnostic())?;
    }
    if verified.unreferenced > 0 {
        let litter = text::count(verified.unreferenced as u64, "file");
        context.note(&format!("{litter} of no generation; the next build sweeps them"));
    }
    if !verified.problems.is_empty() {
        return Ok(Exit::Bad);
    }
    if context.format == MessageFormat::Human && !context.quiet {
        let records = text::count(verified.records as u64, "record");
        let segments = text::count(verified.segments as u64, "segment");
        writeln!(context.out, "{GOOD}whole{GOOD:#}: {records} in {segments}")?;
    }
    Ok(Exit::Good)
}
