//! What expressions are made of, by the type of problem.

use crate::model::Cell;
use crate::synth::bank::kernel::Unary;
use crate::synth::expr::Op;
use crate::synth::tree::log2;

/// The leaves and operators of one enumeration, in canonical order.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Vocabulary {
    /// Literals; the inputs come before them.
    pub constants: Vec<Cell>,
    /// The size of a literal: 1 where there are few, else 2, because it is one choice among many. Inputs have size 1.
    pub literal_size: usize,
    /// The size of a shift by a fixed count: 1 where it is one operator, else that of the word and its literal.
    pub shift_size: usize,
    /// Operators of one operand.
    pub unary: Vec<Unary>,
    /// Operators of two operands.
    pub binary: Vec<Op>,
}

impl Vocabulary {
    /// How many bits it takes to write down expressions of so many symbols.
    pub fn bits(&self, n_inputs: usize, size: u32) -> u64 {
        let n_symbols = self.constants.len() + n_inputs + self.unary.len() + self.binary.len();
        (u64::from(size) * log2(n_symbols as u32)).div_ceil(1 << 16)
    }

    /// Everything that is done to bits: signed and unsigned, with comparisons, products and shifts by what is computed.
    pub fn wide_bits(mentioned: &[Cell]) -> Self {
        use Unary::*;
        Self {
            constants: with(&[0, 1, -1], mentioned),
            literal_size: 2,
            shift_size: 3,
            unary: vec![
                Plain(Op::Invert),
                Plain(Op::Negate),
                Plain(Op::OnePlus),
                Plain(Op::OneMinus),
                Plain(Op::TwoStar),
                Plain(Op::TwoSlash),
                Plain(Op::Abs),
                Plain(Op::ZeroEquals),
                Plain(Op::ZeroLess),
            ],
            binary: vec![
                Op::And,
                Op::Or,
                Op::Xor,
                Op::Plus,
                Op::Minus,
                Op::Min,
                Op::Max,
                Op::Less,
                Op::ULess,
                Op::Equals,
                Op::LShift,
                Op::RShift,
                Op::Slash,
                Op::Star,
            ],
        }
    }

    /// Whole numbers: arithmetic, floored division, the lesser and the greater, comparisons.
    pub fn numbers(mentioned: &[Cell]) -> Self {
        use Unary::*;
        Self {
            constants: with(&[0, 1, 2, 3, 10], mentioned),
            literal_size: 2,
            shift_size: 3,
            unary: vec![
                Plain(Op::Negate),
                Plain(Op::Abs),
                Plain(Op::OnePlus),
                Plain(Op::OneMinus),
                Plain(Op::TwoStar),
                Plain(Op::TwoSlash),
                Plain(Op::ZeroEquals),
                Plain(Op::ZeroLess),
                Plain(Op::Invert),
            ],
            binary: vec![
                Op::Plus,
                Op::Minus,
                Op::Star,
                Op::Slash,
                Op::Mod,
                Op::Min,
                Op::Max,
                Op::Equals,
                Op::Less,
                Op::And,
                Op::Or,
                Op::Xor,
                Op::LShift,
                Op::RShift,
            ],
        }
    }

    /// Bits as unsigned numbers: bitwise words, addition and subtraction, comparisons. Nothing here takes the highest bit for
    /// a sign: what mixes the two is rarely meant, and is left to [`Vocabulary::wide_bits`].
    pub fn numeric_bits() -> Self {
        use Unary::*;
        Self {
            constants: vec![0, 1, -1],
            literal_size: 2,
            shift_size: 3,
            unary: vec![
                Plain(Op::Invert),
                Plain(Op::Negate),
                Plain(Op::OnePlus),
                Plain(Op::OneMinus),
                Plain(Op::TwoStar),
                Plain(Op::ZeroEquals),
                Right(1),
            ],
            binary: vec![Op::And, Op::Or, Op::Xor, Op::Plus, Op::Minus, Op::ULess, Op::Equals],
        }
    }

    /// What bit tricks are made of: what processors do to the lowest 1-bit is one operator, and so is a shift. Such an operator takes
    /// several words and names its operand twice, so that in the other vocabularies what is built of it is large.
    pub fn tricks() -> Self {
        use Unary::*;
        Self {
            constants: vec![1],
            literal_size: 2,
            shift_size: 1,
            unary: vec![
                Plain(Op::Invert),
                Plain(Op::Negate),
                LowestBit,
                WithoutLowestBit,
                Right(1),
                Right(2),
            ],
            binary: vec![Op::And, Op::Or, Op::Xor, Op::Plus, Op::Minus, Op::Slash],
        }
    }

    /// The size that an operator of one operand adds.
    pub fn unary_size(&self, unary: Unary) -> usize {
        match unary {
            Unary::Plain(_) | Unary::LowestBit | Unary::WithoutLowestBit => 1,
            Unary::Left(_) | Unary::Right(_) => self.shift_size,
        }
    }

    /// Logical bit-vector expressions: bitwise words, addition, shifts by 1, 4 and 16.
    pub fn logic() -> Self {
        use Unary::*;
        Self {
            constants: vec![0, 1],
            literal_size: 1,
            shift_size: 1,
            unary: vec![Plain(Op::Invert), Plain(Op::TwoStar), Right(1), Right(4), Right(16)],
            binary: vec![Op::And, Op::Or, Op::Xor, Op::Plus],
        }
    }
}

/// The usual literals, then those that the specification mentions.
fn with(usual: &[Cell], mentioned: &[Cell]) -> Vec<Cell> {
    let new = mentioned.iter().filter(|value| !usual.contains(value));
    usual.iter().chain(new).copied().collect()
}
