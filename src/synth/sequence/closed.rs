//! Closed forms of a sequence, from its terms alone: constant, polynomial, periodic, quasi-polynomial, linear recurrence.

use crate::synth::sequence::code::Code;
use crate::synth::sequence::exact::{self, PRIME};
use crate::synth::sequence::occam::bits_of;
use crate::synth::sequence::{Guess, Terms, table_text};

/// Highest degree of a polynomial.
const DEGREE_MAX: usize = 12;

/// Longest period.
const PERIOD_MAX: usize = 24;

/// Longest linear recurrence.
const ORDER_MAX: usize = 16;

/// Greatest coefficient of a linear recurrence.
const COEFFICIENT_MAX: i128 = 1 << 40;

/// How many places beyond the terms must not overflow for a form to be taken as it is.
const REACH: i128 = 2;

/// An integer polynomial over a common denominator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Polynomial {
    /// Coefficients, constant first.
    pub coefficients: Vec<i128>,
    /// What the value is divided by.
    pub denominator: i128,
}

impl Polynomial {
    /// The numerator at `x`, unless it overflows.
    pub fn numerator(&self, x: i128) -> Option<i128> {
        self.coefficients.iter().rev().try_fold(0i128, |sum, c| sum.checked_mul(x)?.checked_add(*c))
    }

    /// The degree.
    pub fn degree(&self) -> usize {
        self.coefficients.iter().rposition(|c| *c != 0).unwrap_or(0)
    }

    /// Whether everything on the way to the value fits a cell at `x`.
    fn is_safe(&self, x: i128) -> bool {
        let fits = |v: i128| i64::try_from(v).is_ok();
        let mut sum = 0i128;
        for c in self.coefficients.iter().rev() {
            let Some(product) = sum.checked_mul(x) else { return false };
            sum = product + c;
            if !fits(product) || !fits(sum) {
                return false;
            }
        }
        true
    }

    /// Code that replaces the number on top of the stack by the value.
    pub fn write(&self, code: &mut Code) {
        code.polynomial(&self.coefficients).over(self.denominator);
    }

    /// The bits of its numbers.
    pub fn bits(&self) -> u32 {
        bits_of(self.coefficients.iter().copied().chain([self.denominator - 1]))
    }
}

/// The polynomial of least degree through consecutive values, the first at `start`; it leaves at least `surplus` values
/// that it was not made from.
pub fn polynomial_through(start: i64, values: &[i128], surplus: usize) -> Option<Polynomial> {
    let mut row: Vec<i128> = values.to_vec();
    let mut leading = Vec::new();
    loop {
        if row.len() < surplus || leading.len() > DEGREE_MAX + 1 {
            return None;
        }
        if row.iter().all(|x| *x == 0) {
            break;
        }
        leading.push(row[0]);
        row = row.windows(2).map(|pair| pair[1].checked_sub(pair[0])).collect::<Option<_>>()?;
    }
    // The sum of leading[k] * binomial(x - start, k), over the factorial of the degree.
    let degree = leading.len().saturating_sub(1);
    let mut sum = vec![0i128; degree + 1];
    let mut falling = vec![1i128];
    let mut scale: i128 = (1..=degree as i128).product();
    let denominator = scale;
    for (k, difference) in leading.iter().enumerate() {
        if k > 0 {
            scale /= k as i128;
            let root = i128::from(start) + k as i128 - 1;
            let mut next = vec![0i128; falling.len() + 1];
            for (at, c) in falling.iter().enumerate() {
                next[at + 1] = next[at + 1].checked_add(*c)?;
                next[at] = next[at].checked_sub(c.checked_mul(root)?)?;
            }
            falling = next;
        }
        for (at, c) in falling.iter().enumerate() {
            sum[at] = sum[at].checked_add(c.checked_mul(difference.checked_mul(scale)?)?)?;
        }
    }
    let divisor = sum.iter().fold(denominator, |so_far, c| exact::gcd(so_far, *c));
    sum.iter_mut().for_each(|c| *c /= divisor);
    Some(Polynomial { coefficients: sum, denominator: denominator / divisor })
}

/// A polynomial through all terms.
pub fn polynomial(terms: &Terms<'_>) -> Option<Guess> {
    let found = polynomial_through(terms.start, &terms.wide(), 2)?;
    let last = i128::from(terms.start) + REACH * terms.values.len() as i128;
    if !found.is_safe(last) && found.degree() > 1 {
        // The recurrence of binomial coefficients is exact whatever the size.
        let mut guess = recurrence(terms)?;
        guess.bits = found.bits();
        guess.parameters = found.degree() + 1;
        return Some(guess);
    }
    let mut code = Code::new();
    found.write(&mut code);
    Some(Guess { prologue: "", code: code.into_text(), bits: found.bits(), parameters: found.degree() + 1 })
}

