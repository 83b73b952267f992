//! Reading names: eight bytes of text at a time, the words that most texts are made of in an index of their own.

use crate::forth::words::{self, NameKey, Word};

/// The words that `machine::straight` runs.
const STRAIGHT_WORDS: &[Word] = {
    use Word::*;
    &[
        Dup,
        Drop,
        Swap,
        Over,
        Rot,
        MinusRot,
        Nip,
        Tuck,
        TwoDup,
        TwoDrop,
        TwoSwap,
        TwoOver,
        TwoRot,
        Plus,
        Minus,
        Star,
        Slash,
        Mod,
        Min,
        Max,
        LShift,
        RShift,
        And,
        Or,
        Xor,
        Equals,
        NotEquals,
        Less,
        Greater,
        LessEq,
        GreaterEq,
        ULess,
        UGreater,
        OnePlus,
        OneMinus,
        TwoStar,
        TwoSlash,
        Negate,
        Abs,
        Invert,
        ZeroEquals,
        ZeroNotEquals,
        ZeroLess,
        ZeroGreater,
    ]
};

const INDEX_BITS: u32 = 8;
const INDEX_LEN: usize = 1 << INDEX_BITS;

/// Gives each straight word a place of its own in the index; the compiler says so when it no longer does.
const MULTIPLIER: u64 = 0x9755_D4C1_3A90_2931;

/// The straight words by their keys. A key that is not there is no straight word.
static INDEX: [(NameKey, Word); INDEX_LEN] = {
    // No token has this key: a token holds no blank.
    let mut index = [(b' ' as NameKey, Word::Dup); INDEX_LEN];
    let mut i = 0;
    while i < STRAIGHT_WORDS.len() {
        let word = STRAIGHT_WORDS[i];
        let name = words::WORDS[word as usize].name.as_bytes();
        assert!(name.len() < 8);
        let key = words::name_key(name);
        let at = index_of(key);
        assert!(index[at].0 == b' ' as NameKey);
        index[at] = (key, word);
        i += 1;
    }
    index
};

#[inline(always)]
const fn index_of(key: NameKey) -> usize {
    (key.wrapping_mul(MULTIPLIER) >> (64 - INDEX_BITS)) as usize
}

/// The straight word with a key.
#[inline(always)]
pub(crate) fn straight_word(key: NameKey) -> Option<Word> {
    let (found, word) = INDEX[index_of(key)];
    (found == key).then_some(word)
}

/// The last bytes of a text in one integer, so that every token can be read as eight bytes.
pub(crate) struct Ending {
    bytes: u64,
    start: usize,
}

impl Ending {
    #[inline(always)]
    pub(crate) fn new(text: &[u8]) -> Self {
        match text.last_chunk::<8>() {
            Some(bytes) => Self { bytes: u64::from_le_bytes(*bytes), start: text.len() - 8 },
            None => Self { bytes: short(text), start: 0 },
        }
    }

    /// The bytes from an offset within the last eight; zeros follow, which delimit like blanks.
    #[inline(always)]
    pub(crate) fn from(&self, at: usize) -> u64 {
        self.bytes >> (8 * (at - self.start) % 64)
    }
}

/// Up to seven bytes in one integer, by overlapping reads.
#[inline(always)]
fn short(text: &[u8]) -> u64 {
    let n = text.len();
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        u32::from_le_bytes(*first) as u64 | (u32::from_le_bytes(*last) as u64) << (8 * (n - 4) % 64)
    } else if n > 0 {
        text[0] as u64 | (text[n / 2] as u64) << (8 * (n / 2)) | (text[n - 1] as u64) << (8 * (n - 1))
    } else {
        0
    }
}

/// The key of a name of up to eight bytes, without folding.
#[inline(always)]
pub(crate) fn key_of(name: &[u8]) -> Option<NameKey> {
    match name.len() {
        0..=7 => Some(short(name)),
        8 => name.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
        _ => None,
    }
}

/// Bit 7 of the lowest byte that is a blank or below is the lowest bit set; higher bits may be wrong.
#[inline(always)]
pub(crate) fn delimiters_in(bytes: u64) -> u64 {
    bytes.wrapping_sub(0x2121_2121_2121_2121) & !bytes & 0x8080_8080_8080_8080
}
