//! Number theory on checked 128-bit integers. Every function is total: `None` means that there is no answer or that it
//! does not fit; `Err(Halt)` that the work was too much.

use crate::spec::expr::eval::{Halt, Reason};

/// Quotient and remainder of floored division; `None` when the divisor is 0 or the quotient does not fit.
pub(super) fn div_mod_floored(dividend: i128, divisor: i128) -> Option<(i128, i128)> {
    if divisor == 0 {
        return None;
    }
    if let (Ok(a), Ok(b)) = (i64::try_from(dividend), i64::try_from(divisor)) {
        // Most numbers are small, and 128-bit division is several times slower.
        if b != -1 {
            let (quotient, remainder) = (a / b, a % b);
            let below = remainder != 0 && (remainder ^ b) < 0;
            return Some((
                (quotient - below as i64) as i128,
                (remainder + if below { b } else { 0 }) as i128,
            ));
        }
    }
    let quotient = dividend.checked_div(divisor)?;
    let remainder = dividend - quotient * divisor;
    if remainder != 0 && (remainder < 0) != (divisor < 0) {
        Some((quotient - 1, remainder + divisor))
    } else {
        Some((quotient, remainder))
    }
}

/// `base` to the power `exponent`; `None` for negative exponents and overflow.
pub(super) fn power(base: i128, exponent: i128) -> Option<i128> {
    if exponent < 0 {
        return None;
    }
    match base {
        0 => return Some((exponent == 0) as i128),
        1 => return Some(1),
        -1 => return Some(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => {}
    }
    base.checked_pow(u32::try_from(exponent).ok()?)
}

pub(super) fn gcd(a: i128, b: i128) -> Option<i128> {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    i128::try_from(a).ok()
}

pub(super) fn lcm(a: i128, b: i128) -> Option<i128> {
    if a == 0 || b == 0 {
        return Some(0);
    }
    (a / gcd(a, b)?).checked_mul(b)?.checked_abs()
}

/// The `n`th number of a sequence that begins `first`, `second` and goes on by adding the last two. It overflows long
/// before the loop gets long.
pub(super) fn fibonacci_like(n: i128, first: i128, second: i128) -> Option<i128> {
    if n < 0 {
        return None;
    }
    let (mut a, mut b) = (first, second);
    for done in 0..n {
        let next = a.checked_add(b);
        a = b;
        match next {
            Some(next) => b = next,
            None if done + 1 == n => return Some(a),
            None => return None,
        }
    }
    Some(a)
}

pub(super) fn factorial(n: i128) -> Option<i128> {
    if n < 0 {
        return None;
    }
    let mut product = 1i128;
    for factor in 2..=n {
        product = product.checked_mul(factor)?;
    }
    Some(product)
}

pub(super) fn binomial(n: i128, k: i128) -> Option<i128> {
    if n < 0 {
        return None;
    }
    if k < 0 || k > n {
        return Some(0);
    }
    let k = k.min(n - k);
    let mut result = 1i128;
    for i in 1..=k {
        result = result.checked_mul(n - k + i)? / i;
    }
    Some(result)
}

/// The floored square root.
pub(super) fn square_root(n: i128) -> Option<i128> {
    if n < 0 { None } else { Some(n.isqrt()) }
}

/// The cube root, rounded towards minus infinity.
pub(super) fn cube_root(n: i128) -> Option<i128> {
    let size = n.checked_abs()?;
    // One more than the cube root of the largest number.
    let (mut low, mut high) = (0i128, 5_541_191_377_757i128);
    while low + 1 < high {
        let middle = (low + high) / 2;
        if middle * middle * middle <= size { low = middle } else { high = middle }
    }
    if n >= 0 {
        return Some(low);
    }
    Some(if low * low * low == size { -low } else { -low - 1 })
}

/// The floored logarithm to a base of at least 2.
pub(super) fn logarithm(n: i128, base: i128) -> Option<i128> {
    if n < 1 || base < 2 { None } else { Some(n.ilog(base) as i128) }
}

/// Whether `n` is prime, exactly, for anything that fits 64 bits (Miller-Rabin with the first twelve primes as bases).
pub(super) fn is_prime(n: i128) -> Option<bool> {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 {
        return Some(false);
    }
    let n = u64::try_from(n).ok()?;
    for p in BASES {
        if n.is_multiple_of(p) {
            return Some(n == p);
        }
    }
    let twos = (n - 1).trailing_zeros();
    let odd = (n - 1) >> twos;
    'bases: for base in BASES {
        let mut x = power_mod_u64(base, odd, n);
        if x == 1 || x == n - 1 {
            continue;
        }
        for _ in 1..twos {
            x = ((x as u128 * x as u128) % n as u128) as u64;
            if x == n - 1 {
                continue 'bases;
            }
        }
        return Some(false);
    }
    Some(true)
}

