//! Outcomes become files: `outcomes.jsonl`, `code/*.fth`, `report.json`, `report.md`, `report.html`, `junit.xml`, and the
//! few lines that the terminal shows.
//!
//! [`Report::begin`] opens them, [`Report::accept`] takes one record and its outcome at a time in corpus order, and
//! [`Report::finish`] puts everything in place. Memory is bounded whatever the corpus: fixed bins, the slowest few, at most
//! 5,000 rows for the page. `outcomes.jsonl` and `code/` are a pure function of the outcomes; times and history
//! stand in the report files only. Nothing here prints, and nothing here judges.

mod row;

mod changes;
mod line;
mod summary;
mod tally;

mod code;
mod html;
mod junit;
mod markdown;
mod terminal;
mod text;

pub use changes::{Change, ChangeList, Changes, LISTED_MAX};
pub use code::WORDS_MAX;
pub use html::{ROWS_MAX, escape as escape_html};
pub use line::{outcome_line, write_line};
pub use row::{Row, TestRow, TestValue};
pub use summary::{FAILURES_MAX, Failure, Stage, Summary, reason};
pub use tally::{Expectation, Group, Histogram, Slow, StrategyCount, Totals, Verdicts, expectation};
pub use terminal::TerminalOptions;

use crate::durable::{self, Batch, DurableFile};
use crate::model::{Outcome, Sharing};
use changes::Comparison;
use code::CodeFolder;
use junit::Junit;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use summary::Sums;

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct ReportError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Turns an I/O error into one that says what was being done to which file.
fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ReportError {
    let path = path.to_owned();
    move |source| ReportError { action, path, source }
}

/// Where the files go, and what is told of the run in them.
#[derive(Clone, Debug, Default)]
pub struct ReportOptions {
    /// The folder; made if it does not exist.
    pub out: PathBuf,
    /// The tool and its version.
    pub tool: String,
    /// The seed.
    pub seed: u64,
    /// The settings that the outcomes depend on, by name.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// A hash of everything that the outcomes depend on: corpus, templates, engine, settings, seed, library, held-out cases.
    /// See [`unchanged`].
    pub fingerprint: String,
}

/// What is known of a run when it has ended.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    /// When it ended, as people write it.
    pub finished: String,
    /// Wall time.
    pub elapsed: Duration,
    /// Threads used.
    pub threads: usize,
    /// Time by stage, summed over threads, in the order of the pipeline.
    pub stages: Vec<(&'static str, Duration)>,
    /// Whether a signal ended it.
    pub interrupted: bool,
    /// Banks that specifications shared.
    pub sharing: Sharing,
}

/// Stands in the folder while files are being replaced: whoever finds it knows that not all of them are of one run.
const UNFINISHED: &str = ".unfinished";

/// Takes outcomes in corpus order and writes the files.
///
/// Dropped without [`Report::finish`] it leaves `outcomes.jsonl` and the reports of the last run as they were; files of
/// `code/` that were complete have been replaced, each of them whole.
pub struct Report {
    options: ReportOptions,
    outcomes: DurableFile,
    outcomes_bytes: u64,
    line: Vec<u8>,
    comparison: Option<Comparison>,
    sums: Sums,
    code: CodeFolder,
    junit: Junit,
    rows: html::Rows,
}

impl Report {
    /// Opens the files, compares with those of the last run from here on, and removes what a killed run left.
    pub fn begin(options: ReportOptions) -> Result<Self, ReportError> {
        let out = &options.out;
        std::fs::create_dir_all(out).map_err(io_error("make the folder", out))?;
        durable::sweep(out).map_err(io_error("sweep", out))?;
        let mark = out.join(UNFINISHED);
        durable::write(&mark, b"").map_err(io_error("write", &mark))?;
        let path = out.join("outcomes.jsonl");
        Ok(Self {
            comparison: Comparison::open(&path).map_err(io_error("read", &path))?,
            outcomes: DurableFile::create(&path).map_err(io_error("create", &path))?,
            outcomes_bytes: 0,
            line: Vec::new(),
            sums: Sums::default(),
            code: CodeFolder::create(out.join("code"))?,
            junit: Junit::create(out)?,
            rows: html::Rows::default(),
            options,
        })
    }

