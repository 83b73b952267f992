use super::*;
use crate::forth::{Engine, Image, Limits};
use crate::synth::sequence::features::{FEATURES, gcd, is_prime};

fn engine() -> Engine {
    Engine::new(Image::shared(), Limits::default())
}

/// What the word gives at n.
fn run(engine: &mut Engine, code: &str, n: Cell) -> Option<Cell> {
    engine.reset();
    let xt = engine.define("a", code).unwrap_or_else(|error| panic!("{code}: {error}"));
    engine.checkpoint();
    engine.execute(xt, &[n]).ok()?;
    match engine.stack() {
        [value] => Some(*value),
        _ => None,
    }
}

/// The first sound proposal that the engine bears out on the terms.
fn solve(start: Cell, values: &[Cell]) -> Option<Proposal> {
    let terms = Terms { start, values };
    let mut engine = engine();
    let mut found = None;
    let mut accept = |proposal: &Proposal| {
        if found.is_some() {
            return true;
        }
        let is_right = |engine: &mut Engine| {
            (start..).zip(values).all(|(n, value)| run(engine, &proposal.code, n) == Some(*value))
        };
        let accepted = proposal.is_sound() && is_right(&mut engine);
        if accepted {
            found = Some(proposal.clone());
        }
        accepted
    };
    propose_fitted(&terms, &mut accept);
    propose_searched(&terms, 1_000_000, &AtomicBool::new(false), &mut accept);
    found
}

/// Shows the first `shown` values and holds the program against twice as many.
#[track_caller]
fn check(kind: &str, start: Cell, shown: Cell, value: impl Fn(Cell) -> Cell) {
    let values: Vec<Cell> = (start..start + shown).map(&value).collect();
    let found = solve(start, &values).unwrap_or_else(|| panic!("nothing for {values:?}"));
    assert_eq!(found.kind, kind, "{}", found.code);
    let mut engine = engine();
    for n in start..start + 2 * shown {
        assert_eq!(run(&mut engine, &found.code, n), Some(value(n)), "at {n}: {}", found.code);
    }
}

#[track_caller]
fn check_code(start: Cell, values: &[Cell], expect: &str) {
    let found = solve(start, values).unwrap_or_else(|| panic!("nothing for {values:?}"));
    assert_eq!(found.code, expect);
}