fn power_mod_u64(base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let m = modulus as u128;
    let (mut result, mut base) = (1u128 % m, base as u128 % m);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % m;
        }
        base = base * base % m;
        exponent >>= 1;
    }
    result as u64
}

/// `base` to the power `exponent`, modulo a positive 64-bit number.
pub(super) fn power_mod(base: i128, exponent: i128, modulus: i128) -> Option<i128> {
    let (exponent, modulus) = (u64::try_from(exponent).ok()?, u64::try_from(modulus).ok()?);
    if modulus == 0 {
        return None;
    }
    let base = base.rem_euclid(modulus as i128) as u64;
    Some(power_mod_u64(base, exponent, modulus) as i128)
}

/// What the divisors of a number add up to.
#[derive(Clone, Copy)]
pub(super) enum Divisors {
    /// How many there are.
    Count,
    /// Their sum.
    Sum,
    /// How many numbers up to `n` have none in common with `n`.
    Totient,
}

/// A multiplicative function of `n` by trial division; every division costs a step.
pub(super) fn divisors(n: i128, what: Divisors, steps: &mut u32) -> Result<i128, Halt> {
    if n < 1 {
        return Err(Reason::Domain.into());
    }
    let mut rest = n;
    let mut result = 1i128;
    let mut prime = 2i128;
    while prime <= rest / prime {
        *steps = steps.checked_sub(1).ok_or(Reason::Steps)?;
        if rest % prime == 0 {
            let mut exponent = 0;
            while rest % prime == 0 {
                rest /= prime;
                exponent += 1;
            }
            result = prime_power(what, prime, exponent)
                .and_then(|f| result.checked_mul(f))
                .ok_or(Reason::Overflow)?;
        }
        prime += if prime == 2 { 1 } else { 2 };
    }
    if rest > 1 {
        result = prime_power(what, rest, 1).and_then(|f| result.checked_mul(f)).ok_or(Reason::Overflow)?;
    }
    Ok(result)
}

fn prime_power(what: Divisors, prime: i128, exponent: u32) -> Option<i128> {
    match what {
        Divisors::Count => Some(exponent as i128 + 1),
        Divisors::Totient => Some(prime.checked_pow(exponent - 1)? * (prime - 1)),
        Divisors::Sum => {
            let mut sum = 1i128;
            for _ in 0..exponent {
                sum = sum.checked_mul(prime)?.checked_add(1)?;
            }
            Some(sum)
        }
    }
}

