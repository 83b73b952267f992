//! A small, seeded source of random numbers: xoshiro256**, seeded by SplitMix64. The same seed gives the same numbers
//! on every machine and in every version, because outcomes depend on them.

/// A generator.
///
/// ```
/// use wordmill::model::random::Random;
/// let (mut one, mut two) = (Random::new(&[7, 8]), Random::new(&[7, 8]));
/// assert_eq!(one.next_u64(), two.next_u64());
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// A generator whose numbers depend on all the words and their order.
    pub fn new(seed: &[u64]) -> Self {
        let mut mixed = 0x9E37_79B9_7F4A_7C15 ^ seed.len() as u64;
        for word in seed {
            mixed = split_mix(&mut (mixed ^ word));
        }
        Self { state: std::array::from_fn(|_| split_mix(&mut mixed)) }
    }

    /// 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.state;
        let result = s1.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (s2, s3) = (s2 ^ s0, s3 ^ s1);
        self.state = [s0 ^ s3, s1 ^ s2, s2 ^ (s1 << 17), s3.rotate_left(45)];
        result
    }

    /// A number below `limit`, which must not be 0. The bias is below `limit` in 2^64.
    #[inline]
    pub fn below(&mut self, limit: u64) -> u64 {
        debug_assert!(limit > 0, "nothing is below 0");
        ((self.next_u64() as u128 * limit as u128) >> 64) as u64
    }

    /// A number from `low` to `high`, both included; the range must not hold more than 2^64 numbers.
    pub fn within(&mut self, low: i128, high: i128) -> i128 {
        debug_assert!(low <= high && high - low <= u64::MAX as i128, "{low}..={high}");
        match u64::try_from(high - low).unwrap_or(u64::MAX).checked_add(1) {
            Some(count) => low + self.below(count) as i128,
            None => low + self.next_u64() as i128,
        }
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_mix_gives_the_published_numbers() {
        let mut state = 1_234_567;
        assert_eq!(split_mix(&mut state), 6_457_827_717_110_365_317);
        assert_eq!(split_mix(&mut state), 3_203_168_211_198_807_973);
    }

    #[test]
    fn xoshiro_gives_the_published_numbers() {
        let mut random = Random { state: [1, 2, 3, 4] };
        let numbers: Vec<u64> = (0..5).map(|_| random.next_u64()).collect();
        assert_eq!(numbers, [11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360]);
    }

    #[test]
    fn seeds_differ() {
        let first = |seed: &[u64]| Random::new(seed).next_u64();
        let seeds: [&[u64]; 6] = [&[], &[0], &[1], &[0, 0], &[0, 1], &[1, 0]];
        for (i, one) in seeds.iter().enumerate() {
            for other in &seeds[i + 1..] {
                assert_ne!(first(one), first(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn ranges_are_filled_evenly() {
        let mut random = Random::new(&[1]);
        let mut counts = [0u32; 10];
        for _ in 0..10_000 {
            counts[random.below(10) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        for _ in 0..1_000 {
            assert!((-3..=3).contains(&random.within(-3, 3)));
        }
        let whole = random.within(i64::MIN as i128, i64::MAX as i128);
        assert!(i64::try_from(whole).is_ok());
    }
}
