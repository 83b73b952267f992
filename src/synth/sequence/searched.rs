//! Rules that are searched for: skeletons of loops and recursions whose holes take expressions from a pool. The terms of the
//! sequence say what the hole must give on each of its turns, so a skeleton is never run: the hole is looked up.

use crate::model::{Cell, Strategy};
use crate::synth::expr::{Exprs, schedule};
use crate::synth::sequence::code::Code;
use crate::synth::sequence::features::{FEATURES, factors, gcd};
use crate::synth::sequence::members;
use crate::synth::sequence::occam::{self, bits};
use crate::synth::sequence::pool::{Meet, Pool};
use crate::synth::sequence::{Proposal, Terms};
use std::sync::atomic::{AtomicBool, Ordering};

/// Most entries of one pool, and most expressions that are computed for it.
const POOL_MAX: usize = 40_000;
const TRIED_MAX: u64 = 60_000;

/// Bits of choosing a function rather than a plain operand.
const FEATURE_BITS: u32 = 3;

/// Bits of choosing the skeleton.
const SKELETON_BITS: u32 = 5;

/// What a search hands its finds to.
pub struct Search<'s, 't> {
    terms: Terms<'t>,
    information: u32,
    accept: &'s mut dyn FnMut(&Proposal) -> bool,
    tried: u64,
    candidates_max: u64,
}

/// Tries all skeletons, cheapest first, until one is accepted. Returns how many expressions were computed.
pub fn run(
    terms: &Terms<'_>,
    candidates_max: u64,
    stop: &AtomicBool,
    accept: &mut dyn FnMut(&Proposal) -> bool,
) -> u64 {
    let information = occam::information(terms.values);
    let mut search = Search { terms: *terms, information, accept, tried: 0, candidates_max };
    for skeleton in skeletons() {
        if search.tried >= candidates_max || stop.load(Ordering::Relaxed) {
            break;
        }
        if skeleton(&mut search) {
            break;
        }
    }
    search.tried
}

type Skeleton<'s, 't> = fn(&mut Search<'s, 't>) -> bool;

/// The skeletons, in canonical order.
fn skeletons<'s, 't>() -> [Skeleton<'s, 't>; 8] {
    [
        Search::members,
        Search::factored,
        Search::stepped,
        Search::function,
        Search::halved,
        Search::triangle,
        Search::inner_sums,
        Search::late_function,
    ]
}

/// A value that a hole may use: how it comes onto the stack, and what it is on each row.
struct Leaf {
    code: String,
    column: Vec<Cell>,
    extra_bits: u32,
}

impl Search<'_, '_> {
    fn offer(&mut self, kind: &'static str, code: String, bits: u32, surplus: usize) -> bool {
        // Locals may not be declared in loops and branches.
        if code.contains("{:") || code.is_empty() {
            return false;
        }
        let proposal = Proposal {
            code: code.replace(" i drop ", " "),
            strategy: Strategy::Loop,
            kind,
            bits: bits + SKELETON_BITS,
            information: self.information,
            surplus,
            is_searched: true,
        };
        (self.accept)(&proposal)
    }

    fn grow(&mut self, pool: &mut Pool, levels: usize) {
        let left = self.candidates_max.saturating_sub(self.tried).min(TRIED_MAX);
        for _ in 0..levels {
            if !pool.grow(POOL_MAX, left) {
                break;
            }
        }
    }

    /// The n-th number with a property.
    fn members(&mut self) -> bool {
        let (members, tried) = members::find(self.terms.start, self.terms.values);
        self.tried += tried;
        let surplus = self.terms.values.len() - 1;
        members.into_iter().any(|member| self.offer("member", member.code, member.bits, surplus))
    }

    /// A function of n, or a sum or product of one over all n so far.
    fn function(&mut self) -> bool {
        self.function_from(0)
    }

    /// The same where the first term is an exception or the start of the sum.
    fn late_function(&mut self) -> bool {
        self.function_from(1)
    }

