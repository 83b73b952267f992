//! Enumeration of short straight-line bodies, shortest first.
//!
//! Depth-first over stack programs by iterative deepening: every body of length 1, then every body of length 2 and so on, in
//! the order of the vocabulary. Eight tests run at once, one per lane; a prefix is run once for all its continuations. A
//! state (the lanes of all stack items) that an earlier prefix of the same pass reached with at least as many words left is
//! not entered again: whatever can be completed from it was completed there. The rank of the winner depends on the goal,
//! the vocabulary and the bounds alone.

use crate::forth::words::Word;
use crate::model::{Cell, Lane, scalar};
use crate::validate::Lanes;

/// Deepest stack, in cells, that an enumerated body may build.
pub const STACK_MAX: usize = 8;

/// Longest body that is tried, in words.
pub const LENGTH_MAX: usize = 8;

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
}

/// What the callback says of a body that is right on all lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is right: stop.
    Accept,
    /// It is wrong elsewhere: go on.
    Reject,
}

const TABLE_LEN: usize = 1 << 15;

#[derive(Clone, Copy, Default)]
struct Seen {
    hash: u64,
    epoch: u32,
    words_left: u32,
}

/// Memory that enumerations reuse: the table of states seen. It is made when it is first needed.
#[derive(Default)]
pub struct Enumerator {
    seen: Vec<Seen>,
    epoch: u32,
}

/// A stack whose items are N lanes wide.
#[derive(Clone, Copy)]
struct State<const N: usize> {
    items: [[Cell; N]; STACK_MAX],
    depth: usize,
}

impl<const N: usize> State<N> {
    const EMPTY: Self = Self { items: [[0; N]; STACK_MAX], depth: 0 };

    /// Becomes a stack of these items; what lies above them stays whatever it was.
    #[inline]
    fn set(&mut self, items: &[[Cell; N]]) {
        self.items[..items.len()].copy_from_slice(items);
        self.depth = items.len();
    }

    #[inline]
    fn stack(&self) -> &[[Cell; N]] {
        &self.items[..self.depth]
    }
}

struct Pass<'e, 'a, F> {
    seen: &'e mut [Seen],
    epoch: u32,
    goal: Lanes<'a>,
    vocabulary: &'a [Step],
    /// The stack after so many words of the body; one more to try the last word on.
    states: [State<8>; LENGTH_MAX + 2],
    body: [u8; LENGTH_MAX],
    candidates: u64,
    candidates_max: u64,
    stop: &'a std::sync::atomic::AtomicBool,
    accept: F,
}

impl Enumerator {
    /// Tries bodies within the bounds, shortest first, and hands each that is right on the lanes to `accept`.
    /// Returns why it ended and how many candidates it ran; the accepted body was the callback's last.
    pub fn run(
        &mut self,
        goal: Lanes<'_>,
        vocabulary: &[Step],
        bounds: Bounds,
        stop: &std::sync::atomic::AtomicBool,
        accept: impl FnMut(&[Step]) -> Answer,
    ) -> (Ended, u64) {
        assert!(vocabulary.len() <= u8::MAX as usize && bounds.length_max <= LENGTH_MAX);
        if goal.inputs.len() > STACK_MAX || goal.outputs.len() > STACK_MAX {
            return (Ended::Exhausted, 0);
        }
        self.seen.resize(TABLE_LEN, Seen::default());
        let mut pass = Pass {
            seen: &mut self.seen,
            epoch: self.epoch,
            goal,
            vocabulary,
            states: [State::EMPTY; LENGTH_MAX + 2],
            body: [0; LENGTH_MAX],
            candidates: 0,
            candidates_max: bounds.candidates_max,
            stop,
            accept,
        };
        pass.states[0].set(goal.inputs);
        let mut ended = Ended::Exhausted;
        for length in bounds.length_min..=bounds.length_max {
            pass.next_epoch();
            if let Some(why) = pass.descend(0, length) {
                ended = why;
                break;
            }
        }
        let candidates = pass.candidates;
        self.epoch = pass.epoch;
        (ended, candidates)
    }
}

