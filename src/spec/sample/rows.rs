//! Rows: values of several variables combined.

use crate::model::Cell;
use crate::model::random::Random;
use crate::spec::sample::bounds::bounds;
use crate::spec::sample::domain::{Blocked, Domain};
use crate::spec::sample::ladder::Ladder;
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use std::hash::Hasher as _;

/// How many rows, and which.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The same seed gives the same rows.
    pub seed: u64,
    /// How many different rows are wanted.
    pub wanted: usize,
    /// No value is further from 0, unless the constraints leave no other: [`Options::SMALL`] keeps recursions short and
    /// products from overflowing.
    pub reach: u64,
}

impl Options {
    /// A reach for expressions that grow fast.
    pub const SMALL: u64 = 20;
    /// A reach within which products of two values fit a cell.
    pub const MIDDLE: u64 = 1 << 31;
    /// All values.
    pub const FULL: u64 = u64::MAX;
}

/// Rows of a domain.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    cells: &'a [Cell],
    width: usize,
    len: usize,
    /// How many rows were tried; many more than `len` where the constraints are hard to satisfy.
    pub tries: u32,
    /// Why there are none, where the domain cannot be sampled.
    pub blocked: Option<Blocked>,
}

impl<'a> Samples<'a> {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The rows; each has a cell for every slot of the domain.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &'a [Cell]> + use<'a> {
        let (cells, width) = (self.cells, self.width);
        (0..self.len).map(move |i| &cells[i * width..(i + 1) * width])
    }
}

/// Combinations of the first steps of every ladder: this many steps, a prime, so that any two variables meet in every
/// pair of them.
const PAIRED_STEPS: usize = 5;

/// Values of one variable that are tried one by one when nothing else satisfies the constraints.
const SCAN_MAX: i128 = 4096;

/// Makes rows that satisfy the constraints: fewer than wanted where there are no more, or where they are hard to find.
pub fn samples<'a>(arena: &'a Bump, domain: &Domain<'_>, options: Options) -> Samples<'a> {
    let width = domain.types.len();
    let empty = Samples { cells: &[], width, len: 0, tries: 0, blocked: domain.blocked };
    if domain.blocked.is_some() || options.wanted == 0 {
        return empty;
    }
    let mut ladders = ArenaVec::new_in(arena);
    let bounds = bounds(arena, domain);
    for slot in domain.slots().take_while(|slot| *slot < width) {
        ladders.push((slot, Ladder::new(arena, domain.types[slot], &bounds[slot], options.reach)));
    }
    let mut maker = Maker {
        domain,
        ladders,
        random: Random::new(&[options.seed, domain.sampled]),
        row: arena.alloc_slice_fill_copy(width, 0),
        cells: ArenaVec::new_in(arena),
        seen: arena.alloc_slice_fill_copy((options.wanted * 2).next_power_of_two(), u32::MAX),
        len: 0,
        tries: 0,
        wanted: options.wanted,
    };
    maker.make();
    Samples { len: maker.len, tries: maker.tries, cells: maker.cells.into_bump_slice(), ..empty }
}

/// Every row that satisfies the constraints, in order, where at most `rows_max` lie within the bounds of all variables.
pub fn every<'a>(arena: &'a Bump, domain: &Domain<'_>, rows_max: usize) -> Option<Samples<'a>> {
    let width = domain.types.len();
    if domain.blocked.is_some() || domain.slots().take_while(|slot| *slot < width).count() != width {
        return None;
    }
    let bounds = bounds(arena, domain);
    let mut n_rows = 1i128;
    for bounds in &bounds {
        let n_values = bounds.high.checked_sub(bounds.low)?.checked_add(1)?;
        if n_values < 1 {
            return None;
        }
        n_rows = n_rows.checked_mul(n_values).filter(|n_rows| *n_rows <= rows_max as i128)?;
    }
    let row = arena.alloc_slice_fill_copy(width, 0);
    let mut cells = ArenaVec::new_in(arena);
    let mut len = 0;
    for number in 0..n_rows {
        // The last variable changes fastest.
        let mut rest = number;
        for (slot, bounds) in bounds.iter().enumerate().rev() {
            let n_values = bounds.high - bounds.low + 1;
            row[slot] = (bounds.low + rest % n_values) as Cell;
            rest /= n_values;
        }
        if domain.admits(row) {
            cells.extend_from_slice_copy(row);
            len += 1;
        }
    }
    Some(Samples { cells: cells.into_bump_slice(), width, len, tries: n_rows as u32, blocked: None })
}

