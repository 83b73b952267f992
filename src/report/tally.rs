//! Counting in bounded memory: totals, groups, histograms, the slowest few.

use crate::model::{Outcome, Status, Stop, Strategy};
use crate::report::Row;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

/// At most so many groups (tags, sources) are told apart; the rest are counted together.
pub const GROUPS_MAX: usize = 1000;

/// At most so many of the slowest specifications are named.
pub const SLOWEST_MAX: usize = 20;

/// How many specifications got which verdict, in the order of [`Status::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Verdicts {
    /// See [`Status::Verified`].
    pub verified: u64,
    /// See [`Status::Refuted`].
    pub refuted: u64,
    /// See [`Status::Unsolved`].
    pub unsolved: u64,
    /// See [`Status::Invalid`].
    pub invalid: u64,
    /// See [`Status::Crashed`].
    pub crashed: u64,
}

impl Verdicts {
    /// Counts one more.
    pub fn add(&mut self, status: Status) {
        match status {
            Status::Verified => self.verified += 1,
            Status::Refuted => self.refuted += 1,
            Status::Unsolved => self.unsolved += 1,
            Status::Invalid => self.invalid += 1,
            Status::Crashed => self.crashed += 1,
        }
    }

    /// How many got this verdict.
    pub fn of(&self, status: Status) -> u64 {
        [self.verified, self.refuted, self.unsolved, self.invalid, self.crashed][status as usize]
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        Status::ALL.into_iter().map(|status| self.of(status)).sum()
    }

    /// The share verified, in hundredths of a percent, rounded down; 0 of 0 is 0.
    pub fn verified_per_myriad(&self) -> u64 {
        per_myriad(self.verified, self.total())
    }
}

/// `part` of `whole` in hundredths of a percent, rounded down, so that only all of them make 100 %.
pub fn per_myriad(part: u64, whole: u64) -> u64 {
    if whole == 0 { 0 } else { (part as u128 * 10_000 / whole as u128) as u64 }
}

/// Sums over all specifications.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Input records.
    pub specs: u64,
    /// By verdict.
    #[serde(flatten)]
    pub verdicts: Verdicts,
    /// Not verified although tagged neither `expect:unsolved` nor interrupted: what the exit code is about.
    pub failing: u64,
    /// Not solved, as their tag `expect:unsolved` says.
    pub expected_unsolved: u64,
    /// Verified although tagged `expect:unsolved`.
    pub unexpectedly_verified: u64,
    /// Stopped by a signal; the next run goes on with them.
    pub interrupted: u64,
    /// Supplied code or named patterns that hold.
    pub given_verified: u64,
    /// Supplied code or named patterns that fail.
    pub given_refuted: u64,
    /// Outcomes known from an earlier run.
    pub known: u64,
    /// Tests that the final code passed.
    pub tests_passed: u64,
    /// Tests there are.
    pub tests: u64,
    /// Properties and oracles checked.
    pub properties_checked: u64,
    /// Properties and oracles that could not be checked.
    pub properties_unchecked: u64,
    /// Held-out tests passed.
    pub heldout_passed: u64,
    /// Held-out tests there are.
    pub heldout: u64,
    /// Candidates tried.
    pub candidates: u64,
    /// Engine fuel burned by the final code on its tests.
    pub steps: u64,
}

impl Totals {
    /// Counts one outcome.
    pub fn add(&mut self, row: &Row<'_>, outcome: &Outcome, verdict: Expectation) {
        self.specs += 1;
        self.verdicts.add(outcome.status);
        match verdict {
            Expectation::Met => {}
            Expectation::Failing => self.failing += 1,
            Expectation::ExpectedUnsolved => self.expected_unsolved += 1,
            Expectation::UnexpectedlyVerified => self.unexpectedly_verified += 1,
            Expectation::Interrupted => self.interrupted += 1,
        }
        match outcome.given {
            None => {}
            Some(Status::Verified) => self.given_verified += 1,
            Some(_) => self.given_refuted += 1,
        }
        self.known += u64::from(row.elapsed.is_none());
        self.tests_passed += u64::from(outcome.tests_passed);
        self.tests += u64::from(outcome.tests_total);
        self.properties_checked += u64::from(outcome.properties_checked);
        self.properties_unchecked += u64::from(outcome.properties_unchecked);
        self.heldout_passed += u64::from(outcome.heldout_passed);
        self.heldout += u64::from(outcome.heldout_total);
        self.candidates += outcome.candidates;
        self.steps += outcome.steps;
    }
}

/// How an outcome stands to what its specification leads one to expect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expectation {
    /// Verified.
    Met,
    /// Not verified: this is what the exit code is about.
    Failing,
    /// Not solved, and tagged so.
    ExpectedUnsolved,
    /// Verified, but tagged as beyond the search.
    UnexpectedlyVerified,
    /// A signal came first.
    Interrupted,
}

