//! Expressions and decision trees over them, from a bank.
//!
//! The bank grows size by size on a few tests, the lanes. What is right on all lanes is held against all tests; a test that
//! it fails becomes a lane, and the bank starts again. What is right on some tests is kept as a term, what holds on some as a
//! predicate; once the terms together are right on every test, the smallest tree of them is looked for, and enumeration goes
//! on for a while for a smaller one. Tests that no term reaches become lanes of another round.
//!
//! Constants come from the vocabulary alone, never from outputs, and a tree has few leaves for its tests: see
//! [`leaves_max`].

use crate::model::Cell;
use crate::synth::bank::kernel::{Column, Marks};
use crate::synth::bank::shared::{Key, Reader, Recipe, SharedBanks};
use crate::synth::bank::{Bank, Filled, Vocabulary};
use crate::synth::enumerate::{Answer, Ended};
use crate::synth::expr::{ExprId, Exprs, Op};
use crate::synth::tree::{self, Choices, Limits, Tree, bits};
use crate::synth::tried::BankSize;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::atomic::{AtomicBool, Ordering};

/// Candidates after the first tree, in search of a smaller one.
const REFINING: u64 = 20_000;

/// Candidates of one round after which tests that no term reaches become lanes.
const ROUND: u64 = 120_000;

/// This part of the candidates is left for looking up what an operator would join to the goal.
const MEETING_SHARE: u64 = 4;

/// Pairs are tried again and again, at each size, in banks up to this length.
const MEETING_MAX: usize = 100_000;

/// Bits that the tests must hold beyond those of a program, so that it is not right by chance.
const MARGIN: u64 = 8;

/// Splits that are followed at one node of a tree, and nodes that are looked at, after each size.
const QUICK: (usize, usize) = (4, 300);

/// The same when nothing was found until the end.
const THOROUGH: (usize, usize) = (8, 4000);

/// Most rounds.
const ROUNDS_MAX: usize = 8;

/// Entries with the same lanes that are held against all tests.
const SAME_LANES_MAX: u32 = 4;

/// Most terms, and most predicates, that are kept.
const CHOICES_MAX: usize = 4096;

/// Most expressions of one bank.
pub const ENTRIES_MAX: usize = 1 << 20;

/// Banks that hold more than this are given back after each search.
const KEPT_BYTES: usize = 32 << 20;

/// Most leaves of a tree on so many tests: one that has more remembers rather than explains.
pub fn leaves_max(n_tests: usize) -> usize {
    (n_tests / 3).max(2)
}

/// What is asked: columns of inputs and outputs, all of the same length.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'g> {
    /// One column for each input, bottom to top.
    pub inputs: &'g [&'g [Cell]],
    /// One column for each output, bottom to top.
    pub outputs: &'g [&'g [Cell]],
    /// How many tests there are; not 0.
    pub n_tests: usize,
}

/// When the condition of a split holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Where an expression is 1.
    IsOne,
    /// Where a flag is true.
    Flag,
}

/// One attempt.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it is called.
    pub name: &'static str,
    /// What expressions are made of.
    pub vocabulary: Vocabulary,
    /// How conditions are made of expressions; `None` for no trees.
    pub condition: Option<Condition>,
    /// Whether pairs that one operator joins to the goal are looked for after each size, or only after the last.
    pub meets: bool,
    /// Most candidates.
    pub candidates_max: u64,
    /// Most candidates of this attempt for any specification: at least as many.
    pub shared_max: u64,
    /// Most entries of the bank.
    pub entries_max: usize,
    /// Where nothing is found and the next size would take more candidates than this, the attempt is left. Until then it does
    /// not depend on it.
    pub leave_after: u64,
}

/// A program that is right on all tests.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'o> {
    /// Where its expressions stand.
    pub exprs: &'o Exprs,
    /// One for each output.
    pub roots: &'o [ExprId],
    /// Leaves of its tree; 1 for a plain expression.
    pub n_leaves: usize,
    /// The bits that it takes to write down.
    pub bits: u64,
    /// The bits that it explains: of the outputs of all tests, or of which test goes to which leaf.
    pub information: u64,
    /// It takes more bits to write down than the tests hold, or its predicates take more than they explain.
    pub overfit_risk: bool,
}

/// Numbers of at least this size are taken for bit patterns.
const PATTERN_MIN: u64 = 1 << 40;

impl Goal<'_> {
    /// Whether the inputs are bit patterns rather than numbers: large ones in at least a quarter of the tests.
    pub fn is_patterns(&self) -> bool {
        let is_pattern =
            |test: &usize| self.inputs.iter().any(|column| column[*test].unsigned_abs() >= PATTERN_MIN);
        (0..self.n_tests).filter(is_pattern).count() * 4 >= self.n_tests
    }

    /// How many bits the outputs hold, at most: each number written down, or where few different ones recur, each of those
    /// once and for every test which.
    pub fn information(&self) -> u64 {
        let written = |cell: Cell| u64::from(65 - cell.unsigned_abs().leading_zeros());
        let column = |cells: &&[Cell]| {
            let all: u64 = cells.iter().map(|cell| written(*cell)).sum();
            let mut distinct: Vec<Cell> = cells.to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            let once: u64 = distinct.iter().map(|cell| written(*cell)).sum();
            all.min(once + ((cells.len() as u64 * tree::log2(distinct.len() as u32)) >> 16))
        };
        self.outputs.iter().map(column).sum()
    }
}

