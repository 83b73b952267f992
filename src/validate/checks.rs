//! What one specification asks of a program, prepared once and then held against every candidate.

use crate::arena::Bump;
use crate::corpus::{Record, Tests};
use crate::model::{Cell, Code, Diagnostic, Lane, Severity};
use crate::spec::expr::Word;
use crate::validate::oracle::Oracles;
use bumpalo::collections::Vec as ArenaVec;
use rustc_hash::{FxBuildHasher, FxHashSet};

/// Most cases of which each is compared with all before it.
const COMPARED_MAX: usize = 1 << 16;

/// A property or oracle could not be checked.
pub const UNCHECKED: Code = Code(73);
/// There is nothing to check a program on.
pub const NOTHING_TO_CHECK: Code = Code(74);

/// Cases of one specification that are put into a cheap order for the search; those after them come in their own order.
const SORTED_MAX: usize = 64;

/// How samples for properties and oracles are made. All of it is in the fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The run's seed.
    pub seed: u64,
    /// Samples for each specification that has properties or values.
    pub samples: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 0, samples: 100 }
    }
}

/// Eight cases, one per lane. Lanes left over repeat a case.
#[derive(Clone, Copy, Debug)]
pub struct Lanes<'a> {
    /// The stack before, bottom to top.
    pub inputs: &'a [Lane],
    /// The stack after, bottom to top.
    pub outputs: &'a [Lane],
}

/// Cases in columns, one for each parameter, all of the same length.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// The stack before, bottom to top.
    pub inputs: &'a [&'a [Cell]],
    /// The stack after, bottom to top.
    pub outputs: &'a [&'a [Cell]],
    /// How many cases there are; not 0.
    pub n_cases: usize,
}

/// What a program must satisfy.
pub struct Checks<'a> {
    pub(super) record: Record<'a>,
    pub(super) sets: &'a [Tests<'a>],
    /// Which case of which set to try first: small inputs run shortest.
    pub(super) order: &'a [(u8, u32)],
    pub(super) oracles: Oracles<'a>,
}

impl<'a> Checks<'a> {
    /// Prepares the checks of a valid record. `merged` are held-out cases that count as tests, `used` the words that it may
    /// call.
    pub fn prepare(
        arena: &'a Bump,
        record: Record<'a>,
        merged: Option<Tests<'a>>,
        used: &[Word<'a>],
        settings: &Settings,
    ) -> Self {
        let sets: &[Tests<'a>] = match merged.filter(|merged| !merged.is_empty()) {
            None => arena.alloc([record.tests()]),
            Some(merged) => arena.alloc([record.tests(), merged]),
        };
        let order = cheapest_first(arena, sets, record.n_inputs());
        let oracles = Oracles::prepare(arena, &record, used, settings);
        Self { record, sets, order, oracles }
    }

    /// The word that is asked for.
    pub fn word(&self) -> &'a str {
        self.record.word().unwrap_or("")
    }

    /// How many cells go in.
    pub fn n_in(&self) -> usize {
        self.record.n_inputs()
    }

    /// How many cells come out.
    pub fn n_out(&self) -> usize {
        self.record.n_outputs()
    }

    /// Whether every test lays plain cells on the stack, so that parameters and cells are the same.
    pub fn is_plain(&self) -> bool {
        self.sets.iter().all(Tests::is_plain)
    }

    /// How many tests there are.
    pub fn n_tests(&self) -> u32 {
        self.sets.iter().map(|set| set.len() as u32).sum()
    }

    /// How many properties and oracles cannot be checked whatever the program.
    pub fn n_unchecked(&self) -> u32 {
        self.oracles.n_unchecked()
    }

    /// Whether there is nothing at all to hold a program against.
    pub fn is_empty(&self) -> bool {
        self.n_tests() == 0 && !self.oracles.can_refute()
    }

    /// How large the inputs of the cheapest test are together; `None` where that is not known.
    pub fn least_inputs(&self) -> Option<u64> {
        let &(set, case) = self.order.first()?;
        let tests = &self.sets[set as usize];
        tests.is_plain().then(|| u64::try_from(weight(tests, self.n_in(), case)).unwrap_or(u64::MAX))
    }