/// How this outcome stands to its specification. An invalid or crashed one is never expected.
pub fn expectation(row: &Row<'_>, outcome: &Outcome) -> Expectation {
    let beyond_search = || row.is_expected_unsolved();
    match outcome.status {
        Status::Verified if beyond_search() => Expectation::UnexpectedlyVerified,
        Status::Verified => Expectation::Met,
        _ if outcome.stop == Stop::Interrupted => Expectation::Interrupted,
        Status::Refuted | Status::Unsolved if beyond_search() => Expectation::ExpectedUnsolved,
        _ => Expectation::Failing,
    }
}

/// Verdicts by a name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Group {
    /// The tag, the file.
    pub name: String,
    /// Its verdicts.
    #[serde(flatten)]
    pub verdicts: Verdicts,
}

/// Groups by name, at most [`GROUPS_MAX`] of them in order of appearance; the others are counted as one.
#[derive(Default)]
pub struct Groups {
    by_name: HashMap<Box<str>, Verdicts>,
    others: Verdicts,
}

impl Groups {
    /// Counts one specification under a name.
    pub fn add(&mut self, name: &str, status: Status) {
        if let Some(verdicts) = self.by_name.get_mut(name) {
            verdicts.add(status);
        } else if self.by_name.len() < GROUPS_MAX {
            self.by_name.entry(name.into()).or_default().add(status);
        } else {
            self.others.add(status);
        }
    }

    /// The groups, most specifications first, then by name; the others last.
    pub fn finish(self) -> Vec<Group> {
        let mut groups: Vec<_> =
            self.by_name.into_iter().map(|(name, verdicts)| Group { name: name.into(), verdicts }).collect();
        groups.sort_by(|a, b| b.verdicts.total().cmp(&a.verdicts.total()).then_with(|| a.name.cmp(&b.name)));
        if self.others.total() > 0 {
            groups.push(Group { name: "(others)".into(), verdicts: self.others });
        }
        groups
    }
}

/// How many verified programs a strategy gave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StrategyCount {
    /// Which strategy.
    pub strategy: Strategy,
    /// Programs of it that are verified.
    pub verified: u64,
}

/// Counts in fixed bins.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Histogram {
    /// The lowest value of each bin; the first bin starts at 0, the last has no end.
    pub from: Vec<u64>,
    /// How many fell into each bin.
    pub counts: Vec<u64>,
    /// How many there are.
    pub n: u64,
    /// The smallest value, 0 where there is none.
    pub min: u64,
    /// The largest value.
    pub max: u64,
    /// The sum of all values.
    pub sum: u64,
}

impl Histogram {
    /// Bins that start at these values, of which the first is 0 and each is above the one before.
    pub fn new(from: impl Into<Vec<u64>>) -> Self {
        let from = from.into();
        assert!(from.first() == Some(&0) && from.is_sorted_by(|a, b| a < b), "bins rise from 0");
        let counts = vec![0; from.len()];
        Self { from, counts, n: 0, min: 0, max: 0, sum: 0 }
    }

    /// Bins for sizes of code: single words at first, then wider.
    pub fn of_sizes() -> Self {
        Self::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 48, 64, 128])
    }

    /// Bins for engine steps: powers of two up to a million.
    pub fn of_steps() -> Self {
        Self::new(std::iter::once(0).chain((0..=20).map(|i| 1 << i)).collect::<Vec<_>>())
    }

    /// Counts one value.
    pub fn add(&mut self, value: u64) {
        self.counts[self.from.partition_point(|&from| from <= value) - 1] += 1;
        self.min = if self.n == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
        self.sum = self.sum.saturating_add(value);
        self.n += 1;
    }

    /// What a bin holds, in words: `3`, `4 to 7`, `128 and more`.
    pub fn label(&self, bin: usize) -> String {
        let from = self.from[bin];
        match self.from.get(bin + 1) {
            None => format!("{from} and more"),
            Some(next) if next - from == 1 => from.to_string(),
            Some(next) => format!("{from} to {}", next - 1),
        }
    }

    /// The bins from the first that is not empty to the last that is not.
    pub fn filled(&self) -> std::ops::Range<usize> {
        let first = self.counts.iter().position(|&count| count > 0);
        let last = self.counts.iter().rposition(|&count| count > 0);
        first.zip(last).map_or(0..0, |(first, last)| first..last + 1)
    }

    /// The mean, rounded down.
    pub fn mean(&self) -> u64 {
        self.sum.checked_div(self.n).unwrap_or(0)
    }
}

/// Words in a definition, without `:`, its name, `;` and comments.
pub fn code_size(code: &str) -> u64 {
    crate::report::code::tokens(code).count().saturating_sub(3) as u64
}

/// One of the slowest specifications.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Slow {
    /// The word.
    pub word: Option<String>,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// The verdict.
    pub status: Status,
    /// How long it took, in microseconds.
    pub elapsed_us: u64,
    /// Candidates tried.
    pub candidates: u64,
    /// Engine fuel burned.
    pub steps: u64,
}

