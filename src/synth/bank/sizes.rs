//! Where the entries of each size stand.

use std::ops::Range;

/// The entries of a bank by size: those of size 1 first. A bank and a view of it are read as this is.
#[derive(Clone, Default, Debug)]
pub struct Sizes {
    /// Where the entries of each size end, after a 0.
    ends: Vec<usize>,
}

impl Sizes {
    /// How many entries there are, of all sizes that have been ended.
    pub fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The greatest size that has been begun.
    pub fn size(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    /// The entries of one size.
    pub fn of_size(&self, size: usize) -> Range<usize> {
        self.ends[size - 1]..self.ends[size]
    }

    /// The size of an entry.
    pub fn size_of(&self, entry: usize) -> usize {
        self.ends.partition_point(|end| *end <= entry)
    }

    /// Forgets all sizes.
    pub(super) fn clear(&mut self) {
        self.ends.clear();
        self.ends.push(0);
    }

    /// Begins the next size, which so far ends here.
    pub(super) fn push(&mut self, end: usize) {
        self.ends.push(end);
    }

    /// The size that was begun last ends here.
    pub(super) fn end(&mut self, end: usize) {
        *self.ends.last_mut().expect("a size was begun") = end;
    }
}
