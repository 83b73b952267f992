//! Expressions in a notation, as values over the inputs: what [`crate::effect::Effect::render`] writes can be read back.
//!
//! From loose to tight: `c ? a : b`, `or`, `xor`, `and`, comparisons, `<< >>`, `+ -`, `* / mod`, prefix `- ~`, powers
//! (`n²`, `n^2`). Names are inputs; `2n` is a product; `f(a,b)` is a word of the table.

use crate::effect::env::WordEffect;
use crate::effect::node::{Call, Graph, Id, NO_VALUE, NOWHERE, Op, is_pure};
use crate::forth::words::{self, Word};
use crate::forth::{Number, number};
use crate::model::Cell;

/// Nesting of brackets and prefixes, at most.
const DEPTH_MAX: u32 = 48;

/// The value of an expression; `None` where it is not one, or names what is not an input.
pub(crate) fn expression(text: &str, input: &dyn Fn(&str) -> Option<Id>, graph: &mut Graph) -> Option<Id> {
    let mut parser = Parser { rest: text, input, graph, depth: 0 };
    let value = parser.level(0)?;
    parser.skip();
    parser.rest.is_empty().then_some(value)
}

struct Parser<'t, 'g> {
    rest: &'t str,
    input: &'g dyn Fn(&str) -> Option<Id>,
    graph: &'g mut Graph,
    depth: u32,
}

/// Infix operators with their level, longest first where one starts another. Words need a blank or bracket behind.
const INFIX: &[(&str, u8, Word)] = &[
    ("or", 1, Word::Or),
    ("xor", 2, Word::Xor),
    ("and", 3, Word::And),
    ("u<", 4, Word::ULess),
    ("u>", 4, Word::UGreater),
    ("<<", 5, Word::LShift),
    (">>", 5, Word::RShift),
    ("<>", 4, Word::NotEquals),
    ("!=", 4, Word::NotEquals),
    ("≠", 4, Word::NotEquals),
    ("<=", 4, Word::LessEq),
    ("≤", 4, Word::LessEq),
    (">=", 4, Word::GreaterEq),
    ("≥", 4, Word::GreaterEq),
    ("==", 4, Word::Equals),
    ("=", 4, Word::Equals),
    ("<", 4, Word::Less),
    (">", 4, Word::Greater),
    ("+", 6, Word::Plus),
    ("-", 6, Word::Minus),
    ("−", 6, Word::Minus),
    ("*", 7, Word::Star),
    ("×", 7, Word::Star),
    ("·", 7, Word::Star),
    ("/", 7, Word::Slash),
    ("÷", 7, Word::Slash),
    ("mod", 7, Word::Mod),
    ("%", 7, Word::Mod),
];

/// Comparisons do not chain.
const COMPARISON: u8 = 4;
const PREFIX: u8 = 8;