    /// The cheapest tests, at most so many: the stack before, and the stack after. None where tests are not plain cells.
    pub fn cheapest(&self, arena: &'a Bump, n_max: usize) -> &'a [(&'a [Cell], &'a [Cell])] {
        if !self.is_plain() {
            return &[];
        }
        let order = &self.order[..self.order.len().min(n_max)];
        arena.alloc_slice_fill_iter(order.iter().map(|(set, case)| {
            let (tests, case) = (&self.sets[*set as usize], *case as usize);
            let inputs = arena.alloc_slice_fill_with(self.n_in(), |param| tests.input(case, param));
            let outputs = arena.alloc_slice_fill_with(self.n_out(), |param| tests.output(case, param));
            (&*inputs, &*outputs)
        }))
    }

    /// Findings about the checks themselves.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut found = self.oracles.diagnostics();
        if self.is_empty() {
            let message = "there is neither a test case nor a property or value to check a program on";
            found.push(
                Diagnostic::new(NOTHING_TO_CHECK, Severity::Warning, message)
                    .suggest("add \"test_cases\": [{\"input\": […], \"output\": […]}]"),
            );
        }
        found
    }

    /// Eight cases in lanes, tests first, then oracle samples; `None` where cases are not plain cells or there are none.
    /// The lanes are spread over the cases so that they differ as much as can be.
    pub fn lanes(&self, arena: &'a Bump) -> Option<Lanes<'a>> {
        if self.sets.iter().any(|set| !set.is_plain()) {
            return None;
        }
        let n_samples = if self.oracles.is_complete() { self.oracles.samples().len() } else { 0 };
        let n_tests = self.n_tests() as usize;
        let n_cases = n_tests + n_samples;
        if n_cases == 0 {
            return None;
        }
        let mut inputs = ArenaVec::from_iter_in(std::iter::repeat_n([0; 8], self.n_in()), arena);
        let mut outputs = ArenaVec::from_iter_in(std::iter::repeat_n([0; 8], self.n_out()), arena);
        for lane in 0..8 {
            let case = if n_cases <= 8 { lane % n_cases } else { lane * (n_cases - 1) / 7 };
            for (param, column) in inputs.iter_mut().enumerate() {
                column[lane] =
                    self.case_cell(case, |tests, at| tests.input(at, param), |sample| sample.inputs[param]);
            }
            for (param, column) in outputs.iter_mut().enumerate() {
                column[lane] =
                    self.case_cell(case, |tests, at| tests.output(at, param), |sample| sample.outputs[param]);
            }
        }
        Some(Lanes { inputs: inputs.into_bump_slice(), outputs: outputs.into_bump_slice() })
    }

    /// The tests, then the oracle samples, each once: a case that is repeated tells nothing new.
    fn distinct_cases(&self, arena: &'a Bump) -> ArenaVec<'a, usize> {
        let n_samples = if self.oracles.is_complete() { self.oracles.samples().len() } else { 0 };
        let n_all = self.n_tests() as usize + n_samples;
        let mut seen = FxHashSet::with_capacity_and_hasher(n_all.min(COMPARED_MAX), FxBuildHasher);
        let mut is_new = |case: &usize| {
            let cell = |param: usize| match param.checked_sub(self.n_in()) {
                None => {
                    self.case_cell(*case, |tests, at| tests.input(at, param), |sample| sample.inputs[param])
                }
                Some(param) => {
                    self.case_cell(*case, |tests, at| tests.output(at, param), |sample| sample.outputs[param])
                }
            };
            seen.insert(&*arena.alloc_slice_fill_with(self.n_in() + self.n_out(), cell))
        };
        ArenaVec::from_iter_in((0..n_all).filter(|case| *case >= COMPARED_MAX || is_new(case)), arena)
    }

    /// At most so many distinct cases in columns, tests first, then oracle samples; `None` where cases are not plain cells or there
    /// are none. Where there are more, those taken are spread over all.
    pub fn columns(&self, arena: &'a Bump, cases_max: usize) -> Option<Columns<'a>> {
        if self.sets.iter().any(|set| !set.is_plain()) {
            return None;
        }
        let distinct = self.distinct_cases(arena);
        let n_all = distinct.len();
        let n_cases = n_all.min(cases_max);
        if n_cases == 0 {
            return None;
        }
        let case = |at: usize| {
            distinct[if n_all <= cases_max { at } else { at * (n_all - 1) / (n_cases - 1).max(1) }]
        };
        let inputs = arena.alloc_slice_fill_with(self.n_in(), |param| {
            &*arena.alloc_slice_fill_with(n_cases, |at| {
                self.case_cell(case(at), |tests, at| tests.input(at, param), |sample| sample.inputs[param])
            })
        });
        let outputs = arena.alloc_slice_fill_with(self.n_out(), |param| {
            &*arena.alloc_slice_fill_with(n_cases, |at| {
                self.case_cell(case(at), |tests, at| tests.output(at, param), |sample| sample.outputs[param])
            })
        });
        Some(Columns { inputs, outputs, n_cases })
    }

    fn case_cell(
        &self,
        case: usize,
        of_test: impl FnOnce(&Tests<'a>, usize) -> Cell,
        of_sample: impl FnOnce(&super::oracle::Sample<'a>) -> Cell,
    ) -> Cell {
        let mut at = case;
        for set in self.sets {
            if at < set.len() {
                return of_test(set, at);
            }
            at -= set.len();
        }
        of_sample(&self.oracles.samples()[at])
    }

    /// Input and output of every test of a word with one cell in and one cell out, in their own order; none where tests are
    /// not plain cells.
    pub fn points(&self) -> impl Iterator<Item = (Cell, Cell)> + '_ {
        let is_plain = self.n_in() == 1 && self.n_out() == 1 && self.sets.iter().all(Tests::is_plain);
        let sets = if is_plain { self.sets } else { &[] };
        sets.iter().flat_map(|set| (0..set.len()).map(|case| (set.input(case, 0), set.output(case, 0))))
    }

    /// The outputs of all tests, one column for each cell that comes out, in the order of the inputs, repeated tests once; `None` where
    /// tests are not plain cells.
    pub fn outputs(&self) -> Option<Vec<Vec<Cell>>> {
        if !self.sets.iter().all(Tests::is_plain) {
            return None;
        }
        let mut cases: Vec<(&Tests<'_>, usize)> =
            self.sets.iter().flat_map(|set| (0..set.len()).map(move |case| (set, case))).collect();
        let inputs = |(set, case): &(&Tests<'_>, usize)| {
            (0..self.n_in()).map(|param| set.input(*case, param)).collect::<Vec<_>>()
        };
        cases.sort_by_key(inputs);
        cases.dedup_by_key(|case| inputs(case));
        let column = |param| cases.iter().map(|(set, case)| set.output(*case, param)).collect();
        Some((0..self.n_out()).map(column).collect())
    }

    /// Least and greatest value of each input over all tests and samples; nothing is known of cases that are not plain.
    pub fn input_ranges(&self, arena: &'a Bump) -> &'a [(Cell, Cell)] {
        let whole = (Cell::MIN, Cell::MAX);
        let ranges = arena.alloc_slice_fill_copy(self.n_in(), (Cell::MAX, Cell::MIN));
        for (param, range) in ranges.iter_mut().enumerate() {
            for set in self.sets {
                if !set.is_plain() {
                    *range = whole;
                } else if !set.is_empty() {
                    widen(range, set.input_lanes(param).as_flattened());
                }
            }
            for sample in self.oracles.samples() {
                widen(range, &[sample.inputs[param]]);
            }
            if range.0 > range.1 {
                *range = whole;
            }
        }
        ranges
    }
}

fn widen(range: &mut (Cell, Cell), cells: &[Cell]) {
    for cell in cells {
        range.0 = range.0.min(*cell);
        range.1 = range.1.max(*cell);
    }
}

/// How large the inputs of a case are together; nothing where it is not plain.
fn weight(tests: &Tests<'_>, n_in: usize, case: u32) -> u128 {
    if !tests.is_plain() {
        return 0;
    }
    (0..n_in).map(|param| u128::from(tests.input(case as usize, param).unsigned_abs())).sum()
}

/// The first cases sorted by the size of their inputs, the others in their own order.
fn cheapest_first<'a>(arena: &'a Bump, sets: &[Tests<'a>], n_in: usize) -> &'a [(u8, u32)] {
    let n_cases: usize = sets.iter().map(Tests::len).sum();
    let mut order = ArenaVec::with_capacity_in(n_cases, arena);
    for (set, tests) in (0u8..).zip(sets) {
        order.extend((0..tests.len() as u32).map(|case| (set, case)));
    }
    let weight = |&(set, case): &(u8, u32)| weight(&sets[set as usize], n_in, case);
    let sorted = order.len().min(SORTED_MAX);
    // By insertion: the slice is short and mostly in order already, and nothing is allocated.
    for at in 1..sorted {
        let mut to = at;
        while to > 0 && weight(&order[to - 1]) > weight(&order[to]) {
            order.swap(to - 1, to);
            to -= 1;
        }
    }
    order.into_bump_slice()
}
