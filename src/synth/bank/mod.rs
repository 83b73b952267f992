//! A bank of expressions, bottom up: sizes in order, each value on the lanes' tests once.
//!
//! Leaves first, then everything that one operator makes of smaller expressions. What equals an earlier expression on all
//! lanes is dropped: whatever it can become, the earlier one becomes too. Columns are found by hash and compared exactly, so
//! nothing is dropped for a collision. The order is canonical (size, operator, operands), whatever the processor: the bank is a
//! function of its lanes, vocabulary and bounds.

pub mod kernel;
mod known;
mod meet;
pub mod shared;
pub mod simd;
mod sizes;
mod table;
#[cfg(test)]
mod tests;
mod view;
mod vocabulary;

use crate::model::Cell;
use crate::synth::expr::{ExprId, Exprs, Op};
use kernel::{BLOCK, Block, Column, Job, Marks, TRAPPED, Unary};
use known::{Known, Makers, Order};
pub use meet::Meeting;
use shared::Mark;
use simd::Simd;
pub use sizes::Sizes;
use table::{Bucket, Portable, Slots, Table};
pub use view::View;
pub use vocabulary::Vocabulary;

/// Most entries that a bank can number.
pub const ENTRIES_MAX: usize = table::ENTRIES_MAX;

/// A bank that outgrows this gets room for all that it may come to: nothing is copied later, and what is not used costs
/// nothing.
const FEW: usize = 1 << 14;

/// Blocks between the computing of a column and its insertion, so that what the insertion reads has come from memory.
const WAITING: usize = 3;

/// How many entries ahead memory is asked for where columns will be put: a write to a line that is not there holds up all that
/// come after it.
const AHEAD: usize = 128;

/// How many entries of the next block memory is asked for while one is computed: the processor foresees the rest, but not beyond
/// the page of which a block is the whole.
const TOLD: usize = 32;

const INDEX_BITS: u32 = 28;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;

/// How an entry is made: an operator's number in the vocabulary and the entries it takes, packed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
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

    /// That of the column `k` columns on, where `step` is what one column adds.
    fn next(self, step: u64, k: usize) -> Self {
        Self(self.0 + step * k as u64)
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
    sizes: Sizes,
    table: Table,
    vocabulary: Vocabulary,
    known: Known,
    /// Blocks that were computed and not yet inserted, a ring; how many were computed, and how many are waiting.
    blocks: [Waiting<L>; WAITING],
    n_computed: usize,
    n_waiting: usize,
    simd: Simd,
    candidates: u64,
    /// Whether a bound was reached: then it grows no more.
    is_cut: bool,
    /// Where blocks end, where somebody wants to know.
    log: Option<Vec<Mark>>,
}

/// What is done to a range of entries.
#[derive(Clone, Copy)]
enum Operation<const L: usize> {
    Unary(Unary),
    /// The first operand stays.
    Binary(Op, Column<L>),
    /// The second operand stays.
    Mirrored(Op, Column<L>),
}

/// A computed block.
struct Waiting<const L: usize> {
    block: Block<L>,
    /// For each column the bucket in which its hash belongs.
    places: Vec<u32>,
    /// For each column the number plus one of an entry that is probably the same, or 0.
    suspects: Vec<u32>,
    n: usize,
    first: Made,
    step: u64,
    /// Candidates until its end.
    candidates: u64,
}

impl<const L: usize> std::ops::Deref for Bank<L> {
    type Target = Sizes;

    fn deref(&self) -> &Sizes {
        &self.sizes
    }
}

impl<const L: usize> Default for Waiting<L> {
    fn default() -> Self {
        let (places, suspects) = (vec![0; BLOCK], vec![0; BLOCK]);
        Self {
            block: Block::default(),
            places,
            suspects,
            n: 0,
            first: Made::default(),
            step: 0,
            candidates: 0,
        }
    }
}

impl<const L: usize> Default for Bank<L> {
    fn default() -> Self {
        Self::with_simd(Simd::best())
    }
}

impl<const L: usize> Bank<L> {
    /// Most bytes for each entry that a bank may come to: its values, how it is made, and its place in the table, twice while that
    /// grows.
    pub const ENTRY_BYTES: usize = size_of::<Column<L>>() + size_of::<Made>() + Table::ENTRY_BYTES;

    /// An empty bank that computes with these instructions.
    pub fn with_simd(simd: Simd) -> Self {
        Self {
            columns: Vec::new(),
            made: Vec::new(),
            sizes: Sizes::default(),
            table: Table::default(),
            vocabulary: Vocabulary::default(),
            known: Known::default(),
            blocks: std::array::from_fn(|_| Waiting::default()),
            n_computed: 0,
            n_waiting: 0,
            simd,
            candidates: 0,
            is_cut: false,
            log: None,
        }
    }

