//! Recurrences whose coefficients are polynomials in n (factorials, Catalan and Motzkin numbers, sums of binomials), and
//! those of continued fractions, whose one coefficient is periodic.

use crate::synth::sequence::code::Code;
use crate::synth::sequence::exact;
use crate::synth::sequence::occam::bits_of;
use crate::synth::sequence::{Guess, Terms, table_text};

/// Orders and degrees that are tried, fewest unknowns first.
const SHAPES: [(usize, usize); 8] = [(1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (2, 2), (1, 4), (3, 2)];

/// Equations that must hold beyond those that determine the unknowns.
const SURPLUS: usize = 2;

/// Values of n up to which the divisor must not vanish.
const REACH: i128 = 1000;

/// `p0(n) a(n) = p1(n) a(n-1) + … + pr(n) a(n-r)`, divided exactly.
pub fn fit(terms: &Terms<'_>) -> Option<Guess> {
    let values = terms.wide();
    let residues: Vec<u64> = values.iter().map(|x| exact::residue(*x)).collect();
    SHAPES.iter().find_map(|(order, degree)| {
        let unknowns = (order + 1) * (degree + 1);
        if values.len() < order + unknowns - 1 + SURPLUS {
            return None;
        }
        let start = i128::from(terms.start);
        let mut rows: Vec<Vec<u64>> = (*order..values.len())
            .map(|at| {
                let n = exact::residue(start + at as i128);
                let mut row = Vec::with_capacity(unknowns);
                for back in 0..=*order {
                    let mut product = residues[at - back];
                    for _ in 0..=*degree {
                        row.push(product);
                        product = exact::mul(product, n);
                    }
                }
                row
            })
            .collect();
        let vector = exact::null_vector(&mut rows, unknowns)?;
        let mut parts: Vec<Vec<i128>> = vector.chunks(degree + 1).map(<[i128]>::to_vec).collect();
        let leading = parts[0].iter().rev().find(|c| **c != 0)?;
        // Divisor positive in the long run, the rest on the other side.
        let sign = leading.signum();
        for (at, part) in parts.iter_mut().enumerate() {
            part.iter_mut().for_each(|c| *c *= if at == 0 { sign } else { -sign });
        }
        let first_index = start + *order as i128;
        if (first_index..first_index + REACH).any(|n| value(&parts[0], n) == 0) {
            return None;
        }
        if !exactly_right(&values, start, &parts)
            || parts[1..].iter().all(|part| part.iter().all(|c| *c == 0))
        {
            return None;
        }
        let code = write(start, &parts, &values[..*order])?;
        let coefficients = parts.iter().flatten().copied();
        let bits = bits_of(coefficients.chain(values[..*order].iter().copied()));
        Some(Guess { prologue: "", code, bits, parameters: order + unknowns - 1 })
    })
}

fn value(polynomial: &[i128], n: i128) -> i128 {
    polynomial.iter().rev().fold(0i128, |sum, c| sum.wrapping_mul(n).wrapping_add(*c))
}

/// Whether the relation holds in the integers, not only modulo the prime, and without leaving 128 bits.
fn exactly_right(values: &[i128], start: i128, parts: &[Vec<i128>]) -> bool {
    let order = parts.len() - 1;
    (order..values.len()).all(|at| {
        let n = start + at as i128;
        let term = |back: usize| value(&parts[back], n).checked_mul(values[at - back]);
        let sum = (1..=order).try_fold(0i128, |sum, back| sum.checked_add(term(back)?));
        sum.is_some() && sum == term(0)
    })
}

/// The last terms on the stack, the oldest deepest; products and sums in two cells where they are divided.
fn write(start: i128, parts: &[Vec<i128>], first: &[i128]) -> Option<String> {
    let mut code = Code::new();
    let order = first.len();
    let next = start + order as i128;
    let is_whole = parts[0][0] == 1 && parts[0][1..].iter().all(|c| *c == 0);
    let is_zero = |part: &[i128]| part.iter().all(|c| *c == 0);
    let factor = |code: &mut Code, part: &[i128]| {
        code.polynomial_of("i", part);
    };
    if order == 1 {
        code.number(first[0]).words("swap 1+").number(next).words("?do");
        factor(&mut code, &parts[1]);
        if is_whole {
            code.words("* loop");
        } else {
            factor(&mut code, &parts[0]);
            code.words("*/ loop");
        }
        return Some(code.into_text());
    }
    // The first terms are given as they are, so that nothing beyond a(n) is computed: it might not fit a cell.
    for (at, value) in first.iter().enumerate().take(order - 1) {
        code.words("dup");
        match start + at as i128 {
            0 => code.words("0="),
            n => code.number(n).words("="),
        };
        code.words("if drop").number(*value).words("else");
    }
    for value in first {
        code.number(*value);
    }
    match order {
        2 => code.words("rot"),
        _ => code.number(order as i128).words("roll"),
    };
    code.words("1+").number(next).words("?do");
    // The oldest goes last, so that it can be taken away.
    let mut width = 0;
    for (back, part) in parts.iter().enumerate().skip(1) {
        let is_oldest = back == order;
        // Above the terms lie the cells of the sum so far.
        let depth = back - 1 + width;
        match (is_oldest, is_zero(part)) {
            (false, true) => continue,
            (false, false) if depth == 0 => code.words("dup"),
            (false, false) if depth == 1 => code.words("over"),
            (false, false) => code.number(depth as i128).words("pick"),
            (true, _) if depth == 1 => code.words("swap"),
            (true, _) if depth == 2 => code.words("rot"),
            (true, _) => code.number(depth as i128).words("roll"),
        };
        if is_oldest && is_zero(part) {
            code.words("drop");
            continue;
        }
        factor(&mut code, part);
        match (is_whole, width) {
            (true, 0) => code.words("*"),
            (true, _) => code.words("* +"),
            (false, 0) => code.words("m*"),
            (false, _) => code.words("m* d+"),
        };
        width = if is_whole { 1 } else { 2 };
    }
    if !is_whole {
        factor(&mut code, &parts[0]);
        code.words("fm/mod nip");
    }
    code.words("loop");
    for _ in 1..order {
        code.words("nip");
    }
    for _ in 1..order {
        code.words("then");
    }
    Some(code.into_text())
}

/// `a(n) = q(n) a(n-1) ± a(n-2)` with q periodic: numerators and denominators of the convergents of square roots.
pub fn continued(terms: &Terms<'_>) -> Option<Guess> {
    let values = terms.wide();
    [1, -1].into_iter().find_map(|sign| {
        let quotients: Vec<i128> = values
            .windows(3)
            .map(|three| {
                let rest = three[2] - sign * three[0];
                (three[1] != 0 && rest % three[1] == 0).then(|| rest / three[1])
            })
            .collect::<Option<_>>()?;
        let period = (2..quotients.len().saturating_sub(1))
            .find(|p| quotients.iter().zip(&quotients[*p..]).all(|(a, b)| a == b))?;
        let start = i128::from(terms.start);
        let first = start + 2;
        let table: Vec<i128> = (0..period as i128)
            .map(|residue| quotients[(residue - first).rem_euclid(period as i128) as usize])
            .collect();
        let mut code = Code::new();
        code.number(values[0]).number(values[1]).words("rot 2 +").number(first).words("?do tuck i");
        code.number(period as i128).words("mod").words(&table_text(&table));
        code.words(if sign > 0 { "* + loop drop" } else { "* swap - loop drop" });
        let numbers = table.iter().copied().chain([period as i128, values[0], values[1], sign]);
        Some(Guess { prologue: "", code: code.into_text(), bits: bits_of(numbers), parameters: period + 2 })
    })
}