/// The same values over and over.
pub fn periodic(terms: &Terms<'_>) -> Option<Guess> {
    let values = terms.values;
    let period = (2..=PERIOD_MAX.min(values.len().saturating_sub(2)))
        .find(|p| values.iter().zip(&values[*p..]).all(|(a, b)| a == b))?;
    let at_residue = |r: usize| terms.wide_at(terms.first_of_residue(period, r));
    let table: Vec<i128> = (0..period).map(at_residue).collect();
    let mut code = Code::new();
    code.number(period as i128).words("mod");
    code.words(&table_text(&table));
    let bits = bits_of(table.iter().copied().chain([period as i128]));
    Some(Guess { prologue: "", code: code.into_text(), bits, parameters: period })
}

/// A polynomial whose constant depends on n mod m: a rounded polynomial where that says it, a table otherwise.
pub fn quasi_polynomial(terms: &Terms<'_>) -> Option<Guess> {
    let values = terms.wide();
    let mut best: Option<Guess> = None;
    for period in 2..=PERIOD_MAX.min(values.len().saturating_sub(3)) {
        let steps: Vec<i128> = values.iter().zip(&values[period..]).map(|(a, b)| b - a).collect();
        let surplus = if steps.len() > 6 { 3 } else { 2 };
        let Some(step) = polynomial_through(terms.start, &steps, surplus) else { continue };
        if step.degree() > 3 || step.coefficients.iter().all(|c| *c == 0) {
            continue;
        }
        // A polynomial whose step over one period is that: through the values at one residue.
        let degree = step.degree() + 1;
        let Some(common) = rise(&step, period as i128) else { continue };
        for guess in [rounded(terms, &common, period), tabulated(terms, &common, period, degree)] {
            let Some(guess) = guess else { continue };
            if best.as_ref().is_none_or(|best| guess.bits < best.bits) {
                best = Some(guess);
            }
        }
    }
    best
}

/// The polynomial without a constant that grows by `step` over each period.
fn rise(step: &Polynomial, period: i128) -> Option<Polynomial> {
    // Its values at multiples of the period are sums of steps; three more than the degree make it sure.
    let n = step.degree() as i128 + 3;
    let mut at_multiples = vec![0i128];
    for k in 0..n {
        let so_far = *at_multiples.last()?;
        at_multiples.push(so_far.checked_add(step.numerator(k * period)?)?);
    }
    // Over step.denominator; x = k * period turns k^j into x^j / period^j.
    let in_k = polynomial_through(0, &at_multiples, 2)?;
    let degree = in_k.degree();
    let power = |e: usize| (0..e).try_fold(1i128, |so_far, _| so_far.checked_mul(period));
    let mut coefficients = Vec::new();
    for (j, c) in in_k.coefficients.iter().enumerate().take(degree + 1) {
        coefficients.push(c.checked_mul(power(degree - j)?)?);
    }
    let denominator = in_k.denominator.checked_mul(step.denominator)?.checked_mul(power(degree)?)?;
    let divisor = coefficients.iter().fold(denominator, |so_far, c| exact::gcd(so_far, *c));
    coefficients.iter_mut().for_each(|c| *c /= divisor);
    Some(Polynomial { coefficients, denominator: denominator / divisor })
}

/// `(p(n) + c) / d`, floored, if some c gives all terms.
fn rounded(terms: &Terms<'_>, common: &Polynomial, period: usize) -> Option<Guess> {
    let residual = residuals(terms, common, period)?;
    let (low, high) = (*residual.iter().min()?, *residual.iter().max()?);
    if high - low >= common.denominator {
        return None;
    }
    let fits = |c: i128| {
        terms.wide().iter().enumerate().all(|(at, value)| {
            let x = i128::from(terms.start) + at as i128;
            common.numerator(x).is_some_and(|p| (p + c).div_euclid(common.denominator) == *value)
        })
    };
    // Any of these does it; the smallest says least.
    let constant = 0i128.clamp(high, low + common.denominator - 1);
    if !fits(constant) {
        return None;
    }
    let mut shifted = common.clone();
    shifted.coefficients[0] += constant;
    let last = i128::from(terms.start) + REACH * terms.values.len() as i128;
    if !shifted.is_safe(last) {
        return None;
    }
    let mut code = Code::new();
    shifted.write(&mut code);
    // Rounding hides much: unless the numerator is as plain as can be, a whole period must have been seen.
    let is_plain = common.degree() == 1 && common.coefficients[1].abs() == 1;
    let parameters = common.degree() + if is_plain { 2 } else { period };
    // Many rounded lines agree on few terms: its numbers count half as much again.
    let bits = shifted.bits() + if is_plain { 0 } else { shifted.bits() / 2 };
    Some(Guess { prologue: "", code: code.into_text(), bits, parameters })
}

