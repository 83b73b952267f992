//! Sums over earlier terms, divisors and binomials: transforms that can be undone. A sequence is undone to another one, and
//! if that has a closed form, the sequence is the transform of it: necklaces, numbers of divisors of a kind, coefficients of
//! exponentials and reciprocals of simple power series, squares of series.

use crate::synth::sequence::code::Code;
use crate::synth::sequence::features::{FEATURES, factors};
use crate::synth::sequence::occam::bits;
use crate::synth::sequence::{Guess, Terms, closed, holonomic, with_exceptions};

/// The coefficients so far, the one in work, and n.
const PROLOGUE: &str = "here 0 {: n a m :} n";

const BINOMIAL: &str = "1 swap 0 ?do over i - * i 1+ / loop nip";

const TOTIENT: &str = "0 over 1+ 1 ?do over i begin ?dup while tuck mod repeat 1 = - loop nip";

/// A transform: what undoes it, and its code around the code `B` of the undone sequence.
struct Transform {
    /// From where on the terms are taken: 0 or 1.
    first: i64,
    /// The index of the first undone term.
    undone_first: i64,
    undo: fn(&[i128]) -> Option<Vec<i128>>,
    /// The code, with `B` for the undone term at the number on the stack; for transforms of power series the weight of a
    /// term and what is done to the sum.
    code: Shape,
}

