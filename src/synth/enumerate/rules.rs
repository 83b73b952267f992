//! Which words need not follow which two others.
//!
//! A sequence of two or three words is left out where another does the same that is shorter, or as long and earlier in the
//! order of the vocabulary, and needs no deeper stack and no more room. That nothing is lost: of all bodies that are right on the lanes
//! take the least, by length and then by order. None of its parts can be replaced by a lesser one, so it has no part that is
//! left out; and no prefix of it is dropped for having reached a stack that was reached before, because the earlier prefix
//! would make a lesser body. So that is the first body that is found.
//!
//! What does the same is told by running all sequences on names instead of numbers: what is made of the same numbers in the
//! same way is the same, and so is what laws of arithmetic say is ([`Numbers`]). A test holds each sequence that is left out
//! against the lesser one on many numbers. Words that may trap have no part in any rule.

use crate::forth::words::{self, Word};
use crate::model::Cell;
use crate::synth::enumerate::kernel::{BINARY, SLASH, UNARY};
use crate::synth::enumerate::{Kind, Stack, Step, VOCABULARY, counts, set_bits};
use crate::synth::expr::Op;
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::sync::OnceLock;

/// The literals of which more is known than that they are numbers, in their order.
const KNOWN: [Cell; 4] = [0, 1, 2, -1];

/// The symbols of sequences: the words of the vocabulary, the known literals, and one for all other literals.
const OTHER: usize = VOCABULARY.len() + KNOWN.len();
const N_SYMBOLS: usize = OTHER + 1;

/// Where a sequence has no word before.
const NONE: usize = N_SYMBOLS;

/// How deep the stack is that sequences are run on: deeper than what three words take.
const DEPTH: usize = 6;
/// The deepest that three words may make it.
const DEPTH_MAX: usize = DEPTH + 6;

/// For two symbols, either of which may be absent, the set of symbols that need not follow.
type Followers = [[u64; N_SYMBOLS + 1]; N_SYMBOLS + 1];

/// The rules for one vocabulary.
#[derive(Default)]
pub struct Rules {
    symbols: Vec<u8>,
    /// For each two positions, of which the last stands for no word, the positions that need not follow.
    left_out: Vec<u64>,
}

impl Rules {
    /// Makes these the rules of a vocabulary; there are none where its order is not the canonical one.
    pub fn suit(&mut self, vocabulary: &[Step]) {
        let Some(symbols) = symbols(vocabulary) else {
            *self = Self::default();
            return;
        };
        if self.symbols == symbols {
            return;
        }
        let mut places = [0u64; N_SYMBOLS];
        for (position, symbol) in symbols.iter().enumerate() {
            places[usize::from(*symbol)] |= 1 << position;
        }
        let there =
            (0..N_SYMBOLS).filter(|symbol| places[*symbol] != 0).fold(0, |set, symbol| set | 1 << symbol);
        let found;
        let followers = if there | 1 << OTHER == (1 << N_SYMBOLS) - 1 {
            static CANONICAL: OnceLock<Box<Followers>> = OnceLock::new();
            CANONICAL.get_or_init(|| find((1 << N_SYMBOLS) - 1))
        } else {
            found = find(there);
            &found
        };
        let n = symbols.len();
        let at = |position: usize| symbols.get(position).map_or(NONE, |symbol| usize::from(*symbol));
        let set = |second: usize, last: usize| {
            let followers = followers[at(second)][at(last)];
            set_bits(followers & there).fold(0, |all, symbol| all | places[symbol])
        };
        self.left_out = (0..=n)
            .flat_map(|second| (0..=n).map(move |last| (second, last)))
            .map(|(second, last)| set(second, last))
            .collect();
        self.symbols = symbols;
    }

    /// The positions that need not follow a prefix.
    #[inline(always)]
    pub fn left_out(&self, prefix: &[u8]) -> u64 {
        let n = self.symbols.len();
        let (second, last) = match prefix {
            [.., second, last] => (usize::from(*second), usize::from(*last)),
            [last] => (n, usize::from(*last)),
            [] => return 0,
        };
        self.left_out.get(second * (n + 1) + last).copied().unwrap_or(0)
    }
}