    fn function_from(&mut self, skipped: usize) -> bool {
        let terms = self.terms.skip(skipped);
        let all = self.terms.values;
        let values = terms.values;
        let at: Vec<Cell> = (0..values.len() as Cell).map(|k| terms.start + k).collect();
        let mut leaves = vec![Leaf { code: String::new(), column: at.clone(), extra_bits: 0 }];
        for feature in FEATURES {
            if let Some(column) = at.iter().map(|n| (feature.eval)(*n)).collect::<Option<Vec<_>>>() {
                leaves.push(Leaf { code: feature.code.into(), column, extra_bits: FEATURE_BITS });
            }
        }
        let n_plain = leaves.len();
        let mut pool = Pool::new(values.len());
        for (number, leaf) in leaves.iter().enumerate() {
            pool.leaf(number, &leaf.column, leaf.extra_bits);
        }
        pool.constants();
        self.grow(&mut pool, 2);
        // Functions of functions, and of neighbours of n, come last: they are many.
        let n_inner = leaves.len();
        for inner in 1..n_inner {
            for feature in FEATURES {
                let column =
                    leaves[inner].column.iter().map(|n| (feature.eval)(*n)).collect::<Option<Vec<_>>>();
                if let Some(column) = column {
                    let code = format!("{} {}", leaves[inner].code, feature.code);
                    leaves.push(Leaf { code, column, extra_bits: 2 * FEATURE_BITS + 5 });
                }
            }
        }
        for (shift, word) in [(1, "1+"), (-1, "1-")] {
            for feature in FEATURES {
                let column = at.iter().map(|n| (feature.eval)(n + shift)).collect::<Option<Vec<_>>>();
                if let Some(column) = column {
                    let code = format!("{word} {}", feature.code);
                    leaves.push(Leaf { code, column, extra_bits: FEATURE_BITS + 5 });
                }
            }
        }
        leaves.extend(powers_and_binomials(&at));
        for (number, leaf) in leaves.iter().enumerate().skip(n_plain) {
            pool.leaf(number, &leaf.column, leaf.extra_bits);
        }
        let start = i128::from(terms.start);
        // The function itself.
        if let Some((meet, cost)) = pool.meet(values) {
            let hole = Hole { pool: &pool, leaves: &leaves, meet, index: None };
            if let Some(body) = hole.write() {
                let (code, exceptions) = exceptional(&self.terms, skipped, &body);
                if self.offer("function", code, cost + exceptions, values.len() - 1) {
                    return true;
                }
            }
        }
        // Sums and products of it.
        let before: Vec<Cell> = match skipped {
            0 => Vec::new(),
            _ => vec![all[skipped - 1]],
        };
        let previous = |at: usize| if at == 0 { before.first().copied() } else { Some(values[at - 1]) };
        let mut targets: Vec<(&str, &str, Cell, Vec<Cell>)> = Vec::new();
        let init = before.first().copied();
        let differences =
            (0..values.len()).map(|at| values[at].wrapping_sub(previous(at).unwrap_or(0))).collect();
        targets.push(("sum", "+", init.unwrap_or(0), differences));
        let ratios: Option<Vec<Cell>> = (0..values.len())
            .map(|at| {
                let divisor = previous(at).unwrap_or(1);
                (divisor != 0 && values[at].wrapping_rem(divisor) == 0)
                    .then(|| values[at].wrapping_div(divisor))
            })
            .collect();
        if let Some(ratios) = ratios {
            targets.push(("product of values", "*", init.unwrap_or(1), ratios));
        }
        for (kind, op, init, target) in targets {
            let Some((meet, cost)) = pool.meet(&target) else { continue };
            let hole = Hole { pool: &pool, leaves: &leaves, meet, index: Some("i") };
            let Some(body) = hole.write() else { continue };
            let mut code = Code::new();
            code.number(init.into()).words("swap 1+").number(start).words("?do");
            code.words(&body).words(op).words("loop");
            let kind = if kind == "sum" { "sum" } else { "product of values" };
            if self.offer(kind, code.into_text(), cost + bits(init.into()), values.len() - 1) {
                return true;
            }
        }
        self.tried += pool.tried;
        false
    }

