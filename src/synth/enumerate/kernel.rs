//! The arithmetic of the enumeration: all words of two operands, or of one, on the same operands at once, eight tests wide.
//!
//! The functions are written once, over a [`Vector`]. [`Simd`](crate::synth::bank::simd::Simd) compiles them for what the
//! processor offers; the answers are the same. Loops over lanes, which do for the bank, were 20 times slower here: the
//! compiler made scalar code of most of them.

use crate::forth::words::Word;
use crate::model::{Cell, scalar};
use crate::synth::bank::kernel::Column;
use crate::synth::enumerate::vector::Vector;

/// One value on eight tests.
pub type Value = Column<8>;

/// The words that take two operands and give one, in the order of the bits that stand for them.
pub const BINARY: [Word; 17] = [
    Word::Plus,
    Word::Minus,
    Word::Star,
    Word::Min,
    Word::Max,
    Word::And,
    Word::Or,
    Word::Xor,
    Word::LShift,
    Word::RShift,
    Word::Equals,
    Word::NotEquals,
    Word::Less,
    Word::Greater,
    Word::ULess,
    Word::Slash,
    Word::Mod,
];

/// The words that take one operand and give one, in the order of the bits that stand for them.
pub const UNARY: [Word; 11] = [
    Word::Negate,
    Word::Abs,
    Word::OnePlus,
    Word::OneMinus,
    Word::TwoStar,
    Word::TwoSlash,
    Word::Invert,
    Word::ZeroEquals,
    Word::ZeroNotEquals,
    Word::ZeroLess,
    Word::ZeroGreater,
];

/// Where `/` stands among the words of two operands; `mod` follows it.
pub const SLASH: usize = 15;

/// The bits of `/` and `mod`.
const DIVISION: u32 = 0b11 << SLASH;

/// Keys of the lanes in hashes.
const KEYS: Value = Column([
    0x243F_6A88_85A3_08D3,
    0x1319_8A2E_0370_7344,
    0xA409_3822_299F_31D0_u64 as Cell,
    0x082E_FA98_EC4E_6C89,
    0x4528_21E6_38D0_1377,
    0xBE54_66CF_34E9_0C6C_u64 as Cell,
    0xC0AC_29B7_C97C_50DD_u64 as Cell,
    0x3F84_D5B5_B547_0917,
]);

