//! How much a guess may say. A program is believed when it is shorter than what it explains, both counted in bits.
//!
//! * A number costs [`bits`]: its binary digits twice, as a self-delimiting code has it, and one for its sign.
//! * What the tests say is the cost of their outputs in the cheapest plain code there is for them: each written out, or only
//!   its difference from the one before, or the difference of these. So slowly growing numbers say little.
//! * What a guess says is the cost of its free numbers (coefficients, first terms, exceptions) in the same code, plus the
//!   price of choosing its kind among all kinds. Words that every guess of a kind has in common are no free choice.
//!
//! A guess that is verified but says more than this is marked `overfit-risk`.

use crate::model::Cell;

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
        assert_eq!([1, 2, 3, 4, 5].map(choice), [0, 1, 2, 2, 3]);
    }
}