fn fibonacci(n: Cell) -> Cell {
    (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0
}

fn factorial(n: Cell) -> Cell {
    (1..=n).product()
}

fn n_divisors(n: Cell) -> Cell {
    (1..=n).filter(|d| n % d == 0).count() as Cell
}

fn binomial(n: Cell, k: Cell) -> Cell {
    (0..k).fold(1, |c, i| c * (n - i) / (i + 1))
}

fn nth(n: Cell, holds: impl Fn(Cell) -> bool) -> Cell {
    (1..).filter(|k| holds(*k)).nth(n as usize - 1).unwrap()
}

#[test]
fn polynomials_are_read_off_their_differences() {
    check_code(0, &[0, 1, 3, 6, 10, 15, 21, 28], "dup 1+ * 2/");
    check_code(1, &[1, 4, 9, 16, 25, 36, 49, 64], "dup *");
    check_code(0, &[7, 10, 13, 16, 19, 22, 25, 28], "3 * 7 +");
    // It is also a product of series, which says less in a long loop.
    check_code(0, &[0, 1, 4, 10, 20, 35, 56, 84, 120], "dup 3 + over * 2 + * 6 /");
    check("polynomial", 0, 12, |n| n * (n + 1) * (2 * n + 1) / 6);
    check("polynomial", -3, 12, |n| n * n * n - 5 * n + 2);
}

#[test]
fn a_polynomial_that_would_overflow_on_the_way_is_a_recurrence() {
    let value = |n: Cell| (0..9).map(|k| i128::from(n + k)).product::<i128>() as Cell / factorial(9) * 3 + n;
    let values: Vec<Cell> = (1..=20).map(value).collect();
    let found = closed::polynomial(&Terms { start: 1, values: &values }).unwrap();
    let mut engine = engine();
    for n in 1..=60 {
        assert_eq!(run(&mut engine, &found.code, n), Some(value(n)), "at {n}: {}", found.code);
    }
}

#[test]
fn rounded_and_alternating_polynomials_are_quasi_polynomials() {
    check_code(0, &[0, 0, 1, 2, 4, 6, 9, 12, 16, 20, 25, 30, 36, 42], "dup * 4 /");
    check("quasi-polynomial", 0, 20, |n| n / 3);
    check("quasi-polynomial", 0, 20, |n| n * n + [5, 0, 3][(n % 3) as usize]);
}

#[test]
fn what_repeats_is_a_table() {
    check_code(0, &[1, 0, 3, 1, 0, 3, 1, 0, 3, 1, 0, 3, 1, 0, 3], "3 mod 2* 49 swap rshift 3 and");
    check("periodic", 1, 20, |n| [900, -5, 17, 4][(n % 4) as usize]);
}

#[test]
fn linear_recurrences_carry_their_last_terms() {
    check_code(0, &[0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55], "0 1 rot 0 ?do tuck + loop drop");
    check_code(0, &[1, 3, 9, 27, 81, 243, 729, 2187], "1 swap 0 ?do 3 * loop");
    check_code(1, &[5, 10, 20, 40, 80, 160, 320, 640], "1- 5 swap lshift");
    check_code(0, &[1, 4, 13, 40, 121, 364, 1093, 3280], "1 swap 0 ?do 3 * 1+ loop");
    check("recurrence", 0, 20, |n| (0..n).fold((0, 0, 1), |(a, b, c), _| (b, c, a + b + c)).0);
    check("recurrence", 0, 20, |n| (0..n).fold([1, -2, 0, 3], |[a, b, c, d], _| [b, c, d, d - 2 * b + a])[0]);
    check("recurrence", 2, 20, |n| (1 << n) + n * n);
}

#[test]
fn first_terms_may_be_exceptions_and_are_paid_for() {
    check("polynomial", 0, 16, |n| if n == 0 { 42 } else { n * n * 3 - n });
    check("recurrence", 1, 16, |n| if n < 3 { 7 } else { fibonacci(n) * 5 });
}

#[test]
fn coefficients_may_be_polynomials_in_n() {
    check_code(0, &[1, 1, 2, 6, 24, 120, 720, 5040, 40320], "1 swap 1+ 1 ?do i * loop");
    check("holonomic", 0, 15, |n| binomial(2 * n, n) / (n + 1));
    // Motzkin numbers and involutions: two terms back.
    let motzkin = |n: Cell| {
        (0..n).fold((1, 1, 1), |(a, b, k), _| (b, ((2 * k + 3) * b + 3 * k * a) / (k + 3), k + 1)).0
    };
    check("holonomic", 0, 18, motzkin);
    check("holonomic", 0, 12, |n| (1..=n).fold((1, 1), |(a, b), k| (b, b + k * a)).0);
}

#[test]
fn products_of_geometric_series_are_read_off_their_exponents() {
    let series = |parts: &dyn Fn(usize) -> bool, n: usize| {
        let mut ways = vec![0; n + 1];
        ways[0] = 1;
        for part in (1..=n).filter(|part| parts(*part)) {
            for at in part..=n {
                ways[at] += ways[at - part];
            }
        }
        ways[n]
    };
    check("product", 0, 20, |n| series(&|_| true, n as usize));
    check("product", 0, 20, |n| series(&|part| part % 2 == 1, n as usize));
    check("product", 0, 24, |n| series(&|part| [3, 4, 7].contains(&part), n as usize));
    // Euler's pentagonal numbers: the inverse of the partitions.
    let pentagonal = |n: Cell| {
        let at = (-20..=20 as Cell).find(|k| k * (3 * k - 1) / 2 == n);
        at.map_or(0, |k| if k % 2 == 0 { 1 } else { -1 })
    };
    check("product", 0, 24, pentagonal);
}

#[test]
fn convergents_have_periodic_quotients() {
    // Denominators of the convergents to the square root of 7: 2; 1, 1, 1, 4, …
    let value = |n: Cell| (0..n).fold((0, 1), |(a, b), k| (b, [1, 1, 1, 4][(k % 4) as usize] * b + a)).1;
    check("continued", 0, 20, value);
}

#[test]
fn sums_over_earlier_terms_divisors_and_binomials_are_undone() {
    // Ordered ways to divide a set: the reciprocal of 2 - exp(x).
    let ordered = |n: Cell| {
        let mut a = vec![1];
        for m in 1..=n {
            a.push((1..=m).map(|k| binomial(m, k) * a[(m - k) as usize]).sum());
        }
        a[n as usize]
    };
    let bell = |n: Cell| {
        let mut a: Vec<Cell> = vec![1];
        for m in 1..=n {
            a.push((1..=m).map(|k| binomial(m - 1, k - 1) * a[(m - k) as usize]).sum());
        }
        a[n as usize]
    };
    check("transform", 0, 7, ordered);
    check("transform", 0, 10, bell);
    check_code(
        1,
        &(1..=20).map(n_divisors).collect::<Vec<_>>(),
        "0 over 1+ 1 ?do over i mod 0= if 1 + then loop nip",
    );
    check("transform", 1, 20, |n| (1..=n).filter(|k| gcd(*k, n) == 1).count() as Cell);
    // Necklaces of three colours.
    check("transform", 1, 15, |n| {
        (1..=n)
            .filter(|d| n % d == 0)
            .map(|d| (1..=d).filter(|k| gcd(*k, d) == 1).count() as Cell * (0..n / d).fold(1, |x, _| 3 * x))
            .sum::<Cell>()
            / n
    });
}

#[test]
fn digits_of_a_fraction_are_divided_out() {
    let digit = |n: Cell| (0..n).fold(1, |rest, _| rest * 10 % 97) * 10 / 97;
    check("fraction", 0, 20, digit);
}

#[test]
fn members_of_a_set_are_counted_off() {
    check("member", 1, 20, |n| nth(n, is_prime));
    check("member", 1, 20, |n| nth(n, |k| is_prime(k) && k % 5 == 3));
    check("member", 1, 20, |n| nth(n, |k| k % n_divisors(k) == 0));
    check("member", 1, 20, |n| nth(n, |k| is_prime(6 * k + 1) && is_prime(6 * k - 1)));
}

#[test]
fn functions_of_prime_powers_are_multiplied_and_added() {
    check("prime powers", 1, 20, |n| features::factors(n).iter().map(|(_, e)| 2 * e - 1).product());
    check("prime powers", 1, 20, |n| features::factors(n).iter().map(|(p, _)| p + 3).product());
    check("prime powers", 1, 20, |n| features::factors(n).iter().map(|(p, e)| p * p * e).sum());
}

#[test]
fn steps_use_the_last_terms_and_n() {
    check("step", 1, 18, |n| (1..n).fold(1, |a, k| (2 * a) ^ (k + 1)));
    check("step", 0, 18, |n| (0..n).fold(1, |a, _| a * 2 % 37));
}

#[test]
fn halves_of_n_lead_to_recursion() {
    fn gray(n: Cell) -> Cell {
        n ^ (n / 2)
    }
    fn spread(n: Cell) -> Cell {
        if n == 0 { 0 } else { 5 * spread(n / 2) + 3 * (n % 2) }
    }
    check("halving", 0, 20, spread);
    let values: Vec<Cell> = (0..20).map(gray).collect();
    assert!(solve(0, &values).is_some());
}

#[test]
fn rows_of_a_triangle_are_functions_of_row_and_column() {
    let place = |n: Cell| {
        let row = (0..).find(|r| (r + 1) * (r + 2) / 2 > n).unwrap();
        (row, n - row * (row + 1) / 2)
    };
    check("triangle", 0, 20, |n| {
        let (r, k) = place(n);
        binomial(r, k)
    });
    check("triangle", 0, 20, |n| {
        let (r, k) = place(n);
        binomial(r, k) * (r + k)
    });
}

#[test]
fn sums_and_functions_are_made_of_known_functions() {
    check("sum", 1, 20, |n| (1..=n).map(n_divisors).sum());
    check("function", 1, 20, |n| n * n + 3 * n_divisors(n));
    check("sum over k", 1, 12, |n| {
        (0..=n).fold(0, |sum: Cell, k| sum.wrapping_add(k.wrapping_pow(n as u32)))
    });
}

#[test]
fn what_looks_random_or_says_too_little_is_not_claimed() {
    let mut state = 7u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 52) as Cell
    };
    let values: Vec<Cell> = (0..20).map(|_| noise()).collect();
    assert!(solve(0, &values).is_none_or(|found| panic!("{found:?}")));
    // Few small terms fit too many rules.
    let found = solve(0, &[0, 1, 1, 0, 1, 0]);
    assert!(found.is_none(), "{found:?}");
}

