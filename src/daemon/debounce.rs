//! When to look: soon after a single save, later while a burst goes on, and never so late that a steady stream starves.

use std::time::{Duration, Instant};

/// So many notices make a burst.
const BURST: usize = 32;

/// Waits for quiet. A save is a few notices within a few milliseconds (truncate, write, rename); quiet for `quiet` ends it, and at
/// the latest twice that after the first notice. In a burst the quiet and the limit grow with what the last look cost, so that at
/// most about half of the time is spent on looking at things that change again.
#[derive(Clone, Debug)]
pub struct Debounce {
    quiet: Duration,
    cost: Duration,
    first: Option<Instant>,
    last: Option<Instant>,
    n_notices: usize,
}

/// A burst is looked at after so long, whatever it costs.
const LIMIT_MAX: Duration = Duration::from_secs(5);

impl Debounce {
    /// Looks after `quiet` without a notice, and at most twice that after the first one.
    pub fn new(quiet: Duration) -> Self {
        Self { quiet, cost: Duration::ZERO, first: None, last: None, n_notices: 0 }
    }

    /// Something may have changed.
    pub fn notice(&mut self, now: Instant) {
        self.first.get_or_insert(now);
        self.last = Some(now);
        self.n_notices += 1;
    }

    /// When to look; `None` while nothing changed.
    pub fn due(&self) -> Option<Instant> {
        let (first, last) = (self.first?, self.last?);
        let (quiet, limit) = match self.n_notices > BURST {
            false => (self.quiet, 2 * self.quiet),
            true => (self.quiet.max(self.cost / 2), (2 * self.quiet).max(2 * self.cost).min(LIMIT_MAX)),
        };
        Some((last + quiet).min(first + limit))
    }

    /// The first notice of what is being waited for.
    pub fn first(&self) -> Option<Instant> {
        self.first
    }

    /// It was looked, and that took so long.
    pub fn looked(&mut self, cost: Duration) {
        *self = Self { cost, ..Self::new(self.quiet) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Notices at these milliseconds: due at.
    fn check(cost: u64, notices: &[u64], expect: u64) {
        let zero = Instant::now();
        let mut debounce = Debounce::new(ms(20));
        debounce.looked(ms(cost));
        notices.iter().for_each(|at| debounce.notice(zero + ms(*at)));
        assert_eq!(debounce.due(), Some(zero + ms(expect)), "{notices:?}");
    }

    #[test]
    fn a_save_is_looked_at_after_quiet_and_a_burst_later() {
        check(0, &[0], 20);
        check(1000, &[0], 20);
        check(0, &[0, 2, 5], 25);
        check(0, &[0, 10, 20, 30], 40);
        let burst: Vec<u64> = (0..100).collect();
        check(0, &burst, 40);
        check(400, &burst, 299);
        let long: Vec<u64> = (0..1000).collect();
        check(400, &long, 800);
        check(60_000, &long, 5000);
        assert_eq!(Debounce::new(ms(20)).due(), None);
    }
}