    /// A step from the last one or two terms and n to the next term.
    fn stepped(&mut self) -> bool {
        let values = self.terms.values;
        for order in 1..=2usize {
            if values.len() < order + 4 {
                return false;
            }
            let rows = order..values.len();
            let index: Vec<Cell> = rows.clone().map(|at| self.terms.start + at as Cell).collect();
            let mut pool = Pool::new(rows.len());
            // Inputs from the bottom: the older term, the last term, n.
            for back in (1..=order).rev() {
                let column: Vec<Cell> = rows.clone().map(|at| values[at - back]).collect();
                pool.leaf(order - back, &column, 0);
            }
            pool.leaf(order, &index, 0);
            pool.constants();
            self.grow(&mut pool, 4);
            let found = pool.meet(&values[order..]);
            self.tried += pool.tried;
            let Some((meet, cost)) = found else { continue };
            if pool.leaves(meet).iter().all(|leaf| *leaf == order) {
                // No term depends on those before it: it is a function of n, and no loop.
                if self.plain_function(&pool, meet, cost, order) {
                    return true;
                }
                continue;
            }
            let mut exprs = Exprs::new(order + 1);
            let next = pool.express(meet, &mut exprs, &|leaf| leaf);
            let kept: Vec<_> = (1..order).map(|position| exprs.input(position)).chain([next]).collect();
            let body = schedule(&exprs, &kept);
            let mut code = Code::new();
            let first = &values[..order];
            let start = i128::from(self.terms.start);
            for value in first {
                code.number((*value).into());
            }
            match order {
                1 => code.words("swap 1+").number(start + 1).words("?do i").words(&body).words("loop"),
                _ => code.words("rot 2 +").number(start + 2).words("?do i").words(&body).words("loop drop"),
            };
            let first_bits = occam::bits_of(first.iter().map(|value| i128::from(*value)));
            if self.offer("step", code.into_text(), cost + first_bits, values.len() - order - 1) {
                return true;
            }
        }
        false
    }

    /// What a pool makes of n alone, from the first term on, or from the first that it was looked up for.
    fn plain_function(&mut self, pool: &Pool, meet: Meet, cost: u32, first: usize) -> bool {
        let mut exprs = Exprs::new(1);
        let root = pool.express(meet, &mut exprs, &|_| 0);
        let body = schedule(&exprs, &[root]);
        let is_given = |at: usize| {
            let n = self.terms.start + at as Cell;
            exprs.eval(root, &[n]) == Some(self.terms.values[at])
        };
        let n_exceptions = (0..first).rev().find(|at| !is_given(*at)).map_or(0, |at| at + 1);
        let (code, exceptions) = exceptional(&self.terms, n_exceptions, &body);
        self.offer("function", code, cost + exceptions, self.terms.values.len() - n_exceptions - 1)
    }

    /// From the term at n/b, and n mod b: recursion on digits.
    fn halved(&mut self) -> bool {
        let (values, start) = (self.terms.values, self.terms.start);
        if !(0..=1).contains(&start) || values.len() < 8 {
            return false;
        }
        for base in [2 as Cell, 3, 10, 4] {
            // The terms below are given: a(0), or a(1) to a(b-1).
            let first = if start == 0 { 1 } else { base };
            let rows: Vec<Cell> = (first..start + values.len() as Cell).collect();
            if rows.len() < 6 || (start == 1 && base > 2) {
                continue;
            }
            let at = |n: Cell| values[(n - start) as usize];
            let mut pool = Pool::new(rows.len());
            let columns: [Vec<Cell>; 3] = [
                rows.clone(),
                rows.iter().map(|n| n % base).collect(),
                rows.iter().map(|n| at(n / base)).collect(),
            ];
            for (number, column) in columns.iter().enumerate() {
                pool.leaf(number, column, 0);
            }
            pool.constants();
            self.grow(&mut pool, 4);
            let target: Vec<Cell> = rows.iter().map(|n| at(*n)).collect();
            let found = pool.meet(&target);
            self.tried += pool.tried;
            let Some((meet, cost)) = found else { continue };
            let leaves = pool.leaves(meet);
            // Without the recursion it is no recursion.
            if !leaves.contains(&2) {
                continue;
            }
            let with_n = leaves.contains(&0);
            let mut exprs = Exprs::new(if with_n { 3 } else { 2 });
            let root = pool.express(meet, &mut exprs, &|leaf| if with_n { leaf } else { leaf - 1 });
            let body = schedule(&exprs, &[root]);
            let mut code = Code::new();
            let given = i128::from(at(start));
            if start == 0 {
                code.words("dup 0= if drop").number(given);
            } else {
                code.words("dup 1 = if drop").number(given);
            }
            code.words("else").words(if with_n { "dup" } else { "" });
            code.number(base.into()).words("/mod recurse").words(&body).words("then");
            if self.offer("halving", code.into_text(), cost + bits(given) + 2, rows.len() - 1) {
                return true;
            }
        }
        false
    }

