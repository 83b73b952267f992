//! The tree of an expression. Nodes live in an arena, are `Copy`, and name variables by slot, words by number.

use crate::model::CellType;
use crate::spec::expr::builtin::Builtin;

/// One node of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expr<'a> {
    /// A number as written.
    Number(i128),
    /// A parameter or a free variable, by slot: parameters first, then free variables.
    Variable(u8),
    /// The running variable of an enclosing [`Expr::Fold`], by nesting depth.
    Local(u8),
    /// `-x`.
    Negate(&'a Expr<'a>),
    /// `not x`: true when `x` is 0.
    Not(&'a Expr<'a>),
    /// Arithmetic on two numbers.
    Arithmetic(Arithmetic, &'a Expr<'a>, &'a Expr<'a>),
    /// Bit work on two cells.
    Bits(BitOp, &'a Expr<'a>, &'a Expr<'a>),
    /// Logic on two conditions.
    Logic(Logic, &'a Expr<'a>, &'a Expr<'a>),
    /// `a = b`, `0 <= x <= 100`, and tuples compared for equality.
    Compare(&'a Compare<'a>),
    /// `yes if condition else no`; without `no` it is undefined where the condition does not hold.
    If(&'a Choice<'a>),
    /// A built-in function.
    Builtin(Builtin, &'a [&'a Expr<'a>]),
    /// A word run on the engine; it gives as many values as it has outputs.
    Call(&'a Call<'a>),
    /// One output of a word that has several.
    Pick(&'a Call<'a>, u8),
    /// `sum(i, low, high, body)` and its like.
    Fold(Fold, &'a [&'a Expr<'a>; 3]),
    /// Several values side by side.
    Tuple(&'a [&'a Expr<'a>]),
}

/// Arithmetic on two numbers. Division is floored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the operation it names")]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Mod,
    Power,
}

/// Bit operations, by the scalar table: 64-bit cells, shifts of 64 and more give 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the operation it names")]
pub enum BitOp {
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

/// Logic with short circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the operation it names")]
pub enum Logic {
    And,
    Or,
    Xor,
    Implies,
    Iff,
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the operation it names")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    /// Whether it holds between two numbers.
    pub fn holds(self, left: i128, right: i128) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Less => left < right,
            Comparison::LessEqual => left <= right,
            Comparison::Greater => left > right,
            Comparison::GreaterEqual => left >= right,
        }
    }

    /// The same comparison with its sides exchanged.
    pub fn mirrored(self) -> Self {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessEqual => Comparison::GreaterEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterEqual => Comparison::LessEqual,
            same => same,
        }
    }

    /// The comparison that holds where this one does not.
    pub fn negated(self) -> Self {
        match self {
            Comparison::Equal => Comparison::NotEqual,
            Comparison::NotEqual => Comparison::Equal,
            Comparison::Less => Comparison::GreaterEqual,
            Comparison::LessEqual => Comparison::Greater,
            Comparison::Greater => Comparison::LessEqual,
            Comparison::GreaterEqual => Comparison::Less,
        }
    }
}

/// A chain of comparisons; every link must hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compare<'a> {
    /// The first operand.
    pub first: &'a Expr<'a>,
    /// The operators and operands after it, at least one.
    pub links: &'a [(Comparison, &'a Expr<'a>)],
    /// How many values every operand gives: 1, or the width of the tuples.
    pub width: u8,
    /// Where words are called: what a cell of their output can hold. An operand outside of it says nothing about the
    /// word, because the word had to wrap.
    pub range: CellRange,
}

/// What the cells that words give can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellRange {
    /// No word is called: exact numbers are compared.
    Exact,
    /// Signed cells.
    Signed,
    /// Unsigned cells.
    Unsigned,
    /// Both kinds.
    Either,
}

impl CellRange {
    /// Whether a cell can hold the number.
    pub fn contains(self, value: i128) -> bool {
        const MIN: i128 = i64::MIN as i128;
        const MAX: i128 = i64::MAX as i128;
        const UMAX: i128 = u64::MAX as i128;
        match self {
            CellRange::Exact => true,
            CellRange::Signed => (MIN..=MAX).contains(&value),
            CellRange::Unsigned => (0..=UMAX).contains(&value),
            CellRange::Either => (MIN..=UMAX).contains(&value),
        }
    }
}

/// A conditional.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice<'a> {
    /// What decides.
    pub condition: &'a Expr<'a>,
    /// The value where it holds.
    pub yes: &'a Expr<'a>,
    /// The value where it does not; without one the expression is undefined there.
    pub no: Option<&'a Expr<'a>>,
}

/// A call of a word on the engine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call<'a> {
    /// The word's number in [`Names::words`](crate::spec::expr::Names::words); 0 is the word that the specification is about.
    pub word: u8,
    /// The types of its inputs.
    pub inputs: &'a [CellType],
    /// The types of its outputs; a width of 1 is assumed where the effect is unknown.
    pub outputs: &'a [CellType],
    /// The effect of the word is not known, so that it cannot be run.
    pub unknown_effect: bool,
    /// Some argument is computed (`n-1`, `a mod b`), neither a number as written nor a bare variable.
    pub computed: bool,
    /// The arguments; those that are tuples spread.
    pub args: &'a [&'a Expr<'a>],
}

/// What a fold makes of its terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the operation it names")]
pub enum Fold {
    Sum,
    Product,
    Count,
}