impl<'t> Parser<'t, '_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, text: &str) -> bool {
        self.skip();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let value = parse(self);
        self.depth -= 1;
        value
    }

    fn level(&mut self, level: u8) -> Option<Id> {
        self.deeper(|parser| parser.level_here(level))
    }

    fn level_here(&mut self, level: u8) -> Option<Id> {
        let mut left = self.prefix()?;
        // Loosest operator that may still come: a comparison does not take another one as its left side.
        let mut tightest = PREFIX;
        loop {
            if level == 0 && self.eat("?") {
                let yes = self.level(0)?;
                let no = self.eat(":").then(|| self.level(0))??;
                return Some(self.graph.push(Op::Phi, left, yes, no, NOWHERE));
            }
            let Some((text, op_level, word)) = self.infix() else { return Some(left) };
            if op_level < level || op_level >= tightest && op_level == COMPARISON {
                return Some(left);
            }
            self.eat(text);
            let right = self.level(op_level + 1)?;
            left = self.graph.push(Op::Word(word), left, right, NO_VALUE, NOWHERE);
            tightest = if op_level == COMPARISON { COMPARISON } else { PREFIX };
        }
    }

    fn infix(&mut self) -> Option<(&'static str, u8, Word)> {
        self.skip();
        let found = INFIX.iter().find(|(text, ..)| {
            let is_word = text.as_bytes()[0].is_ascii_alphabetic() && !text.starts_with('u');
            self.rest
                .strip_prefix(text)
                .is_some_and(|rest| !is_word || !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        found.copied()
    }

    fn prefix(&mut self) -> Option<Id> {
        if self.eat("-") || self.eat("−") {
            let value = self.deeper(Self::prefix)?;
            return Some(match self.graph.literal_of(value) {
                Some(number) => self.graph.literal(number.wrapping_neg(), NOWHERE),
                None => self.unary(Word::Negate, value),
            });
        }
        if self.eat("~") {
            let value = self.deeper(Self::prefix)?;
            return Some(self.unary(Word::Invert, value));
        }
        let value = self.atom()?;
        self.powers(value)
    }

    fn unary(&mut self, word: Word, a: Id) -> Id {
        self.graph.push(Op::Word(word), a, NO_VALUE, NO_VALUE, NOWHERE)
    }

    fn powers(&mut self, base: Id) -> Option<Id> {
        let exponent = if self.rest.starts_with('²') {
            self.eat("²");
            2
        } else if self.rest.starts_with('³') {
            self.eat("³");
            3
        } else if self.rest.starts_with('^') {
            self.eat("^");
            self.number()?
        } else {
            return Some(base);
        };
        let mut power = match exponent {
            0 => return Some(self.graph.literal(1, NOWHERE)),
            1..=16 => base,
            _ => return None,
        };
        for _ in 1..exponent {
            power = self.graph.push(Op::Word(Word::Star), power, base, NO_VALUE, NOWHERE);
        }
        Some(power)
    }

    fn atom(&mut self) -> Option<Id> {
        if self.eat("(") || self.eat("[") {
            let value = self.level(0)?;
            return (self.eat(")") || self.eat("]")).then_some(value);
        }
        if self.eat("|") {
            let value = self.level(1)?;
            return self.eat("|").then(|| self.unary(Word::Abs, value));
        }
        self.skip();
        let first = self.rest.chars().next()?;
        if first.is_ascii_digit() || matches!(first, '$' | '\'' | '#') {
            let value = self.number()?;
            let value = self.graph.literal(value, NOWHERE);
            // `2n` is a product.
            if self.rest.starts_with(char::is_alphabetic) && self.infix().is_none() {
                let factor = self.deeper(Self::prefix)?;
                return Some(self.graph.push(Op::Word(Word::Star), value, factor, NO_VALUE, NOWHERE));
            }
            return Some(value);
        }
        self.named()
    }

    fn number(&mut self) -> Option<Cell> {
        let is_hex = self.rest.starts_with('$');
        let body = self.rest.trim_start_matches(['$', '#', '\'']);
        let sigil = self.rest.len() - body.len();
        let digits =
            body.len() - body.trim_start_matches(|c: char| c.is_digit(if is_hex { 16 } else { 10 })).len();
        let len =
            if self.rest.starts_with('\'') { 1 + self.rest[1..].find('\'')? + 1 } else { sigil + digits };
        match number(&self.rest.as_bytes()[..len], 10)? {
            Number::Single(value) => {
                self.rest = &self.rest[len..];
                Some(value)
            }
            Number::Double(_) | Number::TooLarge => None,
        }
    }

    /// An input, `true`, `false`, or a call of a word of the table: `min(a,b)`, `*/(a,b,c)`, `um*(a,b).lo`.
    fn named(&mut self) -> Option<Id> {
        let ends = |c: char| c.is_whitespace() || "()[]+-−*/<>=≠≤≥~?:,|&^%×·÷²³!.".contains(c);
        let bracket = self.rest.find(['(', '[']);
        let word_end = self.rest.find(ends).unwrap_or(self.rest.len());
        // The name of a word may itself contain operators; it is called when a bracket follows it.
        let name_end = match bracket {
            Some(bracket) if words::lookup(&self.rest.as_bytes()[..bracket]).is_some() => bracket,
            _ => word_end,
        };
        let (name, rest) = self.rest.split_at(name_end);
        if name.is_empty() {
            return None;
        }
        self.rest = rest;
        if rest.starts_with(['(', '[']) {
            return self.deeper(|parser| parser.call(name));
        }
        match name {
            "true" => Some(self.graph.literal(crate::model::TRUE, NOWHERE)),
            "false" => Some(self.graph.literal(crate::model::FALSE, NOWHERE)),
            _ => (self.input)(name),
        }
    }

    fn call(&mut self, name: &str) -> Option<Id> {
        self.rest = &self.rest[1..];
        let mut args = [NO_VALUE; 8];
        let mut n = 0;
        if !self.eat(")") && !self.eat("]") {
            loop {
                *args.get_mut(n)? = self.level(0)?;
                n += 1;
                if self.eat(")") || self.eat("]") {
                    break;
                }
                if !self.eat(",") {
                    return None;
                }
            }
        }
        let result = self.result()?;
        let word = words::lookup(name.as_bytes())
            .filter(|&word| is_pure(word) && word.def().n_in as usize == n && result < word.def().n_out);
        Some(match word {
            Some(word) => self.word_call(word, &args[..n], result),
            None => self.foreign_call(name, &args[..n], result),
        })
    }

    /// Which result of several: `.lo`, `.hi`, `.rem`, `.quot`, `.1` …
    fn result(&mut self) -> Option<u8> {
        let Some(rest) = self.rest.strip_prefix('.') else { return Some(0) };
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let (suffix, rest) = rest.split_at(end);
        self.rest = rest;
        match suffix {
            "lo" | "rem" => Some(0),
            "hi" | "quot" => Some(1),
            _ => suffix.parse::<u8>().ok()?.checked_sub(1),
        }
    }

    fn word_call(&mut self, word: Word, args: &[Id], result: u8) -> Id {
        let op = [Op::Word(word), Op::Second(word), Op::Third(word)][result as usize % 3];
        let operand = |k: usize| args.get(k).copied().unwrap_or(NO_VALUE);
        let mut a = operand(0);
        if args.len() > 3 {
            match self.graph.keep_args(args) {
                Some(at) => a = at,
                None => return self.graph.unknown(NOWHERE),
            }
        }
        self.graph.push(op, a, operand(1), operand(2), NOWHERE)
    }

    fn foreign_call(&mut self, name: &str, args: &[Id], result: u8) -> Id {
        let effect = WordEffect::pure(args.len() as u8, result + 1);
        let start = self.graph.names.len() as u32;
        self.graph.names.push_str(name);
        let call = Id(self.graph.calls.len() as u16);
        self.graph.calls.push(Call {
            name: (start, self.graph.names.len() as u32),
            args: self.graph.args.len() as u32,
            n_in: effect.n_in,
            n_out: effect.n_out,
            flags: 0,
            pure: true,
            constant: None,
        });
        self.graph.args.extend_from_slice(args);
        self.graph.push(Op::Call, call, Id(result as u16), NO_VALUE, NOWHERE)
    }
}
