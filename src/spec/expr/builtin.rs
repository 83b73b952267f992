//! The built-in functions: one table, which the parser looks names up in, the documents print and [`apply`] computes.

use crate::model::scalar;
use crate::spec::expr::eval::{Halt, Reason};
use crate::spec::expr::number::{self, Divisors};

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinRow {
    /// Which function.
    pub builtin: Builtin,
    /// Its names, the usual one first. Case does not matter, and `-` and `_` are the same; conditions are also found as
    /// `is_…`, `is-…` and `…?`.
    pub names: &'static [&'static str],
    /// The fewest arguments.
    pub args_min: u8,
    /// The most arguments.
    pub args_max: u8,
    /// It gives a flag.
    pub flag: bool,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! builtins {
    ($($variant:ident [$($name:literal)+] $min:literal..=$max:literal $kind:ident $meaning:literal;)*) => {
        /// A built-in function; the number is its row in [`BUILTINS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each variant is the function that its row in the table explains")]
        pub enum Builtin { $($variant,)* }

        /// All rows, by the number of the function.
        pub static BUILTINS: &[BuiltinRow] = &[$(BuiltinRow {
            builtin: Builtin::$variant, names: &[$($name),+], args_min: $min, args_max: $max,
            flag: builtins!(@$kind), meaning: $meaning,
        },)*];
    };
    (@flag) => { true };
    (@number) => { false };
}

