//! What need not be computed: expressions that are equal to ones banked before, whatever the tests are.
//!
//! `x 0 +` is `x`, and `x invert y invert and` is `x y or invert`, which is smaller. A bank would compute all of them, find them
//! by hash and drop them; about every third of what it drops can be told beforehand, for whole runs of entries. An expression
//! counts as known only if what it equals comes first in the canonical order: in a smaller size, or in the same size earlier. So
//! the bank is the same as without.
//!
//! The entries of a size that one operator of one operand made stand side by side, so that a block of them has one maker.

use super::kernel::{Column, Unary};
use super::vocabulary::Vocabulary;
use crate::synth::expr::Op;

/// Operators of one operand that are told apart.
const MAKERS_MAX: usize = 63;

/// For streamed entries by the number of the unary operator that made them, whether the expression is known.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Makers(u64);

impl Makers {
    const ALL: Makers = Makers(u64::MAX);

    /// Whether it is known for none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it is known for all entries, whatever made them.
    pub fn is_all(self) -> bool {
        self == Self::ALL
    }

    /// Whether it is known for entries that this operator made.
    pub fn contains(self, unary: usize) -> bool {
        unary < MAKERS_MAX && self.0 >> unary & 1 == 1
    }
}

/// What the operand that stays is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stays {
    Any,
    Zero,
    One,
    MinusOne,
    Made(Unary),
}

/// Where the operand that stays goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// It is the first.
    First,
    /// It is the second.
    Second,
}

/// Which expressions of a vocabulary are known.
#[derive(Default)]
pub struct Known {
    /// By number of the operator.
    unary: Vec<Makers>,
    /// By number of the operator, order, and class of what stays.
    binary: Vec<Makers>,
    n_classes: usize,
}

/// Classes of what stays, before those of each maker.
const CLASSES: [Stays; 4] = [Stays::Any, Stays::Zero, Stays::One, Stays::MinusOne];

impl Known {
    /// All that is known of a vocabulary's operators.
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let rules = Rules(vocabulary);
        let makers = |is_known: &dyn Fn(Unary) -> bool| {
            let known = vocabulary.unary.iter().take(MAKERS_MAX).enumerate();
            Makers(known.fold(0, |mask, (k, maker)| mask | u64::from(is_known(*maker)) << k))
        };
        let unary = &vocabulary.unary;
        let of_one = |number: usize| makers(&|maker| rules.twice(number, maker));
        let mut known = Self {
            unary: (0..unary.len()).map(of_one).collect(),
            binary: Vec::new(),
            n_classes: CLASSES.len() + unary.len(),
        };
        let classes: Vec<Stays> =
            CLASSES.into_iter().chain(unary.iter().map(|maker| Stays::Made(*maker))).collect();
        for op in &vocabulary.binary {
            for order in [Order::First, Order::Second] {
                known.binary.extend(classes.iter().map(|stays| match rules.whole(*op, order, *stays) {
                    true => Makers::ALL,
                    false => makers(&|maker| rules.both(*op, order, *stays, maker)),
                }));
            }
        }
        known
    }

    /// As if nothing were known.
    #[cfg(test)]
    pub fn nothing(vocabulary: &Vocabulary) -> Self {
        let mut known = Self::new(vocabulary);
        known.unary.fill(Makers::default());
        known.binary.fill(Makers::default());
        known
    }

    /// What is known of an operator of one operand.
    pub fn unary(&self, number: usize) -> Makers {
        self.unary[number]
    }

    /// The class of a column that stays, and was made by this operator of one operand.
    pub fn class<const L: usize>(column: &Column<L>, maker: Option<usize>) -> usize {
        let is_all = |value| column.equals(&Column::all(value));
        match column.0[0] {
            0 if is_all(0) => 1,
            1 if is_all(1) => 2,
            -1 if is_all(-1) => 3,
            _ => maker.map_or(0, |number| CLASSES.len() + number),
        }
    }

    /// What is known of an operator of two operands, one of which stays.
    pub fn binary(&self, number: usize, order: Order, class: usize) -> Makers {
        self.binary[(2 * number + order as usize) * self.n_classes + class]
    }
}

/// When an expression is known: the equations.
struct Rules<'v>(&'v Vocabulary);

