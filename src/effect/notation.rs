//! Stack-effect notation: `( a b -- c )` or `a b -- c`. Items are parted by blanks outside brackets; an item may be an
//! expression such as `b*b+a`, `n²` or `gcd(a,b)`, which [`expression`] turns into a value.

use crate::effect::node::{Graph, Id};
use std::ops::Range;

mod expression;

pub(crate) use expression::expression;

/// Items of a notation, at most.
pub(crate) const ITEMS_MAX: usize = 64;

/// Bytes of a notation, at most; keeps the values of its expressions within the ids that inference leaves free.
const LEN_MAX: usize = 1024;

/// A stack effect as it is written.
#[derive(Clone, Copy)]
pub struct Notation<'t> {
    text: &'t str,
    items: [(u16, u16); ITEMS_MAX],
    n_in: u8,
    n_out: u8,
}

/// Why a notation cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotationError {
    /// There is no `--`.
    #[error("a stack effect needs `--` between inputs and outputs")]
    NoDashes,
    /// There is more than one `--`.
    #[error("a stack effect has only one `--`")]
    TwoDashes {
        /// Byte offset of the second one.
        position: u32,
    },
    /// A bracket is not closed, or closes nothing.
    #[error("brackets do not match")]
    Brackets {
        /// Byte offset.
        position: u32,
    },
    /// Too many items, or too long.
    #[error("the stack effect is too long")]
    TooLong,
}

impl NotationError {
    /// Byte offset in the notation.
    pub fn position(&self) -> u32 {
        match *self {
            Self::TwoDashes { position } | Self::Brackets { position } => position,
            Self::NoDashes | Self::TooLong => 0,
        }
    }
}

impl<'t> Notation<'t> {
    /// The names of the inputs, deepest first.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = &'t str> + '_ {
        (0..self.n_in()).map(|k| self.item(k))
    }

    /// The names or expressions of the outputs, deepest first.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = &'t str> + '_ {
        (0..self.n_out()).map(|k| self.output(k))
    }

    /// How many inputs.
    pub fn n_in(&self) -> usize {
        self.n_in as usize
    }

    /// How many outputs.
    pub fn n_out(&self) -> usize {
        self.n_out as usize
    }

    pub(crate) fn output(&self, k: usize) -> &'t str {
        self.item(self.n_in() + k)
    }

    fn item(&self, k: usize) -> &'t str {
        let (start, end) = self.items[k];
        &self.text[start as usize..end as usize]
    }

    /// The input with this name, if exactly one has it, as a value.
    pub(crate) fn input(&self, name: &str) -> Option<Id> {
        let mut found = None;
        for (k, input) in self.inputs().enumerate() {
            if input == name {
                if found.is_some() {
                    return None;
                }
                found = Some(Id((self.n_in() - 1 - k) as u16));
            }
        }
        found
    }

    /// Where an output stands in the notation, in bytes.
    pub fn output_span(&self, k: usize) -> Range<usize> {
        let (start, end) = self.items[self.n_in() + k];
        start as usize..end as usize
    }

    /// The value of an output that is an expression over the inputs; `None` for mere names.
    pub(crate) fn value(&self, k: usize, graph: &mut Graph) -> Option<Id> {
        expression(self.output(k), &|name| self.input(name), graph)
    }
}

/// Reads a notation, with or without parentheses around it.
pub fn parse_notation(text: &str) -> Result<Notation<'_>, NotationError> {
    let bytes = text.as_bytes();
    if bytes.len() > LEN_MAX {
        return Err(NotationError::TooLong);
    }
    let mut notation = Notation { text, items: [(0, 0); ITEMS_MAX], n_in: 0, n_out: 0 };
    let Range { start: mut at, end } = inside(bytes);
    let mut n = 0;
    let mut dashes = None;
    while at < end {
        if bytes[at] <= b' ' {
            at += 1;
            continue;
        }
        let start = at;
        at = item_end(&bytes[..end], start).ok_or(NotationError::Brackets { position: start as u32 })?;
        if bytes[start..at] == *b"--" {
            if dashes.replace(n).is_some() {
                return Err(NotationError::TwoDashes { position: start as u32 });
            }
            continue;
        }
        *notation.items.get_mut(n).ok_or(NotationError::TooLong)? = (start as u16, at as u16);
        n += 1;
    }
    let n_in = dashes.ok_or(NotationError::NoDashes)?;
    notation.n_in = n_in as u8;
    notation.n_out = (n - n_in) as u8;
    Ok(notation)
}

/// The end of the item that starts here; `None` where its brackets do not match.
fn item_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0u32;
    for (at, &byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.checked_sub(1)?,
            0..=b' ' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    (depth == 0).then_some(bytes.len())
}

