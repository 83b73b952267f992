//! Composition over a frozen library: its words are run on the inputs of the tests, and what they give is looked up like
//! any other operand: a word of an expression, two of them under an operator, one after the other, the sum of one over all
//! n so far. The words that a program uses stand before it in what is written out.

use super::{Candidate, accepts_program, goal_of, is_interrupted, leave_to_last_round};
use crate::model::{Cell, Strategy};
use crate::profile::{self, Stage};
use crate::synth::constants;
use crate::synth::emit;
use crate::synth::expr::{Exprs, schedule};
use crate::synth::frozen::{Frozen, FrozenWord};
use crate::synth::sequence::occam::{self, Weight, choice};
use crate::synth::sequence::pool::{Meet, Pool};
use crate::synth::sequence::{Code, Terms};
use crate::synth::solve::{Found, Problem, Settings, Tools, define};
use crate::validate::{self, Program, Text};

/// Most cases that words are run on; a program is run on all.
const ROWS_MAX: usize = 40;

/// Fuel that all runs of the words may take, for each candidate of the budget, and that of one run.
const FUEL_OF_CANDIDATE: u64 = 20;
const RUN_FUEL_MAX: u64 = 2_000;

/// Fuel that counts as one candidate.
const CANDIDATE_FUEL: u64 = 200;

/// Bits of choosing a kind of composition.
const KIND_BITS: u32 = 3;

/// Bits of an argument that is not plainly an input.
const ARGUMENT_BITS: u32 = 4;

/// Entries of the pool before the words come in, and most of them.
const ENTRIES_MAX: usize = 20_000;

/// An argument of a word: an input, changed a little, or a small number.
#[derive(Clone, Copy)]
struct Argument {
    /// Which input, from the bottom; none for a number.
    input: Option<usize>,
    code: &'static str,
    eval: fn(Cell) -> Cell,
}

/// Code of one value from one, and what it does.
type Change = (&'static str, fn(Cell) -> Cell);

/// What may be done to an input on the way: `( n -- m )`.
const CHANGES: [Change; 5] = [
    ("", |n| n),
    ("1+", |n| n.wrapping_add(1)),
    ("1-", |n| n.wrapping_sub(1)),
    ("2*", |n| n.wrapping_shl(1)),
    ("dup *", |n| n.wrapping_mul(n)),
];

const NUMBERS: [Change; 3] = [("2", |_| 2), ("3", |_| 3), ("10", |_| 10)];

/// What one or two words give on all rows.
struct Leaf<'f> {
    arguments: Vec<Argument>,
    words: Vec<&'f FrozenWord>,
    column: Vec<Cell>,
    bits: u32,
}