impl<F: FnMut(&[Step]) -> Answer> Pass<'_, '_, F> {
    /// Makes all entries of the table old: no entry of another pass or specification can ever match.
    fn next_epoch(&mut self) {
        self.epoch = match self.epoch.checked_add(1) {
            Some(epoch) => epoch,
            None => {
                self.seen.fill(Seen::default());
                1
            }
        };
    }

    /// Tries all continuations by `left` words of the prefix of `at` words.
    fn descend(&mut self, at: usize, left: usize) -> Option<Ended> {
        if left == 0 {
            return if self.states[at].stack() == self.goal.outputs { self.offer(at) } else { None };
        }
        if self.stop.load(std::sync::atomic::Ordering::Relaxed) {
            return Some(Ended::Interrupted);
        }
        for choice in 0..self.vocabulary.len() {
            self.body[at] = choice as u8;
            let step = self.vocabulary[choice];
            let ended = if left == 1 { self.last(at, step) } else { self.inner(at, left, step) };
            if ended.is_some() {
                return ended;
            }
        }
        None
    }

    /// A step with more to follow: run it, and go on unless that state was seen with as many words left.
    #[inline]
    fn inner(&mut self, at: usize, left: usize, step: Step) -> Option<Ended> {
        let (before, after) = self.states.split_at_mut(at + 1);
        let (state, next) = (&before[at], &mut after[0]);
        let (n_in, n_out) = counts(step);
        if state.depth < n_in || !reachable(state.depth - n_in + n_out, self.goal.outputs.len(), left - 1) {
            return None;
        }
        next.set(state.stack());
        if !apply(next, step) {
            return None;
        }
        if let Some(ended) = self.charge() {
            return Some(ended);
        }
        if self.seen_before(at + 1, left - 1) {
            return None;
        }
        self.descend(at + 1, left - 1)
    }

    /// The last step: only the outcome matters, so the word runs on a stack of its own inputs.
    #[inline]
    fn last(&mut self, at: usize, step: Step) -> Option<Ended> {
        let (before, after) = self.states.split_at_mut(at + 1);
        let (state, next) = (&before[at], &mut after[0]);
        let (n_in, n_out) = counts(step);
        if state.depth < n_in || state.depth - n_in + n_out != self.goal.outputs.len() {
            return None;
        }
        let (untouched, inputs) = state.stack().split_at(state.depth - n_in);
        let (same, wanted) = self.goal.outputs.split_at(untouched.len());
        let right = untouched == same && first_lane_right(inputs, step, wanted) && {
            next.set(inputs);
            apply(next, step) && next.stack() == wanted
        };
        if let Some(ended) = self.charge() {
            return Some(ended);
        }
        if right { self.offer(at + 1) } else { None }
    }

    #[inline]
    fn charge(&mut self) -> Option<Ended> {
        self.candidates += 1;
        (self.candidates >= self.candidates_max).then_some(Ended::Budget)
    }

