//! `wordmill judge`: verdicts on candidates from anywhere, line by line.

use crate::arena::Bump;
use crate::cli::args::Flags;
use crate::cli::context::Context;
use crate::cli::{Exit, archive, commands, running};
use crate::config::{Key, Layer, Value};
use crate::corpus::Corpus;
use crate::judge::{Judge, Lines, Options, Reward};
use crate::spec;
use anyhow::{Context as _, bail};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes that are read at once: what has come by then is judged, whether or not more follows.
const BLOCK_BYTES: usize = 1 << 18;

/// Judge candidates: code for specified words, from a model or anywhere
///
/// A candidate is a line {"word": …, "code": …}; the code is a body or a whole program. The verdicts come out in the same
/// order, one JSON line each: status (passed, failed, invalid, crashed), reward, tests_passed and tests_total,
/// failing_test in words, diagnostic, the inferred effect, and steps, the fuel that the tests burned. `id` comes back if a
/// candidate has one. With `--candidates -` lines are judged as they come, so that one process serves a whole training.
///
/// The reward is 1 for a candidate that passes all tests and properties. Below that the rule `tests` gives the share of
/// tests passed, where properties and values together count as one test more, and `all` gives 0. A test is passed only when
/// the whole stack is right: there is no partial credit for missing outputs. What runs out of fuel in two tests is not run
/// on the others. A line that is no candidate costs its own verdict, never the run; blank lines are passed over. The exit code
/// is 0 whatever the verdicts.
///
/// Examples:
///   wordmill judge specs --candidates candidates.jsonl > verdicts.jsonl
///   model | wordmill judge specs --candidates - --reward all
///   echo '{"word":"gcd","code":"begin ?dup while tuck mod repeat"}' | wordmill judge corpus/specs --candidates -
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Files and folders of specifications, or one archive
    #[arg(value_name = "SPECS", required = true)]
    specs: Vec<PathBuf>,
    /// The candidates, one JSON object a line; `-` for standard input
    #[arg(long, value_name = "FILE.jsonl")]
    candidates: PathBuf,
    /// How a verdict becomes a reward
    #[arg(long, value_name = "RULE", default_value = "tests")]
    reward: Rule,
    /// Threads; 0 for one per core
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=4096))]
    jobs: Option<u64>,
    /// Fuel of one test
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    fuel: Option<u64>,
}

/// The rules, as the command line has them.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Rule {
    /// The share of tests that pass
    Tests,
    /// 1 where everything holds, else 0
    All,
}

impl Args {
    /// What the flags say about settings.
    pub fn layer(&self) -> Layer {
        let mut flags = Flags::default();
        flags.set(Key::RunJobs, "--jobs", self.jobs.map(Value::Number));
        flags.set(Key::EngineFuel, "--fuel", self.fuel.map(Value::Number));
        flags.0
    }
}

/// Runs the command.
pub fn run(args: &Args, context: &mut Context) -> anyhow::Result<Exit> {
    let corpus = corpus(&args.specs, context)?;
    if corpus.is_empty() {
        context.note("no specification found");
        return Ok(Exit::Nothing);
    }
    let library = commands::templates::library(context)?;
    let mut pipeline = running::options(&context.settings, library);
    pipeline.note_used(&corpus);
    let reward = match args.reward {
        Rule::Tests => Reward::Tests,
        Rule::All => Reward::All,
    };
    let arena = Bump::new();
    let mut judge = Judge::new(&corpus, &arena, &pipeline, Options { reward })?;
    let name = args.candidates.display().to_string();
    let mut input: Box<dyn Read> = match args.candidates == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(&args.candidates).with_context(|| format!("cannot read {name}"))?),
    };
    let mut lines = Lines::default();
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let n = match input.read(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.with_context(|| format!("cannot read {name}"))?,
        };
        match n {
            0 => lines.end(),
            n => lines.push(&block[..n]),
        }
        let whole = lines.whole();
        // Straight to the stream: there is no colour in it that had to be taken out.
        let mut out = io::stdout().lock();
        for verdict in judge.judge(&whole) {
            out.write_all(&verdict)?;
        }
        out.flush()?;
        if n == 0 {
            return Ok(Exit::Good);
        }
    }
}

/// The specifications, in memory, or an archive.
fn corpus(paths: &[PathBuf], context: &Context) -> anyhow::Result<Corpus> {
    if let [path] = paths
        && Corpus::is_corpus_dir(path)
    {
        return archive::open(path, context);
    }
    if let Some(path) = paths.iter().find(|path| Corpus::is_corpus_dir(path)) {
        bail!("{} is an archive: it must be the only path", path.display());
    }
    let sources = spec::find_sources(paths)?;
    sources.diagnostics.iter().for_each(|diagnostic| context.complain(diagnostic));
    let mut entries = Vec::new();
    for file in &sources.files {
        spec::read_entries(file, &mut |entry| entries.push((file.name.clone(), entry)))?;
    }
    Ok(Corpus::from_entries(&entries))
}