/// denominator * value - p(n) for each residue of n, by residue; `None` where the terms do not agree on it.
fn residuals(terms: &Terms<'_>, common: &Polynomial, period: usize) -> Option<Vec<i128>> {
    let mut found = vec![None; period];
    for (at, value) in terms.wide().iter().enumerate() {
        let x = i128::from(terms.start) + at as i128;
        let rest = value.checked_mul(common.denominator)?.checked_sub(common.numerator(x)?)?;
        let slot = &mut found[x.rem_euclid(period as i128) as usize];
        if slot.is_some_and(|known| known != rest) {
            return None;
        }
        *slot = Some(rest);
    }
    found.into_iter().collect()
}

/// `(p(n) + table(n mod m)) / d`.
fn tabulated(terms: &Terms<'_>, common: &Polynomial, period: usize, degree: usize) -> Option<Guess> {
    let table = residuals(terms, common, period)?;
    let last = i128::from(terms.start) + REACH * terms.values.len() as i128;
    if !common.is_safe(last) {
        return None;
    }
    let mut code = Code::new();
    code.words("dup");
    code.polynomial(&common.coefficients).words("swap").number(period as i128).words("mod");
    code.words(&table_text(&table));
    code.words("+").over(common.denominator);
    let first = terms.wide_at(0);
    // One value for each residue, and what is common to all.
    let spread = table.iter().map(|rest| (rest - table[0]) / common.denominator).chain([first]);
    let bits = common.bits() + bits_of(spread) + bits_of([period as i128]);
    Some(Guess { prologue: "", code: code.into_text(), bits, parameters: period + degree })
}

/// The shortest linear recurrence with constant integer coefficients, by Berlekamp and Massey: a(n) is the sum of
/// `result[j] * a(n - 1 - j)`.
pub fn berlekamp_massey(values: &[i128]) -> Option<Vec<i128>> {
    let s: Vec<u64> = values.iter().map(|x| exact::residue(*x)).collect();
    let (mut current, mut before) = (vec![1u64], vec![1u64]);
    let (mut length, mut gap, mut discrepancy_before) = (0usize, 1usize, 1u64);
    for n in 0..s.len() {
        let mut discrepancy = s[n];
        for i in 1..=length.min(current.len() - 1) {
            discrepancy = exact::add(discrepancy, exact::mul(current[i], s[n - i]));
        }
        if discrepancy == 0 {
            gap += 1;
            continue;
        }
        let kept = current.clone();
        let factor = exact::mul(discrepancy, exact::inverse(discrepancy_before));
        current.resize(current.len().max(before.len() + gap), 0);
        for (i, x) in before.iter().enumerate() {
            current[i + gap] = exact::sub(current[i + gap], exact::mul(factor, *x));
        }
        if 2 * length <= n {
            length = n + 1 - length;
            before = kept;
            discrepancy_before = discrepancy;
            gap = 1;
        } else {
            gap += 1;
        }
    }
    if 2 * length > values.len() || length > ORDER_MAX {
        return None;
    }
    current.resize(length + 1, 0);
    let coefficients: Vec<i128> = current[1..].iter().map(|c| exact::signed((PRIME - c) % PRIME)).collect();
    coefficients.iter().all(|c| c.abs() <= COEFFICIENT_MAX).then_some(coefficients)
}

/// The digits of a fraction, in base 10 or the base just above the greatest digit.
pub fn fraction(terms: &Terms<'_>) -> Option<Guess> {
    let greatest = *terms.values.iter().max()?;
    if *terms.values.iter().min()? < 0 || !(1..=9).contains(&greatest) {
        return None;
    }
    [10, i128::from(greatest) + 1].into_iter().find_map(|base| {
        let scale = base.checked_pow(terms.values.len() as u32).filter(|scale| *scale < 1 << 100)?;
        let digits = terms.values.iter().fold(0i128, |sum, digit| sum * base + i128::from(*digit));
        let (numerator, denominator) = simplest_between((digits, scale), (digits + 1, scale))?;
        if denominator >= 1 << 40 {
            return None;
        }
        let mut code = Code::new();
        code.number(numerator).words("swap").number(terms.start.into()).words("?do").number(base).words("*");
        code.number(denominator).words("mod loop").number(base).words("*").number(denominator).words("/");
        let bits = bits_of([numerator, denominator]) + if base == 10 { 1 } else { 4 };
        Some(Guess { prologue: "", code: code.into_text(), bits, parameters: 2 })
    })
}

