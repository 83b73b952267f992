//! The arithmetic of the bank: one operator on many columns at once. A column holds one value per lane; a kernel computes a
//! block of columns and their hashes.
//!
//! The functions are plain loops over lanes. `simd` compiles them for what the processor offers; the answers are the same.

use crate::model::{Cell, scalar};
use crate::synth::expr::Op;

/// The values of one expression on L tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(64))]
pub struct Column<const L: usize>(pub [Cell; L]);

impl<const L: usize> Column<L> {
    /// The same value on all tests.
    pub fn all(value: Cell) -> Self {
        Self([value; L])
    }

    /// Whether all lanes are the same: without a branch for each.
    #[inline(always)]
    pub fn equals(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).fold(0, |differ, (one, other)| differ | (one ^ other)) == 0
    }
}

/// An operator of one operand, as the bank uses it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unary {
    /// A word.
    Plain(Op),
    /// `n lshift`
    Left(u8),
    /// `n rshift`
    Right(u8),
    /// `dup negate and`: the lowest 1-bit alone.
    LowestBit,
    /// `dup 1- and`: all but the lowest 1-bit.
    WithoutLowestBit,
}

/// One job for a kernel.
#[derive(Clone, Copy, Debug)]
pub enum Job<'v, const L: usize> {
    /// The operator on each column.
    Unary(Unary, &'v [Column<L>]),
    /// The operator on the first column and each of the others.
    Binary(Op, Column<L>, &'v [Column<L>]),
    /// The operator on each of the columns and the last.
    Mirrored(Op, &'v [Column<L>], Column<L>),
}

/// The hash of a column on which the operator traps.
pub const TRAPPED: u64 = 0;

/// Columns that one call computes.
pub const BLOCK: usize = 64;

/// What a kernel writes.
#[derive(Clone, Debug)]
pub struct Block<const L: usize> {
    /// The columns.
    pub columns: Vec<Column<L>>,
    /// Their hashes, never [`TRAPPED`] where the operator is defined on all lanes.
    pub hashes: Vec<u64>,
}

impl<const L: usize> Default for Block<L> {
    fn default() -> Self {
        Self { columns: vec![Column::all(0); BLOCK], hashes: vec![0; BLOCK] }
    }
}

/// On which lanes a column has a value that matters; bit by lane.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Marks {
    /// The goal's value.
    pub right: u32,
    /// 1.
    pub one: u32,
    /// 0.
    pub zero: u32,
    /// -1.
    pub minus: u32,
}

/// The marks of each column.
#[inline(always)]
pub fn mark<const L: usize>(columns: &[Column<L>], goal: &Column<L>, marks: &mut [Marks]) {
    let mask = |column: &Column<L>, wanted: &Column<L>| {
        let equal = column.0.iter().zip(&wanted.0).map(|(cell, wanted)| u32::from(cell == wanted));
        equal.enumerate().fold(0, |mask, (lane, bit)| mask | bit << lane)
    };
    let (one, zero, minus) = (Column::all(1), Column::all(0), Column::all(-1));
    for (column, marks) in columns.iter().zip(marks) {
        *marks = Marks {
            right: mask(column, goal),
            one: mask(column, &one),
            zero: mask(column, &zero),
            minus: mask(column, &minus),
        };
    }
}

/// How many members each row has in common with a set; rows are as wide as the set.
#[inline(always)]
pub fn common(set: &[u64], rows: &[u64], counts: &mut [u32]) {
    for (row, count) in rows.chunks_exact(set.len()).zip(counts) {
        *count = row.iter().zip(set).map(|(row, set)| (row & set).count_ones()).sum();
    }
}

/// Distinct odd words for the lanes.
const KEYS: [u64; 64] = {
    let mut keys = [0; 64];
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut at = 0;
    while at < 64 {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        keys[at] = (z ^ (z >> 31)) | 1;
        at += 1;
    }
    keys
};

/// A hash of all lanes; each lane has its own key, the halves of a keyed lane are multiplied (one instruction per lane
/// everywhere), and the sum is mixed once. Equal hashes prove nothing: the bank compares columns.
#[inline(always)]
pub fn hash<const L: usize>(column: &Column<L>) -> u64 {
    mix(sum(column))
}

#[inline(always)]
fn sum<const L: usize>(column: &Column<L>) -> u64 {
    let mut sums = [0u64; L];
    for lane in 0..L {
        let keyed = column.0[lane] as u64 ^ KEYS[lane];
        sums[lane] = (keyed & 0xFFFF_FFFF).wrapping_mul(keyed >> 32).wrapping_add(keyed.rotate_left(21));
    }
    let mut sum = 0u64;
    for lane in sums {
        sum = sum.wrapping_add(lane);
    }
    sum
}

#[inline(always)]
fn mix(sum: u64) -> u64 {
    let mut sum = (sum ^ (sum >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    sum ^= sum >> 29;
    sum | 1
}

#[inline(always)]
fn each<const L: usize>(
    from: &[Column<L>],
    columns: &mut [Column<L>],
    hashes: &mut [u64],
    f: impl Fn(usize, Cell) -> Cell,
) {
    for ((from, to), hash) in from.iter().zip(columns).zip(&mut *hashes) {
        let mut column = Column::<L>::all(0);
        for lane in 0..L {
            column.0[lane] = f(lane, from.0[lane]);
        }
        *hash = sum(&column);
        *to = column;
    }
    // Several at once.
    hashes.iter_mut().for_each(|hash| *hash = mix(*hash));
}

/// An operator that may trap: such columns get the hash [`TRAPPED`].
#[inline(always)]
fn each_checked<const L: usize>(
    from: &[Column<L>],
    columns: &mut [Column<L>],
    hashes: &mut [u64],
    f: impl Fn(usize, Cell) -> Option<Cell>,
) {
    for ((from, to), sum) in from.iter().zip(columns).zip(hashes) {
        *sum = TRAPPED;
        let mut column = Column::<L>::all(0);
        if (0..L).all(|lane| f(lane, from.0[lane]).map(|value| column.0[lane] = value).is_some()) {
            *sum = hash(&column);
            *to = column;
        }
    }
}

/// Computes at most [`BLOCK`] columns.
#[inline(always)]
pub fn compute<const L: usize>(job: Job<'_, L>, columns: &mut [Column<L>], hashes: &mut [u64]) {
    use Op::*;
    macro_rules! one {
        ($from:expr, $f:expr) => {
            each($from, columns, hashes, |_, x: Cell| $f(x))
        };
    }
    macro_rules! two {
        ($a:expr, $from:expr, $f:expr) => {{
            let a = $a;
            each($from, columns, hashes, |lane, b: Cell| $f(a.0[lane], b))
        }};
    }
    macro_rules! back {
        ($from:expr, $b:expr, $f:expr) => {{
            let b = $b;
            each($from, columns, hashes, |lane, a: Cell| $f(a, b.0[lane]))
        }};
    }
    match job {
        Job::Unary(Unary::Left(count), from) => one!(from, |x: Cell| ((x as u64) << (count & 63)) as Cell),
        Job::Unary(Unary::Right(count), from) => one!(from, |x: Cell| ((x as u64) >> (count & 63)) as Cell),
        Job::Unary(Unary::LowestBit, from) => one!(from, |x: Cell| x & x.wrapping_neg()),
        Job::Unary(Unary::WithoutLowestBit, from) => one!(from, |x: Cell| x & x.wrapping_sub(1)),
        Job::Unary(Unary::Plain(op), from) => match op {
            Invert => one!(from, |x: Cell| !x),
            Negate => one!(from, Cell::wrapping_neg),
            Abs => one!(from, Cell::wrapping_abs),
            OnePlus => one!(from, |x: Cell| x.wrapping_add(1)),
            OneMinus => one!(from, |x: Cell| x.wrapping_sub(1)),
            TwoStar => one!(from, |x: Cell| x.wrapping_add(x)),
            TwoSlash => one!(from, |x: Cell| x >> 1),
            ZeroEquals => one!(from, |x: Cell| scalar::flag(x == 0)),
            ZeroNotEquals => one!(from, |x: Cell| scalar::flag(x != 0)),
            ZeroLess => one!(from, |x: Cell| x >> 63),
            ZeroGreater => one!(from, |x: Cell| scalar::flag(x > 0)),
            _ => hashes.fill(TRAPPED),
        },
        Job::Mirrored(op, from, b) => match op {
            Minus => back!(from, b, Cell::wrapping_sub),
            LShift => back!(from, b, scalar::lshift),
            RShift => back!(from, b, scalar::rshift),
            Slash => each_checked(from, columns, hashes, |lane, a| scalar::div_floored(a, b.0[lane])),
            Mod => each_checked(from, columns, hashes, |lane, a| scalar::mod_floored(a, b.0[lane])),
            Less => back!(from, b, |a, b| scalar::flag(a < b)),
            Greater => back!(from, b, |a, b| scalar::flag(a > b)),
            ULess => back!(from, b, |a, b| scalar::flag((a as u64) < b as u64)),
            UGreater => back!(from, b, |a, b| scalar::flag(a as u64 > b as u64)),
            // Of the others, the order of the operands does not matter.
            _ => hashes.fill(TRAPPED),
        },
        Job::Binary(op, a, from) => match op {
            Plus => two!(a, from, Cell::wrapping_add),
            Minus => two!(a, from, Cell::wrapping_sub),
            Star => two!(a, from, Cell::wrapping_mul),
            Min => two!(a, from, |a: Cell, b| a.min(b)),
            Max => two!(a, from, |a: Cell, b| a.max(b)),
            And => two!(a, from, |a, b| a & b),
            Or => two!(a, from, |a, b| a | b),
            Xor => two!(a, from, |a, b| a ^ b),
            LShift => two!(a, from, scalar::lshift),
            RShift => two!(a, from, scalar::rshift),
            Equals => two!(a, from, |a, b| scalar::flag(a == b)),
            NotEquals => two!(a, from, |a, b| scalar::flag(a != b)),
            Less => two!(a, from, |a, b| scalar::flag(a < b)),
            Greater => two!(a, from, |a, b| scalar::flag(a > b)),
            ULess => two!(a, from, |a, b| scalar::flag((a as u64) < b as u64)),
            UGreater => two!(a, from, |a, b| scalar::flag(a as u64 > b as u64)),
            Slash => each_checked(from, columns, hashes, |lane, b| scalar::div_floored(a.0[lane], b)),
            Mod => each_checked(from, columns, hashes, |lane, b| scalar::mod_floored(a.0[lane], b)),
            _ => hashes.fill(TRAPPED),
        },
    }
}