/// Memory that attempts reuse.
#[derive(Default)]
pub struct Conquer {
    narrow: Option<Box<Attempt<8>>>,
    wide: Option<Box<Attempt<16>>>,
    last: BankSize,
}

impl Conquer {
    /// Most bytes that a search of so many candidates holds: the columns of 16 lanes, how each was made, its place in the
    /// table (twice while that grows), and its marks.
    pub fn bytes_max(candidates_max: u64) -> u64 {
        const ENTRY_BYTES: usize = Bank::<16>::ENTRY_BYTES + size_of::<Marks>();
        candidates_max.min(ENTRIES_MAX as u64) * ENTRY_BYTES as u64 + KEPT_BYTES as u64
    }

    /// Gives large banks back, and those that are shared.
    pub fn release(&mut self) {
        self.narrow.take_if(|attempt| attempt.bank.own_bytes() > KEPT_BYTES);
        self.wide.take_if(|attempt| attempt.bank.own_bytes() > KEPT_BYTES);
        self.narrow.iter_mut().for_each(|attempt| attempt.bank.give_back());
        self.wide.iter_mut().for_each(|attempt| attempt.bank.give_back());
    }

    /// Looks for the smallest program of the plan's vocabulary; those that are right on the tests go to `accept`, the
    /// smallest first. Returns why it ended, and how many candidates it tried. Whether a bank is shared makes no difference.
    pub fn run(
        &mut self,
        goal: Goal<'_>,
        plan: &Plan,
        banks: Option<&SharedBanks>,
        stop: &AtomicBool,
        accept: &mut dyn FnMut(Offer<'_>) -> Answer,
    ) -> (Ended, u64) {
        assert!(plan.candidates_max <= plan.shared_max, "a shared bank goes that far, and no farther");
        if goal.n_tests <= 8 {
            let attempt = self.narrow.get_or_insert_default();
            let ended = attempt.run(goal, plan, banks, stop, accept);
            self.last = attempt.size();
            ended
        } else {
            let attempt = self.wide.get_or_insert_default();
            let ended = attempt.run(goal, plan, banks, stop, accept);
            self.last = attempt.size();
            ended
        }
    }

    /// What the last attempt ended with.
    pub fn last(&self) -> BankSize {
        self.last
    }
}

/// The bank that an attempt begins with.
pub fn first_bank(goal: Goal<'_>, plan: &Plan) -> Key {
    fn key<const L: usize>(goal: Goal<'_>, plan: &Plan) -> Key {
        let mut lanes = Vec::new();
        choose_lanes::<L>(goal, &[], &mut lanes);
        let inputs: Vec<Column<L>> = goal.inputs.iter().map(|cells| gather(cells, &lanes)).collect();
        recipe(&inputs, plan).key()
    }
    if goal.n_tests <= 8 { key::<8>(goal, plan) } else { key::<16>(goal, plan) }
}

fn recipe<'r, const L: usize>(inputs: &'r [Column<L>], plan: &'r Plan) -> Recipe<'r, L> {
    let Plan { vocabulary, shared_max, entries_max, .. } = plan;
    Recipe { inputs, vocabulary, candidates_max: *shared_max, entries_max: *entries_max }
}

/// The wanted tests first, then others spread over all; every test where there are lanes enough.
fn choose_lanes<const L: usize>(goal: Goal<'_>, wanted: &[usize], lanes: &mut Vec<usize>) {
    let n = goal.n_tests;
    lanes.clear();
    if n <= L {
        lanes.extend((0..L).map(|lane| lane % n));
        return;
    }
    lanes.extend(wanted.iter().take(L).copied());
    let mut at = 0;
    while lanes.len() < L {
        // The golden ratio's steps fill evenly, whatever their number.
        let test = if at < L { at * (n - 1) / (L - 1) } else { at * 0x9E37_79B1 % n };
        if !lanes.contains(&test) {
            lanes.push(test);
        }
        at += 1;
    }
}

fn gather<const L: usize>(cells: &[Cell], lanes: &[usize]) -> Column<L> {
    Column(std::array::from_fn(|lane| cells[lanes[lane]]))
}

/// The greatest size of a program that takes no more bits to write down than the tests hold: a larger one explains nothing.
/// Masked bits are given twice as many, because there the shape of the program is known.
fn affordable(goal: Goal<'_>, plan: &Plan) -> u32 {
    let of_a_hundred = plan.vocabulary.bits(goal.inputs.len(), 100).max(1);
    let times = if plan.condition == Some(Condition::IsOne) { 2 } else { 1 };
    (goal.information() * times * 100 / of_a_hundred).min(1 << 20) as u32
}

/// One attempt on L lanes.
#[derive(Default)]
struct Attempt<const L: usize> {
    bank: Reader<L>,
    exprs: Exprs,
    marks: Vec<Marks>,
    /// The test of each lane.
    lanes: Vec<usize>,
    terms: Kept,
    predicates: Kept,
    /// Tests on which some term is right.
    reached: Vec<u64>,
    best: Option<Best>,
    spent: u64,
    /// The greatest size of a program that the tests can bear out.
    affordable: u32,
    n_rounds: usize,
    /// What of this round's candidates were pairs.
    looked_up: u64,
    scanned: usize,
    /// How many entries there were when pairs were last tried.
    met: usize,
}

struct Best {
    cost: u32,
    what: What,
    /// Candidates when the first tree was found.
    found_at: u64,
}

enum What {
    Plain(ExprId),
    Tree(Tree),
}

/// Terms or predicates with the expressions that they are.
#[derive(Default)]
struct Kept {
    choices: Choices,
    exprs: Vec<ExprId>,
    sets: FxHashSet<Box<[u64]>>,
    /// How often lanes were seen in this round.
    lanes: FxHashMap<u32, u32>,
}

impl Kept {
    fn reset(&mut self, n_tests: usize) {
        self.choices.reset(n_tests);
        self.exprs.clear();
        self.sets.clear();
        self.lanes.clear();
    }

