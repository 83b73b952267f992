//! Sequences: specifications whose tests give the values of a function of n at consecutive n. The terms themselves say which
//! program to try: closed forms are fitted, not enumerated.
//!
//! Everything here proposes; whether a proposal is right is for the engine to say, and whether it says less than it explains
//! for [`occam`]. No number is copied from an output unless it is paid for there.

mod closed;
mod code;
mod exact;
mod features;
mod holonomic;
mod members;
pub mod occam;
pub mod pool;
mod product;
mod scattered;
mod searched;
mod series;
#[cfg(test)]
mod tests;

use crate::model::{Cell, Strategy};
use crate::validate::Checks;
pub use code::Code;
use std::sync::atomic::AtomicBool;

/// Fewest consecutive terms that make a sequence.
pub const TERMS_MIN: usize = 6;

/// Most terms that rules are fitted to, and that holes are looked up by: a rule that these do not settle is a rare one, and what is
/// fitted is run on all tests anyway. Time and memory grow with them.
const FITTED_MAX: usize = 1_024;
const SEARCHED_MAX: usize = 128;

/// Most first terms that may be exceptions to a rule.
const EXCEPTIONS_MAX: usize = 3;

/// Consecutive values of a function of n.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The n of the first value.
    pub start: Cell,
    /// The values.
    pub values: &'a [Cell],
}

impl<'a> Terms<'a> {
    /// The values in 128 bits, so that sums and products of a few do not wrap.
    fn wide(&self) -> Vec<i128> {
        self.values.iter().map(|x| i128::from(*x)).collect()
    }

    fn wide_at(&self, at: usize) -> i128 {
        i128::from(self.values[at])
    }

    /// Where the first n with n mod `period` = `residue` stands; the period is no longer than the terms.
    fn first_of_residue(&self, period: usize, residue: usize) -> usize {
        (residue as Cell - self.start).rem_euclid(period as Cell) as usize
    }

    /// The first of them, at most so many.
    fn first(&self, n_max: usize) -> Terms<'a> {
        Terms { start: self.start, values: &self.values[..self.values.len().min(n_max)] }
    }

    /// The same without the first terms.
    fn skip(&self, n: usize) -> Terms<'a> {
        Terms { start: self.start + n as Cell, values: &self.values[n..] }
    }
}

/// The longest run of consecutive inputs among the tests of a word with one input and one output.
pub struct Points {
    start: Cell,
    values: Vec<Cell>,
}

impl Points {
    /// The points of a sequence; `None` where the tests are not mostly at consecutive inputs.
    pub fn of(checks: &Checks<'_>) -> Option<Self> {
        let mut points: Vec<(Cell, Cell)> = checks.points().collect();
        if points.len() < TERMS_MIN {
            return None;
        }
        points.sort_unstable();
        points.dedup_by_key(|(n, _)| *n);
        let (mut best, mut at) = (0..0, 0);
        while at < points.len() {
            let mut end = at + 1;
            while end < points.len() && points[end - 1].0.checked_add(1) == Some(points[end].0) {
                end += 1;
            }
            if end - at > best.len() {
                best = at..end;
            }
            at = end;
        }
        let run = &points[best];
        let is_sequence = run.len() >= TERMS_MIN && 2 * run.len() >= points.len();
        is_sequence.then(|| Self { start: run[0].0, values: run.iter().map(|(_, value)| *value).collect() })
    }

    /// The terms.
    pub fn terms(&self) -> Terms<'_> {
        Terms { start: self.start, values: &self.values }
    }
}

/// A program that the terms suggest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guess {
    /// Words that must stand before everything else, because locals may not be declared in a branch; they leave n.
    pub prologue: &'static str,
    /// The body.
    pub code: String,
    /// The bits of its free numbers.
    pub bits: u32,
    /// How many terms it would explain by having been made for them.
    pub parameters: usize,
}

/// A guess with what there is to weigh it.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The body.
    pub code: String,
    /// Where it comes from.
    pub strategy: Strategy,
    /// The name of its kind.
    pub kind: &'static str,
    /// The bits that it says, its kind included.
    pub bits: u32,
    /// The bits that the terms hold.
    pub information: u32,
    /// Terms that it explains beyond its parameters.
    pub surplus: usize,
    /// Whether it is one of many that were looked up, rather than the one that the terms determine.
    pub is_searched: bool,
}

impl Proposal {
    /// Whether it explains clearly more than it says.
    pub fn is_sound(&self) -> bool {
        // What was searched for among many is held to more than what was fitted.
        if self.is_searched {
            return occam::is_borne_out(self.bits, self.information);
        }
        self.surplus >= 3 && 5 * self.bits < 4 * self.information
            || self.surplus >= 1 && 2 * self.bits < self.information
    }
}

/// One kind of rule.
struct Form {
    name: &'static str,
    strategy: Strategy,
    fit: fn(&Terms<'_>) -> Option<Guess>,
}

const fn form(name: &'static str, strategy: Strategy, fit: fn(&Terms<'_>) -> Option<Guess>) -> Form {
    Form { name, strategy, fit }
}