/// What stands inside the parentheses around the whole, if there are any.
fn inside(bytes: &[u8]) -> Range<usize> {
    let end = bytes.trim_ascii_end().len();
    let start = bytes.len() - bytes.trim_ascii_start().len();
    let whole = start..end;
    match bytes.get(whole.clone()) {
        Some([b'(', b' ', .., b' ', b')']) => start + 1..end - 1,
        Some(tight @ [b'(', .., b')']) if is_one(tight) => start + 1..end - 1,
        _ => whole,
    }
}

/// Whether the first parenthesis is closed by the last one.
fn is_one(bytes: &[u8]) -> bool {
    let mut depth = 0u32;
    let close = bytes.iter().position(|&byte| {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    close == Some(bytes.len() - 1)
}

/// How many cells a notation speaks of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    pub(crate) n_in: u8,
    pub(crate) n_out: u8,
    /// The counts where names such as `d` or `ud2` stand for the two cells of a double number.
    pub(crate) wide: (u8, u8),
}

impl Counts {
    /// The inputs, if the counts are the inferred ones or those with untouched cells below.
    pub(crate) fn fitting(&self, inferred: (u8, u8)) -> Option<u8> {
        [(self.n_in, self.n_out), self.wide]
            .into_iter()
            .find(|&counts| super::define::fits(inferred, counts))
            .map(|(n_in, _)| n_in)
    }
}

impl Notation<'_> {
    pub(crate) fn counts(&self) -> Counts {
        let wide = |item: &str| 1 + is_double(item) as usize;
        let n_in = self.inputs().map(wide).sum::<usize>() as u8;
        let n_out = self.outputs().map(wide).sum::<usize>() as u8;
        Counts { n_in: self.n_in, n_out: self.n_out, wide: (n_in, n_out) }
    }
}

/// The counts of a stack comment; `None` where it is no plain effect (`i*x`, alternatives, other stacks).
pub(crate) fn count(text: &str) -> Option<Counts> {
    let notation = parse_notation(text).ok()?;
    let is_odd = |item: &str| {
        matches!(item, "|" | "..." | "..")
            || item.ends_with("*x")
            || item.ends_with(':')
            || item.starts_with('"')
    };
    let plain = !notation.inputs().chain(notation.outputs()).any(is_odd);
    plain.then(|| notation.counts())
}

fn is_double(item: &str) -> bool {
    let rest = item.strip_prefix('u').unwrap_or(item);
    rest.strip_prefix('d').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Names that say what kind of cell it is rather than which.
pub(crate) fn is_type_name(name: &str) -> bool {
    matches!(
        name,
        "n" | "u"
            | "x"
            | "d"
            | "ud"
            | "c"
            | "f"
            | "w"
            | "b"
            | "+n"
            | "xt"
            | "char"
            | "flag"
            | "bool"
            | "addr"
            | "a-addr"
            | "c-addr"
            | "caddr"
            | "?"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = match parse_notation(text) {
            Ok(notation) => {
                let join = |items: Vec<&str>| items.join(",");
                format!("{}|{}", join(notation.inputs().collect()), join(notation.outputs().collect()))
            }
            Err(error) => format!("{error:?}"),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn notations() {
        check("( a b -- c )", "a,b|c");
        check("a b -- c", "a,b|c");
        check("(a b -- c)", "a,b|c");
        check("()", "NoDashes");
        check("(a mod b) -- (a mod b)", "(a mod b)|(a mod b)");
        check("--", "|");
        check("( -- )", "|");
        check("( n -- n² )", "n|n²");
        check("( a b -- gcd(a,b) )", "a,b|gcd(a,b)");
        check("( a b -- (a mod b) a/b )", "a,b|(a mod b),a/b");
        check("a -- (a mod 2)", "a|(a mod 2)");
        check("a -- [a mod 2] a", "a|[a mod 2],a");
        check("a b", "NoDashes");
        check("a -- b -- c", "TwoDashes { position: 7 }");
        check("( a -- b", "Brackets { position: 0 }");
        check("a -- b )", "Brackets { position: 7 }");
        check("( a -- b ) c", "NoDashes");
        check("( a ) -- ( b )", "Brackets { position: 4 }");
        check("", "NoDashes");
    }

    #[test]
    fn counts_of_comments() {
        let counts = |text| count(text).map(|c| (c.n_in, c.n_out, c.wide));
        assert_eq!(counts("a b -- c"), Some((2, 1, (2, 1))));
        assert_eq!(counts("d1 d2 -- d3"), Some((2, 1, (4, 2))));
        assert_eq!(counts("i*x -- j*x"), None);
        assert_eq!(counts("square a number"), None);
        assert_eq!(counts("n -- n | 0"), None);
    }
}
