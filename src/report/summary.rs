//! What a whole run came to: the content of `report.json`, from which the other reports are drawn.

use crate::model::{Outcome, Severity, Sharing, Status, Stop, Strategy};
use crate::report::changes::Changes;
use crate::report::tally::{
    self, Expectation, Group, Groups, Histogram, Slow, Slowest, StrategyCount, Totals,
};
use crate::report::text::{count, one_line};
use crate::report::{ReportOptions, Row, RunFacts};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// At most so many failures are told in `report.json` and `report.md`.
pub const FAILURES_MAX: usize = 200;

/// What a whole run came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// The tool and its version: `wordmill 0.1.0`.
    pub tool: String,
    /// When the run ended, as text; not part of anything that is compared.
    pub finished: String,
    /// The seed.
    pub seed: u64,
    /// The settings that the outcomes depend on, by name.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// A hash of everything that the outcomes depend on, chosen by the caller; a run that finds its own here has nothing
    /// to do.
    pub fingerprint: String,
    /// How many bytes `outcomes.jsonl` has.
    pub outcomes_bytes: u64,
    /// Sums.
    pub totals: Totals,
    /// Verified share in hundredths of a percent, rounded down.
    pub verified_per_myriad: u64,
    /// Wall time of the run in microseconds.
    pub elapsed_us: u64,
    /// Threads used.
    pub threads: usize,
    /// Whether a signal ended the run.
    pub interrupted: bool,
    /// Time by stage, summed over threads.
    pub stages: Vec<Stage>,
    /// Banks that specifications shared in this run.
    #[serde(skip_serializing_if = "Sharing::is_none", default)]
    pub sharing: Sharing,
    /// Verified programs by strategy.
    pub by_strategy: Vec<StrategyCount>,
    /// Verdicts by tag.
    pub by_tag: Vec<Group>,
    /// Verdicts by source file.
    pub by_source: Vec<Group>,
    /// Words in the verified definitions.
    pub code_size: Histogram,
    /// Engine steps of the verified definitions on their tests.
    pub steps: Histogram,
    /// The slowest specifications.
    pub slowest: Vec<Slow>,
    /// What is new since the last run; `None` where there was none.
    pub changes: Option<Changes>,
    /// The first failures in corpus order.
    pub failures: Vec<Failure>,
}

/// One stage of the pipeline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Microseconds spent in it, summed over threads.
    pub elapsed_us: u64,
}

impl Stage {
    /// A stage and the time spent in it.
    pub fn new((name, elapsed): (&'static str, Duration)) -> Self {
        Self { name: name.to_owned(), elapsed_us: tally::micros(elapsed) }
    }
}

/// One specification that is not verified and should be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// The word.
    pub word: Option<String>,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// The verdict.
    pub status: Status,
    /// Why the search ended.
    pub stop: Stop,
    /// The failing test, the first error, or why there is no code.
    pub reason: String,
}

impl Summary {
    /// The same with what is known of the run as a whole.
    pub fn of_run(self, options: ReportOptions, run: RunFacts, outcomes_bytes: u64) -> Self {
        Self {
            tool: options.tool,
            seed: options.seed,
            settings: options.settings,
            fingerprint: options.fingerprint,
            outcomes_bytes,
            finished: run.finished,
            elapsed_us: tally::micros(run.elapsed),
            threads: run.threads,
            interrupted: run.interrupted,
            stages: run.stages.into_iter().map(Stage::new).collect(),
            sharing: run.sharing,
            ..self
        }
    }

    /// The text of `report.json`.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a summary has no unwritable values");
        text.push('\n');
        text
    }
}

impl Failure {
    /// Tells of one outcome.
    pub fn new(row: &Row<'_>, outcome: &Outcome) -> Self {
        Self {
            word: row.word.map(str::to_owned),
            file: row.file.to_owned(),
            line: row.line,
            status: outcome.status,
            stop: outcome.stop,
            reason: reason(row, outcome),
        }
    }