    /// Products, sums and maxima of a function of the prime powers of n.
    fn factored(&mut self) -> bool {
        let terms = match self.terms.start {
            0 if self.terms.values.len() > 8 => self.terms.skip(1),
            1 => self.terms,
            _ => return false,
        };
        let skipped = self.terms.values.len() - terms.values.len();
        let values = terms.values;
        let at = |n: Cell| values[n as usize - 1];
        let last = values.len() as Cell;
        if last < 10 {
            return false;
        }
        type Fold = fn(Cell, Cell) -> Cell;
        let folds: [(&str, Cell, Fold); 3] =
            [("*", 1, Cell::wrapping_mul), ("+", 0, Cell::wrapping_add), ("max", at(1), Cell::max)];
        for (op, unit, fold) in folds {
            let is_fold = at(1) == unit
                && (2..=last).all(|n| {
                    let parts = factors(n);
                    parts.len() < 2
                        || parts.iter().fold(unit, |sum, (p, e)| fold(sum, at(p.pow(*e as u32)))) == at(n)
                });
            if !is_fold {
                continue;
            }
            let powers: Vec<(Cell, Cell, Cell)> = (2..=last)
                .filter_map(|n| match factors(n)[..] {
                    [(p, e)] => Some((p, e, n)),
                    _ => None,
                })
                .collect();
            if let Some((body, cost)) = self.of_prime_powers(&powers, &at) {
                let mut code = Code::new();
                code.number(unit.into()).words("swap 2 begin over 1 > while 2dup mod 0= if");
                code.words("0 >r begin tuck / swap r> 1+ >r 2dup mod until r> over swap").words(&body);
                code.words(">r rot r>").words(op).words("-rot then 1+ repeat 2drop");
                let (code, exceptions) = exceptional(&self.terms, skipped, code.text());
                // What is explained are the values at prime powers; many functions of two numbers agree on so few.
                let explained: Vec<Cell> = powers.iter().map(|(.., q)| at(*q)).collect();
                let whole = std::mem::replace(&mut self.information, occam::information(&explained) * 5 / 6);
                let accepted = self.offer("prime powers", code, cost + exceptions + 2, powers.len() - 1);
                self.information = whole;
                if accepted {
                    return true;
                }
            }
        }
        false
    }

