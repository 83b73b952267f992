//! From a body to the colon definition that is written out. What is emitted is what the engine ran: the verdict is taken on
//! exactly this text.

use crate::arena::Bump;
use crate::model::Cell;
use crate::synth::enumerate::Step;
use bumpalo::collections::String as ArenaString;

/// The words of an enumerated body, as text.
pub fn body_text<'a>(arena: &'a Bump, body: &[Step]) -> &'a str {
    use std::fmt::Write;
    let mut text = ArenaString::new_in(arena);
    for step in body {
        if !text.is_empty() {
            text.push(' ');
        }
        match step {
            Step::Word(word) => text.push_str(word.name()),
            Step::Literal(value) => write!(text, "{value}").expect("an arena string takes everything"),
        }
    }
    text.into_bump_str()
}

/// A colon definition in one line, and where its inside (comment and body) lies in it.
#[derive(Clone, Copy, Debug)]
pub struct Definition<'a> {
    /// `: name ( inputs -- outputs ) body ;`
    pub text: &'a str,
    /// `( inputs -- outputs ) body`
    pub inside: &'a str,
}

/// Makes the definition of `word`. Names of stack items that would break the comment are replaced by letters.
pub fn definition<'a, 'n>(
    arena: &'a Bump,
    word: &str,
    inputs: impl Iterator<Item = &'n str>,
    outputs: impl Iterator<Item = &'n str>,
    body: &str,
) -> Definition<'a> {
    let mut text = ArenaString::with_capacity_in(word.len() + body.len() + 48, arena);
    text.push_str(": ");
    text.push_str(word);
    text.push(' ');
    let start = text.len();
    push_effect(&mut text, inputs, outputs);
    text.push(' ');
    text.push_str(body);
    let end = text.len();
    // A line comment at the end of the body must not swallow the semicolon.
    text.push_str(if body.contains('\\') { "\n;" } else { " ;" });
    let text = text.into_bump_str();
    Definition { text, inside: &text[start..end] }
}

/// The comment that tells an effect, as it stands in definitions: `( a b -- g )`.
pub fn effect_comment<'n>(
    inputs: impl Iterator<Item = &'n str>,
    outputs: impl Iterator<Item = &'n str>,
) -> String {
    let mut text = String::new();
    push_effect(&mut text, inputs, outputs);
    text
}

fn push_effect<'n>(
    text: &mut impl std::fmt::Write,
    inputs: impl Iterator<Item = &'n str>,
    outputs: impl Iterator<Item = &'n str>,
) {
    let mut push = |part: &str| text.write_str(part).expect("memory takes everything");
    push("( ");
    inputs.enumerate().for_each(|(position, name)| push_name(&mut push, name, b'a' + (position % 16) as u8));
    push("-- ");
    outputs.enumerate().for_each(|(position, name)| push_name(&mut push, name, b'q' + (position % 10) as u8));
    push(")");
}

fn push_name(push: &mut impl FnMut(&str), name: &str, letter: u8) {
    let breaks = |c: char| c == ')' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name == "--" || name.contains(breaks) {
        push((letter as char).encode_utf8(&mut [0; 4]));
    } else {
        push(name);
    }
    push(" ");
}

/// The size by which programs are compared: one for each word and for the literals -1, 0, 1, 2 and those that the
/// specification mentions; other literals cost one more for each digit, because there are so many to choose from.
pub fn size(body: &str, mentioned: &[Cell]) -> usize {
    body.split_ascii_whitespace()
        .map(|word| match word.parse::<Cell>() {
            Ok(-1..=2) | Err(_) => 1,
            Ok(value) if mentioned.contains(&value) => 1,
            Ok(_) => 1 + word.trim_start_matches('-').len(),
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_break_the_comment_become_letters() {
        let arena = Bump::new();
        let check = |inputs: &[&'static str], outputs: &[&'static str], expect: &str| {
            let made = definition(&arena, "gcd", inputs.iter().copied(), outputs.iter().copied(), "dup drop");
            assert_eq!(made.text, format!(": gcd {expect} dup drop ;"));
            assert_eq!(made.inside, format!("{expect} dup drop"));
            assert_eq!(effect_comment(inputs.iter().copied(), outputs.iter().copied()), expect);
        };
        let commented = definition(&arena, "f", [].into_iter(), [].into_iter(), "1+ \\ one more");
        assert_eq!(commented.text, ": f ( -- ) 1+ \\ one more\n;");
        check(&["a", "b"], &["g"], "( a b -- g )");
        check(&["n"], &["n²"], "( n -- n² )");
        check(&["a", "b"], &["gcd(a,b)"], "( a b -- q )");
        check(&["a b", ""], &["--", "x\ny"], "( a b -- q r )");
        check(&[], &[], "( -- )");
    }

    #[test]
    fn unmentioned_literals_cost_their_digits() {
        assert_eq!(size("dup *", &[]), 2);
        assert_eq!(size("", &[]), 0);
        assert_eq!(size("1+ 2 * -1 xor", &[]), 5);
        assert_eq!(size("7 * 60 +", &[]), 7);
        assert_eq!(size("7 * 60 +", &[60]), 5);
    }

    #[test]
    fn bodies_are_joined_by_blanks() {
        let arena = Bump::new();
        let word = |name: &str| Step::Word(crate::forth::words::lookup(name.as_bytes()).unwrap());
        assert_eq!(body_text(&arena, &[word("dup"), Step::Literal(-3), word("*")]), "dup -3 *");
    }
}