    /// Whether an entry with these lanes is still worth a look.
    fn wants(&mut self, lanes: u32, same_max: u32) -> bool {
        if self.choices.len() >= CHOICES_MAX {
            return false;
        }
        let seen = self.lanes.entry(lanes).or_insert(0);
        *seen += 1;
        *seen <= same_max
    }

    fn keep(&mut self, set: Vec<u64>, cost: u32, expr: ExprId) -> bool {
        let is_new = bits::count(&set) > 0 && self.sets.insert(set.clone().into_boxed_slice());
        if is_new {
            self.choices.push(&set, cost);
            self.exprs.push(expr);
        }
        is_new
    }
}

/// What a round came to.
enum Round {
    Ended(Ended),
    /// These tests must be among the lanes of the next round.
    Again(Vec<usize>),
}

impl<const L: usize> Attempt<L> {
    fn run(
        &mut self,
        goal: Goal<'_>,
        plan: &Plan,
        banks: Option<&SharedBanks>,
        stop: &AtomicBool,
        accept: &mut dyn FnMut(Offer<'_>) -> Answer,
    ) -> (Ended, u64) {
        self.exprs.reset(goal.inputs.len());
        self.terms.reset(goal.n_tests);
        self.predicates.reset(goal.n_tests);
        self.reached.clear();
        self.reached.resize(bits::width(goal.n_tests), 0);
        self.best = None;
        self.spent = 0;
        self.affordable = affordable(goal, plan);
        let mut wanted = Vec::new();
        let mut ended = Ended::Exhausted;
        self.n_rounds = 0;
        for _ in 0..ROUNDS_MAX {
            self.n_rounds += 1;
            choose_lanes::<L>(goal, &wanted, &mut self.lanes);
            // Only the first lanes are those of others as well.
            let banks = banks.filter(|_| self.n_rounds == 1);
            match self.round(goal, plan, banks, stop, accept) {
                Round::Ended(why) => {
                    ended = why;
                    break;
                }
                Round::Again(tests) => wanted = tests,
            }
        }
        if self.best.is_none() && ended == Ended::Budget {
            self.find_tree(goal, plan, THOROUGH);
        }
        if !matches!(ended, Ended::Accepted | Ended::Interrupted | Ended::Left)
            && self.offer_best(goal, plan, accept)
        {
            ended = Ended::Accepted;
        }
        (ended, self.spent)
    }

    fn size(&self) -> BankSize {
        BankSize {
            expressions: self.bank.view().len(),
            size: self.bank.view().size(),
            bytes: self.bank.bytes(),
            lanes: L,
            rounds: self.n_rounds,
            terms: self.terms.choices.len(),
            predicates: self.predicates.choices.len(),
        }
    }

    fn round(
        &mut self,
        goal: Goal<'_>,
        plan: &Plan,
        banks: Option<&SharedBanks>,
        stop: &AtomicBool,
        accept: &mut dyn FnMut(Offer<'_>) -> Answer,
    ) -> Round {
        let inputs: Vec<Column<L>> = goal.inputs.iter().map(|cells| gather(cells, &self.lanes)).collect();
        let outputs: Vec<Column<L>> = goal.outputs.iter().map(|cells| gather(cells, &self.lanes)).collect();
        self.bank.start(recipe(&inputs, plan), banks);
        self.scanned = 0;
        self.met = 0;
        self.looked_up = 0;
        self.terms.lanes.clear();
        self.predicates.lanes.clear();
        let mut roots = vec![None; outputs.len()];
        let before = self.spent;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Round::Ended(Ended::Interrupted);
            }
            self.spent = before + self.bank.candidates() + self.looked_up;
            if let Some(ended) = self.scan(goal, plan, &outputs, &mut roots, accept) {
                return ended;
            }
            self.scanned = self.bank.view().len();
            self.find_tree(goal, plan, QUICK);
            if plan.meets
                && self.bank.view().len() <= MEETING_MAX
                && let Some(again) = self.meet(goal, plan, &outputs)
            {
                return again;
            }
            let is_reached = self.is_reached(goal);
            if goal.n_tests > L && !is_reached && plan.condition.is_some() && self.bank.candidates() >= ROUND
            {
                return Round::Again(self.unreached(goal));
            }
            let limit = match &self.best {
                Some(best) => plan.candidates_max.min(best.found_at + REFINING),
                None => plan.candidates_max - plan.candidates_max / MEETING_SHARE,
            };
            let left = limit.saturating_sub(before + self.looked_up);
            let may_grow =
                self.bank.candidates() < left && self.bank.view().size() < self.affordable as usize;
            if may_grow
                && self.best.is_none()
                && self.spent + self.bank.view().next_candidates() > plan.leave_after
            {
                return Round::Ended(Ended::Left);
            }
            let is_whole = may_grow && self.bank.grow(left, plan.entries_max) == Filled::Whole;
            if !is_whole && self.bank.view().len() == self.scanned {
                let again = if self.best.is_none() { self.meet(goal, plan, &outputs) } else { None };
                self.spent = before + self.bank.candidates() + self.looked_up;
                return again.unwrap_or(Round::Ended(Ended::Budget));
            }
        }
    }