/// A hash of the lanes: halves of each keyed lane are multiplied, the sum is mixed.
#[inline(always)]
pub fn hash<V: Vector>(value: V) -> u64 {
    let keyed = value.xor(V::load(&KEYS));
    let products = keyed.mul_halves(keyed.rshift(V::all(32)));
    let turned = keyed.lshift(V::all(21)).or(keyed.rshift(V::all(43)));
    let sum = products.add(turned).sum();
    let mixed = (sum ^ sum >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^ mixed >> 29
}

/// Does `$each!(bit, value)` for every word of two operands that cannot trap.
macro_rules! binaries {
    ($a:ident $b:ident $each:ident) => {
        $each!(0, $a.add($b));
        $each!(1, $a.sub($b));
        $each!(2, $a.mul($b));
        $each!(3, $a.min($b));
        $each!(4, $a.max($b));
        $each!(5, $a.and($b));
        $each!(6, $a.or($b));
        $each!(7, $a.xor($b));
        $each!(8, $a.lshift($b));
        $each!(9, $a.rshift($b));
        $each!(10, $a.equal($b));
        $each!(11, $a.equal($b).xor(V::all(-1)));
        $each!(12, $a.less($b));
        $each!(13, $b.less($a));
        $each!(14, $a.u_less($b));
    };
}

/// Does `$each!(bit, value)` for every word of one operand.
macro_rules! unaries {
    ($a:ident $each:ident) => {
        $each!(0, V::all(0).sub($a));
        $each!(1, {
            let sign = $a.less(V::all(0));
            $a.xor(sign).sub(sign)
        });
        $each!(2, $a.sub(V::all(-1)));
        $each!(3, $a.add(V::all(-1)));
        $each!(4, $a.add($a));
        $each!(5, $a.two_slash());
        $each!(6, $a.xor(V::all(-1)));
        $each!(7, $a.equal(V::all(0)));
        $each!(8, $a.equal(V::all(0)).xor(V::all(-1)));
        $each!(9, $a.less(V::all(0)));
        $each!(10, V::all(0).less($a));
    };
}

/// What the wanted words make of two operands, and the hashes of that where these are wanted. Returns the bits of those that
/// are defined on all lanes.
#[inline(always)]
pub fn binary<V: Vector>(
    (wanted, hashed): (u32, bool),
    a: &Value,
    b: &Value,
    values: &mut [Value; BINARY.len()],
    hashes: &mut [u64; BINARY.len()],
) -> u32 {
    let (x, y) = (V::load(a), V::load(b));
    macro_rules! each {
        ($bit:literal, $value:expr) => {
            if wanted >> $bit & 1 != 0 {
                let value: V = $value;
                if hashed {
                    hashes[$bit] = hash(value);
                }
                value.store(&mut values[$bit]);
            }
        };
    }
    binaries!(x y each);
    if wanted & DIVISION == 0 { wanted } else { divide::<V>(wanted, a, b, values, hashes) }
}

/// `/` and `mod`.
#[inline(always)]
fn divide<V: Vector>(
    wanted: u32,
    a: &Value,
    b: &Value,
    values: &mut [Value; BINARY.len()],
    hashes: &mut [u64; BINARY.len()],
) -> u32 {
    if b.0.contains(&0) {
        return wanted & !DIVISION;
    }
    for lane in 0..8 {
        // No divisor is 0.
        let (quotient, remainder) = scalar::div_mod_floored(a.0[lane], b.0[lane]).unwrap_or((0, 0));
        values[SLASH].0[lane] = quotient;
        values[SLASH + 1].0[lane] = remainder;
    }
    hashes[SLASH] = hash(V::load(&values[SLASH]));
    hashes[SLASH + 1] = hash(V::load(&values[SLASH + 1]));
    wanted
}

/// What the wanted words make of one operand, and the hashes of that where these are wanted.
#[inline(always)]
pub fn unary<V: Vector>(
    (wanted, hashed): (u32, bool),
    a: &Value,
    values: &mut [Value; UNARY.len()],
    hashes: &mut [u64; UNARY.len()],
) {
    let x = V::load(a);
    macro_rules! each {
        ($bit:literal, $value:expr) => {
            if wanted >> $bit & 1 != 0 {
                let value: V = $value;
                if hashed {
                    hashes[$bit] = hash(value);
                }
                value.store(&mut values[$bit]);
            }
        };
    }
    unaries!(x each);
}

/// The bits of the wanted words that make the goal of two operands.
#[inline(always)]
pub fn last_binary<V: Vector>(wanted: u32, a: &Value, b: &Value, goal: &Value) -> u32 {
    let (x, y, z) = (V::load(a), V::load(b), V::load(goal));
    let mut hits = 0;
    macro_rules! each {
        ($bit:literal, $value:expr) => {
            if wanted >> $bit & 1 != 0 && $value.is(z) {
                hits = hit(hits, $bit);
            }
        };
    }
    binaries!(x y each);
    if wanted & DIVISION != 0 { hits | divisions(a, b, goal) & wanted } else { hits }
}

/// Hits are rare: what finds one may cost something.
#[cold]
#[inline(never)]
fn hit(hits: u32, bit: u32) -> u32 {
    hits | 1 << bit
}

/// The bits of `/` and `mod` where they make the goal. Whether they may is told by the first lanes without a division: by what
/// the goal leaves as a remainder, and by its range.
#[inline(always)]
fn divisions(a: &Value, b: &Value, goal: &Value) -> u32 {
    let in_range = |rest: Cell, b: Cell| (rest >= 0 && rest < b) | (rest <= 0 && rest > b);
    // Where the goal is the quotient this is the remainder: nothing overflows but what wraps back.
    let rest = |lane: usize| a.0[lane].wrapping_sub(goal.0[lane].wrapping_mul(b.0[lane]));
    let all = |f: fn(Cell, Cell) -> Option<Cell>| {
        u32::from((0..8).all(|lane| f(a.0[lane], b.0[lane]) == Some(goal.0[lane])))
    };
    let mut hits = 0;
    if (0..8).all(|lane| in_range(rest(lane), b.0[lane])) {
        hits |= all(scalar::div_floored) << SLASH;
    }
    if (0..8).all(|lane| in_range(goal.0[lane], b.0[lane])) {
        hits |= all(scalar::mod_floored) << (SLASH + 1);
    }
    hits
}

/// The bits of the wanted words that make the goal of one operand.
#[inline(always)]
pub fn last_unary<V: Vector>(wanted: u32, a: &Value, goal: &Value) -> u32 {
    let (x, z) = (V::load(a), V::load(goal));
    let mut hits = 0;
    macro_rules! each {
        ($bit:literal, $value:expr) => {
            if wanted >> $bit & 1 != 0 && $value.is(z) {
                hits = hit(hits, $bit);
            }
        };
    }
    unaries!(x each);
    hits
}

/// A value that a body is to leave, with what there is to know of it once and for all.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The value.
    pub value: Value,
    /// What `negate`, `invert`, `1+` and `1-` make it of, those that there are; the value itself elsewhere.
    befores: [Value; 4],
    /// The other words of one operand that may make it of something.
    pub unary: u32,
    /// The words of two operands that may make it of something.
    pub binary: u32,
}

/// The words of one operand whose operand is known where the result is: `negate`, `1+`, `1-`, `invert`.
const UNDONE: [usize; 4] = [0, 2, 3, 6];

/// The words of two operands that make flags.
const FLAGS: u32 = 0b11111 << 10;

