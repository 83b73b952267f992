//! The archive behind the commands: where it lies, opening it, bringing it up to date.

use super::context::{Context, Told};
use super::progress::Progress;
use super::signals::Signals;
use crate::config::{Key, Settings};
use crate::corpus::{self, BuildOptions, Corpus, CorpusError, CorpusErrorKind, UpdateReport};
use crate::profile;
use crate::spec::SourceSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The folder below `run.out` for what wordmill keeps from run to run.
pub fn cache_dir(settings: &Settings) -> PathBuf {
    Path::new(settings.text(Key::RunOut)).join(".cache")
}

/// The archive that `wordmill run` uses.
pub fn dir(settings: &Settings) -> PathBuf {
    cache_dir(settings).join("corpus")
}

/// Opens an archive; what is wrong with it is told.
pub fn open(dir: &Path, context: &Context) -> anyhow::Result<Corpus> {
    let _stage = profile::stage(profile::Stage::Corpus);
    Corpus::open(dir).map_err(|error| tell(&error, context))
}

fn tell(error: &CorpusError, context: &Context) -> anyhow::Error {
    context.complain(&error.diagnostic());
    Told.into()
}

/// Brings the archive in `dir` up to date with its sources. `None` when a signal came first.
pub fn update(
    dir: &Path,
    sources: &SourceSet,
    options: &BuildOptions,
    signals: &Signals,
    progress: &Progress,
    context: &Context,
) -> anyhow::Result<Option<UpdateReport>> {
    let _stage = profile::stage(profile::Stage::Corpus);
    sources.diagnostics.iter().for_each(|diagnostic| context.complain(diagnostic));
    let (last, begun) = (AtomicU64::new(0), std::sync::Once::new());
    let on_progress = |now: corpus::Progress| {
        begun.call_once(|| progress.begin("reading", now.bytes_total));
        let before = last.fetch_max(now.bytes_done, Ordering::Relaxed);
        progress.advance(now.bytes_done.saturating_sub(before));
        if signals.stop().load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    match corpus::update(dir, sources, options, &on_progress) {
        Ok(report) => {
            report.problems.iter().for_each(|problem| context.complain(problem));
            Ok(Some(report))
        }
        Err(error) if matches!(*error.kind, CorpusErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(tell(&error, context)),
    }
}
