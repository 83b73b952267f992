//! The values worth trying for one variable, the most telling first, and random ones.

use crate::model::CellType;
use crate::model::random::Random;
use crate::spec::sample::bounds::Bounds;
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

/// How many neighbouring small values are tried one by one.
const DENSE: i128 = 12;

/// The values of one variable.
pub(super) struct Ladder<'a> {
    /// The steps, first to last; those of the head without duplicates.
    pub(super) steps: ArenaVec<'a, i128>,
    /// How many of them come before the powers of two, which random values are mixed with.
    pub(super) head: usize,
    low: i128,
    high: i128,
    base: i128,
}

impl<'a> Ladder<'a> {
    /// The values within the bounds, none further from 0 than `reach` unless the bounds leave no other.
    pub(super) fn new(arena: &'a Bump, ty: CellType, bounds: &Bounds<'_>, reach: u64) -> Self {
        let reach = reach as i128;
        let (low, high) = (bounds.low.max(-reach), bounds.high.min(reach));
        let (low, high) = if low <= high { (low, high) } else { (bounds.low, bounds.high) };
        let base = bounds.base();
        let mut ladder = Self { steps: ArenaVec::with_capacity_in(128, arena), head: 0, low, high, base };
        ladder.climb(ty, bounds);
        ladder
    }

    fn climb(&mut self, ty: CellType, bounds: &Bounds<'_>) {
        self.offer(&[0, 1, -1, 2]);
        // Where 0 is excluded, the values next to the limit are the small ones.
        let direction = if self.base < 0 { -1 } else { 1 };
        self.offer(&[self.base, self.base.saturating_add(direction)]);
        if bounds.low > bounds.type_low {
            self.offer(&[bounds.low, bounds.low.saturating_add(1)]);
        }
        if bounds.high < bounds.type_high {
            self.offer(&[bounds.high, bounds.high.saturating_sub(1)]);
        }
        for literal in &bounds.literals {
            self.offer(&[
                *literal,
                literal.saturating_sub(1),
                literal.saturating_add(1),
                literal.saturating_neg(),
            ]);
        }
        if ty == CellType::Char {
            self.offer(&[32, 48, 57, 65, 90, 97, 122, 10, 9, 126, 127, 255, 0x20AC, 0x10_FFFF]);
        }
        for distance in 2..=DENSE {
            self.offer(&[self.base.saturating_add(direction * distance)]);
        }
        self.offer(&[-2, -3, -7, -10, 100]);
        self.offer(&[self.low, self.high]);
        self.head = self.steps.len();
        self.offer_again(&[self.low.saturating_add(1), self.high.saturating_sub(1), 255, 256, 1000]);
        for bits in [16, 31, 32, 63, 7, 15, 4, 5, 10, 20, 24, 40, 48, 62] {
            let power = 1i128 << bits;
            self.offer_again(&[power - 1, power, power + 1, -power, -power - 1]);
        }
    }

    /// Without looking for duplicates, which rows are rid of anyway.
    fn offer_again(&mut self, values: &[i128]) {
        self.steps.extend(values.iter().copied().filter(|value| self.low <= *value && *value <= self.high));
    }

    fn offer(&mut self, values: &[i128]) {
        for value in values {
            if self.low <= *value && *value <= self.high && !self.steps.contains(value) {
                self.steps.push(*value);
            }
        }
    }

    /// A small value: near 0, or near the limit that keeps it from 0.
    pub(super) fn small(&self, random: &mut Random) -> i128 {
        let low = self.low.max(self.base.saturating_sub(DENSE));
        let high = self.high.min(self.base.saturating_add(DENSE));
        if low <= high { random.within(low, high) } else { self.base }
    }

    /// A value of any magnitude, small ones more often than large ones.
    pub(super) fn any(&self, random: &mut Random) -> i128 {
        if self.low > self.high {
            return self.base;
        }
        let span = self.high - self.low;
        if span < 1 << 12 {
            return random.within(self.low, self.high);
        }
        let bits = if random.one_in(2) { random.below(13) } else { random.below(65) };
        let distance = if bits == 0 { 0 } else { (random.next_u64() >> (64 - bits)) as i128 };
        let value = match random.below(8) {
            0 => self.low.saturating_add(distance),
            1 => self.high.saturating_sub(distance),
            2..=4 => self.base.saturating_sub(distance),
            _ => self.base.saturating_add(distance),
        };
        if self.low <= value && value <= self.high { value } else { random.within(self.low, self.high) }
    }

    /// One of the steps.
    pub(super) fn step(&self, random: &mut Random) -> i128 {
        match self.steps.len() {
            0 => self.base,
            n => self.steps[random.below(n as u64) as usize],
        }
    }
}
