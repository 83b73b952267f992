//! `wordmill generate`: new specifications without end.

use crate::cli::args::MessageFormat;
use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::cli::signals::Signals;
use crate::cli::{Exit, message, text};
use crate::generate::{self, Options};
use std::cell::Cell;
use std::io::Write;
use std::path::PathBuf;

/// Make new specifications, all of different behaviour
///
/// Draws programs from a grammar (arithmetic, branches, loops, recurrences, strings, arrays, exceptions), runs them on the
/// engine for the tests, describes them in words, and leaves out what does the same as an earlier one on a wide fixed set
/// of probes, what is trivial, and what has a skeleton that is common already. Item number and content depend on seed, count
/// and difficulty alone: every shard finds out the same numbering, and writes its part. A run that was stopped goes on.
///
/// DIR/specs holds the specifications, with the shortest code that is known for each while it is made, its size (shorter code
/// may exist), and held-out tests; DIR/manifest.json the counts, the hashes and the command.
///
/// Examples:
///   wordmill generate --count 10000 --seed 1 --out tasks && wordmill run tasks/specs --out results
///   wordmill generate --count 2000 --seed 7 --difficulty 40-60 --out medium
///   wordmill generate --count 1000000 --seed 1 --shard 0/4 --out part-0
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// How many distinct specifications, of all shards together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    count: u64,
    /// The seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Where they go
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Make part I of N only, counted from 0
    #[arg(long, value_name = "I/N", default_value = "0/1", value_parser = shard)]
    shard: (u32, u32),
    /// Only of this difficulty, from 1 to 100
    #[arg(long, value_name = "FROM-TO", default_value = "1-100", value_parser = difficulty)]
    difficulty: (u8, u8),
    /// Threads; 0 for one per core
    #[arg(long, short, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=4096))]
    jobs: u64,
}

/// Reads `0/4`.
pub(super) fn shard(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((index, of)) if index < of => Ok((index, of)),
        _ => Err("a shard is I/N with I below N: 0/4, 1/4, 2/4, 3/4".to_owned()),
    }
}

/// Reads `40-60`.
fn difficulty(text: &str) -> Result<(u8, u8), String> {
    let parts = text.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    match parts {
        Some((from, to)) if (1..=to).contains(&from) && to <= 100 => Ok((from, to)),
        _ => Err("a difficulty is FROM-TO within 1-100: 40-60".to_owned()),
    }
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let signals = Signals::catch()?;
    let progress = Progress::start(context.quiet);
    let options = Options {
        count: args.count,
        seed: args.seed,
        difficulty: args.difficulty,
        shard: args.shard,
        out: args.out.clone(),
        jobs: args.jobs as usize,
    };
    progress.begin("drawing", args.count);
    let done = Cell::new(0);
    let made = generate::generate(&options, signals.stop(), &|count| {
        progress.advance(count - done.replace(count));
    });
    drop(progress);
    let report = made?;
    if report.interrupted {
        context
            .note("interrupted: the files that are whole are kept, and the same command goes on from there");
        return Ok(signals.exit().unwrap_or(Exit::Bad));
    }
    if context.format == MessageFormat::Json {
        context.out.write_all(message::json(&serde_json::to_value(&report)?).as_bytes())?;
        return Ok(Exit::Good);
    }
    if !context.quiet {
        let rows: u64 = report.files.iter().map(|file| file.rows).sum();
        let shares: Vec<String> = report
            .bands
            .iter()
            .map(|n| format!("{:.1} %", 100.0 * *n as f64 / report.count.max(1) as f64))
            .collect();
        writeln!(
            context.out,
            "{} in {}, of {} drawn\n  {} the same as an earlier one, {} of a skeleton that is common already, {} not worth a word\n  \
             {}, the commonest {} times\n  by difficulty, in fifths: {}\n  next: wordmill run {}",
            text::count(rows, "specification"),
            text::count(report.files.len() as u64, "file"),
            text::number(report.indices),
            text::number(report.duplicates),
            text::number(report.crowded),
            text::number(report.barren),
            text::count(report.skeletons, "skeleton"),
            text::number(report.skeleton_max),
            shares.join(", "),
            args.out.join("specs").display(),
        )?;
    }
    Ok(Exit::Good)
}
