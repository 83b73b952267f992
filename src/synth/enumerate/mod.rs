//! Enumeration of short straight-line bodies, shortest first.
//!
//! Depth-first over stack programs by iterative deepening: every body of length 1, then every body of length 2 and so on, in
//! the order of the vocabulary. Eight tests run at once, one per lane; a prefix is run once for all its continuations. A
//! state (the lanes of all stack items) that an earlier prefix of the same pass reached with at least as many words left is
//! not entered again: whatever can be completed from it was completed there. Nor is a word tried after two others where fewer
//! words, or earlier ones, do the same: see [`rules`]. The rank of the winner depends on the goal, the vocabulary and the
//! bounds alone.
//!
//! A stack is a number of eight places, each of which says where a value stands; so shuffling words move bits. The values that
//! the words of two operands, or of one, make are computed together, and what the last word of a body makes is compared with
//! the goal without being kept: see [`kernel`]. For most words the value is known that the goal can only have been made of, so that
//! what the word before the last makes is compared with these.

pub mod kernel;
mod rules;
#[cfg(test)]
mod tests;
pub mod vector;

use crate::forth::words::Word;
use crate::model::{Cell, scalar};
use crate::synth::bank::kernel::Column;
use crate::synth::bank::simd::{self, Simd};
use crate::validate::Lanes;
use kernel::{BINARY, SLASH, UNARY, Value, Wanted};
use rules::Rules;
use std::sync::atomic::{AtomicBool, Ordering};
use vector::{Portable, Vector};

/// Deepest stack, in cells, that an enumerated body may build.
pub const STACK_MAX: usize = 8;

/// Longest body that is tried, in words.
pub const LENGTH_MAX: usize = 12;

/// One word of the vocabulary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// A word of the table.
    Word(Word),
    /// A literal.
    Literal(Cell),
}

/// The words that bodies are drawn from, in canonical order; literals follow them.
pub const VOCABULARY: &[Word] = &[
    Word::Dup,
    Word::Drop,
    Word::Swap,
    Word::Over,
    Word::Rot,
    Word::Nip,
    Word::Tuck,
    Word::TwoDup,
    Word::Plus,
    Word::Minus,
    Word::Star,
    Word::Slash,
    Word::Mod,
    Word::Negate,
    Word::Abs,
    Word::Min,
    Word::Max,
    Word::OnePlus,
    Word::OneMinus,
    Word::TwoStar,
    Word::TwoSlash,
    Word::And,
    Word::Or,
    Word::Xor,
    Word::Invert,
    Word::LShift,
    Word::RShift,
    Word::Equals,
    Word::NotEquals,
    Word::Less,
    Word::Greater,
    Word::ULess,
    Word::ZeroEquals,
    Word::ZeroNotEquals,
    Word::ZeroLess,
    Word::ZeroGreater,
    Word::SlashMod,
];

/// Bounds of one enumeration.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Shortest body, in words.
    pub length_min: usize,
    /// Longest body, in words; at most [`LENGTH_MAX`].
    pub length_max: usize,
    /// Most candidates: stack programs executed on the lanes.
    pub candidates_max: u64,
}

/// Why an enumeration ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The callback took a body.
    Accepted,
    /// Every body within the length bound was tried.
    Exhausted,
    /// The budget was spent.
    Budget,
    /// The callback asked to stop.
    Interrupted,
    /// It would have gone on for longer than this round lets it: what it would come to is not known.
    Left,
}

/// What the callback says of a body that is right on all lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is right: stop.
    Accept,
    /// It is wrong elsewhere: go on.
    Reject,
}

/// Table lengths: one slot for so many candidates, within these bounds.
const CANDIDATES_A_SLOT: u64 = 16;
const TABLE_LEN_MIN: usize = 1 << 15;
const TABLE_LEN_MAX: usize = 1 << 22;

/// Enumerations of longer bodies leave out what [`rules`] say.
const RULES_FROM: usize = 3;

/// Most words of a vocabulary: a set of them is a word of bits.
const VOCABULARY_MAX: usize = 64;