enum Shape {
    Sum(&'static str),
    Series { weight: &'static str, after: &'static str },
}

const TRANSFORMS: &[Transform] = &[
    Transform {
        first: 1,
        undone_first: 1,
        undo: |a| dirichlet(a, mobius),
        code: Shape::Sum("0 over 1+ 1 ?do over i mod 0= if i B + then loop nip"),
    },
    Transform {
        first: 1,
        undone_first: 1,
        undo: |a| dirichlet(a, |d| d * mobius(d)),
        code: Shape::Sum("0 over 1+ 1 ?do over i mod 0= if over i / i B * + then loop nip"),
    },
    Transform {
        first: 1,
        undone_first: 1,
        undo: |a| {
            let times_n: Vec<i128> = (1..).zip(a).map(|(n, x)| x.checked_mul(n)).collect::<Option<_>>()?;
            dirichlet(&times_n, |n| factors(n as i64).iter().map(|(p, _)| 1 - i128::from(*p)).product())
        },
        code: Shape::Sum("0 over 1+ 1 ?do over i mod 0= if over i / PHI i B * + then loop over / nip"),
    },
    Transform {
        first: 0,
        undone_first: 0,
        undo: |a| {
            let at = |n: usize| {
                let term = |k: usize| {
                    let sign = if (n - k).is_multiple_of(2) { 1 } else { -1 };
                    binomial(n, k)?.checked_mul(sign * a[k])
                };
                (0..=n).try_fold(0i128, |sum, k| sum.checked_add(term(k)?))
            };
            (0..a.len()).map(at).collect()
        },
        code: Shape::Sum("0 over 1+ 0 ?do over i BINOMIAL i B * + loop nip"),
    },
    Transform {
        first: 0,
        undone_first: 0,
        undo: |a| {
            let root = i128::try_from(a[0].max(0).unsigned_abs().isqrt()).ok()?;
            if root == 0 || root * root != a[0] {
                return None;
            }
            let mut b = vec![root];
            for n in 1..a.len() {
                let known = (1..n).try_fold(0i128, |sum, k| sum.checked_add(b[k].checked_mul(b[n - k])?))?;
                b.push(exactly(a[n].checked_sub(known)?, 2 * root)?);
            }
            Some(b)
        },
        code: Shape::Sum("0 over 1+ 0 ?do over i - B i B * + loop nip"),
    },
    Transform {
        first: 0,
        undone_first: 1,
        undo: |a| undone(a, |_, _| Some(1), |_| 1),
        code: Shape::Series { weight: "", after: "" },
    },
    Transform {
        first: 0,
        undone_first: 1,
        undo: |a| undone(a, |n, k| binomial(n - 1, k - 1), |_| 1),
        code: Shape::Series { weight: "m 1- i 1- BINOMIAL *", after: "" },
    },
    Transform {
        first: 0,
        undone_first: 1,
        undo: |a| undone(a, binomial, |_| 1),
        code: Shape::Series { weight: "m i BINOMIAL *", after: "" },
    },
    Transform {
        first: 0,
        undone_first: 1,
        undo: |a| undone(a, |_, _| Some(1), |n| n as i128),
        code: Shape::Series { weight: "", after: "m /" },
    },
];

fn exactly(dividend: i128, divisor: i128) -> Option<i128> {
    (divisor != 0 && dividend % divisor == 0).then(|| dividend / divisor)
}

fn binomial(n: usize, k: usize) -> Option<i128> {
    (0..k as i128).try_fold(1i128, |c, i| Some(c.checked_mul(n as i128 - i)? / (i + 1)))
}

fn mobius(n: i128) -> i128 {
    factors(n as i64).iter().map(|(_, e)| if *e == 1 { -1 } else { 0 }).product()
}

/// The sum over the divisors d of n of `inverse(n / d) * a(d)`.
fn dirichlet(a: &[i128], inverse: impl Fn(i128) -> i128) -> Option<Vec<i128>> {
    let at = |n: i128| {
        let divisors = (1..=n).filter(|d| n % d == 0);
        divisors
            .into_iter()
            .try_fold(0i128, |sum, d| sum.checked_add(inverse(n / d).checked_mul(a[d as usize - 1])?))
    };
    (1..=a.len() as i128).map(at).collect()
}

/// b with `scale(n) a(n)` the sum over k from 1 to n of `weight(n, k) b(k) a(n-k)`.
fn undone(
    a: &[i128],
    weight: impl Fn(usize, usize) -> Option<i128>,
    scale: impl Fn(usize) -> i128,
) -> Option<Vec<i128>> {
    let mut b: Vec<i128> = Vec::new();
    for n in 1..a.len() {
        let mut rest = a[n].checked_mul(scale(n))?;
        for k in 1..n {
            rest = rest.checked_sub(weight(n, k)?.checked_mul(b[k - 1])?.checked_mul(a[n - k])?)?;
        }
        b.push(exactly(rest, weight(n, n)?.checked_mul(a[0])?)?);
    }
    Some(b)
}

/// The cheapest transform of something with a closed form.
pub fn fit(terms: &Terms<'_>) -> Option<Guess> {
    let mut best: Option<Guess> = None;
    for (rank, transform) in (1..).zip(TRANSFORMS) {
        if terms.start != transform.first || terms.values[0] == 0 && transform.first == 0 {
            continue;
        }
        let Some(undone) = (transform.undo)(&terms.wide()) else { continue };
        let Some(values) = undone.iter().map(|x| i64::try_from(*x).ok()).collect::<Option<Vec<i64>>>() else {
            continue;
        };
        let Some((inner, cost, parameters)) =
            inner(&Terms { start: transform.undone_first, values: &values })
        else {
            continue;
        };
        // There are many transforms, and many forms for each of them: the numbers count twice.
        let guess = write(transform, terms, &inner, 2 * cost + bits(rank) + 1, parameters);
        if best.as_ref().is_none_or(|best| guess.bits < best.bits) {
            best = Some(guess);
        }
    }
    best
}

/// Code, bits and parameters of the undone sequence: a closed form or a known function, perhaps with one exception.
fn inner(terms: &Terms<'_>) -> Option<(String, u32, usize)> {
    if terms.values.len() < 6 {
        return None;
    }
    let mut found: Vec<(String, u32, usize)> = Vec::new();
    for skipped in 0..=1 {
        let rest = terms.skip(skipped);
        let exception = terms.values[..skipped].iter().map(|x| bits((*x).into()) + 2).sum::<u32>();
        let fits = [closed::polynomial, closed::periodic, closed::recurrence, holonomic::fit];
        for fit in fits {
            let Some(guess) = fit(&rest) else { continue };
            if rest.values.len() >= guess.parameters + 3 {
                let code = with_exceptions(terms, skipped, "", &guess.code);
                found.push((code, guess.bits + exception, guess.parameters + skipped));
            }
        }
        for feature in FEATURES {
            let agrees = (rest.start..).zip(rest.values).all(|(n, value)| (feature.eval)(n) == Some(*value));
            if agrees {
                found.push((with_exceptions(terms, skipped, "", feature.code), 5 + exception, 1 + skipped));
            }
        }
    }
    found.into_iter().min_by_key(|(_, cost, _)| *cost)
}

fn write(transform: &Transform, terms: &Terms<'_>, inner: &str, cost: u32, parameters: usize) -> Guess {
    let replaced = |text: &str| {
        let word = |word: &str| match word {
            "B" => inner.to_owned(),
            "BINOMIAL" => BINOMIAL.to_owned(),
            "PHI" => TOTIENT.to_owned(),
            _ => word.to_owned(),
        };
        text.split(' ').map(word).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    };
    match transform.code {
        Shape::Sum(code) => Guess { prologue: "", code: replaced(code), bits: cost, parameters },
        Shape::Series { weight, after } => {
            let mut code = Code::new();
            code.words("to n n 1+ cells allot")
                .number(terms.values[0].into())
                .words("a ! n 1+ 1 ?do i to m 0");
            code.words("m 1+ 1 ?do a m i - cells + @")
                .words(&replaced(weight))
                .words("i")
                .words(&replaced("B"));
            code.words("* + loop").words(after).words("a m cells + ! loop");
            code.words("a n cells + @ n 1+ cells negate allot");
            let bits = cost + bits(terms.values[0].into());
            Guess { prologue: PROLOGUE, code: code.into_text(), bits, parameters: parameters + 1 }
        }
    }
}