    /// A function of p and e with these values at p^e: `( p e -- value )`.
    fn of_prime_powers(
        &mut self,
        powers: &[(Cell, Cell, Cell)],
        at: &dyn Fn(Cell) -> Cell,
    ) -> Option<(String, u32)> {
        // Where the value at p decides, only that is looked for.
        let primes: Vec<(Cell, Cell, Cell)> = powers.iter().filter(|(_, e, _)| *e == 1).copied().collect();
        type Rule = fn(Cell, Cell) -> Cell;
        let rules: [(Rule, &str); 3] = [
            (
                |value, e| (0..e).fold(1, |product: Cell, _| product.wrapping_mul(value)),
                "1 rot 0 ?do over * loop nip",
            ),
            (|value, e| value.wrapping_mul(e), "*"),
            (|value, _| value, "nip"),
        ];
        for (rule, code) in rules {
            if powers.iter().all(|(p, e, q)| rule(at(*p), *e) == at(*q))
                && let Some((body, cost)) = self.of_some_prime_powers(&primes, at)
            {
                // e is 1 for it, and goes back under its value.
                return Some((format!("swap 1 {body} {code}").replace("swap 1 drop", "swap"), cost + 2));
            }
        }
        let all = self.of_some_prime_powers(powers, at);
        if all.as_ref().is_some_and(|(_, cost)| *cost <= 40) {
            return all;
        }
        let (twos, odd): (Vec<_>, Vec<_>) = powers.iter().partition(|(p, ..)| *p == 2);
        let split = match (self.of_some_prime_powers(&twos, at), self.of_some_prime_powers(&odd, at)) {
            (Some((two, a)), Some((other, b))) => {
                Some((format!("over 2 = if {two} else {other} then"), a + b + 6))
            }
            _ => None,
        };
        match (all, split) {
            (Some(all), Some(split)) if all.1 <= split.1 => Some(all),
            (all, split) => split.or(all),
        }
    }

    fn of_some_prime_powers(
        &mut self,
        powers: &[(Cell, Cell, Cell)],
        at: &dyn Fn(Cell) -> Cell,
    ) -> Option<(String, u32)> {
        let columns: [Vec<Cell>; 3] = [
            powers.iter().map(|(p, ..)| *p).collect(),
            powers.iter().map(|(_, e, _)| *e).collect(),
            powers.iter().map(|(.., q)| *q).collect(),
        ];
        let target: Vec<Cell> = powers.iter().map(|(.., q)| at(*q)).collect();
        let mut pool = Pool::new(powers.len());
        for (number, column) in columns.iter().enumerate() {
            pool.leaf(number, column, 0);
        }
        pool.constants();
        self.grow(&mut pool, 4);
        let found = pool.meet(&target);
        self.tried += pool.tried;
        let (meet, cost) = found?;
        let with_power = pool.leaves(meet).contains(&2);
        let mut exprs = Exprs::new(if with_power { 3 } else { 2 });
        let root = pool.express(meet, &mut exprs, &|leaf| leaf);
        let mut code = Code::new();
        if with_power {
            code.words("2dup 1 swap 0 ?do over * loop nip");
        }
        code.words(&schedule(&exprs, &[root]));
        Some((code.into_text(), cost))
    }

