//! Reads characters, names, numbers and operators. What a run of characters means depends on whether an operand or an
//! operator is due, so that there is no separate stream of tokens.

use crate::spec::expr::ast::{Arithmetic, BitOp, Comparison, Logic};
use crate::spec::expr::error::ExprError;

/// What may stand between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// `c ? x : y`.
    Question,
    /// Logic whose sides must be conditions: `&&`, `∧`, `||`, `implies`.
    Logic(Logic),
    /// `->`: implication between conditions, else equality.
    Arrow,
    /// `and`, `or`, `xor`: logic between conditions, bit work between numbers.
    Word(Logic),
    Compare(Comparison),
    /// `≡`, with or without `(mod m)`.
    Congruent,
    /// `in`, `∈`, or `not in`, `∉`.
    In {
        negated: bool,
    },
    /// `divides`, `∣`, or `∤`.
    Divides {
        negated: bool,
    },
    /// `between a and b`.
    Between,
    /// `from a to b`.
    From,
    /// `is`, followed by a property or a value.
    Is,
    Bits(BitOp),
    /// `&`: bits between numbers, logic between conditions.
    Ampersand,
    /// `|`, which could mean three things.
    Pipe,
    Arithmetic(Arithmetic),
    /// The remainder of division towards zero.
    Rem,
}

impl Op {
    /// How strongly it binds to the left and to the right.
    pub(super) fn power(self) -> (u8, u8) {
        match self {
            Op::Question => (1, 1),
            Op::Logic(Logic::Iff) => (2, 3),
            Op::Logic(Logic::Implies) | Op::Arrow => (4, 4),
            Op::Logic(Logic::Or) | Op::Word(Logic::Or) => (6, 7),
            Op::Logic(Logic::Xor) | Op::Word(Logic::Xor) => (8, 9),
            Op::Logic(Logic::And) | Op::Word(_) => (10, 11),
            Op::Compare(_)
            | Op::Congruent
            | Op::In { .. }
            | Op::Divides { .. }
            | Op::Between
            | Op::From
            | Op::Is => (power::COMPARE, power::COMPARE + 1),
            Op::Bits(BitOp::Or) | Op::Pipe => (16, 17),
            Op::Bits(BitOp::Xor) => (18, 19),
            Op::Bits(BitOp::And) | Op::Ampersand => (20, 21),
            Op::Bits(_) => (22, 23),
            Op::Arithmetic(Arithmetic::Add | Arithmetic::Subtract) => (power::ADD, power::ADD + 1),
            Op::Arithmetic(Arithmetic::Power) => (power::POWER, power::UNARY),
            Op::Arithmetic(_) | Op::Rem => (power::MULTIPLY, power::MULTIPLY + 1),
        }
    }
}

/// Binding powers that the parser names.
pub(super) mod power {
    /// Anything but `?:`.
    pub(crate) const IFF: u8 = 2;
    pub(crate) const AND: u8 = 11;
    pub(crate) const NOT: u8 = 12;
    pub(crate) const COMPARE: u8 = 14;
    pub(crate) const ADD: u8 = 24;
    pub(crate) const MULTIPLY: u8 = 26;
    pub(crate) const UNARY: u8 = 28;
    pub(crate) const IMPLICIT: u8 = 30;
    pub(crate) const POWER: u8 = 32;
}

/// The text and a position in it.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'t> {
    pub(super) text: &'t str,
    pub(super) pos: usize,
}