    /// Looks at what is new in the bank. `Some` where the round is over.
    fn scan(
        &mut self,
        goal: Goal<'_>,
        plan: &Plan,
        outputs: &[Column<L>],
        roots: &mut [Option<ExprId>],
        accept: &mut dyn FnMut(Offer<'_>) -> Answer,
    ) -> Option<Round> {
        let whole = (((1u64 << L) - 1) & u64::from(u32::MAX)) as u32;
        let only = goal.outputs.len() == 1;
        let same_max = if goal.n_tests <= L { 1 } else { SAME_LANES_MAX };
        let mut marks = std::mem::take(&mut self.marks);
        let mut over = None;
        'outputs: for (output, wanted) in outputs.iter().enumerate() {
            if roots[output].is_some() && !only {
                continue;
            }
            self.bank.view().marks(self.scanned, wanted, &mut marks);
            for (entry, marks) in (self.scanned..).zip(&marks) {
                if marks.right == whole {
                    let root = self.bank.view().express(&mut self.exprs, entry);
                    match self.first_wrong(goal, root, output) {
                        Some(test) => {
                            over = Some(Round::Again(self.with_lane(test)));
                            break 'outputs;
                        }
                        None if only => {
                            let size = self.bank.view().size_of(entry) as u32;
                            if self.best.as_ref().is_some_and(|best| best.cost <= size)
                                && self.offer_best(goal, plan, accept)
                                || self.offer_plain(goal, plan, &[root], size, accept)
                            {
                                over = Some(Round::Ended(Ended::Accepted));
                                break 'outputs;
                            }
                        }
                        None => {
                            roots[output] = Some(root);
                            break;
                        }
                    }
                } else if let (true, Some(condition)) = (only, plan.condition) {
                    if marks.right != 0 && self.terms.wants(marks.right, same_max) {
                        self.keep_term(goal, entry, marks.right);
                    }
                    let holds = match condition {
                        Condition::IsOne => marks.one,
                        Condition::Flag if marks.zero | marks.minus == whole => marks.minus,
                        Condition::Flag => 0,
                    };
                    if holds != 0 && holds != whole && self.predicates.wants(holds, same_max) {
                        self.keep_predicate(goal, entry, holds, condition);
                    }
                }
            }
        }
        self.marks = marks;
        if over.is_none() && !only && !roots.is_empty() {
            let all: Option<Vec<ExprId>> = roots.iter().copied().collect();
            if let Some(all) = all {
                let size = self.bank.view().size() as u32 * all.len() as u32;
                let accepted = self.offer_plain(goal, plan, &all, size, accept);
                return Some(Round::Ended(if accepted { Ended::Accepted } else { Ended::Exhausted }));
            }
        }
        over
    }

    /// The first test on which an expression is not the output.
    fn first_wrong(&self, goal: Goal<'_>, root: ExprId, output: usize) -> Option<usize> {
        if goal.n_tests <= L {
            return None;
        }
        let values = self.exprs.values(root, goal.inputs, goal.n_tests);
        values.equal(goal.outputs[output]).position(|right| !right)
    }

