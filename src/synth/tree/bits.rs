//! Sets of tests, as rows of one table of words.

use crate::synth::bank::simd::Simd;

/// A set of tests.
pub type Set = Box<[u64]>;

/// Sets of the same width, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Table {
    width: usize,
    words: Vec<u64>,
}

/// Words that a set of so many tests takes.
pub fn width(n_tests: usize) -> usize {
    n_tests.div_ceil(64).max(1)
}

/// The set of all tests.
pub fn all(n_tests: usize) -> Set {
    let mut set = vec![0; width(n_tests)].into_boxed_slice();
    (0..n_tests).for_each(|test| set[test / 64] |= 1 << (test % 64));
    set
}

/// How many tests are in it.
pub fn count(set: &[u64]) -> u32 {
    set.iter().map(|word| word.count_ones()).sum()
}

/// Whether all of `one` is in `other`.
#[inline]
pub fn within(one: &[u64], other: &[u64]) -> bool {
    one.iter().zip(other).all(|(one, other)| one & !other == 0)
}

/// What is in both.
pub fn both(one: &[u64], other: &[u64]) -> Set {
    one.iter().zip(other).map(|(one, other)| one & other).collect()
}

/// What is in the first alone.
pub fn without(one: &[u64], other: &[u64]) -> Set {
    one.iter().zip(other).map(|(one, other)| one & !other).collect()
}

impl Table {
    /// Forgets all rows; those to come hold so many tests.
    pub fn reset(&mut self, n_tests: usize) {
        self.width = width(n_tests);
        self.words.clear();
    }

    /// How many tests each row has in common with a set.
    pub fn common(&self, set: &[u64], counts: &mut Vec<u32>) {
        counts.clear();
        counts.resize(self.len(), 0);
        Simd::best().common(set, &self.words, counts);
    }

    /// How many rows there are.
    fn len(&self) -> usize {
        self.words.len() / self.width.max(1)
    }

    /// One row.
    #[inline]
    pub fn row(&self, at: usize) -> &[u64] {
        &self.words[at * self.width..(at + 1) * self.width]
    }

    /// Adds a row.
    pub fn push(&mut self, set: &[u64]) {
        assert_eq!(set.len(), self.width, "a set of another width");
        self.words.extend_from_slice(set);
    }

    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.words.chunks_exact(self.width.max(1))
    }
}
