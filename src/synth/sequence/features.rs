//! Functions of one number that sequences are made of: divisors, primes, digits, roots. Each is given twice, as Forth that
//! replaces the number on top of the stack and as Rust that computes the same; a test holds one against the other.

use crate::model::{Cell, scalar};

/// One function.
pub struct Feature {
    /// What it is.
    pub name: &'static str,
    /// `( n -- value )`
    pub code: &'static str,
    /// The same; `None` where the code does not give an answer.
    pub eval: fn(Cell) -> Option<Cell>,
}

macro_rules! prime_test {
    () => {
        "dup 1 > swap 2 begin 2dup dup * >= >r 2dup mod 0<> r> and while 1+ repeat dup * < and"
    };
}

/// All functions, in canonical order.
pub const FEATURES: &[Feature] = &[
    Feature { name: "prime", code: prime_test!(), eval: |n| Some(scalar::flag(is_prime(n))) },
    Feature {
        name: "divisors",
        code: "0 over 1+ 1 ?do over i mod 0= - loop nip",
        eval: |n| positive(n).map(|n| factors(n).iter().map(|(_, e)| e + 1).product()),
    },
    Feature {
        name: "sum of divisors",
        code: "0 over 1+ 1 ?do over i mod 0= i and + loop nip",
        eval: |n| {
            positive(n)
                .map(|n| factors(n).iter().map(|(p, e)| (0..*e).fold(1, |sum, _| sum * p + 1)).product())
        },
    },
    Feature {
        name: "totient",
        code: "0 over 1+ 1 ?do over i begin ?dup while tuck mod repeat 1 = - loop nip",
        eval: |n| positive(n).map(|n| factors(n).iter().fold(n, |rest, (p, _)| rest / p * (p - 1))),
    },
    Feature {
        name: "least prime factor",
        code: "2 begin 2dup dup * >= >r 2dup mod 0<> r> and while 1+ repeat 2dup dup * < if drop else nip then",
        eval: |n| positive(n).map(|n| factors(n).first().map_or(1, |(p, _)| *p)),
    },
    Feature {
        name: "greatest prime factor",
        code: "2 begin 2dup dup * >= while 2dup mod if 1+ else tuck / swap then repeat drop",
        eval: |n| positive(n).map(|n| factors(n).last().map_or(1, |(p, _)| *p)),
    },
    Feature {
        name: "prime factors",
        code: "0 swap 2 begin over 1 > while 2dup mod if 1+ else tuck / swap rot 1+ -rot then repeat 2drop",
        eval: |n| positive(n).map(|n| factors(n).iter().map(|(_, e)| e).sum()),
    },
    Feature {
        name: "distinct prime factors",
        code: "0 swap 2 begin over 1 > while 2dup mod 0= if rot 1+ -rot begin tuck / swap 2dup mod until then 1+ repeat 2drop",
        eval: |n| positive(n).map(|n| factors(n).len() as Cell),
    },
    Feature {
        name: "product of distinct prime factors",
        code: "1 swap 2 begin over 1 > while 2dup mod 0= if rot over * -rot begin tuck / swap 2dup mod until then 1+ repeat 2drop",
        eval: |n| positive(n).map(|n| factors(n).iter().map(|(p, _)| p).product()),
    },
    Feature {
        name: "sum of prime factors",
        code: "0 swap 2 begin over 1 > while 2dup mod if 1+ else tuck / swap rot over + -rot then repeat 2drop",
        eval: |n| positive(n).map(|n| factors(n).iter().map(|(p, e)| p * e).sum()),
    },
    Feature {
        name: "Möbius function",
        code: "1 swap 2 begin over 1 > while 2dup mod 0= if tuck / swap rot negate -rot 2dup mod 0= if rot drop 0 -rot begin tuck / swap 2dup mod until then then 1+ repeat 2drop",
        eval: |n| positive(n).map(|n| factors(n).iter().map(|(_, e)| if *e == 1 { -1 } else { 0 }).product()),
    },
    Feature {
        name: "digit sum",
        code: "0 swap begin ?dup while 10 /mod -rot + swap repeat",
        eval: |n| digits(n, 10).map(|digits| digits.iter().sum()),
    },
    Feature {
        name: "digits",
        code: "0 swap begin ?dup while 10 / swap 1+ swap repeat",
        eval: |n| digits(n, 10).map(|digits| digits.len() as Cell),
    },
    Feature {
        name: "digit product",
        code: "1 swap begin ?dup while 10 /mod -rot * swap repeat",
        eval: |n| digits(n, 10).map(|digits| digits.iter().product()),
    },
    Feature {
        name: "reversed digits",
        code: "0 swap begin ?dup while 10 /mod -rot swap 10 * + swap repeat",
        eval: |n| digits(n, 10).map(|digits| digits.iter().fold(0, |sum, d| 10 * sum + d)),
    },
    Feature {
        name: "binary ones",
        code: "0 swap begin ?dup while dup 1 and rot + swap 2/ repeat",
        eval: |n| (n >= 0).then(|| n.count_ones().into()),
    },
    Feature {
        name: "binary length",
        code: "0 swap begin ?dup while 2/ swap 1+ swap repeat",
        eval: |n| (n >= 0).then(|| (64 - n.leading_zeros()).into()),
    },
    Feature {
        name: "trailing zeros",
        code: "0 swap begin dup 1 and 0= while 2/ swap 1+ swap repeat drop",
        eval: |n| (n != 0).then(|| n.trailing_zeros().into()),
    },
    Feature {
        name: "ternary digit sum",
        code: "0 swap begin ?dup while 3 /mod -rot + swap repeat",
        eval: |n| digits(n, 3).map(|digits| digits.iter().sum()),
    },
    Feature {
        name: "written in binary",
        code: "0 1 rot begin ?dup while 2 /mod >r over * rot + swap 10 * r> repeat drop",
        eval: |n| rewritten(n, 2, 10),
    },
    Feature {
        name: "written in ternary",
        code: "0 1 rot begin ?dup while 3 /mod >r over * rot + swap 10 * r> repeat drop",
        eval: |n| rewritten(n, 3, 10),
    },
    Feature {
        name: "binary read in ternary",
        code: "0 1 rot begin ?dup while 2 /mod >r over * rot + swap 3 * r> repeat drop",
        eval: |n| rewritten(n, 2, 3),
    },
    Feature {
        name: "binary reversed",
        code: "0 swap begin ?dup while 2 /mod -rot swap 2* + swap repeat",
        eval: |n| digits(n, 2).map(|digits| digits.iter().fold(0, |sum, d| 2 * sum + d)),
    },
    Feature {
        name: "square root",
        code: "0 begin 1+ 2dup dup * < until nip 1-",
        eval: |n| (0..1 << 40).contains(&n).then(|| n.isqrt()),
    },
    Feature {
        name: "triangular root",
        code: "0 begin 1+ 2dup dup 1+ * 2/ < until nip 1-",
        eval: |n| (0..1 << 40).contains(&n).then(|| ((8 * n + 1).isqrt() - 1) / 2),
    },
    Feature {
        name: "nth prime",
        code: concat!("1 swap 0 ?do begin 1+ dup ", prime_test!(), " until loop"),
        eval: |n| {
            (0..=2000)
                .contains(&n)
                .then(|| (0..n).fold(1, |p, _| (p + 1..).find(|q| is_prime(*q)).unwrap_or(0)))
        },
    },
    Feature {
        name: "primes up to",
        code: concat!("0 swap 1+ 2 ?do i ", prime_test!(), " - loop"),
        eval: |n| (1..=20_000).contains(&n).then(|| (2..=n).filter(|k| is_prime(*k)).count() as Cell),
    },
    Feature {
        name: "factorial",
        code: "1 swap 1+ 1 ?do i * loop",
        eval: |n| (0..=66).contains(&n).then(|| (1..=n).fold(1, Cell::wrapping_mul)),
    },
    Feature {
        name: "Fibonacci number",
        code: "0 1 rot 0 ?do tuck + loop drop",
        eval: |n| {
            (0..=200)
                .contains(&n)
                .then(|| (0..n).fold((0 as Cell, 1 as Cell), |(a, b), _| (b, a.wrapping_add(b))).0)
        },
    },
    Feature { name: "power of two", code: "1 swap lshift", eval: |n| Some(scalar::lshift(1, n)) },
];