builtins! {
    Abs ["abs" "absolute"] 1..=1 number "the absolute value, also written |x|";
    Sign ["sign" "sgn" "signum"] 1..=1 number "-1, 0 or 1";
    Min ["min" "minimum"] 1..=16 number "the smallest argument";
    Max ["max" "maximum"] 1..=16 number "the largest argument";
    Clamp ["clamp"] 3..=3 number "clamp(x, low, high): x moved into low..high; low must not be above high";
    Gcd ["gcd" "hcf"] 1..=16 number "the greatest common divisor, never negative; gcd(0, 0) is 0";
    Lcm ["lcm"] 1..=16 number "the least common multiple, never negative";
    Fib ["fib" "fibonacci"] 1..=1 number "Fibonacci numbers: fib(0) = 0, fib(1) = 1";
    Lucas ["lucas"] 1..=1 number "Lucas numbers: lucas(0) = 2, lucas(1) = 1";
    Factorial ["factorial" "fact"] 1..=1 number "the factorial, also written n!";
    Binomial ["binomial" "choose" "ncr"] 2..=2 number "binomial(n, k): the ways to choose k of n";
    Triangular ["triangular" "triangle"] 1..=1 number "n * (n + 1) / 2";
    Power ["pow" "power" "expt"] 2..=2 number "pow(x, n), also written x^n and x²; n must not be negative";
    PowerMod ["powmod" "modpow" "pow_mod"] 3..=3 number "powmod(x, n, m): x^n mod m for n >= 0, m > 0";
    Sqrt ["sqrt" "isqrt" "square_root"] 1..=1 number "the square root rounded down, also written √x";
    Cbrt ["cbrt" "icbrt" "cube_root"] 1..=1 number "the cube root rounded down";
    Log2 ["log2" "ilog2"] 1..=1 number "the logarithm to base 2, rounded down";
    Log10 ["log10" "ilog10"] 1..=1 number "the logarithm to base 10, rounded down";
    Square ["square" "sqr" "squared"] 1..=1 number "x * x";
    Cube ["cube" "cubed"] 1..=1 number "x * x * x";
    Double ["double" "twice"] 1..=1 number "2 * x";
    Successor ["succ" "inc" "increment"] 1..=1 number "x + 1";
    Predecessor ["pred" "dec" "decrement"] 1..=1 number "x - 1";
    Negate ["negate" "neg"] 1..=1 number "-x";
    Mod ["mod" "modulo"] 2..=2 number "mod(a, b), also a mod b and a % b: the remainder of floored division, with the sign of b";
    Div ["div" "quotient" "quot"] 2..=2 number "div(a, b), also a / b and ⌊a/b⌋: floored division";
    Rem ["rem" "remainder"] 2..=2 number "rem(a, b): the remainder of division rounded to zero, with the sign of a";
    CeilDiv ["ceil_div" "ceildiv"] 2..=2 number "ceil_div(a, b), also ⌈a/b⌉: division rounded up";
    Floor ["floor"] 1..=1 number "floor(a/b), also ⌊a/b⌋: here every number is whole and every division rounds down";
    Digits ["digit_count" "num_digits" "digits"] 1..=1 number "how many decimal digits";
    DigitSum ["digit_sum" "sum_of_digits" "sum_digits"] 1..=1 number "the sum of the decimal digits";
    Reverse ["reverse_digits" "digit_reverse"] 1..=1 number "the decimal digits backwards";
    DivisorCount ["num_divisors" "divisor_count" "tau"] 1..=1 number "how many positive divisors";
    DivisorSum ["sum_divisors" "divisor_sum" "sigma"] 1..=1 number "the sum of the positive divisors";
    Totient ["totient" "phi" "φ"] 1..=1 number "how many of 1..n are coprime to n";
    BitAnd ["band" "bitand" "bit_and"] 2..=2 number "bitwise and";
    BitOr ["bor" "bitor" "bit_or"] 2..=2 number "bitwise or";
    BitXor ["bxor" "bitxor" "bit_xor"] 2..=2 number "bitwise exclusive or, also ⊕";
    Invert ["invert" "bnot" "bitnot" "bit_not" "complement"] 1..=1 number "all 64 bits flipped, also ~x";
    ShiftLeft ["lshift" "shl" "shift_left"] 2..=2 number "lshift(x, n), also x << n: 64 bits, 0 for n of 64 and more";
    ShiftRight ["rshift" "shr" "shift_right"] 2..=2 number "rshift(x, n), also x >> n: logical, 64 bits, 0 for n of 64 and more";
    ShiftRightArithmetic ["arshift" "ashr" "sar"] 2..=2 number "arshift(x, n): floor(x / 2^n)";
    PopCount ["popcount" "bit_count" "popcnt"] 1..=1 number "how many of the 64 bits are set";
    BitLength ["bit_length" "bit_width"] 1..=1 number "the bits needed to write the 64-bit cell; 0 for 0";
    LeadingZeros ["clz" "leading_zeros" "nlz"] 1..=1 number "zero bits above the highest set bit of the 64";
    TrailingZeros ["ctz" "trailing_zeros" "ntz"] 1..=1 number "zero bits below the lowest set bit; 64 for 0";
    Bit ["bit"] 2..=2 number "bit(x, i): bit i of x, 0 or 1";
    Even ["even"] 1..=1 flag "divisible by 2";
    Odd ["odd"] 1..=1 flag "not divisible by 2";
    Prime ["prime"] 1..=1 flag "a prime number";
    Divides ["divides"] 2..=2 flag "divides(d, n), also d divides n: n is a multiple of d";
    Coprime ["coprime" "relatively_prime"] 2..=2 flag "gcd(a, b) = 1";
    PerfectSquare ["perfect_square" "square_number"] 1..=1 flag "the square of a whole number";
    PowerOfTwo ["power_of_two" "power_of_2" "pow2"] 1..=1 flag "1, 2, 4, 8, …";
    Positive ["positive"] 1..=1 flag "above 0";
    Negative ["negative"] 1..=1 flag "below 0";
    NonNegative ["nonnegative" "non_negative" "natural"] 1..=1 flag "0 or above";
    NonPositive ["nonpositive" "non_positive"] 1..=1 flag "0 or below";
    Zero ["zero"] 1..=1 flag "0";
    NonZero ["nonzero" "non_zero"] 1..=1 flag "not 0";
    Within ["within"] 3..=3 flag "within(x, low, high): low <= x < high, as Forth's WITHIN on 64-bit cells";
    Between ["between"] 3..=3 flag "between(x, low, high): low <= x <= high";
    Leap ["leap" "leap_year"] 1..=1 flag "a leap year of the Gregorian calendar";
}

impl Builtin {
    /// Its row of the table.
    pub fn row(self) -> &'static BuiltinRow {
        &BUILTINS[self as usize]
    }
}