    /// Sums and products over k of a function of n and k: over all k up to n or n/2, over divisors, over what is coprime.
    fn inner_sums(&mut self) -> bool {
        const TERMS: usize = 12;
        let terms = match self.terms.start {
            start if start < 0 || self.terms.values.len() < 8 => return false,
            _ => self.terms,
        };
        type Filter = fn(Cell, Cell) -> bool;
        type Range = fn(Cell) -> std::ops::RangeInclusive<Cell>;
        let shapes: [(&str, Range, &str, Filter, &str); 4] = [
            ("over 1+ 0 ?do", |n| 0..=n, "", |_, _| true, ""),
            ("over 2/ 1+ 0 ?do", |n| 0..=n / 2, "", |_, _| true, ""),
            ("over 1+ 1 ?do", |n| 1..=n, "over i mod 0= if", |n, k| n % k == 0, "then"),
            (
                "over 1+ 1 ?do",
                |n| 1..=n,
                "over i begin ?dup while tuck mod repeat 1 = if",
                |n, k| gcd(n, k) == 1,
                "then",
            ),
        ];
        let n_terms = terms.values.len().min(TERMS);
        let wanted = &terms.values[..n_terms];
        for (open, range, test, filter, close) in shapes {
            let ns = (0..n_terms as Cell).map(|at| terms.start + at);
            let places: Vec<(Cell, Cell)> = ns
                .clone()
                .flat_map(|n| range(n).filter(move |k| filter(n, *k)).map(move |k| (n, k)))
                .collect();
            let mut ends = Vec::new();
            for n in ns {
                ends.push(places.iter().take_while(|(m, _)| *m <= n).count());
            }
            type Two = fn(Cell, Cell) -> Option<Cell>;
            let functions: [(&str, Two); 6] = [
                (BINOMIAL, binomial),
                ("swap over - swap 1 swap 0 ?do over i - i 1+ */ loop nip", |n, k| binomial(n - k, k)),
                ("tuck + swap 1 swap 0 ?do over i - i 1+ */ loop nip", |n, k| binomial(n + k, k)),
                ("nip 1 swap 1+ 1 ?do i * loop", |_, k| (1..=k).try_fold(1, |x: Cell, i| x.checked_mul(i))),
                ("1 swap 0 ?do over * loop nip", power),
                ("swap 1 swap 0 ?do over * loop nip", |n, k| power(k, n)),
            ];
            let plain: [(&str, Two); 2] = [("", |n, _| Some(n)), ("", |_, k| Some(k))];
            let mut leaves = Vec::new();
            for (code, eval) in plain.into_iter().chain(functions) {
                let extra_bits = if code.is_empty() { 0 } else { FEATURE_BITS };
                if let Some(column) = places.iter().map(|(n, k)| eval(*n, *k)).collect::<Option<Vec<_>>>() {
                    leaves.push(Leaf { code: code.into(), column, extra_bits });
                }
            }
            let mut pool = Pool::new(places.len());
            for (number, leaf) in leaves.iter().enumerate() {
                pool.leaf(number, &leaf.column, leaf.extra_bits);
            }
            pool.constants();
            let left = self.candidates_max.saturating_sub(self.tried).min(TRIED_MAX / 6);
            while pool.len() < 4000 && pool.grow(4000, left) {}
            self.tried += 2 * pool.tried;
            let mut best: Option<(u32, u32, &str)> = None;
            for id in 0..pool.len() as u32 {
                let values = pool.values(id);
                let cost = pool.bits_of(id);
                if best.is_some_and(|(least, ..)| cost >= least) {
                    continue;
                }
                let parts =
                    || ends.iter().scan(0, |from, end| Some(&values[std::mem::replace(from, *end)..*end]));
                let sums = || parts().map(|part| part.iter().fold(0, |sum: Cell, x| sum.wrapping_add(*x)));
                let products =
                    || parts().map(|part| part.iter().fold(1, |sum: Cell, x| sum.wrapping_mul(*x)));
                if sums().eq(wanted.iter().copied()) {
                    best = Some((cost, id, "+"));
                } else if products().eq(wanted.iter().copied()) {
                    best = Some((cost, id, "*"));
                }
            }
            let Some((cost, id, op)) = best else { continue };
            let meet = Meet::Entry(id);
            let used: Vec<usize> = pool.leaves(meet).into_iter().filter(|leaf| *leaf > 1).collect();
            let mut code = Code::new();
            code.words(if op == "+" { "0" } else { "1" }).words(open).words(test).words("over i");
            for (position, leaf) in used.iter().enumerate() {
                match position {
                    0 => code.words("2dup"),
                    _ => {
                        let depth = position as i128 + 1;
                        code.number(depth).words("pick").number(depth).words("pick")
                    }
                };
                code.words(&leaves[*leaf].code);
            }
            let mut exprs = Exprs::new(2 + used.len());
            let input = |leaf: usize| used.iter().position(|used| *used == leaf).map_or(leaf, |at| at + 2);
            let root = pool.express(meet, &mut exprs, &input);
            code.words(&schedule(&exprs, &[root])).words(op).words(close).words("loop nip");
            if self.offer("sum over k", code.into_text(), cost + 3, n_terms - 1) {
                return true;
            }
        }
        false
    }