fn positive(n: Cell) -> Option<Cell> {
    (1..1 << 20).contains(&n).then_some(n)
}

/// Whether a number is prime.
pub fn is_prime(n: Cell) -> bool {
    n > 1 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0)
}

/// Greatest common divisor.
pub fn gcd(mut a: Cell, mut b: Cell) -> Cell {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The prime powers of a positive number, smallest prime first.
pub fn factors(mut n: Cell) -> Vec<(Cell, Cell)> {
    let mut found = Vec::new();
    let mut p = 2;
    while p * p <= n {
        let mut e = 0;
        while n % p == 0 {
            n /= p;
            e += 1;
        }
        if e > 0 {
            found.push((p, e));
        }
        p += 1;
    }
    if n > 1 {
        found.push((n, 1));
    }
    found
}

/// The digits of a number that is not negative, lowest first.
fn digits(mut n: Cell, base: Cell) -> Option<Vec<Cell>> {
    if n < 0 {
        return None;
    }
    let mut found = Vec::new();
    while n > 0 {
        found.push(n % base);
        n /= base;
    }
    Some(found)
}

/// The digits in one base read in another.
fn rewritten(n: Cell, base: Cell, other: Cell) -> Option<Cell> {
    let digits = digits(n, base)?;
    Some(digits.iter().rev().fold(0 as Cell, |sum, d| sum.wrapping_mul(other).wrapping_add(*d)))
}
