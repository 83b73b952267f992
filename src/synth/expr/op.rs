//! The operators of expressions: each is one word of the table.

use crate::forth::words::Word;
use crate::model::{Cell, scalar};

macro_rules! ops {
    ($($op:ident $arity:literal,)*) => {
        /// An operator of one or two operands. The names are those of the words in the engine's table.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each variant is the word of the same name")]
        pub enum Op { $($op,)* }

        impl Op {
            /// All operators.
            pub const ALL: &'static [Op] = &[$(Op::$op,)*];

            /// How many operands it takes: 1 or 2.
            pub fn arity(self) -> usize {
                match self { $(Op::$op => $arity,)* }
            }

            /// The word that computes it, operands in order, the last on top.
            pub fn word(self) -> Word {
                match self { $(Op::$op => Word::$op,)* }
            }
        }
    };
}

ops! {
    Invert 1,
    Negate 1,
    Abs 1,
    OnePlus 1,
    OneMinus 1,
    TwoStar 1,
    TwoSlash 1,
    ZeroEquals 1,
    ZeroNotEquals 1,
    ZeroLess 1,
    ZeroGreater 1,
    Plus 2,
    Minus 2,
    Star 2,
    Slash 2,
    Mod 2,
    Min 2,
    Max 2,
    And 2,
    Or 2,
    Xor 2,
    LShift 2,
    RShift 2,
    Equals 2,
    NotEquals 2,
    Less 2,
    Greater 2,
    ULess 2,
    UGreater 2,
}

impl Op {
    /// Whether the order of the operands does not matter.
    pub fn is_commutative(self) -> bool {
        use Op::*;
        matches!(self, Plus | Star | Min | Max | And | Or | Xor | Equals | NotEquals)
    }

    /// The operator that gives the same with its operands exchanged.
    pub fn mirrored(self) -> Option<Op> {
        use Op::*;
        match self {
            Less => Some(Greater),
            Greater => Some(Less),
            ULess => Some(UGreater),
            UGreater => Some(ULess),
            op if op.is_commutative() => Some(op),
            _ => None,
        }
    }

    /// Whether it can trap.
    pub fn can_trap(self) -> bool {
        matches!(self, Op::Slash | Op::Mod)
    }

    /// Whether its result is 0 or -1.
    pub fn is_flag(self) -> bool {
        use Op::*;
        matches!(
            self,
            ZeroEquals
                | ZeroNotEquals
                | ZeroLess
                | ZeroGreater
                | Equals
                | NotEquals
                | Less
                | Greater
                | ULess
                | UGreater
        )
    }

    /// The value on these operands; `None` where the word traps. Operators of one operand take the first.
    #[inline]
    pub fn apply(self, a: Cell, b: Cell) -> Option<Cell> {
        use Op::*;
        Some(match self {
            Invert => !a,
            Negate => a.wrapping_neg(),
            Abs => a.wrapping_abs(),
            OnePlus => a.wrapping_add(1),
            OneMinus => a.wrapping_sub(1),
            TwoStar => a.wrapping_shl(1),
            TwoSlash => scalar::two_slash(a),
            ZeroEquals => scalar::flag(a == 0),
            ZeroNotEquals => scalar::flag(a != 0),
            ZeroLess => scalar::flag(a < 0),
            ZeroGreater => scalar::flag(a > 0),
            Plus => a.wrapping_add(b),
            Minus => a.wrapping_sub(b),
            Star => a.wrapping_mul(b),
            Slash => return scalar::div_floored(a, b),
            Mod => return scalar::mod_floored(a, b),
            Min => a.min(b),
            Max => a.max(b),
            And => a & b,
            Or => a | b,
            Xor => a ^ b,
            LShift => scalar::lshift(a, b),
            RShift => scalar::rshift(a, b),
            Equals => scalar::flag(a == b),
            NotEquals => scalar::flag(a != b),
            Less => scalar::flag(a < b),
            Greater => scalar::flag(a > b),
            ULess => scalar::flag((a as u64) < b as u64),
            UGreater => scalar::flag(a as u64 > b as u64),
        })
    }
}