    /// All that is banked.
    pub fn view(&self) -> View<'_, L> {
        View { bank: self, sizes: &self.sizes }
    }

    fn mark(&self) -> Mark {
        Mark { candidates: self.candidates as u32, len: self.columns.len() as u32 }
    }

    /// Forgets everything and banks the leaves: size 1.
    pub fn start(&mut self, inputs: &[Column<L>], vocabulary: Vocabulary) {
        self.columns.clear();
        self.made.clear();
        self.sizes.clear();
        self.table.clear();
        self.n_waiting = 0;
        if self.vocabulary != vocabulary {
            self.known = Known::new(&vocabulary);
            self.vocabulary = vocabulary;
        }
        self.candidates = 0;
        self.is_cut = false;
        let n_constants = self.vocabulary.constants.len();
        if self.vocabulary.literal_size == 1 {
            self.bank_constants();
        }
        for (position, column) in inputs.iter().enumerate() {
            self.bank_leaf(column, n_constants + position);
        }
        self.sizes.push(self.columns.len());
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

    /// How many expressions there were, those included that equal earlier ones.
    pub fn candidates(&self) -> u64 {
        self.candidates
    }

    /// The values of all entries.
    pub fn columns(&self) -> &[Column<L>] {
        &self.columns
    }

    /// How many bytes the entries take.
    pub fn bytes(&self) -> usize {
        self.columns.len() * size_of::<Column<L>>() + self.made.len() * size_of::<Made>() + self.table.bytes()
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
                let (op, b) = match unary {
                    Unary::Plain(op) => return exprs.unary(op, a),
                    Unary::Left(count) => (Op::LShift, exprs.constant(Cell::from(count))),
                    Unary::Right(count) => (Op::RShift, exprs.constant(Cell::from(count))),
                    Unary::LowestBit => (Op::And, exprs.unary(Op::Negate, a)),
                    Unary::WithoutLowestBit => (Op::And, exprs.unary(Op::OneMinus, a)),
                };
                exprs.binary(op, a, b)
            }
            Entry::Binary(op, a, b) => {
                let (a, b) = (self.express(exprs, a), self.express(exprs, b));
                exprs.binary(op, a, b)
            }
        }
    }

    /// The entry with exactly these values.
    pub fn find(&self, column: &Column<L>) -> Option<usize> {
        self.simd.find(self.table.buckets(), &self.columns, column)
    }

    /// Banks the expressions of the next size, until there are no more or a bound is reached; after that, nothing.
    pub fn grow(&mut self, candidates_max: u64, entries_max: usize) -> Filled {
        if self.is_cut {
            return Filled::Cut;
        }
        let size = self.sizes.size() + 1;
        self.sizes.push(self.columns.len());
        let bounds = Bounds { candidates_max, entries_max: entries_max.min(ENTRIES_MAX - BLOCK) };
        if size == self.vocabulary.literal_size {
            self.bank_constants();
        }
        let mark = self.mark();
        if let Some(log) = &mut self.log {
            log.push(mark);
        }
        let filled = self
            .grow_unary(size, 1..=1, bounds)
            .and_then(|()| self.grow_binary(size, bounds))
            .and_then(|()| self.grow_unary(size, 2..=usize::MAX, bounds));
        self.insert_waiting();
        self.sizes.end(self.columns.len());
        self.is_cut = filled.is_none();
        if self.is_cut { Filled::Cut } else { Filled::Whole }
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
            let from = self.sizes.of_size(size - own);
            let made = Made::new(1 + number, 0, 0);
            let known = self.known.unary(number);
            self.grow_by(Operation::Unary(unary), from, known, (made, 1 << INDEX_BITS), bounds)?;
        }
        Some(())
    }

    fn grow_binary(&mut self, size: usize, bounds: Bounds) -> Option<()> {
        let n_unary = self.vocabulary.unary.len();
        for left in 1..size.saturating_sub(1) {
            let right = size - 1 - left;
            let streamed = if left > right { left } else { right };
            // The operand that there are fewer of stays; the others stream past.
            for stays in self.sizes.of_size(if left > right { right } else { left }) {
                let column = self.columns[stays];
                let class = Known::class(&column, self.maker(stays));
                for number in 0..self.vocabulary.binary.len() {
                    let op = self.vocabulary.binary[number];
                    let operator = 1 + n_unary + number;
                    let mut from = self.sizes.of_size(streamed);
                    if left > right {
                        if !op.is_commutative() {
                            let made = (Made::new(operator, 0, stays), 1 << INDEX_BITS);
                            let known = self.known.binary(number, Order::Second, class);
                            self.grow_by(Operation::Mirrored(op, column), from, known, made, bounds)?;
                        }
                        continue;
                    }
                    if op.is_commutative() && left == right {
                        from.start = stays;
                    }
                    let made = (Made::new(operator, stays, 0), 1);
                    let known = self.known.binary(number, Order::First, class);
                    self.grow_by(Operation::Binary(op, column), from, known, made, bounds)?;
                }
            }
        }
        Some(())
    }

    /// The number of the operator of one operand that made an entry.
    fn maker(&self, entry: usize) -> Option<usize> {
        let (operator, ..) = self.made[entry].parts();
        (1..=self.vocabulary.unary.len()).contains(&operator).then(|| operator - 1)
    }

    /// Whether what is made of a block of entries is known: all of it, or they all have a maker for which it is. Those of one maker
    /// stand side by side, so the first and the last tell.
    fn is_known(&self, known: Makers, block: std::ops::Range<usize>) -> bool {
        if known.is_empty() || known.is_all() {
            return known.is_all();
        }
        let maker = self.maker(block.start);
        maker.is_some_and(|maker| known.contains(maker)) && self.maker(block.end - 1) == maker
    }

    /// What an operator makes of the entries of a range; `made` is how the first entry of all would be made, and `step` what
    /// each further one adds. What is known is counted, and not computed. `None` once a bound is reached.
    fn grow_by(
        &mut self,
        operation: Operation<L>,
        from: std::ops::Range<usize>,
        known: Makers,
        (made, step): (Made, u64),
        bounds: Bounds,
    ) -> Option<()> {
        let mut at = from.start;
        while at < from.end {
            let n = BLOCK.min(from.end - at);
            self.make_room(n, bounds)?;
            let is_known = self.is_known(known, at..at + n);
            if is_known && self.log.is_none() {
                at += n;
                continue;
            }
            let n_computed = if is_known { 0 } else { n };
            let waiting = &mut self.blocks[self.n_computed % WAITING];
            (waiting.n, waiting.first, waiting.step) = (n_computed, made.next(step, at), step);
            waiting.candidates = self.candidates;
            let block = &mut waiting.block;
            let next = &self.columns[..from.end];
            (at + BLOCK..at + BLOCK + TOLD).for_each(|at| simd::prefetch(next, at));
            let columns = &self.columns[at..at + n_computed];
            let job = match operation {
                Operation::Unary(unary) => Job::Unary(unary, columns),
                Operation::Binary(op, a) => Job::Binary(op, a, columns),
                Operation::Mirrored(op, b) => Job::Mirrored(op, columns, b),
            };
            let hashes = &mut block.hashes[..n_computed];
            self.simd.compute(job, &mut block.columns[..n_computed], hashes);
            self.simd.places(self.table.buckets(), hashes, &mut waiting.places[..n_computed]);
            self.n_computed += 1;
            self.n_waiting += 1;
            if self.n_waiting > 1 {
                self.suspect(self.n_computed - 2);
            }
            at += n;
        }
        Some(())
    }

    /// Makes room for a block: one of those that wait, and in the table. `None` once a bound is reached.
    fn make_room(&mut self, n: usize, bounds: Bounds) -> Option<()> {
        if self.candidates + n as u64 > bounds.candidates_max {
            return None;
        }
        if self.columns.len() + (self.n_waiting + 1) * BLOCK > bounds.entries_max {
            self.insert_waiting();
            if self.columns.len() + n > bounds.entries_max {
                return None;
            }
        }
        self.candidates += n as u64;
        if self.n_waiting == WAITING {
            self.insert_oldest();
        }
        let left = usize::try_from(bounds.candidates_max - self.candidates).unwrap_or(usize::MAX);
        let most = bounds.entries_max.min((self.columns.len() + WAITING * BLOCK).saturating_add(left));
        if self.table.is_full(self.columns.len() + WAITING * BLOCK) {
            self.insert_waiting();
            self.table.widen(most + WAITING * BLOCK);
        }
        if self.columns.len() + WAITING * BLOCK > self.columns.capacity() {
            let wanted = if self.columns.capacity() < FEW { FEW } else { most.max(FEW) + WAITING * BLOCK };
            self.columns.reserve_exact(wanted - self.columns.len());
            self.made.reserve_exact(wanted - self.made.len());
            simd::use_large_pages(&mut self.columns);
            simd::use_large_pages(&mut self.made);
        }
        Some(())
    }

    /// Looks up which entries the columns of a block may be the same as, and asks for those: the buckets have come.
    fn suspect(&mut self, number: usize) {
        let Waiting { block, places, suspects, n, .. } = &mut self.blocks[number % WAITING];
        let wanted = (&block.hashes[..*n], &places[..*n]);
        self.simd.suspect(self.table.buckets(), &self.columns, wanted, &mut suspects[..*n]);
    }

    /// Banks what is new of all blocks that wait.
    fn insert_waiting(&mut self) {
        while self.n_waiting > 0 {
            self.insert_oldest();
        }
    }

    /// Banks what is new of the block that waits longest.
    fn insert_oldest(&mut self) {
        let number = (self.n_computed - self.n_waiting) % WAITING;
        self.n_waiting -= 1;
        if self.n_waiting == 0 {
            // It has not been looked at yet.
            self.suspect(number);
        }
        let waiting = &self.blocks[number];
        let (simd, n) = (self.simd, waiting.n);
        let block = Candidates {
            columns: &waiting.block.columns[..n],
            hashes: &waiting.block.hashes[..n],
            places: &waiting.places[..n],
            suspects: &waiting.suspects[..n],
            first: waiting.first,
            step: waiting.step,
        };
        let before = self.columns.len();
        simd.insert(block, &mut self.columns, &mut self.made, self.table.buckets_mut());
        let n_new = self.columns.len() - before;
        let spare = self.columns.spare_capacity_mut();
        (AHEAD - n_new..AHEAD).for_each(|at| simd::prefetch(spare, at));
        if let Some(log) = &mut self.log {
            log.push(Mark { candidates: waiting.candidates as u32, len: self.columns.len() as u32 });
        }
    }

    fn insert(&mut self, column: &Column<L>, sum: u64, made: Made) {
        let buckets = self.table.buckets_mut();
        if let Err(place) = table::find::<Portable>(buckets, sum, |entry| self.columns[entry].equals(column))
        {
            table::put(buckets, place, sum, self.columns.len());
            self.columns.push(*column);
            self.made.push(made);
        }
    }
}

