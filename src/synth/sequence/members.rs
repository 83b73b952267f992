//! The n-th number with a property. The terms are the members of a set; a property is right when it holds for the terms and
//! for no number between them. Properties are comparisons of functions of one number, and pairs of such properties.

use crate::model::Cell;
use crate::synth::sequence::code::Code;
use crate::synth::sequence::exact;
use crate::synth::sequence::features::{FEATURES, Feature, is_prime};
use crate::synth::sequence::occam::bits;
use std::sync::OnceLock;

/// Greatest term: everything up to it is looked at.
const LAST_MAX: Cell = 8000;

/// Most properties that hold for all terms and are paired.
const PAIRED_MAX: usize = 1000;

/// Bits of choosing a kind of property, and a function for it.
const KIND_BITS: u32 = 3;
const FUNCTION_BITS: u32 = 5;

/// Functions that grow too fast, or take too long, to be asked of every number.
const LEFT_OUT: [&str; 5] = ["nth prime", "primes up to", "factorial", "Fibonacci number", "power of two"];

/// The words that test for a prime.
const PRIME: &str = FEATURES[0].code;

/// A property that holds for all terms.
struct Property {
    /// `( k -- flag )`
    code: String,
    bits: u32,
    /// How many other numbers it holds for, and which, one bit for each number from the first.
    n_others: usize,
    others: Vec<u64>,
}

/// A program with its bits.
pub struct Member {
    /// The body.
    pub code: String,
    /// The bits of its property.
    pub bits: u32,
}

/// A function of k and its code, `( k -- value )`.
struct Function {
    code: String,
    bits: u32,
    values: Values,
}

/// The values of a function of k, from 0 to [`LAST_MAX`]; the smallest cell stands where there is none.
enum Values {
    Table(Vec<Cell>),
    /// A function of the values of another one: that, how to compute it beyond the table, and the inner one.
    Composed(usize, fn(Cell) -> Option<Cell>, usize),
    /// A function of a number near k, or of its square.
    Moved(usize, fn(Cell) -> Option<Cell>, fn(Cell) -> Cell),
}

impl Function {
    fn value(&self, k: Cell) -> Option<Cell> {
        match &self.values {
            Values::Table(table) => Some(table[k as usize]).filter(|value| *value != Cell::MIN),
            Values::Composed(outer, eval, inner) => {
                let all = functions();
                at(all, *outer, *eval, all[*inner].value(k)?)
            }
            Values::Moved(outer, eval, to) => at(functions(), *outer, *eval, to(k)),
        }
    }
}

fn at(all: &[Function], outer: usize, eval: fn(Cell) -> Option<Cell>, k: Cell) -> Option<Cell> {
    // Beyond the table only what is quickly computed: nothing is factored there.
    let is_quick = (1..).zip(used()).any(|(at, feature)| at == outer && is_of_digits(feature.name));
    match (0..=LAST_MAX).contains(&k) {
        true => all[outer].value(k),
        false if is_quick => eval(k),
        false => None,
    }
}

/// The functions that are asked of every number.
fn used() -> impl Iterator<Item = &'static Feature> {
    FEATURES.iter().filter(|feature| !LEFT_OUT.contains(&feature.name))
}

fn is_of_digits(name: &str) -> bool {
    name.contains("digit") || name.contains("binary")
}

/// The functions of every number in reach; what is looked up is computed once.
fn functions() -> &'static [Function] {
    static FUNCTIONS: OnceLock<Vec<Function>> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let table = |eval: &dyn Fn(Cell) -> Option<Cell>| {
            Values::Table((0..=LAST_MAX).map(|k| eval(k).unwrap_or(Cell::MIN)).collect())
        };
        let mut all = vec![Function { code: String::new(), bits: 2, values: table(&|k| Some(k)) }];
        for feature in used() {
            let values = table(&|k| (feature.eval)(k));
            let bits = if feature.code == PRIME { 2 } else { FUNCTION_BITS };
            all.push(Function { code: feature.code.into(), bits, values });
        }
        for inner in 1..all.len() {
            for (outer, feature) in (1..).zip(used()) {
                let code = format!("{} {}", all[inner].code, feature.code);
                let values = Values::Composed(outer, feature.eval, inner);
                all.push(Function { code, bits: 2 * FUNCTION_BITS, values });
            }
        }
        type Move = fn(Cell) -> Cell;
        let moves: [(&str, Move); 3] = [("1+", |k| k + 1), ("1-", |k| k - 1), ("dup *", |k| k * k)];
        for (word, to) in moves {
            for (outer, feature) in (1..).zip(used()) {
                // Squares are too large to be factored one after the other.
                if to(2) == 4 && !is_of_digits(feature.name) {
                    continue;
                }
                let code = format!("{word} {}", feature.code);
                let values = Values::Moved(outer, feature.eval, to);
                all.push(Function { code, bits: FUNCTION_BITS + 3, values });
            }
        }
        all
    })
}

