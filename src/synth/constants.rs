//! The numbers that a specification mentions, for the holes of templates and the vocabulary of the enumeration. They come
//! from what it says (constraints, values, properties, description), never from the outputs of its tests: a constant copied
//! from an output memorizes.

use crate::arena::Bump;
use crate::corpus::Record;
use crate::model::Cell;
use bumpalo::collections::Vec as ArenaVec;

/// Most constants that are taken from one specification.
pub const CONSTANTS_MAX: usize = 6;

/// The first distinct numbers that the record mentions, in reading order: constraints and values first, then properties,
/// then the description. 0, 1 and 2 are left out: every vocabulary has them.
pub fn mentioned<'a>(arena: &'a Bump, record: &Record<'_>) -> &'a [Cell] {
    let mut found = ArenaVec::with_capacity_in(CONSTANTS_MAX, arena);
    for position in 0..record.n_inputs() {
        scan(record.input(position).constraint.unwrap_or(""), &mut found);
    }
    for position in 0..record.n_outputs() {
        scan(record.output(position).value.unwrap_or(""), &mut found);
    }
    for property in record.properties() {
        scan(property, &mut found);
    }
    scan(record.description().unwrap_or(""), &mut found);
    found.into_bump_slice()
}

/// Finds whole decimal numbers: digits that no letter, digit, point or underscore touches.
fn scan(text: &str, found: &mut ArenaVec<'_, Cell>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() && found.len() < CONSTANTS_MAX {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        let touches = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let point_then_digit =
            bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        let digit_then_point = start > 1 && bytes[start - 1] == b'.' && bytes[start - 2].is_ascii_digit();
        let touched =
            (start > 0 && touches(bytes[start - 1])) || bytes.get(at).is_some_and(|byte| touches(*byte));
        let alone = !touched && !point_then_digit && !digit_then_point;
        if let (true, Ok(value)) = (alone, text[start..at].parse::<Cell>())
            && value > 2
            && !found.contains(&value)
        {
            found.push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[Cell]) {
        let arena = Bump::new();
        let mut found = ArenaVec::new_in(&arena);
        scan(text, &mut found);
        assert_eq!(found.as_slice(), expect, "{text}");
    }

    #[test]
    fn whole_numbers_are_found_once() {
        check("0 <= x <= 100", &[100]);
        check("n * 86400 + 3600*h + 100", &[86400, 3600, 100]);
        check("A000045: f(n-1), 3 and 3 again", &[3]);
        check("about 3.14 of it", &[]);
        check("ends with 12. Or 13", &[12, 13]);
        check("x2 2x n² 10%", &[10]);
        check("99999999999999999999 7", &[7]);
        check("3 4 5 6 7 8 9", &[3, 4, 5, 6, 7, 8]);
        check("", &[]);
    }
}