/// The slowest [`SLOWEST_MAX`], slowest first.
#[derive(Default)]
pub struct Slowest(Vec<Slow>);

impl Slowest {
    /// Considers one outcome; among equals the first in corpus order stays.
    pub fn add(&mut self, row: &Row<'_>, outcome: &Outcome) {
        let Some(elapsed) = row.elapsed else { return };
        let elapsed_us = micros(elapsed);
        let at = self.0.partition_point(|slow| slow.elapsed_us >= elapsed_us);
        if at >= SLOWEST_MAX {
            return;
        }
        self.0.truncate(SLOWEST_MAX - 1);
        let slow = Slow {
            word: row.word.map(str::to_owned),
            file: row.file.to_owned(),
            line: row.line,
            status: outcome.status,
            elapsed_us,
            candidates: outcome.candidates,
            steps: outcome.steps,
        };
        self.0.insert(at, slow);
    }

    /// The slowest, slowest first.
    pub fn finish(self) -> Vec<Slow> {
        self.0
    }
}

/// Whole microseconds of a time.
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Spec, SpecId};

    #[test]
    fn values_fall_into_their_bin() {
        let mut histogram = Histogram::new([0, 1, 2, 4, 8]);
        for value in [0, 1, 2, 3, 4, 7, 8, 9, u64::MAX] {
            histogram.add(value);
        }
        assert_eq!(histogram.counts, [1, 1, 2, 2, 3]);
        assert_eq!((histogram.n, histogram.min, histogram.max), (9, 0, u64::MAX));
        let labels: Vec<_> = (0..5).map(|bin| histogram.label(bin)).collect();
        assert_eq!(labels, ["0", "1", "2 to 3", "4 to 7", "8 and more"]);
        assert_eq!(Histogram::of_steps().filled(), 0..0);
        assert_eq!(Histogram::of_steps().from.last(), Some(&(1 << 20)));
    }

    #[test]
    fn shares_are_rounded_down() {
        assert_eq!(per_myriad(0, 0), 0);
        assert_eq!(per_myriad(999_999, 1_000_000), 9_999);
        assert_eq!(per_myriad(3, 3), 10_000);
        assert_eq!(per_myriad(u64::MAX, u64::MAX), 10_000);
    }

    #[test]
    fn groups_beyond_the_bound_are_counted_together() {
        let mut groups = Groups::default();
        for i in 0..GROUPS_MAX + 5 {
            groups.add(&format!("t{i:05}"), Status::Verified);
        }
        groups.add("t00001", Status::Refuted);
        let groups = groups.finish();
        assert_eq!(groups.len(), GROUPS_MAX + 1);
        assert_eq!((groups[0].name.as_str(), groups[0].verdicts.total()), ("t00001", 2));
        assert_eq!(groups[1].name, "t00000");
        assert_eq!((groups[GROUPS_MAX].name.as_str(), groups[GROUPS_MAX].verdicts.verified), ("(others)", 5));
    }

    #[test]
    fn the_slowest_come_first() {
        let mut slowest = Slowest::default();
        let outcome = Outcome::empty(SpecId(0), Status::Verified, Stop::Solved);
        for i in 0..1000u32 {
            let name = i.to_string();
            let row = Row::bare(Some(&name), "f", i).timed(Duration::from_micros(u64::from(i * 7919 % 1000)));
            slowest.add(&row, &outcome);
        }
        slowest.add(&Row::bare(Some("known"), "f", 1), &outcome);
        let times: Vec<_> = slowest.finish().iter().map(|slow| slow.elapsed_us).collect();
        assert_eq!(times, (980..1000).rev().collect::<Vec<_>>());
    }

    #[test]
    fn the_tag_keeps_a_spec_out_of_the_exit_code() {
        let check = |tag: &str, status, stop, expect| {
            let mut spec = Spec::default();
            spec.metadata.tags.push(tag.into());
            let outcome = Outcome::empty(SpecId(0), status, stop);
            assert_eq!(expectation(&Row::from_spec(&spec, "f", 1), &outcome), expect, "{tag} {status:?}");
        };
        check("x", Status::Verified, Stop::Solved, Expectation::Met);
        check("x", Status::Unsolved, Stop::Exhausted, Expectation::Failing);
        check("x", Status::Unsolved, Stop::Interrupted, Expectation::Interrupted);
        check("x", Status::Invalid, Stop::Skipped, Expectation::Failing);
        check("expect:unsolved", Status::Verified, Stop::Solved, Expectation::UnexpectedlyVerified);
        check("expect:unsolved", Status::Unsolved, Stop::Budget, Expectation::ExpectedUnsolved);
        check("expect:unsolved", Status::Refuted, Stop::Budget, Expectation::ExpectedUnsolved);
        check("expect:unsolved", Status::Invalid, Stop::Skipped, Expectation::Failing);
        check("expect:unsolved", Status::Crashed, Stop::Skipped, Expectation::Failing);
    }
}
