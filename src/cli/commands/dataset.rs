//! `wordmill dataset`: the outcomes of a run become records to train on.

use crate::cli::context::Context;
use crate::cli::progress::Progress;
use crate::cli::signals::Signals;
use crate::cli::{Exit, text};
use crate::dataset::{self, CONFIGS, Compression, Format, Options, Progress as Told, Settings};
use std::io::Write;
use std::path::PathBuf;

/// Make training data from what a run verified
///
/// Every solution is run again, every rejected or broken code really ran and failed the test that is named, and the answers
/// of tools in trajectories are what the engine said. Held-out tests stand in no prompt. Duplicates (of text, of code, of
/// behaviour) are left out, near duplicates stand in one split. Each format has a folder of its own with a card that the
/// Hugging Face hub reads; removed.jsonl says what was left out and why, manifest.json holds hashes and the command,
/// statistics.html shows counts. The same run, settings and seed give the same bytes on any number of threads; what was
/// stopped goes on.
///
/// Configurations: problems (the canonical table), sft, prompt_completion, alpaca, preference, preference_unpaired, rl,
/// humaneval, trajectories, traces, repair.
///
/// Examples:
///   wordmill dataset --from results --out data --seed 1
///   wordmill dataset --from results --out data --configs sft,rl --difficulty 41-60 --limit 10000 --limit-of rl=2000
///   wordmill dataset --from results --out data --decontaminate benchmark.jsonl --format jsonl --compress zstd
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// What `wordmill run` wrote
    #[arg(long, value_name = "RUN_OUTPUT")]
    from: PathBuf,
    /// Where the data set goes
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The seed of splits and choices
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Only these configurations
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(CONFIGS.iter().map(|config| config.name)))]
    configs: Vec<String>,
    /// The formats
    #[arg(long, value_name = "FORMAT,…", value_delimiter = ',', default_value = "jsonl,parquet")]
    format: Vec<FormatName>,
    /// How JSON lines are packed
    #[arg(long, value_name = "HOW", default_value = "none")]
    compress: CompressionName,
    /// Only problems of this difficulty, in fifths of the scale: 1-20, 21-60 and so on
    #[arg(long, value_name = "FROM-TO", default_value = "1-100", value_parser = difficulty)]
    difficulty: (u8, u8),
    /// At most so many problems
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// This configuration of at most so many problems, whatever the others are of: rl=2000
    #[arg(long, value_name = "NAME=N,…", value_delimiter = ',', value_parser = limit_of)]
    limit_of: Vec<(&'static str, usize)>,
    /// At most so many problems of each fifth of the scale of difficulty
    #[arg(long, value_name = "N")]
    per_difficulty: Option<usize>,
    /// At most so many problems of each strategy
    #[arg(long, value_name = "N")]
    per_strategy: Option<usize>,
    /// Longest prompt, in characters
    #[arg(long, value_name = "N", default_value_t = 4000)]
    prompt_chars: usize,
    /// Longest code, in characters
    #[arg(long, value_name = "N", default_value_t = 2000)]
    code_chars: usize,
    /// Leave out what shares ten words in a row, the code or the behaviour with these specifications or texts (.txt, .md)
    #[arg(long, value_name = "PATH")]
    decontaminate: Vec<PathBuf>,
    /// The licence of the records, as the hub names it
    #[arg(long, value_name = "NAME", default_value = "cc0-1.0")]
    license: String,
    /// Problems whose files are made together, at least 1000. What was stopped begins this much again; a table has a file for each split and
    /// this many problems, and Parquet row groups of 100,000 rows
    #[arg(long, value_name = "N", default_value_t = dataset::SEGMENT as u64, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    segment: u64,
    /// A file that grows beyond this is followed by another one, in megabytes
    #[arg(long, value_name = "MB", default_value_t = dataset::FILE_BYTES / 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    file_mb: u64,
    /// Make part I of N only, counted from 0
    #[arg(long, value_name = "I/N", default_value = "0/1", value_parser = super::generate::shard)]
    shard: (u32, u32),
    /// Threads; 0 for one per core
    #[arg(long, short, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=4096))]
    jobs: u64,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum FormatName {
    /// One JSON object a line
    Jsonl,
    /// Parquet, zstd
    Parquet,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum CompressionName {
    /// Not at all
    None,
    /// gzip
    Gzip,
    /// zstd
    Zstd,
}

/// Reads whole fifths of the scale: `41-60`.
fn difficulty(text: &str) -> Result<(u8, u8), String> {
    let parts: Option<(u8, u8)> =
        text.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    match parts {
        Some((from, to)) if from < to && to <= 100 && from % 20 == 1 && to % 20 == 0 => {
            Ok((from / 20, to / 20 - 1))
        }
        _ => Err("difficulty is in whole fifths: 1-20, 41-60, 21-100".to_owned()),
    }
}

/// Reads `rl=2000`.
fn limit_of(text: &str) -> Result<(&'static str, usize), String> {
    let parts = text.split_once('=').and_then(|(name, n)| {
        let config = CONFIGS.iter().find(|config| config.name == name)?;
        Some((config.name, n.parse().ok()?))
    });
    parts.ok_or_else(|| "a limit is the name of a configuration and a number: rl=2000".to_owned())
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let signals = Signals::catch()?;
    let wanted = |name: &str| args.configs.is_empty() || args.configs.iter().any(|it| it == name);
    let mut formats: Vec<Format> = Vec::new();
    for (name, format) in [(FormatName::Jsonl, Format::Jsonl), (FormatName::Parquet, Format::Parquet)] {
        formats.extend(args.format.contains(&name).then_some(format));
    }
    let run_seed = std::fs::read(args.from.join("report.json")).ok().and_then(|text| {
        let report: serde_json::Value = serde_json::from_slice(&text).ok()?;
        report["seed"].as_u64()
    });
    let options = Options {
        from: args.from.clone(),
        out: args.out.clone(),
        configs: CONFIGS.iter().filter(|config| wanted(config.name)).collect(),
        limits: CONFIGS
            .iter()
            .filter_map(|config| {
                let limit = args.limit_of.iter().rfind(|(name, _)| *name == config.name)?;
                Some((config, limit.1))
            })
            .collect(),
        formats,
        compression: match args.compress {
            CompressionName::None => Compression::None,
            CompressionName::Gzip => Compression::Gzip,
            CompressionName::Zstd => Compression::Zstd,
        },
        quality: Settings {
            seed: args.seed,
            prompt_chars_max: args.prompt_chars,
            code_chars_max: args.code_chars,
            per_difficulty_max: args.per_difficulty,
            per_strategy_max: args.per_strategy,
            bands: args.difficulty,
            limit: args.limit,
        },
        decontaminate: args.decontaminate.clone(),
        license: args.license.clone(),
        segment: args.segment as usize,
        file_bytes: args.file_mb * 1_000_000,
        shard: args.shard,
        jobs: args.jobs as usize,
        run_seed: run_seed.unwrap_or(0),
    };
    let progress = Progress::start(context.quiet);
    let tell = |told| match told {
        Told::Begins(name, total) => progress.begin(name, total),
        Told::Done(n) => progress.advance(n),
    };
    let report = dataset::build(&options, signals.stop(), &tell);
    drop(progress);
    let report = report?;
    if report.interrupted {
        context.note("interrupted: what is whole is kept, and the same command goes on from there");
        return Ok(signals.exit().unwrap_or(Exit::Bad));
    }
    if !context.quiet {
        let removed: Vec<String> = report.removed.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        let rows: u64 = report.files.iter().map(|file| file.rows).sum();
        writeln!(
            context.out,
            "{} of {} verified outcomes\n  left out: {}\n  {} in {}\n  manifest: {}",
            text::count(report.problems as u64, "problem"),
            text::number(report.verified as u64),
            if removed.is_empty() { "nothing".to_owned() } else { removed.join(", ") },
            text::count(rows, "record"),
            text::count(report.files.len() as u64, "file"),
            args.out.join("manifest.json").display()
        )?;
    }
    Ok(Exit::Good)
}
