//! Relations that people write in words and signs: `in`, `between`, `is`, `≡`.

use crate::spec::expr::ast::{Arithmetic, Comparison, Expr, Logic};
use crate::spec::expr::build::{CONSTANT, FLAG, Node};
use crate::spec::expr::builtin::Builtin;
use crate::spec::expr::error::ExprError;
use crate::spec::expr::eval::WIDTH_MAX;
use crate::spec::expr::names::Names;
use crate::spec::expr::parser::{Parsed, Parser};
use crate::spec::expr::scanner::power;

impl<'a> Parser<'a, '_, '_> {
    /// After `x between` or `x from`: `low and high`.
    pub(super) fn range(&mut self, x: Node<'a>, separator: &[&'static str]) -> Parsed<'a> {
        let low = self.expr(power::COMPARE + 1)?;
        if self.at.take_keyword(separator).is_none() {
            return self.error(self.at.pos, format!("`{}` is due here", separator[0]));
        }
        let high = self.expr(power::COMPARE + 1)?;
        self.within(x, (low, Comparison::LessEqual), (high, Comparison::LessEqual))
    }

    fn within(
        &mut self,
        x: Node<'a>,
        low: (Node<'a>, Comparison),
        high: (Node<'a>, Comparison),
    ) -> Parsed<'a> {
        super::build::compare(self.arena, &[low.0, x, high.0], &[low.1, high.1])
    }

    /// After `x in`: `ℕ`, `[a, b]`, `[a, b)`, `{a, b, c}`, `a..b`.
    pub(super) fn membership(&mut self, x: Node<'a>) -> Parsed<'a> {
        self.at.skip_space();
        match self.at.char() {
            Some('{') => self.member_of_set(x),
            Some(open @ '[') => self.member_of_interval(x, open),
            Some('ℕ' | 'ℤ' | 'N' | 'Z') => self.member_of_numbers(x),
            _ => {
                let low = self.expr(power::COMPARE + 1)?;
                self.member_of_dots(x, low)
            }
        }
    }

    fn take_dots(&mut self) -> Option<Comparison> {
        self.at.skip_space();
        if self.at.take("..<") {
            return Some(Comparison::Less);
        }
        let taken = self.at.take("..=") || self.at.take("...") || self.at.take("..") || self.at.take("…");
        taken.then_some(Comparison::LessEqual)
    }

    /// `low..high`, both ends included; `low..<high` leaves the last out.
    fn member_of_dots(&mut self, x: Node<'a>, low: Node<'a>) -> Parsed<'a> {
        let Some(last) = self.take_dots() else {
            return Err(low.error("a range is due after `in`: 0..10, [0, 10], {1, 2, 3} or ℕ"));
        };
        let high = self.expr(power::COMPARE + 1)?;
        self.within(x, (low, Comparison::LessEqual), (high, last))
    }

    fn member_of_interval(&mut self, x: Node<'a>, open: char) -> Parsed<'a> {
        let start = self.at.pos;
        self.at.pos += open.len_utf8();
        let low = self.expr(power::IFF)?;
        self.at.skip_space();
        let separated = self.at.take(",") || self.take_dots().is_some();
        if !separated {
            return self.error(start, "an interval is written [low, high]");
        }
        let high = self.expr(power::IFF)?;
        self.at.skip_space();
        let last = if self.at.take("]") {
            Comparison::LessEqual
        } else if self.at.take(")") || self.at.take("[") {
            Comparison::Less
        } else {
            return self.error(start, "an interval is written [low, high]");
        };
        self.within(x, (low, Comparison::LessEqual), (high, last))
    }

    fn member_of_set(&mut self, x: Node<'a>) -> Parsed<'a> {
        let start = self.at.pos;
        self.at.pos += 1;
        let mut any: Option<Node<'a>> = None;
        for _ in 0..WIDTH_MAX {
            let element = self.expr(power::IFF)?;
            let equal = match self.take_dots() {
                Some(last) => {
                    let high = self.expr(power::IFF)?;
                    self.within(x, (element, Comparison::LessEqual), (high, last))?
                }
                None => super::build::compare(self.arena, &[x, element], &[Comparison::Equal])?,
            };
            any = Some(match any {
                Some(before) => self.logic(before, Logic::Or, equal)?,
                None => equal,
            });
            self.at.skip_space();
            if self.at.take("}") {
                return any.ok_or_else(|| x.error("an empty set"));
            }
            if !self.at.take(",") {
                break;
            }
        }
        self.error(start, format!("a set is written {{1, 2, 3}}, with at most {WIDTH_MAX} elements"))
    }

    /// `ℕ` starts at 0; with a plus or star, at 1.
    fn member_of_numbers(&mut self, x: Node<'a>) -> Parsed<'a> {
        let start = self.at.pos;
        let name = self.at.name();
        self.at.pos += name.len();
        let natural = matches!(name, "ℕ" | "N" | "ℕ₀");
        if !natural && !matches!(name, "ℤ" | "Z") {
            return self.error(start, "a range is due after `in`: 0..10, [0, 10], {1, 2, 3} or ℕ");
        }
        let without_zero = ["⁺", "+", "*", "∗"].iter().any(|sign| self.at.take(sign));
        if !natural && !without_zero {
            // Every cell is a whole number.
            return super::build::compare(self.arena, &[x, x], &[Comparison::Equal]);
        }
        let zero = Node::leaf(self.arena, Expr::Number(0), start, self.at.pos, CONSTANT);
        let op = if without_zero { Comparison::Greater } else { Comparison::GreaterEqual };
        super::build::compare(self.arena, &[x, zero], &[op])
    }

    /// After `x is`: `even`, `not prime`, `a power of two`, `divisible by 3`, or a value.
    pub(super) fn is(&mut self, x: Node<'a>) -> Parsed<'a> {
        let negated = self.at.take_keyword(&["not"]).is_some();
        let _ = self.at.take_keyword(&["a", "an"]);
        let node = self.is_what(x)?;
        if negated { self.not(node) } else { Ok(node) }
    }

    fn is_what(&mut self, x: Node<'a>) -> Parsed<'a> {
        self.at.skip_space();
        let mut ahead = self.at;
        if ahead.take_keyword(&["divisible"]).is_some() && ahead.take_keyword(&["by"]).is_some() {
            self.at = ahead;
            let divisor = self.expr(power::COMPARE + 1)?;
            return self.call_builtin(Builtin::Divides, &[divisor, x], FLAG);
        }
        for (words, builtin) in PHRASES {
            let mut ahead = self.at;
            if words.iter().all(|word| ahead.take_keyword(&[*word]).is_some()) {
                self.at = ahead;
                return self.call_builtin(*builtin, &[x], FLAG);
            }
        }
        if let Some(builtin) = self.adjective() {
            return self.call_builtin(builtin, &[x], FLAG);
        }
        let value = self.expr(power::COMPARE + 1)?;
        self.single_compare(x, Comparison::Equal, value)
    }

    /// Takes the name of a condition on one number, written without parentheses: `even`, `non-negative`.
    pub(super) fn adjective(&mut self) -> Option<Builtin> {
        self.at.skip_space();
        let name = self.at.name();
        let after = &self.at.rest()[name.len()..];
        let second = after.strip_prefix('-').filter(|_| name.eq_ignore_ascii_case("non"));
        let len = match second {
            Some(second) => name.len() + 1 + super::scanner::Scanner { text: second, pos: 0 }.name().len(),
            None => name.len(),
        };
        let name = &self.at.rest()[..len];
        let row = Names::function(name).filter(|row| row.flag && row.args_min == 1 && row.args_max == 1)?;
        let called = self.at.rest()[len..].trim_start().starts_with('(');
        if called || name.contains('?') {
            return None;
        }
        self.at.pos += len;
        Some(row.builtin)
    }

    /// `a ≡ b (mod m)`; without `mod`, plain equality.
    pub(super) fn congruence(&mut self, a: Node<'a>) -> Parsed<'a> {
        let b = self.expr(power::COMPARE + 1)?;
        self.at.skip_space();
        let mut ahead = self.at;
        if ahead.take("(") && ahead.take_keyword(&["mod"]).is_some() {
            let open = self.at.pos;
            self.at = ahead;
            let modulus = self.expr(power::IFF)?;
            self.at.skip_space();
            if !self.at.take(")") {
                return self.error(open, "this is never closed: `)` is missing");
            }
            return self.congruent(a, b, modulus);
        }
        if let Expr::Arithmetic(Arithmetic::Mod, value, modulus) = b.expr {
            let part = |expr| Node { expr, ..b };
            return self.congruent(a, part(value), part(modulus));
        }
        self.single_compare(a, Comparison::Equal, b)
    }

    fn congruent(&mut self, a: Node<'a>, b: Node<'a>, modulus: Node<'a>) -> Parsed<'a> {
        if a.is(FLAG) || b.is(FLAG) {
            return Err(ExprError::new(a.start as usize, 1, "conditions are not congruent"));
        }
        let left = self.binary(a, Arithmetic::Mod, modulus, 0)?;
        let right = self.binary(b, Arithmetic::Mod, modulus, 0)?;
        self.single_compare(left, Comparison::Equal, right)
    }
}

const PHRASES: &[(&[&str], Builtin)] = &[
    (&["power", "of", "two"], Builtin::PowerOfTwo),
    (&["power", "of", "2"], Builtin::PowerOfTwo),
    (&["perfect", "square"], Builtin::PerfectSquare),
    (&["leap", "year"], Builtin::Leap),
];
