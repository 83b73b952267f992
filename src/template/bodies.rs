//! The bodies that a typed hole stands for: all straight-line code of a stack effect, up to so many words, shortest first.
//!
//! Of bodies that do the same on sample inputs only the first is kept, so that the search does not try one meaning under many
//! spellings.

use super::compiled::Choice;
use crate::model::random::Random;
use crate::model::{Cell, scalar};
use rustc_hash::FxHashSet;

/// Longest body of a typed hole, in words.
pub(super) const BODY_WORDS_MAX: usize = 3;

/// Most cells that the effect of a typed hole takes or leaves.
pub(super) const BODY_CELLS_MAX: usize = 3;

/// Sample inputs on which bodies are compared.
const LANES: usize = 32;

/// Deepest stack on the way.
const DEPTH_MAX: usize = BODY_CELLS_MAX + 2 * BODY_WORDS_MAX;

enum Run {
    Literal(Cell),
    /// Takes so many cells and leaves those at these places of them.
    Move(usize, &'static [usize]),
    Unary(fn(Cell) -> Cell),
    Binary(fn(Cell, Cell) -> Option<Cell>),
    /// `/mod`: remainder and quotient.
    SlashMod,
}

use Run::{Binary, Literal, Move, SlashMod, Unary};

/// The words that bodies are made of, in the order of the search.
const WORDS: &[(&str, Run)] = &[
    ("swap", Move(2, &[1, 0])),
    ("over", Move(2, &[0, 1, 0])),
    ("dup", Move(1, &[0, 0])),
    ("drop", Move(1, &[])),
    ("nip", Move(2, &[1])),
    ("tuck", Move(2, &[1, 0, 1])),
    ("rot", Move(3, &[1, 2, 0])),
    ("2dup", Move(2, &[0, 1, 0, 1])),
    ("+", Binary(|a, b| Some(a.wrapping_add(b)))),
    ("*", Binary(|a, b| Some(a.wrapping_mul(b)))),
    ("-", Binary(|a, b| Some(a.wrapping_sub(b)))),
    ("mod", Binary(scalar::mod_floored)),
    ("/", Binary(scalar::div_floored)),
    ("1+", Unary(|a| a.wrapping_add(1))),
    ("1-", Unary(|a| a.wrapping_sub(1))),
    ("2*", Unary(|a| a.wrapping_shl(1))),
    ("2/", Unary(scalar::two_slash)),
    ("negate", Unary(Cell::wrapping_neg)),
    ("abs", Unary(Cell::wrapping_abs)),
    ("0=", Unary(|a| scalar::flag(a == 0))),
    ("0<", Unary(|a| scalar::flag(a < 0))),
    ("=", Binary(|a, b| Some(scalar::flag(a == b)))),
    ("<", Binary(|a, b| Some(scalar::flag(a < b)))),
    (">", Binary(|a, b| Some(scalar::flag(a > b)))),
    ("min", Binary(|a, b| Some(a.min(b)))),
    ("max", Binary(|a, b| Some(a.max(b)))),
    ("and", Binary(|a, b| Some(a & b))),
    ("or", Binary(|a, b| Some(a | b))),
    ("xor", Binary(|a, b| Some(a ^ b))),
    ("lshift", Binary(|a, b| Some(scalar::lshift(a, b)))),
    ("rshift", Binary(|a, b| Some(scalar::rshift(a, b)))),
    ("/mod", SlashMod),
    ("0", Literal(0)),
    ("1", Literal(1)),
    ("2", Literal(2)),
];

/// A stack on all lanes. A lane that trapped stays so.
#[derive(Clone, Copy)]
struct State {
    items: [[Cell; LANES]; DEPTH_MAX],
    depth: usize,
    trapped: u32,
}

impl State {
    fn of_inputs(n: usize) -> Self {
        let mut random = Random::new(&[0xB0D1]);
        let mut state = Self { items: [[0; LANES]; DEPTH_MAX], depth: n, trapped: 0 };
        for item in &mut state.items[..n] {
            for (lane, cell) in item.iter_mut().enumerate() {
                // Small numbers, as loops have them, often equal or multiples, and a few of any size.
                *cell = match lane {
                    0..22 => random.within(0, 12) as Cell,
                    22..28 => random.within(-20, 40) as Cell,
                    _ => (random.next_u64() as Cell) >> random.below(60),
                };
            }
        }
        state
    }

    /// Runs a word; `None` where the stack is too shallow or too deep.
    fn run(&self, run: &Run) -> Option<Self> {
        let mut next = *self;
        let (taken, left) = arity(run);
        let base = self.depth.checked_sub(taken)?;
        next.depth = base + left;
        if next.depth > DEPTH_MAX {
            return None;
        }
        match run {
            Literal(value) => next.items[base] = [*value; LANES],
            Move(_, places) => {
                for (at, place) in places.iter().enumerate() {
                    next.items[base + at] = self.items[base + place];
                }
            }
            Unary(f) => next.items[base].iter_mut().for_each(|cell| *cell = f(*cell)),
            Binary(f) => {
                for lane in 0..LANES {
                    match f(self.items[base][lane], self.items[base + 1][lane]) {
                        Some(value) => next.items[base][lane] = value,
                        None => next.trap(lane),
                    }
                }
            }
            SlashMod => {
                for lane in 0..LANES {
                    match scalar::div_mod_floored(self.items[base][lane], self.items[base + 1][lane]) {
                        Some((quotient, rest)) => {
                            next.items[base][lane] = rest;
                            next.items[base + 1][lane] = quotient;
                        }
                        None => next.trap(lane),
                    }
                }
            }
        }
        Some(next)
    }