/// Finds a function by name.
pub fn find(name: &str) -> Option<&'static BuiltinRow> {
    let exact = |wanted: &str| BUILTINS.iter().find(|row| row.names.iter().any(|known| same(known, wanted)));
    exact(name).or_else(|| {
        let base = name.strip_suffix('?').unwrap_or(name);
        let head = base.as_bytes().get(..3).unwrap_or_default();
        let prefixed = head.eq_ignore_ascii_case(b"is_") || head.eq_ignore_ascii_case(b"is-");
        let base = if prefixed { &base[3..] } else { base };
        exact(base).filter(|row| row.flag && base.len() < name.len())
    })
}

fn same(known: &str, wanted: &str) -> bool {
    known.len() == wanted.len()
        && known
            .bytes()
            .zip(wanted.bytes())
            .all(|(k, w)| k == w.to_ascii_lowercase() || (k == b'_' && w == b'-'))
}

/// A number as the 64 bits of a cell.
pub(super) fn bits(value: i128) -> Result<u64, Halt> {
    if let Ok(signed) = i64::try_from(value) {
        return Ok(signed as u64);
    }
    u64::try_from(value).map_err(|_| Reason::Overflow.into())
}

/// 64 bits as a number again.
pub(super) fn unbits(value: u64, unsigned: bool) -> i128 {
    if unsigned { value as i128 } else { value as i64 as i128 }
}

pub(super) fn shift(left: bool, x: i128, count: i128, unsigned: bool) -> Result<i128, Halt> {
    let (x, count) = (bits(x)? as i64, bits(count)? as i64);
    let result = if left { scalar::lshift(x, count) } else { scalar::rshift(x, count) };
    Ok(unbits(result as u64, unsigned))
}