/// The fraction with the least denominator that is at least the first and below the second.
fn simplest_between(low: (i128, i128), high: (i128, i128)) -> Option<(i128, i128)> {
    let whole = low.0.div_euclid(low.1);
    if low.0 == whole * low.1 {
        return Some((whole, 1));
    }
    if (whole + 1) * high.1 < high.0 {
        return Some((whole + 1, 1));
    }
    // Both lie between whole and whole + 1: go on with what is left, upside down.
    let (rest_low, rest_high) = (low.0 - whole * low.1, high.0 - whole * high.1);
    if rest_high > high.1 || rest_high <= 0 {
        return None;
    }
    let (den, num) = simplest_above((high.1, rest_high), (low.1, rest_low))?;
    Some((whole * num + den, num))
}

/// The same, above the first and at most the second.
fn simplest_above(low: (i128, i128), high: (i128, i128)) -> Option<(i128, i128)> {
    let whole = low.0.div_euclid(low.1);
    if (whole + 1) * high.1 <= high.0 {
        return Some((1, whole + 1));
    }
    let (rest_low, rest_high) = (low.0 - whole * low.1, high.0 - whole * high.1);
    if rest_low == 0 {
        // Just above a whole number, upside down: anything large enough, at least 1 / rest.
        let least = (high.1 + rest_high - 1).div_euclid(rest_high);
        return Some((least, whole * least + 1));
    }
    let (num, den) = simplest_between((high.1, rest_high), (low.1, rest_low))?;
    Some((num, whole * num + den))
}

/// A linear recurrence.
pub fn recurrence(terms: &Terms<'_>) -> Option<Guess> {
    let values = terms.wide();
    let coefficients = berlekamp_massey(&values)?;
    let order = coefficients.len();
    if order == 0 {
        return None;
    }
    let bits = bits_of(coefficients.iter().chain(&values[..order]).copied());
    let code = recurrence_code(i128::from(terms.start), &coefficients, &values[..order]);
    Some(Guess { prologue: "", code, bits, parameters: 2 * order })
}

/// Code for a linear recurrence: the last terms on the stack, the oldest deepest.
fn recurrence_code(start: i128, coefficients: &[i128], first: &[i128]) -> String {
    let mut code = Code::new();
    let order = coefficients.len();
    let count = |code: &mut Code| {
        code.number(start).words("?do");
    };
    match (coefficients, first) {
        ([2], [factor]) if start >= 0 => {
            if start > 0 {
                code.plus(-start);
            }
            code.number(*factor).words("swap lshift");
        }
        ([c], [a]) => {
            code.number(*a).words("swap");
            count(&mut code);
            code.times(*c).words("loop");
        }
        ([c1, c2], [a, b]) if c1 + c2 == 1 && *c2 != -1 => {
            let (ratio, rise) = (-c2, b + c2 * a);
            code.number(*a).words("swap");
            count(&mut code);
            code.times(ratio).plus(rise).words("loop");
        }
        _ => {
            for value in first {
                code.number(*value);
            }
            match order {
                2 => code.words("rot"),
                _ => code.number(order as i128).words("roll"),
            };
            count(&mut code);
            let oldest = coefficients[order - 1];
            code.words(match order {
                2 if oldest == 1 && coefficients[0] != 0 => "tuck",
                2 => "swap",
                3 => "rot",
                _ => "",
            });
            if order > 3 {
                code.number(order as i128 - 1).words("roll");
            }
            let mut is_first = oldest == 0;
            if oldest == 0 {
                code.words("drop");
            } else {
                code.times(oldest);
            }
            for (at, c) in coefficients[..order - 1].iter().enumerate() {
                if *c == 0 {
                    continue;
                }
                let below = at + usize::from(!is_first);
                match (order, oldest, at, below) {
                    (2, 1, 0, _) => {}
                    (_, _, _, 0) => {
                        code.words("dup");
                    }
                    (_, _, _, 1) => {
                        code.words("over");
                    }
                    _ => {
                        code.number(below as i128).words("pick");
                    }
                }
                if *c == -1 && !is_first {
                    code.words("-");
                } else {
                    code.times(*c);
                    if !is_first {
                        code.words("+");
                    }
                }
                is_first = false;
            }
            if is_first {
                code.words("0");
            }
            code.words("loop");
            let mut left = order - 1;
            while left > 1 {
                code.words("2drop");
                left -= 2;
            }
            if left == 1 {
                code.words("drop");
            }
        }
    }
    code.into_text()
}