struct Maker<'m, 'a> {
    domain: &'m Domain<'m>,
    ladders: ArenaVec<'a, (usize, Ladder<'a>)>,
    random: Random,
    row: &'a mut [Cell],
    cells: ArenaVec<'a, Cell>,
    /// A hash table of the rows kept, by their number.
    seen: &'a mut [u32],
    len: usize,
    tries: u32,
    wanted: usize,
}

impl Maker<'_, '_> {
    fn make(&mut self) {
        if self.ladders.is_empty() {
            self.keep();
            return;
        }
        let tries_max = self.wanted.saturating_mul(32).saturating_add(256);
        let n_ordered =
            if self.ladders.len() == 1 { self.ladders[0].1.head } else { PAIRED_STEPS * PAIRED_STEPS };
        let (mut ordered, mut mixed) = (0, 0);
        for i in 0..tries_max {
            if self.len == self.wanted {
                return;
            }
            // The ordered rows come first where there is room for all, else they share it with random ones.
            let is_ordered = ordered < n_ordered && (i < 8 || n_ordered * 3 / 2 <= self.wanted || i % 2 == 0);
            if is_ordered {
                self.ordered(ordered);
                ordered += 1;
            } else {
                self.mixed(mixed);
                mixed += 1;
            }
            self.keep();
        }
        if self.len == 0 && self.ladders.len() == 1 {
            self.scan();
        }
    }

    /// The telling rows, in order: of one variable its ladder, of several the pairs of their first steps.
    fn ordered(&mut self, index: usize) {
        let alone = self.ladders.len() == 1;
        // (i + column * j) mod p: any two columns meet in every pair. The diagonal (j = 0) comes first.
        let (j, i) = (index / PAIRED_STEPS, index % PAIRED_STEPS);
        for (column, (slot, ladder)) in self.ladders.iter().enumerate() {
            let step = if alone { index } else { (i + column * j) % PAIRED_STEPS };
            if let Some(value) = ladder.steps.get(step % ladder.steps.len().max(1)) {
                self.row[*slot] = *value as Cell;
            }
        }
    }

    fn mixed(&mut self, index: usize) {
        let alone = self.ladders.len() == 1;
        for (slot, ladder) in &self.ladders {
            let value = match index % 4 {
                // The rest of the ladder in turn, so that a single variable sees all of it.
                0 if alone && ladder.head + index / 4 < ladder.steps.len() => {
                    ladder.steps[ladder.head + index / 4]
                }
                0 => ladder.step(&mut self.random),
                1 => ladder.small(&mut self.random),
                _ => ladder.any(&mut self.random),
            };
            self.row[*slot] = value as Cell;
        }
        if !alone && self.random.one_in(8) {
            self.relate();
        }
    }

    /// Makes one variable equal or next to another: many words do something special there.
    fn relate(&mut self) {
        let n = self.ladders.len() as u64;
        let from = self.ladders[self.random.below(n) as usize].0;
        let to = self.ladders[self.random.below(n) as usize].0;
        let difference = self.random.within(-1, 1) as Cell;
        let (value, ty) = (self.row[from], self.domain.types[to]);
        if ty == self.domain.types[from]
            && crate::spec::expr::cell_of(value as i128 + difference as i128, ty).is_some()
        {
            self.row[to] = value + difference;
        }
    }

    fn scan(&mut self) {
        let (slot, ladder) = &self.ladders[0];
        let (slot, base) = (*slot, ladder.small(&mut Random::new(&[])));
        for distance in 0..SCAN_MAX {
            for value in [base.saturating_add(distance), base.saturating_sub(distance)] {
                let Some(cell) = crate::spec::expr::cell_of(value, self.domain.types[slot]) else { continue };
                self.row[slot] = cell;
                self.keep();
                if self.len == self.wanted {
                    return;
                }
            }
        }
    }

    /// Keeps the row, if it satisfies the constraints and is new.
    fn keep(&mut self) {
        self.tries += 1;
        if !self.domain.admits(self.row) {
            return;
        }
        let mut hasher = rustc_hash::FxHasher::default();
        self.row.iter().for_each(|cell| hasher.write_i64(*cell));
        let mask = self.seen.len() - 1;
        let mut place = (hasher.finish() >> 20) as usize & mask;
        let width = self.row.len();
        while self.seen[place] != u32::MAX {
            let known = self.seen[place] as usize * width;
            if self.cells[known..known + width] == *self.row {
                return;
            }
            place = (place + 1) & mask;
        }
        self.seen[place] = self.len as u32;
        self.cells.extend_from_slice_copy(self.row);
        self.len += 1;
    }
}
