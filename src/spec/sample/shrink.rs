//! The smallest counterexample that can be found quickly.

use crate::model::Cell;
use crate::spec::expr::{cell_of, number_of};
use crate::spec::sample::domain::Domain;

/// Makes a failing row simpler, as long as it fails and satisfies the constraints: each variable goes towards 0, positive
/// rather than negative. Greedy and deterministic; `fails` is called at most `calls_max` times, and how often is returned.
pub fn shrink(
    domain: &Domain<'_>,
    row: &mut [Cell],
    calls_max: u32,
    fails: &mut dyn FnMut(&[Cell]) -> bool,
) -> u32 {
    let mut shrinker = Shrinker { domain, row, calls_left: calls_max, fails };
    while shrinker.round() {}
    calls_max - shrinker.calls_left
}

struct Shrinker<'s> {
    domain: &'s Domain<'s>,
    row: &'s mut [Cell],
    calls_left: u32,
    fails: &'s mut dyn FnMut(&[Cell]) -> bool,
}

impl Shrinker<'_> {
    /// Tries every variable once; whether anything became simpler.
    fn round(&mut self) -> bool {
        let mut simpler = false;
        let width = self.row.len();
        for slot in self.domain.slots().take_while(|slot| *slot < width) {
            simpler |= self.toward_zero(slot);
        }
        simpler
    }

    fn value(&self, slot: usize) -> i128 {
        number_of(self.row[slot], self.domain.types[slot])
    }

    fn toward_zero(&mut self, slot: usize) -> bool {
        let start = self.value(slot);
        if start == 0 {
            return false;
        }
        let _ = self.attempt(slot, 0) || (start < 0 && self.attempt(slot, -start));
        // Bisect: half of the way, three quarters, … down to one step. A success starts again from there.
        'again: loop {
            let value = self.value(slot);
            let mut remaining = value / 2;
            while remaining != 0 {
                if self.attempt(slot, value - remaining) {
                    continue 'again;
                }
                remaining /= 2;
            }
            break;
        }
        self.value(slot) != start
    }

    /// Keeps the value if the row still fails with it. Every value offered is nearer to 0, or as near and positive.
    fn attempt(&mut self, slot: usize, value: i128) -> bool {
        let before = self.row[slot];
        let Some(cell) = cell_of(value, self.domain.types[slot]) else { return false };
        if cell == before || self.calls_left == 0 {
            return false;
        }
        self.row[slot] = cell;
        if self.domain.admits(self.row) {
            self.calls_left -= 1;
            if (self.fails)(self.row) {
                return true;
            }
        }
        self.row[slot] = before;
        false
    }
}