    /// Rows of a triangle one after the other: a function of row and column.
    fn triangle(&mut self) -> bool {
        let (values, start) = (self.terms.values, self.terms.start);
        if values.len() < 15 || !(0..=1).contains(&start) {
            return false;
        }
        let places: Vec<(Cell, Cell)> =
            (0..).flat_map(|r| (0..=r).map(move |k| (r, k))).take(values.len()).collect();
        type Two = fn(Cell, Cell) -> Option<Cell>;
        let plain: [(&str, Two); 2] = [("", |r, _| Some(r)), ("", |_, k| Some(k))];
        let functions: [(&str, Two); 9] = [
            ("1 swap 0 ?do over i - * i 1+ / loop nip", |r, k| {
                Some((0..k).fold(1, |c: Cell, i| c * (r - i) / (i + 1)))
            }),
            ("tuck - 1 swap 0 ?do over * loop nip", |r, k| {
                (0..r - k).try_fold(1, |x: Cell, _| x.checked_mul(k))
            }),
            ("1+ tuck 1- - 1 swap 0 ?do over * loop nip", |r, k| {
                (0..r - k).try_fold(1, |x: Cell, _| x.checked_mul(k + 1))
            }),
            ("1 swap 0 ?do over * loop nip", |r, k| (0..k).try_fold(1, |x: Cell, _| x.checked_mul(r))),
            ("tuck - 1+ swap 1 swap 0 ?do over * loop nip", |r, k| {
                (0..k).try_fold(1, |x: Cell, _| x.checked_mul(r - k + 1))
            }),
            ("swap 1+ swap 1+ begin ?dup while tuck mod repeat", |r, k| Some(gcd(r + 1, k + 1))),
            ("begin ?dup while tuck mod repeat", |r, k| Some(gcd(r, k))),
            ("drop 1 swap 1+ 1 ?do i * loop", |r, _| Some((1..=r).product())),
            ("nip 1 swap 1+ 1 ?do i * loop", |_, k| Some((1..=k).product())),
        ];
        let mut leaves = Vec::new();
        for (code, eval) in plain.into_iter().chain(functions) {
            let extra_bits = if code.is_empty() { 0 } else { FEATURE_BITS };
            if let Some(column) = places.iter().map(|(r, k)| eval(*r, *k)).collect::<Option<Vec<_>>>() {
                leaves.push(Leaf { code: code.into(), column, extra_bits });
            }
        }
        let mut pool = Pool::new(values.len());
        for (number, leaf) in leaves.iter().enumerate() {
            pool.leaf(number, &leaf.column, leaf.extra_bits);
        }
        pool.constants();
        self.grow(&mut pool, 3);
        let found = pool.meet(values);
        self.tried += pool.tried;
        let Some((meet, cost)) = found else { return false };
        let used: Vec<usize> = pool.leaves(meet).into_iter().filter(|leaf| *leaf > 1).collect();
        let mut code = Code::new();
        code.plus(-i128::from(start)).words("0 begin 2dup > while 1+ tuck - swap repeat swap");
        for (position, leaf) in used.iter().enumerate() {
            match position {
                0 => code.words("2dup"),
                _ => {
                    code.number(position as i128 + 1).words("pick").number(position as i128 + 1).words("pick")
                }
            };
            code.words(&leaves[*leaf].code);
        }
        let mut exprs = Exprs::new(2 + used.len());
        let input = |leaf: usize| used.iter().position(|used| *used == leaf).map_or(leaf, |at| at + 2);
        let root = pool.express(meet, &mut exprs, &input);
        code.words(&schedule(&exprs, &[root]));
        self.offer("triangle", code.into_text(), cost + 4, values.len() - 1)
    }
}

/// Code that replaces r and k by a binomial coefficient.
const BINOMIAL: &str = "1 swap 0 ?do over i - i 1+ */ loop nip";

fn binomial(r: Cell, k: Cell) -> Option<Cell> {
    if r < 0 || !(0..=100).contains(&k) {
        return None;
    }
    let product =
        (0..i128::from(k)).try_fold(1i128, |c, i| Some(c.checked_mul(i128::from(r) - i)? / (i + 1)))?;
    Cell::try_from(product).ok()
}

fn power(base: Cell, exponent: Cell) -> Option<Cell> {
    (0..=200).contains(&exponent).then(|| (0..exponent).try_fold(1, |x: Cell, _| x.checked_mul(base)))?
}

