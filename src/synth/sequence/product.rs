//! Generating functions that are products of (1-x^d)^-b(d): partitions into given parts, ways of giving change, Molien
//! series, eta quotients and theta functions. The exponents b are read off the terms; they count when they are periodic,
//! a polynomial, or nearly all zero.

use crate::synth::sequence::closed::{self, Polynomial};
use crate::synth::sequence::code::Code;
use crate::synth::sequence::occam::{bits, bits_of};
use crate::synth::sequence::{Guess, Terms};

/// Most factors that are listed one by one.
const LISTED_MAX: usize = 8;

/// n, the coefficients, and the power that one factor raises x to.
const PROLOGUE: &str = "here 0 {: n a d :} n";

/// Longest period of the exponents.
const PERIOD_MAX: usize = 16;

/// Greatest exponent: each unit of it is one pass over the coefficients.
const EXPONENT_MAX: i128 = 64;

enum Exponents {
    Listed(Vec<(i128, i128)>),
    Periodic(Vec<i128>),
    Polynomial(Polynomial),
}

/// The product, times a constant.
pub fn fit(terms: &Terms<'_>) -> Option<Guess> {
    let values = terms.wide();
    let scale = values[0];
    if scale == 0 || values.iter().any(|x| x % scale != 0) {
        return None;
    }
    let series: Vec<i128> = values.iter().map(|x| x / scale).collect();
    let exponents = exponents(&series)?;
    if exponents.iter().any(|b| b.abs() > EXPONENT_MAX) || exponents.iter().all(|b| *b == 0) {
        return None;
    }
    let (rule, parameters) = rule(&exponents)?;
    let cost = match &rule {
        Exponents::Listed(factors) => factors.iter().map(|(d, b)| bits(*d) + bits(*b) - 2).sum(),
        Exponents::Periodic(table) => bits_of(table.iter().copied().chain([table.len() as i128])),
        Exponents::Polynomial(polynomial) => polynomial.bits(),
    };
    let code = write(terms.start, scale, &rule, exponents.iter().any(|b| *b < 0));
    Some(Guess { prologue: PROLOGUE, code, bits: cost + bits(scale), parameters: parameters + 1 })
}

/// b(1), b(2), …; `None` where they are no integers or do not fit.
fn exponents(series: &[i128]) -> Option<Vec<i128>> {
    let n = series.len() - 1;
    let mut sums = vec![0i128; n + 1];
    let mut found = vec![0i128; n + 1];
    for m in 1..=n {
        let mut sum = (m as i128).checked_mul(series[m])?;
        for k in 1..m {
            sum = sum.checked_sub(sums[k].checked_mul(series[m - k])?)?;
        }
        sums[m] = sum;
        let smaller = (1..m).filter(|d| m % d == 0).map(|d| d as i128 * found[d]);
        let rest = sum.checked_sub(smaller.sum())?;
        if rest % m as i128 != 0 {
            return None;
        }
        found[m] = rest / m as i128;
    }
    found.remove(0);
    Some(found)
}

/// What says the exponents in the fewest numbers, and how many these are.
fn rule(exponents: &[i128]) -> Option<(Exponents, usize)> {
    let n = exponents.len();
    let period = (1..=PERIOD_MAX.min(n.saturating_sub(3)))
        .find(|p| exponents.iter().zip(&exponents[*p..]).all(|(a, b)| a == b));
    let listed: Vec<(i128, i128)> =
        (1..).zip(exponents).filter(|(_, b)| **b != 0).map(|(d, b)| (d, *b)).collect();
    let last = listed.last().map_or(0, |(d, _)| *d as usize);
    let listed = (listed.len() <= LISTED_MAX && n - last >= 4 && 2 * listed.len() + 4 <= n).then_some(listed);
    let polynomial = closed::polynomial_through(1, exponents, 4).filter(|p| p.degree() <= 3);
    match (period, listed, polynomial) {
        (Some(1), _, _) => Some((Exponents::Periodic(exponents[..1].to_vec()), 1)),
        (Some(p), Some(listed), _) if 2 * listed.len() < p => {
            let parameters = 2 * listed.len();
            Some((Exponents::Listed(listed), parameters))
        }
        (Some(p), ..) => {
            let table = (0..p).map(|residue| exponents[(residue + p - 1) % p]).collect();
            Some((Exponents::Periodic(table), p))
        }
        (None, Some(listed), _) => {
            let parameters = 2 * listed.len();
            Some((Exponents::Listed(listed), parameters))
        }
        (None, None, Some(polynomial)) => {
            let parameters = polynomial.degree() + 1;
            Some((Exponents::Polynomial(polynomial), parameters))
        }
        (None, None, None) => None,
    }
}

/// The coefficients in memory, multiplied by one factor after the other.
fn write(start: i64, scale: i128, rule: &Exponents, has_negative: bool) -> String {
    let mut code = Code::new();
    code.plus(-i128::from(start)).words("to n");
    let up = "n 1+ d ?do a i d - cells + @ a i cells + +! loop";
    // Multiplying by 1-x^d runs downwards; the limit itself is included, and d is never above n here.
    let down = "d n do a i d - cells + @ negate a i cells + +! -1 +loop";
    code.words("n 1+ cells allot a n 1+ cells erase");
    code.number(scale).words("a !");
    match rule {
        Exponents::Listed(factors) => {
            let mut count = 0;
            for (d, b) in factors.iter().rev() {
                for _ in 0..b.abs() {
                    code.number(if *b > 0 { *d } else { -d });
                    count += 1;
                }
            }
            code.number(count).words("0 do");
            if has_negative {
                code.words("dup abs to d d n > if drop else 0< if").words(down).words("else").words(up);
                code.words("then then loop");
            } else {
                code.words("to d n d < 0= if").words(up).words("then loop");
            }
        }
        other => {
            code.words("n 1+ 1 ?do i to d");
            match other {
                Exponents::Periodic(table) if table.len() == 1 => {
                    code.number(table[0]);
                }
                Exponents::Periodic(table) => {
                    code.words("d").number(table.len() as i128).words("mod").table(table);
                }
                Exponents::Polynomial(polynomial) => {
                    code.words("d");
                    polynomial.write(&mut code);
                }
                Exponents::Listed(_) => unreachable!("taken above"),
            }
            let is_one = matches!(other, Exponents::Periodic(table) if table[..] == [1]);
            if is_one {
                let text = code.into_text();
                code = Code::new();
                code.words(text.trim_end_matches(" 1")).words(up);
            } else if has_negative {
                code.words("dup abs 0 ?do dup 0< if").words(down).words("else").words(up);
                code.words("then loop drop");
            } else {
                code.words("0 ?do").words(up).words("loop");
            }
            code.words("loop");
        }
    }
    code.words("a n cells + @ n 1+ cells negate allot");
    code.into_text()
}