    #[inline]
    fn seen_before(&mut self, at: usize, left: usize) -> bool {
        let hash = hash(&self.states[at]);
        let entry = &mut self.seen[hash as usize & (TABLE_LEN - 1)];
        if entry.epoch == self.epoch && entry.hash == hash && entry.words_left as usize >= left {
            return true;
        }
        *entry = Seen { hash, epoch: self.epoch, words_left: left as u32 };
        false
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

/// Whether `left` more words can bring the stack from `depth` to `goal` items: no word takes more than two items away or
/// adds more than two.
fn reachable(depth: usize, goal: usize, left: usize) -> bool {
    depth <= goal + 2 * left && goal <= depth + 2 * left
}

fn counts(step: Step) -> (usize, usize) {
    match step {
        Step::Word(word) => (word.def().n_in as usize, word.def().n_out as usize),
        Step::Literal(_) => (0, 1),
    }
}

fn hash(state: &State<8>) -> u64 {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut lanes = [state.depth as u64 + 1; 8];
    for item in &state.items[..state.depth] {
        for (sum, cell) in lanes.iter_mut().zip(item) {
            *sum = (*sum ^ *cell as u64).wrapping_mul(MULTIPLIER).rotate_left(29);
        }
    }
    let mut sum = 0u64;
    for lane in lanes {
        sum = (sum ^ lane).wrapping_mul(MULTIPLIER);
        sum ^= sum >> 32;
    }
    sum
}

/// Whether the step is right on the first lane: that tells most candidates apart.
#[inline]
fn first_lane_right(inputs: &[Lane], step: Step, wanted: &[Lane]) -> bool {
    let mut state = State::<1>::EMPTY;
    for (item, input) in state.items.iter_mut().zip(inputs) {
        item[0] = input[0];
    }
    state.depth = inputs.len();
    apply(&mut state, step) && state.stack().iter().zip(wanted).all(|(got, wanted)| got[0] == wanted[0])
}

/// Runs one step on all lanes. False where the stack is too shallow or too deep, or a lane would trap.
#[inline]
fn apply<const N: usize>(state: &mut State<N>, step: Step) -> bool {
    let word = match step {
        Step::Literal(value) => return push(state, [value; N]),
        Step::Word(word) => word,
    };
    let (n_in, n_out) = counts(step);
    let depth = state.depth;
    if depth < n_in || depth - n_in + n_out > STACK_MAX {
        return false;
    }
    let items = &mut state.items;
    match word {
        Word::Dup => items[depth] = items[depth - 1],
        Word::Drop | Word::TwoDrop => {}
        Word::Swap => items.swap(depth - 1, depth - 2),
        Word::Over => items[depth] = items[depth - 2],
        Word::Rot => items[depth - 3..depth].rotate_left(1),
        Word::Nip => items[depth - 2] = items[depth - 1],
        Word::Tuck => {
            items[depth] = items[depth - 1];
            items.swap(depth - 1, depth - 2);
        }
        Word::TwoDup => items.copy_within(depth - 2..depth, depth),
        Word::SlashMod => {
            let (a, b) = (items[depth - 2], items[depth - 1]);
            for lane in 0..N {
                let Some((quotient, remainder)) = scalar::div_mod_floored(a[lane], b[lane]) else {
                    return false;
                };
                items[depth - 2][lane] = remainder;
                items[depth - 1][lane] = quotient;
            }
        }
        Word::Slash | Word::Mod => {
            let (a, b) = (items[depth - 2], items[depth - 1]);
            for lane in 0..N {
                let Some((quotient, remainder)) = scalar::div_mod_floored(a[lane], b[lane]) else {
                    return false;
                };
                items[depth - 2][lane] = if word == Word::Slash { quotient } else { remainder };
            }
        }
        _ if n_in == 2 && n_out == 1 => {
            let (a, b) = (items[depth - 2], items[depth - 1]);
            match binary(word, &a, &b) {
                Some(lane) => items[depth - 2] = lane,
                None => return false,
            }
        }
        _ if n_in == 1 && n_out == 1 => match unary(word, &items[depth - 1]) {
            Some(lane) => items[depth - 1] = lane,
            None => return false,
        },
        _ => return false,
    }
    state.depth = depth - n_in + n_out;
    true
}

fn push<const N: usize>(state: &mut State<N>, lane: [Cell; N]) -> bool {
    if state.depth == STACK_MAX {
        return false;
    }
    state.items[state.depth] = lane;
    state.depth += 1;
    true
}

#[inline]
fn map<const N: usize>(a: &[Cell; N], f: impl Fn(Cell) -> Cell) -> [Cell; N] {
    let mut out = [0; N];
    for lane in 0..N {
        out[lane] = f(a[lane]);
    }
    out
}

#[inline]
fn zip<const N: usize>(a: &[Cell; N], b: &[Cell; N], f: impl Fn(Cell, Cell) -> Cell) -> [Cell; N] {
    let mut out = [0; N];
    for lane in 0..N {
        out[lane] = f(a[lane], b[lane]);
    }
    out
}

fn unary<const N: usize>(word: Word, a: &[Cell; N]) -> Option<[Cell; N]> {
    use scalar::flag;
    Some(match word {
        Word::Negate => map(a, Cell::wrapping_neg),
        Word::Abs => map(a, Cell::wrapping_abs),
        Word::OnePlus => map(a, |x| x.wrapping_add(1)),
        Word::OneMinus => map(a, |x| x.wrapping_sub(1)),
        Word::TwoStar => map(a, |x| x.wrapping_shl(1)),
        Word::TwoSlash => map(a, scalar::two_slash),
        Word::Invert => map(a, |x| !x),
        Word::ZeroEquals => map(a, |x| flag(x == 0)),
        Word::ZeroNotEquals => map(a, |x| flag(x != 0)),
        Word::ZeroLess => map(a, |x| flag(x < 0)),
        Word::ZeroGreater => map(a, |x| flag(x > 0)),
        _ => return None,
    })
}

fn binary<const N: usize>(word: Word, a: &[Cell; N], b: &[Cell; N]) -> Option<[Cell; N]> {
    use scalar::flag;
    Some(match word {
        Word::Plus => zip(a, b, Cell::wrapping_add),
        Word::Minus => zip(a, b, Cell::wrapping_sub),
        Word::Star => zip(a, b, Cell::wrapping_mul),
        Word::Min => zip(a, b, Cell::min),
        Word::Max => zip(a, b, Cell::max),
        Word::And => zip(a, b, |x, y| x & y),
        Word::Or => zip(a, b, |x, y| x | y),
        Word::Xor => zip(a, b, |x, y| x ^ y),
        Word::LShift => zip(a, b, scalar::lshift),
        Word::RShift => zip(a, b, scalar::rshift),
        Word::Equals => zip(a, b, |x, y| flag(x == y)),
        Word::NotEquals => zip(a, b, |x, y| flag(x != y)),
        Word::Less => zip(a, b, |x, y| flag(x < y)),
        Word::Greater => zip(a, b, |x, y| flag(x > y)),
        Word::ULess => zip(a, b, |x, y| flag((x as u64) < y as u64)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    static GO: AtomicBool = AtomicBool::new(false);

    fn vocabulary() -> Vec<Step> {
        let mut steps: Vec<Step> = VOCABULARY.iter().map(|word| Step::Word(*word)).collect();
        steps.extend([0, 1, 2].map(Step::Literal));
        steps
    }

    fn text(body: &[Step]) -> String {
        let words = body.iter().map(|step| match step {
            Step::Word(word) => word.name().to_owned(),
            Step::Literal(value) => value.to_string(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn find(inputs: &[Lane], outputs: &[Lane], length_max: usize) -> (Ended, u64, String) {
        let mut found = String::new();
        let (ended, candidates) = Enumerator::default().run(
            Lanes { inputs, outputs },
            &vocabulary(),
            Bounds { length_min: 0, length_max, candidates_max: u64::MAX },
            &GO,
            |body| {
                found = text(body);
                Answer::Accept
            },
        );
        (ended, candidates, found)
    }

    const X: Lane = [0, 1, -3, 7, 100, -250, 31, 12];
    const Y: Lane = [5, -1, 3, 2, 9, 17, -31, 64];

    #[track_caller]
    fn check(inputs: &[Lane], outputs: &[Lane], expect: &str) {
        let (ended, _, found) = find(inputs, outputs, 4);
        assert_eq!((ended, found.as_str()), (Ended::Accepted, expect));
    }

    #[test]
    fn finds_the_shortest_body() {
        check(&[X], &[X], "");
        check(&[X], &[map(&X, |x| x * x)], "dup *");
        check(&[X], &[map(&X, |x| x * x + x)], "dup 1+ *");
        check(&[X, Y], &[zip(&X, &Y, |x, y| x * x + y)], "swap dup * +");
        check(&[X, Y], &[Y, X], "swap");
        check(&[X], &[X, X], "dup");
        check(&[X, Y], &[], "drop drop");
        check(&[X, Y], &[zip(&X, &Y, |x, y| scalar::flag(x < y))], "<");
        check(&[], &[[2; 8]], "2");
    }

    #[test]
    fn says_why_it_ended() {
        let goal = [map(&X, |x| x.wrapping_mul(x).wrapping_mul(12_345) ^ 77)];
        assert_eq!(find(&[X], &goal, 3).0, Ended::Exhausted);
        let bounds = Bounds { length_min: 0, length_max: 4, candidates_max: 1000 };
        let (ended, candidates) = Enumerator::default().run(
            Lanes { inputs: &[X], outputs: &goal },
            &vocabulary(),
            bounds,
            &GO,
            |_| Answer::Accept,
        );
        assert_eq!((ended, candidates), (Ended::Budget, 1000));
        let stopped = AtomicBool::new(true);
        let bounds = Bounds { length_min: 0, length_max: 4, candidates_max: u64::MAX };
        let (ended, _) = Enumerator::default().run(
            Lanes { inputs: &[X], outputs: &goal },
            &vocabulary(),
            bounds,
            &stopped,
            |_| Answer::Accept,
        );
        assert_eq!(ended, Ended::Interrupted);
    }

    #[test]
    fn a_used_enumerator_gives_the_same_rank() {
        let goal = [zip(&X, &Y, |x, y| x * x + y)];
        let mut enumerator = Enumerator::default();
        let mut run = |inputs: &[Lane], outputs: &[Lane]| {
            let bounds = Bounds { length_min: 0, length_max: 4, candidates_max: u64::MAX };
            enumerator.run(Lanes { inputs, outputs }, &vocabulary(), bounds, &GO, |_| Answer::Accept)
        };
        let first = run(&[X, Y], &goal);
        run(&[Y], &[map(&Y, |y| 3 * y)]);
        assert_eq!(run(&[X, Y], &goal), first);
    }

    /// The naive enumerator: every body, no pruning of states. Whatever it solves, the real one solves with the same length.
    #[test]
    fn nothing_is_missed_against_a_naive_enumerator() {
        let vocabulary = vocabulary();
        let root = |inputs: &[Lane]| {
            let mut state = State::<8>::EMPTY;
            state.set(inputs);
            state
        };
        let mut outcomes: std::collections::BTreeMap<Vec<Lane>, usize> = Default::default();
        let mut level = vec![root(&[X])];
        for length in 0..=3 {
            let mut next = Vec::new();
            for state in &level {
                outcomes.entry(state.items[..state.depth].to_vec()).or_insert(length);
                if length < 3 {
                    for step in &vocabulary {
                        let mut after = *state;
                        if apply(&mut after, *step) {
                            next.push(after);
                        }
                    }
                }
            }
            level = next;
        }
        let wanted: Vec<_> = outcomes.iter().filter(|(outputs, _)| outputs.len() == 1).step_by(3).collect();
        assert!(wanted.len() > 100, "{}", wanted.len());
        for (outputs, length) in wanted {
            let mut found_length = None;
            let bounds = Bounds { length_min: 0, length_max: 3, candidates_max: u64::MAX };
            Enumerator::default().run(Lanes { inputs: &[X], outputs }, &vocabulary, bounds, &GO, |body| {
                found_length = Some(body.len());
                Answer::Accept
            });
            assert_eq!(found_length, Some(*length), "{outputs:?}");
        }
    }
}
