//! Polynomials through scattered cases: of one input, linear in each of two, or weighted sums of more. What is no sequence may
//! yet be a line or a parabola, whatever its numbers.

use crate::model::{Cell, Strategy};
use crate::synth::sequence::closed::Polynomial;
use crate::synth::sequence::code::Code;
use crate::synth::sequence::exact;
use crate::synth::sequence::{Proposal, occam};

/// Highest degree of a polynomial of one input.
const DEGREE_MAX: usize = 6;

/// Most cases that coefficients are taken from; all are compared with what these give.
const CASES_MAX: usize = 32;

/// The polynomial of the fewest coefficients through all cases, where there are more cases than coefficients.
pub fn fit(inputs: &[&[Cell]], output: &[Cell]) -> Option<Proposal> {
    match inputs {
        [x] => of_one(&distinct(output.iter().zip(*x).map(|(value, x)| [*x, *value]))?),
        [x, y] => {
            of_two(&distinct(output.iter().zip(x.iter().zip(*y)).map(|(value, (x, y))| [*x, *y, *value]))?)
        }
        [] => None,
        many => of_many(many, output),
    }
}

/// The cases in order, each once; `None` where one input has two outputs.
fn distinct<C: AsRef<[Cell]> + Ord>(cases: impl Iterator<Item = C>) -> Option<Vec<C>> {
    let mut cases: Vec<C> = cases.collect();
    cases.sort_unstable();
    cases.dedup();
    let inputs = |case: &C| case.as_ref().split_last().map(|(_, inputs)| inputs.to_vec());
    let is_function = cases.windows(2).all(|pair| inputs(&pair[0]) != inputs(&pair[1]));
    is_function.then_some(cases)
}

fn of_one(cases: &[[Cell; 2]]) -> Option<Proposal> {
    (1..=DEGREE_MAX.min(cases.len().saturating_sub(2))).find_map(|degree| {
        let powers = |x: Cell| (0..=degree as u32).map(|power| i128::from(x).checked_pow(power)).collect();
        let (coefficients, denominator) = combination(cases, degree + 1, |[x, value]| (powers(*x), *value))?;
        let found = Polynomial { coefficients, denominator };
        let mut code = Code::new();
        found.write(&mut code);
        Some(proposal(code, found.bits(), degree + 1, cases))
    })
}

fn of_two(cases: &[[Cell; 3]]) -> Option<Proposal> {
    [3, 4].into_iter().filter(|n| *n < cases.len()).find_map(|n| {
        let products = |x: Cell, y: Cell| {
            let all = [1, x.into(), y.into(), i128::from(x) * i128::from(y)];
            Some(all[..n].to_vec())
        };
        let (mut coefficients, denominator) =
            combination(cases, n, |[x, y, value]| (products(*x, *y), *value))?;
        coefficients.resize(4, 0);
        let bits = occam::bits_of(coefficients.iter().copied().chain([denominator - 1]));
        let code = bilinear(coefficients.try_into().ok()?, denominator);
        Some(proposal(code, bits, n, cases))
    })
}

