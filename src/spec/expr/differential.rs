//! Random expressions, computed by plain Rust while they are written down, must come to the same when read.

use super::*;
use crate::model::CellType::Int;
use crate::model::random::Random;

/// An expression in text with the strength of its outermost operator, and the number it stands for; `None` where it has
/// none.
struct Written {
    text: String,
    power: u8,
    value: Option<i128>,
}

const ATOM: u8 = 9;

struct Writer {
    random: Random,
    variables: [i128; 3],
}

const NAMES: [&str; 3] = ["a", "b", "n"];

impl Writer {
    fn pick<'s>(&mut self, spellings: &[&'s str]) -> &'s str {
        spellings[self.random.below(spellings.len() as u64) as usize]
    }

    fn leaf(&mut self) -> Written {
        let index = self.random.below(5) as usize;
        if let Some(name) = NAMES.get(index) {
            return Written { text: (*name).to_owned(), power: ATOM, value: Some(self.variables[index]) };
        }
        let value = self.random.within(0, 20);
        Written { text: value.to_string(), power: ATOM, value: Some(value) }
    }

    /// In brackets if its operator is weaker than `power`, and sometimes without need.
    fn bracketed(&mut self, written: &Written, power: u8) -> String {
        if written.power < power || self.random.one_in(10) {
            format!("({})", written.text)
        } else {
            written.text.clone()
        }
    }

    fn number(&mut self, depth: u32) -> Written {
        if depth == 0 || self.random.one_in(5) {
            return self.leaf();
        }
        match self.random.below(12) {
            0..=5 => self.binary(depth),
            6 => {
                let inner = self.number(depth - 1);
                let text = format!("-{}", self.bracketed(&inner, 6));
                Written { text, power: 6, value: inner.value.and_then(i128::checked_neg) }
            }
            7 => self.square(depth),
            8 => {
                let inner = self.number(depth - 1);
                let value = inner.value.and_then(i128::checked_abs);
                let text = if self.random.one_in(2) {
                    format!("|{}|", inner.text)
                } else {
                    format!("abs({})", inner.text)
                };
                Written { text, power: ATOM, value }
            }
            9 => {
                let (a, b) = (self.number(depth - 1), self.number(depth - 1));
                let value = a.value.and_then(|a| Some(a.max(b.value?)));
                Written { text: format!("max({}, {})", a.text, b.text), power: ATOM, value }
            }
            10 => {
                let (a, b) = (self.number(depth - 1), self.number(depth - 1));
                let value = a.value.and_then(|a| gcd_slow(a, b.value?));
                Written { text: format!("gcd({},{})", a.text, b.text), power: ATOM, value }
            }
            _ => self.conditional(depth),
        }
    }

    fn square(&mut self, depth: u32) -> Written {
        let inner = self.number(depth - 1);
        let (sign, exponent) =
            [("²", 2), ("³", 3), ("^2", 2), (" ** 3", 3), ("⁴", 4)][self.random.below(5) as usize];
        let text = format!("{}{sign}", self.bracketed(&inner, ATOM));
        // A superscript after a superscript would be one exponent; a power of a power would group to the right.
        Written { text, power: 7, value: inner.value.and_then(|value| value.checked_pow(exponent)) }
    }

    fn binary(&mut self, depth: u32) -> Written {
        let (left, right) = (self.number(depth - 1), self.number(depth - 1));
        type Compute = fn(i128, i128) -> Option<i128>;
        let table: [(&[&str], u8, Compute); 9] = [
            (&["+"], 4, i128::checked_add),
            (&["-", "−"], 4, i128::checked_sub),
            (&["*", "×", "·"], 5, i128::checked_mul),
            (&["/", "div", "÷"], 5, |a, b| Some(floor_slow(a, b)?.0)),
            (&["mod", "%"], 5, |a, b| Some(floor_slow(a, b)?.1)),
            (&["band", "&"], 3, |a, b| Some(a & b)),
            (&["bxor", "⊕"], 2, |a, b| Some(a ^ b)),
            (&["bor"], 1, |a, b| Some(a | b)),
            (&["rem"], 5, i128::checked_rem),
        ];
        let (spellings, power, compute) = table[self.random.below(9) as usize];
        let sign = self.pick(spellings);
        let space = if sign.is_ascii() && sign.len() == 1 && self.random.one_in(2) { "" } else { " " };
        let (l, r) = (self.bracketed(&left, power), self.bracketed(&right, power + 1));
        // `0 band x` is 0 without looking at x, `-1 bor x` is -1.
        let short = match (sign, left.value) {
            ("band" | "&", Some(0)) => Some(0),
            ("bor", Some(-1)) => Some(-1),
            _ => None,
        };
        let value = short.or_else(|| compute(left.value?, right.value?));
        Written { text: format!("{l}{space}{sign}{space}{r}"), power, value }
    }

    fn conditional(&mut self, depth: u32) -> Written {
        let (condition, truth) = self.condition(depth - 1);
        let (yes, no) = (self.number(depth - 1), self.number(depth - 1));
        let value = truth.and_then(|truth| if truth { yes.value } else { no.value });
        let text = match self.random.below(3) {
            0 => format!("({} if {condition} else {})", yes.text, no.text),
            1 => format!("(if {condition} then {} else {})", yes.text, no.text),
            _ => format!("(({condition}) ? {} : {})", yes.text, no.text),
        };
        Written { text, power: ATOM, value }
    }

    fn condition(&mut self, depth: u32) -> (String, Option<bool>) {
        if depth > 0 && self.random.one_in(3) {
            let ((l, lv), (r, rv)) = (self.condition(depth - 1), self.condition(depth - 1));
            return match self.random.below(4) {
                0 => (format!("({l}) and ({r})"), lv.and_then(|l| if l { rv } else { Some(false) })),
                1 => (format!("({l}) || ({r})"), lv.and_then(|l| if l { Some(true) } else { rv })),
                2 => (format!("not ({l})"), lv.map(|l| !l)),
                _ => (format!("({l}) xor ({r})"), lv.and_then(|l| Some(l != rv?))),
            };
        }
        let (a, b, c) = (self.number(depth), self.number(depth), self.number(depth));
        let (ta, tb, tc) = (self.bracketed(&a, 4), self.bracketed(&b, 4), self.bracketed(&c, 4));
        type Compare = fn(&i128, &i128) -> bool;
        let table: [(&str, Compare); 6] = [
            ("<", i128::lt),
            ("≤", i128::le),
            (">", i128::gt),
            (">=", i128::ge),
            ("=", i128::eq),
            ("<>", i128::ne),
        ];
        let (sign, compare) = table[self.random.below(6) as usize];
        let first = a.value.and_then(|a| Some(compare(&a, &b.value?)));
        if self.random.one_in(2) {
            return (format!("{ta} {sign} {tb}"), first);
        }
        let second = |()| b.value.and_then(|b| Some(b <= c.value?));
        (
            format!("{ta} {sign} {tb} <= {tc}"),
            first.and_then(|first| if first { second(()) } else { Some(false) }),
        )
    }
}

