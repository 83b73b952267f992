//! Which texts stand in the holes of a template, one assignment after the other.

use super::compiled::{Domain, Template};
use crate::model::Cell;
use bumpalo::Bump;
use std::sync::LazyLock;

/// A template has at most this many holes.
pub const MAX_HOLES: usize = 8;

/// At most this many constants and this many words of a specification are offered to holes.
pub const MAX_CONSTANTS: usize = 32;

/// What a specification offers to holes: never anything from its outputs.
#[derive(Clone, Copy, Debug, Default)]
pub struct HoleContext<'a> {
    constants: &'a [&'a str],
    words: &'a [&'a str],
}

impl<'a> HoleContext<'a> {
    /// The context with these constants and words, in this order; repetitions and what is beyond [`MAX_CONSTANTS`] are left out.
    pub fn new_in(arena: &'a Bump, constants: &[Cell], words: &[&'a str]) -> Self {
        let mut texts = bumpalo::collections::Vec::new_in(arena);
        for (i, constant) in constants.iter().enumerate() {
            if texts.len() < MAX_CONSTANTS && !constants[..i].contains(constant) {
                let mut text = bumpalo::collections::String::with_capacity_in(20, arena);
                write_cell(&mut text, *constant);
                texts.push(text.into_bump_str());
            }
        }
        let mut names = bumpalo::collections::Vec::new_in(arena);
        for (i, word) in words.iter().enumerate() {
            if names.len() < MAX_CONSTANTS && !words[..i].contains(word) {
                names.push(*word);
            }
        }
        Self { constants: texts.into_bump_slice(), words: names.into_bump_slice() }
    }
}

fn write_cell(out: &mut bumpalo::collections::String<'_>, cell: Cell) {
    use std::fmt::Write as _;
    write!(out, "{cell}").expect("an arena takes any text");
}

/// The choices of one hole under one context: the fixed ones, then constants and words that are not among them.
#[derive(Clone, Copy)]
struct Choices<'a> {
    domain: &'a Domain,
    n_places: u32,
    constants: &'a [&'a str],
    constants_mask: u32,
    words: &'a [&'a str],
    words_mask: u32,
}

impl<'a> Choices<'a> {
    fn new(domain: &'a Domain, n_places: u32, context: &HoleContext<'a>) -> Self {
        let constants = if domain.constants { context.constants } else { &[] };
        let words = if domain.words { context.words } else { &[] };
        Self {
            domain,
            n_places,
            constants,
            constants_mask: unseen(domain, constants),
            words,
            words_mask: unseen(domain, words),
        }
    }

    fn len(&self) -> usize {
        let extra = self.constants_mask.count_ones() + self.words_mask.count_ones();
        self.domain.fixed.len() + extra as usize
    }

    fn get(&self, index: usize) -> (&'a str, u32) {
        if let Some(choice) = self.domain.fixed.get(index) {
            return (&choice.text, choice.size);
        }
        let index = index - self.domain.fixed.len();
        let n_constants = self.constants_mask.count_ones() as usize;
        if index < n_constants {
            (self.constants[nth_bit(self.constants_mask, index)], 1)
        } else {
            (self.words[nth_bit(self.words_mask, index - n_constants)], 1)
        }
    }
}

/// Bit i is set where the text i is not a fixed choice already.
fn unseen(domain: &Domain, texts: &[&str]) -> u32 {
    texts.iter().enumerate().fold(0, |mask, (i, text)| {
        mask | (u32::from(domain.fixed.iter().all(|choice| choice.text != **text)) << i)
    })
}

fn nth_bit(mut mask: u32, n: usize) -> usize {
    for _ in 0..n {
        mask &= mask - 1;
    }
    mask.trailing_zeros() as usize
}