#[test]
fn the_code_of_every_function_computes_what_it_says() {
    let mut engine = engine();
    for feature in FEATURES {
        let mut n_checked = 0;
        for n in (0..130).chain([255, 256, 720, 997]) {
            if let Some(value) = (feature.eval)(n) {
                let found = run(&mut engine, feature.code, n);
                // The code may take more fuel than there is; it may not be wrong.
                if let Some(found) = found {
                    assert_eq!(found, value, "{} of {n}", feature.name);
                    n_checked += 1;
                }
            }
        }
        assert!(n_checked >= 40, "{}: {n_checked}", feature.name);
    }
}

#[test]
fn proposals_are_the_same_every_time() {
    let values: Vec<Cell> = (1..=20).map(n_divisors).collect();
    let all = |values: &[Cell]| {
        let terms = Terms { start: 1, values };
        let mut seen = Vec::new();
        let mut accept = |proposal: &Proposal| {
            seen.push((proposal.code.clone(), proposal.bits));
            false
        };
        let fitted = propose_fitted(&terms, &mut accept);
        let searched = propose_searched(&terms, 200_000, &AtomicBool::new(false), &mut accept);
        (seen, fitted, searched)
    };
    assert_eq!(all(&values), all(&values));
}

#[test]
fn a_spent_budget_and_a_signal_begin_no_skeleton() {
    let values: Vec<Cell> = (1..=20).map(n_divisors).collect();
    let terms = Terms { start: 1, values: &values };
    let never = |budget, stopped| {
        let mut accept = |_: &Proposal| panic!("nothing may be tried");
        propose_searched(&terms, budget, &AtomicBool::new(stopped), &mut accept)
    };
    assert_eq!((never(0, false), never(1_000_000, true)), (0, 0));
}
