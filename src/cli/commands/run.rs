//! `wordmill run`: specifications become verified code and a report.

use crate::cli::args::{FailOn, Flags, MessageFormat};
use crate::cli::context::Context;
use crate::cli::out_lock::{Holder, OutLock};
use crate::cli::progress::Progress;
use crate::cli::running::{self, Job, PipelineProgress, ReportSink, SearchArgs};
use crate::cli::signals::Signals;
use crate::cli::{Exit, archive, message, text};
use crate::config::{Key, Layer};
use crate::pipeline;
use crate::profile::{self, Stage};
use crate::report::{self, Report, RunFacts, Summary, TerminalOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Find verified code for specifications, and report
///
/// Finds code for every specification: the supplied one, the named pattern, templates, then search. Runs every test on
/// the embedded Forth, and writes outcomes.jsonl, code/*.fth, report.html, report.md, report.json and junit.xml into
/// the folder of the results. What did not change since the last run is not done again. Ctrl-C stops; the next run
/// goes on from there.
///
/// Exit code 1 when a specification is not verified; those tagged `expect:unsolved` do not count.
///
/// Examples:
///   wordmill run                                        what config.toml says
///   wordmill run specs --out results
///   wordmill run puzzles.jsonl.gz --ignore-given --budget 100000
///   wordmill run specs --fail-on regression             for the nightly job
///   wordmill run specs --explain gcd                    how one verdict comes about
///   wordmill run specs --flamegraph out.svg             where the time goes
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    search: SearchArgs,
    /// What makes the exit code 1
    #[arg(long, value_name = "WHEN")]
    fail_on: Option<FailOn>,
    /// Tell how the verdict on this word comes about, and write nothing
    #[arg(long, value_name = "WORD")]
    explain: Option<String>,
    /// Draw where the time goes: stages, Forth words and native code
    #[cfg(feature = "flamegraph")]
    #[arg(long, value_name = "FILE.svg")]
    flamegraph: Option<PathBuf>,
}

impl Args {
    /// What the flags say about settings.
    pub fn layer(&self) -> Layer {
        let mut flags = Flags(self.search.layer());
        flags.choice(Key::RunFailOn, "--fail-on", self.fail_on);
        flags.0
    }
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    #[cfg(feature = "flamegraph")]
    if let Some(path) = &args.flamegraph {
        let recording = crate::cli::flamegraph::Recording::start(path)?;
        let exit = recorded(args, context)?;
        recording.finish()?;
        context.note(&format!("  flame graph: {}", path.display()));
        return Ok(exit);
    }
    recorded(args, context)
}

fn recorded(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let signals = Signals::catch()?;
    let out = running::out(&context.settings);
    // Telling how a verdict comes about writes no results, and may stand beside a daemon.
    let _lock = match args.explain {
        None => Some(OutLock::take(&out, Holder::of("run"))?),
        Some(_) => None,
    };
    let progress = Progress::start(context.quiet);
    let cache = archive::cache_dir(&context.settings);
    let Some(job) = running::prepare(&cache, context, &signals, &progress)? else {
        return Ok(signals.exit().unwrap_or(Exit::Bad));
    };
    if job.corpus.is_empty() {
        context.note("no specification found");
        return Ok(Exit::Nothing);
    }
    if let Some(word) = &args.explain {
        drop(progress);
        return super::explain_word::run(word, &job, &signals, context);
    }
    let run = Run { job, cache, out, started, reading: started.elapsed() };
    let ended = run.go(&context.settings, &signals, &progress);
    drop(progress);
    match ended? {
        Ended::Interrupted { done, verified, of } => {
            context.note(&format!(
                "interrupted: {} of {} are done, {} of them verified; {}",
                text::number(done as u64),
                text::count(of as u64, "specification"),
                text::number(verified as u64),
                match context.settings.bool(Key::RunCache) {
                    true => "the next run goes on from there",
                    false => "nothing is remembered (--no-cache)",
                }
            ));
            Ok(signals.exit().unwrap_or(Exit::Bad))
        }
        Ended::Whole(summary) => {
            match tell(&summary, &run.out, context) {
                // The verdict stands, whether or not somebody reads the summary.
                Err(error) if !crate::cli::is_closed_pipe(&error) => return Err(error),
                _ => {}
            }
            Ok(exit(&summary, context.settings.text(Key::RunFailOn)))
        }
    }
}