/// The kinds of rules that are fitted, cheapest first.
const FORMS: &[Form] = &[
    form("polynomial", Strategy::ClosedForm, closed::polynomial),
    form("periodic", Strategy::ClosedForm, closed::periodic),
    form("quasi-polynomial", Strategy::ClosedForm, closed::quasi_polynomial),
    form("recurrence", Strategy::ClosedForm, closed::recurrence),
    form("fraction", Strategy::Loop, closed::fraction),
    form("holonomic", Strategy::Loop, holonomic::fit),
    form("product", Strategy::Loop, product::fit),
    form("continued", Strategy::Loop, holonomic::continued),
    form("transform", Strategy::Loop, series::fit),
];

/// Hands what is fitted to the terms to `accept`, what says least first, until it takes one. Returns how many there were.
pub fn propose_fitted(terms: &Terms<'_>, accept: &mut dyn FnMut(&Proposal) -> bool) -> u64 {
    let mut candidates = 0;
    for proposal in fitted(&terms.first(FITTED_MAX)) {
        candidates += 1;
        if accept(&proposal) {
            break;
        }
    }
    candidates
}

/// Hands the polynomial through scattered cases to `accept`, if there is one. Returns how many there were.
pub fn propose_scattered(
    inputs: &[&[Cell]],
    output: &[Cell],
    accept: &mut dyn FnMut(&Proposal) -> bool,
) -> u64 {
    scattered::fit(inputs, output).map_or(0, |proposal| {
        accept(&proposal);
        1
    })
}

/// Hands what is found by filling skeletons to `accept`, until it takes one. Returns how many expressions and properties
/// were weighed; no skeleton is begun after `candidates_max` of them, or once `stop` is set.
pub fn propose_searched(
    terms: &Terms<'_>,
    candidates_max: u64,
    stop: &AtomicBool,
    accept: &mut dyn FnMut(&Proposal) -> bool,
) -> u64 {
    searched::run(&terms.first(SEARCHED_MAX), candidates_max, stop, accept)
}

/// Everything that is fitted to the terms, what says least first.
fn fitted(terms: &Terms<'_>) -> Vec<Proposal> {
    let mut found: Vec<Proposal> = Vec::new();
    let information = occam::information(terms.values);
    let of_steps = occam::of_steps(terms.values);
    for n_exceptions in 0..=EXCEPTIONS_MAX.min(terms.values.len().saturating_sub(TERMS_MIN)) {
        let rest = terms.skip(n_exceptions);
        let exceptions = occam::bits_of(terms.wide()[..n_exceptions].iter().copied());
        let exceptions = exceptions + 2 * n_exceptions as u32;
        for (rank, form) in (1..).zip(FORMS) {
            let Some(guess) = (form.fit)(&rest) else { continue };
            found.push(Proposal {
                code: with_exceptions(terms, n_exceptions, guess.prologue, &guess.code),
                strategy: form.strategy,
                kind: form.name,
                // The kinds in their order, as a number: the first are the most likely.
                bits: guess.bits + exceptions + occam::bits(rank) - 2,
                information: if form.name == "quasi-polynomial" { of_steps } else { information },
                surplus: rest.values.len().saturating_sub(guess.parameters),
                is_searched: false,
            });
        }
    }
    // A plain polynomial or a period that is clearly right is short code; what says less of the same numbers may be a long loop.
    found.sort_by_key(|proposal| (!is_plain(proposal, terms.values.len()), proposal.bits));
    found
}

/// Terms beyond its coefficients that a polynomial must explain to be tried before everything else.
const PLAIN_SURPLUS: usize = 3;

/// How often a period must be seen for that.
const PLAIN_PERIODS: usize = 3;

/// Whether it is a polynomial without exceptions or loops that is sound, and leaves many terms to be explained by few coefficients; or
/// a period that recurs.
fn is_plain(proposal: &Proposal, n_terms: usize) -> bool {
    let is_straight = !proposal.code.split(' ').any(|word| word == "if" || word == "loop");
    let is_clear = match proposal.kind {
        "polynomial" => proposal.surplus >= PLAIN_SURPLUS,
        "periodic" => proposal.surplus * PLAIN_PERIODS >= n_terms * (PLAIN_PERIODS - 1),
        _ => false,
    };
    is_straight && is_clear && proposal.is_sound()
}

/// A rule that holds from some n on, with the values before it.
fn with_exceptions(terms: &Terms<'_>, n: usize, prologue: &str, rule: &str) -> String {
    let mut code = Code::new();
    code.words(prologue);
    for at in 0..n {
        let index = terms.start + at as Cell;
        code.words("dup");
        match index {
            0 => code.words("0="),
            _ => code.number(index.into()).words("="),
        };
        code.words("if drop").number(terms.wide_at(at)).words("else");
    }
    code.words(rule);
    for _ in 0..n {
        code.words("then");
    }
    code.into_text().replace(" n to n ", " ").replace(" i drop ", " ")
}

/// A table of all terms: code for where there are no other inputs.
pub fn table(terms: &Terms<'_>) -> String {
    let mut code = Code::new();
    code.plus(-i128::from(terms.start)).table(&terms.wide());
    code.into_text()
}

/// Code that replaces an index by the value of a table.
fn table_text(values: &[i128]) -> String {
    let mut code = Code::new();
    code.table(values);
    code.into_text()
}