/// `a + b x + c y + …`, one coefficient for each input.
fn of_many(inputs: &[&[Cell]], output: &[Cell]) -> Option<Proposal> {
    let case = |at: usize| inputs.iter().map(|column| column[at]).chain([output[at]]).collect::<Vec<Cell>>();
    let cases = distinct((0..output.len()).map(case))?;
    let n = inputs.len() + 1;
    if cases.len() <= n {
        return None;
    }
    let parts = |case: &Vec<Cell>| {
        let (value, inputs) = case.split_last().expect("the output is there");
        (Some([1].into_iter().chain(inputs.iter().map(|x| i128::from(*x))).collect()), *value)
    };
    let (coefficients, denominator) = combination(&cases, n, parts)?;
    let bits = occam::bits_of(coefficients.iter().copied().chain([denominator - 1]));
    let (constant, weights) = coefficients.split_first()?;
    let mut code = Code::new();
    // From the top of the stack down. What counts for nothing is dropped, and the sum begins at the first that counts.
    let mut has_sum = false;
    for weight in weights.iter().rev() {
        match (has_sum, *weight) {
            (false, 0) => code.words("drop"),
            (false, weight) => code.times(weight),
            (true, 0) => code.words("nip"),
            (true, 1) => code.words("+"),
            (true, -1) => code.words("swap -"),
            (true, ..0) => code.words("swap").times(-weight).words("-"),
            (true, _) => code.words("swap").times(*weight).words("+"),
        };
        has_sum |= *weight != 0;
    }
    if !has_sum {
        return None;
    }
    code.plus(*constant).over(denominator);
    Some(proposal(code, bits, n, &cases))
}

fn proposal<C: AsRef<[Cell]>>(code: Code, bits: u32, n: usize, cases: &[C]) -> Proposal {
    let outputs: Vec<Cell> = cases.iter().filter_map(|case| case.as_ref().last().copied()).collect();
    Proposal {
        code: code.into_text(),
        strategy: Strategy::ClosedForm,
        kind: "interpolation",
        // Its degree is a choice, too.
        bits: bits + occam::bits(n as i128 - 1) - 2,
        information: occam::information(&outputs),
        surplus: cases.len() - n,
        is_searched: false,
    }
}

/// Whole coefficients and what is divided by, so that the sum of the `n` parts of each case is its value.
fn combination<C>(
    cases: &[C],
    n: usize,
    parts: impl Fn(&C) -> (Option<Vec<i128>>, Cell),
) -> Option<(Vec<i128>, i128)> {
    let mut rows = Vec::with_capacity(CASES_MAX);
    for case in cases.iter().take(CASES_MAX) {
        let (parts, value) = parts(case);
        rows.push(parts?.into_iter().chain([value.into()]).map(exact::residue).collect());
    }
    let relation = exact::null_vector(&mut rows, n + 1)?;
    let (denominator, coefficients) = relation.split_last()?;
    if *denominator == 0 {
        return None;
    }
    let coefficients: Vec<i128> = coefficients.iter().map(|c| -c * denominator.signum()).collect();
    let denominator = denominator.abs();
    let holds = cases.iter().all(|case| {
        let (parts, value) = parts(case);
        let sum = parts.and_then(|parts| {
            parts.iter().zip(&coefficients).try_fold(0i128, |sum, (x, c)| sum.checked_add(x.checked_mul(*c)?))
        });
        sum.is_some() && sum == i128::from(value).checked_mul(denominator)
    });
    holds.then_some((coefficients, denominator))
}

