//! Where the entries of a bank are found by the hash of their values.
//!
//! Buckets of eight slots, one line of the cache each, in the order of hashes. A slot holds the upper bits of a hash and the number of an
//! entry plus one; 0 is empty. A hash belongs in its bucket, or where that is full, in the next that is not. Nothing is ever
//! taken out, so that an empty slot ends the looking. All eight slots are compared at once, without a branch for each.

use super::kernel::Column;
use super::simd;
#[cfg(test)]
use super::simd::Simd;

const INDEX_BITS: u32 = 28;
pub(super) const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;

/// Slots of a bucket.
pub const SLOTS: usize = 8;

/// Most entries that a table can number.
pub const ENTRIES_MAX: usize = INDEX_MASK as usize;

const LEN_MIN: usize = (1 << 12) / SLOTS;

/// A table that will come to no more than so many times its size at once becomes as large as that: to move most of its entries
/// once more costs as much as clearing that much.
const NEAR: usize = 16;

/// Eight slots.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C, align(64))]
pub struct Bucket(pub(super) [u64; SLOTS]);

/// All slots of a bucket compared at once; the answers are masks, bit by slot.
pub trait Slots {
    /// Which slots have the upper bits of a hash. An empty one has those of a hash whose upper bits are 0.
    fn same(bucket: &Bucket, sum: u64) -> u32;
    /// Which slots are empty.
    fn empty(bucket: &Bucket) -> u32;
}

/// Without instructions beyond those that the build assumes.
pub struct Portable;

impl Slots for Portable {
    #[inline(always)]
    fn same(bucket: &Bucket, sum: u64) -> u32 {
        mask(bucket, |held| (held ^ sum) & !INDEX_MASK == 0)
    }

    #[inline(always)]
    fn empty(bucket: &Bucket) -> u32 {
        mask(bucket, |held| held == 0)
    }
}

#[inline(always)]
fn mask(bucket: &Bucket, is: impl Fn(u64) -> bool) -> u32 {
    bucket.0.iter().enumerate().fold(0, |mask, (slot, held)| mask | u32::from(is(*held)) << slot)
}

/// Where a hash belongs among so many buckets, in the order of hashes. The bits that say so are kept in the slot.
#[inline(always)]
fn place(sum: u64, len: usize) -> u32 {
    (((sum >> 32) * len as u64) >> 32) as u32
}

/// Where hashes belong. Asks for these buckets.
#[inline(always)]
pub fn places(buckets: &[Bucket], sums: &[u64], places: &mut [u32]) {
    for (sum, at) in sums.iter().zip(&mut *places) {
        *at = place(*sum, buckets.len());
    }
    for at in &*places {
        simd::prefetch(buckets, *at as usize);
    }
}

/// For each hash, whose bucket is known, the number plus one of an entry that probably has it, or 0: only its own bucket is looked at.
/// Asks for the columns of these entries.
#[inline(always)]
pub fn suspect<S: Slots, const L: usize>(
    buckets: &[Bucket],
    columns: &[Column<L>],
    (sums, places): (&[u64], &[u32]),
    suspects: &mut [u32],
) {
    for ((sum, at), suspect) in sums.iter().zip(places).zip(suspects) {
        let bucket = &buckets[*at as usize];
        let same = S::same(bucket, *sum);
        let held = bucket.0[same.trailing_zeros() as usize % SLOTS] & INDEX_MASK;
        // About half of them are there, and nothing foretells which: without a branch.
        *suspect = held as u32 & u32::from(same != 0).wrapping_neg();
        simd::prefetch(columns, (*suspect as usize).saturating_sub(1));
    }
}

/// The entry with a hash for which `is_it` holds, or where it belongs: a bucket and an empty slot. The hash belongs in the bucket `at`.
#[inline(always)]
pub fn find_from<S: Slots>(
    buckets: &[Bucket],
    mut at: usize,
    sum: u64,
    is_it: impl Fn(usize) -> bool,
) -> Result<usize, (usize, usize)> {
    loop {
        let bucket = &buckets[at];
        let mut same = S::same(bucket, sum);
        while same != 0 {
            let number = (bucket.0[same.trailing_zeros() as usize % SLOTS] & INDEX_MASK) as usize;
            if number > 0 && is_it(number - 1) {
                return Ok(number - 1);
            }
            same &= same - 1;
        }
        let empty = S::empty(bucket);
        if empty != 0 {
            return Err((at, empty.trailing_zeros() as usize % SLOTS));
        }
        at = if at + 1 == buckets.len() { 0 } else { at + 1 };
    }
}

/// [`find_from`] the bucket in which the hash belongs.
#[inline(always)]
pub fn find<S: Slots>(
    buckets: &[Bucket],
    sum: u64,
    is_it: impl Fn(usize) -> bool,
) -> Result<usize, (usize, usize)> {
    find_from::<S>(buckets, place(sum, buckets.len()) as usize, sum, is_it)
}

/// The slot of an entry.
#[inline(always)]
pub fn put(buckets: &mut [Bucket], (bucket, slot): (usize, usize), sum: u64, entry: usize) {
    buckets[bucket].0[slot] = (sum & !INDEX_MASK) | (entry as u64 + 1);
}

/// A table, and the memory of the one before.
#[derive(Default)]
pub struct Table {
    buckets: Vec<Bucket>,
    spare: Vec<Bucket>,
}