/// Computes a function. `unsigned` says that an argument is an unsigned cell, so that bits come back unsigned.
pub(super) fn apply(builtin: Builtin, args: &[i128], unsigned: bool, steps: &mut u32) -> Result<i128, Halt> {
    let x = args[0];
    let y = args.get(1).copied().unwrap_or(0);
    let z = args.get(2).copied().unwrap_or(0);
    let truth = |condition: bool| Ok(-(condition as i128));
    let checked = |value: Option<i128>| value.ok_or(Halt::Unusable(Reason::Overflow));
    let domain = |value: Option<i128>| value.ok_or(Halt::Unusable(Reason::Domain));
    let divided = |value: Option<(i128, i128)>| value.ok_or(Halt::Unusable(Reason::DivisionByZero));
    match builtin {
        Builtin::Abs => checked(x.checked_abs()),
        Builtin::Sign => Ok(x.signum()),
        Builtin::Min => Ok(args.iter().copied().fold(x, i128::min)),
        Builtin::Max => Ok(args.iter().copied().fold(x, i128::max)),
        Builtin::Clamp => domain((y <= z).then(|| x.clamp(y, z))),
        Builtin::Gcd => checked(args.iter().try_fold(0, |so_far, next| number::gcd(so_far, *next))),
        Builtin::Lcm => checked(args.iter().try_fold(1, |so_far, next| number::lcm(so_far, *next))),
        Builtin::Fib => domain(number::fibonacci_like(x, 0, 1)),
        Builtin::Lucas => domain(number::fibonacci_like(x, 2, 1)),
        Builtin::Factorial => domain(number::factorial(x)),
        Builtin::Binomial => domain(number::binomial(x, y)),
        Builtin::Triangular => checked(x.checked_add(1).and_then(|next| x.checked_mul(next)).map(|p| p / 2)),
        Builtin::Power => domain(number::power(x, y)),
        Builtin::PowerMod => domain(number::power_mod(x, y, z)),
        Builtin::Sqrt => domain(number::square_root(x)),
        Builtin::Cbrt => checked(number::cube_root(x)),
        Builtin::Log2 => domain(number::logarithm(x, 2)),
        Builtin::Log10 => domain(number::logarithm(x, 10)),
        Builtin::Square => checked(x.checked_mul(x)),
        Builtin::Cube => checked(x.checked_mul(x).and_then(|square| square.checked_mul(x))),
        Builtin::Double => checked(x.checked_mul(2)),
        Builtin::Successor => checked(x.checked_add(1)),
        Builtin::Predecessor => checked(x.checked_sub(1)),
        Builtin::Negate => checked(x.checked_neg()),
        Builtin::Mod => divided(number::div_mod_floored(x, y)).map(|(_, remainder)| remainder),
        Builtin::Div => divided(number::div_mod_floored(x, y)).map(|(quotient, _)| quotient),
        Builtin::Rem => x.checked_rem(y).ok_or(Halt::Unusable(Reason::DivisionByZero)),
        Builtin::CeilDiv => divided(number::div_mod_floored(x, y))
            .map(|(quotient, remainder)| quotient + (remainder != 0) as i128),
        Builtin::Floor => Ok(x),
        Builtin::Digits => checked(number::digits(x).map(|(count, _, _)| count)),
        Builtin::DigitSum => checked(number::digits(x).map(|(_, sum, _)| sum)),
        Builtin::Reverse => checked(number::digits(x).map(|(_, _, reversed)| reversed)),
        Builtin::DivisorCount => number::divisors(x, Divisors::Count, steps),
        Builtin::DivisorSum => number::divisors(x, Divisors::Sum, steps),
        Builtin::Totient => number::divisors(x, Divisors::Totient, steps),
        Builtin::BitAnd => Ok(x & y),
        Builtin::BitOr => Ok(x | y),
        Builtin::BitXor if unsigned => Ok((bits(x)? ^ bits(y)?) as i128),
        Builtin::BitXor => Ok(x ^ y),
        Builtin::Invert => Ok(unbits(!bits(x)?, unsigned)),
        Builtin::ShiftLeft => shift(true, x, y, unsigned),
        Builtin::ShiftRight => shift(false, x, y, unsigned),
        Builtin::ShiftRightArithmetic => domain((y >= 0).then(|| x >> y.min(127))),
        Builtin::PopCount => Ok(bits(x)?.count_ones() as i128),
        Builtin::BitLength => Ok(64 - bits(x)?.leading_zeros() as i128),
        Builtin::LeadingZeros => Ok(bits(x)?.leading_zeros() as i128),
        Builtin::TrailingZeros => Ok(bits(x)?.trailing_zeros() as i128),
        Builtin::Bit => shift(false, x, y, true).map(|shifted| shifted & 1),
        Builtin::Even => truth(x & 1 == 0),
        Builtin::Odd => truth(x & 1 == 1),
        Builtin::Prime => match number::is_prime(x) {
            Some(prime) => truth(prime),
            None => Err(Reason::Steps.into()),
        },
        Builtin::Divides => truth(if x == 0 { y == 0 } else { y.checked_rem(x).is_none_or(|r| r == 0) }),
        Builtin::Coprime => truth(checked(number::gcd(x, y))? == 1),
        Builtin::PerfectSquare => truth(number::square_root(x).is_some_and(|root| root * root == x)),
        Builtin::PowerOfTwo => truth(x > 0 && x & (x - 1) == 0),
        Builtin::Positive => truth(x > 0),
        Builtin::Negative => truth(x < 0),
        Builtin::NonNegative => truth(x >= 0),
        Builtin::NonPositive => truth(x <= 0),
        Builtin::Zero => truth(x == 0),
        Builtin::NonZero => truth(x != 0),
        Builtin::Within => Ok(scalar::within(bits(x)? as i64, bits(y)? as i64, bits(z)? as i64) as i128),
        Builtin::Between => truth(y <= x && x <= z),
        Builtin::Leap => truth(x % 4 == 0 && (x % 100 != 0 || x % 400 == 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_once_each() {
        for row in BUILTINS {
            for name in row.names {
                assert_eq!(find(name).map(|found| found.builtin), Some(row.builtin), "{name}");
            }
            assert!(row.args_min >= 1 && row.args_min <= row.args_max);
        }
    }

    #[test]
    fn names_have_spellings() {
        let check = |name: &str, expected: Option<Builtin>| {
            assert_eq!(find(name).map(|row| row.builtin), expected, "{name}");
        };
        check("GCD", Some(Builtin::Gcd));
        check("bit-count", Some(Builtin::PopCount));
        check("even?", Some(Builtin::Even));
        check("is_even", Some(Builtin::Even));
        check("is-prime?", Some(Builtin::Prime));
        check("Is-Prime", Some(Builtin::Prime));
        check("is-abs", None);
        check("abs?", None);
        check("is", None);
        check("", None);
        check("éé", None);
    }
}
