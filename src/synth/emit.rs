//! From a body to the colon definition that is written out. What is emitted is what the engine ran: the verdict is taken on
//! exactly this text.

use crate::arena::Bump;
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
    text.push_str("( ");
    for (position, name) in inputs.enumerate() {
        push_name(&mut text, name, b'a' + (position % 16) as u8);
    }
    text.push_str("-- ");
    for (position, name) in outputs.enumerate() {
        push_name(&mut text, name, b'q' + (position % 10) as u8);
    }
    text.push_str(") ");
    text.push_str(body);
    let end = text.len();
    text.push_str(" ;");
    let text = text.into_bump_str();
    Definition { text, inside: &text[start..end] }
}

fn push_name(text: &mut ArenaString<'_>, name: &str, letter: u8) {
    let breaks = |c: char| c == ')' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name == "--" || name.contains(breaks) {
        text.push(letter as char);
    } else {
        text.push_str(name);
    }
    text.push(' ');
}

/// How many words a body has, comments left out: the size by which programs are compared.
pub fn size(body: &str) -> usize {
    let mut words = body.split_ascii_whitespace();
    let mut n = 0;
    while let Some(word) = words.next() {
        if word == "(" {
            words.by_ref().find(|word| word.ends_with(')'));
        } else {
            n += 1;
        }
    }
    n
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
        };
        check(&["a", "b"], &["g"], "( a b -- g )");
        check(&["n"], &["n²"], "( n -- n² )");
        check(&["a", "b"], &["gcd(a,b)"], "( a b -- q )");
        check(&["a b", ""], &["--", "x\ny"], "( a b -- q r )");
        check(&[], &[], "( -- )");
    }

    #[test]
    fn sizes_leave_comments_out() {
        assert_eq!(size("( n -- n² ) dup *"), 2);
        assert_eq!(size(""), 0);
        assert_eq!(size("dup (  x ) 0= if negate then"), 5);
    }

    #[test]
    fn bodies_are_joined_by_blanks() {
        let arena = Bump::new();
        let word = |name: &str| Step::Word(crate::forth::words::lookup(name.as_bytes()).unwrap());
        assert_eq!(body_text(&arena, &[word("dup"), Step::Literal(-3), word("*")]), "dup -3 *");
    }
}
