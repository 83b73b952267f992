//! A bank of expressions, bottom up: sizes in order, each value on the lanes' tests once.
//!
//! Leaves first, then everything that one operator makes of smaller expressions. What equals an earlier expression on all
//! lanes is dropped: whatever it can become, the earlier one becomes too. Columns are found by hash and compared exactly, so
//! nothing is dropped for a collision. The order is canonical (size, operator, operands), whatever the processor: the bank is a
//! function of its lanes, vocabulary and bounds.

pub mod kernel;
mod meet;
pub mod simd;
#[cfg(test)]
mod tests;
mod vocabulary;

use crate::model::Cell;
use crate::synth::expr::{ExprId, Exprs, Op};
use kernel::{BLOCK, Block, Column, Job, Marks, TRAPPED, Unary};
pub use meet::Meeting;
use simd::Simd;
pub use vocabulary::Vocabulary;

/// Most entries that a bank can number.
pub const ENTRIES_MAX: usize = (1 << 28) - 1;

const TABLE_LEN_MIN: usize = 1 << 12;
/// From this length on the table is only doubled.
const TABLE_LEN_LARGE: usize = 1 << 18;

const INDEX_BITS: u32 = 28;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;

/// How an entry is made: an operator's number in the vocabulary and the entries it takes, packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Made(u64);

/// An entry taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A literal.
    Constant(Cell),
    /// An input.
    Input(usize),
    /// An operator on an earlier entry.
    Unary(Unary, usize),
    /// An operator on two earlier entries.
    Binary(Op, usize, usize),
}

impl Made {
    fn new(operator: usize, a: usize, b: usize) -> Self {
        Self((operator as u64) << (2 * INDEX_BITS) | (a as u64) << INDEX_BITS | b as u64)
    }

    fn parts(self) -> (usize, usize, usize) {
        let index = |at: u32| ((self.0 >> at) & INDEX_MASK) as usize;
        ((self.0 >> (2 * INDEX_BITS)) as usize, index(INDEX_BITS), index(0))
    }
}

/// Why a level ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filled {
    /// Every expression of the size was tried.
    Whole,
    /// The bound on candidates or entries was reached.
    Cut,
}

/// Distinct expressions on L tests. Memory is reused from problem to problem.
pub struct Bank<const L: usize> {
    columns: Vec<Column<L>>,
    made: Vec<Made>,
    /// Where the expressions of each size end; sizes begin at 1.
    ends: Vec<usize>,
    /// Open addressing: the upper bits of the hash, and the number of the entry plus one.
    table: Vec<u64>,
    vocabulary: Vocabulary,
    block: Block<L>,
    simd: Simd,
    candidates: u64,
}

impl<const L: usize> Default for Bank<L> {
    fn default() -> Self {
        Self::with_simd(Simd::best())
    }
}

impl<const L: usize> Bank<L> {
    /// An empty bank that computes with these instructions.
    pub fn with_simd(simd: Simd) -> Self {
        Self {
            columns: Vec::new(),
            made: Vec::new(),
            ends: Vec::new(),
            table: Vec::new(),
            vocabulary: Vocabulary::default(),
            block: Block::default(),
            simd,
            candidates: 0,
        }
    }

    /// Forgets everything and banks the leaves: size 1.
    pub fn start(&mut self, inputs: &[Column<L>], vocabulary: Vocabulary) {
        self.columns.clear();
        self.made.clear();
        self.ends.clear();
        self.ends.push(0);
        self.table.clear();
        self.table.resize(TABLE_LEN_MIN, 0);
        self.vocabulary = vocabulary;
        self.candidates = 0;
        let n_constants = self.vocabulary.constants.len();
        if self.vocabulary.literal_size == 1 {
            self.bank_constants();
        }
        for (position, column) in inputs.iter().enumerate() {
            self.bank_leaf(column, n_constants + position);
        }
        self.ends.push(self.columns.len());
    }

    fn bank_constants(&mut self) {
        for leaf in 0..self.vocabulary.constants.len() {
            self.bank_leaf(&Column::all(self.vocabulary.constants[leaf]), leaf);
        }
    }

    fn bank_leaf(&mut self, column: &Column<L>, leaf: usize) {
        self.candidates += 1;
        self.insert(column, kernel::hash(column), Made::new(0, leaf, 0));
    }