impl Leaf<'_> {
    fn calls(&self) -> String {
        self.words.iter().map(|word| word.call.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Whether it takes one cell, and that is the only input of a word with one.
    fn is_simple(&self) -> bool {
        matches!(self.arguments[..], [Argument { input: Some(0), .. }])
    }
}

/// The smallest composition that explains clearly more than it says; another one becomes doubtful.
pub(super) fn compositions<'a>(
    tools: &mut Tools<'_, 'a>,
    problem: &Problem<'_, 'a>,
    settings: &Settings,
    terms: Option<&Terms<'_>>,
    doubtful: &mut Option<Candidate<'a>>,
    found: &mut Found<'a>,
) -> Option<Candidate<'a>> {
    let frozen = problem.frozen.filter(|frozen| !frozen.words().is_empty())?;
    if leave_to_last_round(tools, found) {
        return None;
    }
    let _stage = profile::stage(Stage::Enumeration);
    let (inputs, target) = rows(tools, problem, terms)?;
    let fuel = settings.candidates_max.saturating_mul(FUEL_OF_CANDIDATE);
    let mut runner = Runner { frozen, inputs: &inputs, fuel_left: fuel };
    let leaves = runner.leaves(tools, settings);
    found.candidates += (fuel - runner.fuel_left) / CANDIDATE_FUEL;
    let mut pool = Pool::new(target.len());
    for (number, column) in inputs.iter().enumerate() {
        pool.leaf(number, column, 0);
    }
    pool.constants();
    for _ in 0..2 {
        pool.grow(ENTRIES_MAX, ENTRIES_MAX as u64 * 4);
    }
    for (number, leaf) in leaves.iter().enumerate() {
        pool.leaf(inputs.len() + number, &leaf.column, leaf.bits);
    }
    let mut offers: Vec<(u32, String, Vec<usize>)> = Vec::new();
    if let Some((meet, bits)) = pool.meet(&target) {
        let body = Body { pool: &pool, leaves: &leaves, n_in: inputs.len(), meet };
        offers.push((bits + KIND_BITS, body.straight(), body.words()));
    }
    if let Some(terms) = terms {
        let differences: Vec<Cell> = (0..target.len())
            .map(|at| if at == 0 { target[0] } else { target[at].wrapping_sub(target[at - 1]) })
            .collect();
        if let Some((meet, bits)) = pool.meet(&differences) {
            let body = Body { pool: &pool, leaves: &leaves, n_in: 1, meet };
            offers.extend(body.summed(terms.start).map(|code| (bits + KIND_BITS, code, body.words())));
        }
    }
    found.candidates += pool.tried;
    // What uses no word of the library was found before.
    offers.retain(|(_, code, words)| !words.is_empty() && !code.is_empty());
    offers.sort_by_key(|(bits, ..)| *bits);
    let information = occam::information(&target);
    let mentioned = constants::mentioned(tools.arena, &problem.record);
    for (bits, code, words) in offers {
        let is_sound = 5 * bits < 3 * information;
        let is_better = doubtful.as_ref().is_none_or(|other| bits < other.weight.bits);
        if !(is_sound || is_better && bits < information) {
            continue;
        }
        let mut helpers: Vec<&str> = Vec::new();
        for word in words.iter().flat_map(|leaf| &leaves[*leaf].words) {
            if !helpers.contains(&word.code.as_str()) {
                helpers.push(&word.code);
            }
        }
        let body = &*tools.arena.alloc_str(&code);
        let helpers = &*tools.arena.alloc_str(&helpers.join("\n"));
        let made = define(tools.arena, problem, body);
        let text = &*tools.arena.alloc_str(&format!("{helpers}\n{}", made.text));
        let program =
            Program { prelude: problem.prelude, word: problem.checks.word(), text: Text::Source(text) };
        if !accepts_program(tools, problem, program, || text, found) {
            continue;
        }
        let candidate = Candidate {
            body,
            helpers,
            size: emit::size(text, mentioned),
            strategy: Strategy::Composition,
            template: None,
            weight: Weight { bits, information, is_sound },
            verdict: None,
        };
        if is_sound {
            return Some(candidate);
        }
        *doubtful = Some(candidate);
    }
    None
}

/// Columns of the inputs, and the outputs: the terms of a sequence in order, else the first cases.
fn rows(
    tools: &Tools<'_, '_>,
    problem: &Problem<'_, '_>,
    terms: Option<&Terms<'_>>,
) -> Option<(Vec<Vec<Cell>>, Vec<Cell>)> {
    if let Some(terms) = terms {
        let n = terms.values.len().min(ROWS_MAX);
        return Some((vec![(terms.start..).take(n).collect()], terms.values[..n].to_vec()));
    }
    let goal = goal_of(tools, problem)?;
    let [target] = goal.outputs else { return None };
    let n = goal.n_tests.min(ROWS_MAX);
    Some((goal.inputs.iter().map(|column| column[..n].to_vec()).collect(), target[..n].to_vec()))
}

struct Runner<'f, 'i> {
    frozen: &'f Frozen,
    inputs: &'i [Vec<Cell>],
    fuel_left: u64,
}