/// How many of the functions are plain: k itself and the functions of k.
fn n_plain() -> usize {
    1 + FEATURES.len() - LEFT_OUT.len()
}

struct Search<'s> {
    terms: &'s [Cell],
    first: Cell,
    last: Cell,
    found: Vec<Property>,
    tried: u64,
}

/// Programs for the n-th member, the first at n = `start`, what says least first; and how many properties were looked at.
pub fn find(start: Cell, terms: &[Cell]) -> (Vec<Member>, u64) {
    let is_rising = terms.windows(2).all(|pair| pair[0] < pair[1]);
    if !is_rising || terms[0] < 0 || *terms.last().unwrap_or(&0) > LAST_MAX {
        return (Vec::new(), 0);
    }
    let mut members = Vec::new();
    let mut tried = 0;
    let firsts = if terms[0] > 1 { vec![1, terms[0]] } else { vec![terms[0]] };
    for first in firsts {
        let mut search =
            Search { terms, first, last: *terms.last().unwrap_or(&0), found: Vec::new(), tried: 0 };
        search.properties();
        let extra = if first > 1 { bits(first.into()) } else { 0 };
        search.members(start, extra, &mut members);
        tried += search.tried;
        if !members.is_empty() {
            break;
        }
    }
    members.sort_by_key(|member| member.bits);
    members.truncate(4);
    (members, tried)
}