struct Run {
    job: Job,
    cache: PathBuf,
    out: PathBuf,
    started: Instant,
    /// How long reading and building took.
    reading: Duration,
}

enum Ended {
    Whole(Box<Summary>),
    Interrupted { done: usize, verified: usize, of: usize },
}

impl Run {
    fn go(
        &self,
        settings: &crate::config::Settings,
        signals: &Signals,
        progress: &Progress,
    ) -> anyhow::Result<Ended> {
        let Job { corpus, options } = &self.job;
        let fingerprint = running::fingerprint(corpus, options);
        let remembers = settings.bool(Key::RunCache);
        if remembers && let Some(summary) = report::unchanged(&self.out, &fingerprint) {
            return Ok(Ended::Whole(Box::new(summary)));
        }
        let mut store = match remembers {
            true => Some(running::open_store(&self.cache)?),
            false => None,
        };
        let report = Report::begin(running::report_options(settings, &self.out, fingerprint))?;
        let mut sink = ReportSink { report };
        let selected = running::everything(corpus);
        let searching = Instant::now();
        let told = PipelineProgress(progress);
        let summary =
            pipeline::run(corpus, &selected, options, store.as_mut(), &mut sink, &told, signals.stop())?;
        if summary.interrupted {
            let (done, verified) = (summary.n_settled, summary.n_verified);
            return Ok(Ended::Interrupted { done, verified, of: selected.len() });
        }
        let searching = searching.elapsed();
        tracing::info!(
            worked = summary.n_worked,
            known = summary.n_cached,
            rescored = summary.n_rescored,
            "searched"
        );
        let _stage = profile::stage(Stage::Report);
        let facts = RunFacts {
            finished: running::now(),
            elapsed: self.started.elapsed(),
            threads: if options.jobs == 0 { rayon::current_num_threads() } else { options.jobs },
            stages: vec![("reading", self.reading), ("solving", searching)],
            interrupted: false,
            sharing: summary.sharing,
        };
        Ok(Ended::Whole(Box::new(sink.report.finish(facts)?)))
    }
}

/// Prints the summary in the format that is wanted.
pub fn tell(summary: &Summary, out: &Path, context: &mut Context) -> anyhow::Result<()> {
    match context.format {
        MessageFormat::Json => writeln!(context.out, "{}", serde_json::to_string(summary)?)?,
        MessageFormat::Github => {
            for failure in &summary.failures {
                let title =
                    format!("{} is {}", failure.word.as_deref().unwrap_or("?"), failure.status.name());
                let line = message::github_failure(&failure.file, failure.line, &title, &failure.reason);
                context.out.write_all(line.as_bytes())?;
            }
        }
        MessageFormat::Human if context.quiet => {}
        MessageFormat::Human => {
            let width = terminal_width();
            let options = TerminalOptions { width, ..TerminalOptions::default() };
            write!(context.out, "{}", summary.to_terminal(out, options))?;
        }
    }
    Ok(())
}

/// Columns of the terminal; 100 where there is none.
fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0).clamp(40, 200))
}

/// What the summary makes the exit code.
pub fn exit(summary: &Summary, fail_on: &str) -> Exit {
    let failed = match fail_on {
        "never" => false,
        "regression" => summary.changes.as_ref().is_some_and(|changes| changes.newly_failing.count > 0),
        _ => summary.totals.failing > 0,
    };
    if failed { Exit::Bad } else { Exit::Good }
}