/// The decimal digits of the absolute value: how many, their sum, and the number read backwards with its sign.
pub(super) fn digits(n: i128) -> Option<(i128, i128, i128)> {
    let mut rest = n.checked_abs()?;
    let (mut count, mut sum, mut reversed) = (0, 0, 0i128);
    loop {
        let digit = rest % 10;
        count += 1;
        sum += digit;
        reversed = reversed.checked_mul(10)?.checked_add(digit)?;
        rest /= 10;
        if rest == 0 {
            return Some((count, sum, if n < 0 { -reversed } else { reversed }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_agrees_with_the_scalar_table() {
        let numbers = [0, 1, -1, 2, -2, 7, -7, 100, i64::MAX, i64::MIN + 1, 1 << 40];
        for a in numbers {
            for b in numbers {
                let expected =
                    crate::model::scalar::div_mod_floored(a, b).map(|(q, r)| (q as i128, r as i128));
                assert_eq!(div_mod_floored(a as i128, b as i128), expected, "{a} / {b}");
            }
        }
        assert_eq!(div_mod_floored(i64::MIN as i128, -1), Some((1 << 63, 0)));
        assert_eq!(div_mod_floored(i128::MIN, -1), None);
        assert_eq!(div_mod_floored(1 << 100, -3).map(|(q, r)| q * -3 + r), Some(1 << 100));
        assert!(div_mod_floored(1 << 100, -3).is_some_and(|(_, r)| (-2..=0).contains(&r)));
    }

    #[test]
    fn sequences() {
        let fib: Vec<_> = (0..10).filter_map(|n| fibonacci_like(n, 0, 1)).collect();
        assert_eq!(fib, [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]);
        assert_eq!(fibonacci_like(184, 0, 1), Some(127127879743834334146972278486287885163));
        assert_eq!(fibonacci_like(1_000_000_000, 0, 1), None);
        assert_eq!(fibonacci_like(-1, 0, 1), None);
        assert_eq!(factorial(20), Some(2432902008176640000));
        assert_eq!(factorial(33), Some(8683317618811886495518194401280000000));
        assert_eq!(factorial(34), None);
        assert_eq!(binomial(10, 3), Some(120));
        assert_eq!(binomial(10, 11), Some(0));
        assert_eq!(binomial(1 << 90, 1), Some(1 << 90));
    }

    #[test]
    fn primes_agree_with_trial_division() {
        for n in 0..5_000i128 {
            let slow = n > 1 && (2..n).take_while(|d| d * d <= n).all(|d| n % d != 0);
            assert_eq!(is_prime(n), Some(slow), "{n}");
        }
        assert_eq!(is_prime(18446744073709551557), Some(true));
        assert_eq!(is_prime(3215031751), Some(false)); // a strong pseudoprime to bases 2, 3, 5 and 7
        assert_eq!(is_prime(1 << 62), Some(false));
        assert_eq!(is_prime(1 << 70), None);
    }

    #[test]
    fn roots_and_logarithms() {
        for n in -1000..1000i128 {
            let root = cube_root(n).unwrap();
            assert!(root.pow(3) <= n && n < (root + 1).pow(3), "{n}: {root}");
        }
        assert_eq!(square_root(99), Some(9));
        assert_eq!(square_root(-1), None);
        assert_eq!(logarithm(1023, 2), Some(9));
        assert_eq!(logarithm(0, 2), None);
    }

    #[test]
    fn divisor_functions_agree_with_counting() {
        for n in 1..300i128 {
            let all: Vec<i128> = (1..=n).filter(|d| n % d == 0).collect();
            let mut steps = 1000;
            assert_eq!(divisors(n, Divisors::Count, &mut steps), Ok(all.len() as i128));
            assert_eq!(divisors(n, Divisors::Sum, &mut steps), Ok(all.iter().sum()));
            let coprime = (1..=n).filter(|k| gcd(*k, n) == Some(1)).count() as i128;
            assert_eq!(divisors(n, Divisors::Totient, &mut steps), Ok(coprime));
        }
        let mut steps = 100;
        assert_eq!(divisors((1 << 61) - 1, Divisors::Count, &mut steps), Err(Halt::Unusable(Reason::Steps)));
    }

    #[test]
    fn powers() {
        assert_eq!(power(2, 126), Some(1 << 126));
        assert_eq!(power(2, 127), None);
        assert_eq!(power(-1, i128::MAX), Some(-1));
        assert_eq!(power(0, 0), Some(1));
        assert_eq!(power(2, -1), None);
        assert_eq!(power_mod(3, 1 << 62, 1_000_000_007), Some(252_513_328));
        assert_eq!(digits(-120), Some((3, 3, -21)));
        assert_eq!(digits(0), Some((1, 0, 0)));
    }
}
