//! Exact arithmetic for fitting: linear algebra modulo a large prime, fractions read back from it, and integers that say when
//! they overflow. Nothing found here is believed: what comes out is run on the terms.

/// The Mersenne prime 2^61-1: products of two residues fit 128 bits, and no coefficient of use comes near it.
pub const PRIME: u64 = (1 << 61) - 1;

/// The residue of an integer.
pub fn residue(x: i128) -> u64 {
    x.rem_euclid(i128::from(PRIME)) as u64
}

/// The integer of least magnitude with this residue.
pub fn signed(x: u64) -> i128 {
    if x > PRIME / 2 { i128::from(x) - i128::from(PRIME) } else { i128::from(x) }
}

/// Sum of residues.
pub fn add(a: u64, b: u64) -> u64 {
    let sum = a + b;
    if sum >= PRIME { sum - PRIME } else { sum }
}

/// Difference of residues.
pub fn sub(a: u64, b: u64) -> u64 {
    add(a, PRIME - b)
}

/// Product of residues.
pub fn mul(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}

/// Inverse of a residue that is not zero.
pub fn inverse(a: u64) -> u64 {
    let (mut power, mut base, mut result) = (PRIME - 2, a, 1);
    while power > 0 {
        if power & 1 == 1 {
            result = mul(result, base);
        }
        base = mul(base, base);
        power >>= 1;
    }
    result
}

/// Greatest common divisor, not negative.
pub fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a as i128
}

/// The fraction with small numerator and denominator that has this residue, if there is one.
fn fraction(x: u64) -> Option<(i128, i128)> {
    const BOUND: i128 = 1 << 29;
    let (mut r0, mut r1) = (i128::from(PRIME), i128::from(x));
    let (mut t0, mut t1) = (0i128, 1i128);
    while r1 > BOUND {
        let q = r0 / r1;
        (r0, r1) = (r1, r0 - q * r1);
        (t0, t1) = (t1, t0 - q * t1);
    }
    if t1 == 0 || t1.abs() > BOUND {
        return None;
    }
    Some(if t1 < 0 { (-r1, -t1) } else { (r1, t1) })
}

/// The one vector, up to a factor, that every row is orthogonal to, as coprime integers; `None` where there is none, more
/// than one, or its entries are not small.
pub fn null_vector(rows: &mut [Vec<u64>], n: usize) -> Option<Vec<i128>> {
    let mut pivots = Vec::with_capacity(n);
    let mut free = None;
    let mut row = 0;
    for column in 0..n {
        match (row..rows.len()).find(|at| rows[*at][column] != 0) {
            Some(at) => {
                rows.swap(row, at);
                let scale = inverse(rows[row][column]);
                rows[row].iter_mut().for_each(|x| *x = mul(*x, scale));
                let pivot = rows[row].clone();
                for (other, line) in rows.iter_mut().enumerate() {
                    if other != row && line[column] != 0 {
                        let factor = line[column];
                        for (x, y) in line.iter_mut().zip(&pivot) {
                            *x = sub(*x, mul(factor, *y));
                        }
                    }
                }
                pivots.push(column);
                row += 1;
            }
            None if free.is_none() => free = Some(column),
            None => return None,
        }
    }
    let free = free?;
    let mut fractions = vec![(0i128, 1i128); n];
    fractions[free] = (1, 1);
    for (line, column) in pivots.iter().enumerate() {
        fractions[*column] = fraction(sub(0, rows[line][free]))?;
    }
    let mut common = 1i128;
    for (_, denominator) in &fractions {
        common = common / gcd(common, *denominator) * denominator;
        if common > 1 << 60 {
            return None;
        }
    }
    let mut whole: Vec<i128> = fractions.iter().map(|(num, den)| num * (common / den)).collect();
    let divisor = whole.iter().fold(0, |so_far, x| gcd(so_far, *x));
    whole.iter_mut().for_each(|x| *x /= divisor);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn residues_come_back_as_what_they_were() {
        for x in [0i128, 1, -1, 12345, -99_999_999] {
            assert_eq!(signed(residue(x)), x);
        }
        assert_eq!(mul(inverse(7), 7), 1);
        assert_eq!(fraction(mul(residue(-22), inverse(7))), Some((-22, 7)));
    }

    #[test]
    fn a_null_vector_is_the_relation_of_the_columns() {
        let line = |a: i128| vec![residue(a), residue(a * a), residue(3 * a * a - 2 * a)];
        let mut rows: Vec<_> = (1..6).map(line).collect();
        let vector = null_vector(&mut rows, 3).unwrap();
        assert!(vector == [2, -3, 1] || vector == [-2, 3, -1]);
        let mut independent = vec![vec![1, 0], vec![0, 1]];
        assert_eq!(null_vector(&mut independent, 2), None);
    }
}