impl Rules<'_> {
    fn has(&self, op: Op) -> bool {
        self.0.binary.contains(&op)
    }

    fn has_unary(&self, op: Op) -> bool {
        self.0.unary.contains(&Unary::Plain(op))
    }

    /// An operator of an entry that `inner` made.
    fn twice(&self, number: usize, inner: Unary) -> bool {
        use Op::*;
        use Unary::{LowestBit, Plain};
        let outer = self.0.unary[number];
        match (outer, inner) {
            // The entry itself, or what was made of it before.
            (Plain(Invert), Plain(Invert))
            | (Plain(Negate), Plain(Negate))
            | (Plain(OnePlus), Plain(OneMinus))
            | (Plain(OneMinus), Plain(OnePlus))
            | (Plain(Abs), Plain(Abs | Negate))
            | (Plain(ZeroLess | TwoSlash), Plain(ZeroLess | ZeroEquals))
            | (Plain(ZeroEquals), Plain(Negate | Abs) | LowestBit)
            | (LowestBit, LowestBit | Plain(Negate)) => true,
            (Plain(Negate), Plain(Invert)) => self.has_unary(OnePlus),
            (Plain(Invert), Plain(Negate)) => self.has_unary(OneMinus),
            (Plain(Negate), Plain(OnePlus)) => self.has_unary(Invert),
            (Plain(Invert), Plain(OneMinus)) => self.has_unary(Negate),
            _ => self.commute(outer, inner) && self.is_before(inner, number),
        }
    }

    /// Whether one after the other is the other after the one.
    fn commute(&self, one: Unary, other: Unary) -> bool {
        use Unary::{Left, Plain, Right};
        let is_left = |unary| matches!(unary, Plain(Op::TwoStar) | Left(_));
        let is_negate = |unary| unary == Plain(Op::Negate);
        match (one, other) {
            (Right(_), Right(_)) => true,
            _ => is_left(one) && (is_left(other) || is_negate(other)) || is_negate(one) && is_left(other),
        }
    }

    /// Whether an operator comes before one of this number in each size.
    fn is_before(&self, unary: Unary, number: usize) -> bool {
        let at = self.0.unary.iter().position(|other| *other == unary);
        let key = |at: usize| (self.0.unary_size(self.0.unary[at]) > 1, at);
        at.is_some_and(|at| key(at) < key(number))
    }

    /// An operator of what stays and any entry.
    fn whole(&self, op: Op, order: Order, stays: Stays) -> bool {
        use Op::*;
        use Order::*;
        use Unary::Plain;
        match (op, order, stays) {
            // One of the two, or trapped.
            (And | Or | Xor | Plus | Star, _, Stays::Zero)
            | (Minus | LShift | RShift | Slash | Mod | ULess, Second, Stays::Zero)
            | (LShift | RShift | Slash | Mod | UGreater, First, Stays::Zero)
            | (And | Or, _, Stays::MinusOne)
            | (Star, _, Stays::One)
            | (Slash, Second, Stays::One) => true,
            // An operator of one operand on the entry: smaller.
            (Minus, First, Stays::Zero) | (Star, _, Stays::MinusOne) => self.has_unary(Negate),
            (Equals, _, Stays::Zero) => self.has_unary(ZeroEquals),
            (Less, Second, Stays::Zero) | (Greater, First, Stays::Zero) => self.has_unary(ZeroLess),
            (Plus, _, Stays::One) | (Minus, Second, Stays::MinusOne) => self.has_unary(OnePlus),
            (Plus, _, Stays::MinusOne) | (Minus, Second, Stays::One) => self.has_unary(OneMinus),
            (LShift, Second, Stays::One) => self.has_unary(TwoStar),
            (Xor, _, Stays::MinusOne) | (Minus, First, Stays::MinusOne) => self.has_unary(Invert),
            // An operator of one operand on the whole: the same size, and it came earlier.
            (_, _, Stays::Made(Plain(maker))) => self.moves_out(op, order, maker),
            _ => false,
        }
    }

    /// Whether the word that made one operand, the first or the second, can as well be applied to, or near, the whole.
    fn moves_out(&self, op: Op, order: Order, maker: Op) -> bool {
        use Op::*;
        use Order::*;
        match (op, order, maker) {
            (Xor, _, Invert) | (Plus, _, OnePlus | OneMinus) | (Star, _, Negate | TwoStar) => true,
            (Minus, First, OnePlus | OneMinus) | (LShift, First, TwoStar) => true,
            (Minus, Second, OnePlus) => self.has_unary(OneMinus),
            (Minus, Second, OneMinus) => self.has_unary(OnePlus),
            (Plus, _, Negate) => self.has(Minus),
            (Plus, _, Invert) => self.has(Minus) && self.has_unary(OneMinus),
            (Minus, First, Negate | Invert) | (Minus, Second, Negate) => self.has(Plus),
            (Minus, Second, Invert) => self.has(Plus) && self.has_unary(OnePlus),
            _ => false,
        }
    }

    /// An operator of what stays and an entry that `streamed` made.
    fn both(&self, op: Op, order: Order, stays: Stays, streamed: Unary) -> bool {
        use Op::*;
        use Unary::{Left, Plain, Right};
        let other = match order {
            Order::First => Order::Second,
            Order::Second => Order::First,
        };
        if let Plain(maker) = streamed
            && self.moves_out(op, other, maker)
        {
            return true;
        }
        if stays != Stays::Made(streamed) {
            return false;
        }
        // The same made both: it is what that operator makes of a smaller whole, or is gone.
        match (op, streamed) {
            (And | Or | Xor, Plain(TwoStar | TwoSlash) | Left(_) | Right(_)) => true,
            (Plus | Minus, Plain(TwoStar | Negate) | Left(_)) => true,
            (And, Plain(Invert)) => self.has(Or),
            (Or, Plain(Invert)) => self.has(And),
            (Min, Plain(Invert)) => self.has(Max),
            (Max, Plain(Invert)) => self.has(Min),
            (Less | ULess | Greater | UGreater, Plain(Invert)) => true,
            (Equals | NotEquals, Plain(Invert | Negate | OnePlus | OneMinus)) => true,
            _ => false,
        }
    }
}