/// A block of computed columns, and how each was made.
#[derive(Clone, Copy)]
pub struct Candidates<'b, const L: usize> {
    columns: &'b [Column<L>],
    hashes: &'b [u64],
    places: &'b [u32],
    suspects: &'b [u32],
    first: Made,
    step: u64,
}

/// Banks what is new of a block. What is not is told from the rest first, without a branch for each; so the second loop is one whose
/// branches are foreseen. Columns are put where they stay once all have been looked up: writes to memory that has not come hold up the
/// looking.
#[inline(always)]
fn insert_new<S: Slots, const L: usize>(
    block: Candidates<'_, L>,
    columns: &mut Vec<Column<L>>,
    made: &mut Vec<Made>,
    buckets: &mut [Bucket],
) {
    let mut rest = [0u8; BLOCK];
    let mut n_rest = 0;
    for (k, (column, suspect)) in block.columns.iter().zip(block.suspects).enumerate() {
        let is_same = match columns.get((*suspect as usize).saturating_sub(1)) {
            Some(entry) => entry.equals(column) & (*suspect != 0),
            None => false,
        };
        rest[n_rest % BLOCK] = k as u8;
        n_rest += usize::from(!is_same & (block.hashes[k] != TRAPPED));
    }
    let mut new = [0u8; BLOCK];
    let mut n_new = 0;
    for k in &rest[..n_rest] {
        let k = usize::from(*k);
        let (column, sum, at) = (&block.columns[k], block.hashes[k], block.places[k] as usize);
        let is_it = |entry: usize| {
            let held = match columns.get(entry) {
                Some(held) => held,
                None => &block.columns[usize::from(new[entry - columns.len()])],
            };
            held.equals(column)
        };
        if let Err(place) = table::find_from::<S>(buckets, at, sum, is_it) {
            table::put(buckets, place, sum, columns.len() + n_new);
            new[n_new % BLOCK] = k as u8;
            n_new += 1;
        }
    }
    let new = new[..n_new].iter().map(|k| usize::from(*k));
    columns.extend(new.clone().map(|k| block.columns[k]));
    made.extend(new.map(|k| block.first.next(block.step, k)));
}

#[derive(Clone, Copy)]
struct Bounds {
    candidates_max: u64,
    entries_max: usize,
}