/// Code that replaces x and y by `(a + b x + c y + d x y) / denominator`.
fn bilinear([a, b, c, d]: [i128; 4], denominator: i128) -> Code {
    let mut code = Code::new();
    match (b, c, d) {
        (_, 0, 0) => code.words("drop").times(b),
        (0, _, 0) => code.words("nip").times(c),
        (1, ..0, 0) => code.times(-c).words("-"),
        (_, ..0, 0) => code.words("swap").times(b).words("swap").times(-c).words("-"),
        (1, _, 0) => code.times(c).words("+"),
        (_, 1, 0) => code.words("swap").times(b).words("+"),
        (_, _, 0) => code.words("swap").times(b).words("swap").times(c).words("+"),
        (_, 0, _) => code.times(d).plus(b).words("*"),
        _ => code.words("tuck").times(d).plus(b).words("* swap").times(c).words("+"),
    };
    code.plus(a).over(denominator);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(inputs: &[&[Cell]], output: &[Cell], expect: Option<&str>) {
        let found = fit(inputs, output).filter(Proposal::is_sound);
        assert_eq!(found.map(|found| found.code).as_deref(), expect, "{output:?}");
    }

    #[test]
    fn lines_and_parabolas_go_through_scattered_points() {
        check(&[&[3, 7, 20]], &[118, 234, 611], Some("29 * 31 +"));
        check(&[&[2, 5, 9, 30]], &[17, 38, 94, 913], Some("dup * 13 +"));
        let x = [-9, 4, 11, 30, 52];
        check(&[&x], &x.map(|x| 3 * x * x - 40 * x + 7), Some("dup 3 * 40 - * 7 +"));
        let even = [2, 10, 24, 80, 100];
        check(&[&even], &even.map(|x| x * (x + 1) * (x + 2) / 6), Some("dup 3 + over * 2 + * 6 /"));
    }

    #[test]
    fn two_inputs_are_weighed_and_multiplied() {
        let (x, y) = ([1, 5, -8, 12, 40, 7], [9, 2, 31, -4, 3, 100]);
        let of = |f: fn(Cell, Cell) -> Cell| -> [Cell; 6] { std::array::from_fn(|at| f(x[at], y[at])) };
        check(&[&x, &y], &of(|x, y| 60 * x + y), Some("swap 60 * +"));
        check(&[&x, &y], &of(|x, y| x - 17 * y + 5), Some("17 * - 5 +"));
        check(&[&x, &y], &of(|x, y| 12 * x - y), Some("swap 12 * swap -"));
        check(&[&x, &y], &of(|x, y| 2 * x * y + 15 * x + 9 * y + 4), Some("tuck 2* 15 + * swap 9 * + 4 +"));
        check(&[&x, &y], &of(|x, y| 11 * x * y + 25 * x), Some("11 * 25 + *"));
        check(&[&x, &y], &of(|_, y| 35 * y - 1), Some("nip 35 * 1-"));
        check(&[&x, &y], &of(|x, y| x.max(3 * y)), None);
    }

    #[test]
    fn many_inputs_are_weighed() {
        let mut random = crate::model::random::Random::new(&[7]);
        let columns: Vec<Vec<Cell>> =
            (0..14).map(|_| (0..40).map(|_| random.within(-900, 900) as Cell).collect()).collect();
        let inputs = |n: usize| columns[..n].iter().map(Vec::as_slice).collect::<Vec<_>>();
        let of = |f: fn(&dyn Fn(usize) -> Cell) -> Cell| -> Vec<Cell> {
            (0..40).map(|at| f(&|input| columns[input][at])).collect()
        };
        check(&inputs(3), &of(|x| x(0) + x(1) + x(2)), Some("+ +"));
        check(&inputs(4), &of(|x| 3 * x(0) - x(1) - 5 * x(3) + 7), Some("-5 * nip swap - swap 3 * + 7 +"));
        check(&inputs(3), &of(|x| (x(0) + x(1) + 4 * x(2)).div_euclid(3)), None);
        check(&inputs(8), &of(|x| (0..8).map(x).sum()), Some("+ + + + + + +"));
        check(
            &inputs(14),
            &of(|x| x(0)),
            Some("drop drop drop drop drop drop drop drop drop drop drop drop drop"),
        );
        check(&inputs(3), &of(|x| x(0) * x(1) + x(2)), None);
        check(&inputs(3), &of(|_| 7), None);
    }

    #[test]
    fn as_many_coefficients_as_cases_explain_nothing() {
        check(&[&[3, 7]], &[118, 234], None);
        check(&[&[3, 7, 20]], &[118, 240, 611], None);
        // A parabola through three points, and large numbers through four.
        check(&[&[1, 2, 4]], &[14, 17, 29], None);
        check(&[&[1, 2, 4, 8]], &[1_000_003, 1_000_010, 1_000_024, 1_000_052], None);
        // The same case twice is one case.
        check(&[&[3, 7, 7]], &[118, 234, 234], None);
        check(&[&[3, 3, 7]], &[118, 119, 234], None);
    }
}
