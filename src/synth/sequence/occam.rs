//! How much a guess may say. A program is believed when it is shorter than what it explains, both counted in bits.
//!
//! * A number costs [`bits`]: its binary digits twice, as a self-delimiting code has it, and one for its sign.
//! * What the tests say is the cost of their outputs in the cheapest plain code there is for them: each written out, or only
//!   its difference from the one before, or the difference of these. So slowly growing numbers say little.
//! * A rounded line, or a polynomial with a table over n mod m, says that there are few kinds of steps and in which order they
//!   come. That is held also against the list of these steps with a choice from it for each term ([`of_steps`]): nearly
//!   all lines look like a rounded one for a while.
//! * What a guess says is the cost of its free numbers (coefficients, first terms, exceptions) in the same code, plus the
//!   price of choosing its kind among all kinds. Words that every guess of a kind has in common are no free choice.
//!
//! * What an enumeration found says the choice of each of its words; what a filled template says is the choice of one among
//!   all the programs that were tried before it.
//!
//! A program that is verified but does not say clearly less than the tests is marked `overfit-risk`: the bits of a program
//! must be under four fifths of the bits of the outputs, under three fifths for rules of sequences that are looked up among
//! many, because there chance has more to choose from.

use crate::model::Cell;
use crate::validate::Checks;

/// What a program says against what it explains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Weight {
    /// The bits that the program says.
    pub bits: u32,
    /// The bits that the outputs of the tests hold.
    pub information: u32,
    /// Whether it explains clearly more than it says.
    pub is_sound: bool,
}

impl Weight {
    fn new(bits: u32, checks: &Checks<'_>) -> Self {
        // What is no plain cell is not weighed.
        let information = match checks.outputs() {
            Some(columns) => columns.iter().map(|column| information(column)).sum(),
            None => u32::MAX / 8,
        };
        Self { bits, information, is_sound: 5 * bits < 4 * information }
    }

    /// Of so many words, each one of `n_choices`.
    pub fn of_words(n_words: usize, n_choices: usize, checks: &Checks<'_>) -> Self {
        Self::new(n_words as u32 * choice(n_choices), checks)
    }

    /// Of the program that was tried after so many others.
    pub fn of_rank(rank: u64, checks: &Checks<'_>) -> Self {
        Self::new(choice(rank as usize + 1), checks)
    }
}

/// The bits of a number: 1 for 0, 3 for 1 and -1, 5 to 3, 7 to 7, …, and one more for the sign.
pub fn bits(x: i128) -> u32 {
    2 * (128 - x.unsigned_abs().leading_zeros()) + 1 + u32::from(x < 0)
}

/// The bits of many numbers.
pub fn bits_of(numbers: impl IntoIterator<Item = i128>) -> u32 {
    numbers.into_iter().map(bits).sum()
}

/// The bits that the outputs of tests hold, in the order of their inputs.
pub fn information(outputs: &[Cell]) -> u32 {
    let mut row: Vec<i128> = outputs.iter().map(|x| i128::from(*x)).collect();
    let mut first = 0;
    let mut least = u32::MAX;
    for _ in 0..3 {
        least = least.min(first + bits_of(row.iter().copied()));
        let Some(head) = row.first() else { break };
        first += bits(*head);
        row = row.windows(2).map(|pair| pair[1] - pair[0]).collect();
    }
    least
}

/// The bits that outputs hold for a rule that tells the order of a few kinds of steps: no more than the list of these steps
/// and a choice from it for each term.
pub fn of_steps(outputs: &[Cell]) -> u32 {
    let row: Vec<i128> = outputs.iter().map(|x| i128::from(*x)).collect();
    let steps: Vec<i128> = row.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut kinds = steps.clone();
    kinds.sort_unstable();
    kinds.dedup();
    let first = row.first().map_or(0, |head| bits(*head));
    let listed = first + steps.len() as u32 * choice(kinds.len()) + bits_of(kinds);
    listed.min(information(outputs))
}

/// Whether a rule that was looked up among many says clearly less than it explains, both in bits.
pub fn is_borne_out(bits: u32, information: u32) -> bool {
    5 * u64::from(bits) < 3 * u64::from(information)
}

/// The bits of choosing one of `n` things.
pub fn choice(n: usize) -> u32 {
    usize::BITS - n.saturating_sub(1).leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_numbers_say_more() {
        assert_eq!([0, 1, -1, 2, 3, 4, -7, 255].map(bits), [1, 3, 4, 5, 5, 7, 8, 17]);
        assert_eq!(information(&[0, 1, 1, 2]), 8);
        assert_eq!(information(&[100, 101, 102, 103]), 15 + 3 + 1 + 1);
        assert_eq!(information(&[]), 0);
        // Nine steps of 2 and 3: a choice each, the first term, and the two steps themselves.
        assert_eq!(of_steps(&[0, 2, 5, 7, 10, 12, 15, 17, 20, 22]), 1 + 9 + bits(2) + bits(3));
        assert_eq!(of_steps(&[]), 0);
        assert_eq!([1, 2, 3, 4, 5].map(choice), [0, 1, 2, 2, 3]);
    }
}