impl Search<'_> {
    /// Keeps a property if it holds for all terms, with the other numbers it holds for.
    fn try_property(&mut self, cost: u32, holds: impl Fn(Cell) -> bool, code: impl FnOnce() -> String) {
        self.tried += 1;
        if !self.terms.iter().all(|k| holds(*k)) {
            return;
        }
        let n = (self.last - self.first + 1) as usize;
        let mut others = vec![0u64; n.div_ceil(64)];
        let mut n_others = 0;
        let mut terms = self.terms.iter().peekable();
        for (at, k) in (self.first..=self.last).enumerate() {
            if terms.next_if_eq(&&k).is_none() && holds(k) {
                others[at / 64] |= 1 << (at % 64);
                n_others += 1;
            }
        }
        // What holds nearly everywhere tells nothing.
        if n_others + self.terms.len() < n {
            self.found.push(Property { code: code(), bits: cost + KIND_BITS, n_others, others });
        }
    }

    fn properties(&mut self) {
        let functions = functions();
        let plain = n_plain();
        let head = self.terms[0];
        let differences =
            self.terms.windows(2).fold(0i128, |d, pair| exact::gcd(d, (pair[1] - pair[0]).into()));
        for modulus in (2..=differences.min(200) as Cell).filter(|m| differences % i128::from(*m) == 0) {
            let rest = head % modulus;
            self.try_property(
                bits(modulus.into()) + bits(rest.into()),
                |k| k % modulus == rest,
                || equals(&format!("{modulus} mod"), rest),
            );
        }
        let mut columns: Vec<Vec<Cell>> = Vec::new();
        for (at, function) in functions.iter().enumerate() {
            // A function that has no value somewhere would end the program there.
            let (from, to) = (self.first, self.last);
            let column: Option<Vec<Cell>> = (from..=to).map(|k| function.value(k)).collect();
            let Some(column) = column else {
                columns.push(Vec::new());
                continue;
            };
            let value = |k: Cell| column[(k - from) as usize];
            let first = value(head);
            if at > 0 {
                self.try_property(
                    function.bits + if first == -1 { 1 } else { bits(first.into()) },
                    |k| value(k) == first,
                    || equals(&function.code, first),
                );
                for other in 0..=2 {
                    self.try_property(
                        function.bits + 4,
                        |k| value(k) != other,
                        || format!("{} <>", joined(&function.code, &other.to_string())),
                    );
                }
            }
            let moduli = if at < plain { 2..=12 } else { 2..=4 };
            for modulus in moduli {
                let rest = first.rem_euclid(modulus);
                let code = joined(&function.code, &format!("{modulus} mod"));
                self.try_property(
                    function.bits + bits(modulus.into()) + bits(rest.into()),
                    |k| value(k).rem_euclid(modulus) == rest,
                    || equals(&code, rest),
                );
                for rest in 0..modulus.min(3) {
                    self.try_property(
                        function.bits + bits(modulus.into()) + bits(rest.into()) + 1,
                        |k| value(k).rem_euclid(modulus) != rest,
                        || format!("{code} {rest} <>"),
                    );
                }
            }
            if at > 0 {
                let all = || self.terms.iter().map(|k| value(*k));
                let (low, high) = (all().min().unwrap_or(0), all().max().unwrap_or(0));
                self.try_property(
                    function.bits + bits(low.into()),
                    |k| value(k) >= low,
                    || format!("{} >=", joined(&function.code, &low.to_string())),
                );
                self.try_property(
                    function.bits + bits(high.into()),
                    |k| value(k) <= high,
                    || format!("{} <=", joined(&function.code, &high.to_string())),
                );
            }
            if at < plain {
                columns.push(column);
            }
        }
        self.comparisons(&functions[..plain], &columns);
        self.shifted_primes();
    }

    /// One function of k against another.
    fn comparisons(&mut self, functions: &[Function], columns: &[Vec<Cell>]) {
        type Relation = fn(Cell, Cell) -> bool;
        let relations: [(&str, Relation, bool); 5] = [
            ("=", |a, b| a == b, true),
            ("<", |a, b| a < b, false),
            (">", |a, b| a > b, false),
            ("<>", |a, b| a != b, true),
            ("mod 0=", |a, b| a.checked_rem_euclid(b) == Some(0), false),
        ];
        for (a, left) in functions.iter().enumerate() {
            for (b, right) in functions.iter().enumerate() {
                let (from, column_a, column_b) = (self.first, &columns[a], &columns[b]);
                if a == b || column_a.is_empty() || column_b.is_empty() {
                    continue;
                }
                let divides = column_b.iter().all(|v| *v != 0);
                for (word, relation, is_symmetric) in relations {
                    if (is_symmetric && b < a) || (word == "mod 0=" && !divides) {
                        continue;
                    }
                    let holds =
                        |k: Cell| relation(column_a[(k - from) as usize], column_b[(k - from) as usize]);
                    self.try_property(left.bits + right.bits, holds, || {
                        let mut code = Code::new();
                        code.words("dup").words(&left.code).words("swap").words(&right.code).words(word);
                        code.into_text()
                    });
                }
            }
        }
    }

    /// a k² + b k + c is prime.
    fn shifted_primes(&mut self) {
        for square in 0..=2 as Cell {
            for factor in 0..=60 as Cell {
                for constant in -60..=60 as Cell {
                    let is_plain = square == 0 && factor == 1 && constant == 0;
                    if (square == 0 && factor == 0)
                        || is_plain
                        || (square > 0 && factor.max(constant.abs()) > 20)
                    {
                        continue;
                    }
                    let at = |k: Cell| (square * k + factor) * k + constant;
                    self.try_property(
                        bits(square.into()) + bits(factor.into()) + bits(constant.into()) + 1,
                        |k| is_prime(at(k)),
                        || {
                            let mut code = Code::new();
                            code.polynomial(&[constant.into(), factor.into(), square.into()]).words(PRIME);
                            code.into_text()
                        },
                    );
                }
            }
        }
    }

    /// Properties, and pairs of them, that hold for nothing but the terms.
    fn members(&mut self, start: Cell, extra: u32, members: &mut Vec<Member>) {
        self.found.sort_by_key(|property| property.bits);
        for property in self.found.iter().filter(|property| property.n_others == 0) {
            members.push(self.member(start, &property.code, property.bits + extra));
        }
        // A property is of no use beside a cheaper one that holds for fewer others.
        let mut paired: Vec<&Property> = Vec::new();
        for property in &self.found {
            let is_within =
                |kept: &&Property| kept.others.iter().zip(&property.others).all(|(a, b)| a & !b == 0);
            if paired.len() < PAIRED_MAX && !paired.iter().any(is_within) {
                paired.push(property);
            }
        }
        let mut best: Option<(u32, String)> = None;
        for (at, a) in paired.iter().enumerate() {
            self.tried += 1;
            for b in &paired[at + 1..] {
                let cost = a.bits + b.bits + extra;
                if best.as_ref().is_some_and(|(least, _)| cost >= *least) {
                    break;
                }
                if a.others.iter().zip(&b.others).all(|(a, b)| a & b == 0) {
                    // The shorter code first: the other runs only where it holds.
                    let (first, then) = if a.code.len() <= b.code.len() { (a, b) } else { (b, a) };
                    best = Some((cost, format!("{} if dup {} else false then", first.code, then.code)));
                }
            }
        }
        if let Some((cost, code)) = best {
            members.push(self.member(start, &code, cost));
        }
    }

    fn member(&self, start: Cell, property: &str, cost: u32) -> Member {
        let mut code = Code::new();
        code.plus(1 - i128::from(start)).number(i128::from(self.first) - 1).words("swap 0 ?do begin 1+ dup");
        code.words(property).words("until loop");
        Member { code: code.into_text(), bits: cost }
    }
}

fn joined(code: &str, more: &str) -> String {
    if code.is_empty() { more.to_owned() } else { format!("{code} {more}") }
}

fn equals(code: &str, value: Cell) -> String {
    match value {
        0 => joined(code, "0="),
        // A flag that is true is the answer itself.
        -1 => code.to_owned(),
        _ => joined(code, &format!("{value} =")),
    }
}