/// Memory that enumerations reuse: the values of each prefix, and the table of states seen. It is made when it is first
/// needed.
pub struct Enumerator {
    simd: Simd,
    /// States seen: the upper bits of the hash, and how many words were left.
    seen: Vec<u64>,
    /// Goes into each entry, so that none of another enumeration matches.
    epoch: u64,
    values: Vec<Value>,
    hashes: Vec<u64>,
    rules: Rules,
}

impl Default for Enumerator {
    fn default() -> Self {
        Self::with_simd(Simd::best())
    }
}

/// The stack: the places of its values, 16 bits each, the top in the lowest.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stack(u128);

impl Stack {
    /// The place of the item that lies so deep.
    #[inline(always)]
    fn at(self, depth: usize) -> usize {
        (self.0 >> (16 * depth)) as u16 as usize
    }

    #[inline(always)]
    fn push(self, place: usize) -> Self {
        Self(self.0 << 16 | place as u128)
    }

    #[inline(always)]
    fn drop(self, n: usize) -> Self {
        Self(self.0 >> (16 * n))
    }

    /// What a word makes that moves items and computes nothing.
    #[inline(always)]
    fn shuffled(self, shuffle: Shuffle) -> Self {
        let (top, second) = (self.at(0), self.at(1));
        match shuffle {
            Shuffle::Dup => self.push(top),
            Shuffle::Drop => self.drop(1),
            Shuffle::Swap => self.drop(2).push(top).push(second),
            Shuffle::Over => self.push(second),
            Shuffle::Rot => self.drop(3).push(second).push(top).push(self.at(2)),
            Shuffle::Nip => self.drop(2).push(top),
            Shuffle::Tuck => self.drop(2).push(top).push(second).push(top),
            Shuffle::TwoDup => self.push(second).push(top),
            Shuffle::TwoDrop => self.drop(2),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shuffle {
    Dup,
    Drop,
    Swap,
    Over,
    Rot,
    Nip,
    Tuck,
    TwoDup,
    TwoDrop,
}

/// What a step does, as the search takes it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Shuffle(Shuffle),
    /// The place of its value.
    Literal(usize),
    /// The bit of a word of one operand.
    Unary(usize),
    /// The bit of a word of two operands.
    Binary(usize),
    SlashMod,
}

impl Kind {
    fn of(step: Step, literal: usize) -> Self {
        let word = match step {
            Step::Literal(_) => return Kind::Literal(literal),
            Step::Word(word) => word,
        };
        let bit = |words: &[Word]| words.iter().position(|other| *other == word);
        if let Some(bit) = bit(&BINARY) {
            return Kind::Binary(bit);
        }
        if let Some(bit) = bit(&UNARY) {
            return Kind::Unary(bit);
        }
        Kind::Shuffle(match word {
            Word::Dup => Shuffle::Dup,
            Word::Drop => Shuffle::Drop,
            Word::Swap => Shuffle::Swap,
            Word::Over => Shuffle::Over,
            Word::Rot => Shuffle::Rot,
            Word::Nip => Shuffle::Nip,
            Word::Tuck => Shuffle::Tuck,
            Word::TwoDup => Shuffle::TwoDup,
            Word::TwoDrop => Shuffle::TwoDrop,
            Word::SlashMod => return Kind::SlashMod,
            other => panic!("{} is no word of straight lines", other.name()),
        })
    }
}

/// The steps of a vocabulary, and sets of them, bit by position.
struct Table {
    kinds: Vec<Kind>,
    /// How many items each step takes and gives.
    effects: Vec<(usize, usize)>,
    unary: u64,
    binary: u64,
    slash_mod: u64,
    /// The words of one operand that there are, by their bits; of two; of the bits to positions.
    unary_bits: u32,
    binary_bits: u32,
    /// Words of two operands that are computed: `/mod` gives what `/` and `mod` do.
    computed: u32,
    of_unary: [u8; UNARY.len()],
    of_binary: [u8; BINARY.len()],
    /// What may come next with so many words left on a stack so deep: nothing from which the goal's depth cannot be reached.
    allowed: [[u64; STACK_MAX + 1]; LENGTH_MAX + 1],
    /// How many these are.
    n_allowed: [[u8; STACK_MAX + 1]; LENGTH_MAX + 1],
}

impl Table {
    fn new(vocabulary: &[Step], n_out: usize) -> Self {
        let mut table = Self {
            kinds: Vec::with_capacity(vocabulary.len()),
            effects: vocabulary.iter().map(|step| counts(*step)).collect(),
            unary: 0,
            binary: 0,
            slash_mod: 0,
            unary_bits: 0,
            binary_bits: 0,
            computed: 0,
            of_unary: [0; UNARY.len()],
            of_binary: [0; BINARY.len()],
            allowed: [[0; STACK_MAX + 1]; LENGTH_MAX + 1],
            n_allowed: [[0; STACK_MAX + 1]; LENGTH_MAX + 1],
        };
        for (position, step) in vocabulary.iter().enumerate() {
            let kind = Kind::of(*step, LITERALS + position);
            match kind {
                Kind::Unary(bit) => {
                    table.unary |= 1 << position;
                    table.unary_bits |= 1 << bit;
                    table.of_unary[bit] = position as u8;
                }
                Kind::Binary(bit) => {
                    table.binary |= 1 << position;
                    table.binary_bits |= 1 << bit;
                    table.of_binary[bit] = position as u8;
                }
                Kind::SlashMod => {
                    table.slash_mod |= 1 << position;
                    table.computed |= 0b11 << SLASH;
                }
                Kind::Shuffle(_) | Kind::Literal(_) => {}
            }
            table.kinds.push(kind);
        }
        table.computed |= table.binary_bits;
        for left in 1..=LENGTH_MAX {
            for depth in 0..=STACK_MAX {
                for (position, (n_in, n_out_here)) in table.effects.iter().enumerate() {
                    let after = (depth + n_out_here).wrapping_sub(*n_in);
                    let leads_on = *n_in <= depth
                        && after <= STACK_MAX
                        && (if left == 1 { after == n_out } else { table.allowed[left - 1][after] != 0 });
                    table.allowed[left][depth] |= u64::from(leads_on) << position;
                }
                table.n_allowed[left][depth] = table.allowed[left][depth].count_ones() as u8;
            }
        }
        table
    }

    /// The positions of these words of two operands.
    #[cold]
    fn binary_positions(&self, bits: u32) -> u64 {
        set_bits(bits.into()).map(|bit| 1 << self.of_binary[bit]).fold(0, |all, one: u64| all | one)
    }

    #[cold]
    fn unary_positions(&self, bits: u32) -> u64 {
        set_bits(bits.into()).map(|bit| 1 << self.of_unary[bit]).fold(0, |all, one: u64| all | one)
    }
}

/// Where the literals' values stand: after the inputs, which stand at 1 and above; 0 is no value.
const LITERALS: usize = 1 + STACK_MAX;
/// Where the values of prefixes stand, so many for each length.
const PREFIXES: usize = LITERALS + VOCABULARY_MAX;
const PREFIX_VALUES: usize = BINARY.len() + UNARY.len();
const N_VALUES: usize = PREFIXES + LENGTH_MAX * PREFIX_VALUES;

struct Pass<'e, 'a, F> {
    simd: Simd,
    seen: &'e mut [u64],
    epoch: u64,
    values: &'e mut [Value],
    hashes: &'e mut [u64],
    goal: &'e [Value],
    /// The last of the goal's values.
    wanted: Wanted,
    table: &'e Table,
    rules: Option<&'e Rules>,
    vocabulary: &'a [Step],
    body: [u8; LENGTH_MAX],
    /// Hashes of the stacks after each step, by the length of the prefix.
    sums: [[u64; VOCABULARY_MAX]; LENGTH_MAX],
    candidates: u64,
    candidates_max: u64,
    stop: &'a AtomicBool,
    accept: F,
}

impl Enumerator {
    /// An enumerator that computes with these instructions.
    pub fn with_simd(simd: Simd) -> Self {
        Self {
            simd,
            seen: Vec::new(),
            epoch: 0,
            values: Vec::new(),
            hashes: Vec::new(),
            rules: Rules::default(),
        }
    }

    /// Tries bodies within the bounds, shortest first, and hands each that is right on the lanes to `accept`.
    /// Returns why it ended and how many candidates it ran; the accepted body was the callback's last.
    pub fn run(
        &mut self,
        goal: Lanes<'_>,
        vocabulary: &[Step],
        bounds: Bounds,
        stop: &AtomicBool,
        accept: impl FnMut(&[Step]) -> Answer,
    ) -> (Ended, u64) {
        assert!(vocabulary.len() <= VOCABULARY_MAX && bounds.length_max <= LENGTH_MAX);
        if goal.inputs.len() > STACK_MAX || goal.outputs.len() > STACK_MAX {
            return (Ended::Exhausted, 0);
        }
        let slots = usize::try_from(bounds.candidates_max / CANDIDATES_A_SLOT).unwrap_or(TABLE_LEN_MAX);
        let slots = slots.clamp(TABLE_LEN_MIN, TABLE_LEN_MAX).next_power_of_two();
        if self.seen.len() != slots {
            self.seen = vec![0; slots];
            simd::use_large_pages(&mut self.seen);
            simd::use_large_pages(&mut self.seen);
        }
        self.epoch = self.epoch.wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.values.resize(N_VALUES, Value::all(0));
        self.hashes.resize(N_VALUES, 0);
        let inputs = goal.inputs.iter().enumerate().map(|(at, lane)| (1 + at, Column(*lane)));
        let literals = vocabulary.iter().enumerate().filter_map(|(at, step)| match step {
            Step::Literal(value) => Some((LITERALS + at, Value::all(*value))),
            Step::Word(_) => None,
        });
        for (place, value) in inputs.chain(literals) {
            self.values[place] = value;
            self.hashes[place] = kernel::hash(Portable::load(&value));
        }
        let start = (0..goal.inputs.len()).fold(Stack(0), |stack, at| stack.push(1 + at));
        let wanted: Vec<Value> = goal.outputs.iter().map(|lane| Column(*lane)).collect();
        // Short bodies are few, and done before the rules would be ready.
        let rules = (bounds.length_max > RULES_FROM).then(|| {
            self.rules.suit(vocabulary);
            &self.rules
        });
        let table = Table::new(vocabulary, goal.outputs.len());
        let last = wanted.last().copied().unwrap_or(Value::all(0));
        let mut pass = Pass {
            simd: self.simd,
            seen: &mut self.seen,
            epoch: self.epoch,
            values: &mut self.values,
            hashes: &mut self.hashes,
            goal: &wanted,
            wanted: Wanted::new(last, table.unary_bits, table.binary_bits),
            table: &table,
            rules,
            vocabulary,
            body: [0; LENGTH_MAX],
            sums: [[0; VOCABULARY_MAX]; LENGTH_MAX],
            candidates: 0,
            candidates_max: bounds.candidates_max,
            stop,
            accept,
        };
        let mut ended = Ended::Exhausted;
        for length in bounds.length_min..=bounds.length_max {
            if let Some(why) = pass.descend(start, goal.inputs.len(), 0, length) {
                ended = why;
                break;
            }
        }
        (ended, pass.candidates.min(bounds.candidates_max))
    }
}

impl<F: FnMut(&[Step]) -> Answer> Pass<'_, '_, F> {
    /// Tries all continuations by `left` words of the prefix of `at` words.
    fn descend(&mut self, stack: Stack, depth: usize, at: usize, left: usize) -> Option<Ended> {
        match left {
            0 => {
                let is_right = depth == self.goal.len() && self.is_goal(stack, depth);
                return if is_right { self.offer(at) } else { None };
            }
            1 => return self.last(stack, depth, at),
            2 => return self.last_two(stack, depth, at),
            _ if self.stop.load(Ordering::Relaxed) => return Some(Ended::Interrupted),
            _ => {}
        }
        let allowed = self.allowed(left, depth, at);
        if let Some(ended) = self.charge(allowed.count_ones()) {
            return Some(ended);
        }
        let first = PREFIXES + at * PREFIX_VALUES;
        let computed = self.compute(stack, (allowed, true), first);
        let tried = allowed & !self.trapping(computed);
        // All places in the table are asked for before the first is looked at: they would be waited for one by one.
        for position in set_bits(tried) {
            let (next, depth) = self.next(stack, depth, position, first);
            let sum = self.sum(next, depth);
            self.sums[at][position] = sum;
            simd::prefetch(self.seen, slot(sum, self.seen.len()));
        }
        for position in set_bits(tried) {
            if self.seen_before(self.sums[at][position], left - 1) {
                continue;
            }
            let (next, depth) = self.next(stack, depth, position, first);
            self.body[at] = position as u8;
            if let Some(ended) = self.descend(next, depth, at + 1, left - 1) {
                return Some(ended);
            }
        }
        None
    }

    /// The last two steps. These are nearly all that is tried, so where the goal is one value all that one word gives is
    /// compared with it together, and only where something is right each body is looked at in order.
    fn last_two(&mut self, stack: Stack, depth: usize, at: usize) -> Option<Ended> {
        let allowed = self.allowed(2, depth, at);
        if let Some(ended) = self.charge(allowed.count_ones()) {
            return Some(ended);
        }
        let first = PREFIXES + at * PREFIX_VALUES;
        let computed = self.compute(stack, (allowed, false), first);
        let tried = allowed & !self.trapping(computed);
        if self.goal.len() == 1 && !self.may_be_right(stack, depth, tried, computed, first) {
            self.candidates += self.n_last(depth, tried);
            return (self.candidates >= self.candidates_max).then_some(Ended::Budget);
        }
        for position in set_bits(tried) {
            let (next, depth) = self.next(stack, depth, position, first);
            self.body[at] = position as u8;
            if let Some(ended) = self.last(next, depth, at + 1) {
                return Some(ended);
            }
        }
        None
    }

    /// Whether some two last steps may make a goal of one value; where this says no, none does.
    #[inline(always)]
    fn may_be_right(&self, stack: Stack, depth: usize, tried: u64, computed: u32, first: usize) -> bool {
        let (table, goal) = (self.table, &self.wanted);
        let (binary, unary) = self.values[first..][..PREFIX_VALUES].split_at(BINARY.len());
        if tried & table.binary != 0 {
            let may_be = match depth {
                2 => self.simd.any_unary(computed, binary, goal),
                3 => self.simd.any_binary(computed, &self.values[stack.at(2)], binary, goal),
                _ => true,
            };
            if may_be {
                return true;
            }
        }
        if tried & table.unary != 0 {
            let may_be = match depth {
                1 => self.simd.any_unary(table.unary_bits, unary, goal),
                2 => self.simd.any_binary(table.unary_bits, &self.values[stack.at(1)], unary, goal),
                _ => true,
            };
            if may_be {
                return true;
            }
        }
        set_bits(tried & !(table.binary | table.unary)).any(|position| {
            let (next, depth) = self.next(stack, depth, position, first);
            self.hits(next, depth) != 0
        })
    }

    /// How many bodies the tried steps and one more make.
    #[inline(always)]
    fn n_last(&self, depth: usize, tried: u64) -> u64 {
        let table = self.table;
        let n_last = |depth: usize| u64::from(table.n_allowed[1][depth]);
        let times = |set: u64| u64::from((tried & set).count_ones());
        let mut n = 0;
        if tried & table.binary != 0 {
            n += times(table.binary) * n_last(depth - 1);
        }
        if tried & table.unary != 0 {
            n += times(table.unary) * n_last(depth);
        }
        for position in set_bits(tried & !(table.binary | table.unary)) {
            let (n_in, n_out) = table.effects[position];
            n += n_last(depth + n_out - n_in);
        }
        n
    }

    #[inline(always)]
    fn allowed(&self, left: usize, depth: usize, at: usize) -> u64 {
        let left_out = self.rules.map_or(0, |rules| rules.left_out(&self.body[..at]));
        self.table.allowed[left][depth] & !left_out
    }

    #[inline(always)]
    fn charge(&mut self, n: u32) -> Option<Ended> {
        self.candidates += u64::from(n);
        (self.candidates >= self.candidates_max).then_some(Ended::Budget)
    }

    /// The stack after a step, and its depth; `first` is where the values of this length stand.
    #[inline(always)]
    fn next(&self, stack: Stack, depth: usize, position: usize, first: usize) -> (Stack, usize) {
        let next = match self.table.kinds[position] {
            Kind::Shuffle(shuffle) => stack.shuffled(shuffle),
            Kind::Literal(place) => stack.push(place),
            Kind::Unary(bit) => stack.drop(1).push(first + BINARY.len() + bit),
            Kind::Binary(bit) => stack.drop(2).push(first + bit),
            Kind::SlashMod => stack.drop(2).push(first + SLASH + 1).push(first + SLASH),
        };
        let (n_in, n_out) = self.table.effects[position];
        (next, depth + n_out - n_in)
    }

    /// Computes what the allowed words make of the top of the stack; returns the bits of the words of two operands that are
    /// defined, all of them where none was computed.
    #[inline(always)]
    fn compute(&mut self, stack: Stack, (allowed, hashed): (u64, bool), first: usize) -> u32 {
        let table = self.table;
        let (top, second) = (self.values[stack.at(0)], self.values[stack.at(1)]);
        let (values, hashes) = (&mut self.values[first..], &mut self.hashes[first..]);
        let mut defined = table.computed;
        if allowed & (table.binary | table.slash_mod) != 0 {
            let (values, hashes) = (chunk(values), chunk(hashes));
            defined = self.simd.binary((table.computed, hashed), &second, &top, values, hashes);
        }
        if allowed & table.unary != 0 {
            let (values, hashes) = (chunk(&mut values[BINARY.len()..]), chunk(&mut hashes[BINARY.len()..]));
            self.simd.unary((table.unary_bits, hashed), &top, values, hashes);
        }
        defined
    }

    /// The steps that trap where these words of two operands are defined.
    #[inline(always)]
    fn trapping(&self, defined: u32) -> u64 {
        let table = self.table;
        if defined == table.computed {
            return 0;
        }
        table.binary_positions(table.binary_bits & !defined) | table.slash_mod
    }

    /// The last step: what it makes is compared with the goal, and not kept.
    fn last(&mut self, stack: Stack, depth: usize, at: usize) -> Option<Ended> {
        if let Some(ended) = self.charge(self.table.n_allowed[1][depth].into()) {
            return Some(ended);
        }
        let hits = self.hits(stack, depth);
        if hits == 0 { None } else { self.offer_all(hits, at) }
    }

    /// The steps that make the goal.
    #[inline(always)]
    fn hits(&self, stack: Stack, depth: usize) -> u64 {
        let table = self.table;
        let allowed = table.allowed[1][depth];
        let mut hits = 0;
        let last = self.goal.len().wrapping_sub(1);
        if allowed & table.binary != 0 && self.is_goal_below(stack, depth, 2) {
            let (a, b) = (&self.values[stack.at(1)], &self.values[stack.at(0)]);
            let bits = self.simd.last_binary(table.binary_bits, a, b, &self.goal[last]);
            if bits != 0 {
                hits |= table.binary_positions(bits);
            }
        }
        if allowed & table.unary != 0 && self.is_goal_below(stack, depth, 1) {
            let bits = self.simd.last_unary(table.unary_bits, &self.values[stack.at(0)], &self.goal[last]);
            if bits != 0 {
                hits |= table.unary_positions(bits);
            }
        }
        for position in set_bits(allowed & !(table.binary | table.unary)) {
            let is_right = match table.kinds[position] {
                Kind::Shuffle(shuffle) => self.is_goal(stack.shuffled(shuffle), self.goal.len()),
                Kind::Literal(place) => self.is_goal(stack.push(place), self.goal.len()),
                _ => self.is_slash_mod(stack, depth),
            };
            hits |= u64::from(is_right) << position;
        }
        hits
    }

    /// Whether a stack as deep as the goal is the goal.
    #[inline(always)]
    fn is_goal(&self, stack: Stack, depth: usize) -> bool {
        // The top differs most often, and in its first lanes.
        (0..depth).all(|below| {
            let (value, wanted) = (&self.values[stack.at(below)], &self.goal[depth - 1 - below]);
            value.0[0] == wanted.0[0] && value.equals(wanted)
        })
    }

    /// Whether the items below the first so many are the goal's first.
    #[inline]
    fn is_goal_below(&self, stack: Stack, depth: usize, skipped: usize) -> bool {
        depth == skipped || self.is_goal(stack.drop(skipped), depth - skipped)
    }

    #[cold]
    fn is_slash_mod(&self, stack: Stack, depth: usize) -> bool {
        let (a, b) = (&self.values[stack.at(1)], &self.values[stack.at(0)]);
        let (remainder, quotient) = (&self.goal[depth - 2], &self.goal[depth - 1]);
        self.is_goal_below(stack, depth, 2)
            && (0..8).all(|lane| {
                scalar::div_mod_floored(a.0[lane], b.0[lane]) == Some((quotient.0[lane], remainder.0[lane]))
            })
    }

    /// A hash of the stack; not of which enumeration this is, so that places in the table are the same in each.
    #[inline(always)]
    fn sum(&self, stack: Stack, depth: usize) -> u64 {
        const KEYS: [u64; STACK_MAX] = [
            0x9E37_79B9_7F4A_7C15,
            0xC2B2_AE3D_27D4_EB4F,
            0x1656_67B1_9E37_79F9,
            0xD6E8_FEB8_6659_FD93,
            0xFF51_AFD7_ED55_8CCD,
            0xC4CE_B9FE_1A85_EC53,
            0xA076_1D64_78BD_642F,
            0xE703_7ED1_A0B4_28DB,
        ];
        let mut sum = depth as u64;
        for (below, key) in KEYS.iter().enumerate().take(depth) {
            let own = self.hashes[stack.at(below)];
            sum = sum.wrapping_add((own ^ own >> 32).wrapping_mul(*key));
        }
        sum = (sum ^ sum >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        sum ^ sum >> 29
    }

    /// Whether the stack of this hash was reached before with at least as many words left; remembers it if not.
    #[inline(always)]
    fn seen_before(&mut self, sum: u64, left: usize) -> bool {
        let at = slot(sum, self.seen.len());
        let entry = &mut self.seen[at];
        // What another enumeration left here is as good as nothing.
        let sum = sum ^ self.epoch;
        if *entry >> 4 == sum >> 4 && (*entry & 15) as usize >= left {
            return true;
        }
        *entry = sum & !15 | left as u64;
        false
    }

    #[cold]
    fn offer_all(&mut self, hits: u64, at: usize) -> Option<Ended> {
        for position in set_bits(hits) {
            self.body[at] = position as u8;
            if let Some(ended) = self.offer(at + 1) {
                return Some(ended);
            }
        }
        None
    }

    #[cold]
    fn offer(&mut self, length: usize) -> Option<Ended> {
        let mut body = [Step::Literal(0); LENGTH_MAX];
        for (step, choice) in body.iter_mut().zip(&self.body[..length]) {
            *step = self.vocabulary[*choice as usize];
        }
        match (self.accept)(&body[..length]) {
            Answer::Accept => Some(Ended::Accepted),
            Answer::Reject => None,
        }
    }
}

/// Where a hash belongs in a table whose length is a power of two.
#[inline(always)]
fn slot(sum: u64, len: usize) -> usize {
    (sum >> 4) as usize & (len - 1)
}

/// The first so many items.
#[inline(always)]
fn chunk<T, const N: usize>(items: &mut [T]) -> &mut [T; N] {
    items.first_chunk_mut().expect("there is room for what each word makes")
}

/// The positions of the bits that are set, the lowest first.
#[inline(always)]
fn set_bits(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let position = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        (position < 64).then_some(position)
    })
}

/// How many items a step takes and gives.
fn counts(step: Step) -> (usize, usize) {
    match step {
        Step::Word(word) => (word.def().n_in as usize, word.def().n_out as usize),
        Step::Literal(_) => (0, 1),
    }
}