    fn with_lane(&self, test: usize) -> Vec<usize> {
        let mut tests = vec![test];
        tests.extend(self.lanes[..L - 1].iter().copied().filter(|lane| *lane != test));
        tests
    }

    fn keep_term(&mut self, goal: Goal<'_>, entry: usize, lanes: u32) {
        let term = self.bank.view().express(&mut self.exprs, entry);
        let set = if goal.n_tests <= L {
            of_lanes(lanes, goal.n_tests)
        } else {
            let values = self.exprs.values(term, goal.inputs, goal.n_tests);
            set_of(values.equal(goal.outputs[0]), goal.n_tests)
        };
        for (reached, here) in self.reached.iter_mut().zip(&set) {
            *reached |= here;
        }
        self.terms.keep(set, self.bank.view().size_of(entry) as u32, term);
    }

    fn keep_predicate(&mut self, goal: Goal<'_>, entry: usize, lanes: u32, condition: Condition) {
        let value = self.bank.view().express(&mut self.exprs, entry);
        let predicate = match condition {
            Condition::Flag => value,
            Condition::IsOne => {
                let one = self.exprs.constant(1);
                self.exprs.binary(Op::Equals, value, one)
            }
        };
        let set = if goal.n_tests <= L {
            of_lanes(lanes, goal.n_tests)
        } else {
            let values = self.exprs.values(predicate, goal.inputs, goal.n_tests);
            if values.some_trapped() || condition == Condition::Flag && !self.exprs.is_flag(predicate) {
                return;
            }
            set_of(values.cells.iter().map(|value| *value != 0), goal.n_tests)
        };
        self.predicates.keep(set, self.bank.view().size_of(entry) as u32, predicate);
    }

    fn is_reached(&self, goal: Goal<'_>) -> bool {
        bits::count(&self.reached) as usize == goal.n_tests
    }

    /// Tests on which no term is right, spread over all of them.
    fn unreached(&self, goal: Goal<'_>) -> Vec<usize> {
        let tests: Vec<usize> =
            (0..goal.n_tests).filter(|test| self.reached[test / 64] >> (test % 64) & 1 == 0).collect();
        // Half of the lanes stay with tests that are reached: predicates must tell the two apart.
        let most = L * 3 / 4;
        let n = tests.len().min(most);
        (0..n).map(|at| tests[at * tests.len() / n]).collect()
    }

    fn find_tree(&mut self, goal: Goal<'_>, plan: &Plan, (beam, nodes_max): (usize, usize)) {
        if plan.condition.is_none() || goal.outputs.len() != 1 || !self.is_reached(goal) {
            return;
        }
        let limits = Limits {
            leaves_max: leaves_max(goal.n_tests),
            beam,
            cost_below: self.best.as_ref().map_or(self.affordable + 1, |best| best.cost),
            nodes_max,
        };
        if let Some((cost, tree)) =
            tree::smallest(&self.terms.choices, &self.predicates.choices, goal.n_tests, limits)
        {
            let found_at = self.best.as_ref().map_or(self.spent, |best| best.found_at);
            self.best = Some(Best { cost, what: What::Tree(tree), found_at });
        }
    }