impl<'f> Runner<'f, '_> {
    /// What the words give on the inputs, on inputs changed a little, and on each other's results, as far as the fuel goes.
    fn leaves(&mut self, tools: &mut Tools<'_, '_>, settings: &Settings) -> Vec<Leaf<'f>> {
        tools.engine.set_fuel(settings.search_fuel.min(RUN_FUEL_MAX));
        let word_bits = choice(self.frozen.words().len()) + 1;
        let mut leaves = Vec::new();
        let passes = self.frozen.words().iter().map(|word| (word, false));
        for (word, is_changed) in passes.chain(self.frozen.words().iter().map(|word| (word, true))) {
            if self.fuel_left == 0 || is_interrupted(tools) {
                break;
            }
            let Some(mut run) = Loaded::new(tools, word) else { continue };
            for arguments in self.arguments(word.inputs) {
                let changed = arguments.iter().filter(|it| it.input.is_none() || !it.code.is_empty()).count();
                if is_changed != (changed > 0) {
                    continue;
                }
                let columns: Vec<Vec<Cell>> = arguments.iter().map(|it| self.column(*it)).collect();
                let Some(column) = run.column(tools, &columns, &mut self.fuel_left) else { continue };
                let bits = word_bits + ARGUMENT_BITS * changed as u32;
                leaves.push(Leaf { arguments, words: vec![word], column, bits });
            }
        }
        let n_first = leaves.len();
        for word in self.frozen.words().iter().filter(|word| word.inputs == 1) {
            if self.fuel_left == 0 || is_interrupted(tools) {
                break;
            }
            let Some(mut run) = Loaded::new(tools, word) else { continue };
            for inner in 0..n_first {
                let columns = [leaves[inner].column.clone()];
                let Some(column) = run.column(tools, &columns, &mut self.fuel_left) else { continue };
                let inner = &leaves[inner];
                let words = inner.words.iter().copied().chain([word]).collect();
                let (arguments, bits) = (inner.arguments.clone(), inner.bits + word_bits);
                leaves.push(Leaf { arguments, words, column, bits });
            }
        }
        tools.engine.set_fuel(tools.fuel);
        leaves
    }

    /// The arguments that a word of so many inputs is run on.
    fn arguments(&self, n: usize) -> Vec<Vec<Argument>> {
        let n_in = self.inputs.len();
        let plain = |input| Argument { input: Some(input), code: "", eval: CHANGES[0].1 };
        if n == 1 {
            let changed = CHANGES.iter().flat_map(|(code, eval)| {
                (0..n_in).map(|input| vec![Argument { input: Some(input), code, eval: *eval }])
            });
            return changed.collect();
        }
        let mut all: Vec<Vec<Argument>> = Vec::new();
        for a in 0..n_in {
            all.extend((0..n_in).filter(|b| *b != a).map(|b| vec![plain(a), plain(b)]));
            for (code, eval) in NUMBERS {
                let number = Argument { input: None, code, eval };
                all.extend([vec![plain(a), number], vec![number, plain(a)]]);
            }
        }
        all
    }

    fn column(&self, argument: Argument) -> Vec<Cell> {
        self.inputs[argument.input.unwrap_or(0)].iter().map(|cell| (argument.eval)(*cell)).collect()
    }
}

/// A word in the engine.
struct Loaded {
    xt: crate::forth::Xt,
}

impl Loaded {
    fn new(tools: &mut Tools<'_, '_>, word: &FrozenWord) -> Option<Self> {
        let program = Program { prelude: "", word: &word.call, text: Text::Source(&word.code) };
        validate::load(tools.engine, &program).ok().map(|xt| Self { xt })
    }