    fn trap(&mut self, lane: usize) {
        self.trapped |= 1 << lane;
    }

    /// What it is told by: the items, without those of lanes that trapped.
    fn meaning(&self) -> (u32, Vec<Cell>) {
        let mut cells = Vec::with_capacity(self.depth * LANES);
        for item in &self.items[..self.depth] {
            cells.extend((0..LANES).map(|lane| if self.trapped >> lane & 1 == 0 { item[lane] } else { 0 }));
        }
        (self.trapped, cells)
    }
}

fn arity(run: &Run) -> (usize, usize) {
    match run {
        Literal(_) => (0, 1),
        Move(taken, places) => (*taken, places.len()),
        Unary(_) => (1, 1),
        Binary(_) => (2, 1),
        SlashMod => (2, 2),
    }
}

/// All bodies that take `n_in` cells and leave `n_out`, of at most `words_max` words, told apart by what they do.
pub(super) fn bodies(n_in: usize, n_out: usize, words_max: usize) -> Vec<Choice> {
    let mut search = Search { n_out, seen: FxHashSet::default(), path: Vec::new(), found: Vec::new() };
    for n_words in 0..=words_max {
        search.go(&State::of_inputs(n_in), n_words);
    }
    search.found
}

struct Search {
    n_out: usize,
    seen: FxHashSet<(u32, Vec<Cell>)>,
    path: Vec<&'static str>,
    found: Vec<Choice>,
}

impl Search {
    fn go(&mut self, state: &State, words_left: usize) {
        if words_left == 0 {
            if state.depth == self.n_out && state.trapped != u32::MAX && self.seen.insert(state.meaning()) {
                self.found.push(Choice { text: self.path.join(" "), size: self.path.len() as u32 });
            }
            return;
        }
        for (word, run) in WORDS {
            let Some(next) = state.run(run) else { continue };
            // One word takes at most one cell more than it leaves, and leaves at most two more.
            let left = words_left - 1;
            if next.depth > self.n_out + left || next.depth + 2 * left < self.n_out {
                continue;
            }
            self.path.push(word);
            self.go(&next, left);
            self.path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{Scratch, Words, infer};
    use crate::forth::{Engine, Image, Limits};

    #[test]
    fn bodies_have_their_effect_and_are_distinct() {
        let texts = |n_in, n_out, words| -> Vec<String> {
            bodies(n_in, n_out, words).into_iter().map(|choice| choice.text).collect()
        };
        let all = texts(2, 2, 2);
        assert!(all.contains(&"tuck mod".to_owned()) && all.contains(&String::new()), "{all:?}");
        assert!(!all.contains(&"swap swap".to_owned()));
        let mut scratch = Scratch::new();
        for (n_in, n_out) in [(1, 1), (2, 1), (2, 2), (3, 2)] {
            let words = Words { words: Vec::new(), declared: Some((n_in as u8, n_out as u8)) };
            for text in texts(n_in, n_out, 2) {
                infer(&text, &words, &mut scratch).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            }
        }
    }

    #[test]
    fn the_words_do_here_what_the_engine_does() {
        let mut engine = Engine::new(Image::shared(), Limits::default());
        for (word, run) in WORDS {
            let (taken, left) = arity(run);
            let inputs = State::of_inputs(taken);
            let outputs = inputs.run(run).unwrap();
            for lane in 0..LANES {
                engine.reset();
                let xt = engine.define("it", word).unwrap();
                let cells: Vec<Cell> = inputs.items[..taken].iter().map(|item| item[lane]).collect();
                let result = engine.execute(xt, &cells);
                if outputs.trapped >> lane & 1 == 1 {
                    assert!(result.is_err(), "{word}");
                    continue;
                }
                let expect: Vec<Cell> = outputs.items[..left].iter().map(|item| item[lane]).collect();
                assert_eq!(engine.stack(), expect, "{word}");
            }
        }
    }

    #[test]
    fn nothing_shorter_is_missed() {
        // Every pair of words of the effect does what a body of the list does.
        let listed: FxHashSet<String> = bodies(2, 1, 2).into_iter().map(|choice| choice.text).collect();
        let start = State::of_inputs(2);
        let meaning = |text: &str| {
            text.split_whitespace().try_fold(start, |state, word| {
                let (_, run) = WORDS.iter().find(|(name, _)| *name == word)?;
                state.run(run)
            })
        };
        let known: FxHashSet<_> = listed.iter().map(|text| meaning(text).unwrap().meaning()).collect();
        for (first, _) in WORDS {
            for (second, _) in WORDS {
                let text = format!("{first} {second}");
                if let Some(state) = meaning(&text).filter(|s| s.depth == 1 && s.trapped != u32::MAX) {
                    assert!(known.contains(&state.meaning()), "{text}");
                }
            }
        }
    }
}