/// Powers with n as base or exponent or both, and binomial coefficients of multiples of n.
fn powers_and_binomials(at: &[Cell]) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let mut add = |extra_bits: u32, code: &dyn Fn(&mut Code), eval: &dyn Fn(Cell) -> Option<Cell>| {
        if let Some(column) = at.iter().map(|n| eval(*n)).collect::<Option<Vec<_>>>() {
            let mut text = Code::new();
            code(&mut text);
            leaves.push(Leaf { code: text.into_text(), column, extra_bits });
        }
    };
    for c in [-1, -2, 3, 4, 5, 6, 7, 8, 9, 10] {
        add(
            bits(c),
            &|code| {
                code.number(c).words("1 rot 0 ?do over * loop nip");
            },
            &|n| power(c as Cell, n),
        );
    }
    for c in 3..=9 {
        add(
            bits(c),
            &|code| {
                code.words("1").number(c).words("0 do over * loop nip");
            },
            &|n| power(n, c as Cell),
        );
    }
    for (base, exponent) in [(0, 0), (1, 0), (1, 1), (0, -1), (1, -1), (0, 1), (2, 0), (0, -2)] {
        add(
            4,
            &|code| {
                code.words("dup").plus(base).words("1 rot").plus(exponent).words("0 ?do over * loop nip");
            },
            &|n| power(n + base as Cell, n + exponent as Cell),
        );
    }
    for a in 1..=8i128 {
        for b in -2..=3i128 {
            for c in 0..=4i128 {
                for d in -2..=3i128 {
                    if c > a || (c == 0 && d < 2) {
                        continue;
                    }
                    add(
                        bits(a) + bits(b) + bits(c) + bits(d),
                        &|code| {
                            if c == 0 {
                                code.times(a).plus(b).number(d).words(BINOMIAL);
                            } else {
                                code.words("dup")
                                    .times(a)
                                    .plus(b)
                                    .words("swap")
                                    .times(c)
                                    .plus(d)
                                    .words(BINOMIAL);
                            }
                        },
                        &|n| binomial(n * a as Cell + b as Cell, n * c as Cell + d as Cell),
                    );
                }
            }
        }
    }
    leaves
}

/// A hole filled from functions of one number.
struct Hole<'h> {
    pool: &'h Pool,
    leaves: &'h [Leaf],
    meet: Meet,
    /// The word that gives the number; it lies on the stack where there is none.
    index: Option<&'static str>,
}

impl Hole<'_> {
    /// Code that leaves the value: for each function that is used its number, then what is made of them.
    fn write(&self) -> Option<String> {
        let used = self.pool.leaves(self.meet);
        let with_n = used.first() == Some(&0);
        let functions = &used[usize::from(with_n)..];
        if functions.len() > 2 {
            return None;
        }
        let mut code = Code::new();
        match (self.index, with_n, functions) {
            (Some(index), ..) => {
                if with_n {
                    code.words(index);
                }
                for function in functions {
                    code.words(index).words(&self.leaves[*function].code);
                }
            }
            (None, true, []) => {}
            (None, true, [f]) => {
                code.words("dup").words(&self.leaves[*f].code);
            }
            (None, true, [f, g, ..]) => {
                code.words("dup").words(&self.leaves[*f].code).words("over").words(&self.leaves[*g].code);
            }
            (None, false, []) => {
                code.words("drop");
            }
            (None, false, [f]) => {
                code.words(&self.leaves[*f].code);
            }
            (None, false, [f, g, ..]) => {
                code.words("dup").words(&self.leaves[*f].code).words("swap").words(&self.leaves[*g].code);
            }
        }
        let mut exprs = Exprs::new(used.len());
        let position = |leaf: usize| used.iter().position(|used| *used == leaf).unwrap_or(0);
        let root = self.pool.express(self.meet, &mut exprs, &position);
        code.words(&schedule(&exprs, &[root]));
        Some(code.into_text())
    }
}

/// A rule with the terms before it as exceptions, and their bits.
fn exceptional(terms: &Terms<'_>, skipped: usize, rule: &str) -> (String, u32) {
    let code = super::with_exceptions(terms, skipped, "", rule);
    let cost = occam::bits_of(terms.values[..skipped].iter().map(|value| i128::from(*value)));
    (code, cost + 4 * skipped as u32)
}
