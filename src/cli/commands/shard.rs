//! `wordmill shard`: a part of a run, in a folder of its own.

use crate::cli::context::Context;
use crate::cli::out_lock::{Holder, OutLock};
use crate::cli::progress::Progress;
use crate::cli::running::{self, Job, PipelineProgress, SearchArgs};
use crate::cli::signals::Signals;
use crate::cli::{Exit, text};
use crate::config::{Key, Layer};
use crate::pipeline::shard::{self, ShardSink};
use crate::pipeline::{self, Store};
use anyhow::{Context as _, bail};

/// Run a part of the specifications, for `wordmill merge`
///
/// Specifications are dealt out by their test inputs, so that those that can share work come to the same shard. Each
/// shard writes one folder, and needs nothing of the others: run them on as many machines as there are, with the same
/// paths and settings. `wordmill merge` puts them together into exactly what one run would have written.
///
/// Examples:
///   wordmill shard --index 0 --of 3 specs --out shard-0
///   for i in 0 1 2; do wordmill shard --index $i --of 3 specs --out shard-$i; done; wordmill merge shard-*
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Which shard, from 0
    #[arg(long, value_name = "I")]
    index: u32,
    /// Of how many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    of: u32,
    #[command(flatten)]
    search: SearchArgs,
}

impl Args {
    /// What the flags say about settings.
    pub fn layer(&self) -> Layer {
        self.search.layer()
    }
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let (index, of) = (args.index, args.of);
    if index >= of {
        bail!("there is no shard {index} of {of}: the first is 0, the last {}", of - 1);
    }
    let folder = running::shard_folder(&context.settings, args.search.names_out(), index, of);
    let cache = folder.join(".cache");
    let signals = Signals::catch()?;
    let _lock = OutLock::take(&folder, Holder::of("shard"))?;
    let progress = Progress::start(context.quiet);
    let Some(Job { corpus, options }) = running::prepare(&cache, context, &signals, &progress)? else {
        return Ok(signals.exit().unwrap_or(Exit::Bad));
    };
    let selected = shard::select(&corpus, index, of);
    let mut store = match context.settings.bool(Key::RunCache) {
        true => Some(running::open_store(&cache)?),
        false => None::<Store>,
    };
    let roots = context.settings.paths(Key::RunPaths);
    let roots = roots.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let mut sink = ShardSink::create(&folder, &corpus, &options, (index, of), roots)
        .with_context(|| format!("cannot write the shard {}", folder.display()))?;
    let told = PipelineProgress(&progress);
    let summary =
        pipeline::run(&corpus, &selected, &options, store.as_mut(), &mut sink, &told, signals.stop());
    drop(progress);
    if summary?.interrupted {
        context.note("interrupted; the next run of this shard goes on from there");
        return Ok(signals.exit().unwrap_or(Exit::Bad));
    }
    let info = sink.finish().with_context(|| format!("cannot write the shard {}", folder.display()))?;
    let specs = text::count(info.n_specs as u64, "specification");
    context.note(&format!("shard {index} of {of}: {specs} in {}", folder.display()));
    Ok(Exit::Good)
}