impl<'t> Scanner<'t> {
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.pos..]
    }

    pub(super) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    pub(super) fn char(&self) -> Option<char> {
        match self.byte() {
            Some(byte) if byte.is_ascii() => Some(byte as char),
            Some(_) => self.rest().chars().next(),
            None => None,
        }
    }

    #[inline]
    pub(super) fn skip_space(&mut self) {
        while let Some(byte) = self.byte() {
            if byte == b' ' || byte.is_ascii_whitespace() {
                self.pos += 1;
            } else if byte.is_ascii() {
                return;
            } else {
                match self.char() {
                    Some(c) if c.is_whitespace() => self.pos += c.len_utf8(),
                    _ => return,
                }
            }
        }
    }

    pub(super) fn at_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    /// Takes the text if it stands here.
    pub(super) fn take(&mut self, wanted: &str) -> bool {
        let there = self.rest().starts_with(wanted);
        if there {
            self.pos += wanted.len();
        }
        there
    }

    /// The name that starts here, if one does.
    pub(super) fn name(&self) -> &'t str {
        let bytes = &self.text.as_bytes()[self.pos..];
        let Some(first) = bytes.first().copied() else { return "" };
        if first.is_ascii() && !(first.is_ascii_alphabetic() || first == b'_') {
            return "";
        }
        let ascii = bytes.iter().position(|byte| !is_ascii_part(*byte)).unwrap_or(bytes.len());
        if bytes.get(ascii).is_none_or(u8::is_ascii) {
            return &self.text[self.pos..self.pos + ascii];
        }
        self.name_beyond_ascii()
    }

    #[cold]
    fn name_beyond_ascii(&self) -> &'t str {
        let rest = self.rest();
        match rest.chars().next() {
            Some(c) if is_name_start(c) => {}
            _ => return "",
        }
        let len = rest.find(|c| !is_name_part(c)).unwrap_or(rest.len());
        &rest[..len]
    }

    /// Like [`Scanner::name`], with the hyphens and marks that Forth names have: for messages.
    pub(super) fn long_name(&self) -> &'t str {
        let rest = self.rest();
        let part = |c: char| {
            is_name_part(c) || matches!(c, '-' | '?' | '!' | '>' | '<' | '@' | '#' | '$' | '.' | ':')
        };
        let len = rest.find(|c| !part(c)).unwrap_or(rest.len());
        rest[..len].trim_end_matches(|c: char| !is_name_part(c) && c != '?')
    }

    /// The word of the grammar that stands here, in lower case, if it is one of those given.
    pub(super) fn keyword(&self, wanted: &[&'static str]) -> Option<&'static str> {
        let name = self.name();
        wanted.iter().copied().find(|word| word.eq_ignore_ascii_case(name))
    }

    /// Takes one of the words, if it stands here.
    pub(super) fn take_keyword(&mut self, wanted: &[&'static str]) -> Option<&'static str> {
        self.skip_space();
        if !self.byte()?.is_ascii_alphabetic() {
            return None;
        }
        let found = self.keyword(wanted)?;
        self.pos += found.len();
        Some(found)
    }

    /// The operator that stands here and its length.
    pub(super) fn operator(&self) -> Option<(Op, usize)> {
        let bytes = &self.text.as_bytes()[self.pos..];
        let next = bytes.get(1).copied().unwrap_or(0);
        let found = match *bytes.first()? {
            b'+' => (Op::Arithmetic(Arithmetic::Add), 1),
            b'-' if next == b'>' => (Op::Arrow, 2),
            b'-' => (Op::Arithmetic(Arithmetic::Subtract), 1),
            b'*' if next == b'*' => (Op::Arithmetic(Arithmetic::Power), 2),
            b'*' => (Op::Arithmetic(Arithmetic::Multiply), 1),
            b'/' if next == b'=' => (Op::Compare(Comparison::NotEqual), 2),
            b'/' if next == b'/' => (Op::Arithmetic(Arithmetic::Divide), 2),
            b'/' => (Op::Arithmetic(Arithmetic::Divide), 1),
            b'%' => (Op::Arithmetic(Arithmetic::Mod), 1),
            b'^' => (Op::Arithmetic(Arithmetic::Power), 1),
            b'&' if next == b'&' => (Op::Logic(Logic::And), 2),
            b'&' => (Op::Ampersand, 1),
            b'|' if next == b'|' => (Op::Logic(Logic::Or), 2),
            b'|' => (Op::Pipe, 1),
            b'?' => (Op::Question, 1),
            b'!' if next == b'=' => (Op::Compare(Comparison::NotEqual), 2),
            b'=' if bytes.starts_with(b"=/=") => (Op::Compare(Comparison::NotEqual), 3),
            b'=' if next == b'=' => (Op::Compare(Comparison::Equal), 2),
            b'=' if next == b'>' => (Op::Logic(Logic::Implies), 2),
            b'=' if next == b'<' => (Op::Compare(Comparison::LessEqual), 2),
            b'=' => (Op::Compare(Comparison::Equal), 1),
            b'<' if bytes.starts_with(b"<=>") || bytes.starts_with(b"<->") => (Op::Logic(Logic::Iff), 3),
            b'<' if next == b'=' => (Op::Compare(Comparison::LessEqual), 2),
            b'<' if next == b'>' => (Op::Compare(Comparison::NotEqual), 2),
            b'<' if next == b'<' => (Op::Bits(BitOp::ShiftLeft), 2),
            b'<' => (Op::Compare(Comparison::Less), 1),
            b'>' if next == b'=' => (Op::Compare(Comparison::GreaterEqual), 2),
            b'>' if bytes.starts_with(b">>>") => (Op::Bits(BitOp::ShiftRight), 3),
            b'>' if next == b'>' => (Op::Bits(BitOp::ShiftRight), 2),
            b'>' => (Op::Compare(Comparison::Greater), 1),
            byte if byte.is_ascii_alphabetic() => return self.operator_word(),
            byte if byte.is_ascii() => return None,
            _ => return self.operator_sign(),
        };
        Some(found)
    }

    fn operator_word(&self) -> Option<(Op, usize)> {
        let name = self.name();
        let mut lower = [0u8; 8];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        let op = match &*lower {
            b"and" => Op::Word(Logic::And),
            b"or" => Op::Word(Logic::Or),
            b"xor" => Op::Word(Logic::Xor),
            b"mod" | b"modulo" => Op::Arithmetic(Arithmetic::Mod),
            b"div" => Op::Arithmetic(Arithmetic::Divide),
            b"rem" => Op::Rem,
            b"times" => Op::Arithmetic(Arithmetic::Multiply),
            b"plus" => Op::Arithmetic(Arithmetic::Add),
            b"minus" => Op::Arithmetic(Arithmetic::Subtract),
            b"implies" => Op::Logic(Logic::Implies),
            b"iff" => Op::Logic(Logic::Iff),
            b"equals" => Op::Compare(Comparison::Equal),
            b"divides" => Op::Divides { negated: false },
            b"between" => Op::Between,
            b"from" => Op::From,
            b"in" => Op::In { negated: false },
            b"is" => Op::Is,
            b"band" | b"bitand" => Op::Bits(BitOp::And),
            b"bor" | b"bitor" => Op::Bits(BitOp::Or),
            b"bxor" | b"bitxor" => Op::Bits(BitOp::Xor),
            b"lshift" | b"shl" => Op::Bits(BitOp::ShiftLeft),
            b"rshift" | b"shr" => Op::Bits(BitOp::ShiftRight),
            b"not" => {
                let mut after = *self;
                after.pos += name.len();
                after.take_keyword(&["in"])?;
                return Some((Op::In { negated: true }, after.pos - self.pos));
            }
            _ => return None,
        };
        Some((op, name.len()))
    }

    fn operator_sign(&self) -> Option<(Op, usize)> {
        let c = self.char()?;
        let op = match c {
            '−' | '–' | '—' => Op::Arithmetic(Arithmetic::Subtract),
            '×' | '·' | '⋅' | '∙' | '∗' | '•' => Op::Arithmetic(Arithmetic::Multiply),
            '÷' | '∕' | '⁄' => Op::Arithmetic(Arithmetic::Divide),
            '≤' | '⩽' | '≦' => Op::Compare(Comparison::LessEqual),
            '≥' | '⩾' | '≧' => Op::Compare(Comparison::GreaterEqual),
            '≠' => Op::Compare(Comparison::NotEqual),
            '＝' => Op::Compare(Comparison::Equal),
            '≡' => Op::Congruent,
            '∧' | '⋀' => Op::Logic(Logic::And),
            '∨' | '⋁' => Op::Logic(Logic::Or),
            '⊻' => Op::Logic(Logic::Xor),
            '⊕' => Op::Bits(BitOp::Xor),
            '⇒' | '⟹' => Op::Logic(Logic::Implies),
            '→' | '⟶' => Op::Arrow,
            '⇔' | '⟺' | '↔' => Op::Logic(Logic::Iff),
            '∈' => Op::In { negated: false },
            '∉' => Op::In { negated: true },
            '∣' => Op::Divides { negated: false },
            '∤' => Op::Divides { negated: true },
            '≪' => Op::Bits(BitOp::ShiftLeft),
            '≫' => Op::Bits(BitOp::ShiftRight),
            _ => return None,
        };
        Some((op, c.len_utf8()))
    }

    /// The number that starts here, in any of the ways people write one.
    pub(super) fn number(&mut self) -> Result<i128, ExprError> {
        let start = self.pos;
        let rest = self.rest();
        let (radix, skip) = match rest.as_bytes() {
            [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => (16, 2),
            [b'0', b'b' | b'B', b'0' | b'1', ..] => (2, 2),
            [b'0', b'o' | b'O', b'0'..=b'7', ..] => (8, 2),
            [b'$', ..] => (16, 1),
            [b'%', ..] => (2, 1),
            _ => (10, 0),
        };
        self.pos += skip;
        let mut value = Some(0i128);
        while let Some(byte) = self.byte() {
            match (byte as char).to_digit(radix) {
                Some(digit) => {
                    value = value.and_then(|v| v.checked_mul(radix as i128)?.checked_add(digit as i128))
                }
                None if byte == b'_' && self.next_is_digit(radix) => {}
                None => break,
            }
            self.pos += 1;
        }
        if radix == 10 {
            self.number_tail(start, &mut value)?;
        }
        value.ok_or_else(|| ExprError::new(start, self.pos - start, "this number does not fit 128 bits"))
    }

    /// A decimal point is refused, an exponent (`1e6`) taken.
    fn number_tail(&mut self, start: usize, value: &mut Option<i128>) -> Result<(), ExprError> {
        let bytes = &self.text.as_bytes()[self.pos..];
        match bytes {
            [b'.', b'0'..=b'9', ..] => {
                let len = self.pos + 2 - start;
                return Err(ExprError::new(
                    start,
                    len,
                    "fractions are not supported: cells hold whole numbers",
                ));
            }
            [b'e' | b'E', b'0'..=b'9', ..] => {
                let digits = bytes[1..].iter().take_while(|b| b.is_ascii_digit()).count();
                let exponent =
                    self.text[self.pos + 1..self.pos + 1 + digits].parse::<u32>().unwrap_or(u32::MAX);
                *value = value.and_then(|v| v.checked_mul(10i128.checked_pow(exponent)?));
                self.pos += 1 + digits;
            }
            _ => {}
        }
        Ok(())
    }

    fn next_is_digit(&self, radix: u32) -> bool {
        self.text.as_bytes().get(self.pos + 1).is_some_and(|b| (*b as char).is_digit(radix))
    }
}

/// Whether a name may start so.
pub(super) fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || (!c.is_ascii() && c.is_alphabetic() && !is_superscript(c))
}

fn is_ascii_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'\''
}

/// Whether a name may go on so.
pub(super) fn is_name_part(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_ascii_part)
        || (!c.is_ascii() && (matches!(c, '₀'..='₉' | '′') || (c.is_alphabetic() && !is_superscript(c))))
}

/// Superscripts are exponents, never parts of names.
pub(super) fn is_superscript(c: char) -> bool {
    matches!(c, '²' | '³' | '¹' | '\u{2070}'..='\u{207F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let check = |text: &str, expected: Option<i128>, len: usize| {
            let mut scanner = Scanner { text, pos: 0 };
            assert_eq!(scanner.number().ok(), expected, "{text}");
            if expected.is_some() {
                assert_eq!(scanner.pos, len, "{text}");
            }
        };
        check("0", Some(0), 1);
        check("42n", Some(42), 2);
        check("1_000_000", Some(1_000_000), 9);
        check("1_", Some(1), 1);
        check("0xFF", Some(255), 4);
        check("0x", Some(0), 1);
        check("0b101", Some(5), 5);
        check("$ff", Some(255), 3);
        check("%101", Some(5), 4);
        check("1e6", Some(1_000_000), 3);
        check("1e", Some(1), 1);
        check("1e99", None, 0);
        check("0.5", None, 0);
        check("0..5", Some(0), 1);
        check("170141183460469231731687303715884105727", Some(i128::MAX), 39);
        check("170141183460469231731687303715884105728", None, 0);
    }

    #[test]
    fn names() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Scanner { text, pos: 0 }.name(), expected, "{text}");
        };
        check("abc-d", "abc");
        check("x₁+1", "x₁");
        check("n² ", "n");
        check("xⁿ", "x");
        check("α'(", "α'");
        check("2x", "");
        check("😀", "");
    }
}