/// Floored division, from the definition.
fn floor_slow(a: i128, b: i128) -> Option<(i128, i128)> {
    if b == 0 {
        return None;
    }
    let mut remainder = a.checked_rem(b)?;
    if remainder != 0 && (remainder < 0) != (b < 0) {
        remainder += b;
    }
    Some(((a - remainder) / b, remainder))
}

fn gcd_slow(a: i128, b: i128) -> Option<i128> {
    if b == 0 { a.checked_abs() } else { gcd_slow(b, a % b) }
}

#[test]
fn what_is_written_is_read() {
    let mut arena = Bump::new();
    let names = Names { params: &NAMES.map(|name| Name { name, ty: Int }), ..Names::default() };
    let mut n_defined = 0;
    for round in 0..4_000u64 {
        let mut random = Random::new(&[round]);
        let cells: [Cell; 3] = std::array::from_fn(|_| match random.below(3) {
            0 => random.within(-3, 3) as Cell,
            1 => random.within(-100, 100) as Cell,
            _ => random.next_u64() as Cell >> random.below(63),
        });
        let mut writer = Writer { random, variables: cells.map(i128::from) };
        let written = writer.number(4);
        arena.reset();
        let formula = match parse_value(&arena, &written.text, &names) {
            Ok(formula) => formula,
            Err(error) => panic!("{}: {error} at {}", written.text, error.position),
        };
        let row = Row { cells: &cells, types: &[Int; 3] };
        let got = formula.number(row, &mut NoWords).ok().map(|number| number.value);
        assert_eq!(got, written.value, "{} with {cells:?}", written.text);
        n_defined += written.value.is_some() as u32;
    }
    assert!(n_defined > 2_000, "{n_defined} of the expressions have a value");
}
