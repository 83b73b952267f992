//! Rounds: all specifications get a little first, and the rest more.
//!
//! A round is the search from its beginning, and ends it where a step of it would take more than the round lets it. What such a
//! round found, the whole search finds as well, with the same candidates: up to there both do the same. So rounds decide when a
//! specification is worked on, never what comes out, and a specification whose round ended early is simply taken up again.

/// How much of a search may be done at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Round(usize);

/// Each round lets a step take this part of the candidates, but the last, which does not bound it.
const SHARES: [u64; 1] = [20];

impl Round {
    /// How many there are.
    pub const COUNT: usize = SHARES.len() + 1;

    /// The whole search.
    pub const LAST: Round = Round(SHARES.len());

    /// All rounds, in order.
    pub fn all() -> impl Iterator<Item = Round> {
        (0..Self::COUNT).map(Round)
    }

    /// Its number, from 1.
    pub fn number(self) -> usize {
        self.0 + 1
    }

    /// Whether it searches to the end.
    pub fn is_last(self) -> bool {
        self == Self::LAST
    }

    /// The candidates after which a step ends the round, of so many that the search may take.
    pub fn leave_after(self, candidates_max: u64) -> u64 {
        SHARES.get(self.0).map_or(u64::MAX, |share| candidates_max / share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_lets_a_step_take_more() {
        let limits: Vec<u64> = Round::all().map(|round| round.leave_after(1_000_000)).collect();
        assert!(limits.is_sorted() && limits[0] < 100_000, "{limits:?}");
        assert_eq!(limits.last(), Some(&u64::MAX));
        assert_eq!(Round::all().last(), Some(Round::LAST));
        assert!(Round::all().filter(|round| round.is_last()).eq([Round::LAST]));
    }
}
