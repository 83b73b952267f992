//! A known word that looks like one that is not: in a stream of candidates that do not compile, most of the time goes here.

use super::words::WORDS;
use std::sync::LazyLock;

/// Longest name that is looked at, in bytes: comparing takes the product of the lengths.
const LEN_MAX: usize = 32;

/// The names of the system with the letters that they have.
static SYSTEM: LazyLock<Vec<(&'static str, u64)>> = LazyLock::new(|| {
    let named =
        WORDS.iter().map(|row| row.name).filter(|name| !name.starts_with(' ') && name.len() <= LEN_MAX);
    named.map(|name| (name, letters(name))).collect()
});

/// Which letters a name has, 64 kinds of them.
fn letters(name: &str) -> u64 {
    let bit = |c: char| 1 << ((c as u32).wrapping_mul(0x9E37_79B1) >> 26);
    name.chars().fold(0, |letters, c| letters | bit(c))
}

/// The first of the names that differ least from a token, and in no more than half of their characters: those of the system,
/// then others.
pub(super) fn similar<'n>(token: &str, others: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    if token.len() > LEN_MAX {
        return None;
    }
    let token = token.to_lowercase();
    let (length, own) = (token.chars().count(), letters(&token));
    let mut best: Option<(usize, &'n str)> = None;
    let mut consider = |name: &'n str, lower: &str, theirs: u64| {
        let their_length = name.chars().count();
        let most = length.min(their_length) / 2;
        // An edit adds or takes away one letter at most.
        let missing = (own & !theirs).count_ones().max((theirs & !own).count_ones()) as usize;
        let least = missing.max(length.abs_diff(their_length));
        if least > most || best.is_some_and(|(distance, _)| least >= distance) {
            return;
        }
        let distance = strsim::damerau_levenshtein(&token, lower);
        // The word itself, where the search order does not lead to it, is no suggestion.
        if distance > 0 && distance <= most && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, name));
        }
    };
    SYSTEM.iter().for_each(|(name, theirs)| consider(name, name, *theirs));
    for name in others.filter(|name| name.len() <= LEN_MAX) {
        let lower = name.to_lowercase();
        consider(name, &lower, letters(&lower));
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::Random;

    /// The same, by comparing with everything.
    fn naive<'n>(token: &str, others: &[&'n str]) -> Option<&'n str> {
        let token = token.to_lowercase();
        let known = SYSTEM.iter().map(|(name, _)| *name).chain(others.iter().copied());
        known
            .map(|name| (strsim::damerau_levenshtein(&token, &name.to_lowercase()), name))
            .filter(|(distance, _)| *distance > 0)
            .filter(|(distance, name)| *distance * 2 <= token.chars().count().min(name.chars().count()))
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, name)| name)
    }

    #[test]
    fn nothing_is_passed_over() {
        let others = ["Quadrat", "größe", "swpa-all", "x"];
        let mut random = Random::new(&[3]);
        let mut n_found = 0;
        for round in 0..300 {
            // A known name with some characters changed.
            let (name, _) = SYSTEM[random.below(SYSTEM.len() as u64) as usize];
            let name = if round % 9 == 0 { others[round % others.len()] } else { name };
            let mut token: Vec<char> = name.chars().collect();
            for _ in 0..random.below(4) {
                let at = random.below(token.len() as u64) as usize;
                match random.below(4) {
                    0 => token.insert(at, 'e'),
                    1 if token.len() > 1 => _ = token.remove(at),
                    2 => token.swap(0, at),
                    _ => token[at] = char::from(b'a' + random.below(26) as u8),
                }
            }
            let token: String = token.into_iter().collect();
            let found = similar(&token, others.iter().copied());
            assert_eq!(found, naive(&token, &others), "{token}");
            n_found += usize::from(found.is_some());
        }
        assert!(n_found > 100, "{n_found}");
    }
}