    /// How many expressions there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether nothing is banked.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// How many expressions were computed, equal ones included.
    pub fn candidates(&self) -> u64 {
        self.candidates
    }

    /// The greatest size that has been begun.
    pub fn size(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    /// The entries of one size.
    pub fn of_size(&self, size: usize) -> std::ops::Range<usize> {
        self.ends[size - 1]..self.ends[size]
    }

    /// The size of an entry.
    pub fn size_of(&self, entry: usize) -> usize {
        self.ends.partition_point(|end| *end <= entry)
    }

    /// The values of all entries.
    pub fn columns(&self) -> &[Column<L>] {
        &self.columns
    }

    /// Where the entries from `from` on have the goal's values, 1, 0 and -1.
    pub fn marks(&self, from: usize, goal: &Column<L>, marks: &mut Vec<Marks>) {
        marks.clear();
        marks.resize(self.columns.len() - from, Marks::default());
        self.simd.mark(&self.columns[from..], goal, marks);
    }

    /// How much memory is held, in bytes.
    pub fn bytes(&self) -> usize {
        self.columns.capacity() * size_of::<Column<L>>()
            + self.made.capacity() * size_of::<Made>()
            + self.table.capacity() * size_of::<u64>()
    }

    /// How an entry is made.
    pub fn entry(&self, entry: usize) -> Entry {
        let (operator, a, b) = self.made[entry].parts();
        let n_unary = self.vocabulary.unary.len();
        match operator {
            0 => match self.vocabulary.constants.get(a) {
                Some(value) => Entry::Constant(*value),
                None => Entry::Input(a - self.vocabulary.constants.len()),
            },
            unary if unary <= n_unary => Entry::Unary(self.vocabulary.unary[unary - 1], a),
            binary => Entry::Binary(self.vocabulary.binary[binary - 1 - n_unary], a, b),
        }
    }

    /// The entry as an expression.
    pub fn express(&self, exprs: &mut Exprs, entry: usize) -> ExprId {
        match self.entry(entry) {
            Entry::Constant(value) => exprs.constant(value),
            Entry::Input(position) => exprs.input(position),
            Entry::Unary(unary, a) => {
                let a = self.express(exprs, a);
                let (op, count) = match unary {
                    Unary::Plain(op) => return exprs.unary(op, a),
                    Unary::Left(count) => (Op::LShift, count),
                    Unary::Right(count) => (Op::RShift, count),
                };
                let count = exprs.constant(Cell::from(count));
                exprs.binary(op, a, count)
            }
            Entry::Binary(op, a, b) => {
                let (a, b) = (self.express(exprs, a), self.express(exprs, b));
                exprs.binary(op, a, b)
            }
        }
    }

    /// The entry with exactly these values.
    pub fn find(&self, column: &Column<L>) -> Option<usize> {
        self.slot(column, kernel::hash(column)).ok()
    }

    /// Banks the expressions of the next size, until there are no more or a bound is reached.
    pub fn grow(&mut self, candidates_max: u64, entries_max: usize) -> Filled {
        let size = self.size() + 1;
        self.ends.push(self.columns.len());
        let bounds = Bounds { candidates_max, entries_max: entries_max.min(ENTRIES_MAX - BLOCK) };
        if size == self.vocabulary.literal_size {
            self.bank_constants();
        }
        let filled = self
            .grow_unary(size, 1..=1, bounds)
            .and_then(|()| self.grow_binary(size, bounds))
            .and_then(|()| self.grow_unary(size, 2..=usize::MAX, bounds));
        *self.ends.last_mut().expect("it was pushed") = self.columns.len();
        if filled.is_some() { Filled::Whole } else { Filled::Cut }
    }

    /// Operators of one operand that add so much.
    fn grow_unary(
        &mut self,
        size: usize,
        adds: std::ops::RangeInclusive<usize>,
        bounds: Bounds,
    ) -> Option<()> {
        for number in 0..self.vocabulary.unary.len() {
            let unary = self.vocabulary.unary[number];
            let own = self.vocabulary.unary_size(unary);
            if !adds.contains(&own) || own >= size {
                continue;
            }
            let from = self.of_size(size - own);
            let mut at = from.start;
            while at < from.end {
                let n = BLOCK.min(from.end - at);
                self.simd.compute(
                    Job::Unary(unary, &self.columns[at..at + n]),
                    &mut self.block.columns[..n],
                    &mut self.block.hashes[..n],
                );
                self.take(n, bounds, |k| Made::new(1 + number, at + k, 0))?;
                at += n;
            }
        }
        Some(())
    }

    fn grow_binary(&mut self, size: usize, bounds: Bounds) -> Option<()> {
        let n_unary = self.vocabulary.unary.len();
        for left in 1..size.saturating_sub(1) {
            let right = size - 1 - left;
            for a in self.of_size(left) {
                let column = self.columns[a];
                for number in 0..self.vocabulary.binary.len() {
                    let op = self.vocabulary.binary[number];
                    let mut from = self.of_size(right);
                    if op.is_commutative() {
                        if left > right {
                            continue;
                        }
                        if left == right {
                            from.start = a;
                        }
                    }
                    let mut at = from.start;
                    while at < from.end {
                        let n = BLOCK.min(from.end - at);
                        self.simd.compute(
                            Job::Binary(op, column, &self.columns[at..at + n]),
                            &mut self.block.columns[..n],
                            &mut self.block.hashes[..n],
                        );
                        self.take(n, bounds, |k| Made::new(1 + n_unary + number, a, at + k))?;
                        at += n;
                    }
                }
            }
        }
        Some(())
    }

    /// Banks what is new of the first `n` columns of the block; `None` once a bound is reached.
    fn take(&mut self, n: usize, bounds: Bounds, made: impl Fn(usize) -> Made) -> Option<()> {
        if self.candidates + n as u64 > bounds.candidates_max || self.columns.len() + n > bounds.entries_max {
            return None;
        }
        self.candidates += n as u64;
        if (self.columns.len() + n) * 3 > self.table.len() * 2 {
            self.widen_table();
        }
        // What the insertions below will read is fetched ahead: they would wait for memory one after the other.
        let mask = self.table.len() - 1;
        for sum in &self.block.hashes[..n] {
            simd::prefetch(&self.table, place(*sum) & mask);
        }
        for sum in &self.block.hashes[..n] {
            let slot = self.table[place(*sum) & mask];
            if slot != 0 && (slot ^ sum) & !INDEX_MASK == 0 {
                simd::prefetch(&self.columns, (slot & INDEX_MASK) as usize - 1);
            }
        }
        for k in 0..n {
            let sum = self.block.hashes[k];
            if sum != TRAPPED {
                let column = self.block.columns[k];
                self.insert(&column, sum, made(k));
            }
        }
        Some(())
    }

    #[inline]
    fn insert(&mut self, column: &Column<L>, sum: u64, made: Made) {
        if let Err(slot) = self.slot(column, sum) {
            self.columns.push(*column);
            self.made.push(made);
            self.table[slot] = (sum & !INDEX_MASK) | self.columns.len() as u64;
        }
    }

    /// The entry with these values, or the free slot where it belongs.
    #[inline]
    fn slot(&self, column: &Column<L>, sum: u64) -> Result<usize, usize> {
        let mask = self.table.len() - 1;
        let mut at = place(sum) & mask;
        loop {
            let slot = self.table[at];
            if slot == 0 {
                return Err(at);
            }
            if (slot ^ sum) & !INDEX_MASK == 0 {
                let entry = (slot & INDEX_MASK) as usize - 1;
                if self.columns[entry].equals(column) {
                    return Ok(entry);
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Makes the table larger. A slot holds the part of its hash that places it, so no column is read.
    #[cold]
    fn widen_table(&mut self) {
        let times = if self.table.len() < TABLE_LEN_LARGE { 4 } else { 2 };
        let old = std::mem::take(&mut self.table);
        self.table.resize(old.len() * times, 0);
        let mask = self.table.len() - 1;
        for slot in old.into_iter().filter(|slot| *slot != 0) {
            let mut at = place(slot) & mask;
            while self.table[at] != 0 {
                at = (at + 1) & mask;
            }
            self.table[at] = slot;
        }
    }
}

/// Where a hash belongs in the table, to be cut to its length. These bits are kept in the slot.
#[inline]
fn place(sum: u64) -> usize {
    (sum >> INDEX_BITS) as usize
}

#[derive(Clone, Copy)]
struct Bounds {
    candidates_max: u64,
    entries_max: usize,
}