/// The symbols of a vocabulary that is in the canonical order.
fn symbols(vocabulary: &[Step]) -> Option<Vec<u8>> {
    let mut symbols: Vec<u8> = Vec::with_capacity(vocabulary.len());
    for step in vocabulary {
        let after = symbols.last().map_or(0, |last| usize::from(*last) + 1);
        let symbol = match step {
            Step::Word(word) => VOCABULARY.iter().position(|other| other == word)?,
            Step::Literal(value) => {
                let known = KNOWN.iter().position(|other| other == value).map(|at| VOCABULARY.len() + at);
                known.filter(|symbol| *symbol >= after).unwrap_or(OTHER)
            }
        };
        if symbol < after && symbol != OTHER {
            return None;
        }
        symbols.push(symbol as u8);
    }
    Some(symbols)
}

/// A number as it was made; what is made of the same numbers in the same way is the same number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Made {
    Input(usize),
    Constant(Cell),
    Unary(Word, u16),
    Binary(Word, u16, u16),
}

/// Numbers by how they were made, brought to one form where the laws of arithmetic say that several are the same.
#[derive(Default)]
struct Numbers {
    made: Vec<Made>,
    ids: FxHashMap<Made, u16>,
}

impl Numbers {
    fn id(&mut self, made: Made) -> u16 {
        let made_so_far = &mut self.made;
        *self.ids.entry(made).or_insert_with(|| {
            made_so_far.push(made);
            u16::try_from(made_so_far.len() - 1).expect("three words make fewer numbers")
        })
    }

