//! Near duplicates: MinHash signatures over runs of words, found through bands that agree.

use rustc_hash::FxHashMap;

/// Numbers of a signature.
const HASHES: usize = 32;
/// Numbers that two signatures must share in one piece to be compared at all.
const BAND: usize = 4;
/// Words of a shingle.
const SHINGLE: usize = 3;
/// Numbers of 32 that agree in near duplicates: about 0.8 of their shingles are the same.
const AGREEING_MIN: usize = 26;
/// Texts of a bucket that a new one is compared with.
const COMPARED_MAX: usize = 16;

/// The signature of a text.
pub type Signature = [u32; HASHES];

/// The signature of words.
pub fn signature<'t>(words: impl Iterator<Item = &'t str>) -> Signature {
    let words: Vec<u64> = words.map(|word| hash(word.as_bytes())).collect();
    let mut signature = [u32::MAX; HASHES];
    let shingles = words.windows(SHINGLE.min(words.len().max(1)));
    for shingle in shingles {
        let mixed = shingle.iter().fold(0x9E37_79B9_7F4A_7C15_u64, |mixed, word| {
            (mixed.rotate_left(23) ^ word).wrapping_mul(0xD6E8_FEB8_6659_FD93)
        });
        for (at, least) in (1u64..).zip(&mut signature) {
            let value = (mixed ^ at.wrapping_mul(0xA076_1D64_78BD_642F)).wrapping_mul(0xE703_7ED1_A0B4_28DB);
            *least = (*least).min((value >> 32) as u32);
        }
    }
    signature
}

/// The cluster of each text: the least index of those that are near duplicates of each other, directly or through others.
pub fn clusters(signatures: &[Signature]) -> Vec<u32> {
    let mut parents: Vec<u32> = (0..signatures.len() as u32).collect();
    let mut buckets: FxHashMap<(usize, [u32; BAND]), Vec<u32>> = FxHashMap::default();
    for (index, signature) in (0u32..).zip(signatures) {
        for (band, piece) in signature.chunks_exact(BAND).enumerate() {
            let bucket = buckets.entry((band, piece.try_into().expect("a band"))).or_default();
            for other in bucket.iter().take(COMPARED_MAX) {
                let agreeing =
                    signature.iter().zip(&signatures[*other as usize]).filter(|(a, b)| a == b).count();
                if agreeing >= AGREEING_MIN {
                    join(&mut parents, index, *other);
                }
            }
            if bucket.len() < COMPARED_MAX {
                bucket.push(index);
            }
        }
    }
    (0..parents.len() as u32).map(|index| root(&mut parents, index)).collect()
}

fn root(parents: &mut [u32], mut index: u32) -> u32 {
    while parents[index as usize] != index {
        parents[index as usize] = parents[parents[index as usize] as usize];
        index = parents[index as usize];
    }
    index
}

/// The lesser root becomes that of both.
fn join(parents: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b) as usize] = a.min(b);
}

/// FNV-1a, mixed.
pub fn hash(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    (hash ^ (hash >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_duplicates_stand_together_and_others_do_not() {
        let long = |tail: &str| {
            let text = (0..60).map(|n| format!("w{n} ")).collect::<String>() + tail;
            signature(text.split_whitespace())
        };
        let other = signature("something else entirely with other words in it".split_whitespace());
        assert_eq!(clusters(&[long("a"), other, long("b"), long("a")]), [0, 1, 0, 0]);
        assert_eq!(clusters(&[signature("".split_whitespace()), other]), [0, 1]);
    }
}
