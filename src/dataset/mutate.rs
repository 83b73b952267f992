//! Broken code: one word of a solution changed, so that it still runs and really fails.

use super::problem::Parts;
use crate::model::random::Random;

/// How often something is tried until it fails as it should.
pub const TRIES: usize = 24;

/// A change of one word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// The position of the word in the body, from 0.
    pub at: usize,
    /// What stands there in the right code; nothing where the broken code has a word too many.
    pub right: Option<String>,
    /// What stands there in the broken code; nothing where a word is missing.
    pub wrong: Option<String>,
}

/// Words that are easily taken for each other.
const FAMILIES: &[&[&str]] = &[
    &["+", "-", "*"],
    &["dup", "over", "swap", "drop", "nip", "tuck", "rot", "-rot"],
    &["<", ">", "=", "<>", "<=", ">="],
    &["0<", "0>", "0=", "0<>"],
    &["min", "max"],
    &["and", "or", "xor"],
    &["/", "mod"],
    &["1+", "1-", "2*", "2/", "abs", "negate", "invert"],
    &["2dup", "2drop", "2swap", "2over"],
    &["i", "j"],
    &["c@", "@"],
    &["c!", "!"],
];

/// A change at random, and the body that it makes.
pub fn draw<'p>(parts: &Parts<'p>, random: &mut Random) -> (Edit, Vec<String>) {
    let words: Vec<String> = parts.words.iter().map(|word| (*word).to_owned()).collect();
    let at = random.below(words.len() as u64) as usize;
    let word = words[at].clone();
    let mut broken = words;
    if let Ok(number) = word.parse::<i64>() {
        let by = [1, -1, 2, 10][random.below(4) as usize];
        broken[at] = number.wrapping_add(by).to_string();
    } else {
        let family = FAMILIES.iter().find(|family| family.iter().any(|it| it.eq_ignore_ascii_case(&word)));
        match (family, random.below(4)) {
            (Some(family), 0..3) => {
                broken[at] = family[random.below(family.len() as u64) as usize].to_owned();
            }
            (_, 1) => {
                broken
                    .insert(at, ["dup", "swap", "1+", "drop", "negate"][random.below(5) as usize].to_owned());
                let wrong = Some(broken[at].clone());
                return (Edit { at, right: None, wrong }, broken);
            }
            _ => {
                broken.remove(at);
                return (Edit { at, right: Some(word), wrong: None }, broken);
            }
        }
    }
    let wrong = Some(broken[at].clone());
    (Edit { at, right: Some(word), wrong }, broken)
}

impl Edit {
    /// What to do to the broken code, in words.
    pub fn mending(&self) -> String {
        let at = self.at + 1;
        match (&self.right, &self.wrong) {
            (Some(right), Some(wrong)) => format!("replace word {at} of the body, `{wrong}`, by `{right}`"),
            (Some(right), None) => format!("insert `{right}` as word {at} of the body"),
            (None, Some(wrong)) => format!("delete word {at} of the body, `{wrong}`"),
            (None, None) => "change nothing".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::problem::outcome_parts;

    #[test]
    fn an_edit_mends_what_it_broke() {
        let parts = outcome_parts(": f ( a -- b ) dup 3 < if 1+ else drop 7 then ;").expect("plain");
        let mut random = Random::new(&[1]);
        for _ in 0..300 {
            let (edit, mut broken) = draw(&parts, &mut random);
            match (&edit.right, &edit.wrong) {
                (Some(right), Some(_)) => broken[edit.at] = right.clone(),
                (Some(right), None) => broken.insert(edit.at, right.clone()),
                (None, Some(_)) => _ = broken.remove(edit.at),
                (None, None) => unreachable!("every change changes something"),
            }
            assert_eq!(broken, parts.words, "{edit:?}");
        }
    }
}
