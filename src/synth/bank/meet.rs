//! Two entries that one operator joins to a goal: larger than any entry, found without banking what lies between.
//!
//! Operators that can be undone are undone, and the other operand is looked up. `and` and `or` can only be of entries that have
//! all bits of the goal, or none but them: of these few all pairs are tried. A goal of flags is tried as a comparison of
//! all pairs of the first entries.

use crate::model::Cell;
use crate::synth::bank::View;
use crate::synth::bank::kernel::Column;
use crate::synth::expr::Op;

/// Entries of which all pairs are tried for `and` and `or`.
const PARTS_MAX: usize = 1024;

/// Entries of which all pairs are compared.
const COMPARED_MAX: usize = 768;

/// Pairs that cost as much as one banked expression.
const PAIRS_A_CANDIDATE: u64 = 16;

/// How the goal is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meeting {
    /// The operator.
    pub op: Op,
    /// Its first operand.
    pub a: usize,
    /// Its second operand.
    pub b: usize,
    /// Whether `0=` comes after it.
    pub negated: bool,
    /// The size of the whole.
    pub size: usize,
}

struct Best {
    found: Option<Meeting>,
    below: usize,
}

impl Best {
    fn offer(&mut self, op: Op, a: usize, b: usize, negated: bool, size: usize) {
        if size < self.below {
            self.below = size;
            self.found = Some(Meeting { op, a, b, negated, size });
        }
    }
}

impl<const L: usize> View<'_, L> {
    /// The smallest way to the goal that is smaller than `below`, and how many candidates that took.
    /// It takes few more than `candidates_max`.
    pub fn meet(&self, goal: &Column<L>, below: usize, candidates_max: u64) -> (Option<Meeting>, u64) {
        let mut best = Best { found: None, below };
        let mut spent = self.look_up(goal, &mut best, candidates_max);
        if spent >= candidates_max {
            return (best.found, spent);
        }
        let mut pairs = 0;
        if self.has(Op::And) {
            pairs += self.join(goal, Op::And, |goal, cell| goal & !cell == 0, |a, b| a & b, &mut best);
        }
        if self.has(Op::Or) {
            pairs += self.join(goal, Op::Or, |goal, cell| cell & !goal == 0, |a, b| a | b, &mut best);
        }
        if goal.0.iter().all(|cell| matches!(cell, 0 | -1)) {
            for op in [Op::Less, Op::ULess, Op::Equals] {
                if self.has(op) {
                    pairs += self.compare(goal, op, &mut best);
                }
            }
        }
        spent += pairs / PAIRS_A_CANDIDATE;
        (best.found, spent)
    }

    fn has(&self, op: Op) -> bool {
        self.bank.vocabulary.binary.contains(&op)
    }

    fn look_up(&self, goal: &Column<L>, best: &mut Best, candidates_max: u64) -> u64 {
        type Undo = fn(Cell, Cell) -> Cell;
        let undos: [(Op, Undo, bool); 4] = [
            (Op::Plus, |goal, a| goal.wrapping_sub(a), false),
            (Op::Xor, |goal, a| goal ^ a, false),
            (Op::Minus, |goal, b| goal.wrapping_add(b), true),
            (Op::Minus, |goal, a| a.wrapping_sub(goal), false),
        ];
        let mut spent = 0;
        for size in 1..=self.size() {
            // The other operand is at least as large as this one, or was tried before.
            if size + 2 >= best.below {
                break;
            }
            for a in self.of_size(size) {
                if spent >= candidates_max {
                    return spent;
                }
                let column = self.columns()[a];
                for (op, undo, is_second) in undos {
                    if !self.has(op) {
                        continue;
                    }
                    spent += 1;
                    let other = Column(std::array::from_fn(|lane| undo(goal.0[lane], column.0[lane])));
                    if let Some(b) = self.find(&other) {
                        let (left, right) = if is_second { (b, a) } else { (a, b) };
                        best.offer(op, left, right, false, size + self.size_of(b) + 1);
                    }
                }
            }
        }
        spent
    }

    /// All pairs of the first entries that `suits` on every lane.
    fn join(
        &self,
        goal: &Column<L>,
        op: Op,
        suits: fn(Cell, Cell) -> bool,
        join: fn(Cell, Cell) -> Cell,
        best: &mut Best,
    ) -> u64 {
        let suited = |entry: &usize| {
            let column = &self.columns()[*entry];
            (0..L).all(|lane| suits(goal.0[lane], column.0[lane]))
        };
        let parts: Vec<usize> = (0..self.len()).filter(suited).take(PARTS_MAX).collect();
        let mut pairs = 0;
        for (at, a) in parts.iter().enumerate() {
            let left = &self.columns()[*a];
            let size = self.size_of(*a);
            for b in &parts[at..] {
                pairs += 1;
                let right = &self.columns()[*b];
                if (0..L).all(|lane| join(left.0[lane], right.0[lane]) == goal.0[lane]) {
                    best.offer(op, *a, *b, false, size + self.size_of(*b) + 1);
                    // Those after it are no smaller.
                    break;
                }
            }
        }
        pairs
    }

    /// Comparisons of all pairs of the first entries, and their opposites.
    fn compare(&self, goal: &Column<L>, op: Op, best: &mut Best) -> u64 {
        let n = self.len().min(COMPARED_MAX);
        for a in 0..n {
            let left = &self.columns()[a];
            let size = self.size_of(a);
            if size + 2 >= best.below {
                break;
            }
            let from = if op.is_commutative() { a } else { 0 };
            for b in from..n {
                let right = &self.columns()[b];
                let holds = |lane: usize| op.apply(left.0[lane], right.0[lane]).unwrap_or(0);
                let negated = holds(0) != goal.0[0];
                let wanted = |lane: usize| if negated { !goal.0[lane] } else { goal.0[lane] };
                if (1..L).all(|lane| holds(lane) == wanted(lane)) {
                    best.offer(op, a, b, negated, size + self.size_of(b) + 1 + usize::from(negated));
                    break;
                }
            }
        }
        (n * n) as u64
    }
}