impl Wanted {
    /// Of a value, where there are these words of one operand and of two.
    pub fn new(value: Value, unary: u32, binary: u32) -> Self {
        let all = |f: fn(Cell) -> bool| value.0.iter().all(|cell| f(*cell));
        let mut befores = [value; 4];
        for (before, bit) in befores.iter_mut().zip(UNDONE) {
            if unary >> bit & 1 != 0 {
                *before = Column(value.0.map(|cell| match bit {
                    0 => cell.wrapping_neg(),
                    2 => cell.wrapping_sub(1),
                    3 => cell.wrapping_add(1),
                    _ => !cell,
                }));
            }
        }
        let is_flag = all(|cell| cell == 0 || cell == -1);
        let mut possible = unary & !UNDONE.iter().fold(0, |bits, bit| bits | 1 << bit);
        // `abs`, `2*`, `2/`, and the words that make flags.
        if !all(|cell| cell >= 0 || cell == Cell::MIN) {
            possible &= !(1 << 1);
        }
        if !all(|cell| cell & 1 == 0) {
            possible &= !(1 << 4);
        }
        if !all(|cell| (Cell::MIN / 2..=Cell::MAX / 2).contains(&cell)) {
            possible &= !(1 << 5);
        }
        if !is_flag {
            possible &= !(0b1111 << 7);
        }
        Self { value, befores, unary: possible, binary: if is_flag { binary } else { binary & !FLAGS } }
    }
}

/// The words of two operands that may make the goal of this first operand and some second one, without those whose second operand is known
/// where the result is (`+`, `-`, `xor`).
#[inline(always)]
fn possible<V: Vector>(x: V, goal: &Wanted) -> u32 {
    let z = V::load(&goal.value);
    let none = V::all(0);
    // Bits of the goal below the lowest of the operand: a product, and a number shifted left, has none.
    let below = z.and(x.sub(V::all(1)).and(x.xor(V::all(-1))));
    let product = u32::from(below.is(none));
    let and = u32::from(x.and(z).is(z));
    let or = u32::from(x.and(z).is(x));
    let min = u32::from(x.less(z).is(none));
    let max = u32::from(z.less(x).is(none));
    let shifted = u32::from(x.u_less(z).is(none));
    let set = product << 2 | min << 3 | max << 4 | and << 5 | or << 6 | product << 8 | shifted << 9;
    goal.binary & (set | FLAGS | DIVISION)
}

/// Whether one of the values that are there, or what a word makes of the first operand and one of them, may be the goal; or
/// the first operand is. The set is of values by their position.
#[inline(always)]
pub fn any_binary<V: Vector>(there: u32, a: &Value, values: &[Value], goal: &Wanted) -> bool {
    let (x, z) = (V::load(a), V::load(&goal.value));
    let possible = possible(x, goal);
    // What `+`, `-` and `xor` make the goal of.
    let befores = [z.sub(x), x.sub(z), z.xor(x)];
    let mut marks = x.mark(z, V::no_marks());
    let mut any = false;
    for (at, b) in values.iter().enumerate() {
        if there >> at & 1 == 0 {
            continue;
        }
        let y = V::load(b);
        marks = y.mark(z, marks);
        for before in befores {
            marks = y.mark(before, marks);
        }
        if possible == 0 {
            continue;
        }
        macro_rules! each {
            ($bit:literal, $value:expr) => {
                if possible >> $bit & 1 != 0 {
                    any |= $value.is(z);
                }
            };
        }
        binaries!(x y each);
        if possible & DIVISION != 0 {
            any |= divisions(a, b, &goal.value) & possible != 0;
        }
    }
    any | V::is_all(marks)
}

/// Whether what a word makes of one of the values that are there may be the goal.
#[inline(always)]
pub fn any_unary<V: Vector>(there: u32, values: &[Value], goal: &Wanted) -> bool {
    let z = V::load(&goal.value);
    let befores = goal.befores.each_ref().map(V::load);
    let (has_abs, is_flag) = (goal.unary >> 1 & 1 != 0, goal.unary >> 7 != 0);
    let mut marks = V::no_marks();
    for (at, a) in values.iter().enumerate() {
        if there >> at & 1 == 0 {
            continue;
        }
        let x = V::load(a);
        for before in befores {
            marks = x.mark(before, marks);
        }
        if is_flag {
            macro_rules! each {
                ($bit:literal, $value:expr) => {
                    if goal.unary >> $bit & 1 != 0 {
                        marks = $value.mark(z, marks);
                    }
                };
            }
            unaries!(x each);
            continue;
        }
        // Words that are not there are tried along: this is about what may be.
        marks = x.add(x).mark(z, marks);
        marks = x.two_slash().mark(z, marks);
        if has_abs {
            let sign = x.less(V::all(0));
            marks = x.xor(sign).sub(sign).mark(z, marks);
        }
    }
    V::is_all(marks)
}