    /// Offers the best tree or plain expression, once.
    fn offer_best(
        &mut self,
        goal: Goal<'_>,
        plan: &Plan,
        accept: &mut dyn FnMut(Offer<'_>) -> Answer,
    ) -> bool {
        let Some(best) = self.best.take() else { return false };
        let tree = match best.what {
            What::Plain(root) => return self.offer_plain(goal, plan, &[root], best.cost, accept),
            What::Tree(tree) => tree,
        };
        let root = self.express(&tree);
        let bits = |size| plan.vocabulary.bits(goal.inputs.len(), size);
        let predicates = &self.predicates.choices;
        let explained = tree::assignment_bits(&tree, predicates, goal.n_tests);
        let split_bits = bits(tree.split_cost(predicates));
        let (bits, information, overfit_risk) = if split_bits > explained {
            (split_bits, explained, true)
        } else {
            (bits(best.cost), goal.information(), bits(best.cost) + MARGIN > goal.information())
        };
        let n_leaves = tree.n_leaves();
        accept(Offer { exprs: &self.exprs, roots: &[root], n_leaves, bits, information, overfit_risk })
            == Answer::Accept
    }

    fn express(&mut self, tree: &Tree) -> ExprId {
        match tree {
            Tree::Leaf(term) => self.terms.exprs[*term as usize],
            Tree::Split(predicate, yes, no) => {
                let condition = self.predicates.exprs[*predicate as usize];
                let (yes, no) = (self.express(yes), self.express(no));
                self.exprs.choose(condition, yes, no)
            }
        }
    }

    fn offer_plain(
        &self,
        goal: Goal<'_>,
        plan: &Plan,
        roots: &[ExprId],
        size: u32,
        accept: &mut dyn FnMut(Offer<'_>) -> Answer,
    ) -> bool {
        let (bits, information) = (plan.vocabulary.bits(goal.inputs.len(), size), goal.information());
        let overfit_risk = bits + MARGIN > information;
        accept(Offer { exprs: &self.exprs, roots, n_leaves: 1, bits, information, overfit_risk })
            == Answer::Accept
    }

    /// Looks for two entries that one operator joins to the goal. `Some` where what was found is wrong on a test.
    fn meet(&mut self, goal: Goal<'_>, plan: &Plan, outputs: &[Column<L>]) -> Option<Round> {
        let [wanted] = outputs else { return None };
        if self.bank.view().len() < 2 * self.met {
            return None;
        }
        self.met = self.bank.view().len();
        let below = self.best.as_ref().map_or(self.affordable + 1, |best| best.cost) as usize;
        let left = plan.candidates_max.saturating_sub(self.spent);
        let (meeting, spent) = self.bank.view().meet(wanted, below, left);
        self.looked_up += spent;
        self.spent += spent;
        let meeting = meeting?;
        let bank = self.bank.view();
        let a = bank.express(&mut self.exprs, meeting.a);
        let b = bank.express(&mut self.exprs, meeting.b);
        let mut root = self.exprs.binary(meeting.op, a, b);
        if meeting.negated {
            root = self.exprs.unary(Op::ZeroEquals, root);
        }
        if let Some(test) = self.first_wrong(goal, root, 0) {
            return Some(Round::Again(self.with_lane(test)));
        }
        let found_at = self.best.as_ref().map_or(self.spent, |best| best.found_at);
        self.best = Some(Best { cost: meeting.size as u32, what: What::Plain(root), found_at });
        None
    }
}

/// The tests of lanes where there is a lane for each test.
fn of_lanes(lanes: u32, n_tests: usize) -> Vec<u64> {
    vec![u64::from(lanes) & ((1u64 << n_tests) - 1)]
}

fn set_of(tests: impl Iterator<Item = bool>, n_tests: usize) -> Vec<u64> {
    let mut set = vec![0; bits::width(n_tests)];
    tests.enumerate().for_each(|(test, holds)| set[test / 64] |= u64::from(holds) << (test % 64));
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SpecId;
    use crate::model::random::Random;
    use crate::synth::expr::schedule;

    static GO: AtomicBool = AtomicBool::new(false);

    fn plan(vocabulary: Vocabulary, condition: Condition) -> Plan {
        let meets = condition == Condition::Flag;
        Plan {
            name: "tested",
            vocabulary,
            condition: Some(condition),
            meets,
            candidates_max: 300_000,
            shared_max: 300_000,
            entries_max: 1 << 19,
            leave_after: u64::MAX,
        }
    }

    struct Solved {
        body: String,
        n_leaves: usize,
        overfit_risk: bool,
        candidates: u64,
    }

    /// Solves what a function says on some rows.
    fn solve(
        conquer: &mut Conquer,
        plan: &Plan,
        rows: &[Vec<Cell>],
        f: &dyn Fn(&[Cell]) -> Vec<Cell>,
    ) -> Option<Solved> {
        solve_or_leave(conquer, plan, None, rows, f).0
    }

    /// The same, and whether the attempt was left.
    fn solve_or_leave(
        conquer: &mut Conquer,
        plan: &Plan,
        banks: Option<&SharedBanks>,
        rows: &[Vec<Cell>],
        f: &dyn Fn(&[Cell]) -> Vec<Cell>,
    ) -> (Option<Solved>, bool) {
        let outputs: Vec<Vec<Cell>> = rows.iter().map(|row| f(row)).collect();
        let columns = |rows: &[Vec<Cell>]| -> Vec<Vec<Cell>> {
            (0..rows[0].len()).map(|at| rows.iter().map(|row| row[at]).collect()).collect()
        };
        let (inputs, outputs) = (columns(rows), columns(&outputs));
        let inputs: Vec<&[Cell]> = inputs.iter().map(Vec::as_slice).collect();
        let outputs: Vec<&[Cell]> = outputs.iter().map(Vec::as_slice).collect();
        let goal = Goal { inputs: &inputs, outputs: &outputs, n_tests: rows.len() };
        let mut solved = None;
        let (ended, candidates) = conquer.run(goal, plan, banks, &GO, &mut |offer| {
            for (at, row) in rows.iter().enumerate() {
                for (root, column) in offer.roots.iter().zip(&outputs) {
                    assert_eq!(
                        offer.exprs.eval(*root, row),
                        Some(column[at]),
                        "offered, but wrong on {row:?}"
                    );
                }
            }
            let body = schedule(offer.exprs, offer.roots);
            solved = Some(Solved {
                body,
                n_leaves: offer.n_leaves,
                overfit_risk: offer.overfit_risk,
                candidates: 0,
            });
            Answer::Accept
        });
        assert_eq!(ended == Ended::Accepted, solved.is_some());
        assert!(candidates <= plan.candidates_max + plan.candidates_max / 4, "{candidates}");
        (solved.map(|solved| Solved { candidates, ..solved }), ended == Ended::Left)
    }

    fn rows(n: usize, n_in: usize, seed: u64, f: impl Fn(&mut Random) -> Cell) -> Vec<Vec<Cell>> {
        let mut random = Random::new(&[seed]);
        (0..n).map(|_| (0..n_in).map(|_| f(&mut random)).collect()).collect()
    }

    #[track_caller]
    fn check(n: usize, n_in: usize, f: &dyn Fn(&[Cell]) -> Vec<Cell>, expect: &str, n_leaves: usize) {
        let rows = rows(n, n_in, 7, |random| random.within(-50, 50) as Cell);
        let plan = plan(Vocabulary::numbers(&[]), Condition::Flag);
        let solved = solve(&mut Conquer::default(), &plan, &rows, f).expect("it is solved");
        assert_eq!((solved.body.as_str(), solved.n_leaves), (expect, n_leaves));
    }

    #[test]
    fn expressions_and_trees_are_found() {
        check(8, 1, &|row| vec![row[0] * row[0] + row[0]], "dup 1+ *", 1);
        check(40, 2, &|row| vec![row[0] * row[1] - row[0]], "1- *", 1);
        check(6, 2, &|row| vec![row[0] + row[1], row[0] * row[1]], "2dup + -rot *", 1);
        check(
            60,
            1,
            &|row| vec![if row[0] < 0 { 3 - row[0] } else { row[0] * 10 }],
            "dup 0< if 3 swap - else 10 * then",
            2,
        );
    }

    #[test]
    fn rare_tests_become_lanes() {
        // 16 lanes spread over 400 tests see nothing of the one that differs.
        let all = rows(400, 1, 3, |random| random.within(1, 90) as Cell);
        for special in [0, 77, 201, 399] {
            let mut all = all.clone();
            all[special][0] = -5;
            let plan = plan(Vocabulary::numbers(&[]), Condition::Flag);
            let solved = solve(&mut Conquer::default(), &plan, &all, &|row| vec![(row[0] * 2).max(1)]);
            assert_eq!(solved.expect("it is solved").body, "2* 1 max", "{special}");
        }
    }

    #[test]
    fn what_is_found_depends_on_nothing_before_it() {
        let mut used = Conquer::default();
        let bits = rows(50, 1, 1, |random| random.next_u64() as Cell);
        let puzzle = |row: &[Cell]| {
            let x = row[0] as u64;
            vec![if (x >> 16) & 1 == 1 { x >> 4 } else { !x.wrapping_add(x) } as Cell]
        };
        let logic = plan(Vocabulary::logic(), Condition::IsOne);
        let first = solve(&mut used, &logic, &bits, &puzzle).expect("it is solved");
        assert_eq!(first.body, "dup 16 rshift 1 and 1 = if 4 rshift else 2* invert then");
        assert!(!first.overfit_risk);
        let few = rows(7, 2, 2, |random| random.within(0, 9) as Cell);
        solve(&mut used, &plan(Vocabulary::numbers(&[]), Condition::Flag), &few, &|row| {
            vec![row[0] % (row[1] + 1)]
        });
        let again = solve(&mut used, &logic, &bits, &puzzle).expect("it is solved");
        assert_eq!((first.body, first.candidates), (again.body, again.candidates));
    }

    /// A function over small numbers, of one or two inputs.
    fn random_function(random: &mut Random) -> impl Fn(&[Cell]) -> Vec<Cell> + use<> {
        let parts: Vec<(u64, Cell)> =
            (0..1 + random.below(4)).map(|_| (random.below(6), random.within(1, 9) as Cell)).collect();
        move |row| {
            let last = row[row.len() - 1];
            let value = parts.iter().fold(row[0], |value: Cell, (kind, number)| match kind {
                0 => value.wrapping_add(last),
                1 => value.wrapping_mul(*number),
                2 => value.rem_euclid(*number),
                3 if value > last => value - number,
                3 => value.wrapping_add(*number),
                4 => value.min(*number * 3),
                _ => value ^ last,
            });
            vec![value]
        }
    }

    #[test]
    fn what_is_found_before_an_attempt_is_left_is_what_the_whole_attempt_finds() {
        let (mut conquer, mut found, mut left) = (Conquer::default(), 0, 0);
        for seed in 0..60 {
            let mut random = Random::new(&[seed, 31]);
            let (n, n_in) = ([6, 14, 40][random.below(3) as usize], 1 + random.below(2) as usize);
            let rows = rows(n, n_in, seed, |random| random.within(-30, 60) as Cell);
            let f = random_function(&mut random);
            let whole = plan(Vocabulary::numbers(&[]), Condition::Flag);
            let first = Plan { leave_after: 20_000, ..whole.clone() };
            let (early, is_left) = solve_or_leave(&mut conquer, &first, None, &rows, &f);
            let (late, _) = solve_or_leave(&mut conquer, &whole, None, &rows, &f);
            (found, left) = (found + usize::from(early.is_some()), left + usize::from(is_left));
            assert!(!is_left || early.is_none());
            if !is_left {
                let told = |solved: Option<Solved>| solved.map(|it| (it.body, it.n_leaves, it.candidates));
                assert_eq!(told(early), told(late), "{seed}");
            }
        }
        assert!(found > 10 && left > 10, "{found} found, {left} left");
    }

    /// The goal's columns.
    fn columns(rows: &[Vec<Cell>], f: &dyn Fn(&[Cell]) -> Vec<Cell>) -> (Vec<Vec<Cell>>, Vec<Cell>) {
        let inputs = (0..rows[0].len()).map(|at| rows.iter().map(|row| row[at]).collect()).collect();
        (inputs, rows.iter().map(|row| f(row)[0]).collect())
    }

    #[test]
    fn a_shared_bank_gives_what_a_private_one_does() {
        let told = |(solved, is_left): (Option<Solved>, bool)| {
            (solved.map(|it| (it.body, it.n_leaves, it.overfit_risk, it.candidates)), is_left)
        };
        // Ample room, room for one bank, and none.
        for bytes_max in [u64::MAX, 60 << 20, 0] {
            let banks = SharedBanks::new(bytes_max);
            let problems: Vec<_> = (0..40u64)
                .map(|seed| {
                    let mut random = Random::new(&[seed, 77]);
                    // Few different inputs, so that most have company.
                    let (group, n_in) = (seed % 4, 1 + seed as usize % 2);
                    let n = [6, 8, 14, 40][group as usize];
                    let rows = rows(n, n_in, group, |random| random.within(-30, 60) as Cell);
                    // The bound is not that of the group: others found more, or less, before.
                    let candidates_max = 20_000 + random.below(100_000);
                    let plan = Plan { candidates_max, ..plan(Vocabulary::numbers(&[]), Condition::Flag) };
                    (rows, plan, random_function(&mut random))
                })
                .collect();
            for (at, (rows, plan, f)) in problems.iter().enumerate() {
                let (inputs, output) = columns(rows, f);
                let inputs: Vec<&[Cell]> = inputs.iter().map(Vec::as_slice).collect();
                let goal = Goal { inputs: &inputs, outputs: &[&output], n_tests: rows.len() };
                banks.note(SpecId(at as u32), first_bank(goal, plan));
            }
            let (mut used, mut fresh) = (Conquer::default(), Conquer::default());
            for (at, (rows, plan, f)) in problems.iter().enumerate() {
                let shared = told(solve_or_leave(&mut used, plan, Some(&banks), rows, f));
                used.release();
                let private = told(solve_or_leave(&mut fresh, plan, None, rows, f));
                assert_eq!(shared, private, "{at} with {bytes_max} bytes");
                assert_eq!(used.last(), BankSize { bytes: used.last().bytes, ..fresh.last() });
            }
            let sharing = banks.forget();
            assert_eq!((sharing.banks, sharing.specs), if bytes_max == 0 { (0, 0) } else { (4, 40) });
        }
    }

    #[test]
    fn noise_is_not_explained() {
        // Random answers: every program that is right on them is larger than what they say.
        let all = rows(12, 1, 9, |random| random.within(0, 1000) as Cell);
        let noise = |row: &[Cell]| vec![Random::new(&[row[0] as u64]).below(4) as Cell];
        let plan = plan(Vocabulary::numbers(&[]), Condition::Flag);
        let solved = solve(&mut Conquer::default(), &plan, &all, &noise);
        assert!(solved.is_none(), "{}", solved.unwrap().body);
    }

    #[test]
    fn few_tests_are_a_risk() {
        let plan = plan(Vocabulary::numbers(&[]), Condition::Flag);
        let one = [vec![3], vec![4]];
        let solved = solve(&mut Conquer::default(), &plan, &one, &|row| vec![row[0] * 5]);
        assert!(solved.is_none_or(|solved| solved.overfit_risk));
        let many = rows(30, 1, 5, |random| random.within(-500, 500) as Cell);
        let solved = solve(&mut Conquer::default(), &plan, &many, &|row| vec![row[0] * 5]);
        assert!(!solved.expect("it is solved").overfit_risk);
    }

    #[test]
    fn information_is_what_the_outputs_hold() {
        let check = |outputs: &[Cell], expect: u64| {
            let goal = Goal { inputs: &[], outputs: &[outputs], n_tests: outputs.len() };
            assert_eq!(goal.information(), expect, "{outputs:?}");
        };
        check(&[0, 0, 0, 0], 1);
        check(&[0, -1, 0, -1, 0, -1, 0, -1], 3 + 8);
        check(&[100, 200, 300], 8 + 9 + 10);
        check(&[Cell::MIN], 65);
    }
}