    fn constant(&self, id: u16) -> Option<Cell> {
        match self.made[usize::from(id)] {
            Made::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// What a word of one operand makes of a number.
    fn unary(&mut self, word: Word, a: u16) -> u16 {
        use Word::{
            Abs, Equals, Invert, Negate, NotEquals, OneMinus, OnePlus, ZeroEquals, ZeroLess, ZeroNotEquals,
        };
        if let Some(folded) = self.constant(a).and_then(|a| apply(word, a, a)) {
            return self.id(Made::Constant(folded));
        }
        match (word, self.made[usize::from(a)]) {
            (Negate, Made::Unary(Negate, x))
            | (Invert, Made::Unary(Invert, x))
            | (OnePlus, Made::Unary(OneMinus, x))
            | (OneMinus, Made::Unary(OnePlus, x)) => x,
            (Negate, Made::Unary(Invert, x)) => self.unary(OnePlus, x),
            (Invert, Made::Unary(Negate, x)) => self.unary(OneMinus, x),
            (Negate, Made::Unary(OnePlus, x)) | (OneMinus, Made::Unary(Negate, x)) => self.unary(Invert, x),
            (Invert, Made::Unary(OneMinus, x)) | (OnePlus, Made::Unary(Invert, x)) => self.unary(Negate, x),
            (Abs | ZeroEquals | ZeroNotEquals, Made::Unary(Negate | Abs, x)) => self.unary(word, x),
            (ZeroEquals | Invert, Made::Unary(ZeroEquals, x)) => self.unary(ZeroNotEquals, x),
            (ZeroEquals | Invert, Made::Unary(ZeroNotEquals, x)) => self.unary(ZeroEquals, x),
            (ZeroEquals | Invert, Made::Binary(Equals, x, y)) => self.binary(NotEquals, x, y),
            (ZeroEquals | Invert, Made::Binary(NotEquals, x, y)) => self.binary(Equals, x, y),
            (ZeroNotEquals | ZeroLess, made) if is_flag(made) => a,
            (made, _) => self.id(Made::Unary(made, a)),
        }
    }

    /// What a word of two operands makes of two numbers.
    fn binary(&mut self, word: Word, a: u16, b: u16) -> u16 {
        use Word::{
            And, Equals, Greater, Invert, LShift, Less, Max, Min, Minus, Negate, NotEquals, OneMinus,
            OnePlus, Or, Plus, RShift, Star, TwoStar, ULess, Xor, ZeroEquals, ZeroGreater, ZeroLess,
            ZeroNotEquals,
        };
        let (x, y) = (self.constant(a), self.constant(b));
        if let Some(folded) = x.zip(y).and_then(|(x, y)| apply(word, x, y)) {
            return self.id(Made::Constant(folded));
        }
        let is_commutative = matches!(word, Plus | Star | Min | Max | And | Or | Xor | Equals | NotEquals);
        if is_commutative && (x.is_some() || y.is_none() && a > b) {
            return self.binary(word, b, a);
        }
        match (word, x, y) {
            (Greater, ..) => self.binary(Less, b, a),
            (Plus | Minus | Or | Xor | LShift | RShift, _, Some(0))
            | (And, _, Some(-1))
            | (Star, _, Some(1)) => a,
            (Star | And, _, Some(0)) | (Or, _, Some(-1)) => b,
            (LShift | RShift, Some(0), _) => a,
            (LShift | RShift, _, Some(-1)) => self.id(Made::Constant(0)),
            (Plus, _, Some(1)) | (Minus, _, Some(-1)) => self.unary(OnePlus, a),
            (Plus, _, Some(-1)) | (Minus, _, Some(1)) => self.unary(OneMinus, a),
            (Star, _, Some(2)) | (LShift, _, Some(1)) => self.unary(TwoStar, a),
            (Star, _, Some(-1)) => self.unary(Negate, a),
            (Xor, _, Some(-1)) => self.unary(Invert, a),
            (Minus, Some(0), _) => self.unary(Negate, b),
            (Minus, Some(-1), _) => self.unary(Invert, b),
            (Equals, _, Some(0)) => self.unary(ZeroEquals, a),
            (NotEquals, _, Some(0)) => self.unary(ZeroNotEquals, a),
            (Less, _, Some(0)) => self.unary(ZeroLess, a),
            (Less, Some(0), _) => self.unary(ZeroGreater, b),
            (Min | Max | And | Or, ..) if a == b => a,
            (Minus | Xor | NotEquals | Less | ULess, ..) if a == b => self.id(Made::Constant(0)),
            (Equals, ..) if a == b => self.id(Made::Constant(-1)),
            (Plus, ..) if a == b => self.unary(TwoStar, a),
            _ => self.id(Made::Binary(word, a, b)),
        }
    }
}

/// Whether it is 0 or -1.
fn is_flag(made: Made) -> bool {
    match made {
        Made::Input(_) => false,
        Made::Constant(value) => value == 0 || value == -1,
        Made::Unary(word, _) | Made::Binary(word, ..) => word.def().kind == words::Kind::Flag,
    }
}

/// What a word makes of constants.
fn apply(word: Word, a: Cell, b: Cell) -> Option<Cell> {
    Op::ALL.iter().find(|op| op.word() == word)?.apply(a, b)
}

/// Sequences that do the same leave the same stack.
#[derive(Clone, Copy)]
struct State {
    stack: [u16; DEPTH_MAX],
    depth: usize,
    /// How much of the stack it takes, how much deeper it makes it for a time, and how many other literals it has.
    needs: usize,
    rise: usize,
    n_other: usize,
}

/// All rules for a set of symbols.
fn find(there: u64) -> Box<Followers> {
    let mut numbers = Numbers::default();
    let inputs: [u16; DEPTH + 3] = std::array::from_fn(|at| numbers.id(Made::Input(at)));
    let known = KNOWN.map(|value| numbers.id(Made::Constant(value)));
    let mut start = State { stack: [0; DEPTH_MAX], depth: DEPTH, needs: 0, rise: 0, n_other: 0 };
    start.stack[..DEPTH].copy_from_slice(&inputs[..DEPTH]);
    let mut seen = FxHashMap::default();
    seen.insert((start.depth, start.stack), (0, 0));
    let effects: Vec<Effect> = (0..N_SYMBOLS).map(Effect::of).collect();
    let mut followers = Box::new([[0u64; N_SYMBOLS + 1]; N_SYMBOLS + 1]);
    let mut level = vec![(NONE, NONE, start)];
    for length in 1..=3 {
        let mut next = Vec::new();
        for (second, last, state) in level {
            for symbol in set_bits(there & !followers[second][last]) {
                let Some(after) = state.after(&mut numbers, &effects[symbol], &known, &inputs[DEPTH..])
                else {
                    continue;
                };
                let is_left_out = match seen.entry((after.depth, after.stack)) {
                    Entry::Occupied(lesser) => {
                        let (needs, rise) = *lesser.get();
                        needs <= after.needs && rise <= after.rise
                    }
                    Entry::Vacant(place) => {
                        place.insert((after.needs, after.rise));
                        false
                    }
                };
                if !is_left_out {
                    if length < 3 {
                        next.push((last, symbol, after));
                    }
                    continue;
                }
                // One word that does nothing is left to the table of what was seen.
                match length {
                    2 => followers.iter_mut().for_each(|row| row[last] |= 1 << symbol),
                    3 => followers[second][last] |= 1 << symbol,
                    _ => {}
                }
            }
        }
        level = next;
    }
    followers
}

/// What a symbol does.
struct Effect {
    kind: Kind,
    n_in: usize,
    n_out: usize,
}

impl Effect {
    fn of(symbol: usize) -> Self {
        let step = VOCABULARY.get(symbol).map_or(Step::Literal(0), |word| Step::Word(*word));
        let (n_in, n_out) = counts(step);
        Self { kind: Kind::of(step, symbol), n_in, n_out }
    }
}

impl State {
    /// The stack after a symbol; `None` where it may trap.
    fn after(&self, numbers: &mut Numbers, effect: &Effect, known: &[u16], others: &[u16]) -> Option<Self> {
        let mut after = *self;
        let (n_in, n_out) = (effect.n_in, effect.n_out);
        let at = |depth: usize| self.stack[self.depth - 1 - depth];
        let below = self.depth - n_in;
        after.depth = below + n_out;
        let value = match effect.kind {
            Kind::SlashMod => return None,
            Kind::Binary(bit) if bit >= SLASH => return None,
            Kind::Binary(bit) => numbers.binary(BINARY[bit], at(1), at(0)),
            Kind::Unary(bit) => numbers.unary(UNARY[bit], at(0)),
            Kind::Literal(OTHER) => {
                after.n_other += 1;
                others[self.n_other]
            }
            Kind::Literal(symbol) => known[symbol - VOCABULARY.len()],
            Kind::Shuffle(shuffle) => {
                let taken = (0..n_in).rev().fold(Stack(0), |stack, depth| stack.push(at(depth).into()));
                let given = taken.shuffled(shuffle);
                for depth in 0..n_out {
                    after.stack[after.depth - 1 - depth] = given.at(depth) as u16;
                }
                0
            }
        };
        if !matches!(effect.kind, Kind::Shuffle(_)) {
            after.stack[below] = value;
        }
        // Items above the top are all the same, so that stacks can be compared.
        after.stack[after.depth..].fill(0);
        after.needs = self.needs.max((DEPTH + n_in).saturating_sub(self.depth));
        after.rise = self.rise.max(after.depth.saturating_sub(DEPTH));
        Some(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Lane;
    use crate::model::random::Random;
    use crate::synth::enumerate::tests::apply;

    /// Numbers that tell words apart: small ones, some that are near each other, counts of shifts, ends of the range, and any. The
    /// first rounds have all small ones and all ends together.
    fn lanes(round: usize, random: &mut Random) -> [Lane; DEPTH + 3] {
        const ENDS: [Cell; 8] = [Cell::MIN, Cell::MAX, Cell::MIN + 1, 0, Cell::MAX - 1, -1, 1, 2];
        let mut lanes = [[0; 8]; DEPTH + 3];
        for lane in 0..8 {
            let base = (random.next_u64() as Cell) >> random.below(64);
            for (at, item) in lanes.iter_mut().enumerate() {
                let from_top = (DEPTH - 1).saturating_sub(at);
                item[lane] = match (lane, random.below(5)) {
                    // All triples of four small numbers, the top being the last item.
                    (0..4, _) if at < DEPTH && from_top < 3 => {
                        ((round * 4 + lane) >> (2 * from_top) & 3) as Cell - 1
                    }
                    // All pairs of ends.
                    (6.., _) if round < 32 && at < DEPTH && from_top < 2 => {
                        ENDS[(round * 2 + lane - 6) >> (3 * from_top) & 7]
                    }
                    // All counts of shifts, and the negative ones, on top.
                    (4 | 5, _) if round < 32 && at == DEPTH - 1 => (round * 2 + lane - 3) as Cell,
                    (0..4, _) if (16..32).contains(&round) && at == DEPTH - 1 => {
                        62 - (round * 4 + lane) as Cell
                    }
                    (6.., _) | (_, 1) => ENDS[random.below(8) as usize],
                    (_, 0) => random.within(-66, 66) as Cell,
                    (_, 2) => random.within(-3, 4) as Cell,
                    (_, 3) => (random.next_u64() as Cell) >> random.below(64),
                    _ => base.wrapping_add(random.within(-1, 1) as Cell),
                };
            }
        }
        lanes
    }

    /// A sequence that is not left out, what it needs and how much it adds.
    type Kept = (Vec<usize>, usize, usize);

    fn step(symbol: usize, other: Cell) -> Step {
        match VOCABULARY.get(symbol) {
            Some(word) => Step::Word(*word),
            None => Step::Literal(KNOWN.get(symbol - VOCABULARY.len()).copied().unwrap_or(other)),
        }
    }

    /// What a sequence leaves of a stack of which it sees only so many items, and the deepest of these on the way.
    fn run(sequence: &[usize], stack: &[Lane], seen: usize) -> Option<(Vec<Lane>, usize)> {
        let (below, seen) = stack.split_at(stack.len() - seen);
        let (mut stack, mut deepest, mut n_other) = (seen.to_vec(), seen.len(), 0);
        for symbol in sequence {
            n_other += Cell::from(*symbol == OTHER);
            if !apply(&mut stack, step(*symbol, 1_000_003 * n_other)) {
                return None;
            }
            deepest = deepest.max(stack.len());
        }
        Some(([below, &stack].concat(), deepest - seen.len()))
    }

    fn needs(sequence: &[usize]) -> usize {
        let effects = sequence.iter().map(|symbol| counts(step(*symbol, 0)));
        let (mut depth, mut needs) = (0i32, 0);
        for (n_in, n_out) in effects {
            needs = needs.max(n_in as i32 - depth);
            depth += n_out as i32 - n_in as i32;
        }
        needs as usize
    }

    /// Each sequence that is left out does the same as one before it, on stacks that no rule was made from.
    #[test]
    fn what_is_left_out_has_a_lesser_equal() {
        let mut random = Random::new(&[77]);
        let rounds: Vec<_> = (0..120).map(|round| lanes(round, &mut random)).collect();
        let all = find((1 << N_SYMBOLS) - 1);
        let mut lesser: FxHashMap<Vec<Lane>, Vec<Kept>> = FxHashMap::default();
        let mut level: Vec<Vec<usize>> = vec![vec![]];
        let mut n_rules = [0; 4];
        for (length, n) in n_rules.iter_mut().enumerate() {
            let mut next = Vec::new();
            for sequence in level {
                let needed = needs(&sequence);
                let Some((stack, rise)) = run(&sequence, &rounds[0][..DEPTH], needed) else { continue };
                let left_out = match sequence[..] {
                    [last, symbol] => all[NONE][last] >> symbol & 1 != 0,
                    [second, last, symbol] => all[second][last] >> symbol & 1 != 0,
                    _ => false,
                };
                let others = lesser.entry(stack).or_default();
                if left_out {
                    *n += 1;
                    let holds = |other: &Kept| {
                        other.1 <= needed
                            && other.2 <= rise
                            && rounds.iter().all(|round| {
                                let left = |sequence: &[usize]| {
                                    run(sequence, &round[..DEPTH], needed).map(|(stack, _)| stack)
                                };
                                left(&other.0) == left(&sequence)
                            })
                    };
                    assert!(others.iter().any(holds), "{sequence:?}");
                    continue;
                }
                if length < 3 {
                    next.extend((0..N_SYMBOLS).map(|symbol| [&sequence[..], &[symbol]].concat()));
                }
                others.push((sequence, needed, rise));
            }
            level = next;
        }
        assert!(n_rules[2] > 150 && n_rules[3] > 8_000, "{n_rules:?}");
    }
}
