//! What stands in a bank: all of it, or the first part of one that somebody else built.

use super::{Bank, Column, Marks, Sizes};
use crate::synth::expr::{ExprId, Exprs};
use std::ops::Deref;

/// The first entries of a bank, as if there were no others.
#[derive(Clone, Copy)]
pub struct View<'b, const L: usize> {
    pub(super) bank: &'b Bank<L>,
    /// Where the entries of each size stand; the last end is that of the view.
    pub(super) sizes: &'b Sizes,
}

impl<const L: usize> Deref for View<'_, L> {
    type Target = Sizes;

    fn deref(&self) -> &Sizes {
        self.sizes
    }
}

impl<'b, const L: usize> View<'b, L> {
    /// The values of all entries.
    pub fn columns(&self) -> &'b [Column<L>] {
        &self.bank.columns[..self.len()]
    }

    /// Where the entries from `from` on have the goal's values, 1, 0 and -1.
    pub fn marks(&self, from: usize, goal: &Column<L>, marks: &mut Vec<Marks>) {
        let columns = &self.columns()[from..];
        marks.clear();
        marks.resize(columns.len(), Marks::default());
        self.bank.simd.mark(columns, goal, marks);
    }

    /// The entry as an expression.
    pub fn express(&self, exprs: &mut Exprs, entry: usize) -> ExprId {
        self.bank.express(exprs, entry)
    }

    /// The entry with exactly these values.
    pub fn find(&self, column: &Column<L>) -> Option<usize> {
        self.bank.find(column).filter(|entry| *entry < self.len())
    }

    /// How many expressions of the next size there are to compute.
    pub fn next_candidates(&self) -> u64 {
        let size = self.size() + 1;
        let n = |size: usize| self.of_size(size).len() as u64;
        let vocabulary = &self.bank.vocabulary;
        let mut all = 0;
        if size == vocabulary.literal_size {
            all += vocabulary.constants.len() as u64;
        }
        let sizes =
            vocabulary.unary.iter().filter_map(|unary| size.checked_sub(vocabulary.unary_size(*unary)));
        all += sizes.filter(|below| *below > 0).map(n).sum::<u64>();
        let n_ordered = vocabulary.binary.iter().filter(|op| !op.is_commutative()).count() as u64;
        let n_either = vocabulary.binary.len() as u64 - n_ordered;
        for left in 1..size.saturating_sub(1) {
            let right = size - 1 - left;
            let pairs = n(left).saturating_mul(n(right));
            all = all.saturating_add(pairs.saturating_mul(n_ordered));
            let unordered = match left.cmp(&right) {
                std::cmp::Ordering::Less => pairs,
                std::cmp::Ordering::Equal => n(left).saturating_mul(n(left) + 1) / 2,
                std::cmp::Ordering::Greater => 0,
            };
            all = all.saturating_add(unordered.saturating_mul(n_either));
        }
        all
    }
}