/// All assignments of a template's holes, in lexicographic order: the last hole changes fastest. Lives on the stack.
pub struct Assignments<'a> {
    template_size: u32,
    n_holes: usize,
    choices: [Choices<'a>; MAX_HOLES],
    index: [u32; MAX_HOLES],
    values: [&'a str; MAX_HOLES],
    sizes: [u32; MAX_HOLES],
    rank: u64,
    count: u64,
}

impl Template {
    /// All assignments of its holes under this context.
    pub fn assignments<'a>(&'a self, context: &HoleContext<'a>) -> Assignments<'a> {
        static NOTHING: LazyLock<Domain> = LazyLock::new(Domain::default);
        let mut choices = [Choices::new(&NOTHING, 0, &HoleContext::default()); MAX_HOLES];
        for (choice, hole) in choices.iter_mut().zip(&self.holes) {
            *choice = Choices::new(&hole.domain, hole.n_places, context);
        }
        let n_holes = self.holes.len();
        let count =
            choices[..n_holes].iter().fold(1u64, |count, choice| count.saturating_mul(choice.len() as u64));
        let mut all = Assignments {
            template_size: self.size,
            n_holes,
            choices,
            index: [0; MAX_HOLES],
            values: [""; MAX_HOLES],
            sizes: [0; MAX_HOLES],
            rank: 0,
            count,
        };
        if count > 0 {
            (0..n_holes).for_each(|hole| all.set(hole, 0));
        }
        all
    }

    /// How many assignments there are under this context.
    pub fn count(&self, context: &HoleContext<'_>) -> u64 {
        self.assignments(context).count
    }
}

impl<'a> Assignments<'a> {
    /// Which choice stands in each hole, and its text, of the assignment that [`next`](Self::next) gave last.
    pub fn current(&self) -> (&[u32], &[&'a str]) {
        (&self.index[..self.n_holes], &self.values[..self.n_holes])
    }

    /// The choices of a hole that are none of its fixed ones.
    pub(super) fn open_choices(&self, hole: usize) -> impl Iterator<Item = &'a str> + use<'a> {
        let choices = self.choices[hole];
        (choices.domain.fixed.len()..choices.len()).map(move |index| choices.get(index).0)
    }

    /// How many there are in all.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The next assignment: its rank, how many Forth words the filled template has, and one text per hole.
    #[allow(clippy::should_implement_trait, reason = "the texts are lent, not given")]
    pub fn next(&mut self) -> Option<(u64, u32, &[&'a str])> {
        if self.rank >= self.count {
            return None;
        }
        if self.rank > 0 {
            self.step();
        }
        self.rank += 1;
        let size = self.template_size + self.sizes[..self.n_holes].iter().sum::<u32>();
        Some((self.rank - 1, size, &self.values[..self.n_holes]))
    }

    /// Goes on with the assignment of this rank.
    pub fn seek(&mut self, rank: u64) {
        self.rank = rank.min(self.count);
        // `next` steps before it lends, so the odometer stands one behind.
        let mut rest = self.rank.saturating_sub(1);
        for hole in (0..self.n_holes).rev() {
            let len = self.choices[hole].len() as u64;
            if len > 0 {
                self.set(hole, (rest % len) as u32);
                rest /= len;
            }
        }
    }

    fn set(&mut self, hole: usize, index: u32) {
        self.index[hole] = index;
        let (text, size) = self.choices[hole].get(index as usize);
        self.values[hole] = text;
        self.sizes[hole] = size * self.choices[hole].n_places;
    }

    fn step(&mut self) {
        for hole in (0..self.n_holes).rev() {
            let next = self.index[hole] + 1;
            if (next as usize) < self.choices[hole].len() {
                return self.set(hole, next);
            }
            self.set(hole, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Library;

    fn check(effect: &str, code: &str, holes: &str, constants: &[Cell], words: &[&str], expect: &[&str]) {
        let toml = format!(
            "family = \"test\"\n[[template]]\nid = \"T\"\ndescription = \"t\"\neffect = \"( {effect} )\"\ncode = \"{code}\"\n\
             {holes}\ntests = [{{ call = \"it\", in = [1], out = [1] }}]\n"
        );
        let library = Library::from_texts(&[("t.toml", &toml)]).unwrap();
        let arena = Bump::new();
        let context = HoleContext::new_in(&arena, constants, words);
        let template = library.get("T").unwrap();
        let (mut filled, mut all) = (Vec::new(), template.assignments(&context));
        while let Some((rank, size, values)) = all.next() {
            assert_eq!(rank, filled.len() as u64);
            let text = template.fill(&arena, values);
            assert_eq!(size as usize, text.split_whitespace().count(), "{text}");
            filled.push(text);
        }
        assert_eq!(filled, expect);
        assert_eq!(template.count(&context), expect.len() as u64);
        for from in 0..=expect.len() {
            all.seek(from as u64);
            let next = all.next().map(|(_, _, values)| template.fill(&arena, values));
            assert_eq!(next, expect.get(from).copied(), "from {from}");
        }
    }

    #[test]
    fn the_last_hole_changes_fastest() {
        check("n -- n m", "dup", "", &[], &[], &["dup"]);
        check(
            "n -- m",
            "{a}",
            "holes = { a = [\"\", \"1+\"] }\nexample = { a = \"\" }",
            &[],
            &[],
            &["", "1+"],
        );
        check(
            "n -- m k",
            "{a} dup {b} {a} swap",
            "holes = { a = [\"1+\", \"\"], b = [\"2* abs\", \"1-\"] }\nexample = { a = \"1+\", b = \"1-\" }",
            &[],
            &[],
            &["1+ dup 2* abs 1+ swap", "1+ dup 1- 1+ swap", "dup 2* abs swap", "dup 1- swap"],
        );
    }

    #[test]
    fn constants_and_words_follow_the_fixed_choices_once() {
        let holes = "holes = { c = { set = [\"constant\", \"word\"], also = [\"0\", \"7\"] } }\nexample = { c = \"0\" }";
        check("n -- m", "{c} +", holes, &[], &[], &["0 +", "7 +"]);
        check(
            "n -- m",
            "{c} +",
            holes,
            &[7, -3, 100, -3, 0],
            &["sq", "7", "sq"],
            &["0 +", "7 +", "-3 +", "100 +", "sq +"],
        );
        check("n -- m", "{c} +", "holes = { c = \"constant\" }\nexample = { c = \"5\" }", &[], &[], &[]);
    }

    #[test]
    fn constants_are_capped() {
        let arena = Bump::new();
        let many: Vec<Cell> = (0..1000).collect();
        assert_eq!(HoleContext::new_in(&arena, &many, &[]).constants.len(), MAX_CONSTANTS);
    }
}