impl Table {
    /// Most bytes that it takes for each entry that it may come to: a slot and a third, twice while it grows.
    pub const ENTRY_BYTES: usize = 3 * size_of::<u64>();

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.buckets.clear();
        self.buckets.resize(LEN_MIN, Bucket::default());
    }

    /// The buckets.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// The buckets, to put entries into.
    pub fn buckets_mut(&mut self) -> &mut [Bucket] {
        &mut self.buckets
    }

    /// Whether more than three quarters of the slots would be taken by so many entries.
    pub fn is_full(&self, n_entries: usize) -> bool {
        n_entries * 4 > self.buckets.len() * SLOTS * 3
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.buckets.len() * size_of::<Bucket>()
    }

    /// Gives up what is only of use while it grows.
    pub fn shrink(&mut self) {
        self.spare = Vec::new();
    }

    /// Makes the table four times as large, or, where that is near, as large as it needs to be for the most entries that it may
    /// come to. A slot holds the part of its hash that places it, so no column is read; and the buckets stand in the order of their
    /// hashes, so both tables are gone through once from the front.
    #[cold]
    pub fn widen(&mut self, entries_max: usize) {
        let most = (entries_max * 4).div_ceil(SLOTS * 3);
        let len = if self.buckets.len() * NEAR >= most { most } else { self.buckets.len() * 4 };
        debug_assert!(len > self.buckets.len(), "there is room for all of them already");
        self.spare.clear();
        if self.spare.capacity() < len {
            self.spare.reserve_exact(len);
            simd::use_large_pages(&mut self.spare);
        }
        self.spare.resize(len, Bucket::default());
        std::mem::swap(&mut self.buckets, &mut self.spare);
        spread(&self.spare, &mut self.buckets);
    }
}

/// Puts what stands in a table into a larger one that is empty. A bucket fills from its first slot on, and how far is counted beside it:
/// to read from the bucket what was written to it just before would stall.
fn spread(from: &[Bucket], to: &mut [Bucket]) {
    let mut taken = vec![0u8; to.len()];
    for slot in from.iter().flat_map(|bucket| bucket.0).filter(|slot| *slot != 0) {
        let mut at = place(slot, to.len()) as usize;
        while usize::from(taken[at]) == SLOTS {
            at = if at + 1 == to.len() { 0 } else { at + 1 };
        }
        to[at].0[usize::from(taken[at]) % SLOTS] = slot;
        taken[at] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that all belong in few buckets, the last ones among them, so that these overflow and what overflows begins anew at the front.
    fn crowded() -> Vec<u64> {
        let near = |base: u64| (0..SLOTS as u64 * 3).map(move |k| base + (k << INDEX_BITS));
        let end = u64::MAX << INDEX_BITS;
        near(0).chain(near(1 << 62)).chain(near(end - (100 << INDEX_BITS))).map(|sum| sum | 1).collect()
    }

    fn column(number: usize) -> Column<8> {
        Column::all(number as i64)
    }

    #[test]
    fn full_buckets_overflow_and_everything_is_found_again() {
        let (sums, mut table, mut columns) = (crowded(), Table::default(), Vec::new());
        table.clear();
        let find = |table: &Table, columns: &[Column<8>], entry: usize, sum: u64| {
            super::find::<Portable>(table.buckets(), sum, |held| columns[held].equals(&column(entry)))
        };
        for round in 0..3 {
            if round > 0 {
                table.widen(ENTRIES_MAX);
            }
            for sum in &sums {
                let entry = columns.len();
                let place = find(&table, &columns, entry, *sum).expect_err("it is new");
                put(table.buckets_mut(), place, *sum, entry);
                columns.push(column(entry));
            }
            for entry in 0..columns.len() {
                assert_eq!(find(&table, &columns, entry, sums[entry % sums.len()]), Ok(entry));
            }
        }
        assert_eq!(table.bytes(), LEN_MIN * 16 * size_of::<Bucket>());
    }

    #[test]
    fn a_table_grows_to_what_it_may_come_to_and_no_further() {
        let mut table = Table::default();
        table.clear();
        let entries_max = 100_000;
        for n_entries in 0..=entries_max {
            if table.is_full(n_entries) {
                table.widen(entries_max);
            }
        }
        assert!(!table.is_full(entries_max));
        let least = entries_max * size_of::<u64>() * 4 / 3;
        assert!((least..=least + size_of::<Bucket>()).contains(&table.bytes()), "{}", table.bytes());
    }

    #[test]
    fn all_instructions_suspect_the_same() {
        let (sums, mut table, columns) = (crowded(), Table::default(), vec![column(0); 100]);
        table.clear();
        for (entry, sum) in sums.iter().step_by(2).enumerate() {
            let place = super::find::<Portable>(table.buckets(), *sum, |_| false);
            put(table.buckets_mut(), place.expect_err("nothing is found"), *sum, entry);
        }
        let (mut portable, mut at) = (vec![0; sums.len()], vec![0; sums.len()]);
        places(table.buckets(), &sums, &mut at);
        suspect::<Portable, 8>(table.buckets(), &columns, (&sums, &at), &mut portable);
        let n_found = portable.iter().filter(|suspect| **suspect > 0).count();
        assert!(n_found >= 3 * SLOTS && portable.iter().skip(1).step_by(2).all(|suspect| *suspect == 0));
        for simd in Simd::available() {
            let (mut suspects, mut those) = (vec![0; sums.len()], vec![0; sums.len()]);
            simd.places(table.buckets(), &sums, &mut those);
            assert_eq!(those, at, "{}", simd.name());
            simd.suspect(table.buckets(), &columns, (&sums, &at), &mut suspects);
            assert_eq!(suspects, portable, "{}", simd.name());
        }
    }
}