    /// Takes the next record in corpus order.
    pub fn accept(&mut self, row: &Row<'_>, outcome: &Outcome) -> Result<(), ReportError> {
        write_line(&mut self.line, row, outcome);
        let written = match &mut self.comparison {
            Some(comparison) => comparison.accept(&self.line, row, outcome, self.outcomes_bytes),
            None => Ok(()),
        };
        let written = written.and_then(|()| self.outcomes.write_all(&self.line));
        written.map_err(io_error("write", self.outcomes.target()))?;
        self.outcomes_bytes += self.line.len() as u64;
        let verdict = expectation(row, outcome);
        self.sums.add(row, outcome, verdict);
        self.rows.add(row, outcome, verdict);
        self.code.accept(row, outcome)?;
        self.junit.accept(row, outcome, verdict)
    }

    /// Puts all files in place; the summary is what they tell.
    pub fn finish(mut self, run: RunFacts) -> Result<Summary, ReportError> {
        let out = self.options.out.clone();
        let path = self.outcomes.target().to_owned();
        let outcomes = self.outcomes.written().map_err(io_error("write", &path))?;
        self.code.finish(outcomes)?;
        let changes = self.comparison.map(|comparison| comparison.finish(outcomes)).transpose();
        let changes = changes.map_err(io_error("compare with", &path))?;
        let junit = self.junit.finish(&run)?;
        let summary =
            Summary { changes, ..self.sums.finish() }.of_run(self.options, run, self.outcomes_bytes);
        let mut batch = Batch::default();
        let mut put = |file: DurableFile| batch.add(file).map_err(io_error("write files in", &out));
        put(self.outcomes)?;
        put(junit)?;
        put(new_file(&out, "report.md", &markdown::render(&summary))?)?;
        put(new_file(&out, "report.html", &html::render(&summary, &self.rows))?)?;
        batch.commit().map_err(io_error("write files in", &out))?;
        // Last, for it says that all others are there.
        let last = new_file(&out, "report.json", &summary.to_json())?;
        last.commit().map_err(io_error("write", &out.join("report.json")))?;
        let mark = out.join(UNFINISHED);
        std::fs::remove_file(&mark).map_err(io_error("remove", &mark))?;
        Ok(summary)
    }
}

/// The summary of the last run into `out`, if its fingerprint is this one and its files are there: then there is nothing to
/// do and nothing is written. An interrupted run always leaves something to do.
pub fn unchanged(out: &Path, fingerprint: &str) -> Option<Summary> {
    let text = std::fs::read(out.join("report.json")).ok()?;
    let summary: Summary = serde_json::from_slice(&text).ok()?;
    let is_there = |name| out.join(name).exists();
    let is_whole = std::fs::metadata(out.join("outcomes.jsonl"))
        .is_ok_and(|file| file.len() == summary.outcomes_bytes)
        && ["report.md", "report.html", "junit.xml", "code"].into_iter().all(is_there);
    let is_current = summary.fingerprint == fingerprint && !summary.interrupted && !is_there(UNFINISHED);
    let totals = Totals { known: summary.totals.specs, ..summary.totals };
    (is_current && is_whole).then(|| Summary {
        totals,
        elapsed_us: 0,
        changes: Some(Changes::default()),
        ..summary
    })
}

fn new_file(out: &Path, name: &str, text: &str) -> Result<DurableFile, ReportError> {
    let path = out.join(name);
    let write = || {
        let mut file = DurableFile::create(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(file)
    };
    write().map_err(io_error("write", &path))
}
