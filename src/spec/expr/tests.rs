//! One line a case: text, environment, what it comes to.

use super::*;
use crate::model::CellType::{Bool, Int, Uint};

/// A word of the tests: its name, its arity, the types of its outputs and what it does.
type Native = (&'static str, usize, &'static [CellType], fn(&[Cell], &mut [Cell]) -> CallResult);

struct Natives<'w>(&'w [Native]);

impl Env for Natives<'_> {
    fn call(&mut self, word: usize, inputs: &[Cell], outputs: &mut [Cell]) -> CallResult {
        (self.0[word].3)(inputs, outputs)
    }
}

macro_rules! native {
    ($name:literal, $n_in:literal, $outputs:expr, |$inputs:ident, $outs:ident| $body:expr) => {
        ($name, $n_in, $outputs, {
            fn run($inputs: &[Cell], $outs: &mut [Cell]) -> CallResult {
                $body;
                CallResult::Values
            }
            run
        })
    };
}

const WORDS: &[Native] = &[
    native!("square", 1, &[Int], |i, o| o[0] = i[0].wrapping_mul(i[0])),
    native!("abs", 1, &[Int], |i, o| o[0] = i[0].wrapping_abs()),
    native!("factorial", 1, &[Int], |i, o| o[0] = (1..=i[0]).fold(1, i64::wrapping_mul)),
    native!("gcd", 2, &[Int], |i, o| o[0] = number::gcd(i[0] as i128, i[1] as i128).unwrap() as i64),
    native!("sum-to", 1, &[Int], |i, o| o[0] = i[0] * (i[0] + 1) / 2),
    native!("is-even", 1, &[Bool], |i, o| o[0] = -((i[0] % 2 == 0) as i64)),
    native!("even?", 1, &[Bool], |i, o| o[0] = -((i[0] % 2 == 0) as i64)),
    native!("divmod", 2, &[Int, Int], |i, o| {
        let Some((q, r)) = crate::model::scalar::div_mod_floored(i[0], i[1]) else {
            return CallResult::Failed;
        };
        o.copy_from_slice(&[q, r])
    }),
    native!("swap", 2, &[Int, Int], |i, o| o.copy_from_slice(&[i[1], i[0]])),
    native!("2square", 1, &[Int], |i, o| o[0] = 2 * i[0] * i[0]),
    native!("band", 2, &[Int], |i, o| o[0] = i[0] & i[1]),
    native!("wrong", 1, &[Int], |i, o| o[0] = i[0] + 1),
    native!("udouble", 1, &[Uint], |i, o| o[0] = i[0].wrapping_mul(2)),
    native!("fib", 1, &[Int], |i, o| {
        if i[0] < 0 {
            return CallResult::Failed;
        }
        o[0] = number::fibonacci_like(i[0] as i128, 0, 1).unwrap_or(0) as i64
    }),
];

const N: &[(&str, CellType, Cell)] = &[("n", Int, 5)];
const AB: &[(&str, CellType, Cell)] = &[("a", Int, 17), ("b", Int, 5)];