    /// What it gives on each row; `None` where it fails on one.
    fn column(
        &mut self,
        tools: &mut Tools<'_, '_>,
        arguments: &[Vec<Cell>],
        fuel_left: &mut u64,
    ) -> Option<Vec<Cell>> {
        let n_rows = arguments[0].len();
        let mut column = Vec::with_capacity(n_rows);
        let mut inputs = Vec::with_capacity(arguments.len());
        for row in 0..n_rows {
            if *fuel_left == 0 {
                return None;
            }
            inputs.clear();
            inputs.extend(arguments.iter().map(|column| column[row]));
            let ran = tools.engine.execute(self.xt, &inputs);
            // Calling and clearing away cost as much as a few words.
            *fuel_left = fuel_left.saturating_sub(tools.engine.fuel_used() + 20);
            ran.ok()?;
            match tools.engine.stack() {
                [value] => column.push(*value),
                _ => return None,
            }
        }
        Some(column)
    }
}

/// An expression over inputs and what words gave, on its way to a body.
struct Body<'b, 'f> {
    pool: &'b Pool,
    leaves: &'b [Leaf<'f>],
    n_in: usize,
    meet: Meet,
}

impl Body<'_, '_> {
    /// The leaves that are results of words.
    fn words(&self) -> Vec<usize> {
        let all = self.pool.leaves(self.meet);
        all.into_iter().filter_map(|leaf| leaf.checked_sub(self.n_in)).collect()
    }

    fn express(&self, n: usize, position: &dyn Fn(usize) -> usize) -> String {
        let mut exprs = Exprs::new(n);
        let root = self.pool.express(self.meet, &mut exprs, position);
        schedule(&exprs, &[root])
    }

    /// Code over the inputs on the stack.
    fn straight(&self) -> String {
        let words = self.words();
        let mut code = Code::new();
        let uses_inputs = self.pool.leaves(self.meet).first().is_some_and(|leaf| *leaf < self.n_in);
        let is_simple = self.n_in == 1 && words.iter().all(|leaf| self.leaves[*leaf].is_simple());
        let place = |leaf: usize| words.iter().position(|word| word + self.n_in == leaf);
        if is_simple && !uses_inputs && words.len() <= 2 {
            // The input is used up by the last word.
            for (at, leaf) in words.iter().enumerate() {
                let leaf = &self.leaves[*leaf];
                code.words(match (at, words.len()) {
                    (0, 2) => "dup",
                    (1, _) => "swap",
                    _ => "",
                });
                code.words(leaf.arguments[0].code).words(&leaf.calls());
            }
            code.words(&self.express(words.len(), &|leaf| place(leaf).unwrap_or(0)));
            return code.into_text();
        }
        for (at, leaf) in words.iter().enumerate() {
            let leaf = &self.leaves[*leaf];
            for (above, argument) in leaf.arguments.iter().enumerate() {
                if let Some(input) = argument.input {
                    match self.n_in - 1 - input + at + above {
                        0 => code.words("dup"),
                        1 => code.words("over"),
                        depth => code.number(depth as i128).words("pick"),
                    };
                }
                code.words(argument.code);
            }
            code.words(&leaf.calls());
        }
        let position = |leaf: usize| place(leaf).map_or(leaf, |at| self.n_in + at);
        code.words(&self.express(self.n_in + words.len(), &position));
        code.into_text()
    }

    /// Code that sums it over all n so far.
    fn summed(&self, start: Cell) -> Option<String> {
        let words = self.words();
        let uses_n = self.pool.leaves(self.meet).first() == Some(&0);
        let mut code = Code::new();
        code.words("0 swap 1+").number(start.into()).words("?do");
        if uses_n {
            code.words("i");
        }
        for leaf in &words {
            let leaf = &self.leaves[*leaf];
            for argument in &leaf.arguments {
                code.words(if argument.input.is_some() { "i" } else { "" }).words(argument.code);
            }
            code.words(&leaf.calls());
        }
        let position = |leaf: usize| {
            let place = words.iter().position(|word| word + self.n_in == leaf);
            place.map_or(0, |at| usize::from(uses_n) + at)
        };
        let joined = self.express(usize::from(uses_n) + words.len(), &position);
        code.words(&joined).words("+ loop");
        // Locals may not be declared in a loop.
        (!joined.contains("{:")).then(|| code.into_text())
    }
}
