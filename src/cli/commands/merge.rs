//! `wordmill merge`: shards become what one run would have written.

use crate::cli::args::{FailOn, Flags};
use crate::cli::context::Context;
use crate::cli::out_lock::{Holder, OutLock};
use crate::cli::progress::Progress;
use crate::cli::running::{self, ReportSink};
use crate::cli::signals::Signals;
use crate::cli::{Exit, archive};
use crate::config::{Key, Layer};
use crate::corpus::{BuildOptions, Corpus};
use crate::model::Sharing;
use crate::pipeline::shard::{self, Shard, ShardInfo};
use crate::report::{Report, RunFacts};
use crate::spec::find_sources;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Put shards together into what one run would have written
///
/// Takes the folders that `wordmill shard` wrote, all of them. Refuses missing shards, shards that are there twice, and
/// shards of different corpora, settings or versions. The corpus is read from the archive within a shard, and where
/// there is none from the paths that the shards were made from.
///
/// Examples:
///   wordmill merge shard-*
///   wordmill merge shard-0 shard-1 shard-2 --out results
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The folders of the shards
    #[arg(value_name = "DIR", required = true)]
    shards: Vec<PathBuf>,
    /// Where the results go
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What makes the exit code 1
    #[arg(long, value_name = "WHEN")]
    fail_on: Option<FailOn>,
}

impl Args {
    /// What the flags say about settings.
    pub fn layer(&self) -> Layer {
        let mut flags = Flags::default();
        flags.path(Key::RunOut, "--out", self.out.as_deref());
        flags.choice(Key::RunFailOn, "--fail-on", self.fail_on);
        flags.0
    }
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let shards = args.shards.iter().map(|path| Shard::open(path)).collect::<Result<Vec<_>, _>>()?;
    shard::check_complete(&shards)?;
    let info = &shards[0].info;
    let signals = Signals::catch()?;
    let progress = Progress::start(context.quiet);
    let Some(corpus) = corpus(&args.shards, info, context, &signals, &progress)? else {
        return Ok(signals.exit().unwrap_or(Exit::Bad));
    };
    let out = running::out(&context.settings);
    let _lock = OutLock::take(&out, Holder::of("merge"))?;
    let options = running::options(&context.settings, super::templates::library(context)?);
    let fingerprint = running::fingerprint_of_shards(info);
    let report = Report::begin(running::report_options(&context.settings, &out, fingerprint))?;
    let mut sink = ReportSink { report };
    shard::merge(&shards, &corpus, &options, &mut sink)?;
    let facts = RunFacts {
        finished: running::now(),
        elapsed: started.elapsed(),
        threads: 1,
        stages: vec![("merging", started.elapsed())],
        interrupted: false,
        sharing: Sharing::default(),
    };
    let summary = sink.report.finish(facts)?;
    drop(progress);
    super::run::tell(&summary, &out, context)?;
    Ok(super::run::exit(&summary, context.settings.text(Key::RunFailOn)))
}

/// The corpus that the shards were made from: an archive within one of them, else the paths that they name.
fn corpus(
    folders: &[PathBuf],
    info: &ShardInfo,
    context: &Context,
    signals: &Signals,
    progress: &Progress,
) -> anyhow::Result<Option<Corpus>> {
    let roots: Vec<PathBuf> = info.roots.iter().map(PathBuf::from).collect();
    let within = folders.iter().map(|folder| folder.join(".cache/corpus"));
    let candidates = within.chain(roots.iter().cloned());
    let is_ours = |dir: &Path| {
        let opened = Corpus::open(dir).ok();
        opened.filter(|corpus| crate::cli::text::hex(&corpus.generation()) == info.generation)
    };
    if let Some(corpus) = candidates.filter(|dir| Corpus::is_corpus_dir(dir)).find_map(|dir| is_ours(&dir)) {
        return Ok(Some(corpus));
    }
    let dir = archive::dir(&context.settings);
    let sources = find_sources(&roots)?;
    let report = archive::update(&dir, &sources, &BuildOptions::default(), signals, progress, context)?;
    Ok(report.map(|report| report.corpus))
}