fn with_names<T>(
    word: &str,
    params: &[(&str, CellType, Cell)],
    outputs: &[&str],
    run: impl FnOnce(&Names<'_>, Row<'_>, &mut Natives<'_>) -> T,
) -> T {
    let natives: Vec<Native> =
        WORDS.iter().filter(|w| w.0 == word).chain(WORDS.iter().filter(|w| w.0 != word)).copied().collect();
    let own = natives[0];
    let types: Vec<CellType> = params.iter().map(|p| p.1).collect();
    let ints = [Int; 4];
    let words: Vec<Word<'_>> = natives
        .iter()
        .enumerate()
        .map(|(i, n)| {
            let inputs = if i == 0 && types.len() == n.1 { &types[..] } else { &ints[..n.1] };
            Word { name: n.0, effect: Some((inputs, n.2)) }
        })
        .collect();
    let params_named: Vec<Name<'_>> = params.iter().map(|p| Name { name: p.0, ty: p.1 }).collect();
    let outputs: Vec<Name<'_>> = outputs.iter().zip(own.2).map(|(name, ty)| Name { name, ty: *ty }).collect();
    let names = Names { params: &params_named, outputs: &outputs, words: &words };
    let mut cells: Vec<Cell> = params.iter().map(|p| p.2).collect();
    let mut all_types = types.clone();
    // Free variables of the tests are 3, 4, 5, …
    cells.extend(3..9);
    all_types.extend([Int; 6]);
    run(&names, Row { cells: &cells, types: &all_types }, &mut Natives(&natives))
}

/// What a value comes to, `unusable`, or the message of the error.
fn value(text: &str, params: &[(&str, CellType, Cell)]) -> String {
    let arena = Bump::new();
    with_names("none", params, &["result"], |names, row, _| match parse_value(&arena, text, names) {
        Ok(formula) => match formula.number(row, &mut NoWords) {
            Ok(number) => number.value.to_string(),
            Err(_) => "unusable".to_owned(),
        },
        Err(error) => error.to_string(),
    })
}

#[track_caller]
fn check(text: &str, params: &[(&str, CellType, Cell)], expected: i128) {
    assert_eq!(value(text, params), expected.to_string(), "{text}");
}

#[track_caller]
fn check_fails(text: &str, params: &[(&str, CellType, Cell)], expected: &str) {
    let got = value(text, params);
    assert!(got.contains(expected), "{text}: {got}");
}

#[track_caller]
fn verdict(
    word: &str,
    params: &[(&str, CellType, Cell)],
    outputs: &[&str],
    text: &str,
) -> Result<Verdict, ExprError> {
    let arena = Bump::new();
    with_names(word, params, outputs, |names, row, natives| {
        parse_property(&arena, text, names).map(|property| property.check(row, &[], natives))
    })
}

#[track_caller]
fn holds(word: &str, params: &[(&str, CellType, Cell)], text: &str) {
    let verdict = verdict(word, params, &["q", "r"], text);
    assert_eq!(verdict, Ok(Verdict::Holds), "{text}");
}

#[track_caller]
fn is(word: &str, params: &[(&str, CellType, Cell)], text: &str, expected: Verdict) {
    assert_eq!(verdict(word, params, &["q", "r"], text), Ok(expected), "{text}");
}

#[track_caller]
fn unparsable(word: &str, params: &[(&str, CellType, Cell)], text: &str, message: &str) {
    match verdict(word, params, &["q", "r"], text) {
        Ok(verdict) => panic!("{text}: parsed, {verdict:?}"),
        Err(error) => {
            let all = format!("{} / {}", error.message, error.suggestion.unwrap_or_default());
            assert!(all.contains(message), "{text}: {all}");
            assert!((error.position + error.len) as usize <= text.len(), "{text}: place outside of the text");
        }
    }
}

#[test]
fn arithmetic() {
    check("42", &[], 42);
    check("n", N, 5);
    check("n * n", N, 25);
    check("n*n+1", N, 26);
    check("1+n*n", N, 26);
    check("(1+n)*n", N, 30);
    check("a - b - 1", AB, 11);
    check("a - (b - 1)", AB, 13);
    check("a / b", AB, 3);
    check("a mod b", AB, 2);
    check("-a / b", AB, -4);
    check("-a mod b", AB, 3);
    check("a rem -b", AB, 2);
    check("-a rem b", AB, -2);
    check("a % b", AB, 2);
    check("a // b", AB, 3);
    check("a div b", AB, 3);
    check("a MOD b", AB, 2);
    check("2 ^ 10", &[], 1024);
    check("2 ** 3 ** 2", &[], 512);
    check("-n^2", N, -25);
    check("(-n)^2", N, 25);
    check("- - n", N, 5);
    check("+n", N, 5);
    check("a+-b", AB, 12);
    check("a * -b", AB, -85);
    check("1_000 + 0x10 + 0b11 + $ff + 1e3", &[], 2274);
    check("'A'", &[], 65);
    check("a plus b times 2", AB, 27);
    check("= n * 2", N, 10);
    check("result = n * 2", N, 10);
    check("max_int", &[], i64::MAX as i128);
    check("INT_MIN", &[], i64::MIN as i128);
}

#[test]
fn signs() {
    check("n²", N, 25);
    check("n³ − 1", N, 124);
    check("n⁴", N, 625);
    check("2ⁿ", N, 32);
    check("2n² + 3n + 1", N, 66);
    check("2(n+1)", N, 12);
    check("n(n+1)/2", N, 15);
    check("(a+b)(a-b)", AB, 264);
    check("n!", N, 120);
    check("(n-1)!", N, 24);
    check("2n!", N, 240);
    check("n! / 2", N, 60);
    check("|n|", N, 5);
    check("|-n|", N, 5);
    check("||a| - |b||", AB, 12);
    check("|a - b|² + |b - a|", AB, 156);
    check("2|b - a|", AB, 24);
    check("a × b", AB, 85);
    check("a · b", AB, 85);
    check("a ÷ b", AB, 3);
    check("⌊a/b⌋", AB, 3);
    check("⌈a/b⌉", AB, 4);
    check("floor(a / b)", AB, 3);
    check("ceil(a / b)", AB, 4);
    check("⌊n/2 + 1⌋", N, 3);
    check("√n", N, 2);
    check("√(n + 4)", N, 3);
    check("⌊√n⌋", N, 2);
    check("∛27", N, 3);
    check("a ≠ b", AB, -1);
    check("a ≤ b ∨ ¬(a = b)", AB, -1);
    check("α + x₁", &[("α", Int, 2), ("x₁", Int, 3)], 5);
    check("n'", &[("n'", Int, 2)], 2);
    check("a ⊕ b", AB, 20);
    check("Σ(i, 1, n, i²)", N, 55);
    check("n\u{a0}+\u{2003}1", N, 6);
    check_fails("⌊n/2 + n/3⌋", N, "divisions round down one by one");
    check_fails("⌈n/2 + 1⌉", N, "divisions round down one by one");
    check_fails("√n²", N, "two ways");
    check_fails("a/2b", AB, "two ways");
    check_fails("n!!", N, "two ways");
    check_fails("a | b", AB, "several ways");
    check_fails("|n", N, "`|` is missing");
    check_fails("n⁻¹", N, "not an exponent");
    check_fails("n / 2.5", N, "whole numbers");
    check_fails("😀", N, "not `😀`");
}

#[test]
fn functions() {
    check("abs(-n)", N, 5);
    check("sgn(-n)", N, -1);
    check("min(a, b)", AB, 5);
    check("max(a, b, 100)", AB, 100);
    check("gcd(a + 1, 12)", AB, 6);
    check("lcm(4, 6)", AB, 12);
    check("fib(10)", N, 55);
    check("factorial(n)", N, 120);
    check("pow(2, n)", N, 32);
    check("isqrt(99)", N, 9);
    check("clamp(a, 0, 10)", AB, 10);
    check("binomial(n, 2)", N, 10);
    check("popcount(255)", N, 8);
    check("bit_length(n)", N, 3);
    check("ctz(8) + clz(1)", N, 66);
    check("is_even(n)", N, 0);
    check("odd?(n)", N, -1);
    check("prime(n)", N, -1);
    check("divides(b, a + 3)", AB, -1);
    check("b divides a", AB, 0);
    check("digit_sum(1234)", N, 10);
    check("sum(i, 1, n, sum(j, 1, i, j))", N, 35);
    check("product(i, 1, n, i)", N, 120);
    check("count(d, 1, 12, 12 mod d = 0)", N, 6);
    check("Max(A, B)", AB, 17);
    check_fails("min()", N, "takes 1 argument");
    check_fails("pow(2)", N, "takes 2 arguments, 1 given");
    check_fails("foo(n)", N, "no function or word `foo`");
    check_fails("sqrt n", N, "not known here");
    check_fails("m + 1", N, "`m` is not known here");
}

#[test]
fn bits() {
    check("a and b", AB, 1);
    check("a or b", AB, 21);
    check("a xor b", AB, 20);
    check("a & b", AB, 1);
    check("a band 1 = 1", AB, -1);
    check("a and 1 = 1", AB, -1);
    check("a and 6 = 1", AB, 0);
    check("a & 1 = 1", AB, -1);
    check("~a", AB, -18);
    check("invert(0)", AB, -1);
    check("1 << 63", AB, i64::MIN as i128);
    check("1 << 64", AB, 0);
    check("-1 >> 60", AB, 15);
    check("a >> 1 << 1", AB, 16);
    check("x << 1", &[("x", Uint, 1 << 62)], 1 << 63);
    check("~x", &[("x", Uint, 0)], u64::MAX as i128);
    check("x + 1", &[("x", Uint, -1)], 1 << 64);
    check_fails("not a", AB, "two ways");
    check_fails("a > 0 and b", AB, "side by side");
    check_fails("a = 0 or 1", AB, "side by side");
    check_fails("0 < a & b < 3", AB, "two ways");
}

#[test]
fn conditions() {
    check("0 <= a <= 100", AB, -1);
    check("0 <= a <= 10", AB, 0);
    check("1 < b < a < 20", AB, -1);
    check("a != b and not a = 3", AB, -1);
    check("a <> b && a == 17 || false", AB, -1);
    check("b != 0 and a / b > 2", AB, -1);
    check("b == 5 or a / 0 > 2", AB, -1);
    check("a < b xor b < a", AB, -1);
    check("true implies a > b", AB, -1);
    check("a > b iff b < a", AB, -1);
    check("a > b <=> b < a", AB, -1);
    check("a in 0..20", AB, -1);
    check("a in 0..<17", AB, 0);
    check("a ∈ [0, 17)", AB, 0);
    check("a in {1, 5, 17}", AB, -1);
    check("a not in {1, 5}", AB, -1);
    check("a ∉ {1..20}", AB, 0);
    check("a ∈ ℕ", AB, -1);
    check("-a ∈ ℕ", AB, 0);
    check("a is odd", AB, -1);
    check("a is not even", AB, -1);
    check("a is a power of two", AB, 0);
    check("a + 3 is divisible by b", AB, -1);
    check("a between 1 and 20", AB, -1);
    check("a ≡ 2 (mod b)", AB, -1);
    check("a ≡ b mod 12", AB, -1);
    check("a > 0 ? 1 : -1", AB, 1);
    check("1 if a < b else 2", AB, 2);
    check("if a < b then 1 else 2", AB, 2);
    check("if(a < b, 1, 2) + 1", AB, 3);
    check("(1 if a < b else 2) * 10", AB, 20);
    check("1 if a < 0 else 2 if a < 18 else 3", AB, 2);
    check("1 if a > b, 0 if a = b, -1 otherwise", AB, 1);
    check("-1 if a < b; 0 if a = b; else 1", AB, 1);
    check("a if a > b", AB, 17);
    check("not b", &[("b", Bool, 0)], -1);
    check("p = q", &[("p", Bool, -1), ("q", Bool, 0)], 0);
    check_fails("a if a < b", AB, "unusable");
    check_fails("(a if a < b) + 1", AB, "`else` is missing");
    check_fails("a < b < ", AB, "missing at the end");
    check_fails("(a < b) = 1", AB, "a true flag is -1");
    check_fails("(a < b) + 1 < (a < b)", AB, "condition with a number");
    check_fails("1 if a else 2", AB, "a condition is due");
    check_fails("∃ x", AB, "cannot be checked");
}

#[test]
fn nothing_hangs() {
    check_fails("fib(10^9)", N, "unusable");
    check_fails("(10^9)!", N, "unusable");
    check_fails("prime(2^62 + 57)", N, "0");
    check_fails("totient(2^61 - 1)", N, "unusable");
    check_fails("sum(i, 0, 10^12, i)", N, "unusable");
    check_fails("sum(i, 0, 999, sum(j, 0, 999, sum(k, 0, 999, 1)))", N, "unusable");
    check_fails("2^2^2^2^2^2", N, "unusable");
    check_fails("n / 0", N, "unusable");
    check_fails("n mod (n - n)", N, "unusable");
    check_fails("2^-1", N, "unusable");
    check_fails("(-1)!", N, "unusable");
    check_fails("sqrt(-1)", N, "unusable");
    check_fails("2^126 * 4", N, "unusable");
    check_fails("gcd(2^126, 3) + 1 / (n - 5)", N, "unusable");
    check("lucas(0) * 0", N, 0);
}

#[test]
fn cells_must_hold_the_result() {
    let cell = |text: &str, ty: CellType| {
        let arena = Bump::new();
        let names = Names { params: &[Name { name: "n", ty: Int }], ..Names::default() };
        let row = Row { cells: &[i64::MAX], types: &[Int] };
        parse_value(&arena, text, &names).unwrap().cell(row, ty, &mut NoWords).ok()
    };
    assert_eq!(cell("n", Int), Some(i64::MAX));
    assert_eq!(cell("n + 1", Int), None);
    assert_eq!(cell("(n + n) / 2", Int), None, "a word would have to wrap on the way");
    assert_eq!(cell("n / 2 + n / 2", Int), Some(i64::MAX - 1));
    assert_eq!(cell("2^63", Uint), Some(i64::MIN));
    assert_eq!(cell("n > 0", Bool), Some(-1));
    assert_eq!(cell("1", Bool), None);
    assert_eq!(cell("-1", Uint), None);
}

#[test]
fn constraints() {
    let constraint = |text: &str, a: Cell, b: Cell| {
        let arena = Bump::new();
        let params = [Name { name: "a", ty: Int }, Name { name: "b", ty: Int }];
        let names = Names { params: &params, ..Names::default() };
        let formula = parse_constraint(&arena, text, &names, Some(0)).map_err(|e| e.message)?;
        formula.holds(Row { cells: &[a, b], types: &[Int, Int] }).map_err(|halt| format!("{halt:?}"))
    };
    let check = |text: &str, a: Cell, b: Cell, expected: bool| {
        assert_eq!(constraint(text, a, b), Ok(expected), "{text}");
    };
    check("a >= 0", 0, 0, true);
    check("> 0", 0, 0, false);
    check(">= 0 and <= 100", 50, 0, true);
    check("≥ 0, ≤ 100", 101, 0, false);
    check("positive", 1, 0, true);
    check("non-negative", -1, 0, false);
    check("nonzero and even", 3, 0, false);
    check("even and positive", 4, 0, true);
    check("a is prime", 7, 0, true);
    check("is prime", 8, 0, false);
    check("a > 0, b > 0", 1, 0, false);
    check("a, b > 0", 0, 1, false);
    check("a, b > 0", 1, 1, true);
    check("a <= b", 1, 1, true);
    check("in 0..10", 11, 0, false);
    check("0 <= a <= 20 and a != 13", 13, 0, false);
    check("a ∈ ℕ", -1, 0, false);
}

#[test]
fn constraint_errors() {
    let message = |text: &str| {
        let arena = Bump::new();
        let names = Names { params: &[Name { name: "count", ty: Int }], ..Names::default() };
        let error = parse_constraint(&arena, text, &names, Some(0)).unwrap_err();
        format!("{} / {}", error.message, error.suggestion.unwrap_or_default())
    };
    let check =
        |text: &str, expected: &str| assert!(message(text).contains(expected), "{text}: {}", message(text));
    check("cuont > 0", "did you mean `count`?");
    check("must be a valid index", "prose");
    check("count + 1", "a condition is due");
    check("", "missing at the end");
    check("count >", "missing at the end");
    check("0 < count) and", "not `)`");
    check("(count > 0", "`)` is missing");
}

#[test]
fn properties_of_the_field() {
    holds("factorial", N, "factorial(0) = 1");
    holds("factorial", N, "factorial(n) = n * factorial(n-1) for n > 1");
    holds("abs", N, "abs(n) = n if n >= 0");
    is("abs", N, "abs(n) = -n if n < 0", Verdict::Vacuous);
    holds("abs", N, "abs(-n) = abs(n)");
    holds("gcd", AB, "gcd(a, 0) = a");
    holds("gcd", AB, "gcd(a, b) = gcd(b, a mod b)");
    holds("gcd", AB, "gcd(a, b) = gcd(b, a)");
    holds("gcd", AB, "gcd(a, a) = a");
    holds("square", N, "square(n) = n * n");
    holds("square", N, "square(-n) = square(n)");
    holds("fib", N, "fib(n) = fib(n-1) + fib(n-2) for n > 1");
    is("wrong", N, "wrong(n) = n", Verdict::Fails);
    is("divmod", AB, "divmod(a, 0) = (0, 0)", Verdict::Traps);
}

#[test]
fn guards_and_quantifiers() {
    holds("square", N, "for all n: square(n) >= 0");
    holds("square", N, "for all n, square(n) >= 0");
    holds("square", N, "forall n. square(n) >= 0");
    holds("square", N, "∀n: square(n) ≥ 0");
    holds("square", N, "∀ n ∈ ℕ: square(n) ≥ n");
    holds("square", N, "∀n square(n) ≥ 0");
    holds("square", N, "for every integer n, square(n) >= 0");
    holds("square", N, "for all positive n: square(n) > 0");
    is("square", N, "for even n: square(n) > 0", Verdict::Vacuous);
    holds("square", N, "for n > 1: square(n) > n");
    holds("square", N, "if n > 1 then square(n) > n");
    holds("square", N, "if n > 1, square(n) > n");
    is("square", N, "if n > 9 then square(n) = 0", Verdict::Vacuous);
    holds("square", N, "when n > 1: square(n) > n");
    holds("square", N, "square(n) > n when n > 1");
    holds("square", N, "square(n) > n unless n = 0 or n = 1");
    is("square", N, "square(n) > n unless n = 5", Verdict::Vacuous);
    holds("square", N, "square(n) > n where n > 1");
    holds("square", N, "square(n) > n, for n > 1");
    holds("square", N, "square(n) > n provided that n > 1");
    holds("square", N, "square(n) >= n for all n");
    holds("square", N, "square(n) >= n for all n >= 0");
    holds("square", N, "square(n) >= n for n in 0..10");
    holds("square", N, "square(n) >= n for n = 5 or n = 6");
    is("square", N, "square(n) >= n for n = 7 or n = 6", Verdict::Vacuous);
    holds("square", N, "n > 1 implies square(n) > n");
    holds("square", N, "n > 1 => square(n) > n");
    holds("square", N, "n > 1 → square(n) > n");
    is("square", N, "n > 7 ⇒ square(n) > n", Verdict::Vacuous);
    holds("gcd", AB, "gcd(a, b) > 0 for a, b > 0");
    holds("gcd", AB, "gcd(a, b) > 0 for a > 0, b > 0");
    is("gcd", AB, "gcd(a, b) > 0 for a > 0, b > 5", Verdict::Vacuous);
    holds("gcd", AB, "for all a and b: gcd(a, b) divides a");
    holds("gcd", AB, "for all a b: gcd(a, b) divides a and gcd(a, b) divides b");
    holds("gcd", AB, "for all a, b such that a > b: gcd(a, b) = gcd(b, a)");
    holds("gcd", AB, "for all a, b such that a > b, gcd(a, b) = gcd(b, a)");
    is("gcd", AB, "for all a, b such that gcd(a, b) = 2, a = 0", Verdict::Vacuous);
    is("gcd", AB, "for all a, b where a < b: gcd(a, b) = 0", Verdict::Vacuous);
    is("gcd", AB, "for a > 0, gcd(a, b) = 1, gcd(b, a) = 0", Verdict::Fails);
    holds("gcd", AB, "for all a, b, a > b: gcd(a, b) = 1");
    holds("gcd", AB, "commutative: gcd(a, b) = gcd(b, a)");
    holds("gcd", AB, "gcd(x, y) = gcd(y, x)");
    holds("gcd", AB, "∀ first, second: gcd(first, second) = gcd(second, first)");
    holds("abs", N, "abs(abs(n)) = abs(n)");
    holds("square", N, "square(5) -> 25");
    holds("square", N, "square(5) → 25.");
    holds("square", N, "square(N) = N²");
}

#[test]
fn cases_and_conjunctions() {
    holds("abs", N, "abs(n) = n if n >= 0 else -n");
    holds("abs", N, "abs(n) = (n if n >= 0 else -n)");
    holds("abs", N, "abs(n) = if n < 0 then -n else n");
    holds("abs", N, "abs(n) = n if n >= 0, -n if n < 0");
    holds("abs", N, "abs(n) = -n if n < 0, n otherwise");
    holds("abs", N, "abs(n) = (n < 0 ? -n : n)");
    holds("abs", N, "abs(n) = n if n >= 0 else abs(n) = -n");
    is("wrong", N, "wrong(n) = n if n >= 0 else -n", Verdict::Fails);
    holds("square", N, "square(0) = 0 and square(1) = 1");
    holds("square", N, "square(0) = 0, square(1) = 1");
    is("wrong", N, "wrong(0) = 1; wrong(1) = 1", Verdict::Fails);
    holds("square", N, "square(0) = 0 and square(n) >= 0 or false");
    holds("is-even", N, "is-even(n) = (n mod 2 = 0)");
    holds("is-even", N, "is-even(n) = n mod 2 = 0");
    holds("is-even", N, "n mod 2 = 0 = is-even(n)");
    holds("is-even", N, "is-even(n) iff n mod 2 = 0");
    holds("is-even", N, "is-even(n) if and only if n is even");
    holds("is-even", N, "is-even(n) = even(n)");
    holds("is-even", N, "not is-even(n)");
    holds("is-even", N, "is-even(2 * n)");
    holds("is-even", N, "is-even(4) = true");
    holds("even?", N, "even?(4) and not even?(5)");
    is("even?", N, "even?(4) -> false", Verdict::Fails);
    holds("band", AB, "band(a, b) = a and b");
    holds("band", AB, "band(a, b) = a & b");
    holds("gcd", AB, "gcd(a, b) = gcd(b, a) = gcd(-a, b)");
}

#[test]
fn names_of_words() {
    holds("sum-to", N, "sum-to(n) = n * (n + 1) / 2");
    holds("sum-to", N, "sum-to(n) - sum-to(n-1) = n");
    holds("sum-to", N, "SUM-TO(3) = 6");
    holds("2square", N, "2square(n) = 2 * square(n)");
    holds("2square", N, "2square(n) = 2n²");
    holds("even?", N, "even?(n+1)");
    holds("square", AB, "square(a-b) = square(b-a)");
    holds("square", &[("a-b", Int, 3)], "square(a-b) = 9");
    holds("gcd", AB, "gcd (a, b) = 1");
}

#[test]
fn several_outputs() {
    holds("divmod", AB, "divmod(a,b) = (a/b, a mod b)");
    is("divmod", AB, "divmod(a,b) = (a/b, 0)", Verdict::Fails);
    holds("divmod", AB, "divmod(a,b) ≠ (a/b, 0)");
    holds("divmod", AB, "q * b + r = a");
    holds("divmod", AB, "0 <= r < b");
    holds("divmod", AB, "divmod(a, b).q = a / b and divmod(a, b).r = a mod b");
    holds("swap", AB, "swap(swap(a, b)) = (a, b)");
    holds("swap", AB, "swap(a, b) = (b, a)");
    assert_eq!(verdict("square", N, &["result"], "result >= 0 and result = n²"), Ok(Verdict::Holds));
    assert_eq!(verdict("square", N, &["y"], "result >= 0"), Ok(Verdict::Holds));
    assert_eq!(verdict("factorial", N, &["n!"], "factorial(n) = n!"), Ok(Verdict::Holds));
    unparsable("divmod", AB, "divmod(a,b) = a", "compares 2 values with one value");
    unparsable("divmod", AB, "divmod(a,b) = (a, b, a)", "compares 2 values with 3 values");
    unparsable("divmod", AB, "divmod(a,b) < (a, b)", "only be compared");
    unparsable("divmod", AB, "divmod(a,b) + 1 = 2", "one value is due");
    unparsable("divmod", AB, "divmod(a, b).z = 2", "after the dot");
}

#[test]
fn what_cannot_be_read_is_refused() {
    unparsable("square", N, "square(n) = n for n = 0, 1", "no condition");
    unparsable("square", N, "even numbers: square(n) = 0", "");
    unparsable("square", N, "zero: square(0) = 0", "");
    unparsable("square", N, "for f(n) > 0, square(n) > 0, square(n) > 1: n = 1", "");
    unparsable("square", N, "returns the larger number", "prose");
    unparsable("square", N, "square is always positive for real numbers", "prose");
    unparsable("square", N, "The result of squaring is never negative", "prose");
    unparsable("square", N, "squar(n) = n * n", "did you mean `square`?");
    unparsable("square", N, "square(n, n) = n * n", "takes 1 argument, 2 given");
    unparsable("square", N, "square(n) = m * m", "`m` is not known here");
    unparsable("square", N, "n >= 0", "says nothing about the word");
    unparsable("square", N, "square(n) = n * n * ", "missing at the end");
    unparsable("square", N, "square(n) == == n", "not `=`");
    unparsable("square", N, "square(n) = O(n)", "no function or word `O`");
    unparsable("square", N, "square(n) ≈ n", "not `≈`");
    unparsable("square", N, "", "missing at the end");
    unparsable("square", N, "   ", "missing at the end");
    unparsable("square", N, "square(n) + 1", "a condition is due");
    unparsable("square", N, "is-foo(n) = not even(n)", "no function or word `is-foo`");
    unparsable("square", N, "square(n) = n < 3", "two ways");
    unparsable("abs", &[("low", Int, 1)], "abs(lwo) >= low", "did you mean `low`?");
    unparsable("is-even", N, "is-even(n) = 1", "a true flag is -1");
    unparsable("is-even", N, "is-even(n) = n mod 2", "compares a condition with a number");
    let arena = Bump::new();
    with_names("square", N, &["result"], |names, _, _| {
        let error = parse_value(&arena, "square(n)", names)
            .map(|f| f.number(Row { cells: &[5], types: &[Int] }, &mut NoWords));
        assert!(matches!(error, Ok(Ok(Number { value: 25, .. }))), "the function is meant: {error:?}");
    });
    with_names("wrong", N, &["result"], |names, _, _| {
        let error = parse_value(&arena, "wrong(n)", names).unwrap_err();
        assert!(error.message.contains("cannot be what the word gives"), "{error}");
    });
}

#[test]
fn cells_that_wrapped_prove_nothing() {
    let big: &[(&str, CellType, Cell)] = &[("n", Int, 1 << 40)];
    is("square", big, "square(n) = n * n", Verdict::Unusable(Reason::Overflow));
    is("square", big, "square(n) <= n * n", Verdict::Unusable(Reason::Overflow));
    let uint: &[(&str, CellType, Cell)] = &[("n", Uint, i64::MIN)];
    is("udouble", uint, "udouble(n) = 2 * n", Verdict::Unusable(Reason::Overflow));
    is("udouble", &[("n", Uint, 1 << 62)], "udouble(n) = 2 * n", Verdict::Holds);
    is("square", big, "square(n * n) >= 0", Verdict::Unusable(Reason::Overflow));
}

#[test]
fn computed_arguments_outside_of_the_domain_prove_nothing() {
    let arena = Bump::new();
    let zero: &[(&str, CellType, Cell)] = &[("n", Int, 0)];
    with_names("fib", zero, &["result"], |names, row, natives| {
        let domain = [parse_constraint(&arena, "n >= 0", names, Some(0)).unwrap()];
        let property = parse_property(&arena, "fib(n) = fib(n-1) + fib(n-2)", names).unwrap();
        assert_eq!(property.check(row, &domain, natives), Verdict::Unusable(Reason::Domain));
        assert_eq!(property.check(row, &[], natives), Verdict::Traps);
        let literal = parse_property(&arena, "fib(-1) = 1", names).unwrap();
        assert_eq!(literal.check(row, &domain, natives), Verdict::Traps, "what is written is meant");
    });
}

#[test]
fn sides_are_known_for_reports() {
    let arena = Bump::new();
    with_names("divmod", AB, &["q", "r"], |names, row, natives| {
        let text = "divmod(a, b) = (a, b) for a > 1";
        let property = parse_property(&arena, text, names).unwrap();
        let sides = property.sides.unwrap();
        let part = |span: (u32, u32)| &text[span.0 as usize..span.1 as usize];
        assert_eq!(
            (part(sides.left_span), sides.op, part(sides.right_span)),
            ("divmod(a, b)", Comparison::Equal, "(a, b)")
        );
        assert_eq!(property.side_values(row, natives), Some((vec![3, 2], vec![17, 5])));
        assert_eq!(property.variables, 0b11);
        assert_eq!(property.bindings, [[0, 1]]);
        assert!(property.free.is_empty());
        let free = parse_property(&arena, "divmod(x, b) = divmod(x, 5)", names).unwrap();
        assert_eq!(free.free, ["x"]);
        assert_eq!(free.bindings, [[2, 1], [2, Property::NO_SLOT]]);
    });
}

#[test]
fn hostile_text_is_an_error() {
    let deep = |open: &str, close: &str| format!("{}n{}", open.repeat(10_000), close.repeat(10_000));
    check_fails(&"(".repeat(10_000), N, "nested too deeply");
    check_fails(&"(".repeat(100), N, "nested too deeply");
    check_fails(&deep("(", ")"), N, "longer than");
    check_fails(&"-".repeat(10_000), N, "nested too deeply");
    check_fails(&"√".repeat(5_000), N, "nested too deeply");
    check_fails(&"not ".repeat(4_000), N, "nested too deeply");
    check_fails(&"if ".repeat(5_000), N, "nested too deeply");
    check_fails(&"|".repeat(10_000), N, "nested too deeply");
    check_fails(&"1 if 1 = 1 else ".repeat(1_000), N, "nested too deeply");
    check_fails(&format!("n{}", "+n".repeat(8_000)), N, "nested too deeply");
    check_fails(&format!("n{}", "!".repeat(16_000)), N, "two ways");
    check_fails(&format!("n{}", "²¹".repeat(4_000)), N, "not an exponent");
    check_fails(&format!("n{}", "^n".repeat(8_000)), N, "nested too deeply");
    check_fails(&format!("max({}n)", "n,".repeat(8_000)), N, "more than 16");
    check_fails(&format!("n{}", "<n".repeat(8_000)), N, "too many comparisons");
    check_fails(&"9".repeat(5_000), N, "128 bits");
    check_fails(&"n".repeat(20_000), N, "longer than");
    holds("square", N, &format!("{}square(n) = 25", "for n: ".repeat(2_000)));
}

/// Mutations of good texts: whatever comes out, nothing panics, and places stay within the text.
#[test]
fn mutated_text_never_panics() {
    const SEEDS: &[&str] = &[
        "factorial(n) = n * factorial(n-1) for n > 1",
        "abs(n) = n if n >= 0 else -n",
        "∀ n ∈ ℕ: square(n) ≥ |n|² − n! × 2ⁿ",
        "divmod(a,b) = (⌊a/b⌋, a mod b) when b ≠ 0, b in {1, 2..5}",
        "for all positive n, m > 0: sum-to(n) - sum(i, 1, n, i) = 0; square(2) -> 4",
        "commutative: gcd(a, b) = gcd(b, a) unless not even?(a) xor 0x1F & ~b << 3 = $ff",
        "1 if a > b, 0 if a = b, -1 otherwise",
        "a ≡ b (mod 3) <=> a is divisible by √(b) ? 'x' : ∛b",
    ];
    const PARTS: &[&str] = &[
        "(", ")", "|", "²", "!", "😀", " ", "if", "for", ",", "n", "-", "=", "\u{0}", "é", "in", "[", "{",
        "..", ":", "'",
    ];
    let mut state = 7u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below.max(1)
    };
    let params = [("a", Int, 17), ("b", Uint, 5), ("n", Int, 5)];
    let mut parsed = 0;
    for round in 0..20_000 {
        let mut text: Vec<char> = SEEDS[round % SEEDS.len()].chars().collect();
        for _ in 0..=random(4) {
            let at = random(text.len());
            if text.is_empty() {
                break;
            }
            match random(4) {
                0 => drop(text.drain(at..(at + random(5)).min(text.len()))),
                1 => drop(text.splice(at..at, PARTS[random(PARTS.len())].chars())),
                2 => text.truncate(at.max(1)),
                _ => {
                    let other = random(text.len());
                    text.swap(at, other);
                }
            }
        }
        let text: String = text.into_iter().collect();
        let arena = Bump::new();
        with_names("square", &params, &["result"], |names, row, natives| {
            let place = |error: &ExprError| {
                let end = (error.position + error.len) as usize;
                assert!(
                    end <= text.len() && text.is_char_boundary(error.position as usize),
                    "{text}: {error:?}"
                );
            };
            match parse_value(&arena, &text, names) {
                Ok(formula) => drop(formula.number(row, natives)),
                Err(error) => place(&error),
            }
            match parse_constraint(&arena, &text, names, Some(0)) {
                Ok(formula) => drop(formula.holds(row)),
                Err(error) => place(&error),
            }
            match parse_property(&arena, &text, names) {
                Ok(property) => {
                    parsed += 1;
                    property.check(row, &[], natives);
                }
                Err(error) => place(&error),
            }
        });
    }
    assert!(parsed > 100, "{parsed}");
}