    /// `FILE:LINE`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// Why an outcome is not verified, in one line: the failing test, else the first error, else how the search ended.
pub fn reason(row: &Row<'_>, outcome: &Outcome) -> String {
    let detail = outcome.detail.as_deref();
    let failing =
        detail.and_then(|detail| detail.failing_test.as_deref().or(detail.given_failing_test.as_deref()));
    let found = || {
        let of_run = detail.map_or(&[][..], |detail| &detail.diagnostics);
        let all: Vec<_> = row.diagnostics().iter().chain(of_run).cloned().collect();
        let error = all.iter().position(|diagnostic| diagnostic.severity == Severity::Error);
        all.into_iter().nth(error.unwrap_or(0))
    };
    if let Some(test) = failing {
        return one_line(test, 400);
    }
    match (outcome.status, found()) {
        (Status::Invalid | Status::Crashed, Some(diagnostic)) => {
            one_line(&format!("{}: {}", diagnostic.code, diagnostic.message), 400)
        }
        _ => match outcome.stop {
            Stop::Budget => format!("nothing found within {} candidates", count(outcome.candidates)),
            Stop::Exhausted => format!("nothing found: all {} candidates tried", count(outcome.candidates)),
            Stop::Interrupted => "interrupted by a signal".into(),
            Stop::Solved | Stop::Skipped => outcome.status.name().into(),
        },
    }
}

/// Everything that is summed while outcomes come in.
pub struct Sums {
    /// Sums so far.
    pub totals: Totals,
    by_strategy: [u64; Strategy::ALL.len()],
    by_tag: Groups,
    by_source: Groups,
    code_size: Histogram,
    steps: Histogram,
    slowest: Slowest,
    failures: Vec<Failure>,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            totals: Totals::default(),
            by_strategy: [0; Strategy::ALL.len()],
            by_tag: Groups::default(),
            by_source: Groups::default(),
            code_size: Histogram::of_sizes(),
            steps: Histogram::of_steps(),
            slowest: Slowest::default(),
            failures: Vec::new(),
        }
    }
}

impl Sums {
    /// Counts one outcome.
    pub fn add(&mut self, row: &Row<'_>, outcome: &Outcome, verdict: Expectation) {
        self.totals.add(row, outcome, verdict);
        self.by_source.add(row.file, outcome.status);
        row.each_tag(&mut |tag| self.by_tag.add(tag, outcome.status));
        self.slowest.add(row, outcome);
        if outcome.status == Status::Verified {
            self.add_verified(outcome);
        } else if self.failures.len() < FAILURES_MAX && verdict == Expectation::Failing {
            self.failures.push(Failure::new(row, outcome));
        }
    }

    fn add_verified(&mut self, outcome: &Outcome) {
        if let Some(strategy) = outcome.strategy {
            self.by_strategy[strategy as usize] += 1;
        }
        if let Some(code) = &outcome.code {
            self.code_size.add(tally::code_size(code));
        }
        self.steps.add(outcome.steps);
    }

    /// The summary, with nothing yet about the run as a whole.
    pub fn finish(self) -> Summary {
        let strategy = |strategy| StrategyCount { strategy, verified: self.by_strategy[strategy as usize] };
        Summary {
            tool: String::new(),
            finished: String::new(),
            seed: 0,
            settings: serde_json::Map::new(),
            fingerprint: String::new(),
            outcomes_bytes: 0,
            totals: self.totals,
            verified_per_myriad: self.totals.verdicts.verified_per_myriad(),
            elapsed_us: 0,
            threads: 0,
            interrupted: false,
            stages: Vec::new(),
            sharing: Sharing::default(),
            by_strategy: Strategy::ALL.into_iter().map(strategy).collect(),
            by_tag: self.by_tag.finish(),
            by_source: self.by_source.finish(),
            code_size: self.code_size,
            steps: self.steps,
            slowest: self.slowest.finish(),
            changes: None,
            failures: self.failures,
        }
    }
}
